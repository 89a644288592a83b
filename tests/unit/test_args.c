/* From a line to values: quoting, options, rests, carets, JSON requests. */
#include "engine_fixture.h"

#include "cmd/words.h"
#include "model/jid.h"

/* Prints every argument in the order of the row. */
static enum cmd_status show(struct job *job)
{
    const struct command *command = job_command(job);
    GString *out = g_string_new(NULL);
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++) {
        const struct arg *arg = &command->args[i];
        const char *const *list = job_list(job, arg->name);
        if (!job_arg(job, arg->name))
            continue;
        g_string_append_printf(out, "%s<", arg->name);
        if (arg->flags & ARG_REPEAT)
            for (; *list; list++)
                g_string_append_printf(out, "%s%s", *list, list[1] ? "," : "");
        else
            g_string_append(out, job_arg(job, arg->name));
        g_string_append(out, "> ");
    }
    g_autofree char *all =
        g_strdup_printf("%s: %s", job_name(job), g_strchomp(out->str));
    job_note(job, "%s", g_strchomp(all));
    g_string_free(out, TRUE);
    return job_done(job);
}

static const struct command roster_subs[] = {
    { .name = "add",
        .args = { { .name = "jid", .kind = &arg_bare_jid },
            { .name = "name", .kind = &arg_text, .flags = ARG_OPTIONAL },
            { .name = "group", .kind = &arg_group, .option = "-g --group",
                .flags = ARG_REPEAT } },
        .run = show },
    { .name = "remove", .aliases = "rm", .needs = NEEDS_CONSENT,
        .args = { { .name = "jid", .kind = &arg_bare_jid } }, .run = show },
    { .name = NULL },
};

static const struct command rows[] = {
    { .name = "roster", .sub = roster_subs, .run = show, .aliases = "radd=add" },
    { .name = "msg", .aliases = "query",
        .args = { { .name = "jid", .kind = &arg_jid },
            { .name = "text", .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .run = show },
    { .name = "say",
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_REST } },
        .run = show },
    { .name = "status", .aliases = "away=away gone=away,gone,fishing",
        .args = { { .name = "state", .kind = &arg_state },
            { .name = "message", .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST },
            { .name = "priority", .kind = &arg_int, .option = "-p" } },
        .run = show },
    { .name = "wait",
        .args = { { .name = "from", .kind = &arg_jid, .option = "from" },
            { .name = "match", .kind = &arg_text, .option = "match" },
            { .name = "timeout", .kind = &arg_seconds,
                .option = "--timeout" } },
        .run = show },
    { .name = "reply",
        .args = { { .name = "n", .kind = &arg_int, .flags = ARG_OPTIONAL },
            { .name = "text", .kind = &arg_text, .flags = ARG_REST } },
        .run = show },
    { .name = "flag",
        .args = { { .name = "loud", .option = "--loud" },
            { .name = "words", .kind = &arg_word,
                .flags = ARG_OPTIONAL | ARG_REPEAT } },
        .run = show },
    { .name = "layout",
        .args = { { .name = "how", .kind = &arg_choice,
            .choices = "wide narrow" } },
        .run = show },
    { .name = NULL },
};

struct example {
    const char *line, *out; /* out: with '*' at its end a prefix */
};

static void check(const struct example *examples)
{
    struct fixture fixture;
    fixture_open(&fixture, rows);
    for (const struct example *e = examples; e->line; e++) {
        g_autofree char *want = g_strdup(e->out);
        const char *got = fixture_run(&fixture, e->line);
        size_t n = strlen(want);
        bool prefix = want[n - 1] == '*';
        g_test_message("%s", e->line);
        if (prefix) {
            g_autofree char *start = g_strndup(got, n - 1);
            want[n - 1] = '\0';
            g_assert_cmpstr(start, ==, want);
        } else {
            g_assert_cmpstr(got, ==, want);
        }
        g_assert_cmpint(fixture.capture.done, ==, 1);
        g_assert_cmpint(fixture.capture.ok, ==, strncmp(got, "fail", 4) != 0);
    }
    fixture_close(&fixture);
}

static void test_settled_forms(void)
{
    check((const struct example[]){
        { "/roster add romeo@example.net",
            "note roster add: jid<romeo@example.net>\n" },
        { "/roster add romeo@example.net \"My Romeo\" -g Friends -g 'Old ones'",
            "note roster add: jid<romeo@example.net> name<My Romeo> "
            "group<Friends,Old ones>\n" },
        { "/roster add -g Friends romeo@example.net Romeo --group=Verona",
            "note roster add: jid<romeo@example.net> name<Romeo> "
            "group<Friends,Verona>\n" },
        { "/roster add romeo@example.net My\\ Romeo",
            "note roster add: jid<romeo@example.net> name<My Romeo>\n" },
        { "/roster add romeo@example.net -- -g",
            "note roster add: jid<romeo@example.net> name<-g>\n" },
        { "/roster", "note roster:\n" },
        { "/roster rm romeo@example.net --yes",
            "note roster remove: jid<romeo@example.net>\n" },
        { "/radd romeo@example.net",
            "note roster add: jid<romeo@example.net>\n" },
        { "/msg romeo@example.net   Art  thou \"not\" Romeo? -a \\x",
            "note msg: jid<romeo@example.net> text<Art  thou \"not\" Romeo? -a "
            "\\x>\n" },
        { "/msg romeo@example.net", "note msg: jid<romeo@example.net>\n" },
        { "/msg romeo@example.net -- -a is a letter",
            "note msg: jid<romeo@example.net> text<-a is a letter>\n" },
        { "/msg romeo@example.net --unknown is text",
            "note msg: jid<romeo@example.net> text<--unknown is text>\n" },
        { "/msg -a juliet@im.example.com romeo@example.net hi",
            "note msg: jid<romeo@example.net> text<hi>\n" },
        { "/status -p -5 xa asleep",
            "note status: state<xa> message<asleep> priority<-5>\n" },
        { "/away", "note status: state<away>\n" },
        { "/away for lunch", "note status: state<away> message<for lunch>\n" },
        { "/gone today", "note status: state<away> message<gone fishing "
            "today>\n" },
        { "/wait from romeo@example.net match '^yes' --timeout 5m",
            "note wait: from<romeo@example.net> match<^yes> timeout<300>\n" },
        { "/wait --timeout 0.5", "note wait: timeout<0.5>\n" },
        { "/wait \"from\"", "fail bad-request: There is a word too many*" },
        { "/reply 3 indeed", "note reply: n<3> text<indeed>\n" },
        { "/reply indeed so", "note reply: text<indeed so>\n" },
        { "/flag a --loud 'b c'", "note flag: loud<on> words<a,b c>\n" },
        { "/layout wide", "note layout: how<wide>\n" },
        { "hello there", "note say: text<hello there>\n" },
        { "//x is text", "note say: text</x is text>\n" },
        { "-a is text", "note say: text<-a is text>\n" },
        { NULL, NULL },
    });
}

static void test_wrong(void)
{
    check((const struct example[]){
        { "/", "fail bad-request: A command is a slash*" },
        { "/nonesuch", "fail bad-request: There is no command /nonesuch*" },
        { "/mgs x", "fail bad-request: There is no command /mgs. Did you mean "
            "/msg?\n  /mgs x\n  ^\n" },
        /* An unambiguous beginning is no name: a script must not change its
         * meaning when a command is added. */
        { "/rost", "fail bad-request: There is no command /rost. Did you mean "
            "/roster?*" },
        { "/msg", "fail bad-request: jid is missing. Usage: /msg JID "
            "[TEXT...]\n  /msg\n      ^\n" },
        { "/msg a@@b hi", "fail jid-malformed: *" },
        { "/layout broad", "fail bad-request: how is one of: wide, narrow; not "
            "“broad”\n  /layout broad\n          ^\n" },
        { "/roster nonesuch", "fail bad-request: /roster has no “nonesuch”; it "
            "is one of: *" },
        { "/status 狼", "fail bad-request: “狼” is no state*" },
        { "/roster add a@b 'unclosed", "fail bad-request: The quote is not "
            "closed: write it again at the end of the text\n  /roster add a@b 'unclosed\n                  ^\n" },
        { "/roster add a@b c\\", "fail bad-request: A backslash ends*" },
        { "/roster add a@b -x", "fail bad-request: There is no option -x*" },
        { "/roster add a@b -g", "fail bad-request: -g wants a value*" },
        { "/roster add a@b c d", "fail bad-request: There is a word too many. "
            "Usage: /roster add JID [NAME] [-g GROUP]..." "*" },
        { "/roster add a@b --yes", "fail bad-request: There is no option*" },
        { "/flag --loud=1", "fail bad-request: --loud takes no value*" },
        { "/wait --timeout soon", "fail bad-request: “soon” is no time*" },
        { "/wait --timeout -1", "fail bad-request: *" },
        { "/msg -a nobody@x.example a@b hi", "fail bad-request: There is no "
            "account nobody@x.example here*" },
        { "/say \xff\xfe", "fail bad-request: The line is not UTF-8*" },
        { NULL, NULL },
    });
}

static void test_json(void)
{
    check((const struct example[]){
        { "{\"command\":\"msg\",\"args\":{\"jid\":\"romeo@example.net\","
          "\"text\":\"two\\nlines -a 'x\"}}",
            "note msg: jid<romeo@example.net> text<two\nlines -a 'x>\n" },
        { "{\"command\":\"roster add\",\"args\":{\"jid\":\"a@b\",\"group\":"
          "[\"x\",\"y z\"]}}",
            "note roster add: jid<a@b> group<x,y z>\n" },
        { "{\"command\":\"/away\",\"args\":{\"message\":\"out\","
          "\"priority\":-3}}",
            "note status: state<away> message<out> priority<-3>\n" },
        { "{\"command\":\"flag\",\"args\":{\"loud\":true}}",
            "note flag: loud<on>\n" },
        { "{\"command\":\"flag\",\"args\":{\"loud\":false}}", "note flag:\n" },
        { "{\"command\":\"wait\",\"args\":{\"timeout\":0.5}}",
            "note wait: timeout<0.5>\n" },
        { "{\"command\":\"msg\",\"args\":{\"jid\":\"a@b\"},\"account\":"
          "\"juliet@im.example.com\"}", "note msg: jid<a@b>\n" },
        { "{", "fail bad-request: *" },
        { "{}", "fail bad-request: A request is *" },
        { "{\"command\":1}", "fail bad-request: A request is *" },
        { "{\"command\":[]}", "fail bad-request: A request is *" },
        { "{\"command\":\"\"}", "fail bad-request: *" },
        { "{\"command\":\"msg\",\"args\":[]}", "fail bad-request: args must*" },
        { "{\"command\":\"msg\",\"args\":{\"jid\":{}}}",
            "fail bad-request: jid must be*" },
        { "{\"command\":\"msg\",\"args\":{\"jid\":[\"a@b\"]}}",
            "fail bad-request: jid takes one value*" },
        { "{\"command\":\"msg\",\"args\":{\"jit\":\"a@b\"}}",
            "fail bad-request: /msg has no argument of that name; it has: jid, "
            "text\n" },
        { "{\"command\":\"msg\",\"args\":{\"jid\":\"a@b\",\"text\":"
          "\"a\\u0000b\"}}", "fail bad-request: The request holds a NUL*" },
        { "{\"command\":\"msg\",\"args\":{\"jid\":\"a@b\"},\"account\":"
          "\"x@y\"}", "fail item-not-found: *" },
        { "{\"command\":\"msg\",\"tag\":{}}", "fail bad-request: tag *" },
        { "{/* no */}", "fail bad-request: *" },
        { NULL, NULL },
    });
}

/* F32, F36: long, deep, odd; linear. */
static void test_big(void)
{
    struct fixture fixture;
    fixture_open(&fixture, rows);
    g_autofree char *x = g_strnfill(4 << 20, 'x');
    g_autofree char *quotes = g_strnfill(1 << 20, '"');
    g_autofree char *brackets = g_strnfill(1 << 20, '[');
    g_autofree char *blanks = g_strnfill(1 << 20, ' ');
    g_autofree char *one = g_strconcat("/", x, NULL);
    g_autofree char *two = g_strconcat("/msg a@b ", x, NULL);
    g_autofree char *three = g_strconcat("/flag ", quotes, blanks, "x", NULL);
    g_autofree char *four = g_strconcat("{\"command\":", brackets, NULL);
    g_assert_true(g_str_has_prefix(fixture_run(&fixture, one), "fail"));
    g_assert_cmpuint(fixture.capture.text->len, <, 500);
    g_assert_true(g_str_has_prefix(fixture_run(&fixture, two), "note"));
    g_assert_cmpuint(fixture.capture.text->len, >, 4 << 20);
    fixture_run(&fixture, three);
    g_assert_true(g_str_has_prefix(fixture_run(&fixture, four),
        "fail bad-request: The request is nested too deeply"));
    fixture_close(&fixture);
}

static void test_words(void)
{
    static const struct {
        const char *line, *text;
        bool quoted;
        char open;
    } cases[] = {
        { "a b", "a", false, 0 },
        { "\t'a b'c d", "a bc", true, 0 },
        { "\"a\\\"b\" c", "a\"b", true, 0 },
        { "'a\\'b", "a\\b", true, 0 },
        { "'a b", "a b", true, '\'' },
        { "a\\", "a", true, '\\' },
        { "\"\" x", "", true, 0 },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct word word;
        size_t pos = 0;
        g_assert_true(words_next(cases[i].line, &pos, &word));
        g_assert_cmpstr(word.text, ==, cases[i].text);
        g_assert_cmpint(word.quoted, ==, cases[i].quoted);
        g_assert_cmpint(word.open, ==, cases[i].open);
        word_clear(&word);
    }
    static const char *const texts[] = { "", "a", "a b", "\"", "\\", "'", "-x",
        "a\tb", "ünï cödé" };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *quoted = words_quote(texts[i]);
        struct word word;
        size_t pos = 0;
        g_assert_true(words_next(quoted, &pos, &word));
        g_assert_cmpstr(word.text, ==, texts[i]);
        g_assert_cmpuint(pos, ==, strlen(quoted));
        word_clear(&word);
    }
}

/* H56: nothing but a literal, harmless address reaches a program. */
static void test_urls(void)
{
    static const char *const bad[] = { "file:///etc/passwd", "javascript:x",
        "-oProxy", "", "x", "http://a b", "https://x/\n", "data:text/html,x" };
    static const char *const good[] = { "https://x.example/$(id)",
        "http://x.example/`id`", "xmpp:romeo@example.net", "mailto:a@b" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(arg_url.parse(NULL, bad[i], NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *url = arg_url.parse(NULL, good[i], NULL);
        g_assert_cmpstr(url, ==, good[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/args/settled-forms", test_settled_forms);
    g_test_add_func("/args/wrong", test_wrong);
    g_test_add_func("/args/json", test_json);
    g_test_add_func("/args/F32-F36-big", test_big);
    g_test_add_func("/args/words", test_words);
    g_test_add_func("/args/H56-urls", test_urls);
    return g_test_run();
}
