/*
 * Unsynced writes: for each file the old bytes that a write covers, and the
 * old length, are kept in a list until the file is synced; a power cut puts
 * them back, newest first. What a failed sync did not write no later one
 * writes, unless it is written once more. Deletions are believed at once, as
 * SQLite syncs the directory behind them.
 */
#include "kit_vfs.h"
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <glib.h>

struct undo {
    char *path;
    gint64 offset, old_size;
    gsize len; /* of old */
    guint8 *old;
    gsize written;
    gsize lost; /* bytes of it that no sync writes any more */
};

struct file {
    sqlite3_file base;
    char *path;
    sqlite3_file *real; /* behind us in the same allocation */
};

static struct {
    sqlite3_vfs vfs, *real;
    unsigned calls, at, freeze_at;
    int code;
    int sync_code;
    bool once, failed, watching, frozen;
    void (*on_frozen)(void);
    GPtrArray *undo;
} disk;

/* Syncs come from another thread. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void unlock(pthread_mutex_t **locked)
{
    pthread_mutex_unlock(*locked);
}

#define LOCKED \
    __attribute__((cleanup(unlock))) pthread_mutex_t *locked = &mutex; \
    pthread_mutex_lock(locked)

static void undo_free(gpointer data)
{
    struct undo *undo = data;

    g_free(undo->path);
    g_free(undo->old);
    g_free(undo);
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct file *)file)->real;
}

static int trouble(void)
{
    disk.calls++;
    if (disk.freeze_at && --disk.freeze_at == 0) {
        disk.frozen = true;
        if (disk.on_frozen)
            disk.on_frozen();
    }
    if (!disk.at || disk.calls < disk.at ||
        (disk.once && disk.calls > disk.at))
        return SQLITE_OK;
    disk.failed = true;
    return disk.code;
}

/* What a failed sync lost is found when all of it is written again. */
static void find_again(sqlite3_file *file, gint64 offset, gsize len)
{
    for (guint i = 0; i < disk.undo->len; i++) {
        struct undo *undo = disk.undo->pdata[i];
        gint64 end = MIN(undo->offset + (gint64)undo->written,
            offset + (gint64)len);
        gint64 both = end - MAX(undo->offset, offset);
        if (undo->lost && both > 0 &&
            strcmp(undo->path, ((struct file *)file)->path) == 0)
            undo->lost -= MIN(undo->lost, (gsize)both);
    }
}

/* As Linux does: what could not be written counts as clean from then on. */
static void lose(sqlite3_file *file)
{
    for (guint i = 0; i < disk.undo->len; i++) {
        struct undo *undo = disk.undo->pdata[i];
        if (strcmp(undo->path, ((struct file *)file)->path) == 0)
            undo->lost = undo->written;
    }
}

static void remember(sqlite3_file *file, gint64 offset, gsize len)
{
    struct undo *undo;
    sqlite3_int64 size = 0;

    if (!disk.watching)
        return;
    find_again(file, offset, len);
    real_of(file)->pMethods->xFileSize(real_of(file), &size);
    undo = g_new0(struct undo, 1);
    undo->path = g_strdup(((struct file *)file)->path);
    undo->offset = offset;
    undo->written = len;
    undo->old_size = size;
    undo->len = offset < size ? MIN(len, (gsize)(size - offset)) : 0;
    undo->old = g_malloc0(undo->len + 1);
    if (undo->len)
        real_of(file)->pMethods->xRead(
            real_of(file), undo->old, (int)undo->len, offset);
    g_ptr_array_add(disk.undo, undo);
}

static int file_close(sqlite3_file *file)
{
    int result = real_of(file)->pMethods->xClose(real_of(file));

    g_free(((struct file *)file)->path);
    return result;
}

static int file_read(
    sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), data, len, offset);
}

static int file_write(
    sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    LOCKED;
    int result = trouble();

    if (result != SQLITE_OK)
        return result;
    if (disk.frozen)
        return SQLITE_OK;
    remember(file, offset, (gsize)len);
    return real_of(file)->pMethods->xWrite(real_of(file), data, len, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    LOCKED;
    int result = trouble();
    sqlite3_int64 old = 0;

    if (result != SQLITE_OK)
        return result;
    if (disk.frozen)
        return SQLITE_OK;
    real_of(file)->pMethods->xFileSize(real_of(file), &old);
    remember(file, size, old > size ? (gsize)(old - size) : 0);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    LOCKED;
    int result = disk.sync_code ? disk.sync_code : trouble();

    (void)flags;
    if (result != SQLITE_OK)
        lose(file);
    if (result != SQLITE_OK || disk.frozen)
        return result;
    for (guint i = disk.undo->len; i-- > 0;) {
        const struct undo *undo = disk.undo->pdata[i];
        if (!undo->lost &&
            strcmp(undo->path, ((struct file *)file)->path) == 0)
            g_ptr_array_remove_index(disk.undo, i);
    }
    return SQLITE_OK; /* the tests do not need the real disk to spin */
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int file_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int file_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(
    sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(
        real_of(file), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
    int flags, int *out_flags)
{
    struct file *ours = (struct file *)file;
    int result;

    (void)vfs;
    memset(ours, 0, sizeof *ours);
    ours->real = (sqlite3_file *)(ours + 1);
    result =
        disk.real->xOpen(disk.real, name, ours->real, flags, out_flags);
    if (result != SQLITE_OK)
        return result;
    ours->path = g_strdup(name ? name : "");
    ours->base.pMethods = &methods;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
    LOCKED;
    (void)vfs;
    if (disk.frozen)
        return SQLITE_OK;
    for (guint i = disk.undo->len; i-- > 0;) {
        const struct undo *undo = disk.undo->pdata[i];
        if (strcmp(undo->path, name) == 0)
            g_ptr_array_remove_index(disk.undo, i);
    }
    return disk.real->xDelete(disk.real, name, sync);
}

void vfs_install(void)
{
    if (disk.real)
        return;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "faulty";
    disk.vfs.szOsFile = (int)sizeof(struct file) + disk.real->szOsFile;
    disk.vfs.xOpen = open_file;
    disk.vfs.xDelete = delete_file;
    disk.undo = g_ptr_array_new_with_free_func(undo_free);
    sqlite3_vfs_register(&disk.vfs, 1);
}

void vfs_fail(unsigned n, int code, bool once)
{
    disk.calls = 0;
    disk.at = n;
    disk.code = code;
    disk.once = once;
    disk.failed = false;
}

void vfs_fail_sync(int code)
{
    disk.sync_code = code;
}

unsigned vfs_calls(void)
{
    return disk.calls;
}

bool vfs_failed(void)
{
    return disk.failed;
}

void vfs_watch_power(bool on)
{
    disk.watching = on;
    disk.frozen = false;
    g_ptr_array_set_size(disk.undo, 0);
}

void vfs_freeze(void)
{
    disk.frozen = true;
}

void vfs_freeze_at(unsigned n)
{
    disk.freeze_at = n;
}

void vfs_on_frozen(void (*fn)(void))
{
    disk.on_frozen = fn;
}

bool vfs_frozen(void)
{
    return disk.frozen;
}

void vfs_power_cut(bool torn)
{
    for (guint i = disk.undo->len; i-- > 0;) {
        const struct undo *undo = disk.undo->pdata[i];
        int fd;
        if (torn && i % 2)
            continue;
        fd = open(undo->path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (undo->len)
            g_assert_cmpint(
                pwrite(fd, undo->old, undo->len, undo->offset), ==,
                (gssize)undo->len);
        if (!torn)
            g_assert_cmpint(ftruncate(fd, undo->old_size), ==, 0);
        close(fd);
    }
    g_ptr_array_set_size(disk.undo, 0);
    disk.frozen = false;
    disk.freeze_at = 0;
}
