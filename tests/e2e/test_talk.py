"""Messages between people: real servers, real clients."""
import pytest

from txmpp import PATIENCE, once


def friends(server_a, server_b=None):
    """juliet and romeo, subscribed to each other."""
    juliet = server_a.account("juliet")
    romeo = (server_b or server_a).account("romeo")
    server_a.roster(juliet.user, {romeo.jid: ("Romeo", ["Friends"])})
    (server_b or server_a).roster(romeo.user, {juliet.jid: ("Juliet", [])})
    return juliet, romeo


@pytest.fixture(params=["one server", "federated"])
def two(request, pair):
    return friends(pair.a, pair.b if request.param == "federated" else None)


TEXTS = ["Art thou not Romeo?", "a < b && c > \"d\" ]]>", "Grüße 🌹 日本語 \u202b",
         "  spaces  ", "tab\there", "/me is not a command here"]


def test_both_ways(two, bots, script):
    juliet, romeo = two
    bot = bots(romeo)
    t = script(juliet).online()
    for text in TEXTS:
        t.request("msg", jid=romeo.jid, text=text)
        got = bot.wait_message(text)
        assert got["from"].full == f"{juliet.jid}/tx"
        assert got["type"] == "chat"
        bot.send(f"{juliet.jid}/tx", text)
        event = t.wait("message", direction="in", body=text)
        assert event["from"] == bot.full
        assert event["chat"] == romeo.jid
        assert event["type"] == "chat"
        assert event["encryption"] == "none"
        assert event["carbon"] is False
    assert t.quit() == 0


def test_message_with_newline(two, bots, script):
    juliet, romeo = two
    bot = bots(romeo)
    t = script(juliet).online()
    t.request("msg", jid=romeo.jid, text="two\nlines")
    bot.wait_message("two\nlines")


def test_events_of_an_outgoing_message(two, bots, script):
    juliet, romeo = two
    bots(romeo, plugins=["xep_0184"])
    t = script(juliet).online()
    t.run(f"/msg {romeo.jid} hello")
    out = t.wait("message", since=0, direction="out", body="hello")
    assert out["chat"] == romeo.jid and out["id"]
    t.wait("delivery", since=0, id=out["id"], state="sent")
    t.wait("delivery", since=0, id=out["id"], state="delivered")


def test_wait_receipt(two, bots, script):
    juliet, romeo = two
    bots(romeo, plugins=["xep_0184"])
    t = script(juliet).online()
    t.run(f"/msg {romeo.jid} hello")
    t.run("/wait receipt")


def test_receipt_is_sent(two, bots, script):
    juliet, romeo = two
    bot = bots(romeo)
    t = script(juliet).online()
    t.run(f"/wait presence {romeo.jid}")
    bot.raw(f"<message to='{juliet.jid}/tx' id='r1' type='chat'><body>hi</body>"
            "<request xmlns='urn:xmpp:receipts'/></message>")
    bot.wait_text("<received xmlns=\"urn:xmpp:receipts\" id=\"r1\"")


def test_text_without_a_chat(prosody, script):
    t = script(prosody.account("juliet")).online()
    assert t.run("no chat yet", ok=False)["error"]["text"]
    assert t.exit() == 1


def test_text_goes_to_current_chat(two, bots, script):
    juliet, romeo = two
    bot = bots(romeo)
    t = script(juliet).online()
    t.run(f"/msg {romeo.jid}")
    t.run("plain text")
    bot.wait_message("plain text")
    t.run("//slashed")
    bot.wait_message("/slashed")
    t.run("/say /also slashed")
    bot.wait_message("/also slashed")
    t.run("/me waves")
    bot.wait_message("/me waves")


def test_chat_state_in(two, bots, script):
    juliet, romeo = two
    bot = bots(romeo)
    t = script(juliet).online()
    bot.raw(f"<message to='{juliet.jid}/tx' type='chat'><composing xmlns="
            "'http://jabber.org/protocol/chatstates'/></message>")
    event = t.wait("typing")
    assert event["state"] == "composing" and event["from"].startswith(romeo.jid)


def test_carbons(pair, bots, script, profiles):
    juliet, romeo = friends(pair.a, pair.b)
    bot = bots(romeo)
    one = script(juliet, resource="one").online()
    two = script(juliet, resource="two").online()
    one.run(f"/msg {romeo.jid} from the first")
    copy = two.wait("message", body="from the first")
    assert copy["carbon"] is True and copy["direction"] == "out"
    assert copy["chat"] == romeo.jid
    bot.send(f"{juliet.jid}/one", "to the first")
    one.wait("message", body="to the first", carbon=False)
    assert two.wait("message", body="to the first")["carbon"] is True


def test_error_is_shown_at_its_message(pair, script):
    juliet = pair.a.account("juliet")
    t = script(juliet).online()
    # Our own server refuses before it acknowledges: the command fails, too.
    t.run("/msg nobody@im.example.com hello", ok=False)
    out = t.wait("message", since=0, direction="out")
    event = t.wait("delivery", since=0, id=out["id"], state="failed")
    assert event["error"]


def test_unreachable_domain(pair, script):
    t = script(pair.a.account("juliet")).online()
    t.run("/msg romeo@nowhere.invalid hello", ok=None)
    t.wait("delivery", since=0, state="failed", timeout=3 * PATIENCE)


def test_offline_message(pair, bots, script):
    juliet, romeo = friends(pair.a, pair.b)
    bot = bots(romeo)
    bot.send(juliet.jid, "for later")
    # The other server keeps it; once it says so to a ping, it has it.
    bot.client  # signed in all the while
    t = script(juliet)
    event = t.wait("message", body="for later")
    assert event.get("delay") or event["time"]


def test_send_option(pair, bots, profiles):
    juliet, romeo = friends(pair.a, pair.b)
    bot = bots(romeo)
    status, _, errors = once(profiles(juliet).argv("--send", romeo.jid),
                             "disk full\non host7\n")
    assert status == 0, errors
    assert bot.wait_message()["body"].rstrip("\n") == "disk full\non host7"


def test_send_nothing_is_an_error(pair, profiles):
    juliet, romeo = friends(pair.a)
    status, _, errors = once(profiles(juliet).argv("--send", romeo.jid), "")
    assert status in (1, 2) and errors, (status, errors)


def test_several_accounts(pair, bots, profiles, script, tmp_path):
    """Two accounts in one program; -a says which one speaks."""
    juliet, romeo = friends(pair.a, pair.a)
    nurse = pair.a.account("nurse")
    bot = bots(romeo)
    profile = profiles(juliet)
    t = script(profile, juliet.jid)     # the profile's JID comes last
    t.wait("connected")
    t.process.stdin.flush()
    second = nurse.jid
    t.run(f"/account add {second}")
    t.run(f"/account set {second} server 127.0.0.1:{pair.a.port}")
    t.run(f"/account set {second} password_command "
          f"\"cat {profile.password_file}\"")
    t.run(f"/connect {second}")
    t.wait("connected", since=0, account=second)
    t.run(f"/msg -a {second} {romeo.jid} from the nurse")
    assert bot.wait_message("from the nurse")["from"].bare == second
    t.run(f"/msg -a {juliet.jid} {romeo.jid} from juliet")
    assert bot.wait_message("from juliet")["from"].bare == juliet.jid
    bot.send(second, "for the nurse")
    assert t.wait("message", body="for the nurse")["account"] == second
    assert t.quit() == 0
