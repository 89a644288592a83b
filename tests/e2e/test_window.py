"""In terminals that draw: what is seen is their pixels."""
import pytest

from pictures import Web, halves
from rig import wait_until
from window import Display, window

BOB = "<item jid='bob@b.tld' name='Bob' subscription='both'/>"
RED, BLUE = (255, 0, 0), (0, 0, 255)
TERMINALS = {
    "xterm": ["xterm", "-ti", "vt340", "-fa", "DejaVu Sans Mono", "-fs", "10",
              "-b", "0", "-bw", "0", "-geometry", "100x30+0+0", "-e"],
    "mlterm": ["mlterm", "--geometry", "100x30+0+0", "-w", "14", "--sb=false",
               "--border=0", "--lborder=0", "-e"],
}


@pytest.fixture
def display(tmp_path):
    made = Display(tmp_path, 1200, 800)
    yield made
    made.close()


@pytest.fixture
def shown(fake, ca, profiles, display, tmp_path):
    """shown(TERMINAL, LINE…): (screen, connection, web), with Bob."""
    made = []

    def make(name, *lines, **env):
        web = Web(ca, {"/cat.png": halves(200, 120)})
        s = window(TERMINALS[name], profiles(fake), folder=tmp_path,
                   outer={"DISPLAY": display.name},
                   env=dict(env, TERM=f"{name}-256color", COLORTERM="truecolor"))
        made.extend((lambda: s.__exit__(), web.close))
        c = fake.accept()
        c.login()
        c.online(roster=BOB)
        c.settle()
        s.wait("Bob")
        for line in ("/msg bob@b.tld", *lines):
            s.line(line)
            s.wait_quiet(0.1)
        return s, c, web
    yield make
    for close in made:
        close()


def say(c, body):
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'><body>{body}</body></message>")


def see(s, display, what, check):
    """check((left, top, right, bottom) of red, of blue), each None without."""
    return wait_until(what, lambda: s.pump(0.05) and False or check(
        display.pixels().box(RED), display.pixels().box(BLUE)))


def none(red, blue):
    return not red and not blue


@pytest.mark.parametrize("terminal", TERMINALS)
def test_picture_of_pixels_where_its_cells_are(shown, display, terminal):
    s, c, web = shown(terminal)
    rows, cols, width, height = s.size
    cell_width, cell_height = width // cols, height // rows
    say(c, web.url("/cat.png"))
    say(c, "after")
    s.wait("after")
    s.line("/image show --private")
    wait_until("sixel", lambda: s.pump(0.05) and False or b"\x1bP" in s.bytes)
    s.wait_quiet(0.1)
    row = next(i for i, line in enumerate(s.lines()) if "cat.png" in line)
    left = s.lines()[row].index("https") * cell_width
    end = next(i for i, line in enumerate(s.lines()) if line.endswith("after"))
    top, bottom = (row + 1) * cell_height, end * cell_height

    def in_place(red, blue):
        """Beginning in its cell, above the next message, and half and half."""
        return (red and blue and red[:2] == (left, top) and blue[2] == red[2] and
                abs(blue[1] - red[3]) < 6 and bottom - cell_height < blue[3] <= bottom and
                abs((red[2] - left) * 120 / 200 - (bottom - top)) < 2 * cell_height)
    see(s, display, "the picture", in_place)
    # what covers it takes it away, and it comes back
    s.type("\x1bx")
    s.wait("Go to")
    see(s, display, "the palette alone", none)
    s.type("\x1b")
    see(s, display, "the picture again", in_place)
    say(c, "line\n" * 29 + "end of lines")
    s.wait("end of lines")
    see(s, display, "it scrolled away", none)
    s.type("\x1b[5~" * 2)
    see(s, display, "it back", lambda red, blue: red and blue and red[2] - red[0] == blue[2] - blue[0])
    s.line("/msg eve@e.tld")
    see(s, display, "another conversation", none)
    s.line("/image hide cat")
    s.line("/quit")
    s.wait_exit()
    see(s, display, "nothing left", none)


@pytest.mark.parametrize("terminal", TERMINALS)
def test_picture_on_the_whole_screen(shown, display, terminal):
    s, c, web = shown(terminal, "/set ui.picture_pixels on", SSH_CONNECTION="1 2 3 4")
    rows, cols, width, height = s.size
    say(c, web.url("/cat.png"))
    s.wait("cat.png")
    s.line("/image --private")
    s.wait("Esc closes")
    wait_until("sixel", lambda: s.pump(0.05) and False or b"\x1bP" in s.bytes)
    see(s, display, "the picture", lambda red, blue: red and blue and
        red[1] >= height // rows and blue[3] <= height // rows * (rows - 1) and
        blue[3] - red[1] > height * 3 // 4)
    s.type("q")
    see(s, display, "nothing left", none)


def test_no_pixels_over_ssh_by_themselves(shown, display):
    s, c, web = shown("xterm", SSH_CONNECTION="1 2 3 4")
    say(c, web.url("/cat.png"))
    s.wait("cat.png")
    s.line("/image show --private")
    see(s, display, "blocks", lambda red, blue: red and blue)
    s.wait_quiet(0.4)
    assert b"\x1bP" not in s.bytes and b"\x1b[c" not in s.bytes
