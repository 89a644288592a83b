/*
 * "Seen": told to people who see our presence anyway, once for the newest
 * message that asks for it, when the person really had it in front of them.
 * What others say is believed of messages that went to them (H38, H45).
 */
#include <string.h>
#include "xep/privacy.h"
#include "xep/xep.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0334_hints.h"
#include "xmpp/delivery.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"
#include "xmpp/rfc6120_session.h"
#include "model/jid.h"

#define NS_MARKERS "urn:xmpp:chat-markers:0"
#define MAX_ID_BYTES 1024
#define LOOK_BACK 200

static enum verdict on_markable(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    incoming->message->markable = !incoming->outgoing && incoming->id &&
                                  *incoming->id &&
                                  strlen(incoming->id) <= MAX_ID_BYTES;
    return GO_ON;
}

static void seen_elsewhere(const struct incoming *incoming, const char *id)
{
    g_autofree char *bare = jid_bare(incoming->to);
    struct chat *chat = account_find_chat(incoming->account, bare);
    if (chat)
        reading_reached_message(chat, id);
}

static enum verdict on_displayed(
    struct incoming *incoming, xmpp_stanza_t *child)
{
    const char *id = stanza_attr(child, "id");
    if (id && g_strcmp0(incoming->type, "groupchat") != 0) {
        if (incoming->outgoing)
            seen_elsewhere(incoming, id);
        else
            delivery_reached(incoming->account, incoming->from, id,
                DELIVERY_DISPLAYED, true);
    }
    return stanza_child(incoming->stanza, "body", NULL) ? GO_ON : CLAIMED;
}

static void send_displayed(struct chat *chat, const struct message *message)
{
    g_autofree char *id = stanza_new_id();
    xmpp_stanza_t *marker = stanza_new(
        "message", NULL, "to", message->from, "type", "chat", "id", id, NULL);
    stanza_add(marker, "displayed", NS_MARKERS, "id", message->id, NULL);
    if (message->thread && *message->thread) /* XEP-0333 s. 5 */
        stanza_set_text(
            stanza_add(marker, "thread", NULL, NULL), message->thread);
    hint_store(marker);
    outbox_send_bare(chat->account, marker);
}

static void on_read(struct chat *chat, const struct message *last)
{
    bool sent = chat->kind != CHAT_CONTACT ||
                !session_is_online(chat->account) ||
                !privacy_allows_to(
                    chat->account, chat->jid, "privacy.displayed") ||
                !privacy_sees_us(chat->account, chat->jid) ||
                strcmp(chat->jid, chat->account->jid) == 0;
    guint n = 0;
    for (guint i = chat->messages->len; i-- > 0 && n < LOOK_BACK; n++) {
        struct message *m = chat->messages->pdata[i];
        if (!m->markable || m->row > last->row)
            continue;
        m->markable = false;
        if (!sent)
            send_displayed(chat, m);
        sent = true;
    }
}

static void add_markable(struct outgoing *outgoing)
{
    if (outgoing->message && outgoing->message->body && outgoing->chat &&
        outgoing->chat->kind == CHAT_CONTACT &&
        privacy_allows_to(outgoing->account, outgoing->chat->jid,
            "privacy.request_receipts") &&
        !disco_peer_lacks(outgoing->account,
            stanza_attr(outgoing->stanza, "to"), NS_MARKERS))
        stanza_add(outgoing->stanza, "markable", NS_MARKERS, NULL);
}

static const struct option options[] = {
    { .name = "privacy.displayed",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "tell friends that their messages were seen",
        .detail = "Only contacts who may see our presence are told "
                  "(XEP-0333)." },
    { .name = NULL },
};
static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "message", "markable", NS_MARKERS, on_markable },
    { PHASE_CLAIM, "message", "displayed", NS_MARKERS, on_displayed },
    { .run = NULL },
};
static const struct outgoing_hook outgoing_hooks[] = {
    { "message", add_markable },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_MARKERS, NULL };

const struct feature xep0333 = {
    .spec = "XEP-0333",
    .name = "Displayed Markers",
    .version = "1.0.0",
    .since = "0.1.0",
    .note = "Chats with one person.",
    .namespaces = namespaces,
    .announced_if = "privacy.displayed",
    .incoming = incoming_hooks,
    .outgoing = outgoing_hooks,
    .options = options,
    .read = on_read,
};
