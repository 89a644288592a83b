/*
 * For tests: a scripted XMPP server. Each connection is played by a function
 * on a thread of its own, with blocking reads; what it does not hear in time
 * breaks it, and a broken peer does nothing more. The test's main thread runs
 * the loop of the client under test.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <openssl/ssl.h>

#include "kit_tls.h"

#define KIT_NS_STREAM "http://etherx.jabber.org/streams"
#define KIT_NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define KIT_NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define KIT_NS_SASL2 "urn:xmpp:sasl:2"
#define KIT_NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define KIT_NS_STREAMS "urn:ietf:params:xml:ns:xmpp-streams"

struct kit_host;

struct kit_peer {
    struct kit_host *host;
    int fd;
    SSL *ssl;        /* NULL while in clear */
    unsigned number; /* of the connection, from 0 */
    GString *in;     /* heard and not yet consumed */
    bool broken;
};

typedef void (*kit_script)(struct kit_peer *peer);

struct kit_host {
    int listener;
    guint16 port;
    kit_script script;
    SSL_CTX *context;
    GThread *thread;
    gint connections;   /* atomic */
    GMutex lock;
    GString *heard;     /* everything, of all connections, in clear */
};

struct kit_host *kit_host_new(const struct kit_cert *cert, kit_script script);
void kit_host_stop(struct kit_host *host); /* joins; heard may be read then */
void kit_host_free(struct kit_host *host);

void kit_say(struct kit_peer *peer, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
/* Reads up to and including text; what was read. NULL when broken. */
char *kit_hear(struct kit_peer *peer, const char *text);
/* Waits until the other side has closed (or ten seconds); answers the end of
 * its stream, or does not. */
void kit_wait_closed(struct kit_peer *peer);
void kit_stay_silent(struct kit_peer *peer);
void kit_start_tls(struct kit_peer *peer);

/* Pieces of scripts for the domain v.tld. */
void kit_open(struct kit_peer *peer);     /* hears a header, answers it */
void kit_features(struct kit_peer *peer, const char *children);
void kit_secure(struct kit_peer *peer);   /* both, STARTTLS, and kit_open */
void kit_login_plain(struct kit_peer *peer); /* whatever the password */
/* SCRAM-SHA-256, -PLUS with tls-exporter when plus; false: wrong password,
 * a <failure/> was sent. forge spoils the server's proof. */
bool kit_login_scram(struct kit_peer *peer, const char *password, bool plus,
    bool forge);
/* The same inside SASL2; success: what else stands in <success/>. */
bool kit_login_scram2(struct kit_peer *peer, const char *password, bool plus,
    bool forge, const char *success);
/* HT-SHA-256-EXPR when bound, else HT-SHA-256-NONE; false: a <failure/>. */
bool kit_login_token(struct kit_peer *peer, const char *token, bool bound,
    const char *success);
char *kit_hear_iq(struct kit_peer *peer); /* its id */
void kit_bind(struct kit_peer *peer, const char *jid);
/* All of it, with PLAIN; then online as me@v.tld/r. */
void kit_online(struct kit_peer *peer);
