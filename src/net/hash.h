/* The hash functions of logging in, and what RFC 5802 s. 2.2 makes of them.
 * All may be called from any thread. */
#ifndef TXMPP_NET_HASH_H
#define TXMPP_NET_HASH_H

#include <glib.h>

enum { HASH_SIZE_MAX = 64 };

struct hash;

/* "SHA1", "SHA256" or "SHA512", nothing else. */
const struct hash *hash_find(const char *name);
gsize hash_size(const struct hash *hash); /* of every `out` below, in bytes */

void hash_digest(const struct hash *hash, const void *data, gsize len, guint8 *out);

/* RFC 2104. */
void hash_hmac(const struct hash *hash, const void *key, gsize key_len,
    const void *data, gsize len, guint8 *out);

/* Hi(), one block of PBKDF2 (RFC 8018). Takes its time, about 0.4 µs a round. */
void hash_salted(const struct hash *hash, const void *password, gsize password_len,
    const guint8 *salt, gsize salt_len, int rounds, guint8 *out);

#endif
