/* One run of a command: its parsed arguments, where it runs and where its
 * results go. The engine owns jobs; a handler that returns CMD_WAIT keeps the
 * pointer until it calls job_done() or job_fail(). */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "cmd/command.h"
#include "cmd/sink.h"

struct account;
struct chat;
struct front;
struct app;
struct engine;
struct options;

const char *job_arg(const struct job *job, const char *name);  /* NULL: not given */
const char *const *job_list(const struct job *job, const char *name); /* never NULL */
bool job_flag(const struct job *job, const char *name);
gint64 job_int(const struct job *job, const char *name, gint64 fallback);

struct account *job_account(const struct job *job);
bool job_lacks_account(const struct job *job); /* … and needs one */
struct chat *job_chat(const struct job *job);
struct front *job_front(const struct job *job);
struct app *job_app(const struct job *job);
struct engine *job_engine(const struct job *job);
struct options *job_options(const struct job *job);
const struct command *job_command(const struct job *job);
const char *job_name(const struct job *job); /* "roster add" */
int job_line(const struct job *job);         /* of the script; 0 on the screen */
struct sink *job_sink(const struct job *job);
int job_depth(const struct job *job);       /* scripts that run scripts */
const char *job_source(const struct job *job); /* run_context.source, "" */
const char *job_tag(const struct job *job);  /* JSON text of a request's tag, NULL */

/* Results. */
void job_row(struct job *job, const char *kind, const struct field *fields, size_t n);
#define JOB_ROW(job, kind, ...) \
    job_row(job, kind, (const struct field[]){ __VA_ARGS__ }, \
        sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field))
void job_note(struct job *job, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* End. After these the job is gone. In a handler:
 *     return job_fail(job, "item-not-found", "…");   → CMD_DONE
 * Conditions are those of RFC 6120 s. 8.3.3 where one fits. */
enum cmd_status job_done(struct job *job);
enum cmd_status job_fail(struct job *job, const char *condition, const char *format, ...) G_GNUC_PRINTF(3, 4);
enum cmd_status job_fail_error(struct job *job, const GError *error);

/* Asks before something is destroyed. --yes and --no answer; a script without
 * them fails. Then go(job) continues. Returns what the handler must return. */
enum cmd_status job_confirm(struct job *job, const char *question,
    enum cmd_status (*go)(struct job *job));

/* A handler that waits: called when the job is given up (deadline, account
 * gone, quit) so that it forgets the pointer. data is freed with the job. */
void job_on_cancel(struct job *job, void (*fn)(struct job *job, gpointer data), gpointer data);
void job_set_data(struct job *job, gpointer data, GDestroyNotify free_fn);
gpointer job_data(const struct job *job);
/* True while job is alive: for callbacks that may come late. */
bool job_is_alive(const struct engine *engine, const struct job *job);
