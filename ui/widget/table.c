/* Columns are the fields in the order in which they were first seen. */
#include "config.h"
#include "ui/widget/table.h"
#include "base/text.h"
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 24, ROWS_MAX = 20000, VALUE_BYTES = 2048, GAP = 2,
    TALL_COLUMNS = 5, CUT_MIN = 12 };

struct table {
    GPtrArray *names; /* char* */
    GPtrArray *rows;  /* char** of COLUMNS_MAX values, NULL where absent */
    int widths[COLUMNS_MAX];
};

static void row_free(gpointer data)
{
    char **row = data;
    for (int i = 0; i < COLUMNS_MAX; i++)
        g_free(row[i]);
    g_free(row);
}

struct table *table_new(void)
{
    struct table *table = g_new0(struct table, 1);
    table->names = g_ptr_array_new_with_free_func(g_free);
    table->rows = g_ptr_array_new_with_free_func(row_free);
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    g_ptr_array_free(table->names, TRUE);
    g_ptr_array_free(table->rows, TRUE);
    g_free(table);
}

static int column_of(struct table *table, const char *name)
{
    for (guint i = 0; i < table->names->len; i++)
        if (!strcmp(table->names->pdata[i], name))
            return (int)i;
    if (table->names->len >= COLUMNS_MAX)
        return -1;
    g_ptr_array_add(table->names, g_strdup(name));
    table->widths[table->names->len - 1] = text_width(name, -1);
    return (int)table->names->len - 1;
}

static char *value_of(const struct field *field)
{
    switch (field->kind) {
    case FIELD_INT:
        return g_strdup_printf("%" G_GINT64_FORMAT, field->number);
    case FIELD_BOOL:
        return g_strdup(field->flag ? "yes" : "no");
    case FIELD_TIME: {
        time_t seconds = (time_t)(field->number / G_USEC_PER_SEC);
        struct tm tm;
        char text[64] = "";
        if (localtime_r(&seconds, &tm))
            strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
        return g_strdup(text);
    }
    case FIELD_LIST: {
        g_autofree char *joined = field->list
            ? g_strjoinv(", ", (char **)(gpointer)field->list) : g_strdup("");
        return text_clean(joined, (gssize)strnlen(joined, VALUE_BYTES), TEXT_ONE_LINE);
    }
    default:
        if (!field->text)
            return NULL;
        return text_clean(field->text, (gssize)strnlen(field->text, VALUE_BYTES), TEXT_ONE_LINE);
    }
}

void table_add(struct table *table, const struct field *fields, size_t n)
{
    if (table->rows->len >= ROWS_MAX)
        return;
    char **row = g_new0(char *, COLUMNS_MAX);
    for (size_t i = 0; i < n; i++) {
        char *value = value_of(&fields[i]);
        int column = value ? column_of(table, fields[i].name) : -1;
        if (column < 0) {
            g_free(value);
            continue;
        }
        g_free(row[column]);
        row[column] = value;
        table->widths[column] = MAX(table->widths[column], text_width(value, -1));
    }
    g_ptr_array_add(table->rows, row);
}

guint table_rows(const struct table *table)
{
    return table->rows->len;
}

static void append_padded(GString *out, const char *text, int cells, bool last, gboolean ascii)
{
    g_autofree char *fit = text_ellipsize(text ? text : "", cells, ascii);
    g_string_append(out, fit);
    if (!last)
        for (int i = text_width(fit, -1); i < cells + GAP; i++)
            g_string_append_c(out, ' ');
}

static GPtrArray *format_tall(const struct table *table)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    int widest = 0;
    for (guint i = 0; i < table->names->len; i++)
        widest = MAX(widest, text_width(table->names->pdata[i], -1));
    for (guint r = 0; r < table->rows->len; r++) {
        char **row = table->rows->pdata[r];
        if (r)
            g_ptr_array_add(lines, g_strdup(""));
        for (guint i = 0; i < table->names->len; i++)
            if (row[i] && *row[i])
                g_ptr_array_add(lines, g_strdup_printf("%*s  %s", widest,
                    (char *)table->names->pdata[i], row[i]));
    }
    return lines;
}

GPtrArray *table_format(const struct table *table, int cols, gboolean ascii, gboolean *has_heading)
{
    guint count = table->names->len;
    *has_heading = FALSE;
    if (table->rows->len == 1 && count >= TALL_COLUMNS)
        return format_tall(table);
    int widths[COLUMNS_MAX];
    int total = 0;
    bool empty[COLUMNS_MAX] = { false };
    for (guint i = 0; i < count; i++) {
        empty[i] = true;
        for (guint r = 0; r < table->rows->len && empty[i]; r++) {
            char **row = table->rows->pdata[r];
            empty[i] = !row[i] || !*row[i];
        }
        widths[i] = empty[i] ? 0 : table->widths[i];
        total += empty[i] ? 0 : widths[i] + GAP;
    }
    /* The widest column gives until all fit. */
    while (total - GAP > cols) {
        guint widest = 0;
        for (guint i = 1; i < count; i++)
            if (widths[i] > widths[widest])
                widest = i;
        if (!count)
            break;
        if (widths[widest] <= CUT_MIN) /* too little would be left of each */
            return format_tall(table);
        widths[widest]--;
        total--;
    }
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    *has_heading = count > 1;
    for (guint r = count > 1 ? 0 : 1; r <= table->rows->len; r++) {
        char **row = r ? table->rows->pdata[r - 1] : (char **)table->names->pdata;
        GString *line = g_string_new(NULL);
        for (guint i = 0; i < count; i++)
            if (!empty[i])
                append_padded(line, row[i], widths[i], false, ascii);
        while (line->len && line->str[line->len - 1] == ' ')
            g_string_truncate(line, line->len - 1);
        g_ptr_array_add(lines, g_string_free(line, FALSE));
    }
    return lines;
}
