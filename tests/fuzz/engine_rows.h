/* Rows of every shape and kind that do nothing. */
#pragma once
#include <string.h>

#include "../unit/engine_fixture.h"

static enum cmd_status fuzz_run(struct job *job)
{
    const struct command *command = job_command(job);
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++) {
        const struct arg *arg = &command->args[i];
        const char *value = job_arg(job, arg->name);
        const char *const *list = job_list(job, arg->name);
        g_assert(value || arg->option || (arg->flags & ARG_OPTIONAL));
        g_assert(!value || g_utf8_validate(value, -1, NULL));
        for (; *list; list++)
            g_assert(g_utf8_validate(*list, -1, NULL));
        job_int(job, arg->name, 0);
        JOB_ROW(job, "arg", FIELD_T(arg->name, value));
    }
    return job_done(job);
}

static const struct command fuzz_subs[] = {
    { .name = "add", .aliases = "plus more=add,a@b",
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "name", .kind = &arg_text, .flags = ARG_OPTIONAL },
            { .name = "group", .kind = &arg_group, .option = "-g --group",
                .flags = ARG_REPEAT } },
        .run = fuzz_run },
    { .name = "remove", .needs = NEEDS_CONSENT,
        .args = { { .name = "jid", .kind = &arg_bare_jid } },
        .run = fuzz_run },
    { .name = NULL },
};

static const struct command fuzz_rows[] = {
    { .name = "roster", .sub = fuzz_subs, .run = fuzz_run },
    { .name = "tree", .sub = fuzz_subs, .aliases = "away=add" },
    { .name = "msg",
        .args = { { .name = "jid", .kind = &arg_jid },
            { .name = "text", .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .run = fuzz_run },
    { .name = "say",
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_REST } },
        .run = fuzz_run },
    { .name = "kinds",
        .args = { { .name = "int", .kind = &arg_int, .flags = ARG_OPTIONAL },
            { .name = "date", .kind = &arg_date, .option = "since" },
            { .name = "time", .kind = &arg_seconds, .option = "--timeout" },
            { .name = "url", .kind = &arg_url, .option = "-u" },
            { .name = "state", .kind = &arg_state, .option = "-s" },
            { .name = "choice", .kind = &arg_choice, .choices = "a b",
                .option = "-c" },
            { .name = "flag", .option = "--flag" },
            { .name = "words", .kind = &arg_word,
                .flags = ARG_OPTIONAL | ARG_REPEAT } },
        .run = fuzz_run },
    { .name = "set",
        .args = { { .name = "option", .kind = &arg_option_name },
            { .name = "value", .kind = &arg_option_value,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .run = fuzz_run },
    { .name = NULL },
};

static inline void fuzz_line(struct fixture *fixture, const char *line)
{
    const char *out = fixture_run(fixture, line);
    g_assert_cmpint(fixture->capture.done, ==, 1);
    g_assert(g_utf8_validate(out, -1, NULL));
    g_assert(fixture->capture.ok || strstr(out, "fail "));
}
