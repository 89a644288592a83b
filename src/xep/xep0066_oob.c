/* An address that comes with a message. It is shown, never fetched by itself
 * (H47, H56). */
#include <string.h>
#include "xep/xep.h"

#define NS_OOB "jabber:x:oob"
#define MAX_URL_BYTES 4096

static bool is_url(const char *text)
{
    g_autofree char *scheme = g_uri_parse_scheme(text);
    for (const char *p = text; *p; p++)
        if ((guchar)*p <= ' ' || *p == 0x7f)
            return false;
    return scheme && strlen(text) <= MAX_URL_BYTES;
}

static enum verdict on_oob(struct incoming *incoming, xmpp_stanza_t *x)
{
    g_autofree char *url = stanza_child_text(x, "url", NS_OOB);
    if (url && !incoming->message->oob && is_url(g_strstrip(url)))
        incoming->message->oob = g_steal_pointer(&url);
    return GO_ON;
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "message", "x", NS_OOB, on_oob },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_OOB, NULL };

const struct feature xep0066 = {
    .spec = "XEP-0066",
    .name = "Out of Band Data",
    .version = "1.5",
    .since = "0.1.0",
    .status = "partial",
    .note = "Addresses in messages are shown; nothing is fetched by itself.",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
};
