#include "xep/xep0297_forward.h"
#include "xep/xep.h"

static bool is_wrapper(xmpp_stanza_t *message)
{
    return stanza_child(message, "received", NS_CARBONS) ||
           stanza_child(message, "sent", NS_CARBONS) ||
           stanza_child(message, "result", NS_MAM);
}

xmpp_stanza_t *forward_unwrap(xmpp_stanza_t *wrapper, xmpp_stanza_t **delay)
{
    xmpp_stanza_t *forwarded = stanza_first_element(wrapper);
    xmpp_stanza_t *inner = NULL;
    if (delay)
        *delay = NULL;
    if (!stanza_is(forwarded, "forwarded", NS_FORWARD) ||
        stanza_count_elements(wrapper) != 1)
        return NULL;
    for (xmpp_stanza_t *child = stanza_first_element(forwarded); child;
         child = stanza_next(child, NULL, NULL)) {
        if (stanza_is(child, "delay", "urn:xmpp:delay")) {
            if (delay)
                *delay = child;
            continue;
        }
        if (inner || !stanza_is(child, "message", NS_CLIENT))
            return NULL;
        inner = child;
    }
    return inner && !is_wrapper(inner) ? inner : NULL;
}

const struct feature xep0297 = {
    .spec = "XEP-0297",
    .name = "Stanza Forwarding",
    .version = "1.0",
    .since = "0.1.0",
};
