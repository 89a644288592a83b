/*
 * Which address and session we have: a resource is bound (RFC 6120 s. 7), inside
 * SASL2 or after the login, unless an older session is taken up again.
 */
#include <string.h>
#include "base/intl.h"
#include "base/random.h"
#include "model/jid.h"
#include "net/stream_private.h"

#define FEATURES_MS 3000 /* after a binding inside SASL2 */
#define BOUND_JID_BYTES_MAX 3071

/* ---- online ---- */

static void enter_online(struct stream *stream)
{
    stream->step = STEP_ONLINE;
    stream->was_online = true;
    stream->online_since = g_get_monotonic_time();
    stream->tries = 0;
    relay_set_state(stream->relay, GUARD_ONLINE);
    relay_deadline(stream->relay, 0);
    stream_watch(stream);
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
        stream_tell(stream, STATE_ONLINE, NULL, -1);
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
    stream_expect(stream, STEP_BIND);
    stream_tell(stream, STATE_BINDING, NULL, -1);
    stream_say(stream, xml);
}

static void request_session(struct stream *stream)
{
    g_free(stream->request_id);
    stream->request_id = random_hex(16);
    g_autofree char *xml = g_markup_printf_escaped(
        "<iq type='set' id='%s'><session xmlns='" XMPP_NS_SESSION "'/></iq>",
        stream->request_id);
    stream_expect(stream, STEP_SESSION);
    stream_say(stream, xml);
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
bool stream_bind_is_ours(const struct stream *stream, const char *bound)
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
    stream_break(stream, STREAM_ERROR_PROTOCOL, false, NULL,
        _("%s let us in but gives us no address for this connection; ask its "
        "administrator."),
        stream->domain);
}

void stream_bind_refuse(struct stream *stream)
{
    stream_break(stream, STREAM_ERROR_PROTOCOL, true, "undefined-condition",
        _("%s gave us an address that is not %s, so the connection was closed; "
        "tell its administrator."),
        stream->domain, stream->jid);
}

static void bind_refused(struct stream *stream, xmpp_stanza_t *stanza)
{
    xmpp_stanza_t *error = element_child(stanza, "error", XMPP_NS_CLIENT);
    xmpp_stanza_t *condition =
        error ? element_condition(error, XMPP_NS_STANZAS_IETF) : NULL;
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
    stream_break(stream, STREAM_ERROR_SERVER, false, NULL,
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
    if (!bound || !stream_bind_is_ours(stream, bound) || !jid_resource(bound)) {
        stream_bind_refuse(stream);
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
xmpp_stanza_t *stream_bind_resumption(struct stream *stream)
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
    xmpp_stanza_t *resume = stream_bind_resumption(stream);
    if (!resume)
        return false;
    stream_expect(stream, STEP_RESUME);
    stream_tell(stream, STATE_BINDING, NULL, -1);
    if (!stream->ending)
        relay_send(stream->relay, resume);
    xmpp_stanza_release(resume);
    return true;
}

static void on_resumed(struct stream *stream, xmpp_stanza_t *stanza)
{
    const char *id = xmpp_stanza_get_attribute(stanza, "previd");
    if (!stream->resume_id || g_strcmp0(id, stream->resume_id) != 0) {
        stream_break(stream, STREAM_ERROR_PROTOCOL, false, "undefined-condition",
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
        stream_tell(stream, STATE_ONLINE, NULL, -1);
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

/* ---- inside SASL2 (XEP-0386) ---- */

void stream_bind_begun(struct stream *stream)
{
    g_clear_handle_id(&stream->patience, g_source_remove);
    go_online(stream);
}

static gboolean on_no_features(gpointer data)
{
    struct stream *stream = data;
    stream->patience = 0;
    stream_bind_begun(stream);
    return G_SOURCE_REMOVE;
}

static void on_features_of_bound(struct stream *stream, xmpp_stanza_t *features)
{
    stream_read_limits(stream, features);
    g_clear_pointer(&stream->features, xmpp_stanza_release);
    stream->features = xmpp_stanza_clone(features);
    stream_bind_begun(stream);
}

/* Stanzas may follow from here on, though features are due first. */
static void take_bound(
    struct stream *stream, xmpp_stanza_t *bound, const char *address)
{
    if (!address || !jid_resource(address)) {
        stream_bind_refuse(stream);
        return;
    }
    g_free(stream->full_jid);
    stream->full_jid = g_strdup(address);
    stream->bound = xmpp_stanza_copy(bound);
    stream_expect(stream, STEP_BOUND);
    relay_set_state(stream->relay, GUARD_ONLINE);
    stream->patience = g_timeout_add(FEATURES_MS, on_no_features, stream);
}

/* XEP-0386 s. 3.2: resumption comes first; only when it failed, or none was
 * asked for, there is a new binding. */
void stream_bind_session(
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
        stream_expect(stream, STEP_FEATURES); /* without a new stream */
}

/* ---- what comes in ---- */

void stream_bind_offered(
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

static bool is_answer(const struct stream *stream, xmpp_stanza_t *stanza)
{
    const char *type = xmpp_stanza_get_type(stanza);
    return element_is(stanza, "iq", XMPP_NS_CLIENT) &&
           g_strcmp0(xmpp_stanza_get_id(stanza), stream->request_id) == 0 &&
           (g_strcmp0(type, "result") == 0 || g_strcmp0(type, "error") == 0);
}

bool stream_bind_take(struct stream *stream, xmpp_stanza_t *stanza)
{
    static const struct {
        enum step step;
        const char *name, *ns;
        void (*fn)(struct stream *stream, xmpp_stanza_t *stanza);
    } due[] = {
        { STEP_BOUND, "features", XMPP_NS_STREAMS, on_features_of_bound },
        { STEP_RESUME, "resumed", NS_SM, on_resumed },
        { STEP_RESUME, "failed", NS_SM, on_resume_failed },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(due); i++)
        if (due[i].step == stream->step &&
            element_is(stanza, due[i].name, due[i].ns)) {
            due[i].fn(stream, stanza);
            return true;
        }
    if (stream->step == STEP_BIND && is_answer(stream, stanza))
        on_bind_answer(stream, stanza);
    else if (stream->step == STEP_SESSION && is_answer(stream, stanza))
        on_session_answer(stream);
    else
        return false;
    return true;
}
