"""The disk, the memory and other processes fail: F13 to F15, F34, F35."""
import contextlib
import os
import pathlib
import random
import resource
import signal
import sqlite3

import pytest

from fake import Closed
from rig import wait_until
from test_archive import texts
from test_reliable import OFFER, Managed, enable
from test_talk import friends
from trials import integrity, stored, stored_in_copy
from txmpp import PATIENCE, SANITIZED, once

SOAK = bool(os.environ.get("TXMPP_SOAK"))


def limit_files(pid, size):
    """Files may grow up to size: a disk that is full, also to root."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def say(c, ident, body):
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' id='{ident}' "
           f"type='chat'><body>{body}</body></message>")


def test_F13_full_disk(fake, profiles, script):
    """Shown, said, not confirmed; saved and confirmed when there is room."""
    profile = profiles(fake)
    t = script(profile)
    m = enable(fake)
    t.wait("connected")
    before = m.settle()
    limit_files(t.process.pid, 0)
    say(m.c, "a1", "while it is full")
    t.wait("message", body="while it is full")
    assert m.settle() == before
    wait_until("a sentence", lambda: b"cannot be saved" in t.errors)
    t.feed("/msg bob@b.tld mine meanwhile")
    limit_files(t.process.pid, resource.RLIM_INFINITY)
    (ident, _), = m.get(1)      # a row first, then the bytes
    m.ack()
    t.wait("result", command="msg", ok=True)
    wait_until("another sentence", lambda: b"saved again" in t.errors)
    wait_until("the confirmation", lambda: m.settle() == before + 1)
    t.process.send_signal(signal.SIGKILL)
    t.exit()
    assert stored(profile) == ["while it is full", "mine meanwhile"]
    assert integrity(profile) == "ok"


def test_F13_full_disk_on_the_screen(fake, profiles, screen):
    profile = profiles(fake)
    s = screen(profile)
    m = enable(fake)
    s.wait("online")
    s.line("/msg bob@b.tld")
    s.wait("Message to")
    limit_files(s.process.pid, 0)
    say(m.c, "a1", "while it is full")
    s.wait("while it is full")
    s.wait("cannot be saved")
    limit_files(s.process.pid, resource.RLIM_INFINITY)
    s.wait("saved again")


def test_F14_no_place(fake, profiles, script):
    """A home that can hold nothing: said, and all else goes on."""
    profile = profiles(fake)
    profile.profile = pathlib.Path("/proc/no-such-place")
    t = script(profile)
    m = enable(fake)
    t.wait("connected")
    wait_until("a sentence", lambda: b"in memory only" in t.errors)
    before = m.settle()
    say(m.c, "a1", "kept in memory")
    t.wait("message", body="kept in memory")
    assert m.settle() == before + 1     # this is all the place there is
    assert [r["body"] for r in t.run("/history in bob@b.tld")] == [
        "kept in memory"]
    assert [r["body"] for r in t.run("/search memory")] == ["kept in memory"]
    t.feed("/msg bob@b.tld hello")
    m.get(1)
    m.ack()
    t.wait("result", command="msg", ok=True)
    m.c.sock.settimeout(PATIENCE)
    t.eof()
    m.c.until_closed()
    assert t.exit() == 0


def test_F14_no_place_no_connection(fake, profiles):
    """What is neither sent nor kept is no success."""
    profile = profiles(fake)
    profile.profile = pathlib.Path("/proc/no-such-place")
    port, profile.port = profile.port, 9
    status, _, errors = once(profile.argv(
        "--timeout", "2", "-c", "/msg bob@b.tld hello"))
    profile.port = port
    assert "in memory only" in errors
    assert status in (3, 6), (status, errors)


def test_F14_banner(fake, profiles, screen):
    profile = profiles(fake)
    profile.profile = pathlib.Path("/proc/no-such-place")
    s = screen(profile, "--offline", connect=False)
    s.wait("kept in memory only")


def children(pid, name=None):
    """… that have become that program."""
    found = pathlib.Path(
        f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for one in found if not name or
            pathlib.Path(f"/proc/{one}/comm").read_text().strip() == name]


def test_F34_no_process(fake, profiles, script, preload):
    """A program cannot be started: the session does not care."""
    t = script(profiles(fake), env=preload("fork"))
    fake.online()
    t.wait("connected")
    t.run("/set script.exec on")
    t.run("/onerror continue")
    assert t.run("/exec true", ok=False)["error"]["text"]
    t.run("/echo alive")


def test_F34_a_program_hangs(fake, profiles, script):
    """It is ended at the deadline, and leaves no zombie."""
    t = script(profiles(fake), "--timeout", "5")
    c = fake.online()
    t.wait("connected")
    t.run("/set script.exec on")
    t.run("/onerror continue")
    line = t.feed("/exec sleep 1000")
    wait_until("the program", lambda: children(t.process.pid))
    say(c, "a1", "meanwhile")
    t.wait("message", body="meanwhile")
    t.wait("result", since=0, line=line, ok=False)
    wait_until("no child", lambda: children(t.process.pid) == [])
    t.run("/echo alive")


def converse(fake, t, run):
    """True: what came in was confirmed."""
    c = fake.accept(timeout=PATIENCE)
    c.login(extra=OFFER)
    m = Managed(c).enabled().synced()
    before = m.settle()
    say(c, f"in{run}", f"in {run}")
    confirmed = m.settle() > before
    t.feed(f"/msg bob@b.tld out {run}")
    m.get(1)
    m.ack()
    t.eof()
    c.until_closed()
    return confirmed


def test_F34_editor_and_opener_hang(fake, screen, tmp_path):
    """The session goes on beside them, and nothing is left of them."""
    hang = tmp_path / "hang"
    hang.write_text("#!/bin/sh\nexec sleep 1000\n")
    hang.chmod(0o755)
    s = screen(fake, env={"VISUAL": str(hang), "EDITOR": str(hang)})
    c = fake.online()
    s.wait("online")
    say(c, "a1", "see https://x.tld/1")
    s.line(f"/set ui.url_opener {hang}")
    s.line("/msg bob@b.tld")
    s.wait("https://x.tld/1")

    def ended():
        s.pump(0.02)
        return children(s.process.pid) == []
    for line in ("/url open 1 --yes", "/editor"):
        s.line(line)
        wait_until("the program", lambda: s.pump(0.02) and False
                   or children(s.process.pid, "sleep"))
        c.settle()
        child, = children(s.process.pid, "sleep")
        os.kill(int(child), signal.SIGTERM)
        wait_until("no zombie", ended)
    s.line("/msg bob@b.tld still here")
    c.expect("message", timeout=PATIENCE)


@pytest.mark.skipif(SANITIZED, reason="the sanitizer allocates itself")
def test_F35_no_memory(fake, profiles, script, preload, pytestconfig):
    """One allocation fails between login and the end: it goes on or ends, and
    what was confirmed is there, in a sound file."""
    rng = random.Random(pytestconfig.getoption("seed"))
    profile = profiles(fake)
    wanted = []
    for run in range(300 if SOAK else 8):
        at = int(10 ** rng.uniform(0, 4.5))
        t = script(profile, env=preload("memory", MEMORY_AT=str(at)))
        try:
            if converse(fake, t, run):
                wanted.append(f"in {run}")
        except (AssertionError, Closed, OSError):
            t.process.terminate()       # it has ended, or gave up the login
        status = t.exit()
        ended = (-signal.SIGABRT, -signal.SIGTRAP, -signal.SIGTERM)
        assert status in (*range(7), *ended), (
            at, status, t.errors[-2000:])
        for one in fake.conns:
            one.sock.close()
        if not list(profile.profile.rglob("history.db")):
            continue                            # it had not begun
        there = stored_in_copy(profile)
        assert [b for b in wanted if b not in there] == [], at
        assert integrity(profile) == "ok", at
        assert list(profile.profile.rglob("*.damaged-*")) == [], at


def damage(path, how):
    size = path.stat().st_size
    if how == "empty":
        os.truncate(path, 0)
    elif how == "cut":
        os.truncate(path, size // 2 // 4096 * 4096)
    else:
        with path.open("r+b") as f:
            f.write(b"\x55" * 4096)


@pytest.mark.parametrize("how", ["empty", "cut", "first page"])
def test_F15_damaged_and_filled_again(keeping, bots, script, profiles, how):
    """Kept aside, said, and everything is there again from the archive."""
    juliet, romeo = friends(keeping)
    profile = profiles(juliet)
    bot = bots(romeo)
    t = script(profile).online()
    for i in range(20):
        bot.send(juliet.jid, f"text {i}")
    t.wait("message", body="text 19")
    t.run(f"/msg {romeo.jid} mine")
    before = texts(t, romeo.jid)
    assert t.quit() == 0
    path, = profile.profile.rglob("history.db")
    damage(path, how)
    kept = path.read_bytes()
    t = script(profile).online()
    wait_until("a sentence", lambda: b"damaged" in t.errors
               or b"cut off" in t.errors)
    wait_until("all of it", lambda: texts(t, romeo.jid) == before)
    assert t.quit() == 0
    aside, = [p for p in path.parent.glob("history.db.damaged-*")
              if not p.name.endswith(("-wal", "-shm"))]
    assert aside.read_bytes() == kept
    assert integrity(profile) == "ok"


def test_F15_newer_is_left_alone(fake, profiles, script):
    profile = profiles(fake)
    with script(profile) as t:
        fake.online()
        t.wait("connected")
    path, = profile.profile.rglob("history.db")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    t = script(profile)
    c = fake.online()
    t.wait("connected")
    wait_until("a sentence", lambda: b"newer txmpp" in t.errors
               and b"memory only" in t.errors)
    t.eof()
    c.until_closed()
    assert t.exit() == 0
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.damaged-*"))
