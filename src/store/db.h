/*
 * One SQLite file of ours: who may see it, what may be in it, what to do when
 * it is damaged. The file may be hostile (a profile that somebody handed us):
 * nothing in its schema is run, and a schema that is not exactly ours counts
 * as damage (H64).
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <sqlite3.h>

#define DB_ERROR db_error_quark()
GQuark db_error_quark(void);
enum db_error {
    DB_ERROR_UNUSABLE, /* no right, no space, a symbolic link, in use: the file is left alone */
    DB_ERROR_NEWER,    /* written by a newer txmpp: left alone (F15) */
    DB_ERROR_DAMAGED,  /* not a database, or not ours: db_put_aside() it */
};

struct db_schema {
    int version;               /* PRAGMA user_version, from 1 */
    const char *const *create; /* as sqlite_schema shows them; NULL ends */
    const char *const *old;    /* may be there yet, after an upgrade; NULL */
    const char *fill;          /* run once after create; NULL */
    const char *fts;           /* its shadow tables are expected, too; NULL */
    const char *const *upgrade; /* upgrade[v] takes version v to v + 1 */
};

struct db;
/* Opens or creates dir/name (dir is made private), 0600, WAL. NULL and error
 * otherwise; statements is a static table for db_statement(). Nothing waits for
 * the disk, a new file neither. */
struct db *db_open(const char *dir, const char *name, const struct db_schema *schema,
    const char *const *statements, guint n_statements, GError **error);
/* The same, in memory; never NULL. */
struct db *db_open_memory(const struct db_schema *schema, const char *const *statements,
    guint n_statements);
void db_close(struct db *db);
sqlite3 *db_handle(const struct db *db);

/* The prepared statement, reset and without bindings; NULL when it cannot be
 * prepared (damage, no memory): db_result() says why. Borrowed. */
sqlite3_stmt *db_statement(struct db *db, guint which);
int db_result(const struct db *db);
/* Runs plain text; SQLite's result code. */
int db_exec(struct db *db, const char *sql);

/* ---- the disk ---- */

/* What was committed before is on disk when this says SQLITE_OK. In any thread,
 * while others use db, but not twice at once. */
int db_sync(struct db *db);
/* When that failed: the system may take for written what it could not write.
 * Writes it again, then syncs. Not while anybody writes. */
int db_sync_again(struct db *db);
/* How much the last commit left in the WAL, and moves it to the file, over a
 * connection of its own: in any thread, while others use db. */
guint db_wal_pages(const struct db *db);
int db_checkpoint(struct db *db);
/* Of them the last one moved so many. Not while one is running. */
guint db_moved_pages(const struct db *db);

/* The full text table of the schema is damaged: another, empty one takes its
 * place, and the statements are prepared anew. What the old one held is not
 * freed, for nothing says whose pages a damaged tree claims: it stays behind,
 * unused. also: run with it. Not within a transaction. SQLite's result code. */
int db_renew_fts(struct db *db, const struct db_schema *schema, const char *also);

/* What a result code asks of us. */
enum db_trouble {
    DB_FINE,
    DB_LATER,   /* disk full, input/output error, locked, no memory: try again */
    DB_DAMAGED, /* the file is not to be trusted any more */
    DB_REFUSED, /* this statement only: too big, a constraint */
};
enum db_trouble db_trouble(int result);

/* Renames dir/name to name.damaged-STAMP, with -wal and -shm. Never deletes.
 * Returns the new path, NULL and error when it cannot be renamed. */
char *db_put_aside(const char *dir, const char *name, GError **error);
