"""Servers that lie: H01 to H25. What the network says is never believed
before it has to be; see SECURITY.md. The fake server is in control of every
byte."""
import base64
import re
import secrets
import time

import pytest

from fake import CLIENT, ROSTER, SASL, STREAM, TLS, Closed, q
from pki import SRV, XMPP
from txmpp import PATIENCE, SANITIZED


def refused(t, status, timeout=None):
    """It gives up with this exit status and a sentence."""
    got = t.exit(timeout)
    errors = t.errors.decode()
    assert got == status, errors
    assert errors.startswith("txmpp: "), errors
    return errors


def no_credentials(c):
    assert b"<auth" not in c.received and b"<response" not in c.received


@pytest.fixture
def attempt(fake, script):
    """A program that wants to be online and leaves if it cannot; and the
    server's end of its first connection."""
    def make(*options):
        t = script(fake, "--timeout", "10", "-c", "/wait online", *options)
        return t, fake.accept()
    return make


@pytest.fixture
def online(fake, script):
    """A program that is online, and the server's end."""
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    return t, c


def cpu(t):
    fields = open(f"/proc/{t.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def rss_kb(t):
    return int(re.search(r"VmRSS:\s+(\d+)",
                         open(f"/proc/{t.process.pid}/status").read()).group(1))


# ---- the channel --------------------------------------------------------------

@pytest.mark.parametrize("mechanisms", [["PLAIN"], ["SCRAM-SHA-1", "PLAIN"]])
def test_H01_C20_C48_no_starttls_no_login(attempt, mechanisms):
    t, c = attempt()
    c.open(c.mechanisms(mechanisms))
    c.until_closed()
    no_credentials(c)
    refused(t, 3)


def test_H01_C23_starttls_failure(attempt):
    t, c = attempt()
    c.open(f"<starttls xmlns='{TLS}'/>" + c.mechanisms(["PLAIN"]))
    c.next()
    c.send(f"<failure xmlns='{TLS}'/></stream:stream>")
    c.until_closed()
    no_credentials(c)
    refused(t, 3)


@pytest.mark.parametrize("extra", [
    "<message from='bob@b.tld'><body>injected</body></message>",
    "<stream:features/>", " ", "x", "</stream:stream>", "<iq"])
def test_H02_C21_bytes_behind_proceed(attempt, extra):
    t, c = attempt()
    c.open(f"<starttls xmlns='{TLS}'/>")
    c.next()
    c.send(f"<proceed xmlns='{TLS}'/>" + extra)
    with pytest.raises((Closed, OSError)):
        c.start_tls()
        c.auth()
        c.bind()
    t.exit()
    assert b"injected" not in t.raw and b"injected" not in t.errors
    assert not t.ever("connected")


BAD_CERTIFICATES = {
    "other name": dict(names=["w.tld"]),
    "expired": dict(names=["v.tld"], start="20200101000000Z",
                    end="20210101000000Z"),
    "not yet valid": dict(names=["v.tld"], start="20900101000000Z",
                          end="20910101000000Z"),
    "self-signed": dict(names=["v.tld"], signed=False),
    "CN only": dict(names=[], cn="v.tld"),
    "wildcard of the parent": dict(names=["*.tld"]),
    "partial wildcard": dict(names=["v*.tld"]),
    "bare star": dict(names=["*"]),
    "name of the server's host": dict(names=["localhost", "IP:127.0.0.1"]),
    "SRV of another service": dict(names=[SRV % "_xmpp-server.v.tld"]),
    "SRV of another name": dict(names=[SRV % "_xmpp-client.w.tld"]),
    "NUL in the name": dict(names=[], san="DER:30:0F:82:0D:76:2E:74:6C:64:00:"
                                          "2E:65:76:69:6C:2E:78"),
    "weak key": dict(names=["v.tld"], rsa=1024),
}


@pytest.mark.parametrize("what", BAD_CERTIFICATES)
def test_H03_C47_certificate_refused(ca, attempt, fake, what):
    settings = dict(BAD_CERTIFICATES[what])
    fake.cert = ca.cert(*settings.pop("names"), **settings)
    t, c = attempt()
    if what == "weak key":
        fake.context_args = {"ciphers": "DEFAULT:@SECLEVEL=0"}
    with pytest.raises((Closed, OSError, AssertionError)):
        c.starttls()
        c.auth()
    no_credentials(c)
    assert "certificate" in refused(t, 3)


def test_H03_untrusted_authority(tmp_path, attempt, fake):
    from pki import CA
    fake.cert = CA(tmp_path / "other").cert("v.tld")
    t, c = attempt()
    with pytest.raises((Closed, OSError, AssertionError)):
        c.starttls()
        c.auth()
    no_credentials(c)
    assert "certificate" in refused(t, 3)


@pytest.mark.parametrize("names", [
    ["v.tld"], ["w.tld", "v.tld"], [SRV % "_xmpp-client.v.tld"],
    [XMPP % "v.tld"]], ids=["DNS", "second DNS", "SRV", "XmppAddr"])
def test_H04_certificate_accepted(ca, attempt, fake, names):
    fake.cert = ca.cert(*names)
    t, c = attempt()
    c.login()
    c.online()
    c.until_closed()
    assert t.exit() == 0


def test_H04_idn(ca, script):
    """The A-label in the certificate, the U-label in the stream."""
    from fake import Fake
    fake = Fake(ca, domain="bücher.example")
    fake.cert = ca.cert("xn--bcher-kva.example")
    t = script(fake)
    c = fake.accept()
    c.login()
    assert c.header.get("to") == "bücher.example"
    assert c.sni == "xn--bcher-kva.example" or c.sni is None
    c.online()
    t.wait("connected")
    fake.close()


def test_H04_tls_1_1_only(attempt, fake):
    import ssl
    fake.context_args = {"minimum_version": ssl.TLSVersion.TLSv1,
                         "ciphers": "ALL:@SECLEVEL=0",
                         "maximum_version": ssl.TLSVersion.TLSv1_1}
    t, c = attempt()
    with pytest.raises((Closed, OSError, AssertionError)):
        c.starttls()
        c.auth()
    no_credentials(c)
    refused(t, 3)


@pytest.mark.parametrize("where", ["accept", "header", "proceed", "features",
                                   "auth", "success", "bind"])
def test_H05_P14_silence_meets_the_deadline(fake, script, where):
    t = script(fake, "--timeout", "3", "-c", "/wait online")
    c = fake.accept()
    if where == "header":
        c.read_header()
    elif where == "proceed":
        c.open(f"<starttls xmlns='{TLS}'/>")
        c.next()
        c.send(f"<proceed xmlns='{TLS}'/>")
    elif where != "accept":
        c.starttls()
        if where == "features":
            c.read_header()
            c.send(c.stream_header())
        elif where == "auth":
            c.open(c.mechanisms(["SCRAM-SHA-256"]))
            c.next_sasl("auth")
        else:
            c.auth()
            if where == "bind":
                c.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
                c.next()
    refused(t, 6, 15)


@pytest.mark.parametrize("where", ["accept", "proceed", "auth", "bind"])
@pytest.mark.parametrize("how", ["/quit", "SIGTERM"])
def test_H05_quit_while_stalled(fake, script, where, how):
    """At once, long before the deadline of sixty seconds."""
    t = script(fake, "--timeout", "60")
    c = fake.accept()
    if where == "proceed":
        c.open(f"<starttls xmlns='{TLS}'/>")
        c.next()
        c.send(f"<proceed xmlns='{TLS}'/>")
    elif where != "accept":
        c.starttls()
        c.open(c.mechanisms(["SCRAM-SHA-256"]))
        request = c.next_sasl("auth")
        if where == "bind":
            c.scram(request).finish()
            c.restart()
            c.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
            c.next()
    if how == "/quit":
        t.feed("/quit")
    else:
        t.process.send_signal(15)
    assert t.exit() == 0


# ---- SASL -----------------------------------------------------------------------

@pytest.fixture
def sasl(attempt):
    """…up to the client's first SCRAM message."""
    def make(mechanisms=("SCRAM-SHA-256",)):
        t, c = attempt()
        c.starttls()
        c.open(c.mechanisms(mechanisms))
        return t, c, c.scram(c.next_sasl("auth"))
    return make


@pytest.mark.parametrize("final", [
    "v=" + base64.b64encode(b"\0" * 32).decode(), "v=", "v=!!!!", "", "x=y",
    "v=" + base64.b64encode(b"\0" * 5000).decode(), "e=other-error"])
def test_H06_C30_server_does_not_prove_itself(sasl, final):
    t, c, exchange = sasl()
    exchange.challenge()
    exchange.response()
    exchange.success(final)
    c.until_closed()
    assert c.received.count(b"<stream:stream") == 2      # no restart
    errors = refused(t, 4)
    assert "prove" in errors or "proof" in errors


def test_H07_success_without_challenge(sasl):
    t, c, _ = sasl()
    c.send(f"<success xmlns='{SASL}'/>")
    c.until_closed()
    assert c.received.count(b"<stream:stream") == 2
    refused(t, 4)


def test_H07_success_without_signature(sasl):
    t, c, exchange = sasl()
    exchange.challenge()
    exchange.response()
    c.send(f"<success xmlns='{SASL}'/>")
    c.until_closed()
    assert c.received.count(b"<stream:stream") == 2
    refused(t, 4)


def no_proof(t, c):
    c.until_closed()
    assert b"<response" not in c.received
    refused(t, 4)


@pytest.mark.parametrize("nonce", ["short", "equal", "other"])
def test_H08_nonce(sasl, nonce):
    t, c, exchange = sasl()
    exchange.challenge(exchange.server_first(nonce={
        "short": exchange.client_nonce[:-2], "equal": exchange.client_nonce,
        "other": secrets.token_hex(24)}[nonce]))
    no_proof(t, c)


@pytest.mark.parametrize("count", ["0", "1", "4095", "-1", "1000001",
                                   "4294967295", "4294971392", "abc", ""])
def test_H09_iterations(sasl, count):
    t, c, exchange = sasl()
    begin = time.monotonic()
    exchange.challenge(exchange.server_first(iterations=count))
    no_proof(t, c)
    assert time.monotonic() - begin < 10


def b64(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("what", [
    "empty salt", "200 B salt", "1 MB salt", "bad base64", "m=", "two r=",
    "no s=", "empty", "1 MB", "binary"])
def test_H10_challenge(sasl, what):
    t, c, exchange = sasl()
    good = exchange.server_first()
    text = {
        "empty salt": exchange.server_first(salt=""),
        "200 B salt": exchange.server_first(salt=b64(b"x" * 200)),
        "1 MB salt": exchange.server_first(salt=b64(b"x" * 1_000_000)),
        "bad base64": exchange.server_first(salt="!!!"),
        "m=": "m=x," + good, "two r=": good.split(",")[0] + "," + good,
        "no s=": re.sub(",s=[^,]*", "", good), "empty": "",
        "1 MB": good + ",x=" + "y" * 1_000_000,
        "binary": b"\xff\xfe\0" + good.encode(),
    }[what]
    try:
        exchange.challenge(text)
    except OSError:
        pass                # it had heard enough
    no_proof(t, c)


@pytest.mark.parametrize("second", [("PLAIN",), ("SCRAM-SHA-1",),
                                    ("SCRAM-SHA-1", "PLAIN")])
def test_H11_downgrade(fake, profiles, script, second):
    profile = profiles(fake)
    t = script(profile)
    c = fake.accept()
    assert c.login(mechanisms=("SCRAM-SHA-256", "PLAIN")) == "SCRAM-SHA-256"
    c.online()
    t.wait("connected")
    t.process.terminate()
    c.until_closed()
    t.exit()
    t = script(profile, "--timeout", "10", "-c", "/wait online")
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(second))
    c.until_closed()
    no_credentials(c)
    errors = refused(t, 4)
    assert "weaker" in errors or "downgrade" in errors, errors


def test_H11_binding_withdrawn(fake, profiles, script):
    """-PLUS has worked before: without it somebody may be in between."""
    binding = ("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
               "<channel-binding type='tls-server-end-point'/>"
               "</sasl-channel-binding>")
    profile = profiles(fake)
    t = script(profile)
    c = fake.accept()
    c.starttls()
    assert c.auth(("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"),
                  extra=binding) == "SCRAM-SHA-256-PLUS"
    c.bind()
    c.online()
    t.wait("connected")
    t.eof()
    c.until_closed()
    t.exit()
    t = script(profile, "--timeout", "10", "-c", "/wait online")
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["SCRAM-SHA-512", "SCRAM-SHA-256"]) + binding)
    c.until_closed()
    no_credentials(c)
    assert "downgrade" in refused(t, 4)


def test_H11_offers_are_signed(sasl):
    """XEP-0474: the hash of what was offered is not that of what we saw."""
    import hashlib
    t, c, exchange = sasl(("SCRAM-SHA-256", "PLAIN"))
    offered = "\x1e".join(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    exchange.challenge(exchange.server_first() + ",h=" + b64(
        hashlib.sha256(offered.encode()).digest()))
    c.until_closed()
    assert b"<response" not in c.received
    assert "downgrade" in refused(t, 4)


def test_H11_signed_offers_that_are_right(sasl):
    import hashlib
    t, c, exchange = sasl(("SCRAM-SHA-256", "PLAIN"))
    offered = "\x1e".join(["PLAIN", "SCRAM-SHA-256"])
    exchange.challenge(exchange.server_first() + ",h=" + b64(
        hashlib.sha256(offered.encode()).digest()))
    assert exchange.response()


@pytest.mark.parametrize("mechanisms", [[], ["X-NONE"], ["DIGEST-MD5"]])
def test_no_common_mechanism(attempt, mechanisms):
    t, c = attempt()
    c.starttls()
    c.open(c.mechanisms(mechanisms))
    c.until_closed()
    refused(t, 4)


@pytest.mark.parametrize("jid", ["admin@v.tld/x", "me@w.tld/x", None, "",
                                 "me@v.tld", "@", "me@v.tld/" + "x" * 5000])
def test_H12_bind_result(attempt, jid):
    t, c = attempt()
    c.starttls()
    c.auth()
    c.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
    request = c.next()
    c.send(f"<iq type='result' id='{request.get('id')}'>"
           "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
           + (f"<jid>{jid}</jid>" if jid is not None else "") + "</bind></iq>")
    c.until_closed()
    t.exit()
    assert not t.ever("connected")


def test_H13_compression_is_never_chosen(attempt):
    t, c = attempt()
    c.starttls()
    compression = ("<compression xmlns='http://jabber.org/features/compress'>"
                   "<method>zlib</method></compression>")
    c.auth(extra=compression)
    c.bind(extra=compression)
    c.online()
    c.until_closed()
    assert t.exit() == 0
    assert b"compress" not in c.received.replace(b"no-compress", b"")


@pytest.mark.parametrize("over", [
    {"from": "w.tld"}, {"version": "0.9"}, {"version": None},
    {"xmlns": "jabber:server"}, {"xmlns:stream": "urn:evil"}, {"id": None},
], ids=str)
@pytest.mark.parametrize("secure", [False, True], ids=["clear", "TLS"])
def test_H13_stream_header(attempt, over, secure):
    t, c = attempt()
    if secure:
        c.starttls()
        c.received = b""
    c.read_header()
    attrs = {"from": "v.tld", "id": "x", "version": "1.0", "xmlns": CLIENT,
             "xmlns:stream": STREAM}
    attrs.update(over)
    c.send("<stream:stream" + "".join(f" {k}='{v}'" for k, v in attrs.items()
                                      if v is not None) + ">")
    try:
        c.send(f"<stream:features><starttls xmlns='{TLS}'/>" +
               c.mechanisms(["SCRAM-SHA-256"]) + "</stream:features>")
    except OSError:
        pass                    # it had heard enough
    c.until_closed()
    assert b"<starttls" not in c.received
    assert b"<stream:error" in c.received
    no_credentials(c)
    refused(t, 3)


def test_H13_C08_version_1_10_is_newer(attempt):
    t, c = attempt()
    c.open(f"<starttls xmlns='{TLS}'/>", version="1.10")
    assert c.next().tag == q("starttls", TLS)


def see_other(c, where):
    c.read_header()
    c.send(c.stream_header() + "<stream:error><see-other-host xmlns="
           f"'urn:ietf:params:xml:ns:xmpp-streams'>{where}</see-other-host>"
           "</stream:error></stream:stream>")


def test_H14_C17_see_other_host_is_bounded(fake, script):
    """To itself, again and again: three hops, then the script gives up."""
    t = script(fake, "--timeout", "20", "-c", "/wait online")
    for _ in range(4):
        c = fake.accept()
        see_other(c, f"127.0.0.1:{fake.port}")
        c.until_closed()
    refused(t, 3)
    assert fake.connections(0.1) == 0


@pytest.mark.parametrize("where", ["169.254.169.254:80", "[::1]:0", "v.tld:x",
                                   "a b", "", "/etc/passwd", "x" * 5000,
                                   "me@v.tld:5222"])
def test_H14_see_other_host_of_odd_places(attempt, where):
    """Nobody there, or no place at all: an error with a sentence."""
    t, c = attempt("--timeout", "3")
    see_other(c, where)
    c.until_closed()
    assert t.exit() in (3, 6)
    assert t.errors.startswith(b"txmpp: ")


def test_H14_see_other_host_keeps_the_name(ca, attempt, fake):
    """The other host still has to prove that it is v.tld."""
    from fake import Fake
    other = Fake(ca, domain="w.tld")
    t, c = attempt()
    see_other(c, f"127.0.0.1:{other.port}")
    c.until_closed()
    try:
        d = other.accept(timeout=5)
        with pytest.raises((Closed, OSError, AssertionError)):
            d.starttls()
            d.auth()
        no_credentials(d)
    except TimeoutError:
        pass               # nor need it go there, unencrypted as that was
    t.exit()
    assert not t.ever("connected")
    other.close()


# ---- restricted XML ------------------------------------------------------------------

PROLOGS = {
    "H15 DOCTYPE": "<!DOCTYPE x [<!ENTITY from 'E'>]>",
    "H15 external": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
    "H16 laughs": "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(
        f"<!ENTITY a{i + 1} '{f'&a{i};' * 10}'>" for i in range(9)) + "]>",
    "H16 comment": "<!-- c -->", "H16 PI": "<?pi x?>",
}


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "TLS"])
@pytest.mark.parametrize("what", PROLOGS)
def test_H15_H16_prolog(attempt, what, secure):
    t, c = attempt()
    if secure:
        c.starttls()
    c.read_header()
    c.send("<?xml version='1.0'?>" + PROLOGS[what] + c.stream_header().replace(
        "<?xml version='1.0'?>", "").replace(" id='", " id='&a9;")
        if "laughs" in what else
        "<?xml version='1.0'?>" + PROLOGS[what] +
        c.stream_header().replace("<?xml version='1.0'?>", ""))
    c.until_closed()
    no_credentials(c)
    assert b"<restricted-xml" in c.received
    refused(t, 3)


def ends_the_stream(c, t, data):
    """The client closes; it does not say so before it is told."""
    begin = cpu(t)
    try:
        c.send(data)
    except OSError:
        pass
    c.until_closed()
    assert cpu(t) - begin < (3 if SANITIZED else 0.5)


@pytest.mark.parametrize("data", ["<!-- c -->", "<?pi x?>",
                                  "<message><!-- c --></message>",
                                  "<message><?pi x?></message>",
                                  "<message><![CDATA[x]]><!-- --></message>"])
def test_H16_C19_C45_inside_the_stream(online, data):
    t, c = online
    ends_the_stream(c, t, data)
    assert b"restricted-xml" in c.received


BAD_XML = {
    "raw ESC": b"<message><body>\x1b[31m</body></message>",
    "ESC by number": b"<message><body>&#27;</body></message>",
    "NUL": b"<message><body>a\0b</body></message>",
    "NUL by number": b"<message><body>&#0;</body></message>",
    "U+FFFE": b"<message><body>\xef\xbf\xbe</body></message>",
    "overlong": b"<message><body>\xc0\xaf</body></message>",
    "surrogate": b"<message><body>\xed\xa0\x80</body></message>",
    "truncated": b"<message><body>\xf0\x9f</body></message>",
    "two attributes": b"<message from='a@b' from='c@d'/>",
    "unknown entity": b"<message><body>&foo;</body></message>",
    "unbound prefix": b"<x:message/>",
    "mismatched": b"<message></iq>",
    "text between": b"text",
    "no name": b"< message/>",
    "byte order mark": b"\xef\xbb\xbf<message/>",      # C46
    "UTF-16": "<message/>".encode("utf-16"),
}
OTHERWISE_BAD = ("text between", "unbound prefix", "byte order mark")


@pytest.mark.parametrize("what", BAD_XML)
def test_H17_not_well_formed(online, what):
    t, c = online
    ends_the_stream(c, t, BAD_XML[what])
    assert b"<not-well-formed" in c.received or what in OTHERWISE_BAD
    t.wait("disconnected")
    assert t.process.poll() is None


def test_H17_no_hot_loop(fake, script):
    """Back-off of at least a second, whatever the server does."""
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    c.send(BAD_XML["NUL"])
    c.until_closed()
    assert fake.connections(0.7) == 0


def shown_after(t, c, marker):
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
           f"<body>{marker}</body></message>")


def survives(fake, t, c, data, marker="still here"):
    """Dropped or the stream closed: either way the next message is shown."""
    begin = cpu(t)
    try:
        c.send(data)
        c.settle()
    except (Closed, OSError):
        c = fake.online(timeout=PATIENCE)
    spent = cpu(t) - begin
    shown_after(t, c, marker)
    t.wait("message", body=marker)
    return spent, c


def test_H18_depth(fake, online):
    t, c = online
    deep = "<a>" * 100_000 + "</a>" * 100_000
    survives(fake, t, c, f"<message from='mal@e.tld/x' to='{c.jid}'>"
             + deep + "</message>")


@pytest.mark.parametrize("what", ["newlines", "children", "attributes", "name"])
def test_H19_size(fake, online, what):
    t, c = online
    inside = {"newlines": "<body>" + "&#10;" * 200_000 + "\n" * 800_000
                          + "</body>",
              "children": "<a/>" * 100_000,
              "attributes": "<a " + " ".join(f"a{i}=''" for i in range(10_000))
                            + "/>",
              "name": "<" + "n" * 100_000 + "/>"}[what]
    spent, _ = survives(fake, t, c, f"<message from='mal@e.tld/x' to='{c.jid}'>"
                        + inside + "</message>")
    assert spent < (6 if SANITIZED else 0.8), spent


def test_H20_huge_body(fake, online):
    t, c = online
    before = rss_kb(t)
    _, c = survives(fake, t, c, f"<message from='mal@e.tld/x' to='{c.jid}'>"
                    "<body>" + "x" * 20_000_000 + "</body></message>")
    assert rss_kb(t) - before < (400_000 if SANITIZED else 25_000)


def test_H20_endless_stanza(online):
    t, c = online
    before = rss_kb(t)
    try:
        c.send("<message><body>")
        for _ in range(40):
            c.send("x" * 1_000_000)
    except OSError:
        pass
    c.until_closed()
    assert rss_kb(t) - before < (400_000 if SANITIZED else 25_000)


@pytest.mark.parametrize("attrs", [
    "xmlns:e='u' from='mal@e.tld/x' e:from='bob@b.tld/p' e:type='headline' "
    "type='chat' e:id='forged' id='h21'",
    "xmlns:e='u' e:from='bob@b.tld/p' from='mal@e.tld/x' e:type='headline' "
    "type='chat' e:id='forged' id='h21'",
    "xml:from='bob@b.tld/p' from='mal@e.tld/x' type='chat' id='h21'"])
def test_H21_P01_foreign_attributes(online, attrs):
    t, c = online
    c.send(f"<message {attrs} to='{c.jid}'><body>hi</body></message>")
    event = t.wait("message", body="hi")
    assert event["from"] == "mal@e.tld/x" and event["type"] == "chat"
    assert event["chat"] == "mal@e.tld"


def test_H22_push_with_foreign_from(online):
    t, c = online
    c.send("<iq type='set' id='p' from='mal@e.tld/x' xmlns:e='u' "
           f"e:from='me@v.tld' to='{c.jid}'><query xmlns='{ROSTER}'>"
           "<item jid='mal@e.tld' subscription='both'/></query></iq>")
    reply = c.expect("iq", id="p")
    assert reply.get("type") == "error" and reply.get("to") == "mal@e.tld/x"
    assert reply.find("*/{urn:ietf:params:xml:ns:xmpp-stanzas}"
                      "service-unavailable") is not None
    assert t.run("/roster") == []


def test_H23_C46_P03_namespaces(online):
    """The first two say nothing to us, the third is as good as any."""
    t, c = online
    c.send(f"<message from='mal@e.tld/x' to='{c.jid}'>"
           "<body xmlns='urn:evil'>evil body</body></message>"
           "<x:message xmlns:x='jabber:client' from='bob@b.tld/p' "
           f"to='{c.jid}' type='chat'><x:body>prefixed</x:body></x:message>")
    t.wait("message", body="prefixed")
    c.send(f"<message xmlns='urn:evil' from='mal@e.tld/x' to='{c.jid}'>"
           "<body>evil message</body></message>")
    c.settle()
    assert not t.ever("message", body="evil message")
    assert not t.ever("message", body="evil body")


def test_H25_one_byte_at_a_time(online):
    t, c = online
    stanzas = [f"<message from='bob@b.tld/p' to='{c.jid}' type='chat' "
               f"id='b{i}'><body>Grüße &amp; 🌹 {i}</body></message>"
               for i in range(10)]
    c.dribble("".join(stanzas))
    for i in range(10):
        assert t.wait("message")["body"] == f"Grüße & 🌹 {i}"
    c.send("".join(stanzas).replace("id='b", "id='c") * 5)
    for i in range(50):
        assert t.wait("message")["body"] == f"Grüße & 🌹 {i % 10}"


def test_H25_login_one_byte_at_a_time(fake, script):
    t = script(fake)
    c = fake.accept()
    send = c.send
    c.send = lambda data: [send(bytes([b])) for b in (
        data.encode() if isinstance(data, str) else data)]
    c.login()
    c.send = send
    c.online()
    t.wait("connected")
