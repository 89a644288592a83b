"""The same picture on every terminal: by its description (terminfo) and its
locale in an emulator, and inside the real tmux and GNU screen."""
import os
import re
import shutil
import subprocess

import pytest

import txmpp
from txmpp import DEEP

ROSTER = ("<item jid='bob@b.tld' name='Bob' subscription='both'/>"
          "<item jid='eve@b.tld' name='Eve' subscription='both'/>")


def converse(fake, s):
    """Somebody is away, somebody writes, somebody else does too."""
    c = fake.accept()
    c.login()
    c.online(roster=ROSTER)
    c.settle()
    s.wait("Eve")
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}'/>"
           f"<presence from='eve@b.tld/p' to='{c.jid}'><show>dnd</show>"
           "</presence>")
    s.line("/msg bob@b.tld")
    s.wait("Message to Bob")
    for who, body in (("bob", "Grüße, see http://b.tld/x"), ("eve", "psst")):
        c.send(f"<message from='{who}@b.tld/p' to='{c.jid}' type='chat'>"
               f"<body>{body}</body></message>")
    s.wait("see http://b.tld/x")
    s.wait(r"Eve\(1\)")
    s.wait_quiet(0.2)
    return c


def sgr(data):
    """The parameters of all SGR sequences, colours as one."""
    for found in re.finditer(rb"\x1b\[([0-9;:]*)m", data):
        numbers = [int(n or 0) for n in re.split(b"[;:]", found[1])]
        while numbers:
            first = numbers.pop(0)
            if first in (38, 48):
                size = 2 if numbers[:1] == [5] else 4
                del numbers[:size]
            yield first


def assert_calm(data):
    """Nothing blinks, not even the cursor."""
    assert not {5, 6} & set(sgr(data))
    assert b"\x1b[?12h" not in data


def assert_picture(s, online="●", busy="⊘", line="│"):
    rows = s.lines()
    edge = rf"(?m)^ {re.escape(online)} Bob +{re.escape(line)}"
    assert re.search(edge, s.text()), s.text()
    edge = rf"(?m)^ {re.escape(busy)} Eve +1 {re.escape(line)}"
    assert re.search(edge, s.text()), s.text()
    said = r"(?m)\d\d:\d\d +Bob +\S+, see http://b.tld/x"
    assert re.search(said, s.text()), s.text()
    assert "Bob" in rows[0] and "available" in rows[0]
    assert re.search(r"online *$", rows[-2])


TERMS = {  # description: what its colours look like, what they must not
    "xterm": (8, rb"\x1b\[3[1-7]m", DEEP + rb"|\x1b\[9\d"),
    "xterm-16color": (16, rb"\x1b\[9[1-7]m", DEEP),
    "xterm-256color": (256, rb"\x1b\[38;5;\d+m", DEEP + b"2"),
    "tmux": (8, rb"\x1b\[3[1-7]m", DEEP),
    "tmux-256color": (256, rb"\x1b\[38;5;\d+m", DEEP + b"2"),
    "screen": (8, rb"\x1b\[3[1-7]m", DEEP),
    "screen-256color": (256, rb"\x1b\[38;5;\d+m", DEEP + b"2"),
    "foot": (256, rb"\x1b\[38[;:]5[;:]\d+m", DEEP + b"2"),
    "xterm-kitty": (256, rb"\x1b\[38[;:]5[;:]\d+m", DEEP + b"2"),
    "linux": (8, rb"\x1b\[3[1-7]m", DEEP),
    "vt100": (0, rb"\x1b\[7m|\x1b\[0;1;7m", rb"\x1b\[[0-9;]*[34]\dm"),
}


@pytest.mark.parametrize("term", TERMS)
def test_terminal(fake, screen, term):
    if subprocess.run(["infocmp", term], capture_output=True).returncode:
        pytest.skip(f"no description of {term}: install ncurses-term, "
                    "foot-terminfo, kitty-terminfo")
    _, some, none = TERMS[term]
    s = screen(fake, env=dict(TERM=term, COLORTERM=None))
    converse(fake, s)
    assert_picture(s)
    assert_calm(bytes(s.bytes))
    assert re.search(some, s.bytes), bytes(s.bytes)[:3000]
    assert not re.search(none, s.bytes), re.search(none, s.bytes)


@pytest.mark.parametrize("term", ["xterm-256color", "tmux-256color", "foot",
                                  "xterm-kitty"])
def test_terminal_true_colours(fake, screen, term):
    """By COLORTERM, whatever terminfo says, also inside tmux."""
    s = screen(fake, env=dict(TERM=term, COLORTERM="truecolor"))
    converse(fake, s)
    assert_picture(s)
    assert re.search(rb"\x1b\[38;2;\d+;\d+;\d+m", s.bytes)
    assert not re.search(DEEP + b"5", s.bytes)
    assert_calm(bytes(s.bytes))


# ---- locales ----------------------------------------------------------------

@pytest.fixture(scope="session")
def latin1(tmp_path_factory):
    """LOCPATH with a locale whose charset is ISO-8859-1."""
    folder = tmp_path_factory.mktemp("locales")
    name = "en_US.ISO-8859-1"
    made = shutil.which("localedef") and subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / name)],
        capture_output=True).returncode in (0, 1)
    if not made:
        pytest.skip("localedef makes no locale here: install locales")
    return dict(LOCPATH=str(folder), LC_ALL=name)


class Latin1(txmpp.Screen):
    """An emulator of eight bits a character."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.stream.select_other_charset("@")


@pytest.mark.parametrize("term", ["xterm", "linux", "vt100"])
def test_terminal_latin_1(fake, profiles, latin1, term):
    with Latin1(profiles(fake), env=dict(latin1, TERM=term)) as s:
        c = converse(fake, s)
        assert_picture(s, "*", "x", "|")
        assert "Grüße" in s.text()          # one byte each
        assert b"Gr\xfc\xdfe" in s.bytes
        s.type("/msg bob@b.tld sch\xf6n".encode("latin-1") + b"\r")
        message = c.expect("message")
        assert "schön" in "".join(message.itertext())
        assert_calm(bytes(s.bytes))


# ---- the real ones ------------------------------------------------------------

@pytest.fixture
def inside(profiles, tmp_path):
    """inside("tmux", fake): the program in a multiplexer on a terminal."""
    made = []

    def make(program, fake, **env):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
        profile = profiles(fake)
        socket = tmp_path / "socket"
        if program == "tmux":
            config = tmp_path / "tmux.conf"
            config.write_text('set -g status off\nset -g escape-time 0\n'
                              'set -ga terminal-overrides ",xterm*:Tc"\n')
            argv = ["tmux", "-S", str(socket), "-f", str(config), "new-session",
                    *profile.argv()]
        else:
            socket.mkdir(0o700)
            config = tmp_path / "screenrc"
            config.write_text("startup_message off\nvbell off\n")
            argv = ["screen", "-U", "-c", str(config), "-S", "t",
                    *profile.argv()]
            env["SCREENDIR"] = str(socket)
        s = txmpp.Screen(profile, argv=argv, env=dict(
            TERM="xterm-256color", SHELL="/bin/sh", **env))
        made.append((s, program, socket))
        return s
    yield make
    for s, program, socket in made:
        if program == "tmux":
            subprocess.run(["tmux", "-S", str(socket), "kill-server"],
                           capture_output=True)
        else:
            subprocess.run(["screen", "-S", "t", "-X", "quit"],
                           env=dict(os.environ, SCREENDIR=str(socket)),
                           capture_output=True)
        s.__exit__(None)


@pytest.mark.parametrize("program", ["tmux", "screen"])
def test_inside(fake, inside, program):
    s = inside(program, fake)
    converse(fake, s)
    assert_picture(s)
    assert_calm(bytes(s.bytes))
    s.resize(20, 70)                        # the picture is right again
    s.wait(r"online *\n.*\Z")
    s.wait_quiet(0.3)
    assert_picture(s)


def test_inside_tmux_true_colours(fake, inside):
    s = inside("tmux", fake, COLORTERM="truecolor")
    converse(fake, s)
    assert re.search(rb"38[;:]2[;:]+213[;:]219[;:]230", s.bytes)
