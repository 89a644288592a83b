/* Standard output of command mode: written without blocking while the reader
 * keeps up. When it does not, the program stands still instead of growing:
 * output_wait() blocks until there is room or a signal has come (F32). */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct output;
/* broken: nothing can be written any more; said once, from the loop. */
struct output *output_new(int fd, void (*broken)(gpointer data), gpointer data);
/* fd becomes readable when a signal has come; -1: none. */
void output_set_interrupt_fd(struct output *output, int fd);
/* Waits for what is left, at most timeout_ms. Returns why it was not all
 * written: errno, EPIPE when the reader left; 0: it was. */
int output_free(struct output *output, int timeout_ms);
/* Append whole lines, then say so. */
GString *output_buffer(struct output *output);
void output_commit(struct output *output);
