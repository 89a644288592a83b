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
    g_assert_cmpint(look.fg, ==, COLOR_RGB | 0x102030);
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
        "[roles]\nnick = red green\n",
        "[palette]\nnobody = red\n", "[palette]\ntext = muted\n", "[palette]\ntext = red bold\n", "no section", "[roles]\nnick = #12345\n", "[roles]\nnick = 256\n" };
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

typedef void (*theme_fn)(const struct theme *theme);

static char *themes_dir(void)
{
    return g_test_build_filename(G_TEST_DIST, "themes", NULL);
}

static void each_theme(theme_fn fn)
{
    g_autofree char *dir = themes_dir();
    const char *dirs[] = { dir, NULL };
    g_auto(GStrv) list = theme_list(dirs);
    for (char **name = list; *name; name++) {
        g_autoptr(GError) error = NULL;
        struct theme *theme = theme_load(*name, dirs, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(theme_name(theme), ==, *name);
        g_assert_cmpstr(theme_summary(theme), !=, "");
        fn(theme);
        theme_free(theme);
    }
}

static void nothing(const struct theme *theme)
{
    (void)theme;
}

static void test_installed(void)
{
    static const char *const names[] = { "dark", "light", "high-contrast", "mono",
        "colorblind" };
    g_autofree char *dir = themes_dir();
    const char *dirs[] = { dir, NULL };
    g_auto(GStrv) list = theme_list(dirs);
    g_assert_cmpuint(g_strv_length(list), >=, 8);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_true(g_strv_contains((const char *const *)list, names[i]));
    each_theme(nothing);
}

/* What COLOR_DEFAULT may be: the plain ones, and those of usual terminals. */
static int ground_of(const struct theme *theme, int color, int variant)
{
    static const int dark[] = { 0x000000, 0x1e1e1e }, light[] = { 0xffffff, 0xf5f5f5 };
    return color != COLOR_DEFAULT ? color_rgb(color)
                                  : (theme_is_light(theme) ? light : dark)[variant];
}

static int ink_of(const struct theme *theme, int color)
{
    return color != COLOR_DEFAULT ? color_rgb(color)
        : theme_is_light(theme)   ? 0x202020
                                  : 0xd0d0d0;
}

static bool is_ornament(enum role role)
{
    return role == ROLE_RULE || role == ROLE_DIALOG_BORDER;
}

static void assert_contrast(const struct theme *theme, style_t style, enum depth depth,
    double least)
{
    struct look look = theme_look(theme, style, depth);
    for (int variant = 0; variant < 2; variant++) {
        int ink = ink_of(theme, look.fg), ground = ground_of(theme, look.bg, variant);
        double contrast = color_contrast(ink, ground);
        if (contrast < least)
            g_test_message("%s: %s on %s, depth %d: #%06x on #%06x has %.2f, not %.1f",
                theme_name(theme), role_rows[STYLE_ROLE(style)].name,
                role_rows[STYLE_GROUND(style)].name, depth, (guint)ink, (guint)ground,
                contrast, least);
        if (contrast < least)
            g_test_fail();
    }
}

/* WCAG 2.2, 1.4.3 (text) and 1.4.6 (high contrast); of sixteen colours, whose
 * values are the terminal's own, as much as large text needs. */
static void assert_readable(const struct theme *theme)
{
    static const enum role grounds[] = { ROLE_ROSTER_OPEN, ROLE_SELECTED };
    bool high = !strcmp(theme_name(theme), "high-contrast");
    for (int role = 0; role < ROLES; role++) {
        style_t style = style_of((enum role)role);
        if (is_ornament((enum role)role))
            continue;
        assert_contrast(theme, style, DEPTH_TRUE, high ? 7 : 4.5);
        assert_contrast(theme, style, DEPTH_256, high ? 7 : 4.5);
        assert_contrast(theme, style, DEPTH_16, high ? 4.5 : 3);
    }
    for (int hue = 1; hue <= HUES; hue++)
        assert_contrast(theme, style_of(ROLE_NICK) | (guint)hue << 16, DEPTH_TRUE,
            high ? 7 : 4.5);
    for (gsize i = 0; i < G_N_ELEMENTS(grounds); i++)
        for (int role = ROLE_ROSTER_ACCOUNT; role <= ROLE_MENTION; role++)
            assert_contrast(theme, style_on(style_of((enum role)role), grounds[i]),
                DEPTH_TRUE, 4.5);
}

static void test_contrast(void)
{
    g_assert_cmpfloat(color_contrast(0x000000, 0xffffff), ==, 21);
    g_assert_cmpfloat_with_epsilon(color_contrast(0x777777, 0xffffff), 4.48, 0.01);
    each_theme(assert_readable);
}

/* The same roles are seen where colours are fewer. */
static void assert_visible(const struct theme *theme)
{
    for (int role = 0; role < ROLES; role++)
        for (int depth = DEPTH_8; depth <= DEPTH_TRUE; depth++) {
            struct look look = theme_look(theme, style_of((enum role)role), (enum depth)depth);
            g_assert_true(look.fg == COLOR_DEFAULT || look.fg != look.bg);
        }
}

static void test_visible(void)
{
    each_theme(assert_visible);
}

/* What a colour tells, an attribute tells too, where there are no colours. */
static void assert_told_apart(const struct theme *theme)
{
    static const enum role pairs[][2] = { { ROLE_SELECTED, ROLE_ROSTER_NAME },
        { ROLE_SELECTED, ROLE_ROSTER_OPEN }, { ROLE_ROSTER_OPEN, ROLE_ROSTER_NAME },
        { ROLE_MENU_SELECTED, ROLE_MENU }, { ROLE_FIELD_ACTIVE, ROLE_FIELD },
        { ROLE_BUTTON_ACTIVE, ROLE_BUTTON }, { ROLE_BUTTON_DANGER, ROLE_BUTTON_ACTIVE },
        { ROLE_LINK, ROLE_MESSAGE }, { ROLE_ACTION, ROLE_MESSAGE },
        { ROLE_PANE_TITLE_FOCUS, ROLE_PANE_TITLE }, { ROLE_STATUS_BAD, ROLE_STATUS_GOOD },
        { ROLE_STATUS_MENTION, ROLE_STATUS_HOT }, { ROLE_STATUS_HOT, ROLE_STATUS },
        { ROLE_INSECURE, ROLE_SECURE }, { ROLE_TITLE, ROLE_TEXT },
        { ROLE_DIALOG_WARNING, ROLE_DIALOG }, { ROLE_UNREAD, ROLE_ROSTER_NAME } };
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        unsigned a = theme_look(theme, style_of(pairs[i][0]), DEPTH_MONO).attrs;
        unsigned b = theme_look(theme, style_of(pairs[i][1]), DEPTH_MONO).attrs;
        if (a == b)
            g_error("%s and %s look the same without colours",
                role_rows[pairs[i][0]].name, role_rows[pairs[i][1]].name);
    }
}

static void test_told_apart(void)
{
    each_theme(assert_told_apart);
}

/* A theme's file names colours by what they mean: a role that is new looks
 * right in all of them. */
static void test_roles_use_the_palette(void)
{
    for (int i = 0; i < ROLES; i++) {
        g_assert_nonnull(role_rows[i].name);
        if (strchr(role_rows[i].spec, '#'))
            g_error("role %s: name a colour of palette_rows instead of \"%s\"",
                role_rows[i].name, role_rows[i].spec);
    }
}

static void test_palette(void)
{
    g_autoptr(GError) error = NULL;
    struct theme *theme = parse("[palette]\ngood = #00aa00 | bright-green\n"
        "bar = 4\nwarn = good\n[roles]\nerror = good on bar bold | red | underline\n", &error);
    g_assert_no_error(error);
    struct look look = theme_look(theme, style_of(ROLE_ONLINE), DEPTH_TRUE);
    g_assert_cmpint(look.fg, ==, COLOR_RGB | 0x00aa00);
    g_assert_cmpint(theme_look(theme, style_of(ROLE_ONLINE), DEPTH_16).fg, ==, 10);
    look = theme_look(theme, style_of(ROLE_ONLINE), DEPTH_8); /* bright is bold */
    g_assert_cmpint(look.fg, ==, 2);
    g_assert_cmpuint(look.attrs, ==, ATTR_BOLD);
    g_assert_cmpint(theme_look(theme, style_of(ROLE_AWAY), DEPTH_16).fg, ==, 10);
    look = theme_look(theme, style_of(ROLE_ERROR), DEPTH_256);
    g_assert_cmpint(look.fg, ==, 34); /* the nearest of the cube */
    g_assert_cmpint(look.bg, ==, 4);
    g_assert_cmpint(theme_look(theme, style_of(ROLE_ERROR), DEPTH_8).fg, ==, 1);
    look = theme_look(theme, style_of(ROLE_ERROR), DEPTH_MONO);
    g_assert_cmpint(look.fg, ==, COLOR_DEFAULT);
    g_assert_cmpuint(look.attrs, ==, ATTR_UNDERLINE);
    theme_free(theme);
    theme = parse("[theme]\ncolors = none\n", NULL);
    look = theme_look(theme, style_of(ROLE_TITLE), DEPTH_TRUE);
    g_assert_cmpint(look.bg, ==, COLOR_DEFAULT);
    g_assert_cmpuint(look.attrs, ==, ATTR_REVERSE);
    theme_free(theme);
}

/* XEP-0392 s. 5.2: where red and green are one, hues are of half a circle. */
static void test_corrections(void)
{
    struct theme *theme = parse("[theme]\nnick_hues = red-green\n", NULL);
    for (guint hue = HUES / 4 + 1; hue <= HUES / 2; hue++) {
        style_t style = style_of(ROLE_NICK);
        g_assert_cmpint(theme_look(theme, style | hue << 16, DEPTH_TRUE).fg, ==,
            theme_look(theme, style | (hue + HUES / 2) << 16, DEPTH_TRUE).fg);
    }
    theme_free(theme);
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
        g_assert_true(look.fg & COLOR_RGB);
        g_hash_table_add(seen, GINT_TO_POINTER(look.fg));
        look = theme_look(theme, style_of(ROLE_NICK) | hue << 16, DEPTH_8);
        g_assert_true(look.fg > 0 && look.fg < 7);
    }
    g_assert_cmpuint(g_hash_table_size(seen), >, HUES * 9 / 10);
    g_hash_table_destroy(seen);
    theme_free(theme);
}

/* XEP-0392's test vectors: the angle, corrected for neither, the first, the
 * second kind of blindness, and its colour. */
static void test_xep0392(void)
{
    static const struct {
        const char *text;
        double angle[3], rgb[3][3];
    } vectors[] = {
        { "Romeo", { 327.255249, 327.255249, 147.255249 },
            { { 0.865, 0.000, 0.686 }, { 0.865, 0.000, 0.686 }, { 0.000, 0.535, 0.350 } } },
        { "juliet@capulet.lit", { 209.410400, 29.410400, 29.410400 },
            { { 0.000, 0.515, 0.573 }, { 0.742, 0.359, 0.000 }, { 0.742, 0.359, 0.000 } } },
        { "😺", { 331.199341, 331.199341, 151.199341 },
            { { 0.872, 0.000, 0.659 }, { 0.872, 0.000, 0.659 }, { 0.000, 0.533, 0.373 } } },
        { "council", { 359.994507, 359.994507, 179.994507 },
            { { 0.918, 0.000, 0.394 }, { 0.918, 0.000, 0.394 }, { 0.000, 0.524, 0.485 } } },
        { "Board", { 171.430664, 351.430664, 171.430664 },
            { { 0.000, 0.527, 0.457 }, { 0.904, 0.000, 0.494 }, { 0.000, 0.527, 0.457 } } },
    };
    static const char *const corrections[] = { "all", "red-green", "blue" };
    for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++)
        for (gsize k = 0; k < G_N_ELEMENTS(corrections); k++) {
            double angle = color_correct(corrections[k], style_angle_of(vectors[i].text));
            g_assert_cmpfloat_with_epsilon(angle, vectors[i].angle[k], 1e-5);
            int rgb = color_hsluv(angle, 100, 50);
            for (int c = 0; c < 3; c++)
                g_assert_cmpfloat_with_epsilon((rgb >> (16 - 8 * c) & 255) / 255.0,
                    vectors[i].rgb[k][c], 0.003);
        }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/theme/default", test_default);
    g_test_add_func("/theme/file", test_file);
    g_test_add_func("/theme/H64-damaged", test_damaged);
    g_test_add_func("/theme/installed", test_installed);
    g_test_add_func("/theme/contrast", test_contrast);
    g_test_add_func("/theme/visible", test_visible);
    g_test_add_func("/theme/told-apart-without-colours", test_told_apart);
    g_test_add_func("/theme/roles-use-the-palette", test_roles_use_the_palette);
    g_test_add_func("/theme/palette", test_palette);
    g_test_add_func("/theme/corrections", test_corrections);
    g_test_add_func("/theme/depth", test_depth);
    g_test_add_func("/theme/hues", test_hues);
    g_test_add_func("/theme/xep0392", test_xep0392);
    return g_test_run();
}
