/*
 * TLS with OpenSSL over a non-blocking socket, driven by memory BIOs so that
 * it never blocks and can be tested without a network. TLS >= 1.2, SNI with
 * the A-label, ALPN "xmpp-client" on direct TLS, no compression, no 0-RTT, no
 * renegotiation (RFC 7590). The reference identity is always the JID's domain
 * (RFC 6120 s. 13.7.2): DNS-ID, SRV-ID _xmpp-client, XmppAddr; never the CN.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <glib.h>
#include "base/auto.h"

#define TLS_ERROR tls_error_quark()
GQuark tls_error_quark(void);
enum tls_error {
    TLS_ERROR_CONFIG,    /* CA file or client certificate cannot be used */
    TLS_ERROR_VERSION,   /* the server has nothing newer than TLS 1.1 */
    TLS_ERROR_HANDSHAKE, /* any other reason for which there is no TLS */
    TLS_ERROR_BROKEN,    /* a record that is wrong, an alert, later */
};

enum tls_progress { TLS_WANT_MORE, TLS_DONE, TLS_FAILED };

enum tls_distrust { /* why a certificate is not trusted; bits */
    TLS_UNKNOWN_ISSUER = 1 << 0,
    TLS_WRONG_NAME = 1 << 1,
    TLS_EXPIRED = 1 << 2,
    TLS_NOT_YET_VALID = 1 << 3,
    TLS_SELF_SIGNED = 1 << 4,
    TLS_WEAK = 1 << 5,       /* RSA < 2048, SHA-1, MD5 */
    TLS_REVOKED = 1 << 6,
    TLS_PIN_CHANGED = 1 << 7,
    TLS_BAD_USE = 1 << 8,    /* any other verification error */
};

struct tls_peer { /* what a dialog shows; every string is sanitized by the shower */
    char *subject, *issuer, *names; /* names: subjectAltNames, comma separated */
    char *sha256;                   /* of the leaf, lower-case hex with colons */
    gint64 not_before_us, not_after_us;
    unsigned distrust;              /* 0: trusted */
    char *pem;                      /* the leaf */
};
void tls_peer_free(struct tls_peer *peer);
AUTO_STRUCT_FREE(tls_peer, tls_peer_free)
struct tls_peer *tls_peer_copy(const struct tls_peer *peer);
/* Why, and what to do next; domain may be NULL. New string. */
char *tls_distrust_sentence(unsigned distrust, const char *domain);

struct tls_config {
    const char *domain;         /* Unicode form; the A-label is derived */
    const char *ca_file;        /* trusted too, or NULL */
    const char *const *pins;    /* SHA-256 fingerprints the user accepted */
    const char *client_cert, *client_key; /* PEM files for EXTERNAL, or NULL */
    bool direct;                /* offer ALPN */
};

struct tls;
struct tls *tls_new(const struct tls_config *config, GError **error);
void tls_free(struct tls *tls);
AUTO_STRUCT_FREE(tls, tls_free)

/* Bytes from the network in, bytes for the network out through tls_take. */
enum tls_progress tls_handshake(struct tls *tls, GError **error);
void tls_give(struct tls *tls, const char *bytes, size_t len);
size_t tls_pending_output(struct tls *tls);
size_t tls_take(struct tls *tls, char *buffer, size_t size);

/* -1: nothing now; 0: close_notify; otherwise bytes. */
gssize tls_read(struct tls *tls, char *buffer, size_t size, GError **error);
bool tls_write(struct tls *tls, const char *bytes, size_t len, GError **error);
void tls_shutdown(struct tls *tls);

/* The handshake finishes whatever the certificate is; nobody may send a byte
 * of ours before this says 0 or the user accepted the fingerprint. */
const struct tls_peer *tls_peer(const struct tls *tls);

const char *tls_version(const struct tls *tls); /* "TLSv1.3" */
const char *tls_cipher(const struct tls *tls);

/* Channel bindings (RFC 9266, RFC 5929). NULL when not to be had. */
GBytes *tls_exporter(const struct tls *tls);
GBytes *tls_server_end_point(const struct tls *tls);
