/* What a notification is decided by and made of; how it is shown is in
 * tests/e2e/test_notify.py. */
#include "config.h"
#include "ui/notify.h"
#include <string.h>

static void test_names(void)
{
    static const char *const me[] = { "juliet", "Jörg", "張三", "", NULL };
    static const struct {
        const char *text;
        bool named;
    } rows[] = {
        { "Juliet!", true }, { "hi JULIET, hi", true }, { "(juliet)", true },
        { "juliets", false }, { "ajuliet", false }, { "juliette juliet", true },
        { "Grüße, jorg", true }, { "ask 張三吧", true }, { "", false }, { NULL, false },
        { "\xff juliet", false },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(notify_names(rows[i].text, me), ==, rows[i].named);
    /* Long texts take their time once. */
    g_autofree char *many = g_strnfill(1 << 22, 'j');
    g_assert_false(notify_names(many, me));
    static const char *const self[] = { "jjj", NULL };
    g_assert_false(notify_names(many, self));
}

static void test_quiet(void)
{
    static const char *const bad[] = { "", "22:00", "22:00-", "22-7", "25:00-7:00",
        "24:01-1:00", "22:60-1:00", "22:00-07:00x", "-", "a:b-c:d", "22:00 - 7:00",
        "99999999999999999999:00-1:00" };
    int from, to;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(notify_parse_quiet(bad[i], &from, &to));
    g_assert_true(notify_parse_quiet("22:00-7:30", &from, &to));
    g_assert_true(notify_is_quiet(from, to, 22 * 60));
    g_assert_true(notify_is_quiet(from, to, 0));
    g_assert_true(notify_is_quiet(from, to, 7 * 60 + 29));
    g_assert_false(notify_is_quiet(from, to, 7 * 60 + 30));
    g_assert_false(notify_is_quiet(from, to, 21 * 60 + 59));
    g_assert_true(notify_parse_quiet("12:00-13:00", &from, &to));
    g_assert_false(notify_is_quiet(from, to, 0));
    g_assert_true(notify_is_quiet(from, to, 12 * 60));
    g_assert_true(notify_parse_quiet("00:00-24:00", &from, &to));
    g_assert_true(notify_is_quiet(from, to, 24 * 60 - 1));
}

/* H56: one literal argument each, none of which is an option. */
static void test_argv(void)
{
    static const char *const texts[] = { "$(id)", "`id`", ";rm -rf ~", "%n %%t \"'\\",
        "a b", "", "*" };
    g_autoptr(GError) error = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct notify_values values = { "Bob", texts[i], "bob@b.tld", "me@b.tld" };
        g_auto(GStrv) argv = notify_argv("say '%n: %t' %t %%t %x %", &values, &error);
        g_assert_no_error(error);
        g_autofree char *both = g_strconcat("Bob: ", texts[i], NULL);
        const char *const wanted[] = { "say", both, texts[i], "%t", "%x", "%", NULL };
        g_assert_true(g_strv_equal((const char *const *)argv, wanted));
    }
    struct notify_values option = { "-n", "-oProxyCommand=x", "-j@b.tld", "a" };
    g_auto(GStrv) argv = notify_argv("say %t%n --who=%n %j", &option, &error);
    const char *const wanted[] = { "say", " -oProxyCommand=x-n", "--who=-n", " -j@b.tld", NULL };
    g_assert_true(g_strv_equal((const char *const *)argv, wanted));
    /* The program is not for others to choose. */
    g_auto(GStrv) program = notify_argv("%t", &option, &error);
    g_assert_cmpstr(program[0], ==, "%t");
    g_assert_null(notify_argv("say 'it", &option, &error));
    g_assert_nonnull(strstr(error->message, "ui.notify_command"));
}

int main(int argc, char **argv)
{
    g_setenv("LC_ALL", "C.UTF-8", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notify/names", test_names);
    g_test_add_func("/notify/quiet", test_quiet);
    g_test_add_func("/notify/H56-argv", test_argv);
    return g_test_run();
}
