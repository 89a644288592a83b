/*
 * Command mode is an observer that prints, a runner that reads, and the rules
 * of when it ends and with which status. Whatever goes wrong first decides
 * the status; a lost connection outranks the command it made fail.
 */
#include "script/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib-unix.h>

#include "app/app.h"
#include "app/runner.h"
#include "base/intl.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/stream.h"
#include "script/output.h"
#include "script/record.h"

#define FLUSH_MS 10000
#define PASSWORD_MAX 1024

enum { /* contract.md s. 1 */
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_CONNECTION = 3,
    EXIT_REFUSED = 4,
    EXIT_LOST = 5,
    EXIT_LATE = 6,
};

/* A password being typed on the controlling terminal. */
struct prompt {
    int fd;
    struct termios before;
    guint watch;
    char bytes[PASSWORD_MAX];
    gsize len;
    bool connecting, restoring; /* a deadline ran when it began */
    struct question question;
};

struct script {
    struct front front; /* first: a front pointer is a script pointer */
    struct sink sink;
    struct app *app;
    struct runner *runner;
    struct output *output;
    const struct record_writer *writer;
    guint kinds;             /* bits of enum record_kind that are printed */
    bool go_on;              /* /onerror continue */
    bool ended;              /* all lines were run */
    bool over;               /* the connection decided: nothing goes on */
    bool late;               /* a deadline passed */
    char *condition, *failure; /* of the job that is failing */
    struct chat *chat;
    GHashTable *online;      /* accounts that have been online */
    unsigned timeout_ms;
    guint connect_timer, restore_timer, end_idle;
    struct prompt *prompt;
    const char *to_utf8;     /* charset of the locale when it is not UTF-8 */
};

static struct script *of_sink(struct sink *sink)
{
    return (struct script *)((char *)sink - offsetof(struct script, sink));
}

/* --- standard error -------------------------------------------------------- */

void script_complain(const char *text)
{
    g_autofree char *clean = text_clean(text, -1, 0);
    g_autofree char *line = g_strconcat("txmpp: ", clean, "\n", NULL);
    const char *charset;
    g_autofree char *local = g_get_charset(&charset)
        ? NULL
        : g_convert_with_fallback(
              line, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
    const char *bytes = local ? local : line;
    if (write(STDERR_FILENO, bytes, strlen(bytes)) < 0)
        return; /* nobody left to tell */
}

/* --- printing --------------------------------------------------------------- */

/* Text output in a locale that is not UTF-8: "?" for what it lacks. */
static void localize(struct script *script, gsize from)
{
    GString *out = output_buffer(script->output);
    if (!script->to_utf8 || script->writer == &record_json)
        return;
    g_autofree char *local = g_convert_with_fallback(out->str + from,
        (gssize)(out->len - from), script->to_utf8, "UTF-8", "?", NULL, NULL,
        NULL);
    if (!local)
        return;
    g_string_truncate(out, from);
    g_string_append(out, local);
}

static void print_record(struct script *script, struct record *record)
{
    GString *out = output_buffer(script->output);
    gsize from = out->len;
    if (script->kinds & (1u << record->kind)) {
        script->writer->event(out, record);
        localize(script, from);
        output_commit(script->output);
    }
    record_clear(record);
}

static void sink_row(struct sink *sink, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    struct script *script = of_sink(sink);
    GString *out = output_buffer(script->output);
    gsize from = out->len;
    script->writer->row(out, job, kind, fields, n);
    localize(script, from);
    output_commit(script->output);
}

static void sink_note(struct sink *sink, struct job *job, const char *text)
{
    struct script *script = of_sink(sink);
    GString *out = output_buffer(script->output);
    gsize from = out->len;
    script->writer->note(out, job, text);
    localize(script, from);
    output_commit(script->output);
}

static void sink_fail(
    struct sink *sink, struct job *job, const char *condition, const char *text)
{
    struct script *script = of_sink(sink);
    g_autofree char *line = g_strdup_printf("%s:%d: %s: %s", job_source(job),
        job_line(job), *job_name(job) ? job_name(job) : "?", text);
    script_complain(line);
    g_free(script->condition);
    g_free(script->failure);
    script->condition = g_strdup(condition);
    script->failure = g_strdup(text);
}

static void sink_done(struct sink *sink, struct job *job, bool ok)
{
    struct script *script = of_sink(sink);
    GString *out = output_buffer(script->output);
    gsize from = out->len;
    script->writer->result(out, job, ok, script->condition, script->failure);
    localize(script, from);
    output_commit(script->output);
    g_clear_pointer(&script->condition, g_free);
    g_clear_pointer(&script->failure, g_free);
}

static const struct sink_ops sink_ops = {
    .row = sink_row,
    .note = sink_note,
    .fail = sink_fail,
    .done = sink_done,
};

/* --- how it ends ------------------------------------------------------------- */

static gboolean end_now(gpointer data)
{
    struct script *script = data;
    script->end_idle = 0;
    runner_stop(script->runner);
    if (!script->app->quitting)
        app_quit(script->app, NULL);
    return G_SOURCE_REMOVE;
}

static void end_soon(struct script *script)
{
    if (!script->end_idle)
        script->end_idle = g_idle_add(end_now, script);
}

static int status_of(const GError *error, bool was_online)
{
    if (was_online)
        return EXIT_LOST;
    if (!error || error->domain != STREAM_ERROR)
        return EXIT_NO_CONNECTION;
    switch ((enum stream_error)error->code) {
    case STREAM_ERROR_AUTH:
    case STREAM_ERROR_NO_PASSWORD:
        return EXIT_REFUSED;
    case STREAM_ERROR_TIMEOUT:
        return EXIT_LATE;
    case STREAM_ERROR_LOST:
    case STREAM_ERROR_CONFLICT:
        return EXIT_LOST;
    default:
        return EXIT_NO_CONNECTION;
    }
}

/* There is no connection and will be none: the command that runs fails with
 * the reason, and the script is over. */
static void give_up(struct script *script, int status, const char *text)
{
    if (script->over || script->app->quitting)
        return;
    script->over = true;
    script->app->exit_code = status;
    if (runner_job(script->runner))
        runner_fail_job(script->runner, "recipient-unavailable", text);
    else
        script_complain(text);
    end_soon(script);
}

static gboolean on_connect_deadline(gpointer data)
{
    struct script *script = data;
    script->connect_timer = 0;
    g_autofree char *text = g_strdup_printf(
        _("The connection was not there after %g s (--timeout)"),
        script->timeout_ms / 1000.0);
    give_up(script, EXIT_LATE, text);
    return G_SOURCE_REMOVE;
}

static gboolean on_restore_deadline(gpointer data)
{
    struct script *script = data;
    script->restore_timer = 0;
    g_autofree char *text = g_strdup_printf(_("The connection was lost and not "
        "restored within %g s (--timeout)"), script->timeout_ms / 1000.0);
    give_up(script, EXIT_LOST, text);
    return G_SOURCE_REMOVE;
}

static void expect_connection(struct script *script)
{
    script->connect_timer = g_timeout_add(
        script->timeout_ms, on_connect_deadline, script);
}

static void expect_restoration(struct script *script)
{
    script->restore_timer = g_timeout_add(
        script->timeout_ms, on_restore_deadline, script);
}

static bool all_online(const struct app *app)
{
    for (guint i = 0; i < app->accounts->len; i++)
        if (!session_is_online(app->accounts->pdata[i]))
            return false;
    return true;
}

static void on_online(struct script *script, struct account *account)
{
    g_hash_table_add(script->online, account);
    if (!all_online(script->app))
        return;
    g_clear_handle_id(&script->connect_timer, g_source_remove);
    g_clear_handle_id(&script->restore_timer, g_source_remove);
    if (script->ended && !script->app->quitting)
        app_quit(script->app, NULL);
}

/* A failed attempt ends a script that was never online at once; one that was
 * gets --timeout to be so again. */
static void on_offline(
    struct script *script, struct account *account, const GError *error)
{
    bool was_online = g_hash_table_contains(script->online, account);
    if (!error)
        return;
    if (!was_online || account->state == STATE_OFFLINE) {
        give_up(script, status_of(error, was_online), error->message);
        return;
    }
    if (script->timeout_ms && !script->restore_timer)
        expect_restoration(script);
}

/* It failed because the connection broke under it. */
static bool is_cut_off(const struct script *script, const struct job *job)
{
    struct account *account = job_account(job);
    return account && g_hash_table_contains(script->online, account) &&
        account->state != STATE_ONLINE && account->state != STATE_CLOSING &&
        session_error(account);
}

static bool on_failed(struct job *job, const char *condition, gpointer data)
{
    struct script *script = data;
    struct app *app = script->app;
    bool waited = g_str_has_prefix(job_name(job), "wait ") &&
        strcmp(condition, "remote-server-timeout") == 0;
    bool late = script->late || waited;
    script->late = false;
    if (script->over)
        return false;
    if (!app->exit_code || app->exit_code == EXIT_FAILED)
        app->exit_code = script->go_on ? EXIT_FAILED
            : job_lacks_account(job) ? EXIT_USAGE
            : late ? EXIT_LATE
            : is_cut_off(script, job) ? EXIT_LOST : EXIT_FAILED;
    return script->go_on;
}

static void on_late(gpointer data)
{
    struct script *script = data;
    script->late = true;
}

/* Connecting belongs to what a script is asked to do: one that ends earlier
 * than the login waits for it, so that its status can tell how that went. */
static bool is_connecting(const struct script *script)
{
    const GPtrArray *accounts = script->app->accounts;
    for (guint i = 0; i < accounts->len; i++) {
        const struct account *account = accounts->pdata[i];
        if (account->state != STATE_OFFLINE &&
            account->state != STATE_CLOSING && !account->synced &&
            !g_hash_table_contains(script->online, account))
            return true;
    }
    return false;
}

static void on_ended(struct runner *runner, bool ok, gpointer data)
{
    struct script *script = data;
    (void)runner;
    script->ended = true;
    if (!script->app->quitting && !(ok && is_connecting(script)))
        app_quit(script->app, NULL);
}

static void on_output_broken(gpointer data)
{
    struct script *script = data;
    script->over = true;
    end_soon(script);
}

void script_interrupt(struct script *script)
{
    script->over = true;
    runner_stop(script->runner);
}

/* --- events --------------------------------------------------------------------- */

struct roster_printer {
    struct script *script;
    const struct event *event;
};

static void print_contact(struct contact *contact, gpointer data)
{
    const struct roster_printer *printer = data;
    struct record record;
    if (!contact->in_roster)
        return;
    record_of_contact(&record, printer->event, contact, false);
    print_record(printer->script, &record);
}

static void print_roster(struct script *script, const struct event *event)
{
    if (!(script->kinds & (1u << RECORD_ROSTER)) || !event->account ||
        event->account->state != STATE_ONLINE)
        return;
    struct roster_printer printer = { script, event };
    roster_foreach(event->account->roster, print_contact, &printer);
}

static bool has_been_online(struct script *script, const struct event *event)
{
    return event->account &&
        g_hash_table_contains(script->online, event->account);
}

static void follow(struct script *script, const struct event *event)
{
    struct account *account = event->account;
    switch (event->type) {
    case EVENT_STATE:
        if (account->state == STATE_ONLINE)
            on_online(script, account);
        else if (account->state == STATE_OFFLINE ||
            account->state == STATE_WAITING)
            on_offline(script, account, event->state.error);
        break;
    case EVENT_ROSTER_RESET:
        print_roster(script, event);
        break;
    case EVENT_NOTICE:
        if (event->notice.urgent)
            script_complain(event->notice.text);
        break;
    case EVENT_CHAT_GONE:
        if (event->chat == script->chat)
            script->chat = NULL;
        break;
    case EVENT_ACCOUNT_GONE:
        g_hash_table_remove(script->online, account);
        if (script->chat && script->chat->account == account)
            script->chat = NULL;
        break;
    default:
        break;
    }
}

static void on_event(const struct event *event, gpointer data)
{
    struct script *script = data;
    struct record record;
    if (record_of_event(&record, event, has_been_online(script, event)))
        print_record(script, &record);
    follow(script, event);
}

/* --- the front end's part ---------------------------------------------------------- */

/* Nobody types against the clock. */
static void hold_deadlines(struct script *script)
{
    script->prompt->connecting = script->connect_timer != 0;
    script->prompt->restoring = script->restore_timer != 0;
    g_clear_handle_id(&script->connect_timer, g_source_remove);
    g_clear_handle_id(&script->restore_timer, g_source_remove);
    runner_hold(script->runner, true);
}

static void let_deadlines_run(
    struct script *script, const struct prompt *prompt)
{
    if (prompt->connecting)
        expect_connection(script);
    if (prompt->restoring)
        expect_restoration(script);
    runner_hold(script->runner, false);
}

static void prompt_free(struct script *script)
{
    struct prompt *prompt = g_steal_pointer(&script->prompt);
    if (!prompt)
        return;
    let_deadlines_run(script, prompt);
    g_clear_handle_id(&prompt->watch, g_source_remove);
    tcsetattr(prompt->fd, TCSAFLUSH, &prompt->before);
    close(prompt->fd);
    secret_wipe(prompt->bytes, sizeof prompt->bytes);
    g_free(prompt);
}

static void prompt_answer(struct script *script, bool given)
{
    struct prompt *prompt = script->prompt;
    struct question question = prompt->question;
    struct secret *password =
        given ? secret_new(prompt->bytes, (gssize)prompt->len) : NULL;
    prompt_free(script);
    question.answer(given ? ANSWER_YES : ANSWER_NONE, NULL, password,
        question.data);
    if (password)
        secret_unref(password);
}

static gboolean on_typed(int fd, GIOCondition condition, gpointer data)
{
    struct script *script = data;
    struct prompt *prompt = script->prompt;
    (void)condition;
    ssize_t n = read(
        fd, prompt->bytes + prompt->len, sizeof prompt->bytes - prompt->len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    gsize begin = prompt->len;
    prompt->len += n > 0 ? (gsize)n : 0;
    char *end = memchr(prompt->bytes + begin, '\n', prompt->len - begin);
    if (!end && n > 0 && prompt->len < sizeof prompt->bytes)
        return G_SOURCE_CONTINUE;
    if (end)
        prompt->len = (gsize)(end - prompt->bytes);
    prompt->watch = 0;
    if (write(prompt->fd, "\n", 1) < 0)
        end = NULL;
    prompt_answer(script, end != NULL);
    return G_SOURCE_REMOVE;
}

static bool ask_password(struct script *script, const struct question *question)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios quiet;
    if (fd < 0 || script->prompt) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    struct prompt *prompt = g_new0(struct prompt, 1);
    prompt->fd = fd;
    prompt->question = *question;
    g_autofree char *clean = text_clean(
        question->text ? question->text : "Password", -1, TEXT_ONE_LINE);
    g_autofree char *text = g_strconcat(clean, ": ", NULL);
    if (tcgetattr(fd, &prompt->before) < 0 ||
        write(fd, text, strlen(text)) < 0) {
        close(fd);
        g_free(prompt);
        return false;
    }
    quiet = prompt->before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fd, TCSAFLUSH, &quiet);
    script->prompt = prompt;
    hold_deadlines(script);
    prompt->watch = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_typed, script);
    return true;
}

static bool front_ask(struct front *front, const struct question *question)
{
    if (question->kind != QUESTION_PASSWORD)
        return false;
    return ask_password((struct script *)front, question);
}

static void front_dismiss(
    struct front *front, const struct account *account, const char *jid)
{
    struct script *script = (struct script *)front;
    (void)jid;
    if (script->prompt && script->prompt->question.account == account)
        prompt_answer(script, false);
}

static struct chat *front_current_chat(struct front *front)
{
    return ((struct script *)front)->chat;
}

static void front_show_chat(struct front *front, struct chat *chat)
{
    ((struct script *)front)->chat = chat;
}

static struct account *front_current_account(struct front *front)
{
    const struct script *script = (struct script *)front;
    return script->chat ? script->chat->account : NULL;
}

static bool front_is_visible(struct front *front, const struct chat *chat)
{
    (void)front;
    (void)chat;
    return false;
}

static void front_quit(struct front *front)
{
    (void)front;
}

static bool front_edit(struct front *front, const char *text,
    void (*done)(const char *text, const GError *error, gpointer data),
    gpointer data)
{
    (void)front;
    (void)text;
    (void)done;
    (void)data;
    return false;
}

static const struct front_ops front_ops = {
    .ask = front_ask,
    .dismiss = front_dismiss,
    .current_chat = front_current_chat,
    .show_chat = front_show_chat,
    .current_account = front_current_account,
    .is_visible = front_is_visible,
    .quit = front_quit,
    .edit = front_edit,
    .is_screen = false,
};

/* --- life ------------------------------------------------------------------------------ */

static bool add_files(
    struct script *script, const struct script_config *config, GError **error)
{
    for (const char *const *file = config->files; file && *file; file++) {
        if (strcmp(*file, "-") == 0)
            runner_add_fd(script->runner, STDIN_FILENO, false, "stdin");
        else if (!runner_add_file(script->runner, *file, error))
            return false;
    }
    return true;
}

static bool add_sources(
    struct script *script, const struct script_config *config, GError **error)
{
    bool any = config->send || (config->files && config->files[0]) ||
        (config->commands && config->commands[0]);
    int n = 0;
    for (const char *const *c = config->commands; c && *c; c++)
        runner_add_line(script->runner, *c, "--command", ++n);
    if (!add_files(script, config, error))
        return false;
    if (config->send)
        runner_add_message(script->runner, STDIN_FILENO, config->send);
    if (!any)
        runner_add_fd(script->runner, STDIN_FILENO, false, "stdin");
    return true;
}

struct script *script_new(
    struct app *app, const struct script_config *config, GError **error)
{
    struct script *script = g_new0(struct script, 1);
    const char *charset;
    script->front.ops = &front_ops;
    script->sink.ops = &sink_ops;
    script->app = app;
    script->writer =
        config->format == SCRIPT_JSON ? &record_json : &record_text;
    script->kinds = config->send ? 0 : (1u << RECORD_KINDS) - 1;
    script->timeout_ms = config->timeout_ms;
    script->online = g_hash_table_new(NULL, NULL);
    if (!g_get_charset(&charset))
        script->to_utf8 = charset;
    script->output = output_new(
        STDOUT_FILENO, on_output_broken, script);
    struct runner_config runner = {
        .app = app,
        .front = &script->front,
        .outer = &script->sink,
        .timeout_ms = config->timeout_ms,
        .wait_online = true,
        .failed = on_failed,
        .late = on_late,
        .ended = on_ended,
        .data = script,
    };
    script->runner = runner_new(&runner);
    observers_add(app->observers, on_event, script);
    if (add_sources(script, config, error))
        return script;
    script_free(script);
    return NULL;
}

struct front *script_front(struct script *script)
{
    return &script->front;
}

void script_set_interrupt_fd(struct script *script, int fd)
{
    output_set_interrupt_fd(script->output, fd);
}

void script_start(struct script *script)
{
    /* A prompt may be open already; its end begins the time. */
    if (script->timeout_ms && app_is_alive(script->app) && !script->prompt)
        expect_connection(script);
    else if (script->timeout_ms && script->prompt)
        script->prompt->connecting = true;
    runner_start(script->runner);
}

void script_free(struct script *script)
{
    if (!script)
        return;
    observers_remove(script->app->observers, on_event, script);
    prompt_free(script);
    runner_free(script->runner);
    g_clear_handle_id(&script->connect_timer, g_source_remove);
    g_clear_handle_id(&script->restore_timer, g_source_remove);
    g_clear_handle_id(&script->end_idle, g_source_remove);
    int error = output_free(script->output, FLUSH_MS);
    if (error && error != EPIPE) { /* a full disk is no reader that left */
        g_autofree char *text = g_strdup_printf(
            _("Standard output could not be written: %s"), g_strerror(error));
        script_complain(text);
        if (!script->app->exit_code)
            script->app->exit_code = EXIT_FAILED;
    }
    g_hash_table_unref(script->online);
    g_free(script->condition);
    g_free(script->failure);
    g_free(script);
}

/* --- /format /onerror /events ------------------------------------------------------------- */

static struct script *script_of(struct job *job)
{
    struct front *front = job_front(job);
    return front && front->ops == &front_ops ? (struct script *)front : NULL;
}

static enum cmd_status only_in_scripts(struct job *job)
{
    return job_fail(job, "feature-not-implemented",
        "/%s is for command mode: see txmpp-script(7)", job_name(job));
}

static enum cmd_status run_format(struct job *job)
{
    struct script *script = script_of(job);
    if (!script)
        return only_in_scripts(job);
    script->writer = strcmp(job_arg(job, "format"), "json") == 0
        ? &record_json
        : &record_text;
    return job_done(job);
}

static enum cmd_status run_onerror(struct job *job)
{
    struct script *script = script_of(job);
    if (!script)
        return only_in_scripts(job);
    script->go_on = strcmp(job_arg(job, "what"), "continue") == 0;
    return job_done(job);
}

static enum cmd_status run_events(struct job *job)
{
    struct script *script = script_of(job);
    guint kinds = 0;
    if (!script)
        return only_in_scripts(job);
    const char *text = job_arg(job, "kinds");
    if (strcmp(text, "on") == 0 || strcmp(text, "all") == 0)
        kinds = (1u << RECORD_KINDS) - 1;
    g_auto(GStrv) words = g_strsplit_set(text, ", ", -1);
    for (char **word = words; !kinds && *word; word++)
        if (**word && strcmp(*word, "off") != 0 && record_kind_of(*word) < 0)
            return job_fail(job, "bad-request", "There is no event %s: "
                "connected, disconnected, message, delivery, presence, "
                "subscription, roster, typing, error, or on, off", *word);
    for (char **word = words; *word; word++)
        if (record_kind_of(*word) >= 0)
            kinds |= 1u << record_kind_of(*word);
    script->kinds = kinds;
    return job_done(job);
}

static void complete_events(struct completion *completion, const char *prefix)
{
    const char *comma = strrchr(prefix, ',');
    if (!comma) {
        completion_add(completion, "on");
        completion_add(completion, "off");
    }
    for (int i = 0; i < RECORD_KINDS; i++) {
        g_autofree char *list = g_strdup_printf("%.*s%s",
            comma ? (int)(comma + 1 - prefix) : 0, prefix,
            record_name((enum record_kind)i));
        completion_add(completion, list);
    }
}

static const struct arg_kind arg_events = { "on|off|EVENT,...", NULL,
    complete_events, false };

static const struct command commands[] = {
    { .name = "format",
        .args = { { .name = "format", .kind = &arg_choice,
            .choices = "text json" } },
        .words = "script json text output",
        .summary = "Choose how results and events are printed from here on",
        .run = run_format },
    { .name = "onerror",
        .args = { { .name = "what", .kind = &arg_choice,
            .choices = "stop continue" } },
        .words = "script fail continue stop",
        .summary = "Say what happens after a command failed",
        .detail = "stop, the default, ends the script with status 1; after "
                  "continue it goes on and ends with 1.",
        .run = run_onerror },
    { .name = "events",
        .args = { { .name = "kinds", .kind = &arg_events,
            .flags = ARG_REST } },
        .words = "script print output",
        .summary = "Choose which events are printed", .run = run_events },
    { .name = NULL },
};

void script_register(struct engine *engine)
{
    engine_register(engine, commands);
}
