/*
 * Themes: which colours and attributes a role has. A theme is an INI file
 * (contract.md s. 3) with "role = foreground [on background] [attributes]";
 * the default one is compiled in. Colours are mapped to what the terminal
 * has. Theme files may be hostile: nothing in them reaches the terminal as
 * text.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/draw/style.h"

enum depth { DEPTH_MONO, DEPTH_8, DEPTH_16, DEPTH_256, DEPTH_TRUE };

enum { LOOK_DEFAULT = -1, LOOK_RGB = 1 << 24 };
struct look {
    int fg, bg;      /* LOOK_DEFAULT, 0-255, or LOOK_RGB | 0xrrggbb */
    unsigned attrs;  /* enum attr */
};

struct role_row {
    const char *name, *spec, *summary;
};
extern const struct role_row role_rows[ROLES];

struct theme;
/* name NULL: the compiled-in default. A name is looked for in dirs (NULL-
 * terminated), never as a path. On error NULL and a sentence with file and
 * line. */
struct theme *theme_load(const char *name, const char *const *dirs, GError **error);
struct theme *theme_parse(const char *ini, gsize len, const char *label, GError **error);
void theme_free(struct theme *theme);
const char *theme_name(const struct theme *theme);

/* What style looks like on a terminal with depth colours. */
struct look theme_look(const struct theme *theme, style_t style, enum depth depth);

/* "#rrggbb", a name, or 0-255, as in a theme file. */
bool theme_parse_color(const char *text, int *out);
/* 0xrrggbb of a look's colour, for the palette's as xterm has it. */
int theme_rgb(int color);
/* The option, else NO_COLOR, COLORTERM and the number of colours that terminfo
 * knows for term. */
enum depth theme_depth(const char *wanted, const char *term, int terminfo_colors);
/* Names of the themes in dirs, sorted, without doubles. */
char **theme_list(const char *const *dirs);
