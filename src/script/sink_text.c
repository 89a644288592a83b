/* Tab-separated columns, one record a line: what others wrote is cleaned, and
 * tabs, newlines and backslashes are written \t, \n and \\ (H51, H55). */
#include <string.h>

#include "base/stamp.h"
#include "base/text.h"
#include "model/account.h"
#include "script/record.h"

static void append_value(GString *out, const char *text)
{
    g_autofree char *clean = NULL;
    if (!text)
        return;
    if (!text_is_clean(text, -1, 0))
        text = clean = text_clean(text, -1, 0);
    for (const char *p = text; *p; p++) {
        size_t n = strcspn(p, "\t\n\\");
        g_string_append_len(out, p, (gssize)n);
        p += n;
        if (!*p)
            break;
        g_string_append(out, *p == '\t' ? "\\t" : *p == '\n' ? "\\n" : "\\\\");
    }
}

static void append_field(GString *out, const struct field *field)
{
    g_autofree char *stamp = NULL;
    switch (field->kind) {
    case FIELD_TEXT:
        append_value(out, field->text);
        break;
    case FIELD_INT:
        g_string_append_printf(out, "%" G_GINT64_FORMAT, field->number);
        break;
    case FIELD_BOOL:
        g_string_append(out, field->flag ? "yes" : "no");
        break;
    case FIELD_TIME:
        stamp = stamp_format(field->number);
        g_string_append(out, stamp);
        break;
    case FIELD_LIST:
        for (const char *const *one = field->list; one && *one; one++) {
            if (one != field->list)
                g_string_append_c(out, ',');
            append_value(out, *one);
        }
    }
}

static void append_fields(GString *out, const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_string_append_c(out, '\t');
        append_field(out, &fields[i]);
    }
    g_string_append_c(out, '\n');
}

static void write_event(GString *out, const struct record *record)
{
    g_autofree char *stamp = stamp_format(record->time_us);
    g_string_append(out, record_name(record->kind));
    g_string_append_c(out, '\t');
    g_string_append(out, stamp);
    g_string_append_c(out, '\t');
    append_value(out, record->account);
    append_fields(out, record->fields, record->n_text);
}

static void write_row(GString *out, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    append_value(out, kind ? kind : job_name(job));
    append_fields(out, fields, n);
}

static void write_note(GString *out, struct job *job, const char *text)
{
    (void)job;
    g_string_append(out, "note\t");
    append_value(out, text);
    g_string_append_c(out, '\n');
}

/* Success says nothing; a failure is told on standard error. */
static void write_result(GString *out, struct job *job, bool ok,
    const char *condition, const char *text)
{
    (void)out;
    (void)job;
    (void)ok;
    (void)condition;
    (void)text;
}

const struct record_writer record_text = { write_event, write_row, write_note,
    write_result };
