/*
 * Which chats notify (XEP-0492), the same on all our clients. The rules are a
 * section of the configuration; for chats with one person they are kept at the
 * account too, an item a chat in a private node of ours, since the place that
 * the specification names, the bookmark, is for rooms. Of every rule the store
 * remembers what the server had last (note_of): so it is known afterwards on
 * which side it was changed, and what was changed here without a connection
 * goes to the server with the next one. Where both sides changed it, a new rule
 * beats its removal, and of two new ones that of the one that signs in wins. What
 * was taken away and set again elsewhere to what it was looks as if nothing had
 * happened there.
 *
 * An item may hold settings of other kinds of clients, and some that we do not
 * know: they stay as they are.
 */
#include <string.h>
#include "base/intl.h"
#include "model/jid.h"
#include "store/history.h"
#include "xep/pep.h"
#include "xep/xep.h"
#include "xep/xep0492_notify.h"
#include "xmpp/rfc6120_session.h"

#define NS_NOTIFY "urn:xmpp:notification-settings:1"
#define NODE "https://txmpp.invalid/notify"
#define NS_CHAT "https://txmpp.invalid/notify"
enum { ITEMS_MAX = 500 };

static const struct {
    const char *rule, *element;
} rules[] = {
    { "always", "always" },
    { "mention", "on-mention" },
    { "never", "never" },
};

struct settings {
    struct pep_node node;
    GHashTable *items; /* JID → <notify/> as the server has it */
    GHashTable *todo;  /* JIDs whose rule is to be sent */
    char *sending;     /* one of them; NULL: nothing is under way */
    bool again;        /* … and it changed meanwhile */
    bool known;
};

extern const struct feature xep0492;

static struct settings *settings_of(const struct account *account)
{
    return feature_state(account, &xep0492);
}

static void send_next(struct account *account);

/* ---- the element ------------------------------------------------------- */

static const char *rule_of(xmpp_stanza_t *element)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++)
        if (stanza_is(element, rules[i].element, NS_NOTIFY))
            return rules[i].rule;
    return NULL;
}

static const char *element_of(const char *rule)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++)
        if (!strcmp(rules[i].rule, rule))
            return rules[i].element;
    return NULL;
}

/* How much it is about us, who are client/console; 0: not at all. */
static int nearness(xmpp_stanza_t *element)
{
    const char *category = stanza_attr(element, "identity-category");
    const char *type = stanza_attr(element, "identity-type");
    if (!rule_of(element))
        return 0;
    if (!category)
        return type ? 0 : 1;
    if (strcmp(category, "client") != 0)
        return 0;
    return !type ? 2 : strcmp(type, "console") ? 0 : 3;
}

/* The setting that is meant for us; NULL. */
static xmpp_stanza_t *nearest(xmpp_stanza_t *notify)
{
    xmpp_stanza_t *best = NULL;
    for (xmpp_stanza_t *e = stanza_first_element(notify); e;
         e = stanza_next(e, NULL, NULL))
        if (nearness(e) > (best ? nearness(best) : 0))
            best = e;
    return best;
}

static void add_setting(
    xmpp_stanza_t *notify, const char *rule, xmpp_stanza_t *like)
{
    xmpp_stanza_t *setting = stanza_add(notify, element_of(rule), NS_NOTIFY,
        "identity-category", stanza_attr(like, "identity-category"),
        "identity-type", stanza_attr(like, "identity-type"), NULL);
    xmpp_stanza_t *advanced = stanza_child(like, "advanced", NULL);
    if (advanced)
        stanza_take_child(setting, xmpp_stanza_copy(advanced));
}

static bool is_advanced(xmpp_stanza_t *element)
{
    return stanza_child(element, "advanced", NULL) != NULL;
}

/* old with our setting as rule says (NULL: none); NULL: nothing is left. What
 * others keep in <advanced/> is never taken away (XEP-0492 s. 3), at the worst
 * it stands in what is so without a rule, too. */
static xmpp_stanza_t *changed(xmpp_stanza_t *old, const char *rule)
{
    xmpp_stanza_t *notify = stanza_new("notify", NS_NOTIFY, NULL);
    xmpp_stanza_t *ours = nearest(old);
    bool fallback = false;
    for (xmpp_stanza_t *e = stanza_first_element(old); e;
         e = stanza_next(e, NULL, NULL)) {
        if (e == ours && (rule || is_advanced(e)))
            add_setting(notify, rule ? rule : "always", e);
        else if (e == ours ||
                 (ours && nearness(e) == nearness(ours) && !is_advanced(e)))
            continue; /* taken away, or one too many */
        else
            stanza_take_child(notify, xmpp_stanza_copy(e));
        fallback |= nearness(e) == 1;
    }
    if (rule && !fallback)
        add_setting(notify, rule, NULL);
    if (stanza_first_element(notify))
        return notify;
    stanza_release(notify);
    return NULL;
}

/* ---- what is remembered ------------------------------------------------ */

static char *note_of(struct account *account, const char *jid)
{
    g_autofree char *key = g_strdup_printf("notify.%s", jid);
    return account->history ? history_get_value(account->history, key) : NULL;
}

static void set_note(struct account *account, const char *jid, const char *rule)
{
    g_autofree char *key = g_strdup_printf("notify.%s", jid);
    g_autofree char *old = note_of(account, jid);
    if (!account->history || g_strcmp0(old, rule) == 0)
        return;
    history_set_value(account->history, key, rule);
    session_store_changed(account);
}

static char *own_rule(struct account *account, const char *jid)
{
    char *rule = options_section_get(account->options, NOTIFY_SECTION, jid);
    if (rule && !element_of(rule))
        g_clear_pointer(&rule, g_free); /* somebody's typing error */
    return rule;
}

static void set_own_rule(
    struct account *account, const char *jid, const char *rule)
{
    g_autofree char *old = own_rule(account, jid);
    g_autoptr(GError) error = NULL;
    if (g_strcmp0(old, rule) != 0 &&
        !options_section_set(
            account->options, NOTIFY_SECTION, jid, rule, &error))
        observers_notice(account->observers, account,
            "Which chats notify could not be written: %s", error->message);
    set_note(account, jid, rule);
}

/* ---- what the server has ----------------------------------------------- */

static const char *their_rule(struct account *account, const char *jid)
{
    xmpp_stanza_t *setting =
        nearest(g_hash_table_lookup(settings_of(account)->items, jid));
    return setting ? rule_of(setting) : NULL;
}

/* What happened without a connection: which side changed it? */
static void compare(struct account *account, const char *jid)
{
    struct settings *settings = settings_of(account);
    g_autofree char *own = own_rule(account, jid);
    g_autofree char *note = note_of(account, jid);
    const char *theirs = their_rule(account, jid);
    bool here = g_strcmp0(own, note) != 0, there = g_strcmp0(theirs, note) != 0;
    if (g_strcmp0(own, theirs) == 0)
        set_note(account, jid, own);
    else if (here && !(there && (!own || !note)))
        g_hash_table_add(settings->todo, g_strdup(jid)); /* changed here */
    else
        set_own_rule(account, jid, theirs);
}

static char *chat_of(xmpp_stanza_t *item)
{
    const char *id = stanza_attr(item, "id");
    char *jid = id && jid_is_valid(id) ? jid_prepare(id, NULL) : NULL;
    if (jid && jid_resource(jid))
        g_clear_pointer(&jid, g_free);
    return jid;
}

static void take_item(struct account *account, xmpp_stanza_t *item, bool live)
{
    struct settings *settings = settings_of(account);
    g_autofree char *jid = chat_of(item);
    xmpp_stanza_t *notify = stanza_child(
        stanza_child(item, "chat", NS_CHAT), "notify", NS_NOTIFY);
    if (!jid ||
        (!g_hash_table_contains(settings->items, jid) &&
            g_hash_table_size(settings->items) >= ITEMS_MAX))
        return;
    if (notify)
        g_hash_table_replace(
            settings->items, g_strdup(jid), xmpp_stanza_copy(notify));
    else
        g_hash_table_remove(settings->items, jid);
    if (live && !g_hash_table_contains(settings->todo, jid) &&
        g_strcmp0(jid, settings->sending) != 0)
        set_own_rule(account, jid, their_rule(account, jid));
}

static enum verdict on_pep(struct incoming *incoming, xmpp_stanza_t *event)
{
    struct account *account = incoming->account;
    xmpp_stanza_t *items = stanza_child(event, "items", NS_PUBSUB_EVENT);
    guint n = 0;
    if (g_strcmp0(stanza_attr(items, "node"), NODE) != 0)
        return GO_ON;
    if (incoming->carbon || incoming->archive ||
        strcmp(incoming->from, account->jid) != 0)
        return DROPPED;
    for (xmpp_stanza_t *e = stanza_first_element(items);
         e && account->options && n < ITEMS_MAX;
         e = stanza_next(e, NULL, NULL), n++)
        if (stanza_is(e, "item", NULL) || stanza_is(e, "retract", NULL))
            take_item(account, e, true);
    send_next(account);
    return CLAIMED;
}

/* A rule of the configuration may be about anybody: it belongs to an account
 * that knows them, and rooms have their bookmark. */
static bool is_ours(struct account *account, const char *jid)
{
    const struct chat *chat = account_find_chat(account, jid);
    const struct contact *contact = roster_find(account->roster, jid);
    return chat ? chat->kind == CHAT_CONTACT : contact && contact->in_roster;
}

static void on_items(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct settings *settings = settings_of(account);
    xmpp_stanza_t *items = pep_items(result, NODE);
    guint n = 0;
    (void)data;
    if (!settings || !session_is_online(account))
        return;
    for (xmpp_stanza_t *item = stanza_child(items, "item", NULL);
         item && n < ITEMS_MAX; item = stanza_next(item, "item", NULL), n++)
        take_item(account, item, false);
    if (more || (error && strcmp(error->condition, "item-not-found") != 0))
        return; /* who does not know it must not take it away */
    settings->known = true;
    g_auto(GStrv) own = options_section_keys(account->options, NOTIFY_SECTION);
    for (char **jid = own; jid && *jid; jid++)
        if (!g_hash_table_contains(settings->items, *jid) &&
            is_ours(account, *jid))
            compare(account, *jid);
    g_autoptr(GList) theirs = g_hash_table_get_keys(settings->items);
    for (GList *l = theirs; l; l = l->next)
        compare(account, l->data);
    send_next(account);
}

static void ready(struct account *account)
{
    if (account->options)
        pep_fetch(account, NULL, NODE, NULL, on_items, NULL, NULL);
}

/* ---- what was changed here --------------------------------------------- */

static void on_sent(struct account *account, bool ok, gpointer data)
{
    struct settings *settings = settings_of(account);
    g_autofree char *jid = g_steal_pointer(&settings->sending);
    const char *rule = data;
    if (ok)
        set_note(account, jid, *rule ? rule : NULL);
    else
        observers_notice(account->observers, account,
            "The server did not take which chats notify; other clients are "
            "not told, and it is tried again with the next connection.");
    if (settings->again)
        g_hash_table_add(settings->todo, g_steal_pointer(&jid));
    settings->again = false;
    send_next(account);
}

static void send_rule(struct account *account, const char *jid)
{
    struct settings *settings = settings_of(account);
    g_autofree char *rule = own_rule(account, jid);
    char *sent = g_strdup(rule ? rule : "");
    xmpp_stanza_t *notify =
        changed(g_hash_table_lookup(settings->items, jid), rule);
    if (!notify) {
        g_hash_table_remove(settings->items, jid);
        pep_retract(account, NODE, jid, on_sent, sent, g_free);
        return;
    }
    xmpp_stanza_t *chat = stanza_new("chat", NS_CHAT, "jid", jid, NULL);
    stanza_take_child(chat, xmpp_stanza_copy(notify));
    g_hash_table_replace(settings->items, g_strdup(jid), notify);
    pep_publish(account, &settings->node, jid, chat, on_sent, sent, g_free);
}

static void send_next(struct account *account)
{
    struct settings *settings = settings_of(account);
    GHashTableIter iter;
    gpointer jid;
    if (settings->sending || g_hash_table_size(settings->todo) == 0 ||
        !settings->known || !session_is_online(account) ||
        !pep_is_private(account, &settings->node, N_("which chats notify")))
        return;
    g_hash_table_iter_init(&iter, settings->todo);
    g_hash_table_iter_next(&iter, &jid, NULL);
    g_hash_table_iter_steal(&iter);
    settings->sending = jid;
    send_rule(account, jid);
}

void notify_rule_changed(struct account *account, const char *jid)
{
    struct settings *settings = settings_of(account);
    const struct chat *chat = account_find_chat(account, jid);
    if (!settings || !account->options || (chat && chat->kind != CHAT_CONTACT))
        return;
    if (g_strcmp0(settings->sending, jid) == 0)
        settings->again = true;
    else
        g_hash_table_add(settings->todo, g_strdup(jid));
    send_next(account);
}

/* ---- the life of an account -------------------------------------------- */

static void attach(struct account *account)
{
    struct settings *settings = settings_of(account);
    settings->node.name = NODE;
    settings->items = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, (GDestroyNotify)stanza_release);
    settings->todo =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void offline(struct account *account)
{
    struct settings *settings = settings_of(account);
    settings->known = settings->again = settings->node.made = false;
    g_clear_pointer(&settings->sending, g_free);
    g_hash_table_remove_all(settings->items);
    g_hash_table_remove_all(settings->todo); /* the notes tell */
}

static void detach(struct account *account)
{
    struct settings *settings = settings_of(account);
    g_free(settings->sending);
    g_hash_table_unref(settings->items);
    g_hash_table_unref(settings->todo);
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_CLAIM, "message", "event", NS_PUBSUB_EVENT, on_pep },
    { .run = NULL },
};
static const char *const namespaces[] = { NODE "+notify", NULL };

const struct feature xep0492 = {
    .spec = "XEP-0492",
    .name = "Chat notification settings",
    .version = "0.2.0",
    .since = "0.1.0",
    .status = "partial",
    .note = "Chats with one person, in a node of our own; rooms have none yet.",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
    .state_size = sizeof(struct settings),
    .attach = attach,
    .detach = detach,
    .ready = ready,
    .offline = offline,
};
