/*
 * The relay owns dial, tls, guard and link of one connection attempt, moves
 * the bytes between them with back-pressure both ways, keeps the deadline of
 * each phase and the one reason for closing. Above it (stream) nobody sees a
 * socket. Never blocks; reads at most RELAY_TURN bytes a loop turn.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>
#include "net/dial.h"
#include "net/guard.h"
#include "net/tls.h"

#define RELAY_TURN (256 * 1024)

struct relay;

struct relay_callbacks {
    void (*connected)(const struct dial_target *target, gpointer data); /* TCP is up */
    /* TLS is up. Nothing of ours is sent before relay_trust(). */
    void (*secured)(const struct tls_peer *peer, gpointer data);
    void (*opened)(gpointer data);     /* call relay_open_stream() now; again after
                                          STARTTLS, when it is trusted */
    void (*header)(const char *from, const char *id, const char *version,
        const char *lang, gpointer data);
    void (*stanza)(xmpp_stanza_t *stanza, gpointer data);
    void (*stream_closed)(gpointer data); /* </stream:stream> arrived */
    /* The end. error is NULL for an orderly close. No callback follows. */
    void (*closed)(const GError *error, gpointer data);
    void (*turn)(gpointer data);       /* input of this turn is worked off */
    void (*xml)(bool outgoing, const char *xml, gsize len, gpointer data); /* console, log */
};

/* Domain: RELAY_ERROR for what has no domain of its own. */
#define RELAY_ERROR relay_error_quark()
GQuark relay_error_quark(void);
enum relay_error { RELAY_ERROR_TIMEOUT, RELAY_ERROR_RESET, RELAY_ERROR_EOF, RELAY_ERROR_TLS, RELAY_ERROR_INTERNAL };

struct relay_config {
    struct dial_config dial;
    struct tls_config tls;
    const char *domain;         /* Unicode */
    unsigned phase_timeout_ms;  /* 0: dial 10 s, TLS 10 s, each stream step 30 s */
};

struct relay *relay_new(const struct relay_config *config,
    const struct relay_callbacks *callbacks, gpointer data);
void relay_free(struct relay *relay); /* hard close; not from inside a callback */

void relay_trust(struct relay *relay);     /* go on after secured() */
void relay_start_tls(struct relay *relay); /* after <proceed/> */
/* The next stanza (ns, name) ends this stream's input: see guard_expect_last. */
void relay_expect_last(struct relay *relay, const char *ns, const char *name);
void relay_open_stream(struct relay *relay, const char *to, const char *from, const char *lang);
void relay_set_state(struct relay *relay, enum guard_state state);

void relay_send(struct relay *relay, xmpp_stanza_t *stanza);
void relay_send_raw(struct relay *relay, const char *xml, gssize len);
/* What is sent while held waits, in its order, closing the stream as well. */
void relay_hold(struct relay *relay, bool hold);
gsize relay_unsent_bytes(const struct relay *relay);

/* Orderly: </stream:stream>, waits (<= 3 s, less in a login) for the peer's,
 * close_notify, FIN.
 * condition (may be NULL) sends that stream error first: its name, or, from
 * '<' on, the elements in it as they are. */
void relay_close(struct relay *relay, const char *condition, const char *text);
/* The peer failed after TCP came up: try the next address or target. */
void relay_try_next(struct relay *relay);

struct tls *relay_tls(struct relay *relay); /* NULL while in clear */
/* Restarts the deadline of the present phase; 0 switches it off (online). */
void relay_deadline(struct relay *relay, unsigned timeout_ms);
gint64 relay_last_input(const struct relay *relay); /* monotonic µs */
