/* Secrets: what is read as one, and that they leave no trace (H62). */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include "base/secret.h"

static void test_basic(void)
{
    struct secret *secret = secret_new("sesame", -1);
    g_assert_cmpstr(secret_bytes(secret), ==, "sesame");
    g_assert_cmpuint(secret_len(secret), ==, 6);
    g_assert_true(secret_ref(secret) == secret);
    secret_unref(secret);
    g_assert_cmpstr(secret_bytes(secret), ==, "sesame");
    secret_unref(secret);
    secret_unref(NULL);
    auto_struct(secret) binary = secret_new("a\0b", 3);
    g_assert_cmpmem(secret_bytes(binary), secret_len(binary) + 1, "a\0b", 4);
    auto_struct(secret) none = secret_new("", 0);
    g_assert_cmpuint(secret_len(none), ==, 0);
    g_autofree char *big = g_strnfill(100000, 'x');
    auto_struct(secret) large = secret_new(big, -1);
    g_assert_cmpstr(secret_bytes(large), ==, big);
}

static void test_wipe(void)
{
    char bytes[] = "sesame";
    secret_wipe(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        g_assert_cmpint(bytes[i], ==, 0);
    secret_wipe(NULL, 0);
}

/* The kernel knows: VmFlags has "dd" for pages that no dump holds. */
static void test_h62_not_dumped(void)
{
    auto_struct(secret) secret = secret_new("sesame", -1);
    g_autofree char *smaps = NULL;
    if (!g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL)) {
        g_test_skip("no /proc/self/smaps");
        return;
    }
    g_auto(GStrv) lines = g_strsplit(smaps, "\n", -1);
    bool inside = false, found = false;
    for (char **line = lines; *line; line++) {
        guint64 first, last;
        if (sscanf(*line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x ",
                &first, &last) == 2)
            inside = (guintptr)secret >= first && (guintptr)secret < last;
        else if (inside && g_str_has_prefix(*line, "VmFlags:"))
            found = strstr(*line, " dd") != NULL;
    }
    g_assert_true(found);
}

static struct secret *through_pipe(const char *bytes, gsize len, char *rest)
{
    int fds[2];
    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(write(fds[1], bytes, len), ==, len);
    close(fds[1]);
    g_autoptr(GError) error = NULL;
    struct secret *secret = secret_read_fd(fds[0], &error);
    g_assert_true((secret == NULL) == (error != NULL));
    ssize_t n = read(fds[0], rest, 63);
    rest[n < 0 ? 0 : n] = '\0';
    close(fds[0]);
    return secret;
}

static void test_read_fd(void)
{
    static const struct {
        const char *in, *out, *rest;
    } rows[] = {
        { "sesame\n", "sesame", "" },
        { "sesame", "sesame", "" },
        { "sesame\r\n", "sesame", "" },
        { "sesame\nsecond\n", "sesame", "second\n" },
        { " two words \n", " two words ", "" },
        { "p\xc3\xa4ss\n", "p\xc3\xa4ss", "" },
        { "", NULL, "" },
        { "\nsesame\n", NULL, "sesame\n" },
        { "\r\n", NULL, "" },
    };
    char rest[64];
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        auto_struct(secret) secret =
            through_pipe(rows[i].in, strlen(rows[i].in), rest);
        g_assert_cmpstr(secret ? secret_bytes(secret) : NULL, ==, rows[i].out);
        g_assert_cmpstr(rest, ==, rows[i].rest);
    }
    auto_struct(secret) nul = through_pipe("a\0b\n", 4, rest);
    g_assert_null(nul);
    g_autofree char *line = g_strnfill(4097, 'x');
    auto_struct(secret) fits = through_pipe(line, 4096, rest);
    g_assert_cmpuint(secret_len(fits), ==, 4096);
    auto_struct(secret) too_long = through_pipe(line, 4097, rest);
    g_assert_null(too_long);
    g_autoptr(GError) error = NULL;
    g_assert_null(secret_read_fd(-1, &error));
    g_assert_nonnull(error);
}

static gpointer write_late(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);
    g_assert_cmpint(write(fd, "ses", 3), ==, 3);
    g_usleep(1000);
    g_assert_cmpint(write(fd, "ame\n", 4), ==, 4);
    close(fd);
    return NULL;
}

static void test_read_nonblocking(void)
{
    int fds[2];
    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(fcntl(fds[0], F_SETFL, O_NONBLOCK), ==, 0);
    GThread *thread =
        g_thread_new("writer", write_late, GINT_TO_POINTER(fds[1]));
    auto_struct(secret) secret = secret_read_fd(fds[0], NULL);
    g_assert_cmpstr(secret ? secret_bytes(secret) : NULL, ==, "sesame");
    g_thread_join(thread);
    close(fds[0]);
}

static void test_read_file(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("secret-XXXXXX", &path, NULL);
    g_assert_cmpint(write(fd, "sesame\nx", 8), ==, 8);
    close(fd);
    auto_struct(secret) secret = secret_read_file(path, NULL);
    g_assert_cmpstr(secret_bytes(secret), ==, "sesame");
    g_unlink(path);
    g_autoptr(GError) error = NULL;
    g_assert_null(secret_read_file(path, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_nonnull(strstr(error->message, path));
    g_autoptr(GError) directory = NULL;
    g_assert_null(secret_read_file("/", &directory));
    g_assert_nonnull(directory);
}

static void test_h62_harden(void)
{
    struct rlimit limit;
    g_setenv("SSLKEYLOGFILE", "/tmp/keys", TRUE);
    secret_harden_process();
    g_assert_null(g_getenv("SSLKEYLOGFILE"));
    g_assert_cmpint(getrlimit(RLIMIT_CORE, &limit), ==, 0);
    g_assert_cmpuint(limit.rlim_cur, ==, 0);
    g_assert_cmpuint(limit.rlim_max, ==, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
    g_assert_cmpint(prctl(PR_GET_DUMPABLE), ==, 0);
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/basic", test_basic);
    g_test_add_func("/secret/wipe", test_wipe);
    g_test_add_func("/secret/H62-not-dumped", test_h62_not_dumped);
    g_test_add_func("/secret/read-fd", test_read_fd);
    g_test_add_func("/secret/read-nonblocking", test_read_nonblocking);
    g_test_add_func("/secret/read-file", test_read_file);
    g_test_add_func("/secret/H62-harden", test_h62_harden);
    return g_test_run();
}
