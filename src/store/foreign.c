/* A read-only, immutable connection with views and triggers switched off. */
#include "store/foreign.h"

#include <glib.h>
#include <sqlite3.h>

#define VALUE_MAX_BYTES (16 * 1024 * 1024)

struct foreign {
    sqlite3 *db;
    sqlite3_stmt *rows;
};

static bool open_file(struct foreign *foreign, const char *path)
{
    g_autofree char *uri = g_filename_to_uri(path, NULL, NULL);
    g_autofree char *frozen =
        uri ? g_strconcat(uri, "?immutable=1", NULL) : NULL;
    return frozen &&
        sqlite3_open_v2(frozen, &foreign->db,
            SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_PRIVATECACHE,
            NULL) == SQLITE_OK;
}

struct foreign *foreign_open(const char *path, const char *sql)
{
    struct foreign *foreign = g_new0(struct foreign, 1);
    bool good = open_file(foreign, path);
    if (good) {
        sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
        sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        sqlite3_limit(foreign->db, SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES);
        good = sqlite3_prepare_v2(
                   foreign->db, sql, -1, &foreign->rows, NULL) == SQLITE_OK;
    }
    if (good)
        return foreign;
    foreign_close(foreign);
    return NULL;
}

void foreign_close(struct foreign *foreign)
{
    if (!foreign)
        return;
    sqlite3_finalize(foreign->rows);
    sqlite3_close(foreign->db);
    g_free(foreign);
}

bool foreign_next(struct foreign *foreign)
{
    return sqlite3_step(foreign->rows) == SQLITE_ROW;
}

const char *foreign_text(struct foreign *foreign, int column)
{
    const unsigned char *text = sqlite3_column_text(foreign->rows, column);
    return text ? (const char *)text : "";
}
