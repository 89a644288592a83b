/*
 * Where everything stands. Between the title and the status line is a binary
 * tree of splits; a leaf shows a window or one of the side panes (contact
 * list, results, list of windows). The roster is always in the tree, shown or
 * not. Where a split lacks the room for both halves it shows the one that has
 * the focus; zooming is the same for every split. From 20×5 cells up; below
 * that nothing is laid out (tui.c shows one line).
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include "model/jid.h"
#include "store/option.h"
#include <stdlib.h>
#include <string.h>

enum {
    ROSTER_FROM_COLS = 60, ROSTER_MIN = 12, ROSTER_MAX = 200, CHAT_MIN = 30,
    CHAT_COMFORTABLE = 39,
    TITLE_FROM_ROWS = 5, RULE_FROM_ROWS = 10, HEADINGS_FROM_ROWS = 6,
    LEAF_MIN_COLS = 20, LEAF_MIN_ROWS = 3, SPLIT_FROM_ROWS = 10, SHARE = 1000,
    DEPTH_MAX = 8,  /* of a split; the side panes may come on top */
    READ_DEPTH_MAX = 16,
};

struct layout *layout_new(struct window *window)
{
    struct layout *leaf = g_new0(struct layout, 1);
    leaf->kind = LAYOUT_LEAF;
    leaf->window = window;
    return leaf;
}

static struct layout *side_new(struct pane *pane)
{
    struct layout *leaf = layout_new(NULL);
    leaf->side = pane;
    return leaf;
}

void layout_free(struct layout *layout)
{
    if (!layout)
        return;
    layout_free(layout->a);
    layout_free(layout->b);
    g_free(layout);
}

/* ---- what is in the tree ---- */

typedef bool (*leaf_fn)(const struct layout *leaf, gconstpointer data);

static struct layout *find(struct layout *layout, leaf_fn fits, gconstpointer data)
{
    if (layout->kind == LAYOUT_LEAF)
        return fits(layout, data) ? layout : NULL;
    struct layout *found = find(layout->a, fits, data);
    return found ? found : find(layout->b, fits, data);
}

static bool shows_window(const struct layout *leaf, gconstpointer window)
{
    return window ? leaf->window == window : leaf->window != NULL;
}

static bool shows_side(const struct layout *leaf, gconstpointer pane)
{
    return pane ? leaf->side == pane : leaf->side != NULL;
}

struct layout *layout_leaf_of(const struct tui *tui, const struct window *window)
{
    if (tui->leaf->window == window)
        return tui->leaf;
    return window ? find(tui->layout, shows_window, window) : NULL;
}

static bool has_room(const struct layout *leaf, gconstpointer window)
{
    return leaf->window == window && leaf->cols;
}

/* Before the first drawing nothing has a size. */
bool layout_shows(const struct tui *tui, const struct window *window)
{
    return find(tui->layout, tui->layout->cols ? has_room : shows_window, window);
}

struct layout *layout_leaf_of_side(const struct tui *tui, const struct pane *pane)
{
    return pane ? find(tui->layout, shows_side, pane) : NULL;
}

static void collect(struct layout *layout, GPtrArray *leaves)
{
    if (layout->kind == LAYOUT_LEAF) {
        g_ptr_array_add(leaves, layout);
        return;
    }
    collect(layout->a, leaves);
    collect(layout->b, leaves);
}

static bool is_hidden(const struct tui *tui, const struct layout *leaf)
{
    return leaf->side && leaf->side == tui->roster && !tui->roster_shown &&
        tui->aside != tui->roster;
}

/* In reading order, without the contact list when it is hidden. */
GPtrArray *layout_leaves(const struct tui *tui)
{
    GPtrArray *leaves = g_ptr_array_new();
    collect(tui->layout, leaves);
    for (guint i = leaves->len; i-- > 0;)
        if (is_hidden(tui, leaves->pdata[i]))
            g_ptr_array_remove_index(leaves, i);
    return leaves;
}

/* The leaf that has the keys; the input line belongs to tui->leaf. */
static struct layout *focused_leaf(const struct tui *tui)
{
    struct layout *leaf = layout_leaf_of_side(tui, tui->aside);
    return leaf ? leaf : tui->leaf;
}

static bool contains(const struct layout *layout, const struct layout *leaf)
{
    while (leaf && leaf != layout)
        leaf = leaf->parent;
    return leaf != NULL;
}

static int depth_of(const struct layout *layout)
{
    int depth = 0;
    while ((layout = layout->parent))
        depth++;
    return depth;
}

struct layout *layout_leaf_at(const struct tui *tui, int x, int y)
{
    g_autoptr(GPtrArray) leaves = layout_leaves(tui);
    for (guint i = 0; i < leaves->len; i++) {
        struct layout *leaf = leaves->pdata[i];
        if (x >= leaf->x && y >= leaf->y && x < leaf->x + leaf->cols && y < leaf->y + leaf->rows)
            return leaf;
    }
    return NULL;
}

/* The split whose movable border is at this place. */
static struct layout *border_at(struct layout *split, int x, int y)
{
    if (split->kind == LAYOUT_LEAF)
        return NULL;
    const struct layout *b = split->b;
    bool both = split->a->cols && b->cols;
    if (both && split->kind == LAYOUT_COLS && x == b->x - 1 && y >= split->y &&
        y < split->y + split->rows)
        return split;
    if (both && split->kind == LAYOUT_ROWS && y == b->y && x >= split->x &&
        x < split->x + split->cols)
        return split;
    struct layout *found = border_at(split->a, x, y);
    return found ? found : border_at(split->b, x, y);
}

struct layout *layout_border_at(const struct tui *tui, int x, int y)
{
    return border_at(tui->layout, x, y);
}

/* Sizes as they will be drawn: several keys may come between two drawings. */
static void measure(struct tui *tui)
{
    if (!tui->relayout || tui->grid->cols < 20 || tui->grid->rows < 5)
        return;
    layout_place(tui);
    tui->relayout = true;
}

/* ---- focus ---- */

void layout_focus(struct tui *tui, struct layout *leaf)
{
    struct layout *before = tui->leaf;
    tui->aside = leaf->side;
    tui_dirty_all(tui);
    if (tui->aside == tui->roster && tui->roster)
        pane_roster_seek(tui->roster);
    if (leaf->side)
        return;
    window_mark_read(tui, leaf->window);
    if (leaf == before)
        return;
    input_menu_close(tui);
    input_save_draft(tui);
    if (leaf->window != before->window)
        tui->previous = before->window;
    tui->leaf = leaf;
    input_load_draft(tui);
}

void layout_focus_next(struct tui *tui, int step)
{
    g_autoptr(GPtrArray) leaves = layout_leaves(tui);
    guint at = 0;
    g_ptr_array_find(leaves, focused_leaf(tui), &at);
    layout_focus(tui, leaves->pdata[(at + leaves->len + (guint)step) % leaves->len]);
}

static int overlap(int from, int size, int other, int other_size)
{
    return MIN(from + size, other + other_size) - MAX(from, other);
}

/* The leaf that lies there: nearest, then the longest common border. */
static struct layout *neighbour(const struct tui *tui, enum direction direction)
{
    const struct layout *here = focused_leaf(tui);
    bool sideways = direction == DIRECTION_LEFT || direction == DIRECTION_RIGHT;
    bool back = direction == DIRECTION_LEFT || direction == DIRECTION_UP;
    struct layout *best = NULL;
    int best_gap = G_MAXINT, best_common = 0;
    g_autoptr(GPtrArray) leaves = layout_leaves(tui);
    for (guint i = 0; i < leaves->len; i++) {
        struct layout *leaf = leaves->pdata[i];
        int common = sideways ? overlap(here->y, here->rows, leaf->y, leaf->rows)
                              : overlap(here->x, here->cols, leaf->x, leaf->cols);
        int gap = direction == DIRECTION_LEFT ? here->x - leaf->x - leaf->cols
            : direction == DIRECTION_RIGHT    ? leaf->x - here->x - here->cols
            : direction == DIRECTION_UP       ? here->y - leaf->y - leaf->rows
                                              : leaf->y - here->y - here->rows;
        if (leaf == here || !leaf->cols || gap < 0 || common <= 0 || gap > best_gap ||
            (gap == best_gap && common <= best_common))
            continue;
        best = leaf;
        best_gap = gap;
        best_common = common;
    }
    if (best)
        return best;
    /* What a narrow screen does not show lies that way in the tree. */
    guint at = 0;
    g_ptr_array_find(leaves, here, &at);
    guint next = back ? at - 1 : at + 1;
    return next < leaves->len && !((struct layout *)leaves->pdata[next])->cols
        ? leaves->pdata[next] : NULL;
}

bool layout_focus_towards(struct tui *tui, enum direction direction)
{
    measure(tui);
    struct layout *leaf = neighbour(tui, direction);
    if (leaf)
        layout_focus(tui, leaf);
    return leaf != NULL;
}

/* What is new on the screen has been seen. */
static void mark_seen(struct tui *tui)
{
    tui->relayout = true;
    measure(tui);
    for (guint i = 0; i < tui->windows->len; i++)
        if (window_is_visible(tui, tui->windows->pdata[i]))
            window_mark_read(tui, tui->windows->pdata[i]);
}

/* ---- changing the tree ---- */

static void changed(struct tui *tui)
{
    tui->dragged = NULL;
    mark_seen(tui);
    tui_dirty_all(tui);
    layout_remember(tui);
}

/* other takes one half of where layout stood. */
static void insert_beside(struct tui *tui, struct layout *layout, struct layout *other,
    enum layout_kind kind, bool first)
{
    struct layout *split = g_new0(struct layout, 1);
    *split = (struct layout){ .kind = kind, .parent = layout->parent, .share = SHARE / 2,
        .a = first ? other : layout, .b = first ? layout : other };
    if (!layout->parent)
        tui->layout = split;
    else if (layout->parent->a == layout)
        layout->parent->a = split;
    else
        layout->parent->b = split;
    split->a->parent = split->b->parent = split;
}

/* The tree closes the gap; the leaf is the caller's. Not for the last one. */
static void take_out(struct tui *tui, struct layout *leaf)
{
    struct layout *split = leaf->parent, *above = split->parent;
    struct layout *other = split->a == leaf ? split->b : split->a;
    other->parent = above;
    if (!above)
        tui->layout = other;
    else if (above->a == split)
        above->a = other;
    else
        above->b = other;
    leaf->parent = NULL;
    g_free(split);
}

bool layout_split(struct tui *tui, enum layout_kind kind)
{
    struct layout *leaf = tui->leaf;
    tui->zoomed = false;
    tui->relayout = true;
    measure(tui);
    if (depth_of(leaf) >= DEPTH_MAX ||
        (kind == LAYOUT_COLS ? leaf->cols < 2 * LEAF_MIN_COLS + 1
                             : leaf->rows < SPLIT_FROM_ROWS))
        return false;
    /* The other half shows what was in front before, or what is not seen. */
    struct window *other = tui->previous;
    for (guint i = 0; i < tui->windows->len && (!other || layout_leaf_of(tui, other)); i++)
        other = tui->windows->pdata[i];
    if (!other || layout_leaf_of(tui, other))
        other = leaf->window;
    insert_beside(tui, leaf, layout_new(other), kind, false);
    changed(tui);
    return true;
}

static guint count_windows(const struct layout *layout)
{
    return layout->kind == LAYOUT_LEAF ? layout->window != NULL
                                       : count_windows(layout->a) + count_windows(layout->b);
}

/* The focused part goes, its neighbour takes the place. */
bool layout_close_leaf(struct tui *tui)
{
    struct layout *leaf = focused_leaf(tui);
    if (leaf->side) {
        layout_hide_side(tui, leaf->side);
        return true;
    }
    if (count_windows(tui->layout) < 2)
        return false;
    struct layout *other = leaf->parent->a == leaf ? leaf->parent->b : leaf->parent->a;
    take_out(tui, leaf);
    struct layout *next = find(other, shows_window, NULL);
    if (!next)
        next = find(tui->layout, shows_window, NULL);
    layout_focus(tui, next);
    g_free(leaf);
    changed(tui);
    return true;
}

void layout_only_leaf(struct tui *tui)
{
    g_autoptr(GPtrArray) leaves = g_ptr_array_new();
    collect(tui->layout, leaves);
    for (guint i = 0; i < leaves->len; i++) {
        struct layout *leaf = leaves->pdata[i];
        if (leaf == tui->leaf || leaf->side == tui->roster)
            continue;
        take_out(tui, leaf);
        g_free(leaf);
    }
    if (tui->aside != tui->roster)
        tui->aside = NULL;
    tui->zoomed = false;
    changed(tui);
}

void layout_zoom(struct tui *tui)
{
    tui->zoomed = !tui->zoomed;
    mark_seen(tui);
    tui_dirty_all(tui);
}

bool layout_swap(struct tui *tui, enum direction direction)
{
    struct layout *here = focused_leaf(tui), *there;
    measure(tui);
    if (direction == DIRECTION_NEXT || direction == DIRECTION_PREV) {
        g_autoptr(GPtrArray) leaves = layout_leaves(tui);
        guint at = 0;
        g_ptr_array_find(leaves, here, &at);
        guint step = direction == DIRECTION_NEXT ? 1 : leaves->len - 1;
        there = leaves->pdata[(at + step) % leaves->len];
    } else
        there = neighbour(tui, direction);
    if (!there || there == here)
        return false;
    struct layout kept = *here;
    here->window = there->window;
    here->side = there->side;
    there->window = kept.window;
    there->side = kept.side;
    /* The focus goes with what had it; the input line stays with a window. */
    if (tui->leaf == here)
        tui->leaf = there;
    else if (tui->leaf == there)
        tui->leaf = here;
    changed(tui);
    return true;
}

static void set_roster_width(struct tui *tui, int width)
{
    tui->roster_width = CLAMP(width, ROSTER_MIN, ROSTER_MAX);
    tui_dirty_all(tui);
}

static bool has_roster(const struct tui *tui, const struct layout *split)
{
    return split->kind == LAYOUT_COLS &&
        (split->a->side == tui->roster || split->b->side == tui->roster);
}

/* The border between the halves goes to this column or row of the split. */
void layout_move_border(struct tui *tui, struct layout *split, int x, int y)
{
    bool sideways = split->kind == LAYOUT_COLS;
    int size = sideways ? split->cols - 1 : split->rows;
    int least = sideways ? LEAF_MIN_COLS : LEAF_MIN_ROWS;
    int at = sideways ? x - split->x : y - split->y;
    if (has_roster(tui, split)) {
        bool left = split->a->side == tui->roster;
        int width = left ? at : size - at;
        set_roster_width(tui, CLAMP(width, ROSTER_MIN, MAX(size - CHAT_MIN, ROSTER_MIN)));
        return;
    }
    at = CLAMP(at, least, MAX(size - least, least));
    split->share = CLAMP((at * SHARE + size - 1) / MAX(size, 1), 1, SHARE - 1);
    tui_dirty_all(tui);
}

/* By so many cells; the nearest border that moves that way. */
bool layout_resize(struct tui *tui, enum direction direction, int cells)
{
    bool sideways = direction == DIRECTION_LEFT || direction == DIRECTION_RIGHT;
    if (direction == DIRECTION_LEFT || direction == DIRECTION_UP)
        cells = -cells;
    measure(tui);
    struct layout *split = focused_leaf(tui)->parent;
    while (split && (split->kind != (sideways ? LAYOUT_COLS : LAYOUT_ROWS) || !split->a->cols ||
                        !split->b->cols))
        split = split->parent;
    if (!split)
        return false;
    layout_move_border(tui, split, split->x + split->a->cols + cells,
        split->y + split->a->rows + cells);
    layout_remember(tui);
    return true;
}

/* ---- side panes ---- */

struct pane *layout_side(const struct tui *tui, const char *name)
{
    struct pane *const sides[] = { tui->roster, tui->results, tui->list };
    for (gsize i = 0; i < G_N_ELEMENTS(sides); i++)
        if (sides[i] && !strcmp(sides[i]->ops->name, name))
            return sides[i];
    return NULL;
}

static void show_roster(struct tui *tui, bool shown)
{
    tui->roster_shown = shown;
    if (tui->app->options)
        options_set(tui->app->options, NULL, "ui.roster", shown ? "true" : "false", false, NULL);
}

void layout_hide_side(struct tui *tui, struct pane *pane)
{
    struct layout *leaf = layout_leaf_of_side(tui, pane);
    if (tui->aside == pane)
        tui->aside = NULL;
    if (pane == tui->roster)
        show_roster(tui, false);
    else if (leaf) {
        take_out(tui, leaf);
        g_free(leaf);
    }
    pane_results_close(tui);
    changed(tui);
}

static void put_beside(struct tui *tui, struct layout *leaf, struct layout *there,
    enum direction direction)
{
    bool sideways = direction == DIRECTION_LEFT || direction == DIRECTION_RIGHT;
    bool first = direction == DIRECTION_LEFT || direction == DIRECTION_UP;
    insert_beside(tui, there, leaf, sideways ? LAYOUT_COLS : LAYOUT_ROWS, first);
    int share = leaf->side == tui->results ? SHARE / 3 : SHARE / 4;
    leaf->parent->share = first ? share : SHARE - share;
}

/* At an edge of the screen, or (DIRECTION_NONE) where it was, or by default;
 * beside: at that side of the focused part instead. */
void layout_show_side(
    struct tui *tui, struct pane *pane, enum direction direction, bool beside)
{
    struct layout *leaf = layout_leaf_of_side(tui, pane);
    if (pane == tui->roster)
        show_roster(tui, true);
    tui->zoomed = false;
    if (!leaf || direction != DIRECTION_NONE) {
        if (leaf)
            take_out(tui, leaf);
        else
            leaf = side_new(pane);
        if (direction == DIRECTION_NONE)
            direction = pane == tui->results ? DIRECTION_DOWN : DIRECTION_LEFT;
        put_beside(tui, leaf, beside ? tui->leaf : tui->layout, direction);
    }
    changed(tui);
}

/* ---- as text: /layout save, ui.layout ---- */

static void write_leaf(const struct tui *tui, const struct layout *leaf, GString *out)
{
    if (leaf->side) {
        g_string_append(out, leaf->side->ops->name);
        return;
    }
    if (count_windows(tui->layout) == 1) {
        g_string_append_c(out, '.'); /* whatever is in front */
        return;
    }
    if (leaf == tui->leaf)
        g_string_append_c(out, '*');
    const struct chat *chat = leaf->window->chat;
    if (chat && tui->app->accounts->len > 1) {
        g_autofree char *account = g_uri_escape_string(chat->account->jid, "@", TRUE);
        g_string_append_printf(out, "%s:", account);
    }
    g_autofree char *name =
        g_uri_escape_string(chat ? chat->jid : window_name(leaf->window), "@", TRUE);
    g_string_append(out, name);
}

/* A leaf is the escaped name of what it shows, a split is "(v 500 A B)". */
static void write_tree(const struct tui *tui, const struct layout *layout, GString *out)
{
    if (layout->kind == LAYOUT_LEAF) {
        write_leaf(tui, layout, out);
        return;
    }
    g_string_append_printf(out, "(%c %d ", layout->kind == LAYOUT_COLS ? 'v' : 'h',
        layout->share);
    write_tree(tui, layout->a, out);
    g_string_append_c(out, ' ');
    write_tree(tui, layout->b, out);
    g_string_append_c(out, ')');
}

char *layout_text(const struct tui *tui)
{
    GString *out = g_string_new(NULL);
    write_tree(tui, tui->layout, out);
    return g_string_free(out, FALSE);
}

void layout_remember(struct tui *tui)
{
    if (!tui->app->options || !tui->started || tui->linear)
        return;
    g_autofree char *text = layout_text(tui);
    if (strcmp(text, tui_option(tui, "ui.layout")) != 0)
        options_set(tui->app->options, NULL, "ui.layout", text, false, NULL);
    g_autofree char *width = g_strdup_printf("%d", tui->roster_width);
    if (strcmp(width, tui_option(tui, "ui.roster.width")) != 0)
        options_set(tui->app->options, NULL, "ui.roster.width", width, false, NULL);
}

/* The console stands in for what is not there any more. */
static struct window *window_named(struct tui *tui, const char *name)
{
    const char *colon = strchr(name, ':');
    g_autofree char *account_jid = colon ? g_uri_unescape_segment(name, colon, NULL) : NULL;
    g_autofree char *jid = g_uri_unescape_string(colon ? colon + 1 : name, NULL);
    if (!g_strcmp0(jid, "."))
        return tui->leaf ? tui->leaf->window : window_console(tui);
    if (!g_strcmp0(jid, "xml"))
        return window_xml(tui);
    for (guint i = 0; jid && i < tui->app->accounts->len; i++) {
        struct account *account = tui->app->accounts->pdata[i];
        if (account_jid && strcmp(account->jid, account_jid) != 0)
            continue;
        struct chat *chat = account_find_chat(account, jid);
        if (!chat && strchr(jid, '@') && jid_is_valid(jid))
            chat = account_open_chat(account, jid, CHAT_CONTACT);
        if (chat)
            return window_open(tui, chat);
    }
    return window_console(tui);
}

struct reading {
    struct tui *tui;
    const char *at;
    struct layout *focus;
    GPtrArray *sides; /* each once */
};

static struct layout *read_leaf(struct reading *reading)
{
    bool focus = *reading->at == '*';
    const char *from = reading->at + focus;
    gsize len = strcspn(from, " ()");
    g_autofree char *name = g_strndup(from, len);
    reading->at = from + len;
    struct pane *side = layout_side(reading->tui, name);
    if (!len || (side && g_ptr_array_find(reading->sides, side, NULL)))
        return NULL;
    if (side) {
        g_ptr_array_add(reading->sides, side);
        return side_new(side);
    }
    struct layout *leaf = layout_new(window_named(reading->tui, name));
    if (focus)
        reading->focus = leaf;
    return leaf;
}

static struct layout *read_tree(struct reading *reading, int depth)
{
    const char *text = reading->at;
    if (*text != '(')
        return read_leaf(reading);
    if (depth > READ_DEPTH_MAX || (text[1] != 'v' && text[1] != 'h') || text[2] != ' ')
        return NULL;
    char *end;
    gint64 share = g_ascii_strtoll(text + 3, &end, 10);
    if (*end != ' ' || share < 1 || share > SHARE - 1)
        return NULL;
    reading->at = end + 1;
    struct layout *split = layout_new(NULL);
    split->kind = text[1] == 'v' ? LAYOUT_COLS : LAYOUT_ROWS;
    split->share = (int)share;
    split->a = read_tree(reading, depth + 1);
    bool whole = split->a && *reading->at++ == ' ';
    split->b = whole ? read_tree(reading, depth + 1) : NULL;
    if (!split->b || *reading->at++ != ')') {
        layout_free(split);
        return NULL;
    }
    split->a->parent = split->b->parent = split;
    return split;
}

bool layout_restore(struct tui *tui, const char *text)
{
    g_autoptr(GPtrArray) sides = g_ptr_array_new();
    struct reading reading = { .tui = tui, .at = text, .sides = sides };
    struct layout *layout = read_tree(&reading, 0);
    if (!layout || *reading.at || !find(layout, shows_window, NULL)) {
        layout_free(layout);
        return false;
    }
    const struct window *before = tui->leaf ? tui->leaf->window : NULL;
    input_menu_close(tui);
    input_save_draft(tui);
    layout_free(tui->layout);
    tui->layout = layout;
    tui->leaf = reading.focus ? reading.focus : find(layout, shows_window, NULL);
    tui->dragged = NULL;
    tui->zoomed = false;
    if (!layout_leaf_of_side(tui, tui->roster))
        put_beside(tui, side_new(tui->roster), layout, DIRECTION_LEFT);
    if (!layout_leaf_of_side(tui, tui->aside))
        tui->aside = NULL;
    if (tui->leaf->window != before) /* else what was typed stays */
        input_load_draft(tui);
    mark_seen(tui);
    tui_dirty_all(tui);
    return true;
}

/* ---- places ---- */

static void place(struct pane *pane, int x, int y, int cols, int rows)
{
    pane->x = x;
    pane->y = y;
    pane->cols = MAX(cols, 0);
    pane->rows = MAX(rows, 0);
    pane->dirty = true;
}

struct pane *layout_pane(const struct layout *leaf)
{
    return leaf->side ? leaf->side : leaf->window->pane;
}

static void hide(struct layout *layout)
{
    layout->cols = layout->rows = 0;
    if (layout->kind == LAYOUT_LEAF)
        return;
    hide(layout->a);
    hide(layout->b);
}

static bool fits(const struct tui *tui, const struct layout *split, int cols, int rows)
{
    if (tui->zoomed)
        return false;
    if (split->kind == LAYOUT_ROWS)
        return tui->headings && rows >= SPLIT_FROM_ROWS;
    if (has_roster(tui, split))
        return tui->grid->cols >= ROSTER_FROM_COLS && cols > ROSTER_MIN + CHAT_MIN;
    return cols > 2 * LEAF_MIN_COLS;
}

static int first_half(const struct tui *tui, const struct layout *split, int size)
{
    if (has_roster(tui, split)) {
        int width = CLAMP(tui->roster_width, ROSTER_MIN, MAX(size - CHAT_COMFORTABLE, ROSTER_MIN));
        return split->a->side == tui->roster ? width : size - width;
    }
    int least = split->kind == LAYOUT_COLS ? LEAF_MIN_COLS : LEAF_MIN_ROWS;
    return CLAMP(size * split->share / SHARE, least, size - least);
}

static void place_tree(struct tui *tui, struct layout *layout, int x, int y, int cols, int rows)
{
    layout->x = x;
    layout->y = y;
    layout->cols = MAX(cols, 0);
    layout->rows = MAX(rows, 0);
    if (layout->kind == LAYOUT_LEAF) {
        int heading = tui->headings && rows > 1;
        place(layout_pane(layout), x, y + heading, cols, rows - heading);
        return;
    }
    struct layout *a = layout->a, *b = layout->b;
    bool no_a = is_hidden(tui, a), no_b = is_hidden(tui, b);
    if (no_a || no_b || !fits(tui, layout, cols, rows)) {
        const struct layout *focus = focused_leaf(tui);
        /* The half with the focus, else rather one with a window. */
        bool second = no_a || (!no_b && !contains(a, focus) &&
            (contains(b, focus) || !count_windows(a)));
        hide(second ? a : b);
        place_tree(tui, second ? b : a, x, y, cols, rows);
    } else if (layout->kind == LAYOUT_COLS) {
        int left = first_half(tui, layout, cols - 1);
        place_tree(tui, a, x, y, left, rows);
        place_tree(tui, b, x + left + 1, y, cols - left - 1, rows);
    } else {
        int top = first_half(tui, layout, rows);
        place_tree(tui, a, x, y, cols, top);
        place_tree(tui, b, x, y + top, cols, rows - top);
    }
}

/* One conversation beside the contact list needs no headings. */
static bool wants_headings(const struct tui *tui, int body)
{
    g_autoptr(GPtrArray) leaves = layout_leaves(tui);
    guint others = leaves->len;
    for (guint i = 0; i < leaves->len; i++) {
        const struct layout *leaf = leaves->pdata[i];
        others -= leaf->side && leaf->side == tui->roster && leaf->parent->kind == LAYOUT_COLS;
    }
    return others > 1 && body >= HEADINGS_FROM_ROWS;
}

void layout_place(struct tui *tui)
{
    int cols = tui->grid->cols, rows = tui->grid->rows;
    int top = rows >= TITLE_FROM_ROWS, rule = rows >= RULE_FROM_ROWS;
    int input = pane_input_rows(tui, MIN(tui_option_int(tui, "ui.input_rows"), MAX(rows / 3, 1)));
    int body = rows - top - rule - 1 - input;
    place(tui->title, 0, 0, cols, top);
    place(tui->input, 0, rows - input, cols, input);
    place(tui->status, 0, rows - input - 1, cols, 1);
    bool docked = layout_leaf_of_side(tui, tui->results);
    int results = docked ? 0 : pane_results_wanted(tui, MAX(body * 3 / 5, MIN(body, 1)));
    body -= results;
    place(tui->results, 0, top + body, cols, results);
    place(tui->roster, 0, 0, 0, 0);
    place(tui->list, 0, 0, 0, 0);
    for (guint i = 0; i < tui->windows->len; i++)
        place(((struct window *)tui->windows->pdata[i])->pane, 0, 0, 0, 0);
    tui->headings = wants_headings(tui, body);
    place_tree(tui, tui->layout, 0, top, cols, body);
    tui->roster->focused = tui->aside == tui->roster;
    tui->results->focused = tui->aside == tui->results;
    tui->list->focused = tui->aside == tui->list;
    tui->relayout = false;
}

/* ---- the lines between panes ---- */

static void draw_borders(const struct tui *tui, const struct layout *layout, struct area area)
{
    if (layout->kind == LAYOUT_LEAF)
        return;
    const struct layout *b = layout->b;
    if (layout->kind == LAYOUT_COLS && layout->a->cols && b->cols) {
        grid_vline(area, b->x - 1, layout->y, layout->rows, style_of(ROLE_RULE));
        if (tui->headings)
            grid_mark(area, b->x - 1, layout->y, style_of(ROLE_RULE), MARK_TEE_DOWN);
        bool down = layout->y + layout->rows == tui->status->y - 1;
        if (down && area.rows >= RULE_FROM_ROWS)
            grid_mark(area, b->x - 1, tui->status->y - 1, style_of(ROLE_RULE), MARK_TEE_UP);
    }
    draw_borders(tui, layout->a, area);
    draw_borders(tui, b, area);
}

static const char *heading_of(const struct tui *tui, const struct layout *leaf)
{
    if (!leaf->side)
        return window_title(leaf->window);
    return leaf->side == tui->roster ? _("Contacts")
        : leaf->side == tui->results ? pane_results_heading((struct tui *)tui)
                                     : _("Windows");
}

/* "─▸ Romeo (2) ──────────── 1/3 ─": the focus has a shape and a colour. */
static void draw_heading(const struct tui *tui, const struct layout *leaf, struct area area,
    guint number, guint count, bool covered)
{
    area = area_sub(area, leaf->x, leaf->y, leaf->cols, 1);
    bool focused = leaf == focused_leaf(tui);
    style_t style = style_of(focused ? ROLE_PANE_TITLE_FOCUS : ROLE_PANE_TITLE);
    grid_hline(area, 0, 0, area.cols, style_of(ROLE_RULE));
    int edge = area.cols - 2;
    if (covered && area.cols >= LEAF_MIN_COLS) {
        g_autofree char *text = g_strdup_printf(" %u/%u ", number, count);
        int width = text_width(text, -1);
        edge -= width + 1;
        grid_text(area, edge + 1, 0, width, style, text);
    }
    if (focused)
        grid_mark(area, 1, 0, style, MARK_FOCUS);
    const struct chat *chat = leaf->window ? leaf->window->chat : NULL;
    g_autofree char *unread = chat && chat->unread ? g_strdup_printf(" (%u)", chat->unread) : NULL;
    g_autofree char *text = g_strdup_printf("%s%s", heading_of(tui, leaf), unread ? unread : "");
    grid_text(area, 2, 0, 1, style, " ");
    int x = 3 + grid_text_fit(area, 3, 0, edge - 4, style, text);
    grid_text(area, x, 0, 1, style, " ");
}

void layout_draw_headings(struct tui *tui, struct area area)
{
    if (!tui->headings)
        return;
    g_autoptr(GPtrArray) leaves = layout_leaves(tui);
    bool covered = false;
    for (guint i = 0; i < leaves->len; i++)
        covered |= !((const struct layout *)leaves->pdata[i])->cols;
    for (guint i = 0; i < leaves->len; i++) {
        const struct layout *leaf = leaves->pdata[i];
        if (leaf->cols)
            draw_heading(tui, leaf, area, i + 1, leaves->len, covered);
    }
}

void layout_draw_frame(struct tui *tui, struct area area)
{
    if (area.rows >= RULE_FROM_ROWS)
        grid_hline(area, 0, tui->status->y - 1, area.cols, style_of(ROLE_RULE));
    draw_borders(tui, tui->layout, area);
}
