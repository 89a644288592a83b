/*
 * A stanza's way in. The children that some hook wants are found in one pass
 * through a table keyed by (stanza, element, namespace), together with the
 * hooks that always run; sorted by phase and by the order of features[] they
 * make the short list that is then run.
 */
#include "xmpp/inbox.h"
#include <string.h>
#include "base/log.h"
#include "model/jid.h"
#include "model/message.h"
#include "xmpp/rfc6120_session.h"

#define MATCHES 64       /* hook runs of one stanza */
#define DROPS_LOGGED 5   /* lines a second */

struct row {
    enum phase phase;
    guint order; /* in features[] and its table */
    enum verdict (*run)(struct incoming *incoming, xmpp_stanza_t *child);
};

struct table { /* for messages, for presence */
    GHashTable *by_child; /* struct stanza_key → GArray of struct row */
    GArray *always;       /* struct row */
};

struct inbox {
    struct table tables[2]; /* by is_presence */
    gint64 drop_second;
    guint drops;
};

static void add_row(
    struct table *table, const struct incoming_hook *hook, struct row row)
{
    struct stanza_key key = { hook->element, hook->ns ? hook->ns : NS_CLIENT };
    GArray *rows;

    if (!hook->element) {
        g_array_append_val(table->always, row);
        return;
    }
    rows = g_hash_table_lookup(table->by_child, &key);
    if (!rows) {
        rows = g_array_new(FALSE, FALSE, sizeof(struct row));
        g_hash_table_insert(
            table->by_child, g_memdup2(&key, sizeof key), rows);
    }
    g_array_append_val(rows, row);
}

struct inbox *inbox_new(void)
{
    struct inbox *inbox = g_new0(struct inbox, 1);
    guint order = 0;

    for (int i = 0; i < 2; i++) {
        struct table *table = &inbox->tables[i];
        table->by_child = g_hash_table_new_full(
            stanza_key_hash, stanza_key_equal, g_free, (GDestroyNotify)g_array_unref);
        table->always = g_array_new(FALSE, FALSE, sizeof(struct row));
    }
    for (guint i = 0; features[i]; i++)
        for (const struct incoming_hook *hook = features[i]->incoming;
             hook && hook->run; hook++)
            add_row(&inbox->tables[strcmp(hook->stanza, "presence") == 0],
                hook, (struct row){ hook->phase, order++, hook->run });
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    if (!inbox)
        return;
    for (int i = 0; i < 2; i++) {
        g_hash_table_unref(inbox->tables[i].by_child);
        g_array_unref(inbox->tables[i].always);
    }
    g_free(inbox);
}

void inbox_log_drop(
    struct account *account, xmpp_stanza_t *stanza, const char *why)
{
    struct inbox *inbox = session_inbox(account);
    const char *from = stanza_attr(stanza, "from");
    gint64 second;

    if (!log_enabled() || !inbox)
        return;
    second = g_get_monotonic_time() / G_USEC_PER_SEC;
    if (second != inbox->drop_second) {
        inbox->drop_second = second;
        inbox->drops = 0;
    }
    if (inbox->drops++ < DROPS_LOGGED)
        log_line("inbox", "%s: dropped %s from %s: %s", account->jid,
            stanza_name(stanza), from ? from : "our server", why);
}

struct match {
    const struct row *row;
    xmpp_stanza_t *child;
};

/* Keeps the list sorted by phase and order; equal ones in document order. */
static guint insert(struct match *matches, guint n, const struct row *row,
    xmpp_stanza_t *child)
{
    guint i = n;

    if (n == MATCHES)
        return n;
    while (i > 0 &&
        (matches[i - 1].row->phase > row->phase ||
            (matches[i - 1].row->phase == row->phase &&
                matches[i - 1].row->order > row->order))) {
        matches[i] = matches[i - 1];
        i--;
    }
    matches[i] = (struct match){ row, child };
    return n + 1;
}

static guint collect(const struct table *table, struct incoming *incoming,
    enum phase from, struct match *matches)
{
    const bool is_error = g_strcmp0(incoming->type, "error") == 0;
    guint n = 0;

    for (guint i = 0; i < table->always->len; i++) {
        const struct row *row = &g_array_index(table->always, struct row, i);
        if (row->phase >= from)
            n = insert(matches, n, row, NULL);
    }
    for (xmpp_stanza_t *child = stanza_first_element(incoming->stanza);
         child && n < MATCHES; child = stanza_next(child, NULL, NULL)) {
        const struct stanza_key key = { stanza_name(child), stanza_ns(child) };
        const GArray *rows;
        if (is_error && strcmp(key.element, "error") != 0)
            continue; /* an echo of what we sent */
        rows = g_hash_table_lookup(table->by_child, &key);
        for (guint i = 0; rows && i < rows->len; i++) {
            const struct row *row = &g_array_index(rows, struct row, i);
            if (row->phase >= from)
                n = insert(matches, n, row, child);
        }
    }
    return n;
}

static void run(struct incoming *incoming, enum phase from)
{
    const struct inbox *inbox = session_inbox(incoming->account);
    struct match matches[MATCHES];
    const guint n = collect(
        &inbox->tables[incoming->is_presence], incoming, from, matches);

    for (guint i = 0; i < n; i++) {
        switch (matches[i].row->run(incoming, matches[i].child)) {
        case GO_ON:
            break;
        case CLAIMED:
            return;
        case DROPPED:
            inbox_log_drop(incoming->account, incoming->stanza, "by a rule");
            return;
        }
        if (!incoming->account->session)
            return;
    }
}

/* Servers send prepared addresses. Capitals and a dot at the end show that this
 * one does not: then it is done here, or one person would have two chats (H50). */
static bool is_prepared(const char *jid)
{
    const char *p = jid;

    for (; *p && *p != '/'; p = g_utf8_next_char(p))
        if (*p & 0x80 ? g_unichar_isupper(g_utf8_get_char(p))
                      : g_ascii_isupper(*p))
            return false;
    return p == jid || p[-1] != '.';
}

/* Fills what every hook may rely on. False: the stanza has no believable
 * sender and goes no further (H50). */
static bool prepare(struct incoming *incoming)
{
    xmpp_stanza_t *stanza = incoming->stanza;
    const char *from = stanza_attr(stanza, "from");
    const char *to = stanza_attr(stanza, "to");

    incoming->is_presence = *stanza_name(stanza) == 'p';
    incoming->id = stanza_attr(stanza, "id");
    incoming->type = stanza_attr(stanza, "type");
    incoming->from = from ? from : incoming->account->jid;
    incoming->to = to ? to : incoming->account->jid;
    if (stanza_lang(stanza))
        incoming->lang = stanza_lang(stanza);
    if (from && !jid_is_valid(from)) {
        inbox_log_drop(incoming->account, stanza, "malformed from");
        return false;
    }
    if (!is_prepared(incoming->from)) {
        incoming->prepared = jid_prepare(incoming->from, NULL);
        if (!incoming->prepared)
            return false;
        incoming->from = incoming->prepared;
    }
    incoming->from_bare =
        g_strndup(incoming->from, jid_bare_len(incoming->from));
    if (!incoming->is_presence)
        incoming->message = message_new();
    else if (!incoming->type || strcmp(incoming->type, "unavailable") == 0)
        incoming->presence = presence_new(incoming->from);
    return true;
}

static void close_incoming(struct incoming *incoming)
{
    g_free(incoming->from_bare);
    g_free(incoming->prepared);
    message_free(incoming->message);
    presence_free(incoming->presence);
    xmpp_stanza_release(incoming->stanza);
}

void inbox_receive(struct account *account, xmpp_stanza_t *stanza)
{
    struct incoming incoming = {
        .account = account,
        .stanza = xmpp_stanza_clone(stanza),
        .lang = session_lang(account),
    };

    if (prepare(&incoming)) {
        incoming.from_server =
            strcmp(incoming.from, account->jid) == 0 ||
            strcmp(incoming.from, jid_domain_start(account->jid)) == 0;
        run(&incoming, PHASE_UNWRAP);
    }
    close_incoming(&incoming);
}

void inbox_receive_inner(const struct incoming *outer, xmpp_stanza_t *inner,
    bool outgoing, bool carbon, bool archive)
{
    struct incoming incoming = {
        .account = outer->account,
        .stanza = xmpp_stanza_clone(inner),
        .outgoing = outgoing,
        .carbon = carbon,
        .archive = archive,
        .from_server = outer->from_server,
        .lang = outer->lang,
    };

    if (stanza_is(inner, "message", NS_CLIENT) && prepare(&incoming))
        run(&incoming, PHASE_DECRYPT);
    close_incoming(&incoming);
}
