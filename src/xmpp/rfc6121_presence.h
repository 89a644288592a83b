/* Our presence and that of others (RFC 6121 s. 3 and 4). */
#pragma once
#include <stdbool.h>
#include "model/account.h"

/* Initial presence, then session_ready(): called when the roster is here. */
void rfc6121_presence_initial(struct account *account);
/* Unavailable to the server and to everybody who got directed presence. */
void rfc6121_presence_leave(struct account *account, const char *status);
/* Sends account->own again (something in it, or a hook's part, changed). */
void rfc6121_presence_update(struct account *account);
/* Nobody touched the keyboard for account.autoaway, or somebody did again:
 * announces away or goes back. Said by the front end. */
void rfc6121_presence_set_idle(struct account *account, bool idle);
