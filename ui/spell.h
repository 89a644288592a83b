/*
 * Spelling (enchant-2, where it was there at configure time). Dictionaries
 * are opened and asked in a thread of their own: nothing here ever waits for
 * one. A word that was not looked up yet counts as right.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct spell;
/* changed(data): answers have come; in the main loop. */
struct spell *spell_new(void (*changed)(gpointer data), gpointer data);
void spell_free(struct spell *spell); /* NULL is fine */
bool spell_is_built(void);

/* Languages separated by blanks or commas ("en_US de_DE"); a word of any of
 * them is right. Cheap when nothing changes. */
void spell_use(struct spell *spell, const char *languages);
/* A sentence when one of the languages has no dictionary; borrowed, NULL. */
const char *spell_problem(const struct spell *spell);

enum spelling { SPELLING_UNKNOWN, SPELLING_RIGHT, SPELLING_WRONG };
/* Asks for it when it is unknown. */
enum spelling spell_check(struct spell *spell, const char *word, gsize len);
/* fn once, in the main loop, with words that may have been meant (NULL-
 * terminated, perhaps none), which then owns data. Another call, or the end,
 * frees it instead. */
typedef void (*spell_fn)(const char *word, const char *const *words, gpointer data);
void spell_suggest(struct spell *spell, const char *word, spell_fn fn, gpointer data,
    GDestroyNotify free_data);
/* Into the person's own list of words. */
void spell_learn(struct spell *spell, const char *word);

/* The next word in [*at, end) that is worth checking: no link, address, path,
 * number, command or name in capitals. *at moves behind it. */
bool spell_next_word(const char **at, const char *end, const char **word, gsize *len);
