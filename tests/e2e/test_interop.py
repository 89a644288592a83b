"""Another program's person: Debian's profanity on a pseudo-terminal."""
import shutil

import pytest

from txmpp import Screen


@pytest.fixture
def other(tmp_path):
    made = []

    def make(account):
        if not shutil.which("profanity"):
            pytest.skip("profanity is not installed")
        home = tmp_path / "home"
        trust = home / ".local/share/profanity/certs"
        trust.mkdir(parents=True)
        config = home / ".config/profanity"
        config.mkdir(parents=True)
        (config / "profrc").write_text(
            f"[connection]\ncafile={account.server.ca.crt}\n"
            "[ui]\nsplash=false\n[receipts]\nrequest=true\nsend=true\n"
            "[presence]\nautoaway.mode=off\n")
        data = home / ".local/share/profanity"
        (data / "accounts").write_text(
            f"[{account.jid}]\nenabled=true\njid={account.jid}\n"
            f"resource=other\nserver=127.0.0.1\nport={account.server.port}\n"
            f"password={account.password}\ntls.policy=trust\n")
        env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"),
               "XDG_DATA_HOME": str(home / ".local/share"),
               "G_DEBUG": None, "GIO_USE_NETWORK_MONITOR": None}
        made.append(Screen(None, argv=["profanity", "-a", account.jid],
                           env=env))
        return made[-1]
    yield make
    for one in made:
        one.__exit__(None)


def test_talks_with_profanity(pair, script, other):
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    pair.a.roster(juliet.user, {romeo.jid: ("Romeo", [])})
    pair.b.roster(romeo.user, {juliet.jid: ("Juliet", [])})
    t = script(juliet).online()
    p = other(romeo)
    t.run(f"/wait presence {romeo.jid}")
    t.run(f"/msg {romeo.jid} Art thou not Romeo?")
    out = t.wait("message", since=0, direction="out")
    t.wait("delivery", since=0, id=out["id"], state="delivered")
    p.line(f"/msg {juliet.jid} Neither, fair saint")
    event = t.wait("message", direction="in", body="Neither, fair saint")
    assert event["chat"] == romeo.jid
    p.wait("Art thou not Romeo")
    p.line('/status set away "on the wall"')
    assert t.wait("presence", show="away")["status"] == "on the wall"
