/*
 * Message Styling (XEP-0393): which bytes of a text are strong, emphasized,
 * struck through, preformatted or quoted, and which of them are the marks that
 * say so. Nothing is taken out of the text. Any text is fine; the work grows
 * with its length only.
 */
#pragma once
#include <glib.h>

enum styling {
    STYLING_STRONG = 1, STYLING_EMPHASIS = 2, STYLING_STRIKE = 4,
    STYLING_PRE = 8, STYLING_QUOTE = 16,
    STYLING_MARK = 32, /* a directive: * _ ~ ` ``` > */
};

struct styling_run {
    guint32 start, end; /* bytes */
    guint32 flags;      /* enum styling, never 0 */
};

/* Appends runs (struct styling_run), in order and disjoint. text: valid UTF-8. */
void styling_parse(GArray *runs, const char *text, gsize len);
