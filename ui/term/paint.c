/*
 * The rows that were written to are compared with what the terminal shows.
 * Between two changes in a row the cursor jumps when that is shorter; blanks
 * up to the edge are erased. A row with right-to-left text is written whole:
 * a terminal that reorders looks at all of it, and U+200E at the borders of a
 * field (cell.field) keeps the reordering inside.
 */
#include "config.h"
#include "ui/term/paint.h"
#include "base/text.h"
#include <string.h>
#include <wchar.h>

enum {
    JUMP_CELLS = 5,  /* as long as a jump is */
    ERASE_CELLS = 4,
    NOWHERE = -1,
};
#define UNLIKE_ANY (~(style_t)0)
#define LRM "\342\200\216"
#define ZWJ 0x200d
#define STYLED 0xfe0f

struct paint {
    const struct terminfo *info;
    bool utf8;
    struct opinion opinion;
    struct grid *shown; /* NULL: unknown */
    GHashTable *looks;  /* style → struct look */
    const struct theme *theme;
    enum depth depth;
    GByteArray *out;
    struct look pen;
    int x, y;           /* the cursor; x NOWHERE: unknown */
    bool hidden, cursor_known, recheck;
    guint clears;
};

static const struct look plain = { COLOR_DEFAULT, COLOR_DEFAULT, 0 };

struct paint *paint_new(const struct terminfo *info, bool utf8)
{
    struct paint *paint = g_new0(struct paint, 1);
    paint->info = info;
    paint->utf8 = utf8;
    paint->looks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return paint;
}

void paint_free(struct paint *paint)
{
    if (!paint)
        return;
    g_hash_table_destroy(paint->looks);
    grid_free(paint->shown);
    g_free(paint);
}

void paint_opinion(struct paint *paint, const struct opinion *opinion)
{
    paint->opinion = *opinion;
    bool odd = opinion->ambiguous_wide || opinion->no_wide || opinion->no_utf8 ||
        opinion->no_combining;
    if (odd)
        paint_forget(paint);
    if (!paint->shown)
        return;
    /* What it makes a difference for is written again. */
    paint->recheck = true;
    for (int i = 0; i < paint->shown->cols * paint->shown->rows; i++) {
        struct cell *cell = &paint->shown->cells[i];
        if (cell->field || cell->len > 4)
            cell->style = UNLIKE_ANY;
    }
}

void paint_forget(struct paint *paint)
{
    g_clear_pointer(&paint->shown, grid_free);
    g_hash_table_remove_all(paint->looks);
    paint->cursor_known = false;
}

void paint_forget_cells(struct paint *paint, int x, int y, int cols, int rows)
{
    struct grid *shown = paint->shown;
    if (!shown)
        return;
    for (int row = MAX(y, 0); row < MIN(y + rows, shown->rows); row++)
        for (int col = MAX(x, 0); col < MIN(x + cols, shown->cols); col++)
            grid_cell(shown, col, row)->style = UNLIKE_ANY;
    paint->recheck = true;
}

guint paint_clears(const struct paint *paint)
{
    return paint->clears;
}

/* ---- how it looks ---- */

static void put(struct paint *paint, enum cap cap, int a, int b)
{
    terminfo_put(paint->info, paint->out, cap, a, b);
}

static void put_text(struct paint *paint, const char *text, gsize len)
{
    g_byte_array_append(paint->out, (const guint8 *)text, (guint)len);
}

static const struct look *look_of(struct paint *paint, style_t style)
{
    struct look *look = g_hash_table_lookup(paint->looks, GUINT_TO_POINTER(style));
    if (look)
        return look;
    look = g_new(struct look, 1);
    *look = theme_look(paint->theme, style, paint->depth);
    if (!terminfo_colors(paint->info))
        look->fg = look->bg = COLOR_DEFAULT;
    if (look->fg != COLOR_DEFAULT || look->bg != COLOR_DEFAULT)
        look->attrs &= ~terminfo_attrs_without_color(paint->info);
    if ((look->attrs & ATTR_ITALIC) && !terminfo_has(paint->info, CAP_ITALIC))
        look->attrs = (look->attrs & ~(unsigned)ATTR_ITALIC) | ATTR_UNDERLINE;
    g_hash_table_insert(paint->looks, GUINT_TO_POINTER(style), look);
    return look;
}

static void put_color(struct paint *paint, enum cap cap, int color)
{
    int colors = terminfo_colors(paint->info);
    if (color == COLOR_DEFAULT)
        return;
    if (colors > 256) /* wants 0xrrggbb; its first eight are the palette's */
        put(paint, cap, color < 8 ? color : MAX(color_rgb(color), 8), 0);
    else if (color < colors)
        put(paint, cap, color, 0);
    else if (!(color & COLOR_RGB)) { /* more than terminfo knows of: ui.colors */
        char text[16];
        int len = g_snprintf(text, sizeof text, "\033[%d;5;%dm", cap == CAP_FG ? 38 : 48, color);
        put_text(paint, text, (gsize)len);
    } else {
        char text[32];
        int len = g_snprintf(text, sizeof text, "\033[%d;2;%d;%d;%dm",
            cap == CAP_FG ? 38 : 48, color >> 16 & 255, color >> 8 & 255, color & 255);
        put_text(paint, text, (gsize)len);
    }
}

static void set_pen(struct paint *paint, const struct look *look)
{
    static const struct {
        unsigned attr;
        enum cap cap;
    } attrs[] = {
        { ATTR_BOLD, CAP_BOLD }, { ATTR_DIM, CAP_DIM }, { ATTR_ITALIC, CAP_ITALIC },
        { ATTR_UNDERLINE, CAP_UNDERLINE }, { ATTR_REVERSE, CAP_REVERSE },
        { ATTR_STRIKE, CAP_STRIKE },
    };
    struct look *pen = &paint->pen;
    if (pen->attrs == look->attrs && pen->fg == look->fg && pen->bg == look->bg)
        return;
    bool to_default = (look->fg == COLOR_DEFAULT && pen->fg != COLOR_DEFAULT) ||
        (look->bg == COLOR_DEFAULT && pen->bg != COLOR_DEFAULT);
    if ((pen->attrs & ~look->attrs) || (to_default && !terminfo_has(paint->info, CAP_OP))) {
        put(paint, CAP_SGR0, 0, 0);
        *pen = plain;
    } else if (to_default) {
        put(paint, CAP_OP, 0, 0);
        pen->fg = pen->bg = COLOR_DEFAULT;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(attrs); i++)
        if (look->attrs & ~pen->attrs & attrs[i].attr)
            put(paint, attrs[i].cap, 0, 0);
    if (look->fg != pen->fg)
        put_color(paint, CAP_FG, look->fg);
    if (look->bg != pen->bg)
        put_color(paint, CAP_BG, look->bg);
    *pen = *look;
}

static void move(struct paint *paint, int x, int y)
{
    if (paint->x == x && paint->y == y)
        return;
    if (!terminfo_moves_colored(paint->info))
        set_pen(paint, &plain);
    if (paint->y == y && x == 0)
        put_text(paint, "\r", 1);
    else if (paint->y == y && terminfo_has(paint->info, CAP_HPA))
        put(paint, CAP_HPA, x, 0);
    else
        put(paint, CAP_CUP, y, x);
    paint->x = x;
    paint->y = y;
}

/* ---- cells ---- */

static bool in_locale(const struct paint *paint, gunichar c)
{
    if (c < 0x80)
        return true;
    if (paint->opinion.no_utf8)
        return false;
    char bytes[MB_LEN_MAX];
    mbstate_t state = { 0 };
    size_t n = paint->utf8 ? 1 : wcrtomb(bytes, (wchar_t)c, &state);
    return n != (size_t)-1 && n > 0;
}

/* A character in the terminal's charset. */
static void put_char(struct paint *paint, const char *utf8, gsize len)
{
    char bytes[MB_LEN_MAX];
    mbstate_t state = { 0 };
    gunichar c = g_utf8_get_char(utf8);
    size_t n = paint->utf8 ? len : wcrtomb(bytes, (wchar_t)c, &state);
    if (paint->utf8)
        put_text(paint, utf8, len);
    else if (n != (size_t)-1)
        put_text(paint, bytes, n);
}

struct cluster {
    gunichar points[CELL_CODEPOINTS];
    gsize ends[CELL_CODEPOINTS]; /* bytes */
    int n;
};

static void read_cluster(const struct cell *cell, struct cluster *out)
{
    out->n = 0;
    for (gsize i = 0; i < cell->len && out->n < CELL_CODEPOINTS;) {
        gunichar c = g_utf8_get_char_validated(cell->text + i, (gssize)(cell->len - i));
        if (c == (gunichar)-1 || c == (gunichar)-2)
            break;
        i += (gsize)g_utf8_skip[(guchar)cell->text[i]];
        out->points[out->n] = c;
        out->ends[out->n++] = i;
    }
}

static bool is_regional(gunichar c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

/* How much of a cluster the terminal is known to show in the cell's width:
 * joined pictures, tones and styles only where it said so, else what it
 * begins with, whose width everybody knows. Vowel signs have a column, should
 * they need it. */
static int known_part(const struct paint *paint, const struct cluster *cluster)
{
    const struct opinion *o = &paint->opinion;
    int n = 1;
    for (; n < cluster->n; n++) {
        gunichar c = cluster->points[n];
        bool tone = c >= 0x1f3fb && c <= 0x1f3ff;
        bool known = c == ZWJ || c >= 0xe0000 ? o->joined
            : c == STYLED                     ? o->styled
            : tone                            ? o->toned
            : cluster->points[n - 1] == ZWJ   ? o->joined
            : is_regional(c)                  ? o->flags
            : g_unichar_iszerowidth(c)        ? !o->no_combining
                                              : text_takes_column((gint32)c);
        if (!known || !in_locale(paint, c))
            break;
    }
    while (n > 1 && cluster->points[n - 1] == ZWJ)
        n--;
    return n;
}

static bool is_doubtful(const struct paint *paint, const struct cell *cell,
    const struct cluster *cluster)
{
    if (cluster->n > 1 || cluster->points[0] >= 0x1f000)
        return true;
    return paint->opinion.ambiguous_wide && cell->width == 1 && cluster->points[0] >= 0x80;
}

static void put_blanks(struct paint *paint, int n)
{
    for (int i = 0; i < n; i++)
        put_text(paint, " ", 1);
}

/* A cluster that is not one printable ASCII character. */
static void put_cluster(struct paint *paint, int x, int y, const struct cell *cell)
{
    struct cluster cluster;
    read_cluster(cell, &cluster);
    gsize first = cluster.n ? cluster.ends[0] : 0;
    int width = first ? text_width(cell->text, (gssize)first) : 0;
    if (width <= 0 || width > cell->width || !in_locale(paint, cluster.points[0]) ||
        (width == 2 && paint->opinion.no_wide)) {
        if (paint->utf8 && !paint->opinion.no_utf8 && width <= 0)
            put_text(paint, "\357\277\275", 3);
        else
            put_text(paint, "?", 1);
        put_blanks(paint, cell->width - 1);
        paint->x = NOWHERE;
        return;
    }
    int n = known_part(paint, &cluster);
    bool doubtful = is_doubtful(paint, cell, &cluster) ||
        (width < cell->width && n == 1);
    if (doubtful && cell->width == 2) { /* whatever it leaves is blank */
        put_blanks(paint, 2);
        paint->x = paint->y = NOWHERE;
        move(paint, x, y);
    }
    for (int i = 0; i < n; i++) {
        gsize from = i ? cluster.ends[i - 1] : 0;
        put_char(paint, cell->text + from, cluster.ends[i] - from);
    }
    paint->x += cell->width;
    if (doubtful)
        paint->x = NOWHERE;
    bool letters = n == 1 && cluster.n == 2 && is_regional(cluster.points[0]) &&
        is_regional(cluster.points[1]) && cell->width == 2 && width == 1;
    if (!letters)
        return;
    move(paint, x + 1, y); /* a flag as its two letters */
    put_char(paint, cell->text + first, cell->len - first);
    paint->x = NOWHERE;
}

static void put_cell(struct paint *paint, int x, int y, const struct cell *cell, int cols)
{
    move(paint, x, y);
    set_pen(paint, cell->style == STYLE_PICTURE ? &(struct look){ cell->picture.fg,
        cell->picture.bg, 0 } : look_of(paint, cell->style));
    guchar c = (guchar)cell->text[0];
    if (cell->len == 1 && cell->width == 1 && c >= 0x20 && c < 0x7f) {
        put_text(paint, cell->text, 1);
        paint->x++;
    } else
        put_cluster(paint, x, y, cell);
    if (x + cell->width >= cols) /* behind the last column terminals differ */
        paint->x = paint->y = NOWHERE;
}

/* ---- rows ---- */

static bool is_blank(const struct cell *cell)
{
    return cell->len == 1 && cell->text[0] == ' ' && cell->style != STYLE_PICTURE;
}

static bool has_field(const struct cell *cells, int cols)
{
    for (int x = 0; x < cols; x++)
        if (cells[x].field)
            return true;
    return false;
}

/* Who shows an accent without a column has none for a mark either. */
static bool knows_marks(const struct paint *paint)
{
    return paint->utf8 && paint->opinion.known && !paint->opinion.no_combining &&
        !paint->opinion.no_utf8;
}

static void put_mark(struct paint *paint, int x, int y)
{
    move(paint, x, y);
    put_text(paint, LRM, strlen(LRM));
    paint->x = NOWHERE; /* even should it take one */
}

static bool can_erase(struct paint *paint, style_t style)
{
    const struct look *look = look_of(paint, style);
    return terminfo_has(paint->info, CAP_EL) &&
        !(look->attrs & (ATTR_REVERSE | ATTR_UNDERLINE | ATTR_STRIKE)) &&
        (look->bg == COLOR_DEFAULT || terminfo_erases_colored(paint->info));
}

/* Where the blanks of one style at the end of a row begin. */
static int end_of_text(const struct cell *row, int cols)
{
    int end = cols;
    while (end > 0 && is_blank(&row[end - 1]) && row[end - 1].style == row[cols - 1].style &&
        !row[end - 1].field)
        end--;
    return end;
}

/* How many cells from x on are as they were, none of them worth a jump. */
static int unchanged(const struct cell *now, const struct cell *then, int x, int to)
{
    int n = 0;
    while (x + n < to && !memcmp(&now[x + n], &then[x + n], sizeof *now))
        n++;
    return n;
}

static bool is_plain_run(const struct cell *cells, int n)
{
    for (int i = 0; i < n; i++)
        if (cells[i].len != 1 || cells[i].width != 1 || cells[i].style != cells[0].style)
            return false;
    return true;
}

static void paint_row(struct paint *paint, const struct cell *now, const struct cell *then,
    int cols, int y)
{
    int from = unchanged(now, then, 0, cols), to = cols;
    if (from == cols)
        return;
    bool marks = knows_marks(paint) && (has_field(now, cols) || has_field(then, cols));
    if (marks)
        from = 0;
    else
        while (to > from + 1 && !memcmp(&now[to - 1], &then[to - 1], sizeof *now))
            to--;
    while (from > 0 && !now[from].width)
        from--;
    int end = end_of_text(now, cols);
    bool erase = cols - MAX(end, from) >= ERASE_CELLS && to > MAX(end, from) &&
        can_erase(paint, now[cols - 1].style);
    int last = erase ? MAX(end, from) : to;
    for (int x = from; x < last; x++) {
        if (!now[x].width)
            continue;
        int same = marks ? 0 : unchanged(now, then, x, last);
        if (same > 0 && (same >= JUMP_CELLS || paint->x != x || !is_plain_run(&now[x], same))) {
            x += same - 1;
            while (x + 1 < last && !now[x + 1].width)
                x++;
            continue;
        }
        if (marks && x && now[x].field != now[x - 1].field) {
            put_mark(paint, x, y);
        }
        put_cell(paint, x, y, &now[x], cols);
    }
    if (marks && last && last < cols && now[last - 1].field)
        put_mark(paint, last, y);
    if (!erase)
        return;
    move(paint, last, y);
    set_pen(paint, look_of(paint, now[cols - 1].style));
    put(paint, CAP_EL, 0, 0);
}

/* Everything anew, upon the background that the theme gives to text. */
static void clear(struct paint *paint, const struct grid *grid)
{
    const struct look *look;
    paint->clears++;
    put(paint, CAP_SGR0, 0, 0);
    paint->pen = plain;
    look = look_of(paint, style_of(ROLE_TEXT));
    bool filled = can_erase(paint, style_of(ROLE_TEXT));
    if (filled)
        set_pen(paint, look);
    put(paint, CAP_CLEAR, 0, 0);
    paint->x = NOWHERE;
    paint->y = 0;
    paint->shown = grid_new(grid->cols, grid->rows, grid->ascii);
    for (int i = 0; !filled && i < grid->cols * grid->rows; i++)
        paint->shown->cells[i].style = UNLIKE_ANY;
}

void paint_frame(struct paint *paint, struct grid *grid, const struct theme *theme,
    enum depth depth, GByteArray *out)
{
    paint->out = out;
    if (theme != paint->theme || depth != paint->depth)
        paint_forget(paint);
    paint->theme = theme;
    paint->depth = depth;
    bool all = !paint->shown || paint->shown->cols != grid->cols ||
        paint->shown->rows != grid->rows;
    guint before = out->len;
    if (all) {
        paint_forget(paint);
        clear(paint, grid);
    }
    bool hide = all && !paint->hidden; /* not seen wandering */
    if (hide)
        put(paint, CAP_HIDE, 0, 0);
    int cols = grid->cols;
    for (int y = 0; y < grid->rows; y++) {
        struct cell *now = grid_cell(grid, 0, y), *then = grid_cell(paint->shown, 0, y);
        if (!all && !paint->recheck && !grid->touched[y])
            continue;
        grid->touched[y] = false;
        bool corner = y == grid->rows - 1 && terminfo_wraps_at_once(paint->info);
        paint_row(paint, now, then, corner ? cols - 1 : cols, y);
        memcpy(then, now, sizeof *now * (gsize)cols);
    }
    paint->recheck = false;
    bool cursor = grid->cursor_x >= 0;
    if (cursor) {
        set_pen(paint, &plain);
        move(paint, grid->cursor_x, grid->cursor_y);
    } else if (out->len > before)
        set_pen(paint, &plain);
    if (hide || !paint->cursor_known || cursor == paint->hidden)
        put(paint, cursor ? CAP_SHOW : CAP_HIDE, 0, 0);
    paint->hidden = !cursor;
    paint->cursor_known = true;
    paint->out = NULL;
}

void paint_blank(struct paint *paint, int x, int y, int cols, int rows, GByteArray *out)
{
    const struct look pen = paint->pen;
    paint->out = out;
    set_pen(paint, look_of(paint, style_of(ROLE_TEXT)));
    for (int row = y; row < y + rows; row++) {
        put(paint, CAP_CUP, row, x);
        put_blanks(paint, cols);
    }
    paint->pen = pen;
    paint->out = NULL;
}
