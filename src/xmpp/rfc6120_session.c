/*
 * The session of an account (RFC 6120): it owns the stream, the pending
 * requests and the state of every feature, and is the one place where the
 * connection meets the model. It is counted, because a callback of the stream
 * or of a request may end in a command that detaches the account; the last
 * holder frees it.
 */
#include "xmpp/rfc6120_session.h"
#include <string.h>
#include "base/log.h"
#include "model/jid.h"
#include "net/wake.h"
#include "store/option.h"
#include "xmpp/feature.h"
#include "xmpp/inbox.h"
#include "xmpp/iq.h"
#include "xmpp/login.h"
#include "xmpp/outbox.h"
#include "xmpp/rfc6121_presence.h"
#include "xmpp/testing.h"

struct session {
    int refs;
    int depth;               /* of stream callbacks */
    struct account *account; /* NULL: detached */
    struct front *front;

    char *server, *ca_file, *resource; /* of the command line */
    guint16 port;
    enum tls_mode tls;
    bool tls_given, script;
    unsigned timeout_s;

    struct stream *stream;
    xmpp_stanza_t *features; /* of the stream after authentication */
    bool was_bound;          /* this connection got as far as a session */
    bool connect_again;      /* asked for inside a callback */
    GError *error;
    gint64 retry_ms;

    struct login *login;
    struct wake *wake;       /* NULL before the first time online */
    struct iq_table *iqs;
    struct inbox *inbox;
    struct outbox *outbox;
    void **states;           /* by position in features[] */

    session_capture_fn capture; /* tests */
    gpointer capture_data;
};

static void destroy(struct session *session);

struct session *session_ref(const struct account *account)
{
    account->session->refs++;
    return account->session;
}

void session_unref(struct session *session)
{
    if (--session->refs == 0)
        destroy(session);
}

static gboolean destroy_later(gpointer data)
{
    destroy(data);
    return G_SOURCE_REMOVE;
}

/* Brackets of every stream callback. Returns the account, NULL when it was
 * detached and the stream lives on only until the loop comes round. */
static struct account *enter(struct session *session)
{
    session->refs++;
    session->depth++;
    return session->account;
}

static void leave(struct session *session)
{
    session->depth--;
    if (--session->refs == 0)
        g_idle_add(destroy_later, session);
}

/* ---- features ---------------------------------------------------------- */

static guint count_features(void)
{
    guint n = 0;

    while (features[n])
        n++;
    return n;
}

void *feature_state(
    const struct account *account, const struct feature *feature)
{
    const struct session *session = account->session;

    if (!session)
        return NULL;
    for (guint i = 0; features[i]; i++)
        if (features[i] == feature)
            return session->states[i];
    return NULL;
}

static void attach_features(struct account *account)
{
    struct session *session = account->session;

    session->states = g_new0(void *, count_features() + 1);
    for (guint i = 0; features[i]; i++)
        if (features[i]->state_size > 0)
            session->states[i] = g_malloc0(features[i]->state_size);
    for (guint i = 0; features[i]; i++)
        if (features[i]->attach)
            features[i]->attach(account);
}

static void detach_features(struct account *account)
{
    struct session *session = account->session;

    for (guint i = count_features(); i-- > 0;)
        if (features[i]->detach)
            features[i]->detach(account);
    for (guint i = 0; features[i]; i++)
        g_clear_pointer(&session->states[i], g_free);
}

/* ---- the stream's word ------------------------------------------------- */

static void emit_state(
    struct account *account, const GError *error, gint64 retry_ms)
{
    account_emit(account,
        (struct event){ .type = EVENT_STATE,
            .state = { .error = error, .retry_ms = retry_ms } });
}

/* The connection is gone; nothing that depended on it is left half done. */
static void lose(struct session *session)
{
    struct account *account = session->account;
    GHashTableIter iter;
    gpointer chat;

    if (!session->was_bound)
        return;
    session->was_bound = false;
    account->synced = false;
    for (guint i = count_features(); i-- > 0;)
        if (features[i]->offline)
            features[i]->offline(account);
    outbox_connection_lost(account);
    iq_connection_lost(account);
    roster_all_offline(account->roster);
    g_hash_table_iter_init(&iter, account->chats);
    while (g_hash_table_iter_next(&iter, NULL, &chat)) {
        g_clear_pointer(&((struct chat *)chat)->locked, g_free);
        g_clear_pointer(&((struct chat *)chat)->typing, g_free);
    }
    g_clear_pointer(&account->full_jid, g_free);
    g_clear_pointer(&account->tls_version, g_free);
    g_clear_pointer(&session->features, xmpp_stanza_release);
}

static void on_wake(gpointer data)
{
    struct session *session = data;

    if (session->account && session->stream)
        session_kick(session->account);
}

static void go_online(struct session *session)
{
    struct account *account = session->account;

    for (guint i = 0; features[i] && session->account; i++)
        if (features[i]->online)
            features[i]->online(account);
    if (session->stream && session->account && !session->wake)
        session->wake = wake_new(on_wake, session);
}

static void keep_error(struct session *session, const GError *error)
{
    g_clear_error(&session->error);
    if (!error)
        return;
    if (g_error_matches(error, STREAM_ERROR, STREAM_ERROR_NO_PASSWORD) &&
        *login_tried(session->login))
        session->error = g_error_new(STREAM_ERROR, STREAM_ERROR_NO_PASSWORD,
            "There is no password for %s. Tried: --password-file, "
            "--password-fd and --password-command (not given), %s.",
            session->account->jid, login_tried(session->login));
    else
        session->error = g_error_copy(error);
}

static void on_state(enum connection_state state, const GError *error,
    gint64 retry_ms, gpointer data)
{
    struct session *session = data;
    struct account *account = enter(session);

    if (!account) {
        leave(session);
        return;
    }
    account->state = state;
    session->retry_ms = retry_ms;
    if (error || state == STATE_ONLINE)
        keep_error(session, error);
    if (state == STATE_ONLINE) {
        session->was_bound = true;
        g_free(account->tls_version);
        account->tls_version =
            g_strdup(stream_tls_version(session->stream));
    } else if (state != STATE_CLOSING) {
        lose(session);
    }
    emit_state(account, error ? session->error : NULL, retry_ms);
    if (state == STATE_ONLINE && session->account)
        go_online(session);
    else if (session->account && state == STATE_OFFLINE)
        account_emit(account, (struct event){ .type = EVENT_ROSTER_RESET });
    leave(session);
}

static void set_identity(struct account *account, const char *full_jid)
{
    g_autofree char *bare = jid_bare(full_jid);

    g_free(account->full_jid);
    account->full_jid = g_strdup(full_jid);
    if (strcmp(bare, account->jid) == 0)
        return;
    /* contract.md s. 4: the server's spelling from here on */
    g_free(account->jid);
    account->jid = g_steal_pointer(&bare);
}

static void on_bound(const char *jid, xmpp_stanza_t *stream_features,
    gpointer data)
{
    struct session *session = data;
    struct account *account = enter(session);

    if (account) {
        set_identity(account, jid);
        g_clear_pointer(&session->features, xmpp_stanza_release);
        if (stream_features)
            session->features = xmpp_stanza_clone(stream_features);
    }
    leave(session);
}

static void dispatch(struct account *account, xmpp_stanza_t *stanza)
{
    const char *name = stanza_name(stanza);

    if (strcmp(stanza_ns(stanza), NS_CLIENT) == 0) {
        if (strcmp(name, "message") == 0 || strcmp(name, "presence") == 0)
            inbox_receive(account, stanza);
        else if (strcmp(name, "iq") == 0)
            iq_handle(account, stanza);
        return;
    }
    for (guint i = 0; features[i]; i++)
        if (features[i]->nonza && features[i]->nonza(account, stanza))
            return;
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct session *session = data;
    struct account *account = enter(session);

    if (account)
        dispatch(account, stanza);
    leave(session);
}

static void on_xml(bool outgoing, const char *xml, gsize len, gpointer data)
{
    struct session *session = data;
    struct account *account = session->account;
    g_autofree char *redacted = NULL;

    if (!account)
        return;
    if (log_enabled())
        log_xml(account->jid, outgoing, xml, (gssize)len);
    if (!observers_wanted(account->observers, EVENT_XML))
        return;
    redacted = log_redact(xml, (gssize)len);
    account_emit(account,
        (struct event){ .type = EVENT_XML,
            .xml = { outgoing, redacted, strlen(redacted) } });
}

static void on_mechanism(
    const char *mechanism, bool channel_bound, gpointer data)
{
    struct session *session = data;

    (void)channel_bound; /* the name says it: …-PLUS */
    if (session->account)
        login_pin_mechanism(session->account, mechanism);
}

static void on_certificate(const struct tls_peer *peer, gpointer data)
{
    struct session *session = data;

    if (enter(session))
        login_certificate(session->login, peer);
    else
        stream_certificate_decide(session->stream, false, NULL);
    leave(session);
}

static void on_password(bool again, gpointer data)
{
    struct session *session = data;

    if (enter(session))
        login_password(session->login, again);
    else
        stream_password(session->stream, NULL);
    leave(session);
}

static const struct stream_callbacks callbacks = {
    .state = on_state,
    .bound = on_bound,
    .stanza = on_stanza,
    .xml = on_xml,
    .certificate = on_certificate,
    .password = on_password,
    .mechanism = on_mechanism,
};

/* ---- life -------------------------------------------------------------- */

static struct session *session_new(struct account *account)
{
    struct session *session = g_new0(struct session, 1);

    session->refs = 1;
    session->account = account;
    session->retry_ms = -1;
    session->iqs = iq_table_new(account);
    session->inbox = inbox_new();
    session->outbox = outbox_new(account);
    account->session = session;
    return session;
}

static void destroy(struct session *session)
{
    if (session->stream)
        stream_free(session->stream);
    stanza_release(session->features);
    iq_table_free(session->iqs);
    inbox_free(session->inbox);
    outbox_free(session->outbox);
    g_free(session->states);
    g_free(session->server);
    g_free(session->ca_file);
    g_free(session->resource);
    login_unref(session->login);
    g_clear_error(&session->error);
    g_free(session);
}

void session_attach(struct account *account,
    const struct session_config *config, struct front *front)
{
    struct session *session = session_new(account);

    session->front = front;
    session->login = login_new(account, front, config->password);
    session->server = g_strdup(config->server);
    session->port = config->port;
    session->tls = config->tls;
    session->tls_given = config->tls_given;
    session->ca_file = g_strdup(config->ca_file);
    session->resource = g_strdup(config->resource);
    session->timeout_s = config->timeout_s;
    session->script = config->script;
    attach_features(account);
}

void session_detach(struct account *account)
{
    struct session *session = account->session;

    if (!session)
        return;
    account->state = STATE_OFFLINE; /* nothing that ends now sends anything */
    if (session->front && session->front->ops->dismiss)
        session->front->ops->dismiss(session->front, account, NULL);
    if (session->login)
        login_close(session->login);
    g_clear_pointer(&session->wake, wake_free);
    lose(session);
    detach_features(account);
    iq_table_close(session->iqs);
    account->session = NULL;
    session->account = NULL;
    session_unref(session);
}

/* "en_GB.UTF-8" → "en-GB" */
static char *stream_lang(void)
{
    const char *name = g_get_language_names()[0];
    char *lang = g_strndup(name, strcspn(name, ".@"));

    if (strcmp(lang, "C") == 0 || strcmp(lang, "POSIX") == 0 || !*lang) {
        g_free(lang);
        return g_strdup("en");
    }
    return g_strdelimit(lang, "_", '-');
}

static const char *either(const char *given, const char *set)
{
    const char *value = given ? given : set;

    return value && *value ? value : NULL;
}

static struct stream *make_stream(struct session *session)
{
    struct account *account = session->account;
    g_autofree char *lang = stream_lang();
    g_autofree char *mechanism = login_pinned_mechanism(account);
    g_auto(GStrv) pins = login_pins(account);
    const gint64 port = account_option_int(account, "account.port");
    const struct stream_config config = {
        .jid = account->config_jid,
        .resource = either(
            session->resource, account_option(account, "account.resource")),
        .server = either(
            session->server, account_option(account, "account.server")),
        .port = session->server ? session->port : (guint16)port,
        .tls = session->tls_given
            ? session->tls
            : tls_mode_parse(account_option(account, "account.tls"), NULL),
        .ca_file = either(
            session->ca_file, account_option(account, "account.ca_file")),
        .pins = (const char *const *)pins,
        .proxy = either(NULL, account_option(account, "account.proxy")),
        .client_cert =
            either(NULL, account_option(account, "account.client_cert")),
        .client_key =
            either(NULL, account_option(account, "account.client_key")),
        .pinned_mechanism = mechanism,
        .plain_allowed =
            account_option_bool(account, "account.plain_allowed"),
        .anonymous = account_option_bool(account, "account.anonymous") ||
            !strchr(account->config_jid, '@'),
        .lang = lang,
        .timeout_ms = session->timeout_s * 1000,
        .reconnect = account_option_bool(account, "account.reconnect"),
        .ping_interval_s =
            (unsigned)account_option_int(account, "account.ping_interval"),
    };

    return stream_new(&config, &callbacks, session);
}

static gboolean connect_later(gpointer data)
{
    struct session *session = data;

    session->connect_again = false;
    if (session->account)
        session_connect(session->account);
    session_unref(session);
    return G_SOURCE_REMOVE;
}

void session_connect(struct account *account)
{
    struct session *session = account->session;

    if (session->stream && stream_state(session->stream) != STATE_OFFLINE) {
        if (stream_state(session->stream) == STATE_WAITING)
            stream_kick(session->stream);
        return;
    }
    if (session->depth > 0) { /* a stream is not freed under its own feet */
        if (!session->connect_again)
            g_idle_add(connect_later, session_ref(account));
        session->connect_again = true;
        return;
    }
    login_set_stream(session->login, NULL);
    if (session->stream)
        stream_free(session->stream);
    /* A new stream, so that changed settings count. */
    session->stream = make_stream(session);
    login_set_stream(session->login, session->stream);
    stream_connect(session->stream);
}

void session_disconnect(struct account *account, const char *status)
{
    struct session *session = account->session;

    if (session_is_online(account))
        rfc6121_presence_leave(account, status);
    if (session->stream)
        stream_close(session->stream);
}

void session_kick(struct account *account)
{
    struct session *session = account->session;

    if (session->stream && stream_state(session->stream) != STATE_OFFLINE)
        stream_kick(session->stream);
    else if (!session->capture)
        session_connect(account);
}

bool session_send(struct account *account, xmpp_stanza_t *stanza)
{
    struct session *session = account->session;
    const bool online = session_is_online(account);

    if (online && session->capture) {
        g_autofree char *xml = stanza_xml(stanza);
        session->capture(account, stanza, xml, session->capture_data);
    } else if (online) {
        stream_send(session->stream, stanza);
    }
    xmpp_stanza_release(stanza);
    return online;
}

bool session_is_online(const struct account *account)
{
    return account->session && account->state == STATE_ONLINE &&
        (account->session->stream || account->session->capture);
}

const struct tls_peer *session_peer(const struct account *account)
{
    return account->session && account->session->stream
        ? stream_peer(account->session->stream)
        : NULL;
}

struct stream *session_stream(const struct account *account)
{
    return account->session ? account->session->stream : NULL;
}

const GError *session_error(const struct account *account)
{
    return account->session ? account->session->error : NULL;
}

bool session_will_retry(const struct account *account)
{
    return account->session && account->session->retry_ms >= 0;
}

void session_set_password(struct account *account, struct secret *password)
{
    if (account->session->login)
        login_set_password(account->session->login, password);
}

struct front *session_front(const struct account *account)
{
    return account->session ? account->session->front : NULL;
}

bool session_is_script(const struct account *account)
{
    return account->session && account->session->script;
}

bool session_has_stream_feature(
    const struct account *account, const char *name, const char *ns)
{
    return account->session &&
        stanza_child(account->session->features, name, ns) != NULL;
}

struct iq_table *session_iqs(const struct account *account)
{
    return account->session->iqs;
}

struct inbox *session_inbox(const struct account *account)
{
    return account->session->inbox;
}

struct outbox *session_outbox(const struct account *account)
{
    return account->session->outbox;
}

gsize session_max_bytes(const struct account *account)
{
    const struct session *session = account->session;

    return session->stream ? stream_max_bytes(session->stream) : 0;
}

void session_ready(struct account *account)
{
    struct session *session = session_ref(account);

    account->synced = true;
    account_emit(account, (struct event){ .type = EVENT_SYNCED });
    for (guint i = 0; features[i] && session->account; i++)
        if (features[i]->ready)
            features[i]->ready(account);
    if (session->account)
        outbox_online(account);
    session_unref(session);
}

/* ---- tests ------------------------------------------------------------- */

void session_attach_test(struct account *account, const char *full_jid,
    session_capture_fn fn, gpointer data)
{
    struct session *session = session_new(account);

    session->capture = fn;
    session->capture_data = data;
    session->was_bound = true;
    account->state = STATE_ONLINE;
    account->synced = true;
    set_identity(account, full_jid);
    attach_features(account);
}

void session_test_front(struct account *account, struct front *front)
{
    account->session->front = front;
}

void session_test_features(struct account *account, const char *xml)
{
    struct session *session = account->session;

    g_clear_pointer(&session->features, xmpp_stanza_release);
    session->features = stanza_parse(xml);
}

void session_test_online(struct account *account)
{
    account->state = STATE_ONLINE;
    account->synced = false;
    account->session->was_bound = true;
    emit_state(account, NULL, -1);
    go_online(account->session);
}

void session_test_lose(struct account *account)
{
    account->state = STATE_OFFLINE;
    lose(account->session);
    emit_state(account, NULL, -1);
}

bool session_test_receive(struct account *account, const char *xml)
{
    g_autofree char *wrapped =
        g_strdup_printf("<stream xmlns='" NS_CLIENT "'>%s</stream>", xml);
    g_autoptr(xmpp_stanza_t) stream = stanza_parse(wrapped);
    struct session *session;

    if (!stream || !stanza_first_element(stream))
        return false;
    session = session_ref(account);
    for (xmpp_stanza_t *s = stanza_first_element(stream);
         s && session->account; s = stanza_next(s, NULL, NULL))
        dispatch(account, s);
    session_unref(session);
    return true;
}

/* ---- the feature ------------------------------------------------------- */

static const struct option options[] = {
    { "account.resource", OPTION_STRING, NULL, .summary =
        "resource to ask the server for; a random one when unset" },
    { "account.server", OPTION_STRING, NULL, .summary =
        "host to connect to instead of asking DNS" },
    { "account.port", OPTION_INT, "0", .min = 0, .max = 65535, .summary =
        "port on account.server; 0 is the usual one" },
    { "account.tls", OPTION_ENUM, "required",
        .choices = "required direct starttls off", .summary =
        "required: direct TLS or STARTTLS; off only to this machine" },
    { "account.ca_file", OPTION_STRING, NULL, .summary =
        "file of certificate authorities that are trusted too" },
    { "account.client_cert", OPTION_STRING, NULL, .summary =
        "PEM file of a certificate to log in with (SASL EXTERNAL)" },
    { "account.client_key", OPTION_STRING, NULL, .summary =
        "PEM file of its private key" },
    { "account.proxy", OPTION_STRING, NULL, .summary =
        "SOCKS5 proxy, socks5://HOST:PORT; names are resolved by it" },
    { "account.password_command", OPTION_STRING, NULL, .summary =
        "command whose first line of output is the password",
        .detail = "It is run without a shell; quote as in a shell." },
    { "account.plain_allowed", OPTION_BOOL, "off", .summary =
        "may the password itself be sent when the server knows no better" },
    { "account.anonymous", OPTION_BOOL, "off", .summary =
        "log in without a name (SASL ANONYMOUS)" },
    { "account.reconnect", OPTION_BOOL, "on", .summary =
        "connect again after the connection was lost" },
    { "account.ping_interval", OPTION_SECONDS, "300", .min = 1, .max = 3600,
        .summary = "check a silent connection this often" },
    { .name = NULL },
};

extern const struct feature rfc6120_session;
const struct feature rfc6120_session = {
    .spec = "RFC 6120",
    .name = "XMPP Core",
    .since = "0.1.0",
    .options = options,
};
