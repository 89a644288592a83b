/*
 * Delivery receipts. A receipt tells that we are there, so only people who see
 * our presence get one; and it counts only from the one the message went to
 * (XEP-0184 s. 8, H45).
 */
#include <string.h>
#include "xep/privacy.h"
#include "xep/xep.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0334_hints.h"
#include "xmpp/delivery.h"
#include "xmpp/outbox.h"

#define NS_RECEIPTS "urn:xmpp:receipts"
#define MAX_ID_BYTES 1024

static bool is_personal(const struct incoming *incoming)
{
    return g_strcmp0(incoming->type, "error") != 0 &&
           g_strcmp0(incoming->type, "groupchat") != 0;
}

/* S. 7: a receipt is of the same type; what is not known is normal. */
static const char *known_type(const char *type)
{
    return g_strcmp0(type, "chat") == 0       ? "chat"
           : g_strcmp0(type, "headline") == 0 ? "headline"
                                              : NULL;
}

static enum verdict on_request(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    struct account *account = incoming->account;
    /* Copies and the past are answered by whoever got them first (s. 5.6). */
    if (incoming->outgoing || incoming->carbon || incoming->archive ||
        !is_personal(incoming) || !incoming->id || !*incoming->id ||
        strlen(incoming->id) > MAX_ID_BYTES ||
        !stanza_child(incoming->stanza, "body", NULL) ||
        strcmp(incoming->from_bare, account->jid) == 0 ||
        !privacy_sees_us(account, incoming->from) ||
        !privacy_allows_to(account, incoming->from, "privacy.receipts"))
        return GO_ON;
    g_autofree char *id = stanza_new_id();
    xmpp_stanza_t *receipt = stanza_new("message", NULL, "to", incoming->from,
        "type", known_type(incoming->type), "id", id, NULL);
    stanza_add(receipt, "received", NS_RECEIPTS, "id", incoming->id, NULL);
    hint_store(receipt);
    outbox_send_bare(account, receipt);
    return GO_ON;
}

static enum verdict on_received(struct incoming *incoming, xmpp_stanza_t *child)
{
    struct account *account = incoming->account;
    const char *id = stanza_attr(child, "id");
    if (!incoming->outgoing && is_personal(incoming) && id)
        delivery_reached(
            account, incoming->from, id, DELIVERY_DELIVERED, false);
    return stanza_child(incoming->stanza, "body", NULL) ? GO_ON : CLAIMED;
}

static void add_request(struct outgoing *outgoing)
{
    struct message *message = outgoing->message;
    if (!message || !message->body || !outgoing->chat ||
        outgoing->chat->kind != CHAT_CONTACT ||
        message->type == MESSAGE_GROUPCHAT ||
        !stanza_attr(outgoing->stanza, "id") ||
        !privacy_allows_to(outgoing->account, outgoing->chat->jid,
            "privacy.request_receipts") ||
        disco_peer_lacks(outgoing->account,
            stanza_attr(outgoing->stanza, "to"), NS_RECEIPTS)) /* s. 5.2 */
        return;
    stanza_add(outgoing->stanza, "request", NS_RECEIPTS, NULL);
    message->receipt_wanted = true;
}

static const struct option options[] = {
    { .name = "privacy.receipts",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "confirm to friends that their messages arrived",
        .detail = "Only contacts who may see our presence get a receipt "
                  "(XEP-0184); strangers never do." },
    { .name = "privacy.request_receipts",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "ask others to confirm that our messages arrived" },
    { .name = NULL },
};
static const struct incoming_hook incoming_hooks[] = {
    { PHASE_CLAIM, "message", "request", NS_RECEIPTS, on_request },
    { PHASE_CLAIM, "message", "received", NS_RECEIPTS, on_received },
    { .run = NULL },
};
static const struct outgoing_hook outgoing_hooks[] = {
    { "message", add_request },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_RECEIPTS, NULL };

const struct feature xep0184 = {
    .spec = "XEP-0184",
    .name = "Message Delivery Receipts",
    .version = "1.4.0",
    .since = "0.1.0",
    .namespaces = namespaces,
    .announced_if = "privacy.receipts",
    .incoming = incoming_hooks,
    .outgoing = outgoing_hooks,
    .options = options,
};
