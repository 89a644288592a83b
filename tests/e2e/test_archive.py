"""The archive: F03, F25, F26, H32, H33 from outside, with real servers and
with one that does as it likes; scrolling back."""
import datetime
import itertools
import os
import time

import pytest

import rig
import txmpp
from fake import INFO, SM, Closed, q
from test_reliable import OFFER, Managed, resuming
from test_talk import friends

MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
SID = "urn:xmpp:sid:0"
SOAK = bool(os.environ.get("TXMPP_SOAK"))     # make soak


def texts(t, jid, n=5000):
    return [row["body"] for row in t.run(f"/history {n} in {jid}")]


def test_F25_what_came_meanwhile(kept, bots, script, profiles):
    juliet, romeo = kept
    profile = profiles(juliet)
    t = script(profile).online()
    t.run(f"/msg {romeo.jid} first")
    assert t.quit() == 0
    bot = bots(romeo)
    count = 330
    for i in range(count):
        bot.send(juliet.jid, f"text {i}")
    bot.settle()
    wanted = ["first"] + [f"text {i}" for i in range(count)]
    t = script(profile).online()
    rig.wait_until("all of it",
                   lambda: len(texts(t, romeo.jid)) >= len(wanted), 120)
    assert texts(t, romeo.jid) == wanted
    assert t.quit() == 0
    t = script(profile).online()    # nothing twice
    assert texts(t, romeo.jid) == wanted


def test_first_sign_in_is_no_news(kept, bots, script, profiles):
    juliet, romeo = kept
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


def test_prefs(kept, script):
    juliet, romeo = kept
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


def test_scrolling_goes_on_into_the_archive(kept, bots, script, profiles,
                                            screen):
    """To its very first message, and a date before what is here."""
    juliet, romeo = kept
    bot = bots(romeo)
    t = script(profiles(juliet)).online()
    for i in range(400):
        bot.send(juliet.jid, f"text {i} end")
    t.wait("message", body="text 399 end", timeout=60)
    assert t.quit() == 0
    profile = profiles(juliet)
    profile.profile.mkdir(parents=True, mode=0o700)
    (profile.profile / "txmpp.conf").write_text(
        f"[account {juliet.jid}]\narchive_count = 50\n")
    s = screen(profile)
    s.wait("online")
    s.line(f"/msg {romeo.jid}")
    s.wait("text 399 end")

    def at_the_top():
        s.type(b"\x1b[5~")
        s.wait_quiet(0.05)
        return "text 0 end" in s.text()
    rig.wait_until("the first", at_the_top, 3 * txmpp.PATIENCE)
    s.wait("text 1 end")
    s.line("/search 123 end")
    s.wait("text 123 end")
    s.type("\r")
    s.wait("text 122 end")
    s.wait("text 124 end")


def test_a_date_beyond_the_store(keeping, bots, script, profiles, screen):
    juliet, romeo = friends(keeping)
    bot = bots(romeo)
    t = script(profiles(juliet)).online()
    for i in range(300):
        bot.send(juliet.jid, f"text {i} end")
    t.wait("message", body="text 299 end", timeout=60)
    profile = profiles(juliet)
    profile.profile.mkdir(parents=True, mode=0o700)
    (profile.profile / "txmpp.conf").write_text(
        f"[account {juliet.jid}]\narchive_count = 50\n")
    s = screen(profile)
    s.wait("online")
    s.line(f"/msg {romeo.jid}")
    s.wait("text 299 end")
    s.line("/goto today")
    s.wait("text 0 end")


# ---- a server that does as it likes ----------------------------------------
class Archive:
    """Answers queries of a Fake's connection from a list of (id, xml), ids
    being a1, a2 … in order; at most limit in a page. cut(page, results) says
    after how many bytes of the answer the connection goes, None: never."""

    def __init__(self, conn, items=(), limit=250, cut=None):
        self.items, self.conn, self.limit = list(items), conn, limit
        self.cut = cut
        self.queries = []
        conn.answers[(MAM, "query")] = self.query
        conn.answers[(INFO, "query")] = self.info

    def info(self, iq):
        frm = f" from='{iq.get('to')}'" if iq.get("to") else ""
        return (f"<iq type='result' id='{iq.get('id')}'{frm}><query "
                f"xmlns='{INFO}'><identity category='account' "
                f"type='registered'/><feature var='{MAM}'/><feature "
                f"var='{SID}'/></query></iq>")

    @staticmethod
    def stamp(number):
        when = datetime.datetime(2026, 1, 1) + datetime.timedelta(
            seconds=number)
        return when.isoformat() + "Z"

    def result(self, queryid, id, xml, frm=None):
        return (f"<message from='{frm or self.conn.fake.bare}' "
                f"to='{self.conn.jid}'><result xmlns='{MAM}' "
                f"queryid='{queryid}' id='{id}'><forwarded "
                "xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
                f"stamp='{self.stamp(int(id[1:]))}'/>{xml}"
                "</forwarded></result></message>")

    def page(self, rsm):
        """(items, whether these are the last)"""
        after, before = (rsm.findtext(q(n, RSM)) for n in ("after", "before"))
        limit = min(int(rsm.findtext(q("max", RSM))), self.limit)
        items = self.items
        if after:
            items = [i for i in items if int(i[0][1:]) > int(after[1:])]
        elif before:
            items = [i for i in items if int(i[0][1:]) < int(before[1:])]
        if before is not None:
            return items[-limit:], len(items) <= limit
        return items[:limit], len(items) <= limit

    def query(self, iq):
        query = iq.find(q("query", MAM))
        items, complete = self.page(query.find(q("set", RSM)))
        self.queries.append(query)
        results = "".join(self.result(query.get("queryid"), *i) for i in items)
        ends = (f"<first>{items[0][0]}</first><last>{items[-1][0]}</last>"
                if items else "")
        fin = (f"<iq type='result' id='{iq.get('id')}'><fin xmlns='{MAM}' "
               f"complete='{'true' if complete else 'false'}'><set "
               f"xmlns='{RSM}'>{ends}<count>{len(self.items)}</count></set>"
               "</fin></iq>")
        at = self.cut and self.cut(len(self.queries), len(results))
        if at:
            self.conn.send((results + fin)[:at])
            self.conn.rst()
            raise Closed(False, "cut on purpose")
        return results + fin


def serve(conn, over, take=None):
    """Answers until over() is true."""
    end = time.monotonic() + 3 * txmpp.PATIENCE
    while not over():
        assert time.monotonic() < end, "the client does not get on"
        try:
            (take or conn.answer)(conn.next(0.02))
        except TimeoutError:
            pass


def served(conn, t, text, take=None):
    """Feeds a line and answers until it is done: its rows."""
    line = t.feed(text)
    serve(conn, lambda: t.find("result", line=line), take)
    assert t.all("result", line=line)[0]["ok"], t.events[-5:]
    return t.all("row", line=line)


def hurry(t):
    """The connection was cut: no waiting for the next attempt."""
    t.wait("disconnected")
    t.feed("/reconnect now")


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
    serve(conn, lambda: t.ever("delivery", id=sent[0].get("id"), state="sent"))
    conn.settle()
    assert not [s for s in conn.seen if s.tag == q("message")
                and s.findtext(q("body"))]


def test_H32_results_nobody_asked_for(fake, script):
    t = script(fake)
    conn = fake.accept()
    archive = Archive(conn)
    conn.login()
    conn.online()
    served(conn, t, "/wait synced")
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


BOB = "bob@b.tld"


def archived(fake, first, last):
    return [(f"a{i}", said(f"{BOB}/x", fake.bare, f"text {i}", f"m{i}"))
            for i in range(first, last + 1)]


def test_F25_cut_in_a_page_and_in_its_end(fake, profiles, script):
    """3,000 messages while away, 50 in a page; the link goes in the seventh
    page and in the <fin/> of a later one: 3,000, in order, and no page is
    asked for that was whole."""
    profile = profiles(fake)
    t = script(profile)
    conn = fake.accept()
    Archive(conn, archived(fake, 1, 1), 50)
    conn.login()
    conn.online()
    served(conn, t, "/wait synced")
    t.process.kill()
    t.process.wait()
    t = script(profile, "--timeout", "60")
    asked = []
    for number, cut in enumerate([
            lambda page, size: size // 2 if page == 7 else None,
            lambda page, size: size + 60 if page == 5 else None, None]):
        conn = fake.accept(60)
        archive = Archive(conn, archived(fake, 1, 3001), 50, cut)
        conn.login()
        try:
            conn.online()
            line = t.feed("/wait synced") if cut is None else 0
            serve(conn, lambda: line and t.find("result", line=line))
        except Closed:
            assert cut
            hurry(t)
        asked.append(len(archive.queries))
    rows = [r["body"] for r in served(conn, t, f"/history 4000 in {BOB}")]
    assert rows == [f"text {i}" for i in range(1, 3002)]
    assert sum(asked) == 60 + 2
    assert [m["body"] for m in t.all("message")] == rows[1:]


def test_F26_the_archive_was_begun_anew(fake, profiles, script):
    """It does not know our last id any more, and has less than we have."""
    profile = profiles(fake)
    t = script(profile)
    conn = fake.accept()
    Archive(conn, archived(fake, 1, 30))
    conn.login()
    conn.online()
    served(conn, t, "/wait synced")
    t.process.kill()
    t.process.wait()
    t = script(profile)
    conn = fake.accept()
    archive = Archive(conn, archived(fake, 20, 40))
    answer = archive.query

    def forgetful(iq):
        after = iq.find(".//" + q("after", RSM))
        if after is not None and after.text == "a30":
            archive.queries.append(iq)
            conn.error(iq, "item-not-found")
            return ""
        return answer(iq)
    conn.answers[(MAM, "query")] = forgetful
    conn.login()
    conn.online()
    served(conn, t, "/wait synced")
    assert len(archive.queries) > 1
    rows = served(conn, t, f"/history 100 in {BOB}")
    assert [r["body"] for r in rows] == \
        [f"text {i}" for i in range(1, 41)]


def test_F27_every_way_in_every_order(fake, script):
    """One message live, as a copy, from the offline store, from the archive
    and once more on the resumed stream, in all 120 orders: one row and one
    event each."""
    t = script(fake, "--timeout", "60")
    conn = fake.accept()
    conn.login(extra=OFFER)
    m = Managed(conn).enabled()
    archive = Archive(conn)
    m.synced()
    orders = list(itertools.permutations(
        ["live", "carbon", "offline", "archive", "replay"]))
    sid = f"<stanza-id xmlns='{SID}' by='{fake.bare}' id='a%d'/>"

    def stanza(i, more=""):
        return said(f"{BOB}/x", fake.full, f"text {i}", f"m{i}", sid % i + more)

    ways = {
        "live": stanza, "replay": stanza,
        "offline": lambda i: stanza(
            i, f"<delay xmlns='urn:xmpp:delay' from='{fake.domain}' "
               f"stamp='{Archive.stamp(i)}'/>"),
        "carbon": lambda i:
            f"<message from='{fake.bare}' to='{fake.full}'><received "
            "xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
            + said(f"{BOB}/x", f"{fake.bare}/phone", f"text {i}", f"m{i}",
                   sid % i) + "</forwarded></received></message>"}
    for turn in range(5):
        now = {way: [i for i, order in enumerate(orders, 1)
                     if order[turn] == way] for way in orders[0]}
        conn.send("".join(ways[way](i) for way in ("live", "offline", "carbon")
                          for i in now[way]))
        archive.items = [i for i in archived(fake, 1, 120)
                         if int(i[0][1:]) in now["archive"]]
        served(conn, t, "/mam verify 2026-01-01", m.take)
        m.settle()
        h, items = m.out, archive.items
        conn.rst()
        hurry(t)
        m, _ = resuming(fake)
        conn = m.c
        archive = Archive(conn, items)
        m.resumed(h)
        conn.send("".join(ways["replay"](i) for i in now["replay"]))
        m.settle()
    rows = served(conn, t, f"/history 500 in {BOB}", m.take)
    assert sorted(r["body"] for r in rows) == \
        sorted(f"text {i}" for i in range(1, 121))
    said_so = [e["body"] for e in t.all("message")]
    assert len(said_so) == len(set(said_so))


def test_F28_equal_is_not_the_same(fake, script):
    """Equal words are two messages; so are two with one id, and the second
    is marked."""
    t = script(fake)
    conn = fake.online()
    plain = f"<message type='chat' from='{BOB}/x'><body>ok</body></message>"
    conn.send(plain)
    time.sleep(0.01)    # as the case says: 10 ms
    conn.send(plain + said(f"{BOB}/x", fake.full, "one", "same")
              + said(f"{BOB}/x", fake.full, "two", "same"))
    conn.settle()
    rows = texts(t, BOB)
    assert rows == ["ok", "ok", "one", "two"]
    assert [e.get("repeated", False) for e in t.all("message")] == \
        [False, False, False, True]


def test_H34_the_id_was_taken_already(fake, script):
    """A stranger's message with an archive id that another gets later."""
    t = script(fake)
    conn = fake.accept()
    archive = Archive(conn)
    conn.login()
    conn.online()
    conn.settle()
    conn.send(said("mal@evil.tld/x", fake.full, "first!", "m1",
                   f"<stanza-id xmlns='{SID}' by='{BOB}' id='a7'/>"))
    conn.settle()
    archive.items = archived(fake, 7, 7)
    served(conn, t, "/mam sync")
    for jid, text in ((BOB, "text 7"), ("mal@evil.tld", "first!")):
        rows = served(conn, t, f"/history in {jid}")
        assert [r["body"] for r in rows] == [text]


@pytest.fixture
def slow(fake):
    """An archive that answers when it is told to: slow(connection) gives a
    function that answers one query, False: there is none."""
    def make(conn):
        archive = Archive(conn, archived(fake, 1, 300), 100)
        asked = []
        conn.answers[(MAM, "query")] = lambda iq: asked.append(iq) or ""
        conn.login()
        conn.online()
        serve(conn, lambda: asked)

        def answer():
            conn.settle()
            time.sleep(0.3)     # shorter is not worth a word
            if asked:
                conn.send(archive.query(asked.pop()))
                conn.settle()
            return bool(asked)
        return answer
    return make


@pytest.mark.parametrize("result", [
    "",
    "<forwarded xmlns='urn:xmpp:forward:0'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'>{m}{m}</forwarded>",
    "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' "
    "type='set' id='1'><query xmlns='jabber:iq:roster'/></iq></forwarded>",
    "<forwarded xmlns='urn:xmpp:forward:0'>" * 50 + "{m}"
    + "</forwarded>" * 50,
    "{m}"], ids=["nothing", "empty", "two", "iq", "deep", "bare"])
def test_H33_results_without_a_message(fake, script, result):
    """Right archive, open question, and nothing that could be one message."""
    t = script(fake)
    conn = fake.accept()
    archive = Archive(conn)
    answer = archive.query
    one = said(f"{BOB}/x", fake.bare, "false", "m1")

    def broken(iq):
        queryid = iq.find(q("query", MAM)).get("queryid")
        return (f"<message from='{fake.bare}' to='{conn.jid}'><result "
                f"xmlns='{MAM}' queryid='{queryid}' id='a1'>"
                f"{result.format(m=one)}</result></message>" + answer(iq))
    conn.answers[(MAM, "query")] = broken
    conn.login()
    conn.online()
    served(conn, t, "/wait synced")
    conn.send(said(f"{BOB}/x", fake.full, "true", "m2"))
    t.wait("message", body="true")
    assert [r["body"] for r in served(conn, t, f"/history in {BOB}")] == \
        ["true"]


def test_progress_on_the_screen(fake, screen, slow):
    s = screen(fake)
    answer = slow(fake.accept())
    assert answer()
    s.wait(r"catching up: \d+")
    while answer():
        pass
    s.wait("catching up", gone=True)


def test_progress_as_an_event(fake, script, slow):
    t = script(fake)
    answer = slow(fake.accept())
    while answer():
        pass
    done = t.wait("archive", since=0, done=True)
    assert done["fetched"] == 300
    some = t.wait("archive", since=0, done=False)
    assert 50 <= some["fetched"] < 300 and some["reached"] > "2026"
