/* Any text, any width: rows are in order, inside the text and not too wide;
 * drawing them stays inside the grid. */
#include "config.h"
#include "base/text.h"
#include "ui/draw/grid.h"
#include "ui/draw/wrap.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    int cols = 2 + data[0] % 40;
    g_autofree char *text = wrap_prepare((const char *)data + 1, (gssize)size - 1);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    gsize len = strlen(text);
    wrap_text(rows, text, len, cols, 100000);
    if (!rows->len)
        abort();
    struct grid *grid = grid_new(cols, 3, data[0] & 1);
    guint32 last = 0;
    for (guint i = 0; i < rows->len; i++) {
        const struct wrap_row *row = &g_array_index(rows, struct wrap_row, i);
        if (row->start < last || row->end < row->start || row->end > len)
            abort();
        last = row->end;
        gssize bytes = (gssize)(row->end - row->start);
        if (text_width(text + row->start, bytes) > cols)
            abort();
        if (grid_text_n(grid_area(grid), (int)(i % 3), (int)(i % 3), -1, 0, text + row->start, bytes) > cols)
            abort();
    }
    for (int i = 0; i < cols * 3; i++)
        if (!grid->cells[i].width && (i % cols == 0 || grid->cells[i - 1].width != 2))
            abort();
    g_autofree char *dump = grid_dump(grid);
    if (!g_utf8_validate(dump, -1, NULL))
        abort();
    grid_free(grid);
    return 0;
}
