"""The screen in a real pseudo-terminal: ui.md, F29 to F31, H51 to H53, H63,
and keys that show whatever the network does."""
import os
import re
import signal
import termios

import pytest

from fake import TLS
from rig import wait_until
from txmpp import PATIENCE

BOB = ("<item jid='bob@b.tld' name='Bob' subscription='both'>"
       "<group>Friends</group></item>")


@pytest.fixture
def shown(fake, screen):
    """shown(): (screen, connection), online with Bob in the roster."""
    def make(*options, **kw):
        s = screen(fake, *options, **kw)
        c = fake.accept()
        c.login()
        c.online(roster=BOB)
        c.settle()
        s.wait("Bob")
        return s, c
    return make


def message(c, body, frm="bob@b.tld/p"):
    c.send(f"<message from='{frm}' to='{c.jid}' type='chat'>"
           f"<body>{body}</body></message>")


def test_start_type_send_receive(shown):
    s, c = shown()
    s.wait("online")
    s.line("/msg bob@b.tld")
    s.wait("Message to Bob")
    s.line("Art thou not Romeo?")
    sent = c.expect("message")
    while sent.find("{jabber:client}body") is None:      # typing …
        sent = c.expect("message")
    assert sent.find("{jabber:client}body").text == "Art thou not Romeo?"
    s.wait(r"me +Art thou not Romeo")
    message(c, "Neither, fair saint")
    s.wait("Neither, fair saint")
    s.line("/quit")
    c.until_closed()
    assert s.wait_exit() == 0


def test_unread_is_counted(shown):
    s, c = shown()
    message(c, "one")
    message(c, "two")
    s.wait(r"Bob +2 │")
    s.line("/win unread")
    s.wait(r"Bob +one.*\n.*Bob +two")


def test_presence_mark(shown):
    s, c = shown()
    s.wait(r"○ *Bob")
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}'/>")
    s.wait(r"● *Bob")
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}'><show>away</show>"
           "</presence>")
    s.wait(r"◐ *Bob")


def test_help(shown):
    s, c = shown()
    s.line("/help msg")
    s.wait(r"/msg JID")


def test_subscription_dialog(shown):
    s, c = shown()
    c.send("<presence type='subscribe' from='eve@b.tld' to='me@v.tld'>"
           "<status>let me in</status></presence>")
    s.wait("eve@b.tld")
    s.wait("let me in")
    s.type("o")                                # accept only
    granted = c.expect("presence", type="subscribed")
    assert granted.get("to") == "eve@b.tld"


def test_subscription_dialog_escape_decides_nothing(shown):
    s, c = shown()
    c.send("<presence type='subscribe' from='eve@b.tld' to='me@v.tld'/>")
    s.wait("eve@b.tld")
    s.type("\x1b")
    s.wait_quiet(0.7)
    c.settle()
    assert c.no("presence", type="subscribed")
    assert c.no("presence", type="unsubscribed")
    s.line("/sub show")
    s.wait(r"eve@b\.tld +none +yes")


def test_certificate_dialog(fake, profiles, screen, tmp_path):
    """H03: shown with its fingerprint, asked once, remembered if said so."""
    profile = profiles(fake)
    profile.ca = None
    s = screen(profile)
    c = fake.accept()
    c.timeout = 2
    with pytest.raises(Exception):
        c.starttls()
        c.auth()
    assert b"<auth" not in c.received
    import hashlib
    import ssl
    der = ssl.PEM_cert_to_DER_cert(open(fake.cert[0]).read())
    digest = hashlib.sha256(der).hexdigest().upper()
    s.wait(":?".join(re.findall("..", digest)[:4]) + "|"
           + ":?".join(re.findall("..", digest.lower())[:4]))


@pytest.mark.parametrize("answer", ["a", "o", "r"])
def test_H03_certificate_answered(fake, profiles, screen, answer):
    """Always: never asked again; once: the next time; refused: nothing said."""
    profile = profiles(fake)
    profile.ca = None
    s = screen(profile)
    c = fake.accept()
    c.starttls()
    s.wait("Always trust it")
    assert b"<auth" not in c.received and b"<stream" not in c.received[-20:]
    s.type(answer)
    if answer == "r":
        c.until_closed()
        assert b"<auth" not in c.received
        return
    c.auth()
    c.bind()
    c.online()
    s.process.kill()
    s.process.wait()
    s = screen(profile)
    c = fake.accept()
    if answer == "a":
        c.login()
        c.online()
    else:
        c.starttls()
        s.wait("Always trust it")


def test_password_dialog(fake, profiles, screen):
    profile = profiles(fake)
    argv = [a for a in profile.argv() if a not in (
        "--password-file", str(profile.password_file))]
    s = screen(profile, argv=argv)
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["SCRAM-SHA-256"]))
    s.wait("[Pp]assword")
    s.type(fake.password)
    s.wait_quiet()
    assert fake.password not in s.text()
    s.type("\r")
    c.scram(c.next_sasl("auth")).finish()
    c.restart()
    c.bind()
    c.online()
    s.wait("online")


def test_first_start(fake, profiles, screen):
    """Without an account: a dialog, never an empty screen."""
    profile = profiles(fake)
    argv = [profile.argv()[0], "--profile", str(profile.profile)]
    s = screen(profile, argv=argv)
    s.wait("[Rr]egister|[Ss]ign in")


# ---- F29: sizes -----------------------------------------------------------------

def test_F29_resize_storm(shown):
    s, c = shown()
    message(c, "before the storm")
    for i in range(1000):
        s._size(5 + i % 40, 20 + i * 7 % 150)
    s.resize(30, 100)
    s.wait_quiet()
    message(c, "after the storm")
    s.line("/msg bob@b.tld")
    s.wait("after the storm")
    s.wait("Bob")


@pytest.mark.parametrize("rows,cols", [(1, 1), (1, 2), (2, 1), (5, 20), (4, 19),
                                       (200, 500), (1, 200), (50, 3), (3, 10)])
def test_F29_odd_sizes(shown, rows, cols):
    s, c = shown()
    s.resize(rows, cols)
    message(c, "Grüße 🌹 日本語 " * 10)
    s.type("x")
    s.wait_quiet()
    s.resize(30, 100)
    s.wait("Bob")
    assert s.process.poll() is None


# Curses begins with margins of 24 rows: lines inserted below must move, too.
@pytest.mark.parametrize("term", ["xterm-256color", "tmux-256color", "linux"])
@pytest.mark.parametrize("rows", [24, 30, 50])
def test_F29_input_grows_on_tall_screens(fake, screen, rows, term):
    s = screen(fake, rows=rows, env={"TERM": term})
    fake.online().settle()
    s.wait("online")
    s.type("a" * 60 + " " + "b" * 60 + " " + "c" * 60)
    s.wait("c{60}")
    s.wait_quiet()
    last = s.lines()[-4:]
    assert "online" in last[0]
    assert last[1:] == [" me> " + "a" * 60, " " * 5 + "b" * 60,
                        " " * 5 + "c" * 60]
    s.type("\x03")
    s.wait("me>  ")
    s.wait_quiet()
    last = s.lines()[-4:]
    assert last[1].startswith("───") and "online" in last[2]
    assert last[3].startswith(" me>  /help") and not last[0].strip(" │")


def test_F29_size_zero(shown):
    s, c = shown()
    s.resize(0, 0)
    message(c, "hello")
    s.wait_quiet()
    s.resize(30, 100)
    s.wait("Bob")


@pytest.mark.parametrize("rows,cols", [(1, 1), (5, 20), (200, 500)])
def test_F29_starts_at_odd_sizes(fake, screen, rows, cols):
    s = screen(fake, rows=rows, cols=cols)
    c = fake.online()
    c.settle()
    assert s.process.poll() is None


# ---- F30: the end -----------------------------------------------------------------

def restored(s):
    now = s.modes()
    keep = termios.ECHO | termios.ICANON | termios.ISIG
    assert now[3] & keep == s.before[3] & keep


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_F30_signal_ends_in_order(shown, number):
    s, c = shown()
    s.signal(number)
    assert c.until_closed()
    assert s.wait_exit() in (0, 128 + number)
    restored(s)


def test_F30_sigint_twice(shown):
    s, c = shown()
    s.type("\x03")
    s.wait_quiet()
    s.signal(signal.SIGINT)
    s.wait_quiet()
    s.signal(signal.SIGTERM)
    c.until_closed()
    s.wait_exit()
    restored(s)


def test_F30_terminal_goes(shown):
    s, c = shown()
    s.hang_up()
    c.until_closed()
    s.process.wait(10)


# A shell in small: the program is a job of its own, so that it can be stopped.
SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
while not os.WIFEXITED(os.waitpid(child, os.WUNTRACED)[1]):
    pass
"""


def test_F30_stop_and_continue(fake, profiles, screen):
    profile = profiles(fake)
    s = screen(profile, argv=["/usr/bin/python3", "-c", SHELL, *profile.argv()])
    c = fake.online(roster=BOB)
    s.wait("Bob")
    shell = s.process.pid
    job = int(open(f"/proc/{shell}/task/{shell}/children").read())

    def state():
        s.pump(0.05)
        return open(f"/proc/{job}/stat").read().rpartition(")")[2].split()[0]

    s.type("\x1a")
    wait_until("it to stop", lambda: state() == "T", PATIENCE)
    restored(s)
    os.kill(job, signal.SIGCONT)
    message(c, "back again")
    s.line("/msg bob@b.tld")
    s.wait("back again")
    os.kill(job, signal.SIGKILL)


def test_F30_crash_free_quit_while_connecting(fake, screen):
    s = screen(fake)
    fake.accept()
    s.wait_quiet()
    s.line("/quit")
    s.wait_exit(15)
    restored(s)


# ---- F31: terminals and locales ----------------------------------------------------

@pytest.mark.parametrize("term", ["xterm", "linux", "vt100", "screen-256color",
                                  "tmux-256color", "xterm-mono", "rxvt",
                                  "xterm-direct"])
def test_F31_terminals(fake, screen, term):
    s = screen(fake, env={"TERM": term})
    c = fake.online(roster=BOB)
    c.settle()
    s.wait("Bob")
    message(c, "hello there")
    s.line("/msg bob@b.tld")
    s.wait("hello there")


@pytest.mark.parametrize("term", [None, "foo", ""])
def test_F31_no_terminal_to_speak_of(fake, screen, term):
    """A clear sentence: never a crash, never garbage. (dumb: test_linear.py)"""
    s = screen(fake, env={"TERM": term})
    assert s.wait_exit() == 2
    assert "TERM" in s.text() or "terminal" in s.text()
    restored(s)


@pytest.mark.parametrize("locale", ["C", "POSIX", "xx_YY.bogus"])
def test_F31_locales(fake, screen, locale):
    s = screen(fake, env={"LC_ALL": locale})
    c = fake.online(roster=BOB)
    c.settle()
    s.wait("Bob")
    s.line("/msg bob@b.tld")
    message(c, "plain and 🌹")
    s.wait("plain and")


def test_F31_no_colour(fake, screen):
    s = screen(fake, env={"NO_COLOR": "1"})
    c = fake.online(roster=BOB)
    c.settle()
    s.wait("Bob")
    assert not re.search(rb"\x1b\[[0-9;]*(3[0-7]|4[0-7]|38|48)[0-9;]*m",
                         bytes(s.bytes))


# ---- H51 to H53: what others wrote ----------------------------------------------------

NASTY = ["\u009b31mred", "\u009d0;title\u009c", "\u0090q\u009c", "a\u0085b",
         "a\u2028b\u2029c", "del\x7f", "\u202eesrever", "\u2066open",
         "\u200f\u061c\ufeff\U000e0041\u200b"]
FORBIDDEN = re.compile("[\u0080-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
                       "\u200e\u200f\u061c\ufeff\U000e0000-\U000e007f]")


def test_H51_H52_nothing_reaches_the_terminal(fake, screen):
    text = "".join(NASTY)
    nasty = text.replace("\x7f", "&#127;")
    s = screen(fake)
    c = fake.accept()
    c.login()
    c.online(roster=f"<item jid='bob@b.tld' name='Bob{nasty}' subscription="
             f"'both'><group>Fri{nasty}</group></item>")
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}'><status>{nasty}</status>"
           "</presence>")
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'><subject>"
           f"{nasty}</subject><body>begin{nasty}end</body><nick xmlns='http://"
           f"jabber.org/protocol/nick'>{nasty}</nick></message>")
    message(c, "next line", "bob@b.tld/p")
    c.send(f"<presence type='subscribe' from='eve@b.tld' to='me@v.tld'><status>"
           f"{nasty}</status></presence>")
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='error'><error "
           "type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:"
           "xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>"
           f"{nasty}</text></error></message>")
    c.settle()
    s.wait("eve@b.tld")
    s.type("\x1b")
    s.wait_quiet(0.7)
    s.line("/msg bob@b.tld")
    s.wait("next line")
    s.line("/info bob@b.tld")
    s.wait_quiet()
    out = bytes(s.bytes).decode("utf-8", "replace")
    assert not FORBIDDEN.search(out), FORBIDDEN.search(out)
    # Escape sequences: only what terminfo has, no title, no queries.
    for sequence in re.findall("\x1b(.)", out):
        assert sequence in "[()*+=>78M]\\HDEcPZ", repr(sequence)
    assert "\x1b]0;title" not in out and "\x1bP" not in out


@pytest.mark.parametrize("text", [
    "e" + "\u0301" * 1000, "日本語" * 1700, "👨‍👩‍👧‍👦" * 200, "x" * 10_000,
    "\ufdfd" * 100, "🇩🇪🇫🇷" * 100, "\u200d" * 500, "a\t" * 1000],
    ids=["marks", "wide", "family", "long word", "ligature", "flags",
         "joiners", "tabs"])
def test_H53_wide_and_strange(shown, text):
    """The frame stays where it is: the same border column in every line."""
    s, c = shown()
    message(c, "first")
    s.line("/msg bob@b.tld")
    s.wait("first")
    message(c, text)
    message(c, "last line")
    s.wait("last line")
    s.wait_quiet()
    border = [line.find("│") for line in s.lines() if "│" in line]
    assert border and all(b == border[0] for b in border), border


# ---- H63: input ------------------------------------------------------------------------

def test_H63_paste_runs_nothing(shown):
    s, c = shown()
    s.line("/msg bob@b.tld")
    s.wait_quiet()
    s.type("\x1b[200~first\r/quit\r\x1b[201~")
    s.wait_quiet()
    s.type("\x1b[200~evil\x1b[201~/quit\r\x1b[200~")
    s.wait_quiet()
    assert s.process.poll() is None
    c.settle()


def test_H63_large_paste(shown):
    s, c = shown()
    s.line("/msg bob@b.tld")
    s.type("\x1b[200~" + "paste " * 180_000 + "\x1b[201~")
    s.wait_quiet(1)
    assert s.process.poll() is None
    c.settle()


def test_H63_random_keys(shown):
    import random
    s, c = shown()
    rng = random.Random(63)
    # Not the keys that end, stop or clear by right.
    keys = bytes(k for k in range(256) if k not in (3, 4, 17, 19, 26, 28))
    for _ in range(40):
        s.type(bytes(rng.choice(keys) for _ in range(500)))
        s.pump(0.01)
    s.wait_quiet(1)
    assert s.process.poll() is None


# ---- keys show while the network stalls --------------------------------------------------

def echoes(s, text="zqxjk"):
    for key in text:
        s.type(key)
    s.wait(text, timeout=PATIENCE)


def test_stall_dns(fake, profiles, screen, preload):
    s = screen(profiles(fake), env=preload("dns", DNS_STALL="60"), connect=False)
    s.wait(">")
    echoes(s)


def test_stall_tcp(fake, profiles, screen):
    """A connection attempt nobody answers: the backlog is full."""
    import socket
    fake.refuse()
    fake.listen(backlog=0)
    full = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", fake.port))
        full.append(one)
    s = screen(fake)
    s.wait(">")
    echoes(s)
    for one in full:
        one.close()


def test_stall_accept(fake, screen):
    s = screen(fake)
    fake.accept()
    s.wait(">")
    echoes(s)


def test_stall_tls(fake, screen):
    s = screen(fake)
    c = fake.accept()
    c.open(f"<starttls xmlns='{TLS}'/>")
    c.next()
    c.send(f"<proceed xmlns='{TLS}'/>")
    c.recv()                       # its ClientHello; no answer
    s.wait(">")
    echoes(s)


def test_stall_stream(fake, screen):
    s = screen(fake)
    c = fake.accept()
    c.starttls()
    c.read_header()
    s.wait(">")
    echoes(s)


def test_stall_while_flooded(shown):
    """Keys show, and the flood is worked through."""
    s, c = shown()
    s.line("/msg bob@b.tld")
    s.wait_quiet()
    for i in range(5):
        c.send("".join(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
                       f"<body>flood {i} {j}</body></message>"
                       for j in range(1000)))
        s.type("k")
        s.pump()
    s.wait("kkkkk", timeout=3 * PATIENCE)
    s.wait("flood 4 999", timeout=3 * PATIENCE)


def test_reconnects_visibly(fake, shown):
    s, c = shown()
    s.wait(r"\n.*\d\d:\d\d .* online *\n")
    fake.refuse()
    c.rst()
    s.wait("waiting to reconnect")
    fake.listen()
    fake.online(timeout=2 * PATIENCE, roster=BOB)
    s.wait(r"\n.*\d\d:\d\d .* online *\n")


def test_clear_and_scroll_back(shown):
    s, c = shown(rows=20)
    s.line("/msg bob@b.tld")
    for i in range(40):
        message(c, f"verse {i}")
    s.wait("verse 39")
    s.type("\x1b[5~")
    s.wait("M-End: newest")
    s.type("\x1b[1;3F")
    s.wait("M-End: newest", gone=True)
    s.wait_quiet()
    s.line("/clear")
    s.wait("verse", gone=True)
    message(c, "after that")
    s.wait("after that")
    assert "verse" not in s.text()
    s.type("\x1b[5~")
    s.wait("verse 3")


def test_quit_keeps_unsent_messages(fake, profiles, screen):
    profile = profiles(fake)
    s = screen(profile)
    c = fake.online()
    s.line("/msg bob@b.tld")
    s.wait("Message to")
    fake.refuse()
    c.rst()
    s.wait("waiting to reconnect")
    s.line("written meanwhile")
    s.wait("⇡1  waiting")
    s.line("/quit")
    assert s.wait_exit() == 0
    fake.listen()
    screen(profile)
    c = fake.online()
    c.expect("message", to="bob@b.tld")


def test_quit_asks_about_messages_that_the_disk_did_not_take(
        fake, profiles, screen):
    profile = profiles(fake)
    path = profile.profile / profile.jid / "history.db"
    path.mkdir(parents=True)
    profile.profile.chmod(0o700)
    path.parent.chmod(0o700)
    s = screen(profile)
    c = fake.online()
    s.line("/msg bob@b.tld")
    s.wait("Message to")
    fake.refuse()
    c.rst()
    s.wait("waiting to reconnect")
    s.line("written meanwhile")
    s.wait("⇡1  waiting")
    s.line("/quit")
    s.wait("would be lost")
    s.type("\x1b")
    s.wait("would be lost", gone=True)
    assert s.process.poll() is None
    s.wait_quiet(0.7)
    s.line("/quit --yes")
    assert s.wait_exit() == 0


def test_draft_survives(fake, profiles, screen):
    """What was being typed is there again, also after kill -9."""
    profile = profiles(fake)
    s = screen(profile)
    fake.online()
    s.line("/msg bob@b.tld")
    s.wait("Message to")
    s.type("Art thou not")
    s.wait("Art thou not")
    wait_until("the draft on disk", lambda: any(
        b"Art thou not" in path.read_bytes()
        for path in profile.profile.rglob("history.db*")))
    s.process.kill()
    s.process.wait()
    s = screen(profile)
    fake.online()
    s.wait("bob")
    s.line("/msg bob@b.tld")
    s.wait("Art thou not")


def test_several_accounts_in_one_screen(pair, profiles, screen):
    juliet, nurse = pair.a.account("juliet"), pair.a.account("nurse")
    profile = profiles(juliet)
    s = screen(profile, nurse.jid)
    s.wait(re.escape(juliet.user))
    s.wait(re.escape(nurse.user))


def test_close_words(shown):
    s, c = shown()
    s.line("/msg bob@b.tld")
    message(c, "hi", "eve@e.tld/p")
    s.wait("2:eve")
    s.line("/close read")
    s.wait("Console")
    s.line("/win list")
    s.wait("eve@e.tld")
    assert "bob@b.tld" not in s.text()
    s.line("/close all")
    s.wait("2:eve", gone=True)
    s.line("/win list")
    s.wait(r"Number +Name +Unread +Messages *\n.* console ")
