/* The way out: build, run the outgoing hooks, hand to the stream, follow up. */
#pragma once
#include "xmpp/feature.h"

/* Sends a text to a chat: stores the message, appends it to the model
 * (EVENT_MESSAGE), sends it or, while offline, keeps it queued until online,
 * also over a restart. Takes nothing. Returns the message, borrowed from the
 * chat; NULL and error when it cannot be sent at all (too long for the server,
 * empty after filtering). */
struct message *outbox_send_text(struct chat *chat, const char *text, GError **error);
/* A message stanza without text of its own (chat state, receipt): takes it;
 * hooks are not run; dropped while offline. */
void outbox_send_bare(struct account *account, xmpp_stanza_t *stanza);
/* Presence through the hooks; takes it. */
void outbox_send_presence(struct account *account, xmpp_stanza_t *presence);
/* Asks what the server has of what was sent so far: by stream management, or
 * by a ping behind it. Marks messages sent. */
void outbox_request_ack(struct account *account);
/* For tests: after so long without a confirmation the server is asked whether
 * it lives. */
void outbox_set_patience(struct account *account, unsigned ms);
/* Told once when the server has the message (error NULL) or it failed. */
typedef void (*outbox_fn)(struct account *account, const char *id, const GError *error, gpointer data);
void outbox_watch(struct account *account, const char *id, outbox_fn fn, gpointer data);
void outbox_unwatch(struct account *account, gpointer data); /* every watch of data */

/* Nobody waits for it any more: it is not sent, if it was not yet. */
void outbox_give_up(struct account *account, const char *id);

#define OUTBOX_ERROR outbox_error_quark()
GQuark outbox_error_quark(void);
enum outbox_error { OUTBOX_ERROR_EMPTY, OUTBOX_ERROR_TOO_LONG, OUTBOX_ERROR_LOST };

/* A receipt or a marker came for a message of ours, or an error (sentence):
 * stores it and tells it (EVENT_MESSAGE_CHANGED) if it is news: a state never
 * goes back, and what was delivered does not fail. It is the last word: nothing
 * is waited for any more. chat_jid: whom it was sent to. False: we did not send
 * such a message there. */
bool outbox_set_delivery(struct account *account, const char *chat_jid,
    const char *id, enum delivery delivery, const char *sentence);

/* ---- messages of which nobody knows whether the server has them ---- */

/* Our archive (XEP-0313) can tell: true when it will, with outbox_settle(). */
typedef bool (*outbox_prover)(struct account *account);
void outbox_set_prover(struct account *account, outbox_prover fn);
/* It was seen: in the archive, or as a copy. */
void outbox_confirm(struct account *account, const char *origin_id);
/* The archive was read. Those that have got an archive id in the store are
 * there. whole: all others are not, and are sent again with the same ids. Else
 * nobody knows: those that stream management counted, so that the server
 * probably lacks them, are sent again, and the others fail with a sentence. */
void outbox_settle(struct account *account, bool whole);

extern const struct command outbox_commands[]; /* /outbox */

/* Engine side. */
struct outbox;
struct outbox *outbox_new(struct account *account);
void outbox_free(struct outbox *outbox);
void outbox_restore(struct account *account); /* what the last process left */
void outbox_connection_lost(struct account *account); /* and its session */
/* Stream management: the server has handled h stanzas (mod 2^32). */
void outbox_acked(struct account *account, guint32 h);
/* … and no other of those that were counted: they are sent again. */
void outbox_requeue(struct account *account);
/* It is not to be had: what is on its way is proved by a ping. */
void outbox_uncounted(struct account *account);
void outbox_online(struct account *account);  /* sends what was queued */
/* Queued or unacknowledged, but for those held back because they are old. */
guint outbox_unsent(const struct account *account);
