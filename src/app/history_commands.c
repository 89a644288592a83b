/* /history /search /clear /logging /read: the store, as commands see it. */
#include <string.h>

#include <gio/gio.h>

#include "app/history_private.h"
#include "base/intl.h"
#include "base/stamp.h"
#include "model/jid.h"
#include "xep/xep0313_mam.h"
#include "xmpp/reading.h"

#define HISTORY_DEFAULT 20
#define HISTORY_MAX 100000
#define SEARCH_MAX 10000
#define FETCHES_MAX 50
#define SEARCH_SLICE_US 8000               /* half a frame */
#define SEARCH_SPAN_US (60 * G_USEC_PER_SEC) /* the first one; they grow */

const char *history_chosen(struct job *job)
{
    const char *jid = job_arg(job, "chat");
    return jid ? jid : job_chat(job) ? job_chat(job)->jid : NULL;
}

enum cmd_status history_no_chat(struct job *job)
{
    return job_fail(job, "item-not-found",
        "No chat is open here: say in JID, or open one with /msg JID");
}

static struct chat *held_chat(struct job *job)
{
    return account_find_chat(job_account(job), history_chosen(job));
}

/* --- /history ---------------------------------------------------------------- */

static void message_row(struct job *job, const struct chat *chat,
    const struct message *m)
{
    const struct message *held =
        m->number || !chat ? m : chat_find_row(chat, m->row);
    JOB_ROW(job, "history",
        FIELD_I("number", held ? (gint64)held->number : 0),
        FIELD_D("time", m->time_us),
        FIELD_T("direction", m->outgoing ? "out" : "in"),
        FIELD_T("from", m->from),
        FIELD_T("body", m->body || !m->redacted ? m->body : ""),
        FIELD_T("type", message_type_name(m->type)),
        FIELD_T("subject", m->subject), FIELD_T("id", m->id),
        FIELD_T("delivery", m->outgoing ? delivery_name(m->delivery) : NULL),
        FIELD_I("row", m->row),
        FIELD_B("redacted", m->redacted));
}

static gint64 date_of(struct job *job, const char *name, gint64 fallback)
{
    gint64 when;
    const char *text = job_arg(job, name);
    return text && stamp_parse(text, &when) ? when : fallback;
}

struct listing {
    struct job *job;
    const char *jid; /* of the job */
    gint64 after, before;
    guint count, fetches;
};

static void list_held(const struct listing *listing)
{
    const struct chat *chat = held_chat(listing->job);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for (guint i = chat ? chat->messages->len : 0;
         i-- > 0 && found->len < listing->count;) {
        struct message *m = chat->messages->pdata[i];
        if (m->time_us >= listing->after && m->time_us < listing->before)
            g_ptr_array_add(found, m);
    }
    for (guint i = found->len; i-- > 0;)
        message_row(listing->job, chat, found->pdata[i]);
}

static GPtrArray *stored_page(const struct listing *listing)
{
    struct account *account = job_account(listing->job);
    return history_page(account->history, listing->jid, listing->before,
        listing->before, true, listing->count);
}

static void on_fetched(struct chat *chat, guint fetched, bool more,
    const char *error, gpointer data);

/* Is the archive to be asked for more? Where it was left off something may
 * lie between what is here. */
static bool fetch(struct listing *listing, const GPtrArray *page)
{
    struct account *account = job_account(listing->job);
    struct chat *chat = account_find_chat(account, listing->jid);
    const struct message *oldest = page->len > 0 ? page->pdata[0] : NULL;
    if (!chat || listing->count == 0 || !session_is_online(account) ||
        !account->caught_up || listing->fetches++ >= FETCHES_MAX)
        return false;
    if (oldest && oldest->row >= mam_reach(chat) &&
        (page->len >= listing->count || oldest->row < listing->after))
        return false;
    return mam_fetch_before(chat, on_fetched, listing);
}

static enum cmd_status list_stored(struct listing *listing)
{
    struct job *job = listing->job;
    g_autoptr(GPtrArray) page = stored_page(listing);
    if (fetch(listing, page))
        return CMD_WAIT;
    const struct chat *chat = held_chat(job);
    for (guint i = 0; i < page->len; i++) {
        const struct message *m = page->pdata[i];
        if (m->row >= listing->after)
            message_row(job, chat, m);
    }
    job_on_cancel(job, NULL, NULL);
    return job_done(job);
}

static void on_fetched(struct chat *chat, guint fetched, bool more,
    const char *error, gpointer data)
{
    struct listing *listing = data;
    (void)chat;
    (void)fetched;
    if (!more || error)
        listing->fetches = FETCHES_MAX;
    list_stored(listing);
}

static void on_cancel(struct job *job, gpointer data)
{
    struct account *account = job_account(job);
    if (account && account->session)
        mam_forget(account, data);
}

static enum cmd_status run_history(struct job *job)
{
    gint64 count = job_int(job, "count", HISTORY_DEFAULT);
    const char *jid = history_chosen(job);
    if (!jid)
        return history_no_chat(job);
    if (count < 0 || count > HISTORY_MAX)
        return job_fail(job, "bad-request",
            "How many? A number from 0 to %d", HISTORY_MAX);
    struct listing *listing = g_new0(struct listing, 1);
    job_set_data(job, listing, g_free);
    *listing = (struct listing){ .job = job, .jid = jid,
        .after = date_of(job, "after", G_MININT64),
        .before = date_of(job, "before", G_MAXINT64),
        .count = (guint)count };
    if (!job_account(job)->history) {
        list_held(listing);
        return job_done(job);
    }
    job_on_cancel(job, on_cancel, listing);
    return list_stored(listing);
}

/* --- /search ------------------------------------------------------------------- */

/* What was one word on the line, in quotes, is a phrase. */
static char *search_words(const char *const *words)
{
    GString *text = g_string_new(NULL);
    for (; *words; words++)
        g_string_append_printf(text,
            strpbrk(*words, " \t") && !strchr(*words, '"') ? "\"%s\" " : "%s ",
            *words);
    return g_string_free(text, FALSE);
}

/* Two common words that never meet cost as much as there are of them. So time is
 * searched backwards in spans, as long as each takes a slice, and keys and the
 * network come in between. */
struct search {
    struct job *job;
    char *words, *chat;
    struct history_query query; /* since_us and before_row: of the next span */
    gint64 since, span_us;
    guint idle;
};

static void search_free(gpointer data)
{
    struct search *search = data;
    g_clear_handle_id(&search->idle, g_source_remove);
    g_free(search->words);
    g_free(search->chat);
    g_free(search);
}

static void search_hits(struct job *job, const GPtrArray *hits)
{
    for (guint i = 0; i < hits->len; i++) {
        const struct history_hit *hit = hits->pdata[i];
        const struct message *m = hit->message;
        JOB_ROW(job, "hit", FIELD_D("time", m->time_us),
            FIELD_T("chat", hit->chat),
            FIELD_T("direction", m->outgoing ? "out" : "in"),
            FIELD_T("from", m->from), FIELD_T("body", m->body),
            FIELD_T("id", m->id), FIELD_I("row", m->row));
    }
}

/* true: there is more to search. */
static bool search_span(struct search *search, GError **error)
{
    struct history_query *query = &search->query;
    gint64 begun = g_get_monotonic_time();
    g_autoptr(GPtrArray) hits =
        history_search_text(job_account(search->job)->history, query, error);
    if (!hits)
        return false;
    search_hits(search->job, hits);
    gint64 took = g_get_monotonic_time() - begun;
    if (took < SEARCH_SLICE_US / 2 && search->span_us < G_MAXINT64 / 8)
        search->span_us *= 4;
    else if (took > SEARCH_SLICE_US * 2)
        search->span_us /= 2;
    query->n -= hits->len;
    query->before_row = query->since_us;
    query->since_us = MAX(search->since, query->since_us - search->span_us);
    return query->n > 0 && query->before_row > search->since;
}

static gboolean on_search(gpointer data);

static enum cmd_status search_on(struct search *search)
{
    struct job *job = search->job;
    gint64 until = g_get_monotonic_time() + SEARCH_SLICE_US;
    g_autoptr(GError) error = NULL;
    bool more = job_account(job) && job_account(job)->history;
    while (more && g_get_monotonic_time() < until)
        more = search_span(search, &error);
    if (error)
        return job_fail_error(job, error);
    if (!more)
        return job_done(job);
    search->idle = g_idle_add(on_search, search);
    return CMD_WAIT;
}

static gboolean on_search(gpointer data)
{
    struct search *search = data;
    search->idle = 0;
    search_on(search);
    return G_SOURCE_REMOVE;
}

static enum cmd_status run_search(struct job *job)
{
    struct account *account = job_account(job);
    const char *chat = job_arg(job, "chat");
    if (!account->history)
        return job_fail(job, "item-not-found",
            "Nothing is stored for %s, so there is nothing to search.",
            account->jid);
    if (!chat && job_chat(job))
        chat = job_chat(job)->jid;
    gint64 count = job_int(job, "count", SEARCH_HITS);
    if (count < 1 || count > SEARCH_MAX)
        return job_fail(job, "bad-request", "How many? A number from 1 to %d", SEARCH_MAX);
    gint64 since = date_of(job, "since", 0), until = date_of(job, "until", 0);
    if (until > 0 && since >= until)
        return job_fail(job, "bad-request",
            "There is no time between since and until: say an earlier since.");
    struct search *search = g_new(struct search, 1);
    gint64 before = job_int(job, "before-row", G_MAXINT64);
    gint64 newest = MIN(MIN(before, until > 0 ? until : before), stamp_now());
    *search = (struct search){ .job = job, .since = since,
        .span_us = SEARCH_SPAN_US,
        .words = search_words(job_list(job, "words")),
        .chat = chat && strcmp(chat, "all") != 0 ? g_strdup(chat) : NULL,
        .query = { .from = job_arg(job, "from"), .until_us = until,
            .before_row = before,
            .since_us = MAX(since, newest - SEARCH_SPAN_US),
            .n = (guint)count } };
    search->query.words = search->words;
    search->query.chat = search->chat;
    job_set_data(job, search, search_free);
    return search_on(search);
}

static void complete_where(struct completion *completion, const char *prefix)
{
    completion_add(completion, "all");
    arg_chat.complete(completion, prefix);
}

static char *parse_where(struct job *job, const char *text, GError **error)
{
    return strcmp(text, "all") == 0 ? g_strdup(text)
                                    : arg_chat.parse(job, text, error);
}

static const struct arg_kind arg_where = { .placeholder = "CHAT",
    .parse = parse_where, .complete = complete_where };

/* --- /clear ---------------------------------------------------------------------- */

static enum cmd_status clear(struct job *job)
{
    struct account *account = job_account(job);
    const char *jid = history_chosen(job);
    struct chat *chat = held_chat(job);
    if (job_flag(job, "history")) {
        if (account->history) {
            history_clear(account->history, jid);
            mam_close(account, jid);
            session_commit(account); /* forgotten when it says so */
        }
        if (chat)
            chat_clear(chat);
    }
    if (chat)
        account_emit(
            account, (struct event){ .type = EVENT_CLEAR, .chat = chat });
    return job_done(job);
}

static enum cmd_status run_clear(struct job *job)
{
    if (!history_chosen(job))
        return history_no_chat(job);
    if (!job_flag(job, "history"))
        return clear(job);
    return job_confirm(job, _("Forget the messages of this chat?"), clear);
}

/* --- /logging -------------------------------------------------------------------- */

static void logging_row(struct job *job, const struct history_chat *kept,
    const char *jid)
{
    static const char *const words[] = {
        [KEEP_IDS] = "off", [KEEP_ALL] = "on", [KEEP_REDACTED] = "redact"
    };
    JOB_ROW(job, "logging", FIELD_T("chat", jid),
        FIELD_T("logging", words[kept ? kept->keep : KEEP_ALL]));
}

static enum history_keep keep_of(const char *word)
{
    return strcmp(word, "on") == 0   ? KEEP_ALL
        : strcmp(word, "redact") == 0 ? KEEP_REDACTED : KEEP_IDS;
}

static enum cmd_status run_logging(struct job *job)
{
    struct account *account = job_account(job);
    const char *value = job_arg(job, "value"), *jid = history_chosen(job);
    if (!account->history)
        return job_fail(job, "not-allowed",
            "Nothing is stored for %s anyway.", account->jid);
    if (!jid && value)
        return history_no_chat(job);
    if (!jid) {
        g_autoptr(GPtrArray) chats = history_chats(account->history, false);
        for (guint i = 0; i < chats->len; i++) {
            const struct history_chat *kept = chats->pdata[i];
            if (kept->keep != KEEP_ALL)
                logging_row(job, kept, kept->jid);
        }
        return job_done(job);
    }
    if (value) {
        struct chat *chat = held_chat(job);
        history_set_keep(account->history, jid,
            chat ? chat->kind : CHAT_CONTACT, keep_of(value));
        session_store_changed(account);
        return job_done(job);
    }
    auto_struct(history_chat) kept = history_find_chat(account->history, jid);
    logging_row(job, kept, jid);
    return job_done(job);
}

/* --- /read ----------------------------------------------------------------------- */

static void complete_what(struct completion *completion, const char *prefix)
{
    completion_add(completion, "list");
    complete_where(completion, prefix);
}

static char *parse_what(struct job *job, const char *text, GError **error)
{
    return strcmp(text, "list") == 0 ? g_strdup(text)
                                     : parse_where(job, text, error);
}

static const struct arg_kind arg_what = { .placeholder = "CHAT",
    .parse = parse_what, .complete = complete_what };

static enum cmd_status list_unread(struct job *job)
{
    GHashTableIter iter;
    gpointer each;
    g_hash_table_iter_init(&iter, job_account(job)->chats);
    while (g_hash_table_iter_next(&iter, NULL, &each)) {
        const struct chat *chat = each;
        if (chat->unread > 0)
            JOB_ROW(job, "unread", FIELD_T("chat", chat->jid),
                FIELD_I("unread", chat->unread),
                FIELD_I("mentions", chat->mentions));
    }
    return job_done(job);
}

static enum cmd_status run_read(struct job *job)
{
    struct account *account = job_account(job);
    const char *what = job_arg(job, "what");
    struct chat *chat = what ? account_find_chat(account, what) : job_chat(job);
    GHashTableIter iter;
    gpointer each;
    if (what && strcmp(what, "list") == 0)
        return list_unread(job);
    if (what && strcmp(what, "all") == 0) {
        g_autoptr(GPtrArray) chats = g_ptr_array_new();
        g_hash_table_iter_init(&iter, account->chats);
        while (g_hash_table_iter_next(&iter, NULL, &each))
            g_ptr_array_add(chats, each);
        for (guint i = 0; i < chats->len; i++)
            chat_mark_read(chats->pdata[i]);
        return job_done(job);
    }
    if (!chat)
        return history_no_chat(job);
    chat_mark_read(chat);
    return job_done(job);
}

static const char *const history_examples[] = {
    "/history 50 in romeo@example.net after yesterday",
    "The last 50 messages since yesterday", NULL,
};
static const char *const search_examples[] = {
    "/search \"balcony scene\" from romeo@example.net since 2026-01-01",
    "What he said of it this year",
    "/search invoice in all", "In every conversation", NULL,
};

const struct command app_history_commands[] = {
    { .name = "history", .needs = NEEDS_ACCOUNT, .finds = true,
        .args = { { .name = "count", .kind = &arg_int,
                      .flags = ARG_OPTIONAL },
            IN_CHAT,
            { .name = "after", .kind = &arg_date, .option = "after --after",
                .summary = "only what came then or later" },
            { .name = "before", .kind = &arg_date, .option = "before --before",
                .summary = "only what came earlier" } },
        .words = "log earlier old past messages read back",
        .summary = "Print the last messages of a conversation",
        .detail = "Where the store has fewer, the server's archive is asked.",
        .examples = history_examples,
        .fields = "history: number time direction from body type subject? "
                  "id? delivery? row redacted",
        .run = run_history },
    { .name = "search", .needs = NEEDS_ACCOUNT, .finds = true,
        .args = { { .name = "words", .kind = &arg_text, .flags = ARG_REPEAT },
            { .name = "chat", .kind = &arg_where, .option = "in --in",
                .summary = "a conversation or all; the open one without it" },
            { .name = "from", .kind = &arg_contact, .option = "from --from",
                .summary = "who wrote it" },
            { .name = "since", .kind = &arg_date, .option = "since --since" },
            { .name = "until", .kind = &arg_date, .option = "until --until" },
            { .name = "count", .kind = &arg_int, .option = "--count",
                .summary = "how many, up to 10000; 50 without it" },
            { .name = "before-row", .kind = &arg_int, .option = "--before-row",
                .summary = "go on before this row of the last page" } },
        .summary = "Search the stored messages",
        .words = "find look for text grep",
        .detail = "Whole words, without regard to case and accents; words in "
                  "quotes stand side by side. The newest come first; on the "
                  "screen Enter goes to the place.",
        .examples = search_examples,
        .fields = "hit: time chat direction from body id? row",
        .run = run_search },
    { .name = "clear", .needs = NEEDS_ACCOUNT | NEEDS_CONSENT,
        .args = { IN_CHAT,
            { .name = "history", .option = "--history",
                .summary = "forget the messages too; asks first" } },
        .words = "erase empty wipe delete messages history forget",
        .summary = "Clear the view of a chat", .run = run_clear },
    { .name = "logging", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "value", .kind = &arg_choice,
                      .choices = "on off redact", .flags = ARG_OPTIONAL },
            IN_CHAT },
        .words = "store keep save history log record",
        .summary = "Are the messages of this chat stored?",
        .detail = "With redact it is kept who wrote when, and no text; with "
                  "off only what is needed to know a message again. What is "
                  "stored already stays: /clear --history takes it away.",
        .fields = "logging: chat logging",
        .run = run_logging },
    { .name = "read", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "what", .kind = &arg_what,
            .flags = ARG_OPTIONAL, .summary = "a chat, all, or list" } },
        .words = "unread seen mark",
        .summary = "Mark messages as read, here and on your other clients",
        .detail = "list changes nothing and says which chats have unread "
                  "messages.",
        .fields = "chat unread mentions",
        .run = run_read },
    { .name = NULL },
};
