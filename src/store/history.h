/*
 * What must not be lost, one SQLite database per account: messages (with full
 * text index), the state of every outgoing one (the outbox is a view of it),
 * chats with draft and read mark, the archive's holes, and the stream
 * management state. WAL, synchronous=FULL, prepared statements,
 * trusted_schema=OFF, mode 0600; one transaction per loop turn, and what was
 * not committed is never acknowledged to a server.
 *
 * A message's place in its chat is (ord, row): ord is µs, the archive's time
 * for what came from our own archive, otherwise the time it came here but
 * never less than what is already there (F17). Pages go by key, never OFFSET.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "model/chat.h"
#include "model/message.h"

struct history;
struct paths;

enum history_health {
    HISTORY_SOUND,
    HISTORY_MEMORY_ONLY, /* home is read-only or full from the start (F14) */
    HISTORY_FAILING,     /* writes fail now (F13): retried, nothing acknowledged */
};

/* jid: bare. Never returns NULL: where the disk cannot be used it keeps things
 * in memory and problem (new string, NULL: none) says so. A damaged file is
 * put aside as history.db.damaged-STAMP and a new one begun; a newer schema is
 * left alone (F15). A foreign trigger, view or table is damage (H64). */
struct history *history_open(const struct paths *paths, const char *jid, char **problem);
void history_close(struct history *history); /* commits */
enum history_health history_health(const struct history *history);
bool history_was_damaged(const struct history *history); /* refill from the archive */

/* Ends the turn's transaction. False: nothing of this turn is on disk; it is
 * tried again with the next commit. Cheap when nothing was written. */
bool history_commit(struct history *history, GError **error);

/* ---- messages ---- */

enum history_added {
    HISTORY_NEW,       /* message->row and ->ord are set */
    HISTORY_DUPLICATE, /* known by (by, stanza-id), or our own by origin-id: the
                          stored one was completed with what it lacked */
    HISTORY_REPEATED,  /* same id of the same sender again, no archive id: kept, flagged (F28) */
};
/* Never by body. message is only read but for row and ord. archive_us: the
 * archive's own time, 0 for live messages. */
enum history_added history_add(struct history *history, const struct chat *chat,
    struct message *message, gint64 archive_us);
/* delivery, error, stanza_id of a stored message; false: not there. */
bool history_update(struct history *history, const struct message *message);
/* By (by, stanza_id) or own origin_id: the stored row, 0 none. */
gint64 history_find(struct history *history, const char *by, const char *stanza_id);
gint64 history_find_own(struct history *history, const char *origin_id);
struct message *history_load(struct history *history, gint64 row); /* new; NULL */

/* Up to n messages of chat_jid before (or after) the place, oldest first; new
 * array of new messages. ord = G_MAXINT64 with before: the newest. */
GPtrArray *history_page(struct history *history, const char *chat_jid,
    gint64 ord, gint64 row, bool before, guint n);
/* Place of the first message at or after a time; false: none. */
bool history_seek(struct history *history, const char *chat_jid, gint64 time_us,
    gint64 *ord, gint64 *row);

struct history_query {
    const char *words;     /* words and "phrases"; never FTS syntax of the user's */
    const char *chat;      /* NULL: all */
    const char *from;      /* bare JID or nick; NULL */
    gint64 since_us, until_us; /* 0: open */
    gint64 before_row;     /* paging: G_MAXINT64 at first */
    guint n;
};
struct history_hit { char *chat; struct message *message; };
/* Newest first; new array. */
GPtrArray *history_search(struct history *history, const struct history_query *query, GError **error);

void history_clear(struct history *history, const char *chat_jid);
gint64 history_count(struct history *history, const char *chat_jid); /* NULL: all */
typedef bool (*history_fn)(const char *chat, const struct message *message, gpointer data);
/* chat_jid NULL: all, in order; stops when fn returns false. */
void history_foreach(struct history *history, const char *chat_jid, history_fn fn, gpointer data);

/* ---- outbox: outgoing messages that the server is not known to have ---- */

/* Oldest first, states queued and sent; new messages; chat in ->to. sm_seq of
 * a sent one says its place in the stream-management count. */
GPtrArray *history_outbox(struct history *history);
void history_set_sent(struct history *history, gint64 row, guint32 sm_seq);

/* ---- chats ---- */

struct history_chat {
    char *jid;
    enum chat_kind kind;
    char *draft;          /* NULL */
    guint unread, mentions;
    gint64 read_ord, read_row;
    char *read_stanza_id; /* last one displayed here or elsewhere (XEP-0490) */
    gint64 active_us;
    bool keep;            /* /logging off for this chat: false */
};
GPtrArray *history_chats(struct history *history, bool only_unread_or_drafts);
void history_save_chat(struct history *history, const struct chat *chat); /* draft, read mark, unread */

/* ---- archive bookkeeping (XEP-0313) ---- */

struct hole { gint64 row; char *archive, *after, *before; }; /* ids; NULL: open end */
char *history_archive_last(struct history *history, const char *archive);
void history_set_archive_last(struct history *history, const char *archive, const char *id);
GPtrArray *history_holes(struct history *history, const char *archive);
void history_add_hole(struct history *history, const struct hole *hole);
void history_set_hole(struct history *history, gint64 row, const char *after, const char *before); /* both equal: closed */

/* ---- small values: stream management, tokens' places … in the same transaction ---- */
char *history_get(struct history *history, const char *key); /* new; NULL */
void history_set(struct history *history, const char *key, const char *value); /* NULL removes */
