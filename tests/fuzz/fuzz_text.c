/* Any bytes as text: cleaning gives valid, clean text and is done when done;
 * clusters cover the text, widths add up, cutting keeps to its limits. */
#include <stdint.h>
#include <string.h>
#include "app/transfer.h"
#include "base/log.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(const char *s, size_t len, enum text_flags flags)
{
    g_autofree char *clean = text_clean(s, len, flags);
    size_t n = strlen(clean);
    g_assert(g_utf8_validate(clean, n, NULL));
    g_assert(text_is_clean(clean, n, flags));
    g_autofree char *again = text_clean(clean, n, flags);
    g_assert_cmpstr(again, ==, clean);
    bool same = n == len && (len == 0 || memcmp(s, clean, len) == 0);
    g_assert_cmpint(text_is_clean(s, len, flags), ==, same);
    for (const char *p = clean; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c == '\n' || c == '\t')
            g_assert(!(flags & TEXT_ONE_LINE));
        else
            g_assert(c >= 0x20 && !(c >= 0x7F && c < 0xA0));
        g_assert(!(c >= 0x202A && c <= 0x202E) &&
                 !(c >= 0x2066 && c <= 0x2069) && c != 0xFEFF && c != 0x200B);
    }
    /* nothing falls on what stands left of it */
    struct grapheme g;
    for (const char *p = clean; text_next_grapheme(p, clean + n, &g);
         p += g.len_bytes)
        g_assert(g.width_cells > 0 || *p == '\n' || *p == '\t');
}

static void check_width(const char *s, size_t len)
{
    struct grapheme g;
    const char *p = s;
    int width = 0;
    for (; text_next_grapheme(p, s + len, &g); p += g.len_bytes) {
        g_assert(g.start == p && g.len_bytes > 0);
        g_assert(g.width_cells >= 0 && g.width_cells <= 2);
        width += g.width_cells;
    }
    g_assert(p == s + len);
    g_assert_cmpint(text_width(s, len), ==, width);
    for (int cells = -1; cells < 12; cells++) {
        size_t fit = text_fit(s, len, cells);
        g_assert(fit <= len);
        g_assert_cmpint(text_width(s, fit), <=, MAX(cells, 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    check_clean(s, size, 0);
    check_clean(s, size, TEXT_ONE_LINE);
    check_width(s, size);
    g_autofree char *xml = text_xml_clean(s, size, NULL);
    g_assert(g_utf8_validate(xml, -1, NULL));
    g_autofree char *text = g_strndup(s, size);
    g_autofree char *cut = text_ellipsize(text, 7, size & 1);
    g_assert_cmpint(text_width(cut, -1), <=, 7);
    size_t half = strlen(text) / 2;
    g_autofree char *needle = g_strndup(text, half);
    text_fuzzy(needle, text + half);
    g_autofree char *folded = text_fold(needle);
    gsize found_len = 0;
    const char *at = *folded ? text_find_folded(folded, s, size, &found_len) : NULL;
    g_assert(!at || (at >= s && found_len && at + found_len <= s + size));
    g_autofree char *link = g_strconcat("https://x/", text, NULL);
    g_autofree char *name = transfer_name(link);
    g_assert(*name && *name != '.' && strlen(name) <= 200 && !strpbrk(name, "/\n\033"));
    g_assert(g_utf8_validate(name, -1, NULL));
    g_free(log_redact(s, size));
    return 0;
}
