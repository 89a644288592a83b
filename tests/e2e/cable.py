"""A cable between the program and a server: cut, pulled out, put back.

    cable = Cable(server.port)
    profile.port = cable.port
    cable.cut()         # RST both ways, now
    cable.pull()        # bytes go nowhere; nobody is told
    cable.plug()        # … and arrive after all
    cable.bury()        # what is connected now is never heard of again
"""
import selectors
import socket
import struct
import threading


class Cable:
    def __init__(self, port, host="127.0.0.1"):
        self.target = port
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs = []
        self.dead = []
        self.flows = threading.Event()
        self.flows.set()
        self.cuts = self.buried = 0
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    # ---- what a test does -------------------------------------------------
    def cut(self):
        with self.lock:
            for pair in self.pairs:
                for end in pair:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
                    self._forget(end)
                    end.close()
            self.cuts += bool(self.pairs)
            self.pairs = []

    def bury(self):
        """As of a router that was started again: both ends stay open."""
        with self.lock:
            for pair in self.pairs:
                for end in pair:
                    self._forget(end)
            self.buried += bool(self.pairs)
            self.dead += self.pairs
            self.pairs = []

    def pull(self):
        self.flows.clear()

    def plug(self):
        self.flows.set()

    def close(self):
        self.running = False
        self.flows.set()
        self.thread.join(5)
        self.cut()
        for pair in self.dead:
            for end in pair:
                end.close()
        self.listener.close()

    # ---- the thread -------------------------------------------------------
    def _forget(self, end):
        try:
            self.selector.unregister(end)
        except (KeyError, ValueError):
            pass

    def _accept(self):
        near, _ = self.listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            near.close()
            return
        for end in (near, far):
            end.settimeout(30)      # who reads nothing holds up nobody else
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.pairs.append((near, far))
            self.near, self.flights, self.answered = near, 0, True
            self.selector.register(near, selectors.EVENT_READ, far)
            self.selector.register(far, selectors.EVENT_READ, near)

    def _count(self, end):
        """flights: how often the program spoke, first or after an answer, on
        the last connection."""
        if end is self.near:
            self.flights += self.answered
        self.answered = end is not self.near

    def _carry(self, end, other):
        try:
            data = end.recv(65536)
            if data:
                self._count(end)
                other.sendall(data)
                return
        except OSError:
            pass
        with self.lock:
            self.pairs = [p for p in self.pairs if end not in p]
            for one in (end, other):
                self._forget(one)
                one.close()

    def _run(self):
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        while self.running:
            for key, _ in self.selector.select(0.1):
                self.flows.wait()
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj.fileno() >= 0:
                    self._carry(key.fileobj, key.data)
