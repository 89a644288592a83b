#!/usr/bin/python3
"""The pictures of the README, made from the real screen: the demo of ./run in
a pseudo-terminal, typed at like a person would.

  tour.py --binary TXMPP [--out DIR] [NAME]...     make -C build tour

A scene is a list of steps as screenshot.py has them; "shot:NAME" takes a
picture.
"""
import argparse
import os
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import screenshot  # noqa: E402

DEMO, ALONE = "demo", "alone"
SCENES = [
    (ALONE, "100x20", ["wait:Welcome to txmpp", "shot:tour-start"]),
    (DEMO, "100x24", [
        "wait:Romeo(1)", "\x1ba", "wait:yonder",
        "Art thou not Romeo, and a Montague?\r", "wait:fair saint",
        "How cam'st thou hither, tell me, and *wherefore*?\r",
        "wait:hold love out", "pause:1", "shot:screen",
        "/help delete contact\r", "wait:/roster remove", "shot:tour-help",
        "\x1b", "pause:0.5", "/win 0\r", "\x1b[18~", "wait:Console",
        "/win romeo\r",
        "pause:0.5", "shot:tour-split", "/layout only\r", "pause:0.5", "\x1bx", "pause:0.6", "ben",
        "pause:0.6", "shot:tour-palette", "\x1b"]),
]


def play(terminal, steps, out, wanted):
    for step in steps:
        kind, _, rest = step.partition(":")
        if kind == "wait":
            if not terminal.pump(60, lambda: terminal.shows(rest)):
                print("\n".join(terminal.screen.display))
                sys.exit(f"the screen never showed: {rest}")
        elif kind == "pause":
            terminal.pump(float(rest))
        elif kind == "shot":
            terminal.pump(0.5)
            if not wanted or rest in wanted:
                path = out / f"{rest}.svg"
                path.write_text(screenshot.svg(terminal.screen))
                print(path)
        else:
            os.write(terminal.fd, step.encode())
            terminal.pump(0.3)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", required=True)
    ap.add_argument("--out", type=pathlib.Path, default=HERE.parent / "man")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    binary = str(pathlib.Path(a.binary).resolve())
    for place, size, steps in SCENES:
        if a.names and not any(f"shot:{name}" in steps for name in a.names):
            continue
        cols, rows = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as profile:
            argv = [sys.executable, str(HERE / "demo/demo.py"), binary] \
                if place == DEMO else [binary, "--profile", profile]
            terminal = screenshot.Terminal(argv, cols, rows)
            try:
                play(terminal, steps, a.out, a.names)
            finally:
                terminal.stop()


if __name__ == "__main__":
    main()
