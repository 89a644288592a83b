/*
 * The input line: the only file that knows readline. Readline edits a buffer
 * in memory; keys come from us and drawing is the input pane's. One instance
 * (readline's state is global).
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "ui/term/key.h"

struct line_events {
    void (*accept)(const char *text, gpointer data); /* Enter */
    void (*complete)(gpointer data);                 /* what Tab is bound to */
    gpointer data;
};

struct line;
const char *line_library(void); /* the version of readline */
/* history_file may be NULL. Reads inputrc ($if txmpp). */
struct line *line_new(const char *history_file, const struct line_events *events);
void line_free(struct line *line);

void line_key(struct line *line, const struct key *key);
const char *line_text(const struct line *line); /* UTF-8, borrowed */
gsize line_cursor(const struct line *line);     /* bytes */
void line_set(struct line *line, const char *text, gsize cursor);
void line_insert(struct line *line, const char *text);
void line_replace(struct line *line, gsize from, gsize to, const char *text);
void line_remember(struct line *line, const char *text); /* into the history */
/* What readline wants to be shown instead of the prompt (i-search), or NULL. */
const char *line_message(const struct line *line);
bool line_is_vi_command(const struct line *line);
