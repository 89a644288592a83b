/*
 * A pane shows one thing in a rectangle. It reads the model, draws cells into
 * the area it is given, never calls curses and never changes the model: what
 * it does are command lines. pane_dirty asks for the next drawing.
 */
#pragma once
#include <stdbool.h>
#include "model/event.h"
#include "ui/draw/grid.h"
#include "ui/term/key.h"

struct tui;
struct pane;

struct pane_ops {
    const char *name;
    void (*destroy)(struct pane *pane);
    void (*draw)(struct pane *pane, struct area area);
    /* NULL, or true when the key was taken. Mouse positions are relative. */
    bool (*key)(struct pane *pane, const struct key *key);
    void (*event)(struct pane *pane, const struct event *event);
};

struct pane {
    const struct pane_ops *ops;
    struct tui *tui;
    int x, y, cols, rows; /* where it was laid out; cols 0: hidden */
    bool dirty, focused;
};

void pane_dirty(struct pane *pane);
void pane_free(struct pane *pane); /* NULL is fine */

struct pane *pane_roster_new(struct tui *tui);
struct pane *pane_list_new(struct tui *tui);
struct pane *pane_status_new(struct tui *tui);
struct pane *pane_title_new(struct tui *tui);
struct pane *pane_input_new(struct tui *tui);
struct pane *pane_results_new(struct tui *tui);
