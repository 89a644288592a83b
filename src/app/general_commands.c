/* /help /quit /script /sleep /echo /debug /rawxml /exec. */
#include <string.h>

#include <gio/gio.h>

#include "app/app.h"
#include "app/runner.h"
#include "base/intl.h"
#include "base/log.h"
#include "store/history.h"
#include "xep/ask.h"
#include "xmpp/outbox.h"
#include "xmpp/stanza.h"

#define EXEC_OUTPUT_MAX (64 * 1024)

/* --- /help, /echo, /sleep, /quit ------------------------------------------ */

static void help_rows(struct job *job, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (**line || line[1])
            JOB_ROW(job, "help", FIELD_T("text", *line));
}

enum { HITS_SHOWN = 20 };

/* False: nothing is like it. */
static bool search_help(struct job *job, const char *words)
{
    g_autoptr(GPtrArray) found = help_find(job_engine(job), words, HITS_SHOWN);
    for (guint i = 0; i < found->len; i++) {
        const struct help_hit *hit = found->pdata[i];
        g_autofree char *name =
            g_strconcat(hit->is_option ? "" : "/", hit->topic, NULL);
        g_autofree char *line = g_strdup_printf("%-24s %s", name,
            *hit->summary ? _(hit->summary) : "");
        JOB_ROW(job, "help", FIELD_T("text", line), FIELD_T("topic", hit->topic));
    }
    return found->len > 0;
}

static enum cmd_status run_help(struct job *job)
{
    const char *topic = job_arg(job, "topic");
    g_autoptr(GError) error = NULL;
    bool asked = topic && *topic == '?';
    const struct front *front = job_front(job);
    if (asked) {
        if (!search_help(job, topic + 1))
            job_note(job, "No command speaks of that. /help lists all");
        return job_done(job);
    }
    g_autofree char *text = help_text(
        job_engine(job), topic, front && front->ops->is_screen, &error);
    if (text)
        help_rows(job, text);
    else if (!search_help(job, topic))
        return job_fail(job, "item-not-found", "%s", error->message);
    return job_done(job);
}

static enum cmd_status run_echo(struct job *job)
{
    const char *text = job_arg(job, "text");
    JOB_ROW(job, "echo", FIELD_T("text", text ? text : ""));
    return job_done(job);
}

/* --- /request --------------------------------------------------------------- */

/* The words of other clients, and whose command answers them. */
static const char *const requests[][2] = {
    { "last", "lastactivity" }, { "ping", "ping" }, { "time", "time" },
    { "version", "software" },
};

static enum cmd_status run_request(struct job *job)
{
    const char *what = job_arg(job, "what");
    const struct command *command = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++)
        if (strcmp(what, requests[i][0]) == 0)
            command = engine_find(job_engine(job), requests[i][1]);
    g_return_val_if_fail(command, CMD_DONE);
    return command->run(job); /* it has the argument jid, too */
}

struct nap {
    struct job *job;
    guint timer;
};

static void nap_free(gpointer data)
{
    struct nap *nap = data;
    g_clear_handle_id(&nap->timer, g_source_remove);
    g_free(nap);
}

static gboolean wake(gpointer data)
{
    struct nap *nap = data;
    nap->timer = 0;
    job_done(nap->job);
    return G_SOURCE_REMOVE;
}

static enum cmd_status run_sleep(struct job *job)
{
    double seconds = g_ascii_strtod(job_arg(job, "seconds"), NULL);
    struct nap *nap = g_new0(struct nap, 1);
    nap->job = job;
    nap->timer = g_timeout_add(
        (guint)MIN(seconds * 1000, (double)G_MAXINT), wake, nap);
    job_set_data(job, nap, nap_free);
    return CMD_WAIT;
}

/* Of accounts that cannot send them now, nor keep them on disk. */
static guint count_unsent(const struct app *app)
{
    guint unsent = 0;
    for (guint i = 0; i < app->accounts->len; i++) {
        const struct account *account = app->accounts->pdata[i];
        bool kept = account->history &&
            history_health(account->history) == HISTORY_SOUND;
        if (account->session && account->state != STATE_ONLINE && !kept)
            unsent += outbox_unsent(account);
    }
    return unsent;
}

static enum cmd_status leave(struct job *job)
{
    struct app *app = job_app(job);
    g_autofree char *message = g_strdup(job_arg(job, "message"));
    job_done(job);
    if (!app->quitting)
        app_quit(app, message);
    return CMD_DONE;
}

static enum cmd_status run_quit(struct job *job)
{
    guint unsent = count_unsent(job_app(job));
    const struct front *front = job_front(job);
    if (!unsent || !front || !front->ops->is_screen)
        return leave(job);
    g_autofree char *question = unsent == 1
        ? g_strdup(_("One message was not sent yet and would be lost. Leave "
            "all the same?"))
        : g_strdup_printf(_("%u messages were not sent yet and would be lost. "
            "Leave all the same?"), unsent);
    return job_confirm(job, question, leave);
}

/* --- /script ---------------------------------------------------------------- */

struct nested {
    struct job *job;
    struct sink sink; /* to the sink of the job that runs the script */
    struct sink *outer;
    struct runner *runner;
    char *condition, *text; /* of the first failure */
};

static void nested_row(struct sink *sink, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    struct nested *nested =
        (struct nested *)((char *)sink - offsetof(struct nested, sink));
    if (nested->outer)
        nested->outer->ops->row(nested->outer, job, kind, fields, n);
}

static void nested_note(struct sink *sink, struct job *job, const char *text)
{
    struct nested *nested =
        (struct nested *)((char *)sink - offsetof(struct nested, sink));
    if (nested->outer)
        nested->outer->ops->note(nested->outer, job, text);
}

/* A failure inside is told by the whole, once, with its place. */
static void nested_fail(struct sink *sink, struct job *job,
    const char *condition, const char *text)
{
    struct nested *nested =
        (struct nested *)((char *)sink - offsetof(struct nested, sink));
    if (nested->text)
        return;
    nested->condition = g_strdup(condition);
    nested->text = g_strdup_printf("%s:%d: %s: %.*s", job_source(job),
        job_line(job), job_name(job), (int)strcspn(text, "\n"), text);
}

static void nested_done(struct sink *sink, struct job *job, bool ok)
{
    (void)sink;
    (void)job;
    (void)ok;
}

static const struct sink_ops nested_ops = {
    .row = nested_row,
    .note = nested_note,
    .fail = nested_fail,
    .done = nested_done,
};

static gboolean nested_free_now(gpointer data)
{
    struct nested *nested = data;
    runner_free(nested->runner);
    g_free(nested->condition);
    g_free(nested->text);
    g_free(nested);
    return G_SOURCE_REMOVE;
}

/* The runner may be in the middle of something: freed by the loop. */
static void nested_free(gpointer data)
{
    struct nested *nested = data;
    nested->outer = NULL;
    runner_stop(nested->runner);
    g_idle_add(nested_free_now, nested);
}

static void nested_ended(struct runner *runner, bool ok, gpointer data)
{
    struct nested *nested = data;
    (void)runner;
    if (!nested->outer)
        return;
    if (ok)
        job_done(nested->job);
    else
        job_fail(nested->job,
            nested->condition ? nested->condition : "undefined-condition",
            "%s", nested->text ? nested->text : "The script was given up");
}

static char *script_path(struct job *job, const char *name)
{
    if (strchr(name, '/') || g_file_test(name, G_FILE_TEST_IS_REGULAR))
        return g_strdup(name);
    return g_build_filename(
        job_app(job)->paths->config_dir, "scripts", name, NULL);
}

static enum cmd_status run_script_run(struct job *job)
{
    struct app *app = job_app(job);
    g_autoptr(GError) error = NULL;
    if (job_depth(job) > 8)
        return job_fail(job, "bad-request",
            "Scripts that run scripts are nested too deeply");
    struct nested *nested = g_new0(struct nested, 1);
    struct runner_config config = {
        .app = app,
        .front = job_front(job),
        .outer = &nested->sink,
        .account = job_account(job),
        .timeout_ms = app->config.timeout_ms,
        .wait_online = true,
        .ended = nested_ended,
        .data = nested,
        .args = job_list(job, "args"),
        .depth = job_depth(job) + 1,
    };
    nested->job = job;
    nested->sink.ops = &nested_ops;
    nested->outer = job_sink(job);
    nested->runner = runner_new(&config);
    g_autofree char *path = script_path(job, job_arg(job, "file"));
    if (!runner_add_file(nested->runner, path, &error)) {
        runner_free(nested->runner);
        g_free(nested);
        return job_fail_error(job, error);
    }
    job_set_data(job, nested, nested_free);
    runner_start(nested->runner);
    return CMD_WAIT;
}

static enum cmd_status run_script_list(struct job *job)
{
    g_autofree char *dir = g_build_filename(
        job_app(job)->paths->config_dir, "scripts", NULL);
    g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
    const char *name;
    while (entries && (name = g_dir_read_name(entries)))
        JOB_ROW(job, "script", FIELD_T("file", name));
    return job_done(job);
}

/* --- /debug, /rawxml --------------------------------------------------------- */

static enum cmd_status run_debug(struct job *job)
{
    const char *file = job_arg(job, "file");
    g_autoptr(GError) error = NULL;
    log_close();
    if (strcmp(file, "off") != 0 && !log_open(file, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_rawxml(struct job *job)
{
    g_autoptr(xmpp_stanza_t) stanza = stanza_parse(job_arg(job, "stanza"));
    const char *name = stanza ? stanza_name(stanza) : "";
    if (strcmp(name, "message") != 0 && strcmp(name, "presence") != 0 &&
        strcmp(name, "iq") != 0)
        return job_fail(job, "bad-request",
            "That is no stanza: a whole <message/>, <presence/> or <iq/>");
    if (!session_send(job_account(job), g_steal_pointer(&stanza)))
        return job_fail(job, "recipient-unavailable",
            "The connection was lost and nothing was sent; try again when it is back");
    return job_done(job);
}

/* --- /exec -------------------------------------------------------------------- */

struct execution {
    struct job *job; /* NULL: given up */
    GSubprocess *process;
    GCancellable *cancel;
    GInputStream *out;
    GString *output;
    char chunk[4096];
    bool too_long;
};

static void execution_free(struct execution *e)
{
    g_clear_object(&e->process);
    g_clear_object(&e->cancel);
    g_string_free(e->output, TRUE);
    g_free(e);
}

static void give_up_execution(struct job *job, gpointer data)
{
    struct execution *e = data;
    (void)job;
    e->job = NULL;
    g_subprocess_force_exit(e->process);
    g_cancellable_cancel(e->cancel);
}

static void send_output(struct job *job, const char *text)
{
    g_autoptr(GError) error = NULL;
    if (!*text) {
        job_fail(job, "bad-request", "The command printed nothing to send; without -o its output is only shown");
        return;
    }
    if (outbox_send_text(job_chat(job), text, &error))
        job_done(job);
    else
        job_fail_error(job, error);
}

static void show_output(struct job *job, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (**line || line[1])
            JOB_ROW(job, "exec", FIELD_T("text", *line));
    job_done(job);
}

static void on_exited(GObject *source, GAsyncResult *result, gpointer data)
{
    struct execution *e = data;
    GSubprocess *process = G_SUBPROCESS(source);
    g_subprocess_wait_finish(process, result, NULL);
    struct job *job = e->job;
    if (!job) {
        execution_free(e);
        return;
    }
    job_on_cancel(job, NULL, NULL);
    g_autofree char *text =
        g_utf8_make_valid(e->output->str, (gssize)e->output->len);
    bool ok = g_subprocess_get_successful(process) || e->too_long;
    int code = g_subprocess_get_if_exited(process)
        ? g_subprocess_get_exit_status(process) : -1;
    execution_free(e);
    if (!ok)
        job_fail(job, "undefined-condition", "The command ended with status %d",
            code);
    else if (job_flag(job, "send"))
        send_output(job, g_strchomp(text));
    else
        show_output(job, text);
}

static void on_output(GObject *source, GAsyncResult *result, gpointer data);

static void read_output(struct execution *e)
{
    g_input_stream_read_async(e->out, e->chunk, sizeof e->chunk,
        G_PRIORITY_DEFAULT, e->cancel, on_output, e);
}

static void on_output(GObject *source, GAsyncResult *result, gpointer data)
{
    struct execution *e = data;
    gssize n =
        g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);
    if (n > 0)
        g_string_append_len(e->output, e->chunk, n);
    e->too_long = e->output->len > EXEC_OUTPUT_MAX;
    if (n > 0 && !e->too_long && e->job) {
        read_output(e);
        return;
    }
    if (e->too_long)
        g_subprocess_force_exit(e->process);
    g_subprocess_wait_async(e->process, NULL, on_exited, e);
}

static enum cmd_status run_exec(struct job *job)
{
    struct front *front = job_front(job);
    bool by_hand = front && front->ops->is_screen && !*job_source(job);
    g_autoptr(GError) error = NULL;
    if (!by_hand && !options_bool(job_options(job), NULL, "script.exec"))
        return job_fail(job, "not-allowed", "/exec is off in scripts. /set "
            "script.exec on allows it, to every script");
    if (job_flag(job, "send") && !job_chat(job))
        return job_fail(job, "item-not-found",
            "-o sends to the chat that is open, and none is");
    /* Standard input is not the script's. */
    GSubprocess *process = g_subprocess_new(
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE,
        &error, "/bin/sh", "-c", job_arg(job, "command"), NULL);
    if (!process)
        return job_fail_error(job, error);
    struct execution *e = g_new0(struct execution, 1);
    e->job = job;
    e->process = process;
    e->cancel = g_cancellable_new();
    e->out = g_subprocess_get_stdout_pipe(process);
    e->output = g_string_new(NULL);
    job_on_cancel(job, give_up_execution, e);
    read_output(e);
    return CMD_WAIT;
}

/* --- rows ----------------------------------------------------------------------- */

static const struct command script_subs[] = {
    { .name = "run",
        .args = { { .name = "file", .kind = &arg_file },
            { .name = "args", .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REPEAT,
                .summary = "$1, $2 …, $* in the lines; $$ is a dollar then" } },
        .summary = "Run the lines of a file, one after another",
        .detail = "A name without a slash that is no file here is looked for "
                  "in scripts/ beside txmpp.conf. The first line that fails "
                  "ends it. Without ARGS a dollar is a dollar.",
        .run = run_script_run },
    { .name = "list", .summary = "List the files in scripts/",
        .fields = "script: file", .run = run_script_list },
    { .name = NULL },
};

static const char *const help_examples[] = {
    "/help roster add", "Explains one command",
    "/help delete contact", "Finds /roster remove",
    "/help ?block", "Lists the commands that have to do with blocking", NULL,
};

static const char *const rawxml_examples[] = {
    "/rawxml <presence to='romeo@example.net' type='probe'/>",
    "Sends that stanza as it stands", NULL,
};

const struct command app_general_commands[] = {
    { .name = "help",
        .args = { { .name = "topic", .kind = &arg_command,
            .flags = ARG_OPTIONAL | ARG_REST } },
        .summary = "Explain a command or an option, or find one by words",
        .words = "how manual usage what find explain",
        .detail = "What is neither is searched for, in what the rows say and in "
                  "the words people use for it; ?WORDS always searches. The best "
                  "comes first.",
        .examples = help_examples, .fields = "help: text topic?",
        .run = run_help },
    { .name = "quit", .aliases = "exit",
        .args = { { .name = "message", .kind = &arg_text,
            .flags = ARG_OPTIONAL | ARG_REST,
            .summary = "the last status that contacts see" } },
        .needs = NEEDS_CONSENT,
        .words = "exit leave close stop end bye",
        .summary = "Close every connection and leave",
        .detail = "Messages that could not be sent are kept and sent the next "
                  "time. Where the disk does not take them the screen asks "
                  "first.", .run = run_quit },
    { .name = "script", .sub = script_subs, .words = "file batch automate run",
        .summary = "Run files of commands" },
    { .name = "sleep",
        .args = { { .name = "seconds", .kind = &arg_seconds } },
        .summary = "Wait that long before the next line", .run = run_sleep },
    { .name = "request", .needs = NEEDS_ONLINE,
        .args = { { .name = "what", .kind = &arg_choice,
                      .choices = "last ping time version" },
            ASK_TARGET_ARG },
        .summary = "Ask somebody's client or server something",
        .detail = "The same as /lastactivity, /ping, /time and /software, and "
                  "answered as those are.",
        .run = run_request },
    { .name = "echo",
        .args = { { .name = "text", .kind = &arg_text,
            .flags = ARG_OPTIONAL | ARG_REST } },
        .summary = "Print a text", .fields = "echo: text", .run = run_echo },
    { .name = "debug", .args = { { .name = "file", .kind = &arg_file } },
        .words = "log trace problem bug report",
        .summary = "Write a debug log with every stanza, or end it with off",
        .detail = "Passwords, tokens and keys are left out of it.",
        .run = run_debug },
    { .name = "rawxml", .needs = NEEDS_ONLINE,
        .args = { { .name = "stanza", .kind = &arg_text, .flags = ARG_REST } },
        .words = "stanza send protocol",
        .summary = "Send a stanza as it stands", .examples = rawxml_examples,
        .run = run_rawxml },
    { .name = "exec",
        .args = { { .name = "send", .option = "-o",
                      .summary = "send the output to the current chat" },
            { .name = "command", .kind = &arg_text, .flags = ARG_REST } },
        .words = "shell program run output",
        .summary = "Run a command of the shell",
        .detail = "Off in command mode and in scripts unless script.exec is "
                  "on.",
        .fields = "exec: text", .run = run_exec },
    { .name = NULL },
};
