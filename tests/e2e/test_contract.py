"""contract.md, sentence by sentence: what a stranger who has only read it would
try. What other files test already is not repeated here."""
import json
import os
import pathlib
import subprocess

import pytest

from txmpp import binary, environment, once


@pytest.fixture
def offline(profiles, fake):
    """argv of a program that needs no connection."""
    profile = profiles(fake)

    def argv(*options):
        return profile.argv("--offline", *options, connect=False)
    return argv


def lines_of(out):
    return [json.loads(line) for line in out.splitlines()]


# ---- s. 1: the command line ----------------------------------------------------

@pytest.mark.parametrize("options", [
    ["-ojson", "-c/echo x"], ["--output=json", "--command=/echo x"],
    ["-o", "json", "-c", "/echo x"], ["-otext", "--json", "-c/echo x"],
])
def test_spellings_of_options(offline, options):
    status, out, errors = once(offline(*options))
    assert status == 0, errors
    assert [e["event"] for e in lines_of(out)] == ["row", "result"]


def test_value_that_looks_like_an_option(offline):
    """It is the value all the same; and -- ends the options."""
    status, _, errors = once(offline("-c", "-ojson"))
    assert status == 1 and "say" in errors     # a text, and no chat is open
    status, out, _ = once([*offline("-c", "/echo x", "--")])
    assert status == 0 and "x" in out


@pytest.mark.parametrize("options", [
    ["--json=yes"], ["--script=no"], ["--offline="], ["--nonesuch"], ["-Z"],
    ["-o", "xml"], ["--timeout", "-1"], ["--timeout", "1e"],
    ["--timeout", "0x10"], ["--timeout", ""], ["--resource", ""],
    ["--resource", "a\nb"], ["--resource", "x" * 1024], ["--status", "sleepy"],
    ["--server", ""], ["--server", "host:99999"], ["--tls", "maybe"],
    ["--file", "/nonexistent"], ["--file", ""],
    ["--debug", "/dev/null/x"], ["@"], [""], ["--", "-c"],
])
def test_wrong_usage(offline, options):
    status, out, errors = once(offline(*options))
    assert status == 2 and not out
    assert errors.startswith("txmpp: ") and len(errors.splitlines()) == 1


def test_timeout_may_have_a_fraction(offline):
    assert once(offline("--timeout", "0.5"))[0] == 0


def test_version_names_the_libraries():
    status, out, _ = once([binary(), "-V"])
    assert status == 0
    for name in ("txmpp ", "GLib ", "libstrophe ", "OpenSSL ", "SQLite ",
                 "expat", "ncurses ", "readline "):
        assert name in out


def test_help_lists_every_option():
    status, out, _ = once([binary(), "--help"])
    page = (pathlib.Path(__file__).parents[2] / "man/txmpp.1").read_text()
    page = page.replace(" , -", "\n.Fl -")
    assert status == 0
    for line in out.splitlines():
        words = line.replace(",", " ").replace("=", " ").split()
        for word in words[:2]:
            if word.startswith("--"):
                assert f"Fl -{word[2:]}" in page.replace("\\-", "-"), word


def test_resource_of_the_address(fake, script, profiles):
    profile = profiles(fake)
    profile.jid += "/orchard"
    t = script(profile, resource=None)
    fake.online()
    assert t.wait("connected")["jid"].endswith("/orchard")


def test_a_named_server_is_not_asked_for_again(profiles, fake):
    profile = profiles(fake)
    fake.refuse()
    status, _, errors = once(profile.argv("-c", "/wait online"))
    assert status == 3
    assert "name the server" not in errors and "account.server" in errors


def test_full_disk_is_a_failure(offline):
    """Only a reader that left ends it quietly."""
    with open("/dev/full", "wb") as full:
        p = subprocess.run(offline("-c", "/echo x"), stdin=subprocess.DEVNULL,
                           stdout=full, stderr=subprocess.PIPE,
                           env=environment())
    assert p.returncode == 1 and b"No space left" in p.stderr


# ---- s. 2: command mode -----------------------------------------------------------

def test_failures_have_the_common_members(offline):
    _, out, _ = once(offline("--json"), "/onerror continue\n/nonesuch\n/wait\n"
                     "/msg @\n{\n{\"command\":\"nonesuch\"}\n\0\n")
    results = [e for e in lines_of(out) if e["event"] == "result"]
    assert len(results) == 7
    for result in results:
        assert result["account"] == "me@v.tld" and result["time"]


def test_an_unknown_account_is_not_taken_for_another(offline):
    _, out, _ = once(offline("--json", "-c", "/roster -a no@body.tld"))
    assert "account" not in lines_of(out)[0]


@pytest.mark.parametrize("number", ["12345678901234567890", "1e999",
                                    "-" + "9" * 400])
def test_numbers_that_do_not_fit(offline, number):
    status, out, _ = once(offline("--json"),
                          '{"command":"echo","args":{"text":"x"},"tag":%s}\n'
                          % number)
    result = lines_of(out)[-1]
    assert status == 1 and result["ok"] is False and "tag" not in result


def test_numbers_are_taken_for_text(offline):
    status, out, _ = once(offline("--json"),
                          '{"command":"echo","args":{"text":5},"tag":7}\n')
    row, result = lines_of(out)
    assert status == 0 and row["text"] == "5" and result["tag"] == 7


def test_unknown_members(offline):
    """Those of the request are for others, those of args are mistakes."""
    status, out, _ = once(offline("--json"), '{"command":"echo","args":'
                          '{"text":"x"},"comment":{"a":[1]}}\n'
                          '{"command":"echo","args":{"txt":"x"},"tag":"t"}\n')
    results = [e for e in lines_of(out) if e["event"] == "result"]
    assert status == 1 and [r["ok"] for r in results] == [True, False]
    assert results[1]["tag"] == "t" and "text" in results[1]["error"]["text"]


def test_send_names_its_command(offline):
    status, _, errors = once(offline("--send", "romeo@example.net"))
    assert status == 1 and errors.startswith("txmpp: stdin:1: msg: ")


def test_byte_order_mark(offline, tmp_path):
    source = tmp_path / "from-elsewhere"
    source.write_bytes(b"\xef\xbb\xbf/echo one\r\n/echo two\r\n")
    status, out, errors = once(offline("--json", "-f", source))
    assert status == 0, errors
    assert [e["text"] for e in lines_of(out) if e["event"] == "row"] == [
        "one", "two"]


def test_a_chat_is_opened_offline(offline):
    """Opening needs no connection, sending does."""
    status, out, errors = once(offline("--json"), "/msg romeo@example.net\n"
                               "/history\n/say hello\n")
    results = [e for e in lines_of(out) if e["event"] == "result"]
    assert [r["ok"] for r in results] == [True, True, False], errors
    assert status == 1 and "stdin:3: say: " in errors


def test_events_may_be_listed_with_blanks(offline):
    status, _, errors = once(offline(), "/events message, presence\n/events off"
                             "\n/events on\n")
    assert status == 0, errors
    status, _, errors = once(offline(), "/events message,weather\n")
    assert status == 1 and "weather" in errors


# ---- settled forms ------------------------------------------------------------------

@pytest.mark.parametrize("line", [
    "/roster add bob@b.tld Bob -g Friends -g 'Old Friends'",
    "/roster add -g Friends bob@b.tld -g 'Old Friends' Bob",
    "/roster -g Friends -g \"Old Friends\" add bob@b.tld Bob",
    "/roster add -g Friends -g Old\\ Friends -- bob@b.tld Bob",
    "/roster -a me@v.tld add bob@b.tld Bob -g Friends -g 'Old Friends'",
])
def test_options_stand_anywhere(fake, script, line):
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    t.feed(line)
    item = None
    while item is None:
        item = c.expect("iq").find(".//{jabber:iq:roster}item")
    assert (item.get("jid"), item.get("name")) == ("bob@b.tld", "Bob")
    assert [g.text for g in item] == ["Friends", "Old Friends"]


def test_wait_timeout_before_its_word(fake, script):
    t = script(fake, "--timeout", "60")
    fake.online()
    t.wait("connected")
    for line in ("/wait --timeout 0.1 message", "/wait message --timeout=0.1"):
        t.run("/onerror continue")
        assert t.run(line, ok=False)["error"]["condition"] == \
            "remote-server-timeout"


def test_connect_takes_host_and_port(profiles, fake, script):
    profile = profiles(fake)
    profile.jid = None
    t = script(profile, connect=False, resource=None)
    line = t.feed(f"/connect {fake.bare} server 127.0.0.1:{fake.port} tls "
                  "force resource balcony")
    fake.online()
    t.wait("result", since=0, line=line, ok=True)
    assert t.wait("connected", since=0)["jid"].endswith("/balcony")


@pytest.mark.parametrize("line,words", [
    ("/reconnect 10", "account.reconnect_interval"),
    ("/tcp-reconnect off", "account.reconnect"),
    ("/autoaway mode xa", "presence.autoaway_mode"),
    ("/privacy idle off", "privacy.last_activity"),
    ("/privacy os on", "privacy.os"),
    ("/privacy os on\n/privacy idle off\n/privacy os default",
     "privacy.last_activity"),
])
def test_settings_by_command(offline, line, words):
    status, out, errors = once(offline("--json"), f"{line}\n/set --diff\n")
    assert status == 0, errors
    assert words in [e["name"] for e in lines_of(out) if e["event"] == "row"]


@pytest.mark.parametrize("line", [
    "/reconnect sometimes", "/privacy nonesuch", "/privacy os maybe",
    "/privacy os off in romeo@example.net",
    "/autoaway mode asleep", "/export nonesuch file", "/connect server [",
])
def test_settings_that_are_none(offline, line):
    status, _, errors = once(offline(), line + "\n")
    assert status == 1 and errors.startswith("txmpp: stdin:1: ")


@pytest.mark.parametrize("line", [
    "/reply x", "/react x", "/join room@x", "/omemo start", "/sendfile x",
    "/plugin list", "/pubsub nodes", "/gateway list", "/moderate 1",
])
def test_what_is_not_in_this_version_does_not_pretend(offline, line):
    """… or, once it is, it needs a connection or more than was said here."""
    status, out, errors = once(offline(), line + "\n")
    assert status == 1 and not out
    assert errors.startswith(f"txmpp: stdin:1: {line[1:].split()[0]}")


def test_block_does_not_guess(fake, script):
    """Without an address it asks, and a script must have answered."""
    t = script(fake)
    c = fake.online()
    t.wait("connected")
    t.run("/onerror continue")
    t.run("/msg bob@b.tld")
    assert "--yes" in t.run("/block", ok=False)["error"]["text"]
    line = t.feed("/block --yes")
    iq = c.expect("iq", type="set")
    while iq[0].tag != "{urn:xmpp:blocking}block":
        c.answer(iq)
        iq = c.expect("iq", type="set")
    assert iq[0][0].get("jid") == "bob@b.tld"
    c.result(iq)
    t.wait("result", since=0, line=line, ok=True)


def test_script_run_fills_in_arguments(offline, tmp_path):
    source = tmp_path / "s"
    source.write_text("/echo $1-$2 $* $$1\n"
                      '{"command":"echo","args":{"text":"$1"}}\n')
    status, out, errors = once(offline("--json"),
                               f"/script run {source} a 'b c'\n"
                               f"/script run {source}\n")
    assert status == 0, errors
    assert [e["text"] for e in lines_of(out) if e["event"] == "row"] == [
        "a-b c a b c $1", "$1", "$1-$2 $* $$1", "$1"]


def test_export_takes_the_chat_itself(offline, tmp_path):
    for name, what in (("a", "."), ("b", "bob@b.tld"), ("c", "chat")):
        status, out, errors = once(
            offline("--json"), f"/msg bob@b.tld\n/export {what} {tmp_path}/"
            f"{name}.txt\n")
        assert status == 0, errors
        row = [e for e in lines_of(out) if e["event"] == "row"][0]
        assert (row["file"], row["messages"]) == (f"{tmp_path}/{name}.txt", 0)


def test_a_search_that_finds_nothing(fake, script, screen):
    """Zero rows for a script, a word for a person."""
    t = script(fake)
    fake.online()
    t.wait("connected")
    assert t.run("/who Nobodies") == t.run("/roster search zzz") == []
    t.quit()
    s = screen(fake)
    fake.online()
    s.wait("online")
    s.line("/roster search zzz")
    s.wait("nothing to show")


def test_people_read_labels(fake, screen):
    s = screen(fake)
    fake.online()
    s.wait("online")
    s.line("/info")
    s.wait("Full address")
    assert "full_jid" not in s.text()


def test_C52_who_was_asked_first_waits_as_well(fake, screen):
    """They add us back: nothing is granted without a key."""
    s = screen(fake)
    c = fake.accept()
    c.roster_items = "<item jid='bob@b.tld' subscription='to'/>"
    c.login()
    c.online(c.roster_items)
    s.wait("online")
    c.send(f"<presence from='bob@b.tld' to='{c.jid}' type='subscribe'/>")
    s.wait("asks to see when you are online")
    s.type("o")
    assert c.expect("presence", to="bob@b.tld").get("type") == "subscribed"


# ---- s. 3: files ----------------------------------------------------------------------

def test_relative_xdg_places_are_not_set(tmp_path):
    """The base directory specification: they are ignored."""
    home = tmp_path / "home"
    home.mkdir()
    env = environment(HOME=str(home), XDG_CONFIG_HOME="here",
                      XDG_DATA_HOME="", XDG_CACHE_HOME="./there")
    subprocess.run([binary(), "--offline", "-c", "/set ui.bell off",
                    "me@v.tld"], stdin=subprocess.DEVNULL, env=env,
                   cwd=tmp_path, check=True)
    assert sorted(os.listdir(tmp_path)) == ["home"]
    assert (home / ".config/txmpp/txmpp.conf").exists()


def test_xdg_places_and_modes(tmp_path):
    env = environment(HOME=str(tmp_path), **{
        f"XDG_{n}_HOME": str(tmp_path / n) for n in ("CONFIG", "DATA",
                                                    "CACHE")})
    subprocess.run([binary(), "--offline", "-c", "/set ui.bell off", "-c",
                    "/history in a@b.tld", "me@v.tld"], env=env, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert (tmp_path / "CONFIG/txmpp/txmpp.conf").exists()
    assert (tmp_path / "DATA/txmpp/me@v.tld/history.db").exists()
    for path in tmp_path.rglob("txmpp/**/*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir()
                                               else 0o600), path
