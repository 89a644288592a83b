/* What may stand at the cursor, and how it is put there. */
#include "engine_fixture.h"

#include <glib/gstdio.h>

static enum cmd_status run(struct job *job)
{
    return job_done(job);
}

static const struct command subs[] = {
    { .name = "add",
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "group", .kind = &arg_group, .option = "-g",
                .flags = ARG_REPEAT } },
        .run = run },
    { .name = "remove", .args = { { .name = "jid", .kind = &arg_contact } },
        .needs = NEEDS_CONSENT, .run = run },
    { .name = NULL },
};

static const struct command rows[] = {
    { .name = "roster", .aliases = "enter=add", .sub = subs, .run = run },
    { .name = "set",
        .args = { { .name = "option", .kind = &arg_option_name },
            { .name = "value", .kind = &arg_option_value,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .run = run },
    { .name = "status", .aliases = "away=away",
        .args = { { .name = "state", .kind = &arg_state },
            { .name = "message", .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .run = run },
    { .name = "wait",
        .args = { { .name = "from", .kind = &arg_contact, .option = "from" },
            { .name = "timeout", .kind = &arg_seconds,
                .option = "--timeout" } },
        .run = run },
    { .name = "layout",
        .args = { { .name = "how", .kind = &arg_choice,
            .choices = "wide narrow" } },
        .run = run },
    { .name = "open", .args = { { .name = "file", .kind = &arg_file } },
        .run = run },
    { .name = NULL },
};

static const struct option options[] = {
    { "ui.theme", OPTION_ENUM, "dark", .choices = "dark light", .summary = "" },
    { "ui.bell", OPTION_BOOL, "on", .summary = "" },
    { .name = NULL },
};

static void add_contact(
    struct account *account, const char *jid, const char *name, const char *group)
{
    struct contact *contact = roster_ensure(account->roster, jid);
    const char *groups[] = { group, NULL };
    contact->name = g_strdup(name);
    contact->in_roster = true;
    contact_set_groups(contact, groups);
}

/* "items from to insertion of the first" */
static char *complete(struct fixture *f, const char *line)
{
    struct run_context context = fixture_context(f);
    struct completion *c =
        engine_complete(f->engine, line, strlen(line), &context);
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < c->items->len; i++)
        g_string_append_printf(
            out, "%s%s", i ? "|" : "", (char *)c->items->pdata[i]);
    if (c->items->len == 1) {
        g_autofree char *word =
            completion_insertion(c, c->items->pdata[0], true);
        g_string_append_printf(
            out, " => %.*s%s", (int)c->from, line, word);
    }
    g_assert_cmpuint(c->from, <=, c->to);
    g_assert_cmpuint(c->to, <=, strlen(line));
    completion_free(c);
    return g_string_free(out, FALSE);
}

static void test_kinds(void)
{
    static const struct {
        const char *line, *out;
    } cases[] = {
        { "/ro", "roster => /roster " },
        { "/aw", "away => /away " },
        { "/s", "set|status" },
        { "/x", "" },
        { "plain te", "" },
        { "//x", "" },
        { "/roster ", "add|remove" },
        { "/roster a", "add => /roster add " },
        { "/roster add ro", "romeo@example.net => /roster add romeo@example.net " },
        { "/roster add \"My", "My Nurse => /roster add \"My Nurse\" " },
        { "/roster add My", "My Nurse => /roster add \"My Nurse\" " },
        { "/roster add romeo@example.net -", "-a|-g" },
        { "/roster add romeo@example.net -g ", "Friends|Old servants" },
        { "/roster add romeo@example.net -g O",
            "Old servants => /roster add romeo@example.net -g \"Old servants\" " },
        { "/roster add romeo@example.net -g Friends -g F",
            "Friends => /roster add romeo@example.net -g Friends -g Friends " },
        { "/roster remove romeo@example.net --y",
            "--yes => /roster remove romeo@example.net --yes " },
        { "/roster add -a ", "juliet@im.example.com => /roster add -a "
            "juliet@im.example.com " },
        { "/roster -a juliet@im.example.com re",
            "remove => /roster -a juliet@im.example.com remove " },
        { "/roster -g Friends a", "add => /roster -g Friends add " },
        { "/roster -g ", "" },
        { "/enter ro", "romeo@example.net => /enter romeo@example.net " },
        { "/enter romeo@example.net -g F",
            "Friends => /enter romeo@example.net -g Friends " },
        { "/away ", "" },
        { "/set ui.t", "ui.theme => /set ui.theme " },
        { "/set ui.theme ", "dark|light" },
        { "/set ui.bell o", "off|on" },
        { "/status d", "dnd => /status dnd " },
        { "/status dnd a", "" },
        { "/wait f", "from => /wait from " },
        { "/wait from ro", "romeo@example.net => /wait from "
            "romeo@example.net " },
        { "/layout n", "narrow => /layout narrow " },
        { "/nonesuch ", "" },
    };
    struct fixture f;
    fixture_open(&f, rows);
    options_register(f.options, options);
    add_contact(f.account, "romeo@example.net", NULL, "Friends");
    add_contact(f.account, "nurse@im.example.com", "My Nurse", "Old servants");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *out = complete(&f, cases[i].line);
        g_test_message("%s", cases[i].line);
        g_assert_cmpstr(out, ==, cases[i].out);
    }
    fixture_close(&f);
}

static void test_files(void)
{
    struct fixture f;
    fixture_open(&f, rows);
    g_autofree char *a = g_build_filename(f.dir, "a file", NULL);
    g_autofree char *d = g_build_filename(f.dir, "deep", NULL);
    g_autofree char *h = g_build_filename(f.dir, ".hidden", NULL);
    g_autofree char *e = g_build_filename(f.dir, "x\033[31m", NULL);
    g_file_set_contents(a, "", 0, NULL);
    g_file_set_contents(h, "", 0, NULL);
    g_file_set_contents(e, "", 0, NULL);
    g_mkdir(d, 0700);
    g_autofree char *line = g_strdup_printf("/open %s/", f.dir);
    g_autofree char *want = g_strdup_printf("%s|%s/", a, d);
    g_autofree char *all = complete(&f, line);
    g_assert_cmpstr(all, ==, want);
    g_autofree char *line_a = g_strdup_printf("/open %s/a", f.dir);
    g_autofree char *want_a = g_strdup_printf("%s => /open \"%s\" ", a, a);
    g_autofree char *one = complete(&f, line_a);
    g_assert_cmpstr(one, ==, want_a);
    /* A directory goes on. */
    g_autofree char *line_d = g_strdup_printf("/open %s/d", f.dir);
    g_autofree char *want_d = g_strdup_printf("%s/ => /open %s/", d, d);
    g_autofree char *dir = complete(&f, line_d);
    g_assert_cmpstr(dir, ==, want_d);
    remove(a);
    remove(h);
    remove(e);
    g_rmdir(d);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/complete/kinds", test_kinds);
    g_test_add_func("/complete/files", test_files);
    return g_test_run();
}
