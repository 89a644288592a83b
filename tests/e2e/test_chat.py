"""A conversation on the screen: styled, numbered, picked from, filtered; what
is written in an editor."""
import base64
import os
import stat
import sys

import pytest

from rig import wait_until

BOB = "<item jid='bob@b.tld' name='Bob' subscription='both'/>"


@pytest.fixture
def talking(fake, screen, profiles):
    """talking(BODY…): (screen, connection), in the conversation with Bob."""
    def make(*bodies, profile=None, **kw):
        s = screen(profile or fake, **kw)
        c = fake.accept()
        c.login()
        c.online(roster=BOB)
        c.settle()
        s.wait("Bob")
        s.line("/msg bob@b.tld")
        s.wait("Message to")
        for body in bodies:
            say(c, body)
        c.settle()
        return s, c
    return make


def say(c, body):
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>{body}</message>"
           if body.startswith("<") else
           f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'><body>{body}</body></message>")


def cell(s, text):
    """The cell with the first character of text, as the terminal has it."""
    for y, line in enumerate(s.lines()):
        if text in line:
            return s.screen.buffer[y][line.index(text)]
    raise AssertionError(s.text())


def test_styling_and_its_refusal(talking):
    s, c = talking("a *bold* word and `code`", "<body>as *it* stands</body>"
                   "<unstyled xmlns='urn:xmpp:styling:0'/>")
    s.wait(r"as \*it\*")
    assert cell(s, "bold*").bold and not cell(s, "word").bold
    assert cell(s, "code`").fg != cell(s, "word").fg
    assert not cell(s, "it*").bold
    s.line("/set ui.styling off")
    wait_until("plain text", lambda: s.wait_quiet(0.05) or not cell(s, "bold*").bold)


def test_pick_quotes_and_copies(talking):
    s, c = talking("one", "two https://a.tld/2", "three")
    s.wait(r"https://a\.tld/2 \[1\]")
    s.type("\x1bm\x1b[A")
    s.wait(r"▸two .*(?s:.*)Enter menu")
    s.type("q")
    s.wait("> > two https")
    s.type("\x03\x1bm")
    s.wait("▸three")
    s.type("\r")
    s.wait("Quote")
    s.type("c")
    osc = b"\x1b]52;c;" + base64.b64encode(b"three") + b"\x07"
    wait_until("OSC 52", lambda: s.pump(0.05) and False or osc in s.bytes)
    s.type("\x1bmko")
    s.wait(r"Open https://a\.tld/2\?")


def test_filter_is_remembered(talking, fake, profiles):
    profile = profiles(fake)
    s, c = talking("hello", "[bot] failed", profile=profile)
    s.wait("failed")
    s.line(r"/filter add ^\[bot\]")
    s.wait("1 message hidden")
    s.wait("failed", gone=True)
    s.line("/quit")
    s.wait_exit()
    s, c = talking("[BOT] again", "shown", profile=profile)
    s.wait("2 messages hidden(?s:.*)shown")
    assert "again" not in s.text()
    s.line("/filter toggle")
    s.wait("failed(?s:.*)again")
    s.line("/filter")
    s.wait(r"Filters are off(?s:.*)\^\\\[bot\\\]")


def test_spelling(talking, tmp_path):
    """A dictionary of three words; the screen goes on while it is asked."""
    (tmp_path / "hunspell").mkdir()
    (tmp_path / "hunspell/qaa.aff").write_text("SET UTF-8\nTRY orchadt\n")
    (tmp_path / "hunspell/qaa.dic").write_text("3\northography\northodox\northo\n")
    s, c = talking(env={"ENCHANT_CONFIG_DIR": str(tmp_path)})
    s.line("/spell qaa")
    s.wait_quiet(0.1)
    if "built without" in s.text():
        pytest.skip("built without enchant-2")
    s.type("orthodx ortho.")
    s.wait(r"orthodx ortho\.")
    wait_until("the underline", lambda: s.wait_quiet(0.05)
               or cell(s, "orthodx").underscore)
    assert not cell(s, "ortho.").underscore
    s.type("\x1b$")
    s.wait("Add to my words")
    s.type("1")
    s.wait("orthodox ortho")
    wait_until("no underline", lambda: s.wait_quiet(0.05)
               or not cell(s, "orthodox").underscore)
    s.line("\x03/set ui.spell")
    s.wait(r"ui\.spell +off")


def test_editor_gets_the_line_privately(talking, tmp_path):
    seen = tmp_path / "seen"
    editor = tmp_path / "editor"
    editor.write_text(f"""#!{sys.executable}
import os, sys
path = sys.argv[1]
text = open(path).read()
with open(path + "~", "w") as f: f.write(text)
modes = oct(os.stat(path).st_mode), oct(os.stat(os.path.dirname(path)).st_mode)
with open({str(seen)!r}, "w") as f: f.write(repr((path, text) + modes))
with open(path, "w") as f: f.write(text.upper() + "\\nsecond line\\n")
""")
    editor.chmod(0o755)
    s, c = talking(env={"VISUAL": str(editor)})
    s.type("half a line\x1be")
    s.wait("HALF A LINE(?s:.*)second line")
    path, text, mode, folder = eval(seen.read_text())
    assert text == "half a line"
    assert stat.S_IMODE(int(mode, 8)) == 0o600 and stat.S_IMODE(int(folder, 8)) == 0o700
    assert not os.path.exists(os.path.dirname(path))
