/* What the files of the history share. */
#pragma once
#include "store/db.h"
#include "store/history.h"
#include "store/worker.h"

enum sql {
    /* writes; their numbers are in the turn's log, which never outlives us */
    SQL_ADD_CHAT, SQL_SET_CHAT, SQL_SET_READ, SQL_SET_KEEP, SQL_BURY_CHAT,
    SQL_INHERIT_CHAT, SQL_MOVE_UNSENT, SQL_DROP_CHAT,
    SQL_ADD_MESSAGE, SQL_COMPLETE, SQL_ADOPT, SQL_UPDATE, SQL_SENT, SQL_STRIP, SQL_DROP_MESSAGE,
    SQL_PLACE, SQL_MOVE_PLACE, SQL_UNPLACE, SQL_DROP_OLD_INDEX,
    SQL_WAIT, SQL_INDEX, SQL_INDEXED, SQL_UNINDEX, SQL_MERGE,
    SQL_SET_LAST, SQL_ADD_HOLE, SQL_SET_HOLE, SQL_DROP_HOLE,
    SQL_SET_VALUE, SQL_DROP_VALUE,
    /* the rest only read */
    SQL_CHAT, SQL_CHAT_LAST, SQL_MAX_CHAT, SQL_CHATS, SQL_CHATS_WAITING, SQL_SALVAGE, SQL_ONE_CHAT,
    SQL_COUNT_AFTER, SQL_BURIED, SQL_SOME_UNKEPT,
    SQL_SPAN, SQL_TWINS, SQL_TWIN_BEFORE, SQL_BY_STANZA, SQL_BY_ORIGIN, SQL_IMPORTED, SQL_LACKS, SQL_SAME_TEXT, SQL_ROW_TAKEN,
    SQL_LOAD, SQL_BEFORE, SQL_AFTER, SQL_ALL_AFTER, SQL_ALL_BEFORE, SQL_ROWS, SQL_SEEK, SQL_COUNT,
    SQL_COUNT_ALL, SQL_COUNT_FRESH, SQL_NEXT_FRESH, SQL_OLD_INDEX, SQL_OUTBOX, SQL_OUTBOX_SENT, SQL_OUTBOX_AFTER,
    SQL_COUNT_UNSENT, SQL_WAITING, SQL_WORDS, SQL_COUNT_WAITING, SQL_INDEXED_BEFORE, SQL_SEARCH,
    SQL_LAST, SQL_HOLES, SQL_VALUE,
    N_SQL
};

/* message.flags */
enum {
    FLAG_TYPE = 0xf,      /* enum message_type */
    FLAG_OUTGOING = 0x10, /* the indexes of the schema know this one */
    FLAG_CARBON = 0x20, FLAG_ARCHIVE = 0x40, FLAG_DELAYED = 0x80,
    FLAG_RECEIPT = 0x100, FLAG_REPEATED = 0x200,
    FLAG_GHOST = 0x400,   /* only its ids are kept */
    FLAG_INDEXED = 0x800, /* its words are in the index or wait for it */
    FLAG_UNSTYLED = 0x1000,
    FLAG_REDACTED = 0x2000, /* its text is not kept */
};
#define WAITING_MAX 512 /* words of so many wait for the index at most */
#define REINDEX "history.reindex" /* a new index has only what is behind it */
#define PLACED "history.placed"   /* up to this row the table place has all */
#define CHAT_BURIED 99 /* kind of a cleared chat whose rows are still to go */
#define ROW_MAX G_GINT64_CONSTANT(253402300800000000) /* year 10000 */

struct chat_ref { /* what adding a message must know of its chat */
    gint64 id;
    gint64 last; /* place of its newest message */
    enum chat_kind kind;
    enum history_keep keep;
};

#define SPAN_BITS 16
struct span { /* of the index of twins */
    gint64 number;
    guint8 bits[(1 << SPAN_BITS) / 8];
};

struct history {
    char *jid, *dir;
    struct db *db;
    bool memory;   /* the database is in memory for good */
    bool damaged;  /* a file was put aside, or writes were given up */
    guint rescues;
    bool index_lost; /* damage was seen in the index: begin another … */
    bool index_made; /* … once in a session */
    gint64 reindex;  /* up to this row the new one lacks words; 0: nothing */
    bool rescue;   /* damage was seen: put the file aside at the next commit */
    bool in_turn;  /* a transaction is open */
    bool queueing; /* the disk refused: writes only go to the log */
    GByteArray *log;     /* writes that are not on disk, see history_turn.c: */
    gsize written;       /* so much is committed … */
    gsize syncing;       /* … so much waits for the disk now … */
    gsize told;          /* … and on_disk is told when so much is there; 0: not */
    bool sync_failed;    /* what is committed may be nowhere */
    history_disk_fn on_disk;
    gpointer on_disk_data;
    struct worker *syncer, *checkpointer; /* NULL: commits wait */
    gsize op;            /* where the one being put together begins */
    GHashTable *pending; /* keys of messages in the log, while queueing */
    gsize pending_to;    /* up to here the log is in pending */
    gint64 retry_us;     /* monotonic: no attempt before */
    GHashTable *chats;   /* jid → struct chat_ref, a bounded cache */
    gint64 next_chat;    /* 0: not known yet */
    gint64 next_hole;
    gint64 last_row;     /* newest live place given in this session */
    gint64 archive_us, archive_row; /* the last one placed by archive time */
    struct span *spans[4];
    guint next_span;
    gint64 placed;       /* PLACED, or what it was */
    guint fresh;         /* about so many rows are behind it */
    GArray *placing;     /* struct put: those under way; NULL: none */
    guint put;           /* so many of them stand in the table */
    gint64 placing_to;   /* the last of their rows: PLACED, once all do */
    bool bring_up;       /* of version 3: all rows are to be placed */
    int some_unkept;     /* -1: not known yet */
    gint64 imported;     /* number of HISTORY_IMPORTED, -1: not known yet */
    bool cleaning;       /* what was cleared may still be on disk */
    bool unmerged;       /* the index may have lists to merge */
    guint waiting;       /* messages whose words are not in the index yet … */
    GPtrArray *kept;     /* … what is to be done for them, when it is all … */
    GArray *turn_rows;   /* … and those of this turn, not in the table yet */
    gint64 last_wait;
};

extern const struct db_schema history_schema;
extern const char *const history_sql[N_SQL];
#define HISTORY_FILE "history.db"

/* ---- history_turn.c: writes ---- */

enum outcome {
    OUTCOME_DONE,
    OUTCOME_NOTHING, /* it changed no row */
    OUTCOME_QUEUED,  /* will be done when the disk is back */
    OUTCOME_REFUSED, /* never: too big */
};
void op_begin(struct history *history, enum sql which);
void op_int(struct history *history, gint64 value);
void op_text(struct history *history, const char *text); /* NULL is null */
void op_null(struct history *history);
void op_blob(struct history *history, const void *data, gsize len);
enum outcome op_end(struct history *history);
/* Takes what was put together out of the log, to be run when wanted. */
guint8 *op_keep(struct history *history);
enum outcome op_run_kept(struct history *history, const guint8 *op);
gint64 op_first_int(const guint8 *op);
/* A message in the log, by what identifies it; 0: none. */
gint64 pending_find(struct history *history, char kind, gint64 number, const char *text);
void pending_free(struct history *history);
/* Damage was met while reading or writing. */
void history_saw(struct history *history, int result);
/* The same, when it may be only the index. */
void history_saw_in_index(struct history *history, int result);

/* ---- history.c ---- */

struct chat_ref *history_chat_ref(struct history *history, const char *jid, enum chat_kind kind);
/* Takes over what can be read of a damaged file and is nowhere else. */
void history_salvage(struct history *history, const char *path);
/* The chat's id, 0 when there is none. */
gint64 history_chat_id(struct history *history, const char *jid);
/* Next row of a reading statement; false at the end, which resets it. */
bool history_step(struct history *history, sqlite3_stmt *row);
/* A column as valid UTF-8, new; NULL. */
char *history_text(sqlite3_stmt *row, int column);
/* A statement for reading with its first value set; NULL on trouble. */
sqlite3_stmt *history_read(struct history *history, enum sql which);
gint64 history_read_int(struct history *history, sqlite3_stmt *row, gint64 missing);

/* ---- history_message.c ---- */

/* Column order of HISTORY_COLUMNS. */
#define HISTORY_COLUMNS \
    "c.jid,c.kind,m.row,m.flags,m.delivery,m.sm_seq,m.time_back," \
    "m.received_back,m.id,m.given_by,m.stanza_id,m.origin_id,m.sender," \
    "m.recipient,m.nick,m.body,m.subject,m.thread,m.lang,m.oob,m.error," \
    "m.bodies,CASE WHEN m.given_by=0 OR m.given_by=m.chat THEN NULL " \
    "ELSE (SELECT jid FROM chat WHERE id=m.given_by) END,m.chat"
enum { COLUMN_CHAT, COLUMN_KIND, COLUMN_ROW, COLUMN_FLAGS, COLUMN_DELIVERY, COLUMN_SM_SEQ,
    COLUMN_TIME, COLUMN_RECEIVED, COLUMN_ID, COLUMN_BY, COLUMN_STANZA_ID, COLUMN_ORIGIN_ID,
    COLUMN_SENDER, COLUMN_RECIPIENT, COLUMN_NICK, COLUMN_BODY, COLUMN_SUBJECT, COLUMN_THREAD,
    COLUMN_LANG, COLUMN_OOB, COLUMN_ERROR, COLUMN_BODIES, COLUMN_BY_JID, COLUMN_CHAT_ID };
/* What is in the log only may be in the file from now on. */
void history_forget_spans(struct history *history);
struct message *history_read_message(struct history *history, sqlite3_stmt *row);
/* A slice of what cleared chats left: up to n rows, then traces in the index. */
bool history_write_quietly(struct history *history); /* history_write() without a report */
void history_stop_disk(struct history *history);
void history_merge_some(struct history *history, guint pages);
void history_clean(struct history *history, guint n);

/* ---- history_place.c: which rows a chat has ---- */

void history_place_load(struct history *history);
/* A row that was stored, or that is not there any more. */
void history_place(struct history *history, gint64 chat, gint64 row);
void history_unplace(struct history *history, gint64 chat, gint64 row);
void history_move_place(
    struct history *history, gint64 row, gint64 from, gint64 to);
void history_place_forget(struct history *history); /* the batch under way */
/* A slice, when there is enough for one. */
bool history_is_unplaced(const struct history *history);
void history_place_some(struct history *history);
void history_place_all(struct history *history);
/* For who wants to know something of many chats. */
void history_place_before_looking(struct history *history);

/* ---- history_search.c: the words of a message ---- */

bool history_has_words(const struct message *message);
/* Begins an operation, and does not end it. */
void history_put_words(struct history *history, enum sql which,
    const struct message *message, gint64 chat_id);
/* Not at once. */
void history_index(struct history *history, const struct message *message, gint64 chat_id);
void history_unindex(struct history *history, const struct message *message, gint64 chat_id);
/* About n of those that wait. */
void history_index_some(struct history *history, guint n);
/* Says in the turn who waits since. */
void history_note_waiting(struct history *history);
/* After history_saw_in_index(), between two turns: an empty index. False: the
 * file is not to be saved that way. */
bool history_renew_index(struct history *history);
/* Up to n that the new index lacks, newest first. */
void history_reindex_some(struct history *history, guint n);
void history_reindex_load(struct history *history);
