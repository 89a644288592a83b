"""Notifications as the terminal, the desktop and a program of the person's
own get them."""
import json
import re
import sys

import pytest

from desktop import Desktop
from rig import wait_until

BOB = "<item jid='bob@b.tld' name='Bob' subscription='both'/>"
FOCUS_OUT, FOCUS_IN = "\x1b[O", "\x1b[I"


@pytest.fixture
def shown(fake, screen):
    """shown(LINE…): (screen, connection), online; the lines were run."""
    def make(*lines, **kw):
        s = screen(fake, **kw)
        c = fake.accept()
        c.login()
        c.online(roster=BOB)
        c.settle()
        s.wait("Bob")
        for line in lines:
            s.line(line)
            s.wait_quiet(0.1)
        return s, c
    return make


def say(c, body, frm="bob@b.tld/p"):
    c.send(f"<message from='{frm}' to='{c.jid}' type='chat'>"
           f"<body>{body}</body></message>")


def flood(c, count):
    """From Bob, at once."""
    c.send("".join(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
                   f"<body>n{i}</body></message>" for i in range(count)))


def wrote(s, what):
    wait_until(what, lambda: s.pump(0.05) and False or what in s.bytes)


def bells(s):
    """BEL outside of control strings, which may end with it."""
    plain = re.sub(rb"\x1bP.*?\x1b\\(?!\x1b)|\x1b\][^\x07\x1b]*(\x07|\x1b\\)", b"", bytes(s.bytes))
    return plain.count(b"\x07")


def test_osc_bell_and_title(shown):
    s, c = shown("/set ui.notify_osc on")
    say(c, "a; b\u009b31m\u202e")
    s.wait(r"\[1|\(1\)|Bob +1")
    wrote(s, b"\x1b]9;")
    s.wait_quiet(0.2)
    assert bells(s) == 1
    shown_ = bytes(s.bytes)
    assert re.search(rb"\x1b\]777;notify;Bob;a; b[^\x07]*31m[^\x07]*\x07", shown_)
    assert re.search(rb"\x1b\]9;Bob: a; b[^\x07]*\x07", shown_)
    assert "\u009b".encode() not in shown_ and "\u202e".encode() not in shown_
    wrote(s, b"\x1b]2;(1) txmpp")


def test_flash_goes_back_by_itself(shown):
    s, c = shown("/flash on", "/beep off")
    say(c, "hi")
    wrote(s, b"\x1b[?5h")
    wrote(s, b"\x1b[?5l")
    assert not bells(s)
    s.line("/flash")
    s.wait(r"ui\.flash +on")


def test_osc_H49_one_per_sender(shown):
    s, c = shown("/set ui.notify_osc 9")
    flood(c, 50)
    say(c, "other", "eve@e.tld/p")
    wrote(s, b"]9;eve")
    assert s.bytes.count(b"]9;Bob") == 1 and b"]777;" not in s.bytes


def test_osc_H49_the_next_says_how_many(shown, preload, tmp_path):
    """A flood of one sender: one of it in five seconds, then the count."""
    clock = tmp_path / "seconds"
    clock.write_text("0")
    s, c = shown("/set ui.notify_osc 9",
                 env=preload("clock", MONOTONIC_FILE=str(clock)))
    flood(c, 200)
    say(c, "other", "eve@e.tld/p")
    wrote(s, b"]9;eve")
    clock.write_text("6")
    say(c, "late")
    wrote(s, b"]9;Bob: late (+199)")
    assert s.bytes.count(b"]9;Bob") == 2


@pytest.mark.parametrize("env, wanted", [
    (dict(TMUX="/x,1,0", TERM="tmux-256color"),
     b"\x1bPtmux;\x1b\x1b]9;Bob: hi\x07\x1b\\"),
    (dict(STY="1.x", TERM="screen-256color"),
     b"\x1bP\x1b]9;Bob: hi\x07\x1b\\"),
], ids=["tmux", "screen"])
def test_osc_through(shown, env, wanted):
    s, c = shown("/notify osc 9", env=env)
    say(c, "hi")
    wrote(s, wanted)


def test_focus_what_is_looked_at_is_silent(shown):
    s, c = shown("/notify osc 9", "/msg bob@b.tld")
    assert b"\x1b[?1004h" in s.bytes
    say(c, "seen")
    s.wait("seen")
    s.wait_quiet(0.2)
    assert b"]9;" not in s.bytes and not bells(s)
    s.type(FOCUS_OUT)
    s.wait_quiet(0.1)
    say(c, "unseen")
    wrote(s, b"]9;Bob: unseen")
    s.type(FOCUS_IN)


@pytest.mark.parametrize("lines, body, rings", [
    (["/notify never bob@b.tld"], "hi juliet", False),
    (["/notify never all"], "hi", False),
    (["/notify never all", "/notify always bob@b.tld"], "hi", True),
    (["/notify mention bob@b.tld"], "hi", False),
    (["/notify mention bob@b.tld", "/notify words add deploy"], "Deploy!", True),
    (["/notify mention all"], "hi", True),
    (["/notify quiet 00:00-24:00"], "hi", False),
    (["/notify never bob@b.tld", "/notify default bob@b.tld"], "hi", True),
    (["/beep off"], "hi", False),
], ids=lambda v: v[0].split(" ", 1)[1] if isinstance(v, list) else "")
def test_rules(shown, lines, body, rings):
    s, c = shown(*lines)
    say(c, body)
    s.wait("Bob +1")
    s.wait_quiet(0.2)
    assert bells(s) == rings


def test_rules_are_remembered_and_wrong_ones_refused(fake, screen, profiles):
    profile = profiles(fake)
    s = screen(profile)
    c = fake.accept()
    c.login()
    c.online(roster=BOB)
    s.wait("Bob")
    for line in ("/notify never bob@b.tld", "/notify words add one two",
                 "/notify words remove one", "/notify quiet 22:00-07:00"):
        s.line(line)
        s.wait_quiet(0.1)
    s.line("/notify quiet 25:00-1:00")
    s.wait("are no quiet hours")
    s.line("/notify command say 'it")
    s.wait("ui.notify_command")
    s.process.kill()
    s.process.wait()
    s = screen(profile, "--offline")
    s.wait("Tab completes")
    s.line("/notify")
    s.wait(r"bob@b\.tld +never")
    s.line("/notify words")
    s.wait(r"ui\.notify_words +two\b")
    s.line("/notify quiet")
    s.wait(r"22:00-07:00")


HELPER = """import json, os, sys
with open(sys.argv[1] + ".new", "w") as f: json.dump(sys.argv[2:], f)
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""


def test_command_H56_gets_literal_arguments(shown, tmp_path):
    helper, out = tmp_path / "helper.py", tmp_path / "out"
    helper.write_text(HELPER)
    s, c = shown(f"/notify command {sys.executable} {helper} {out} %t '%n <%j>' $(id)")
    say(c, "-oProxy=`id`; rm \"'\n$(id)")
    wait_until("the helper", lambda: s.pump(0.05) and False or out.exists())
    text, who, *rest = json.loads(out.read_text())
    assert text.startswith(" -oProxy=`id`; rm \"'") and text.endswith("$(id)")
    assert "\n" not in text
    assert who == "Bob <bob@b.tld>" and rest == ["$(id)"]


def test_command_that_fails_is_told(shown):
    s, c = shown("/notify command /nonexistent/program %t")
    say(c, "hi")
    s.wait("ui.notify_command did not work")


def test_text_may_be_kept_back(shown):
    s, c = shown("/notify osc 9", "/notify text off")
    say(c, "secret")
    wrote(s, b"]9;Bob: A new message")
    assert b"secret" not in s.bytes


NODE = "https://txmpp.invalid/notify"
PUBSUB = "http://jabber.org/protocol/pubsub"


def setting(jid, rule):
    return (f"<item id='{jid}'><chat xmlns='{NODE}' jid='{jid}'><notify "
            f"xmlns='urn:xmpp:notification-settings:1'><{rule}/></notify>"
            "</chat></item>")


def test_rules_are_shared_with_other_clients(shown):
    """XEP-0492, and nobody but our account is believed (H39)."""
    s, c = shown()
    c.send(f"<message from='bob@b.tld' to='{c.jid}'><event xmlns='{PUBSUB}"
           f"#event'><items node='{NODE}'>{setting('bob@b.tld', 'never')}"
           "</items></event></message>")
    say(c, "one")
    s.wait("Bob +1")
    wait_until("the bell", lambda: s.pump(0.05) and False or bells(s))
    bare = c.jid.split("/")[0]
    c.send(f"<message from='{bare}' to='{c.jid}'><event xmlns='{PUBSUB}"
           f"#event'><items node='{NODE}'>{setting('bob@b.tld', 'never')}"
           f"{setting('eve@e.tld', 'never')}</items></event></message>")
    say(c, "two", "eve@e.tld/p")
    s.wait("eve")
    s.wait_quiet(0.2)
    s.line("/notify")
    s.wait(r"bob@b\.tld +never")
    assert bells(s) == 1


# ---- the desktop ------------------------------------------------------------

@pytest.fixture
def desktop(tmp_path):
    """desktop(CAPABILITY…)"""
    made = []

    def make(*capabilities):
        made.append(Desktop(tmp_path, capabilities))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_desktop_H51_markup_is_text(shown, desktop):
    d = desktop("body", "body-markup", "actions")
    s, c = shown(env=d.env)
    say(c, "&lt;b&gt;a&lt;/b&gt; &amp;amp; \u009b1m")
    call = d.expect("Notify", s)
    assert call["app"] == "txmpp" and call["title"] == "Bob"
    assert call["body"] == "&lt;b&gt;a&lt;/b&gt; &amp;amp; \ufffd1m"
    assert call["actions"][::2] == ["default", "read"]


def test_desktop_H51_who_has_links_has_markup(shown, desktop):
    d = desktop("body", "body-hyperlinks")
    s, c = shown(env=d.env)
    say(c, "&lt;b&gt;don't &amp;amp;")
    assert d.expect("Notify", s)["body"] == "&lt;b&gt;don't &amp;amp;"


def test_desktop_without_markup_and_actions(shown, desktop):
    d = desktop("body")
    s, c = shown(env=d.env)
    say(c, "a &lt; b")
    call = d.expect("Notify", s)
    assert call["body"] == "a < b" and call["actions"] == []


def test_desktop_open_goes_to_the_chat(shown, desktop):
    d = desktop("actions")
    s, c = shown(env=d.env)
    say(c, "look here")
    call = d.expect("Notify", s)
    s.wait("Bob +1")
    d.signal("ActionInvoked", 4711, "default")       # nobody's
    d.signal("ActionInvoked", call["id"], "default")
    s.wait("look here")
    assert d.expect("CloseNotification", s)["id"] == call["id"]


def test_desktop_read_marks_it_read(shown, desktop):
    d = desktop("actions")
    s, c = shown(env=d.env)
    say(c, "well")
    call = d.expect("Notify", s)
    s.wait("Bob +1")
    d.signal("ActionInvoked", call["id"], "read")
    s.wait("Bob +1", gone=True)
    assert "well" not in s.text()


def test_desktop_reply_where_it_is_offered(shown, desktop):
    d = desktop("actions", "inline-reply")
    s, c = shown(env=d.env)
    say(c, "well?")
    call = d.expect("Notify", s)
    assert call["actions"][-2:] == ["inline-reply", "Reply"]
    d.signal("NotificationReplied", call["id"], "/quit -- \"well\\")
    sent = c.expect("message", type="chat", to="bob@b.tld/p")
    assert sent.findtext("{jabber:client}body") == "/quit -- \"well\\"
    s.wait("Bob +1", gone=True)


def test_desktop_goes_when_the_chat_is_read_here(shown, desktop):
    d = desktop()
    s, c = shown(env=d.env)
    say(c, "well")
    call = d.expect("Notify", s)
    say(c, "good day", "eve@e.tld/p")
    other = d.expect("Notify", s)
    s.line("/msg bob@b.tld")
    assert d.expect("CloseNotification", s)["id"] == call["id"]
    d.signal("NotificationClosed", other["id"])
    s.line("/msg eve@e.tld")
    s.wait("good day")


def test_desktop_that_goes_away_takes_nothing_with_it(shown, desktop):
    d = desktop()
    s, c = shown(env=d.env)
    say(c, "one")
    d.expect("Notify", s)
    d.bus.kill()
    d.bus.wait()
    say(c, "two", "eve@e.tld/p")
    s.wait("eve")
    say(c, "three", "mal@m.tld/p")
    s.wait("mal")


def test_desktop_without_a_service_or_bus(shown, tmp_path):
    s, c = shown(env={"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"})
    say(c, "one")
    s.wait("Bob +1")
    say(c, "two")
    s.wait("Bob +2")
