"""A scripted XMPP server that does exactly what a test says, lies included.

The test is the script: it holds both ends and says, line after line, what the
server sends and what it expects. Blocking sockets with deadlines, one thread.

    with fake.accept() as c:
        c.login()                       # STARTTLS, SCRAM, bind: all correct
        c.online()                      # roster, answers, initial presence
        c.send("<message …/>")          # these very bytes
        c.settle()                      # the client worked through all of it

Stanzas are xml.etree elements with Clark names; `received` has every byte.
"""
import base64
import random
import secrets
import socket
import ssl
import struct
import time
import xml.etree.ElementTree as ET

from rig import PATIENCE

from . import scram

STREAM = "http://etherx.jabber.org/streams"
CLIENT = "jabber:client"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
SASL2 = "urn:xmpp:sasl:2"
BIND2 = "urn:xmpp:bind:0"
FAST = "urn:xmpp:fast:0"
SM = "urn:xmpp:sm:3"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
ROSTER = "jabber:iq:roster"
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
PING = "urn:xmpp:ping"
FEATURES = (CLIENT, INFO, ITEMS, PING, "urn:xmpp:carbons:2",
            "urn:xmpp:blocking")


class Closed(Exception):
    """The client closed the connection (or the stream: .clean)."""

    def __init__(self, clean, what=""):
        super().__init__(what or ("stream closed" if clean else "cut"))
        self.clean = clean


def q(name, ns=CLIENT):
    return f"{{{ns}}}{name}"


def local(element):
    return element.tag.partition("}")[2]


def attr(text):
    for a, b in (("&", "&amp;"), ("<", "&lt;"), ("'", "&apos;"), ('"', "&quot;")):
        text = text.replace(a, b)
    return f"'{text}'"


class Fake:
    """Listens on a free loopback port for clients of one domain."""

    def __init__(self, ca, domain="v.tld", user="me", password="pencil",
                 resource="tx"):
        self.ca, self.domain = ca, domain
        self.user, self.password, self.resource = user, password, resource
        self.cert = ca.cert(domain)
        self.context_args = {}
        self.conns = []
        self.socket = socket.socket()
        self.bind()
        self.listen()

    @property
    def bare(self):
        return f"{self.user}@{self.domain}"

    @property
    def full(self):
        return f"{self.bare}/{self.resource}"

    def bind(self):
        """Below the range of outgoing connections, of which one may have the
        port of who does not listen."""
        while True:
            self.port = random.randrange(26000, 32000)
            try:
                return self.socket.bind(("127.0.0.1", self.port))
            except OSError:
                continue

    def listen(self, backlog=64):
        self.socket.listen(backlog)

    def refuse(self):
        """Nobody listens any more, but the port stays ours for listen()."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def accept(self, timeout=PATIENCE):
        self.socket.settimeout(timeout)
        sock, _ = self.socket.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn = Conn(self, sock)
        self.conns.append(conn)
        return conn

    def online(self, timeout=PATIENCE, **kw):
        """The next connection, signed in and with initial presence."""
        conn = self.accept(timeout)
        conn.login()
        conn.online(**kw)
        return conn

    def connections(self, seconds):
        """How many come within so many seconds; they are dropped."""
        end, count = time.monotonic() + seconds, 0
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return count
            self.socket.settimeout(left)
            try:
                self.socket.accept()[0].close()
                count += 1
            except TimeoutError:
                return count

    def close(self):
        for conn in self.conns:
            conn.sock.close()
        self.socket.close()


class Conn:
    timeout = PATIENCE

    def __init__(self, fake, sock):
        self.fake, self.sock = fake, sock
        self.jid = None
        self.received = b""        # every byte, after decryption
        self.answers = {}          # (namespace, local name) -> function(iq)
        self.roster_items = ""
        self.seen = []             # stanzas passed over by expect()
        self.pings = 0
        self.secure = False
        self.profile = SASL
        self.restart()

    # ---- bytes ------------------------------------------------------------
    def send(self, data):
        """Exactly these bytes."""
        self.sock.settimeout(self.timeout)
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def dribble(self, data, size=1):
        """One write (and TLS record) for each byte."""
        data = data.encode() if isinstance(data, str) else data
        for i in range(0, len(data), size):
            self.send(data[i:i + size])

    def recv(self, timeout=None):
        self.sock.settimeout(self.timeout if timeout is None else timeout)
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError) as e:
            if isinstance(e, TimeoutError):
                raise
            raise Closed(False, str(e)) from None
        if not data:
            raise Closed(self.ended, "end of file")
        self.received += data
        return data

    def rst(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.fake.conns.remove(self)
        self.sock.close()

    def fin(self):
        self.fake.conns.remove(self)
        self.sock.close()

    def start_tls(self, **kw):
        """The handshake, as the fake's certificate and settings want it."""
        args = dict(self.fake.context_args, **kw)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if "ciphers" in args:   # first: they say which keys may be loaded
            context.set_ciphers(args.pop("ciphers"))
        context.load_cert_chain(*args.pop("cert", self.fake.cert))
        if "client_ca" in args:
            context.load_verify_locations(str(args.pop("client_ca")))
            context.verify_mode = ssl.CERT_OPTIONAL
        for name, value in args.items():
            setattr(context, name, value)
        self.sni = None

        def sni(_socket, name, _context):
            self.sni = name
        context.sni_callback = sni
        self.sock.settimeout(self.timeout)
        try:
            self.sock = context.wrap_socket(self.sock, server_side=True)
        except (ssl.SSLError, OSError) as e:
            raise Closed(False, f"TLS handshake: {e}") from None
        self.secure = True
        self.restart()

    # ---- XML --------------------------------------------------------------
    def restart(self):
        self.parser = ET.XMLPullParser(("start", "end"))
        self.depth = 0
        self.header = None
        self.ended = False
        self.ready = []

    def _feed(self, data):
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            if event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.header = element
            else:
                self.depth -= 1
                if self.depth == 1:
                    self.ready.append(element)
                elif self.depth == 0:
                    self.ended = True

    def read_header(self):
        """The client's stream header."""
        while self.header is None:
            self._feed(self.recv())
        return self.header

    def next(self, timeout=None):
        """The next first-level element as it comes."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.ready:
            if self.ended:
                raise Closed(True)
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the client sent nothing")
            self._feed(self.recv(left))
        return self.ready.pop(0)

    # ---- stanzas ----------------------------------------------------------
    def answer(self, iq):
        """Answers the usual requests; False for what is not one."""
        if iq.tag != q("iq") or iq.get("type") not in ("get", "set"):
            return False
        child = iq[0] if len(iq) else None
        ns, _, name = (child.tag[1:].partition("}") if child is not None
                       else ("", "", ""))
        if (ns, name) in self.answers:
            reply = self.answers[(ns, name)](iq)
            if reply is not None:
                self.send(reply)
            return True
        payload = {
            (ROSTER, "query"): f"<query xmlns='{ROSTER}'>{self.roster_items}"
                               "</query>" if iq.get("type") == "get" else "",
            (INFO, "query"): f"<query xmlns='{INFO}'><identity category="
                             "'server' type='im' name='fake'/>" + "".join(
                                 f"<feature var='{f}'/>" for f in FEATURES)
                             + "</query>",
            (ITEMS, "query"): f"<query xmlns='{ITEMS}'/>",
            (PING, "ping"): "",
            ("urn:xmpp:carbons:2", "enable"): "",
            ("urn:xmpp:blocking", "blocklist"):
                "<blocklist xmlns='urn:xmpp:blocking'/>",
            ("urn:ietf:params:xml:ns:xmpp-session", "session"): "",
        }.get((ns, name))
        if payload is None:
            self.error(iq, "service-unavailable")
        else:
            self.result(iq, payload)
        if name == "ping":
            self.pings += 1
        return True

    def result(self, iq, payload=""):
        frm = f" from={attr(iq.get('to'))}" if iq.get("to") else ""
        self.send(f"<iq type='result' id={attr(iq.get('id'))}{frm} "
                  f"to={attr(self.jid or '')}>{payload}</iq>")

    def error(self, iq, condition, kind="cancel"):
        frm = f" from={attr(iq.get('to'))}" if iq.get("to") else ""
        self.send(f"<{local(iq)} type='error' id={attr(iq.get('id', ''))}{frm} "
                  f"to={attr(self.jid or '')}><error type='{kind}'>"
                  f"<{condition} xmlns='{STANZAS}'/></error></{local(iq)}>")

    def expect(self, name=None, timeout=None, answer=True, **attrs):
        """The next stanza that fits; usual requests are answered meanwhile.
        The others are kept in .seen."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                stanza = self.next(max(0.01, end - time.monotonic()))
            except TimeoutError:
                raise TimeoutError(f"no {name} {attrs}; seen: " + " ".join(
                    ET.tostring(s, "unicode") for s in self.seen[-5:])) from None
            if (name is None or local(stanza) == name) and all(
                    stanza.get(k.rstrip("_")) == v for k, v in attrs.items()):
                return stanza
            if not (answer and self.answer(stanza)):
                self.seen.append(stanza)

    def settle(self, timeout=None):
        """Everything sent so far was worked through: a ping comes back."""
        ping = "settle" + secrets.token_hex(4)
        self.send(f"<iq type='get' id='{ping}' from='{self.fake.domain}' "
                  f"to='{self.jid}'><ping xmlns='{PING}'/></iq>")
        return self.expect("iq", timeout, id=ping)

    def no(self, name, **attrs):
        """After settle(): no such stanza came."""
        return not any(local(s) == name and
                       all(s.get(k) == v for k, v in attrs.items())
                       for s in self.seen)

    def until_closed(self, timeout=PATIENCE, end=True):
        """Reads on until the client goes; True if it closed the stream, which
        is answered when end is true."""
        timeout += time.monotonic()
        try:
            while True:
                left = timeout - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the client did not close")
                try:
                    self.answer(self.next(left))
                except Closed as e:
                    if not e.clean:
                        raise
                    if end:
                        self.send("</stream:stream>")
                        end = False
                    self.recv(left)
        except (Closed, ConnectionError, BrokenPipeError, ssl.SSLError) as e:
            if isinstance(e, TimeoutError):
                raise
            return self.ended
        except ET.ParseError:
            return self.ended

    # ---- the steps of a correct login ---------------------------------------
    def open(self, features="", **over):
        """Reads the client's header and answers with ours."""
        self.read_header()
        self.send(self.stream_header(**over) +
                  f"<stream:features>{features}</stream:features>")

    def stream_header(self, **over):
        attrs = {"from": self.fake.domain, "id": secrets.token_hex(8),
                 "version": "1.0", "xml:lang": "en", "xmlns": CLIENT,
                 "xmlns:stream": STREAM}
        attrs.update((k.rstrip("_").replace("__", ":"), v)
                     for k, v in over.items())
        return "<?xml version='1.0'?><stream:stream" + "".join(
            f" {k}={attr(v)}" for k, v in attrs.items() if v is not None) + ">"

    def starttls(self, **kw):
        self.open(f"<starttls xmlns='{TLS}'><required/></starttls>")
        request = self.next()
        assert request.tag == q("starttls", TLS), request.tag
        self.send(f"<proceed xmlns='{TLS}'/>")
        self.start_tls(**kw)

    MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")

    def mechanisms(self, names):
        return f"<mechanisms xmlns='{SASL}'>" + "".join(
            f"<mechanism>{n}</mechanism>" for n in names) + "</mechanisms>"

    def next_sasl(self, name):
        element = self.next()
        assert element.tag == q(name, self.profile), ET.tostring(element)
        return element

    def auth(self, mechanisms=MECHANISMS, extra=""):
        """Offers, and does what the client chooses. Returns its name."""
        self.open(self.mechanisms(mechanisms) + extra)
        request = self.next_sasl("auth")
        chosen = request.get("mechanism")
        assert chosen in mechanisms, chosen
        if chosen.startswith("SCRAM"):
            self.scram(request).finish()
        elif chosen == "PLAIN":
            given = base64.b64decode(request.text).split(b"\0")
            assert given[1:] == [self.fake.user.encode(),
                                 self.fake.password.encode()], given
            self.send(f"<success xmlns='{SASL}'/>")
        else:
            raise AssertionError(chosen)
        self.restart()
        return chosen

    def scram(self, request):
        return scram.Exchange(self, request)

    def challenge(self, text):
        data = base64.b64encode(text.encode() if isinstance(text, str) else text)
        self.send(f"<challenge xmlns='{self.profile}'>{data.decode()}"
                  "</challenge>")

    def bind(self, jid=None, extra=""):
        self.open(f"<bind xmlns='{BIND}'/>" + extra)
        request = self.next()
        assert request.find(q("bind", BIND)) is not None, ET.tostring(request)
        wanted = request[0].find(q("resource", BIND))
        self.jid = jid or (f"{self.fake.bare}/" + (
            wanted.text if wanted is not None else secrets.token_hex(4)))
        self.send(f"<iq type='result' id={attr(request.get('id'))}>"
                  f"<bind xmlns='{BIND}'><jid>{self.jid}</jid></bind></iq>")

    def login(self, tls=True, mechanisms=MECHANISMS, extra=""):
        if tls:
            self.starttls()
        chosen = self.auth(mechanisms)
        self.bind(extra=extra)
        return chosen

    # ---- the same by SASL2, Bind 2 and FAST ---------------------------------
    TOKEN = "HT-SHA-256-NONE"   # Python's ssl has no tls-exporter

    def sasl2_features(self, mechanisms=("SCRAM-SHA-256",), tokens=(TOKEN,),
                       bind=("urn:xmpp:carbons:2", "urn:xmpp:csi:0", SM),
                       sm=True):
        fast = f"<fast xmlns='{FAST}'>" + "".join(
            f"<mechanism>{t}</mechanism>" for t in tokens) + "</fast>"
        bind2 = f"<bind xmlns='{BIND2}'><inline>" + "".join(
            f"<feature var='{b}'/>" for b in bind) + "</inline></bind>"
        return f"<authentication xmlns='{SASL2}'>" + "".join(
            f"<mechanism>{m}</mechanism>" for m in mechanisms) + (
                "<inline>" + (fast if tokens else "") + bind2 +
                (f"<sm xmlns='{SM}'/>" if sm else "") +
                "</inline></authentication>")

    def authenticate(self, features=None):
        """Offers SASL2 and returns <authenticate/>."""
        self.profile = SASL2
        self.open(features or self.sasl2_features())
        return self.next_sasl("authenticate")

    def authenticate_early(self, features=None):
        """The same from a client that does not wait for the offer."""
        self.profile = SASL2
        self.read_header()
        request = self.next_sasl("authenticate")
        self.send(self.stream_header() + "<stream:features>" +
                  (features or self.sasl2_features()) + "</stream:features>")
        return request

    def initial(self, request):
        return base64.b64decode(request.find(q("initial-response", SASL2)).text)

    def token_is_right(self, request, token):
        name, _, proof = self.initial(request).partition(b"\0")
        return (name == self.fake.user.encode() and
                proof == scram.hashed_token(token, "Initiator"))

    def success_inside(self, request, token=None, bound="", resumed=None):
        """What stands in <success/> when all that was asked for is given."""
        self.jid = self.jid or f"{self.fake.bare}/tx.{secrets.token_hex(4)}"
        inside = ("<authorization-identifier>"
                  f"{self.jid}</authorization-identifier>")
        if resumed is not None:
            inside += resumed
        elif request.find(q("bind", BIND2)) is not None:
            inside += f"<bound xmlns='{BIND2}'>{bound}</bound>"
        if token:
            inside += (f"<token xmlns='{FAST}' token={attr(token)} "
                       "expiry='2999-01-01T00:00:00Z'/>")
        return inside

    def login2(self, tls=True, token=None, new_token=None, after="", **kw):
        """By SASL2: by this token, or by SCRAM. Returns <authenticate/>."""
        if tls:
            self.starttls()
        request = self.authenticate()
        self.admit(request, token, new_token, after, **kw)
        return request

    def admit(self, request, token=None, new_token=None, after="", **kw):
        inside = self.success_inside(request, new_token, **kw)
        if token:
            assert request.get("mechanism") == self.TOKEN, ET.tostring(request)
            assert self.token_is_right(request, token)
            proof = base64.b64encode(
                scram.hashed_token(token, "Responder")).decode()
            self.send(f"<success xmlns='{SASL2}'><additional-data>{proof}"
                      f"</additional-data>{inside}</success>")
        else:
            scram.Exchange(self, request, request.find(
                q("initial-response", SASL2)).text).finish(inside)
        self.send(f"<stream:features>{after}</stream:features>")

    def deny(self, condition="not-authorized"):
        self.send(f"<failure xmlns='{SASL2}'><{condition} xmlns='{SASL}'/>"
                  "</failure>")

    def online(self, roster="", presence=True):
        """Answers until the client has sent its initial presence."""
        self.roster_items = roster
        if presence:
            first = self.expect("presence")
            self.send(f"<presence from='{self.jid}' to='{self.jid}'/>")
            return first
        return None

    def close(self):
        """An orderly end by the server."""
        self.send("</stream:stream>")
        return self.until_closed()
