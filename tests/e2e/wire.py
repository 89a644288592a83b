"""A link of packets: a network namespace for the program, with a wire between
it and us that delays, loses and swallows what it carries. TCP is the kernel's,
so what is lost is sent again, and silence is silence.

Needs a namespace of its own to begin with: unshare -rn python3 …

    wire = Wire(delay=0.1, loss=0.03)
    profile.prefix, profile.host = wire.prefix, wire.near
    wire.pull()         # every packet is lost; nobody is told
    wire.plug()
    wire.move()         # the program's address goes, another one comes
"""
import collections
import ctypes
import fcntl
import os
import random
import selectors
import socket
import struct
import subprocess
import threading
import time

from rig import die_with_parent

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
CLONE_NEWNET = 0x40000000
NET = "10.77.0"


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack(
        "16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    os.set_blocking(fd, False)
    return fd


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Wire:
    numbers = iter(range(100))

    def __init__(self, delay=0.0, jitter=0.0, loss=0.0, seed=None):
        self.delay, self.jitter, self.loss = delay, jitter, loss
        self.rng = random.Random(seed)
        self.pulled = False
        self.carried = self.dropped = self.moves = 0
        number = next(self.numbers)
        self.name = f"tx{number}"
        net = f"{NET[:NET.rindex('.')]}.{number}"
        self.near = f"{net}.1"      # the server's side, which we are on
        self.far = [f"{net}.{i}" for i in (2, 3)]
        self.fds = [tun(self.name)]
        ip("addr", "add", f"{self.near}/24", "dev", self.name)
        ip("link", "set", self.name, "up")
        self._other_side()
        self.prefix = ["nsenter", f"--net=/proc/{self.child}/ns/net"]
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _other_side(self):
        ours, theirs = socket.socketpair()
        self.child = os.fork()
        if self.child == 0:
            try:
                die_with_parent()
                # A pipe of another thread's, which waits for its end.
                os.closerange(3, theirs.fileno())
                os.closerange(theirs.fileno() + 1, 4096)
                if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
                    os._exit(1)
                fd = tun("far")
                ip("link", "set", "lo", "up")
                ip("addr", "add", f"{self.far[0]}/24", "dev", "far")
                ip("link", "set", "far", "up")
                ip("route", "add", "default", "dev", "far")
                socket.send_fds(theirs, [b"x"], [fd])
                while True:
                    time.sleep(1000)
            finally:
                os._exit(1)
        theirs.close()
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        ours.close()
        self.fds.append(fds[0])
        self.ip = ["nsenter", f"--net=/proc/{self.child}/ns/net", "ip"]

    # ---- what a trial does ----------------------------------------------------
    def pull(self):
        self.pulled = True

    def plug(self):
        self.pulled = False

    def move(self):
        old, new = self.far[self.moves % 2], self.far[(self.moves + 1) % 2]
        self.moves += 1
        for words in (("addr", "del", f"{old}/24", "dev", "far"),
                      ("addr", "add", f"{new}/24", "dev", "far"),
                      ("route", "replace", "default", "dev", "far")):
            subprocess.run([*self.ip, *words], check=True)

    def close(self):
        self.running = False
        self.thread.join(5)
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        for fd in self.fds:
            os.close(fd)

    # ---- the thread -----------------------------------------------------------
    def _run(self):
        selector = selectors.DefaultSelector()
        lines = {}      # fd it goes to -> (when, packet), in order
        for fd, other in (self.fds, self.fds[::-1]):
            selector.register(fd, selectors.EVENT_READ, other)
            lines[other] = collections.deque()
        while self.running:
            now = time.monotonic()
            due = min((line[0][0] for line in lines.values() if line),
                      default=now + 0.2)
            for key, _ in selector.select(max(0, min(0.2, due - now))):
                self._take(key.fd, lines[key.data])
            now = time.monotonic()
            for fd, line in lines.items():
                while line and line[0][0] <= now:
                    self._give(fd, line.popleft()[1])

    def _take(self, fd, line):
        try:
            packet = os.read(fd, 65536)
        except OSError:
            return
        if self.pulled or self.rng.random() < self.loss:
            self.dropped += 1
            return
        self.carried += 1
        when = time.monotonic() + self.delay + self.rng.uniform(0, self.jitter)
        line.append((max(when, line[-1][0] if line else 0), packet))

    def _give(self, fd, packet):
        try:
            os.write(fd, packet)
        except OSError:
            pass
