/*
 * What the files of a stream share: stream.c has the connection, its ends and
 * its order; stream_login.c who we are (RFC 6120 s. 6, XEP-0388, XEP-0484);
 * stream_bind.c which address and session we have (RFC 6120 s. 7, XEP-0198,
 * XEP-0386).
 */
#pragma once
#include "net/relay.h"
#include "net/sasl.h"
#include "net/sasl2.h"
#include "net/stream.h"

#define OFFER_BYTES_MAX 16384

enum step {
    STEP_NONE, /* no connection is wanted, or back-off */
    STEP_DIALING,
    STEP_SECURING,    /* TCP is up, or TLS is being set up */
    STEP_CERTIFICATE, /* the owner is asked */
    STEP_HEADER,      /* our header is out */
    STEP_FEATURES,
    STEP_PROCEED,  /* <starttls/> is out */
    STEP_PASSWORD, /* the owner is asked */
    STEP_PLAIN,    /* the owner is asked */
    STEP_REGISTER, /* the owner makes an account (XEP-0077) */
    STEP_SASL,
    STEP_RESUME, /* <resume/> is out (XEP-0198) */
    STEP_BOUND,  /* inside SASL2; features are to come (XEP-0388 s. 2.6.1) */
    STEP_BIND,
    STEP_SESSION, /* RFC 3921 s. 3, where the server insists */
    STEP_ONLINE,
};

struct stream {
    struct stream_callbacks callbacks;
    gpointer data;

    /* configuration */
    char *jid, *domain, *ascii_domain, *local, *resource, *server, *ca_file,
        *proxy, *client_cert, *client_key, *lang;
    guint16 port;
    enum tls_mode tls_mode;
    GPtrArray *pins; /* NULL-terminated; grows when the owner accepts one */
    char *pinned_mechanism, *user_agent, *software;
    char *offer; /* SASL2's when last seen, XML; NULL: none yet */
    bool plain_allowed, anonymous, reconnect, registration;
    bool scram_seen; /* on any connection of ours */
    unsigned timeout_ms, ping_interval_s, backoff_ms;

    /* this connection */
    struct relay *relay;
    enum step step;
    enum connection_state state;
    bool closing; /* stream_close() */
    bool ending;  /* the relay is being closed, or is closed */
    bool was_online;
    bool authenticated;
    bool secured;
    bool header_asked; /* our header is out, theirs is not here */
    GError *reason;
    bool final; /* no attempt after this reason */
    guint finish;
    struct tls_peer *peer;
    char *tls_version;
    gint64 online_since;
    gsize max_bytes;
    unsigned idle_seconds;
    char *request_id; /* of bind, session */
    bool session_needed, can_bind;
    xmpp_stanza_t *features;
    char *their_lang; /* xml:lang of their header */
    char *full_jid;
    char *resume_id; /* previd of our <resume/> */

    /* login */
    struct sasl *sasl;
    struct sasl_choice choice;
    GStrv older, newer; /* mechanisms of RFC 6120 and of SASL2, as offered */
    GStrv bindings;
    GStrv token_mechanisms;
    xmpp_stanza_t *authentication; /* SASL2's offer, NULL: not offered */
    bool sasl2;                    /* the profile in use */
    bool by_token;                 /* the login under way is one by token */
    bool invalidating;
    bool early;      /* <authenticate/> went out with our header */
    bool went_early; /* on this connection */
    bool bind_asked, resumption_tried;
    bool fell_silent; /* on this connection: asked for more than a login */
    char *wanted_token;   /* mechanism of the one asked for */
    xmpp_stanza_t *bound; /* of Bind 2 */
    guint patience;
    GBytes *exporter, *end_point;
    struct secret *password;
    char *mechanism; /* that was used */
    unsigned tries;  /* passwords refused */
    unsigned failures_here;
    bool no_plus, no_external, resource_taken;
    char *refusal;           /* sentence of the last one */
    bool no_token;           /* it was refused: once with the password */
    unsigned token_refusals; /* in a row */
    char *refused_token;     /* mechanism of the last of these */
    bool not_early;          /* the last time it ended badly … */
    unsigned early_failures; /* … and this often in a row */
    bool no_extras;          /* it fell silent: the login, and nothing else … */
    unsigned silences;       /* … so often in a row */
    bool login_only;         /* what the owner knows of it */

    /* between connections */
    unsigned losses, redirects;
    char *other_host;
    guint16 other_port;
    char *location; /* where the server wants to be met again (XEP-0198) */
    guint16 location_port;
    bool at_location, location_failed;
    guint retry;
    gint64 retry_at;
    bool hurry;  /* skip the next back-off */
    bool redial; /* an answer came while the connection was ending */

    /* signs of life */
    guint ping_timer;
    unsigned pings; /* without an answer */
    gint64 pinged_at;
};

/* ---- stream.c ---- */

/* error: NULL or why; retry_ms: -1 when no attempt will follow. */
void stream_tell(struct stream *stream, enum connection_state state, const GError *error, gint64 retry_ms);
/* The connection ends: condition is the stream error to send, or NULL. */
void stream_end(struct stream *stream, const char *condition, const char *text);
/* Ends it for a reason (taken; the first one counts). final: no attempt follows. */
void stream_give_up(struct stream *stream, GError *error, bool final, const char *condition);
void stream_break(struct stream *stream, enum stream_error code, bool final, const char *condition,
    const char *format, ...) G_GNUC_PRINTF(5, 6);
void stream_finish_soon(struct stream *stream); /* without a word to the other side */
void stream_start(struct stream *stream);       /* an attempt */
void stream_open(struct stream *stream);        /* our header */
void stream_say(struct stream *stream, const char *xml);
void stream_expect(struct stream *stream, enum step step); /* … before a deadline */
void stream_watch(struct stream *stream);                  /* signs of life, from now on */
void stream_read_limits(struct stream *stream, xmpp_stanza_t *features);

/* ---- stream_login.c ---- */

void stream_login_offered(struct stream *stream, xmpp_stanza_t *features);
void stream_login_early(struct stream *stream); /* with our header, when a token is at hand */
bool stream_login_take(struct stream *stream, xmpp_stanza_t *stanza); /* false: it was not due */
bool stream_login_asked_extras(const struct stream *stream); /* more than the login alone */
void stream_login_learn(struct stream *stream);              /* from a connection that has ended */
void stream_login_forget(struct stream *stream);

/* ---- stream_bind.c ---- */

void stream_bind_offered(struct stream *stream, xmpp_stanza_t *features);
bool stream_bind_take(struct stream *stream, xmpp_stanza_t *stanza); /* false: it was not due */
void stream_bind_begun(struct stream *stream); /* bound inside SASL2; stanzas come */
/* <resume/> that the owner wants to ask for (new), NULL: none. */
xmpp_stanza_t *stream_bind_resumption(struct stream *stream);
/* What SASL2's success says of the session; address: whom it took us for. */
void stream_bind_session(struct stream *stream, xmpp_stanza_t *success, const char *address);
/* bound: bare or full, as the server wrote it. */
bool stream_bind_is_ours(const struct stream *stream, const char *bound);
void stream_bind_refuse(struct stream *stream); /* an address that is not */
