"""Links: listed, opened by a program of the person's own, copied."""
import base64
import http.server
import json
import re
import ssl
import sys
import threading

import pytest

from rig import wait_until

BOB = "<item jid='bob@b.tld' name='Bob' subscription='both'/>"
HELPER = """import json, os, sys
with open(sys.argv[1] + ".new", "w") as f: json.dump(sys.argv[2:], f)
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""


@pytest.fixture
def talking(fake, screen):
    """talking(BODY…): (screen, connection), in the conversation with Bob."""
    def make(*bodies, **kw):
        s = screen(fake, **kw)
        c = fake.accept()
        c.login()
        c.online(roster=BOB)
        c.settle()
        s.wait("Bob")
        s.line("/msg bob@b.tld")
        s.wait("Message to|No messages with")
        for body in bodies:
            c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
                   f"<body>{body}</body></message>")
        c.settle()
        return s, c
    return make


@pytest.fixture
def opener(tmp_path):
    """(command line, wait for what it got)"""
    helper, out = tmp_path / "helper.py", tmp_path / "out"
    helper.write_text(HELPER)

    def got(s):
        wait_until("the helper", lambda: s.pump(0.05) and False or out.exists())
        return json.loads(out.read_text())
    got.out = out
    return f"/set ui.url_opener {sys.executable} {helper} {out}", got


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("gone"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000" if "slow" in self.path else "5")
        self.end_headers()
        self.wfile.write(b"hello")
        self.wfile.flush()
        if "slow" in self.path:
            self.server.hold.wait(30)

    def log_message(self, *args):
        pass


@pytest.fixture
def web(ca):
    """The address of an https server with a certificate of the authority."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.hold = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ca.cert("localhost"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_save_H57(talking, web, tmp_path):
    folder = tmp_path / "files"
    s, c = talking(f"{web}/a/photo.txt", f"{web}/..%2f.bashrc", f"{web}/x/gone")
    s.line(f"/set files.directory {folder}")
    s.wait_quiet(0.1)
    s.line("/url save photo")
    s.wait("private network.*--private")
    assert list(folder.iterdir()) == []
    for _ in range(2):
        s.line("/url save photo --private")
        s.wait("Saved to")
        s.type("\x1b")
        s.wait("Saved to", gone=True)
    s.line("/url save bashrc --private")
    s.wait("Saved to")
    s.line("/url save --private")
    s.wait("no such file any more")
    assert sorted(f.name for f in folder.iterdir()) == [
        "_.bashrc", "photo (2).txt", "photo.txt"]
    for f in folder.iterdir():
        assert f.read_text() == "hello" and f.stat().st_mode & 0o777 == 0o600
    link, there = tmp_path / "link", tmp_path / "there"
    link.symlink_to(there)
    s.line(f"/url save photo {link} --private")
    s.wait("cannot be written")
    assert not there.exists()


def test_save_is_given_up_H57(talking, web, tmp_path):
    s, c = talking(f"{web}/slow.iso")
    s.line(f"/url save --private 1 {tmp_path}/")
    s.wait("\u21930%")
    s.line("/transfer")
    s.wait(r"slow\.iso(.|\n)* 5(.|\n)* 1000")
    assert (tmp_path / "slow.iso.part").exists()
    s.line("/transfer cancel")
    s.wait("\u21930%", gone=True)
    wait_until("what came of it is gone", lambda: not list(tmp_path.glob("slow*")))


def test_bare_view_is_clean_for_the_selection(talking):
    url = "https://a.tld/" + "x" * 150
    s, c = talking(f"look at {url}", "and\nthis")
    s.wait("this")
    before = len(s.bytes)
    s.type("\x1bl")
    s.wait("PageUp older")
    shown = bytes(s.bytes[before:])
    assert f"Bob: look at {url}\r\n".encode() in shown
    assert b"\x1b[?1002l" in shown
    assert not re.search("[\u2502\u2500\u25cb]", s.text())
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
           "<body>meanwhile</body></message>")
    c.settle()
    s.type("\x1b[5~")
    s.wait("look at")
    assert "meanwhile" not in s.text()
    s.type("\x1b")
    s.wait("\u2502(.|\\n)*meanwhile")
    assert b"\x1b[?1002h" in bytes(s.bytes[before:])


def test_list_newest_first(talking):
    s, c = talking("one https://a.tld/1.", "two https://b.tld/2 https://c.tld/3")
    s.line("/url")
    s.wait(r"1 +https://b\.tld/2\b.*\n.*2 +https://c\.tld/3\b.*\n.*3 +https://a\.tld/1 ")


@pytest.mark.parametrize("url", ["https://x/$(id)", "https://x/`id`", "https://x/;rm",
                                 "https://x/'%u"])
def test_open_H56_is_one_literal_argument(talking, opener, url):
    line, got = opener
    s, c = talking(f"look {url} -oProxy", line and "and")
    s.line(line)
    s.wait_quiet(0.1)
    s.type("\x1bo")
    s.wait("Open https://x/")
    assert not got.out.exists()
    s.type("y")
    assert got(s) == [url]


def test_open_by_part_in_its_place_after_no(talking, opener):
    line, got = opener
    s, c = talking("https://wiki.tld/a", "https://other.tld/")
    s.line(line + " '<%u>'")
    s.wait_quiet(0.1)
    s.line("/url open WIKI")
    s.wait("Open https://wiki.tld/a")
    s.type("n")
    s.wait("Please confirm", gone=True)
    s.line("/url open --yes wiki")
    assert got(s) == ["<https://wiki.tld/a>"]


@pytest.mark.parametrize("body, said", [
    ("file:///etc/passwd javascript:alert(1) -oProxy", "no such link"),
    ("https://x/\u202eexe.png", "hide what it is"),
], ids=["scheme", "bidi"])
def test_open_H56_refuses(talking, opener, body, said):
    line, got = opener
    s, c = talking(body)
    s.line(line)
    s.wait_quiet(0.1)
    s.line("/url open --yes")
    s.wait(said)
    assert not got.out.exists()


def test_open_names_the_registered_host(talking):
    s, c = talking("https://b\u00fccher.tld/")
    s.line("/url open")
    s.wait(r"xn--bcher-kva\.tld")


def test_open_xmpp_H47_only_shows_the_conversation(talking, opener):
    line, got = opener
    s, c = talking("xmpp:eve@e.tld?roster;subscribe")
    s.line(line)
    s.wait_quiet(0.1)
    s.line("/url open")
    s.wait("No messages with eve")
    s.line("/url open")
    s.wait("no such link")
    c.settle()
    assert not got.out.exists()


@pytest.mark.parametrize("env", [{}, dict(TMUX="/x,1,0", TERM="tmux-256color"),
                                 dict(STY="1.x", TERM="screen-256color")],
                         ids=["plain", "tmux", "screen"])
def test_copy_by_OSC_52(talking, env):
    url = "https://a.tld/" + "x" * 800
    s, c = talking(url, env=env)
    s.line("/url copy")
    osc = b"\x1b]52;c;" + base64.b64encode(url.encode()) + b"\x07"

    def written():
        s.pump(0.05)
        plain = bytes(s.bytes)
        if "TMUX" in env:
            start = plain.find(b"\x1bPtmux;")
            if osc not in plain or start < 0:
                return False
            plain = plain[start:].replace(b"\x1b\x1b", b"\0")
        return osc in (plain.replace(b"\x1b\\", b"").replace(b"\x1bPtmux;", b"")
                       .replace(b"\x1bP", b"").replace(b"\0", b"\x1b"))
    wait_until("OSC 52", written)


def test_copy_on_a_terminal_without_it(talking):
    s, c = talking("https://a.tld/", env=dict(TERM="linux"))
    s.line("/url copy")
    s.wait("no way to the clipboard")
    assert b"]52;" not in s.bytes
