/* Giving memory back. */
#include <stdio.h>
#include <string.h>
#include <glib.h>
#include "base/random.h"
#include "base/trim.h"

static gulong resident_kb(void)
{
    g_autofree char *text = NULL;
    gulong kb = 0;
    g_assert_true(g_file_get_contents("/proc/self/smaps_rollup", &text, NULL, NULL));
    const char *line = strstr(text, "\nRss:");
    g_assert_nonnull(line);
    g_assert_cmpint(sscanf(line, "\nRss: %lu kB", &kb), ==, 1);
    return kb;
}

/* What was written stays, code goes on, and less is ours than before. */
static void test_trim(void)
{
    static char written[] = "data of the program";
    g_autofree guint8 *heap = g_malloc(100000), *copy = NULL;
    random_bytes(heap, 100000);
    copy = g_memdup2(heap, 100000);
    written[0] = 'D';
    g_autoptr(GRegex) touches = g_regex_new("[a-z]+", G_REGEX_CASELESS, 0, NULL);
    g_assert_true(g_regex_match(touches, "libraries", 0, NULL));
    gulong before = resident_kb();
    memory_trim();
    g_assert_cmpuint(resident_kb(), <, before);
    g_assert_cmpstr(written, ==, "Data of the program");
    g_assert_cmpmem(heap, 100000, copy, 100000);
    g_assert_true(g_regex_match(touches, "libraries", 0, NULL));
}

static void test_random(void)
{
    guint8 a[64] = { 0 }, b[64] = { 0 }, zero[64] = { 0 };
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b - 1);
    g_assert_true(memcmp(a, b, sizeof a - 1) != 0);
    g_assert_true(memcmp(a, zero, sizeof a) != 0);
    g_assert_cmpuint(b[63], ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trim/keeps-what-was-written", test_trim);
    g_test_add_func("/random/fills", test_random);
    return g_test_run();
}
