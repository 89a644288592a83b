"""F40: three accounts of one program on the screen, at one message a second,
with a cut now and then: nothing is lost, and nothing grows."""
import os
import random
import threading
import time

import rig
import trials
import txmpp
from cable import Cable

WARM = 4500     # messages each way and account: what is bounded is full
CALM_S = 30


class Watch:
    """Memory, descriptors and wake-ups of a process."""

    def __init__(self, pid):
        self.pid, self.samples = pid, []

    def _status(self, path):
        with open(path) as file:
            return dict(line.split(":", 1) for line in file)

    def rss_kib(self):
        return int(self._status(f"/proc/{self.pid}/status")["VmRSS"].split()[0])

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wakes(self):
        return sum(int(self._status(f"/proc/{self.pid}/task/{t}/status")
                       ["voluntary_ctxt_switches"])
                   for t in os.listdir(f"/proc/{self.pid}/task"))

    def sample(self):
        self.samples.append((time.monotonic(), self.rss_kib(), self.fds()))

    def slope_kib_per_hour(self):
        """Least squares."""
        n = len(self.samples)
        t = [s[0] / 3600 for s in self.samples]
        mean_t, mean_r = sum(t) / n, sum(s[1] for s in self.samples) / n
        over = sum((x - mean_t) * (s[1] - mean_r)
                   for x, s in zip(t, self.samples))
        return over / (sum((x - mean_t) ** 2 for x in t) or 1)


class Person:
    """One account and who talks to it."""

    def __init__(self, world, server):
        self.juliet, self.romeo = world.people(server, "sm")
        self.bot = world.bot(self.romeo)
        self.got, self.said, self.outs = [], [], 0
        self.bot.answer = self._note

    def _note(self, message):
        self.got.append(message["id"])
        if len(self.bot.stanzas) > 1000:
            del self.bot.stanzas[:]

    def both_say(self, screen):
        ident = f"r{len(self.said)}"
        self.said.append(ident)
        self.bot.send(self.juliet.jid, f"in {len(self.said) - 1}", id=ident)
        screen.say(f"/msg -a {self.juliet.jid} {self.romeo.jid} "
                   f"out {self.outs}")
        self.outs += 1

    def is_done(self, profile):
        out = trials.stored(profile, "delivery", trials.OUT, self.juliet.jid)
        return (len(out) >= self.outs and 1 not in out
                and len(trials.stored(profile, "id", trials.IN,
                                      self.juliet.jid)) >= len(self.said))

    def ways(self, profile):
        return (trials.Way(trials.stored(profile, "id", trials.OUT,
                                         self.juliet.jid), self.got),
                trials.Way(self.said, trials.stored(
                    profile, "id", trials.IN, self.juliet.jid)))


class Sum:
    """The ways of several people as one."""

    def __init__(self, ways):
        self.sent = sum(w.sent for w in ways)
        for name in ("lost", "doubled", "strange", "disorder"):
            setattr(self, name, [i for w in ways for i in getattr(w, name)])

    perfect = trials.Way.perfect


def run(world, args, server):
    from soak import row
    people = [Person(world, server) for _ in range(3)]
    cable = Cable(people[0].juliet.server.port)
    profile = world.profile(people[0].juliet)
    profile.port = cable.port
    more = [p.juliet.jid for p in people[1:]]
    real_argv = profile.argv
    profile.argv = lambda *o, **kw: [*real_argv(*o, **kw), *more]
    screen = trials.Typed(profile, people[0].romeo.jid)
    try:
        return row(*watch(screen.online(), people, profile, cable, args))
    finally:
        screen.end()
        cable.close()
        for person in people:
            person.bot.stop()


def settle(people, profile):
    for person in people:
        try:
            rig.wait_until("the rest", lambda: person.is_done(profile), 120,
                           0.5)
        except TimeoutError:
            pass


def watch(screen, people, profile, cable, args):
    state = Watch(screen.process.pid)
    rng = random.Random(args.seed)
    warm = WARM // 10 if args.quick else WARM
    for i in range(warm):
        for person in people:
            person.both_say(screen)
        time.sleep(0.03)
        if i in (warm // 3, warm // 2):
            cable.cut()
    settle(people, profile)
    seconds = args.minutes * 60
    every = min(600, max(seconds / 10, 10))
    end = time.monotonic() + seconds
    cut_at = time.monotonic() + every
    state.sample()
    fds, beat = state.fds(), time.monotonic()
    while time.monotonic() < end:
        for person in people:
            person.both_say(screen)
        beat += 1
        time.sleep(max(0, beat - time.monotonic()))
        if time.monotonic() > cut_at:
            cable.cut()
            cut_at += every * rng.uniform(0.8, 1.2)
        if len(state.samples) * 2 < seconds - (end - time.monotonic()):
            state.sample()
    settle(people, profile)
    state.sample()
    fds_end = state.fds()
    before, begin = state.wakes(), time.monotonic()
    time.sleep(CALM_S)
    wakes = (state.wakes() - before) / (time.monotonic() - begin)
    screen.quit()
    ways = [p.ways(profile) for p in people]
    score = trials.Score(Sum([w[0] for w in ways]), Sum([w[1] for w in ways]))
    slope = state.slope_kib_per_hour()
    grown = state.samples[-1][1] - state.samples[0][1]
    typed = sum(p.outs for p in people)
    # In minutes a page more or less says nothing about a day.
    steady = slope * 24 <= 1024 if args.minutes >= 360 else grown <= 512
    good = (score.perfect() and steady and fds_end == fds and wakes <= 2
            and score.out.sent == typed)
    return (score, good,
            f"{args.minutes:g} min, {cable.cuts} cuts, RSS "
            f"{state.samples[-1][1]} KiB, {grown:+} KiB, {slope:+.0f} KiB/h; "
            f"{fds} → {fds_end} fds; {wakes:.2f} wake-ups/s idle")
