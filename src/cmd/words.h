/* A command line cut into words. Blanks separate; "…" and '…' hold blanks; a
 * backslash takes the next character as it is, but not inside '…'. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <glib.h>

struct word {
    char *text;      /* without quoting, owned */
    size_t from, to; /* bytes of the line, quotes included */
    bool quoted;     /* some of it was: never an option or keyword */
    char open;       /* the quote that is not closed, or '\\' at the end, or 0 */
};

size_t words_skip_blanks(const char *line, size_t pos);
/* False at the end of the line. Any input; linear. */
bool words_next(const char *line, size_t *pos, struct word *word);
void word_clear(struct word *word);
/* text as one word of a line; new string. */
char *words_quote(const char *text);
