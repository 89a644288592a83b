/*
 * Colours as numbers: what a theme file may call them, what is nearest to
 * them where a terminal has few, how far two are apart for the eye, and the
 * colour of a name.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

enum { COLOR_DEFAULT = -1, COLOR_RGB = 1 << 24 };

/* "default", a name ("bright-red"), 0 to 255 or "#rrggbb": COLOR_DEFAULT,
 * 0-255, or COLOR_RGB | 0xrrggbb. */
bool color_parse(const char *text, int *out);
/* 0xrrggbb; of the palette's first 256 as xterm has them. COLOR_DEFAULT: 0. */
int color_rgb(int color);
/* The nearest one in the palette's [from, to) … */
int color_nearest(int color, int from, int to);
/* … that has at least this contrast to ground, if there is one. */
int color_nearest_upon(int color, int ground, double contrast, int from, int to);
/* What WCAG asks of text. */
#define COLOR_READABLE 4.5
/* Contrast of two 0xrrggbb, 1 to 21 (WCAG 2.2, 1.4.3). */
double color_contrast(int a, int b);
/* HSLuv (hsluv.org), which XEP-0392 s. 5.4 asks for, as 0xrrggbb. */
int color_hsluv(double hue_degrees, double saturation, double lightness);
/* A hue for those who do not see all: "red-green", "blue", anything else. */
double color_correct(const char *correction, double degrees);
