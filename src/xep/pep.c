/* Publishing is one request, with the node's options in it. A server that does
 * not take all of them, or a node of another client with other properties,
 * costs two more, once: the options are given to the node itself. */
#include "xep/pep.h"
#include "base/intl.h"
#include "xep/xep.h"
#include "xep/xep0004_form.h"
#include "xep/xep0030_disco.h"
#include "xmpp/rfc6120_session.h"

#define NS_OPTIONS NS_PUBSUB "#publish-options"
#define NS_OWNER NS_PUBSUB "#owner"
#define NS_CONFIG NS_PUBSUB "#node_config"

/* Every request under way holds it: one that is forgotten lets it go. */
struct publishing {
    struct pep_node *node;
    char *id;
    xmpp_stanza_t *payload;
    pep_done_fn fn;
    gpointer data;
    GDestroyNotify free_fn;
};

static void clear(gpointer data)
{
    struct publishing *p = data;
    if (p->free_fn)
        p->free_fn(p->data);
    stanza_release(p->payload);
    g_free(p->id);
}

static void release(gpointer p)
{
    g_rc_box_release_full(p, clear);
}

static void send(struct account *account, xmpp_stanza_t *iq, iq_reply_fn fn,
    struct publishing *p)
{
    iq_send(account, iq, 0, fn, g_rc_box_acquire(p), release);
}

bool pep_is_private(struct account *account, struct pep_node *node, const char *what)
{
    enum disco_answer answer = disco_server_has(account, NS_OPTIONS);
    if (answer == DISCO_YES)
        return true;
    if (answer == DISCO_NO && !node->told) {
        node->told = true;
        observers_notice(account->observers, account,
            "The server does not promise to keep it private: %s. Other clients are "
            "not told (XEP-0223).", _(what));
    }
    return false;
}

static xmpp_stanza_t *add_form(xmpp_stanza_t *to, const char *type)
{
    xmpp_stanza_t *x = form_begin(to, type);
    form_put(x, "pubsub#persist_items", "true");
    form_put(x, "pubsub#access_model", "whitelist");
    return x;
}

static void add_more(xmpp_stanza_t *x)
{
    form_put(x, "pubsub#max_items", "max");
    form_put(x, "pubsub#send_last_published_item", "never");
}

static void end(struct account *account, const struct publishing *p, bool ok)
{
    if (session_is_online(account) && p->fn)
        p->fn(account, ok, p->data);
}

static void send_item(struct account *account, struct publishing *p);

static void on_made(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)result;
    (void)error;
    if (!more && session_is_online(account))
        send_item(account, data);
}

static void on_created(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct publishing *p = data;
    xmpp_stanza_t *pubsub, *configure;
    if (result || !session_is_online(account)) {
        on_made(account, result, error, more, data);
        return;
    }
    xmpp_stanza_t *iq = iq_new("set", NULL, "pubsub", NS_OWNER, &pubsub);
    configure =
        stanza_add(pubsub, "configure", NS_OWNER, "node", p->node->name, NULL);
    add_more(add_form(configure, NS_CONFIG));
    send(account, iq, on_made, p);
}

static void make_node(struct account *account, struct publishing *p)
{
    xmpp_stanza_t *pubsub;
    xmpp_stanza_t *iq = iq_new("set", NULL, "pubsub", NS_PUBSUB, &pubsub);
    p->node->made = true;
    stanza_add(pubsub, "create", NS_PUBSUB, "node", p->node->name, NULL);
    add_more(add_form(
        stanza_add(pubsub, "configure", NS_PUBSUB, NULL), NS_CONFIG));
    send(account, iq, on_created, p);
}

static void on_published(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct publishing *p = data;
    (void)error;
    if (more)
        return;
    if (!result && session_is_online(account) && !p->node->made)
        make_node(account, p);
    else
        end(account, p, result != NULL);
}

static void send_item(struct account *account, struct publishing *p)
{
    xmpp_stanza_t *pubsub;
    xmpp_stanza_t *iq = iq_new("set", NULL, "pubsub", NS_PUBSUB, &pubsub);
    xmpp_stanza_t *publish =
        stanza_add(pubsub, "publish", NS_PUBSUB, "node", p->node->name, NULL);
    xmpp_stanza_t *item =
        stanza_add(publish, "item", NS_PUBSUB, "id", p->id, NULL);
    stanza_take_child(item, xmpp_stanza_copy(p->payload));
    xmpp_stanza_t *x =
        add_form(stanza_add(pubsub, "publish-options", NS_PUBSUB, NULL),
            NS_OPTIONS);
    if (!p->node->made)
        add_more(x);
    send(account, iq, on_published, p);
}

void pep_publish(struct account *account, struct pep_node *node, const char *id,
    xmpp_stanza_t *payload, pep_done_fn fn, gpointer data, GDestroyNotify free_fn)
{
    struct publishing *p = g_rc_box_new0(struct publishing);
    *p = (struct publishing){ node, g_strdup(id), payload, fn, data, free_fn };
    send_item(account, p);
    release(p);
}

static void on_retracted(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)error;
    if (!more)
        end(account, data, result != NULL);
}

void pep_retract(struct account *account, const char *node, const char *id,
    pep_done_fn fn, gpointer data, GDestroyNotify free_fn)
{
    xmpp_stanza_t *pubsub;
    xmpp_stanza_t *iq = iq_new("set", NULL, "pubsub", NS_PUBSUB, &pubsub);
    xmpp_stanza_t *retract = stanza_add(
        pubsub, "retract", NS_PUBSUB, "node", node, "notify", "true", NULL);
    stanza_add(retract, "item", NS_PUBSUB, "id", id, NULL);
    struct publishing *p = g_rc_box_new0(struct publishing);
    *p = (struct publishing){ .fn = fn, .data = data, .free_fn = free_fn };
    send(account, iq, on_retracted, p);
    release(p);
}

void pep_fetch(struct account *account, const char *owner, const char *node,
    const char *id, iq_reply_fn fn, gpointer data, GDestroyNotify free_fn)
{
    xmpp_stanza_t *pubsub;
    xmpp_stanza_t *iq = iq_new("get", owner, "pubsub", NS_PUBSUB, &pubsub);
    xmpp_stanza_t *items =
        stanza_add(pubsub, "items", NS_PUBSUB, "node", node, NULL);
    if (id)
        stanza_add(items, "item", NS_PUBSUB, "id", id, NULL);
    iq_send(account, iq, 0, fn, data, free_fn);
}

xmpp_stanza_t *pep_items(xmpp_stanza_t *result, const char *node)
{
    xmpp_stanza_t *items = stanza_child(
        stanza_child(result, "pubsub", NS_PUBSUB), "items", NS_PUBSUB);
    return g_strcmp0(stanza_attr(items, "node"), node) == 0 ? items : NULL;
}
