#!/usr/bin/python3
"""What the store costs: bench_history fills a
profile with so many messages and prints its figures beside their limits; then
the program itself signs in with that profile, and a roster of 10,000 (F38),
and with an empty one.

  bench_store.py --binary ./txmpp --history tests/bench/bench_history
                 [--messages 1000000,10000000] [--random] [--dir DIR]
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import txmpp                                # noqa: E402
from fake import Fake                       # noqa: E402
from pki import CA                          # noqa: E402

ROSTER = 10_000
ONLINE_S = 3        # F38
MORE_MB = 2         # memory beside that of an empty profile


def pss(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024


def sign_in_F38(ca, folder):
    """Seconds from start to the end of a sign-in, MB held then."""
    fake = Fake(ca, domain="example.org", user="me")
    profile = txmpp.Profile.fake(fake)
    profile.profile = folder or profile.profile
    roster = "".join(f"<item jid='contact{i}@example.net' "
                     "subscription='both'/>" for i in range(ROSTER))
    began = time.monotonic()
    try:
        with txmpp.Screen(profile) as screen:
            c = fake.online(roster=roster)
            c.settle()
            took = time.monotonic() - began
            screen.wait("online")
            time.sleep(1)
            return took, pss(screen.process.pid)
    finally:
        fake.close()
        profile.remove()


def line(what, value, unit, limit):
    print(f"{what:<44} {value:9.2f} {unit}  <= {limit} "
          f"{'ok' if value <= limit else 'MISSED'}")


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default="./txmpp")
    ap.add_argument("--history", default="tests/bench/bench_history")
    ap.add_argument("--messages", default="1000000")
    ap.add_argument("--random", action="store_true",
                    help="archive ids without order, as some servers give")
    ap.add_argument("--dir", default=tempfile.gettempdir())
    a = ap.parse_args()
    os.environ["TXMPP"] = os.path.abspath(a.binary)
    with tempfile.TemporaryDirectory(dir=a.dir, prefix="bench-store-") as work:
        ca = CA(pathlib.Path(work))
        _, empty = sign_in_F38(ca, None)
        print(f"{'memory, nothing stored':<44} {empty:9.2f} MB")
        for n in a.messages.split(","):
            folder = pathlib.Path(work) / "profile"
            print(f"--- {n} messages stored"
                  + (", random ids" if a.random else ""), flush=True)
            subprocess.run([a.history, "-n", n, *(["-r"] if a.random else []),
                            str(folder)], check=True)
            took, held = sign_in_F38(ca, folder)
            line(f"start to online, roster of {ROSTER:,}", took, "s ",
                 ONLINE_S)
            line("memory more than with nothing stored", held - empty, "MB",
                 MORE_MB)
    return 0


if __name__ == "__main__":
    sys.exit(main())
