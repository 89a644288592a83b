"""What the terminal gets and says, byte by byte: colours, its opinion of
widths, right-to-left text."""
import re

import pytest

import txmpp
from rig import wait_until
from txmpp import DEEP

BOB = "<item jid='bob@b.tld' name='{}' subscription='both'/>"
ASKED = b"\x1b[6n"


def online(fake, roster):
    c = fake.accept()
    c.login()
    c.online(roster=roster)
    c.settle()
    return c


@pytest.mark.parametrize("env, some, none", [
    (dict(TERM="xterm"), rb"\x1b\[3[1-7]m", DEEP),
    (dict(TERM="linux"), rb"\x1b\[3[1-7]m", DEEP),
    (dict(TERM="xterm-256color"), rb"\x1b\[38;5;\d+m", DEEP + b"2"),
    (dict(TERM="xterm-256color", COLORTERM="truecolor"),
     rb"\x1b\[38;2;\d+;\d+;\d+m", DEEP + b"5"),
    (dict(TERM="xterm-256color", COLORTERM="24bit"),
     rb"\x1b\[48;2;\d+;\d+;\d+m", DEEP + rb"5;(?!24m)"),
    (dict(TERM="tmux-256color", COLORTERM="truecolor"),
     rb"\x1b\[38;2;\d+;\d+;\d+m", DEEP + b"5"),
    (dict(TERM="screen-256color", COLORTERM="truecolor"),
     rb"\x1b\[38;5;\d+m", DEEP + b"2"),
    (dict(TERM="xterm-direct"), rb"\x1b\[38:2::\d+:\d+:\d+m", DEEP + b"5"),
    (dict(TERM="xterm-256color", COLORTERM="truecolor", NO_COLOR="1"),
     rb"\x1b\[7m|\x1b\[1m|\x1b\[0;1;7m", rb"\x1b\[[34][0-7]m|" + DEEP),
    (dict(TERM="vt100"), rb"\x1b\[7m|\x1b\[0;1;7m", rb"\x1b\[[34][0-7]m"),
], ids=lambda v: "-".join(v.values()) if isinstance(v, dict) else "")
def test_colours(fake, screen, env, some, none):
    s = screen(fake, env=dict(dict(COLORTERM=None), **env))
    online(fake, BOB.format("Bob"))
    s.wait("Bob")
    assert re.search(some, s.bytes)
    assert not re.search(none, s.bytes), re.search(none, s.bytes)


def test_colours_by_option(fake, screen):
    s = screen(fake)
    online(fake, BOB.format("Bob"))
    s.wait("Bob")
    for value, some in (("true", rb"\x1b\[38;2;"), ("16", rb"\x1b\[3[1-7]m")):
        before = len(s.bytes)
        s.line(f"/set ui.colors {value}")
        wait_until(value, lambda: s.pump(0.05) and False or
                   re.search(some, s.bytes[before:]))
    s.line("/set ui.colors none")
    s.wait_quiet()
    before = len(s.bytes)
    s.resize(29, 99)            # everything is drawn again
    s.wait_quiet()
    assert not re.search(rb"\x1b\[[34][0-7]m|" + DEEP, s.bytes[before:])


class Answering(txmpp.Screen):
    """A terminal that says where its cursor is: columns by question."""
    columns, answered = (1, 2, 1, 2, 2, 2, 2), 0

    def pump(self, timeout=0.0):
        got = super().pump(timeout)
        asked = self.bytes.count(ASKED)
        while self.answered < asked:
            column = self.columns[self.answered] + 1
            self.answered += 1
            self.type(f"\x1b[2;{column}R")
        return got


@pytest.fixture
def answering(profiles):
    made = []

    def make(fake, columns=Answering.columns, **kw):
        cls = type("Answers", (Answering,), {"columns": columns})
        made.append(cls(profiles(fake), **kw))
        return made[-1]
    yield make
    for one in made:
        one.__exit__(None)


FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"


def say(s, c, body):
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
           f"<body>{body}</body></message>")


def test_opinion_joined_pictures_are_shown_whole(fake, answering):
    s = answering(fake)
    c = online(fake, BOB.format("Bob"))
    s.wait("Bob")
    s.line("/msg bob@b.tld")
    say(s, c, f"a{FAMILY}b end")
    s.wait("b end")
    assert FAMILY.encode() in s.bytes
    s.line("/quit")
    assert s.wait_exit() == 0


def test_opinion_unknown_shows_what_everybody_knows(fake, screen):
    s = screen(fake)
    c = online(fake, BOB.format("Bob"))
    s.wait("Bob")
    assert ASKED in s.bytes                     # and nobody answered
    s.line("/msg bob@b.tld")
    say(s, c, f"a{FAMILY}b end")
    s.wait("b end")
    assert FAMILY.encode() not in s.bytes
    assert "\U0001f469".encode() in s.bytes


def test_opinion_wide_circles_are_letters(fake, answering):
    """Where circles and lines take two columns, marks are ASCII."""
    s = answering(fake, (2, 2, 1, 1, 2, 2, 2, 2))
    c = online(fake, BOB.format("Bob"))
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}'/>")
    s.wait(r"\* Bob")
    s.wait("│", gone=True)


def test_opinion_latin_1_terminal(fake, answering):
    """Every byte takes a column: then nothing but ASCII is written."""
    s = answering(fake, (3, 3, 3, 6, 11, 6, 8, 8))
    c = online(fake, BOB.format("Bob"))
    s.wait("Bob")
    s.line("/msg bob@b.tld")
    s.wait("Message to")
    before = len(s.bytes)
    say(s, c, "Grüße aus Köln")
    s.wait("Gr\\?\\?e aus K\\?ln|Gr\\?.e aus")
    assert max(s.bytes[before:]) < 0x80


def test_opinion_keys_typed_meanwhile_are_kept(fake, screen):
    """Answers come between keys, in pieces, and late."""
    s = screen(fake)
    s.wait("Tab completes")
    for i, column in enumerate((1, 2, 1, 1, 2, 2, 2, 2)):
        s.type("abcdefgh"[i])
        s.type(f"\x1b[2;{column + 1}")
        s.type("R")
    s.wait("abcdefgh")
    s.type("\x1b[2;9R")         # nobody asked
    s.type("ij")
    s.wait("abcdefghij")


@pytest.mark.parametrize("env, rows", [
    (dict(TERM="xterm-256color"), 1), (dict(TERM="cons25"), 30),
    (dict(TERM="mach-color"), 30)])
def test_opinion_is_not_asked_for_where_nobody_answers(fake, screen, env, rows):
    s = screen(fake, rows=rows, env=env)
    s.wait("txmpp|Tab")
    s.wait_quiet()
    assert ASKED not in s.bytes


def test_opinion_answers_do_not_reach_the_shell(fake, screen):
    """Who leaves at once takes the answers along."""
    s = screen(fake)
    s.wait("Tab completes")
    s.line("/quit")
    s.wait_quiet(0.03)
    for column in (1, 2, 1, 1, 2, 2, 2, 2):
        s.type(f"\x1b[2;{column + 1}R")
    assert s.wait_exit() == 0


LRM = "\u200e"
FIELDS = re.compile(f"{LRM}([^{LRM}]*){LRM}")


@pytest.mark.parametrize("nick, body", [
    ("\u05d3\u05d5\u05d3", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd 123"),
    ("\u0645\u062d\u0645\u062f", "\u0645\u0631\u062d\u0628\u0627 (12) ok"),
    ("Bob", "\u05d0 1 \u05d1 2 \u05d2")])
def test_H52_right_to_left_stays_in_its_field(fake, answering, nick, body):
    """Between U+200E of ours on both sides, so that a terminal that reorders
    does not move the columns; none of theirs gets through."""
    s = answering(fake)
    c = online(fake, BOB.format(nick))
    s.wait(nick)
    s.line("/msg bob@b.tld")
    s.wait("Message to|_")
    say(s, c, body + "\u202e\u200f")
    s.wait(re.escape(body))
    s.wait_quiet()
    out = re.sub("\x1b\\[[0-9;?]*[A-Za-z]|\x1b\\(B", "\x00", s.bytes.decode())
    fields = [re.sub("\x00+", "", f).strip() for f in
              re.findall(f"{LRM}([^{LRM}]*)(?={LRM})", out)]
    assert any(f.startswith(body) for f in fields), fields
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200f\u061c]", out)
    row = next(line for line in s.lines() if body in line)
    assert row.index(body) > 25


def test_no_marks_without_right_to_left(fake, answering):
    s = answering(fake)
    c = online(fake, BOB.format("Bob"))
    s.wait("Bob")
    s.line("/msg bob@b.tld")
    say(s, c, "plain text")
    s.wait("plain text")
    assert LRM.encode() not in s.bytes
