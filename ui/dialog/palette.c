/*
 * The palette: one line to type in, and below it what is like it, the best
 * first, of everything there is: windows, contacts, commands, options, help.
 *
 * Contacts are those of the contact list, which has folded them already; what
 * else there is is folded when the palette opens. A key looks at all of it
 * anew, so that nothing is held that may go meanwhile; only the PALETTE_MAX
 * best are kept, as texts of their own.
 */
#include "config.h"
#include "ui/ui.h"
#include "ui/pane/roster_rows.h"
#include "base/text.h"
#include "model/account.h"
#include "model/jid.h"
#include "ui/term/line.h"
#include "ui/widget/form.h"
#include <string.h>

enum { PALETTE_MAX = 100, COLS = 78, ROWS = 16, NAME_BYTES = 200 };

enum thing { THING_WINDOW, THING_CONTACT, THING_COMMAND, THING_OPTION, THING_HELP };

static const struct {
    const char *word;
    int bonus; /* what is like it to the same degree stands in this order */
} things[] = {
    [THING_WINDOW] = { N_("chat"), 60 },
    [THING_CONTACT] = { N_("contact"), 30 },
    [THING_COMMAND] = { N_("command"), 20 },
    [THING_OPTION] = { N_("option"), 0 },
    [THING_HELP] = { N_("help"), -10 },
};

/* Known from the beginning. */
struct fixed {
    enum thing thing;
    char *name, *key, *summary, *other; /* other: what else it is called, folded */
};

struct found {
    enum thing thing;
    int score;
    gint64 recent;
    int number;             /* THING_WINDOW */
    char *name, *more;      /* more: address or summary, NULL */
    struct account *account; /* THING_CONTACT: looked up again before use */
    char *jid;
};

struct palette {
    struct tui *tui;
    struct input *input;
    GPtrArray *fixed;       /* struct fixed* */
    GPtrArray *found;       /* struct found*, the best first */
    guint at, top;
    struct area box;        /* as drawn */
};

static void fixed_free(gpointer data)
{
    struct fixed *fixed = data;
    g_free(fixed->name);
    g_free(fixed->key);
    g_free(fixed->summary);
    g_free(fixed->other);
    g_free(fixed);
}

static void found_free(gpointer data)
{
    struct found *found = data;
    g_free(found->name);
    g_free(found->more);
    g_free(found->jid);
    g_free(found);
}

/* ---- what there is ---- */

static void add_fixed(struct palette *palette, enum thing thing, const char *name,
    const char *summary, const char *words)
{
    struct fixed *fixed = g_new0(struct fixed, 1);
    g_autofree char *other =
        g_strconcat(summary ? _(summary) : "", " ", words ? _(words) : "", NULL);
    *fixed = (struct fixed){ thing, g_strdup(name), text_fold(name),
        g_strdup(summary ? _(summary) : NULL), text_fold(other) };
    g_ptr_array_add(palette->fixed, fixed);
}

static void add_command(const struct command *command, gpointer data)
{
    struct palette *palette = data;
    g_autofree char *help = g_strconcat("/help ", command->name, NULL);
    g_autofree char *name = g_strconcat("/", command->name, NULL);
    add_fixed(palette, THING_COMMAND, name, command->summary, command->words);
    add_fixed(palette, THING_HELP, help, command->summary, command->words);
    for (const struct command *sub = command->sub; sub && sub->name; sub++) {
        g_autofree char *both = g_strconcat(name, " ", sub->name, NULL);
        add_fixed(palette, THING_COMMAND, both, sub->summary, sub->words);
    }
}

static void add_option(const struct option *row, gpointer data)
{
    if (!g_str_has_prefix(row->name, "account."))
        add_fixed(data, THING_OPTION, row->name, row->summary, NULL);
}

static void list_fixed(struct palette *palette)
{
    const struct app *app = palette->tui->app;
    if (app->engine)
        engine_foreach(app->engine, add_command, palette);
    if (app->options)
        options_foreach(app->options, add_option, palette);
}

/* ---- looking ---- */

static bool better(const struct found *a, const struct found *b)
{
    return a->score != b->score ? a->score > b->score : a->recent > b->recent;
}

/* Where it would stand among the best; PALETTE_MAX: nowhere. */
static guint place_for(const struct palette *palette, const struct found *one)
{
    guint low = 0, high = palette->found->len;
    if (high == PALETTE_MAX && !better(one, palette->found->pdata[high - 1]))
        return PALETTE_MAX;
    while (low < high) {
        guint middle = (low + high) / 2;
        if (better(one, palette->found->pdata[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct found *keep(struct palette *palette, const struct found *one)
{
    guint at = place_for(palette, one);
    if (at >= PALETTE_MAX)
        return NULL;
    struct found *found = g_new(struct found, 1);
    *found = *one;
    g_ptr_array_insert(palette->found, (int)at, found);
    if (palette->found->len > PALETTE_MAX)
        g_ptr_array_set_size(palette->found, PALETTE_MAX);
    return found;
}

/* Letters in order are in every address: it must hold the text as it is. */
static int like_address(const char *needle, const char *jid)
{
    const char *hit = strstr(jid, needle);
    return !hit ? -1 : hit == jid ? 650 : 350;
}

static void look_at_windows(struct palette *palette, const char *needle)
{
    const GPtrArray *windows = palette->tui->windows;
    for (guint i = 0; i < windows->len; i++) {
        const struct window *window = windows->pdata[i];
        g_autofree char *key = text_fold(window_title(window));
        g_autofree char *number = g_strdup_printf("%d", window->number);
        int score = !*needle ? 0 : text_fuzzy_folded(needle, key);
        if (window->chat && *needle)
            score = MAX(score, like_address(needle, window->chat->jid));
        if (!strcmp(needle, number))
            score = 1000;
        /* The one in front is no place to go to, but what one looks for. */
        if (score < 0 || (!*needle && window == window_current(palette->tui)))
            continue;
        struct found one = { .thing = THING_WINDOW, .number = window->number,
            .score = score + things[THING_WINDOW].bonus + 100 * (int)window_urgency(window),
            .recent = window->seen_us };
        struct found *found = keep(palette, &one);
        if (!found)
            continue;
        found->name = g_strdup(window_title(window));
        found->more = g_strdup(window->chat ? window->chat->jid : NULL);
    }
}

static void look_at_contacts(struct palette *palette, const char *needle)
{
    const struct rows *rows = pane_roster_rows(palette->tui->roster);
    for (guint i = 0; *needle && i < rows->entries->len; i++) {
        const struct entry *entry = &g_array_index(rows->entries, struct entry, i);
        int score = text_fuzzy_folded(needle, entry->key);
        if (score < 400)
            score = MAX(score, like_address(needle, entry->jid));
        if (score < 0 || !entry->contact)
            continue;
        struct found one = { .thing = THING_CONTACT, .recent = entry->active,
            .score = score + things[THING_CONTACT].bonus + (entry->rank < RANK_OFFLINE ? 5 : 0) };
        if (place_for(palette, &one) >= PALETTE_MAX)
            continue;
        const struct chat *chat = entry_chat(entry);
        if (chat && chat->ui)
            continue; /* its window is there */
        struct found *found = keep(palette, &one);
        found->name = g_strndup(entry_label(entry), NAME_BYTES);
        found->account = entry->account;
        found->jid = g_strdup(entry->jid);
        found->more = g_strdup(entry->jid);
    }
}

static int like_fixed(const char *needle, const struct fixed *fixed)
{
    gsize slash = fixed->key[0] == '/' && needle[0] != '/';
    int score = text_fuzzy_folded(needle, fixed->key + slash);
    if (score >= 400)
        return score;
    gsize len;
    const char *hit = strlen(needle) < 3 ? NULL
        : text_find_folded(needle, fixed->other, strlen(fixed->other), &len);
    return MAX(score, hit ? 300 : -1);
}

static void look_at_fixed(struct palette *palette, const char *needle)
{
    for (guint i = 0; *needle && i < palette->fixed->len; i++) {
        const struct fixed *fixed = palette->fixed->pdata[i];
        int score = like_fixed(needle, fixed);
        if (score < 0)
            continue;
        struct found one = { .thing = fixed->thing, .score = score + things[fixed->thing].bonus };
        struct found *found = keep(palette, &one);
        if (!found)
            continue;
        found->name = g_strdup(fixed->name);
        found->more = g_strdup(fixed->summary);
    }
}

static void look(struct palette *palette)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(input_value(palette->input)));
    g_autofree char *needle = text_fold(trimmed);
    g_ptr_array_set_size(palette->found, 0);
    palette->at = palette->top = 0;
    look_at_windows(palette, needle);
    if (*needle != '/')
        look_at_contacts(palette, needle);
    look_at_fixed(palette, needle);
}

/* ---- life ---- */

void palette_close(struct tui *tui)
{
    struct palette *palette = g_steal_pointer(&tui->palette);
    if (!palette)
        return;
    input_free(palette->input);
    g_ptr_array_free(palette->fixed, TRUE);
    g_ptr_array_free(palette->found, TRUE);
    g_free(palette);
    tui_dirty_all(tui);
}

void palette_open(struct tui *tui, const char *text)
{
    palette_close(tui);
    struct palette *palette = g_new0(struct palette, 1);
    palette->tui = tui;
    palette->input = input_new(INPUT_LINE, "palette", "");
    input_set(palette->input, text ? text : "");
    palette->fixed = g_ptr_array_new_with_free_func(fixed_free);
    palette->found = g_ptr_array_new_with_free_func(found_free);
    tui->palette = palette;
    list_fixed(palette);
    look(palette);
    tui_dirty_all(tui);
}

static void into_line(struct tui *tui, const char *text)
{
    if (!tui->line)
        return;
    layout_focus(tui, tui->leaf);
    line_set(tui->line, text, strlen(text));
    input_changed(tui);
}

static void go_to(struct tui *tui, const struct found *found)
{
    g_autofree char *line = NULL;
    switch (found->thing) {
    case THING_WINDOW:
        if (window_number(tui, found->number))
            window_show(tui, window_number(tui, found->number));
        return;
    case THING_CONTACT:
        if (g_ptr_array_find(tui->app->accounts, found->account, NULL))
            window_show(tui, window_open(tui,
                account_open_chat(found->account, found->jid, CHAT_CONTACT)));
        return;
    case THING_HELP:
        tui_run_shown(tui, found->name);
        return;
    case THING_OPTION: {
        g_autofree char *value = tui_quote(tui_option(tui, found->name));
        line = g_strdup_printf("/set %s %s", found->name, value);
        break;
    }
    case THING_COMMAND:
    default:
        line = g_strconcat(found->name, " ", NULL);
        break;
    }
    into_line(tui, line);
}

/* Closed first: what is shown may ask something. */
static void take(struct palette *palette, guint index)
{
    struct tui *tui = palette->tui;
    if (index >= palette->found->len)
        return;
    struct found *found = g_ptr_array_steal_index(palette->found, index);
    palette_close(tui);
    go_to(tui, found);
    found_free(found);
}

/* ---- keys ---- */

static void move(struct palette *palette, int step)
{
    int last = (int)palette->found->len - 1;
    palette->at = (guint)CLAMP((int)palette->at + step, 0, MAX(last, 0));
}

static void mouse(struct palette *palette, const struct key *key)
{
    const struct area *box = &palette->box;
    bool inside = key->x >= box->x && key->x < box->x + box->cols && key->y >= box->y &&
        key->y < box->y + box->rows;
    int row = key->y - box->y - 2;
    if (key->button == MOUSE_WHEEL_UP || key->button == MOUSE_WHEEL_DOWN)
        move(palette, key->button == MOUSE_WHEEL_UP ? -1 : 1);
    else if (key->button == MOUSE_LEFT && !inside)
        palette_close(palette->tui);
    else if (key->button == MOUSE_LEFT && row >= 0 && row < box->rows - 3)
        take(palette, palette->top + (guint)row);
}

static int step_of(const struct key *key)
{
    bool control = key->code == KEY_CHAR && key->mods == MOD_CTRL;
    switch (key->code) {
    case KEY_UP_:
    case KEY_BACKTAB:
        return -1;
    case KEY_DOWN_:
    case KEY_TAB:
        return 1;
    case KEY_PGUP:
        return -(ROWS - 3);
    case KEY_PGDN:
        return ROWS - 3;
    default:
        return control && !strcmp(key->text, "p") ? -1 : control && !strcmp(key->text, "n") ? 1 : 0;
    }
}

bool palette_key(struct tui *tui, const struct key *key)
{
    struct palette *palette = tui->palette;
    if (!palette)
        return false;
    tui_dirty(tui);
    if (key->code == KEY_MOUSE_)
        mouse(palette, key);
    else if (key->code == KEY_ESC || (key->code == KEY_CHAR && key->mods == MOD_CTRL &&
                 (!strcmp(key->text, "c") || !strcmp(key->text, "g"))))
        palette_close(tui);
    else if (key->code == KEY_ENTER)
        take(palette, palette->at);
    else if (step_of(key))
        move(palette, step_of(key));
    else if (input_key_press(palette->input, key))
        look(palette);
    return true;
}

/* ---- drawing ---- */

static void draw_found(struct area area, int y, const struct found *found, const char *needle,
    bool current)
{
    style_t style = style_of(current ? ROLE_MENU_SELECTED : ROLE_MENU);
    const char *word = _(things[found->thing].word);
    int kind = text_width(word, -1);
    area_clear(area_sub(area, 1, y, area.cols - 2, 1), style);
    if (current) /* a shape besides the colour */
        grid_mark(area, 1, y, style, MARK_PROMPT);
    g_autofree char *number = found->thing == THING_WINDOW
        ? g_strdup_printf("%d:", found->number) : g_strdup("");
    int x = 3 + grid_text(area, 3, y, 6, style, number);
    bool narrow = area.cols < 36;
    int edge = area.cols - (narrow ? 1 : 3 + kind);
    g_autofree char *name = text_clean(found->name, -1, TEXT_ONE_LINE);
    int used = grid_text_fit(area, x, y, MAX(edge - x - 1, 1), style_with(style, ATTR_BOLD), name);
    gsize len;
    const char *hit = *needle ? text_find_folded(needle, name, strlen(name), &len) : NULL;
    if (hit && text_width(name, hit - name + (gssize)len) <= used)
        grid_restyle(area, x + text_width(name, hit - name), y, text_width(hit, (gssize)len),
            style_with(style, ATTR_BOLD | ATTR_UNDERLINE));
    x += used + 2;
    if (found->more && strcmp(found->more, found->name) != 0 && edge - x > 6)
        grid_text_fit(area, x, y, edge - x - 1, style, found->more);
    if (!narrow)
        grid_text(area, edge, y, kind, style, word);
}

void palette_draw(struct tui *tui, struct area area)
{
    struct palette *palette = tui->palette;
    if (!palette)
        return;
    int cols = area.cols < 50 ? area.cols : MIN(COLS, area.cols - 4);
    int rows = MIN(area.rows, ROWS);
    struct area box = area_sub(area, (area.cols - cols) / 2, (area.rows - rows) / 4, cols, rows);
    palette->box = box;
    guint room = (guint)MAX(rows - 3, 1), count = palette->found->len;
    palette->top = CLAMP(palette->top, palette->at >= room ? palette->at - room + 1 : 0, palette->at);
    area.grid->cursor_x = area.grid->cursor_y = -1;
    area_clear(box, style_of(ROLE_MENU));
    grid_box(box, style_of(ROLE_DIALOG_BORDER));
    grid_printf(box, 2, 0, style_of(ROLE_DIALOG_TITLE), " %s ", _("Go to"));
    input_draw(palette->input, area_sub(box, 2, 1, cols - 4, 1), true);
    g_autofree char *trimmed = g_strstrip(g_strdup(input_value(palette->input)));
    g_autofree char *needle = text_fold(trimmed);
    for (guint i = 0; i < room && palette->top + i < count; i++)
        draw_found(box, (int)i + 2, palette->found->pdata[palette->top + i], needle,
            palette->top + i == palette->at);
    if (!count)
        grid_text_fit(box, 3, 2, cols - 6, style_of(ROLE_MENU), *needle
            ? _("Nothing is like that.")
            : _("Type a name, a command, an option or what you want help with."));
    if (palette->top + room < count)
        grid_mark(box, cols - 3, rows - 1, style_of(ROLE_DIALOG_TITLE), MARK_DOWN);
}
