/* Jobs: their life, consent, waiting, aliases; names and help. */
#include "engine_fixture.h"

static struct job *kept;
static int freed, cancelled;

static void count_freed(gpointer data)
{
    (void)data;
    freed++;
}

static void count_cancelled(struct job *job, gpointer data)
{
    (void)job;
    (void)data;
    cancelled++;
}

static enum cmd_status keep(struct job *job)
{
    kept = job;
    job_set_data(job, &freed, count_freed);
    job_on_cancel(job, count_cancelled, NULL);
    return CMD_WAIT;
}

static enum cmd_status go(struct job *job)
{
    job_note(job, "gone");
    return job_done(job);
}

static enum cmd_status remove_it(struct job *job)
{
    return job_confirm(job, "Remove it?", go);
}

static enum cmd_status forget_to_end(struct job *job)
{
    job_note(job, "ran");
    return CMD_DONE;
}

static enum cmd_status say(struct job *job)
{
    job_note(job, "%s", job_arg(job, "text"));
    return job_done(job);
}

static const struct command rows[] = {
    { .name = "keep", .run = keep },
    { .name = "remove", .needs = NEEDS_CONSENT, .run = remove_it,
        .summary = "Removes it", .detail = "For good." },
    { .name = "plain", .run = forget_to_end },
    { .name = "say", .run = say,
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_REST } } },
    { .name = "online", .needs = NEEDS_ONLINE, .run = forget_to_end },
    { .name = "screen", .needs = NEEDS_SCREEN, .run = forget_to_end },
    { .name = "chat", .needs = NEEDS_CHAT, .run = forget_to_end },
    { .name = NULL },
};

static void test_life(void)
{
    struct fixture f;
    fixture_open(&f, rows);
    freed = cancelled = 0;
    fixture_run(&f, "/keep");
    g_assert_cmpint(f.capture.done, ==, 0);
    g_assert_true(job_is_alive(f.engine, kept));
    job_done(kept);
    g_assert_cmpint(f.capture.done, ==, 1);
    g_assert_cmpint(f.capture.ok, ==, 1);
    g_assert_cmpint(freed, ==, 1);
    g_assert_cmpint(cancelled, ==, 0);
    g_assert_false(job_is_alive(f.engine, kept));
    /* A late callback finds nothing, and ends nothing twice. */
    struct job *late = kept;
    g_assert_null(job_arg(late, "text"));
    job_note(late, "late");
    job_done(late);
    g_assert_cmpint(f.capture.done, ==, 1);
    /* The next job does not take its place. */
    fixture_run(&f, "/keep");
    g_assert_true(kept != late);
    g_assert_false(job_is_alive(f.engine, late));
    engine_cancel(f.engine, kept, "remote-server-timeout", "late");
    g_assert_cmpint(cancelled, ==, 1);
    g_assert_cmpint(freed, ==, 2);
    g_assert_cmpstr(f.capture.text->str, ==,
        "fail remote-server-timeout: late\n");
    fixture_run(&f, "/plain");
    g_assert_cmpint(f.capture.ok, ==, 1);
    /* What still runs is told when the account, or the engine, goes. */
    fixture_run(&f, "/keep");
    engine_account_gone(f.engine, f.account);
    g_assert_cmpint(f.capture.done, ==, 1);
    fixture_run(&f, "/keep");
    engine_cancel_all(f.engine);
    g_assert_cmpint(f.capture.done, ==, 1);
    fixture_close(&f);
}

static bool can_ask;
static struct question asked;

static bool ask(struct front *front, const struct question *question)
{
    (void)front;
    asked = *question;
    return can_ask;
}

static const struct front_ops ops = { .ask = ask, .is_screen = true };

static void test_consent(void)
{
    struct fixture f;
    struct front front = { &ops };
    fixture_open(&f, rows);
    can_ask = false;
    g_assert_cmpstr(fixture_run(&f, "/remove --yes"), ==, "note gone\n");
    g_assert_true(g_str_has_prefix(
        fixture_run(&f, "/remove --no"), "fail not-allowed: "));
    g_assert_nonnull(strstr(fixture_run(&f, "/remove"), "--yes"));
    g_assert_cmpint(f.capture.ok, ==, 0);
    g_assert_cmpstr(fixture_run(&f,
        "{\"command\":\"remove\",\"args\":{\"yes\":true}}"), ==, "note gone\n");

    can_ask = true;
    struct run_context context = fixture_context(&f);
    context.front = &front;
    for (int i = 0; i < 3; i++) {
        g_string_truncate(f.capture.text, 0);
        f.capture.done = 0;
        g_assert_nonnull(engine_run(f.engine, "/remove", &context));
        g_assert_true(asked.destructive);
        asked.answer(i == 0 ? ANSWER_YES : i == 1 ? ANSWER_NO : ANSWER_NONE,
            NULL, NULL, asked.data);
        g_assert_cmpint(f.capture.done, ==, 1);
        g_assert_cmpint(g_str_has_prefix(f.capture.text->str, "note gone"), ==,
            i == 0);
    }
    /* The answer comes when the job is gone. */
    struct job *job = engine_run(f.engine, "/remove", &context);
    engine_cancel(f.engine, job, "recipient-unavailable", "gone");
    g_string_truncate(f.capture.text, 0);
    asked.answer(ANSWER_YES, NULL, NULL, asked.data);
    g_assert_cmpstr(f.capture.text->str, ==, "");
    fixture_close(&f);
}

static void test_needs(void)
{
    struct fixture f;
    fixture_open(&f, rows);
    g_assert_true(g_str_has_prefix(fixture_run(&f, "/screen"),
        "fail feature-not-implemented"));
    g_assert_true(g_str_has_prefix(fixture_run(&f, "/chat"),
        "fail item-not-found"));
    g_assert_true(g_str_has_prefix(fixture_run(&f, "/online"),
        "fail recipient-unavailable"));
    f.online = true;
    g_assert_cmpstr(fixture_run(&f, "/online"), ==, "note ran\n");
    fixture_close(&f);
}

static void test_wait_online(void)
{
    struct fixture f;
    fixture_open(&f, rows);
    struct run_context context = fixture_context(&f);
    context.wait_online = true;
    f.account->state = STATE_DIALING;
    struct job *job = engine_run(f.engine, "/online", &context);
    g_assert_true(engine_is_waiting_online(f.engine, job));
    engine_resume_waiting(f.engine);
    g_assert_cmpint(f.capture.done, ==, 0);
    f.online = true;
    f.account->state = STATE_ONLINE;
    engine_resume_waiting(f.engine);
    g_assert_cmpstr(f.capture.text->str, ==, "note ran\n");
    g_assert_cmpint(f.capture.ok, ==, 1);
    /* Nothing is on its way: fails at once. */
    f.online = false;
    f.account->state = STATE_OFFLINE;
    g_assert_null(engine_run(f.engine, "/online", &context));
    g_assert_cmpint(f.capture.done, ==, 2);
    fixture_close(&f);
}

static void test_aliases(void)
{
    static const struct {
        const char *name, *template, *line, *out;
    } cases[] = {
        { "hi", "/say hello", "/hi", "note hello\n" },
        { "hi", "/say hello", "/hi there  now", "note hello there  now\n" },
        { "hi", "say hello $*!", "/hi there  now", "note hello there  now!\n" },
        { "hi", "/say $2 $1 $3.", "/hi a 'b c'", "note 'b c' a .\n" },
        { "hi", "/say $$1 $", "/hi", "note $1 $\n" },
        { "hi", "/ho", "/hi x", "note ho x\n" },
        { "loop", "/loop x", "/loop", "fail bad-request: This alias leads to "
            "itself: /alias list shows it\n" },
        { "say", "/plain", "/say x", "note x\n" },
    };
    struct fixture f;
    fixture_open(&f, rows);
    g_assert_true(
        options_section_set(f.options, "alias", "ho", "/say ho", NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(options_section_set(
            f.options, "alias", cases[i].name, cases[i].template, NULL));
        g_assert_cmpstr(fixture_run(&f, cases[i].line), ==, cases[i].out);
    }
    fixture_close(&f);
}

static void test_help(void)
{
    struct fixture f;
    fixture_open(&f, rows);
    g_autofree char *text = help_text(f.engine, "/remove", false, NULL);
    g_assert_nonnull(strstr(text, "/remove [--yes|--no]"));
    g_assert_nonnull(strstr(text, "For good."));
    g_autofree char *all = help_text(f.engine, NULL, false, NULL);
    g_assert_nonnull(strstr(all, "/say"));
    g_autoptr(GError) error = NULL;
    g_assert_null(help_text(f.engine, "remov", false, &error));
    g_assert_nonnull(strstr(error->message, "/remove"));
    g_autoptr(GPtrArray) found = help_find(f.engine, "GOOD", 10);
    g_assert_cmpuint(found->len, ==, 1);
    g_autoptr(GString) mdoc = g_string_new(NULL);
    mdoc_commands(f.engine, mdoc);
    g_assert_nonnull(strstr(mdoc->str, ".It Ic /say Ar TEXT Ns ...\n"));
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/registry/life", test_life);
    g_test_add_func("/registry/consent", test_consent);
    g_test_add_func("/registry/needs", test_needs);
    g_test_add_func("/registry/wait-online", test_wait_online);
    g_test_add_func("/registry/aliases", test_aliases);
    g_test_add_func("/registry/help", test_help);
    return g_test_run();
}
