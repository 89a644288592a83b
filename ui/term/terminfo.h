/*
 * What the terminal called $TERM can do: the only file that knows curses, of
 * which nothing but its terminal database is used. Curses' own output cannot
 * show a cluster of several characters, colours beyond a fixed palette, or
 * set the cursor where a terminal measures differently than the C library;
 * paint.c can.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/term/key.h"

enum cap {
    CAP_CUP, CAP_CLEAR, CAP_EL, CAP_HPA,
    CAP_SGR0, CAP_BOLD, CAP_DIM, CAP_ITALIC, CAP_UNDERLINE, CAP_REVERSE,
    CAP_STRIKE, CAP_FG, CAP_BG, CAP_OP,
    CAP_HIDE, CAP_SHOW, CAP_ENTER, CAP_LEAVE,
    CAP_FLASH, CAP_ASK, /* where is the cursor? */
    CAPS
};

struct terminfo;
const char *terminfo_library(void); /* curses, with its version */
/* Fails with a sentence when term is unknown or cannot move its cursor. */
struct terminfo *terminfo_new(const char *term, GError **error);
void terminfo_free(struct terminfo *info);

bool terminfo_has(const struct terminfo *info, enum cap cap);
/* Appends the sequence with its parameters; nothing where there is none. */
void terminfo_put(const struct terminfo *info, GByteArray *out, enum cap cap, int a, int b);
const char *terminfo_text(const struct terminfo *info, enum cap cap); /* no parameters */

int terminfo_colors(const struct terminfo *info); /* 0: none */
bool terminfo_erases_colored(const struct terminfo *info);
bool terminfo_moves_colored(const struct terminfo *info);
bool terminfo_wraps_at_once(const struct terminfo *info); /* … in the last column */
/* Attributes (enum attr) that do not go together with colours. */
unsigned terminfo_attrs_without_color(const struct terminfo *info);
void terminfo_teach(const struct terminfo *info, struct keys *keys);
