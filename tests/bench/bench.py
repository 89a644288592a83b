#!/usr/bin/python3
"""make bench: txmpp's figures beside its peers', measured in one run.

The measuring programs (a scripted server, a pseudo-terminal, the peers'
set-up) are not part of this tree: --harness names their folder, by default
../shared/bench beside the checkout. Absolute figures move from machine to
machine: where a bar was set beside what another program needs, the bar is the
ratio of the two, and both are measured in the same run. The plain number it
was set as is told, too, when it is missed.

  bench.py --binary ./txmpp [--runs 3] [--quick] [--keep results.jsonl]
"""
import argparse
import json
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tempfile

PEERS = ["mcabber", "profanity", "poezio"]
FLOOR = "floor-strophe"
HERE = os.path.dirname(os.path.abspath(__file__))

# scenario, figure, scale, unit, what it is, bar(values by client) or None
def of(client, factor=1.0):
    return lambda v: v.get(client) and v[client] * factor


def at_most(number):
    return lambda v: number


def as_fast(number, client, there):
    """At most number where client needs so much (there), and in proportion."""
    def bar(v):
        return v.get(client) and number * v[client] / there
    bar.plain = number
    return bar


ROWS = [
    ("s1", "t_online", 1e3, "ms", "start to online, wall", of("mcabber")),
    ("s1", "cpu_start", 1e3, "ms", "start to online, CPU", of("mcabber")),
    ("s1", "pss", 1 / 1024, "MB", "memory when idle (PSS)", at_most(9)),
    ("s1", "wakeups_s", 1, "/s", "wake-ups when idle", at_most(0.05)),
    ("s2-1k", "drain", 1, "s", "roster of 1,000 with presence, drained", as_fast(0.03, FLOOR, 0.009)),
    ("s2-50k", "drain", 1, "s", "roster of 50,000 with presence, drained", at_most(1.5)),
    ("s3-10k", "cpu_us_per", 1, "µs", "one of 10,000 messages from 200 contacts, CPU", as_fast(40, FLOOR, 6)),
    ("s3-10k", "pss_b_per", 1, "B", "… memory kept", at_most(1536)),
    ("s3-1win", "cpu_us_per", 1, "µs", "one of 10,000 into the open chat, CPU", None),
    ("s3-1win", "pty_bytes", 1, "B", "… written to the terminal", of("mcabber")),
    ("s5-idle", "p50_ms", 1, "ms", "key to screen, idle, p50", None),
    ("s5-idle", "p99_ms", 1, "ms", "… p99", as_fast(0.5, "mcabber", 0.4)),
    ("s5-2000", "p99_ms", 1, "ms", "key to screen under 2,000 messages/s, p99", as_fast(1.3, "mcabber", 1.3)),
    ("s6-1m", "open", 1e3, "ms", "chat with 1,000,000 stored: opened", as_fast(13, "poezio", 13)),
    ("s6-1m", "page_p50_ms", 1, "ms", "… a page up, p50", as_fast(2, "poezio", 1.6)),
    ("s6-1m", "search", 1e3, "ms", "… search, first page", as_fast(50, "mcabber", 81)),
    ("s6-1m", "pss2", 1 / 1024, "MB", "… memory after (PSS)", None),
    ("s8-accept", "max_ms", 1, "ms", "key to screen, server silent after TCP, max", at_most(16)),
    ("s8-syn", "max_ms", 1, "ms", "… connection attempt unanswered, max", at_most(16)),
    ("s8-tls", "max_ms", 1, "ms", "… silent in the TLS handshake, max", at_most(16)),
]
# From tests/bench/bench_screen, in this process: CPU, without a terminal.
ROWS += [
    ("screen", "filter_p50_ms", 1, "ms", "a key in the filter of 50,000 contacts, CPU, p50", None),
    ("screen", "filter_p99_ms", 1, "ms", "… p99", at_most(8)),
    ("screen", "palette_p50_ms", 1, "ms", "a key in the palette with them, CPU, p50", None),
    ("screen", "palette_p99_ms", 1, "ms", "… p99", at_most(8)),
    ("screen", "build_ms", 1, "ms", "the list of 50,000 contacts built anew, CPU", None),
    ("screen", "repaint_ms", 1, "ms", "a full repaint at 200×50 into cells, CPU", at_most(4)),
    ("screen", "repaint_panes_ms", 1, "ms", "… with eight panes", at_most(4)),
    ("screen", "panes_kb", 1, "kB", "memory of eight panes above the plain screen", at_most(2048)),
    ("screen", "resize_1000_ms", 1, "ms", "1,000 resizes with eight panes, CPU", at_most(1000)),
]
QUICK = {"screen", "s1", "s2-1k", "s3-10k", "s5-idle"}


def prepare(harness, history):
    """A writable copy, its C programs built, its unprivileged user made."""
    work = tempfile.mkdtemp(prefix="txmpp-bench-")
    os.chmod(work, 0o755)
    copy = os.path.join(work, "bench")
    shutil.copytree(harness, copy)
    subprocess.run(["chmod", "-R", "u+w,a+rX", copy], check=True)
    subprocess.run(["make", "-s", "-C", os.path.join(copy, "limits"), "strophe_min"], check=False)
    try:
        pwd.getpwnam("xbench")
    except KeyError:
        subprocess.run(["useradd", "-r", "-M", "-d", "/nonexistent", "-s", "/usr/sbin/nologin", "xbench"], check=True)
    # A store is filled by a program of ours.
    path = os.path.join(copy, "clients.d", "txmpp.json")
    with open(path) as f:
        described = json.load(f)
    described["history"] = [os.path.abspath(history), "-n", "{n}", "--account", "{jid}",
                            "--only", "{contact}", "{home}/profile"]
    with open(path, "w") as f:
        json.dump(described, f)
    return work, copy


def load(path):
    """{scenario: {client: {figure: median}}} and the errors."""
    found, errors = {}, []
    for line in open(path):
        r = json.loads(line)
        if not r["ok"]:
            errors.append(f"{r['scenario']} {r['client']}: {r.get('skip') or r.get('error')}")
            continue
        c = found.setdefault(r["scenario"], {}).setdefault(r["client"], {})
        for k, v in r["r"].items():
            if isinstance(v, (int, float)) and not isinstance(v, bool):
                c.setdefault(k, []).append(v)
    for clients in found.values():
        for c in clients.values():
            for k in c:
                c[k] = statistics.median(c[k])
    return found, errors


def show(v):
    if v is None:
        return "–"
    if v >= 1000:
        return f"{v:,.0f}"
    return f"{v:.3g}"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default="./txmpp")
    ap.add_argument("--screen", default="tests/bench/bench_screen", help="the program of that name")
    ap.add_argument("--history", default="tests/bench/bench_history", help="the program of that name")
    ap.add_argument("--harness", default=os.path.join(HERE, "../../../shared/bench"))
    ap.add_argument("--runs", type=int, default=3)
    ap.add_argument("--quick", action="store_true", help="four scenarios, one run")
    ap.add_argument("--only", help="these scenarios, comma separated")
    ap.add_argument("--clients", help="comma separated; default all that are installed")
    ap.add_argument("--keep", help="append the raw results to this file")
    a = ap.parse_args()
    if not os.path.exists(os.path.join(a.harness, "xbench.py")):
        sys.exit(f"bench: no measuring programs in {a.harness}; name their folder with --harness")
    if os.geteuid() != 0:
        sys.exit("bench: run as root: clients are started as a user of their own")

    work, copy = prepare(os.path.abspath(a.harness), a.history)
    binary = os.path.join(work, "txmpp")
    shutil.copy(a.binary, binary)
    os.chmod(binary, 0o755)
    out = a.keep or os.path.join(work, "results.jsonl")
    wanted = [s for s in dict.fromkeys(r[0] for r in ROWS)
              if (not a.quick or s in QUICK) and (not a.only or s in a.only.split(","))]
    clients = a.clients.split(",") if a.clients else ["txmpp"] + PEERS + [FLOOR]
    runs = 1 if a.quick else a.runs
    try:
        for s in wanted:
            if s == "screen":
                with open(out, "a") as f:
                    for _ in range(runs):
                        subprocess.run([os.path.abspath(a.screen)], stdout=f, check=True)
                continue
            names = [c for c in clients if not (c == FLOOR and s[:2] in ("s5", "s8", "s3") and s != "s3-10k")]
            subprocess.run(["/usr/bin/python3", "xbench.py", "run", "-c", ",".join(names), "-s", s, "-r", str(runs),
                            "-o", os.path.abspath(out)], cwd=copy, env=dict(os.environ, TXMPP=binary), check=True)
        found, errors = load(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)

    print(f"\n| work (median of {runs}) | txmpp | bar | " + " | ".join(c for c in clients if c != "txmpp") + " |")
    print("|---" * (len(clients) + 2) + "|")
    missed = plainly = 0
    for scenario, figure, scale, unit, what, bar in ROWS:
        if scenario not in wanted:
            continue
        v = {c: d[figure] * scale for c, d in found.get(scenario, {}).items() if figure in d}
        ours, limit = v.get("txmpp"), bar(v) if bar else None
        good = limit is None or (ours is not None and ours <= limit)
        missed += not good
        mark = "" if limit is None else ("≤ " + show(limit) + (" ✓" if good else " ✗"))
        plain = getattr(bar, "plain", None)
        if plain and ours is not None and ours > plain:
            plainly += 1
            mark += f" (plain {show(plain)} ✗)"
        print(f"| {what}, {unit} | {show(ours)} | {mark} | "
              + " | ".join(show(v.get(c)) for c in clients if c != "txmpp") + " |")
    for e in errors:
        print("not measured:", e)
    print(f"{missed} figures miss their bar, {plainly} the plain number it was set as")
    return 0


if __name__ == "__main__":
    sys.exit(main())
