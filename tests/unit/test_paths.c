/* Where files live, who may touch them (H64), and that they are whole (F13). */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include "base/paths.h"
#include "tree.h"

static char *root; /* a private directory for the whole program */

static char *in_root(const char *name)
{
    return g_build_filename(root, name, NULL);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    g_assert_cmpint(lstat(path, &st), ==, 0);
    return st.st_mode & 07777;
}

static void test_places(void)
{
    auto_struct(paths) xdg = paths_new(NULL, NULL);
    g_autofree char *config = in_root("xdg-config/txmpp");
    g_autofree char *file = in_root("xdg-config/txmpp/txmpp.conf");
    g_autofree char *data = in_root("xdg-data/txmpp");
    g_autofree char *cache = in_root("xdg-cache/txmpp");
    g_assert_cmpstr(xdg->config_dir, ==, config);
    g_assert_cmpstr(xdg->config_file, ==, file);
    g_assert_cmpstr(xdg->data_dir, ==, data);
    g_assert_cmpstr(xdg->cache_dir, ==, cache);
    auto_struct(paths) profile = paths_new("/srv/p", "/etc/x.conf");
    g_assert_cmpstr(profile->config_dir, ==, "/srv/p");
    g_assert_cmpstr(profile->data_dir, ==, "/srv/p");
    g_assert_cmpstr(profile->cache_dir, ==, "/srv/p/cache");
    g_assert_cmpstr(profile->config_file, ==, "/etc/x.conf");
    auto_struct(paths) relative = paths_new("p", NULL);
    g_assert_true(g_path_is_absolute(relative->config_file));
    g_assert_true(g_str_has_suffix(relative->config_file, "/p/txmpp.conf"));
}

static void test_make_dir(void)
{
    mode_t old = umask(0);
    g_autofree char *dir = in_root("a/b/c");
    g_autofree char *parent = in_root("a/b");
    g_assert_true(paths_make_private_dir(dir, NULL));
    g_assert_cmpuint(mode_of(dir), ==, 0700);
    g_assert_cmpuint(mode_of(parent), ==, 0700);
    g_assert_true(paths_make_private_dir(dir, NULL));
    /* readable by others: closed without a word */
    g_assert_cmpint(chmod(dir, 0755), ==, 0);
    g_assert_true(paths_make_private_dir(dir, NULL));
    g_assert_cmpuint(mode_of(dir), ==, 0700);
    g_autofree char *slash = in_root("a/b/d///");
    g_assert_true(paths_make_private_dir(slash, NULL));
    umask(old);
}

static void expect_refused_dir(const char *dir, const char *word)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(paths_make_private_dir(dir, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, word));
    g_assert_true(g_str_has_suffix(error->message, "."));
}

static void test_h64_dirs(void)
{
    g_autofree char *dir = in_root("open");
    g_autofree char *below = in_root("open/sub/dir");
    g_autofree char *file = in_root("file");
    g_autofree char *in_file = in_root("file/dir");
    g_assert_true(paths_make_private_dir(dir, NULL));
    g_assert_cmpint(chmod(dir, 0777), ==, 0);
    expect_refused_dir(dir, "chmod go-w");
    expect_refused_dir(below, "chmod o-w");
    g_assert_cmpint(chmod(dir, 0770), ==, 0);
    expect_refused_dir(dir, "chmod go-w");
    /* a shared place with the sticky bit, as /tmp is, may hold ours */
    g_assert_cmpint(chmod(dir, 01777), ==, 0);
    g_assert_true(paths_make_private_dir(below, NULL));
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    expect_refused_dir(file, "not a directory");
    expect_refused_dir(in_file, "not a directory");
    if (geteuid() != 0)
        expect_refused_dir("/usr", "another user");
    else if (chown(dir, 12345, -1) == 0)
        expect_refused_dir(dir, "another user");
}

static void expect_content(const char *path, const char *expected)
{
    g_autofree char *content = NULL;
    g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, expected);
}

static int files_in(const char *dir)
{
    g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
    int n = 0;
    while (g_dir_read_name(d))
        n++;
    return n;
}

static void test_write(void)
{
    mode_t old = umask(0);
    g_autofree char *dir = in_root("write");
    g_autofree char *path = in_root("write/txmpp.conf");
    g_assert_true(paths_make_private_dir(dir, NULL));
    g_assert_true(paths_write_file(path, "one", -1, NULL));
    expect_content(path, "one");
    g_assert_cmpuint(mode_of(path), ==, 0600);
    g_assert_cmpint(chmod(path, 0644), ==, 0);
    g_assert_true(paths_write_file(path, "two and more", 3, NULL));
    expect_content(path, "two");
    g_assert_cmpuint(mode_of(path), ==, 0600);
    g_assert_cmpint(files_in(dir), ==, 1);
    umask(old);
}

/* A full disk, played by the limit on the size of a file. */
static void test_f13_full(void)
{
    g_autofree char *dir = in_root("full");
    g_autofree char *path = in_root("full/txmpp.conf");
    g_autofree char *big = g_strnfill(100000, 'x');
    struct rlimit old, small;
    g_assert_true(paths_make_private_dir(dir, NULL));
    g_assert_true(paths_write_file(path, "old", -1, NULL));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){ 4096, old.rlim_max };
    setrlimit(RLIMIT_FSIZE, &small);
    g_autoptr(GError) error = NULL;
    bool ok = paths_write_file(path, big, -1, &error);
    setrlimit(RLIMIT_FSIZE, &old);
    g_assert_false(ok);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, path));
    expect_content(path, "old");
    g_assert_cmpint(files_in(dir), ==, 1);
}

static void test_f14_missing(void)
{
    g_autofree char *path = in_root("nowhere/txmpp.conf");
    g_autoptr(GError) error = NULL;
    g_assert_false(paths_write_file(path, "x", -1, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_cmpint(paths_open_append(path, &error), ==, -1);
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

static void test_h64_links(void)
{
    g_autofree char *dir = in_root("links");
    g_autofree char *target = in_root("links/target");
    g_autofree char *link = in_root("links/link");
    g_autofree char *fifo = in_root("links/fifo");
    g_assert_true(paths_make_private_dir(dir, NULL));
    g_assert_true(g_file_set_contents(target, "precious", -1, NULL));
    g_assert_cmpint(symlink(target, link), ==, 0);
    g_autoptr(GError) a = NULL;
    g_assert_false(paths_write_file(link, "x", -1, &a));
    g_assert_nonnull(strstr(a->message, "symbolic link"));
    g_autoptr(GError) b = NULL;
    g_assert_cmpint(paths_open_append(link, &b), ==, -1);
    g_assert_nonnull(strstr(b->message, "symbolic link"));
    expect_content(target, "precious");
    /* a FIFO nobody reads would hang a careless open */
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_autoptr(GError) c = NULL;
    g_assert_cmpint(paths_open_append(fifo, &c), ==, -1);
    g_assert_nonnull(c);
    g_autoptr(GError) d = NULL;
    g_assert_false(paths_write_file(fifo, "x", -1, &d));
    g_assert_nonnull(d);
}

static void test_append(void)
{
    mode_t old = umask(0);
    g_autofree char *path = in_root("log");
    for (int i = 0; i < 2; i++) {
        int fd = paths_open_append(path, NULL);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, !=, 0);
        g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
        g_assert_cmpint(write(fd, "x", 1), ==, 1);
        close(fd);
        g_assert_cmpuint(mode_of(path), ==, 0600);
        g_assert_cmpint(chmod(path, 0644), ==, 0);
    }
    expect_content(path, "xx");
    umask(old);
}

int main(int argc, char **argv)
{
    root = g_dir_make_tmp("paths-XXXXXX", NULL);
    g_autofree char *config = in_root("xdg-config");
    g_autofree char *data = in_root("xdg-data");
    g_autofree char *cache = in_root("xdg-cache");
    g_setenv("XDG_CONFIG_HOME", config, TRUE);
    g_setenv("XDG_DATA_HOME", data, TRUE);
    g_setenv("XDG_CACHE_HOME", cache, TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/paths/places", test_places);
    g_test_add_func("/paths/make-dir", test_make_dir);
    g_test_add_func("/paths/H64-directories", test_h64_dirs);
    g_test_add_func("/paths/H64-links", test_h64_links);
    g_test_add_func("/paths/write", test_write);
    g_test_add_func("/paths/F13-full-disk", test_f13_full);
    g_test_add_func("/paths/F14-missing", test_f14_missing);
    g_test_add_func("/paths/append", test_append);
    int rc = g_test_run();
    tree_remove(root);
    g_free(root);
    return rc;
}
