"""The worked examples of txmpp-script(7) do what the manual says.

An example is a displayed block (.Bd … .Ed) whose first line is a comment
"# example: NAME". It runs as it stands, JIDs and all, against a server that
knows juliet@im.example.com and romeo@example.net.
"""
import pathlib
import re

import pytest

from rig import Pair
from txmpp import once

PAGE = pathlib.Path(__file__).resolve().parents[2] / "man/txmpp-script.7"


def plain(line):
    """The text of a literal line of mdoc."""
    return (line.removeprefix(r"\&").replace(r"\e", "\\").replace(r"\-", "-")
            .replace(r"\(dq", '"').replace(r"\(aq", "'"))


def examples():
    if not PAGE.exists():
        return {}
    found = {}
    for block in re.findall(r"^\.Bd[^\n]*\n(.*?)^\.Ed", PAGE.read_text(),
                            re.S | re.M):
        lines = [plain(line) for line in block.splitlines()]
        if lines and lines[0].startswith("# example: "):
            found[lines[0].removeprefix("# example: ")] = "\n".join(lines) + "\n"
    return found


@pytest.fixture(scope="module")
def verona(loop):
    import peers
    with Pair() as pair:
        people = {}
        for server, name in ((pair.a, "juliet"), (pair.b, "romeo"),
                             (pair.a, "nurse")):
            people[name] = server.account(name, unique=False)
        pair.a.roster("juliet", {"romeo@example.net": ("Romeo", ["Friends"]),
                                 "nurse@im.example.com": ("Nurse",
                                                          ["Servants"])})
        for name, server in (("romeo", pair.b), ("nurse", pair.a)):
            server.roster(name, {"juliet@im.example.com": ("Juliet", [])})
        bots = [peers.Bot(loop, people[n], plugins=("xep_0184", "xep_0092"))
                for n in ("romeo", "nurse")]
        for bot in bots:
            bot.answer = lambda m: "yes, " + m["body"]
        yield people["juliet"]
        for bot in bots:
            bot.stop()


def test_there_are_examples():
    assert len(examples()) >= 3, f"in {PAGE.name}: {list(examples())}"


@pytest.mark.parametrize("name", sorted(examples()))
def test_example(verona, profiles, name):
    text = examples()[name]
    status, out, errors = once(profiles(verona).argv("--script"), text,
                               timeout=60)
    assert status == 0, (out, errors)
