/* The styling itself is the screen's (ui/draw/styling.h); here is what goes
 * over the wire: a sender may say that a text is to be shown as it stands. */
#include "xep/xep.h"

#define NS_STYLING "urn:xmpp:styling:0"

static enum verdict on_unstyled(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    incoming->message->unstyled = true;
    return GO_ON;
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "message", "unstyled", NS_STYLING, on_unstyled },
    { .run = NULL },
};

static const char *const namespaces[] = { NS_STYLING, NULL };

const struct feature xep0393 = {
    .spec = "XEP-0393",
    .name = "Message Styling",
    .version = "1.1.1",
    .since = "0.1.0",
    .note = "Shown with all marks in place; ui.styling switches it off.",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
};
