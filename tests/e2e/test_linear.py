"""The front end without a screen (--linear): lines, and nothing but lines."""
import re
import signal
import threading
import xml.etree.ElementTree as ET

import pytest

import txmpp

BOB = ("<item jid='bob@b.tld' name='Bob' subscription='both'/>"
       "<item jid='eve@b.tld' name='Eve' subscription='both'/>")


class Talk:
    def __init__(self, fake, screen, *options, **env):
        env = dict(dict(TERM="dumb"), **env)
        self.s = screen(fake, *options, rows=60, env=env)
        self.c = fake.accept()
        self.c.login()
        self.c.online(roster=BOB)
        self.c.settle()
        self.s.wait("signed in as")

    def say(self, who, body, kind="chat"):
        self.c.send(f"<message from='{who}@b.tld/p' to='{self.c.jid}' "
                    f"type='{kind}'><body>{body}</body></message>")


@pytest.fixture
def talk(fake, screen):
    return lambda *options, **env: Talk(fake, screen, *options, **env)


def assert_linear(s):
    """Printing characters, line ends, backspaces and bells: no terminal is
    too simple."""
    strange = re.sub(rb"[\x20-\x7e\x80-\xff\r\n\b\a]", b"", bytes(s.bytes))
    assert not strange, strange


@pytest.mark.parametrize("options, term", [
    ((), "dumb"), (("--linear",), "xterm-256color")])
def test_linear_conversation(talk, options, term):
    t = talk(*options, TERM=term)
    t.s.line("/msg bob@b.tld")
    t.s.wait("Bob · offline")
    t.s.line("hello Bob")
    assert "hello Bob" in ET.tostring(t.c.expect("message"), "unicode")
    t.say("bob", "hi\n12:00 Eve: not hers")
    t.s.wait(r"\d\d:\d\d Bob: hi\n  12:00 Eve: not hers")
    t.say("eve", "psst")
    t.s.wait("Eve: 1 unread message, /win 2")
    assert "psst" not in t.s.text()
    t.s.line("/win 2")
    t.s.wait(r"Eve · offline\n\d\d:\d\d Eve: psst")
    assert t.s.text().count("hello Bob") == 1   # the line itself
    t.c.send(f"<presence from='eve@b.tld/p' to='{t.c.jid}'>"
             "<show>away</show><status>tea</status></presence>")
    t.s.wait('Eve · away · "tea"')
    t.s.line("/roster")
    t.s.wait("bob@b.tld +Bob +both")
    t.s.line("/nonsense")
    t.s.wait("There is no command /nonsense")
    assert_linear(t.s)
    t.s.line("/quit")
    assert t.s.wait_exit() == 0
    assert t.s.modes()[:4] == t.s.before[:4]


def test_linear_line_is_edited_and_not_torn(talk):
    t = talk()
    t.s.line("/msg bob@b.tld")
    t.s.wait("Bob · offline")
    t.s.type("half a lne")
    t.s.type("\x1b[D\x1b[D")
    t.s.type("i")
    t.s.wait(r"Bob> half a line\s*$")
    t.say("bob", "in between")
    t.s.wait(r"Bob> half a line\n\d\d:\d\d Bob: in between\nBob> half a line\s*$")
    t.s.type("\x05\x7f\x7f\x7f\x7f")        # C-e, and four back
    t.s.wait(r"in between\nBob> half a\s*$")
    t.s.type("\x15中文字\x7f")
    t.s.wait(r"Bob> 中\s?文\s*$")
    t.s.type("\x03/ros\t")
    t.s.wait(r"Bob> /roster\s*$")
    assert_linear(t.s)


def test_linear_long_lines(talk):
    """Longer than a row: backspaces cannot go up."""
    t = talk()
    t.s.type("a" * 150)
    t.s.wait(r"a{50}\s*$")
    t.s.type("\x01b")
    t.s.wait("> ba{80,}")
    assert_linear(t.s)


def test_linear_subscription_waits_for_the_line(talk):
    t = talk()
    t.s.type("/who")
    t.s.wait(r"/who\s*$")
    t.c.send(f"<presence from='zed@b.tld' to='{t.c.jid}' type='subscribe'/>")
    t.s.wait("Subscription request: asked when your line is sent or empty")
    t.s.wait(r"/who\s*$")
    t.s.type("\r")                      # runs /who, decides nothing
    t.s.wait(r"zed@b.tld\nasks to see when you are online")
    t.s.wait(r"r: Refuse, b: Block\n\?")
    t.s.type("\r")                      # nor does an empty answer
    t.s.wait(r"(r: Refuse, b: Block\n\?\n.*){2}")
    t.s.type("r\r")
    t.c.expect("presence", type="unsubscribed")
    t.s.wait(r"\? r\n")
    t.s.wait("me@v.tld>")
    assert_linear(t.s)


def test_linear_escape_leaves_it_open(talk):
    t = talk()
    t.c.send(f"<presence from='zed@b.tld' to='{t.c.jid}' type='subscribe'/>")
    t.s.wait(r"b: Block\n\?")
    t.s.type("\x1b")
    t.s.wait("Left open: nothing was decided")
    t.s.wait("me@v.tld>")


def test_linear_first_start_and_password(fake, profiles, screen):
    """No account: the welcome asks line by line; a password is never shown."""
    profile = profiles(fake)
    profile.jid = None
    argv = [a for a in profile.argv() if "password" not in a]
    s = screen(profile, argv=argv, rows=60, env=dict(TERM="dumb"))
    s.wait("Address *")
    s.type(f"{fake.bare}\r")
    s.wait(r"Password\n\?")
    s.type(fake.password + "\r")
    s.wait("s: Sign in, r: Register, l: Later")
    s.type("s\r")
    c = fake.accept()
    c.login()
    c.online()
    s.wait("signed in as")
    assert fake.password not in s.text()
    assert_linear(s)


def test_linear_no_bell_storm(talk):
    t = talk()
    t.c.send("".join(f"<message from='bob@b.tld/p' to='{t.c.jid}' type='chat'>"
                     f"<body>line {i}</body></message>" for i in range(60)))
    t.s.wait("Bob: 60 unread messages")
    t.s.wait_quiet()
    assert bytes(t.s.bytes).count(b"\a") <= 2
    assert t.s.text().count("unread message") < 20


def test_linear_other_charsets(talk):
    t = talk(LC_ALL="C")
    t.s.line("/msg bob@b.tld")
    t.s.wait("Bob - offline")
    t.say("bob", "Grüße \u4e2d")
    t.s.wait(r"Bob: Gr\?\?e \?")
    assert max(t.s.bytes) < 0x80


def test_linear_by_option(talk, fake, screen, profiles):
    profile = profiles(fake)
    profile.profile.mkdir()
    (profile.profile / "txmpp.conf").write_text("[ui]\nlinear = on\n")
    s = screen(profile, "--offline", connect=False)
    s.wait("me@v.tld>")
    assert_linear(s)


def test_linear_help_and_hints(talk):
    t = talk()
    t.s.line("/help quit")
    t.s.wait("(?i)quit.*\n(.*\n)*me@v.tld>")
    t.s.line("/theme")
    t.s.wait("dark +yes")
    t.s.line("/palette")
    t.s.wait("there is no place for .palette")
    t.s.type("\x04")
    t.s.wait("Type /quit to leave")
    t.s.resize(60, 40)
    t.s.line("/roster")
    t.s.wait("bob@b.tld")
    assert_linear(t.s)


@pytest.mark.skipif(txmpp.SANITIZED, reason="the sanitizer takes the signal")
def test_linear_crash_leaves_the_terminal_as_it_was(talk):
    t = talk()
    t.s.signal(signal.SIGSEGV)      # a real one comes again by itself
    while t.s.modes()[:4] != t.s.before[:4]:
        t.s.pump(0.02)
    t.s.signal(signal.SIGSEGV)
    assert t.s.wait_exit() == -signal.SIGSEGV
    assert t.s.modes()[:4] == t.s.before[:4]


def test_linear_terminated(talk):
    t = talk()
    t.s.type("half")
    t.s.wait("half")
    t.s.signal(signal.SIGTERM)
    assert t.s.wait_exit() == 0
    assert t.s.modes()[:4] == t.s.before[:4]


def test_linear_certificate_is_asked_by_letter(fake, profiles, screen):
    profile = profiles(fake)
    profile.ca = None
    s = screen(profile, rows=60, env=dict(TERM="dumb"))
    serve = threading.Thread(target=fake.online, daemon=True)
    serve.start()                   # it waits while the question is open
    s.wait("SHA-256")
    s.wait(r"r: Refuse, o: Once, a: Always trust it here\n\?")
    s.type("o\r")
    s.wait("signed in as")
    serve.join(20)
    assert_linear(s)
