/* The salted password of SCRAM: Hi() of RFC 5802 s. 2.2, PBKDF2 of RFC 8018. */
#ifndef TXMPP_NET_PBKDF2_H
#define TXMPP_NET_PBKDF2_H

#include <stdbool.h>
#include <glib.h>
#include <openssl/evp.h>

/* One block of PBKDF2 with HMAC and `md` (SHA-1, SHA-256 or SHA-512; anything
 * else is false) into `out`, which has room for its size. Takes its time, about
 * 0.4 µs a round; any thread. */
bool pbkdf2(const EVP_MD *md, const void *password, gsize password_len,
    const guint8 *salt, gsize salt_len, int rounds, guint8 *out);

#endif
