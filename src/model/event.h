/*
 * The model tells observers what changed. An event is borrowed: whatever it
 * points to lives at least until the observers have returned. Before an
 * object dies a …_GONE event is emitted.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct account;
struct chat;
struct contact;
struct message;
struct presence;
struct option;

enum event_type {
    EVENT_ACCOUNT_ADDED, EVENT_ACCOUNT_GONE,
    EVENT_STATE,         /* account->state changed; .error, .retry_ms */
    EVENT_SYNCED,        /* roster arrived and initial presence is out */
    EVENT_CHAT_ADDED, EVENT_CHAT_CHANGED, EVENT_CHAT_GONE, /* unread, title, draft */
    EVENT_MESSAGE,       /* .message was appended to .chat */
    EVENT_MESSAGE_CHANGED, /* .message: delivery state, error, text */
    EVENT_PRESENCE,      /* .presence; .contact when it is in the roster */
    EVENT_SUBSCRIPTION,  /* .subscription */
    EVENT_ROSTER,        /* .contact added, changed; .removed */
    EVENT_ROSTER_RESET,  /* the whole list was replaced: look at it again */
    EVENT_TYPING,        /* .typing */
    EVENT_ERROR,         /* .error_info: an error that answers no command */
    EVENT_NOTICE,        /* .notice: a line for the console */
    EVENT_XML,           /* .xml: redacted, for the XML console */
    EVENT_OPTION,        /* .option changed its value */
    EVENT_CLEAR,         /* .chat: its view was cleared */
    EVENT_ARCHIVE,       /* .archive: old messages come in; account->caught_up */
    EVENT_TRANSFER,      /* a file has begun, ended, or come further */
    EVENT_TYPES
};

struct event {
    enum event_type type;
    struct account *account; /* NULL where none is concerned */
    struct chat *chat;
    struct contact *contact;
    gint64 time_us;          /* 0: now; filled in by observers_emit */
    union {
        struct { const GError *error; gint64 retry_ms; bool resumed; } state;
        struct { struct message *message; } message;
        struct { const struct presence *presence; } presence;
        struct { const char *from, *type, *status; } subscription;
        struct { bool removed; } roster;
        struct { const char *from, *state; } typing;
        struct { const char *condition, *text, *by, *stanza; } error_info;
        struct { const char *text; bool urgent; } notice;
        struct { bool outgoing; const char *xml; gsize len; } xml;
        struct { const struct option *option; const char *value; } option;
        struct { guint fetched; gint64 reached_us; bool done, told; } archive; /* told: not the first */
    };
};

typedef void (*observer_fn)(const struct event *event, gpointer data);

struct observers;
struct observers *observers_new(void);
void observers_free(struct observers *observers);
/* An observer may remove itself or others while events are being emitted. */
void observers_add(struct observers *observers, observer_fn fn, gpointer data);
void observers_remove(struct observers *observers, observer_fn fn, gpointer data);
void observers_emit(struct observers *observers, const struct event *event);
/* Does anybody want this? (EVENT_XML is not rendered for nobody.) */
void observers_want(struct observers *observers, enum event_type type, bool want);
bool observers_wanted(const struct observers *observers, enum event_type type);
/* A console line. */
void observers_notice(struct observers *observers, struct account *account,
    const char *format, ...) G_GNUC_PRINTF(3, 4);
