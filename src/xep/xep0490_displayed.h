/* What our other clients have read, as the server keeps it for all of them. */
#pragma once
#include "model/account.h"

/* Archive id of the last message of a chat that was read on any client; NULL:
 * not known. From when the items came in until they are taken over. */
const char *displayed_item(const struct account *account, const char *jid);
/* Calls fn when the items are in, or not to be had; at once when that is so
 * already; not when the connection goes before. One at a time. */
void displayed_when_known(
    struct account *account, void (*fn)(struct account *account));
