/*
 * What must not be lost, one SQLite database per account: messages (with full
 * text index), the state of every outgoing one (the outbox is a view of it),
 * chats with draft and read mark, the archive's holes, and the stream
 * management state. WAL, prepared statements, trusted_schema=OFF, mode 0600;
 * one transaction per loop turn, and what is not on disk is never acknowledged
 * to a server.
 *
 * A message's place is its row: µs, the archive's time for what came from an
 * archive, otherwise the time it came here but never less than what its chat
 * already has (F17); a few µs more where that one is taken. So rows are unique
 * in the account and put everything, search included, into order. ord equals
 * row and is there to say "a place" apart from "an identity". Pages go by key,
 * never OFFSET. Rows never change.
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
 * put aside as history.db.damaged-STAMP and a new one begun, with the unsent
 * messages and drafts of the old one where they can be read; a newer schema is
 * left alone (F15). A foreign trigger, view or table is damage (H64). */
struct history *history_open(const struct paths *paths, const char *jid, char **problem);
void history_close(struct history *history); /* commits; NULL is fine */
const char *history_library(void); /* SQLite's version */
enum history_health history_health(const struct history *history);
/* Refill from the archive: the file was put aside, at opening or since. */
bool history_was_damaged(const struct history *history);

/* Ends the turn's transaction. False: nothing of this turn is on disk; it is
 * tried again with the next commit (call it every second or so while health is
 * FAILING, also when nothing else happens). Until then writes are kept in
 * memory in their order, messages count as known, but pages and searches do
 * not have them. Cheap when nothing was written. True when MEMORY_ONLY. */
bool history_commit(struct history *history, GError **error);

/* The same without waiting for the disk, once somebody wants to be told: the
 * commit is under way then, and fn comes from the loop, once. Meanwhile no
 * other is begun this way; history_commit() waits for it, and fn does not come.
 * error: as above; borrowed; it may also come alone, from what was tidied. */
enum history_written { HISTORY_ON_DISK, HISTORY_UNDER_WAY, HISTORY_NOT_WRITTEN };
typedef void (*history_disk_fn)(const GError *error, gpointer data);
void history_tell_on_disk(struct history *history, history_disk_fn fn, gpointer data);
enum history_written history_write(struct history *history, GError **error);

/* What can wait for a quiet moment: words for the index, traces of what was
 * cleared. A slice of a millisecond or two, committed; false: nothing is left.
 * When nobody calls it, commits and searches do the work that has to be. */
bool history_is_untidy(const struct history *history);
bool history_tidy(struct history *history);

/* ---- messages ---- */

enum history_added {
    HISTORY_NEW,       /* message->row and ->ord are set */
    HISTORY_DUPLICATE, /* known by (by, stanza-id), our own by origin-id, or a copy
                          (carbon, archive, delayed) that has the same id, sender
                          and text within minutes of one that came by another way;
                          or our archive has what was imported: the same text of
                          the same one in the same second, each once. row and ord
                          are the stored one's, which was completed with what it
                          lacked */
    HISTORY_REPEATED,  /* same id of the same sender again, no archive id (F28), or
                          a room's id for another text (H35): kept, flagged */
};
#define HISTORY_IMPORTED "import" /* stanza_by of what an import gave an id of its own */
/* Never by body alone. message is only read but for row and ord. archive_us:
 * the archive's own time, 0 for live messages. Own messages are found by
 * origin_id, else by id: set one of them before queueing. Where the chat is not
 * to be kept (history_set_keep) only its ids are stored, with KEEP_REDACTED who
 * wrote and when, too; a text of ours goes once the server has it. */
enum history_added history_add(struct history *history, const struct chat *chat,
    struct message *message, gint64 archive_us);
/* delivery, error, stanza_id of a stored message; false: not there. */
bool history_update(struct history *history, const struct message *message);
/* By (by, stanza_id) or own origin_id: the stored row, 0 none. */
gint64 history_find(struct history *history, const char *by, const char *stanza_id);
gint64 history_find_own(struct history *history, const char *origin_id);
/* By the id its sender gave it, the newest one of the chat; 0: none. Not cheap:
 * the years are gone through, in a tenth of a second at worst. */
gint64 history_find_id(struct history *history, const char *chat_jid, const char *id);
struct message *history_load(struct history *history, gint64 row); /* new; NULL */

/* Up to n messages of chat_jid before (or after) the place, oldest first; new
 * array of new messages. ord = G_MAXINT64 with before: the newest. */
GPtrArray *history_page(struct history *history, const char *chat_jid,
    gint64 ord, gint64 row, bool before, guint n);
/* Place of the first message at or after a time; false: none. */
bool history_seek(struct history *history, const char *chat_jid, gint64 time_us,
    gint64 *ord, gint64 *row);

struct history_query {
    const char *words;     /* words and "phrases"; never FTS syntax of the user's.
                              NULL: everything that the rest lets through */
    const char *chat;      /* NULL: all */
    const char *from;      /* bare JID, or nick in a room; NULL */
    gint64 since_us, until_us; /* from since to before until; 0: open */
    gint64 before_row;     /* paging: G_MAXINT64 (or 0) at first */
    guint n;
};
struct history_hit { char *chat; struct message *message; };
/* Newest first; new array, NULL and error when words has nothing to look for.
 * Words are whole words, without regard to case and accents; in scripts
 * written without spaces (Han, Kana, Thai …, and Hangul) any part is found. */
GPtrArray *history_search_text(struct history *history, const struct history_query *query, GError **error);

/* All but what is still to be sent. At once; the disk is cleaned bit by bit. */
void history_clear(struct history *history, const char *chat_jid);
gint64 history_count(struct history *history, const char *chat_jid); /* NULL: all */
typedef bool (*history_fn)(const char *chat, const struct message *message, gpointer data);
/* chat_jid NULL: all, in order; stops when fn returns false. */
void history_foreach(struct history *history, const char *chat_jid, history_fn fn, gpointer data);

/* ---- outbox: outgoing messages that the server is not known to have ---- */

/* A message is in the outbox while its delivery is DELIVERY_QUEUED; history_update
 * with any other takes it out (acknowledged: DELIVERY_SENT). */
struct history_out {
    char *chat;
    enum chat_kind kind;
    struct message *message;
    bool sent;      /* its bytes left, nothing is known of them yet … */
    guint32 sm_seq; /* … as this one in the stream-management count */
};
GPtrArray *history_outbox(struct history *history); /* oldest first; new, owns its elements */
/* Those whose bytes left; the first n of the others behind a row, and how many
 * of those there are up to another one. */
GPtrArray *history_outbox_sent(struct history *history);
GPtrArray *history_outbox_after(struct history *history, gint64 row, guint n);
guint history_count_unsent(struct history *history, gint64 after, gint64 up_to);
struct history_out *history_load_out(struct history *history, gint64 row); /* any of ours; new, NULL */
void history_out_free(struct history_out *out);
AUTO_STRUCT_FREE(history_out, history_out_free)
void history_set_sent(struct history *history, gint64 row, guint32 sm_seq);
void history_set_unsent(struct history *history, gint64 row); /* proved lost: send it again */

/* ---- chats ---- */

enum history_keep { KEEP_IDS, KEEP_ALL, KEEP_REDACTED }; /* as in the file */

struct history_chat {
    char *jid;
    enum chat_kind kind;
    char *draft;          /* NULL */
    guint unread, mentions;
    gint64 read_ord, read_row;
    char *read_stanza_id; /* last one displayed here or elsewhere (XEP-0490) */
    gint64 active_us;     /* place of its newest message, 0: none */
    enum history_keep keep;
};
void history_chat_free(struct history_chat *chat);
AUTO_STRUCT_FREE(history_chat, history_chat_free)
/* only…: a thousand at most, those with drafts and the latest that began. */
GPtrArray *history_chats(struct history *history, bool only_unread_or_drafts);
struct history_chat *history_find_chat(struct history *history, const char *jid); /* new; NULL */
/* Draft, unread, mentions and the read mark, which does not go back. Not unkept. */
void history_save_chat(struct history *history, const struct chat *chat);
/* Only the read mark: the last message displayed, here or elsewhere. */
void history_set_read(struct history *history, const char *jid, gint64 row, const char *stanza_id);
/* Messages of others behind a place, counted up to max: unread after a restart. */
guint history_count_after(struct history *history, const char *jid, gint64 row, guint max);
void history_set_keep(struct history *history, const char *jid, enum chat_kind kind, enum history_keep keep);

/* ---- archive bookkeeping (XEP-0313) ---- */

struct hole { gint64 row; char *archive, *after, *before; }; /* ids; NULL: open end */
void hole_free(struct hole *hole);
char *history_archive_last(struct history *history, const char *archive);
void history_set_archive_last(struct history *history, const char *archive, const char *id);
GPtrArray *history_holes(struct history *history, const char *archive);
void history_add_hole(struct history *history, const struct hole *hole);
void history_set_hole(struct history *history, gint64 row, const char *after, const char *before); /* both equal: closed */

/* ---- small values: stream management, tokens' places … in the same transaction ---- */
char *history_get_value(struct history *history, const char *key); /* new; NULL */
void history_set_value(struct history *history, const char *key, const char *value); /* NULL removes */
