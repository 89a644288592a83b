/*
 * The way out for messages. A row stands for a message from the moment it is
 * typed until the server is known to have it, on disk (store/history.h) before
 * its bytes leave:
 *
 *     queued → unconfirmed → gone         the server has it
 *                  ↓ connection lost
 *              unproved → gone            the archive has it
 *                  ↓ ↑                    proved lost: queued again
 *     held ← queued                       older than a day: the person is asked
 *
 * Few of them are in memory and fewer in the connection, however many wait:
 * queued has the first WINDOW, and the store the rest, which come when there
 * is room. Held ones are only counted.
 *
 * What proves that the server has it is its number in stream management
 * (xmpp/manager.h); without that, a ping behind it (RFC 6120 s. 10.1: in
 * order), one in flight at a time, so a burst costs two. Rows of one
 * conversation never overtake each other.
 */
#include "xmpp/outbox.h"
#include <string.h>
#include "base/intl.h"
#include "base/stamp.h"
#include "base/text.h"
#include "cmd/job.h"
#include "model/chat.h"
#include "model/jid.h"
#include "model/message.h"
#include "store/history.h"
#include "xmpp/iq.h"
#include "xmpp/rfc6120_session.h"

#define NS_PING "urn:xmpp:ping"
#define USUAL_MAX_BYTES (256 * 1024) /* where the server does not say */
#define ENVELOPE_BYTES 1024          /* what hooks and servers add */
#define WINDOW 256                   /* rows in memory that are not sent yet */
#define IN_FLIGHT 64                 /* sent and not confirmed (F37, P06) … */
#define UNWRITTEN_BYTES (256 * 1024) /* … unless they are that long */
#define OLD_US (24 * 60 * 60 * G_GINT64_CONSTANT(1000000))
#define FAILED_KEPT 100              /* for /outbox retry */
#define PATIENCE_MS 15000            /* nothing is confirmed: does it live? */

G_DEFINE_QUARK(txmpp-outbox-error-quark, outbox_error)

struct row {
    char *chat;      /* its JID */
    enum chat_kind kind;
    char *id;
    char *text;      /* of one that was sent, or is not in the store */
    gint64 stored;   /* row in the store, 0: none */
    gint64 time_us;  /* when it was typed */
    guint32 seq;     /* number in stream management … */
    bool counted;    /* … if it has one */
    bool approved;   /* it may be old */
    char *error;     /* of a failed one */
};

struct watch {
    outbox_fn fn;
    gpointer data;
};

struct outbox {
    struct account *account;
    GQueue queued;      /* struct row: not sent yet, the first of them */
    guint rest;         /* so many more are in the store … */
    gint64 reached;     /* … behind this row */
    guint held;         /* too old to be sent unasked: so many … */
    gint64 held_to;     /* … up to this row */
    guint told;         /* of them the person knows */
    gint64 epoch_us;    /* what to add to a clock that nobody sets */
    GQueue unconfirmed; /* sent, oldest first */
    GQueue unproved;    /* sent, then the session was lost */
    GQueue failed;      /* some of the last, for another try */
    guint covered;      /* so many unconfirmed ones stand before the ping */
    bool pinging;
    guint alarm;        /* while something is unconfirmed … */
    gint64 since_us;    /* … and nothing was confirmed since then */
    unsigned patience_ms;
    outbox_prover prover;
    bool proving;       /* it is at work */
    GHashTable *watches; /* id → struct watch */
};

static void row_free(struct row *row)
{
    g_free(row->chat);
    g_free(row->id);
    g_free(row->text);
    g_free(row->error);
    g_free(row);
}

/* It goes on while the machine sleeps (F07), and nobody sets it (F17). */
static gint64 uptime_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

struct outbox *outbox_new(struct account *account)
{
    struct outbox *outbox = g_new0(struct outbox, 1);

    outbox->account = account;
    outbox->epoch_us = stamp_now() - uptime_us();
    outbox->patience_ms = PATIENCE_MS;
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
    g_queue_clear_full(&outbox->unproved, (GDestroyNotify)row_free);
    g_queue_clear_full(&outbox->failed, (GDestroyNotify)row_free);
    g_hash_table_unref(outbox->watches);
    g_clear_handle_id(&outbox->alarm, g_source_remove);
    g_free(outbox);
}

void outbox_set_patience(struct account *account, unsigned ms)
{
    session_outbox(account)->patience_ms = ms;
}

guint outbox_unsent(const struct account *account)
{
    const struct outbox *outbox = session_outbox(account);

    return outbox->queued.length + outbox->rest +
        outbox->unconfirmed.length + outbox->unproved.length;
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

/* ---- the state of a message -------------------------------------------- */

static struct message *find_message(
    const struct account *account, const char *chat_jid, const char *id)
{
    const struct chat *chat = account_find_chat(account, chat_jid);

    return chat ? chat_find_id(chat, id, true) : NULL;
}

/* What one has read is not undone by an error of another. A receipt may be
 * faster than the ping; a failed one may be sent again. */
static bool is_news(const struct message *message, enum delivery delivery)
{
    if (delivery == DELIVERY_FAILED)
        return message->delivery < DELIVERY_DELIVERED;
    return message->delivery < delivery ||
        message->delivery == DELIVERY_FAILED;
}

static void change(struct account *account, const char *chat_jid,
    struct message *message, enum delivery delivery, const char *sentence)
{
    struct chat *chat = account_find_chat(account, chat_jid);

    if (!is_news(message, delivery))
        return;
    message->delivery = delivery;
    g_free(message->error);
    message->error = g_strdup(sentence);
    if (account->history && message->row) {
        history_update(account->history, message);
        session_store_changed(account);
    }
    if (chat)
        account_emit(account,
            (struct event){ .type = EVENT_MESSAGE_CHANGED,
                .chat = chat,
                .message = { message } });
}

/* The message of a row; loaded gets it, too, when it has to be freed. */
static struct message *message_of(const struct outbox *outbox,
    const struct row *row, struct message **loaded)
{
    const struct account *account = outbox->account;
    struct message *message = find_message(account, row->chat, row->id);

    if (!message && account->history && row->stored)
        message = *loaded = history_load(account->history, row->stored);
    return message;
}

static void set_delivery(struct outbox *outbox, const struct row *row,
    enum delivery delivery, const char *sentence)
{
    auto_struct(message) loaded = NULL;
    struct message *message = message_of(outbox, row, &loaded);

    if (message)
        change(outbox->account, row->chat, message, delivery, sentence);
}

/* ---- what the server has ----------------------------------------------- */

static void flush(struct outbox *outbox);

static void confirm(struct outbox *outbox, struct row *row)
{
    outbox->since_us = g_get_monotonic_time();
    set_delivery(outbox, row, DELIVERY_SENT, NULL);
    tell(outbox, row->id, NULL);
    row_free(row);
}

/* Takes it: for /outbox, and another try. */
static void keep_failed(
    struct outbox *outbox, struct row *row, const char *sentence)
{
    g_autoptr(GError) error = g_error_new_literal(
        outbox_error_quark(), OUTBOX_ERROR_LOST, sentence);
    g_autofree char *id = g_strdup(row->id);

    g_free(row->error);
    row->error = g_strdup(sentence);
    g_queue_push_tail(&outbox->failed, row);
    if (outbox->failed.length > FAILED_KEPT)
        row_free(g_queue_pop_head(&outbox->failed));
    tell(outbox, id, error);
}

static void fail_row(
    struct outbox *outbox, struct row *row, const char *sentence)
{
    set_delivery(outbox, row, DELIVERY_FAILED, sentence);
    keep_failed(outbox, row, sentence);
}

static const char not_confirmed[] =
    N_("The server did not confirm this message; it may or may not have "
    "arrived. Send it again if it matters.");

static void on_pong(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data);

/* Somebody on the way keeps the connection open and carries nothing: the
 * kernel does not know, and the next ping is minutes away (F02). */
static gboolean on_alarm(gpointer data)
{
    struct outbox *outbox = data;
    const gint64 now = g_get_monotonic_time();
    gint64 left_ms = outbox->patience_ms - (now - outbox->since_us) / 1000;

    outbox->alarm = 0;
    if (outbox->unconfirmed.length == 0 ||
        !session_is_online(outbox->account))
        return G_SOURCE_REMOVE;
    if (left_ms <= 0) {
        left_ms = outbox->patience_ms;
        outbox->since_us = now;
        session_kick(outbox->account);
    }
    outbox->alarm = g_timeout_add((guint)left_ms, on_alarm, outbox);
    return G_SOURCE_REMOVE;
}

static void ask_server(struct outbox *outbox)
{
    xmpp_stanza_t *iq;
    g_autofree char *domain = NULL;

    if (outbox->unconfirmed.length == 0 ||
        !session_is_online(outbox->account))
        return;
    if (!outbox->alarm)
        outbox->alarm =
            g_timeout_add(outbox->patience_ms, on_alarm, outbox);
    if (session_counts(outbox->account, NULL)) {
        session_request_ack(outbox->account);
        return;
    }
    if (outbox->pinging)
        return;
    domain = jid_domain(outbox->account->jid);
    iq = iq_new("get", domain, "ping", NS_PING, NULL);
    outbox->pinging = true;
    outbox->covered = outbox->unconfirmed.length;
    iq_send(outbox->account, iq, 0, on_pong, outbox, NULL);
}

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
        if (timed_out)
            fail_row(outbox, row, _(not_confirmed));
        else
            confirm(outbox, row);
    }
    outbox->pinging = false;
    if (!account->session)
        return;
    flush(outbox);
    ask_server(outbox);
}

void outbox_request_ack(struct account *account)
{
    ask_server(session_outbox(account));
}

static bool is_acked(const struct row *row, guint32 h)
{
    return row->counted && h - row->seq < G_MAXINT32;
}

void outbox_acked(struct account *account, guint32 h)
{
    struct outbox *outbox = session_outbox(account);
    GQueue *const queues[] = { &outbox->unproved, &outbox->unconfirmed };
    struct row *row;

    for (guint i = 0; i < G_N_ELEMENTS(queues); i++)
        while ((row = g_queue_peek_head(queues[i])) && is_acked(row, h))
            confirm(outbox, g_queue_pop_head(queues[i]));
    if (!account->session)
        return;
    flush(outbox);
    ask_server(outbox);
}

/* To the front of those that wait; rows stay in their order. Where the store
 * has some before it, it comes with those. Takes it. */
static void queue_again(struct outbox *outbox, struct row *row)
{
    struct account *account = outbox->account;

    row->counted = false;
    if (account->history && row->stored) {
        history_set_unsent(account->history, row->stored);
        session_store_changed(account);
    }
    if (outbox->rest > 0 && row->stored > outbox->reached) {
        outbox->rest++;
        row_free(row);
        return;
    }
    outbox->reached = MAX(outbox->reached, row->stored);
    g_queue_push_head(&outbox->queued, row);
}

/* Takes those that were counted out of the queue, newest first. */
static void requeue_from(struct outbox *outbox, GQueue *queue)
{
    for (GList *l = queue->tail, *before; l; l = before) {
        struct row *row = l->data;
        before = l->prev;
        if (!row->counted)
            continue;
        g_queue_delete_link(queue, l);
        queue_again(outbox, row);
    }
}

void outbox_requeue(struct account *account)
{
    struct outbox *outbox = session_outbox(account);

    requeue_from(outbox, &outbox->unconfirmed);
    requeue_from(outbox, &outbox->unproved);
}

void outbox_uncounted(struct account *account)
{
    struct outbox *outbox = session_outbox(account);

    for (GList *l = outbox->unconfirmed.head; l; l = l->next)
        ((struct row *)l->data)->counted = false;
    ask_server(outbox);
}

/* ---- what nobody knows ------------------------------------------------- */

/* Its number means nothing in the next session. */
static void forget_number(struct outbox *outbox, const struct row *row)
{
    struct account *account = outbox->account;

    if (!account->history || !row->stored)
        return;
    history_set_sent(account->history, row->stored, 0);
    session_store_changed(account);
}

void outbox_connection_lost(struct account *account)
{
    struct outbox *outbox = session_outbox(account);
    GQueue lost = outbox->unconfirmed;
    struct row *row;

    g_queue_init(&outbox->unconfirmed);
    outbox->pinging = outbox->proving = false;
    outbox->covered = 0;
    while ((row = g_queue_pop_head(&lost))) {
        if (row->counted || outbox->prover)
            g_queue_push_tail(&outbox->unproved, row);
        else
            fail_row(outbox, row, _(not_confirmed));
    }
}

void outbox_set_prover(struct account *account, outbox_prover fn)
{
    session_outbox(account)->prover = fn;
}

static GList *find(GQueue *queue, const char *id)
{
    for (GList *l = queue->head; l; l = l->next)
        if (strcmp(((struct row *)l->data)->id, id) == 0)
            return l;
    return NULL;
}

static struct row *take_from(GQueue *queue, const char *id)
{
    GList *link = find(queue, id);
    struct row *row = link ? link->data : NULL;

    if (link)
        g_queue_delete_link(queue, link);
    return row;
}

/* Out of wherever it waits for proof, or for another try. */
static struct row *take_known(struct outbox *outbox, const char *id)
{
    GList *link = find(&outbox->unconfirmed, id);
    struct row *row;

    if (link) {
        const gint place = g_queue_link_index(&outbox->unconfirmed, link);
        row = link->data;
        g_queue_delete_link(&outbox->unconfirmed, link);
        if ((guint)place < outbox->covered)
            outbox->covered--;
        return row;
    }
    row = take_from(&outbox->unproved, id);
    return row ? row : take_from(&outbox->queued, id);
}

void outbox_confirm(struct account *account, const char *origin_id)
{
    struct outbox *outbox = session_outbox(account);
    struct row *row = take_known(outbox, origin_id);

    if (row)
        confirm(outbox, row);
}

static bool is_archived(const struct account *account, const struct row *row)
{
    auto_struct(message) message = account->history && row->stored
        ? history_load(account->history, row->stored)
        : NULL;

    return message && message->stanza_id;
}

static void decide(struct outbox *outbox, bool whole)
{
    GQueue unproved = outbox->unproved;
    struct row *row;

    g_queue_init(&outbox->unproved);
    while ((row = g_queue_pop_tail(&unproved))) { /* newest first */
        if (is_archived(outbox->account, row))
            confirm(outbox, row);
        else if (whole || row->counted)
            queue_again(outbox, row);
        else
            fail_row(outbox, row, _(not_confirmed));
    }
}

void outbox_settle(struct account *account, bool whole)
{
    struct outbox *outbox = session_outbox(account);

    outbox->proving = false;
    decide(outbox, whole);
    flush(outbox);
    ask_server(outbox);
}

/* A new session: there is no other proof to come. */
static void judge(struct outbox *outbox)
{

    if (outbox->proving || outbox->unproved.length == 0)
        return;
    for (GList *l = outbox->unproved.head; l; l = l->next)
        forget_number(outbox, l->data);
    outbox->proving = true; /* it may be settled at once */
    if (!outbox->prover || !outbox->prover(outbox->account)) {
        outbox->proving = false;
        decide(outbox, false);
    }
}

static struct row *row_new(const char *chat, enum chat_kind kind,
    const struct message *message, bool with_text)
{
    struct row *row = g_new0(struct row, 1);

    row->chat = g_strdup(chat);
    row->kind = kind;
    row->id = g_strdup(message->id);
    row->text = with_text ? g_strdup(message->body) : NULL;
    row->stored = message->row;
    row->time_us = message->time_us;
    return row;
}

/* The addressee spoke: no other proof is needed any more. */
static void conclude(struct outbox *outbox, const char *chat_jid,
    const struct message *message, const char *sentence)
{
    struct row *row = take_known(outbox, message->id);
    const enum chat_kind kind = message->type == MESSAGE_GROUPCHAT
        ? CHAT_ROOM
        : CHAT_CONTACT;
    const struct chat *chat =
        account_find_chat(outbox->account, chat_jid);

    if (sentence) {
        if (!row)
            row = row_new(chat_jid, chat ? chat->kind : kind, message, true);
        keep_failed(outbox, row, sentence);
    } else if (row) {
        tell(outbox, row->id, NULL);
        row_free(row);
    }
}

/* H45: another's message is never found, for ours are found by whom they went
 * to. */
bool outbox_set_delivery(struct account *account, const char *chat_jid,
    const char *id, enum delivery delivery, const char *sentence)
{
    struct message *message = id ? find_message(account, chat_jid, id) : NULL;
    auto_struct(message) loaded = NULL;
    gint64 row;

    if (!message && id && account->history) {
        row = history_find_own(account->history, id);
        message = loaded =
            row ? history_load(account->history, row) : NULL;
        if (!message || !message->outgoing || !message->to ||
            !jid_bare_equal(message->to, chat_jid))
            return false;
    }
    if (!message)
        return false;
    if (!is_news(message, delivery))
        return true;
    change(account, chat_jid, message, delivery, sentence);
    if (account->session)
        conclude(session_outbox(account), chat_jid, message,
            delivery == DELIVERY_FAILED ? sentence : NULL);
    return true;
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

/* NULL: its text is on a disk that cannot be read now. */
static xmpp_stanza_t *build(struct outbox *outbox, struct row *row)
{
    struct account *account = outbox->account;
    struct chat *chat = account_open_chat(account, row->chat, row->kind);
    auto_struct(message) loaded = NULL;
    struct message *message = message_of(outbox, row, &loaded);
    const char *thread = message ? message->thread : chat->thread;
    xmpp_stanza_t *stanza;

    if (!row->text && message)
        row->text = g_strdup(message->body);
    if (!row->text)
        return NULL;
    stanza = stanza_new("message", NULL, "type",
        row->kind == CHAT_ROOM ? "groupchat" : "chat", "id", row->id, "to",
        chat->locked ? chat->locked : row->chat, (char *)NULL);
    stanza_set_text(stanza_add(stanza, "body", NULL, (char *)NULL), row->text);
    if (thread)
        stanza_set_text(
            stanza_add(stanza, "thread", NULL, "parent",
                g_strcmp0(thread, chat->thread) == 0 ? chat->thread_parent
                                                     : NULL,
                (char *)NULL),
            thread);
    run_hooks(&(struct outgoing){ .account = account,
                  .chat = chat,
                  .stanza = stanza,
                  .message = message },
        "message");
    return stanza;
}

/* What is older than this is not sent unasked. */
static gint64 old_before(const struct outbox *outbox)
{
    return MIN(stamp_now(), uptime_us() + outbox->epoch_us) - OLD_US;
}

static void tell_held(struct outbox *outbox)
{
    const guint n = outbox->held - outbox->told;
    g_autofree char *text = g_strdup_printf(
        ngettext("%u message written more than a day ago was not sent. See "
                 "/outbox; “/outbox retry” sends it, “/outbox drop” forgets it.",
            "%u messages written more than a day ago were not sent. See "
            "/outbox; “/outbox retry” sends them, “/outbox drop” forgets them.",
            n), n);

    outbox->told = outbox->held;
    account_emit(outbox->account,
        (struct event){ .type = EVENT_NOTICE, .notice = { text, true } });
}

/* They stay rows of the store; nothing of them is kept here. */
static void hold_old(struct outbox *outbox)
{
    const gint64 old = old_before(outbox);

    for (GList *l = outbox->queued.head, *next; l; l = next) {
        struct row *row = l->data;
        next = l->next;
        if (row->approved || row->stored == 0 || row->stored > old)
            continue;
        g_queue_delete_link(&outbox->queued, l);
        row_free(row);
        outbox->held++;
    }
    if (outbox->rest > 0 && old > outbox->reached) {
        const guint n = history_count_unsent(
            outbox->account->history, outbox->reached, old);
        outbox->held += n;
        outbox->rest -= MIN(n, outbox->rest);
        outbox->reached = old;
    }
    outbox->held_to = MAX(outbox->held_to, old);
    if (outbox->held > outbox->told)
        tell_held(outbox);
}

/* The rest moves up. */
static void refill(struct outbox *outbox)
{
    struct account *account = outbox->account;
    g_autoptr(GPtrArray) next = NULL;

    if (outbox->rest == 0 || outbox->queued.length > WINDOW / 2)
        return;
    next = history_outbox_after(account->history, outbox->reached,
        WINDOW - outbox->queued.length);
    for (guint i = 0; i < next->len; i++) {
        const struct history_out *out = g_ptr_array_index(next, i);
        outbox->reached = out->message->row;
        if (out->message->id && out->message->body)
            g_queue_push_tail(&outbox->queued,
                row_new(out->chat, out->kind, out->message, false));
    }
    if (next->len > 0)
        outbox->rest -= MIN(next->len, outbox->rest);
    else if (history_health(account->history) != HISTORY_FAILING)
        outbox->rest = 0;
}

/* Behind all of its conversation. Takes it. */
static void enqueue(struct outbox *outbox, struct row *row)
{
    const bool known = row->stored <= outbox->reached;

    if (!known && (outbox->rest > 0 || outbox->queued.length >= WINDOW)) {
        outbox->rest++;
        row_free(row);
        return;
    }
    outbox->reached = MAX(outbox->reached, row->stored);
    g_queue_push_tail(&outbox->queued, row);
}

/* Order: what nobody knows about an earlier one, nobody knows about this. */
static bool is_blocked(const struct outbox *outbox, const struct row *row)
{
    for (const GList *l = outbox->unproved.head; l; l = l->next)
        if (strcmp(((const struct row *)l->data)->chat, row->chat) == 0)
            return true;
    return false;
}

/* A server that reads slowly does not make us hold everything at once. bytes:
 * of those that are about to join. */
static bool is_full(const struct outbox *outbox, guint more, gsize bytes)
{
    struct stream *stream = session_stream(outbox->account);

    if (outbox->unconfirmed.length + more == 0)
        return false;
    if (stream)
        bytes += stream_unsent_bytes(stream);
    return outbox->unconfirmed.length + more >= IN_FLIGHT ||
        bytes > UNWRITTEN_BYTES;
}

static void take_ready(
    struct outbox *outbox, GPtrArray *rows, GPtrArray *stanzas)
{
    gsize bytes = 0;

    for (GList *l = outbox->queued.head, *next;
         l && !is_full(outbox, rows->len, bytes); l = next) {
        struct row *row = l->data;
        xmpp_stanza_t *stanza;
        next = l->next;
        if (is_blocked(outbox, row))
            continue;
        stanza = build(outbox, row);
        if (!stanza)
            return;
        g_ptr_array_add(rows, row);
        g_ptr_array_add(stanzas, stanza);
        bytes += strlen(row->text) + ENVELOPE_BYTES;
        g_queue_delete_link(&outbox->queued, l);
    }
}

/* The rows say that they were sent, and as which, before they are: whatever
 * happens then, nothing is sent twice. */
static void number(struct outbox *outbox, const GPtrArray *rows)
{
    struct account *account = outbox->account;
    guint32 seq = 0;
    const bool counted = session_counts(account, &seq);

    for (guint i = 0; i < rows->len; i++) {
        struct row *row = g_ptr_array_index(rows, i);
        row->counted = counted;
        row->seq = counted ? seq + i : 0;
        if (account->history && row->stored)
            history_set_sent(account->history, row->stored, row->seq);
    }
    session_hold(account);
}

static void flush(struct outbox *outbox)
{
    struct account *account = outbox->account;
    g_autoptr(GPtrArray) rows = NULL, stanzas = NULL;

    if (!account->synced || !session_is_online(account))
        return;
    hold_old(outbox);
    refill(outbox);
    rows = g_ptr_array_new();
    stanzas = g_ptr_array_new();
    take_ready(outbox, rows, stanzas);
    if (outbox->unconfirmed.length == 0)
        outbox->since_us = g_get_monotonic_time();
    if (rows->len > 0)
        number(outbox, rows);
    for (guint i = 0; i < rows->len; i++) {
        g_queue_push_tail(
            &outbox->unconfirmed, g_ptr_array_index(rows, i));
        session_send(account, g_ptr_array_index(stanzas, i));
    }
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
        _("The text is too long for one message: %zu KiB, and the server takes "
        "%zu KiB. Send it in parts or as a file."),
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
    if (account->history) {
        history_add(account->history, chat, message, 0);
        session_store_changed(account);
    }
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

    if (!*clean) {
        g_set_error_literal(error, outbox_error_quark(), OUTBOX_ERROR_EMPTY,
            _("There is no text to send: write it behind the address."));
        return NULL;
    }
    if (!check_size(account, clean, error))
        return NULL;
    message = append(chat, clean);
    /* Behind one that waits it waits, too: order per stream (C44). */
    enqueue(outbox,
        row_new(chat->jid, chat->kind, message, message->row == 0));
    flush(outbox);
    account_emit(account,
        (struct event){ .type = EVENT_MESSAGE,
            .chat = chat,
            .message = { message } });
    if (account->session)
        ask_server(outbox);
    return message;
}

void outbox_online(struct account *account)
{
    struct outbox *outbox = session_outbox(account);

    judge(outbox);
    flush(outbox);
    ask_server(outbox);
}

void outbox_restore(struct account *account)
{
    struct outbox *outbox = session_outbox(account);
    struct history *history = account->history;
    g_autoptr(GPtrArray) sent = history_outbox_sent(history);

    for (guint i = 0; i < sent->len; i++) {
        const struct history_out *out = g_ptr_array_index(sent, i);
        struct row *row;
        if (!out->message->id || !out->message->body)
            continue;
        row = row_new(out->chat, out->kind, out->message, false);
        row->seq = out->sm_seq;
        row->counted = out->sm_seq != 0;
        g_queue_push_tail(&outbox->unproved, row);
    }
    outbox->reached = outbox->held_to = old_before(outbox);
    outbox->held = history_count_unsent(history, 0, outbox->held_to);
    outbox->rest =
        history_count_unsent(history, outbox->held_to, G_MAXINT64);
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

/* One that is not here but in the store, where it is held, waits, or failed. */
static struct row *take_stored(struct outbox *outbox, const char *id)
{
    struct history *history = outbox->account->history;
    const gint64 place = history ? history_find_own(history, id) : 0;
    auto_struct(history_out) out =
        place ? history_load_out(history, place) : NULL;
    const struct message *message = out ? out->message : NULL;
    struct row *row;

    if (!message || !message->id || !message->body ||
        message->type == MESSAGE_ERROR)
        return NULL;
    if (message->delivery == DELIVERY_FAILED) {
        row = row_new(out->chat, out->kind, message, true);
        row->error = g_strdup(message->error ? message->error : "");
        return row;
    }
    if (message->delivery != DELIVERY_QUEUED || out->sent)
        return NULL;
    if (place > outbox->reached && outbox->rest > 0)
        outbox->rest--;
    else if (place <= outbox->held_to && outbox->held > 0)
        outbox->told = --outbox->held;
    else
        return NULL;
    return row_new(out->chat, out->kind, message, true);
}

static struct row *take_unsent(struct outbox *outbox, const char *id)
{
    struct row *row = take_from(&outbox->queued, id);

    return row ? row : take_stored(outbox, id);
}

static void give_up(struct outbox *outbox, struct row *row, const char *why)
{
    g_autoptr(GError) error =
        g_error_new_literal(outbox_error_quark(), OUTBOX_ERROR_LOST, why);

    set_delivery(outbox, row, DELIVERY_FAILED, why);
    tell(outbox, row->id, error);
    row_free(row);
}

void outbox_give_up(struct account *account, const char *id)
{
    struct outbox *outbox = session_outbox(account);
    struct row *row = take_unsent(outbox, id);

    if (row)
        give_up(
            outbox, row, _("It was given up before there was a connection."));
}

/* ---- /outbox ----------------------------------------------------------- */

#define LIST_FIELDS "outbox: id? state time? chat text error?"

static void list_row(struct job *job, const char *id, const char *state,
    gint64 time_us, const char *chat, const char *text, const char *error)
{
    JOB_ROW(job, "outbox", FIELD_T("id", id), FIELD_T("state", state),
        FIELD_D("time", time_us), FIELD_T("chat", chat),
        FIELD_T("text", text), FIELD_T("error", error));
}

static void list(struct job *job, const GQueue *queue, const char *state)
{
    struct outbox *outbox = session_outbox(job_account(job));

    for (const GList *l = queue->head; l; l = l->next) {
        const struct row *row = l->data;
        auto_struct(message) loaded = NULL;
        const struct message *message = message_of(outbox, row, &loaded);
        list_row(job, row->id, state, row->time_us, row->chat,
            row->text ? row->text
                : message ? message->body
                          : NULL,
            row->error);
    }
}

/* For each that is only in the store, behind one row up to another. */
static void foreach_stored(struct outbox *outbox, gint64 after, gint64 up_to,
    void (*fn)(struct outbox *outbox, const struct history_out *out,
        gpointer data),
    gpointer data)
{
    struct history *history = outbox->account->history;
    bool more = history != NULL;

    while (more) {
        g_autoptr(GPtrArray) page =
            history_outbox_after(history, after, WINDOW);
        more = page->len > 0;
        for (guint i = 0; more && i < page->len; i++) {
            const struct history_out *out = g_ptr_array_index(page, i);
            after = out->message->row;
            more = after <= up_to;
            if (more && out->message->id && out->message->body &&
                !find(&outbox->queued, out->message->id))
                fn(outbox, out, data);
        }
    }
}

static void list_held(
    struct outbox *outbox, const struct history_out *out, gpointer data)
{
    const struct message *m = out->message;

    (void)outbox;
    list_row(data, m->id, "held", m->time_us, out->chat, m->body, NULL);
}

static void list_rest(
    struct outbox *outbox, const struct history_out *out, gpointer data)
{
    const struct message *m = out->message;

    (void)outbox;
    list_row(data, m->id, "queued", m->time_us, out->chat, m->body, NULL);
}

static void list_drafts(struct job *job)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, job_account(job)->chats);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct chat *chat = value;
        if (chat->draft && *chat->draft)
            list_row(job, NULL, "draft", 0, chat->jid, chat->draft, NULL);
    }
}

static enum cmd_status run_list(struct job *job)
{
    struct outbox *outbox = session_outbox(job_account(job));

    list(job, &outbox->failed, "failed");
    if (outbox->held > 0)
        foreach_stored(outbox, 0, outbox->held_to, list_held, job);
    list(job, &outbox->unproved, "unknown");
    list(job, &outbox->unconfirmed, "sent");
    list(job, &outbox->queued, "queued");
    if (outbox->rest > 0)
        foreach_stored(outbox, outbox->reached, G_MAXINT64, list_rest, job);
    list_drafts(job);
    return job_done(job);
}

static void take_held(
    struct outbox *outbox, const struct history_out *out, gpointer data)
{
    (void)outbox;
    g_queue_push_tail(
        data, row_new(out->chat, out->kind, out->message, false));
}

/* Those that wait for a decision: one by its id, or all. */
static guint take(struct outbox *outbox, const char *id, GQueue *into)
{
    struct row *row;

    if (id) {
        row = take_from(&outbox->failed, id);
        if (!row)
            row = take_stored(outbox, id);
        if (row)
            g_queue_push_tail(into, row);
        return into->length;
    }
    while ((row = g_queue_pop_head(&outbox->failed)))
        g_queue_push_tail(into, row);
    if (outbox->held > 0)
        foreach_stored(outbox, 0, outbox->held_to, take_held, into);
    outbox->held = outbox->told = 0;
    return into->length;
}

static enum cmd_status none(struct job *job, const char *id)
{
    return id
        ? job_fail(job, "item-not-found",
              "No message of this id waits for a decision. See /outbox.")
        : job_fail(job, "item-not-found",
              "No message waits for a decision.");
}

/* The same id: whoever has it already knows it again. */
static void try_again(struct outbox *outbox, struct row *row)
{
    g_clear_pointer(&row->error, g_free);
    row->approved = true;
    set_delivery(outbox, row, DELIVERY_QUEUED, NULL);
    queue_again(outbox, row);
}

static enum cmd_status run_retry(struct job *job)
{
    struct outbox *outbox = session_outbox(job_account(job));
    const char *id = job_arg(job, "id");
    GQueue rows = G_QUEUE_INIT;
    struct row *row;

    if (take(outbox, id, &rows) == 0)
        return none(job, id);
    while ((row = g_queue_pop_tail(&rows)))
        try_again(outbox, row);
    flush(outbox);
    ask_server(outbox);
    return job_done(job);
}

static enum cmd_status run_drop(struct job *job)
{
    struct outbox *outbox = session_outbox(job_account(job));
    const char *id = job_arg(job, "id");
    GQueue rows = G_QUEUE_INIT;
    struct row *row;

    if (id && (row = take_from(&outbox->queued, id)))
        g_queue_push_tail(&rows, row);
    else if (take(outbox, id, &rows) == 0)
        return none(job, id);
    while ((row = g_queue_pop_head(&rows))) {
        if (row->error)
            row_free(row);
        else
            give_up(outbox, row, _("You chose not to send it."));
    }
    return job_done(job);
}

static const struct command subs[] = {
    { .name = "list",
        .needs = NEEDS_ACCOUNT,
        .summary = "Show what is not known to have reached the server",
        .detail = "draft: typed and left in the input line; failed: with the "
                  "reason; held: older than a day, so you are "
                  "asked; unknown: sent, but the connection was lost before the "
                  "server said that it has it; sent: on its way; queued: not "
                  "sent yet.",
        .fields = LIST_FIELDS,
        .run = run_list },
    { .name = "retry",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "id",
            .kind = &arg_word,
            .flags = ARG_OPTIONAL,
            .summary = "of the message; without it all" } },
        .summary = "Send what failed or is held",
        .run = run_retry },
    { .name = "drop",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "id",
            .kind = &arg_word,
            .flags = ARG_OPTIONAL,
            .summary = "of the message; without it all that failed or are "
                       "held" } },
        .summary = "Give up what failed, is held or is queued",
        .run = run_drop },
    { .name = NULL },
};

static const char *const examples[] = { "/outbox", "what is on its way",
    "/outbox retry", "sends what failed or is older than a day", NULL };

const struct command outbox_commands[] = {
    { .name = "outbox",
        .needs = NEEDS_ACCOUNT,
        .words = "unsent queue pending failed waiting resend retry",
        .summary = "Show, send or give up messages that are on their way",
        .detail = "A message is kept on disk from the moment it is typed until "
                  "the server has it, so it survives a lost connection and the "
                  "end of the program. It is sent as soon as there is a "
                  "connection; only what is older than a day waits for "
                  "“/outbox retry”.",
        .examples = examples,
        .fields = LIST_FIELDS,
        .run = run_list,
        .sub = subs },
    { .name = NULL },
};
