/* Columns are the fields in the order in which they were first seen. */
#include "config.h"
#include "ui/widget/table.h"
#include "ui/ui.h"
#include "base/text.h"
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 24, ROWS_MAX = 20000, VALUE_BYTES = 2048, GAP = 2,
    TALL_COLUMNS = 5, CUT_MIN = 12 };

/* What a person reads in place of the names that scripts know. */
static const struct {
    const char *name, *label;
} labels[] = {
    { "jid", N_("Address") },
    { "full_jid", N_("Full address") },
    { "name", N_("Name") },
    { "nick", N_("Nickname") },
    { "state", N_("State") },
    { "show", N_("Presence") },
    { "status", N_("Status message") },
    { "last_status", N_("Last status") },
    { "priority", N_("Priority") },
    { "tls", N_("Encryption") },
    { "mechanism", N_("Signed in with") },
    { "client", N_("Client") },
    { "since", N_("Since") },
    { "this", N_("This client") },
    { "subscription", N_("Subscription") },
    { "ask", N_("Asked for") },
    { "in_roster", N_("In the contact list") },
    { "asks", N_("Asks to see you") },
    { "asked", N_("You have asked") },
    { "groups", N_("Groups") },
    { "resources", N_("Clients") },
    { "enabled", N_("Enabled") },
    { "default", N_("Default") },
    { "value", N_("Value") },
    { "summary", N_("Meaning") },
    { "subject", N_("Subject") },
    { "issuer", N_("Issuer") },
    { "names", N_("Names") },
    { "sha256", N_("SHA-256") },
    { "not_before", N_("Valid from") },
    { "not_after", N_("Valid until") },
    { "trusted", N_("Trusted") },
    { "time", N_("Time") },
    { "direction", N_("Direction") },
    { "from", N_("From") },
    { "chat", N_("Chat") },
    { "body", N_("Text") },
    { "text", N_("Text") },
    { "error", N_("Error") },
    { "file", N_("File") },
    { "messages", N_("Messages") },
    { "contacts", N_("Contacts") },
    { "unread", N_("Unread") },
    { "number", N_("Number") },
    { "command", N_("Command") },
    { "category", N_("Category") },
    { "type", N_("Type") },
    { "feature", N_("Feature") },
    { "node", N_("Node") },
    { "version", N_("Version") },
    { "os", N_("System") },
    { "local", N_("Local time") },
    { "seconds", N_("Seconds") },
    { "key", N_("Key") },
    { "current", N_("Current") },
    { "rule", N_("Rule") },
    { "logging", N_("Stored") },
};

struct table {
    GPtrArray *names;  /* char* */
    GPtrArray *labels; /* char*, one for each name */
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
    table->labels = g_ptr_array_new_with_free_func(g_free);
    table->rows = g_ptr_array_new_with_free_func(row_free);
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    g_ptr_array_free(table->names, TRUE);
    g_ptr_array_free(table->labels, TRUE);
    g_ptr_array_free(table->rows, TRUE);
    g_free(table);
}

static char *label_of(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++)
        if (!strcmp(labels[i].name, name))
            return g_strdup(_(labels[i].label));
    return g_strdelimit(g_strdup(name), "_", ' ');
}

static int column_of(struct table *table, const char *name)
{
    for (guint i = 0; i < table->names->len; i++)
        if (!strcmp(table->names->pdata[i], name))
            return (int)i;
    if (table->names->len >= COLUMNS_MAX)
        return -1;
    char *label = label_of(name);
    g_ptr_array_add(table->names, g_strdup(name));
    g_ptr_array_add(table->labels, label);
    table->widths[table->names->len - 1] = text_width(label, -1);
    return (int)table->names->len - 1;
}

static char *value_of(const struct field *field)
{
    switch (field->kind) {
    case FIELD_INT:
        return g_strdup_printf("%" G_GINT64_FORMAT, field->number);
    case FIELD_BOOL:
        return g_strdup(field->flag ? _("yes") : _("no"));
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
        if (*field->text && !strcmp(field->name, "summary")) /* of a row in our tables */
            return g_strdup(_(field->text));
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
        widest = MAX(widest, text_width(table->labels->pdata[i], -1));
    for (guint r = 0; r < table->rows->len; r++) {
        char **row = table->rows->pdata[r];
        if (r)
            g_ptr_array_add(lines, g_strdup(""));
        for (guint i = 0; i < table->names->len; i++)
            if (row[i] && *row[i]) {
                const char *label = table->labels->pdata[i];
                g_ptr_array_add(lines, g_strdup_printf("%*s%s  %s",
                    widest - text_width(label, -1), "", label, row[i]));
            }
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
        char **row = r ? table->rows->pdata[r - 1] : (char **)table->labels->pdata;
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
