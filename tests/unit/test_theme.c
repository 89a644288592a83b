/* Themes: files, colours on every kind of terminal. */
#include "config.h"
#include "ui/theme/theme.h"
#include <string.h>

static struct theme *parse(const char *ini, GError **error)
{
    return theme_parse(ini, strlen(ini), "test.theme", error);
}

static void test_default(void)
{
    g_autoptr(GError) error = NULL;
    struct theme *theme = theme_load(NULL, NULL, &error);
    g_assert_no_error(error);
    for (int role = 0; role < ROLES; role++)
        for (int depth = DEPTH_MONO; depth <= DEPTH_TRUE; depth++) {
            struct look look = theme_look(theme, style_of((enum role)role), (enum depth)depth);
            int limit = depth == DEPTH_MONO ? 0 : depth == DEPTH_8 ? 8 : depth == DEPTH_16 ? 16
                : depth == DEPTH_256 ? 256 : G_MAXINT;
            g_assert_cmpint(look.fg, <, limit);
            g_assert_cmpint(look.bg, <, limit);
        }
    /* Bars are told apart without colours too. */
    g_assert_true(theme_look(theme, style_of(ROLE_STATUS), DEPTH_MONO).attrs & ATTR_REVERSE);
    g_assert_false(theme_look(theme, style_of(ROLE_TEXT), DEPTH_MONO).attrs & ATTR_REVERSE);
    g_assert_true(theme_look(theme, style_of(ROLE_SELECTED), DEPTH_MONO).attrs & ATTR_REVERSE);
    theme_free(theme);
}

static void test_file(void)
{
    g_autoptr(GError) error = NULL;
    struct theme *theme = parse("[theme]\nname=x\nnick_lightness=40\n[roles]\n"
        "nick-self = #102030 on 17 bold underline | red on bright-blue\n", &error);
    g_assert_no_error(error);
    struct look look = theme_look(theme, style_of(ROLE_NICK_SELF), DEPTH_TRUE);
    g_assert_cmpint(look.fg, ==, LOOK_RGB | 0x102030);
    g_assert_cmpint(look.bg, ==, 17);
    g_assert_cmpuint(look.attrs, ==, ATTR_BOLD | ATTR_UNDERLINE);
    look = theme_look(theme, style_of(ROLE_NICK_SELF), DEPTH_8);
    g_assert_cmpint(look.fg, ==, 1);
    g_assert_cmpint(look.bg, ==, 4);
    theme_free(theme);
}

/* H64: each with a sentence that names the file. */
static void test_damaged(void)
{
    static const char *const bad[] = { "[roles]\nnick-self = \033[31m\n", "[roles]\nnobody = red\n",
        "[roles]\nnick = red green\n", "no section", "[roles]\nnick = #12345\n", "[roles]\nnick = 256\n" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(bad[i], &error));
        g_assert_nonnull(strstr(error->message, "test.theme"));
    }
    static const char *const names[] = { "../../etc/passwd", ".hidden", "/etc/passwd", "nosuch" };
    const char *dirs[] = { "/nonexistent", NULL };
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(theme_load(names[i], dirs, &error));
        g_assert_nonnull(error);
    }
}

static void test_installed(void)
{
    static const char *const names[] = { "dark", "light", "high-contrast", "mono" };
    g_autofree char *dir = g_test_build_filename(G_TEST_DIST, "themes", NULL);
    const char *dirs[] = { dir, NULL };
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        struct theme *theme = theme_load(names[i], dirs, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(theme_name(theme), ==, names[i]);
        theme_free(theme);
    }
    g_auto(GStrv) list = theme_list(dirs);
    g_assert_cmpuint(g_strv_length(list), ==, G_N_ELEMENTS(names));
}

static void test_depth(void)
{
    g_unsetenv("NO_COLOR");
    g_unsetenv("COLORTERM");
    g_unsetenv("TMUX");
    g_assert_cmpint(theme_depth("auto", "xterm", 256), ==, DEPTH_256);
    g_assert_cmpint(theme_depth("auto", "xterm", 8), ==, DEPTH_8);
    g_assert_cmpint(theme_depth("auto", "xterm", 0), ==, DEPTH_MONO);
    g_assert_cmpint(theme_depth("auto", "xterm", 1 << 24), ==, DEPTH_TRUE);
    g_assert_cmpint(theme_depth("16", "xterm", 256), ==, DEPTH_16);
    g_setenv("COLORTERM", "truecolor", TRUE);
    g_assert_cmpint(theme_depth("auto", "xterm-256color", 256), ==, DEPTH_TRUE);
    g_assert_cmpint(theme_depth("256", "xterm-256color", 256), ==, DEPTH_256);
    /* GNU Screen hands the variable on and knows no such colours. */
    g_assert_cmpint(theme_depth("auto", "screen-256color", 256), ==, DEPTH_256);
    g_setenv("TMUX", "/tmp/tmux,1,0", TRUE);
    g_assert_cmpint(theme_depth("auto", "screen-256color", 256), ==, DEPTH_TRUE);
    g_setenv("NO_COLOR", "1", TRUE);
    g_assert_cmpint(theme_depth("auto", "xterm", 256), ==, DEPTH_MONO);
    g_unsetenv("NO_COLOR");
}

static void test_hues(void)
{
    struct theme *theme = theme_load(NULL, NULL, NULL);
    GHashTable *seen = g_hash_table_new(NULL, NULL);
    for (unsigned hue = 1; hue <= HUES; hue++) {
        struct look look = theme_look(theme, style_of(ROLE_NICK) | hue << 16, DEPTH_TRUE);
        g_assert_true(look.fg & LOOK_RGB);
        g_hash_table_add(seen, GINT_TO_POINTER(look.fg));
        look = theme_look(theme, style_of(ROLE_NICK) | hue << 16, DEPTH_8);
        g_assert_true(look.fg > 0 && look.fg < 7);
    }
    g_assert_cmpuint(g_hash_table_size(seen), >, HUES * 9 / 10);
    g_hash_table_destroy(seen);
    theme_free(theme);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/theme/default", test_default);
    g_test_add_func("/theme/file", test_file);
    g_test_add_func("/theme/H64-damaged", test_damaged);
    g_test_add_func("/theme/installed", test_installed);
    g_test_add_func("/theme/depth", test_depth);
    g_test_add_func("/theme/hues", test_hues);
    return g_test_run();
}
