/*
 * Why a stream ended, in words: what the server, the network and our own
 * guard report becomes a sentence that says what to do next, and a verdict
 * whether trying again makes sense. Pure.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

#define STREAM_ERROR stream_error_quark()
GQuark stream_error_quark(void);
enum stream_error { /* contract.md s. 1 exit codes hang on these */
    STREAM_ERROR_CONNECT,     /* DNS, TCP, proxy                     exit 3 */
    STREAM_ERROR_TLS,         /* handshake, no TLS offered           exit 3 */
    STREAM_ERROR_CERTIFICATE, /*                                     exit 3 */
    STREAM_ERROR_AUTH,        /* the server refused, or failed proof exit 4 */
    STREAM_ERROR_NO_PASSWORD, /*                                     exit 4 */
    STREAM_ERROR_LOST,        /* was online                          exit 5 */
    STREAM_ERROR_TIMEOUT,     /*                                     exit 6 */
    STREAM_ERROR_CONFLICT,    /* another client took our resource */
    STREAM_ERROR_PROTOCOL,    /* the server broke a rule */
    STREAM_ERROR_SERVER,      /* a stream error of the server's */
};

/* The meaning of a stream error condition (RFC 6120 s. 4.9.3), without a full
 * stop; never NULL. */
const char *stream_error_sentence(const char *condition);

/* What the server's stream error means; text (may be NULL) is its own. */
GError *stream_reason_of_condition(
    const char *domain, const char *condition, const char *text);
/* What the server's refusal to log us in means (RFC 6120 s. 6.5). */
GError *stream_reason_of_failure(
    const char *jid, const char *condition, const char *text);
/* What ended the transport; cause is NULL when the peer closed in order. */
GError *stream_reason_of_relay(
    const char *domain, const GError *cause, bool was_online);

/* Would another attempt be refused all the same? */
bool stream_condition_is_final(const char *condition);
bool stream_failure_is_final(const char *condition);

/* "host", "host:port", "[address]:port" of <see-other-host/>; hostile. */
bool stream_parse_other_host(const char *text, char **host, guint16 *port);

/* Delay before attempt n (0 is the first after a loss): doubles from base_ms
 * up to 5 minutes, give or take a quarter; random is in [0, 1). */
gint64 stream_backoff(unsigned base_ms, unsigned n, double random);
