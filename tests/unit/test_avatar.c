/* Faces of contacts (XEP-0084, XEP-0153): nobody is asked before somebody
 * looks, strangers never, and only what was announced is believed. */
#include "xep_fixture.h"
#include "xep/pep.h"
#include "xep/xep.h"
#include "xep/xep0084_avatar.h"

#define NS_METADATA "urn:xmpp:avatar:metadata"
#define NS_DATA "urn:xmpp:avatar:data"
#define BYTES "not really a picture"
#define ITEMS(node, inner)                                                     \
    "<pubsub xmlns='" NS_PUBSUB "'><items node='" node "'>" inner              \
    "</items></pubsub>"

static void begin(struct fixture *f)
{
    f->account->state = STATE_ONLINE;
    f->account->synced = true;
    add_contact(f, BOB, SUB_BOTH);
    account_open_chat(f->account, BOB, CHAT_CONTACT);
    forget_sent(f);
}

static char *hash_of(const char *bytes)
{
    return g_compute_checksum_for_string(G_CHECKSUM_SHA1, bytes, -1);
}

static void reply(struct fixture *f, const char *type, const char *payload)
{
    g_assert_cmpuint(f->sent->len, ==, 1);
    xmpp_stanza_t *iq = xmpp_stanza_clone(f->sent->pdata[0]);
    g_assert_cmpstr(stanza_attr(iq, "to"), ==, BOB);
    forget_sent(f);
    answer(f, iq, type, payload);
    xmpp_stanza_release(iq);
}

static void reply_metadata(struct fixture *f, const char *info)
{
    g_autofree char *payload = g_strdup_printf(
        ITEMS(NS_METADATA, "<item id='x'><metadata xmlns='" NS_METADATA
            "'>%s</metadata></item>"), info);
    reply(f, "result", payload);
}

static void reply_data(struct fixture *f, const char *bytes)
{
    g_autofree char *base64 =
        g_base64_encode((const guchar *)bytes, strlen(bytes));
    g_autofree char *payload = g_strdup_printf(
        ITEMS(NS_DATA, "<item id='x'><data xmlns='" NS_DATA
            "'>\n %s \n</data></item>"), base64);
    reply(f, "result", payload);
}

static void announce(struct fixture *f, const char *bytes)
{
    g_autofree char *hash = hash_of(bytes);
    g_autofree char *info = g_strdup_printf(
        "<info id='%s' type='image/gif' bytes='9'/><info/>"
        "<info id='%s' type='image/png' bytes='9' url='http://x/'/>"
        "<info id='../../etc/passwd' type='image/png' bytes='9'/>"
        "<info id='%s' type='image/png' bytes='20'/>", hash, hash, hash);
    reply_metadata(f, info);
}

static void assert_file(struct fixture *f, const char *bytes)
{
    g_autofree char *file = avatar_file(f->account, BOB), *text = NULL;
    if (!bytes) {
        g_assert_null(file);
        return;
    }
    g_assert_true(file && g_file_get_contents(file, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, bytes);
}

static void test_published(void)
{
    FIXTURE(f);
    begin(&f);
    assert_file(&f, NULL);
    assert_file(&f, NULL); /* asked once */
    announce(&f, BYTES);
    xmpp_stanza_t *items = stanza_child(stanza_child(f.sent->pdata[0], "pubsub",
        NS_PUBSUB), "items", NS_PUBSUB);
    g_assert_cmpstr(stanza_attr(items, "node"), ==, NS_DATA);
    guint told = f.counts[EVENT_CHAT_CHANGED];
    reply_data(&f, BYTES);
    g_assert_cmpuint(f.counts[EVENT_CHAT_CHANGED], ==, told + 1);
    assert_file(&f, BYTES);
    /* The next session finds it in the cache. */
    g_assert_cmpuint(f.sent->len, ==, 0);
}

static void test_other_than_announced(void)
{
    FIXTURE(f);
    begin(&f);
    assert_file(&f, NULL);
    announce(&f, BYTES);
    reply_data(&f, "something else");
    assert_file(&f, NULL);
    g_assert_cmpuint(f.sent->len, ==, 0); /* not again and again */
}

static void test_vcard(void)
{
    static const char *const photos[] = {
        "<PHOTO><BINVAL>bm90IHJlYWxseSBhIHBpY3R1cmU=</BINVAL></PHOTO>",
        "<PHOTO><EXTVAL>http://x/</EXTVAL></PHOTO>", "",
        "<PHOTO><BINVAL/></PHOTO>", "<PHOTO><BINVAL>%%%</BINVAL></PHOTO>" };
    for (gsize i = 0; i < G_N_ELEMENTS(photos); i++) {
        FIXTURE(f);
        begin(&f);
        assert_file(&f, NULL);
        reply(&f, "error", UNAVAILABLE);
        g_assert_nonnull(stanza_child(f.sent->pdata[0], "vCard", "vcard-temp"));
        g_autofree char *card = g_strdup_printf(
            "<vCard xmlns='vcard-temp'>%s</vCard>", photos[i]);
        reply(&f, "result", card);
        assert_file(&f, i ? NULL : BYTES);
        g_assert_cmpuint(f.sent->len, ==, 0);
    }
}

/* Who changes it says so in presence. */
static void test_changed(void)
{
    FIXTURE(f);
    begin(&f);
    assert_file(&f, NULL);
    announce(&f, BYTES);
    reply_data(&f, BYTES);
    g_autofree char *same = hash_of(BYTES), *other = hash_of("new");
    const char *const hashes[] = { same, "", "abc", other, other };
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        receive(&f, "<presence from='" BOB_FULL "'><x xmlns='vcard-temp:x:"
                    "update'><photo>%s</photo></x></presence>", hashes[i]);
    announce(&f, "new");
    reply_data(&f, "new");
    assert_file(&f, "new");
}

static void test_strangers_are_not_asked(void)
{
    FIXTURE(f);
    begin(&f);
    static const char *const who[] = { MAL, "x@example.net" };
    add_contact(&f, "x@example.net", SUB_FROM);
    receive(&f, "<presence from='" MAL_FULL "'><x xmlns='vcard-temp:x:update'>"
                "<photo>da39a3ee5e6b4b0d3255bfef95601890afd80709</photo></x>"
                "</presence>");
    for (gsize i = 0; i < G_N_ELEMENTS(who); i++)
        g_assert_null(avatar_file(f.account, who[i]));
    f.account->state = STATE_OFFLINE;
    assert_file(&f, NULL);
    g_assert_cmpuint(f.sent->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/avatar/published", test_published);
    g_test_add_func("/avatar/other", test_other_than_announced);
    g_test_add_func("/avatar/vcard", test_vcard);
    g_test_add_func("/avatar/changed", test_changed);
    g_test_add_func("/avatar/strangers", test_strangers_are_not_asked);
    return g_test_run();
}
