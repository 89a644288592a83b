/* What comes with a message: receipts, chat states, delay, ids, addresses. */
#include "base/stamp.h"
#include "xep_fixture.h"
#include "xep/privacy.h"
#include "xep/xep.h"
#include "xep/xep0085_chatstates.h"
#include "xep/xep0352_csi.h"
#include "xmpp/outbox.h"

#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_HINTS "urn:xmpp:hints"
#define NS_STATES "http://jabber.org/protocol/chatstates"

static struct chat *open_chat(struct fixture *f)
{
    return account_open_chat(f->account, BOB, CHAT_CONTACT);
}

static struct message *say(struct fixture *f, struct chat *chat)
{
    forget_sent(f);
    struct message *message = outbox_send_text(chat, "Art thou there?", NULL);
    g_assert_nonnull(message);
    return message;
}

static xmpp_stanza_t *sent_message(struct fixture *f)
{
    for (guint i = f->sent->len; i-- > 0;)
        if (stanza_is(f->sent->pdata[i], "message", NULL))
            return f->sent->pdata[i];
    g_error("no message was sent");
}

static guint messages_sent(struct fixture *f)
{
    guint n = 0;
    for (guint i = 0; i < f->sent->len; i++)
        n += stanza_is(f->sent->pdata[i], "message", NULL);
    return n;
}

static void receipt(
    struct fixture *f, const char *from, const char *type, const char *id)
{
    receive(f,
        "<message from='%s' to='" ME_FULL "' type='%s' id='r'>"
        "<received xmlns='" NS_RECEIPTS "' id='%s'/></message>",
        from, type, id);
}

static void test_request(void)
{
    FIXTURE(f);
    struct message *message = say(&f, open_chat(&f));
    xmpp_stanza_t *sent = sent_message(&f);
    g_assert_nonnull(stanza_child(sent, "request", NS_RECEIPTS));
    g_assert_true(message->receipt_wanted);
    receipt(&f, BOB_FULL, "chat", message->id);
    g_assert_cmpint(message->delivery, ==, DELIVERY_DELIVERED);
    /* A second one changes nothing, and no error comes back. */
    guint changes = f.counts[EVENT_MESSAGE_CHANGED];
    receipt(&f, BOB_FULL, "chat", message->id);
    g_assert_cmpuint(f.counts[EVENT_MESSAGE_CHANGED], ==, changes);
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 1);
}

/* H45 */
static void test_forged(void)
{
    FIXTURE(f);
    struct chat *chat = open_chat(&f);
    account_open_chat(f.account, MAL, CHAT_CONTACT);
    add_contact(&f, MAL, SUB_BOTH);
    struct message *message = say(&f, chat);
    enum delivery before = message->delivery;
    receipt(&f, MAL_FULL, "chat", message->id);
    receipt(&f, "example.net", "chat", message->id);
    receipt(&f, ME "/other", "chat", message->id);
    receipt(&f, BOB_FULL, "error", message->id);
    receipt(&f, BOB_FULL, "groupchat", message->id);
    receipt(&f, BOB_FULL, "chat", "other");
    receive(&f, "<message from='" BOB_FULL "'><received xmlns='" NS_RECEIPTS
                "'/></message>");
    receive(&f,
        "<message from='" MAL_FULL "' type='error' id='%s'><error "
        "type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "</error></message>",
        message->id);
    g_assert_cmpint(message->delivery, ==, before);
    /* Nor does a copy of a receipt of ours count. */
    receive(&f,
        "<message from='" ME "'><sent xmlns='urn:xmpp:carbons:2'><forwarded "
        "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
        "from='" ME "/garden' to='" BOB "'><received xmlns='" NS_RECEIPTS
        "' id='%s'/></message></forwarded></sent></message>",
        message->id);
    g_assert_cmpint(message->delivery, ==, before);
}

static void test_answer(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_FROM);
    receive(&f, "<message from='" BOB_FULL "' type='chat' id='m1'><body>x"
                "</body><request xmlns='" NS_RECEIPTS "'/></message>");
    xmpp_stanza_t *sent = only_sent(&f);
    g_assert_cmpstr(stanza_attr(sent, "to"), ==, BOB_FULL);
    g_assert_cmpstr(
        stanza_attr(stanza_child(sent, "received", NS_RECEIPTS), "id"), ==,
        "m1");
    g_assert_null(stanza_child(sent, "request", NS_RECEIPTS));
    g_assert_nonnull(stanza_child(sent, "store", NS_HINTS));
}

/* XEP-0184 s. 7: of the type of what it confirms. */
static void test_answer_type(void)
{
    static const struct {
        const char *type, *answer;
    } cases[] = { { "type='chat'", "chat" }, { "type='headline'", "headline" },
        { "type='normal'", NULL }, { "", NULL }, { "type='lol'", NULL } };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        FIXTURE(f);
        add_contact(&f, BOB, SUB_FROM);
        receive(&f, "<message from='" BOB_FULL "' %s id='m1'><body>x</body>"
                    "<request xmlns='" NS_RECEIPTS "'/></message>",
            cases[i].type);
        g_assert_cmpstr(
            stanza_attr(only_sent(&f), "type"), ==, cases[i].answer);
    }
}

/* H45: nothing for strangers, rooms, errors, the past, or without an id. */
static void test_no_answer(void)
{
    FIXTURE(f);
    add_contact(&f, "nurse@example.net", SUB_TO);
    add_contact(&f, BOB, SUB_BOTH);
    static const char *const heads[] = {
        "from='" MAL_FULL "' type='chat' id='m1'",
        "from='nurse@example.net/x' type='chat' id='m1'",
        "from='" BOB_FULL "' type='groupchat' id='m1'",
        "from='" BOB_FULL "' type='error' id='m1'",
        "from='" BOB_FULL "' type='chat'",
        "from='" BOB_FULL "' type='chat' id=''",
        "from='" ME "/other' type='chat' id='m1'",
    };
    for (guint i = 0; i < G_N_ELEMENTS(heads); i++)
        receive(&f,
            "<message %s><body>x</body><request xmlns='" NS_RECEIPTS
            "'/></message>",
            heads[i]);
    receive(&f,
        "<message from='" BOB_FULL "' id='m2'><request xmlns='" NS_RECEIPTS
        "'/></message>"); /* nothing to receive */
    privacy_set_of_chat(f.options, BOB, "privacy.receipts", "off", NULL);
    receive(&f, "<message from='" BOB_FULL "' id='m3'><body>x</body><request "
                "xmlns='" NS_RECEIPTS "'/></message>");
    privacy_set_of_chat(f.options, BOB, "privacy.receipts", NULL, NULL);
    options_set(f.options, NULL, "privacy.receipts", "false", true, NULL);
    receive(&f, "<message from='" BOB_FULL "' id='m3'><body>x</body><request "
                "xmlns='" NS_RECEIPTS "'/></message>");
    g_assert_cmpuint(f.sent->len, ==, 0);
}

/* XEP-0085 s. 5.1 */

static void state(struct fixture *f, const char *from, const char *name)
{
    receive(f,
        "<message from='%s' to='" ME_FULL "' type='chat'><%s xmlns='" NS_STATES
        "'/></message>",
        from, name);
}

static void test_states_in(void)
{
    FIXTURE(f);
    struct chat *chat = open_chat(&f);
    state(&f, BOB_FULL, "composing");
    g_assert_cmpstr(chat->typing, ==, "composing");
    g_assert_cmpstr(f.typing, ==, "composing");
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 0);
    for (int i = 0; i < 500; i++) /* H49 */
        state(&f, BOB_FULL, "composing");
    g_assert_cmpuint(f.counts[EVENT_TYPING], ==, 1);
    receive(&f, "<message from='" BOB_FULL "' type='chat'><body>hi</body>"
                "<active xmlns='" NS_STATES "'/></message>");
    g_assert_cmpstr(f.typing, ==, "active");
    g_assert_cmpstr(chat->typing, !=, "composing");
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 1);
    state(&f, MAL_FULL, "composing"); /* a stranger opens no chat */
    g_assert_cmpuint(f.counts[EVENT_TYPING], ==, 2);
    g_assert_null(account_find_chat(f.account, MAL));
    state(&f, BOB_FULL, "composing");
    receive(&f, "<presence type='unavailable' from='" BOB_FULL "'/>");
    g_assert_cmpstr(chat->typing, ==, "gone");
}

static void test_states_out(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    struct chat *chat = open_chat(&f);
    chatstate_set(chat, CHATSTATE_COMPOSING);
    g_assert_cmpuint(
        messages_sent(&f), ==, 0); /* nobody knows whether he can */
    say(&f, chat);
    g_assert_nonnull(stanza_child(sent_message(&f), "active", NS_STATES));
    state(&f, BOB_FULL, "active");
    forget_sent(&f);
    for (int i = 0; i < 100; i++)
        chatstate_set(chat, CHATSTATE_COMPOSING);
    xmpp_stanza_t *sent = only_sent(&f);
    g_assert_nonnull(stanza_child(sent, "composing", NS_STATES));
    g_assert_nonnull(stanza_child(sent, "no-store", NS_HINTS));
    g_assert_cmpstr(stanza_attr(sent, "type"), ==, "chat");
    g_assert_null(stanza_child(sent, "body", NULL));
    forget_sent(&f);
    chatstate_set(chat, CHATSTATE_PAUSED);
    g_assert_nonnull(stanza_child(only_sent(&f), "paused", NS_STATES));
    forget_sent(&f);
    privacy_set_of_chat(f.options, BOB, "privacy.chat_states", "off", NULL);
    chatstate_set(chat, CHATSTATE_COMPOSING);
    g_assert_cmpuint(f.sent->len, ==, 0);
    privacy_set_of_chat(f.options, BOB, "privacy.chat_states", "on", NULL);
    options_set(f.options, NULL, "privacy.chat_states", "false", true, NULL);
    chatstate_set(chat, CHATSTATE_COMPOSING);
    g_assert_nonnull(stanza_child(only_sent(&f), "composing", NS_STATES));
    forget_sent(&f);
    privacy_set_of_chat(f.options, BOB, "privacy.chat_states", NULL, NULL);
    chatstate_set(chat, CHATSTATE_PAUSED);
    g_assert_cmpuint(f.sent->len, ==, 0);
    say(&f, chat);
    g_assert_null(stanza_child(sent_message(&f), "active", NS_STATES));
}

/* A reply without a state: this peer does not use them. */
static void test_states_silent_peer(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    struct chat *chat = open_chat(&f);
    say(&f, chat);
    receive(&f, "<message from='" BOB_FULL "' type='chat'><body>hi</body>"
                "</message>");
    forget_sent(&f);
    chatstate_set(chat, CHATSTATE_COMPOSING);
    g_assert_cmpuint(messages_sent(&f), ==, 0);
    say(&f, chat);
    g_assert_null(stanza_child(sent_message(&f), "active", NS_STATES));
}

static void test_states_gone(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    struct chat *chat = open_chat(&f);
    say(&f, chat);
    state(&f, BOB_FULL, "active");
    forget_sent(&f);
    account_close_chat(f.account, chat);
    g_assert_nonnull(stanza_child(only_sent(&f), "gone", NS_STATES));
}

static char *sent_thread(struct fixture *f, struct chat *chat)
{
    forget_sent(f);
    say(f, chat);
    return stanza_child_text(
        f->sent->pdata[f->sent->len - 1], "thread", NS_CLIENT);
}

/* XEP-0085 s. 5.7: a thread that was left is not taken up again, and none is
 * begun with somebody who uses none. */
static void test_states_gone_thread(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    struct chat *chat = open_chat(&f);
    state(&f, BOB_FULL, "gone");
    g_autofree char *none = sent_thread(&f, chat);
    g_assert_null(none);
    receive(&f, "<message from='" BOB_FULL "' type='chat'><body>x</body>"
                "<thread parent='act1'>act2</thread></message>");
    g_autofree char *theirs = sent_thread(&f, chat);
    g_assert_cmpstr(theirs, ==, "act2");
    state(&f, BOB_FULL, "gone");
    g_autofree char *ours = sent_thread(&f, chat);
    g_assert_true(g_uuid_string_is_valid(ours));
    g_assert_null(chat->thread_parent);
    state(&f, BOB_FULL, "composing");
    g_autofree char *again = sent_thread(&f, chat);
    g_assert_cmpstr(again, ==, ours);
}

/* H46 */

static struct message *delayed(
    struct fixture *f, const char *from, const char *delays)
{
    f->message = NULL;
    receive(f, "<message from='%s' type='chat'><body>x</body>%s</message>",
        from, delays);
    g_assert_nonnull(f->message);
    return f->message;
}
#define DELAY(attrs) "<delay xmlns='urn:xmpp:delay' " attrs "/>"

static void test_delay(void)
{
    FIXTURE(f);
    gint64 then;
    g_assert_true(stamp_parse("2020-02-03T04:05:06Z", &then));
    static const char *const good[] = {
        DELAY("from='im.example.com' stamp='2020-02-03T04:05:06Z'"),
        DELAY("from='" ME "' stamp='2020-02-03T04:05:06Z'"),
        /* a session was lost, and what it had not handled kept: by both */
        DELAY("from='" ME "' stamp='2020-02-03T04:05:02Z'")
            DELAY("from='im.example.com' stamp='2020-02-03T04:05:06Z'"),
    };
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        const struct message *message = delayed(&f, BOB_FULL, good[i]);
        g_assert_cmpint(message->time_us, ==, then);
        g_assert_true(message->delayed);
    }
}

static void test_delay_untrusted(void)
{
    FIXTURE(f);
    static const char *const bad[] = {
        DELAY("stamp='2020-02-03T04:05:06Z'"),
        DELAY("from='evil.example' stamp='2020-02-03T04:05:06Z'"),
        DELAY("from='" MAL "' stamp='2020-02-03T04:05:06Z'"),
        DELAY("from='im.example.com.evil.example' "
              "stamp='2020-02-03T04:05:06Z'"),
        DELAY("from='im.example.com' stamp='9999-01-01T00:00:00Z'"),
        DELAY("from='im.example.com' stamp='0000-01-01T00:00:00Z'"),
        DELAY("from='im.example.com' stamp='2026-13-45T99'"),
        DELAY("from='im.example.com' stamp='2046-01-01T00:00:00Z'"),
        DELAY("from='im.example.com' stamp=''"),
        DELAY("from='im.example.com'"),
        DELAY("from='im.example.com' stamp='2020-02-03T04:05:06Z'")
            DELAY("from='im.example.com' stamp='2021-02-03T04:05:06Z'"),
        DELAY("from='evil.example' stamp='2020-02-03T04:05:06Z'")
            DELAY("from='im.example.com' stamp='2021-02-03T04:05:06Z'"),
    };
    gint64 before = stamp_now();
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        const struct message *message = delayed(&f, MAL_FULL, bad[i]);
        if (message->time_us < before || message->delayed)
            g_error("believed: %s", bad[i]);
    }
    const struct chat *chat = account_find_chat(f.account, MAL);
    for (guint i = 1; i < chat->messages->len; i++) {
        const struct message *a = chat->messages->pdata[i - 1];
        const struct message *b = chat->messages->pdata[i];
        g_assert_cmpint(a->time_us, <=, b->time_us);
    }
}

#define KEPT(id, stamp)                                                        \
    DELAY("from='im.example.com' stamp='" stamp "'")                           \
    "<stanza-id xmlns='urn:xmpp:sid:0' by='" ME "' id='" id "'/>"

/* What our server kept takes its place when it comes as we do; later, when a
 * stamp in its name may be the sender's own, it is a label only. */
static void test_delay_place(void)
{
    FIXTURE(f);
    server_has(&f, "urn:xmpp:sid:0");
    const gint64 now = delayed(&f, BOB_FULL, "")->row;
    const struct message *kept =
        delayed(&f, BOB_FULL, KEPT("a", "2020-02-03T04:05:06Z"));
    g_assert_cmpint(kept->row, <, now);
    session_test_settle(f.account);
    kept = delayed(&f, BOB_FULL, KEPT("b", "2019-02-03T04:05:06Z"));
    g_assert_true(kept->delayed);
    g_assert_cmpint(kept->row, >, now);
}

/* H34, XEP-0359 */

static void test_stanza_id(void)
{
    FIXTURE(f);
    server_has(&f, "urn:xmpp:sid:0");
    static const struct {
        const char *xml, *id;
    } cases[] = {
        { "<stanza-id xmlns='urn:xmpp:sid:0' by='" ME "' id='A'/>", "A" },
        { "<stanza-id xmlns='urn:xmpp:sid:0' by='" MAL "' id='A'/>", NULL },
        { "<stanza-id xmlns='urn:xmpp:sid:0' by='im.example.com' id='A'/>",
            NULL },
        { "<stanza-id xmlns='urn:xmpp:sid:0' id='A'/>", NULL },
        { "<stanza-id xmlns='urn:xmpp:sid:0' by='" ME "'/>", NULL },
        { "<stanza-id xmlns='urn:evil' by='" ME "' id='A'/>", NULL },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(
            delayed(&f, MAL_FULL, cases[i].xml)->stanza_id, ==, cases[i].id);
    const struct message *message = delayed(&f, MAL_FULL,
        "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>"
        "<origin-id xmlns='urn:xmpp:sid:0' id='o2'/>");
    g_assert_cmpstr(message->origin_id, ==, "o1");
}

/* A server that does not say it takes forged ids out is not believed. */
static void test_stanza_id_unannounced(void)
{
    FIXTURE(f);
    const char *xml = "<stanza-id xmlns='urn:xmpp:sid:0' by='" ME "' id='A'/>";
    g_assert_null(delayed(&f, MAL_FULL, xml)->stanza_id);
    server_has(&f, "urn:something:else");
    g_assert_null(delayed(&f, MAL_FULL, xml)->stanza_id);
}

static void test_origin_id_sent(void)
{
    FIXTURE(f);
    const struct message *message = say(&f, open_chat(&f));
    xmpp_stanza_t *origin =
        stanza_child(sent_message(&f), "origin-id", "urn:xmpp:sid:0");
    g_assert_cmpstr(stanza_attr(origin, "id"), ==, message->id);
}

static void test_oob(void)
{
    FIXTURE(f);
#define OOB(url) "<x xmlns='jabber:x:oob'>" url "</x>"
    g_assert_cmpstr(
        delayed(&f, BOB_FULL, OOB("<url>https://example.net/a.jpg</url>"))->oob,
        ==, "https://example.net/a.jpg");
    static const char *const bad[] = {
        OOB(""),
        OOB("<url/>"),
        OOB("<url>no address</url>"),
        OOB("<url>https://example.net/\n-oProxy</url>"),
        OOB("<url xmlns='urn:evil'>https://example.net/</url>"),
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(delayed(&f, BOB_FULL, bad[i])->oob);
}

/* XEP-0352: only when offered, and only changes. */
static void test_csi(void)
{
    FIXTURE(f);
    client_state_set(f.account, false);
    g_assert_cmpuint(f.sent->len, ==, 0);
    session_test_features(
        f.account, "<features><csi xmlns='urn:xmpp:csi:0'/></features>");
    client_state_set(f.account, false);
    g_assert_true(stanza_is(only_sent(&f), "inactive", "urn:xmpp:csi:0"));
    client_state_set(f.account, false);
    g_assert_cmpuint(f.sent->len, ==, 1);
    client_state_set(f.account, true);
    g_assert_true(stanza_is(f.sent->pdata[1], "active", "urn:xmpp:csi:0"));
}

/* XEP-0352 s. 4.2, XEP-0198 s. 5: whether the server kept the state of the old
 * stream is not known, so what it may have wrong is said. */
static void test_csi_resumed(void)
{
    static const struct {
        bool before, after;
        const char *said;
    } cases[] = { { true, true, NULL }, { true, false, "inactive" },
        { false, true, "active" }, { false, false, "inactive" } };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        FIXTURE(f);
        session_test_features(
            f.account, "<features><csi xmlns='urn:xmpp:csi:0'/></features>");
        client_state_set(f.account, cases[i].before);
        forget_sent(&f);
        f.account->state = STATE_WAITING;
        client_state_set(f.account, cases[i].after);
        g_assert_cmpuint(f.sent->len, ==, 0);
        f.account->state = STATE_ONLINE;
        xep0352.resumed(f.account);
        g_assert_cmpuint(f.sent->len, ==, cases[i].said != NULL);
        if (cases[i].said)
            g_assert_true(
                stanza_is(only_sent(&f), cases[i].said, "urn:xmpp:csi:0"));
    }
}

/* H24: every annotation emptied, stripped, doubled. */
static void test_mutations(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    static const char *const elements[] = {
        "request xmlns='" NS_RECEIPTS "'",
        "received xmlns='" NS_RECEIPTS "' id='a'",
        "composing xmlns='" NS_STATES "'",
        "delay xmlns='urn:xmpp:delay' from='im.example.com' "
        "stamp='2020-02-03T04:05:06Z'",
        "stanza-id xmlns='urn:xmpp:sid:0' by='" ME "' id='x'",
        "origin-id xmlns='urn:xmpp:sid:0' id='x'",
        "x xmlns='jabber:x:oob'",
        "nick xmlns='http://jabber.org/protocol/nick'",
        "sent xmlns='urn:xmpp:carbons:2'",
        "c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' "
        "ver='v'",
    };
    static const char *const heads[] = { "message from='" BOB_FULL "'",
        "message from='" BOB_FULL "' type='chat' id='i'", "message",
        "presence from='" BOB_FULL "'", "message from='" ME "'" };
    for (guint h = 0; h < G_N_ELEMENTS(heads); h++)
        for (guint i = 0; i < G_N_ELEMENTS(elements); i++) {
            g_auto(GStrv) attrs = g_strsplit(elements[i], " ", -1);
            for (guint drop = 2; drop <= g_strv_length(attrs); drop++) {
                g_autoptr(GString) e = g_string_new("<");
                for (guint k = 0; attrs[k]; k++)
                    if (k != drop)
                        g_string_append_printf(e, "%s ", attrs[k]);
                g_string_append(e, "/>");
                g_auto(GStrv) head = g_strsplit(heads[h], " ", 2);
                receive(&f, "<%s>%s%s<body>x</body></%s>", heads[h], e->str,
                    e->str, head[0]);
                receive(&f, "<%s>%s</%s>", heads[h], e->str, head[0]);
            }
        }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/receipts/request", test_request);
    g_test_add_func("/receipts/H45-forged", test_forged);
    g_test_add_func("/receipts/answer", test_answer);
    g_test_add_func("/receipts/XEP-0184-s7-type", test_answer_type);
    g_test_add_func("/receipts/H45-no-answer", test_no_answer);
    g_test_add_func("/chatstates/H49-incoming", test_states_in);
    g_test_add_func("/chatstates/outgoing", test_states_out);
    g_test_add_func("/chatstates/silent-peer", test_states_silent_peer);
    g_test_add_func("/chatstates/gone", test_states_gone);
    g_test_add_func("/chatstates/gone-thread", test_states_gone_thread);
    g_test_add_func("/delay/trusted", test_delay);
    g_test_add_func("/delay/H46-untrusted", test_delay_untrusted);
    g_test_add_func("/delay/H46-place", test_delay_place);
    g_test_add_func("/ids/H34-stanza-id", test_stanza_id);
    g_test_add_func("/ids/H34-unannounced", test_stanza_id_unannounced);
    g_test_add_func("/ids/origin-id", test_origin_id_sent);
    g_test_add_func("/oob/H56-address", test_oob);
    g_test_add_func("/csi/offered", test_csi);
    g_test_add_func("/csi/resumed", test_csi_resumed);
    g_test_add_func("/annotate/H24-mutations", test_mutations);
    return g_test_run();
}
