/* Which chats notify, shared with our other clients (XEP-0492). */
#pragma once
#include "model/account.h"

/* The section of the configuration with the rules, by bare JID: "always",
 * "mention", "never". */
#define NOTIFY_SECTION "notify"
/* The person has changed the rule of jid there: the server gets it, at once or
 * when it is there again. */
void notify_rule_changed(struct account *account, const char *jid);
