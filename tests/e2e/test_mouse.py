"""The mouse as a terminal sends it (SGR, 1006), and the screen after the
machine or the person has stopped it for a while."""
import signal

import pytest

ROSTER = ("<item jid='bob@b.tld' name='Bob' subscription='both'/>"
          "<item jid='carol@b.tld' name='Carol' subscription='both'/>")
LEFT, MIDDLE, RIGHT, UP, DOWN = 0, 1, 2, 64, 65


class Mouse:
    def __init__(self, s):
        self.s = s

    def send(self, button, x, y):
        self.s.type(f"\x1b[<{button};{x + 1};{y + 1}M")
        if button < UP:
            self.s.type(f"\x1b[<{button};{x + 1};{y + 1}m")

    def at(self, text):
        self.s.wait(text)
        self.s.wait_quiet(0.1)      # a frame comes in pieces
        lines = self.s.lines()
        y = next(i for i, line in enumerate(lines) if text in line)
        return lines[y].index(text), y

    def click(self, text, button=LEFT):
        self.send(button, *self.at(text))


@pytest.fixture
def start(fake, screen):
    def make(env=None):
        s = screen(fake, env=env)
        c = fake.accept()
        c.login()
        c.online(roster=ROSTER)
        c.settle()
        s.wait("Carol")

        def say(text):
            c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
                   f"<body>{text}</body></message>")
            c.settle()
        return s, c, say
    return make


def test_mouse_contact_wheel_link_and_menu(start):
    s, c, say = start()
    mouse = Mouse(s)
    mouse.click("○ Carol")
    s.wait("Message to Carol")
    mouse.click("○ Bob")
    s.wait("Message to Bob")
    mouse.click("○ Bob")                          # twice is no more than once
    mouse.click("○ Bob")
    s.wait("Message to Bob")
    for i in range(60):
        say(f"line {i}.")
    say("see https://example.org/x here")
    s.wait("example.org/x")
    x, y = mouse.at("line 55.")
    for _ in range(6):
        mouse.send(UP, x, y)
    s.wait(r"line 2\d\.")
    for _ in range(9):
        mouse.send(DOWN, x, y)
    s.wait(r"example\.org/x .*here\n.*──")       # the last line again
    mouse.click("example.org/x", RIGHT)
    s.wait("Open https://example.org/x")
    mouse.click("Quote")
    s.wait("> see https://example.org/x here")
    s.type("\x03")
    s.wait("> see https", gone=True)
    mouse.click("line 58.", RIGHT)
    s.wait("Quote")
    mouse.send(LEFT, 0, 0)                      # beside it
    s.wait("Quote", gone=True)
    mouse.click("○ Bob", RIGHT)
    s.wait("Rename")
    s.type("\x1b")
    s.wait("Rename", gone=True)


def test_mouse_nonsense_is_nothing(start):
    """Far outside, of buttons that are none, a drag from nowhere."""
    s, c, say = start()
    mouse = Mouse(s)
    for button in (LEFT, MIDDLE, RIGHT, 3, 32, 35, UP, DOWN, 66, 67, 128, 131):
        for x, y in ((0, 0), (99, 29), (5000, 5000), (0, 65000)):
            s.type(f"\x1b[<{button};{x};{y}M")
    s.type("\x1b[<0;10;10m\x1b[<;;M\x1b[<0M\x1b[<99999999999;1;1M")
    s.line("/msg bob@b.tld")
    s.wait("Message to Bob")


def test_F18_stopped_screen_comes_back(fake, start):
    """The server gave up meanwhile: online again, and the screen is right."""
    s, c, say = start()
    s.line("/msg bob@b.tld")
    s.wait("Message to Bob")
    say("before")
    s.wait("before")
    s.signal(signal.SIGSTOP)
    c.rst()
    s.signal(signal.SIGCONT)
    c = fake.online(timeout=20, roster=ROSTER)
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
           "<body>after</body></message>")
    s.wait(r"before(.*\n)+.*after")
    assert "online" in s.lines()[-2]


def test_F17_screen_after_the_machine_slept(start, preload, tmp_path):
    """Both clocks go on by hours at once."""
    clock, steady = tmp_path / "clock", tmp_path / "steady"
    clock.write_text("0")
    steady.write_text("0")
    s, c, say = start(preload("clock", CLOCK_FILE=str(clock),
                              MONOTONIC_FILE=str(steady)))
    s.line("/msg bob@b.tld")
    say("before")
    s.wait("before")
    clock.write_text("90000")
    steady.write_text("90000")
    say("after")
    s.wait(r"before(.*\n)+.*20\d\d(.*\n)+.*after")     # the next day's line
    assert "online" in s.lines()[-2]
