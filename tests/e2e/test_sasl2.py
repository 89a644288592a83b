"""SASL2, Bind 2, FAST and resumption inside the login, each with one more
module of Debian's for Prosody."""
import pathlib

import pytest

from rig import Account, Prosody
from test_fast import asking_for

MODULES = "/usr/lib/prosody/modules/mod_sasl2"
HOSTS = {
    "sasl2": ["sasl2"],
    "bind2": ["sasl2", "sasl2_bind2"],
    "fast": ["sasl2", "sasl2_bind2", "sasl2_fast"],
    "sm": ["sasl2", "sasl2_bind2", "sasl2_fast", "smacks", "sasl2_sm"],
}
pytestmark = pytest.mark.skipif(not pathlib.Path(MODULES).exists(),
                                reason="prosody-modules is not installed")


class Newer(Prosody):
    PARTICULAR = (*Prosody.PARTICULAR, *HOSTS)

    def __init__(self, domain):
        extra = "".join(
            f'VirtualHost "{host}.{domain}"\n  modules_enabled = '
            f'''{{ "newer_core", {", ".join(f'"{m}"' for m in modules)} }}\n'''
            for host, modules in HOSTS.items())
        super().__init__(domain, extra=extra)


@pytest.fixture(scope="module")
def newer():
    with Newer("im.example.com") as server:
        yield server


@pytest.fixture
def person(newer, profiles):
    """person(host): who is asked for the password when it is needed."""
    def make(host):
        account = Account(newer, f"juliet{next(newer.numbers)}@"
                          f"{host}.{newer.domain}")
        newer.register(account)
        return asking_for(profiles(account))
    return make


def life(script, profile, said, talk=lambda t: None):
    """Signs in, is heard, and leaves: what was on the wire."""
    log = profile.dir / f"{said}.log"
    t = script(profile, "--debug", log)
    t.wait("connected")
    t.run("/wait synced")
    t.run(f"/msg {profile.jid} {said}")
    t.wait("message", direction="in", body=said)
    talk(t)
    assert t.quit() == 0
    return log.read_text()


def again(t):
    """The second connection of one life."""
    t.run("/disconnect")
    t.wait("disconnected")
    t.run("/connect")
    t.wait("connected")
    t.run(f"/msg {t.profile.jid} again")
    t.wait("message", direction="in", body="again")


def test_sasl2_alone(person, script):
    juliet = person("sasl2")
    for said in ("one", "two"):
        wire = life(script, juliet, said, again)
        assert wire.count("<authenticate xmlns='urn:xmpp:sasl:2'") == 2
        assert wire.count("urn:ietf:params:xml:ns:xmpp-bind") >= 4
        assert "<auth " not in wire


def test_bind2(person, script):
    juliet = person("bind2")
    for said in ("one", "two"):
        wire = life(script, juliet, said, again)
        assert wire.count("<bound xmlns='urn:xmpp:bind:0'>") == 2
        assert "<enabled xmlns='urn:xmpp:carbons:2'/>" in wire
        assert "type='set'><bind" not in wire


def test_fast(person, script):
    """The second start asks for no password; a revoked token is none."""
    juliet = person("fast")
    life(script, juliet, "one", again)
    assert juliet.asked() == 1
    token = juliet.login.read_text().split("\n")[0]
    assert token.startswith("secret-token:fast-")

    def revoke(t):
        t.feed("/devices revoke")
        t.wait("disconnected")
        t.wait("connected")
    wire = life(script, juliet, "two", revoke)
    assert juliet.asked() == 1
    assert wire.count("mechanism='HT-SHA-256-") == 2
    assert wire.count("invalidate='true'") == 1
    assert token not in juliet.login.read_text()

    wire = life(script, juliet, "three")
    assert juliet.asked() == 2
    assert "mechanism='SCRAM-" in wire


def test_silent_about_a_session(person, script):
    """A server that says nothing to an inline request: the login alone, and
    at the next start at once."""
    juliet = person("sm")
    wire = life(script, juliet, "one")
    assert wire.count("<authenticate ") == 2
    assert "<enabled xmlns='urn:xmpp:sm:3'" in wire
    wire = life(script, juliet, "two", again)
    assert wire.count("<authenticate ") == 2
    assert wire.count("<success xmlns='urn:xmpp:sasl:2'") == 2
