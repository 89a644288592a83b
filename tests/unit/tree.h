/* A test's folder goes with the test. */
#pragma once
#include <glib/gstdio.h>

static inline void tree_remove(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        if (g_file_test(inner, G_FILE_TEST_IS_DIR) &&
            !g_file_test(inner, G_FILE_TEST_IS_SYMLINK))
            tree_remove(inner);
        else
            g_remove(inner);
    }
    g_remove(path);
}
