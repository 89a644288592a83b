/*
 * Messages coming in (RFC 6121 s. 5) and the commands that send them. The
 * text is read in ANNOTATE, first of all features, so that later hooks find
 * it; DELIVER puts the message into its chat. A message without text that
 * nobody claimed is forgotten.
 */
#include <string.h>
#include "base/stamp.h"
#include "cmd/job.h"
#include "model/jid.h"
#include "model/message.h"
#include "store/history.h"
#include "xmpp/feature.h"
#include "xmpp/inbox.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"
#include "xmpp/rfc6120_session.h"

extern const struct feature rfc6121_message;

/* RFC 6121 s. 5.2.2: what is not known is normal (C56). */
static enum message_type type_parse(const char *type)
{
    static const char *const names[] = { "normal", "chat", "groupchat",
        "headline", "error" };

    for (guint i = 0; type && i < G_N_ELEMENTS(names); i++)
        if (strcmp(type, names[i]) == 0)
            return (enum message_type)i;
    return MESSAGE_NORMAL;
}

/* The other side: whom we sent it to, or who sent it to us. */
static const char *peer(const struct incoming *incoming)
{
    return incoming->outgoing ? incoming->to : incoming->from;
}

/* ---- strangers --------------------------------------------------------- */

static bool is_stranger(const struct incoming *incoming)
{
    const struct account *account = incoming->account;
    const struct contact *contact;
    const struct chat *chat;

    if (incoming->from_server && !incoming->carbon && !incoming->archive)
        return false;
    if (strcmp(incoming->from_bare, account->jid) == 0)
        return false;
    contact = roster_find(account->roster, incoming->from_bare);
    if (contact && contact->in_roster)
        return false;
    chat = account_find_chat(account, incoming->from_bare);
    return !chat || g_hash_table_size(chat->outgoing) == 0;
}

static enum verdict on_any(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    if (incoming->outgoing ||
        !account_option_bool(incoming->account, "account.silence"))
        return GO_ON;
    return is_stranger(incoming) ? DROPPED : GO_ON;
}

/* ---- reading ----------------------------------------------------------- */

static void read_body(const struct incoming *incoming)
{
    struct message *message = incoming->message;
    xmpp_stanza_t *body = stanza_localized(incoming->stanza, "body",
        NS_CLIENT, incoming->lang, &message->bodies);
    const char *lang;

    if (!body)
        return;
    message->body = stanza_text(body);
    lang = stanza_lang(body);
    message->lang = g_strdup(lang ? lang : incoming->lang);
}

static enum verdict annotate(struct incoming *incoming, xmpp_stanza_t *child)
{
    struct message *message = incoming->message;
    xmpp_stanza_t *stanza = incoming->stanza, *subject;

    (void)child;
    message->type = type_parse(incoming->type);
    message->id = g_strdup(incoming->id);
    message->from = g_strdup(incoming->from);
    message->to = g_strdup(incoming->to);
    message->outgoing = incoming->outgoing;
    message->carbon = incoming->carbon;
    message->archive = incoming->archive;
    message->received_us = message->time_us = stamp_now();
    if (message->outgoing)
        message->delivery = DELIVERY_SENT;
    if (!message->body) /* DECRYPT may have one already */
        read_body(incoming);
    subject = stanza_localized(
        stanza, "subject", NS_CLIENT, incoming->lang, NULL);
    if (subject)
        message->subject = stanza_text(subject);
    message->thread = stanza_child_text(stanza, "thread", NS_CLIENT);
    return GO_ON;
}

/* ---- errors ------------------------------------------------------------ */

/* Is from somebody who may speak for the one we wrote to: the address itself,
 * another resource of it, its server or ours? (H45) */
static bool may_refuse(
    const struct incoming *incoming, const struct message *message)
{
    const struct account *account = incoming->account;
    const char *from = incoming->from;

    return jid_bare_equal(from, message->to) ||
        strcmp(from, jid_domain_start(account->jid)) == 0 ||
        strcmp(from, account->jid) == 0 ||
        g_str_equal(from, jid_domain_start(message->to)) ||
        jid_equal_prepared(from, message->to);
}

static struct chat *chat_of(struct account *account, const char *full_jid)
{
    g_autofree char *bare = NULL;
    struct chat *chat = account_find_chat(account, full_jid);

    if (chat)
        return chat;
    bare = jid_bare(full_jid);
    return account_find_chat(account, bare);
}

/* A refusal belongs to the message it refuses. One from our own server for a
 * remote address carries that address as from, so the chat is found by it. */
static enum verdict on_error(struct incoming *incoming)
{
    struct account *account = incoming->account;
    auto_struct(stanza_error) error = stanza_error_read(incoming->stanza);
    g_autofree char *sentence = stanza_error_sentence(error);
    struct chat *chat = chat_of(account, incoming->from);
    struct message *message =
        chat ? chat_find_id(chat, incoming->id, true) : NULL;

    if (message ? may_refuse(incoming, message) : incoming->id != NULL) {
        const char *jid = message ? chat->jid : incoming->from_bare;
        if (message && chat->locked &&
            strcmp(chat->locked, incoming->from) == 0)
            g_clear_pointer(&chat->locked, g_free); /* that resource left */
        if (outbox_set_delivery(
                account, jid, incoming->id, DELIVERY_FAILED, sentence))
            return CLAIMED;
    }
    /* Errors to what hooks sent (receipts, chat states) are of no interest
     * where there is a chat; with a stranger there is nothing to refer to. */
    if (!chat && !roster_find(account->roster, incoming->from_bare))
        return DROPPED;
    if (!incoming->id || stanza_child(incoming->stanza, "body", NS_CLIENT))
        account_emit(account,
            (struct event){ .type = EVENT_ERROR,
                .chat = chat,
                .error_info = { .condition = error->condition,
                    .text = sentence,
                    .by = incoming->from,
                    .stanza = "message" } });
    return CLAIMED;
}

/* ---- delivery ---------------------------------------------------------- */

/* C55, RFC 6121 s. 5.1: what is part of a conversation locks to the resource
 * that said it; another one that joins in unlocks, till somebody goes on. */
static void lock(struct chat *chat, const struct incoming *incoming)
{
    bool first = !chat->locked;

    if (chat->kind != CHAT_CONTACT || incoming->archive ||
        incoming->message->type != MESSAGE_CHAT || incoming->outgoing)
        return;
    if (g_strcmp0(chat->locked, incoming->from) == 0 ||
        !jid_resource(incoming->from))
        return;
    g_clear_pointer(&chat->locked, g_free);
    if (first)
        chat->locked = g_strdup(incoming->from);
}

static char *text_or_null(const char *text)
{
    return text && *text ? g_strdup(text) : NULL;
}

static void keep_thread(struct chat *chat, const struct incoming *incoming)
{
    const char *thread = incoming->message->thread;
    xmpp_stanza_t *element =
        stanza_child(incoming->stanza, "thread", NS_CLIENT);
    const char *parent = stanza_attr(element, "parent");

    if (g_strcmp0(chat->thread, thread) == 0 &&
        g_strcmp0(chat->thread_parent, parent) == 0)
        return;
    g_free(chat->thread);
    g_free(chat->thread_parent);
    chat->thread = text_or_null(thread);
    chat->thread_parent = text_or_null(parent);
}

/* A copy of one that is here: by carbon, from the archive, sent again. It may
 * know what that one lacks, and proves that the server has ours. */
static enum verdict meet(
    struct incoming *incoming, const struct chat *chat)
{
    const struct message *copy = incoming->message;
    struct message *message =
        chat ? chat_find_row(chat, copy->row) : NULL;

    if (message && !message->stanza_id && copy->stanza_id) {
        message->stanza_id = g_strdup(copy->stanza_id);
        g_free(message->stanza_by);
        message->stanza_by = g_strdup(copy->stanza_by);
    }
    if (copy->outgoing)
        outbox_confirm(incoming->account,
            copy->origin_id ? copy->origin_id : copy->id);
    return CLAIMED;
}

/* Where our server's archive has what it kept for us. Many say the second
 * only: then it comes behind what the chat has of that second, with room for
 * what was lost in between and is still to come from the archive. */
#define GAP_US 1000

static gint64 kept_place(const struct account *account, const char *jid,
    const struct message *message)
{
    const gint64 time_us = message->time_us;
    g_autoptr(GPtrArray) last = NULL;

    /* What it kept comes when we do. Later, a stamp may be anybody's that the
     * server let through: a label, not a place (H46). */
    if (!message->delayed || !message->stanza_id || !session_is_fresh(account))
        return 0;
    if (time_us % G_USEC_PER_SEC != 0)
        return time_us;
    last = history_page(account->history, jid, time_us + G_USEC_PER_SEC,
        time_us + G_USEC_PER_SEC, true, 1);
    return last->len == 0 ? time_us
                          : MAX(time_us,
                                ((struct message *)last->pdata[0])->row +
                                    GAP_US);
}

static enum history_added store(
    struct incoming *incoming, const char *jid, const struct chat *chat)
{
    struct account *account = incoming->account;
    struct message *message = incoming->message;
    const struct chat closed = {
        .account = account,
        .kind = CHAT_CONTACT,
        .jid = (char *)jid,
    };
    enum history_added added;

    if (!account->history)
        return HISTORY_NEW;
    added = history_add(account->history, chat ? chat : &closed, message,
        kept_place(account, jid, message));
    session_store_changed(account);
    message->repeated = added == HISTORY_REPEATED;
    return added;
}

/* The one function that stores, knows again, appends and tells. */
static enum verdict deliver(struct incoming *incoming, xmpp_stanza_t *child)
{
    struct account *account = incoming->account;
    struct message *message = incoming->message;
    g_autofree char *bare = NULL;
    struct chat *chat;

    (void)child;
    if (incoming->archive)
        return GO_ON; /* the archive has a hook of its own (XEP-0313) */
    if (message->type == MESSAGE_ERROR)
        return on_error(incoming);
    if (message->type == MESSAGE_GROUPCHAT)
        return DROPPED; /* no room of ours claimed it (H41) */
    if (!message->body && !message->subject)
        return CLAIMED;
    bare = jid_bare(peer(incoming));
    if (incoming->outgoing && !jid_is_valid(bare))
        return DROPPED;
    chat = account_find_chat(account, bare);
    if (store(incoming, bare, chat) == HISTORY_DUPLICATE)
        return meet(incoming, chat);
    if (!chat) {
        chat = account_open_chat(account, bare, CHAT_CONTACT);
        reading_uncount(chat, message);
    }
    g_clear_pointer(&chat->typing, g_free);
    lock(chat, incoming);
    if (message->type == MESSAGE_CHAT)
        keep_thread(chat, incoming);
    incoming->message = NULL;
    if (message->row == 0 || !chat_place(chat, message))
        chat_append(chat, message);
    reading_count(chat, message);
    account_emit(account,
        (struct event){ .type = EVENT_MESSAGE,
            .chat = chat,
            .contact = roster_find(account->roster, chat->jid),
            .message = { message } });
    return CLAIMED;
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_DECRYPT, "message", NULL, NULL, on_any },
    { PHASE_ANNOTATE, "message", NULL, NULL, annotate },
    { PHASE_DELIVER, "message", NULL, NULL, deliver },
    { .run = NULL },
};

/* ---- commands ---------------------------------------------------------- */

static void on_sent(struct account *account, const char *id,
    const GError *error, gpointer data)
{
    struct job *job = data;

    (void)account;
    (void)id;
    if (error)
        job_fail(job, "recipient-unavailable", "%s", error->message);
    else
        job_done(job);
}

/* A script that failed is run again, and would send it twice. */
static void on_cancel(struct job *job, gpointer data)
{
    struct account *account = data;

    if (!account->session)
        return;
    outbox_unwatch(account, job);
    outbox_give_up(account, job_data(job));
}

/* The job of a script is done when the server has the message (contract.md
 * s. 2); on the screen that is seen at the message, however many wait. */
static enum cmd_status send(
    struct job *job, struct chat *chat, const char *text)
{
    struct account *account = chat->account;
    g_autoptr(GError) error = NULL;
    struct message *message;

    if (!account->session)
        return job_fail(
            job, "service-unavailable", "This account is not set up.");
    message = outbox_send_text(chat, text, &error);
    if (!message)
        return job_fail_error(job, error);
    if (!session_is_script(account))
        return job_done(job);
    job_set_data(job, g_strdup(message->id), g_free);
    outbox_watch(account, message->id, on_sent, job);
    job_on_cancel(job, on_cancel, account);
    return CMD_WAIT;
}

static struct chat *open_chat(struct job *job, const char *jid)
{
    struct account *account = job_account(job);
    struct chat *chat = account_find_chat(account, jid);
    g_autofree char *bare = NULL;

    if (chat)
        return chat;
    bare = jid_bare(jid);
    chat = account_open_chat(account, bare, CHAT_CONTACT);
    if (jid_resource(jid)) { /* asked for: that resource it is */
        g_free(chat->locked);
        chat->locked = g_strdup(jid);
    }
    return chat;
}

static enum cmd_status run_msg(struct job *job)
{
    const char *text = job_arg(job, "text");
    struct chat *chat = open_chat(job, job_arg(job, "jid"));
    struct front *front = job_front(job);

    if (front && front->ops->show_chat)
        front->ops->show_chat(front, chat);
    return text && *text ? send(job, chat, text) : job_done(job);
}

static enum cmd_status run_say(struct job *job)
{
    return send(job, job_chat(job), job_arg(job, "text"));
}

/* XEP-0245: the words are the mark. */
static enum cmd_status run_me(struct job *job)
{
    g_autofree char *text = g_strconcat("/me ", job_arg(job, "text"), NULL);

    return send(job, job_chat(job), text);
}

static enum cmd_status run_silence(struct job *job)
{
    struct account *account = job_account(job);
    const char *value = job_arg(job, "value");
    g_autoptr(GError) error = NULL;

    if (!value) {
        JOB_ROW(job, "silence",
            FIELD_B("silence",
                account_option_bool(account, "account.silence")));
        return job_done(job);
    }
    if (!options_set(account->options, account->config_jid,
            "account.silence", value, false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static const char *const msg_examples[] = {
    "/msg romeo@example.net Art thou not Romeo?", "sends a message",
    "/msg romeo@example.net", "opens the chat", NULL
};

static const struct command commands[] = {
    { .name = "msg",
        .aliases = "query message open",
        .needs = NEEDS_ACCOUNT | NEEDS_WIRE,
        .args = { { .name = "jid", .kind = &arg_contact },
            { .name = "text",
                .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .words = "send write message talk chat open conversation query",
        .summary = "Open a chat; with TEXT send it",
        .detail = "Done when the server has acknowledged the message. "
                  "While there is no connection it waits for one.",
        .examples = msg_examples,
        .run = run_msg },
    { .name = "say",
        .needs = NEEDS_CHAT,
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_REST } },
        .words = "send slash message text",
        .summary = "Send TEXT to the current chat, slashes and all",
        .run = run_say },
    { .name = "me",
        .needs = NEEDS_CHAT,
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_REST } },
        .words = "action emote",
        .summary = "Say what you are doing",
        .run = run_me },
    { .name = "silence",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "value",
            .kind = &arg_choice,
            .flags = ARG_OPTIONAL,
            .choices = "on off" } },
        .words = "strangers spam unknown block",
        .summary = "Drop messages of people who are not in the roster",
        .fields = "silence: silence",
        .run = run_silence },
    { .name = NULL },
};

static const struct option options[] = {
    { "account.silence", OPTION_BOOL, "off", .summary =
        "drop messages of people who are not in the roster" },
    { .name = NULL },
};

const struct feature rfc6121_message = {
    .spec = "RFC 6121",
    .name = "XMPP Instant Messaging: messages",
    .since = "0.1.0",
    .incoming = incoming_hooks,
    .commands = commands,
    .options = options,
};
