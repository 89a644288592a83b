/* Rows of named values, laid out in columns. Values are cleaned when added. */
#pragma once
#include <glib.h>
#include "cmd/sink.h"

struct table;
struct table *table_new(void);
void table_free(struct table *table);
void table_add(struct table *table, const struct field *fields, size_t n);
guint table_rows(const struct table *table);
/* Lines for a width: the first is the heading. Few rows of many fields become
 * "name: value" lines without a heading. New array of char*. */
GPtrArray *table_format(const struct table *table, int cols, gboolean ascii, gboolean *has_heading);
