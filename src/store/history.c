/*
 * The life of a history, its chats, the archive's bookkeeping and the small
 * values. Writes go through history_turn.c; reads are prepared statements
 * stepped here, so that damage is noticed in one place.
 */
#include "store/history.h"
#include <string.h>
#include "base/intl.h"
#include "base/paths.h"
#include "base/stamp.h"
#include "model/jid.h"
#include "store/history_private.h"

#define CLEAN_AT_CLOSE_US (200 * G_TIME_SPAN_MILLISECOND)

/* ---- opening ----------------------------------------------------------- */

static void add_sentence(GString *text, const char *sentence)
{
    if (text->len)
        g_string_append_c(text, ' ');
    g_string_append(text, sentence);
}

static struct db *open_db(const char *dir, GError **error)
{
    return db_open(
        dir, HISTORY_FILE, &history_schema, history_sql, N_SQL, error);
}

static void open_again(struct history *history, GString *problem)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *kept = db_put_aside(history->dir, HISTORY_FILE, &error);

    history->damaged = true;
    if (kept)
        history->db = open_db(history->dir, &error);
    if (kept) {
        g_autofree char *text = g_strdup_printf(
            _("It is kept as %s; a new one is filled from the server's archive."),
            kept);
        add_sentence(problem, text);
    }
    if (error)
        add_sentence(problem, error->message);
    if (history->db && kept)
        history_salvage(history, kept);
}

struct history *history_open(
    const struct paths *paths, const char *jid, char **problem)
{
    struct history *history = g_new0(struct history, 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    history->jid = g_strdup(jid);
    /* "/" cannot be in a bare JID, "." and ".." are no domains; still. */
    history->dir = strchr(jid, '/') || *jid == '.' || !*jid
        ? NULL
        : g_build_filename(paths->data_dir, jid, NULL);
    history->log = g_byte_array_new();
    history->turn_rows = g_array_new(FALSE, FALSE, sizeof(gint64));
    history->kept = g_ptr_array_new_with_free_func(g_free);
    history->chats =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    history->some_unkept = -1;
    history->imported = -1;
    history->cleaning = true; /* looked for at the first commit */
    if (history->dir)
        history->db = open_db(history->dir, &error);
    else
        add_sentence(text, _("This address cannot name a folder."));
    if (error)
        add_sentence(text, error->message);
    if (error && error->code == DB_ERROR_DAMAGED)
        open_again(history, text);
    if (!history->db) {
        history->memory = true;
        history->db =
            db_open_memory(&history_schema, history_sql, N_SQL);
        add_sentence(text,
            _("Messages are kept in memory only and are gone when txmpp ends."));
    }
    history->waiting = (guint)history_read_int(
        history, history_read(history, SQL_COUNT_WAITING), 0);
    history_reindex_load(history);
    history_place_load(history);
    if (problem)
        *problem =
            text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
    return history;
}

const char *history_library(void)
{
    return sqlite3_libversion();
}

void history_close(struct history *history)
{
    gint64 start = g_get_monotonic_time();

    if (!history)
        return;
    while (history->cleaning && !history->queueing &&
        history_commit(history, NULL) &&
        g_get_monotonic_time() - start < CLEAN_AT_CLOSE_US)
        ;
    history->retry_us = 0;
    history_place_all(history);
    history_commit(history, NULL);
    history_stop_disk(history);
    worker_free(history->syncer);
    worker_free(history->checkpointer);
    db_close(history->db);
    pending_free(history);
    history_forget_spans(history);
    history_place_forget(history);
    g_byte_array_unref(history->log);
    g_ptr_array_unref(history->kept);
    g_array_unref(history->turn_rows);
    g_hash_table_unref(history->chats);
    g_free(history->jid);
    g_free(history->dir);
    g_free(history);
}

enum history_health history_health(const struct history *history)
{
    if (history->queueing)
        return HISTORY_FAILING;
    return history->memory ? HISTORY_MEMORY_ONLY : HISTORY_SOUND;
}

bool history_was_damaged(const struct history *history)
{
    return history->damaged;
}

/* ---- reading ----------------------------------------------------------- */

sqlite3_stmt *history_read(struct history *history, enum sql which)
{
    sqlite3_stmt *row = db_statement(history->db, which);

    if (!row)
        history_saw(history, db_result(history->db));
    return row;
}

bool history_step(struct history *history, sqlite3_stmt *row)
{
    int result = row ? sqlite3_step(row) : SQLITE_DONE;

    if (result == SQLITE_ROW)
        return true;
    if ((result & 0xff) != SQLITE_ERROR) /* that one is about the query */
        history_saw(history, result);
    if (row)
        sqlite3_reset(row);
    return false;
}

gint64 history_read_int(
    struct history *history, sqlite3_stmt *row, gint64 missing)
{
    gint64 value = missing;

    if (history_step(history, row)) {
        if (sqlite3_column_type(row, 0) != SQLITE_NULL)
            value = sqlite3_column_int64(row, 0);
        sqlite3_reset(row);
    }
    return value;
}

char *history_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    if (!text)
        return NULL;
    return g_utf8_validate(text, -1, NULL) ? g_strdup(text)
                                           : g_utf8_make_valid(text, -1);
}

/* ---- chats ------------------------------------------------------------- */

gint64 history_chat_id(struct history *history, const char *jid)
{
    const struct chat_ref *ref = g_hash_table_lookup(history->chats, jid);
    sqlite3_stmt *row;

    if (ref)
        return ref->id;
    row = history_read(history, SQL_CHAT);
    if (row)
        sqlite3_bind_text(row, 1, jid, -1, SQLITE_STATIC);
    return history_read_int(history, row, 0);
}

static gint64 new_chat_id(struct history *history)
{
    if (!history->next_chat)
        history->next_chat = 1 +
            CLAMP(history_read_int(
                      history, history_read(history, SQL_MAX_CHAT), 0),
                0, G_MAXINT64 / 2);
    return history->next_chat++;
}

static void add_chat(
    struct history *history, const char *jid, const struct chat_ref *ref)
{
    op_begin(history, SQL_ADD_CHAT);
    op_int(history, ref->id);
    op_text(history, jid);
    op_int(history, ref->kind);
    op_int(history, ref->keep);
    op_end(history);
}

/* Column 2 of SQL_CHAT and of chats. */
static enum history_keep read_keep(sqlite3_stmt *row)
{
    return (enum history_keep)CLAMP(
        sqlite3_column_int(row, 2), KEEP_IDS, KEEP_REDACTED);
}

struct chat_ref *history_chat_ref(
    struct history *history, const char *jid, enum chat_kind kind)
{
    struct chat_ref *ref = g_hash_table_lookup(history->chats, jid);
    sqlite3_stmt *row;

    if (ref)
        return ref;
    ref = g_new0(struct chat_ref, 1);
    ref->kind = kind;
    ref->keep = KEEP_ALL;
    row = history_read(history, SQL_CHAT);
    if (row)
        sqlite3_bind_text(row, 1, jid, -1, SQLITE_STATIC);
    if (history_step(history, row)) {
        ref->id = sqlite3_column_int64(row, 0);
        ref->kind = CLAMP(sqlite3_column_int(row, 1), 0, CHAT_OCCUPANT);
        ref->keep = read_keep(row);
        sqlite3_reset(row);
        history_place_before_looking(history);
        row = history_read(history, SQL_CHAT_LAST);
        if (row)
            sqlite3_bind_int64(row, 1, ref->id);
        ref->last = history_read_int(history, row, 0);
        if (ref->last < 0 || ref->last >= ROW_MAX) {
            ref->last = 0; /* nothing of ours */
            history_saw(history, SQLITE_CORRUPT);
        }
    } else {
        ref->id = new_chat_id(history);
        add_chat(history, jid, ref);
    }
    g_hash_table_insert(history->chats, g_strdup(jid), ref);
    return ref;
}

void history_chat_free(struct history_chat *chat)
{
    if (!chat)
        return;
    g_free(chat->jid);
    g_free(chat->draft);
    g_free(chat->read_stanza_id);
    g_free(chat);
}

static guint column_count(sqlite3_stmt *row, int column)
{
    return (guint)CLAMP(sqlite3_column_int64(row, column), 0, G_MAXINT);
}

static struct history_chat *read_chat(sqlite3_stmt *row)
{
    struct history_chat *chat = g_new0(struct history_chat, 1);

    chat->jid = history_text(row, 0);
    chat->kind = CLAMP(sqlite3_column_int(row, 1), 0, CHAT_OCCUPANT);
    chat->keep = read_keep(row);
    chat->unread = column_count(row, 3);
    chat->mentions = column_count(row, 4);
    chat->draft = history_text(row, 5);
    chat->read_ord = chat->read_row = sqlite3_column_int64(row, 6);
    chat->read_stanza_id = history_text(row, 7);
    chat->active_us = sqlite3_column_int64(row, 8);
    return chat;
}

static GPtrArray *read_chats(struct history *history, enum sql which)
{
    GPtrArray *chats =
        g_ptr_array_new_with_free_func((GDestroyNotify)history_chat_free);
    sqlite3_stmt *row = history_read(history, which);

    while (history_step(history, row)) {
        struct history_chat *chat = read_chat(row);
        if (chat->jid)
            g_ptr_array_add(chats, chat);
        else
            history_chat_free(chat);
    }
    return chats;
}

GPtrArray *history_chats(struct history *history, bool only_unread_or_drafts)
{
    history_place_before_looking(history);
    return read_chats(
        history, only_unread_or_drafts ? SQL_CHATS_WAITING : SQL_CHATS);
}

struct history_chat *history_find_chat(
    struct history *history, const char *jid)
{
    sqlite3_stmt *row = history_read(history, SQL_ONE_CHAT);
    struct history_chat *chat;

    if (row)
        sqlite3_bind_text(row, 1, jid, -1, SQLITE_STATIC);
    if (!history_step(history, row))
        return NULL;
    chat = read_chat(row);
    sqlite3_reset(row);
    return chat;
}

void history_save_chat(struct history *history, const struct chat *chat)
{
    struct chat_ref *ref = history_chat_ref(history, chat->jid, chat->kind);

    ref->kind = chat->kind;
    op_begin(history, SQL_SET_CHAT);
    op_int(history, ref->id);
    op_int(history, chat->kind);
    op_int(history, chat->unread);
    op_int(history, chat->mentions);
    op_text(history, chat->draft && *chat->draft ? chat->draft : NULL);
    op_int(history, chat->read_row);
    op_text(history, chat->read_stanza_id);
    op_end(history);
}

void history_set_read(struct history *history, const char *jid, gint64 row,
    const char *stanza_id)
{
    const struct chat_ref *ref = history_chat_ref(history, jid, CHAT_CONTACT);

    op_begin(history, SQL_SET_READ);
    op_int(history, ref->id);
    op_int(history, row);
    op_text(history, stanza_id);
    op_end(history);
}

guint history_count_after(
    struct history *history, const char *jid, gint64 row, guint max)
{
    gint64 id = history_chat_id(history, jid);
    sqlite3_stmt *count = id ? history_read(history, SQL_COUNT_AFTER) : NULL;

    if (count) {
        sqlite3_bind_int64(count, 1, id);
        sqlite3_bind_int64(count, 2, row);
        sqlite3_bind_int64(count, 3, max);
    }
    return (guint)history_read_int(history, count, 0);
}

void history_set_keep(struct history *history, const char *jid,
    enum chat_kind kind, enum history_keep keep)
{
    struct chat_ref *ref = history_chat_ref(history, jid, kind);

    ref->kind = kind;
    ref->keep = keep;
    history->some_unkept = keep == KEEP_ALL ? -1 : 1;
    op_begin(history, SQL_SET_KEEP);
    op_int(history, ref->id);
    op_int(history, kind);
    op_int(history, keep);
    op_end(history);
}

/* ---- a damaged file ---------------------------------------------------- */

/* What cannot come from the archive: unsent messages, drafts, read marks. Whatever of
 * the old file can still be read is taken over, the rest is let go. */
void history_salvage(struct history *history, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    struct history old = { .jid = history->jid, .dir = folder };

    old.db = db_open(folder, name, &history_schema, history_sql, N_SQL, NULL);
    if (!old.db)
        return;
    old.memory = true; /* its damage is known */
    {
        g_autoptr(GPtrArray) chats = read_chats(&old, SQL_SALVAGE);
        g_autoptr(GPtrArray) outbox = history_outbox(&old);
        for (guint i = 0; i < chats->len; i++) {
            const struct history_chat *saved = chats->pdata[i];
            const struct chat chat = { .jid = saved->jid,
                .kind = saved->kind,
                .draft = saved->draft,
                .unread = saved->unread,
                .mentions = saved->mentions,
                .read_row = saved->read_row,
                .read_stanza_id = saved->read_stanza_id };
            if (!jid_is_valid(saved->jid))
                continue;
            if (saved->keep != KEEP_ALL)
                history_set_keep(
                    history, saved->jid, saved->kind, saved->keep);
            if (saved->draft || saved->unread || saved->read_row > 0)
                history_save_chat(history, &chat);
        }
        for (guint i = 0; i < outbox->len; i++) {
            const struct history_out *out = outbox->pdata[i];
            const struct chat chat = { .jid = out->chat, .kind = out->kind };
            struct message *message = out->message;
            if (!jid_is_valid(out->chat))
                continue;
            message->received_us = message->row; /* the same place */
            history_add(history, &chat, message, 0);
            if (out->sent && message->row)
                history_set_sent(history, message->row, out->sm_seq);
        }
    }
    db_close(old.db);
}

/* ---- archive ----------------------------------------------------------- */

void hole_free(struct hole *hole)
{
    if (!hole)
        return;
    g_free(hole->archive);
    g_free(hole->after);
    g_free(hole->before);
    g_free(hole);
}

static char *read_text(
    struct history *history, enum sql which, const char *key)
{
    sqlite3_stmt *row = history_read(history, which);
    char *text = NULL;

    if (row)
        sqlite3_bind_text(row, 1, key, -1, SQLITE_STATIC);
    if (history_step(history, row)) {
        text = history_text(row, 0);
        sqlite3_reset(row);
    }
    return text;
}

char *history_archive_last(struct history *history, const char *archive)
{
    return read_text(history, SQL_LAST, archive);
}

void history_set_archive_last(
    struct history *history, const char *archive, const char *id)
{
    op_begin(history, SQL_SET_LAST);
    op_text(history, archive);
    op_text(history, id ? id : "");
    op_end(history);
}

GPtrArray *history_holes(struct history *history, const char *archive)
{
    GPtrArray *holes =
        g_ptr_array_new_with_free_func((GDestroyNotify)hole_free);
    sqlite3_stmt *row = history_read(history, SQL_HOLES);

    if (row)
        sqlite3_bind_text(row, 1, archive, -1, SQLITE_STATIC);
    while (history_step(history, row)) {
        struct hole *hole = g_new0(struct hole, 1);
        hole->row = sqlite3_column_int64(row, 0);
        hole->archive = history_text(row, 1);
        hole->after = history_text(row, 2);
        hole->before = history_text(row, 3);
        g_ptr_array_add(holes, hole);
    }
    return holes;
}

/* Their numbers are given here, not by the database: a write must mean the
 * same when it is run again. */
void history_add_hole(struct history *history, const struct hole *hole)
{
    history->next_hole = MAX(history->next_hole + 1, stamp_now());
    op_begin(history, SQL_ADD_HOLE);
    op_int(history, history->next_hole);
    op_text(history, hole->archive);
    op_text(history, hole->after);
    op_text(history, hole->before);
    op_end(history);
}

void history_set_hole(struct history *history, gint64 row, const char *after,
    const char *before)
{
    bool closed = after && before && strcmp(after, before) == 0;

    op_begin(history, closed ? SQL_DROP_HOLE : SQL_SET_HOLE);
    op_int(history, row);
    if (!closed) {
        op_text(history, after);
        op_text(history, before);
    }
    op_end(history);
}

/* ---- small values ------------------------------------------------------ */

char *history_get_value(struct history *history, const char *key)
{
    return read_text(history, SQL_VALUE, key);
}

void history_set_value(struct history *history, const char *key, const char *value)
{
    op_begin(history, value ? SQL_SET_VALUE : SQL_DROP_VALUE);
    op_text(history, key);
    if (value)
        op_text(history, value);
    op_end(history);
}
