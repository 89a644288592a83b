/*
 * The bare view: the conversation as plain lines on the empty terminal, for
 * its own selection. No parts, borders and marks, the mouse is the terminal's,
 * and long lines are wrapped by the terminal, which so knows that they are
 * one. Nothing is drawn meanwhile; what comes is there afterwards.
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "ui/draw/wrap.h"
#include "ui/term/screen.h"
#include <string.h>

struct bare {
    guint back; /* messages left out at the end */
};

/* One message: when, who, what. */
static void append_message(GString *out, struct tui *tui, struct pane *pane,
    const struct message *message)
{
    char when[64];
    tui_format_time(message->time_us, tui_option(tui, "ui.time"), when, sizeof when);
    g_autofree char *nick = pane_chat_nick(pane, message);
    const char *body = message->body ? message->body : message->oob ? message->oob : "";
    bool action = g_str_has_prefix(body, "/me ");
    g_autofree char *text = wrap_prepare(action ? body + 4 : body, -1);
    g_strchomp(text);
    g_string_append_printf(out, "%s %s%s%s %s\n", when, action ? "* " : "", nick,
        action ? "" : ":", text);
}

/* Rows that a terminal makes of it. */
static int rows_of(const char *text, int cols)
{
    int rows = 0;
    for (const char *line = text; *line;) {
        gsize len = strcspn(line, "\n");
        int width = text_width(line, (gssize)len);
        rows += MAX((width + cols - 1) / cols, 1);
        line += len + (line[len] == '\n');
    }
    return rows;
}

char *bare_text(struct tui *tui, struct window *window, guint back, int cols, int rows)
{
    guint bottom = 0;
    GPtrArray *messages = pane_chat_shown(window->pane, &bottom);
    GString *out = g_string_new(NULL);
    int used = 0;
    for (guint i = messages && bottom >= back ? bottom + 1 - back : 0; i-- > 0;) {
        const struct message *message = messages->pdata[i];
        if (pane_chat_hides(window->pane, message))
            continue;
        g_autoptr(GString) one = g_string_new(NULL);
        append_message(one, tui, window->pane, message);
        int more = rows_of(one->str, cols);
        if (used && used + more > rows)
            break;
        used += more;
        g_string_prepend(out, one->str);
    }
    if (used > rows) { /* one that is longer than the screen: its beginning */
        gsize fit = text_fit(out->str, (gssize)out->len, cols * rows);
        g_string_truncate(out, fit);
    }
    return g_string_free(out, FALSE);
}

static void show(struct tui *tui)
{
    g_autofree char *text = bare_text(tui, window_current(tui), tui->bare->back,
        tui->grid->cols, tui->grid->rows - 1);
    g_autofree char *hint =
        hints_fit(_("PageUp older  PageDown newer  Esc back"), tui->grid->cols - 1);
    screen_plain(tui->screen, text, hint);
}

bool bare_open(struct tui *tui)
{
    if (!tui->screen || window_current(tui)->kind != WINDOW_CHAT)
        return false;
    bare_close(tui);
    tui->bare = g_new0(struct bare, 1);
    screen_mouse(tui->screen, false);
    show(tui);
    return true;
}

void bare_close(struct tui *tui)
{
    if (!tui->bare)
        return;
    g_clear_pointer(&tui->bare, g_free);
    if (!tui->screen)
        return;
    screen_mouse(tui->screen, tui_option_bool(tui, "ui.mouse"));
    screen_forget(tui->screen);
    tui_dirty_all(tui);
}

void bare_again(struct tui *tui)
{
    if (tui->bare)
        show(tui);
}

bool bare_key(struct tui *tui, const struct key *key)
{
    enum { PAGE = 10 };
    guint bottom = 0;
    if (!tui->bare)
        return false;
    if (key->code == KEY_PGUP || key->code == KEY_UP_) {
        guint step = key->code == KEY_PGUP ? PAGE : 1;
        if (pane_chat_shown(window_current(tui)->pane, &bottom))
            tui->bare->back = MIN(tui->bare->back + step, bottom);
        show(tui);
    } else if (key->code == KEY_PGDN || key->code == KEY_DOWN_) {
        guint step = key->code == KEY_PGDN ? PAGE : 1;
        tui->bare->back -= MIN(step, tui->bare->back);
        show(tui);
    } else if (key->code == KEY_ESC || key->code == KEY_ENTER || key->code == KEY_CHAR)
        bare_close(tui);
    return true;
}
