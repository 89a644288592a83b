/*
 * The terminal: its modes, its size, and the bytes that go to it, which never
 * block: while it does not take them, frames are left out (screen_busy).
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/draw/grid.h"
#include "ui/term/key.h"
#include "ui/theme/theme.h"

#define SCREEN_ERROR screen_error_quark()
GQuark screen_error_quark(void);

/* Whose modes a crash puts back, for who has a terminal without a screen;
 * NULL: none any more. */
struct termios;
void screen_guard_modes(int fd, const struct termios *modes);

struct screen;
/* Fails with a sentence when there is no usable terminal (F31). drained is
 * called when everything was written after screen_busy was true. */
struct screen *screen_new(void (*drained)(gpointer data), gpointer data, GError **error);
/* Puts the terminal back as it was. */
void screen_free(struct screen *screen);

int screen_fd(const struct screen *screen); /* non-blocking, to read keys from */
void screen_size(const struct screen *screen, int *cols, int *rows);
/* Pixels of a cell, where the terminal says so; else left as they are. */
void screen_cell(const struct screen *screen, int *width, int *height);
int screen_colors(const struct screen *screen);
bool screen_is_utf8(const struct screen *screen);
void screen_teach(const struct screen *screen, struct keys *keys);

/* The size may have changed: asks the terminal. */
void screen_resized(struct screen *screen);
/* Shows grid; only cells that changed since the last time are written. */
void screen_show(struct screen *screen, struct grid *grid,
    const struct theme *theme, enum depth depth);
void screen_forget(struct screen *screen); /* next time everything is written */
/* KEY_REPORT: true when the terminal has now said all about its widths. */
bool screen_report(struct screen *screen, int x, int y);
/* Circles and lines take one column, as far as is known. */
bool screen_shows_marks(const struct screen *screen);
/* Clean text on an empty terminal instead, its lines wrapped by the terminal;
 * and a line at the bottom. screen_forget() before the next screen_show(). */
void screen_plain(struct screen *screen, const char *text, const char *last);
bool screen_busy(const struct screen *screen);

void screen_mouse(struct screen *screen, bool on);
void screen_bell(struct screen *screen);
/* For an instant in reverse, where the terminal can. */
void screen_flash(struct screen *screen);
/* OSC strings: text is cleaned here; nothing on terminals that lack them. */
void screen_title(struct screen *screen, const char *text);
void screen_notify(struct screen *screen, const char *title, const char *text,
    bool osc9, bool osc777);
/* Into the clipboard (OSC 52), also from afar; false: the terminal cannot, or
 * it is too much for one. Whether it does nobody tells. */
bool screen_copy(struct screen *screen, const char *text);

/* Pictures made of pixels. Whether the terminal can is asked once; the answer
 * comes as KEY_GRAPHICS. */
void screen_ask_graphics(struct screen *screen);
bool screen_graphics_report(struct screen *screen, enum graphics graphics); /* true: news */
enum graphics screen_graphics(const struct screen *screen);

struct screen_picture {
    bool pixels;   /* red, green, blue, alpha: kitty's; else a whole sixel string */
    GBytes *bytes;
    int number;    /* 0: the only one */
    int x, y, cols, rows, width, height;
    int blank_cols, blank_rows; /* cells that are blanked before */
};
/* Over what screen_show() wrote. */
void screen_put_picture(struct screen *screen, const struct screen_picture *picture);
/* Away; what stands in those cells is written by the next screen_show(). */
void screen_take_picture(
    struct screen *screen, int number, int x, int y, int cols, int rows);
/* How often everything was erased, and all pictures with it. */
guint screen_clears(const struct screen *screen);

/* Hands the terminal to somebody else (suspend, editor) and takes it back. */
void screen_leave(struct screen *screen);
void screen_enter(struct screen *screen);
/* After a SIGSTOP nobody could prepare for. */
void screen_continued(struct screen *screen);
