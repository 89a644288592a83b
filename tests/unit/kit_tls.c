#include "kit_tls.h"

#include <string.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static EVP_PKEY *key_new(const struct kit_spec *spec)
{
    EVP_PKEY *key =
        spec->ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
        : spec->rsa_bits
            ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)spec->rsa_bits)
            : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    g_assert_nonnull(key);
    return key;
}

static GENERAL_NAME *other_name(const char *oid, int type, ASN1_STRING *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_TYPE_set(value, type, text);
    GENERAL_NAME_set0_othername(name, OBJ_txt2obj(oid, 1), value);
    return name;
}

static GENERAL_NAME *general_name(const struct kit_name *name)
{
    int len = name->len ? name->len : (int)strlen(name->text);
    GENERAL_NAME *out;
    ASN1_STRING *text;

    switch (name->kind) {
    case KIT_IP:
        out = GENERAL_NAME_new();
        GENERAL_NAME_set0_value(out, GEN_IPADD, a2i_IPADDRESS(name->text));
        return out;
    case KIT_SRV:
        text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, name->text, len);
        return other_name("1.3.6.1.5.5.7.8.7", V_ASN1_IA5STRING, text);
    case KIT_XMPP:
        text = ASN1_UTF8STRING_new();
        ASN1_STRING_set(text, name->text, len);
        return other_name("1.3.6.1.5.5.7.8.5", V_ASN1_UTF8STRING, text);
    case KIT_DNS:
    default:
        out = GENERAL_NAME_new();
        text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, name->text, len);
        GENERAL_NAME_set0_value(out, GEN_DNS, text);
        return out;
    }
}

static void add_names(X509 *cert, const struct kit_spec *spec)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    for (size_t i = 0; i < G_N_ELEMENTS(spec->names); i++) {
        if (!spec->names[i].text)
            break;
        sk_GENERAL_NAME_push(names, general_name(&spec->names[i]));
    }
    if (sk_GENERAL_NAME_num(names) > 0)
        X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0);
    GENERAL_NAMES_free(names);
}

static void add_text_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    g_assert_nonnull(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

struct kit_cert *kit_cert_new(const struct kit_spec *spec)
{
    struct kit_cert *out = g_new0(struct kit_cert, 1);
    bool dated = spec->from_days || spec->to_days;
    const struct kit_cert *issuer = spec->issuer ? spec->issuer : out;
    X509_NAME *name = X509_NAME_new();

    out->key = key_new(spec);
    out->cert = X509_new();
    X509_set_version(out->cert, X509_VERSION_3);
    ASN1_INTEGER_set_int64(
        X509_get_serialNumber(out->cert), (int64_t)g_random_int() + 1);
    X509_gmtime_adj(X509_getm_notBefore(out->cert),
        86400L * (dated ? spec->from_days : -1));
    X509_gmtime_adj(
        X509_getm_notAfter(out->cert), 86400L * (dated ? spec->to_days : 30));
    X509_set_pubkey(out->cert, out->key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
        (const unsigned char *)(spec->cn ? spec->cn : "test"), -1, -1, 0);
    X509_set_subject_name(out->cert, name);
    X509_NAME_free(name);
    X509_set_issuer_name(out->cert, X509_get_subject_name(issuer->cert));
    if (spec->is_ca)
        add_text_extension(
            out->cert, NID_basic_constraints, "critical,CA:TRUE");
    add_names(out->cert, spec);

    bool no_digest = EVP_PKEY_get_base_id(issuer->key) == EVP_PKEY_ED25519;
    const EVP_MD *digest =
        EVP_get_digestbyname(spec->digest ? spec->digest : "SHA256");
    g_assert_cmpint(
        X509_sign(out->cert, issuer->key, no_digest ? NULL : digest), >, 0);
    return out;
}

void kit_cert_free(struct kit_cert *cert)
{
    X509_free(cert->cert);
    EVP_PKEY_free(cert->key);
    g_free(cert);
}

char *kit_cert_write(const struct kit_cert *cert, bool with_key)
{
    char *path = NULL;
    int fd = g_file_open_tmp("txmpp-test-XXXXXX.pem", &path, NULL);
    g_assert_cmpint(fd, >=, 0);
    BIO *bio = BIO_new_fd(fd, BIO_CLOSE);
    g_assert_true(PEM_write_bio_X509(bio, cert->cert));
    if (with_key)
        g_assert_true(PEM_write_bio_PrivateKey(
            bio, cert->key, NULL, NULL, 0, NULL, NULL));
    BIO_free(bio);
    return path;
}

static int on_sni(SSL *ssl, int *alert, void *data)
{
    struct kit_server *server = data;
    (void)alert;
    g_free(server->sni);
    server->sni = g_strdup(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    return SSL_TLSEXT_ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *data)
{
    struct kit_server *server = data;
    (void)ssl;
    g_free(server->alpn);
    server->alpn = g_strndup((const char *)in + 1, in_len - 1);
    *out = in + 1;
    *out_len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static int accept_any(int ok, X509_STORE_CTX *context)
{
    (void)ok, (void)context;
    return 1;
}

struct kit_server *kit_server_new(
    const struct kit_cert *cert, const struct kit_options *options)
{
    struct kit_server *server = g_new0(struct kit_server, 1);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, options->version);
    SSL_CTX_set_max_proto_version(context, options->version);
    if (options->no_ems)
        SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    if (options->ask_for_cert)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_tlsext_servername_callback(context, on_sni);
    SSL_CTX_set_tlsext_servername_arg(context, server);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, server);
    g_assert_cmpint(SSL_CTX_use_certificate(context, cert->cert), ==, 1);
    g_assert_cmpint(SSL_CTX_use_PrivateKey(context, cert->key), ==, 1);

    server->context = context;
    server->ssl = SSL_new(context);
    server->in = BIO_new(BIO_s_mem());
    server->out = BIO_new(BIO_s_mem());
    SSL_set_bio(server->ssl, server->in, server->out);
    SSL_set_accept_state(server->ssl);
    return server;
}

void kit_server_free(struct kit_server *server)
{
    SSL_free(server->ssl);
    SSL_CTX_free(server->context);
    g_free(server->sni);
    g_free(server->alpn);
    g_free(server);
}

bool kit_server_handshake(struct kit_server *server)
{
    bool done = SSL_do_handshake(server->ssl) == 1;
    ERR_clear_error();
    return done;
}
