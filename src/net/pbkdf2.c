/*
 * OpenSSL 3 has this function, but copies a hash state on the heap four times a
 * round: 4 of the 20 ms that a start may take. Here the states after the two
 * pads of the HMAC are kept, and a round copies structs. The hash functions
 * themselves are OpenSSL's; only its older names for them do without the heap.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "net/pbkdf2.h"
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

enum { BLOCK_MAX = SHA512_CBLOCK };

union state {
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha512;
};

#define HASH(name, member)                                              \
    static void name##_init(union state *s) { name##_Init(&s->member); } \
    static void name##_update(union state *s, const void *data, gsize n) \
    {                                                                   \
        name##_Update(&s->member, data, n);                             \
    }                                                                   \
    static void name##_final(union state *s, guint8 *out)               \
    {                                                                   \
        name##_Final(out, &s->member);                                  \
    }
HASH(SHA1, sha1)
HASH(SHA256, sha256)
HASH(SHA512, sha512)

static const struct hash {
    int nid;
    gsize block, size;
    void (*init)(union state *state);
    void (*update)(union state *state, const void *data, gsize n);
    void (*final)(union state *state, guint8 *out);
} hashes[] = {
    { NID_sha1, SHA_CBLOCK, SHA_DIGEST_LENGTH, SHA1_init, SHA1_update, SHA1_final },
    { NID_sha256, SHA256_CBLOCK, SHA256_DIGEST_LENGTH, SHA256_init, SHA256_update,
        SHA256_final },
    { NID_sha512, SHA512_CBLOCK, SHA512_DIGEST_LENGTH, SHA512_init, SHA512_update,
        SHA512_final },
};

static const struct hash *find(const EVP_MD *md)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (hashes[i].nid == EVP_MD_get_type(md))
            return &hashes[i];
    return NULL;
}

/* RFC 2104: the state after the key, xored with `pad`. */
static void absorb_key(const struct hash *hash, union state *state,
    const guint8 *key, guint8 pad)
{
    guint8 block[BLOCK_MAX];
    for (gsize i = 0; i < hash->block; i++)
        block[i] = key[i] ^ pad;
    hash->init(state);
    hash->update(state, block, hash->block);
    OPENSSL_cleanse(block, sizeof block);
}

bool pbkdf2(const EVP_MD *md, const void *password, gsize password_len,
    const guint8 *salt, gsize salt_len, int rounds, guint8 *out)
{
    const struct hash *hash = find(md);
    guint8 key[BLOCK_MAX] = { 0 }, u[EVP_MAX_MD_SIZE];
    union state inner, outer, state;

    if (!hash || rounds < 1)
        return false;
    if (password_len > hash->block) {
        hash->init(&state);
        hash->update(&state, password, password_len);
        hash->final(&state, key);
    } else if (password_len) {
        memcpy(key, password, password_len);
    }
    absorb_key(hash, &inner, key, 0x36);
    absorb_key(hash, &outer, key, 0x5c);
    for (int round = 0; round < rounds; round++) {
        state = inner;
        if (round == 0) {
            hash->update(&state, salt, salt_len);
            hash->update(&state, "\0\0\0\1", 4);
        } else {
            hash->update(&state, u, hash->size);
        }
        hash->final(&state, u);
        state = outer;
        hash->update(&state, u, hash->size);
        hash->final(&state, u);
        for (gsize i = 0; i < hash->size; i++)
            out[i] = round ? out[i] ^ u[i] : u[i];
    }
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(u, sizeof u);
    OPENSSL_cleanse(&inner, sizeof inner);
    OPENSSL_cleanse(&outer, sizeof outer);
    OPENSSL_cleanse(&state, sizeof state);
    return true;
}
