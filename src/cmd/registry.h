/* The engine: knows every command row, turns a line or a JSON request into a
 * job, runs it. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "cmd/command.h"
#include "cmd/job.h"
#include "cmd/front.h"

struct engine;
struct options;
struct run_context;

/* What the engine needs to know about accounts, given by app (which stands to
 * its right). */
struct engine_host {
    struct account *(*find_account)(gpointer data, const char *jid);
    struct account *(*default_account)(gpointer data);
    bool (*is_online)(gpointer data, const struct account *account);
    gpointer data;
};
struct engine *engine_new(struct app *app, const struct engine_host *host, struct options *options);
void engine_free(struct engine *engine);
struct app *engine_app(const struct engine *engine);

/* rows end with a NULL name; static. Two rows of one name are a bug. */
void engine_register(struct engine *engine, const struct command *rows);
const struct command *engine_find(const struct engine *engine, const char *name);
typedef void (*command_fn)(const struct command *command, gpointer data);
void engine_foreach(const struct engine *engine, command_fn fn, gpointer data); /* sorted */

struct run_context {
    struct front *front;
    struct sink *sink;
    struct account *account; /* NULL: current, else default; -a overrules */
    struct chat *chat;       /* NULL: the front's current one */
    int line;                /* script line */
    const char *tag;         /* JSON text that comes back in the result, NULL */
    /* Commands that need to be online wait for it, until
     * engine_resume_waiting() or engine_cancel(). */
    bool wait_online;
    const char *source;      /* file or "stdin" of the line, NULL; copied */
    int depth;               /* of scripts that run scripts */
};
/* Runs a line as typed: "/command args", "//text", or text for the current
 * chat. Any length, hostile. sink->done is called exactly once, perhaps before
 * this returns. A failure's first line is the sentence; after a wrong command
 * line two more follow: an excerpt and a caret under the offending word.
 * Returns the job when it goes on (borrowed, until done), else NULL. */
struct job *engine_run(struct engine *engine, const char *line, const struct run_context *context);
/* A JSON request: {"command":…,"args":{…},"tag":…} (contract.md s. 2). */
struct job *engine_run_json(struct engine *engine, const char *json, const struct run_context *context);
/* $1 … $n, $* (rest) and $$ of a template (an alias, a line of a script);
 * *used: there was one. New string. */
char *engine_fill(const char *template, const GPtrArray *words, const char *rest, bool *used);
/* A line that cannot even be read fails like any other. */
void engine_refuse(struct engine *engine, const char *name, const char *condition,
    const char *text, const struct run_context *context);
void engine_cancel(struct engine *engine, struct job *job, const char *condition, const char *text);
void engine_cancel_all(struct engine *engine);
/* Jobs that waited for their account to be online are run now. */
void engine_resume_waiting(struct engine *engine);
bool engine_is_waiting_online(const struct engine *engine, const struct job *job);
void engine_account_gone(struct engine *engine, struct account *account);

/* Completion of line at cursor (bytes). */
struct completion {
    struct engine *engine;
    struct account *account;
    struct front *front;
    const struct arg *arg;      /* the argument under the cursor */
    const char *const *words;   /* what stands before it */
    GPtrArray *items;           /* char*: what would stand there, unquoted */
    size_t from, to;            /* bytes of line they replace */
    char *prefix;               /* what is typed of it, unquoted; owned */
    char **words_owned;
};
void completion_add(struct completion *completion, const char *text); /* filters by prefix itself */
struct completion *engine_complete(struct engine *engine, const char *line, size_t cursor,
    const struct run_context *context);
void completion_free(struct completion *completion);
/* item as it must be inserted (quoted where needed). New string. */
char *completion_insertion(const struct completion *completion, const char *item, bool last);

/* Aliases made with /alias: [alias] in the configuration; $1 … $n, $*. */
char *engine_expand_alias(const struct engine *engine, const char *line);

/* Texts: all new strings. */
char *help_synopsis(const struct command *command, const char *prefix);
/* whole: a line is a paragraph, for who wraps it to a width of his own. */
char *help_text(const struct engine *engine, const char *topic, bool whole,
    GError **error);
/* What words may mean, best first; see help_find.c. */
struct help_hit {
    char *topic;         /* "roster remove", "ui.theme" */
    bool is_option;
    const char *summary; /* for gettext; may be "" */
    int score;
};
GPtrArray *help_find(const struct engine *engine, const char *words, guint most);
