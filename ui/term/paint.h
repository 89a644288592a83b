/*
 * From a grid to the bytes that make a terminal show it: what changed and
 * nothing else. Columns hold whatever the terminal thinks of a cluster's
 * width: after one that may be doubtful the cursor is set by its address.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/draw/grid.h"
#include "ui/term/terminfo.h"
#include "ui/theme/theme.h"

/* The terminal's own opinion (probe.h); what is false is not relied on. */
struct opinion {
    bool known;
    bool ambiguous_wide;  /* Greek, lines and circles take two columns */
    bool no_wide;         /* CJK takes one */
    bool no_utf8;         /* bytes are shown one by one */
    bool no_combining;    /* an accent takes a column */
    bool joined;          /* ZWJ sequences are one picture */
    bool styled;          /* U+FE0F makes a picture of two columns */
    bool toned;           /* skin tones are part of the picture */
    bool flags;           /* two regional letters are a flag */
};

struct paint;
/* The description is borrowed. */
struct paint *paint_new(const struct terminfo *info, bool utf8);
void paint_free(struct paint *paint);
void paint_opinion(struct paint *paint, const struct opinion *opinion);
void paint_forget(struct paint *paint); /* the screen shows who knows what */
void paint_forget_cells(struct paint *paint, int x, int y, int cols, int rows);
/* Blanks there, of which paint_frame() knows nothing; the caller saves and
 * restores cursor and colours (DECSC). */
void paint_blank(struct paint *paint, int x, int y, int cols, int rows, GByteArray *out);
guint paint_clears(const struct paint *paint); /* how often all was erased */
/* Appends to out; grid->touched is false afterwards. */
void paint_frame(struct paint *paint, struct grid *grid, const struct theme *theme,
    enum depth depth, GByteArray *out);
