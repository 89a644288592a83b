"""Roster, subscriptions, presence, blocking, service discovery, accounts."""
import pytest

from rig import Account
from txmpp import once


@pytest.fixture
def alone(prosody, script):
    """A new account with an empty roster, online: (account, program)."""
    account = prosody.account("juliet")
    return account, script(account).online()


def rows(t, line="/roster"):
    return {r["jid"]: r for r in t.run(line)}


def test_roster_add_nick_group_remove(alone):
    account, t = alone
    t.run('/roster add romeo@example.net "Romeo Montague" -g Friends -g Verona')
    event = t.wait("roster", since=0, jid="romeo@example.net",
                   name="Romeo Montague")
    assert sorted(event["groups"]) == ["Friends", "Verona"]
    row = rows(t)["romeo@example.net"]
    assert row["name"] == "Romeo Montague"
    assert sorted(row["groups"]) == ["Friends", "Verona"]
    t.run("/roster nick romeo@example.net My Romeo")
    assert rows(t)["romeo@example.net"]["name"] == "My Romeo"
    t.run("/roster group add romeo@example.net Balcony")
    t.run("/roster group remove romeo@example.net Verona")
    assert sorted(rows(t)["romeo@example.net"]["groups"]) == ["Balcony",
                                                              "Friends"]
    t.run("/roster nick romeo@example.net")
    assert not rows(t)["romeo@example.net"].get("name")
    t.run("/roster remove romeo@example.net --yes")
    assert t.wait("roster", since=0, removed=True)["jid"] == "romeo@example.net"
    assert rows(t) == {}
    assert t.quit() == 0


def test_roster_remove_asks(prosody, profiles):
    status, _, errors = once(profiles(prosody.account("juliet")).argv(
        "-c", "/wait synced", "-c", "/roster add romeo@example.net",
        "-c", "/roster remove romeo@example.net"))
    assert status == 1 and "--yes" in errors


def test_roster_survives(prosody, script, profiles):
    """Names with spaces, quotes, other scripts; and the cache of XEP-0237."""
    account = prosody.account("juliet")
    profile = profiles(account)
    t = script(profile).online()
    t.request("roster add", jid="romeo@example.net", name='R "O" & Юлия 🌹',
              group=["Друзья", "a b"])
    assert t.quit() == 0
    for _ in range(2):
        t = script(profile).online()
        row = rows(t)["romeo@example.net"]
        assert row["name"] == 'R "O" & Юлия 🌹'
        assert sorted(row["groups"]) == sorted(["Друзья", "a b"])
        assert t.quit() == 0


def test_push_reaches_the_other_client(prosody, script):
    account = prosody.account("juliet")
    one = script(account, resource="one").online()
    two = script(account, resource="two").online()
    one.run("/roster add romeo@example.net Romeo")
    assert two.wait("roster", jid="romeo@example.net")["name"] == "Romeo"
    two.run("/roster remove romeo@example.net --yes")
    one.wait("roster", jid="romeo@example.net", removed=True)


# ---- subscriptions: RFC 6121 s. 3 and appendix A ---------------------------

@pytest.fixture
def strangers(pair, bots, script):
    """(juliet's program, romeo's bot), nothing between them yet."""
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    bot = bots(romeo)
    t = script(juliet).online()
    t.juliet, t.romeo = juliet.jid, romeo.jid
    return t, bot


def subscription(t):
    return t.wait("roster", since=0, jid=t.romeo, subscription=lambda s: True)


def state(t, subscription, ask=None):
    """The last we heard; waits until it is that."""
    def last_is():
        events = t.all("roster", jid=t.romeo)
        return events and not events[-1].get("removed") and \
            events[-1]["subscription"] == subscription and \
            events[-1].get("ask") == ask
    from rig import wait_until
    wait_until(f"{subscription} {ask}: {t.all('roster')}", last_is)


def test_C52_request_and_be_approved(strangers):
    t, bot = strangers
    t.run(f"/sub request {t.romeo} It is the east")
    asked = bot.wait_presence("subscribe", t.juliet)
    assert asked["status"] == "It is the east"
    assert asked["from"].resource == "" and asked["to"].resource == ""
    state(t, "none", "subscribe")                  # none, pending out
    bot.presence(to=t.juliet, kind="subscribed")
    t.wait("subscription", since=0, type="subscribed")
    state(t, "to")
    t.run(f"/wait presence {t.romeo}")
    t.run(f"/sub cancel {t.romeo}", ok=None)


def test_C52_request_and_be_refused(strangers):
    t, bot = strangers
    t.run(f"/sub request {t.romeo}")
    bot.wait_presence("subscribe", t.juliet)
    bot.presence(to=t.juliet, kind="unsubscribed")
    state(t, "none")


def test_C52_allow(strangers):
    t, bot = strangers
    bot.presence(to=t.juliet, kind="subscribe", status="Let me in")
    event = t.wait("subscription", type="subscribe")
    assert event["from"] == t.romeo and event["status"] == "Let me in"
    assert t.run("/sub show")[0]["jid"] == t.romeo
    t.run(f"/sub allow {t.romeo}")
    bot.wait_presence("subscribed", t.juliet)
    state(t, "from")
    bot.wait_presence("available", t.juliet)
    t.run(f"/sub deny {t.romeo}")                  # take it back
    bot.wait_presence("unsubscribed", t.juliet)
    state(t, "none")


def test_C52_deny(strangers):
    t, bot = strangers
    bot.presence(to=t.juliet, kind="subscribe")
    t.run(f"/wait subscription {t.romeo}")
    t.run(f"/sub deny {t.romeo}")
    bot.wait_presence("unsubscribed", t.juliet)
    assert t.run("/sub show") == []


def test_C52_nothing_is_approved_unasked(strangers):
    t, bot = strangers
    bot.presence(to=t.juliet, kind="subscribe")
    t.wait("subscription", type="subscribe")
    t.run("/ping")
    assert not any(s["type"] in ("subscribed", "unsubscribed")
                   for s in bot.stanzas if s.name == "presence")


def test_C52_both_ways_and_back(strangers):
    t, bot = strangers
    t.run(f"/sub request {t.romeo}")
    bot.wait_presence("subscribe", t.juliet)
    bot.presence(to=t.juliet, kind="subscribed")
    bot.presence(to=t.juliet, kind="subscribe")
    t.wait("subscription", since=0, type="subscribe")
    t.run(f"/sub allow {t.romeo}")
    state(t, "both")
    bot.presence(to=t.juliet, kind="unsubscribe")
    t.wait("subscription", since=0, type="unsubscribe")
    state(t, "to")
    bot.presence(to=t.juliet, kind="unsubscribed")
    t.wait("subscription", since=0, type="unsubscribed")
    state(t, "none")


def test_C52_both_ask_at_once(strangers):
    """None + pending out and in, From + pending out, Both."""
    t, bot = strangers
    t.run(f"/sub request {t.romeo}")
    bot.wait_presence("subscribe", t.juliet)
    bot.presence(to=t.juliet, kind="subscribe")
    t.wait("subscription", since=0, type="subscribe")
    row, = t.run("/sub show")
    assert row["asks"] is True and row["asked"] is True
    t.run(f"/sub allow {t.romeo}")
    state(t, "from", "subscribe")
    bot.presence(to=t.juliet, kind="subscribed")
    state(t, "both")
    t.run(f"/sub cancel {t.romeo}")
    state(t, "from")
    bot.wait_presence("unsubscribe", t.juliet)


def test_C52_refused_while_we_see_them(strangers):
    """To + pending in: a refusal leaves what we have."""
    t, bot = strangers
    t.run(f"/sub request {t.romeo}")
    bot.wait_presence("subscribe", t.juliet)
    bot.presence(to=t.juliet, kind="subscribed")
    state(t, "to")
    bot.presence(to=t.juliet, kind="subscribe")
    t.wait("subscription", since=0, type="subscribe")
    t.run(f"/sub deny {t.romeo}")
    bot.wait_presence("unsubscribed", t.juliet)
    t.run("/ping")
    state(t, "to")
    assert t.run("/sub show") == []


def test_C52_request_taken_back(strangers):
    t, bot = strangers
    t.run(f"/sub request {t.romeo}")
    state(t, "none", "subscribe")
    t.run(f"/sub cancel {t.romeo}")
    state(t, "none")
    bot.wait_presence("unsubscribe", t.juliet)


def test_C52_allowed_in_advance(strangers):
    """s. 3.4: Prosody can; then nobody is asked."""
    t, bot = strangers
    t.run(f"/sub allow {t.romeo}")
    t.run("/ping")                                 # the server has it
    bot.presence(to=t.juliet, kind="subscribe")
    bot.wait_presence("subscribed", t.juliet)
    state(t, "from")
    assert not t.ever("subscription", type="subscribe")


def test_C52_not_in_advance_where_it_is_not_offered(fake, script):
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    line = t.feed("/sub allow bob@b.tld")
    error = t.wait("result", since=0, line=line)["error"]
    assert error["condition"] == "unexpected-request"
    assert b"subscribed" not in c.received


def test_gateway(fake, script):
    """A contact may be a domain alone (XEP-0100): all that works for people
    works for it."""
    t = script(fake)
    c = fake.accept()
    c.login()
    c.online(roster="<item jid='gate.v.tld' name='Gate' subscription='both'/>"
             "<item jid='ann\\40x.tld@gate.v.tld' subscription='both'/>")
    t.wait("connected")
    c.settle()
    c.send(f"<presence from='gate.v.tld' to='{c.jid}'><show>dnd</show>"
           f"</presence><presence from='ann\\40x.tld@gate.v.tld' to='{c.jid}'/>"
           f"<message from='gate.v.tld' to='{c.jid}'><body>welcome</body>"
           "</message>")
    event = t.wait("presence", **{"from": "gate.v.tld"})
    assert event["show"] == "dnd"
    t.wait("presence", **{"from": "ann\\40x.tld@gate.v.tld"})
    event = t.wait("message", body="welcome")
    assert event["chat"] == event["from"] == "gate.v.tld"
    t.feed("/msg gate.v.tld register")
    assert c.expect("message").get("to") == "gate.v.tld"
    c.settle()
    c.send(f"<message from='gate.v.tld/registered' to='{c.jid}' type='chat'>"
           f"<body>done</body></message><presence type='unavailable' "
           f"from='gate.v.tld' to='{c.jid}'/>")
    assert t.wait("message", body="done")["chat"] == "gate.v.tld"
    t.wait("presence", show="offline", **{"from": "gate.v.tld"})
    t.feed("/sub request other.v.tld")
    asked = c.expect("presence", type="subscribe")
    assert asked.get("to") == "other.v.tld" and asked.get("id")


def test_C53_no_probe_is_sent_or_answered(fake, script):
    """s. 4.3, 4.7.1: probes are the servers' business."""
    t = script(fake)
    c = fake.online(roster="<item jid='bob@b.tld' subscription='both'/>")
    t.wait("connected")
    c.received = b""
    c.send(f"<presence type='probe' from='bob@b.tld' to='{c.jid}' id='p'/>")
    c.settle()
    assert c.no("presence") and not t.ever("presence", **{"from": "bob@b.tld"})


def test_C52_removal_ends_both(strangers):
    t, bot = strangers
    t.run(f"/sub request {t.romeo}")
    bot.wait_presence("subscribe", t.juliet)
    bot.presence(to=t.juliet, kind="subscribed")
    state(t, "to")
    t.run(f"/roster remove {t.romeo} --yes")
    bot.wait_presence("unsubscribe", t.juliet)


def test_C52_request_while_offline(pair, bots, script, profiles):
    """Kept by the server until we come."""
    juliet, romeo = pair.a.account("juliet"), pair.a.account("romeo")
    bot = bots(romeo)
    bot.presence(to=juliet.jid, kind="subscribe")
    t = script(juliet)
    assert t.wait("subscription", type="subscribe")["from"] == romeo.jid


# ---- presence ----------------------------------------------------------------

@pytest.fixture
def couple(pair, bots, script):
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    pair.a.roster(juliet.user, {romeo.jid: ("Romeo", [])})
    pair.b.roster(romeo.user, {juliet.jid: ("Juliet", [])})
    bot = bots(romeo)
    t = script(juliet).online()
    t.juliet, t.romeo = juliet.jid, romeo.jid
    bot.wait_presence("available", juliet.jid)
    return t, bot


@pytest.mark.parametrize("command,show,status,priority", [
    ("/status away gone to the balcony", "away", "gone to the balcony", 0),
    ("/status dnd", "dnd", "", 0),
    ("/status -p 7 chat O speak again", "chat", "O speak again", 7),
    ("/status -p -5 xa asleep", "xa", "asleep", -5),
    ("/away", "away", "", 0),
    ("/dnd not now", "dnd", "not now", 0),
])
def test_C54_own_presence(couple, command, show, status, priority):
    t, bot = couple
    t.run(command)
    got = bot.wait(lambda s: s.name == "presence" and s["from"].bare == t.juliet
                   and s["show"] == show)
    assert got["status"] == status and got["priority"] == priority


def test_available_again(couple):
    t, bot = couple
    t.run("/status away")
    bot.wait_presence("away", t.juliet)
    seen = len(bot.stanzas)
    t.run("/online")
    bot.wait_presence("available", t.juliet, since=seen)


def test_offline_and_back(couple):
    t, bot = couple
    seen = len(bot.stanzas)     # he came first, and was told she is not there
    t.run("/status offline")
    bot.wait_presence("unavailable", t.juliet, since=seen)
    seen = len(bot.stanzas)
    t.run("/status available")
    bot.wait_presence("available", t.juliet, since=seen)


def test_C53_directed_presence(pair, bots, script):
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    bot = bots(romeo)
    t = script(juliet).online()
    t.run(f"/status dnd -t {romeo.jid}")
    bot.wait_presence("dnd", juliet.jid)
    seen = len(bot.stanzas)
    assert t.quit() == 0
    bot.wait_presence("unavailable", juliet.jid, since=seen)


def test_their_presence(couple):
    t, bot = couple
    t.wait("presence", since=0, **{"from": bot.full}, show="online")
    bot.presence("away", "on the wall", 3)
    event = t.wait("presence", **{"from": bot.full}, show="away")
    assert event["status"] == "on the wall" and event["priority"] == 3
    t.run(f"/wait presence {t.romeo} away")
    bot.presence(kind="unavailable")
    t.wait("presence", **{"from": bot.full}, show="offline")
    t.run(f"/wait presence {t.romeo} offline")


def test_who_and_info(couple):
    t, bot = couple
    t.run(f"/wait presence {t.romeo}")
    assert t.romeo in str(t.run("/who"))
    t.run("/onerror continue")
    assert "no roles" in t.run("/who owner", ok=False)["error"]["text"]
    assert t.run(f"/info {t.romeo}")


# ---- blocking, discovery, queries ---------------------------------------------

def test_blocking(couple):
    t, bot = couple
    seen = len(bot.stanzas)
    t.run(f"/block {t.romeo}")
    assert [r["jid"] for r in t.run("/blocklist")] == [t.romeo]
    bot.wait_presence("unavailable", t.juliet, since=seen)
    bot.send(t.juliet, "can you hear me?")
    bot.wait(lambda s: s.name == "message" and s["type"] == "error")
    t.run(f"/unblock {t.romeo}")
    assert t.run("/blocklist") == []
    bot.send(t.juliet, "and now?")
    t.wait("message", body="and now?")
    assert not t.ever("message", body="can you hear me?")


def test_what_is_kept_and_told_of_one_person(couple):
    """/logging redact and /privacy … in JID, as the other sees it."""
    t, bot = couple
    t.run(f"/logging redact in {t.romeo}")
    t.run(f"/privacy receipts off in {t.romeo}")
    row, = t.run(f"/privacy receipts in {t.romeo}")
    assert (row["value"], row["default"]) == ("off", "on")
    bot.raw(f"<message to='{t.juliet}' id='red1' type='chat'><body>nobody "
            "reads this twice</body><request xmlns='urn:xmpp:receipts'/>"
            "</message>")
    t.wait("message", body="nobody reads this twice")
    t.run(f"/msg {t.romeo} nor this")
    bot.wait(lambda s: s.name == "message" and s["body"] == "nor this")
    assert not [s for s in bot.stanzas if s.name == "message"
                and s.xml.find("{urn:xmpp:receipts}received") is not None]
    rows = t.run(f"/history in {t.romeo}")
    assert [(r["direction"], r["body"], r["redacted"]) for r in rows] == [
        ("in", "", True), ("out", "", True)]
    assert t.run("/search twice in all") == []


def test_disco(alone):
    account, t = alone
    info = str(t.run("/disco info im.example.com"))
    assert "jabber:iq:roster" in info and "server" in info
    t.run("/disco items im.example.com")
    t.run("/onerror continue")
    assert t.run("/disco info nobody@im.example.com", ok=False)["error"]["text"]


def test_queries_to_a_person(pair, bots, script):
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    bot = bots(romeo, plugins=["xep_0092", "xep_0012"])
    t = script(juliet).online()
    assert t.run(f"/ping {bot.full}")
    assert t.run(f"/software {bot.full}")
    assert t.run("/time im.example.com")
    t.run("/ping")
    for what, row in (("ping", "ms"), ("version", "name")):
        assert row in t.run(f"/request {what} {bot.full}")[0]


def test_we_answer_ping_and_disco(couple, loop):
    t, bot = couple

    async def ask():
        ping = await bot.client["xep_0199"].send_ping(f"{t.juliet}/tx")
        info = await bot.client["xep_0030"].get_info(f"{t.juliet}/tx")
        return ping, info["disco_info"]["features"], \
            info["disco_info"]["identities"]
    _, features, identities = loop.call(ask())
    for feature in ("urn:xmpp:ping", "urn:xmpp:receipts",
                    "http://jabber.org/protocol/chatstates",
                    "http://jabber.org/protocol/disco#info"):
        assert feature in features
    assert ("client", "console") in {i[:2] for i in identities}


def test_C63_caps_hash_is_right(pair, bots, script, loop):
    """slixmpp verifies XEP-0115's hash against what we answer."""
    juliet, romeo = pair.a.account("juliet"), pair.b.account("romeo")
    pair.a.roster(juliet.user, {romeo.jid: ("Romeo", [])})
    pair.b.roster(romeo.user, {juliet.jid: ("Juliet", [])})
    bot = bots(romeo, plugins=["xep_0115"])
    script(juliet).online()
    presence = bot.wait_presence("available", juliet.jid)
    assert presence["caps"]["hash"] == "sha-1"
    ver = presence["caps"]["ver"]

    async def check():
        info = await bot.client["xep_0030"].get_info(
            f"{juliet.jid}/tx", node=f"{presence['caps']['node']}#{ver}")
        return bot.client["xep_0115"].generate_verstring(info["disco_info"],
                                                         "sha-1")
    assert loop.call(check()) == ver


# ---- accounts on servers -------------------------------------------------------

@pytest.mark.parametrize("which", ["prosody", "ejabberd"])
def test_register_change_password_unregister(which, request, profiles, script):
    import secrets
    server = request.getfixturevalue(which)
    account = Account(server, f"new{secrets.token_hex(3)}@{server.domain}",
                      "first-Passw0rd")
    profile = profiles(account)
    tell = [profile.argv()[0], "--profile", str(profile.profile), "--json"]
    where = f"--server 127.0.0.1:{server.port} --ca-file {server.ca.crt}"
    status, out, errors = once([*tell, "-c", f"/register {account.jid} "
                                f"{where} --password-file "
                                f"{profile.password_file}"])
    assert status == 0, (out, errors)
    status, _, errors = once([*tell, "-c", f"/register {account.jid} {where} "
                              f"--password-file {profile.password_file}"])
    assert status == 1 and errors          # it exists now
    t = script(profile).online()
    new = profile.dir / "new"
    new.write_text("second-Passw0rd\n")
    new.chmod(0o600)
    t.run(f"/changepassword --password-file {new}")
    assert t.quit() == 0
    assert once(profile.argv("-c", "/wait online"))[0] == 4
    profile.password_file.write_text(new.read_text())
    t = script(profile).online()
    t.run("/unregister --yes")
    t.eof()
    t.exit()
    assert once(profile.argv("-c", "/wait online"))[0] == 4


def test_devices_lists_own_resources(prosody, script):
    account = prosody.account("juliet")
    script(account, resource="one").online()
    t = script(account, resource="two").online()
    t.wait("presence", since=0, **{"from": f"{account.jid}/one"})
    assert "one" in str(t.run("/devices"))
