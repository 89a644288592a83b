"""The worked examples of txmpp-script(7) do what the manual says: every block
after the comment "example: NAME" is run by a shell as it stands."""
import os
import pathlib
import re
import subprocess

import pytest

import peers
from txmpp import PATIENCE, environment

PAGE = pathlib.Path(__file__).resolve().parents[2] / "man/txmpp-script.7"


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
