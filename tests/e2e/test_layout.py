"""The layout and the contact list on a real pseudo-terminal: ui.md, F29."""
import os
import re
import xml.etree.ElementTree as ET

import pytest

from rig import wait_until

ROSTER = ("<item jid='bob@b.tld' name='Bob' subscription='both'>"
          "<group>Friends</group></item>"
          "<item jid='carol@c.tld' name='Carol' subscription='both'>"
          "<group>Friends</group></item>")
F4, F6, F7, F8 = "\x1bOS", "\x1b[17~", "\x1b[18~", "\x1b[19~"


@pytest.fixture
def start(fake, screen):
    """start(what=fake): (screen, connection), online with Bob and Carol."""
    def make(what=None, wait="Carol", **kw):
        s = screen(what or fake, **kw)
        c = fake.accept()
        c.login()
        c.online(roster=ROSTER)
        c.settle()
        s.wait(wait)
        return s, c
    return make


def parts(s):
    """Headings on the screen; the one with the focus comes with a ▸."""
    return re.findall(r"─(?:─ |(?=▸))((?:▸ )?[^─│┬]+?) ─", s.text())


def test_split_zoom_swap_close_by_keys(start):
    s, c = start()
    s.line("/msg bob@b.tld")
    s.wait("Message to Bob")
    s.type(F7)
    wait_until("it is split", lambda: s.pump(0.02) or
               parts(s) == ["Contacts", "▸ Bob", "Console"])
    s.type(F6)
    s.wait("▸ Console")
    s.type(F8)
    wait_until("it is split", lambda: s.pump(0.02) or
               parts(s) == ["Contacts", "Bob", "▸ Console", "Console"])
    s.type("\x1b[1;3D")                       # M-Left
    s.wait("▸ Bob")
    s.type("\x1b[17;2~")                      # S-F6
    wait_until("they change places", lambda: s.pump(0.02) or
               parts(s)[1:3] == ["Console", "▸ Bob"])
    s.type(F4)
    s.wait("▸ Bob .* 3/4")
    wait_until("only Bob is left", lambda: s.pump(0.02) or
               parts(s)[:1] == ["▸ Bob"])
    s.type(F4)
    s.wait("Contacts")
    s.type("\x1b[18;2~")                      # S-F7
    wait_until("Bob's is closed", lambda: s.pump(0.02) or
               parts(s) == ["Contacts", "Console", "▸ Console"])
    s.line("/layout only")
    s.wait("▸", gone=True)


def test_split_by_mouse(start):
    s, c = start()
    s.line("/split v")
    s.wait("▸ Console")
    row, text = next((i, t) for i, t in enumerate(s.lines()) if "┬" in t)
    border = text.rindex("┬")
    s.type(f"\x1b[<0;{border + 1};10M\x1b[<32;71;10M\x1b[<0;71;10m")
    wait_until("the border moves", lambda: s.pump(0.02) or
               s.lines()[row].rfind("┬") == 70)
    s.type(f"\x1b[<0;90;{row + 1}M\x1b[<0;90;{row + 1}m")
    wait_until("the click focuses", lambda: s.pump(0.02) or
               s.lines()[row].rfind("▸") > 70)


def test_layout_survives_a_restart(fake, start, profiles):
    profile = profiles(fake)
    s, c = start(profile)
    s.line("/msg bob@b.tld")
    s.line("/layout split v")
    s.wait("▸ Bob")
    s.line("/pane results bottom")
    s.wait("Results")
    s.line("/pane roster right")
    s.line("/layout resize left 7")
    s.line("/layout save work")
    s.wait_quiet(0.2)
    before = parts(s)
    s.line("/quit")
    c.until_closed()
    assert s.wait_exit() == 0
    config = (profile.profile / "txmpp.conf").read_text()
    assert "*bob@b.tld" in config and "work=" in config
    again, c = start(profile)
    again.wait("▸ Bob")
    wait_until("the parts are back", lambda: again.pump(0.02) or
               parts(again) == before)
    assert "there is no option" not in again.text()
    again.line("/layout only")
    again.wait("▸", gone=True)
    again.line("/layout load work")
    wait_until("the parts are back", lambda: again.pump(0.02) or
               parts(again) == before)


def test_results_with_a_place_of_their_own(start):
    s, c = start()
    s.line("/pane results right")
    s.wait("What commands answer")
    s.line("/roster")
    s.wait("carol@c.tld")
    s.line("/msg bob@b.tld")                  # does not take them away
    s.wait("Message to Bob")
    assert "carol@c.tld" in s.text()
    s.line("/pane results hide")
    s.wait("carol@c.tld", gone=True)


def test_list_of_windows(start):
    s, c = start()
    s.line("/msg carol@c.tld")
    s.line("/pane list show")
    s.wait("Windows")
    c.send(f"<message from='bob@b.tld/p' to='{c.jid}' type='chat'>"
           "<body>hello</body></message>")
    s.wait("2 Bob +1")
    s.line("/pane list focus")
    s.type("\x1b[F\r")                        # End, Enter
    s.wait("hello")


@pytest.mark.parametrize("cols,rows,shown", [
    (60, 20, True), (40, 12, False), (20, 5, False), (59, 30, False)])
def test_collapses(start, cols, rows, shown):
    s, c = start()
    s.line("/msg bob@b.tld")
    s.line("/layout split h")
    s.wait("▸ Bob")
    s.resize(rows, cols)
    s.wait("Friends", gone=not shown)
    s.wait("Bob")
    s.type("\x1bOQ")                          # F2: the contact list comes
    s.wait("Friends")
    s.type("\x1b")
    s.wait("Friends", gone=not shown)
    s.resize(30, 100)
    s.wait("(?s)Contacts.*▸ Bob.*Console")


def picture(s):
    """All but the clock of the status line."""
    return re.sub(r"\n \d\d:\d\d ", "\n", s.text())


def test_F29_resize_storm_with_splits(start):
    s, c = start(rows=40, cols=120)
    s.line("/msg bob@b.tld")
    for line in ("split v", "split h", "focus right", "split h",
                 "pane results bottom", "pane list right"):
        s.line("/layout " + line)
    s.wait("Windows")
    s.wait_quiet(0.2)
    before = picture(s)
    for i in range(1000):
        s._size(3 + i * 11 % 60, 10 + i * 7 % 200)
    s.resize(40, 120)
    wait_until("the picture is as it was",
               lambda: s.pump(0.05) or picture(s) == before)


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="counts memory")
def test_eight_panes_cost_little_memory(start):
    """At most 2 MB above the plain screen. Of what the screen allocates: the
    pages of the program's file count by how many others run it just now."""
    def kept():
        with open(f"/proc/{s.process.pid}/smaps_rollup") as f:
            return int(re.search(r"Pss_Anon: +(\d+)", f.read())[1])
    s, c = start(rows=50, cols=200)
    s.line("/msg bob@b.tld")
    s.wait("Message to Bob")
    s.wait_quiet(0.2)
    plain = kept()
    for line in ("split v", "split h", "focus right", "split h", "split v",
                 "pane results bottom", "pane list right"):
        s.line("/layout " + line)
    s.line("/msg carol@c.tld")
    s.line("/xml")
    s.line("/roster")
    s.wait("carol@c.tld")
    s.wait_quiet(0.2)
    assert len(parts(s)) == 8
    assert kept() - plain <= 2048


# ---- the contact list ----------------------------------------------------------

F2 = "\x1bOQ"


def roster_set(c):
    """The item of the next roster change, which is confirmed and pushed."""
    iq = c.expect("iq", type="set")
    item = iq.find(".//{jabber:iq:roster}item")
    c.send(f"<iq type='result' id='{iq.get('id')}' to='{c.jid}'/>")
    item.set("subscription", "both")
    ET.register_namespace("", "jabber:iq:roster")
    text = ET.tostring(item, encoding="unicode")
    c.send(f"<iq type='set' id='push' to='{c.jid}'>"
           f"<query xmlns='jabber:iq:roster'>{text}</query></iq>")
    return item


def test_rename_in_place(start):
    s, c = start()
    s.type(F2 + "carol\x12")                  # C-r
    s.wait_quiet(0.1)
    s.type(" of Verona\r")
    item = roster_set(c)
    assert item.get("jid") == "carol@c.tld"
    assert item.get("name") == "Carol of Verona"
    s.wait("Carol of Verona")


def test_move_to_another_group_by_menu(start):
    s, c = start()
    s.type(F2 + "bob")
    s.wait("/bob")
    s.type("\x07")                            # C-g
    s.wait("A new group")
    s.type("+")
    s.wait("New group")
    s.type("Montagues\r")
    groups = [g.text for g in roster_set(c)]
    assert groups == ["Montagues"]
    s.type("\x1b\x1b")
    s.wait("▾ Montagues")


def test_menu_keeps_a_note(fake, start, profiles):
    profile = profiles(fake)
    s, c = start(profile)
    s.type(F2 + "\x1b[B ")                    # Down, Space
    s.wait("Move to group")
    s.type("n")
    s.wait("Note")
    s.type("owes me a sonnet\r")
    wait_until("the note is kept", lambda: s.pump(0.05) or "owes me a sonnet"
               in (profile.profile / "txmpp.conf").read_text())


def test_fold_order_and_states_are_remembered(fake, start, profiles):
    profile = profiles(fake)
    s, c = start(profile)
    s.type(F2 + "\x1b[H\x1b[D")               # Home, Left: fold
    s.wait("▸ Friends")
    s.type("\x14\x06")                        # C-t, C-f
    s.wait("only who is online")
    s.type("\x1b")
    s.wait("Enter open", gone=True)
    s.line("/quit")
    c.until_closed()
    s.wait_exit()
    config = (profile.profile / "txmpp.conf").read_text()
    assert "roster.order=name" in config.replace(" ", "")
    s, c = start(profile, wait="only who is online")
    assert "there is no option" not in s.text()
    s.line("/set ui.roster.show all")
    s.wait("▸ Friends +0/2")


def test_unread_first_and_never_hidden(start):
    s, c = start()
    s.line("/set ui.roster.show online")
    s.wait("Carol", gone=True)
    c.send(f"<message from='carol@c.tld/p' to='{c.jid}' type='chat'>"
           "<body>hello</body></message>")
    s.wait("Carol +1")
    s.line("/set ui.roster.show all")
    s.wait("(?s)Carol.*Bob")
