"""The program in a real terminal below an X server without a screen: driven
like txmpp.Screen, and beside that looked at by its pixels.

The terminal runs this file, a relay: what the program writes goes to it, its
answers, size and keys come back, so that everything works as on a
pseudo-terminal, in any terminal.
"""
import fcntl
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import zlib

NOISE = subprocess.DEVNULL


class Display:
    """An X server; pixels() is what it shows (the XWD file of Xvfb)."""

    def __init__(self, folder, width=1000, height=700):
        from rig import die_with_parent
        self.dir = pathlib.Path(folder)
        ours, theirs = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(theirs), "-screen", "0",
             f"{width}x{height}x24", "-fbdir", str(self.dir), "-nolisten",
             "tcp", "-noreset"], pass_fds=[theirs], stdout=NOISE, stderr=NOISE,
            preexec_fn=die_with_parent)
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            self.name = ":" + pipe.readline().strip()

    def pixels(self):
        return Pixels((self.dir / "Xvfb_screen0").read_bytes())

    def close(self):
        self.process.terminate()
        self.process.wait()


class Pixels:
    def __init__(self, xwd):
        head = struct.unpack(">25I", xwd[:100])
        size, self.width, self.height, self.line = head[0], head[4], head[5], head[12]
        self.bytes = xwd[size + head[19] * 12:]

    def box(self, color):
        """(left, top, right, bottom) around all pixels of that colour."""
        want = bytes(color[::-1])
        rows, cols = [], []
        for y in range(self.height):
            row = self.bytes[y * self.line:y * self.line + self.width * 4]
            first = row.find(want)
            while first % 4 and first >= 0:
                first = row.find(want, first + 1)
            if first < 0:
                continue
            last = row.rfind(want)
            while last % 4:
                last = row.rfind(want, 0, last + 2)
            rows.append(y)
            cols += [first // 4, last // 4]
        return (min(cols), rows[0], max(cols) + 1, rows[-1] + 1) if rows else None

    def png(self, path):
        out = bytearray()
        for y in range(self.height):
            row = self.bytes[y * self.line:y * self.line + self.width * 4]
            rgb = bytearray(self.width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            out += b"\0" + rgb

        def chunk(kind, data):
            return (struct.pack(">I", len(data)) + kind + data +
                    struct.pack(">I", zlib.crc32(kind + data)))
        pathlib.Path(path).write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
                ">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes(out), 1)) + chunk(b"IEND", b""))


def window(terminal, profile, *options, env=None, outer=None, folder=None, **kw):
    """A txmpp.Screen whose bytes also go to TERMINAL (an argument list that a
    command may follow) and whose keys and answers come from there, too."""
    import txmpp

    class Window(txmpp.Screen):
        def __init__(self):
            path = str(pathlib.Path(folder) / f"relay{os.urandom(4).hex()}")
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(txmpp.PATIENCE)
            from rig import die_with_parent
            self.outer = subprocess.Popen(
                [*terminal, sys.executable, __file__, path], stdin=NOISE,
                stdout=NOISE, stderr=NOISE, preexec_fn=die_with_parent,
                env=txmpp.environment(HOME=str(folder), **(outer or {})))
            self.relay, _ = listener.accept()
            listener.close()
            self.answers = b""        # not taken apart yet
            self.answered = bytearray()
            rows, cols, width, height = self._frame()
            self.size = rows, cols, width, height
            super().__init__(profile, *options, rows=rows, cols=cols, env=env, **kw)

        def _size(self, rows, cols):
            rows, cols, width, height = self.size
            fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                        struct.pack("HHHH", rows, cols, width, height))

        def _frame(self):
            """Takes what came up to the next size, which it returns."""
            while True:
                frame = self._take()
                if isinstance(frame, tuple):
                    return frame
                if frame is None:
                    self.answers += self.relay.recv(65536)

        def _take(self):
            if len(self.answers) < 5:
                return None
            kind, n = struct.unpack(">cI", self.answers[:5])
            if len(self.answers) < 5 + n:
                return None
            data, self.answers = self.answers[5:5 + n], self.answers[5 + n:]
            return struct.unpack("HHHH", data) if kind == b"s" else data

        def _from_terminal(self):
            while select.select([self.relay], [], [], 0)[0]:
                data = self.relay.recv(65536)
                if not data:
                    return
                self.answers += data
            while (frame := self._take()) is not None:
                if isinstance(frame, tuple):
                    self.size = frame
                    self.resize(frame[0], frame[1])
                else:
                    self.answered += frame
                    self.type(frame)

        def pump(self, timeout=0.0, look=True):
            end = time.monotonic() + timeout
            while True:
                self._from_terminal()
                before = len(self.bytes)
                left = max(end - time.monotonic(), 0)
                got = super().pump(min(left, 0.02), look)
                if got:
                    self.relay.sendall(self.bytes[before:])
                if got or left <= 0:
                    return got

        def __exit__(self, *args):
            super().__exit__(*args)
            self.relay.close()
            self.outer.terminate()
            self.outer.wait()

    return Window()


def relay(path):
    import tty
    up = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    up.connect(path)
    tty.setraw(0)

    def say(kind, data):
        up.sendall(struct.pack(">cI", kind, len(data)) + data)

    def size(*_):
        say(b"s", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
    wake, sleep = os.pipe()
    os.set_blocking(sleep, False)
    signal.signal(signal.SIGWINCH, lambda *_: None)
    signal.set_wakeup_fd(sleep)
    size()
    while True:
        ready, _, _ = select.select([0, up, wake], [], [])
        if wake in ready:
            os.read(wake, 100)
            size()
        if 0 in ready:
            say(b"d", os.read(0, 65536))
        if up in ready:
            data = up.recv(65536)
            if not data:
                return
            while data:
                data = data[os.write(1, data):]


if __name__ == "__main__":
    relay(sys.argv[1])
