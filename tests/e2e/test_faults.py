"""The link, the clock and the disk fail: F17 to F23, F32 to F39."""
import os
import signal
import subprocess
import time

import pytest

from fake import SASL, Closed
from txmpp import PATIENCE, once

STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"


@pytest.fixture
def online(fake, script):
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    return t, c


def stream_error(c, condition, inside="", close=True):
    c.send(f"<stream:error><{condition} xmlns='{STREAMS}'>{inside}"
           f"</{condition}></stream:error>" + ("</stream:stream>" if close
                                               else ""))


@pytest.mark.parametrize("condition", [
    "system-shutdown", "reset", "connection-timeout", "internal-server-error",
    "undefined-condition", "policy-violation", "no-such-condition"])
def test_F21_C14_C18_comes_back(fake, online, condition):
    t, c = online
    stream_error(c, condition)
    c.until_closed()
    event = t.wait("disconnected")
    assert event["reason"] and event["retry_in"] > 0
    fake.online(timeout=PATIENCE)
    t.wait("connected")


@pytest.mark.parametrize("how", ["rst", "fin", "stream"])
def test_F21_F39_cut(fake, online, how):
    t, c = online
    if how == "stream":
        c.send("</stream:stream>")
        assert c.until_closed(end=False)    # answered
    else:
        getattr(c, how)()
    assert t.wait("disconnected")["reason"]
    fake.online(timeout=PATIENCE)
    t.wait("connected")


def test_F39_half_a_stanza_is_nothing(fake, online):
    t, c = online
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}'><body>half</body>")
    c.rst()
    fake.online(timeout=PATIENCE)
    t.wait("connected")
    assert not t.ever("message", body="half")


def test_F20_refused_again_and_again(fake, online):
    """Back-off grows: a few attempts in the first seconds, not hundreds."""
    t, c = online
    fake.refuse()
    c.rst()
    first = t.wait("disconnected")
    assert 0 < first["retry_in"] <= 5
    time.sleep(3)
    assert len(t.all("disconnected")) <= 6
    fake.listen()
    fake.online(timeout=2 * PATIENCE)
    t.wait("connected", timeout=2 * PATIENCE)


def test_reconnect_now(fake, online):
    """/reconnect does not wait for the timer."""
    t, c = online
    fake.refuse()
    c.rst()
    t.wait("disconnected")
    fake.listen()
    t.feed("/reconnect now")
    fake.online()
    t.wait("connected")


def test_F22_C16_conflict_stops(fake, online):
    t, c = online
    stream_error(c, "conflict", "")
    c.until_closed()
    event = t.wait("disconnected")
    assert event.get("retry_in") is None
    assert fake.connections(3) == 0


@pytest.mark.parametrize("condition,stops", [
    ("not-authorized", True), ("account-disabled", True),
    ("credentials-expired", True), ("temporary-auth-failure", False)])
def test_F23_login_refused_on_reconnect(fake, online, condition, stops):
    t, c = online
    c.rst()
    t.wait("disconnected")
    d = fake.accept(timeout=PATIENCE)
    d.starttls()
    d.open(d.mechanisms(["SCRAM-SHA-256"]))
    d.next_sasl("auth")
    d.send(f"<failure xmlns='{SASL}'><{condition}/></failure>")
    d.until_closed()
    if stops:
        assert fake.connections(4) == 0
        assert t.wait("disconnected").get("retry_in") is None
    else:
        fake.online(timeout=2 * PATIENCE)
        t.wait("connected")


def test_F18_stopped_and_continued(fake, online):
    """SIGSTOP, the server drops us, SIGCONT: online again in seconds."""
    t, c = online
    t.process.send_signal(signal.SIGSTOP)
    c.rst()
    time.sleep(1)
    t.process.send_signal(signal.SIGCONT)
    fake.online(timeout=10)
    t.wait("connected", timeout=10)


@pytest.mark.parametrize("jump", [3600, -3600, 315_360_000])
def test_F17_the_clock_jumps(fake, script, preload, tmp_path, jump):
    position = tmp_path / "offset"
    position.write_text("0")
    t = script(fake, env=preload("clock", CLOCK_FILE=str(position)))
    c = fake.online()
    t.wait("connected")

    def hello(text):
        c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
               f"<body>{text}</body></message>")
        t.wait("message", body=text)
    hello("before")
    position.write_text(str(jump))
    hello("after")
    c.settle()
    time.sleep(1)
    sent = len(c.received)
    c.settle()
    assert len(c.received) - sent < 2000      # no burst of timers
    assert not t.ever("disconnected")
    assert [e["body"] for e in t.all("message")] == ["before", "after"]


# ---- F33 to F36 ---------------------------------------------------------------

def test_F33_two_on_one_profile(fake, profiles, script):
    profile = profiles(fake)
    t = script(profile)
    fake.online()
    t.wait("connected")
    status, _, errors = once(profile.argv("-c", "/wait online"))
    assert status == 2, errors
    assert str(t.process.pid) in errors and "--offline" in errors


def test_F33_stale_lock_is_taken_over(fake, profiles, script):
    profile = profiles(fake)
    t = script(profile)
    fake.online()
    t.wait("connected")
    t.process.kill()
    t.process.wait()
    t = script(profile)
    fake.online()
    t.wait("connected")


def test_F34_few_descriptors(fake, profiles):
    profile = profiles(fake)
    argv = ["sh", "-c", 'ulimit -n 20; exec "$@"', "sh",
            *profile.argv("--offline", "-c", "/echo alive", connect=False)]
    status, out, errors = once(argv)
    assert status == 0 and "alive" in out, (status, errors)


def test_F34_high_descriptors(fake, profiles, script):
    """All below 1,024 are taken (select() could not serve ours)."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip("this system allows no 1,200 descriptors")
    profile = profiles(fake)
    program = ("import os, resource, sys; "
               "resource.setrlimit(resource.RLIMIT_NOFILE, (1200, %d)); "
               "[os.set_inheritable(os.dup(0), True) for _ in range(1030)]; "
               "os.execv(sys.argv[1], sys.argv[1:])" % hard)
    argv = ["/usr/bin/python3", "-c", program,
            *profile.argv("--timeout", "10", "-c", "/wait online")]
    import threading
    result = []
    thread = threading.Thread(target=lambda: result.append(once(argv)))
    thread.start()
    try:
        c = fake.accept(timeout=10)
        c.login()
        c.online()
        c.until_closed()
    except (TimeoutError, Closed, OSError):
        pass
    thread.join(60)
    status, _, errors = result[0]
    assert status in (0, 1, 2, 3, 6), (status, errors)   # never a crash
    assert status == 0 or errors.startswith("txmpp: ")


def test_P18_only_ipv6():
    """The local link wants no IPv4 address to be configured."""
    tree = os.environ.get("TXMPP_TREE")
    test = os.path.join(tree or "", "tests/unit/test_link")
    if os.geteuid() != 0 or not os.path.exists(test):
        pytest.skip("wants root and the build tree")
    alone = ("ip link set lo up && ip addr del 127.0.0.1/8 dev lo && "
             f"exec {test} -p /link/P4-many-sends")
    ran = subprocess.run(["unshare", "-n", "sh", "-c", alone],
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "ok 1 /link/P4-many-sends" in ran.stdout, ran.stdout


@pytest.mark.parametrize("content", [
    b"\0\1\2\xff" * 100, b"[ui]\ntheme = da", b"[account", b"x" * 10_000_000,
    b"[ui]\nunknown-key = 1\n", b"[account @@]\n", b""], ids=[
        "binary", "half", "open bracket", "10 MB", "unknown", "no JID",
        "empty"])
def test_damaged_configuration(fake, profiles, content):
    """F16 in part: said, kept as it is, and on it goes."""
    profile = profiles(fake)
    status, _, errors = once(profile.argv("--offline", "-c", "/set",
                                          connect=False))
    found = list(profile.profile.rglob("txmpp.conf"))
    path = found[0] if found else profile.profile / "txmpp.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    status, out, errors = once(profile.argv("--offline", "-c", "/echo alive",
                                            connect=False))
    assert path.read_bytes() == content
    assert status in (0, 2), (status, errors)
    assert "alive" in out or "txmpp.conf" in errors


def test_P13_server_never_answers_the_end(fake, script):
    """The peer ignores our </stream:stream>: five seconds, then we go."""
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    t.eof()
    begin = time.monotonic()
    assert c.until_closed(15, end=False)
    assert t.exit(15) == 0
    assert time.monotonic() - begin < 12


def test_C12_whitespace_is_ignored(online):
    t, c = online
    for _ in range(50):
        c.send(" \n\t ")
    c.settle()


def test_dead_peer(fake, script):
    """Black hole: no answer comes any more, and a command does not wait
    without end."""
    t = script(fake, "--timeout", "5")
    fake.online()
    t.wait("connected")
    line = t.feed("/msg bob@b.tld hello")
    assert t.wait("result", since=0, line=line)["ok"] is False
    assert t.exit(30) == 6
