/*
 * The file is looked at before SQLite opens it, its schema before anything of
 * it is used. Triggers and views are switched off for good; what is left of a
 * hostile file is data, read with cell_size_check and within limits.
 *
 * A commit writes to the WAL and waits for nothing: after a power cut the file
 * is whole, but lacks the last ones. Whoever must know calls db_sync(). A new
 * file is made without any sync, and a mark beside it says so until the first
 * one: with it, after a power cut, whatever is left of the file is nothing.
 */
#include "store/db.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/intl.h"
#include "base/paths.h"
#include "base/stamp.h"

#define APPLICATION_ID "1954049392" /* "txmp" */
#define MAX_VALUE_BYTES (64 << 20)
#define BUSY_MS 50
#define SMALLEST 512 /* a page */
#define AGAIN_BYTES (1 << 16)

/* A page that is written to the WAL before its transaction ends is written twice,
 * and those behind it, too: cache_spill is what the largest slice needs.
 * The checkpoint at a certain size would wait for the disk: db_checkpoint(). So
 * would cutting the WAL, to let it grow again: the limit is more than it gets. */
static const char pragmas[] = "PRAGMA synchronous=NORMAL;"
                              "PRAGMA cache_size=-1600;"
                              "PRAGMA cache_spill=1500;"
                              "PRAGMA temp_store=MEMORY;"
                              "PRAGMA mmap_size=0;"
                              "PRAGMA trusted_schema=OFF;"
                              "PRAGMA cell_size_check=ON;"
                              "PRAGMA secure_delete=ON;"
                              "PRAGMA journal_size_limit=41943040;";
/* An empty file, which the power may take away: there is nothing to be saved. */
static const char making[] =
    "PRAGMA synchronous=OFF;PRAGMA journal_mode=MEMORY;";
static const char made[] = "PRAGMA synchronous=NORMAL;";

#define BOOT_ID "/proc/sys/kernel/random/boot_id" /* no two are alike */

struct db {
    sqlite3 *handle;
    char *path; /* NULL: in memory */
    char *mark; /* there until the first sync; NULL */
    sqlite3_file *file, *wal;
    guint wal_pages, moved_pages;
    int result;
    const char *const *sql;
    guint n_statements;
    sqlite3_stmt **statements;
};

G_DEFINE_QUARK(db-error, db_error)

/* ---- the file ---------------------------------------------------------- */

static bool refuse(GError **error, enum db_error code, const char *path,
    const char *why)
{
    g_set_error(error, DB_ERROR, code, "%s %s.", path, why);
    return false;
}

/* An ordinary file of ours that nobody else can open, or none at all. */
static bool check_file(const char *path, bool *cut, GError **error)
{
    struct stat st;

    *cut = false;
    if (lstat(path, &st) < 0) {
        if (errno == ENOENT)
            return true;
        return refuse(error, DB_ERROR_UNUSABLE, path, g_strerror(errno));
    }
    if (S_ISLNK(st.st_mode))
        return refuse(error, DB_ERROR_UNUSABLE, path,
            _("is a symbolic link: put the file itself there"));
    if (!S_ISREG(st.st_mode))
        return refuse(error, DB_ERROR_UNUSABLE, path,
            _("is not an ordinary file: move it out of the way"));
    if (st.st_uid != geteuid())
        return refuse(error, DB_ERROR_UNUSABLE, path,
            _("belongs to another user: move it out of the way"));
    if ((st.st_mode & 077) && chmod(path, 0600) < 0)
        return refuse(error, DB_ERROR_UNUSABLE, path,
            _("can be read by others, and that cannot be changed"));
    *cut = st.st_size < SMALLEST;
    return true;
}

/* The boot that a mark was made in; NULL: there is none, or nobody knows. */
static char *read_boot(const char *path)
{
    char text[64];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;

    if (fd >= 0)
        close(fd);
    return n >= 0 ? g_strndup(text, (gsize)n) : NULL;
}

static bool write_mark(const char *mark, const char *boot, GError **error)
{
    const size_t len = strlen(boot);
    int fd = open(mark, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
        0600);
    bool written = fd >= 0 && write(fd, boot, len) == (ssize_t)len;
    int number = errno;

    if (fd >= 0)
        close(fd);
    if (written)
        return true;
    unlink(mark);
    return refuse(error, DB_ERROR_UNUSABLE, mark, g_strerror(number));
}

/* Nothing of it was confirmed to anybody. */
static void discard(const char *path)
{
    static const char *const names[] = { "", "-wal", "-shm", "-journal" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *name = g_strconcat(path, names[i], NULL);
        unlink(name);
    }
}

/* The mark's name when the file is not known to be on disk yet. */
static bool look_for_mark(const char *path, char **mark, GError **error)
{
    g_autofree char *name = g_strconcat(path, ".new", NULL);
    g_autofree char *boot = read_boot(BOOT_ID);
    g_autofree char *marked = read_boot(name);

    *mark = NULL;
    if (marked && g_strcmp0(marked, boot) != 0)
        discard(path);
    if (access(path, F_OK) == 0) {
        if (marked)
            *mark = g_steal_pointer(&name);
        return true;
    }
    if (!boot)
        return true;
    if (!write_mark(name, boot, error))
        return false;
    *mark = g_steal_pointer(&name);
    return true;
}

/* A file that exists and holds less than a page was cut off (F15): SQLite
 * would take it for a new one. */
static bool check_files(
    const char *path, char **mark, bool *fresh, GError **error)
{
    static const char *const more[] = { "-wal", "-shm", "-journal" };
    bool cut, ignored;
    int fd;

    if (!look_for_mark(path, mark, error) || !check_file(path, &cut, error))
        return false;
    if (cut && !*mark)
        return refuse(error, DB_ERROR_DAMAGED, path, _("is cut off"));
    for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
        g_autofree char *name = g_strconcat(path, more[i], NULL);
        if (!check_file(name, &ignored, error))
            return false;
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    *fresh = *mark && fd >= 0;
    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return refuse(
            error, DB_ERROR_UNUSABLE, path, g_strerror(errno));
    return true;
}

char *db_put_aside(const char *dir, const char *name, GError **error)
{
    static const char *const more[] = { "", "-wal", "-shm", "-journal" };
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *stamp = stamp_format(stamp_now());
    g_autofree char *target = NULL;

    for (guint i = 0; i < 1000; i++) {
        g_free(target);
        target = i ? g_strdup_printf("%s.damaged-%s.%u", path, stamp, i)
                   : g_strdup_printf("%s.damaged-%s", path, stamp);
        if (!g_file_test(target, G_FILE_TEST_EXISTS))
            break;
    }
    for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
        g_autofree char *from = g_strconcat(path, more[i], NULL);
        g_autofree char *to = g_strconcat(target, more[i], NULL);
        if (rename(from, to) < 0 && errno != ENOENT) {
            g_set_error(error, DB_ERROR, DB_ERROR_UNUSABLE,
                _("The damaged file %s cannot be renamed: %s."), from,
                g_strerror(errno));
            return NULL;
        }
    }
    return g_steal_pointer(&target);
}

/* ---- the schema -------------------------------------------------------- */

enum db_trouble db_trouble(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return DB_FINE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* our statements are right: the schema is not ours */
        return DB_DAMAGED;
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
        return DB_REFUSED;
    default:
        return DB_LATER;
    }
}

static bool is_shadow(const struct db_schema *schema, const char *type,
    const char *name)
{
    static const char *const tails[] = { "data", "idx", "config", "docsize",
        "content" };
    size_t len;

    if (!schema->fts || strcmp(type, "table") != 0)
        return false;
    len = strlen(schema->fts);
    if (strncmp(name, schema->fts, len) != 0 || name[len] != '_')
        return false;
    for (guint i = 0; i < G_N_ELEMENTS(tails); i++)
        if (strcmp(name + len + 1, tails[i]) == 0)
            return true;
    return false;
}

/* Which of ours is this? -1: none; n: one that needs no text of its own. */
static int known_object(const struct db_schema *schema, const char *type,
    const char *name, const char *sql)
{
    guint n = g_strv_length((char **)schema->create);

    if (!sql)
        return g_str_has_prefix(name, "sqlite_autoindex_") ? (int)n : -1;
    for (guint i = 0; i < n; i++)
        if (strcmp(sql, schema->create[i]) == 0)
            return (int)i;
    if (schema->old && g_strv_contains(schema->old, sql))
        return (int)n;
    if (is_shadow(schema, type, name) && g_str_has_prefix(sql, "CREATE TABLE"))
        return (int)n;
    return -1;
}

static const char *column(sqlite3_stmt *row, int i)
{
    return (const char *)sqlite3_column_text(row, i);
}

/* Every object is ours (or, for an older version, at least no program), and
 * none of ours is missing. found counts them. */
static int check_schema(struct db *db, const struct db_schema *schema,
    bool exactly, guint *found)
{
    sqlite3_stmt *row = NULL;
    guint ours = 0, n = g_strv_length((char **)schema->create);
    int result = sqlite3_prepare_v2(db->handle,
        "SELECT type,name,sql FROM sqlite_schema", -1, &row, NULL);

    *found = 0;
    while (result == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        const char *type = column(row, 0), *name = column(row, 1);
        int which = -1;
        ++*found;
        if (!type || !name || strcmp(type, "trigger") == 0 ||
            strcmp(type, "view") == 0)
            result = SQLITE_CORRUPT;
        else if (exactly)
            which = known_object(schema, type, name, column(row, 2));
        if (exactly && which < 0)
            result = SQLITE_CORRUPT;
        if (which >= 0 && (guint)which < n)
            ours++;
    }
    if (result == SQLITE_OK)
        result = sqlite3_finalize(row);
    else
        sqlite3_finalize(row);
    return result == SQLITE_OK && exactly && ours != n ? SQLITE_CORRUPT
                                                       : result;
}

static int read_int(struct db *db, const char *sql, int *value)
{
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL);

    if (result == SQLITE_OK) {
        result = sqlite3_step(row);
        if (result == SQLITE_ROW)
            *value = sqlite3_column_int(row, 0);
    }
    sqlite3_finalize(row);
    return result == SQLITE_ROW ? SQLITE_OK : result;
}

static int create(struct db *db, const struct db_schema *schema, int version)
{
    g_autofree char *mark = g_strdup_printf(
        "PRAGMA application_id=" APPLICATION_ID "; PRAGMA user_version=%d",
        schema->version);
    int result = db_exec(db, "BEGIN IMMEDIATE");

    if (version == 0)
        for (guint i = 0; result == SQLITE_OK && schema->create[i]; i++)
            result = db_exec(db, schema->create[i]);
    else
        for (int v = version; result == SQLITE_OK && v < schema->version; v++)
            result = db_exec(db, schema->upgrade[v]);
    if (result == SQLITE_OK && version == 0 && schema->fill)
        result = db_exec(db, schema->fill);
    if (result == SQLITE_OK)
        result = db_exec(db, mark);
    if (result == SQLITE_OK)
        result = db_exec(db, "COMMIT");
    if (!sqlite3_get_autocommit(db->handle))
        db_exec(db, "ROLLBACK");
    return result;
}

/* *newer says that the result does not count. */
static int bring_up(struct db *db, const struct db_schema *schema, bool *newer)
{
    int version = 0, result;
    guint found = 0;

    *newer = false;
    result = read_int(db, "PRAGMA user_version", &version);
    if (result != SQLITE_OK)
        return result;
    if (version > schema->version) {
        *newer = true;
        return SQLITE_OK;
    }
    if (version < schema->version) {
        result = check_schema(db, schema, false, &found);
        if (result == SQLITE_OK && (version < 0 || (version == 0 && found)))
            result = SQLITE_CORRUPT; /* somebody else's */
        if (result == SQLITE_OK)
            result = create(db, schema, version);
        if (result != SQLITE_OK)
            return result;
    }
    return check_schema(db, schema, true, &found);
}

/* ---- opening ----------------------------------------------------------- */

static struct db *new_db(const char *const *sql, guint n)
{
    struct db *db = g_new0(struct db, 1);

    /* Counting what is allocated costs a lock each time. Refused, and without
     * effect, when SQLite is in use already. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    db->sql = sql;
    db->n_statements = n;
    db->statements = g_new0(sqlite3_stmt *, n ? n : 1);
    return db;
}

static void configure(struct db *db)
{
    static const struct {
        int what, on;
    } switches[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
        { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(switches); i++)
        sqlite3_db_config(db->handle, switches[i].what, switches[i].on, NULL);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db->handle, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static int on_wal(void *data, sqlite3 *handle, const char *name, int pages)
{
    (void)handle, (void)name;
    ((struct db *)data)->wal_pages = (guint)pages;
    return SQLITE_OK;
}

/* What db_sync() needs; both are there as long as the connection. */
static int find_files(struct db *db)
{
    sqlite3_file_control(
        db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &db->file);
    sqlite3_file_control(
        db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &db->wal);
    sqlite3_wal_hook(db->handle, on_wal, db);
    return db->file && db->file->pMethods && db->wal && db->wal->pMethods
        ? SQLITE_OK
        : SQLITE_CANTOPEN;
}

static int set_wal(struct db *db)
{
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(
        db->handle, "PRAGMA journal_mode=WAL", -1, &row, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(row);
    if (result == SQLITE_ROW)
        result = g_strcmp0(column(row, 0), "wal") == 0 ? SQLITE_OK
                                                       : SQLITE_CANTOPEN;
    sqlite3_finalize(row);
    return result;
}

static void explain(GError **error, int result, const char *path,
    const char *what)
{
    bool damaged = db_trouble(result) == DB_DAMAGED;

    g_set_error(error, DB_ERROR,
        damaged ? DB_ERROR_DAMAGED : DB_ERROR_UNUSABLE,
        damaged ? _("%s is damaged (%s).") : _("%s cannot be used: %s."), path,
        what ? what : sqlite3_errstr(result));
}

struct db *db_open(const char *dir, const char *name,
    const struct db_schema *schema, const char *const *statements,
    guint n_statements, GError **error)
{
    g_autofree char *shown = g_build_filename(dir, name, NULL);
    g_autofree char *mark = NULL;
    g_autoptr(GError) why = NULL;
    char *real;
    struct db *db;
    bool newer = false, fresh = false;
    int result;

    if (!paths_make_private_dir(dir, &why)) {
        g_set_error_literal(error, DB_ERROR, DB_ERROR_UNUSABLE, why->message);
        return NULL;
    }
    if (!check_files(shown, &mark, &fresh, error))
        return NULL;
    db = new_db(statements, n_statements);
    db->mark = g_steal_pointer(&mark);
    /* NOFOLLOW looks at the whole path; a home behind a link is all right. */
    real = realpath(dir, NULL);
    db->path = g_build_filename(real ? real : dir, name, NULL);
    free(real);
    result = sqlite3_open_v2(db->path, &db->handle,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
            SQLITE_OPEN_PRIVATECACHE,
        NULL);
    if (result == SQLITE_OK) {
        configure(db);
        result = db_exec(db, pragmas);
    }
    if (result == SQLITE_OK && fresh)
        result = db_exec(db, making);
    if (result == SQLITE_OK)
        result = set_wal(db);
    if (result == SQLITE_OK)
        result = bring_up(db, schema, &newer);
    if (result == SQLITE_OK && fresh)
        result = db_exec(db, made);
    if (result == SQLITE_OK)
        result = find_files(db);
    if (result == SQLITE_OK && !newer)
        return db;
    if (newer)
        g_set_error(error, DB_ERROR, DB_ERROR_NEWER,
            _("%s was written by a newer txmpp and is left as it is: use that "
            "one, or another profile."),
            shown);
    else
        explain(error, result, shown,
            db->handle && sqlite3_errcode(db->handle) != SQLITE_OK
                ? sqlite3_errmsg(db->handle)
                : NULL);
    db_close(db);
    return NULL;
}

struct db *db_open_memory(const struct db_schema *schema,
    const char *const *statements, guint n_statements)
{
    struct db *db = new_db(statements, n_statements);
    bool newer;

    if (sqlite3_open_v2(":memory:", &db->handle,
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
            NULL) == SQLITE_OK) {
        configure(db);
        db->result = bring_up(db, schema, &newer);
    }
    return db;
}

static void forget_statements(struct db *db)
{
    for (guint i = 0; i < db->n_statements; i++) {
        sqlite3_finalize(db->statements[i]);
        db->statements[i] = NULL;
    }
}

void db_close(struct db *db)
{
    if (!db)
        return;
    if (db->mark && db->file)
        db_sync(db);
    forget_statements(db);
    g_free(db->statements);
    sqlite3_close_v2(db->handle);
    g_free(db->path);
    g_free(db->mark);
    g_free(db);
}

sqlite3 *db_handle(const struct db *db)
{
    return db->handle;
}

/* ---- statements -------------------------------------------------------- */

sqlite3_stmt *db_statement(struct db *db, guint which)
{
    sqlite3_stmt **place = &db->statements[which];

    if (*place) {
        sqlite3_reset(*place);
        return *place;
    }
    db->result = sqlite3_prepare_v3(db->handle, db->sql[which], -1,
        SQLITE_PREPARE_PERSISTENT, place, NULL);
    return *place;
}

int db_result(const struct db *db)
{
    return db->result;
}

int db_exec(struct db *db, const char *sql)
{
    return db->result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

/* ---- the disk ---------------------------------------------------------- */

static int sync_file(sqlite3_file *file)
{
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

int db_sync(struct db *db)
{
    sqlite3_vfs *vfs;
    int result;

    if (!db->path)
        return SQLITE_OK;
    if (!db->mark)
        return sync_file(db->wal);
    result = sync_file(db->file);
    if (result == SQLITE_OK)
        result = sync_file(db->wal);
    if (result != SQLITE_OK)
        return result;
    vfs = sqlite3_vfs_find(NULL); /* the folder is synced, too */
    result = vfs->xDelete(vfs, db->mark, 1);
    if (result != SQLITE_OK && result != SQLITE_IOERR_DELETE_NOENT)
        return result;
    g_clear_pointer(&db->mark, g_free);
    return SQLITE_OK;
}

static int write_again(sqlite3_file *file)
{
    g_autofree char *buffer = g_malloc(AGAIN_BYTES);
    sqlite3_int64 size = 0;
    int result = file->pMethods->xFileSize(file, &size);

    for (sqlite3_int64 at = 0; result == SQLITE_OK && at < size;
         at += AGAIN_BYTES) {
        int len = (int)MIN(AGAIN_BYTES, size - at);
        result = file->pMethods->xRead(file, buffer, len, at);
        if (result == SQLITE_OK)
            result = file->pMethods->xWrite(file, buffer, len, at);
    }
    return result;
}

/* The file itself is written by checkpoints only: they do what they have not
 * synced once more. */
int db_sync_again(struct db *db)
{
    int result = SQLITE_OK;

    if (!db->path)
        return SQLITE_OK;
    if (db->mark)
        result = write_again(db->file);
    if (result == SQLITE_OK)
        result = write_again(db->wal);
    return result == SQLITE_OK ? db_sync(db) : result;
}

guint db_wal_pages(const struct db *db)
{
    return db->wal_pages;
}

guint db_moved_pages(const struct db *db)
{
    return db->moved_pages;
}

int db_checkpoint(struct db *db)
{
    sqlite3 *handle = NULL;
    int result, moved = 0;

    if (!db->path)
        return SQLITE_OK;
    result = sqlite3_open_v2(db->path, &handle,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
            SQLITE_OPEN_PRIVATECACHE,
        NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    if (result == SQLITE_OK) /* reads a page: it knows then that there is a WAL */
        result = sqlite3_exec(handle,
            "PRAGMA trusted_schema=OFF;PRAGMA schema_version", NULL, NULL,
            NULL);
    if (result == SQLITE_OK)
        result = sqlite3_wal_checkpoint_v2(
            handle, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, &moved);
    sqlite3_close_v2(handle);
    db->moved_pages = (guint)MAX(moved, 0);
    return result;
}

/* ---- a damaged index --------------------------------------------------- */

int db_renew_fts(
    struct db *db, const struct db_schema *schema, const char *also)
{
    g_autofree char *start =
        g_strdup_printf("CREATE VIRTUAL TABLE %s ", schema->fts);
    g_autofree char *forget = g_strdup_printf(
        "BEGIN IMMEDIATE;PRAGMA writable_schema=ON;"
        "DELETE FROM sqlite_schema WHERE name='%s' OR name GLOB '%s_*';"
        "PRAGMA writable_schema=RESET",
        schema->fts, schema->fts);
    int result;

    forget_statements(db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    result = db_exec(db, forget);
    for (guint i = 0; result == SQLITE_OK && schema->create[i]; i++)
        if (g_str_has_prefix(schema->create[i], start))
            result = db_exec(db, schema->create[i]);
    if (result == SQLITE_OK && schema->fill)
        result = db_exec(db, schema->fill);
    if (result == SQLITE_OK)
        result = db_exec(db, also);
    if (result == SQLITE_OK)
        result = db_exec(db, "COMMIT");
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_exec(
        db->handle, "PRAGMA writable_schema=RESET", NULL, NULL, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return result;
}
