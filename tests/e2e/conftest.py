"""Fixtures. Tests run in random order (--seed); servers are shared, accounts
are not."""
import fcntl
import os
import pathlib
import random
import signal
import sys
import termios

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import peers      # noqa: E402
import rig        # noqa: E402
import txmpp      # noqa: E402
from fake import Fake   # noqa: E402
from pki import CA      # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=None)
    parser.addoption("--shard", default="0/1", help="I/N: which part of how many")


def leave_terminal():
    """Nobody is asked for a password where somebody sits and watches the run."""
    if os.getsid(0) == os.getpid():
        return
    try:
        with open("/dev/tty") as terminal:
            fcntl.ioctl(terminal, termios.TIOCNOTTY)
    except OSError:
        pass


def pytest_configure(config):
    leave_terminal()
    if config.getoption("--seed") is None:
        config.option.seed = random.randrange(10 ** 6)


def pytest_report_header(config):
    return f"seed {config.getoption('--seed')}, {txmpp.binary()}"


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.nodeid)
    random.Random(config.getoption("--seed")).shuffle(items)
    part, parts = map(int, config.getoption("--shard").split("/"))
    if parts > 1:
        # The slowest of the servers is started by one of them only.
        items.sort(key=lambda item: "ejabberd" not in item.fixturenames
                   and "[ejabberd" not in item.nodeid)
        size = -(-len(items) // parts)
        begin, end = part * size, (part + 1) * size
        config.hook.pytest_deselected(items=items[:begin] + items[end:])
        items[:] = items[begin:end]
        random.Random(config.getoption("--seed")).shuffle(items)


def pytest_terminal_summary(terminalreporter):
    """For tests/check.py."""
    path = os.environ.get("TXMPP_COUNTS")
    if path:
        stats = terminalreporter.stats
        counts = [len(stats.get(k, ())) for k in ("passed", "failed", "error",
                                                  "skipped")]
        pathlib.Path(path).write_text(
            f"{counts[0]} {counts[1] + counts[2]} {counts[3]}\n")


def sanitizer_reports():
    directory = os.environ.get("SANITIZER_LOGS")
    return (sorted(pathlib.Path(directory).glob("report.*"))
            if directory else [])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """No test may hang the run."""
    def ring(*_):
        raise TimeoutError("the test took more than five minutes")
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(300)
    yield
    signal.alarm(0)


@pytest.fixture(autouse=True)
def no_sanitizer_report():
    before = set(sanitizer_reports())
    yield
    for path in sanitizer_reports():
        if path not in before:
            pytest.fail(path.read_text(errors="replace")[:6000])


@pytest.fixture(scope="session")
def loop():
    loop = peers.Loop()
    yield loop
    loop.stop()


@pytest.fixture(scope="session")
def pair():
    """Two federated Prosodys: im.example.com and example.net."""
    with rig.Pair() as pair:
        yield pair


@pytest.fixture(scope="session")
def prosody(pair):
    return pair.a


@pytest.fixture(scope="session")
def ejabberd():
    names = [f"{n}{i}" for i in range(40) for n in ("juliet", "romeo")]
    with rig.Ejabberd(users=names) as server:
        yield server


@pytest.fixture
def bots(loop):
    """bots(account, …) signs a slixmpp client in."""
    made = []

    def make(account, *args, **kw):
        made.append(peers.Bot(loop, account, *args, **kw))
        return made[-1]
    yield make
    for bot in made:
        bot.stop()


@pytest.fixture
def profiles():
    """profiles(account or fake): a person's folder for the program."""
    made = []

    def make(what, **kw):
        profile = (txmpp.Profile.fake(what) if isinstance(what, Fake)
                   else txmpp.Profile.of(what, **kw))
        made.append(profile)
        return profile
    yield make
    for profile in made:
        profile.remove()


@pytest.fixture
def script(profiles):
    """script(account or fake or profile, OPTION…): the program on a pipe."""
    made = []

    def make(what, *options, **kw):
        profile = what if isinstance(what, txmpp.Profile) else profiles(what)
        made.append(txmpp.Script(profile, *options, **kw))
        return made[-1]
    yield make
    for one in made:
        one.__exit__(None)


@pytest.fixture
def screen(profiles):
    """screen(account or fake or profile, OPTION…): on a pseudo-terminal."""
    made = []

    def make(what, *options, **kw):
        profile = what if isinstance(what, txmpp.Profile) else profiles(what)
        made.append(txmpp.Screen(profile, *options, **kw))
        return made[-1]
    yield make
    for one in made:
        one.__exit__(None)


@pytest.fixture(scope="session")
def ca(tmp_path_factory):
    return CA(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def preload(tmp_path_factory):
    """preload("clock", CLOCK_FILE=…): the environment that puts
    preload/clock.c between the program and its C library."""
    folder = tmp_path_factory.mktemp("preload")
    return lambda name, **variables: txmpp.preload(folder, name, **variables)


@pytest.fixture
def fake(ca):
    server = Fake(ca)
    yield server
    server.close()


@pytest.fixture(scope="session")
def keeping():
    """A Prosody that keeps an archive."""
    with rig.Prosody("elsinore.example", modules=("mam", "smacks"), extra=(
            'default_archive_policy = true\narchive_expires_after = "never"\n'
            "max_archive_query_results = 250\n")) as server:
        yield server


@pytest.fixture(scope="session")
def keeping_too():
    """… and an ejabberd."""
    names = [f"{n}{i}" for i in range(20) for n in ("juliet", "romeo")]
    with rig.Ejabberd("messina.example", users=names, extra=(
            "  mod_mam: {default: always, assume_mam_usage: false}\n"
            "  mod_pubsub: {plugins: [flat, pep], last_item_cache: false,\n"
            "    max_items_node: 1000}\n")) as s:
        yield s


@pytest.fixture(params=["prosody", "ejabberd"])
def kept(request):
    """juliet and romeo of a server that keeps an archive, not of the same
    test; friends on Prosody, where the roster can be written."""
    if request.param == "prosody":
        from test_talk import friends
        return friends(request.getfixturevalue("keeping"))
    server = request.getfixturevalue("keeping_too")

    def take(prefix):
        account = next(a for a in server.ready if a.user.startswith(prefix))
        server.ready.remove(account)
        return account
    return take("juliet"), take("romeo")
