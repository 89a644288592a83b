/* /wait: nothing more is read of a script until something has happened. */
#include <string.h>

#include <gio/gio.h>

#include "app/app.h"
#include "app/await.h"
#include "app/backlog.h"
#include "model/jid.h"
#include "xmpp/outbox.h"

/* What is waited for: is it so now, and does this event make it so? */
struct wish {
    struct account *account;
    const char *jid;  /* NULL: anybody; of the job */
    const char *state;
    const char *id;
    char *own_id;     /* what id points to, where it is not the job's */
    GRegex *match;
    bool (*is_so)(const struct wish *wish);
    bool (*makes_so)(const struct wish *wish, const struct event *event);
};

static void wish_free(gpointer data)
{
    struct wish *wish = data;
    if (wish->match)
        g_regex_unref(wish->match);
    g_free(wish->own_id);
    g_free(wish);
}

static bool is_meant(const char *wanted, const char *from)
{
    if (!wanted)
        return true;
    return jid_is_bare(wanted) ? jid_bare_equal(wanted, from)
                               : g_strcmp0(wanted, from) == 0;
}

static bool on_event(struct job *job, const struct event *event, gpointer data)
{
    const struct wish *wish = data;
    if (event->type == EVENT_STATE && event->account == wish->account &&
        event->account->state == STATE_OFFLINE && !job_app(job)->quitting) {
        const GError *error = session_error(wish->account);
        job_fail(job, "recipient-unavailable", "%s",
            error ? error->message
                  : "The connection was closed: that can no longer happen");
        return true;
    }
    if (event->account != wish->account || !wish->makes_so(wish, event))
        return false;
    /* The message that ends this wait is not for the next one as well. */
    if (event->type == EVENT_MESSAGE)
        backlog_forget(job_app(job));
    job_done(job);
    return true;
}

/* In a script the runner keeps the deadline of all commands. */
static gint64 timeout_ms(struct job *job)
{
    const char *text = job_arg(job, "timeout");
    unsigned usual = job_line(job) ? 0 : job_app(job)->config.timeout_ms;
    return text ? (gint64)(g_ascii_strtod(text, NULL) * 1000) : usual;
}

static enum cmd_status wish_for(struct job *job, const struct wish *template)
{
    struct wish *wish = g_new(struct wish, 1);
    *wish = *template;
    wish->account = job_account(job);
    if (wish->is_so && wish->is_so(wish)) {
        wish_free(wish);
        return job_done(job);
    }
    if (wish->account->state == STATE_OFFLINE) {
        const GError *error = session_error(wish->account);
        job_fail(job, "recipient-unavailable", "%s", error ? error->message
                : "That cannot happen: there is no connection. /connect makes "
                  "one");
        wish_free(wish);
        return CMD_DONE;
    }
    return await_events(job, timeout_ms(job), on_event, wish, wish_free);
}

/* --- the conditions -------------------------------------------------------- */

static bool is_online(const struct wish *wish)
{
    return session_is_online(wish->account);
}

static bool gets_online(const struct wish *wish, const struct event *event)
{
    return event->type == EVENT_STATE && is_online(wish);
}

static enum cmd_status run_online(struct job *job)
{
    return wish_for(job,
        &(struct wish){ .is_so = is_online, .makes_so = gets_online });
}

static bool is_synced(const struct wish *wish)
{
    return session_is_online(wish->account) && wish->account->synced &&
        wish->account->caught_up;
}

static bool gets_synced(const struct wish *wish, const struct event *event)
{
    return (event->type == EVENT_SYNCED || event->type == EVENT_ARCHIVE) &&
        is_synced(wish);
}

static enum cmd_status run_synced(struct job *job)
{
    return wish_for(job,
        &(struct wish){ .is_so = is_synced, .makes_so = gets_synced });
}

static bool fits(const struct wish *wish, const char *from, const char *body)
{
    if (!is_meant(wish->jid, from))
        return false;
    return !wish->match || g_regex_match(wish->match, body, 0, NULL);
}

static bool is_message(const struct wish *wish, const struct event *event)
{
    if (event->type != EVENT_MESSAGE)
        return false;
    const struct message *m = event->message.message;
    return !m->outgoing && m->body && fits(wish, m->from, m->body);
}

/* Takes everything up to the first that fits out of what came meanwhile. */
static bool came_already(struct app *app, const struct wish *wish,
    const struct account *account)
{
    if (!app->backlog)
        return false;
    struct arrival *arrival;
    while ((arrival = g_queue_pop_head(&app->backlog->arrivals))) {
        bool found = arrival->account == account &&
            fits(wish, arrival->from, arrival->body);
        arrival_free(arrival);
        if (found)
            return true;
    }
    return false;
}

static enum cmd_status run_message(struct job *job)
{
    g_autoptr(GError) error = NULL;
    const char *pattern = job_arg(job, "match");
    struct wish wish = { .jid = job_arg(job, "from"),
        .makes_so = is_message };
    if (pattern) {
        wish.match = g_regex_new(pattern, G_REGEX_OPTIMIZE, 0, &error);
        if (!wish.match)
            return job_fail(job, "bad-request",
                "%s is no regular expression: %s", pattern, error->message);
    }
    if (came_already(job_app(job), &wish, job_account(job))) {
        g_clear_pointer(&wish.match, g_regex_unref);
        return job_done(job);
    }
    return wish_for(job, &wish);
}

static bool shows(enum show show, const char *state)
{
    enum show wanted;
    if (!state)
        return show != SHOW_OFFLINE;
    return show_parse(state, &wanted) && wanted == show;
}

static bool has_presence(const struct wish *wish)
{
    g_autofree char *bare = jid_bare(wish->jid);
    struct contact *contact = roster_find(wish->account->roster, bare);
    if (!session_is_online(wish->account) || !wish->account->synced)
        return false;
    if (jid_is_bare(wish->jid))
        return shows(
            contact ? contact_show(contact) : SHOW_OFFLINE, wish->state);
    const struct presence *presence =
        contact ? contact_resource(contact, wish->jid) : NULL;
    return shows(presence ? presence->show : SHOW_OFFLINE, wish->state);
}

static bool presence_comes(const struct wish *wish, const struct event *event)
{
    return event->type == EVENT_PRESENCE &&
        is_meant(wish->jid, event->presence.presence->from) &&
        (has_presence(wish) ||
            shows(event->presence.presence->show, wish->state));
}

static enum cmd_status run_presence(struct job *job)
{
    return wish_for(job,
        &(struct wish){ .jid = job_arg(job, "jid"),
            .state = job_arg(job, "state"), .is_so = has_presence,
            .makes_so = presence_comes });
}

static const struct message *sent_message(
    const struct wish *wish, const char *id)
{
    GHashTableIter iter;
    gpointer chat;
    g_hash_table_iter_init(&iter, wish->account->chats);
    while (g_hash_table_iter_next(&iter, NULL, &chat)) {
        const struct message *m = chat_find_id(chat, id, true);
        if (m)
            return m;
    }
    return NULL;
}

static bool has_receipt(const struct wish *wish)
{
    const struct message *m = sent_message(wish, wish->id);
    return m && (m->delivery == DELIVERY_DELIVERED ||
                    m->delivery == DELIVERY_DISPLAYED);
}

static bool receipt_comes(const struct wish *wish, const struct event *event)
{
    return event->type == EVENT_MESSAGE_CHANGED && has_receipt(wish);
}

static enum cmd_status run_receipt(struct job *job)
{
    const struct backlog *backlog = job_app(job)->backlog;
    struct wish wish = { .account = job_account(job), .id = job_arg(job, "id"),
        .is_so = has_receipt, .makes_so = receipt_comes };
    if (!wish.id && backlog && backlog->last_account == wish.account)
        wish.id = backlog->last_sent;
    if (!wish.id || !sent_message(&wish, wish.id))
        return job_fail(job, "item-not-found", "There is no message that a "
            "receipt could come for: send one with /msg first");
    /* The id of the backlog may be replaced while we wait. */
    wish.id = wish.own_id = g_strdup(wish.id);
    return wish_for(job, &wish);
}

static bool is_sent(const struct wish *wish)
{
    return outbox_unsent(wish->account) == 0;
}

static bool gets_sent(const struct wish *wish, const struct event *event)
{
    return event->type == EVENT_MESSAGE_CHANGED && is_sent(wish);
}

static enum cmd_status run_sent(struct job *job)
{
    return wish_for(
        job, &(struct wish){ .is_so = is_sent, .makes_so = gets_sent });
}

static void find_request(struct contact *contact, gpointer data)
{
    bool *found = data;
    *found = *found || contact->pending_in;
}

static bool has_request(const struct wish *wish)
{
    bool found = false;
    if (!wish->jid) {
        roster_foreach(wish->account->roster, find_request, &found);
        return found;
    }
    g_autofree char *bare = jid_bare(wish->jid);
    const struct contact *contact = roster_find(wish->account->roster, bare);
    return contact && contact->pending_in;
}

static bool request_comes(const struct wish *wish, const struct event *event)
{
    return event->type == EVENT_SUBSCRIPTION &&
        is_meant(wish->jid, event->subscription.from);
}

static enum cmd_status run_subscription(struct job *job)
{
    return wish_for(job,
        &(struct wish){ .jid = job_arg(job, "jid"), .is_so = has_request,
            .makes_so = request_comes });
}

#define TIMEOUT \
    { .name = "timeout", .kind = &arg_seconds, .option = "--timeout" }

static const struct command wait_subs[] = {
    { .name = "online", .needs = NEEDS_ACCOUNT, .args = { TIMEOUT },
        .run = run_online, .summary = "Until the account is connected" },
    { .name = "synced", .needs = NEEDS_ACCOUNT, .args = { TIMEOUT },
        .run = run_synced,
        .summary = "Until the roster has arrived, our presence is out and what "
                   "came while we were away is here" },
    { .name = "message", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "from", .kind = &arg_contact,
                      .option = "from --from" },
            { .name = "match", .kind = &arg_text, .option = "match --match",
                .summary = "regular expression that the text must match" },
            TIMEOUT },
        .run = run_message, .summary = "Until a message comes",
        .detail = "One that came while the command before ran counts." },
    { .name = "presence", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "state", .kind = &arg_state, .flags = ARG_OPTIONAL },
            TIMEOUT },
        .run = run_presence,
        .summary = "Until a contact is in that state, or not offline" },
    { .name = "receipt", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "id", .kind = &arg_word, .flags = ARG_OPTIONAL,
                      .summary = "of a message; the last one without it" },
            TIMEOUT },
        .run = run_receipt,
        .summary = "Until the recipient's client has a message of ours" },
    { .name = "sent", .needs = NEEDS_ACCOUNT, .args = { TIMEOUT },
        .run = run_sent,
        .summary = "Until the server has every message of ours" },
    { .name = "subscription", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "jid", .kind = &arg_contact,
                      .flags = ARG_OPTIONAL },
            TIMEOUT },
        .run = run_subscription,
        .summary = "Until somebody asks to see our presence" },
    { .name = NULL },
};

static const char *const wait_examples[] = {
    "/wait message from romeo@example.net match '^yes' --timeout 60",
    "Waits a minute for Romeo's consent",
    "/wait presence romeo@example.net away", "Waits until he is away", NULL,
};

const struct command app_wait_commands[] = {
    { .name = "wait", .sub = wait_subs,
        .words = "script until event block",
        .summary = "Wait until something happens",
        .detail = "Fails after --timeout seconds (0 waits for ever; without "
                  "it the program's own --timeout counts), and at once when "
                  "the connection is gone and nothing can bring it about.",
        .examples = wait_examples },
    { .name = NULL },
};
