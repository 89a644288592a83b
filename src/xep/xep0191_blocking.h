/* Blocking (XEP-0191): the list as our server last told it. */
#pragma once
#include <stdbool.h>
#include "model/account.h"

#define NS_BLOCKING "urn:xmpp:blocking"

/* By full JID, bare JID or domain (XEP-0191 s. 3.1). False while unknown. */
bool blocking_is_blocked(const struct account *account, const char *jid);
