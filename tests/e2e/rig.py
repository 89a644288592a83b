"""Real servers for tests and demo: private, on loopback, on free ports.

Each lives in a temporary folder and a process of its own that dies with us.
Accounts are made per test, so tests share a server and not a roster.
"""
import ctypes
import itertools
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from pki import CA, SRV

HERE = pathlib.Path(__file__).resolve().parent
PASSWORD = "R0m30! & <Juliet>"
SANITIZED = bool(os.environ.get("TXMPP_SANITIZED"))
# Sanitizers, two cores, other tests beside us: waits end early when all is
# well, so the deadline may be generous.
PATIENCE = 40 if SANITIZED else 20
HELD = []       # names of ports, see free_port()


def free_port():
    """Below the range of outgoing connections and that of fake servers, so
    that it stays free; tests that run beside us see that it is ours."""
    while True:
        port = random.randrange(20000, 26000)
        name = socket.socket(socket.AF_UNIX)
        with socket.socket() as s:
            try:
                name.bind(f"\0txmpp-port-{port}")
                s.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
        HELD.append(name)
        return port


def die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)     # a shell's & ignores it


def wait_until(what, check, timeout=PATIENCE, step=0.02):
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(step)


class Account:
    def __init__(self, server, jid, password=PASSWORD):
        self.server, self.jid, self.password = server, jid, password
        self.user, self.domain = jid.split("@")

    def __str__(self):
        return self.jid


class Server:
    """What the servers have in common: a domain, and beside it some that are
    particular about how one signs in."""
    numbers = itertools.count(1)
    PARTICULAR = ("scram", "plain", "anon")

    def __init__(self, domain, folder=None, ca=None):
        self.own = folder is None
        self.dir = pathlib.Path(folder or tempfile.mkdtemp(prefix="txmpp-"))
        self.dir.mkdir(parents=True, exist_ok=True)
        self.domain = domain
        self.ca = ca or CA(self.dir / "ca")
        self.crt, self.key = self.ca.cert(
            domain, SRV % f"_xmpp-client.{domain}",
            *(f"{name}.{domain}" for name in self.PARTICULAR))
        self.port, self.tls_port, self.s2s_port = (free_port() for _ in "abc")
        self.process = None

    def account(self, name, unique=True, **kw):
        """A new account; its name gets a number unless unique is False."""
        user = f"{name}{next(self.numbers)}" if unique else name
        account = Account(self, f"{user}@{self.domain}", **kw)
        self.register(account)
        return account

    def spawn(self, argv, env=None):
        self.log = self.dir / "server.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env, cwd=self.dir, start_new_session=True,
                preexec_fn=die_with_parent)

    def wait(self, check, timeout=60):
        def alive_and_ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.domain}: the server ended: "
                                   + self.log.read_text()[-2000:])
            return check()
        wait_until(f"{self.domain} to start", alive_and_ready, timeout, 0.05)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def remove(self):
        self.stop()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.remove()


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Prosody(Server):
    CONFIG = """
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
plugin_paths = {{ "{here}/prosody" }}
{as_root}
daemonize = false
log = {{ {level} = "*console" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ {tls_port} }}
s2s_ports = {{ {s2s_port} }}
s2s_direct_tls_ports = {{}}
http_ports = {{}}
https_ports = {{}}
authentication = "internal_plain"
storage = "internal"
allow_registration = true
min_seconds_between_registrations = 0
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
limits = {{}}
c2s_stanza_size_limit = 10485760
peers = {{ {peers} }}
modules_enabled = {{
  "roster", "saslauth", "tls", "disco", "private", "blocklist", "vcard4",
  "vcard_legacy", "pep", "ping", "time", "uptime", "version", "posix",
  "carbons", "csi_simple", "register", "offline", "lastactivity",
  "s2s", "s2s_auth_certs", "dialback", "peers", {modules}
}}
modules_disabled = {{ "limits" }}
ssl = {{ certificate = "{crt}", key = "{ssl_key}", cafile = "{cafile}", capath = "/nonexistent" }}
VirtualHost "{domain}"
{extra}
VirtualHost "scram.{domain}"
  disable_sasl_mechanisms = {{ "PLAIN" }}
VirtualHost "plain.{domain}"
  disable_sasl_mechanisms = {{ "SCRAM-SHA-1", "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS" }}
VirtualHost "anon.{domain}"
  authentication = "anonymous"
"""

    def __init__(self, domain, peers=None, modules=(), extra="", **kw):
        super().__init__(domain, **kw)
        self.peers = peers or {}
        self.modules, self.extra = modules, extra

    def start(self):
        config = self.dir / "prosody.cfg.lua"
        config.write_text(self.CONFIG.format(
            dir=self.dir, here=HERE, port=self.port, tls_port=self.tls_port,
            s2s_port=self.s2s_port, domain=self.domain, crt=self.crt,
            ssl_key=self.key, cafile=self.ca.crt, extra=self.extra,
            level=os.environ.get("TXMPP_PROSODY_LOG", "info"),
            peers=", ".join(f'["{d}"] = {p}' for d, p in self.peers.items()),
            modules=", ".join(f'"{m}"' for m in self.modules),
            as_root="run_as_root = true" if os.geteuid() == 0 else ""))
        (self.dir / "data").mkdir(exist_ok=True)
        self.spawn(["prosody", "--config", str(config), "-F"])
        self.wait(lambda: listens(self.port) and listens(self.tls_port)
                  and listens(self.s2s_port))
        return self

    @staticmethod
    def encode(text):
        return "".join(c if c.isalnum() and c.isascii() else
                       "".join(f"%{b:02x}" for b in c.encode()) for c in text)

    def store(self, kind, user, text, domain=None):
        path = (self.dir / "data" / self.encode(domain or self.domain) / kind
                / f"{self.encode(user)}.dat")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def register(self, account):
        password = account.password.replace("\\", "\\\\").replace('"', '\\"')
        self.store("accounts", account.user,
                   f'return {{ ["password"] = "{password}" }};\n',
                   account.domain)

    def roster(self, user, contacts):
        """contacts: {jid: (name, [groups])}, subscribed both ways."""
        items = "".join(
            f'["{jid}"] = {{ ["subscription"] = "both"; ["name"] = "{name}"; '
            f'["groups"] = {{ {"".join(f"""["{g}"] = true; """ for g in groups)}'
            "} };\n" for jid, (name, groups) in contacts.items())
        self.store("roster", user, "return { [false] = { [\"version\"] = 1; "
                   "[\"pending\"] = {} };\n" + items + "};\n")


class Pair:
    """Two federated domains, each a Prosody process of its own."""

    def __init__(self, first="im.example.com", second="example.net", folder=None,
                 **kw):
        self.own = folder is None
        self.dir = pathlib.Path(folder or tempfile.mkdtemp(prefix="txmpp-"))
        self.ca = CA(self.dir / "ca")
        self.a = Prosody(first, folder=self.dir / "a", ca=self.ca, **kw)
        self.b = Prosody(second, folder=self.dir / "b", ca=self.ca, **kw)
        self.a.peers = {second: self.b.s2s_port}
        self.b.peers = {first: self.a.s2s_port}

    def start(self):
        self.a.start()
        self.b.start()
        return self

    def remove(self):
        self.a.stop()
        self.b.stop()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.remove()


class Ejabberd(Server):
    """An Erlang node without distribution: no epmd, no port but ours."""
    CONFIG = """
hosts: ["{domain}", "scram.{domain}", "plain.{domain}", "anon.{domain}"]
host_config:
  "scram.{domain}":
    disable_sasl_mechanisms: ["PLAIN"]
  "plain.{domain}":
    disable_sasl_mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
      "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS",
      "DIGEST-MD5", "X-OAUTH2"]
  "anon.{domain}":
    auth_method: [anonymous]
    anonymous_protocol: sasl_anon
    allow_multiple_connections: true
loglevel: info
certfiles: ["{pem}"]
ca_file: "{ca}"
auth_method: internal
auth_password_format: plain
disable_sasl_mechanisms: []
language: en
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls_required: true,
      max_stanza_size: 10485760, access: c2s, shaper: none}}
  - {{port: {tls_port}, ip: "127.0.0.1", module: ejabberd_c2s, tls: true, access: c2s,
      max_stanza_size: 10485760, shaper: none}}
acl: {{local: {{user_regexp: ""}}, loopback: {{ip: ["127.0.0.0/8"]}}}}
access_rules: {{local: {{allow: local}}, c2s: {{allow: all}}, announce: {{deny: all}}}}
shaper_rules: {{max_user_sessions: 10, max_user_offline_messages: 100}}
registration_timeout: infinity
modules:
  mod_adhoc: {{}}
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_client_state: {{}}
  mod_disco: {{}}
  mod_last: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_private: {{}}
  mod_register: {{ip_access: all, access: all}}
  mod_roster: {{versioning: true}}
  mod_stream_mgmt: {{}}
  mod_time: {{}}
  mod_vcard: {{}}
  mod_version: {{}}
"""

    def __init__(self, domain="verona.example", users=(), extra="",
                 without=(), **kw):
        super().__init__(domain, **kw)
        self.users, self.extra, self.without = list(users), extra, without
        self.ready = []

    def start(self):
        pem = self.dir / "server.pem"
        pem.write_text(pathlib.Path(self.crt).read_text()
                       + pathlib.Path(self.key).read_text())
        (self.dir / "db").mkdir(exist_ok=True)
        config = self.dir / "ejabberd.yml"
        text = self.CONFIG.format(
            domain=self.domain, pem=pem, ca=self.ca.crt, port=self.port,
            tls_port=self.tls_port)
        for module in self.without:
            text = text.replace(f"  {module}: {{}}\n", "")
        config.write_text(text + self.extra)
        self.ready = [Account(self, f"{u}@{self.domain}") for u in self.users]
        particular = [Account(self, f"juliet@{name}.{self.domain}")
                      for name in self.PARTICULAR[:2]]
        made = ", ".join(
            f'ejabberd_auth:try_register(<<"{a.user}">>, <<"{a.domain}">>, '
            f'<<"{a.password}">>)' for a in [*self.ready, *particular])
        libs = [str(p.parent) for p in pathlib.Path("/usr/lib").glob(
            "*/ejabberd-*/ebin")][:1]
        env = dict(os.environ, EJABBERD_CONFIG_PATH=str(config),
                   EJABBERD_LOG_PATH=str(self.dir / "ejabberd.log"),
                   ERL_LIBS=str(pathlib.Path(libs[0]).parent),
                   ERL_CRASH_DUMP=str(self.dir / "crash"),
                   HOME=str(self.dir))
        self.spawn(["erl", "-noinput", "+K", "true", "+S", "1:1", "-mnesia",
                    "dir", f'"{self.dir}/db"', "-s", "ejabberd", "-eval",
                    f'{made or "ok"}, file:write_file("{self.dir}/ready", "")'],
                   env)
        self.wait(lambda: (self.dir / "ready").exists() and
                  listens(self.port) and listens(self.tls_port))
        return self

    def register(self, account):
        if account.domain == self.domain:
            raise NotImplementedError("accounts are made at the start: take()")

    def take(self):
        return self.ready.pop()
