/* The client side of SCRAM (RFC 5802, 7677) with the downgrade check of
 * XEP-0474; used by net/sasl.c only. Server input is hostile. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "net/sasl.h"

struct scram;

struct scram_setup { /* copied */
    const char *hash;       /* OpenSSL's name: "SHA1", "SHA256", "SHA512" */
    const char *gs2_header; /* "n,,", "y,,", "p=tls-exporter,," */
    GBytes *binding;        /* data of the channel binding, or NULL */
    const char *offered;    /* the string of XEP-0474 s. 5.1, not yet hashed */
    const char *username;
    struct secret *password; /* prepared */
};

struct scram *scram_new(const struct scram_setup *setup);
void scram_free(struct scram *scram);
void scram_set_nonce(struct scram *scram, const char *nonce);
GBytes *scram_first(struct scram *scram);

/* server-first-message, or server-final-message where it comes as a challenge;
 * see sasl_challenge(). The scram may be gone when this returns. */
void scram_challenge(struct scram *scram, const char *bytes, gsize len,
    sasl_answer_fn fn, gpointer data);

/* server-final-message; bytes NULL: none came with <success/>. */
bool scram_success(
    struct scram *scram, const char *bytes, gsize len, GError **error);
