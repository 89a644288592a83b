/* Rows of text. */
#include "config.h"
#include "ui/draw/wrap.h"
#include "base/text.h"
#include <string.h>

static char *wrapped(const char *text, int cols)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    GString *out = g_string_new(NULL);
    wrap_text(rows, text, strlen(text), cols, 1000000);
    guint32 last = 0;
    for (guint i = 0; i < rows->len; i++) {
        const struct wrap_row *row = &g_array_index(rows, struct wrap_row, i);
        g_assert_cmpuint(row->start, >=, last);
        g_assert_cmpuint(row->end, >=, row->start);
        g_assert_cmpint(text_width(text + row->start, (gssize)(row->end - row->start)), <=, MAX(cols, 2));
        last = row->end;
        g_string_append_len(out, text + row->start, (gssize)(row->end - row->start));
        g_string_append_c(out, '|');
    }
    return g_string_free(out, FALSE);
}

static const struct {
    const char *text;
    int cols;
    const char *wanted;
} cases[] = {
    { "", 10, "|" },
    { "short", 10, "short|" },
    { "exactly 10", 10, "exactly 10|" },
    { "one two three", 7, "one two|three|" },
    { "one two three", 8, "one two|three|" },
    { "averyverylongword", 5, "avery|veryl|ongwo|rd|" },
    { "a verylongwordhere", 6, "a|verylo|ngword|here|" },
    { "line\nbreak", 20, "line|break|" },
    { "end\n", 20, "end||" },
    { "\n\n", 20, "|||" },
    { "漢字仮名", 4, "漢字|仮名|" },
    { "漢字仮名", 5, "漢字|仮名|" },
    { "ab 漢字", 5, "ab 漢|字|" },
    { "ab漢字cd", 5, "ab漢|字cd|" },
    { "e\xcc\x81" "e\xcc\x81" "e\xcc\x81", 2, "e\xcc\x81" "e\xcc\x81|e\xcc\x81|" },
    { "😀😀😀", 3, "😀|😀|😀|" },
    { "two  blanks", 4, "two |blan|ks|" },
    { "x", 0, "x|" },
};

static void test_cases(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = wrapped(cases[i].text, cases[i].cols);
        g_assert_cmpstr(got, ==, cases[i].wanted);
    }
}

static void test_limits(void)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    wrap_text(rows, "a\nb\nc\nd", 7, 10, 2);
    g_assert_cmpuint(rows->len, ==, 2);
    g_autofree char *prepared = wrap_prepare("a\tb\033c", -1);
    g_assert_null(strchr(prepared, '\t'));
    g_assert_null(strchr(prepared, '\033'));
}

/* The work is clusters looked at; the linker puts this in front of base's. */
bool __real_text_next_grapheme(const char *s, const char *end, struct grapheme *out);
bool __wrap_text_next_grapheme(const char *s, const char *end, struct grapheme *out);
static guint clusters;

bool __wrap_text_next_grapheme(const char *s, const char *end, struct grapheme *out)
{
    clusters++;
    return __real_text_next_grapheme(s, end, out);
}

/* H53: a word of 10,000 cells and a megabyte of wide characters. */
static void test_speed(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 100000; i++)
        g_string_append(text, "漢");
    for (int i = 0; i < 100000; i++)
        g_string_append_c(text, 'x');
    clusters = 0;
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    wrap_text(rows, text->str, text->len, 60, G_MAXUINT);
    g_assert_cmpuint(rows->len, ==, 5001); /* the word begins a row */
    g_assert_cmpuint(clusters, >=, 200000);
    g_assert_cmpuint(clusters, <=, 200000 + rows->len); /* each of them once */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wrap/cases", test_cases);
    g_test_add_func("/wrap/limits", test_limits);
    g_test_add_func("/wrap/H53-speed", test_speed);
    return g_test_run();
}
