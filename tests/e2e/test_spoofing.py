"""Strangers who pretend: H26 to H31, H44 to H50, H54; and C rules of answers.
We are me@v.tld/tx; bob@b.tld is a friend; mal@e.tld is not."""
import pytest

from fake import PING, ROSTER, attr, q
from txmpp import PATIENCE

ME, OTHER = "me@v.tld", "me@v.tld/other"
BOB = ("<item jid='bob@b.tld' name='Bob' subscription='both'>"
       "<group>Friends</group></item>")


@pytest.fixture
def online(fake, script):
    t = script(fake)
    c = fake.accept()
    c.login()
    c.online(roster=BOB)
    t.wait("connected")
    c.settle()
    return t, c


def push(c, frm, item="<item jid='new@b.tld' subscription='none'/>", id="p1"):
    who = f" from='{frm}'" if frm is not None else ""
    c.send(f"<iq type='set' id='{id}'{who} to='{c.jid}'>"
           f"<query xmlns='{ROSTER}'>{item}</query></iq>")
    return c.expect("iq", id=id)


def roster(t):
    return {r["jid"] for r in t.run("/roster")}


# ---- roster pushes -----------------------------------------------------------

@pytest.mark.parametrize("frm", ["mal@e.tld/x", "v.tld", OTHER, "mal@e.tld",
                                 "me@v.tld.evil", "me"])
def test_H26_push_from_others(online, frm):
    t, c = online
    assert push(c, frm).get("type") == "error"
    assert roster(t) == {"bob@b.tld"}


@pytest.mark.parametrize("frm", ["ME@V.TLD", "me@v.tld."])
def test_H26_equal_after_preparation(online, frm):
    t, c = online
    assert push(c, frm).get("type") == "result"
    assert roster(t) == {"bob@b.tld", "new@b.tld"}


@pytest.mark.parametrize("frm", [None, ME])
def test_H27_C50_push_applied(online, frm):
    t, c = online
    reply = push(c, frm)
    assert reply.get("type") == "result" and len(reply) == 0
    assert t.wait("roster", jid="new@b.tld")["subscription"] == "none"


@pytest.mark.parametrize("items", [
    "", "<item jid='a@b.tld'/><item jid='c@b.tld'/>", "<item/>",
    "<item jid='@'/>", "<item jid=''/>", "<x jid='a@b.tld'/>"])
def test_H27_bad_push(online, items):
    t, c = online
    reply = push(c, None, items)
    assert reply.get("type") == "error"
    assert reply.find("*/{urn:ietf:params:xml:ns:xmpp-stanzas}bad-request") \
        is not None
    assert roster(t) == {"bob@b.tld"}


def test_C51_odd_values(online):
    t, c = online
    push(c, None, "<item jid='new@b.tld' subscription='sideways' ask='maybe'>"
         "<group>A</group><group>A</group><group></group></item>")
    event = t.wait("roster", jid="new@b.tld")
    assert event["subscription"] == "none" and not event.get("ask")
    assert event["groups"] == ["A"]


# ---- replies ----------------------------------------------------------------

@pytest.fixture
def pending(fake, script):
    """The roster request is open; the reply is the test's."""
    t = script(fake)
    c = fake.accept()
    c.login()
    request = None
    while request is None:
        stanza = c.next()
        if len(stanza) and stanza[0].tag == q("query", ROSTER):
            request = stanza
        else:
            c.answer(stanza)
    return t, c, request


def reply(c, id, frm, type="result", jid="bob@b.tld"):
    who = f" from='{frm}'" if frm is not None else ""
    c.send(f"<iq type='{type}' id='{id}'{who} to='{c.jid}'>"
           f"<query xmlns='{ROSTER}'><item jid='{jid}' subscription='both'/>"
           "</query></iq>")


@pytest.mark.parametrize("frm", ["mal@e.tld/x", OTHER, "e.tld"])
def test_H28_H29_reply_of_another(pending, frm):
    t, c, request = pending
    reply(c, request.get("id"), frm, jid="mal@e.tld")
    reply(c, request.get("id"), None)
    c.online()
    t.wait("connected")
    assert roster(t) == {"bob@b.tld"}


@pytest.mark.parametrize("frm", [None, ME, "me@v.tld/tx", "v.tld"])
def test_H29_reply_of_our_server(pending, frm):
    t, c, request = pending
    reply(c, request.get("id"), frm)
    c.online()
    t.wait("connected")
    assert roster(t) == {"bob@b.tld"}


@pytest.mark.parametrize("stanza", [
    "<message id='{id}' from='mal@e.tld/x' to='me@v.tld/tx'/>",
    "<presence id='{id}' from='mal@e.tld/x' to='me@v.tld/tx'/>",
    "<iq type='get' id='{id}' from='mal@e.tld/x' to='me@v.tld/tx'>"
    "<ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='result' id='roster' from='mal@e.tld/x'><query "
    "xmlns='jabber:iq:roster'><item jid='mal@e.tld'/></query></iq>"])
def test_H28_id_alone_is_nothing(pending, stanza):
    t, c, request = pending
    c.send(stanza.format(id=request.get("id")))
    reply(c, request.get("id"), None)
    c.online()
    t.wait("connected")
    assert roster(t) == {"bob@b.tld"}


def test_H28_C36_ids_cannot_be_guessed(fake, script):
    ids = set()
    for _ in range(2):
        t = script(fake)
        c = fake.accept()
        c.login()
        c.online()
        c.settle()
        new = {m for m in __import__("re").findall(rb" id=[\"']([^\"']+)",
                                                   c.received)
               if not m.startswith(b"settle")}
        assert not new & ids and all(len(i) >= 16 for i in new), new
        ids |= new
        t.process.kill()
        t.process.wait()


def test_H28_query_to_another_person(online):
    t, c = online
    line = t.feed("/software bob@b.tld/p")
    request = c.expect("iq", to="bob@b.tld/p")
    version = ("<query xmlns='jabber:iq:version'><name>{}</name>"
               "<version>1</version></query>")
    c.send(f"<iq type='result' id='{request.get('id')}' from='mal@e.tld/x' "
           f"to='{c.jid}'>{version.format('forged')}</iq>")
    c.settle()
    assert not t.ever("result", line=line)
    c.result(request, version.format("genuine"))
    t.wait("result", since=0, line=line, ok=True)
    assert b"genuine" in t.raw and b"forged" not in t.raw


# ---- carbons -----------------------------------------------------------------

def carbon(c, outer, direction, frm, to, body, wrap=""):
    c.send(f"<message from='{outer}' to='{c.jid}'>"
           f"<{direction} xmlns='urn:xmpp:carbons:2'>"
           "<forwarded xmlns='urn:xmpp:forward:0'>"
           f"<message xmlns='jabber:client' from='{frm}' to='{to}' "
           f"type='chat'><body>{body}</body></message></forwarded>"
           f"</{direction}></message>")


@pytest.mark.parametrize("direction", ["received", "sent"])
@pytest.mark.parametrize("outer", ["mal@e.tld/x", OTHER, "v.tld", "mal@e.tld"])
def test_H30_carbon_of_another(online, outer, direction):
    t, c = online
    pair = ("bob@b.tld/p", OTHER) if direction == "received" else \
        (OTHER, "bob@b.tld/p")
    carbon(c, outer, direction, *pair, "forged")
    c.settle()
    assert not t.ever("message", body="forged")


def test_H30_carbon_in_carbon(online):
    t, c = online
    inner = ("<message xmlns='jabber:client' from='me@v.tld' to='me@v.tld/tx'>"
             "<received xmlns='urn:xmpp:carbons:2'><forwarded "
             "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
             "from='bob@b.tld/p' to='me@v.tld/tx' type='chat'><body>forged"
             "</body></message></forwarded></received></message>")
    c.send(f"<message from='{ME}' to='{c.jid}'><received "
           "xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
           f"{inner}</forwarded></received></message>")
    c.settle()
    assert not t.ever("message", body="forged")


def test_H30_archive_in_carbon(online):
    """A copy holds a message, nothing that wraps another one."""
    t, c = online
    result = ("<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'><forwarded "
              "xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
              "stamp='2020-01-01T00:00:00Z'/><message xmlns='jabber:client' "
              "from='bob@b.tld/p' to='me@v.tld/tx' type='chat'><body>forged"
              "</body></message></forwarded></result>")
    for outer in (ME, "mal@e.tld/x"):
        for frm in (ME, "mal@e.tld/x"):
            c.send(f"<message from='{outer}' to='{c.jid}'><received "
                   "xmlns='urn:xmpp:carbons:2'><forwarded "
                   "xmlns='urn:xmpp:forward:0'><message "
                   f"xmlns='jabber:client' from='{frm}' to='{OTHER}'>{result}"
                   "</message></forwarded></received></message>")
    c.send(f"<message from='{ME}' to='{c.jid}'>{result}</message>")
    c.settle()
    assert not t.ever("message", body="forged")


@pytest.mark.parametrize("direction,frm,to", [
    ("sent", "mal@e.tld/x", "bob@b.tld"), ("sent", "bob@b.tld/p", OTHER),
    ("received", "bob@b.tld/p", "mal@e.tld/x")])
def test_H31_carbon_that_is_not_ours(online, direction, frm, to):
    t, c = online
    carbon(c, ME, direction, frm, to, "forged")
    c.settle()
    assert not t.ever("message", body="forged")


@pytest.mark.parametrize("direction,frm,to", [
    ("sent", OTHER, "bob@b.tld/p"), ("received", "bob@b.tld/p", OTHER),
    ("received", "bob@b.tld/p", ME)])
def test_H31_carbon_that_is(online, direction, frm, to):
    t, c = online
    carbon(c, ME, direction, frm, to, "genuine")
    event = t.wait("message", body="genuine")
    assert event["carbon"] is True and event["chat"] == "bob@b.tld"
    assert event["direction"] == ("out" if direction == "sent" else "in")


@pytest.mark.parametrize("inside", [
    "", "<forwarded xmlns='urn:xmpp:forward:0'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client'/>"
    "</forwarded>", "<forwarded xmlns='urn:xmpp:forward:0'><message "
    "xmlns='jabber:client'/></forwarded>"])
def test_H31_carbon_without_content(online, inside):
    t, c = online
    for direction in ("sent", "received"):
        c.send(f"<message from='{ME}' to='{c.jid}'><{direction} "
               f"xmlns='urn:xmpp:carbons:2'>{inside}</{direction}></message>")
    c.settle()
    assert not t.ever("message")


# ---- presence and subscription -------------------------------------------------

def test_H44_many_requests(online):
    """Of ten thousand requests none is granted, and few are kept."""
    t, c = online
    for i in range(0, 10_000, 500):
        c.send("".join(f"<presence type='subscribe' from='s{j}@e.tld' "
                       f"to='{ME}'/>" for j in range(i, i + 500)))
    c.settle(2 * PATIENCE)
    assert not [s for s in c.seen if s.get("type") in ("subscribed",
                                                       "unsubscribed")]
    assert 0 < len(t.run("/sub show")) < 2000
    assert not any(r["jid"].startswith("s") for r in t.run("/roster"))


CAPS = ("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
        "node='urn:client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>")


def asked_about(c, who):
    """The question about somebody's capabilities."""
    return c.expect("iq", type="get", to=who, answer=False, timeout=PATIENCE)


def test_H44_false_hash_is_not_kept(fake, profiles, script):
    """Neither in memory, so that the next one is asked, nor on disk."""
    profile = profiles(fake)
    t = script(profile)
    c = fake.accept()
    c.login()
    c.online(roster=BOB + "<item jid='carl@b.tld' subscription='both'/>")
    t.wait("connected")
    c.settle()
    for who in ("bob@b.tld/p", "carl@b.tld/p"):
        c.send(f"<message from='{who}' to='{c.jid}' type='chat'><body>x"
               f"</body></message>"
               f"<presence from='{who}' to='{c.jid}'>{CAPS}</presence>")
        question = asked_about(c, who)
        assert question[0].get("node").startswith("urn:client#")
        c.result(question, "<query xmlns='http://jabber.org/protocol/"
                 "disco#info'><feature var='urn:poison'/></query>")
        c.settle()
    t.eof()
    c.until_closed()
    assert t.exit() == 0
    cache = [p for p in profile.dir.rglob("caps/*")]
    assert not any(b"poison" in p.read_bytes() for p in cache), cache


@pytest.mark.parametrize("inside,member,value", [
    ("<priority>999</priority>", "priority", lambda v: v is None or
     -128 <= v <= 127),
    ("<priority>-129</priority>", "priority", lambda v: v is None or
     -128 <= v <= 127),
    ("<priority>abc</priority>", "priority", 0),
    ("<show>lol</show>", "show", "online"),
    ("<show>away</show><show>dnd</show>", "show", lambda v: v in ("away", "dnd")),
    pytest.param("<status>" + "x" * 1_000_000 + "</status>", "show", "online",
                 id="status-of-1-MB"),
])
def test_H44_C54_odd_presence(online, inside, member, value):
    t, c = online
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}'>{inside}</presence>")
    event = t.wait("presence", **{"from": "bob@b.tld/p"})
    assert value(event[member]) if callable(value) else event[member] == value


# ---- receipts -----------------------------------------------------------------

def sent_to_bob(t, c):
    line = t.feed("/msg bob@b.tld hello")
    message = c.expect("message")
    c.settle()
    t.wait("result", since=0, line=line, ok=True)
    return message.get("id")


@pytest.mark.parametrize("forged", [
    "<message from='mal@e.tld/x' to='{me}'><received xmlns='urn:xmpp:receipts' "
    "id='{id}'/></message>",
    "<message from='mal@e.tld/x' to='{me}' type='error' id='{id}'><error "
    "type='cancel'><item-not-found "
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
    "<message from='mal@e.tld/x' to='{me}'><displayed "
    "xmlns='urn:xmpp:chat-markers:0' id='{id}'/></message>"])
def test_H45_forged_receipt(online, forged):
    t, c = online
    id = sent_to_bob(t, c)
    c.send(forged.format(me=c.jid, id=id))
    c.settle()
    states = {e["state"] for e in t.all("delivery", id=id)}
    assert states <= {"sent"}, states
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}'><received "
           f"xmlns='urn:xmpp:receipts' id='{id}'/></message>")
    t.wait("delivery", since=0, id=id, state="delivered")


def test_H45_no_receipt_for_strangers(online):
    t, c = online
    c.send(f"<message from='mal@e.tld/x' to='{c.jid}' type='chat' id='m1'>"
           "<body>x</body><request xmlns='urn:xmpp:receipts'/></message>")
    t.wait("message", body="x")
    c.settle()
    assert b"urn:xmpp:receipts" not in c.received.split(b"settle")[-2]
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat' id='m2'>"
           "<body>y</body><request xmlns='urn:xmpp:receipts'/></message>")
    receipt = c.expect("message")
    assert receipt.find("{urn:xmpp:receipts}received").get("id") == "m2"
    assert receipt.get("to") == "bob@b.tld/p"


def delay(stamp, frm):
    return f"<delay xmlns='urn:xmpp:delay' from='{frm}' stamp='{stamp}'/>"


@pytest.mark.parametrize("delays", [
    delay("9999-12-31T23:59:59Z", "v.tld"), delay("0000-00-00T00:00:00Z",
                                                  "v.tld"),
    delay("2026-13-45T99", "v.tld"), delay("2099-01-01T00:00:00Z", "v.tld"),
    delay("", "v.tld"), delay("yesterday", "v.tld"),
    delay("2001-01-01T00:00:00Z", "mal@e.tld/x"),
    delay("2001-01-01T00:00:00Z", "mal@e.tld"),
    delay("2001-01-01T00:00:00Z", "e.tld"),
    delay("2001-01-01T00:00:00Z", "v.tld.e.tld"),
    delay("2001-01-01T00:00:00Z", OTHER),
    delay("2001-01-01T00:00:00Z", "v.tld") +
    delay("2002-01-01T00:00:00Z", "v.tld"),
    delay("2001-01-01T00:00:00Z", "mal@e.tld") +
    delay("2002-01-01T00:00:00Z", "v.tld"),
    "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z'/>"])
def test_H46_delay(online, delays):
    import datetime
    import time
    t, c = online
    c.send(f"<message from='mal@e.tld/x' to='{c.jid}' type='chat'><body>b"
           f"</body>{delays}</message>")
    event = t.wait("message")
    when = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    assert abs(when.timestamp() - time.time()) < 120
    assert not event.get("delay")


def test_H46_delay_of_our_server(online):
    """A label: the message still comes after what came before."""
    t, c = online
    for body, inside in (("now", ""), ("kept", delay("2020-01-02T03:04:05Z",
                                                     "v.tld"))):
        c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'><body>"
               f"{body}</body>{inside}</message>")
    t.wait("message", body="now")
    event = t.wait("message", body="kept")
    assert event["delay"] and event["time"].startswith("2020-01-02T03:04:05")


# ---- IQ answers ----------------------------------------------------------------

ANSWERS = [
    ("<iq type='get' {a}><x xmlns='urn:unknown'/></iq>", "service-unavailable"),
    ("<iq type='set' {a}><x xmlns='urn:unknown'/></iq>", "service-unavailable"),
    ("<iq type='get' {a}/>", "bad-request"),
    ("<iq type='get' {a}><ping xmlns='urn:xmpp:ping'/>"
     "<ping xmlns='urn:xmpp:ping'/></iq>", "bad-request"),
    ("<iq {a}><ping xmlns='urn:xmpp:ping'/></iq>", "bad-request"),
    ("<iq type='bogus' {a}><ping xmlns='urn:xmpp:ping'/></iq>", "bad-request"),
]


@pytest.mark.parametrize("stanza,condition", ANSWERS)
@pytest.mark.parametrize("frm", ["mal@e.tld/x", "bob@b.tld/p", "v.tld"])
def test_H48_C38_C42_answered_once(online, stanza, condition, frm):
    t, c = online
    c.send(stanza.format(a=f"id='h48' from='{frm}' to='{c.jid}'"))
    answer = c.expect("iq", id="h48", answer=False)
    assert answer.get("type") == "error" and answer.get("to") == frm
    assert answer.find(f"*/{{urn:ietf:params:xml:ns:xmpp-stanzas}}{condition}") \
        is not None
    c.settle()
    assert c.no("iq", id="h48")


@pytest.mark.parametrize("kind", ["result", "error"])
def test_H48_C39_C40_never_answer_an_answer(online, kind):
    t, c = online
    c.send(f"<iq type='{kind}' id='h48' from='mal@e.tld/x' to='{c.jid}'>"
           "<x xmlns='urn:unknown'/></iq>"
           f"<message type='error' id='h48' from='mal@e.tld/x' to='{c.jid}'/>"
           f"<presence type='error' id='h48' from='mal@e.tld/x' to='{c.jid}'/>")
    c.settle()
    assert not any(s.get("id") == "h48" for s in c.seen)


def test_H49_flood_of_strangers(online):
    t, c = online
    c.send("".join(f"<message from='s{i % 1000}@e.tld/x' to='{c.jid}' "
                   f"type='chat'><body>{i}</body></message>"
                   for i in range(10_000)))
    c.settle(3 * PATIENCE)
    t.wait("message", body="9999")
    c.send("".join("<message from='mal@e.tld/x' type='chat' to='%s'><%s xmlns="
                   "'http://jabber.org/protocol/chatstates'/></message>" % (
                       c.jid, ("composing", "paused")[i % 2])
                   for i in range(2000)))
    c.settle()


@pytest.mark.parametrize("frm", [
    "@v.tld", "a@", "a@b@c/d@e", "x" * 1024 + "@b.tld", "a b@b.tld",
    "bob@b.tld/" + "r" * 1024, "/x", "", "a@b.tld/", "bob@b.tld/a&#10;b",
    "bob@b..tld/p", "bob@-/p", "bob@b.tld&#9;/p", "bo:b@b.tld/p"])
def test_H50_malformed_senders(online, frm):
    """Nobody is called that: dropped, and never answered."""
    t, c = online
    c.send(f"<message from='{frm}' to='{c.jid}' type='chat'><body>x</body>"
           f"</message><presence from='{frm}' to='{c.jid}'/>"
           f"<iq type='get' id='h50' from='{frm}' to='{c.jid}'>"
           f"<ping xmlns='{PING}'/></iq>")
    c.settle()
    assert not t.ever("message")
    assert {e["from"] for e in t.all("presence")} <= {c.jid}
    assert c.no("iq", id="h50")
    assert roster(t) == {"bob@b.tld"}


@pytest.mark.parametrize("frm,chat", [
    ("BOB@B.TLD/p", "bob@b.tld"), ("bob@b.tld./p", "bob@b.tld"),
    ("bob@b.tld/p/q@r", "bob@b.tld"), ("b.tld.", "b.tld"), ("B.TLD", "b.tld"),
    ("Åke@b.tld/p", "åke@b.tld"), ("åke@\u212b.tld/p", "åke@å.tld"),
    ("bob@b.tld/\u212b", "bob@b.tld")])
def test_H50_canonical_senders(online, frm, chat):
    """Another spelling of an address is the same person."""
    t, c = online
    c.send(f"<message from='{frm}' to='{c.jid}' type='chat'><body>x</body>"
           "</message>")
    event = t.wait("message", body="x")
    assert event["chat"] == chat
    if "q@r" in frm:
        assert event["from"] == frm


def test_H50_angstrom(online):
    """RFC 8265 s. 3.3.1: a compatibility character is no part of a name."""
    t, c = online
    c.send(f"<message from='\u212bke@b.tld/p' to='{c.jid}' type='chat'><body>x"
           "</body></message>")
    c.settle()
    assert not t.ever("message")


@pytest.mark.parametrize("frm", ["bоb@b.tld/p", "bob@b.tld.evil/p",
                                 "mal@e.tld/bob@b.tld",
                                 "bob@xn--b-uga.tld/p"])
def test_H54_look_alikes_stay_apart(online, frm):
    t, c = online
    c.send(f"<message from='{frm}' to='{c.jid}' type='chat'><body>x</body>"
           "</message>")
    c.settle()
    assert t.wait("message")["chat"] != "bob@b.tld"


@pytest.mark.parametrize("text", ["%n%s%x%p", "%1$s", "'); DROP TABLE x;--",
                                  "{0}", "$(id)", "`id`", "\\x1b"])
def test_H59_text_is_only_text(online, text):
    t, c = online
    c.send(f"<message from={attr('bob@b.tld/' + text)} to='{c.jid}' "
           f"type='chat'><body>{text}</body><subject>{text}</subject></message>")
    event = t.wait("message")
    assert event["body"] == text and event["from"] == f"bob@b.tld/{text}"


# ---- H24: every part missing, empty, twice ----------------------------------------

STANZAS = [
    "<message from='bob@b.tld/p' to='me@v.tld/tx' type='chat' id='a1' "
    "xml:lang='en'><subject>s</subject><body>b</body><thread parent='p'>t"
    "</thread><active xmlns='http://jabber.org/protocol/chatstates'/>"
    "<request xmlns='urn:xmpp:receipts'/><delay xmlns='urn:xmpp:delay' "
    "from='v.tld' stamp='2020-01-01T00:00:00Z'/><x xmlns='jabber:x:oob'>"
    "<url>https://x/</url><desc>d</desc></x><origin-id xmlns='urn:xmpp:sid:0' "
    "id='o'/><stanza-id xmlns='urn:xmpp:sid:0' id='s' by='me@v.tld'/></message>",
    "<message from='bob@b.tld/p' to='me@v.tld/tx' id='a2'><received "
    "xmlns='urn:xmpp:receipts' id='x'/></message>",
    "<message from='bob@b.tld/p' to='me@v.tld/tx' type='error' id='a3'>"
    "<body>b</body><error type='cancel' code='404' by='v.tld'><item-not-found "
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>t</text>"
    "</error></message>",
    "<message from='me@v.tld' to='me@v.tld/tx'><received "
    "xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
    "<message xmlns='jabber:client' from='bob@b.tld/p' to='me@v.tld/other' "
    "type='chat' id='c'><body>b</body></message></forwarded></received>"
    "</message>",
    "<presence from='bob@b.tld/p' to='me@v.tld/tx' id='p' xml:lang='en'>"
    "<show>away</show><status xml:lang='de'>s</status><priority>5</priority>"
    "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' "
    "ver='v'/><idle xmlns='urn:xmpp:idle:1' since='2020-01-01T00:00:00Z'/>"
    "<x xmlns='vcard-temp:x:update'><photo>h</photo></x></presence>",
    "<presence from='eve@b.tld' to='me@v.tld' type='subscribe'><status>s"
    "</status><nick xmlns='http://jabber.org/protocol/nick'>n</nick>"
    "</presence>",
    "<presence from='bob@b.tld/p' to='me@v.tld/tx' type='error'><error "
    "type='wait'><recipient-unavailable "
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
    "<iq type='set' id='i1' to='me@v.tld/tx'><query xmlns='jabber:iq:roster' "
    "ver='v'><item jid='bob@b.tld' name='B' subscription='both' ask='subscribe'"
    " approved='true'><group>g</group></item></query></iq>",
    "<iq type='set' id='i2' to='me@v.tld/tx'><block xmlns='urn:xmpp:blocking'>"
    "<item jid='x@y.tld'/></block></iq>",
    "<iq type='get' id='i3' from='bob@b.tld/p' to='me@v.tld/tx'><query "
    "xmlns='http://jabber.org/protocol/disco#info' node='n'/></iq>",
    "<iq type='get' id='i4' from='bob@b.tld/p' to='me@v.tld/tx'><query "
    "xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' id='i5' from='bob@b.tld/p' to='me@v.tld/tx'><time "
    "xmlns='urn:xmpp:time'/></iq>",
    "<iq type='get' id='i6' from='bob@b.tld/p' to='me@v.tld/tx'><query "
    "xmlns='jabber:iq:last'/></iq>",
    "<iq type='set' id='i7' from='bob@b.tld/p' to='me@v.tld/tx'><query "
    "xmlns='jabber:iq:oob'><url>https://x/</url><desc>d</desc></query></iq>",
    "<iq type='result' id='i8' from='v.tld' to='me@v.tld/tx'><query "
    "xmlns='http://jabber.org/protocol/disco#info'><identity category='c' "
    "type='t' name='n'/><feature var='f'/><x xmlns='jabber:x:data' "
    "type='result'><field var='FORM_TYPE' type='hidden'><value>v</value>"
    "</field></x></query></iq>",
]


def variants(text):
    """Each child and attribute removed, emptied, doubled; text as well."""
    import copy
    import xml.etree.ElementTree as ET
    root = ET.fromstring(f"<r xmlns='jabber:client'>{text}</r>")[0]
    count = len(list(root.iter()))
    for i in range(count):
        for change in ("drop", "empty", "double", "text"):
            tree = copy.deepcopy(root)
            nodes = list(tree.iter())
            parents = {c: p for p in nodes for c in p}
            node = nodes[i]
            if change == "text":
                node.text = "\u202e \ufffd" + "9" * 300
            elif change == "empty":
                node.text = None
                for child in list(node):
                    node.remove(child)
            elif node not in parents:
                continue
            elif change == "drop":
                parents[node].remove(node)
            else:
                parents[node].append(copy.deepcopy(node))
            yield tree
        for name in list(list(root.iter())[i].attrib):
            for value in (None, "", "\u202e@/'<&" * 3, "x" * 2000, "-1",
                          "99999999999999999999", "me@v.tld", "error", " "):
                tree = copy.deepcopy(root)
                node = list(tree.iter())[i]
                if value is None:
                    del node.attrib[name]
                else:
                    node.set(name, value)
                yield tree


def test_H24_every_part_missing_empty_or_twice(online):
    import xml.etree.ElementTree as ET
    t, c = online
    t.run("/events off")
    total = 0
    for text in STANZAS:
        for tree in variants(text):
            ET.register_namespace("", "jabber:client")
            c.send(ET.tostring(tree, "utf-8"))
            total += 1
            if total % 100 == 0:
                c.settle(PATIENCE)
        c.settle(PATIENCE)
    assert total > 1000
    assert t.process.poll() is None
    t.run("/roster")


# ---- what changes is announced -----------------------------------------------

def test_XEP_0115_s4_a_privacy_option(online):
    """Others hear at once that we can less, and the new hash is true."""
    t, c = online
    c_ns = "http://jabber.org/protocol/caps"
    t.run("/privacy receipts off")
    told = c.expect("presence").find(q("c", c_ns))
    t.run("/privacy receipts off")
    c.settle()
    assert c.no("presence")
    c.send("<iq type='get' id='d1' from='bob@b.tld/x'><query "
           "xmlns='http://jabber.org/protocol/disco#info' "
           f"node='{told.get('node')}#{told.get('ver')}'/></iq>")
    answer = c.expect("iq", id="d1")
    assert answer.get("type") == "result"
    assert "urn:xmpp:receipts" not in {
        f.get("var") for f in answer.iter() if f.get("var")}


def test_XEP_0198_s4_the_last_word(fake, script):
    """Before it leaves it says what it has, so that nothing comes again."""
    t = script(fake)
    c = fake.accept()
    c.login(extra="<sm xmlns='urn:xmpp:sm:3'/>")
    c.expect("enable")
    c.send("<enabled xmlns='urn:xmpp:sm:3'/>")
    c.online(roster=BOB)
    t.wait("connected")
    c.settle()
    c.send("<r xmlns='urn:xmpp:sm:3'/>")
    before = int(c.expect("a").get("h"))
    c.send("<message from='bob@b.tld/x' type='chat' id='m1'>"
           "<body>good night</body></message>")
    t.wait("message")
    t.feed("/quit")
    c.expect("presence", type="unavailable")
    assert int(c.expect("a").get("h")) == before + 1
