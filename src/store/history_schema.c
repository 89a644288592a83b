/*
 * The tables. One integer, the row, is a message's place and identity, so the
 * table, the index of a chat and the lists of the full text index are all in
 * the order of time: pages and "newest first" need no sorting.
 *
 * twin is (a span of 36 minutes, a hash of chat and id): copies of a message
 * that have no archive id are found by it, and its index grows at the end only.
 * Times are differences to the row, addresses leave out what the chat says.
 */
#include "store/history_private.h"

static const char *const create[] = {
    "CREATE TABLE chat(id INTEGER PRIMARY KEY,jid TEXT NOT NULL UNIQUE,"
    "kind INTEGER NOT NULL,keep INTEGER NOT NULL DEFAULT 1,"
    "unread INTEGER NOT NULL DEFAULT 0,mentions INTEGER NOT NULL DEFAULT 0,"
    "draft TEXT,read_row INTEGER NOT NULL DEFAULT 0,read_stanza_id TEXT)",
    "CREATE INDEX chat_waiting ON chat(id) "
    "WHERE unread>0 OR mentions>0 OR draft IS NOT NULL",
    "CREATE INDEX chat_unkept ON chat(id) WHERE keep=0",
    "CREATE INDEX chat_buried ON chat(id) WHERE kind=99",
    "CREATE TABLE message(row INTEGER PRIMARY KEY,chat INTEGER NOT NULL,"
    "flags INTEGER NOT NULL,delivery INTEGER NOT NULL,sm_seq INTEGER,"
    "time_back INTEGER NOT NULL,received_back INTEGER NOT NULL,twin INTEGER,"
    "id TEXT,given_by INTEGER,stanza_id TEXT,origin_id TEXT,sender TEXT,"
    "recipient TEXT,nick TEXT,body TEXT,subject TEXT,thread TEXT,lang TEXT,"
    "oob TEXT,error TEXT,bodies BLOB)",
    "CREATE TABLE place(chat INTEGER NOT NULL,row INTEGER NOT NULL,"
    "PRIMARY KEY(chat,row)) WITHOUT ROWID",
    "CREATE INDEX message_twin ON message(twin) WHERE twin IS NOT NULL",
    "CREATE UNIQUE INDEX message_stanza ON message(given_by,stanza_id) "
    "WHERE stanza_id IS NOT NULL",
    "CREATE UNIQUE INDEX message_origin ON message(origin_id) "
    "WHERE origin_id IS NOT NULL",
    "CREATE INDEX message_outbox ON message(delivery) WHERE delivery=1",
    "CREATE TABLE archive(jid TEXT PRIMARY KEY,last TEXT NOT NULL) "
    "WITHOUT ROWID",
    "CREATE TABLE hole(row INTEGER PRIMARY KEY,archive TEXT NOT NULL,"
    "after TEXT,before TEXT)",
    "CREATE TABLE value(key TEXT PRIMARY KEY,value TEXT NOT NULL) "
    "WITHOUT ROWID",
    "CREATE VIRTUAL TABLE words USING fts5(body,tags,content='',"
    "columnsize=0,tokenize='unicode61 remove_diacritics 2')",
    "CREATE TABLE waiting(number INTEGER PRIMARY KEY,rows BLOB NOT NULL)",
    NULL,
};

/* Lists are merged by history_tidy() only, sixteen at a time and some pages of
 * them at once: FTS5 by itself does it in the middle of a turn, and all of it. */
#define MERGES \
    "INSERT INTO words(words,rank) VALUES('automerge',0);" \
    "INSERT INTO words(words,rank) VALUES('usermerge',16);" \
    "INSERT INTO words(words,rank) VALUES('crisismerge',1000)"

static const char *const upgrade[] = {
    NULL,
    "CREATE TABLE waiting(number INTEGER PRIMARY KEY,rows BLOB NOT NULL)",
    MERGES,
    "CREATE TABLE place(chat INTEGER NOT NULL,row INTEGER NOT NULL,"
    "PRIMARY KEY(chat,row)) WITHOUT ROWID",
    NULL,
};

/* What history_place.c takes away, bit by bit, after the upgrade. */
static const char *const old[] = { "CREATE INDEX message_chat ON message(chat)",
    NULL };

const struct db_schema history_schema = {
    .version = 4,
    .create = create,
    .old = old,
    .upgrade = upgrade,
    .fill = MERGES,
    .fts = "words",
};

#define CHAT_FIELDS \
    "jid,kind,keep,unread,mentions,draft,read_row,read_stanza_id,"
#define PLACED_ROW \
    "coalesce((SELECT CAST(value AS INTEGER) FROM value WHERE key='" PLACED \
    "'),0)"
/* The last row of a chat; the rows before and behind a place. Without a limit
 * SQLite would not keep their order. */
#define LAST(chat_id) \
    "coalesce((SELECT row FROM message WHERE row>" PLACED_ROW \
    " AND chat=" chat_id " ORDER BY row DESC LIMIT 1)," \
    "(SELECT max(row) FROM place WHERE chat=" chat_id "))"
#define ROWS_BEFORE \
    "(SELECT row FROM message WHERE row>" PLACED_ROW " AND row<?2 " \
    "AND chat=?1 UNION SELECT row FROM place WHERE chat=?1 AND row<?2 " \
    "ORDER BY row DESC LIMIT -1)"
#define ROWS_AFTER \
    "(SELECT row FROM message WHERE row>max(?2," PLACED_ROW ") " \
    "AND chat=?1 UNION SELECT row FROM place WHERE chat=?1 AND row>?2 " \
    "ORDER BY row LIMIT -1)"
#define CHAT_COLUMNS CHAT_FIELDS LAST("chat.id")
/* HISTORY_COLUMNS without what is no word and no sender. */
#define WORD_COLUMNS \
    "c.jid,c.kind,m.row,m.flags,0,NULL,0,0,NULL,NULL,NULL,NULL,m.sender,NULL," \
    "m.nick,m.body,m.subject,NULL,NULL,NULL,NULL,NULL,NULL,m.chat"
#define MESSAGES "SELECT " HISTORY_COLUMNS " FROM message m JOIN chat c ON c.id=m.chat "
#define MESSAGES_OF(rows) \
    "SELECT " HISTORY_COLUMNS " FROM " rows " p CROSS JOIN message m " \
    "ON m.row=p.row CROSS JOIN chat c ON c.id=m.chat WHERE m.chat=?1 " \
    "AND m.flags&1024=0 LIMIT ?3"

const char *const history_sql[N_SQL] = {
    [SQL_ADD_CHAT] = "INSERT INTO chat(id,jid,kind,keep) VALUES(?1,?2,?3,?4) "
                     "ON CONFLICT DO NOTHING",
    [SQL_SET_CHAT] =
        "UPDATE chat SET kind=?2,unread=?3,mentions=?4,draft=?5,"
        "read_stanza_id=iif(?6>=read_row,coalesce(?7,read_stanza_id),"
        "read_stanza_id),read_row=max(read_row,?6) WHERE id=?1",
    [SQL_SET_READ] = "UPDATE chat SET read_row=?2,read_stanza_id=?3 "
                     "WHERE id=?1 AND read_row<=?2",
    [SQL_SET_KEEP] = "UPDATE chat SET kind=?2,keep=?3 WHERE id=?1",
    [SQL_BURY_CHAT] = "UPDATE chat SET jid='/'||id,kind=99 WHERE id=?1",
    [SQL_INHERIT_CHAT] = "INSERT INTO chat SELECT ?2,?3,?4,keep,0,0,draft,"
                         "read_row,read_stanza_id FROM chat WHERE id=?1",
    [SQL_MOVE_UNSENT] = "UPDATE message SET chat=?2 WHERE row=?1",
    [SQL_DROP_CHAT] = "DELETE FROM chat WHERE id=?1",
    [SQL_ADD_MESSAGE] =
        "INSERT INTO message(row,chat,flags,delivery,time_back,received_back,"
        "twin,id,given_by,stanza_id,origin_id,sender,recipient,nick,body,"
        "subject,thread,lang,oob,error,bodies) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,"
        "?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21) "
        "ON CONFLICT DO NOTHING",
    [SQL_COMPLETE] =
        "UPDATE OR IGNORE message SET delivery=?2,"
        "given_by=iif(stanza_id IS NULL,?3,given_by),"
        "stanza_id=coalesce(stanza_id,?4),origin_id=coalesce(origin_id,?5) "
        "WHERE row=?1",
    [SQL_ADOPT] =
        "UPDATE OR IGNORE message SET given_by=?2,stanza_id=?3,id=?4,"
        "twin=?5,origin_id=coalesce(origin_id,?6),flags=flags|64 WHERE row=?1",
    [SQL_UPDATE] =
        "UPDATE OR IGNORE message SET "
        "sm_seq=iif(?2=1 AND delivery<>1,NULL,sm_seq),delivery=?2,error=?3,"
        "given_by=iif(stanza_id IS NULL,?4,given_by),"
        "stanza_id=coalesce(stanza_id,?5) WHERE row=?1",
    [SQL_SENT] = "UPDATE message SET sm_seq=?2 WHERE row=?1",
    [SQL_STRIP] =
        "UPDATE message SET flags=flags|?2,sender=iif(?2=1024,NULL,sender),"
        "recipient=iif(?2=1024,NULL,recipient),nick=iif(?2=1024,NULL,nick),"
        "error=iif(?2=1024,NULL,error),body=NULL,subject=NULL,thread=NULL,"
        "lang=NULL,oob=NULL,bodies=NULL WHERE row=?1",
    [SQL_DROP_MESSAGE] = "DELETE FROM message WHERE row=?1 AND chat=?2",
    /* Only what is there: a new file may have less than the old one. */
    [SQL_PLACE] = "INSERT INTO place SELECT chat,row FROM message "
                  "WHERE row=?2 AND chat=?1 ON CONFLICT DO NOTHING",
    [SQL_MOVE_PLACE] = "UPDATE place SET chat=?3 WHERE chat=?2 AND row=?1",
    [SQL_UNPLACE] = "DELETE FROM place WHERE chat=?1 AND row=?2",
    [SQL_DROP_OLD_INDEX] = "DROP INDEX IF EXISTS message_chat",
    [SQL_WAIT] = "INSERT INTO waiting VALUES(?1,?2) ON CONFLICT DO NOTHING",
    [SQL_INDEX] = "INSERT INTO words(rowid,body,tags) VALUES(?1,?2,?3)",
    [SQL_INDEXED] = "DELETE FROM waiting",
    [SQL_UNINDEX] =
        "INSERT INTO words(words,rowid,body,tags) SELECT 'delete',?1,?2,?3 "
        "WHERE ?1>coalesce((SELECT CAST(value AS INTEGER) FROM value "
        "WHERE key='" REINDEX "'),-2)",
    [SQL_MERGE] = "INSERT INTO words(words,rank) VALUES('merge',?1)",
    [SQL_SET_LAST] = "INSERT INTO archive VALUES(?1,?2) "
                     "ON CONFLICT DO UPDATE SET last=?2",
    [SQL_ADD_HOLE] = "INSERT INTO hole VALUES(?1,?2,?3,?4) "
                     "ON CONFLICT DO NOTHING",
    [SQL_SET_HOLE] = "UPDATE hole SET after=?2,before=?3 WHERE row=?1",
    [SQL_DROP_HOLE] = "DELETE FROM hole WHERE row=?1",
    [SQL_SET_VALUE] = "INSERT INTO value VALUES(?1,?2) "
                      "ON CONFLICT DO UPDATE SET value=?2",
    [SQL_DROP_VALUE] = "DELETE FROM value WHERE key=?1",

    [SQL_CHAT] = "SELECT id,kind,keep FROM chat WHERE jid=?1",
    [SQL_CHAT_LAST] = "SELECT " LAST("?1"),
    [SQL_MAX_CHAT] = "SELECT max((SELECT coalesce(max(id),0) FROM chat),"
                     "(SELECT coalesce(max(chat),0) FROM place),"
                     "(SELECT coalesce(max(chat),0) FROM message "
                     "WHERE row>" PLACED_ROW "))",
    [SQL_CHATS] = "SELECT " CHAT_COLUMNS " FROM chat WHERE kind<>99",
    [SQL_CHATS_WAITING] =
        "SELECT " CHAT_COLUMNS " FROM (SELECT * FROM chat "
        "WHERE (unread>0 OR mentions>0 OR draft IS NOT NULL) AND kind<>99 "
        "ORDER BY draft IS NULL,id DESC LIMIT 1000) chat",
    [SQL_SALVAGE] = "SELECT " CHAT_FIELDS "0 FROM chat WHERE kind<>99",
    [SQL_ONE_CHAT] =
        "SELECT " CHAT_COLUMNS " FROM chat WHERE jid=?1 AND kind<>99",
    [SQL_COUNT_AFTER] =
        "SELECT count(*) FROM (SELECT 1 FROM " ROWS_AFTER " p "
        "CROSS JOIN message m ON m.row=p.row WHERE m.chat=?1 "
        "AND flags&16=0 AND (body IS NOT NULL OR flags&8192) LIMIT ?3)",
    [SQL_BURIED] = "SELECT id FROM chat WHERE kind=99 LIMIT 1",
    [SQL_SOME_UNKEPT] = "SELECT 1 FROM chat WHERE keep<>1 LIMIT 1",
    [SQL_SPAN] = "SELECT twin FROM message INDEXED BY message_twin "
                 "WHERE twin>=?1 AND twin<?2 LIMIT ?3",
    [SQL_TWINS] =
        "SELECT row,flags,chat,time_back,id,given_by,stanza_id,sender,body "
        "FROM message INDEXED BY message_twin WHERE twin=?1 "
        "ORDER BY row DESC LIMIT 8",
    [SQL_TWIN_BEFORE] =
        "SELECT twin FROM message INDEXED BY message_twin WHERE twin<=?1 "
        "ORDER BY twin DESC LIMIT 1",
    [SQL_BY_STANZA] =
        "SELECT row FROM message WHERE given_by=?1 AND stanza_id=?2",
    [SQL_IMPORTED] =
        "SELECT row FROM message WHERE chat=?1 AND row>?2-3000000 AND "
        "row<?2+3000000 AND given_by=?3 AND flags&16=?4 AND id IS NULL AND "
        "abs((row-time_back)/1000000-?2/1000000)<=1 AND body=?5 "
        "ORDER BY abs(row-time_back-?2) LIMIT 1",
    [SQL_BY_ORIGIN] = "SELECT row FROM message WHERE origin_id=?1",
    [SQL_LACKS] = "SELECT delivery,stanza_id IS NULL,"
                  "origin_id IS NULL AND flags&16,flags FROM message "
                  "WHERE row=?1",
    [SQL_SAME_TEXT] = "SELECT flags&9216 OR (body IS ?2 AND sender IS ?3) "
                      "FROM message WHERE row=?1",
    [SQL_ROW_TAKEN] = "SELECT 1 FROM message WHERE row=?1",
    [SQL_LOAD] = MESSAGES "WHERE m.row=?1",
    [SQL_BEFORE] = MESSAGES_OF(ROWS_BEFORE),
    [SQL_AFTER] = MESSAGES_OF(ROWS_AFTER),
    [SQL_ROWS] = "SELECT row FROM " ROWS_BEFORE " LIMIT ?3",
    [SQL_ALL_AFTER] = "SELECT " HISTORY_COLUMNS
                      " FROM message m CROSS JOIN chat c ON c.id=m.chat "
                      "WHERE m.row>?2 AND m.flags&1024=0 AND c.kind<>99 "
                      "ORDER BY m.row LIMIT ?3",
    [SQL_ALL_BEFORE] = "SELECT " HISTORY_COLUMNS
                       " FROM message m CROSS JOIN chat c ON c.id=m.chat "
                       "WHERE m.row<?2 AND m.row>=?4 AND m.flags&1024=0 "
                       "AND c.kind<>99 ORDER BY m.row DESC LIMIT ?3",
    [SQL_SEEK] = "SELECT m.row FROM " ROWS_AFTER " p CROSS JOIN message m "
                 "ON m.row=p.row WHERE m.chat=?1 AND flags&1024=0 LIMIT 1",
    [SQL_COUNT] = "SELECT (SELECT count(*) FROM message WHERE row>" PLACED_ROW
                  " AND chat=?1)+(SELECT count(*) FROM place WHERE chat=?1 "
                  "AND row<=" PLACED_ROW ")",
    [SQL_COUNT_ALL] = "SELECT (SELECT count(*) FROM message WHERE row>"
                      PLACED_ROW ")+(SELECT count(*) FROM place WHERE row<="
                      PLACED_ROW ")",
    [SQL_COUNT_FRESH] = "SELECT count(*) FROM (SELECT 1 FROM message "
                        "WHERE row>" PLACED_ROW " LIMIT ?1)",
    [SQL_NEXT_FRESH] = "SELECT chat,row FROM message WHERE row>" PLACED_ROW
                       " ORDER BY row LIMIT ?1",
    [SQL_OLD_INDEX] =
        "SELECT 1 FROM sqlite_schema WHERE name='message_chat'",
    [SQL_OUTBOX] = MESSAGES "WHERE m.delivery=1 ORDER BY m.row",
    [SQL_OUTBOX_SENT] =
        MESSAGES "WHERE m.delivery=1 AND m.sm_seq IS NOT NULL ORDER BY m.row",
    [SQL_OUTBOX_AFTER] =
        MESSAGES "WHERE m.delivery=1 AND m.row>?1 AND m.sm_seq IS NULL "
                 "ORDER BY m.row LIMIT ?2",
    [SQL_COUNT_UNSENT] = "SELECT count(*) FROM message "
                         "INDEXED BY message_outbox WHERE delivery=1 AND "
                         "row>?1 AND row<=?2 AND sm_seq IS NULL",
    [SQL_WAITING] = "SELECT rows FROM waiting",
    [SQL_WORDS] =
        "SELECT " WORD_COLUMNS " FROM message m JOIN chat c ON c.id=m.chat "
        "WHERE m.row=?1 AND m.flags&2048",
    [SQL_INDEXED_BEFORE] =
        "SELECT " WORD_COLUMNS " FROM message m JOIN chat c ON c.id=m.chat "
        "WHERE m.row<=?1 AND m.flags&2048 ORDER BY m.row DESC LIMIT ?2",
    [SQL_COUNT_WAITING] = "SELECT sum(length(rows)/8) FROM waiting",
    [SQL_SEARCH] =
        "SELECT " HISTORY_COLUMNS " FROM words CROSS JOIN message m "
        "ON m.row=words.rowid CROSS JOIN chat c ON c.id=m.chat "
        "WHERE words MATCH ?1 AND words.rowid<?2 AND words.rowid>=?3 "
        "AND c.kind<>99 ORDER BY words.rowid DESC LIMIT ?4",
    [SQL_LAST] = "SELECT last FROM archive WHERE jid=?1",
    [SQL_HOLES] = "SELECT row,archive,after,before FROM hole WHERE archive=?1 "
                  "ORDER BY row",
    [SQL_VALUE] = "SELECT value FROM value WHERE key=?1",
};
