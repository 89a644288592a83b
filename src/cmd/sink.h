/*
 * Where a command's results go. A handler emits records; the sink makes a
 * table in a pane, tab-separated lines or JSON of them. Values are raw text:
 * the sink escapes and cleans.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

enum field_kind { FIELD_TEXT, FIELD_INT, FIELD_BOOL, FIELD_LIST, FIELD_TIME };

struct field {
    const char *name;
    enum field_kind kind;
    union {
        const char *text;         /* NULL: the field is left out of JSON */
        gint64 number;            /* FIELD_INT, FIELD_TIME (µs) */
        bool flag;
        const char *const *list;  /* NULL-terminated */
    };
};
#define FIELD_T(n, v) { .name = (n), .kind = FIELD_TEXT, .text = (v) }
#define FIELD_I(n, v) { .name = (n), .kind = FIELD_INT, .number = (v) }
#define FIELD_B(n, v) { .name = (n), .kind = FIELD_BOOL, .flag = (v) }
#define FIELD_L(n, v) { .name = (n), .kind = FIELD_LIST, .list = (v) }
#define FIELD_D(n, v) { .name = (n), .kind = FIELD_TIME, .number = (v) }

struct job;
struct sink;
struct sink_ops {
    void (*row)(struct sink *sink, struct job *job, const char *kind,
        const struct field *fields, size_t n);
    void (*note)(struct sink *sink, struct job *job, const char *text);
    void (*fail)(struct sink *sink, struct job *job, const char *condition, const char *text);
    void (*done)(struct sink *sink, struct job *job, bool ok); /* exactly once */
};
struct sink { const struct sink_ops *ops; };
