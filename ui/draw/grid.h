/*
 * A grid of cells, each with one grapheme cluster, its style and its width.
 * Panes draw into areas of it; screen.c shows what changed. A cell that the
 * right half of a wide cluster covers has width 0.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/draw/style.h"

enum {
    CELL_BYTES = 28,
    CELL_CODEPOINTS = 7, /* a flag of tags, a family of four */
    GRID_MAX = 1000,     /* columns and rows */
};

struct cell {
    union {
        char text[CELL_BYTES]; /* UTF-8, not terminated when full */
        struct {
            char glyph[8];
            int fg, bg;        /* as in struct look (theme.h) */
        } picture;             /* STYLE_PICTURE */
    };
    guint8 len;
    guint8 width;          /* 1, 2; 0: right half of the one before */
    guint16 field;         /* right-to-left text: a number of its own, else 0 */
    style_t style;
};

struct grid {
    int cols, rows;
    bool ascii;            /* marks and lines in ASCII */
    int cursor_x, cursor_y; /* -1: hidden */
    struct cell *cells;
    bool *touched;         /* rows written to since screen_show looked */
};

/* Part of a grid: coordinates below are relative to it, all is clipped. */
struct area {
    struct grid *grid;
    int x, y, cols, rows;
};

struct grid *grid_new(int cols, int rows, bool ascii);
void grid_free(struct grid *grid);
void grid_resize(struct grid *grid, int cols, int rows); /* blanks it */
static inline struct cell *grid_cell(const struct grid *grid, int x, int y)
{
    return &grid->cells[(gsize)y * (gsize)grid->cols + (gsize)x];
}
struct area grid_area(struct grid *grid);
struct area area_sub(struct area area, int x, int y, int cols, int rows);
void area_clear(struct area area, style_t style);

/* The only way of text into cells. Cleans it (base/text.h), stops at cells
 * columns or the area's edge; -1: up to the edge. Returns the columns used. */
int grid_text(struct area area, int x, int y, int cells, style_t style, const char *text);
int grid_text_n(struct area area, int x, int y, int cells, style_t style,
    const char *text, gssize len);
/* The same with an ellipsis where text did not fit. */
int grid_text_fit(struct area area, int x, int y, int cells, style_t style, const char *text);
int grid_printf(struct area area, int x, int y, style_t style, const char *format, ...)
    G_GNUC_PRINTF(5, 6);

/* A cell of a picture. glyph: one of one column. */
void grid_picture(struct area area, int x, int y, gunichar glyph, int fg, int bg);

/* Shapes of ours, with their ASCII fallbacks. */
enum mark {
    MARK_ONLINE, MARK_CHAT, MARK_AWAY, MARK_XA, MARK_DND, MARK_OFFLINE,
    MARK_ASKED, MARK_PENDING, MARK_ROOM, MARK_OPEN, MARK_FOLDED,
    MARK_QUEUED, MARK_SENT, MARK_DELIVERED, MARK_DISPLAYED, MARK_FAILED,
    MARK_VLINE, MARK_HLINE, MARK_TEE_UP, MARK_TEE_DOWN,
    MARK_CORNER_TL, MARK_CORNER_TR, MARK_CORNER_BL, MARK_CORNER_BR,
    MARK_DOT, MARK_ELLIPSIS, MARK_UP, MARK_DOWN, MARK_NO_LOCK, MARK_REPLY,
    MARK_CHECKED, MARK_UNCHECKED, MARK_RADIO_ON, MARK_RADIO_OFF, MARK_NEWLINE,
    MARK_PROMPT, MARK_BULLET, MARK_FOCUS,
    MARKS
};
const char *mark_text(enum mark mark, bool ascii);
int mark_width(enum mark mark, bool ascii);
int grid_mark(struct area area, int x, int y, style_t style, enum mark mark);
void grid_hline(struct area area, int x, int y, int cells, style_t style);
void grid_vline(struct area area, int x, int y, int cells, style_t style);
/* Gives cells another style, keeping what they show. */
void grid_restyle(struct area area, int x, int y, int cells, style_t style);
/* Puts the background of another role under what they show. */
void grid_ground(struct area area, int x, int y, int cells, enum role role);
/* Adds the attributes of style; its role only when that is not ROLE_TEXT. */
void grid_overlay(struct area area, int x, int y, int cells, style_t style);
void grid_box(struct area area, style_t style);
void grid_cursor(struct area area, int x, int y);

/* For tests: rows of text without trailing blanks. */
char *grid_dump(const struct grid *grid);
