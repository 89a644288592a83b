/* The observer lives exactly as long as the job: it is the job's data. */
#include "app/await.h"

#include "app/app.h"

struct waiter {
    struct job *job;
    struct observers *observers;
    await_fn fn;
    gpointer data;
    GDestroyNotify free_fn;
    guint timer;
    gint64 timeout_ms;
};

static void on_event(const struct event *event, gpointer data)
{
    struct waiter *waiter = data;
    waiter->fn(waiter->job, event, waiter->data);
}

static void waiter_free(gpointer data)
{
    struct waiter *waiter = data;
    observers_remove(waiter->observers, on_event, waiter);
    g_clear_handle_id(&waiter->timer, g_source_remove);
    if (waiter->free_fn)
        waiter->free_fn(waiter->data);
    g_free(waiter);
}

static gboolean on_timeout(gpointer data)
{
    struct waiter *waiter = data;
    waiter->timer = 0;
    job_fail(waiter->job, "remote-server-timeout",
        "Nothing of the kind happened within %g s",
        (double)waiter->timeout_ms / 1000);
    return G_SOURCE_REMOVE;
}

enum cmd_status await_events(struct job *job, gint64 timeout_ms, await_fn fn,
    gpointer data, GDestroyNotify free_fn)
{
    struct waiter *waiter = g_new0(struct waiter, 1);
    waiter->job = job;
    waiter->observers = job_app(job)->observers;
    waiter->fn = fn;
    waiter->data = data;
    waiter->free_fn = free_fn;
    waiter->timeout_ms = timeout_ms;
    observers_add(waiter->observers, on_event, waiter);
    if (timeout_ms > 0)
        waiter->timer = g_timeout_add(
            (guint)MIN(timeout_ms, G_MAXINT), on_timeout, waiter);
    job_set_data(job, waiter, waiter_free);
    return CMD_WAIT;
}
