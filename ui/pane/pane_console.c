/* Lines of text, newest last, at most LINES_MAX of them: what the connection
 * and the commands say. Positions count from the end, so that they survive
 * the oldest lines going away. */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "ui/draw/wrap.h"
#include <string.h>
#include <time.h>

enum { LINES_MAX = 5000, LINE_BYTES = 64 * 1024, TIME_COLS = 10, ROWS_MAX = 2000 };

struct entry {
    gint64 time_us;
    enum role role;
    char *text; /* prepared for wrapping */
};

struct pane_console {
    struct pane pane;
    GQueue lines;  /* struct entry* */
    int back;      /* rows scrolled back from the end */
    int rows_seen;
};

static struct pane_console *console_of(struct pane *pane)
{
    return (struct pane_console *)pane;
}

static void entry_free(gpointer data)
{
    struct entry *entry = data;
    g_free(entry->text);
    g_free(entry);
}

void pane_console_add(struct pane *pane, gint64 time_us, enum role role, const char *text)
{
    struct pane_console *view = console_of(pane);
    struct entry *entry = g_new0(struct entry, 1);
    entry->time_us = time_us ? time_us : g_get_real_time();
    entry->role = role;
    entry->text = wrap_prepare(text, (gssize)strnlen(text, LINE_BYTES));
    gsize len = strlen(entry->text);
    while (len && entry->text[len - 1] == '\n')
        entry->text[--len] = '\0';
    g_queue_push_tail(&view->lines, entry);
    if (view->lines.length > LINES_MAX)
        entry_free(g_queue_pop_head(&view->lines));
    pane_dirty(pane);
}

static void draw_entry_row(struct area area, int y, const struct entry *entry,
    const struct wrap_row *row, bool first, int text_x)
{
    if (first && text_x) {
        char text[32];
        time_t seconds = (time_t)(entry->time_us / G_USEC_PER_SEC);
        struct tm tm;
        if (localtime_r(&seconds, &tm) && strftime(text, sizeof text, "%H:%M:%S", &tm))
            grid_text(area, 1, y, TIME_COLS - 2, style_of(ROLE_TIME), text);
    }
    grid_text_n(area, text_x, y, area.cols - text_x, style_of(entry->role),
        entry->text + row->start, (gssize)(row->end - row->start));
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_console *view = console_of(pane);
    area_clear(area, style_of(ROLE_TEXT));
    view->rows_seen = area.rows;
    int text_x = area.cols >= 40 ? TIME_COLS : 0;
    int width = MAX(area.cols - text_x - 1, 2);
    /* Bottom-up: entries are laid out until the pane is full; a second pass
     * draws them, so that few lines stand at the top. */
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    int wanted = area.rows + view->back, have = 0;
    GList *from = view->lines.tail;
    GList *first = NULL;
    for (GList *at = from; at && have < wanted; at = at->prev) {
        struct entry *entry = at->data;
        g_array_set_size(rows, 0);
        wrap_text(rows, entry->text, strlen(entry->text), width, ROWS_MAX);
        have += (int)rows->len;
        first = at;
    }
    view->back = CLAMP(view->back, 0, MAX(have - area.rows, 0));
    int y = have > area.rows + view->back ? -(have - area.rows - view->back) : 0;
    for (GList *at = first; at && y < area.rows; at = at->next) {
        struct entry *entry = at->data;
        g_array_set_size(rows, 0);
        wrap_text(rows, entry->text, strlen(entry->text), width, ROWS_MAX);
        for (guint i = 0; i < rows->len && y < area.rows; i++, y++)
            if (y >= 0)
                draw_entry_row(area, y, entry, &g_array_index(rows, struct wrap_row, i),
                    !i, text_x);
    }
}

void pane_console_clear(struct pane *pane)
{
    g_queue_clear_full(&console_of(pane)->lines, entry_free);
    console_of(pane)->back = 0;
    pane_dirty(pane);
}

void pane_console_scroll(struct pane *pane, int rows)
{
    struct pane_console *view = console_of(pane);
    view->back = MAX(view->back + rows, 0);
    pane_dirty(pane);
}

void pane_console_page(struct pane *pane, int pages)
{
    pane_console_scroll(pane, pages * MAX(console_of(pane)->rows_seen - 1, 1));
}

void pane_console_top(struct pane *pane)
{
    console_of(pane)->back = LINES_MAX * ROWS_MAX;
    pane_dirty(pane);
}

void pane_console_bottom(struct pane *pane)
{
    console_of(pane)->back = 0;
    pane_dirty(pane);
}

static void destroy(struct pane *pane)
{
    g_queue_clear_full(&console_of(pane)->lines, entry_free);
    g_free(pane);
}

static const struct pane_ops ops = { .name = "console", .destroy = destroy, .draw = draw };

struct pane *pane_console_new(struct tui *tui)
{
    struct pane_console *view = g_new0(struct pane_console, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    g_queue_init(&view->lines);
    return &view->pane;
}
