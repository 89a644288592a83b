/*
 * A hash in presence stands for what a client can do. The meaning of a hash is
 * asked once for all who announce it, checked, and kept on disk in a file of
 * its own, named by the hash, whose content is checked again when it is read.
 * Nothing is asked or read before somebody wants to know or a chat is open:
 * presence only costs a look-up.
 */
#include "xep/xep0115_caps.h"

#include <string.h>
#include <glib/gstdio.h>
#include "base/paths.h"
#include "config.h"
#include "model/jid.h"
#include "xep/privacy.h"
#include "xep/xep.h"
#include "xep/xep0004_form.h"
#include "xmpp/rfc6120_session.h"
#include "xmpp/rfc6121_presence.h"

#define OWN_NODE PACKAGE_URL

enum {
    MAX_ATTR_BYTES = 512,
    MAX_ENTRIES = 2048,   /* different hashes a session */
    MAX_STRANGERS = 4096, /* beyond so many resources, contacts only */
    MAX_FILES = 2000,
    MAX_FILE_BYTES = 256 * 1024,
    WRITE_DELAY_S = 5,
};

/* What one (hash, ver) stands for. The hash proves it, whoever says it: the
 * node of an announcement is no part of it (s. 5.4). */
struct entry {
    int refs; /* resources that announce it, and the table */
    char *hash, *ver;
    struct disco_info *info; /* NULL: unknown */
    bool disk_tried;
};
/* What one resource announces. It answers to its own node only. */
struct announced {
    struct entry *entry;
    char *node; /* GRefString, interned */
};
struct caps_state {
    GHashTable *entries;  /* "hash ver" → struct entry */
    GHashTable *jids;     /* full JID → struct announced */
    GPtrArray *unwritten; /* struct entry * */
    guint writer;         /* timer */
    char *own_ver;
    guint own_key; /* what it was computed from */
    char *told_ver; /* in our last presence; NULL: none was sent */
};

static struct caps_state *state_of(const struct account *account)
{
    return feature_state(account, &xep0115);
}

static void entry_unref(gpointer data)
{
    struct entry *entry = data;
    if (--entry->refs)
        return;
    disco_info_unref(entry->info);
    g_free(entry->hash);
    g_free(entry->ver);
    g_free(entry);
}

static struct entry *entry_ref(struct entry *entry)
{
    entry->refs++;
    return entry;
}

static void announced_free(gpointer data)
{
    struct announced *announced = data;
    entry_unref(announced->entry);
    g_ref_string_release(announced->node);
    g_free(announced);
}

static struct entry *entry_of(
    const struct caps_state *state, const char *full_jid)
{
    const struct announced *announced =
        g_hash_table_lookup(state->jids, full_jid);
    return announced ? announced->entry : NULL;
}

/* The hash. */

static bool checksum_type(const char *hash, GChecksumType *out)
{
    static const struct {
        const char *name;
        GChecksumType type;
    } types[] = { { "sha-1", G_CHECKSUM_SHA1 },
        { "sha-256", G_CHECKSUM_SHA256 }, { "sha-384", G_CHECKSUM_SHA384 },
        { "sha-512", G_CHECKSUM_SHA512 } };
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(hash, types[i].name) == 0) {
            *out = types[i].type;
            return true;
        }
    return false;
}

static gint compare_identities(gconstpointer a, gconstpointer b)
{
    const struct disco_identity *x = *(struct disco_identity *const *)a;
    const struct disco_identity *y = *(struct disco_identity *const *)b;
    int order = strcmp(x->category, y->category);
    if (!order)
        order = strcmp(x->type, y->type);
    if (!order)
        order = strcmp(x->lang, y->lang);
    return order ? order : strcmp(x->name, y->name);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gint compare_forms(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(form_value(*(struct form *const *)a, "FORM_TYPE"),
        form_value(*(struct form *const *)b, "FORM_TYPE"));
}

static gint compare_fields(gconstpointer a, gconstpointer b)
{
    return g_strcmp0((*(struct form_field *const *)a)->var,
        (*(struct form_field *const *)b)->var);
}

static GPtrArray *borrow(const GPtrArray *array)
{
    GPtrArray *copy = g_ptr_array_sized_new(array->len);
    for (guint i = 0; i < array->len; i++)
        g_ptr_array_add(copy, array->pdata[i]);
    return copy;
}

static void append_names(GString *s, GPtrArray *names)
{
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(s, "%s<", (const char *)names->pdata[i]);
}

static void append_identities(GString *s, const struct disco_info *info)
{
    g_autoptr(GPtrArray) sorted = borrow(info->identities);
    g_ptr_array_sort(sorted, compare_identities);
    for (guint i = 0; i < sorted->len; i++) {
        const struct disco_identity *identity = sorted->pdata[i];
        g_string_append_printf(s, "%s/%s/%s/%s<", identity->category,
            identity->type, identity->lang, identity->name);
    }
}

static void append_features(GString *s, const struct disco_info *info)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, info->features);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(names, name);
    append_names(s, names);
}

static void append_form(GString *s, const struct form *form)
{
    const char *type = form_value(form, "FORM_TYPE");
    g_string_append_printf(s, "%s<", type ? type : "");
    g_autoptr(GPtrArray) fields = borrow(form->fields);
    g_ptr_array_sort(fields, compare_fields);
    for (guint i = 0; i < fields->len; i++) {
        const struct form_field *field = fields->pdata[i];
        if (!field->var || g_str_equal(field->var, "FORM_TYPE"))
            continue;
        g_string_append_printf(s, "%s<", field->var);
        g_autoptr(GPtrArray) values = borrow(field->values);
        append_names(s, values);
    }
}

char *caps_hash(const struct disco_info *info, const char *hash)
{
    GChecksumType type;
    if (!checksum_type(hash, &type))
        return NULL;
    g_autoptr(GString) s = g_string_new(NULL);
    append_identities(s, info);
    append_features(s, info);
    g_autoptr(GPtrArray) forms = borrow(info->forms);
    g_ptr_array_sort(forms, compare_forms);
    for (guint i = 0; i < forms->len; i++)
        append_form(s, forms->pdata[i]);
    g_autoptr(GChecksum) sum = g_checksum_new(type);
    g_checksum_update(sum, (const guchar *)s->str, (gssize)s->len);
    guint8 digest[64];
    gsize len = sizeof digest;
    g_checksum_get_digest(sum, digest, &len);
    return g_base64_encode(digest, len);
}

/* Ours. */

/* Changes whenever a privacy option changes what we announce. */
static guint own_key(struct account *account)
{
    guint key = 1, bit = 1;
    for (const struct feature *const *f = features; *f; f++)
        if ((*f)->announced_if && (bit <<= 1) &&
            privacy_allows(account, (*f)->announced_if))
            key |= bit;
    return key;
}

const char *caps_own_ver(struct account *account)
{
    struct caps_state *state = state_of(account);
    guint key = own_key(account);
    if (state->own_ver && state->own_key == key)
        return state->own_ver;
    g_autoptr(xmpp_stanza_t) query = disco_own_info(account, NULL);
    auto_struct(disco_info) info = disco_info_read(query);
    g_free(state->own_ver);
    state->own_ver = caps_hash(info, "sha-1");
    state->own_key = key;
    return state->own_ver;
}

bool caps_is_own_node(struct account *account, const char *node)
{
    const char *hash = strchr(node, '#');
    return hash && strncmp(node, OWN_NODE, (size_t)(hash - node)) == 0 &&
           strlen(OWN_NODE) == (size_t)(hash - node) &&
           g_str_equal(hash + 1, caps_own_ver(account));
}

static void add_own(struct outgoing *outgoing)
{
    const char *type = stanza_attr(outgoing->stanza, "type");
    if (type) /* unavailable and subscriptions say nothing about us */
        return;
    const char *ver = caps_own_ver(outgoing->account);
    stanza_add(outgoing->stanza, "c", NS_CAPS, "hash", "sha-1", "node",
        OWN_NODE, "ver", ver, NULL);
    if (stanza_attr(outgoing->stanza, "to"))
        return;
    struct caps_state *state = state_of(outgoing->account);
    g_free(state->told_ver);
    state->told_ver = g_strdup(ver);
}

/* XEP-0115 s. 4: who can more or less than before says so at once. */
static void tell_change(struct account *account)
{
    const struct caps_state *state = state_of(account);
    if (state->told_ver && session_is_online(account) &&
        account->own.show != SHOW_OFFLINE &&
        !g_str_equal(state->told_ver, caps_own_ver(account)))
        rfc6121_presence_update(account);
}

static void on_event(const struct event *event, gpointer data)
{
    struct account *account = data;
    if (event->type == EVENT_OPTION &&
        g_str_has_prefix(event->option.option->name, "privacy."))
        tell_change(account);
}

/* Those of others. */

static bool is_fit(const char *text)
{
    return text && *text && strlen(text) <= MAX_ATTR_BYTES;
}

static struct entry *find_entry(struct caps_state *state, xmpp_stanza_t *c)
{
    const char *hash = stanza_attr(c, "hash");
    const char *ver = stanza_attr(c, "ver");
    GChecksumType type;
    if (!is_fit(stanza_attr(c, "node")) || !is_fit(ver) || !checksum_type(hash, &type))
        return NULL; /* also the hashless kind of before version 1.4 */
    g_autofree char *key = g_strconcat(hash, " ", ver, NULL);
    struct entry *entry = g_hash_table_lookup(state->entries, key);
    if (entry)
        return entry;
    if (g_hash_table_size(state->entries) >= MAX_ENTRIES)
        return NULL;
    entry = g_new0(struct entry, 1);
    entry->refs = 1;
    entry->hash = g_strdup(hash);
    entry->ver = g_strdup(ver);
    g_hash_table_insert(state->entries, g_steal_pointer(&key), entry);
    return entry;
}

static bool has_room(const struct incoming *incoming)
{
    return g_hash_table_size(state_of(incoming->account)->jids) <
               MAX_STRANGERS ||
           roster_find(incoming->account->roster, incoming->from_bare);
}

static void announce(
    const struct incoming *incoming, struct entry *entry, const char *node)
{
    struct caps_state *state = state_of(incoming->account);
    struct announced *old = g_hash_table_lookup(state->jids, incoming->from);
    if (old ? old->entry == entry && g_str_equal(old->node, node)
            : !has_room(incoming))
        return;
    struct announced *announced = g_new(struct announced, 1);
    *announced = (struct announced){ entry_ref(entry),
        g_ref_string_new_intern(node) };
    g_hash_table_replace(state->jids, g_strdup(incoming->from), announced);
}

static enum verdict on_presence(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    struct caps_state *state = state_of(incoming->account);
    if (g_strcmp0(incoming->type, "unavailable") == 0)
        g_hash_table_remove(state->jids, incoming->from);
    if (incoming->type)
        return GO_ON;
    xmpp_stanza_t *c = stanza_child(incoming->stanza, "c", NS_CAPS);
    struct entry *entry = c ? find_entry(state, c) : NULL;
    if (entry)
        announce(incoming, entry, stanza_attr(c, "node"));
    else if (c)
        g_hash_table_remove(state->jids, incoming->from);
    else /* it is as it was: servers may leave out what they repeat */
        entry = entry_of(state, incoming->from);
    /* With whom we talk, chat states soon want to know. */
    if (entry && !entry->info &&
        account_find_chat(incoming->account, incoming->from_bare))
        disco_peer_has(incoming->account, incoming->from, NS_CAPS);
    return GO_ON;
}

static bool is_true(const struct entry *entry, const struct disco_info *info)
{
    g_autofree char *ver = caps_hash(info, entry->hash);
    return !info->ill_formed && g_strcmp0(ver, entry->ver) == 0;
}

/* The disk. */

static char *file_of(const struct account *account, const struct entry *entry)
{
    g_autofree char *key = g_strconcat(entry->hash, " ", entry->ver, NULL);
    g_autofree char *name =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    return g_build_filename(account->paths->cache_dir, "caps", name, NULL);
}

static void read_file(const struct account *account, struct entry *entry)
{
    entry->disk_tried = true;
    if (!account->paths)
        return;
    g_autofree char *path = file_of(account, entry);
    GStatBuf st;
    if (g_stat(path, &st) != 0 || st.st_size > MAX_FILE_BYTES)
        return;
    g_autofree char *xml = NULL;
    if (!g_file_get_contents(path, &xml, NULL, NULL))
        return;
    g_autoptr(xmpp_stanza_t) query = stanza_parse(xml);
    if (!query)
        return;
    auto_struct(disco_info) info = disco_info_read(query);
    if (is_true(entry, info))
        entry->info = g_steal_pointer(&info);
}

static void add_form_xml(xmpp_stanza_t *query, const struct form *form)
{
    xmpp_stanza_t *x = form_submit(form);
    stanza_set(x, "type", "result");
    stanza_take_child(query, x);
}

static char *render(const struct disco_info *info)
{
    g_autoptr(xmpp_stanza_t) query = stanza_new("query", NS_DISCO_INFO, NULL);
    for (guint i = 0; i < info->identities->len; i++) {
        const struct disco_identity *identity = info->identities->pdata[i];
        stanza_add(query, "identity", NS_DISCO_INFO, "category",
            identity->category, "type", identity->type, "xml:lang",
            *identity->lang ? identity->lang : NULL, "name",
            *identity->name ? identity->name : NULL, NULL);
    }
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, info->features);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        stanza_add(query, "feature", NS_DISCO_INFO, "var", name, NULL);
    for (guint i = 0; i < info->forms->len; i++)
        add_form_xml(query, info->forms->pdata[i]);
    return stanza_xml(query);
}

/* The cache may be deleted at any time, so a full one is simply emptied. */
static void limit_files(const char *dir)
{
    g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    while (files && (name = g_dir_read_name(files)))
        g_ptr_array_add(names, g_build_filename(dir, name, NULL));
    for (guint i = 0; names->len > MAX_FILES && i < names->len; i++)
        g_unlink(names->pdata[i]);
}

static void write_files(struct account *account)
{
    struct caps_state *state = state_of(account);
    g_clear_handle_id(&state->writer, g_source_remove);
    if (!state->unwritten->len || !account->paths)
        return;
    g_autofree char *dir =
        g_build_filename(account->paths->cache_dir, "caps", NULL);
    if (paths_make_private_dir(dir, NULL)) {
        limit_files(dir);
        for (guint i = 0; i < state->unwritten->len; i++) {
            const struct entry *entry = state->unwritten->pdata[i];
            g_autofree char *path = file_of(account, entry);
            g_autofree char *xml = render(entry->info);
            /* Not worth waiting for the disk: the content proves itself. */
            g_file_set_contents_full(
                path, xml, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
        }
    }
    g_ptr_array_set_size(state->unwritten, 0);
}

static gboolean on_writer(gpointer data)
{
    struct account *account = data;
    state_of(account)->writer = 0;
    write_files(account);
    return G_SOURCE_REMOVE;
}

/* Looking up. */

const struct disco_info *caps_find(
    struct account *account, const char *full_jid)
{
    struct entry *entry = entry_of(state_of(account), full_jid);
    if (!entry)
        return NULL;
    if (!entry->info && !entry->disk_tried)
        read_file(account, entry);
    return entry->info;
}

char *caps_question(struct account *account, const char *full_jid)
{
    const struct announced *announced =
        g_hash_table_lookup(state_of(account)->jids, full_jid);
    return announced
               ? g_strconcat(announced->node, "#", announced->entry->ver, NULL)
               : NULL;
}

bool caps_learn(struct account *account, const char *full_jid,
    const struct disco_info *info)
{
    struct caps_state *state = state_of(account);
    struct entry *entry = entry_of(state, full_jid);
    if (!entry || !is_true(entry, info))
        return false;
    if (entry->info)
        return true;
    entry->info = disco_info_ref((struct disco_info *)info);
    g_ptr_array_add(state->unwritten, entry_ref(entry));
    if (!state->writer)
        state->writer =
            g_timeout_add_seconds(WRITE_DELAY_S, on_writer, account);
    return true;
}

static void attach(struct account *account)
{
    struct caps_state *state = state_of(account);
    state->entries =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_unref);
    state->jids =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, announced_free);
    state->unwritten = g_ptr_array_new_with_free_func(entry_unref);
    observers_add(account->observers, on_event, account);
}

static void offline(struct account *account)
{
    struct caps_state *state = state_of(account);
    g_hash_table_remove_all(state->jids);
    g_clear_pointer(&state->told_ver, g_free);
    write_files(account);
}

static void detach(struct account *account)
{
    struct caps_state *state = state_of(account);
    observers_remove(account->observers, on_event, account);
    write_files(account);
    g_hash_table_unref(state->jids);
    g_hash_table_unref(state->entries);
    g_ptr_array_unref(state->unwritten);
    g_free(state->own_ver);
    g_free(state->told_ver);
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "presence", NULL, NULL, on_presence },
    { .run = NULL },
};
static const struct outgoing_hook outgoing_hooks[] = {
    { "presence", add_own },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_CAPS, NULL };

const struct feature xep0115 = {
    .spec = "XEP-0115",
    .name = "Entity Capabilities",
    .version = "1.6.0",
    .since = "0.1.0",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
    .outgoing = outgoing_hooks,
    .state_size = sizeof(struct caps_state),
    .attach = attach,
    .detach = detach,
    .offline = offline,
    .resumed = tell_change,
};
