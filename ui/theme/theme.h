/*
 * Themes: which colours and attributes a role has. A theme is an INI file
 * (txmpp-themes(5)); the default one is compiled in. Colours are mapped to
 * what the terminal has. Theme files may be hostile: nothing in them reaches
 * the terminal as text.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/draw/style.h"
#include "ui/theme/color.h"

enum depth { DEPTH_MONO, DEPTH_8, DEPTH_16, DEPTH_256, DEPTH_TRUE };

struct look {
    int fg, bg;      /* color.h */
    unsigned attrs;  /* enum attr */
};

/* Spec: "foreground [on ground] [attributes] [| for 16 colours [| for none]]",
 * colours by their names in the palette. */
struct role_row {
    const char *name, *spec, *summary;
};
extern const struct role_row role_rows[ROLES];

enum { PALETTE_COLORS = 33 };
struct palette_row {
    const char *name, *spec, *summary;
};
extern const struct palette_row palette_rows[PALETTE_COLORS];

struct theme;
/* name NULL: the compiled-in default. A name is looked for in dirs (NULL-
 * terminated), never as a path. On error NULL and a sentence with file and
 * line. */
struct theme *theme_load(const char *name, const char *const *dirs, GError **error);
struct theme *theme_parse(const char *ini, gsize len, const char *label, GError **error);
void theme_free(struct theme *theme);
const char *theme_name(const struct theme *theme);
const char *theme_summary(const struct theme *theme); /* raw; "" */
/* Names in hues for "red-green" or "blue" blindness, or "all"; static. */
void theme_correct(struct theme *theme, const char *correction);
bool theme_is_light(const struct theme *theme); /* meant for a light terminal */

/* What style looks like on a terminal with depth colours. */
struct look theme_look(const struct theme *theme, style_t style, enum depth depth);

/* The option, else NO_COLOR, COLORTERM and the number of colours that terminfo
 * knows for term. */
enum depth theme_depth(const char *wanted, const char *term, int terminfo_colors);
/* Names of the themes in dirs, sorted, without doubles. */
char **theme_list(const char *const *dirs);
