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
#include "net/stream_private.h"

#define NS_LIMITS "urn:xmpp:stream-limits:0"  /* XEP-0478 */
#define NS_PING "urn:xmpp:ping"               /* XEP-0199 */

#define REDIRECTS_MAX 3 /* H14 */
#define STEP_MS 30000
#define EXTRAS_MS 10000 /* more than a login was asked for */
#define PING_INTERVAL_S 300
#define PING_INTERVAL_MIN_S 30
#define PING_ANSWER_S 30
#define PINGS_MAX 2
#define KICK_ANSWER_S 5
#define SETTLED_S 60 /* online this long: the next back-off starts anew */
#define SHUTDOWN_BACKOFF 2

/* ---- telling the owner ---- */

void stream_tell(struct stream *stream, enum connection_state state,
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

void stream_finish_soon(struct stream *stream)
{
    stream->ending = true;
    if (!stream->finish)
        stream->finish =
            g_idle_add_full(G_PRIORITY_DEFAULT, on_finish, stream, NULL);
}

/* condition: the stream error to send, or NULL. */
void stream_end(
    struct stream *stream, const char *condition, const char *text)
{
    if (stream->ending)
        return;
    g_clear_handle_id(&stream->ping_timer, g_source_remove);
    g_clear_handle_id(&stream->patience, g_source_remove);
    stream->ending = true;
    /* Before our first header there is nothing to be closed in order. */
    if (!stream->relay || stream->step < STEP_HEADER)
        stream_finish_soon(stream);
    else
        relay_close(stream->relay, condition, text);
}

/* Takes the error. */
void stream_give_up(
    struct stream *stream, GError *error, bool final, const char *condition)
{
    if (stream->reason || stream->closing) {
        g_error_free(error);
    } else {
        stream->reason = error;
        stream->final = final;
    }
    stream_end(stream, condition, NULL);
}

void stream_break(struct stream *stream, enum stream_error code, bool final,
    const char *condition, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    GError *error = g_error_new_valist(STREAM_ERROR, code, format, args);
    va_end(args);
    stream_give_up(stream, error, final, condition);
}

static void forget_connection(struct stream *stream)
{
    g_clear_handle_id(&stream->finish, g_source_remove);
    g_clear_handle_id(&stream->ping_timer, g_source_remove);
    g_clear_handle_id(&stream->patience, g_source_remove);
    g_clear_pointer(&stream->relay, relay_free);
    stream_login_forget(stream);
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
    stream_start(stream);
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
    stream_tell(stream, STATE_WAITING, error, delay);
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
    stream_login_learn(stream);
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
        stream_tell(stream, STATE_OFFLINE, NULL, -1);
    } else if (at_once) {
        stream_start(stream);
    } else if (final) {
        stream_tell(stream, STATE_OFFLINE, reason, -1);
    } else {
        wait_and_retry(stream, reason);
    }
    return G_SOURCE_REMOVE;
}

/* ---- sending ---- */

void stream_say(struct stream *stream, const char *xml)
{
    relay_send_raw(stream->relay, xml, -1);
}

void stream_expect(struct stream *stream, enum step step)
{
    unsigned ms = stream->timeout_ms ? stream->timeout_ms : STEP_MS;

    stream->step = step;
    if (step == STEP_SASL && stream_login_asked_extras(stream))
        ms = MIN(ms, EXTRAS_MS);
    relay_deadline(stream->relay, ms);
}

void stream_open(struct stream *stream)
{
    if (stream->header_asked || stream->ending)
        return;
    /* RFC 6120 s. 4.7.1: our address only inside TLS. */
    const char *from = stream->secured && stream->local ? stream->jid : NULL;
    stream->header_asked = true;
    stream_expect(stream, STEP_HEADER);
    relay_open_stream(stream->relay, stream->domain, from, stream->lang);
}

/* ---- signs of life ---- */

static gboolean on_ping_timer(gpointer data);

static void arm_ping(struct stream *stream, unsigned ms)
{
    g_clear_handle_id(&stream->ping_timer, g_source_remove);
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
        stream_say(stream, xml);
        if (stream->callbacks.sent_own)
            stream->callbacks.sent_own(stream->data);
    }
    arm_ping(stream, answer_ms);
}

static void peer_is_dead(struct stream *stream)
{
    stream_break(stream, STREAM_ERROR_LOST, false, NULL,
        _("%s does not answer any more; check the network."), stream->domain);
    stream_finish_soon(stream); /* nobody is there to say good-bye to */
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

void stream_watch(struct stream *stream)
{
    arm_ping(stream, ping_interval_ms(stream));
}

/* ---- features (RFC 6120 s. 4.3.2) ---- */

static void start_tls(struct stream *stream)
{
    stream_expect(stream, STEP_PROCEED);
    relay_expect_last(stream->relay, XMPP_NS_TLS, "proceed");
    stream_say(stream, "<starttls xmlns='" XMPP_NS_TLS "'/>");
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

void stream_read_limits(struct stream *stream, xmpp_stanza_t *features)
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
        stream_break(stream, STREAM_ERROR_TLS, false, NULL,
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
    stream_tell(stream, STATE_AUTHENTICATING, NULL, -1);
    if (!stream->ending)
        stream->callbacks.registration(features, stream->data);
}

static void on_features(struct stream *stream, xmpp_stanza_t *features)
{
    const char *unknown = unknown_requirement(features);
    if (unknown) {
        stream_break(stream, STREAM_ERROR_PROTOCOL, false, "unsupported-feature",
            _("%s requires “%s”, which txmpp does not know; ask its "
            "administrator."),
            stream->domain, unknown);
        return;
    }
    relay_set_state(stream->relay, GUARD_NEGOTIATING);
    stream_read_limits(stream, features);
    if (!stream->secured && stream->tls_mode != TLS_MODE_OFF)
        on_features_in_clear(stream, features);
    else if (stream->registration)
        on_features_for_registration(stream, features);
    else if (!stream->authenticated)
        stream_login_offered(stream, features);
    else
        stream_bind_offered(stream, features);
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
    xmpp_stanza_t *element = element_condition(stanza, XMPP_NS_STREAMS_IETF);
    const char *condition =
        element ? xmpp_stanza_get_name(element) : "undefined-condition";
    g_autofree char *text =
        element_text(element_child(stanza, "text", XMPP_NS_STREAMS_IETF));

    if (is_asking(stream) && !stream_condition_is_final(condition)) {
        stream_end(stream, NULL, NULL); /* it got tired of waiting */
        return;
    }
    if (strcmp(condition, "see-other-host") == 0 && !stream->closing)
        follow_redirect(stream, element);
    if (strcmp(condition, "system-shutdown") == 0)
        stream->losses = MAX(stream->losses, SHUTDOWN_BACKOFF);
    stream_give_up(stream,
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
    stream_tell(stream, STATE_SECURING, NULL, -1);
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
        stream_finish_soon(stream);
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
    stream_open(stream);
    stream_login_early(stream);
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
        stream_break(stream, STREAM_ERROR_PROTOCOL, false, "bad-format",
            _("%s began a stream when none was due; tell its administrator."),
            stream->domain);
    } else if (!speaks_xmpp_1(version)) {
        stream_break(stream, STREAM_ERROR_PROTOCOL, true, "unsupported-version",
            _("%s does not speak XMPP 1.0; ask its administrator to update it."),
            stream->domain);
    } else if (!id || !*id) {
        stream_break(stream, STREAM_ERROR_PROTOCOL, false, "bad-format",
            _("%s began the stream without an id; tell its administrator."),
            stream->domain);
    } else if (from && !jid_equal_prepared(from, stream->domain)) {
        stream_break(stream, STREAM_ERROR_PROTOCOL, false, "invalid-from",
            _("The server calls itself by another name than %s; check the "
            "address, or --server."),
            stream->domain);
    } else {
        stream->header_asked = false;
        stream_expect(stream, STEP_FEATURES);
    }
}

static void unexpected(struct stream *stream, xmpp_stanza_t *stanza)
{
    const char *name = xmpp_stanza_get_name(stanza);
    stream_break(stream, STREAM_ERROR_PROTOCOL, false, "unsupported-stanza-type",
        _("%s sent <%s/> when it was not due; tell its administrator."),
        stream->domain, name ? name : "?");
}

static void on_tls_refused(struct stream *stream)
{
    stream_break(stream, STREAM_ERROR_TLS, false, NULL,
        _("%s refuses to encrypt the connection, so nothing was sent to it; "
        "try again later, or ask its administrator."),
        stream->domain);
}

/* Before we are online only what is due is accepted. */
static void on_negotiation(struct stream *stream, xmpp_stanza_t *stanza)
{
    if (stream->step == STEP_FEATURES &&
        element_is(stanza, "features", XMPP_NS_STREAMS)) {
        on_features(stream, stanza);
    } else if (stream->step == STEP_PROCEED &&
        element_is(stanza, "proceed", XMPP_NS_TLS)) {
        stream->step = STEP_SECURING;
        relay_start_tls(stream->relay);
    } else if (stream->step == STEP_PROCEED &&
               element_is(stanza, "failure", XMPP_NS_TLS)) {
        on_tls_refused(stream);
    } else if (!stream_login_take(stream, stanza) &&
               !stream_bind_take(stream, stanza)) {
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
        stream_bind_begun(stream); /* it has begun without them */
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
    stream_end(stream, NULL, NULL);
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
        stream_login_asked_extras(stream) &&
        g_error_matches(error, RELAY_ERROR, RELAY_ERROR_TIMEOUT);
    if (!expected)
        stream->reason = reason_of_end(stream, error);
    stream_finish_soon(stream);
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
        stream_break(stream, STREAM_ERROR_CONNECT, true, NULL,
            _("%s is no domain name; check the address."), stream->domain);
        return false;
    }
    if (stream->tls_mode == TLS_MODE_OFF &&
        (stream->proxy || !is_loopback(host))) {
        stream_break(stream, STREAM_ERROR_TLS, true, NULL,
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

void stream_start(struct stream *stream)
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
    g_clear_handle_id(&stream->retry, g_source_remove);
    stream->retry_at = 0;
    forget_connection(stream);
    stream->step = STEP_DIALING;
    stream_tell(stream, STATE_DIALING, NULL, -1);
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
    g_clear_handle_id(&stream->retry, g_source_remove);
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
    stream_start(stream);
}

void stream_close(struct stream *stream)
{
    bool idle = !stream->relay && !stream->finish &&
                stream->step == STEP_NONE && !stream->retry;
    if (idle)
        return;
    g_clear_handle_id(&stream->retry, g_source_remove);
    stream->retry_at = 0;
    stream->closing = true;
    stream->hurry = false;
    g_clear_error(&stream->reason);
    g_clear_pointer(&stream->other_host, g_free);
    if (!stream->relay)
        stream_finish_soon(stream);
    else
        stream_tell(stream, STATE_CLOSING, NULL, -1);
    if (stream->relay)
        stream_end(stream, NULL, NULL);
}

void stream_kick(struct stream *stream)
{
    if (stream->retry) {
        stream->losses = 0;
        stream_start(stream);
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
    stream_end(stream, condition, text);
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
        stream_finish_soon(stream);
        return;
    }
    /* For as long as this stream lives the same question is not asked. */
    add_pin(stream, stream->peer->sha256);
    if (sha256_to_pin && strcmp(sha256_to_pin, stream->peer->sha256) != 0)
        add_pin(stream, sha256_to_pin);
    if (!stream->relay)
        stream_start(stream);
    else if (stream->ending)
        stream->redial = true;
    else
        trust_and_go_on(stream);
}

bool stream_send(struct stream *stream, xmpp_stanza_t *stanza)
{
    bool registering = stream->step == STEP_REGISTER;
    if ((!registering && stream->step != STEP_ONLINE) || stream->ending)
        return false;
    if (registering)
        stream_expect(stream, STEP_REGISTER);
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
