"""The demo behind ./run: Juliet's first evening.

Two private Prosodys, im.example.com and example.net, federate over TLS on
loopback; Romeo and the others are scripted. Juliet gets the full screen, or,
without a terminal, a script whose conversation is printed. Whatever ends it,
nothing stays.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.dont_write_bytecode = True

import peers          # noqa: E402
import rig            # noqa: E402

ROMEO = ("romeo@example.net", "Romeo", ["Friends"])
CONTACTS = [  # jid, name, groups, show, status (None: stays away)
    (*ROMEO, "", "on the orchard wall"),
    ("mercutio@example.net", "Mercutio", ["Friends"], "away",
     "queen Mab hath been with me"),
    ("benvolio@example.net", "Benvolio", ["Friends"], "dnd",
     "parting fools"),
    ("tybalt@example.net", "Tybalt", ["Cousins"], None, None),
    ("nurse@im.example.com", "Nurse", ["Servants"], "xa", "where is Peter?"),
]
ANSWERS = [
    "Neither, fair saint, if either thee dislike.",
    "With love's light wings did I o'erperch these walls;\n"
    "For stony limits cannot hold love out.",
    "I have night's cloak to hide me from their sight.",
    "By a name I know not how to tell thee who I am.",
    "Lady, by yonder blessed moon I vow…",
    "O, wilt thou leave me so unsatisfied?",
    "O blessed, blessed night! I am afeard all this is but a dream.",
]
SCRIPT = """\
/wait synced
/wait presence romeo@example.net --timeout 20
/roster
/msg romeo@example.net Art thou not Romeo, and a Montague?
/wait message from romeo@example.net --timeout 20
How cam'st thou hither, tell me, and wherefore?
/wait message from romeo@example.net --timeout 20
/status away gone to the balcony
/msg romeo@example.net Good night, good night! Parting is such sweet sorrow.
/wait message from romeo@example.net --timeout 20
"""


class Romeo:
    """Answers line after line, typing first as people do."""

    def __init__(self, bot, slow):
        self.bot, self.slow, self.count = bot, slow, 0
        bot.answer = self.answer

    def answer(self, message):
        to = message["from"].full
        self.bot.client.send_raw(
            f"<message to='{to}' type='chat'><composing "
            "xmlns='http://jabber.org/protocol/chatstates'/></message>")
        text = ANSWERS[self.count % len(ANSWERS)]
        self.count += 1
        self.bot.loop.loop.call_later(
            1.5 if self.slow else 0.1, self.say, to, text)

    def say(self, to, text):
        message = self.bot.client.make_message(to, text, mtype="chat")
        message["chat_state"] = "active"
        message.send()


def people(pair, loop, juliet, interactive):
    bots = []
    for jid, _, _, show, status in CONTACTS:
        server = pair.a if jid.endswith("im.example.com") else pair.b
        account = rig.Account(server, jid)
        server.register(account)
        server.roster(account.user, {juliet.jid: ("Juliet", [])})
        if show is None:
            continue
        bot = peers.Bot(loop, account, "orchard", presence=False,
                        plugins=("xep_0085", "xep_0184", "xep_0092"))
        bot.presence(show or None, status)
        bots.append(bot)
        if jid == ROMEO[0]:
            Romeo(bot, interactive)
    return bots


def greet(bots):
    """Romeo speaks up by himself once Juliet is there."""
    try:
        bots[0].wait_presence("available", "juliet@im.example.com", 600)
        time.sleep(3)
        bots[0].send("juliet@im.example.com",
                     "But, soft! what light through yonder window breaks?")
    except Exception:
        pass    # she did not come, or the demo is over


def attend(process, timeout=None):
    """Waits for the end of txmpp; whatever ends us ends it in good order."""
    try:
        return process.wait(timeout)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(6)
            except subprocess.TimeoutExpired:
                process.kill()


def play(txmpp, folder):
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    with rig.Pair(folder=folder / "servers") as pair:
        juliet = rig.Account(pair.a, "juliet@im.example.com")
        pair.a.register(juliet)
        pair.a.roster("juliet", {j: (n, g) for j, n, g, *_ in CONTACTS})
        loop = peers.Loop()
        bots = people(pair, loop, juliet, interactive)
        password = folder / "password"
        password.touch(0o600)
        password.write_text(juliet.password + "\n")
        argv = [txmpp, "--profile", str(folder / "profile"),
                "--password-file", str(password), "--server",
                f"127.0.0.1:{pair.a.port}", "--ca-file", str(pair.ca.crt),
                "--resource", "balcony"]
        if interactive:
            threading.Thread(target=greet, args=(bots,), daemon=True).start()
            status = attend(subprocess.Popen([*argv, juliet.jid]))
        else:
            print("This is a demo without a terminal: Juliet's script, and "
                  "what it prints.\n\n" + SCRIPT, flush=True)
            process = subprocess.Popen([*argv, "--script", juliet.jid],
                                       stdin=subprocess.PIPE)
            process.stdin.write(SCRIPT.encode())
            process.stdin.close()
            status = attend(process, 120)
            print("\nThe conversation above was held over two federated "
                  f"servers; exit status {status}.", flush=True)
        for bot in bots:
            bot.stop()
        loop.stop()
        return status


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    # The terminal's Ctrl-C belongs to the screen.
    if sys.stdin.isatty():
        signal.signal(signal.SIGINT, lambda *_: None)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="txmpp-demo-"))
    try:
        return play(sys.argv[1], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
