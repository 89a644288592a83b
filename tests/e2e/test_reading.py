"""What is unread is unread everywhere: several clients of one account, real
servers, a client of other people; who is told that something was seen."""
import rig
from test_talk import friends

MARKERS = "urn:xmpp:chat-markers:0"
MDS = "urn:xmpp:mds:displayed:0"
PUBSUB = "http://jabber.org/protocol/pubsub"
SID = "urn:xmpp:sid:0"


def unread(t):
    return {row["chat"]: row["unread"] for row in t.run("/read list")}


def becomes(t, jid, count):
    rig.wait_until(f"{count} unread", lambda: unread(t).get(jid, 0) == count)


def say(bot, readers, to, *words):
    for text in words:
        bot.send(to, text)
    for t in readers:
        t.wait("message", since=0, body=words[-1])


def test_unread_is_equal_everywhere(kept, bots, script, profiles):
    juliet, romeo = kept
    mine = [profiles(juliet), profiles(juliet)]
    one, two = (script(profile, resource=name).online()
                for profile, name in zip(mine, ("one", "two")))
    bot = bots(romeo)
    say(bot, (one, two), juliet.jid, "a1", "a2", "a3")
    assert unread(one) == unread(two) == {romeo.jid: 3}
    one.run(f"/read {romeo.jid}")
    assert unread(one) == {}
    becomes(two, romeo.jid, 0)
    # … while one is away
    assert two.quit() == 0
    say(bot, (one,), juliet.jid, "b1", "b2")
    one.run(f"/read {romeo.jid}")
    say(bot, (one,), juliet.jid, "c1")
    two = script(mine[1], resource="two").online()
    becomes(two, romeo.jid, 1)
    assert unread(one) == {romeo.jid: 1}
    # … after both were killed
    for t in (one, two):
        t.process.kill()
        t.process.wait()
    one, two = (script(profile, resource=name).online()
                for profile, name in zip(mine, ("one", "two")))
    becomes(one, romeo.jid, 1)
    becomes(two, romeo.jid, 1)
    # … for one that has never been here
    three = script(profiles(juliet), resource="three").online()
    becomes(three, romeo.jid, 1)
    three.run(f"/read {romeo.jid}")
    becomes(one, romeo.jid, 0)
    becomes(two, romeo.jid, 0)


def test_read_while_offline(kept, bots, script, profiles):
    juliet, romeo = kept
    one, two = (script(profiles(juliet), resource=name).online()
                for name in ("one", "two"))
    bot = bots(romeo)
    say(bot, (one, two), juliet.jid, "seen?")
    one.run("/disconnect")
    one.run(f"/read {romeo.jid}")
    assert unread(two) == {romeo.jid: 1}
    one.run("/connect")
    becomes(two, romeo.jid, 0)


def test_answering_is_reading(kept, bots, script, profiles):
    juliet, romeo = kept
    one, two = (script(profiles(juliet), resource=name).online()
                for name in ("one", "two"))
    say(bots(romeo), (one, two), juliet.jid, "well?")
    one.run(f"/msg {romeo.jid} Well.")
    two.wait("message", body="Well.", carbon=True)
    becomes(two, romeo.jid, 0)


def displayed_item(stanza, jid):
    """The archive id of the item of a chat in an event, None: it has none."""
    for item in stanza.xml.iter(f"{{{PUBSUB}#event}}item"):
        sid = item.find(f"{{{MDS}}}displayed/{{{SID}}}stanza-id")
        if item.get("id") == jid and sid is not None:
            return sid.get("id")
    return None


def test_a_client_of_other_people(kept, bots, script):
    """It says what it has read by the node or by a marker only, and hears
    what we have read."""
    juliet, romeo = kept
    t = script(juliet).online()
    other = bots(juliet, resource="other", plugins=["xep_0115"])
    other.raw("<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
    bot = bots(romeo)
    say(bot, (t,), juliet.jid, "one", "two")
    message = t.all("message", body="two")[0]
    other.raw(
        f"<iq type='set' id='p1'><pubsub xmlns='{PUBSUB}'><publish "
        f"node='{MDS}'><item id='{romeo.jid}'><displayed xmlns='{MDS}'>"
        f"<stanza-id xmlns='{SID}' by='{juliet.jid}' "
        f"id='{message['stanza_id']}'/></displayed></item></publish>"
        "</pubsub></iq>")
    becomes(t, romeo.jid, 0)
    bot.raw(f"<message to='{juliet.jid}' type='chat' id='m3'><body>three</body>"
            f"<markable xmlns='{MARKERS}'/></message>")
    t.wait("message", body="three")
    becomes(t, romeo.jid, 1)
    other.raw(f"<message to='{romeo.jid}' type='chat' id='d1'><displayed "
              f"xmlns='{MARKERS}' id='m3'/><store xmlns='urn:xmpp:hints'/>"
              "</message>")
    becomes(t, romeo.jid, 0)
    say(bot, (t,), juliet.jid, "four")
    t.run(f"/read {romeo.jid}")
    four = t.all("message", body="four")[0]["stanza_id"]
    other.raw(f"<iq type='get' id='g1'><pubsub xmlns='{PUBSUB}'><items "
              f"node='{MDS}'/></pubsub></iq>")

    def there():
        other.raw(f"<iq type='get' id='g1'><pubsub xmlns='{PUBSUB}'><items "
                  f"node='{MDS}'/></pubsub></iq>")
        return any(four in str(stanza) for stanza in other.stanzas)
    rig.wait_until("the item", there, step=0.1)


def test_marker_is_sent_and_believed(keeping, script):
    juliet, romeo = friends(keeping)
    a, b = script(juliet).online(), script(romeo).online()
    a.run(f"/msg {romeo.jid} look")
    out = a.wait("message", since=0, direction="out", body="look")
    b.wait("message", body="look")
    b.run(f"/read {juliet.jid}")
    a.wait("delivery", since=0, id=out["id"], state="displayed")


def markers(bot):
    return [s for s in bot.stanzas if MARKERS in str(s) and "displayed" in
            str(s)]


def test_H45_strangers_are_not_told(keeping, bots, script):
    """Nor a friend, when that is switched off."""
    juliet, romeo = friends(keeping)
    mercutio = keeping.account("mercutio")
    t = script(juliet).online()
    others = [(account, bots(account)) for account in (romeo, mercutio)]

    def ask_and_read(word):
        for account, bot in others:
            bot.raw(f"<message to='{juliet.jid}' type='chat' id='m1'><body>"
                    f"from {account.user}</body><markable xmlns='{MARKERS}'/>"
                    "</message>")
            t.wait("message", body=f"from {account.user}")
            t.run(f"/read {account.jid}")
            t.run(f"/msg {account.jid} {word}")
            bot.wait_message(word)
    ask_and_read("told")
    assert [len(markers(bot)) for _, bot in others] == [1, 0]
    t.run("/set privacy.displayed off")
    ask_and_read("untold")
    assert [len(markers(bot)) for _, bot in others] == [1, 0]
