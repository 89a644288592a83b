/* The windows by number, with what is unread in them: for those who want it
 * in sight besides the contact list (/pane list show). */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include <string.h>

struct pane_list {
    struct pane pane;
    int top, cursor, height;
};

static struct pane_list *list_of(struct pane *pane)
{
    return (struct pane_list *)pane;
}

static guint count_of(const struct pane_list *view)
{
    return view->pane.tui->windows->len;
}

static struct window *window_at(const struct pane_list *view, int index)
{
    return index >= 0 && (guint)index < count_of(view)
        ? view->pane.tui->windows->pdata[index] : NULL;
}

static void draw_row(struct area area, int y, const struct window *window, enum role ground)
{
    static const enum role roles[] = { ROLE_TEXT, ROLE_UNREAD, ROLE_UNREAD, ROLE_MENTION };
    area_clear(area_sub(area, 0, y, area.cols, 1), style_of(ground));
    guint urgency = window_urgency(window);
    guint unread = window->chat ? window->chat->unread : window->hot;
    char number[16], count[16] = "";
    g_snprintf(number, sizeof number, "%3d", window->number);
    if (urgency == 3)
        g_snprintf(count, sizeof count, "@%u", MIN(window->chat->mentions, 999u));
    else if (unread)
        g_snprintf(count, sizeof count, "%u", MIN(unread, 999u));
    int width = (int)strlen(count);
    grid_text(area, 0, y, 4, style_on(style_of(ROLE_DIM), ground), number);
    style_t style = style_with(style_on(style_of(ROLE_ROSTER_NAME), ground),
        urgency ? ATTR_BOLD : 0);
    grid_text_fit(area, 4, y, area.cols - 6 - width, style, window_title(window));
    grid_text(area, area.cols - 1 - width, y, width, style_on(style_of(roles[urgency]), ground),
        count);
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_list *view = list_of(pane);
    int count = (int)count_of(view);
    view->height = area.rows;
    view->cursor = CLAMP(view->cursor, 0, count - 1);
    if (pane->focused)
        view->top = CLAMP(view->top, view->cursor - area.rows + 1, view->cursor);
    view->top = CLAMP(view->top, 0, MAX(count - area.rows, 0));
    area_clear(area, style_of(ROLE_TEXT));
    for (int y = 0; y < area.rows && view->top + y < count; y++) {
        const struct window *window = window_at(view, view->top + y);
        bool cursor = pane->focused && view->top + y == view->cursor;
        draw_row(area, y, window, cursor         ? ROLE_SELECTED
                : window == window_current(pane->tui) ? ROLE_ROSTER_OPEN
                                                      : ROLE_TEXT);
    }
}

static bool mouse_key(struct pane_list *view, const struct key *key)
{
    int step = key->button == MOUSE_WHEEL_UP ? -3 : key->button == MOUSE_WHEEL_DOWN ? 3 : 0;
    struct window *window = window_at(view, view->top + key->y);
    view->top += step;
    view->cursor += step;
    if (key->button == MOUSE_LEFT && window)
        window_show(view->pane.tui, window);
    pane_dirty(&view->pane);
    return true;
}

static bool on_key(struct pane *pane, const struct key *key)
{
    struct pane_list *view = list_of(pane);
    view->cursor = CLAMP(view->cursor, 0, (int)count_of(view) - 1);
    struct window *window = window_at(view, view->cursor);
    int page = MAX(view->height - 1, 1);
    if (key->code == KEY_MOUSE_)
        return mouse_key(view, key);
    if (key->mods)
        return false;
    switch (key->code) {
    case KEY_UP_:
        view->cursor--;
        break;
    case KEY_DOWN_:
        view->cursor++;
        break;
    case KEY_PGUP:
        view->cursor -= page;
        break;
    case KEY_PGDN:
        view->cursor += page;
        break;
    case KEY_HOME_:
        view->cursor = 0;
        break;
    case KEY_END_:
        view->cursor = G_MAXINT / 2;
        break;
    case KEY_ENTER:
        if (window)
            window_show(pane->tui, window);
        break;
    case KEY_DELETE:
        if (window)
            window_close(pane->tui, window);
        break;
    case KEY_ESC:
    case KEY_TAB:
        layout_focus(pane->tui, pane->tui->leaf);
        break;
    default:
        return false;
    }
    pane_dirty(pane);
    return true;
}

static void destroy(struct pane *pane)
{
    g_free(pane);
}

static const struct pane_ops ops = { .name = "list", .destroy = destroy, .draw = draw,
    .key = on_key };

struct pane *pane_list_new(struct tui *tui)
{
    struct pane_list *view = g_new0(struct pane_list, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    return &view->pane;
}
