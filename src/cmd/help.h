/* Texts made from the rows; see also registry.h. */
#pragma once
#include "cmd/registry.h"

struct option;
struct options;

/* "JID", "on|off" or the name in capitals; new string. */
char *arg_placeholder(const struct arg *arg);
/* "bool", "words", … for people. */
const char *option_kind_words(const struct option *row);
/* The rows' texts as a header that xgettext reads (po/tables.h): one line
 * each, help_words_header() leaves doubles out. */
void help_print_words(
    const struct engine *engine, const struct options *options, GString *out);
void help_add_words(GString *out, const char *text);
char *help_words_header(const char *lines);
/* mdoc(7) made from the rows, for man/ (mdoc.c). */
void mdoc_commands(const struct engine *engine, GString *out);
void mdoc_options(const struct options *options, GString *out);
/* text as mdoc text lines: escaped, wrapped, one sentence a line. */
void mdoc_text(GString *out, const char *text);
void mdoc_escape(GString *out, const char *text);
