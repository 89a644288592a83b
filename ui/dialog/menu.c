/*
 * A context menu: a box of lines at a place. The arrows or a letter choose,
 * Enter and the left button take, Escape and a click elsewhere close. There
 * is at most one.
 */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "ui/dialog/menu.h"
#include "base/text.h"
#include <string.h>

struct item {
    int id;
    char letter;     /* 0: none */
    gunichar access; /* what a translated label has instead; 0: none */
    char *label;
};

struct menu {
    struct tui *tui;
    char *title;
    GArray *items;
    guint at, top;
    int x, y, cols, rows; /* as drawn; x, y at first as wished */
    menu_fn chosen, moved;
    gpointer data;
    GDestroyNotify free_data;
};

static void item_clear(gpointer data)
{
    g_free(((struct item *)data)->label);
}

static const struct item *item_at(const struct menu *menu, guint index)
{
    return &g_array_index(menu->items, struct item, index);
}

void menu_close(struct tui *tui)
{
    struct menu *menu = g_steal_pointer(&tui->menu);
    if (!menu)
        return;
    if (menu->free_data)
        menu->free_data(menu->data);
    g_array_free(menu->items, TRUE);
    g_free(menu->title);
    g_free(menu);
    tui_dirty_all(tui);
}

struct menu *menu_open(struct tui *tui, const char *title, int x, int y, menu_fn chosen,
    gpointer data, GDestroyNotify free_data)
{
    menu_close(tui);
    struct menu *menu = g_new0(struct menu, 1);
    *menu = (struct menu){ .tui = tui, .title = g_strdup(title), .x = x, .y = y,
        .chosen = chosen, .data = data, .free_data = free_data,
        .items = g_array_new(FALSE, FALSE, sizeof(struct item)) };
    g_array_set_clear_func(menu->items, item_clear);
    tui->menu = menu;
    tui_dirty(tui);
    return menu;
}

void menu_add(struct menu *menu, int id, char letter, const char *label)
{
    struct item item = { .id = id, .letter = letter };
    int at;
    item.label = letter ? label_take(label, letter, &at, &item.access) : g_strdup(label);
    if (item.access < 0x80)
        item.access = 0;
    g_array_append_val(menu->items, item);
}

void menu_on_move(struct menu *menu, menu_fn moved, const char *label)
{
    menu->moved = moved;
    for (guint i = 0; i < menu->items->len; i++)
        if (!strcmp(item_at(menu, i)->label, label))
            menu->at = i;
}

static void move_to(struct menu *menu, guint at)
{
    if (menu->at == at)
        return;
    menu->at = at;
    if (menu->moved)
        menu->moved(menu->tui, item_at(menu, at)->id, item_at(menu, at)->label, menu->data);
}

/* Closed first: what is run may open another. */
static void take(struct menu *menu, guint index)
{
    struct tui *tui = menu->tui;
    if (index >= menu->items->len)
        return;
    int id = item_at(menu, index)->id;
    g_autofree char *label = g_strdup(item_at(menu, index)->label);
    gpointer data = g_steal_pointer(&menu->data);
    GDestroyNotify free_data = menu->free_data;
    menu_fn chosen = menu->chosen;
    menu->free_data = NULL;
    menu_close(tui);
    chosen(tui, id, label, data);
    if (free_data)
        free_data(data);
}

static void mouse_key(struct menu *menu, const struct key *key)
{
    int row = key->y - menu->y - 1;
    bool inside = key->x > menu->x && key->x < menu->x + menu->cols - 1 && row >= 0 &&
        row < menu->rows - 2;
    if (key->button == MOUSE_WHEEL_UP || key->button == MOUSE_WHEEL_DOWN)
        move_to(menu,
            (guint)CLAMP((int)menu->at + (key->button == MOUSE_WHEEL_UP ? -1 : 1), 0,
                (int)menu->items->len - 1));
    else if (inside && key->button == MOUSE_LEFT)
        take(menu, menu->top + (guint)row);
    else if (key->button == MOUSE_LEFT || key->button == MOUSE_RIGHT)
        menu_close(menu->tui);
}

bool menu_key(struct tui *tui, const struct key *key)
{
    struct menu *menu = tui->menu;
    if (!menu)
        return false;
    guint count = menu->items->len;
    tui_dirty_all(tui);
    if (key->code == KEY_MOUSE_) {
        mouse_key(menu, key);
        return true;
    }
    gunichar letter = key->code == KEY_CHAR && !key->mods ? g_utf8_get_char(key->text) : 0;
    if (letter) {
        for (guint i = 0; i < count; i++)
            if (letter == (gunichar)item_at(menu, i)->letter ||
                g_unichar_tolower(letter) == item_at(menu, i)->access) {
                take(menu, i);
                return true;
            }
    } else if (key->code == KEY_ENTER)
        take(menu, menu->at);
    else if (key->code == KEY_UP_ || key->code == KEY_BACKTAB)
        move_to(menu, (menu->at + count - 1) % count);
    else if (key->code == KEY_DOWN_ || key->code == KEY_TAB)
        move_to(menu, (menu->at + 1) % count);
    else if (key->code == KEY_HOME_ || key->code == KEY_PGUP)
        move_to(menu, 0);
    else if (key->code == KEY_END_ || key->code == KEY_PGDN)
        move_to(menu, count - 1);
    else
        menu_close(tui);
    return true;
}

static void draw_item(struct area area, int y, const struct item *item, bool current)
{
    style_t style = style_of(current ? ROLE_MENU_SELECTED : ROLE_MENU);
    area_clear(area_sub(area, 1, y, area.cols - 2, 1), style);
    grid_text_fit(area, 2, y, area.cols - 4, style, item->label);
    char letter[8] = { item->letter, '\0' };
    if (item->access)
        letter[g_unichar_to_utf8(item->access, letter)] = '\0';
    if (item->letter)
        grid_text(area, area.cols - 3, y, 1, style_with(style, ATTR_UNDERLINE), letter);
}

void menu_draw(struct tui *tui, struct area area)
{
    struct menu *menu = tui->menu;
    if (!menu)
        return;
    int widest = text_width(menu->title, -1) + 2, count = (int)menu->items->len;
    for (int i = 0; i < count; i++)
        widest = MAX(widest, text_width(item_at(menu, (guint)i)->label, -1) + 2);
    menu->cols = MIN(widest + 4, area.cols);
    menu->rows = MIN(count + 2, area.rows);
    menu->x = CLAMP(menu->x, 0, area.cols - menu->cols);
    menu->y = CLAMP(menu->y, 0, area.rows - menu->rows);
    guint room = (guint)MAX(menu->rows - 2, 1);
    menu->top = CLAMP(menu->top, menu->at >= room ? menu->at - room + 1 : 0, menu->at);
    struct area box = area_sub(area, menu->x, menu->y, menu->cols, menu->rows);
    area_clear(box, style_of(ROLE_MENU));
    grid_box(box, style_of(ROLE_MENU));
    style_t bold = style_with(style_of(ROLE_MENU), ATTR_BOLD);
    int end = 3 + grid_text_fit(box, 3, 0, box.cols - 5, bold, menu->title);
    grid_text(box, 2, 0, 1, bold, " ");
    grid_text(box, end, 0, 1, bold, " ");
    for (guint i = 0; i < room && menu->top + i < (guint)count; i++)
        draw_item(box, (int)i + 1, item_at(menu, menu->top + i), menu->top + i == menu->at);
    area.grid->cursor_x = area.grid->cursor_y = -1;
}
