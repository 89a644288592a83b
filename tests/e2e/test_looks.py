"""Themes on the real screen."""
import re

import pytest

from rig import wait_until
from txmpp import PATIENCE

MOSS = "[theme]\nsummary = green and quiet\n[palette]\nbar = #123456\n"
RUST = "[theme]\nsummary = red and loud\n[palette]\nbar = #654321\n"
BAR = {"yarrow": b"48;2;18;52;86m", "zinc": b"48;2;101;67;33m",
       "dark": b"48;2;38;44;56m"}


@pytest.fixture
def themed(fake, profiles, screen):
    """A screen in true colours, with two more themes."""
    profile = profiles(fake)
    folder = profile.profile / "themes"
    folder.mkdir(parents=True)
    (folder / "yarrow.theme").write_text(MOSS)
    (folder / "zinc.theme").write_text(RUST)

    def make(*options, **kw):
        return screen(profile, *options, connect=False,
                      env=dict(COLORTERM="truecolor"), **kw)
    make.folder = folder
    return make


def shown_in(s, name, before):
    """The title bar has the theme's colour."""
    wait_until(name, lambda: s.pump(0.05) and False or
               BAR[name] in s.bytes[before:], PATIENCE)


def step(s, key, name):
    s.wait_quiet(0.05)
    before = len(s.bytes)
    s.type(key)
    shown_in(s, name, before)


def test_theme_previews(themed):
    """Each is shown at once; Escape goes back, Enter keeps."""
    s = themed("--offline")
    s.wait("offline")
    s.line("/theme")
    s.wait("yarrow")
    step(s, "\x1b[F", "zinc")
    step(s, "\x1b[A", "yarrow")
    s.wait_quiet(0.05)
    assert not re.search("green and quiet", s.text())
    step(s, "\x1b", "dark")             # Escape
    s.wait("yarrow", gone=True)
    s.line("/theme")
    s.wait("yarrow")
    step(s, "\x1b[F", "zinc")
    s.type("\r")
    s.wait("yarrow", gone=True)
    s.line("/set ui.theme")
    s.wait(r"ui\.theme +zinc")
    s.line("/theme list")
    s.wait("yarrow +no +green and quiet")


def test_theme_by_the_ground_of_the_terminal(themed):
    """Until one was chosen, and however the answer is chopped up."""
    (themed.folder / "light.theme").write_text("[theme]\n[palette]\nbar = #123456\n")
    s = themed("--offline")
    s.wait("offline")
    assert b"\x1b]11;?\x1b\\" in s.bytes
    s.type("\x1b]11;rgb:00/00")
    s.type("/00\x1b\\")
    s.wait_quiet(0.2)
    assert BAR["yarrow"] not in s.bytes
    step(s, "\x1b]11;rgb:ffff/ffff/dddd\x07", "yarrow")
    step(s, "/theme dark\r", "dark")
    before = len(s.bytes)
    s.type("\x1b]11;rgb:0000/0000/0000\x1b\\\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
    s.wait_quiet(0.2)
    assert BAR["yarrow"] not in s.bytes[before:]
    step(s, "/theme auto\r", "yarrow")


def test_theme_by_name_and_option(themed):
    s = themed("--offline", "--theme", "yarrow")
    shown_in(s, "yarrow", 0)
    s.wait("offline")
    step(s, "/theme zinc\r", "zinc")
    s.line("/quit")
    assert s.wait_exit() == 0
    s = themed("--offline")             # it was remembered
    shown_in(s, "zinc", 0)
    s.line("/theme nosuch")
    s.wait('There is no theme "nosuch"')


def test_a_damaged_theme_is_told_of_and_left(themed):
    s = themed("--offline")
    s.wait("offline")
    (themed.folder / "yarrow.theme").write_text("[palette]\nbar = muddy\n")
    s.line("/theme yarrow")
    s.wait('"muddy" in the line of bar')
