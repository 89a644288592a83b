/* They are sent, not obeyed: what was shown to a person stays in the history,
 * whatever its sender would like. */
#include "xep/xep0334_hints.h"

#include "xep/xep.h"

#define NS_HINTS "urn:xmpp:hints"

void hint_store(xmpp_stanza_t *message)
{
    stanza_add(message, "store", NS_HINTS, NULL);
}

void hint_no_store(xmpp_stanza_t *message)
{
    stanza_add(message, "no-store", NS_HINTS, NULL);
}

const struct feature xep0334 = {
    .spec = "XEP-0334",
    .name = "Message Processing Hints",
    .version = "0.4.0",
    .since = "0.1.0",
    .note = "Sent with what has no text: receipts and markers are to be kept, "
            "chat states are not. What others send is stored all the same.",
};
