#!/usr/bin/python3
"""make soak: the long trials of tests/e2e/trials.py, and a table at the end.

Each row is a conversation over a link that fails, or with a program that dies,
and is counted by id on both sides. Rows run side by side; those that need
packets run in a network namespace (unshare -rn, no rights needed).

    make soak SOAK_FLAGS="--only F01,F11"
    make soak SOAK_FLAGS="--only F40 --hours 24"
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))

import peers      # noqa: E402
import rig        # noqa: E402
import trials     # noqa: E402
import txmpp      # noqa: E402
from cable import Cable                   # noqa: E402
from test_talk import friends             # noqa: E402
from trials import Scripted, Typed, Way   # noqa: E402

COLUMNS = ("case", "server", "mode", "what", "sent", "got", "lost", "doubled",
           "disorder", "unsure", "seconds", "notes", "verdict")
DAY_S = 86400


# ---- servers and people ----------------------------------------------------
class World:
    """Servers are started when first asked for, in the main thread."""
    MAM = ('default_archive_policy = true\narchive_expires_after = "never"\n'
           "max_archive_query_results = 250\n")
    # Who talks at 20/s to somebody who is away fills a queue of 500, and what
    # a server drops nobody can have.
    HERE = "smacks_hibernation_time = 300\nsmacks_max_queue_size = 10000\n"
    NO_SM = ("mod_stream_mgmt",)

    def __init__(self):
        self.loop = peers.Loop()
        self.servers, self.made = {}, []

    def _prosody(self, kind):
        modules = {"sm": ("smacks",), "mam": ("mam",), "none": ()}[kind]
        extra = {"sm": self.HERE, "mam": self.MAM, "none": ""}[kind]
        return rig.Prosody(f"{kind}.prosody.example", modules=modules,
                           extra=extra)

    def _ejabberd(self, kind):
        names = [f"{n}{i}" for i in range(60) for n in ("juliet", "romeo")]
        extra = ("  mod_mam: {default: always, assume_mam_usage: false}\n"
                 if kind == "mam" else "")
        return rig.Ejabberd(f"{kind}.ejabberd.example", users=names,
                            extra=extra, without=()
                            if kind == "sm" else self.NO_SM)

    def start(self, server, kind):
        if (server, kind) not in self.servers:
            make = {"prosody": self._prosody, "ejabberd": self._ejabberd}
            self.servers[server, kind] = make[server](kind).start()
        return self.servers[server, kind]

    def people(self, server, kind):
        host = self.servers[server, kind]
        if server == "prosody":
            return friends(host)

        def take(prefix):
            account = next(a for a in host.ready if a.user.startswith(prefix))
            host.ready.remove(account)
            return account
        return take("juliet"), take("romeo")

    def bot(self, account):
        return peers.Bot(self.loop, account)

    def profile(self, account):
        self.made.append(txmpp.Profile.of(account))
        return self.made[-1]

    def two(self, server, kind, mode=Scripted, **kw):
        juliet, romeo = self.people(server, kind)
        return trials.Two(juliet, romeo, self.bot, self.profile, mode, **kw)

    def close(self):
        for server in self.servers.values():
            server.remove()
        for profile in self.made:
            profile.remove()
        self.loop.stop()


def row(score, good, notes="", unsure=0):
    """A Score as cells."""
    return {"sent": f"{score.out.sent}+{score.in_.sent}",
            "got": f"{score.out.sent - len(score.out.lost)}+"
                   f"{score.in_.sent - len(score.in_.lost)}",
            "lost": score.sum("lost"),
            "doubled": score.sum("doubled") + score.sum("strange"),
            "disorder": score.sum("disorder"), "unsure": unsure,
            "notes": notes, "good": bool(good),
            "story": "" if good else str(score)}


def strict(score):
    """All there, and one process has shown it all, once and in order."""
    shown = score.more["shown"]
    return (score.perfect() and (shown is None or shown.perfect())
            and not score.more["unconfirmed"]
            and score.more["kept"] == score.more["typed"])


def cut_notes(score):
    times = score.more.get("times")
    again = f", {times - 1} back" if times else ""
    return f"{score.more['cuts']} cuts{again}, rest {score.more['took']:.0f} s"


# ---- the trials ------------------------------------------------------------
def f01(world, args, server, mode, kind="sm"):
    two = world.two(server, kind, mode)
    try:
        score = trials.cuts(two, *args.talk, *args.cuts)
        return row(score, strict(score), cut_notes(score))
    finally:
        two.end()


def f03(world, args, server, mode):
    """No stream management; the history is judged by the archive, as another
    client sees it: a server may have lost what it never archived."""
    two = world.two(server, "mam", mode)
    try:
        score = trials.cuts(two, *args.talk, *args.cuts)
        other = peers.Bot(world.loop, two.juliet, "other", presence=False,
                          plugins=("xep_0313",))
        said = set(two.said)
        kept = [i for i in other.archived() if i in said]
        other.stop()
        here = trials.stored(two.profile, "id", trials.IN)
        gone = len(said - set(kept))
        score.in_ = Way(list(dict.fromkeys(kept)), here)
        good = (not score.sum("lost") and not score.sum("doubled")
                and score.out.perfect() and not score.more["unconfirmed"])
        return row(score, good, cut_notes(score)
                   + f", {gone} of the other's not in the archive")
    finally:
        two.end()


def f04(world, args, server, mode):
    """Neither: what was not proved is marked, and nothing else is missing.
    What romeo said into a link that is gone, nobody kept."""
    two = world.two(server, "none", mode)
    try:
        count, rate = args.talk
        trouble = trials.cutting(two.cable, *args.cuts)
        took = trials.run_talk(
            two, count, rate, trouble,
            check=lambda: "typed" not in two.waiting()
            and "unconfirmed" not in two.waiting())
        score = two.score(False, cuts=two.cable.cuts, took=took,
                          times=two.client.times())
        unsure = set(trials.stored(two.profile, "id",
                                   f"{trials.OUT} AND delivery=5"))
        mine = trials.stored(two.profile, "id", trials.OUT)
        got = two.received()
        sure = Way([i for i in mine if i not in unsure],
                   [i for i in got if i not in unsure])
        all_out, in_ = Way(mine, got), score.in_
        score.out.lost = sure.lost
        gone, score.in_.lost = len(in_.lost), []
        good = (sure.perfect() and not all_out.doubled and not in_.doubled
                and not score.more["unconfirmed"])
        two.client.quit()
        return row(score, good, cut_notes(score)
                   + f", {gone} of the other's kept by nobody",
                   len(unsure))
    finally:
        two.end()


def overtaken(score):
    late = score.more["overtaken"]
    return (f", {len(late)} overtaken in the server's offline storage"
            * bool(late))


def f11(world, args, server, mode):
    two = world.two(server, "sm")
    try:
        lives = trials.Lives(two, random.Random(args.seed))
        score = lives.run(args.kills, lives.killed)
        return row(score, strict(score) and lives.sound == lives.died,
                   f"{lives.died} kills, {lives.sound} sound files"
                   + overtaken(score))
    finally:
        two.end()


def f12(world, args, server, mode):
    two = world.two(server, "sm")
    try:
        lives = trials.Lives(two, random.Random(args.seed))
        with tempfile.TemporaryDirectory() as folder:
            def preload(*words, **kw):
                return txmpp.preload(folder, *words, **kw)
            score = lives.run(args.powers, lambda: lives.powerless(preload))
        return row(score, strict(score) and lives.sound == lives.died,
                   f"{lives.died} cuts of the power, {lives.sound} sound "
                   "files" + overtaken(score))
    finally:
        two.end()


def f25(world, args, server, mode):
    """Of test_archive.py, with its full number."""
    env = dict(os.environ) if args.quick else dict(os.environ, TXMPP_SOAK="1")
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
         str(TOP / "tests/e2e/test_archive.py"), "-k", f"F25 and {server}"],
        env=env, stdout=subprocess.PIPE, text=True)
    return {"good": done.returncode == 0, "notes": done.stdout.splitlines()[-1],
            "story": done.stdout if done.returncode else ""}


def f40(world, args, server, mode):
    """Three accounts of one program, for long."""
    import endless
    return endless.run(world, args, server)


# Bytes, what terminals send for keys, and what people type.
KEYS = [b"\x1b", b"\r", b"\t", b"\x7f", b"\x1bOP",
        b"\x1b[M !!", b"\x1b[<0;10;5M", b"\x1b[<64;20;9M", b"\x1b[I", b"\x1b[O",
        "ü漢🌹שלום".encode(), b"/", b" ", b"romeo", b"/set ", b"/win ",
        *(b"\x1b[%c" % c for c in b"ABCDHFZ"),
        *(b"\x1b[%d~" % n for n in range(1, 25)), # pastes have their own test
        *(b"\x1b%c" % c for c in range(32, 127))]
BY_RIGHT = (3, 4, 17, 19, 26, 28)   # these end, stop or clear


def h63(world, args, server, mode):
    """Random keys, whatever they do. It may end when told to, and is started
    again then; it is there at the end, and so is what comes meanwhile."""
    juliet, romeo = world.people(server, "sm")
    profile, rng = world.profile(juliet), random.Random(args.seed)
    single = [bytes([k]) for k in range(256) if k not in BY_RIGHT]
    typed = ends = 0
    screen = None
    try:
        while typed < args.keys:
            if not screen or screen.process.poll() is not None:
                if screen and screen.process.returncode:
                    break
                ends += screen is not None
                screen and screen.__exit__(None)
                screen = txmpp.Screen(profile, rows=24, cols=80, env={
                    "EDITOR": "true", "VISUAL": "true", "BROWSER": "true"})
                screen.wait("online", 60)
                screen.type(f"/msg {romeo.jid}\r")
            burst = [rng.choice(single if rng.random() < 0.7 else KEYS)
                     for _ in range(500)]
            data, typed = b"".join(burst), typed + len(burst)
            while data and screen.process.poll() is None:
                try:
                    data = data[os.write(screen.master, data):]
                except BlockingIOError:
                    screen.pump(0.05, look=False)
            screen.pump(0, look=False)
            if rng.random() < 0.01:     # a window that changes its size
                screen._size(rng.randint(1, 60), rng.randint(1, 200))
        end = time.monotonic() + 60
        while (screen.process.poll() is None and screen.pump(1, look=False)
               and time.monotonic() < end):
            pass
        status = screen.process.poll()
        if status is None:
            import endless
            rss = endless.Watch(screen.process.pid).rss_kib() // 1024
            fields = pathlib.Path(
                f"/proc/{screen.process.pid}/stat").read_text().split()
            cpu = ((int(fields[13]) + int(fields[14]))
                   / os.sysconf("SC_CLK_TCK"))
        else:
            rss = cpu = 0
        screen.__exit__(None)
        check = subprocess.run(
            [*profile.argv("--offline", "-c", "/echo sound", connect=False)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.PIPE, env=txmpp.environment())
        sound = "sound" in check.stdout and check.returncode == 0
        return {"sent": typed, "good": not status and sound and rss < 100,
                "notes": f"ended {ends} times by itself, {rss} MiB and {cpu:.1f} s of "
                "CPU at the end",
                "story": "" if not status and sound else
                f"status {status}\n{check.stderr}"}
    finally:
        screen and screen.process.poll() is None and screen.__exit__(None)


# ---- with packets ------------------------------------------------------------
def wired(world, server, mode, **kw):
    from wire import Wire
    wire = Wire(**kw)
    juliet, romeo = world.people(server, "sm")
    two = trials.Two(juliet, romeo, world.bot, world.profile, mode,
                     Cable(juliet.server.port, wire.near))
    two.profile.prefix, two.profile.host = wire.prefix, wire.near
    return wire, two


def f02(world, args, server, mode):
    """Every packet of 5 s in 10 is lost, and there is never an RST."""
    wire, two = wired(world, server, mode, delay=0.005)
    try:
        dark, light, times = args.holes
        took = trials.run_talk(two, *args.talk, trials.pulling(
            wire, dark, light, times))
        score = two.score(cuts=times, took=took, times=two.client.times())
        two.client.quit()
        return row(score, strict(score), f"{times} holes, {wire.dropped} "
                   f"packets lost, rest {took:.0f} s")
    finally:
        two.end()
        wire.close()


def f02_dead(world, args, server, mode):
    """The same, but what stood in the hole is dead, and says nothing."""
    wire, two = wired(world, server, mode, delay=0.005)
    try:
        dark, light, times = args.holes

        def trouble(stop):
            for _ in range(max(1, times // 3)):
                stop.wait(light)
                wire.pull()
                stop.wait(dark / 2)
                two.cable.bury()
                wire.plug()
                stop.wait(3 * dark)
        took = trials.run_talk(two, *args.talk, trouble)
        score = two.score(cuts=two.cable.buried, took=took,
                          times=two.client.times())
        two.client.quit()
        return row(score, strict(score), cut_notes(score))
    finally:
        two.end()
        wire.close()


def net(world, args, server, mode):
    """Far away, over a bad link, with RSTs. A login takes seconds; a script
    waits for an answer to each message."""
    wire, two = wired(world, server, mode, delay=0.15, jitter=0.1, loss=0.03)
    count, rate = args.talk
    if mode is Scripted:
        count, rate = count // 10, rate / 10
    try:
        score = trials.cuts(two, count, rate, 3 * args.cuts[0], args.cuts[1])
        return row(score, strict(score), f"{wire.dropped} of "
                   f"{wire.carried + wire.dropped} packets lost, "
                   + cut_notes(score))
    finally:
        two.end()
        wire.close()


def f19(world, args, server, mode):
    """The program's address goes and another one comes."""
    wire, two = wired(world, server, mode, delay=0.01)
    try:
        two.start(env={"GIO_USE_NETWORK_MONITOR": "netlink"}).online()
        took = []
        for _ in range(args.moves):
            time.sleep(1)
            times = two.client.times()
            wire.move()
            begin = time.monotonic()
            for _ in range(5):
                two.juliet_says()
                two.romeo_says()
            rig.wait_until("it to be back",
                           lambda: two.client.times() > times, 60)
            took.append(time.monotonic() - begin)
        two.settle()
        score = two.score()
        two.client.quit()
        return row(score, strict(score) and max(took) < 10,
                   f"{args.moves} new addresses, back in at most "
                   f"{max(took):.1f} s")
    finally:
        two.end()
        wire.close()


BOTH = ("prosody", "ejabberd")
WAYS = (Scripted, Typed)
TRIALS = [
    # case, function, kind of server, with packets, what, modes
    ("F01", f01, "sm", False, "RST every {cuts[0]:g} s for {cuts[1]:g} s",
     WAYS),
    ("F02", f02, "sm", True, "no packet {holes[0]:g} s of each "
     "{holes[2]:g}×{holes[1]:g} s", WAYS),
    ("F02", f02_dead, "sm", True, "the old connection is never heard again",
     (Scripted,)),
    ("F01", net, "sm", True, "150–250 ms, 3 % of packets lost, RSTs", WAYS),
    ("F19", f19, "sm", True, "its address goes, another comes", (Scripted,)),
    ("F03", f03, "mam", False, "no SM, archive; RSTs", WAYS),
    ("F04", f04, "none", False, "neither SM nor archive; RSTs", WAYS),
    ("F11", f11, "sm", False, "kill -9", (None,)),
    ("F12", f12, "sm", False, "power cut", (None,)),
    ("F25", f25, "sm", False, "3,000 messages while away", (Scripted,)),
    ("H63", h63, "sm", False, "{keys:,} random keys", (Typed,)),
    ("F40", f40, "sm", False, "3 accounts, for long", (Typed,)),
]
MODES = {Scripted: "script", Typed: "screen", None: "both"}


def jobs(args):
    """(case, function, server, kind, with packets, what, mode)"""
    for case, function, kind, packets, what, modes in TRIALS:
        if args.only and case not in args.only:
            continue
        servers = BOTH if function not in (f40, h63) else BOTH[:1]
        for server, mode in itertools.product(servers, modes):
            yield (case, function, server, kind, packets,
                   what.format(**vars(args)), mode)


# ---- running ---------------------------------------------------------------
SAY = threading.Lock()


def say(text):
    with SAY:
        print(text, file=sys.stderr, flush=True)


def run_one(world, args, job):
    case, function, server, kind, _, what, mode = job
    begin = time.monotonic()
    name = f"{case} {server} {MODES[mode]}: {what}"
    try:
        cells = function(world, args, server, mode)
    except Exception:
        cells = {"good": False, "story": traceback.format_exc()}
    cells.update(case=case, server=server, mode=MODES[mode], what=what,
                 seconds=round(time.monotonic() - begin),
                 verdict="ok" if cells["good"] else "FAILED")
    say(f"{cells['verdict']}: {name} ({cells['seconds']} s)")
    if cells.get("story"):
        say(cells["story"])
    return cells


def run_all(args, todo):
    world = World()
    try:
        for server, kind in sorted({(j[2], j[3]) for j in todo}):
            world.start(server, kind)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            return list(pool.map(lambda j: run_one(world, args, j), todo))
    finally:
        world.close()


def run_inside(args):
    """Those with packets, by a process that has its own network."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        status = subprocess.run(
            ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"',
             "sh", sys.executable, __file__, *sys.argv[1:], "--inside",
             file.name]).returncode
        text = file.read()
        return json.loads(text) if status == 0 and text else None


def table(rows):
    lines = [COLUMNS] + [tuple(str(r.get(c, "")) for c in COLUMNS)
                         for r in rows]
    widths = [max(len(line[i]) for line in lines)
              for i in range(len(COLUMNS))]
    return "\n".join("  ".join(
        cell.rjust(w) if c in COLUMNS[4:11] else cell.ljust(w)
        for c, cell, w in zip(COLUMNS, line, widths)).rstrip()
        for line in lines)


def parse():
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--binary", help="the program, else $TXMPP")
    parser.add_argument("--only", type=lambda s: set(s.split(",")),
                        help="cases, as F01,F11")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of everything")
    parser.add_argument("--minutes", type=float, default=5, help="of F40")
    parser.add_argument("--hours", type=float, help="of F40")
    parser.add_argument("--jobs", type=int, default=3,
                        help="so many trials side by side")
    parser.add_argument("--seed", type=int,
                        default=random.randrange(10 ** 6))
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.hours:
        args.minutes = 60 * args.hours
    if args.binary:
        os.environ["TXMPP"] = str(pathlib.Path(args.binary).resolve())
    args.talk = (100, 20) if args.quick else (1000, 20)
    args.cuts = (1.5, 6) if args.quick else (5, 60)
    args.holes = (2, 2, 2) if args.quick else (5, 5, 6)
    args.kills = 20 if args.quick else 200
    args.powers = 10 if args.quick else 100
    args.moves = 2 if args.quick else 10
    args.keys = 100_000 if args.quick else 1_000_000
    return args


def main():
    args = parse()
    todo = list(jobs(args))
    if args.inside:
        rows = run_all(args, [j for j in todo if j[4]])
        pathlib.Path(args.inside).write_text(json.dumps(rows))
        return 0
    begin = time.monotonic()
    say(f"seed {args.seed}, {txmpp.binary()}")
    rows, inside = [], []
    packets = any(j[4] for j in todo)
    thread = threading.Thread(target=lambda: inside.append(run_inside(args)))
    if packets:
        thread.start()
    plain = [j for j in todo if not j[4]]
    if plain:
        rows += run_all(args, plain)
    if packets:
        thread.join()
        rows += inside[0] or [
            {"case": "F02", "what": "with packets", "verdict": "NOT RUN",
             "good": False, "notes": "unshare -rn does not work here"}]
    order = {case: i for i, case in enumerate(sorted(
        {r["case"] for r in rows}))}
    rows.sort(key=lambda r: order[r["case"]])
    print(table(rows))
    bad = sum(not r["good"] for r in rows)
    print(f"{len(rows) - bad} of {len(rows)} held, "
          f"{(time.monotonic() - begin) / 60:.0f} min, seed {args.seed}, "
          f"{os.cpu_count()} cores; sent and got: the program's + the "
          "other's")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
