/*
 * OpenSSL 3 copies a hash state on the heap four times in a round of PBKDF2: 4 of
 * the 20 ms that a start may take. Here the states after the two pads of the HMAC
 * are kept, and a round copies structs. The hash functions themselves are
 * OpenSSL's; only its older names for them do without the heap.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "net/hash.h"
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { BLOCK_MAX = SHA512_CBLOCK };

union state {
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha512;
};

struct hash {
    const char *name;
    gsize block, size;
    void (*init)(union state *state);
    void (*update)(union state *state, const void *data, gsize len);
    void (*final)(union state *state, guint8 *out);
};

#define HASH(name, member)                                                 \
    static void name##_init(union state *s) { name##_Init(&s->member); }   \
    static void name##_update(union state *s, const void *data, gsize len) \
    {                                                                      \
        name##_Update(&s->member, data, len);                              \
    }                                                                      \
    static void name##_final(union state *s, guint8 *out)                  \
    {                                                                      \
        name##_Final(out, &s->member);                                     \
    }
HASH(SHA1, sha1)
HASH(SHA256, sha256)
HASH(SHA512, sha512)

static const struct hash hashes[] = {
    { "SHA1", SHA_CBLOCK, SHA_DIGEST_LENGTH, SHA1_init, SHA1_update, SHA1_final },
    { "SHA256", SHA256_CBLOCK, SHA256_DIGEST_LENGTH, SHA256_init, SHA256_update,
        SHA256_final },
    { "SHA512", SHA512_CBLOCK, SHA512_DIGEST_LENGTH, SHA512_init, SHA512_update,
        SHA512_final },
};

const struct hash *hash_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (strcmp(hashes[i].name, name) == 0)
            return &hashes[i];
    g_assert_not_reached(); /* names come from tables */
}

gsize hash_size(const struct hash *hash)
{
    return hash->size;
}

void hash_digest(const struct hash *hash, const void *data, gsize len, guint8 *out)
{
    union state state;
    hash->init(&state);
    hash->update(&state, data, len);
    hash->final(&state, out);
}

/* ---- HMAC (RFC 2104): a hash in a hash, each begun with the key and a pad ---- */

struct hmac {
    const struct hash *hash;
    union state inner, outer, state;
};

static void begin(union state *state, const struct hash *hash, const guint8 *key, guint8 pad)
{
    guint8 block[BLOCK_MAX];
    for (gsize i = 0; i < hash->block; i++)
        block[i] = key[i] ^ pad;
    hash->init(state);
    hash->update(state, block, hash->block);
    OPENSSL_cleanse(block, sizeof block);
}

static void hmac_begin(struct hmac *hmac, const struct hash *hash, const void *key, gsize len)
{
    guint8 block[BLOCK_MAX] = { 0 };
    if (len > hash->block)
        hash_digest(hash, key, len, block);
    else if (len)
        memcpy(block, key, len);
    hmac->hash = hash;
    begin(&hmac->inner, hash, block, 0x36);
    begin(&hmac->outer, hash, block, 0x5c);
    hmac->state = hmac->inner;
    OPENSSL_cleanse(block, sizeof block);
}

/* Ends one text, and begins the next with the same key. */
static void hmac_end(struct hmac *hmac, guint8 *out)
{
    hmac->hash->final(&hmac->state, out);
    hmac->state = hmac->outer;
    hmac->hash->update(&hmac->state, out, hmac->hash->size);
    hmac->hash->final(&hmac->state, out);
    hmac->state = hmac->inner;
}

void hash_hmac(const struct hash *hash, const void *key, gsize key_len,
    const void *data, gsize len, guint8 *out)
{
    struct hmac hmac;
    hmac_begin(&hmac, hash, key, key_len);
    hash->update(&hmac.state, data, len);
    hmac_end(&hmac, out);
    OPENSSL_cleanse(&hmac, sizeof hmac);
}

void hash_salted(const struct hash *hash, const void *password, gsize password_len,
    const guint8 *salt, gsize salt_len, int rounds, guint8 *out)
{
    struct hmac hmac;
    guint8 u[HASH_SIZE_MAX];

    hmac_begin(&hmac, hash, password, password_len);
    hash->update(&hmac.state, salt, salt_len);
    hash->update(&hmac.state, "\0\0\0\1", 4);
    hmac_end(&hmac, u);
    memcpy(out, u, hash->size);
    for (int round = 1; round < rounds; round++) {
        hash->update(&hmac.state, u, hash->size);
        hmac_end(&hmac, u);
        for (gsize i = 0; i < hash->size; i++)
            out[i] ^= u[i];
    }
    OPENSSL_cleanse(u, sizeof u);
    OPENSSL_cleanse(&hmac, sizeof hmac);
}
