/* The session of an account: owns its stream and pending requests, dispatches
 * stanzas to iq, inbox and features, tells the model (RFC 6120). */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>
#include "cmd/front.h"
#include "model/account.h"
#include "net/stream.h"

struct session_config { /* command line, borrowed until session_free */
    const char *server;     /* host part */
    guint16 port;
    enum tls_mode tls;
    bool tls_given;
    const char *ca_file, *resource;
    struct secret *password; /* from --password-*, or NULL */
    unsigned timeout_ms;
    bool script;
};
/* front is asked for passwords and certificates. Attaches every feature. */
void session_attach(struct account *account, const struct session_config *config, struct front *front);
void session_detach(struct account *account); /* hard; frees session */

void session_connect(struct account *account);
/* Unavailable presence, </stream:stream>, wait. EVENT_STATE tells the end. */
void session_disconnect(struct account *account, const char *status);
void session_kick(struct account *account); /* wake-up, network change, /reconnect */

/* Takes the stanza. Dropped (false) when not online. Stream management counts
 * here and nowhere else. */
bool session_send(struct account *account, xmpp_stanza_t *stanza);
/* Uncounted: nonzas, and what was counted before. Takes the stanza. */
bool session_transmit(struct account *account, xmpp_stanza_t *stanza);
/* A rule was broken: stream error, then close (stream_fail). */
void session_break(struct account *account, const char *condition, const char *text);
bool session_is_online(const struct account *account);
const struct tls_peer *session_peer(const struct account *account);
struct stream *session_stream(const struct account *account);
/* Last failure: for scripts' exit codes. NULL: none. Borrowed. */
const GError *session_error(const struct account *account);
bool session_will_retry(const struct account *account);
/* A feature's question to the person. NULL in tests. */
struct front *session_front(const struct account *account);
bool session_is_script(const struct account *account);
/* The password was changed (XEP-0077): the next login uses this one. */
void session_set_password(struct account *account, struct secret *password);
/* Features of the server's stream after authentication: was (name, ns) there? */
bool session_has_stream_feature(const struct account *account, const char *name, const char *ns);

/* ---- the store (account->history) ---- */

/* Something was written: it is committed when the turn is over. */
void session_store_changed(struct account *account);
/* At once: before bytes leave that depend on it. False: it is not on disk; the
 * person was told, and it is tried again. */
bool session_commit(struct account *account);

/* What is sent from now on leaves when what was written so far is on disk, or
 * when the disk refused it. */
void session_hold(struct account *account);

/* ---- stream management (xmpp/manager.h) ---- */

/* Is what we send confirmed, and with which number comes the next? */
bool session_counts(const struct account *account, guint32 *next);
void session_request_ack(struct account *account);
/* The resource that the command line or the configuration wants; NULL: any. */
const char *session_resource(const struct account *account);
/* Does the server still have the presence of the process before this one? Says
 * so once. */
bool session_take_stale(struct account *account);
/* Are we waiting to take up a session again? */
bool session_is_suspended(const struct account *account);

/* For the other files of xmpp/: each keeps its own part of the session. */
struct iq_table;
struct inbox;
struct outbox;
/* Held while callbacks run that might detach the account. */
struct session *session_ref(const struct account *account);
void session_unref(struct session *session);
struct iq_table *session_iqs(const struct account *account);
struct inbox *session_inbox(const struct account *account);
struct outbox *session_outbox(const struct account *account);
/* The roster is here and initial presence is out. */
void session_ready(struct account *account);
/* XEP-0478; 0: unknown. */
/* Of what the server sends without a language; borrowed, NULL unknown. */
const char *session_lang(const struct account *account);
/* Not long online: what comes now may be what the server kept for us. */
bool session_is_fresh(const struct account *account);
gsize session_max_bytes(const struct account *account);
/* FAST (XEP-0484): a token of the server's is kept for this account. */
bool session_has_token(const struct account *account);
/* The server is told at the next login, which follows at once when online,
 * that it is not good any more; then it is forgotten. */
void session_give_up_token(struct account *account);
