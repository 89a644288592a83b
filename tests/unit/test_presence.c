/* Presence of several resources, subscriptions as in RFC 6121 appendix A. */
#include "session_fixture.h"
#include "xmpp/rfc6121_presence.h"

#define ROMEO "romeo@example.net"

static void push(struct fixture *f, const char *attributes)
{
    receive(f,
        "<iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='"
        ROMEO "' %s/></query></iq>",
        attributes);
}

static struct contact *romeo(struct fixture *f)
{
    return roster_find(f->account->roster, ROMEO);
}

static void test_resources(void)
{
    struct fixture *f = fixture_new();

    push(f, "subscription='both'");
    receive(f,
        "<presence from='" ROMEO "/a'><priority>1</priority></presence>"
        "<presence from='" ROMEO "/b'><show>away</show><priority>5</priority>"
        "<status>out</status></presence>"
        "<presence from='" ROMEO "/c'><show>chat</show></presence>");
    g_assert_cmpuint(romeo(f)->resources->len, ==, 3);
    g_assert_cmpstr(contact_best(romeo(f))->from, ==, ROMEO "/b");
    g_assert_true(contact_show(romeo(f)) == SHOW_AWAY);
    receive(f, "<presence from='" ROMEO "/b'><priority>0</priority>"
               "<show>away</show></presence>");
    g_assert_cmpstr(contact_best(romeo(f))->from, ==, ROMEO "/a");
    receive(f, "<presence type='unavailable' from='" ROMEO "/a'/>");
    g_assert_cmpstr(contact_best(romeo(f))->from, ==, ROMEO "/c");
    receive(f, "<presence type='unavailable' from='" ROMEO "'>"
               "<status>gone</status></presence>");
    g_assert_null(contact_best(romeo(f)));
    g_assert_cmpstr(romeo(f)->last_status, ==, "gone");
    g_assert_cmpstr(f->last, ==, "offline " ROMEO);
    g_assert_cmpuint(f->sent->len, ==, 1); /* the answer to the push */
    fixture_free(f);
}

/* H44: out of range is as if it were not there. */
static void test_h44(void)
{
    static const struct {
        const char *priority;
        int expected;
    } cases[] = { { "999", 0 }, { "-129", 0 }, { "abc", 0 }, { "", 0 },
        { "-128", -128 }, { "127", 127 }, { "1e3", 0 }, { " 5", 0 } };
    struct fixture *f = fixture_new();
    GString *status = g_string_new(NULL);

    push(f, "subscription='both'");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        receive(f,
            "<presence from='" ROMEO "/a'><show>lol</show><priority>%s"
            "</priority></presence>",
            cases[i].priority);
        g_assert_cmpint(contact_best(romeo(f))->priority, ==,
            cases[i].expected);
        g_assert_true(contact_show(romeo(f)) == SHOW_ONLINE);
    }
    for (int i = 0; i < 300000; i++)
        g_string_append(status, "é");
    receive(f, "<presence from='" ROMEO "/a'><status>%s</status></presence>",
        status->str);
    g_assert_cmpuint(strlen(contact_best(romeo(f))->status), <=, 4096);
    g_assert_true(
        g_utf8_validate(contact_best(romeo(f))->status, -1, NULL));
    for (int i = 0; i < 500; i++)
        receive(f, "<presence from='" ROMEO "/r%d'/>", i);
    g_assert_cmpuint(romeo(f)->resources->len, <=, 64);
    for (int i = 0; i < 3000; i++)
        receive(f, "<presence from='s%d@evil.test/x'/>", i);
    g_assert_cmpuint(roster_size(f->account->roster), <=, 1100);
    g_string_free(status, TRUE);
    fixture_free(f);
}

/* H44, H47: a crowd of requests is one notice, nothing is accepted. */
static void test_crowd(void)
{
    struct fixture *f = fixture_new();

    f->can_ask = true;
    for (int i = 0; i < 10000; i++)
        receive(f, "<presence type='subscribe' from='m%d@evil.test'/>", i);
    g_assert_cmpuint(f->questions, ==, 1);
    g_assert_cmpuint(f->sent->len, ==, 0);
    g_assert_cmpuint(roster_size(f->account->roster), <=, 1100);
    for (int i = 0; i < 5; i++)
        if (f->questions == (guint)i + 1)
            f->question.answer(ANSWER_NONE, NULL, NULL, f->question.data);
    g_assert_cmpuint(f->questions, <=, 3);
    g_assert_cmpuint(f->events[EVENT_NOTICE], ==, 1);
    g_assert_cmpuint(f->sent->len, ==, 0);
    fixture_free(f);
}

/* The nine states of appendix A.1 as a client knows them; those without a
 * subscription also for somebody who is in the roster all the same. */
struct substate {
    const char *push; /* NULL: not in the roster */
    bool pending_in;
};

static const struct substate states[] = {
    { NULL, false },                                 /* None */
    { "subscription='none' ask='subscribe'", false }, /* None + Out */
    { NULL, true },                                  /* None + In */
    { "subscription='none' ask='subscribe'", true }, /* None + Out+In */
    { "subscription='to'", false },                  /* To */
    { "subscription='to'", true },                   /* To + In */
    { "subscription='from'", false },                /* From */
    { "subscription='from' ask='subscribe'", false }, /* From + Out */
    { "subscription='both'", false },                /* Both */
    { "subscription='none'", false },                /* None, in the roster */
    { "subscription='none'", true },                 /* None + In, likewise */
};

static struct fixture *in_state(const struct substate *state)
{
    struct fixture *f = fixture_new();

    if (state->push)
        push(f, state->push);
    if (state->pending_in)
        receive(f, "<presence type='subscribe' from='" ROMEO "'/>");
    g_ptr_array_set_size(f->sent, 0);
    f->events[EVENT_SUBSCRIPTION] = 0;
    return f;
}

/* A.3: what a client shows of what comes in. */
static void test_inbound(void)
{
    static const struct {
        const char *type;
        /* per state: is it news, and is a request waiting afterwards */
        const char *news, *pending;
    } rows[] = {
        { "subscribe", "yynnynnnnyn", "yyyyyynnnyy" },
        { "unsubscribe", "nyyyyyyyyyy", "nnnnnnnnnnn" },
        { "subscribed", "nynyyyyyyyy", "nnyynynnnny" },
        { "unsubscribed", "nynyyyyyyyy", "nnyynynnnny" },
    };

    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++)
        for (size_t s = 0; s < G_N_ELEMENTS(states); s++) {
            struct fixture *f = in_state(&states[s]);
            receive(f, "<presence type='%s' from='" ROMEO "'/>",
                rows[r].type);
            g_test_message("%s in state %zu", rows[r].type, s);
            g_assert_cmpuint(f->events[EVENT_SUBSCRIPTION], ==,
                rows[r].news[s] == 'y');
            g_assert_cmpint(romeo(f) && romeo(f)->pending_in, ==,
                rows[r].pending[s] == 'y');
            g_assert_cmpuint(f->sent->len, ==, 0); /* nothing by itself */
            fixture_free(f);
        }
}

/* A.2: what a command sends in each state; '-': it is refused or needless. */
static void test_outbound(void)
{
    static const struct {
        const char *command, *type, *sends;
    } rows[] = {
        { "/sub request " ROMEO, "subscribe", "yyyy--yy-yy" },
        { "/sub cancel " ROMEO, "unsubscribe", "-y-yyy-yy--" },
        { "/sub allow " ROMEO, "subscribed", "--yy-y----y" },
        { "/sub deny " ROMEO, "unsubscribed", "--yy-yyyy-y" },
    };

    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++)
        for (size_t s = 0; s < G_N_ELEMENTS(states); s++) {
            struct fixture *f = in_state(&states[s]);
            g_autofree char *type =
                g_strdup_printf("type=\"%s\"", rows[r].type);
            g_test_message("%s in state %zu", rows[r].command, s);
            run(f, rows[r].command);
            g_assert_cmpuint(f->sent->len, ==, rows[r].sends[s] == 'y');
            if (f->sent->len) {
                assert_has(last_sent(f), type);
                assert_has(last_sent(f), "to=\"" ROMEO "\"");
            } else {
                assert_has(f->log->str, "done");
            }
            /* The state moves on the push, not before. */
            if (states[s].push)
                g_assert_cmpstr(
                    subscription_name(romeo(f)->subscription), ==,
                    strstr(states[s].push, "both")   ? "both"
                        : strstr(states[s].push, "to'") ? "to"
                        : strstr(states[s].push, "from") ? "from"
                                                         : "none");
            push(f, "subscription='both'");
            assert_has(f->log->str, "done");
            fixture_free(f);
        }
}

static void test_preapproval(void)
{
    struct fixture *f = fixture_new();

    run(f, "/sub allow " ROMEO);
    assert_has(f->log->str, "fail unexpected-request");
    session_test_features(f->account,
        "<features><sub xmlns='urn:xmpp:features:pre-approval'/></features>");
    run(f, "/sub allow " ROMEO);
    assert_has(last_sent(f), "type=\"subscribed\"");
    push(f, "subscription='none' approved='true'");
    g_assert_cmpstr(f->log->str, ==, "done ok\n");
    g_assert_true(romeo(f)->approved);
    fixture_free(f);
}

static void test_question(void)
{
    struct fixture *f = fixture_new();

    f->can_ask = true;
    receive(f, "<presence type='subscribe' from='" ROMEO "/x'>"
               "<status>Let me in</status></presence>");
    g_assert_cmpstr(f->last, ==, "subscribe " ROMEO " Let me in");
    g_assert_cmpuint(f->questions, ==, 1);
    g_assert_cmpstr(f->question.jid, ==, ROMEO);
    f->question.answer(ANSWER_ACCEPT_ADD, NULL, NULL, f->question.data);
    g_assert_cmpuint(count_sent(f, "jabber:iq:roster"), ==, 1);
    g_assert_cmpuint(count_sent(f, "type=\"subscribed\""), ==, 1);
    g_assert_cmpuint(count_sent(f, "type=\"subscribe\""), ==, 1);
    g_assert_null(romeo(f)->pending_in);
    fixture_free(f);
}

/* An answer that cannot be sent is not lost in silence; the question stays. */
static void test_answer_offline(void)
{
    struct fixture *f = fixture_new();

    f->can_ask = true;
    receive(f, "<presence type='subscribe' from='" ROMEO "'/>");
    receive(f, "<presence type='subscribe' from='paris@example.net'/>");
    g_assert_cmpuint(f->questions, ==, 1);
    session_test_lose(f->account);
    f->events[EVENT_NOTICE] = 0;
    f->question.answer(ANSWER_ACCEPT, NULL, NULL, f->question.data);
    g_assert_cmpuint(f->events[EVENT_NOTICE], ==, 1);
    g_assert_nonnull(romeo(f)->pending_in);
    g_assert_cmpuint(f->questions, ==, 1); /* the next one can wait, too */
    g_assert_cmpuint(count_sent(f, "type=\"subscribed\""), ==, 0);
    fixture_free(f);
}

/* Taking a request back and making it again gives no second place. */
static void test_queue(void)
{
    struct fixture *f = fixture_new();

    f->can_ask = true;
    receive(f, "<presence type='subscribe' from='" ROMEO "'/>");
    for (int i = 0; i < 5; i++) {
        receive(f, "<presence type='subscribe' from='mal@evil.test'/>");
        receive(f, "<presence type='unsubscribe' from='mal@evil.test'/>");
    }
    receive(f, "<presence type='subscribe' from='mal@evil.test'/>");
    for (guint n = 1; n == f->questions && n < 10; n++)
        f->question.answer(ANSWER_NONE, NULL, NULL, f->question.data);
    g_assert_cmpuint(f->questions, ==, 2);
    fixture_free(f);
}

static void test_request_error(void)
{
    struct fixture *f = fixture_new();

    run(f, "/sub request nobody@nowhere.test Hello");
    assert_has(last_sent(f), "<status>Hello</status>");
    receive(f,
        "<presence type='error' from='nobody@nowhere.test'><error "
        "type='cancel'><remote-server-not-found xmlns='" NS_STANZAS
        "'/></error></presence>");
    assert_has(f->log->str, "fail remote-server-not-found");
    g_assert_cmpuint(f->events[EVENT_ERROR], ==, 0);
    receive(f, "<presence type='error' from='mal@evil.test'/>");
    g_assert_cmpuint(f->events[EVENT_ERROR], ==, 0);
    fixture_free(f);
}

static void test_status(void)
{
    struct fixture *f = fixture_new();

    run(f, "/status away back at five");
    assert_has(last_sent(f), "<show>away</show>");
    assert_has(last_sent(f), "<status>back at five</status>");
    run(f, "/dnd");
    assert_has(last_sent(f), "<show>dnd</show>");
    g_assert_null(strstr(last_sent(f), "<status>"));
    run(f, "/status set available -p -5");
    assert_has(last_sent(f), "<priority>-5</priority>");
    g_assert_null(strstr(last_sent(f), "<show>"));
    run(f, "/status available -p 128");
    assert_has(f->log->str, "fail bad-request");
    run(f, "/status get");
    assert_has(f->log->str, "show=online priority=-5");
    run(f, "/status asleep");
    assert_has(f->log->str, "fail");
    run(f, "/priority 3");
    assert_has(last_sent(f), "<priority>3</priority>");
    fixture_free(f);
}

/* RFC 6121 s. 4.6.4: whoever was told is told of the end. */
static void test_directed(void)
{
    struct fixture *f = fixture_new();

    run(f, "/status chat psst -t nurse@im.example.com/kitchen");
    assert_has(last_sent(f), "to=\"nurse@im.example.com/kitchen\"");
    run(f, "/status chat psst -t tybalt@example.org");
    run(f, "/status offline -t tybalt@example.org");
    assert_has(last_sent(f), "type=\"unavailable\"");
    g_ptr_array_set_size(f->sent, 0);
    session_disconnect(f->account, "good night");
    g_assert_cmpuint(f->sent->len, ==, 2);
    assert_has((char *)g_ptr_array_index(f->sent, 0), "kitchen");
    g_assert_null(strstr(last_sent(f), "to="));
    assert_has(last_sent(f), "<status>good night</status>");
    fixture_free(f);
}

static void test_idle(void)
{
    struct fixture *f = fixture_new();

    run(f, "/status chat here");
    rfc6121_presence_set_idle(f->account, true);
    assert_has(last_sent(f), "<show>away</show>");
    rfc6121_presence_set_idle(f->account, false);
    assert_has(last_sent(f), "<show>chat</show>");
    assert_has(last_sent(f), "<status>here</status>");
    run(f, "/status dnd");
    g_ptr_array_set_size(f->sent, 0);
    rfc6121_presence_set_idle(f->account, true);
    rfc6121_presence_set_idle(f->account, false);
    g_assert_cmpuint(f->sent->len, ==, 0);
    fixture_free(f);
}

static void test_lists(void)
{
    struct fixture *f = fixture_new();

    push(f, "name='Romeo' subscription='both'");
    receive(f, "<presence from='" ROMEO "/a'><show>dnd</show></presence>"
               "<presence from='" BALCONY "'/>"
               "<presence from='" JULIET "/phone'/>");
    run(f, "/who");
    g_assert_cmpstr(f->log->str, ==,
        "row contact jid=" ROMEO " show=dnd name=Romeo resources=1\n"
        "done ok\n");
    run(f, "/who away");
    g_assert_cmpstr(f->log->str, ==, "done ok\n");
    run(f, "/who moderator");
    assert_has(f->log->str, "have no roles");
    run(f, "/who nonesuch Friends");
    assert_has(f->log->str, "is no state");
    run(f, "/info " ROMEO);
    assert_has(f->log->str, "row resource jid=" ROMEO "/a show=dnd");
    run(f, "/devices");
    assert_has(f->log->str, "jid=" BALCONY);
    assert_has(f->log->str, "this=yes");
    assert_has(f->log->str, "jid=" JULIET "/phone");
    run(f, "/info bob@example.net");
    assert_has(f->log->str, "in_roster=no");
    fixture_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/presence/resources", test_resources);
    g_test_add_func("/presence/H44-ranges", test_h44);
    g_test_add_func("/presence/H44-H47-crowd", test_crowd);
    g_test_add_func("/presence/appendix-A-inbound", test_inbound);
    g_test_add_func("/presence/appendix-A-outbound", test_outbound);
    g_test_add_func("/presence/preapproval", test_preapproval);
    g_test_add_func("/presence/question", test_question);
    g_test_add_func("/presence/request-error", test_request_error);
    g_test_add_func("/presence/status", test_status);
    g_test_add_func("/presence/C53-directed", test_directed);
    g_test_add_func("/presence/idle", test_idle);
    g_test_add_func("/presence/lists", test_lists);
    g_test_add_func("/presence/answer-offline", test_answer_offline);
    g_test_add_func("/presence/H49-queue", test_queue);
    return g_test_run();
}
