/*
 * Per chat two facts are kept: what we told last, and whether the peer uses
 * chat states. The first message asks by carrying <active/>; the peer's reply
 * decides (XEP-0085 s. 5.1). Keys cost a comparison and a time stamp.
 */
#include "xep/xep0085_chatstates.h"

#include <string.h>
#include "model/jid.h"
#include "xep/privacy.h"
#include "xep/xep.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0334_hints.h"
#include "xmpp/outbox.h"
#include "xmpp/rfc6120_session.h"

#define NS_CHATSTATES "http://jabber.org/protocol/chatstates"
#define PAUSE_S 30 /* XEP-0085 s. 3 */

static const char *const state_names[] = { "active", "composing", "paused",
    "inactive", "gone" };

enum peer_use { PEER_UNKNOWN, PEER_SILENT, PEER_USES };

struct chat_memory {
    struct chat *chat; /* borrowed; the memory goes with EVENT_CHAT_GONE */
    enum chat_state told;
    enum peer_use peer;
    bool talked;         /* we sent a message in this session */
    gint64 composing_us; /* monotonic, last key */
    guint pause_timer;
};
struct states_state {
    GHashTable *chats; /* struct chat * → struct chat_memory */
};

static struct states_state *state_of(const struct account *account)
{
    return feature_state(account, &xep0085);
}

static void memory_free(gpointer data)
{
    struct chat_memory *memory = data;
    g_clear_handle_id(&memory->pause_timer, g_source_remove);
    g_free(memory);
}

static struct chat_memory *memory_of(struct chat *chat)
{
    struct states_state *state = state_of(chat->account);
    struct chat_memory *memory = g_hash_table_lookup(state->chats, chat);
    if (memory)
        return memory;
    memory = g_new0(struct chat_memory, 1);
    memory->chat = chat;
    g_hash_table_insert(state->chats, chat, memory);
    return memory;
}

static bool is_on(const struct chat *chat)
{
    return privacy_allows_to(chat->account, chat->jid, "privacy.chat_states");
}

/* Sending. */

static const char *address_of(const struct chat *chat)
{
    return chat->locked ? chat->locked : chat->jid;
}

/* A state alone tells that we are there and typing: only those hear it who
 * know that already, and whose client can use it. */
static bool may_tell(const struct chat_memory *memory)
{
    struct chat *chat = memory->chat;
    if (chat->kind != CHAT_CONTACT || !is_on(chat) ||
        !session_is_online(chat->account) || memory->peer == PEER_SILENT ||
        (!memory->talked && !privacy_sees_us(chat->account, chat->jid)))
        return false;
    if (memory->peer == PEER_USES)
        return true;
    const struct contact *contact =
        roster_find(chat->account->roster, chat->jid);
    const struct presence *best = contact ? contact_best(contact) : NULL;
    const char *full = chat->locked ? chat->locked : best ? best->from : NULL;
    return full &&
           disco_peer_has(chat->account, full, NS_CHATSTATES) == DISCO_YES;
}

static void tell(struct chat_memory *memory, enum chat_state state)
{
    if (memory->told == state || !may_tell(memory))
        return;
    struct chat *chat = memory->chat;
    memory->told = state;
    xmpp_stanza_t *message = stanza_new(
        "message", NULL, "to", address_of(chat), "type", "chat", NULL);
    stanza_add(message, state_names[state], NS_CHATSTATES, NULL);
    hint_no_store(message);
    if (chat->thread)
        stanza_set_text(
            stanza_add(message, "thread", NULL, NULL), chat->thread);
    outbox_send_bare(chat->account, message);
}

static gboolean on_pause(gpointer data)
{
    struct chat_memory *memory = data;
    gint64 idle_us = g_get_monotonic_time() - memory->composing_us;
    gint64 left_us = PAUSE_S * G_USEC_PER_SEC - idle_us;
    memory->pause_timer = 0;
    if (memory->told != CHATSTATE_COMPOSING)
        return G_SOURCE_REMOVE;
    if (left_us > 0)
        memory->pause_timer =
            g_timeout_add((guint)(left_us / 1000 + 1), on_pause, memory);
    else
        tell(memory, CHATSTATE_PAUSED);
    return G_SOURCE_REMOVE;
}

void chatstate_set(struct chat *chat, enum chat_state state)
{
    if (!state_of(chat->account))
        return;
    struct chat_memory *memory = memory_of(chat);
    if (state == CHATSTATE_COMPOSING)
        memory->composing_us = g_get_monotonic_time();
    if (state == memory->told)
        return;
    /* What was never begun need not be ended. */
    if (state == CHATSTATE_PAUSED && memory->told != CHATSTATE_COMPOSING)
        return;
    tell(memory, state);
    if (memory->told == CHATSTATE_COMPOSING && !memory->pause_timer)
        memory->pause_timer = g_timeout_add_seconds(PAUSE_S, on_pause, memory);
}

static void add_active(struct outgoing *outgoing)
{
    struct chat *chat = outgoing->chat;
    if (!chat || chat->kind != CHAT_CONTACT || !outgoing->message ||
        !outgoing->message->body)
        return;
    struct chat_memory *memory = memory_of(chat);
    memory->talked = true;
    memory->told = CHATSTATE_ACTIVE;
    if (memory->peer != PEER_SILENT && is_on(chat))
        stanza_add(outgoing->stanza, "active", NS_CHATSTATES, NULL);
}

/* Receiving. */

static void show(
    struct incoming *incoming, struct chat *chat, const char *state)
{
    if (chat && g_strcmp0(chat->typing, state) == 0)
        return;
    const struct contact *contact =
        roster_find(incoming->account->roster, incoming->from_bare);
    if (chat) {
        g_free(chat->typing);
        chat->typing = g_strdup(state);
    } else if (!contact || !contact->in_roster) {
        return; /* strangers do not make anything happen */
    }
    account_emit(incoming->account,
        (struct event){ .type = EVENT_TYPING,
            .chat = chat,
            .typing = { .from = incoming->from, .state = state } });
}

/* XEP-0085 s. 5.7: the conversation of this thread is over, what is said next
 * begins another. */
static void end_thread(struct chat *chat)
{
    if (!chat->thread)
        return;
    g_clear_pointer(&chat->thread_parent, g_free);
    g_free(chat->thread);
    chat->thread = g_uuid_string_random();
}

static enum verdict on_state(struct incoming *incoming, xmpp_stanza_t *child)
{
    bool has_body = stanza_child(incoming->stanza, "body", NULL) != NULL;
    enum verdict verdict = has_body ? GO_ON : CLAIMED;
    struct chat *chat =
        account_find_chat(incoming->account, incoming->from_bare);
    if (incoming->outgoing || incoming->archive ||
        g_strcmp0(incoming->type, "groupchat") == 0 ||
        (chat && chat->kind != CHAT_CONTACT))
        return verdict;
    if (chat)
        memory_of(chat)->peer = PEER_USES;
    show(incoming, chat, stanza_name(child));
    if (chat && !has_body && g_str_equal(stanza_name(child), "gone"))
        end_thread(chat);
    return verdict;
}

/* A text without any state from a peer who was asked: it does not use them. */
static enum verdict on_message(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    if (incoming->outgoing || incoming->archive || incoming->carbon ||
        !stanza_child(incoming->stanza, "body", NULL) ||
        stanza_child(incoming->stanza, NULL, NS_CHATSTATES) ||
        g_strcmp0(incoming->type, "chat") != 0)
        return GO_ON;
    struct chat *chat =
        account_find_chat(incoming->account, incoming->from_bare);
    if (!chat || chat->kind != CHAT_CONTACT)
        return GO_ON;
    struct chat_memory *memory = memory_of(chat);
    if (memory->talked)
        memory->peer = PEER_SILENT;
    if (chat->typing)
        show(incoming, chat, "active");
    return GO_ON;
}

/* Who goes away is not typing any more, and may come back with a client that
 * can less, or more. */
static enum verdict on_presence(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    if (g_strcmp0(incoming->type, "unavailable") != 0)
        return GO_ON;
    struct chat *chat =
        account_find_chat(incoming->account, incoming->from_bare);
    if (!chat || chat->kind != CHAT_CONTACT)
        return GO_ON;
    struct chat_memory *memory =
        g_hash_table_lookup(state_of(incoming->account)->chats, chat);
    if (memory)
        memory->peer = PEER_UNKNOWN;
    if (chat->typing)
        show(incoming, chat, "gone");
    return GO_ON;
}

/* The life of an account. */

static void on_event(const struct event *event, gpointer data)
{
    struct account *account = data;
    if (event->type != EVENT_CHAT_GONE || event->account != account)
        return;
    struct states_state *state = state_of(account);
    struct chat_memory *memory = g_hash_table_lookup(state->chats, event->chat);
    if (!memory)
        return;
    tell(memory, CHATSTATE_GONE);
    g_hash_table_remove(state->chats, event->chat);
}

static void attach(struct account *account)
{
    state_of(account)->chats =
        g_hash_table_new_full(NULL, NULL, NULL, memory_free);
    observers_add(account->observers, on_event, account);
}

static void detach(struct account *account)
{
    observers_remove(account->observers, on_event, account);
    g_hash_table_unref(state_of(account)->chats);
}

static void offline(struct account *account)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, state_of(account)->chats);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct chat_memory *memory = value;
        memory->told = CHATSTATE_ACTIVE;
        memory->peer = PEER_UNKNOWN;
        g_clear_handle_id(&memory->pause_timer, g_source_remove);
    }
}

static const struct option options[] = {
    { .name = "privacy.chat_states",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "let others see that we are typing",
        .detail = "Told only to people who may see our presence or whom we "
                  "wrote to, and whose client uses chat states itself "
                  "(XEP-0085)." },
    { .name = NULL },
};
static const struct incoming_hook incoming_hooks[] = {
    { PHASE_CLAIM, "message", NULL, NULL, on_message },
    { PHASE_CLAIM, "message", "active", NS_CHATSTATES, on_state },
    { PHASE_CLAIM, "message", "composing", NS_CHATSTATES, on_state },
    { PHASE_CLAIM, "message", "paused", NS_CHATSTATES, on_state },
    { PHASE_CLAIM, "message", "inactive", NS_CHATSTATES, on_state },
    { PHASE_CLAIM, "message", "gone", NS_CHATSTATES, on_state },
    { PHASE_ANNOTATE, "presence", NULL, NULL, on_presence },
    { .run = NULL },
};
static const struct outgoing_hook outgoing_hooks[] = {
    { "message", add_active },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_CHATSTATES, NULL };

const struct feature xep0085 = {
    .spec = "XEP-0085",
    .name = "Chat State Notifications",
    .version = "2.1",
    .since = "0.1.0",
    .namespaces = namespaces,
    .announced_if = "privacy.chat_states",
    .incoming = incoming_hooks,
    .outgoing = outgoing_hooks,
    .options = options,
    .state_size = sizeof(struct states_state),
    .attach = attach,
    .detach = detach,
    .offline = offline,
};
