/* The list of features: consistent, and what is made of it. */
#include "xep_fixture.h"
#include "features_doap.h"

static void test_rows(void)
{
    for (const struct feature *const *f = features; *f; f++) {
        g_assert_nonnull((*f)->spec);
        g_assert_nonnull((*f)->name);
        if (!g_str_has_prefix((*f)->spec, "XEP-"))
            continue;
        g_assert_nonnull((*f)->version);
        g_assert_nonnull((*f)->since);
        g_assert_true(!(*f)->status || (*f)->note); /* partial: say why */
        for (const struct feature *const *g = features; g != f; g++)
            g_assert_cmpstr((*g)->spec, !=, (*f)->spec);
    }
}

/* The rows are the manual: every one explains itself. */
static void check_command(const struct command *command, bool is_sub)
{
    g_assert_nonnull(command->summary);
    g_assert_true(is_sub || command->examples);
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        check_command(sub, true);
}

static void test_manual(void)
{
    for (const struct feature *const *f = features; *f; f++) {
        if (!g_str_has_prefix((*f)->spec, "XEP-"))
            continue;
        for (const struct command *c = (*f)->commands; c && c->name; c++)
            check_command(c, false);
        for (const struct option *o = (*f)->options; o && o->name; o++)
            g_assert_nonnull(o->summary);
    }
}

static void test_doap(void)
{
    g_autofree char *doap = features_doap();
    assert_has(doap, "xep-0030.html");
    assert_has(doap, "xep-0368.html");
    assert_has(doap, "rfc6120");
    g_autoptr(xmpp_stanza_t) parsed = stanza_parse(strstr(doap, "<rdf:RDF"));
    g_assert_nonnull(parsed);
    const char *first = strstr(doap, "xep-0115.html");
    g_assert_nonnull(first);
    g_assert_null(strstr(first + 1, "xep-0115.html"));
    g_autofree char *again = features_doap();
    g_assert_cmpstr(doap, ==, again);
}

static void test_mdoc(void)
{
    g_autofree char *mdoc = features_mdoc();
    assert_has(mdoc, ".It XEP-0184\nMessage Delivery Receipts");
    g_assert_true(g_str_has_suffix(mdoc, ".El\n"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/features/rows", test_rows);
    g_test_add_func("/features/manual", test_manual);
    g_test_add_func("/features/doap", test_doap);
    g_test_add_func("/features/mdoc", test_mdoc);
    return g_test_run();
}
