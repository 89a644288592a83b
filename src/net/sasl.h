/*
 * SASL mechanisms (RFC 4422) as pure state machines over strings: SCRAM-SHA-
 * 1/256/512 with and without -PLUS (RFC 5802, 7677, 9266), PLAIN, EXTERNAL,
 * ANONYMOUS, tokens (HT, XEP-0484); XEP-0474 downgrade protection. No I/O, no base64: the caller
 * encodes. PBKDF2 with a large count runs in a worker, so answers come by
 * callback. Server input is hostile.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/secret.h"

#define SASL_ERROR sasl_error_quark()
GQuark sasl_error_quark(void);
enum sasl_error {
    SASL_ERROR_NO_MECHANISM, /* nothing acceptable is offered */
    SASL_ERROR_DOWNGRADE,    /* weaker than what was pinned (H11) */
    SASL_ERROR_PROTOCOL,     /* malformed or forged challenge (H08-H10) */
    SASL_ERROR_PROOF,        /* the server did not prove the password (H06-H07) */
    SASL_ERROR_PASSWORD,     /* the password has characters that are not allowed */
};

enum sasl_binding { SASL_BIND_NONE, SASL_BIND_EXPORTER, SASL_BIND_END_POINT };

struct sasl_offer {
    const char *const *mechanisms;   /* as offered, after TLS only */
    const char *const *bindings;     /* XEP-0440 list, or NULL: none given */
    bool tls;                        /* secured and verified */
    bool have_password, have_client_cert, anonymous;
    GBytes *exporter, *end_point;    /* from tls.h, NULL when not to be had */
    const char *pinned;              /* strongest mechanism ever used, or NULL */
    bool plain_allowed;              /* the user said yes to PLAIN */
    bool scram_seen;                 /* offered before: then PLAIN is none the less not used */
    bool no_plus;                    /* the server refused our binding: retry without */
};

struct sasl_choice {
    const char *mechanism;           /* static string */
    enum sasl_binding binding;
};

/* Some kind of it, also one that we lack: who knows it needs no password. */
bool sasl_offers_scram(const char *const *offered);
/* Strongest acceptable one; a sentence that names what was offered otherwise. */
bool sasl_choose(const struct sasl_offer *offer, struct sasl_choice *out, GError **error);
/* Order of strength, larger is stronger; 0 for unknown names. */
int sasl_strength(const char *mechanism);

/* Tokens (FAST). Best mechanism among those offered for tokens that is not
 * weaker than what was pinned: none without a binding once -PLUS has worked.
 * avoid (may be NULL) is passed over. False: none is worth having. */
bool sasl_choose_token(const struct sasl_offer *offer, const char *avoid, struct sasl_choice *out);
/* The one a token is bound to: false when it is unknown, not offered, or the
 * binding cannot be had on this connection. */
bool sasl_token_choice(const struct sasl_offer *offer, const char *mechanism, struct sasl_choice *out);

struct sasl;
/* password: the token, for a mechanism of those. */
struct sasl *sasl_new(const struct sasl_choice *choice, const struct sasl_offer *offer,
    const char *username, struct secret *password, GError **error);
void sasl_free(struct sasl *sasl); /* wipes; a running worker is detached */

/* The initial response: raw bytes, may be empty. NULL: none. Owned by caller. */
GBytes *sasl_initial(struct sasl *sasl);

/* Answers a challenge. fn gets the response or an error, from the main loop
 * (possibly before sasl_challenge returns). */
typedef void (*sasl_answer_fn)(GBytes *response, const GError *error, gpointer data);
void sasl_challenge(struct sasl *sasl, const char *bytes, gsize len,
    sasl_answer_fn fn, gpointer data);

/* Additional data of <success/> (may be NULL). False unless the server has
 * proved that it knows the password, where the mechanism can prove it. */
bool sasl_success(struct sasl *sasl, const char *bytes, gsize len, GError **error);

/* XEP-0474: hash data the server must have signed, checked inside. */
const char *sasl_mechanism(const struct sasl *sasl);

/* For tests only: fixed client nonce. */
void sasl_set_nonce(struct sasl *sasl, const char *nonce);
