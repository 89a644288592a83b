/* What we tell about ourselves, and to whom: the options privacy.*, and the
 * rule that only people who see our presence get an answer (C63). */
#pragma once
#include <stdbool.h>
#include "xmpp/iq.h"

/* option: "privacy.version" …; global, so that no account can differ by
 * accident. True when there are no options (tests). */
bool privacy_allows(const struct account *account, const char *option);
/* What is told to one person at a time: [privacy JID] of the configuration, set
 * with /privacy … in JID, goes before the option. jid: its bare part counts. */
bool privacy_allows_to(
    const struct account *account, const char *jid, const char *option);
char *privacy_of_chat(const struct options *options, const char *jid, const char *option); /* new; NULL: as the option */
bool privacy_set_of_chat(struct options *options, const char *jid,
    const char *option, const char *value, GError **error); /* NULL removes */
extern const char *const privacy_of_chats[]; /* the options that can; NULL ends */
/* Answers for the caller when the asker is to learn nothing: XEP-0092 s. 4,
 * XEP-0012 s. 4. */
bool privacy_refuse(struct iq_request *request, const char *option);
/* Does this address (bare part) see our presence, or is it our own account? */
bool privacy_sees_us(const struct account *account, const char *jid);
