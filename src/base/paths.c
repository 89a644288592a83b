/*
 * Every file of ours is written through here, so that one place knows about
 * modes, owners, symbolic links and torn writes. A directory that somebody
 * else can change is refused rather than repaired: what it holds may already
 * be theirs.
 */
#include "base/paths.h"
#include "base/intl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_errno(
    GError **error, int code, const char *what, const char *path)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code),
        "%s %s: %s.", what, path, g_strerror(code));
}

static void refuse(GError **error, const char *path, const char *why)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_PERM, "%s %s.", path, why);
}

/* The base directory specification: what is not absolute is not set. */
static char *in_base(const char *base, const char *below_home)
{
    if (g_path_is_absolute(base))
        return g_build_filename(base, "txmpp", NULL);
    return g_build_filename(g_get_home_dir(), below_home, "txmpp", NULL);
}

struct paths *paths_new(const char *profile, const char *config_file)
{
    struct paths *paths = g_new0(struct paths, 1);
    if (profile) {
        g_autofree char *dir = g_canonicalize_filename(profile, NULL);
        paths->config_dir = g_strdup(dir);
        paths->data_dir = g_strdup(dir);
        paths->cache_dir = g_build_filename(dir, "cache", NULL);
    } else {
        paths->config_dir = in_base(g_get_user_config_dir(), ".config");
        paths->data_dir = in_base(g_get_user_data_dir(), ".local/share");
        paths->cache_dir = in_base(g_get_user_cache_dir(), ".cache");
    }
    paths->config_file =
        config_file ? g_canonicalize_filename(config_file, NULL)
                    : g_build_filename(paths->config_dir, "txmpp.conf", NULL);
    return paths;
}

void paths_free(struct paths *paths)
{
    if (!paths)
        return;
    g_free(paths->config_dir);
    g_free(paths->data_dir);
    g_free(paths->cache_dir);
    g_free(paths->config_file);
    g_free(paths);
}

/* Parents may be shared (/home, /tmp with its sticky bit), but nobody may be
 * able to put another directory in the place of ours. */
static bool check_parent(const char *path, GError **error)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        set_errno(error, errno, _("Cannot look at"), path);
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        refuse(error, path, _("is not a directory: choose another place"));
        return false;
    }
    if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)) {
        refuse(error, path,
            _("can be written to by everybody: choose another place, or take "
            "that right away with chmod o-w"));
        return false;
    }
    return true;
}

static bool check_own_dir(const char *path, GError **error)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        set_errno(error, errno, _("Cannot look at"), path);
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        refuse(error, path, _("is not a directory: move it out of the way"));
        return false;
    }
    if (st.st_uid != geteuid()) {
        refuse(error, path,
            _("belongs to another user: choose a directory of your own"));
        return false;
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        refuse(error, path,
            _("can be written to by others: check what is in it, then take that "
            "right away with chmod go-w"));
        return false;
    }
    /* Others could read it; nobody could change it: simply closed (H62). */
    if (st.st_mode & 077)
        (void)chmod(path, 0700);
    return true;
}

/* From the root downwards: existing parents are checked, missing ones made. */
static bool make_parents(const char *dir, GError **error)
{
    g_autofree char *path = g_strdup(dir);
    for (char *slash = strchr(path + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST && errno != EROFS &&
            errno != EACCES && errno != EISDIR) {
            set_errno(error, errno, _("Cannot make the directory"), path);
            return false;
        }
        if (!check_parent(path, error))
            return false;
        *slash = '/';
    }
    return true;
}

bool paths_make_private_dir(const char *dir, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(dir, NULL);
    if (!make_parents(path, error))
        return false;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        int saved = errno;
        struct stat st;
        /* A read-only home may well hold the directory already (F14). */
        if (stat(path, &st) < 0) {
            set_errno(error, saved, _("Cannot make the directory"), path);
            return false;
        }
    }
    return check_own_dir(path, error);
}

/* What is replaced or appended to must be an ordinary file of ours. */
static bool check_file(const char *path, const struct stat *st, GError **error)
{
    if (S_ISLNK(st->st_mode)) {
        refuse(error, path,
            _("is a symbolic link: put the file itself there, or name the file "
            "it points to"));
        return false;
    }
    if (!S_ISREG(st->st_mode)) {
        refuse(error, path, _("is not an ordinary file: move it out of the way"));
        return false;
    }
    if (st->st_uid != geteuid()) {
        refuse(error, path, _("belongs to another user: choose another file"));
        return false;
    }
    return true;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n ? errno : EIO;
            return false;
        }
        data += n;
        len -= n;
    }
    return true;
}

/* Data, mode and name are on the disk when this returns true; fd is closed. */
static bool commit_file(int fd, const char *temp, const char *path,
    const char *dir, const char *data, size_t len)
{
    bool ok =
        fchmod(fd, 0600) == 0 && write_all(fd, data, len) && fsync(fd) == 0;
    int saved = errno;
    if (close(fd) < 0 && ok) {
        saved = errno;
        ok = false;
    }
    if (!ok || rename(temp, path) < 0) {
        saved = ok ? errno : saved;
        unlink(temp);
        errno = saved;
        return false;
    }
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd >= 0) {
        (void)fsync(dir_fd); /* some file systems cannot; the file is whole */
        close(dir_fd);
    }
    return true;
}

bool paths_write_file(
    const char *path, const char *data, gssize len, GError **error)
{
    struct stat st;
    if (lstat(path, &st) == 0) {
        if (!check_file(path, &st, error))
            return false;
    } else if (errno != ENOENT) {
        set_errno(error, errno, _("Cannot look at"), path);
        return false;
    }
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *hidden = g_strdup_printf(".%s.XXXXXX", base);
    g_autofree char *temp = g_build_filename(dir, hidden, NULL);
    int fd = g_mkstemp_full(temp, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        set_errno(error, errno, _("Cannot write a file next to"), path);
        return false;
    }
    size_t n = len < 0 ? strlen(data) : (size_t)len;
    if (!commit_file(fd, temp, path, dir, data, n)) {
        set_errno(error, errno, _("Cannot write"), path);
        return false;
    }
    return true;
}

int paths_open_append(const char *path, GError **error)
{
    int fd = open(path,
        O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
            O_NONBLOCK,
        0600);
    if (fd < 0) {
        if (errno == ELOOP)
            refuse(
                error, path, _("is a symbolic link: name the file it points to"));
        else
            set_errno(error, errno, _("Cannot open"), path);
        return -1;
    }
    struct stat st;
    bool ok = fstat(fd, &st) == 0;
    if (!ok)
        set_errno(error, errno, _("Cannot look at"), path);
    if (!ok || !check_file(path, &st, error)) {
        close(fd);
        return -1;
    }
    if (st.st_mode & 077)
        (void)fchmod(fd, 0600);
    (void)fcntl(fd, F_SETFL, O_APPEND); /* non-blocking only against FIFOs */
    return fd;
}
