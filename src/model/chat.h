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
    char *draft;         /* what was typed and not sent, NULL */
    char *typing;        /* chat state of the peer: "composing" …, NULL */
    GPtrArray *messages; /* struct message*, oldest first */
    guint unread, mentions;
    guint64 next_number;
    gint64 active_us;    /* last message */
    gint64 read_us;
    GHashTable *outgoing; /* id → our message, both borrowed from messages */
    gpointer ui;         /* for the front end's use, not owned */
};
struct chat *chat_new(struct account *account, const char *jid, enum chat_kind kind);
void chat_free(struct chat *chat);
/* Takes ownership and numbers it. Emitting the event is the caller's part. */
void chat_append(struct chat *chat, struct message *message);
struct message *chat_find_id(const struct chat *chat, const char *id, bool outgoing);
struct message *chat_find_number(const struct chat *chat, guint64 number);
void chat_clear(struct chat *chat);
