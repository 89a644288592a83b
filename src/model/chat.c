/*
 * A conversation. Our own messages are found by id through a table (their
 * errors, receipts and acknowledgements come back by id); those of others by
 * looking back a bounded number of messages, so that no flood of ids from
 * outside makes us scan a long history again and again.
 */
#include "model/chat.h"
#include <string.h>

#define LOOK_BACK 2000

struct chat *chat_new(
    struct account *account, const char *jid, enum chat_kind kind)
{
    struct chat *chat = g_new0(struct chat, 1);

    chat->account = account;
    chat->jid = g_strdup(jid);
    chat->kind = kind;
    chat->messages =
        g_ptr_array_new_with_free_func((GDestroyNotify)message_free);
    chat->outgoing = g_hash_table_new(g_str_hash, g_str_equal);
    return chat;
}

void chat_free(struct chat *chat)
{
    if (!chat)
        return;
    g_hash_table_unref(chat->outgoing);
    g_ptr_array_unref(chat->messages);
    g_free(chat->jid);
    g_free(chat->locked);
    g_free(chat->thread);
    g_free(chat->draft);
    g_free(chat->typing);
    g_free(chat);
}

void chat_append(struct chat *chat, struct message *message)
{
    message->number = ++chat->next_number;
    if (message->time_us > chat->active_us)
        chat->active_us = message->time_us;
    g_ptr_array_add(chat->messages, message);
    if (message->outgoing && message->id)
        g_hash_table_insert(chat->outgoing, message->id, message);
}

struct message *chat_find_id(
    const struct chat *chat, const char *id, bool outgoing)
{
    const guint n = chat->messages->len;

    if (!id)
        return NULL;
    if (outgoing)
        return g_hash_table_lookup(chat->outgoing, id);
    for (guint i = n; i-- > 0 && n - i <= LOOK_BACK;) {
        struct message *m = g_ptr_array_index(chat->messages, i);
        if (!m->outgoing && m->id && strcmp(m->id, id) == 0)
            return m;
    }
    return NULL;
}

struct message *chat_find_number(const struct chat *chat, guint64 number)
{
    guint low = 0, high = chat->messages->len;

    while (low < high) {
        const guint middle = low + (high - low) / 2;
        struct message *m = g_ptr_array_index(chat->messages, middle);
        if (m->number == number)
            return m;
        if (m->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void chat_clear(struct chat *chat)
{
    g_hash_table_remove_all(chat->outgoing);
    g_ptr_array_set_size(chat->messages, 0);
}
