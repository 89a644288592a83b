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
void outbox_online(struct account *account);  /* sends what was queued */
guint outbox_unsent(const struct account *account); /* queued or unacknowledged */
