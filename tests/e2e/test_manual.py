"""The worked examples of txmpp-script(7) do what the manual says: every block
after the comment "example: NAME" is run by a shell as it stands."""
import json
import os
import pathlib
import re
import subprocess

import pytest

import peers
from txmpp import PATIENCE, binary, environment, once

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = TOP / "man/txmpp-script.7"
COMMANDS = TOP / "man/txmpp-commands.7"


def plain(line):
    """The text of a literal line of mdoc."""
    return line.removeprefix(r"\&").replace(r"\e", "\\").replace(r"\-", "-")


def examples():
    blocks = re.findall(r'^\.\\" example: (\w+)\n\.Bd[^\n]*\n(.*?)^\.Ed',
                        PAGE.read_text(), re.S | re.M)
    return {name: "\n".join(map(plain, text.splitlines()))
            for name, text in blocks}


@pytest.fixture(scope="module")
def friends(pair, loop):
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    pair.a.roster(juliet.user, {romeo.jid: ("Romeo", ["Friends"])})
    pair.b.roster(romeo.user, {juliet.jid: ("Juliet", [])})
    bot = peers.Bot(loop, romeo, plugins=["xep_0184"])
    bot.answer = lambda message: "yes, " + message["body"]
    yield juliet, bot
    bot.stop()


def run(text, juliet, bot, profile):
    program, *options, jid = profile.argv()
    env = environment(JID=jid, OPTIONS=" ".join(options), FRIEND=bot.jid,
                      PATH=f"{os.path.dirname(program)}:{os.environ['PATH']}")
    p = subprocess.run(["sh", "-euc", text], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                       timeout=3 * PATIENCE)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


ARRIVES = {"send": "Art thou not Romeo?", "request": "two\nlines",
           "wait": "Good morrow."}
PRINTS = {"roster": "romeo", "onerror": "ended with 1"}


def test_there_are_examples():
    assert set(ARRIVES) | set(PRINTS) <= set(examples())


@pytest.mark.parametrize("name", sorted(examples()))
def test_example(friends, profiles, name):
    juliet, bot = friends
    seen = len(bot.stanzas)
    status, out, errors = run(examples()[name], juliet, bot, profiles(juliet))
    assert status == 0, (out, errors)
    if name in ARRIVES:
        bot.wait_message(ARRIVES[name], since=seen)
    assert PRINTS.get(name, "") in out


# ---- txmpp-commands(7) ----------------------------------------------------------

def command_lines():
    for line in re.findall(r'^\.Dl "(/.*)"$', COMMANDS.read_text(), re.M):
        yield plain(line.replace('""', '"').replace(r"\(dq", '"'))


def results(argv, lines, cwd):
    status, out, errors = once(argv, "".join(f"{one}\n" for one in lines),
                               cwd=cwd)
    found = [json.loads(one) for one in out.splitlines()]
    return [e for e in found if e["event"] == "result"], errors


def test_every_example_of_a_command_is_understood(profiles, fake, tmp_path):
    """Most of them want a connection; none may be a mistake."""
    lines = list(command_lines())
    assert len(lines) > 50
    # These dial, and a script that cannot connect is over.
    alone = [one for one in lines if re.match("/(connect|register|quit)", one)]
    together = [one for one in lines if one not in alone]
    profile = profiles(fake)
    argv = profile.argv("--offline", "--json", connect=False)
    for batch in [together, *([one] for one in alone)]:
        said, errors = results(argv, ["/onerror continue", *batch], tmp_path)
        assert len(said) == len(batch) + 1, errors
        for line, result in zip(batch, said[1:]):
            if not result["ok"]:
                assert result["error"]["condition"] != "bad-request", (
                    line, result["error"])


def documented_rows():
    """{(command, kind): [column, …]}"""
    rows, command = {}, None
    text = COMMANDS.read_text().replace("\\-", "-")
    for part in re.split(r"^\.It Ic /|^\.Ss /", text, flags=re.M)[1:]:
        command = re.split(r" (?=[A-Z][a-z] |[A-Z][a-z]$)", part.split("\n")[0])[0]
        for kind, names in re.findall(r"^Row (\S+): ([^.]*)\.", part, re.M):
            rows[command, kind] = re.split(r",\s+", names)
    return rows


ASKING = [
    "account list", "account show", "alias list", "autoaway", "blocklist",
    "disco info", "disco items", "disco summary", "echo x", "help msg",
    "history", "info", "info romeo@example.net", "lastactivity example.net",
    "logging", "outbox", "ping", "privacy", "roster", "roster search romeo",
    "search hello", "set", "silence", "software im.example.com", "status",
    "sub show romeo@example.net", "time im.example.com", "tls cert", "who any",
    "export roster x.csv", "script list",
]


def test_rows_are_as_documented(friends, profiles, script, tmp_path):
    """Kinds, members and their order are those of the manual."""
    juliet, bot = friends
    t = script(profiles(juliet)).online()
    rows = documented_rows()
    t.run("/alias add greet /echo hi")
    t.run(f"/msg {bot.jid} hello")
    t.run("/onerror continue")
    kinds = set()
    for line in ASKING:
        line = line.replace("romeo@example.net", bot.jid)
        line = line.replace("x.csv", str(tmp_path / "x.csv"))
        number = t.feed(f"/{line}")
        t.wait("result", since=0, line=number)
        for row in [e for e in t.events if e.get("event") == "row"
                    and e.get("line") == number]:
            assert (row["command"], row["kind"]) in rows, row
            columns = rows[row["command"], row["kind"]]
            kinds.add((row["command"], row["kind"]))
            names = [re.sub(r"[^a-z0-9_]", "", c) for c in columns]
            given = [m for m in row if m not in (
                "event", "account", "time", "line", "command", "kind")
                or m in names and m != "account"]
            assert set(given) <= set(names), (row, columns)
            assert [m for m in names if m in given] == given, (row, columns)
            missing = {c for c in columns if not c.endswith("?")
                       and re.sub(r"[^a-z0-9_]", "", c) not in given}
            assert not missing, (row, missing)
    assert len(kinds) > 25, kinds


def test_every_event_and_status_is_documented():
    page = PAGE.read_text()
    record = (TOP / "src/script/record.c").read_text()
    for name in re.findall(r'FIELD_[A-Z]\(\s*"(\w+)"', record):
        assert re.search(rf"\b{name}\b", page), name
    for name in re.findall(r'"(\w+)"', re.search(
            r"names\[\] = \{(.*?)\};", record, re.S)[1]):
        assert re.search(rf"^\.It Cm .*\b{name}\b", page, re.M), name
    for status in (*range(7), 130):
        assert re.search(rf"^\.It {status}$",
                         (TOP / "man/txmpp.1").read_text(), re.M)


def test_every_variable_is_documented():
    page = (TOP / "man/txmpp.1").read_text()
    for folder in ("src", "ui"):
        for path in (TOP / folder).rglob("*.c"):
            for name in re.findall(r'getenv\("(\w+)"', path.read_text()):
                assert re.search(rf"^\.It Ev .*\b{name}\b", page, re.M), name


@pytest.mark.parametrize("words, found", [
    ("delete contact", "roster remove"), ("deleting contacts", "roster remove"),
    ("how do I add a friend", "roster add"), ("change password", "changepassword"),
    ("encrypt", "tls"), ("dark colours", "theme"), ("rename", "roster nick"),
    ("?file", "export")])
def test_help_finds_by_meaning(words, found, tmp_path):
    status, out, _ = once([binary(), "--profile", str(tmp_path), "--offline",
                           "--json", "-c", f"/help {words}"])
    assert status == 0
    assert json.loads(out.splitlines()[0])["topic"] == found, out


def test_help_on_nothing_says_what_to_do(tmp_path):
    status, _, errors = once([binary(), "--profile", str(tmp_path), "--offline",
                              "-c", "/help xyzzyplugh"])
    assert status == 1
    assert "/help lists the commands" in errors
