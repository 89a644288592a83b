/*
 * The way of a key: a dialog, a menu, the results, the roster, the table of keys,
 * readline; the mouse; and whether somebody is there.
 */
#include "config.h"
#include "ui/ui.h"
#include "ui/picture/viewer.h"
#include "model/account.h"
#include "store/option.h"
#include "ui/linear/linear.h"
#include "ui/term/line.h"
#include "ui/term/screen.h"
#include "ui/term/signals.h"
#include "xep/xep0012_last.h"
#include "xep/xep0352_csi.h"
#include "xmpp/rfc6121_presence.h"
#include <string.h>

static bool is_plain(const struct key *key, enum key_code code)
{
    return key->code == code && !key->mods;
}

static bool is_control(const struct key *key, const char *letter)
{
    return key->code == KEY_CHAR && key->mods == MOD_CTRL && !strcmp(key->text, letter);
}

static bool inside(const struct pane *pane, const struct key *key)
{
    return pane->cols && key->x >= pane->x && key->y >= pane->y &&
        key->x < pane->x + pane->cols && key->y < pane->y + pane->rows;
}

static void scroll_window(struct window *window, int rows)
{
    if (window->kind == WINDOW_CHAT)
        pane_chat_scroll(window->pane, rows);
    else if (window->kind == WINDOW_CONSOLE)
        pane_console_scroll(window->pane, rows);
    else
        pane_xml_scroll(window->pane, rows);
}

static bool pane_mouse(struct pane *pane, const struct key *key)
{
    if (!inside(pane, key) || !pane->ops->key)
        return false;
    struct key relative = *key;
    relative.x -= pane->x;
    relative.y -= pane->y;
    return pane->ops->key(pane, &relative);
}

static void mouse(struct tui *tui, const struct key *key)
{
    if (key->button == MOUSE_RELEASE && tui->dragged)
        layout_remember(tui);
    if (key->button == MOUSE_DRAG && tui->dragged)
        layout_move_border(tui, tui->dragged, key->x, key->y);
    if (key->button == MOUSE_DRAG)
        return;
    tui->dragged =
        key->button == MOUSE_LEFT ? layout_border_at(tui, key->x, key->y) : NULL;
    struct layout *leaf = layout_leaf_at(tui, key->x, key->y);
    if (!leaf) {
        (void)(pane_mouse(tui->results, key) || pane_mouse(tui->status, key));
        return;
    }
    if (leaf->side) { /* the heading takes the focus, the rest what it shows */
        if (!pane_mouse(leaf->side, key) && key->button == MOUSE_LEFT)
            layout_focus(tui, leaf);
        return;
    }
    if (key->button == MOUSE_WHEEL_UP)
        scroll_window(leaf->window, 3);
    else if (key->button == MOUSE_WHEEL_DOWN)
        scroll_window(leaf->window, -3);
    else if (key->button == MOUSE_LEFT)
        layout_focus(tui, leaf);
    else if (key->button == MOUSE_RIGHT) {
        layout_focus(tui, leaf);
        chat_pick_menu_at(tui, leaf->window,
            key->y - leaf->y - (tui->headings && leaf->rows > 1), key->x, key->y + 1);
    }
}

static void focus_changed(struct tui *tui, bool focused)
{
    tui->terminal_focused = focused;
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        struct account *account = tui->app->accounts->pdata[i];
        if (account->session)
            client_state_set(account, focused);
    }
    if (focused)
        window_mark_read(tui, window_current(tui));
}

static void set_idle(struct tui *tui, bool idle)
{
    tui->idle = idle;
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        struct account *account = tui->app->accounts->pdata[i];
        if (account->session)
            rfc6121_presence_set_idle(account, idle);
    }
}

static gint64 autoaway_seconds(const struct tui *tui)
{
    const struct options *options = tui->app->options;
    return options && options_row(options, "presence.autoaway")
        ? options_int(options, NULL, "presence.autoaway") : 0;
}

/* Armed by a key and again only for what is left: one wake-up a pause. */
static gboolean on_idle_time(gpointer data)
{
    struct tui *tui = data;
    gint64 limit = autoaway_seconds(tui);
    gint64 quiet = (g_get_monotonic_time() - tui->touched_us) / G_USEC_PER_SEC;
    tui->idle_source = 0;
    if (limit > 0 && quiet >= limit)
        set_idle(tui, true);
    else if (limit > 0)
        tui->idle_source = g_timeout_add_seconds((guint)(limit - quiet), on_idle_time, tui);
    return G_SOURCE_REMOVE;
}

void tui_touch(struct tui *tui)
{
    tui->touched_us = g_get_monotonic_time();
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        struct account *account = tui->app->accounts->pdata[i];
        if (account->session)
            last_activity_touch(account);
    }
    if (tui->idle)
        set_idle(tui, false);
    gint64 limit = tui->idle_source ? 0 : autoaway_seconds(tui);
    if (limit > 0)
        tui->idle_source = g_timeout_add_seconds((guint)limit, on_idle_time, tui);
}

/* Keys of the input line that readline must not see. */
static bool input_key(struct tui *tui, const struct key *key)
{
    const char *text = tui->line ? line_text(tui->line) : "";
    if (tui->completion) {
        if (is_plain(key, KEY_TAB) || is_plain(key, KEY_DOWN_))
            return input_menu_step(tui, 1);
        if (key->code == KEY_BACKTAB || is_plain(key, KEY_UP_))
            return input_menu_step(tui, -1);
        bool escape = is_plain(key, KEY_ESC);
        bool chosen = is_plain(key, KEY_ENTER) && tui->completion_at != G_MAXUINT;
        input_menu_close(tui);
        if (escape || chosen)
            return true;
    }
    if (key->code == KEY_ENTER && (key->mods & MOD_ALT)) {
        if (tui->line)
            line_insert(tui->line, "\n");
        hints_learn(tui, "newline");
        return true;
    }
    if (is_control(key, "c")) {
        if (!*text)
            tui->quit_hint = true;
        if (tui->line)
            line_set(tui->line, "", 0);
        pane_dirty(tui->status);
        return true;
    }
    if (is_control(key, "d") && !*text) {
        tui->quit_hint = true;
        pane_dirty(tui->status);
        return true;
    }
    return false;
}

/* An answer, what is bound to a key, or readline's. */
static void linear_line_key(struct tui *tui, const struct key *key)
{
    if (linear_key(tui->linear, key))
        return;
    if (!input_key(tui, key)) {
        if (keys_run(tui, key))
            return;
        line_key(tui->line, key);
    }
    input_changed(tui);
}

void tui_key(struct tui *tui, const struct key *key)
{
    switch (key->code) {
    case KEY_FOCUS_IN:
    case KEY_FOCUS_OUT:
        focus_changed(tui, key->code == KEY_FOCUS_IN);
        return;
    case KEY_REPORT:
        if (tui->screen && screen_report(tui->screen, key->x, key->y)) {
            tui_choose_marks(tui);
            tui_dirty_all(tui);
        }
        return;
    case KEY_GROUND:
        if (tui->light_ground == key->x)
            return;
        tui->light_ground = key->x;
        tui_apply_theme(tui);
        return;
    case KEY_GRAPHICS:
        if (tui->screen && screen_graphics_report(tui->screen, (enum graphics)key->x)) {
            viewer_again(tui);
            tui_dirty_all(tui);
        }
        return;
    default:
        break;
    }
    tui_touch(tui);
    if (tui->quit_hint) {
        tui->quit_hint = false;
        pane_dirty(tui->status);
    }
    if (is_control(key, "z")) {
        if (signals_can_stop())
            tui_suspend(tui);
        return;
    }
    if (tui->linear) {
        linear_line_key(tui, key);
        return;
    }
    if (bare_key(tui, key))
        return;
    if (tui->small || dialog_key(tui, key) || viewer_key(tui, key) || menu_key(tui, key) ||
        palette_key(tui, key) || chat_find_key(tui, key) || chat_pick_key(tui, key))
        return;
    if (key->code == KEY_MOUSE_) {
        mouse(tui, key);
        return;
    }
    if (key->code == KEY_PASTE) {
        layout_focus(tui, tui->leaf);
        input_paste(tui, key);
        return;
    }
    if (tui->aside) {
        if (tui->aside->ops->key(tui->aside, key) || keys_run(tui, key) ||
            tui->aside == tui->roster)
            return;
        layout_focus(tui, tui->leaf); /* it was meant for the input line */
    }
    if (!input_key(tui, key)) {
        bool docked = layout_leaf_of_side(tui, tui->results);
        if ((!docked && tui->results->ops->key(tui->results, key)) || keys_run(tui, key))
            return;
        if (tui->line)
            line_key(tui->line, key);
    }
    input_changed(tui);
}
