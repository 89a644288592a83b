/*
 * Choosing a message by keys: while one of the conversation in front is picked
 * the keys are ours. What is done with it are command lines that name it by
 * its key.
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "ui/dialog/menu.h"
#include "ui/pane/chat_text.h"
#include <string.h>

enum { PAGE = 10, LINK_COLS = 40, LINKS = 9 };
enum { ACTION_QUOTE, ACTION_COPY, ACTION_OPEN, ACTION_COPY_LINK = 100 };

/* What /url calls the first link of a message; 0: it has none. */
static guint first_link(struct pane *pane, const struct message *message)
{
    guint bottom, next = 1;
    GPtrArray *messages = pane_chat_shown(pane, &bottom);
    for (guint i = messages ? bottom + 1 : 0; i-- > 0;) {
        const struct message *other = messages->pdata[i];
        if (pane_chat_hides(pane, other))
            continue;
        g_autoptr(GPtrArray) links = message_links(other);
        if (other == message)
            return links->len ? next : 0;
        next += links->len;
    }
    return 0;
}

/* Afterwards the keys are the input line's again. */
static void act(struct tui *tui, struct pane *pane, int action)
{
    const struct message *message = pane_chat_picked(pane, NULL);
    if (!message)
        return;
    guint64 key = pane_chat_key(message);
    guint first = first_link(pane, message);
    bool copy_link = action >= ACTION_COPY_LINK;
    g_autofree char *line = NULL;
    if (action == ACTION_QUOTE)
        line = g_strdup_printf("/quote %" G_GUINT64_FORMAT, key);
    else if (action == ACTION_COPY)
        line = g_strdup_printf("/copy %" G_GUINT64_FORMAT, key);
    else if (first)
        line = g_strdup_printf("/url %s %u", copy_link ? "copy" : "open",
            first + (guint)action - (copy_link ? ACTION_COPY_LINK : ACTION_OPEN));
    pane_chat_pick_end(pane);
    if (line)
        tui_run_shown(tui, line);
}

static void on_chosen(struct tui *tui, int id, const char *label, gpointer data)
{
    const struct window *window = window_current(tui);
    (void)label;
    (void)data;
    if (window->kind == WINDOW_CHAT)
        act(tui, window->pane, id);
}

static void open_menu(struct tui *tui, struct pane *pane, int x, int y)
{
    const struct message *message = pane_chat_picked(pane, NULL);
    const char *first = message->body ? message->body : "";
    g_autofree char *body = text_clean(first, (gssize)strcspn(first, "\n"), TEXT_ONE_LINE);
    g_autofree char *title = text_ellipsize(body, LINK_COLS / 2, tui->ascii);
    g_autoptr(GPtrArray) links = message_links(message);
    struct menu *menu = menu_open(tui, title, x, y, on_chosen, NULL, NULL);
    menu_add(menu, ACTION_QUOTE, 'q', _("Quote"));
    menu_add(menu, ACTION_COPY, 'c', _("Copy"));
    for (guint i = 0; i < MIN(links->len, LINKS); i++) {
        g_autofree char *clean = text_clean(links->pdata[i], -1, TEXT_ONE_LINE);
        g_autofree char *fit = text_ellipsize(clean, LINK_COLS, tui->ascii);
        g_autofree char *open = g_strdup_printf(_("Open %s"), fit);
        g_autofree char *copy = g_strdup_printf(_("Copy %s"), fit);
        menu_add(menu, ACTION_OPEN + (int)i, i ? (char)('1' + i) : 'o', open);
        menu_add(menu, ACTION_COPY_LINK + (int)i, 0, copy);
    }
}

void chat_pick_menu_at(struct tui *tui, struct window *window, int row, int x, int y)
{
    if (window->kind == WINDOW_CHAT && pane_chat_pick_at(window->pane, row) &&
        pane_chat_picked(window->pane, NULL))
        open_menu(tui, window->pane, x, y);
}

static bool step_key(struct pane *pane, const struct key *key)
{
    static const struct {
        enum key_code code;
        const char *letter;
        int step;
    } steps[] = { { KEY_UP_, "k", 1 }, { KEY_DOWN_, "j", -1 }, { KEY_PGUP, NULL, PAGE },
        { KEY_PGDN, NULL, -PAGE }, { KEY_HOME_, "g", 0 }, { KEY_END_, "G", 0 } };
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
        if (key->code == KEY_CHAR ? steps[i].letter && !strcmp(key->text, steps[i].letter)
                                  : key->code == steps[i].code) {
            if (steps[i].step)
                pane_chat_pick(pane, steps[i].step);
            else
                pane_chat_pick_edge(pane, steps[i].code == KEY_HOME_);
            return true;
        }
    return false;
}

bool chat_pick_key(struct tui *tui, const struct key *key)
{
    static const struct {
        const char *letter;
        int action;
    } letters[] = { { "q", ACTION_QUOTE }, { ">", ACTION_QUOTE }, { "c", ACTION_COPY },
        { "y", ACTION_COPY }, { "o", ACTION_OPEN } };
    const struct window *window = window_current(tui);
    int y;
    if (window->kind != WINDOW_CHAT || tui->aside || key->code == KEY_MOUSE_ ||
        !pane_chat_picked(window->pane, &y))
        return false;
    if (key->code == KEY_ENTER || (key->code == KEY_CHAR && !strcmp(key->text, " "))) {
        open_menu(tui, window->pane, window->pane->x + 4, window->pane->y + y + 1);
        return true;
    }
    if (!key->mods && step_key(window->pane, key))
        return true;
    for (gsize i = 0; i < G_N_ELEMENTS(letters); i++)
        if (key->code == KEY_CHAR && !key->mods && !strcmp(key->text, letters[i].letter)) {
            act(tui, window->pane, letters[i].action);
            return true;
        }
    if (key->code == KEY_CHAR && !key->mods)
        return true; /* no text is meant */
    pane_chat_pick_end(window->pane);
    return key->code == KEY_ESC || key->code == KEY_TAB;
}
