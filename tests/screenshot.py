#!/usr/bin/python3
"""A picture of the real screen: runs a command in a pseudo-terminal, types
keys, and writes what a terminal shows as SVG (for the README and for looking
at themes).

  screenshot.py [--size 100x30] [--keys STEP]... -o OUT.svg -- COMMAND [ARG]...

A STEP is text to type; "wait:TEXT" waits until the screen shows TEXT;
\\r, \\e and \\t are understood.
"""
import argparse
import fcntl
import html
import os
import pathlib
import pty
import select
import signal
import struct
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))
sys.dont_write_bytecode = True

import txmpp  # noqa: E402

BASE = {"black": "#1d1f21", "red": "#cc6666", "green": "#b5bd68", "brown": "#f0c674", "blue": "#81a2be",
        "magenta": "#b294bb", "cyan": "#8abeb7", "white": "#c5c8c6",
        "brightblack": "#7c7f80", "brightred": "#f08a8a", "brightgreen": "#d3dd85", "brightbrown": "#ffe08f",
        "brightyellow": "#ffe08f", "brightblue": "#a0c4e4", "brightmagenta": "#d0b0da", "brightcyan": "#a6dbd3",
        "brightwhite": "#ffffff"}
CW, CH, PAD = 8.43, 18, 10


class Terminal:
    def __init__(self, argv, cols, rows, term="xterm-256color",
                 locale="C.UTF-8"):
        self.screen = txmpp.Terminal(cols, rows)
        self.stream = txmpp.Bytes(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM=term, LC_ALL=locale, COLORTERM="truecolor")
            os.execvp(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def pump(self, seconds, until=None):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until and until():
                return True
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    return False
                self.stream.feed(data)
        return bool(until and until())

    def shows(self, text):
        return any(text in line for line in self.screen.display)

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.pump(3, lambda: os.waitpid(self.pid, os.WNOHANG)[0])


def colour(name, fallback):
    if name == "default":
        return fallback
    return BASE.get(name) or ("#" + name if len(name) == 6 else fallback)


def svg(screen, fg="#d0d0d0", bg="#16181a"):
    w, h = screen.columns * CW + 2 * PAD, screen.lines * CH + 2 * PAD
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h:.0f}" '
           f'viewBox="0 0 {w:.0f} {h:.0f}"><rect width="100%" height="100%" rx="6" fill="{bg}"/>'
           f'<g font-family="DejaVu Sans Mono,Menlo,Consolas,Noto Sans Mono CJK SC,monospace" font-size="14" xml:space="preserve">']
    for y in range(screen.lines):
        row, x = screen.buffer[y], 0
        while x < screen.columns:
            c = row[x]
            style = (c.fg, c.bg, c.bold, c.italics, c.underscore, c.reverse)
            start, text = x, ""
            while x < screen.columns:
                d = row[x]
                if (d.fg, d.bg, d.bold, d.italics, d.underscore, d.reverse) != style:
                    break
                # keep columns: a run for each wide character
                wide = d.data and ord(d.data[0]) > 0x2e7f
                if wide and text:
                    break
                text += d.data
                x += 1
                if wide:
                    if x < screen.columns and row[x].data == "":
                        x += 1
                    break
            f, b = colour(c.fg, fg), colour(c.bg, bg)
            if c.reverse:
                f, b = b, f
            px, py = PAD + start * CW, PAD + y * CH
            if b != bg:
                out.append(f'<rect x="{px:.1f}" y="{py}" width="{(x - start) * CW:.1f}" height="{CH}" fill="{b}"/>')
            if text.strip():
                extra = ' font-weight="bold"' if c.bold else ""
                extra += ' font-style="italic"' if c.italics else ""
                extra += ' text-decoration="underline"' if c.underscore else ""
                out.append(f'<text x="{px:.1f}" y="{py + 13.5}" fill="{f}"{extra} '
                           f'textLength="{(x - start) * CW:.1f}">{html.escape(text)}</text>')
    out.append("</g></svg>")
    return "\n".join(out) + "\n"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--size", default="100x30")
    ap.add_argument("--keys", action="append", default=[])
    ap.add_argument("--term", default="xterm-256color")
    ap.add_argument("--light", action="store_true", help="a light terminal")
    ap.add_argument("--locale", default="C.UTF-8", help="one that is installed")
    ap.add_argument("-o", "--out", required=True)
    ap.add_argument("command", nargs="+")
    a = ap.parse_args()
    cols, rows = map(int, a.size.split("x"))
    t = Terminal(a.command, cols, rows, a.term, a.locale)
    for step in a.keys:
        if step.startswith("wait:"):
            if not t.pump(60, lambda: t.shows(step[5:])):
                print("\n".join(t.screen.display))
                sys.exit(f"the screen never showed: {step[5:]}")
            continue
        os.write(t.fd, step.replace("\\r", "\r").replace("\\e", "\x1b").replace("\\t", "\t").encode())
        t.pump(0.3)
    t.pump(0.5)
    with open(a.out, "w") as f:
        f.write(svg(t.screen, *(("#202020", "#fafafa") if a.light else ())))
    t.stop()


if __name__ == "__main__":
    main()
