/* txmpp.conf: values, comments, damage. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "store/option.h"
#include "tree.h"

static const struct option rows[] = {
    { "ui.theme", OPTION_ENUM, "dark", .choices = "dark light" },
    { "ui.bell", OPTION_BOOL, "true", .summary = "" },
    { "ui.width", OPTION_INT, "20", .min = 1, .max = 100 },
    { "net.idle", OPTION_SECONDS, "5m", .min = 1, .max = 86400 },
    { "ui.words", OPTION_LIST, NULL, .summary = "" },
    { "account.resource", OPTION_STRING, NULL, .summary = "" },
    { "account.enabled", OPTION_BOOL, "on", .summary = "" },
    { .name = NULL },
};

static char *dir, *path;

static struct options *load(const char *text, gssize len, GPtrArray *problems)
{
    if (text)
        g_assert_true(g_file_set_contents(path, text, len, NULL));
    else
        g_unlink(path);
    struct options *options = options_new(path, problems);
    options_register(options, rows);
    options_check(options);
    return options;
}

static char *contents(void)
{
    char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void test_defaults(void)
{
    struct options *o = load(NULL, 0, NULL);
    g_assert_cmpstr(options_get(o, NULL, "ui.theme"), ==, "dark");
    g_assert_true(options_bool(o, NULL, "ui.bell"));
    g_assert_true(options_is_default(o, NULL, "ui.bell"));
    g_assert_cmpint(options_int(o, NULL, "net.idle"), ==, 300);
    g_assert_null(options_get(o, NULL, "nonesuch"));
    g_assert_null(options_get(o, "a@b", "account.resource"));
    g_assert_true(options_bool(o, "a@b", "account.enabled"));
    options_free(o);
}

static void on_change(const struct option *row, const char *account,
    const char *value, gpointer data)
{
    g_string_append_printf(
        data, "%s %s %s;", row->name, account ? account : "-", value);
}

static void test_set(void)
{
    static const char text[] = "# my settings\n[ui]\n# the look\ntheme = light\n"
        "mystery = 1\n\n[account Juliet@IM.example.com]\nresource = balcony\n";
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) changes = g_string_new(NULL);
    struct options *o = load(text, -1, problems);
    options_on_change(o, on_change, changes);
    g_assert_cmpuint(problems->len, ==, 1);
    g_assert_nonnull(strstr(problems->pdata[0], "txmpp.conf:5: "));
    g_assert_cmpstr(options_get(o, NULL, "ui.theme"), ==, "light");
    g_assert_cmpstr(options_get(o, "juliet@im.example.com",
        "account.resource"), ==, "balcony");
    g_assert_true(options_set(o, NULL, "ui.bell", "no", false, NULL));
    g_assert_true(options_set(o, "juliet@im.example.com", "account.resource",
        "or chard", false, NULL));
    g_assert_true(options_set(o, "romeo@[::1]", "account.resource", "x", false,
        NULL));
    g_assert_cmpstr(changes->str, ==, "ui.bell - off;account.resource "
        "juliet@im.example.com or chard;account.resource romeo@[::1] x;");
    g_autofree char *saved = contents();
    g_assert_nonnull(strstr(saved, "# my settings"));
    g_assert_nonnull(strstr(saved, "# the look"));
    g_assert_nonnull(strstr(saved, "mystery=1"));
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    options_free(o);

    o = load(saved, -1, NULL);
    g_assert_false(options_bool(o, NULL, "ui.bell"));
    g_assert_cmpstr(options_get(o, "juliet@im.example.com",
        "account.resource"), ==, "or chard");
    g_auto(GStrv) jids = options_accounts(o);
    g_assert_cmpstr(jids[0], ==, "juliet@im.example.com");
    /* transient values hide and are not kept */
    g_assert_true(options_set(o, NULL, "ui.theme", "dark", true, NULL));
    g_assert_cmpstr(options_get(o, NULL, "ui.theme"), ==, "dark");
    g_autofree char *after = contents();
    g_assert_cmpstr(after, ==, saved);
    g_assert_true(options_set(o, NULL, "ui.theme", NULL, false, NULL));
    g_assert_true(options_is_default(o, NULL, "ui.theme"));
    options_free(o);
}

static void test_checks(void)
{
    static const char *const bad[][2] = { { "ui.theme", "pink" },
        { "ui.bell", "perhaps" }, { "ui.width", "0" }, { "ui.width", "x" },
        { "ui.width", "99999999999999999999" }, { "net.idle", "-1" },
        { "net.idle", "2w" }, { "nonesuch", "1" },
        { "account.resource", "x" }, { "ui.words", "\xff" } };
    struct options *o = load(NULL, 0, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(
            options_set(o, NULL, bad[i][0], bad[i][1], false, &error));
        g_assert_nonnull(error);
    }
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    options_free(o);
}

static void test_accounts(void)
{
    g_autoptr(GError) error = NULL;
    struct options *o = load(NULL, 0, NULL);
    g_assert_true(options_add_account(o, "juliet@im.example.com", NULL));
    g_assert_true(options_add_account(o, "juliet@im.example.com", NULL));
    g_assert_true(options_set(o, "juliet@im.example.com", "account.resource",
        "x", false, NULL));
    g_auto(GStrv) jids = options_accounts(o);
    g_assert_cmpuint(g_strv_length(jids), ==, 1);
    g_assert_true(options_remove_account(o, "juliet@im.example.com", NULL));
    g_assert_null(options_get(o, "juliet@im.example.com", "account.resource"));
    g_assert_false(options_remove_account(o, "juliet@im.example.com", &error));
    g_assert_nonnull(error);
    options_free(o);
}

/* What we write ourselves is no surprise when it is read. */
static void test_free_sections(void)
{
    static const char *const names[] = { "alias", "hues", "keys", "notes",
        "notify" };
    struct options *o = load(NULL, 0, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_true(options_section_set(
            o, names[i], "romeo@example.net", "x", NULL));
    options_free(o);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    o = options_new(path, problems);
    options_register(o, rows);
    options_check(o);
    g_assert_cmpuint(problems->len, ==, 0);
    options_free(o);
}

static void test_sections(void)
{
    static const char *const keys[] = { "M-n", "C-=", "[", " ", "#", "%41",
        "F1;x", "ü" };
    struct options *o = load(NULL, 0, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        g_assert_true(options_section_set(
            o, "keys", keys[i], "/win\t1\\ \n", NULL));
    options_free(o);
    o = options_new(path, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *value = options_section_get(o, "keys", keys[i]);
        g_assert_cmpstr(value, ==, "/win\t1\\ \n");
    }
    g_auto(GStrv) found = options_section_keys(o, "keys");
    g_assert_cmpuint(g_strv_length(found), ==, G_N_ELEMENTS(keys));
    g_assert_true(options_section_set(o, "trust a@[::1]", "pin", "x", NULL));
    g_autofree char *pin = options_section_get(o, "trust a@[::1]", "pin");
    g_assert_cmpstr(pin, ==, "x");
    g_assert_true(options_section_set(o, "keys", "M-n", NULL, NULL));
    g_assert_null(options_section_get(o, "keys", "M-n"));
    options_free(o);
}

/* F16: the line is named, the rest is used, the file stays as it is. */
static void test_damaged(void)
{
    static const struct {
        const char *text;
        gssize len;
        const char *place;
    } cases[] = {
        { "[ui]\ntheme = light\nhalf a li", -1, "txmpp.conf:3: " },
        { "theme = light\n[ui]\ntheme = light\n", -1, "txmpp.conf:1: " },
        { "[ui]\ntheme = light\n\xff\xfe\n", -1, "txmpp.conf:3: " },
        { "[ui]\ntheme = light\nbell = o\0n\n", 30, "txmpp.conf:3: " },
        { "[ui\n[ui]\ntheme = light\n", -1, "txmpp.conf:1: " },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        struct options *o = load(cases[i].text, cases[i].len, problems);
        g_assert_cmpuint(problems->len, >=, 1);
        g_assert_nonnull(strstr(problems->pdata[0], cases[i].place));
        g_assert_cmpstr(options_get(o, NULL, "ui.theme"), ==, "light");
        g_autofree char *before = contents();
        g_assert_false(
            options_set(o, NULL, "ui.theme", "dark", false, &error));
        g_assert_nonnull(strstr(error->message, "line"));
        g_assert_false(options_section_set(o, "keys", "a", "b", NULL));
        g_assert_false(options_add_account(o, "a@b", NULL));
        g_autofree char *after = contents();
        g_assert_cmpstr(before, ==, after);
        options_free(o);
    }
}

static void test_wrong_values(void)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    struct options *o = load("[ui]\ntheme = pink\nwidth = 7\n[account @]\n"
        "resource=x\n[account a@b/c]\n[net]\nidle = soon\n", -1, problems);
    g_assert_cmpstr(options_get(o, NULL, "ui.theme"), ==, "dark");
    g_assert_cmpint(options_int(o, NULL, "ui.width"), ==, 7);
    g_assert_cmpint(options_int(o, NULL, "net.idle"), ==, 300);
    g_assert_cmpuint(problems->len, ==, 4);
    g_autofree char *all = g_strjoin("\n", problems->pdata[0],
        problems->pdata[1], problems->pdata[2], problems->pdata[3], NULL);
    g_assert_nonnull(strstr(all, ":2: "));
    g_assert_nonnull(strstr(all, ":4: "));
    g_assert_nonnull(strstr(all, ":6: "));
    g_assert_nonnull(strstr(all, ":8: "));
    options_free(o);
}

static void test_huge(void)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *junk = g_strnfill(10 << 20, 'x');
    struct options *o = load(junk, -1, problems);
    g_assert_cmpuint(problems->len, ==, 1);
    g_assert_cmpstr(options_get(o, NULL, "ui.theme"), ==, "dark");
    g_assert_false(options_set(o, NULL, "ui.theme", "light", false, NULL));
    options_free(o);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    path = g_build_filename(dir, "txmpp.conf", NULL);
    g_test_add_func("/option/defaults", test_defaults);
    g_test_add_func("/option/set", test_set);
    g_test_add_func("/option/checks", test_checks);
    g_test_add_func("/option/accounts", test_accounts);
    g_test_add_func("/option/sections", test_sections);
    g_test_add_func("/option/free-sections", test_free_sections);
    g_test_add_func("/option/F16-damaged", test_damaged);
    g_test_add_func("/option/F16-wrong-values", test_wrong_values);
    g_test_add_func("/option/F16-huge", test_huge);
    int status = g_test_run();
    tree_remove(dir);
    g_free(path);
    g_free(dir);
    return status;
}
