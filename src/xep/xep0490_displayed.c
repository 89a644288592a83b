/*
 * What was read here is read on our other clients, and the other way round
 * (XEP-0490): one item a chat in a private node of our own account. Items are
 * believed from our own account only (H39), and published only where the
 * server promises to keep them private (H40, XEP-0223 s. 6). One request is
 * under way at a time: who scrolls through ten chats sends the last state of
 * each, not every step.
 */
#include <string.h>
#include "base/intl.h"
#include "model/jid.h"
#include "store/history.h"
#include "xep/pep.h"
#include "xep/xep.h"
#include "xep/xep0313_mam.h"
#include "xep/xep0490_displayed.h"
#include "xmpp/iq.h"
#include "xmpp/reading.h"
#include "xmpp/rfc6120_session.h"

#define NS_MDS "urn:xmpp:mds:displayed:0"
#define NS_SID "urn:xmpp:sid:0"
#define ITEMS_MAX 5000

struct mds {
    GHashTable *todo;  /* chat JID → archive id that was read */
    GHashTable *items; /* … that the server has; until they are taken over */
    struct pep_node node;
    bool busy, known;
    void (*begin)(struct account *account); /* waits for the items */
};

extern const struct feature xep0490;

static struct mds *mds_of(const struct account *account)
{
    return feature_state(account, &xep0490);
}

static void publish(struct account *account);

/* ---- what others read -------------------------------------------------- */

static void take_over(struct account *account, const char *jid, const char *id)
{
    struct chat *chat = account_find_chat(account, jid);
    if (g_hash_table_contains(mds_of(account)->todo, jid))
        return; /* ours is newer */
    if (chat) {
        reading_reached_id(chat, id);
        return;
    }
    /* Not opened: the store remembers. */
    gint64 row = reading_find(account, jid, id);
    if (row > 0) {
        history_set_read(account->history, jid, row, id);
        session_store_changed(account);
    }
}

static void take_item(struct account *account, xmpp_stanza_t *item)
{
    struct mds *mds = mds_of(account);
    const char *jid = stanza_attr(item, "id");
    xmpp_stanza_t *displayed = stanza_child(item, "displayed", NS_MDS);
    xmpp_stanza_t *sid = stanza_child(displayed, "stanza-id", NS_SID);
    const char *id = stanza_attr(sid, "id"), *by = stanza_attr(sid, "by");
    if (!jid || !id || !*id || strlen(id) > 1024 || !by ||
        strcmp(by, account->jid) != 0 || !jid_is_valid(jid))
        return;
    g_autofree char *prepared = jid_prepare(jid, NULL);
    if (!prepared)
        return;
    if (account->caught_up && mds->known)
        take_over(account, prepared, id);
    else if (g_hash_table_size(mds->items) < ITEMS_MAX)
        g_hash_table_replace(
            mds->items, g_steal_pointer(&prepared), g_strdup(id));
}

static void take_items(struct account *account, xmpp_stanza_t *items)
{
    guint n = 0;
    if (g_strcmp0(stanza_attr(items, "node"), NS_MDS) != 0)
        return;
    for (xmpp_stanza_t *item = stanza_child(items, "item", NULL);
         item && n < ITEMS_MAX; item = stanza_next(item, "item", NULL), n++)
        take_item(account, item);
}

static enum verdict on_pep(struct incoming *incoming, xmpp_stanza_t *event)
{
    struct account *account = incoming->account;
    xmpp_stanza_t *items = stanza_child(event, "items", NS_PUBSUB_EVENT);
    if (g_strcmp0(stanza_attr(items, "node"), NS_MDS) != 0)
        return GO_ON;
    if (incoming->carbon || incoming->archive ||
        strcmp(incoming->from, account->jid) != 0)
        return DROPPED;
    if (account->history)
        take_items(account, items);
    return CLAIMED;
}

/* What was read here while nobody could be told. */
static void tell_the_rest(struct account *account)
{
    struct mds *mds = mds_of(account);
    struct history *history = account->history;
    g_autoptr(GPtrArray) chats = history_chats(history, false);
    for (guint i = 0; i < chats->len; i++) {
        const struct history_chat *chat = chats->pdata[i];
        const char *id = chat->read_stanza_id;
        const char *there = g_hash_table_lookup(mds->items, chat->jid);
        if (!id || chat->kind != CHAT_CONTACT || g_strcmp0(id, there) == 0)
            continue;
        gint64 theirs =
            there ? reading_find(account, chat->jid, there) : -1;
        if (theirs != 0 && history_find(history, account->jid, id) > theirs)
            g_hash_table_replace(
                mds->todo, g_strdup(chat->jid), g_strdup(id));
    }
    publish(account);
}

/* Not before the catch-up is over: only then the messages are here. */
static void on_settled(struct account *account, bool whole, gpointer data)
{
    struct mds *mds = mds_of(account);
    GHashTableIter iter;
    gpointer jid, id;
    (void)whole;
    (void)data;
    if (!mds->known || !session_is_online(account))
        return;
    g_hash_table_remove_all(mds->todo); /* the store knows it */
    g_hash_table_iter_init(&iter, mds->items);
    while (g_hash_table_iter_next(&iter, &jid, &id))
        take_over(account, jid, id);
    tell_the_rest(account);
    g_hash_table_remove_all(mds->items);
}

static void on_items(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct mds *mds = mds_of(account);
    (void)error;
    (void)data;
    if (!mds || !session_is_online(account))
        return;
    take_items(account, pep_items(result, NS_MDS));
    if (more)
        return;
    mds->known = true;
    if (mds->begin)
        mds->begin(account);
    mds->begin = NULL;
    mam_when_settled(account, on_settled, NULL);
}

const char *displayed_item(const struct account *account, const char *jid)
{
    return g_hash_table_lookup(mds_of(account)->items, jid);
}

void displayed_when_known(
    struct account *account, void (*fn)(struct account *account))
{
    struct mds *mds = mds_of(account);
    if (mds->known)
        fn(account);
    else
        mds->begin = fn;
}

static void ready(struct account *account)
{
    mds_of(account)->known = !account->history;
    if (account->history)
        pep_fetch(account, NULL, NS_MDS, NULL, on_items, NULL, NULL);
}

/* ---- what we read ------------------------------------------------------ */

static xmpp_stanza_t *build(struct account *account, const char *id)
{
    xmpp_stanza_t *displayed = stanza_new("displayed", NS_MDS, NULL);
    stanza_add(displayed, "stanza-id", NS_SID, "by", account->jid, "id", id,
        NULL);
    return displayed;
}

struct sending {
    char *jid, *id;
};

static void sending_free(gpointer data)
{
    struct sending *sending = data;
    g_free(sending->jid);
    g_free(sending->id);
    g_free(sending);
}

/* Refused: the next one may do better. */
static void on_published(struct account *account, bool ok, gpointer data)
{
    struct mds *mds = mds_of(account);
    const struct sending *sending = data;
    const char *now = g_hash_table_lookup(mds->todo, sending->jid);
    (void)ok;
    mds->busy = false;
    if (g_strcmp0(now, sending->id) == 0)
        g_hash_table_remove(mds->todo, sending->jid);
    publish(account);
}

static void publish(struct account *account)
{
    struct mds *mds = mds_of(account);
    GHashTableIter iter;
    gpointer jid, id;
    if (mds->busy || g_hash_table_size(mds->todo) == 0 ||
        !session_is_online(account) ||
        !pep_is_private(account, &mds->node, N_("what was read")))
        return;
    g_hash_table_iter_init(&iter, mds->todo);
    g_hash_table_iter_next(&iter, &jid, &id);
    struct sending *sending = g_new(struct sending, 1);
    *sending = (struct sending){ g_strdup(jid), g_strdup(id) };
    mds->busy = true;
    pep_publish(account, &mds->node, jid, build(account, id), on_published,
        sending, sending_free);
}

static void on_read(struct chat *chat, const struct message *last)
{
    struct account *account = chat->account;
    struct mds *mds = mds_of(account);
    if (chat->kind != CHAT_CONTACT || !last->stanza_id ||
        g_strcmp0(last->stanza_by, account->jid) != 0)
        return;
    g_hash_table_replace(
        mds->todo, g_strdup(chat->jid), g_strdup(last->stanza_id));
    publish(account);
}

/* ---- the life of an account -------------------------------------------- */

static void attach(struct account *account)
{
    struct mds *mds = mds_of(account);
    mds->node.name = NS_MDS;
    mds->todo = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    mds->items = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void offline(struct account *account)
{
    struct mds *mds = mds_of(account);
    mds->busy = mds->known = mds->node.made = false;
    mds->begin = NULL;
    g_hash_table_remove_all(mds->items);
}

static void detach(struct account *account)
{
    g_hash_table_unref(mds_of(account)->todo);
    g_hash_table_unref(mds_of(account)->items);
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_CLAIM, "message", "event", NS_PUBSUB_EVENT, on_pep },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_MDS "+notify", NULL };

const struct feature xep0490 = {
    .spec = "XEP-0490",
    .name = "Message Displayed Synchronization",
    .version = "1.0.1",
    .since = "0.1.0",
    .note = "Chats with one person.",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
    .state_size = sizeof(struct mds),
    .attach = attach,
    .detach = detach,
    .ready = ready,
    .offline = offline,
    .read = on_read,
};
