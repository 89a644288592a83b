/*
 * A conversation. Our own messages are found by id through a table (their
 * errors, receipts and acknowledgements come back by id); those of others by
 * looking back a bounded number of messages, so that no flood of ids from
 * outside makes us scan a long history again and again.
 */
#include "model/chat.h"
#include <string.h>

#define LOOK_BACK 2000
#define HELD_MAX 800  /* messages; then the oldest go, until … */
#define HELD_KEEP 400
#define HELD_UNSAVED_MAX 4000 /* which the store did not take */

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
    g_free(chat->thread_parent);
    g_free(chat->draft);
    g_free(chat->read_stanza_id);
    g_free(chat->typing);
    g_free(chat);
}

static void number(struct chat *chat, struct message *message)
{
    message->number = ++chat->next_number;
    if (message->time_us > chat->active_us)
        chat->active_us = message->time_us;
    if (message->outgoing && message->id)
        g_hash_table_replace(chat->outgoing, message->id, message);
}

static void forget_id(struct chat *chat, const struct message *message)
{
    if (message->outgoing && message->id &&
        g_hash_table_lookup(chat->outgoing, message->id) == message)
        g_hash_table_remove(chat->outgoing, message->id);
}

static void trim(struct chat *chat)
{
    guint n = 0;

    if (chat->messages->len <= HELD_MAX)
        return;
    while (n < chat->messages->len - HELD_KEEP) {
        const struct message *m = g_ptr_array_index(chat->messages, n);
        if (m->row == 0 && chat->messages->len <= HELD_UNSAVED_MAX)
            break;
        forget_id(chat, m);
        n++;
    }
    if (n > 0)
        g_ptr_array_remove_range(chat->messages, 0, n);
}

void chat_append(struct chat *chat, struct message *message)
{
    number(chat, message);
    trim(chat);
    g_ptr_array_add(chat->messages, message);
}

bool chat_place(struct chat *chat, struct message *message)
{
    guint i;

    trim(chat);
    i = chat->messages->len;
    while (i > 0) {
        const struct message *m = g_ptr_array_index(chat->messages, i - 1);
        if (m->row == 0 || message->row > m->row)
            break;
        i--;
    }
    if (i == 0 && chat->messages->len > 0)
        return false;
    number(chat, message);
    g_ptr_array_insert(chat->messages, (int)i, message);
    return true;
}

void chat_prepend(struct chat *chat, GPtrArray *older)
{
    GPtrArray *all = g_ptr_array_new_full(
        older->len + chat->messages->len, (GDestroyNotify)message_free);

    for (guint i = 0; i < older->len; i++) {
        number(chat, g_ptr_array_index(older, i));
        g_ptr_array_add(all, g_ptr_array_index(older, i));
    }
    for (guint i = 0; i < chat->messages->len; i++)
        g_ptr_array_add(all, g_ptr_array_index(chat->messages, i));
    g_ptr_array_set_free_func(older, NULL);
    g_ptr_array_set_size(older, 0);
    g_ptr_array_set_free_func(chat->messages, NULL);
    g_ptr_array_unref(chat->messages);
    chat->messages = all;
}

struct message *chat_find_row(const struct chat *chat, gint64 row)
{
    for (guint i = chat->messages->len; row > 0 && i-- > 0;) {
        struct message *m = g_ptr_array_index(chat->messages, i);
        if (m->row == row)
            return m;
    }
    return NULL;
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
    for (guint i = chat->messages->len; i-- > 0;) {
        struct message *m = g_ptr_array_index(chat->messages, i);
        if (m->number == number)
            return m;
    }
    return NULL;
}

void chat_clear(struct chat *chat)
{
    g_hash_table_remove_all(chat->outgoing);
    g_ptr_array_set_size(chat->messages, 0);
}
