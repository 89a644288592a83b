/* net/stream against a scripted server: negotiation, login, binding, ends. */
#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "kit_server.h"
#include "net/stream.h"

static struct { /* made once for all tests */
    struct kit_cert *ca, *cert, *stranger;
    char *ca_file;
} kit;

/* ---- the owner of a stream ---- */

struct owner {
    struct stream *stream;
    struct kit_host *host;
    enum connection_state state;
    unsigned states[STATE_CLOSING + 1]; /* how often each was told */
    GError *error;
    gint64 retry_ms;
    char *jid;        /* bound */
    GString *stanzas; /* names, ids */
    unsigned turns, own, asked, asked_again, certificates, plains;
    const char *passwords[4]; /* to be given, in turn */
    unsigned passwords_given;
    bool answer_later, trust;
    char *mechanism;
    bool channel_bound;
    bool close_when_bound;
};

static void on_state(enum connection_state state, const GError *error,
    gint64 retry_ms, gpointer data)
{
    struct owner *owner = data;
    owner->state = state;
    owner->states[state]++;
    owner->retry_ms = retry_ms;
    if (state == STATE_OFFLINE || state == STATE_WAITING) {
        g_clear_error(&owner->error);
        owner->error = error ? g_error_copy(error) : NULL;
    }
    if (error)
        g_test_message("%s: %s", connection_state_name(state), error->message);
}

static void on_bound(const char *jid, xmpp_stanza_t *features, gpointer data)
{
    struct owner *owner = data;
    g_assert_nonnull(features);
    g_assert_cmpint(owner->state, !=, STATE_ONLINE);
    g_free(owner->jid);
    owner->jid = g_strdup(jid);
    if (owner->close_when_bound)
        stream_close(owner->stream);
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct owner *owner = data;
    const char *id = xmpp_stanza_get_id(stanza);
    g_string_append_printf(
        owner->stanzas, "%s:%s ", xmpp_stanza_get_name(stanza), id ? id : "");
}

static void on_turn(gpointer data)
{
    struct owner *owner = data;
    owner->turns++;
}

static void on_certificate(const struct tls_peer *peer, gpointer data)
{
    struct owner *owner = data;
    owner->certificates++;
    g_assert_cmpuint(peer->distrust, !=, 0);
    if (!owner->answer_later)
        stream_certificate_decide(owner->stream, owner->trust, NULL);
}

static void give_password(struct owner *owner)
{
    const char *text = owner->passwords[owner->passwords_given];
    auto_struct(secret) secret = text ? secret_new(text, -1) : NULL;
    if (text)
        owner->passwords_given++;
    stream_password(owner->stream, secret);
}

static void on_password(bool again, gpointer data)
{
    struct owner *owner = data;
    owner->asked++;
    owner->asked_again += again;
    if (!owner->answer_later)
        give_password(owner);
}

static void on_mechanism(const char *mechanism, bool bound, gpointer data)
{
    struct owner *owner = data;
    g_free(owner->mechanism);
    owner->mechanism = g_strdup(mechanism);
    owner->channel_bound = bound;
}

static void on_sent_own(gpointer data)
{
    struct owner *owner = data;
    owner->own++;
}

static void on_plain(gpointer data)
{
    struct owner *owner = data;
    owner->plains++;
    if (!owner->answer_later)
        stream_plain_decide(owner->stream, owner->trust);
}

static const struct stream_callbacks callbacks = {
    .plain = on_plain,
    .sent_own = on_sent_own,
    .state = on_state,
    .bound = on_bound,
    .stanza = on_stanza,
    .turn = on_turn,
    .certificate = on_certificate,
    .password = on_password,
    .mechanism = on_mechanism,
};

static struct stream_config config_for(const struct kit_host *host)
{
    return (struct stream_config){
        .jid = "me@v.tld",
        .server = "127.0.0.1",
        .port = host->port,
        .ca_file = kit.ca_file,
        .plain_allowed = true,
        .lang = "en",
        .timeout_ms = 10000,
    };
}

static void owner_init(struct owner *owner, kit_script script)
{
    *owner = (struct owner){
        .passwords = { "secret", "secret", "secret" },
        .stanzas = g_string_new(NULL),
    };
    owner->host = kit_host_new(kit.cert, script);
}

static void owner_start(struct owner *owner, const struct stream_config *config)
{
    owner->stream = stream_new(config, &callbacks, owner);
    stream_connect(owner->stream);
}

static void owner_start_plainly(struct owner *owner, kit_script script)
{
    owner_init(owner, script);
    struct stream_config config = config_for(owner->host);
    owner_start(owner, &config);
}

/* What the server heard is in owner->host->heard from here on. */
static void owner_stop(struct owner *owner)
{
    g_clear_pointer(&owner->stream, stream_free);
    kit_host_stop(owner->host);
}

static void owner_clear(struct owner *owner)
{
    owner_stop(owner);
    kit_host_free(owner->host);
    g_clear_error(&owner->error);
    g_free(owner->jid);
    g_free(owner->mechanism);
    g_string_free(owner->stanzas, TRUE);
}

static gboolean too_late(gpointer data)
{
    struct owner *owner = data;
    g_error(
        "waited in vain; the state is %s", connection_state_name(owner->state));
    return G_SOURCE_REMOVE;
}

#define WAIT(owner, condition)                                                 \
    do {                                                                       \
        guint guard_ = g_timeout_add_seconds(20, too_late, owner);             \
        while (!(condition))                                                   \
            g_main_context_iteration(NULL, TRUE);                              \
        g_source_remove(guard_);                                               \
    } while (0)

static void wait_state(struct owner *owner, enum connection_state state)
{
    unsigned before = owner->states[state];
    WAIT(owner, owner->states[state] > before || owner->state == state);
}

static gboolean set_flag(gpointer data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

static void settle(unsigned ms)
{
    bool done = false;
    g_timeout_add(ms, set_flag, &done);
    while (!done)
        g_main_context_iteration(NULL, TRUE);
}

static bool heard(const struct owner *owner, const char *text)
{
    return strstr(owner->host->heard->str, text) != NULL;
}

static int connections(const struct owner *owner)
{
    return g_atomic_int_get(&owner->host->connections);
}

/* ---- the good way ---- */

static void play_session(struct kit_peer *peer)
{
    kit_online(peer);
    kit_say(peer, "<message id='m1' from='bob@b.tld'><body>hi</body></message>"
                  " \n <iq id='i1' type='get' from='v.tld'>"
                  "<ping xmlns='urn:xmpp:ping'/></iq>");
    g_free(kit_hear(peer, "</message>"));
    g_free(kit_hear(peer, "</stream:stream>"));
    kit_say(peer, "<message id='m2' from='bob@b.tld'/></stream:stream>");
    kit_stay_silent(peer);
}

static void test_session(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_session);
    stream_connect(owner.stream); /* twice is harmless */
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.jid, ==, "me@v.tld/r");
    g_assert_cmpstr(owner.mechanism, ==, "PLAIN");
    g_assert_cmpstr(stream_mechanism(owner.stream), ==, "PLAIN");
    g_assert_cmpstr(stream_tls_version(owner.stream), ==, "TLSv1.3");
    g_assert_cmpuint(stream_peer(owner.stream)->distrust, ==, 0);
    WAIT(&owner, strstr(owner.stanzas->str, "iq:i1"));
    g_assert_cmpstr(owner.stanzas->str, ==, "message:m1 iq:i1 ");
    WAIT(&owner, owner.turns > 0);
    stream_send_raw(owner.stream, "<message to='bob@b.tld'></message>", -1);
    stream_close(owner.stream);
    g_assert_cmpint(owner.state, ==, STATE_CLOSING);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_no_error(owner.error);
    g_assert_cmpint(owner.retry_ms, ==, -1);
    /* C11: what came before the end counted. */
    g_assert_nonnull(strstr(owner.stanzas->str, "message:m2"));

    owner_stop(&owner);
    /* C04, C05: our address only inside TLS. */
    const char *all = owner.host->heard->str;
    const char *starttls = strstr(all, "<starttls");
    const char *from = strstr(all, " from=");
    g_assert_nonnull(starttls);
    g_assert_nonnull(from);
    g_assert_true(from > starttls);
    g_assert_true(heard(&owner, "me@v.tld"));
    g_assert_nonnull(g_strstr_len(all, starttls - all, "version=\"1.0\""));
    g_assert_nonnull(g_strstr_len(all, starttls - all, "xml:lang="));
    g_assert_cmpint(connections(&owner), ==, 1);
    owner_clear(&owner);
}

static void play_direct(struct kit_peer *peer)
{
    kit_start_tls(peer);
    kit_open(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, "<bind xmlns='" KIT_NS_BIND "'/>");
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void test_direct(void)
{
    struct owner owner;
    owner_init(&owner, play_direct);
    struct stream_config config = config_for(owner.host);
    config.tls = TLS_MODE_DIRECT;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    owner_clear(&owner);
}

static void play_features(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer,
        "<bind xmlns='" KIT_NS_BIND "'/>"
        "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"
        "<compression xmlns='http://jabber.org/features/compress'>"
        "<method>zlib</method></compression>"
        "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes>"
        "<idle-seconds>bogus</idle-seconds></limits>");
    kit_bind(peer, "me@v.tld/r");
    g_autofree char *id = kit_hear_iq(peer); /* the old session */
    kit_say(peer, "<iq type='error' id='%s'/>", id);
    kit_wait_closed(peer);
}

static void test_features(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_features);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpuint(stream_max_bytes(owner.stream), ==, 10000);
    owner_stop(&owner);
    g_assert_true(heard(&owner, "xmpp-session"));
    g_assert_false(heard(&owner, "compress")); /* H13 */
    owner_clear(&owner);
}

static void play_required(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer,
        "<mechanisms xmlns='" KIT_NS_SASL "'><mechanism>PLAIN</mechanism>"
        "</mechanisms><odd xmlns='urn:odd'><required/></odd>");
    kit_wait_closed(peer);
}

static void test_required_feature(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_required);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_PROTOCOL);
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<auth"));
    owner_clear(&owner);
}

/* ---- H01, H02 ---- */

static void play_no_tls(struct kit_peer *peer)
{
    kit_open(peer);
    kit_features(peer, "<mechanisms xmlns='" KIT_NS_SASL
                       "'><mechanism>PLAIN</mechanism></mechanisms>");
    kit_wait_closed(peer);
}

static void play_tls_refused(struct kit_peer *peer)
{
    kit_open(peer);
    kit_features(peer, "<starttls xmlns='" KIT_NS_TLS "'/>");
    g_free(kit_hear(peer, "<starttls xmlns='" KIT_NS_TLS "'/>"));
    kit_say(peer, "<failure xmlns='" KIT_NS_TLS "'/></stream:stream>");
    kit_wait_closed(peer);
}

static void test_no_tls(void)
{
    static const kit_script scripts[] = { play_no_tls, play_tls_refused };
    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct owner owner;
        owner_start_plainly(&owner, scripts[i]);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_TLS);
        g_assert_cmpuint(owner.asked, ==, 0);
        owner_stop(&owner);
        g_assert_false(heard(&owner, "<auth"));
        g_assert_false(heard(&owner, "me@"));
        owner_clear(&owner);
    }
}

static void test_tls_off(void)
{
    struct owner owner;
    owner_init(&owner, play_no_tls);
    struct stream_config config = config_for(owner.host);
    config.tls = TLS_MODE_OFF;
    config.server = "192.0.2.1";
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_TLS);
    stream_free(owner.stream);

    /* On this machine, but never PLAIN in clear. */
    config.server = "127.0.0.1";
    owner_start(&owner, &config);
    owner.state = STATE_DIALING;
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<auth"));
    owner_clear(&owner);
}

static void play_clear_scram(struct kit_peer *peer)
{
    kit_open(peer);
    kit_features(peer, "<mechanisms xmlns='" KIT_NS_SASL
                       "'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>");
    kit_login_scram(peer, "secret", false, false);
    kit_open(peer);
    kit_features(peer, "<bind xmlns='" KIT_NS_BIND "'/>");
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void test_clear_scram(void)
{
    struct owner owner;
    owner_init(&owner, play_clear_scram);
    struct stream_config config = config_for(owner.host);
    config.tls = TLS_MODE_OFF;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    g_assert_null(stream_tls_version(owner.stream));
    owner_clear(&owner);
}

static void play_smuggle(struct kit_peer *peer)
{
    kit_open(peer);
    kit_features(peer, "<starttls xmlns='" KIT_NS_TLS "'/>");
    g_free(kit_hear(peer, "<starttls xmlns='" KIT_NS_TLS "'/>"));
    kit_say(peer, "<proceed xmlns='" KIT_NS_TLS "'/>"
                  "<message from='bob@b.tld'><body>x</body></message>");
    kit_start_tls(peer);
    kit_wait_closed(peer);
}

static void test_smuggled(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_smuggle);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_PROTOCOL);
    g_assert_cmpstr(owner.stanzas->str, ==, "");
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<auth"));
    owner_clear(&owner);
}

/* ---- H03: the certificate ---- */

static void play_deaf(struct kit_peer *peer)
{
    kit_online(peer);
    kit_wait_closed(peer);
}

static void test_certificate(void)
{
    /* Declined. */
    struct owner owner;
    owner_init(&owner, play_deaf);
    struct stream_config config = config_for(owner.host);
    config.ca_file = NULL;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_CERTIFICATE);
    g_assert_nonnull(strstr(owner.error->message, "issuer"));
    g_assert_cmpuint(owner.certificates, ==, 1);
    stream_free(owner.stream);

    /* Accepted, later; the same is not asked again. */
    owner.answer_later = true;
    owner.certificates = 0;
    owner_start(&owner, &config);
    owner.state = STATE_DIALING;
    WAIT(&owner, owner.certificates == 1);
    settle(50);
    stream_certificate_decide(owner.stream, true, NULL);
    stream_certificate_decide(owner.stream, false, NULL); /* too late */
    owner.answer_later = false;
    wait_state(&owner, STATE_ONLINE);
    stream_close(owner.stream);
    wait_state(&owner, STATE_OFFLINE);
    stream_connect(owner.stream);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpuint(owner.certificates, ==, 1);
    owner_stop(&owner);
    owner_clear(&owner);
}

static void test_certificate_nothing_sent(void)
{
    struct owner owner;
    owner_init(&owner, play_direct);
    struct stream_config config = config_for(owner.host);
    config.tls = TLS_MODE_DIRECT;
    config.ca_file = NULL;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    owner_stop(&owner);
    g_assert_cmpuint(owner.host->heard->len, ==, 0);
    owner_clear(&owner);
}

/* ---- H05: silence ---- */

static void play_silence(struct kit_peer *peer)
{
    kit_stay_silent(peer);
}

static void play_silent_header(struct kit_peer *peer)
{
    kit_open(peer);
    kit_stay_silent(peer);
}

static void play_silent_proceed(struct kit_peer *peer)
{
    kit_open(peer);
    kit_features(peer, "<starttls xmlns='" KIT_NS_TLS "'/>");
    g_free(kit_hear(peer, "<starttls xmlns='" KIT_NS_TLS "'/>"));
    kit_say(peer, "<proceed xmlns='" KIT_NS_TLS "'/>");
    kit_stay_silent(peer);
}

static void play_silent_auth(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, "<mechanisms xmlns='" KIT_NS_SASL
                       "'><mechanism>PLAIN</mechanism></mechanisms>");
    kit_stay_silent(peer);
}

static void play_silent_bind(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, "<bind xmlns='" KIT_NS_BIND "'/>");
    kit_stay_silent(peer);
}

static void test_silence(void)
{
    static const kit_script scripts[] = { play_silence, play_silent_header,
        play_silent_proceed, play_silent_auth, play_silent_bind };
    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct owner owner;
        owner_init(&owner, scripts[i]);
        struct stream_config config = config_for(owner.host);
        config.timeout_ms = 300;
        gint64 start = g_get_monotonic_time();
        owner_start(&owner, &config);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_TIMEOUT);
        g_assert_cmpint(g_get_monotonic_time() - start, <, 8 * G_USEC_PER_SEC);
        owner_clear(&owner);
    }
}

static void test_close_any_time(void)
{
    static const kit_script scripts[] = { play_silence, play_silent_header,
        play_silent_proceed, play_silent_auth, play_silent_bind };
    static const enum connection_state states[] = { STATE_SECURING,
        STATE_SECURING, STATE_SECURING, STATE_AUTHENTICATING, STATE_BINDING };
    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct owner owner;
        owner_start_plainly(&owner, scripts[i]);
        wait_state(&owner, states[i]);
        settle(30);
        stream_close(owner.stream);
        stream_close(owner.stream);
        if (i > 0 && i < G_N_ELEMENTS(scripts) - 1) { /* 3 s each */
            owner_clear(&owner);
            continue;
        }
        wait_state(&owner, STATE_OFFLINE);
        g_assert_no_error(owner.error);
        /* And once more, but simply freed. */
        stream_connect(owner.stream);
        wait_state(&owner, states[i]);
        owner_clear(&owner);
    }
}

static void test_free_early(void)
{
    struct owner owner;
    owner_start_plainly(&owner, kit_online);
    stream_free(g_steal_pointer(&owner.stream));
    struct stream_config config = config_for(owner.host);
    owner_start(&owner, &config);
    stream_close(owner.stream);
    stream_free(g_steal_pointer(&owner.stream));
    settle(30);
    g_assert_cmpuint(owner.states[STATE_ONLINE], ==, 0);
    owner_clear(&owner);
}

static void test_close_when_bound(void)
{
    struct owner owner;
    owner_init(&owner, play_session);
    owner.close_when_bound = true;
    struct stream_config config = config_for(owner.host);
    owner_start(&owner, &config);
    WAIT(&owner, owner.jid);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_no_error(owner.error);
    g_assert_cmpuint(owner.states[STATE_ONLINE], ==, 0);
    owner_clear(&owner);
}

/* ---- login ---- */

#define OFFER_SCRAM                                                            \
    "<mechanisms xmlns='" KIT_NS_SASL "'><mechanism>SCRAM-SHA-256</mechanism>" \
    "<mechanism>PLAIN</mechanism></mechanisms>"
#define OFFER_PLUS                                                             \
    "<mechanisms xmlns='" KIT_NS_SASL                                          \
    "'><mechanism>SCRAM-SHA-256-PLUS</mechanism>"                              \
    "<mechanism>SCRAM-SHA-256</mechanism></mechanisms>"                        \
    "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"                        \
    "<channel-binding type='tls-exporter'/></sasl-channel-binding>"

static void finish_login(struct kit_peer *peer)
{
    kit_open(peer);
    kit_features(peer, "<bind xmlns='" KIT_NS_BIND "'/>");
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void play_scram(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    if (kit_login_scram(peer, "secret", false, false))
        finish_login(peer);
}

static void play_plus(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_PLUS);
    if (kit_login_scram(peer, "secret", true, false))
        finish_login(peer);
}

static void test_scram(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_scram);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.mechanism, ==, "SCRAM-SHA-256");
    g_assert_false(owner.channel_bound);
    owner_clear(&owner);

    owner_start_plainly(&owner, play_plus);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.mechanism, ==, "SCRAM-SHA-256-PLUS");
    g_assert_true(owner.channel_bound);
    owner_clear(&owner);
}

static void play_only_plain(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer,
        "<mechanisms xmlns='" KIT_NS_SASL "'><mechanism>PLAIN</mechanism>"
        "</mechanisms>");
    kit_wait_closed(peer);
}

static void test_plain_needs_a_yes(void)
{
    struct owner owner;
    owner_init(&owner, play_only_plain);
    struct stream_config config = config_for(owner.host);
    config.plain_allowed = false;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_cmpuint(owner.asked, ==, 0);
    g_assert_cmpuint(owner.plains, ==, 1);
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<auth"));
    owner_clear(&owner);
}

static void play_plain(struct kit_peer *peer)
{
    kit_online(peer);
    kit_stay_silent(peer);
}

/* Asked before the password; the answer may come when the server is gone. */
static void test_plain_yes(void)
{
    for (int later = 0; later < 2; later++) {
        struct owner owner;
        owner_init(&owner, play_plain);
        struct stream_config config = config_for(owner.host);
        config.plain_allowed = false;
        owner.trust = true;
        owner.answer_later = later;
        owner_start(&owner, &config);
        if (later) {
            WAIT(&owner, owner.plains > 0);
            g_assert_cmpuint(owner.asked, ==, 0);
            owner.answer_later = false;
            stream_plain_decide(owner.stream, true);
        }
        wait_state(&owner, STATE_ONLINE);
        g_assert_cmpuint(owner.plains, ==, 1);
        g_assert_cmpstr(owner.mechanism, ==, "PLAIN");
        owner_clear(&owner);
    }
}

static void play_scram_then_plain(struct kit_peer *peer)
{
    kit_secure(peer);
    if (peer->number == 0) {
        kit_features(peer, OFFER_SCRAM);
        g_free(kit_hear(peer, "</auth>"));
        return; /* hung up */
    }
    kit_features(peer,
        "<mechanisms xmlns='" KIT_NS_SASL "'><mechanism>PLAIN</mechanism>"
        "</mechanisms>");
    kit_wait_closed(peer);
}

/* H11: better was offered once, even though it was never used. */
static void test_scram_gone(void)
{
    struct owner owner;
    owner_init(&owner, play_scram_then_plain);
    struct stream_config config = config_for(owner.host);
    config.reconnect = true;
    config.backoff_ms = 2;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_nonnull(strstr(owner.error->message, "downgrade"));
    g_assert_cmpuint(owner.plains, ==, 0);
    g_assert_cmpint(connections(&owner), ==, 2);
    owner_clear(&owner);
}

static void play_forged(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    kit_login_scram(peer, "secret", false, true);
    kit_wait_closed(peer);
}

static void play_bare_success(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    g_free(kit_hear(peer, "</auth>"));
    kit_say(peer, "<success xmlns='" KIT_NS_SASL "'/>");
    kit_wait_closed(peer);
}

static void play_bad_base64(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    g_free(kit_hear(peer, "</auth>"));
    kit_say(peer, "<challenge xmlns='" KIT_NS_SASL "'>cj1!</challenge>");
    kit_wait_closed(peer);
}

static void play_empty_challenge(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    g_free(kit_hear(peer, "</auth>"));
    kit_say(peer, "<challenge xmlns='" KIT_NS_SASL "'/>");
    kit_wait_closed(peer);
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

static void test_no_proof(void)
{
    static const kit_script scripts[] = { play_forged, play_bare_success,
        play_bad_base64, play_empty_challenge };
    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct owner owner;
        owner_init(&owner, scripts[i]);
        struct stream_config config = config_for(owner.host);
        config.reconnect = true; /* and yet not */
        owner_start(&owner, &config);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
        owner_stop(&owner);
        /* One header in clear, one in TLS, none after the login. */
        g_assert_cmpuint(
            count(owner.host->heard->str, "<stream:stream"), ==, 2);
        owner_clear(&owner);
    }
}

static void play_plus_rejected(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_PLUS);
    g_free(kit_hear(peer, "</auth>"));
    kit_say(peer,
        "<failure xmlns='" KIT_NS_SASL "'><malformed-request/></failure>");
    if (kit_login_scram(peer, "secret", false, false))
        finish_login(peer);
}

static void test_plus_rejected(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_plus_rejected);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.mechanism, ==, "SCRAM-SHA-256");
    g_assert_cmpuint(owner.asked, ==, 1);
    owner_clear(&owner);

    /* H11: where a binding has worked before, it is not given up. */
    owner_init(&owner, play_plus_rejected);
    struct stream_config config = config_for(owner.host);
    config.pinned_mechanism = "SCRAM-SHA-256-PLUS";
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_null(owner.mechanism);
    owner_clear(&owner);
}

static void test_downgrade(void)
{
    struct owner owner;
    owner_init(&owner, play_scram);
    struct stream_config config = config_for(owner.host);
    config.pinned_mechanism = "SCRAM-SHA-512";
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_cmpuint(owner.asked, ==, 0);
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<auth"));
    owner_clear(&owner);
}

static void play_three_tries(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    for (int i = 0; i < 3; i++) {
        if (kit_login_scram(peer, "secret", false, false)) {
            finish_login(peer);
            return;
        }
    }
    kit_wait_closed(peer);
}

static void test_wrong_password(void)
{
    /* F23, C29: wrong, wrong, right. */
    struct owner owner;
    owner_init(&owner, play_three_tries);
    owner.passwords[0] = owner.passwords[1] = "wrong";
    struct stream_config config = config_for(owner.host);
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpuint(owner.asked, ==, 3);
    g_assert_cmpuint(owner.asked_again, ==, 2);
    owner_clear(&owner);

    /* Wrong three times: that is enough. */
    owner_init(&owner, play_three_tries);
    owner.passwords[0] = owner.passwords[1] = owner.passwords[2] = "wrong";
    config = config_for(owner.host);
    config.reconnect = true;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_cmpuint(owner.asked, ==, 3);
    g_assert_cmpint(connections(&owner), ==, 1);
    owner_clear(&owner);

    /* None to be had. */
    owner_init(&owner, play_three_tries);
    owner.passwords[0] = NULL;
    config = config_for(owner.host);
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_NO_PASSWORD);
    owner_clear(&owner);

    /* None but the wrong one: the server's answer is what matters. */
    owner_init(&owner, play_three_tries);
    owner.passwords[0] = "wrong";
    owner.passwords[1] = NULL;
    config = config_for(owner.host);
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    owner_clear(&owner);
}

/* One try for each connection. */
static void play_one_try(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    if (kit_login_scram(peer, "secret", false, false))
        finish_login(peer);
    kit_say(peer, "</stream:stream>");
    kit_wait_closed(peer);
}

static void test_hung_up(void)
{
    struct owner owner;
    owner_init(&owner, play_one_try);
    owner.passwords[0] = owner.passwords[1] = "wrong";
    struct stream_config config = config_for(owner.host);
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpuint(owner.asked, ==, 3);
    owner_clear(&owner);
}

/* The person takes longer than the server waits. */
static void play_impatient(struct kit_peer *peer)
{
    if (peer->number > 0) {
        play_scram(peer);
        return;
    }
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    kit_say(peer, "<stream:error><connection-timeout xmlns='" KIT_NS_STREAMS
                  "'/></stream:error></stream:stream>");
}

static void test_slow_answer(void)
{
    struct owner owner;
    owner_init(&owner, play_impatient);
    owner.answer_later = true;
    struct stream_config config = config_for(owner.host);
    config.timeout_ms = 400;
    owner_start(&owner, &config);
    WAIT(&owner, owner.asked == 1);
    settle(600); /* no deadline runs */
    g_assert_cmpint(owner.state, ==, STATE_AUTHENTICATING);
    owner.answer_later = false;
    give_password(&owner);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpint(connections(&owner), ==, 2);
    g_assert_cmpuint(owner.asked, ==, 1);
    owner_clear(&owner);

    /* Or gives up. */
    owner_init(&owner, play_impatient);
    owner.answer_later = true;
    config = config_for(owner.host);
    owner_start(&owner, &config);
    WAIT(&owner, owner.asked == 1);
    settle(100);
    stream_password(owner.stream, NULL);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_NO_PASSWORD);
    owner_clear(&owner);

    owner_init(&owner, play_impatient);
    owner.answer_later = true;
    config = config_for(owner.host);
    owner_start(&owner, &config);
    WAIT(&owner, owner.asked == 1);
    settle(100);
    stream_close(owner.stream);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_no_error(owner.error);
    owner_clear(&owner);
}

static void fail_login(struct kit_peer *peer, const char *condition)
{
    kit_secure(peer);
    kit_features(peer, OFFER_SCRAM);
    g_free(kit_hear(peer, "</auth>"));
    kit_say(peer,
        "<failure xmlns='" KIT_NS_SASL "'><%s/><text>well…</text></failure>",
        condition);
    kit_wait_closed(peer);
}

static void play_disabled(struct kit_peer *peer)
{
    fail_login(peer, "account-disabled");
}

static void play_temporary(struct kit_peer *peer)
{
    fail_login(peer, "temporary-auth-failure");
}

static void test_failures(void)
{
    struct owner owner;
    owner_init(&owner, play_disabled);
    struct stream_config config = config_for(owner.host);
    config.reconnect = true;
    config.backoff_ms = 10;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_nonnull(strstr(owner.error->message, "disabled"));
    g_assert_nonnull(strstr(owner.error->message, "well…"));
    settle(100);
    g_assert_cmpint(connections(&owner), ==, 1);
    owner_clear(&owner);

    owner_init(&owner, play_temporary);
    config = config_for(owner.host);
    config.reconnect = true;
    config.backoff_ms = 10;
    owner_start(&owner, &config);
    WAIT(&owner, owner.states[STATE_WAITING] == 3);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_cmpint(owner.retry_ms, >=, 30);
    g_assert_cmpuint(owner.asked, ==, 1);
    owner_clear(&owner);
}

/* ---- H12, C32 ---- */

static const char *bound_as;

static void play_bound_as(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, "<bind xmlns='" KIT_NS_BIND "'/>");
    g_autofree char *id = kit_hear_iq(peer);
    kit_say(peer,
        "<iq type='result' id='%s'><bind xmlns='" KIT_NS_BIND "'>%s"
        "</bind></iq>",
        id, bound_as);
    kit_wait_closed(peer);
}

static void test_foreign_bind(void)
{
    g_autofree char *long_resource = g_strnfill(5000, 'r');
    g_autofree char *long_jid =
        g_strdup_printf("<jid>me@v.tld/%s</jid>", long_resource);
    const char *const bad[] = { "<jid>admin@v.tld/x</jid>", "",
        "<jid>me@v.tld</jid>", "<jid>me@other.tld/x</jid>", "<jid/>",
        "<jid>v.tld/x</jid>", "<jid xmlns='urn:evil'>me@v.tld/x</jid>",
        long_jid };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct owner owner;
        bound_as = bad[i];
        owner_start_plainly(&owner, play_bound_as);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_PROTOCOL);
        g_assert_null(owner.jid);
        owner_clear(&owner);
    }
    /* Another spelling of ours is ours. */
    static const char *const good[] = { "<jid>me@v.tld/other</jid>",
        "<jid>ME@V.tld/x</jid>" };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        struct owner owner;
        bound_as = good[i];
        owner_start_plainly(&owner, play_bound_as);
        wait_state(&owner, STATE_ONLINE);
        owner_clear(&owner);
    }
}

static void test_old_spelling(void)
{
    struct owner owner;
    bound_as = "<jid>strasse@v.tld/x</jid>";
    owner_init(&owner, play_bound_as);
    struct stream_config config = config_for(owner.host);
    config.jid = "straße@v.tld";
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.jid, ==, "strasse@v.tld/x");
    owner_clear(&owner);
}

static void play_bind_conflict(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, "<bind xmlns='" KIT_NS_BIND "'/>");
    g_autofree char *id = kit_hear_iq(peer);
    kit_say(peer,
        "<iq type='error' id='%s'><error type='cancel'>"
        "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        id);
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void test_bind_conflict(void)
{
    struct owner owner;
    owner_init(&owner, play_bind_conflict);
    struct stream_config config = config_for(owner.host);
    config.resource = "desk";
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    owner_stop(&owner);
    g_assert_cmpuint(
        count(owner.host->heard->str, "<resource>desk</resource>"), ==, 1);
    g_assert_cmpuint(count(owner.host->heard->str, "<resource>"), ==, 2);
    owner_clear(&owner);
}

/* ---- H13 ---- */

static const char *header;

static void play_header(struct kit_peer *peer)
{
    g_free(kit_hear(peer, "<stream:stream"));
    g_free(kit_hear(peer, ">"));
    kit_say(peer, "%s", header);
    kit_features(peer, "<starttls xmlns='" KIT_NS_TLS "'/>");
    kit_wait_closed(peer);
}

#define HEADER(attributes)                                                     \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "               \
    "xmlns:stream='" KIT_NS_STREAM "' " attributes ">"

static void test_headers(void)
{
    static const char *const bad[] = {
        HEADER("from='evil.tld' id='1' version='1.0'"),
        HEADER("from='v.tld' version='1.0'"), /* here the guard takes over */
        HEADER("from='v.tld' id='1' version='0.9'"),
        HEADER("from='v.tld' id='1'"),
        HEADER("from='v.tld' id='1' version='x'"),
        "<stream:stream xmlns='jabber:server' xmlns:stream='" KIT_NS_STREAM
        "' from='v.tld' id='1' version='1.0'>",
        "<stream xmlns='jabber:client' from='v.tld' id='1' version='1.0'>",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct owner owner;
        header = bad[i];
        owner_start_plainly(&owner, play_header);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_PROTOCOL);
        owner_stop(&owner);
        g_assert_true(i > 0 || heard(&owner, "<stream:error"));
        g_assert_false(heard(&owner, "<starttls"));
        owner_clear(&owner);
    }
    static const char *const good[] = {
        HEADER("from='v.tld' id='1' version='1.10'"),
        HEADER("from='V.TLD' id='1' version='1.0'"),
        HEADER("id='1' version='1.0'"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        struct owner owner;
        header = good[i];
        owner_init(&owner, play_header);
        struct stream_config config = config_for(owner.host);
        config.timeout_ms = 300;
        owner_start(&owner, &config);
        wait_state(&owner, STATE_OFFLINE);
        owner_stop(&owner);
        g_assert_true(heard(&owner, "<starttls"));
        owner_clear(&owner);
    }
}

static void play_early_message(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_say(peer, "<message from='bob@b.tld'><body>x</body></message>");
    kit_wait_closed(peer);
}

static void test_early_message(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_early_message);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_PROTOCOL);
    g_assert_cmpstr(owner.stanzas->str, ==, "");
    owner_clear(&owner);
}

/* ---- H14 ---- */

static void play_other_host(struct kit_peer *peer)
{
    kit_open(peer);
    kit_say(peer,
        "<stream:error><see-other-host xmlns='" KIT_NS_STREAMS
        "'>127.0.0.1:%u</see-other-host></stream:error></stream:stream>",
        peer->host->port);
    kit_wait_closed(peer);
}

static void test_other_host(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_other_host);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_SERVER);
    g_assert_cmpint(connections(&owner), ==, 4);
    owner_clear(&owner);
}

static void play_other_certificate(struct kit_peer *peer)
{
    if (peer->number == 0)
        play_other_host(peer);
    else
        kit_online(peer);
}

/* The redirect changes where we go, not whom we want. */
static void test_other_host_certificate(void)
{
    struct owner owner;
    owner_init(&owner, play_other_certificate);
    g_assert_cmpint(
        SSL_CTX_use_certificate(owner.host->context, kit.stranger->cert), ==,
        1);
    g_assert_cmpint(
        SSL_CTX_use_PrivateKey(owner.host->context, kit.stranger->key), ==, 1);
    struct stream_config config = config_for(owner.host);
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_CERTIFICATE);
    g_assert_nonnull(strstr(owner.error->message, "another name"));
    owner_clear(&owner);
}

static void test_parse_other_host(void)
{
    static const struct {
        const char *text, *host;
        guint16 port;
    } good[] = {
        { "a.tld", "a.tld", 0 },
        { " a.tld:5223 ", "a.tld", 5223 },
        { "[::1]:80", "[::1]", 80 },
        { "[::1]", "[::1]", 0 },
        { "2001:db8::1", "2001:db8::1", 0 },
        { "169.254.169.254:80", "169.254.169.254", 80 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *host = NULL;
        guint16 port = 1;
        g_assert_true(stream_parse_other_host(good[i].text, &host, &port));
        g_assert_cmpstr(host, ==, good[i].host);
        g_assert_cmpuint(port, ==, good[i].port);
    }
    static const char *const bad[] = { "", " ", "a:0", "a:65536", "a:x", "[::1",
        "[::1]x", "a b", "a@b", "a/b", ":80", "a:-1" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *host = NULL;
        guint16 port;
        g_assert_false(stream_parse_other_host(bad[i], &host, &port));
        g_assert_null(host);
    }
}

/* ---- F20 to F22 ---- */

static void test_backoff(void)
{
    static const double randoms[] = { 0, 0.5, 0.999999 };
    for (size_t r = 0; r < G_N_ELEMENTS(randoms); r++) {
        gint64 elapsed = 0;
        unsigned attempts = 0;
        while (elapsed < 3600 * 1000) {
            gint64 delay = stream_backoff(0, attempts, randoms[r]);
            g_assert_cmpint(delay, >=, 1000);
            g_assert_cmpint(delay, <=, 300 * 1000);
            elapsed += delay;
            attempts++;
        }
        g_assert_cmpuint(attempts, <=, 25);
        g_assert_cmpuint(attempts, >=, 12);
    }
    for (unsigned n = 0; n < 30; n++) {
        gint64 low = stream_backoff(0, n, 0), high = stream_backoff(0, n, 0.99);
        g_assert_cmpint(low, <, high); /* nobody foretells it */
        if (n < 7) /* truncated, but not before */
            g_assert_cmpint(stream_backoff(0, n + 1, 0), ==, 2 * low);
    }
}

static void test_refused(void)
{
    struct owner owner;
    owner_init(&owner, kit_online);
    struct stream_config config = config_for(owner.host);
    kit_host_stop(owner.host); /* the port refuses now */
    config.reconnect = true;
    config.backoff_ms = 2;
    owner_start(&owner, &config);
    WAIT(&owner, owner.states[STATE_WAITING] == 6);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_CONNECT);
    g_assert_cmpint(owner.retry_ms, >=, 2 << 4);
    g_assert_cmpint(stream_retry_at(owner.stream), >, 0);
    stream_close(owner.stream);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_cmpint(stream_retry_at(owner.stream), ==, 0);
    settle(100);
    g_assert_cmpint(owner.state, ==, STATE_OFFLINE);
    owner_clear(&owner);
}

static const char *last_words;

static void play_last_words(struct kit_peer *peer)
{
    kit_online(peer);
    kit_say(peer, "<message id='a'/><message id='b'/>%s", last_words);
    kit_wait_closed(peer);
}

#define STREAM_END(condition)                                                  \
    "<stream:error><" condition " xmlns='" KIT_NS_STREAMS                      \
    "'/></stream:error></stream:stream>"

static void test_ends_that_pass(void)
{
    static const struct {
        const char *words;
        enum stream_error code;
    } ends[] = {
        { STREAM_END("system-shutdown"), STREAM_ERROR_SERVER },
        { STREAM_END("reset"), STREAM_ERROR_SERVER },
        { STREAM_END("connection-timeout"), STREAM_ERROR_SERVER },
        { STREAM_END("internal-server-error"), STREAM_ERROR_SERVER },
        { STREAM_END("never-heard-of"), STREAM_ERROR_SERVER },
        { "<stream:error/></stream:stream>", STREAM_ERROR_SERVER },
        { "</stream:stream>", STREAM_ERROR_LOST },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        struct owner owner;
        last_words = ends[i].words;
        owner_init(&owner, play_last_words);
        struct stream_config config = config_for(owner.host);
        config.reconnect = true;
        config.backoff_ms = 5;
        owner_start(&owner, &config);
        WAIT(&owner, owner.states[STATE_WAITING] == 1);
        g_assert_error(owner.error, STREAM_ERROR, (int)ends[i].code);
        g_assert_cmpint(owner.retry_ms, >=, 5);
        g_assert_cmpstr(owner.stanzas->str, ==, "message:a message:b ");
        WAIT(&owner, owner.states[STATE_ONLINE] == 2);
        owner_stop(&owner);
        g_assert_true(heard(&owner, "</stream:stream>"));
        owner_clear(&owner);
    }
}

static void test_ends_that_last(void)
{
    static const struct {
        const char *words;
        enum stream_error code;
    } ends[] = {
        { STREAM_END("conflict"), STREAM_ERROR_CONFLICT },
        { STREAM_END("not-authorized"), STREAM_ERROR_AUTH },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        struct owner owner;
        last_words = ends[i].words;
        owner_init(&owner, play_last_words);
        struct stream_config config = config_for(owner.host);
        config.reconnect = true;
        config.backoff_ms = 5;
        owner_start(&owner, &config);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, (int)ends[i].code);
        g_assert_cmpint(owner.retry_ms, ==, -1);
        settle(150);
        g_assert_cmpint(connections(&owner), ==, 1);
        owner_clear(&owner);
    }
}

static void play_cut(struct kit_peer *peer)
{
    kit_online(peer);
    kit_say(peer, "<message id='a'/><message id='half'><bo");
}

static void test_cut(void)
{
    /* F39: half a stanza is none. */
    struct owner owner;
    owner_start_plainly(&owner, play_cut);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_LOST);
    g_assert_cmpstr(owner.stanzas->str, ==, "message:a ");
    owner_clear(&owner);
}

static void test_sentences(void)
{
    static const char *const conditions[] = { "conflict", "host-unknown",
        "system-shutdown", "policy-violation", "bogus", "" };
    for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++) {
        g_autoptr(GError) error = stream_reason_of_condition(
            "v.tld", conditions[i], "\xff bad utf-8");
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_true(g_str_has_suffix(error->message, "."));
    }
    g_assert_nonnull(stream_error_sentence(NULL));
    g_autofree char *huge = g_strnfill(1 << 20, 'x');
    g_autoptr(GError) error =
        stream_reason_of_failure("me@v.tld", "account-disabled", huge);
    g_assert_cmpuint(strlen(error->message), <, 1000);
}

/* ---- signs of life ---- */

static void test_dead_peer(void)
{
    struct owner owner;
    owner_init(&owner, play_deaf);
    struct stream_config config = config_for(owner.host);
    config.ping_interval_s = 1;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    gint64 start = g_get_monotonic_time();
    wait_state(&owner, STATE_OFFLINE);
    gint64 elapsed_ms = (g_get_monotonic_time() - start) / 1000;
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_LOST);
    g_assert_cmpint(elapsed_ms, >, 1500);
    g_assert_cmpint(elapsed_ms, <, 6000);
    owner_stop(&owner);
    g_assert_cmpuint(count(owner.host->heard->str, "urn:xmpp:ping"), ==, 2);
    owner_clear(&owner);
}

static void play_pong(struct kit_peer *peer)
{
    kit_online(peer);
    for (int i = 0; i < 2; i++) {
        g_autofree char *id = kit_hear_iq(peer);
        kit_say(peer, "<message id='%s' from='mal@e.tld'/>", id); /* L12 */
        kit_say(peer, "<iq type='result' id='%s' from='v.tld'/>", id);
    }
    kit_say(peer, "<message id='end'/>");
    kit_wait_closed(peer);
}

static void test_live_peer(void)
{
    struct owner owner;
    owner_init(&owner, play_pong);
    struct stream_config config = config_for(owner.host);
    config.ping_interval_s = 1;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    stream_kick(owner.stream);
    WAIT(&owner, strstr(owner.stanzas->str, "message:end"));
    /* The answers are given to the owner, who may have to count them. */
    g_assert_cmpuint(count(owner.stanzas->str, "iq:"), ==, 2);
    g_assert_cmpuint(owner.own, ==, 2);
    g_assert_cmpuint(count(owner.stanzas->str, "message:"), ==, 3);
    g_assert_cmpint(owner.state, ==, STATE_ONLINE);
    owner_clear(&owner);
}

static void test_kick_waiting(void)
{
    struct owner owner;
    last_words = "</stream:stream>";
    owner_init(&owner, play_last_words);
    struct stream_config config = config_for(owner.host);
    config.reconnect = true;
    config.backoff_ms = 60000;
    owner_start(&owner, &config);
    WAIT(&owner, owner.states[STATE_WAITING] == 1);
    stream_kick(owner.stream);
    WAIT(&owner, owner.states[STATE_ONLINE] == 2);
    owner_clear(&owner);
}

static void test_fail_from_above(void)
{
    struct owner owner;
    owner_start_plainly(&owner, play_deaf);
    wait_state(&owner, STATE_ONLINE);
    stream_fail(owner.stream, "policy-violation", "too much <x>");
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_PROTOCOL);
    owner_stop(&owner);
    g_assert_true(heard(&owner, "<policy-violation"));
    g_assert_true(heard(&owner, "</stream:stream>"));
    owner_clear(&owner);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    const struct kit_spec ca = { .cn = "test CA", .is_ca = true };
    kit.ca = kit_cert_new(&ca);
    kit.ca_file = kit_cert_write(kit.ca, false);
    const struct kit_spec own = {
        .names = { { KIT_DNS, "v.tld", 0 } },
        .issuer = kit.ca,
    };
    kit.cert = kit_cert_new(&own);
    const struct kit_spec stranger = {
        .names = { { KIT_DNS, "other.tld", 0 } },
        .issuer = kit.ca,
    };
    kit.stranger = kit_cert_new(&stranger);

    g_test_add_func("/stream/C04-C05-C11-P16-session", test_session);
    g_test_add_func("/stream/direct", test_direct);
    g_test_add_func("/stream/H13-features", test_features);
    g_test_add_func("/stream/C09-required", test_required_feature);
    g_test_add_func("/stream/H01-no-tls", test_no_tls);
    g_test_add_func("/stream/H01-tls-off", test_tls_off);
    g_test_add_func("/stream/clear-scram", test_clear_scram);
    g_test_add_func("/stream/H02-smuggled", test_smuggled);
    g_test_add_func("/stream/H03-certificate", test_certificate);
    g_test_add_func("/stream/H03-nothing-sent", test_certificate_nothing_sent);
    g_test_add_func("/stream/H05-silence", test_silence);
    g_test_add_func("/stream/H05-close", test_close_any_time);
    g_test_add_func("/stream/free-early", test_free_early);
    g_test_add_func("/stream/close-when-bound", test_close_when_bound);
    g_test_add_func("/stream/scram", test_scram);
    g_test_add_func("/stream/H11-plain", test_plain_needs_a_yes);
    g_test_add_func("/stream/H11-plain-yes", test_plain_yes);
    g_test_add_func("/stream/H11-scram-gone", test_scram_gone);
    g_test_add_func("/stream/H06-H07-H10-proof", test_no_proof);
    g_test_add_func("/stream/plus-rejected", test_plus_rejected);
    g_test_add_func("/stream/H11-downgrade", test_downgrade);
    g_test_add_func("/stream/C29-F23-password", test_wrong_password);
    g_test_add_func("/stream/C29-hung-up", test_hung_up);
    g_test_add_func("/stream/slow-answer", test_slow_answer);
    g_test_add_func("/stream/F23-failures", test_failures);
    g_test_add_func("/stream/H12-bind", test_foreign_bind);
    g_test_add_func("/stream/C31-old-spelling", test_old_spelling);
    g_test_add_func("/stream/C32-conflict", test_bind_conflict);
    g_test_add_func("/stream/H13-headers", test_headers);
    g_test_add_func("/stream/early-message", test_early_message);
    g_test_add_func("/stream/H14-other-host", test_other_host);
    g_test_add_func("/stream/H14-certificate", test_other_host_certificate);
    g_test_add_func("/stream/H14-parse", test_parse_other_host);
    g_test_add_func("/stream/C03-F20-backoff", test_backoff);
    g_test_add_func("/stream/F20-refused", test_refused);
    g_test_add_func("/stream/F21-ends", test_ends_that_pass);
    g_test_add_func("/stream/F22-F23-P10-ends", test_ends_that_last);
    g_test_add_func("/stream/F39-cut", test_cut);
    g_test_add_func("/stream/sentences", test_sentences);
    g_test_add_func("/stream/F18-dead-peer", test_dead_peer);
    g_test_add_func("/stream/F18-live-peer", test_live_peer);
    g_test_add_func("/stream/F18-kick", test_kick_waiting);
    g_test_add_func("/stream/C15-fail", test_fail_from_above);
    int status = g_test_run();

    g_remove(kit.ca_file);
    g_free(kit.ca_file);
    kit_cert_free(kit.ca);
    kit_cert_free(kit.cert);
    kit_cert_free(kit.stranger);
    return status;
}
