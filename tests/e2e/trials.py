"""Long conversations over links that fail, with processes that are killed: what
was said on one side is compared with what is on the other, by id.

test_reliable.py runs them shortly, tests/soak/soak.py in full. A trial returns
a Score:

    score = cuts(Two(juliet, romeo, bots, profiles, Scripted), 1000, 20, 5, 60)
    assert score.perfect(), score
"""
import collections
import contextlib
import glob
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import threading
import time

import rig
import txmpp
from cable import Cable
from txmpp import PATIENCE


# ---- comparing -------------------------------------------------------------
class Way:
    """One direction: the ids that were sent, in order, and those that came."""

    def __init__(self, sent, got):
        count = collections.Counter(got)
        place = {ident: i for i, ident in enumerate(sent)}
        seen = list(dict.fromkeys(i for i in got if i in place))
        self.sent = len(sent)
        self.lost = [i for i in sent if i not in count]
        self.doubled = [i for i, n in count.items() if n > 1]
        self.strange = [i for i in count if i not in place]
        self.disorder = [b for a, b in zip(seen, seen[1:])
                         if place[a] > place[b]]

    def perfect(self):
        return not (self.lost or self.doubled or self.strange
                    or self.disorder)


class Score:
    def __init__(self, out, in_, **more):
        self.out, self.in_, self.more = out, in_, more

    def sum(self, name):
        return len(getattr(self.out, name)) + len(getattr(self.in_, name))

    def perfect(self):
        return self.out.perfect() and self.in_.perfect()

    def __str__(self):
        return "\n".join(
            f"{name} {way.sent}: " + ", ".join(
                f"{len(v)} {what} {v[:5]}" for what, v in vars(way).items()
                if what != "sent")
            for name, way in (("out", self.out), ("in", self.in_))
        ) + f"\n{self.more}"


# ---- what is on disk -------------------------------------------------------
def database(profile, account=None):
    path, = glob.glob(f"{profile.profile}/**/{account or profile.jid}/"
                      "history.db", recursive=True)
    return path


def query(profile, sql, account=None):
    """A reader that is not gone when the power goes would keep the index of
    the WAL alive, as no machine does."""
    with contextlib.closing(sqlite3.connect(
            f"file:{database(profile, account)}?mode=ro", uri=True,
            timeout=20)) as db:
        return db.execute(sql).fetchall()


def stored(profile, what="body", where="1", account=None):
    """A column of the messages on disk, in their order."""
    return [r[0] for r in query(
        profile, f"SELECT {what} FROM message WHERE {where} ORDER BY row",
        account)]


OUT, IN = "body LIKE 'out %'", "body LIKE 'in %'"


def of_copy(profile, sql):
    """Of a copy, so that the program finds the file as it left it."""
    path = database(profile)
    with tempfile.TemporaryDirectory() as folder:
        for name in glob.glob(path + "*"):
            if not name.endswith("-shm"):
                shutil.copy(name, folder)
        copy = os.path.join(folder, os.path.basename(path))
        with contextlib.closing(sqlite3.connect(copy)) as db:
            return [r[0] for r in db.execute(sql)]


def integrity(profile):
    return of_copy(profile, "PRAGMA integrity_check")[0]


def stored_in_copy(profile):
    return of_copy(profile, "SELECT body FROM message ORDER BY row")


# ---- the program, in two ways ----------------------------------------------
class Scripted:
    """In command mode a message waits until the one before is confirmed."""

    def __init__(self, profile, romeo, **kw):
        self.profile, self.romeo = profile, romeo
        self.t = txmpp.Script(profile, "--timeout", "300", **kw)
        self.process = self.t.process

    def online(self):
        self.t.feed("/onerror continue")
        self.t.online()
        return self

    def say(self, text):
        try:
            self.t.feed(f"/msg {self.romeo} {text}")
        except txmpp.Failed:
            pass                # it was killed

    def shown(self):
        """What it told its reader of the other's messages: ids."""
        return [e["id"] for e in self.t.all("message", direction="in")]

    def times(self):
        return len(self.t.all("connected"))

    def quit(self):
        failed = self.t.ever("result", ok=False)
        assert self.t.quit(90) == int(failed), self.t._story()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.t.__exit__(None)

    def story(self):
        return self.t._story()


class Typed:
    """On the screen nothing waits: many are on their way at once."""

    def __init__(self, profile, romeo, env=None):
        self.profile, self.romeo = profile, romeo
        self.s = txmpp.Screen(profile, env=env, rows=12, cols=60)
        self.process = self.s.process
        self.thread = None
        self.lock = threading.Lock()

    def online(self):
        self.s.wait("online", 2 * PATIENCE)
        self.s.type(f"/msg {self.romeo}\r")
        self.s.wait("Message to")
        self.thread = threading.Thread(target=self._drain, daemon=True)
        self.thread.start()
        return self

    def _drain(self):
        """Nobody looks: an emulator would take more time than the program."""
        while self.process.poll() is None:
            self.s.pump(0.2, look=False)

    def say(self, text):
        data = f"{text}\r".encode()
        while data and self.process.poll() is None:
            try:
                data = data[os.write(self.s.master, data):]
            except (BlockingIOError, OSError):
                time.sleep(0.01)

    def shown(self):
        return None

    def times(self):
        return None

    def quit(self):
        self.say("/quit")
        rig.wait_until("its end", lambda: self.process.poll() is not None, 60)
        assert self.process.returncode == 0, self.process.returncode
        self.end()

    def end(self):
        self.process.kill()
        self.process.wait()
        if self.thread:
            self.thread.join(5)
        for fd in (self.s.master, self.s.slave):
            if fd >= 0:
                os.close(fd)
        self.s.master = self.s.slave = -1

    def story(self):
        return bytes(self.s.bytes[-4000:]).decode(errors="replace")


# ---- two people ------------------------------------------------------------
class Two:
    """juliet, who uses the program, and romeo, whose link never fails."""

    def __init__(self, juliet, romeo, bots, profiles, kind=Scripted,
                 cable=None):
        self.juliet, self.romeo, self.kind = juliet, romeo, kind
        self.bot = bots(romeo)
        self.profile = profiles(juliet)
        self.cable = cable or Cable(juliet.server.port)
        self.profile.port = self.cable.port
        self.said = []          # ids of romeo's …
        self.got = []           # … and of what he got
        self.bot.answer = self._note
        self.outs = 0           # juliet's so far
        self.starts = 0
        self.client = None

    def start(self, **kw):
        self.client = self.kind(self.profile, self.romeo.jid, **kw)
        self.starts += 1
        return self

    def online(self):
        self.client.online()
        return self

    def meet(self):
        """Until romeo has heard from juliet: then her server has seen her
        presence, and keeps nothing for her with those who are away. What is
        sent in that moment may be lost between the two."""
        self.client.say("here")
        rig.wait_until("a word of juliet's", lambda: self.got)
        self.got.clear()

    def romeo_says(self):
        ident = f"r{len(self.said)}"
        self.said.append(ident)
        self.bot.send(self.juliet.jid, f"in {len(self.said) - 1}", id=ident)

    def juliet_says(self):
        self.client.say(f"out {self.outs}")
        self.outs += 1

    def talk(self, count, rate, stop=None):
        """Both, so many a second, in a thread of each."""
        def at_rate(say):
            begin = time.monotonic()
            for i in range(count):
                if stop and stop.is_set():
                    return
                time.sleep(max(0, begin + i / rate - time.monotonic()))
                say()
        threads = [threading.Thread(target=at_rate, args=(say,), daemon=True)
                   for say in (self.romeo_says, self.juliet_says)]
        for thread in threads:
            thread.start()
        return threads

    def _note(self, message):
        self.got.append(message["id"])
        if len(self.bot.stanzas) > 1000:
            del self.bot.stanzas[:]

    def received(self):
        return list(self.got)

    def waiting(self):
        """What is not there yet, in words; empty when all is."""
        out = len(stored(self.profile, "id", OUT))
        todo = len(stored(self.profile, "id", f"{OUT} AND delivery=1"))
        in_ = len(set(stored(self.profile, "id", IN)))
        return " ".join(text for text, there in (
            (f"{out} of {self.outs} typed", out >= self.outs),
            (f"{todo} unconfirmed", not todo),
            (f"{in_} of {len(self.said)} in", in_ >= len(self.said)))
            if not there)

    def settle(self, timeout=120, check=None):
        """Until nothing more can come; what is not there then is lost."""
        begin = time.monotonic()
        check = check or (lambda: not self.waiting())
        try:
            rig.wait_until("the rest", check, timeout, 0.2)
        except TimeoutError:
            pass
        took = time.monotonic() - begin
        time.sleep(0.5)         # what comes twice comes now
        return took

    def score(self, whole=True, **more):
        """Typed and stored here is what came there, and the other way; whole:
        one process has shown it all."""
        mine = stored(self.profile, "id", OUT)
        here = stored(self.profile, "id", IN)
        shown = self.client.shown() if whole else None
        texts = stored(self.profile, "body", OUT)
        assert len(texts) == len(set(texts)), "stored twice"
        return Score(Way(mine, self.received()), Way(self.said, here),
                     shown=Way(self.said, shown) if shown is not None
                     else None,
                     unconfirmed=len(stored(self.profile, "id",
                                            f"{OUT} AND delivery=1")),
                     typed=self.outs, kept=len(mine), **more)

    def end(self):
        if self.client:
            self.client.end()
        self.bot.stop()
        self.cable.close()


def run_talk(two, count, rate, trouble, timeout=120, check=None):
    """A conversation during which trouble(stop) does what it does."""
    stop = threading.Event()
    two.start().online().meet()
    threads = two.talk(count, rate)
    trouble_thread = threading.Thread(target=trouble, args=(stop,),
                                      daemon=True)
    trouble_thread.start()
    for thread in threads:
        thread.join()
    trouble_thread.join()
    return two.settle(timeout, check)


def cutting(cable, every, length):
    """RST both ways, again and again."""
    def trouble(stop):
        end = time.monotonic() + length
        while time.monotonic() < end:
            stop.wait(every)
            rig.wait_until("a connection", lambda: cable.pairs)
            cable.cut()
    return trouble


def pulling(cable, dark, light, times, rng=None):
    """Nothing moves, and nobody is told. What then comes back is the old
    connection, or with rng sometimes the news that there is none any more."""
    def trouble(stop):
        for _ in range(times):
            stop.wait(light)
            cable.pull()
            stop.wait(dark)
            cable.plug()
            if rng and rng.random() < 0.5:
                cable.cut()
    return trouble


# ---- the trials ------------------------------------------------------------
def cuts(two, count, rate, every, length):
    """F01, and F03 or F04 where the server lacks something."""
    took = run_talk(two, count, rate, cutting(two.cable, every, length))
    times = two.client.times()
    score = two.score(cuts=two.cable.cuts, took=took, times=times)
    two.client.quit()
    return score


def holes(two, count, rate, dark, light, times, rng=random):
    """F02."""
    took = run_talk(two, count, rate,
                    pulling(two.cable, dark, light, times, rng))
    score = two.score(cuts=times, took=took, times=two.client.times())
    two.client.quit()
    return score


class Lives:
    """F11, F12: juliet's program dies at any moment and is started again."""

    def __init__(self, two, rng, kinds=(Scripted, Typed)):
        self.two, self.rng, self.kinds = two, rng, kinds
        self.sound = self.died = 0
        self.stop = threading.Event()

    def _speak(self):
        while not self.stop.is_set():
            self.two.romeo_says()
            time.sleep(0.03)

    def _start(self, **kw):
        self.two.kind = self.rng.choice(self.kinds)
        self.two.start(**kw)

    def killed(self):
        """A burst, and death while it leaves."""
        two, rng = self.two, self.rng
        self._start()
        two.online()
        for _ in range(30):
            two.juliet_says()
        time.sleep(rng.uniform(0.0, 0.5))
        if rng.random() < 0.2:
            two.cable.cut()
        two.client.process.send_signal(signal.SIGKILL)

    def haunted(self):
        """The server is not told: its end of the dead session lives on, with
        what it sends there, while the next one signs in."""
        two = self.two
        self._start()
        two.online()
        for _ in range(10):
            two.juliet_says()
        time.sleep(self.rng.uniform(0.0, 0.3))
        two.cable.bury()
        two.client.process.send_signal(signal.SIGKILL)
        time.sleep(self.rng.uniform(0.0, 0.3))  # the other goes on speaking

    def powerless(self, preload, writes=400):
        """Speaks until the power goes, which may be while it signs in."""
        two, rng = self.two, self.rng
        self._start(env=preload("power", POWER_AT=str(rng.randint(1, writes)),
                                POWER_TORN=rng.choice("01")))
        dead = two.client.process.poll
        try:
            two.online()
        except (txmpp.Failed, OSError):
            pass                # it went while it signed in
        end = time.monotonic() + 2 * PATIENCE
        while dead() is None:
            assert time.monotonic() < end, two.client.story()
            two.juliet_says()
            time.sleep(0.01)

    def run(self, runs, life):
        two = self.two
        two.start().online().meet()
        speaker = threading.Thread(target=self._speak, daemon=True)
        speaker.start()
        # Never in order: what a server keeps for those who are away may be
        # overtaken by what comes when they are back.
        try:
            rig.wait_until("a first message",
                           lambda: stored(two.profile, "id", IN))
            two.client.end()
            for _ in range(runs):
                life()
                two.client.end()
                self.died += 1
                self.sound += integrity(two.profile) == "ok"
        finally:
            self.stop.set()
            speaker.join()
        two.kind = Scripted
        two.start().online()
        # What was typed and not stored when it died, nobody knows of.
        two.outs = len(stored(two.profile, "id", OUT))
        took = two.settle(30)
        score = two.score(False, kills=self.died, sound=self.sound, took=took)
        two.client.quit()
        # Those that waited in the server's offline storage meanwhile.
        score.more["overtaken"], score.in_.disorder = score.in_.disorder, []
        return score
