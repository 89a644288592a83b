#!/usr/bin/python3
"""Pictures of every theme, to be looked at: the real program on a
pseudo-terminal with people in all states, in true colours and in sixteen.

  TXMPP=build/txmpp tests/theme_pictures.py FOLDER [THEME]...

Writes THEME-true.svg, THEME-16.svg, the same with a dialog, and sheets of
all of them; with rsvg-convert the same as PNG.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE / "e2e"))
sys.dont_write_bytecode = True

import screenshot       # noqa: E402
import txmpp            # noqa: E402
from fake import Fake   # noqa: E402
from pki import CA      # noqa: E402

PEOPLE = [  # jid, name, group, subscription, show, status
    ("romeo@v.tld", "Romeo", "Friends", "both", "", "on the orchard wall"),
    ("mercutio@v.tld", "Mercutio", "Friends", "both", "away", "queen Mab"),
    ("benvolio@v.tld", "Benvolio", "Friends", "both", "dnd", "parting fools"),
    ("tybalt@v.tld", "Tybalt", "Cousins", "both", "chat", ""),
    ("paris@v.tld", "Paris", "Cousins", "both", "xa", ""),
    ("laurence@v.tld", "Laurence", "Church", "both", None, ""),
    ("nurse@v.tld", "Nurse", "Church", "none", None, ""),
]


class Bright(txmpp.Terminal):
    """pyte takes bright colours for bold ones; by number it has xterm's."""
    def select_graphic_rendition(self, *attrs, private=False):
        out, rest = [], list(attrs)
        while rest:
            a = rest.pop(0)
            if a in (38, 48):       # these are numbers already
                n = 4 if rest[:1] == [2] else 2
                out += [a, *rest[:n]]
                rest = rest[n:]
            elif a // 10 in (3, 4, 9, 10) and a % 10 < 8:
                out += [38 if a // 10 in (3, 9) else 48, 5,
                        a % 10 + (8 if a > 89 else 0)]
            else:
                out.append(a)
        super().select_graphic_rendition(*out, private=private)

    def erase_in_display(self, how=0, *args, **kw):
        """pyte leaves cells alone that nobody wrote to."""
        super().erase_in_display(how, *args, **kw)
        for y in range(self.lines) if how == 2 else ():
            for x in range(self.columns):
                self.buffer[y][x] = self.cursor.attrs


def say(c, who, body):
    c.send(f"<message from='{who}@v.tld/p' to='{c.jid}' type='chat'>"
           f"<body>{body}</body></message>")


def play(s, c):
    """A conversation, somebody else's messages, a request, an answer."""
    c.settle()
    for jid, _, _, _, show, status in PEOPLE:
        if show is not None:
            c.send(f"<presence from='{jid}/p' to='{c.jid}'>"
                   + (f"<show>{show}</show>" if show else "")
                   + f"<status>{status}</status></presence>")
    s.wait("Romeo")
    s.line("/msg romeo")
    s.wait("Message to Romeo")
    say(c, "romeo", "But soft! what light through yonder *window* breaks?")
    s.wait("breaks")
    s.line("Art thou not Romeo, and a Montague?")
    stanza = c.expect("message")
    c.send(f"<message from='romeo@v.tld/p' to='{c.jid}' type='chat'>"
           "<received xmlns='urn:xmpp:receipts' "
           f"id='{stanza.get('id')}'/></message>")
    say(c, "romeo", "Neither, fair saint: https://verona.example/walls")
    say(c, "romeo", "/me looks up to the balcony")
    s.wait("balcony")
    s.line("How cam'st thou hither, tell me, and wherefore?")
    say(c, "mercutio", "Nay, gentle Romeo, we must have you dance.")
    say(c, "tybalt", "What, drawn, and talk of peace?")
    s.wait("2:|3:")
    s.line("/who Friends")
    s.wait("orchard wall", timeout=10)
    s.wait_quiet(0.5)


def dialog(s, c):
    c.send(f"<presence from='rosaline@w.tld' to='{c.jid}' type='subscribe'>"
           "<status>We met at the feast.</status></presence>")
    s.wait("asks to see")
    s.wait_quiet(0.5)


def theme_is_light(name):
    text = (HERE.parent / "themes" / f"{name}.theme").read_text()
    return re.search(r"^background *= *light", text, re.M)


GROUNDS = {  # ink and ground: xterm's own for 16 colours, softer ones
    ("16", True): ("#000000", "#ffffff"), ("true", True): ("#202020", "#fafafa"),
    ("16", False): ("#e5e5e5", "#000000"), ("true", False): ("#d0d0d0", "#16181a"),
}


def save(path, svg):
    path.write_text(svg)
    if shutil.which("rsvg-convert"):
        subprocess.run(["rsvg-convert", "-o", path.with_suffix(".png"), path],
                       check=True)


def write(folder, name, colors, screen):
    theme = name.removesuffix("-dialog")
    grounds = GROUNDS[colors, bool(theme_is_light(theme))]
    save(folder / f"{name}-{colors}.svg", screenshot.svg(screen, *grounds))


def sheet(folder, names, colors):
    """All of them in two columns."""
    parts, height = [], 0
    for i, name in enumerate(names):
        svg = (folder / f"{name}-dialog-{colors}.svg").read_text()
        w, h = map(int, re.search(r'width="(\d+)" height="(\d+)"',
                                  svg).groups())
        x, y = i % 2 * (w + 8), i // 2 * (h + 8)
        parts.append(svg.replace("<svg ", f'<svg x="{x}" y="{y}" ', 1))
        height = y + h
    save(folder / f"sheet-{colors}.svg",
         f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * w + 8}" '
         f'height="{height}">' + "".join(parts) + "</svg>\n")


def picture(folder, ca, name, colors):
    fake = Fake(ca, user="juliet")
    profile = txmpp.Profile.fake(fake)
    themes = profile.profile / "themes"
    shutil.copytree(HERE.parent / "themes", themes)
    (profile.profile / "txmpp.conf").write_text(
        f"[ui]\ntheme = {name}\ncolors = {colors}\n")
    roster = "".join(
        f"<item jid='{jid}' name='{n}' subscription='{sub}'"
        + (" ask='subscribe'" if sub == "none" else "")
        + f"><group>{group}</group></item>"
        for jid, n, group, sub, _, _ in PEOPLE)
    term = "xterm-256color" if colors == "true" else "xterm-16color"
    with txmpp.Screen(profile, env=dict(TERM=term)) as s:
        s.screen = Bright(s.cols, s.rows)
        s.stream = txmpp.Bytes(s.screen)
        c = fake.accept()
        c.login()
        c.online(roster=roster)
        play(s, c)
        write(folder, name, colors, s.screen)
        dialog(s, c)
        write(folder, f"{name}-dialog", colors, s.screen)
    fake.close()
    profile.remove()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or sorted(
        p.stem for p in (HERE.parent / "themes").glob("*.theme"))
    ca = CA(pathlib.Path(tempfile.mkdtemp()))
    for name in names:
        for colors in ("true", "16"):
            picture(folder, ca, name, colors)
            print(name, colors, flush=True)
    for colors in ("true", "16"):
        sheet(folder, names, colors)


if __name__ == "__main__":
    main()
