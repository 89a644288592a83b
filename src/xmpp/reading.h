/*
 * How far a conversation was read. The mark is a place in the store, so that
 * what is unread is counted again after a restart; it only ever moves on. It
 * moves when a message was really seen here (the front end says so), or when
 * another client of ours says that it was seen there.
 */
#pragma once
#include <stdbool.h>
#include "model/account.h"

/* What the store knows of a chat that was just opened: draft and read mark.
 * For all that have unread messages or a draft: when the account is attached. */
void reading_load(struct account *account);
void reading_open(struct chat *chat);
/* Strangers may begin as many chats as they like: the ones longest untouched go
 * when there are very many. They stay unread in the store, and are there again
 * with their next message or the next start. */
void reading_make_room(struct account *account);
/* message was stored before its chat was opened, and so counted then. */
void reading_uncount(struct chat *chat, const struct message *message);
/* message was put into chat; catches up its counters and tells. */
void reading_count(struct chat *chat, const struct message *message);
/* Everything up to the newest message was seen here. Features are told
 * (feature.h, read). */
void chat_mark_read(struct chat *chat);
/* … up to this place it was seen elsewhere. stanza_id may be NULL. */
void reading_reached(struct chat *chat, gint64 row, const char *stanza_id);
/* The row of the message with this archive id; 0: it is not here, -1: it is of
 * another chat and says nothing about this one (XEP-0490 s. 4.1). There is a
 * history. */
gint64 reading_find(
    const struct account *account, const char *jid, const char *stanza_id);
/* … up to the message with this archive id, which may not be here yet. */
void reading_reached_id(struct chat *chat, const char *stanza_id);
/* … up to the unread message that its sender gave this id. */
void reading_reached_message(struct chat *chat, const char *id);
/* Nothing is known of it, and its messages came from the archive: read is what
 * was read elsewhere up to this archive id; NULL: all of it. */
void reading_begin(
    struct account *account, const char *jid, const char *stanza_id);
/* What was typed and not sent; "" and NULL: nothing. */
void chat_set_draft(struct chat *chat, const char *text);
