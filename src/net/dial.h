/*
 * Finding and reaching the server: SRV of both kinds merged by priority and
 * weight (RFC 6120 s. 3.2, XEP-0368), A and AAAA, Happy Eyeballs with 250 ms
 * (RFC 8305, XEP-0495), SOCKS5 with remote names. Everything asynchronous on
 * GLib's loop; the result is a non-blocking, CLOEXEC, NODELAY socket.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <gio/gio.h>

enum dial_tls { DIAL_STARTTLS, DIAL_DIRECT };

struct dial_target {
    char *host;
    guint16 port;
    enum dial_tls tls;
    guint16 priority, weight;
};

struct dial_config {
    const char *domain;       /* A-label form of the JID's domain */
    const char *server;       /* --server HOST, or NULL: ask DNS */
    guint16 port;             /* 0: by the rules of contract.md s. 1 */
    bool allow_starttls, allow_direct;
    const char *proxy;        /* socks5://[user:pass@]host:port, or NULL */
    unsigned timeout_ms;      /* for the whole dial; 0: 10,000 per phase */
};

#define DIAL_ERROR dial_error_quark()
GQuark dial_error_quark(void);
enum dial_error {
    DIAL_ERROR_DNS,        /* no such name, or the resolver failed */
    DIAL_ERROR_NO_SERVICE, /* SRV target "." */
    DIAL_ERROR_REFUSED,    /* no address could be reached */
    DIAL_ERROR_TIMEOUT,
    DIAL_ERROR_PROXY,
};

/* fd is owned by the receiver; -1 with error set. target is borrowed. Called
 * at most once per dial_start or dial_next, never from inside either. */
typedef void (*dial_done_fn)(int fd, const struct dial_target *target,
    const GError *error, gpointer data);

/* "host", "host:port", "[::1]:port", "::1": false for anything else. *port is 0
 * when none was named; *host is new. */
bool dial_parse_server(const char *text, char **host, guint16 *port);

struct dial;
struct dial *dial_start(const struct dial_config *config, dial_done_fn fn, gpointer data);
/* The connection failed later (TLS, stream): try what is left of the list.
 * The callback gets the next socket or the first error. */
void dial_next(struct dial *dial);
void dial_free(struct dial *dial); /* cancels; the callback is not called */

/* Pure, for tests: RFC 2782 order of targets, weights drawn with rand. */
void dial_sort_targets(GPtrArray *targets, GRand *rand);
