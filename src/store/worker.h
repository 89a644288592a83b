/*
 * Work that waits for the disk, off the main thread: a thread that does one
 * thing at a time and reports to the main loop. It begins with the first thing.
 * All functions are the main thread's.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct worker;
typedef int (*worker_fn)(gpointer what);           /* in the thread */
typedef void (*worker_done_fn)(int result, gpointer data); /* in the loop */

struct worker *worker_new(worker_done_fn done, gpointer data);
/* Ends what is being done, without a report. NULL is fine. */
void worker_free(struct worker *worker);
/* Not while it is busy. what: lives until done or worker_wait(). */
void worker_start(struct worker *worker, worker_fn work, gpointer what);
bool worker_is_busy(const struct worker *worker);
/* Waits for what is being done, which is not reported then; its result. */
int worker_wait(struct worker *worker);
