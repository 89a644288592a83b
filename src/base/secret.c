/*
 * One secret is one run of pages of its own: what is locked or left out of a
 * core dump is always whole pages, and freeing gives them back to the kernel
 * wiped. Secrets are few and small, so a page each is no loss.
 */
#include "base/secret.h"
#include "base/intl.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <openssl/crypto.h>

enum { LINE_MAX_BYTES = 4096 };

struct secret {
    gatomicrefcount refs; /* a worker may hold one */
    size_t len, mapped;
    char bytes[];
};

static struct secret *secret_alloc(size_t len)
{
    size_t page = sysconf(_SC_PAGESIZE);
    size_t size = sizeof(struct secret) + len + 1;
    if (size < len || size > G_MAXSIZE - page)
        g_error("a secret of %zu bytes does not fit into memory", len);
    size = (size + page - 1) / page * page;
    struct secret *secret = mmap(
        NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED)
        g_error("no memory for a secret: %s", g_strerror(errno));
    /* Refused where the limit is low; then it can be swapped out, no more. */
    (void)mlock(secret, size);
    (void)madvise(secret, size, MADV_DONTDUMP);
    g_atomic_ref_count_init(&secret->refs);
    secret->len = len;
    secret->mapped = size;
    return secret;
}

struct secret *secret_new(const char *bytes, gssize len)
{
    size_t n = len < 0 ? strlen(bytes) : (size_t)len;
    struct secret *secret = secret_alloc(n);
    if (n)
        memcpy(secret->bytes, bytes, n);
    secret->bytes[n] = '\0';
    return secret;
}

struct secret *secret_ref(struct secret *secret)
{
    if (secret)
        g_atomic_ref_count_inc(&secret->refs);
    return secret;
}

void secret_unref(struct secret *secret)
{
    if (!secret || !g_atomic_ref_count_dec(&secret->refs))
        return;
    size_t mapped = secret->mapped;
    secret_wipe(secret, mapped);
    munmap(secret, mapped);
}

const char *secret_bytes(const struct secret *secret)
{
    return secret->bytes;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

void secret_wipe(void *bytes, size_t len)
{
    if (bytes)
        OPENSSL_cleanse(bytes, len);
}

/* One byte, waiting for it: 1, 0 at the end, -1 on an error. What follows the
 * line in a pipe belongs to somebody else, so nothing is read ahead. */
static int read_byte(int fd, char *c)
{
    for (;;) {
        ssize_t n = read(fd, c, 1);
        if (n >= 0)
            return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd pfd = { .fd = fd, .events = POLLIN };
            if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

static struct secret *read_line(int fd, const char *name, GError **error)
{
    auto_struct(secret) line = secret_alloc(LINE_MAX_BYTES);
    size_t len = 0;
    for (;;) {
        char c;
        int n = read_byte(fd, &c);
        if (n < 0) {
            int saved = errno;
            g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved),
                _("The password could not be read from %s: %s."), name,
                g_strerror(saved));
            return NULL;
        }
        if (n == 0 || c == '\n')
            break;
        if (len == LINE_MAX_BYTES) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                _("The first line of %s is longer than %d bytes: it is not taken "
                "for a password."),
                name, LINE_MAX_BYTES);
            return NULL;
        }
        line->bytes[len++] = c;
    }
    if (len && line->bytes[len - 1] == '\r')
        len--;
    if (len == 0 || memchr(line->bytes, '\0', len)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
            len ? _("The first line of %s holds a NUL byte: put the password "
                  "there as plain text.")
                : _("The first line of %s is empty: put the password there."),
            name);
        return NULL;
    }
    return secret_new(line->bytes, len);
}

struct secret *secret_read_fd(int fd, GError **error)
{
    g_autofree char *name = g_strdup_printf(_("file descriptor %d"), fd);
    return read_line(fd, name, error);
}

struct secret *secret_read_file(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        int saved = errno;
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved),
            _("The password file %s could not be opened: %s."), path,
            g_strerror(saved));
        return NULL;
    }
    struct secret *secret = read_line(fd, path, error);
    close(fd);
    return secret;
}

void secret_harden_process(void)
{
    struct rlimit none = { 0, 0 };
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak check attaches to the process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    unsetenv("SSLKEYLOGFILE");
}
