/* Stream management and the outbox behind it: what is counted, what is
 * confirmed, and what becomes of messages when the connection, the session or
 * the process goes. */
#include "session_fixture.h"
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include "base/stamp.h"
#include "model/message.h"
#include "store/history.h"
#include "xep/xep.h"
#include "xep/xep0198_sm.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"

#define ROMEO "romeo@example.net"
#define NURSE "nurse@example.net"
#define SM2 "xmlns=\"urn:xmpp:sm:3\""
#define SM "xmlns='urn:xmpp:sm:3'"

/* ---- kit --------------------------------------------------------------- */

static void forget(struct fixture *f)
{
    g_ptr_array_set_size(f->sent, 0);
}

static void enabled(struct fixture *f)
{
    session_test_features(f->account, "<features><sm " SM "/></features>");
    outbox_set_prover(f->account, NULL);
    xep0198.manager->online(f->account); /* and nobody else: we count from 0 */
    receive(f, "<enabled " SM " id='s1' resume='true' max='60'/>");
    forget(f);
}

static struct fixture *sm_new(void)
{
    struct fixture *f = fixture_new();

    enabled(f);
    return f;
}

/* The process dies and is started again. */
static void restart(struct fixture *f)
{
    session_detach(f->account);
    account_free(f->account);
    forget(f);
    f->account = account_new(JULIET, f->observers, f->options, f->paths);
    session_attach_test(f->account, BALCONY, fixture_sent, f);
    session_test_front(f->account, &f->front);
    session_test_lose(f->account);
    outbox_set_prover(f->account, NULL);
}

static struct chat *chat_with(struct fixture *f, const char *jid)
{
    return account_open_chat(f->account, jid, CHAT_CONTACT);
}

static char *say(struct fixture *f, const char *jid, const char *text)
{
    struct message *message =
        outbox_send_text(chat_with(f, jid), text, NULL);

    g_assert_nonnull(message);
    return g_strdup(message->id);
}

static void say_many(struct fixture *f, int from, int to)
{
    for (int i = from; i <= to; i++) {
        g_autofree char *text = g_strdup_printf("%d", i);
        g_free(say(f, ROMEO, text));
    }
}

/* The bodies that were sent, in order: "1 2 3 ". */
static char *bodies(const struct fixture *f)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < f->sent->len; i++) {
        g_autoptr(xmpp_stanza_t) stanza =
            stanza_parse(g_ptr_array_index(f->sent, i));
        g_autofree char *body = stanza_child_text(stanza, "body", NULL);
        if (body)
            g_string_append_printf(text, "%s ", body);
    }
    return g_string_free(text, FALSE);
}

#define assert_bodies(f, expected)                                          \
    do {                                                                    \
        g_autofree char *said = bodies(f);                                  \
        g_assert_cmpstr(said, ==, expected);                                \
    } while (0)

/* The ids of the messages that were sent, in order. */
static char *ids(const struct fixture *f)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < f->sent->len; i++) {
        g_autoptr(xmpp_stanza_t) stanza =
            stanza_parse(g_ptr_array_index(f->sent, i));
        if (strcmp(stanza_name(stanza), "message") == 0)
            g_string_append_printf(text, "%s ", stanza_attr(stanza, "id"));
    }
    return g_string_free(text, FALSE);
}

static const struct message *message_at(struct fixture *f, guint i)
{
    return g_ptr_array_index(chat_with(f, ROMEO)->messages, i);
}

static char *resume_h(struct fixture *f)
{
    g_autofree char *xml = session_test_resume(f->account);
    g_autoptr(xmpp_stanza_t) resume = xml ? stanza_parse(xml) : NULL;

    return g_strdup(stanza_attr(resume, "h"));
}

static void resumed(struct fixture *f, const char *h)
{
    g_autofree char *xml =
        g_strdup_printf("<resumed " SM " previd='s1' h='%s'/>", h);

    session_test_resumed(f->account, xml);
}

static void synced(struct fixture *f)
{
    f->account->synced = true;
    outbox_online(f->account);
}

/* ---- counting ---------------------------------------------------------- */

static void test_enable(void)
{
    struct fixture *f = fixture_new();

    session_test_features(f->account, "<features><sm " SM "/></features>");
    session_test_online(f->account);
    assert_has((const char *)g_ptr_array_index(f->sent, 0), "<enable ");
    assert_has((const char *)g_ptr_array_index(f->sent, 0), "resume=\"true\"");
    fixture_free(f);

    f = fixture_new(); /* not offered, not asked for */
    session_test_features(f->account, "<features/>");
    session_test_online(f->account);
    g_assert_cmpuint(count_sent(f, "urn:xmpp:sm"), ==, 0);
    fixture_free(f);
}

static void test_handled(void)
{
    struct fixture *f = sm_new();

    receive(f, "<r " SM "/>");
    assert_has(last_sent(f), "<a ");
    assert_has(last_sent(f), "h=\"0\"");
    receive(f, "<message from='" ROMEO "/o'><body>1</body></message>"
               "<presence from='" ROMEO "/o'/>"
               "<iq type='result' id='nobody' portion='more'/>"
               "<iq type='result' id='nobody' portion='last'/>"
               "<x xmlns='urn:nonza'/><r " SM "/>");
    assert_has(last_sent(f), "h=\"3\"");
    fixture_free(f);
}

static void test_acked(void)
{
    struct fixture *f = sm_new();
    const guint asked = 1;

    say_many(f, 1, 3);
    assert_bodies(f, "1 2 3 ");
    g_assert_cmpuint(count_sent(f, "<r "), ==, asked); /* one at a time */
    g_assert_cmpuint(count_sent(f, "urn:xmpp:ping"), ==, 0);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 3);
    receive(f, "<a " SM " h='2'/>");
    g_assert_cmpint(message_at(f, 0)->delivery, ==, DELIVERY_SENT);
    g_assert_cmpint(message_at(f, 1)->delivery, ==, DELIVERY_SENT);
    g_assert_cmpint(message_at(f, 2)->delivery, ==, DELIVERY_QUEUED);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 1);
    g_assert_cmpuint(count_sent(f, "<r "), ==, asked + 1);
    receive(f, "<a " SM " h='3'/><a " SM " h='3'/>");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 0);
    g_assert_cmpuint(count_sent(f, "<r "), ==, asked + 1); /* nothing waits */
    fixture_free(f);
}

static void test_refused_by_server(void)
{
    struct fixture *f = fixture_new();

    session_test_features(f->account, "<features><sm " SM "/></features>");
    session_test_online(f->account);
    synced(f);
    say_many(f, 1, 1);
    g_assert_cmpuint(count_sent(f, "urn:xmpp:ping"), ==, 0);
    receive(f, "<failed " SM "/>");
    g_assert_cmpuint(count_sent(f, "urn:xmpp:ping"), ==, 1);
    fixture_free(f);
}

static void test_impossible(void)
{
    static const char *const bad[] = { "h='9999'", "h='abc'", "h='-1'", "",
        "h='1'", "h=''", "h='4294967296'", "h=' 2'", "h='+2'", "h='4'" };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct fixture *f = sm_new();
        say_many(f, 1, 3);
        receive(f, "<a " SM " h='2'/>");
        receive(f, "<a " SM " %s/>", bad[i]);
        assert_has(last_sent(f), "<undefined-condition ");
        assert_has(last_sent(f), "<handled-count-too-high ");
        assert_has(last_sent(f), "send-count='3'");
        /* The outbox is as it was, and the session is not taken up. */
        g_assert_cmpuint(outbox_unsent(f->account), ==, 1);
        g_assert_cmpint(message_at(f, 2)->delivery, ==, DELIVERY_QUEUED);
        session_test_lose(f->account);
        g_assert_null(session_test_resume(f->account));
        forget(f);
        session_test_bound(f->account);
        synced(f);
        assert_bodies(f, "3 ");
        fixture_free(f);
    }
}

static void test_parse(void)
{
    static const char *const bad[] = { NULL, "", "-0", "+1", " 1", "1 ", "0x1",
        "1e3", "4294967296", "99999999999", "00000000001", "١" };
    guint32 h = 7;

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(sm_parse_h(bad[i], &h));
    g_assert_cmpuint(h, ==, 7);
    g_assert_true(sm_parse_h("4294967295", &h));
    g_assert_cmpuint(h, ==, G_MAXUINT32);
    g_assert_true(sm_parse_h("0", &h));
    g_assert_cmpuint(h, ==, 0);
}

/* Both counts go past 2^32. */
static void test_wrap(void)
{
    struct fixture *f = sm_new();
    g_autofree char *h = NULL;

    history_set_value(
        f->account->history, "sm.count", "4294967294 4294967290 4294967293");
    history_commit(f->account->history, NULL);
    restart(f);
    h = resume_h(f);
    g_assert_cmpstr(h, ==, "4294967294");
    resumed(f, "4294967294");
    synced(f);
    receive(f, "<a " SM " h='4294967295'/>");
    say_many(f, 1, 4);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 4);
    receive(f, "<a " SM " h='%u'/>",
        4294967294u + f->sent->len - count_sent(f, SM2));
    g_assert_cmpuint(outbox_unsent(f->account), ==, 0);
    receive(f, "<r " SM "/><presence from='" ROMEO "/o'/><presence from='" ROMEO
               "/o'/><presence from='" ROMEO "/o'/><r " SM "/>");
    assert_has(last_sent(f), "h=\"1\"");
    fixture_free(f);
}

/* ---- taken up again ---------------------------------------------------- */

static void test_resume(void)
{
    struct fixture *f = sm_new();
    g_autofree char *before = NULL, *after = NULL, *h = NULL;

    receive(f, "<presence from='" ROMEO "/o'/>"
               "<message from='" ROMEO "/o'><body>x</body></message>");
    say_many(f, 1, 20);
    before = ids(f);
    session_test_lose(f->account);
    g_assert_false(session_is_online(f->account));
    g_assert_true(session_is_suspended(f->account));
    say_many(f, 21, 22); /* waits */
    forget(f);
    h = resume_h(f);
    g_assert_cmpstr(h, ==, "2");
    resumed(f, "12");
    assert_bodies(f, "13 14 15 16 17 18 19 20 21 22 ");
    after = ids(f);
    g_assert_true(strstr(before, "  ") == NULL);
    after[strcspn(after, " ")] = '\0';
    g_assert_nonnull(strstr(before, after)); /* the same ids */
    /* Nothing that a new session begins with. */
    g_assert_cmpuint(count_sent(f, "jabber:iq:roster"), ==, 0);
    g_assert_cmpuint(count_sent(f, "<presence"), ==, 0);
    g_assert_cmpuint(count_sent(f, "<enable"), ==, 0);
    g_assert_true(f->account->synced);
    g_assert_nonnull(
        contact_best(roster_find(f->account->roster, ROMEO)));
    receive(f, "<a " SM " h='22'/>");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 0);
    fixture_free(f);
}

/* F07: again and again, with a little progress. */
static void test_F07_flapping(void)
{
    struct fixture *f = sm_new();

    say_many(f, 1, 10);
    for (int i = 1; i <= 5; i++) {
        g_autofree char *h = g_strdup_printf("%d", 2 * i);
        session_test_lose(f->account);
        forget(f);
        resumed(f, h);
        g_assert_cmpuint(outbox_unsent(f->account), ==, 10 - 2 * i);
    }
    assert_bodies(f, "");
    fixture_free(f);
}

static void got(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)account;
    (void)error;
    (void)more;
    *(int *)data = result ? 1 : -1;
}

/* A request that waits for its answer goes on waiting, and what was to be
 * answered is. */
static void test_requests(void)
{
    struct fixture *f = sm_new();
    int answer = 0;
    g_autofree char *id = NULL;

    id = g_strdup(iq_send(f->account,
        iq_new("get", ROMEO "/o", "query", "urn:q", NULL), 0, got, &answer,
        NULL));
    session_test_lose(f->account);
    g_assert_cmpint(answer, ==, 0);
    forget(f);
    g_assert_true(session_send(f->account,
        stanza_new("iq", NULL, "type", "result", "id", "late", "to", ROMEO,
            (char *)NULL)));
    g_assert_false(session_send(
        f->account, stanza_new("presence", NULL, (char *)NULL)));
    g_assert_cmpuint(f->sent->len, ==, 0);
    resumed(f, "0");
    g_assert_cmpuint(count_sent(f, "urn:q"), ==, 1); /* it had not got it */
    g_assert_cmpuint(count_sent(f, "late"), ==, 1);
    receive(f, "<iq type='result' id='%s' from='" ROMEO "/o'/>", id);
    g_assert_cmpint(answer, ==, 1);
    fixture_free(f);
}

static void test_own_presence(void)
{
    struct fixture *f = sm_new();

    session_test_lose(f->account);
    run(f, "/away gone");
    forget(f);
    resumed(f, "0");
    g_assert_cmpuint(count_sent(f, "away"), ==, 1);
    fixture_free(f);
}

/* F05: it says how far it got. */
static void test_F05_failed_with_h(void)
{
    struct fixture *f = sm_new();
    g_autofree char *before = NULL, *after = NULL;

    say_many(f, 1, 20);
    before = ids(f);
    session_test_lose(f->account);
    forget(f);
    session_test_resumed(f->account, "<failed " SM " h='12'/>");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 8);
    session_test_features(f->account, "<features><sm " SM "/></features>");
    session_test_bound(f->account);
    synced(f);
    assert_bodies(f, "13 14 15 16 17 18 19 20 ");
    after = ids(f);
    g_assert_true(g_str_has_suffix(before, after));
    /* The numbers are those of the new session. */
    receive(f, "<enabled " SM " id='s2' resume='true'/>");
    fixture_free(f);
}

/* F06: it says nothing, and there is no archive: again, under the same ids. */
static void test_F06_failed_without_h(void)
{
    struct fixture *f = sm_new();
    g_autofree char *before = NULL, *after = NULL;

    say_many(f, 1, 3);
    before = ids(f);
    receive(f, "<a " SM " h='1'/>");
    session_test_lose(f->account);
    forget(f);
    session_test_resumed(f->account, "<failed " SM "/>");
    session_test_bound(f->account);
    synced(f);
    assert_bodies(f, "2 3 ");
    after = ids(f);
    g_assert_true(g_str_has_suffix(before, after));
    fixture_free(f);
}

static guint proving;

static bool prove(struct account *account)
{
    (void)account;
    proving++;
    return true;
}

/* … and there is an archive, which has the first of them. */
static void test_F06_archive(void)
{
    struct fixture *f = sm_new();
    g_autofree char *first = NULL;

    proving = 0;
    outbox_set_prover(f->account, prove);
    first = say(f, ROMEO, "1");
    say_many(f, 2, 3);
    session_test_lose(f->account);
    session_test_resumed(f->account, "<failed " SM "/>");
    forget(f);
    session_test_bound(f->account);
    synced(f);
    g_assert_cmpuint(proving, ==, 1);
    say_many(f, 4, 4); /* stays behind them */
    g_free(say(f, NURSE, "other")); /* does not */
    assert_bodies(f, "other ");
    outbox_confirm(f->account, first);
    g_assert_cmpint(message_at(f, 0)->delivery, ==, DELIVERY_SENT);
    outbox_settle(f->account, true);
    assert_bodies(f, "other 2 3 4 ");
    fixture_free(f);
}

/* F04: neither stream management nor an archive. */
static void test_F04_unknown(void)
{
    struct fixture *f = fixture_new();

    outbox_set_prover(f->account, NULL);
    say_many(f, 1, 2);
    session_test_lose(f->account);
    session_test_online(f->account);
    synced(f);
    g_assert_cmpint(message_at(f, 0)->delivery, ==, DELIVERY_FAILED);
    g_assert_nonnull(message_at(f, 0)->error);
    run(f, "/outbox");
    assert_has(f->log->str, "state=failed");
    forget(f);
    run(f, "/outbox retry");
    assert_bodies(f, "1 2 ");
    fixture_free(f);
}

static bool asks(const struct fixture *f)
{
    return count_sent(f, "<r ") > 0;
}

/* A connection that carries nothing and is not cut: asked whether it lives,
 * long before the next ping would tell. */
static void test_F02_silent(void)
{
    struct fixture *f = sm_new();

    outbox_set_patience(f->account, 5);
    g_free(say(f, ROMEO, "1"));
    forget(f);
    while (!asks(f))
        g_main_context_iteration(NULL, TRUE);
    receive(f, "<a " SM " h='1'/>");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 0);
    forget(f);
    for (gint64 end = g_get_monotonic_time() + 50000;
         g_get_monotonic_time() < end;)
        g_main_context_iteration(NULL, FALSE);
    g_assert_false(asks(f));
    fixture_free(f);
}

/* ---- the next process -------------------------------------------------- */

static void answer_roster(struct fixture *f)
{
    for (guint i = 0; i < f->sent->len; i++) {
        const char *xml = g_ptr_array_index(f->sent, i);
        g_autoptr(xmpp_stanza_t) iq = stanza_parse(xml);
        g_autofree char *id = g_strdup(stanza_attr(iq, "id"));
        if (!strstr(xml, "jabber:iq:roster"))
            continue;
        forget(f);
        receive(f,
            "<iq type='result' id='%s'><query xmlns='jabber:iq:roster'/></iq>",
            id);
        return;
    }
    g_assert_not_reached();
}

static void test_restart(void)
{
    struct fixture *f = sm_new();
    g_autofree char *before = NULL, *after = NULL, *h = NULL;

    receive(f, "<message from='" ROMEO "/o' id='a'><body>x</body></message>");
    say_many(f, 1, 5);
    before = ids(f);
    receive(f, "<a " SM " h='1'/>");
    restart(f);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 4);
    h = resume_h(f);
    g_assert_cmpstr(h, ==, "1");
    resumed(f, "3");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 2);
    /* Roster and presence begin anew, the latter in one go: while we are
     * unavailable the server keeps messages, to be overtaken by later ones. */
    g_assert_cmpuint(count_sent(f, "jabber:iq:roster"), ==, 1);
    g_assert_cmpuint(count_sent(f, "unavailable"), ==, 0);
    answer_roster(f);
    assert_has((const char *)g_ptr_array_index(f->sent, 0), "-1</priority>");
    assert_has((const char *)g_ptr_array_index(f->sent, 1), "unavailable");
    assert_has((const char *)g_ptr_array_index(f->sent, 2), "<presence");
    g_assert_cmpuint(count_sent(f, "unavailable"), ==, 1);
    synced(f);
    assert_bodies(f, "4 5 ");
    after = ids(f);
    g_assert_true(g_str_has_suffix(before, after));
    fixture_free(f);
}

/* F10: killed twice, with the rows numbered anew in between. */
static void test_F10_restart_twice(void)
{
    struct fixture *f = sm_new();

    say_many(f, 1, 4);
    restart(f);
    resumed(f, "2");
    synced(f);
    assert_bodies(f, "3 4 ");
    restart(f);
    /* 3: roster, 4…: others; then the two messages. */
    resumed(f, "200");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 0);
    synced(f);
    assert_bodies(f, "");
    {
        g_autoptr(GPtrArray) left = history_outbox(f->account->history);
        g_assert_cmpuint(left->len, ==, 0);
    }
    fixture_free(f);
}

static void test_restart_failed(void)
{
    struct fixture *f = sm_new();

    say_many(f, 1, 4);
    restart(f);
    session_test_resumed(f->account, "<failed " SM " h='3'/>");
    session_test_bound(f->account);
    synced(f);
    assert_bodies(f, "4 ");
    g_assert_null(session_test_resume(f->account));
    fixture_free(f);
}

static void test_closed_in_order(void)
{
    struct fixture *f = sm_new();

    say_many(f, 1, 1);
    receive(f, "<a " SM " h='1'/>");
    session_test_close(f->account);
    restart(f);
    g_assert_null(session_test_resume(f->account));
    fixture_free(f);
}

/* XEP-0198 s. 4: the last word before we close says what we have, once. */
static void test_last_word(void)
{
    struct fixture *f = sm_new();

    receive(f, "<message from='" ROMEO "/x' type='chat' id='1'>"
               "<body>1</body></message>");
    forget(f);
    session_disconnect(f->account, NULL);
    g_assert_cmpuint(count_sent(f, "<a h=\"1\" " SM2 "/>"), ==, 1);
    fixture_free(f);

    f = sm_new();
    receive(f, "<message from='" ROMEO "/x' type='chat' id='1'>"
               "<body>1</body></message>");
    receive(f, "<r " SM "/>");
    forget(f);
    session_disconnect(f->account, NULL);
    g_assert_cmpuint(count_sent(f, "<a "), ==, 0);
    fixture_free(f);
}

/* F09: typed offline, sent by the next process, once and in order. */
static void test_F09_offline(void)
{
    struct fixture *f = fixture_new();
    GString *expected = g_string_new(NULL);

    session_test_lose(f->account);
    forget(f);
    say_many(f, 1, 50);
    assert_bodies(f, "");
    for (int i = 1; i <= 50; i++)
        g_string_append_printf(expected, "%d ", i);
    restart(f);
    session_test_online(f->account);
    synced(f);
    assert_bodies(f, expected->str);
    synced(f);
    assert_bodies(f, expected->str);
    g_string_free(expected, TRUE);
    fixture_free(f);
}

/* The bodies sent since the last forget() are from … to. */
static void assert_range(const struct fixture *f, int from, int to)
{
    GString *expected = g_string_new(NULL);

    for (int i = from; i <= to; i++)
        g_string_append_printf(expected, "%d ", i);
    assert_bodies(f, expected->str);
    g_string_free(expected, TRUE);
}

#define AT_ONCE 64 /* P06 */

/* However many wait, few are in the connection, in their order. */
static void drain(struct fixture *f, int from, int to)
{
    guint h = 0;

    for (int i = from; i <= to; i += AT_ONCE) {
        const int last = MIN(i + AT_ONCE - 1, to);
        assert_range(f, i, last);
        g_assert_cmpuint(outbox_unsent(f->account), ==, to - i + 1);
        forget(f);
        receive(f, "<a " SM " h='%u'/>", h += (guint)(last - i + 1));
    }
    assert_bodies(f, "");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 0);
}

static void test_P06_bounded(void)
{
    struct fixture *f = sm_new();

    session_test_lose(f->account);
    say_many(f, 1, 1000);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 1000);
    /* the model does not keep them either */
    g_assert_cmpuint(chat_with(f, ROMEO)->messages->len, <=, 800);
    forget(f);
    resumed(f, "0");
    drain(f, 1, 1000);
    fixture_free(f);
}

/* … and what the last process left is not read at once. */
static void test_P06_restart(void)
{
    struct fixture *f = fixture_new();
    const int count = 3000;

    session_test_lose(f->account);
    say_many(f, 1, count);
    restart(f);
    session_test_bound(f->account);
    f->account->state = STATE_WAITING;
    enabled(f);
    {
        const gsize before = mallinfo2().uordblks;
        say_many(f, count + 1, count + 1); /* behind the others */
        g_assert_cmpuint(outbox_unsent(f->account), ==, count + 1);
        f->account->state = STATE_ONLINE;
        synced(f);
        g_assert_cmpuint(mallinfo2().uordblks, <, before + 500000);
    }
    drain(f, 1, count + 1);
    fixture_free(f);
}

/* … and what it had sent of them is sent again once, before the others. */
static void test_P06_restart_sent(void)
{
    struct fixture *f = sm_new();

    say_many(f, 1, 1000);
    assert_range(f, 1, AT_ONCE);
    restart(f);
    session_test_resumed(f->account, "<failed " SM " h='10'/>");
    session_test_bound(f->account);
    f->account->state = STATE_WAITING;
    enabled(f);
    f->account->state = STATE_ONLINE;
    synced(f);
    drain(f, 11, 1000);
    fixture_free(f);
}

static char *say_long(struct fixture *f, gsize len)
{
    g_autofree char *text = g_strnfill(len, 'x');

    return say(f, ROMEO, text);
}

static void test_P06_bytes(void)
{
    struct fixture *f = sm_new();

    session_test_lose(f->account);
    for (int i = 0; i < 10; i++)
        g_free(say_long(f, 100 * 1000));
    forget(f);
    resumed(f, "0");
    g_assert_cmpuint(count_sent(f, "<body>"), ==, 3);
    receive(f, "<a " SM " h='3'/>");
    g_assert_cmpuint(count_sent(f, "<body>"), ==, 6);
    fixture_free(f);
}

/* What is only in the store can be looked at, dropped and tried again. */
static void test_P06_rest(void)
{
    struct fixture *f = sm_new();
    g_autofree char *id = NULL, *drop = NULL, *retry = NULL;
    guint rows = 0;

    session_test_lose(f->account);
    say_many(f, 1, 600);
    id = say(f, ROMEO, "601");
    say_many(f, 602, 602);
    run(f, "/outbox");
    for (const char *p = f->log->str; (p = strstr(p, "state=queued")); p++)
        rows++;
    g_assert_cmpuint(rows, ==, 602);
    drop = g_strconcat("/outbox drop ", id, NULL);
    run(f, drop);
    assert_has(f->log->str, "done ok");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 601);
    g_assert_cmpint(chat_find_id(chat_with(f, ROMEO), id, true)->delivery, ==,
        DELIVERY_FAILED);
    run(f, drop); /* it waits for nothing any more */
    g_assert_cmpuint(outbox_unsent(f->account), ==, 601);
    retry = g_strconcat("/outbox retry ", id, NULL);
    run(f, retry);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 602);
    forget(f);
    resumed(f, "0");
    drain(f, 1, 602); /* and in its old place */
    fixture_free(f);
}

/* Receipt before acknowledgement, error behind receipt: delivered it is. */
static void test_delivered_for_good(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *first = NULL, *second = NULL;

    outbox_set_prover(f->account, NULL);
    first = say(f, ROMEO, "1");
    second = say(f, ROMEO, "2");
    receive(f,
        "<message from='" ROMEO "/o' to='" BALCONY "'><received "
        "xmlns='urn:xmpp:receipts' id='%s'/></message>",
        first);
    g_assert_cmpint(message_at(f, 0)->delivery, ==, DELIVERY_DELIVERED);
    g_assert_cmpuint(outbox_unsent(f->account), ==, 1);
    receive(f,
        "<message from='" ROMEO "/o' type='error' id='%s'><error "
        "type='cancel'><service-unavailable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        first);
    g_assert_cmpint(message_at(f, 0)->delivery, ==, DELIVERY_DELIVERED);
    session_test_lose(f->account);
    session_test_online(f->account);
    synced(f);
    g_assert_cmpint(message_at(f, 0)->delivery, ==, DELIVERY_DELIVERED);
    g_assert_cmpint(message_at(f, 1)->delivery, ==, DELIVERY_FAILED);
    run(f, "/outbox");
    g_assert_null(strstr(f->log->str, first));
    assert_has(f->log->str, second);
    fixture_free(f);
}

/* Refused by the one it was for: it can be tried again, by the next process
 * too. */
static void test_refused(void)
{
    struct fixture *f = sm_new();
    g_autofree char *id = say(f, ROMEO, "1"), *line = NULL;

    receive(f, "<a " SM " h='1'/>");
    receive(f,
        "<message from='" ROMEO "' type='error' id='%s'><error "
        "type='wait'><remote-server-timeout "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        id);
    run(f, "/outbox");
    assert_has(f->log->str, "state=failed");
    restart(f);
    session_test_bound(f->account);
    synced(f);
    line = g_strconcat("/outbox retry ", id, NULL);
    run(f, line);
    assert_bodies(f, "1 ");
    run(f, line);
    assert_has(f->log->str, "item-not-found");
    fixture_free(f);
}

/* F07: what is older than a day asks. */
static void test_F07_old(void)
{
    struct fixture *f = fixture_new();
    struct message *old = message_new();
    const struct chat chat = { .jid = (char *)ROMEO };

    old->id = g_strdup("old");
    old->origin_id = g_strdup("old");
    old->to = g_strdup(ROMEO);
    old->from = g_strdup(JULIET);
    old->body = g_strdup("yesterday");
    old->type = MESSAGE_CHAT;
    old->outgoing = true;
    old->delivery = DELIVERY_QUEUED;
    old->time_us = stamp_now() - 25 * 3600 * G_GINT64_CONSTANT(1000000);
    old->received_us = old->time_us;
    history_add(f->account->history, &chat, old, 0);
    message_free(old);
    session_store_changed(f->account);
    restart(f);
    session_test_online(f->account);
    synced(f);
    say_many(f, 1, 1);
    assert_bodies(f, "1 "); /* the new one does not wait for it */
    g_assert_cmpuint(f->events[EVENT_NOTICE], ==, 1);
    run(f, "/outbox");
    assert_has(f->log->str, "state=held");
    g_assert_cmpuint(outbox_unsent(f->account), ==, 1);
    run(f, "/outbox retry nobody");
    assert_has(f->log->str, "fail item-not-found");
    run(f, "/outbox retry old");
    assert_has(f->log->str, "done ok");
    assert_bodies(f, "1 yesterday ");
    fixture_free(f);
}

static void test_drop(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *id = NULL, *line = NULL;

    session_test_lose(f->account);
    id = say(f, ROMEO, "1");
    say_many(f, 2, 2);
    line = g_strconcat("/outbox drop ", id, NULL);
    run(f, line);
    assert_has(f->log->str, "done ok");
    g_assert_cmpint(message_at(f, 0)->delivery, ==, DELIVERY_FAILED);
    restart(f);
    session_test_online(f->account);
    synced(f);
    assert_bodies(f, "2 ");
    fixture_free(f);
}

/* ---- the disk ---------------------------------------------------------- */

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    limit.rlim_cur = bytes;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* F13: what is not on disk is not confirmed. */
static void test_F13_full(void)
{
    struct fixture *f = sm_new();
    guint notices;

    receive(f, "<message from='" ROMEO "/o' id='1'><body>1</body></message>"
               "<r " SM "/>");
    assert_has(last_sent(f), "h=\"1\"");
    notices = f->events[EVENT_NOTICE];
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(1);
    receive(f, "<message from='" ROMEO "/o' id='2'><body>2</body></message>"
               "<r " SM "/>");
    assert_has(last_sent(f), "h=\"1\"");
    g_assert_cmpuint(f->events[EVENT_MESSAGE], ==, 2); /* shown all the same */
    g_assert_cmpuint(f->events[EVENT_NOTICE], ==, notices + 1);
    receive(f, "<r " SM "/>");
    g_assert_cmpuint(f->events[EVENT_NOTICE], ==, notices + 1);
    set_file_limit(RLIM_INFINITY);
    for (int i = 0; i < 50; i++) {
        receive(f, "<r " SM "/>");
        if (strstr(last_sent(f), "h=\"2\""))
            break;
        g_usleep(100000); /* the store tries again after a while */
    }
    assert_has(last_sent(f), "h=\"2\"");
    fixture_free(f);
}

/* ---- the same message by several ways ---------------------------------- */

static guint count_stored(struct fixture *f)
{
    return (guint)history_count(f->account->history, ROMEO);
}

static void test_F27_ways(void)
{
    struct fixture *f = sm_new();
    g_autofree char *id = NULL;

    /* Ours, then its carbon: as a server does that reflects. */
    id = say(f, ROMEO, "1");
    receive(f,
        "<message from='" JULIET "' to='" BALCONY "'>"
        "<sent xmlns='urn:xmpp:carbons:2'><forwarded "
        "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='" JULIET
        "/phone' to='" ROMEO "' type='chat' id='%s'><body>1</body>"
        "<origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message></forwarded>"
        "</sent></message>",
        id, id);
    g_assert_cmpuint(chat_with(f, ROMEO)->messages->len, ==, 1);
    g_assert_cmpuint(count_stored(f), ==, 1);
    fixture_free(f);
}

static void test_F28_equal(void)
{
    struct fixture *f = sm_new();

    receive(f, "<message from='" ROMEO "/o'><body>ok</body></message>"
               "<message from='" ROMEO "/o'><body>ok</body></message>");
    g_assert_cmpuint(chat_with(f, ROMEO)->messages->len, ==, 2);
    g_assert_false(message_at(f, 1)->repeated);
    receive(f,
        "<message from='" ROMEO "/o' id='x'><body>a</body></message>"
        "<message from='" ROMEO "/o' id='x'><body>b</body></message>");
    g_assert_cmpuint(chat_with(f, ROMEO)->messages->len, ==, 4);
    g_assert_true(message_at(f, 3)->repeated);
    g_assert_cmpuint(count_stored(f), ==, 4);
    fixture_free(f);
}

/* ---- drafts ------------------------------------------------------------ */

static void test_draft(void)
{
    struct fixture *f = fixture_new();

    chat_set_draft(chat_with(f, ROMEO), "Art thou");
    run(f, "/outbox");
    assert_has(f->log->str, "state=draft");
    assert_has(f->log->str, "text=Art thou");
    receive(f, "<message from='" NURSE "/n'><body>x</body></message>");
    restart(f);
    g_assert_cmpuint(g_hash_table_size(f->account->chats), ==, 2);
    g_assert_cmpstr(chat_with(f, ROMEO)->draft, ==, "Art thou");
    g_assert_cmpuint(chat_with(f, NURSE)->unread, ==, 1);
    account_close_chat(f->account, chat_with(f, ROMEO));
    restart(f);
    g_assert_null(account_find_chat(f->account, ROMEO));
    fixture_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sm/enable", test_enable);
    g_test_add_func("/sm/C64-handled", test_handled);
    g_test_add_func("/sm/C64-acked", test_acked);
    g_test_add_func("/sm/refused", test_refused_by_server);
    g_test_add_func("/sm/F08-C64-impossible", test_impossible);
    g_test_add_func("/sm/F08-parse", test_parse);
    g_test_add_func("/sm/F08-C64-wrap", test_wrap);
    g_test_add_func("/sm/resume", test_resume);
    g_test_add_func("/sm/F07-flapping", test_F07_flapping);
    g_test_add_func("/sm/requests", test_requests);
    g_test_add_func("/sm/own-presence", test_own_presence);
    g_test_add_func("/sm/F05-failed-with-h", test_F05_failed_with_h);
    g_test_add_func("/sm/F06-failed-without-h", test_F06_failed_without_h);
    g_test_add_func("/sm/F06-archive", test_F06_archive);
    g_test_add_func("/sm/F02-silent", test_F02_silent);
    g_test_add_func("/sm/restart", test_restart);
    g_test_add_func("/sm/F10-restart-twice", test_F10_restart_twice);
    g_test_add_func("/sm/restart-failed", test_restart_failed);
    g_test_add_func("/sm/closed-in-order", test_closed_in_order);
    g_test_add_func("/sm/XEP-0198-s4-last-word", test_last_word);
    g_test_add_func("/outbox/F04-unknown", test_F04_unknown);
    g_test_add_func("/outbox/F09-offline", test_F09_offline);
    g_test_add_func("/outbox/P06-bounded", test_P06_bounded);
    g_test_add_func("/outbox/P06-restart", test_P06_restart);
    g_test_add_func("/outbox/P06-restart-sent", test_P06_restart_sent);
    g_test_add_func("/outbox/P06-bytes", test_P06_bytes);
    g_test_add_func("/outbox/P06-rest", test_P06_rest);
    g_test_add_func("/outbox/delivered-for-good", test_delivered_for_good);
    g_test_add_func("/outbox/refused", test_refused);
    g_test_add_func("/outbox/F07-old", test_F07_old);
    g_test_add_func("/outbox/drop", test_drop);
    g_test_add_func("/outbox/F13-full", test_F13_full);
    g_test_add_func("/outbox/F27-ways", test_F27_ways);
    g_test_add_func("/outbox/F28-equal", test_F28_equal);
    g_test_add_func("/outbox/draft", test_draft);
    return g_test_run();
}
