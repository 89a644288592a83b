/* Fetching files (H57), against a small https server in threads of its own.
 * What libcurl does is not tested again; what we ask of it is. */
#include "config.h"
#include "kit_tls.h"
#include "net/http.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the server ---- */

struct server {
    SSL_CTX *context;
    int fd;
    guint16 port;
    GThread *thread;
    GPtrArray *talks;
    char *ca_file;
};

struct talk {
    struct server *server;
    int fd;
};

static bool say(SSL *ssl, const char *text)
{
    return SSL_write(ssl, text, (int)strlen(text)) > 0;
}

static const struct answer {
    const char *path, *text;
} answers[] = {
    { "/hello", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello" },
    { "/a%20b%C3%A9?q=%2F", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npath" },
    { "/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
    { "/more", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyand more than was declared" },
    { "/less", "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nbody" },
    { "/huge", "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nbody" },
    { "/gone", "HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone" },
    { "/locked", "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 2\r\n\r\nno" },
    { "/moved", "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 5\r\n\r\nmoved" },
    { "/loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n" },
    { "/away", "HTTP/1.1 302 Found\r\nLocation: https://cdn.example/x\r\nContent-Length: 0\r\n\r\n" },
    { "/down", "HTTP/1.1 302 Found\r\nLocation: http://localhost/x\r\nContent-Length: 0\r\n\r\n" },
    { "/file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n" },
    { "/not-http", "\001\002\003\r\n\r\n" },
};

static void answer(SSL *ssl, const char *path)
{
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
        if (!strcmp(path, answers[i].path))
            say(ssl, answers[i].text);
    if (!strcmp(path, "/endless")) {
        say(ssl, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while (say(ssl, "a\r\n0123456789\r\n"))
            ;
    }
    if (!strcmp(path, "/trickle")) {
        say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
        while (say(ssl, "x"))
            g_usleep(200000);
    }
    if (!strcmp(path, "/silent")) {
        char byte;
        while (SSL_read(ssl, &byte, 1) > 0)
            ;
    }
}

static gpointer serve_one(gpointer data)
{
    struct talk *talk = data;
    SSL *ssl = SSL_new(talk->server->context);
    char request[4096], path[1024] = "";
    int used = 0;
    SSL_set_fd(ssl, talk->fd);
    if (SSL_accept(ssl) == 1) {
        int n;
        while (used < (int)sizeof request - 1 &&
            (n = SSL_read(ssl, request + used, (int)sizeof request - 1 - used)) > 0) {
            used += n;
            request[used] = '\0';
            if (strstr(request, "\r\n\r\n"))
                break;
        }
        if (sscanf(request, "GET %1000s ", path) == 1 && !strcasestr(request, "\r\nAuthorization:") &&
            !strcasestr(request, "\r\nCookie:"))
            answer(ssl, path);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    close(talk->fd);
    g_free(talk);
    return NULL;
}

static gpointer serve(gpointer data)
{
    struct server *server = data;
    int fd;
    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        struct talk *talk = g_new(struct talk, 1);
        *talk = (struct talk){ server, fd };
        g_ptr_array_add(server->talks, g_thread_new("talk", serve_one, talk));
    }
    return NULL;
}

static struct server *server_new(void)
{
    struct server *server = g_new0(struct server, 1);
    auto_struct(kit_cert) cert = kit_cert_new(&(struct kit_spec){ .cn = "localhost",
        .names = { { KIT_DNS, "localhost", 0 } }, .is_ca = true });
    struct sockaddr_in address = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    server->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(server->context, cert->cert);
    SSL_CTX_use_PrivateKey(server->context, cert->key);
    server->ca_file = kit_cert_write(cert, false);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(server->fd, (struct sockaddr *)&address, len), ==, 0);
    g_assert_cmpint(listen(server->fd, 16), ==, 0);
    getsockname(server->fd, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.sin_port);
    server->talks = g_ptr_array_new();
    server->thread = g_thread_new("server", serve, server);
    return server;
}

static void server_free(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    g_thread_join(server->thread);
    for (guint i = 0; i < server->talks->len; i++)
        g_thread_join(server->talks->pdata[i]);
    g_ptr_array_free(server->talks, TRUE);
    close(server->fd);
    SSL_CTX_free(server->context);
    g_remove(server->ca_file);
    g_free(server->ca_file);
    g_free(server);
}

/* ---- a fetch ---- */

struct fetch {
    GString *text;
    GError *error;
    char *type;
    gint64 length;
    bool done, refuse;
};

static bool on_bytes(struct http *http, const char *bytes, gsize len, gpointer data)
{
    struct fetch *fetch = data;
    (void)http;
    g_string_append_len(fetch->text, bytes, (gssize)len);
    return !fetch->refuse;
}

static void on_done(struct http *http, const GError *error, gpointer data)
{
    struct fetch *fetch = data;
    g_assert_false(fetch->done);
    fetch->done = true;
    fetch->type = g_strdup(http_type(http));
    fetch->length = http_length(http);
    g_assert_true(error || http_received(http) == (gint64)fetch->text->len);
    fetch->error = error ? g_error_copy(error) : NULL;
}

static const struct http_events events = { on_bytes, on_done };

static void fetch_clear(struct fetch *fetch)
{
    g_string_free(fetch->text, TRUE);
    g_clear_error(&fetch->error);
    g_free(fetch->type);
}

static void run(struct fetch *fetch, const struct http_get *what)
{
    fetch->text = g_string_new(NULL);
    http_get(what, &events, fetch);
    g_assert_false(fetch->done);
    while (!fetch->done)
        g_main_context_iteration(NULL, TRUE);
}

static char *url_of(const struct server *server, const char *path)
{
    return g_strdup_printf("https://localhost:%u%s", server->port, path);
}

/* NULL error: none. */
static void expect(const struct server *server, const char *path, const char *text, int code)
{
    g_autofree char *url = url_of(server, path);
    struct fetch fetch = { .length = 0 };
    run(&fetch, &(struct http_get){ .url = url, .ca_file = server->ca_file,
        .max_bytes = 1000, .stall_s = code == HTTP_ERROR_TIMEOUT ? 1 : 20,
        .allow_private = true });
    if (code < 0)
        g_assert_no_error(fetch.error);
    else
        g_assert_error(fetch.error, HTTP_ERROR, code);
    if (text)
        g_assert_cmpstr(fetch.text->str, ==, text);
    g_assert_cmpuint(fetch.text->len, <=, 1000);
    fetch_clear(&fetch);
}

static void test_fetches(gconstpointer data)
{
    const struct server *server = data;
    expect(server, "/hello", "hello", -1);
    expect(server, "/hello#part", "hello", -1);
    expect(server, "/a%20b\303\251?q=%2F", "path", -1);
    expect(server, "/empty", "", -1);
    expect(server, "/moved", "hello", -1);
    g_autofree char *url = url_of(server, "/hello");
    struct fetch fetch = { .length = 0 };
    run(&fetch, &(struct http_get){ .url = url, .ca_file = server->ca_file, .allow_private = true });
    g_assert_cmpstr(fetch.type, ==, "text/plain");
    g_assert_cmpint(fetch.length, ==, 5);
    fetch_clear(&fetch);
}

/* Longer and shorter than declared, too large with and without saying so, as
 * slow as a byte now and then. */
static void test_h57_sizes(gconstpointer data)
{
    const struct server *server = data;
    expect(server, "/more", "body", -1);
    expect(server, "/less", NULL, HTTP_ERROR_NETWORK);
    expect(server, "/huge", "", HTTP_ERROR_TOO_LARGE);
    expect(server, "/endless", NULL, HTTP_ERROR_TOO_LARGE);
    expect(server, "/not-http", "", HTTP_ERROR_NETWORK);
}

static void test_h57_slow(gconstpointer data)
{
    expect(data, "/trickle", NULL, HTTP_ERROR_TIMEOUT);
}

static void test_refusals(gconstpointer data)
{
    const struct server *server = data;
    expect(server, "/gone", "", HTTP_ERROR_STATUS);
    expect(server, "/locked", "", HTTP_ERROR_STATUS);
    expect(server, "/loop", "", HTTP_ERROR_REDIRECT);
    expect(server, "/away", "", HTTP_ERROR_REDIRECT);
    expect(server, "/down", "", HTTP_ERROR_URL);
    expect(server, "/file", "", HTTP_ERROR_URL);
}

static void test_bad_links(void)
{
    static const char *const links[] = { "", "http://localhost/", "file:///etc/passwd",
        "https://", "https:///x", "https://juliet:secret@localhost/", "https://good.example@localhost/",
        "https://localhost/a b", "https://localhost/\302\233m", "https://[fe80::1%25lo]/",
        "ftp://localhost/", "https://localhost\n/", "gopher://localhost/x" };
    for (gsize i = 0; i < G_N_ELEMENTS(links); i++) {
        struct fetch fetch = { .length = 0 };
        run(&fetch, &(struct http_get){ .url = links[i], .allow_private = true });
        g_assert_error(fetch.error, HTTP_ERROR, HTTP_ERROR_URL);
        fetch_clear(&fetch);
    }
}

static void test_private_refused(gconstpointer data)
{
    const struct server *server = data;
    static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
        "2130706433", "0x7f.1", "127.1", "[::]", "0", "169.254.169.254", "[fd00::1]" };
    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *url = g_strdup_printf("https://%s:%u/hello", hosts[i], server->port);
        struct fetch fetch = { .length = 0 };
        run(&fetch, &(struct http_get){ .url = url, .ca_file = server->ca_file });
        /* GLib does not look other notations of a number up; it need not. */
        if (!fetch.error || fetch.error->code != HTTP_ERROR_NETWORK ||
            !strpbrk(hosts[i], "0123456789") || g_hostname_is_ip_address(hosts[i]))
            g_assert_error(fetch.error, HTTP_ERROR, HTTP_ERROR_PRIVATE);
        g_assert_cmpuint(fetch.text->len, ==, 0);
        fetch_clear(&fetch);
    }
}

static void test_addresses(void)
{
    static const struct {
        const char *address;
        bool is_public;
    } rows[] = {
        { "8.8.8.8", true }, { "1.1.1.1", true }, { "10.1.2.3", false }, { "172.16.0.1", false },
        { "172.32.0.1", true }, { "192.168.1.1", false }, { "100.64.0.1", false },
        { "100.128.0.1", true }, { "0.0.0.0", false }, { "224.0.0.1", false },
        { "255.255.255.255", false }, { "169.254.169.254", false }, { "127.8.8.8", false },
        { "2a00:1450::1", true }, { "::1", false }, { "::", false }, { "fe80::1", false },
        { "fc00::1", false }, { "ff02::1", false }, { "::ffff:10.0.0.1", false },
        { "::ffff:8.8.8.8", true }, { "64:ff9b::7f00:1", false }, { "64:ff9b::808:808", true },
        { "2002:7f00:1::", false }, { "2002:808:808::", true }, { "2001:db8::1", false },
        { "2001::1", false }, { "::127.0.0.1", false },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GInetAddress) address = g_inet_address_new_from_string(rows[i].address);
        g_test_message("%s", rows[i].address);
        g_assert_cmpint(http_address_is_public(address), ==, rows[i].is_public);
    }
}

static void test_certificates(gconstpointer data)
{
    const struct server *server = data;
    g_autofree char *url = url_of(server, "/hello");
    g_autofree char *other = g_strdup_printf("https://127.0.0.1:%u/hello", server->port);
    struct fetch unknown = { .length = 0 }, wrong = { .length = 0 };
    run(&unknown, &(struct http_get){ .url = url, .allow_private = true });
    g_assert_error(unknown.error, HTTP_ERROR, HTTP_ERROR_CERTIFICATE);
    run(&wrong, &(struct http_get){ .url = other, .ca_file = server->ca_file, .allow_private = true });
    g_assert_error(wrong.error, HTTP_ERROR, HTTP_ERROR_CERTIFICATE);
    fetch_clear(&unknown);
    fetch_clear(&wrong);
}

static void test_sink_refuses(gconstpointer data)
{
    g_autofree char *url = url_of(data, "/hello");
    struct fetch fetch = { .refuse = true };
    run(&fetch, &(struct http_get){ .url = url,
        .ca_file = ((const struct server *)data)->ca_file, .allow_private = true });
    g_assert_error(fetch.error, HTTP_ERROR, HTTP_ERROR_SINK);
    fetch_clear(&fetch);
}

static gboolean on_cancel(gpointer data)
{
    bool *over = data;
    *over = true;
    return G_SOURCE_REMOVE;
}

/* At once, while the name is looked up, and while the server is silent. */
static void test_cancel(gconstpointer data)
{
    const struct server *server = data;
    g_autofree char *silent = url_of(server, "/silent");
    for (int wait_ms = 0; wait_ms <= 200; wait_ms += 50) {
        struct fetch fetch = { .text = g_string_new(NULL) };
        struct http *http = http_get(&(struct http_get){ .url = silent,
            .ca_file = server->ca_file, .allow_private = true }, &events, &fetch);
        bool over = wait_ms == 0;
        if (!over)
            g_timeout_add((guint)wait_ms, on_cancel, &over);
        while (!over)
            g_main_context_iteration(NULL, TRUE);
        http_cancel(http);
        while (g_main_context_iteration(NULL, FALSE))
            ;
        g_assert_false(fetch.done);
        fetch_clear(&fetch);
    }
}

static void test_no_such_host(void)
{
    struct fetch fetch = { .length = 0 };
    run(&fetch, &(struct http_get){ .url = "https://nowhere.invalid/" });
    g_assert_error(fetch.error, HTTP_ERROR, HTTP_ERROR_NETWORK);
    fetch_clear(&fetch);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* The environment's proxies must not matter. */
    g_setenv("https_proxy", "http://127.0.0.1:1", TRUE);
    g_setenv("ALL_PROXY", "http://127.0.0.1:1", TRUE);
    g_test_add_func("/http/addresses", test_addresses);
    void *library = dlopen("libcurl.so.4", RTLD_NOW);
    if (!library && !(library = dlopen("libcurl-gnutls.so.4", RTLD_NOW))) {
        g_test_message("without libcurl nothing can be fetched");
        return g_test_run();
    }
    struct server *server = server_new();
    g_test_add_data_func("/http/fetches", server, test_fetches);
    g_test_add_data_func("/http/H57/sizes", server, test_h57_sizes);
    g_test_add_data_func("/http/H57/slow", server, test_h57_slow);
    g_test_add_data_func("/http/refusals", server, test_refusals);
    g_test_add_func("/http/bad-links", test_bad_links);
    g_test_add_data_func("/http/private", server, test_private_refused);
    g_test_add_data_func("/http/certificates", server, test_certificates);
    g_test_add_data_func("/http/sink", server, test_sink_refuses);
    g_test_add_data_func("/http/cancel", server, test_cancel);
    g_test_add_func("/http/no-such-host", test_no_such_host);
    int result = g_test_run();
    server_free(server);
    return result;
}
