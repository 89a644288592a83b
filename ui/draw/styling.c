/*
 * Blocks are lines: how many ">" a line has and whether a preformatted block
 * is open say what it is. Spans are matched lazily from the left; where the
 * next possible end of each kind is moves only to the right, so that a line of
 * nothing but openings costs no more than another one.
 */
#include "config.h"
#include "ui/draw/styling.h"
#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 32, KINDS = 4, NO_PRE = -1 };

static const char directives[KINDS + 1] = "*_~`";
static const guint8 kinds[KINDS] = { STYLING_STRONG, STYLING_EMPHASIS, STYLING_STRIKE,
    STYLING_PRE };

struct line {
    const char *text;
    gsize begin, end;
    guint8 *flags;
    gsize closing[KINDS]; /* the first that may end a span, from where we are */
};

static bool is_white(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);
    return g_unichar_isspace(c) || type == G_UNICODE_SPACE_SEPARATOR ||
        type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

static bool white_before(const struct line *line, gsize at)
{
    const char *before = g_utf8_find_prev_char(line->text + line->begin, line->text + at);
    return before && is_white(g_utf8_get_char(before));
}

static int kind_of(char c)
{
    const char *found = c ? strchr(directives, c) : NULL;
    return found ? (int)(found - directives) : -1;
}

/* The end of the span of this kind that opens at the byte, 0: none. */
static gsize closing_of(struct line *line, int kind, gsize opening, gsize limit)
{
    gsize at = MAX(line->closing[kind], opening + 2);
    while (at < line->end && (line->text[at] != directives[kind] || white_before(line, at)))
        at++;
    line->closing[kind] = at;
    return at < limit ? at : 0;
}

/* after: the directive right before belongs to an opening of this kind. */
static bool may_open(const struct line *line, gsize at, gsize limit, gsize begin, int after)
{
    int kind = kind_of(line->text[at]);
    if (kind < 0 || at + 2 >= limit || line->text[at + 1] == line->text[at] ||
        is_white(g_utf8_get_char(line->text + at + 1)))
        return false;
    if (at == begin)
        return after < 0 ? true : after != kind;
    return white_before(line, at);
}

static void set(struct line *line, gsize from, gsize to, guint8 flags)
{
    for (gsize i = from; i < to; i++)
        line->flags[i] |= flags;
}

/* A span ends before the first possible end of its own kind, so that none is
 * inside another of its kind: this goes no deeper than there are kinds. */
static void parse_spans(struct line *line, gsize begin, gsize limit, int after)
{
    for (gsize at = begin; at < limit; at++) {
        gsize end;
        int kind = kind_of(line->text[at]);
        if (kind < 0 || !may_open(line, at, limit, begin, after) ||
            !(end = closing_of(line, kind, at, limit)))
            continue;
        set(line, at, end + 1, kinds[kind]);
        line->flags[at] |= STYLING_MARK;
        line->flags[end] |= STYLING_MARK;
        if (kinds[kind] != STYLING_PRE)
            parse_spans(line, at + 1, end, kind);
        at = end;
    }
}

/* Behind one ">" and the blank after it, which belongs to it. */
static gsize skip_quote(const char *text, gsize at, gsize end)
{
    at++;
    if (at < end && is_white(g_utf8_get_char(text + at)))
        at += (gsize)g_utf8_skip[(guchar)text[at]];
    return at;
}

/* pre: how deep the open preformatted block is quoted. */
static void parse_line(const char *text, gsize begin, gsize end, guint8 *flags, int *pre)
{
    struct line line = { .text = text, .begin = begin, .end = end, .flags = flags };
    int depth = 0;
    gsize at = begin;
    while (depth < DEPTH_MAX && at < end && text[at] == '>' && (*pre < 0 || depth < *pre)) {
        gsize next = skip_quote(text, at, end);
        set(&line, at, at + 1, STYLING_MARK);
        at = next;
        depth++;
    }
    if (depth)
        set(&line, begin, end, STYLING_QUOTE);
    if (depth < *pre)
        *pre = NO_PRE; /* the block ends with the quotation around it */
    bool fence = end - at >= 3 && !memcmp(text + at, "```", 3);
    if (*pre >= 0 || fence) {
        bool closes = *pre >= 0 && fence && end - at == 3;
        set(&line, at, end, STYLING_PRE);
        if (*pre < 0 || closes) {
            set(&line, at, end, STYLING_MARK);
            *pre = closes ? NO_PRE : depth;
        }
        return;
    }
    line.begin = at;
    parse_spans(&line, at, end, -1);
}

void styling_parse(GArray *runs, const char *text, gsize len)
{
    g_autofree guint8 *flags = g_malloc0(len + 1);
    int pre = NO_PRE;
    for (gsize begin = 0; begin < len;) {
        const char *newline = memchr(text + begin, '\n', len - begin);
        gsize end = newline ? (gsize)(newline - text) : len;
        parse_line(text, begin, end, flags, &pre);
        begin = end + 1;
    }
    for (gsize start = 0; start < len;) {
        gsize end = start + 1;
        while (end < len && flags[end] == flags[start])
            end++;
        struct styling_run run = { (guint32)start, (guint32)end, flags[start] };
        if (run.flags)
            g_array_append_val(runs, run);
        start = end;
    }
}
