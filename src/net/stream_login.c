/*
 * Who we are: which mechanism of what is offered, in the older profile or in
 * SASL2, by token or by password; what to think of the answer; and what the
 * next connection should do otherwise.
 */
#include <string.h>
#include "base/intl.h"
#include "net/link.h"
#include "net/stream_private.h"

#define NS_SASL_BINDINGS "urn:xmpp:sasl-cb:0" /* XEP-0440 */

#define LOGIN_TRIES_MAX 3

/* ---- small things ---- */

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

static void forget_offer(struct stream *stream)
{
    g_clear_pointer(&stream->older, g_strfreev);
    g_clear_pointer(&stream->newer, g_strfreev);
    g_clear_pointer(&stream->bindings, g_strfreev);
    g_clear_pointer(&stream->token_mechanisms, g_strfreev);
    g_clear_pointer(&stream->authentication, xmpp_stanza_release);
}

void stream_login_forget(struct stream *stream)
{
    g_clear_pointer(&stream->sasl, sasl_free);
    g_clear_pointer(&stream->wanted_token, g_free);
    forget_offer(stream);
    stream->by_token = stream->invalidating = false;
    g_clear_pointer(&stream->exporter, g_bytes_unref);
    g_clear_pointer(&stream->end_point, g_bytes_unref);
}

/* ---- what the last connection teaches ---- */

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

void stream_login_learn(struct stream *stream)
{
    learn_about_haste(stream);
    learn_about_silence(stream);
}

bool stream_login_asked_extras(const struct stream *stream)
{
    return stream->sasl2 &&
        (stream->bind_asked || stream->resume_id || stream->wanted_token ||
            stream->by_token);
}

/* ---- the choice ---- */

static void read_bindings(struct stream *stream)
{
    struct tls *tls = stream->secured ? relay_tls(stream->relay) : NULL;
    g_clear_pointer(&stream->exporter, g_bytes_unref);
    g_clear_pointer(&stream->end_point, g_bytes_unref);
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

/* ---- what is asked for ---- */

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
    stream_say(stream, xml);
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
        request.resume = stream_bind_resumption(stream);
    g_autofree char *xml = sasl2_authenticate(&request);
    if (!stream->ending)
        stream_say(stream, xml);
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
void stream_login_early(struct stream *stream)
{
    if (!stream->offer || stream->not_early || stream->early_failures > 1 ||
        stream->registration || !stream->secured || stream->ending)
        return;
    xmpp_stanza_t *offer =
        xmpp_stanza_new_from_string(link_context(), stream->offer);
    if (!offer)
        return;
    stream_login_forget(stream);
    if (element_is(offer, "authentication", NS_SASL2))
        read_authentication(stream, offer);
    xmpp_stanza_release(offer);
    read_bindings(stream);
    if (!authenticate_by_token(stream)) {
        stream_login_forget(stream);
        return;
    }
    stream->early = stream->went_early = true;
    stream_tell(stream, STATE_AUTHENTICATING, NULL, -1);
}

static void password_refused(struct stream *stream)
{
    g_clear_pointer(&stream->password, secret_unref);
    stream->no_plus = false;
    if (++stream->tries >= LOGIN_TRIES_MAX) { /* C29 */
        stream_break(stream, STREAM_ERROR_AUTH, true, NULL, "%s", stream->refusal);
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
        stream_break(stream, STREAM_ERROR_AUTH, true, NULL, "%s", error->message);
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
    stream_expect(stream, STEP_SASL);
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
        stream_break(stream, STREAM_ERROR_AUTH, true, NULL, "%s", error->message);
        g_error_free(error);
        return;
    }
    stream_expect(stream, STEP_SASL);
    send_first(stream, NULL);
}

/* ---- what is answered ---- */

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
    stream_say(stream, xml);
    stream_break(stream, STREAM_ERROR_AUTH, true, NULL, "%s", sentence);
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
    stream_expect(stream, STEP_SASL);
    stream_say(stream, xml);
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
    stream_break(stream, STREAM_ERROR_AUTH, true, NULL, "%s", error->message);
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

static void on_older_success(struct stream *stream, xmpp_stanza_t *stanza)
{
    g_autofree char *text = element_text(stanza);
    if (!is_proven(stream, text))
        return;
    take_mechanism(stream);
    stream_login_forget(stream);
    if (!stream->ending)
        stream_open(stream);
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

static char *additional_data(xmpp_stanza_t *stanza)
{
    char *text =
        element_text(element_child(stanza, "additional-data", NS_SASL2));
    return text ? g_strstrip(text) : NULL;
}

static void on_newer_success(struct stream *stream, xmpp_stanza_t *stanza)
{
    g_autofree char *text = additional_data(stanza);
    g_autofree char *address = authorized_address(stanza);
    if (!is_proven(stream, text))
        return;
    if (address && !stream_bind_is_ours(stream, address)) { /* H12 */
        stream_bind_refuse(stream);
        return;
    }
    take_mechanism(stream);
    take_token(stream, stanza);
    remember_offer(stream);
    stream_login_forget(stream);
    if (!stream->ending)
        stream_bind_session(stream, stanza, address);
}

static void on_success(struct stream *stream, xmpp_stanza_t *stanza)
{
    if (stream->sasl2)
        on_newer_success(stream, stanza);
    else
        on_older_success(stream, stanza);
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
        stream_give_up(stream, error, stream_failure_is_final(condition), NULL);
    }
}

bool stream_login_take(struct stream *stream, xmpp_stanza_t *stanza)
{
    static const struct {
        const char *name;
        bool sasl2_only;
        void (*fn)(struct stream *stream, xmpp_stanza_t *stanza);
    } due[] = {
        { "challenge", false, on_challenge },
        { "success", false, on_success },
        { "failure", false, on_failure },
        { "continue", true, on_continue },
    };

    if (stream->step != STEP_SASL)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(due); i++) {
        if ((due[i].sasl2_only && !stream->sasl2) ||
            !element_is(stanza, due[i].name, profile(stream)))
            continue;
        due[i].fn(stream, stanza);
        return true;
    }
    return false;
}

/* ---- what is offered ---- */

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
        stream_end(stream, NULL, NULL);
        return;
    }
    forget_offer(stream);
    read_authentication(stream, authentication);
    stream_expect(stream, STEP_SASL);
}

void stream_login_offered(
    struct stream *stream, xmpp_stanza_t *features)
{
    xmpp_stanza_t *older = element_child(features, "mechanisms", XMPP_NS_SASL);
    xmpp_stanza_t *newer = element_child(features, "authentication", NS_SASL2);
    if (stream->early) {
        on_features_after_early(stream, newer);
        return;
    }
    if (!older && !newer) {
        stream_break(stream, STREAM_ERROR_AUTH, false, NULL,
            _("%s offers no way of logging in; try again later, or ask its "
            "administrator."),
            stream->domain);
        return;
    }
    stream_tell(stream, STATE_AUTHENTICATING, NULL, -1);
    xmpp_stanza_t *bindings =
        element_child(features, "sasl-channel-binding", NS_SASL_BINDINGS);
    stream_login_forget(stream);
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

/* ---- what the owner says ---- */

/* The person had the last word on this login. Takes the error. */
static void answered_no(struct stream *stream, GError *error)
{
    stream->step = STEP_SASL;
    if (stream->relay) {
        stream_give_up(stream, error, true, NULL);
        return;
    }
    stream->reason = error;
    stream->final = true;
    stream_finish_soon(stream);
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
        stream_start(stream);
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
