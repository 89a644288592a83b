/* A conversation of an account with one peer (bare JID; a room's occupant by
 * full JID, H42). */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "model/message.h"

struct account;

enum chat_kind { CHAT_CONTACT, CHAT_ROOM, CHAT_OCCUPANT };

struct chat {
    struct account *account; /* borrowed: the parent */
    enum chat_kind kind;
    char *jid;
    char *locked;        /* full JID we reply to (C55), NULL */
    char *thread;        /* XEP-0201 thread of the conversation, NULL */
    char *thread_parent; /* the one it branched off from, NULL */
    char *draft;         /* what was typed and not sent, NULL */
    char *typing;        /* chat state of the peer: "composing" …, NULL */
    /* The newest part, sorted by row, those without one where they came; what
     * is older is in the store (store/history.h). */
    GPtrArray *messages; /* struct message*, oldest first */
    guint unread, mentions;
    guint64 next_number;
    gint64 active_us;    /* last message */
    gint64 read_us;
    gint64 read_row;     /* of the last one that was read; 0: none is known */
    char *read_stanza_id; /* the same by its archive id (XEP-0490), NULL; may be
                             of one that has not come yet */
    GHashTable *outgoing; /* id → our message, both borrowed from messages */
    bool put_away;       /* it goes to make room; unread it stays (reading.h) */
    gpointer ui;         /* for the front end's use, not owned */
};
struct chat *chat_new(struct account *account, const char *jid, enum chat_kind kind);
void chat_free(struct chat *chat);
/* Takes ownership and numbers it. The oldest that the store has are let go
 * when there are many. Emitting the event is the caller's part. */
void chat_append(struct chat *chat, struct message *message);
/* Puts a stored one in its place. False: it is older than all that are held,
 * and stays the caller's. */
bool chat_place(struct chat *chat, struct message *message);
/* Takes the messages of older, which come right before the first one. */
void chat_prepend(struct chat *chat, GPtrArray *older);
struct message *chat_find_row(const struct chat *chat, gint64 row);
struct message *chat_find_id(const struct chat *chat, const char *id, bool outgoing);
struct message *chat_find_number(const struct chat *chat, guint64 number);
void chat_clear(struct chat *chat);
