/* Clusters, widths, and what others may not put on a screen (H51-H53, H55). */
#include <string.h>
#include <time.h>
#include "base/text.h"

#define FFFD "\uFFFD"
#define FAMILY "👨‍👩‍👧‍👦"
#define ENGLAND                                                                \
    "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F"

static void expect_clean(const char *in, enum text_flags flags, const char *out)
{
    g_autofree char *clean = text_clean(in, -1, flags);
    g_assert_cmpstr(clean, ==, out);
    g_assert_cmpint(text_is_clean(in, -1, flags), ==, strcmp(in, out) == 0);
    g_assert_true(text_is_clean(clean, -1, flags));
}

static void expect_kept(const char *text)
{
    expect_clean(text, TEXT_ONE_LINE, text);
}

static void test_h51(void)
{
    expect_clean("a\x1b[31mb", 0, "a" FFFD "[31mb");
    expect_clean("\xc2\x9b"
                 "31m",
        0, FFFD "31m");
    expect_clean("\xc2\x9d"
                 "0;x\xc2\x9c",
        0, FFFD "0;x" FFFD);
    expect_clean("\xc2\x90\xc2\x85\x7f\x07\r", 0, FFFD FFFD FFFD FFFD FFFD);
    expect_clean("a\u2028b\u2029c", 0, "a" FFFD "b" FFFD "c");
    for (int c = 1; c < 0x20; c++) {
        char text[] = { 'l', 'o', 'n', 'g', ' ', 't', 'e', 'x', 't', ' ', c,
            '!', 0 };
        bool kept = c == '\n' || c == '\t';
        g_assert_cmpint(text_is_clean(text, -1, 0), ==, kept);
        g_assert_false(text_is_clean(text, -1, TEXT_ONE_LINE));
    }
    g_autofree char *nul = text_clean("a\0b", 3, 0);
    g_assert_cmpstr(nul, ==, "a" FFFD "b");
    g_assert_false(text_is_clean("a\0b", 3, 0));
}

static void test_h52(void)
{
    static const char *const hidden[] = { "\u202e", "\u2066", "\u2069",
        "\u200f", "\u200e", "\u061c", "\ufeff", "\u200b", "\u2060", "\u00ad",
        "\u034f", "\u115f", "\u3164", "\uffa0", "\u180e", "\U000E0041",
        "\U000E0001", "\U000E0100", "\ufe0f", "\U0001D173", "\ufff9", "\u2064",
        "\u206f", "\U000E01F0", "\ufffe", "\U0001FFFF" };
    for (size_t i = 0; i < G_N_ELEMENTS(hidden); i++) {
        g_autofree char *in = g_strconcat(hidden[i], "b", NULL);
        expect_clean(in, 0, FFFD "b");
    }
    expect_clean("a\u202eb", TEXT_KEEP_BIDI, "a\u202eb");
    expect_clean("a\u200db\u200cc", 0, "a" FFFD "b" FFFD "c");
    /* hidden text behind a flag that is none of the three */
    expect_clean(
        "🏴\U000E0068\U000E0069\U000E007F", 0, "🏴" FFFD FFFD FFFD);
    expect_clean("x\ufe00\ufe01\ufe02", 0, "x\ufe00" FFFD "\ufe02");
}

static void test_h52_kept(void)
{
    expect_kept(FAMILY " and " FAMILY);
    expect_kept(
        "❤️ 1️⃣ 👍🏽 🏳️‍🌈 👩‍❤️‍💋‍👨 "
        "👁️‍🗨️");
    expect_kept("👩🏻‍❤️‍💋‍👨🏿");
    expect_kept(ENGLAND);
    expect_kept("🇩🇪🇫🇷");
    expect_kept("می‌خواهم");         /* Persian with its non-joiner */
    expect_kept("क्‍ष न्‌न"); /* Devanagari with both */
    expect_kept("葛\U000E0100");              /* an ideographic variant */
    expect_kept("שָׁלוֹם مرحبا สวัสดี 안녕하세요 こんにちは Zażółć");
    expect_kept("⚖︎ ☎︎");
}

static void test_h53(void)
{
    expect_clean("\u0301x", 0, FFFD "x");
    expect_clean("a\n\u0301x", 0, "a\n" FFFD "x");
    expect_kept("a\u0301\u0302\u0303\u0304b");
    expect_clean("a\u0301\u0302\u0303\u0304\u0305\u0306b", 0,
        "a\u0301\u0302\u0303\u0304b");
    g_autoptr(GString) zalgo = g_string_new("e");
    for (int i = 0; i < 1000; i++)
        g_string_append(zalgo, "\u0489");
    g_autofree char *clean = text_clean(zalgo->str, -1, 0);
    g_assert_cmpstr(clean, ==, "e\u0489\u0489\u0489\u0489");
    g_assert_cmpint(text_width(zalgo->str, -1), ==, 1);
    /* a chain of pictographs does not grow without end */
    g_autoptr(GString) chain = g_string_new("👨");
    for (int i = 0; i < 200; i++)
        g_string_append(chain, "‍👩");
    g_autofree char *cut = text_clean(chain->str, -1, 0);
    struct grapheme g;
    const char *end = cut + strlen(cut);
    for (const char *p = cut; text_next_grapheme(p, end, &g); p += g.len_bytes)
        g_assert_cmpuint(g.len_bytes, <=, 16 * 4);
    /* and old Hangul neither */
    g_autoptr(GString) jamo = g_string_new(NULL);
    for (int i = 0; i < 200; i++)
        g_string_append(jamo, "\u1100");
    g_autofree char *few = text_clean(jamo->str, -1, 0);
    g_assert_cmpint(text_next_grapheme(few, few + strlen(few), &g), ==, true);
    g_assert_cmpuint(g.len_bytes, <=, 16 * 3);
}

static void test_h53_fast(void)
{
    /* 5,000 wide characters, 1,000 tabs, 1,000 families: far below 5 ms */
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 1000; i++)
        g_string_append(text, "漢字漢字漢\t" FAMILY);
    clock_t start = clock();
    g_autofree char *clean = text_clean(text->str, -1, 0);
    int width = text_width(clean, -1);
    clock_t took = clock() - start;
    g_assert_cmpint(width, ==, 1000 * 12);
    /* a slow, instrumented build included */
    g_assert_cmpint(took, <, CLOCKS_PER_SEC / 10);
}

static void test_h55(void)
{
    expect_clean("x\n12:00 bob: yes", TEXT_ONE_LINE, "x" FFFD "12:00 bob: yes");
    expect_clean("x\ty", TEXT_ONE_LINE, "x" FFFD "y");
    expect_clean("x\ty\n", 0, "x\ty\n");
}

static void test_bad_utf8(void)
{
    expect_clean("\xff\xfe", 0, FFFD FFFD);
    expect_clean("\xc0\xaf", 0, FFFD FFFD);
    expect_clean("\xed\xa0\x80", 0, FFFD FFFD FFFD);
    expect_clean("ok \xf0\x9f", 0, "ok " FFFD FFFD);
    expect_clean("\xf4\x90\x80\x80", 0, FFFD FFFD FFFD FFFD);
    /* a length that ends inside a character */
    g_autofree char *cut = text_clean("aé", 2, 0);
    g_assert_cmpstr(cut, ==, "a" FFFD);
    g_assert_false(text_is_clean("aé", 2, 0));
}

static void test_xml(void)
{
    static const struct {
        const char *in, *out;
        size_t removed;
    } rows[] = {
        { "a\tb\nc\r", "a\tb\nc\r", 0 },
        { "a\x02"
          "b\x1f",
            "ab", 2 },
        { "a\ufffeb\uffff", "ab", 2 },
        { "\xed\xa0\x80x", "x", 3 },
        { "\x7f\xc2\x85😀", "\x7f\xc2\x85😀", 0 },
        { "", "", 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t removed = 99;
        g_autofree char *out = text_xml_clean(rows[i].in, -1, &removed);
        g_assert_cmpstr(out, ==, rows[i].out);
        g_assert_cmpuint(removed, ==, rows[i].removed);
    }
    g_autofree char *nul = text_xml_clean("a\0b", 3, NULL);
    g_assert_cmpstr(nul, ==, "ab");
}

static void test_clusters(void)
{
    static const struct {
        const char *text;
        int width;
    } rows[] = {
        { "a", 1 },
        { "é", 1 },
        { "e\u0301", 1 },
        { "漢", 2 },
        { "ｱ", 1 },
        { "Ａ", 2 },
        { "한", 2 },
        { "\u1112\u1161\u11ab", 2 },
        { "👍", 2 },
        { "👍🏽", 2 },
        { FAMILY, 2 },
        { ENGLAND, 2 },
        { "🇩🇪", 2 },
        { "🇩", 1 },
        { "❤", 1 },
        { "❤️", 2 },
        { "1️⃣", 2 },
        { "नि", 2 },
        { "का", 2 },
        { "कु", 1 },
        { "กำ", 2 },
        { "ำ", 1 },
        { "\u093e", 1 },
        { "\uFDFD", 1 },
        { "\u0301", 0 },
        { "\n", 0 },
        { "\r\n", 0 },
        { "\uE0B0", 1 },
        { "…", 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct grapheme g;
        const char *text = rows[i].text;
        const char *end = text + strlen(text);
        g_test_message("%s", text);
        g_assert_true(text_next_grapheme(text, end, &g));
        g_assert_true(g.start == text);
        g_assert_cmpuint(g.len_bytes, ==, strlen(text));
        g_assert_cmpint(g.width_cells, ==, rows[i].width);
        g_assert_cmpint(text_width(text, -1), ==, rows[i].width);
        g_assert_false(text_next_grapheme(end, end, &g));
    }
    g_assert_cmpint(text_width("🇩🇪🇫🇷🇩", -1), ==, 5);
    g_assert_cmpint(text_width("abc\xff漢\u0301", -1), ==, 6);
    g_assert_cmpint(text_width("abcdefghijk\u0301 漢", -1), ==, 14);
    /* A third column is another cell's. */
    g_assert_cmpint(text_width("\u0995\u09c7\u09be", -1), ==, 3);
    g_assert_cmpint(text_width("हिन्दी में", -1), ==, 7);
    g_assert_cmpint(text_width("", -1), ==, 0);
    g_assert_cmpint(text_width("abc", 2), ==, 2);
}

static void test_fit(void)
{
    g_assert_cmpuint(text_fit("hello", -1, 3), ==, 3);
    g_assert_cmpuint(text_fit("hello", -1, 9), ==, 5);
    g_assert_cmpuint(text_fit("漢字", -1, 3), ==, 3);
    g_assert_cmpuint(text_fit("漢字", -1, 1), ==, 0);
    g_assert_cmpuint(text_fit("e\u0301x", -1, 1), ==, 3);
    g_assert_cmpuint(text_fit("a" FAMILY "b", -1, 2), ==, 1);
    g_assert_cmpuint(text_fit("abc", -1, 0), ==, 0);
    g_assert_cmpuint(text_fit("abc", -1, -1), ==, 0);
}

static void expect_ellipsis(
    const char *in, int cells, bool ascii, const char *out)
{
    g_autofree char *cut = text_ellipsize(in, cells, ascii);
    g_assert_cmpstr(cut, ==, out);
    g_assert_cmpint(text_width(cut, -1), <=, MAX(cells, 0));
}

static void test_ellipsize(void)
{
    expect_ellipsis("hello", 5, false, "hello");
    expect_ellipsis("hello", 4, false, "hel…");
    expect_ellipsis("hello", 4, true, "h...");
    expect_ellipsis("hello", 2, true, "..");
    expect_ellipsis("hello", 1, false, "…");
    expect_ellipsis("hello", 0, false, "");
    expect_ellipsis("hello", -3, true, "");
    expect_ellipsis("漢字漢", 4, false, "漢…");
    expect_ellipsis("", 0, false, "");
}

static void test_fuzzy(void)
{
    g_assert_cmpint(text_fuzzy("", "x"), >=, 0);
    g_assert_cmpint(text_fuzzy("xyz", "abc"), <, 0);
    g_assert_cmpint(text_fuzzy("abc", ""), <, 0);
    g_assert_cmpint(text_fuzzy("cba", "abc"), <, 0);
    g_assert_cmpint(text_fuzzy("ROM", "romeo"), >, 0);
    g_assert_cmpint(text_fuzzy("zazolc", "Zażółć"), <, 0); /* ł has no accent */
    g_assert_cmpint(text_fuzzy("muller", "Müller"), >, 0);
    g_assert_cmpint(text_fuzzy("STRASSE", "straße"), >, 0);
    g_assert_cmpint(text_fuzzy("élan", "elan"), >, 0);
    static const char *const falling[] = { "rom", "romeo", "my romeo",
        "chromed", "r-o-m", "random octal mix of many" };
    for (size_t i = 1; i < G_N_ELEMENTS(falling); i++)
        g_assert_cmpint(text_fuzzy("rom", falling[i - 1]), >,
            text_fuzzy("rom", falling[i]));
    g_autofree char *huge = g_strnfill(1 << 20, 'a');
    g_assert_cmpint(text_fuzzy("aab", huge), <, 0);
    g_assert_cmpint(text_fuzzy("\xff\xfe", "\xff"), <, 0);
}

/* Random mixes of what has rules: done once is done, and nothing of width zero
 * begins a cluster. */
static void test_mixes(void)
{
    static const gunichar alphabet[] = { 'a', ' ', '\n', '\t', 0x0301, 0x0489,
        0x200B, 0x200C, 0x200D, 0x202E, 0xFE0E, 0xFE0F, 0xE0100, 0xE0067,
        0xE007F, 0x1F3F4, 0x1F468, 0x1F469, 0x1F3FD, 0x2764, 0x1F1E9, 0x1F1EA,
        0x0915, 0x094D, 0x0937, 0x093F, 0x0E33, 0x0645, 0x06CC, 0x064B, 0x0600,
        0x0D4E, 0x1100, 0x1161, 0x11A8, 0xAC00, 0x6F22, 0x20E3, '1', 0x1820,
        0x180B, 0x1F6D1, 0x0378, 0xFFFD, 0x00A9 };
    for (int round = 0; round < 20000; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int n = g_test_rand_int_range(1, 40); n > 0; n--)
            g_string_append_unichar(text,
                alphabet[g_test_rand_int_range(0, G_N_ELEMENTS(alphabet))]);
        enum text_flags flags = round & 1 ? TEXT_ONE_LINE : 0;
        g_autofree char *clean = text_clean(text->str, -1, flags);
        g_autofree char *again = text_clean(clean, -1, flags);
        g_assert_cmpstr(again, ==, clean);
        g_assert_true(text_is_clean(clean, -1, flags));
        g_assert_cmpint(text_is_clean(text->str, -1, flags), ==,
            strcmp(clean, text->str) == 0);
        struct grapheme g;
        const char *end = clean + strlen(clean);
        int width = 0;
        for (const char *p = clean; text_next_grapheme(p, end, &g);
             p += g.len_bytes) {
            g_assert_true(g.width_cells > 0 || *p == '\n' || *p == '\t');
            g_assert_cmpuint(g_utf8_strlen(p, g.len_bytes), <=, 16);
            width += g.width_cells;
        }
        g_assert_cmpint(text_width(clean, -1), ==, width);
    }
}

static void test_find(void)
{
    static const struct {
        const char *needle, *text;
        int at, len; /* -1: nowhere */
    } rows[] = { { "line", "a Line", 2, 4 }, { "muller", "Herr M\303\274ller", 5, 7 },
        { "e", "caf\145\314\201!", 3, 3 }, { "strasse", "Stra\303\237e", 0, 7 },
        { "\320\274\320\270\321\200", "\320\234\320\230\320\240", 0, 6 },
        { "f", "\357\254\201x", 0, 3 }, { "xyz", "xyxyz", 2, 3 }, { "xyz", "xy", -1, 0 },
        { "a", "", -1, 0 }, { "\346\226\207", "\344\270\255\346\226\207", 3, 3 },
        { "b", "\377\376b", 2, 1 } };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize len = 0;
        const char *text = rows[i].text;
        const char *at = text_find_folded(rows[i].needle, text, strlen(text), &len);
        g_test_message("%s in %s", rows[i].needle, text);
        g_assert_cmpint(at ? at - text : -1, ==, rows[i].at);
        if (at)
            g_assert_cmpint(len, ==, rows[i].len);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/H51-controls", test_h51);
    g_test_add_func("/text/H52-hidden", test_h52);
    g_test_add_func("/text/H52-kept", test_h52_kept);
    g_test_add_func("/text/H53-piles", test_h53);
    g_test_add_func("/text/H53-fast", test_h53_fast);
    g_test_add_func("/text/H55-one-line", test_h55);
    g_test_add_func("/text/H53-mixes", test_mixes);
    g_test_add_func("/text/bad-utf8", test_bad_utf8);
    g_test_add_func("/text/F36-xml", test_xml);
    g_test_add_func("/text/clusters", test_clusters);
    g_test_add_func("/text/fit", test_fit);
    g_test_add_func("/text/ellipsize", test_ellipsize);
    g_test_add_func("/text/fuzzy", test_fuzzy);
    g_test_add_func("/text/find", test_find);
    return g_test_run();
}
