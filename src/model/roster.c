/*
 * The roster: contacts by bare JID. A contact may exist without being in the
 * roster (somebody who asked to subscribe, or sent directed presence).
 */
#include "model/roster.h"
#include <stdlib.h>
#include <string.h>
#include "model/jid.h"

struct roster {
    GHashTable *contacts; /* contact->jid → struct contact, owned */
};

static void contact_free(gpointer data)
{
    struct contact *contact = data;

    g_free(contact->jid);
    g_free(contact->name);
    g_strfreev(contact->groups);
    g_free(contact->pending_in);
    g_clear_pointer(&contact->resources, g_ptr_array_unref);
    g_free(contact->last_status);
    g_free(contact);
}

struct roster *roster_new(void)
{
    struct roster *roster = g_new0(struct roster, 1);

    roster->contacts = g_hash_table_new_full(
        g_str_hash, g_str_equal, NULL, contact_free);
    return roster;
}

void roster_free(struct roster *roster)
{
    if (!roster)
        return;
    g_hash_table_unref(roster->contacts);
    g_free(roster);
}

struct contact *roster_find(const struct roster *roster, const char *bare_jid)
{
    return bare_jid ? g_hash_table_lookup(roster->contacts, bare_jid) : NULL;
}

struct contact *roster_ensure(struct roster *roster, const char *bare_jid)
{
    struct contact *contact = roster_find(roster, bare_jid);

    if (contact)
        return contact;
    contact = g_new0(struct contact, 1);
    contact->jid = g_strdup(bare_jid);
    contact->groups = g_new0(char *, 1);
    g_hash_table_insert(roster->contacts, contact->jid, contact);
    return contact;
}

void roster_remove(struct roster *roster, struct contact *contact)
{
    g_hash_table_remove(roster->contacts, contact->jid);
}

guint roster_size(const struct roster *roster)
{
    return g_hash_table_size(roster->contacts);
}

void roster_foreach(
    const struct roster *roster, roster_fn fn, gpointer data)
{
    GHashTableIter iter;
    gpointer contact;

    g_hash_table_iter_init(&iter, roster->contacts);
    while (g_hash_table_iter_next(&iter, NULL, &contact))
        fn(contact, data);
}

struct contact *roster_match(const struct roster *roster, const char *text)
{
    struct contact *contact = roster_find(roster, text), *prefixed = NULL;
    struct contact *named = NULL;
    unsigned prefixes = 0, names = 0;
    GHashTableIter iter;
    gpointer value;

    if (contact || !text || !*text)
        return contact;
    g_hash_table_iter_init(&iter, roster->contacts);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        contact = value;
        if (g_strcmp0(contact->name, text) == 0) {
            named = contact;
            names++;
        } else if (g_str_has_prefix(contact->jid, text) ||
            (contact->name && g_str_has_prefix(contact->name, text))) {
            prefixed = contact;
            prefixes++;
        }
    }
    if (names > 0)
        return names == 1 ? named : NULL;
    return prefixes == 1 ? prefixed : NULL;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void collect_jid(struct contact *contact, gpointer data)
{
    if (contact->in_roster)
        g_ptr_array_add(data, contact->jid);
}

char *roster_lookalike(const struct roster *roster, const char *jid)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    roster_foreach(roster, collect_jid, others);
    g_ptr_array_add(others, NULL);
    return jid_lookalike(jid, (const char *const *)others->pdata);
}

void contact_set_groups(struct contact *contact, const char *const *groups)
{
    const guint n = groups ? g_strv_length((char **)groups) : 0;
    char **sorted = g_new0(char *, n + 1);
    guint kept = 0;

    for (guint i = 0; i < n; i++)
        sorted[i] = g_strdup(groups[i]);
    qsort(sorted, n, sizeof *sorted, compare_strings);
    for (guint i = 0; i < n; i++) {
        if (kept > 0 && strcmp(sorted[kept - 1], sorted[i]) == 0)
            g_free(sorted[i]);
        else
            sorted[kept++] = sorted[i];
    }
    sorted[kept] = NULL;
    g_strfreev(contact->groups);
    contact->groups = sorted;
}

const char *contact_label(const struct contact *contact)
{
    return contact->name ? contact->name : contact->jid;
}

const struct presence *contact_best(const struct contact *contact)
{
    if (!contact->resources || contact->resources->len == 0)
        return NULL;
    return g_ptr_array_index(contact->resources, 0);
}

enum show contact_show(const struct contact *contact)
{
    const struct presence *best = contact_best(contact);

    return best ? best->show : SHOW_OFFLINE;
}

static int find_resource(const struct contact *contact, const char *full_jid)
{
    for (guint i = 0; contact->resources && i < contact->resources->len; i++) {
        const struct presence *p = g_ptr_array_index(contact->resources, i);
        if (strcmp(p->from, full_jid) == 0)
            return (int)i;
    }
    return -1;
}

struct presence *contact_resource(
    const struct contact *contact, const char *full_jid)
{
    const int i = find_resource(contact, full_jid);

    return i < 0 ? NULL : g_ptr_array_index(contact->resources, i);
}

/* RFC 6121 s. 8.5.2.1.1 leaves "most available" to the server: priority, then
 * the show value, then the latest word. */
static bool is_better(const struct presence *a, const struct presence *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (a->show != b->show)
        return a->show > b->show;
    return a->time_us >= b->time_us;
}

void contact_put_presence(struct contact *contact, struct presence *presence)
{
    guint i = 0;

    contact_drop_presence(contact, presence->from);
    if (!contact->resources)
        contact->resources =
            g_ptr_array_new_with_free_func((GDestroyNotify)presence_free);
    while (i < contact->resources->len &&
        !is_better(presence, g_ptr_array_index(contact->resources, i)))
        i++;
    g_ptr_array_insert(contact->resources, (int)i, presence);
}

void contact_drop_presence(struct contact *contact, const char *full_jid)
{
    const int i = find_resource(contact, full_jid);

    if (i >= 0)
        g_ptr_array_remove_index(contact->resources, (guint)i);
}

static void go_offline(struct contact *contact, gpointer data)
{
    (void)data;
    if (contact->resources)
        g_ptr_array_set_size(contact->resources, 0);
}

void roster_all_offline(struct roster *roster)
{
    roster_foreach(roster, go_offline, NULL);
}

static const char *const subscriptions[] = { "none", "to", "from", "both" };

const char *subscription_name(enum subscription s)
{
    return subscriptions[s];
}

enum subscription subscription_parse(const char *text)
{
    for (guint i = 0; text && i < G_N_ELEMENTS(subscriptions); i++)
        if (strcmp(text, subscriptions[i]) == 0)
            return (enum subscription)i;
    return SUB_NONE;
}
