/*
 * Lays clean text (text_clean with newlines kept) out in rows of at most cols
 * cells: between words where it can, between grapheme clusters where it must,
 * and between wide clusters, which is how CJK text breaks. Rows are offsets
 * into the text; a text of any size is laid out once and kept by its pane.
 */
#pragma once
#include <glib.h>

struct wrap_row {
    guint32 start, end; /* bytes, without the newline or the blank at the break */
};

/* Appends rows to the array (of struct wrap_row); at least one, also for "".
 * No more than max_rows. */
void wrap_text(GArray *rows, const char *text, gsize len, int cols, guint max_rows);

/* Where the text of "    text" or "  head    text" begins: the column in which
 * its further rows may begin as well. */
int wrap_hang(const char *line);

/* Text as wrap_text and grid_text want it: clean, tabs become blanks. */
char *wrap_prepare(const char *text, gssize len);
