/*
 * Stream management on our own counters. Two numbers, both mod 2^32: out is
 * how many stanzas we sent since <enable/>, in how many we worked through since
 * <enabled/>. What we sent and the server has not confirmed is kept twice:
 * every stanza here, for as long as the process lives, and every message as a
 * row of the outbox, on disk with its number before its bytes leave.
 *
 * We confirm only what is on disk (kept), never what was only seen, and our
 * own number is in the same transaction as the messages it counts (put, while
 * that is on its way to the disk). So a session
 * can be taken up by the next process: it knows its id, its in and the numbers
 * of its rows, all of one moment. Of out it knows only a lower bound; the h of
 * <resumed/> says it exactly, and what is sent again gets the next numbers.
 *
 * A request <r/> is on its way at most once at a time, and only when something
 * waits for its answer: an idle session sends none.
 */
#include "xep/xep0198_sm.h"
#include <string.h>
#include "model/jid.h"
#include "net/stream.h"
#include "store/history.h"
#include "xep/xep.h"
#include "xmpp/outbox.h"
#include "xmpp/rfc6120_session.h"

#define NS_SM "urn:xmpp:sm:3"
#define AWAY_S 600      /* where the server does not say how long it waits */
#define AWAY_MAX_S 86400
#define ASK_EVERY 25    /* stanzas that are no messages */
#define KEPT_MAX 5000   /* unconfirmed stanzas, then it cannot be resumed */
#define ID_BYTES 4096
/* A count in a row of the store may be this far behind. */
#define SLACK G_MAXINT32

enum phase_of_sm { SM_OFF, SM_ASKED, SM_ON };

struct sent {
    guint32 number;
    xmpp_stanza_t *stanza; /* NULL: a ping of the stream, not worth another try */
};

struct sm {
    enum phase_of_sm phase;
    char *id;          /* may be taken up under this name; NULL: not */
    char *location, *address;
    guint away_s;
    guint32 in, kept;  /* worked through; of them on disk */
    guint32 put;       /* … of them under way to the disk, and … */
    bool putting;      /* … whether anything is */
    guint32 told;      /* … of those on disk, what the server was told last */
    guint32 out, acked;
    GQueue unacked;    /* struct sent, oldest first */
    bool bare;         /* of a process before this one: unacked is empty, out a
                          lower bound */
    bool saved;        /* id, location and address are in the store */
    bool asked;        /* <r/> is on its way */
    guint unasked;     /* sent since */
    bool wanted;       /* the server asks what we have … */
    bool answering;    /* … and that is under way */
    xmpp_stanza_t *enabled; /* in <bound/>, until we are online */
};

static struct sm *sm_of(const struct account *account)
{
    return feature_state(account, &xep0198);
}

/* ---- the store --------------------------------------------------------- */

static void put(
    struct account *account, const char *key, const char *value)
{
    if (account->history)
        history_set_value(account->history, key, value);
}

static void write_count(struct account *account, struct sm *sm)
{
    g_autofree char *count =
        g_strdup_printf("%u %u %u", sm->in, sm->acked, sm->out);

    put(account, "sm.count", count);
}

static void save(struct account *account, struct sm *sm)
{
    put(account, "sm.id", sm->id);
    put(account, "sm.location", sm->location);
    put(account, "sm.address", sm->id ? account->full_jid : NULL);
    put(account, "sm.resource", sm->id ? session_resource(account) : NULL);
    if (sm->id)
        write_count(account, sm);
    else
        put(account, "sm.count", NULL);
    sm->saved = sm->id != NULL;
    session_store_changed(account);
}

static void write(struct account *account)
{
    struct sm *sm = sm_of(account);

    if (!sm)
        return;
    if (sm->saved && !sm->bare)
        write_count(account, sm);
    sm->put = sm->in;
    sm->putting = true;
    sm->answering |= sm->wanted;
    sm->wanted = false;
}

static bool read_count(struct sm *sm, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text ? text : "", " ", 4);
    guint32 *const places[] = { &sm->in, &sm->acked, &sm->out };

    if (g_strv_length(parts) != G_N_ELEMENTS(places))
        return false;
    for (guint i = 0; i < G_N_ELEMENTS(places); i++)
        if (!sm_parse_h(parts[i], places[i]))
            return false;
    return true;
}

/* A session that the last process did not close. */
static void load(struct account *account, struct sm *sm)
{
    g_autofree char *count = NULL;

    sm->id = history_get_value(account->history, "sm.id");
    sm->location = history_get_value(account->history, "sm.location");
    sm->address = history_get_value(account->history, "sm.address");
    count = history_get_value(account->history, "sm.count");
    sm->bare = sm->saved = true;
    if (sm->id && sm->address && jid_is_valid(sm->address) &&
        read_count(sm, count)) {
        sm->kept = sm->in;
        return;
    }
    g_clear_pointer(&sm->id, g_free);
    g_clear_pointer(&sm->location, g_free);
    sm->bare = sm->saved = false;
}

/* ---- small things ------------------------------------------------------ */

bool sm_parse_h(const char *text, guint32 *h)
{
    guint64 number;

    if (!text || !*text || strlen(text) > 10 ||
        strspn(text, "0123456789") != strlen(text) ||
        !g_ascii_string_to_unsigned(
            text, 10, 0, G_MAXUINT32, &number, NULL))
        return false;
    *h = (guint32)number;
    return true;
}

static void sent_free(struct sent *sent)
{
    stanza_release(sent->stanza);
    g_free(sent);
}

static void drop_unacked(struct sm *sm)
{
    struct sent *sent;

    while ((sent = g_queue_pop_head(&sm->unacked)))
        sent_free(sent);
}

/* It cannot be taken up any more. */
static void forget(struct account *account, struct sm *sm)
{
    g_clear_pointer(&sm->id, g_free);
    g_clear_pointer(&sm->location, g_free);
    g_clear_pointer(&sm->address, g_free);
    sm->bare = false;
    if (sm->saved)
        save(account, sm);
    if (session_stream(account))
        stream_set_location(session_stream(account), NULL);
}

static void nonza(struct account *account, const char *name, const guint32 *h)
{
    g_autofree char *number = h ? g_strdup_printf("%u", *h) : NULL;

    session_transmit(
        account, stanza_new(name, NS_SM, "h", number, (char *)NULL));
}

/* ---- what the server has ----------------------------------------------- */

/* XEP-0198 s. 4: more than was sent, or less than it had, cannot be (F08). Of
 * a session that another process began we know only what it had at least. */
static bool is_possible(const struct sm *sm, guint32 h)
{
    const guint32 news = h - sm->acked;

    return news <= (sm->bare ? SLACK : sm->out - sm->acked);
}

static void refuse(
    struct account *account, struct sm *sm, const char *h)
{
    g_autofree char *text =
        g_strdup_printf("it says to have handled %s of %u stanzas",
            h ? h : "an unsaid number", sm->out);
    guint32 number;
    g_autofree char *said = sm_parse_h(h, &number)
        ? g_strdup_printf("h='%u' ", number)
        : g_strdup("");
    g_autofree char *condition = g_strdup_printf(
        "<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        "<handled-count-too-high xmlns='" NS_SM "' %ssend-count='%u'/>",
        said, sm->out);

    session_break(account, condition, text);
    /* Its word is not worth anything; the outbox has all there is. */
    forget(account, sm);
}

static void take_acked(struct sm *sm, guint32 h)
{
    const struct sent *sent;

    sm->acked = h;
    while ((sent = g_queue_peek_head(&sm->unacked)) &&
        h - sent->number < SLACK)
        sent_free(g_queue_pop_head(&sm->unacked));
}

static void on_a(struct account *account, xmpp_stanza_t *a)
{
    struct sm *sm = sm_of(account);
    const char *text = stanza_attr(a, "h");
    guint32 h;

    if (!sm_parse_h(text, &h) || !is_possible(sm, h)) {
        refuse(account, sm, text);
        return;
    }
    sm->asked = false;
    sm->unasked = 0;
    take_acked(sm, h);
    outbox_acked(account, h);
}

static void request(struct account *account)
{
    struct sm *sm = sm_of(account);

    if (sm->phase == SM_OFF || sm->asked)
        return;
    sm->asked = true;
    sm->unasked = 0;
    nonza(account, "r", NULL);
}

static bool ask_alive(struct account *account)
{
    const struct sm *sm = sm_of(account);

    if (sm->phase == SM_OFF)
        return false;
    nonza(account, "r", NULL);
    return true;
}

static bool counts(const struct account *account, guint32 *next)
{
    const struct sm *sm = sm_of(account);

    if (next)
        *next = sm->out + 1;
    return sm->phase != SM_OFF;
}

/* ---- what we sent ------------------------------------------------------ */

static void keep(struct account *account, struct sm *sm, xmpp_stanza_t *stanza)
{
    struct sent *sent = g_new(struct sent, 1);

    *sent = (struct sent){ ++sm->out,
        stanza ? xmpp_stanza_clone(stanza) : NULL };
    g_queue_push_tail(&sm->unacked, sent);
    if (sm->unacked.length > KEPT_MAX && sm->id)
        forget(account, sm);
    if (sm->unacked.length > KEPT_MAX)
        sent_free(g_queue_pop_head(&sm->unacked));
}

static void on_sent(struct account *account, xmpp_stanza_t *stanza)
{
    struct sm *sm = sm_of(account);

    if (!sm || sm->phase == SM_OFF)
        return;
    keep(account, sm, stanza);
    if (++sm->unasked >= ASK_EVERY)
        request(account);
}

/* Answers to requests are worth keeping while the connection is away; what
 * else somebody wants to send now may be wrong by then. */
static bool hold(struct account *account, xmpp_stanza_t *stanza)
{
    struct sm *sm = sm_of(account);
    const char *type = stanza_attr(stanza, "type");

    if (sm->phase != SM_ON || strcmp(stanza_name(stanza), "iq") != 0 ||
        (g_strcmp0(type, "result") != 0 && g_strcmp0(type, "error") != 0))
        return false;
    keep(account, sm, stanza);
    return true;
}

static void send_again(struct account *account, const struct sm *sm)
{
    for (const GList *l = sm->unacked.head; l; l = l->next) {
        const struct sent *sent = l->data;
        xmpp_stanza_t *stanza = sent->stanza
            ? xmpp_stanza_clone(sent->stanza)
            : iq_new("get", jid_domain_start(account->jid), "ping",
                  "urn:xmpp:ping", NULL);
        if (!sent->stanza) /* it holds the place of one that was counted */
            stanza_set(stanza, "id", "ping");
        session_transmit(account, stanza);
    }
}

/* ---- what we have ------------------------------------------------------ */

static void handled(struct account *account)
{
    struct sm *sm = sm_of(account);

    if (sm && sm->phase == SM_ON)
        sm->in++;
}

/* The number in the store must not be behind what the server was told. */
static bool wants_turn(const struct account *account)
{
    const struct sm *sm = sm_of(account);

    return sm && (sm->wanted || sm->answering);
}

static void turn(struct account *account, bool on_disk)
{
    struct sm *sm = sm_of(account);

    if (!sm || sm->phase != SM_ON)
        return;
    if (on_disk)
        sm->kept = sm->putting ? sm->put : sm->in;
    if (!sm->putting)
        sm->answering |= sm->wanted;
    sm->putting = false;
    if (!sm->answering)
        return;
    sm->wanted = sm->answering = false;
    sm->told = sm->kept;
    nonza(account, "a", &sm->kept);
}

/* ---- the life of a session --------------------------------------------- */

static bool is_true(const char *text)
{
    return g_strcmp0(text, "true") == 0 || g_strcmp0(text, "1") == 0;
}

static void begin(struct sm *sm)
{
    drop_unacked(sm);
    sm->phase = SM_ASKED;
    sm->in = sm->kept = sm->told = sm->out = sm->acked = 0;
    sm->asked = sm->bare = false;
    sm->wanted = sm->answering = sm->putting = false;
    sm->unasked = 0;
}

static void on_enabled(struct account *account, xmpp_stanza_t *enabled)
{
    struct sm *sm = sm_of(account);
    const char *id = stanza_attr(enabled, "id");
    const char *location = stanza_attr(enabled, "location");
    guint32 max = 0;

    if (sm->phase != SM_ASKED)
        return;
    sm->phase = SM_ON;
    sm->away_s = AWAY_S;
    if (sm_parse_h(stanza_attr(enabled, "max"), &max) && max > 0)
        sm->away_s = MIN(max, AWAY_MAX_S);
    if (is_true(stanza_attr(enabled, "resume")) && id && *id &&
        strlen(id) <= ID_BYTES) {
        sm->id = g_strdup(id);
        sm->address = g_strdup(account->full_jid);
        if (location && strlen(location) <= ID_BYTES)
            sm->location = g_strdup(location);
        if (session_stream(account))
            stream_set_location(session_stream(account), sm->location);
    }
    save(account, sm);
}

static void on_failed(struct account *account)
{
    struct sm *sm = sm_of(account);

    if (sm->phase != SM_ASKED)
        return;
    sm->phase = SM_OFF;
    drop_unacked(sm);
    outbox_uncounted(account);
}

static void online(struct account *account)
{
    struct sm *sm = sm_of(account);
    g_autoptr(xmpp_stanza_t) enabled = g_steal_pointer(&sm->enabled);

    if (sm->phase == SM_ON)
        return; /* taken up */
    if (!enabled && !session_has_stream_feature(account, "sm", NS_SM))
        return;
    begin(sm);
    if (enabled)
        on_enabled(account, enabled);
    else
        session_transmit(account,
            stanza_new("enable", NS_SM, "resume", "true", (char *)NULL));
}

static bool may_resume(const struct account *account, unsigned *away_s)
{
    const struct sm *sm = sm_of(account);

    *away_s = sm->away_s;
    return sm->phase == SM_ON && sm->id && !sm->bare;
}

static void lost(struct account *account)
{
    struct sm *sm = sm_of(account);

    if (sm->phase == SM_ASKED)
        outbox_uncounted(account); /* was it counting? nobody knows */
    sm->phase = SM_OFF;
    sm->asked = sm->wanted = sm->answering = sm->putting = false;
    drop_unacked(sm);
    sm->in = sm->kept;
    if (sm->id)
        sm->bare = true;
}

static void replaced(struct account *account)
{
    forget(account, sm_of(account));
}

/* XEP-0198 s. 4: or the server sends again what we have. */
static void leaving(struct account *account)
{
    const struct sm *sm = sm_of(account);

    if (sm->phase == SM_ON && sm->kept != sm->told)
        nonza(account, "a", &sm->kept);
}

/* In order: the server has nothing to keep. With something unconfirmed it is
 * asked once more: it may still know how far it got. */
static void ended(struct account *account)
{
    if (outbox_unsent(account) == 0)
        forget(account, sm_of(account));
}

static bool same_resource(const struct account *account)
{
    g_autofree char *wanted = account->history
        ? history_get_value(account->history, "sm.resource")
        : NULL;

    return g_strcmp0(wanted, session_resource(account)) == 0;
}

static xmpp_stanza_t *resume(struct account *account)
{
    struct sm *sm = sm_of(account);
    g_autofree char *h = NULL;

    if (!sm->id)
        return NULL;
    if (sm->bare && !same_resource(account))
        return NULL; /* another address is wanted */
    h = g_strdup_printf("%u", sm->kept);
    return stanza_new(
        "resume", NS_SM, "previd", sm->id, "h", h, (char *)NULL);
}

static const char *address(const struct account *account)
{
    return sm_of(account)->address;
}

static const char *location(const struct account *account)
{
    return sm_of(account)->location;
}

static bool resumed(struct account *account, xmpp_stanza_t *answer)
{
    struct sm *sm = sm_of(account);
    const char *text = stanza_attr(answer, "h");
    const bool bare = sm->bare;
    guint32 h;

    if (!sm_parse_h(text, &h) || !is_possible(sm, h)) {
        refuse(account, sm, text);
        return false;
    }
    sm->phase = SM_ON;
    sm->asked = sm->wanted = sm->answering = sm->putting = false;
    sm->in = sm->told = sm->kept; /* the server sends the rest again */
    take_acked(sm, h);
    if (bare)
        sm->out = h;
    if (sm->away_s == 0)
        sm->away_s = AWAY_S;
    sm->bare = false;
    send_again(account, sm);
    outbox_acked(account, h);
    if (!account->session)
        return false;
    if (bare)
        outbox_requeue(account);
    else if (sm->unacked.length > 0)
        request(account);
    save(account, sm);
    return true;
}

static void resume_failed(struct account *account, xmpp_stanza_t *failed)
{
    struct sm *sm = sm_of(account);
    guint32 h;

    /* The fate of each is known when the server says how far it got (F05). */
    if (sm->id && sm_parse_h(stanza_attr(failed, "h"), &h) &&
        is_possible(sm, h)) {
        take_acked(sm, h);
        outbox_acked(account, h);
        if (account->session)
            outbox_requeue(account);
    }
    if (account->session)
        forget(account, sm);
}

/* ---- Bind 2 (XEP-0386) ------------------------------------------------- */

static void bind_inline(
    struct account *account, xmpp_stanza_t *offer, xmpp_stanza_t *bind)
{
    (void)account;
    if (stream_offers_inline(offer, NS_SM))
        stanza_add(
            bind, "enable", NS_SM, "resume", "true", (char *)NULL);
}

static void bound_inline(struct account *account, xmpp_stanza_t *bound)
{
    struct sm *sm = sm_of(account);
    xmpp_stanza_t *enabled = stanza_child(bound, "enabled", NS_SM);

    g_clear_pointer(&sm->enabled, xmpp_stanza_release);
    if (enabled)
        sm->enabled = xmpp_stanza_clone(enabled);
}

/* ---- the feature ------------------------------------------------------- */

static void attach(struct account *account)
{
    if (account->history)
        load(account, sm_of(account));
}

static void detach(struct account *account)
{
    struct sm *sm = sm_of(account);

    drop_unacked(sm);
    g_clear_pointer(&sm->enabled, xmpp_stanza_release);
    g_free(sm->id);
    g_free(sm->location);
    g_free(sm->address);
}

static bool on_nonza(struct account *account, xmpp_stanza_t *stanza)
{
    struct sm *sm = sm_of(account);

    if (strcmp(stanza_ns(stanza), NS_SM) != 0)
        return false;
    if (stanza_is(stanza, "r", NS_SM))
        sm->wanted = sm->phase == SM_ON;
    else if (stanza_is(stanza, "a", NS_SM) && sm->phase == SM_ON)
        on_a(account, stanza);
    else if (stanza_is(stanza, "enabled", NS_SM))
        on_enabled(account, stanza);
    else if (stanza_is(stanza, "failed", NS_SM))
        on_failed(account);
    return true;
}

static const struct stream_manager manager = {
    .online = online,
    .may_resume = may_resume,
    .lost = lost,
    .replaced = replaced,
    .leaving = leaving,
    .ended = ended,
    .resume = resume,
    .resumed = resumed,
    .resume_failed = resume_failed,
    .address = address,
    .location = location,
    .sent = on_sent,
    .hold = hold,
    .handled = handled,
    .write = write,
    .turn = turn,
    .wants_turn = wants_turn,
    .counts = counts,
    .request = request,
    .ask_alive = ask_alive,
};

const struct feature xep0198 = {
    .spec = "XEP-0198",
    .name = "Stream Management",
    .version = "1.6.1",
    .since = "0.1.0",
    .manager = &manager,
    .state_size = sizeof(struct sm),
    .attach = attach,
    .detach = detach,
    .bind_inline = bind_inline,
    .bound_inline = bound_inline,
    .nonza = on_nonza,
};
