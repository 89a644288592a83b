/*
 * Text is judged one code point at a time against what has been let through so
 * far: `struct cleaner` is the state of the cluster that ends the output. A
 * code point is kept, dropped, or replaced by U+FFFD. Because the verdict looks
 * at the output, cleaning a cleaned text changes nothing. Plain ASCII never
 * gets that far: eight bytes at a time are found harmless.
 */
#include "base/text.h"
#include <string.h>
#include <utf8proc.h>

enum {
    MARKS_MAX = 4,    /* combining marks on one base (H53) */
    CLUSTER_MAX = 16, /* code points; the longest emoji in use has 11 */
    REPLACEMENT = 0xFFFD,
    ZWNJ = 0x200C,
    ZWJ = 0x200D,
    BLACK_FLAG = 0x1F3F4,
};

struct range {
    gint32 first, last;
};

/* Scripts in which a joiner between two letters changes how they are read:
 * Arabic to Mandaic, the Indic scripts, Myanmar, Khmer, Mongolian. */
static const struct range joining_scripts[] = {
    { 0x0600, 0x08FF },
    { 0x0900, 0x0DFF },
    { 0x1000, 0x109F },
    { 0x1780, 0x17FF },
    { 0x1800, 0x18AF },
    { 0xA840, 0xA8FF },
};

/* The tag sequences of the flags of England, Scotland and Wales (UTS #51
 * annex C, RGI); any other tag character is hidden text. */
#define TAG(c) "\xF3\xA0\x81" c
static const char *const flag_tags[] = {
    TAG("\xA7") TAG("\xA2") TAG("\xA5") TAG("\xAE") TAG("\xA7") TAG("\xBF"),
    TAG("\xA7") TAG("\xA2") TAG("\xB3") TAG("\xA3") TAG("\xB4") TAG("\xBF"),
    TAG("\xA7") TAG("\xA2") TAG("\xB7") TAG("\xAC") TAG("\xB3") TAG("\xBF"),
};
enum { FLAG_TAGS_BYTES = 24, FLAG_TAGS_POINTS = 6 };

static bool is_printable_ascii(gint32 cp)
{
    return cp >= 0x20 && cp < 0x7F;
}

static bool in_joining_script(gint32 cp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(joining_scripts); i++)
        if (cp >= joining_scripts[i].first && cp <= joining_scripts[i].last)
            return true;
    return false;
}

static bool is_bidi_control(gint32 cp)
{
    return cp == 0x061C || cp == 0x200E || cp == 0x200F ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

static bool is_variation_selector(gint32 cp)
{
    return (cp >= 0xFE00 && cp <= 0xFE0F) || (cp >= 0x180B && cp <= 0x180D) ||
           cp == 0x180F || (cp >= 0xE0100 && cp <= 0xE01EF);
}

static bool is_han(gint32 cp)
{
    return (cp >= 0x3400 && cp <= 0x9FFF) || (cp >= 0xF900 && cp <= 0xFAFF) ||
           (cp >= 0x20000 && cp <= 0x3FFFF);
}

static bool is_noncharacter(gint32 cp)
{
    return (cp & 0xFFFE) == 0xFFFE || (cp >= 0xFDD0 && cp <= 0xFDEF);
}

static bool is_mark(int category)
{
    return category == UTF8PROC_CATEGORY_MN ||
           category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

static bool is_letter(int category)
{
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

static bool is_regional(gint32 cp)
{
    return cp >= 0x1F1E6 && cp <= 0x1F1FF;
}

static bool is_pictograph(gint32 cp)
{
    return cp >= 0xA9 && utf8proc_get_property(cp)->boundclass ==
                             UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

/* Length of the code point at p; 0 for bytes that are none. p < end. */
static size_t decode(const char *p, const char *end, gint32 *cp)
{
    unsigned char c = *p;
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)p, MIN(end - p, 4), cp);
    return n > 0 ? n : 0;
}

static const char *end_of(const char *s, gssize len)
{
    return s + (len < 0 ? strlen(s) : (size_t)len);
}

/* ---- The sanitizer ---- */

enum verdict { KEEP, DROP, MARK };

struct cleaner {
    enum text_flags flags;
    gint32 prev;       /* last code point let through, -1 at the start */
    gint32 state;      /* of utf8proc's boundary finder, up to and with prev */
    int points, marks; /* in the cluster that ends with prev */
    const char *keep_until; /* inside a known flag's tags */
};

static void cleaner_start(struct cleaner *c, gint32 cp)
{
    c->prev = cp;
    c->state = cp < 0 ? 0 : utf8proc_get_property(cp)->boundclass;
    c->points = 1;
    c->marks = 0;
}

static bool joins(const struct cleaner *c, gint32 cp, gint32 *state)
{
    if (c->prev < 0) {
        *state = utf8proc_get_property(cp)->boundclass;
        return false;
    }
    *state = c->state;
    return !utf8proc_grapheme_break_stateful(c->prev, cp, state);
}

/* A joiner stays where it shapes letters (RFC 5892 A.1, A.2, in a simpler
 * form) or glues pictographs; elsewhere it only hides. */
static bool keep_joiner(
    const struct cleaner *c, gint32 cp, const char *next, const char *end)
{
    gint32 after;
    if (c->prev < 0 || c->points + 2 > CLUSTER_MAX)
        return false;
    const utf8proc_property_t *before = utf8proc_get_property(c->prev);
    if (before->combining_class == 9) /* virama */
        return true;
    if (next >= end || !decode(next, end, &after))
        return false;
    if (cp == ZWJ && is_pictograph(after))
        return c->state == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
    const utf8proc_property_t *p = utf8proc_get_property(after);
    return in_joining_script(c->prev) && in_joining_script(after) &&
           is_letter(p->category) && p->charwidth > 0 && !p->ignorable &&
           (is_letter(before->category) || is_mark(before->category));
}

static bool keep_selector(const struct cleaner *c, gint32 cp)
{
    if (c->prev <= 0x20 || is_variation_selector(c->prev) || c->prev == ZWJ ||
        c->prev == ZWNJ || c->marks >= MARKS_MAX || c->points >= CLUSTER_MAX)
        return false;
    if (cp < 0xFE00)
        return c->prev >= 0x1820 && c->prev <= 0x18AA;
    return cp < 0xE0100 || is_han(c->prev);
}

static bool is_hidden(gint32 cp, const utf8proc_property_t *p)
{
    switch (p->category) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return p->ignorable || is_noncharacter(cp) ||
               (cp >= 0xE0000 && cp <= 0xE0FFF);
    }
}

static void accept(
    struct cleaner *c, gint32 cp, bool joined, gint32 state, bool mark)
{
    c->prev = cp;
    c->state = state;
    c->points = joined ? c->points + 1 : 1;
    if (!joined || (!mark && cp != ZWJ && cp != ZWNJ))
        c->marks = 0;
    else if (mark)
        c->marks++;
}

static void accept_mark(struct cleaner *c)
{
    gint32 state;
    bool joined = joins(c, REPLACEMENT, &state);
    accept(c, REPLACEMENT, joined, state, false);
}

static enum verdict judge_visible(
    struct cleaner *c, gint32 cp, const utf8proc_property_t *p)
{
    gint32 state;
    bool joined = joins(c, cp, &state);
    bool mark = is_mark(p->category);
    if (!joined && p->charwidth == 0 && cp >= 0x80)
        return MARK; /* it would fall on what stands left of it */
    if (joined && mark && c->marks >= MARKS_MAX)
        return DROP;
    if (joined && c->points >= CLUSTER_MAX)
        return mark ? DROP : MARK;
    accept(c, cp, joined, state, mark);
    return KEEP;
}

static void expect_flag_tags(
    struct cleaner *c, const char *next, const char *end)
{
    if (end - next < FLAG_TAGS_BYTES ||
        c->points + FLAG_TAGS_POINTS > CLUSTER_MAX)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(flag_tags); i++)
        if (memcmp(next, flag_tags[i], FLAG_TAGS_BYTES) == 0)
            c->keep_until = next + FLAG_TAGS_BYTES;
}

/* The verdict on cp, which ends at next; the state moves on. */
static enum verdict judge(
    struct cleaner *c, gint32 cp, const char *next, const char *end)
{
    if (is_printable_ascii(cp) && is_printable_ascii(c->prev)) {
        c->prev = cp;
        c->points = 1;
        c->marks = 0;
        return KEEP;
    }
    const utf8proc_property_t *p = utf8proc_get_property(cp);
    enum verdict verdict = MARK;
    gint32 state;
    if (cp < 0x80) {
        if (is_printable_ascii(cp) ||
            ((cp == '\n' || cp == '\t') && !(c->flags & TEXT_ONE_LINE)))
            verdict = judge_visible(c, cp, p);
    } else if (next <= c->keep_until ||
               ((cp == ZWJ || cp == ZWNJ) && keep_joiner(c, cp, next, end))) {
        bool joined = joins(c, cp, &state);
        accept(c, cp, joined, state, false);
        verdict = KEEP;
    } else if (is_variation_selector(cp)) {
        if (keep_selector(c, cp)) {
            bool joined = joins(c, cp, &state);
            accept(c, cp, joined, state, true);
            verdict = KEEP;
        }
    } else if (is_bidi_control(cp) && (c->flags & TEXT_KEEP_BIDI)) {
        bool joined = joins(c, cp, &state);
        accept(c, cp, joined, state, false);
        verdict = KEEP;
    } else if (!is_hidden(cp, p)) {
        verdict = judge_visible(c, cp, p);
        if (cp == BLACK_FLAG && verdict == KEEP)
            expect_flag_tags(c, next, end);
    }
    if (verdict == MARK)
        accept_mark(c);
    return verdict;
}

#define ONES G_GUINT64_CONSTANT(0x0101010101010101)
#define HIGH_BITS (ONES * 0x80)

/* True when all eight bytes are 0x20 to 0x7E. */
static bool is_printable_word(guint64 w)
{
    guint64 del = w ^ (ONES * 0x7F);
    return !((w | (w - ONES * 0x20) | (del - ONES)) & HIGH_BITS);
}

/* First byte that is not harmless ASCII. */
static const char *skip_ascii(
    const char *s, const char *end, enum text_flags flags)
{
    while (s < end) {
        guint64 w;
        if (end - s >= 8) {
            memcpy(&w, s, sizeof w);
            if (is_printable_word(w)) {
                s += 8;
                continue;
            }
        }
        const char *stop = end - s >= 8 ? s + 8 : end;
        for (; s < stop; s++)
            if (!is_printable_ascii((unsigned char)*s) &&
                ((*s != '\n' && *s != '\t') || (flags & TEXT_ONE_LINE)))
                return s;
    }
    return end;
}

/* The same in the middle of a text, where nothing can join what stands left. */
static const char *skip_run(struct cleaner *c, const char *p, const char *end)
{
    if ((unsigned char)*p >= 0x80 || !is_printable_ascii(c->prev))
        return p;
    const char *next = skip_ascii(p, end, c->flags);
    if (next > p)
        cleaner_start(c, next[-1]);
    return next;
}

bool text_is_clean(const char *s, gssize len, enum text_flags flags)
{
    const char *end = end_of(s, len);
    const char *p = skip_ascii(s, end, flags);
    if (p == end)
        return true;
    if ((unsigned char)*p < 0x80)
        return false;
    struct cleaner c = { .flags = flags };
    cleaner_start(&c, p > s ? p[-1] : -1);
    while (p < end) {
        p = skip_run(&c, p, end);
        if (p == end)
            break;
        gint32 cp;
        size_t n = decode(p, end, &cp);
        if (!n || judge(&c, cp, p + n, end) != KEEP)
            return false;
        p += n;
    }
    return true;
}

char *text_clean(const char *s, gssize len, enum text_flags flags)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    const char *end = end_of(s, len);
    const char *p = skip_ascii(s, end, flags);
    if (p == end)
        return g_strndup(s, end - s);
    GString *out = g_string_sized_new(end - s + 8);
    g_string_append_len(out, s, p - s);
    struct cleaner c = { .flags = flags };
    cleaner_start(&c, p > s ? p[-1] : -1);
    while (p < end) {
        const char *run = p;
        p = skip_run(&c, p, end);
        g_string_append_len(out, run, p - run);
        if (p == end)
            break;
        gint32 cp;
        size_t n = decode(p, end, &cp);
        enum verdict verdict = MARK;
        if (n)
            verdict = judge(&c, cp, p + n, end);
        else
            accept_mark(&c);
        n = n ? n : 1;
        if (verdict == KEEP)
            g_string_append_len(out, p, n);
        else if (verdict == MARK)
            g_string_append_len(out, replacement, 3);
        p += n;
    }
    return g_string_free(out, FALSE);
}

static bool is_xml_char(gint32 cp)
{
    return cp >= 0x20 ? cp != 0xFFFE && cp != 0xFFFF
                      : cp == '\t' || cp == '\n' || cp == '\r';
}

char *text_xml_clean(const char *s, gssize len, size_t *removed)
{
    const char *end = end_of(s, len);
    GString *out = g_string_sized_new(end - s);
    size_t lost = 0;
    for (const char *p = s; p < end;) {
        gint32 cp = 0;
        size_t n = decode(p, end, &cp);
        if (n && is_xml_char(cp))
            g_string_append_len(out, p, n);
        else
            lost++;
        p += n ? n : 1;
    }
    if (removed)
        *removed = lost;
    return g_string_free(out, FALSE);
}

/* ---- Clusters and cells ---- */

/* Also Thai and Lao AM, which are letters, and the second consonant of a
 * conjunct, where the Unicode tables join them. */
bool text_takes_column(gint32 cp)
{
    if (cp < 0x300)
        return false;
    const utf8proc_property_t *p = utf8proc_get_property(cp);
    return p->boundclass == UTF8PROC_BOUNDCLASS_SPACINGMARK ||
        (p->category == UTF8PROC_CATEGORY_MC && p->charwidth == 0) ||
        (p->category == UTF8PROC_CATEGORY_LO &&
            p->boundclass == UTF8PROC_BOUNDCLASS_OTHER);
}

struct look {
    gint32 first;
    int widest; /* of the code points */
    int beside; /* those that stand beside the first one */
    int regional;
    bool emoji_style, keycap;
};

static void look_add(struct look *look, gint32 cp)
{
    if (look->widest > 0 && text_takes_column(cp))
        look->beside++;
    else
        look->widest = MAX(look->widest, utf8proc_charwidth(cp));
    if (look->widest == 0 && text_takes_column(cp))
        look->widest = 1;
    look->regional += is_regional(cp);
    look->emoji_style |= cp == 0xFE0F;
    look->keycap |= cp == 0x20E3;
}

static int look_width(const struct look *look)
{
    if (look->regional == 2)
        return 2;
    if (look->emoji_style && (look->keycap || is_pictograph(look->first)))
        return 2;
    return MIN(look->widest + look->beside, 2);
}

/* A cell is two columns wide at most: what needs a third begins another. */
static bool is_full(const struct look *look, gint32 cp)
{
    return look->widest + look->beside >= 2 && text_takes_column(cp);
}

bool text_next_grapheme(const char *s, const char *end, struct grapheme *out)
{
    if (s >= end)
        return false;
    out->start = s;
    out->len_bytes = 1;
    unsigned char c = *s;
    if (c < 0x80 && c != '\r' && (s + 1 == end || (unsigned char)s[1] < 0x80)) {
        out->width_cells = is_printable_ascii(c);
        return true;
    }
    gint32 prev;
    size_t n = decode(s, end, &prev);
    if (!n) {
        out->width_cells = 1;
        return true;
    }
    /* The finder wants to have seen the first code point: with a zero state
     * it would join three regional indicators. */
    gint32 state = utf8proc_get_property(prev)->boundclass;
    struct look look = { .first = prev };
    look_add(&look, prev);
    const char *p = s + n;
    while (p < end) {
        gint32 cp;
        n = decode(p, end, &cp);
        if (!n || utf8proc_grapheme_break_stateful(prev, cp, &state) ||
            is_full(&look, cp))
            break;
        look_add(&look, cp);
        prev = cp;
        p += n;
    }
    out->len_bytes = p - s;
    out->width_cells = look_width(&look);
    return true;
}

int text_width(const char *s, gssize len)
{
    const char *end = end_of(s, len);
    gint64 width = 0;
    struct grapheme g;
    for (const char *p = s; p < end; p += g.len_bytes) {
        const char *run = skip_ascii(p, end, TEXT_ONE_LINE);
        if (run == end)
            return MIN(width + (run - p), G_MAXINT);
        if (run > p + 1) { /* a mark may belong to the last one */
            width += run - 1 - p;
            p = run - 1;
        }
        text_next_grapheme(p, end, &g);
        width += g.width_cells;
    }
    return MIN(width, G_MAXINT);
}

bool text_is_rtl(const char *s, gssize len)
{
    const char *end = end_of(s, len);
    while (s < end) {
        gint32 cp;
        size_t n = 1;
        if ((unsigned char)*s >= 0xd6 && (n = decode(s, end, &cp)) > 0) {
            int class = utf8proc_get_property(cp)->bidi_class;
            if (class == UTF8PROC_BIDI_CLASS_R || class == UTF8PROC_BIDI_CLASS_AL ||
                class == UTF8PROC_BIDI_CLASS_AN)
                return true;
        }
        s += n ? n : 1;
    }
    return false;
}

size_t text_fit(const char *s, gssize len, int cells)
{
    const char *end = end_of(s, len);
    const char *p = s;
    struct grapheme g;
    for (; text_next_grapheme(p, end, &g); p += g.len_bytes) {
        if (g.width_cells > cells)
            break;
        cells -= g.width_cells;
    }
    return p - s;
}

char *text_ellipsize(const char *s, int cells, bool ascii)
{
    size_t len = strlen(s);
    if (text_fit(s, len, cells) == len)
        return g_strndup(s, len);
    const char *dots = ascii ? "..." : "…";
    int dots_cells = ascii ? 3 : 1;
    if (cells <= dots_cells)
        return g_strndup(dots, ascii ? MAX(cells, 0) : cells > 0 ? 3 : 0);
    size_t fit = text_fit(s, len, cells - dots_cells);
    return g_strdup_printf("%.*s%s", (int)fit, s, dots);
}

/* ---- Filters ---- */

/* Case and accents gone. A short ASCII text, by far the most frequent, stays in
 * the caller's buffer; otherwise *owned is to be freed. */
static const char *fold(const char *s, char *buf, size_t size, char **owned)
{
    size_t i = 0;
    for (; s[i] && (unsigned char)s[i] < 0x80 && i + 1 < size; i++)
        buf[i] = g_ascii_tolower(s[i]);
    *owned = NULL;
    if (!s[i]) {
        buf[i] = '\0';
        return buf;
    }
    utf8proc_uint8_t *mapped = NULL;
    g_autofree char *valid = g_utf8_make_valid(s, -1);
    utf8proc_map((const utf8proc_uint8_t *)valid, 0, &mapped,
        UTF8PROC_NULLTERM | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE |
            UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);
    *owned = mapped ? (char *)mapped : NULL;
    return mapped ? *owned : "";
}

static bool is_word_start(const char *text, const char *p)
{
    return p == text || (!g_ascii_isalnum(p[-1]) && !(p[-1] & 0x80));
}

/* Every byte of the needle in order: runs and starts of words are worth more,
 * gaps cost. */
static int score_subsequence(const char *needle, const char *text)
{
    int score = 100;
    const char *last = NULL;
    const char *p = text;
    for (const char *n = needle; *n; n++) {
        p = strchr(p, *n);
        if (!p)
            return -1;
        if (last && p == last + 1)
            score += 8;
        else if (last)
            score -= MIN(p - last, 20);
        if (is_word_start(text, p))
            score += 10;
        last = p++;
    }
    return CLAMP(score, 1, 399);
}

int text_fuzzy_folded(const char *needle, const char *text)
{
    int shortness = 99 - (int)MIN(strlen(text), 99);
    const char *hit = strstr(text, needle);
    if (!hit)
        return score_subsequence(needle, text);
    if (hit == text)
        return (text[strlen(needle)] ? 800 : 1000) + shortness;
    for (const char *p = hit; p; p = strstr(p + 1, needle))
        if (is_word_start(text, p))
            return 600 + shortness;
    return 400 + shortness;
}

char *text_fold(const char *s)
{
    char buf[256];
    char *owned;
    char *folded = g_strdup(fold(s, buf, sizeof buf, &owned));
    free(owned); /* utf8proc allocates with malloc() */
    return folded;
}

/* What one character folds to, as text_fold() does it; its length in s. */
static size_t fold_one(const char *s, const char *end, char *out)
{
    gint32 cp, parts[32];
    size_t used = 0, len = decode(s, end, &cp);
    int last_class = 0;
    if (len <= 1) {
        out[0] = len ? g_ascii_tolower(*s) : '\x1a'; /* a bad byte is like nothing */
        out[1] = '\0';
        return 1;
    }
    utf8proc_ssize_t n = utf8proc_decompose_char(cp, parts, G_N_ELEMENTS(parts),
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK |
            UTF8PROC_IGNORE, &last_class);
    for (utf8proc_ssize_t i = 0; i < MIN(n, (utf8proc_ssize_t)G_N_ELEMENTS(parts)); i++)
        used += (size_t)utf8proc_encode_char(parts[i], (utf8proc_uint8_t *)out + used);
    out[used] = '\0';
    return len;
}

enum { FOLDED_MAX = 32 * 4 + 1 };

/* How much of [s, end) is needle, folded; 0: it does not begin with it. */
static gsize match_folded(const char *needle, const char *s, const char *end)
{
    char part[FOLDED_MAX];
    const char *p = s;
    while (*needle) {
        if (p >= end)
            return 0;
        size_t len = fold_one(p, end, part), n = strlen(part);
        if (!n && p == s)
            return 0; /* a mark belongs to what stands before it */
        if (strncmp(part, needle, n) && !g_str_has_prefix(part, needle))
            return 0;
        needle += MIN(n, strlen(needle)); /* a ligature may hold more than is left */
        p += len;
    }
    while (p < end && (*p & 0x80)) {
        size_t len = fold_one(p, end, part);
        if (*part)
            break;
        p += len;
    }
    return (gsize)(p - s);
}

const char *text_find_folded(const char *needle, const char *s, gsize len, gsize *found_len)
{
    const char *end = s + len;
    bool ascii = !(*needle & 0x80);
    for (const char *p = s; p < end; p++) {
        if ((*p & 0xc0) == 0x80 || (ascii && !(*p & 0x80) && g_ascii_tolower(*p) != *needle))
            continue;
        gsize n = match_folded(needle, p, end);
        if (!n)
            continue;
        *found_len = n;
        return p;
    }
    return NULL;
}

int text_fuzzy(const char *needle, const char *haystack)
{
    char needle_buf[256], text_buf[256];
    char *needle_owned, *text_owned;
    const char *n = fold(needle, needle_buf, sizeof needle_buf, &needle_owned);
    const char *t = fold(haystack, text_buf, sizeof text_buf, &text_owned);
    int score = *n ? text_fuzzy_folded(n, t) : 0;
    /* utf8proc allocates with malloc(). */
    free(needle_owned);
    free(text_owned);
    return score;
}
