/* A command that waits for something to happen in the model. */
#pragma once
#include "cmd/job.h"
#include "model/event.h"

/* Called for every event until it returns true: then it has ended the job. */
typedef bool (*await_fn)(struct job *job, const struct event *event, gpointer data);

/* Returns CMD_WAIT. data is freed with the job. timeout_ms 0: none; else the
 * job fails with remote-server-timeout. */
enum cmd_status await_events(struct job *job, gint64 timeout_ms, await_fn fn,
    gpointer data, GDestroyNotify free_fn);
