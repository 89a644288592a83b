/* /notify: the rules of chats, and a subcommand for each option of ui.notify. */
#include "config.h"
#include "ui/notify.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "cmd/job.h"
#include "store/option.h"
#include "xep/xep0492_notify.h"
#include <string.h>

static struct options *options_of(struct job *job)
{
    return tui_of(job_front(job))->app->options;
}

static enum cmd_status list_rules(struct job *job)
{
    struct options *options = options_of(job);
    JOB_ROW(job, "notify", FIELD_T("chat", "(default)"),
        FIELD_T("rule", options_get(options, NULL, "ui.notify")));
    g_auto(GStrv) keys = options_section_keys(options, NOTIFY_SECTION);
    for (char **key = keys; key && *key; key++) {
        g_autofree char *value = options_section_get(options, NOTIFY_SECTION, *key);
        JOB_ROW(job, "notify", FIELD_T("chat", *key), FIELD_T("rule", value));
    }
    return job_done(job);
}

enum cmd_status notify_run(struct job *job)
{
    struct options *options = options_of(job);
    const char *rule = job_arg(job, "rule"), *who = job_arg(job, "chat");
    g_autoptr(GError) error = NULL;
    if (!rule)
        return list_rules(job);
    const struct chat *chat = job_chat(job);
    if (!who && chat)
        who = chat->jid;
    bool reset = !strcmp(rule, "default");
    bool done = who && strcmp(who, "all")
        ? options_section_set(options, NOTIFY_SECTION, who, reset ? NULL : rule, &error)
        : options_set(options, NULL, "ui.notify", reset ? NULL : rule, false, &error);
    if (!done)
        return job_fail_error(job, error);
    if (who && strcmp(who, "all") && job_account(job))
        notify_rule_changed(job_account(job), who);
    return job_done(job);
}

/* ---- one option each ---- */

static const struct {
    const char *name, *option;
} settings[] = {
    { "sound", "ui.bell" }, { "flash", "ui.flash" }, { "osc", "ui.notify_osc" },
    { "desktop", "ui.notify_desktop" },
    { "command", "ui.notify_command" }, { "quiet", "ui.notify_quiet" },
    { "text", "ui.notify_text" }, { "words", "ui.notify_words" },
};

static const char *option_of(struct job *job)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        if (g_str_has_prefix(job_name(job), "notify ") &&
            g_str_has_prefix(job_name(job) + strlen("notify "), settings[i].name))
            return settings[i].option;
    g_return_val_if_reached("ui.notify");
}

static enum cmd_status show(struct job *job)
{
    const char *option = option_of(job);
    JOB_ROW(job, "setting", FIELD_T("name", option),
        FIELD_T("value", options_get(options_of(job), NULL, option)));
    return job_done(job);
}

static enum cmd_status set(struct job *job, const char *value)
{
    g_autoptr(GError) error = NULL;
    if (!options_set(options_of(job), NULL, option_of(job), value, false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_choice(struct job *job)
{
    const char *value = job_arg(job, "value");
    return value ? set(job, value) : show(job);
}

static enum cmd_status run_command(struct job *job)
{
    const char *line = job_arg(job, "line");
    g_autoptr(GError) error = NULL;
    if (!line)
        return show(job);
    if (!strcmp(line, "off"))
        return set(job, NULL);
    g_auto(GStrv) argv = notify_argv(line, &(struct notify_values){ "", "", "", "" }, &error);
    return argv ? set(job, line) : job_fail_error(job, error);
}

static enum cmd_status run_quiet(struct job *job)
{
    const char *span = job_arg(job, "hours");
    int from, to;
    if (!span)
        return show(job);
    if (!strcmp(span, "off"))
        return set(job, NULL);
    if (!notify_parse_quiet(span, &from, &to))
        return job_fail(job, "bad-request",
            "\"%s\" are no quiet hours; write them like 22:00-07:00, or off.", span);
    return set(job, span);
}

static enum cmd_status change_words(struct job *job, bool add)
{
    g_auto(GStrv) old = g_strsplit(tui_option(tui_of(job_front(job)), "ui.notify_words"), " ", -1);
    const char *const *given = job_list(job, "word");
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    for (char **word = old; *word; word++)
        if (**word && !g_strv_contains(given, *word))
            g_ptr_array_add(kept, *word);
    for (; add && *given; given++) {
        if (!**given || strpbrk(*given, " \t\r\n"))
            return job_fail(job, "bad-request",
                "\"%s\" has a blank; words are added one by one.", *given);
        g_ptr_array_add(kept, (gpointer)*given);
    }
    g_ptr_array_add(kept, NULL);
    g_autofree char *all = g_strjoinv(" ", (char **)kept->pdata);
    return set(job, *all ? all : NULL);
}

static enum cmd_status run_words_add(struct job *job)
{
    return change_words(job, true);
}

static enum cmd_status run_words_remove(struct job *job)
{
    return change_words(job, false);
}

static const struct command words_commands[] = {
    { .name = "add", .needs = NEEDS_SCREEN, .run = run_words_add,
        .args = { { .name = "word", .kind = &arg_word, .flags = ARG_REPEAT } },
        .summary = "Words that count like your name" },
    { .name = "remove", .needs = NEEDS_SCREEN, .run = run_words_remove,
        .args = { { .name = "word", .kind = &arg_word, .flags = ARG_REPEAT } },
        .summary = "Words that no longer count" },
    { .name = NULL },
};

#define SETTING_ROW "setting: name value"
#define CHOICE(words) \
    .args = { { .name = "value", .kind = &arg_choice, .flags = ARG_OPTIONAL, .choices = (words) } }, \
    .needs = NEEDS_SCREEN, .run = run_choice, .fields = SETTING_ROW

static const char *const command_examples[] = { "/notify command notify-send %n %t",
    "Let a program of your own tell of messages.", NULL };

const struct command notify_commands[] = {
    { .name = "words", .needs = NEEDS_SCREEN, .run = show, .sub = words_commands,
        .summary = "Show the words that count like your name", .fields = SETTING_ROW },
    { .name = "sound", CHOICE("on off"), .summary = "Ring the terminal's bell (ui.bell)" },
    { .name = "flash", CHOICE("on off"), .summary = "Flash the whole screen (ui.flash)" },
    { .name = "osc", CHOICE("off on 9 777"),
        .summary = "Let the terminal show notifications (ui.notify_osc)" },
    { .name = "desktop", CHOICE("on off"),
        .summary = "Let the desktop show notifications (ui.notify_desktop)" },
    { .name = "command", .needs = NEEDS_SCREEN, .run = run_command,
        .args = { { .name = "line", .kind = &arg_text, .flags = ARG_OPTIONAL | ARG_REST,
            .summary = "program and arguments, or off" } },
        .summary = "Run a program for each notification (ui.notify_command)",
        .detail = "%n becomes the name of the chat, %t the text, %j its address, %a your "
                  "account, %% a percent sign; each stays in the argument it stands in. No "
                  "shell is started, quotes are read as a shell would. A text that would "
                  "begin an argument with a hyphen gets a blank before it.",
        .examples = command_examples, .fields = SETTING_ROW },
    { .name = "quiet", .needs = NEEDS_SCREEN, .run = run_quiet,
        .args = { { .name = "hours", .kind = &arg_word, .flags = ARG_OPTIONAL,
            .summary = "like 22:00-07:00, or off" } },
        .summary = "Hours without notifications (ui.notify_quiet)", .fields = SETTING_ROW },
    { .name = "text", CHOICE("on off"),
        .summary = "Show what was written, or only that something was (ui.notify_text)" },
    { .name = NULL },
};
