"""Other people's clients, Debian's: a slixmpp bot, and two that are watched on
a pseudo-terminal of their own. Each talks to us from another domain, and is
our own second resource."""
import os
import pathlib
import pwd
import shutil
import tempfile

import pytest

from peers import Bot
from txmpp import PATIENCE, Screen

NOBODY = "nobody"


class Slixmpp:
    def __init__(self, loop, account):
        self.bot = Bot(loop, account, "other", plugins=(
            "xep_0085", "xep_0184", "xep_0280"))

        async def carbons():
            self.bot.client["xep_0184"].auto_request = True
            await self.bot.client["xep_0280"].enable()
        loop.call(carbons())

    def say(self, to, text):
        self.bot.raw(f"<message to='{to}' type='chat'><composing xmlns="
                     "'http://jabber.org/protocol/chatstates'/></message>")
        self.bot.send(to, text)

    def sees(self, peer, text):
        self.bot.wait_text(f"<body>{text}</body>")

    def away(self, status):
        self.bot.presence("away", status)

    def stop(self):
        self.bot.stop()


class OnTerminal:
    """A folder of its own, and a person in front of it."""
    program = None

    def __init__(self, account):
        if not shutil.which(self.program):
            pytest.skip(f"{self.program} is not installed")
        self.account = account
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="txmpp-other-"))
        self.ca = self.home / "ca.crt"
        shutil.copy(account.server.ca.crt, self.ca)
        env = {"HOME": str(self.home),
               "XDG_CONFIG_HOME": str(self.home / ".config"),
               "XDG_DATA_HOME": str(self.home / ".local/share"),
               "XDG_CACHE_HOME": str(self.home / ".cache"),
               "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
               "G_DEBUG": None, "GIO_USE_NETWORK_MONITOR": None}
        self.screen = Screen(None, argv=self.argv(), env=env)

    def write(self, path, text):
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def stop(self):
        self.screen.__exit__(None)
        shutil.rmtree(self.home, ignore_errors=True)


class Profanity(OnTerminal):
    program = "profanity"

    def argv(self):
        a = self.account
        self.write(".config/profanity/profrc",
                   f"[connection]\ncafile={self.ca}\ncarbons=true\n"
                   "[ui]\nsplash=false\n[receipts]\nrequest=true\nsend=true\n"
                   "[chatstates]\nenabled=true\nouttype=true\n"
                   "[presence]\nautoaway.mode=off\n[notifications]\n"
                   "message=false\nroom=off\n")
        (self.home / ".local/share/profanity/certs").mkdir(parents=True)
        self.write(".local/share/profanity/accounts",
                   f"[{a.jid}]\nenabled=true\njid={a.jid}\nresource=other\n"
                   f"server=127.0.0.1\nport={a.server.port}\n"
                   f"password={a.password}\ntls.policy=trust\n")
        return ["profanity", "-a", a.jid]

    def say(self, to, text):
        self.screen.line(f"/msg {to}")
        self.screen.wait_quiet(0.2)
        for key in text:
            self.screen.type(key)
        self.screen.wait_quiet(0.2)
        self.screen.type("\r")

    def sees(self, peer, text):
        self.screen.line(f"/msg {peer}")
        self.screen.wait(text)

    def away(self, status):
        self.screen.line(f'/status set away "{status}"')


class Poezio(OnTerminal):
    """It does not run as root, and takes a command in its first tab only
    behind a lone slash."""
    program = "poezio"

    def argv(self):
        a = self.account
        self.write(".config/poezio/poezio.cfg",
                   f"[Poezio]\njid = {a.jid}/other\npassword = {a.password}\n"
                   f"custom_host = 127.0.0.1\ncustom_port = {a.server.port}\n"
                   f"ca_cert_path = {self.ca}\nuse_log = false\nbeep_on =\n"
                   "default_nick = other\nmam_sync = false\n"
                   "enable_carbons = true\nsend_chat_states = true\n"
                   "ack_message_receipts = true\n"
                   "request_message_receipts = true\n")
        argv = ["poezio", "-f", str(self.home / ".config/poezio/poezio.cfg")]
        if os.geteuid():
            return argv
        who = pwd.getpwnam(NOBODY)
        for path in [self.home, *self.home.rglob("*")]:
            os.chown(path, who.pw_uid, who.pw_gid)
        return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}",
                "--clear-groups", *argv]

    def command(self, text):
        self.screen.type("/")
        self.screen.wait_quiet(0.2)
        self.screen.line(text)

    def say(self, to, text):
        self.command(f"message {to}")
        self.screen.wait_quiet(0.4)
        for key in text:
            self.screen.type(key)
            self.screen.pump(0.02)
        self.screen.wait_quiet(0.2)
        self.screen.type("\r")

    def sees(self, peer, text):
        self.command(f"message {peer}")
        self.screen.wait(text)

    def away(self, status):
        self.command(f"status away {status}")


CLIENTS = {c.__name__.lower(): c for c in (Slixmpp, Profanity, Poezio)}


@pytest.fixture(params=CLIENTS)
def other(request, loop):
    """other(account): one of them, signed in."""
    made = []

    def make(account):
        kind = CLIENTS[request.param]
        made.append(kind(loop, account) if kind is Slixmpp else kind(account))
        return made[-1]
    yield make
    for one in made:
        one.stop()


@pytest.fixture
def couple(pair):
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    pair.a.roster(juliet.user, {romeo.jid: ("Romeo", [])})
    pair.b.roster(romeo.user, {juliet.jid: ("Juliet", [])})
    return juliet, romeo


def test_talks_with(couple, script, other):
    """Text, receipts and chat states both ways; presence."""
    juliet, romeo = couple
    t = script(juliet).online()
    o = other(romeo)
    t.run(f"/wait presence {romeo.jid}", timeout=3 * PATIENCE)
    t.run(f"/msg {romeo.jid} Art thou not Romeo")
    out = t.wait("message", since=0, direction="out")
    t.wait("delivery", since=0, id=out["id"], state="delivered")
    o.sees(juliet.jid, "Art thou not Romeo")
    o.say(juliet.jid, "Neither, fair saint")
    t.wait("typing", since=0, state="composing")
    event = t.wait("message", direction="in", body="Neither, fair saint")
    assert event["chat"] == romeo.jid and event["type"] == "chat"
    # One of them puts something of its own behind the resource.
    assert event["from"].startswith(f"{romeo.jid}/other")
    o.away("on the wall")
    assert t.wait("presence", show="away")["status"] == "on the wall"


def test_shares_an_account_with(couple, script, other, bots):
    """Carbons: what one of us says or is told, the other sees as well."""
    juliet, romeo = couple
    bot = bots(romeo)
    t = script(juliet).online()
    o = other(juliet)
    t.run(f"/wait presence {juliet.jid}", timeout=3 * PATIENCE)
    came = bot.wait(lambda s: s.name == "presence" and
                    s["from"].full.startswith(f"{juliet.jid}/other"),
                    timeout=3 * PATIENCE)
    o.say(romeo.jid, "By a name I know not")
    bot.wait_message("By a name I know not")
    copy = t.wait("message", direction="out", body="By a name I know not")
    assert copy["carbon"] is True and copy["chat"] == romeo.jid
    bot.send(came["from"].full, "how to tell thee")
    copy = t.wait("message", direction="in", body="how to tell thee")
    assert copy["carbon"] is True and copy["chat"] == romeo.jid
    t.run(f"/msg {romeo.jid} who I am")
    o.sees(romeo.jid, "who I am")
