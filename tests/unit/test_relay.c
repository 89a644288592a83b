/* The relay against a server on loopback that follows a script, step by step,
 * in a thread of its own. The client's side is a stream in a few lines; its
 * trace says what the relay told it, in order. */
#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <glib.h>
#include "net/link.h"
#include "net/relay.h"
#include "net/seam.h"
#include "tests/unit/kit_tls.h"

#define HEADER                                                                 \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "               \
    "xmlns:stream='http://etherx.jabber.org/streams' id='i1' from='v.tld' "    \
    "version='1.0'>"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define STARTTLS "<starttls xmlns='" NS_TLS "'/>"
#define PROCEED "<proceed xmlns='" NS_TLS "'/>"
#define OFFER "<stream:features>" STARTTLS "</stream:features>"
#define NO_OFFER "<stream:features/>"
#define END "</stream:stream>"
#define WAIT_S 10

enum op {
    DONE,
    EXPECT, /* read up to and with text */
    REFUSE, /* EXPECT the end of input, without text in it */
    SEND,
    TRICKLE, /* one byte a write */
    TLS,     /* the server's handshake */
    NOTIFY,  /* close_notify */
    FIN,
    RESET,
    NEXT,  /* the next connection */
    WAIT,  /* until the test lets go */
    FLOOD, /* text, 3,000 times */
    WHOLE, /* EXPECT, and all that is read until then ends with a stanza */
};

struct step {
    enum op op;
    const char *text;
};

struct server {
    int listener, fd;
    guint16 port;
    const struct step *steps;
    struct kit_server *kit;
    SSL *ssl;
    GString *input;
    GThread *thread;
    GMutex lock;
    GCond cond;
    bool let_go;
    int failed; /* the step that went wrong, -1: none */
    int steps_done; /* atomic */
};

static ssize_t server_read(struct server *s)
{
    char buffer[16384];
    int n = s->ssl ? SSL_read(s->ssl, buffer, sizeof(buffer))
                   : (int)recv(s->fd, buffer, sizeof(buffer), 0);
    if (n > 0)
        g_string_append_len(s->input, buffer, n);
    return n;
}

static bool server_write(struct server *s, const char *bytes, size_t len)
{
    while (len > 0) {
        int n = s->ssl ? SSL_write(s->ssl, bytes, len)
                       : (int)send(s->fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= n;
    }
    return true;
}

static bool do_expect(struct server *s, const char *text)
{
    char *found;
    while (!(found = strstr(s->input->str, text))) {
        if (s->input->len > strlen(text)) /* what was searched is done with */
            g_string_erase(s->input, 0, s->input->len - strlen(text));
        if (server_read(s) <= 0)
            return false;
    }
    g_string_erase(s->input, 0, found + strlen(text) - s->input->str);
    return true;
}

static bool do_whole(struct server *s, const char *text)
{
    do {
        if (server_read(s) <= 0 ||
            !(g_str_has_suffix(s->input->str, "</m>") ||
                g_str_has_suffix(s->input->str, "/>")))
            return false;
    } while (!strstr(s->input->str, text));
    return true;
}

static bool do_refuse(struct server *s, const char *text)
{
    ssize_t n;
    while ((n = server_read(s)) > 0)
        ;
    bool ended = n == 0 || errno != EAGAIN;
    return ended && (!text || !strstr(s->input->str, text));
}

static bool do_accept(struct server *s)
{
    struct timeval limit = { .tv_sec = WAIT_S };
    int on = 1;
    if (s->fd >= 0)
        close(s->fd);
    g_clear_pointer(&s->ssl, SSL_free);
    g_string_truncate(s->input, 0);
    s->fd = accept(s->listener, NULL, NULL);
    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return s->fd >= 0;
}

static bool do_tls(struct server *s)
{
    s->ssl = SSL_new(s->kit->context);
    SSL_set_fd(s->ssl, s->fd);
    return SSL_accept(s->ssl) == 1;
}

static bool do_reset(struct server *s)
{
    struct linger hard = { .l_onoff = 1 };
    setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(s->fd);
    s->fd = -1;
    return true;
}

static bool do_trickle(struct server *s, const char *text)
{
    for (; *text; text++)
        if (!server_write(s, text, 1))
            return false;
    return true;
}

static bool do_flood(struct server *s, const char *text)
{
    for (int i = 0; i < 3000; i++)
        if (!server_write(s, text, strlen(text)))
            return false;
    return true;
}

static bool do_wait(struct server *s)
{
    gint64 until = g_get_monotonic_time() + WAIT_S * G_USEC_PER_SEC;
    bool good = true;
    g_mutex_lock(&s->lock);
    while (!s->let_go && good)
        good = g_cond_wait_until(&s->cond, &s->lock, until);
    s->let_go = false;
    g_mutex_unlock(&s->lock);
    return good;
}

static bool do_step(struct server *s, const struct step *step)
{
    switch (step->op) {
    case EXPECT:
        return do_expect(s, step->text);
    case REFUSE:
        return do_refuse(s, step->text);
    case SEND:
        return server_write(s, step->text, strlen(step->text));
    case TRICKLE:
        return do_trickle(s, step->text);
    case TLS:
        return do_tls(s);
    case NOTIFY:
        SSL_shutdown(s->ssl);
        return true;
    case FIN:
        return shutdown(s->fd, SHUT_WR) == 0;
    case RESET:
        return do_reset(s);
    case NEXT:
        return do_accept(s);
    case WAIT:
        return do_wait(s);
    case FLOOD:
        return do_flood(s, step->text);
    case WHOLE:
        return do_whole(s, step->text);
    case DONE:
        break;
    }
    return true;
}

static gpointer server_run(gpointer data)
{
    struct server *s = data;
    bool good = do_accept(s);
    s->failed = good ? -1 : -2;
    for (int i = 0; good && s->steps[i].op != DONE; i++)
        if (!do_step(s, &s->steps[i])) {
            s->failed = i;
            break;
        } else
            g_atomic_int_inc(&s->steps_done);
    g_clear_pointer(&s->ssl, SSL_free);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return NULL;
}

static void server_let_go(struct server *s)
{
    g_mutex_lock(&s->lock);
    s->let_go = true;
    g_cond_signal(&s->cond);
    g_mutex_unlock(&s->lock);
}

static struct server *server_new(const struct step *steps)
{
    struct server *s = g_new0(struct server, 1);
    struct sockaddr_in address = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    const struct kit_spec spec = { .cn = "v.tld",
        .names = { { KIT_DNS, "v.tld", 0 } } };
    const struct kit_options options = { 0 };
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    s->kit = kit_server_new(cert, &options);
    s->fd = -1;
    s->steps = steps;
    s->input = g_string_new(NULL);
    g_mutex_init(&s->lock);
    g_cond_init(&s->cond);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(
        bind(s->listener, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(s->listener, 5), ==, 0);
    getsockname(s->listener, (struct sockaddr *)&address, &size);
    s->port = ntohs(address.sin_port);
    s->thread = g_thread_new("server", server_run, s);
    return s;
}

/* --- the client's side --- */

struct app {
    struct server *server;
    struct relay *relay;
    GString *trace;
    GError *error;
    guint stanzas, turns;
    gsize xml_in, xml_out;
    bool closed, in_clear, direct, late_trust, no_trust, is_asked;
    bool close_when_online, reply_to_all;
    const char *close_condition;
    guint close_after; /* stanzas */
};

static void note(struct app *a, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void note(struct app *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append_vprintf(a->trace, format, args);
    g_string_append_c(a->trace, ' ');
    va_end(args);
}

static void on_connected(const struct dial_target *target, gpointer data)
{
    note(data, "%s", target->tls == DIAL_DIRECT ? "direct" : "connected");
}

static void trust(struct app *a)
{
    relay_trust(a->relay);
}

static void on_secured(const struct tls_peer *peer, gpointer data)
{
    struct app *a = data;
    g_assert_nonnull(peer->sha256);
    g_assert_nonnull(relay_tls(a->relay));
    note(a, "secured");
    a->is_asked = true;
    if (a->late_trust)
        relay_deadline(a->relay, 0);
    else if (!a->no_trust)
        trust(a);
}

static void on_opened(gpointer data)
{
    struct app *a = data;
    note(a, "opened");
    relay_open_stream(
        a->relay, "v.tld", relay_tls(a->relay) ? "me@v.tld" : NULL, "en");
}

static void on_header(const char *from, const char *id, const char *version,
    const char *lang, gpointer data)
{
    g_assert_cmpstr(id, ==, "i1");
    g_assert_cmpstr(version, ==, "1.0");
    g_assert_null(lang);
    note(data, "header:%s", from);
}

static void on_features(struct app *a, xmpp_stanza_t *features)
{
    relay_set_state(a->relay, GUARD_NEGOTIATING);
    if (xmpp_stanza_get_child_by_name(features, "starttls") && !a->in_clear) {
        relay_expect_last(a->relay, NS_TLS, "proceed");
        relay_send_raw(a->relay, STARTTLS, -1);
        return;
    }
    relay_set_state(a->relay, GUARD_ONLINE);
    relay_deadline(a->relay, 0);
    relay_send_raw(a->relay, "<presence/>", -1);
    if (a->close_when_online)
        relay_close(a->relay, a->close_condition, NULL);
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct app *a = data;
    const char *name = xmpp_stanza_get_name(stanza);
    a->stanzas++;
    if (a->stanzas < 20)
        note(a, "%s", name);
    if (strcmp(name, "features") == 0)
        on_features(a, stanza);
    else if (strcmp(name, "proceed") == 0)
        relay_start_tls(a->relay);
    else if (a->reply_to_all)
        relay_send(a->relay, stanza);
    if (a->close_after && a->stanzas == a->close_after)
        relay_close(a->relay, a->close_condition, "why");
}

static void on_stream_closed(gpointer data)
{
    note(data, "end");
}

static void on_closed(const GError *error, gpointer data)
{
    struct app *a = data;
    g_assert_false(a->closed);
    a->closed = true;
    if (error)
        a->error = g_error_copy(error);
    note(a, "closed");
}

static void on_turn(gpointer data)
{
    struct app *a = data;
    g_assert_false(a->closed);
    a->turns++;
}

static void on_xml(bool outgoing, const char *xml, gsize len, gpointer data)
{
    struct app *a = data;
    g_assert_cmpint(xml[0], ==, '<');
    if (outgoing)
        a->xml_out += len;
    else
        a->xml_in += len;
}

static gboolean on_too_late(gpointer data)
{
    (void)data;
    g_error("the test takes too long");
    return G_SOURCE_REMOVE;
}

static struct app *app_new(const struct step *steps)
{
    struct app *a = g_new0(struct app, 1);
    a->server = server_new(steps);
    a->trace = g_string_new(NULL);
    return a;
}

static void app_start(struct app *a, unsigned timeout_ms)
{
    static const struct relay_callbacks callbacks = {
        .connected = on_connected,
        .secured = on_secured,
        .opened = on_opened,
        .header = on_header,
        .stanza = on_stanza,
        .stream_closed = on_stream_closed,
        .closed = on_closed,
        .turn = on_turn,
        .xml = on_xml,
    };
    const struct relay_config config = {
        .dial = { .domain = "v.tld",
            .server = "127.0.0.1",
            .port = a->server->port,
            .allow_starttls = !a->direct,
            .allow_direct = a->direct },
        .tls = { .domain = "v.tld" },
        .domain = "v.tld",
        .phase_timeout_ms = timeout_ms,
    };
    a->relay = relay_new(&config, &callbacks, a);
}

static void run_until(const bool *flag)
{
    guint id = g_timeout_add_seconds(2 * WAIT_S, on_too_late, NULL);
    while (!*flag)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(id);
}

/* The relay and the server come to their ends. */
static void app_finish(struct app *a)
{
    run_until(&a->closed);
    g_assert_cmpuint(relay_unsent_bytes(a->relay), ==, 0);
    g_clear_pointer(&a->relay, relay_free);
    g_thread_join(g_steal_pointer(&a->server->thread));
    g_assert_cmpint(a->server->failed, ==, -1);
}

static void app_free(struct app *a)
{
    g_assert_null(a->server->thread);
    close(a->server->listener);
    kit_server_free(a->server->kit);
    g_string_free(a->server->input, TRUE);
    g_mutex_clear(&a->server->lock);
    g_cond_clear(&a->server->cond);
    g_free(a->server);
    g_clear_error(&a->error);
    g_string_free(a->trace, TRUE);
    g_free(a);
}
AUTO_STRUCT_FREE(app, app_free)

/* --- the cases --- */

#define CLEAR_LOGIN                                                            \
    { EXPECT, "to=\"v.tld\"" }, { SEND, HEADER NO_OFFER },                     \
    {                                                                          \
        EXPECT, "<presence/>"                                                  \
    }
#define CLEAR_TRACE "connected opened header:v.tld features "
#define TLS_LOGIN                                                              \
    { EXPECT, "to=\"v.tld\"" }, { SEND, HEADER OFFER }, { EXPECT, STARTTLS },  \
        { SEND, PROCEED }, { TLS, NULL }, { EXPECT, "from=\"me@v.tld\"" },     \
        { SEND, HEADER NO_OFFER },                                             \
    {                                                                          \
        EXPECT, "<presence/>"                                                  \
    }
#define TLS_TRACE CLEAR_TRACE "proceed secured opened header:v.tld features "

static void test_clear(void)
{
    static const struct step steps[] = { CLEAR_LOGIN,
        { SEND, "<message><body>a</body></message><message/>" }, { SEND, END },
        { EXPECT, END }, { REFUSE, "<" }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->in_clear = true;
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpstr(
        a->trace->str, ==, CLEAR_TRACE "message message end closed ");
    g_assert_cmpuint(a->turns, >=, 1);
    g_assert_cmpuint(a->xml_in, >, 0);
    g_assert_cmpuint(a->xml_out, >, 0);
}

static void test_starttls(void)
{
    static const struct step steps[] = { TLS_LOGIN, { SEND, "<message/>" },
        { SEND, END }, { EXPECT, END }, { NOTIFY, NULL }, { REFUSE, "<" },
        { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpstr(a->trace->str, ==, TLS_TRACE "message end closed ");
}

static void test_direct(void)
{
    static const struct step steps[] = { { TLS, NULL }, CLEAR_LOGIN,
        { SEND, END }, { EXPECT, END }, { NOTIFY, NULL }, { REFUSE, NULL },
        { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->direct = true;
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpstr(a->trace->str, ==,
        "direct secured opened header:v.tld features end closed ");
}

static void test_trickle(void) /* H25 */
{
    static const struct step steps[] = { { TLS, NULL },
        { EXPECT, "to=\"v.tld\"" }, { TRICKLE, HEADER NO_OFFER },
        { TRICKLE, "<message from='a'><body>x &amp; y</body></message>"
                   "<iq type='get' id='1'/>" END },
        { EXPECT, END }, { REFUSE, NULL }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->direct = true;
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpstr(a->trace->str, ==,
        "direct secured opened header:v.tld features message iq end closed ");
}

static void test_smuggled(void) /* H02, L4 */
{
    static const struct step steps[] = { { EXPECT, "to=\"v.tld\"" },
        { SEND, HEADER OFFER }, { EXPECT, STARTTLS },
        { SEND, PROCEED "<message from='bob@b.tld'><body>x</body></message>" },
        { REFUSE, "<" }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    app_start(a, 0);
    app_finish(a);
    g_assert_error(a->error, GUARD_ERROR, GUARD_ERROR_SMUGGLED);
    g_assert_cmpstr(a->trace->str, ==, CLEAR_TRACE "closed ");
}

/* Plaintext that comes a little later is part of no handshake. */
static void test_smuggled_later(void)
{
    static const struct step steps[] = { { EXPECT, "to=\"v.tld\"" },
        { SEND, HEADER OFFER }, { EXPECT, STARTTLS }, { SEND, PROCEED },
        { EXPECT, "\x16\x03" }, { SEND, "<message/>" }, { REFUSE, "<" },
        { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    app_start(a, 0);
    app_finish(a);
    g_assert_nonnull(a->error);
    g_assert_cmpstr(a->trace->str, ==, CLEAR_TRACE "proceed closed ");
}

static void test_speaks_first(void)
{
    static const struct step steps[] = { { TLS, NULL },
        { SEND, HEADER "<message/>" }, { REFUSE, "<" }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->direct = a->late_trust = true;
    app_start(a, 0);
    run_until(&a->is_asked);
    while (g_atomic_int_get(&a->server->steps_done) < 2) /* it has spoken */
        g_main_context_iteration(NULL, FALSE);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    /* It waits unread; the header is then read on a stream that has none. */
    relay_close(a->relay, NULL, NULL);
    app_finish(a);
    g_assert_cmpstr(a->trace->str, ==, "direct secured closed ");
    g_assert_cmpuint(a->stanzas, ==, 0);
}

static void test_nothing_before_trust(void)
{
    static const struct step steps[] = { { TLS, NULL }, { REFUSE, "<" },
        { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->direct = a->no_trust = true;
    app_start(a, 0);
    run_until(&a->is_asked);
    relay_send_raw(a->relay, "<message/>", -1);
    relay_open_stream(a->relay, "v.tld", NULL, NULL);
    relay_close(a->relay, NULL, NULL);
    app_finish(a);
    g_assert_cmpstr(a->trace->str, ==, "direct secured closed ");
}

static void test_late_trust(void)
{
    static const struct step steps[] = { TLS_LOGIN, { SEND, END },
        { EXPECT, END }, { REFUSE, NULL }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->late_trust = true;
    app_start(a, 0);
    run_until(&a->is_asked);
    trust(a);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpstr(a->trace->str, ==, TLS_TRACE "end closed ");
}

static void test_close(void) /* C11: inbound is processed meanwhile */
{
    static const struct step steps[] = { TLS_LOGIN, { EXPECT, END },
        { SEND, "<message/>" END }, { REFUSE, "<" }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->close_when_online = true;
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpstr(a->trace->str, ==, TLS_TRACE "message end closed ");
}

static void test_close_unanswered(void)
{
    static const struct step steps[] = { TLS_LOGIN, { EXPECT, END },
        { REFUSE, "<" }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->close_when_online = true;
    gint64 start = g_get_monotonic_time();
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * G_USEC_PER_SEC);
}

static void test_close_with_error(void) /* C15 */
{
    static const struct step steps[] = { CLEAR_LOGIN, { SEND, "<message/>" },
        { EXPECT, "<stream:error><undefined-condition xmlns='urn:ietf:params:"
                  "xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:"
                  "xmpp-streams'>why</text></stream:error>" END },
        { SEND, END }, { REFUSE, "<" }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->in_clear = true;
    a->close_after = 2;
    a->close_condition = "undefined-condition";
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
}

static void test_bad_xml(void) /* C15, C19: the error is told */
{
    static const struct step steps[] = { TLS_LOGIN,
        { SEND, "<message/><message><!-- c --></message><message/>" },
        { EXPECT, "<stream:error><restricted-xml " }, { EXPECT, END },
        { REFUSE, "<" }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    app_start(a, 0);
    app_finish(a);
    g_assert_error(a->error, GUARD_ERROR, GUARD_ERROR_RESTRICTED_XML);
    g_assert_cmpstr(a->trace->str, ==, TLS_TRACE "message closed ");
}

static void test_cut(void) /* F39 */
{
    static const struct step half[] = { TLS_LOGIN,
        { SEND, "<message/><message><body>half" }, { FIN, NULL },
        { REFUSE, "<" }, { DONE, NULL } };
    static const struct step notified[] = { TLS_LOGIN,
        { SEND, "<message/><message>" }, { NOTIFY, NULL }, { REFUSE, "<" },
        { DONE, NULL } };
    static const struct step reset[] = { CLEAR_LOGIN, { SEND, "<message/>" },
        { WAIT, NULL }, { RESET, NULL }, { DONE, NULL } };
    const struct step *cases[] = { half, notified, reset };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        auto_struct(app) a = app_new(cases[i]);
        a->in_clear = i == 2;
        app_start(a, 0);
        while (i == 2 && a->stanzas < 2)
            g_main_context_iteration(NULL, TRUE);
        server_let_go(a->server);
        app_finish(a);
        g_assert_error(a->error, RELAY_ERROR,
            (int)(i == 2 ? RELAY_ERROR_RESET : RELAY_ERROR_EOF));
        g_assert_true(g_str_has_suffix(a->trace->str, "message closed "));
    }
}

static void test_silence(void) /* H05 */
{
    static const struct step accepted[] = { { EXPECT, "to=\"v.tld\"" },
        { REFUSE, "<" }, { DONE, NULL } };
    static const struct step proceeded[] = { { EXPECT, "to=\"v.tld\"" },
        { SEND, HEADER OFFER }, { EXPECT, STARTTLS }, { SEND, PROCEED },
        { REFUSE, "<" }, { DONE, NULL } };
    const struct step *cases[] = { accepted, proceeded };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        auto_struct(app) a = app_new(cases[i]);
        app_start(a, 200);
        app_finish(a);
        g_assert_error(a->error, RELAY_ERROR, RELAY_ERROR_TIMEOUT);
    }
}

static void test_deadline(void)
{
    static const struct step steps[] = { CLEAR_LOGIN, { SEND, "<message/>" },
        { EXPECT, "<stream:error><connection-timeout " }, { REFUSE, NULL },
        { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->in_clear = true;
    app_start(a, 0);
    while (a->stanzas < 2)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(
        g_get_monotonic_time() - relay_last_input(a->relay), <, 1000000);
    relay_deadline(a->relay, 50);
    app_finish(a);
    g_assert_error(a->error, RELAY_ERROR, RELAY_ERROR_TIMEOUT);
}

/* A server that does not read: output waits in bounds, input stops (F37). */
static void test_never_reads(void)
{
    static const struct step steps[] = { CLEAR_LOGIN, { WAIT, NULL },
        { EXPECT, "<last/>" }, { SEND, END }, { EXPECT, END }, { REFUSE, NULL },
        { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->in_clear = true;
    app_start(a, 0);
    while (a->stanzas < 1)
        g_main_context_iteration(NULL, TRUE);
    g_autofree char *large = g_strnfill(10000, 'x');
    g_autofree char *xml = g_strdup_printf("<a>%s</a>", large);
    for (guint i = 0; i < 2000; i++) {
        relay_send_raw(a->relay, xml, -1);
        g_main_context_iteration(NULL, FALSE);
    }
    g_assert_cmpuint(relay_unsent_bytes(a->relay), >, 1000000);
    g_assert_cmpuint(relay_unsent_bytes(a->relay), <=, 2000 * strlen(xml));
    relay_send_raw(a->relay, "<last/>", -1);
    server_let_go(a->server);
    app_finish(a);
    g_assert_no_error(a->error);
}

/* What is held waits, the end of the stream behind it. */
static void test_held(void)
{
    static const struct step steps[] = { CLEAR_LOGIN, { EXPECT, "<first/>" },
        { EXPECT, "<held/>" }, { EXPECT, END }, { SEND, END },
        { REFUSE, NULL }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->in_clear = true;
    app_start(a, 0);
    while (a->stanzas < 1)
        g_main_context_iteration(NULL, TRUE);
    relay_send_raw(a->relay, "<first/>", -1);
    relay_hold(a->relay, true);
    relay_hold(a->relay, false);
    while (relay_unsent_bytes(a->relay) > 0)
        g_main_context_iteration(NULL, TRUE);
    relay_hold(a->relay, true);
    relay_send_raw(a->relay, "<held/>", -1);
    relay_close(a->relay, NULL, NULL);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(relay_unsent_bytes(a->relay), >=, strlen("<held/>" END));
    g_assert_false(a->closed);
    relay_hold(a->relay, false);
    app_finish(a);
    g_assert_no_error(a->error);
}

static void check_ends(const char *text, const size_t *ends, size_t piece)
{
    struct seam seam = { 0 };
    size_t len = strlen(text), at = 0, found = 0;
    while (at < len) {
        size_t n = seam_next(&seam, text + at, MIN(piece, len - at));
        at += n ? n : MIN(piece, len - at);
        if (n && (at == len || text[at] != ' '))
            g_assert_cmpuint(at, ==, ends[found++]);
    }
    g_assert_cmpuint(ends[found], ==, 0);
}

static void test_seam(void)
{
    static const char *const parts[] = {
        "<?xml version=\"1.0\"?>",
        "<stream:stream to=\"v.tld\" xmlns=\"jabber:client\">",
        "<r xmlns='urn:xmpp:sm:3'/>",
        "<message to='a&gt;b' x=\"/>'\"><body>a/b &lt;</body><x/></message>",
        "<a><a><a></a></a><b><c/></b></a> ",
        "<?xml version=\"1.0\"?>",
        "<stream:stream a='1'>",
        "<iq><query xmlns=\"x\"/></iq>",
        "</stream:stream>",
    };
    g_autoptr(GString) text = g_string_new(NULL);
    size_t ends[G_N_ELEMENTS(parts) + 1] = { 0 };
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_string_append(text, parts[i]);
        ends[i] = text->len;
    }
    for (size_t piece = 1; piece <= text->len; piece++)
        check_ends(text->str, ends, piece);
}

/* No record of TLS ends within a stanza, but that of one larger than it. */
static void test_records(void)
{
    static const struct step steps[] = { { TLS, NULL }, CLEAR_LOGIN,
        { WHOLE, "<last/>" }, { EXPECT, "<end/>" }, { SEND, END },
        { EXPECT, END }, { REFUSE, NULL }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->direct = true;
    app_start(a, 0);
    while (a->stanzas < 1)
        g_main_context_iteration(NULL, TRUE);
    for (guint i = 0; i < 400; i++) {
        g_autofree char *text = g_strnfill(i * 7 % 900, 'x');
        g_autofree char *xml = g_strdup_printf("<m><b>%s</b></m>", text);
        relay_send_raw(a->relay, xml, -1);
    }
    relay_send_raw(a->relay, "<last/>", -1);
    g_autofree char *large = g_strnfill(50000, 'x');
    g_autofree char *xml = g_strdup_printf("<m>%s</m>", large);
    relay_send_raw(a->relay, xml, -1);
    relay_send_raw(a->relay, "<end/>", -1);
    app_finish(a);
    g_assert_no_error(a->error);
}

static void test_flood(void)
{
    static const struct step steps[] = { { TLS, NULL }, CLEAR_LOGIN,
        { FLOOD, "<message from='mal@e.tld/x'><body>text of a flood</body>"
                 "</message>" },
        { EXPECT, "<message" }, { SEND, END }, { EXPECT, END },
        { REFUSE, NULL }, { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    a->direct = a->reply_to_all = true;
    app_start(a, 0);
    app_finish(a);
    g_assert_no_error(a->error);
    g_assert_cmpuint(a->stanzas, ==, 3001);
}

static void test_close_while_dialing(void)
{
    static const struct step steps[] = { { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    app_start(a, 0);
    relay_close(a->relay, NULL, NULL);
    run_until(&a->closed);
    g_assert_cmpstr(a->trace->str, ==, "closed ");
    g_clear_pointer(&a->relay, relay_free);
    shutdown(a->server->listener, SHUT_RDWR); /* nobody comes */
    g_thread_join(g_steal_pointer(&a->server->thread));
}

static void test_free_any_time(void)
{
    static const struct step steps[] = { TLS_LOGIN, { SEND, "<message/>" },
        { REFUSE, NULL }, { DONE, NULL } };
    for (guint turns = 0; turns < 30; turns++) {
        auto_struct(app) a = app_new(steps);
        app_start(a, 0);
        for (guint i = 0; i < turns && a->stanzas < 4; i++)
            g_main_context_iteration(NULL, TRUE);
        g_clear_pointer(&a->relay, relay_free);
        shutdown(a->server->listener, SHUT_RDWR);
        g_thread_join(g_steal_pointer(&a->server->thread));
    }
}

/* What fails before its header is no reason to give up the other addresses;
 * here the list has one, so its own error is told. */
static void test_nothing_left(void)
{
    static const struct step steps[] = { { EXPECT, "to=\"v.tld\"" },
        { SEND, "HTTP/1.0 400 Bad Request\r\n" }, { REFUSE, NULL },
        { DONE, NULL } };
    auto_struct(app) a = app_new(steps);
    app_start(a, 0);
    app_finish(a);
    g_assert_error(a->error, GUARD_ERROR, GUARD_ERROR_NOT_WELL_FORMED);
    g_assert_cmpstr(a->trace->str, ==, "connected opened closed ");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/relay/clear", test_clear);
    g_test_add_func("/relay/starttls", test_starttls);
    g_test_add_func("/relay/direct", test_direct);
    g_test_add_func("/relay/H25-trickle", test_trickle);
    g_test_add_func("/relay/H02-smuggled", test_smuggled);
    g_test_add_func("/relay/H02-smuggled-later", test_smuggled_later);
    g_test_add_func("/relay/speaks-first", test_speaks_first);
    g_test_add_func("/relay/nothing-before-trust", test_nothing_before_trust);
    g_test_add_func("/relay/late-trust", test_late_trust);
    g_test_add_func("/relay/C11-close", test_close);
    g_test_add_func("/relay/C11-close-unanswered", test_close_unanswered);
    g_test_add_func("/relay/C15-close-with-error", test_close_with_error);
    g_test_add_func("/relay/C15-C19-bad-xml", test_bad_xml);
    g_test_add_func("/relay/F39-P17-cut", test_cut);
    g_test_add_func("/relay/H05-P14-silence", test_silence);
    g_test_add_func("/relay/deadline", test_deadline);
    g_test_add_func("/relay/F37-never-reads", test_never_reads);
    g_test_add_func("/relay/held", test_held);
    g_test_add_func("/relay/seam", test_seam);
    g_test_add_func("/relay/F11-records", test_records);
    g_test_add_func("/relay/flood", test_flood);
    g_test_add_func("/relay/close-while-dialing", test_close_while_dialing);
    g_test_add_func("/relay/free-any-time", test_free_any_time);
    g_test_add_func("/relay/nothing-left", test_nothing_left);
    return g_test_run();
}
