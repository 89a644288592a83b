/*
 * Full text search. The index holds no texts, only where words are: body and
 * subject in one column, and in the other a tag for the chat and one for the
 * sender, so that FTS5 itself cuts the lists of a search in one chat. Its
 * document numbers are rows, that is, times: the newest come first without
 * sorting, and since, until and the next page are ranges of them.
 *
 * Where a script has no spaces between words (and for Hangul, whose words
 * carry their particles) every character is indexed as a word of its own; a
 * run of them in a query is a phrase, which finds it anywhere inside a text.
 */
#include <string.h>
#include <utf8proc.h>
#include "base/intl.h"
#include "base/stamp.h"
#include "model/jid.h"
#include "store/history_private.h"

#define MAX_TERMS 32
#define MAX_QUERY_BYTES 4096

/* ---- what is indexed --------------------------------------------------- */

static bool is_spaceless(gunichar c)
{
    return (c >= 0x0e00 && c <= 0x0eff) ||  /* Thai, Lao */
        (c >= 0x1000 && c <= 0x109f) ||     /* Myanmar */
        (c >= 0x1780 && c <= 0x17ff) ||     /* Khmer */
        (c >= 0x3040 && c <= 0x30ff) ||     /* Kana */
        (c >= 0x3400 && c <= 0x9fff) ||     /* Han */
        (c >= 0xac00 && c <= 0xd7a3) ||     /* Hangul */
        (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

/* Spaces around each such character. */
static void append_spaced(GString *out, const char *text)
{
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if ((guchar)*p >= 0xe0 && is_spaceless(c)) {
            g_string_append_c(out, ' ');
            g_string_append_unichar(out, c);
            g_string_append_c(out, ' ');
        } else {
            g_string_append_len(out, p, g_utf8_next_char(p) - p);
        }
    }
}

/* No character below U+0800 is one of them. */
static bool is_simple(const char *text)
{
    for (; *text; text++)
        if ((guchar)*text >= 0xe0)
            return false;
    return true;
}

bool history_has_words(const struct message *message)
{
    return message->body || message->subject;
}

static const char *words_of(const struct message *m, GString **buffer)
{
    if (m->body && !m->subject && is_simple(m->body))
        return m->body;
    *buffer = g_string_new(NULL);
    if (m->subject)
        append_spaced(*buffer, m->subject);
    g_string_append_c(*buffer, ' ');
    if (m->body)
        append_spaced(*buffer, m->body);
    return (*buffer)->str;
}

static guint32 hash_folded(const char *text, gsize len)
{
    guint32 hash = 5381;

    for (gsize i = 0; i < len; i++)
        hash = hash * 33 + (guchar)g_ascii_tolower(text[i]);
    return hash;
}

/* Who is meant by "from": the nick in a room, otherwise the bare address. */
static const char *sender_of(const struct message *m, gsize *len)
{
    const char *nick = NULL;

    *len = 0;
    if (!m->from)
        return "";
    if (m->type == MESSAGE_GROUPCHAT)
        nick = m->nick ? m->nick : jid_resource(m->from);
    *len = nick ? strlen(nick) : jid_bare_len(m->from);
    return nick ? nick : m->from;
}

/* "c" and the chat's number, "f" and the sender's hash. Printed by hand: it is
 * done for every message. */
static const char *put_tags(char *tags, guint64 chat_id, guint32 sender)
{
    static const char digits[] = "0123456789abcdef";
    char number[24];
    guint at = 0, n = 0;

    tags[at++] = 'c';
    do
        number[n++] = (char)('0' + chat_id % 10);
    while (chat_id /= 10);
    while (n)
        tags[at++] = number[--n];
    tags[at++] = ' ';
    tags[at++] = 'f';
    for (int shift = 28; shift >= 0; shift -= 4)
        tags[at++] = digits[sender >> shift & 0xf];
    tags[at] = '\0';
    return tags;
}

void history_put_words(struct history *history, enum sql which,
    const struct message *m, gint64 chat_id)
{
    g_autoptr(GString) buffer = NULL;
    gsize len;
    const char *sender = sender_of(m, &len);
    char tags[64];

    op_begin(history, which);
    op_int(history, m->row);
    op_text(history, words_of(m, &buffer));
    op_text(history,
        put_tags(tags, (guint64)chat_id, hash_folded(sender, len)));
}

/* One by one, each turn's words would be a list of their own on disk, to be
 * merged with all the others: half of all that a message costs. So they wait
 * until there are many or somebody searches. In their order: FTS5 begins a new
 * list when a row goes back. Which rows wait is part of their turn; putting one
 * into the index twice, after a crash, is the same as once. */
void history_index(
    struct history *history, const struct message *message, gint64 chat_id)
{
    gint64 row = message->row;

    g_array_append_val(history->turn_rows, row);
    if (history->kept->len == history->waiting) {
        history_put_words(history, SQL_INDEX, message, chat_id);
        g_ptr_array_add(history->kept, op_keep(history));
    }
    history->waiting++;
}

void history_note_waiting(struct history *history)
{
    const GArray *rows = history->turn_rows;

    if (!rows->len)
        return;
    history->last_wait = MAX(history->last_wait + 1, stamp_now());
    op_begin(history, SQL_WAIT);
    op_int(history, history->last_wait);
    op_blob(history, rows->data, rows->len * sizeof(gint64));
    op_end(history);
    g_array_set_size(history->turn_rows, 0);
}

static gint by_row(gconstpointer a, gconstpointer b)
{
    gint64 first = op_first_int(*(const guint8 *const *)a);
    gint64 second = op_first_int(*(const guint8 *const *)b);

    return first < second ? -1 : first > second;
}

/* What comes in as it is said stands in its order already. */
static bool is_in_order(const GPtrArray *kept)
{
    for (guint i = 1; i < kept->len; i++)
        if (by_row(&kept->pdata[i - 1], &kept->pdata[i]) > 0)
            return false;
    return true;
}

static void index_kept(struct history *history, guint n)
{
    if (!is_in_order(history->kept))
        g_ptr_array_sort(history->kept, by_row);
    for (guint i = 0; i < n; i++)
        op_run_kept(history, history->kept->pdata[i]);
    g_ptr_array_remove_range(history->kept, 0, n);
    history->waiting -= n;
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    gint64 first = *(const gint64 *)a, second = *(const gint64 *)b;

    return first < second ? -1 : first > second;
}

static void index_row(struct history *history, gint64 place)
{
    sqlite3_stmt *row = history_read(history, SQL_WORDS);

    if (row)
        sqlite3_bind_int64(row, 1, place);
    if (history_step(history, row)) {
        auto_struct(message) m = history_read_message(history, row);
        gint64 chat = sqlite3_column_int64(row, COLUMN_CHAT_ID);
        sqlite3_reset(row);
        history_put_words(history, SQL_INDEX, m, chat);
        op_end(history);
    }
}

/* What another run left. */
static void index_stored(struct history *history)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
    sqlite3_stmt *row = history_read(history, SQL_WAITING);

    while (history_step(history, row)) {
        const void *some = sqlite3_column_blob(row, 0);
        if (some)
            g_array_append_vals(rows, some,
                (guint)sqlite3_column_bytes(row, 0) / sizeof(gint64));
    }
    if (history->turn_rows->len)
        g_array_append_vals(rows, history->turn_rows->data,
            history->turn_rows->len);
    g_array_sort(rows, by_number);
    for (guint i = 0; i < rows->len && !history->queueing; i++)
        index_row(history, g_array_index(rows, gint64, i));
    history->waiting = history->queueing ? rows->len : 0;
    g_ptr_array_set_size(history->kept, 0);
}

void history_index_some(struct history *history, guint n)
{
    history->unmerged = true;
    if (history->kept->len == history->waiting)
        index_kept(history, MIN(n, history->waiting));
    else if (!history->queueing && !history->rescue)
        index_stored(history);
    if (history->waiting || history->queueing)
        return;
    g_array_set_size(history->turn_rows, 0);
    op_begin(history, SQL_INDEXED);
    op_end(history);
}

/* Sixteen lists of one size become one, bit by bit. FTS5 says how much it did by
 * the number of changes: one is the command itself. */
void history_merge_some(struct history *history, guint pages)
{
    sqlite3 *db = db_handle(history->db);
    int before = sqlite3_total_changes(db);

    op_begin(history, SQL_MERGE);
    op_int(history, pages);
    op_end(history);
    history->unmerged = sqlite3_total_changes(db) - before >= 2;
}

void history_unindex(
    struct history *history, const struct message *message, gint64 chat_id)
{
    if (history->waiting)
        history_index_some(history, history->waiting);
    history_put_words(history, SQL_UNINDEX, message, chat_id);
    op_end(history);
}

/* ---- a new index ------------------------------------------------------- */

static void set_reindex(struct history *history, gint64 row)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, row);

    history->reindex = row;
    history_set_value(history, REINDEX, row > 0 ? text : NULL);
}

void history_reindex_load(struct history *history)
{
    g_autofree char *text = history_get_value(history, REINDEX);

    history->reindex = text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

bool history_renew_index(struct history *history)
{
    static const char also[] =
        "DELETE FROM waiting;"
        "INSERT INTO value SELECT '" REINDEX "',coalesce(max(row),0) "
        "FROM message WHERE 1 ON CONFLICT DO UPDATE SET value=excluded.value";

    if (db_renew_fts(history->db, &history_schema, also) != SQLITE_OK)
        return false;
    history->index_made = true;
    history->waiting = history->turn_rows->len;
    g_ptr_array_set_size(history->kept, 0);
    history_reindex_load(history);
    return true;
}

void history_reindex_some(struct history *history, guint n)
{
    g_autoptr(GPtrArray) found =
        g_ptr_array_new_with_free_func((GDestroyNotify)message_free);
    g_autoptr(GArray) chats = g_array_new(FALSE, FALSE, sizeof(gint64));
    sqlite3_stmt *row = history_read(history, SQL_INDEXED_BEFORE);

    if (row) {
        sqlite3_bind_int64(row, 1, history->reindex);
        sqlite3_bind_int64(row, 2, n);
    }
    while (history_step(history, row)) {
        gint64 chat = sqlite3_column_int64(row, COLUMN_CHAT_ID);
        g_array_append_val(chats, chat);
        g_ptr_array_add(found, history_read_message(history, row));
    }
    for (guint i = found->len; i-- > 0;) {
        history_put_words(history, SQL_INDEX, found->pdata[i],
            g_array_index(chats, gint64, i));
        op_end(history);
    }
    set_reindex(history, found->len < n
            ? 0
            : ((struct message *)found->pdata[n - 1])->row - 1);
}

/* ---- what is looked for ------------------------------------------------ */

/* unicode61 makes words of letters, numbers and private use characters. */
static bool is_word_char(gunichar c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CO:
        return true;
    default:
        return false;
    }
}

static bool has_word_char(const char *text, gsize len)
{
    for (const char *p = text; p < text + len; p = g_utf8_next_char(p))
        if (is_word_char(g_utf8_get_char(p)))
            return true;
    return false;
}

static void and(GString *match)
{
    if (match->len)
        g_string_append(match, " AND ");
}

/* One word or phrase, as a string of FTS5: whatever is in it is text. */
static bool add_term(GString *match, const char *text, gsize len)
{
    g_autofree char *term = g_strndup(text, len);
    g_autoptr(GString) spaced = NULL;

    if (!has_word_char(term, len))
        return false;
    g_strdelimit(term, "\"", ' ');
    spaced = g_string_new(NULL);
    append_spaced(spaced, term);
    and(match);
    g_string_append_printf(match, "body : \"%s\"", spaced->str);
    return true;
}

static guint add_terms(GString *match, const char *words)
{
    guint terms = 0;
    const char *p = words;

    while (*p && terms < MAX_TERMS) {
        const char *start = p, *end;
        if (*p == '"') {
            start++;
            end = strchr(start, '"');
            if (!end)
                end = start + strlen(start);
            p = *end ? end + 1 : end;
        } else {
            while (*p && !g_ascii_isspace(*p) && *p != '"')
                p++;
            end = p;
        }
        if (add_term(match, start, (gsize)(end - start)))
            terms++;
        while (g_ascii_isspace(*p))
            p++;
    }
    return terms;
}

/* The hash may meet others: what was found is looked at again. */
static bool is_from(const struct message *m, const char *from)
{
    gsize len;
    const char *sender = sender_of(m, &len);

    return strlen(from) == len && g_ascii_strncasecmp(sender, from, len) == 0;
}

static void hit_free(gpointer data)
{
    struct history_hit *hit = data;

    g_free(hit->chat);
    message_free(hit->message);
    g_free(hit);
}

static gint64 upper_bound(const struct history_query *query)
{
    gint64 before = query->before_row > 0 ? query->before_row : G_MAXINT64;

    return query->until_us > 0 ? MIN(before, query->until_us) : before;
}

static bool next_hit(struct history *history, sqlite3_stmt *row)
{
    int result = sqlite3_step(row);

    if (result == SQLITE_ROW)
        return true;
    if ((result & 0xff) != SQLITE_ERROR) /* that one is about the query */
        history_saw_in_index(history, result);
    sqlite3_reset(row);
    return false;
}

static void collect(struct history *history, const struct history_query *query,
    sqlite3_stmt *row, gint64 chat_id, GPtrArray *hits)
{
    while (next_hit(history, row)) {
        struct history_hit *hit;
        if (chat_id &&
            sqlite3_column_int64(row, COLUMN_CHAT_ID) != chat_id)
            continue;
        hit = g_new0(struct history_hit, 1);
        hit->chat = history_text(row, COLUMN_CHAT);
        hit->message = history_read_message(history, row);
        if (hit->chat && (!query->from || is_from(hit->message, query->from)))
            g_ptr_array_add(hits, hit);
        else
            hit_free(hit);
    }
}

static GPtrArray *nothing_to_find(GError **error)
{
    g_set_error_literal(error, DB_ERROR, DB_ERROR_UNUSABLE,
        _("There is no word to look for: give letters or digits."));
    return NULL;
}

static void index_all(struct history *history)
{
    bool in_turn = history->in_turn;

    if (history->waiting && !history->queueing)
        history_index_some(history, history->waiting);
    if (!in_turn)
        history_write_quietly(history);
}

GPtrArray *history_search_text(struct history *history,
    const struct history_query *query, GError **error)
{
    g_autoptr(GString) match = g_string_new(NULL);
    g_autofree char *words =
        query->words ? g_utf8_make_valid(query->words, -1) : NULL;
    gint64 chat_id = query->chat ? history_chat_id(history, query->chat) : 0;
    GPtrArray *hits;
    sqlite3_stmt *row;

    if (words && strlen(words) > MAX_QUERY_BYTES)
        *g_utf8_find_prev_char(words, words + MAX_QUERY_BYTES) = '\0';
    if (words && !add_terms(match, words))
        return nothing_to_find(error);
    hits = g_ptr_array_new_with_free_func(hit_free);
    if (query->chat && !chat_id)
        return hits;
    if (chat_id && (match->len || query->from)) {
        and(match);
        g_string_append_printf(
            match, "tags : \"c%" G_GINT64_FORMAT "\"", chat_id);
    }
    if (query->from) {
        and(match);
        g_string_append_printf(match, "tags : \"f%08x\"",
            hash_folded(query->from, strlen(query->from)));
    }
    if (match->len)
        index_all(history);
    row = db_statement(history->db,
        match->len ? SQL_SEARCH : chat_id ? SQL_BEFORE : SQL_ALL_BEFORE);
    if (!row) {
        history_saw_in_index(history, db_result(history->db));
        return hits;
    }
    if (match->len) {
        sqlite3_bind_text(row, 1, match->str, -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 2, upper_bound(query));
        sqlite3_bind_int64(row, 3, query->since_us);
        sqlite3_bind_int64(row, 4, query->n);
    } else {
        sqlite3_bind_int64(row, 1, chat_id);
        sqlite3_bind_int64(row, 2, upper_bound(query));
        sqlite3_bind_int64(row, 3, query->n);
        sqlite3_bind_int64(row, 4, query->since_us);
    }
    collect(history, query, row, chat_id, hits);
    while (!match->len && hits->len) { /* SQL_BEFORE knows no lower bound */
        const struct history_hit *last = hits->pdata[hits->len - 1];
        if (last->message->row >= query->since_us)
            break;
        g_ptr_array_set_size(hits, (int)hits->len - 1);
    }
    return hits;
}
