/* Signals as events of the main loop: SIGWINCH, SIGTSTP, SIGCONT, SIGHUP,
 * SIGTERM, SIGINT. Handlers only write a byte into a pipe. One at a time. */
#pragma once
#include <stdbool.h>
#include <glib.h>

typedef void (*signal_fn)(int signo, gpointer data);
void signals_watch(signal_fn fn, gpointer data);
void signals_unwatch(void);
/* Stops this process as SIGTSTP would have done; returns when continued. */
void signals_stop_self(void);
/* Is there a shell that could continue us? */
bool signals_can_stop(void);
