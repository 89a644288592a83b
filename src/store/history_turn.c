/*
 * A turn's writes. Each is put into a log, as bytes, and run from there at
 * once; what is on disk leaves the log. When the disk refuses, SQLite has
 * forgotten the whole transaction, and so the log is run again later, in its
 * order: until then writes only join it. Nothing else knows how to write, so
 * nothing can be written that could not be written again (F13).
 *
 * A commit is in the WAL, which a thread syncs while the next turn begins:
 *
 *     log:  | syncing | committed since | this turn |
 */
#include <errno.h>
#include <string.h>
#include "base/intl.h"
#include "base/stamp.h"
#include "store/history_private.h"

#define LOG_MAX (64u << 20) /* beyond it new writes are given up: refill */
#define LOG_KEEP (256u << 10)
#define CLEAN_ROWS 100
#define TIDY_WORDS 128 /* half a millisecond */
#define MERGE_PAGES 6  /* half a millisecond */
#define MERGE_MAX 128  /* as many as keep up with so many words */
#define FRESH_MAX 8192 /* rows that are looked through at most, about */
#define RESCUES_MAX 3 /* in a session: the disk itself is bad */
#define SYNC_BYTES (1u << 20) /* nobody waits for them, but they take memory */
/* A WAL of so many pages goes to the file, in a thread. It begins anew when a
 * turn begins just when all is moved; where turns follow each other too closely
 * for that, the last few are moved between two of them, here. */
#define WAL_PAGES 2500
#define WAL_PAGES_MAX 10000
#define WAL_PAGES_FEW 500

enum { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BLOB };
enum { HEAD = 6 }; /* which, number of values, length of all */

/* ---- the log ----------------------------------------------------------- */

void op_begin(struct history *history, enum sql which)
{
    const guint8 head[HEAD] = { (guint8)which };

    history->op = history->log->len;
    g_byte_array_append(history->log, head, HEAD);
}

static void put(struct history *history, guint8 type, const void *number,
    guint len, const void *data, guint data_len)
{
    guint at = history->log->len;
    guint8 *value;

    g_byte_array_set_size(history->log, at + 1 + len + data_len);
    value = history->log->data + at;
    *value = type;
    memcpy(value + 1, number, len);
    if (data_len)
        memcpy(value + 1 + len, data, data_len);
    history->log->data[history->op + 1]++;
}

static void put_bytes(struct history *history, guint8 type, const void *data,
    gsize len)
{
    guint32 n = (guint32)len;

    put(history, type, &n, sizeof n, data, n);
}

void op_int(struct history *history, gint64 value)
{
    put(history, VALUE_INT, &value, sizeof value, NULL, 0);
}

void op_null(struct history *history)
{
    put(history, VALUE_NULL, "", 0, NULL, 0);
}

void op_text(struct history *history, const char *text)
{
    if (text)
        put_bytes(history, VALUE_TEXT, text, strlen(text));
    else
        op_null(history);
}

void op_blob(struct history *history, const void *data, gsize len)
{
    if (data)
        put_bytes(history, VALUE_BLOB, data, len);
    else
        op_null(history);
}

struct value {
    guint8 type;
    gint64 number;
    const char *text; /* not terminated */
    guint32 len;
};

static const guint8 *read_value(const guint8 *p, struct value *value)
{
    memset(value, 0, sizeof *value);
    value->type = *p++;
    if (value->type == VALUE_INT) {
        memcpy(&value->number, p, sizeof value->number);
        return p + sizeof value->number;
    }
    if (value->type == VALUE_NULL)
        return p;
    memcpy(&value->len, p, sizeof value->len);
    value->text = (const char *)p + sizeof value->len;
    return p + sizeof value->len + value->len;
}

static gsize op_len(const guint8 *op)
{
    guint32 len;

    memcpy(&len, op + 2, sizeof len);
    return len;
}

static int run(struct history *history, const guint8 *op)
{
    sqlite3_stmt *statement = db_statement(history->db, op[0]);
    const guint8 *p = op + HEAD;
    int result;

    if (!statement)
        return db_result(history->db);
    sqlite3_clear_bindings(statement);
    for (int i = 1; i <= op[1]; i++) {
        struct value value;
        p = read_value(p, &value);
        if (value.type == VALUE_INT)
            sqlite3_bind_int64(statement, i, value.number);
        else if (value.type == VALUE_TEXT)
            sqlite3_bind_text(
                statement, i, value.text, (int)value.len, SQLITE_STATIC);
        else if (value.type == VALUE_BLOB)
            sqlite3_bind_blob(
                statement, i, value.text, (int)value.len, SQLITE_STATIC);
    }
    result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result;
}

/* ---- trouble ----------------------------------------------------------- */

void history_saw(struct history *history, int result)
{
    if (db_trouble(result) == DB_DAMAGED && !history->memory)
        history->rescue = true;
}

void history_saw_in_index(struct history *history, int result)
{
    if (db_trouble(result) != DB_DAMAGED || history->memory)
        return;
    if (history->index_made)
        history->rescue = true;
    else
        history->index_lost = true;
}

static void roll_back(struct history *history)
{
    if (!sqlite3_get_autocommit(db_handle(history->db)))
        db_exec(history->db, "ROLLBACK");
    history->in_turn = false;
}

/* by: the operation that failed, NULL: the commit, which writes the index. */
static void start_queueing(
    struct history *history, int result, const guint8 *by)
{
    if (!by || *by == SQL_INDEX || *by == SQL_UNINDEX || *by == SQL_MERGE)
        history_saw_in_index(history, result);
    else
        history_saw(history, result);
    roll_back(history);
    history->queueing = true;
}

/* ---- the disk ---------------------------------------------------------- */

static void forget_log(struct history *history, gsize len)
{
    if (len == history->log->len && len > LOG_KEEP) {
        g_byte_array_unref(history->log);
        history->log = g_byte_array_new();
    } else if (len) {
        g_byte_array_remove_range(history->log, 0, (guint)len);
    }
    if (len)
        pending_free(history); /* it counts in bytes of the log */
    history->written -= MIN(len, history->written);
    history->told -= MIN(len, history->told);
    history->syncing = 0;
}

static int sync_in_thread(gpointer db)
{
    return db_sync(db);
}

static int checkpoint_in_thread(gpointer db)
{
    return db_checkpoint(db);
}

static void start_sync(struct history *history)
{
    if (worker_is_busy(history->syncer) || !history->written)
        return;
    history->syncing = history->written;
    worker_start(history->syncer, sync_in_thread, history->db);
}

static bool later(struct history *history, int result, GError **error)
{
    g_set_error(error, DB_ERROR, DB_ERROR_UNUSABLE,
        _("The history in %s cannot be written: %s. What comes in is not "
        "confirmed to the server until it can; free some space or see to "
        "that folder."),
        history->dir, sqlite3_errstr(result));
    return false;
}

static void land(struct history *history, int result)
{
    if (result == SQLITE_OK) {
        forget_log(history, history->syncing);
        return;
    }
    roll_back(history);
    history->syncing = 0;
    history->sync_failed = history->queueing = true;
    history->retry_us = 0;
}

static void wait_for_disk(struct history *history)
{
    if (history->syncer && worker_is_busy(history->syncer))
        land(history, worker_wait(history->syncer));
    history->told = 0;
}

static void on_synced(int result, gpointer data)
{
    struct history *history = data;
    const bool wanted = history->told;
    g_autoptr(GError) error = NULL;

    land(history, result);
    if (result != SQLITE_OK) {
        history->told = 0;
        later(history, result, &error);
    } else if (history->told || history->written > SYNC_BYTES) {
        start_sync(history);
    }
    if ((wanted || error) && !history->told)
        history->on_disk(error, history->on_disk_data);
}

static void on_checkpoint(int result, gpointer data)
{
    (void)result, (void)data; /* tried again when the WAL has grown more */
}

void history_tell_on_disk(
    struct history *history, history_disk_fn fn, gpointer data)
{
    history->on_disk = fn;
    history->on_disk_data = data;
    if (history->memory || history->syncer)
        return;
    history->syncer = worker_new(on_synced, history);
    history->checkpointer = worker_new(on_checkpoint, history);
}

static void shorten_wal(struct history *history)
{
    guint pages = db_wal_pages(history->db);

    if (pages < WAL_PAGES)
        return;
    if (!history->checkpointer)
        db_checkpoint(history->db);
    else if (worker_is_busy(history->checkpointer))
        return;
    else if (pages >= WAL_PAGES_MAX &&
        pages - db_moved_pages(history->db) <= WAL_PAGES_FEW)
        db_checkpoint(history->db);
    else
        worker_start(
            history->checkpointer, checkpoint_in_thread, history->db);
}

/* Before the file is closed. */
void history_stop_disk(struct history *history)
{
    wait_for_disk(history);
    if (history->checkpointer && worker_is_busy(history->checkpointer))
        worker_wait(history->checkpointer);
}

/* ---- messages that are only in the log --------------------------------- */

static char *pending_key(char kind, gint64 number, const char *text,
    gsize len)
{
    return g_strdup_printf("%c%" G_GINT64_FORMAT " %.*s", kind, number,
        (int)len, text ? text : "");
}

static void pending_put(struct history *history, char kind, gint64 number,
    const struct value *text, gint64 row)
{
    if (text && text->type != VALUE_TEXT)
        return;
    g_hash_table_insert(history->pending,
        pending_key(kind, number, text ? text->text : NULL,
            text ? text->len : 0),
        g_memdup2(&row, sizeof row));
}

/* Values of SQL_ADD_MESSAGE: 0 row, 1 chat, 7 id, 8 given_by, 9 stanza_id,
 * 10 origin_id. */
static void pending_add(struct history *history, const guint8 *op)
{
    const guint8 *p = op + HEAD;
    struct value values[11];
    gint64 row;

    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
        p = read_value(p, &values[i]);
    row = values[0].number;
    pending_put(history, 'r', row, NULL, row);
    pending_put(history, 's', values[8].number, &values[9], row);
    pending_put(history, 'o', 0, &values[10], row);
}

gint64 pending_find(
    struct history *history, char kind, gint64 number, const char *text)
{
    g_autofree char *key = NULL;
    const gint64 *row;

    if (!history->queueing)
        return 0;
    if (!history->pending)
        history->pending =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    while (history->pending_to < history->log->len) {
        const guint8 *op = history->log->data + history->pending_to;
        if (op[0] == SQL_ADD_MESSAGE)
            pending_add(history, op);
        history->pending_to += op_len(op);
    }
    key = pending_key(kind, number, text, text ? strlen(text) : 0);
    row = g_hash_table_lookup(history->pending, key);
    return row ? *row : 0;
}

void pending_free(struct history *history)
{
    g_clear_pointer(&history->pending, g_hash_table_unref);
    history->pending_to = 0;
}

/* ---- writing ----------------------------------------------------------- */

static bool begin(struct history *history)
{
    static const guint8 begins[] = { N_SQL };
    int result;

    if (history->in_turn)
        return true;
    result = db_exec(history->db, "BEGIN IMMEDIATE");
    history->in_turn = result == SQLITE_OK;
    if (!history->in_turn)
        start_queueing(history, result, begins);
    return history->in_turn;
}

enum outcome op_end(struct history *history)
{
    guint32 len = history->log->len - (guint32)history->op;
    int result;

    memcpy(history->log->data + history->op + 2, &len, sizeof len);
    if (history->queueing && history->log->len > LOG_MAX) {
        g_byte_array_set_size(history->log, (guint)history->op);
        history->damaged = true;
        return OUTCOME_REFUSED;
    }
    if (history->queueing || !begin(history))
        return OUTCOME_QUEUED;
    result = run(history, history->log->data + history->op);
    switch (db_trouble(result)) {
    case DB_FINE:
        if (sqlite3_changes(db_handle(history->db)))
            return OUTCOME_DONE;
        g_byte_array_set_size(history->log, (guint)history->op);
        return OUTCOME_NOTHING;
    case DB_REFUSED:
        g_byte_array_set_size(history->log, (guint)history->op);
        return OUTCOME_REFUSED;
    default:
        start_queueing(
            history, result, history->log->data + history->op);
        return OUTCOME_QUEUED;
    }
}

guint8 *op_keep(struct history *history)
{
    guint32 len = history->log->len - (guint32)history->op;
    guint8 *op = g_memdup2(history->log->data + history->op, len);

    memcpy(op + 2, &len, sizeof len);
    g_byte_array_set_size(history->log, (guint)history->op);
    return op;
}

enum outcome op_run_kept(struct history *history, const guint8 *op)
{
    history->op = history->log->len;
    g_byte_array_append(history->log, op, (guint)op_len(op));
    return op_end(history);
}

gint64 op_first_int(const guint8 *op)
{
    struct value value;

    read_value(op + HEAD, &value);
    return value.number;
}

static int replay(struct history *history, const guint8 **by)
{
    int result = db_exec(history->db, "BEGIN IMMEDIATE");

    history->in_turn = result == SQLITE_OK;
    for (gsize at = history->written;
         result == SQLITE_OK && at < history->log->len;) {
        const guint8 *op = history->log->data + at;
        int done = run(history, op);
        if (db_trouble(done) == DB_LATER || db_trouble(done) == DB_DAMAGED) {
            result = done;
            *by = op;
        }
        at += op_len(op);
    }
    return result;
}

/* The new file knows the chats by the numbers that the log uses. */
static void bring_chats(struct history *history)
{
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, history->chats);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const struct chat_ref *ref = value;
        op_begin(history, SQL_ADD_CHAT);
        op_int(history, ref->id);
        op_text(history, key);
        op_int(history, ref->kind);
        op_int(history, ref->keep);
        op_end(history);
    }
}

/* Places are kept: what is unsent is known by its row. */
static void bring_unsent(struct history *history, const char *kept)
{
    g_autoptr(GHashTable) lasts =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gint64 last_row = history->last_row;
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, history->chats);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        struct chat_ref *ref = value;
        g_hash_table_insert(
            lasts, g_strdup(key), g_memdup2(&ref->last, sizeof ref->last));
        ref->last = 0;
    }
    history->last_row = 0;
    history_salvage(history, kept);
    history->last_row = MAX(history->last_row, last_row);
    g_hash_table_iter_init(&iter, lasts);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        struct chat_ref *ref = g_hash_table_lookup(history->chats, key);
        ref->last = MAX(ref->last, *(gint64 *)value);
        g_free(value);
    }
}

/* The file goes aside and a new one takes the log. */
static void rescue(struct history *history)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *kept = NULL;
    GByteArray *log = history->log;
    struct db *db = NULL;

    roll_back(history);
    history_stop_disk(history);
    history->written = 0; /* the new one has nothing of it */
    history->sync_failed = false;
    g_clear_pointer(&history->db, db_close);
    history_place_forget(history);
    if (++history->rescues <= RESCUES_MAX)
        kept = db_put_aside(history->dir, HISTORY_FILE, &error);
    if (kept)
        db = db_open(history->dir, HISTORY_FILE, &history_schema, history_sql,
            N_SQL, &error);
    if (error)
        g_warning("%s", error->message);
    history->rescue = false;
    history->damaged = true;
    history->reindex = 0;
    history->fresh = 0;
    history->bring_up = false;
    history->memory = !db;
    history->db =
        db ? db : db_open_memory(&history_schema, history_sql, N_SQL);
    history->queueing = false;
    pending_free(history);
    history->log = g_byte_array_new();
    bring_chats(history);
    if (kept)
        bring_unsent(history, kept);
    /* what was brought is the beginning of the log: a full disk does not
     * lose it */
    g_byte_array_append(history->log, log->data, log->len);
    g_byte_array_unref(log);
    roll_back(history);
    history->queueing = true;
    history->retry_us = 0;
    history->waiting = WAITING_MAX; /* as good as any number: it looks */
    g_ptr_array_set_size(history->kept, 0);
}

/* What the turn wrote is run again, on the new index. */
static void renew_index(struct history *history)
{
    roll_back(history);
    if (!history_renew_index(history))
        history->rescue = true;
    history->index_lost = false;
    history->queueing = true;
    history->retry_us = 0;
}

static void committed(struct history *history)
{
    history->in_turn = false;
    history->written = history->log->len;
    pending_free(history);
    if (history->queueing)
        history_forget_spans(history);
    history->queueing = false;
    if (g_hash_table_size(history->chats) > 4096)
        g_hash_table_remove_all(history->chats);
    if (history->memory)
        forget_log(history, history->log->len);
    else
        shorten_wal(history);
}

static bool end_turn(struct history *history, GError **error);

/* A long log is not tried again and again: each attempt rests ten times as
 * long as the last one took, at least a millisecond, at most two seconds. */
static bool try_again(struct history *history, GError **error)
{
    gint64 start = g_get_monotonic_time(), took;
    static const guint8 begins[] = { N_SQL };
    const guint8 *by = begins;
    int result = SQLITE_OK;

    if (start < history->retry_us)
        return later(history, db_result(history->db), error);
    if (history->sync_failed)
        result = db_sync_again(history->db);
    if (result == SQLITE_OK && history->sync_failed) {
        history->sync_failed = false;
        forget_log(history, history->written);
    }
    if (result == SQLITE_OK)
        result = replay(history, &by);
    if (result == SQLITE_OK) {
        by = NULL;
        result = db_exec(history->db, "COMMIT");
    }
    if (result == SQLITE_OK) {
        committed(history);
        return true;
    }
    start_queueing(history, result, by);
    if (history->rescue || history->index_lost)
        return end_turn(history, error);
    took = g_get_monotonic_time() - start;
    history->retry_us = start + took +
        CLAMP(took * 10, G_TIME_SPAN_MILLISECOND, 2 * G_TIME_SPAN_SECOND);
    return later(history, result, error);
}

static void do_chores(struct history *history)
{
    if (history->cleaning)
        history_clean(history, CLEAN_ROWS);
    if (history->reindex)
        history_reindex_some(history, CLEAN_ROWS);
    if (history->fresh >= FRESH_MAX)
        do /* no quiet moment comes: a whole batch */
            history_place_some(history);
        while (history->placing && !history->queueing);
    if (history->waiting >= WAITING_MAX) {
        history_index_some(history, WAITING_MAX);
        history_merge_some(history, MERGE_MAX);
    }
}

/* Into the WAL. */
static bool end_turn(struct history *history, GError **error)
{
    int result;

    if (history->index_lost)
        renew_index(history);
    if (history->rescue)
        rescue(history);
    if (!history->queueing)
        do_chores(history);
    history_note_waiting(history);
    if (history->queueing)
        return try_again(history, error);
    if (!history->in_turn) {
        g_byte_array_set_size(history->log, (guint)history->written);
        return true;
    }
    result = sqlite3_get_autocommit(db_handle(history->db))
        ? SQLITE_IOERR
        : db_exec(history->db, "COMMIT");
    if (result == SQLITE_OK) {
        committed(history);
        return true;
    }
    start_queueing(history, result, NULL);
    history->retry_us = 0;
    return history->rescue || history->index_lost
        ? end_turn(history, error)
        : later(history, result, error);
}

bool history_commit(struct history *history, GError **error)
{
    int result;

    wait_for_disk(history);
    if (!end_turn(history, error))
        return false;
    if (!history->written)
        return true;
    result = db_sync(history->db);
    history->syncing = history->written;
    land(history, result);
    return result == SQLITE_OK || later(history, result, error);
}

enum history_written history_write(struct history *history, GError **error)
{
    const gsize before = history->written;

    if (!history->syncer)
        return history_commit(history, error) ? HISTORY_ON_DISK
                                              : HISTORY_NOT_WRITTEN;
    if (history->told)
        return HISTORY_UNDER_WAY;
    if (!end_turn(history, error))
        return HISTORY_NOT_WRITTEN;
    if (history->written == before)
        return HISTORY_ON_DISK;
    history->told = history->written;
    start_sync(history);
    return HISTORY_UNDER_WAY;
}

/* Nobody waits for it: it is on disk with what comes next. */
bool history_write_quietly(struct history *history)
{
    if (!history->syncer)
        return history_commit(history, NULL);
    if (history->told || !end_turn(history, NULL))
        return false;
    if (history->written > SYNC_BYTES)
        start_sync(history);
    return true;
}

bool history_is_untidy(const struct history *history)
{
    return !history->queueing &&
        (history->cleaning || history->reindex || history->unmerged ||
            history->waiting >= TIDY_WORDS || history_is_unplaced(history));
}

bool history_tidy(struct history *history)
{
    if (history->queueing)
        ;
    else if (history->waiting >= TIDY_WORDS) /* all: then none is noted */
        history_index_some(history,
            history->waiting < WAITING_MAX ? history->waiting : TIDY_WORDS);
    else if (history_is_unplaced(history))
        history_place_some(history);
    else if (history->unmerged)
        history_merge_some(history, MERGE_PAGES);
    return history_write_quietly(history) && history_is_untidy(history);
}
