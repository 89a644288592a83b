"""Runs every test of the tree and counts. Started by ./check.

A part is a function that reports results to a Tally; parts that wait on the
network run side by side. Everything a failed part said is shown; the last line
is always the count.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
GCC, ASAN = BUILD / "check-gcc", BUILD / "check-asan"
SANITIZER_FLAGS = ("abort_on_error=0:exitcode=99:strict_string_checks=1:"
                   "detect_stack_use_after_return=1")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.lock = threading.Lock()

    def add(self, passed=0, failed=0, skipped=0):
        with self.lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped

    def one(self, name, ok, detail=""):
        """One check with a name: shown, counted."""
        self.add(passed=int(ok), failed=int(not ok))
        say(f"{'ok' if ok else 'FAILED'}: {name}")
        if not ok and detail:
            show(detail)
        return ok

    def line(self):
        return (f"{self.passed} passed, {self.failed} failed, "
                f"{self.skipped} skipped")


START = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - START:4.0f} s] {text}", flush=True)


def show(text, lines=60):
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for line in text.splitlines()[-lines:]:
        print("    " + line)
    sys.stdout.flush()


def run(argv, timeout=600, **kw):
    """(status, everything it said)"""
    try:
        p = subprocess.run(argv, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=timeout, **kw)
        return p.returncode, p.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as e:
        return -1, (e.stdout or b"").decode("utf-8", "replace") + "\ntimed out"
    except OSError as e:
        return -1, str(e)


# ---- building -------------------------------------------------------------

def build(tree, *configure):
    script = ('top=$1; tree=$2; shift 2; . "$top/tests/deps.sh"; '
              '. "$top/tests/build.sh"; build_tree "$tree" "$@" && '
              'logged "$tree" "building the tests" '
              'make -C "$tree" -j"$jobs" check TESTS= && '
              'logged "$tree" "make install" make -C "$tree" install')
    return run(["sh", "-c", script, "check", str(TOP), str(tree),
                f"--prefix={tree}/root", *configure])


def cc(name):
    """Compilers through ccache where there is one."""
    ccache = subprocess.run(["sh", "-c", "command -v ccache"],
                            stdout=subprocess.DEVNULL).returncode == 0
    return f"CC={'ccache ' if ccache else ''}{name}"


def part_build(tally, args):
    status, text = build(GCC, "--enable-werror", cc("gcc"))
    return tally.one("builds with gcc, no warning", status == 0, text)


def part_build_asan(tally, args):
    status, text = build(ASAN, "--enable-werror", "--enable-sanitizers",
                         cc("clang"), "CFLAGS=-g -O1")
    return tally.one("builds with clang, ASan and UBSan, no warning",
                     status == 0, text)


# ---- unit tests and fuzz corpora ------------------------------------------

def sanitizer_env(env, directory):
    """Reports go to files: a program on a pty has no other place for them."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("report.*"):
        old.unlink()
    log = f":log_path={directory}/report"
    env["ASAN_OPTIONS"] = SANITIZER_FLAGS + ":detect_leaks=0" + log
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1" + log
    env["SANITIZER_LOGS"] = str(directory)


def reports(env):
    directory = env.get("SANITIZER_LOGS")
    if not directory:
        return ""
    return "".join(p.read_text(errors="replace")
                   for p in pathlib.Path(directory).glob("report.*"))


def count_tap(text):
    """(passed, failed, skipped, names of what failed); subtests not counted."""
    passed = skipped = 0
    failed = []
    for line in text.splitlines():
        if re.match(r"ok \d+.*# *SKIP", line, re.I):
            skipped += 1
        elif re.match(r"ok \d+", line):
            passed += 1
        elif re.match(r"not ok \d+", line):
            failed.append(line)
    return passed, failed, skipped


def unit_programs(tree):
    status, text = run(["make", "-s", "-C", str(tree), "-f", "Makefile",
                        "--eval", "list-tests: ; "
                        "@echo $(UNIT_TESTS) $(FUZZ_TARGETS)", "list-tests"])
    if status:
        show(text)
        return []
    return [word for word in text.split() if word.startswith("tests/")]


def run_units(tally, tree, seed, label, sanitized):
    programs = unit_programs(tree)
    if not programs:
        return tally.one(f"unit tests ({label})", False, "there are none")
    random.Random(seed).shuffle(programs)
    total = [0, 0, 0]
    env = dict(os.environ, G_TEST_SRCDIR=str(TOP), srcdir=str(TOP),
               G_DEBUG="fatal-criticals")
    if sanitized:
        sanitizer_env(env, tree / "sanitizer-units")

    def one(program):
        return program, *run([str(tree / program), "--tap"], 300, cwd=tree,
                             env=env)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        done = list(pool.map(one, programs))
    for program, status, text in done:
        passed, failed, skipped = count_tap(text)
        lost = status != 0 and not failed or passed + skipped == 0
        if failed or lost:
            say(f"FAILED: {program} ({label}), status {status}")
            show(text, 25)
        total[0] += passed
        total[1] += len(failed) + int(lost)
        total[2] += skipped
    tally.add(*total)
    said = reports(env)
    if said:
        tally.one(f"no sanitizer report from unit tests ({label})", False, said)
    say(f"unit tests and fuzz corpora ({label}): {total[0]} passed, "
        f"{total[1]} failed, {total[2]} skipped")


# ---- end to end ------------------------------------------------------------

# Much of a test is waiting: so many at a time keep two cores busy.
SHARDS = 2


def run_shard(tree, args, shard, sanitized):
    """(passed, failed, skipped, everything it said)"""
    counts = tree / f"e2e-counts-{shard}"
    counts.unlink(missing_ok=True)
    env = dict(os.environ, TXMPP=str(tree / "root/bin/txmpp"),
               TXMPP_TREE=str(tree), PYTHONDONTWRITEBYTECODE="1",
               TXMPP_COUNTS=str(counts))
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS"):
        env.pop(name, None)
    if sanitized:
        sanitizer_env(env, tree / f"sanitizer-e2e-{shard}")
        env["TXMPP_SANITIZED"] = "1"
    argv = ["/usr/bin/python3", "-m", "pytest", "tests/e2e", "-q", "--tb=short",
            "-p", "no:cacheprovider", "--seed", str(args.seed),
            "--shard", f"{shard}/{SHARDS}"]
    if args.k:
        argv += ["-k", args.k]
    status, text = run(argv, 1500, cwd=TOP, env=env)
    if status == 5 and args.k:      # none of them are in this shard
        return 0, 0, 0, ""
    try:
        passed, failed, skipped = map(int, counts.read_text().split())
    except (OSError, ValueError):
        passed, failed, skipped = 0, 1, 0
    return passed, failed or int(status != 0), skipped, text


def run_e2e(tally, tree, args, label, sanitized):
    if not (TOP / "tests/e2e/conftest.py").exists():
        return
    with concurrent.futures.ThreadPoolExecutor(SHARDS) as pool:
        done = list(pool.map(
            lambda shard: run_shard(tree, args, shard, sanitized), range(SHARDS)))
    for _, failed, _, text in done:
        if failed:
            say(f"FAILED: end to end ({label})")
            show(text, 400)
        for line in text.splitlines():
            if line.startswith("SKIPPED"):
                say(f"({label}) {line}")
    passed, failed, skipped = (sum(column) for column in list(zip(*done))[:3])
    if not passed + failed + skipped:
        failed = 1      # -k names no test
    tally.add(passed, failed, skipped)
    say(f"end to end ({label}): {passed} passed, {failed} failed, "
        f"{skipped} skipped")


# ---- the tree ---------------------------------------------------------------

def part_layers(tally, args):
    status, text = run([str(TOP / "tests/layers")])
    tally.one("includes go only leftwards, every file has its line", status == 0, text)
    status, text = run([str(TOP / "tests/cases"), "--check"])
    tally.one("tests/cases.md is up to date", status == 0, text)


def facts_of(page):
    """What a page names, in the order in which it does."""
    text = page.read_text()
    facts = {macro: re.findall(rf"^\.It {macro} (.*)", text, re.M)
             for macro in ("Fl", "Ev", "Pa")}
    facts["status"] = re.findall(r"^\.It (\d+)", text, re.M)
    facts["examples"] = re.findall(r"^\.Dl (.*)", text, re.M)
    facts["pages"] = sorted(set(re.findall(r"^\.Xr (\S+ \d)", text, re.M)))
    facts["sections"] = len(re.findall(r"^\.S[hs] ", text, re.M))
    return facts


def check_translated_pages(tally):
    """The page of the first day is the same in every language."""
    english = facts_of(TOP / "man/txmpp.1")
    for lang in (TOP / "po/LINGUAS").read_text().split():
        page = TOP / f"man/{lang}/txmpp.1"
        if not tally.one(f"there is txmpp(1) in {lang}", page.exists()):
            continue
        own = facts_of(page)
        apart = [f"{kind}: {english[kind]}\n{' ' * len(kind)}  {own[kind]}"
                 for kind in english if own[kind] != english[kind]]
        tally.one(f"txmpp(1) in {lang} names what the English one names",
                  not apart, "\n".join(apart))
        _, text = run(["mandoc", "-Tlint", str(page)])
        # mandoc knows the names of sections in English only, counts bytes,
        # and takes the bracket of its own \\[uXXXX] for one of ours.
        known = ('first section is not "NAME"', "outside NAME section",
                 "trailing delimiter: Sh", "trailing delimiter: Sx",
                 "trailing delimiter: Nd", "longer than 80 bytes",
                 "referenced manual not found", "outdated mandoc.db")
        text = "\n".join(line for line in text.splitlines()
                         if not any(one in line for one in known))
        tally.one(f"mandoc -Tlint is silent about {lang}", not text, text)


def part_manual(tally, args):
    pages = sorted(str(p) for p in (TOP / "man").glob("*.[157]"))
    tally.one("there are manual pages", bool(pages))
    if pages:
        status, text = run(["mandoc", "-Tlint", *pages])
        # What is installed here says nothing of the pages: references among
        # them are checked below, others need a full system.
        text = "\n".join(line for line in text.splitlines()
                         if "referenced manual not found" not in line
                         and "outdated mandoc.db" not in line)
        tally.one("mandoc -Tlint is silent", not text, text)
        check_translated_pages(tally)
        lost = [f"{name}({section}) in {page}" for page in pages
                for name, section in re.findall(
                    r"^\.Xr (txmpp\S*) (\d)",
                    pathlib.Path(page).read_text(), re.M)
                if not (TOP / f"man/{name}.{section}").exists()]
        tally.one("manual pages refer to pages that exist", not lost,
                  "\n".join(lost))
    txmpp = GCC / "root/bin/txmpp"
    for frame in sorted((TOP / "man").glob("*.in")):
        status, text = run(["sh", str(TOP / "man/fill.sh"), str(txmpp),
                            str(frame)])
        page = frame.with_suffix("")
        tally.one(f"{page.name} is what the tables say",
                  status == 0 and page.read_text() == text,
                  "stale: make -C build man")
    status, text = run([str(txmpp), "--print-manual", "words"])
    tally.one("po/tables.h is what the tables say",
              status == 0 and (TOP / "po/tables.h").read_text() == text,
              "stale: make -C build man")
    status, text = run([str(txmpp), "--print-manual", "doap"])
    tally.one("txmpp.doap is what the features say",
              status == 0 and (TOP / "txmpp.doap").read_text() == text,
              "stale: make -C build man")


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                   r"'(?:\\.|[^'\\\n])*'|\w+|\S", re.S)
SENTENCE = re.compile(r'(?=.*[a-z]{2} )(\\"|%s|[A-Z“]).*[a-z"s)][.?!]'
                      r"(%\.0s)?$")
# What stays English: what only the log and the manual say, and bugs.
ENGLISH_CALLS = {"g_error", "g_critical", "g_warning", "log_line"}
ENGLISH_MEMBERS = {"note"}
ENGLISH_FILES = {"src/features_doap.c", "src/cmd/mdoc.c"}


def msgids(path):
    joined = re.findall(r'^msgid(?:_plural)? ((?:"(?:\\.|[^"\\])*"\s*)+)',
                        path.read_text(), re.M)
    return {"".join(re.findall(r'"((?:\\.|[^"\\])*)"', one)) for one in joined}


def unmarked(path, known):
    """Literals that read like a sentence and are no message of gettext."""
    text = path.read_text()
    tokens = [(m.start(), m[0]) for m in TOKEN.finditer(text)
              if not m[0].startswith(("/*", "//"))]
    calls, i = [], 0
    while i < len(tokens):
        at, token = tokens[i]
        if token == "(":
            calls.append(tokens[i - 1][1])
        elif token == ")" and calls:
            calls.pop()
        if not token.startswith('"'):
            i += 1
            continue
        first, literal = i, ""
        while i < len(tokens) and tokens[i][1].startswith('"'):
            literal += tokens[i][1][1:-1]
            i += 1
        member = tokens[first - 2][1] if tokens[first - 1][1] == "=" else ""
        if SENTENCE.match(literal) and literal not in known and \
                member not in ENGLISH_MEMBERS and \
                not (calls and calls[-1] in ENGLISH_CALLS):
            line = text.count("\n", 0, at) + 1
            yield f"{path.relative_to(TOP)}:{line}: {literal}"


def part_words(tally, args):
    """Every file with text for people is listed; translations are complete."""
    listed = {line for line in (TOP / "po/POTFILES.in").read_text().splitlines()
              if line and not line.startswith("#")}
    holding = {str(p.relative_to(TOP)) for folder in ("src", "ui")
               for p in (TOP / folder).rglob("*.c")
               if re.search(r'\bN?_\(\s*"|\b(ngettext|job_fail|job_note|'
                            r'observers_notice|usage_error)\(',
                            p.read_text())} | {"po/tables.h"}
    tally.one("po/POTFILES.in lists what holds text", listed == holding,
              "\n".join(sorted(listed ^ holding)))
    options = re.search(r"^XGETTEXT_OPTIONS = (.*)", (TOP / "po/Makevars")
                        .read_text(), re.M).group(1).split()
    for lang in (TOP / "po/LINGUAS").read_text().split():
        pot = BUILD / f"{lang}.pot"
        _, _ = run(["xgettext", *options, "-o", str(pot), *sorted(listed)],
                   cwd=TOP)
        status, text = run(["msgcmp", str(TOP / f"po/{lang}.po"), str(pot)])
        tally.one(f"the {lang} translation is complete", status == 0, text)
        without = [path.name for path in (TOP / "themes").glob("*.theme")
                   if f"\nsummary[{lang}] = " not in path.read_text()]
        tally.one(f"themes say what they are in {lang}", not without,
                  "\n".join(without))
    known = msgids(pot)
    plain = [where for folder in ("src", "ui")
             for path in sorted((TOP / folder).rglob("*.c"))
             if str(path.relative_to(TOP)) not in ENGLISH_FILES
             for where in unmarked(path, known)]
    tally.one("no sentence is left out of the translations", not plain,
              "\n".join(plain))


def part_harden(tally, args):
    """What SECURITY.md promises of the built file."""
    path = str(GCC / "root/bin/txmpp")
    _, text = run(["readelf", "-W", "-h", "-l", "-d", "-n", "--dyn-syms", path])
    promises = {
        "position independent (PIE)": r"Type:\s+DYN.*(?s:.*)\bPIE\b",
        "RELRO": r"GNU_RELRO",
        "BIND_NOW": r"\bBIND_NOW\b|FLAGS_1\).*\bNOW\b",
        "stack protector": r"__stack_chk_fail",
        "FORTIFY": r"__\w+_chk\b",
    }
    for name, pattern in promises.items():
        tally.one("hardened: " + name, re.search(pattern, text) is not None)
    stack = re.search(r"GNU_STACK.*", text)
    tally.one("hardened: no executable stack",
              bool(stack) and "E" not in stack.group().split()[-2], text)
    # A public function of ours named like a library's would be called by it.
    script = ("cd $0 && nm --defined-only libtxmpp.a libui.a 2>/dev/null | "
              "awk '$2 ~ /[TDBR]/ { print $3 }' | sort -u >symbols.own && "
              "ldd root/bin/txmpp | awk '/=> \\//{ print $3 }' | "
              "xargs -n1 nm -D --defined-only 2>/dev/null | "
              "awk '$2 ~ /[TWDBR]/ { sub(/@.*/, \"\", $3); print $3 }' | "
              "sort -u | comm -12 - symbols.own")
    status, twice = run(["sh", "-c", script, str(GCC)])
    tally.one("no function is named like one of a library",
              status == 0 and not twice, twice)
    if os.uname().machine == "x86_64":
        # The note in the file needs a libc built that way, too; what we
        # compiled ourselves begins its functions with endbr64.
        status, code = run(["objdump", "-d", "--no-show-raw-insn", path])
        marked = len(re.findall(r"^[0-9a-f]+ <.*>:\n\s+[0-9a-f]+:\s+endbr64",
                                code, re.M))
        tally.one("hardened: control-flow protection", marked > 1000,
                  f"{marked} functions begin with endbr64")


def part_dist(tally, args):
    status, text = run(
        ["make", "-C", str(GCC), "distcheck", f"-j{os.cpu_count() or 2}",
         f"AM_DISTCHECK_CONFIGURE_FLAGS='{cc('gcc')}' CFLAGS=-O1"], 900)
    tally.one("make distcheck", status == 0, text)


PARTS = ("build", "units", "e2e", "asan", "layers", "manual", "words", "harden",
         "dist")


def main():
    parser = argparse.ArgumentParser(prog="check")
    parser.add_argument("--seed", type=int, default=random.randrange(10 ** 6))
    parser.add_argument("-k", default="")
    parser.add_argument("parts", nargs="*")
    args = parser.parse_args()
    for name in args.parts:
        if name not in PARTS:
            parser.error(f"no part is called {name}; there are: "
                         + " ".join(PARTS))
    wanted = set(args.parts or PARTS)
    if args.k:
        wanted = wanted & {"build", "e2e", "asan"} if args.parts else \
            {"build", "e2e"}
    os.chdir(TOP)
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    say(f"seed {args.seed}")
    tally = Tally()
    try:
        checks(wanted, args, tally)
    except KeyboardInterrupt:
        tally.one("interrupted", False)
    except Exception:
        import traceback
        tally.one("check.py", False, traceback.format_exc())
    print(tally.line())
    return 1 if tally.failed or not tally.passed else 0


def checks(wanted, args, tally):
    if "layers" in wanted:
        part_layers(tally, args)
    gcc_ok = part_build(tally, args)
    if gcc_ok and "harden" in wanted:
        part_harden(tally, args)
    if gcc_ok and "units" in wanted:
        run_units(tally, GCC, args.seed, "gcc", False)
    asan_ok = "asan" in wanted and part_build_asan(tally, args)
    if asan_ok and "units" in wanted:
        run_units(tally, ASAN, args.seed, "sanitizers", True)
    if gcc_ok and "manual" in wanted:
        part_manual(tally, args)
    if gcc_ok and "words" in wanted:
        part_words(tally, args)

    # Both trees side by side. Sanitizers take longer, so what is left is done
    # beside them.
    def plain():
        if "e2e" in wanted:
            run_e2e(tally, GCC, args, "gcc", False)
        if "dist" in wanted:
            part_dist(tally, args)

    def sanitized():
        if "e2e" in wanted or args.parts:
            run_e2e(tally, ASAN, args, "sanitizers", True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        side = [pool.submit(target) for target, ok in
                ((plain, gcc_ok), (sanitized, asan_ok)) if ok]
    for one in side:
        one.result()    # raises what was raised there


if __name__ == "__main__":
    sys.exit(main())
