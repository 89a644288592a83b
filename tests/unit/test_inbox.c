/* Messages on their way in and out. */
#include "session_fixture.h"
#include "model/message.h"
#include "store/history.h"
#include "xmpp/inbox.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"

#define ROMEO "romeo@example.net"

static struct chat *chat(struct fixture *f)
{
    return account_find_chat(f->account, ROMEO);
}

static struct message *last(struct fixture *f)
{
    const GPtrArray *messages = chat(f)->messages;

    return g_ptr_array_index(messages, messages->len - 1);
}

static void test_message(void)
{
    struct fixture *f = fixture_new();

    receive(f,
        "<message from='" ROMEO "/o' to='" BALCONY "' type='chat' id='m1'>"
        "<body>Art thou not Romeo?</body><subject>Q</subject>"
        "<thread>t1</thread></message>");
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 1);
    g_assert_cmpstr(last(f)->body, ==, "Art thou not Romeo?");
    g_assert_cmpstr(last(f)->subject, ==, "Q");
    g_assert_cmpstr(last(f)->id, ==, "m1");
    g_assert_cmpuint(chat(f)->unread, ==, 1);
    g_assert_cmpstr(chat(f)->thread, ==, "t1");
    f->visible = true;
    receive(f, "<message from='" ROMEO "/o'><body>2</body></message>");
    g_assert_cmpuint(chat(f)->unread, ==, 0); /* seen, and all before it */
    g_assert_cmpstr(message_type_name(last(f)->type), ==, "normal");
    receive(f, "<message from='" ROMEO "/o' type='lol'><body>3</body>"
               "</message>");
    g_assert_cmpstr(message_type_name(last(f)->type), ==, "normal"); /* C56 */
    receive(f, "<message from='" ROMEO "/o' type='chat'/>");
    receive(f, "<message from='" ROMEO "/o' type='chat'>"
               "<body xmlns='urn:evil'>x</body></message>"); /* H23 */
    receive(f, "<message from='room@muc.example.org/n' type='groupchat'>"
               "<body>x</body></message>"); /* H41 */
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 3);
    g_assert_cmpuint(g_hash_table_size(f->account->chats), ==, 1);
    fixture_free(f);
}

static void test_languages(void)
{
    struct fixture *f = fixture_new();

    receive(f,
        "<message from='" ROMEO "/o'><body xml:lang='cs'>Proč</body>"
        "<body xml:lang='de'>Warum</body></message>");
    g_assert_cmpuint(g_hash_table_size(last(f)->bodies), ==, 2);
    g_assert_cmpstr(last(f)->lang, ==, "cs");
    fixture_free(f);
}

/* H24, H50: whatever is missing or broken, nothing falls over. */
static void test_garbage(void)
{
    static const char *const bad[] = { "@v", "a@", "a@b@c/d@e\001", "a@@b",
        "", "/x", "a b@c" };
    struct fixture *f = fixture_new();

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *from = g_markup_escape_text(bad[i], -1);
        g_autofree char *xml = g_strdup_printf(
            "<message from='%s'><body>x</body></message>", from);
        session_test_receive(f->account, xml);
    }
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 0);
    receive(f, "<message from='ROMEO@Example.NET/Pad'><body>x</body>"
               "</message>");
    g_assert_cmpstr(last(f)->from, ==, ROMEO "/Pad");
    receive(f, "<message><body>from nobody</body></message>");
    g_assert_nonnull(account_find_chat(f->account, JULIET)); /* C35 */
    receive(f, "<message type='error'/><presence type='error'/>"
               "<presence type='bogus'/><message type=''/><iq/>"
               "<message xmlns='urn:evil'/><x xmlns='u'/>"
               "<presence type='subscribe'/><presence><priority/><show/>"
               "<status/><c xmlns='http://jabber.org/protocol/caps'/>"
               "</presence>");
    fixture_free(f);
}

static void test_send(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *ping = NULL, *second = NULL;

    run(f, "/msg " ROMEO " Art thou not Romeo, & a Montague?");
    g_assert_cmpuint(count_sent(f, "<body>Art thou not Romeo, &amp; a "
                                   "Montague?</body>"),
        ==, 1);
    assert_has(last_sent(f), "urn:xmpp:ping");
    g_assert_cmpstr(f->log->str, ==, "");
    g_assert_true(last(f)->delivery == DELIVERY_QUEUED);
    ping = sent_attr(f, 0, "id");
    /* One ping at a time, however many messages. */
    for (int i = 0; i < 20; i++)
        outbox_send_text(chat(f), "more", NULL);
    g_assert_cmpuint(count_sent(f, "urn:xmpp:ping"), ==, 1);
    receive(f, "<iq type='error' id='%s' from='im.example.com'/>", ping);
    g_assert_cmpstr(f->log->str, ==, "done ok\n");
    g_assert_cmpuint(count_sent(f, "urn:xmpp:ping"), ==, 2);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 20);
    g_assert_true(last(f)->delivery == DELIVERY_QUEUED);
    second = sent_attr(f, 0, "id");
    receive(f, "<iq type='result' id='%s' from='im.example.com'/>", second);
    g_assert_true(last(f)->delivery == DELIVERY_SENT);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 0);
    g_assert_cmpuint(count_sent(f, "urn:xmpp:ping"), ==, 2);
    fixture_free(f);
}

/* F09 within one run: typed offline, sent in order, once. */
static void test_offline(void)
{
    struct fixture *f = fixture_new();
    guint first = G_MAXUINT;

    session_test_lose(f->account);
    f->account->synced = false;
    for (int i = 0; i < 50; i++) {
        g_autofree char *line = g_strdup_printf("/msg " ROMEO " m%02d", i);
        run(f, line);
        g_assert_cmpstr(f->log->str, ==, "");
    }
    g_assert_cmpuint(f->sent->len, ==, 0);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 50);
    session_test_online(f->account);
    g_assert_cmpuint(count_sent(f, "<body>"), ==, 0); /* roster first */
    session_ready(f->account);
    g_assert_cmpuint(count_sent(f, "<body>"), ==, 50);
    for (guint i = 0, n = 0; i < f->sent->len; i++) {
        g_autofree char *body = g_strdup_printf("<body>m%02u</body>", n);
        if (!strstr(g_ptr_array_index(f->sent, i), "<body>"))
            continue;
        first = MIN(first, i);
        assert_has((char *)g_ptr_array_index(f->sent, i), body);
        n++;
    }
    fixture_free(f);
}

/* Neither lost without a word nor sent twice. */
static void test_lost(void)
{
    struct fixture *f = fixture_new();

    run(f, "/msg " ROMEO " hello");
    session_test_lose(f->account);
    assert_has(f->log->str, "fail recipient-unavailable");
    g_assert_true(last(f)->delivery == DELIVERY_FAILED);
    assert_has(last(f)->error, "did not confirm");
    g_ptr_array_set_size(f->sent, 0);
    session_test_online(f->account);
    session_ready(f->account);
    g_assert_cmpuint(count_sent(f, "<body>"), ==, 0);
    fixture_free(f);
}

/* F36, XEP-0478. */
static void test_f36(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *big = g_strnfill(1024 * 1024, 'x');
    g_autoptr(GError) error = NULL, empty = NULL;
    struct chat *c = account_open_chat(f->account, ROMEO, CHAT_CONTACT);

    g_assert_null(outbox_send_text(c, big, &error));
    assert_has(error->message, "too long");
    g_assert_null(outbox_send_text(c, "\001\002", &empty));
    g_assert_nonnull(outbox_send_text(c, "a\001b\xef\xbf\xbe", NULL));
    g_assert_cmpstr(last(f)->body, ==, "ab");
    g_assert_cmpuint(c->messages->len, ==, 1);
    fixture_free(f);
}

/* H45: only who was addressed, or a server for him, may refuse. */
static void test_h45(void)
{
    struct fixture *f = fixture_new();
    const char *id;

    run(f, "/msg " ROMEO " hello");
    id = last(f)->id;
    receive(f, "<message type='error' id='%s' from='mal@evil.test/x'/>", id);
    receive(f, "<message type='error' id='%s' from='" ROMEO ".evil'/>", id);
    g_assert_true(last(f)->delivery == DELIVERY_QUEUED);
    receive(f,
        "<message type='error' id='%s' from='" ROMEO "'><body>hello</body>"
        "<error code='503'/></message>",
        id);
    g_assert_true(last(f)->delivery == DELIVERY_FAILED);
    assert_has(last(f)->error, "cannot be reached");
    assert_has(f->log->str, "fail");
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 1);
    fixture_free(f);
}

/* C55 */
static void test_lock(void)
{
    struct fixture *f = fixture_new();

    run(f, "/msg " ROMEO " one");
    assert_has((char *)g_ptr_array_index(f->sent, 0), "to=\"" ROMEO "\"");
    receive(f, "<message type='chat' from='" ROMEO "/o'><body>x</body>"
               "<thread>T</thread></message>");
    run(f, "/say two");
    g_ptr_array_set_size(f->sent, 0);
    outbox_send_text(chat(f), "three", NULL);
    assert_has((char *)g_ptr_array_index(f->sent, 0), "to=\"" ROMEO "/o\"");
    assert_has((char *)g_ptr_array_index(f->sent, 0), "<thread>T</thread>");
    receive(f, "<presence from='" ROMEO "/o'><show>away</show></presence>");
    g_ptr_array_set_size(f->sent, 0);
    outbox_send_text(chat(f), "four", NULL);
    assert_has((char *)g_ptr_array_index(f->sent, 0), "to=\"" ROMEO "\"");
    receive(f, "<message type='headline' from='" ROMEO "/h'><body>x</body>"
               "</message>");
    g_assert_null(chat(f)->locked);
    /* Two of his resources talk: to both, till one goes on. */
    receive(f, "<message type='chat' from='" ROMEO "/o'><body>x</body>"
               "</message>");
    g_assert_cmpstr(chat(f)->locked, ==, ROMEO "/o");
    receive(f, "<message type='chat' from='" ROMEO "/h'><body>x</body>"
               "</message>");
    g_assert_null(chat(f)->locked);
    receive(f, "<message type='chat' from='" ROMEO "/h'><body>x</body>"
               "<thread parent='P'>U</thread></message>");
    g_ptr_array_set_size(f->sent, 0);
    outbox_send_text(chat(f), "five", NULL);
    assert_has((char *)g_ptr_array_index(f->sent, 0), "to=\"" ROMEO "/h\"");
    assert_has((char *)g_ptr_array_index(f->sent, 0), "parent=\"P\"");
    fixture_free(f);
}

static void test_silence(void)
{
    struct fixture *f = fixture_new();

    run(f, "/silence on");
    receive(f, "<message from='mal@evil.test/x'><body>x</body></message>");
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 0);
    receive(f, "<message from='im.example.com'><body>x</body></message>");
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 1);
    run(f, "/msg mal@evil.test hello"); /* whom we wrote may answer */
    receive(f, "<message from='mal@evil.test/x'><body>x</body></message>");
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 3);
    run(f, "/silence off");
    receive(f, "<message from='m2@evil.test/x'><body>x</body></message>");
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 4);
    fixture_free(f);
}

static void release(gpointer stanza)
{
    xmpp_stanza_release(stanza);
}

/* H49 and the budget: our part of a message. */
static void test_flood(void)
{
    struct fixture *f = fixture_new();
    g_autoptr(GPtrArray) stanzas =
        g_ptr_array_new_with_free_func(release);
    gint64 spent;

    for (int i = 0; i < 10000; i++) {
        g_autofree char *xml = g_strdup_printf(
            "<message xmlns='jabber:client' from='c%d@example.net/home' "
            "to='" BALCONY "' type='chat' id='id-%d'><body>The quick brown "
            "fox jumps over the lazy dog, number %d</body><active "
            "xmlns='http://jabber.org/protocol/chatstates'/><request "
            "xmlns='urn:xmpp:receipts'/></message>",
            i % 200, i, i);
        g_ptr_array_add(stanzas, stanza_parse(xml));
    }
    spent = -g_get_monotonic_time();
    for (guint i = 0; i < stanzas->len; i++)
        inbox_receive(f->account, g_ptr_array_index(stanzas, i));
    spent += g_get_monotonic_time();
    g_test_message("%.2f us a message", (double)spent / 10000);
    g_assert_cmpuint(g_hash_table_size(f->account->chats), ==, 200);
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 10000);
    fixture_free(f);
}

static void from_stranger(struct fixture *f, int i)
{
    receive(f, "<message xmlns='jabber:client' from='s%d@example.net/x' "
        "to='" BALCONY "' type='chat'><body>I am %d</body></message>", i, i);
}

/* H49: as many strangers as they like, and bounded memory. What is of use to
 * somebody stays; the others are unread in the store and come back. */
static void test_strangers(void)
{
    struct fixture *f = fixture_new();
    struct chat *chat;

    from_stranger(f, 1);
    chat_set_draft(account_find_chat(f->account, "s1@example.net"), "half");
    for (int i = 0; i < 5000; i++) {
        from_stranger(f, i);
        if (i % 100 == 0)
            while (g_main_context_pending(NULL))
                g_main_context_iteration(NULL, FALSE);
    }
    while (g_hash_table_size(f->account->chats) > 1000)
        g_main_context_iteration(NULL, TRUE);
    g_assert_nonnull(account_find_chat(f->account, "s1@example.net"));
    g_assert_nonnull(account_find_chat(f->account, "s4999@example.net"));
    g_assert_null(account_find_chat(f->account, "s2@example.net"));
    from_stranger(f, 2);
    chat = account_find_chat(f->account, "s2@example.net");
    g_assert_nonnull(chat);
    g_assert_cmpuint(chat->unread, ==, 2);
    g_assert_cmpint(
        history_count(f->account->history, "s2@example.net"), ==, 2);
    fixture_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inbox/message", test_message);
    g_test_add_func("/inbox/C57-languages", test_languages);
    g_test_add_func("/inbox/H24-H50-garbage", test_garbage);
    g_test_add_func("/inbox/H45-errors", test_h45);
    g_test_add_func("/inbox/C55-C57-lock", test_lock);
    g_test_add_func("/inbox/silence", test_silence);
    g_test_add_func("/inbox/H49-flood", test_flood);
    g_test_add_func("/inbox/H49-strangers", test_strangers);
    g_test_add_func("/outbox/send", test_send);
    g_test_add_func("/outbox/F09-offline", test_offline);
    g_test_add_func("/outbox/lost", test_lost);
    g_test_add_func("/outbox/F36-size", test_f36);
    return g_test_run();
}
