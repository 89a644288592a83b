/*
 * Which rows a chat has. An index would have a place to write to for every chat
 * that something came in from: most of all that goes to the disk. So the newest
 * rows are in no list; they are looked through, which is cheap, for there are
 * few. Some thousands at once they are put into the table place, chat by chat.
 * Everything up to the row in the value PLACED is there; of what is behind it,
 * perhaps a part.
 *
 * Files of version 3 have an index instead. It stays, and SQLite uses it, until
 * all rows have their place; a slice in every quiet moment.
 */
#include "store/history_private.h"

#define PLACE_ROWS 2048 /* put in order together: few pages for many rows */
#define SLICE_ROWS 128  /* a third of a millisecond */
#define LOOK_ROWS 256   /* so many to look through for one row is too much */

struct put {
    gint64 chat, row;
};

/* Rows of it may stand in the table already: whoever reads takes each once. */
void history_place_forget(struct history *history)
{
    g_clear_pointer(&history->placing, g_array_unref);
    history->put = 0;
}

static int by_chat(gconstpointer one, gconstpointer other)
{
    const struct put *a = one, *b = other;

    if (a->chat != b->chat)
        return a->chat < b->chat ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* It would come back where it is no more. */
static void forget_batch_with(struct history *history, gint64 chat, gint64 row)
{
    const struct put put = { .chat = chat, .row = row };

    if (history->placing &&
        g_array_binary_search(history->placing, &put, by_chat, NULL))
        history_place_forget(history);
}

void history_place_load(struct history *history)
{
    g_autofree char *text = history_get_value(history, PLACED);
    sqlite3_stmt *fresh = history_read(history, SQL_COUNT_FRESH);

    history->placed = text ? g_ascii_strtoll(text, NULL, 10) : 0;
    if (fresh)
        sqlite3_bind_int64(fresh, 1, PLACE_ROWS);
    history->fresh = (guint)history_read_int(history, fresh, 0);
    history->bring_up = history_read_int(
        history, history_read(history, SQL_OLD_INDEX), 0) != 0;
}

/* A batch looks at the mark only when it begins: what comes behind both waits
 * for one, all else is put at once. */
void history_place(struct history *history, gint64 chat, gint64 row)
{
    bool in_batch = history->placing && row <= history->placing_to;

    if (row > history->placed && !in_batch) {
        history->fresh++;
        return;
    }
    op_begin(history, SQL_PLACE);
    op_int(history, chat);
    op_int(history, row);
    op_end(history);
}

void history_unplace(struct history *history, gint64 chat, gint64 row)
{
    forget_batch_with(history, chat, row);
    op_begin(history, SQL_UNPLACE);
    op_int(history, chat);
    op_int(history, row);
    op_end(history);
}

void history_move_place(
    struct history *history, gint64 row, gint64 from, gint64 to)
{
    forget_batch_with(history, from, row);
    op_begin(history, SQL_MOVE_PLACE);
    op_int(history, row);
    op_int(history, from);
    op_int(history, to);
    op_end(history);
}

/* Of so few numbers nobody needs to know what they were. */
static void drop_old_index(struct history *history)
{
    db_exec(history->db, "PRAGMA secure_delete=FAST");
    op_begin(history, SQL_DROP_OLD_INDEX);
    op_end(history);
    db_exec(history->db, "PRAGMA secure_delete=ON");
    history->bring_up = false;
}

/* The oldest rows behind the mark, chat by chat. */
static void begin_batch(struct history *history)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct put));
    sqlite3_stmt *next = history_read(history, SQL_NEXT_FRESH);

    if (next)
        sqlite3_bind_int64(next, 1, PLACE_ROWS);
    while (history_step(history, next)) {
        struct put put = { .chat = sqlite3_column_int64(next, 0),
            .row = sqlite3_column_int64(next, 1) };
        history->placing_to = put.row;
        g_array_append_val(rows, put);
    }
    g_array_sort(rows, by_chat);
    history->placing = rows;
    history->put = 0;
}

static void end_batch(struct history *history)
{
    guint n = history->placing->len;

    history->fresh =
        history->fresh > n && n == PLACE_ROWS ? history->fresh - n : 0;
    history_place_forget(history);
    if (n) {
        g_autofree char *text =
            g_strdup_printf("%" G_GINT64_FORMAT, history->placing_to);
        history_set_value(history, PLACED, text);
        history->placed = MAX(history->placed, history->placing_to);
    }
    if (history->bring_up && n < PLACE_ROWS && !history->queueing)
        drop_old_index(history);
}

bool history_is_unplaced(const struct history *history)
{
    return history->bring_up || history->placing || history->fresh >= PLACE_ROWS;
}

static void place_slice(struct history *history)
{
    if (!history->placing)
        begin_batch(history);
    const GArray *rows = history->placing;
    guint end = MIN(history->put + SLICE_ROWS, rows->len);
    for (; history->put < end; history->put++) {
        struct put *put = &g_array_index(rows, struct put, history->put);
        op_begin(history, SQL_PLACE);
        op_int(history, put->chat);
        op_int(history, put->row);
        op_end(history);
    }
    if (!history->queueing && history->put == rows->len)
        end_batch(history);
}

void history_place_some(struct history *history)
{
    if (!history->queueing && history_is_unplaced(history))
        place_slice(history);
}

/* Those of a batch count as fresh until it ends. */
void history_place_all(struct history *history)
{
    while (history->fresh && !history->bring_up && !history->queueing)
        place_slice(history);
}

void history_place_before_looking(struct history *history)
{
    if (history->fresh >= LOOK_ROWS)
        history_place_all(history);
}
