/*
 * The way out for messages. A row stands for a message from the moment it is
 * typed until the server is known to have it: queued (offline, or behind one
 * that is), then sent and unconfirmed, then gone. What proves that the server
 * has it is a ping behind it (RFC 6120 s. 10.1: in order); one ping is in
 * flight at a time and proves everything sent before it, so a burst costs two.
 */
#include "xmpp/outbox.h"
#include <string.h>
#include "base/stamp.h"
#include "base/text.h"
#include "model/chat.h"
#include "model/jid.h"
#include "model/message.h"
#include "xmpp/iq.h"
#include "xmpp/rfc6120_session.h"

#define NS_PING "urn:xmpp:ping"
#define USUAL_MAX_BYTES (256 * 1024) /* where the server does not say */
#define ENVELOPE_BYTES 1024          /* what hooks and servers add */

G_DEFINE_QUARK(txmpp-outbox-error-quark, outbox_error)

/* Everything that is needed to send it, even when the chat is closed. */
struct row {
    char *chat;      /* its JID */
    enum chat_kind kind;
    guint64 number;  /* of the message */
    char *id, *text;
};

struct watch {
    outbox_fn fn;
    gpointer data;
};

struct outbox {
    struct account *account;
    GQueue queued;      /* struct row: not sent yet */
    GQueue unconfirmed; /* struct row: sent, oldest first */
    guint covered;      /* so many of them stand before the ping */
    bool pinging;
    GHashTable *watches; /* id → struct watch */
};

static void row_free(struct row *row)
{
    g_free(row->chat);
    g_free(row->id);
    g_free(row->text);
    g_free(row);
}

struct outbox *outbox_new(struct account *account)
{
    struct outbox *outbox = g_new0(struct outbox, 1);

    outbox->account = account;
    outbox->watches =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return outbox;
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox)
        return;
    g_queue_clear_full(&outbox->queued, (GDestroyNotify)row_free);
    g_queue_clear_full(&outbox->unconfirmed, (GDestroyNotify)row_free);
    g_hash_table_unref(outbox->watches);
    g_free(outbox);
}

guint outbox_unsent(const struct account *account)
{
    const struct outbox *outbox = session_outbox(account);

    return outbox->queued.length + outbox->unconfirmed.length;
}

void outbox_watch(
    struct account *account, const char *id, outbox_fn fn, gpointer data)
{
    struct watch *watch = g_new(struct watch, 1);

    *watch = (struct watch){ fn, data };
    g_hash_table_replace(
        session_outbox(account)->watches, g_strdup(id), watch);
}

static gboolean is_of(gpointer id, gpointer value, gpointer data)
{
    (void)id;
    return ((struct watch *)value)->data == data;
}

void outbox_unwatch(struct account *account, gpointer data)
{
    g_hash_table_foreach_remove(
        session_outbox(account)->watches, is_of, data);
}

static void tell(struct outbox *outbox, const char *id, const GError *error)
{
    g_autofree char *key = NULL;
    g_autofree struct watch *watch = NULL;

    if (g_hash_table_steal_extended(
            outbox->watches, id, (gpointer *)&key, (gpointer *)&watch))
        watch->fn(outbox->account, id, error, watch->data);
}

static void set_delivery(struct outbox *outbox, const struct row *row,
    enum delivery delivery, const char *sentence)
{
    struct chat *chat = account_find_chat(outbox->account, row->chat);
    struct message *message =
        chat ? chat_find_number(chat, row->number) : NULL;

    if (!message || g_strcmp0(message->id, row->id) != 0)
        return; /* cleared meanwhile */
    if (message->delivery >= delivery && delivery != DELIVERY_FAILED)
        return; /* a receipt was faster than the ping */
    message->delivery = delivery;
    if (sentence) {
        g_free(message->error);
        message->error = g_strdup(sentence);
    }
    account_emit(outbox->account,
        (struct event){ .type = EVENT_MESSAGE_CHANGED,
            .chat = chat,
            .message = { message } });
}

/* ---- what the server has ----------------------------------------------- */

static void on_pong(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data);

static void ping(struct outbox *outbox)
{
    xmpp_stanza_t *iq;
    g_autofree char *domain = jid_domain(outbox->account->jid);

    if (outbox->pinging || outbox->unconfirmed.length == 0 ||
        !session_is_online(outbox->account))
        return;
    iq = iq_new("get", domain, "ping", NS_PING, NULL);
    outbox->pinging = true;
    outbox->covered = outbox->unconfirmed.length;
    iq_send(outbox->account, iq, 0, on_pong, outbox, NULL);
}

static void fail_row(
    struct outbox *outbox, struct row *row, int code, const char *sentence)
{
    g_autoptr(GError) error =
        g_error_new_literal(outbox_error_quark(), code, sentence);

    set_delivery(outbox, row, DELIVERY_FAILED, sentence);
    tell(outbox, row->id, error);
    row_free(row);
}

static const char not_confirmed[] =
    "The server did not confirm this message; it may or may not have "
    "arrived. Send it again if it matters.";

/* Any answer proves it: a server without XEP-0199 says so in order, too. */
static void on_pong(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct outbox *outbox = data;
    const bool timed_out = !result && error && !error->by &&
        strcmp(error->condition, "remote-server-timeout") == 0;

    (void)more;
    if (!outbox->pinging)
        return; /* the connection went, and the rows with it */
    /* Still pinging: what watchers send meanwhile is not covered by this. */
    while (outbox->covered > 0 && !g_queue_is_empty(&outbox->unconfirmed)) {
        struct row *row = g_queue_pop_head(&outbox->unconfirmed);
        outbox->covered--;
        if (timed_out) {
            fail_row(outbox, row, OUTBOX_ERROR_LOST, not_confirmed);
            continue;
        }
        set_delivery(outbox, row, DELIVERY_SENT, NULL);
        tell(outbox, row->id, NULL);
        row_free(row);
    }
    outbox->pinging = false;
    if (account->session)
        ping(outbox);
}

void outbox_request_ack(struct account *account)
{
    ping(session_outbox(account));
}

void outbox_connection_lost(struct account *account)
{
    struct outbox *outbox = session_outbox(account);
    GQueue lost = outbox->unconfirmed;
    struct row *row;

    g_queue_init(&outbox->unconfirmed);
    outbox->pinging = false;
    outbox->covered = 0;
    while ((row = g_queue_pop_head(&lost)))
        fail_row(outbox, row, OUTBOX_ERROR_LOST, not_confirmed);
}

static int compare_id(gconstpointer row, gconstpointer id)
{
    return strcmp(((const struct row *)row)->id, id);
}

void outbox_failed(
    struct account *account, const char *id, const char *sentence)
{
    struct outbox *outbox = session_outbox(account);
    GList *link =
        g_queue_find_custom(&outbox->unconfirmed, id, compare_id);
    g_autoptr(GError) error = NULL;

    if (link) {
        const gint place = g_queue_link_index(&outbox->unconfirmed, link);
        row_free(link->data);
        g_queue_delete_link(&outbox->unconfirmed, link);
        if ((guint)place < outbox->covered)
            outbox->covered--;
    }
    error = g_error_new_literal(
        outbox_error_quark(), OUTBOX_ERROR_LOST, sentence);
    tell(outbox, id, error);
}

/* ---- sending ----------------------------------------------------------- */

static void run_hooks(struct outgoing *outgoing, const char *stanza)
{
    for (guint i = 0; features[i]; i++)
        for (const struct outgoing_hook *hook = features[i]->outgoing;
             hook && hook->run; hook++)
            if (strcmp(hook->stanza, stanza) == 0)
                hook->run(outgoing);
}

static xmpp_stanza_t *build(struct account *account, const struct row *row)
{
    struct chat *chat = account_find_chat(account, row->chat);
    xmpp_stanza_t *stanza = stanza_new("message", NULL, "type",
        row->kind == CHAT_ROOM ? "groupchat" : "chat", "id", row->id, "to",
        chat && chat->locked ? chat->locked : row->chat, (char *)NULL);

    stanza_set_text(stanza_add(stanza, "body", NULL, (char *)NULL), row->text);
    if (chat) {
        struct outgoing outgoing = {
            .account = account,
            .chat = chat,
            .stanza = stanza,
            .message = chat_find_number(chat, row->number),
        };
        if (chat->thread)
            stanza_set_text(
                stanza_add(stanza, "thread", NULL, (char *)NULL),
                chat->thread);
        run_hooks(&outgoing, "message");
    }
    return stanza;
}

/* False: it was not sent and stays where it is. */
static bool send_row(struct outbox *outbox, struct row *row)
{
    if (!session_is_online(outbox->account) ||
        !session_send(outbox->account, build(outbox->account, row)))
        return false;
    g_queue_push_tail(&outbox->unconfirmed, row);
    return true;
}

static size_t escaped_len(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '&' ? 5 : *text == '<' || *text == '>' ? 4
            : *text == '"'                                   ? 6
                                                             : 1;
    return n;
}

static bool check_size(
    const struct account *account, const char *text, GError **error)
{
    const gsize told = session_max_bytes(account);
    const gsize max = told > 0 ? told : USUAL_MAX_BYTES;
    const gsize len = escaped_len(text) + ENVELOPE_BYTES;

    if (len <= max)
        return true;
    g_set_error(error, outbox_error_quark(), OUTBOX_ERROR_TOO_LONG,
        "The text is too long for one message: %" G_GSIZE_FORMAT
        " KiB, and the server takes %" G_GSIZE_FORMAT
        " KiB. Send it in parts or as a file.",
        len / 1024 + 1, max / 1024);
    return false;
}

static struct message *append(struct chat *chat, const char *text)
{
    struct account *account = chat->account;
    struct message *message = message_new();

    message->id = stanza_new_id();
    message->origin_id = g_strdup(message->id);
    message->from =
        g_strdup(account->full_jid ? account->full_jid : account->jid);
    message->to = g_strdup(chat->locked ? chat->locked : chat->jid);
    message->body = g_strdup(text);
    message->thread = g_strdup(chat->thread);
    message->time_us = message->received_us = stamp_now();
    message->type =
        chat->kind == CHAT_ROOM ? MESSAGE_GROUPCHAT : MESSAGE_CHAT;
    message->delivery = DELIVERY_QUEUED;
    message->outgoing = true;
    chat_append(chat, message);
    return message;
}

struct message *outbox_send_text(
    struct chat *chat, const char *text, GError **error)
{
    struct account *account = chat->account;
    struct outbox *outbox = session_outbox(account);
    g_autofree char *clean = text_xml_clean(text, -1, NULL);
    struct message *message;
    struct row *row;

    if (!*clean) {
        g_set_error_literal(error, outbox_error_quark(), OUTBOX_ERROR_EMPTY,
            "There is no text to send.");
        return NULL;
    }
    if (!check_size(account, clean, error))
        return NULL;
    message = append(chat, clean);
    row = g_new0(struct row, 1);
    row->chat = g_strdup(chat->jid);
    row->kind = chat->kind;
    row->number = message->number;
    row->id = g_strdup(message->id);
    row->text = g_steal_pointer(&clean);
    /* Behind one that waits it waits, too: order per stream (C44). */
    if (!account->synced || outbox->queued.length > 0 ||
        !send_row(outbox, row))
        g_queue_push_tail(&outbox->queued, row);
    account_emit(account,
        (struct event){ .type = EVENT_MESSAGE,
            .chat = chat,
            .message = { message } });
    if (account->session)
        ping(outbox);
    return message;
}

void outbox_online(struct account *account)
{
    struct outbox *outbox = session_outbox(account);

    while (!g_queue_is_empty(&outbox->queued)) {
        struct row *row = g_queue_peek_head(&outbox->queued);
        if (!send_row(outbox, row))
            break;
        g_queue_pop_head(&outbox->queued);
    }
    ping(outbox);
}

void outbox_send_bare(struct account *account, xmpp_stanza_t *stanza)
{
    session_send(account, stanza);
}

void outbox_send_presence(struct account *account, xmpp_stanza_t *presence)
{
    run_hooks(&(struct outgoing){ .account = account, .stanza = presence },
        "presence");
    session_send(account, presence);
}
