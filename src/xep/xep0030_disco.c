/*
 * What entities are and can do. Answers are kept for ten minutes by address;
 * what is known by its hash (XEP-0115) is kept for good elsewhere. Two
 * questions are asked at every login: our server and our account there, which
 * decide about carbons, blocking and the like.
 */
#include "xep/xep0030_disco.h"

#include <string.h>
#include "cmd/job.h"
#include "model/jid.h"
#include "xep/ask.h"
#include "xep/privacy.h"
#include "xep/xep.h"
#include "xep/xep0004_form.h"
#include "xep/xep0115_caps.h"
#include "xmpp/rfc6120_session.h"

enum {
    MAX_IDENTITIES = 64,
    MAX_FEATURES = 1024,
    MAX_FORMS = 16,
    MAX_NAME_BYTES = 1024,
    MAX_CACHED = 512,
    MAX_ASKED = 64,
};
#define CACHE_US (10 * 60 * G_USEC_PER_SEC)

static void identity_free(gpointer data)
{
    struct disco_identity *identity = data;
    g_free(identity->category);
    g_free(identity->type);
    g_free(identity->lang);
    g_free(identity->name);
    g_free(identity);
}

static struct disco_info *info_new(void)
{
    struct disco_info *info = g_new0(struct disco_info, 1);
    info->refs = 1;
    info->identities = g_ptr_array_new_with_free_func(identity_free);
    info->features =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    info->forms = g_ptr_array_new_with_free_func((GDestroyNotify)form_free);
    return info;
}

struct disco_info *disco_info_ref(struct disco_info *info)
{
    info->refs++;
    return info;
}

void disco_info_unref(struct disco_info *info)
{
    if (!info || --info->refs)
        return;
    g_ptr_array_unref(info->identities);
    g_hash_table_unref(info->features);
    g_ptr_array_unref(info->forms);
    g_free(info);
}

bool disco_info_has(const struct disco_info *info, const char *feature)
{
    return info && g_hash_table_contains(info->features, feature);
}

/* "" for a missing one; what is too long, or could be mistaken for two names
 * when it is hashed (XEP-0115 s. 9), spoils the answer. */
static char *read_name(struct disco_info *info, const char *text)
{
    if (!text)
        return g_strdup("");
    if (strlen(text) > MAX_NAME_BYTES || strchr(text, '<')) {
        info->ill_formed = true;
        return g_strdup("");
    }
    return g_strdup(text);
}

static bool same_identity(
    const struct disco_identity *a, const struct disco_identity *b)
{
    return g_str_equal(a->category, b->category) &&
           g_str_equal(a->type, b->type) && g_str_equal(a->lang, b->lang) &&
           g_str_equal(a->name, b->name);
}

static void add_identity(struct disco_info *info, xmpp_stanza_t *element)
{
    if (info->identities->len >= MAX_IDENTITIES) {
        info->ill_formed = true;
        return;
    }
    struct disco_identity *identity = g_new0(struct disco_identity, 1);
    identity->category = read_name(info, stanza_attr(element, "category"));
    identity->type = read_name(info, stanza_attr(element, "type"));
    /* Its own language only: an inherited one is not hashed. */
    identity->lang = read_name(info, stanza_lang(element));
    identity->name = read_name(info, stanza_attr(element, "name"));
    for (guint i = 0; i < info->identities->len; i++)
        if (same_identity(identity, info->identities->pdata[i]))
            info->ill_formed = true;
    g_ptr_array_add(info->identities, identity);
}

static void add_feature(struct disco_info *info, xmpp_stanza_t *element)
{
    char *var = read_name(info, stanza_attr(element, "var"));
    if (g_hash_table_size(info->features) >= MAX_FEATURES ||
        !g_hash_table_add(info->features, var))
        info->ill_formed = true;
}

/* XEP-0115 s. 5.4: FORM_TYPE must be hidden and have one value. */
static xmpp_stanza_t *find_form_type(xmpp_stanza_t *x)
{
    xmpp_stanza_t *field = stanza_child(x, "field", NS_FORM);
    while (field && g_strcmp0(stanza_attr(field, "var"), "FORM_TYPE") != 0)
        field = stanza_next(field, "field", NS_FORM);
    return field;
}

static bool form_is_sound(const struct form *form)
{
    for (guint i = 0; i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        if (field->var && strchr(field->var, '<'))
            return false;
        for (guint k = 0; k < field->values->len; k++)
            if (strchr(field->values->pdata[k], '<'))
                return false;
    }
    return true;
}

static void add_form(struct disco_info *info, xmpp_stanza_t *x)
{
    xmpp_stanza_t *type_field = find_form_type(x);
    if (!type_field ||
        g_strcmp0(stanza_attr(type_field, "type"), "hidden") != 0)
        return;
    struct form *form = form_read(x, NULL);
    if (!form || info->forms->len >= MAX_FORMS) {
        info->ill_formed = true;
        form_free(form);
        return;
    }
    const char *type = form_value(form, "FORM_TYPE");
    const GPtrArray *values = form_find(form, "FORM_TYPE")->values;
    for (guint i = 1; i < values->len; i++)
        if (!g_str_equal(values->pdata[i], type))
            info->ill_formed = true;
    for (guint i = 0; i < info->forms->len; i++)
        if (g_strcmp0(form_value(info->forms->pdata[i], "FORM_TYPE"), type) ==
            0)
            info->ill_formed = true;
    if (!form_is_sound(form))
        info->ill_formed = true;
    g_ptr_array_add(info->forms, form);
}

static void info_add(struct disco_info *info, xmpp_stanza_t *query)
{
    for (xmpp_stanza_t *child = stanza_first_element(query); child;
         child = stanza_next(child, NULL, NULL))
        if (stanza_is(child, "identity", NS_DISCO_INFO))
            add_identity(info, child);
        else if (stanza_is(child, "feature", NS_DISCO_INFO))
            add_feature(info, child);
        else if (stanza_is(child, "x", NS_FORM))
            add_form(info, child);
}

struct disco_info *disco_info_read(xmpp_stanza_t *query)
{
    struct disco_info *info = info_new();
    info_add(info, query);
    return info;
}

/* Asking. */

struct cached {
    struct disco_info *info;
    gint64 until_us;
};
struct waiter {
    disco_info_fn fn;
    gpointer data;
    GDestroyNotify free_fn;
};
struct inquiry {
    char *key, *jid;         /* key: jid, newline, node */
    struct disco_info *info; /* what came so far */
    GArray *waiters;
};
struct disco_state {
    GHashTable *cache;   /* key → struct cached */
    GHashTable *pending; /* key → struct inquiry */
    struct disco_info *server, *self;
};

static struct disco_state *state_of(const struct account *account)
{
    return feature_state(account, &xep0030);
}

static void waiter_clear(gpointer data)
{
    struct waiter *waiter = data;
    if (waiter->free_fn)
        waiter->free_fn(waiter->data);
}

static void cached_free(gpointer data)
{
    struct cached *cached = data;
    disco_info_unref(cached->info);
    g_free(cached);
}

static void inquiry_free(gpointer data)
{
    struct inquiry *inquiry = data;
    g_free(inquiry->key);
    g_free(inquiry->jid);
    disco_info_unref(inquiry->info);
    g_array_unref(inquiry->waiters);
    g_free(inquiry);
}

static char *make_key(const char *jid, const char *node)
{
    return g_strconcat(jid, "\n", node, NULL);
}

static const struct disco_info *lookup(
    const struct disco_state *state, const char *key)
{
    const struct cached *cached = g_hash_table_lookup(state->cache, key);
    if (!cached || cached->until_us < g_get_monotonic_time())
        return NULL;
    return cached->info;
}

static void remember(
    struct disco_state *state, const char *key, struct disco_info *info)
{
    /* A flood of addresses must not grow without bound; starting anew costs
     * a question now and then. */
    if (g_hash_table_size(state->cache) >= MAX_CACHED)
        g_hash_table_remove_all(state->cache);
    struct cached *cached = g_new0(struct cached, 1);
    cached->info = disco_info_ref(info);
    cached->until_us = g_get_monotonic_time() + CACHE_US;
    g_hash_table_insert(state->cache, g_strdup(key), cached);
}

static void answer_waiters(struct account *account,
    const struct inquiry *inquiry, const struct disco_info *info,
    const struct stanza_error *error)
{
    for (guint i = 0; i < inquiry->waiters->len; i++) {
        const struct waiter *waiter =
            &g_array_index(inquiry->waiters, struct waiter, i);
        waiter->fn(account, info, error, waiter->data);
    }
}

static void on_info(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct disco_state *state = state_of(account);
    struct inquiry *inquiry = data;
    if (result)
        info_add(inquiry->info, stanza_child(result, "query", NS_DISCO_INFO));
    if (result && more)
        return;
    g_hash_table_steal(state->pending, inquiry->key);
    if (result)
        remember(state, inquiry->key, inquiry->info);
    answer_waiters(account, inquiry, result ? inquiry->info : NULL, error);
    inquiry_free(inquiry);
}

void disco_query_info(struct account *account, const char *jid,
    const char *node, disco_info_fn fn, gpointer data, GDestroyNotify free_fn)
{
    struct disco_state *state = state_of(account);
    g_autofree char *key = make_key(jid, node);
    const struct disco_info *known = lookup(state, key);
    if (known) {
        auto_struct(disco_info) hold =
            disco_info_ref((struct disco_info *)known);
        fn(account, hold, NULL, data);
        if (free_fn)
            free_fn(data);
        return;
    }
    const struct waiter waiter = { fn, data, free_fn };
    struct inquiry *inquiry = g_hash_table_lookup(state->pending, key);
    if (inquiry) {
        g_array_append_val(inquiry->waiters, waiter);
        return;
    }
    inquiry = g_new0(struct inquiry, 1);
    inquiry->key = g_steal_pointer(&key);
    inquiry->jid = g_strdup(jid);
    inquiry->info = info_new();
    inquiry->waiters = g_array_new(FALSE, FALSE, sizeof(struct waiter));
    g_array_set_clear_func(inquiry->waiters, waiter_clear);
    g_array_append_val(inquiry->waiters, waiter);
    g_hash_table_insert(state->pending, inquiry->key, inquiry);
    xmpp_stanza_t *query;
    xmpp_stanza_t *iq = iq_new("get", jid, "query", NS_DISCO_INFO, &query);
    stanza_set(query, "node", node);
    iq_send(account, iq, 0, on_info, inquiry, NULL);
}

const struct disco_info *disco_cached(
    const struct account *account, const char *jid)
{
    const struct disco_state *state = state_of(account);
    g_autofree char *key = make_key(jid, NULL);
    return state ? lookup(state, key) : NULL;
}

enum disco_answer disco_server_has(
    const struct account *account, const char *feature)
{
    const struct disco_state *state = state_of(account);
    if (!state)
        return DISCO_UNKNOWN;
    if (disco_info_has(state->server, feature) ||
        disco_info_has(state->self, feature))
        return DISCO_YES;
    return state->server && state->self ? DISCO_NO : DISCO_UNKNOWN;
}

/* The answer of one resource. Where its hash is false it is believed for this
 * resource alone (XEP-0115 s. 5.4). No answer counts as "nothing", for a
 * while. */
static void on_peer(struct account *account, const struct disco_info *info,
    const struct stanza_error *error, gpointer data)
{
    (void)error;
    const char *jid = data;
    if (info && caps_learn(account, jid, info))
        return;
    auto_struct(disco_info) nothing = info ? NULL : info_new();
    g_autofree char *key = make_key(jid, NULL);
    remember(
        state_of(account), key, info ? (struct disco_info *)info : nothing);
}

static const struct disco_info *peer_info(
    struct account *account, const char *full_jid)
{
    const struct disco_info *info = caps_find(account, full_jid);
    return info ? info : disco_cached(account, full_jid);
}

bool disco_peer_lacks(
    struct account *account, const char *jid, const char *feature)
{
    const struct disco_info *info =
        jid && jid_resource(jid) && state_of(account) ? peer_info(account, jid)
                                                      : NULL;
    /* Without an identity it was no answer. */
    return info && info->identities->len && !disco_info_has(info, feature);
}

enum disco_answer disco_peer_has(
    struct account *account, const char *full_jid, const char *feature)
{
    if (!state_of(account))
        return DISCO_UNKNOWN;
    const struct disco_info *info = peer_info(account, full_jid);
    if (info)
        return disco_info_has(info, feature) ? DISCO_YES : DISCO_NO;
    /* What is asked at once is bounded: they may announce much (H49). */
    if (session_is_online(account) && jid_resource(full_jid) &&
        g_hash_table_size(state_of(account)->pending) < MAX_ASKED) {
        g_autofree char *node = caps_question(account, full_jid);
        disco_query_info(
            account, full_jid, node, on_peer, g_strdup(full_jid), g_free);
    }
    return DISCO_UNKNOWN;
}

/* Answering. */

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *disco_own_features(const struct account *account)
{
    GPtrArray *names = g_ptr_array_new();
    for (const struct feature *const *f = features; *f; f++) {
        const char *const *ns = (*f)->namespaces;
        if ((*f)->announced_if && !privacy_allows(account, (*f)->announced_if))
            continue;
        for (; ns && *ns; ns++)
            if (!g_ptr_array_find_with_equal_func(
                    names, *ns, g_str_equal, NULL))
                g_ptr_array_add(names, (gpointer)*ns);
    }
    g_ptr_array_sort(names, compare_names);
    return names;
}

xmpp_stanza_t *disco_own_info(const struct account *account, const char *node)
{
    g_autoptr(GPtrArray) names = disco_own_features(account);
    xmpp_stanza_t *query =
        stanza_new("query", NS_DISCO_INFO, "node", node, NULL);
    stanza_add(query, "identity", NS_DISCO_INFO, "category", "client", "type",
        "console", "name", "txmpp", NULL);
    for (guint i = 0; i < names->len; i++)
        stanza_add(
            query, "feature", NS_DISCO_INFO, "var", names->pdata[i], NULL);
    return query;
}

static void on_get_info(struct iq_request *request)
{
    const char *node = stanza_attr(request->child, "node");
    if (node && !caps_is_own_node(request->account, node))
        iq_error(request, "cancel", "item-not-found", NULL);
    else
        iq_result(request, disco_own_info(request->account, node));
}

static void on_get_items(struct iq_request *request)
{
    const char *node = stanza_attr(request->child, "node");
    if (node)
        iq_error(request, "cancel", "item-not-found", NULL);
    else
        iq_result(request, stanza_new("query", NS_DISCO_ITEMS, NULL));
}

/* The life of an account. */

static void attach(struct account *account)
{
    struct disco_state *state = state_of(account);
    state->cache =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, cached_free);
    state->pending =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, inquiry_free);
}

static void forget_server(struct disco_state *state)
{
    g_clear_pointer(&state->server, disco_info_unref);
    g_clear_pointer(&state->self, disco_info_unref);
}

static void detach(struct account *account)
{
    struct disco_state *state = state_of(account);
    forget_server(state);
    g_hash_table_unref(state->cache);
    g_hash_table_unref(state->pending);
}

static void set_known(struct disco_info **place, const struct disco_info *info)
{
    g_clear_pointer(place, disco_info_unref);
    *place = info ? disco_info_ref((struct disco_info *)info) : info_new();
}

static void on_server(struct account *account, const struct disco_info *info,
    const struct stanza_error *error, gpointer data)
{
    (void)error;
    (void)data;
    set_known(&state_of(account)->server, info);
}

static void on_self(struct account *account, const struct disco_info *info,
    const struct stanza_error *error, gpointer data)
{
    (void)error;
    (void)data;
    set_known(&state_of(account)->self, info);
}

static void online(struct account *account)
{
    struct disco_state *state = state_of(account);
    forget_server(state);
    g_hash_table_remove_all(state->cache);
    g_autofree char *domain = jid_domain(account->jid);
    disco_query_info(account, domain, NULL, on_server, NULL, NULL);
    disco_query_info(account, account->jid, NULL, on_self, NULL, NULL);
}

/* /disco */

/* Addresses people would ask: the job's, else our server. */
static char *command_target(struct job *job)
{
    const char *jid = job_arg(job, "jid");
    return jid ? g_strdup(jid) : jid_domain(job_account(job)->jid);
}

static void show_forms(struct job *job, const struct disco_info *info)
{
    for (guint i = 0; i < info->forms->len; i++) {
        const struct form *form = info->forms->pdata[i];
        for (guint k = 0; k < form->fields->len; k++) {
            const struct form_field *field = form->fields->pdata[k];
            if (!field->var || g_str_equal(field->var, "FORM_TYPE"))
                continue;
            g_autoptr(GPtrArray) values = g_ptr_array_new();
            for (guint v = 0; v < field->values->len; v++)
                g_ptr_array_add(values, field->values->pdata[v]);
            g_ptr_array_add(values, NULL);
            JOB_ROW(job, "field",
                FIELD_T("form", form_value(form, "FORM_TYPE")),
                FIELD_T("name", field->var),
                FIELD_L("values", (const char *const *)values->pdata));
        }
    }
}

static void show_info(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)jid;
    (void)elapsed_us;
    auto_struct(disco_info) info =
        disco_info_read(stanza_child(result, "query", NS_DISCO_INFO));
    for (guint i = 0; i < info->identities->len; i++) {
        const struct disco_identity *identity = info->identities->pdata[i];
        JOB_ROW(job, "identity", FIELD_T("category", identity->category),
            FIELD_T("type", identity->type), FIELD_T("name", identity->name),
            FIELD_T("lang", *identity->lang ? identity->lang : NULL));
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, info->features);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(names, name);
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++)
        JOB_ROW(job, "feature", FIELD_T("feature", names->pdata[i]));
    show_forms(job, info);
    if (!more)
        job_done(job);
}

static void show_items(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)jid;
    (void)elapsed_us;
    xmpp_stanza_t *query = stanza_child(result, "query", NS_DISCO_ITEMS);
    xmpp_stanza_t *item = stanza_child(query, "item", NS_DISCO_ITEMS);
    for (; item; item = stanza_next(item, "item", NS_DISCO_ITEMS))
        if (stanza_attr(item, "jid"))
            JOB_ROW(job, "item", FIELD_T("jid", stanza_attr(item, "jid")),
                FIELD_T("node", stanza_attr(item, "node")),
                FIELD_T("name", stanza_attr(item, "name")));
    if (!more)
        job_done(job);
}

static enum cmd_status ask(struct job *job, const char *ns, ask_reply_fn fn)
{
    g_autofree char *jid = command_target(job);
    xmpp_stanza_t *query;
    xmpp_stanza_t *iq = iq_new("get", jid, "query", ns, &query);
    stanza_set(query, "node", job_arg(job, "node"));
    return ask_send(job, iq, fn);
}

static enum cmd_status run_info(struct job *job)
{
    return ask(job, NS_DISCO_INFO, show_info);
}

static enum cmd_status run_items(struct job *job)
{
    return ask(job, NS_DISCO_ITEMS, show_items);
}

/* What is worth a line of /disco summary: services of a server first. */
static const struct {
    const char *spec, *name, *feature;
} capabilities[] = {
    { "XEP-0077", "In-Band Registration", "jabber:iq:register" },
    { "XEP-0191", "Blocking Command", "urn:xmpp:blocking" },
    { "XEP-0280", "Message Carbons", "urn:xmpp:carbons:2" },
    { "XEP-0313", "Message Archive Management", "urn:xmpp:mam:2" },
    { "XEP-0357", "Push Notifications", "urn:xmpp:push:0" },
    { "XEP-0359", "Stable Stanza IDs", "urn:xmpp:sid:0" },
    { "XEP-0363", "HTTP File Upload", "urn:xmpp:http:upload:0" },
    { "XEP-0377", "Blocking Command Reports", "urn:xmpp:reporting:1" },
    { "XEP-0398", "Avatar Conversion", "urn:xmpp:pep-vcard-conversion:0" },
    { "XEP-0402", "PEP Native Bookmarks", "urn:xmpp:bookmarks:1#compat" },
    { "XEP-0004", "Data Forms", "jabber:x:data" },
    { "XEP-0012", "Last Activity", "jabber:iq:last" },
    { "XEP-0045", "Multi-User Chat", "http://jabber.org/protocol/muc" },
    { "XEP-0050", "Ad-Hoc Commands", "http://jabber.org/protocol/commands" },
    { "XEP-0054", "vcard-temp", "vcard-temp" },
    { "XEP-0085", "Chat States", "http://jabber.org/protocol/chatstates" },
    { "XEP-0092", "Software Version", "jabber:iq:version" },
    { "XEP-0184", "Message Delivery Receipts", "urn:xmpp:receipts" },
    { "XEP-0199", "XMPP Ping", "urn:xmpp:ping" },
    { "XEP-0202", "Entity Time", "urn:xmpp:time" },
    { "XEP-0308", "Message Correction", "urn:xmpp:message-correct:0" },
    { "XEP-0333", "Displayed Markers", "urn:xmpp:chat-markers:0" },
    { "XEP-0384", "OMEMO Encryption", "urn:xmpp:omemo:2" },
    { "XEP-0424", "Message Retraction", "urn:xmpp:message-retract:1" },
    { "XEP-0444", "Message Reactions", "urn:xmpp:reactions:0" },
    { "XEP-0461", "Message Replies", "urn:xmpp:reply:0" },
};

static void show_summary(struct job *job, const char *jid,
    xmpp_stanza_t *result, bool more, gint64 elapsed_us)
{
    (void)elapsed_us;
    if (more)
        return;
    struct account *account = job_account(job);
    auto_struct(disco_info) info =
        disco_info_read(stanza_child(result, "query", NS_DISCO_INFO));
    g_autoptr(GPtrArray) own = disco_own_features(account);
    g_autofree char *domain = jid_domain(account->jid);
    bool is_server = g_str_equal(jid, domain);
    for (guint i = 0; i < G_N_ELEMENTS(capabilities); i++) {
        const char *feature = capabilities[i].feature;
        bool theirs =
            disco_info_has(info, feature) ||
            (is_server && disco_server_has(account, feature) == DISCO_YES);
        bool ours =
            g_ptr_array_find_with_equal_func(own, feature, g_str_equal, NULL);
        JOB_ROW(job, "capability", FIELD_T("spec", capabilities[i].spec),
            FIELD_T("name", capabilities[i].name), FIELD_B("theirs", theirs),
            FIELD_B("ours", ours));
    }
    job_done(job);
}

static enum cmd_status run_summary(struct job *job)
{
    return ask(job, NS_DISCO_INFO, show_summary);
}

#define TARGET_ARG                                                             \
    {                                                                          \
        .name = "jid", .kind = &arg_jid, .flags = ARG_OPTIONAL,                \
        .summary = "an address; our own server without it"                     \
    }
#define NODE_ARG                                                               \
    {                                                                          \
        .name = "node", .kind = &arg_word, .flags = ARG_OPTIONAL,              \
        .summary = "a node of it"                                              \
    }

static const char *const examples[] = {
    "/disco info",
    "What your own server is and can do.",
    "/disco items example.net",
    "The services of a server.",
    "/disco info romeo@example.net/orchard",
    "What Romeo's client can do.",
    "/disco summary",
    "The same as a table of extensions, theirs and ours.",
    NULL,
};
#define INFO_FIELDS                                                            \
    "identity: category type name? lang?; feature: feature; "                  \
    "field: form name values[]"

static const struct command disco_subs[] = {
    { .name = "info",
        .needs = NEEDS_ONLINE,
        .args = { TARGET_ARG, NODE_ARG },
        .summary = "Ask what an address is and which features it has",
        .fields = INFO_FIELDS,
        .run = run_info },
    { .name = "items",
        .needs = NEEDS_ONLINE,
        .finds = true,
        .args = { TARGET_ARG, NODE_ARG },
        .summary = "Ask which services or items belong to an address",
        .fields = "item: jid node? name?",
        .run = run_items },
    { .name = "summary",
        .needs = NEEDS_ONLINE,
        .args = { TARGET_ARG },
        .summary = "Compare the known extensions: theirs and ours",
        .fields = "capability: spec name theirs ours",
        .run = run_summary },
    { .name = NULL },
};
static const struct command commands[] = {
    { .name = "disco",
        .needs = NEEDS_ONLINE,
        .args = { TARGET_ARG, NODE_ARG },
        .words = "features services server capabilities browse discover",
        .summary = "Discover services and features",
        .detail =
            "Asks a server, a service or somebody's client what it is and what "
            "it can do (XEP-0030). Rows of kind identity, feature and field "
            "(contact addresses and other details) come from /disco info, "
            "which is also what /disco alone does.",
        .examples = examples,
        .fields = INFO_FIELDS,
        .run = run_info,
        .sub = disco_subs },
    { .name = NULL },
};

static const struct iq_hook iq_hooks[] = {
    { "get", "query", NS_DISCO_INFO, on_get_info },
    { "get", "query", NS_DISCO_ITEMS, on_get_items },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_DISCO_INFO, NS_DISCO_ITEMS, NULL };

const struct feature xep0030 = {
    .spec = "XEP-0030",
    .name = "Service Discovery",
    .version = "2.5.0",
    .since = "0.1.0",
    .namespaces = namespaces,
    .iq = iq_hooks,
    .commands = commands,
    .state_size = sizeof(struct disco_state),
    .attach = attach,
    .detach = detach,
    .online = online,
};
