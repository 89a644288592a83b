/* A stanza's way in through the named phases (feature.h). */
#pragma once
#include "xmpp/feature.h"

/* Message or presence from the stream. */
void inbox_receive(struct account *account, xmpp_stanza_t *stanza);
/* Runs the phases behind UNWRAP for an inner stanza that an UNWRAP hook found
 * to be genuine; outgoing: we sent it elsewhere. archive or carbon as said. */
void inbox_receive_inner(const struct incoming *outer, xmpp_stanza_t *inner,
    bool outgoing, bool carbon, bool archive);
/* Children of a stanza by hook: the table is built once from features[]. */
