"""Signing in: both servers, both kinds of TLS, and every way it can fail.
Exit statuses are those of contract.md s. 1."""
import socket
import time

import pytest

from rig import Account
from txmpp import PATIENCE, once


@pytest.fixture(params=["prosody", "ejabberd"])
def account(request):
    if request.param == "prosody":
        return request.getfixturevalue("prosody").account("juliet")
    return request.getfixturevalue("ejabberd").take()


def test_starttls(account, script):
    t = script(account)
    event = t.wait("connected")
    assert event["jid"] == f"{account.jid}/tx"
    assert event["account"] == account.jid
    assert event["resumed"] is False
    assert t.quit() == 0


@pytest.mark.parametrize("options", [["--tls", "direct"]])
def test_direct_tls(account, profiles, script, options):
    t = script(profiles(account, direct=True), *options)
    t.wait("connected")
    assert t.quit() == 0


def test_tls_mode_starttls(account, script):
    t = script(account, "--tls", "starttls")
    t.wait("connected")
    assert t.quit() == 0


def test_no_resource_asked_for(account, script):
    t = script(account, resource=None)
    assert t.wait("connected")["jid"].startswith(account.jid + "/")
    assert t.quit() == 0


def test_unicode_resource_and_status(account, script, prosody):
    t = script(account, "--status", "away", resource="Balkon Öst")
    assert t.wait("connected")["jid"] == account.jid + "/Balkon Öst"
    assert t.quit() == 0


def test_password_from_fd_and_command(account, profiles):
    profile = profiles(account)
    argv = [a for a in profile.argv("-c", "/wait online")
            if a not in ("--password-file", str(profile.password_file))]
    with open(profile.password_file) as f:
        status, _, errors = once([*argv, "--password-fd", str(f.fileno())],
                                 pass_fds=[f.fileno()])
    assert status == 0, errors
    status, _, errors = once(
        [*argv, "--password-command", f"cat {profile.password_file}"])
    assert status == 0, errors
    status, _, errors = once([*argv, "--password-command", "false"])
    assert status == 4, errors


def test_wrong_password(account, profiles):
    profile = profiles(account)
    profile.password_file.write_text("a rose\n")
    status, out, errors = once(profile.argv("-c", "/wait online"))
    assert status == 4, (out, errors)
    assert "password" in errors
    assert "a rose" not in out + errors


def test_no_password_at_all(account, profiles):
    profile = profiles(account)
    argv = [a for a in profile.argv("-c", "/wait online")
            if a not in ("--password-file", str(profile.password_file))]
    status, _, errors = once(argv, start_new_session=True)
    assert status == 4, errors
    assert "password" in errors


def test_unknown_account(prosody, profiles):
    status, _, errors = once(profiles(Account(
        prosody, f"paris@{prosody.domain}")).argv("-c", "/wait online"))
    assert status == 4, errors


def test_no_server(ca, profiles, fake):
    fake.refuse()
    status, _, errors = once(profiles(fake).argv("-c", "/wait online"))
    assert status == 3, errors
    assert str(fake.port) in errors or "refused" in errors.lower()


def test_no_such_host(profiles, fake):
    profile = profiles(fake)
    argv = profile.argv("-c", "/wait online", connect=False)
    status, _, errors = once([*argv, "--server", "host.invalid"])
    assert status == 3, errors


def test_untrusted_certificate(prosody, profiles):
    profile = profiles(prosody.account("juliet"))
    profile.ca = None
    status, out, errors = once(profile.argv("-c", "/wait online"))
    assert status == 3, (out, errors)
    assert "certificate" in errors


def test_deadline_while_connecting(profiles, fake):
    begin = time.monotonic()
    argv = profiles(fake).argv("--timeout", "1", "-c", "/wait online")
    status, _, errors = once(argv, timeout=PATIENCE)
    assert status == 6, errors
    assert time.monotonic() - begin < 15


def test_deadline_of_a_command(account, profiles):
    status, _, errors = once(profiles(account).argv(
        "--timeout", "5", "-c", "/wait message --timeout 1"))
    assert status == 6, errors


@pytest.mark.parametrize("argv", [
    ["--no-such-option"], ["--output", "sculpture", "a@b.example"],
    ["--tls", "perhaps", "a@b.example"], ["@nowhere", "-c", "/wait online"],
    ["--timeout", "soon", "a@b.example"], ["--password-fd", "x", "a@b.example"],
    ["--password-fd", "0", "--command", "/help", "a@b.example"],
])
def test_wrong_usage(argv, profiles, fake):
    profile = profiles(fake)
    status, out, errors = once([profile.argv()[0], "--profile",
                                str(profile.profile), *argv])
    assert status == 2, (out, errors)
    assert errors.startswith("txmpp: ")


def test_version_and_help(profiles, fake):
    program = profiles(fake).argv()[0]
    status, out, _ = once([program, "--version"])
    assert status == 0 and out.startswith("txmpp ")
    for library in ("GLib ", "libstrophe ", "OpenSSL ", "libidn2 ",
                    "utf8proc ", "expat_", "json-glib ", "ncurses ",
                    "readline "):
        assert library in out, library
    status, out, _ = once([program, "--help"])
    assert status == 0
    for option in ("--command", "--file", "--send", "--script", "--output",
                   "--timeout", "--password-file", "--password-fd",
                   "--password-command", "--server", "--tls", "--ca-file",
                   "--resource", "--status", "--profile", "--config",
                   "--theme", "--offline", "--debug", "--version"):
        assert option in out, option
    assert len(out.splitlines()) <= 50


def test_clear_text_only_on_loopback(fake, script, profiles):
    t = script(fake, "--tls", "off")
    c = fake.accept()
    c.login(tls=False, mechanisms=("SCRAM-SHA-256",))
    c.online()
    t.wait("connected")
    profile = profiles(fake)
    argv = profile.argv("--tls", "off", "-c", "/wait online", connect=False)
    status, _, errors = once([*argv, "--server", "192.0.2.1:5222"])
    assert status == 2, errors


@pytest.mark.parametrize("offered,chosen", [
    (("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"),
     "SCRAM-SHA-512"),
    (("SCRAM-SHA-1", "PLAIN"), "SCRAM-SHA-1"),
    (("SCRAM-SHA-256", "X-TOKEN"), "SCRAM-SHA-256"),
])
def test_C24_strongest_mechanism(fake, script, offered, chosen):
    script(fake)
    c = fake.accept()
    assert c.login(mechanisms=offered) == chosen


def test_plus_with_server_end_point(fake, script):
    """RFC 5929 s. 4: the certificate's hash binds the login to this TLS."""
    import hashlib
    import ssl
    script(fake)
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]) +
           "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
           "<channel-binding type='tls-server-end-point'/>"
           "</sasl-channel-binding>")
    request = c.next_sasl("auth")
    assert request.get("mechanism") == "SCRAM-SHA-256-PLUS"
    exchange = c.scram(request)
    exchange.challenge()
    assert exchange.response()
    der = ssl.PEM_cert_to_DER_cert(open(fake.cert[0]).read())
    assert exchange.gs2 == "p=tls-server-end-point,,"
    assert exchange.binding == exchange.gs2.encode() + \
        hashlib.sha256(der).digest()
    exchange.success()
    c.restart()
    c.bind()


@pytest.fixture
def configured(fake, profiles, script, tmp_path):
    """configured("proxy = …"): settings of the account, then the program."""
    def make(*settings, **kw):
        path = tmp_path / "txmpp.conf"
        path.write_text("\n".join([f"[account {fake.bare}]", *settings, ""]))
        path.chmod(0o600)
        return script(profiles(fake), "--config", path, **kw)
    return make


def test_C27_external_with_client_certificate(ca, fake, configured):
    crt, key = ca.cert(san="otherName:1.3.6.1.5.5.7.8.5;UTF8:me@v.tld")
    t = configured(f"client_cert = {crt}", f"client_key = {key}")
    c = fake.accept()
    c.starttls(client_ca=ca.crt)
    assert c.sock.getpeercert()
    c.open(c.mechanisms(["EXTERNAL", "SCRAM-SHA-256"]))
    request = c.next_sasl("auth")
    assert request.get("mechanism") == "EXTERNAL"
    assert request.text == "="                           # C27
    c.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    c.restart()
    c.bind()
    c.online()
    t.wait("connected")


def test_anonymous(fake, configured):
    t = configured("anonymous = on")
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["ANONYMOUS", "SCRAM-SHA-256"]))
    assert c.next_sasl("auth").get("mechanism") == "ANONYMOUS"
    c.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    c.restart()
    c.bind(jid="x1y2@v.tld/z")
    c.online()
    assert t.wait("connected")["jid"] == "x1y2@v.tld/z"


def test_H11_plain_needs_a_yes(fake, configured, script):
    t = script(fake, "--timeout", "10", "-c", "/wait online")
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["PLAIN"]))
    c.until_closed()
    assert b"<auth" not in c.received
    assert t.exit() == 4
    assert b"plain_allowed on" in t.errors
    t = configured("plain_allowed = on")
    c = fake.accept()
    assert c.login(mechanisms=["PLAIN"]) == "PLAIN"
    c.online()
    t.wait("connected")


@pytest.fixture(params=["prosody", "ejabberd"])
def particular(request):
    """particular("plain"): juliet where one signs in like that only."""
    server = request.getfixturevalue(request.param)

    def make(kind):
        account = Account(server, f"juliet@{kind}.{server.domain}")
        server.register(account)
        return account
    return make


def test_scram_only(particular, script):
    account = particular("scram")
    t = script(account)
    assert t.wait("connected")["account"] == account.jid
    assert t.quit() == 0


def test_H11_plain_only(particular, profiles):
    """Refused with the words that allow it; then it works."""
    profile = profiles(particular("plain"))
    status, _, errors = once(profile.argv("-c", "/wait online"))
    assert status == 4 and "PLAIN" in errors and "plain_allowed" in errors
    allow = f"/account set {profile.jid} plain_allowed on"
    assert once(profile.argv("--offline", "-c", allow))[0] == 0
    status, _, errors = once(profile.argv("-c", "/wait online"))
    assert status == 0, errors


def test_guest(particular, profiles, script):
    """A domain instead of an address: SASL ANONYMOUS."""
    profile = profiles(particular("anon"))
    profile.jid = profile.jid.partition("@")[2]
    t = script(profile)
    jid = t.wait("connected")["jid"]
    assert jid.partition("/")[0].endswith("@" + profile.jid)
    t.run("/ping")
    assert t.quit() == 0


def test_H11_plain_allowed_by_a_command(fake, profiles, script):
    """What the sentence of the refusal says."""
    profile = profiles(fake)
    assert once(profile.argv("--offline", "-c", f"/account set {fake.bare} "
                             "plain_allowed on"))[0] == 0
    t = script(profile)
    c = fake.accept()
    assert c.login(mechanisms=["PLAIN"]) == "PLAIN"
    c.online()
    t.wait("connected")


@pytest.mark.parametrize("answer", ["y", "n"])
def test_H11_plain_is_asked_on_the_screen(fake, profiles, screen, answer):
    """Nobody has to know a setting; a yes is remembered, a no sends nothing."""
    profile = profiles(fake)
    s = screen(profile)
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["PLAIN"]))
    s.wait("Send the password")
    assert "v.tld" in s.text()
    assert b"<auth" not in c.received
    s.type(answer)
    if answer == "n":
        c.until_closed()
        assert b"<auth" not in c.received
        return
    request = c.next_sasl("auth")
    assert request.get("mechanism") == "PLAIN"
    c.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    c.restart()
    c.bind()
    c.online()
    s.process.kill()
    s.process.wait()
    s = screen(profile)
    c = fake.accept()
    assert c.login(mechanisms=["PLAIN"]) == "PLAIN"


def test_nobody_types_against_the_clock(fake, profiles, screen, preload,
                                        tmp_path):
    """--timeout does not run while a password is being typed."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    profile = profiles(fake)
    argv = [a for a in profile.argv("--script", "--timeout", "30", "-c",
                                    "/wait online")
            if a not in ("--password-file", str(profile.password_file))]
    s = screen(profile, argv=argv,
               env=preload("clock", MONOTONIC_FILE=str(clock)))
    c = fake.accept()
    c.starttls()
    c.open(c.mechanisms(["SCRAM-SHA-256"]))
    s.wait("Password of me@v.tld")
    clock.write_text("60")
    s.line("pencil")
    c.scram(c.next_sasl("auth")).finish()
    c.restart()
    c.bind()
    c.online()
    c.until_closed()
    assert s.wait_exit() == 0
    assert "pencil" not in s.text()


@pytest.mark.parametrize("argv", [["-c", "/who"], ["--send", "a@b.example"],
                                  ["-c", "/msg a@b.example hi"]])
def test_no_account_is_wrong_usage(profiles, fake, argv):
    profile = profiles(fake)
    status, out, errors = once([profile.argv()[0], "--profile",
                                str(profile.profile), *argv], "hello")
    assert status == 2, (out, errors)
    assert "no account" in errors


def test_C49_socks5_with_remote_names(ca, fake, configured, profiles):
    """The proxy is told the name; nothing is asked of DNS here."""
    import threading
    from fake import Conn
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    asked = []

    def proxy():
        sock, _ = listener.accept()
        sock.settimeout(20)
        version, count = sock.recv(2)
        assert version == 5 and 0 in sock.recv(count)
        sock.sendall(b"\5\0")
        head = sock.recv(5)
        assert head[:4] == b"\5\1\0\3"          # CONNECT to a name
        name = sock.recv(head[4])
        port = int.from_bytes(sock.recv(2), "big")
        asked.append((name, port))
        sock.sendall(b"\5\0\0\1\0\0\0\0\0\0")
        c = Conn(fake, sock)
        c.login()
        c.online()

    thread = threading.Thread(target=proxy, daemon=True)
    thread.start()
    t = configured(f"proxy = socks5://127.0.0.1:{listener.getsockname()[1]}",
                   "server = hidden.invalid", "port = 5222", connect=False)
    t.wait("connected")
    assert asked == [(b"hidden.invalid", 5222)]
    thread.join(5)
    listener.close()


def test_C58_sni_and_alpn(fake, profiles, script):
    """RFC 7590 s. 3.5: the JID's domain, not the server's name."""
    import ssl
    script(fake, "--tls", "direct")
    c = fake.accept()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*fake.cert)
    context.set_alpn_protocols(["xmpp-client"])
    names = []
    context.sni_callback = lambda s, name, x: names.append(name)
    c.sock.settimeout(20)
    c.sock = context.wrap_socket(c.sock, server_side=True)
    assert names == ["v.tld"]
    assert c.sock.selected_alpn_protocol() == "xmpp-client"
    c.restart()
    c.login(tls=False)


def test_C32_resource_conflict(fake, script):
    t = script(fake)
    c = fake.accept()
    c.starttls()
    c.auth()
    c.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
    first = c.next()
    c.error(first, "conflict")
    second = c.next()
    assert second.get("id") != first.get("id")
    wanted = second[0].find("{urn:ietf:params:xml:ns:xmpp-bind}resource")
    assert wanted is None or wanted.text != "tx"
    c.jid = "me@v.tld/other"
    c.result(second, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<jid>me@v.tld/other</jid></bind>")
    c.online()
    assert t.wait("connected")["jid"] == "me@v.tld/other"


def test_C04_C05_C22_stream_header(fake, script):
    script(fake)
    c = fake.accept()
    header = c.read_header()
    assert header.tag == "{http://etherx.jabber.org/streams}stream"
    assert header.get("to") == "v.tld" and header.get("version") == "1.0"
    assert header.get("{http://www.w3.org/XML/1998/namespace}lang")
    assert header.get("from") is None
    c.starttls()
    assert c.read_header().get("from") == "me@v.tld"


def test_C11_orderly_end(fake, script):
    """We close the stream, wait for the answer and handle what comes first."""
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    t.eof()
    presence = c.expect("presence", type="unavailable")
    assert presence.get("to") is None
    while not c.ended:
        try:
            c.answer(c.next())
        except Exception:
            break
    assert c.ended
    c.send("<message from='bob@b.tld/p' to='me@v.tld/tx' type='chat'>"
           "<body>just in time</body></message></stream:stream>")
    assert t.exit() == 0
    assert t.ever("message", body="just in time")


def test_C53_presence_after_roster(fake, script):
    script(fake)
    c = fake.accept()
    c.login()
    order = []
    while "presence" not in order:
        stanza = c.next()
        if stanza.tag.endswith("presence"):
            order.append("presence")
        elif len(stanza) and stanza[0].tag == "{jabber:iq:roster}query":
            order.append("roster")
        c.answer(stanza)
    assert order == ["roster", "presence"]


def test_status_offline_sends_no_presence(fake, script):
    t = script(fake, "--status", "offline")
    c = fake.accept()
    c.login()
    c.settle()
    t.wait("connected")
    assert b"<presence" not in c.received


def test_no_credentials_in_debug_log(prosody, profiles, tmp_path):
    account = prosody.account("juliet", password="s3cret-Capulet")
    profile = profiles(account)
    log = tmp_path / "debug.log"
    status, _, errors = once(profile.argv("--debug", log, "-c", "/wait synced"))
    assert status == 0, errors
    import base64
    text = log.read_bytes()
    assert b"jabber:iq:roster" in text
    for secret in (b"s3cret-Capulet", base64.b64encode(b"s3cret-Capulet"),
                   base64.b64encode(f"\0{account.user}\0s3cret-Capulet".encode())):
        assert secret not in text


def test_offline_needs_no_server(profiles, fake):
    fake.refuse()
    status, out, errors = once(profiles(fake).argv(
        "--offline", "--json", "-c", "/echo hello", "-c", "/help msg"))
    assert status == 0, errors
    assert "hello" in out
