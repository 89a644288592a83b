/* The way out: build, run the outgoing hooks, hand to the stream, follow up. */
#pragma once
#include "xmpp/feature.h"

/* Sends a text to a chat: appends the message to the model (EVENT_MESSAGE),
 * sends it or, while offline, keeps it queued until online. Takes nothing.
 * Returns the message, borrowed from the chat; NULL and error when it cannot
 * be sent at all (too long for the server, empty after filtering). */
struct message *outbox_send_text(struct chat *chat, const char *text, GError **error);
/* A message stanza without text of its own (chat state, receipt): takes it;
 * hooks are not run; dropped while offline. */
void outbox_send_bare(struct account *account, xmpp_stanza_t *stanza);
/* Presence through the hooks; takes it. */
void outbox_send_presence(struct account *account, xmpp_stanza_t *presence);
/* The server has everything sent so far: when a ping behind it came back
 * (until XEP-0198 says it better). Marks messages sent. */
void outbox_request_ack(struct account *account);
/* Told once when the server has the message (error NULL) or it failed. */
typedef void (*outbox_fn)(struct account *account, const char *id, const GError *error, gpointer data);
void outbox_watch(struct account *account, const char *id, outbox_fn fn, gpointer data);
void outbox_unwatch(struct account *account, gpointer data); /* every watch of data */

#define OUTBOX_ERROR outbox_error_quark()
GQuark outbox_error_quark(void);
enum outbox_error { OUTBOX_ERROR_EMPTY, OUTBOX_ERROR_TOO_LONG, OUTBOX_ERROR_LOST };

/* Engine side. */
struct outbox;
struct outbox *outbox_new(struct account *account);
void outbox_free(struct outbox *outbox);
void outbox_connection_lost(struct account *account);
/* An error came back for id from the one it was sent to. */
void outbox_failed(struct account *account, const char *id, const char *sentence);
void outbox_online(struct account *account);  /* sends what was queued */
guint outbox_unsent(const struct account *account); /* queued or unacknowledged */
