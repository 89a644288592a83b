/* net/dial: order of targets, the race, SOCKS5 (C01, C02, H14, F19). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/tcp.h>

#include "net/dial.h"

/* ---- a resolver that answers from a table ---- */

struct answer {
    const char *name;
    const char *records[5]; /* SRV: "priority weight port host" */
    const char *addresses[5];
    bool fails;    /* SERVFAIL */
    bool never;    /* no answer at all */
    int never_family; /* 4, 6: none for this one */
    unsigned many; /* that many records to 127.0.0.1:1 */
};

static struct {
    const struct answer *answers;
    GPtrArray *asked;
} zone; /* what the test resolver knows */

typedef struct {
    GResolver parent;
} TestResolver;
typedef struct {
    GResolverClass parent;
} TestResolverClass;
static GType test_resolver_get_type(void);
G_DEFINE_TYPE(TestResolver, test_resolver, G_TYPE_RESOLVER)

static void test_resolver_init(TestResolver *self)
{
    (void)self;
}

static const struct answer *answer_for(const char *name)
{
    const struct answer *answer = zone.answers;
    g_ptr_array_add(zone.asked, g_strdup(name));
    for (; answer && answer->name; answer++) {
        if (strcmp(answer->name, name) == 0)
            return answer;
    }
    return NULL;
}

static void free_records(gpointer list)
{
    g_list_free_full(list, (GDestroyNotify)g_variant_unref);
}

static void free_addresses(gpointer list)
{
    g_list_free_full(list, g_object_unref);
}

static GVariant *record_of(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", 4);
    return g_variant_ref_sink(g_variant_new("(qqqs)", (guint16)atoi(parts[0]),
        (guint16)atoi(parts[1]), (guint16)atoi(parts[2]), parts[3]));
}

static void fail_task(GTask *task, const struct answer *answer)
{
    bool servfail = answer && answer->fails;
    g_task_return_new_error(task, G_RESOLVER_ERROR,
        servfail ? G_RESOLVER_ERROR_TEMPORARY_FAILURE
                 : G_RESOLVER_ERROR_NOT_FOUND,
        servfail ? "temporary failure" : "not found");
}

static void look_up_records(GResolver *resolver, const gchar *name,
    GResolverRecordType type, GCancellable *cancel, GAsyncReadyCallback fn,
    gpointer data)
{
    g_autoptr(GTask) task = g_task_new(resolver, cancel, fn, data);
    const struct answer *answer = answer_for(name);
    GList *list = NULL;

    g_assert_cmpint(type, ==, G_RESOLVER_RECORD_SRV);
    if (answer && answer->never) {
        g_object_ref(task); /* for ever */
        return;
    }
    for (unsigned i = 0; answer && i < answer->many; i++)
        list = g_list_prepend(list, record_of("0 1 1 127.0.0.1"));
    for (int i = 0; answer && answer->records[i]; i++)
        list = g_list_append(list, record_of(answer->records[i]));
    if (list)
        g_task_return_pointer(task, list, free_records);
    else
        fail_task(task, answer);
}

static void look_up_name(GResolver *resolver, const gchar *name,
    GResolverNameLookupFlags flags, GCancellable *cancel,
    GAsyncReadyCallback fn, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(resolver, cancel, fn, data);
    bool v6 = flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY;
    const struct answer *answer = answer_for(name);
    GList *list = NULL;
    if (v6) /* counted once */
        g_ptr_array_set_size(zone.asked, (gint)zone.asked->len - 1);
    if (answer && answer->never_family == (v6 ? 6 : 4)) {
        g_object_ref(task); /* for ever */
        return;
    }
    for (int i = 0; answer && answer->addresses[i]; i++)
        if (v6 == (strchr(answer->addresses[i], ':') != NULL))
            list = g_list_append(
                list, g_inet_address_new_from_string(answer->addresses[i]));
    if (list)
        g_task_return_pointer(task, list, free_addresses);
    else
        fail_task(task, answer);
}

static GList *finish(GResolver *resolver, GAsyncResult *result, GError **error)
{
    (void)resolver;
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void test_resolver_class_init(TestResolverClass *class)
{
    GResolverClass *resolver = G_RESOLVER_CLASS(class);
    resolver->lookup_records_async = look_up_records;
    resolver->lookup_records_finish = finish;
    resolver->lookup_by_name_with_flags_async = look_up_name;
    resolver->lookup_by_name_with_flags_finish = finish;
}

static void know(const struct answer *answers)
{
    zone.answers = answers;
    g_ptr_array_set_size(zone.asked, 0);
}

/* ---- a server that accepts ---- */

/* -1 only where the port is not for everybody. */
static int listen_on(const char *address, guint16 *port)
{
    struct sockaddr_in name = { .sin_family = AF_INET };
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &name.sin_addr);
    name.sin_port = htons(*port);
    int rc = bind(fd, (struct sockaddr *)&name, len);
    if (rc < 0 && errno == EACCES && *port && *port < 1024) {
        close(fd);
        return -1;
    }
    if (rc < 0 || listen(fd, 8) < 0)
        g_error("cannot listen on %s", address);
    getsockname(fd, (struct sockaddr *)&name, &len);
    *port = ntohs(name.sin_port);
    return fd;
}

/* Well-known ports, but on an address of this process alone. */
static char *own_address(void)
{
    unsigned pid = (unsigned)getpid();
    return g_strdup_printf(
        "127.%u.%u.%u", 8 + (pid >> 16) % 200, pid >> 8 & 255, pid & 255);
}

/* A port that refuses: bound, never listening. */
static int refuse_on(const char *address, guint16 *port)
{
    struct sockaddr_in name = { .sin_family = AF_INET };
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &name.sin_addr);
    if (bind(fd, (struct sockaddr *)&name, len) < 0)
        g_error("cannot bind %s", address);
    getsockname(fd, (struct sockaddr *)&name, &len);
    *port = ntohs(name.sin_port);
    return fd;
}

/* ---- one dial and what came of it ---- */

struct result {
    int fd;
    char *host, *peer;
    guint16 port;
    enum dial_tls tls;
    GError *error;
    unsigned calls;
    gint64 elapsed_ms;
};

static void on_done(int fd, const struct dial_target *target,
    const GError *error, gpointer data)
{
    struct result *result = data;
    result->calls++;
    result->fd = fd;
    g_clear_error(&result->error);
    g_clear_pointer(&result->host, g_free);
    g_clear_pointer(&result->peer, g_free);
    if (error)
        result->error = g_error_copy(error);
    if (!target)
        return;
    g_assert_null(error);
    result->host = g_strdup(target->host);
    result->port = target->port;
    result->tls = target->tls;

    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    g_assert_cmpint(getpeername(fd, (struct sockaddr *)&name, &len), ==, 0);
    g_autoptr(GSocketAddress) address =
        g_socket_address_new_from_native(&name, len);
    result->peer = g_inet_address_to_string(
        g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
}

static gboolean too_late(gpointer data)
{
    (void)data;
    g_error("nothing happened for 20 seconds");
    return G_SOURCE_REMOVE;
}

static void wait_for_calls(struct result *result, unsigned calls)
{
    gint64 start = g_get_monotonic_time();
    guint guard = g_timeout_add_seconds(20, too_late, NULL);
    while (result->calls < calls)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(guard);
    result->elapsed_ms = (g_get_monotonic_time() - start) / 1000;
}

static void result_clear(struct result *result)
{
    if (result->fd >= 0)
        close(result->fd);
    g_clear_error(&result->error);
    g_free(result->host);
    g_free(result->peer);
    *result = (struct result){ .fd = -1 };
}

static struct result dial(const struct dial_config *config)
{
    struct result result = { .fd = -1 };
    struct dial *dial = dial_start(config, on_done, &result);
    g_assert_cmpuint(result.calls, ==, 0);
    wait_for_calls(&result, 1);
    dial_free(dial);
    return result;
}

static const struct dial_config both = {
    .domain = "v.tld",
    .allow_starttls = true,
    .allow_direct = true,
};

static bool was_asked(const char *name)
{
    for (guint i = 0; i < zone.asked->len; i++) {
        if (strcmp(zone.asked->pdata[i], name) == 0)
            return true;
    }
    return false;
}

/* ---- RFC 2782 ---- */

static struct dial_target *target(
    guint16 priority, guint16 weight, guint16 port)
{
    struct dial_target *out = g_new0(struct dial_target, 1);
    out->priority = priority;
    out->weight = weight;
    out->port = port;
    return out;
}

static guint16 port_at(const GPtrArray *targets, guint i)
{
    return ((struct dial_target *)targets->pdata[i])->port;
}

static void test_priority(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GPtrArray) targets = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(targets, target(20, 65535, 4));
    g_ptr_array_add(targets, target(10, 0, 3));
    g_ptr_array_add(targets, target(5, 0, 2));
    g_ptr_array_add(targets, target(0, 0, 1));
    dial_sort_targets(targets, rand);
    for (guint i = 0; i < 4; i++)
        g_assert_cmpuint(port_at(targets, i), ==, i + 1);

    g_ptr_array_set_size(targets, 0);
    dial_sort_targets(targets, rand);
}

static void test_weight(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    unsigned first[3] = { 0 };
    const unsigned rounds = 6000;
    for (unsigned i = 0; i < rounds; i++) {
        g_autoptr(GPtrArray) targets = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(targets, target(1, 20, 1));
        g_ptr_array_add(targets, target(1, 0, 0));
        g_ptr_array_add(targets, target(1, 80, 2));
        dial_sort_targets(targets, rand);
        g_assert_cmpuint(targets->len, ==, 3);
        g_assert_cmpuint(
            port_at(targets, 0) + port_at(targets, 1) + port_at(targets, 2), ==,
            3);
        first[port_at(targets, 0)]++;
    }
    /* One in a hundred, a fifth, the rest. */
    g_assert_cmpuint(first[0], >, 10);
    g_assert_cmpuint(first[0], <, rounds / 25);
    g_assert_cmpuint(first[1], >, rounds * 16 / 100);
    g_assert_cmpuint(first[1], <, rounds * 24 / 100);
}

/* ---- SRV ---- */

static void test_srv_merged(void)
{
    guint16 port = 0;
    int listener = listen_on("127.0.0.1", &port);
    g_autofree char *good = g_strdup_printf("1 0 %u 127.0.0.1", port);
    g_autofree char *worse = g_strdup_printf("2 0 %u 127.0.0.1", port);
    const struct answer direct_first[] = {
        { .name = "_xmpp-client._tcp.v.tld", .records = { worse } },
        { .name = "_xmpps-client._tcp.v.tld", .records = { good } },
        { 0 },
    };
    const struct answer starttls_first[] = {
        { .name = "_xmpp-client._tcp.v.tld", .records = { good } },
        { .name = "_xmpps-client._tcp.v.tld", .records = { worse } },
        { 0 },
    };

    know(direct_first);
    struct result result = dial(&both);
    g_assert_no_error(result.error);
    g_assert_cmpint(result.tls, ==, DIAL_DIRECT);
    result_clear(&result);

    know(starttls_first);
    result = dial(&both);
    g_assert_cmpint(result.tls, ==, DIAL_STARTTLS);
    g_assert_cmpuint(result.port, ==, port);
    result_clear(&result);

    /* Only what is allowed is asked for. */
    know(direct_first);
    struct dial_config only = both;
    only.allow_direct = false;
    result = dial(&only);
    g_assert_cmpint(result.tls, ==, DIAL_STARTTLS);
    g_assert_false(was_asked("_xmpps-client._tcp.v.tld"));
    result_clear(&result);
    close(listener);
}

static void test_next_target(void)
{
    guint16 port = 0, closed = 0;
    int listener = listen_on("127.0.0.1", &port);
    int refuser = refuse_on("127.0.0.1", &closed);
    g_autofree char *bad = g_strdup_printf("1 0 %u 127.0.0.1", closed);
    g_autofree char *unknown = g_strdup_printf("2 0 %u gone.tld", port);
    g_autofree char *zero = g_strdup("0 0 0 127.0.0.1");
    g_autofree char *good = g_strdup_printf("3 0 %u host.tld.", port);
    const struct answer answers[] = {
        { .name = "_xmpp-client._tcp.v.tld",
            .records = { bad, unknown, zero, good } },
        { .name = "host.tld", .addresses = { "127.0.0.1" } },
        { 0 },
    };
    know(answers);
    struct result result = dial(&both);
    g_assert_no_error(result.error);
    g_assert_cmpstr(result.host, ==, "host.tld");
    g_assert_false(was_asked("v.tld"));
    result_clear(&result);
    close(listener);
    close(refuser);
}

static void test_no_service(void)
{
    static const struct answer dot[] = {
        { .name = "_xmpp-client._tcp.v.tld", .records = { "0 0 0 ." } },
        { .name = "v.tld", .addresses = { "127.0.0.1" } },
        { 0 },
    };
    know(dot);
    struct result result = dial(&both);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_NO_SERVICE);
    g_assert_false(was_asked("v.tld"));
    result_clear(&result);

    /* "." of one kind says nothing about the other. */
    guint16 port = 0;
    int listener = listen_on("127.0.0.1", &port);
    g_autofree char *good = g_strdup_printf("1 0 %u 127.0.0.1", port);
    const struct answer direct[] = {
        { .name = "_xmpp-client._tcp.v.tld", .records = { "0 0 0 ." } },
        { .name = "_xmpps-client._tcp.v.tld", .records = { good } },
        { 0 },
    };
    know(direct);
    result = dial(&both);
    g_assert_no_error(result.error);
    g_assert_cmpint(result.tls, ==, DIAL_DIRECT);
    result_clear(&result);

    /* Records that cannot be used are no reason to guess (C02). */
    static const struct answer unusable[] = {
        { .name = "_xmpp-client._tcp.v.tld", .records = { "0 0 0 a.tld" } },
        { .name = "v.tld", .addresses = { "127.0.0.1" } },
        { 0 },
    };
    know(unusable);
    result = dial(&both);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_NO_SERVICE);
    result_clear(&result);
    close(listener);
}

static void test_fallback(void)
{
    g_autofree char *own = own_address();
    const struct answer none[] = {
        { .name = "v.tld", .addresses = { own } },
        { 0 },
    };
    const struct answer servfail[] = {
        { .name = "_xmpp-client._tcp.v.tld", .fails = true },
        { .name = "_xmpps-client._tcp.v.tld", .fails = true },
        { .name = "v.tld", .addresses = { own } },
        { 0 },
    };
    guint16 port = 5222;
    int listener = listen_on(own, &port);
    const struct answer *const zones[] = { none, servfail };
    for (size_t i = 0; i < G_N_ELEMENTS(zones); i++) {
        know(zones[i]);
        struct result result = dial(&both);
        g_assert_no_error(result.error);
        g_assert_cmpuint(result.port, ==, 5222);
        g_assert_cmpint(result.tls, ==, DIAL_STARTTLS);
        g_assert_cmpstr(result.peer, ==, own);
        result_clear(&result);
    }
    close(listener);

    know(NULL);
    struct result result = dial(&both);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_DNS);
    g_assert_nonnull(strstr(result.error->message, "v.tld"));
    result_clear(&result);
}

/* One kind has answered, the other never will. */
static void test_silent_kind(void)
{
    guint16 port = 0;
    int listener = listen_on("127.0.0.1", &port);
    g_autofree char *good = g_strdup_printf("1 0 %u 127.0.0.1", port);
    const struct answer answers[] = {
        { .name = "_xmpp-client._tcp.v.tld", .records = { good } },
        { .name = "_xmpps-client._tcp.v.tld", .never = true },
        { 0 },
    };
    know(answers);
    struct result result = dial(&both);
    g_assert_no_error(result.error);
    g_assert_cmpint(result.elapsed_ms, <, 3000);
    result_clear(&result);
    close(listener);
}

static void test_many_records(void)
{
    static const struct answer answers[] = {
        { .name = "_xmpp-client._tcp.v.tld", .many = 1500 },
        { 0 },
    };
    know(answers);
    struct result result = dial(&both);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_REFUSED);
    g_assert_cmpint(result.elapsed_ms, <, 2000);
    result_clear(&result);
}

/* ---- --server and literals ---- */

static void test_port_rule(void)
{
    static const struct {
        guint16 port;
        bool starttls, direct;
        guint16 expected_port;
        enum dial_tls expected;
    } rules[] = {
        { 0, true, true, 5222, DIAL_STARTTLS },
        { 0, false, true, 5223, DIAL_DIRECT },
        { 0, true, false, 5222, DIAL_STARTTLS },
        { 5223, true, true, 5223, DIAL_DIRECT },
        { 5223, true, false, 5223, DIAL_STARTTLS },
        { 443, true, true, 443, DIAL_DIRECT },
        { 5222, false, true, 5222, DIAL_DIRECT },
        { 7777, true, true, 7777, DIAL_STARTTLS },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autofree char *own = own_address();
        guint16 port = rules[i].expected_port;
        int listener = listen_on(own, &port);
        if (listener < 0)
            continue; /* 443 is for root */
        const struct dial_config config = {
            .domain = "v.tld",
            .server = own,
            .port = rules[i].port,
            .allow_starttls = rules[i].starttls,
            .allow_direct = rules[i].direct,
        };
        know(NULL);
        struct result result = dial(&config);
        g_assert_no_error(result.error);
        g_assert_cmpuint(result.port, ==, rules[i].expected_port);
        g_assert_cmpint(result.tls, ==, rules[i].expected);
        g_assert_cmpuint(zone.asked->len, ==, 0);
        result_clear(&result);
        close(listener);
    }
}

static void test_socket(void)
{
    guint16 port = 0;
    int listener = listen_on("127.0.0.1", &port);
    const struct dial_config config = {
        .domain = "v.tld",
        .server = "localhost", /* ::1 refuses, 127.0.0.1 does not */
        .port = port,
        .allow_starttls = true,
    };
    know(NULL);
    struct result result = dial(&config);
    g_assert_no_error(result.error);
    g_assert_cmpstr(result.peer, ==, "127.0.0.1");
    g_assert_cmpuint(zone.asked->len, ==, 0);
    g_assert_cmpint(fcntl(result.fd, F_GETFD) & FD_CLOEXEC, !=, 0);
    g_assert_cmpint(fcntl(result.fd, F_GETFL) & O_NONBLOCK, !=, 0);
    int value = 0;
    socklen_t len = sizeof value;
    getsockopt(result.fd, IPPROTO_TCP, TCP_NODELAY, &value, &len);
    g_assert_cmpint(value, !=, 0);
    getsockopt(result.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &len);
    g_assert_cmpint(value, ==, 30000);
    result_clear(&result);
    close(listener);
}

static void test_literal_domain(void)
{
    g_autofree char *own = own_address();
    guint16 port = 5222;
    int listener = listen_on(own, &port);
    struct dial_config config = both;
    config.domain = own;
    know(NULL);
    struct result result = dial(&config);
    g_assert_no_error(result.error);
    g_assert_cmpuint(zone.asked->len, ==, 0);
    result_clear(&result);
    close(listener);

    config.domain = "abc.onion";
    result = dial(&config);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_DNS);
    g_assert_cmpuint(zone.asked->len, ==, 0);
    result_clear(&result);
}

/* ---- the race (F19) ---- */

static void test_refused_first(void)
{
    guint16 port = 0;
    int listener = listen_on("127.0.0.2", &port);
    const struct answer answers[] = {
        { .name = "host.tld", .addresses = { "127.0.0.3", "127.0.0.2" } },
        { 0 },
    };
    const struct dial_config config = {
        .domain = "v.tld",
        .server = "host.tld",
        .port = port,
        .allow_starttls = true,
    };
    know(answers);
    struct result result = dial(&config);
    g_assert_no_error(result.error);
    g_assert_cmpstr(result.peer, ==, "127.0.0.2");
    g_assert_cmpint(result.elapsed_ms, <, 200); /* did not wait its turn */
    result_clear(&result);
    close(listener);
}

/* A listener whose queue is full drops what comes: a black hole. */
struct hole {
    int listener;
    int fillers[8];
};

static struct hole dig_hole(const char *address, guint16 *port)
{
    struct hole hole;
    struct sockaddr_in name = { .sin_family = AF_INET };
    socklen_t len = sizeof name;

    hole.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &name.sin_addr);
    name.sin_port = htons(*port);
    if (bind(hole.listener, (struct sockaddr *)&name, len) < 0 ||
        listen(hole.listener, 0) < 0)
        g_error("cannot listen on %s", address);
    getsockname(hole.listener, (struct sockaddr *)&name, &len);
    *port = ntohs(name.sin_port);
    for (size_t i = 0; i < G_N_ELEMENTS(hole.fillers); i++) {
        hole.fillers[i] =
            socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(hole.fillers[i], (struct sockaddr *)&name, len) < 0)
            g_assert_cmpint(errno, ==, EINPROGRESS);
    }
    return hole;
}

static void fill_hole(struct hole *hole)
{
    close(hole->listener);
    for (size_t i = 0; i < G_N_ELEMENTS(hole->fillers); i++)
        close(hole->fillers[i]);
}

static void test_black_hole_first(void)
{
    guint16 port = 0;
    struct hole hole = dig_hole("127.0.0.3", &port);
    int listener = listen_on("127.0.0.2", &port);
    const struct answer answers[] = {
        { .name = "host.tld", .addresses = { "127.0.0.3", "127.0.0.2" } },
        { 0 },
    };
    const struct dial_config config = {
        .domain = "v.tld",
        .server = "host.tld",
        .port = port,
        .allow_starttls = true,
    };
    know(answers);
    struct result result = dial(&config);
    g_assert_no_error(result.error);
    g_assert_cmpstr(result.peer, ==, "127.0.0.2");
    g_assert_cmpint(result.elapsed_ms, >=, 240);
    g_assert_cmpint(result.elapsed_ms, <, 1000);
    result_clear(&result);
    close(listener);
    fill_hole(&hole);
}

static void test_deadline(void)
{
    guint16 port = 0;
    struct hole hole = dig_hole("127.0.0.3", &port);
    const struct dial_config config = {
        .domain = "v.tld",
        .server = "127.0.0.3",
        .port = port,
        .allow_starttls = true,
        .timeout_ms = 300,
    };
    know(NULL);
    struct result result = dial(&config);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_TIMEOUT);
    g_assert_cmpint(result.elapsed_ms, <, 1000);
    result_clear(&result);
    fill_hole(&hole);
}

static void test_interleaved(void)
{
    /* Every address refuses, so the order of the sentence's last one tells
     * that all were tried: v6, v4, v6, v4. */
    guint16 port = 0;
    int refuser = refuse_on("127.0.0.2", &port);
    const struct answer answers[] = {
        { .name = "host.tld",
            .addresses = { "::1", "::ffff:127.0.0.9", "127.0.0.2" } },
        { 0 },
    };
    const struct dial_config config = {
        .domain = "v.tld",
        .server = "host.tld",
        .port = port,
        .allow_starttls = true,
    };
    know(answers);
    struct result result = dial(&config);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_REFUSED);
    /* The second of v6 comes after the first of v4. */
    g_assert_null(strstr(result.error->message, "127.0.0.2:"));
    result_clear(&result);
    close(refuser);
}

/* F19: a resolver that knows nothing of one family, not even that. */
static void test_silent_family(void)
{
    guint16 port = 0;
    int listener = listen_on("127.0.0.2", &port);
    struct answer answers[] = {
        { .name = "host.tld", .addresses = { "127.0.0.2" },
            .never_family = 6 },
        { .name = "_xmpp-client._tcp.v.tld" },
        { 0 },
    };
    g_autofree char *refused = g_strdup_printf("1 1 %u refused.tld", port);
    g_autofree char *good = g_strdup_printf("2 1 %u host.tld", port);
    const struct answer targets[] = {
        { .name = "refused.tld", .addresses = { "127.0.0.9" },
            .never_family = 6 },
        { .name = "host.tld", .addresses = { "127.0.0.2" },
            .never_family = 6 },
        { .name = "_xmpp-client._tcp.v.tld", .records = { refused, good } },
        { 0 },
    };
    const struct dial_config named = { .domain = "v.tld",
        .server = "host.tld", .port = port, .allow_starttls = true };
    const struct dial_config found = { .domain = "v.tld",
        .allow_starttls = true };

    know(answers);
    struct result result = dial(&named);
    g_assert_cmpstr(result.peer, ==, "127.0.0.2");
    result_clear(&result);
    answers[0].never_family = 4; /* and nobody at the other one */
    answers[0].addresses[0] = "::ffff:127.0.0.9";
    answers[0].addresses[1] = "127.0.0.2";
    know(answers);
    const struct dial_config soon = { .domain = "v.tld", .server = "host.tld",
        .port = port, .allow_starttls = true, .timeout_ms = 300 };
    result = dial(&soon);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_TIMEOUT);
    result_clear(&result);
    know(targets);
    result = dial(&found);
    g_assert_cmpstr(result.peer, ==, "127.0.0.2");
    result_clear(&result);
    close(listener);
}

static void test_next(void)
{
    guint16 port = 0;
    int listener = listen_on("127.0.0.2", &port);
    int second = listen_on("127.0.0.4", &port);
    const struct answer answers[] = {
        { .name = "host.tld", .addresses = { "127.0.0.2", "127.0.0.4" } },
        { 0 },
    };
    const struct dial_config config = {
        .domain = "v.tld",
        .server = "host.tld",
        .port = port,
        .allow_starttls = true,
    };
    struct result result = { .fd = -1 };
    know(answers);
    struct dial *dial = dial_start(&config, on_done, &result);
    wait_for_calls(&result, 1);
    g_assert_cmpstr(result.peer, ==, "127.0.0.2");
    close(result.fd);
    dial_next(dial);
    g_assert_cmpuint(result.calls, ==, 1);
    wait_for_calls(&result, 2);
    g_assert_cmpstr(result.peer, ==, "127.0.0.4");
    close(result.fd);
    dial_next(dial);
    wait_for_calls(&result, 3);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_REFUSED);
    g_assert_cmpint(result.fd, ==, -1);
    dial_free(dial);
    result_clear(&result);
    close(listener);
    close(second);
}

static gboolean set_flag(gpointer data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

static void settle(void)
{
    bool done = false;
    g_timeout_add(50, set_flag, &done);
    while (!done)
        g_main_context_iteration(NULL, TRUE);
}

static void test_cancel(void)
{
    static const struct answer answers[] = {
        { .name = "host.tld", .addresses = { "127.0.0.2" } },
        { 0 },
    };
    const struct dial_config by_name = {
        .domain = "v.tld",
        .server = "host.tld",
        .allow_starttls = true,
    };
    struct result result = { .fd = -1 };
    know(answers);
    dial_free(dial_start(&both, on_done, &result));
    /* The answer of the resolver is under way. */
    struct dial *dial = dial_start(&by_name, on_done, &result);
    while (!zone.asked->len)
        g_main_context_iteration(NULL, TRUE);
    dial_free(dial);
    dial = dial_start(&both, on_done, &result);
    while (zone.asked->len < 3)
        g_main_context_iteration(NULL, TRUE);
    dial_free(dial);
    settle();
    g_assert_cmpuint(result.calls, ==, 0);
}

/* ---- SOCKS5 ---- */

struct step {
    const char *expect;
    gsize expect_len;
    const char *answer;
    gsize answer_len;
};
#define BYTES(text) text, sizeof text - 1

struct socks {
    int listener;
    const struct step *steps;
    bool ok;
};

static gpointer run_socks(gpointer data)
{
    struct socks *socks = data;
    int fd = accept(socks->listener, NULL, NULL);
    socks->ok = fd >= 0;
    for (const struct step *step = socks->steps; socks->ok && step->expect;
         step++) {
        char buffer[600];
        ssize_t n = recv(fd, buffer, step->expect_len, MSG_WAITALL);
        if (n != (ssize_t)step->expect_len ||
            memcmp(buffer, step->expect, step->expect_len) != 0) {
            socks->ok = false;
            break;
        }
        for (gsize i = 0; i < step->answer_len; i++) /* byte by byte */
            if (send(fd, step->answer + i, 1, MSG_NOSIGNAL) != 1)
                break;
    }
    close(fd);
    return NULL;
}

static struct result dial_by_socks(
    const struct step *steps, const char *user, bool *ok)
{
    guint16 port = 0;
    struct socks socks = { .steps = steps };
    socks.listener = listen_on("127.0.0.1", &port);
    GThread *thread = g_thread_new("socks", run_socks, &socks);
    g_autofree char *proxy =
        g_strdup_printf("socks5://%s127.0.0.1:%u", user, port);
    struct dial_config config = both;
    config.proxy = proxy;
    know(NULL);
    struct result result = dial(&config);
    g_thread_join(thread);
    close(socks.listener);
    *ok = socks.ok;
    g_assert_cmpuint(zone.asked->len, ==, 0); /* nothing leaks */
    return result;
}

static void test_socks(void)
{
    static const struct step steps[] = {
        { BYTES("\x05\x01\x00"), BYTES("\x05\x00") },
        { BYTES("\x05\x01\x00\x03\x05v.tld\x14\x66"),
            BYTES("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"
                  "HELLO") },
        { 0 },
    };
    bool ok;
    struct result result = dial_by_socks(steps, "", &ok);
    g_assert_no_error(result.error);
    g_assert_true(ok);
    g_assert_cmpuint(result.port, ==, 5222);
    g_assert_cmpint(result.tls, ==, DIAL_STARTTLS);
    /* What comes behind the answer is the server's. */
    char buffer[10] = { 0 };
    g_assert_cmpint(read(result.fd, buffer, sizeof buffer), ==, 5);
    g_assert_cmpstr(buffer, ==, "HELLO");
    result_clear(&result);
}

static void test_socks_password(void)
{
    static const struct step steps[] = {
        { BYTES("\x05\x02\x00\x02"), BYTES("\x05\x02") },
        { BYTES("\x01\x02me\x04p:ss"), BYTES("\x01\x00") },
        { BYTES("\x05\x01\x00\x03\x05v.tld\x14\x66"),
            BYTES("\x05\x00\x00\x03\x04name\x00\x50") },
        { 0 },
    };
    static const struct step refused[] = {
        { BYTES("\x05\x02\x00\x02"), BYTES("\x05\x02") },
        { BYTES("\x01\x02me\x04p:ss"), BYTES("\x01\x01") },
        { 0 },
    };
    bool ok;
    struct result result = dial_by_socks(steps, "me:p%3Ass@", &ok);
    g_assert_no_error(result.error);
    g_assert_true(ok);
    result_clear(&result);

    result = dial_by_socks(refused, "me:p%3Ass@", &ok);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_PROXY);
    result_clear(&result);
}

static void test_socks_hostile(void)
{
    static const struct {
        const char *answer;
        gsize len;
    } answers[] = {
        { BYTES("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00") },
        { BYTES("\x05\xff\x00\x01\x00") },
        { BYTES("\x04\x00\x00\x01\x00") },
        { BYTES("\x05\x00\x00\x07\x00\x00") },
        { BYTES("\x05\x00\x00\x03\xff") }, /* then nothing */
        { BYTES("\x05") },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        const struct step steps[] = {
            { BYTES("\x05\x01\x00"), BYTES("\x05\x00") },
            { BYTES("\x05\x01\x00\x03\x05v.tld\x14\x66"), answers[i].answer,
                answers[i].len },
            { 0 },
        };
        bool ok;
        struct result result = dial_by_socks(steps, "", &ok);
        g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_PROXY);
        result_clear(&result);
    }
    static const struct step http[] = {
        { BYTES("\x05\x01\x00"), BYTES("HTTP/1.1 400") },
        { 0 },
    };
    bool ok;
    struct result result = dial_by_socks(http, "", &ok);
    g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_PROXY);
    result_clear(&result);
}

static void test_bad_proxy(void)
{
    static const char *const proxies[] = { "http://127.0.0.1:1", "socks5://",
        "socks5", "socks5://@:", "socks5://host:99999" };
    for (size_t i = 0; i < G_N_ELEMENTS(proxies); i++) {
        struct dial_config config = both;
        config.proxy = proxies[i];
        know(NULL);
        struct result result = dial(&config);
        g_assert_error(result.error, DIAL_ERROR, DIAL_ERROR_PROXY);
        g_assert_cmpuint(zone.asked->len, ==, 0);
        result_clear(&result);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    zone.asked = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GResolver) resolver =
        g_object_new(test_resolver_get_type(), NULL);
    g_resolver_set_default(resolver);

    g_test_add_func("/dial/C01-priority", test_priority);
    g_test_add_func("/dial/C01-weight", test_weight);
    g_test_add_func("/dial/C01-both-kinds", test_srv_merged);
    g_test_add_func("/dial/C01-next-target", test_next_target);
    g_test_add_func("/dial/H14-no-service", test_no_service);
    g_test_add_func("/dial/H14-many-records", test_many_records);
    g_test_add_func("/dial/C02-fallback", test_fallback);
    g_test_add_func("/dial/F19-silent-kind", test_silent_kind);
    g_test_add_func("/dial/port-rule", test_port_rule);
    g_test_add_func("/dial/socket", test_socket);
    g_test_add_func("/dial/literal-domain", test_literal_domain);
    g_test_add_func("/dial/F19-refused-first", test_refused_first);
    g_test_add_func("/dial/F19-black-hole-first", test_black_hole_first);
    g_test_add_func("/dial/F19-interleaved", test_interleaved);
    g_test_add_func("/dial/F19-silent-family", test_silent_family);
    g_test_add_func("/dial/deadline", test_deadline);
    g_test_add_func("/dial/next", test_next);
    g_test_add_func("/dial/cancel", test_cancel);
    g_test_add_func("/dial/socks", test_socks);
    g_test_add_func("/dial/socks-password", test_socks_password);
    g_test_add_func("/dial/socks-hostile", test_socks_hostile);
    g_test_add_func("/dial/bad-proxy", test_bad_proxy);
    int status = g_test_run();
    g_ptr_array_unref(zone.asked);
    return status;
}
