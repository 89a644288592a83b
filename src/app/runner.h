/* Runs lines one after another: the next is read when the one before is done.
 * Used for standard input, --command, --file and /script run. */
#pragma once
#include "cmd/registry.h"

struct app;
struct runner;

struct runner_config {
    struct app *app;
    struct front *front;
    struct sink *outer;       /* gets every row, note, failure and done */
    struct account *account;  /* NULL: the front's */
    unsigned timeout_ms;       /* for every command that does not wait by itself; 0: none */
    bool wait_online;
    const char *const *args;  /* for $1 …: filled in when there are any; NULL */
    int depth;                /* of scripts that run scripts */
    /* A command failed: go on (true) or stop. */
    bool (*failed)(struct job *job, const char *condition, gpointer data);
    /* A deadline passed (the job fails next). */
    void (*late)(gpointer data);
    /* All sources are used up, or it stopped: said once, from the main loop. */
    void (*ended)(struct runner *runner, bool ok, gpointer data);
    gpointer data;
};

struct runner *runner_new(const struct runner_config *config);
void runner_free(struct runner *runner); /* not from inside its callbacks but ended */
/* Sources run in the order in which they were added. */
void runner_add_line(struct runner *runner, const char *line,
    const char *source, int number);
void runner_add_fd(struct runner *runner, int fd, bool close_fd, const char *source);
bool runner_add_file(struct runner *runner, const char *path, GError **error);
/* A file descriptor whose whole content is one message: "msg" to jid. */
void runner_add_message(struct runner *runner, int fd, const char *jid);
void runner_start(struct runner *runner);
/* Nothing more is read; the running job is given up without a word. */
void runner_stop(struct runner *runner);
/* A person is being asked: no deadline runs. Off: the present one anew. */
void runner_hold(struct runner *runner, bool on);
struct job *runner_job(const struct runner *runner); /* the running one, NULL */
/* The job that runs fails with this. */
void runner_fail_job(struct runner *runner, const char *condition, const char *text);
