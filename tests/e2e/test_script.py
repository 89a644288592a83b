"""Command mode: contract.md ss. 1 and 2, and what can go wrong with a pipe."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from txmpp import PATIENCE, environment, once


@pytest.fixture
def offline(profiles, fake):
    """argv of a program that needs no connection."""
    profile = profiles(fake)

    def argv(*options):
        return profile.argv("--offline", *options, connect=False)
    return argv


def lines_of(out):
    return [json.loads(line) for line in out.splitlines()]


def test_comments_and_blank_lines(offline):
    status, out, errors = once(offline("--json"),
                               "# a comment\n\n   \n/echo one\n# /echo two\n")
    assert status == 0, errors
    results = [e for e in lines_of(out) if e["event"] == "result"]
    assert [(r["line"], r["command"], r["ok"]) for r in results] == [
        (4, "echo", True)]


def test_text_output_is_escaped(offline):
    status, out, _ = once(offline(), '{"command":"echo","args":'
                                     '{"text":"a\\tb\\nc\\\\d"}}\n')
    assert status == 0
    assert "a\\tb\\nc\\\\d" in out


def test_format_command(offline):
    status, out, _ = once(offline(), "/format json\n/echo x\n")
    assert status == 0
    assert any('"command"' in line for line in out.splitlines())


def test_tag_comes_back(offline):
    status, out, _ = once(offline("--json"),
                          '{"command":"echo","args":{"text":"x"},"tag":"m1"}\n')
    result = [e for e in lines_of(out) if e["event"] == "result"][0]
    assert result["tag"] == "m1" and result["ok"] is True


@pytest.mark.parametrize("request_line", [
    "{", "{}", '{"command":1}', '{"command":"nonesuch"}', '{"command":"msg"}',
    '{"command":"echo","args":[]}', '{"command":"msg","args":{"jid":"@"}}',
    '{"command":"echo","args":{"txt":"x"}}', '{"command":"echo"} trailing',
    '{"command":"echo","args":{"text":' + "[" * 10000,
    '{"command":"ec\\u0000ho"}',
])
def test_bad_json_requests(offline, request_line):
    status, out, errors = once(offline("--json"), request_line + "\n/echo no\n")
    assert status == 1, (out, errors)
    result = [e for e in lines_of(out) if e["event"] == "result"][0]
    assert result["ok"] is False and result["error"]["text"]
    assert '"no"' not in out


@pytest.mark.parametrize("line", [
    "/nonesuch", "/", "/msg", "/msg not@@a@jid hi", "/wait", "/wait weather",
    "/status sleepy", "/roster add", "/echo 'unfinished", "/set nonesuch 1",
    "/sleep -1", "/msg romeo@example.net hi",
])
def test_a_failed_command_ends_the_script(offline, line):
    status, out, errors = once(offline(), f"/echo before\n{line}\n/echo after\n")
    if line == "/echo 'unfinished":
        assert status in (0, 1)     # the rest of the line as it stands
        return
    assert status == 1, (out, errors)
    assert "before" in out and "after" not in out
    assert errors.startswith("txmpp: "), errors
    assert ":2: " in errors.splitlines()[0], errors


def test_onerror_continue(offline):
    status, out, errors = once(offline(), "/onerror continue\n/nonesuch\n"
                                          "/echo after\n")
    assert status == 1 and "after" in out and ":2: " in errors


def test_source_is_named(offline, tmp_path):
    source = tmp_path / "balcony.txmpp"
    source.write_text("/echo fine\n/nonesuch\n")
    status, out, errors = once(offline("--file", source))
    assert status == 1
    assert errors.startswith(f"txmpp: {source}:2: "), errors


def test_file_and_commands_in_order(offline, tmp_path):
    status, out, _ = once(offline("-c", "/echo one", "-c", "/echo two\n/echo three"))
    assert status == 0
    assert out.index("one") < out.index("two") < out.index("three")
    status, out, _ = once(offline("-f", "-"), "/echo four\n")
    assert status == 0 and "four" in out
    status, _, errors = once(offline("-f", tmp_path / "missing"))
    assert status == 2 and "missing" in errors


def test_c_leaves(offline):
    """-c runs and leaves although standard input has more."""
    status, out, _ = once(offline("-c", "/echo one"), "/echo two\n")
    assert status == 0 and "one" in out


def test_script_command_runs_a_file(offline, tmp_path):
    source = tmp_path / "s"
    source.write_text("/echo from the file\n")
    status, out, _ = once(offline("-c", f"/script run {source}"))
    assert status == 0 and "from the file" in out


def test_screen_commands_say_so(offline):
    status, _, errors = once(offline("-c", "/win 1"))
    assert status == 1 and errors


def test_exec_is_off(offline, tmp_path):
    target = tmp_path / "made"
    status, _, errors = once(offline("-c", f"/exec touch {target}"))
    assert status == 1 and errors and not target.exists()


def test_secrets_are_no_arguments(offline):
    status, _, _ = once(offline("--password", "x"))
    assert status == 2


def test_sleep_and_quit(offline):
    begin = time.monotonic()
    status, out, _ = once(offline("-c", "/sleep 0.3", "-c", "/quit",
                                  "-c", "/echo never"))
    assert status == 0 and "never" not in out
    assert time.monotonic() - begin >= 0.3


# ---- F32: the pipe --------------------------------------------------------------

def test_F32_half_line_at_the_end(offline):
    status, out, _ = once(offline(), "/echo one\n/echo two")
    assert status == 0 and "two" in out


def test_F32_no_input_at_all(offline):
    assert once(offline())[0] == 0


def test_F32_nul(offline):
    status, out, errors = once(offline(), b"/echo a\0b\n/echo after\n")
    assert status == 1 and errors
    assert "after" not in out


def test_F32_not_utf8(offline):
    status, out, errors = once(offline(), b"/echo \xff\xfe\n")
    assert status == 1 and errors


def test_F32_crlf(offline):
    status, out, _ = once(offline("--json"), b"/echo one\r\n")
    assert status == 0 and "\\r" not in out


def test_F32_long_line(offline):
    """10 MB: one sentence, and no memory of that size for long."""
    status, _, errors = once(offline(), b"/echo " + b"x" * 10_000_000 + b"\n"
                             + b"/echo after\n")
    assert status == 1
    assert errors.startswith("txmpp: ") and len(errors) < 2000


def test_F32_endless_line(offline):
    p = subprocess.Popen(offline(), stdin=subprocess.PIPE,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         env=environment())
    try:
        for _ in range(64):
            p.stdin.write(b"x" * 1_000_000)
        p.stdin.close()
    except BrokenPipeError:
        pass
    assert p.wait(PATIENCE) == 1
    assert len(p.stderr.read()) < 2000
    p.stderr.close()


def test_F32_P17_closed_output(offline):
    """EPIPE ends it quietly: no SIGPIPE, no word."""
    p = subprocess.Popen(offline(), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=environment())
    p.stdout.close()
    try:
        p.stdin.write(b"/echo hello\n" * 20000)
        p.stdin.close()
    except BrokenPipeError:
        pass
    status = p.wait(PATIENCE)
    assert status >= 0, f"killed by signal {-status}"
    assert p.stderr.read() == b""
    p.stderr.close()


def test_F32_stalled_reader(fake, script):
    """Nobody reads our output: memory stays bounded, and nothing is lost."""
    t = fake_client(fake, [], script)
    c = t.conn
    with t.changed:                     # the reading thread waits for us
        body = "x" * 1000
        stanza = "".join(f"<message from='mal@e.tld/x' to='{c.jid}' "
                         f"type='chat' id='s{i}'><body>{i} {body}</body>"
                         "</message>" for i in range(1000)).encode()
        c.sock.settimeout(2)
        sent = 0
        try:
            while sent < 30:
                c.sock.sendall(stanza)
                sent += 1
        except TimeoutError:
            pass
        rss = int([line.split()[1] for line in
                   open(f"/proc/{t.process.pid}/status")
                   if line.startswith("VmRSS")][0])
    limit = 1_500_000 if os.environ.get("TXMPP_SANITIZED") else 150_000
    assert rss < limit, f"{rss} KB"


def fake_client(fake, options, script):
    t = script(fake, *options)
    t.conn = fake.online()
    t.wait("connected")
    return t


# ---- signals ----------------------------------------------------------------------

@pytest.mark.parametrize("number,expected", [(signal.SIGTERM, 0),
                                             (signal.SIGINT, 130)])
def test_signals_close_the_stream(fake, script, number, expected):
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    t.process.send_signal(number)
    assert c.until_closed()
    assert t.exit() == expected


def test_signal_during_a_wait(fake, script):
    t = script(fake)
    fake.online()
    t.wait("connected")
    t.feed("/wait message")
    t.process.send_signal(signal.SIGTERM)
    fake.conns[0].until_closed()
    assert t.exit() == 0


def test_signal_before_the_connection(fake, script):
    t = script(fake)
    fake.accept()
    t.process.send_signal(signal.SIGINT)
    assert t.exit(10) == 130


# ---- done means done -----------------------------------------------------------------

def test_msg_waits_for_the_server(fake, script):
    """Without stream management a ping behind the message says so."""
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    line = t.feed("/msg bob@b.tld hello")
    message = c.expect("message")
    assert message.find("{jabber:client}body").text == "hello"
    assert not t.ever("result", line=line)
    c.settle()
    t.wait("result", since=0, line=line, ok=True)


def test_roster_add_waits_for_result_and_push(fake, script):
    t = script(fake)
    c = fake.accept()
    c.answers[("jabber:iq:roster", "query")] = lambda iq: (
        f"<iq type='result' id='{iq.get('id')}'><query "
        "xmlns='jabber:iq:roster'/></iq>" if iq.get("type") == "get"
        else sets.append(iq))
    sets = []
    c.login()
    c.online()
    t.wait("connected")
    line = t.feed("/roster add bob@b.tld Bob")
    while not sets:
        c.answer(c.next())
    c.result(sets[0])
    c.settle()
    assert not t.ever("result", line=line)
    c.send("<iq type='set' id='push1' to='me@v.tld/tx'><query "
           "xmlns='jabber:iq:roster'><item jid='bob@b.tld' name='Bob' "
           "subscription='none'/></query></iq>")
    c.expect("iq", type="result", id="push1")
    t.wait("result", since=0, line=line, ok=True)


def test_C44_commands_run_one_after_another(fake, script):
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    t.feed(b"/msg bob@b.tld one\n/msg bob@b.tld two\n/msg bob@b.tld three\n")
    bodies = [c.expect("message").find("{jabber:client}body").text
              for _ in range(3)]
    assert bodies == ["one", "two", "three"]


def test_end_of_input_finishes_first(fake, script):
    t = script(fake)
    c = fake.online()
    t.feed("/msg bob@b.tld parting words")
    t.eof()
    c.expect("message")
    assert c.until_closed()
    assert t.exit() == 0


def test_link_lost_in_a_command(fake, script):
    """Exit 5: the connection was lost and not restored."""
    t = script(fake, "--timeout", "5")
    c = fake.online()
    t.wait("connected")
    t.feed("/msg bob@b.tld hello")
    c.expect("message")
    fake.refuse()
    c.rst()
    assert t.exit() in (5, 6)
    assert t.errors


# ---- /wait -----------------------------------------------------------------------------

def message(c, body, frm="bob@b.tld/p", kind="chat", extra=""):
    c.send(f"<message from='{frm}' to='{c.jid}' type='{kind}'>"
           f"<body>{body}</body>{extra}</message>")


def test_wait_message_from_and_match(fake, script):
    t = fake_client(fake, [], script)
    c = t.conn
    line = t.feed("/wait message from bob@b.tld match ^yes")
    c.settle()
    message(c, "yes", "eve@e.tld/x")
    message(c, "no")
    c.settle()
    assert not t.ever("result", line=line)
    message(c, "yes indeed")
    assert t.wait("result", since=0, line=line)["ok"] is True


def test_wait_online_synced_are_quick_when_true(fake, script):
    t = fake_client(fake, [], script)
    t.run("/wait online")
    t.run("/wait synced")


def test_wait_timeout(fake, script):
    t = fake_client(fake, [], script)
    t.run("/onerror continue")
    assert t.run("/wait message --timeout 0.2", ok=False)["error"]["condition"]


def test_wait_bad_regex(fake, script):
    t = fake_client(fake, [], script)
    t.run("/wait message match [", ok=False)


def test_wait_with_nothing_to_come(offline):
    begin = time.monotonic()
    status, _, errors = once(offline("-c", "/wait message"))
    assert status == 1 and errors       # 6: it waited
    assert time.monotonic() - begin < 10


def test_events_are_chosen(fake, script):
    t = fake_client(fake, [], script)
    c = t.conn
    t.run("/events presence")
    message(c, "unseen")
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}'/>")
    t.wait("presence", **{"from": "bob@b.tld/p"})
    assert not t.ever("message")
    t.run("/events off")
    c.send(f"<presence from='bob@b.tld/q' to='{c.jid}'/>")
    c.settle()
    t.run("/events message")
    message(c, "seen")
    t.wait("message", body="seen")
    assert not t.ever("presence", **{"from": "bob@b.tld/q"})


def test_events_have_common_members(fake, script):
    t = fake_client(fake, [], script)
    message(t.conn, "x")
    event = t.wait("message")
    assert event["account"] == "me@v.tld"
    import datetime
    stamp = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    assert abs(stamp.timestamp() - time.time()) < 60


def test_delay_is_the_time_of_the_event(fake, script):
    t = fake_client(fake, [], script)
    message(t.conn, "old", extra="<delay xmlns='urn:xmpp:delay' "
            "from='v.tld' stamp='2020-01-02T03:04:05Z'/>")
    event = t.wait("message", body="old")
    assert event["time"].startswith("2020-01-02T03:04:05")


def test_C56_message_types_subject_thread(fake, script):
    t = fake_client(fake, [], script)
    c = t.conn
    message(c, "news", kind="headline", extra="<subject>s</subject>"
            "<thread>th</thread>")
    event = t.wait("message", body="news")
    assert (event["type"], event["subject"], event["thread"]) == \
        ("headline", "s", "th")
    message(c, "odd", kind="sculpture")                       # C56
    assert t.wait("message", body="odd")["type"] == "normal"


def test_C55_locks_to_the_resource(fake, script):
    t = fake_client(fake, [], script)
    c = t.conn
    t.feed("/msg bob@b.tld one")
    assert c.expect("message").get("to") == "bob@b.tld"
    message(c, "hi", "bob@b.tld/p")
    c.settle()
    t.feed("/msg bob@b.tld two")
    assert c.expect("message").get("to") == "bob@b.tld/p"
    c.send(f"<presence from='bob@b.tld/p' to='{c.jid}' type='unavailable'/>")
    c.settle()
    t.feed("/msg bob@b.tld three")
    assert c.expect("message").get("to") == "bob@b.tld"


def test_xmpp_uri_as_address(fake, script):
    t = fake_client(fake, [], script)
    t.feed("/msg xmpp:bob@b.tld hello")
    assert t.conn.expect("message").get("to") == "bob@b.tld"


def test_C62_jid_is_prepared(fake, script):
    t = fake_client(fake, [], script)
    t.feed("/msg BOB@B.TLD. hello")
    assert t.conn.expect("message").get("to") == "bob@b.tld"


def answered(t, c, line):
    """The result of a command that needs the server's answers."""
    end = time.monotonic() + PATIENCE
    while not t.ever("result", line=line) and time.monotonic() < end:
        c.settle()
    return t.wait("result", since=0, line=line)


# ---- F36: what we would rather not send ---------------------------------------------------

@pytest.mark.parametrize("text", ["a\\u0002b", "a\\ufffeb", "a\\u001bb"])
def test_F36_no_forbidden_character_leaves(fake, script, text):
    t = fake_client(fake, [], script)
    c = t.conn
    line = t.feed('{"command":"msg","args":{"jid":"bob@b.tld","text":"%s"}}'
                  % text)
    answered(t, c, line)
    for bad in (b"\x02", b"\xef\xbf\xbe", b"\x1b"):
        assert bad not in c.received


def test_F36_lone_surrogate(fake, script):
    t = fake_client(fake, [], script)
    t.feed("/onerror continue")
    line = t.feed('{"command":"msg","args":{"jid":"bob@b.tld",'
                  '"text":"a\\ud800b"}}')
    answered(t, t.conn, line)


def test_F36_long_text_and_many_lines(fake, script):
    t = fake_client(fake, [], script)
    c = t.conn
    t.feed("/onerror continue")
    for text in ("x" * 500_000, "\n".join(map(str, range(10_000)))):
        line = t.feed(json.dumps({"command": "msg", "args": {
            "jid": "bob@b.tld", "text": text}}))
        result = answered(t, c, line)
        got = [s for s in c.seen if s.tag.endswith("message")]
        assert bool(got) == result["ok"]
        if got:
            assert got[0].find("{jabber:client}body").text == text
        c.seen.clear()


# ---- H47, H55, H56, H62 -------------------------------------------------------------------

def test_H55_one_event_is_one_line(fake, profiles, script):
    t = script(fake, json_output=False)
    c = fake.online()
    message(c, "x&#10;message\tforged&#10;12:00 bob: yes&#13;&#x2028;z")
    t.eof()
    c.until_closed()
    t.exit()
    text = t.raw.decode()
    assert "\\n12:00 bob: yes" in text
    assert not any(line.startswith(("12:00", "message\tforged"))
                   for line in text.splitlines())


def test_H55_json_is_escaped(fake, script):
    t = fake_client(fake, [], script)
    message(t.conn, "a&#10;b \u009b31m \u202e \u2028 &quot; \\")
    event = t.wait("message")
    assert event["body"].startswith("a\nb ")
    for raw in (b"\xc2\x9b", b"\xe2\x80\xae", b"\xe2\x80\xa8"):
        assert raw not in t.raw
    assert all(len(line) for line in t.raw.splitlines())


def test_H47_strangers_cannot_command(fake, script):
    t = fake_client(fake, [], script)
    c = t.conn
    payloads = [
        "<command xmlns='http://jabber.org/protocol/commands' node='x' "
        "action='execute'/>",
        "<query xmlns='jabber:iq:roster'><item jid='mal@e.tld' "
        "subscription='both'/></query>",
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'/>",
        "<query xmlns='jabber:iq:register'><username>x</username></query>",
        "<x xmlns='jabber:x:data' type='form'/>",
        "<query xmlns='jabber:iq:oob'><url>file:///etc/passwd</url></query>",
    ]
    for i, payload in enumerate(payloads):
        c.send(f"<iq type='set' id='h47-{i}' from='mal@e.tld/x' "
               f"to='{c.jid}'>{payload}</iq>")
        assert c.expect("iq", id=f"h47-{i}").get("type") == "error"
    for body in ("xmpp:bob@b.tld?roster;subscribe", "/quit",
                 "xmpp:bob@b.tld?message;body=x", "{\"command\":\"quit\"}"):
        message(c, body, "mal@e.tld/x")
    c.settle()
    assert not [s for s in c.seen if s.get("to") == "bob@b.tld"]
    t.run("/roster")


def test_H62_no_password_in_the_process(fake, profiles, script, tmp_path):
    profile = profiles(fake)
    fake.password = "Hyp3r-Secret"
    profile.password_file.write_text(fake.password + "\n")
    log = tmp_path / "debug.log"
    t = script(profile, "--debug", str(log))
    fake.online()
    t.wait("connected")
    proc = f"/proc/{t.process.pid}"
    for name in ("cmdline", "environ"):
        assert fake.password.encode() not in open(f"{proc}/{name}", "rb").read()
    limits = open(f"{proc}/limits").read()
    core = [line for line in limits.splitlines() if "core file" in line][0]
    assert core.split()[4] == "0", core
    import base64
    for secret in (fake.password.encode(),
                   base64.b64encode(fake.password.encode())):
        assert secret not in log.read_bytes()
        for path in profile.profile.rglob("*"):
            if path.is_file():
                assert secret not in path.read_bytes(), path
    if os.geteuid() == 0 and not os.environ.get("TXMPP_SANITIZED"):
        assert not memory_has(t.process.pid, fake.password.encode())


def memory_has(pid, needle):
    """Whether it is in memory that a core file would have."""
    def mappings():
        area = None
        for line in open(f"/proc/{pid}/smaps"):
            head = re.match("([0-9a-f]+)-([0-9a-f]+) (....)", line)
            if head:
                area = (int(head[1], 16), int(head[2], 16), head[3])
            elif line.startswith("VmFlags:") and "dd" not in line.split() and \
                    "w" in area[2]:
                yield area[:2]
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end in mappings():
            try:
                memory.seek(start)
                if needle in memory.read(end - start):
                    return True
            except (OSError, OverflowError):
                pass
    return False


def made_profile(profiles, fake):
    """A profile with an account, and what runs a line in it offline."""
    profile = profiles(fake)
    argv = profile.argv("--offline", "-c", f"/history show {fake.bare}")
    assert once(profile.argv("--offline", "-c", "/echo x"))[0] == 0
    return profile, argv


def hostile(folder, what):
    database = folder / "history.db"
    if what == "writable profile":
        folder.parent.chmod(0o777)
    elif what == "writable folder":
        folder.chmod(0o777)
    elif what == "symbolic link":
        database.rename(folder.parent / "elsewhere.db")
        database.symlink_to(folder.parent / "elsewhere.db")
    elif what == "named pipe":
        database.unlink()
        os.mkfifo(database)
    else:
        import sqlite3
        with sqlite3.connect(database) as db:
            db.execute({
                "trigger": "CREATE TRIGGER t AFTER INSERT ON message BEGIN "
                           "SELECT load_extension('/tmp/evil'); END",
                "view": "CREATE VIEW chats AS SELECT 1"}[what])
        db.close()


@pytest.mark.parametrize("what", [
    "writable profile", "writable folder", "symbolic link", "named pipe",
    "trigger", "view"])
def test_H64_hostile_profile(profiles, fake, what):
    """Refused with a reason; nothing of it is used or made worse."""
    profile, argv = made_profile(profiles, fake)
    folder = profile.profile / fake.bare
    assert (folder / "history.db").exists()
    hostile(folder, what)
    _, _, errors = once(argv)
    assert errors.startswith("txmpp: "), errors
    assert str(profile.profile) in errors
    if what == "writable profile":
        assert once(profile.argv("-c", "/echo x"))[0] == 2
    folder.chmod(0o700)
    profile.profile.chmod(0o700)


def test_H62_profile_is_private(prosody, profiles, script):
    profile = profiles(prosody.account("juliet"))
    t = script(profile).online()
    t.run("/set theme light", ok=None)
    t.quit()
    loose = [p for p in [profile.profile, *profile.profile.rglob("*")]
             if p.exists() and p.stat().st_mode & 0o077]
    assert loose == []
