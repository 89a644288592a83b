/*
 * The roster (RFC 6121 s. 2): fetched before presence is sent, kept in step
 * by pushes. With a server that has versions (s. 2.6) the list is also kept on
 * disk, so that usually nothing is transferred; it is written when the
 * connection ends, because an older copy is only a longer catch-up, never
 * wrong. A result may come in portions (net/guard.h): contacts are stamped
 * with its generation and the rest is swept out behind the last portion.
 */
#include <string.h>
#include "base/intl.h"
#include "base/log.h"
#include "base/paths.h"
#include "cmd/job.h"
#include "model/jid.h"
#include "xmpp/feature.h"
#include "xmpp/inbox.h"
#include "xmpp/rfc6120_session.h"
#include "xmpp/rfc6121_presence.h"

#define NS_VERSIONS "urn:xmpp:features:rosterver"
#define PUSH_WAIT_S 5 /* servers need not push what changed nothing */
#define CACHE_MAGIC "txmpp-roster-1"
#define CACHE_TYPE "(ssa(sssbbas))"
#define CACHE_MAX_BYTES (64 * 1024 * 1024)

extern const struct feature rfc6121_roster;

struct state {
    char *ver;          /* of what the model holds; NULL: unknown */
    bool dirty;         /* the file is older than the model */
    bool receiving;     /* between the portions of a result */
    guint generation;
    GPtrArray *changes; /* struct change */
};

/* A change that a command waits for: done when its result and its push have
 * both arrived (contract.md s. 2). */
struct change {
    struct account *account;
    struct job *job;
    char *jid, *iq;
    bool answered, pushed;
    guint timer;
};

static struct state *state_of(const struct account *account)
{
    return feature_state(account, &rfc6121_roster);
}

/* ---- the file ---------------------------------------------------------- */

static char *cache_dir(const struct account *account)
{
    return account->paths && account->paths->data_dir
        ? g_build_filename(
              account->paths->data_dir, account->config_jid, NULL)
        : NULL;
}

static void load_item(struct account *account, GVariant *item)
{
    const char *jid, *name, *subscription;
    gboolean ask, approved;
    g_autoptr(GVariant) list = NULL;
    g_autofree const char **groups = NULL;
    struct contact *contact;

    g_variant_get(item, "(&s&s&sbb@as)", &jid, &name, &subscription, &ask,
        &approved, &list);
    if (!jid_is_valid(jid))
        return;
    groups = g_variant_get_strv(list, NULL);
    contact = roster_ensure(account->roster, jid);
    contact->in_roster = true;
    g_free(contact->name); /* the file may name somebody twice */
    contact->name = *name ? g_strdup(name) : NULL;
    contact->subscription = subscription_parse(subscription);
    contact->ask = ask;
    contact->approved = approved;
    if (*groups)
        contact_set_groups(contact, groups);
}

/* Damaged or foreign: as if there were none. */
static void load_cache(struct account *account)
{
    struct state *state = state_of(account);
    g_autofree char *dir = cache_dir(account);
    g_autofree char *path =
        dir ? g_build_filename(dir, "roster.cache", NULL) : NULL;
    g_autoptr(GVariant) cache = NULL;
    g_autoptr(GVariant) items = NULL;
    const char *magic, *ver;
    char *bytes;
    gsize len;

    if (!path || !g_file_get_contents(path, &bytes, &len, NULL))
        return;
    cache = g_variant_ref_sink(
        g_variant_new_from_data(G_VARIANT_TYPE(CACHE_TYPE), bytes, len,
            FALSE, g_free, bytes));
    if (len > CACHE_MAX_BYTES || !g_variant_is_normal_form(cache))
        return;
    g_variant_get(cache, "(&s&s@a(sssbbas))", &magic, &ver, &items);
    if (strcmp(magic, CACHE_MAGIC) != 0)
        return;
    for (gsize i = 0; i < g_variant_n_children(items); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(items, i);
        load_item(account, item);
    }
    state->ver = g_strdup(ver);
    account_emit(account, (struct event){ .type = EVENT_ROSTER_RESET });
}

static void save_item(struct contact *contact, gpointer data)
{
    if (contact->in_roster)
        g_variant_builder_add(data, "(sssbb^as)", contact->jid,
            contact->name ? contact->name : "",
            subscription_name(contact->subscription), contact->ask,
            contact->approved, contact->groups);
}

static void save_cache(struct account *account)
{
    struct state *state = state_of(account);
    g_autofree char *dir = cache_dir(account);
    g_autofree char *path =
        dir ? g_build_filename(dir, "roster.cache", NULL) : NULL;
    g_autoptr(GVariant) cache = NULL;
    g_autoptr(GError) error = NULL;
    GVariantBuilder items;

    if (!state->dirty || !state->ver || state->receiving || !path)
        return;
    g_variant_builder_init(&items, G_VARIANT_TYPE("a(sssbbas)"));
    roster_foreach(account->roster, save_item, &items);
    cache = g_variant_ref_sink(g_variant_new(
        "(ssa(sssbbas))", CACHE_MAGIC, state->ver, &items));
    if (paths_make_private_dir(dir, &error))
        paths_write_file(path, g_variant_get_data(cache),
            (gssize)g_variant_get_size(cache), &error);
    if (error)
        log_line("roster", "%s: %s", account->jid, error->message);
    state->dirty = false;
}

/* ---- items ------------------------------------------------------------- */

static void read_groups(struct contact *contact, xmpp_stanza_t *item)
{
    g_autoptr(GPtrArray) groups = NULL;
    xmpp_stanza_t *group = stanza_child(item, "group", NS_ROSTER);

    if (!group && !*contact->groups)
        return;
    groups = g_ptr_array_new_with_free_func(g_free);
    for (; group; group = stanza_next(group, "group", NS_ROSTER)) {
        char *name = stanza_text(group);
        if (*name)
            g_ptr_array_add(groups, name);
        else
            g_free(name);
    }
    g_ptr_array_add(groups, NULL);
    contact_set_groups(contact, (const char *const *)groups->pdata);
}

/* NULL: the item names nobody. */
static struct contact *read_item(struct account *account, xmpp_stanza_t *item)
{
    const char *jid = stanza_attr(item, "jid");
    const char *name = stanza_attr(item, "name");
    struct contact *contact;

    if (!jid || !jid_is_valid(jid))
        return NULL;
    contact = roster_ensure(account->roster, jid);
    contact->in_roster = true;
    g_free(contact->name);
    contact->name = name && *name ? g_strdup(name) : NULL;
    contact->subscription =
        subscription_parse(stanza_attr(item, "subscription"));
    contact->ask = g_strcmp0(stanza_attr(item, "ask"), "subscribe") == 0;
    contact->approved =
        g_strcmp0(stanza_attr(item, "approved"), "true") == 0 ||
        g_strcmp0(stanza_attr(item, "approved"), "1") == 0;
    if (contact->subscription == SUB_FROM ||
        contact->subscription == SUB_BOTH)
        g_clear_pointer(&contact->pending_in, g_free);
    read_groups(contact, item);
    contact->generation = state_of(account)->generation;
    return contact;
}

/* Out of the list, but not out of sight while there is something to show. */
static void forget(struct account *account, struct contact *contact)
{
    static const char *const none[] = { NULL };
    const bool is_here = contact->resources && contact->resources->len > 0;

    if (!is_here && !contact->pending_in) {
        roster_remove(account->roster, contact);
        return;
    }
    contact->in_roster = contact->ask = contact->approved = false;
    contact->subscription = SUB_NONE;
    g_clear_pointer(&contact->name, g_free);
    contact_set_groups(contact, none);
}

static void set_ver(struct account *account, const char *ver)
{
    struct state *state = state_of(account);

    if (!ver)
        return;
    g_free(state->ver);
    state->ver = g_strdup(ver);
    state->dirty = true;
}

/* ---- the result -------------------------------------------------------- */

struct sweep {
    guint generation;
    GPtrArray *stale;
};

static void find_stale(struct contact *contact, gpointer data)
{
    struct sweep *sweep = data;

    if (contact->generation != sweep->generation &&
        (contact->in_roster || !contact->pending_in))
        g_ptr_array_add(sweep->stale, contact);
}

static void sweep_out(struct account *account)
{
    struct sweep sweep = { state_of(account)->generation, NULL };
    g_autoptr(GPtrArray) stale = g_ptr_array_new();

    sweep.stale = stale;
    roster_foreach(account->roster, find_stale, &sweep);
    for (guint i = 0; i < stale->len; i++)
        forget(account, g_ptr_array_index(stale, i));
}

static void read_query(
    struct account *account, xmpp_stanza_t *query, bool more)
{
    struct state *state = state_of(account);

    if (!state->receiving) {
        state->generation++;
        state->receiving = true;
        g_clear_pointer(&state->ver, g_free);
    }
    for (xmpp_stanza_t *item = stanza_child(query, "item", NS_ROSTER); item;
         item = stanza_next(item, "item", NS_ROSTER))
        read_item(account, item);
    if (more)
        return;
    state->receiving = false;
    set_ver(account, stanza_attr(query, "ver"));
    sweep_out(account);
}

static void on_roster(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    xmpp_stanza_t *query = stanza_child(result, "query", NS_ROSTER);

    (void)data;
    if (!session_is_online(account))
        return;
    if (error) {
        g_autofree char *sentence = stanza_error_sentence(error);
        observers_notice(account->observers, account,
            "The roster did not come: %s", sentence);
    }
    if (query) /* none: what we have is up to date */
        read_query(account, query, more);
    if (more)
        return;
    account_emit(account, (struct event){ .type = EVENT_ROSTER_RESET });
    if (account->session)
        rfc6121_presence_initial(account);
}

static void on_online(struct account *account)
{
    struct state *state = state_of(account);
    xmpp_stanza_t *query;
    xmpp_stanza_t *iq = iq_new("get", NULL, "query", NS_ROSTER, &query);

    if (session_has_stream_feature(account, "ver", NS_VERSIONS))
        stanza_set(query, "ver", state->ver ? state->ver : "");
    else
        g_clear_pointer(&state->ver, g_free);
    iq_send(account, iq, 0, on_roster, NULL, NULL);
}

static void on_offline(struct account *account)
{
    struct state *state = state_of(account);

    if (state->receiving) { /* half a list has no version */
        state->receiving = false;
        g_clear_pointer(&state->ver, g_free);
    }
    save_cache(account);
}

/* ---- changes of ours --------------------------------------------------- */

static void change_free(struct change *change)
{
    struct state *state = state_of(change->account);

    if (state)
        g_ptr_array_remove_fast(state->changes, change);
    g_clear_handle_id(&change->timer, g_source_remove);
    g_free(change->jid);
    g_free(change->iq);
    g_free(change);
}

static void on_job_cancelled(struct job *job, gpointer data)
{
    struct change *change = data;

    (void)job;
    if (change->iq && change->account->session)
        iq_cancel(change->account, change->iq);
    change_free(change);
}

static void change_done(struct change *change)
{
    struct job *job = change->job;

    change_free(change);
    job_done(job);
}

static gboolean on_no_push(gpointer data)
{
    struct change *change = data;

    change->timer = 0;
    change_done(change);
    return G_SOURCE_REMOVE;
}

static void on_change_answer(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct change *change = data;

    (void)account;
    (void)result;
    if (more) /* whatever it brings: the last portion is the answer */
        return;
    g_clear_pointer(&change->iq, g_free);
    change->answered = true;
    if (error) {
        g_autofree char *sentence = stanza_error_sentence(error);
        struct job *job = change->job;
        change_free(change);
        job_fail(job, error->condition, "%s", sentence);
    } else if (change->pushed) {
        change_done(change);
    } else {
        change->timer =
            g_timeout_add_seconds(PUSH_WAIT_S, on_no_push, change);
    }
}

static void note_push(struct account *account, const char *jid)
{
    const GPtrArray *changes = state_of(account)->changes;

    for (guint i = 0; i < changes->len; i++) {
        struct change *change = g_ptr_array_index(changes, i);
        if (change->pushed || !jid_equal_prepared(change->jid, jid))
            continue;
        change->pushed = true;
        if (change->answered)
            change_done(change);
        return;
    }
}

/* Sends one item; the job ends when it is in force. */
static enum cmd_status set_item(struct job *job, const char *jid,
    const char *name, const char *const *groups, const char *subscription)
{
    struct account *account = job_account(job);
    struct change *change = g_new0(struct change, 1);
    const char *id;
    xmpp_stanza_t *query, *item;
    xmpp_stanza_t *iq = iq_new("set", NULL, "query", NS_ROSTER, &query);
    g_autoptr(GHashTable) seen = NULL;

    item = stanza_add(query, "item", NULL, "jid", jid, "name", name,
        "subscription", subscription, (char *)NULL);
    /* S. 2.3.3: one that is named twice makes the server refuse all of it. */
    seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (; groups && *groups; groups++)
        if (g_hash_table_add(seen, (gpointer)*groups))
            stanza_set_text(
                stanza_add(item, "group", NULL, (char *)NULL), *groups);
    change->account = account;
    change->job = job;
    change->jid = g_strdup(jid);
    g_ptr_array_add(state_of(account)->changes, change);
    job_on_cancel(job, on_job_cancelled, change);
    id = iq_send(account, iq, 0, on_change_answer, change, NULL);
    if (!id) /* the callback has ended the job */
        return CMD_DONE;
    change->iq = g_strdup(id);
    return CMD_WAIT;
}

/* ---- pushes ------------------------------------------------------------ */

static void apply_push(struct account *account, xmpp_stanza_t *item)
{
    const char *jid = stanza_attr(item, "jid");
    struct contact *contact;

    if (g_strcmp0(stanza_attr(item, "subscription"), "remove") != 0) {
        contact = read_item(account, item);
        account_emit(account,
            (struct event){ .type = EVENT_ROSTER, .contact = contact });
        return;
    }
    contact = roster_find(account->roster, jid);
    if (!contact || !contact->in_roster)
        return;
    account_emit(account,
        (struct event){ .type = EVENT_ROSTER,
            .contact = contact,
            .roster = { .removed = true } });
    contact = roster_find(account->roster, jid);
    if (contact)
        forget(account, contact);
}

static void on_push(struct iq_request *request)
{
    struct account *account = request->account;
    xmpp_stanza_t *item = stanza_first_element(request->child);
    const char *jid = stanza_attr(item, "jid");
    g_autofree char *copy = NULL;
    g_autoptr(xmpp_stanza_t) held = NULL;

    /* RFC 6121 s. 2.1.6; CVE-2015-8688 and its kin (H22, H26) */
    if (stanza_attr(request->iq, "from") &&
        strcmp(request->from, account->jid) != 0 &&
        !jid_equal_prepared(request->from, account->jid)) {
        inbox_log_drop(account, request->iq, "roster push of a stranger");
        iq_error(request, "cancel", "service-unavailable", NULL);
        return;
    }
    if (stanza_count_elements(request->child) != 1 ||
        !stanza_is(item, "item", NS_ROSTER) || !jid || !jid_is_valid(jid)) {
        iq_error(request, "modify", "bad-request", NULL);
        return;
    }
    held = xmpp_stanza_clone(request->iq); /* item outlives the request */
    copy = g_strdup(jid);
    set_ver(account, stanza_attr(request->child, "ver"));
    iq_result(request, NULL);
    apply_push(account, item);
    if (account->session)
        note_push(account, copy);
}

static const struct iq_hook iq_hooks[] = {
    { "set", "query", NS_ROSTER, on_push },
    { .run = NULL },
};

/* ---- commands ---------------------------------------------------------- */

static gint by_label(gconstpointer a, gconstpointer b)
{
    const struct contact *x = *(struct contact *const *)a;
    const struct contact *y = *(struct contact *const *)b;
    const int order =
        g_ascii_strcasecmp(contact_label(x), contact_label(y));

    return order ? order : strcmp(x->jid, y->jid);
}

static void add_contact(struct contact *contact, gpointer data)
{
    if (contact->in_roster)
        g_ptr_array_add(data, contact);
}

static void list_contact(struct job *job, const struct contact *contact)
{
    JOB_ROW(job, "contact", FIELD_T("jid", contact->jid),
        FIELD_T("name", contact->name),
        FIELD_T("subscription", subscription_name(contact->subscription)),
        FIELD_T("ask", contact->ask ? "subscribe" : NULL),
        FIELD_L("groups", (const char *const *)contact->groups));
}

static bool contains(const char *folded, const char *text)
{
    g_autofree char *haystack = text ? g_utf8_casefold(text, -1) : NULL;

    return haystack && strstr(haystack, folded);
}

static bool matches(const struct contact *contact, const char *folded)
{
    if (contains(folded, contact->jid) || contains(folded, contact->name))
        return true;
    for (char **group = contact->groups; *group; group++)
        if (contains(folded, *group))
            return true;
    return false;
}

static enum cmd_status list(struct job *job, const char *text)
{
    g_autofree char *folded = text ? g_utf8_casefold(text, -1) : NULL;
    g_autoptr(GPtrArray) contacts = g_ptr_array_new();

    roster_foreach(job_account(job)->roster, add_contact, contacts);
    g_ptr_array_sort(contacts, by_label);
    for (guint i = 0; i < contacts->len; i++) {
        const struct contact *contact = g_ptr_array_index(contacts, i);
        if (!folded || matches(contact, folded))
            list_contact(job, contact);
    }
    return job_done(job);
}

static enum cmd_status run_list(struct job *job)
{
    return list(job, NULL);
}

static enum cmd_status run_search(struct job *job)
{
    return list(job, job_arg(job, "text"));
}

static const char *const *groups_of(const struct contact *contact)
{
    return contact ? (const char *const *)contact->groups : NULL;
}

static enum cmd_status run_add(struct job *job)
{
    const char *jid = job_arg(job, "jid"), *name = job_arg(job, "name");
    const char *const *groups = job_list(job, "group");
    const struct contact *contact =
        roster_find(job_account(job)->roster, jid);

    if (strcmp(jid, job_account(job)->jid) == 0)
        return job_fail(job, "not-allowed",
            "You cannot add your own address to your roster.");
    if (contact && contact->in_roster) { /* what is not said stays */
        name = name ? name : contact->name;
        groups = *groups ? groups : groups_of(contact);
    }
    return set_item(job, jid, name, groups, NULL);
}

/* The contact a command names, or NULL after the job has failed. */
static struct contact *named(struct job *job)
{
    const char *jid = job_arg(job, "jid");
    struct contact *contact = roster_find(job_account(job)->roster, jid);

    if (contact && contact->in_roster)
        return contact;
    job_fail(job, "item-not-found",
        "%s is not in your roster; /roster add puts it there.", jid);
    return NULL;
}

static enum cmd_status go_remove(struct job *job)
{
    return set_item(job, job_arg(job, "jid"), NULL, NULL, "remove");
}

static enum cmd_status run_remove(struct job *job)
{
    const struct contact *contact = named(job);
    g_autofree char *question = NULL;

    if (!contact)
        return CMD_DONE;
    question = g_strdup_printf(_("Remove %s from your roster? You will no "
                               "longer see each other's presence."),
        contact_label(contact));
    return job_confirm(job, question, go_remove);
}

static enum cmd_status run_nick(struct job *job)
{
    const struct contact *contact = named(job);

    return contact ? set_item(job, contact->jid, job_arg(job, "name"),
                         groups_of(contact), NULL)
                   : CMD_DONE;
}

static enum cmd_status change_group(struct job *job, bool is_member)
{
    const char *group = job_arg(job, "group");
    const struct contact *contact = named(job);
    g_autoptr(GPtrArray) groups = g_ptr_array_new();

    if (!contact)
        return CMD_DONE;
    if (!*group)
        return job_fail(job, "bad-request", "A group must have a name: /roster group add JID GROUP.");
    for (char **old = contact->groups; *old; old++)
        if (strcmp(*old, group) != 0)
            g_ptr_array_add(groups, *old);
    if (!is_member && groups->len == g_strv_length(contact->groups))
        return job_fail(job, "item-not-found", "%s is not in the group %s; /roster shows the groups.",
            contact_label(contact), group);
    if (is_member)
        g_ptr_array_add(groups, (gpointer)group);
    g_ptr_array_add(groups, NULL);
    return set_item(job, contact->jid, contact->name,
        (const char *const *)groups->pdata, NULL);
}

static enum cmd_status run_group_add(struct job *job)
{
    return change_group(job, true);
}

static enum cmd_status run_group_remove(struct job *job)
{
    return change_group(job, false);
}

static enum cmd_status run_group_move(struct job *job)
{
    const struct contact *contact = named(job);
    const char *group = job_arg(job, "group");
    const char *const groups[] = { group && *group ? group : NULL, NULL };

    return contact
        ? set_item(job, contact->jid, contact->name, groups, NULL)
        : CMD_DONE;
}

/* Notes stay on this machine: [notes] in the configuration. */
static enum cmd_status run_note(struct job *job)
{
    struct options *options = job_account(job)->options;
    const char *jid = job_arg(job, "jid"), *text = job_arg(job, "text");
    g_autofree char *old = options_section_get(options, "notes", jid);
    g_autoptr(GError) error = NULL;

    if (!text) {
        JOB_ROW(job, "note", FIELD_T("jid", jid), FIELD_T("text", old));
        return job_done(job);
    }
    if (!options_section_set(options, "notes", jid,
            strcmp(text, "-") == 0 ? NULL : text, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status show_pane(struct job *job, const char *value)
{
    struct options *options = job_account(job)->options;
    g_autoptr(GError) error = NULL;

    if (!options_row(options, "ui.roster"))
        return job_fail(
            job, "feature-not-implemented", "This screen has no roster.");
    if (!options_set(options, NULL, "ui.roster", value, false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_show(struct job *job)
{
    return show_pane(job, "on");
}

static enum cmd_status run_hide(struct job *job)
{
    return show_pane(job, "off");
}

static const struct command group_commands[] = {
    { .name = "add",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "group", .kind = &arg_group } },
        .summary = "Put a contact into a group",
        .run = run_group_add },
    { .name = "remove",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "group", .kind = &arg_group } },
        .summary = "Take a contact out of a group",
        .run = run_group_remove },
    { .name = "move",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "group", .kind = &arg_group, .flags = ARG_OPTIONAL } },
        .summary = "Put a contact into this group only; without GROUP into none",
        .run = run_group_move },
    { .name = NULL },
};

static const char *const add_examples[] = {
    "/roster add romeo@example.net Romeo -g Friends",
    "adds Romeo to the group Friends", NULL
};

#define CONTACT_FIELDS "contact: jid name? subscription ask? groups[]"

static const struct command roster_commands[] = {
    { .name = "list",
        .needs = NEEDS_ROSTER,
        .summary = "List all contacts",
        .fields = CONTACT_FIELDS,
        .run = run_list },
    { .name = "add",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid", .kind = &arg_bare_jid },
            { .name = "name", .kind = &arg_text, .flags = ARG_OPTIONAL },
            { .name = "group",
                .kind = &arg_group,
                .flags = ARG_OPTIONAL | ARG_REPEAT,
                .option = "-g" } },
        .words = "new contact buddy friend person invite",
        .summary = "Add a contact to the roster or change one",
        .detail = "This does not ask to see the contact's presence; "
                  "/sub request does. What is not given stays as it was.",
        .examples = add_examples,
        .run = run_add },
    { .name = "remove",
        .needs = NEEDS_ONLINE | NEEDS_CONSENT,
        .args = { { .name = "jid", .kind = &arg_contact } },
        .words = "delete drop contact buddy friend unfriend person",
        .summary = "Remove a contact and both subscriptions",
        .run = run_remove },
    { .name = "nick",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "name",
                .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .words = "rename name contact alias call",
        .summary = "Name a contact; without NAME the name is taken away",
        .run = run_nick },
    { .name = "group",
        .summary = "Groups of a contact",
        .sub = group_commands },
    { .name = "show",
        .needs = NEEDS_ACCOUNT | NEEDS_PANES,
        .summary = "Show the roster on the screen",
        .run = run_show },
    { .name = "hide",
        .needs = NEEDS_ACCOUNT | NEEDS_PANES,
        .summary = "Hide the roster on the screen",
        .run = run_hide },
    { .name = "search",
        .needs = NEEDS_ROSTER,
        .finds = true,
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_REST } },
        .summary = "List contacts whose address, name or group has TEXT",
        .fields = CONTACT_FIELDS,
        .run = run_search },
    { .name = "note",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "text",
                .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .summary = "Keep a note about somebody on this machine",
        .detail = "Without TEXT the note is shown; - removes it.",
        .fields = "note: jid text?",
        .run = run_note },
    { .name = NULL },
};

static const struct command commands[] = {
    { .name = "roster",
        .aliases = "add=add remove=remove name=nick",
        .needs = NEEDS_ROSTER,
        .words = "contacts buddies friends people list",
        .summary = "The contact list",
        .detail = "Without a subcommand all contacts are listed.",
        .fields = CONTACT_FIELDS,
        .run = run_list,
        .sub = roster_commands },
    { .name = NULL },
};

/* ---- the feature ------------------------------------------------------- */

static void attach(struct account *account)
{
    state_of(account)->changes = g_ptr_array_new();
    load_cache(account);
}

static void detach(struct account *account)
{
    struct state *state = state_of(account);

    save_cache(account);
    while (state->changes->len > 0) {
        struct change *change = g_ptr_array_index(state->changes, 0);
        struct job *job = change->job;
        change_free(change);
        job_fail(job, "recipient-unavailable", "The account was removed.");
    }
    g_clear_pointer(&state->changes, g_ptr_array_unref);
    g_clear_pointer(&state->ver, g_free);
}

const struct feature rfc6121_roster = {
    .spec = "RFC 6121",
    .name = "XMPP Instant Messaging: roster",
    .since = "0.1.0",
    .iq = iq_hooks,
    .commands = commands,
    .state_size = sizeof(struct state),
    .attach = attach,
    .detach = detach,
    .online = on_online,
    .offline = on_offline,
};
