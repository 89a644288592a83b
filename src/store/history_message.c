/*
 * Messages: recognising one that is here already, storing, paging.
 *
 * One message may come live, as carbon, from the offline store, from the
 * archive and once more after a resumption. Its archive id says so for
 * certain; where one of the copies has none, they are the same when id, sender
 * and text are equal, they are minutes apart at most, and at least one is a
 * copy by its own account. Two live ones are two (F28).
 */
#include <string.h>
#include "base/stamp.h"
#include "model/jid.h"
#include "store/history_private.h"

#define TWIN_BITS 31 /* a span is 2^31 µs, 36 minutes */
#define TWIN_NEAR_US (G_GINT64_CONSTANT(1) << 29) /* 9 minutes */
#define SPAN_KEYS 8192 /* more of them, and the index is asked each time */
#define TRIES 400
#define TRACES "history.traces" /* words of cleared chats are in the index */

/* ---- what is known already --------------------------------------------- */

static bool is_copy(const struct message *m, gint64 archive_us)
{
    return archive_us || m->carbon || m->archive || m->delayed;
}

/* 0: our own archive, else the number of the chat of that name; -1: unknown. */
static gint64 given_by(struct history *history, const char *by, bool add)
{
    gint64 id;

    if (!by || strcmp(by, history->jid) == 0)
        return 0;
    if (add) {
        history->imported = -1;
        return history_chat_ref(history, by, CHAT_ROOM)->id;
    }
    id = history_chat_id(history, by);
    return id ? id : -1;
}

static gint64 find_stanza(
    struct history *history, gint64 by, const char *stanza_id)
{
    gint64 row = pending_find(history, 's', by, stanza_id);
    sqlite3_stmt *found;

    if (row || by < 0)
        return row;
    found = history_read(history, SQL_BY_STANZA);
    if (found) {
        sqlite3_bind_int64(found, 1, by);
        sqlite3_bind_text(found, 2, stanza_id, -1, SQLITE_STATIC);
    }
    return history_read_int(history, found, 0);
}

gint64 history_find(
    struct history *history, const char *by, const char *stanza_id)
{
    return find_stanza(history, given_by(history, by, false), stanza_id);
}

gint64 history_find_own(struct history *history, const char *origin_id)
{
    gint64 row = pending_find(history, 'o', 0, origin_id);
    sqlite3_stmt *found;

    if (row)
        return row;
    found = history_read(history, SQL_BY_ORIGIN);
    if (found)
        sqlite3_bind_text(found, 1, origin_id, -1, SQLITE_STATIC);
    return history_read_int(history, found, 0);
}

static gint64 shown_time(const struct message *m)
{
    if (m->time_us > 0 && m->time_us < ROW_MAX)
        return m->time_us;
    return m->received_us > 0 && m->received_us < ROW_MAX ? m->received_us
                                                          : stamp_now();
}

static guint span_bit(gint64 key)
{
    return ((guint32)key * 2654435761u) >> (32 - SPAN_BITS);
}

static gint64 twin_key(gint64 chat, const char *id, gint64 span)
{
    return span << 32 | (g_str_hash(id) ^ (guint32)(chat * 2654435761u));
}

/* Addresses: '/resource' where the chat (or our own address) says the rest. */
static const char *shorten(const char *address, const char *base)
{
    size_t len = strlen(base);

    if (!address || strncmp(address, base, len) != 0 ||
        (address[len] && address[len] != '/'))
        return address;
    return address + len;
}

static char *lengthen(sqlite3_stmt *row, int column, const char *base)
{
    g_autofree char *text = history_text(row, column);

    if (!text)
        return NULL;
    if (*text == '\0' || *text == '/')
        return g_strconcat(base, text, NULL);
    return g_steal_pointer(&text);
}

struct known {
    gint64 chat;
    const struct message *message;
    gint64 by; /* of its stanza id */
    gint64 time;
    const char *sender;
    bool copy;
    gint64 row;    /* the same message, 0: none */
    bool repeated; /* its sender used the id before */
};

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Columns of SQL_TWINS. */
static void look_at_twin(struct known *known, sqlite3_stmt *row)
{
    const struct message *m = known->message;
    gint64 place = sqlite3_column_int64(row, 0);
    int flags = sqlite3_column_int(row, 1);
    gint64 back = sqlite3_column_int64(row, 3);
    const char *id = (const char *)sqlite3_column_text(row, 4);
    const char *stanza_id = (const char *)sqlite3_column_text(row, 6);
    bool copied = flags & (FLAG_CARBON | FLAG_ARCHIVE | FLAG_DELAYED);
    gint64 apart;

    if (sqlite3_column_int64(row, 2) != known->chat ||
        g_strcmp0(id, m->id) != 0 ||
        m->outgoing != ((flags & FLAG_OUTGOING) != 0) ||
        place <= 0 || place >= ROW_MAX || ABS(back / 2) >= ROW_MAX / 2)
        return;
    apart = place - back - known->time;
    if (apart > TWIN_NEAR_US || apart < -TWIN_NEAR_US)
        return;
    if (stanza_id && m->stanza_id) {
        bool same_id = strcmp(stanza_id, m->stanza_id) == 0;
        if (sqlite3_column_int64(row, 5) == known->by) {
            if (same_id)
                known->row = place;
            return; /* two entries of one archive are two messages */
        }
    }
    if (!(flags & FLAG_GHOST) &&
        (!is_same_text((const char *)sqlite3_column_text(row, 7),
             known->sender) &&
            !m->outgoing))
        return;
    if (!stanza_id && !m->stanza_id)
        known->repeated = true;
    if (!(flags & (FLAG_GHOST | FLAG_REDACTED)) &&
        !is_same_text((const char *)sqlite3_column_text(row, 8), m->body))
        return;
    if (stanza_id || m->stanza_id || known->copy || copied)
        known->row = place; /* the oldest one of several */
}

/* ---- twins ------------------------------------------------------------- */

/* Nearly no message has a twin, and so a span's keys are asked for once: a bit
 * that is not set says that there is none. A full span has all bits set. */
static void read_span(struct history *history, struct span *span)
{
    sqlite3_stmt *row = history_read(history, SQL_SPAN);
    guint n = 0;

    memset(span->bits, 0, sizeof span->bits);
    if (row) {
        sqlite3_bind_int64(row, 1, span->number << 32);
        sqlite3_bind_int64(row, 2, (span->number + 1) << 32);
        sqlite3_bind_int64(row, 3, SPAN_KEYS);
    }
    while (history_step(history, row)) {
        guint bit = span_bit(sqlite3_column_int64(row, 0));
        span->bits[bit / 8] |= (guint8)(1 << bit % 8);
        n++;
    }
    if (!row || n == SPAN_KEYS)
        memset(span->bits, 0xff, sizeof span->bits);
}

static struct span *find_span(struct history *history, gint64 number)
{
    for (guint i = 0; i < G_N_ELEMENTS(history->spans); i++)
        if (history->spans[i] && history->spans[i]->number == number)
            return history->spans[i];
    return NULL;
}

static bool may_have_twin(struct history *history, gint64 key)
{
    guint bit = span_bit(key);
    struct span *span = find_span(history, key >> 32);

    if (!span) {
        struct span **place = &history->spans[history->next_span++ %
            G_N_ELEMENTS(history->spans)];
        if (!*place)
            *place = g_new(struct span, 1);
        span = *place;
        span->number = key >> 32;
        read_span(history, span);
    }
    return span->bits[bit / 8] & 1 << bit % 8;
}

static void note_twin(struct history *history, gint64 key)
{
    guint bit = span_bit(key);
    struct span *span = find_span(history, key >> 32);

    if (span)
        span->bits[bit / 8] |= (guint8)(1 << bit % 8);
}

void history_forget_spans(struct history *history)
{
    for (guint i = 0; i < G_N_ELEMENTS(history->spans); i++)
        g_clear_pointer(&history->spans[i], g_free);
}

static void look_in_span(
    struct history *history, struct known *known, gint64 span)
{
    gint64 key = twin_key(known->chat, known->message->id, span);
    sqlite3_stmt *row;

    if (!may_have_twin(history, key))
        return;
    row = history_read(history, SQL_TWINS);
    if (row)
        sqlite3_bind_int64(row, 1, key);
    while (history_step(history, row))
        look_at_twin(known, row);
}

static void find_twin(struct history *history, struct known *known)
{
    gint64 span = known->time >> TWIN_BITS;
    gint64 before = (known->time - TWIN_NEAR_US) >> TWIN_BITS;
    gint64 after = (known->time + TWIN_NEAR_US) >> TWIN_BITS;

    if (after != span)
        look_in_span(history, known, after);
    look_in_span(history, known, span);
    if (before != span && !known->row)
        look_in_span(history, known, before);
}

/* The newest of the chat that shares this key and has the id; 0: none. */
static gint64 find_id_by_key(
    struct history *history, gint64 key, gint64 chat, const char *id)
{
    sqlite3_stmt *row = history_read(history, SQL_TWINS);
    gint64 found = 0;

    if (row)
        sqlite3_bind_int64(row, 1, key);
    while (history_step(history, row))
        if (!found && !(sqlite3_column_int(row, 1) & FLAG_GHOST) &&
            sqlite3_column_int64(row, 2) == chat &&
            g_strcmp0((const char *)sqlite3_column_text(row, 4), id) == 0)
            found = sqlite3_column_int64(row, 0);
    return found;
}

/* The index of twins knows an id only together with its span. So it is asked
 * span by span, and it is the index that says which ones there are. */
gint64 history_find_id(
    struct history *history, const char *chat_jid, const char *id)
{
    const gint64 chat = history_chat_id(history, chat_jid);
    gint64 key = twin_key(chat, id, ROW_MAX >> TWIN_BITS), found = 0;

    while (chat && !found && key > 0) {
        sqlite3_stmt *row = history_read(history, SQL_TWIN_BEFORE);
        gint64 there;
        if (row)
            sqlite3_bind_int64(row, 1, key);
        there = history_read_int(history, row, 0);
        if (there <= 0)
            break;
        if (there == key) {
            found = find_id_by_key(history, key, chat, id);
            key--;
        }
        key = twin_key(chat, id,
            (there >> 32) - (there >> 32 == key >> 32 ? 1 : 0));
    }
    return found;
}

/* What a copy proves and brings along. Most copies bring nothing new. */
static void complete(struct history *history, const struct message *m,
    gint64 row, gint64 by, bool copy)
{
    sqlite3_stmt *lacks = history_read(history, SQL_LACKS);
    enum delivery delivery = m->delivery, stored;
    bool wanted;

    if (lacks)
        sqlite3_bind_int64(lacks, 1, row);
    if (!history_step(history, lacks)) {
        if (!pending_find(history, 'r', row, NULL))
            return;
        stored = DELIVERY_NONE;
        wanted = true;
    } else {
        stored = CLAMP(sqlite3_column_int(lacks, 0), 0, DELIVERY_FAILED);
        wanted = (sqlite3_column_int(lacks, 1) && m->stanza_id) ||
            (sqlite3_column_int(lacks, 2) && m->origin_id);
        sqlite3_reset(lacks);
    }
    if (delivery == DELIVERY_FAILED || delivery == DELIVERY_QUEUED)
        delivery = stored;
    if (stored == DELIVERY_QUEUED && (copy || m->stanza_id))
        delivery = MAX(delivery, DELIVERY_SENT); /* the server has it */
    delivery = MAX(delivery, stored);
    if (!wanted && delivery == stored)
        return;
    op_begin(history, SQL_COMPLETE);
    op_int(history, row);
    op_int(history, delivery);
    op_int(history, by);
    op_text(history, m->stanza_id);
    op_text(history, m->outgoing ? m->origin_id : NULL);
    op_end(history);
}

struct place {
    struct chat_ref *ref;
    const char *jid;
    const char *origin_id;
    gint64 by;
    const char *stanza_id;
    gint64 time;
    int flags;
};

static void op_twin(struct history *history, const struct message *m,
    const struct place *place)
{
    gint64 key;

    if (!m->id) {
        op_null(history);
        return;
    }
    key = twin_key(place->ref->id, m->id, place->time >> TWIN_BITS);
    note_twin(history, key);
    op_int(history, key);
}

/* ---- what was imported ------------------------------------------------- */

/* A log has no ids: our archive's message is the imported one of the same text
 * and sender in the same second (one more or less: it was cut off). It gets the
 * archive's id and is no imported one any more, so that each is found once. */
static gint64 find_imported(struct history *history,
    const struct chat_ref *ref, const struct message *m, gint64 archive_us)
{
    sqlite3_stmt *found;

    if (history->imported < 0)
        history->imported = history_chat_id(history, HISTORY_IMPORTED);
    if (!history->imported || history->queueing || !m->body)
        return 0;
    found = history_read(history, SQL_IMPORTED);
    if (found) {
        sqlite3_bind_int64(found, 1, ref->id);
        sqlite3_bind_int64(found, 2, archive_us);
        sqlite3_bind_int64(found, 3, history->imported);
        sqlite3_bind_int64(found, 4, m->outgoing ? FLAG_OUTGOING : 0);
        sqlite3_bind_text(found, 5, m->body, -1, SQLITE_STATIC);
    }
    return history_read_int(history, found, 0);
}

static bool adopt(struct history *history, struct message *m,
    const struct place *place, gint64 archive_us)
{
    gint64 row = find_imported(history, place->ref, m, archive_us);

    if (!row)
        return false;
    op_begin(history, SQL_ADOPT);
    op_int(history, row);
    op_int(history, place->by);
    op_text(history, place->stanza_id);
    op_text(history, m->id);
    op_twin(history, m, place);
    op_text(history, m->outgoing ? m->origin_id : NULL);
    if (op_end(history) != OUTCOME_DONE)
        return false;
    m->row = m->ord = row;
    return true;
}

/* ---- storing ----------------------------------------------------------- */

static int flags_of(const struct message *m)
{
    return (int)m->type | (m->outgoing ? FLAG_OUTGOING : 0) |
        (m->carbon ? FLAG_CARBON : 0) | (m->archive ? FLAG_ARCHIVE : 0) |
        (m->delayed ? FLAG_DELAYED : 0) |
        (m->receipt_wanted ? FLAG_RECEIPT : 0) |
        (m->unstyled ? FLAG_UNSTYLED : 0);
}

static void put_bodies(struct history *history, const struct message *m)
{
    g_autoptr(GByteArray) bytes = NULL;
    GHashTableIter iter;
    gpointer lang, text;

    if (!m->bodies || g_hash_table_size(m->bodies) < 2) {
        op_blob(history, NULL, 0);
        return;
    }
    bytes = g_byte_array_new();
    g_hash_table_iter_init(&iter, m->bodies);
    while (g_hash_table_iter_next(&iter, &lang, &text)) {
        const char *name = lang ? lang : "", *body = text ? text : "";
        g_byte_array_append(
            bytes, (const guint8 *)name, (guint)strlen(name) + 1);
        g_byte_array_append(
            bytes, (const guint8 *)body, (guint)strlen(body) + 1);
    }
    op_blob(history, bytes->data, bytes->len);
}

static GHashTable *read_bodies(sqlite3_stmt *row)
{
    const char *p = sqlite3_column_blob(row, COLUMN_BODIES);
    const char *end = p ? p + sqlite3_column_bytes(row, COLUMN_BODIES) : NULL;
    GHashTable *bodies;

    if (!p)
        return NULL;
    bodies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    while (p < end) {
        const char *body = memchr(p, '\0', (size_t)(end - p));
        const char *stop =
            body ? memchr(body + 1, '\0', (size_t)(end - body - 1)) : NULL;
        if (!stop)
            break;
        g_hash_table_insert(bodies, g_utf8_make_valid(p, -1),
            g_utf8_make_valid(body + 1, -1));
        p = stop + 1;
    }
    return bodies;
}

static void put_text(struct history *history, const struct message *m,
    const struct place *place)
{
    const char *from = m->outgoing ? history->jid : place->jid;
    const char *to = m->outgoing ? place->jid : history->jid;

    if (place->flags & FLAG_GHOST) {
        for (int i = 0; i < 10; i++)
            op_null(history);
        return;
    }
    op_text(history, shorten(m->from, from));
    op_text(history, shorten(m->to, to));
    op_text(history, m->nick);
    if (place->flags & FLAG_REDACTED) {
        for (int i = 0; i < 5; i++)
            op_null(history);
        op_text(history, m->error);
        op_null(history);
        return;
    }
    op_text(history, m->body);
    op_text(history, m->subject);
    op_text(history, m->thread);
    op_text(history, m->lang);
    op_text(history, m->oob);
    op_text(history, m->error);
    put_bodies(history, m);
}

static enum outcome put_message(struct history *history,
    const struct message *m, const struct place *place, gint64 row)
{
    gint64 received = m->received_us > 0 ? m->received_us : row;

    op_begin(history, SQL_ADD_MESSAGE);
    op_int(history, row);
    op_int(history, place->ref->id);
    op_int(history, place->flags);
    op_int(history, m->delivery);
    op_int(history, row - place->time);
    op_int(history, row - received);
    op_twin(history, m, place);
    op_text(history, m->id);
    if (place->stanza_id)
        op_int(history, place->by);
    else
        op_null(history);
    op_text(history, place->stanza_id);
    op_text(history, place->origin_id);
    put_text(history, m, place);
    return op_end(history);
}

/* Live: now, behind everything of its chat, and never twice the same. */
static gint64 live_row(struct history *history, const struct chat_ref *ref,
    const struct message *m)
{
    gint64 row = m->received_us > 0 && m->received_us < ROW_MAX
        ? m->received_us
        : stamp_now();

    row = MAX(row, ref->last + 1);
    if (row <= history->last_row && history->last_row - row < G_TIME_SPAN_SECOND)
        row = history->last_row + 1;
    return row;
}

/* An archive's stamps may be of whole seconds: those that follow each other
 * stay in that order. They cannot be later than now. */
static gint64 archive_row(struct history *history, gint64 archive_us)
{
    gint64 us = CLAMP(archive_us, 1, stamp_now());

    if (us == history->archive_us)
        return history->archive_row + 1;
    history->archive_us = us;
    return us;
}

/* Conflicts are rare: the next microsecond, then ever larger jumps. */
static gint64 next_row(gint64 row, int tries)
{
    return tries < 64 ? row + 1 : row + g_random_int_range(1, 1 + 1000 * tries);
}

static bool is_taken(struct history *history, gint64 row)
{
    sqlite3_stmt *taken;

    if (pending_find(history, 'r', row, NULL))
        return true;
    taken = history_read(history, SQL_ROW_TAKEN);
    if (taken)
        sqlite3_bind_int64(taken, 1, row);
    return history_read_int(history, taken, 0) != 0;
}

/* The archive id is taken. By the same message? Our own archive says so for
 * certain, another one may be lying (H35). */
static bool is_same(struct history *history, const struct message *m,
    const struct place *place, gint64 row)
{
    sqlite3_stmt *same;

    if (place->by == 0)
        return true;
    same = history_read(history, SQL_SAME_TEXT);
    if (same) {
        sqlite3_bind_int64(same, 1, row);
        sqlite3_bind_text(same, 2, m->body, -1, SQLITE_STATIC);
        sqlite3_bind_text(same, 3,
            shorten(m->from, m->outgoing ? history->jid : place->jid), -1,
            SQLITE_STATIC);
    }
    return history_read_int(history, same, 1) != 0;
}

static enum history_added found(struct history *history, struct message *m,
    gint64 row, gint64 by, bool copy)
{
    complete(history, m, row, by, copy);
    m->row = m->ord = row;
    return HISTORY_DUPLICATE;
}

static enum history_added store(struct history *history, struct message *m,
    struct place *place, gint64 archive_us)
{
    bool copy = is_copy(m, archive_us);
    gint64 row = archive_us ? archive_row(history, archive_us)
                            : live_row(history, place->ref, m);
    enum outcome outcome = OUTCOME_NOTHING;

    for (int tries = 0; outcome == OUTCOME_NOTHING && tries < TRIES; tries++) {
        gint64 other = 0;
        if (history->queueing && is_taken(history, row)) {
            row = next_row(row, tries);
            continue;
        }
        outcome = put_message(history, m, place, row);
        if (outcome != OUTCOME_NOTHING)
            break;
        if (place->origin_id)
            other = history_find_own(history, place->origin_id);
        if (!other && place->stanza_id)
            other = find_stanza(history, place->by, place->stanza_id);
        if (!other) {
            row = next_row(row, tries);
        } else if (!place->stanza_id || is_same(history, m, place, other)) {
            return found(history, m, other, place->by, copy);
        } else {
            place->stanza_id = NULL;
            place->flags |= FLAG_REPEATED;
        }
    }
    if (outcome == OUTCOME_REFUSED || outcome == OUTCOME_NOTHING) {
        m->row = m->ord = 0;
        return HISTORY_NEW;
    }
    m->row = m->ord = row;
    place->ref->last = MAX(place->ref->last, row);
    if (archive_us)
        history->archive_row = row;
    else
        history->last_row = row;
    history_place(history, place->ref->id, row);
    if (place->flags & FLAG_INDEXED)
        history_index(history, m, place->ref->id);
    return place->flags & FLAG_REPEATED ? HISTORY_REPEATED : HISTORY_NEW;
}

static void make_valid(char **text)
{
    char *valid;

    if (!*text || g_utf8_validate(*text, -1, NULL))
        return;
    valid = g_utf8_make_valid(*text, -1);
    g_free(*text);
    *text = valid;
}

static int unkept_flag(enum history_keep keep)
{
    return keep == KEEP_REDACTED ? FLAG_REDACTED : FLAG_GHOST;
}

enum history_added history_add(struct history *history,
    const struct chat *chat, struct message *message, gint64 archive_us)
{
    struct chat_ref *ref = history_chat_ref(history, chat->jid, chat->kind);
    const char *own = !message->outgoing ? NULL
        : message->origin_id             ? message->origin_id
                                         : message->id;
    bool copy = is_copy(message, archive_us);
    struct place place = { .ref = ref,
        .jid = chat->jid,
        .stanza_id = message->stanza_id,
        .by = message->stanza_id
            ? given_by(history, message->stanza_by, true)
            : 0,
        .time = shown_time(message),
        .flags = flags_of(message) };
    struct known known = { .chat = ref->id,
        .message = message,
        .by = place.by,
        .time = place.time,
        .copy = copy };
    gint64 row = 0;

    make_valid(&message->body);
    make_valid(&message->subject);
    known.sender = shorten(
        message->from, message->outgoing ? history->jid : chat->jid);
    if (own && (copy || message->stanza_id || history->queueing))
        row = history_find_own(history, own);
    if (!row && message->id)
        find_twin(history, &known);
    if ((known.row || history->queueing) && !row && message->stanza_id)
        row = find_stanza(history, place.by, message->stanza_id);
    if (!row)
        row = known.row;
    if (row && (!message->stanza_id || place.by == 0 || row == known.row ||
                   is_same(history, message, &place, row)))
        return found(history, message, row, place.by, copy);
    if (archive_us && message->stanza_id && place.by == 0 &&
        adopt(history, message, &place, archive_us))
        return HISTORY_DUPLICATE;
    if (known.repeated)
        place.flags |= FLAG_REPEATED;
    /* A copy without an origin-id keeps none: ids of other clients need not
     * be unique. */
    place.origin_id = copy ? (message->outgoing ? message->origin_id : NULL)
                           : own;
    if (ref->keep != KEEP_ALL) {
        if (!message->outgoing || message->delivery != DELIVERY_QUEUED)
            place.flags |= unkept_flag(ref->keep);
    } else if (history_has_words(message)) {
        place.flags |= FLAG_INDEXED;
    }
    return store(history, message, &place, archive_us);
}

/* ---- changing ---------------------------------------------------------- */

static bool some_unkept(struct history *history)
{
    if (history->some_unkept < 0)
        history->some_unkept = history_read_int(history,
            history_read(history, SQL_SOME_UNKEPT), 0) != 0;
    return history->some_unkept;
}

/* The text of a chat that is not kept goes when the server has it. */
static void strip(struct history *history, gint64 row)
{
    sqlite3_stmt *load = history_read(history, SQL_LOAD);
    enum history_keep keep;
    const char *jid;
    bool indexed;

    if (load)
        sqlite3_bind_int64(load, 1, row);
    if (!history_step(history, load))
        return;
    jid = (const char *)sqlite3_column_text(load, COLUMN_CHAT);
    indexed = sqlite3_column_int(load, COLUMN_FLAGS) & FLAG_INDEXED;
    keep = jid ? history_chat_ref(history, jid, 0)->keep : KEEP_ALL;
    sqlite3_reset(load);
    if (indexed || keep == KEEP_ALL)
        return;
    op_begin(history, SQL_STRIP);
    op_int(history, row);
    op_int(history, unkept_flag(keep));
    op_end(history);
}

static enum outcome update(struct history *history, const struct message *m,
    const char *stanza_id)
{
    op_begin(history, SQL_UPDATE);
    op_int(history, m->row);
    op_int(history, m->delivery);
    op_text(history, m->error);
    op_int(history,
        stanza_id ? MAX(0, given_by(history, m->stanza_by, false)) : 0);
    op_text(history, stanza_id);
    return op_end(history);
}

bool history_update(struct history *history, const struct message *message)
{
    const char *stanza_id = message->stanza_id;
    enum outcome outcome;

    if (!message->row)
        return false;
    if (stanza_id && given_by(history, message->stanza_by, false) < 0)
        stanza_id = NULL;
    outcome = update(history, message, stanza_id);
    if (outcome == OUTCOME_NOTHING && stanza_id) /* another one has that id */
        outcome = update(history, message, NULL);
    if (outcome == OUTCOME_DONE && message->delivery != DELIVERY_QUEUED &&
        some_unkept(history))
        strip(history, message->row);
    if (outcome == OUTCOME_QUEUED)
        return is_taken(history, message->row);
    return outcome == OUTCOME_DONE;
}

void history_set_sent(struct history *history, gint64 row, guint32 sm_seq)
{
    op_begin(history, SQL_SENT);
    op_int(history, row);
    op_int(history, sm_seq);
    op_end(history);
}

void history_set_unsent(struct history *history, gint64 row)
{
    op_begin(history, SQL_SENT);
    op_int(history, row);
    op_null(history);
    op_end(history);
}

/* A cleared chat gets another name and a new one takes its place, whatever its
 * size; the rows go later, some at every commit. */
void history_clear(struct history *history, const char *chat_jid)
{
    struct chat_ref *ref = history_chat_ref(history, chat_jid, CHAT_CONTACT);
    g_autoptr(GPtrArray) outbox = history_outbox(history);
    gint64 old = ref->id, fresh = ref->id + 1;
    sqlite3_stmt *max = history_read(history, SQL_MAX_CHAT);

    fresh = MAX(history->next_chat,
        1 + CLAMP(history_read_int(history, max, old), old, G_MAXINT64 / 2));
    history->next_chat = fresh + 1;
    op_begin(history, SQL_BURY_CHAT);
    op_int(history, old);
    op_end(history);
    ref->id = fresh;
    ref->last = 0;
    op_begin(history, SQL_INHERIT_CHAT);
    op_int(history, old);
    op_int(history, fresh);
    op_text(history, chat_jid);
    op_int(history, ref->kind);
    op_end(history);
    history->cleaning = true;
    for (guint i = 0; i < outbox->len; i++) {
        const struct history_out *out = outbox->pdata[i];
        if (strcmp(out->chat, chat_jid) != 0)
            continue;
        op_begin(history, SQL_MOVE_UNSENT);
        op_int(history, out->message->row);
        op_int(history, fresh);
        op_end(history);
        history_move_place(history, out->message->row, old, fresh);
        ref->last = MAX(ref->last, out->message->row);
        if (ref->keep == KEEP_ALL && history_has_words(out->message)) {
            history_unindex(history, out->message, old);
            history_index(history, out->message, fresh);
        }
    }
}

static void drop(struct history *history, gint64 id, gint64 row)
{
    op_begin(history, SQL_DROP_MESSAGE);
    op_int(history, row);
    op_int(history, id);
    op_end(history);
    history_unplace(history, id, row);
}

/* Rows without text. */
static bool drop_ghosts(struct history *history, gint64 id, guint n)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
    sqlite3_stmt *row = history_read(history, SQL_ROWS);

    if (row) {
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_int64(row, 2, G_MAXINT64);
        sqlite3_bind_int64(row, 3, n);
    }
    while (history_step(history, row)) {
        gint64 place = sqlite3_column_int64(row, 0);
        g_array_append_val(rows, place);
    }
    for (guint i = 0; i < rows->len; i++)
        drop(history, id, g_array_index(rows, gint64, i));
    return rows->len;
}

static void clean_chat(struct history *history, gint64 id, guint n)
{
    g_autoptr(GPtrArray) rows =
        g_ptr_array_new_with_free_func((GDestroyNotify)message_free);
    g_autoptr(GArray) indexed = g_array_new(FALSE, FALSE, sizeof(bool));
    sqlite3_stmt *row = history_read(history, SQL_BEFORE);

    if (row) {
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_int64(row, 2, G_MAXINT64);
        sqlite3_bind_int64(row, 3, n);
    }
    while (history_step(history, row)) {
        bool has =
            sqlite3_column_int(row, COLUMN_FLAGS) & FLAG_INDEXED;
        g_array_append_val(indexed, has);
        g_ptr_array_add(rows, history_read_message(history, row));
    }
    for (guint i = 0; i < rows->len; i++) {
        const struct message *m = rows->pdata[i];
        if (g_array_index(indexed, bool, i))
            history_unindex(history, m, id);
        drop(history, id, m->row);
    }
    if (rows->len < n && !drop_ghosts(history, id, n)) {
        op_begin(history, SQL_DROP_CHAT);
        op_int(history, id);
        op_end(history);
        history_set_value(history, TRACES, "1");
    }
}

/* FTS5 only marks words as deleted: they are gone when lists are merged, and it
 * merges two or more. So a list with nothing in it is added first. */
static void clean_index(struct history *history, const char *state)
{
    sqlite3 *db = db_handle(history->db);
    const struct message nothing = { .row = -1, .body = (char *)"x" };
    int before = sqlite3_total_changes(db);

    if (strcmp(state, "1") == 0) {
        history_put_words(history, SQL_INDEX, &nothing, 0);
        op_end(history);
        history_put_words(history, SQL_UNINDEX, &nothing, 0);
        op_end(history);
        history_set_value(history, TRACES, "2");
        return;
    }
    op_begin(history, SQL_MERGE);
    op_int(history, -32);
    op_end(history);
    if (sqlite3_total_changes(db) - before < 2)
        history_set_value(history, TRACES, NULL);
}

void history_clean(struct history *history, guint n)
{
    gint64 id = history_read_int(
        history, history_read(history, SQL_BURIED), 0);
    g_autofree char *traces = id ? NULL : history_get_value(history, TRACES);

    if (id)
        clean_chat(history, id, n);
    else if (traces)
        clean_index(history, traces);
    else
        history->cleaning = false;
}

/* ---- reading ----------------------------------------------------------- */

static gint64 time_from(gint64 row, gint64 back)
{
    if (row < 0 || row >= ROW_MAX || back <= -ROW_MAX || back >= ROW_MAX)
        return row;
    return row - back;
}

struct message *history_read_message(
    struct history *history, sqlite3_stmt *row)
{
    struct message *m = message_new();
    g_autofree char *jid = history_text(row, COLUMN_CHAT);
    int flags = sqlite3_column_int(row, COLUMN_FLAGS);
    const char *chat = jid ? jid : "";

    m->row = m->ord = sqlite3_column_int64(row, COLUMN_ROW);
    m->type = MIN((guint)flags & FLAG_TYPE, MESSAGE_NOTICE);
    m->outgoing = flags & FLAG_OUTGOING;
    m->carbon = flags & FLAG_CARBON;
    m->archive = flags & FLAG_ARCHIVE;
    m->delayed = flags & FLAG_DELAYED;
    m->receipt_wanted = flags & FLAG_RECEIPT;
    m->unstyled = flags & FLAG_UNSTYLED;
    m->redacted = flags & FLAG_REDACTED;
    m->delivery =
        CLAMP(sqlite3_column_int(row, COLUMN_DELIVERY), 0, DELIVERY_FAILED);
    m->time_us = time_from(m->row, sqlite3_column_int64(row, COLUMN_TIME));
    m->received_us =
        time_from(m->row, sqlite3_column_int64(row, COLUMN_RECEIVED));
    m->id = history_text(row, COLUMN_ID);
    m->stanza_id = history_text(row, COLUMN_STANZA_ID);
    if (m->stanza_id) {
        m->stanza_by = history_text(row, COLUMN_BY_JID);
        if (!m->stanza_by)
            m->stanza_by = g_strdup(sqlite3_column_int64(row, COLUMN_BY)
                    ? chat
                    : history->jid);
    }
    m->origin_id = history_text(row, COLUMN_ORIGIN_ID);
    m->from = lengthen(row, COLUMN_SENDER, m->outgoing ? history->jid : chat);
    m->to = lengthen(row, COLUMN_RECIPIENT, m->outgoing ? chat : history->jid);
    m->nick = history_text(row, COLUMN_NICK);
    m->body = history_text(row, COLUMN_BODY);
    m->subject = history_text(row, COLUMN_SUBJECT);
    m->thread = history_text(row, COLUMN_THREAD);
    m->lang = history_text(row, COLUMN_LANG);
    m->oob = history_text(row, COLUMN_OOB);
    m->error = history_text(row, COLUMN_ERROR);
    m->bodies = read_bodies(row);
    return m;
}

struct message *history_load(struct history *history, gint64 row)
{
    sqlite3_stmt *load = history_read(history, SQL_LOAD);
    struct message *message;

    if (load)
        sqlite3_bind_int64(load, 1, row);
    if (!history_step(history, load))
        return NULL;
    message = history_read_message(history, load);
    sqlite3_reset(load);
    return message;
}

static void reverse(GPtrArray *array)
{
    for (guint i = 0; i < array->len / 2; i++) {
        gpointer other = array->pdata[array->len - 1 - i];
        array->pdata[array->len - 1 - i] = array->pdata[i];
        array->pdata[i] = other;
    }
}

GPtrArray *history_page(struct history *history, const char *chat_jid,
    gint64 ord, gint64 row, bool before, guint n)
{
    GPtrArray *page =
        g_ptr_array_new_with_free_func((GDestroyNotify)message_free);
    gint64 id = history_chat_id(history, chat_jid);
    sqlite3_stmt *step =
        id ? history_read(history, before ? SQL_BEFORE : SQL_AFTER) : NULL;

    if (step) {
        sqlite3_bind_int64(step, 1, id);
        sqlite3_bind_int64(step, 2, ord == G_MAXINT64 || !row ? ord : row);
        sqlite3_bind_int64(step, 3, n);
    }
    while (history_step(history, step))
        g_ptr_array_add(page, history_read_message(history, step));
    if (before)
        reverse(page);
    return page;
}

bool history_seek(struct history *history, const char *chat_jid,
    gint64 time_us, gint64 *ord, gint64 *row)
{
    gint64 id = history_chat_id(history, chat_jid), found_row;
    sqlite3_stmt *seek = id ? history_read(history, SQL_SEEK) : NULL;

    if (seek) {
        sqlite3_bind_int64(seek, 1, id);
        sqlite3_bind_int64(seek, 2, time_us - (time_us > G_MININT64));
    }
    found_row = history_read_int(history, seek, G_MININT64);
    if (found_row == G_MININT64)
        return false;
    *ord = *row = found_row;
    return true;
}

gint64 history_count(struct history *history, const char *chat_jid)
{
    gint64 id = chat_jid ? history_chat_id(history, chat_jid) : 0;
    sqlite3_stmt *count = history_read(
        history, chat_jid ? SQL_COUNT : SQL_COUNT_ALL);

    if (count && chat_jid)
        sqlite3_bind_int64(count, 1, id);
    return history_read_int(history, count, 0);
}

/* In portions, so that fn may do with the history whatever it likes. */
void history_foreach(struct history *history, const char *chat_jid,
    history_fn fn, gpointer data)
{
    gint64 id = chat_jid ? history_chat_id(history, chat_jid) : 0;
    gint64 after = G_MININT64;
    const guint n = 200;
    guint got = n;

    while (got == n && (!chat_jid || id)) {
        g_autoptr(GPtrArray) messages =
            g_ptr_array_new_with_free_func((GDestroyNotify)message_free);
        g_autoptr(GPtrArray) chats = g_ptr_array_new_with_free_func(g_free);
        sqlite3_stmt *row =
            history_read(history, chat_jid ? SQL_AFTER : SQL_ALL_AFTER);
        if (row) {
            sqlite3_bind_int64(row, 1, id);
            sqlite3_bind_int64(row, 2, after);
            sqlite3_bind_int64(row, 3, n);
        }
        while (history_step(history, row)) {
            g_ptr_array_add(chats, history_text(row, COLUMN_CHAT));
            g_ptr_array_add(messages, history_read_message(history, row));
        }
        got = messages->len;
        for (guint i = 0; i < got; i++) {
            const struct message *message = messages->pdata[i];
            after = message->row;
            if (!fn(chats->pdata[i] ? chats->pdata[i] : "", message, data))
                return;
        }
    }
}

void history_out_free(struct history_out *out)
{
    if (!out)
        return;
    g_free(out->chat);
    message_free(out->message);
    g_free(out);
}

/* NULL: it is not as we write them. */
static struct history_out *read_out(struct history *history, sqlite3_stmt *row)
{
    struct history_out *out = g_new0(struct history_out, 1);

    out->chat = history_text(row, COLUMN_CHAT);
    out->kind = CLAMP(sqlite3_column_int(row, COLUMN_KIND), 0, CHAT_OCCUPANT);
    out->message = history_read_message(history, row);
    out->sent = sqlite3_column_type(row, COLUMN_SM_SEQ) != SQLITE_NULL;
    out->sm_seq = (guint32)sqlite3_column_int64(row, COLUMN_SM_SEQ);
    if (out->chat && out->message->outgoing)
        return out;
    history_out_free(out);
    return NULL;
}

static GPtrArray *read_outbox(struct history *history, sqlite3_stmt *row)
{
    GPtrArray *outbox =
        g_ptr_array_new_with_free_func((GDestroyNotify)history_out_free);

    while (history_step(history, row)) {
        struct history_out *out = read_out(history, row);
        if (out)
            g_ptr_array_add(outbox, out);
    }
    return outbox;
}

struct history_out *history_load_out(struct history *history, gint64 place)
{
    sqlite3_stmt *row = history_read(history, SQL_LOAD);
    struct history_out *out = NULL;

    if (row)
        sqlite3_bind_int64(row, 1, place);
    if (history_step(history, row)) {
        out = read_out(history, row);
        sqlite3_reset(row);
    }
    return out;
}

GPtrArray *history_outbox(struct history *history)
{
    return read_outbox(history, history_read(history, SQL_OUTBOX));
}

GPtrArray *history_outbox_sent(struct history *history)
{
    return read_outbox(history, history_read(history, SQL_OUTBOX_SENT));
}

GPtrArray *history_outbox_after(
    struct history *history, gint64 after, guint n)
{
    sqlite3_stmt *row = history_read(history, SQL_OUTBOX_AFTER);

    if (row) {
        sqlite3_bind_int64(row, 1, after);
        sqlite3_bind_int64(row, 2, n);
    }
    return read_outbox(history, row);
}

guint history_count_unsent(
    struct history *history, gint64 after, gint64 up_to)
{
    sqlite3_stmt *row = history_read(history, SQL_COUNT_UNSENT);

    if (row) {
        sqlite3_bind_int64(row, 1, after);
        sqlite3_bind_int64(row, 2, up_to);
    }
    return (guint)history_read_int(history, row, 0);
}
