#include "xmpp/reading.h"
#include "model/jid.h"
#include "store/history.h"
#include "xmpp/feature.h"
#include "xmpp/rfc6120_session.h"

#define COUNT_MAX 1000 /* more than that is "many" */
#define LOOK_BACK 50
#define PAGE 100u
#define CHATS_MAX 1000 /* then some go, until … */
#define CHATS_KEEP 900

static void tell(struct chat *chat)
{
    account_emit(chat->account,
        (struct event){ .type = EVENT_CHAT_CHANGED, .chat = chat });
}

/* A half-typed command may have a password in it: it stays in memory. */
static bool is_command(const char *draft)
{
    return draft && draft[0] == '/' && !g_str_has_prefix(draft, "/me ");
}

static void save(struct chat *chat)
{
    struct chat kept = *chat;

    if (!chat->account->history)
        return;
    if (is_command(kept.draft))
        kept.draft = NULL;
    history_save_chat(chat->account->history, &kept);
    session_store_changed(chat->account);
}

static bool is_readable(const struct message *message)
{
    return !message->outgoing && (message->body || message->subject);
}

static void take(struct chat *chat, const struct history_chat *kept)
{
    if (!chat->draft)
        chat->draft = g_strdup(kept->draft);
    if (kept->read_row > chat->read_row)
        chat->read_row = kept->read_row;
    if (!chat->read_stanza_id)
        chat->read_stanza_id = g_strdup(kept->read_stanza_id);
    if (chat->unread == 0 && kept->unread > 0)
        chat->unread = chat->read_row > 0
            ? history_count_after(chat->account->history, chat->jid,
                  chat->read_row, COUNT_MAX)
            : kept->unread;
    chat->mentions = MAX(chat->mentions, MIN(kept->mentions, chat->unread));
    if (chat->unread > 0 || chat->draft)
        tell(chat);
}

void reading_open(struct chat *chat)
{
    struct history *history = chat->account->history;
    auto_struct(history_chat) kept =
        history ? history_find_chat(history, chat->jid) : NULL;

    if (kept)
        take(chat, kept);
}

void reading_load(struct account *account)
{
    g_autoptr(GPtrArray) chats = NULL;

    if (!account->history)
        return;
    chats = history_chats(account->history, true);
    for (guint i = 0; i < chats->len; i++) {
        const struct history_chat *kept = g_ptr_array_index(chats, i);
        if (!account_find_chat(account, kept->jid)) /* else it is loaded */
            account_open_chat(account, kept->jid, kept->kind);
    }
}

static bool is_visible(const struct chat *chat)
{
    struct front *front = session_front(chat->account);

    return front && front->ops->is_visible &&
        front->ops->is_visible(front, chat);
}

/* The store has all of it, and nobody would miss it before it comes back. */
static bool may_go(const struct chat *chat)
{
    return chat->kind == CHAT_CONTACT && !chat->draft &&
        g_hash_table_size(chat->outgoing) == 0 && !is_visible(chat);
}

static gint by_use(gconstpointer a, gconstpointer b)
{
    const struct chat *first = *(struct chat *const *)a;
    const struct chat *second = *(struct chat *const *)b;
    const struct roster *roster = first->account->roster;
    bool known = roster_find(roster, first->jid) != NULL;

    if (known != (roster_find(roster, second->jid) != NULL))
        return known ? 1 : -1;
    return first->active_us < second->active_us
        ? -1
        : first->active_us > second->active_us;
}

void reading_make_room(struct account *account)
{
    g_autoptr(GPtrArray) spare = NULL;
    GHashTableIter iter;
    gpointer chat;
    guint n = g_hash_table_size(account->chats);

    if (n <= CHATS_MAX || !account->history ||
        history_health(account->history) == HISTORY_FAILING)
        return;
    spare = g_ptr_array_new();
    g_hash_table_iter_init(&iter, account->chats);
    while (g_hash_table_iter_next(&iter, NULL, &chat))
        if (may_go(chat))
            g_ptr_array_add(spare, chat);
    g_ptr_array_sort(spare, by_use);
    for (guint i = 0; i < spare->len && n > CHATS_KEEP; i++, n--) {
        struct chat *gone = g_ptr_array_index(spare, i);
        gone->put_away = true;
        account_close_chat(account, gone);
    }
}

/* True: the mark moved. */
static bool set_mark(struct chat *chat, gint64 row, const char *stanza_id)
{
    struct history *history = chat->account->history;

    if (row <= chat->read_row)
        return false;
    chat->read_row = row;
    if (stanza_id && g_strcmp0(chat->read_stanza_id, stanza_id) != 0) {
        g_free(chat->read_stanza_id);
        chat->read_stanza_id = g_strdup(stanza_id);
    }
    if (history) {
        history_set_read(history, chat->jid, row, stanza_id);
        session_store_changed(chat->account);
    }
    return true;
}

void reading_reached(struct chat *chat, gint64 row, const char *stanza_id)
{
    const guint unread = chat->unread;

    if (!set_mark(chat, row, stanza_id) || unread == 0)
        return;
    chat->unread = chat->account->history
        ? MIN(history_count_after(
                  chat->account->history, chat->jid, row, COUNT_MAX),
              unread)
        : 0;
    if (chat->unread == 0)
        chat->mentions = 0;
    if (chat->unread != unread) {
        save(chat);
        tell(chat);
    }
}

gint64 reading_find(
    const struct account *account, const char *jid, const char *stanza_id)
{
    struct history *history = account->history;
    gint64 row = history_find(history, account->jid, stanza_id);
    auto_struct(message) message = row > 0 ? history_load(history, row) : NULL;
    const char *peer = !message ? NULL
        : message->outgoing     ? message->to
                                : message->from;

    return peer && !jid_bare_equal(peer, jid) ? -1 : row;
}

void reading_reached_id(struct chat *chat, const char *stanza_id)
{
    struct account *account = chat->account;
    gint64 row;

    if (!account->history || g_strcmp0(chat->read_stanza_id, stanza_id) == 0)
        return;
    row = reading_find(account, chat->jid, stanza_id);
    if (row > 0)
        reading_reached(chat, row, stanza_id);
    if (row != 0)
        return;
    /* It comes with the archive: reading_count() looks out for it. */
    g_free(chat->read_stanza_id);
    chat->read_stanza_id = g_strdup(stanza_id);
}

void reading_reached_message(struct chat *chat, const char *id)
{
    struct history *history = chat->account->history;
    gint64 at = chat->read_row;

    for (guint left = history ? chat->unread : 0; left > 0;) {
        g_autoptr(GPtrArray) page = history_page(
            history, chat->jid, at, at, false, PAGE);
        for (guint i = 0; i < page->len; i++) {
            const struct message *m = g_ptr_array_index(page, i);
            at = m->row;
            if (m->outgoing || g_strcmp0(m->id, id) != 0)
                continue;
            reading_reached(chat, at, m->stanza_id);
            return;
        }
        left = page->len == PAGE ? left - MIN(left, PAGE) : 0;
    }
}

void reading_begin(
    struct account *account, const char *jid, const char *stanza_id)
{
    struct history *history = account->history;
    struct chat *chat = account_find_chat(account, jid);
    g_autoptr(GPtrArray) last =
        history_page(history, jid, G_MAXINT64, G_MAXINT64, true, 1);
    gint64 row = stanza_id ? reading_find(account, jid, stanza_id) : 0;
    guint unread;

    if (last->len == 0 || (chat && (chat->unread > 0 || chat->read_row > 0)))
        return;
    if (row <= 0) {
        row = ((const struct message *)g_ptr_array_index(last, 0))->row;
        stanza_id = NULL;
    }
    unread = history_count_after(history, jid, row, COUNT_MAX);
    if (!chat && unread > 0)
        chat = account_open_chat(account, jid, CHAT_CONTACT);
    if (!chat) {
        history_set_read(history, jid, row, stanza_id);
        return;
    }
    set_mark(chat, row, stanza_id);
    chat->unread = unread;
    save(chat);
    tell(chat);
}

static void clear(struct chat *chat)
{
    chat->unread = chat->mentions = 0;
    save(chat);
    tell(chat);
}

void reading_uncount(struct chat *chat, const struct message *message)
{
    if (chat->unread > 0 && chat->read_row > 0 && !message->outgoing &&
        message->body && message->row > chat->read_row)
        chat->unread--;
}

void reading_count(struct chat *chat, const struct message *message)
{
    if (!message->body && !message->subject)
        return;
    /* What we wrote elsewhere, we wrote after reading. */
    if (message->outgoing ||
        (message->stanza_id &&
            g_strcmp0(chat->read_stanza_id, message->stanza_id) == 0)) {
        if (message->row > 0)
            reading_reached(chat, message->row, message->stanza_id);
        else if (chat->unread > 0)
            clear(chat);
        return;
    }
    if (message->row > 0 && message->row <= chat->read_row)
        return;
    if (is_visible(chat)) {
        chat_mark_read(chat);
        return;
    }
    if (chat->read_row == 0 && message->row > 0)
        set_mark(chat, message->row - 1, NULL);
    if (++chat->unread == 1)
        save(chat); /* further ones are counted from the mark */
    tell(chat);
}

static const struct message *last_readable(GPtrArray *messages)
{
    for (guint i = messages->len; i-- > 0;) {
        const struct message *m = g_ptr_array_index(messages, i);
        if (is_readable(m))
            return m;
    }
    return NULL;
}

void chat_mark_read(struct chat *chat)
{
    struct account *account = chat->account;
    const struct message *last = last_readable(chat->messages);
    g_autoptr(GPtrArray) stored = NULL;

    if (!last && chat->unread > 0 && account->history) { /* not opened yet */
        stored = history_page(account->history, chat->jid, G_MAXINT64,
            G_MAXINT64, true, LOOK_BACK);
        last = last_readable(stored);
    }
    if (last && last->row > 0 && set_mark(chat, last->row, last->stanza_id))
        for (guint i = 0; features[i] && account->session; i++)
            if (features[i]->read)
                features[i]->read(chat, last);
    if (chat->unread > 0 || chat->mentions > 0)
        clear(chat);
}

void chat_set_draft(struct chat *chat, const char *text)
{
    if (text && !*text)
        text = NULL;
    if (g_strcmp0(chat->draft, text) == 0)
        return;
    g_free(chat->draft);
    chat->draft = g_strdup(text);
    save(chat);
    tell(chat);
}
