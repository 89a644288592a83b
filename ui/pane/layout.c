/*
 * Where everything stands. The body right of the roster is a binary tree of
 * splits whose leaves show windows; the roster, title, results, status and
 * input have fixed places around it. From 20×5 cells up; below that nothing
 * is laid out (tui.c shows one line).
 */
#include "config.h"
#include "ui/ui.h"
#include "model/account.h"
#include <string.h>

enum {
    ROSTER_FROM_COLS = 60, ROSTER_MIN = 12, CHAT_MIN = 30,
    TITLE_FROM_ROWS = 5, RULE_FROM_ROWS = 10, LEAF_MIN_COLS = 20, LEAF_MIN_ROWS = 3,
    DEPTH_MAX = 8,
};

struct layout *layout_new(struct window *window)
{
    struct layout *leaf = g_new0(struct layout, 1);
    leaf->kind = LAYOUT_LEAF;
    leaf->window = window;
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

bool layout_split(struct tui *tui, enum layout_kind kind)
{
    struct layout *leaf = tui->leaf;
    if (kind == LAYOUT_COLS ? leaf->cols < 2 * LEAF_MIN_COLS + 1
                            : leaf->rows < 2 * LEAF_MIN_ROWS + 1)
        return false;
    struct layout *first = layout_new(leaf->window);
    struct layout *second = layout_new(leaf->window);
    /* The other half shows what was in front before, or what is not seen. */
    struct window *other = tui->previous;
    for (guint i = 0; i < tui->windows->len && (!other || layout_leaf_of(tui, other)); i++)
        other = tui->windows->pdata[i];
    if (other && !layout_leaf_of(tui, other))
        second->window = other;
    leaf->kind = kind;
    leaf->share = 500;
    leaf->a = first;
    leaf->b = second;
    first->parent = second->parent = leaf;
    leaf->window = NULL;
    tui->leaf = first;
    tui_dirty_all(tui);
    return true;
}

static struct layout *first_leaf(struct layout *layout)
{
    while (layout->kind != LAYOUT_LEAF)
        layout = layout->a;
    return layout;
}

bool layout_close_leaf(struct tui *tui)
{
    struct layout *leaf = tui->leaf, *parent = leaf->parent;
    if (!parent)
        return false;
    struct layout *other = parent->a == leaf ? parent->b : parent->a;
    struct layout *above = parent->parent;
    *parent = *other;
    parent->parent = above;
    if (parent->a)
        parent->a->parent = parent->b->parent = parent;
    g_free(other);
    g_free(leaf);
    tui->leaf = first_leaf(parent);
    tui_dirty_all(tui);
    return true;
}

void layout_only_leaf(struct tui *tui)
{
    struct window *window = tui->leaf->window;
    layout_free(tui->layout);
    tui->layout = tui->leaf = layout_new(window);
    tui_dirty_all(tui);
}

/* A leaf is the escaped name of its window, a split is "(v 500 A B)". */
static void write_tree(const struct layout *layout, GString *out)
{
    if (layout->kind == LAYOUT_LEAF) {
        const struct window *window = layout->window;
        g_autofree char *name = g_uri_escape_string(
            window->chat ? window->chat->jid : window_name(window), "@", TRUE);
        g_string_append(out, name);
        return;
    }
    g_string_append_printf(out, "(%c %d ", layout->kind == LAYOUT_COLS ? 'v' : 'h',
        layout->share);
    write_tree(layout->a, out);
    g_string_append_c(out, ' ');
    write_tree(layout->b, out);
    g_string_append_c(out, ')');
}

char *layout_text(const struct tui *tui)
{
    GString *out = g_string_new(NULL);
    write_tree(tui->layout, out);
    return g_string_free(out, FALSE);
}

/* The console stands in for what is not there any more. */
static struct window *window_named(struct tui *tui, const char *name)
{
    for (guint i = 0; i < tui->windows->len; i++) {
        struct window *window = tui->windows->pdata[i];
        if (!strcmp(name, window->chat ? window->chat->jid : window_name(window)))
            return window;
    }
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        struct chat *chat = account_find_chat(tui->app->accounts->pdata[i], name);
        if (chat)
            return window_open(tui, chat);
    }
    return window_console(tui);
}

static struct layout *read_tree(struct tui *tui, const char **text, int depth)
{
    if (**text != '(') {
        gsize len = strcspn(*text, " ()");
        g_autofree char *name = g_uri_unescape_segment(*text, *text + len, NULL);
        *text += len;
        return name && *name ? layout_new(window_named(tui, name)) : NULL;
    }
    char direction = (*text)[1];
    if (depth > DEPTH_MAX || (direction != 'v' && direction != 'h') || (*text)[2] != ' ')
        return NULL;
    char *end;
    gint64 share = g_ascii_strtoll(*text + 3, &end, 10);
    if (*end != ' ' || share < 1 || share > 999)
        return NULL;
    *text = end + 1;
    struct layout *split = layout_new(NULL);
    split->kind = direction == 'v' ? LAYOUT_COLS : LAYOUT_ROWS;
    split->share = (int)share;
    split->a = read_tree(tui, text, depth + 1);
    bool whole = split->a && *(*text)++ == ' ';
    split->b = whole ? read_tree(tui, text, depth + 1) : NULL;
    if (!split->b || *(*text)++ != ')') {
        layout_free(split);
        return NULL;
    }
    split->a->parent = split->b->parent = split;
    return split;
}

bool layout_restore(struct tui *tui, const char *text)
{
    struct layout *layout = read_tree(tui, &text, 0);
    if (!layout || *text) {
        layout_free(layout);
        return false;
    }
    input_save_draft(tui);
    layout_free(tui->layout);
    tui->layout = layout;
    tui->leaf = first_leaf(layout);
    input_load_draft(tui);
    tui_dirty_all(tui);
    return true;
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

void layout_focus_next(struct tui *tui, int step)
{
    g_autoptr(GPtrArray) leaves = g_ptr_array_new();
    collect(tui->layout, leaves);
    guint at = 0;
    while (at < leaves->len && leaves->pdata[at] != tui->leaf)
        at++;
    input_save_draft(tui);
    tui->leaf = leaves->pdata[(at + leaves->len + (guint)step) % leaves->len];
    input_load_draft(tui);
    tui_dirty_all(tui);
}

static struct layout *find_leaf(struct layout *layout, const struct window *window)
{
    if (layout->kind == LAYOUT_LEAF)
        return layout->window == window ? layout : NULL;
    struct layout *found = find_leaf(layout->a, window);
    return found ? found : find_leaf(layout->b, window);
}

struct layout *layout_leaf_of(const struct tui *tui, const struct window *window)
{
    if (tui->leaf->window == window)
        return tui->leaf;
    return find_leaf(tui->layout, window);
}

static struct layout *leaf_at(struct layout *layout, int x, int y)
{
    if (x < layout->x || y < layout->y || x >= layout->x + layout->cols ||
        y >= layout->y + layout->rows)
        return NULL;
    if (layout->kind == LAYOUT_LEAF)
        return layout;
    struct layout *found = leaf_at(layout->a, x, y);
    return found ? found : leaf_at(layout->b, x, y);
}

struct layout *layout_leaf_at(const struct tui *tui, int x, int y)
{
    return leaf_at(tui->layout, x, y);
}

static void place(struct pane *pane, int x, int y, int cols, int rows)
{
    pane->x = x;
    pane->y = y;
    pane->cols = MAX(cols, 0);
    pane->rows = MAX(rows, 0);
    pane->dirty = true;
}

static void place_tree(struct layout *layout, int x, int y, int cols, int rows)
{
    layout->x = x;
    layout->y = y;
    layout->cols = MAX(cols, 0);
    layout->rows = MAX(rows, 0);
    if (layout->kind == LAYOUT_LEAF) {
        place(layout->window->pane, x, y, cols, rows);
        return;
    }
    if (layout->kind == LAYOUT_COLS) {
        int left = CLAMP(cols * layout->share / 1000, 1, MAX(cols - 2, 1));
        place_tree(layout->a, x, y, left, rows);
        place_tree(layout->b, x + left + 1, y, cols - left - 1, rows);
    } else {
        int top = CLAMP(rows * layout->share / 1000, 1, MAX(rows - 2, 1));
        place_tree(layout->a, x, y, cols, top);
        place_tree(layout->b, x, y + top + 1, cols, rows - top - 1);
    }
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
    int results = pane_results_wanted(tui, MAX(body * 3 / 5, MIN(body, 1)));
    body -= results;
    place(tui->results, 0, top + body, cols, results);

    bool focused = tui->focus == FOCUS_ROSTER;
    int width = MIN(tui->roster_width, cols * 3 / 10 + 2);
    width = CLAMP(width, ROSTER_MIN, MAX(cols - CHAT_MIN, ROSTER_MIN));
    bool shown = (tui->roster_shown && cols >= ROSTER_FROM_COLS) || focused;
    if (shown && cols < ROSTER_FROM_COLS) /* on request it takes the place of the chat */
        width = cols;
    else if (!shown)
        width = 0;
    place(tui->roster, 0, top, width, body);
    tui->roster->focused = focused;
    int left = width ? MIN(width + 1, cols) : 0;
    for (guint i = 0; i < tui->windows->len; i++)
        place(((struct window *)tui->windows->pdata[i])->pane, 0, 0, 0, 0);
    place_tree(tui->layout, left, top, cols - left, body);
    tui->relayout = false;
}

static void draw_splits(const struct layout *layout, struct area area)
{
    if (layout->kind == LAYOUT_LEAF)
        return;
    style_t style = style_of(ROLE_RULE);
    if (layout->kind == LAYOUT_COLS)
        grid_vline(area, layout->a->x + layout->a->cols, layout->y, layout->rows, style);
    else
        grid_hline(area, layout->x, layout->a->y + layout->a->rows, layout->cols, style);
    draw_splits(layout->a, area);
    draw_splits(layout->b, area);
}

/* The lines between panes. */
void layout_draw_frame(struct tui *tui, struct area area)
{
    style_t style = style_of(ROLE_RULE);
    int body = tui->layout->rows;
    bool bar = tui->roster->cols && tui->roster->cols < area.cols;
    if (bar)
        grid_vline(area, tui->roster->cols, tui->roster->y, body, style);
    draw_splits(tui->layout, area);
    if (area.rows < RULE_FROM_ROWS)
        return;
    int y = tui->status->y - 1;
    grid_hline(area, 0, y, area.cols, style);
    if (bar && !tui->results->rows)
        grid_mark(area, tui->roster->cols, y, style, MARK_TEE_UP);
}
