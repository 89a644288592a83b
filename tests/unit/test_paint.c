/* Bytes for a terminal, read by one that knows only what they may be. */
#include "config.h"
#include "ui/term/paint.h"
#include "base/text.h"
#include <string.h>

enum { COLS = 40, ROWS = 8 };

/* Shows a character in so many columns as it has by itself, a picture in as
 * many as pictures says; accents join what stands before them. */
struct emulator {
    char *cells[ROWS][COLS];
    int x, y, pictures;
    guint sequences, marks;
    gunichar before;
    bool joins; /* sequences of pictures are one */
};

static void set_cell(struct emulator *e, int x, int y, const char *text)
{
    if (x < 0 || x >= COLS || y < 0 || y >= ROWS)
        return;
    g_free(e->cells[y][x]);
    e->cells[y][x] = g_strdup(text);
}

/* Half of what has two columns does not stay. */
static void overwrite(struct emulator *e, int x, int y, const char *text)
{
    if (x > 0 && *text && !*e->cells[y][x])
        set_cell(e, x - 1, y, " ");
    if (x + 1 < COLS && !*e->cells[y][x + 1])
        set_cell(e, x + 1, y, " ");
    set_cell(e, x, y, text);
}

static void emulator_clear(struct emulator *e)
{
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            set_cell(e, x, y, " ");
    e->x = e->y = 0;
}

static void emulator_free(struct emulator *e)
{
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            g_free(e->cells[y][x]);
    g_free(e);
}

static const char *sequence(struct emulator *e, const char *p)
{
    e->before = 0;
    e->sequences++;
    if (p[1] == '(')
        return p + 3;
    g_assert_cmpint(p[1], ==, '[');
    int numbers[8] = { 0 }, n = 0;
    const char *at = p + 2;
    bool private = *at == '?';
    for (at += private; *at < 0x40; at++) {
        if (*at == ';')
            g_assert_cmpint(++n, <, 8);
        else {
            g_assert_true(g_ascii_isdigit(*at));
            numbers[n] = numbers[n] * 10 + *at - '0';
        }
    }
    switch (*at) {
    case 'H':
        e->y = MAX(numbers[0], 1) - 1;
        e->x = MAX(numbers[1], 1) - 1;
        break;
    case 'G':
        e->x = MAX(numbers[0], 1) - 1;
        break;
    case 'J':
        emulator_clear(e);
        break;
    case 'K':
        for (int x = e->x; x < COLS; x++)
            set_cell(e, x, e->y, " ");
        break;
    default:
        g_assert_true(*at == 'm' || (private && strchr("hlc", *at)));
    }
    return at + 1;
}

static void character(struct emulator *e, const char *p, gsize len)
{
    g_autofree char *text = g_strndup(p, len);
    gunichar c = g_utf8_get_char(text);
    bool letter = c >= 0x1f1e6 && c <= 0x1f1ff;
    int width = c >= 0x1f000 && !letter ? e->pictures : text_width(text, -1);
    e->marks += c == 0x200e;
    if (g_unichar_iszerowidth(c)) {
        e->before = c == 0x200d ? c : e->before;
        int x = e->x - 1;
        if (x > 0 && !*e->cells[e->y][x])
            x--;
        g_autofree char *joined = g_strconcat(x < 0 ? "" : e->cells[e->y][x], text, NULL);
        if (c != 0x200e)
            set_cell(e, x, e->y, joined);
        return;
    }
    bool joins = e->joins && (e->before == 0x200d || (c >= 0x1f3fb && c <= 0x1f3ff) ||
        (letter && e->before >= 0x1f1e6 && e->before <= 0x1f1ff));
    e->before = joins ? 0 : c;
    if (joins)
        return;
    g_assert_cmpint(e->y, <, ROWS);
    g_assert_cmpint(e->x, <, COLS); /* never where it would wrap */
    for (int i = 0; i < width; i++)
        overwrite(e, e->x + i, e->y, i ? "" : text);
    e->x += width;
}

static void show(struct emulator *e, const GByteArray *bytes)
{
    const char *p = (const char *)bytes->data, *end = bytes->len ? p + bytes->len : p;
    while (p < end) {
        if (*p == '\033')
            p = sequence(e, p);
        else if (*p == '\r') {
            e->x = 0;
            p++;
        } else if (*p == '\017')
            p++;
        else {
            gsize len = (gsize)g_utf8_skip[(guchar)*p];
            character(e, p, len);
            p += len;
        }
    }
}

struct stage {
    struct terminfo *info;
    struct paint *paint;
    struct grid *grid;
    struct theme *theme;
    struct emulator *emulator;
    enum depth depth;
};

static struct stage *stage_new(const char *term, enum depth depth)
{
    struct stage *stage = g_new0(struct stage, 1);
    g_autoptr(GError) error = NULL;
    stage->info = terminfo_new(term, &error);
    g_assert_no_error(error);
    stage->paint = paint_new(stage->info, true);
    stage->grid = grid_new(COLS, ROWS, false);
    stage->theme = theme_load(NULL, NULL, NULL);
    stage->emulator = g_new0(struct emulator, 1);
    stage->emulator->pictures = 2;
    emulator_clear(stage->emulator);
    stage->depth = depth;
    return stage;
}

static void stage_free(struct stage *stage)
{
    paint_free(stage->paint);
    terminfo_free(stage->info);
    grid_free(stage->grid);
    theme_free(stage->theme);
    emulator_free(stage->emulator);
    g_free(stage);
}

static GByteArray *frame(struct stage *stage)
{
    GByteArray *out = g_byte_array_new();
    paint_frame(stage->paint, stage->grid, stage->theme, stage->depth, out);
    show(stage->emulator, out);
    return out;
}

static void draw(struct stage *stage)
{
    g_byte_array_unref(frame(stage));
}

/* What begins in a cell begins there on the terminal. */
static void compare(const struct stage *stage)
{
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++) {
            const struct cell *cell = grid_cell(stage->grid, x, y);
            const char *shown = stage->emulator->cells[y][x];
            gsize first = cell->len ? (gsize)g_utf8_skip[(guchar)cell->text[0]] : 0;
            if (!cell->width || strncmp(shown, cell->text, first) == 0)
                continue;
            g_error("%d,%d shows \"%s\" instead of \"%.*s\"", x, y, shown,
                (int)cell->len, cell->text);
        }
}

static const char *const pieces[] = { "plain words", "漢字かな", "e\xcc\x81\xcc\x81z", "👩‍👩‍👧",
    "🇩🇪", "❤️", "👍🏽", "שלום עולם", "مرحبا 12", " ", "                ", "x", "────", "א漢😀b",
    "हिन्दी में", "\u0995\u09c7\u09be", "กำ" };

static void scribble(struct stage *stage)
{
    struct area area = grid_area(stage->grid);
    static const enum role roles[] = { ROLE_TEXT, ROLE_STATUS, ROLE_LINK, ROLE_DAY, ROLE_NICK };
    style_t style = style_of(roles[g_test_rand_int_range(0, G_N_ELEMENTS(roles))]);
    int x = g_test_rand_int_range(0, COLS), y = g_test_rand_int_range(0, ROWS);
    int cells = g_test_rand_int_range(1, COLS);
    switch (g_test_rand_int_range(0, 6)) {
    case 0:
        area_clear(area_sub(area, x, y, cells, g_test_rand_int_range(1, 4)), style);
        break;
    case 1:
        grid_restyle(area, x, y, cells, style);
        break;
    default:
        grid_text(area, x, y, cells, style,
            pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
    }
    grid_cursor(area, x, y);
}

static void test_frames(gconstpointer data)
{
    struct stage *stage = stage_new(data, DEPTH_256);
    static const struct opinion all = { .known = true, .joined = true, .styled = true,
        .toned = true, .flags = true };
    for (int i = 0; i < 1500; i++) {
        for (int k = g_test_rand_int_range(0, 4); k >= 0; k--)
            scribble(stage);
        if (i == 500)
            paint_opinion(stage->paint, &(struct opinion){ .known = true });
        if (i == 1000) {
            stage->emulator->joins = true;
            paint_opinion(stage->paint, &all);
        }
        draw(stage);
        compare(stage);
        g_assert_cmpint(stage->emulator->x, ==, stage->grid->cursor_x);
        g_assert_cmpint(stage->emulator->y, ==, stage->grid->cursor_y);
    }
    stage_free(stage);
}

/* Vowel signs that stand beside their letter are not lost. */
static void test_vowel_signs(void)
{
    struct stage *stage = stage_new("xterm-256color", DEPTH_256);
    static const char *const cells[] = { "ह", "ि", "न\u094d", "द", "ी", " ", "ก", "ำ" };
    grid_text(grid_area(stage->grid), 0, 0, -1, 0, "हिन्दी กำ");
    draw(stage);
    for (gsize x = 0; x < G_N_ELEMENTS(cells); x++)
        g_assert_cmpstr(stage->emulator->cells[0][x], ==, cells[x]);
    stage_free(stage);
}

/* A terminal that measures pictures otherwise moves nothing else. */
static void test_other_opinion(void)
{
    struct stage *stage = stage_new("xterm-256color", DEPTH_256);
    stage->emulator->pictures = 1;
    for (int i = 0; i < 500; i++) {
        scribble(stage);
        draw(stage);
        compare(stage);
    }
    stage_free(stage);
}

static char *bytes_of(struct stage *stage)
{
    GByteArray *out = frame(stage);
    g_byte_array_append(out, (const guint8 *)"", 1);
    return (char *)g_byte_array_free(out, FALSE);
}

static void test_least(void)
{
    struct stage *stage = stage_new("xterm-256color", DEPTH_256);
    struct area area = grid_area(stage->grid);
    grid_cursor(area, 0, 0);
    draw(stage);
    g_autofree char *nothing = bytes_of(stage);
    g_assert_cmpstr(nothing, ==, "");
    grid_text(area, 0, 0, -1, 0, "a");
    grid_cursor(area, 1, 0);
    g_autofree char *key = bytes_of(stage);
    g_assert_cmpstr(key, ==, "a");
    grid_text(area, 1, 0, -1, 0, "bcdefghijklmnopqrstuvwxyz");
    draw(stage);
    area_clear(area_sub(area, 1, 0, COLS - 1, 1), 0);
    g_autofree char *erased = bytes_of(stage);
    g_assert_true(strstr(erased, "\033[K") && strlen(erased) < 12);
    stage_free(stage);
}

static void test_colors(void)
{
    static const struct {
        const char *term;
        enum depth depth;
        const char *wanted, *unwanted;
    } rows[] = {
        { "xterm", DEPTH_8, "\033[36m", "38;" },
        { "xterm-256color", DEPTH_16, "\033[36m", "38;" },
        { "xterm-256color", DEPTH_256, "\033[38;5;", "38;2" },
        { "xterm-256color", DEPTH_TRUE, "\033[38;2;125;207;255m", "38;5" },
        { "xterm", DEPTH_256, "\033[38;5;", "38;2" }, /* because ui.colors says so */
        { "xterm-256color", DEPTH_MONO, "\033[4m", "3" },
        { "vt100", DEPTH_MONO, "\033[4m", "3" },
        { "linux", DEPTH_8, "\033[36m", "[4m" }, /* ncv: no underline with colours */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct stage *stage = stage_new(rows[i].term, rows[i].depth);
        draw(stage);
        grid_text(grid_area(stage->grid), 0, 0, -1, style_of(ROLE_LINK), "link");
        g_autofree char *bytes = bytes_of(stage);
        g_test_message("%s %d", rows[i].term, rows[i].depth);
        g_assert_nonnull(strstr(bytes, rows[i].wanted));
        g_assert_null(strstr(bytes, rows[i].unwanted));
        stage_free(stage);
    }
}

/* Right-to-left fields stand between marks, where the terminal knows marks. */
static void test_bidi(void)
{
    struct stage *stage = stage_new("xterm-256color", DEPTH_256);
    struct area area = grid_area(stage->grid);
    grid_text(area, 0, 0, -1, 0, "12:00");
    grid_text(area, 6, 0, -1, 0, "דוד");
    grid_text(area, 10, 0, -1, 0, "שלום 123");
    grid_text(area, 30, 0, -1, 0, "✓✓");
    draw(stage);
    g_assert_cmpuint(stage->emulator->marks, ==, 0); /* it never said anything */
    paint_opinion(stage->paint, &(struct opinion){ .known = true });
    g_autofree char *bytes = bytes_of(stage);
    compare(stage);
    g_assert_cmpuint(stage->emulator->marks, ==, 4);
    static const char *const fields[] = { "דוד", "שלום 123" };
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        const char *at = strstr(bytes, fields[i]);
        g_assert_nonnull(at);
        const char *before = g_strrstr_len(bytes, at - bytes, "\xe2\x80\x8e");
        g_assert_nonnull(before);
        for (const char *p = before + 3; p < at; p++) /* only where to write */
            g_assert_true(*p == '\033' || (*p >= 0x30 && *p <= 0x6d) || *p == '[');
        const char *after = strstr(at, "\xe2\x80\x8e");
        g_assert_nonnull(after);
    }
    /* Part of the row again: all of it. */
    grid_text(area, 32, 0, -1, 0, "x");
    g_autofree char *again = bytes_of(stage);
    g_assert_nonnull(strstr(again, "דוד"));
    stage_free(stage);
}

static void test_refused(void)
{
    static const char *const terms[] = { NULL, "", "no-such-terminal", "dumb" };
    for (gsize i = 0; i < G_N_ELEMENTS(terms); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(terminfo_new(terms[i], &error));
        g_assert_true(error && strstr(error->message, "--linear"));
    }
}

int main(int argc, char **argv)
{
    g_setenv("LC_ALL", "C.UTF-8", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/paint/frames/xterm", "xterm-256color", test_frames);
    g_test_add_data_func("/paint/frames/linux", "linux", test_frames);
    g_test_add_data_func("/paint/frames/vt100", "vt100", test_frames);
    g_test_add_func("/paint/other-opinion", test_other_opinion);
    g_test_add_func("/paint/vowel-signs", test_vowel_signs);
    g_test_add_func("/paint/least", test_least);
    g_test_add_func("/paint/colors", test_colors);
    g_test_add_func("/paint/H52-bidi", test_bidi);
    g_test_add_func("/paint/F31-refused", test_refused);
    return g_test_run();
}
