/*
 * Subscriptions (RFC 6121 s. 3, appendix A). Their state moves only when the
 * server pushes it; what is kept here beside the roster is the request of
 * somebody else that waits for an answer (contact->pending_in). Nothing is
 * answered without the person.
 */
#include <string.h>
#include "base/intl.h"
#include "cmd/job.h"
#include "model/jid.h"
#include "xmpp/feature.h"
#include "xmpp/outbox.h"
#include "xmpp/rfc6120_session.h"
#include "xmpp/rfc6121_presence.h"

#define NS_PREAPPROVAL "urn:xmpp:features:pre-approval"
#define REQUESTS 1000 /* waiting at a time */
#define QUESTIONS 3   /* dialogs in a row, then a notice */
#define PUSH_WAIT_S 5 /* servers need not push what changed nothing */

extern const struct feature rfc6121_subscription;

struct state {
    GPtrArray *changes; /* struct change */
    GQueue requests;    /* JIDs whose question waits for its turn */
    guint pending;      /* requests not answered */
    guint asked;        /* dialogs since nothing was pending */
    bool asking, overflow_told;
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
    return feature_state(account, &rfc6121_subscription);
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
    /* Or taking back and asking again would fill the queue. */
    GList *waiting = g_queue_find_custom(
        &state->requests, contact->jid, (GCompareFunc)strcmp);
    if (waiting) {
        g_free(waiting->data);
        g_queue_delete_link(&state->requests, waiting);
    }
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

static void take_answer(struct account *account, struct contact *contact,
    enum answer answer)
{
    if (answer == ANSWER_NONE)
        return;
    if (!session_is_online(account)) {
        observers_notice(account->observers, account,
            "There is no connection, so %s got no answer: /sub allow or "
            "/sub deny gives it later.", contact->jid);
        return;
    }
    if (answer == ANSWER_ACCEPT_ADD)
        accept_and_add(account, contact->jid);
    else
        send_type(account, contact->jid,
            answer == ANSWER_ACCEPT || answer == ANSWER_YES ? "subscribed"
                                                            : "unsubscribed",
            NULL);
    clear_pending(account, contact);
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
    if (state && contact && contact->pending_in)
        take_answer(account, contact, answer);
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

    /* Also when a question goes because its account does. */
    if (!session_is_online(account))
        return;
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

static char *status_of(const struct incoming *incoming)
{
    return rfc6121_presence_status(
        stanza_child(incoming->stanza, "status", NS_CLIENT));
}

/* Appendix A.3.1: what is asked already, or allowed already, is no news. */
static enum verdict on_subscribe(struct incoming *incoming)
{
    struct account *account = incoming->account;
    struct state *state = state_of(account);
    const char *from = incoming->from_bare;
    struct contact *contact = roster_find(account->roster, from);
    g_autofree char *status = status_of(incoming);

    if (sees_us(contact) || strcmp(from, account->jid) == 0)
        return CLAIMED;
    if (contact && contact->pending_in)
        return CLAIMED;
    if (state->pending >= REQUESTS)
        return DROPPED;
    contact = contact ? contact : roster_ensure(account->roster, from);
    contact->pending_in = g_steal_pointer(&status);
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
    g_autofree char *status = status_of(incoming);

    if (strcmp(incoming->type, "unsubscribe") == 0)
        clear_pending(account, contact);
    else if (!contact || !contact->in_roster) /* nobody asked them */
        return DROPPED;
    if (contact)
        emit_subscription(account, contact, incoming->from_bare,
            incoming->type, *status ? status : NULL);
    return CLAIMED;
}

/* ---- our own requests -------------------------------------------------- */

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

/* An error to a request fails the command that sent it. */
static enum verdict on_error(struct incoming *incoming)
{
    struct change *change =
        find_change(incoming->account, incoming->from_bare);
    auto_struct(stanza_error) error = NULL;
    g_autofree char *sentence = NULL;
    struct job *job;

    if (!change)
        return GO_ON;
    error = stanza_error_read(incoming->stanza);
    sentence = stanza_error_sentence(error);
    job = change->job;
    change_free(change);
    job_fail(job, error->condition, "%s", sentence);
    return CLAIMED;
}

static enum verdict claim(struct incoming *incoming, xmpp_stanza_t *child)
{
    static const struct {
        const char *type;
        enum verdict (*run)(struct incoming *incoming);
    } types[] = {
        { "subscribe", on_subscribe },
        { "subscribed", on_subscription },
        { "unsubscribe", on_subscription },
        { "unsubscribed", on_subscription },
        { "error", on_error },
    };

    (void)child;
    for (guint i = 0; incoming->type && i < G_N_ELEMENTS(types); i++)
        if (strcmp(types[i].type, incoming->type) == 0)
            return types[i].run(incoming);
    return GO_ON;
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_CLAIM, "presence", NULL, NULL, claim },
    { .run = NULL },
};

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
                 : _("Whom? Give an address."));
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

/* ---- tables ------------------------------------------------------------ */

static const struct command sub_commands[] = {
    { .name = "request",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid",
                      .kind = &arg_contact,
                      .flags = ARG_OPTIONAL },
            { .name = "message",
                .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .summary = "Ask to see somebody's presence",
        .run = run_request },
    { .name = "allow",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid",
            .kind = &arg_contact,
            .flags = ARG_OPTIONAL } },
        .words = "accept approve authorize grant",
        .summary = "Let somebody see your presence",
        .detail = "Where the server can, also before they ask.",
        .run = run_allow },
    { .name = "deny",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid",
            .kind = &arg_contact,
            .flags = ARG_OPTIONAL } },
        .words = "refuse reject decline revoke",
        .summary = "Refuse a request, or stop showing your presence",
        .run = run_deny },
    { .name = "cancel",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "jid",
            .kind = &arg_contact,
            .flags = ARG_OPTIONAL } },
        .summary = "Take back your request, or stop seeing their presence",
        .run = run_cancel },
    { .name = "show",
        .needs = NEEDS_ROSTER,
        .args = { { .name = "jid",
            .kind = &arg_contact,
            .flags = ARG_OPTIONAL } },
        .summary = "List the requests that wait for an answer",
        .fields = "subscription: jid subscription asks asked status?",
        .run = run_show },
    { .name = NULL },
};

static const struct command commands[] = {
    { .name = "sub",
        .aliases = "accept=allow deny=deny",
        .needs = NEEDS_ROSTER,
        .words = "subscription permission see presence request authorize accept approve",
        .summary = "Who may see whose presence",
        .detail = "Without a subcommand waiting requests are listed.",
        .fields = "subscription: jid subscription asks asked status?",
        .run = run_show,
        .sub = sub_commands },
    { .name = NULL },
};

/* ---- the feature ------------------------------------------------------- */

static void attach(struct account *account)
{
    state_of(account)->changes = g_ptr_array_new();
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

static void count_pending(struct contact *contact, gpointer data)
{
    *(guint *)data += contact->pending_in != NULL;
}

static void on_online(struct account *account)
{
    struct state *state = state_of(account);

    state->pending = 0;
    roster_foreach(account->roster, count_pending, &state->pending);
}

static void on_offline(struct account *account)
{
    fail_changes(account, _("The connection was lost."));
}

static void detach(struct account *account)
{
    struct state *state = state_of(account);

    observers_remove(account->observers, on_event, account);
    fail_changes(account, _("The account was removed."));
    g_ptr_array_unref(state->changes);
    g_queue_clear_full(&state->requests, g_free);
}

const struct feature rfc6121_subscription = {
    .spec = "RFC 6121",
    .name = "XMPP Instant Messaging: subscriptions",
    .since = "0.1.0",
    .incoming = incoming_hooks,
    .commands = commands,
    .state_size = sizeof(struct state),
    .attach = attach,
    .detach = detach,
    .online = on_online,
    .offline = on_offline,
};
