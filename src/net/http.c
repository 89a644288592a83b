/*
 * A request is: look the name up, judge the addresses, hand exactly those to
 * libcurl (CURLOPT_RESOLVE), and run its multi handle from the loop: it says
 * which descriptors and which time it waits for. A redirect inside the host
 * begins again, at most REDIRECTS times.
 *
 * libcurl costs 5 ms to load, and is not needed to chat, so it is loaded by
 * name (http_curl.h). The interface of libcurl.so.4 has not changed since 2006;
 * an option that an older one lacks is refused when it is set.
 */
#include "config.h"
#include "net/http.h"
#include "base/intl.h"
#include "base/text.h"
#include "net/http_curl.h"
#include <dlfcn.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>

enum {
    REDIRECTS = 5, CONNECT_MS = 15000, STALL_S = 30, STALL_BYTES = 64, ADDRESSES = 8,
    SWALLOW_MAX = 65536, /* of the page that comes with a redirect */
};

struct http {
    struct http_events events;
    gpointer data;
    char *ca_file, *proxy;
    gint64 max_bytes;
    unsigned stall_s;
    bool allow_private;

    struct curl curl;
    GUri *uri;
    char *url;                /* what libcurl gets: ASCII, no fragment */
    unsigned redirects;
    gsize swallowed;
    GCancellable *cancellable; /* of the name's look-up */
    guint timer;              /* libcurl's, or the look-up's */
    GHashTable *sources;      /* descriptor → source id */
    gint64 received, length;
    GError *error;            /* why it ends, when we are the reason */
    char why[CURL_ERROR_SIZE];
};

G_DEFINE_QUARK(http-error-quark, http_error)

/* ---- addresses ---- */

struct span {
    const char *text;
    int bits;
};

/* RFC 6890 and its registries: what is not "globally reachable". */
static const struct span private4[] = { { "0.0.0.0", 8 }, { "10.0.0.0", 8 },
    { "100.64.0.0", 10 }, { "127.0.0.0", 8 }, { "169.254.0.0", 16 }, { "172.16.0.0", 12 },
    { "192.0.0.0", 24 }, { "192.0.2.0", 24 }, { "192.168.0.0", 16 }, { "198.18.0.0", 15 },
    { "198.51.100.0", 24 }, { "203.0.113.0", 24 }, { "224.0.0.0", 3 } };
/* Of these the last four bytes, or those behind the prefix, are IPv4. */
static const struct span embedding[] = { { "::", 96 }, { "::ffff:0:0", 96 },
    { "64:ff9b::", 96 }, { "2002::", 16 } };

static bool within(GInetAddress *address, const struct span *span)
{
    g_autoptr(GInetAddress) base = g_inet_address_new_from_string(span->text);
    g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new(base, (guint)span->bits, NULL);
    return mask && g_inet_address_mask_matches(mask, address);
}

bool http_address_is_public(GInetAddress *address)
{
    if (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV4) {
        for (gsize i = 0; i < G_N_ELEMENTS(private4); i++)
            if (within(address, &private4[i]))
                return false;
        return true;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(embedding); i++) {
        if (!within(address, &embedding[i]))
            continue;
        int at = embedding[i].bits == 96 ? 12 : embedding[i].bits / 8;
        g_autoptr(GInetAddress) inner = g_inet_address_new_from_bytes(
            g_inet_address_to_bytes(address) + at, G_SOCKET_FAMILY_IPV4);
        return http_address_is_public(inner);
    }
    /* Only 2000::/3 has been given out, and not its tunnels and examples. */
    return within(address, &(struct span){ "2000::", 3 }) &&
        !within(address, &(struct span){ "2001::", 23 }) &&
        !within(address, &(struct span){ "2001:db8::", 32 });
}

static void refuse_private(struct http *http)
{
    if (!http->error)
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_PRIVATE,
            _("%s is an address of this machine or of a private network."),
            g_uri_get_host(http->uri));
}

/* ---- life ---- */

static void stop(struct http *http)
{
    struct curl *curl = &http->curl;
    g_clear_handle_id(&http->timer, g_source_remove);
    if (http->cancellable)
        g_cancellable_cancel(http->cancellable);
    g_clear_object(&http->cancellable);
    if (curl->multi && curl->easy)
        curl->multi_remove_handle(curl->multi, curl->easy);
    if (curl->easy)
        curl->easy_cleanup(curl->easy);
    if (curl->multi)
        curl->multi_cleanup(curl->multi);
    if (curl->resolve)
        curl->slist_free_all(curl->resolve);
    curl->easy = curl->multi = NULL;
    curl->resolve = NULL;
    g_hash_table_remove_all(http->sources);
}

static void http_free(struct http *http)
{
    stop(http);
    g_hash_table_destroy(http->sources);
    g_clear_pointer(&http->uri, g_uri_unref);
    g_clear_error(&http->error);
    g_free(http->url);
    g_free(http->ca_file);
    g_free(http->proxy);
    g_free(http);
}

void http_cancel(struct http *http)
{
    if (http)
        http_free(http);
}

static void finish(struct http *http)
{
    http->events.done(http, http->error, http->data);
    http_free(http);
}

static gboolean on_finish(gpointer data)
{
    struct http *http = data;
    http->timer = 0;
    finish(http);
    return G_SOURCE_REMOVE;
}

/* Soon, so that nobody hears of an end before he knows of the beginning. */
static void finish_soon(struct http *http)
{
    stop(http);
    http->timer = g_idle_add(on_finish, http);
}

gint64 http_received(const struct http *http)
{
    return http->received;
}

gint64 http_length(const struct http *http)
{
    return http->length;
}

const char *http_type(const struct http *http)
{
    char *type = NULL;
    if (http->curl.easy)
        http->curl.easy_getinfo(http->curl.easy, CURLINFO_CONTENT_TYPE, &type);
    return type;
}

/* ---- the link ---- */

static bool fail(struct http *http, enum http_error code, const char *sentence)
{
    if (!http->error)
        http->error = g_error_new_literal(HTTP_ERROR, (int)code, sentence);
    return false;
}

/* The host as registered, everything else as it stands, in ASCII. */
static bool take_url(struct http *http, const char *text)
{
    g_clear_pointer(&http->uri, g_uri_unref);
    g_clear_pointer(&http->url, g_free);
    if (strlen(text) > 8192 || !text_is_clean(text, -1, TEXT_ONE_LINE) || strchr(text, ' '))
        return fail(http, HTTP_ERROR_URL, _("The link has characters that no link has."));
    http->uri = g_uri_parse(text, G_URI_FLAGS_ENCODED, NULL);
    const char *host = http->uri ? g_uri_get_host(http->uri) : NULL;
    if (!host || !*host)
        return fail(http, HTTP_ERROR_URL, _("The link cannot be read."));
    if (strcmp(g_uri_get_scheme(http->uri), "https") != 0)
        return fail(http, HTTP_ERROR_URL, _("Only https links are fetched."));
    if (g_uri_get_userinfo(http->uri))
        return fail(http, HTTP_ERROR_URL,
            _("The link has a name or a password in it, which hides where it leads."));
    g_autofree char *ascii = g_hostname_to_ascii(host);
    if (!ascii || strpbrk(ascii, "%,\\ "))
        return fail(http, HTTP_ERROR_URL, _("The link names no host."));
    int port = g_uri_get_port(http->uri);
    const char *path = g_uri_get_path(http->uri), *query = g_uri_get_query(http->uri);
    g_autoptr(GUri) plain = g_uri_build(G_URI_FLAGS_ENCODED, "https", NULL, ascii,
        port > 0 ? port : 443, *path ? path : "/", query, NULL);
    g_autofree char *joined = g_uri_to_string(plain);
    http->url = g_uri_escape_string(joined, "!#$%&'()*+,/:;=?@[]", FALSE);
    g_uri_unref(http->uri);
    http->uri = g_steal_pointer(&plain);
    return true;
}

/* ---- libcurl and the loop ---- */

static void act(struct http *http, int fd, int what);

static gboolean on_fd(int fd, GIOCondition condition, gpointer data)
{
    act(data, fd, (condition & (G_IO_IN | G_IO_HUP) ? CURL_CSELECT_IN : 0) |
            (condition & G_IO_OUT ? CURL_CSELECT_OUT : 0) |
            (condition & (G_IO_ERR | G_IO_NVAL) ? CURL_CSELECT_ERR : 0));
    return G_SOURCE_CONTINUE; /* removed by on_socket() or with http */
}

static void remove_source(gpointer id)
{
    g_source_remove(GPOINTER_TO_UINT(id));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct http *http = data;
    (void)easy;
    (void)socket_data;
    g_hash_table_remove(http->sources, GINT_TO_POINTER(fd));
    GIOCondition wanted = (what & CURL_POLL_IN ? G_IO_IN : 0) | (what & CURL_POLL_OUT ? G_IO_OUT : 0);
    if (what != CURL_POLL_REMOVE && wanted)
        g_hash_table_insert(http->sources, GINT_TO_POINTER(fd),
            GUINT_TO_POINTER(g_unix_fd_add(fd, wanted, on_fd, http)));
    return 0;
}

static gboolean on_timer(gpointer data)
{
    struct http *http = data;
    http->timer = 0;
    act(http, CURL_SOCKET_TIMEOUT, 0);
    return G_SOURCE_REMOVE;
}

static int on_set_timer(CURLM *multi, long timeout_ms, void *data)
{
    struct http *http = data;
    (void)multi;
    g_clear_handle_id(&http->timer, g_source_remove);
    if (timeout_ms >= 0)
        http->timer = g_timeout_add((guint)MIN(timeout_ms, G_MAXINT), on_timer, http);
    return 0;
}

/* The last look before a connection: no name, no trick of notation leads
 * anywhere else than to what was judged. */
static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct http *http = data;
    (void)purpose;
    g_autoptr(GSocketAddress) address = g_socket_address_new_from_native(&to->addr, to->addrlen);
    if (!http->proxy && !http->allow_private &&
        !(G_IS_INET_SOCKET_ADDRESS(address) &&
            http_address_is_public(
                g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address))))) {
        refuse_private(http);
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
}

static gsize on_bytes(char *bytes, gsize size, gsize count, void *data)
{
    struct http *http = data;
    const struct curl *curl = &http->curl;
    gsize len = size * count;
    long status = 0;
    curl->easy_getinfo(curl->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300 && status < 400)
        return (http->swallowed += len) <= SWALLOW_MAX ? len : 0;
    if (status != 200)
        return 0; /* the text of an error: explain() has a better one */
    if (!http->received)
        curl->easy_getinfo(curl->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &http->length);
    if (http->max_bytes && http->received + (gint64)len > http->max_bytes)
        return 0;
    http->received += (gint64)len;
    if (!http->events.bytes || http->events.bytes(http, bytes, len, http->data))
        return len;
    fail(http, HTTP_ERROR_SINK, _("The file cannot be taken."));
    return 0;
}

static bool load_curl(struct http *http)
{
    struct curl *curl = &http->curl;
    void *library = NULL;
    for (const char *const *name = curl_libraries; *name && !library; name++)
        library = dlopen(*name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    for (gsize i = 0; library && i < G_N_ELEMENTS(curl_functions); i++) {
        void *function = dlsym(library, curl_functions[i].name);
        if (!function)
            return fail(http, HTTP_ERROR_NO_LIBRARY, _("libcurl is too old."));
        memcpy((char *)curl + curl_functions[i].at, &function, sizeof function);
    }
    if (!library || curl->global_init(CURL_GLOBAL_ALL))
        return fail(http, HTTP_ERROR_NO_LIBRARY,
            _("Files cannot be fetched without libcurl; install libcurl4."));
    dlclose(library); /* stays loaded */
    return true;
}

static void set_options(struct http *http)
{
    struct curl *curl = &http->curl;
    CURL *easy = curl->easy;
    curl->easy_setopt(easy, CURLOPT_URL, http->url);
    curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt(easy, CURLOPT_USERAGENT, "txmpp");
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl->easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
    curl->easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)http->stall_s);
    curl->easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, http->max_bytes);
    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, http->why);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, http);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http);
    /* "" also keeps the environment's proxies out, which nobody judged. */
    curl->easy_setopt(easy, CURLOPT_PROXY, http->proxy ? http->proxy : "");
    if (http->proxy)
        curl->easy_setopt(easy, CURLOPT_NOPROXY, "");
    if (http->ca_file) /* the system's directory of certificates stays */
        curl->easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    if (curl->resolve)
        curl->easy_setopt(easy, CURLOPT_RESOLVE, curl->resolve);
}

static void transfer(struct http *http)
{
    struct curl *curl = &http->curl;
    curl->easy = curl->easy_init();
    curl->multi = curl->multi_init();
    g_assert(curl->easy && curl->multi);
    if (curl->easy_setopt(curl->easy, CURLOPT_PROTOCOLS_STR, "https")) {
        fail(http, HTTP_ERROR_NO_LIBRARY, _("libcurl is too old."));
        finish_soon(http);
        return;
    }
    curl->multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl->multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, http);
    curl->multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl->multi_setopt(curl->multi, CURLMOPT_TIMERDATA, http);
    set_options(http);
    curl->multi_add_handle(curl->multi, curl->easy); /* sets the timer */
}

/* ---- names ---- */

static void on_resolved(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    GList *addresses = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return; /* http may be gone */
    struct http *http = data;
    g_clear_handle_id(&http->timer, g_source_remove);
    g_clear_object(&http->cancellable);
    const char *host = g_uri_get_host(http->uri);
    g_autoptr(GString) entry = g_string_new(NULL);
    g_string_printf(entry, "%s:%d:", host, g_uri_get_port(http->uri));
    int count = 0;
    for (const GList *one = addresses; one && count < ADDRESSES; one = one->next) {
        if (!http->allow_private && !http_address_is_public(one->data))
            continue;
        g_autofree char *text = g_inet_address_to_string(one->data);
        bool v6 = g_inet_address_get_family(one->data) == G_SOCKET_FAMILY_IPV6;
        g_string_append_printf(entry, v6 ? "%s[%s]" : "%s%s", count++ ? "," : "", text);
    }
    if (!addresses)
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_NETWORK,
            _("The name %s is not known: %s"), host, error ? error->message : _("no address"));
    else if (!count)
        refuse_private(http);
    g_resolver_free_addresses(addresses);
    if (http->error) {
        finish(http);
        return;
    }
    http->curl.resolve = http->curl.slist_append(NULL, entry->str);
    transfer(http);
}

static gboolean on_late(gpointer data)
{
    struct http *http = data;
    http->timer = 0;
    fail(http, HTTP_ERROR_TIMEOUT, _("The name was not found in time."));
    finish(http);
    return G_SOURCE_REMOVE;
}

static void begin(struct http *http)
{
    const char *host = g_uri_get_host(http->uri);
    g_autoptr(GInetAddress) literal = g_inet_address_new_from_string(host);
    if (literal && !http->allow_private && !http_address_is_public(literal)) {
        refuse_private(http);
        finish_soon(http);
        return;
    }
    if (literal || http->proxy) {
        transfer(http);
        return;
    }
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    http->cancellable = g_cancellable_new();
    http->timer = g_timeout_add(CONNECT_MS, on_late, http);
    g_resolver_lookup_by_name_async(resolver, host, http->cancellable, on_resolved, http);
}

struct http *http_get(
    const struct http_get *what, const struct http_events *events, gpointer data)
{
    struct http *http = g_new0(struct http, 1);
    const char *proxy = what->proxy && *what->proxy ? what->proxy : NULL;
    http->events = *events;
    http->data = data;
    http->ca_file = what->ca_file && *what->ca_file ? g_strdup(what->ca_file) : NULL;
    /* With h the proxy looks names up. */
    http->proxy = proxy && g_str_has_prefix(proxy, "socks5://")
        ? g_strconcat("socks5h", proxy + strlen("socks5"), NULL) : g_strdup(proxy);
    http->max_bytes = what->max_bytes;
    http->stall_s = what->stall_s ? what->stall_s : STALL_S;
    http->allow_private = what->allow_private;
    http->length = -1;
    http->sources = g_hash_table_new_full(NULL, NULL, NULL, remove_source);
    if (take_url(http, what->url) && load_curl(http))
        begin(http);
    else
        finish_soon(http);
    return http;
}

/* ---- the end ---- */

/* True: it goes on at another place of the same host. */
static bool redirect(struct http *http)
{
    char *to = NULL;
    http->curl.easy_getinfo(http->curl.easy, CURLINFO_REDIRECT_URL, &to);
    g_autofree char *next = g_strdup(to ? to : "");
    g_autofree char *host = g_strdup(g_uri_get_host(http->uri));
    int port = g_uri_get_port(http->uri);
    stop(http);
    if (!take_url(http, next))
        return false;
    if (strcmp(g_uri_get_host(http->uri), host) != 0 || g_uri_get_port(http->uri) != port) {
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_REDIRECT,
            _("The file has moved to another host: %s"), http->url);
        return false;
    }
    if (++http->redirects > REDIRECTS)
        return fail(http, HTTP_ERROR_REDIRECT, _("The server sends us around in circles."));
    begin(http);
    return true;
}

static void explain(struct http *http, CURLcode code, long status)
{
    g_autofree char *why = text_clean(http->why, -1, TEXT_ONE_LINE);
    const char *host = g_uri_get_host(http->uri);
    if (http->error || (!code && status == 200))
        return;
    if (status && status != 200)
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_STATUS,
            status == 404 || status == 410 ? _("%s has no such file any more (%ld).")
                                           : _("%s does not give the file out (%ld)."), host, status);
    else if (code == CURLE_FILESIZE_EXCEEDED ||
        (code == CURLE_WRITE_ERROR && http->max_bytes)) {
        g_autofree char *size = g_format_size((guint64)http->max_bytes);
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_TOO_LARGE,
            _("The file is larger than %s."), size);
    } else if (code == CURLE_OPERATION_TIMEDOUT)
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_TIMEOUT, _("%s is too slow: %s"), host, why);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_CERTIFICATE,
            _("The certificate of %s is not trusted: %s"), host, why);
    else if (code == CURLE_PARTIAL_FILE)
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_NETWORK,
            _("%s broke off before the end; try again."), host);
    else
        http->error = g_error_new(HTTP_ERROR, HTTP_ERROR_NETWORK,
            _("%s could not be asked: %s"), host, *why ? why : _("the connection failed"));
}

static void ended(struct http *http, CURLcode code)
{
    long status = 0;
    http->curl.easy_getinfo(http->curl.easy, CURLINFO_RESPONSE_CODE, &status);
    bool moved = status >= 300 && status < 400 && status != 304;
    if (moved && !http->error && redirect(http))
        return;
    explain(http, code, status);
    finish(http);
}

static void act(struct http *http, int fd, int what)
{
    const struct curl *curl = &http->curl;
    int running, queued;
    curl->multi_socket_action(curl->multi, fd, what, &running);
    const CURLMsg *message = curl->multi_info_read(curl->multi, &queued);
    if (message && message->msg == CURLMSG_DONE)
        ended(http, message->data.result);
}
