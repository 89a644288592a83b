/*
 * A mutex, a condition, and a source of the main loop for the report. Plain
 * POSIX, so that ThreadSanitizer sees who waits for whom. Where no thread is to
 * be had the work is done at once, and reported like any other.
 */
#include "store/worker.h"
#include <pthread.h>
#include <signal.h>

struct worker {
    worker_done_fn done;
    gpointer data;
    bool busy; /* the main thread has not seen the result yet */
    bool has_thread;
    pthread_t thread;

    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t changed;
    worker_fn work;        /* NULL: nothing to do */
    gpointer what;
    int result;
    bool quit;
    guint report;          /* source */
};

struct worker *worker_new(worker_done_fn done, gpointer data)
{
    struct worker *worker = g_new0(struct worker, 1);

    worker->done = done;
    worker->data = data;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    return worker;
}

int worker_wait(struct worker *worker)
{
    int result;

    pthread_mutex_lock(&worker->mutex);
    while (worker->work)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    g_clear_handle_id(&worker->report, g_source_remove);
    result = worker->result;
    pthread_mutex_unlock(&worker->mutex);
    worker->busy = false;
    return result;
}

static gboolean on_report(gpointer data)
{
    struct worker *worker = data;
    int result;

    pthread_mutex_lock(&worker->mutex);
    worker->report = 0;
    result = worker->result;
    pthread_mutex_unlock(&worker->mutex);
    worker->busy = false;
    worker->done(result, worker->data);
    return G_SOURCE_REMOVE;
}

static void finish(struct worker *worker, int result)
{
    worker->work = NULL;
    worker->result = result;
    worker->report =
        g_idle_add_full(G_PRIORITY_DEFAULT, on_report, worker, NULL);
    pthread_cond_broadcast(&worker->changed);
}

static void *run(void *data)
{
    struct worker *worker = data;

    pthread_mutex_lock(&worker->mutex);
    while (!worker->quit) {
        int result;
        if (!worker->work) {
            pthread_cond_wait(&worker->changed, &worker->mutex);
            continue;
        }
        pthread_mutex_unlock(&worker->mutex);
        result = worker->work(worker->what);
        pthread_mutex_lock(&worker->mutex);
        finish(worker, result);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* Signals are the main thread's. */
static bool begin(struct worker *worker)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    worker->has_thread =
        pthread_create(&worker->thread, NULL, run, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return worker->has_thread;
}

void worker_start(struct worker *worker, worker_fn work, gpointer what)
{
    worker->busy = true;
    if (!worker->has_thread && !begin(worker)) {
        finish(worker, work(what));
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->work = work;
    worker->what = what;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

bool worker_is_busy(const struct worker *worker)
{
    return worker->busy;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    if (worker->busy)
        worker_wait(worker);
    if (worker->has_thread) {
        pthread_mutex_lock(&worker->mutex);
        worker->quit = true;
        pthread_cond_broadcast(&worker->changed);
        pthread_mutex_unlock(&worker->mutex);
        pthread_join(worker->thread, NULL);
    }
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    g_free(worker);
}
