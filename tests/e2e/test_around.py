"""Getting around: unread ones by urgency, the palette, looking for text."""
import pytest

ROSTER = ("<item jid='bob@b.tld' name='Bob' subscription='both'/>"
          "<item jid='carol@b.tld' name='Carol' subscription='both'/>"
          "<item jid='dave@b.tld' name='Dave' subscription='both'/>")


@pytest.fixture
def around(fake, screen):
    def make(**kw):
        s = screen(fake, **kw)
        c = fake.accept()
        c.login()
        c.online(roster=ROSTER)
        c.settle()
        s.wait("Dave|online")

        def say(who, text):
            c.send(f"<message from='{who}@b.tld/p' to='{c.jid}' type='chat'>"
                   f"<body>{text}</body></message>")
            c.settle()
        return s, say
    return make


@pytest.mark.parametrize("size", [(30, 100), (12, 40)])
def test_palette_opens_chat_command_option_and_help(around, size):
    s, say = around(rows=size[0], cols=size[1])
    s.type("\x1bx")
    s.wait("Go to")
    s.type("carl")
    s.wait("Carol")
    s.type("\r")
    s.wait("No messages with|Message to Carol")
    s.type("\x1bxui.asci")
    s.wait("ui.ascii")
    s.type("\r")
    s.wait("/set ui.ascii")
    s.type("\x03\x1bx/redr")
    s.wait("/redraw")
    s.type("\x1b[B\r")
    s.wait("Draw the screen anew")
    s.type("\x1b")
    s.wait("Draw the screen anew", gone=True)
    s.type("\x1bx")
    s.wait("Go to")
    s.type("\x1b")
    s.wait("Go to", gone=True)


def test_unread_and_back_by_one_key_and_by_click(around):
    s, say = around()
    s.line("/msg dave@b.tld")
    s.wait("Message to Dave|No messages")
    say("bob", "one")
    say("carol", "two")
    s.wait(r"\d:Bob\(1\)  \d:Carol\(1\)")
    s.type("\x1ba")
    s.wait("Message to Bob")
    s.type("\x1ba")
    s.wait("Message to Carol")
    s.type("\x1ba")
    s.wait("Message to Dave")
    say("bob", "three")
    s.wait(r"\d:Bob\(1\)")
    row = next(i for i, line in enumerate(s.lines()) if "Bob(1)" in line)
    column = s.lines()[row].index("Bob(1)")
    s.type(f"\x1b[<0;{column + 1};{row + 1}M\x1b[<0;{column + 1};{row + 1}m")
    s.wait("Message to Bob")
    s.line("/win da")
    s.wait("Message to Dave")


def test_find_while_typing_and_back(around):
    s, say = around()
    for i in range(60):
        say("bob", f"needle {i}" if i == 7 else f"straw number {i}")
    s.line("/msg bob@b.tld")
    s.wait("straw number 59")
    s.type("\x1b[15~")
    s.wait("find>")
    s.type("NEED")
    s.wait("needle 7")
    s.type("x")
    s.wait("not found here")
    s.type("\x7f")
    s.wait("needle 7")
    s.type("\x1b")
    s.wait("needle 7", gone=True)
    s.wait("straw number 58")
    s.line("/find straw number 1")
    s.wait("straw number 19")
    s.type("\r")
    s.wait("find>", gone=True)
    s.wait("straw number 19")
