/*
 * A stream is a step (where in the negotiation we are) on top of one relay at
 * a time. Everything that ends a connection sets the one reason (the first
 * wins), closes the relay, and meets in on_finish(), an idle source, where
 * nothing of the relay is on the stack any more: it alone frees the relay and
 * decides what follows (a redirect, a new attempt, back-off, the end).
 *
 * While a person is asked (password, certificate) no deadline runs. When the
 * server does not wait that long, the question stays open and the answer
 * starts a new connection.
 */
#include "net/stream.h"

#include <string.h>

#include "base/intl.h"
#include "base/random.h"
#include "model/jid.h"
#include "net/link.h"
#include "net/relay.h"
#include "net/sasl.h"
#include "net/sasl2.h"

#define NS_SASL_BINDINGS "urn:xmpp:sasl-cb:0" /* XEP-0440 */
#define NS_LIMITS "urn:xmpp:stream-limits:0"  /* XEP-0478 */
#define NS_PING "urn:xmpp:ping"               /* XEP-0199 */

#define REDIRECTS_MAX 3 /* H14 */
#define LOGIN_TRIES_MAX 3
#define OFFER_BYTES_MAX 16384
#define FEATURES_MS 3000 /* after a binding inside SASL2 */
#define BOUND_JID_BYTES_MAX 3071
#define STEP_MS 30000
#define EXTRAS_MS 10000 /* more than a login was asked for */
#define PING_INTERVAL_S 300
#define PING_INTERVAL_MIN_S 30
#define PING_ANSWER_S 30
#define PINGS_MAX 2
#define KICK_ANSWER_S 5
#define SETTLED_S 60 /* online this long: the next back-off starts anew */
#define SHUTDOWN_BACKOFF 2

enum step {
    STEP_NONE, /* no connection is wanted, or back-off */
    STEP_DIALING,
    STEP_SECURING,    /* TCP is up, or TLS is being set up */
    STEP_CERTIFICATE, /* the owner is asked */
    STEP_HEADER,      /* our header is out */
    STEP_FEATURES,
    STEP_PROCEED,  /* <starttls/> is out */
    STEP_PASSWORD, /* the owner is asked */
    STEP_PLAIN,    /* the owner is asked */
    STEP_REGISTER, /* the owner makes an account (XEP-0077) */
    STEP_SASL,
    STEP_RESUME, /* <resume/> is out (XEP-0198) */
    STEP_BOUND,  /* inside SASL2; features are to come (XEP-0388 s. 2.6.1) */
    STEP_BIND,
    STEP_SESSION, /* RFC 3921 s. 3, where the server insists */
    STEP_ONLINE,
};

struct stream {
    struct stream_callbacks callbacks;
    gpointer data;

    /* configuration */
    char *jid, *domain, *ascii_domain, *local, *resource, *server, *ca_file,
        *proxy, *client_cert, *client_key, *lang;
    guint16 port;
    enum tls_mode tls_mode;
    GPtrArray *pins; /* NULL-terminated; grows when the owner accepts one */
    char *pinned_mechanism, *user_agent, *software;
    char *offer; /* SASL2's when last seen, XML; NULL: none yet */
    bool plain_allowed, anonymous, reconnect, registration;
    bool scram_seen; /* on any connection of ours */
    unsigned timeout_ms, ping_interval_s, backoff_ms;

    /* this connection */
    struct relay *relay;
    enum step step;
    enum connection_state state;
    bool closing; /* stream_close() */
    bool ending;  /* the relay is being closed, or is closed */
    bool was_online;
    bool authenticated;
    bool secured;
    bool header_asked; /* our header is out, theirs is not here */
    GError *reason;
    bool final; /* no attempt after this reason */
    guint finish;
    struct tls_peer *peer;
    char *tls_version;
    gint64 online_since;
    gsize max_bytes;
    unsigned idle_seconds;
    char *request_id; /* of bind, session */
    bool session_needed, can_bind;
    xmpp_stanza_t *features;
    char *their_lang; /* xml:lang of their header */
    char *full_jid;
    char *resume_id; /* previd of our <resume/> */

    /* login */
    struct sasl *sasl;
    struct sasl_choice choice;
    GStrv older, newer; /* mechanisms of RFC 6120 and of SASL2, as offered */
    GStrv bindings;
    GStrv token_mechanisms;
    xmpp_stanza_t *authentication; /* SASL2's offer, NULL: not offered */
    bool sasl2;                    /* the profile in use */
    bool by_token;                 /* the login under way is one by token */
    bool invalidating;
    bool early;      /* <authenticate/> went out with our header */
    bool went_early; /* on this connection */
    bool bind_asked, resumption_tried;
    bool fell_silent; /* on this connection: asked for more than a login */
    char *wanted_token;   /* mechanism of the one asked for */
    xmpp_stanza_t *bound; /* of Bind 2 */
    guint patience;
    GBytes *exporter, *end_point;
    struct secret *password;
    char *mechanism; /* that was used */
    unsigned tries;  /* passwords refused */
    unsigned failures_here;
    bool no_plus, no_external, resource_taken;
    char *refusal;           /* sentence of the last one */
    bool no_token;           /* it was refused: once with the password */
    unsigned token_refusals; /* in a row */
    char *refused_token;     /* mechanism of the last of these */
    bool not_early;          /* the last time it ended badly … */
    unsigned early_failures; /* … and this often in a row */
    bool no_extras;          /* it fell silent: the login, and nothing else … */
    unsigned silences;       /* … so often in a row */
    bool login_only;         /* what the owner knows of it */

    /* between connections */
    unsigned losses, redirects;
    char *other_host;
    guint16 other_port;
    char *location; /* where the server wants to be met again (XEP-0198) */
    guint16 location_port;
    bool at_location, location_failed;
    guint retry;
    gint64 retry_at;
    bool hurry;  /* skip the next back-off */
    bool redial; /* an answer came while the connection was ending */

    /* signs of life */
    guint ping_timer;
    unsigned pings; /* without an answer */
    gint64 pinged_at;
};

static void start_attempt(struct stream *stream);
static void authenticate(struct stream *stream);
static void read_limits(struct stream *stream, xmpp_stanza_t *features);

/* ---- small things ---- */

static void clear_source(guint *id)
{
    if (*id)
        g_source_remove(*id);
    *id = 0;
}

static void clear_bytes(GBytes **bytes)
{
    g_clear_pointer(bytes, g_bytes_unref);
}

/* The defined condition: the first child element but <text/>. */
static xmpp_stanza_t *condition_of(xmpp_stanza_t *s, const char *ns)
{
    for (s = xmpp_stanza_get_children(s); s; s = xmpp_stanza_get_next(s)) {
        const char *name = xmpp_stanza_get_name(s);
        if (name && g_strcmp0(xmpp_stanza_get_ns(s), ns) == 0 &&
            strcmp(name, "text") != 0)
            return s;
    }
    return NULL;
}

static char *random_hex(gsize bytes)
{
    guint8 raw[32];
    g_assert(bytes <= sizeof raw);
    random_bytes(raw, bytes);
    char *out = g_malloc(2 * bytes + 1);
    for (gsize i = 0; i < bytes; i++)
        g_snprintf(out + 2 * i, 3, "%02x", raw[i]);
    return out;
}

static GBytes *decode_base64(const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!text || !*text || strcmp(text, "=") == 0)
        return g_bytes_new_static("", 0);
    size_t len = strlen(text);
    size_t digits = strspn(text, alphabet);
    size_t padding = strspn(text + digits, "=");
    if (len % 4 || digits + padding != len || padding > 2)
        return NULL; /* H10: g_base64_decode would skip what it dislikes */
    gsize out_len = 0;
    guchar *out = g_base64_decode(text, &out_len);
    return g_bytes_new_take(out, out_len);
}

/* ---- telling the owner ---- */

static void tell_state(struct stream *stream, enum connection_state state,
    const GError *error, gint64 retry_ms)
{
    if (state == stream->state && !error && state != STATE_WAITING)
        return;
    stream->state = state;
    if (stream->callbacks.state)
        stream->callbacks.state(state, error, retry_ms, stream->data);
}

/* ---- ending ---- */

static gboolean on_finish(gpointer data);

static void schedule_finish(struct stream *stream)
{
    stream->ending = true;
    if (!stream->finish)
        stream->finish =
            g_idle_add_full(G_PRIORITY_DEFAULT, on_finish, stream, NULL);
}

/* condition: the stream error to send, or NULL. */
static void end_connection(
    struct stream *stream, const char *condition, const char *text)
{
    if (stream->ending)
        return;
    clear_source(&stream->ping_timer);
    clear_source(&stream->patience);
    stream->ending = true;
    /* Before our first header there is nothing to be closed in order. */
    if (!stream->relay || stream->step < STEP_HEADER)
        schedule_finish(stream);
    else
        relay_close(stream->relay, condition, text);
}

/* Takes the error. */
static void fail_with(
    struct stream *stream, GError *error, bool final, const char *condition)
{
    if (stream->reason || stream->closing) {
        g_error_free(error);
    } else {
        stream->reason = error;
        stream->final = final;
    }
    end_connection(stream, condition, NULL);
}

static void G_GNUC_PRINTF(5, 6)
    fail(struct stream *stream, enum stream_error code, bool final,
        const char *condition, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    GError *error = g_error_new_valist(STREAM_ERROR, code, format, args);
    va_end(args);
    fail_with(stream, error, final, condition);
}

static void forget_offer(struct stream *stream)
{
    g_clear_pointer(&stream->older, g_strfreev);
    g_clear_pointer(&stream->newer, g_strfreev);
    g_clear_pointer(&stream->bindings, g_strfreev);
    g_clear_pointer(&stream->token_mechanisms, g_strfreev);
    g_clear_pointer(&stream->authentication, xmpp_stanza_release);
}

static void forget_login(struct stream *stream)
{
    g_clear_pointer(&stream->sasl, sasl_free);
    g_clear_pointer(&stream->wanted_token, g_free);
    forget_offer(stream);
    stream->by_token = stream->invalidating = false;
    clear_bytes(&stream->exporter);
    clear_bytes(&stream->end_point);
}

static void forget_connection(struct stream *stream)
{
    clear_source(&stream->finish);
    clear_source(&stream->ping_timer);
    clear_source(&stream->patience);
    g_clear_pointer(&stream->relay, relay_free);
    forget_login(stream);
    g_clear_pointer(&stream->bound, xmpp_stanza_release);
    stream->sasl2 = stream->early = stream->went_early = false;
    stream->bind_asked = stream->resumption_tried = false;
    stream->fell_silent = false;
    g_clear_error(&stream->reason);
    g_clear_pointer(&stream->tls_version, g_free);
    g_clear_pointer(&stream->request_id, g_free);
    g_clear_pointer(&stream->their_lang, g_free);
    g_clear_pointer(&stream->full_jid, g_free);
    g_clear_pointer(&stream->resume_id, g_free);
    g_clear_pointer(&stream->features, xmpp_stanza_release);
    stream->step = STEP_NONE;
    stream->closing = stream->ending = false;
    stream->was_online = stream->authenticated = false;
    stream->secured = stream->header_asked = false;
    stream->final = stream->redial = false;
    stream->session_needed = stream->can_bind = false;
    stream->max_bytes = 0;
    stream->idle_seconds = 0;
    stream->failures_here = 0;
    stream->no_external = stream->resource_taken = false;
    stream->at_location = false;
    stream->pings = 0;
}

static gboolean on_retry(gpointer data)
{
    struct stream *stream = data;
    stream->retry = 0;
    start_attempt(stream);
    return G_SOURCE_REMOVE;
}

static void wait_and_retry(struct stream *stream, const GError *error)
{
    gint64 delay =
        stream_backoff(stream->backoff_ms, stream->losses++, g_random_double());
    if (stream->hurry)
        delay = 0;
    stream->hurry = false;
    stream->retry_at = g_get_monotonic_time() + delay * 1000;
    stream->retry = g_timeout_add((guint)delay, on_retry, stream);
    tell_state(stream, STATE_WAITING, error, delay);
}

static bool is_asking(const struct stream *stream)
{
    return stream->step == STEP_PASSWORD || stream->step == STEP_PLAIN ||
           stream->step == STEP_CERTIFICATE;
}

/* The server refused one password, was given another, and hung up on it. */
static bool hung_up_on_retry(const struct stream *stream)
{
    return !stream->reason && stream->step == STEP_SASL &&
           stream->failures_here > 0;
}

/* Where the server wanted to be met nobody is: the usual way, then. */
static bool missed_location(struct stream *stream)
{
    bool missed = stream->at_location && stream->step < STEP_SASL &&
                  !is_asking(stream) && !stream->closing;
    stream->location_failed = missed || stream->location_failed;
    return missed;
}

/* Whoever broke off where we did not wait for an offer is asked first the next
 * time; when it happens again, always. */
static void learn_about_haste(struct stream *stream)
{
    if (!stream->went_early || stream->authenticated || stream->closing)
        return;
    stream->not_early = true;
    stream->early_failures += !stream->redial;
}

/* There are servers that never answer when a session, a binding or a token is
 * asked for together with the login, or to a token. So the login alone, by
 * password, is asked for next; when they fall silent again, always. */
static void learn_about_silence(struct stream *stream)
{
    if (!stream->fell_silent || stream->closing)
        return;
    stream->no_extras = true;
    stream->silences++;
}

static bool asked_for_extras(const struct stream *stream)
{
    return stream->sasl2 &&
        (stream->bind_asked || stream->resume_id || stream->wanted_token ||
            stream->by_token);
}

static gboolean on_finish(gpointer data)
{
    struct stream *stream = data;
    stream->finish = 0;

    enum step step = stream->step;
    bool closing = stream->closing;
    bool asking =
        is_asking(stream) && !stream->reason && !closing && !stream->redial;
    bool at_once =
        !closing && (stream->other_host || stream->redial ||
                        hung_up_on_retry(stream) || missed_location(stream) ||
                        stream->fell_silent);
    bool final = stream->final || !stream->reconnect;
    learn_about_haste(stream);
    learn_about_silence(stream);
    gint64 online_us =
        stream->was_online ? g_get_monotonic_time() - stream->online_since : 0;
    g_autoptr(GError) reason = g_steal_pointer(&stream->reason);

    if (online_us > SETTLED_S * G_USEC_PER_SEC) {
        stream->losses = 0;
        stream->redirects = 0;
    }
    forget_connection(stream);
    if (asking) {
        stream->step = step; /* the answer starts a new connection */
    } else if (closing) {
        g_clear_pointer(&stream->other_host, g_free);
        tell_state(stream, STATE_OFFLINE, NULL, -1);
    } else if (at_once) {
        start_attempt(stream);
    } else if (final) {
        tell_state(stream, STATE_OFFLINE, reason, -1);
    } else {
        wait_and_retry(stream, reason);
    }
    return G_SOURCE_REMOVE;
}

/* ---- sending ---- */

static void send_xml(struct stream *stream, const char *xml)
{
    relay_send_raw(stream->relay, xml, -1);
}

static void expect_step(struct stream *stream, enum step step)
{
    unsigned ms = stream->timeout_ms ? stream->timeout_ms : STEP_MS;

    stream->step = step;
    if (step == STEP_SASL && asked_for_extras(stream))
        ms = MIN(ms, EXTRAS_MS);
    relay_deadline(stream->relay, ms);
}

static void open_stream(struct stream *stream)
{
    if (stream->header_asked || stream->ending)
        return;
    /* RFC 6120 s. 4.7.1: our address only inside TLS. */
    const char *from = stream->secured && stream->local ? stream->jid : NULL;
    stream->header_asked = true;
    expect_step(stream, STEP_HEADER);
    relay_open_stream(stream->relay, stream->domain, from, stream->lang);
}

/* ---- signs of life ---- */

static gboolean on_ping_timer(gpointer data);

static void arm_ping(struct stream *stream, unsigned ms)
{
    clear_source(&stream->ping_timer);
    stream->ping_timer =
        ms % 1000 ? g_timeout_add(ms, on_ping_timer, stream)
                  : g_timeout_add_seconds(ms / 1000, on_ping_timer, stream);
}

static unsigned ping_interval_ms(const struct stream *stream)
{
    unsigned seconds = stream->ping_interval_s;
    if (stream->idle_seconds) { /* XEP-0478: be there in time */
        unsigned idle = MAX(stream->idle_seconds / 5 * 4, PING_INTERVAL_MIN_S);
        seconds = MIN(seconds, idle);
    }
    return seconds * 1000;
}

static void ask_alive(struct stream *stream, unsigned answer_ms)
{
    stream->pings++;
    stream->pinged_at = g_get_monotonic_time();
    if (!stream->callbacks.ask_alive ||
        !stream->callbacks.ask_alive(stream->data)) {
        g_autofree char *id = random_hex(16);
        g_autofree char *xml = g_markup_printf_escaped(
            "<iq type='get' id='%s' to='%s'><ping xmlns='" NS_PING "'/></iq>",
            id, stream->domain);
        send_xml(stream, xml);
        if (stream->callbacks.sent_own)
            stream->callbacks.sent_own(stream->data);
    }
    arm_ping(stream, answer_ms);
}

static void peer_is_dead(struct stream *stream)
{
    fail(stream, STREAM_ERROR_LOST, false, NULL,
        _("%s does not answer any more; check the network."), stream->domain);
    schedule_finish(stream); /* nobody is there to say good-bye to */
}

static gboolean on_ping_timer(gpointer data)
{
    struct stream *stream = data;
    unsigned interval_ms = ping_interval_ms(stream);
    gint64 last = relay_last_input(stream->relay);
    gint64 silent_ms = (g_get_monotonic_time() - last) / 1000;

    stream->ping_timer = 0;
    if (stream->pings && last > stream->pinged_at) {
        stream->pings = 0;
        stream->hurry = false;
    }
    if (!stream->pings && silent_ms < (gint64)interval_ms)
        arm_ping(
            stream, (unsigned)(interval_ms - silent_ms + 999) / 1000 * 1000);
    else if (stream->pings >= PINGS_MAX)
        peer_is_dead(stream);
    else
        ask_alive(stream, MIN(interval_ms, PING_ANSWER_S * 1000));
    return G_SOURCE_REMOVE;
}

/* ---- online ---- */

static void enter_online(struct stream *stream)
{
    stream->step = STEP_ONLINE;
    stream->was_online = true;
    stream->online_since = g_get_monotonic_time();
    stream->tries = 0;
    relay_set_state(stream->relay, GUARD_ONLINE);
    relay_deadline(stream->relay, 0);
    arm_ping(stream, ping_interval_ms(stream));
}

static void go_online(struct stream *stream)
{
    enter_online(stream);
    g_autofree char *jid = g_strdup(stream->full_jid);
    if (stream->callbacks.bound)
        stream->callbacks.bound(jid, stream->features, stream->data);
    if (stream->bound && stream->callbacks.bound_inline && !stream->ending)
        stream->callbacks.bound_inline(stream->bound, stream->data);
    if (!stream->ending)
        tell_state(stream, STATE_ONLINE, NULL, -1);
}

static void on_session_answer(struct stream *stream)
{
    /* RFC 6121, appendix E: a no-op; whatever the answer, it is done. */
    go_online(stream);
}

/* ---- binding (RFC 6120 s. 7) ---- */

static void bind_resource(struct stream *stream)
{
    g_autofree char *random =
        stream->resource && !stream->resource_taken ? NULL : random_hex(8);
    const char *resource = random ? random : stream->resource;

    g_free(stream->request_id);
    stream->request_id = random_hex(16);
    g_autofree char *xml = g_markup_printf_escaped(
        "<iq type='set' id='%s'><bind xmlns='" XMPP_NS_BIND "'>"
        "<resource>%s</resource></bind></iq>",
        stream->request_id, resource);
    expect_step(stream, STEP_BIND);
    tell_state(stream, STATE_BINDING, NULL, -1);
    send_xml(stream, xml);
}

static void request_session(struct stream *stream)
{
    g_free(stream->request_id);
    stream->request_id = random_hex(16);
    g_autofree char *xml = g_markup_printf_escaped(
        "<iq type='set' id='%s'><session xmlns='" XMPP_NS_SESSION "'/></iq>",
        stream->request_id);
    expect_step(stream, STEP_SESSION);
    send_xml(stream, xml);
}

/* Servers still apply stringprep, which maps more than PRECIS does: ß to ss,
 * ς to σ, full width to half (contract.md s. 4). */
static char *old_form(const char *bare)
{
    g_autofree char *compatible = g_utf8_normalize(bare, -1, G_NORMALIZE_NFKC);
    g_autofree char *folded =
        compatible ? g_utf8_casefold(compatible, -1) : NULL;
    return folded ? g_utf8_normalize(folded, -1, G_NORMALIZE_NFKC) : NULL;
}

/* bound: bare or full. */
static bool is_our_address(const struct stream *stream, const char *bound)
{
    if (strlen(bound) > BOUND_JID_BYTES_MAX || !jid_is_valid(bound))
        return false;

    g_autofree char *domain = jid_domain(bound);
    g_autofree char *bare = jid_bare(bound);
    const char *theirs = stream->anonymous ? domain : bare;
    const char *ours = stream->anonymous ? stream->domain : stream->jid;
    if (jid_equal_prepared(theirs, ours))
        return true;
    g_autofree char *old_theirs = old_form(theirs);
    g_autofree char *old_ours = old_form(ours);
    return old_theirs && old_ours && strcmp(old_theirs, old_ours) == 0;
}

static void no_address(struct stream *stream)
{
    fail(stream, STREAM_ERROR_PROTOCOL, false, NULL,
        _("%s let us in but gives us no address for this connection; ask its "
        "administrator."),
        stream->domain);
}

static void foreign_address(struct stream *stream)
{
    fail(stream, STREAM_ERROR_PROTOCOL, true, "undefined-condition",
        _("%s gave us an address that is not %s, so the connection was closed; "
        "tell its administrator."),
        stream->domain, stream->jid);
}

static void bind_refused(struct stream *stream, xmpp_stanza_t *stanza)
{
    xmpp_stanza_t *error = element_child(stanza, "error", XMPP_NS_CLIENT);
    xmpp_stanza_t *condition =
        error ? condition_of(error, XMPP_NS_STANZAS_IETF) : NULL;
    const char *name =
        condition ? xmpp_stanza_get_name(condition) : "undefined-condition";

    /* RFC 6120 s. 7.7.2: taken or not liked; one of our making will do. */
    bool by_name = strcmp(name, "conflict") == 0 ||
                   strcmp(name, "bad-request") == 0 ||
                   strcmp(name, "jid-malformed") == 0;
    if (by_name && stream->resource && !stream->resource_taken) {
        stream->resource_taken = true;
        bind_resource(stream);
        return;
    }
    fail(stream, STREAM_ERROR_SERVER, false, NULL,
        _("%s gives us no address for this connection (%s); close another "
        "client of yours, or ask its administrator."),
        stream->domain, name);
}

static void on_bind_answer(struct stream *stream, xmpp_stanza_t *stanza)
{
    if (g_strcmp0(xmpp_stanza_get_type(stanza), "result") != 0) {
        bind_refused(stream, stanza);
        return;
    }
    xmpp_stanza_t *bind = element_child(stanza, "bind", XMPP_NS_BIND);
    g_autofree char *bound =
        bind ? element_text(element_child(bind, "jid", XMPP_NS_BIND)) : NULL;
    if (!bound || !is_our_address(stream, bound) || !jid_resource(bound)) {
        foreign_address(stream);
        return;
    }
    g_free(stream->full_jid);
    stream->full_jid = g_steal_pointer(&bound);
    if (stream->session_needed)
        request_session(stream);
    else
        go_online(stream);
}

/* ---- resumption (XEP-0198 s. 5) ---- */

/* What the owner wants to take up again, NULL: nothing. */
static xmpp_stanza_t *wanted_resumption(struct stream *stream)
{
    xmpp_stanza_t *resume = stream->callbacks.resume && !stream->anonymous
                                ? stream->callbacks.resume(stream->data)
                                : NULL;
    const char *id =
        resume ? xmpp_stanza_get_attribute(resume, "previd") : NULL;
    g_clear_pointer(&stream->resume_id, g_free);
    if (resume && !id)
        g_clear_pointer(&resume, xmpp_stanza_release);
    stream->resume_id = g_strdup(id);
    return resume;
}

static bool ask_resumption(struct stream *stream)
{
    xmpp_stanza_t *resume = wanted_resumption(stream);
    if (!resume)
        return false;
    expect_step(stream, STEP_RESUME);
    tell_state(stream, STATE_BINDING, NULL, -1);
    if (!stream->ending)
        relay_send(stream->relay, resume);
    xmpp_stanza_release(resume);
    return true;
}

static void on_resumed(struct stream *stream, xmpp_stanza_t *stanza)
{
    const char *id = xmpp_stanza_get_attribute(stanza, "previd");
    if (!stream->resume_id || g_strcmp0(id, stream->resume_id) != 0) {
        fail(stream, STREAM_ERROR_PROTOCOL, false, "undefined-condition",
            _("%s took up another session than ours, so the connection was "
            "closed; tell its administrator."),
            stream->domain);
        return;
    }
    enter_online(stream);
    stream->losses = 0; /* the network's fault: no reason to be shy */
    if (stream->callbacks.resumed)
        stream->callbacks.resumed(stanza, stream->data);
    if (!stream->ending)
        tell_state(stream, STATE_ONLINE, NULL, -1);
}

static void tell_resume_failed(struct stream *stream, xmpp_stanza_t *failed)
{
    g_clear_pointer(&stream->resume_id, g_free);
    if (stream->callbacks.resume_failed)
        stream->callbacks.resume_failed(failed, stream->data);
}

static void on_resume_failed(struct stream *stream, xmpp_stanza_t *stanza)
{
    tell_resume_failed(stream, stanza);
    if (stream->ending)
        return;
    if (stream->can_bind)
        bind_resource(stream);
    else
        no_address(stream);
}

/* ---- login (RFC 6120 s. 6) ---- */

static void read_bindings(struct stream *stream)
{
    struct tls *tls = stream->secured ? relay_tls(stream->relay) : NULL;
    clear_bytes(&stream->exporter);
    clear_bytes(&stream->end_point);
    stream->exporter = tls ? tls_exporter(tls) : NULL;
    stream->end_point = tls ? tls_server_end_point(tls) : NULL;
}

static void read_authentication(
    struct stream *stream, xmpp_stanza_t *authentication)
{
    /* A child that outlives its parent still points to it. */
    stream->authentication = xmpp_stanza_copy(authentication);
    stream->newer = sasl2_mechanisms(authentication);
    stream->token_mechanisms = sasl2_token_mechanisms(authentication);
}

static bool is_plus(const char *mechanism)
{
    return mechanism && g_str_has_suffix(mechanism, "-PLUS");
}

static struct sasl_offer offer_of(const struct stream *stream)
{
    return (struct sasl_offer){
        .mechanisms = (const char *const *)(stream->sasl2 ? stream->newer
                                                          : stream->older),
        .bindings = (const char *const *)stream->bindings,
        .tls = stream->secured,
        .have_password = !stream->anonymous,
        .have_client_cert = stream->client_cert && !stream->no_external,
        .anonymous = stream->anonymous,
        .exporter = stream->exporter,
        .end_point = stream->end_point,
        .pinned = stream->pinned_mechanism,
        .plain_allowed = stream->plain_allowed,
        .scram_seen = stream->scram_seen,
        .no_plus = stream->no_plus,
    };
}

static bool choose_in(struct stream *stream, bool sasl2,
    struct sasl_choice *choice, GError **error)
{
    stream->sasl2 = sasl2;
    struct sasl_offer offer = offer_of(stream);
    return sasl_choose(&offer, choice, error);
}

/* Of two profiles the one with the stronger mechanism, the newer one when they
 * are equal; neither may go below what was pinned. */
static bool choose(struct stream *stream, GError **error)
{
    struct sasl_choice older;
    g_autoptr(GError) newer_error = NULL;
    bool newer_good =
        stream->newer && choose_in(stream, true, &stream->choice, &newer_error);
    if (stream->newer && !stream->older) {
        if (newer_error)
            g_propagate_error(error, g_steal_pointer(&newer_error));
        return newer_good;
    }
    if (!choose_in(stream, false, &older, newer_good ? NULL : error)) {
        stream->sasl2 = newer_good;
        return newer_good;
    }
    stream->sasl2 = newer_good && sasl_strength(stream->choice.mechanism) >=
                                      sasl_strength(older.mechanism);
    if (!stream->sasl2)
        stream->choice = older;
    return true;
}

static bool needs_password(const char *mechanism)
{
    return strcmp(mechanism, "EXTERNAL") != 0 &&
           strcmp(mechanism, "ANONYMOUS") != 0;
}

static void ask_password(struct stream *stream, bool again)
{
    stream->step = STEP_PASSWORD;
    if (stream->relay)
        relay_deadline(stream->relay, 0);
    if (stream->callbacks.password)
        stream->callbacks.password(again, stream->data);
    else
        stream_password(stream, NULL);
}

static void send_auth(struct stream *stream, const char *initial)
{
    g_autofree char *xml = g_strdup_printf("<auth xmlns='" XMPP_NS_SASL
                                           "' mechanism='%s'>%s</auth>",
        stream->choice.mechanism, *initial ? initial : "=");
    /* RFC 6120 s. 4.3.3: nothing of the old stream comes after success. */
    relay_expect_last(stream->relay, XMPP_NS_SASL, "success");
    send_xml(stream, xml);
    secret_wipe(xml, strlen(xml));
}

/* The mechanism of a token worth asking for, NULL: none. One that was refused
 * twice in a row is not asked for again: some servers offer bindings that they
 * then do not accept. */
static const char *token_to_ask_for(struct stream *stream)
{
    struct sasl_offer offer = offer_of(stream);
    struct sasl_choice choice;
    const char *avoid =
        stream->token_refusals > 1 ? stream->refused_token : NULL;
    if (!stream->token_mechanisms || !stream->user_agent ||
        !stream->callbacks.fast_got || stream->by_token || stream->no_extras)
        return NULL;
    offer.mechanisms = (const char *const *)stream->token_mechanisms;
    return sasl_choose_token(&offer, avoid, &choice) ? choice.mechanism : NULL;
}

static xmpp_stanza_t *binding_to_ask_for(struct stream *stream)
{
    xmpp_stanza_t *offer = stream->no_extras
        ? NULL
        : sasl2_bind_offer(stream->authentication);
    stream->bind_asked = offer != NULL;
    if (!offer)
        return NULL;
    xmpp_stanza_t *bind = sasl2_bind_new(
        stream->resource ? stream->resource : stream->software);
    if (stream->callbacks.bind_inline)
        stream->callbacks.bind_inline(offer, bind, stream->data);
    return bind;
}

/* All that is wanted of the session in one request. */
static void send_authenticate(struct stream *stream, const char *initial,
    const struct stream_token *token)
{
    const char *wanted = token_to_ask_for(stream);
    struct sasl2_request request = {
        .mechanism = stream->choice.mechanism,
        .initial = initial,
        .user_agent = stream->user_agent,
        .software = stream->software,
        .wanted_token = wanted,
        .token = token != NULL,
        .count = token ? token->count : 0,
        .invalidate = token && token->invalidate,
        .bind = binding_to_ask_for(stream),
    };
    g_free(stream->wanted_token);
    stream->wanted_token = g_strdup(wanted);
    g_clear_pointer(&stream->resume_id, g_free);
    if (!stream->no_extras && sasl2_offers_resumption(stream->authentication))
        request.resume = wanted_resumption(stream);
    g_autofree char *xml = sasl2_authenticate(&request);
    if (!stream->ending)
        send_xml(stream, xml);
    secret_wipe(xml, strlen(xml));
    g_clear_pointer(&request.bind, xmpp_stanza_release);
    g_clear_pointer(&request.resume, xmpp_stanza_release);
}

static void send_first(struct stream *stream, const struct stream_token *token)
{
    g_autoptr(GBytes) initial = sasl_initial(stream->sasl);
    gsize len;
    const guchar *bytes = g_bytes_get_data(initial, &len);
    g_autofree char *text = g_base64_encode(bytes, len);
    if (stream->sasl2)
        send_authenticate(stream, text, token);
    else
        send_auth(stream, text);
    secret_wipe(text, strlen(text));
}

static void forget_token(struct stream *stream)
{
    if (stream->callbacks.fast_refused)
        stream->callbacks.fast_refused(stream->data);
}

/* FAST, when a token is at hand that can be used here. */
static bool authenticate_by_token(struct stream *stream)
{
    struct stream_token token = { 0 };
    struct sasl_offer offer = offer_of(stream);
    struct sasl_choice choice;
    if (stream->no_extras || stream->no_token || !stream->secured ||
        stream->anonymous || !stream->local || !stream->user_agent || !stream->token_mechanisms ||
        !stream->callbacks.fast_token ||
        !stream->callbacks.fast_token(&token, stream->data))
        return false;
    offer.mechanisms = (const char *const *)stream->token_mechanisms;
    if (stream->ending || !token.secret ||
        !sasl_token_choice(&offer, token.mechanism, &choice))
        return false;
    g_clear_pointer(&stream->sasl, sasl_free);
    stream->choice = choice;
    stream->sasl =
        sasl_new(&stream->choice, &offer, stream->local, token.secret, NULL);
    stream->sasl2 = stream->by_token = true;
    stream->invalidating = token.invalidate;
    send_first(stream, &token);
    return true;
}

/* XEP-0388 s. 2.1: what was offered before may be taken for granted, which
 * saves the round trip of asking. Only with a token, which tells nobody
 * anything when the server has changed its mind. */
static void authenticate_early(struct stream *stream)
{
    if (!stream->offer || stream->not_early || stream->early_failures > 1 ||
        stream->registration || !stream->secured || stream->ending)
        return;
    xmpp_stanza_t *offer =
        xmpp_stanza_new_from_string(link_context(), stream->offer);
    if (!offer)
        return;
    forget_login(stream);
    if (element_is(offer, "authentication", NS_SASL2))
        read_authentication(stream, offer);
    xmpp_stanza_release(offer);
    read_bindings(stream);
    if (!authenticate_by_token(stream)) {
        forget_login(stream);
        return;
    }
    stream->early = stream->went_early = true;
    tell_state(stream, STATE_AUTHENTICATING, NULL, -1);
}

static void password_refused(struct stream *stream)
{
    g_clear_pointer(&stream->password, secret_unref);
    stream->no_plus = false;
    if (++stream->tries >= LOGIN_TRIES_MAX) { /* C29 */
        fail(stream, STREAM_ERROR_AUTH, true, NULL, "%s", stream->refusal);
        return;
    }
    ask_password(stream, true);
}

static bool would_take_plain(struct stream *stream)
{
    if (stream->plain_allowed)
        return false;
    stream->plain_allowed = true;
    bool would =
        choose(stream, NULL) && strcmp(stream->choice.mechanism, "PLAIN") == 0;
    stream->plain_allowed = false;
    return would;
}

/* Takes the error, which says what is offered. */
static void no_choice(struct stream *stream, GError *error)
{
    g_free(stream->refusal);
    stream->refusal = g_strdup(error->message);
    if (!stream->callbacks.plain || !would_take_plain(stream)) {
        fail(stream, STREAM_ERROR_AUTH, true, NULL, "%s", error->message);
        g_error_free(error);
        return;
    }
    g_error_free(error);
    stream->step = STEP_PLAIN;
    relay_deadline(stream->relay, 0);
    stream->callbacks.plain(stream->data);
}

static void authenticate(struct stream *stream)
{
    GError *error = NULL;

    g_clear_pointer(&stream->sasl, sasl_free);
    stream->by_token = stream->invalidating = false;
    expect_step(stream, STEP_SASL);
    if (authenticate_by_token(stream) || stream->ending)
        return;
    if (!choose(stream, &error)) {
        no_choice(stream, error);
        return;
    }
    if (needs_password(stream->choice.mechanism) && !stream->password) {
        ask_password(stream, stream->tries > 0);
        return;
    }
    struct sasl_offer offer = offer_of(stream);
    stream->sasl = sasl_new(&stream->choice, &offer,
        stream->local ? stream->local : "", stream->password, &error);
    if (g_error_matches(error, SASL_ERROR, SASL_ERROR_PASSWORD)) {
        g_free(stream->refusal);
        stream->refusal = g_strdup(error->message);
        g_error_free(error);
        password_refused(stream);
        return;
    }
    if (!stream->sasl) {
        fail(stream, STREAM_ERROR_AUTH, true, NULL, "%s", error->message);
        g_error_free(error);
        return;
    }
    expect_step(stream, STEP_SASL);
    send_first(stream, NULL);
}

static const char *profile(const struct stream *stream)
{
    return stream->sasl2 ? NS_SASL2 : XMPP_NS_SASL;
}

/* C28: a word to the server, then the end. */
static void abort_login(struct stream *stream, const char *sentence)
{
    g_autofree char *xml =
        g_strdup_printf("<abort xmlns='%s'/>", profile(stream));
    if (stream->by_token)
        forget_token(stream);
    if (stream->ending)
        return;
    send_xml(stream, xml);
    fail(stream, STREAM_ERROR_AUTH, true, NULL, "%s", sentence);
}

static void on_sasl_answer(GBytes *response, const GError *error, gpointer data)
{
    struct stream *stream = data;
    if (stream->ending || stream->step != STEP_SASL)
        return;
    if (error) {
        abort_login(stream, error->message);
        return;
    }
    gsize len;
    const guchar *bytes = g_bytes_get_data(response, &len);
    g_autofree char *text = g_base64_encode(bytes, len);
    g_autofree char *xml = g_strdup_printf(
        "<response xmlns='%s'>%s</response>", profile(stream), text);
    expect_step(stream, STEP_SASL);
    send_xml(stream, xml);
}

static void on_challenge(struct stream *stream, xmpp_stanza_t *stanza)
{
    g_autofree char *text = element_text(stanza);
    g_autoptr(GBytes) bytes = decode_base64(text);
    if (!bytes) {
        abort_login(stream,
            _("The server's challenge is malformed, so the login was stopped; "
            "tell its administrator."));
        return;
    }
    gsize len;
    const char *data = g_bytes_get_data(bytes, &len);
    sasl_challenge(stream->sasl, data ? data : "", len, on_sasl_answer, stream);
}

/* text: what came with success, NULL: nothing did. */
static bool is_proven(struct stream *stream, const char *text)
{
    g_autoptr(GBytes) bytes = text && *text ? decode_base64(text) : NULL;
    g_autoptr(GError) error = NULL;
    gsize len = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    if (bytes && !data)
        data = "";
    if (text && *text && !bytes)
        g_set_error(&error, STREAM_ERROR, STREAM_ERROR_AUTH,
            _("%s ended the login with something malformed; tell its "
            "administrator."),
            stream->domain);
    else if (sasl_success(stream->sasl, data, len, &error))
        return true;
    if (stream->by_token)
        forget_token(stream);
    fail(stream, STREAM_ERROR_AUTH, true, NULL, "%s", error->message);
    return false;
}

/* This login worked, with or without extras. */
static void settle_extras(struct stream *stream)
{
    bool login_only = stream->no_extras;
    bool news = login_only != stream->login_only;

    if (!login_only)
        stream->silences = 0;
    stream->no_extras = stream->silences > 1;
    stream->login_only = login_only;
    if (news && stream->callbacks.login_only)
        stream->callbacks.login_only(login_only, stream->data);
}

static void take_mechanism(struct stream *stream)
{
    bool bound = stream->choice.binding != SASL_BIND_NONE;
    const char *pinned = stream->pinned_mechanism;
    g_free(stream->mechanism);
    stream->mechanism = g_strdup(stream->choice.mechanism);
    stream->authenticated = true;
    stream->no_token = stream->not_early = false;
    if (stream->went_early)
        stream->early_failures = 0;
    settle_extras(stream);
    if (stream->by_token) { /* says nothing about the password */
        stream->token_refusals = 0;
        return;
    }
    if (sasl_strength(stream->mechanism) >
        sasl_strength(pinned ? pinned : "")) {
        g_free(stream->pinned_mechanism);
        stream->pinned_mechanism = g_strdup(stream->mechanism);
    }
    if (stream->callbacks.mechanism)
        stream->callbacks.mechanism(stream->mechanism, bound, stream->data);
}

static void on_success(struct stream *stream, xmpp_stanza_t *stanza)
{
    g_autofree char *text = element_text(stanza);
    if (!is_proven(stream, text))
        return;
    take_mechanism(stream);
    forget_login(stream);
    if (!stream->ending)
        open_stream(stream);
}

/* A token belongs to the mechanism it was asked for with, or, when the server
 * changes it, to that of the old one (XEP-0484 s. 3.3, 3.5). */
static void take_token(struct stream *stream, xmpp_stanza_t *success)
{
    xmpp_stanza_t *element = element_child(success, "token", NS_FAST);
    const char *text =
        element ? xmpp_stanza_get_attribute(element, "token") : NULL;
    const char *expiry =
        element ? xmpp_stanza_get_attribute(element, "expiry") : NULL;
    const char *mechanism =
        stream->by_token ? stream->choice.mechanism : stream->wanted_token;

    if (stream->invalidating)
        forget_token(stream);
    if (!text || !*text || strlen(text) > SASL2_TOKEN_BYTES || !mechanism ||
        stream->invalidating || !stream->callbacks.fast_got)
        return;
    auto_struct(secret) token = secret_new(text, -1);
    stream->callbacks.fast_got(mechanism, token, expiry, stream->data);
}

/* For the next time, told when it has changed. */
static void remember_offer(struct stream *stream)
{
    char *text = NULL;
    size_t len = 0;
    if (!stream->authentication ||
        xmpp_stanza_to_text(stream->authentication, &text, &len) != XMPP_EOK)
        return;
    if (len <= OFFER_BYTES_MAX && g_strcmp0(text, stream->offer) != 0) {
        g_free(stream->offer);
        stream->offer = g_strdup(text);
        if (stream->callbacks.offer)
            stream->callbacks.offer(stream->offer, stream->data);
    }
    xmpp_free(link_context(), text);
}

/* The address that the server has taken us for: NULL when it says none. The
 * older name is in the examples of the XEPs. */
static char *authorized_address(xmpp_stanza_t *success)
{
    xmpp_stanza_t *element =
        element_child(success, "authorization-identifier", NS_SASL2);
    if (!element)
        element = element_child(success, "authorization-identity", NS_SASL2);
    char *text = element_text(element);
    return text ? g_strstrip(text) : NULL;
}

static void finish_bound(struct stream *stream)
{
    clear_source(&stream->patience);
    go_online(stream);
}

static gboolean on_no_features(gpointer data)
{
    struct stream *stream = data;
    stream->patience = 0;
    finish_bound(stream);
    return G_SOURCE_REMOVE;
}

static void on_features_of_bound(struct stream *stream, xmpp_stanza_t *features)
{
    read_limits(stream, features);
    g_clear_pointer(&stream->features, xmpp_stanza_release);
    stream->features = xmpp_stanza_clone(features);
    finish_bound(stream);
}

/* Stanzas may follow from here on, though features are due first. */
static void take_bound(
    struct stream *stream, xmpp_stanza_t *bound, const char *address)
{
    if (!address || !jid_resource(address)) {
        foreign_address(stream);
        return;
    }
    g_free(stream->full_jid);
    stream->full_jid = g_strdup(address);
    stream->bound = xmpp_stanza_copy(bound);
    expect_step(stream, STEP_BOUND);
    relay_set_state(stream->relay, GUARD_ONLINE);
    stream->patience = g_timeout_add(FEATURES_MS, on_no_features, stream);
}

/* XEP-0386 s. 3.2: resumption comes first; only when it failed, or none was
 * asked for, there is a new binding. */
static void take_session(
    struct stream *stream, xmpp_stanza_t *success, const char *address)
{
    xmpp_stanza_t *resumed = element_child(success, "resumed", NS_SM);
    xmpp_stanza_t *failed = element_child(success, "failed", NS_SM);
    xmpp_stanza_t *bound = element_child(success, "bound", NS_BIND2);

    if (resumed) {
        on_resumed(stream, resumed);
        return;
    }
    if (failed && stream->resume_id)
        tell_resume_failed(stream, failed);
    stream->resumption_tried = stream->resume_id || failed;
    if (stream->ending)
        return;
    if (bound && stream->bind_asked)
        take_bound(stream, bound, address);
    else
        expect_step(stream, STEP_FEATURES); /* without a new stream */
}

static char *additional_data(xmpp_stanza_t *stanza)
{
    char *text =
        element_text(element_child(stanza, "additional-data", NS_SASL2));
    return text ? g_strstrip(text) : NULL;
}

static void on_success2(struct stream *stream, xmpp_stanza_t *stanza)
{
    g_autofree char *text = additional_data(stanza);
    g_autofree char *address = authorized_address(stanza);
    if (!is_proven(stream, text))
        return;
    if (address && !is_our_address(stream, address)) { /* H12 */
        foreign_address(stream);
        return;
    }
    take_mechanism(stream);
    take_token(stream, stanza);
    remember_offer(stream);
    forget_login(stream);
    if (!stream->ending)
        take_session(stream, stanza, address);
}

/* No task is known here: neither a second factor nor an upgrade, which we
 * never ask for. */
static void on_continue(struct stream *stream, xmpp_stanza_t *stanza)
{
    g_autofree char *tasks = sasl2_tasks(stanza);
    g_autofree char *sentence = g_strdup_printf(
        _("%s asks for one more step to log in (%s), which txmpp does not know; "
        "use another client, or ask its administrator."),
        stream->domain, tasks);
    abort_login(stream, sentence);
}

/* Anything but a disturbance means that the token is worth nothing any more
 * (XEP-0484 s. 4.1): this once the password is used. */
static bool token_was_refused(struct stream *stream, const char *condition)
{
    if (!stream->by_token || strcmp(condition, "account-disabled") == 0 ||
        strcmp(condition, "temporary-auth-failure") == 0)
        return false;
    stream->no_token = true;
    stream->token_refusals++;
    g_free(stream->refused_token);
    stream->refused_token = g_strdup(stream->choice.mechanism);
    forget_token(stream);
    return true;
}

static void on_failure(struct stream *stream, xmpp_stanza_t *stanza)
{
    g_autofree char *text = NULL;
    const char *condition = sasl2_failure(stanza, &text);
    GError *error = stream_reason_of_failure(stream->jid, condition, text);
    bool refused = strcmp(condition, "not-authorized") == 0;
    bool disabled = strcmp(condition, "account-disabled") == 0 ||
                    strcmp(condition, "credentials-expired") == 0 ||
                    strcmp(condition, "temporary-auth-failure") == 0;

    stream->failures_here++;
    g_free(stream->refusal);
    stream->refusal = g_strdup(error->message);
    g_clear_pointer(&stream->sasl, sasl_free);

    if (token_was_refused(stream, condition)) {
        g_error_free(error);
        if (!stream->ending)
            authenticate(stream);
        return;
    }
    /* Some servers offer bindings that they then do not accept. Where one
     * has worked before, its refusal is a wrong password or an attack. */
    if (!disabled && is_plus(stream->choice.mechanism) && !stream->no_plus &&
        !is_plus(stream->pinned_mechanism)) {
        stream->no_plus = true;
        g_error_free(error);
        authenticate(stream);
    } else if (!disabled && !stream->no_external &&
               strcmp(stream->choice.mechanism, "EXTERNAL") == 0) {
        stream->no_external = true;
        g_error_free(error);
        authenticate(stream);
    } else if (refused && needs_password(stream->choice.mechanism)) {
        g_error_free(error);
        password_refused(stream);
    } else {
        fail_with(stream, error, stream_failure_is_final(condition), NULL);
    }
}

/* ---- features (RFC 6120 s. 4.3.2) ---- */

static void start_tls(struct stream *stream)
{
    expect_step(stream, STEP_PROCEED);
    relay_expect_last(stream->relay, XMPP_NS_TLS, "proceed");
    send_xml(stream, "<starttls xmlns='" XMPP_NS_TLS "'/>");
}

/* C09: what is required and not understood ends the stream. */
static const char *unknown_requirement(xmpp_stanza_t *features)
{
    static const char *const known[] = { XMPP_NS_TLS, XMPP_NS_SASL,
        XMPP_NS_BIND, XMPP_NS_SESSION, NS_SM, NS_SASL2 };
    xmpp_stanza_t *s = xmpp_stanza_get_children(features);
    for (; s; s = xmpp_stanza_get_next(s)) {
        const char *ns = xmpp_stanza_get_ns(s);
        bool understood = !ns;
        for (size_t i = 0; ns && i < G_N_ELEMENTS(known); i++)
            understood = understood || strcmp(ns, known[i]) == 0;
        if (!understood && element_child(s, "required", ns))
            return xmpp_stanza_get_name(s);
    }
    return NULL;
}

static void read_limits(struct stream *stream, xmpp_stanza_t *features)
{
    xmpp_stanza_t *limits = element_child(features, "limits", NS_LIMITS);
    if (!limits || (!stream->secured && stream->tls_mode != TLS_MODE_OFF))
        return; /* C25: what is said before TLS does not count */
    g_autofree char *bytes =
        element_text(element_child(limits, "max-bytes", NS_LIMITS));
    g_autofree char *idle =
        element_text(element_child(limits, "idle-seconds", NS_LIMITS));
    guint64 value;
    if (bytes &&
        g_ascii_string_to_unsigned(bytes, 10, 1, G_MAXUINT32, &value, NULL))
        stream->max_bytes = (gsize)value;
    if (idle &&
        g_ascii_string_to_unsigned(idle, 10, 1, G_MAXINT32, &value, NULL))
        stream->idle_seconds = (unsigned)value;
}

static void on_features_in_clear(struct stream *stream, xmpp_stanza_t *features)
{
    if (element_child(features, "starttls", XMPP_NS_TLS))
        start_tls(stream);
    else
        fail(stream, STREAM_ERROR_TLS, false, NULL,
            _("%s offers no encryption, so nothing was sent to it; ask its "
            "administrator to enable TLS."),
            stream->domain);
}

/* The owner exchanges iqs from here on; only its own requests have a
 * deadline, since a person fills in a form between them. */
static void on_features_for_registration(
    struct stream *stream, xmpp_stanza_t *features)
{
    stream->step = STEP_REGISTER;
    relay_deadline(stream->relay, 0);
    tell_state(stream, STATE_AUTHENTICATING, NULL, -1);
    if (!stream->ending)
        stream->callbacks.registration(features, stream->data);
}

/* What we took for granted must be what is offered; else all over again, this
 * time asking first. */
static void on_features_after_early(
    struct stream *stream, xmpp_stanza_t *authentication)
{
    g_auto(GStrv) tokens = sasl2_token_mechanisms(authentication);
    stream->early = false;
    if (!tokens || !g_strv_contains(
                       (const char *const *)tokens, stream->choice.mechanism)) {
        stream->redial = true;
        g_clear_pointer(&stream->offer, g_free);
        end_connection(stream, NULL, NULL);
        return;
    }
    forget_offer(stream);
    read_authentication(stream, authentication);
    expect_step(stream, STEP_SASL);
}

static void on_features_for_login(
    struct stream *stream, xmpp_stanza_t *features)
{
    xmpp_stanza_t *older = element_child(features, "mechanisms", XMPP_NS_SASL);
    xmpp_stanza_t *newer = element_child(features, "authentication", NS_SASL2);
    if (stream->early) {
        on_features_after_early(stream, newer);
        return;
    }
    if (!older && !newer) {
        fail(stream, STREAM_ERROR_AUTH, false, NULL,
            _("%s offers no way of logging in; try again later, or ask its "
            "administrator."),
            stream->domain);
        return;
    }
    tell_state(stream, STATE_AUTHENTICATING, NULL, -1);
    xmpp_stanza_t *bindings =
        element_child(features, "sasl-channel-binding", NS_SASL_BINDINGS);
    forget_login(stream);
    if (older)
        stream->older = element_names(older, "mechanism", NULL);
    if (newer)
        read_authentication(stream, newer);
    if (bindings)
        stream->bindings = element_names(bindings, "channel-binding", "type");
    read_bindings(stream);
    stream->scram_seen = stream->scram_seen ||
        sasl_offers_scram((const char *const *)stream->older) ||
        sasl_offers_scram((const char *const *)stream->newer);
    authenticate(stream);
}

static void on_features_for_binding(
    struct stream *stream, xmpp_stanza_t *features)
{
    xmpp_stanza_t *session =
        element_child(features, "session", XMPP_NS_SESSION);
    stream->session_needed =
        session && !element_child(session, "optional", XMPP_NS_SESSION);
    stream->can_bind = element_child(features, "bind", XMPP_NS_BIND) != NULL;
    stream->features = xmpp_stanza_clone(features);
    if (element_child(features, "sm", NS_SM) && !stream->resumption_tried &&
        ask_resumption(stream))
        return;
    if (stream->can_bind)
        bind_resource(stream);
    else
        no_address(stream);
}

static void on_features(struct stream *stream, xmpp_stanza_t *features)
{
    const char *unknown = unknown_requirement(features);
    if (unknown) {
        fail(stream, STREAM_ERROR_PROTOCOL, false, "unsupported-feature",
            _("%s requires “%s”, which txmpp does not know; ask its "
            "administrator."),
            stream->domain, unknown);
        return;
    }
    relay_set_state(stream->relay, GUARD_NEGOTIATING);
    read_limits(stream, features);
    if (!stream->secured && stream->tls_mode != TLS_MODE_OFF)
        on_features_in_clear(stream, features);
    else if (stream->registration)
        on_features_for_registration(stream, features);
    else if (!stream->authenticated)
        on_features_for_login(stream, features);
    else
        on_features_for_binding(stream, features);
}

/* ---- stream errors (RFC 6120 s. 4.9) ---- */

static bool follow_redirect(struct stream *stream, xmpp_stanza_t *condition)
{
    g_autofree char *text = element_text(condition);
    char *host;
    guint16 port;
    if (stream->tls_mode == TLS_MODE_OFF ||
        stream->redirects >= REDIRECTS_MAX || !text ||
        !stream_parse_other_host(text, &host, &port))
        return false;
    stream->redirects++;
    g_free(stream->other_host);
    stream->other_host = host;
    stream->other_port = port;
    return true;
}

static void on_stream_error(struct stream *stream, xmpp_stanza_t *stanza)
{
    xmpp_stanza_t *element = condition_of(stanza, XMPP_NS_STREAMS_IETF);
    const char *condition =
        element ? xmpp_stanza_get_name(element) : "undefined-condition";
    g_autofree char *text =
        element_text(element_child(stanza, "text", XMPP_NS_STREAMS_IETF));

    if (is_asking(stream) && !stream_condition_is_final(condition)) {
        end_connection(stream, NULL, NULL); /* it got tired of waiting */
        return;
    }
    if (strcmp(condition, "see-other-host") == 0 && !stream->closing)
        follow_redirect(stream, element);
    if (strcmp(condition, "system-shutdown") == 0)
        stream->losses = MAX(stream->losses, SHUTDOWN_BACKOFF);
    fail_with(stream,
        stream_reason_of_condition(stream->domain, condition, text),
        stream_condition_is_final(condition), NULL);
}

/* ---- what the relay says ---- */

static void on_connected(const struct dial_target *target, gpointer data)
{
    struct stream *stream = data;
    (void)target;
    if (stream->ending)
        return;
    stream->step = STEP_SECURING;
    stream->secured = stream->header_asked = false;
    tell_state(stream, STATE_SECURING, NULL, -1);
}

static void trust_and_go_on(struct stream *stream)
{
    stream->step = STEP_SECURING;
    stream->secured = true;
    stream->header_asked = false;
    relay_trust(stream->relay); /* on_opened() comes next */
}

static void on_secured(const struct tls_peer *peer, gpointer data)
{
    struct stream *stream = data;
    if (stream->ending)
        return;
    struct tls *tls = relay_tls(stream->relay);
    tls_peer_free(stream->peer);
    stream->peer = tls_peer_copy(peer);
    g_free(stream->tls_version);
    stream->tls_version = tls ? g_strdup(tls_version(tls)) : NULL;

    if (!peer->distrust) {
        trust_and_go_on(stream);
        return;
    }
    if (stream->at_location) { /* nobody is asked: the usual way is left */
        schedule_finish(stream);
        return;
    }
    stream->step = STEP_CERTIFICATE;
    relay_deadline(stream->relay, 0);
    if (stream->callbacks.certificate)
        stream->callbacks.certificate(stream->peer, stream->data);
    else
        stream_certificate_decide(stream, false, NULL);
}

static void on_opened(gpointer data)
{
    struct stream *stream = data;
    if (stream->ending || stream->step != STEP_SECURING)
        return;
    open_stream(stream);
    authenticate_early(stream);
}

/* C08: integers on both sides of the dot. */
static bool speaks_xmpp_1(const char *version)
{
    guint64 major;
    const char *dot = version ? strchr(version, '.') : NULL;
    if (!dot)
        return false;
    g_autofree char *text = g_strndup(version, (gsize)(dot - version));
    return g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &major, NULL);
}

static void on_header(const char *from, const char *id, const char *version,
    const char *lang, gpointer data)
{
    struct stream *stream = data;
    if (stream->ending)
        return;
    g_free(stream->their_lang);
    stream->their_lang = g_strdup(lang);
    if (stream->step != STEP_HEADER) {
        fail(stream, STREAM_ERROR_PROTOCOL, false, "bad-format",
            _("%s began a stream when none was due; tell its administrator."),
            stream->domain);
    } else if (!speaks_xmpp_1(version)) {
        fail(stream, STREAM_ERROR_PROTOCOL, true, "unsupported-version",
            _("%s does not speak XMPP 1.0; ask its administrator to update it."),
            stream->domain);
    } else if (!id || !*id) {
        fail(stream, STREAM_ERROR_PROTOCOL, false, "bad-format",
            _("%s began the stream without an id; tell its administrator."),
            stream->domain);
    } else if (from && !jid_equal_prepared(from, stream->domain)) {
        fail(stream, STREAM_ERROR_PROTOCOL, false, "invalid-from",
            _("The server calls itself by another name than %s; check the "
            "address, or --server."),
            stream->domain);
    } else {
        stream->header_asked = false;
        expect_step(stream, STEP_FEATURES);
    }
}

static void unexpected(struct stream *stream, xmpp_stanza_t *stanza)
{
    const char *name = xmpp_stanza_get_name(stanza);
    fail(stream, STREAM_ERROR_PROTOCOL, false, "unsupported-stanza-type",
        _("%s sent <%s/> when it was not due; tell its administrator."),
        stream->domain, name ? name : "?");
}

static bool is_answer(const struct stream *stream, xmpp_stanza_t *stanza)
{
    const char *type = xmpp_stanza_get_type(stanza);
    return element_is(stanza, "iq", XMPP_NS_CLIENT) &&
           g_strcmp0(xmpp_stanza_get_id(stanza), stream->request_id) == 0 &&
           (g_strcmp0(type, "result") == 0 || g_strcmp0(type, "error") == 0);
}

static void on_tls_refused(struct stream *stream)
{
    fail(stream, STREAM_ERROR_TLS, false, NULL,
        _("%s refuses to encrypt the connection, so nothing was sent to it; "
        "try again later, or ask its administrator."),
        stream->domain);
}

/* Before we are online only what is due is accepted. */
static void on_negotiation(struct stream *stream, xmpp_stanza_t *stanza)
{
    static const struct {
        enum step step;
        const char *name, *ns;
        void (*fn)(struct stream *stream, xmpp_stanza_t *stanza);
    } due[] = {
        { STEP_FEATURES, "features", XMPP_NS_STREAMS, on_features },
        { STEP_SASL, "challenge", XMPP_NS_SASL, on_challenge },
        { STEP_SASL, "success", XMPP_NS_SASL, on_success },
        { STEP_SASL, "failure", XMPP_NS_SASL, on_failure },
        { STEP_SASL, "challenge", NS_SASL2, on_challenge },
        { STEP_SASL, "success", NS_SASL2, on_success2 },
        { STEP_SASL, "failure", NS_SASL2, on_failure },
        { STEP_SASL, "continue", NS_SASL2, on_continue },
        { STEP_BOUND, "features", XMPP_NS_STREAMS, on_features_of_bound },
        { STEP_RESUME, "resumed", NS_SM, on_resumed },
        { STEP_RESUME, "failed", NS_SM, on_resume_failed },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(due); i++) {
        bool of_login = stream->step == STEP_SASL;
        if (due[i].step == stream->step &&
            element_is(stanza, due[i].name, due[i].ns) &&
            (!of_login || strcmp(due[i].ns, profile(stream)) == 0)) {
            due[i].fn(stream, stanza);
            return;
        }
    }
    if (stream->step == STEP_PROCEED &&
        element_is(stanza, "proceed", XMPP_NS_TLS)) {
        stream->step = STEP_SECURING;
        relay_start_tls(stream->relay);
    } else if (stream->step == STEP_PROCEED &&
               element_is(stanza, "failure", XMPP_NS_TLS)) {
        on_tls_refused(stream);
    } else if (stream->step == STEP_BIND && is_answer(stream, stanza)) {
        on_bind_answer(stream, stanza);
    } else if (stream->step == STEP_SESSION && is_answer(stream, stanza)) {
        on_session_answer(stream);
    } else {
        unexpected(stream, stanza);
    }
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct stream *stream = data;

    if (element_is(stanza, "error", XMPP_NS_STREAMS)) {
        on_stream_error(stream, stanza);
        return;
    }
    if (stream->step == STEP_REGISTER &&
        element_is(stanza, "iq", XMPP_NS_CLIENT)) {
        relay_deadline(stream->relay, 0);
        if (!stream->ending)
            stream->callbacks.stanza(stanza, stream->data);
        return;
    }
    bool features = element_is(stanza, "features", XMPP_NS_STREAMS);
    if (stream->step == STEP_BOUND && !features && !stream->ending)
        finish_bound(stream); /* it has begun without them */
    if (stream->step != STEP_ONLINE) {
        if (!stream->ending)
            on_negotiation(stream, stanza);
        return;
    }
    if (features) { /* of a session resumed inside SASL2 */
        if (!stream->features)
            stream->features = xmpp_stanza_clone(stanza);
        return;
    }
    /* C11: what comes in while we close in order still counts. */
    if (!stream->reason && stream->callbacks.stanza)
        stream->callbacks.stanza(stanza, stream->data);
}

static void on_turn(gpointer data)
{
    struct stream *stream = data;
    if (stream->was_online && stream->callbacks.turn)
        stream->callbacks.turn(stream->data);
}

static void on_stream_closed(gpointer data)
{
    struct stream *stream = data;
    end_connection(stream, NULL, NULL);
}

static GError *reason_of_end(const struct stream *stream, const GError *cause)
{
    GError *error =
        stream_reason_of_relay(stream->domain, cause, stream->was_online);
    /* What cannot be read in the middle of a login is a failed login. */
    if (stream->step == STEP_SASL && error->code == STREAM_ERROR_PROTOCOL)
        error->code = STREAM_ERROR_AUTH;
    return error;
}

static void on_closed(const GError *error, gpointer data)
{
    struct stream *stream = data;
    bool expected = stream->reason || stream->closing || is_asking(stream) ||
                    hung_up_on_retry(stream);
    stream->fell_silent = !expected && stream->step == STEP_SASL &&
        asked_for_extras(stream) &&
        g_error_matches(error, RELAY_ERROR, RELAY_ERROR_TIMEOUT);
    if (!expected)
        stream->reason = reason_of_end(stream, error);
    schedule_finish(stream);
}

static void on_xml(bool outgoing, const char *xml, gsize len, gpointer data)
{
    struct stream *stream = data;
    if (stream->callbacks.xml)
        stream->callbacks.xml(outgoing, xml, len, stream->data);
}

/* ---- an attempt ---- */

static bool is_loopback(const char *host)
{
    if (!host)
        return false;
    if (g_ascii_strcasecmp(host, "localhost") == 0)
        return true;
    size_t len = strlen(host);
    g_autofree char *bare = len > 2 && host[0] == '[' && host[len - 1] == ']'
                                ? g_strndup(host + 1, len - 2)
                                : g_strdup(host);
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(bare);
    return address && g_inet_address_get_is_loopback(address);
}

static bool is_possible(struct stream *stream)
{
    const char *host = stream->server ? stream->server : stream->ascii_domain;
    if (!stream->ascii_domain) {
        fail(stream, STREAM_ERROR_CONNECT, true, NULL,
            _("%s is no domain name; check the address."), stream->domain);
        return false;
    }
    if (stream->tls_mode == TLS_MODE_OFF &&
        (stream->proxy || !is_loopback(host))) {
        fail(stream, STREAM_ERROR_TLS, true, NULL,
            _("Encryption can be switched off (--tls off) only for a server on "
            "this machine, and %s is not; use --tls required."),
            host);
        return false;
    }
    return true;
}

/* Another host than usual, or NULL. The certificate must be for our domain all
 * the same (H14). */
static char *next_host(struct stream *stream, guint16 *port)
{
    *port = stream->other_port;
    if (stream->other_host)
        return g_steal_pointer(&stream->other_host);
    if (!stream->location || stream->location_failed ||
        stream->tls_mode == TLS_MODE_OFF)
        return NULL;
    stream->at_location = true;
    *port = stream->location_port;
    return g_strdup(stream->location);
}

static void start_attempt(struct stream *stream)
{
    static const struct relay_callbacks callbacks = {
        .connected = on_connected,
        .secured = on_secured,
        .opened = on_opened,
        .header = on_header,
        .stanza = on_stanza,
        .stream_closed = on_stream_closed,
        .closed = on_closed,
        .turn = on_turn,
        .xml = on_xml,
    };
    clear_source(&stream->retry);
    stream->retry_at = 0;
    forget_connection(stream);
    stream->step = STEP_DIALING;
    tell_state(stream, STATE_DIALING, NULL, -1);
    if (stream->ending || stream->relay || !is_possible(stream))
        return; /* the owner thought otherwise, or it cannot be */

    guint16 other_port;
    bool starttls = stream->tls_mode != TLS_MODE_DIRECT;
    bool direct = stream->tls_mode == TLS_MODE_REQUIRED ||
                  stream->tls_mode == TLS_MODE_DIRECT;
    g_autofree char *other = next_host(stream, &other_port);
    const struct relay_config config = {
        .dial = {
            .domain = stream->ascii_domain,
            .server = other ? other : stream->server,
            .port = other ? other_port : stream->port,
            .allow_starttls = starttls,
            .allow_direct = direct,
            .proxy = stream->proxy,
            .timeout_ms = stream->timeout_ms,
        },
        .tls = {
            .domain = stream->domain,
            .ca_file = stream->ca_file,
            .pins = (const char *const *)stream->pins->pdata,
            .client_cert = stream->client_cert,
            .client_key = stream->client_key,
        },
        .domain = stream->domain,
        .phase_timeout_ms = stream->timeout_ms,
    };
    stream->relay = relay_new(&config, &callbacks, stream);
}

/* ---- the public face ---- */

static void copy_pins(struct stream *stream, const char *const *pins)
{
    stream->pins = g_ptr_array_new_with_free_func(g_free);
    for (; pins && *pins; pins++)
        g_ptr_array_add(stream->pins, g_strdup(*pins));
    g_ptr_array_add(stream->pins, NULL);
}

static void add_pin(struct stream *stream, const char *sha256)
{
    stream->pins->pdata[stream->pins->len - 1] = g_strdup(sha256);
    g_ptr_array_add(stream->pins, NULL);
}

struct stream *stream_new(const struct stream_config *config,
    const struct stream_callbacks *callbacks, gpointer data)
{
    struct stream *stream = g_new0(struct stream, 1);

    stream->callbacks = *callbacks;
    stream->data = data;
    stream->jid = jid_bare(config->jid);
    stream->domain = jid_domain(config->jid);
    stream->ascii_domain = jid_domain_ascii(stream->domain);
    stream->local = jid_local(config->jid);
    stream->resource = g_strdup(config->resource);
    stream->server = g_strdup(config->server);
    stream->port = config->port;
    stream->tls_mode = config->tls;
    stream->ca_file = g_strdup(config->ca_file);
    copy_pins(stream, config->pins);
    stream->proxy = g_strdup(config->proxy);
    stream->client_cert = g_strdup(config->client_cert);
    stream->client_key = g_strdup(config->client_key);
    stream->pinned_mechanism = g_strdup(config->pinned_mechanism);
    stream->plain_allowed = config->plain_allowed;
    stream->user_agent = g_strdup(config->user_agent);
    stream->software = g_strdup(config->software);
    if (config->offer && strlen(config->offer) <= OFFER_BYTES_MAX)
        stream->offer = g_strdup(config->offer);
    stream->login_only = stream->no_extras = config->login_only;
    stream->silences = config->login_only ? 2 : 0;
    stream->anonymous = config->anonymous;
    stream->lang = g_strdup(config->lang ? config->lang : "en");
    stream->timeout_ms = config->timeout_ms;
    stream->reconnect = config->reconnect;
    stream->registration = config->registration;
    stream->ping_interval_s =
        config->ping_interval_s ? config->ping_interval_s : PING_INTERVAL_S;
    stream->backoff_ms = config->backoff_ms;
    stream->state = STATE_OFFLINE;
    return stream;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    clear_source(&stream->retry);
    forget_connection(stream);
    tls_peer_free(stream->peer);
    secret_unref(stream->password);
    g_ptr_array_unref(stream->pins);
    g_free(stream->mechanism);
    g_free(stream->refusal);
    g_free(stream->other_host);
    g_free(stream->location);
    g_free(stream->pinned_mechanism);
    g_free(stream->refused_token);
    g_free(stream->user_agent);
    g_free(stream->software);
    g_free(stream->offer);
    g_free(stream->jid);
    g_free(stream->domain);
    g_free(stream->ascii_domain);
    g_free(stream->local);
    g_free(stream->resource);
    g_free(stream->server);
    g_free(stream->ca_file);
    g_free(stream->proxy);
    g_free(stream->client_cert);
    g_free(stream->client_key);
    g_free(stream->lang);
    g_free(stream);
}

void stream_connect(struct stream *stream)
{
    bool waiting = stream->retry != 0;
    if (!waiting &&
        (stream->relay || stream->finish || stream->step != STEP_NONE))
        return;
    stream->losses = 0;
    stream->redirects = 0;
    stream->tries = 0;
    start_attempt(stream);
}

void stream_close(struct stream *stream)
{
    bool idle = !stream->relay && !stream->finish &&
                stream->step == STEP_NONE && !stream->retry;
    if (idle)
        return;
    clear_source(&stream->retry);
    stream->retry_at = 0;
    stream->closing = true;
    stream->hurry = false;
    g_clear_error(&stream->reason);
    g_clear_pointer(&stream->other_host, g_free);
    if (!stream->relay)
        schedule_finish(stream);
    else
        tell_state(stream, STATE_CLOSING, NULL, -1);
    if (stream->relay)
        end_connection(stream, NULL, NULL);
}

void stream_kick(struct stream *stream)
{
    if (stream->retry) {
        stream->losses = 0;
        start_attempt(stream);
    } else if (stream->step == STEP_ONLINE && !stream->ending) {
        stream->hurry = true;
        stream->pings = PINGS_MAX - 1;
        ask_alive(stream, KICK_ANSWER_S * 1000);
    }
}

void stream_fail(struct stream *stream, const char *condition, const char *text)
{
    if (!stream->relay || stream->ending)
        return;
    stream->reason = g_error_new(STREAM_ERROR, STREAM_ERROR_PROTOCOL,
        _("%s broke a rule (%s), so the connection was closed; tell its "
        "administrator."),
        stream->domain, text ? text : stream_error_sentence(condition));
    end_connection(stream, condition, text);
}

void stream_certificate_decide(
    struct stream *stream, bool trust, const char *sha256_to_pin)
{
    if (stream->step != STEP_CERTIFICATE)
        return;
    if (!trust) {
        g_autofree char *sentence =
            tls_distrust_sentence(stream->peer->distrust, stream->domain);
        stream->reason = g_error_new_literal(
            STREAM_ERROR, STREAM_ERROR_CERTIFICATE, sentence);
        stream->final = true;
        stream->step = STEP_SECURING;
        schedule_finish(stream);
        return;
    }
    /* For as long as this stream lives the same question is not asked. */
    add_pin(stream, stream->peer->sha256);
    if (sha256_to_pin && strcmp(sha256_to_pin, stream->peer->sha256) != 0)
        add_pin(stream, sha256_to_pin);
    if (!stream->relay)
        start_attempt(stream);
    else if (stream->ending)
        stream->redial = true;
    else
        trust_and_go_on(stream);
}

/* The person had the last word on this login. Takes the error. */
static void answered_no(struct stream *stream, GError *error)
{
    stream->step = STEP_SASL;
    if (stream->relay) {
        fail_with(stream, error, true, NULL);
        return;
    }
    stream->reason = error;
    stream->final = true;
    schedule_finish(stream);
}

static void no_password(struct stream *stream)
{
    answered_no(stream,
        stream->refusal
            ? g_error_new_literal(
                  STREAM_ERROR, STREAM_ERROR_AUTH, stream->refusal)
            : g_error_new(STREAM_ERROR, STREAM_ERROR_NO_PASSWORD,
                  _("There is no password for %s; give one with --password-file, "
                  "--password-command or the account's password_command."),
                  stream->jid));
}

static void go_on_with_login(struct stream *stream)
{
    if (!stream->relay)
        start_attempt(stream);
    else if (stream->ending)
        stream->redial = true;
    else
        authenticate(stream);
}

void stream_plain_decide(struct stream *stream, bool allow)
{
    if (stream->step != STEP_PLAIN)
        return;
    if (!allow) {
        answered_no(stream, g_error_new_literal(STREAM_ERROR,
                                STREAM_ERROR_AUTH, stream->refusal));
        return;
    }
    g_clear_pointer(&stream->refusal, g_free);
    stream->plain_allowed = true;
    go_on_with_login(stream);
}

void stream_password(struct stream *stream, struct secret *password)
{
    if (stream->step != STEP_PASSWORD)
        return;
    if (!password) {
        no_password(stream);
        return;
    }
    secret_unref(stream->password);
    stream->password = secret_ref(password);
    go_on_with_login(stream);
}

bool stream_send(struct stream *stream, xmpp_stanza_t *stanza)
{
    bool registering = stream->step == STEP_REGISTER;
    if ((!registering && stream->step != STEP_ONLINE) || stream->ending)
        return false;
    if (registering)
        expect_step(stream, STEP_REGISTER);
    relay_send(stream->relay, stanza);
    return true;
}

void stream_send_raw(struct stream *stream, const char *xml, gssize len)
{
    if (stream->step == STEP_ONLINE && !stream->ending)
        relay_send_raw(stream->relay, xml, len);
}

void stream_hold(struct stream *stream, bool hold)
{
    if (stream->relay)
        relay_hold(stream->relay, hold);
}

gsize stream_unsent_bytes(const struct stream *stream)
{
    return stream->relay ? relay_unsent_bytes(stream->relay) : 0;
}

enum connection_state stream_state(const struct stream *stream)
{
    return stream->state;
}

const char *stream_tls_version(const struct stream *stream)
{
    return stream->tls_version;
}

const struct tls_peer *stream_peer(const struct stream *stream)
{
    return stream->peer;
}

const char *stream_mechanism(const struct stream *stream)
{
    return stream->mechanism;
}

gint64 stream_retry_at(const struct stream *stream)
{
    return stream->retry_at;
}

gsize stream_max_bytes(const struct stream *stream)
{
    return stream->max_bytes;
}

const char *stream_lang(const struct stream *stream)
{
    return stream->their_lang;
}

xmpp_stanza_t *stream_features(const struct stream *stream)
{
    return stream->features;
}

void stream_set_location(struct stream *stream, const char *location)
{
    g_clear_pointer(&stream->location, g_free);
    stream->location_failed = false;
    if (location && !stream_parse_other_host(
                        location, &stream->location, &stream->location_port))
        stream->location = NULL;
}

bool stream_offers_inline(xmpp_stanza_t *offer, const char *feature)
{
    return sasl2_bind_offers(offer, feature);
}
