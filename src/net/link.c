/*
 * libstrophe opens a TCP socket and tells us its number before it connects.
 * Under that number we put first a datagram socket, on which connect() succeeds
 * at once and sends nothing, then one end of a socket pair. From then on the
 * other end is "the server". It relies on what Unix says about descriptors and
 * on "socket, callback, connect", on nothing else inside the library.
 *
 * Lock-step: at most as many bytes as libstrophe reads at once are written,
 * then it runs and has parsed them when we go on. Since its expat may put off
 * an unfinished token until twice as much has come, a piece ends with '>',
 * which in canonical XML is always the end of a tag; only for a tag longer than
 * a piece spaces are added behind the item.
 *
 * All connections share one context and one run, so a handler of one may be
 * called while another is fed; nothing is ever fed or freed from inside.
 */
#define _GNU_SOURCE
#include "config.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/intl.h"
#include "base/log.h"
#include "net/guard.h"
#include "net/link.h"

#define PIECE_BYTES 4096 /* libstrophe's read */
#define ENTITY_BYTES 6   /* the longest of ours, &apos; */
#define DRAIN_BYTES (16 * 1024)
#define RUNS_MAX 64 /* for one piece; select() may be interrupted */
#define NS_STREAMS "http://etherx.jabber.org/streams"

struct link {
    struct link_callbacks callbacks;
    gpointer data;
    xmpp_conn_t *conn;
    int far;  /* libstrophe's descriptor; it closes it, -1 from then on */
    int near; /* ours */
    bool raw_connected, told_opened, told_closed;
    bool queued; /* something was given to libstrophe since its last run */
    bool working, held, dead, faulty;
    size_t bytes_in, bytes_out;
};

/* libstrophe's context is one a process (its parsers share an allocator), and
 * so is the question whether it is running. */
static struct {
    xmpp_ctx_t *ctx;
    xmpp_log_t log;
    bool running, tested;
    struct link *connecting; /* the callback below has no user data */
    bool too_many;
    GSList *dead;
} process;

G_DEFINE_QUARK(txmpp - link - error - quark, link_error)

/* Debug lines hold whole stanzas, passwords included: the relay logs those. */
static void on_log(
    void *data, xmpp_log_level_t level, const char *area, const char *message)
{
    (void)data;
    if (level >= XMPP_LEVEL_WARN)
        log_line("strophe", "%s: %s", area, message);
}

xmpp_ctx_t *link_context(void)
{
    if (!process.ctx) {
        xmpp_initialize();
        process.ctx = xmpp_ctx_new(NULL, &process.log);
    }
    return process.ctx;
}

bool link_is_running(void)
{
    return process.running;
}

bool link_is_open(const struct link *link)
{
    return link->far >= 0;
}

/* --- libstrophe's callbacks, inside its run --- */

static int replace_descriptor(int with, int number)
{
    int rc = with < 0 ? -1 : dup3(with, number, O_CLOEXEC);
    if (with >= 0)
        close(with);
    return rc < 0 ? -1 : 0;
}

static int on_socket(xmpp_conn_t *conn, void *sock)
{
    (void)conn;
    int number = *(int *)sock, domain = 0;
    socklen_t size = sizeof(domain);
    struct link *link = process.connecting;
    if (!link)
        return -1;
    if (number >= FD_SETSIZE) {
        process.too_many = true;
        return -1;
    }
    if (getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
        return -1;
    int datagram = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (replace_descriptor(datagram, number) < 0)
        return -1;
    link->far = number;
    return 0;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
    xmpp_stream_error_t *stream_error, void *data)
{
    (void)conn, (void)error, (void)stream_error;
    struct link *link = data;
    if (event == XMPP_CONN_RAW_CONNECT)
        link->raw_connected = true;
    else if (event != XMPP_CONN_CONNECT)
        link->far = -1; /* closed already (P15) */
    else if (!link->dead && link->callbacks.header)
        link->callbacks.header(link->data);
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data)
{
    (void)conn;
    struct link *link = data;
    if (!link->dead && link->callbacks.stanza)
        link->callbacks.stanza(stanza, link->data);
    return 1;
}

/* --- running --- */

static void link_destroy(struct link *link)
{
    link->dead = true; /* releasing tells on_connection once more */
    if (link->conn)
        xmpp_conn_release(link->conn);
    if (link->near >= 0)
        close(link->near);
    g_free(link);
}

static void run_once(void)
{
    process.running = true;
    xmpp_run_once(process.ctx, 0);
    process.running = false;
}

static void bury_dead(void)
{
    while (process.dead && !process.running) {
        struct link *link = process.dead->data;
        if (link->working)
            return;
        process.dead = g_slist_delete_link(process.dead, process.dead);
        link_destroy(link);
    }
}

static void fault(struct link *link, const char *sentence)
{
    if (link->faulty || link->dead)
        return;
    link->faulty = true;
    if (link->callbacks.fault)
        link->callbacks.fault(sentence, link->data);
}

/* Returns how much came out. */
static size_t drain(struct link *link)
{
    static const char complaint[] = "<stream:error><invalid-xml";
    char buffer[DRAIN_BYTES];
    size_t total = 0;
    while (!link->held && !link->dead) {
        ssize_t n = recv(link->near, buffer, sizeof(buffer), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        total += n;
        link->bytes_out += n;
        /* It would repeat that for ever and hear nothing any more (P12). */
        if (memmem(buffer, n, complaint, sizeof(complaint) - 1)) {
            fault(link, _("libstrophe could not read what the guard let pass."));
            break;
        }
        if (link->callbacks.output)
            link->callbacks.output(buffer, n, link->data);
        if ((size_t)n < sizeof(buffer))
            break;
    }
    return total;
}

/* What handlers send leaves with the next run (P4). */
static void work_off(struct link *link)
{
    bool more = true;
    while (more && !link->dead && !link->held) {
        link->queued = false;
        run_once();
        more = drain(link) > 0 || link->queued;
    }
    if (!link->held) /* all is out; headers were not counted */
        link->bytes_in = link->bytes_out = 0;
}

static void tell_closed(struct link *link)
{
    if (link->far >= 0 || link->told_closed || link->dead)
        return;
    link->told_closed = true;
    drain(link);
    if (!link->dead && link->callbacks.closed)
        link->callbacks.closed(link->data);
}

void link_pump(struct link *link)
{
    if (link->working || process.running || link->faulty)
        return;
    link->working = true;
    if (link->raw_connected && !link->told_opened) {
        link->told_opened = true;
        if (link->callbacks.opened)
            link->callbacks.opened(link->data);
    }
    work_off(link);
    tell_closed(link);
    link->working = false;
    bury_dead();
}

static bool is_all_read(const struct link *link)
{
    int left = 0;
    return link->far < 0 || ioctl(link->far, FIONREAD, &left) < 0 || left == 0;
}

static bool feed_piece(struct link *link, const char *bytes, size_t len)
{
    if (link->far < 0 || link->dead || link->faulty)
        return false;
    ssize_t n;
    do
        n = send(link->near, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)len) {
        fault(link, _("The local connection to libstrophe is stuck."));
        return false;
    }
    int runs = 0;
    do
        run_once();
    while (!is_all_read(link) && ++runs < RUNS_MAX);
    if (runs == RUNS_MAX) {
        fault(link, _("libstrophe does not read."));
        return false;
    }
    return true;
}

/* How much to give next; *tag becomes the length of a tag that is longer. */
static size_t next_piece(const char *xml, size_t len, size_t *tag)
{
    if (len <= PIECE_BYTES)
        return len;
    const char *end = memrchr(xml, '>', PIECE_BYTES);
    if (end)
        return end + 1 - xml;
    const char *start = memrchr(xml, '<', PIECE_BYTES);
    if (start == xml) {
        end = memchr(xml, '>', len);
        *tag = end ? (size_t)(end + 1 - xml) : len;
        return PIECE_BYTES;
    }
    if (start)
        return start - xml;
    /* Text, or the rest of such a tag: no entity is cut in two. */
    const char *entity =
        memrchr(xml + PIECE_BYTES - ENTITY_BYTES, '&', ENTITY_BYTES);
    return entity ? (size_t)(entity - xml) : PIECE_BYTES;
}

static void feed_spaces(struct link *link, size_t len)
{
    char spaces[PIECE_BYTES];
    memset(spaces, ' ', sizeof(spaces));
    while (len > 0 && feed_piece(link, spaces, MIN(len, sizeof(spaces))))
        len -= MIN(len, sizeof(spaces));
}

void link_feed(struct link *link, const char *xml, size_t len)
{
    if (link->working || process.running) {
        fault(link, _("The local connection was used from inside itself."));
        return;
    }
    link->working = true;
    size_t longest = 0;
    while (len > 0) {
        size_t tag = 0;
        size_t piece = next_piece(xml, len, &tag);
        longest = MAX(longest, tag);
        if (!feed_piece(link, xml, piece))
            break;
        xml += piece;
        len -= piece;
        if (link->queued)
            work_off(link);
    }
    feed_spaces(link, longest);
    if (link->queued)
        work_off(link);
    else
        drain(link);
    tell_closed(link);
    link->working = false;
    bury_dead();
}

/* --- sending --- */

void link_open_stream(
    struct link *link, const char *to, const char *from, const char *lang)
{
    if (link->far < 0)
        return;
    g_autofree char *to_value = g_markup_escape_text(to, -1);
    g_autofree char *from_value = from ? g_markup_escape_text(from, -1) : NULL;
    g_autofree char *lang_value = lang ? g_markup_escape_text(lang, -1) : NULL;
    char *attributes[] = { "to", to_value, "version", "1.0", "xmlns",
        "jabber:client", "xmlns:stream", NS_STREAMS, NULL, NULL, NULL, NULL };
    size_t n = 8;
    if (from) {
        attributes[n++] = "from";
        attributes[n++] = from_value;
    }
    if (lang) {
        attributes[n++] = "xml:lang";
        attributes[n++] = lang_value;
    }
    xmpp_conn_open_stream(link->conn, attributes, n);
    link->queued = true;
}

void link_send_raw(struct link *link, const char *xml, size_t len)
{
    if (link->far < 0 || len == 0)
        return;
    xmpp_send_raw(link->conn, xml, len);
    link->bytes_in += len;
    link->queued = true;
}

void link_send(struct link *link, xmpp_stanza_t *stanza)
{
    char *text = NULL;
    size_t len = 0;
    if (xmpp_stanza_to_text(stanza, &text, &len) != XMPP_EOK)
        return;
    link_send_raw(link, text, len);
    xmpp_free(process.ctx, text);
}

void link_hold(struct link *link, bool hold)
{
    link->held = hold;
}

size_t link_unsent_bytes(const struct link *link)
{
    return link->bytes_in > link->bytes_out ? link->bytes_in - link->bytes_out
                                            : 0;
}

/* --- making --- */

static bool connect_to(struct link *link, const char *address)
{
    process.connecting = link;
    process.too_many = false;
    link->far = -1;
    int rc = xmpp_connect_raw(link->conn, address, 9, on_connection, link);
    process.connecting = NULL;
    return rc == XMPP_EOK && link->far >= 0;
}

static bool put_pair_under(struct link *link)
{
    int pair[2];
    if (socketpair(
            AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    link->near = pair[0];
    return replace_descriptor(pair[1], link->far) == 0;
}

static bool set_up(struct link *link, GError **error)
{
    link->conn = xmpp_conn_new(link_context());
    xmpp_conn_set_jid(link->conn, "link.invalid");
    xmpp_conn_set_flags(
        link->conn, XMPP_CONN_FLAG_DISABLE_TLS | XMPP_CONN_FLAG_DISABLE_SM);
    xmpp_conn_set_sockopt_callback(link->conn, on_socket);
    xmpp_handler_add(link->conn, on_stanza, NULL, NULL, NULL, link);
    /* A host with IPv6 alone has no 127.0.0.1 for getaddrinfo (P18). */
    if (!connect_to(link, "127.0.0.1") &&
        (process.too_many || !connect_to(link, "::1"))) {
        if (process.too_many)
            g_set_error(error, LINK_ERROR, LINK_ERROR_DESCRIPTORS,
                _("Too many files are open (%d); close some and try again."),
                FD_SETSIZE);
        else
            g_set_error(error, LINK_ERROR, LINK_ERROR_TRICK,
                _("libstrophe cannot open a local socket (%s); check that the "
                "loopback network is up."),
                g_strerror(errno));
        return false;
    }
    if (!put_pair_under(link)) {
        g_set_error(error, LINK_ERROR, LINK_ERROR_TRICK,
            _("No local socket pair can be made (%s); close some programs and try again."), g_strerror(errno));
        return false;
    }
    run_once();
    if (!link->raw_connected)
        g_set_error(error, LINK_ERROR, LINK_ERROR_TRICK,
            _("libstrophe does not take the local connection; please report the "
            "system and the version of libstrophe."));
    return link->raw_connected;
}

struct link *link_new(
    const struct link_callbacks *callbacks, gpointer data, GError **error)
{
    if (!process.tested) {
        process.tested = true; /* the test makes a link, too */
        process.tested = link_self_test(error);
        if (!process.tested)
            return NULL;
    }
    struct link *link = g_new0(struct link, 1);
    link->callbacks = *callbacks;
    link->data = data;
    link->near = link->far = -1;
    process.log.handler = log_enabled() ? on_log : NULL;
    if (process.running || !set_up(link, error)) {
        if (process.running)
            g_set_error(error, LINK_ERROR, LINK_ERROR_TRICK,
                _("A connection was begun from inside another."));
        link_free(link);
        return NULL;
    }
    return link;
}

void link_free(struct link *link)
{
    if (!link)
        return;
    link->dead = true;
    if (process.running || link->working)
        process.dead = g_slist_prepend(process.dead, link);
    else
        link_destroy(link);
}

/* --- the self-test --- */

struct probe {
    struct link *link;
    GString *output;
    bool opened, header, closed, good;
};

static void probe_opened(gpointer data)
{
    struct probe *probe = data;
    probe->opened = true;
    link_open_stream(probe->link, "v.tld", NULL, "en");
}

static void probe_header(gpointer data)
{
    ((struct probe *)data)->header = true;
}

static void probe_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct probe *probe = data;
    const char *from = xmpp_stanza_get_from(stanza);
    const char *id = xmpp_stanza_get_id(stanza);
    const char *long_value = xmpp_stanza_get_attribute(stanza, "long");
    xmpp_stanza_t *body = xmpp_stanza_get_child_by_name(stanza, "body");
    g_autofree char *text = body ? xmpp_stanza_get_text(body) : NULL;
    probe->good = g_strcmp0(from, "mal@e.tld/x") == 0 &&
                  g_strcmp0(id, "good") == 0 && long_value &&
                  strlen(long_value) == 2 * PIECE_BYTES &&
                  g_strcmp0(text, "<&>") == 0;
    link_send_raw(probe->link, "<r/>", 4);
}

static void probe_output(const char *bytes, size_t len, gpointer data)
{
    g_string_append_len(((struct probe *)data)->output, bytes, len);
}

static void probe_closed(gpointer data)
{
    ((struct probe *)data)->closed = true;
}

static void probe_item(enum guard_item item, const char *ns, const char *name,
    const char *xml, size_t len, gpointer data)
{
    (void)item, (void)ns, (void)name;
    link_feed(((struct probe *)data)->link, xml, len);
}

static bool probe_run(struct probe *probe)
{
    g_autofree char *value = g_strnfill(2 * PIECE_BYTES, 'v');
    g_autofree char *xml = g_strconcat(
        "<stream:stream xmlns='jabber:client' xmlns:stream='" NS_STREAMS
        "' id='1' version='1.0'><message xmlns:e='urn:e' id='good' xml:id='bad'"
        " from='mal@e.tld/x' e:from='boss@v.tld' long='",
        value, "'><body>&lt;&amp;></body></message>", NULL);
    auto_struct(guard) guard = guard_new(probe_item, probe);
    guard_set_state(guard, GUARD_ONLINE, &guard_limits_after_auth);
    link_pump(probe->link);
    if (!probe->opened || !strstr(probe->output->str, "to=\"v.tld\""))
        return false;
    if (!guard_feed(guard, xml, strlen(xml), NULL) || !probe->header ||
        !probe->good || !g_str_has_suffix(probe->output->str, "<r/>"))
        return false;
    return guard_feed(guard, "</stream:stream>", 16, NULL) && probe->closed;
}

bool link_self_test(GError **error)
{
    static const struct link_callbacks callbacks = {
        .opened = probe_opened,
        .header = probe_header,
        .stanza = probe_stanza,
        .output = probe_output,
        .closed = probe_closed,
    };
    struct probe probe = { 0 };
    probe.link = link_new(&callbacks, &probe, error);
    if (!probe.link)
        return false;
    probe.output = g_string_new(NULL);
    bool good = probe_run(&probe);
    if (!good)
        g_set_error(error, LINK_ERROR, LINK_ERROR_TRICK,
            _("This libstrophe does not behave as txmpp needs it, so no "
            "connection is made; please report its version."));
    link_free(probe.link);
    g_string_free(probe.output, TRUE);
    return good;
}
