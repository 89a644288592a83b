/*
 * Pending requests by id. A reply must come from the peer that was asked: an
 * id alone proves nothing (CVE-2014-0364 and many since). One timer stands at
 * the earliest deadline and none when nothing is pending, so an idle session
 * never wakes up for this.
 */
#include "xmpp/iq.h"
#include <string.h>
#include "model/jid.h"
#include "xmpp/feature.h"
#include "xmpp/inbox.h"
#include "xmpp/rfc6120_session.h"

#define DEFAULT_TIMEOUT_S 60

struct pending {
    char *id, *to; /* to NULL: our own account */
    gint64 deadline_us;
    iq_reply_fn fn;
    gpointer data;
    GDestroyNotify free_fn;
};

/* A request that is being served; pub is first so that one is the other. */
struct serving {
    struct iq_request pub;
    struct iq_table *table;
    char *from;
    guint epoch; /* of the connection it came by */
    GList link;
};

struct iq_table {
    struct account *account;
    GHashTable *pending; /* id → struct pending, owned */
    guint timer;
    gint64 timer_us;
    GHashTable *hooks;   /* struct stanza_key → const struct iq_hook */
    GQueue serving;
    guint epoch;
};

static void pending_free(gpointer data)
{
    struct pending *pending = data;

    if (pending->free_fn)
        pending->free_fn(pending->data);
    g_free(pending->id);
    g_free(pending->to);
    g_free(pending);
}

/* A get hook and a set hook may share a name: they are chained by the table
 * order, the first that takes the type wins. */
static void add_hooks(struct iq_table *table, const struct iq_hook *hook)
{
    for (; hook && hook->run; hook++) {
        struct stanza_key *key = g_new(struct stanza_key, 1);
        GPtrArray *list;

        *key = (struct stanza_key){ hook->element, hook->ns };
        list = g_hash_table_lookup(table->hooks, key);
        if (!list) {
            list = g_ptr_array_new();
            g_hash_table_insert(table->hooks, key, list);
        } else {
            g_free(key);
        }
        g_ptr_array_add(list, (gpointer)hook);
    }
}

struct iq_table *iq_table_new(struct account *account)
{
    struct iq_table *table = g_new0(struct iq_table, 1);

    table->account = account;
    table->pending =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, pending_free);
    table->hooks = g_hash_table_new_full(
        stanza_key_hash, stanza_key_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; features[i]; i++)
        add_hooks(table, features[i]->iq);
    return table;
}

void iq_table_free(struct iq_table *table)
{
    if (!table)
        return;
    iq_table_close(table);
    g_hash_table_unref(table->pending);
    g_hash_table_unref(table->hooks);
    g_free(table);
}

void iq_table_close(struct iq_table *table)
{
    table->account = NULL;
    g_clear_handle_id(&table->timer, g_source_remove);
    g_hash_table_remove_all(table->pending);
    for (GList *l = table->serving.head; l; l = l->next) {
        struct serving *serving = l->data;
        serving->table = NULL;
        serving->pub.account = NULL;
    }
    g_queue_init(&table->serving);
}

guint iq_pending(const struct account *account)
{
    return g_hash_table_size(session_iqs(account)->pending);
}

/* ---- requests of ours -------------------------------------------------- */

static void fail(struct iq_table *table, struct pending *pending,
    const char *condition)
{
    auto_struct(stanza_error) error = stanza_error_new(NULL, condition, NULL);

    if (table->account) /* not detached by the callback before this one */
        pending->fn(table->account, NULL, error, false, pending->data);
    pending_free(pending);
}

/* Those that are due by then. One that fails may cancel another: each is taken
 * out of the table only when its turn has come. */
static void fail_due(struct iq_table *table, gint64 by_us, const char *condition)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer id, value;

    g_hash_table_iter_init(&iter, table->pending);
    while (g_hash_table_iter_next(&iter, &id, &value))
        if (((struct pending *)value)->deadline_us <= by_us)
            g_ptr_array_add(ids, g_strdup(id));
    for (guint i = 0; i < ids->len; i++)
        if (g_hash_table_steal_extended(
                table->pending, g_ptr_array_index(ids, i), NULL, &value))
            fail(table, value, condition);
}

static void arm(struct iq_table *table);

static gboolean on_timer(gpointer data)
{
    struct iq_table *table = data;
    struct session *session = session_ref(table->account);

    table->timer = 0;
    fail_due(table, g_get_monotonic_time(), "remote-server-timeout");
    if (table->account)
        arm(table);
    session_unref(session);
    return G_SOURCE_REMOVE;
}

static void set_timer(struct iq_table *table, gint64 deadline_us)
{
    const gint64 left_us = MAX(deadline_us - g_get_monotonic_time(), 0);

    g_clear_handle_id(&table->timer, g_source_remove);
    table->timer_us = deadline_us;
    table->timer =
        g_timeout_add((guint)(left_us / 1000 + 1), on_timer, table);
}

static void arm(struct iq_table *table)
{
    gint64 earliest = G_MAXINT64;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, table->pending);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        earliest = MIN(earliest, ((struct pending *)value)->deadline_us);
    if (earliest != G_MAXINT64)
        set_timer(table, earliest);
}

static void disarm_when_empty(struct iq_table *table)
{
    if (g_hash_table_size(table->pending) == 0)
        g_clear_handle_id(&table->timer, g_source_remove);
}

const char *iq_send(struct account *account, xmpp_stanza_t *iq,
    unsigned timeout_s, iq_reply_fn fn, gpointer data, GDestroyNotify free_fn)
{
    struct iq_table *table = session_iqs(account);
    struct pending *pending = g_new0(struct pending, 1);

    pending->id = stanza_new_id();
    pending->to = g_strdup(stanza_attr(iq, "to"));
    pending->fn = fn;
    pending->data = data;
    pending->free_fn = free_fn;
    pending->deadline_us = g_get_monotonic_time() +
        (gint64)(timeout_s > 0 ? timeout_s : DEFAULT_TIMEOUT_S) *
            G_USEC_PER_SEC;
    stanza_set(iq, "id", pending->id);
    if (!session_send(account, iq)) {
        fail(table, pending, "recipient-unavailable");
        return NULL;
    }
    g_hash_table_insert(table->pending, pending->id, pending);
    if (table->timer == 0 || pending->deadline_us < table->timer_us)
        set_timer(table, pending->deadline_us);
    return pending->id;
}

void iq_cancel(struct account *account, const char *id)
{
    struct iq_table *table = session_iqs(account);

    if (!id)
        return;
    g_hash_table_remove(table->pending, id);
    disarm_when_empty(table);
}

xmpp_stanza_t *iq_new(const char *type, const char *to, const char *name,
    const char *ns, xmpp_stanza_t **child)
{
    xmpp_stanza_t *iq =
        stanza_new("iq", NULL, "type", type, "to", to, (char *)NULL);
    xmpp_stanza_t *payload = stanza_add(iq, name, ns, (char *)NULL);

    if (child)
        *child = payload;
    return iq;
}

static bool is_own_server(const struct account *account, const char *from)
{
    return strcmp(from, jid_domain_start(account->jid)) == 0;
}

/* RFC 6120 s. 8.1.2.1 and 10.3.3: our server answers for our account, under
 * whichever of these names. */
static bool is_own_account(const struct account *account, const char *from)
{
    return !from || strcmp(from, account->jid) == 0 ||
        g_strcmp0(from, account->full_jid) == 0 ||
        is_own_server(account, from) ||
        jid_equal_prepared(from, account->jid);
}

static bool is_from_asked(const struct account *account, const char *to,
    const char *from)
{
    if (!to || strcmp(to, account->jid) == 0)
        return is_own_account(account, from);
    if (!from)
        return is_own_server(account, to);
    return strcmp(from, to) == 0 || jid_equal_prepared(from, to);
}

static void handle_reply(
    struct iq_table *table, xmpp_stanza_t *iq, bool is_error)
{
    struct account *account = table->account;
    const char *id = stanza_attr(iq, "id");
    struct pending *pending =
        id ? g_hash_table_lookup(table->pending, id) : NULL;

    if (!pending)
        return;
    if (!is_from_asked(account, pending->to, stanza_attr(iq, "from"))) {
        inbox_log_drop(account, iq, "reply from one who was not asked");
        return;
    }
    if (is_error) {
        auto_struct(stanza_error) error = stanza_error_read(iq);
        g_hash_table_steal(table->pending, id);
        disarm_when_empty(table);
        pending->fn(account, NULL, error, false, pending->data);
        pending_free(pending);
        return;
    }
    if (g_strcmp0(stanza_attr(iq, "portion"), "more") == 0) {
        /* The callback may cancel; the clone keeps what it reads alive. */
        pending->deadline_us += DEFAULT_TIMEOUT_S * G_USEC_PER_SEC;
        pending->fn(account, iq, NULL, true, pending->data);
        return;
    }
    g_hash_table_steal(table->pending, id);
    disarm_when_empty(table);
    pending->fn(account, iq, NULL, false, pending->data);
    pending_free(pending);
}

void iq_connection_lost(struct account *account)
{
    struct iq_table *table = session_iqs(account);

    table->epoch++;
    g_clear_handle_id(&table->timer, g_source_remove);
    fail_due(table, G_MAXINT64, "recipient-unavailable");
}

/* ---- requests of others ------------------------------------------------ */

static void serving_free(struct serving *serving)
{
    if (serving->table)
        g_queue_unlink(&serving->table->serving, &serving->link);
    xmpp_stanza_release(serving->pub.iq);
    g_free(serving->from);
    g_free(serving);
}

static xmpp_stanza_t *reply_new(struct serving *serving, const char *type)
{
    return stanza_new("iq", NULL, "type", type, "id", serving->pub.id, "to",
        stanza_attr(serving->pub.iq, "from"), (char *)NULL);
}

static bool can_answer(const struct serving *serving)
{
    return serving->pub.account && serving->epoch == serving->table->epoch;
}

void iq_result(struct iq_request *request, xmpp_stanza_t *payload)
{
    struct serving *serving = (struct serving *)request;
    xmpp_stanza_t *reply;

    if (!can_answer(serving)) {
        stanza_release(payload);
        serving_free(serving);
        return;
    }
    reply = reply_new(serving, "result");
    if (payload)
        stanza_take_child(reply, payload);
    session_send(request->account, reply);
    serving_free(serving);
}

void iq_error(struct iq_request *request, const char *type,
    const char *condition, const char *text)
{
    struct serving *serving = (struct serving *)request;
    xmpp_stanza_t *reply, *error;

    if (!can_answer(serving)) {
        serving_free(serving);
        return;
    }
    reply = reply_new(serving, "error");
    error = stanza_add(reply, "error", NULL, "type", type, (char *)NULL);
    stanza_add(error, condition, NS_STANZAS, (char *)NULL);
    if (text)
        stanza_set_text(
            stanza_add(error, "text", NS_STANZAS, (char *)NULL), text);
    session_send(request->account, reply);
    serving_free(serving);
}

bool iq_from_self(const struct iq_request *request)
{
    return jid_bare_equal(request->from, request->account->jid);
}

bool iq_from_friend(const struct iq_request *request)
{
    const struct account *account = request->account;
    g_autofree char *bare = jid_bare(request->from);
    const struct contact *contact;

    if (iq_from_self(request) || is_own_server(account, request->from))
        return true;
    contact = roster_find(account->roster, bare);
    return contact &&
        (contact->subscription == SUB_FROM ||
            contact->subscription == SUB_BOTH);
}

static const struct iq_hook *find_hook(
    const struct iq_table *table, xmpp_stanza_t *child, const char *type)
{
    const struct stanza_key key = { stanza_name(child), stanza_ns(child) };
    const GPtrArray *list = g_hash_table_lookup(table->hooks, &key);

    for (guint i = 0; list && i < list->len; i++) {
        const struct iq_hook *hook = g_ptr_array_index(list, i);
        if (!hook->type || strcmp(hook->type, type) == 0)
            return hook;
    }
    return NULL;
}

static void serve(struct iq_table *table, xmpp_stanza_t *iq, const char *type)
{
    const char *from = stanza_attr(iq, "from");
    struct serving *serving = g_new0(struct serving, 1);
    const struct iq_hook *hook;

    serving->table = table;
    serving->epoch = table->epoch;
    serving->from = g_strdup(from ? from : table->account->jid);
    serving->pub = (struct iq_request){
        .account = table->account,
        .iq = xmpp_stanza_clone(iq),
        .child = stanza_first_element(iq),
        .from = serving->from,
        .id = stanza_attr(iq, "id"),
        .is_set = g_strcmp0(type, "set") == 0,
    };
    serving->link.data = serving;
    g_queue_push_tail_link(&table->serving, &serving->link);
    if (!type || !serving->pub.id || stanza_count_elements(iq) != 1) {
        iq_error(&serving->pub, "modify", "bad-request", NULL);
        return;
    }
    hook = find_hook(table, serving->pub.child, type);
    if (!hook) {
        iq_error(&serving->pub, "cancel", "service-unavailable", NULL);
        return;
    }
    hook->run(&serving->pub);
}

void iq_handle(struct account *account, xmpp_stanza_t *iq)
{
    struct iq_table *table = session_iqs(account);
    const char *type = stanza_attr(iq, "type");
    const char *from = stanza_attr(iq, "from");

    if (from && !jid_is_valid(from)) {
        inbox_log_drop(account, iq, "malformed from");
        return;
    }
    if (g_strcmp0(type, "result") == 0 || g_strcmp0(type, "error") == 0)
        handle_reply(table, iq, *type == 'e');
    else if (g_strcmp0(type, "get") == 0 || g_strcmp0(type, "set") == 0)
        serve(table, iq, type);
    else
        serve(table, iq, NULL);
}
