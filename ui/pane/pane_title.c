/* The first row: which account, whom we talk with, and how they are. */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include <string.h>

static const char *show_word(enum show show)
{
    switch (show) {
    case SHOW_CHAT:
        return _("free for chat");
    case SHOW_ONLINE:
        return _("available");
    case SHOW_AWAY:
        return _("away");
    case SHOW_XA:
        return _("away for long");
    case SHOW_DND:
        return _("do not disturb");
    default:
        return _("offline");
    }
}

static void append_presence(GString *out, const struct chat *chat, bool ascii)
{
    const struct contact *contact = roster_find(chat->account->roster, chat->jid);
    const char *dot = mark_text(MARK_DOT, ascii);
    if (!contact || chat->kind != CHAT_CONTACT)
        return;
    const struct presence *best = contact_best(contact);
    g_string_append_printf(out, " %s %s", dot, show_word(contact_show(contact)));
    const char *status = best ? best->status : contact->last_status;
    if (status && *status)
        g_string_append_printf(out, " %s \"%s\"", dot, status);
}

char *pane_title_text(const struct window *window, bool ascii)
{
    g_autoptr(GString) out = g_string_new(window_title(window));
    if (window->chat)
        append_presence(out, window->chat, ascii);
    return text_clean(out->str, -1, TEXT_ONE_LINE);
}

static void draw(struct pane *pane, struct area area)
{
    struct tui *tui = pane->tui;
    const struct window *window = window_current(tui);
    const struct account *account =
        window->chat ? window->chat->account : app_default_account(tui->app);
    area_clear(area, style_of(ROLE_TITLE));
    int x = 1, room = area.cols - 1;
    if (account && area.cols >= 70) {
        x += grid_text_fit(area, 1, 0, area.cols / 3, style_of(ROLE_TITLE_DIM), account->jid) + 3;
        /* The conversation stands above its pane. */
        if (!tui->headings && tui->leaf->x + 1 > x)
            x = tui->leaf->x + 1;
    }
    x += grid_text_fit(area, x, 0, room - x, style_of(ROLE_TITLE_NAME), window_title(window));
    if (!window->chat)
        return;
    g_autoptr(GString) rest = g_string_new(NULL);
    append_presence(rest, window->chat, area.grid->ascii);
    grid_text_fit(area, x, 0, room - x, style_of(ROLE_TITLE_DIM), rest->str);
}

static void destroy(struct pane *pane)
{
    g_free(pane);
}

static const struct pane_ops ops = { .name = "title", .destroy = destroy, .draw = draw };

struct pane *pane_title_new(struct tui *tui)
{
    struct pane *pane = g_new0(struct pane, 1);
    *pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    return pane;
}
