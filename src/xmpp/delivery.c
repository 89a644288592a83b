#include "xmpp/delivery.h"
#include "model/jid.h"
#include "store/history.h"

#define LOOK_BACK 200 /* messages that one marker may raise */

static bool lift(struct chat *chat, struct message *message,
    enum delivery delivery)
{
    struct account *account = chat->account;

    if (!message->outgoing || message->type == MESSAGE_GROUPCHAT ||
        message->delivery == DELIVERY_FAILED || message->delivery >= delivery)
        return false;
    message->delivery = delivery;
    if (account->history && message->row > 0)
        history_update(account->history, message);
    account_emit(account,
        (struct event){ .type = EVENT_MESSAGE_CHANGED,
            .chat = chat,
            .message = { message } });
    return true;
}

static void lift_before(
    struct chat *chat, const struct message *last, enum delivery delivery)
{
    guint i = chat->messages->len, n = 0;

    while (i > 0 && g_ptr_array_index(chat->messages, i - 1) != last)
        i--;
    while (i-- > 0 && n++ < LOOK_BACK) {
        struct message *m = g_ptr_array_index(chat->messages, i);
        if (m->outgoing && m->delivery >= delivery &&
            m->delivery != DELIVERY_FAILED && m != last)
            break;
        lift(chat, m, delivery);
    }
}

/* One that is in the store and no longer in the model. */
static void lift_stored(
    struct chat *chat, const char *id, enum delivery delivery)
{
    struct history *history = chat->account->history;
    const gint64 row = history ? history_find_own(history, id) : 0;
    auto_struct(message) message = row > 0 ? history_load(history, row) : NULL;

    if (message && message->to && jid_bare_equal(message->to, chat->jid))
        lift(chat, message, delivery);
}

void delivery_reached(struct account *account, const char *from,
    const char *id, enum delivery delivery, bool up_to)
{
    g_autofree char *bare = jid_bare(from);
    struct chat *chat = account_find_chat(account, bare);
    struct message *message = chat ? chat_find_id(chat, id, true) : NULL;

    if (!chat)
        return;
    if (!message) {
        lift_stored(chat, id, delivery);
        return;
    }
    lift(chat, message, delivery);
    if (up_to)
        lift_before(chat, message, delivery);
}
