/*
 * Keeping the store without gaps. mam->last is the archive's id up to which
 * nothing is missing: a catch-up moves it on page by page, in the transaction
 * that has the page's messages, so a cut costs one page. Live messages move it
 * on only after the catch-up, and never past one of ours that the server has
 * not confirmed: whether the archive has that is asked from there. What cannot be had is remembered as a hole (ids
 * on both sides, an open end where there is none) and asked for again later.
 */
#include <string.h>
#include "base/intl.h"
#include "base/stamp.h"
#include "model/jid.h"
#include "store/history.h"
#include "xep/xep.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0297_forward.h"
#include "xep/xep0313_mam.h"
#include "xep/xep0490_displayed.h"
#include "xmpp/feature.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"
#include "xmpp/rfc6120_session.h"

#define PAGE_FIRST 50 /* soon something to see, then less asking */
#define PAGE_MAX 250
#define PAGE_BACK 100
#define LOOK_BACK 20 /* messages, for one whose archive id is known */
#define PAGES_MAX 4000 /* of one run: a million messages */
#define SAVE_S 20
#define BEGUN "archive.begun" /* when it was empty, XEP-0082 */
#define PLACE "archive.place" /* the last place before that id */
#define FROM "archive.from" /* place from which on all is here; 0: all is */
#define FILL_MS 150 /* between background pages */
#define TELL_US (G_USEC_PER_SEC / 4)
#define OVERLAP_US (60 * G_USEC_PER_SEC) /* clocks differ */

struct mam_waiting {
    mam_settled_fn fn;
    gpointer data;
};

struct mam_fetch {
    mam_done_fn fn;
    gpointer data;
    gint64 reach; /* when it was asked for */
};

static void catch_up(struct account *account, guint max);
static void newest(struct account *account);
static void fill_later(struct account *account);
static void set_place(struct account *account, const char *key, gint64 place);

/* ---- the id up to which nothing is missing ----------------------------- */

static void save(struct account *account)
{
    struct mam *mam = mam_of(account);
    g_clear_handle_id(&mam->save_timer, g_source_remove);
    if (!mam->unsaved || !account->history)
        return;
    mam->unsaved = false;
    history_set_archive_last(account->history, account->jid, mam->last);
    set_place(account, PLACE, mam->floor);
    session_store_changed(account);
}

static gboolean on_save(gpointer data)
{
    struct account *account = data;
    mam_of(account)->save_timer = 0;
    save(account);
    return G_SOURCE_REMOVE;
}

/* place: of all up to it the last; its own may be none, or earlier. */
static void set_last(struct account *account, const char *id, gint64 place)
{
    struct mam *mam = mam_of(account);
    mam->floor = MAX(mam->floor, place);
    g_free(mam->last);
    mam->last = g_strdup(id);
    mam->unsaved = true;
}

/* A live message, and all before it is here: it is the last one. Written now
 * and then; what came since is then asked for twice, not lost. */
static void on_event(const struct event *event, gpointer data)
{
    struct account *account = data;
    struct mam *mam;
    const struct message *m;
    if (event->type != EVENT_MESSAGE || event->account != account)
        return;
    m = event->message.message;
    mam = mam_of(account);
    if (m->archive || !m->stanza_id || !mam->whole || !account->caught_up ||
        g_strcmp0(m->stanza_by, account->jid) != 0 ||
        outbox_unsent(account) > 0)
        return;
    set_last(account, m->stanza_id, m->row);
    if (!mam->save_timer)
        mam->save_timer = g_timeout_add_seconds(SAVE_S, on_save, account);
}

/* ---- telling ----------------------------------------------------------- */

static void tell(struct account *account, gint64 reached_us, bool done)
{
    struct mam *mam = mam_of(account);
    gint64 now = g_get_monotonic_time();
    if (!done && now - mam->told_us < TELL_US)
        return;
    account_emit(account,
        (struct event){ .type = EVENT_ARCHIVE,
            .archive = { mam->fetched, reached_us, done, mam->told } });
    mam->told_us = now;
    mam->told = !done;
}

static void forget_seen(struct mam *mam)
{
    for (guint i = 0; i < MAM_SEEN; i++)
        g_clear_pointer(&mam->seen[i], g_free);
    mam->seen_at = 0;
}

static void settle(struct account *account, bool whole)
{
    struct mam *mam = mam_of(account);
    struct session *session = session_ref(account);
    g_autoptr(GArray) waiting = mam->waiting;
    mam->waiting = g_array_new(FALSE, FALSE, sizeof(struct mam_waiting));
    bool proving = mam->proving;
    mam->running = mam->proving = false;
    mam->whole = whole;
    forget_seen(mam);
    save(account);
    account->caught_up = true;
    for (guint i = 0; i < waiting->len && account->session; i++) {
        struct mam_waiting *w = &g_array_index(waiting, struct mam_waiting, i);
        if (w->fn)
            w->fn(account, whole, w->data);
    }
    if (account->session && proving)
        outbox_settle(account, whole && mam->supported);
    if (account->session)
        tell(account, 0, true);
    if (account->session && mam->supported)
        fill_later(account);
    session_unref(session);
}

void mam_when_settled(struct account *account, mam_settled_fn fn, gpointer data)
{
    struct mam *mam = mam_of(account);
    struct mam_waiting waiting = { fn, data };
    if (account->caught_up && !mam->running)
        fn(account, mam->whole && mam->supported, data);
    else
        g_array_append_val(mam->waiting, waiting);
}

static void missing(struct account *account, const char *sentence)
{
    observers_notice(account->observers, account,
        "Some old messages may be missing: %s", sentence);
}

/* ---- how far back ------------------------------------------------------ */

static char *top_key(const char *jid)
{
    return g_strconcat("archive.top.", jid, NULL);
}

static gint64 get_place(
    const struct account *account, const char *key, gint64 fallback)
{
    g_autofree char *text = history_get_value(account->history, key);
    return text ? g_ascii_strtoll(text, NULL, 10) : fallback;
}

static void set_place(struct account *account, const char *key, gint64 place)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, place);
    history_set_value(account->history, key, text);
    session_store_changed(account);
}

gint64 mam_reach(const struct chat *chat)
{
    const struct account *account = chat->account;
    g_autofree char *key = top_key(chat->jid);
    if (!account->history || chat->kind == CHAT_ROOM)
        return 0;
    return get_place(account, key, get_place(account, FROM, G_MAXINT64));
}

void mam_close(struct account *account, const char *jid)
{
    g_autofree char *key = top_key(jid);
    if (account->history)
        set_place(account, key, 0);
}

/* ---- progress ---------------------------------------------------------- */

/* The same page again, a round of pages, or too many (F26). */
static bool is_loop(struct mam *mam, const struct mam_page *page)
{
    if (mam->seen_at >= PAGES_MAX || g_strcmp0(page->last, page->after) == 0)
        return true;
    for (guint i = 0; i < MAM_SEEN; i++)
        if (g_strcmp0(mam->seen[i], page->last) == 0)
            return true;
    guint at = mam->seen_at++ % MAM_SEEN;
    g_free(mam->seen[at]);
    mam->seen[at] = g_strdup(page->last);
    return false;
}

static bool is_lost(const struct mam_page *page)
{
    return !session_is_online(page->account);
}

static gint64 row_of(struct account *account, const char *id)
{
    return id ? history_find(account->history, account->jid, id) : 0;
}

/* Of the page's first message: not every one is stored. */
static gint64 first_place(const struct mam_page *page)
{
    gint64 row = row_of(page->account, page->first);
    return row > 0 ? row : page->first_us;
}

static void add_hole(
    struct account *account, const char *after, const char *before)
{
    history_add_hole(account->history,
        &(struct hole){ .archive = account->jid,
            .after = (char *)after,
            .before = (char *)before });
}

/* ---- the first sign-in: the newest part, backwards --------------------- */

static gint64 days_ago(const struct account *account)
{
    gint64 days = account_option_int(account, "account.archive_days");
    if (days == 0 || history_was_damaged(account->history))
        return 0;
    return stamp_now() - days * 24 * 3600 * G_USEC_PER_SEC;
}

static bool is_enough(const struct account *account)
{
    gint64 most = account_option_int(account, "account.archive_count");
    return most > 0 && mam_of(account)->fetched >= most &&
           !history_was_damaged(account->history);
}

/* Old messages are no news: what is unread is what other clients say it is,
 * and what comes from now on. */
static void mark_read(struct account *account)
{
    struct mam *mam = mam_of(account);
    GHashTableIter iter;
    gpointer jid;
    g_hash_table_iter_init(&iter, mam->touched);
    while (g_hash_table_iter_next(&iter, &jid, NULL))
        reading_begin(account, jid, displayed_item(account, jid));
    g_hash_table_remove_all(mam->touched);
}

static void first(struct account *account, const char *before, guint max,
    gint64 ceiling);

/* The rest before the page's first message stays a hole with an open end. */
static void move_open_hole(struct account *account, const char *before)
{
    g_autoptr(GPtrArray) holes =
        history_holes(account->history, account->jid);
    for (guint i = 0; i < holes->len; i++) {
        const struct hole *hole = holes->pdata[i];
        if (!hole->after) {
            history_set_hole(account->history, hole->row, NULL, before);
            return;
        }
    }
    add_hole(account, NULL, before);
}

static void close_open_hole(struct account *account)
{
    g_autoptr(GPtrArray) holes =
        history_holes(account->history, account->jid);
    for (guint i = 0; i < holes->len; i++) {
        const struct hole *hole = holes->pdata[i];
        if (!hole->after)
            history_set_hole(account->history, hole->row, "", "");
    }
}

static void on_first(struct mam_page *page)
{
    struct account *account = page->account;
    struct mam *mam = mam_of(account);
    mam->fetched += page->results;
    if (page->condition) {
        if (is_lost(page))
            return;
        displayed_when_known(account, mark_read);
        settle(account, false);
        return;
    }
    mam->unstable |= page->unstable;
    if (page->results > 0 && !*page->before && !page->unstable)
        set_last(account, page->last, page->place);
    if (page->results == 0 && !*page->before) {
        g_autofree char *now = stamp_format(stamp_now() - OVERLAP_US);
        history_set_value(account->history, BEGUN, now);
    }
    if (page->results > 0)
        move_open_hole(account, page->first);
    save(account);
    bool end = page->complete || page->results == 0;
    if (end && !page->start)
        close_open_hole(account);
    set_place(account, FROM,
        !end           ? first_place(page)
        : page->start ? days_ago(account)
                      : 0);
    if (end || is_enough(account) || is_loop(mam, page)) {
        displayed_when_known(account, mark_read);
        settle(account, !mam->unstable);
        return;
    }
    tell(account, page->first_us, false);
    first(account, page->first, MIN(page->max * 2, PAGE_MAX),
        first_place(page));
}

static void first(struct account *account, const char *before, guint max,
    gint64 ceiling)
{
    struct mam_page *page = mam_page_new(account);
    gint64 start = days_ago(account);
    page->before = g_strdup(before);
    page->start = start > 0 ? stamp_format(start) : NULL;
    page->max = max;
    page->quiet = true;
    page->ceiling = ceiling;
    page->touched = mam_of(account)->touched;
    page->done = on_first;
    mam_page_ask(page);
}

/* ---- the catch-up ------------------------------------------------------ */

static void ask_forwards(struct account *account, const char *after,
    const char *start, guint max, void (*done)(struct mam_page *))
{
    const struct mam *mam = mam_of(account);
    struct mam_page *page = mam_page_new(account);
    page->after = g_strdup(after);
    page->start = g_strdup(start);
    page->max = max;
    page->floor = MAX(row_of(account, after),
        after && g_strcmp0(after, mam->last) == 0 ? mam->floor : 0);
    page->done = done;
    mam_page_ask(page);
}

static void on_page(struct mam_page *page);

/* The archive does not know the id any more: it was cut, or begun anew. Its
 * times are what is left to go by; what is here already is known by its id. */
static void by_time(struct account *account, const char *after)
{
    gint64 row = row_of(account, after);
    gint64 start = row > 0 ? row - OVERLAP_US : days_ago(account);
    g_autofree char *stamp = stamp_format(MAX(start, 0));
    missing(account, _("the server's archive no longer knows the last one that "
                     "is here, so it was asked by time"));
    ask_forwards(account, NULL, stamp, PAGE_MAX, on_page);
}

static void on_page(struct mam_page *page)
{
    struct account *account = page->account;
    struct mam *mam = mam_of(account);
    mam->fetched += page->results;
    if (page->condition) {
        if (is_lost(page))
            return; /* it goes on from mam->last */
        if (strcmp(page->condition, "item-not-found") == 0 && !page->start) {
            by_time(account, page->after);
            return;
        }
        missing(account, page->sentence);
        settle(account, false);
        return;
    }
    if (page->results == 0) {
        settle(account, !mam->unstable && !page->unstable);
        return;
    }
    if (is_loop(mam, page)) {
        missing(account, _("the server's archive sends the same ones again and "
                         "again"));
        newest(account);
        return;
    }
    /* S. 4.3.2: what may change is asked for again with the next sign-in. */
    mam->unstable |= page->unstable;
    if (!mam->unstable) {
        set_last(account, page->last, page->place);
        save(account);
    }
    if (page->complete) {
        settle(account, !mam->unstable);
        return;
    }
    tell(account, page->last_us, false);
    ask_forwards(account, page->last, page->start,
        MIN(page->max * 2, PAGE_MAX), on_page);
}

/* No way forward: the newest page, and a hole before it. */
static void on_newest(struct mam_page *page)
{
    struct account *account = page->account;
    if (page->condition && is_lost(page))
        return;
    if (!page->condition && page->results > 0 &&
        g_strcmp0(page->last, mam_of(account)->last) != 0) {
        add_hole(account, mam_of(account)->last, page->first);
        set_last(account, page->last, page->place);
    }
    settle(account, false);
}

static void newest(struct account *account)
{
    struct mam_page *page = mam_page_new(account);
    page->before = g_strdup("");
    page->done = on_newest;
    mam_page_ask(page);
}

static void catch_up(struct account *account, guint max)
{
    struct mam *mam = mam_of(account);
    mam->running = true;
    mam->unstable = false;
    mam->fetched = 0;
    mam->told_us = g_get_monotonic_time();
    forget_seen(mam);
    if (!mam->last) {
        mam->last = history_archive_last(account->history, account->jid);
        mam->floor = get_place(account, PLACE, 0);
    }
    g_autofree char *begun =
        mam->last ? NULL : history_get_value(account->history, BEGUN);
    if (mam->last || begun)
        ask_forwards(account, mam->last, begun, max, on_page);
    else
        first(account, "", max, 0);
}

/* Did our server get what was on its way when the session was lost (F03, F06)?
 * The catch-up knows. */
static bool prove(struct account *account)
{
    struct mam *mam = mam_of(account);
    if (!account->history || disco_server_has(account, NS_MAM) == DISCO_NO ||
        (account->caught_up && !mam->supported))
        return false;
    mam->proving = true;
    if (account->caught_up && !mam->running)
        catch_up(account, PAGE_FIRST);
    return true;
}

static void on_server(struct account *account, const struct disco_info *info,
    const struct stanza_error *error, gpointer data)
{
    (void)error;
    (void)data;
    struct mam *mam = mam_of(account);
    if (!mam || !session_is_online(account) || mam->running)
        return;
    mam->supported = info && disco_info_has(info, NS_MAM);
    mam->no_rooms = info && disco_info_has(info, NS_MAM "#groupchat-field");
    if (mam->supported)
        catch_up(account, PAGE_FIRST);
    else {
        outbox_set_prover(account, NULL);
        settle(account, false);
    }
}

void mam_ready(struct account *account)
{
    struct mam *mam = mam_of(account);
    mam->whole = mam->running = false;
    outbox_set_prover(account,
        account->history && disco_server_has(account, NS_MAM) != DISCO_NO
            ? prove
            : NULL);
    if (account->history)
        disco_query_info(account, account->jid, NULL, on_server, NULL, NULL);
    else
        settle(account, false);
}

bool mam_sync(struct account *account, mam_settled_fn fn, gpointer data)
{
    struct mam *mam = mam_of(account);
    struct mam_waiting waiting = { fn, data };
    if (!session_is_online(account) || !account->history)
        return false;
    if (account->caught_up && !mam->supported)
        return false;
    g_array_append_val(mam->waiting, waiting);
    if (account->caught_up && !mam->running)
        catch_up(account, PAGE_FIRST);
    return true;
}

/* ---- holes, in the background ------------------------------------------ */

static bool wants_all(const struct account *account)
{
    return history_was_damaged(account->history) ||
           (account_option_int(account, "account.archive_days") == 0 &&
               account_option_int(account, "account.archive_count") == 0);
}

static struct hole *next_hole(struct account *account, GPtrArray *holes)
{
    for (guint i = 0; i < holes->len; i++) {
        struct hole *hole = holes->pdata[i];
        if (hole->after || (hole->before && wants_all(account)))
            return hole;
    }
    return NULL;
}

static void on_hole(struct mam_page *page)
{
    struct account *account = page->account;
    struct mam *mam = mam_of(account);
    gint64 row = mam->filling;
    mam->filling = 0;
    if (page->condition && (is_lost(page) ||
            strcmp(page->condition, "item-not-found") != 0))
        return; /* with the next sign-in again */
    bool over = page->condition || page->complete || page->saw_stop ||
                page->results == 0 || is_loop(mam, page);
    if (page->held && !page->condition)
        set_place(account, FROM,
            page->complete || page->results == 0 ? 0 : first_place(page));
    if (over)
        history_set_hole(account->history, row, "", "");
    else if (page->held)
        history_set_hole(account->history, row, NULL, page->first);
    else
        history_set_hole(account->history, row, page->last, page->stop);
    session_store_changed(account);
    fill_later(account);
}

static gboolean on_fill(gpointer data)
{
    struct account *account = data;
    struct mam *mam = mam_of(account);
    mam->fill_timer = 0;
    if (!session_is_online(account) || mam->running || mam->filling)
        return G_SOURCE_REMOVE;
    g_autoptr(GPtrArray) holes =
        history_holes(account->history, account->jid);
    const struct hole *hole = next_hole(account, holes);
    if (!hole)
        return G_SOURCE_REMOVE;
    struct mam_page *page = mam_page_new(account);
    mam->filling = hole->row;
    page->max = PAGE_MAX;
    page->quiet = true;
    page->done = on_hole;
    if (hole->after) {
        page->after = g_strdup(hole->after);
        page->stop = g_strdup(hole->before);
        page->floor = row_of(account, hole->after);
    } else {
        page->before = g_strdup(hole->before);
        page->ceiling = row_of(account, hole->before);
    }
    mam_page_ask(page);
    return G_SOURCE_REMOVE;
}

static void fill_later(struct account *account)
{
    struct mam *mam = mam_of(account);
    if (mam->fill_timer || mam->filling)
        return;
    g_autoptr(GPtrArray) holes =
        history_holes(account->history, account->jid);
    if (next_hole(account, holes))
        mam->fill_timer = g_timeout_add(FILL_MS, on_fill, account);
}

/* ---- back beyond the store --------------------------------------------- */

bool mam_has_more(const struct chat *chat)
{
    const struct mam *mam = mam_of(chat->account);
    return mam && mam->supported && session_is_online(chat->account) &&
           mam_reach(chat) > 0;
}

static void on_before(struct mam_page *page);

/* By time where no id is known, or the archive does not know it any more. */
static void ask_before(struct account *account, const char *jid, gint64 reach,
    bool timed)
{
    g_autoptr(GPtrArray) oldest = history_page(
        account->history, jid, reach - 1, reach - 1, false, LOOK_BACK);
    struct mam_page *page = mam_page_new(account);
    page->with = g_strdup(jid);
    page->max = PAGE_BACK;
    page->quiet = true;
    page->done = on_before;
    page->ceiling = reach;
    if (oldest->len > 0)
        page->ceiling = ((const struct message *)oldest->pdata[0])->row;
    for (guint i = 0; i < oldest->len && !page->before && !timed; i++) {
        const struct message *m = oldest->pdata[i];
        if (m->stanza_id && g_strcmp0(m->stanza_by, account->jid) == 0)
            page->before = g_strdup(m->stanza_id);
    }
    if (!page->before) {
        page->before = g_strdup("");
        if (page->ceiling < G_MAXINT64)
            page->end = stamp_format(page->ceiling + OVERLAP_US);
    }
    mam_page_ask(page);
}

static void on_before(struct mam_page *page)
{
    struct account *account = page->account;
    struct mam *mam = mam_of(account);
    const char *jid = page->with;
    struct chat *chat = account_find_chat(account, jid);
    struct mam_fetch *fetch = g_hash_table_lookup(mam->fetching, jid);
    g_autofree char *key = top_key(jid);
    gint64 reach = get_place(
        account, key, get_place(account, FROM, G_MAXINT64));
    bool top = !page->condition && (page->complete || page->results == 0);
    gint64 place = top || page->condition ? 0 : first_place(page);
    if (!fetch)
        return;
    /* Without a step back it would go round in circles. The first catch-up may
     * have made it meanwhile. */
    bool more = place > 0 && (place < reach || reach < fetch->reach);
    if (g_strcmp0(page->condition, "item-not-found") == 0 && *page->before) {
        ask_before(account, jid, reach, true);
        return;
    }
    struct mam_fetch done = *fetch;
    g_hash_table_remove(mam->fetching, jid);
    if (!page->condition && place < reach)
        set_place(account, key, place);
    session_store_changed(account);
    if (chat && done.fn)
        done.fn(chat, page->fresh, more, page->sentence, done.data);
}

bool mam_fetch_before(struct chat *chat, mam_done_fn fn, gpointer data)
{
    struct account *account = chat->account;
    struct mam *mam = mam_of(account);
    if (!mam_has_more(chat) ||
        g_hash_table_contains(mam->fetching, chat->jid))
        return false;
    struct mam_fetch *fetch = g_new(struct mam_fetch, 1);
    *fetch = (struct mam_fetch){ fn, data, mam_reach(chat) };
    g_hash_table_insert(mam->fetching, g_strdup(chat->jid), fetch);
    ask_before(account, chat->jid, fetch->reach, false);
    return true;
}

static gboolean is_of(gpointer key, gpointer value, gpointer data)
{
    (void)key;
    if (((struct mam_fetch *)value)->data == data)
        ((struct mam_fetch *)value)->fn = NULL;
    return FALSE;
}

void mam_forget(struct account *account, gpointer data)
{
    struct mam *mam = mam_of(account);
    if (!mam)
        return;
    g_hash_table_foreach_remove(mam->fetching, is_of, data);
    for (guint i = mam->waiting->len; i-- > 0;)
        if (g_array_index(mam->waiting, struct mam_waiting, i).data == data)
            g_array_remove_index(mam->waiting, i);
}

/* ---- the life of an account -------------------------------------------- */

void mam_attach(struct account *account)
{
    struct mam *mam = mam_of(account);
    mam->pages = g_hash_table_new(g_str_hash, g_str_equal);
    mam->touched =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    mam->fetching =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    mam->waiting = g_array_new(FALSE, FALSE, sizeof(struct mam_waiting));
    observers_add(account->observers, on_event, account);
}

void mam_offline(struct account *account)
{
    struct mam *mam = mam_of(account);
    save(account);
    mam_page_cancel_all(account);
    g_hash_table_remove_all(mam->fetching);
    g_hash_table_remove_all(mam->touched);
    g_clear_handle_id(&mam->fill_timer, g_source_remove);
    mam->running = mam->whole = mam->proving = false;
    mam->filling = 0;
}

void mam_detach(struct account *account)
{
    struct mam *mam = mam_of(account);
    observers_remove(account->observers, on_event, account);
    mam_offline(account);
    g_clear_handle_id(&mam->save_timer, g_source_remove);
    forget_seen(mam);
    g_free(mam->last);
    g_hash_table_unref(mam->pages);
    g_hash_table_unref(mam->touched);
    g_hash_table_unref(mam->fetching);
    g_array_unref(mam->waiting);
}
