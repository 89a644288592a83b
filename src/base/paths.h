/* Where files live (contract.md s. 3): the XDG places, or one directory given
 * with --profile. Directories are made with mode 0700, files with 0600. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/auto.h"

struct paths {
    char *config_dir; /* txmpp.conf, themes/ */
    char *data_dir;   /* BAREJID/ … */
    char *cache_dir;
    char *config_file;
};

/* profile and config_file may be NULL. Never fails: nothing is created yet. */
struct paths *paths_new(const char *profile, const char *config_file);
void paths_free(struct paths *paths);
AUTO_STRUCT_FREE(paths, paths_free)

/* Creates dir and its parents, 0700. Refuses a directory that others may
 * write to or that belongs to somebody else (H64). */
bool paths_make_private_dir(const char *dir, GError **error);

/* Writes by temporary file, fsync, rename, fsync of the directory; mode 0600.
 * The old file stays whole on any failure (F13, F16). */
bool paths_write_file(const char *path, const char *data, gssize len, GError **error);

/* Opens for appending or creates, 0600, O_NOFOLLOW | O_CLOEXEC; -1 on error. */
int paths_open_append(const char *path, GError **error);
