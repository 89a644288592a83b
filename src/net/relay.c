/*
 * One socket, four machines in a row, and a phase that says which of them the
 * bytes go through:
 *
 *     DIALING -> [SECURING -> TRUSTING ->] STREAMING -> LINGERING -> CLOSED
 *
 * STARTTLS goes from STREAMING back to SECURING. Input is worked off where it
 * is read, output collects in one buffer that is written once a turn. Nothing
 * is freed, fed or failed from inside a callback of guard or link: they leave a
 * note in the relay, and after_input() acts on it.
 */
#define _GNU_SOURCE
#include "config.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <glib-unix.h>
#include "base/intl.h"
#include "net/link.h"
#include "net/relay.h"
#include "net/seam.h"

#define READ_BYTES (32 * 1024)
#define BATCH_BYTES (16 * 1024)    /* stanzas given to libstrophe together */
#define HOLD_BYTES (256 * 1024)    /* output waits in libstrophe from here on */
#define RELEASE_BYTES (128 * 1024) /* ... to here */
#define DEAF_BYTES (1024 * 1024)   /* who does not read is not listened to */
#define TRUSTING_BYTES                                                         \
    (64 * 1024) /* a server may say while we ask the user                      \
                 */
#define RECORD_BYTES (16 * 1024) /* of TLS, at most */
#define TLS_MS 10000
#define STEP_MS 30000
#define CLOSE_MS 3000
#define CLOSE_EARLY_MS 300 /* nothing but a login is left unfinished (H05) */
#define LINGER_MS 1000
#define TRIES_MAX 20 /* H14 */

enum phase { DIALING, SECURING, TRUSTING, STREAMING, LINGERING, CLOSED };

struct relay {
    struct relay_callbacks callbacks;
    gpointer data;
    char *domain;
    struct tls_config tls_config; /* all strings are ours */
    char **pins;
    unsigned phase_timeout_ms;

    enum phase phase;
    struct dial *dial;
    unsigned tries;
    bool direct;
    int fd;
    struct tls *tls;
    struct guard *guard;
    struct link *link;

    GByteArray *half; /* of a stanza, for the next record of TLS */
    struct seam seam;
    gsize seen; /* of half, by the seam */
    GByteArray *out;
    gsize out_sent;
    GString *batch;
    gsize heard_early; /* bytes that came while TRUSTING */
    gint64 last_input;

    guint in_source, out_source, deadline, pump, end;
    bool working; /* inside guard or link */
    bool online;
    bool header_asked, header_seen;
    bool start_tls, trusted, try_next; /* to be done when the work is over */
    const char *fault;
    bool unread;
    bool closing, sent_close, peer_closed;
    bool held, write_broken, fin_sent, wait_for_eof;
    bool waits; /* held by relay_hold() */
    GError *first_failure, *reason;

    char raw[READ_BYTES], plain[READ_BYTES];
};

G_DEFINE_QUARK(txmpp - relay - error - quark, relay_error)

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data);
static gboolean on_writable(gint fd, GIOCondition condition, gpointer data);
static gboolean on_pump(gpointer data);
static void fail(struct relay *r, GError *error, const char *condition);
static void after_work(struct relay *r);

static void clear_source(guint *id)
{
    if (*id)
        g_source_remove(*id);
    *id = 0;
}

static void schedule_pump(struct relay *r)
{
    if (!r->pump && !r->working && r->phase != CLOSED)
        r->pump = g_idle_add_full(G_PRIORITY_DEFAULT, on_pump, r, NULL);
}

static void tell_xml(struct relay *r, bool outgoing, const char *xml, gsize len)
{
    if (r->callbacks.xml)
        r->callbacks.xml(outgoing, xml, len, r->data);
}

/* --- the end --- */

static void drop_connection(struct relay *r)
{
    clear_source(&r->in_source);
    clear_source(&r->out_source);
    clear_source(&r->deadline);
    clear_source(&r->pump);
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

static gboolean on_end(gpointer data)
{
    struct relay *r = data;
    r->end = 0;
    if (r->callbacks.closed)
        r->callbacks.closed(r->reason, r->data);
    return G_SOURCE_REMOVE;
}

/* Takes the error; the first one stays. closed() comes from the main loop. */
static void finish(struct relay *r, GError *error)
{
    if (r->phase == CLOSED) {
        g_clear_error(&error);
        return;
    }
    if (r->reason)
        g_clear_error(&error);
    else
        r->reason = error;
    r->phase = CLOSED;
    drop_connection(r);
    r->end = g_idle_add_full(G_PRIORITY_DEFAULT, on_end, r, NULL);
}

/* --- deadlines --- */

static GError *timeout_error(const struct relay *r)
{
    const char *what =
        r->phase == SECURING ? _("does not finish the TLS handshake")
        : !r->header_seen    ? _("accepts the connection but says nothing")
                             : _("stopped answering");
    return g_error_new(RELAY_ERROR, RELAY_ERROR_TIMEOUT,
        _("%s %s; check the network, or try again later."), r->domain, what);
}

static gboolean on_deadline(gpointer data)
{
    struct relay *r = data;
    r->deadline = 0;
    if (r->closing || r->phase == LINGERING)
        finish(r, NULL);
    else
        fail(r, timeout_error(r), "connection-timeout");
    return G_SOURCE_REMOVE;
}

static void set_deadline(struct relay *r, unsigned ms)
{
    clear_source(&r->deadline);
    if (ms && r->phase != CLOSED)
        r->deadline = g_timeout_add(ms, on_deadline, r);
}

static unsigned phase_ms(const struct relay *r, unsigned usual)
{
    return r->phase_timeout_ms ? r->phase_timeout_ms : usual;
}

/* --- output --- */

static gsize out_waiting(const struct relay *r)
{
    return r->out->len - r->out_sent;
}

static void update_reading(struct relay *r)
{
    bool wanted = r->fd >= 0 && r->phase != CLOSED &&
                  r->heard_early < TRUSTING_BYTES &&
                  (r->phase != STREAMING || relay_unsent_bytes(r) < DEAF_BYTES);
    if (!wanted)
        clear_source(&r->in_source);
    else if (!r->in_source)
        r->in_source =
            g_unix_fd_add(r->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, r);
}

static void hold_link(struct relay *r)
{
    if (r->link)
        link_hold(r->link, r->held || r->waits);
}

static void drop_output(struct relay *r)
{
    g_byte_array_set_size(r->out, 0);
    r->out_sent = 0;
}

static void write_socket(struct relay *r)
{
    while (out_waiting(r) > 0) {
        ssize_t n = send(r->fd, r->out->data + r->out_sent, out_waiting(r),
            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) { /* the reason may still be waiting to be read */
            r->write_broken = true;
            break;
        }
        r->out_sent += n;
    }
    drop_output(r);
}

static void flush(struct relay *r)
{
    if (r->fd < 0)
        return;
    if (r->write_broken)
        drop_output(r);
    write_socket(r);
    if (out_waiting(r) == 0) {
        clear_source(&r->out_source);
    } else if (!r->out_source) {
        r->out_source = g_unix_fd_add(r->fd, G_IO_OUT, on_writable, r);
    }
    if (r->held && out_waiting(r) < RELEASE_BYTES) {
        r->held = false;
        hold_link(r);
        schedule_pump(r);
    }
    if (r->phase != LINGERING || out_waiting(r) > 0 || r->fin_sent)
        return;
    r->fin_sent = true;
    shutdown(r->fd, SHUT_WR);
    if (!r->wait_for_eof)
        finish(r, NULL);
}

static void take_from_tls(struct relay *r)
{
    gsize pending;
    while ((pending = tls_pending_output(r->tls)) > 0) {
        guint at = r->out->len;
        g_byte_array_set_size(r->out, at + pending);
        gsize n = tls_take(r->tls, (char *)r->out->data + at, pending);
        g_byte_array_set_size(r->out, at + n);
        if (n == 0)
            break;
    }
}

static void write_record(struct relay *r, gsize len)
{
    if (len == 0)
        return;
    if (!tls_write(r->tls, (const char *)r->half->data, len, NULL))
        r->write_broken = true; /* reading tells why */
    g_byte_array_remove_range(r->half, 0, (guint)len);
    r->seen -= len;
}

/* A record of TLS arrives whole or not at all. Those that end with a stanza
 * leave no half of one in a server when the connection breaks: one that takes
 * the session up with its old parser would choke on the other half. */
static void write_records(struct relay *r, const char *bytes, gsize len)
{
    gsize whole = 0, n;
    g_byte_array_append(r->half, (const guint8 *)bytes, (guint)len);
    while ((n = seam_next(&r->seam, (const char *)r->half->data + r->seen,
                r->half->len - r->seen)) > 0) {
        r->seen += n;
        if (r->seen > RECORD_BYTES && whole > 0) {
            write_record(r, whole);
            whole = 0;
        }
        if (r->seen >= RECORD_BYTES)
            write_record(r, r->seen);
        else
            whole = r->seen;
    }
    r->seen = r->half->len;
    write_record(r, whole);
    if (r->half->len >= RECORD_BYTES)
        write_record(r, r->half->len);
}

static void write_plain(struct relay *r, const char *bytes, gsize len)
{
    if (r->write_broken || r->phase == CLOSED)
        return;
    if (!r->tls) {
        g_byte_array_append(r->out, (const guint8 *)bytes, len);
    } else if (r->phase == STREAMING || r->phase == LINGERING) {
        write_records(r, bytes, len);
        take_from_tls(r);
    }
    if (out_waiting(r) > HOLD_BYTES && !r->held && !r->closing) {
        r->held = true;
        hold_link(r);
    }
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd, (void)condition;
    struct relay *r = data;
    flush(r);
    update_reading(r);
    return r->out_source ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* --- closing --- */

static void start_lingering(struct relay *r, GError *reason, bool wait_for_eof)
{
    r->reason = reason;
    if (r->tls) {
        tls_shutdown(r->tls);
        take_from_tls(r);
    }
    r->phase = LINGERING;
    r->wait_for_eof = wait_for_eof;
    r->heard_early = 0;
    set_deadline(r, LINGER_MS);
    flush(r);
    update_reading(r);
}

static char *stream_error_xml(const char *condition, const char *text)
{
    g_autofree char *escaped =
        text
            ? g_markup_printf_escaped(
                  "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s</text>",
                  text)
            : g_strdup("");
    if (*condition == '<')
        return g_strconcat("<stream:error>", condition,
            "</stream:error></stream:stream>", NULL);
    return g_strdup_printf(
        "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>%s"
        "</stream:error></stream:stream>",
        condition, escaped);
}

static bool may_try_next(const struct relay *r)
{
    return !r->header_seen && r->phase != TRUSTING && r->tries < TRIES_MAX;
}

static void try_next(struct relay *r)
{
    drop_connection(r);
    drop_output(r);
    g_clear_pointer(&r->link, link_free);
    g_clear_pointer(&r->guard, guard_free);
    g_clear_pointer(&r->tls, tls_free);
    g_string_truncate(r->batch, 0);
    r->heard_early = 0;
    r->online = r->header_asked = r->header_seen = false;
    r->start_tls = r->trusted = r->try_next = r->unread = false;
    r->sent_close = r->peer_closed = false;
    r->held = r->waits = r->write_broken = r->fin_sent = false;
    r->fault = NULL;
    r->phase = DIALING;
    dial_next(r->dial);
}

/* To the server, if it has a stream of ours to hear it on (C15). */
static bool tell_error(struct relay *r, const char *condition)
{
    if (!condition || !r->header_asked || r->phase != STREAMING)
        return false;
    if (!r->fault) { /* what was sent before goes first */
        r->working = true;
        link_pump(r->link);
        r->working = false;
    }
    g_autofree char *xml = stream_error_xml(condition, NULL);
    tell_xml(r, true, xml, strlen(xml));
    write_plain(r, xml, strlen(xml));
    return true;
}

/* Takes the error. condition: the stream error to be told, NULL: none. */
static void fail(struct relay *r, GError *error, const char *condition)
{
    if (r->phase == CLOSED || r->phase == LINGERING || r->closing) {
        g_error_free(error);
        finish(r, NULL);
        return;
    }
    if (may_try_next(r)) {
        /* Who was silent is not spoken to either. */
        if (error->domain == GUARD_ERROR && tell_error(r, condition))
            flush(r);
        if (r->first_failure)
            g_error_free(error);
        else
            r->first_failure = error;
        try_next(r);
        return;
    }
    if (r->first_failure) {
        g_error_free(error);
        error = g_steal_pointer(&r->first_failure);
    }
    if (tell_error(r, condition))
        start_lingering(r, error, true);
    else
        finish(r, error);
}

/* The server has closed its stream, libstrophe has let go: C11, P11. */
static void say_goodbye(struct relay *r)
{
    static const char end[] = "</stream:stream>";
    bool ours = r->sent_close;
    if (!r->sent_close) {
        r->sent_close = true;
        tell_xml(r, true, end, sizeof(end) - 1);
        write_plain(r, end, sizeof(end) - 1);
    }
    /* Who has heard our end has nothing to lose when the socket goes. */
    start_lingering(r, NULL, !ours);
}

void relay_close(struct relay *r, const char *condition, const char *text)
{
    if (r->closing || r->phase == CLOSED || r->phase == LINGERING)
        return;
    r->closing = true;
    if (r->phase != STREAMING || !r->header_asked || r->start_tls) {
        finish(r, NULL);
        return;
    }
    set_deadline(r, r->online || condition ? CLOSE_MS : CLOSE_EARLY_MS);
    if (r->peer_closed && !condition) /* answered when libstrophe is done */
        return;
    g_autofree char *xml = condition ? stream_error_xml(condition, text)
                                     : g_strdup("</stream:stream>");
    r->held = false;
    hold_link(r);
    relay_send_raw(r, xml, -1);
    r->sent_close = true;
}

/* --- what guard and link say --- */

static void flush_batch(struct relay *r)
{
    if (r->batch->len == 0)
        return;
    if (r->phase == STREAMING && !r->fault)
        link_feed(r->link, r->batch->str, r->batch->len);
    g_string_truncate(r->batch, 0);
}

static void on_item(enum guard_item item, const char *ns, const char *name,
    const char *xml, size_t len, gpointer data)
{
    (void)ns, (void)name;
    struct relay *r = data;
    if (r->phase != STREAMING || r->fault)
        return;
    tell_xml(r, false, xml, len);
    if (item == GUARD_STREAM_CLOSE) {
        flush_batch(r);
        r->peer_closed = true;
        if (r->callbacks.stream_closed)
            r->callbacks.stream_closed(r->data);
    }
    g_string_append_len(r->batch, xml, len);
    /* During a login what a stanza changes matters to the next. */
    if (!r->online || r->batch->len > BATCH_BYTES || item != GUARD_STANZA)
        flush_batch(r);
}

static void on_opened(gpointer data)
{
    struct relay *r = data;
    if (r->callbacks.opened)
        r->callbacks.opened(r->data);
}

static void on_header(gpointer data)
{
    struct relay *r = data;
    const struct guard_header *h = guard_header(r->guard);
    r->header_seen = true;
    g_clear_error(&r->first_failure);
    if (r->callbacks.header && r->phase == STREAMING)
        r->callbacks.header(h->from, h->id, h->version, h->lang, r->data);
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct relay *r = data;
    if (r->callbacks.stanza && r->phase == STREAMING)
        r->callbacks.stanza(stanza, r->data);
}

static void on_output(const char *bytes, size_t len, gpointer data)
{
    write_plain(data, bytes, len);
}

static void on_link_closed(gpointer data)
{
    struct relay *r = data;
    if (!r->peer_closed)
        r->fault = _("libstrophe let go of the connection.");
}

static void on_fault(const char *sentence, gpointer data)
{
    ((struct relay *)data)->fault = sentence;
}

/* --- the phases --- */

static void start_stream(struct relay *r)
{
    static const struct link_callbacks callbacks = {
        .opened = on_opened,
        .header = on_header,
        .stanza = on_stanza,
        .output = on_output,
        .closed = on_link_closed,
        .fault = on_fault,
    };
    GError *error = NULL;
    r->phase = STREAMING;
    r->guard = guard_new(on_item, r);
    r->link = link_new(&callbacks, r, &error);
    if (!r->link) {
        finish(r, error);
        return;
    }
    set_deadline(r, phase_ms(r, STEP_MS));
    r->working = true;
    link_pump(r->link);
    r->working = false;
    after_work(r);
}

static void continue_handshake(struct relay *r)
{
    GError *error = NULL;
    enum tls_progress progress = tls_handshake(r->tls, &error);
    take_from_tls(r);
    flush(r);
    if (progress == TLS_FAILED) {
        fail(r, error, NULL);
        return;
    }
    if (progress != TLS_DONE || r->phase != SECURING)
        return;
    r->phase = TRUSTING;
    r->heard_early = 0;
    set_deadline(r, phase_ms(r, STEP_MS));
    if (r->callbacks.secured)
        r->callbacks.secured(tls_peer(r->tls), r->data);
}

static void start_handshake(struct relay *r)
{
    GError *error = NULL;
    r->phase = SECURING;
    r->start_tls = r->header_asked = false;
    r->tls_config.direct = r->direct;
    g_byte_array_set_size(r->half, 0);
    r->seam = (struct seam){ 0 };
    r->seen = 0;
    r->tls = tls_new(&r->tls_config, &error);
    if (!r->tls) {
        finish(r, error);
        return;
    }
    set_deadline(r, phase_ms(r, TLS_MS));
    continue_handshake(r);
}

/* The certificate is accepted. With STARTTLS libstrophe is open already. */
static void go_on_trusted(struct relay *r)
{
    r->trusted = false;
    r->heard_early = 0;
    r->phase = STREAMING;
    r->unread = true; /* TLS may hold input already */
    if (r->link)
        on_opened(r);
    else
        start_stream(r);
    schedule_pump(r);
}

void relay_trust(struct relay *r)
{
    if (r->phase != TRUSTING)
        return;
    r->trusted = true;
    if (link_is_running())
        schedule_pump(r);
    else
        go_on_trusted(r);
}

static void on_dialed(int fd, const struct dial_target *target,
    const GError *error, gpointer data)
{
    struct relay *r = data;
    if (r->phase != DIALING) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (fd < 0) {
        GError *reason = g_steal_pointer(&r->first_failure);
        finish(r, reason ? reason : g_error_copy(error));
        return;
    }
    r->fd = fd;
    r->tries++;
    r->direct = target->tls == DIAL_DIRECT;
    r->last_input = g_get_monotonic_time();
    if (r->callbacks.connected)
        r->callbacks.connected(target, r->data);
    if (r->phase != DIALING)
        return;
    if (r->direct)
        start_handshake(r);
    else
        start_stream(r);
    update_reading(r);
}

/* --- input --- */

/* What the callbacks have left to be done. */
static void after_work(struct relay *r)
{
    if (r->phase == CLOSED || r->phase == LINGERING)
        return;
    if (r->fault) {
        fail(r,
            g_error_new_literal(RELAY_ERROR, RELAY_ERROR_INTERNAL, r->fault),
            "internal-server-error");
    } else if (r->try_next) {
        try_next(r);
    } else if (r->start_tls) {
        flush(r);
        start_handshake(r);
    } else if (r->peer_closed) {
        say_goodbye(r);
    }
    flush(r);
    update_reading(r);
}

static void give_guard(struct relay *r, const char *bytes, gsize len)
{
    GError *error = NULL;
    if (!r->header_asked) {
        fail(r,
            g_error_new(GUARD_ERROR, GUARD_ERROR_SMUGGLED,
                _("%s speaks before it was spoken to; this is no XMPP server, or "
                "somebody interferes."),
                r->domain),
            NULL);
        return;
    }
    r->working = true;
    bool good = guard_feed(r->guard, bytes, len, &error);
    flush_batch(r);
    r->working = false;
    if (!good && !r->fault) {
        bool smuggled = error->code == GUARD_ERROR_SMUGGLED;
        fail(r, error, smuggled ? NULL : guard_error_condition(error));
        return;
    }
    g_clear_error(&error);
    after_work(r);
}

static void end_of_input(struct relay *r, int number)
{
    if (r->phase == LINGERING || r->closing) {
        finish(r, NULL);
    } else if (number) {
        fail(r,
            g_error_new(RELAY_ERROR, RELAY_ERROR_RESET,
                _("The connection to %s broke (%s); check the network."),
                r->domain, g_strerror(number)),
            NULL);
    } else {
        fail(r,
            g_error_new(RELAY_ERROR, RELAY_ERROR_EOF,
                _("%s hung up without a word; try again later."), r->domain),
            NULL);
    }
}

static void decrypt(struct relay *r)
{
    gssize n = 1;
    while (n > 0 && r->phase == STREAMING) {
        GError *error = NULL;
        gsize have = 0;
        while (have < sizeof(r->plain) &&
               (n = tls_read(r->tls, r->plain + have, sizeof(r->plain) - have,
                    &error)) > 0)
            have += n;
        if (have > 0)
            give_guard(r, r->plain, have);
        if (r->phase != STREAMING)
            g_clear_error(&error);
        else if (error)
            fail(r, error, NULL);
        else if (n == 0)
            end_of_input(r, 0);
    }
    if (r->tls && r->phase == STREAMING) { /* key updates */
        take_from_tls(r);
        flush(r);
    }
}

static void take_input(struct relay *r, gsize len)
{
    if (r->phase == LINGERING)
        return;
    if (!r->tls) {
        give_guard(r, r->raw, len);
        return;
    }
    tls_give(r->tls, r->raw, len);
    if (r->phase == SECURING)
        continue_handshake(r);
    if (r->phase == TRUSTING)
        r->heard_early += len;
    if (r->phase == STREAMING)
        decrypt(r);
}

static void quick_ack(struct relay *r)
{
    int on = 1;
    if (!r->online)
        setsockopt(r->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd, (void)condition;
    struct relay *r = data;
    gsize total = 0;
    bool more = true, had_input = false;
    while (more && total < RELAY_TURN && r->in_source) {
        quick_ack(r);
        ssize_t n = recv(r->fd, r->raw, sizeof(r->raw), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n <= 0) {
            end_of_input(r, n < 0 ? errno : 0);
            break;
        }
        more = (gsize)n == sizeof(r->raw);
        total += n;
        had_input = had_input || r->phase == STREAMING;
        r->last_input = g_get_monotonic_time();
        take_input(r, n);
        update_reading(r);
    }
    if (had_input && r->callbacks.turn && r->phase != CLOSED)
        r->callbacks.turn(r->data);
    return G_SOURCE_CONTINUE; /* or removed already, by clear_source */
}

static gboolean on_pump(gpointer data)
{
    struct relay *r = data;
    r->pump = 0;
    if (r->phase == TRUSTING && r->trusted)
        go_on_trusted(r);
    if (r->try_next)
        try_next(r);
    if (r->phase != STREAMING)
        return G_SOURCE_REMOVE;
    r->working = true;
    link_pump(r->link);
    r->working = false;
    after_work(r);
    if (r->phase == STREAMING && r->unread && r->header_asked) {
        r->unread = false;
        decrypt(r);
    }
    return G_SOURCE_REMOVE;
}

/* --- the public face --- */

struct relay *relay_new(const struct relay_config *config,
    const struct relay_callbacks *callbacks, gpointer data)
{
    struct relay *r = g_new0(struct relay, 1);
    r->callbacks = *callbacks;
    r->data = data;
    r->fd = -1;
    r->domain = g_strdup(config->domain);
    r->pins = g_strdupv((char **)config->tls.pins);
    r->tls_config = (struct tls_config){
        .domain = g_strdup(config->tls.domain),
        .ca_file = g_strdup(config->tls.ca_file),
        .pins = (const char *const *)r->pins,
        .client_cert = g_strdup(config->tls.client_cert),
        .client_key = g_strdup(config->tls.client_key),
    };
    r->phase_timeout_ms = config->phase_timeout_ms;
    r->half = g_byte_array_new();
    r->out = g_byte_array_new();
    r->batch = g_string_new(NULL);
    r->dial = dial_start(&config->dial, on_dialed, r);
    return r;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    r->phase = CLOSED;
    drop_connection(r);
    clear_source(&r->end);
    dial_free(r->dial);
    link_free(r->link);
    guard_free(r->guard);
    tls_free(r->tls);
    g_byte_array_unref(r->half);
    g_byte_array_unref(r->out);
    g_string_free(r->batch, TRUE);
    g_clear_error(&r->first_failure);
    g_clear_error(&r->reason);
    g_strfreev(r->pins);
    g_free((char *)r->tls_config.domain);
    g_free((char *)r->tls_config.ca_file);
    g_free((char *)r->tls_config.client_cert);
    g_free((char *)r->tls_config.client_key);
    g_free(r->domain);
    g_free(r);
}

void relay_start_tls(struct relay *r)
{
    if (r->phase != STREAMING || r->tls)
        return;
    r->start_tls = true;
    if (!r->working)
        schedule_pump(r);
}

void relay_expect_last(struct relay *r, const char *ns, const char *name)
{
    if (r->guard)
        guard_expect_last(r->guard, ns, name);
}

void relay_open_stream(
    struct relay *r, const char *to, const char *from, const char *lang)
{
    if (r->phase != STREAMING || r->closing)
        return;
    guard_restart(r->guard);
    relay_set_state(r, GUARD_HEADER);
    r->header_asked = true;
    link_open_stream(r->link, to, from, lang);
    g_autofree char *header = g_markup_printf_escaped(
        "<stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
        "to='%s'>",
        to);
    tell_xml(r, true, header, strlen(header));
    schedule_pump(r);
}

void relay_set_state(struct relay *r, enum guard_state state)
{
    if (!r->guard)
        return;
    r->online = state == GUARD_ONLINE;
    guard_set_state(r->guard, state,
        r->online ? &guard_limits_after_auth : &guard_limits_before_auth);
}

void relay_send_raw(struct relay *r, const char *xml, gssize len)
{
    gsize bytes = len < 0 ? strlen(xml) : (gsize)len;
    if (r->phase != STREAMING || !r->header_asked || r->start_tls ||
        r->sent_close)
        return;
    tell_xml(r, true, xml, bytes);
    link_send_raw(r->link, xml, bytes);
    schedule_pump(r);
}

void relay_send(struct relay *r, xmpp_stanza_t *stanza)
{
    char *text = NULL;
    size_t len = 0;
    if (xmpp_stanza_to_text(stanza, &text, &len) != XMPP_EOK)
        return;
    relay_send_raw(r, text, len);
    xmpp_free(link_context(), text);
}

void relay_hold(struct relay *r, bool hold)
{
    r->waits = hold;
    hold_link(r);
    if (!hold)
        schedule_pump(r);
}

gsize relay_unsent_bytes(const struct relay *r)
{
    return out_waiting(r) + (r->link ? link_unsent_bytes(r->link) : 0);
}

void relay_try_next(struct relay *r)
{
    if (r->phase == CLOSED || r->phase == DIALING || r->closing)
        return;
    r->try_next = true;
    if (!r->working)
        schedule_pump(r);
}

struct tls *relay_tls(struct relay *r)
{
    return r->tls;
}

void relay_deadline(struct relay *r, unsigned timeout_ms)
{
    if (!r->closing && r->phase != LINGERING && r->phase != DIALING)
        set_deadline(r, timeout_ms);
}

gint64 relay_last_input(const struct relay *r)
{
    return r->last_input;
}
