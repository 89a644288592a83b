/* What the program that decodes pictures says is checked: whatever it is, no
 * control character and no cell of another width comes of it. */
#include "config.h"
#include "ui/picture/picture.h"
#include <string.h>

static GByteArray *reply(char kind, int cols, int rows, int width, int height, guint32 len)
{
    GByteArray *out = g_byte_array_new();
    const guint16 sizes[] = { GUINT16_TO_LE((guint16)cols), GUINT16_TO_LE((guint16)rows),
        GUINT16_TO_LE((guint16)width), GUINT16_TO_LE((guint16)height) };
    len = GUINT32_TO_LE(len);
    g_byte_array_append(out, (const guint8 *)PICTURE_MAGIC, 4);
    g_byte_array_append(out, (const guint8 *)&kind, 1);
    g_byte_array_append(out, (const guint8 *)"", 1);
    g_byte_array_append(out, (const guint8 *)sizes, sizeof sizes);
    g_byte_array_append(out, (const guint8 *)&len, sizeof len);
    return out;
}

static void add_cell(GByteArray *out, gint32 glyph, gint32 fg, gint32 bg)
{
    const gint32 cell[] = { GINT32_TO_LE(glyph), GINT32_TO_LE(fg), GINT32_TO_LE(bg) };
    g_byte_array_append(out, (const guint8 *)cell, sizeof cell);
}

static struct picture *parse(GByteArray *bytes, char **said)
{
    g_autoptr(GError) error = NULL;
    struct picture *picture = picture_parse(bytes->data, bytes->len, &error);
    g_assert_true((picture != NULL) == (error == NULL));
    if (said)
        *said = error ? g_strdup(error->message) : NULL;
    g_byte_array_unref(bytes);
    return picture;
}

static void test_cells(void)
{
    GByteArray *bytes = reply(PICTURE_CELLS, 2, 1, 9, 9, 2 * PICTURE_CELL);
    add_cell(bytes, 0x2588, 0xff0000, -1);
    add_cell(bytes, ' ', -1, 3);
    auto_struct(picture) picture = parse(bytes, NULL);
    g_assert_nonnull(picture);
    struct grid *grid = grid_new(4, 2, false);
    picture_draw(picture, grid_area(grid), 1, 0);
    picture_draw(picture, grid_area(grid), 3, 1); /* cut at the edge */
    picture_draw(picture, grid_area(grid), -1, 5);
    g_autofree char *dump = grid_dump(grid);
    g_assert_cmpstr(dump, ==, " █\n   █\n");
    /* The same glyph in another colour is another cell. */
    g_assert_true(memcmp(grid_cell(grid, 1, 0), grid_cell(grid, 2, 0), sizeof(struct cell)));
    g_assert_true(!memcmp(grid_cell(grid, 1, 0), grid_cell(grid, 3, 1), sizeof(struct cell)));
    grid_free(grid);
}

static void test_refused_cells(void)
{
    static const gint32 rows[][3] = {
        { 0x1b, 0, 0 }, { 0x9b, 0, 0 }, { 0, 0, 0 }, { 0x7f, 0, 0 }, { 0x4e00, 0, 0 },
        { 0x301, 0, 0 }, { 0x202e, 0, 0 }, { -1, 0, 0 }, { 'x', -2, 0 }, { 'x', 0, 1 << 24 },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        GByteArray *bytes = reply(PICTURE_CELLS, 1, 1, 1, 1, PICTURE_CELL);
        add_cell(bytes, rows[i][0], rows[i][1], rows[i][2]);
        g_assert_null(parse(bytes, NULL));
    }
    g_assert_null(parse(reply(PICTURE_CELLS, 0, 9, 1, 1, 0), NULL));
    g_assert_null(parse(reply(PICTURE_CELLS, 60000, 60000, 1, 1, 0), NULL));
    g_assert_null(parse(reply(PICTURE_CELLS, 2, 2, 1, 1, 4), NULL));
    g_assert_null(parse(reply('x', 2, 2, 1, 1, 0), NULL));
    g_assert_null(parse(g_byte_array_new(), NULL));
}

static void test_sixel(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        { "\033P0;1;0q\"1;1;2;6#0;2;0;0;0#0~~$-\033\\", true }, { "\033Pq\033\\", true },
        { "\033Pq\033\\\033]0;x\033\\", false }, { "\033Pq~\007~\033\\", false },
        { "\033Pq\n\033\\", false }, { "\033P$qm\033\\", false }, { "\033Ptmux;\033\\", false },
        { "\033P0;1", false }, { "\033P\033\\", false }, { "~~", false },
        { "\033Pq\302\233\033\\", false },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize len = strlen(rows[i].text);
        GByteArray *bytes = reply(PICTURE_SIXEL, 1, 1, 1, 1, (guint32)len);
        g_byte_array_append(bytes, (const guint8 *)rows[i].text, (guint)len);
        auto_struct(picture) picture = parse(bytes, NULL);
        g_assert_cmpint(picture != NULL, ==, rows[i].good);
    }
}

static void test_pixels(void)
{
    GByteArray *bytes = reply(PICTURE_PIXELS, 1, 1, 2, 1, 8);
    g_byte_array_append(bytes, (const guint8 *)"\033]0;x\007\n", 8);
    auto_struct(picture) picture = parse(bytes, NULL);
    g_assert_nonnull(picture); /* it leaves as base64 */
    bytes = reply(PICTURE_PIXELS, 1, 1, 2, 2, 8);
    g_byte_array_append(bytes, (const guint8 *)"12345678", 8);
    g_assert_null(parse(bytes, NULL));
    g_assert_null(parse(reply(PICTURE_PIXELS, 1, 1, 0, 0, 0), NULL));
}

static void test_failure(void)
{
    g_autofree char *said = NULL;
    GByteArray *bytes = reply(PICTURE_FAILURE, 0, 0, 0, 0, 5);
    g_byte_array_append(bytes, (const guint8 *)"No\377!.", 5);
    g_assert_null(parse(bytes, &said));
    g_assert_cmpstr(said, ==, "No\357\277\275!.");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/picture/cells", test_cells);
    g_test_add_func("/picture/refused-cells", test_refused_cells);
    g_test_add_func("/picture/sixel", test_sixel);
    g_test_add_func("/picture/pixels", test_pixels);
    g_test_add_func("/picture/failure", test_failure);
    return g_test_run();
}
