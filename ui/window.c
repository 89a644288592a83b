/* Windows: the console (0), the chats in the order in which they came, the
 * XML console. A number stays with its window until it is closed. */
#include "config.h"
#include "ui/ui.h"
#include "ui/notify.h"
#include "model/account.h"
#include "ui/term/screen.h"
#include "xep/xep0085_chatstates.h"
#include "xmpp/reading.h"
#include <string.h>

static void window_free(struct window *window)
{
    pane_free(window->pane);
    g_free(window);
}

static int free_number(const struct tui *tui)
{
    int number = 1;
    for (guint i = 0; i < tui->windows->len; i++) {
        const struct window *window = tui->windows->pdata[i];
        if (window->number == number)
            number++;
    }
    return number;
}

static void insert_sorted(struct tui *tui, struct window *window)
{
    guint at = 0;
    while (at < tui->windows->len &&
        ((struct window *)tui->windows->pdata[at])->number < window->number)
        at++;
    g_ptr_array_insert(tui->windows, (int)at, window);
}

static struct window *window_new(struct tui *tui, enum window_kind kind, int number)
{
    struct window *window = g_new0(struct window, 1);
    window->kind = kind;
    window->number = number;
    insert_sorted(tui, window);
    return window;
}

struct window *window_open(struct tui *tui, struct chat *chat)
{
    if (chat->ui)
        return chat->ui;
    struct window *window = window_new(tui, WINDOW_CHAT, free_number(tui));
    window->chat = chat;
    window->pane = pane_chat_new(tui, window);
    chat->ui = window;
    /* Somebody who is not in the list gets a row there. */
    if (!roster_find(chat->account->roster, chat->jid) || chat->kind != CHAT_CONTACT)
        pane_roster_reset(tui->roster);
    tui_dirty(tui);
    return window;
}

struct window *window_console(struct tui *tui)
{
    struct window *window = window_number(tui, 0);
    if (window)
        return window;
    window = window_new(tui, WINDOW_CONSOLE, 0);
    window->pane = pane_console_new(tui);
    return window;
}

struct window *window_xml(struct tui *tui)
{
    for (guint i = 0; i < tui->windows->len; i++) {
        struct window *window = tui->windows->pdata[i];
        if (window->kind == WINDOW_XML)
            return window;
    }
    struct window *window = window_new(tui, WINDOW_XML, free_number(tui));
    window->pane = pane_xml_new(tui);
    observers_want(tui->app->observers, EVENT_XML, true);
    return window;
}

struct window *window_number(const struct tui *tui, int number)
{
    for (guint i = 0; i < tui->windows->len; i++) {
        struct window *window = tui->windows->pdata[i];
        if (window->number == number)
            return window;
    }
    return NULL;
}

struct window *window_current(const struct tui *tui)
{
    return tui->leaf->window;
}

bool window_is_visible(const struct tui *tui, const struct window *window)
{
    if (!window || !tui->terminal_focused || tui->detached)
        return false;
    return layout_shows(tui, window);
}

const char *window_name(const struct window *window)
{
    if (window->kind == WINDOW_CHAT)
        return account_display_name(window->chat->account, window->chat->jid);
    return window->kind == WINDOW_XML ? "xml" : "console";
}

const char *window_title(const struct window *window)
{
    return window->kind == WINDOW_CONSOLE ? _("Console")
        : window->kind == WINDOW_XML      ? _("XML stream")
                                          : window_name(window);
}

guint window_urgency(const struct window *window)
{
    if (!window->chat)
        return window->hot ? 1 : 0;
    if (window->chat->mentions)
        return 3;
    if (!window->chat->unread)
        return 0;
    return window->chat->kind == CHAT_ROOM ? 1 : 2;
}

void window_mark_read(struct tui *tui, struct window *window)
{
    window->hot = 0;
    window->seen_us = g_get_real_time();
    struct chat *chat = window->chat;
    if (!chat || (!chat->unread && !chat->mentions))
        return;
    chat->read_us = window->seen_us;
    chat_mark_read(chat);
    notifier_read(tui->notifier, chat);
    tui_dirty(tui);
}

static void chat_state(const struct window *window, enum chat_state state)
{
    if (window->chat && window->chat->kind == CHAT_CONTACT && window->chat->account->session)
        chatstate_set(window->chat, state);
}

void window_show(struct tui *tui, struct window *window)
{
    struct window *before = tui->leaf->window;
    struct layout *leaf = layout_leaf_of(tui, window);
    pane_results_close(tui);
    input_menu_close(tui);
    tui->aside = NULL;
    tui->home = NULL;
    tui_dirty_all(tui);
    if (before == window) {
        window_mark_read(tui, window);
        return;
    }
    input_save_draft(tui);
    if (leaf)
        tui->leaf = leaf;
    else {
        if (before->kind == WINDOW_CHAT) {
            pane_chat_set_new(before->pane, 0);
            chat_state(before, CHATSTATE_INACTIVE);
        }
        tui->leaf->window = window;
    }
    tui->previous = before;
    input_load_draft(tui);
    window_mark_read(tui, window);
}

void window_close(struct tui *tui, struct window *window)
{
    if (window->kind == WINDOW_CONSOLE)
        return;
    if (tui->previous == window)
        tui->previous = NULL;
    if (tui->home == window)
        tui->home = NULL;
    struct window *next = tui->previous;
    if (!next) { /* the neighbour */
        guint at = 0;
        g_ptr_array_find(tui->windows, window, &at);
        next = tui->windows->pdata[at + 1 < tui->windows->len ? at + 1 : at - 1];
    }
    struct layout *leaf;
    bool current = tui->leaf->window == window;
    if (current)
        input_menu_close(tui);
    while ((leaf = layout_leaf_of(tui, window)))
        leaf->window = next;
    tui->previous = NULL;
    if (window->kind == WINDOW_XML)
        observers_want(tui->app->observers, EVENT_XML, false);
    g_ptr_array_remove(tui->windows, window);
    if (window->chat) {
        window->chat->ui = NULL;
        pane_roster_reset(tui->roster);
    }
    window_free(window);
    if (current) {
        input_load_draft(tui);
        window_mark_read(tui, tui->leaf->window);
    }
    tui_dirty_all(tui);
}

bool window_move(struct tui *tui, struct window *window, int number)
{
    if (number < 1 || number > 9999 || window->kind == WINDOW_CONSOLE)
        return false;
    struct window *other = window_number(tui, number);
    if (other == window)
        return true;
    int old = window->number;
    g_ptr_array_remove(tui->windows, window);
    if (other) {
        g_ptr_array_remove(tui->windows, other);
        other->number = old;
        insert_sorted(tui, other);
    }
    window->number = number;
    insert_sorted(tui, window);
    tui_dirty_all(tui);
    return true;
}
