/* Forwarded stanzas (XEP-0297): only what is inside carbons and archive
 * results is ever read, and who may wrap what is said there. */
#pragma once
#include <stdbool.h>
#include "xmpp/stanza.h"

#define NS_FORWARD "urn:xmpp:forward:0"
#define NS_MAM "urn:xmpp:mam:2"
#define NS_CARBONS "urn:xmpp:carbons:2"

/* The one message in the one <forwarded/> of wrapper, borrowed; NULL when
 * there is anything else or when it wraps again (H30, H33). delay (may be
 * NULL): its time stamp element, NULL when there is none. */
xmpp_stanza_t *forward_unwrap(xmpp_stanza_t *wrapper, xmpp_stanza_t **delay);
