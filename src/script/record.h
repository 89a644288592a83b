/* What is printed, before it has a form: events as lists of fields. Text and
 * JSON are two ways to write them. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "cmd/job.h"
#include "cmd/sink.h"
#include "model/event.h"

#define RECORD_FIELDS 24

/* One bit each, for /events. */
enum record_kind {
    RECORD_CONNECTED, RECORD_DISCONNECTED, RECORD_MESSAGE, RECORD_DELIVERY,
    RECORD_PRESENCE, RECORD_SUBSCRIPTION, RECORD_ROSTER, RECORD_TYPING,
    RECORD_ARCHIVE, RECORD_ERROR, RECORD_KINDS, RECORD_NONE = RECORD_KINDS
};
const char *record_name(enum record_kind kind);
/* -1: no such word. */
int record_kind_of(const char *name);

struct record {
    enum record_kind kind;
    const char *account;
    gint64 time_us;
    struct field fields[RECORD_FIELDS];
    size_t n, n_text; /* the first n_text are the columns of text output */
    char *own;        /* what a field points to */
};
/* Borrowed from the event but for own, which record_clear frees. was_online:
 * so was the account before an EVENT_STATE. */
bool record_of_event(struct record *record, const struct event *event, bool was_online);
void record_of_contact(struct record *record, const struct event *event,
    const struct contact *contact, bool removed);
void record_clear(struct record *record);

struct record_writer {
    void (*event)(GString *out, const struct record *record);
    void (*row)(GString *out, struct job *job, const char *kind,
        const struct field *fields, size_t n);
    void (*note)(GString *out, struct job *job, const char *text);
    /* condition and text: of a failure. */
    void (*result)(GString *out, struct job *job, bool ok,
        const char *condition, const char *text);
};
extern const struct record_writer record_text, record_json;
