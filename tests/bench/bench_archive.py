#!/usr/bin/python3
"""What a catch-up of the archive costs: the program on a pipe is signed in,
leaves, and finds so many messages when it comes back. Prints its CPU time for
that beyond that of a sign-in that finds none.

  bench_archive.py --binary ./txmpp [--messages 10000] [--runs 3] [--chats 50]
"""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import txmpp                                # noqa: E402
from fake import Fake                       # noqa: E402
from pki import CA                          # noqa: E402
from test_archive import Archive, said, serve   # noqa: E402

LIMIT = 0.6     # s; issue "nothing is lost"


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1]
    ticks = fields.split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def sign_in(fake, profile, items):
    """(CPU, wall) seconds from the start until everything is here."""
    with txmpp.Script(profile) as t:
        start = time.monotonic()
        conn = fake.accept()
        Archive(conn, items)
        conn.login()
        conn.online()
        line = t.feed("/wait synced")
        serve(conn, lambda: t.find("result", line=line))
        spent = cpu(t.process.pid), time.monotonic() - start
        conn.send("</stream:stream>")
        return spent


def message(fake, i, chats):
    who = f"friend{i % chats}@b.tld"
    return (f"a{i}", said(f"{who}/x", fake.bare, f"message number {i}, with "
                          "some words of the usual length in it", f"m{i}"))


def run(ca, messages, chats):
    fake = Fake(ca)
    with tempfile.TemporaryDirectory(prefix="txmpp-bench-") as folder:
        profile = txmpp.Profile(fake.bare, fake.password, fake.port,
                                fake.ca.crt, folder)
        items = [message(fake, i, chats) for i in range(1, messages + 2)]
        sign_in(fake, profile, items[:1])
        empty, _ = sign_in(fake, profile, items[:1])
        full, wall = sign_in(fake, profile, items)
    fake.close()
    return full - empty, wall


def main():
    ap = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default="./txmpp")
    ap.add_argument("--messages", type=int, default=10000)
    ap.add_argument("--chats", type=int, default=50)
    ap.add_argument("--runs", type=int, default=3)
    args = ap.parse_args()
    os.environ["TXMPP"] = args.binary
    with tempfile.TemporaryDirectory(prefix="txmpp-bench-") as folder:
        ca = CA(pathlib.Path(folder) / "ca")
        found = [run(ca, args.messages, args.chats) for _ in range(args.runs)]
    spent = statistics.median(c for c, _ in found)
    wall = statistics.median(w for _, w in found)
    limit = LIMIT * args.messages / 10000
    print(f"| {args.messages:,} archived messages of {args.chats} chats caught "
          f"up, CPU s | {spent:.2f} | ≤ {limit:.2g} "
          f"{'✓' if spent <= limit else '✗'} | (wall {wall:.2f} s, "
          "the server's time included)")


if __name__ == "__main__":
    main()
