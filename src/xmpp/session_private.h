/*
 * What the files of a session share: rfc6120_session.c has its connection and
 * its life, session_store.c what it writes; testing.c is one without a network.
 */
#pragma once
#include "net/stream.h"
#include "xmpp/manager.h"
#include "xmpp/rfc6120_session.h"
#include "xmpp/testing.h"

#define FRESH_S 60 /* since it is online */

struct session {
    int refs;
    int depth;               /* of stream callbacks */
    struct account *account; /* NULL: detached */
    struct front *front;

    char *server, *ca_file, *resource; /* of the command line */
    guint16 port;
    enum tls_mode tls;
    bool tls_given, script;
    unsigned timeout_ms;

    struct stream *stream;
    xmpp_stanza_t *features; /* of the stream after authentication */
    bool live;               /* what a session holds is here */
    bool suspended;          /* … but no connection (XEP-0198 s. 5) */
    bool taking_up;          /* resuming: we may send, nobody else */
    bool taken_up;           /* this connection resumed; not told yet */
    bool is_stale;           /* the server has the last process's presence */
    gint64 online_us;        /* monotonic: since then */
    bool was_synced;         /* before it was suspended */
    bool leaving;            /* session_disconnect(), and the server knows */
    guint give_up;           /* timer: suspended for too long */
    char *announced;         /* own presence when it was suspended */
    bool connect_again;      /* asked for inside a callback */
    GError *error;
    gint64 retry_ms;

    const struct stream_manager *manager; /* NULL: none in features[] */
    bool dirty;              /* the store has something uncommitted */
    bool unsaved;            /* … and the disk did not take it */
    bool under_way;          /* a transaction is, to the disk */
    bool holds;              /* bytes wait for the next transaction … */
    bool holds_under_way;    /* … for this one */
    guint commit;            /* idle, or timer: see schedule_commit() */
    gint64 committed_us;     /* monotonic: the last time */
    guint tidy;              /* idle, when the store has work left */

    struct login *login;
    struct credentials *credentials; /* NULL before the first connection */
    bool password_worked;    /* in this process */
    struct wake *wake;       /* NULL before the first time online */
    char *mechanism;         /* that let us in, while it is not written down */
    guint settled;           /* source: online, and nothing is urgent */
    struct iq_table *iqs;
    struct inbox *inbox;
    struct outbox *outbox;
    void **states;           /* by position in features[] */

    session_capture_fn capture; /* tests */
    gpointer capture_data;
};

/* ---- rfc6120_session.c ---- */

/* Brackets of every callback. The account, NULL: it was detached, and what is
 * left lives on only until the loop comes round. */
struct account *session_enter(struct session *session);
void session_leave(struct session *session);

struct session *session_new(struct account *account);
void session_attach_features(struct account *account);
void session_set_identity(struct account *account, const char *full_jid);
void session_tell_state(struct account *account, const GError *error, gint64 retry_ms, bool resumed);
void session_go_online(struct session *session);
void session_leave_online(struct session *session, enum connection_state state);
void session_bound(struct session *session, const char *jid);
xmpp_stanza_t *session_resume(gpointer session); /* new, NULL: nothing to take up */
void session_take_up(struct session *session, xmpp_stanza_t *resumed);
/* Online: all_here: nothing of the session was lost meanwhile. */
void session_arrive(struct session *session, bool resumed, bool all_here);
void session_dispatch(struct account *account, xmpp_stanza_t *stanza);

/* ---- session_store.c ---- */

void session_open_store(struct session *session);
void session_read_store(struct account *account); /* once every feature is there */
void session_close_store(struct session *session);
bool session_write(struct session *session); /* waits for the disk */
void session_end_turn(struct session *session);
void session_on_turn(gpointer session);
/* A turn is over, and on disk or not. */
void session_tell_manager(struct session *session);
