/*
 * The session of an account (RFC 6120): it owns the stream, the pending
 * requests and the state of every feature, and is the one place where the
 * connection meets the model. It is counted, because a callback of the stream
 * or of a request may end in a command that detaches the account; the last
 * holder frees it.
 *
 * A session may outlive its connection (XEP-0198 s. 5): while it is suspended
 * nothing is lost, pending requests and the presence of others included. It
 * may even outlive the process; then only its messages are taken up, and roster
 * and presence begin anew.
 */
#include "xmpp/rfc6120_session.h"
#include <string.h>
#include "base/intl.h"
#include "base/log.h"
#include "base/stamp.h"
#include "model/jid.h"
#include "net/wake.h"
#include "store/history.h"
#include "store/option.h"
#include "xmpp/credentials.h"
#include "xmpp/feature.h"
#include "xmpp/inbox.h"
#include "xmpp/iq.h"
#include "xmpp/login.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"
#include "xmpp/rfc6121_presence.h"
#include "xmpp/session_private.h"

#define SETTLE_S 1 /* after the roster: what costs time and is not urgent */
#define LOGIN_ONLY "login.only" /* since when: a stamp */
#define LOGIN_ONLY_US (7 * 24 * 3600 * (gint64)G_USEC_PER_SEC)

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

struct account *session_enter(struct session *session)
{
    session->refs++;
    session->depth++;
    return session->account;
}

void session_leave(struct session *session)
{
    session->depth--;
    if (--session->refs == 0)
        g_idle_add(destroy_later, session);
}

static const char *either(const char *given, const char *set)
{
    const char *value = given ? given : set;

    return value && *value ? value : NULL;
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

void session_attach_features(struct account *account)
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

void session_tell_state(struct account *account, const GError *error,
    gint64 retry_ms, bool resumed)
{
    account_emit(account,
        (struct event){ .type = EVENT_STATE,
            .state = { error, retry_ms, resumed } });
}

static void end_suspension(struct session *session)
{
    session->suspended = false;
    g_clear_handle_id(&session->give_up, g_source_remove);
}

/* The next login asks for no less. Costs a sync. */
static void keep_mechanism(struct session *session)
{
    g_autofree char *mechanism = g_steal_pointer(&session->mechanism);

    if (mechanism && session->account)
        login_pin_mechanism(session->account, mechanism);
}

/* The session is gone; nothing that depended on it is left half done. */
static void lose(struct session *session)
{
    struct account *account = session->account;
    GHashTableIter iter;
    gpointer chat;

    if (!session->live)
        return;
    session->live = false;
    end_suspension(session);
    account->synced = account->caught_up = false;
    if (session->manager)
        session->manager->lost(account);
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

static char *announced(const struct account *account)
{
    const struct presence *own = &account->own;

    return g_strdup_printf(
        "%d %d %s", own->show, own->priority, own->status ? own->status : "");
}

static gboolean on_give_up(gpointer data)
{
    struct session *session = data;

    session->give_up = 0;
    if (session->account) {
        lose(session);
        account_emit(
            session->account, (struct event){ .type = EVENT_ROSTER_RESET });
    }
    return G_SOURCE_REMOVE;
}

/* The connection is gone, the session is not yet. */
static void suspend(struct session *session, unsigned away_s)
{
    struct account *account = session->account;

    if (session->suspended)
        return;
    session->suspended = true;
    session->was_synced = account->synced;
    account->synced = false;
    g_free(session->announced);
    session->announced = announced(account);
    session->give_up = g_timeout_add_seconds(away_s, on_give_up, session);
}

void session_leave_online(struct session *session, enum connection_state state)
{
    struct account *account = session->account;
    unsigned away_s = 0;

    session->taken_up = false;
    if (!session->live)
        return;
    keep_mechanism(session);
    reading_make_room(account);
    session_write(session);
    session_tell_manager(session);
    if (state != STATE_OFFLINE && session->manager &&
        session->manager->may_resume(account, &away_s))
        suspend(session, away_s);
    else
        lose(session);
}

static void on_wake(gpointer data)
{
    struct session *session = data;

    if (session->account && session->stream)
        session_kick(session->account);
}

void session_go_online(struct session *session)
{
    struct account *account = session->account;

    if (session->manager)
        session->manager->online(account);
    for (guint i = 0; features[i] && session->account; i++)
        if (features[i]->online)
            features[i]->online(account);
}

static gboolean on_settled(gpointer data)
{
    struct session *session = data;

    session->settled = 0;
    keep_mechanism(session);
    if (!session->wake)
        session->wake = wake_new(on_wake, session);
    return G_SOURCE_REMOVE;
}

/* All is as it was; what happened meanwhile is made up for. */
static void go_on(struct session *session)
{
    struct account *account = session->account;
    g_autofree char *now = announced(account);

    account->synced = session->was_synced;
    for (guint i = 0; features[i] && session->account; i++)
        if (features[i]->resumed)
            features[i]->resumed(account);
    if (!session->account || !account->synced)
        return; /* the roster is still on its way */
    if (g_strcmp0(now, session->announced) != 0)
        rfc6121_presence_update(account);
    account_emit(account, (struct event){ .type = EVENT_SYNCED });
    if (session->account)
        outbox_online(account);
}

void session_arrive(struct session *session, bool resumed, bool all_here)
{
    if (all_here) {
        go_on(session);
        return;
    }
    session->is_stale = resumed; /* taken up for its messages only */
    session_go_online(session);
}

static void keep_error(struct session *session, const GError *error)
{
    g_clear_error(&session->error);
    if (!error)
        return;
    if (g_error_matches(error, STREAM_ERROR, STREAM_ERROR_NO_PASSWORD) &&
        *login_tried(session->login))
        session->error = g_error_new(STREAM_ERROR, STREAM_ERROR_NO_PASSWORD,
            _("There is no password for %s. Tried: --password-file, "
            "--password-fd and --password-command (not given), %s."),
            session->account->jid, login_tried(session->login));
    else
        session->error = g_error_copy(error);
}

static void on_state(enum connection_state state, const GError *error,
    gint64 retry_ms, gpointer data)
{
    struct session *session = data;
    struct account *account = session_enter(session);
    const bool all_here = session->live, resumed = session->taken_up;

    if (!account) {
        session_leave(session);
        return;
    }
    account->state = state;
    session->retry_ms = retry_ms;
    if (error || state == STATE_ONLINE)
        keep_error(session, error);
    if (state == STATE_ONLINE) {
        session->live = true;
        session->taken_up = session->leaving = false;
        session->online_us = g_get_monotonic_time();
        g_free(account->tls_version);
        account->tls_version =
            g_strdup(stream_tls_version(session->stream));
    } else if (state != STATE_CLOSING) {
        session_leave_online(session, state);
    }
    if (state == STATE_OFFLINE && session->login)
        login_cancel(session->login);
    if (state == STATE_OFFLINE && session->leaving && session->manager)
        session->manager->ended(account);
    session_tell_state(account, error ? session->error : NULL, retry_ms,
        state == STATE_ONLINE && resumed);
    if (state == STATE_ONLINE && session->account)
        session_arrive(session, resumed, resumed && all_here);
    else if (session->account && state == STATE_OFFLINE)
        account_emit(account, (struct event){ .type = EVENT_ROSTER_RESET });
    session_leave(session);
}

void session_set_identity(struct account *account, const char *full_jid)
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

static void keep_features(struct session *session, xmpp_stanza_t *element)
{
    if (!element)
        return;
    g_clear_pointer(&session->features, xmpp_stanza_release);
    session->features = xmpp_stanza_clone(element);
}

void session_bound(struct session *session, const char *jid)
{
    struct account *account = session->account;

    lose(session); /* it was not taken up */
    if (session->manager)
        session->manager->replaced(account);
    session_set_identity(account, jid);
}

static void on_bound(const char *jid, xmpp_stanza_t *stream_features,
    gpointer data)
{
    struct session *session = data;

    if (session_enter(session)) {
        session_bound(session, jid);
        keep_features(session, stream_features);
    }
    session_leave(session);
}

/* ---- resumption (xmpp/manager.h) --------------------------------------- */

xmpp_stanza_t *session_resume(gpointer data)
{
    struct session *session = data;

    return session->account && session->manager
        ? session->manager->resume(session->account)
        : NULL;
}

void session_take_up(struct session *session, xmpp_stanza_t *resumed)
{
    struct account *account = session->account;

    if (!session->live) /* of the process before this one */
        session_set_identity(account, session->manager->address(account));
    end_suspension(session);
    session->taking_up = true;
    session->taken_up = session->manager->resumed(account, resumed);
    session->taking_up = false;
}

static void on_resumed(xmpp_stanza_t *resumed, gpointer data)
{
    struct session *session = data;

    if (session_enter(session) && session->manager) {
        keep_features(session, stream_features(session->stream));
        session_take_up(session, resumed);
    }
    session_leave(session);
}

static void on_resume_failed(xmpp_stanza_t *failed, gpointer data)
{
    struct session *session = data;

    if (session_enter(session) && session->manager)
        session->manager->resume_failed(session->account, failed);
    session_leave(session);
}

static bool on_ask_alive(gpointer data)
{
    struct session *session = data;

    return session->account && session->manager &&
        session->manager->ask_alive(session->account);
}

static void on_sent_own(gpointer data)
{
    struct session *session = data;

    if (session->account && session->manager)
        session->manager->sent(session->account, NULL);
}

/* ---- what comes in ----------------------------------------------------- */

void session_dispatch(struct account *account, xmpp_stanza_t *stanza)
{
    const char *name = stanza_name(stanza);
    const struct stream_manager *manager = account->session->manager;

    if (strcmp(stanza_ns(stanza), NS_CLIENT) == 0) {
        if (strcmp(name, "message") == 0 || strcmp(name, "presence") == 0)
            inbox_receive(account, stanza);
        else if (strcmp(name, "iq") == 0)
            iq_handle(account, stanza);
        /* A long result comes in portions (guard.h), and is one stanza. */
        if (account->session && manager &&
            g_strcmp0(stanza_attr(stanza, "portion"), "more") != 0)
            manager->handled(account);
        return;
    }
    for (guint i = 0; features[i]; i++)
        if (features[i]->nonza && features[i]->nonza(account, stanza))
            return;
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct session *session = data;
    struct account *account = session_enter(session);

    if (account)
        session_dispatch(account, stanza);
    session_leave(session);
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
    session->password_worked = true;
    g_free(session->mechanism);
    session->mechanism = g_strdup(mechanism);
}

/* ---- SASL2, Bind 2, FAST ------------------------------------------------ */

static void on_bind_inline(
    xmpp_stanza_t *offer, xmpp_stanza_t *bind, gpointer data)
{
    struct session *session = data;
    struct account *account = session_enter(session);

    for (guint i = 0; account && features[i] && session->account; i++)
        if (features[i]->bind_inline)
            features[i]->bind_inline(account, offer, bind);
    session_leave(session);
}

static void on_bound_inline(xmpp_stanza_t *bound, gpointer data)
{
    struct session *session = data;
    struct account *account = session_enter(session);

    for (guint i = 0; account && features[i] && session->account; i++)
        if (features[i]->bound_inline)
            features[i]->bound_inline(account, bound);
    session_leave(session);
}

/* Who gives a password wants it to be used: the first time it is. */
static bool on_fast_token(struct stream_token *token, gpointer data)
{
    struct session *session = data;

    if (login_password_given(session->login) && !session->password_worked)
        return false;
    return credentials_token(session->credentials, token);
}

static void on_fast_got(const char *mechanism, struct secret *token,
    const char *expiry, gpointer data)
{
    struct session *session = data;

    credentials_set_token(session->credentials, mechanism, token, expiry);
}

static void on_fast_refused(gpointer data)
{
    struct session *session = data;

    credentials_forget_token(session->credentials);
}

static void on_offer(const char *xml, gpointer data)
{
    struct session *session = data;

    credentials_set_offer(session->credentials, xml);
}

static void on_login_only(bool login_only, gpointer data)
{
    struct session *session = data;
    struct account *account = session_enter(session);
    g_autofree char *now = login_only ? stamp_format(stamp_now()) : NULL;

    if (account && account->history) {
        history_set_value(account->history, LOGIN_ONLY, now);
        session_store_changed(account);
    }
    session_leave(session);
}

/* A server may have learnt to answer: after a while it is asked again. */
static bool is_login_only(const struct account *account)
{
    g_autofree char *since = account->history
        ? history_get_value(account->history, LOGIN_ONLY)
        : NULL;
    const gint64 now = stamp_now();
    gint64 then;

    return since && stamp_parse(since, &then) && then <= now &&
        now - then < LOGIN_ONLY_US;
}

static void on_certificate(const struct tls_peer *peer, gpointer data)
{
    struct session *session = data;

    if (session_enter(session))
        login_certificate(session->login, peer);
    else
        stream_certificate_decide(session->stream, false, NULL);
    session_leave(session);
}

static void on_password(bool again, gpointer data)
{
    struct session *session = data;

    if (session_enter(session))
        login_password(session->login, again);
    else
        stream_password(session->stream, NULL);
    session_leave(session);
}

static void on_plain(gpointer data)
{
    struct session *session = data;

    if (session_enter(session))
        login_plain(session->login);
    else
        stream_plain_decide(session->stream, false);
    session_leave(session);
}

static const struct stream_callbacks callbacks = {
    .state = on_state,
    .bound = on_bound,
    .stanza = on_stanza,
    .turn = session_on_turn,
    .xml = on_xml,
    .certificate = on_certificate,
    .password = on_password,
    .plain = on_plain,
    .mechanism = on_mechanism,
    .ask_alive = on_ask_alive,
    .sent_own = on_sent_own,
    .resume = session_resume,
    .resumed = on_resumed,
    .resume_failed = on_resume_failed,
    .bind_inline = on_bind_inline,
    .bound_inline = on_bound_inline,
    .fast_token = on_fast_token,
    .fast_got = on_fast_got,
    .fast_refused = on_fast_refused,
    .offer = on_offer,
    .login_only = on_login_only,
};

/* ---- life -------------------------------------------------------------- */

struct session *session_new(struct account *account)
{
    struct session *session = g_new0(struct session, 1);

    session->refs = 1;
    session->account = account;
    session->retry_ms = -1;
    session->iqs = iq_table_new(account);
    session->inbox = inbox_new();
    session->outbox = outbox_new(account);
    for (guint i = 0; features[i]; i++)
        if (features[i]->manager)
            session->manager = features[i]->manager;
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
    g_free(session->announced);
    g_free(session->server);
    g_free(session->ca_file);
    g_free(session->resource);
    credentials_free(session->credentials);
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
    session->timeout_ms = config->timeout_ms;
    session->script = config->script;
    session_open_store(session);
    session_attach_features(account);
    session_read_store(account);
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
    g_clear_handle_id(&session->settled, g_source_remove);
    keep_mechanism(session);
    g_clear_pointer(&session->wake, wake_free);
    account->state = STATE_OFFLINE; /* nothing is sent any more */
    lose(session);
    session_write(session);
    detach_features(account);
    session_close_store(session);
    iq_table_close(session->iqs);
    account->session = NULL;
    session->account = NULL;
    session_unref(session);
}

/* "en_GB.UTF-8" → "en-GB" */
static char *own_lang(void)
{
    const char *name = g_get_language_names()[0];
    char *lang = g_strndup(name, strcspn(name, ".@"));

    if (strcmp(lang, "C") == 0 || strcmp(lang, "POSIX") == 0 || !*lang) {
        g_free(lang);
        return g_strdup("en");
    }
    return g_strdelimit(lang, "_", '-');
}

/* A script that brings its password leaves nothing behind. */
static struct credentials *credentials_of(struct session *session)
{
    const struct account *account = session->account;
    bool stored =
        !(session->script && login_password_given(session->login));

    if (!session->credentials)
        session->credentials = credentials_new(
            account->paths, account->config_jid, stored);
    return session->credentials;
}

/* The name that is part of our address (XEP-0386 s. 3.2.1). */
static const char *software_name(const struct account *account)
{
    return account->options &&
            !options_bool(account->options, NULL, "privacy.version")
        ? NULL
        : "txmpp";
}

static struct stream *make_stream(struct session *session)
{
    struct account *account = session->account;
    struct credentials *credentials = credentials_of(session);
    const bool tokens = account_option_bool(account, "account.fast");
    g_autofree char *lang = own_lang();
    g_autofree char *mechanism = login_pinned_mechanism(account);
    g_auto(GStrv) pins = login_pins(account);
    const gint64 port = account_option_int(account, "account.port");
    const struct stream_config config = {
        .jid = account->config_jid,
        .resource = session_resource(account),
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
        .user_agent = tokens ? credentials_user_agent(credentials) : NULL,
        .software = software_name(account),
        .offer = credentials_offer(credentials),
        .login_only = is_login_only(account),
        .plain_allowed =
            account_option_bool(account, "account.plain_allowed"),
        .anonymous = account_option_bool(account, "account.anonymous") ||
            !strchr(account->config_jid, '@'),
        .lang = lang,
        .timeout_ms = session->timeout_ms,
        .reconnect = account_option_bool(account, "account.reconnect"),
        .backoff_ms = 1000 * (unsigned)account_option_int(
                                 account, "account.reconnect_interval"),
        .ping_interval_s =
            (unsigned)account_option_int(account, "account.ping_interval"),
    };

    if (!tokens)
        credentials_forget_token(credentials);
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
    if (session->manager)
        stream_set_location(
            session->stream, session->manager->location(account));
    login_set_stream(session->login, session->stream);
    stream_connect(session->stream);
}

/* What is on its way to the disk is not waited for where somebody watches; it
 * then comes once more, and is known again. */
static void say_last_word(struct session *session)
{
    if (!session->manager)
        return;
    if (session_is_script(session->account) && session_write(session))
        session_tell_manager(session);
    session->manager->leaving(session->account);
}

void session_disconnect(struct account *account, const char *status)
{
    struct session *session = account->session;

    /* Not online: the server keeps what it has for us till we are back. */
    session->leaving = session_is_online(account);
    session->connect_again = false;
    if (session->leaving) {
        rfc6121_presence_leave(account, status);
        say_last_word(session);
        session_request_ack(account); /* its answer comes before the end */
    }
    if (session->stream)
        stream_close(session->stream);
}

bool session_take_stale(struct account *account)
{
    const bool is_stale = account->session->is_stale;

    account->session->is_stale = false;
    return is_stale;
}

void session_kick(struct account *account)
{
    struct session *session = account->session;

    if (session->stream && stream_state(session->stream) != STATE_OFFLINE)
        stream_kick(session->stream);
    else if (!session->capture)
        session_connect(account);
    else
        on_ask_alive(session); /* as a stream would */
}

bool session_has_token(const struct account *account)
{
    const struct session *session = account->session;

    return session && session->credentials &&
        credentials_has_token(session->credentials);
}

static gboolean reconnect_later(gpointer data)
{
    struct session *session = data;
    struct account *account = session->account;
    const bool wanted = account && session->connect_again;

    if (wanted && session->stream &&
        stream_state(session->stream) != STATE_OFFLINE)
        return G_SOURCE_CONTINUE;
    session->connect_again = false;
    if (wanted)
        session_connect(account);
    session_unref(session);
    return G_SOURCE_REMOVE;
}

void session_give_up_token(struct account *account)
{
    struct session *session = account->session;

    if (!session_has_token(account))
        return;
    credentials_give_up(session->credentials);
    if (!session_is_online(account) || !session->stream)
        return;
    session_ref(account);
    session_disconnect(account, NULL);
    session->connect_again = true;
    g_timeout_add(20, reconnect_later, session);
}

/* Nonzas (XEP-0198 s. 2) are not counted. */
static bool is_counted(xmpp_stanza_t *stanza)
{
    const char *ns = xmpp_stanza_get_ns(stanza);

    return !ns || strcmp(ns, NS_CLIENT) == 0;
}

bool session_send(struct account *account, xmpp_stanza_t *stanza)
{
    struct session *session = account->session;
    const struct stream_manager *manager = session->manager;
    bool sent;

    if (!manager || !is_counted(stanza))
        return session_transmit(account, stanza);
    xmpp_stanza_clone(stanza);
    sent = session_transmit(account, stanza);
    if (sent)
        manager->sent(account, stanza);
    else if (session->suspended)
        sent = manager->hold(account, stanza);
    xmpp_stanza_release(stanza);
    return sent;
}

bool session_transmit(struct account *account, xmpp_stanza_t *stanza)
{
    struct session *session = account->session;
    const bool online = session_is_online(account) || session->taking_up;

    if (online && session->capture) {
        g_autofree char *xml = stanza_xml(stanza);
        session->capture(account, stanza, xml, session->capture_data);
    } else if (online) {
        stream_send(session->stream, stanza);
    }
    xmpp_stanza_release(stanza);
    return online;
}

void session_break(
    struct account *account, const char *condition, const char *text)
{
    struct session *session = account->session;

    if (session->capture) {
        g_autoptr(xmpp_stanza_t) error =
            stanza_new("error", NULL, (char *)NULL);
        session->capture(account, error, condition, session->capture_data);
    } else if (session->stream) {
        stream_fail(session->stream, condition, text);
    }
}

bool session_counts(const struct account *account, guint32 *next)
{
    const struct session *session = account->session;

    return session->manager && session->manager->counts(account, next);
}

void session_request_ack(struct account *account)
{
    struct session *session = account->session;

    if (session->manager && session_is_online(account))
        session->manager->request(account);
}

const char *session_resource(const struct account *account)
{
    return either(account->session->resource,
        account_option(account, "account.resource"));
}

bool session_is_suspended(const struct account *account)
{
    return account->session && account->session->suspended;
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

const char *session_lang(const struct account *account)
{
    const struct session *session = account->session;

    return session->stream ? stream_lang(session->stream) : NULL;
}

bool session_is_fresh(const struct account *account)
{
    return g_get_monotonic_time() - account->session->online_us <
        FRESH_S * G_USEC_PER_SEC;
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
    if (session->account && session->stream && !session->settled)
        session->settled = g_timeout_add_seconds(SETTLE_S, on_settled, session);
    session_unref(session);
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
        "may the password itself be sent when the server knows no better",
        .detail = "Only over TLS, and never to a server that has known better "
                  "before. The screen asks; a script has to be told." },
    { "account.anonymous", OPTION_BOOL, "off", .summary =
        "log in without a name (SASL ANONYMOUS)" },
    { "account.reconnect", OPTION_BOOL, "on", .summary =
        "connect again after the connection was lost" },
    { "account.reconnect_interval", OPTION_SECONDS, "1", .min = 1,
        .max = 300, .summary = "pause before the first attempt to connect "
                               "again; it doubles, up to five minutes" },
    { "account.ping_interval", OPTION_SECONDS, "300", .min = 1, .max = 3600,
        .summary = "check a silent connection this often" },
    { .name = NULL },
};

extern const struct feature rfc6120_session;
const struct feature rfc6120_session = {
    .spec = "RFC 6120",
    .name = "XMPP Core",
    .since = "0.1.0",
    .commands = outbox_commands,
    .options = options,
};
