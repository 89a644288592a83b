/*
 * The terminal's own opinion of widths: a few clusters are written where the
 * first frame will stand, and after each the terminal is asked for its cursor
 * (ECMA-48 CPR). Answers come as KEY_REPORT among the keys; who does not
 * answer is never waited for.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/term/paint.h"

struct probe {
    guint asked, answered; /* questions */
    gint64 asked_us;
    int columns[16];
};

/* Appends the questions; nothing where the answer would be no report. */
void probe_ask(struct probe *probe, const struct terminfo *info, int cols, int rows,
    GByteArray *out);
/* A report; true when it was the last one: then out says what was learnt. */
bool probe_answer(struct probe *probe, int x, int y, struct opinion *out);
/* Answers that may still come: whoever reads the terminal next must not get
 * them. */
bool probe_waits(const struct probe *probe);
