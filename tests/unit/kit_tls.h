/*
 * For tests: certificates of every kind made on the spot, and the server's
 * side of TLS between memory BIOs. A bug here fails the test at once.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <openssl/ssl.h>
#include "base/auto.h"

enum kit_name_kind { KIT_DNS, KIT_SRV, KIT_XMPP, KIT_IP };

struct kit_name {
    enum kit_name_kind kind;
    const char *text;
    int len; /* 0: strlen */
};

struct kit_cert {
    X509 *cert;
    EVP_PKEY *key;
};

struct kit_spec {
    const char *cn;
    struct kit_name names[4]; /* up to one with text NULL */
    int rsa_bits;             /* 0: an elliptic curve */
    bool ed25519;
    const char *digest;       /* NULL: SHA256 */
    int from_days, to_days;   /* from now; both 0: yesterday to a month */
    const struct kit_cert *issuer; /* NULL: self-signed */
    bool is_ca;
};

struct kit_cert *kit_cert_new(const struct kit_spec *spec);
void kit_cert_free(struct kit_cert *cert);
AUTO_STRUCT_FREE(kit_cert, kit_cert_free)
/* PEM file with the certificate (and the key); g_remove it. New string. */
char *kit_cert_write(const struct kit_cert *cert, bool with_key);

struct kit_options {
    int version;         /* TLS1_2_VERSION …, 0: any */
    bool no_ems;         /* no extended master secret */
    bool ask_for_cert;
};

struct kit_server {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    char *sni, *alpn;    /* what the client asked for */
};

struct kit_server *kit_server_new(
    const struct kit_cert *cert, const struct kit_options *options);
void kit_server_free(struct kit_server *server);
AUTO_STRUCT_FREE(kit_server, kit_server_free)
/* True when the handshake is over. */
bool kit_server_handshake(struct kit_server *server);
