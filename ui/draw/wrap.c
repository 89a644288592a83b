/* One pass over the clusters that remembers the last place to break. */
#include "config.h"
#include "ui/draw/wrap.h"
#include "base/text.h"
#include <string.h>

static void add_row(GArray *rows, gsize start, gsize end)
{
    struct wrap_row row = { (guint32)start, (guint32)end };
    g_array_append_val(rows, row);
}

/* In scripts that break between any two characters: what stays with the one
 * before it, and what with the one behind. */
static bool is_one_of(const struct grapheme *g, const char *set)
{
    gunichar c = (guchar)*g->start < 0x80
        ? 0 : g_utf8_get_char_validated(g->start, (gssize)g->len_bytes);
    return c && c < 0x110000 && g_utf8_strchr(set, -1, c);
}

void wrap_text(GArray *rows, const char *text, gsize len, int cols, guint max_rows)
{
    const char *end = text + len, *at = text;
    gsize start = 0;
    gsize break_end = 0, break_next = 0; /* row ends, next row begins; 0: none */
    int width = 0, after_break = 0;      /* cells since the row, since the break */
    guint count = 0;
    bool last_wide = false, opened = false;
    cols = MAX(cols, 2);

    struct grapheme g;
    while (count < max_rows && text_next_grapheme(at, end, &g)) {
        gsize offset = (gsize)(g.start - text);
        gsize next = offset + g.len_bytes;
        at = g.start + g.len_bytes;
        if (*g.start == '\n') {
            add_row(rows, start, offset);
            count++;
            start = next;
            width = after_break = 0;
            break_next = 0;
            last_wide = false;
            continue;
        }
        int cells = MAX(g.width_cells, 0);
        bool blank = *g.start == ' ', wide = cells == 2;
        if ((wide || last_wide) && !blank && !opened && offset > start &&
            !is_one_of(&g, "、。，．：；！？…）〕］｝」』】〉》”’")) {
            break_end = break_next = offset;
            after_break = 0;
        }
        last_wide = wide;
        opened = wide && is_one_of(&g, "（〔［｛「『【〈《");
        if (blank && width + cells > cols) {
            /* The blank at the edge is the break itself. */
            add_row(rows, start, offset);
            count++;
            start = next;
            width = after_break = 0;
            break_next = 0;
            continue;
        }
        if (width + cells > cols) {
            gsize row_end = break_next > start ? break_end : offset;
            gsize row_next = break_next > start ? break_next : offset;
            int carried = break_next > start ? after_break : 0;
            add_row(rows, start, row_end);
            count++;
            start = row_next;
            width = carried;
            after_break = 0;
            break_next = 0;
        }
        width += cells;
        after_break += cells;
        if (blank) {
            break_end = offset;
            break_next = next;
            after_break = 0;
        }
    }
    if (count < max_rows)
        add_row(rows, start, len);
}

int wrap_hang(const char *line)
{
    const char *text = line + strspn(line, " ");
    const char *gap = text > line ? strstr(text, "  ") : NULL;
    if (gap)
        text = gap + strspn(gap, " ");
    int cells = text_width(line, text - line);
    return cells <= 30 ? cells : 4;
}

char *wrap_prepare(const char *text, gssize len)
{
    char *clean = text_clean(text, len, 0);
    if (!strchr(clean, '\t'))
        return clean;
    GString *out = g_string_sized_new(strlen(clean) + 16);
    for (const char *p = clean; *p; p++) {
        if (*p == '\t')
            g_string_append(out, "    ");
        else
            g_string_append_c(out, *p);
    }
    g_free(clean);
    return g_string_free(out, FALSE);
}
