#include "kit_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define PATIENCE_S 10

/* ---- connections ---- */

static void peer_play(struct kit_host *host, int fd, unsigned number)
{
    static const struct timeval patience = { .tv_sec = PATIENCE_S };
    static const int on = 1;
    struct kit_peer peer = {
        .host = host,
        .fd = fd,
        .number = number,
        .in = g_string_new(NULL),
    };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    host->script(&peer);
    if (peer.ssl)
        SSL_free(peer.ssl);
    close(fd);
    g_string_free(peer.in, TRUE);
    ERR_clear_error();
}

static gpointer host_run(gpointer data)
{
    struct kit_host *host = data;
    for (unsigned number = 0;; number++) {
        int fd = accept(host->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        g_atomic_int_inc(&host->connections);
        peer_play(host, fd, number);
    }
}

struct kit_host *kit_host_new(const struct kit_cert *cert, kit_script script)
{
    struct kit_host *host = g_new0(struct kit_host, 1);
    struct sockaddr_in name = { .sin_family = AF_INET };
    socklen_t len = sizeof name;

    g_mutex_init(&host->lock);
    host->heard = g_string_new(NULL);
    host->script = script;
    host->context = SSL_CTX_new(TLS_server_method());
    g_assert_cmpint(SSL_CTX_use_certificate(host->context, cert->cert), ==, 1);
    g_assert_cmpint(SSL_CTX_use_PrivateKey(host->context, cert->key), ==, 1);

    host->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(host->listener, (struct sockaddr *)&name, len) < 0 ||
        listen(host->listener, 8) < 0)
        g_error("cannot listen");
    getsockname(host->listener, (struct sockaddr *)&name, &len);
    host->port = ntohs(name.sin_port);
    host->thread = g_thread_new("server", host_run, host);
    return host;
}

void kit_host_stop(struct kit_host *host)
{
    if (!host->thread)
        return;
    shutdown(host->listener, SHUT_RDWR);
    g_thread_join(host->thread);
    host->thread = NULL;
    close(host->listener);
}

void kit_host_free(struct kit_host *host)
{
    kit_host_stop(host);
    SSL_CTX_free(host->context);
    g_string_free(host->heard, TRUE);
    g_mutex_clear(&host->lock);
    g_free(host);
}

/* ---- bytes ---- */

static bool read_more(struct kit_peer *peer)
{
    char buffer[4096];
    ssize_t n = peer->ssl ? SSL_read(peer->ssl, buffer, sizeof buffer)
                          : recv(peer->fd, buffer, sizeof buffer, 0);
    if (n <= 0) {
        ERR_clear_error();
        peer->broken = true;
        return false;
    }
    g_string_append_len(peer->in, buffer, n);
    g_mutex_lock(&peer->host->lock);
    g_string_append_len(peer->host->heard, buffer, n);
    g_mutex_unlock(&peer->host->lock);
    return true;
}

void kit_stay_silent(struct kit_peer *peer)
{
    while (!peer->broken)
        read_more(peer);
}

char *kit_hear(struct kit_peer *peer, const char *text)
{
    while (!peer->broken) {
        char *found = strstr(peer->in->str, text);
        if (found) {
            gsize len = (gsize)(found - peer->in->str) + strlen(text);
            char *out = g_strndup(peer->in->str, len);
            g_string_erase(peer->in, 0, (gssize)len);
            return out;
        }
        if (strstr(peer->in->str, "</stream:stream>")) { /* not to be heard */
            kit_say(peer, "</stream:stream>");
            kit_stay_silent(peer);
            return NULL;
        }
        read_more(peer);
    }
    return NULL;
}

void kit_wait_closed(struct kit_peer *peer)
{
    g_free(kit_hear(peer, "</stream:stream>"));
    kit_say(peer, "</stream:stream>");
    kit_stay_silent(peer);
}

void kit_say(struct kit_peer *peer, const char *format, ...)
{
    if (peer->broken)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    size_t len = strlen(text);
    ssize_t n = peer->ssl ? SSL_write(peer->ssl, text, (int)len)
                          : send(peer->fd, text, len, MSG_NOSIGNAL);
    if (n != (ssize_t)len) {
        ERR_clear_error();
        peer->broken = true;
    }
}

void kit_start_tls(struct kit_peer *peer)
{
    if (peer->broken)
        return;
    peer->ssl = SSL_new(peer->host->context);
    SSL_set_fd(peer->ssl, peer->fd);
    if (SSL_accept(peer->ssl) != 1) {
        ERR_clear_error();
        peer->broken = true;
    }
}

/* ---- scripts ---- */

void kit_open(struct kit_peer *peer)
{
    g_free(kit_hear(peer, "<stream:stream"));
    g_free(kit_hear(peer, ">"));
    kit_say(peer,
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
        "xmlns:stream='" KIT_NS_STREAM "' from='v.tld' id='s%u%d' "
        "version='1.0' xml:lang='en'>",
        peer->number, peer->ssl != NULL);
}

void kit_features(struct kit_peer *peer, const char *children)
{
    kit_say(peer, "<stream:features>%s</stream:features>", children);
}

void kit_secure(struct kit_peer *peer)
{
    kit_open(peer);
    kit_features(
        peer, "<starttls xmlns='" KIT_NS_TLS "'><required/></starttls>");
    g_free(kit_hear(peer, "<starttls xmlns='" KIT_NS_TLS "'/>"));
    kit_say(peer, "<proceed xmlns='" KIT_NS_TLS "'/>");
    kit_start_tls(peer);
    kit_open(peer);
}

void kit_login_plain(struct kit_peer *peer)
{
    kit_features(peer,
        "<mechanisms xmlns='" KIT_NS_SASL "'><mechanism>PLAIN</mechanism>"
        "</mechanisms>");
    g_free(kit_hear(peer, "</auth>"));
    kit_say(peer, "<success xmlns='" KIT_NS_SASL "'/>");
}

static GBytes *unbase64(const char *text)
{
    gsize len;
    guchar *bytes = g_base64_decode(text, &len);
    return g_bytes_new_take(bytes, len);
}

/* The text of the next element named so, decoded. */
static GBytes *hear_bytes(struct kit_peer *peer, const char *name)
{
    g_autofree char *end = g_strdup_printf("</%s>", name);
    g_autofree char *all = kit_hear(peer, end);
    if (!all)
        return NULL;
    all[strlen(all) - strlen(end)] = 0;
    return unbase64(strrchr(all, '>') + 1);
}

static char *hear_payload(struct kit_peer *peer, const char *name)
{
    g_autoptr(GBytes) bytes = hear_bytes(peer, name);
    gsize len = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;
    return bytes ? g_strndup(data ? data : "", len) : NULL;
}

static void hmac(const unsigned char *key, const char *text, unsigned char *out)
{
    unsigned len = 32;
    HMAC(EVP_sha256(), key, 32, (const unsigned char *)text, strlen(text), out,
        &len);
}

static void export_binding(struct kit_peer *peer, unsigned char *exported)
{
    SSL_export_keying_material(peer->ssl, exported, 32,
        "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0, 1);
}

static bool check_binding(
    struct kit_peer *peer, const char *final, const char *gs2, bool plus)
{
    unsigned char exported[32];
    g_autoptr(GByteArray) expected = g_byte_array_new();
    g_byte_array_append(expected, (const guint8 *)gs2, (guint)strlen(gs2));
    if (plus) {
        export_binding(peer, exported);
        g_byte_array_append(expected, exported, sizeof exported);
    }
    g_autofree char *encoded = g_base64_encode(expected->data, expected->len);
    g_autofree char *attribute = g_strdup_printf("c=%s,", encoded);
    return g_str_has_prefix(final, attribute);
}

/* success NULL: the profile of RFC 6120, else SASL2, with this inside. */
static bool login_scram(struct kit_peer *peer, const char *password, bool plus,
    bool forge, const char *success)
{
    const char *ns = success ? KIT_NS_SASL2 : KIT_NS_SASL;
    static const unsigned char salt[] = "sixteen bytes !!";
    unsigned char salted[32], client_key[32], stored[32], server_key[32],
        signature[32], proof[32];

    g_autofree char *first =
        hear_payload(peer, success ? "initial-response" : "auth");
    if (success)
        g_free(kit_hear(peer, "</authenticate>"));
    const char *bare = first ? strstr(first, "n=") : NULL;
    const char *nonce = bare ? strstr(bare, ",r=") : NULL;
    if (!nonce)
        return false;
    g_autofree char *gs2 = g_strndup(first, (gsize)(bare - first));
    g_autofree char *salt64 = g_base64_encode(salt, sizeof salt - 1);
    g_autofree char *server_first =
        g_strdup_printf("r=%sXYZ,s=%s,i=4096", nonce + 3, salt64);
    g_autofree char *challenge =
        g_base64_encode((const guchar *)server_first, strlen(server_first));
    kit_say(peer, "<challenge xmlns='%s'>%s</challenge>", ns, challenge);

    g_autofree char *final = hear_payload(peer, "response");
    char *proof_at = final ? strstr(final, ",p=") : NULL;
    if (!proof_at)
        return false;
    g_autoptr(GBytes) given = unbase64(proof_at + 3);
    *proof_at = 0;
    g_autofree char *message =
        g_strdup_printf("%s,%s,%s", bare, server_first, final);

    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, sizeof salt - 1,
        4096, EVP_sha256(), sizeof salted, salted);
    hmac(salted, "Client Key", client_key);
    EVP_Digest(client_key, 32, stored, NULL, EVP_sha256(), NULL);
    hmac(stored, message, signature);
    for (int i = 0; i < 32; i++)
        proof[i] = client_key[i] ^ signature[i];
    if (!check_binding(peer, final, gs2, plus) ||
        g_bytes_get_size(given) != 32 ||
        memcmp(g_bytes_get_data(given, NULL), proof, 32) != 0) {
        kit_say(peer,
            "<failure xmlns='%s'><not-authorized xmlns='" KIT_NS_SASL
            "'/></failure>",
            ns);
        return false;
    }
    hmac(salted, "Server Key", server_key);
    hmac(server_key, message, signature);
    signature[0] ^= forge;
    g_autofree char *v = g_base64_encode(signature, 32);
    g_autofree char *server_final = g_strdup_printf("v=%s", v);
    g_autofree char *data =
        g_base64_encode((const guchar *)server_final, strlen(server_final));
    if (success)
        kit_say(peer,
            "<success xmlns='" KIT_NS_SASL2
            "'><additional-data>%s</additional-data>%s</success>",
            data, success);
    else
        kit_say(peer, "<success xmlns='" KIT_NS_SASL "'>%s</success>", data);
    return true;
}

bool kit_login_scram(
    struct kit_peer *peer, const char *password, bool plus, bool forge)
{
    return login_scram(peer, password, plus, forge, NULL);
}

bool kit_login_scram2(struct kit_peer *peer, const char *password, bool plus,
    bool forge, const char *success)
{
    return login_scram(peer, password, plus, forge, success);
}

static void token_hash(struct kit_peer *peer, const char *token,
    const char *who, bool bound, unsigned char *out)
{
    unsigned char text[64];
    unsigned len = 32;
    size_t n = strlen(who);
    memcpy(text, who, n);
    if (bound) {
        export_binding(peer, text + n);
        n += 32;
    }
    HMAC(EVP_sha256(), token, (int)strlen(token), text, n, out, &len);
}

bool kit_login_token(struct kit_peer *peer, const char *token, bool bound,
    const char *success)
{
    unsigned char hash[32];
    g_autoptr(GBytes) message = hear_bytes(peer, "initial-response");
    if (!message)
        return false;
    g_free(kit_hear(peer, "</authenticate>"));
    gsize len;
    const char *data = g_bytes_get_data(message, &len);
    const char *nul = memchr(data, 0, len);
    token_hash(peer, token, "Initiator", bound, hash);
    if (!nul || nul + 33 != data + len || memcmp(nul + 1, hash, 32) != 0) {
        kit_say(peer, "<failure xmlns='" KIT_NS_SASL2
                      "'><not-authorized xmlns='" KIT_NS_SASL
                      "'/></failure>");
        return false;
    }
    token_hash(peer, token, "Responder", bound, hash);
    g_autofree char *proof = g_base64_encode(hash, 32);
    kit_say(peer,
        "<success xmlns='" KIT_NS_SASL2
        "'><additional-data>%s</additional-data>%s</success>",
        proof, success);
    return true;
}

char *kit_hear_iq(struct kit_peer *peer)
{
    g_autofree char *iq = kit_hear(peer, "</iq>");
    char *id = iq ? strstr(iq, " id='") : NULL;
    char *end = id ? strchr(id + 5, '\'') : NULL;
    return end ? g_strndup(id + 5, (gsize)(end - id - 5)) : g_strdup("");
}

void kit_bind(struct kit_peer *peer, const char *jid)
{
    g_autofree char *id = kit_hear_iq(peer);
    kit_say(peer,
        "<iq type='result' id='%s'><bind xmlns='" KIT_NS_BIND "'><jid>%s</jid>"
        "</bind></iq>",
        id, jid);
}

void kit_online(struct kit_peer *peer)
{
    kit_secure(peer);
    kit_login_plain(peer);
    kit_open(peer);
    kit_features(peer, "<bind xmlns='" KIT_NS_BIND "'/>");
    kit_bind(peer, "me@v.tld/r");
}
