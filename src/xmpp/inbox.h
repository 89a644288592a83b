/* A stanza's way in through the named phases (feature.h). */
#pragma once
#include "xmpp/feature.h"

/* Message or presence from the stream. */
void inbox_receive(struct account *account, xmpp_stanza_t *stanza);
/* Runs the phases behind UNWRAP for an inner stanza that an UNWRAP hook found
 * to be genuine; outgoing: we sent it elsewhere. archive or carbon as said. */
void inbox_receive_inner(const struct incoming *outer, xmpp_stanza_t *inner,
    bool outgoing, bool carbon, bool archive);

/* What cannot be believed is left out: one line in the debug log, at most a
 * few a second (H49). For hooks that return DROPPED the inbox does it. */
void inbox_log_drop(struct account *account, xmpp_stanza_t *stanza, const char *why);

/* The hooks of features[] by (stanza, element, namespace), built once for a
 * session. */
struct inbox;
struct inbox *inbox_new(void);
void inbox_free(struct inbox *inbox);
