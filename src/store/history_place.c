/*
 * Which rows a chat has. An index would have a place to write to for every chat
 * that something came in from: most of all that goes to the disk. So the newest
 * rows are in no list; they are looked through, which is cheap, for there are
 * few. Some thousands at once they are put into the table place, chat by chat.
 * Everything up to the row in the value PLACED is there, nothing behind it.
 *
 * Files of version 3 have an index instead. It stays, and SQLite uses it, until
 * all rows have their place; a slice in every quiet moment.
 */
#include "store/history_private.h"

#define PLACE_ROWS 4096 /* a few milliseconds */
#define LOOK_ROWS 256   /* so many to look through for one row is too much */

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

/* Behind the mark as we know it, which is never less than the file's. */
void history_place(struct history *history, gint64 chat, gint64 row)
{
    if (row > history->placed) {
        history->fresh++;
        return;
    }
    op_begin(history, SQL_PLACE_ONE);
    op_int(history, chat);
    op_int(history, row);
    op_end(history);
}

void history_unplace(struct history *history, gint64 chat, gint64 row)
{
    op_begin(history, SQL_UNPLACE);
    op_int(history, chat);
    op_int(history, row);
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

static void place_some(struct history *history)
{
    sqlite3_stmt *next = history_read(history, SQL_NEXT_FRESH);
    g_autofree char *text = NULL;
    gint64 last = 0;
    guint n = 0;

    if (next)
        sqlite3_bind_int64(next, 1, PLACE_ROWS);
    if (history_step(history, next)) {
        last = sqlite3_column_int64(next, 0);
        n = (guint)sqlite3_column_int(next, 1);
        sqlite3_reset(next);
    }
    history->fresh = history->fresh > n && n == PLACE_ROWS
        ? history->fresh - n
        : 0;
    if (n) {
        text = g_strdup_printf("%" G_GINT64_FORMAT, last);
        op_begin(history, SQL_PLACE);
        op_int(history, last);
        op_end(history);
        history_set_value(history, PLACED, text);
        history->placed = MAX(history->placed, last);
    }
    if (history->bring_up && n < PLACE_ROWS && !history->queueing)
        drop_old_index(history);
}

bool history_is_unplaced(const struct history *history)
{
    return history->bring_up || history->fresh >= PLACE_ROWS;
}

void history_place_some(struct history *history)
{
    if (!history->queueing && history_is_unplaced(history))
        place_some(history);
}

void history_place_all(struct history *history)
{
    while (history->fresh && !history->bring_up && !history->queueing)
        place_some(history);
}

void history_place_before_looking(struct history *history)
{
    if (history->fresh >= LOOK_ROWS)
        history_place_all(history);
}
