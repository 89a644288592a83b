/* net/stream against a scripted server: resumption (XEP-0198), SASL2
 * (XEP-0388), Bind 2 (XEP-0386), FAST (XEP-0484). */
#include <signal.h>
#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "kit_server.h"
#include "net/link.h"
#include "net/stream.h"

#define NS_SM "urn:xmpp:sm:3"
#define BIND "<bind xmlns='" KIT_NS_BIND "'/>"
#define SM "<sm xmlns='" NS_SM "'/>"

static struct { /* made once for all tests */
    struct kit_cert *ca, *cert, *stranger;
    char *ca_file;
} kit;

/* ---- the owner of a stream ---- */

struct owner {
    struct stream *stream;
    struct kit_host *host;
    enum connection_state state;
    unsigned states[STATE_CLOSING + 1];
    GError *error;
    GString *log;       /* what was told, in order */
    const char *previd; /* to be resumed */
    const char *say_when_resumed;
};

static void on_state(enum connection_state state, const GError *error,
    gint64 retry_ms, gpointer data)
{
    struct owner *owner = data;
    (void)retry_ms;
    owner->state = state;
    owner->states[state]++;
    if (state == STATE_OFFLINE || state == STATE_WAITING) {
        g_clear_error(&owner->error);
        owner->error = error ? g_error_copy(error) : NULL;
    }
    if (state == STATE_ONLINE)
        g_string_append(owner->log, "online ");
    if (error)
        g_test_message("%s: %s", connection_state_name(state), error->message);
}

static void on_bound(const char *jid, xmpp_stanza_t *features, gpointer data)
{
    struct owner *owner = data;
    g_assert_nonnull(features);
    g_assert_true(features == stream_features(owner->stream));
    g_string_append_printf(owner->log, "bound:%s ", jid);
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct owner *owner = data;
    const char *id = xmpp_stanza_get_id(stanza);
    g_string_append_printf(
        owner->log, "%s:%s ", xmpp_stanza_get_name(stanza), id ? id : "");
}

static void on_password(bool again, gpointer data)
{
    struct owner *owner = data;
    auto_struct(secret) secret = secret_new("secret", -1);
    g_string_append(owner->log, again ? "password-again " : "password ");
    stream_password(owner->stream, again ? NULL : secret);
}

static xmpp_stanza_t *on_resume(gpointer data)
{
    struct owner *owner = data;
    if (!owner->previd)
        return NULL;
    xmpp_stanza_t *resume = xmpp_stanza_new(link_context());
    xmpp_stanza_set_name(resume, "resume");
    xmpp_stanza_set_ns(resume, NS_SM);
    xmpp_stanza_set_attribute(resume, "previd", owner->previd);
    xmpp_stanza_set_attribute(resume, "h", "7");
    return resume;
}

static void on_resumed(xmpp_stanza_t *resumed, gpointer data)
{
    struct owner *owner = data;
    g_assert_cmpint(owner->state, !=, STATE_ONLINE);
    g_assert_nonnull(stream_features(owner->stream));
    g_string_append_printf(
        owner->log, "resumed:%s ", xmpp_stanza_get_attribute(resumed, "h"));
    if (owner->say_when_resumed)
        stream_send_raw(owner->stream, owner->say_when_resumed, -1);
}

static void on_resume_failed(xmpp_stanza_t *failed, gpointer data)
{
    struct owner *owner = data;
    const char *h = xmpp_stanza_get_attribute(failed, "h");
    g_string_append_printf(owner->log, "resume-failed:%s ", h ? h : "");
}

static const struct stream_callbacks callbacks = {
    .state = on_state,
    .bound = on_bound,
    .stanza = on_stanza,
    .password = on_password,
    .resume = on_resume,
    .resumed = on_resumed,
    .resume_failed = on_resume_failed,
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
        .backoff_ms = 20,
    };
}

static void owner_init(struct owner *owner, kit_script script)
{
    *owner = (struct owner){ .log = g_string_new(NULL) };
    owner->host = kit_host_new(kit.cert, script);
}

static void owner_start(struct owner *owner, const struct stream_config *config)
{
    owner->stream = stream_new(config, &callbacks, owner);
    stream_connect(owner->stream);
}

static void owner_start_plainly(struct owner *owner)
{
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
    g_string_free(owner->log, TRUE);
}

static gboolean too_late(gpointer data)
{
    struct owner *owner = data;
    g_error("waited in vain; the state is %s, and what came: %s",
        connection_state_name(owner->state), owner->log->str);
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

static void wait_log(struct owner *owner, const char *text)
{
    WAIT(owner, strstr(owner->log->str, text));
}

static bool heard(const struct owner *owner, const char *text)
{
    return strstr(owner->host->heard->str, text) != NULL;
}

/* ---- resumption after the old kind of login ---- */

static void play_resume(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, BIND SM);
    g_free(kit_hear(peer, "previd=\"some-long-sm-id\""));
    kit_say(peer, "<resumed xmlns='" NS_SM "' h='3' previd='some-long-sm-id'/>"
                  "<message id='m1'/>");
    g_free(kit_hear(peer, "</message>"));
    kit_say(peer, "<presence id='p1'/>");
    kit_wait_closed(peer);
}

static void test_resume(void)
{
    struct owner owner;
    owner_init(&owner, play_resume);
    owner.previd = "some-long-sm-id";
    owner.say_when_resumed = "<message id='again'></message>";
    owner_start_plainly(&owner);
    wait_log(&owner, "presence:p1 ");
    g_assert_cmpstr(owner.log->str, ==,
        "password resumed:3 online message:m1 presence:p1 ");
    owner_stop(&owner);
    g_assert_false(heard(&owner, KIT_NS_BIND));
    owner_clear(&owner);
}

static void play_resume_failed(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, BIND SM);
    g_free(kit_hear(peer, "<resume"));
    kit_say(peer, "<failed xmlns='" NS_SM "' h='9'><item-not-found "
                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void test_resume_failed(void)
{
    struct owner owner;
    owner_init(&owner, play_resume_failed);
    owner.previd = "old";
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.log->str, ==,
        "password resume-failed:9 bound:me@v.tld/r online ");
    owner_clear(&owner);
}

/* No <sm/> is offered: nothing is asked for. */
static void test_resume_not_offered(void)
{
    struct owner owner;
    owner_init(&owner, kit_online);
    owner.previd = "old";
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.log->str, ==, "password bound:me@v.tld/r online ");
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<resume"));
    owner_clear(&owner);
}

static void play_resume_foreign(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, BIND SM);
    g_free(kit_hear(peer, "<resume"));
    kit_say(peer, "<resumed xmlns='" NS_SM "' h='3' previd='another'/>");
    kit_wait_closed(peer);
}

static void play_resumed_unasked(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, BIND SM);
    g_free(kit_hear_iq(peer));
    kit_say(peer, "<resumed xmlns='" NS_SM "' h='3' previd='another'/>");
    kit_wait_closed(peer);
}

static void test_resume_hostile(void)
{
    static const struct {
        kit_script script;
        const char *previd;
    } cases[] = {
        { play_resume_foreign, "ours" },
        { play_resumed_unasked, NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct owner owner;
        owner_init(&owner, cases[i].script);
        owner.previd = cases[i].previd;
        owner_start_plainly(&owner);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_PROTOCOL);
        g_assert_cmpstr(owner.log->str, ==, "password ");
        owner_clear(&owner);
    }
}

/* ---- location of <enabled/> ---- */

static void play_wait(struct kit_peer *peer)
{
    kit_online(peer);
    kit_wait_closed(peer);
}

static void test_location(void)
{
    struct owner owner;
    owner_init(&owner, play_wait);
    struct stream_config config = config_for(owner.host);
    config.server = "192.0.2.1"; /* nobody would be there */
    g_autofree char *location =
        g_strdup_printf("127.0.0.1:%u", owner.host->port);
    owner.stream = stream_new(&config, &callbacks, &owner);
    stream_set_location(owner.stream, location);
    stream_connect(owner.stream);
    wait_state(&owner, STATE_ONLINE);
    owner_clear(&owner);
}

/* Nobody is there, or it is a trap: the usual way, without a pause. */
static void test_location_missed(void)
{
    static const char *const locations[] = { "127.0.0.1:1", "not a host",
        "[::1" };
    for (size_t i = 0; i < G_N_ELEMENTS(locations); i++) {
        struct owner owner;
        owner_init(&owner, play_wait);
        struct stream_config config = config_for(owner.host);
        config.backoff_ms = 60000;
        config.reconnect = true;
        owner.stream = stream_new(&config, &callbacks, &owner);
        stream_set_location(owner.stream, locations[i]);
        stream_connect(owner.stream);
        wait_state(&owner, STATE_ONLINE);
        owner_clear(&owner);
    }
}

/* Who is there must be our domain; no person is asked about it. */
static void test_location_stranger(void)
{
    struct owner owner, other;
    owner_init(&owner, play_wait);
    owner_init(&other, play_wait);
    kit_host_free(other.host);
    other.host = kit_host_new(kit.stranger, kit_secure);
    struct stream_config config = config_for(owner.host);
    g_autofree char *location =
        g_strdup_printf("127.0.0.1:%u", other.host->port);
    owner.stream = stream_new(&config, &callbacks, &owner);
    stream_set_location(owner.stream, location);
    stream_connect(owner.stream);
    wait_state(&owner, STATE_ONLINE);
    owner_stop(&other);
    g_assert_false(heard(&other, "me@"));
    owner_clear(&other);
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

    g_test_add_func("/resume/taken-up", test_resume);
    g_test_add_func("/resume/failed", test_resume_failed);
    g_test_add_func("/resume/not-offered", test_resume_not_offered);
    g_test_add_func("/resume/hostile", test_resume_hostile);
    g_test_add_func("/resume/location", test_location);
    g_test_add_func("/resume/location-missed", test_location_missed);
    g_test_add_func("/resume/location-stranger", test_location_stranger);
    int status = g_test_run();
    g_remove(kit.ca_file);
    g_free(kit.ca_file);
    kit_cert_free(kit.ca);
    kit_cert_free(kit.cert);
    kit_cert_free(kit.stranger);
    return status;
}
