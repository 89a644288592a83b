"""Nothing is lost: F01, F02, F04 to F11, F17, F18, F21, F37, F39 with real
servers behind a cable that is cut, and with a server that does as it likes.

Short here; `make soak` (tests/soak) runs the full figures of trials.py."""
import random
import signal
import time

import pytest

import rig
import trials
from cable import Cable
from fake import BIND, CLIENT, q
from test_talk import friends
from trials import stored
from txmpp import PATIENCE

SM = "urn:xmpp:sm:3"
OFFER = f"<sm xmlns='{SM}'/>"


# ---- real servers ----------------------------------------------------------
@pytest.fixture(scope="session")
def managed():
    """A Prosody that does stream management."""
    with rig.Prosody("capulet.example", modules=("smacks",), extra=(
            "smacks_hibernation_time = 300\n")) as server:
        yield server


@pytest.fixture(params=["prosody", "ejabberd"])
def two(request):
    """juliet and romeo of a server with stream management."""
    if request.param == "prosody":
        return friends(request.getfixturevalue("managed"))
    server = request.getfixturevalue("ejabberd")
    names = sorted(a.user for a in server.ready)

    def take(prefix):
        name = next(n for n in names if n.startswith(prefix))
        account = next(a for a in server.ready if a.user == name)
        server.ready.remove(account)
        return account
    return take("juliet"), take("romeo")


@pytest.fixture
def cables():
    made = []

    def make(server):
        made.append(Cable(server.port))
        return made[-1]
    yield make
    for one in made:
        one.close()


def bodies(bot):
    return [str(s["body"]) for s in list(bot.stanzas)
            if s.name == "message" and s["body"] and s["type"] == "chat"]


def until(what, check, timeout=3 * PATIENCE):
    rig.wait_until(what, check, timeout)


def sign_in(script, profiles, cables, juliet):
    cable = cables(juliet.server)
    profile = profiles(juliet)
    profile.port = cable.port
    return script(profile).online(), cable, profile


@pytest.fixture
def pair_of(two, bots, profiles):
    """pair_of(kind): juliet, who uses the program, and romeo."""
    made = []

    def make(kind):
        made.append(trials.Two(*two, bots, profiles, kind))
        return made[-1]
    yield make
    for one in made:
        one.end()


KINDS = pytest.mark.parametrize("kind", [trials.Scripted, trials.Typed])


def check(score):
    shown = score.more["shown"]
    assert score.perfect() and score.out.sent and score.in_.sent, str(score)
    assert shown is None or shown.perfect(), vars(shown)
    assert score.more["unconfirmed"] == 0, str(score)
    assert score.more["kept"] == score.more["typed"], str(score)
    return score


@KINDS
def test_F01_cut_again_and_again(pair_of, kind):
    two = pair_of(kind)
    score = check(trials.cuts(two, 60, 20, 0.9, 3))
    assert score.more["cuts"] >= 2


@KINDS
def test_F02_pulled_out(pair_of, kind):
    check(trials.holes(pair_of(kind), 40, 20, 0.7, 0.5, 2))


def test_F10_F11_killed(pair_of, pytestconfig):
    """Killed at any moment: what the server was told we have is on disk, and
    nobody gets a message of ours twice."""
    two = pair_of(trials.Scripted)
    lives = trials.Lives(two, random.Random(pytestconfig.option.seed))
    score = check(lives.run(6, lives.killed))
    assert score.more["sound"] == 6
    assert score.out.sent >= 6


def test_F11_F22_the_dead_session_lives_on(pair_of, pytestconfig):
    """Killed, and the server does not know: the next process takes over what
    the server holds, or has it thrown out."""
    two = pair_of(trials.Scripted)
    lives = trials.Lives(two, random.Random(pytestconfig.option.seed))
    score = check(lives.run(4, lives.haunted))
    assert score.more["sound"] == 4
    assert two.cable.buried == 4


def test_F22_another_takes_the_resource(pair_of, profiles, script):
    """… and we take it back: what was written before, meanwhile and after is
    there once."""
    two = pair_of(trials.Typed)
    two.start().online()
    for _ in range(10):
        two.juliet_says()
    rival = script(profiles(two.juliet)).online()
    for _ in range(5):
        two.juliet_says()
    until("its end", lambda: not two.cable.pairs)
    for _ in range(5):
        two.juliet_says()
    until("what was typed", lambda: len(stored(
        two.profile, "id", trials.OUT)) == two.outs)
    assert rival.quit() == 0
    two.client.say("/connect")
    two.settle()
    score = two.score()
    assert score.out.perfect() and score.out.sent == 20, str(score)
    assert not score.more["unconfirmed"]
    two.client.quit()


def test_F12_power_cut(pair_of, pytestconfig, preload):
    """The same, and what the disk was not made to keep is gone, too."""
    two = pair_of(trials.Scripted)
    lives = trials.Lives(two, random.Random(pytestconfig.option.seed))
    score = check(lives.run(4, lambda: lives.powerless(preload, 300)))
    assert score.more["sound"] == 4


def test_F09_typed_offline(two, bots, profiles, screen):
    juliet, romeo = two
    bot = bots(romeo)
    profile = profiles(juliet)
    port, profile.port = profile.port, rig.free_port()     # nobody there
    s = screen(profile)
    s.line(f"/msg {romeo.jid}")
    s.wait("Message to")
    s.type("".join(f"out {i}\r" for i in range(50)))
    s.wait(r"out 49\b")
    s.line("/quit")
    assert s.wait_exit() == 0
    profile.port = port
    s = screen(profile)
    until("all to arrive", lambda: len(bodies(bot)) >= 50)
    assert bodies(bot) == [f"out {i}" for i in range(50)]
    s.line("/quit")
    assert s.wait_exit() == 0


def test_F18_stopped(managed, bots, script, profiles, cables):
    """The machine sleeps, the server drops us; we wake up."""
    juliet, romeo = friends(managed)
    bot = bots(romeo)
    t, cable, _ = sign_in(script, profiles, cables, juliet)
    t.run(f"/msg {romeo.jid} before")
    t.process.send_signal(signal.SIGSTOP)
    cable.cut()
    for i in range(5):
        bot.send(juliet.jid, f"in {i}")
    time.sleep(2)
    t.process.send_signal(signal.SIGCONT)
    t.wait("connected", timeout=10, resumed=True)
    for i in range(5):
        t.wait("message", body=f"in {i}")


@pytest.mark.parametrize("offset", ["3600", "-3600", "315360000"])
def test_F17_clock(managed, bots, script, preload, tmp_path, offset):
    juliet, romeo = friends(managed)
    bot = bots(romeo)
    clock = tmp_path / "clock"
    clock.write_text("0")
    t = script(juliet, env=preload("clock", CLOCK_FILE=str(clock))).online()
    for i in range(3):
        bot.send(juliet.jid, f"a {i}")
        t.wait("message", body=f"a {i}")
    clock.write_text(offset)
    for i in range(3):
        bot.send(juliet.jid, f"b {i}")
        t.run(f"/msg {romeo.jid} c {i}")
    t.wait("message", body="b 2")
    until("ours to arrive", lambda: bodies(bot) == ["c 0", "c 1", "c 2"])
    profile = t.profile
    assert t.quit() == 0
    assert [b for b in stored(profile) if b[0] in "ab"] == [
        "a 0", "a 1", "a 2", "b 0", "b 1", "b 2"]
    assert not t.ever("disconnected", reason=lambda r: r != "closed")


# ---- a server that does as it likes ----------------------------------------
class Managed:
    """One connection of the scripted server, which counts."""

    def __init__(self, conn, jid=None):
        self.c = conn
        self.c.jid = jid or conn.jid
        self.out = 0
        self.place = {}     # id of a message -> its number

    def take(self, element):
        if not element.tag.startswith(f"{{{CLIENT}}}"):
            return
        self.out += 1
        if element.tag == q("message"):
            self.place[element.get("id")] = self.out
        if not self.c.answer(element):
            self.c.seen.append(element)

    def nonza(self, name, timeout=20):
        """The next nonza of that name."""
        while True:
            element = self.c.next(timeout)
            if element.tag == q(name, SM):
                return element
            self.take(element)

    def settle(self):
        """Everything that was sent so far is worked through."""
        self.c.send(f"<r xmlns='{SM}'/>")
        return int(self.nonza("a").get("h"))

    def ack(self, h=None):
        self.c.send(f"<a xmlns='{SM}' h='{self.out if h is None else h}'/>")

    def messages(self):
        return [(s.get("id"), s.findtext(q("body"))) for s in self.c.seen
                if s.tag == q("message") and s.find(q("body")) is not None]

    def get(self, count, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while len(self.messages()) < count:
            self.take(self.c.next(max(0.01, end - time.monotonic())))
        return self.messages()

    def enabled(self, ident="s1", attrs="resume='true' max='300'"):
        assert self.nonza("enable").get("resume") == "true"
        self.out = 0
        self.c.send(f"<enabled xmlns='{SM}' id='{ident}' {attrs}/>")
        return self

    def synced(self):
        """Roster and presence are through."""
        while not any(s.tag == q("presence") for s in self.c.seen):
            self.take(self.c.next())
        self.settle()
        return self

    def failed(self, h=None):
        """The session is not there any more: a new one is bound."""
        attr = "" if h is None else f" h='{h}'"
        self.c.send(f"<failed xmlns='{SM}'{attr}><item-not-found "
                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
        request = self.c.next()
        assert request[0].tag == q("bind", BIND)
        self.c.send(f"<iq type='result' id='{request.get('id')}'><bind "
                    f"xmlns='{BIND}'><jid>{self.c.jid}</jid></bind></iq>")
        return self.enabled("s2")

    def resumed(self, h, ident="s1"):
        self.out = h
        self.c.send(f"<resumed xmlns='{SM}' previd='{ident}' h='{h}'/>")
        return self


def enable(fake, timeout=PATIENCE, **kw):
    """Signed in, with stream management and everything counted."""
    c = fake.accept(timeout)
    c.login(extra=OFFER)
    return Managed(c).enabled(**kw).synced()


def resuming(fake, timeout=PATIENCE):
    """The next connection, up to its <resume/>."""
    c = fake.accept(timeout)
    c.starttls()
    c.auth()
    c.open(f"<bind xmlns='{BIND}'/>{OFFER}")
    request = c.next()
    assert request.tag == q("resume", SM), request.tag
    return Managed(c, fake.full), request


@pytest.fixture
def profile(fake, profiles):
    return profiles(fake)


@pytest.fixture
def talking(fake, profile, screen):
    """The screen, where lines do not wait for each other, and its server."""
    s = screen(profile)
    m = enable(fake)
    s.wait("online")
    s.line("/msg bob@b.tld")
    s.wait("Message to")
    return s, m


def write(s, m, count, first=1):
    for i in range(first, first + count):
        s.line(f"out {i}")
    return m.get(count)


@pytest.mark.parametrize("bad", ["9999", "abc", "-1", None, "lower"])
def test_F08_impossible(fake, script, bad):
    t = script(fake)
    m = enable(fake)
    t.wait("connected")
    t.feed("/msg bob@b.tld one")
    (ident, _), = m.get(1)
    m.ack(m.out - 1)
    if bad == "lower":
        m.ack(m.out - 2)
    elif bad is None:
        m.c.send(f"<a xmlns='{SM}'/>")
    else:
        m.ack(bad)
    m.c.until_closed()
    assert b"<undefined-condition" in m.c.received
    assert b"<handled-count-too-high" in m.c.received
    # A new session, and the message again under its id.
    m = enable(fake)
    assert m.get(1)[0][0] == ident
    m.ack()
    t.wait("result", command="msg", ok=True)


def test_F05_failed_with_h(fake, talking):
    """20 sent, 12 there: exactly the other eight again, with the same ids."""
    s, m = talking
    sent = write(s, m, 20)
    m.c.rst()
    again, request = resuming(fake)
    assert request.get("previd") == "s1"
    again.failed(m.place[sent[11][0]])
    assert again.get(8) == sent[12:]
    again.ack()
    again.settle()
    assert again.messages() == sent[12:]


def test_F06_failed_without_h(fake, talking):
    """Nobody knows, and there is no archive: all again, with the same ids."""
    s, m = talking
    sent = write(s, m, 4)
    m.ack(m.place[sent[0][0]])
    m.settle()
    m.c.rst()
    again, _ = resuming(fake)
    again.failed()
    assert again.get(3) == sent[1:]
    assert b"origin-id" in again.c.received


def test_F07_resumed_five_times(fake, talking):
    s, m = talking
    sent = write(s, m, 10)
    for n in range(5):
        m.c.rst()
        done = 2 * n + 2
        m, request = resuming(fake)
        m.resumed(m_place(sent, talking[1], done))
        m.settle()
        assert m.messages() == sent[done:]
    assert not any(i.get("type") == "get" for i in m.c.seen
                   if i.tag == q("iq"))


def m_place(sent, m, n):
    return m.place[sent[n - 1][0]]


def test_F10_restart_between_write_and_ack(fake, profile, screen, talking):
    """Killed with three on the way: the next process takes the session up and
    sends what the server lacks, nothing else."""
    s, m = talking
    sent = write(s, m, 3)
    m.c.send("<message from='bob@b.tld/p' id='b1'><body>hello</body></message>")
    h = m.settle()
    s.process.kill()
    s.process.wait()
    m.c.fin()
    screen(profile)
    again, request = resuming(fake)
    assert request.get("h") == str(h)
    again.resumed(m_place(sent, m, 2))
    assert again.get(1) == sent[2:]
    again.ack()
    again.settle()
    assert again.messages() == sent[2:]


def test_answers_while_cut_are_kept(fake, talking):
    s, m = talking
    m.c.rst()
    again, request = resuming(fake)
    again.resumed(m.out)
    again.settle()
    # Roster, presence and the rest are not asked for again.
    assert again.out == m.out


def test_F21_F39_burst(fake, script):
    """Half a burst, half a stanza, and the rest with the next connection."""
    t = script(fake)
    m = enable(fake)
    t.wait("connected")
    h = m.settle()

    def burst(first, last):
        return "".join(f"<message from='bob@b.tld/p' id='b{i}' type='chat'>"
                       f"<body>in {i}</body></message>"
                       for i in range(first, last))
    m.c.send(burst(0, 20))
    m.settle()
    m.c.send(burst(20, 21)[:-20])
    m.c.rst()
    again, request = resuming(fake)
    assert int(request.get("h")) == h + 20
    again.resumed(m.out)
    again.c.send(burst(20, 40))
    again.settle()
    t.wait("message", body="in 39")
    got = [e["body"] for e in t.all("message", direction="in")]
    assert got == [f"in {i}" for i in range(40)]


def test_location(fake, script, ca):
    """Where it wants to be met again, it is."""
    other = type(fake)(ca)
    t = script(fake)
    c = fake.accept()
    c.login(extra=OFFER)
    m = Managed(c).enabled(
        attrs=f"resume='true' location='127.0.0.1:{other.port}'").synced()
    t.wait("connected")
    m.c.rst()
    again, _ = resuming(other)
    again.resumed(m.out).settle()
    t.wait("connected", resumed=True)
    other.close()


def read_all(m, count):
    """The server reads again; it confirms 50 at a time."""
    while len(m.messages()) < count:
        m.take(m.c.next())
        if m.out % 50 == 0:
            m.ack()
    m.ack()
    return [b.split()[0] for _, b in m.messages()]


def test_F37_P06_window_closed(fake, screen, talking):
    """The server reads nothing for a while; what is typed goes on, little of
    it is on the wire, and all goes out in its order when it reads again."""
    s, m = talking
    count = 1000
    s.type("".join(f"{i} {'x' * 200}\r" for i in range(count - 1)))
    s.line(f"{count - 1} done")
    s.wait(f"{count - 1} done")
    s.wait(f"⇡{count}")
    assert read_all(m, count) == [str(i) for i in range(count)]
    s.wait(r"⇡0\b")


def test_F37_window_closed_script(fake, script):
    """A script waits with every line for the server, and then goes on."""
    t = script(fake, "--timeout", "0")
    m = enable(fake)
    t.wait("connected")
    count = 300
    for i in range(count):
        last = t.feed(f"/msg bob@b.tld {i} {'x' * 90}")
    while len(m.messages()) < count:
        m.take(m.c.next())
        m.ack()
    t.wait("result", line=last, ok=True)
    assert [b.split()[0] for _, b in m.messages()] == [
        str(i) for i in range(count)]
    assert [e["id"] for e in t.all("delivery", state="sent")] == [
        i for i, _ in m.messages()]


def test_F04_neither_counts_nor_archive(fake, profile, screen):
    """What nobody can prove is marked, not sent a second time unasked."""
    s = screen(profile)
    c = fake.online()
    s.wait("online")
    s.line("/msg bob@b.tld")
    s.wait("Message to")
    c.answers[("urn:xmpp:ping", "ping")] = lambda iq: None    # no proof
    s.line("out 1")
    first = c.expect("message", to="bob@b.tld")
    c.rst()
    c = fake.online(timeout=PATIENCE)
    s.wait("did not confirm")
    c.settle()
    assert c.no("message", to="bob@b.tld")
    s.line("/outbox retry")
    again = c.expect("message", to="bob@b.tld")
    assert again.get("id") == first.get("id")


def test_a_script_that_gave_up_sends_nothing_later(fake, profile, script):
    """Its caller runs it again: twice would be one too many."""
    t = script(profile, "--timeout", "5")
    m = enable(fake)
    t.wait("connected")
    fake.refuse()
    m.c.rst()
    t.wait("disconnected")
    t.feed("/msg bob@b.tld never")
    assert t.wait("result", command="msg", ok=False)
    t.eof()
    assert t.exit() != 0
    fake.listen()
    t = script(profile)
    m, _ = resuming(fake)
    m.failed(0)
    t.wait("connected")
    m.settle()
    assert m.messages() == []
