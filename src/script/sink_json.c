/* One object a line, written straight into the buffer. */
#include <string.h>

#include "base/stamp.h"
#include "cmd/json.h"
#include "model/account.h"
#include "script/record.h"

static void append_name(GString *out, const char *name)
{
    g_string_append(out, ",\"");
    g_string_append(out, name); /* ours, plain ASCII */
    g_string_append(out, "\":");
}

static void append_text(GString *out, const char *name, const char *text)
{
    if (!text)
        return;
    append_name(out, name);
    json_append_string(out, text);
}

static void append_time(GString *out, const char *name, gint64 time_us)
{
    g_autofree char *stamp = stamp_format_ms(time_us);
    append_text(out, name, stamp);
}

static void append_list(GString *out, const char *name, const char *const *list)
{
    append_name(out, name);
    g_string_append_c(out, '[');
    for (const char *const *one = list; one && *one; one++) {
        if (one != list)
            g_string_append_c(out, ',');
        json_append_string(out, *one);
    }
    g_string_append_c(out, ']');
}

static void append_field(GString *out, const struct field *field)
{
    switch (field->kind) {
    case FIELD_TEXT:
        append_text(out, field->name, field->text);
        break;
    case FIELD_INT:
        append_name(out, field->name);
        g_string_append_printf(out, "%" G_GINT64_FORMAT, field->number);
        break;
    case FIELD_BOOL:
        append_name(out, field->name);
        g_string_append(out, field->flag ? "true" : "false");
        break;
    case FIELD_TIME:
        append_time(out, field->name, field->number);
        break;
    case FIELD_LIST:
        append_list(out, field->name, field->list);
    }
}

static bool has_field(const struct field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

static void open_object(GString *out, const char *event)
{
    g_string_append(out, "{\"event\":\"");
    g_string_append(out, event);
    g_string_append_c(out, '"');
}

static void write_event(GString *out, const struct record *record)
{
    open_object(out, record_name(record->kind));
    append_text(out, "account", record->account);
    append_time(out, "time", record->time_us);
    for (size_t i = 0; i < record->n; i++)
        append_field(out, &record->fields[i]);
    g_string_append(out, "}\n");
}

/* A command's own field of the same name takes the place of a common one. */
static void open_of_job(GString *out, const char *event, struct job *job,
    const struct field *fields, size_t n)
{
    const struct account *account = job_account(job);
    open_object(out, event);
    if (account && !has_field(fields, n, "account"))
        append_text(out, "account", account->jid);
    if (!has_field(fields, n, "time"))
        append_time(out, "time", stamp_now());
    if (!has_field(fields, n, "line"))
        g_string_append_printf(out, ",\"line\":%d", job_line(job));
    if (!has_field(fields, n, "command"))
        append_text(out, "command", job_name(job));
    if (*job_source(job) && job_depth(job) > 0 && !has_field(fields, n, "source"))
        append_text(out, "source", job_source(job));
}

static void write_row(GString *out, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    open_of_job(out, "row", job, fields, n);
    if (!has_field(fields, n, "kind"))
        append_text(out, "kind", kind);
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, "event") != 0)
            append_field(out, &fields[i]);
    g_string_append(out, "}\n");
}

static void write_note(GString *out, struct job *job, const char *text)
{
    struct field field = FIELD_T("note", text);
    write_row(out, job, "note", &field, 1);
}

static void write_result(GString *out, struct job *job, bool ok,
    const char *condition, const char *text)
{
    open_of_job(out, "result", job, NULL, 0);
    if (job_tag(job)) {
        append_name(out, "tag");
        g_string_append(out, job_tag(job)); /* is JSON */
    }
    g_string_append_printf(out, ",\"ok\":%s", ok ? "true" : "false");
    if (!ok) {
        g_autofree char *sentence =
            g_strndup(text ? text : "", strcspn(text ? text : "", "\n"));
        g_string_append(out, ",\"error\":{\"condition\":");
        json_append_string(out, condition ? condition : "undefined-condition");
        append_text(out, "text", sentence);
        g_string_append_c(out, '}');
    }
    g_string_append(out, "}\n");
}

const struct record_writer record_json = { write_event, write_row, write_note,
    write_result };
