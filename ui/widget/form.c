/* Editing is by grapheme cluster; a secret lives in one locked buffer that is
 * never copied by us and wiped with the dialog. */
#include "config.h"
#include "ui/widget/form.h"
#include "base/secret.h"
#include "base/text.h"
#include "ui/draw/wrap.h"
#include <string.h>
#include <sys/mman.h>

enum { LINES_ROWS = 4, CHOICES_ROWS = 6 };

struct input *input_new(enum input_kind kind, const char *name, const char *label)
{
    struct input *input = g_new0(struct input, 1);
    input->kind = kind;
    input->name = g_strdup(name);
    input->label = g_strdup(label);
    if (kind == INPUT_SECRET) {
        input->secret = g_malloc0(INPUT_SECRET_MAX);
        mlock(input->secret, INPUT_SECRET_MAX);
    } else
        input->text = g_string_new(NULL);
    if (kind == INPUT_ONE || kind == INPUT_MANY) {
        input->labels = g_ptr_array_new_with_free_func(g_free);
        input->values = g_ptr_array_new_with_free_func(g_free);
    }
    return input;
}

void input_free(struct input *input)
{
    if (!input)
        return;
    if (input->secret) {
        secret_wipe(input->secret, INPUT_SECRET_MAX);
        munlock(input->secret, INPUT_SECRET_MAX);
        g_free(input->secret);
    }
    if (input->text)
        g_string_free(input->text, TRUE);
    if (input->labels) {
        g_ptr_array_free(input->labels, TRUE);
        g_ptr_array_free(input->values, TRUE);
    }
    g_free(input->ticked);
    g_free(input->name);
    g_free(input->label);
    g_free(input->hint);
    g_free(input);
}

void input_set(struct input *input, const char *text)
{
    if (!input->text)
        return;
    g_autofree char *clean = text_clean(text ? text : "",
        (gssize)strnlen(text ? text : "", INPUT_TEXT_MAX),
        input->kind == INPUT_LINES ? 0 : TEXT_ONE_LINE);
    g_string_assign(input->text, clean);
    input->cursor = input->text->len;
}

const char *input_value(const struct input *input)
{
    if (input->kind == INPUT_SECRET)
        return input->secret;
    if (input->kind == INPUT_CHECK)
        return input->on ? "true" : "false";
    if (input->kind == INPUT_ONE) {
        for (guint i = 0; i < input->values->len; i++)
            if (input->ticked[i])
                return input->values->pdata[i];
        return "";
    }
    return input->text->str;
}

void input_add_choice(struct input *input, const char *label, const char *value, bool ticked)
{
    guint n = input->values->len;
    g_ptr_array_add(input->labels, g_strdup(label));
    g_ptr_array_add(input->values, g_strdup(value));
    input->ticked = g_renew(bool, input->ticked, n + 1);
    input->ticked[n] = ticked;
    if (ticked && input->kind == INPUT_ONE)
        input->at = n;
}

bool input_takes_text(const struct input *input)
{
    return input->kind == INPUT_LINE || input->kind == INPUT_SECRET ||
        input->kind == INPUT_LINES;
}

int input_rows(const struct input *input, int cols)
{
    (void)cols;
    if (input->kind == INPUT_LINES)
        return LINES_ROWS;
    if (input->kind == INPUT_ONE || input->kind == INPUT_MANY)
        return CLAMP((int)input->values->len, 1, CHOICES_ROWS);
    return 1;
}

static guint first_choice(const struct input *input)
{
    return input->at >= CHOICES_ROWS ? input->at - CHOICES_ROWS + 1 : 0;
}

int input_focus_row(const struct input *input)
{
    if (input->kind == INPUT_ONE || input->kind == INPUT_MANY)
        return (int)(input->at - first_choice(input));
    return 0;
}

/* One line that scrolls so that the cursor is seen. */
static void draw_line(const struct input *input, struct area area, bool active)
{
    style_t style = style_of(active ? ROLE_FIELD_ACTIVE : ROLE_FIELD);
    g_autofree char *shown = NULL;
    gsize cursor = input->cursor;
    area_clear(area, style);
    if (input->kind == INPUT_SECRET) {
        gsize points = (gsize)g_utf8_strlen(input->secret, -1);
        gsize before = (gsize)g_utf8_strlen(input->secret, (gssize)cursor);
        shown = g_strnfill(points, '*');
        cursor = before;
    } else
        shown = g_strdup(input->text->str);
    if (!*shown && input->hint)
        grid_text_fit(area, 1, 0, area.cols - 2, style_with(style_on(style_of(ROLE_DIM),
            active ? ROLE_FIELD_ACTIVE : ROLE_FIELD), ATTR_ITALIC), input->hint);
    const char *from = shown, *at = shown + cursor;
    struct grapheme g;
    while (text_width(from, at - from) > area.cols - 3 &&
        text_next_grapheme(from, at, &g))
        from = g.start + g.len_bytes;
    grid_text(area, 1, 0, area.cols - 2, style, from);
    if (active)
        grid_cursor(area, 1 + text_width(from, at - from), 0);
}

static void draw_lines(const struct input *input, struct area area, bool active)
{
    style_t style = style_of(active ? ROLE_FIELD_ACTIVE : ROLE_FIELD);
    area_clear(area, style);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    wrap_text(rows, input->text->str, input->text->len, area.cols - 2, 4096);
    int cursor = 0;
    for (guint i = 0; i < rows->len; i++)
        if (g_array_index(rows, struct wrap_row, i).start <= input->cursor)
            cursor = (int)i;
    int top = MAX(cursor - area.rows + 1, 0);
    for (int y = 0; y < area.rows && top + y < (int)rows->len; y++) {
        const struct wrap_row *row = &g_array_index(rows, struct wrap_row, top + y);
        grid_text_n(area, 1, y, area.cols - 2, style, input->text->str + row->start,
            (gssize)(row->end - row->start));
        if (active && top + y == cursor)
            grid_cursor(area, MIN(1 + text_width(input->text->str + row->start,
                (gssize)(input->cursor - row->start)), area.cols - 1), y);
    }
}

static void draw_choices(const struct input *input, struct area area, bool active)
{
    guint first = first_choice(input);
    static const enum mark marks[2][2] = { { MARK_UNCHECKED, MARK_CHECKED },
        { MARK_RADIO_OFF, MARK_RADIO_ON } };
    area_clear(area, style_of(ROLE_DIALOG));
    for (int y = 0; y < area.rows && first + (guint)y < input->values->len; y++) {
        guint i = first + (guint)y;
        bool here = active && i == input->at;
        style_t style = style_of(here ? ROLE_FIELD_ACTIVE : ROLE_DIALOG);
        area_clear(area_sub(area, 0, y, area.cols, 1), style);
        int x = grid_mark(area, 0, y, style, marks[input->kind == INPUT_ONE][input->ticked[i]]);
        grid_text_fit(area, x + 1, y, area.cols - x - 1, style, input->labels->pdata[i]);
        if (here)
            grid_cursor(area, 1, y);
    }
    if (input->values->len > (guint)area.rows)
        grid_mark(area, area.cols - 1, area.rows - 1, style_of(ROLE_DIM), MARK_DOWN);
}

void input_draw(const struct input *input, struct area area, bool active)
{
    switch (input->kind) {
    case INPUT_LINE:
    case INPUT_SECRET:
        draw_line(input, area, active);
        break;
    case INPUT_LINES:
        draw_lines(input, area, active);
        break;
    case INPUT_CHECK: {
        style_t style = style_of(active ? ROLE_FIELD_ACTIVE : ROLE_DIALOG);
        int x = grid_mark(area, 0, 0, style, input->on ? MARK_CHECKED : MARK_UNCHECKED);
        grid_text_fit(area, x + 1, 0, area.cols - x - 1, style, input->label);
        if (active)
            grid_cursor(area, 1, 0);
        break;
    }
    default:
        draw_choices(input, area, active);
        break;
    }
}

static gsize text_len(const struct input *input)
{
    return input->secret ? strlen(input->secret) : input->text->len;
}

static void erase(struct input *input, gsize from, gsize to)
{
    if (input->secret) {
        gsize len = strlen(input->secret);
        memmove(input->secret + from, input->secret + to, len - to + 1);
        secret_wipe(input->secret + len - (to - from), to - from);
    } else
        g_string_erase(input->text, (gssize)from, (gssize)(to - from));
    input->cursor = from;
}

static void insert(struct input *input, const char *text, gsize len)
{
    if (input->secret) {
        gsize have = strlen(input->secret);
        if (have + len >= INPUT_SECRET_MAX)
            return;
        memmove(input->secret + input->cursor + len, input->secret + input->cursor,
            have - input->cursor + 1);
        memcpy(input->secret + input->cursor, text, len);
    } else {
        if (input->text->len + len > INPUT_TEXT_MAX)
            return;
        g_string_insert_len(input->text, (gssize)input->cursor, text, (gssize)len);
    }
    input->cursor += len;
}

static const char *bytes(const struct input *input)
{
    return input->secret ? input->secret : input->text->str;
}

static gsize previous(const struct input *input)
{
    const char *text = bytes(input), *end = text + input->cursor;
    gsize last = 0;
    struct grapheme g;
    for (const char *at = text; text_next_grapheme(at, end, &g); at = g.start + g.len_bytes)
        last = (gsize)(g.start - text);
    return last;
}

static gsize next(const struct input *input)
{
    const char *text = bytes(input);
    struct grapheme g;
    if (!text_next_grapheme(text + input->cursor, text + text_len(input), &g))
        return input->cursor;
    return (gsize)(g.start - text) + g.len_bytes;
}

static void paste(struct input *input, const struct key *key)
{
    g_autofree char *text = text_clean(key->paste,
        (gssize)MIN(key->paste_len, (gsize)INPUT_TEXT_MAX), 0);
    if (input->kind != INPUT_LINES)
        text[strcspn(text, "\r\n")] = '\0';
    insert(input, text, strlen(text));
    secret_wipe(text, strlen(text));
}

static bool control_key(struct input *input, char letter)
{
    switch (letter) {
    case 'a':
        input->cursor = 0;
        return true;
    case 'e':
        input->cursor = text_len(input);
        return true;
    case 'u':
        erase(input, 0, input->cursor);
        return true;
    case 'k':
        erase(input, input->cursor, text_len(input));
        return true;
    case 'w': {
        const char *text = bytes(input);
        gsize from = input->cursor;
        while (from && text[from - 1] == ' ')
            from--;
        while (from && text[from - 1] != ' ')
            from--;
        erase(input, from, input->cursor);
        return true;
    }
    case 'h':
        erase(input, previous(input), input->cursor);
        return true;
    default:
        return false;
    }
}

/* Up and down inside several lines; false at the edge. */
static bool move_line(struct input *input, int step)
{
    const char *text = input->text->str;
    gsize start = input->cursor;
    while (start && text[start - 1] != '\n')
        start--;
    gsize column = input->cursor - start;
    gsize target;
    if (step < 0) {
        if (!start)
            return false;
        target = start - 1;
        while (target && text[target - 1] != '\n')
            target--;
    } else {
        const char *end = strchr(text + input->cursor, '\n');
        if (!end)
            return false;
        target = (gsize)(end - text) + 1;
    }
    gsize len = strcspn(text + target, "\n");
    input->cursor = target + MIN(column, len);
    while (input->cursor > target && ((guchar)text[input->cursor] & 0xc0) == 0x80)
        input->cursor--;
    return true;
}

static bool text_key(struct input *input, const struct key *key)
{
    switch (key->code) {
    case KEY_CHAR:
        if (key->mods == MOD_CTRL)
            return control_key(input, key->text[0]);
        if (key->mods)
            return false;
        insert(input, key->text, strlen(key->text));
        return true;
    case KEY_PASTE:
        paste(input, key);
        return true;
    case KEY_BS:
        if (input->cursor)
            erase(input, previous(input), input->cursor);
        return true;
    case KEY_DELETE:
        if (input->cursor < text_len(input)) {
            gsize at = input->cursor;
            erase(input, at, next(input));
        }
        return true;
    case KEY_LEFT_:
        input->cursor = input->cursor ? previous(input) : 0;
        return true;
    case KEY_RIGHT_:
        input->cursor = next(input);
        return true;
    case KEY_HOME_:
        input->cursor = 0;
        return true;
    case KEY_END_:
        input->cursor = text_len(input);
        return true;
    case KEY_UP_:
    case KEY_DOWN_:
        return input->kind == INPUT_LINES && move_line(input, key->code == KEY_UP_ ? -1 : 1);
    case KEY_ENTER:
        if (input->kind != INPUT_LINES)
            return false;
        insert(input, "\n", 1);
        return true;
    default:
        return false;
    }
}

static bool choice_key(struct input *input, const struct key *key)
{
    guint count = input->values->len;
    bool space = key->code == KEY_CHAR && !key->mods && !strcmp(key->text, " ");
    if (!count)
        return false;
    if (key->code == KEY_UP_ && input->at) {
        input->at--;
        return true;
    }
    if (key->code == KEY_DOWN_ && input->at + 1 < count) {
        input->at++;
        return true;
    }
    if (!space && key->code != KEY_ENTER)
        return false;
    if (input->kind == INPUT_MANY) {
        input->ticked[input->at] = !input->ticked[input->at];
        return true;
    }
    for (guint i = 0; i < count; i++)
        input->ticked[i] = i == input->at;
    return true;
}

bool input_key_press(struct input *input, const struct key *key)
{
    if (input_takes_text(input))
        return text_key(input, key);
    if (input->kind == INPUT_CHECK) {
        bool space = key->code == KEY_CHAR && !key->mods && !strcmp(key->text, " ");
        if (!space) /* Enter goes on, as in the fields above */
            return false;
        input->on = !input->on;
        return true;
    }
    return choice_key(input, key);
}
