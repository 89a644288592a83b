/* One account: the owner of its roster and its chats. */
#include "model/account.h"
#include "model/jid.h"

enum tls_mode tls_mode_parse(const char *word, bool *known)
{
    static const char *const words[] = { "required", "direct", "starttls",
        "off" };
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_strcmp0(word, words[i]) == 0) {
            if (known)
                *known = true;
            return (enum tls_mode)i;
        }
    if (known)
        *known = false;
    return TLS_MODE_REQUIRED;
}

const char *connection_state_name(enum connection_state state)
{
    static const char *const names[] = { "offline", "waiting", "dialing",
        "securing", "authenticating", "binding", "online", "closing" };

    return names[state];
}

struct account *account_new(const char *bare_jid, struct observers *observers,
    struct options *options, const struct paths *paths)
{
    struct account *account = g_new0(struct account, 1);

    account->jid = g_strdup(bare_jid);
    account->config_jid = g_strdup(bare_jid);
    account->observers = observers;
    account->options = options;
    account->paths = paths;
    account->roster = roster_new();
    account->chats = g_hash_table_new_full(
        g_str_hash, g_str_equal, NULL, (GDestroyNotify)chat_free);
    account->own.show = SHOW_ONLINE;
    return account;
}

void account_free(struct account *account)
{
    if (!account)
        return;
    account_emit(account, (struct event){ .type = EVENT_ACCOUNT_GONE });
    g_hash_table_unref(account->chats);
    roster_free(account->roster);
    presence_clear(&account->own);
    g_free(account->jid);
    g_free(account->config_jid);
    g_free(account->full_jid);
    g_free(account->tls_version);
    g_free(account);
}

struct chat *account_find_chat(const struct account *account, const char *jid)
{
    return jid ? g_hash_table_lookup(account->chats, jid) : NULL;
}

struct chat *account_open_chat(
    struct account *account, const char *jid, enum chat_kind kind)
{
    struct chat *chat = account_find_chat(account, jid);

    if (chat)
        return chat;
    chat = chat_new(account, jid, kind);
    g_hash_table_insert(account->chats, chat->jid, chat);
    account_emit(
        account, (struct event){ .type = EVENT_CHAT_ADDED, .chat = chat });
    return chat;
}

void account_close_chat(struct account *account, struct chat *chat)
{
    account_emit(
        account, (struct event){ .type = EVENT_CHAT_GONE, .chat = chat });
    g_hash_table_remove(account->chats, chat->jid);
}

void account_emit(struct account *account, struct event event)
{
    event.account = account;
    observers_emit(account->observers, &event);
}

const char *account_display_name(
    const struct account *account, const char *jid)
{
    const struct contact *contact = roster_find(account->roster, jid);

    if (!contact && jid_resource(jid)) {
        g_autofree char *bare = jid_bare(jid);
        contact = roster_find(account->roster, bare);
    }
    return contact && contact->name ? contact->name : jid;
}
