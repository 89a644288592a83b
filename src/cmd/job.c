/*
 * A job lives from the moment its line is read until job_done or job_fail. Its
 * shell stays a while longer, emptied: a handler that touches it late finds no
 * arguments and no sink instead of freed memory.
 */
#include "cmd/job.h"

#include <string.h>

#include "base/intl.h"
#include "cmd/engine_private.h"
#include "model/account.h"

#define DEAD_SHELLS 256

struct confirmation {
    struct engine *engine;
    struct job *job; /* NULL: it was given up meanwhile */
    enum cmd_status (*go)(struct job *job);
};

struct job *job_new(struct engine *engine, const struct run_context *context)
{
    struct job *job = g_new0(struct job, 1);
    job->engine = engine;
    job->serial = ++engine->next_serial;
    job->front = context->front;
    job->sink = context->sink;
    job->account = context->account;
    job->chat = context->chat;
    job->line = context->line;
    job->depth = context->depth;
    job->tag = g_strdup(context->tag);
    job->source = g_strdup(context->source);
    job->wait_online = context->wait_online;
    if (!job->chat && job->front && job->front->ops->current_chat)
        job->chat = job->front->ops->current_chat(job->front);
    g_hash_table_add(engine->jobs, job);
    return job;
}

static void job_empty(struct job *job)
{
    for (int i = 0; i < COMMAND_ARGS; i++) {
        g_clear_pointer(&job->values[i].text, g_free);
        g_clear_pointer(&job->values[i].list, g_ptr_array_unref);
    }
    gpointer data = g_steal_pointer(&job->data);
    if (data && job->data_free)
        job->data_free(data);
    g_clear_pointer(&job->parked_line, g_free);
    job->cancel = NULL;
    job->account = NULL;
    job->chat = NULL;
    job->front = NULL;
    job->sink = NULL;
}

void job_shell_free(struct job *job)
{
    g_free(job->name);
    g_free(job->tag);
    g_free(job->source);
    g_free(job);
}

static void job_end(struct job *job, bool ok)
{
    struct engine *engine = job->engine;
    if (!g_hash_table_contains(engine->jobs, job))
        return;
    g_hash_table_remove(engine->jobs, job);
    if (job->question)
        ((struct confirmation *)job->question)->job = NULL;
    job->question = NULL;
    job->cancel = NULL;
    struct sink *sink = job->sink;
    if (sink)
        sink->ops->done(sink, job, ok);
    job_empty(job);
    g_queue_push_tail(&engine->dead, job);
    if (g_queue_get_length(&engine->dead) > DEAD_SHELLS)
        job_shell_free(g_queue_pop_head(&engine->dead));
}

void job_step(struct job *job, enum cmd_status (*fn)(struct job *job))
{
    struct engine *engine = job->engine;
    guint64 serial = job->serial;
    enum cmd_status status = fn(job);
    if (status == CMD_DONE && job_is_alive(engine, job) &&
        job->serial == serial)
        job_end(job, true);
}

static int arg_index(const struct job *job, const char *name)
{
    if (!job->command)
        return -1;
    for (int i = 0; i < COMMAND_ARGS && job->command->args[i].name; i++)
        if (strcmp(job->command->args[i].name, name) == 0)
            return i;
    return -1;
}

const char *job_arg(const struct job *job, const char *name)
{
    int i = arg_index(job, name);
    return i < 0 ? NULL : job->values[i].text;
}

const char *const *job_list(const struct job *job, const char *name)
{
    static const char *const nothing[] = { NULL };
    int i = arg_index(job, name);
    if (i < 0 || !job->values[i].list)
        return nothing;
    return (const char *const *)job->values[i].list->pdata;
}

bool job_flag(const struct job *job, const char *name)
{
    return job_arg(job, name) != NULL;
}

gint64 job_int(const struct job *job, const char *name, gint64 fallback)
{
    const char *text = job_arg(job, name);
    return text ? g_ascii_strtoll(text, NULL, 10) : fallback;
}

struct account *job_account(const struct job *job)
{
    return job->account;
}

bool job_lacks_account(const struct job *job)
{
    const unsigned all = NEEDS_ACCOUNT | NEEDS_ONLINE | NEEDS_CHAT |
        NEEDS_ROOM | NEEDS_ROSTER;
    return job->command && (job->command->needs & all) && !job->account;
}

struct chat *job_chat(const struct job *job)
{
    return job->chat;
}

struct front *job_front(const struct job *job)
{
    return job->front;
}

struct app *job_app(const struct job *job)
{
    return job->engine->app;
}

struct engine *job_engine(const struct job *job)
{
    return job->engine;
}

const struct command *job_command(const struct job *job)
{
    return job->command;
}

const char *job_name(const struct job *job)
{
    return job->name ? job->name : "";
}

int job_line(const struct job *job)
{
    return job->line;
}

struct sink *job_sink(const struct job *job)
{
    return job->sink;
}

int job_depth(const struct job *job)
{
    return job->depth;
}

const char *job_source(const struct job *job)
{
    return job->source ? job->source : "";
}

const char *job_tag(const struct job *job)
{
    return job->tag;
}

struct options *job_options(const struct job *job)
{
    return job->engine->options;
}

void job_row(struct job *job, const char *kind, const struct field *fields,
    size_t n)
{
    if (job->sink)
        job->sink->ops->row(job->sink, job, kind, fields, n);
}

void job_note(struct job *job, const char *format, ...)
{
    if (!job->sink)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(_(format), args);
    va_end(args);
    job->sink->ops->note(job->sink, job, text);
}

enum cmd_status job_done(struct job *job)
{
    job_end(job, true);
    return CMD_DONE;
}

static void fail_with(struct job *job, const char *condition, const char *text)
{
    if (job->sink)
        job->sink->ops->fail(job->sink, job, condition, text);
    job_end(job, false);
}

enum cmd_status job_fail(
    struct job *job, const char *condition, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(_(format), args);
    va_end(args);
    fail_with(job, condition, text);
    return CMD_DONE;
}

enum cmd_status job_fail_error(struct job *job, const GError *error)
{
    fail_with(job, "undefined-condition",
        error ? error->message : _("It failed without saying why"));
    return CMD_DONE;
}

void engine_cancel(struct engine *engine, struct job *job,
    const char *condition, const char *text)
{
    if (!job_is_alive(engine, job))
        return;
    void (*cancel)(struct job *, gpointer) = job->cancel;
    job->cancel = NULL;
    if (cancel)
        cancel(job, job->cancel_data);
    if (job_is_alive(engine, job))
        fail_with(job, condition, text);
}

static void on_confirmed(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    struct confirmation *confirmation = data;
    struct job *job = confirmation->job;
    (void)text;
    (void)password;
    if (job) {
        job->question = NULL;
        if (answer == ANSWER_YES)
            job_step(job, confirmation->go);
        else
            job_fail(job, "cancelled", "Nothing was done: the answer to the "
                "question was no");
    }
    g_free(confirmation);
}

enum cmd_status job_confirm(struct job *job, const char *question,
    enum cmd_status (*go)(struct job *job))
{
    if (job->consent == CONSENT_YES)
        return go(job);
    if (job->consent == CONSENT_NO)
        return job_fail(
            job, "not-allowed", "Nothing was done, as --no says: %s", question);
    struct confirmation *confirmation = g_new0(struct confirmation, 1);
    confirmation->engine = job->engine;
    confirmation->job = job;
    confirmation->go = go;
    struct question asked = {
        .kind = QUESTION_CONFIRM,
        .account = job->account,
        .text = question,
        .destructive = true,
        .answer = on_confirmed,
        .data = confirmation,
    };
    job->question = confirmation;
    if (job->front && job->front->ops->ask &&
        job->front->ops->ask(job->front, &asked))
        return CMD_WAIT;
    job->question = NULL;
    g_free(confirmation);
    return job_fail(job, "not-allowed",
        "%s Nobody can be asked here: add --yes to do it, --no not to",
        question);
}

void job_on_cancel(struct job *job,
    void (*fn)(struct job *job, gpointer data), gpointer data)
{
    job->cancel = fn;
    job->cancel_data = data;
}

void job_set_data(struct job *job, gpointer data, GDestroyNotify free_fn)
{
    if (job->data && job->data_free)
        job->data_free(job->data);
    job->data = data;
    job->data_free = free_fn;
}

gpointer job_data(const struct job *job)
{
    return job->data;
}

bool job_is_alive(const struct engine *engine, const struct job *job)
{
    return job && g_hash_table_contains(engine->jobs, job);
}
