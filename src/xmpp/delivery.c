#include "xmpp/delivery.h"
#include "model/jid.h"
#include "xmpp/outbox.h"

#define LOOK_BACK 200 /* messages that one marker may raise */

static void reach_before(struct chat *chat, const char *id,
    enum delivery delivery)
{
    const struct message *last = chat_find_id(chat, id, true);
    guint i = chat->messages->len, n = 0;

    if (!last)
        return;
    while (i > 0 && g_ptr_array_index(chat->messages, i - 1) != last)
        i--;
    while (i-- > 0 && n++ < LOOK_BACK) {
        const struct message *m = g_ptr_array_index(chat->messages, i);
        if (m == last || !m->outgoing || m->delivery == DELIVERY_FAILED)
            continue;
        if (m->delivery >= delivery)
            break;
        outbox_set_delivery(chat->account, chat->jid, m->id, delivery, NULL);
    }
}

void delivery_reached(struct account *account, const char *from,
    const char *id, enum delivery delivery, bool up_to)
{
    g_autofree char *bare = jid_bare(from);
    struct chat *chat = account_find_chat(account, bare);
    const struct message *message =
        chat ? chat_find_id(chat, id, true) : NULL;

    /* Only an error of theirs can make a message fail, and nothing but
     * sending it again can heal that. */
    if (message &&
        (message->type == MESSAGE_GROUPCHAT ||
            message->delivery == DELIVERY_FAILED))
        return;
    if (outbox_set_delivery(account, bare, id, delivery, NULL) && up_to && chat)
        reach_before(chat, id, delivery);
}
