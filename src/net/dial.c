/*
 * A dial has a list of targets (from DNS, or made up), a queue with the
 * addresses of one target, and a few attempts racing each other. Everything
 * moves through advance(): start the next address, or else look up the next
 * target, or else wait for what races, or else give up. It is called when an
 * attempt failed, when an attempt has had its head start, and when names have
 * been resolved; never from inside dial_start() or dial_next().
 */
#include "net/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <glib-unix.h>

#include "base/intl.h"
#include "base/secret.h"
#include "model/jid.h"

#define PORT_STARTTLS 5222
#define PORT_DIRECT 5223
#define PORT_HTTPS 443
#define PORT_SOCKS 1080

#define RECORDS_MAX 1000
#define ATTEMPTS_MAX 20
#define STAGGER_MS 250         /* RFC 8305 s. 8 … */
#define RESOLUTION_DELAY_MS 50 /* … IPv4 is here: so long for IPv6 to be known */
#define STAGGER_TARGET_MS 2000 /* a worse target gets its chance, but later */
#define OTHER_KIND_MS 2000     /* one kind of SRV is here: wait for the other */
#define PHASE_MS 10000
#define PHASE_SOCKS_MS 30000 /* the proxy finds and reaches the server */
#define TOTAL_MS 30000
#define TOTAL_PROXY_MS 60000
#define DEAD_PEER_MS 30000

struct proxy {
    char *host, *user, *password;
    guint16 port;
};

enum srv_kind { SRV_STARTTLS, SRV_DIRECT, SRV_KINDS };

struct query {         /* outlives the dial: a resolver answers when it likes */
    struct dial *dial; /* NULL: nobody listens any more */
    GCancellable *cancel;
    enum srv_kind kind;
    bool v6; /* of a name */
};

enum attempt_phase { CONNECTING, SOCKS_METHOD, SOCKS_AUTH, SOCKS_REPLY };

struct attempt {
    struct dial *dial;
    const struct dial_target *target;
    char *address; /* to be shown */
    int fd;
    guint watch, timeout;
    enum attempt_phase phase;
    GByteArray *out;
    guint8 in[4 + 1 + 255 + 2]; /* the longest answer of SOCKS */
    gsize have, need;
};

struct dial {
    char *domain, *server;
    guint16 port;
    bool allow_starttls, allow_direct;
    struct proxy *proxy;
    unsigned timeout_ms;
    dial_done_fn fn;
    gpointer data;

    GResolver *resolver;
    GPtrArray *queries; /* struct query, borrowed */
    GPtrArray *targets;
    guint next_target;
    const struct dial_target *resolving; /* target being looked up … */
    unsigned names_pending; /* … and families of which nothing is known yet */
    GQueue addresses;                    /* GInetSocketAddress, owned */
    const struct dial_target *target;    /* whose addresses they are */
    GPtrArray *racing;                   /* struct attempt, owned */
    unsigned attempts;
    guint step, stagger, phase_timer, resolution_timer, deadline;
    bool looked_up, no_service;
    GError *last;
    GError *setup_error;
};

static void advance(struct dial *dial);
static gboolean on_stagger(gpointer data);

GQuark dial_error_quark(void)
{
    return g_quark_from_static_string("txmpp-dial-error");
}

static void target_free(gpointer data)
{
    struct dial_target *target = data;
    g_free(target->host);
    g_free(target);
}

static void clear_source(guint *id)
{
    if (*id)
        g_source_remove(*id);
    *id = 0;
}

/* ---- names that need no resolver ---- */

static GInetAddress *literal_address(const char *host)
{
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        g_autofree char *inner = g_strndup(host + 1, len - 2);
        return g_inet_address_new_from_string(inner);
    }
    return g_inet_address_new_from_string(host);
}

static bool is_literal(const char *host)
{
    g_autoptr(GInetAddress) address = literal_address(host);
    return address != NULL;
}

/* RFC 6761 s. 6.3: never asked of DNS. */
static bool is_localhost(const char *host)
{
    return g_ascii_strcasecmp(host, "localhost") == 0 ||
           (strlen(host) > 10 &&
               g_ascii_strcasecmp(host + strlen(host) - 10, ".localhost") == 0);
}

static bool is_onion(const char *host)
{
    size_t len = strlen(host);
    return len > 6 && g_ascii_strcasecmp(host + len - 6, ".onion") == 0;
}

/* ---- targets ---- */

static void add_target(GPtrArray *targets, const char *host, guint16 port,
    enum dial_tls tls, guint16 priority, guint16 weight)
{
    struct dial_target *target = g_new(struct dial_target, 1);
    *target = (struct dial_target){
        .host = g_strdup(host),
        .port = port,
        .tls = tls,
        .priority = priority,
        .weight = weight,
    };
    g_ptr_array_add(targets, target);
}

static int compare_priority(gconstpointer a, gconstpointer b)
{
    const struct dial_target *x = *(struct dial_target *const *)a;
    const struct dial_target *y = *(struct dial_target *const *)b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    /* Those of weight 0 first: they keep a small chance. */
    return (x->weight != 0) - (y->weight != 0);
}

static void swap_to_front(GPtrArray *targets, guint from, guint to)
{
    gpointer chosen = targets->pdata[from];
    memmove(&targets->pdata[to + 1], &targets->pdata[to],
        (from - to) * sizeof(gpointer));
    targets->pdata[to] = chosen;
}

/* RFC 2782, "Weight": a random number up to the sum of those that are left
 * picks the next. */
static void order_by_weight(
    GPtrArray *targets, guint start, guint end, GRand *rand)
{
    guint32 sum = 0;
    for (guint i = start; i < end; i++)
        sum += ((struct dial_target *)targets->pdata[i])->weight;

    for (; start + 1 < end; start++) {
        guint32 draw = sum ? (guint32)g_rand_int_range(
                                 rand, 0, (gint32)MIN(sum + 1, G_MAXINT32))
                           : 0;
        guint32 running = 0;
        guint pick = start;
        for (guint i = start; i < end; i++) {
            pick = i;
            running += ((struct dial_target *)targets->pdata[i])->weight;
            if (running >= draw)
                break;
        }
        sum -= ((struct dial_target *)targets->pdata[pick])->weight;
        swap_to_front(targets, pick, start);
    }
}

void dial_sort_targets(GPtrArray *targets, GRand *rand)
{
    g_ptr_array_sort(targets, compare_priority);
    for (guint start = 0; start < targets->len;) {
        guint end = start;
        guint16 priority =
            ((struct dial_target *)targets->pdata[start])->priority;
        while (
            end < targets->len &&
            ((struct dial_target *)targets->pdata[end])->priority == priority)
            end++;
        order_by_weight(targets, start, end, rand);
        start = end;
    }
}

bool dial_parse_server(const char *text, char **host, guint16 *port)
{
    g_autoptr(GInetAddress) literal = g_inet_address_new_from_string(text);
    g_autoptr(GSocketConnectable) address =
        literal || !*text ? NULL : g_network_address_parse(text, 0, NULL);
    if (!literal && !address)
        return false;
    GNetworkAddress *network = (GNetworkAddress *)address;
    *host = g_strdup(
        literal ? text : g_network_address_get_hostname(network));
    *port = literal ? 0 : g_network_address_get_port(network);
    return true;
}

/* contract.md s. 1, --server */
static void add_named_server(struct dial *dial)
{
    guint16 port = dial->port;
    if (!port)
        port = dial->allow_starttls ? PORT_STARTTLS : PORT_DIRECT;

    bool direct =
        dial->allow_direct &&
        (!dial->allow_starttls || port == PORT_DIRECT || port == PORT_HTTPS);
    add_target(dial->targets, dial->server, port,
        direct ? DIAL_DIRECT : DIAL_STARTTLS, 0, 0);
}

static void add_domain_itself(struct dial *dial)
{
    if (dial->allow_starttls)
        add_target(
            dial->targets, dial->domain, PORT_STARTTLS, DIAL_STARTTLS, 0, 0);
    else
        add_target(dial->targets, dial->domain, PORT_DIRECT, DIAL_DIRECT, 0, 0);
}

/* ---- the end ---- */

static void attempt_free(gpointer data)
{
    struct attempt *attempt = data;
    clear_source(&attempt->watch);
    clear_source(&attempt->timeout);
    if (attempt->fd >= 0)
        close(attempt->fd);
    if (attempt->out)
        g_byte_array_unref(attempt->out);
    g_free(attempt->address);
    g_free(attempt);
}

static void forget_queries(struct dial *dial)
{
    for (guint i = 0; i < dial->queries->len; i++) {
        struct query *query = dial->queries->pdata[i];
        query->dial = NULL;
        g_cancellable_cancel(query->cancel);
    }
    g_ptr_array_set_size(dial->queries, 0);
    clear_source(&dial->phase_timer);
    clear_source(&dial->resolution_timer);
    dial->resolving = NULL;
    dial->names_pending = 0;
}

static void stop(struct dial *dial)
{
    clear_source(&dial->step);
    clear_source(&dial->stagger);
    clear_source(&dial->deadline);
    if (dial->resolving) { /* dial_next() looks it up again */
        dial->next_target--;
        g_queue_clear_full(&dial->addresses, g_object_unref);
    }
    forget_queries(dial);
    g_ptr_array_set_size(dial->racing, 0);
}

/* The dial may be gone when this returns. */
static void fail(struct dial *dial, GError *error)
{
    g_autoptr(GError) own = error;
    stop(dial);
    dial->fn(-1, NULL, own, dial->data);
}

static void succeed(struct attempt *attempt)
{
    struct dial *dial = attempt->dial;
    const struct dial_target *target = attempt->target;
    int fd = attempt->fd;

    attempt->fd = -1;
    stop(dial);
    dial->fn(fd, target, NULL, dial->data);
}

static const char *sought(const struct dial *dial)
{
    return dial->server ? dial->server : dial->domain;
}

/* Who has named the server already is not told to. */
static const char *advice(const struct dial *dial)
{
    return dial->server ? _("correct --server or account.server")
                        : _("check the address, or name the server with --server");
}

static GError *final_error(struct dial *dial)
{
    if (dial->last)
        return g_steal_pointer(&dial->last);
    if (dial->no_service)
        return g_error_new(DIAL_ERROR, DIAL_ERROR_NO_SERVICE,
            _("%s says that it offers no XMPP service; check the address."),
            dial->domain);
    return g_error_new(DIAL_ERROR, DIAL_ERROR_REFUSED,
        _("Every address of %s has been tried; try again later, or %s."),
        sought(dial), advice(dial));
}

static void remember(struct dial *dial, GError *error)
{
    g_clear_error(&dial->last);
    dial->last = error;
}

static gboolean on_deadline(gpointer data)
{
    struct dial *dial = data;
    dial->deadline = 0;
    fail(dial,
        g_error_new(DIAL_ERROR, DIAL_ERROR_TIMEOUT,
            _("%s did not answer in time; check the network, or %s."),
            sought(dial), advice(dial)));
    return G_SOURCE_REMOVE;
}

/* ---- one attempt ---- */

static void attempt_failed(
    struct attempt *attempt, enum dial_error code, const char *reason)
{
    struct dial *dial = attempt->dial;
    const struct dial_target *target = attempt->target;

    if (code == DIAL_ERROR_PROXY)
        remember(dial,
            g_error_new(DIAL_ERROR, code,
                _("The proxy %s did not connect to %s: %s. Check the proxy of "
                "the account."),
                attempt->address, target->host, reason));
    else if (dial->proxy)
        remember(dial,
            g_error_new(DIAL_ERROR, DIAL_ERROR_PROXY,
                _("The proxy %s cannot be reached: %s. Check that it runs, or "
                "the proxy of the account."),
                attempt->address, reason));
    else
        remember(dial,
            g_error_new(DIAL_ERROR, code,
                _("%s (%s) cannot be reached: %s. Check the network, or %s."),
                target->host, attempt->address, reason, advice(dial)));
    g_ptr_array_remove_fast(dial->racing, attempt);
    advance(dial);
}

static gboolean on_attempt_timeout(gpointer data)
{
    struct attempt *attempt = data;
    attempt->timeout = 0;
    attempt_failed(attempt,
        attempt->phase == CONNECTING ? DIAL_ERROR_REFUSED : DIAL_ERROR_PROXY,
        _("no answer"));
    return G_SOURCE_REMOVE;
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer data);

static void watch(struct attempt *attempt, GIOCondition condition)
{
    clear_source(&attempt->watch);
    attempt->watch = g_unix_fd_add(attempt->fd, condition, on_ready, attempt);
}

/* ---- SOCKS5 (RFC 1928, RFC 1929) ---- */

static void socks_say(struct attempt *attempt, enum attempt_phase phase,
    GByteArray *bytes, gsize answer_bytes)
{
    if (attempt->out)
        g_byte_array_unref(attempt->out);
    attempt->out = bytes;
    attempt->phase = phase;
    attempt->have = 0;
    attempt->need = answer_bytes;
    watch(attempt, G_IO_OUT);
}

static void append_counted(GByteArray *out, const char *text)
{
    guint8 len = (guint8)strlen(text); /* <= 255: checked by proxy_parse */
    g_byte_array_append(out, &len, 1);
    g_byte_array_append(out, (const guint8 *)text, len);
}

static void socks_begin(struct attempt *attempt)
{
    static const guint8 open[] = { 5, 1, 0 };
    static const guint8 open_or_password[] = { 5, 2, 0, 2 };
    GByteArray *out = g_byte_array_new();
    if (attempt->dial->proxy->user)
        g_byte_array_append(out, open_or_password, sizeof open_or_password);
    else
        g_byte_array_append(out, open, sizeof open);
    socks_say(attempt, SOCKS_METHOD, out, 2);
}

static void socks_authenticate(struct attempt *attempt)
{
    const struct proxy *proxy = attempt->dial->proxy;
    GByteArray *out = g_byte_array_new();
    g_byte_array_append(out, (const guint8 *)"\x01", 1);
    append_counted(out, proxy->user);
    append_counted(out, proxy->password ? proxy->password : "");
    socks_say(attempt, SOCKS_AUTH, out, 2);
}

static void socks_connect(struct attempt *attempt)
{
    static const guint8 head[] = { 5, 1, 0 };
    const char *host = attempt->target->host;
    g_autoptr(GInetAddress) address = literal_address(host);
    GByteArray *out = g_byte_array_new();

    g_byte_array_append(out, head, sizeof head);
    if (address) {
        guint8 type =
            g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV4 ? 1 : 4;
        g_byte_array_append(out, &type, 1);
        g_byte_array_append(out, g_inet_address_to_bytes(address),
            (guint)g_inet_address_get_native_size(address));
    } else {
        g_byte_array_append(out, (const guint8 *)"\x03", 1);
        append_counted(out, host);
    }
    guint16 port = g_htons(attempt->target->port);
    g_byte_array_append(out, (const guint8 *)&port, 2);
    socks_say(attempt, SOCKS_REPLY, out, 5);
}

static const char *socks_reason(guint8 reply)
{
    static const char *const reasons[] = {
        NULL,
        N_("general failure"),
        N_("its rules forbid it"),
        N_("the network is unreachable"),
        N_("the host is unreachable"),
        N_("connection refused"),
        N_("no answer in time"),
        N_("it does not know the command"),
        N_("it does not know the kind of address"),
    };
    return reply < G_N_ELEMENTS(reasons) ? _(reasons[reply]) : _("unknown failure");
}

static void socks_answered(struct attempt *attempt)
{
    const guint8 *in = attempt->in;

    if (attempt->phase == SOCKS_METHOD) {
        if (in[0] != 5)
            attempt_failed(attempt, DIAL_ERROR_PROXY, _("it is no SOCKS5 proxy"));
        else if (in[1] == 0)
            socks_connect(attempt);
        else if (in[1] == 2 && attempt->dial->proxy->user)
            socks_authenticate(attempt);
        else
            attempt_failed(
                attempt, DIAL_ERROR_PROXY, _("it wants a user and a password"));
        return;
    }
    if (attempt->phase == SOCKS_AUTH) {
        if (in[1] == 0)
            socks_connect(attempt);
        else
            attempt_failed(
                attempt, DIAL_ERROR_PROXY, _("user or password is wrong"));
        return;
    }

    if (in[0] != 5 || in[1] != 0) {
        attempt_failed(attempt, DIAL_ERROR_PROXY,
            in[0] == 5 ? socks_reason(in[1]) : _("it is no SOCKS5 proxy"));
        return;
    }
    /* The bound address follows: 4, 16 or in[4] bytes and a port. The first
     * byte of it has been read. */
    gsize whole = in[3] == 1 ? 4 + 4 + 2 : in[3] == 4 ? 4 + 16 + 2 : 0;
    if (in[3] == 3)
        whole = (gsize)4 + 1 + in[4] + 2;
    if (!whole)
        attempt_failed(attempt, DIAL_ERROR_PROXY, _("it is no SOCKS5 proxy"));
    else if (attempt->have == whole)
        succeed(attempt);
    else
        attempt->need = whole;
}

static void socks_read(struct attempt *attempt)
{
    ssize_t n = recv(attempt->fd, attempt->in + attempt->have,
        attempt->need - attempt->have, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        attempt_failed(attempt, DIAL_ERROR_PROXY,
            n ? g_strerror(errno) : _("it closed the connection"));
        return;
    }
    attempt->have += (gsize)n;
    if (attempt->have == attempt->need)
        socks_answered(attempt);
}

static void socks_write(struct attempt *attempt)
{
    ssize_t n =
        send(attempt->fd, attempt->out->data, attempt->out->len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        attempt_failed(attempt, DIAL_ERROR_PROXY, g_strerror(errno));
        return;
    }
    g_byte_array_remove_range(attempt->out, 0, (guint)n);
    if (!attempt->out->len)
        watch(attempt, G_IO_IN);
}

/* ---- TCP ---- */

static void connected(struct attempt *attempt)
{
    if (!attempt->dial->proxy) {
        succeed(attempt);
        return;
    }
    /* One circuit is enough; the next address waits for this one to fail. */
    clear_source(&attempt->dial->stagger);
    clear_source(&attempt->timeout);
    attempt->timeout =
        g_timeout_add(PHASE_SOCKS_MS, on_attempt_timeout, attempt);
    socks_begin(attempt);
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer data)
{
    struct attempt *attempt = data;

    if (attempt->phase == CONNECTING) {
        int error = 0;
        socklen_t len = sizeof error;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
            error = errno;
        if (error)
            attempt_failed(attempt, DIAL_ERROR_REFUSED, g_strerror(error));
        else
            connected(attempt);
    } else if (condition & G_IO_OUT) {
        socks_write(attempt);
    } else {
        socks_read(attempt);
    }
    /* The source is gone already where it has to be. */
    return G_SOURCE_CONTINUE;
}

static int socket_new(int family)
{
    static const int on = 1;
    static const unsigned dead_ms = DEAD_PEER_MS;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof dead_ms);
    return fd;
}

static char *show_address(GSocketAddress *address)
{
    GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS(address);
    GInetAddress *host = g_inet_socket_address_get_address(inet);
    g_autofree char *text = g_inet_address_to_string(host);
    bool v6 = g_inet_address_get_family(host) == G_SOCKET_FAMILY_IPV6;
    return g_strdup_printf(
        v6 ? "[%s]:%u" : "%s:%u", text, g_inet_socket_address_get_port(inet));
}

static void attempt_start(struct dial *dial, GSocketAddress *address)
{
    struct sockaddr_storage native = { 0 };
    gssize len = g_socket_address_get_native_size(address);
    struct attempt *attempt = g_new0(struct attempt, 1);

    attempt->dial = dial;
    attempt->target = dial->target;
    attempt->address = show_address(address);
    attempt->fd = -1;
    g_ptr_array_add(dial->racing, attempt);
    dial->attempts++;

    int rc = -1;
    errno = EAFNOSUPPORT;
    if (g_socket_address_to_native(address, &native, sizeof native, NULL)) {
        attempt->fd = socket_new(native.ss_family);
        if (attempt->fd >= 0)
            rc = connect(
                attempt->fd, (struct sockaddr *)&native, (socklen_t)len);
    }
    if (rc < 0 && errno != EINPROGRESS) {
        attempt_failed(attempt, DIAL_ERROR_REFUSED, g_strerror(errno));
        return;
    }
    attempt->timeout = g_timeout_add(PHASE_MS, on_attempt_timeout, attempt);
    watch(attempt, G_IO_OUT);
}

/* ---- addresses of a target ---- */

static void queue_address(struct dial *dial, GInetAddress *address)
{
    guint16 port = dial->proxy ? dial->proxy->port : dial->target->port;
    g_queue_push_tail(
        &dial->addresses, g_inet_socket_address_new(address, port));
}

/* RFC 8305 s. 4: the families alternate, in the resolver's order otherwise (it
 * knows RFC 6724). What comes now goes first: either it is IPv6, or IPv6 has
 * begun already. */
static void queue_interleaved(struct dial *dial, GList *addresses)
{
    GQueue others = dial->addresses;
    g_queue_init(&dial->addresses);
    while (addresses || others.length) {
        if (addresses) {
            queue_address(dial, addresses->data);
            addresses = addresses->next;
        }
        if (others.length)
            g_queue_push_tail(&dial->addresses, g_queue_pop_head(&others));
    }
}

static struct query *query_new(struct dial *dial)
{
    struct query *query = g_new0(struct query, 1);
    query->dial = dial;
    query->cancel = g_cancellable_new();
    g_ptr_array_add(dial->queries, query);
    return query;
}

/* Returns whom to tell. */
static struct dial *query_end(struct query *query)
{
    struct dial *dial = query->dial;
    if (dial)
        g_ptr_array_remove_fast(dial->queries, query);
    g_object_unref(query->cancel);
    g_free(query);
    return dial;
}

static GError *name_error(
    const struct dial *dial, const char *host, const GError *cause)
{
    bool unknown =
        g_error_matches(cause, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);
    if (dial->proxy)
        return g_error_new(DIAL_ERROR, DIAL_ERROR_PROXY,
            _("The proxy %s cannot be found; check the proxy of the account."),
            host);
    if (unknown)
        return g_error_new(DIAL_ERROR, DIAL_ERROR_DNS,
            _("There is no host called %s; %s."), host, advice(dial));
    return g_error_new(DIAL_ERROR, DIAL_ERROR_DNS,
        _("The address of %s cannot be looked up (%s); check the network, or %s."),
        host, cause ? cause->message : _("no answer"), advice(dial));
}

/* Enough is known to begin with. */
static void use_addresses(struct dial *dial)
{
    clear_source(&dial->resolution_timer);
    if (!dial->names_pending)
        clear_source(&dial->phase_timer);
    if (dial->resolving)
        dial->target = g_steal_pointer(&dial->resolving);
    advance(dial);
}

static gboolean on_resolution_delay(gpointer data)
{
    struct dial *dial = data;
    dial->resolution_timer = 0;
    use_addresses(dial);
    return G_SOURCE_REMOVE;
}

static void no_addresses(struct dial *dial, const GError *cause)
{
    remember(dial, name_error(dial,
        dial->proxy ? dial->proxy->host : dial->resolving->host, cause));
    use_addresses(dial);
}

/* RFC 8305 s. 3: IPv6 begins at once, IPv4 waits a moment for it; one that does
 * not answer holds up nothing. */
static void addresses_arrived(
    struct dial *dial, bool v6, GList *addresses, const GError *cause)
{
    bool known = addresses || !g_queue_is_empty(&dial->addresses);

    dial->names_pending--;
    if (addresses && dial->resolving)
        dial->target = dial->resolving; /* its port */
    if (addresses)
        queue_interleaved(dial, addresses);
    if (dial->resolving && !known && !dial->names_pending)
        no_addresses(dial, cause);
    else if (dial->resolving && (!dial->names_pending || (known && v6)))
        use_addresses(dial);
    else if (dial->resolving && known)
        dial->resolution_timer =
            g_timeout_add(RESOLUTION_DELAY_MS, on_resolution_delay, dial);
    else if (!dial->resolving && !dial->racing->len)
        use_addresses(dial);
    else if (!dial->resolving && addresses) { /* one is racing already */
        clear_source(&dial->stagger);
        dial->stagger = g_timeout_add(STAGGER_MS, on_stagger, dial);
    }
}

static void on_addresses(GObject *source, GAsyncResult *result, gpointer data)
{
    bool v6 = ((struct query *)data)->v6;
    g_autoptr(GError) error = NULL;
    GList *addresses = g_resolver_lookup_by_name_with_flags_finish(
        G_RESOLVER(source), result, &error);
    struct dial *dial = query_end(data);
    if (dial && dial->names_pending)
        addresses_arrived(dial, v6, addresses, error);
    g_resolver_free_addresses(addresses);
}

static gboolean on_name_timeout(gpointer data)
{
    struct dial *dial = data;
    dial->phase_timer = 0;
    const struct dial_target *target = dial->resolving;
    forget_queries(dial);
    dial->resolving = target;
    if (target && g_queue_is_empty(&dial->addresses))
        no_addresses(dial, NULL);
    else
        use_addresses(dial);
    return G_SOURCE_REMOVE;
}

static GResolver *resolver(struct dial *dial)
{
    if (!dial->resolver)
        dial->resolver = g_resolver_get_default();
    return dial->resolver;
}

static void look_up_name(struct dial *dial, const char *host)
{
    dial->phase_timer = g_timeout_add(PHASE_MS, on_name_timeout, dial);
    for (int v6 = 1; v6 >= 0; v6--) {
        struct query *query = query_new(dial);
        query->v6 = v6;
        dial->names_pending++;
        g_resolver_lookup_by_name_with_flags_async(resolver(dial), host,
            v6 ? G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY
               : G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY,
            query->cancel, on_addresses, query);
    }
}

static void find_addresses(struct dial *dial, const struct dial_target *target)
{
    const char *host = dial->proxy ? dial->proxy->host : target->host;
    g_autoptr(GInetAddress) literal = literal_address(host);

    dial->target = target;
    if (literal) {
        queue_address(dial, literal);
        return;
    }
    if (is_localhost(host)) {
        g_autoptr(GInetAddress) v4 =
            g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
        g_autoptr(GInetAddress) v6 =
            g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV6);
        queue_address(dial, v6);
        queue_address(dial, v4);
        return;
    }
    if (!dial->proxy && is_onion(host)) {
        remember(dial,
            g_error_new(DIAL_ERROR, DIAL_ERROR_DNS,
                _("%s is reached only through Tor; set the account's proxy to "
                "socks5://127.0.0.1:9050."),
                host));
        return;
    }
    dial->resolving = target;
    look_up_name(dial, host);
}

/* ---- the race ---- */

static gboolean on_stagger(gpointer data)
{
    struct dial *dial = data;
    dial->stagger = 0;
    advance(dial);
    return G_SOURCE_REMOVE;
}

static bool more_targets(const struct dial *dial)
{
    return dial->next_target < dial->targets->len;
}

static void advance(struct dial *dial)
{
    clear_source(&dial->stagger);
    if (dial->resolving)
        return;

    bool allowed = dial->attempts < ATTEMPTS_MAX;
    while (
        allowed && g_queue_is_empty(&dial->addresses) && more_targets(dial)) {
        forget_queries(dial);
        find_addresses(dial, dial->targets->pdata[dial->next_target++]);
        if (dial->resolving)
            return;
    }
    if (!allowed || g_queue_is_empty(&dial->addresses)) {
        if (!dial->racing->len && !dial->names_pending)
            fail(dial, final_error(dial));
        return;
    }

    g_autoptr(GSocketAddress) address = g_queue_pop_head(&dial->addresses);
    /* Before the attempt: one that fails at once comes back to here. */
    if (!g_queue_is_empty(&dial->addresses))
        dial->stagger = g_timeout_add(STAGGER_MS, on_stagger, dial);
    else if (more_targets(dial))
        dial->stagger = g_timeout_add(STAGGER_TARGET_MS, on_stagger, dial);
    attempt_start(dial, address);
}

/* ---- SRV ---- */

static void all_records_here(struct dial *dial)
{
    clear_source(&dial->phase_timer);
    forget_queries(dial);
    dial->looked_up = true;
    if (!dial->targets->len && !dial->no_service)
        add_domain_itself(dial);

    g_autoptr(GRand) rand = g_rand_new();
    dial_sort_targets(dial->targets, rand);
    advance(dial);
}

static gboolean on_records_timeout(gpointer data)
{
    struct dial *dial = data;
    dial->phase_timer = 0;
    all_records_here(dial);
    return G_SOURCE_REMOVE;
}

static void add_record(struct dial *dial, GVariant *record, enum srv_kind kind)
{
    guint16 priority, weight, port;
    const char *host;

    if (!g_variant_is_of_type(record, G_VARIANT_TYPE("(qqqs)")))
        return;
    g_variant_get(record, "(qqq&s)", &priority, &weight, &port, &host);
    if (strcmp(host, ".") == 0 || !*host) {
        if (kind == SRV_STARTTLS || !dial->allow_starttls)
            dial->no_service = true;
        return;
    }
    if (!port || strlen(host) > 255)
        return;
    g_autofree char *name = g_strdup(host);
    size_t len = strlen(name);
    if (name[len - 1] == '.')
        name[len - 1] = 0;
    add_target(dial->targets, name, port,
        kind == SRV_DIRECT ? DIAL_DIRECT : DIAL_STARTTLS, priority, weight);
}

static void on_records(GObject *source, GAsyncResult *result, gpointer data)
{
    enum srv_kind kind = ((struct query *)data)->kind;
    g_autoptr(GError) error = NULL;
    GList *records =
        g_resolver_lookup_records_finish(G_RESOLVER(source), result, &error);
    struct dial *dial = query_end(data);
    unsigned n = 0;

    if (dial && !dial->looked_up) {
        for (GList *l = records; l && n < RECORDS_MAX; l = l->next, n++)
            add_record(dial, l->data, kind);
        /* Records that cannot be used are records all the same (C02). */
        if (n && !dial->targets->len && kind == SRV_STARTTLS)
            dial->no_service = true;
    }
    g_list_free_full(records, (GDestroyNotify)g_variant_unref);
    if (!dial || dial->looked_up)
        return;

    if (!dial->queries->len) {
        all_records_here(dial);
    } else if (n) {
        clear_source(&dial->phase_timer);
        dial->phase_timer =
            g_timeout_add(OTHER_KIND_MS, on_records_timeout, dial);
    }
}

static void look_up_service(struct dial *dial, enum srv_kind kind)
{
    static const char *const services[SRV_KINDS] = {
        [SRV_STARTTLS] = "_xmpp-client",
        [SRV_DIRECT] = "_xmpps-client",
    };
    g_autofree char *name =
        g_strdup_printf("%s._tcp.%s", services[kind], dial->domain);
    struct query *query = query_new(dial);
    query->kind = kind;
    g_resolver_lookup_records_async(resolver(dial), name, G_RESOLVER_RECORD_SRV,
        query->cancel, on_records, query);
}

/* ---- the beginning ---- */

static void begin(struct dial *dial)
{
    bool no_srv = dial->proxy || is_literal(dial->domain) ||
                  is_localhost(dial->domain) || is_onion(dial->domain);

    if (dial->server || no_srv) {
        if (dial->server)
            add_named_server(dial);
        else
            add_domain_itself(dial);
        dial->looked_up = true;
        advance(dial);
        return;
    }
    dial->phase_timer = g_timeout_add(PHASE_MS, on_records_timeout, dial);
    if (dial->allow_starttls)
        look_up_service(dial, SRV_STARTTLS);
    if (dial->allow_direct)
        look_up_service(dial, SRV_DIRECT);
}

static gboolean on_step(gpointer data)
{
    struct dial *dial = data;
    dial->step = 0;
    if (dial->setup_error)
        fail(dial, g_error_copy(dial->setup_error));
    else if (dial->looked_up)
        advance(dial);
    else
        begin(dial);
    return G_SOURCE_REMOVE;
}

static void schedule(struct dial *dial)
{
    unsigned ms = dial->timeout_ms;
    if (!ms)
        ms = dial->proxy ? TOTAL_PROXY_MS : TOTAL_MS;
    dial->deadline = g_timeout_add(ms, on_deadline, dial);
    dial->step = g_idle_add_full(G_PRIORITY_DEFAULT, on_step, dial, NULL);
}

static void proxy_free(struct proxy *proxy)
{
    if (!proxy)
        return;
    g_free(proxy->host);
    g_free(proxy->user);
    if (proxy->password)
        secret_wipe(proxy->password, strlen(proxy->password));
    g_free(proxy->password);
    g_free(proxy);
}

static struct proxy *proxy_parse(const char *text, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_HAS_PASSWORD, NULL);
    const char *scheme = uri ? g_uri_get_scheme(uri) : "";
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    const char *user = uri ? g_uri_get_user(uri) : NULL;
    const char *password = uri ? g_uri_get_password(uri) : NULL;

    if ((strcmp(scheme, "socks5") != 0 && strcmp(scheme, "socks5h") != 0) ||
        !host || !*host || (user && (!*user || strlen(user) > 255)) ||
        (password && strlen(password) > 255)) {
        g_set_error(error, DIAL_ERROR, DIAL_ERROR_PROXY,
            _("The proxy of the account cannot be used; write it as "
            "socks5://host:port or socks5://user:password@host:port."));
        return NULL;
    }
    struct proxy *proxy = g_new0(struct proxy, 1);
    int port = g_uri_get_port(uri);
    proxy->host = g_strdup(host);
    proxy->port = port > 0 ? (guint16)port : PORT_SOCKS;
    proxy->user = g_strdup(user);
    proxy->password = g_strdup(password);
    return proxy;
}

struct dial *dial_start(
    const struct dial_config *config, dial_done_fn fn, gpointer data)
{
    struct dial *dial = g_new0(struct dial, 1);

    dial->domain = g_strdup(config->domain);
    if (config->server) {
        char *ascii = is_literal(config->server)
                          ? NULL
                          : jid_domain_ascii(config->server);
        dial->server = ascii ? ascii : g_strdup(config->server);
    }
    dial->port = config->port;
    dial->allow_starttls = config->allow_starttls || !config->allow_direct;
    dial->allow_direct = config->allow_direct;
    dial->timeout_ms = config->timeout_ms;
    dial->fn = fn;
    dial->data = data;
    dial->queries = g_ptr_array_new();
    dial->targets = g_ptr_array_new_with_free_func(target_free);
    dial->racing = g_ptr_array_new_with_free_func(attempt_free);
    g_queue_init(&dial->addresses);
    if (config->proxy && *config->proxy)
        dial->proxy = proxy_parse(config->proxy, &dial->setup_error);
    if (strlen(sought(dial)) > 255 && !dial->setup_error)
        dial->setup_error = g_error_new(DIAL_ERROR, DIAL_ERROR_DNS,
            _("The name of the server is too long; check the address."));
    schedule(dial);
    return dial;
}

void dial_next(struct dial *dial)
{
    stop(dial);
    schedule(dial);
}

void dial_free(struct dial *dial)
{
    if (!dial)
        return;
    stop(dial);
    g_clear_object(&dial->resolver);
    g_ptr_array_unref(dial->queries);
    g_ptr_array_unref(dial->targets);
    g_ptr_array_unref(dial->racing);
    g_queue_clear_full(&dial->addresses, g_object_unref);
    proxy_free(dial->proxy);
    g_clear_error(&dial->last);
    g_clear_error(&dial->setup_error);
    g_free(dial->domain);
    g_free(dial->server);
    g_free(dial);
}
