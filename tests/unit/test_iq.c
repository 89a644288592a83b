/* Requests and replies: who may answer, who is answered how often. */
#include "session_fixture.h"
#include "xmpp/iq.h"

struct reply {
    guint results, errors, more;
    char condition[64];
    bool freed;
};

static void on_reply(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct reply *reply = data;

    (void)account;
    reply->more += more;
    if (result)
        reply->results++;
    else
        reply->errors++;
    if (error)
        g_strlcpy(
            reply->condition, error->condition, sizeof reply->condition);
}

static void on_free(gpointer data)
{
    ((struct reply *)data)->freed = true;
}

static char *ask(struct fixture *f, const char *to, struct reply *reply)
{
    *reply = (struct reply){ 0 };
    return g_strdup(iq_send(f->account,
        iq_new("get", to, "query", "urn:test", NULL), 0, on_reply, reply,
        on_free));
}

/* H28: an id alone proves nothing. */
static void test_h28(void)
{
    struct fixture *f = fixture_new();
    struct reply reply;
    g_autofree char *id = ask(f, "romeo@example.net/o", &reply);

    receive(f, "<iq type='result' id='%s' from='mal@evil.test/x'/>", id);
    receive(f, "<iq type='result' id='%s' from='romeo@example.net'/>", id);
    receive(f, "<iq type='result' id='%s'/>", id);
    receive(f, "<message id='%s' from='romeo@example.net/o'/>", id);
    receive(f, "<iq type='get' id='%s' from='romeo@example.net/o'/>", id);
    receive(f, "<iq type='result' id='roster' from='romeo@example.net/o'/>");
    g_assert_cmpuint(reply.results + reply.errors, ==, 0);
    g_assert_cmpuint(iq_pending(f->account), ==, 1);
    receive(f, "<iq type='result' id='%s' from='romeo@example.net/o'/>", id);
    g_assert_cmpuint(reply.results, ==, 1);
    g_assert_true(reply.freed);
    receive(f, "<iq type='result' id='%s' from='romeo@example.net/o'/>", id);
    g_assert_cmpuint(reply.results, ==, 1);
    fixture_free(f);
}

/* H29: our server answers for our account under four names. */
static void test_h29(void)
{
    static const struct {
        const char *to, *from;
        bool taken;
    } cases[] = {
        { NULL, NULL, true },
        { NULL, JULIET, true },
        { NULL, BALCONY, true },
        { NULL, "im.example.com", true },
        { NULL, "JULIET@IM.EXAMPLE.COM", true },
        { NULL, JULIET "/other", false },
        { NULL, "romeo@example.net", false },
        { NULL, "example.com", false },
        { JULIET, NULL, true },
        { JULIET, JULIET, true },
        { JULIET, JULIET "/other", false },
        { "im.example.com", "im.example.com", true },
        { "im.example.com", NULL, true },
        { "im.example.com", "evil.test", false },
        { "example.net", NULL, false },
        { "example.net", "im.example.com", false },
        { "Romeo@EXAMPLE.net", "romeo@example.net", true },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fixture *f = fixture_new();
        struct reply reply;
        g_autofree char *id = ask(f, cases[i].to, &reply);
        if (cases[i].from)
            receive(f, "<iq type='result' id='%s' from='%s'/>", id,
                cases[i].from);
        else
            receive(f, "<iq type='result' id='%s'/>", id);
        g_assert_cmpuint(reply.results, ==, cases[i].taken);
        fixture_free(f);
    }
}

static void test_ends(void)
{
    struct fixture *f = fixture_new();
    struct reply a, b, c, d;
    g_autofree char *ida = ask(f, NULL, &a);
    g_autofree char *idb = ask(f, NULL, &b);
    g_free(ask(f, NULL, &c));
    g_autofree char *idd = NULL;

    receive(f,
        "<iq type='error' id='%s'><error type='cancel'><item-not-found "
        "xmlns='" NS_STANZAS "'/></error></iq>",
        ida);
    g_assert_cmpstr(a.condition, ==, "item-not-found");
    iq_cancel(f->account, idb);
    g_assert_true(b.freed);
    g_assert_cmpuint(b.errors + b.results, ==, 0);
    session_test_lose(f->account);
    g_assert_cmpstr(c.condition, ==, "recipient-unavailable");
    g_assert_true(c.freed);
    idd = ask(f, NULL, &d); /* offline */
    g_assert_null(idd);
    g_assert_cmpuint(d.errors, ==, 1);
    g_assert_true(d.freed);
    fixture_free(f);
}

struct pair {
    struct fixture *f;
    char *other;
    guint replies, freed;
};

static void on_pair_reply(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct pair *pair = data;

    (void)result;
    (void)error;
    (void)more;
    pair->replies++;
    iq_cancel(account, pair->other);
}

static void on_pair_free(gpointer data)
{
    ((struct pair *)data)->freed++;
}

/* Who fails may give up the other, which fails for the same reason. */
static void test_cancel_each_other(void)
{
    for (int timed = 0; timed < 2; timed++) {
        struct fixture *f = fixture_new();
        struct pair a = { .f = f }, b = { .f = f };

        b.other = g_strdup(iq_send(f->account,
            iq_new("get", NULL, "query", "urn:test", NULL), 1, on_pair_reply,
            &a, on_pair_free));
        a.other = g_strdup(iq_send(f->account,
            iq_new("get", NULL, "query", "urn:test", NULL), 1, on_pair_reply,
            &b, on_pair_free));
        if (timed)
            while (iq_pending(f->account))
                g_main_context_iteration(NULL, TRUE);
        else
            session_test_lose(f->account);
        g_assert_cmpuint(a.replies + b.replies, ==, 1);
        g_assert_cmpuint(a.freed, ==, 1);
        g_assert_cmpuint(b.freed, ==, 1);
        g_assert_cmpuint(iq_pending(f->account), ==, 0);
        g_free(a.other);
        g_free(b.other);
        fixture_free(f);
    }
}

static void test_timeout(void)
{
    struct fixture *f = fixture_new();
    struct reply reply = { 0 };

    iq_send(f->account, iq_new("get", NULL, "query", "urn:test", NULL), 1,
        on_reply, &reply, NULL);
    while (reply.errors == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(reply.condition, ==, "remote-server-timeout");
    g_assert_cmpuint(iq_pending(f->account), ==, 0);
    fixture_free(f);
}

static void test_portions(void)
{
    struct fixture *f = fixture_new();
    struct reply reply;
    g_autofree char *id = ask(f, NULL, &reply);

    receive(f, "<iq type='result' id='%s' portion='more'/>", id);
    receive(f, "<iq type='result' id='%s' portion='more'/>", id);
    receive(f, "<iq type='result' id='%s' portion='last'/>", id);
    g_assert_cmpuint(reply.results, ==, 3);
    g_assert_cmpuint(reply.more, ==, 2);
    g_assert_cmpuint(iq_pending(f->account), ==, 0);
    fixture_free(f);
}

/* H48, C38-C43: exactly one answer to a get or set, none to anything else. */
static void test_h48(void)
{
    static const struct {
        const char *xml, *answer;
    } cases[] = {
        { "<iq type='get' id='1' from='mal@evil.test/x'><q xmlns='u'/></iq>",
            "service-unavailable" },
        { "<iq type='set' id='1' from='mal@evil.test/x'><ping "
          "xmlns='urn:xmpp:ping'/></iq>",
            "service-unavailable" },
        { "<iq type='get' id='1' from='mal@evil.test/x'/>", "bad-request" },
        { "<iq type='get' id='1' from='mal@evil.test/x'>text</iq>",
            "bad-request" },
        { "<iq type='get' id='1' from='mal@evil.test/x'><a xmlns='u'/><ping "
          "xmlns='urn:xmpp:ping'/></iq>",
            "bad-request" },
        { "<iq id='1' from='mal@evil.test/x'><q xmlns='u'/></iq>",
            "bad-request" },
        { "<iq type='bogus' id='1' from='mal@evil.test/x'><q xmlns='u'/></iq>",
            "bad-request" },
        { "<iq type='get' from='mal@evil.test/x'><q xmlns='u'/></iq>",
            "bad-request" },
        { "<iq type='get' id='1'><q xmlns='u'/></iq>",
            "service-unavailable" },
        { "<iq type='result' id='1' from='mal@evil.test/x'/>", NULL },
        { "<iq type='error' id='1' from='mal@evil.test/x'><error/></iq>",
            NULL },
        { "<iq type='error' from='mal@evil.test/x'/>", NULL },
        { "<iq type='get' id='1' from='@v'><q xmlns='u'/></iq>", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fixture *f = fixture_new();
        receive(f, "%s", cases[i].xml);
        g_assert_cmpuint(f->sent->len, ==, cases[i].answer ? 1 : 0);
        if (cases[i].answer) {
            assert_has(last_sent(f), cases[i].answer);
            assert_has(last_sent(f), "type=\"error\"");
            if (strstr(cases[i].xml, "mal@"))
                assert_has(last_sent(f), "to=\"mal@evil.test/x\"");
            else
                g_assert_null(strstr(last_sent(f), "to="));
        }
        fixture_free(f);
    }
}

/* C36: the id comes back byte for byte. */
static void test_id(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *id = NULL;

    receive(f,
        "<iq type='get' id=' &lt;Ä&quot;&amp;' from='a@b/c'><q xmlns='u'/>"
        "</iq>");
    id = sent_attr(f, 0, "id");
    g_assert_cmpstr(id, ==, " <Ä\"&");
    fixture_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iq/H28-peer", test_h28);
    g_test_add_func("/iq/H29-own-server", test_h29);
    g_test_add_func("/iq/ends", test_ends);
    g_test_add_func("/iq/cancel-each-other", test_cancel_each_other);
    g_test_add_func("/iq/timeout", test_timeout);
    g_test_add_func("/iq/portions", test_portions);
    g_test_add_func("/iq/H48-answers", test_h48);
    g_test_add_func("/iq/C36-id", test_id);
    return g_test_run();
}
