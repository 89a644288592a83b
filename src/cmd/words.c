/* One pass over the line; every byte is looked at once. */
#include "cmd/words.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

size_t words_skip_blanks(const char *line, size_t pos)
{
    while (is_blank(line[pos]))
        pos++;
    return pos;
}

bool words_next(const char *line, size_t *pos, struct word *word)
{
    size_t at = words_skip_blanks(line, *pos);
    *pos = at;
    if (!line[at])
        return false;
    *word = (struct word){ .from = at };
    GString *text = g_string_new(NULL);
    char quote = 0;
    for (; line[at] && (quote || !is_blank(line[at])); at++) {
        char c = line[at];
        if (quote && c == quote) {
            quote = 0;
        } else if (!quote && (c == '"' || c == '\'')) {
            quote = c;
            word->quoted = true;
        } else if (c == '\\' && quote != '\'') {
            word->quoted = true;
            if (!line[at + 1]) {
                word->open = '\\';
                continue;
            }
            g_string_append_c(text, line[++at]);
        } else {
            g_string_append_c(text, c);
        }
    }
    if (quote)
        word->open = quote;
    word->to = *pos = at;
    word->text = g_string_free(text, FALSE);
    return true;
}

void word_clear(struct word *word)
{
    g_clear_pointer(&word->text, g_free);
}

char *words_quote(const char *text)
{
    if (*text && *text != '-' && !strpbrk(text, " \t\r\n\"'\\"))
        return g_strdup(text);
    GString *out = g_string_new("\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}
