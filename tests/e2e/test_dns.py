"""Finding the server: SRV records of both kinds, addresses, a resolver that
stalls. The resolver is preload/dns.c; nothing leaves this machine."""
import time

import pytest


@pytest.fixture
def connect(fake, profiles, script, preload, tmp_path):
    """connect(srv, hosts): the program told nothing but the JID."""
    def make(*options, **dns):
        variables = {f"DNS_{k.upper()}": str(v) for k, v in dns.items()}
        env = preload("dns", DNS_LOG=str(tmp_path / "questions"), **variables)
        return script(profiles(fake), *options, env=env, connect=False)
    return make


def questions(tmp_path):
    path = tmp_path / "questions"
    return path.read_text().splitlines() if path.exists() else []


def test_C01_srv(fake, connect, tmp_path):
    t = connect(srv=f"_xmpp-client._tcp.v.tld=1:1:{fake.port}:a.v.tld",
                hosts="a.v.tld=127.0.0.1")
    fake.online()
    t.wait("connected")
    asked = questions(tmp_path)
    assert "SRV _xmpp-client._tcp.v.tld" in asked
    assert "SRV _xmpps-client._tcp.v.tld" in asked


def test_C01_srv_of_direct_tls(fake, connect):
    """XEP-0368: TLS at once, and preferred by its priority."""
    t = connect(srv=f"_xmpps-client._tcp.v.tld=1:1:{fake.port}:a.v.tld,"
                    "_xmpp-client._tcp.v.tld=5:1:1:b.v.tld",
                hosts="a.v.tld=127.0.0.1,b.v.tld=127.0.0.1")
    c = fake.accept()
    c.start_tls()
    assert c.sni == "v.tld"
    c.login(tls=False)
    c.online()
    t.wait("connected")


def test_C01_every_target_is_tried(fake, connect):
    t = connect(srv="_xmpp-client._tcp.v.tld=1:1:1:a.v.tld,"
                    "_xmpp-client._tcp.v.tld=2:1:1:missing.v.tld,"
                    f"_xmpp-client._tcp.v.tld=3:1:{fake.port}:a.v.tld",
                hosts="a.v.tld=127.0.0.1")
    fake.online()
    t.wait("connected")


def test_C01_H14_no_service(fake, connect):
    """Target "." means: no XMPP here; and no fallback then."""
    t = connect("-c", "/wait online", srv="_xmpp-client._tcp.v.tld=0:0:0:.,"
                "_xmpps-client._tcp.v.tld=0:0:0:.", hosts="v.tld=127.0.0.1")
    assert t.exit() == 3
    assert t.errors.startswith(b"txmpp: ")


def test_C02_no_fallback_beside_srv(fake, connect, tmp_path):
    t = connect("-c", "/wait online", "--timeout", "8",
                srv="_xmpp-client._tcp.v.tld=1:1:1:a.v.tld",
                hosts="a.v.tld=127.0.0.1,v.tld=127.0.0.1")
    assert t.exit() in (3, 6)
    assert "A v.tld" not in questions(tmp_path)


def test_C02_fallback_without_srv(fake, connect, tmp_path):
    t = connect("-c", "/wait online", "--timeout", "8",
                hosts="v.tld=127.255.255.254")
    assert t.exit() in (3, 6)
    assert "A v.tld" in questions(tmp_path)
    assert b"5222" in t.errors or b"v.tld" in t.errors


def test_H03_name_is_not_the_srv_target(ca, fake, connect):
    fake.cert = ca.cert("a.v.tld")
    t = connect("-c", "/wait online", "--timeout", "8",
                srv=f"_xmpp-client._tcp.v.tld=1:1:{fake.port}:a.v.tld",
                hosts="a.v.tld=127.0.0.1")
    c = fake.accept()
    try:
        c.starttls()
        c.auth()
    except Exception:
        pass
    assert b"<auth" not in c.received
    assert t.exit() == 3


def test_F19_dead_first_address(fake, connect):
    """Happy Eyeballs: what does not answer costs a quarter of a second."""
    t = connect(srv=f"_xmpp-client._tcp.v.tld=1:1:{fake.port}:dead.v.tld,"
                    f"_xmpp-client._tcp.v.tld=2:1:{fake.port}:a.v.tld",
                hosts="dead.v.tld=192.0.2.1,a.v.tld=127.0.0.1")
    fake.online()
    t.wait("connected")


def test_F19_no_answer_for_one_family(fake, connect):
    """RFC 8305 s. 3: the other one is not waited for."""
    begin = time.monotonic()
    t = connect(srv=f"_xmpp-client._tcp.v.tld=1:1:{fake.port}:a.v.tld",
                hosts="a.v.tld=127.0.0.1", stall6=60)
    fake.online(timeout=30)
    t.wait("connected")
    assert time.monotonic() - begin < 30
    assert t.quit() == 0


def test_F19_no_such_domain(connect):
    t = connect("-c", "/wait online")
    assert t.exit() == 3
    assert b"v.tld" in t.errors


def test_F19_resolver_stalls(connect):
    begin = time.monotonic()
    t = connect("-c", "/wait online", "--timeout", "2", stall=60)
    assert t.exit(20) == 6
    assert time.monotonic() - begin < 20


def test_F19_signal_while_the_resolver_stalls(connect):
    t = connect(stall=60)
    t.feed("/echo hello")
    t.wait("result", since=0, line=1)
    t.process.terminate()
    assert t.exit(10) in (0, 3)
