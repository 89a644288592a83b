/*
 * Presence and subscriptions (RFC 6121 s. 3, 4, appendix A). The state of a
 * subscription moves only when the server pushes it; what is kept here beside
 * the roster is the request of somebody else that waits for an answer
 * (contact->pending_in). Nothing is answered without the person.
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

#define NS_PREAPPROVAL "urn:xmpp:features:pre-approval"
#define NS_CAPS "http://jabber.org/protocol/caps"
#define NS_NICK "http://jabber.org/protocol/nick"
#define STATUS_BYTES 4096    /* of a status that are kept */
#define RESOURCES 64         /* of one address */
#define STRANGERS 1000       /* not in the roster, kept at a time */
#define QUESTIONS 3          /* dialogs in a row, then a notice */
#define PUSH_WAIT_S 5

extern const struct feature rfc6121_presence;

struct state {
    GHashTable *directed; /* JIDs that got directed presence */
    GPtrArray *changes;   /* struct change */
    GQueue requests;      /* JIDs whose question waits for its turn */
    guint strangers;
    guint pending;        /* requests not answered */
    guint asked;          /* dialogs since the queue was last empty */
    bool asking, overflow_told;
    bool is_idle;
    enum show show_before; /* idleness */
    char *status_before;
};

/* A /sub that waits for the push that shows it in force. */
struct change {
    struct account *account;
    struct job *job;
    char *jid;
    guint timer;
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

void rfc6121_presence_initial(struct account *account)
{
    const struct presence *own = &account->own;

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
    rfc6121_presence_set(account, SHOW_AWAY,
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

static char *clip(char *text)
{
    if (strlen(text) > STATUS_BYTES)
        *g_utf8_find_prev_char(text, text + STATUS_BYTES) = '\0';
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
        stanza, "status", NS_CLIENT, &presence->statuses);
    if (status)
        presence->status = clip(stanza_text(status));
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
        presence->nick = stanza_child_text(stanza, "nick", NS_NICK);
        presence->caps_node = g_strdup(stanza_attr(caps, "node"));
        presence->caps_ver = g_strdup(stanza_attr(caps, "ver"));
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

    unlock(account, incoming->from_bare);
    if (!contact)
        return CLAIMED;
    if (jid_resource(incoming->from))
        contact_drop_presence(contact, incoming->from);
    else if (contact->resources) /* a bare JID leaves with all it has */
        g_ptr_array_set_size(contact->resources, 0);
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

/* ---- requests of others ------------------------------------------------ */

static bool sees_us(const struct contact *contact)
{
    return contact &&
        (contact->subscription == SUB_FROM ||
            contact->subscription == SUB_BOTH);
}

static void send_type(struct account *account, const char *to,
    const char *type, const char *text)
{
    g_autofree char *id = stanza_new_id();
    g_autofree char *bare = jid_bare(to); /* RFC 6121 s. 3.1.1 */
    xmpp_stanza_t *stanza = stanza_new(
        "presence", NULL, "to", bare, "type", type, "id", id, (char *)NULL);

    if (text)
        stanza_set_text(
            stanza_add(stanza, "status", NULL, (char *)NULL), text);
    outbox_send_presence(account, stanza);
}

static void clear_pending(struct account *account, struct contact *contact)
{
    struct state *state = state_of(account);

    if (!contact || !contact->pending_in)
        return;
    g_clear_pointer(&contact->pending_in, g_free);
    if (state->pending > 0)
        state->pending--;
}

struct question_data {
    struct account *account;
    char *jid;
};

static void ask_next(struct account *account);

/* The push tells; a refusal shows as a contact that did not appear. */
static void on_added(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    g_autofree char *sentence = error ? stanza_error_sentence(error) : NULL;

    (void)result;
    (void)more;
    (void)data;
    if (sentence)
        observers_notice(account->observers, account,
            "The contact was not added: %s", sentence);
}

static void accept_and_add(struct account *account, const char *jid)
{
    const struct contact *contact = roster_find(account->roster, jid);
    xmpp_stanza_t *query, *iq;

    if (!contact || !contact->in_roster) {
        iq = iq_new("set", NULL, "query", NS_ROSTER, &query);
        stanza_add(query, "item", NULL, "jid", jid, (char *)NULL);
        iq_send(account, iq, 0, on_added, NULL, NULL);
    }
    send_type(account, jid, "subscribed", NULL);
    if (!contact ||
        (contact->subscription != SUB_TO && contact->subscription != SUB_BOTH))
        send_type(account, jid, "subscribe", NULL);
}

/* Blocking is the front end's part: it runs /block behind this. */
static void on_answer(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    struct question_data *question = data;
    struct account *account = question->account;
    struct state *state = state_of(account);
    struct contact *contact = roster_find(account->roster, question->jid);

    (void)text;
    (void)password;
    if (state && contact && contact->pending_in &&
        session_is_online(account)) {
        if (answer == ANSWER_ACCEPT_ADD)
            accept_and_add(account, question->jid);
        else if (answer == ANSWER_ACCEPT || answer == ANSWER_YES)
            send_type(account, question->jid, "subscribed", NULL);
        else if (answer == ANSWER_REFUSE || answer == ANSWER_BLOCK ||
            answer == ANSWER_NO)
            send_type(account, question->jid, "unsubscribed", NULL);
        if (answer != ANSWER_NONE)
            clear_pending(account, contact);
    }
    g_free(question->jid);
    g_free(question);
    if (state) {
        state->asking = false;
        ask_next(account);
    }
}

static bool ask(struct account *account, const struct contact *contact)
{
    struct front *front = session_front(account);
    struct question_data *data;

    if (!front)
        return false;
    data = g_new0(struct question_data, 1);
    data->account = account;
    data->jid = g_strdup(contact->jid);
    if (front->ops->ask(front,
            &(struct question){ .kind = QUESTION_SUBSCRIPTION,
                .account = account,
                .title = "Subscription",
                .text = contact->pending_in,
                .jid = contact->jid,
                .answer = on_answer,
                .data = data }))
        return true;
    g_free(data->jid);
    g_free(data);
    return false;
}

/* One dialog at a time and a few in a row; a crowd gets one line (H44). */
static void ask_next(struct account *account)
{
    struct state *state = state_of(account);

    while (!state->asking && !g_queue_is_empty(&state->requests)) {
        g_autofree char *jid = g_queue_pop_head(&state->requests);
        const struct contact *contact = roster_find(account->roster, jid);
        if (!contact || !contact->pending_in)
            continue;
        if (state->asked >= QUESTIONS) {
            if (!state->overflow_told)
                observers_notice(account->observers, account,
                    "More people ask to see your presence: /sub show lists "
                    "them.");
            state->overflow_told = true;
            continue;
        }
        state->asked++;
        state->asking = ask(account, contact);
    }
    if (!state->asking && state->pending == 0) {
        state->asked = 0;
        state->overflow_told = false;
    }
}

static void emit_subscription(struct account *account,
    struct contact *contact, const char *from, const char *type,
    const char *status)
{
    account_emit(account,
        (struct event){ .type = EVENT_SUBSCRIPTION,
            .contact = contact->in_roster ? contact : NULL,
            .subscription = { from, type, status } });
}

/* Appendix A.3.1: what is asked already, or allowed already, is no news. */
static enum verdict on_subscribe(struct incoming *incoming)
{
    struct account *account = incoming->account;
    struct state *state = state_of(account);
    const char *from = incoming->from_bare;
    struct contact *contact = roster_find(account->roster, from);
    g_autofree char *status =
        stanza_child_text(incoming->stanza, "status", NS_CLIENT);

    if (sees_us(contact) || strcmp(from, account->jid) == 0)
        return CLAIMED;
    if (contact && contact->pending_in)
        return CLAIMED;
    if (state->pending >= STRANGERS)
        return DROPPED;
    contact = contact ? contact : contact_for(account, from);
    if (!contact)
        return DROPPED;
    contact->pending_in = status ? clip(g_steal_pointer(&status))
                                 : g_strdup("");
    state->pending++;
    emit_subscription(account, contact, contact->jid, "subscribe",
        *contact->pending_in ? contact->pending_in : NULL);
    if (!account->session || !contact->pending_in)
        return CLAIMED;
    g_queue_push_tail(&state->requests, g_strdup(from));
    ask_next(account);
    return CLAIMED;
}

static enum verdict on_subscription(struct incoming *incoming)
{
    struct account *account = incoming->account;
    struct contact *contact =
        roster_find(account->roster, incoming->from_bare);
    g_autofree char *status =
        stanza_child_text(incoming->stanza, "status", NS_CLIENT);

    if (strcmp(incoming->type, "unsubscribe") == 0)
        clear_pending(account, contact);
    else if (!contact) /* an answer to what was not asked */
        return DROPPED;
    if (contact)
        emit_subscription(account, contact, incoming->from_bare,
            incoming->type, status && *status ? clip(status) : NULL);
    return CLAIMED;
}

/* ---- errors ------------------------------------------------------------ */

static void change_free(struct change *change)
{
    struct state *state = state_of(change->account);

    if (state)
        g_ptr_array_remove_fast(state->changes, change);
    g_clear_handle_id(&change->timer, g_source_remove);
    g_free(change->jid);
    g_free(change);
}

static struct change *find_change(
    const struct account *account, const char *bare)
{
    const GPtrArray *changes = state_of(account)->changes;

    for (guint i = 0; i < changes->len; i++) {
        struct change *change = g_ptr_array_index(changes, i);
        if (jid_equal_prepared(change->jid, bare))
            return change;
    }
    return NULL;
}

/* Our own presence bounces from every contact whose server is away; that is
 * their state, not news. What we did on purpose gets its answer. */
static enum verdict on_error(struct incoming *incoming)
{
    struct account *account = incoming->account;
    auto_struct(stanza_error) error = stanza_error_read(incoming->stanza);
    g_autofree char *sentence = stanza_error_sentence(error);
    struct contact *contact =
        roster_find(account->roster, incoming->from_bare);
    struct change *change = find_change(account, incoming->from_bare);

    if (change) {
        struct job *job = change->job;
        change_free(change);
        job_fail(job, error->condition, "%s", sentence);
        return CLAIMED;
    }
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
    static const struct {
        const char *type;
        enum verdict (*run)(struct incoming *incoming);
    } types[] = {
        { "unavailable", on_unavailable },
        { "subscribe", on_subscribe },
        { "subscribed", on_subscription },
        { "unsubscribe", on_subscription },
        { "unsubscribed", on_subscription },
        { "error", on_error },
    };

    (void)child;
    if (!incoming->type)
        return on_available(incoming);
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(types[i].type, incoming->type) == 0)
            return types[i].run(incoming);
    return DROPPED;
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "presence", NULL, NULL, annotate },
    { PHASE_DELIVER, "presence", NULL, NULL, deliver },
    { .run = NULL },
};

/* ---- waiting for pushes ------------------------------------------------ */

static void on_event(const struct event *event, gpointer data)
{
    struct account *account = data;
    struct change *change;
    struct job *job;

    if (event->type != EVENT_ROSTER || event->account != account ||
        !account->session || !event->contact)
        return;
    change = find_change(account, event->contact->jid);
    if (!change)
        return;
    job = change->job;
    change_free(change);
    job_done(job);
}

static gboolean on_no_push(gpointer data)
{
    struct change *change = data;
    struct job *job = change->job;

    change->timer = 0;
    change_free(change);
    job_done(job);
    return G_SOURCE_REMOVE;
}

static void on_job_cancelled(struct job *job, gpointer data)
{
    (void)job;
    change_free(data);
}

static enum cmd_status wait_for_push(struct job *job, const char *jid)
{
    struct account *account = job_account(job);
    struct change *change = g_new0(struct change, 1);

    change->account = account;
    change->job = job;
    change->jid = jid_bare(jid);
    change->timer = g_timeout_add_seconds(PUSH_WAIT_S, on_no_push, change);
    g_ptr_array_add(state_of(account)->changes, change);
    job_on_cancel(job, on_job_cancelled, change);
    return CMD_WAIT;
}

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

/* ---- /sub -------------------------------------------------------------- */

static void only_pending(struct contact *contact, gpointer data)
{
    struct contact **found = data;

    if (!contact->pending_in)
        return;
    found[1] = found[0];
    found[0] = contact;
}

/* Whom a /sub is about: the argument, else the only request there is, else
 * the chat. NULL after the job failed. */
static char *about(struct job *job, bool of_request)
{
    const char *jid = job_arg(job, "jid");
    struct contact *found[2] = { NULL, NULL };

    if (jid)
        return jid_bare(jid);
    if (of_request)
        roster_foreach(job_account(job)->roster, only_pending, found);
    if (found[0] && !found[1])
        return g_strdup(found[0]->jid);
    if (job_chat(job) && !found[0])
        return jid_bare(job_chat(job)->jid);
    job_fail(job, "bad-request",
        found[0] ? "Several people ask; name one: /sub show lists them."
                 : "Whom? Give an address.");
    return NULL;
}

static enum cmd_status run_request(struct job *job)
{
    struct account *account = job_account(job);
    g_autofree char *jid = about(job, false);
    const struct contact *contact = roster_find(account->roster, jid);
    bool was_asked;

    if (!jid)
        return CMD_DONE;
    if (contact &&
        (contact->subscription == SUB_TO ||
            contact->subscription == SUB_BOTH)) {
        job_note(job, "You see the presence of %s already.", jid);
        return job_done(job);
    }
    was_asked = contact && contact->ask;
    send_type(account, jid, "subscribe", job_arg(job, "message"));
    return was_asked ? job_done(job) : wait_for_push(job, jid);
}

static enum cmd_status run_allow(struct job *job)
{
    struct account *account = job_account(job);
    g_autofree char *jid = about(job, true);
    struct contact *contact = roster_find(account->roster, jid);

    if (!jid)
        return CMD_DONE;
    if (sees_us(contact)) {
        job_note(job, "%s sees your presence already.", jid);
        return job_done(job);
    }
    if ((!contact || !contact->pending_in) &&
        !session_has_stream_feature(account, "sub", NS_PREAPPROVAL))
        return job_fail(job, "unexpected-request",
            "%s has not asked, and your server cannot allow it in advance.",
            jid);
    if (contact && contact->approved) {
        job_note(job, "%s is allowed in advance already.", jid);
        return job_done(job);
    }
    clear_pending(account, contact);
    send_type(account, jid, "subscribed", NULL);
    ask_next(account);
    return wait_for_push(job, jid);
}

static enum cmd_status run_deny(struct job *job)
{
    struct account *account = job_account(job);
    g_autofree char *jid = about(job, true);
    struct contact *contact = roster_find(account->roster, jid);
    const bool changes = sees_us(contact) || (contact && contact->approved);

    if (!jid)
        return CMD_DONE;
    if (!changes && !(contact && contact->pending_in))
        return job_fail(job, "item-not-found",
            "%s neither sees your presence nor asks to.", jid);
    clear_pending(account, contact);
    send_type(account, jid, "unsubscribed", NULL);
    ask_next(account);
    return changes ? wait_for_push(job, jid) : job_done(job);
}

static enum cmd_status run_cancel(struct job *job)
{
    struct account *account = job_account(job);
    g_autofree char *jid = about(job, false);
    const struct contact *contact = roster_find(account->roster, jid);

    if (!jid)
        return CMD_DONE;
    if (!contact ||
        (!contact->ask && contact->subscription != SUB_TO &&
            contact->subscription != SUB_BOTH))
        return job_fail(job, "item-not-found",
            "You neither see the presence of %s nor asked to.", jid);
    send_type(account, jid, "unsubscribe", NULL);
    return wait_for_push(job, jid);
}

static void show_pending(struct contact *contact, gpointer data)
{
    struct job *job = data;
    const char *jid = job_arg(job, "jid");

    if (jid && strcmp(jid, contact->jid) != 0)
        return;
    if (!jid && !contact->pending_in && !contact->ask)
        return;
    JOB_ROW(job, "subscription", FIELD_T("jid", contact->jid),
        FIELD_T("subscription", subscription_name(contact->subscription)),
        FIELD_B("asks", contact->pending_in != NULL),
        FIELD_B("asked", contact->ask),
        FIELD_T("status", contact->pending_in && *contact->pending_in
                ? contact->pending_in
                : NULL));
}

static enum cmd_status run_show(struct job *job)
{
    roster_foreach(job_account(job)->roster, show_pending, job);
    return job_done(job);
}

/* ---- /who, /info, /devices --------------------------------------------- */

struct who {
    GPtrArray *contacts;
    const char *group;
    bool any, filtered;
    enum show show;
};

static void add_who(struct contact *contact, gpointer data)
{
    const struct who *who = data;
    const enum show show = contact_show(contact);

    if (!contact->in_roster || (!who->any && !who->filtered && !show) ||
        (who->filtered && show != who->show))
        return;
    if (who->group &&
        !g_strv_contains((const char *const *)contact->groups, who->group))
        return;
    g_ptr_array_add(who->contacts, contact);
}

static gint by_label(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(contact_label(*(struct contact *const *)a),
        contact_label(*(struct contact *const *)b));
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
    if (state && !who.any && !who.filtered && !who.group)
        who.group = state; /* /who GROUP */
    roster_foreach(job_account(job)->roster, add_who, &who);
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

static void collect_jid(struct contact *contact, gpointer data)
{
    if (contact->in_roster)
        g_ptr_array_add(data, contact->jid);
}

/* H54: say it where somebody looks closely. */
static void warn_lookalike(struct job *job, const char *jid)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    g_autofree char *warning = NULL;

    roster_foreach(job_account(job)->roster, collect_jid, others);
    g_ptr_array_add(others, NULL);
    warning = jid_lookalike(jid, (const char *const *)others->pdata);
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

static enum cmd_status run_devices(struct job *job)
{
    const struct account *account = job_account(job);
    const struct contact *self = roster_find(account->roster, account->jid);

    if (self)
        resource_rows(job, self);
    return job_done(job);
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
            account_option(account, "presence.autoaway_message")));
    return job_done(job);
}

/* ---- tables ------------------------------------------------------------ */

static const char *const status_examples[] = {
    "/status away back at five", "goes away and says why",
    "/status dnd -p -1", "takes no messages to the bare address",
    "/status available -t nurse@example.com", "shows it to one address",
    NULL
};

#define STATE_ARGS                                                          \
    { "message", &arg_text, ARG_OPTIONAL | ARG_REPEAT },                    \
        { "priority", &arg_int, ARG_OPTIONAL, "-p", NULL,                   \
            "-128 to 127; below 0 no messages come to the bare address" },  \
    {                                                                       \
        "to", &arg_jid, ARG_OPTIONAL, "-t", NULL,                           \
            "only this address is told"                                     \
    }

static const struct command status_commands[] = {
    { .name = "set",
        .needs = NEEDS_ACCOUNT,
        .args = { { "state", &arg_state }, STATE_ARGS },
        .summary = "Set the status",
        .run = run_status_set },
    { .name = "get",
        .needs = NEEDS_ACCOUNT,
        .summary = "Show the status",
        .fields = "show status? priority",
        .run = run_status_get },
    { .name = "priority",
        .needs = NEEDS_ACCOUNT,
        .args = { { "priority", &arg_int } },
        .summary = "Set the priority of this resource",
        .run = run_priority },
    { .name = NULL },
};

static const struct command sub_commands[] = {
    { .name = "request",
        .needs = NEEDS_ONLINE,
        .args = { { "jid", &arg_contact, ARG_OPTIONAL },
            { "message", &arg_text, ARG_OPTIONAL | ARG_REST } },
        .summary = "Ask to see somebody's presence",
        .run = run_request },
    { .name = "allow",
        .needs = NEEDS_ONLINE,
        .args = { { "jid", &arg_contact, ARG_OPTIONAL } },
        .summary = "Let somebody see your presence",
        .detail = "Where the server can, also before they ask.",
        .run = run_allow },
    { .name = "deny",
        .needs = NEEDS_ONLINE,
        .args = { { "jid", &arg_contact, ARG_OPTIONAL } },
        .summary = "Refuse a request, or stop showing your presence",
        .run = run_deny },
    { .name = "cancel",
        .needs = NEEDS_ONLINE,
        .args = { { "jid", &arg_contact, ARG_OPTIONAL } },
        .summary = "Take back your request, or stop seeing their presence",
        .run = run_cancel },
    { .name = "show",
        .needs = NEEDS_ACCOUNT,
        .args = { { "jid", &arg_contact, ARG_OPTIONAL } },
        .summary = "List the requests that wait for an answer",
        .fields = "jid subscription asks asked status?",
        .run = run_show },
    { .name = NULL },
};

static const struct command autoaway_commands[] = {
    { .name = "time",
        .needs = NEEDS_ACCOUNT,
        .args = { { "time", &arg_seconds } },
        .summary = "Go away after so long without a key press",
        .run = run_autoaway_time },
    { .name = "message",
        .needs = NEEDS_ACCOUNT,
        .args = { { "text", &arg_text, ARG_OPTIONAL | ARG_REST } },
        .summary = "What to say then",
        .run = run_autoaway_message },
    { .name = "off",
        .needs = NEEDS_ACCOUNT,
        .summary = "Do not go away by itself",
        .run = run_autoaway_off },
    { .name = NULL },
};

static const struct command devices_commands[] = {
    { .name = "list",
        .needs = NEEDS_ACCOUNT,
        .summary = "List the connected clients of this account",
        .fields = "jid show priority status? client? since this",
        .run = run_devices },
    { .name = NULL },
};

static const struct command commands[] = {
    { .name = "status",
        .aliases = "presence online=online away=away xa=xa dnd=dnd "
                   "chat=chat priority=priority",
        .needs = NEEDS_ACCOUNT,
        .args = { { "state", &arg_state, ARG_OPTIONAL }, STATE_ARGS },
        .summary = "Set or show your presence",
        .examples = status_examples,
        .fields = "show status? priority",
        .run = run_status_set,
        .sub = status_commands },
    { .name = "sub",
        .aliases = "accept=allow deny=deny",
        .needs = NEEDS_ACCOUNT,
        .summary = "Who may see whose presence",
        .detail = "Without a subcommand waiting requests are listed.",
        .fields = "jid subscription asks asked status?",
        .run = run_show,
        .sub = sub_commands },
    { .name = "who",
        .needs = NEEDS_ACCOUNT,
        .args = { { "state", &arg_word, ARG_OPTIONAL, .summary =
                      "available chat away xa dnd offline any" },
            { "group", &arg_group, ARG_OPTIONAL } },
        .summary = "List who is there",
        .fields = "jid show name? status? resources",
        .run = run_who },
    { .name = "info",
        .aliases = "whois",
        .needs = NEEDS_ACCOUNT,
        .args = { { "jid", &arg_contact, ARG_OPTIONAL } },
        .summary = "Show what is known of somebody, or of this account",
        .fields = "jid name? subscription? ask? groups[]? show? status? "
                  "priority?",
        .run = run_info },
    { .name = "devices",
        .needs = NEEDS_ACCOUNT,
        .summary = "The connected clients of this account",
        .fields = "jid show priority status? client? since this",
        .run = run_devices,
        .sub = devices_commands },
    { .name = "autoaway",
        .needs = NEEDS_ACCOUNT,
        .summary = "Go away by itself",
        .fields = "time message?",
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
    state->changes = g_ptr_array_new();
    if (account->options) {
        show_parse(
            account_option(account, "account.status"), &account->own.show);
        account->own.priority =
            (int)account_option_int(account, "account.priority");
    }
    observers_add(account->observers, on_event, account);
}

static void fail_changes(struct account *account, const char *text)
{
    GPtrArray *changes = state_of(account)->changes;

    while (changes->len > 0) {
        struct change *change = g_ptr_array_index(changes, 0);
        struct job *job = change->job;
        change_free(change);
        job_fail(job, "recipient-unavailable", "%s", text);
    }
}

static void count_stranger(struct contact *contact, gpointer data)
{
    struct state *state = data;

    state->strangers += !contact->in_roster;
    state->pending += contact->pending_in != NULL;
}

static void on_online(struct account *account)
{
    struct state *state = state_of(account);

    state->strangers = state->pending = 0;
    roster_foreach(account->roster, count_stranger, state);
}

static void on_offline(struct account *account)
{
    g_hash_table_remove_all(state_of(account)->directed);
    fail_changes(account, "The connection was lost.");
}

static void detach(struct account *account)
{
    struct state *state = state_of(account);

    observers_remove(account->observers, on_event, account);
    fail_changes(account, "The account was removed.");
    g_hash_table_unref(state->directed);
    g_ptr_array_unref(state->changes);
    g_queue_clear_full(&state->requests, g_free);
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
