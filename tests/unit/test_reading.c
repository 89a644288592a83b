/* How far a chat was read: markers (XEP-0333), the node that our clients share
 * (XEP-0490), and that strangers learn and change nothing (H38, H39, H40, H45). */
#include "xep_fixture.h"
#include "store/history.h"
#include "xep/xep.h"
#include "xmpp/reading.h"

#define MARKERS "urn:xmpp:chat-markers:0"
#define MDS "urn:xmpp:mds:displayed:0"
#define PUBSUB "http://jabber.org/protocol/pubsub"
#define PROMISE PUBSUB "#publish-options"

extern const struct feature xep0490;

/* A message of somebody, with the archive's id aN. */
static void came(struct fixture *f, const char *from, guint n, bool markable)
{
    receive(f,
        "<message from='%s' to='" ME_FULL "' type='chat' id='m%u'><body>text "
        "%u</body><stanza-id xmlns='urn:xmpp:sid:0' by='" ME "' id='a%u'/>%s"
        "</message>",
        from, n, n, n, markable ? "<markable xmlns='" MARKERS "'/>" : "");
}

/* Our server gives ids; nothing of ours is sent yet. */
static void begin(struct fixture *f)
{
    server_has(f, "urn:xmpp:sid:0");
    f->account->state = STATE_ONLINE;
    f->account->synced = f->account->caught_up = true;
    forget_sent(f);
}

static guint unread(struct fixture *f, const char *jid)
{
    const struct chat *chat = account_find_chat(f->account, jid);
    return chat ? chat->unread : 0;
}

static xmpp_stanza_t *sent_marker(struct fixture *f)
{
    for (guint i = 0; i < f->sent->len; i++) {
        xmpp_stanza_t *marker =
            stanza_child(f->sent->pdata[i], "displayed", MARKERS);
        if (marker)
            return marker;
    }
    return NULL;
}

/* Only the newest, once, and only to somebody who sees our presence. */
static void test_marker(void)
{
    FIXTURE(f);
    begin(&f);
    add_contact(&f, BOB, SUB_BOTH);
    for (guint i = 1; i <= 3; i++)
        came(&f, BOB_FULL, i, true);
    came(&f, BOB_FULL, 4, false);
    struct chat *chat = account_find_chat(f.account, BOB);
    forget_sent(&f);
    chat_mark_read(chat);
    g_assert_cmpstr(stanza_attr(sent_marker(&f), "id"), ==, "m3");
    forget_sent(&f);
    chat_mark_read(chat);
    came(&f, BOB_FULL, 5, false);
    chat_mark_read(chat);
    g_assert_null(sent_marker(&f));
}

/* XEP-0333 s. 5: a marker of a thread says so. */
static void test_marker_thread(void)
{
    FIXTURE(f);
    begin(&f);
    add_contact(&f, BOB, SUB_BOTH);
    receive(&f, "<message from='" BOB_FULL "' type='chat' id='m1'>"
                "<thread>act2</thread><body>1</body>"
                "<markable xmlns='" MARKERS "'/></message>");
    forget_sent(&f);
    chat_mark_read(account_find_chat(f.account, BOB));
    g_assert_nonnull(sent_marker(&f));
    g_autofree char *thread =
        stanza_child_text(only_sent(&f), "thread", NS_CLIENT);
    g_assert_cmpstr(thread, ==, "act2");
}

static void test_no_marker(void)
{
    FIXTURE(f);
    begin(&f);
    add_contact(&f, "nurse@example.net", SUB_TO); /* she does not see us */
    static const char *const from[] = { MAL_FULL, "nurse@example.net/x" };
    for (guint i = 0; i < G_N_ELEMENTS(from); i++) {
        g_autofree char *bare = jid_bare(from[i]);
        came(&f, from[i], i + 1, true);
        g_assert_cmpuint(unread(&f, bare), ==, 1);
        chat_mark_read(account_find_chat(f.account, bare));
        g_assert_cmpuint(unread(&f, bare), ==, 0);
    }
    add_contact(&f, BOB, SUB_BOTH);
    options_set(f.options, NULL, "privacy.displayed", "false", true, NULL);
    came(&f, BOB_FULL, 7, true);
    chat_mark_read(account_find_chat(f.account, BOB));
    g_assert_null(sent_marker(&f));
}

/* H38, H45: for messages that went to another, or of another kind. */
static void test_forged_marker(void)
{
    FIXTURE(f);
    begin(&f);
    add_contact(&f, MAL, SUB_BOTH);
    came(&f, BOB_FULL, 1, true);
    struct chat *chat = account_find_chat(f.account, BOB);
    command(&f, "/msg " BOB " look");
    struct message *out = chat->messages->pdata[chat->messages->len - 1];
    enum delivery before = out->delivery;
    static const char *const heads[] = {
        "from='" MAL_FULL "'", "from='" MAL "'", "from='example.net'",
        "from='" ME "/other'", "from='" BOB_FULL "' type='error'",
        "from='" BOB_FULL "' type='groupchat'" };
    for (guint i = 0; i < G_N_ELEMENTS(heads); i++)
        receive(&f, "<message %s><displayed xmlns='" MARKERS "' id='%s'/>"
                    "</message>", heads[i], out->id);
    g_assert_cmpint(out->delivery, ==, before);
    receive(&f, "<message from='" MAL_FULL "'><displayed xmlns='" MARKERS
                "' id='m1'/></message>");
    g_assert_cmpuint(unread(&f, BOB), ==, 1);
    receive(&f, "<message from='" BOB_FULL "'><displayed xmlns='" MARKERS
                "'/></message>");
    receive(&f, "<message from='" BOB_FULL "'><displayed xmlns='" MARKERS
                "' id='%s'/></message>", out->id);
    g_assert_cmpint(out->delivery, ==, DELIVERY_DISPLAYED);
}

/* Another client of ours told him that it was seen: it was. Also when nothing
 * of the chat is held in memory. */
static void test_marker_of_ours(gconstpointer closed)
{
    FIXTURE(f);
    begin(&f);
    for (guint i = 1; i <= 250; i++)
        came(&f, BOB_FULL, i, true);
    struct chat *chat = account_find_chat(f.account, BOB);
    if (closed)
        chat_clear(chat);
    static const char marker[] =
        "<message from='" ME "'><sent xmlns='urn:xmpp:carbons:2'><forwarded "
        "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='" ME
        "/garden' to='" BOB "' type='chat'><displayed xmlns='" MARKERS
        "' id='m%u'/></message></forwarded></sent></message>";
    g_assert_cmpuint(unread(&f, BOB), ==, 250);
    receive(&f, marker, 999u);
    g_assert_cmpuint(unread(&f, BOB), ==, 250);
    receive(&f, marker, 230u);
    g_assert_cmpuint(unread(&f, BOB), ==, 20);
    receive(&f, marker, 3u); /* back is no direction */
    g_assert_cmpuint(unread(&f, BOB), ==, 20);
    receive(&f, marker, 250u);
    g_assert_cmpuint(unread(&f, BOB), ==, 0);
}

/* ---- the shared node --------------------------------------------------- */

#define ITEM(jid, by, id)                                                      \
    "<item id='" jid "'><displayed xmlns='" MDS "'><stanza-id "                \
    "xmlns='urn:xmpp:sid:0' by='" by "' id='" id "'/></displayed></item>"

static void pep(struct fixture *f, const char *from, const char *item)
{
    receive(f, "<message from='%s' to='" ME_FULL "'><event xmlns='" PUBSUB
               "#event'><items node='" MDS "'>%s</items></event></message>",
        from, item);
}

/* The node as it is at sign-in. */
static void sign_in(struct fixture *f, const char *items)
{
    f->account->state = STATE_ONLINE;
    f->account->caught_up = true;
    forget_sent(f);
    xep0490.ready(f->account);
    g_autofree char *payload = g_strdup_printf("<pubsub xmlns='" PUBSUB
                    "'><items node='" MDS "'>%s</items></pubsub>", items);
    xmpp_stanza_t *iq = xmpp_stanza_clone(only_sent(f));
    forget_sent(f);
    answer(f, iq, "result", payload);
    xmpp_stanza_release(iq);
}

static void test_read_elsewhere(void)
{
    FIXTURE(f);
    begin(&f);
    sign_in(&f, "");
    for (guint i = 1; i <= 5; i++)
        came(&f, BOB_FULL, i, false);
    pep(&f, ME, ITEM(BOB, ME, "a3"));
    g_assert_cmpuint(unread(&f, BOB), ==, 2);
    pep(&f, ME, ITEM(BOB, ME, "a1"));
    g_assert_cmpuint(unread(&f, BOB), ==, 2);
    pep(&f, ME, ITEM(BOB, ME, "a6")); /* read there before it came here */
    g_assert_cmpuint(unread(&f, BOB), ==, 2);
    came(&f, BOB_FULL, 6, false);
    g_assert_cmpuint(unread(&f, BOB), ==, 0);
    came(&f, BOB_FULL, 7, false);
    g_assert_cmpuint(unread(&f, BOB), ==, 1);
}

/* XEP-0490 s. 4.1: an archive id of another conversation says nothing. */
static void test_item_of_another_chat(gconstpointer closed)
{
    FIXTURE(f);
    begin(&f);
    sign_in(&f, "");
    came(&f, BOB_FULL, 1, false);
    came(&f, MAL_FULL, 2, false);
    if (closed) {
        struct chat *chat = account_find_chat(f.account, BOB);
        chat->put_away = true;
        account_close_chat(f.account, chat);
    }
    pep(&f, ME, ITEM(BOB, ME, "a2"));
    account_open_chat(f.account, BOB, CHAT_CONTACT);
    g_assert_cmpuint(unread(&f, BOB), ==, 1);
    came(&f, BOB_FULL, 3, false);
    g_assert_cmpuint(unread(&f, BOB), ==, 2);
    pep(&f, ME, ITEM(BOB, ME, "a1"));
    g_assert_cmpuint(unread(&f, BOB), ==, 1);
}

/* H39: only our own account speaks of our reading. */
static void test_forged_item(void)
{
    FIXTURE(f);
    begin(&f);
    sign_in(&f, "");
    came(&f, BOB_FULL, 1, false);
    static const char *const from[] = { MAL, MAL_FULL, BOB, "im.example.com",
        ME "/other", "juliet@im.example.com.evil.example" };
    for (guint i = 0; i < G_N_ELEMENTS(from); i++)
        pep(&f, from[i], ITEM(BOB, ME, "a1"));
    static const char *const items[] = { ITEM(BOB, MAL, "a1"),
        ITEM(BOB, BOB, "a1"), ITEM("@", ME, "a1"), ITEM(BOB, ME, ""),
        ITEM(MAL, ME, "a1"), "<item id='" BOB "'/>", "<item/>", "",
        "<item id='" BOB "'><displayed xmlns='" MDS "'/></item>",
        "<retract id='" BOB "'/>",
        "<item id='" BOB "'><displayed xmlns='" MDS "'><stanza-id "
        "xmlns='urn:xmpp:sid:0'/></displayed></item>" };
    for (guint i = 0; i < G_N_ELEMENTS(items); i++)
        pep(&f, ME, items[i]);
    receive(&f, "<message from='" ME "'><sent xmlns='urn:xmpp:carbons:2'>"
                "<forwarded xmlns='urn:xmpp:forward:0'><message "
                "xmlns='jabber:client' from='" ME "' to='" ME_FULL "'><event "
                "xmlns='" PUBSUB "#event'><items node='" MDS "'>"
                ITEM(BOB, ME, "a1") "</items></event></message></forwarded>"
                "</sent></message>");
    g_assert_cmpuint(unread(&f, BOB), ==, 1);
    pep(&f, ME, ITEM(BOB, ME, "a1"));
    g_assert_cmpuint(unread(&f, BOB), ==, 0);
}

static xmpp_stanza_t *published(struct fixture *f)
{
    return sent_iq(f, "pubsub", PUBSUB);
}

static char *published_id(struct fixture *f)
{
    xmpp_stanza_t *pubsub =
        stanza_child(published(f), "pubsub", PUBSUB);
    xmpp_stanza_t *item = stanza_child(
        stanza_child(pubsub, "publish", PUBSUB), "item", PUBSUB);
    xmpp_stanza_t *sid = stanza_child(
        stanza_child(item, "displayed", MDS), "stanza-id", "urn:xmpp:sid:0");
    return g_strconcat(
        stanza_attr(item, "id"), " ", stanza_attr(sid, "id"), NULL);
}

static void assert_published(struct fixture *f, const char *what)
{
    g_autofree char *id = published(f) ? published_id(f) : g_strdup("nothing");
    g_assert_cmpstr(id, ==, what);
}

/* H40 (XEP-0223): only where the server promises to keep it private. */
static void test_not_private(void)
{
    FIXTURE(f);
    begin(&f);
    sign_in(&f, "");
    came(&f, BOB_FULL, 1, false);
    forget_sent(&f);
    chat_mark_read(account_find_chat(f.account, BOB));
    g_assert_cmpuint(f.sent->len, ==, 0);
    g_assert_cmpuint(f.counts[EVENT_NOTICE], ==, 1);
}

static void private_server(struct fixture *f)
{
    begin(f);
    server_has(f, "urn:xmpp:sid:0'/><feature var='" PROMISE);
    forget_sent(f);
}

static void test_read_here(void)
{
    FIXTURE(f);
    private_server(&f);
    sign_in(&f, "");
    came(&f, BOB_FULL, 1, false);
    came(&f, BOB_FULL, 2, false);
    forget_sent(&f);
    chat_mark_read(account_find_chat(f.account, BOB));
    assert_published(&f, BOB " a2");
    g_autofree char *xml = stanza_xml(published(&f));
    assert_has(xml, "whitelist");
    assert_has(xml, "<field var=\"pubsub#max_items\"><value>max</value>");
    /* While one is under way the last state of each is kept. */
    xmpp_stanza_t *iq = xmpp_stanza_clone(published(&f));
    forget_sent(&f);
    for (guint i = 3; i < 9; i++) {
        came(&f, BOB_FULL, i, false);
        chat_mark_read(account_find_chat(f.account, BOB));
    }
    g_assert_null(published(&f));
    answer(&f, iq, "result", "");
    xmpp_stanza_release(iq);
    assert_published(&f, BOB " a8");
}

#define REFUSED                                                                \
    "<error type='wait'><resource-constraint "                                 \
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

static char *take_sent(struct fixture *f, const char *type, const char *payload)
{
    xmpp_stanza_t *iq = xmpp_stanza_clone(only_sent(f));
    char *xml = stanza_xml(iq);
    forget_sent(f);
    answer(f, iq, type, payload);
    xmpp_stanza_release(iq);
    return xml;
}

/* A server that takes no options but these, or has another node there. */
static void test_node(void)
{
    FIXTURE(f);
    private_server(&f);
    sign_in(&f, "");
    came(&f, BOB_FULL, 1, false);
    forget_sent(&f);
    chat_mark_read(account_find_chat(f.account, BOB));
    g_autofree char *all = take_sent(&f, "error", REFUSED);
    assert_has(all, "max_items");
    g_autofree char *create = take_sent(&f, "error",
        "<error type='cancel'><conflict "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
    assert_has(create, "<create ");
    assert_has(create, "max_items");
    g_autofree char *configure = take_sent(&f, "result", "");
    assert_has(configure, "pubsub#owner");
    assert_published(&f, BOB " a1");
    g_autofree char *again = take_sent(&f, "error", REFUSED);
    g_assert_null(strstr(again, "max_items"));
    assert_has(again, "whitelist");
    g_assert_cmpuint(f.sent->len, ==, 0); /* no third time */
    came(&f, BOB_FULL, 2, false);
    chat_mark_read(account_find_chat(f.account, BOB));
    assert_published(&f, BOB " a2");
}

/* Read while nobody could be told: told at the next sign-in, unless another
 * client has read further meanwhile. */
static void test_read_offline(void)
{
    FIXTURE(f);
    private_server(&f);
    sign_in(&f, "");
    for (guint i = 1; i <= 4; i++)
        came(&f, i % 2 ? BOB_FULL : MAL_FULL, i, false);
    session_test_lose(f.account);
    chat_mark_read(account_find_chat(f.account, BOB));
    chat_mark_read(account_find_chat(f.account, MAL));
    private_server(&f);
    sign_in(&f, ITEM(BOB, ME, "a1") ITEM(MAL, ME, "a4"));
    assert_published(&f, BOB " a3");
    answer(&f, published(&f), "result", "");
    g_assert_cmpuint(f.sent->len, ==, 1);
}

/* New here: what others have read is read, what they have not is not. */
static void test_new_client(void)
{
    FIXTURE(f);
    begin(&f);
    f.account->caught_up = false;
    for (guint i = 1; i <= 6; i++) {
        struct message *m = message_new();
        struct chat *chat = chat_new(
            f.account, i <= 4 ? BOB : MAL, CHAT_CONTACT);
        m->from = g_strdup(i <= 4 ? BOB_FULL : MAL_FULL);
        m->body = g_strdup("x");
        m->archive = true;
        m->stanza_id = g_strdup_printf("a%u", i);
        m->stanza_by = g_strdup(ME);
        g_assert_cmpint(history_add(f.account->history, chat, m,
            G_GINT64_CONSTANT(1700000000000000) + i), ==, HISTORY_NEW);
        message_free(m);
        chat_free(chat);
    }
    reading_begin(f.account, BOB, "a1");
    reading_begin(f.account, MAL, NULL);
    g_assert_cmpuint(unread(&f, BOB), ==, 3);
    g_assert_null(account_find_chat(f.account, MAL));
    auto_struct(history_chat) kept = history_find_chat(f.account->history, MAL);
    g_assert_cmpint(kept->read_row, >, 0);
    reading_begin(f.account, BOB, "a3"); /* something is known: no */
    g_assert_cmpuint(unread(&f, BOB), ==, 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/markers/newest-once", test_marker);
    g_test_add_func("/markers/H45-nobody-else", test_no_marker);
    g_test_add_func("/markers/XEP-0333-s5-thread", test_marker_thread);
    g_test_add_func("/markers/H38-H45-forged", test_forged_marker);
    g_test_add_data_func("/markers/ours", NULL, test_marker_of_ours);
    g_test_add_data_func("/markers/ours-not-held", "", test_marker_of_ours);
    g_test_add_func("/displayed/elsewhere", test_read_elsewhere);
    g_test_add_data_func("/mds/XEP-0490-s4-another-chat", NULL,
        test_item_of_another_chat);
    g_test_add_data_func("/mds/XEP-0490-s4-another-chat-closed",
        GINT_TO_POINTER(1), test_item_of_another_chat);
    g_test_add_func("/displayed/H39-forged", test_forged_item);
    g_test_add_func("/displayed/H40-not-private", test_not_private);
    g_test_add_func("/displayed/here", test_read_here);
    g_test_add_func("/displayed/node", test_node);
    g_test_add_func("/displayed/offline", test_read_offline);
    g_test_add_func("/displayed/new-client", test_new_client);
    return g_test_run();
}
