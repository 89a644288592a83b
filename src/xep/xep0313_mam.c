/*
 * Asking the archive, a page at a time (XEP-0059). A result is believed only
 * when it comes from the archive that was asked, under the id of a question
 * that is still open, and with exactly one message of ours in it (XEP-0313
 * s. 8; H32, H33). A page that goes backwards is put into the store when it is
 * whole, so that messages of one second keep their order.
 */
#include <string.h>
#include "base/intl.h"
#include "base/stamp.h"
#include "model/jid.h"
#include "store/history.h"
#include "xep/xep.h"
#include "xep/xep0004_form.h"
#include "xep/xep0059_rsm.h"
#include "xep/xep0297_forward.h"
#include "xep/xep0313_mam.h"
#include "xmpp/inbox.h"
#include "xmpp/iq.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"
#include "xmpp/rfc6120_session.h"

#define MAX_ID_BYTES 1024
#define TOLERANCE_US (60 * G_USEC_PER_SEC) /* clocks differ */
#define TIMEOUT_S 60

extern const struct feature xep0313;

struct mam *mam_of(const struct account *account)
{
    return feature_state(account, &xep0313);
}

struct mam_page *mam_page_new(struct account *account)
{
    struct mam_page *page = g_new0(struct mam_page, 1);
    page->account = account;
    page->max = 50;
    return page;
}

static void page_free(gpointer data)
{
    struct mam_page *page = data;
    g_free(page->with);
    g_free(page->start);
    g_free(page->end);
    g_free(page->after);
    g_free(page->before);
    g_free(page->first);
    g_free(page->last);
    g_free(page->stop);
    g_free(page->condition);
    g_free(page->sentence);
    g_free(page->queryid);
    if (page->held)
        g_ptr_array_unref(page->held);
    if (page->free_data && !page->answered)
        page->free_data(page->data);
    g_free(page);
}

static void set(char **place, const char *value)
{
    g_free(*place);
    *place = g_strdup(value);
}

/* ---- storing ----------------------------------------------------------- */

/* The place of the next one: its time, but behind the one before it. */
static gint64 next_place(struct mam_page *page, gint64 time_us)
{
    gint64 place = MAX(page->place, page->floor) + 1;
    if (place == 1 || time_us > place)
        place = MAX(time_us, 1);
    return page->place = place;
}

static void announce(struct chat *chat, struct message *message)
{
    bool placed = message->row > 0 ? chat_place(chat, message)
                                   : (chat_append(chat, message), true);
    reading_count(chat, message);
    account_emit(chat->account,
        (struct event){ .type = EVENT_MESSAGE,
            .chat = chat,
            .contact = roster_find(chat->account->roster, chat->jid),
            .message = { message } });
    if (!placed)
        message_free(message);
}

/* One that is here already: the archive knows its id, and has ours. */
static void meet(struct chat *chat, const struct message *copy)
{
    struct message *held = chat_find_row(chat, copy->row);
    if (held && !held->stanza_id) {
        set(&held->stanza_id, copy->stanza_id);
        set(&held->stanza_by, copy->stanza_by);
    }
    if (copy->outgoing && (copy->origin_id || copy->id))
        outbox_confirm(
            chat->account, copy->origin_id ? copy->origin_id : copy->id);
}

/* Takes message. */
static void keep(struct mam_page *page, struct message *message, gint64 place)
{
    struct account *account = page->account;
    g_autofree char *bare =
        jid_bare(message->outgoing ? message->to : message->from);
    struct chat *chat = account_find_chat(account, bare);
    struct chat *passing = NULL;
    if (!chat && page->quiet)
        chat = passing = chat_new(account, bare, CHAT_CONTACT);
    else if (!chat)
        chat = account_open_chat(account, bare, CHAT_CONTACT);
    enum history_added added =
        history_add(account->history, chat, message, place);
    bool is_new = added != HISTORY_DUPLICATE;
    message->repeated = added == HISTORY_REPEATED;
    page->place = MAX(page->place, message->row);
    if (!is_new)
        meet(chat, message);
    if (page->touched)
        g_hash_table_add(page->touched, g_strdup(bare));
    page->fresh += is_new;
    if (is_new && !page->quiet)
        announce(chat, g_steal_pointer(&message));
    else if (is_new && !passing && message->row > 0 &&
             chat->messages->len > 0 && chat_place(chat, message))
        message = NULL;
    message_free(message);
    chat_free(passing);
}

static void keep_held(struct mam_page *page)
{
    gint64 ceiling = page->ceiling > 0 ? page->ceiling : G_MAXINT64;
    GPtrArray *held = page->held;
    if (!held)
        return;
    for (guint i = held->len; i-- > 0;) {
        struct message *m = held->pdata[i];
        m->ord = ceiling = MIN(m->time_us, ceiling - 1);
    }
    g_ptr_array_set_free_func(held, NULL);
    for (guint i = 0; i < held->len; i++) {
        struct message *m = held->pdata[i];
        keep(page, m, MAX(m->ord, 1));
    }
    g_ptr_array_set_size(held, 0);
}

/* ---- results ----------------------------------------------------------- */

static gint64 read_time(xmpp_stanza_t *delay)
{
    const char *stamp = stanza_attr(delay, "stamp");
    gint64 time_us, now = stamp_now();
    if (!stamp || !stamp_parse(stamp, &time_us))
        return 0;
    return MIN(time_us, now + TOLERANCE_US); /* H46 */
}

static void note_result(
    struct mam_page *page, const char *id, gint64 time_us)
{
    if (page->results++ == 0) {
        page->first = g_strdup(id);
        page->first_us = time_us;
    }
    g_free(page->last);
    page->last = g_strdup(id);
    page->last_us = time_us;
}

static struct mam_page *page_of(
    struct incoming *incoming, xmpp_stanza_t *result)
{
    struct account *account = incoming->account;
    const char *queryid = stanza_attr(result, "queryid");
    if (!queryid || incoming->carbon || incoming->archive ||
        !jid_equal_prepared(incoming->from, account->jid) ||
        stanza_child(incoming->stanza, "result", NS_MAM) != result ||
        stanza_next(result, "result", NS_MAM))
        return NULL;
    struct mam_page *page =
        g_hash_table_lookup(mam_of(account)->pages, queryid);
    return page && page->results < 2 * page->max ? page : NULL;
}

static enum verdict on_result(struct incoming *incoming, xmpp_stanza_t *result)
{
    struct account *account = incoming->account;
    const char *id = stanza_attr(result, "id");
    struct mam_page *page = page_of(incoming, result);
    if (!page || !id || !*id || strlen(id) > MAX_ID_BYTES)
        return DROPPED;
    xmpp_stanza_t *delay;
    xmpp_stanza_t *inner = forward_unwrap(result, &delay);
    const char *from = stanza_attr(inner, "from");
    const char *to = stanza_attr(inner, "to");
    if (!inner || !from)
        return DROPPED;
    bool outgoing = jid_bare_equal(from, account->jid);
    if (!outgoing && to && !jid_bare_equal(to, account->jid))
        return DROPPED; /* nobody's business of ours (as H31) */
    if (page->stop && strcmp(page->stop, id) == 0)
        page->saw_stop = true;
    struct mam_context context = { page, id, read_time(delay) };
    if (context.time_us == 0) /* between its neighbours */
        context.time_us = page->last_us > 0 ? page->last_us : stamp_now();
    note_result(page, id, context.time_us);
    mam_of(account)->context = &context;
    inbox_receive_inner(incoming, inner, outgoing, false, true);
    if (account->session)
        mam_of(account)->context = NULL;
    return CLAIMED;
}

static enum verdict deliver(struct incoming *incoming, xmpp_stanza_t *child)
{
    (void)child;
    struct account *account = incoming->account;
    struct message *message = incoming->message;
    const struct mam_context *context = mam_of(account)->context;
    if (!incoming->archive || !context || !account->history)
        return GO_ON;
    if (message->type == MESSAGE_ERROR || message->type == MESSAGE_GROUPCHAT ||
        (!message->body && !message->subject))
        return CLAIMED;
    const char *peer = message->outgoing ? message->to : message->from;
    if (!jid_is_valid(peer))
        return DROPPED;
    struct mam_page *page = context->page;
    set(&message->stanza_id, context->id);
    set(&message->stanza_by, account->jid);
    if (!message->delayed)
        message->time_us = context->time_us;
    message->delayed = true;
    incoming->message = NULL;
    session_store_changed(account);
    if (page->held) {
        message->time_us = context->time_us;
        g_ptr_array_add(page->held, message);
    } else {
        keep(page, message, next_place(page, context->time_us));
    }
    return CLAIMED;
}

/* ---- questions --------------------------------------------------------- */

static xmpp_stanza_t *build(const struct mam_page *page)
{
    xmpp_stanza_t *query, *form;
    xmpp_stanza_t *iq = iq_new("set", NULL, "query", NS_MAM, &query);
    stanza_set(query, "queryid", page->queryid);
    /* S. 6.1.1: who can be told is told. Rooms have archives of their own. */
    bool no_rooms = mam_of(page->account)->no_rooms;
    if (page->with || page->start || page->end || no_rooms) {
        form = form_begin(query, NS_MAM);
        form_put(form, "include-groupchat", no_rooms ? "false" : NULL);
        form_put(form, "with", page->with);
        form_put(form, "start", page->start);
        form_put(form, "end", page->end);
    }
    rsm_add(query, page->max, page->after, page->before);
    return iq;
}

static bool is_bool(xmpp_stanza_t *element, const char *name, const char *word,
    const char *digit)
{
    const char *value = stanza_attr(element, name);
    return g_strcmp0(value, word) == 0 || g_strcmp0(value, digit) == 0;
}

static void on_fin(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    struct mam_page *page = data;
    xmpp_stanza_t *fin = stanza_child(result, "fin", NS_MAM);
    if (more || !page->queryid) /* cancelled */
        return;
    g_hash_table_remove(mam_of(account)->pages, page->queryid);
    g_clear_pointer(&page->queryid, g_free);
    if (!result || !fin) {
        page->condition =
            g_strdup(error ? error->condition : "undefined-condition");
        page->sentence = error
            ? stanza_error_sentence(error)
            : g_strdup(_("The server's archive gave no answer that can be read."));
    } else {
        page->complete = is_bool(fin, "complete", "true", "1");
        page->unstable = is_bool(fin, "stable", "false", "0");
    }
    page->answered = true;
    keep_held(page);
    if (page->done)
        page->done(page);
}

void mam_page_ask(struct mam_page *page)
{
    struct account *account = page->account;
    page->queryid = stanza_new_id();
    if (page->before)
        page->held = g_ptr_array_new_with_free_func(
            (GDestroyNotify)message_free);
    g_hash_table_insert(mam_of(account)->pages, page->queryid, page);
    iq_send(account, build(page), TIMEOUT_S, on_fin, page, page_free);
}

/* The pages are freed with their requests, which end without us. */
void mam_page_cancel_all(struct account *account)
{
    GHashTableIter iter;
    gpointer page;
    g_hash_table_iter_init(&iter, mam_of(account)->pages);
    while (g_hash_table_iter_next(&iter, NULL, &page)) {
        g_hash_table_iter_remove(&iter);
        g_clear_pointer(&((struct mam_page *)page)->queryid, g_free);
    }
}

/* ---- the feature ------------------------------------------------------- */

static const struct option options[] = {
    { .name = "account.archive_days",
        .kind = OPTION_INT,
        .fallback = "14",
        .max = 36500,
        .summary = "days of the server's archive that the first sign-in gets",
        .detail = "Older messages come when they are scrolled to. 0: all." },
    { .name = "account.archive_count",
        .kind = OPTION_INT,
        .fallback = "2000",
        .max = 100000000,
        .summary = "… and at most so many messages; 0: any number" },
    { .name = NULL },
};
static const struct incoming_hook incoming_hooks[] = {
    { PHASE_UNWRAP, "message", "result", NS_MAM, on_result },
    { PHASE_DELIVER, "message", NULL, NULL, deliver },
    { .run = NULL },
};

extern const struct command mam_commands[];

const struct feature xep0313 = {
    .spec = "XEP-0313",
    .name = "Message Archive Management",
    .version = "1.1.3",
    .since = "0.1.0",
    .note = "The account's own archive.",
    .incoming = incoming_hooks,
    .commands = mam_commands,
    .options = options,
    .state_size = sizeof(struct mam),
    .attach = mam_attach,
    .detach = mam_detach,
    .ready = mam_ready,
    .offline = mam_offline,
};
