"""SASL2, Bind 2 and FAST against the scripted server, as the examples of
XEP-0388, XEP-0386 and XEP-0484 have them; the stored token."""
import stat
import xml.etree.ElementTree as ET

import pytest

from cable import Cable
from fake import BIND2, FAST, SASL2, SM, q


def asking_for(profile):
    """A profile whose configuration has the password: asked for when needed,
    which leaves a line in the file `asked`."""
    profile.profile.mkdir(mode=0o700)
    asked = profile.dir / "asked"
    command = profile.dir / "command"
    command.write_text(f"#!/bin/sh\necho x >>{asked}\n"
                       f"cat {profile.password_file}\n")
    command.chmod(0o700)
    (profile.profile / "txmpp.conf").write_text(
        f"[account {profile.jid}]\npassword_command={command}\n")
    usual = profile.argv

    def argv(*options, **kw):
        line = usual(*options, **kw)
        at = line.index("--password-file")
        return line[:at] + line[at + 2:]
    profile.argv = argv
    profile.asked = lambda: (len(asked.read_text().split())
                             if asked.exists() else 0)
    profile.login = profile.profile / profile.jid / "login"
    return profile


@pytest.fixture
def asking(profiles, fake):
    return asking_for(profiles(fake))


def end(t, c):
    t.eof()
    c.until_closed()
    return t.exit()


def test_one_request(fake, script):
    """SCRAM and binding in one go; carbons are on without another iq."""
    t = script(fake)
    c = fake.accept()
    request = c.login2()
    assert request.get("mechanism") == "SCRAM-SHA-256"
    agent = request.find(q("user-agent", SASL2))
    assert len(agent.get("id")) == 36
    assert agent.find(q("software", SASL2)).text == "txmpp"
    assert agent.find(q("device", SASL2)) is None
    bind = request.find(q("bind", BIND2))
    assert bind.find(q("tag", BIND2)).text == "tx"
    assert bind.find(q("enable", "urn:xmpp:carbons:2")) is not None
    c.online()
    assert t.wait("connected")["jid"] == c.jid
    c.settle()
    assert b"xmpp-bind" not in c.received
    assert b"<iq" in c.received
    assert c.received.count(b"urn:xmpp:carbons:2") == 1
    assert end(t, c) == 0


def test_token(fake, script, asking):
    """The second start needs no password and does not wait for an offer."""
    t = script(asking)
    c = fake.accept()
    request = c.login2(new_token="secret-token:fast-T1")
    assert request.find(q("request-token", FAST)).get("mechanism") == c.TOKEN
    c.online()
    t.wait("connected")
    assert asking.asked() == 1
    end(t, c)
    assert stat.S_IMODE(asking.login.stat().st_mode) == 0o600
    agent = request.find(q("user-agent", SASL2)).get("id")

    log = asking.dir / "debug.log"
    t = script(asking, "--debug", log)
    c = fake.accept()
    c.starttls()
    early = c.authenticate_early()
    assert early.find(q("user-agent", SASL2)).get("id") == agent
    c.admit(early, "secret-token:fast-T1", new_token="secret-token:fast-T2")
    c.online()
    t.wait("connected")
    assert asking.asked() == 1
    end(t, c)

    t = script(asking)
    c = fake.accept()
    c.login2(token="secret-token:fast-T2")
    c.online()
    t.wait("connected")
    end(t, c)
    assert asking.asked() == 1
    for path in (log, asking.profile / "txmpp.conf"):
        assert "secret-token" not in path.read_text()


def test_refused_token(fake, script, asking):
    """The password, once; the new token takes the old one's place."""
    t = script(asking)
    c = fake.accept()
    c.login2(new_token="T1")
    c.online()
    t.wait("connected")
    end(t, c)

    t = script(asking)
    c = fake.accept()
    c.starttls()
    request = c.authenticate()
    assert request.get("mechanism") == c.TOKEN
    c.deny("credentials-expired")
    c.admit(c.next_sasl("authenticate"), new_token="T2")
    c.online()
    t.wait("connected")
    assert asking.asked() == 2
    end(t, c)
    assert "T2" in asking.login.read_text().split("\n")[0]


def test_offer_gone(fake, script, asking):
    """Early, but the server has changed its mind: from the start, by
    password, and never weaker than before."""
    t = script(asking)
    c = fake.accept()
    c.login2(new_token="T1")
    c.online()
    t.wait("connected")
    end(t, c)

    t = script(asking)
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["SCRAM-SHA-256"]))
    c.until_closed()
    c = fake.accept()
    c.login(mechanisms=["SCRAM-SHA-256"])
    c.online()
    t.wait("connected")
    assert asking.asked() == 2
    end(t, c)


def test_reconnect(fake, script):
    """Even who gave the password on the command line: the second time in one
    life of the program it is the token, and nothing is left on the disk."""
    t = script(fake)
    c = fake.accept()
    c.login2(new_token="T1")
    c.online()
    t.wait("connected")
    c.rst()
    c = fake.accept()
    c.login2(token="T1")
    c.online()
    t.wait("connected")
    end(t, c)
    assert not list(t.profile.profile.glob("*/login"))


def test_revoke(fake, script, asking):
    t = script(asking)
    c = fake.accept()
    c.login2(new_token="secret-token:fast-T1")
    c.online()
    t.wait("connected")
    t.feed("/devices revoke")
    c.until_closed()
    c = fake.accept()
    request = c.login2(token="secret-token:fast-T1")
    assert request.find(q("fast", FAST)).get("invalidate") == "true"
    c.online()
    t.wait("connected")
    end(t, c)
    assert "secret-token" not in asking.login.read_text()


def test_second_factor(fake, script):
    """A task that we do not know ends the login with a sentence."""
    t = script(fake)
    c = fake.accept()
    c.starttls()
    c.authenticate()
    c.send(f"<continue xmlns='{SASL2}'><tasks><task>TOTP-EXAMPLE</task>"
           "</tasks></continue>")
    abort = c.next()
    assert abort.tag == q("abort", SASL2), ET.tostring(abort)
    c.until_closed()
    t.eof()
    assert t.exit() == 4
    assert b"TOTP-EXAMPLE" in t.errors


@pytest.fixture
def cable(fake):
    cable = Cable(fake.port)
    yield cable
    cable.close()


def test_resume_in_two_round_trips(fake, profiles, script, cable):
    """After TCP: one for TLS, one for everything else. The server here says
    nothing of its own before it has heard all."""
    profile = profiles(fake)
    profile.port = cable.port
    t = script(profile, "--tls", "direct")
    c = fake.accept()
    c.start_tls()
    c.login2(tls=False, new_token="T1", bound=(
        f"<enabled xmlns='{SM}' id='sm-1' resume='true'/>"))
    c.online()
    t.wait("connected")
    t.run("/wait synced")
    jid = c.jid
    c.rst()
    c = fake.accept()
    c.jid = jid
    c.start_tls(num_tickets=0)
    early = c.authenticate_early()
    assert cable.flights == 2
    resume = early.find(q("resume", SM))
    assert resume.get("previd") == "sm-1"
    c.admit(early, "T1",
            resumed=f"<resumed xmlns='{SM}' previd='sm-1' h='0'/>")
    assert t.wait("connected")["resumed"] is True
    c.send(f"<message from='romeo@v.tld/x' to='{jid}' type='chat' id='m1'>"
           "<body>still here</body></message>")
    t.wait("message", body="still here")
    end(t, c)
