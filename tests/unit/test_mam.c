/* The archive: which results are believed, and that nothing is missing. */
#include "xep_fixture.h"
#include "base/stamp.h"
#include "store/history.h"
#include "xep/xep.h"
#include "xep/xep0313_mam.h"
#include "xmpp/outbox.h"

#define MAM "urn:xmpp:mam:2"
#define EPOCH G_GINT64_CONSTANT(1700000000000000)

#define STORED(f)                                                              \
    FIXTURE(f);                                                                \
    g_assert_nonnull(f.account->history)

#define RECEIPT                                                                \
    "<message xmlns='jabber:client' from='" BOB_FULL "' to='" ME               \
    "' id='got'><received xmlns='urn:xmpp:receipts' id='x'/></message>"

/* The archive of the test's server: ids 1 … n, one a second. */
struct server {
    guint n, first; /* ids first … n are there */
    bool no_complete, wrong_count, no_time;
    guint stuck;    /* the same page for ever from this id on; 0: never */
    guint cut_at;   /* the connection goes after this id; 0: never */
    bool cut_fin;   /* … and before the end of its page */
    guint receipt;  /* that one has no text; 0: none */
    bool unstable;  /* every page */
    guint asked, sent;
};

static void result(struct fixture *f, const char *from, const char *queryid,
    guint id, const char *inner)
{
    g_autofree char *stamp = stamp_format(EPOCH + id * G_USEC_PER_SEC);
    receive(f,
        "<message from='%s' to='" ME_FULL "'><result xmlns='" MAM
        "' queryid='%s' id='a%u'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<delay xmlns='urn:xmpp:delay' stamp='%s'/>%s</forwarded></result>"
        "</message>",
        from, queryid, id, stamp, inner);
}

static char *text_of(guint id)
{
    return g_strdup_printf(
        "<message xmlns='jabber:client' from='" BOB_FULL "' to='" ME
        "' type='chat' id='m%u'><body>text %u</body></message>",
        id, id);
}

static const char *rsm(xmpp_stanza_t *query, const char *name, char **keep)
{
    xmpp_stanza_t *set =
        stanza_child(query, "set", "http://jabber.org/protocol/rsm");
    g_free(*keep);
    return *keep =
               stanza_child_text(set, name, "http://jabber.org/protocol/rsm");
}

static guint number(const char *id)
{
    return id && *id == 'a' ? (guint)g_ascii_strtoull(id + 1, NULL, 10) : 0;
}

static gint64 start_of(xmpp_stanza_t *query)
{
    xmpp_stanza_t *x = stanza_child(query, "x", "jabber:x:data");
    for (xmpp_stanza_t *field = stanza_child(x, "field", NULL); field;
         field = stanza_next(field, "field", NULL)) {
        gint64 time_us = 0;
        if (g_strcmp0(stanza_attr(field, "var"), "start") != 0)
            continue;
        g_autofree char *text = stanza_child_text(field, "value", NULL);
        g_assert_true(stamp_parse(text, &time_us));
        return time_us;
    }
    return 0;
}

/* True: the answer was given, false: the connection was cut. */
static bool serve(struct fixture *f, struct server *s, xmpp_stanza_t *iq)
{
    xmpp_stanza_t *query = stanza_child(iq, "query", MAM);
    const char *queryid = stanza_attr(query, "queryid");
    g_autofree char *keep = NULL, *id = g_strdup(stanza_attr(iq, "id"));
    guint max = (guint)g_ascii_strtoull(rsm(query, "max", &keep), NULL, 10);
    guint from = s->first ? s->first : 1, to = s->n;
    g_assert_cmpuint(max, <=, 250);
    gint64 start = start_of(query);
    s->asked++;
    if (start > EPOCH)
        from = MAX(from, (guint)((start - EPOCH) / G_USEC_PER_SEC));
    if (rsm(query, "after", &keep)) {
        guint after = number(keep);
        if (after < from - 1 && start == 0) {
            receive(f, "<iq type='error' id='%s' from='" ME "'><error "
                       "type='cancel'><item-not-found "
                       "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                       "</iq>", id);
            return true;
        }
        from = MAX(from, after + 1);
    }
    from = MIN(from, to + 1);
    bool complete = to + 1 - from <= max;
    if (rsm(query, "before", &keep)) {
        if (*keep)
            to = number(keep) - 1;
        from = MIN(from, to + 1);
        complete = to + 1 - from <= max;
        from = to + 1 - from > max ? to + 1 - max : from;
    } else if (!complete) {
        to = from + max - 1;
    }
    if (s->stuck && from >= s->stuck) {
        from = s->stuck;
        to = s->stuck + max - 1;
        complete = false;
    }
    for (guint i = from; i <= to; i++) {
        g_autofree char *inner = text_of(i);
        result(f, ME, queryid, i, i == s->receipt ? RECEIPT : inner);
        s->sent++;
        if (i == s->cut_at && !s->cut_fin)
            return false;
    }
    if (s->cut_fin && s->cut_at >= from && s->cut_at <= to)
        return false;
    g_autoptr(GString) set = g_string_new(NULL);
    if (to >= from)
        g_string_printf(set, "<first index='0'>a%u</first><last>a%u</last>",
            from, to);
    g_string_append_printf(
        set, "<count>%u</count>", s->wrong_count ? 7 : s->n);
    receive(f,
        "<iq type='result' id='%s' from='" ME "' to='" ME_FULL
        "'><fin xmlns='" MAM "'%s%s><set "
        "xmlns='http://jabber.org/protocol/rsm'>%s</set></fin></iq>",
        id, complete && !s->no_complete ? " complete='true'" : "",
        s->unstable ? " stable='false'" : "", set->str);
    return true;
}

static xmpp_stanza_t *take_query(struct fixture *f)
{
    for (guint i = 0; i < f->sent->len; i++) {
        xmpp_stanza_t *s = f->sent->pdata[i];
        if (stanza_is(s, "iq", NULL) && stanza_child(s, "query", MAM)) {
            s = xmpp_stanza_clone(s);
            forget_sent(f);
            return s;
        }
    }
    return NULL;
}

/* Answers until nothing more is asked. */
static bool run(struct fixture *f, struct server *s)
{
    xmpp_stanza_t *iq;
    while ((iq = take_query(f))) {
        bool answered = serve(f, s, iq);
        xmpp_stanza_release(iq);
        if (!answered) {
            session_test_lose(f->account);
            return false;
        }
        g_assert_cmpuint(s->asked, <, 500);
    }
    return true;
}

static void sign_in(struct fixture *f)
{
    f->account->state = STATE_ONLINE;
    f->account->synced = true;
    f->account->caught_up = false;
    server_has(f, MAM);
    xep0313.ready(f->account);
}

static void expect(struct fixture *f, guint n)
{
    g_autoptr(GPtrArray) page = history_page(
        f->account->history, BOB, G_MAXINT64, G_MAXINT64, true, 10000);
    g_assert_cmpuint(page->len, ==, n);
    for (guint i = 0; i < n; i++) {
        g_autofree char *text = g_strdup_printf("text %u", i + 1);
        g_assert_cmpstr(((struct message *)page->pdata[i])->body, ==, text);
    }
}

static void test_first(void)
{
    STORED(f);
    struct server s = { .n = 120 };
    options_set(f.options, ME, "account.archive_days", "0", false, NULL);
    sign_in(&f);
    g_assert_false(f.account->caught_up);
    run(&f, &s);
    g_assert_true(f.account->caught_up);
    expect(&f, 120);
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 0); /* no news */
    g_assert_cmpuint(s.sent, ==, 120);
    g_autofree char *last = history_archive_last(f.account->history, ME);
    g_assert_cmpstr(last, ==, "a120");
}

static void test_bounded(void)
{
    STORED(f);
    struct server s = { .n = 3000 };
    options_set(f.options, ME, "account.archive_days", "0", false, NULL);
    options_set(f.options, ME, "account.archive_count", "200", false, NULL);
    sign_in(&f);
    run(&f, &s);
    g_assert_true(f.account->caught_up);
    g_assert_cmpuint(s.sent, <, 400);
    g_autoptr(GPtrArray) holes = history_holes(f.account->history, ME);
    g_assert_cmpuint(holes->len, ==, 1); /* the rest, when it is looked at */
}

static void begin(struct fixture *f, struct server *s)
{
    options_set(f->options, ME, "account.archive_days", "0", false, NULL);
    s->n = 1;
    sign_in(f);
    run(f, s);
    session_test_lose(f->account);
    *s = (struct server){ .n = 1 };
}

static char *field_of(xmpp_stanza_t *iq, const char *var)
{
    xmpp_stanza_t *x = stanza_child(
        stanza_child(iq, "query", MAM), "x", "jabber:x:data");
    for (xmpp_stanza_t *field = stanza_child(x, "field", NULL); field;
         field = stanza_next(field, "field", NULL))
        if (g_strcmp0(stanza_attr(field, "var"), var) == 0)
            return stanza_child_text(field, "value", NULL);
    return NULL;
}

/* XEP-0313 s. 6.1.1: rooms are left out, where the server knows the field and
 * nowhere else. */
static void test_no_rooms(gconstpointer knows)
{
    FIXTURE(f);
    f.account->state = STATE_ONLINE;
    f.account->synced = true;
    server_has(&f, knows ? MAM "'/><feature var='" MAM "#groupchat-field" : MAM);
    forget_sent(&f);
    xep0313.ready(f.account);
    xmpp_stanza_t *iq = sent_iq(&f, "query", MAM);
    g_assert_nonnull(iq);
    g_autofree char *value = field_of(iq, "include-groupchat");
    g_assert_cmpstr(value, ==, knows ? "false" : NULL);
}

static void test_catch_up(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    s.n = 1000;
    sign_in(&f);
    run(&f, &s);
    expect(&f, 1000);
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 999);
    g_assert_cmpuint(account_find_chat(f.account, BOB)->unread, ==, 999);
    g_assert_cmpuint(s.sent, ==, 999);
}

static void assert_last(struct fixture *f, const char *id)
{
    g_autofree char *last = history_archive_last(f->account->history, ME);
    g_assert_cmpstr(last, ==, id);
}

/* XEP-0313 s. 4.3.2: what the server says may change is shown, and asked for
 * again the next time. */
static void test_unstable(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    assert_last(&f, "a1");
    s.n = 300;
    s.unstable = true;
    sign_in(&f);
    run(&f, &s);
    expect(&f, 300);
    assert_last(&f, "a1");
    session_test_lose(f.account);
    s.unstable = false;
    sign_in(&f);
    run(&f, &s);
    expect(&f, 300);
    assert_last(&f, "a300");
}

static void test_unstable_first(void)
{
    STORED(f);
    struct server s = { .n = 5, .unstable = true };
    options_set(f.options, ME, "account.archive_days", "0", false, NULL);
    sign_in(&f);
    run(&f, &s);
    expect(&f, 5);
    assert_last(&f, NULL);
    session_test_lose(f.account);
    s.unstable = false;
    sign_in(&f);
    run(&f, &s);
    expect(&f, 5);
    assert_last(&f, "a5");
}

static void live(struct fixture *f, guint id)
{
    receive(f,
        "<message from='" BOB_FULL "' to='" ME "' type='chat' id='m%u'>"
        "<body>text %u</body><stanza-id xmlns='urn:xmpp:sid:0' by='" ME
        "' id='a%u'/></message>",
        id, id, id);
}

static void asked_after(struct fixture *f, const char *id)
{
    session_test_lose(f->account);
    forget_sent(f);
    sign_in(f);
    xmpp_stanza_t *iq = take_query(f);
    g_autofree char *keep = NULL;
    g_assert_nonnull(iq);
    g_assert_cmpstr(
        rsm(stanza_child(iq, "query", MAM), "after", &keep), ==, id);
    xmpp_stanza_release(iq);
}

/* What came behind ours does not prove ours: the archive is asked from before
 * both, or ours would be missed there and sent again. */
static void test_unproved(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    sign_in(&f);
    run(&f, &s);
    server_has(&f, "urn:xmpp:sid:0");
    live(&f, 2);
    struct chat *chat = account_open_chat(f.account, BOB, CHAT_CONTACT);
    g_assert_nonnull(outbox_send_text(chat, "ours", NULL));
    live(&f, 4);
    asked_after(&f, "a2");
}

/* F03: what came live came late, and the id the catch-up begins at is none of a
 * message: the order is the archive's all the same. */
static void test_order(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    sign_in(&f);
    run(&f, &s);
    server_has(&f, "urn:xmpp:sid:0");
    live(&f, 2); /* years after its time in the archive */
    session_test_lose(f.account);
    s.n = s.receipt = 3;
    sign_in(&f);
    run(&f, &s);
    session_test_lose(f.account);
    s.n = 4;
    sign_in(&f);
    run(&f, &s);
    g_autoptr(GPtrArray) page = history_page(
        f.account->history, BOB, G_MAXINT64, G_MAXINT64, true, 10);
    g_autoptr(GString) order = g_string_new(NULL);
    for (guint i = 0; i < page->len; i++)
        g_string_append_printf(
            order, "%s ", ((struct message *)page->pdata[i])->id);
    g_assert_cmpstr(order->str, ==, "m1 m2 m4 ");
}

static void test_cut(gconstpointer fin)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    s = (struct server){ .n = 3000, .cut_at = 1500, .cut_fin = fin != NULL };
    sign_in(&f);
    g_assert_false(run(&f, &s));
    s.cut_at = 0;
    guint before = s.sent;
    sign_in(&f);
    g_assert_true(run(&f, &s));
    expect(&f, 3000);
    g_assert_cmpuint(s.sent - before, <=, 3000 - 1500 + 250);
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 2999);
}

static void test_pruned(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    s = (struct server){ .n = 500, .first = 20 };
    sign_in(&f);
    run(&f, &s);
    g_assert_true(f.account->caught_up);
    g_assert_cmpuint(f.counts[EVENT_NOTICE], ==, 1);
    g_assert_cmpint(history_count(f.account->history, BOB), ==, 482);
}

static void test_sloppy(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    s = (struct server){ .n = 700, .no_complete = true, .wrong_count = true };
    sign_in(&f);
    run(&f, &s);
    g_assert_true(f.account->caught_up);
    expect(&f, 700);
}

static void test_loop(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    s = (struct server){ .n = 2000, .stuck = 300 };
    sign_in(&f);
    run(&f, &s);
    g_assert_true(f.account->caught_up);
    g_assert_cmpuint(s.asked, <, 20);
    g_assert_cmpuint(f.counts[EVENT_NOTICE], ==, 1);
}

static void nothing(struct fixture *f)
{
    g_assert_cmpint(history_count(f->account->history, NULL), ==, 0);
    g_assert_cmpuint(f->counts[EVENT_MESSAGE], ==, 0);
}

static void test_unasked(void)
{
    STORED(f);
    g_autofree char *inner = text_of(1);
    result(&f, ME, "q", 1, inner);
    result(&f, MAL, "q", 1, inner);
    sign_in(&f);
    xmpp_stanza_t *iq = take_query(&f);
    g_autofree char *queryid =
        g_strdup(stanza_attr(stanza_child(iq, "query", MAM), "queryid"));
    result(&f, MAL, queryid, 1, inner);
    result(&f, MAL_FULL, queryid, 1, inner);
    result(&f, "im.example.com", queryid, 1, inner);
    result(&f, ME "/other", queryid, 1, inner);
    result(&f, ME, "wrong", 1, inner);
    struct server s = { 0 };
    serve(&f, &s, iq); /* empty */
    xmpp_stanza_release(iq);
    result(&f, ME, queryid, 1, inner);
    nothing(&f);
}

static void test_malformed(void)
{
    STORED(f);
    g_autofree char *one = text_of(1);
    g_autofree char *two = g_strconcat(one, one, NULL);
    g_autofree char *nested = g_strdup_printf(
        "<message xmlns='jabber:client' from='" BOB_FULL "' to='" ME "'>"
        "<body>x</body><result xmlns='" MAM "' queryid='q' id='i'><forwarded "
        "xmlns='urn:xmpp:forward:0'>%s</forwarded></result></message>", one);
    const char *const bad[] = { "", two, nested,
        "<iq xmlns='jabber:client' type='set' id='1' from='" ME "'><query "
        "xmlns='jabber:iq:roster'/></iq>",
        "<message xmlns='jabber:client'><body>x</body></message>",
        "<message xmlns='jabber:client' from='" BOB "' to='" MAL
        "'><body>x</body></message>",
        "<message xmlns='jabber:client' from='@' to='" ME
        "'><body>x</body></message>",
        "<message xmlns='jabber:client' from='" ME "' to='@'><body>x</body>"
        "</message>",
        "<message xmlns='jabber:client' from='" BOB "' type='groupchat' to='" ME
        "'><body>x</body></message>",
        "<message xmlns='jabber:client' from='" BOB "' type='error' to='" ME
        "'><body>x</body></message>",
        "<message xmlns='urn:evil' from='" BOB "' to='" ME
        "'><body>x</body></message>" };
    sign_in(&f);
    xmpp_stanza_t *iq = take_query(&f);
    const char *queryid = stanza_attr(stanza_child(iq, "query", MAM), "queryid");
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        result(&f, ME, queryid, i + 1, bad[i]);
    receive(&f, "<message from='" ME "'><result xmlns='" MAM "' queryid='%s' "
                "id='x'/></message>", queryid);
    receive(&f, "<message from='" ME "'><result xmlns='" MAM "' queryid='%s'>"
                "<forwarded xmlns='urn:xmpp:forward:0'>%s</forwarded></result>"
                "</message>", queryid, one);
    receive(&f, "<message from='" ME "'><result xmlns='" MAM "' queryid='%s' "
                "id='a'><forwarded xmlns='urn:xmpp:forward:0'>%s</forwarded>"
                "</result><result xmlns='" MAM "' queryid='%s' id='b'>"
                "<forwarded xmlns='urn:xmpp:forward:0'>%s</forwarded></result>"
                "</message>", queryid, one, queryid, one);
    struct server s = { 0 };
    serve(&f, &s, iq);
    xmpp_stanza_release(iq);
    nothing(&f);
}

static void test_no_archive(void)
{
    STORED(f);
    f.account->caught_up = false;
    server_has(&f, "urn:x");
    xep0313.ready(f.account);
    g_assert_true(f.account->caught_up);
    g_assert_cmpuint(f.counts[EVENT_ARCHIVE], ==, 1);
}

/* Ours of a second client, and what a carbon brought already. */
static void test_outgoing(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    sign_in(&f);
    xmpp_stanza_t *iq = take_query(&f);
    const char *queryid = stanza_attr(stanza_child(iq, "query", MAM), "queryid");
    result(&f, ME, queryid, 2,
        "<message xmlns='jabber:client' from='" ME "/phone' to='" BOB
        "' type='chat' id='o'><body>mine</body></message>");
    struct server none = { .n = 1 };
    serve(&f, &none, iq);
    xmpp_stanza_release(iq);
    g_assert_true(f.message->outgoing);
    g_assert_cmpuint(account_find_chat(f.account, BOB)->unread, ==, 0);
}

static guint came;
static bool came_more;
static void on_fetched(struct chat *chat, guint fetched, bool more,
    const char *error, gpointer data)
{
    (void)chat;
    (void)data;
    g_assert_null(error);
    came += fetched;
    came_more = more;
}

static void test_before(void)
{
    STORED(f);
    struct server s = { .n = 1000 };
    options_set(f.options, ME, "account.archive_count", "50", false, NULL);
    options_set(f.options, ME, "account.archive_days", "0", false, NULL);
    sign_in(&f);
    run(&f, &s);
    struct chat *chat = account_open_chat(f.account, BOB, CHAT_CONTACT);
    guint pages = 0;
    came = 0;
    while (mam_fetch_before(chat, on_fetched, NULL)) {
        g_assert_false(mam_fetch_before(chat, on_fetched, NULL));
        run(&f, &s);
        g_assert_cmpuint(pages++, <, 30);
    }
    g_assert_false(came_more);
    g_assert_cmpuint(came, >, 850);
    expect(&f, 1000);
    g_assert_cmpuint(f.counts[EVENT_MESSAGE], ==, 0);
}

static void fetch_all(struct fixture *f, struct server *s)
{
    struct chat *chat = account_open_chat(f->account, BOB, CHAT_CONTACT);
    guint pages = 0;
    while (mam_fetch_before(chat, on_fetched, NULL)) {
        run(f, s);
        g_assert_cmpuint(pages++, <, 30);
    }
    g_assert_cmpint(mam_reach(chat), ==, 0);
    g_assert_false(mam_has_more(chat));
}

/* What is here from long ago does not hide what lies between. */
static void test_before_imported(void)
{
    STORED(f);
    struct server s = { .n = 500 };
    struct message *old = message_new();
    struct chat *chat = account_open_chat(f.account, BOB, CHAT_CONTACT);
    old->from = g_strdup(BOB);
    old->body = g_strdup("long ago");
    history_add(f.account->history, chat, old, EPOCH / 2);
    message_free(old);
    options_set(f.options, ME, "account.archive_count", "50", false, NULL);
    options_set(f.options, ME, "account.archive_days", "0", false, NULL);
    sign_in(&f);
    run(&f, &s);
    g_assert_cmpint(mam_reach(chat), ==, EPOCH + 451 * G_USEC_PER_SEC);
    fetch_all(&f, &s);
    g_assert_cmpint(history_count(f.account->history, BOB), ==, 501);
}

/* The archive has nothing of the last days, only older ones. */
static void test_before_quiet_days(void)
{
    STORED(f);
    struct server s = { .n = 120 };
    sign_in(&f); /* the epoch of the test is more than 14 days ago */
    run(&f, &s);
    nothing(&f);
    fetch_all(&f, &s);
    expect(&f, 120);
}

/* Thrown away on purpose: it stays away. */
static void test_before_closed(void)
{
    STORED(f);
    struct server s = { .n = 120 };
    sign_in(&f);
    run(&f, &s);
    struct chat *chat = account_open_chat(f.account, BOB, CHAT_CONTACT);
    g_assert_true(mam_has_more(chat));
    mam_close(f.account, BOB);
    g_assert_false(mam_fetch_before(chat, on_fetched, NULL));
}

/* An archive that sends the same page for ever is asked once more, not for
 * ever (F26). */
static void test_before_circles(void)
{
    STORED(f);
    struct server s = { .n = 1000 };
    options_set(f.options, ME, "account.archive_count", "50", false, NULL);
    options_set(f.options, ME, "account.archive_days", "0", false, NULL);
    sign_in(&f);
    run(&f, &s);
    struct chat *chat = account_open_chat(f.account, BOB, CHAT_CONTACT);
    s.stuck = 1;
    s.asked = 0;
    came_more = true;
    while (came_more && mam_fetch_before(chat, on_fetched, NULL))
        run(&f, &s);
    g_assert_false(came_more);
    g_assert_cmpuint(s.asked, <, 5);
}

static void settled(struct account *account, bool whole, gpointer data)
{
    (void)account;
    *(int *)data = whole ? 1 : -1;
}

static void test_settled(void)
{
    STORED(f);
    struct server s = { 0 };
    int how = 0;
    begin(&f, &s);
    s.n = 10;
    sign_in(&f);
    mam_when_settled(f.account, settled, &how);
    g_assert_cmpint(how, ==, 0);
    run(&f, &s);
    g_assert_cmpint(how, ==, 1);
}

/* XEP-0441 s. 2.1: the lists are set as a whole, so nobody sets unknown ones. */
static void test_prefs_unknown(void)
{
    FIXTURE(f);
    sign_in(&f);
    forget_sent(&f);
    command(&f, "/mam prefs never " MAL);
    xmpp_stanza_t *iq = xmpp_stanza_clone(sent_iq(&f, "prefs", MAM));
    forget_sent(&f);
    answer(&f, iq, "result", "");
    xmpp_stanza_release(iq);
    g_assert_cmpint(f.done, ==, -1);
    g_assert_null(sent_iq(&f, "prefs", MAM));
}

static void test_prefs(void)
{
    STORED(f);
    struct server s = { 0 };
    begin(&f, &s);
    sign_in(&f);
    run(&f, &s);
    forget_sent(&f);
    command(&f, "/mam prefs never " MAL);
    answer(&f, sent_iq(&f, "prefs", MAM), "result",
        "<prefs xmlns='" MAM "' default='always'><always><jid>" BOB
        "</jid></always><never/></prefs>");
    xmpp_stanza_t *iq = f.sent->pdata[f.sent->len - 1];
    g_autofree char *xml = stanza_xml(iq);
    assert_has(xml, "default=\"always\"");
    assert_has(xml, "<never><jid>" MAL "</jid></never>");
    assert_has(xml, "<always><jid>" BOB "</jid></always>");
    answer(&f, iq, "result", "<prefs xmlns='" MAM "' default='always'><always/>"
                             "<never><jid>" MAL "</jid></never></prefs>");
    g_assert_cmpint(f.done, ==, 1);
    assert_has(f.output->str, "prefs jid=" MAL " keep=never");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mam/first-sign-in", test_first);
    g_test_add_func("/mam/first-sign-in-bounded", test_bounded);
    g_test_add_func("/mam/catch-up", test_catch_up);
    g_test_add_func("/mam/XEP-0313-s4-unstable", test_unstable);
    g_test_add_func("/mam/XEP-0313-s4-unstable-first", test_unstable_first);
    g_test_add_data_func("/mam/rooms", NULL, test_no_rooms);
    g_test_add_data_func(
        "/mam/XEP-0313-s6-no-rooms", GINT_TO_POINTER(1), test_no_rooms);
    g_test_add_func("/mam/F03-order", test_order);
    g_test_add_data_func("/mam/F25-cut-in-page", NULL, test_cut);
    g_test_add_data_func("/mam/F25-cut-in-fin", "", test_cut);
    g_test_add_func("/mam/F26-pruned", test_pruned);
    g_test_add_func("/mam/F26-no-complete-wrong-count", test_sloppy);
    g_test_add_func("/mam/F26-same-page", test_loop);
    g_test_add_func("/mam/H32-unasked", test_unasked);
    g_test_add_func("/mam/H33-malformed", test_malformed);
    g_test_add_func("/mam/no-archive", test_no_archive);
    g_test_add_func("/mam/outgoing", test_outgoing);
    g_test_add_func("/mam/before", test_before);
    g_test_add_func("/mam/before-imported", test_before_imported);
    g_test_add_func("/mam/before-quiet-days", test_before_quiet_days);
    g_test_add_func("/mam/before-closed", test_before_closed);
    g_test_add_func("/mam/F26-before-circles", test_before_circles);
    g_test_add_func("/mam/F06-settled", test_settled);
    g_test_add_func("/mam/F03-unproved", test_unproved);
    g_test_add_func("/mam/prefs", test_prefs);
    g_test_add_func("/mam/prefs-unknown", test_prefs_unknown);
    return g_test_run();
}
