/* Hints to servers on what becomes of a message (XEP-0334). */
#pragma once
#include "xmpp/stanza.h"

void hint_store(xmpp_stanza_t *message);    /* without a text, yet wanted later */
void hint_no_store(xmpp_stanza_t *message); /* of this moment only */
