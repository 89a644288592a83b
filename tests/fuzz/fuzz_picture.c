/* The answer of the program that decodes pictures: what is taken for one holds
 * only what it may. */
#include "config.h"
#include "ui/picture/picture.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    auto_struct(picture) picture = picture_parse(data, size, &error);
    if (!picture) {
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        return 0;
    }
    struct grid *grid = grid_new(20, 10, size % 2);
    picture_draw(picture, grid_area(grid), (int)(size % 7) - 3, 0);
    for (int i = 0; i < grid->cols * grid->rows; i++)
        g_assert_cmpint(grid->cells[i].width, ==, 1);
    gsize len = 0;
    const guint8 *bytes = picture->bytes ? g_bytes_get_data(picture->bytes, &len) : NULL;
    for (gsize i = 2; picture->kind == PICTURE_SIXEL && i + 2 < len; i++)
        g_assert_true(bytes[i] >= 0x20 && bytes[i] < 0x7f);
    grid_free(grid);
    return 0;
}
