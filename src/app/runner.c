/*
 * A queue of sources, the first of which is being read. While a job runs
 * nothing is read, so that a producer is held back by its pipe and memory does
 * not grow. One line may be LINE_MAX_BYTES long; a longer one is skipped to
 * its end and fails (F32).
 */
#include "app/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib-unix.h>
#include <json-glib/json-glib.h>

#include "app/app.h"
#include "app/backlog.h"
#include "base/intl.h"

#define LINE_MAX_BYTES (4u << 20)
#define CHUNK 65536
#define LINES_A_TURN 100

enum source_kind { SOURCE_LINE, SOURCE_FD, SOURCE_MESSAGE };

struct source {
    enum source_kind kind;
    char *text; /* the line, or the address of a message */
    char *name;
    int fd;
    int number;      /* SOURCE_LINE: which line of its source it is */
    bool close_fd;
    bool used;       /* run: what is left is to drop it */
};

struct runner {
    struct sink sink; /* first: a sink pointer is a runner pointer */
    struct runner_config config;
    GQueue sources;
    GString *buffer;
    gsize start;       /* bytes of buffer already used */
    int line;          /* of the present source */
    bool overlong;     /* the line being read is too long: skip to its end */
    bool at_end;       /* the present source has no more bytes */
    guint read_watch, pump_idle, deadline;
    struct job *job;
    bool in_run;       /* inside engine_run */
    bool acted;        /* the command that ended inside it did something */
    bool started, stopped, ended, ok;
    bool held;         /* runner_hold() */
};

static void schedule(struct runner *runner);

static void source_free(struct source *source)
{
    if (source->close_fd)
        close(source->fd);
    g_free(source->text);
    g_free(source->name);
    g_free(source);
}

/* --- the sink between ----------------------------------------------------- */

static void on_row(struct sink *sink, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    struct sink *outer = ((struct runner *)sink)->config.outer;
    outer->ops->row(outer, job, kind, fields, n);
}

static void on_note(struct sink *sink, struct job *job, const char *text)
{
    struct sink *outer = ((struct runner *)sink)->config.outer;
    outer->ops->note(outer, job, text);
}

static void on_fail(
    struct sink *sink, struct job *job, const char *condition, const char *text)
{
    struct runner *runner = (struct runner *)sink;
    struct sink *outer = runner->config.outer;
    if (runner->stopped)
        return;
    outer->ops->fail(outer, job, condition, text);
    runner->ok = false;
    if (!runner->config.failed ||
        !runner->config.failed(job, condition, runner->config.data))
        runner->stopped = true;
}

/* Waiting and pausing is not acting. */
static bool is_acting(const struct job *job)
{
    const char *name = job_name(job);
    return !g_str_has_prefix(name, "wait") && strcmp(name, "sleep") != 0 &&
        strcmp(name, "echo") != 0;
}

static void on_done(struct sink *sink, struct job *job, bool ok)
{
    struct runner *runner = (struct runner *)sink;
    struct sink *outer = runner->config.outer;
    if (runner->in_run)
        runner->acted = is_acting(job);
    outer->ops->done(outer, job, ok);
    runner->job = NULL;
    g_clear_handle_id(&runner->deadline, g_source_remove);
    if (!runner->in_run)
        schedule(runner);
}

static const struct sink_ops runner_sink_ops = {
    .row = on_row,
    .note = on_note,
    .fail = on_fail,
    .done = on_done,
};

/* --- running a line ------------------------------------------------------- */

/* These wait as long as they are told to; /wait when it is told. */
static bool has_own_time(const struct job *job)
{
    static const char *const names[] = { "sleep", "script", NULL };
    g_auto(GStrv) words = g_strsplit(job_name(job), " ", 2);
    if (g_strcmp0(words[0], "wait") == 0)
        return job_arg(job, "timeout") != NULL;
    return words[0] && g_strv_contains(names, words[0]);
}

static gboolean on_deadline(gpointer data)
{
    struct runner *runner = data;
    runner->deadline = 0;
    if (!runner->job)
        return G_SOURCE_REMOVE;
    if (runner->config.late)
        runner->config.late(runner->config.data);
    g_autofree char *text = g_strdup_printf(
        _("It was not done within %g s (--timeout)"),
        runner->config.timeout_ms / 1000.0);
    engine_cancel(runner->config.app->engine, runner->job,
        "remote-server-timeout", text);
    return G_SOURCE_REMOVE;
}

static void arm_deadline(struct runner *runner)
{
    if (runner->config.timeout_ms && !runner->held &&
        !has_own_time(runner->job))
        runner->deadline = g_timeout_add(
            runner->config.timeout_ms, on_deadline, runner);
}

static struct run_context context_of(struct runner *runner)
{
    const struct source *source = g_queue_peek_head(&runner->sources);
    return (struct run_context){
        .front = runner->config.front,
        .sink = &runner->sink,
        .account = runner->config.account,
        .line = runner->line,
        .wait_online = runner->config.wait_online,
        .source = source ? source->name : NULL,
        .depth = runner->config.depth,
    };
}

static void run_text(struct runner *runner, const char *text, bool json)
{
    struct engine *engine = runner->config.app->engine;
    struct run_context context = context_of(runner);
    runner->in_run = true;
    runner->acted = false;
    struct job *job = (json ? engine_run_json : engine_run)(
        engine, text, &context);
    runner->in_run = false;
    runner->job = job;
    /* Nothing can have come since it began: that needs the loop. */
    if (job ? is_acting(job) : runner->acted)
        backlog_forget(runner->config.app);
    if (job)
        arm_deadline(runner);
}

/* A line that never was a command: the engine is asked to say so, so that the
 * failure looks like any other. */
static void run_broken(
    struct runner *runner, const char *condition, const char *text)
{
    struct engine *engine = runner->config.app->engine;
    struct run_context context = context_of(runner);
    runner->in_run = true;
    const struct source *source = g_queue_peek_head(&runner->sources);
    bool message = source && source->kind == SOURCE_MESSAGE;
    engine_refuse(engine, message ? "msg" : "", condition, text, &context);
    runner->in_run = false;
}

static char *to_utf8(const char *line, gsize len)
{
    const char *charset = NULL;
    if (g_utf8_validate(line, (gssize)len, NULL))
        return g_strndup(line, len);
    if (g_get_charset(&charset))
        return NULL;
    return g_locale_to_utf8(line, (gssize)len, NULL, NULL, NULL);
}

/* A request in JSON is nothing to paste text into. */
static char *filled_in(const struct runner *runner, const char *line)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    const char *const *args = runner->config.args;
    bool used;
    if (!args || !*args || *line == '{')
        return g_strdup(line);
    g_autofree char *rest = g_strjoinv(" ", (char **)args);
    for (; *args; args++)
        g_ptr_array_add(words, (char *)*args);
    return engine_fill(line, words, rest, &used);
}

static void run_line(struct runner *runner, const char *line, gsize len)
{
    if (len && line[len - 1] == '\r')
        len--;
    if (memchr(line, '\0', len)) {
        run_broken(runner, "bad-request", _("The line holds a NUL byte"));
        return;
    }
    g_autofree char *text = to_utf8(line, len);
    if (!text) {
        run_broken(runner, "bad-request", _("The line is not UTF-8 text"));
        return;
    }
    /* Indentation makes no text of a command. */
    char *begin = text + strspn(text, " \t");
    if (!*begin || *begin == '#')
        return;
    g_autofree char *filled =
        filled_in(runner, *begin == '/' || *begin == '{' ? begin : text);
    run_text(runner, filled, *begin == '{');
}

/* --- reading --------------------------------------------------------------- */

static void drop_source(struct runner *runner)
{
    struct source *source = g_queue_pop_head(&runner->sources);
    g_clear_handle_id(&runner->read_watch, g_source_remove);
    if (source)
        source_free(source);
    g_string_truncate(runner->buffer, 0);
    runner->start = 0;
    runner->line = 0;
    runner->at_end = false;
    runner->overlong = false;
}

static void compact(struct runner *runner)
{
    if (!runner->start)
        return;
    g_string_erase(runner->buffer, 0, (gssize)runner->start);
    runner->start = 0;
}

static void keep_bytes(struct runner *runner, const char *bytes, gsize len)
{
    if (runner->overlong) {
        const char *end = memchr(bytes, '\n', len);
        if (!end)
            return;
        /* The rest of the line is gone, its end is kept. */
        len -= (gsize)(end - bytes);
        bytes = end;
    }
    compact(runner);
    g_string_append_len(runner->buffer, bytes, (gssize)len);
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data)
{
    struct runner *runner = data;
    char chunk[CHUNK];
    (void)condition;
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    if (n > 0)
        keep_bytes(runner, chunk, (gsize)n);
    else
        runner->at_end = true;
    runner->read_watch = 0;
    schedule(runner);
    return G_SOURCE_REMOVE;
}

static void read_more(struct runner *runner, const struct source *source)
{
    if (!runner->read_watch)
        runner->read_watch = g_unix_fd_add(source->fd,
            G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, runner);
}

/* True when a line was run, or skipped; false when there is none yet. */
static bool take_line(struct runner *runner)
{
    const char *begin = runner->buffer->str + runner->start;
    gsize len = runner->buffer->len - runner->start;
    const char *end = memchr(begin, '\n', len);
    if (!end && len > LINE_MAX_BYTES) {
        runner->overlong = true;
        g_string_truncate(runner->buffer, 0);
        runner->start = 0;
        return false;
    }
    if (!end && (!runner->at_end || (!len && !runner->overlong)))
        return false;
    gsize n = end ? (gsize)(end - begin) : len;
    runner->line++;
    if (runner->overlong || n > LINE_MAX_BYTES) {
        runner->start += n + (end ? 1 : 0);
        runner->overlong = false;
        run_broken(runner, "bad-request",
            _("The line is longer than 4 MiB and was left out"));
        return true;
    }
    runner->start += n + (end ? 1 : 0);
    if (runner->line == 1 && n >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0) {
        begin += 3; /* a byte order mark is none of the text */
        n -= 3;
    }
    g_autofree char *line = g_strndup(begin, n);
    run_line(runner, line, n);
    return true;
}

static char *message_request(const char *jid, const char *text)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "command");
    json_builder_add_string_value(builder, "msg");
    json_builder_set_member_name(builder, "args");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "jid");
    json_builder_add_string_value(builder, jid);
    json_builder_set_member_name(builder, "text");
    json_builder_add_string_value(builder, text);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

/* The whole of a file descriptor as one message; NUL and other bytes that no
 * message can hold are refused, not left out. */
static void take_message(struct runner *runner, const struct source *source)
{
    g_autofree char *jid = g_strdup(source->text);
    gsize len = runner->buffer->len;
    while (len && runner->buffer->str[len - 1] == '\n')
        len--;
    if (runner->overlong || len > LINE_MAX_BYTES) {
        run_broken(runner, "bad-request", _("The text is longer than 4 MiB"));
    } else if (!len) {
        run_broken(runner, "bad-request", _("There is no text to send"));
    } else if (memchr(runner->buffer->str, '\0', len)) {
        run_broken(runner, "bad-request", _("The text holds a NUL byte"));
    } else {
        g_autofree char *text = to_utf8(runner->buffer->str, len);
        if (!text) {
            run_broken(runner, "bad-request", _("The text is not UTF-8"));
            return;
        }
        g_autofree char *json = message_request(jid, text);
        run_text(runner, json, true);
    }
}

/* True when something was done and more may follow at once. */
static bool step_source(struct runner *runner, struct source *source)
{
    if (source->kind == SOURCE_LINE) {
        if (source->used) {
            drop_source(runner);
            return true;
        }
        source->used = true;
        runner->line = source->number;
        run_line(runner, source->text, strlen(source->text));
        return true;
    }
    if (source->kind == SOURCE_MESSAGE) {
        if (source->used) {
            drop_source(runner);
            return true;
        }
        if (!runner->at_end && runner->buffer->len <= LINE_MAX_BYTES) {
            read_more(runner, source);
            return false;
        }
        source->used = true;
        runner->line = 1;
        take_message(runner, source);
        return true;
    }
    if (take_line(runner))
        return true;
    if (runner->at_end) {
        drop_source(runner);
        return true;
    }
    read_more(runner, source);
    return false;
}

static void finish(struct runner *runner)
{
    if (runner->ended)
        return;
    runner->ended = true;
    g_clear_handle_id(&runner->read_watch, g_source_remove);
    if (runner->config.ended)
        runner->config.ended(runner, runner->ok, runner->config.data);
}

static gboolean pump(gpointer data)
{
    struct runner *runner = data;
    runner->pump_idle = 0;
    for (int i = 0; i < LINES_A_TURN; i++) {
        if (runner->job)
            return G_SOURCE_REMOVE;
        struct source *source = g_queue_peek_head(&runner->sources);
        if (runner->stopped || runner->config.app->quitting || !source) {
            finish(runner);
            return G_SOURCE_REMOVE;
        }
        if (!step_source(runner, source))
            return G_SOURCE_REMOVE;
    }
    schedule(runner);
    return G_SOURCE_REMOVE;
}

static void schedule(struct runner *runner)
{
    if (runner->started && !runner->ended && !runner->pump_idle)
        runner->pump_idle =
            g_idle_add_full(G_PRIORITY_DEFAULT, pump, runner, NULL);
}

/* --- life ------------------------------------------------------------------ */

struct runner *runner_new(const struct runner_config *config)
{
    struct runner *runner = g_new0(struct runner, 1);
    runner->sink.ops = &runner_sink_ops;
    runner->config = *config;
    runner->buffer = g_string_new(NULL);
    runner->ok = true;
    backlog_use(config->app);
    g_queue_init(&runner->sources);
    return runner;
}

void runner_free(struct runner *runner)
{
    if (!runner)
        return;
    runner_stop(runner);
    g_clear_handle_id(&runner->pump_idle, g_source_remove);
    g_clear_handle_id(&runner->deadline, g_source_remove);
    g_clear_handle_id(&runner->read_watch, g_source_remove);
    while (!g_queue_is_empty(&runner->sources))
        source_free(g_queue_pop_head(&runner->sources));
    g_string_free(runner->buffer, TRUE);
    backlog_unuse(runner->config.app);
    g_free(runner);
}

static void add_source(struct runner *runner, enum source_kind kind,
    const char *text, const char *name, int fd, bool close_fd)
{
    struct source *source = g_new0(struct source, 1);
    source->kind = kind;
    source->text = g_strdup(text);
    source->name = g_strdup(name);
    source->fd = fd;
    source->close_fd = close_fd;
    g_queue_push_tail(&runner->sources, source);
}

void runner_add_line(
    struct runner *runner, const char *line, const char *source, int number)
{
    add_source(runner, SOURCE_LINE, line, source, -1, false);
    ((struct source *)g_queue_peek_tail(&runner->sources))->number = number;
}

void runner_add_fd(
    struct runner *runner, int fd, bool close_fd, const char *source)
{
    add_source(runner, SOURCE_FD, NULL, source, fd, close_fd);
}

bool runner_add_file(struct runner *runner, const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        fd = -1;
        errno = EISDIR;
    }
    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
            _("%s cannot be read: %s"), path, g_strerror(errno));
        return false;
    }
    runner_add_fd(runner, fd, true, path);
    return true;
}

void runner_add_message(struct runner *runner, int fd, const char *jid)
{
    add_source(runner, SOURCE_MESSAGE, jid, "stdin", fd, false);
}

void runner_start(struct runner *runner)
{
    runner->started = true;
    schedule(runner);
}

void runner_stop(struct runner *runner)
{
    runner->stopped = true;
    if (runner->job)
        engine_cancel(runner->config.app->engine, runner->job,
            "recipient-unavailable", _("It was given up"));
    schedule(runner);
}

void runner_hold(struct runner *runner, bool on)
{
    runner->held = on;
    g_clear_handle_id(&runner->deadline, g_source_remove);
    if (!on && runner->job)
        arm_deadline(runner);
}

struct job *runner_job(const struct runner *runner)
{
    return runner->job;
}

void runner_fail_job(
    struct runner *runner, const char *condition, const char *text)
{
    if (runner->job)
        engine_cancel(
            runner->config.app->engine, runner->job, condition, text);
}
