/* Logging in by token: net/stream.c asks for one and uses it, the file
 * xmpp/credentials.c keeps it. */
#include "xep/xep.h"

static const struct option options[] = {
    { .name = "account.fast",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "keep a token of the server, to log in again with",
        .detail = "Where the server hands out tokens (XEP-0484), later logins "
                  "need neither the password nor as many round trips. The "
                  "token is kept like a password, readable by you alone, in "
                  "the data directory; /devices revoke gives it up. Off "
                  "forgets it with the next connection." },
    { .name = NULL },
};

const struct feature xep0484 = {
    .spec = "XEP-0484",
    .name = "Fast Authentication Streamlining Tokens",
    .version = "0.2.0",
    .since = "0.1.0",
    .status = "partial",
    .note = "no early data of TLS",
    .options = options,
};
