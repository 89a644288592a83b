/*
 * A disk that fails when told to: an SQLite VFS on top of the usual one, made
 * the default one by vfs_install(). Writes, truncations and syncs are counted
 * over all files; at the nth (and after it, as long as failing is on) they fail
 * with the code given. vfs_power_cut() throws away what was written since a
 * file's last sync, as a power cut may; a part of it may have reached the disk.
 */
#pragma once
#include <stdbool.h>
#include <sqlite3.h>

void vfs_install(void);
/* The nth writing call from now fails with code (SQLITE_FULL …); once: only
 * that one, else all from it on. n = 0: none any more. */
void vfs_fail(unsigned n, int code, bool once);
void vfs_fail_sync(int code); /* every one, 0: none any more */
unsigned vfs_calls(void);   /* writing calls since the last vfs_fail() */
bool vfs_failed(void);      /* did one fail since the last vfs_fail()? */
/* Keeps copies of what is not synced from now on (costly), or stops that. */
void vfs_watch_power(bool on);
/* Every file opened through us is as it was synced last; with torn, every
 * second page written since is kept. Close the database before: nothing
 * that it does on closing counts. Call vfs_freeze() first. */
void vfs_freeze(void);      /* from now on the disk ignores every write */
void vfs_freeze_at(unsigned n); /* the nth writing call from now is the first */
bool vfs_frozen(void);
void vfs_on_frozen(void (*fn)(void)); /* called then: a process may end there */
void vfs_power_cut(bool torn);
