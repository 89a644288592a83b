/*
 * What a person does not want to see: filters by conversation, sender and
 * text, kept in [filters] of the configuration. They hide messages from the
 * screen and silence their notification; nothing else changes.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct chat;
struct message;
struct options;

struct filter {
    char *name;   /* "1", "2" … */
    char *chat;   /* bare JID, NULL: all */
    char *from;   /* bare JID, nickname or shown name, NULL: all */
    char *text;   /* regular expression, without regard to case; NULL: any */
    GRegex *regex;
    bool tired;   /* the expression took too long: it hides nothing any more */
};

struct filters;
struct filters *filters_new(void);
void filters_free(struct filters *filters);
/* Reads [filters]; a damaged entry is left out. */
void filters_load(struct filters *filters, const struct options *options);
/* Borrowed: struct filter*. */
const GPtrArray *filters_list(const struct filters *filters);
/* Keeps a new one; its name is what this returns, new string. */
char *filters_add(struct filters *filters, struct options *options, const char *chat,
    const char *from, const char *text, GError **error);
bool filters_remove(
    struct filters *filters, struct options *options, const char *name, GError **error);

/* Changes with every change of what is hidden. */
guint filters_version(const struct filters *filters);
void filters_switch(struct filters *filters, bool on);
/* Own messages never are. However long the message, however bad the
 * expression: some milliseconds at worst, and only once. */
bool filters_hide(
    struct filters *filters, const struct chat *chat, const struct message *message);
/* A sentence about a filter that got tired since the last call; new, NULL. */
char *filters_complaint(struct filters *filters);
