/* What we tell about ourselves, and to whom: the options privacy.*, and the
 * rule that only people who see our presence get an answer (C63). */
#pragma once
#include <stdbool.h>
#include "xmpp/iq.h"

/* option: "privacy.version" …; global, so that no account can differ by
 * accident. True when there are no options (tests). */
bool privacy_allows(const struct account *account, const char *option);
/* Answers for the caller when the asker is to learn nothing: XEP-0092 s. 4,
 * XEP-0012 s. 4. */
bool privacy_refuse(struct iq_request *request, const char *option);
/* Does this address (bare part) see our presence, or is it our own account? */
bool privacy_sees_us(const struct account *account, const char *jid);
