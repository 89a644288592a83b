/* One message of a conversation. */
#include "model/message.h"

struct message *message_new(void)
{
    return g_new0(struct message, 1);
}

void message_free(struct message *message)
{
    if (!message)
        return;
    g_free(message->id);
    g_free(message->stanza_id);
    g_free(message->stanza_by);
    g_free(message->origin_id);
    g_free(message->from);
    g_free(message->to);
    g_free(message->nick);
    g_free(message->body);
    g_free(message->subject);
    g_free(message->thread);
    g_free(message->lang);
    g_free(message->oob);
    g_free(message->error);
    g_clear_pointer(&message->bodies, g_hash_table_unref);
    g_free(message);
}

const char *message_type_name(enum message_type type)
{
    static const char *const names[] = { "normal", "chat", "groupchat",
        "headline", "error", "notice" };

    return names[type];
}

const char *delivery_name(enum delivery delivery)
{
    static const char *const names[] = { "none", "queued", "sent", "delivered",
        "displayed", "failed" };

    return names[delivery];
}
