/* Which chats notify (XEP-0492): what comes from the server and what goes to
 * it, without a step being lost, and nothing of strangers (H39, H40). */
#include "xep_fixture.h"
#include "store/history.h"
#include "xep/pep.h"
#include "xep/xep.h"
#include "xep/xep0492_notify.h"

#define NODE "https://txmpp.invalid/notify"
#define NS "urn:xmpp:notification-settings:1"
#define ITEM(jid, inner)                                                       \
    "<item id='" jid "'><chat xmlns='" NODE "' jid='" jid "'>"                 \
    "<notify xmlns='" NS "'>" inner "</notify></chat></item>"
#define ITEMS(inner)                                                           \
    "<pubsub xmlns='" NS_PUBSUB "'><items node='" NODE "'>" inner              \
    "</items></pubsub>"
#define NOBODY                                                                 \
    "<error type='cancel'><item-not-found "                                    \
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

/* Online, and the server has answered what it has. */
static void begin(struct fixture *f, const char *type, const char *payload)
{
    f->account->state = STATE_ONLINE;
    server_has(f, NS_PUBSUB "#publish-options");
    forget_sent(f);
    xep0492.ready(f->account);
    xmpp_stanza_t *iq = xmpp_stanza_clone(sent_iq(f, "pubsub", NS_PUBSUB));
    forget_sent(f);
    answer(f, iq, type, payload);
    xmpp_stanza_release(iq);
}

static void again(struct fixture *f, const char *type, const char *payload)
{
    xep0492.offline(f->account);
    begin(f, type, payload);
}

static void set(struct fixture *f, const char *jid, const char *rule)
{
    g_assert_true(options_section_set(
        f->options, NOTIFY_SECTION, jid, rule, NULL));
    notify_rule_changed(f->account, jid);
}

static void assert_rule(struct fixture *f, const char *jid, const char *rule)
{
    g_autofree char *now = options_section_get(f->options, NOTIFY_SECTION, jid);
    g_assert_cmpstr(now, ==, rule);
}

static xmpp_stanza_t *sent(struct fixture *f, const char *what)
{
    xmpp_stanza_t *iq = sent_iq(f, "pubsub", NS_PUBSUB);
    return stanza_child(stanza_child(iq, "pubsub", NS_PUBSUB), what, NS_PUBSUB);
}

/* What is published, as XML; and the server takes it. */
static char *published(struct fixture *f)
{
    xmpp_stanza_t *iq = sent_iq(f, "pubsub", NS_PUBSUB);
    g_assert_nonnull(iq);
    xmpp_stanza_clone(iq);
    char *xml = stanza_xml(iq);
    forget_sent(f);
    answer(f, iq, "result", "");
    xmpp_stanza_release(iq);
    return xml;
}

static void event(struct fixture *f, const char *from, const char *inner)
{
    receive(f, "<message from='%s' type='headline'><event xmlns='"
               NS_PUBSUB_EVENT "'><items node='" NODE "'>%s</items></event>"
               "</message>", from, inner);
}

static void test_taken_over(void)
{
    FIXTURE(f);
    begin(&f, "result", ITEMS(ITEM(BOB, "<never/>")
        ITEM(MAL, "<always/><on-mention identity-category='client'/><never "
                  "identity-category='client' identity-type='phone'/>")
        ITEM("both@example.net", "<never identity-type='console'/>")
        "<item id='a b'/><item/><other/><item id='x@example.net'><chat/></item>"));
    assert_rule(&f, BOB, "never");
    assert_rule(&f, MAL, "mention");
    assert_rule(&f, "both@example.net", NULL);
    g_assert_cmpuint(f.sent->len, ==, 0);
    event(&f, ME, ITEM(BOB, "<always/>"));
    assert_rule(&f, BOB, "always");
    event(&f, ME, "<retract id='" BOB "'/>");
    assert_rule(&f, BOB, NULL);
    g_assert_cmpuint(f.sent->len, ==, 0);
}

static void test_forged_H39(void)
{
    FIXTURE(f);
    begin(&f, "result", ITEMS(ITEM(BOB, "<never/>")));
    event(&f, BOB, ITEM(BOB, "<always/>"));
    event(&f, MAL_FULL, ITEM(BOB, "<always/>"));
    event(&f, "im.example.com", "<retract id='" BOB "'/>");
    assert_rule(&f, BOB, "never");
}

static void test_sent(void)
{
    FIXTURE(f);
    begin(&f, "error", NOBODY);
    set(&f, BOB, "mention");
    g_autofree char *xml = published(&f);
    assert_has(xml, "whitelist");
    assert_has(xml, "id=\"" BOB "\"");
    assert_has(xml, "<on-mention/>");
    set(&f, BOB, NULL);
    g_assert_nonnull(sent(&f, "retract"));
}

/* Two changes while the first is under way: the last one is what is sent. */
static void test_sent_again(void)
{
    FIXTURE(f);
    begin(&f, "error", NOBODY);
    set(&f, BOB, "never");
    set(&f, BOB, "always");
    set(&f, BOB, "mention");
    g_autofree char *first = published(&f);
    assert_has(first, "<never/>");
    g_autofree char *second = published(&f);
    assert_has(second, "<on-mention/>");
    g_assert_cmpuint(f.sent->len, ==, 0);
    event(&f, ME, ITEM(BOB, "<on-mention/>")); /* the echo */
    assert_rule(&f, BOB, "mention");
}

/* Business rules: what is not ours stays, also what nobody here knows. */
static void test_others_stay(void)
{
    FIXTURE(f);
    begin(&f, "result", ITEMS(ITEM(BOB,
        "<never identity-category='client' identity-type='phone'/>"
        "<always identity-category='client'><advanced><x xmlns='urn:x'/>"
        "</advanced></always><never/>")));
    assert_rule(&f, BOB, "always");
    set(&f, BOB, "mention");
    g_autofree char *xml = published(&f);
    assert_has(xml, "identity-type=\"phone\"/>");
    assert_has(xml, "<on-mention identity-category=\"client\"><advanced>"
                    "<x xmlns=\"urn:x\"/></advanced></on-mention>");
    assert_has(xml, "<never/>");
    g_assert_null(strstr(xml, "<always"));
    set(&f, BOB, NULL);
    g_autofree char *less = published(&f);
    g_assert_null(strstr(less, "on-mention"));
    /* s. 3: what is not known must not be taken away */
    assert_has(less, "<always identity-category=\"client\"><advanced>"
                     "<x xmlns=\"urn:x\"/></advanced></always>");
    assert_has(less, "<never/>");
}

static void test_not_private_H40(void)
{
    FIXTURE(f);
    begin(&f, "error", NOBODY);
    server_has(&f, "urn:other");
    forget_sent(&f);
    set(&f, BOB, "never");
    g_assert_cmpuint(f.sent->len, ==, 0);
    assert_rule(&f, BOB, "never");
}

/* Whatever was changed where while we were away. */
static void test_reconciled(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    add_contact(&f, MAL, SUB_BOTH);
    begin(&f, "result", ITEMS(ITEM(BOB, "<never/>") ITEM(MAL, "<never/>")));
    /* here: BOB is notified again; there: MAL is */
    f.account->state = STATE_OFFLINE;
    set(&f, BOB, NULL);
    again(&f, "result", ITEMS(ITEM(BOB, "<never/>")));
    assert_rule(&f, BOB, NULL);
    assert_rule(&f, MAL, NULL);
    g_assert_nonnull(sent(&f, "retract"));
    g_autofree char *gone = published(&f);
    assert_has(gone, BOB);
    /* both sides, of something known: ours is what is sent */
    set(&f, MAL, "mention");
    g_free(published(&f));
    set(&f, MAL, "always");
    again(&f, "result", ITEMS(ITEM(MAL, "<never/>")));
    assert_rule(&f, MAL, "always");
    /* of nothing known: theirs counts; nobody's contact is not told */
    g_autofree char *xml = published(&f);
    assert_has(xml, "<always/>");
    options_section_set(f.options, NOTIFY_SECTION, "y@example.net", "never", NULL);
    options_section_set(f.options, NOTIFY_SECTION, "x@example.net", "never", NULL);
    again(&f, "result", ITEMS(ITEM(MAL, "<always/>")
        ITEM("x@example.net", "<always/>")));
    assert_rule(&f, "x@example.net", "always");
    assert_rule(&f, "y@example.net", "never");
    g_assert_cmpuint(f.sent->len, ==, 0);
    /* taken away here, another one there: that is not lost */
    f.account->state = STATE_OFFLINE;
    set(&f, MAL, NULL);
    again(&f, "result", ITEMS(ITEM(MAL, "<on-mention/>")));
    assert_rule(&f, MAL, "mention");
    g_assert_cmpuint(f.sent->len, ==, 0);
}

/* A server that fails to answer does not take the rules away. */
static void test_unknown_changes_nothing(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    begin(&f, "result", ITEMS(ITEM(BOB, "<never/>")));
    again(&f, "error", UNAVAILABLE);
    assert_rule(&f, BOB, "never");
    set(&f, BOB, "always");
    g_assert_cmpuint(f.sent->len, ==, 0);
    again(&f, "result", ITEMS(ITEM(BOB, "<never/>")));
    g_autofree char *xml = published(&f);
    assert_has(xml, "<always/>");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/taken-over", test_taken_over);
    g_test_add_func("/settings/forged-H39", test_forged_H39);
    g_test_add_func("/settings/sent", test_sent);
    g_test_add_func("/settings/sent-again", test_sent_again);
    g_test_add_func("/settings/others-stay", test_others_stay);
    g_test_add_func("/settings/not-private-H40", test_not_private_H40);
    g_test_add_func("/settings/reconciled", test_reconciled);
    g_test_add_func("/settings/unknown", test_unknown_changes_nothing);
    return g_test_run();
}
