/*
 * Looking for text in the conversation in front, while it is typed. First
 * what the model holds is gone through, then the store page by page, some
 * milliseconds at a time between everything else, until there is a hit or an
 * end. Any part of a text is found, so the index of words is of no use here.
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include "store/history.h"
#include "ui/widget/form.h"
#include <string.h>

enum { PAGE = 200, SLICE_US = 4000, NEEDLE_COLS = 100, NEEDLE_ROOM = 12, NEEDLE_LEAST = 8 };

struct find {
    struct tui *tui;
    const struct window *window; /* compared only */
    struct input *input;
    char *needle;      /* folded; "" */
    guint64 origin;    /* where it was opened: a key, G_MAXUINT64 at the bottom */
    guint64 hit;       /* the key of the present one, 0: none */
    guint64 at;        /* the store is read from here on … */
    bool newer;        /* … in this direction … */
    guint idle;        /* … by this source */
    bool nothing;      /* more was found that way */
};

static void stop(struct find *find)
{
    g_clear_handle_id(&find->idle, g_source_remove);
}

/* The conversation, if it is still in front. */
static struct window *window_of(const struct find *find)
{
    struct window *window = window_current(find->tui);
    return window == find->window && window->kind == WINDOW_CHAT ? window : NULL;
}

static bool is_hit(const struct find *find, const struct window *window,
    const struct message *message)
{
    gsize len;
    return message->body && !pane_chat_hides(window->pane, message) &&
        text_find_folded(find->needle, message->body, strlen(message->body), &len);
}

static void take(struct find *find, struct window *window, guint64 key)
{
    stop(find);
    find->hit = key;
    find->nothing = false;
    pane_chat_goto_key(window->pane, key);
    pane_chat_mark(window->pane, key);
    pane_chat_find(window->pane, find->needle);
    tui_dirty_all(find->tui);
}

static void give_up(struct find *find)
{
    stop(find);
    find->nothing = true;
    tui_dirty(find->tui);
}

/* What the model holds beyond a key. */
static guint64 find_held(const struct find *find, const struct window *window, guint64 from)
{
    const GPtrArray *messages = window->chat->messages;
    for (guint i = 0; i < messages->len; i++) {
        const struct message *message = messages->pdata[find->newer ? i : messages->len - 1 - i];
        guint64 key = pane_chat_key(message);
        if ((find->newer ? key > from : key < from) && is_hit(find, window, message))
            return key;
    }
    return 0;
}

static guint64 first_held(const struct window *window)
{
    const GPtrArray *messages = window->chat->messages;
    for (guint i = 0; i < messages->len; i++) {
        const struct message *message = messages->pdata[i];
        if (message->row > 0)
            return (guint64)message->row;
    }
    return G_MAXINT64;
}

/* One page; false: there is none, or a hit was found. */
static bool look_at_page(struct find *find, struct window *window)
{
    struct history *history = window->chat->account->history;
    gint64 place = (gint64)MIN(find->at, (guint64)G_MAXINT64);
    g_autoptr(GPtrArray) page =
        history_page(history, window->chat->jid, place, place, !find->newer, PAGE);
    guint64 held = first_held(window);
    for (guint i = 0; i < page->len; i++) {
        const struct message *message = page->pdata[find->newer ? i : page->len - 1 - i];
        guint64 key = pane_chat_key(message);
        find->at = key;
        if (find->newer && key >= held)
            break;
        if (is_hit(find, window, message)) {
            take(find, window, key);
            return false;
        }
    }
    if (page->len == PAGE && !(find->newer && find->at >= held))
        return true;
    guint64 key = find->newer ? find_held(find, window, MIN(find->at, held - 1)) : 0;
    if (key)
        take(find, window, key);
    else
        give_up(find);
    return false;
}

static gboolean on_idle(gpointer data)
{
    struct find *find = data;
    struct window *window = window_of(find);
    gint64 until = g_get_monotonic_time() + SLICE_US;
    if (!window) {
        find->idle = 0;
        chat_find_close(find->tui);
        return G_SOURCE_REMOVE;
    }
    while (look_at_page(find, window))
        if (g_get_monotonic_time() >= until) {
            tui_dirty(find->tui);
            return G_SOURCE_CONTINUE;
        }
    return G_SOURCE_REMOVE; /* stop() knew it already */
}

/* The next one beyond from. */
static void look(struct find *find, guint64 from, bool newer)
{
    struct window *window = window_of(find);
    stop(find);
    find->nothing = false;
    find->newer = newer;
    if (!window || !*find->needle)
        return;
    const struct history *history = window->chat->account->history;
    guint64 held = first_held(window);
    bool in_store = history && newer && from < held;
    guint64 key = in_store ? 0 : find_held(find, window, from);
    if (key) {
        take(find, window, key);
        return;
    }
    if (!history || (newer && !in_store)) {
        give_up(find);
        return;
    }
    find->at = newer ? from : MIN(from, held);
    find->idle = g_idle_add(on_idle, find);
}

/* From where it was opened, with the message that is there. */
static void look_anew(struct find *find)
{
    struct window *window = window_of(find);
    const char *text = input_value(find->input);
    g_autofree char *cut = g_strndup(text, text_fit(text, -1, NEEDLE_COLS));
    g_free(find->needle);
    find->needle = text_fold(cut);
    find->hit = 0;
    if (window) {
        pane_chat_find(window->pane, find->needle);
        pane_chat_mark(window->pane, 0);
    }
    look(find, find->origin == G_MAXUINT64 ? G_MAXUINT64 : find->origin + 1, false);
}

/* ---- life ---- */

void chat_find_close(struct tui *tui)
{
    struct find *find = g_steal_pointer(&tui->find);
    if (!find)
        return;
    stop(find);
    if (*find->needle) {
        g_free(tui->found_text);
        tui->found_text = g_strdup(input_value(find->input));
    }
    input_free(find->input);
    g_free(find->needle);
    g_free(find);
    tui_dirty_all(tui);
}

bool chat_find_open(struct tui *tui, const char *text)
{
    struct window *window = window_current(tui);
    chat_find_close(tui);
    if (window->kind != WINDOW_CHAT)
        return false;
    struct find *find = g_new0(struct find, 1);
    find->tui = tui;
    find->window = window;
    find->input = input_new(INPUT_LINE, "find", "");
    input_set(find->input, text ? text : "");
    find->origin = pane_chat_place(window->pane);
    find->needle = g_strdup("");
    tui->find = find;
    layout_focus(tui, tui->leaf);
    if (text)
        look_anew(find);
    tui_dirty_all(tui);
    return true;
}

/* Back to where it was opened, without marks. */
static void leave(struct find *find)
{
    struct window *window = window_of(find);
    guint64 origin = find->origin;
    chat_find_close(find->tui);
    if (!window)
        return;
    pane_chat_find(window->pane, NULL);
    pane_chat_mark(window->pane, 0);
    if (origin == G_MAXUINT64)
        pane_chat_bottom(window->pane);
    else
        pane_chat_goto_key(window->pane, origin);
}

/* ---- keys ---- */

static void step(struct find *find, bool newer)
{
    if (!*find->needle) {
        input_set(find->input, find->tui->found_text ? find->tui->found_text : "");
        look_anew(find);
    } else
        look(find, find->hit ? find->hit : find->origin, newer);
}

static bool is_control(const struct key *key, const char *letter)
{
    return key->code == KEY_CHAR && key->mods == MOD_CTRL && !strcmp(key->text, letter);
}

bool chat_find_key(struct tui *tui, const struct key *key)
{
    struct find *find = tui->find;
    struct window *window = find ? window_of(find) : NULL;
    if (!find || key->code == KEY_MOUSE_)
        return false;
    if (!window) {
        chat_find_close(tui);
        return false;
    }
    tui_dirty(tui);
    if (key->code == KEY_ESC || is_control(key, "c") || is_control(key, "g"))
        leave(find);
    else if (key->code == KEY_ENTER)
        chat_find_close(tui);
    else if (key->code == KEY_UP_ || key->code == KEY_BACKTAB || is_control(key, "r"))
        step(find, false);
    else if (key->code == KEY_DOWN_ || key->code == KEY_TAB || is_control(key, "s"))
        step(find, true);
    else if (key->code == KEY_PGUP || key->code == KEY_PGDN)
        pane_chat_page(window->pane, key->code == KEY_PGUP ? 1 : -1);
    else if (key->code == KEY_F5)
        step(find, false);
    else if (input_key_press(find->input, key))
        look_anew(find);
    else {
        chat_find_close(tui);
        return false;
    }
    return true;
}

/* ---- drawing ---- */

void chat_find_draw(struct tui *tui, struct area area)
{
    const struct find *find = tui->find;
    const struct pane *line = tui->input;
    if (!find || !line->cols || !line->rows)
        return;
    struct area row = area_sub(area, line->x, line->y, line->cols, 1);
    char when[64] = "";
    if (find->idle)
        tui_format_time((gint64)MIN(find->at, (guint64)g_get_real_time()), "%Y-%m-%d", when,
            sizeof when);
    area_clear(row, style_of(ROLE_INPUT));
    int x = 1 + grid_text(row, 1, 0, row.cols / 2, style_of(ROLE_PROMPT_COMMAND), _("find>")) + 1;
    int room = row.cols - x - 1;
    g_autofree char *hint = find->idle
        ? g_strdup_printf(_("looking at %s"), when)
        : find->nothing
        ? g_strdup(find->newer ? _("nothing newer")
                : find->hit    ? _("nothing older here") : _("not found here"))
        : hints_fit(_("Up older  Down newer  Enter stay  Esc back"), room - NEEDLE_ROOM);
    int width = text_width(hint, -1);
    if (width && room > width + NEEDLE_LEAST) {
        grid_text(row, row.cols - width - 1, 0, width,
            style_of(find->nothing ? ROLE_ERROR : ROLE_GHOST), hint);
        room -= width + 2;
    }
    area.grid->cursor_x = area.grid->cursor_y = -1;
    input_draw(find->input, area_sub(row, x, 0, MAX(room, 4), 1), true);
}
