/*
 * From the kernel, not from OpenSSL, whose generator costs as much at the first
 * byte as a login; keys are OpenSSL's own business.
 */
#include "base/random.h"
#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, gsize len)
{
    guint8 *p = out;
    while (len > 0) {
        gssize n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            g_error("The system gives no random numbers: %s.", g_strerror(errno));
        p += n;
        len -= (gsize)n;
    }
}

char *random_hex(gsize bytes)
{
    g_autofree guint8 *raw = g_malloc(bytes);
    char *out = g_malloc(2 * bytes + 1);

    random_bytes(raw, bytes);
    for (gsize i = 0; i < bytes; i++)
        g_snprintf(out + 2 * i, 3, "%02x", raw[i]);
    return out;
}
