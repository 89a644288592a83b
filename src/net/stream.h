/*
 * One account's connection as a state machine: dial → TLS → authenticate →
 * bind → online → closing, with back-off between attempts (RFC 6120, RFC 7590;
 * XEP-0368, 0440, 0474, 0478). Every state is told to the owner. libstrophe's
 * own negotiation is never used.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>
#include "base/secret.h"
#include "model/account.h"
#include "net/stream_reason.h"
#include "net/tls.h"

struct stream;

struct stream_token { /* what it points to lives until the loop turns */
    struct secret *secret;
    const char *mechanism; /* it is bound to this one */
    gint64 count;          /* attempts with it, this one included */
    bool invalidate;       /* the last login with it */
};

struct stream_callbacks {
    /* account->state was changed; error (may be NULL) says why, retry_ms is
     * -1 when no attempt will follow. */
    void (*state)(enum connection_state state, const GError *error, gint64 retry_ms, gpointer data);
    /* Bound: jid is our full address. Called before state(ONLINE). */
    void (*bound)(const char *jid, xmpp_stanza_t *features, gpointer data);
    void (*stanza)(xmpp_stanza_t *stanza, gpointer data); /* message, presence, iq; nonzas */
    void (*turn)(gpointer data); /* all stanzas of this turn were given */
    void (*xml)(bool outgoing, const char *xml, gsize len, gpointer data);
    /* Answer with stream_certificate_decide(), now or later. */
    void (*certificate)(const struct tls_peer *peer, gpointer data);
    /* Answer with stream_password(), now or later. again: the last was wrong. */
    void (*password)(bool again, gpointer data);
    /* The server knows nothing better than PLAIN, and nobody has said yes to
     * that: answer with stream_plain_decide(), now or later. NULL: no. */
    void (*plain)(gpointer data);
    /* config.registration: instead of logging in. From here on stream_send()
     * takes iqs and stanza() gives the server's (XEP-0077). */
    void (*registration)(xmpp_stanza_t *features, gpointer data);
    /* The strongest mechanism that has worked: to be pinned (H11). */
    void (*mechanism)(const char *mechanism, bool channel_bound, gpointer data);
    /* The peer has been silent: ask it for a sign of life (XEP-0198 <r/>) and
     * say true. NULL or false: the stream sends an XEP-0199 ping, an iq of
     * which sent_own() tells; the answer comes through stanza() as any other,
     * so that what is counted can be counted there. */
    bool (*ask_alive)(gpointer data);
    void (*sent_own)(gpointer data);
    /* Stream management (XEP-0198), kept by the owner; any may be NULL.
     * resume: a new <resume/> for the session that may be taken up again (sent
     * after SASL, or inside SASL2), NULL: none. resumed: it was taken up and
     * stream_send() works (then state(ONLINE) follows, and bound() is not
     * called); its previd was checked, its h was not. Otherwise bound() is
     * called, after resume_failed where the server said <failed/>: whenever
     * bound() comes the old session is gone. */
    xmpp_stanza_t *(*resume)(gpointer data);
    void (*resumed)(xmpp_stanza_t *resumed, gpointer data);
    void (*resume_failed)(xmpp_stanza_t *failed, gpointer data);
    /* Bind 2 (XEP-0386): adds to <bind/> what is to be switched on in the same
     * round trip (<enable/>, carbons, client state), given the server's <bind/>
     * feature, see stream_offers_inline(). It may be for nothing. bound_inline
     * gets the <bound/> element, between bound() and state(ONLINE). */
    void (*bind_inline)(xmpp_stanza_t *offer, xmpp_stanza_t *bind, gpointer data);
    void (*bound_inline)(xmpp_stanza_t *bound, gpointer data);
    /* FAST (XEP-0484): the owner keeps tokens like passwords. fast_token fills
     * in the stored one, false: none, or it has expired. fast_refused: forget
     * it (refused, invalidated). */
    bool (*fast_token)(struct stream_token *token, gpointer data);
    void (*fast_got)(const char *mechanism, struct secret *token, const char *expiry, gpointer data);
    void (*fast_refused)(gpointer data);
    /* What the server offers for SASL2 has changed: config.offer next time. */
    void (*offer)(const char *xml, gpointer data);
    /* Asked for more than a login the server said nothing, and asked for the
     * login alone it answered: config.login_only next time. False: it answers. */
    void (*login_only)(bool login_only, gpointer data);
};

struct stream_config { /* all strings copied */
    const char *jid;         /* bare; domain only for ANONYMOUS */
    const char *resource;    /* NULL: a random one that says nothing */
    const char *server;      /* --server host */
    guint16 port;
    enum tls_mode tls;       /* model/account.h */
    const char *ca_file;
    const char *const *pins;
    const char *proxy;
    const char *client_cert, *client_key;
    const char *pinned_mechanism;
    const char *user_agent;  /* UUID of this installation and account (XEP-0388); NULL: no FAST */
    const char *software;    /* our name for user agent and tag, NULL: say nothing */
    const char *offer;       /* see the callback; lets a login by token begin early */
    bool login_only;         /* see the callback: a session or a binding is asked for later */
    bool plain_allowed;      /* the user said yes to PLAIN (H11) */
    bool anonymous;
    bool registration;       /* stop before logging in: see the callback */
    const char *lang;        /* xml:lang of our stream */
    unsigned timeout_ms;     /* per phase, 0: defaults */
    bool reconnect;          /* keep trying after a loss */
    unsigned ping_interval_s; /* 0: 300; a dead peer is found after two pings */
    unsigned backoff_ms;     /* first delay, 0: 1000; for tests */
};

struct stream *stream_new(const struct stream_config *config,
    const struct stream_callbacks *callbacks, gpointer data);
void stream_free(struct stream *stream); /* not from inside a callback */

/* Does nothing while connected or connecting; ends a back-off. */
void stream_connect(struct stream *stream);
/* Orderly close; no reconnect follows. state(OFFLINE) tells when done. */
void stream_close(struct stream *stream);
/* Wake-up, network change, or the user's /reconnect: at once, back-off reset.
 * When online, checks that the peer is alive (5 s). */
void stream_kick(struct stream *stream);
/* A broken rule found above (e.g. a foreign bind): stream error, then close. */
/* condition as in relay_close(). */
void stream_fail(struct stream *stream, const char *condition, const char *text);

void stream_certificate_decide(struct stream *stream, bool trust, const char *sha256_to_pin);
void stream_password(struct stream *stream, struct secret *password); /* NULL: none to be had */
void stream_plain_decide(struct stream *stream, bool allow);

/* Only when online or registering; false: dropped. */
bool stream_send(struct stream *stream, xmpp_stanza_t *stanza);
void stream_send_raw(struct stream *stream, const char *xml, gssize len);
/* What is sent while held waits, in its order. Ends with the connection. */
void stream_hold(struct stream *stream, bool hold);
gsize stream_unsent_bytes(const struct stream *stream);

enum connection_state stream_state(const struct stream *stream);
const char *stream_tls_version(const struct stream *stream); /* NULL in clear */
const struct tls_peer *stream_peer(const struct stream *stream);
const char *stream_mechanism(const struct stream *stream);
gint64 stream_retry_at(const struct stream *stream); /* monotonic µs, 0: none */
/* XEP-0478: largest stanza the server takes; 0 unknown. */
gsize stream_max_bytes(const struct stream *stream);
/* Language of what the server sends without one; borrowed, NULL: not said. */
const char *stream_lang(const struct stream *stream);
/* Of the stream after authentication; borrowed, NULL until they are here. */
xmpp_stanza_t *stream_features(const struct stream *stream);
/* Where the server wants to be met again (location of <enabled/>, XEP-0198):
 * "host[:port]", hostile, used first by later attempts; NULL: none. */
void stream_set_location(struct stream *stream, const char *location);
/* Does the <bind/> feature given to bind_inline offer this namespace? */
bool stream_offers_inline(xmpp_stanza_t *offer, const char *feature);
