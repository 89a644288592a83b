/* Cells: what text becomes in them. */
#include "config.h"
#include "ui/draw/grid.h"
#include <string.h>

static void expect_row(struct grid *grid, int y, const char *wanted)
{
    g_autofree char *dump = grid_dump(grid);
    g_auto(GStrv) rows = g_strsplit(dump, "\n", -1);
    g_assert_cmpstr(rows[y], ==, wanted);
}

static void test_text(void)
{
    struct grid *grid = grid_new(10, 3, false);
    struct area area = grid_area(grid);
    g_assert_cmpint(grid_text(area, 0, 0, -1, 0, "hello world"), ==, 10);
    expect_row(grid, 0, "hello worl");
    g_assert_cmpint(grid_text(area, 8, 1, -1, 0, "漢字"), ==, 2);
    expect_row(grid, 1, "        漢");
    g_assert_cmpint(grid_text(area, 9, 2, -1, 0, "漢"), ==, 0);
    g_assert_cmpint(grid_text_fit(area, 0, 2, 5, 0, "ellipsis"), ==, 5);
    expect_row(grid, 2, "elli…");
    g_assert_cmpint(grid_text(area, 20, 0, -1, 0, "x"), ==, 0);
    g_assert_cmpint(grid_text(area, 0, -1, -1, 0, "x"), ==, 0);
    g_assert_cmpint(grid_text(area, -5, 0, -1, 0, "x"), ==, 0);
    g_assert_cmpint(grid_text(area, 0, 0, -1, 0, NULL), ==, 0);
    grid_free(grid);
}

/* Half a wide cluster never stays. */
static void test_wide(void)
{
    struct grid *grid = grid_new(6, 1, false);
    struct area area = grid_area(grid);
    grid_text(area, 0, 0, -1, 0, "漢字漢");
    grid_text(area, 1, 0, -1, 0, "x");
    expect_row(grid, 0, " x字漢");
    grid_text(area, 2, 0, 1, 0, "y");
    expect_row(grid, 0, " xy 漢");
    grid_text(area, 3, 0, -1, 0, "字");
    expect_row(grid, 0, " xy字");
    for (int x = 1; x < 6; x++)
        if (!grid_cell(grid, x, 0)->width)
            g_assert_cmpint(grid_cell(grid, x - 1, 0)->width, ==, 2);
    area_clear(area_sub(area, 4, 0, 2, 1), 0);
    expect_row(grid, 0, " xy");
    grid_free(grid);
}

static void test_hostile(void)
{
    struct grid *grid = grid_new(20, 2, false);
    struct area area = grid_area(grid);
    grid_text(area, 0, 0, -1, 0, "a\033[31mb\nc\td\x7f\xc2\x9b");
    for (int x = 0; x < 20; x++) {
        const struct cell *cell = grid_cell(grid, x, 0);
        g_assert_true((guchar)cell->text[0] >= 0x20);
        g_assert_false(cell->len == 2 && !memcmp(cell->text, "\xc2\x9b", 2));
    }
    /* A cluster of any length fits its cell. */
    grid_text(area, 0, 1, -1, 0, "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿");
    g_assert_cmpint(grid_cell(grid, 0, 1)->width, ==, 2);
    g_assert_cmpint(grid_cell(grid, 0, 1)->len, <=, CELL_BYTES);
    g_assert_true(g_utf8_validate(grid_cell(grid, 0, 1)->text, grid_cell(grid, 0, 1)->len, NULL));
    g_assert_true(g_utf8_validate(grid_cell(grid, 2, 1)->text, grid_cell(grid, 2, 1)->len, NULL));
    grid_free(grid);
}

static void test_areas(void)
{
    struct grid *grid = grid_new(10, 4, true);
    struct area area = area_sub(grid_area(grid), 2, 1, 6, 3);
    grid_box(area, 0);
    grid_text(area_sub(area, 1, 1, 4, 1), 0, 0, -1, 0, "inside");
    expect_row(grid, 0, "");
    expect_row(grid, 1, "  +----+");
    expect_row(grid, 2, "  |insi|");
    expect_row(grid, 3, "  +----+");
    struct area none = area_sub(area, 100, 100, 5, 5);
    g_assert_cmpint(none.cols, ==, 0);
    area_clear(none, 0);
    g_assert_cmpint(grid_text(none, 0, 0, -1, 0, "x"), ==, 0);
    grid_cursor(area, 1, 1);
    g_assert_cmpint(grid->cursor_x, ==, 3);
    grid_free(grid);
}

static void test_marks(void)
{
    for (int i = 0; i < MARKS; i++) {
        g_assert_nonnull(mark_text((enum mark)i, false));
        for (const char *p = mark_text((enum mark)i, true); *p; p++)
            g_assert_cmpint((guchar)*p, <, 0x80);
    }
    /* XEP-0392 s. 8.1 with SHA-1: "Romeo" is 327.255249°, "Juliet" 209.410400° */
    g_assert_cmpuint(STYLE_HUE(style_nick(ROLE_NICK, "Romeo")), ==, 1 + (unsigned)(327.255249 * HUES / 360));
    g_assert_cmpuint(STYLE_HUE(style_nick(ROLE_NICK, "juliet@capulet.lit")), ==, 1 + (unsigned)(209.410400 * HUES / 360));
}

/* No two states of one kind share a shape: colours only help. */
static void test_every_state_has_a_shape(void)
{
    static const struct {
        enum mark from, to;
    } kinds[] = { { MARK_ONLINE, MARK_ROOM }, { MARK_OPEN, MARK_FOLDED },
        { MARK_QUEUED, MARK_FAILED }, { MARK_CHECKED, MARK_UNCHECKED },
        { MARK_RADIO_ON, MARK_RADIO_OFF } };
    for (int ascii = 0; ascii < 2; ascii++)
        for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++)
            for (guint a = kinds[k].from; a <= kinds[k].to; a++)
                for (guint b = a + 1; b <= kinds[k].to; b++)
                    g_assert_cmpstr(mark_text((enum mark)a, ascii), !=,
                        mark_text((enum mark)b, ascii));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/grid/text", test_text);
    g_test_add_func("/grid/wide", test_wide);
    g_test_add_func("/grid/H51-H53-hostile", test_hostile);
    g_test_add_func("/grid/areas", test_areas);
    g_test_add_func("/grid/marks", test_marks);
    g_test_add_func("/grid/every-state-has-a-shape", test_every_state_has_a_shape);
    return g_test_run();
}
