/*
 * The history: one row a message whatever way it comes (F27, F28, H34, H35),
 * places, pages, search, and that nothing committed is ever lost: failing and
 * lying disks (F12, F13), kill -9 (F11), damaged files (F15), no memory (F35),
 * hostile ones (H59, H64).
 */
#define _GNU_SOURCE /* memmem */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include "base/paths.h"
#include "kit_vfs.h"
#include "store/db.h"
#include "store/history.h"
#include "tree.h"

#define OWN "juliet@example.com"
#define PEER "romeo@example.net"
#define ROOM "coven@muc.example"
#define T0 G_GINT64_CONSTANT(1700000000000000)
#define SECOND G_GINT64_CONSTANT(1000000)

static char *root;
static guint profiles;

struct fixture {
    char *dir, *file;
    struct paths *paths;
    struct history *h;
    char *problem;
};

static void open_history(struct fixture *f)
{
    g_clear_pointer(&f->problem, g_free);
    f->h = history_open(f->paths, OWN, &f->problem);
}

static void reopen(struct fixture *f)
{
    history_close(f->h);
    open_history(f);
}

static void set_up_closed(struct fixture *f)
{
    g_autofree char *name = g_strdup_printf("p%u", ++profiles);

    f->dir = g_build_filename(root, name, NULL);
    f->paths = paths_new(f->dir, NULL);
    f->file = g_build_filename(f->dir, OWN, "history.db", NULL);
}

static void set_up(struct fixture *f, gconstpointer data)
{
    (void)data;
    set_up_closed(f);
    open_history(f);
    g_assert_cmpstr(f->problem, ==, NULL);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    history_close(f->h);
    paths_free(f->paths);
    tree_remove(f->dir);
    g_free(f->dir);
    g_free(f->file);
    g_free(f->problem);
}

/* ---- small helpers ----------------------------------------------------- */

static struct message *make(const char *body, gint64 time)
{
    struct message *m = message_new();

    m->type = MESSAGE_CHAT;
    m->from = g_strdup(PEER "/orchard");
    m->to = g_strdup(OWN "/balcony");
    m->body = g_strdup(body);
    m->time_us = m->received_us = time;
    return m;
}

static struct message *make_own(const char *body, const char *id, gint64 time)
{
    struct message *m = make(body, time);

    g_free(m->from);
    g_free(m->to);
    m->from = g_strdup(OWN "/balcony");
    m->to = g_strdup(PEER);
    m->outgoing = true;
    m->id = g_strdup(id);
    m->delivery = DELIVERY_QUEUED;
    return m;
}

static enum history_added add_to(struct fixture *f, const char *jid,
    enum chat_kind kind, struct message *m, gint64 archive_us)
{
    const struct chat chat = { .jid = (char *)jid, .kind = kind };

    return history_add(f->h, &chat, m, archive_us);
}

static enum history_added add(struct fixture *f, struct message *m)
{
    return add_to(f, PEER, CHAT_CONTACT, m, 0);
}

static gint64 add_text(struct fixture *f, const char *body, gint64 time)
{
    auto_struct(message) m = make(body, time);

    g_assert_cmpint(add(f, m), ==, HISTORY_NEW);
    return m->row;
}

/* The bodies of a chat, oldest first, with | between. */
static char *bodies_of(struct fixture *f, const char *jid)
{
    g_autoptr(GPtrArray) page =
        history_page(f->h, jid, G_MAXINT64, 0, true, 1000);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < page->len; i++) {
        const struct message *m = page->pdata[i];
        g_string_append_printf(
            text, "%s%s", i ? "|" : "", m->body ? m->body : "-");
    }
    return g_string_free(text, FALSE);
}

static void assert_bodies(
    struct fixture *f, const char *jid, const char *expected)
{
    g_autofree char *bodies = bodies_of(f, jid);

    g_assert_cmpstr(bodies, ==, expected);
}

static char *found(struct fixture *f, struct history_query query)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) hits = NULL;
    GString *text = g_string_new(NULL);

    if (!query.n)
        query.n = 100;
    hits = history_search_text(f->h, &query, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < hits->len; i++) {
        const struct history_hit *hit = hits->pdata[i];
        g_string_append_printf(
            text, "%s%s", i ? "|" : "", hit->message->body);
    }
    return g_string_free(text, FALSE);
}

#define ASSERT_FOUND(f, expected, ...) \
    do { \
        g_autofree char *_found = \
            found(f, (struct history_query){ __VA_ARGS__ }); \
        g_assert_cmpstr(_found, ==, expected); \
    } while (0)

/* One value of the closed or open database, read by another connection. */
static char *query_file(const char *file, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    char *value = NULL;

    g_assert_cmpint(sqlite3_open(file, &db), ==, SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW)
        value = g_strdup((const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}

static void assert_sound(const char *file)
{
    g_autofree char *check = query_file(file, "PRAGMA integrity_check");
    g_autofree char *places = query_file(file,
        "WITH old AS (SELECT chat,row FROM message WHERE row<=(SELECT "
        "CAST(value AS INTEGER) FROM value WHERE key='history.placed')) "
        "SELECT (SELECT count(*) FROM (SELECT * FROM old EXCEPT "
        "SELECT chat,row FROM place))+(SELECT count(*) FROM "
        "(SELECT chat,row FROM place EXCEPT SELECT chat,row FROM message))");
    g_autofree char *index = NULL;

    g_assert_cmpstr(check, ==, "ok");
    g_assert_cmpstr(places, ==, "0");
    index = query_file(file,
        "INSERT INTO words(words) VALUES('integrity-check') RETURNING 1");
    (void)index;
}

/* ---- storing and paging ------------------------------------------------ */

static void test_round_trip(struct fixture *f, gconstpointer data)
{
    auto_struct(message) m = make("two\nlines", T0);
    auto_struct(message) back = NULL;
    auto_struct(message) gone = NULL;

    (void)data;
    m->id = g_strdup("id1");
    m->stanza_id = g_strdup("s1");
    m->stanza_by = g_strdup(OWN);
    m->origin_id = g_strdup("o1");
    m->nick = g_strdup("Romeo");
    m->subject = g_strdup("subject");
    m->thread = g_strdup("thread");
    m->lang = g_strdup("de");
    m->oob = g_strdup("https://example.net/x");
    m->time_us = T0 - 5;
    m->type = MESSAGE_HEADLINE;
    m->delayed = m->receipt_wanted = true;
    m->bodies =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(m->bodies, g_strdup("de"), g_strdup("zwei\nZeilen"));
    g_hash_table_insert(m->bodies, g_strdup(""), g_strdup("two\nlines"));
    g_assert_cmpint(add(f, m), ==, HISTORY_NEW);
    g_assert_cmpint(m->row, ==, T0);
    g_assert_cmpint(m->ord, ==, T0);
    g_assert_true(history_commit(f->h, NULL));
    reopen(f);
    back = history_load(f->h, m->row);
    g_assert_nonnull(back);
    g_assert_cmpstr(back->id, ==, "id1");
    g_assert_cmpstr(back->stanza_id, ==, "s1");
    g_assert_cmpstr(back->stanza_by, ==, OWN);
    g_assert_cmpstr(back->from, ==, PEER "/orchard");
    g_assert_cmpstr(back->to, ==, OWN "/balcony");
    g_assert_cmpstr(back->nick, ==, "Romeo");
    g_assert_cmpstr(back->body, ==, "two\nlines");
    g_assert_cmpstr(back->subject, ==, "subject");
    g_assert_cmpstr(back->thread, ==, "thread");
    g_assert_cmpstr(back->lang, ==, "de");
    g_assert_cmpstr(back->oob, ==, "https://example.net/x");
    g_assert_cmpstr(g_hash_table_lookup(back->bodies, "de"), ==,
        "zwei\nZeilen");
    g_assert_cmpint(back->time_us, ==, T0 - 5);
    g_assert_cmpint(back->received_us, ==, T0);
    g_assert_cmpint(back->type, ==, MESSAGE_HEADLINE);
    g_assert_true(back->delayed && back->receipt_wanted);
    g_assert_false(back->outgoing || back->carbon || back->archive);
    gone = history_load(f->h, 77);
    g_assert_null(gone);
    g_assert_cmpint(history_find(f->h, OWN, "s1"), ==, T0);
    g_assert_cmpint(history_find(f->h, ROOM, "s1"), ==, 0);
    g_assert_cmpint(history_find(f->h, OWN, "s2"), ==, 0);
}

static void test_addresses(struct fixture *f, gconstpointer data)
{
    static const char *const addresses[] = { NULL, "", PEER, PEER "/a/b",
        PEER "x/y", "x@y", OWN, OWN "/z", "example.com" };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++)
        for (guint out = 0; out < 2; out++) {
            auto_struct(message) m = make("x", T0);
            auto_struct(message) back = NULL;
            g_free(m->from);
            g_free(m->to);
            m->from = g_strdup(addresses[i]);
            m->to = g_strdup(addresses[G_N_ELEMENTS(addresses) - 1 - i]);
            m->outgoing = out;
            add(f, m);
            back = history_load(f->h, m->row);
            /* "" is no address; it reads as the bare one */
            if (i != 1)
                g_assert_cmpstr(back->from, ==, m->from);
            if (i != G_N_ELEMENTS(addresses) - 2)
                g_assert_cmpstr(back->to, ==, m->to);
        }
}

static void test_pages(struct fixture *f, gconstpointer data)
{
    gint64 ord = G_MAXINT64, row = 0;
    guint seen = 0;

    (void)data;
    for (int i = 0; i < 205; i++) {
        g_autofree char *body = g_strdup_printf("m%d", i);
        add_text(f, body, T0 + i * 10);
        if (i % 3 == 0) {
            auto_struct(message) other = make("other", T0 + i * 10);
            add_to(f, "nurse@example.com", CHAT_CONTACT, other, 0);
        }
    }
    for (;;) {
        g_autoptr(GPtrArray) page =
            history_page(f->h, PEER, ord, row, true, 50);
        if (!page->len)
            break;
        for (guint i = 0; i < page->len; i++) {
            const struct message *m = page->pdata[i];
            g_autofree char *body =
                g_strdup_printf("m%u", 205 - seen - page->len + i);
            g_assert_cmpstr(m->body, ==, body);
        }
        seen += page->len;
        ord = ((struct message *)page->pdata[0])->ord;
        row = ((struct message *)page->pdata[0])->row;
    }
    g_assert_cmpuint(seen, ==, 205);
    {
        g_autoptr(GPtrArray) page =
            history_page(f->h, PEER, ord, row, false, 2);
        g_autoptr(GPtrArray) none = history_page(
            f->h, "nobody@example.com", G_MAXINT64, 0, true, 50);
        g_assert_cmpuint(page->len, ==, 2);
        g_assert_cmpstr(((struct message *)page->pdata[0])->body, ==, "m1");
        g_assert_cmpuint(none->len, ==, 0);
    }
    g_assert_cmpint(history_count(f->h, PEER), ==, 205);
    g_assert_cmpint(history_count(f->h, NULL), ==, 274);
    g_assert_true(history_seek(f->h, PEER, T0 + 1001, &ord, &row));
    g_assert_cmpint(row, ==, T0 + 1010);
    g_assert_false(history_seek(f->h, PEER, T0 + 100 * SECOND, &ord, &row));
    g_assert_false(history_seek(f->h, "nobody@x", 0, &ord, &row));
}

static void add_numbered(struct fixture *f, const char *jid, gint64 second,
    gint64 archive)
{
    g_autofree char *body = g_strdup_printf("%" G_GINT64_FORMAT, second);
    auto_struct(message) m = make(body, T0 + second * SECOND);

    m->archive = archive;
    if (archive)
        m->stanza_id = g_strdup_printf("a%s", body);
    g_assert_cmpint(add_to(f, jid, CHAT_CONTACT, m,
        archive ? T0 + second * SECOND : 0), ==, HISTORY_NEW);
}

/* Each second of PEER's once, in order, whatever the pages' size. */
static void assert_numbers(struct fixture *f, bool before, guint n, gint64 all)
{
    gint64 place = before ? G_MAXINT64 : 0, next = before ? all - 1 : 0;

    for (;;) {
        g_autoptr(GPtrArray) page =
            history_page(f->h, PEER, place, place, before, n);
        if (!page->len)
            break;
        for (guint i = 0; i < page->len; i++) {
            const struct message *m =
                page->pdata[before ? page->len - 1 - i : i];
            g_assert_cmpint((m->row - T0) / SECOND, ==, next);
            place = m->row;
            next += before ? -1 : 1;
        }
    }
    g_assert_cmpint(next, ==, before ? -1 : all);
}

/* Rows that have their place, those that came between them later, and those
 * that are looked through. */
static void test_places(struct fixture *f, gconstpointer data)
{
    const char *other = "nurse@example.com", *many = "flood@example.net";
    gint64 ord, row;

    (void)data;
    for (int i = 0; i < 90; i += 3)
        add_numbered(f, PEER, i, false);
    add_numbered(f, other, 40, false);
    reopen(f); /* closing gives all of them their places */
    assert_sound(f->file);
    g_autofree char *placed = query_file(f->file, "SELECT count(*) FROM place");
    g_assert_cmpstr(placed, ==, "31");
    for (int i = 1; i < 90; i++)
        if (i % 3)
            add_numbered(f, PEER, i, true);
    for (int i = 90; i < 120; i++)
        add_numbered(f, PEER, i, false);
    for (guint n = 1; n < 130; n += 7) {
        assert_numbers(f, true, n, 120);
        assert_numbers(f, false, n, 120);
    }
    g_assert_true(history_seek(f->h, PEER, T0 + 50 * SECOND, &ord, &row));
    g_assert_cmpint(row, ==, T0 + 50 * SECOND);
    g_assert_true(history_seek(f->h, PEER, T0 + 89 * SECOND + 1, &ord, &row));
    g_assert_cmpint(row, ==, T0 + 90 * SECOND);
    g_assert_cmpint(history_count(f->h, PEER), ==, 120);
    g_assert_cmpint(history_count(f->h, NULL), ==, 121);
    g_assert_cmpuint(
        history_count_after(f->h, PEER, T0 + 80 * SECOND, 100), ==, 39);
    g_assert_cmpuint(
        history_count_after(f->h, PEER, T0 + 100 * SECOND, 5), ==, 5);
    auto_struct(history_chat) chat = history_find_chat(f->h, PEER);
    auto_struct(history_chat) old = history_find_chat(f->h, other);
    g_assert_cmpint(chat->active_us, ==, T0 + 119 * SECOND);
    g_assert_cmpint(old->active_us, ==, T0 + 40 * SECOND);
    for (int i = 0; i < 4200; i++)
        add_numbered(f, many, 200 + 2 * i, false);
    g_autofree char *more = NULL;
    while (g_strcmp0(more, "1") != 0) { /* a batch is under way */
        history_tidy(f->h);
        g_free(more);
        more = query_file(f->file, "SELECT count(*)>150 FROM place");
    }
    add_numbered(f, many, 201, true); /* among those of the batch */
    assert_sound(f->file);
    g_assert_cmpint(history_count(f->h, many), ==, 4201);
    while (history_tidy(f->h))
        ;
    g_autofree char *all =
        query_file(f->file, "SELECT count(*)>4000 FROM place");
    g_assert_cmpstr(all, ==, "1");
    assert_sound(f->file);
    assert_numbers(f, true, 50, 120);
    add_numbered(f, many, 9000, false);
    g_assert_cmpint(history_count(f->h, many), ==, 4202);
    history_clear(f->h, many);
    g_assert_cmpint(history_count(f->h, many), ==, 0);
    while (history_is_untidy(f->h))
        history_tidy(f->h);
    reopen(f);
    assert_sound(f->file);
    g_autofree char *left =
        query_file(f->file, "SELECT count(*)||'' FROM message");
    g_assert_cmpstr(left, ==, "121");
    assert_numbers(f, false, 50, 120);
}

/* F17: the clock goes an hour back, ten years ahead and back again. */
static void test_clock(struct fixture *f, gconstpointer data)
{
    const gint64 hour = 3600 * SECOND, years = 87600 * hour;

    (void)data;
    add_text(f, "1", T0);
    add_text(f, "2", T0 - hour);
    add_text(f, "3", T0 + years);
    reopen(f);
    add_text(f, "4", T0 + hour);
    add_text(f, "5", T0 + hour);
    assert_bodies(f, PEER, "1|2|3|4|5");
    /* another chat does not suffer */
    auto_struct(message) m = make("x", T0 + 2 * hour);
    add_to(f, "nurse@example.com", CHAT_CONTACT, m, 0);
    g_assert_cmpint(m->row, ==, T0 + 2 * hour);
}

static void test_archive_between(struct fixture *f, gconstpointer data)
{
    static const char *const late[] = { "b", "c", "d" };

    (void)data;
    add_text(f, "a", T0);
    add_text(f, "z", T0 + 100 * SECOND);
    for (guint i = 0; i < 3; i++) { /* stamps of whole seconds */
        auto_struct(message) m = make(late[i], T0 + 200 * SECOND);
        m->archive = true;
        m->time_us = T0 + 50 * SECOND;
        m->stanza_id = g_strdup(late[i]);
        g_assert_cmpint(add_to(f, PEER, CHAT_CONTACT, m, T0 + 50 * SECOND),
            ==, HISTORY_NEW);
    }
    auto_struct(message) same = make("e", T0);
    same->archive = true;
    same->stanza_id = g_strdup("e");
    add_to(f, PEER, CHAT_CONTACT, same, T0); /* that place is taken */
    auto_struct(message) future = make("f", T0);
    future->archive = true;
    future->stanza_id = g_strdup("f");
    add_to(f, PEER, CHAT_CONTACT, future, G_MAXINT64);
    g_assert_cmpint(future->row, <=, g_get_real_time() + SECOND);
    assert_bodies(f, PEER, "a|e|b|c|d|z|f");
}

/* 3,000 of one second: their order, and no time lost to it. */
static void test_archive_same_second(struct fixture *f, gconstpointer data)
{
    gint64 last = 0;

    (void)data;
    for (int i = 0; i < 3000; i++) {
        auto_struct(message) m = make("x", T0);
        m->archive = true;
        m->stanza_id = g_strdup_printf("s%d", i);
        add_to(f, PEER, CHAT_CONTACT, m, T0);
        g_assert_cmpint(m->row, >, last);
        g_assert_cmpint(m->row, <, T0 + SECOND);
        last = m->row;
    }
    g_assert_cmpint(history_count(f->h, PEER), ==, 3000);
}

/* ---- one message, many ways -------------------------------------------- */

enum way { LIVE, CARBON, OFFLINE, ARCHIVE, REPLAY, N_WAYS };

static enum history_added arrive(struct fixture *f, enum way way,
    bool with_id, struct message *m)
{
    m->id = g_strdup("m-1");
    m->carbon = way == CARBON;
    m->delayed = way == OFFLINE;
    m->archive = way == ARCHIVE;
    if (way == OFFLINE || way == ARCHIVE)
        m->time_us = T0;
    m->received_us = T0 + way * SECOND;
    if (way == ARCHIVE || with_id) {
        m->stanza_id = g_strdup("archive-7");
        m->stanza_by = g_strdup(OWN);
    }
    return add_to(f, PEER, CHAT_CONTACT, m, way == ARCHIVE ? T0 : 0);
}

/* F27. with_ids has a bit for each way whose copy bears the archive id; the
 * archive's own always does. Copies without it are the same by id. */
static void try_order(struct fixture *f, const int *order, guint with_ids,
    guint number)
{
    g_autofree char *body = g_strdup_printf("text %u", number);
    g_autofree char *jid = g_strdup_printf("c%u@example.net", number);
    gint64 row = 0;

    for (int i = 0; i < N_WAYS; i++) {
        auto_struct(message) m = make(body, T0);
        enum history_added added;
        const struct chat chat = { .jid = jid };
        enum way way = order[i];
        bool with_id = with_ids & 1u << way;
        m->id = g_strdup("m-1");
        m->carbon = way == CARBON;
        m->delayed = way == OFFLINE;
        m->archive = way == ARCHIVE;
        m->received_us = T0 + i * SECOND;
        m->time_us = way == OFFLINE || way == ARCHIVE ? T0 : m->received_us;
        if (way == ARCHIVE || with_id)
            m->stanza_id = g_strdup_printf("archive-%u", number);
        added = history_add(f->h, &chat, m, way == ARCHIVE ? T0 : 0);
        if (i == 0) {
            g_assert_cmpint(added, ==, HISTORY_NEW);
            row = m->row;
        } else {
            g_assert_cmpint(added, ==, HISTORY_DUPLICATE);
            g_assert_cmpint(m->row, ==, row);
        }
    }
    g_assert_cmpint(history_count(f->h, jid), ==, 1);
    g_autofree char *id = g_strdup_printf("archive-%u", number);
    g_assert_cmpint(history_find(f->h, OWN, id), ==, row);
}

static void each_order(struct fixture *f, int *order, int at, guint with_ids,
    guint *number)
{
    if (at == N_WAYS) {
        try_order(f, order, with_ids, (*number)++);
        return;
    }
    for (int i = at; i < N_WAYS; i++) {
        int swap = order[at];
        order[at] = order[i];
        order[i] = swap;
        each_order(f, order, at + 1, with_ids, number);
        order[i] = order[at];
        order[at] = swap;
    }
}

static void test_all_orders(struct fixture *f, gconstpointer data)
{
    int order[N_WAYS] = { LIVE, CARBON, OFFLINE, ARCHIVE, REPLAY };
    guint number = 0;

    each_order(f, order, 0, GPOINTER_TO_UINT(data), &number);
    g_assert_cmpuint(number, ==, 120);
    g_assert_true(history_commit(f->h, NULL));
    assert_sound(f->file);
}

static void test_completed(struct fixture *f, gconstpointer data)
{
    auto_struct(message) live = make("hi", T0);
    auto_struct(message) archived = make("hi", T0);
    auto_struct(message) back = NULL;

    (void)data;
    g_assert_cmpint(arrive(f, LIVE, false, live), ==, HISTORY_NEW);
    g_assert_cmpint(
        arrive(f, ARCHIVE, true, archived), ==, HISTORY_DUPLICATE);
    back = history_load(f->h, live->row);
    g_assert_cmpstr(back->stanza_id, ==, "archive-7");
    g_assert_cmpstr(back->stanza_by, ==, OWN);
}

static void test_repeats(struct fixture *f, gconstpointer data)
{
    (void)data;
    /* F28: equal bodies without id, 10 ms apart */
    add_text(f, "ok", T0);
    add_text(f, "ok", T0 + 10000);
    assert_bodies(f, PEER, "ok|ok");
    /* the same id twice, live: kept, the second flagged */
    auto_struct(message) one = make("same", T0 + SECOND);
    auto_struct(message) two = make("same", T0 + 2 * SECOND);
    auto_struct(message) other = make("other", T0 + 3 * SECOND);
    auto_struct(message) first = make("same", T0 + SECOND);
    auto_struct(message) second = make("same", T0 + 2 * SECOND);
    one->id = g_strdup("x");
    two->id = g_strdup("x");
    other->id = g_strdup("x");
    g_assert_cmpint(add(f, one), ==, HISTORY_NEW);
    g_assert_cmpint(add(f, two), ==, HISTORY_REPEATED);
    g_assert_cmpint(add(f, other), ==, HISTORY_REPEATED);
    assert_bodies(f, PEER, "ok|ok|same|same|other");
    /* the archive has both as well: no third row */
    first->id = g_strdup("x");
    first->archive = true;
    first->stanza_id = g_strdup("a1");
    second->id = g_strdup("x");
    second->archive = true;
    second->stanza_id = g_strdup("a2");
    g_assert_cmpint(add_to(f, PEER, CHAT_CONTACT, first, T0 + SECOND), ==,
        HISTORY_DUPLICATE);
    g_assert_cmpint(add_to(f, PEER, CHAT_CONTACT, second, T0 + 2 * SECOND),
        ==, HISTORY_DUPLICATE);
    g_assert_cmpint(history_find(f->h, OWN, "a1"), ==, one->row);
    g_assert_cmpint(history_find(f->h, OWN, "a2"), ==, two->row);
    /* an id that counts up from 1 at every start of its client is no proof */
    auto_struct(message) early = make("ok", T0 + 10 * SECOND);
    auto_struct(message) late = make("ok", T0 + 10 * 3600 * SECOND);
    early->id = g_strdup("1");
    late->id = g_strdup("1");
    late->delayed = true;
    g_assert_cmpint(add(f, early), ==, HISTORY_NEW);
    g_assert_cmpint(add(f, late), ==, HISTORY_NEW);
}

/* H34, H35: who gave an id counts, and a room cannot take another's place. */
static void test_stanza_ids(struct fixture *f, gconstpointer data)
{
    auto_struct(message) mine = make("real", T0);
    auto_struct(message) room = make("in the room", T0 + 1);
    auto_struct(message) again = make("in the room", T0 + 2);
    auto_struct(message) forged = make("other text", T0 + 3);
    auto_struct(message) own = make("differently decrypted", T0 + 4);
    auto_struct(message) back = NULL;

    (void)data;
    mine->stanza_id = g_strdup("A");
    mine->stanza_by = g_strdup(OWN);
    room->stanza_id = g_strdup("A");
    room->stanza_by = g_strdup(ROOM);
    again->stanza_id = g_strdup("A");
    again->stanza_by = g_strdup(ROOM);
    forged->stanza_id = g_strdup("A");
    forged->stanza_by = g_strdup(ROOM);
    own->stanza_id = g_strdup("A");
    own->stanza_by = g_strdup(OWN);
    g_assert_cmpint(add(f, mine), ==, HISTORY_NEW);
    g_assert_cmpint(
        add_to(f, ROOM, CHAT_ROOM, room, 0), ==, HISTORY_NEW);
    g_assert_cmpint(
        add_to(f, ROOM, CHAT_ROOM, again, 0), ==, HISTORY_DUPLICATE);
    g_assert_cmpint(
        add_to(f, ROOM, CHAT_ROOM, forged, 0), ==, HISTORY_REPEATED);
    g_assert_cmpint(add(f, own), ==, HISTORY_DUPLICATE);
    assert_bodies(f, PEER, "real");
    assert_bodies(f, ROOM, "in the room|other text");
    g_assert_cmpint(history_find(f->h, ROOM, "A"), ==, room->row);
    back = history_load(f->h, forged->row);
    g_assert_cmpstr(back->stanza_id, ==, NULL);
    /* the id of a room, in the chat with one of its occupants */
    auto_struct(message) pm = make("psst", T0 + 9);
    auto_struct(message) pm_back = NULL;
    pm->stanza_id = g_strdup("B");
    pm->stanza_by = g_strdup(ROOM);
    add_to(f, ROOM "/hecate", CHAT_OCCUPANT, pm, 0);
    pm_back = history_load(f->h, pm->row);
    g_assert_cmpstr(pm_back->stanza_by, ==, ROOM);
}

/* By the id the sender gave: years ago, in another chat too, not stored. */
static void test_find_id(struct fixture *f, gconstpointer data)
{
    static const gint64 years[] = { 0, 1, 5 };
    gint64 rows[G_N_ELEMENTS(years)];

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(years); i++) {
        gint64 time = T0 - years[i] * 365 * G_TIME_SPAN_DAY;
        g_autofree char *id = g_strdup_printf("id%d", (int)i);
        auto_struct(message) m = make("words", time);
        auto_struct(message) other = make("others", time + SECOND);
        m->id = g_strdup(id);
        other->id = g_strdup(i ? "id0" : "else");
        add_to(f, PEER, CHAT_CONTACT, m, time);
        add_to(f, ROOM, CHAT_ROOM, other, time + SECOND);
        rows[i] = m->row;
    }
    g_assert_true(history_commit(f->h, NULL));
    g_assert_cmpint(history_find_id(f->h, PEER, "id0"), ==, rows[0]);
    g_assert_cmpint(history_find_id(f->h, PEER, "id1"), ==, rows[1]);
    g_assert_cmpint(history_find_id(f->h, PEER, "id2"), ==, rows[2]);
    g_assert_cmpint(history_find_id(f->h, PEER, "else"), ==, 0);
    g_assert_cmpint(history_find_id(f->h, ROOM, "else"), !=, 0);
    g_assert_cmpint(history_find_id(f->h, "nobody@b.tld", "id0"), ==, 0);
    auto_struct(message) again = make("the same id again", T0 + 60 * SECOND);
    again->id = g_strdup("id1");
    add_to(f, PEER, CHAT_CONTACT, again, 0);
    g_assert_cmpint(history_find_id(f->h, PEER, "id1"), ==, again->row);
}

static void test_own(struct fixture *f, gconstpointer data)
{
    auto_struct(message) sent = make_own("hello", "q1", T0);
    auto_struct(message) carbon = make_own("hello", "q1", T0 + SECOND);
    auto_struct(message) archived = make_own("hello", "q1", T0 + SECOND);
    auto_struct(message) back = NULL;

    (void)data;
    g_assert_cmpint(add(f, sent), ==, HISTORY_NEW);
    g_assert_cmpint(history_find_own(f->h, "q1"), ==, sent->row);
    carbon->carbon = true;
    carbon->delivery = DELIVERY_SENT;
    g_assert_cmpint(add(f, carbon), ==, HISTORY_DUPLICATE);
    archived->archive = true;
    archived->delivery = DELIVERY_SENT;
    archived->origin_id = g_strdup("q1");
    archived->stanza_id = g_strdup("s9");
    g_assert_cmpint(add_to(f, PEER, CHAT_CONTACT, archived, T0 + SECOND), ==,
        HISTORY_DUPLICATE);
    g_assert_cmpint(archived->row, ==, sent->row);
    back = history_load(f->h, sent->row);
    g_assert_cmpint(back->delivery, ==, DELIVERY_SENT);
    g_assert_cmpstr(back->stanza_id, ==, "s9");
    g_assert_cmpint(history_count(f->h, PEER), ==, 1);
    /* another device whose ids start at 1 again and that has no origin-ids */
    for (int i = 0; i < 2; i++) {
        auto_struct(message) weak = make_own(
            i ? "second" : "first", "1", T0 + 3600 * SECOND * (i + 1));
        weak->carbon = true;
        weak->delivery = DELIVERY_SENT;
        g_assert_cmpint(add(f, weak), ==, HISTORY_NEW);
    }
    /* a contact cannot claim our origin-id */
    auto_struct(message) theirs = make("mine too", T0 + 9);
    theirs->origin_id = g_strdup("q1");
    g_assert_cmpint(add(f, theirs), ==, HISTORY_NEW);
    /* a failed one stays failed when its archive copy comes */
    auto_struct(message) refused = make_own("no", "q2", T0 + 20 * SECOND);
    auto_struct(message) copy = make_own("no", "q2", T0 + 20 * SECOND);
    auto_struct(message) kept = NULL;
    add(f, refused);
    refused->delivery = DELIVERY_FAILED;
    refused->error = g_strdup("Nobody there");
    g_assert_true(history_update(f->h, refused));
    copy->archive = true;
    copy->delivery = DELIVERY_SENT;
    add_to(f, PEER, CHAT_CONTACT, copy, T0 + 20 * SECOND);
    kept = history_load(f->h, refused->row);
    g_assert_cmpint(kept->delivery, ==, DELIVERY_FAILED);
    g_assert_cmpstr(kept->error, ==, "Nobody there");
}

/* H59: text is text. */
static void test_literal(struct fixture *f, gconstpointer data)
{
    static const char *const texts[] = { "'); DROP TABLE message;--",
        "%n%s%x %1$s", "\" OR 1=1 --", "NEAR(a b) body:x *",
        "\xc2\x9b[31m", "ends in \xff invalid" };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        auto_struct(message) m = make(texts[i], T0 + i);
        auto_struct(message) back = NULL;
        g_autofree char *valid = g_utf8_make_valid(texts[i], -1);
        m->nick = g_strdup(texts[i]);
        m->subject = g_strdup(texts[i]);
        m->id = g_strdup(texts[i]);
        m->thread = g_strdup(texts[i]);
        add(f, m);
        back = history_load(f->h, m->row);
        g_assert_cmpstr(back->body, ==, valid);
        g_assert_cmpstr(back->nick, ==, valid);
        g_assert_cmpstr(back->subject, ==, valid);
        g_assert_cmpstr(back->id, ==, valid);
        g_assert_cmpstr(back->thread, ==, valid);
    }
    g_assert_true(history_commit(f->h, NULL));
    assert_sound(f->file);
}

static void test_no_folder(void)
{
    auto_struct(paths) paths = paths_new(root, NULL);
    static const char *const names[] = { "", ".", "..", "../x", "a/b" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *problem = NULL;
        struct history *h = history_open(paths, names[i], &problem);
        g_assert_cmpint(history_health(h), ==, HISTORY_MEMORY_ONLY);
        g_assert_nonnull(problem);
        history_close(h);
    }
}

/* ---- outbox ------------------------------------------------------------ */

static void test_outbox(struct fixture *f, gconstpointer data)
{
    gint64 rows[4];

    (void)data;
    for (int i = 0; i < 4; i++) {
        g_autofree char *id = g_strdup_printf("o%d", i);
        auto_struct(message) m = make_own(id, id, T0 + i);
        add(f, m);
        rows[i] = m->row;
    }
    history_set_sent(f->h, rows[0], 4294967295u);
    history_set_sent(f->h, rows[1], 0);
    g_assert_true(history_commit(f->h, NULL));
    reopen(f);
    {
        g_autoptr(GPtrArray) outbox = history_outbox(f->h);
        const struct history_out *out = outbox->pdata[0];
        g_assert_cmpuint(outbox->len, ==, 4);
        g_assert_cmpstr(out->message->body, ==, "o0");
        g_assert_cmpstr(out->chat, ==, PEER);
        g_assert_true(out->sent);
        g_assert_cmpuint(out->sm_seq, ==, 4294967295u);
        out = outbox->pdata[1];
        g_assert_true(out->sent && out->sm_seq == 0);
        out = outbox->pdata[2];
        g_assert_false(out->sent);
        g_assert_cmpstr(out->message->origin_id, ==, "o2");
    }
    auto_struct(message) first = history_load(f->h, rows[0]);
    auto_struct(message) third = history_load(f->h, rows[2]);
    first->delivery = DELIVERY_SENT;
    third->delivery = DELIVERY_FAILED;
    g_assert_true(history_update(f->h, first));
    g_assert_true(history_update(f->h, third));
    history_set_unsent(f->h, rows[1]);
    {
        g_autoptr(GPtrArray) outbox = history_outbox(f->h);
        const struct history_out *out = outbox->pdata[0];
        g_assert_cmpuint(outbox->len, ==, 2);
        g_assert_cmpint(out->message->row, ==, rows[1]);
        g_assert_false(out->sent);
    }
    /* tried again: in its old place, and not as sent */
    history_set_sent(f->h, rows[2], 3);
    third->delivery = DELIVERY_QUEUED;
    g_assert_true(history_update(f->h, third));
    {
        g_autoptr(GPtrArray) outbox = history_outbox(f->h);
        const struct history_out *out = outbox->pdata[1];
        g_assert_cmpuint(outbox->len, ==, 3);
        g_assert_cmpint(out->message->row, ==, rows[2]);
        g_assert_false(out->sent);
    }
    /* the archive id that it brings belongs to another one: the rest counts */
    auto_struct(message) other = make("x", T0 + 60);
    auto_struct(message) second = history_load(f->h, rows[1]);
    auto_struct(message) updated = NULL;
    other->stanza_id = g_strdup("taken");
    add(f, other);
    second->stanza_id = g_strdup("taken");
    second->delivery = DELIVERY_DISPLAYED;
    g_assert_true(history_update(f->h, second));
    updated = history_load(f->h, rows[1]);
    g_assert_cmpint(updated->delivery, ==, DELIVERY_DISPLAYED);
    auto_struct(message) unknown = make("x", T0);
    unknown->row = 5;
    g_assert_false(history_update(f->h, unknown));
    unknown->row = 0;
    g_assert_false(history_update(f->h, unknown));
}

/* ---- search ------------------------------------------------------------ */

static void test_search(struct fixture *f, gconstpointer data)
{
    auto_struct(message) in_room = make("Die Käsekuchen sind fertig", T0 + 50);
    auto_struct(message) subject = make("see above", T0 + 60);

    (void)data;
    add_text(f, "The quick brown fox", T0 + 10);
    add_text(f, "quick, a brown one!", T0 + 20);
    add_text(f, "state-of-the-art https://example.net/a_b?c=d", T0 + 30);
    add_text(f, "日本語のテキストです and 한국어를 ภาษาไทย", T0 + 40);
    in_room->type = MESSAGE_GROUPCHAT;
    g_free(in_room->from);
    in_room->from = g_strdup(ROOM "/Hecate");
    add_to(f, ROOM, CHAT_ROOM, in_room, 0);
    subject->subject = g_strdup("Agenda");
    add(f, subject);
    ASSERT_FOUND(f, "quick, a brown one!|The quick brown fox",
        .words = "QUICK brown");
    ASSERT_FOUND(f, "The quick brown fox", .words = "\"quick brown\"");
    ASSERT_FOUND(f, "The quick brown fox", .words = "fox \"the quick");
    ASSERT_FOUND(f, "", .words = "qui");
    ASSERT_FOUND(f, "state-of-the-art https://example.net/a_b?c=d",
        .words = "the-art");
    ASSERT_FOUND(f, "state-of-the-art https://example.net/a_b?c=d",
        .words = "https://example.net/a_b?c=d");
    ASSERT_FOUND(f, "Die Käsekuchen sind fertig", .words = "kasekuchen");
    ASSERT_FOUND(f, "see above", .words = "agenda");
    ASSERT_FOUND(f, "see above", .words = "\"agenda see\"");
    for (guint i = 0; i < 4; i++) {
        static const char *const parts[] = { "本語", "テキ", "국어", "าไท" };
        ASSERT_FOUND(f, "日本語のテキストです and 한국어를 ภาษาไทย",
            .words = parts[i]);
    }
    ASSERT_FOUND(f, "", .words = "語本");
    /* filters */
    ASSERT_FOUND(f, "", .words = "fertig", .chat = PEER);
    ASSERT_FOUND(f, "Die Käsekuchen sind fertig", .words = "fertig",
        .chat = ROOM);
    ASSERT_FOUND(f, "", .words = "fertig", .chat = "nobody@example.com");
    ASSERT_FOUND(f, "Die Käsekuchen sind fertig", .from = "hecate");
    ASSERT_FOUND(f, "", .from = ROOM);
    ASSERT_FOUND(f, "quick, a brown one!", .words = "quick", .from = PEER,
        .since_us = T0 + 11);
    ASSERT_FOUND(f, "The quick brown fox", .words = "quick",
        .until_us = T0 + 20);
    ASSERT_FOUND(f, "see above|Die Käsekuchen sind fertig",
        .since_us = T0 + 50);
    ASSERT_FOUND(f, "The quick brown fox", .chat = PEER, .until_us = T0 + 20);
    ASSERT_FOUND(f, "see above", .chat = PEER, .since_us = T0 + 41);
    /* pages */
    ASSERT_FOUND(f, "quick, a brown one!", .words = "quick", .n = 1);
    ASSERT_FOUND(f, "The quick brown fox", .words = "quick", .n = 1,
        .before_row = T0 + 20);
    ASSERT_FOUND(f, "", .words = "quick", .n = 1, .before_row = T0 + 10);
    /* archive messages come in at their time */
    auto_struct(message) old = make("quick and older", T0);
    old->archive = true;
    old->stanza_id = g_strdup("old");
    add_to(f, PEER, CHAT_CONTACT, old, T0 + 15);
    ASSERT_FOUND(f, "quick, a brown one!|quick and older|The quick brown fox",
        .words = "quick");
}

/* Words wait for the index: in any order, over an end of the program that did
 * not ask, and taken back before they are there. */
static void test_words_wait(struct fixture *f, gconstpointer data)
{
    (void)data;
    for (int i = 0; i < 3000; i++) {
        auto_struct(message) m = make("archived", T0);
        m->archive = true;
        m->stanza_id = g_strdup_printf("a%d", i);
        if (i % 100 == 0) {
            g_autofree char *body = g_strdup_printf("live %d", i);
            add_text(f, body, T0 + 100 * SECOND + i);
        }
        add_to(f, PEER, CHAT_CONTACT, m, T0 - i * SECOND);
        if (i % 500 == 499)
            g_assert_true(history_commit(f->h, NULL));
    }
    reopen(f); /* closing does not index what waits */
    g_autofree char *waiting =
        query_file(f->file, "SELECT count(*)>0 FROM waiting WHERE length(rows)>0");
    g_assert_cmpstr(waiting, ==, "1");
    auto_struct(message) gone = make("never to be found", T0);
    add_to(f, "gone@example.net", CHAT_CONTACT, gone, 0);
    history_clear(f->h, "gone@example.net");
    ASSERT_FOUND(f, "live 2900", .words = "2900");
    ASSERT_FOUND(f, "live 0", .words = "0 live");
    ASSERT_FOUND(f, "archived", .words = "archived", .n = 1);
    ASSERT_FOUND(f, "archived", .words = "archived", .n = 2,
        .until_us = T0 - 2998 * SECOND);
    ASSERT_FOUND(f, "", .words = "never");
    g_assert_true(history_commit(f->h, NULL));
    g_autofree char *done = query_file(f->file, "SELECT count(*) FROM waiting");
    g_assert_cmpstr(done, ==, "0");
}

static void test_search_hostile(struct fixture *f, gconstpointer data)
{
    static const char *const queries[] = { "\"", "\"\"\"", "a\"b", "* ^ :",
        "body:", "tags : c1", "NEAR(a b, 3)", "a AND", "OR NOT a", "{body}",
        "-a", "(", "a)", "'", "\\", "\xff\xfe", "a\x01 b", "+a", "x*",
        "\xe2\x80\xae", "%s%n" };
    g_autofree char *longer = g_strnfill(100000, 'a');
    g_autoptr(GString) many = g_string_new(NULL);

    (void)data;
    add_text(f, "NEAR OR NOT AND body tags c1 a b", T0);
    for (guint i = 0; i < G_N_ELEMENTS(queries); i++) {
        const struct history_query query = { .words = queries[i], .n = 10 };
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) hits = history_search_text(f->h, &query, &error);
        g_assert_true((hits != NULL) != (error != NULL));
    }
    /* syntax of FTS5 means nothing here */
    ASSERT_FOUND(f, "NEAR OR NOT AND body tags c1 a b",
        .words = "OR NOT and a");
    ASSERT_FOUND(f, "NEAR OR NOT AND body tags c1 a b", .words = "body:tags");
    ASSERT_FOUND(f, "", .words = "c2 OR a");
    ASSERT_FOUND(f, "", .words = longer);
    for (int i = 0; i < 10000; i++)
        g_string_append(many, "a \"b\" ");
    ASSERT_FOUND(f, "NEAR OR NOT AND body tags c1 a b", .words = many->str);
    g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
    g_assert_true(history_commit(f->h, NULL));
    g_assert_false(history_was_damaged(f->h));
}

static enum history_added archived(
    struct fixture *f, const char *body, bool out, gint64 time, const char *id)
{
    auto_struct(message) m =
        out ? make_own(body, id, time) : make(body, time);

    m->delivery = DELIVERY_NONE;
    m->archive = true;
    m->origin_id = g_strdup(out ? id : NULL);
    m->stanza_id = g_strdup(id);
    m->stanza_by = g_strdup(OWN);
    return add_to(f, PEER, CHAT_CONTACT, m, time);
}

/* The log was read before the first sign-in: each of its messages is one of
 * the archive's, once, and only in its second. */
static void test_imported_first(struct fixture *f, gconstpointer data)
{
    const gint64 s = G_USEC_PER_SEC, t = (T0 / s) * s;
    static const struct { const char *body; int second; bool out; } log[] = {
        { "good morrow", 1, false }, { "ok", 2, false }, { "ok", 2, false },
        { "ok", 2, true }, { "late", 9, false },
    };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(log); i++) {
        auto_struct(message) m = make(log[i].body, t + log[i].second * s);
        m->outgoing = log[i].out;
        if (m->outgoing) {
            g_free(m->from);
            m->from = g_strdup(OWN);
        }
        m->archive = m->delayed = true;
        m->stanza_id = g_strdup_printf("sum%u", i);
        m->stanza_by = g_strdup(HISTORY_IMPORTED);
        g_assert_cmpint(add_to(f, PEER, CHAT_CONTACT, m, m->time_us), ==,
            HISTORY_NEW);
    }
    reopen(f);
    g_assert_cmpint(archived(f, "good morrow", false, t + s + 800000, "a1"),
        ==, HISTORY_DUPLICATE);
    g_assert_cmpint(archived(f, "good morrow", false, t + s + 900000, "a2"),
        ==, HISTORY_NEW); /* said twice, and the log lacks one */
    g_assert_cmpint(archived(f, "ok", false, t + 2 * s + 100000, "a3"), ==,
        HISTORY_DUPLICATE);
    g_assert_cmpint(archived(f, "ok", false, t + 3 * s, "a4"), ==,
        HISTORY_DUPLICATE); /* the log cut its second off */
    g_assert_cmpint(archived(f, "ok", false, t + 3 * s, "a5"), ==, HISTORY_NEW);
    g_assert_cmpint(archived(f, "ok", true, t + 2 * s, "a6"), ==,
        HISTORY_DUPLICATE);
    g_assert_cmpint(
        archived(f, "late", false, t + 11 * s, "a7"), ==, HISTORY_NEW);
    g_assert_cmpint(archived(f, "good morrow", false, t + s + 800000, "a1"),
        ==, HISTORY_DUPLICATE);
    reopen(f);
    g_assert_cmpint(history_count(f->h, PEER), ==, 8);
    g_assert_cmpint(history_find(f->h, OWN, "a3"), >, 0);
    g_assert_cmpint(history_find_own(f->h, "a6"), >, 0);
}

/* ---- clearing, keeping ------------------------------------------------- */

static void test_clear(struct fixture *f, gconstpointer data)
{
    auto_struct(message) queued = make_own("still to send", "q", T0 + 5000);
    auto_struct(message) other = make("other chat", T0);
    struct chat chat = { .jid = (char *)PEER, .draft = (char *)"dra" };

    (void)data;
    for (int i = 0; i < 450; i++)
        add_text(f, "secretword of old", T0 + i);
    add(f, queued);
    add_to(f, ROOM, CHAT_ROOM, other, 0);
    history_save_chat(f->h, &chat);
    g_assert_true(history_commit(f->h, NULL));
    history_clear(f->h, PEER);
    assert_bodies(f, PEER, "still to send");
    ASSERT_FOUND(f, "", .words = "secretword");
    ASSERT_FOUND(f, "still to send", .words = "send", .chat = PEER);
    add_text(f, "new", T0 + 9000);
    assert_bodies(f, PEER, "still to send|new");
    {
        g_autoptr(GPtrArray) outbox = history_outbox(f->h);
        auto_struct(history_chat) saved = history_find_chat(f->h, PEER);
        g_autoptr(GPtrArray) chats = history_chats(f->h, false);
        g_assert_cmpuint(outbox->len, ==, 1);
        g_assert_cmpstr(saved->draft, ==, "dra");
        g_assert_cmpuint(chats->len, ==, 2);
    }
    for (int i = 0; i < 8; i++)
        g_assert_true(history_commit(f->h, NULL));
    g_assert_cmpint(history_count(f->h, NULL), ==, 3);
    assert_bodies(f, PEER, "still to send|new");
    assert_bodies(f, ROOM, "other chat");
    reopen(f);
    assert_bodies(f, PEER, "still to send|new");
    assert_sound(f->file);
    history_clear(f->h, "nobody@example.com");
    history_clear(f->h, PEER);
    history_clear(f->h, PEER);
    assert_bodies(f, PEER, "still to send");
}

/* What was cleared is gone from the file, too. */
static void test_clear_bytes(struct fixture *f, gconstpointer data)
{
    g_autofree char *bytes = NULL;
    gsize len;

    (void)data;
    for (int i = 0; i < 50; i++)
        add_text(f, "Xylophonquartett at midnight", T0 + i);
    history_clear(f->h, PEER);
    history_close(f->h);
    g_assert_true(g_file_get_contents(f->file, &bytes, &len, NULL));
    g_assert_null(g_strstr_len(bytes, (gssize)len, "Xylophon"));
    g_assert_null(memmem(bytes, len, "xylophon", 8));
    open_history(f);
}

static void test_unkept(struct fixture *f, gconstpointer data)
{
    auto_struct(message) in = make("secret", T0);
    auto_struct(message) again = make("secret", T0 + 1);
    auto_struct(message) out = make_own("reply", "o1", T0 + 2);
    auto_struct(message) back = NULL;
    g_autofree char *count = NULL;

    (void)data;
    history_set_keep(f->h, PEER, CHAT_CONTACT, KEEP_IDS);
    in->stanza_id = g_strdup("s1");
    again->stanza_id = g_strdup("s1");
    g_assert_cmpint(add(f, in), ==, HISTORY_NEW);
    g_assert_cmpint(add(f, again), ==, HISTORY_DUPLICATE);
    add(f, out);
    reopen(f);
    assert_bodies(f, PEER, "reply"); /* until the server has it */
    out->delivery = DELIVERY_SENT;
    g_assert_true(history_update(f->h, out));
    assert_bodies(f, PEER, "");
    ASSERT_FOUND(f, "", .words = "secret");
    g_assert_true(history_commit(f->h, NULL));
    count = query_file(f->file,
        "SELECT count(*) FROM message WHERE body NOT NULL OR sender NOT NULL");
    g_assert_cmpstr(count, ==, "0");
    back = history_load(f->h, in->row);
    g_assert_cmpstr(back->stanza_id, ==, "s1");
    g_assert_cmpstr(back->body, ==, NULL);
    history_set_keep(f->h, PEER, CHAT_CONTACT, KEEP_ALL);
    add_text(f, "kept", T0 + 10);
    assert_bodies(f, PEER, "kept");
    auto_struct(history_chat) chat = history_find_chat(f->h, PEER);
    g_assert_cmpint(chat->keep, ==, KEEP_ALL);
}

/* Who and when, but not what; a copy is known by its ids all the same. */
static void test_redacted(struct fixture *f, gconstpointer data)
{
    auto_struct(message) in = make("secret", T0);
    auto_struct(message) copy = make("secret", T0);
    auto_struct(message) out = make_own("reply", "o1", T0 + 2);
    g_autofree char *count = NULL;

    (void)data;
    history_set_keep(f->h, PEER, CHAT_CONTACT, KEEP_REDACTED);
    in->id = g_strdup("i1");
    in->subject = g_strdup("secret, too");
    copy->id = g_strdup("i1");
    copy->stanza_id = g_strdup("s1");
    copy->archive = true;
    add(f, in);
    add(f, out);
    reopen(f);
    g_assert_cmpint(add_to(f, PEER, CHAT_CONTACT, copy, T0), ==,
        HISTORY_DUPLICATE);
    out->delivery = DELIVERY_SENT;
    g_assert_true(history_update(f->h, out));
    g_assert_true(history_commit(f->h, NULL));
    count = query_file(f->file,
        "SELECT count(*) FROM message WHERE body NOT NULL OR subject NOT NULL");
    g_assert_cmpstr(count, ==, "0");
    ASSERT_FOUND(f, "", .words = "secret");
    g_autoptr(GPtrArray) page =
        history_page(f->h, PEER, G_MAXINT64, G_MAXINT64, true, 10);
    g_assert_cmpuint(page->len, ==, 2);
    for (guint i = 0; i < page->len; i++) {
        const struct message *m = page->pdata[i];
        g_assert_true(m->redacted);
        g_assert_cmpstr(m->body, ==, NULL);
        g_assert_cmpint(m->outgoing, ==, i == 1);
        g_assert_true(g_str_has_prefix(m->from, i ? OWN : PEER));
    }
    g_assert_cmpuint(history_count_after(f->h, PEER, 0, 10), ==, 1);
    auto_struct(history_chat) chat = history_find_chat(f->h, PEER);
    g_assert_cmpint(chat->keep, ==, KEEP_REDACTED);
}

/* ---- chats, holes, values ---------------------------------------------- */

static void test_chats(struct fixture *f, gconstpointer data)
{
    struct chat chat = { .jid = (char *)PEER,
        .draft = (char *)"half a sent",
        .unread = 3,
        .mentions = 1,
        .read_row = T0,
        .read_stanza_id = (char *)"r1" };
    struct chat room = { .jid = (char *)ROOM, .kind = CHAT_ROOM };

    (void)data;
    for (int i = 1; i < 6; i++)
        add_text(f, "x", T0 + i);
    history_save_chat(f->h, &chat);
    history_save_chat(f->h, &room);
    g_assert_true(history_commit(f->h, NULL));
    reopen(f);
    {
        g_autoptr(GPtrArray) all = history_chats(f->h, false);
        g_autoptr(GPtrArray) some = history_chats(f->h, true);
        const struct history_chat *saved = some->pdata[0];
        g_assert_cmpuint(all->len, ==, 2);
        g_assert_cmpuint(some->len, ==, 1);
        g_assert_cmpstr(saved->jid, ==, PEER);
        g_assert_cmpstr(saved->draft, ==, "half a sent");
        g_assert_cmpuint(saved->unread, ==, 3);
        g_assert_cmpuint(saved->mentions, ==, 1);
        g_assert_cmpint(saved->read_row, ==, T0);
        g_assert_cmpstr(saved->read_stanza_id, ==, "r1");
        g_assert_cmpint(saved->active_us, ==, T0 + 5);
    }
    g_assert_cmpuint(history_count_after(f->h, PEER, T0 + 2, 100), ==, 3);
    g_assert_cmpuint(history_count_after(f->h, PEER, T0 + 2, 2), ==, 2);
    history_set_read(f->h, PEER, T0 + 4, "r4");
    history_set_read(f->h, PEER, T0 + 1, "r1");
    history_save_chat(f->h, &chat);
    auto_struct(history_chat) saved = history_find_chat(f->h, PEER);
    g_assert_cmpint(saved->read_row, ==, T0 + 4);
    g_assert_cmpstr(saved->read_stanza_id, ==, "r4");
    auto_struct(history_chat) kind = history_find_chat(f->h, ROOM);
    g_assert_cmpint(kind->kind, ==, CHAT_ROOM);
    auto_struct(history_chat) none = history_find_chat(f->h, "no@one");
    g_assert_null(none);
}

static void test_holes(struct fixture *f, gconstpointer data)
{
    struct hole hole = { .archive = (char *)OWN, .after = (char *)"a" };
    g_autofree char *last = NULL;

    (void)data;
    g_assert_null(history_archive_last(f->h, OWN));
    history_set_archive_last(f->h, OWN, "x1");
    history_set_archive_last(f->h, OWN, "x2");
    history_set_archive_last(f->h, ROOM, "r");
    history_add_hole(f->h, &hole);
    hole.before = (char *)"z";
    history_add_hole(f->h, &hole);
    reopen(f);
    last = history_archive_last(f->h, OWN);
    g_assert_cmpstr(last, ==, "x2");
    g_autoptr(GPtrArray) holes = history_holes(f->h, OWN);
    g_autoptr(GPtrArray) others = history_holes(f->h, ROOM);
    g_assert_cmpuint(holes->len, ==, 2);
    g_assert_cmpuint(others->len, ==, 0);
    const struct hole *first = holes->pdata[0], *second = holes->pdata[1];
    g_assert_cmpstr(first->before, ==, NULL);
    g_assert_cmpstr(second->before, ==, "z");
    history_set_hole(f->h, first->row, "m", "m");
    history_set_hole(f->h, second->row, "k", "z");
    g_autoptr(GPtrArray) left = history_holes(f->h, OWN);
    g_assert_cmpuint(left->len, ==, 1);
    g_assert_cmpstr(((struct hole *)left->pdata[0])->after, ==, "k");
}

static void test_values(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_null(history_get_value(f->h, "sm.id"));
    history_set_value(f->h, "sm.id", "1");
    history_set_value(f->h, "sm.id", "2");
    history_set_value(f->h, "gone", "x");
    history_set_value(f->h, "gone", NULL);
    history_set_value(f->h, "never", NULL);
    reopen(f);
    g_autofree char *value = history_get_value(f->h, "sm.id");
    g_assert_cmpstr(value, ==, "2");
    g_assert_null(history_get_value(f->h, "gone"));
}

static bool stop_at_three(
    const char *chat, const struct message *message, gpointer data)
{
    GString *text = data;

    g_string_append_printf(text, "%s %s|", chat, message->body);
    return strcmp(message->body, "3") != 0;
}

static bool count_one(
    const char *chat, const struct message *message, gpointer data)
{
    (void)chat;
    (void)message;
    ++*(guint *)data;
    return true;
}

static void test_foreach(struct fixture *f, gconstpointer data)
{
    g_autoptr(GString) text = g_string_new(NULL);
    auto_struct(message) other = make("2", T0 + 2);
    guint n = 0;

    (void)data;
    add_text(f, "1", T0 + 1);
    add_to(f, ROOM, CHAT_ROOM, other, 0);
    add_text(f, "3", T0 + 3);
    for (int i = 0; i < 500; i++)
        add_text(f, "x", T0 + 10 + i);
    history_foreach(f->h, NULL, stop_at_three, text);
    g_assert_cmpstr(
        text->str, ==, PEER " 1|" ROOM " 2|" PEER " 3|");
    history_foreach(f->h, PEER, count_one, &n);
    g_assert_cmpuint(n, ==, 502);
    history_foreach(f->h, "nobody@x", count_one, &n);
    g_assert_cmpuint(n, ==, 502);
}

/* ---- the file ---------------------------------------------------------- */

static guint mode_of(const char *path)
{
    struct stat st;

    g_assert_cmpint(lstat(path, &st), ==, 0);
    return st.st_mode & 07777;
}

static void test_modes(struct fixture *f, gconstpointer data)
{
    static const char *const more[] = { "", "-wal", "-shm" };
    mode_t old = umask(0);
    g_autofree char *dir = g_path_get_dirname(f->file);

    (void)data;
    add_text(f, "x", T0);
    g_assert_true(history_commit(f->h, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
        g_autofree char *name = g_strconcat(f->file, more[i], NULL);
        g_assert_cmpuint(mode_of(name), ==, 0600);
    }
    g_assert_cmpuint(mode_of(dir), ==, 0700);
    history_close(f->h);
    g_assert_cmpint(chmod(f->file, 0644), ==, 0);
    open_history(f);
    g_assert_cmpuint(mode_of(f->file), ==, 0600);
    assert_bodies(f, PEER, "x");
    g_autofree char *version = query_file(f->file, "PRAGMA user_version");
    g_autofree char *mode = query_file(f->file, "PRAGMA journal_mode");
    g_assert_cmpstr(version, ==, "4");
    g_assert_cmpstr(mode, ==, "wal");
    umask(old);
}

static char *find_aside(struct fixture *f)
{
    g_autofree char *dir = g_path_get_dirname(f->file);
    g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(entries)))
        if (g_str_has_prefix(name, "history.db.damaged-") &&
            !g_str_has_suffix(name, "-wal") && !g_str_has_suffix(name, "-shm"))
            return g_build_filename(dir, name, NULL);
    return NULL;
}

/* H64 and F14: refused with a reason, the file untouched, nothing crashes. */
static void assert_memory_only(struct fixture *f, const char *reason)
{
    g_assert_cmpint(history_health(f->h), ==, HISTORY_MEMORY_ONLY);
    g_assert_nonnull(strstr(f->problem, reason));
    g_assert_false(history_was_damaged(f->h));
    add_text(f, "here", T0);
    g_assert_true(history_commit(f->h, NULL));
    assert_bodies(f, PEER, "here");
    ASSERT_FOUND(f, "here", .words = "here");
}

static void test_symlink(struct fixture *f, gconstpointer data)
{
    const char *suffix = data;
    g_autofree char *target = g_build_filename(f->dir, "elsewhere", NULL);
    g_autofree char *link = g_strconcat(f->file, suffix, NULL);

    history_close(f->h);
    g_remove(link);
    g_assert_true(g_file_set_contents(target, "keep me", -1, NULL));
    g_assert_cmpint(symlink(target, link), ==, 0);
    open_history(f);
    assert_memory_only(f, "is a symbolic link");
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(target, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "keep me");
}

static void test_bad_places(struct fixture *f, gconstpointer data)
{
    g_autofree char *dir = g_path_get_dirname(f->file);
    static const char *const more[] = { "", "-wal", "-shm" };

    (void)data;
    history_close(f->h);
    g_assert_cmpint(chmod(dir, 0777), ==, 0);
    open_history(f);
    assert_memory_only(f, "can be written to by others");
    history_close(f->h);
    g_assert_cmpint(chmod(dir, 0700), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
        g_autofree char *name = g_strconcat(f->file, more[i], NULL);
        g_remove(name);
    }
    g_assert_cmpint(g_mkdir(f->file, 0700), ==, 0);
    open_history(f);
    assert_memory_only(f, "is not an ordinary file");
    history_close(f->h);
    g_assert_cmpint(g_rmdir(f->file), ==, 0);
    /* a file where the folder should be: as a read-only home, also to root */
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    g_assert_true(g_file_set_contents(dir, "", -1, NULL));
    open_history(f);
    assert_memory_only(f, "not a directory");
    history_close(f->h);
    g_remove(dir);
    open_history(f);
    g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
}

static void run_sql(const char *file, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;

    g_assert_cmpint(sqlite3_open(file, &db), ==, SQLITE_OK);
    sqlite3_exec(db, sql, NULL, NULL, &why);
    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}

static void test_foreign_schema(struct fixture *f, gconstpointer data)
{
    g_autofree char *kept = NULL;

    add_text(f, "x", T0);
    history_close(f->h);
    run_sql(f->file, data);
    open_history(f);
    g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
    g_assert_true(history_was_damaged(f->h));
    g_assert_nonnull(strstr(f->problem, "damaged"));
    kept = find_aside(f);
    g_assert_nonnull(kept);
    g_assert_nonnull(strstr(f->problem, kept));
    assert_bodies(f, PEER, "");
    add_text(f, "y", T0 + 1);
    g_assert_true(history_commit(f->h, NULL));
    reopen(f);
    g_assert_false(history_was_damaged(f->h));
    assert_bodies(f, PEER, "y");
}

static void test_newer(struct fixture *f, gconstpointer data)
{
    g_autofree char *before = NULL, *after = NULL;
    gsize before_len, after_len;

    (void)data;
    history_close(f->h);
    run_sql(f->file, "CREATE TABLE better(x); PRAGMA user_version=99");
    g_assert_true(g_file_get_contents(f->file, &before, &before_len, NULL));
    open_history(f);
    assert_memory_only(f, "newer txmpp");
    history_close(f->h);
    g_assert_true(g_file_get_contents(f->file, &after, &after_len, NULL));
    g_assert_cmpmem(before, before_len, after, after_len);
    g_assert_null(find_aside(f));
    open_history(f);
}

/* F15: what is left of the file is kept; unsent texts and drafts come along
 * where they can be read. */
static void fill_some(struct fixture *f, guint n)
{
    struct chat chat = { .jid = (char *)PEER, .draft = (char *)"my draft" };
    auto_struct(message) queued = make_own("unsent", "u1", T0);

    history_save_chat(f->h, &chat);
    add(f, queued);
    history_set_sent(f->h, queued->row, 7);
    for (guint i = 0; i < n; i++) {
        g_autofree char *body = g_strdup_printf("number %u of the text", i);
        auto_struct(message) m = make(body, T0 + 10 + i);
        m->id = g_strdup_printf("id%u", i);
        m->stanza_id = g_strdup_printf("st%u", i);
        add(f, m);
    }
    g_assert_true(history_commit(f->h, NULL));
}

static void test_salvage(struct fixture *f, gconstpointer data)
{
    (void)data;
    fill_some(f, 10);
    history_close(f->h);
    g_autofree char *version = query_file(f->file, "PRAGMA user_version");
    g_assert_cmpstr(version, ==, "4");
    run_sql(f->file, "CREATE TABLE evil(x)");
    open_history(f);
    g_assert_true(history_was_damaged(f->h));
    /* a foreign schema is not read at all */
    g_autoptr(GPtrArray) none = history_outbox(f->h);
    g_assert_cmpuint(none->len, ==, 0);
}

static void test_cut_files(struct fixture *f, gconstpointer data)
{
    static const long sizes[] = { 0, 1, 15, 100, 4095, 4096, 8192, 40960 };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *kept = NULL;
        fill_some(f, 300);
        history_close(f->h);
        g_assert_cmpint(truncate(f->file, sizes[i]), ==, 0);
        open_history(f);
        g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
        g_assert_true(history_was_damaged(f->h));
        kept = find_aside(f);
        g_assert_nonnull(kept);
        {
            struct stat st;
            g_assert_cmpint(stat(kept, &st), ==, 0);
            g_assert_cmpint(st.st_size, ==, sizes[i]);
        }
        add_text(f, "after", T0 + 99);
        g_assert_true(history_commit(f->h, NULL));
        g_remove(kept);
        history_clear(f->h, PEER);
        history_close(f->h);
        assert_sound(f->file);
        g_remove(f->file);
        open_history(f);
    }
}

static void use_everything(struct fixture *f)
{
    const struct history_query query = { .words = "number text", .n = 50 };
    g_autoptr(GPtrArray) hits = history_search_text(f->h, &query, NULL);
    g_autoptr(GPtrArray) page =
        history_page(f->h, PEER, G_MAXINT64, 0, true, 400);
    g_autoptr(GPtrArray) chats = history_chats(f->h, false);
    g_autoptr(GPtrArray) outbox = history_outbox(f->h);
    guint n = 0;

    g_assert_true(hits && page && chats && outbox);
    history_foreach(f->h, NULL, count_one, &n);
    for (guint i = 0; i < 60; i++) {
        auto_struct(message) m = make("written after the damage", T0);
        m->id = g_strdup_printf("new%u", i);
        m->stanza_id = g_strdup_printf("new%u", i);
        m->received_us = T0 + 1000 * SECOND + i;
        add_to(f, i % 2 ? PEER : ROOM, CHAT_CONTACT, m, 0);
    }
}

static void test_random_pages(struct fixture *f, gconstpointer data)
{
    g_autofree char *bytes = NULL;
    gsize len;
    guint noticed = 0;

    (void)data;
    fill_some(f, 600);
    history_close(f->h);
    g_assert_true(g_file_get_contents(f->file, &bytes, &len, NULL));
    for (guint run = 0; run < 60; run++) {
        g_autofree guint8 *copy = g_memdup2(bytes, len);
        gsize page = 4096 * (gsize)g_test_rand_int_range(0, (gint)(len / 4096));
        g_autofree char *kept = NULL;
        for (gsize i = 0; i < 4096; i++)
            copy[page + i] = (guint8)g_test_rand_int();
        g_assert_true(g_file_set_contents(
            f->file, (const char *)copy, (gssize)len, NULL));
        open_history(f);
        use_everything(f);
        for (guint i = 0; i < 5 && !history_commit(f->h, NULL); i++)
            g_usleep(2000);
        g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
        use_everything(f);
        g_assert_cmpint(history_find(f->h, OWN, "new7"), !=, 0);
        if (history_was_damaged(f->h)) {
            kept = find_aside(f);
            g_assert_nonnull(kept);
            noticed++;
        }
        history_close(f->h);
        if (kept)
            g_remove(kept);
        g_remove(f->file);
    }
    /* a page of texts may be noise and yet no damage to SQLite */
    g_assert_cmpuint(noticed, >, 20);
    open_history(f);
}

static gsize page_of(struct fixture *f, const char *table)
{
    g_autofree char *sql = g_strdup_printf(
        "SELECT rootpage FROM sqlite_schema WHERE name='%s'", table);
    g_autofree char *number = query_file(f->file, sql);

    return g_ascii_strtoull(number, NULL, 10);
}

/* Not the first 40: header and schema stay, so the damage is met later, and
 * the outbox of the old file is to be read. */
static void test_damage_later(struct fixture *f, gconstpointer data)
{
    g_autofree char *bytes = NULL;
    g_autofree char *kept = NULL;
    gsize len, page;

    (void)data;
    fill_some(f, 600);
    history_close(f->h);
    page = page_of(f, "place");
    g_assert_true(g_file_get_contents(f->file, &bytes, &len, NULL));
    memset(bytes + 4096 * (page - 1), 0x55, 4096);
    g_assert_true(g_file_set_contents(f->file, bytes, (gssize)len, NULL));
    open_history(f);
    g_assert_false(history_was_damaged(f->h));
    add_text(f, "first after", T0 + 1000 * SECOND);
    for (guint i = 0; i < 5 && !history_commit(f->h, NULL); i++)
        g_usleep(2000);
    g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
    g_assert_true(history_was_damaged(f->h));
    kept = find_aside(f);
    g_assert_nonnull(kept);
    assert_bodies(f, PEER, "unsent|first after");
    g_autoptr(GPtrArray) outbox = history_outbox(f->h);
    g_assert_cmpuint(outbox->len, ==, 1);
    g_assert_true(((struct history_out *)outbox->pdata[0])->sent);
    auto_struct(history_chat) chat = history_find_chat(f->h, PEER);
    g_assert_cmpstr(chat->draft, ==, "my draft");
}

/* Only the index is damaged: another one is made, and nothing else is lost. */
static void test_damaged_index(struct fixture *f, gconstpointer data)
{
    const char *table = data;
    g_autofree char *bytes = NULL, *kept = NULL, *left = NULL;
    gsize len, page;

    fill_some(f, 2500);
    ASSERT_FOUND(f, "number 7 of the text", .words = "7 number");
    history_close(f->h);
    page = page_of(f, table);
    g_assert_true(g_file_get_contents(f->file, &bytes, &len, NULL));
    memset(bytes + 4096 * (page - 1), 0x55, 4096);
    g_assert_true(g_file_set_contents(f->file, bytes, (gssize)len, NULL));
    open_history(f);
    for (guint i = 0; i < 2100; i++)
        add_text(f, "after the damage", T0 + 1000 * SECOND + i);
    {
        g_autofree char *ignored = found(f, (struct history_query){
            .words = "number" });
        (void)ignored;
    }
    for (guint i = 0; i < 5 && !history_commit(f->h, NULL); i++)
        g_usleep(2000);
    while (history_is_untidy(f->h))
        history_tidy(f->h);
    g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
    g_assert_false(history_was_damaged(f->h));
    kept = find_aside(f);
    g_assert_null(kept);
    ASSERT_FOUND(f, "number 7 of the text", .words = "7 number");
    ASSERT_FOUND(f, "number 2499 of the text", .words = "2499");
    ASSERT_FOUND(f, "unsent", .words = "unsent");
    ASSERT_FOUND(f, "after the damage", .words = "after damage", .n = 1);
    g_assert_cmpint(history_count(f->h, PEER), ==, 2500 + 1 + 2100);
    history_clear(f->h, PEER);
    reopen(f);
    while (history_is_untidy(f->h))
        history_tidy(f->h);
    ASSERT_FOUND(f, "", .words = "number");
    ASSERT_FOUND(f, "unsent", .words = "unsent");
    g_assert_false(history_was_damaged(f->h));
    history_close(f->h);
    left = query_file(f->file,
        "SELECT count(*) FROM value WHERE key='history.reindex'");
    g_assert_cmpstr(left, ==, "0");
    run_sql(f->file, "INSERT INTO words(words) VALUES('integrity-check')");
    open_history(f);
}

/* ---- failing disks ----------------------------------------------------- */

static void turn(struct fixture *f, guint first, guint n)
{
    for (guint i = first; i < first + n; i++) {
        g_autofree char *value = g_strdup_printf("%u", i);
        g_autofree char *body = g_strdup_printf("body %u", i);
        auto_struct(message) m = make(body, T0 + i);
        m->id = g_strdup_printf("id%u", i);
        m->stanza_id = g_strdup_printf("st%u", i);
        g_assert_cmpint(
            add_to(f, i % 3 ? PEER : ROOM, CHAT_CONTACT, m, 0), ==,
            HISTORY_NEW);
        history_set_value(f->h, "h", value);
    }
}

static void assert_turns_known(struct fixture *f, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("st%u", i);
        g_assert_cmpint(history_find(f->h, OWN, id), ==, T0 + i);
    }
}

static void assert_turns(struct fixture *f, guint n)
{
    assert_turns_known(f, n);
    g_assert_cmpint(history_count(f->h, NULL), ==, n);
}

static bool commit_at_last(struct fixture *f)
{
    for (guint i = 0; i < 200; i++) {
        if (history_commit(f->h, NULL))
            return true;
        g_usleep(1000);
    }
    return false;
}

/* F13: each write in turn fails, once or from then on. */
static void test_nth_write(struct fixture *f, gconstpointer data)
{
    int code = GPOINTER_TO_INT(data);
    guint done = 0;
    bool failed = true;

    for (guint n = 1; failed && n < 400; n++)
        for (guint once = 0; once < 2; once++) {
            g_autoptr(GError) error = NULL;
            bool saved;
            vfs_fail(n, code, once);
            turn(f, done, 7);
            done += 7;
            saved = history_commit(f->h, &error);
            failed = vfs_failed();
            g_assert_true(saved == (error == NULL));
            if (!saved) {
                auto_struct(message) again = make("body", T0);
                g_assert_cmpint(
                    history_health(f->h), ==, HISTORY_FAILING);
                g_assert_nonnull(strstr(error->message, "cannot be written"));
                /* known although it is not on disk */
                again->stanza_id = g_strdup_printf("st%u", done - 1);
                g_assert_cmpint(add_to(f, (done - 1) % 3 ? PEER : ROOM,
                                    CHAT_CONTACT, again, 0),
                    ==, HISTORY_DUPLICATE);
                g_assert_cmpint(again->row, ==, T0 + done - 1);
                turn(f, done, 2); /* goes on meanwhile */
                done += 2;
                if (!once)
                    g_assert_false(history_commit(f->h, NULL));
            }
            vfs_fail(0, 0, false);
            g_assert_true(commit_at_last(f));
            g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
            assert_turns(f, done);
        }
    g_assert_false(history_was_damaged(f->h));
    reopen(f);
    assert_turns(f, done);
    g_autofree char *value = history_get_value(f->h, "h");
    g_assert_cmpint(g_ascii_strtoll(value, NULL, 10), ==, done - 1);
    assert_sound(f->file);
}

/* While the disk refuses: everything of ours keeps working, in memory. */
static void test_queueing(struct fixture *f, gconstpointer data)
{
    struct chat chat = { .jid = (char *)PEER, .draft = (char *)"d" };

    (void)data;
    turn(f, 0, 3);
    g_assert_true(history_commit(f->h, NULL));
    vfs_fail(1, SQLITE_FULL, false);
    turn(f, 3, 3);
    g_assert_false(history_commit(f->h, NULL));
    auto_struct(message) own = make_own("mine", "own1", T0 + 50);
    g_assert_cmpint(add(f, own), ==, HISTORY_NEW);
    auto_struct(message) twice = make_own("mine", "own1", T0 + 51);
    twice->carbon = true;
    g_assert_cmpint(add(f, twice), ==, HISTORY_DUPLICATE);
    g_assert_cmpint(history_find_own(f->h, "own1"), ==, own->row);
    history_set_sent(f->h, own->row, 9);
    own->delivery = DELIVERY_DELIVERED;
    g_assert_true(history_update(f->h, own));
    auto_struct(message) unknown = make("x", T0);
    unknown->row = 12345;
    g_assert_false(history_update(f->h, unknown));
    for (int i = 0; i < 5; i++) { /* one second, five places */
        auto_struct(message) m = make("archived", T0);
        m->archive = true;
        m->stanza_id = g_strdup_printf("arch%d", i);
        g_assert_cmpint(
            add_to(f, PEER, CHAT_CONTACT, m, T0), ==, HISTORY_NEW);
    }
    history_save_chat(f->h, &chat);
    vfs_fail(0, 0, false);
    g_assert_true(commit_at_last(f));
    reopen(f);
    g_assert_cmpint(history_count(f->h, NULL), ==, 12);
    auto_struct(message) back = history_load(f->h, own->row);
    g_assert_cmpint(back->delivery, ==, DELIVERY_DELIVERED);
    auto_struct(history_chat) saved = history_find_chat(f->h, PEER);
    g_assert_cmpstr(saved->draft, ==, "d");
    assert_sound(f->file);
}

/* A file that cannot even be begun. */
static void test_full_from_the_start(struct fixture *f, gconstpointer data)
{
    static const char *const more[] = { "", "-wal", "-shm", "-journal" };

    (void)data;
    history_close(f->h);
    for (guint n = 1; n < 40; n++) {
        for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
            g_autofree char *name = g_strconcat(f->file, more[i], NULL);
            g_remove(name);
        }
        vfs_fail(n, SQLITE_FULL, false);
        open_history(f);
        vfs_fail(0, 0, false);
        if (history_health(f->h) == HISTORY_MEMORY_ONLY) {
            g_assert_nonnull(f->problem);
            add_text(f, "x", T0);
            g_assert_true(history_commit(f->h, NULL));
        }
        history_close(f->h);
    }
    open_history(f);
    g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
}

/* After a power cut: a file that was never synced is known by that. */
static void boot_anew(struct fixture *f)
{
    g_autofree char *mark = g_strconcat(f->file, ".new", NULL);

    if (g_file_test(mark, G_FILE_TEST_EXISTS))
        g_assert_true(g_file_set_contents(mark, "another", -1, NULL));
}

struct report {
    guint n;
    bool frozen; /* before it came */
    char *error;
};

static void on_report(const GError *error, gpointer data)
{
    struct report *report = data;

    report->n++;
    report->frozen = vfs_frozen();
    g_free(report->error);
    report->error = error ? g_strdup(error->message) : NULL;
}

/* Writes the turn, and, when the disk takes its time, goes on to the next;
 * what is said to be on disk is counted. */
static guint write_turns(struct fixture *f, struct report *report, guint *done)
{
    guint n = (guint)g_test_rand_int_range(1, 40), before = report->n, at;
    enum history_written written;

    turn(f, *done, n);
    at = *done += n;
    written = history_write(f->h, NULL);
    if (written == HISTORY_UNDER_WAY) {
        turn(f, *done, n);
        *done += n;
        g_assert_cmpint(
            history_write(f->h, NULL), ==, HISTORY_UNDER_WAY);
        while (report->n == before)
            g_main_context_iteration(NULL, TRUE);
        return report->error || report->frozen ? 0 : at;
    }
    return written == HISTORY_ON_DISK && !vfs_frozen() ? at : 0;
}

/* F13: the disk refuses to sync, in its thread, and takes for written what it
 * could not write. Then the power goes. */
static void test_failed_sync(struct fixture *f, gconstpointer data)
{
    struct report report = { 0 };
    guint done = 0;

    (void)data;
    history_tell_on_disk(f->h, on_report, &report);
    vfs_watch_power(true);
    turn(f, done, 5);
    done += 5;
    g_assert_true(history_commit(f->h, NULL));
    for (guint i = 0; i < 3; i++) {
        guint n = report.n;
        turn(f, done, 7);
        done += 7;
        vfs_fail_sync(SQLITE_IOERR_FSYNC);
        g_assert_cmpint(history_write(f->h, NULL), ==, HISTORY_UNDER_WAY);
        turn(f, done, 3); /* goes on meanwhile */
        done += 3;
        while (report.n == n)
            g_main_context_iteration(NULL, TRUE);
        g_assert_nonnull(strstr(report.error, "cannot be written"));
        g_assert_cmpint(history_health(f->h), ==, HISTORY_FAILING);
        g_assert_cmpint(
            history_write(f->h, NULL), ==, HISTORY_NOT_WRITTEN);
        vfs_fail_sync(0);
        assert_turns_known(f, done);
        if (i % 2) {
            g_assert_true(commit_at_last(f));
        } else {
            enum history_written written;
            while ((written = history_write(f->h, NULL)) ==
                HISTORY_NOT_WRITTEN)
                g_usleep(1000);
            g_assert_cmpint(written, ==, HISTORY_UNDER_WAY);
            while (report.n == n + 1)
                g_main_context_iteration(NULL, TRUE);
            g_assert_null(report.error);
        }
        g_assert_cmpint(history_health(f->h), ==, HISTORY_SOUND);
    }
    vfs_freeze();
    history_close(f->h);
    vfs_power_cut(false);
    vfs_watch_power(false);
    boot_anew(f);
    open_history(f);
    g_assert_false(history_was_damaged(f->h));
    assert_turns(f, done);
    assert_sound(f->file);
    g_free(report.error);
}

/* F12: the power goes at any write; what was committed is there. */
static void test_power_cut(struct fixture *f, gconstpointer data)
{
    bool torn = GPOINTER_TO_INT(data) & 1;
    bool in_thread = GPOINTER_TO_INT(data) & 2;

    history_close(f->h);
    for (guint run = 0; run < 100; run++) {
        guint done = 0, saved = 0;
        struct report report = { 0 };
        static const char *const more[] = { "", "-wal", "-shm", ".new" };
        for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
            g_autofree char *name = g_strconcat(f->file, more[i], NULL);
            g_remove(name);
        }
        vfs_watch_power(true);
        open_history(f);
        vfs_freeze_at((guint)g_test_rand_int_range(1, run % 2 ? 1500 : 150));
        if (in_thread)
            history_tell_on_disk(f->h, on_report, &report);
        for (guint i = 0; i < 100 && in_thread && !vfs_frozen(); i++)
            saved = MAX(saved, write_turns(f, &report, &done));
        for (guint i = 0; i < 100 && !vfs_frozen(); i++) {
            guint n = (guint)g_test_rand_int_range(1, 40);
            turn(f, done, n);
            done += n;
            g_assert_true(history_commit(f->h, NULL) || vfs_frozen());
            if (!vfs_frozen())
                saved = done;
        }
        vfs_freeze();
        history_close(f->h);
        vfs_power_cut(torn);
        vfs_watch_power(false);
        boot_anew(f);
        open_history(f);
        g_assert_cmpstr(f->problem, ==, NULL);
        for (guint i = 0; i < saved; i++) {
            g_autofree char *id = g_strdup_printf("st%u", i);
            g_assert_cmpint(history_find(f->h, OWN, id), ==, T0 + i);
        }
        g_autofree char *value = history_get_value(f->h, "h");
        g_assert_cmpint(value ? g_ascii_strtoll(value, NULL, 10) + 1 : 0, ==,
            history_count(f->h, NULL));
        if (value) {
            g_autofree char *last = g_strdup_printf("body %s", value);
            ASSERT_FOUND(f, last, .words = last);
        }
        history_close(f->h);
        assert_sound(f->file);
    }
    open_history(f);
}

/* F11: kill -9 at a random moment; what the child said was saved is there. */
static void test_kill(struct fixture *f, gconstpointer data)
{
    guint total = 0;

    (void)data;
    history_close(f->h);
    for (guint run = 0; run < 20; run++) {
        int pipes[2], status;
        pid_t child;
        guint32 saved = total;
        g_assert_cmpint(pipe(pipes), ==, 0);
        child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            guint32 done = total;
            close(pipes[0]);
            open_history(f);
            for (;;) {
                turn(f, done, 5);
                done += 5;
                if (!history_commit(f->h, NULL) ||
                    write(pipes[1], &done, sizeof done) != sizeof done)
                    _exit(1);
            }
        }
        close(pipes[1]);
        for (gint n = g_test_rand_int_range(1, 60); n; n--)
            if (read(pipes[0], &saved, sizeof saved) != sizeof saved)
                break;
        kill(child, SIGKILL);
        while (read(pipes[0], &saved, sizeof saved) == sizeof saved)
            ;
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(WIFSIGNALED(status));
        close(pipes[0]);
        open_history(f);
        g_assert_cmpstr(f->problem, ==, NULL);
        total = (guint)history_count(f->h, NULL);
        g_assert_cmpuint(total, >=, saved);
        assert_turns(f, total);
        if (total) {
            g_autofree char *last = g_strdup_printf("body %u", total - 1);
            ASSERT_FOUND(f, last, .words = last);
        }
        history_close(f->h);
        assert_sound(f->file);
    }
    open_history(f);
}

/* F35: every allocation of SQLite fails once. */
static sqlite3_mem_methods real_memory;
static guint allocations, fail_at;

static void *failing_malloc(int n)
{
    return ++allocations == fail_at ? NULL : real_memory.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
    return ++allocations == fail_at ? NULL : real_memory.xRealloc(p, n);
}

static void test_no_memory(struct fixture *f, gconstpointer data)
{
    guint done = 0, step = 1;
    bool failed = true;

    (void)data;
    for (guint n = 1; failed; n += step) {
        const struct history_query query = { .words = "body", .n = 10 };
        allocations = 0;
        fail_at = n;
        turn(f, done, 3);
        done += 3;
        (void)history_commit(f->h, NULL);
        g_autoptr(GPtrArray) hits = history_search_text(f->h, &query, NULL);
        g_autoptr(GPtrArray) page =
            history_page(f->h, PEER, G_MAXINT64, 0, true, 10);
        g_assert_true(hits && page);
        failed = allocations >= fail_at;
        fail_at = 0;
        g_assert_true(commit_at_last(f));
        g_assert_false(history_was_damaged(f->h));
        if (n > 200)
            step = 7;
    }
    assert_turns(f, done);
    for (guint n = 1; n < 400; n += 3) {
        history_close(f->h);
        allocations = 0;
        fail_at = n;
        open_history(f);
        fail_at = 0;
        g_assert_false(history_was_damaged(f->h));
    }
    reopen(f);
    assert_turns(f, done);
    assert_sound(f->file);
}

/* ---- files of earlier versions ----------------------------------------- */

/* One of everything. "test_history --fixture FILE" writes it as the version of
 * today: a new version commits it as history-VERSION.db, and never changes an
 * old one. */
static void fill_fixture(struct fixture *f)
{
    struct chat chat = { .jid = (char *)PEER,
        .draft = (char *)"half a sent",
        .unread = 2,
        .mentions = 1,
        .read_row = T0 + 3,
        .read_stanza_id = (char *)"st2" };
    struct hole hole = { .archive = (char *)OWN,
        .after = (char *)"a",
        .before = (char *)"z" };
    auto_struct(message) queued = make_own("not sent yet", "own1", T0 + 100);
    auto_struct(message) han = make("今天天气很好", T0 + 50);

    for (guint i = 0; i < 40; i++) {
        g_autofree char *body = g_strdup_printf("number %u of the text", i);
        auto_struct(message) m = make(body, T0 + 10 * i);
        auto_struct(message) gone = make(body, T0 + 10 * i + 5);
        m->id = g_strdup_printf("id%u", i);
        m->stanza_id = g_strdup_printf("st%u", i);
        add_to(f, i % 4 ? PEER : ROOM, i % 4 ? CHAT_CONTACT : CHAT_ROOM, m, 0);
        add_to(f, "gone@example.net", CHAT_CONTACT, gone, 0);
    }
    add(f, han);
    add(f, queued);
    history_set_sent(f->h, queued->row, 7);
    history_save_chat(f->h, &chat);
    history_set_keep(f->h, "nurse@example.com", CHAT_CONTACT, KEEP_IDS);
    history_set_archive_last(f->h, OWN, "last");
    history_add_hole(f->h, &hole);
    history_set_value(f->h, "sm.id", "abc");
    history_clear(f->h, "gone@example.net");
    g_assert_true(history_commit(f->h, NULL));
}

static void assert_fixture(struct fixture *f)
{
    g_assert_cmpstr(f->problem, ==, NULL);
    g_assert_false(history_was_damaged(f->h));
    g_assert_cmpint(history_count(f->h, ROOM), ==, 10);
    g_assert_cmpint(history_count(f->h, PEER), ==, 32);
    g_assert_cmpint(history_find(f->h, OWN, "st3"), ==, T0 + 30);
    ASSERT_FOUND(f, "number 39 of the text", .words = "39 number");
    ASSERT_FOUND(f, "number 8 of the text", .words = "8", .chat = ROOM);
    ASSERT_FOUND(f, "今天天气很好", .words = "天气");
    ASSERT_FOUND(f, "not sent yet", .words = "sent", .from = OWN);
    ASSERT_FOUND(f, "", .words = "of", .chat = "gone@example.net");
    auto_struct(history_chat) chat = history_find_chat(f->h, PEER);
    g_assert_cmpstr(chat->draft, ==, "half a sent");
    g_assert_cmpuint(chat->unread, ==, 2);
    g_assert_cmpint(chat->read_row, ==, T0 + 3);
    auto_struct(history_chat) unkept =
        history_find_chat(f->h, "nurse@example.com");
    g_assert_cmpint(unkept->keep, ==, KEEP_IDS);
    g_autoptr(GPtrArray) outbox = history_outbox(f->h);
    g_assert_cmpuint(outbox->len, ==, 1);
    g_assert_true(((struct history_out *)outbox->pdata[0])->sent);
    g_assert_cmpuint(
        ((struct history_out *)outbox->pdata[0])->sm_seq, ==, 7);
    g_autofree char *last = history_archive_last(f->h, OWN);
    g_autofree char *value = history_get_value(f->h, "sm.id");
    g_autoptr(GPtrArray) holes = history_holes(f->h, OWN);
    g_assert_cmpstr(last, ==, "last");
    g_assert_cmpstr(value, ==, "abc");
    g_assert_cmpuint(holes->len, ==, 1);
}

static char *fixture_file(guint version)
{
    g_autofree char *name = g_strdup_printf("history-%u.db", version);

    return g_test_build_filename(G_TEST_DIST, "tests", "unit", name, NULL);
}

/* Each version up to today's: read, written to, cleared, sound. */
static void test_versions(struct fixture *f, gconstpointer data)
{
    g_autofree char *now = query_file(f->file, "PRAGMA user_version");
    guint versions = (guint)g_ascii_strtoull(now, NULL, 10);

    (void)data;
    history_close(f->h);
    for (guint version = 1; version <= versions; version++) {
        g_autofree char *from = fixture_file(version);
        g_autofree char *bytes = NULL, *after = NULL;
        gsize len;
        g_assert_true(g_file_get_contents(from, &bytes, &len, NULL));
        g_assert_true(g_file_set_contents(f->file, bytes, (gssize)len, NULL));
        open_history(f);
        assert_fixture(f);
        add_text(f, "brought up", T0 + SECOND);
        ASSERT_FOUND(f, "brought up", .words = "brought");
        history_close(f->h);
        after = query_file(f->file, "PRAGMA user_version");
        g_assert_cmpstr(after, ==, now);
        assert_sound(f->file);
        open_history(f);
        g_assert_cmpint(history_count(f->h, PEER), ==, 33);
        while (history_is_untidy(f->h))
            history_tidy(f->h);
        g_autofree char *old = query_file(f->file,
            "SELECT count(*) FROM sqlite_schema WHERE name='message_chat'");
        g_assert_cmpstr(old, ==, "0");
        assert_sound(f->file);
        g_assert_cmpint(history_count(f->h, PEER), ==, 33);
        history_clear(f->h, PEER);
        ASSERT_FOUND(f, "not sent yet", .words = "sent");
        ASSERT_FOUND(f, "", .words = "brought");
        history_close(f->h);
        assert_sound(f->file);
    }
    open_history(f);
}

static int write_fixture(const char *target)
{
    struct fixture f = { .h = NULL };
    g_autofree char *bytes = NULL;
    gsize len;
    bool done;

    set_up(&f, NULL);
    fill_fixture(&f);
    history_close(f.h);
    f.h = NULL;
    done = g_file_get_contents(f.file, &bytes, &len, NULL) &&
        g_file_set_contents(target, bytes, (gssize)len, NULL);
    tear_down(&f, NULL);
    return !done;
}

/* ---- db.c alone -------------------------------------------------------- */

static const char *const create_one[] = { "CREATE TABLE a(x)", NULL };
static const char *const create_two[] = { "CREATE TABLE a(x)",
    "CREATE TABLE b(y)", NULL };
static const char *const upgrades[] = { NULL, "CREATE TABLE b(y)", NULL };
static const char *const bad_upgrades[] = { NULL,
    "CREATE TABLE b(y); nonsense", NULL };

static void test_upgrade(void)
{
    static const struct db_schema one = { .version = 1, .create = create_one };
    static const struct db_schema two = { .version = 2,
        .create = create_two,
        .upgrade = upgrades };
    static const struct db_schema bad = { .version = 2,
        .create = create_two,
        .upgrade = bad_upgrades };
    g_autofree char *dir = g_build_filename(root, "upgrade", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) why = NULL;
    struct db *db = db_open(dir, "x.db", &one, NULL, 0, &error);

    g_assert_no_error(error);
    g_assert_cmpint(db_exec(db, "INSERT INTO a VALUES(5)"), ==, SQLITE_OK);
    db_close(db);
    db = db_open(dir, "x.db", &bad, NULL, 0, &why);
    g_assert_null(db);
    g_assert_nonnull(why);
    db = db_open(dir, "x.db", &two, NULL, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpint(db_exec(db, "INSERT INTO b SELECT x FROM a"), ==,
        SQLITE_OK);
    g_assert_cmpint(sqlite3_changes(db_handle(db)), ==, 1);
    db_close(db);
    db = db_open(dir, "x.db", &one, NULL, 0, &error);
    g_assert_null(db);
    g_assert_error(error, DB_ERROR, DB_ERROR_NEWER);
    tree_remove(dir);
}

int main(int argc, char **argv)
{
    sqlite3_mem_methods memory;
    int result;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    memory = real_memory;
    memory.xMalloc = failing_malloc;
    memory.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    g_test_init(&argc, &argv, NULL);
    vfs_install();
    root = g_dir_make_tmp("test-history-XXXXXX", NULL);
    if (argc == 3 && strcmp(argv[1], "--fixture") == 0) {
        result = write_fixture(argv[2]);
        tree_remove(root);
        g_free(root);
        return result;
    }
#define TEST(path, data, fn) \
    g_test_add("/history/" path, struct fixture, data, set_up, fn, tear_down)
    TEST("round-trip", NULL, test_round_trip);
    TEST("addresses", NULL, test_addresses);
    TEST("pages", NULL, test_pages);
    TEST("places", NULL, test_places);
    TEST("F17-clock", NULL, test_clock);
    TEST("archive-between", NULL, test_archive_between);
    TEST("archive-same-second", NULL, test_archive_same_second);
    TEST("F27-orders/all-ids", GUINT_TO_POINTER(0x1f), test_all_orders);
    TEST("F27-orders/archive-id", GUINT_TO_POINTER(0x08 | 1u << LIVE | 1u << REPLAY),
        test_all_orders);
    TEST("F27-orders/live-without", GUINT_TO_POINTER(0x1f & ~(1u << LIVE)),
        test_all_orders);
    TEST("F27-orders/copies-without", GUINT_TO_POINTER(0x19),
        test_all_orders);
    TEST("completed", NULL, test_completed);
    TEST("F28-repeats", NULL, test_repeats);
    TEST("H34-H35-ids", NULL, test_stanza_ids);
    TEST("find-id", NULL, test_find_id);
    TEST("own", NULL, test_own);
    TEST("H59-literal", NULL, test_literal);
    g_test_add_func("/history/H64-names", test_no_folder);
    TEST("F09-F10-outbox", NULL, test_outbox);
    TEST("search", NULL, test_search);
    TEST("words-wait", NULL, test_words_wait);
    TEST("H59-search", NULL, test_search_hostile);
    TEST("clear", NULL, test_clear);
    TEST("clear-bytes", NULL, test_clear_bytes);
    TEST("imported-first", NULL, test_imported_first);
    TEST("unkept", NULL, test_unkept);
    TEST("redacted", NULL, test_redacted);
    TEST("chats", NULL, test_chats);
    TEST("holes", NULL, test_holes);
    TEST("values", NULL, test_values);
    TEST("foreach", NULL, test_foreach);
    TEST("H62-modes", NULL, test_modes);
    TEST("H64-symlink", "", test_symlink);
    TEST("H64-symlink-wal", "-wal", test_symlink);
    TEST("H64-F14-places", NULL, test_bad_places);
    TEST("H64-trigger",
        "CREATE TRIGGER t AFTER INSERT ON message BEGIN DELETE FROM chat; END",
        test_foreign_schema);
    TEST("H64-view",
        "DROP TABLE value; CREATE VIEW value AS SELECT 'a' AS key,1 AS value",
        test_foreign_schema);
    TEST("H64-table", "CREATE TABLE more(x)", test_foreign_schema);
    TEST("H64-column", "ALTER TABLE chat ADD COLUMN x", test_foreign_schema);
    TEST("H64-lacking", "DROP INDEX message_twin", test_foreign_schema);
    TEST("H64-version", "PRAGMA user_version=0", test_foreign_schema);
    TEST("H64-negative", "PRAGMA user_version=-5", test_foreign_schema);
    TEST("F15-newer", NULL, test_newer);
    TEST("F15-foreign-unread", NULL, test_salvage);
    TEST("F15-cut", NULL, test_cut_files);
    TEST("F15-pages", NULL, test_random_pages);
    TEST("F15-later", NULL, test_damage_later);
    TEST("F15-index/data", "words_data", test_damaged_index);
    TEST("F15-index/idx", "words_idx", test_damaged_index);
    TEST("F15-index/config", "words_config", test_damaged_index);
    TEST("F13-ENOSPC", GINT_TO_POINTER(SQLITE_FULL), test_nth_write);
    TEST("F13-EIO", GINT_TO_POINTER(SQLITE_IOERR_WRITE), test_nth_write);
    TEST("F13-meanwhile", NULL, test_queueing);
    TEST("F14-full", NULL, test_full_from_the_start);
    TEST("F12-power", GINT_TO_POINTER(false), test_power_cut);
    TEST("F12-torn", GINT_TO_POINTER(1), test_power_cut);
    TEST("F12-power-thread", GINT_TO_POINTER(2), test_power_cut);
    TEST("F12-torn-thread", GINT_TO_POINTER(3), test_power_cut);
    TEST("F13-sync", NULL, test_failed_sync);
    TEST("F11-kill", NULL, test_kill);
    TEST("F35-memory", NULL, test_no_memory);
    TEST("versions", NULL, test_versions);
    g_test_add_func("/db/upgrade", test_upgrade);
    result = g_test_run();
    tree_remove(root);
    g_free(root);
    return result;
}
