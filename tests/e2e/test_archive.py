"""The archive: F03, F25, F26, H32, H33 from outside, with real servers and
with one that does as it likes; reading on several clients; scrolling back."""
import base64
import re

import pytest

import rig
import txmpp
from fake import INFO, q
from test_talk import friends

MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
SID = "urn:xmpp:sid:0"


@pytest.fixture(scope="module")
def keeping():
    """A Prosody that keeps an archive."""
    with rig.Prosody("elsinore.example", modules=("mam", "smacks"), extra=(
            'default_archive_policy = true\narchive_expires_after = "never"\n'
            "max_archive_query_results = 250\n")) as server:
        yield server


@pytest.fixture(scope="module")
def keeping_too():
    """… and an ejabberd."""
    names = [f"{n}{i}" for i in range(8) for n in ("juliet", "romeo")]
    with rig.Ejabberd("messina.example", users=names, extra=(
            "  mod_mam: {default: always, assume_mam_usage: false}\n")) as s:
        yield s


@pytest.fixture(params=["prosody", "ejabberd"])
def two(request):
    """juliet and romeo of a server with an archive."""
    if request.param == "prosody":
        return friends(request.getfixturevalue("keeping"))
    server = request.getfixturevalue("keeping_too")

    def take(prefix):
        account = next(a for a in server.ready if a.user.startswith(prefix))
        server.ready.remove(account)
        return account
    return take("juliet"), take("romeo")


def texts(t, jid, n=5000):
    return [row["body"] for row in t.run(f"/history {n} in {jid}")]


def away(juliet, romeo, bots, script, profile, count, start=0):
    """romeo writes while juliet is not there; all is in her archive."""
    bot = bots(romeo)
    for i in range(start, start + count):
        bot.send(juliet.jid, f"text {i}")
    bot.ping() if hasattr(bot, "ping") else None
    return bot


def test_F25_what_came_meanwhile(two, bots, script, profiles):
    juliet, romeo = two
    profile = profiles(juliet)
    t = script(profile).online()
    t.run(f"/msg {romeo.jid} first")
    assert t.quit() == 0
    away(juliet, romeo, bots, script, profile, 330)
    wanted = ["first"] + [f"text {i}" for i in range(330)]
    t = script(profile).online()
    rig.wait_until("all of it", lambda: len(texts(t, romeo.jid)) >= 331)
    assert texts(t, romeo.jid) == wanted
    assert t.quit() == 0
    t = script(profile).online()    # nothing twice
    assert texts(t, romeo.jid) == wanted


def test_first_sign_in_is_no_news(two, bots, script, profiles):
    juliet, romeo = two
    t = script(profiles(juliet)).online()
    assert t.quit() == 0
    bot = bots(romeo)
    other = script(profiles(juliet), resource="other").online()
    for i in range(5):
        bot.send(juliet.jid, f"old {i}")
    other.wait("message", body="old 4")
    new = script(profiles(juliet), resource="third").online()
    assert texts(new, romeo.jid) == [f"old {i}" for i in range(5)]
    assert not new.ever("message", body="old 4")


def test_prefs(keeping, script):
    juliet, romeo = friends(keeping)
    t = script(juliet).online()
    assert t.run("/mam prefs")[0]["keep"] == "always"
    t.run(f"/mam prefs never {romeo.jid}")
    rows = t.run("/mam prefs")
    assert {"jid": romeo.jid, "keep": "never"}.items() <= rows[-1].items()
    t.run(f"/mam prefs roster {romeo.jid}")
    assert len(t.run("/mam prefs")) == 1


def test_verify_finds_what_was_lost(keeping, bots, script, profiles):
    juliet, romeo = friends(keeping)
    profile = profiles(juliet)
    bot = bots(romeo)
    t = script(profile).online()
    for i in range(3):
        bot.send(juliet.jid, f"text {i}")
    t.wait("message", body="text 2")
    t.run(f"/clear --history --yes in {romeo.jid}")
    assert texts(t, romeo.jid) == []
    assert t.run("/mam verify")[0]["added"] == 3
    assert texts(t, romeo.jid) == ["text 0", "text 1", "text 2"]


def test_read_here_is_read_there(keeping, bots, script, profiles):
    juliet, romeo = friends(keeping)
    one = script(profiles(juliet), resource="one").online()
    two = script(profiles(juliet), resource="two").online()
    bot = bots(romeo)
    bot.send(juliet.jid, "seen?")
    one.wait("message", body="seen?")
    two.wait("message", body="seen?")
    two.run("/wait synced")
    one.run(f"/read {romeo.jid}")
    third = script(profiles(juliet), resource="three").online()
    assert texts(third, romeo.jid) == ["seen?"]


def test_marker_is_sent_and_believed(keeping, script, profiles):
    juliet, romeo = friends(keeping)
    a, b = script(juliet).online(), script(romeo).online()
    a.run(f"/msg {romeo.jid} look")
    out = a.wait("message", since=0, direction="out", body="look")
    b.wait("message", body="look")
    b.run(f"/read {juliet.jid}")
    a.wait("delivery", since=0, id=out["id"], state="displayed")


def test_scrolling_goes_on_into_the_archive(keeping, bots, script, profiles,
                                            screen):
    juliet, romeo = friends(keeping)
    bot = bots(romeo)
    t = script(profiles(juliet)).online()
    for i in range(400):
        bot.send(juliet.jid, f"text {i} end")
    t.wait("message", body="text 399 end", timeout=60)
    assert t.quit() == 0
    profile = profiles(juliet)
    profile.profile.mkdir(parents=True, mode=0o700)
    (profile.profile / "txmpp.conf").write_text(
        f"[account {juliet.jid}]\naccount.archive_count = 50\n")
    s = screen(profile)
    s.wait("online")
    s.line(f"/msg {romeo.jid}")
    s.wait("text 399 end")
    for _ in range(200):
        if re.search(r"text 0 end", s.text()):
            break
        s.type(b"\x1b[5~")
        s.wait_quiet(0.1)
    s.wait("text 0 end")
    s.wait("text 1 end")
    s.line("/search 123 end")
    s.wait("Esc")
    s.wait_quiet()
    s.type("\r")
    s.wait("text 122 end")
    s.wait("text 124 end")


# ---- a server that does as it likes ----------------------------------------
class Archive:
    """Answers queries of a Fake's connection from a list of (id, xml)."""

    def __init__(self, conn, items=()):
        self.items, self.conn = list(items), conn
        self.queries = []
        conn.answers[(MAM, "query")] = self.query
        conn.answers[(INFO, "query")] = self.info

    def info(self, iq):
        frm = f" from='{iq.get('to')}'" if iq.get("to") else ""
        return (f"<iq type='result' id='{iq.get('id')}'{frm}><query "
                f"xmlns='{INFO}'><identity category='account' "
                f"type='registered'/><feature var='{MAM}'/><feature "
                f"var='{SID}'/></query></iq>")

    def result(self, queryid, id, xml, frm=None):
        return (f"<message from='{frm or self.conn.fake.bare}' "
                f"to='{self.conn.jid}'><result xmlns='{MAM}' "
                f"queryid='{queryid}' id='{id}'><forwarded "
                "xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
                f"stamp='2026-01-01T00:00:{int(id[1:]) % 60:02}Z'/>{xml}"
                "</forwarded></result></message>")

    def query(self, iq):
        query = iq.find(q("query", MAM))
        rsm = query.find(q("set", RSM))
        after = rsm.findtext(q("after", RSM))
        before = rsm.findtext(q("before", RSM))
        self.queries.append(query)
        items = self.items
        if after:
            items = [i for i in items if int(i[0][1:]) > int(after[1:])]
        elif before:
            items = [i for i in items if int(i[0][1:]) < int(before[1:])]
        out = "".join(self.result(query.get("queryid"), *i) for i in items)
        ends = (f"<first>{items[0][0]}</first><last>{items[-1][0]}</last>"
                if items else "")
        return (f"{out}<iq type='result' id='{iq.get('id')}'><fin "
                f"xmlns='{MAM}' complete='true'><set xmlns='{RSM}'>{ends}"
                "</set></fin></iq>")


def said(frm, to, body, id, more=""):
    return (f"<message xmlns='jabber:client' from='{frm}' to='{to}' "
            f"type='chat' id='{id}'><body>{body}</body>{more}</message>")


def test_F03_the_archive_proves_what_arrived(fake, profiles, script):
    """Three were sent without stream management, the connection went; the
    archive has one of them: the others are sent again, with their ids."""
    bob = "bob@b.tld"
    t = script(fake, "--timeout", "60")
    conn = fake.accept()
    archive = Archive(conn)
    conn.login()
    conn.online()
    conn.settle()
    rig.wait_until("the first query", lambda: archive.queries or
                   conn.settle() is None)
    conn.answers[("urn:xmpp:ping", "ping")] = lambda iq: ""   # no proof
    for text in ("one", "two", "three"):
        t.feed(f"/msg {bob} {text}") if text == "one" else None
    sent = [conn.expect("message", type="chat")]
    conn.rst()
    conn = fake.accept(60)
    archive = Archive(conn, [("a5", said(
        fake.full, bob, "one", sent[0].get("id"),
        f"<origin-id xmlns='{SID}' id='{sent[0].get('id')}'/>"))])
    conn.login()
    conn.online()
    conn.settle()
    t.wait("delivery", since=0, id=sent[0].get("id"), state="sent")
    conn.settle()
    assert not [s for s in conn.seen if s.tag == q("message")
                and s.findtext(q("body"))]


def test_H32_results_nobody_asked_for(fake, script):
    t = script(fake)
    conn = fake.accept()
    archive = Archive(conn)
    conn.login()
    conn.online()
    conn.settle()
    xml = said("bob@b.tld/x", fake.bare, "false", "m1")
    for frm in ("mal@evil.tld", "mal@evil.tld/x", fake.domain,
                f"{fake.bare}/other"):
        conn.send(archive.result("guess", "a1", xml, frm))
    conn.send(archive.result("guess", "a1", xml))
    for query in archive.queries:       # they are over
        conn.send(archive.result(query.get("queryid"), "a1", xml))
    conn.send(said("bob@b.tld/x", fake.full, "true", "m2"))
    t.wait("message", body="true")
    assert not t.ever("message", body="false")
    assert archive.queries
