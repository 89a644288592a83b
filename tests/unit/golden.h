/* A screen compared with tests/golden/NAME.txt; UPDATE_GOLDEN=1 writes it. */
#pragma once
#include "ui/tui.h"

G_GNUC_UNUSED static void golden_expect(struct tui *tui, const char *name)
{
    tui_dirty_all(tui);
    tui_draw(tui);
    g_autofree char *dump = grid_dump(tui->grid);
    g_autofree char *file = g_strconcat(name, ".txt", NULL);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "tests", "golden", file, NULL);
    g_autofree char *golden = NULL;
    g_autoptr(GError) error = NULL;
    if (g_getenv("UPDATE_GOLDEN"))
        g_file_set_contents(path, dump, -1, &error);
    g_assert_no_error(error);
    g_file_get_contents(path, &golden, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(dump, ==, golden);
}
