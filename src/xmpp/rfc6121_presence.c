/*
 * Presence (RFC 6121 s. 4): what we announce, and the resources of others.
 * People who are not in the roster are kept, too, while they are here, but
 * only so many of them.
 */
#include "xmpp/rfc6121_presence.h"
#include <string.h>
#include "base/stamp.h"
#include "base/text.h"
#include "cmd/job.h"
#include "model/jid.h"
#include "xmpp/feature.h"
#include "xmpp/inbox.h"
#include "xmpp/outbox.h"
#include "xmpp/rfc6120_session.h"

#define NS_CAPS "http://jabber.org/protocol/caps"
#define NS_NICK "http://jabber.org/protocol/nick"
#define STATUS_BYTES 4096    /* of a status that are kept */
#define NAME_BYTES 1024      /* of a nick or a program's name: else none */
#define RESOURCES 64         /* of one address */
#define STRANGERS 1000       /* not in the roster, kept at a time */

extern const struct feature rfc6121_presence;

struct state {
    GHashTable *directed; /* JIDs that got directed presence */
    guint strangers;
    bool is_idle;
    enum show show_before; /* idleness */
    char *status_before;
};

static struct state *state_of(const struct account *account)
{
    return feature_state(account, &rfc6121_presence);
}

/* ---- ours -------------------------------------------------------------- */

static xmpp_stanza_t *build(const char *to, enum show show,
    const char *status, int priority)
{
    xmpp_stanza_t *stanza = stanza_new("presence", NULL, "to", to, "type",
        show == SHOW_OFFLINE ? "unavailable" : NULL, (char *)NULL);
    const char *word = show_to_wire(show);

    if (word)
        stanza_set_text(stanza_add(stanza, "show", NULL, (char *)NULL), word);
    if (status && *status)
        stanza_set_text(
            stanza_add(stanza, "status", NULL, (char *)NULL), status);
    if (priority != 0 && show != SHOW_OFFLINE) {
        g_autofree char *number = g_strdup_printf("%d", priority);
        stanza_set_text(
            stanza_add(stanza, "priority", NULL, (char *)NULL), number);
    }
    return stanza;
}

void rfc6121_presence_update(struct account *account)
{
    const struct presence *own = &account->own;

    if (session_is_online(account) && account->synced)
        outbox_send_presence(account,
            build(NULL, own->show, own->status, own->priority));
}

/* The server echoes what it took; without one we say it ourselves. */
static void announce(struct account *account)
{
    g_free(account->own.from);
    account->own.from =
        g_strdup(account->full_jid ? account->full_jid : account->jid);
    account->own.time_us = stamp_now();
    rfc6121_presence_update(account);
    if (!session_is_online(account) || account->own.show == SHOW_OFFLINE)
        account_emit(account,
            (struct event){ .type = EVENT_PRESENCE,
                .presence = { &account->own } });
}

void rfc6121_presence_set(
    struct account *account, enum show show, const char *status)
{
    struct state *state = state_of(account);
    char *copy = status && *status ? g_strdup(status) : NULL;

    if (state)
        state->is_idle = false;
    account->own.show = show;
    g_free(account->own.status);
    account->own.status = copy;
    announce(account);
}

/* Those whom we see are asked for only by a presence that was not there before.
 * What comes meanwhile goes to the server's offline storage, where later ones
 * overtake it, so this leaves together with the next presence. The negative
 * priority makes servers stop looking for our session before it is gone: in
 * between they may find none, and keep the message nowhere. */
static void begin_anew(struct account *account)
{
    session_send(account, build(NULL, SHOW_ONLINE, NULL, -1));
    rfc6121_presence_leave(account, NULL);
}

void rfc6121_presence_initial(struct account *account)
{
    const struct presence *own = &account->own;

    if (session_take_stale(account))
        begin_anew(account);
    if (own->show != SHOW_OFFLINE)
        outbox_send_presence(account,
            build(NULL, own->show, own->status, own->priority));
    session_ready(account);
}

/* RFC 6121 s. 4.6.4: our server tells those who see our presence; the others
 * must be told one by one. */
void rfc6121_presence_leave(struct account *account, const char *status)
{
    struct state *state = state_of(account);
    GHashTableIter iter;
    gpointer jid;

    g_hash_table_iter_init(&iter, state->directed);
    while (g_hash_table_iter_next(&iter, &jid, NULL))
        session_send(account, build(jid, SHOW_OFFLINE, status, 0));
    g_hash_table_remove_all(state->directed);
    session_send(account, build(NULL, SHOW_OFFLINE, status, 0));
}

void rfc6121_presence_set_idle(struct account *account, bool idle)
{
    struct state *state = state_of(account);
    const char *message;

    if (!state || state->is_idle == idle)
        return;
    if (!idle) {
        g_autofree char *status = g_steal_pointer(&state->status_before);
        rfc6121_presence_set(account, state->show_before, status);
        return;
    }
    if (account->own.show != SHOW_ONLINE && account->own.show != SHOW_CHAT)
        return; /* what the person chose stays */
    state->show_before = account->own.show;
    g_free(state->status_before);
    state->status_before = g_strdup(account->own.status);
    message = account_option(account, "presence.autoaway_message");
    enum show show = SHOW_AWAY;
    show_parse(account_option(account, "presence.autoaway_mode"), &show);
    rfc6121_presence_set(account, show,
        message && *message ? message : state->status_before);
    state->is_idle = true;
}

/* ---- of others --------------------------------------------------------- */

/* RFC 6121 s. 4.7.2.3; anything else is as if it were not there (H44). */
static int priority_parse(const char *text)
{
    gint64 number;

    return text && g_ascii_string_to_signed(text, 10, -128, 127, &number, NULL)
        ? (int)number
        : 0;
}

/* A status as far as it is kept (H44). */
char *rfc6121_presence_status(xmpp_stanza_t *status)
{
    char *text = stanza_text(status);

    if (strlen(text) > STATUS_BYTES)
        *g_utf8_find_prev_char(text, text + STATUS_BYTES) = '\0';
    return text;
}

/* Takes text; NULL where it is longer than anything that is meant well. */
static char *short_name(char *text)
{
    if (text && strlen(text) > NAME_BYTES)
        g_clear_pointer(&text, g_free);
    return text;
}

static enum verdict annotate(struct incoming *incoming, xmpp_stanza_t *child)
{
    struct presence *presence = incoming->presence;
    xmpp_stanza_t *stanza = incoming->stanza, *status;

    (void)child;
    if (!presence)
        return GO_ON;
    presence->time_us = stamp_now();
    status = stanza_localized(
        stanza, "status", NS_CLIENT, incoming->lang, NULL);
    if (status)
        presence->status = rfc6121_presence_status(status);
    if (presence->status && !*presence->status)
        g_clear_pointer(&presence->status, g_free);
    if (incoming->type) {
        presence->show = SHOW_OFFLINE;
        return GO_ON;
    }
    {
        g_autofree char *show = stanza_child_text(stanza, "show", NS_CLIENT);
        g_autofree char *number =
            stanza_child_text(stanza, "priority", NS_CLIENT);
        xmpp_stanza_t *caps = stanza_child(stanza, "c", NS_CAPS);
        presence->show = show_from_wire(show);
        presence->priority = priority_parse(number);
        presence->nick =
            short_name(stanza_child_text(stanza, "nick", NS_NICK));
        presence->caps_node =
            short_name(g_strdup(stanza_attr(caps, "node")));
    }
    return GO_ON;
}

/* The contact of an address, made if it is a stranger and there is room. */
static struct contact *contact_for(struct account *account, const char *bare)
{
    struct state *state = state_of(account);
    struct contact *contact = roster_find(account->roster, bare);

    if (contact)
        return contact;
    if (strcmp(bare, account->jid) != 0 && state->strangers >= STRANGERS)
        return NULL;
    state->strangers++;
    return roster_ensure(account->roster, bare);
}

/* C55: whoever we were talking to may have moved. */
static void unlock(struct account *account, const char *bare)
{
    struct chat *chat = account_find_chat(account, bare);

    if (chat)
        g_clear_pointer(&chat->locked, g_free);
}

static void emit(struct account *account, struct contact *contact,
    const struct presence *presence)
{
    account_emit(account,
        (struct event){ .type = EVENT_PRESENCE,
            .contact = contact && contact->in_roster ? contact : NULL,
            .presence = { presence } });
}

static enum verdict on_available(struct incoming *incoming)
{
    struct account *account = incoming->account;
    struct contact *contact = contact_for(account, incoming->from_bare);
    struct presence *presence = incoming->presence;

    if (!contact)
        return DROPPED;
    unlock(account, incoming->from_bare);
    if (contact->resources && contact->resources->len >= RESOURCES &&
        !contact_resource(contact, presence->from))
        g_ptr_array_remove_index(
            contact->resources, contact->resources->len - 1);
    incoming->presence = NULL;
    contact_put_presence(contact, presence);
    emit(account, contact, presence);
    return CLAIMED;
}

static enum verdict on_unavailable(struct incoming *incoming)
{
    struct account *account = incoming->account;
    struct contact *contact =
        roster_find(account->roster, incoming->from_bare);
    bool was_here;

    unlock(account, incoming->from_bare);
    if (!contact)
        return CLAIMED;
    was_here = contact_best(contact) != NULL;
    if (jid_resource(incoming->from))
        contact_drop_presence(contact, incoming->from);
    else if (contact->resources) /* a bare JID leaves with all it has */
        g_ptr_array_set_size(contact->resources, 0);
    if (!was_here && !incoming->presence->status)
        return CLAIMED; /* the answer to our server's probe: no news */
    g_free(contact->last_status);
    contact->last_status = g_strdup(incoming->presence->status);
    emit(account, contact, incoming->presence);
    contact = roster_find(account->roster, incoming->from_bare);
    if (account->session && contact && !contact->in_roster &&
        !contact->pending_in && !contact_best(contact)) {
        struct state *state = state_of(account);
        state->strangers -= state->strangers > 0;
        roster_remove(account->roster, contact);
    }
    return CLAIMED;
}

/* ---- errors ------------------------------------------------------------ */

/* Our own presence bounces from every contact whose server is away; that is
 * their state, not news. What we did on purpose gets its answer. */
static enum verdict on_error(struct incoming *incoming)
{
    struct account *account = incoming->account;
    auto_struct(stanza_error) error = stanza_error_read(incoming->stanza);
    g_autofree char *sentence = stanza_error_sentence(error);
    struct contact *contact =
        roster_find(account->roster, incoming->from_bare);

    if (contact && contact->in_roster) {
        g_free(contact->last_status);
        contact->last_status = g_steal_pointer(&sentence);
        return CLAIMED;
    }
    if (!g_hash_table_contains(
            state_of(account)->directed, incoming->from) &&
        !g_hash_table_contains(
            state_of(account)->directed, incoming->from_bare))
        return DROPPED;
    account_emit(account,
        (struct event){ .type = EVENT_ERROR,
            .error_info = { .condition = error->condition,
                .text = sentence,
                .by = incoming->from,
                .stanza = "presence" } });
    return CLAIMED;
}

static enum verdict deliver(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    if (!incoming->type)
        return on_available(incoming);
    if (strcmp(incoming->type, "unavailable") == 0)
        return on_unavailable(incoming);
    return strcmp(incoming->type, "error") == 0 ? on_error(incoming)
                                                : DROPPED;
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "presence", NULL, NULL, annotate },
    { PHASE_DELIVER, "presence", NULL, NULL, deliver },
    { .run = NULL },
};

/* ---- /status ----------------------------------------------------------- */

static enum cmd_status run_status_get(struct job *job)
{
    const struct presence *own = &job_account(job)->own;

    JOB_ROW(job, "status", FIELD_T("show", show_name(own->show)),
        FIELD_T("status", own->status), FIELD_I("priority", own->priority));
    return job_done(job);
}

static void direct(struct account *account, const char *to, enum show show,
    const char *status)
{
    struct state *state = state_of(account);

    if (show == SHOW_OFFLINE)
        g_hash_table_remove(state->directed, to);
    else
        g_hash_table_add(state->directed, g_strdup(to));
    outbox_send_presence(
        account, build(to, show, status, account->own.priority));
}

/* Words, not the rest of the line: -p and -t may stand behind them. */
static char *joined(struct job *job, const char *name)
{
    const char *const *words = job_list(job, name);

    return *words ? g_strjoinv(" ", (char **)words) : NULL;
}

static enum cmd_status run_status_set(struct job *job)
{
    struct account *account = job_account(job);
    const char *word = job_arg(job, "state"), *to = job_arg(job, "to");
    g_autofree char *message = joined(job, "message");
    const gint64 priority =
        job_int(job, "priority", account->own.priority);
    enum show show;

    if (!word && !message)
        return run_status_get(job);
    if (!word || !show_parse(word, &show))
        return job_fail(job, "bad-request",
            "“%s” is no status; it is one of available, chat, away, xa, dnd "
            "and offline.",
            word ? word : message);
    if (priority < -128 || priority > 127)
        return job_fail(job, "bad-request",
            "A priority is a number from -128 to 127.");
    if (to && !session_is_online(account))
        return job_fail(job, "recipient-unavailable",
            "%s is not connected; /connect first.", account->jid);
    account->own.priority = (int)priority;
    if (to)
        direct(account, to, show, message);
    else
        rfc6121_presence_set(account, show, message);
    return job_done(job);
}

static enum cmd_status run_priority(struct job *job)
{
    struct account *account = job_account(job);
    const gint64 priority = job_int(job, "priority", 0);

    if (priority < -128 || priority > 127)
        return job_fail(job, "bad-request",
            "A priority is a number from -128 to 127.");
    account->own.priority = (int)priority;
    announce(account);
    return job_done(job);
}

/* ---- /who, /info ------------------------------------------------------- */

struct who {
    GPtrArray *contacts;
    const char *group;
    bool any, filtered, found_group;
    enum show show;
};

static void add_who(struct contact *contact, gpointer data)
{
    struct who *who = data;
    const enum show show = contact_show(contact);

    if (!contact->in_roster ||
        (who->group && !g_strv_contains(
                           (const char *const *)contact->groups, who->group)))
        return;
    who->found_group = true;
    if ((!who->any && !who->filtered && !show) ||
        (who->filtered && show != who->show))
        return;
    g_ptr_array_add(who->contacts, contact);
}

static gint by_label(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(contact_label(*(struct contact *const *)a),
        contact_label(*(struct contact *const *)b));
}

static bool is_of_rooms(const char *word)
{
    static const char *const words[] = { "moderator", "participant",
        "visitor", "owner", "admin", "member", "outcast", NULL };
    return g_strv_contains(words, word);
}

static enum cmd_status run_who(struct job *job)
{
    const char *state = job_arg(job, "state");
    g_autoptr(GPtrArray) contacts = g_ptr_array_new();
    struct who who = {
        .contacts = contacts,
        .group = job_arg(job, "group"),
        .any = g_strcmp0(state, "any") == 0,
    };

    who.filtered = state && !who.any && show_parse(state, &who.show);
    if (state && !who.any && !who.filtered && who.group)
        return job_fail(job, "bad-request", "\"%s\" is no state; they are "
            "available, chat, away, xa, dnd, offline and any", state);
    if (state && !who.any && !who.filtered)
        who.group = state; /* /who GROUP */
    roster_foreach(job_account(job)->roster, add_who, &who);
    if (who.group && !who.found_group && is_of_rooms(who.group))
        return job_fail(job, "item-not-found",
            "Contacts have no roles and affiliations, occupants of rooms have. "
            "And there is no group \"%s\"", who.group);
    g_ptr_array_sort(contacts, by_label);
    for (guint i = 0; i < contacts->len; i++) {
        const struct contact *contact = g_ptr_array_index(contacts, i);
        const struct presence *best = contact_best(contact);
        JOB_ROW(job, "contact", FIELD_T("jid", contact->jid),
            FIELD_T("show", show_name(contact_show(contact))),
            FIELD_T("name", contact->name),
            FIELD_T("status", best ? best->status : contact->last_status),
            FIELD_I("resources",
                contact->resources ? contact->resources->len : 0));
    }
    return job_done(job);
}

static void resource_rows(struct job *job, const struct contact *contact)
{
    for (guint i = 0; contact->resources && i < contact->resources->len;
         i++) {
        const struct presence *p = g_ptr_array_index(contact->resources, i);
        JOB_ROW(job, "resource", FIELD_T("jid", p->from),
            FIELD_T("show", show_name(p->show)),
            FIELD_I("priority", p->priority), FIELD_T("status", p->status),
            FIELD_T("client", p->caps_node), FIELD_D("since", p->time_us),
            FIELD_B("this",
                g_strcmp0(p->from, job_account(job)->full_jid) == 0));
    }
}

static void own_info(struct job *job)
{
    const struct account *account = job_account(job);
    struct stream *stream = session_stream(account);

    JOB_ROW(job, "account", FIELD_T("jid", account->jid),
        FIELD_T("state", connection_state_name(account->state)),
        FIELD_T("full_jid", account->full_jid),
        FIELD_T("tls", account->tls_version),
        FIELD_T("mechanism", stream ? stream_mechanism(stream) : NULL),
        FIELD_T("show", show_name(account->own.show)),
        FIELD_T("status", account->own.status),
        FIELD_I("priority", account->own.priority));
}

/* H54: say it where somebody looks closely. */
static void warn_lookalike(struct job *job, const char *jid)
{
    g_autofree char *warning =
        roster_lookalike(job_account(job)->roster, jid);

    if (warning)
        job_note(job, "%s", warning);
}

static enum cmd_status run_info(struct job *job)
{
    struct account *account = job_account(job);
    const char *jid = job_arg(job, "jid");
    const struct contact *contact;
    g_autofree char *bare = NULL;

    if (!jid && job_chat(job))
        jid = job_chat(job)->jid;
    bare = jid ? jid_bare(jid) : NULL;
    if (!bare || strcmp(bare, account->jid) == 0) {
        own_info(job);
        contact = roster_find(account->roster, account->jid);
        if (contact)
            resource_rows(job, contact);
        return job_done(job);
    }
    contact = roster_find(account->roster, bare);
    JOB_ROW(job, "contact", FIELD_T("jid", bare),
        FIELD_T("name", contact ? contact->name : NULL),
        FIELD_T("subscription",
            subscription_name(contact ? contact->subscription : SUB_NONE)),
        FIELD_T("ask", contact && contact->ask ? "subscribe" : NULL),
        FIELD_B("in_roster", contact && contact->in_roster),
        FIELD_B("asks", contact && contact->pending_in),
        FIELD_L("groups",
            contact ? (const char *const *)contact->groups : NULL),
        FIELD_T("last_status", contact ? contact->last_status : NULL));
    if (contact)
        resource_rows(job, contact);
    if (!contact || !contact->in_roster)
        warn_lookalike(job, bare);
    return job_done(job);
}

void rfc6121_presence_resource_rows(struct job *job, const char *bare)
{
    const struct contact *contact =
        roster_find(job_account(job)->roster, bare);

    if (contact)
        resource_rows(job, contact);
}

/* ---- /autoaway --------------------------------------------------------- */

static enum cmd_status set_option(
    struct job *job, const char *name, const char *value)
{
    g_autoptr(GError) error = NULL;

    if (!options_set(job_account(job)->options, NULL, name, value, false,
            &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_autoaway_time(struct job *job)
{
    return set_option(job, "presence.autoaway", job_arg(job, "time"));
}

static enum cmd_status run_autoaway_message(struct job *job)
{
    return set_option(
        job, "presence.autoaway_message", job_arg(job, "text"));
}

static enum cmd_status run_autoaway_mode(struct job *job)
{
    return set_option(job, "presence.autoaway_mode", job_arg(job, "mode"));
}

static enum cmd_status run_autoaway_off(struct job *job)
{
    return set_option(job, "presence.autoaway", "0");
}

static enum cmd_status run_autoaway(struct job *job)
{
    const struct account *account = job_account(job);

    JOB_ROW(job, "autoaway",
        FIELD_I("time", account_option_int(account, "presence.autoaway")),
        FIELD_T("message",
            account_option(account, "presence.autoaway_message")),
        FIELD_T("mode", account_option(account, "presence.autoaway_mode")));
    return job_done(job);
}

/* ---- tables ------------------------------------------------------------ */

static const char *const status_examples[] = {
    "/status away back at five", "goes away and says why",
    "/status dnd -p -1", "takes no messages to the bare address",
    "/status available -t nurse@example.com", "shows it to one address",
    NULL
};

#define STATE_ARGS                                                             \
    { .name = "message",                                                       \
        .kind = &arg_text,                                                     \
        .flags = ARG_OPTIONAL | ARG_REPEAT },                                  \
        { .name = "priority",                                                  \
            .kind = &arg_int,                                                  \
            .flags = ARG_OPTIONAL,                                             \
            .option = "-p",                                                    \
            .summary =                                                         \
                "-128 to 127; below 0 no messages come to the bare address" }, \
    {                                                                          \
        "to", &arg_jid, ARG_OPTIONAL, "-t", NULL, "only this address is told"  \
    }

static const struct command status_commands[] = {
    { .name = "set",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "state", .kind = &arg_state }, STATE_ARGS },
        .summary = "Set the status",
        .run = run_status_set },
    { .name = "get",
        .needs = NEEDS_ACCOUNT,
        .summary = "Show the status",
        .fields = "status: show status? priority",
        .run = run_status_get },
    { .name = "priority",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "priority", .kind = &arg_int } },
        .summary = "Set the priority of this resource",
        .run = run_priority },
    { .name = NULL },
};

static const struct command autoaway_commands[] = {
    { .name = "time",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "time", .kind = &arg_seconds } },
        .summary = "Go away after so long without a key press",
        .run = run_autoaway_time },
    { .name = "message",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "text",
            .kind = &arg_text,
            .flags = ARG_OPTIONAL | ARG_REST } },
        .summary = "What to say then",
        .run = run_autoaway_message },
    { .name = "mode",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "mode",
            .kind = &arg_choice,
            .choices = "away xa" } },
        .summary = "Which state to take then",
        .run = run_autoaway_mode },
    { .name = "off",
        .needs = NEEDS_ACCOUNT,
        .summary = "Do not go away by itself",
        .run = run_autoaway_off },
    { .name = NULL },
};

static const struct command commands[] = {
    { .name = "status",
        .aliases = "presence online=online away=away xa=xa dnd=dnd "
                   "chat=chat priority=priority",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "state",
                      .kind = &arg_state,
                      .flags = ARG_OPTIONAL },
            STATE_ARGS },
        .words = "away busy presence available online invisible dnd absent mood",
        .summary = "Set or show your presence",
        .examples = status_examples,
        .fields = "status: show status? priority",
        .run = run_status_set,
        .sub = status_commands },
    { .name = "who",
        .needs = NEEDS_ROSTER,
        .args = { { .name = "state",
                      .kind = &arg_word,
                      .flags = ARG_OPTIONAL,
                      .summary = "available chat away xa dnd offline any" },
            { .name = "group", .kind = &arg_group, .flags = ARG_OPTIONAL } },
        .words = "online people list contacts here",
        .summary = "List who is there",
        .finds = true,
        .fields = "contact: jid show name? status? resources",
        .run = run_who },
    { .name = "info",
        .aliases = "whois",
        .needs = NEEDS_ROSTER,
        .args = { { .name = "jid",
            .kind = &arg_contact,
            .flags = ARG_OPTIONAL } },
        .words = "whois details profile contact who resource",
        .summary = "Show what is known of somebody, or of this account",
        .fields = "account: jid state full_jid? tls? mechanism? show status? "
                  "priority; contact: jid name? subscription ask? in_roster "
                  "asks groups[] last_status?; resource: jid show priority "
                  "status? client? since this",
        .run = run_info },
    { .name = "autoaway",
        .needs = NEEDS_ACCOUNT,
        .words = "idle absent inactive automatic pause",
        .summary = "Go away by itself",
        .fields = "autoaway: time message? mode",
        .run = run_autoaway,
        .sub = autoaway_commands },
    { .name = NULL },
};

static const struct option options[] = {
    { "account.status", OPTION_ENUM, "available",
        .choices = "available chat away xa dnd offline",
        .summary = "presence after connecting; offline sends none" },
    { "account.priority", OPTION_INT, "0", .min = -128, .max = 127,
        .summary = "priority of this resource" },
    { "presence.autoaway", OPTION_SECONDS, "0", .min = 0, .max = 86400,
        .summary = "go away after so long without a key press; 0: never" },
    { "presence.autoaway_mode", OPTION_ENUM, "away", .choices = "away xa",
        .summary = "which state that is" },
    { "presence.autoaway_message", OPTION_STRING, NULL,
        .summary = "what to say then" },
    { .name = NULL },
};

/* ---- the feature ------------------------------------------------------- */

static void attach(struct account *account)
{
    struct state *state = state_of(account);

    state->directed =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (account->options) {
        show_parse(
            account_option(account, "account.status"), &account->own.show);
        account->own.priority =
            (int)account_option_int(account, "account.priority");
    }
}

static void count_stranger(struct contact *contact, gpointer data)
{
    *(guint *)data += !contact->in_roster;
}

static void on_online(struct account *account)
{
    struct state *state = state_of(account);

    state->strangers = 0;
    roster_foreach(account->roster, count_stranger, &state->strangers);
}

static void on_offline(struct account *account)
{
    g_hash_table_remove_all(state_of(account)->directed);
}

static void detach(struct account *account)
{
    struct state *state = state_of(account);

    g_hash_table_unref(state->directed);
    g_free(state->status_before);
}

const struct feature rfc6121_presence = {
    .spec = "RFC 6121",
    .name = "XMPP Instant Messaging: presence",
    .since = "0.1.0",
    .incoming = incoming_hooks,
    .commands = commands,
    .options = options,
    .state_size = sizeof(struct state),
    .attach = attach,
    .detach = detach,
    .online = on_online,
    .offline = on_offline,
};
