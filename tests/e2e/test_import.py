"""Messages in and out of the store: logs that other clients have written, and
files of ours; the commands on what is stored."""
import contextlib
import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess

import pytest

import rig
import txmpp
from txmpp import once
from test_interop import OnTerminal, Profanity
from test_talk import friends

TALK = [("out", "Art thou not Romeo?"),
        ("in", "Neither, fair saint: if either\nthee dislike. 🌹"),
        ("out", "/me laughs"), ("out", "12:00:00 - me: a - b: c"),
        ("in", "/me bows"), ("in", " indented")]


class Logging(Profanity):
    """Its text files and its database."""
    paths = (".local/share/profanity/chatlogs",
             ".local/share/profanity/database")

    def argv(self):
        argv = super().argv()
        with open(self.home / ".config/profanity/profrc", "a") as rc:
            rc.write("[logging]\nchlog=true\nhistory=true\n")
        return argv

    def got(self, peer, text):
        self.screen.wait(text.split()[-1])

    def quit(self):
        self.screen.line("/quit")
        self.screen.wait_exit(20)


class Mcabber(OnTerminal):
    program = "mcabber"
    paths = ("histo",)

    def argv(self):
        a = self.account
        (self.home / "histo").mkdir(mode=0o700)
        self.write("rc", f"set jid = {a.jid}/mc\nset password = {a.password}\n"
                   f"set server = 127.0.0.1\nset port = {a.server.port}\n"
                   "set tls = 1\nset ssl_ignore_checks = 1\nset logging = 1\n"
                   f"set logging_dir = {self.home}/histo\nset load_logs = 0\n")
        (self.home / "rc").chmod(0o600)
        return ["mcabber", "-f", str(self.home / "rc")]

    def say(self, to, text):
        self.screen.line(f"/say_to {to} {text}")

    def got(self, peer, text):
        log = self.home / self.paths[0] / peer
        rig.wait_until("the log", lambda: self.screen.pump() or
                       log.exists() and text in log.read_text())

    def quit(self):
        self.screen.line("/quit")
        self.screen.wait_exit(20)


@pytest.fixture(params=[Logging, Mcabber])
def logged(request, keeping, bots):
    """(account, its friend, the folders of a client's logs of TALK)"""
    juliet, romeo = friends(keeping)
    client = request.param(juliet)
    bot = bots(romeo)
    try:
        bot.wait_presence("available", juliet.jid)
        for direction, text in TALK:
            if direction == "out":
                client.say(romeo.jid, text)
                bot.wait_message(text)
            else:
                bot.send(juliet.jid, text)
                client.got(romeo.jid, text)
        client.quit()
        yield juliet, romeo, [client.home / p for p in client.paths]
    finally:
        client.stop()


def counts(row):
    return {name: row[name] for name in ("added", "known")}


def test_logs_of_others(logged, script, profiles):
    juliet, romeo, paths = logged
    online = script(profiles(juliet)).online()
    assert len(online.run(f"/history in {romeo.jid}")) == len(TALK)
    for path in paths:
        profile = profiles(juliet)
        t = script(profile, "--offline")
        row, = t.run(f"/import {path}")
        assert counts(row) == {"added": len(TALK), "known": 0}
        shown = [(r["direction"], r["body"]) for r in
                 t.run(f"/history in {romeo.jid}")]
        assert shown == TALK
        # … nothing twice, nor what came from the server already
        for again in (t, online):
            row, = again.run(f"/import {path}")
            assert counts(row) == {"added": 0, "known": len(TALK)}
        assert t.run("/read list") == []
        assert len(t.run("/search saint in all")) == 1
        # … nor when the archive brings it afterwards
        assert t.quit() == 0
        t = script(profile, resource="later").online()
        shown = [(r["direction"], r["body"]) for r in
                 t.run(f"/history in {romeo.jid}")]
        assert sorted(shown) == sorted(TALK)
        assert t.quit() == 0


@pytest.fixture
def stored(fake, profiles, script, tmp_path):
    """A script without a connection, whose store has a few messages."""
    day = tmp_path / "logs/romeo_at_b.tld/2026_02_01.log"
    day.parent.mkdir(parents=True)
    day.write_text("09:00:00 - romeo@b.tld: the balcony scene, \"really\"\n"
                   "09:00:01 - me: =SUM(A1)\n"
                   "09:00:02 - romeo@b.tld: two\nlines, and a\ttab\n"
                   "09:00:03 - me: scene of the balcony\n")
    profile = profiles(fake)
    t = script(profile, "--offline")
    t.profile = profile
    t.run("/onerror continue")
    assert t.run(f"/import {tmp_path / 'logs'}")[0]["added"] == 4
    return t


def test_export(stored, tmp_path):
    """json, txt and csv: how many, and where; read back by other readers."""
    t, bob = stored, "romeo@b.tld"
    bodies = [r["body"] for r in t.run(f"/history in {bob}")]
    paths = {}
    for form in ("json", "txt", "csv"):
        paths[form] = tmp_path / f"out.{form}"
        row, = t.run(f"/export chat {paths[form]} in {bob}")
        assert (row["file"], row["messages"]) == (str(paths[form]), 4)
        assert paths[form].stat().st_mode & 0o777 == 0o600
    lines = paths["json"].read_text().splitlines()
    assert [json.loads(line)["body"] for line in lines] == bodies
    rows = list(csv.reader(io.StringIO(
        paths["csv"].read_bytes().decode(), newline="")))
    column = [row[4].removeprefix("'") for row in rows]
    assert column == bodies
    assert rows[1][4] == "'=SUM(A1)"
    text = paths["txt"].read_text().splitlines()
    assert len(text) == 5 and text[3] == "    lines, and a\ttab"
    # … none is written over, or followed
    result = t.run(f"/export chat {paths['json']} in {bob}", ok=False)
    assert "Choose another name" in result["error"]["text"]
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    t.run(f"/export all {link}", ok=False)
    assert not (tmp_path / "elsewhere").exists()
    row, = t.run(f"/export all {tmp_path / 'all.json'}")
    assert row["messages"] == 4


def test_search(stored):
    t, bob = stored, "romeo@b.tld"

    def found(line):
        return [row["body"].split("\n")[0] for row in t.run(line)]
    assert len(found("/search balcony in all")) == 2
    assert found('/search "balcony scene" in all') == [
        'the balcony scene, "really"']
    assert found(f"/search balcony in all from {bob}") == [
        'the balcony scene, "really"']
    assert found(f"/search SCENE in {bob} since 2026-03-01") == []
    assert len(found(f"/search SCENE in {bob} since 2026-01-01")) == 2
    assert found("/search balcony in all until 2026-01-01") == []
    assert found("/search balcony in nobody@b.tld") == []
    first, = t.run("/search balcony in all --count 1")
    rest = t.run(f"/search balcony in all --before-row {first['row']}")
    assert [r["body"] for r in rest] == ['the balcony scene, "really"']
    for odd in ('"', "*", "NEAR(", "a OR", "body:x", "-", "()", "'"):
        t.request("search", words=[odd], chat="all", ok=None)


def test_search_from_a_pipe(stored):
    """Rows, the newest first, then the result; without a connection."""
    t = stored
    assert t.quit() == 0

    def offline(line, *options):
        status, out, errors = once(
            t.profile.argv("--offline", *options, connect=False), line + "\n")
        assert (status, errors) == (0, "")
        return out.splitlines()
    first, second, result = map(json.loads, offline(
        "/search balcony in all", "--json"))
    assert first["kind"] == second["kind"] == "hit"
    assert (first["event"], first["command"], first["line"]) == (
        "row", "search", 1)
    assert (first["direction"], first["body"]) == (
        "out", "scene of the balcony")
    assert (second["chat"], second["from"]) == ("romeo@b.tld",) * 2
    assert first["row"] > second["row"] and first["time"] > second["time"]
    assert (result["event"], result["ok"]) == ("result", True)
    tabs = [line.split("\t") for line in offline("/search tab in all")]
    assert [row[0] for row in tabs] == ["hit"]
    assert tabs[0][2:6] == ["romeo@b.tld", "in", "romeo@b.tld",
                            "two\\nlines, and a\\ttab"]
    assert offline("/search nowhere in all") == []


def test_search_without_history(fake, profiles):
    """Nothing was ever stored, or cannot be: no rows are no failure."""
    profile = profiles(fake)
    argv = profile.argv("--offline", "--json", "-c", "/search x in all",
                        connect=False)
    status, out, errors = once(argv)
    result, = map(json.loads, out.splitlines())
    assert (status, errors, result["ok"]) == (0, "", True)
    folder, = profile.profile.rglob("history.db")
    shutil.rmtree(folder.parent)
    folder.parent.write_text("")
    status, out, errors = once(argv)
    assert status == 0 and json.loads(out)["ok"] is True
    assert "move it out of the way" in errors


@pytest.mark.parametrize("line, sentence", [
    ("/search", "words is missing. Usage: /search"),
    ('/search ""', "give letters or digits"),
    ('/search "?!" in all', "give letters or digits"),
    ('/search "x in all', "write it again at the end"),
    ("/search x in", "in wants a value"),
    ("/search x in @@", "looks like juliet@example.com"),
    ("/search x in all from @", "looks like juliet@example.com"),
    ("/search x in all since soonish", "say 2026-11-20, 14:30, today"),
    ("/search x in all since 2026-02-01 until 2026-01-01",
     "say an earlier since"),
    ("/search x in all --count many", "write digits"),
    ("/search x in all --count 0", "from 1 to 10000"),
    ("/search x in all --count 10001", "from 1 to 10000"),
    ("/search x in all --nonesuch", "-- ends options"),
])
def test_search_that_is_asked_wrong(fake, profiles, line, sentence):
    """Exit 1, one sentence that helps, and as JSON the same."""
    argv = profiles(fake).argv("--offline", "--json", "-c", line,
                               connect=False)
    status, out, errors = once(argv)
    result, = map(json.loads, out.splitlines())
    assert (status, result["ok"]) == (1, False)
    assert sentence in result["error"]["text"]
    assert errors.startswith("txmpp: --command:1: search: ")
    assert sentence in errors


def test_search_without_an_account(tmp_path):
    status, out, errors = once(
        [txmpp.binary(), "--profile", tmp_path / "none", "--offline",
         "-c", "/search x in all"])
    assert (status, out) == (2, "")
    assert "add one with /account add JID" in errors


def test_clear_and_logging(stored):
    t, bob = stored, "romeo@b.tld"
    assert t.run(f"/logging in {bob}")[0]["logging"] == "on"
    t.run(f"/logging off in {bob}")
    assert [r["chat"] for r in t.run("/logging")] == [bob]
    t.run(f"/logging redact in {bob}")
    assert t.run("/logging")[0]["logging"] == "redact"
    t.run(f"/logging on in {bob}")
    t.run(f"/clear in {bob}")
    assert len(t.run(f"/history in {bob}")) == 4
    result = t.run(f"/clear --history in {bob}", ok=False)
    assert "--yes" in result["error"]["text"]
    t.run(f"/clear --history --yes in {bob}")
    assert t.run(f"/history in {bob}") == []
    assert t.run("/search balcony in all") == []


def hostile_files(folder):
    """What somebody else may have put where logs are looked for."""
    logs = folder / "evil_at_b.tld"
    logs.mkdir(parents=True)
    day = logs / "2026_02_01.log"

    def put(name, data):
        (logs / name).write_bytes(data)
    put("2026_01_01.log", b"")
    put("2026_01_02.log", b"\0" * 100000)
    put("2026_01_03.log", b"x" * 3_000_000)
    put("2026_01_04.log", b"09:00:00 - me: " + b"y" * 3_000_000 + b"\n"
        b"09:00:01 - me: short\n")
    put("2026_01_05.log", bytes(range(256)) * 40)
    put("2026_01_06.log", "09:00:02 - evil@b.tld: \x1b[31m\u202e\x9b\n".encode())
    put("2026_01_07.log", b"99:99:99 - me: no such time\n\xff\xfe - \n")
    put("9999_99_99.log", b"09:00:00 - me: no such day\n")
    put("2026_01_08.log", b"SQLite format 3\0" + b"\xff" * 4096)
    put("2026_01_09.log", b"MR 20260101T00:00:00Z 999 first\nsecond\n")
    put("2026_01_10.log", b"MX 20260101T00:00:00Z 000 x\nMR 20260101T\n")
    day.symlink_to("/etc/passwd")
    (logs / "folder").symlink_to("/")
    os.mkfifo(logs / "2026_01_11.log")
    deep = logs
    for _ in range(20):
        deep = deep / "d"
        deep.mkdir()
    (deep / "2026_01_01.log").write_text("09:00:00 - me: too deep\n")
    with contextlib.closing(sqlite3.connect(logs / "view.db")) as db, db:
        db.execute("CREATE VIEW ChatLogs AS WITH RECURSIVE n(i) AS (SELECT 1 "
                   "UNION ALL SELECT i+1 FROM n) SELECT i id, 'a' from_jid, "
                   "'b' to_jid, 'c' message, 'd' timestamp, 'e' stanza_id, "
                   "'f' archive_id, 'chat' type FROM n")
    with contextlib.closing(sqlite3.connect(logs / "odd.db")) as db, db:
        db.execute("CREATE TABLE ChatLogs (id, from_jid, to_jid, message, "
                   "timestamp, stanza_id, archive_id, type)")
        db.executemany("INSERT INTO ChatLogs VALUES (?,?,?,?,?,?,?,?)", [
            (None,) * 8, (1, b"\xff\x00", 3.5, b"x", -1, None, b"", "chat"),
            ("x", "evil@b.tld", "me@v.tld", "hi", "2026-01-01T00:00:00Z",
             "s" * 5000, "a" * 5000, "chat"),
            (3, "evil@b.tld", "other@v.tld", "not mine",
             "2026-01-01T00:00:00Z", "", "", "chat"),
            (4, "evil@b.tld", "me@v.tld", "room", "2026-01-01T00:00:00Z", "",
             "", "muc")])
    damaged = (logs / "odd.db").read_bytes()
    put("damaged.db", damaged[:100] + b"\xaa" * (len(damaged) - 100))
    put("half.db", damaged[:len(damaged) // 2])


def test_H64_hostile_logs(fake, profiles, script, tmp_path):
    folder = tmp_path / "logs"
    hostile_files(folder)
    t = script(profiles(fake), "--offline")
    t.run("/onerror continue")
    row, = t.run(f"/import {folder}")
    assert row["skipped"] > 5
    bodies = [r["body"] for r in t.run("/history 100 in evil@b.tld")]
    assert "short" in bodies and "hi" in bodies
    for never in ("too deep", "not mine", "room", "no such day", "root:"):
        assert not any(never in body for body in bodies)
    assert t.run("/import /nonexistent/x", ok=False)["error"]["condition"] \
        == "item-not-found"
    t.run("/import /dev/zero in a@b.tld", ok=False)
    t.quit()
    store = next((t.profile.profile).rglob("history.db"))
    check = subprocess.run(["sqlite3", str(store), "PRAGMA integrity_check"],
                           capture_output=True, text=True)
    assert check.stdout.strip() == "ok", check


def test_what_lies_between(keeping, bots, script, profiles, tmp_path):
    """Imported messages of long ago do not hide what the archive has between
    them and the newest."""
    juliet, romeo = friends(keeping)
    bot = bots(romeo)
    one = script(profiles(juliet)).online()
    for i in range(120):
        bot.send(juliet.jid, f"text {i}")
    one.wait("message", body="text 119", timeout=60)
    log = tmp_path / romeo.jid
    log.write_text("MR 20260101T00:00:00Z 000 long ago\n"
                   "MS 20260101T00:00:01Z 000 and far away\n")
    profile = profiles(juliet)
    profile.profile.mkdir(parents=True, mode=0o700)
    (profile.profile / "txmpp.conf").write_text(
        f"[account {juliet.jid}]\narchive_count = 50\n")
    t = script(profile).online()
    assert t.run(f"/import {log}")[0]["added"] == 2
    t.run(f"/msg {romeo.jid}")
    assert [r["body"] for r in t.run(f"/history 60 in {romeo.jid}")] == [
        f"text {i}" for i in range(60, 120)]
    assert [r["body"] for r in t.run(f"/history 200 in {romeo.jid}")] == [
        "long ago", "and far away", *(f"text {i}" for i in range(120))]
