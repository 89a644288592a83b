"""Rules of RFC 6120 that a server can see. Section numbers are the RFC's."""
import base64
import re
import socket
import ssl

import pytest

from fake import (BIND, PING, ROSTER, SASL, SM, STANZAS, STREAM, STREAMS, TLS,
                  q)


@pytest.fixture
def online(fake, script):
    t = script(fake)
    c = fake.online(roster="<item jid='bob@b.tld' subscription='both'/>")
    t.wait("connected")
    c.settle()
    return t, c


@pytest.fixture
def configured(fake, profiles, script, tmp_path):
    """configured("proxy = …"): settings of the account, then the program."""
    def make(*settings, options=(), **kw):
        path = tmp_path / "txmpp.conf"
        path.write_text("\n".join([f"[account {fake.bare}]", *settings, ""]))
        path.chmod(0o600)
        return script(profiles(fake), "--config", path, *options, **kw)
    return make


# ---- streams (s. 4) ------------------------------------------------------------

def test_C03_comes_back_without_tls_resumption(fake, script):
    """s. 3.3: soon, and every handshake is a full one."""
    fake.context_args = {"num_tickets": 0,
                         "options": ssl.OP_NO_TICKET}
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    c.rst()
    assert 1 <= t.wait("disconnected")["retry_in"] <= 2
    c = fake.online()
    assert not c.sock.session_reused
    t.wait("connected")


@pytest.mark.parametrize("stream", ["clear", "TLS", "authenticated"])
@pytest.mark.parametrize("frm,good", [
    ("v.tld", True), (None, True), ("V.TLD", True), ("v.tld.", True),
    ("w.tld", False), ("me@v.tld", False), ("v.tld.evil", False),
    ("", False)])
def test_C06_from_of_the_server(fake, script, stream, frm, good):
    """s. 4.7.1, 4.7.2. None: servers after RFC 3920 may leave it out."""
    t = script(fake, "--timeout", "10", "-c", "/wait online")
    c = fake.accept()
    frm = {"from": frm}

    def go():
        c.open(f"<starttls xmlns='{TLS}'/>",
               **(frm if stream == "clear" else {}))
        yield q("starttls", TLS)
        c.send(f"<proceed xmlns='{TLS}'/>")
        c.start_tls()
        c.open(c.mechanisms(["SCRAM-SHA-256"]),
               **(frm if stream == "TLS" else {}))
        request = yield q("auth", SASL)
        c.scram(request).finish()
        c.restart()
        c.open(f"<bind xmlns='{BIND}'/>",
               **(frm if stream == "authenticated" else {}))
        yield q("iq")
        if good:
            return
        raise AssertionError("it went on")

    steps, got = go(), None
    while True:
        try:
            wanted = steps.send(got)
        except StopIteration:
            break
        got = c.next()
        if got.tag == q("error", STREAM):
            assert not good
            assert got.find(q("invalid-from", STREAMS)) is not None
            c.until_closed()
            assert t.exit() == 3
            break
        assert got.tag == wanted


@pytest.mark.parametrize("id", ["x" * 8000, "'\"<>&;/@ ü 🌹", "0", "\u202e"],
                         ids=["long", "odd", "zero", "override"])
def test_C07_stream_id_is_opaque(fake, script, id):
    """s. 4.7.3: whatever it is, also the same again, and it stays there."""
    t = script(fake)
    c = fake.accept()
    header = c.stream_header
    c.stream_header = lambda **kw: header(**{**kw, "id": id})
    c.login()
    c.online()
    t.wait("connected")
    c.settle()
    assert c.received.count(id.encode()) == 0 or len(id) < 2


def test_C13_ping_when_idle(configured, fake):
    """s. 4.6.4: a ping, not white space; once in a while."""
    t = configured("ping_interval = 1")
    c = fake.online()
    t.wait("connected")
    c.settle()
    c.received = b""
    while c.pings < 2:
        c.expect("iq", type="get", answer=False, to="v.tld")
        c.pings += 1
        # Not answered: before the second nothing else is said.
    text = c.received.decode()
    assert text.count(PING) == 2 and text.count("<iq") == 2
    assert re.sub(r"<iq.*?</iq>", "", text) == ""       # no white space


def test_C13_asks_stream_management_when_it_is_on(configured, fake):
    t = configured("ping_interval = 1")
    c = fake.accept()
    c.login(extra=f"<sm xmlns='{SM}'/>")
    c.expect("enable")
    before = len(re.findall(rb"<r ", c.received))   # none can have come
    c.send(f"<enabled xmlns='{SM}'/>")
    c.online()
    t.wait("connected")
    c.settle()
    assert c.expect("r").tag == q("r", SM)
    assert PING.encode() not in c.received.rpartition(b"settle")[2]
    assert len(re.findall(rb"<r ", c.received)) > before


# ---- SASL (s. 6) ----------------------------------------------------------------

def test_C25_offers_before_tls_do_not_count(fake, script):
    t = script(fake)
    c = fake.accept()
    c.open(f"<starttls xmlns='{TLS}'/>" + c.mechanisms(["SCRAM-SHA-512"]) +
           f"<bind xmlns='{BIND}'/><sm xmlns='{SM}'/>"
           "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>2000"
           "</max-bytes></limits>")
    assert c.next().tag == q("starttls", TLS)
    c.send(f"<proceed xmlns='{TLS}'/>")
    c.start_tls()
    assert c.auth(["SCRAM-SHA-256"]) == "SCRAM-SHA-256"
    c.bind()
    c.online()
    t.wait("connected")
    assert SM.encode() not in c.received
    line = t.feed("/msg bob@b.tld " + "x" * 3000)
    assert len(c.expect("message").find(q("body")).text) == 3000
    c.settle()
    t.wait("result", since=0, line=line, ok=True)


def test_C25_nothing_offered_after_tls(fake, script):
    t = script(fake, "--timeout", "10", "-c", "/wait online")
    c = fake.accept()
    c.open(f"<starttls xmlns='{TLS}'/>" + c.mechanisms(["SCRAM-SHA-256"]))
    c.next()
    c.send(f"<proceed xmlns='{TLS}'/>")
    c.start_tls()
    c.open("")
    c.until_closed()
    assert b"<auth" not in c.received
    assert t.exit() == 4


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-512",
                                       "SCRAM-SHA-256-PLUS", "PLAIN"])
def test_C26_no_authorization_identity(configured, fake, mechanism):
    """s. 6.3.8: it is the account itself that acts."""
    configured("plain_allowed = on")
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms([mechanism]) +
           "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
           "<channel-binding type='tls-server-end-point'/>"
           "</sasl-channel-binding>")
    request = c.next_sasl("auth")
    first = base64.b64decode(request.text)
    if mechanism == "PLAIN":
        assert first == b"\0me\0pencil"
    else:
        assert first.split(b",")[1] == b""
        assert first.split(b",")[2] == b"n=me"


@pytest.mark.parametrize("answer", [
    f"<failure xmlns='{SASL}'><aborted/></failure>", "</stream:stream>",
    f"<success xmlns='{SASL}'/>", ""], ids=["failure", "end", "success", ""])
def test_C28_abort(fake, script, answer):
    """s. 6.4.4: what cannot be understood is not answered but given up."""
    t = script(fake, "--timeout", "10", "-c", "/wait online")
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["SCRAM-SHA-256"]))
    c.next_sasl("auth")
    c.send(f"<challenge xmlns='{SASL}'>AAA</challenge>")
    assert c.next().tag == q("abort", SASL)
    c.send(answer)
    c.until_closed()
    assert c.received.count(b"<stream:stream") == 2      # no restart
    assert t.exit() == 4


# ---- binding (s. 7) ----------------------------------------------------------------

def test_C33_resource_tells_nothing(fake, script):
    """s. 7.5: neither the machine nor the person, and never the same."""
    seen = set()
    for _ in range(2):
        t = script(fake, resource=None)
        c = fake.accept()
        c.login()
        name = c.jid.partition("/")[2]
        assert re.fullmatch("[0-9a-f]{16}", name), name
        for known in (socket.gethostname(), "root", "me", "txmpp"):
            assert known not in name
        seen.add(name)
        t.process.kill()
    assert len(seen) == 2


@pytest.mark.parametrize("condition", ["bad-request", "jid-malformed",
                                       "conflict"])
def test_C43_resource_that_the_server_dislikes(fake, script, condition):
    """s. 7.7.2, 8.3.3.8: then one of our making."""
    t = script(fake)
    c = fake.accept()
    c.starttls()
    c.auth()
    c.open(f"<bind xmlns='{BIND}'/>")
    c.error(c.next(), condition, "modify")
    second = c.next()
    wanted = second[0].find(q("resource", BIND))
    assert wanted is not None and wanted.text != "tx"
    c.jid = f"me@v.tld/{wanted.text}"
    c.result(second, f"<bind xmlns='{BIND}'><jid>{c.jid}</jid></bind>")
    c.online()
    assert t.wait("connected")["jid"] == c.jid


# ---- stanzas (s. 8) ----------------------------------------------------------------

def test_C34_without_to_is_for_us(online):
    """s. 8.1.1.1, 10.3.3"""
    t, c = online
    c.send("<message from='bob@b.tld/p' type='chat'><body>no to</body>"
           "</message><iq type='get' id='c34' from='bob@b.tld/p'>"
           f"<ping xmlns='{PING}'/></iq>")
    event = t.wait("message", body="no to")
    assert event["to"] == "me@v.tld" and event["chat"] == "bob@b.tld"
    reply = c.expect("iq", id="c34", answer=False)
    assert reply.get("type") == "result" and reply.get("to") == "bob@b.tld/p"


def test_C35_without_from_is_our_own_account(online):
    """s. 8.1.2.1"""
    t, c = online
    c.send(f"<message to='{c.jid}' type='chat'><body>no from</body></message>"
           f"<iq type='get' id='c35' to='{c.jid}'><ping xmlns='{PING}'/></iq>")
    event = t.wait("message", body="no from")
    assert event["from"] == "me@v.tld"
    reply = c.expect("iq", id="c35", answer=False)
    assert reply.get("type") == "result" and reply.get("to") is None


def test_C35_we_say_no_other_from(online):
    """Whatever we send, the server says who it is from."""
    t, c = online
    t.run("/onerror continue")
    for line in ("/msg bob@b.tld hi", "/status away", "/ping", "/sub request "
                 "eve@b.tld", "/status dnd -t bob@b.tld", "/block mal@e.tld",
                 "/disco info v.tld", "/roster add new@b.tld"):
        t.feed(line)
    c.expect("presence", to="eve@b.tld", type="subscribe")
    c.expect("iq", type="set")
    c.settle()
    tags = re.findall(rb"<(?:iq|message|presence)\b[^>]*>", c.received)
    assert len(tags) > 10
    for tag in tags:
        frm = re.search(rb"\sfrom=['\"]([^'\"]*)", tag)
        assert frm is None or frm.group(1) in (b"me@v.tld", b"me@v.tld/tx"), tag


@pytest.mark.parametrize("attrs,body,lang,text", [
    ("xml:lang='cs'", "<body>a</body>", "cs", "a"),
    ("xml:lang='cs'", "<body xml:lang='fr'>a</body>", "fr", "a"),
    ("", "<body>a</body>", "tlh", "a"),
    ("", "<body xml:lang='fr'>f</body><body>s</body>", "tlh", "s"),
    ("xml:lang='tlh'", "<body xml:lang='en'>e</body><body>s</body>", "tlh",
     "s"),
    ("xml:lang='en'", "<body xml:lang='fr'>f</body><body>e</body>", "en", "e"),
])
def test_C37_language(fake, script, attrs, body, lang, text):
    """s. 8.1.5: the element's, the stanza's, the stream's language. This
    person reads Klingon, then English."""
    t = script(fake, env={"LANGUAGE": "tlh:en"})
    c = fake.accept()
    header = c.stream_header
    c.stream_header = lambda **kw: header(**{**kw, "xml:lang": "tlh"})
    c.login()
    c.online()
    t.wait("connected")
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat' {attrs}>"
           f"{body}</message>")
    event = t.wait("message")
    assert event["body"] == text and event["lang"] == lang


def test_C43_malformed_addresses(online):
    """s. 8.3.3.8: refused before anything leaves, with that condition."""
    t, c = online
    t.run("/onerror continue")
    for jid in ("a@b@c/d@e", "@b.tld", "bob@", "bob@b.tld/"):
        error = t.run(f"/msg {jid} hello", ok=False)["error"]
        assert error["condition"] == "jid-malformed", (jid, error)
    c.settle()
    assert b"<message" not in c.received


@pytest.mark.parametrize("iq,condition", [
    ("<iq type='sset' {a}><ping xmlns='urn:xmpp:ping'/></iq>", "bad-request"),
    ("<iq type='set' {a}><query xmlns='" + ROSTER + "'><item jid='a@'/>"
     "</query></iq>", "bad-request"),
    ("<iq type='set' {a}><query xmlns='" + ROSTER + "'/></iq>", "bad-request"),
    ("<iq type='set' {a}><block xmlns='urn:xmpp:blocking'/></iq>",
     "bad-request"),
    ("<iq type='set' {a}><block xmlns='urn:xmpp:blocking'><item/></block>"
     "</iq>", "bad-request"),
])
def test_C43_bad_request(online, iq, condition):
    """s. 8.3.3.1: "violates the defined syntax", type modify."""
    t, c = online
    c.send(iq.format(a=f"id='c43' to='{c.jid}'"))
    reply = c.expect("iq", id="c43", answer=False)
    error = reply.find(q("error"))
    assert error.get("type") == "modify"
    assert error.find(q(condition, STANZAS)) is not None
