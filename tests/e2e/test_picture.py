"""Pictures behind links: fetched when asked for, decoded elsewhere, drawn in
cells, and in pixels where the terminal says so."""
import base64
import hashlib
import pathlib
import random
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

from pictures import GIF, JPEG, RED, WEBP, Web, gif, halves, huge_png, png
from rig import wait_until
from txmpp import binary

BOB = "<item jid='bob@b.tld' name='Bob' subscription='both'/>"
TRUE = dict(COLORTERM="truecolor", TERM="xterm-256color")
RED_CELL, BLUE_CELL = b"\x1b[48;2;255;0;0m", b"\x1b[48;2;0;0;255m"


@pytest.fixture
def web(ca):
    made = []

    def make(**files):
        made.append(Web(ca, {"/" + k.replace("_", "."): v
                             for k, v in files.items()}))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def chat(fake, screen):
    """chat(LINE…): in the conversation with Bob."""
    def make(*lines, **kw):
        kw.setdefault("env", TRUE)
        s = screen(fake, **kw)
        c = fake.accept()
        c.login()
        c.online(roster=BOB)
        c.settle()
        s.wait("Bob")
        for line in ("/msg bob@b.tld", *lines):
            s.line(line)
            s.wait_quiet(0.1)
        return s, c
    return make


def say(c, body, frm="bob@b.tld/p", more=""):
    c.send(f"<message from='{frm}' to='{c.jid}' type='chat'>"
           f"<body>{body}</body>{more}</message>")


def wrote(s, what):
    wait_until(what, lambda: s.pump(0.05) and False or what in s.bytes)


def wrote_like(s, pattern):
    return wait_until(pattern, lambda: s.pump(0.05) and False or
                      re.search(pattern, bytes(s.bytes)))


def columns(s, row):
    """Those with something of a picture (red and blue, both of them strong)."""
    cells = [s.screen.buffer[row][x] for x in range(s.cols)]
    return [x for x, c in enumerate(cells) if "\u2580" <= c.data <= "\u259f" or
            re.fullmatch("f[0-9a-f]0000|0000f[0-9a-f]", c.bg)]


def blocks(s):
    """Rows of the screen with something of a picture in them."""
    return [row for row in range(s.rows) if columns(s, row)]


def see(s, width):
    wait_until(f"{width} columns of a picture", lambda: s.wait_quiet(0.05) or
               any(len(columns(s, row)) >= width for row in range(s.rows)))


def see_none(s):
    wait_until("no picture", lambda: s.wait_quiet(0.05) or not blocks(s))


def test_shown_under_its_message_and_hidden(chat, web):
    w = web(cat_png=halves())
    s, c = chat()
    say(c, f"look {w.url('/cat.png')} nice")
    say(c, "and then")
    s.wait("and then")
    assert not w.asked                      # nobody asked for it
    s.line("/image show --private")
    see(s, 12)
    s.wait_quiet(0.2)
    assert w.asked == ["/cat.png"]
    rows = blocks(s)
    assert rows == list(range(rows[0], rows[0] + len(rows)))
    assert "cat.png" in s.lines()[rows[0] - 1]
    assert "and then" in s.lines()[rows[-1] + 1]
    assert RED_CELL in s.bytes and BLUE_CELL in s.bytes
    # red above, blue below, wherever it is scrolled to
    for i in range(30):
        say(c, f"line {i}")
    s.wait("line 29")
    s.type("\x1b[5~")
    s.wait("line 2\\b")
    s.line("/image hide cat")
    s.type("\x1b[5~\x1b[5~")
    s.wait("look")
    see_none(s)
    s.line("/image show --private cat")
    see(s, 12)
    assert w.asked == ["/cat.png"]          # it was kept


def test_by_itself_from_contacts_only(chat, web):
    """… and never from the network around: the sentence shows the attempt."""
    w = web(a_png=halves())
    s, c = chat("/image auto on")
    say(c, w.url("/c.txt"))
    say(c, w.url("/b.png"), frm="mal@m.tld/x")
    say(c, w.url("/a.png"))
    s.wait("a\\.png(.|\n)*private")
    s.line("/msg mal@m.tld")
    s.wait("b\\.png")
    s.wait_quiet(0.2)
    assert "private" not in s.text() and not w.asked


def test_never_by_itself_over_ssh(chat, web):
    w = web(a_png=halves())
    s, c = chat("/image auto on", env=dict(TRUE, SSH_CONNECTION="1 2 3 4"))
    say(c, f"{w.url('/a.png')}")
    say(c, "end")
    s.wait("end")
    s.wait_quiet(0.2)
    assert "private" not in s.text()


def test_oob_address(chat, web):
    w = web(a_png=halves())
    s, c = chat()
    url = w.url("/a.png")
    say(c, url, more=f"<x xmlns='jabber:x:oob'><url>{url}</url></x>")
    s.wait("a\\.png")
    s.line("/image show --private 1")
    see(s, 1)


def test_what_is_clear_stays_clear(chat, web):
    """A disc: around it is the ground, never a colour of the text."""
    disc = png(64, 64, lambda x, y: RED if (x - 32) ** 2 + (y - 32) ** 2 < 900
               else (0, 0, 0, 0))
    w = web(a_png=disc)
    s, c = chat()
    say(c, w.url("/a.png"))
    s.wait("localhost")
    s.line("/image show --private")
    see(s, 8)
    s.wait_quiet(0.2)
    cells = [s.screen.buffer[y][x] for y in blocks(s) for x in columns(s, y)]
    colors = {c.bg if c.data == " " else c.fg for c in cells}
    assert colors
    assert not [c for c in colors if not re.fullmatch("[0-9a-f]{2}0000", c)]
    corner = s.screen.buffer[blocks(s)[0]][min(x for y in blocks(s) for x in columns(s, y))]
    assert corner.bg == "default"


@pytest.mark.parametrize("name, data", [
    ("a_jpg", JPEG), ("a_webp", WEBP), ("a_gif", GIF),
    ("b_gif", gif(32, 32, interlaced=True, images=3))],
    ids=["jpeg", "webp", "gif", "gif-moving"])
def test_other_kinds(chat, web, name, data):
    w = web(**{name: data})
    s, c = chat()
    say(c, w.url("/" + name.replace("_", ".")))
    s.wait("localhost")
    s.line("/image show --private")
    see(s, 12)
    assert re.search(rb"\x1b\[48;2;25[45];0;0m", bytes(s.bytes))


@pytest.mark.parametrize("data, said", [
    (b"", "no picture that can be shown"),
    (b"GIF88a" + bytes(100), "no picture that can be shown"),
    (b"GIF89a" + bytes(100), "damaged"),
    (GIF[:60], "damaged"),
    (gif(65535, 65535, images=0), "too many pixels"),
    (gif(4, 4, images=0), "damaged"),
    (b"\xff\xd8\xff" + bytes(200), "damaged"),
    (halves()[:90], "damaged"),
    (huge_png(60000), "too many pixels"),
    (b"RIFF\0\0\0\0WEBP" + bytes(64), "damaged"),
    (None, "404"),
], ids=["empty", "gif88", "gif-zeros", "gif-cut", "gif-huge", "gif-none", "jpeg", "cut", "huge", "webp", "missing"])
def test_hostile_files_end_in_a_sentence(chat, web, data, said):
    w = web(a_png=data)
    s, c = chat()
    say(c, w.url("/a.png"))
    s.wait("a\\.png")
    s.line("/image show --private")
    s.wait(said)


@pytest.mark.parametrize("good", [halves(16, 12), JPEG, WEBP, GIF],
                         ids=["png", "jpeg", "webp", "gif"])
def test_decoder_on_what_is_nearly_a_picture(good):
    """Whatever the bytes: a whole answer, and never the end by a signal."""
    there = pathlib.Path(binary()).parent           # bin/, or where it was built
    program = next(path for path in (there / "txmpp-picture",
                                     *there.parent.glob("libexec/*/txmpp-picture"))
                   if path.exists())
    pick = random.Random(len(good))
    for _ in range(40):
        data = bytearray(good)
        for _ in range(pick.choice((1, 1, 4, 20))):
            data[pick.randrange(len(data))] = pick.randrange(256)
        if not pick.randrange(4):
            data = data[:pick.randrange(len(data))]
        done = subprocess.run([program, "c", "true", "10", "10", "8", "16"], input=data,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 0, (bytes(data), done)
        assert done.stdout[:4] == b"TXP1" and len(done.stdout) - 18 == int.from_bytes(
            done.stdout[14:18], "little")


def test_private_addresses_are_not_asked_H58(chat, web):
    w = web(a_png=halves())
    s, c = chat()
    say(c, w.url("/a.png"))
    s.wait("a\\.png")
    s.line("/image show")
    s.wait("rivate")
    assert not w.asked
    say(c, "http://b.tld/x.png")
    s.wait("x\\.png")
    s.line("/image show")
    s.wait("over https only")


# ---- the whole screen -------------------------------------------------------

def test_view_in_cells_and_back(chat, web):
    w = web(a_png=halves())
    s, c = chat()
    say(c, w.url("/a.png"))
    s.wait("a\\.png")
    s.line("/image --private")
    s.wait("Esc closes the picture")
    see(s, 20)
    assert len(blocks(s)) > 12
    say(c, "meanwhile")
    s.type("\x1b")
    s.wait("meanwhile")
    assert not blocks(s)
    wrote(s, b"\x1b[c")                     # it was asked what it can


def test_view_by_sixel_where_it_is_said(chat, web):
    w = web(a_png=halves())
    s, c = chat()
    say(c, w.url("/a.png"))
    s.wait("a\\.png")
    s.line("/image --private")
    wrote(s, b"\x1b[c")
    s.type("\x1b[?62;4;22c")
    assert b"#" in wrote_like(s, rb"\x1bP[0-9;]*q[ -~]+\x1b\\").group()
    wrote(s, b"\x1b8")
    s.wait_quiet(0.2)
    s.type("q")
    s.wait("a\\.png")
    assert b"\x1b_Ga=d" not in s.bytes
    assert not blocks(s)


def test_view_by_kitty_where_it_is_said(chat, web):
    w = web(a_png=halves(32, 32))
    s, c = chat()
    say(c, w.url("/a.png"))
    s.wait("a\\.png")
    s.line("/image --private")
    wrote(s, b"\x1b_Gi=1953721965,s=1,v=1,a=q")
    s.type("\x1b_Gi=1953721965;OK\x1b\\\x1b[?62;4c")
    wrote(s, b"a=T,f=32")
    wrote_like(s, rb"m=0;[A-Za-z0-9+/=]*\x1b\\")
    parts = re.findall(rb"\x1b_G[^;]*m=([01]);([A-Za-z0-9+/=]*)\x1b\\",
                       bytes(s.bytes))
    assert [m for m, _ in parts] == [b"1"] * (len(parts) - 1) + [b"0"]
    pixels = b"".join(base64.b64decode(p) for _, p in parts)
    head = re.search(rb"s=(\d+),v=(\d+)", bytes(s.bytes)[
        bytes(s.bytes).index(b"a=T"):])
    assert len(pixels) == int(head[1]) * int(head[2]) * 4
    assert pixels[:4] == b"\xff\0\0\xff" and pixels[-4:] == b"\0\0\xff\xff"
    s.type("q")
    wrote(s, b"\x1b_Ga=d,d=I")
    s.wait("a\\.png")


@pytest.mark.parametrize("env, asked", [
    (dict(TERM="linux"), False),
    (dict(TRUE, SSH_CONNECTION="1 2 3 4"), False),
    (dict(TERM="tmux-256color", TMUX="/x,1,0"), True),
], ids=["linux", "ssh", "tmux"])
def test_view_asks_nobody_who_would_not_understand(chat, web, env, asked):
    w = web(a_png=halves())
    s, c = chat(env=env)
    say(c, w.url("/a.png"))
    s.wait("a\\.png")
    s.line("/image --private")
    s.wait("Esc closes")
    s.wait_quiet(0.2)
    assert (b"\x1b[c" in s.bytes) == asked
    assert b"\x1b_G" not in s.bytes


# ---- faces ------------------------------------------------------------------

PUBSUB = "http://jabber.org/protocol/pubsub"
METADATA, DATA = "urn:xmpp:avatar:metadata", "urn:xmpp:avatar:data"


def has_avatar(c, data):
    """Bob's account answers for his picture."""
    name = hashlib.sha1(data).hexdigest()

    def items(node, inner):
        return (f"<pubsub xmlns='{PUBSUB}'><items node='{node}'>"
                f"<item id='{name}'>{inner}</item></items></pubsub>")
    for node, inner in (
            (METADATA, f"<metadata xmlns='{METADATA}'><info id='{name}' "
                       f"type='image/png' bytes='{len(data)}'/></metadata>"),
            (DATA, f"<data xmlns='{DATA}'>{base64.b64encode(data).decode()}"
                   "</data>")):
        iq = c.expect("iq", to="bob@b.tld", answer=False)
        assert node.encode() in ET.tostring(iq)
        c.result(iq, items(node, inner))


def test_face_below_the_roster_and_in_info(fake, screen, profiles):
    profile = profiles(fake)
    s = screen(profile, env=TRUE)
    c = fake.accept()
    c.login()
    c.online(roster=BOB)
    c.settle()
    s.line("/msg bob@b.tld")
    has_avatar(c, halves(32, 32))
    see(s, 12)
    rows = blocks(s)
    assert len(rows) == 8 and RED_CELL in s.bytes and BLUE_CELL in s.bytes
    assert all(columns(s, i)[0] < 25 for i in rows)
    s.line("/info bob@b.tld")
    s.wait("(?i)subscription")
    wait_until("his face", lambda: s.wait_quiet(0.05) or
               any(columns(s, row)[-1] > 80 for row in blocks(s)))
    s.line("/avatar show bob@b.tld")
    s.wait("Esc closes")
    see(s, 20)
    s.type("q")
    s.line("/set ui.avatars off")
    s.wait_quiet(0.2)
    see_none(s)


def test_face_is_not_asked_for_over_ssh(chat):
    s, c = chat(env=dict(TRUE, SSH_CONNECTION="1 2 3 4"))
    say(c, "hello")
    s.wait("hello")
    s.wait_quiet(0.2)
    c.settle()
    assert c.no("iq", to="bob@b.tld")
