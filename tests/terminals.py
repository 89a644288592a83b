#!/usr/bin/python3
"""Pictures of the real screen in real terminals, to be looked at: text of all
widths, a picture in the conversation, what covers it, the whole screen, a face.

  terminals.py --binary TXMPP [--out DIR] [--size COLSxROWS]... [TERMINAL]...

make -C build terminals. A terminal that is not installed is passed over.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "e2e"))

FONT = ["-fa", "DejaVu Sans Mono", "-fs", "10"]
# name: (arguments, what TERM says inside)
TERMINALS = {
    "xterm": (lambda size: ["xterm", "-ti", "vt340", *FONT, "-geometry", size, "-e"],
              dict(TERM="xterm-256color")),
    "xterm-dark": (lambda size: ["xterm", "-bg", "black", "-fg", "gray90", *FONT,
                                 "-geometry", size, "-e"], dict(TERM="xterm-256color")),
    "xterm-16": (lambda size: ["xterm", *FONT, "-geometry", size, "-e"],
                 dict(TERM="xterm-16color", COLORTERM=None)),
    "mlterm": (lambda size: ["mlterm", "--geometry", size, "-w", "14", "--sb=false", "-e"],
               dict(TERM="mlterm-256color")),
    "kitty": (lambda size: [
        "kitty", "-c", "NONE", *(w for kind, n in zip(("width", "height"), size.split("x"))
                                 for w in ("-o", f"initial_window_{kind}={n}c")),
        "-o", "remember_window_size=no", "-o", "update_check_interval=0"],
        dict(TERM="xterm-kitty")),
    "tmux": (lambda size: ["xterm", "-tn", "xterm-256color", *FONT, "-geometry", size, "-e", "tmux", "-S",
                           "tmux.socket", "-f", "/dev/null", "new-session"],
             dict(TERM="tmux-256color", TMUX="/x,1,0", COLORTERM=None)),
    "screen": (lambda size: ["xterm", "-tn", "xterm-256color", *FONT, "-geometry", size, "-e", "screen", "-U", "-c",
                             "/dev/null"], dict(TERM="screen-256color", STY="1.x", COLORTERM=None)),
}
ROSTER = ("<item jid='romeo@v.tld' name='Romeo' subscription='both'><group>Friends</group></item>"
          "<item jid='carol@v.tld' name='Carol 界面 😀' subscription='both'/>")
TEXT = ("wide 界面 😀 é ❤️ 👩‍👧 🇩🇪 👍🏽 שלום *strong* _emphasis_ ~struck~ `code`, "
        "and the end of the line")


def answer_for_face(c, data):
    name = hashlib.sha1(data).hexdigest()
    pubsub = "http://jabber.org/protocol/pubsub"
    for node, inner in (
            ("urn:xmpp:avatar:metadata", f"<metadata xmlns='urn:xmpp:avatar:metadata'><info id='{name}' "
             f"type='image/png' bytes='{len(data)}'/></metadata>"),
            ("urn:xmpp:avatar:data", "<data xmlns='urn:xmpp:avatar:data'>"
             f"{base64.b64encode(data).decode()}</data>")):
        iq = c.expect("iq", to="romeo@v.tld", answer=False)
        c.result(iq, f"<pubsub xmlns='{pubsub}'><items node='{node}'><item id='{name}'>{inner}"
                     "</item></items></pubsub>")


def scene(name, size, folder, out):
    import pictures
    import txmpp
    import window
    from fake import Fake
    from pki import CA
    ca = CA(folder / "ca")
    fake = Fake(ca)
    disc = pictures.png(160, 160, lambda x, y: (255, x, y, 255)
                        if (x - 80) ** 2 + (y - 80) ** 2 < 6400 else (0, 0, 0, 0))
    web = pictures.Web(ca, {"/cat.png": pictures.halves(200, 120)})
    profile = txmpp.Profile.fake(fake)
    shutil.copytree(HERE.parent / "themes", profile.profile / "themes")
    display = window.Display(folder, 1280, 800)
    arguments, inside = TERMINALS[name]
    socket = str(folder / "tmux.socket")
    argv = [socket if a == "tmux.socket" else a for a in arguments(size)]
    s = window.window(
        argv, profile, folder=folder, env=dict({"COLORTERM": "truecolor"}, **inside),
        outer=dict(DISPLAY=display.name, LIBGL_ALWAYS_SOFTWARE="1", SCREENDIR=str(folder / "screens"),
                   XDG_RUNTIME_DIR=str(folder), TERM="xterm-256color"))

    def shot(what):
        s.wait_quiet(0.5)
        time.sleep(0.3)     # the terminal draws when it likes
        path = out / f"{name}-{size}-{what}.png"
        display.pixels().png(path)
        print(path, flush=True)
    try:
        c = fake.accept()
        c.login()
        c.online(roster=ROSTER)
        c.settle()
        s.wait("Romeo")
        s.line("/msg romeo@v.tld")
        answer_for_face(c, disc)
        for body in (TEXT, f"look: {web.url('/cat.png')}", "after it"):
            c.send(f"<message from='romeo@v.tld/o' to='{c.jid}' type='chat'><body>{body}</body></message>")
        s.wait("after it")
        s.type("界😀e\u0301x")
        shot("text")
        s.type("\x15")
        s.line("/image show --private")
        s.wait_quiet(1)
        shot("picture")
        s.type("\x1bx")
        shot("palette")
        s.type("\x1b")
        s.wait_quiet(0.5)
        s.line("/image --private")
        s.wait("Esc closes")
        shot("whole")
        s.type("\x1b")
        s.wait_quiet(0.5)
        s.line("/msg carol@v.tld")
        shot("other")
        s.line("/quit")
        s.wait_exit()
        shot("left")
    finally:
        s.__exit__()
        for one in (fake, web, display):
            one.close()
        profile.remove()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", required=True)
    ap.add_argument("--out", type=pathlib.Path, default=pathlib.Path("terminals"))
    ap.add_argument("--size", action="append")
    ap.add_argument("terminals", nargs="*")
    a = ap.parse_args()
    os.environ["TXMPP"] = a.binary
    a.out.mkdir(parents=True, exist_ok=True)
    for name in a.terminals or TERMINALS:
        for size in a.size or ("100x30", "60x20"):
            lacks = [p for p in ("Xvfb", TERMINALS[name][0](size)[0], name)
                     if not shutil.which(p) and not p.startswith("xterm-")]
            if lacks:
                print(f"{name}: {lacks[0]} is not installed")
                continue
            with tempfile.TemporaryDirectory(prefix="terminal-") as folder:
                os.mkdir(f"{folder}/screens", 0o700)
                scene(name, size, pathlib.Path(folder), a.out)


if __name__ == "__main__":
    main()
