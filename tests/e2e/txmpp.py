"""Drives the program under test: from a pipe, and on a pseudo-terminal."""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import threading
import time

import pyte

from rig import PATIENCE, SANITIZED, die_with_parent  # noqa: F401


def binary():
    path = os.environ.get("TXMPP") or shutil.which("txmpp")
    if not path:
        raise RuntimeError("say in $TXMPP which program to test")
    return str(pathlib.Path(path).resolve())


class Profile:
    """A person's folder: profile, password file, and what to connect to."""

    def __init__(self, jid, password, port, ca=None, folder=None):
        self.dir = pathlib.Path(folder or tempfile.mkdtemp(prefix="txmpp-"))
        self.jid, self.port, self.ca = jid, port, ca
        self.password_file = self.dir / "password"
        self.password_file.write_text(password + "\n")
        self.password_file.chmod(0o600)
        self.profile = self.dir / "profile"
        self.prefix = []        # a program that starts the program
        self.host = "127.0.0.1"

    @classmethod
    def of(cls, account, direct=False):
        """For an account of rig.Server."""
        server = account.server
        return cls(account.jid, account.password,
                   server.tls_port if direct else server.port, server.ca.crt)

    @classmethod
    def fake(cls, fake):
        profile = cls(fake.bare, fake.password, fake.port, fake.ca.crt)
        return profile

    def argv(self, *options, connect=True, resource="tx"):
        argv = [*self.prefix, binary(), "--profile", str(self.profile), "--password-file",
                str(self.password_file)]
        if connect:
            argv += ["--server", f"{self.host}:{self.port}"]
        if self.ca:
            argv += ["--ca-file", str(self.ca)]
        if resource:
            argv += ["--resource", resource]
        return [*argv, *map(str, options), *([self.jid] if self.jid else [])]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def environment(**over):
    """Nothing of the person who runs the tests."""
    env = {k: v for k, v in os.environ.items()
           if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TZ")}
    env.update(HOME="/nonexistent", LC_ALL="C.UTF-8", TERM="xterm-256color",
               INPUTRC="/dev/null", G_DEBUG="fatal-criticals",
               GIO_USE_NETWORK_MONITOR="base", NO_AT_BRIDGE="1")
    env.update(over)
    return {k: v for k, v in env.items() if v is not None}


def preload(folder, name, **variables):
    """The environment that puts preload/NAME.c before the C library."""
    library = pathlib.Path(folder) / f"{name}.so"
    if not library.exists():
        source = pathlib.Path(__file__).parent / "preload" / f"{name}.c"
        flags = subprocess.check_output(
            ["pkg-config", "--cflags", "--libs", "glib-2.0", "sqlite3"],
            text=True).split()
        subprocess.run(["gcc", "-Wall", "-shared", "-fPIC", "-o",
                        str(library), str(source), *flags], check=True)
    env = dict(variables, LD_PRELOAD=str(library))
    if "ASAN_OPTIONS" in os.environ:
        env["ASAN_OPTIONS"] = (os.environ["ASAN_OPTIONS"]
                               + ":verify_asan_link_order=0")
    return env


class Failed(AssertionError):
    pass


class Script:
    """Command mode with JSON output, fed line by line.

        with Script(profile) as t:
            t.wait("connected")
            t.run("/msg romeo@example.net hi")      # waits for its result
            t.wait("message", direction="in", body="ho")
            assert t.quit() == 0
    """

    def __init__(self, profile, *options, json_output=True, env=None, **kw):
        self.profile = profile
        options = [*(["--json"] if json_output else []), *options]
        self.process = subprocess.Popen(
            profile.argv(*options, **kw), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(**(env or {})), preexec_fn=die_with_parent)
        self.events = []
        self.errors = b""
        self.raw = bytearray()
        self.cursor = 0
        self.line = 0
        self.changed = threading.Condition()
        self.open = 2
        self.threads = [threading.Thread(target=f, daemon=True)
                        for f in (self._read_out, self._read_err)]
        for thread in self.threads:
            thread.start()

    # ---- reading ------------------------------------------------------------
    def _read_out(self):
        for line in self.process.stdout:
            with self.changed:
                self.raw += line
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    self.events.append({"event": "(no JSON)", "text": line})
                self.changed.notify_all()
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def _read_err(self):
        while chunk := self.process.stderr.read1(65536):
            self.errors += chunk
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def _story(self):
        return ("\nevents:\n" + "\n".join(
            json.dumps(e, default=str) for e in self.events[-30:])
            + "\nstandard error:\n" + self.errors.decode(errors="replace")[-3000:])

    def find(self, event, since=0, **members):
        for i, e in enumerate(self.events[since:], since):
            if e.get("event") == event and all(
                    (v(e.get(k)) if callable(v) else e.get(k) == v)
                    for k, v in members.items()):
                return i
        return None

    def wait(self, event, timeout=None, since=None, **members):
        """The first such event after the last one waited for (since: after
        that index). Members are compared, or asked when callable."""
        timeout = PATIENCE if timeout is None else timeout
        start = self.cursor if since is None else since
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                i = self.find(event, start, **members)
                if i is not None:
                    if since is None:
                        self.cursor = i + 1
                    return self.events[i]
                start = len(self.events)
                left = end - time.monotonic()
                if left <= 0 or self.open == 0:
                    why = "ended" if self.open == 0 else f"{timeout} s passed"
                    raise Failed(f"no event {event} {members}: {why}"
                                 + self._story())
                self.changed.wait(min(left, 1))

    def ever(self, event, **members):
        """Whether such an event has come so far, wherever."""
        return self.find(event, 0, **members) is not None

    def all(self, event, **members):
        return [e for e in self.events if e.get("event") == event and
                all((v(e.get(k)) if callable(v) else e.get(k) == v)
                    for k, v in members.items())]

    # ---- commands -----------------------------------------------------------
    def feed(self, text):
        """Writes a line (or bytes as they are); does not wait."""
        data = text if isinstance(text, bytes) else text.encode() + b"\n"
        self.line += data.count(b"\n")
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("it reads no more commands" + self._story()) from None
        return self.line

    def run(self, text, ok=True, timeout=None):
        """Feeds one line and waits for its result. Returns its rows."""
        line = self.feed(text)
        result = self.wait("result", timeout, since=0, line=line)
        if ok is not None and result["ok"] is not ok:
            raise Failed(f"{text}: {result}" + self._story())
        if not ok:
            return result
        return [e for e in self.events
                if e.get("event") == "row" and e.get("line") == line]

    def request(self, command, tag=None, ok=True, **args):
        """The same as a JSON request."""
        request = {"command": command, "args": args}
        if tag:
            request["tag"] = tag
        return self.run(json.dumps(request), ok)

    def online(self):
        """Signed in, and the server knows: what is sent to somebody who is
        just coming is kept or lost, as it likes."""
        self.wait("connected")
        self.run("/wait synced")
        self.run("/ping")
        return self

    # ---- the end ------------------------------------------------------------
    def eof(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def exit(self, timeout=None):
        """Waits for the end: the exit status."""
        try:
            status = self.process.wait(PATIENCE if timeout is None else timeout)
        except subprocess.TimeoutExpired:
            raise Failed("it does not end" + self._story()) from None
        for thread in self.threads:
            thread.join(5)
        return status

    def quit(self, timeout=None):
        self.eof()
        return self.exit(timeout)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # What a test has to say about the end, it has said.
        self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(5)
        for stream in (self.process.stdin, self.process.stdout,
                       self.process.stderr):
            try:
                stream.close()
            except OSError:
                pass


def once(argv, data=b"", timeout=None, env=None, **kw):
    """Runs it to the end: (status, output, errors)."""
    p = subprocess.run(argv, input=data if isinstance(data, bytes)
                       else data.encode(), stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE,
                       timeout=timeout or 2 * PATIENCE,
                       env=environment(**(env or {})), **kw)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


class Terminal(pyte.Screen):
    """pyte lacks REP, SU and SD, which ncurses uses for xterm-256color."""
    last = " "
    odd = False

    def draw(self, data):
        super().draw(data)
        if data:
            self.last = data[-1]

    def rep(self, n=1):
        super().draw(self.last * (n or 1))

    def scroll(self, n, up):
        x, y = self.cursor.x, self.cursor.y
        m = self.margins or pyte.screens.Margins(0, self.lines - 1)
        for _ in range(n or 1):
            self.cursor.y = m.bottom if up else m.top
            (self.index if up else self.reverse_index)()
        self.cursor.x, self.cursor.y = x, y

    def select_graphic_rendition(self, *attrs, private=False):
        if private:     # a question about or setting of the keyboard
            self.odd = True
        else:
            super().select_graphic_rendition(*attrs)

    def su(self, n=1):
        self.scroll(n, True)

    def sd(self, n=1):
        self.scroll(n, False)


# A colour beyond the first 16; a clock says 38: and 48:, too.
DEEP = rb"\x1b\[(?=[0-9;:]*m)(?:[0-9;:]*[;:])?[34]8[;:]"

# pyte does not know the colons of ISO 8613-6 colours, nor APC.
UNKNOWN = re.compile(rb"\x1b\[[0-9;]*:[0-9;:]*m|\x1b_[^\x1b]*\x1b\\")
OPEN_ENDED = re.compile(rb"\x1b(\[[0-9;:]*|_[^\x1b]*\x1b?)?$")


class Bytes(pyte.ByteStream):
    rest = b""

    def feed(self, data):
        data = UNKNOWN.sub(b"", self.rest + data)
        cut = OPEN_ENDED.search(data)
        self.rest = data[cut.start():] if cut else b""
        super().feed(data[:cut.start()] if cut else data)

    csi = dict(pyte.ByteStream.csi, b="rep", S="su", T="sd")
    events = frozenset(pyte.ByteStream.events | {"rep", "su", "sd"})


# Where it is noon: no day, month or year ends while a screen is looked at.
NOON = f"NOON{time.gmtime().tm_hour - 12:+d}"


def states(pid):
    """What the threads of a process and its children do: S, R, D, T, Z …"""
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            yield (task / "stat").read_text().rpartition(") ")[2][0]
            for child in (task / "children").read_text().split():
                yield from states(child)
        except OSError:
            pass        # it has ended


class Screen:
    """A program on a pseudo-terminal of its own, watched by an emulator.

        with Screen(profile) as s:
            s.wait("online")
            s.type("/msg romeo@example.net\\r")
    """

    def __init__(self, profile, *options, rows=30, cols=100, env=None,
                 argv=None, **kw):
        self.rows, self.cols = rows, cols
        self.bytes = bytearray()
        self.screen = Terminal(cols, rows)
        self.stream = Bytes(self.screen)
        self.status = None
        self.master, slave = pty.openpty()
        self._size(rows, cols)
        self.before = termios.tcgetattr(slave)

        def child():
            die_with_parent()
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            argv or profile.argv(*options, **kw), stdin=slave, stdout=slave,
            stderr=slave, env=environment(**dict(dict(TZ=NOON), **(env or {}))),
            preexec_fn=child)
        self.slave = slave          # kept: its modes are looked at afterwards
        os.set_blocking(self.master, False)

    def _size(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))

    def resize(self, rows, cols):
        """The window changes: SIGWINCH reaches the program."""
        self.pump()
        self._size(rows, cols)
        if rows > 0 and cols > 0:
            self.rows, self.cols = rows, cols
            self.screen.resize(rows, cols)

    # ---- bytes ------------------------------------------------------------
    def pump(self, timeout=0.0, look=True):
        """Takes what it has written; True if there was something."""
        readable, _, _ = select.select([self.master], [], [], timeout)
        if not readable:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        if data and look:
            self.bytes += data
            self.stream.feed(data)
        return bool(data)

    def type(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        while data:
            try:
                data = data[os.write(self.master, data):]
            except BlockingIOError:
                self.pump(0.05)

    def line(self, text):
        """A line and Enter, as by hand: a paste would be asked about."""
        self.type(text)
        end = time.monotonic() + 2      # a loaded machine echoes late
        while (text[-8:].strip() not in self.text() and
               time.monotonic() < end):
            self.pump(0.05)
        self.wait_quiet(0.05)
        self.type("\r")

    # ---- seeing -------------------------------------------------------------
    def busy(self):
        """It has not read every key yet, or runs, or waits for a processor."""
        now = set(states(self.process.pid))
        if now & {"R", "D"}:
            return True
        keys = struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD,
                                              bytes(4)))[0]
        return keys > 0 and "S" in now and not now & {"T"}

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def wait(self, pattern, timeout=None, gone=False):
        """Until a whole frame shows the pattern (or no longer does)."""
        timeout = PATIENCE if timeout is None else timeout
        wanted = re.compile(pattern)
        end = time.monotonic() + timeout
        while True:
            found = wanted.search(self.text())
            if bool(found) != gone:
                self.wait_quiet(0.01, 1)
                found = wanted.search(self.text())
            if bool(found) != gone:
                return found or True
            left = end - time.monotonic()
            if left <= 0 or self.process.poll() is not None and \
                    not self.pump(0.05):
                raise Failed(
                    f"the screen {'still shows' if gone else 'lacks'} "
                    f"{pattern!r} (exit {self.process.poll()}):\n" + "\n".join(
                        f"|{line}" for line in self.lines()))
            self.pump(min(left, 0.2))

    def wait_quiet(self, seconds=0.3, timeout=10):
        """Until it has read all keys, sleeps, and wrote nothing for so long."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and (self.pump(seconds) or self.busy()):
            pass

    def wait_exit(self, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.pump(0.05)
            if self.process.poll() is not None:
                while self.pump(0.02):
                    pass
                return self.process.returncode
        raise Failed("it does not end:\n" + self.text())

    def signal(self, number):
        os.kill(self.process.pid, number)

    def modes(self):
        return termios.tcgetattr(self.slave)

    def hang_up(self):
        """The terminal goes away."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
