/*
 * Stable ids. The id that an archive gave is believed only from our own
 * server, when it says that it gives such ids and takes forged ones out, and
 * only for its own name (XEP-0359 s. 6, H34, H35).
 */
#include <string.h>
#include "xep/xep.h"
#include "xep/xep0030_disco.h"

#define NS_SID "urn:xmpp:sid:0"
#define MAX_ID_BYTES 1024

static bool is_fit(const char *id)
{
    return id && *id && strlen(id) <= MAX_ID_BYTES;
}

static void set_id(char **place, const char *id)
{
    g_free(*place);
    *place = g_strdup(id);
}

static enum verdict on_stanza_id(
    struct incoming *incoming, xmpp_stanza_t *child)
{
    const char *by = stanza_attr(child, "by");
    const char *id = stanza_attr(child, "id");
    if (is_fit(id) && by && !incoming->message->stanza_id &&
        strcmp(by, incoming->account->jid) == 0 &&
        disco_server_has(incoming->account, NS_SID) == DISCO_YES) {
        set_id(&incoming->message->stanza_id, id);
        set_id(&incoming->message->stanza_by, by);
    }
    return GO_ON;
}

static enum verdict on_origin_id(
    struct incoming *incoming, xmpp_stanza_t *child)
{
    const char *id = stanza_attr(child, "id");
    if (is_fit(id) && !incoming->message->origin_id)
        set_id(&incoming->message->origin_id, id);
    return GO_ON;
}

static void add_origin_id(struct outgoing *outgoing)
{
    const char *id = stanza_attr(outgoing->stanza, "id");
    if (!id)
        return;
    stanza_add(outgoing->stanza, "origin-id", NS_SID, "id", id, NULL);
    if (outgoing->message)
        set_id(&outgoing->message->origin_id, id);
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "message", "stanza-id", NS_SID, on_stanza_id },
    { PHASE_ANNOTATE, "message", "origin-id", NS_SID, on_origin_id },
    { .run = NULL },
};
static const struct outgoing_hook outgoing_hooks[] = {
    { "message", add_origin_id },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_SID, NULL };

const struct feature xep0359 = {
    .spec = "XEP-0359",
    .name = "Unique and Stable Stanza IDs",
    .version = "0.7.0",
    .since = "0.1.0",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
    .outgoing = outgoing_hooks,
};
