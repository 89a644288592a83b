/*
 * The way to the terminal: bytes wait here until it takes them, and nobody
 * waits for that, unless the terminal is about to be handed over.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct outlet {
    int fd;            /* non-blocking; to be read from, too */
    GByteArray *bytes; /* what it did not take yet; to be appended to */

    bool own;          /* fd, else its flags are put back */
    int flags;
    guint watch;
    void (*drained)(gpointer data);
    gpointer data;
};

/* Takes fd when own. drained is called when everything was written that had
 * to wait. */
struct outlet *outlet_new(int fd, bool own, void (*drained)(gpointer data), gpointer data);
/* The terminal of standard input. */
struct outlet *outlet_new_tty(void (*drained)(gpointer data), gpointer data);
/* What still waits is lost. */
void outlet_free(struct outlet *outlet);

void outlet_put(struct outlet *outlet, const char *bytes, gsize len);
void outlet_puts(struct outlet *outlet, const char *text);
/* Writes what is taken at once, the rest when it can. Of a terminal that is
 * gone all is dropped, now and later: SIGHUP follows. */
void outlet_flush(struct outlet *outlet);
/* Waits until all is written, but so long at most. What is left stays, and
 * leaves with the next outlet_flush(), not before. */
void outlet_flush_now(struct outlet *outlet, int most_ms);
void outlet_clear(struct outlet *outlet);
/* After another program had the terminal. */
void outlet_resume(struct outlet *outlet);
