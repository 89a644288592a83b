/*
 * Inputs of a dialog: one line, a secret line, several lines, a tick, one or
 * many of a list. They keep what was typed, draw themselves at a width and
 * take the keys that edit them.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/draw/grid.h"
#include "ui/term/key.h"

enum input_kind { INPUT_LINE, INPUT_SECRET, INPUT_LINES, INPUT_CHECK, INPUT_ONE, INPUT_MANY };

enum { INPUT_SECRET_MAX = 1024, INPUT_TEXT_MAX = 64 * 1024 };

struct input {
    enum input_kind kind;
    char *name, *label, *hint; /* hint: shown while empty; NULL */
    bool required;
    GString *text;      /* INPUT_LINE, INPUT_LINES */
    char *secret;       /* INPUT_SECRET: INPUT_SECRET_MAX bytes, wiped */
    gsize cursor;       /* bytes */
    bool on;            /* INPUT_CHECK */
    GPtrArray *labels, *values; /* INPUT_ONE, INPUT_MANY: char* */
    bool *ticked;
    guint at;           /* highlighted item */
};

struct input *input_new(enum input_kind kind, const char *name, const char *label);
void input_free(struct input *input);
void input_set(struct input *input, const char *text);
const char *input_value(const struct input *input); /* text, secret, or the chosen value; never NULL */
void input_add_choice(struct input *input, const char *label, const char *value, bool ticked);

int input_rows(const struct input *input, int cols);
/* Row of the input that the keys go to. */
int input_focus_row(const struct input *input);
void input_draw(const struct input *input, struct area area, bool active);
/* True when the key was used; others move the focus or press buttons. */
bool input_key_press(struct input *input, const struct key *key);
bool input_takes_text(const struct input *input);
