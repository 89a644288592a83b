/* /filter: hide messages from the screen without losing them. */
#include "config.h"
#include "ui/filter.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "cmd/job.h"
#include "store/option.h"
#include <string.h>

static struct tui *tui_of_job(struct job *job)
{
    return tui_of(job_front(job));
}

enum cmd_status filter_run(struct job *job)
{
    const GPtrArray *list = filters_list(tui_of_job(job)->filters);
    for (guint i = 0; i < list->len; i++) {
        const struct filter *filter = list->pdata[i];
        JOB_ROW(job, "filter", FIELD_T("name", filter->name), FIELD_T("in", filter->chat),
            FIELD_T("from", filter->from), FIELD_T("text", filter->text),
            FIELD_B("works", !filter->tired));
    }
    if (!tui_option_bool(tui_of_job(job), "ui.filters"))
        job_note(job, "Filters are off: everything is shown. /filter toggle switches them on.");
    return job_done(job);
}

static enum cmd_status run_add(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *chat = job_arg(job, "chat"), *from = job_arg(job, "from");
    const char *text = job_arg(job, "text");
    g_autoptr(GError) error = NULL;
    if (!chat && !from && !text)
        return job_fail(job, "bad-request",
            "Say what to hide: a text, from somebody, in a conversation.");
    g_autofree char *name = filters_add(tui->filters, tui->app->options, chat, from, text, &error);
    if (!name && error->domain == G_REGEX_ERROR)
        return job_fail(job, "bad-request",
            "\"%s\" is no regular expression; a backslash before . * + ? ( [ { takes it as it "
            "stands.", text);
    if (!name)
        return job_fail_error(job, error);
    tui_dirty_all(tui);
    JOB_ROW(job, "filter", FIELD_T("name", name), FIELD_T("in", chat), FIELD_T("from", from),
        FIELD_T("text", text), FIELD_B("works", true));
    return job_done(job);
}

static enum cmd_status run_remove(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *name = job_arg(job, "name");
    g_autoptr(GError) error = NULL;
    const GPtrArray *list = filters_list(tui->filters);
    if (!strcmp(name, "all")) {
        while (list->len) {
            const struct filter *last = list->pdata[list->len - 1];
            g_autofree char *one = g_strdup(last->name);
            if (!filters_remove(tui->filters, tui->app->options, one, &error))
                return job_fail_error(job, error);
        }
    } else if (!filters_remove(tui->filters, tui->app->options, name, &error))
        return job_fail_error(job, error);
    tui_dirty_all(tui);
    return job_done(job);
}

static enum cmd_status run_toggle(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    bool on = tui_option_bool(tui, "ui.filters");
    g_autoptr(GError) error = NULL;
    if (!options_set(tui->app->options, NULL, "ui.filters", on ? "off" : "on", false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static void complete_filter(struct completion *completion, const char *prefix)
{
    (void)prefix;
    completion_add(completion, "all");
    if (!completion->front || !completion->front->ops->is_screen)
        return;
    const GPtrArray *list = filters_list(tui_of(completion->front)->filters);
    for (guint i = 0; i < list->len; i++)
        completion_add(completion, ((const struct filter *)list->pdata[i])->name);
}

static const struct arg_kind arg_filter = { .placeholder = "FILTER",
    .complete = complete_filter };

static const char *const add_examples[] = { "/filter add from eve@example.org",
    "Whatever Eve writes, wherever.", "/filter add in bob@example.org ^\\[bot\\]",
    "What begins with [bot] in the conversation with Bob.",
    "/filter add \\bcrypto(coin)?s?\\b", "Some words of everybody.", NULL };

#define FILTER_FIELDS "filter: name in? from? text? works"

const struct command filter_commands[] = {
    { .name = "list", .needs = NEEDS_SCREEN, .run = filter_run, .finds = true,
        .summary = "List the filters", .fields = FILTER_FIELDS },
    { .name = "add", .needs = NEEDS_SCREEN, .run = run_add,
        .args = { { .name = "chat", .kind = &arg_chat, .option = "in --in",
                      .summary = "only in this conversation" },
            { .name = "from", .kind = &arg_text, .option = "from --from",
                .summary = "only of this address or name" },
            { .name = "text", .kind = &arg_text, .flags = ARG_OPTIONAL | ARG_REST,
                .summary = "a regular expression for the text; none: all of it" } },
        .summary = "Hide messages",
        .detail = "The expression is one of Perl's, without regard to case, and may be found "
                  "anywhere in the first 4 KiB of the text. One that takes too long is switched "
                  "off with a sentence.",
        .examples = add_examples, .fields = FILTER_FIELDS },
    { .name = "remove", .needs = NEEDS_SCREEN, .run = run_remove,
        .args = { { .name = "name", .kind = &arg_filter, .summary = "of /filter list, or all" } },
        .summary = "Show again what a filter hid" },
    { .name = "toggle", .needs = NEEDS_SCREEN, .run = run_toggle,
        .summary = "Show what is hidden, or hide it again (ui.filters)" },
    { .name = NULL },
};
