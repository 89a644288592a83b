/* net/tls: certificate rules (H03, H04, C47), versions, channel bindings. */
#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "kit_tls.h"
#include "net/tls.h"

#define DOMAIN "v.tld"

struct fixture { /* one authority for all tests */
    struct kit_cert *ca;
    char *ca_file;
};

static void carry(struct tls *client, struct kit_server *server)
{
    char buffer[4096];
    size_t n;
    while ((n = tls_take(client, buffer, sizeof buffer)) > 0)
        BIO_write(server->in, buffer, (int)n);
    int m;
    while ((m = BIO_read(server->out, buffer, sizeof buffer)) > 0)
        tls_give(client, buffer, (size_t)m);
}

static enum tls_progress shake(
    struct tls *client, struct kit_server *server, GError **error)
{
    for (int i = 0; i < 20; i++) {
        enum tls_progress progress = tls_handshake(client, error);
        if (progress == TLS_FAILED)
            return progress;
        carry(client, server);
        bool server_done = kit_server_handshake(server);
        carry(client, server);
        if (progress == TLS_DONE && server_done)
            return progress;
    }
    return TLS_WANT_MORE;
}

static struct kit_spec good_spec(const struct fixture *fixture)
{
    return (struct kit_spec){
        .cn = "somebody",
        .names = { { KIT_DNS, DOMAIN, 0 } },
        .issuer = fixture->ca,
    };
}

static unsigned distrust_with(const struct fixture *fixture,
    const struct kit_spec *spec, const char *domain, const char *const *pins)
{
    auto_struct(kit_cert) cert = kit_cert_new(spec);
    const struct kit_options options = { 0 };
    auto_struct(kit_server) server = kit_server_new(cert, &options);
    const struct tls_config config = {
        .domain = domain,
        .ca_file = fixture->ca_file,
        .pins = pins,
    };
    g_autoptr(GError) error = NULL;
    auto_struct(tls) tls = tls_new(&config, &error);
    g_assert_no_error(error);
    enum tls_progress progress = shake(tls, server, &error);
    g_assert_no_error(error);
    g_assert_cmpint(progress, ==, TLS_DONE);
    g_assert_nonnull(tls_peer(tls));
    return tls_peer(tls)->distrust;
}

static unsigned distrust_of_names(const struct fixture *fixture,
    const char *domain, enum kit_name_kind kind, const char *text, int len)
{
    struct kit_spec spec = good_spec(fixture);
    spec.names[0] = (struct kit_name){ kind, text, len };
    return distrust_with(fixture, &spec, domain, NULL);
}

/* ---- H03 ---- */

static void test_refused_names(gconstpointer data)
{
    const struct fixture *fixture = data;
    static const struct {
        enum kit_name_kind kind;
        const char *text;
        int len;
    } names[] = {
        { KIT_DNS, "other.tld", 0 },
        { KIT_DNS, "v.tld.evil", 0 },
        { KIT_DNS, "xmpp1.hosting.example", 0 }, /* the SRV target's name */
        { KIT_DNS, "*.tld", 0 },
        { KIT_DNS, "*", 0 },
        { KIT_DNS, "*.", 0 },
        { KIT_DNS, "v*.tld", 0 },
        { KIT_DNS, "v.tld\0.evil", 11 },
        { KIT_DNS, "evil\0v.tld", 10 },
        { KIT_SRV, "_xmpp-server.v.tld", 0 },
        { KIT_SRV, "v.tld", 0 },
        { KIT_SRV, "_xmpp-client.", 0 },
        { KIT_SRV, "_xmpp-client.v.tld\0", 19 },
        { KIT_XMPP, "me@v.tld", 0 },
        { KIT_XMPP, "v.tld\0.evil", 11 },
        { KIT_XMPP, "\xff\xfe", 0 },
        { KIT_IP, "127.0.0.1", 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_test_message("%s", names[i].text);
        g_assert_cmpuint(distrust_of_names(fixture, DOMAIN, names[i].kind,
                             names[i].text, names[i].len),
            ==, TLS_WRONG_NAME);
    }
}

static void test_refused_wildcards(gconstpointer data)
{
    const struct fixture *fixture = data;
    static const char *const names[] = { "w*.v.tld", "*w.v.tld", "*.*.tld",
        "www.*.tld", "*.v.tld.", "**.v.tld", "*..v.tld" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_test_message("%s", names[i]);
        g_assert_cmpuint(
            distrust_of_names(fixture, "www.v.tld", KIT_DNS, names[i], 0), ==,
            TLS_WRONG_NAME);
    }
    /* One label, not two, and not none. */
    g_assert_cmpuint(
        distrust_of_names(fixture, "a.b.v.tld", KIT_DNS, "*.v.tld", 0), ==,
        TLS_WRONG_NAME);
    g_assert_cmpuint(distrust_of_names(fixture, DOMAIN, KIT_DNS, "*.v.tld", 0),
        ==, TLS_WRONG_NAME);
}

static void test_cn_only(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = { .cn = DOMAIN, .issuer = fixture->ca };
    g_assert_cmpuint(
        distrust_with(fixture, &spec, DOMAIN, NULL), ==, TLS_WRONG_NAME);
}

static void test_dates(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = good_spec(fixture);
    spec.from_days = -20;
    spec.to_days = -10;
    g_assert_cmpuint(
        distrust_with(fixture, &spec, DOMAIN, NULL), ==, TLS_EXPIRED);
    spec.from_days = 10;
    spec.to_days = 20;
    g_assert_cmpuint(
        distrust_with(fixture, &spec, DOMAIN, NULL), ==, TLS_NOT_YET_VALID);
}

static void test_issuers(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = good_spec(fixture);
    spec.issuer = NULL;
    g_assert_cmpuint(
        distrust_with(fixture, &spec, DOMAIN, NULL), ==, TLS_SELF_SIGNED);

    const struct kit_spec other = { .cn = "other CA", .is_ca = true };
    auto_struct(kit_cert) ca = kit_cert_new(&other);
    spec.issuer = ca;
    g_assert_cmpuint(
        distrust_with(fixture, &spec, DOMAIN, NULL), ==, TLS_UNKNOWN_ISSUER);
}

static void test_weak(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = good_spec(fixture);
    spec.rsa_bits = 1024;
    g_assert_cmpuint(distrust_with(fixture, &spec, DOMAIN, NULL), ==, TLS_WEAK);
    spec.rsa_bits = 0;
    spec.digest = "SHA1";
    g_assert_cmpuint(distrust_with(fixture, &spec, DOMAIN, NULL), ==, TLS_WEAK);
    spec.issuer = NULL;
    g_assert_cmpuint(distrust_with(fixture, &spec, DOMAIN, NULL), ==,
        TLS_WEAK | TLS_SELF_SIGNED);
}

static void test_several_reasons(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = good_spec(fixture);
    spec.names[0].text = "other.tld";
    spec.from_days = -20;
    spec.to_days = -10;
    spec.issuer = NULL;
    unsigned distrust = distrust_with(fixture, &spec, DOMAIN, NULL);
    g_assert_cmpuint(
        distrust, ==, TLS_WRONG_NAME | TLS_EXPIRED | TLS_SELF_SIGNED);

    g_autofree char *sentence = tls_distrust_sentence(distrust, DOMAIN);
    g_assert_nonnull(strstr(sentence, "v.tld"));
    g_assert_nonnull(strstr(sentence, "another name"));
    g_assert_nonnull(strstr(sentence, "expired"));
    g_assert_nonnull(strstr(sentence, "self-signed"));
}

/* ---- H04 ---- */

static void test_accepted_names(gconstpointer data)
{
    const struct fixture *fixture = data;
    static const struct {
        const char *domain;
        enum kit_name_kind kind;
        const char *text;
    } names[] = {
        { DOMAIN, KIT_DNS, "v.tld" },
        { DOMAIN, KIT_DNS, "V.TLD" },
        { "im.v.tld", KIT_DNS, "*.v.tld" },
        { DOMAIN, KIT_SRV, "_xmpp-client.v.tld" },
        { DOMAIN, KIT_XMPP, "v.tld" },
        { "münchen.example", KIT_DNS, "xn--mnchen-3ya.example" },
        { "münchen.example", KIT_SRV, "_xmpp-client.xn--mnchen-3ya.example" },
        { "münchen.example", KIT_XMPP, "münchen.example" },
        { "münchen.example", KIT_XMPP, "xn--mnchen-3ya.example" },
        { "127.0.0.1", KIT_IP, "127.0.0.1" },
        { "[::1]", KIT_IP, "::1" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_test_message("%s for %s", names[i].text, names[i].domain);
        g_assert_cmpuint(distrust_of_names(fixture, names[i].domain,
                             names[i].kind, names[i].text, 0),
            ==, 0);
    }
    /* A name in text form is none for an address. */
    g_assert_cmpuint(
        distrust_of_names(fixture, "127.0.0.1", KIT_DNS, "127.0.0.1", 0), ==,
        TLS_WRONG_NAME);
}

static void test_second_name(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = good_spec(fixture);
    spec.names[0].text = "other.tld";
    spec.names[1] = (struct kit_name){ KIT_SRV, "_xmpp-client.v.tld", 0 };
    g_assert_cmpuint(distrust_with(fixture, &spec, DOMAIN, NULL), ==, 0);
}

static void test_old_version(gconstpointer data)
{
    const struct fixture *fixture = data;
    const struct kit_spec spec = good_spec(fixture);
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    const struct kit_options options = { .version = TLS1_1_VERSION };
    auto_struct(kit_server) server = kit_server_new(cert, &options);
    const struct tls_config config = { .domain = DOMAIN };
    auto_struct(tls) tls = tls_new(&config, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(shake(tls, server, &error), ==, TLS_FAILED);
    g_assert_error(error, TLS_ERROR, TLS_ERROR_VERSION);
    g_assert_null(tls_peer(tls));
    g_assert_null(tls_exporter(tls));
}

/* ---- pins ---- */

static char *fingerprint_of(X509 *cert)
{
    unsigned char digest[32];
    GString *out = g_string_new(NULL);
    X509_digest(cert, EVP_sha256(), digest, NULL);
    for (size_t i = 0; i < sizeof digest; i++)
        g_string_append_printf(out, "%s%02x", i ? ":" : "", digest[i]);
    return g_string_free(out, FALSE);
}

static void test_pins(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = { .cn = DOMAIN };
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    g_autofree char *sha256 = fingerprint_of(cert->cert);
    g_autofree char *upper = g_ascii_strup(sha256, -1);
    const char *const other[] = { "00:11", NULL };
    const char *const right[] = { "00:11", upper, NULL };
    const struct {
        const char *const *pins;
        unsigned distrust;
    } cases[] = {
        { NULL, TLS_SELF_SIGNED | TLS_WRONG_NAME },
        { other, TLS_SELF_SIGNED | TLS_WRONG_NAME | TLS_PIN_CHANGED },
        { right, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct kit_options options = { 0 };
        auto_struct(kit_server) server = kit_server_new(cert, &options);
        const struct tls_config config = {
            .domain = DOMAIN,
            .pins = cases[i].pins,
        };
        auto_struct(tls) tls = tls_new(&config, NULL);
        g_assert_cmpint(shake(tls, server, NULL), ==, TLS_DONE);
        g_assert_cmpuint(tls_peer(tls)->distrust, ==, cases[i].distrust);
        g_assert_cmpstr(tls_peer(tls)->sha256, ==, sha256);
    }
    /* A trusted chain needs no pin. */
    spec = good_spec(fixture);
    g_assert_cmpuint(distrust_with(fixture, &spec, DOMAIN, other), ==, 0);
}

static void test_peer_is_shown(gconstpointer data)
{
    const struct fixture *fixture = data;
    struct kit_spec spec = good_spec(fixture);
    spec.cn = "Jülich \x1b[31m";
    spec.names[1] = (struct kit_name){ KIT_SRV, "_xmpp-client.v.tld", 0 };
    spec.names[2] = (struct kit_name){ KIT_DNS, "nul\0x", 5 };
    spec.names[3] = (struct kit_name){ KIT_IP, "::1", 0 };
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    const struct kit_options options = { 0 };
    auto_struct(kit_server) server = kit_server_new(cert, &options);
    const struct tls_config config = {
        .domain = DOMAIN,
        .ca_file = fixture->ca_file,
    };
    auto_struct(tls) tls = tls_new(&config, NULL);
    g_assert_cmpint(shake(tls, server, NULL), ==, TLS_DONE);

    auto_struct(tls_peer) peer = tls_peer_copy(tls_peer(tls));
    g_assert_nonnull(strstr(peer->subject, "Jülich"));
    g_assert_nonnull(strstr(peer->issuer, "test CA"));
    g_assert_cmpstr(peer->names, ==, "v.tld, _xmpp-client.v.tld, nul\\0x, ::1");
    g_assert_cmpint(peer->not_before_us, <, g_get_real_time());
    g_assert_cmpint(peer->not_after_us, >, g_get_real_time());
    g_assert_true(g_str_has_prefix(peer->pem, "-----BEGIN CERTIFICATE-----"));
}

/* ---- C58, C59 ---- */

static void check_exporter(
    const struct fixture *fixture, int version, bool no_ems, bool expected)
{
    const struct kit_spec spec = good_spec(fixture);
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    const struct kit_options options = {
        .version = version,
        .no_ems = no_ems,
    };
    auto_struct(kit_server) server = kit_server_new(cert, &options);
    const struct tls_config config = { .domain = DOMAIN };
    auto_struct(tls) tls = tls_new(&config, NULL);
    g_assert_cmpint(shake(tls, server, NULL), ==, TLS_DONE);

    g_autoptr(GBytes) ours = tls_exporter(tls);
    if (!expected) {
        g_assert_null(ours);
        return;
    }
    unsigned char theirs[32];
    g_assert_cmpint(
        SSL_export_keying_material(server->ssl, theirs, sizeof theirs,
            "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0, 1),
        ==, 1);
    gsize len;
    const void *bytes = g_bytes_get_data(ours, &len);
    g_assert_cmpmem(bytes, len, theirs, sizeof theirs);
}

static void test_exporter(gconstpointer data)
{
    check_exporter(data, TLS1_3_VERSION, false, true);
    check_exporter(data, TLS1_2_VERSION, false, true);
    check_exporter(data, TLS1_2_VERSION, true, false);
}

static void check_end_point(
    const struct kit_spec *spec, const char *expected_digest)
{
    auto_struct(kit_cert) cert = kit_cert_new(spec);
    const struct kit_options options = { 0 };
    auto_struct(kit_server) server = kit_server_new(cert, &options);
    const struct tls_config config = { .domain = DOMAIN };
    auto_struct(tls) tls = tls_new(&config, NULL);
    g_assert_cmpint(shake(tls, server, NULL), ==, TLS_DONE);

    g_autoptr(GBytes) ours = tls_server_end_point(tls);
    if (!expected_digest) {
        g_assert_null(ours);
        return;
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;
    X509_digest(
        cert->cert, EVP_get_digestbyname(expected_digest), digest, &digest_len);
    gsize len;
    const void *bytes = g_bytes_get_data(ours, &len);
    g_assert_cmpmem(bytes, len, digest, digest_len);
}

static void test_end_point(gconstpointer data)
{
    struct kit_spec spec = good_spec(data);
    check_end_point(&spec, "SHA256");
    spec.digest = "SHA384";
    check_end_point(&spec, "SHA384");
    spec.digest = "SHA1"; /* RFC 5929 s. 4.1 */
    check_end_point(&spec, "SHA256");
    spec = (struct kit_spec){ .ed25519 = true };
    check_end_point(&spec, NULL);
}

static void test_hello(gconstpointer data)
{
    const struct fixture *fixture = data;
    const struct kit_spec spec = good_spec(fixture);
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    const struct kit_options options = { 0 };

    for (int direct = 0; direct < 2; direct++) {
        auto_struct(kit_server) server = kit_server_new(cert, &options);
        const struct tls_config config = {
            .domain = "münchen.example",
            .direct = direct,
        };
        auto_struct(tls) tls = tls_new(&config, NULL);
        g_assert_cmpint(shake(tls, server, NULL), ==, TLS_DONE);
        g_assert_cmpstr(server->sni, ==, "xn--mnchen-3ya.example");
        g_assert_cmpstr(server->alpn, ==, direct ? "xmpp-client" : NULL);
        g_assert_cmpstr(tls_version(tls), ==, "TLSv1.3");
        g_assert_cmpint(SSL_session_reused(server->ssl), ==, 0);
    }
}

static void test_client_certificate(gconstpointer data)
{
    const struct fixture *fixture = data;
    const struct kit_spec spec = good_spec(fixture);
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    const struct kit_spec mine = { .cn = "me" };
    auto_struct(kit_cert) me = kit_cert_new(&mine);
    g_autofree char *file = kit_cert_write(me, true);
    const struct kit_options options = { .ask_for_cert = true };
    auto_struct(kit_server) server = kit_server_new(cert, &options);
    struct tls_config config = { .domain = DOMAIN, .client_cert = file };
    g_autoptr(GError) error = NULL;
    auto_struct(tls) tls = tls_new(&config, &error);
    g_assert_no_error(error);
    g_assert_cmpint(shake(tls, server, NULL), ==, TLS_DONE);

    X509 *seen = SSL_get1_peer_certificate(server->ssl);
    g_assert_nonnull(seen);
    g_assert_cmpint(X509_cmp(seen, me->cert), ==, 0);
    X509_free(seen);
    g_remove(file);

    config.client_cert = "/nonexistent";
    g_assert_null(tls_new(&config, &error));
    g_assert_error(error, TLS_ERROR, TLS_ERROR_CONFIG);
    g_clear_error(&error);
    config = (struct tls_config){ .domain = DOMAIN, .ca_file = "/nonexistent" };
    g_assert_null(tls_new(&config, &error));
    g_assert_error(error, TLS_ERROR, TLS_ERROR_CONFIG);
}

/* ---- bytes ---- */

static void test_bytes(gconstpointer data)
{
    const struct fixture *fixture = data;
    const struct kit_spec spec = good_spec(fixture);
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    const struct kit_options options = { 0 };
    auto_struct(kit_server) server = kit_server_new(cert, &options);
    const struct tls_config config = { .domain = DOMAIN };
    auto_struct(tls) tls = tls_new(&config, NULL);
    g_autoptr(GError) error = NULL;
    char buffer[70000];

    g_assert_cmpint(shake(tls, server, NULL), ==, TLS_DONE);
    g_assert_cmpint(tls_read(tls, buffer, sizeof buffer, &error), ==, -1);
    g_assert_no_error(error);

    /* More than one record, both ways. */
    g_autofree char *big = g_strnfill(sizeof buffer, 'x');
    g_assert_true(tls_write(tls, big, sizeof buffer, &error));
    g_assert_true(tls_write(tls, "", 0, &error));
    carry(tls, server);
    size_t have = 0;
    for (int n; (n = SSL_read(server->ssl, buffer, sizeof buffer)) > 0;)
        have += (size_t)n;
    ERR_clear_error();
    g_assert_cmpuint(have, ==, sizeof buffer);

    g_assert_cmpint(SSL_write(server->ssl, "hello", 5), ==, 5);
    SSL_shutdown(server->ssl);
    carry(tls, server);
    g_assert_cmpint(tls_read(tls, buffer, sizeof buffer, &error), ==, 5);
    g_assert_cmpmem(buffer, 5, "hello", 5);
    g_assert_cmpint(tls_read(tls, buffer, sizeof buffer, &error), ==, 0);
    g_assert_no_error(error);

    tls_shutdown(tls);
    g_assert_cmpuint(tls_pending_output(tls), >, 0);
    carry(tls, server);
    g_assert_cmpint(SSL_read(server->ssl, buffer, sizeof buffer), ==, 0);
    g_assert_cmpint(
        SSL_get_shutdown(server->ssl) & SSL_RECEIVED_SHUTDOWN, !=, 0);
}

static void test_garbage(gconstpointer data)
{
    const struct fixture *fixture = data;
    const struct kit_spec spec = good_spec(fixture);
    auto_struct(kit_cert) cert = kit_cert_new(&spec);
    const struct kit_options options = { 0 };
    const struct tls_config config = { .domain = DOMAIN };
    static const char clear[] = "<?xml version='1.0'?><stream:stream>";
    char buffer[100];

    auto_struct(tls) early = tls_new(&config, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(tls_handshake(early, &error), ==, TLS_WANT_MORE);
    tls_give(early, clear, sizeof clear);
    g_assert_cmpint(tls_handshake(early, &error), ==, TLS_FAILED);
    g_assert_error(error, TLS_ERROR, TLS_ERROR_HANDSHAKE);
    g_clear_error(&error);

    auto_struct(kit_server) server = kit_server_new(cert, &options);
    auto_struct(tls) late = tls_new(&config, NULL);
    g_assert_cmpint(shake(late, server, NULL), ==, TLS_DONE);
    tls_give(late, clear, sizeof clear);
    g_assert_cmpint(tls_read(late, buffer, sizeof buffer, &error), ==, -1);
    g_assert_error(error, TLS_ERROR, TLS_ERROR_BROKEN);
    tls_shutdown(late);
}

static void test_bad_domain(void)
{
    const struct tls_config config = { .domain = "a b" };
    g_autoptr(GError) error = NULL;
    g_assert_null(tls_new(&config, &error));
    g_assert_error(error, TLS_ERROR, TLS_ERROR_CONFIG);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    const struct kit_spec spec = { .cn = "test CA", .is_ca = true };
    struct fixture fixture = { .ca = kit_cert_new(&spec) };
    fixture.ca_file = kit_cert_write(fixture.ca, false);
    const struct {
        const char *path;
        GTestDataFunc fn;
    } tests[] = {
        { "/tls/H03-names", test_refused_names },
        { "/tls/H03-wildcards", test_refused_wildcards },
        { "/tls/H03-cn-only", test_cn_only },
        { "/tls/H03-dates", test_dates },
        { "/tls/H03-issuers", test_issuers },
        { "/tls/H03-weak", test_weak },
        { "/tls/H03-several", test_several_reasons },
        { "/tls/H04-names", test_accepted_names },
        { "/tls/H04-second-name", test_second_name },
        { "/tls/H04-tls-1.1", test_old_version },
        { "/tls/pins", test_pins },
        { "/tls/peer", test_peer_is_shown },
        { "/tls/C59-exporter", test_exporter },
        { "/tls/C59-server-end-point", test_end_point },
        { "/tls/C58-sni-alpn", test_hello },
        { "/tls/client-certificate", test_client_certificate },
        { "/tls/bytes", test_bytes },
        { "/tls/garbage", test_garbage },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_data_func(tests[i].path, &fixture, tests[i].fn);
    g_test_add_func("/tls/bad-domain", test_bad_domain);

    int status = g_test_run();
    g_remove(fixture.ca_file);
    g_free(fixture.ca_file);
    kit_cert_free(fixture.ca);
    return status;
}
