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

static void put_words(struct history *history, enum sql which,
    const struct message *m, gint64 chat_id)
{
    g_autoptr(GString) buffer = NULL;
    gsize len;
    const char *sender = sender_of(m, &len);
    char tags[64];

    g_snprintf(tags, sizeof tags, "c%" G_GINT64_FORMAT " f%08x", chat_id,
        hash_folded(sender, len));
    op_begin(history, which);
    op_int(history, m->row);
    op_text(history, words_of(m, &buffer));
    op_text(history, tags);
    op_end(history);
}

void history_index(
    struct history *history, const struct message *message, gint64 chat_id)
{
    put_words(history, SQL_INDEX, message, chat_id);
}

void history_unindex(
    struct history *history, const struct message *message, gint64 chat_id)
{
    put_words(history, SQL_UNINDEX, message, chat_id);
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

static void collect(struct history *history, const struct history_query *query,
    sqlite3_stmt *row, gint64 chat_id, GPtrArray *hits)
{
    while (history_step(history, row)) {
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
        "There is no word to look for: give letters or digits.");
    return NULL;
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
    row = history_read(history,
        match->len ? SQL_SEARCH : chat_id ? SQL_BEFORE : SQL_ALL_BEFORE);
    if (!row)
        return hits;
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
