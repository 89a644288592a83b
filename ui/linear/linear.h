/*
 * The front end without a screen, for screen readers and terminals that cannot
 * move their cursor: what happens is a line below the last one, and nothing
 * that stands there ever changes. The last line is the one being typed; to
 * edit it nothing is used but printing and backspace. Dialogs are questions
 * with one answer a line.
 *
 * Windows, commands, results, dialogs and keys are those of the screen (struct
 * tui without a screen): this only says them.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct app;
struct key;
struct linear;
struct message;
struct tui;
struct window;

/* --linear, ui.linear, or a terminal that calls itself dumb. */
bool linear_wanted(const struct app *app);
/* Takes the terminal over; NULL and a sentence where there is none. */
struct linear *linear_new(struct tui *tui, GError **error);
void linear_free(struct linear *linear);
int linear_fd(const struct linear *linear); /* non-blocking, to read keys from */
bool linear_is_utf8(const struct linear *linear);
int linear_cols(const struct linear *linear);
/* Hands the terminal over (suspend, editor) and takes it back. */
void linear_leave(struct linear *linear);
void linear_enter(struct linear *linear);

/* Text of any kind and origin, as a line or several. */
void linear_say(struct linear *linear, const char *text);
/* A message came or was sent. */
void linear_message(
    struct linear *linear, const struct window *window, const struct message *message);
void linear_bell(struct linear *linear);
/* A command was carried out: said when nothing else was. */
void linear_done(struct linear *linear);
/* What the window is, and its last messages, once more. */
void linear_repeat(struct linear *linear);
/* While what was typed is run, messages of ours need not be said again. */
void linear_running(struct linear *linear, bool on);
/* Enter: the line that was typed stays where it is. */
void linear_entered(struct linear *linear, const char *text);

/* The end of a turn: says what is new, asks, and shows the line again. */
void linear_turn(struct linear *linear);
/* True when the key was part of an answer. */
bool linear_key(struct linear *linear, const struct key *key);
