/*
 * One picture as the terminal can show it. It is decoded by another program
 * (child.c), nothing waits for it, and what comes back is checked.
 */
#pragma once
#include <stdbool.h>
#include <gio/gio.h>
#include "base/auto.h"
#include "ui/draw/grid.h"
#include "ui/picture/format.h"
#include "ui/theme/theme.h"

#define PICTURE_ERROR picture_error_quark()
GQuark picture_error_quark(void);

struct picture_cell {
    gunichar glyph; /* printable ASCII or a block element */
    gint32 fg, bg;  /* as in struct look */
};

struct picture {
    enum picture_kind kind;
    int cols, rows;    /* cells it takes */
    int width, height; /* pixels: its own, or as it is shown */
    struct picture_cell *cells; /* PICTURE_CELLS: cols * rows */
    GBytes *bytes;     /* PICTURE_SIXEL, PICTURE_PIXELS: width * height * 4 */
};
void picture_free(struct picture *picture);
AUTO_STRUCT_FREE(picture, picture_free)

/* What the child wrote (format.h), hostile as it may be. */
struct picture *picture_parse(const guint8 *bytes, gsize len, GError **error);

struct picture_wanted {
    enum picture_kind kind;
    enum depth depth;
    bool ascii;
    bool exact;                  /* all of cols and rows, else at most */
    int cols, rows;
    int cell_width, cell_height; /* pixels */
};

/* The program is there. */
bool picture_can(void);

/* fn once, later: takes picture; NULL and an error with a sentence. */
typedef void (*picture_fn)(struct picture *picture, const GError *error, gpointer data);
struct picture_job;
struct picture_job *picture_decode(
    const char *file, const struct picture_wanted *wanted, picture_fn fn, gpointer data);
void picture_cancel(struct picture_job *job); /* fn is not called */

/* One row of it; cells outside of area are left out. */
void picture_draw_row(const struct picture *picture, int row, struct area area, int x, int y);
void picture_draw(const struct picture *picture, struct area area, int x, int y);
