/* net/stream against a scripted server: resumption (XEP-0198), SASL2
 * (XEP-0388), Bind 2 (XEP-0386), FAST (XEP-0484). */
#include <signal.h>
#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "kit_server.h"
#include "net/link.h"
#include "net/stream.h"

#define NS_BIND2 "urn:xmpp:bind:0"
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
    const char *wrong_password;
    char *token, *token_mechanism, *expiry, *offer, *mechanism;
    gint64 count;
    bool invalidate, carbons;
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
    const char *text = owner->wrong_password ? owner->wrong_password : "secret";
    auto_struct(secret) secret = secret_new(text, -1);
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

static void on_bind_inline(
    xmpp_stanza_t *offer, xmpp_stanza_t *bind, gpointer data)
{
    struct owner *owner = data;
    g_assert_false(stream_offers_inline(offer, "urn:xmpp:nothing"));
    if (!stream_offers_inline(offer, "urn:xmpp:carbons:2"))
        return;
    xmpp_stanza_t *enable = xmpp_stanza_new(link_context());
    xmpp_stanza_set_name(enable, "enable");
    xmpp_stanza_set_ns(enable, "urn:xmpp:carbons:2");
    xmpp_stanza_add_child_ex(bind, enable, 0);
    owner->carbons = true;
}

static void on_bound_inline(xmpp_stanza_t *bound, gpointer data)
{
    struct owner *owner = data;
    g_assert_cmpstr(xmpp_stanza_get_ns(bound), ==, NS_BIND2);
    g_string_append(owner->log,
        xmpp_stanza_get_children(bound) ? "inline:enabled " : "inline ");
}

static bool on_fast_token(struct stream_token *token, gpointer data)
{
    struct owner *owner = data;
    static struct secret *secret; /* lives as long as the program */
    if (!owner->token)
        return false;
    secret_unref(secret);
    secret = secret_new(owner->token, -1);
    *token = (struct stream_token){ .secret = secret,
        .mechanism = owner->token_mechanism,
        .count = ++owner->count,
        .invalidate = owner->invalidate };
    return true;
}

static void on_fast_got(const char *mechanism, struct secret *token,
    const char *expiry, gpointer data)
{
    struct owner *owner = data;
    g_free(owner->token);
    g_free(owner->expiry);
    owner->token = g_strdup(secret_bytes(token));
    owner->expiry = g_strdup(expiry);
    owner->count = 0;
    if (g_strcmp0(mechanism, owner->token_mechanism) != 0) {
        g_free(owner->token_mechanism);
        owner->token_mechanism = g_strdup(mechanism);
    }
    g_string_append_printf(owner->log, "token:%s ", owner->token);
}

static void on_fast_refused(gpointer data)
{
    struct owner *owner = data;
    g_clear_pointer(&owner->token, g_free);
    g_string_append(owner->log, "no-token ");
}

static void on_login_only(bool login_only, gpointer data)
{
    struct owner *owner = data;
    g_string_append(owner->log, login_only ? "login-only " : "all-at-once ");
}

static void on_offer(const char *xml, gpointer data)
{
    struct owner *owner = data;
    g_free(owner->offer);
    owner->offer = g_strdup(xml);
}

static void on_mechanism(const char *mechanism, bool bound, gpointer data)
{
    struct owner *owner = data;
    (void)bound;
    g_free(owner->mechanism);
    owner->mechanism = g_strdup(mechanism);
}

static const struct stream_callbacks callbacks = {
    .bind_inline = on_bind_inline,
    .bound_inline = on_bound_inline,
    .fast_token = on_fast_token,
    .fast_got = on_fast_got,
    .fast_refused = on_fast_refused,
    .offer = on_offer,
    .login_only = on_login_only,
    .mechanism = on_mechanism,
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
        .user_agent = "d4565fa7-4d72-4749-b3d3-740edbf87770",
        .software = "AwesomeXMPP",
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
    g_free(owner->token);
    g_free(owner->token_mechanism);
    g_free(owner->expiry);
    g_free(owner->offer);
    g_free(owner->mechanism);
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

/* ---- SASL2 ---- */

#define MECHANISMS(ns, text)                                                   \
    "<mechanisms xmlns='" ns "'><mechanism>" text "</mechanism></mechanisms>"
#define OLD(text) MECHANISMS(KIT_NS_SASL, text)
#define NEW(text, inner)                                                       \
    "<authentication xmlns='" KIT_NS_SASL2 "'><mechanism>" text                \
    "</mechanism><upgrade>SCRAM-SHA-512</upgrade>" inner "</authentication>"
#define INLINE(inner) "<inline>" inner "</inline>"
#define BIND2                                                                  \
    "<bind xmlns='" NS_BIND2 "'><inline>"                                      \
    "<feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:csi:0'/>"       \
    "<feature var='" NS_SM "'/></inline></bind>"
#define FAST                                                                   \
    "<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-EXPR</mechanism>"     \
    "<mechanism>HT-SHA-256-NONE</mechanism></fast>"
#define ME "<authorization-identifier>me@v.tld</authorization-identifier>"
#define ME_FULL                                                                \
    "<authorization-identifier>me@v.tld/AwesomeXMPP.4232f4d4"                  \
    "</authorization-identifier>"
#define BOUND "<bound xmlns='" NS_BIND2 "'/>"
#define ALL INLINE(BIND2 SM FAST)
#define TOKEN(text)                                                            \
    "<token xmlns='urn:xmpp:fast:0' expiry='2020-03-12T14:36:15Z' "            \
    "token='" text "'/>"
#define SCRAM "SCRAM-SHA-256"

static void play_sasl2(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OLD(SCRAM) NEW(SCRAM, ""));
    kit_login_scram2(peer, "secret", false, false, ME);
    kit_features(peer, BIND);
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void test_sasl2(void)
{
    struct owner owner;
    owner_init(&owner, play_sasl2);
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.log->str, ==, "password bound:me@v.tld/r online ");
    g_assert_cmpstr(owner.mechanism, ==, SCRAM);
    g_assert_cmpstr(stream_mechanism(owner.stream), ==, SCRAM);
    owner_stop(&owner);
    g_assert_true(
        heard(&owner, "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'>"
                      "<software>AwesomeXMPP</software></user-agent>"));
    g_assert_false(heard(&owner, "upgrade"));
    g_assert_false(heard(&owner, "<auth "));
    owner_clear(&owner);
}

static void play_bind2(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_scram2(peer, "secret", false, false,
        ME_FULL "<bound xmlns='" NS_BIND2 "'><enabled xmlns='" NS_SM
                "'/></bound>" TOKEN("T1"));
    kit_features(peer, "<limits xmlns='urn:xmpp:stream-limits:0'>"
                       "<max-bytes>10000</max-bytes></limits>");
    kit_say(peer, "<message id='m1'/>");
    kit_wait_closed(peer);
}

static void test_bind2(void)
{
    struct owner owner;
    owner_init(&owner, play_bind2);
    owner_start_plainly(&owner);
    wait_log(&owner, "message:m1");
    g_assert_cmpstr(owner.log->str, ==,
        "password token:T1 bound:me@v.tld/AwesomeXMPP.4232f4d4 inline:enabled "
        "online message:m1 ");
    g_assert_true(owner.carbons);
    g_assert_cmpstr(owner.token_mechanism, ==, "HT-SHA-256-EXPR");
    g_assert_cmpstr(owner.expiry, ==, "2020-03-12T14:36:15Z");
    g_assert_nonnull(owner.offer);
    g_assert_cmpuint(stream_max_bytes(owner.stream), ==, 10000);
    owner_stop(&owner);
    g_assert_true(heard(&owner, "<tag>AwesomeXMPP</tag>"));
    g_assert_true(heard(&owner, "request-token"));
    g_assert_false(heard(&owner, "<iq"));
    owner_clear(&owner);
}

/* It says nothing of its features, but goes on at once, or later. */
static void play_bound_without_features(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, INLINE(BIND2)));
    kit_login_scram2(peer, "secret", false, false, ME_FULL BOUND);
    if (peer->number == 0)
        kit_say(peer, "<message id='m1'/>");
    kit_wait_closed(peer);
}

static void test_no_features(void)
{
    struct owner owner;
    owner_init(&owner, play_bound_without_features);
    struct stream_callbacks lenient = callbacks;
    lenient.bound = NULL;
    struct stream_config config = config_for(owner.host);
    owner.stream = stream_new(&config, &lenient, &owner);
    stream_connect(owner.stream);
    wait_log(&owner, "message:m1");
    g_assert_cmpstr(owner.log->str, ==, "password inline online message:m1 ");
    stream_close(owner.stream);
    wait_state(&owner, STATE_OFFLINE);
    stream_connect(owner.stream);
    owner.state = STATE_DIALING;
    wait_state(&owner, STATE_ONLINE); /* after a while */
    owner_clear(&owner);
}

static void play_inline_resume(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_scram2(peer, "secret", false, false,
        ME_FULL "<resumed xmlns='" NS_SM "' h='345' previd='124'/>");
    kit_say(peer, "<message id='m1'/>");
    kit_features(peer, SM);
    kit_say(peer, "<message id='m2'/>");
    kit_wait_closed(peer);
}

static void test_inline_resume(void)
{
    struct owner owner;
    owner_init(&owner, play_inline_resume);
    owner.previd = "124";
    owner_start_plainly(&owner);
    wait_log(&owner, "message:m2");
    g_assert_cmpstr(owner.log->str, ==,
        "password resumed:345 online message:m1 message:m2 ");
    g_assert_nonnull(stream_features(owner.stream));
    owner_clear(&owner);
}

static void play_inline_resume_failed(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_scram2(peer, "secret", false, false,
        ME_FULL "<failed xmlns='" NS_SM "' h='9'/>" BOUND);
    kit_features(peer, SM);
    kit_wait_closed(peer);
}

/* Without Bind 2: then the old way of binding, and no second attempt. */
static void play_inline_resume_failed_old(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, INLINE(SM)));
    kit_login_scram2(
        peer, "secret", false, false, ME "<failed xmlns='" NS_SM "' h='9'/>");
    kit_features(peer, BIND SM);
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void test_inline_resume_failed(void)
{
    static const struct {
        kit_script script;
        const char *log;
    } cases[] = {
        { play_inline_resume_failed,
            "password resume-failed:9 bound:me@v.tld/AwesomeXMPP.4232f4d4 "
            "inline online " },
        { play_inline_resume_failed_old,
            "password resume-failed:9 bound:me@v.tld/r online " },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct owner owner;
        owner_init(&owner, cases[i].script);
        owner.previd = "old";
        owner_start_plainly(&owner);
        wait_state(&owner, STATE_ONLINE);
        g_assert_cmpstr(owner.log->str, ==, cases[i].log);
        owner_clear(&owner);
    }
}

/* ---- SASL2, hostile ---- */

static const char *hostile_success;

static void play_hostile_success(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, INLINE(BIND2)));
    kit_login_scram2(peer, "secret", false, false, hostile_success);
    kit_features(peer, "");
    kit_wait_closed(peer);
}

static void play_no_proof(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, INLINE(BIND2)));
    g_free(kit_hear(peer, "</authenticate>"));
    kit_say(
        peer, "<success xmlns='" KIT_NS_SASL2 "'>" ME_FULL BOUND "</success>");
    kit_wait_closed(peer);
}

static void play_forged_proof(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, INLINE(BIND2)));
    kit_login_scram2(peer, "secret", false, true, ME_FULL BOUND);
    kit_wait_closed(peer);
}

static void play_other_profile(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, INLINE(BIND2)));
    g_free(kit_hear(peer, "</authenticate>"));
    kit_say(peer, "<success xmlns='" KIT_NS_SASL "'/>");
    kit_wait_closed(peer);
}

static void play_continue(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ""));
    g_free(kit_hear(peer, "</authenticate>"));
    kit_say(peer, "<continue xmlns='" KIT_NS_SASL2
                  "'><additional-data>SSdtIGJvcmVkIG5vdy4=</additional-data>"
                  "<tasks><task>HOTP-EXAMPLE</task><task>TOTP-EXAMPLE</task>"
                  "</tasks><text>This account requires 2FA</text></continue>");
    kit_wait_closed(peer);
}

static void play_stanza_in_login(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ""));
    g_free(kit_hear(peer, "</authenticate>"));
    kit_say(peer, "<message id='m1'/>");
    kit_wait_closed(peer);
}

/* Behind <success/> only features are due, then what we have asked for. */
static void play_smuggled(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ""));
    kit_login_scram2(peer, "secret", false, false, ME);
    kit_say(peer, "<message id='m1'/>");
    kit_wait_closed(peer);
}

static void test_hostile(void)
{
    static const struct {
        kit_script script;
        const char *success, *words;
        int code;
    } cases[] = {
        { play_no_proof, NULL, "did not prove", STREAM_ERROR_AUTH },
        { play_forged_proof, NULL, "", STREAM_ERROR_AUTH },
        { play_other_profile, NULL, "not due", STREAM_ERROR_PROTOCOL },
        { play_continue, NULL, "HOTP-EXAMPLE, TOTP-EXAMPLE",
            STREAM_ERROR_AUTH },
        { play_stanza_in_login, NULL, "", STREAM_ERROR_AUTH },
        { play_smuggled, NULL, "", STREAM_ERROR_PROTOCOL },
        /* H12 */
        { play_hostile_success,
            "<authorization-identifier>mal@v.tld/r</"
            "authorization-identifier>" BOUND,
            "not me@v.tld", STREAM_ERROR_PROTOCOL },
        { play_hostile_success,
            "<authorization-identifier>me@e.tld/r</"
            "authorization-identifier>" BOUND,
            "not me@v.tld", STREAM_ERROR_PROTOCOL },
        { play_hostile_success, ME BOUND, "not me@v.tld",
            STREAM_ERROR_PROTOCOL },
        { play_hostile_success, BOUND, "not me@v.tld", STREAM_ERROR_PROTOCOL },
        { play_hostile_success,
            ME_FULL "<resumed xmlns='" NS_SM "' h='1' previd='1'/>",
            "another session", STREAM_ERROR_PROTOCOL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct owner owner;
        hostile_success = cases[i].success;
        owner_init(&owner, cases[i].script);
        owner_start_plainly(&owner);
        wait_state(&owner, STATE_OFFLINE);
        g_test_message("%zu", i);
        g_assert_error(owner.error, STREAM_ERROR, cases[i].code);
        g_test_message("%s", owner.error->message);
        g_assert_nonnull(strstr(owner.error->message, cases[i].words));
        g_assert_cmpstr(owner.log->str, ==, "password ");
        owner_clear(&owner);
    }
}

/* H11: what was pinned holds for both profiles. */
static void play_weaker_new(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OLD("SCRAM-SHA-1") NEW("PLAIN", ALL));
    kit_wait_closed(peer);
}

static void test_downgrade(void)
{
    struct owner owner;
    owner_init(&owner, play_weaker_new);
    struct stream_config config = config_for(owner.host);
    config.pinned_mechanism = SCRAM;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_nonnull(strstr(owner.error->message, "weaker"));
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<auth"));
    owner_clear(&owner);
}

/* The stronger mechanism decides which profile is taken. */
static void play_stronger_old(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, OLD(SCRAM) NEW("PLAIN", INLINE(BIND2 SM)));
    kit_login_scram(peer, "secret", false, false);
    kit_open(peer);
    kit_features(peer, BIND);
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

static void test_stronger_profile(void)
{
    struct owner owner;
    owner_init(&owner, play_stronger_old);
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_ONLINE);
    owner_stop(&owner);
    g_assert_false(heard(&owner, "<authenticate"));
    owner_clear(&owner);
}

static void play_wrong_password(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_scram2(peer, "secret", false, false, ME);
    kit_wait_closed(peer);
}

static void test_wrong_password(void)
{
    struct owner owner;
    owner_init(&owner, play_wrong_password);
    owner.wrong_password = "guess";
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_OFFLINE);
    g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
    g_assert_cmpstr(owner.log->str, ==, "password password-again ");
    owner_clear(&owner);
}

/* ---- FAST ---- */

static void give_token(struct owner *owner, const char *token)
{
    owner->token = g_strdup(token);
    owner->token_mechanism = g_strdup("HT-SHA-256-EXPR");
}

static void play_token(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_token(peer, "secret-token:T1", true, ME_FULL BOUND);
    kit_features(peer, SM);
    kit_wait_closed(peer);
}

static void test_token(void)
{
    struct owner owner;
    owner_init(&owner, play_token);
    give_token(&owner, "secret-token:T1");
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.log->str, ==,
        "bound:me@v.tld/AwesomeXMPP.4232f4d4 inline online ");
    g_assert_cmpstr(stream_mechanism(owner.stream), ==, "HT-SHA-256-EXPR");
    g_assert_null(owner.mechanism); /* nothing to be pinned */
    owner_stop(&owner);
    g_assert_true(heard(&owner, "<fast xmlns='urn:xmpp:fast:0' count='1'/>"));
    g_assert_false(heard(&owner, "request-token"));
    owner_clear(&owner);
}

static void play_rotation(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_token(peer, "T1", true,
        ME_FULL BOUND TOKEN("R3VyIHpiZmcgbnl2aXIgdmYgZ3VyIGp2eXFyZmcu"));
    kit_features(peer, SM);
    kit_wait_closed(peer);
}

static void test_rotation(void)
{
    struct owner owner;
    owner_init(&owner, play_rotation);
    give_token(&owner, "T1");
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(
        owner.token, ==, "R3VyIHpiZmcgbnl2aXIgdmYgZ3VyIGp2eXFyZmcu");
    g_assert_cmpstr(owner.token_mechanism, ==, "HT-SHA-256-EXPR");
    owner_clear(&owner);
}

static void test_invalidation(void)
{
    struct owner owner;
    owner_init(&owner, play_rotation);
    give_token(&owner, "T1");
    owner.invalidate = true;
    owner_start_plainly(&owner);
    wait_state(&owner, STATE_ONLINE);
    g_assert_null(owner.token);
    owner_stop(&owner);
    g_assert_true(heard(&owner, " invalidate='true'/>"));
    owner_clear(&owner);
}

static void play_token_refused(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_token(peer, "another", true, ME);
    kit_login_scram2(peer, "secret", false, false, ME_FULL BOUND TOKEN("T2"));
    kit_features(peer, SM);
    kit_wait_closed(peer);
}

static void play_token_hung_up(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    if (peer->number == 0) {
        kit_login_token(peer, "another", true, ME);
        return; /* and hangs up */
    }
    kit_login_scram2(peer, "secret", false, false, ME_FULL BOUND TOKEN("T2"));
    kit_features(peer, SM);
    kit_wait_closed(peer);
}

static void test_token_refused(void)
{
    static const kit_script scripts[] = { play_token_refused,
        play_token_hung_up };
    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct owner owner;
        owner_init(&owner, scripts[i]);
        give_token(&owner, "T1");
        owner_start_plainly(&owner);
        wait_state(&owner, STATE_ONLINE);
        g_assert_true(g_str_has_prefix(owner.log->str, "no-token password "));
        g_assert_cmpstr(owner.token, ==, "T2");
        owner_clear(&owner);
    }
}

static void play_token_no_proof(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    g_free(kit_hear(peer, "</authenticate>"));
    kit_say(
        peer, "<success xmlns='" KIT_NS_SASL2 "'>" ME_FULL BOUND "</success>");
    kit_wait_closed(peer);
}

static void play_token_challenge(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    g_free(kit_hear(peer, "</authenticate>"));
    kit_say(peer, "<challenge xmlns='" KIT_NS_SASL2 "'>aGk=</challenge>");
    kit_wait_closed(peer);
}

static void test_token_hostile(void)
{
    static const kit_script scripts[] = { play_token_no_proof,
        play_token_challenge };
    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct owner owner;
        owner_init(&owner, scripts[i]);
        give_token(&owner, "T1");
        owner_start_plainly(&owner);
        wait_state(&owner, STATE_OFFLINE);
        g_assert_error(owner.error, STREAM_ERROR, STREAM_ERROR_AUTH);
        g_assert_cmpstr(owner.log->str, ==, "no-token ");
        owner_clear(&owner);
    }
}

/* No more SASL2, or no more tokens: the password, by the rules of H11; the
 * token stays where it is. */
static void test_token_not_offered(void)
{
    struct owner owner;
    owner_init(&owner, play_stronger_old);
    give_token(&owner, "T1");
    struct stream_config config = config_for(owner.host);
    config.pinned_mechanism = SCRAM;
    config.plain_allowed = false;
    owner_start(&owner, &config);
    wait_state(&owner, STATE_ONLINE);
    g_assert_cmpstr(owner.token, ==, "T1");
    owner_stop(&owner);
    g_assert_false(heard(&owner, "urn:xmpp:fast:0"));
    owner_clear(&owner);
}

/* ---- all at once: two round trips after TCP ---- */

static void play_early(struct kit_peer *peer)
{
    kit_start_tls(peer); /* the first */
    /* The server says nothing before it has heard all (the second). */
    g_free(kit_hear(peer, ">"));
    g_free(kit_hear(peer, "<authenticate"));
    if (peer->broken)
        return;
    kit_say(peer,
        "<stream:stream xmlns='jabber:client' xmlns:stream='" KIT_NS_STREAM
        "' from='v.tld' id='s' version='1.0'><stream:features>" NEW(
            SCRAM, ALL) "</stream:features>");
    kit_login_token(peer, "T1", true,
        ME_FULL "<resumed xmlns='" NS_SM "' h='1' previd='124'/>");
    kit_features(peer, SM);
    kit_say(peer, "<message id='m1'/>");
    kit_wait_closed(peer);
}

static void test_early(void)
{
    struct owner owner;
    owner_init(&owner, play_early);
    give_token(&owner, "T1");
    owner.previd = "124";
    struct stream_config config = config_for(owner.host);
    config.tls = TLS_MODE_DIRECT;
    config.offer = NEW(SCRAM, ALL);
    owner_start(&owner, &config);
    wait_log(&owner, "message:m1");
    g_assert_cmpstr(owner.log->str, ==, "resumed:1 online message:m1 ");
    owner_clear(&owner);
}

/* The offer has changed: from the start, without haste. */
static void play_early_in_vain(struct kit_peer *peer)
{
    kit_start_tls(peer);
    kit_open(peer);
    kit_features(peer, OLD(SCRAM));
    if (peer->number == 0) {
        kit_wait_closed(peer);
        return;
    }
    kit_login_scram(peer, "secret", false, false);
    kit_open(peer);
    kit_features(peer, BIND);
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

/* A server that cannot bear it. */
static void play_early_error(struct kit_peer *peer)
{
    kit_start_tls(peer);
    if (peer->number == 0) {
        kit_open(peer);
        kit_say(peer, "<stream:error><policy-violation xmlns='" KIT_NS_STREAMS
                      "'/></stream:error></stream:stream>");
        kit_wait_closed(peer);
        return;
    }
    kit_open(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_token(peer, "T1", true, ME_FULL BOUND);
    kit_features(peer, SM);
    kit_wait_closed(peer);
}

static void test_early_in_vain(void)
{
    static const kit_script scripts[] = { play_early_in_vain,
        play_early_error };
    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct owner owner;
        owner_init(&owner, scripts[i]);
        give_token(&owner, "T1");
        struct stream_config config = config_for(owner.host);
        config.tls = TLS_MODE_DIRECT;
        config.offer = NEW(SCRAM, ALL);
        config.reconnect = true;
        owner_start(&owner, &config);
        wait_state(&owner, STATE_ONLINE);
        g_assert_cmpstr(owner.token, ==, "T1");
        owner_clear(&owner);
    }
}

/* A module of the server does not know how to bind or resume so early, and
 * breaks where nobody answers for it. */
static void play_silent(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    if (peer->number == 0) {
        g_free(kit_hear(peer, "</authenticate>"));
        kit_stay_silent(peer);
        return;
    }
    kit_login_scram2(peer, "secret", false, false, ME);
    kit_features(peer, BIND SM);
    g_free(kit_hear(peer, "previd=\"124\""));
    kit_say(peer, "<resumed xmlns='" NS_SM "' h='345' previd='124'/>");
    kit_wait_closed(peer);
}

static void test_silent(void)
{
    struct owner owner;
    owner_init(&owner, play_silent);
    owner.previd = "124";
    struct stream_config config = config_for(owner.host);
    config.timeout_ms = 2000;
    config.reconnect = true;
    owner_start(&owner, &config);
    wait_log(&owner, "online");
    g_assert_cmpstr(
        owner.log->str, ==, "password login-only resumed:345 online ");
    owner_stop(&owner);
    g_assert_cmpuint(owner.host->connections, ==, 2);
    owner_clear(&owner);
}

static void play_login_only(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_features(peer, NEW(SCRAM, ALL));
    kit_login_scram2(peer, "secret", false, false, ME);
    kit_features(peer, BIND);
    kit_bind(peer, "me@v.tld/r");
    kit_wait_closed(peer);
}

/* Who knows of it is not told again, and does not wait again. */
static void test_login_only(void)
{
    struct owner owner;
    owner_init(&owner, play_login_only);
    struct stream_config config = config_for(owner.host);
    config.login_only = true;
    owner_start(&owner, &config);
    wait_log(&owner, "online");
    g_assert_cmpstr(owner.log->str, ==, "password bound:me@v.tld/r online ");
    owner_stop(&owner);
    g_assert_cmpuint(owner.host->connections, ==, 1);
    owner_clear(&owner);
}

/* What is remembered may be anything. */
static void test_early_nonsense(void)
{
    static const char *const offers[] = { "", "<a", "<authentication/>",
        "<authentication xmlns='urn:xmpp:sasl:2'/>", "nonsense" };
    for (size_t i = 0; i < G_N_ELEMENTS(offers); i++) {
        struct owner owner;
        owner_init(&owner, play_token);
        give_token(&owner, "secret-token:T1");
        struct stream_config config = config_for(owner.host);
        config.offer = offers[i];
        owner_start(&owner, &config);
        wait_state(&owner, STATE_ONLINE);
        owner_clear(&owner);
    }
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
    g_test_add_func("/sasl2/login", test_sasl2);
    g_test_add_func("/sasl2/bind2", test_bind2);
    g_test_add_func("/sasl2/no-features", test_no_features);
    g_test_add_func("/sasl2/resume", test_inline_resume);
    g_test_add_func("/sasl2/resume-failed", test_inline_resume_failed);
    g_test_add_func("/sasl2/H06-H12-hostile", test_hostile);
    g_test_add_func("/sasl2/H11-downgrade", test_downgrade);
    g_test_add_func("/sasl2/stronger-profile", test_stronger_profile);
    g_test_add_func("/sasl2/wrong-password", test_wrong_password);
    g_test_add_func("/fast/login", test_token);
    g_test_add_func("/fast/rotation", test_rotation);
    g_test_add_func("/fast/invalidation", test_invalidation);
    g_test_add_func("/fast/refused", test_token_refused);
    g_test_add_func("/fast/hostile", test_token_hostile);
    g_test_add_func("/fast/not-offered", test_token_not_offered);
    g_test_add_func("/fast/early", test_early);
    g_test_add_func("/fast/early-in-vain", test_early_in_vain);
    g_test_add_func("/fast/early-nonsense", test_early_nonsense);
    g_test_add_func("/sasl2/silent", test_silent);
    g_test_add_func("/sasl2/login-only", test_login_only);
    int status = g_test_run();
    g_remove(kit.ca_file);
    g_free(kit.ca_file);
    kit_cert_free(kit.ca);
    kit_cert_free(kit.cert);
    kit_cert_free(kit.stranger);
    return status;
}
