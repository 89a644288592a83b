#include "xep_fixture.h"
#include "xep/xep.h"

#define CARBON(name, inner)                                                    \
    "<" name " xmlns='urn:xmpp:carbons:2'>"                                    \
    "<forwarded xmlns='urn:xmpp:forward:0'>" inner "</forwarded></" name ">"
#define MESSAGE(from, to)                                                      \
    "<message xmlns='jabber:client' from='" from "' to='" to "' type='chat' "  \
    "id='m1'><body>hello</body></message>"

static void outer(struct fixture *f, const char *from, const char *carbon)
{
    receive(f, "<message from='%s' to='" ME_FULL "' type='chat'>%s</message>",
        from, carbon);
}

static void test_received(void)
{
    FIXTURE(f);
    outer(&f, ME, CARBON("received", MESSAGE(BOB_FULL, ME "/garden")));
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 1);
    g_assert_cmpstr(f.message->body, ==, "hello");
    g_assert_true(f.message->carbon);
    g_assert_false(f.message->outgoing);
    g_assert_cmpuint(account_find_chat(f.account, BOB)->messages->len, ==, 1);
}

static void test_sent(void)
{
    FIXTURE(f);
    outer(&f, ME, CARBON("sent", MESSAGE(ME "/garden", BOB_FULL)));
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 1);
    g_assert_true(f.message->carbon);
    g_assert_true(f.message->outgoing);
    g_assert_nonnull(account_find_chat(f.account, BOB));
}

/* The outer from may be left out: our own account (RFC 6120 s. 8.1.2.1). */
static void test_no_from(void)
{
    FIXTURE(f);
    receive(&f, "<message to='" ME_FULL "'>%s</message>",
        CARBON("received", MESSAGE(BOB_FULL, ME_FULL)));
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 1);
}

static void nothing_shown(struct fixture *f)
{
    g_assert_cmpuint(f->counts[EVENT_MESSAGE], ==, 0);
    g_assert_cmpuint(f->counts[EVENT_CHAT_ADDED], ==, 0);
    g_assert_cmpuint(f->sent->len, ==, 0);
}

static void test_wrong_wrapper(void)
{
    FIXTURE(f);
    add_contact(&f, MAL, SUB_BOTH);
    static const char *const outers[] = { MAL_FULL, MAL, ME "/other",
        "im.example.com", "evil.example",
        "juliet@im.example.com.evil.example" };
    for (guint i = 0; i < G_N_ELEMENTS(outers); i++) {
        outer(&f, outers[i], CARBON("received", MESSAGE(BOB_FULL, ME)));
        outer(&f, outers[i], CARBON("sent", MESSAGE(ME "/garden", BOB)));
    }
    nothing_shown(&f);
}

static void test_nested(void)
{
    FIXTURE(f);
    outer(&f, ME,
        CARBON("received",
            "<message xmlns='jabber:client' from='" BOB_FULL "' to='" ME
            "'>" CARBON("received", MESSAGE(BOB_FULL, ME)) "<body>x</body>"
                                                           "</message>"));
    outer(&f, ME,
        CARBON("received",
            "<message xmlns='jabber:client' from='" BOB_FULL "' to='" ME "'>"
            "<result xmlns='urn:xmpp:mam:2'><forwarded "
            "xmlns='urn:xmpp:forward:0'>" MESSAGE(
                BOB_FULL, ME) "</forwarded></result><body>x</body></message>"));
    nothing_shown(&f);
}

static void test_foreign_inner(void)
{
    FIXTURE(f);
    outer(&f, ME, CARBON("sent", MESSAGE(MAL_FULL, BOB)));
    outer(&f, ME, CARBON("received", MESSAGE(BOB_FULL, MAL_FULL)));
    outer(&f, ME, CARBON("received", MESSAGE(ME_FULL, BOB)));
    nothing_shown(&f);
}

/* As H33, for carbons. */
static void test_malformed(void)
{
    FIXTURE(f);
    static const char *const bad[] = {
        "<received xmlns='urn:xmpp:carbons:2'/>",
        "<sent xmlns='urn:xmpp:carbons:2'/>",
        CARBON("received", ""),
        CARBON("received", MESSAGE(BOB_FULL, ME) MESSAGE(BOB_FULL, ME)),
        CARBON("received",
            "<iq xmlns='jabber:client' from='" BOB "' to='" ME "' type='set' "
            "id='i'><query xmlns='jabber:iq:roster'/></iq>"),
        CARBON("received",
            "<presence xmlns='jabber:client' from='" BOB "' to='" ME "'/>"),
        CARBON("received", "<message xmlns='urn:evil' from='" BOB_FULL
                           "' to='" ME "'><body>x</body></message>"),
        CARBON("received", "<message xmlns='jabber:client' to='" ME
                           "'><body>x</body></message>"),
        CARBON("received", "<message xmlns='jabber:client' from='" BOB
                           "'><body>x</body></message>"),
        CARBON("received", "<message xmlns='jabber:client' from='@' to='" ME
                           "'><body>x</body></message>"),
        CARBON("received", MESSAGE(BOB_FULL, ME))
            CARBON("sent", MESSAGE(ME, BOB)),
        CARBON("received", MESSAGE(BOB_FULL, ME))
            CARBON("received", MESSAGE(BOB_FULL, ME)),
        "<private xmlns='urn:xmpp:carbons:2'/>" CARBON(
            "received", MESSAGE(BOB_FULL, ME)),
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        outer(&f, ME, bad[i]);
    nothing_shown(&f);
}

/* A copy is never answered: the client that got the message did. */
static void test_no_receipt(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    outer(&f, ME,
        CARBON("received",
            "<message xmlns='jabber:client' from='" BOB_FULL "' to='" ME
            "' id='m'><body>x</body><request xmlns='urn:xmpp:receipts'/>"
            "</message>"));
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 1);
    g_assert_cmpuint(f.sent->len, ==, 0);
}

static void test_enable(void)
{
    FIXTURE(f);
    xep0030.online(f.account);
    xep0280.online(f.account);
    g_assert_null(sent_iq(&f, "enable", "urn:xmpp:carbons:2"));
    xmpp_stanza_t *iq = xmpp_stanza_clone(f.sent->pdata[0]);
    answer(&f, iq, "result",
        "<query xmlns='" DISCO_NS "'><feature var='urn:xmpp:carbons:2'/>"
        "</query>");
    xmpp_stanza_release(iq);
    g_assert_nonnull(sent_iq(&f, "enable", "urn:xmpp:carbons:2"));
}

static void test_not_offered(void)
{
    FIXTURE(f);
    xep0030.online(f.account);
    xep0280.online(f.account);
    xmpp_stanza_t *iq = xmpp_stanza_clone(f.sent->pdata[0]);
    answer(&f, iq, "error", UNAVAILABLE);
    xmpp_stanza_release(iq);
    g_assert_null(sent_iq(&f, "enable", "urn:xmpp:carbons:2"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/carbons/received", test_received);
    g_test_add_func("/carbons/sent", test_sent);
    g_test_add_func("/carbons/no-from", test_no_from);
    g_test_add_func("/carbons/H30-wrong-wrapper", test_wrong_wrapper);
    g_test_add_func("/carbons/H30-nested", test_nested);
    g_test_add_func("/carbons/H31-foreign-inner", test_foreign_inner);
    g_test_add_func("/carbons/H24-H33-malformed", test_malformed);
    g_test_add_func("/carbons/no-receipt", test_no_receipt);
    g_test_add_func("/carbons/enable", test_enable);
    g_test_add_func("/carbons/not-offered", test_not_offered);
    return g_test_run();
}
