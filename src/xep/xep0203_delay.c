/*
 * When a message was really sent. Anybody can write a stamp, so only that of
 * our own server or of a room we are in counts, only when there is no other,
 * and only when it is not in the future (H46). Of several by our server, as it
 * writes when a session is lost and what was on its way is kept for later, the
 * latest counts, if they say about the same. Servers let through what others
 * write in their name: see kept_place() for how far a stamp is believed.
 */
#include <string.h>
#include "base/stamp.h"
#include "model/jid.h"
#include "xep/xep.h"

#define NS_DELAY "urn:xmpp:delay"
#define TOLERANCE_US (60 * G_USEC_PER_SEC) /* clocks differ */
#define APART_US (600 * G_USEC_PER_SEC) /* a session waits for so long */

static bool is_joined_room(const struct incoming *incoming)
{
    const struct chat *chat =
        account_find_chat(incoming->account, incoming->from_bare);
    return chat && chat->kind == CHAT_ROOM;
}

static bool is_trusted(const struct incoming *incoming, const char *by)
{
    const char *own = incoming->account->jid;
    if (by && (strcmp(by, own) == 0 || strcmp(by, jid_domain_start(own)) == 0))
        return true;
    if (by && strcmp(by, incoming->from_bare) != 0)
        return false;
    return is_joined_room(incoming);
}

static enum verdict on_delay(struct incoming *incoming, xmpp_stanza_t *delay)
{
    gint64 first = G_MAXINT64, last = 0;
    xmpp_stanza_t *one = stanza_child(incoming->stanza, "delay", NS_DELAY);
    if (one != delay)
        return GO_ON;
    for (; one; one = stanza_next(one, "delay", NS_DELAY)) {
        const char *stamp = stanza_attr(one, "stamp");
        gint64 time_us;
        if (!stamp || !is_trusted(incoming, stanza_attr(one, "from")) ||
            !stamp_parse(stamp, &time_us) ||
            time_us > stamp_now() + TOLERANCE_US)
            return GO_ON;
        first = MIN(first, time_us);
        last = MAX(last, time_us);
    }
    if (last - first > APART_US)
        return GO_ON;
    incoming->message->time_us = last;
    incoming->message->delayed = true;
    return GO_ON;
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "message", "delay", NS_DELAY, on_delay },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_DELAY, NULL };

const struct feature xep0203 = {
    .spec = "XEP-0203",
    .name = "Delayed Delivery",
    .version = "2.0",
    .since = "0.1.0",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
};
