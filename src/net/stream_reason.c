/* Tables of conditions and what they mean for a person. */
#include "net/stream_reason.h"

#include <string.h>

#include "base/intl.h"
#include "net/dial.h"
#include "net/guard.h"
#include "net/relay.h"
#include "net/tls.h"

#define BACKOFF_MS 1000
#define BACKOFF_MAX_MS (5 * 60 * 1000)
#define SHOWN_TEXT_CHARS 300

struct condition {
    const char *name;
    const char *sentence; /* what happened */
    const char *advice;   /* what to do next */
    bool final;
};

/* RFC 6120 s. 4.9.3 */
static const struct condition stream_conditions[] = {
    { "bad-format", N_("it could not read what was sent"),
        N_("Please report this with a debug log (--debug)."), false },
    { "bad-namespace-prefix", N_("it does not know a namespace prefix"),
        N_("Please report this with a debug log (--debug)."), false },
    { "conflict", N_("another client has taken this resource"),
        N_("Use another resource (--resource), then connect again."), true },
    { "connection-timeout", N_("it heard nothing for too long"),
        N_("Check the network."), false },
    { "host-gone", N_("it does not serve this domain any more"),
        N_("Check the address, and which server was named."), true },
    { "host-unknown", N_("it does not serve this domain"),
        N_("Check the address, and which server was named."), true },
    { "improper-addressing", N_("an address was missing or malformed"),
        N_("Please report this with a debug log (--debug)."), false },
    { "internal-server-error", N_("it has a problem of its own"),
        N_("Try again later."), false },
    { "invalid-from", N_("the sender's address is not ours"),
        N_("Please report this with a debug log (--debug)."), false },
    { "invalid-namespace", N_("it expected another namespace"),
        N_("Please report this with a debug log (--debug)."), false },
    { "invalid-xml", N_("it was sent XML that it does not accept"),
        N_("Please report this with a debug log (--debug)."), false },
    { "not-authorized", N_("this account may not use it now"),
        N_("Ask its administrator, or sign in again."), true },
    { "not-well-formed", N_("it was sent broken XML"),
        N_("Please report this with a debug log (--debug)."), false },
    { "policy-violation", N_("one of its rules was broken"),
        N_("Ask its administrator about its limits."), false },
    { "remote-connection-failed", N_("it cannot reach a service that it needs"),
        N_("Try again later."), false },
    { "reset", N_("it wants us to sign in anew"), N_("Connect again."), false },
    { "resource-constraint", N_("it is too busy"), N_("Try again later."), false },
    { "restricted-xml", N_("it was sent XML that is forbidden in XMPP"),
        N_("Please report this with a debug log (--debug)."), false },
    { "see-other-host", N_("it sends us to another host"),
        N_("Name that host with --server."), false },
    { "system-shutdown", N_("it is being shut down"), N_("Try again later."), false },
    { "undefined-condition", N_("it gave no reason"), N_("Try again later."), false },
    { "unsupported-encoding", N_("it does not know the encoding"),
        N_("Please report this with a debug log (--debug)."), false },
    { "unsupported-feature", N_("it asks for something that txmpp lacks"),
        N_("Ask its administrator."), true },
    { "unsupported-stanza-type", N_("it does not know a kind of stanza"),
        N_("Please report this with a debug log (--debug)."), false },
    { "unsupported-version", N_("it does not speak XMPP 1.0"),
        N_("Ask its administrator to update it."), true },
};

/* RFC 6120 s. 6.5 */
static const struct condition sasl_conditions[] = {
    { "aborted", N_("the login was aborted"), N_("Try again."), true },
    { "account-disabled", N_("the account is disabled"),
        N_("Ask the server's administrator."), true },
    { "credentials-expired", N_("the password has expired"),
        N_("Set a new one at the server's web page, or ask its administrator."),
        true },
    { "encryption-required", N_("the server wants encryption for this"),
        N_("Use --tls required."), true },
    { "incorrect-encoding", N_("the server could not read the login"),
        N_("Please report this with a debug log (--debug)."), true },
    { "invalid-authzid", N_("the server does not know this address"),
        N_("Check the address."), true },
    { "invalid-mechanism", N_("the server refuses the way of logging in"),
        N_("Ask the server's administrator."), true },
    { "malformed-request", N_("the server could not read the login"),
        N_("Please report this with a debug log (--debug)."), true },
    { "mechanism-too-weak", N_("the server wants a stronger way of logging in"),
        N_("Ask the server's administrator."), true },
    { "not-authorized", N_("the address or the password is wrong"),
        N_("Check both, then connect again."), true },
    { "temporary-auth-failure", N_("the server cannot check passwords just now"),
        N_("Try again later."), false },
};

GQuark stream_error_quark(void)
{
    return g_quark_from_static_string("txmpp-stream-error");
}

static const struct condition *find(
    const struct condition *table, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static const struct condition *stream_condition(const char *name)
{
    static const struct condition unknown = { "undefined-condition",
        N_("it gave a reason that is not known here"), N_("Try again later."), false };
    const struct condition *found =
        find(stream_conditions, G_N_ELEMENTS(stream_conditions), name);
    return found ? found : &unknown;
}

static const struct condition *sasl_condition(const char *name)
{
    static const struct condition unknown = { "not-authorized",
        N_("the server refused the login without a known reason"),
        N_("Check address and password, then connect again."), true };
    const struct condition *found =
        find(sasl_conditions, G_N_ELEMENTS(sasl_conditions), name);
    return found ? found : &unknown;
}

const char *stream_error_sentence(const char *condition)
{
    return _(stream_condition(condition)->sentence);
}

bool stream_condition_is_final(const char *condition)
{
    return stream_condition(condition)->final;
}

bool stream_failure_is_final(const char *condition)
{
    return sasl_condition(condition)->final;
}

/* The server's own words, kept short. */
static char *quoted(const char *text)
{
    if (!text || !*text)
        return g_strdup("");
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    if (g_utf8_strlen(valid, -1) > SHOWN_TEXT_CHARS)
        *g_utf8_offset_to_pointer(valid, SHOWN_TEXT_CHARS) = 0;
    return g_strdup_printf(_(" It said: “%s”."), valid);
}

GError *stream_reason_of_condition(
    const char *domain, const char *condition, const char *text)
{
    const struct condition *known = stream_condition(condition);
    g_autofree char *said = quoted(text);
    bool conflict = strcmp(known->name, "conflict") == 0;
    bool auth = strcmp(known->name, "not-authorized") == 0;
    return g_error_new(STREAM_ERROR,
        conflict ? STREAM_ERROR_CONFLICT
        : auth   ? STREAM_ERROR_AUTH
                 : STREAM_ERROR_SERVER,
        _("%s ended the connection: %s.%s %s"), domain, _(known->sentence), said,
        _(known->advice));
}

GError *stream_reason_of_failure(
    const char *jid, const char *condition, const char *text)
{
    const struct condition *known = sasl_condition(condition);
    g_autofree char *said = quoted(text);
    return g_error_new(STREAM_ERROR, STREAM_ERROR_AUTH,
        _("%s cannot sign in: %s.%s %s"), jid, _(known->sentence), said,
        _(known->advice));
}

static GError *orderly_end(const char *domain, bool was_online)
{
    if (was_online)
        return g_error_new(STREAM_ERROR, STREAM_ERROR_LOST,
            _("%s closed the connection; connect again."), domain);
    return g_error_new(STREAM_ERROR, STREAM_ERROR_CONNECT,
        _("%s closed the connection before the login was complete; try again "
        "later, or ask its administrator."),
        domain);
}

static enum stream_error code_of_dial(const GError *cause)
{
    return cause->code == DIAL_ERROR_TIMEOUT ? STREAM_ERROR_TIMEOUT
                                             : STREAM_ERROR_CONNECT;
}

static enum stream_error code_of_relay(const GError *cause, bool was_online)
{
    if (was_online && cause->code != RELAY_ERROR_INTERNAL)
        return STREAM_ERROR_LOST;
    switch ((enum relay_error)cause->code) {
    case RELAY_ERROR_TIMEOUT:
        return STREAM_ERROR_TIMEOUT;
    case RELAY_ERROR_TLS:
        return STREAM_ERROR_TLS;
    case RELAY_ERROR_INTERNAL:
        return STREAM_ERROR_PROTOCOL;
    case RELAY_ERROR_RESET:
    case RELAY_ERROR_EOF:
        break;
    }
    return STREAM_ERROR_CONNECT;
}

GError *stream_reason_of_relay(
    const char *domain, const GError *cause, bool was_online)
{
    enum stream_error code = STREAM_ERROR_CONNECT;

    if (!cause)
        return orderly_end(domain, was_online);
    if (cause->domain == STREAM_ERROR)
        return g_error_copy(cause);
    if (cause->domain == DIAL_ERROR)
        code = code_of_dial(cause);
    else if (cause->domain == TLS_ERROR)
        code = was_online ? STREAM_ERROR_LOST : STREAM_ERROR_TLS;
    else if (cause->domain == GUARD_ERROR)
        code = STREAM_ERROR_PROTOCOL;
    else if (cause->domain == RELAY_ERROR)
        code = code_of_relay(cause, was_online);
    else if (was_online)
        code = STREAM_ERROR_LOST;
    return g_error_new_literal(STREAM_ERROR, code, cause->message);
}

bool stream_parse_other_host(const char *text, char **host, guint16 *port)
{
    g_autofree char *own = g_strstrip(g_strndup(text, 300));
    char *end = own;
    guint64 number = 0;

    if (own[0] == '[') {
        end = strchr(own, ']');
        if (!end)
            return false;
        end++;
    } else {
        /* A bare IPv6 address has no port. */
        char *colon = strchr(own, ':');
        end = colon && !strchr(colon + 1, ':') ? colon : own + strlen(own);
    }
    if (*end == ':') {
        if (!g_ascii_string_to_unsigned(end + 1, 10, 1, 65535, &number, NULL))
            return false;
        *end = 0;
    } else if (*end) {
        return false;
    }
    if (!*own || strlen(own) > 255 || strpbrk(own, " \t\r\n/@"))
        return false;
    *host = g_steal_pointer(&own);
    *port = (guint16)number;
    return true;
}

/* RFC 6120 s. 3.3: twice as long each time, and never foretold. */
gint64 stream_backoff(unsigned base_ms, unsigned n, double random)
{
    gint64 base = base_ms ? base_ms : BACKOFF_MS;
    gint64 delay = MIN(base << MIN(n, 20), BACKOFF_MAX_MS * 3 / 4);
    gint64 spread = (gint64)((double)delay * (1 + random / 3));
    return MIN(spread, BACKOFF_MAX_MS);
}
