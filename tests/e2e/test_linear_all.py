"""Every command in linear mode has an answer in lines."""
import os
import pathlib
import re
import select
import subprocess
import threading
import time

import pytest

import txmpp

# What stands for an argument; the smallest that is right.
SAMPLES = dict(
    JID="bob@b.tld", CHAT="bob@b.tld", ACCOUNT="me@v.tld", FILE="DIR/file",
    TEXT="tea", NAME="tea", COMMAND="/who", MESSAGE="1", NICK="Bob 120",
    GROUP="Friends", OPTION="ui.bell", VALUE="on", SECONDS="1", WORDS="tea",
    WORD="tea", THEME="light", PLACE="bottom", STATE="away", PRIORITY="3",
    DATE="today", STANZA="<presence/>", ACTION="show", FILTER="1", FIELD="a",
    SHA256="00")
# What does not end here, and what says nothing on purpose.
LEFT_OUT = ("/quit", "/disconnect", "/reconnect", "/connect", "/register",
            "/unregister", "/account disable", "/account remove", "/exec",
            "/wait", "/sleep", "/echo", "/script run")
MORE = ("/theme light", "/color Bob off", "/notify never", "/notify flash on",
        "/filter add tea", "/win 0", "/set ui.theme dark", "/avatar show",
        "/msg bob@b.tld tea", "/spell off", "/logging off", "/status dnd")


def rows():
    """A line for every command and subcommand."""
    text = subprocess.check_output(
        [txmpp.binary(), "--print-manual", "commands"], text=True)
    for synopsis in re.findall(r"^\.It Ic (/.*)", text, re.M):
        plain = re.sub(r"\bOp .*|\bNs \.\.\.", "", synopsis)
        while "Oo" in plain.split():     # the innermost first
            plain = re.sub(r"\bOo\b(?:(?!\bOo\b).)*?\bOc\b", "", plain)
        words = [word.split("|")[0] for word in plain.split()
                 if word not in ("Ar", "Cm", "Fl", "Ic")]
        yield " ".join(SAMPLES.get(word, word) for word in words)


class Talk:
    """Lines and what follows them, without an emulator between."""

    def __init__(self, screen):
        self.master = screen.master

    def read(self, patience):
        if not select.select([self.master], [], [], patience)[0]:
            return ""
        return os.read(self.master, 65536).decode(errors="replace")

    def ask(self, line):
        """The answer: what stands between the line and the next prompt."""
        os.write(self.master, line.encode() + b"\r")
        end = time.monotonic() + txmpp.PATIENCE
        said = ""
        while time.monotonic() < end:
            said += self.read(0.05)
            flat = re.sub("\b+ *\b*", "", said.replace("\r", ""))
            head, found, rest = flat.rpartition(line + "\n")
            answer, _, prompt = rest.rpartition("\n")
            if found and answer.strip() and prompt == "? ":
                os.write(self.master, b"\x1b")
                return answer + self.settle("> ")
            if found and answer.strip() and prompt.endswith("> "):
                return answer + prompt
        return None

    def settle(self, prompt):
        said = ""
        end = time.monotonic() + txmpp.PATIENCE
        while not said.endswith(prompt) and time.monotonic() < end:
            said += self.read(0.05)
        return said


# Their answers have words of others, or names and values only.
ENGLISH = ("/help", "/disco", "/script", "/search", "/history", "/tls")


def has_russian():
    catalogue = (pathlib.Path(txmpp.binary()).parents[1] /
                 "share/locale/ru/LC_MESSAGES/txmpp.mo")
    there = subprocess.run(["locale", "-a"], capture_output=True, text=True)
    return catalogue.exists() and "ru_RU.utf8" in there.stdout


@pytest.mark.parametrize("lang", ["C.UTF-8", "ru_RU.UTF-8"])
def test_linear_every_command_answers(fake, screen, lang):
    """Nothing is shown only in a pane: each row of the table of commands says
    what it did, or why there is no place for it line by line; and in the
    language of the person."""
    if lang != "C.UTF-8" and not has_russian():
        pytest.skip("txmpp is not installed in Russian here")
    s = screen(fake, "--linear", rows=60,
               env=dict(TERM="xterm", EDITOR="true", LC_ALL=lang))
    c = fake.accept()
    c.login()
    c.online(roster="<item jid='bob@b.tld' name='Bob' subscription='both'/>")
    c.settle()
    s.wait("v.tld/tx, TLS")

    def serve():
        try:
            while True:
                stanza = c.next(3 * txmpp.PATIENCE)
                kind = stanza.get("type")
                if "iq" in stanza.tag and kind == "set" or "unsub" in str(kind):
                    now = dict(unsubscribed="to", unsubscribe="none").get(kind, "both")
                    c.send(f"<iq type='set' id='push' to='{c.jid}'><query "
                           "xmlns='jabber:iq:roster'><item jid='bob@b.tld' "
                           f"name='Bob' subscription='{now}'/></query></iq>")
                c.answer(stanza)
        except Exception:
            pass    # the test has ended
    threading.Thread(target=serve, daemon=True).start()
    talk = Talk(s)
    assert talk.ask("/msg bob@b.tld")
    lines = [line for line in rows() if not line.startswith(LEFT_OUT)]
    assert len(lines) > 150
    for line in [*lines, *MORE]:
        line = line.replace("DIR", str(s.process.args[2]))
        answer = talk.ask(line)
        assert answer, f"{line} says nothing"
        words = re.sub(r"/.*", "", answer)
        if lang != "C.UTF-8" and not line.startswith(ENGLISH):
            english = re.search(r"\b[a-z]{3,} [a-z]{2,} [a-z]{2,}", words)
            assert not english, f"{line}: {answer}"
        if not answer.endswith("Bob> "):
            assert talk.ask("/win Bob")
