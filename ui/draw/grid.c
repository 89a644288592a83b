/* See grid.h. Cells are plain values so that two grids compare by memcmp. */
#include "config.h"
#include "ui/draw/grid.h"
#include "base/text.h"
#include <stdarg.h>
#include <string.h>

struct mark_row {
    const char *utf8, *ascii;
};
static const struct mark_row marks[MARKS] = {
    [MARK_ONLINE] = { "●", "*" },
    [MARK_CHAT] = { "◉", "+" },
    [MARK_AWAY] = { "◐", "-" },
    [MARK_XA] = { "◌", "=" },
    [MARK_DND] = { "⊘", "x" },
    [MARK_OFFLINE] = { "○", "." },
    [MARK_ASKED] = { "?", "?" },
    [MARK_PENDING] = { "!", "!" },
    [MARK_ROOM] = { "#", "#" },
    [MARK_OPEN] = { "▾", "v" },
    [MARK_FOLDED] = { "▸", ">" },
    [MARK_QUEUED] = { "…", ".." },
    [MARK_SENT] = { "✓", "+" },
    [MARK_DELIVERED] = { "✓✓", "++" },
    [MARK_DISPLAYED] = { "✓◉", "#" },
    [MARK_FAILED] = { "✗", "x" },
    [MARK_VLINE] = { "│", "|" },
    [MARK_HLINE] = { "─", "-" },
    [MARK_TEE_UP] = { "┴", "+" },
    [MARK_TEE_DOWN] = { "┬", "+" },
    [MARK_CORNER_TL] = { "╭", "+" },
    [MARK_CORNER_TR] = { "╮", "+" },
    [MARK_CORNER_BL] = { "╰", "+" },
    [MARK_CORNER_BR] = { "╯", "+" },
    [MARK_DOT] = { "·", "-" },
    [MARK_ELLIPSIS] = { "…", "~" },
    [MARK_UP] = { "⇡", "^" },
    [MARK_DOWN] = { "↓", "v" },
    [MARK_NO_LOCK] = { "⚠", "(!)" },
    [MARK_REPLY] = { "↳", "\\" },
    [MARK_CHECKED] = { "[✓]", "[x]" },
    [MARK_UNCHECKED] = { "[ ]", "[ ]" },
    [MARK_RADIO_ON] = { "(•)", "(*)" },
    [MARK_RADIO_OFF] = { "( )", "( )" },
    [MARK_NEWLINE] = { "↵", "\\" },
    [MARK_PROMPT] = { "›", ">" },
    [MARK_BULLET] = { "•", "*" },
    [MARK_FOCUS] = { "▸", ">" },
};

static const struct cell blank = { .text = " ", .len = 1, .width = 1 };

struct grid *grid_new(int cols, int rows, bool ascii)
{
    struct grid *grid = g_new0(struct grid, 1);
    grid->ascii = ascii;
    grid_resize(grid, cols, rows);
    return grid;
}

void grid_free(struct grid *grid)
{
    if (!grid)
        return;
    g_free(grid->cells);
    g_free(grid->touched);
    g_free(grid);
}

void grid_resize(struct grid *grid, int cols, int rows)
{
    grid->cols = CLAMP(cols, 1, GRID_MAX);
    grid->rows = CLAMP(rows, 1, GRID_MAX);
    gsize n = (gsize)grid->cols * (gsize)grid->rows;
    g_free(grid->cells);
    grid->cells = g_new(struct cell, n);
    for (gsize i = 0; i < n; i++)
        grid->cells[i] = blank;
    g_free(grid->touched);
    grid->touched = g_new(bool, (gsize)grid->rows);
    for (int y = 0; y < grid->rows; y++)
        grid->touched[y] = true;
    grid->cursor_x = grid->cursor_y = -1;
}

struct area grid_area(struct grid *grid)
{
    return (struct area){ grid, 0, 0, grid->cols, grid->rows };
}

struct area area_sub(struct area area, int x, int y, int cols, int rows)
{
    x = CLAMP(x, 0, area.cols);
    y = CLAMP(y, 0, area.rows);
    return (struct area){ area.grid, area.x + x, area.y + y,
        CLAMP(cols, 0, area.cols - x), CLAMP(rows, 0, area.rows - y) };
}

/* Whatever is left of a wide cluster whose other half goes away is blank. */
static void cut_wide(struct grid *grid, int x, int y)
{
    if (x <= 0 || x >= grid->cols)
        return;
    struct cell *cell = grid_cell(grid, x, y);
    if (cell->width)
        return;
    style_t left = cell[-1].style, right = cell->style;
    cell[-1] = blank;
    cell[-1].style = left;
    *cell = blank;
    cell->style = right;
}

void area_clear(struct area area, style_t style)
{
    if (area.cols <= 0)
        return;
    struct cell empty = blank;
    empty.style = style;
    for (int y = area.y; y < area.y + area.rows; y++) {
        cut_wide(area.grid, area.x, y);
        cut_wide(area.grid, area.x + area.cols, y);
        struct cell *cell = grid_cell(area.grid, area.x, y);
        area.grid->touched[y] = true;
        for (int x = 0; x < area.cols; x++)
            cell[x] = empty;
    }
}

void grid_picture(struct area area, int x, int y, gunichar glyph, int fg, int bg)
{
    if (x < 0 || y < 0 || x >= area.cols || y >= area.rows)
        return;
    struct cell cell = { .width = 1, .style = STYLE_PICTURE };
    if (glyph == ' ' && bg < 0) {
        cell = blank; /* transparent */
    } else {
        cell.len = (guint8)g_unichar_to_utf8(glyph, cell.picture.glyph);
        cell.picture.fg = fg;
        cell.picture.bg = bg;
    }
    x += area.x;
    y += area.y;
    cut_wide(area.grid, x, y);
    cut_wide(area.grid, x + 1, y);
    *grid_cell(area.grid, x, y) = cell;
    area.grid->touched[y] = true;
}

/* The longest part of a cluster a cell can take; never ends in a joiner. */
static gsize cluster_bytes(const char *text, gsize len)
{
    gsize used = 0;
    for (int points = 0; used < len && points < CELL_CODEPOINTS; points++) {
        gsize step = (gsize)(g_utf8_skip[(guchar)text[used]]);
        if (used + step > len || used + step > CELL_BYTES)
            break;
        used += step;
    }
    if (used < len && used > 3 && !memcmp(text + used - 3, "\xe2\x80\x8d", 3))
        used -= 3;
    return used ? used : MIN(len, (gsize)CELL_BYTES);
}

static void put_cluster(struct grid *grid, int x, int y, style_t style, guint16 field,
    const char *text, gsize len, int width)
{
    cut_wide(grid, x, y);
    cut_wide(grid, x + width, y);
    grid->touched[y] = true;
    struct cell *cell = grid_cell(grid, x, y);
    gsize take = len <= 4 ? len : cluster_bytes(text, len);
    *cell = (struct cell){ .len = (guint8)take, .width = (guint8)width,
        .field = field, .style = style };
    memcpy(cell->text, text, take);
    if (width == 2)
        cell[1] = (struct cell){ .field = field, .style = style };
}

/* Text that is clean already. */
static int put_clean(struct area area, int x, int y, int cells, style_t style,
    const char *text, gsize len)
{
    if (y < 0 || y >= area.rows || x >= area.cols || x < 0)
        return 0;
    int limit = cells < 0 ? area.cols - x : MIN(cells, area.cols - x);
    int used = 0;
    const char *end = text + len;
    /* Two fields never begin in the same column. */
    guint16 field = text_is_rtl(text, len) ? (guint16)(area.x + x + 1) : 0;
    struct grapheme g;
    while (used < limit && text_next_grapheme(text, end, &g)) {
        text = g.start + g.len_bytes;
        if (g.width_cells <= 0)
            continue;
        if (used + g.width_cells > limit)
            break;
        put_cluster(area.grid, area.x + x + used, area.y + y, style, field,
            g.start, g.len_bytes, g.width_cells);
        used += g.width_cells;
    }
    return used;
}

int grid_text_n(struct area area, int x, int y, int cells, style_t style,
    const char *text, gssize len)
{
    if (!text || !area.grid)
        return 0;
    gsize bytes = len < 0 ? strlen(text) : (gsize)len;
    /* No more than what could be seen is worth looking at: a cluster has at
     * most a few dozen bytes, and hostile text may have megabytes. */
    gsize most = (gsize)(MAX(area.cols, 1)) * 64;
    if (bytes > most) {
        bytes = most;
        while (bytes && ((guchar)text[bytes] & 0xc0) == 0x80)
            bytes--;
    }
    if (text_is_clean(text, (gssize)bytes, TEXT_ONE_LINE))
        return put_clean(area, x, y, cells, style, text, bytes);
    g_autofree char *clean = text_clean(text, (gssize)bytes, TEXT_ONE_LINE);
    return put_clean(area, x, y, cells, style, clean, strlen(clean));
}

int grid_text(struct area area, int x, int y, int cells, style_t style, const char *text)
{
    return grid_text_n(area, x, y, cells, style, text, -1);
}

int grid_text_fit(struct area area, int x, int y, int cells, style_t style, const char *text)
{
    if (!text || cells <= 0)
        return 0;
    g_autofree char *clean =
        text_clean(text, (gssize)strnlen(text, 4096), TEXT_ONE_LINE);
    if (text_width(clean, -1) <= cells)
        return put_clean(area, x, y, cells, style, clean, strlen(clean));
    int used = put_clean(area, x, y, cells - 1, style, clean, strlen(clean));
    return used + grid_mark(area, x + used, y, style, MARK_ELLIPSIS);
}

int grid_printf(struct area area, int x, int y, style_t style, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return grid_text(area, x, y, -1, style, text);
}

const char *mark_text(enum mark mark, bool ascii)
{
    return ascii ? marks[mark].ascii : marks[mark].utf8;
}

int mark_width(enum mark mark, bool ascii)
{
    return text_width(mark_text(mark, ascii), -1);
}

int grid_mark(struct area area, int x, int y, style_t style, enum mark mark)
{
    const char *text = mark_text(mark, area.grid->ascii);
    return put_clean(area, x, y, -1, style, text, strlen(text));
}

void grid_hline(struct area area, int x, int y, int cells, style_t style)
{
    for (int i = 0; i < cells; i++)
        grid_mark(area, x + i, y, style, MARK_HLINE);
}

void grid_vline(struct area area, int x, int y, int cells, style_t style)
{
    for (int i = 0; i < cells; i++)
        grid_mark(area, x, y + i, style, MARK_VLINE);
}

void grid_restyle(struct area area, int x, int y, int cells, style_t style)
{
    if (y < 0 || y >= area.rows || x < 0)
        return;
    area.grid->touched[area.y + y] = true;
    for (int i = x; i < MIN(x + cells, area.cols); i++)
        grid_cell(area.grid, area.x + i, area.y + y)->style = style;
}

void grid_ground(struct area area, int x, int y, int cells, enum role role)
{
    if (y < 0 || y >= area.rows || x < 0)
        return;
    area.grid->touched[area.y + y] = true;
    for (int i = x; i < MIN(x + cells, area.cols); i++) {
        style_t *style = &grid_cell(area.grid, area.x + i, area.y + y)->style;
        *style = style_on(*style, role);
    }
}

void grid_overlay(struct area area, int x, int y, int cells, style_t style)
{
    if (y < 0 || y >= area.rows || x < 0)
        return;
    area.grid->touched[area.y + y] = true;
    for (int i = x; i < MIN(x + cells, area.cols); i++) {
        style_t *under = &grid_cell(area.grid, area.x + i, area.y + y)->style;
        style_t role = STYLE_ROLE(style) ? style : *under;
        *under = style_with(role & ~0xff00u, STYLE_ATTRS(*under) | STYLE_ATTRS(style));
    }
}

void grid_box(struct area area, style_t style)
{
    int right = area.cols - 1, bottom = area.rows - 1;
    grid_hline(area, 1, 0, right - 1, style);
    grid_hline(area, 1, bottom, right - 1, style);
    grid_vline(area, 0, 1, bottom - 1, style);
    grid_vline(area, right, 1, bottom - 1, style);
    grid_mark(area, 0, 0, style, MARK_CORNER_TL);
    grid_mark(area, right, 0, style, MARK_CORNER_TR);
    grid_mark(area, 0, bottom, style, MARK_CORNER_BL);
    grid_mark(area, right, bottom, style, MARK_CORNER_BR);
}

void grid_cursor(struct area area, int x, int y)
{
    if (x < 0 || y < 0 || x >= area.cols || y >= area.rows)
        return;
    area.grid->cursor_x = area.x + x;
    area.grid->cursor_y = area.y + y;
}

char *grid_dump(const struct grid *grid)
{
    GString *out = g_string_new(NULL);
    for (int y = 0; y < grid->rows; y++) {
        gsize solid = out->len;
        for (int x = 0; x < grid->cols; x++) {
            const struct cell *cell = grid_cell(grid, x, y);
            if (!cell->width)
                continue;
            g_string_append_len(out, cell->text, cell->len);
            if (cell->len != 1 || cell->text[0] != ' ')
                solid = out->len;
        }
        g_string_truncate(out, solid);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
