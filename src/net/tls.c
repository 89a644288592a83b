/*
 * OpenSSL between two memory BIOs: the owner carries the bytes. The verifier
 * never stops a handshake; it collects the reasons for distrust as bits, to
 * which the name check and the pins are added when the handshake is over.
 *
 * Reading a whole CA bundle costs some 20 ms, so issuers are looked up one by
 * one in OpenSSL's hashed directory where there is one, and a bundle is read
 * only when it could make a difference.
 */
#include "net/tls.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/intl.h"
#include "model/jid.h"

#define OID_XMPP_ADDR "1.3.6.1.5.5.7.8.5"
#define OID_SRV_NAME "1.3.6.1.5.5.7.8.7"
#define SRV_PREFIX "_xmpp-client."
#define RSA_BITS_MIN 2048
#define SECURITY_BITS_MIN 112
#define SHOWN_NAMES_BYTES 2000

struct tls {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    char *domain;  /* Unicode */
    char *ascii;   /* the reference identity: A-labels or an address */
    bool is_address;
    char **pins;
    bool bundle_unread; /* there is a CA bundle that may be needed */
    unsigned distrust;
    struct tls_peer *peer;
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GENERAL_NAMES, GENERAL_NAMES_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_vfree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

GQuark tls_error_quark(void)
{
    return g_quark_from_static_string("txmpp-tls-error");
}

/* ---- trusted authorities ---- */

static bool is_hash_name(const char *name)
{
    static const size_t hash_len = 8;
    return strspn(name, "0123456789abcdef") == hash_len &&
           name[hash_len] == '.' && g_ascii_isdigit(name[hash_len + 1]);
}

static bool has_hashes(const char *dir_name)
{
    g_autoptr(GDir) dir = g_dir_open(dir_name, 0, NULL);
    if (!dir)
        return false;
    for (const char *name; (name = g_dir_read_name(dir));) {
        if (is_hash_name(name))
            return true;
    }
    return false;
}

/* SSL_CERT_FILE and SSL_CERT_DIR mean what they mean everywhere. */
static void load_bundle(X509_STORE *store)
{
    static const char *const bundles[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        NULL,
    };
    const char *named = g_getenv(X509_get_default_cert_file_env());
    if (named) {
        X509_STORE_load_file(store, named);
        return;
    }
    if (X509_STORE_load_file(store, X509_get_default_cert_file()) == 1)
        return;
    for (size_t i = 0; bundles[i]; i++) {
        if (X509_STORE_load_file(store, bundles[i]) == 1)
            return;
    }
}

static void trust_system(struct tls *tls, X509_STORE *store)
{
    bool hashed = g_getenv(X509_get_default_cert_dir_env()) ||
                  has_hashes(X509_get_default_cert_dir());
    if (hashed) {
        X509_LOOKUP *lookup =
            X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
        if (lookup)
            X509_LOOKUP_add_dir(lookup, NULL, X509_FILETYPE_DEFAULT);
    }
    tls->bundle_unread = !hashed || g_getenv(X509_get_default_cert_file_env());
    ERR_clear_error();
}

static struct tls *owner_of(X509_STORE_CTX *store_context)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(
        store_context, SSL_get_ex_data_X509_STORE_CTX_idx());
    return SSL_get_app_data(ssl);
}

/* The bundle is read only for an issuer that is found nowhere else. */
static int find_issuer(X509 **issuer, X509_STORE_CTX *context, X509 *cert)
{
    struct tls *tls = owner_of(context);
    int rc = X509_STORE_CTX_get1_issuer(issuer, context, cert);
    if (rc != 0 || !tls->bundle_unread)
        return rc;
    tls->bundle_unread = false;
    load_bundle(X509_STORE_CTX_get0_store(context));
    ERR_clear_error();
    return X509_STORE_CTX_get1_issuer(issuer, context, cert);
}

/* ---- verification ---- */

static unsigned distrust_of_error(int error)
{
    static const struct {
        int error;
        unsigned distrust;
    } table[] = {
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TLS_UNKNOWN_ISSUER },
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TLS_UNKNOWN_ISSUER },
        { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TLS_UNKNOWN_ISSUER },
        { X509_V_ERR_CERT_UNTRUSTED, TLS_UNKNOWN_ISSUER },
        { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TLS_UNKNOWN_ISSUER },
        { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TLS_SELF_SIGNED },
        { X509_V_ERR_CERT_HAS_EXPIRED, TLS_EXPIRED },
        { X509_V_ERR_CERT_NOT_YET_VALID, TLS_NOT_YET_VALID },
        { X509_V_ERR_CERT_REVOKED, TLS_REVOKED },
        { X509_V_ERR_EE_KEY_TOO_SMALL, TLS_WEAK },
        { X509_V_ERR_CA_KEY_TOO_SMALL, TLS_WEAK },
        { X509_V_ERR_CA_MD_TOO_WEAK, TLS_WEAK },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].error == error)
            return table[i].distrust;
    }
    return TLS_BAD_USE;
}

static int on_verify(int ok, X509_STORE_CTX *store_context)
{
    if (!ok)
        owner_of(store_context)->distrust |=
            distrust_of_error(X509_STORE_CTX_get_error(store_context));
    return 1;
}

/* The verifier does not look at the signature of a self-signed leaf. */
static bool is_weak(X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    if (!key || EVP_PKEY_get_security_bits(key) < SECURITY_BITS_MIN)
        return true;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
        EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
        return true;

    int digest = NID_undef;
    X509_get_signature_info(cert, &digest, NULL, NULL, NULL);
    return digest == NID_md5 || digest == NID_sha1 || digest == NID_md4 ||
           digest == NID_md2;
}

/* ---- names (RFC 6120 s. 13.7.1.2, RFC 9525) ---- */

/* The bytes of a name, or NULL when it hides a NUL or is no text. */
static const char *plain_text(const ASN1_STRING *string, size_t *len)
{
    const char *bytes = (const char *)ASN1_STRING_get0_data(string);
    int n = ASN1_STRING_length(string);
    if (!bytes || n <= 0 || memchr(bytes, 0, (size_t)n))
        return NULL;
    *len = (size_t)n;
    return bytes;
}

static bool equals(const char *name, size_t len, const char *ascii)
{
    return strlen(ascii) == len && g_ascii_strncasecmp(name, ascii, len) == 0;
}

/* "*." must be the whole leftmost label and stand before two labels or more;
 * it matches exactly one label. */
static bool dns_matches(const char *name, size_t len, const char *ascii)
{
    if (equals(name, len, ascii))
        return true;
    if (len < 3 || name[0] != '*' || name[1] != '.')
        return false;

    const char *rest = name + 2;
    size_t rest_len = len - 2;
    if (rest[0] == '.' || memchr(rest, '*', rest_len) ||
        !memchr(rest, '.', rest_len - 1))
        return false;

    const char *dot = strchr(ascii, '.');
    return dot && dot != ascii && equals(rest, rest_len, dot + 1);
}

static bool srv_matches(const ASN1_TYPE *value, const char *ascii)
{
    size_t len;
    if (!value || value->type != V_ASN1_IA5STRING)
        return false;
    const char *name = plain_text(value->value.ia5string, &len);
    size_t prefix = strlen(SRV_PREFIX);
    return name && len > prefix &&
           g_ascii_strncasecmp(name, SRV_PREFIX, prefix) == 0 &&
           dns_matches(name + prefix, len - prefix, ascii);
}

static bool xmpp_matches(const ASN1_TYPE *value, const struct tls *tls)
{
    size_t len;
    if (!value || value->type != V_ASN1_UTF8STRING)
        return false;
    const char *name = plain_text(value->value.utf8string, &len);
    if (!name || len > 1023 || !g_utf8_validate(name, (gssize)len, NULL))
        return false;
    if (equals(name, len, tls->ascii))
        return true;

    g_autofree char *domain = g_strndup(name, len);
    g_autofree char *ascii = jid_domain_ascii(domain);
    return ascii && g_ascii_strcasecmp(ascii, tls->ascii) == 0;
}

static bool address_matches(const ASN1_OCTET_STRING *value, const char *ascii)
{
    unsigned char address[16];
    int len = 0;
    if (inet_pton(AF_INET, ascii, address) == 1) {
        len = 4;
    } else {
        g_autofree char *bare = g_strdup(ascii);
        size_t n = strlen(bare);
        char *start = bare;
        if (n > 2 && bare[0] == '[' && bare[n - 1] == ']') {
            bare[n - 1] = 0;
            start = bare + 1;
        }
        if (inet_pton(AF_INET6, start, address) == 1)
            len = 16;
    }
    return len > 0 && ASN1_STRING_length(value) == len &&
           memcmp(ASN1_STRING_get0_data(value), address, (size_t)len) == 0;
}

static void other_name_oid(const GENERAL_NAME *name, char *out, int size)
{
    OBJ_obj2txt(out, size, name->d.otherName->type_id, 1);
}

static bool name_matches(const GENERAL_NAME *name, const struct tls *tls)
{
    char oid[64];
    size_t len;

    switch (name->type) {
    case GEN_IPADD:
        return tls->is_address && address_matches(name->d.ip, tls->ascii);
    case GEN_DNS: {
        const char *text = plain_text(name->d.dNSName, &len);
        return text && !tls->is_address && dns_matches(text, len, tls->ascii);
    }
    case GEN_OTHERNAME:
        other_name_oid(name, oid, sizeof oid);
        if (strcmp(oid, OID_SRV_NAME) == 0)
            return !tls->is_address &&
                   srv_matches(name->d.otherName->value, tls->ascii);
        return strcmp(oid, OID_XMPP_ADDR) == 0 &&
               xmpp_matches(name->d.otherName->value, tls);
    default:
        return false;
    }
}

static bool any_name_matches(const GENERAL_NAMES *names, const struct tls *tls)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (name_matches(sk_GENERAL_NAME_value(names, i), tls))
            return true;
    }
    return false;
}

/* ---- what is shown ---- */

static void append_text(GString *out, const ASN1_STRING *string)
{
    const char *bytes = (const char *)ASN1_STRING_get0_data(string);
    int len = ASN1_STRING_length(string);
    if (out->len)
        g_string_append(out, ", ");
    for (int i = 0; i < len && out->len < SHOWN_NAMES_BYTES; i++) {
        if (bytes[i])
            g_string_append_c(out, bytes[i]);
        else
            g_string_append(out, "\\0");
    }
}

static void append_address(GString *out, const ASN1_OCTET_STRING *value)
{
    char text[INET6_ADDRSTRLEN];
    int family = ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && ASN1_STRING_length(value) != 16)
        return;
    if (!inet_ntop(family, ASN1_STRING_get0_data(value), text, sizeof text))
        return;
    g_string_append_printf(out, "%s%s", out->len ? ", " : "", text);
}

static char *names_shown(const GENERAL_NAMES *names)
{
    GString *out = g_string_new(NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (out->len >= SHOWN_NAMES_BYTES) {
            g_string_append(out, " …");
            break;
        }
        if (name->type == GEN_DNS)
            append_text(out, name->d.dNSName);
        else if (name->type == GEN_IPADD)
            append_address(out, name->d.ip);
        else if (name->type == GEN_OTHERNAME && name->d.otherName->value &&
                 (name->d.otherName->value->type == V_ASN1_IA5STRING ||
                     name->d.otherName->value->type == V_ASN1_UTF8STRING))
            append_text(out, name->d.otherName->value->value.asn1_string);
    }
    g_autofree char *raw = g_string_free(out, FALSE);
    return g_utf8_make_valid(raw, -1);
}

static char *take_bio(BIO *bio)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    return g_utf8_make_valid(len > 0 ? bytes : "", len > 0 ? len : 0);
}

static char *name_shown(const X509_NAME *name)
{
    g_autoptr(BIO) bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(
        bio, name, 0, XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    return take_bio(bio);
}

static char *pem_of(X509 *cert)
{
    g_autoptr(BIO) bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    return take_bio(bio);
}

static char *fingerprint(X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    X509_digest(cert, EVP_sha256(), digest, &len);

    GString *out = g_string_sized_new(3 * (gsize)len);
    for (unsigned i = 0; i < len; i++)
        g_string_append_printf(out, "%s%02x", i ? ":" : "", digest[i]);
    return g_string_free(out, FALSE);
}

static gint64 time_of(const ASN1_TIME *time)
{
    struct tm tm = { 0 };
    if (!ASN1_TIME_to_tm(time, &tm))
        return 0;
    return (gint64)timegm(&tm) * G_USEC_PER_SEC;
}

/* ---- pins ---- */

/* People copy fingerprints with and without colons, in either case. */
static bool same_fingerprint(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ':')
            a++;
        while (*b == ':')
            b++;
        if (g_ascii_tolower(*a) != g_ascii_tolower(*b))
            return false;
        if (!*a)
            return true;
    }
}

static unsigned apply_pins(
    unsigned distrust, char *const *pins, const char *sha256)
{
    if (!distrust || !pins || !pins[0])
        return distrust;
    for (; *pins; pins++) {
        if (same_fingerprint(*pins, sha256))
            return 0;
    }
    return distrust | TLS_PIN_CHANGED;
}

static struct tls_peer *peer_of(struct tls *tls, X509 *cert)
{
    g_autoptr(GENERAL_NAMES) names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    struct tls_peer *peer = g_new0(struct tls_peer, 1);

    peer->subject = name_shown(X509_get_subject_name(cert));
    peer->issuer = name_shown(X509_get_issuer_name(cert));
    peer->names = names ? names_shown(names) : g_strdup("");
    peer->sha256 = fingerprint(cert);
    peer->not_before_us = time_of(X509_get0_notBefore(cert));
    peer->not_after_us = time_of(X509_get0_notAfter(cert));
    peer->pem = pem_of(cert);

    unsigned distrust = tls->distrust;
    long result = SSL_get_verify_result(tls->ssl);
    if (result != X509_V_OK)
        distrust |= distrust_of_error((int)result);
    if (!names || !any_name_matches(names, tls))
        distrust |= TLS_WRONG_NAME;
    if (is_weak(cert))
        distrust |= TLS_WEAK;
    peer->distrust = apply_pins(distrust, tls->pins, peer->sha256);
    ERR_clear_error();
    return peer;
}

void tls_peer_free(struct tls_peer *peer)
{
    if (!peer)
        return;
    g_free(peer->subject);
    g_free(peer->issuer);
    g_free(peer->names);
    g_free(peer->sha256);
    g_free(peer->pem);
    g_free(peer);
}

struct tls_peer *tls_peer_copy(const struct tls_peer *peer)
{
    if (!peer)
        return NULL;
    struct tls_peer *copy = g_new(struct tls_peer, 1);
    *copy = *peer;
    copy->subject = g_strdup(peer->subject);
    copy->issuer = g_strdup(peer->issuer);
    copy->names = g_strdup(peer->names);
    copy->sha256 = g_strdup(peer->sha256);
    copy->pem = g_strdup(peer->pem);
    return copy;
}

char *tls_distrust_sentence(unsigned distrust, const char *domain)
{
    static const struct {
        unsigned bit;
        const char *reason;
    } reasons[] = {
        { TLS_WRONG_NAME, N_("it was issued for another name") },
        { TLS_EXPIRED, N_("it has expired") },
        { TLS_NOT_YET_VALID, N_("it is not valid yet (is the clock right?)") },
        { TLS_REVOKED, N_("it has been revoked") },
        { TLS_SELF_SIGNED, N_("it is self-signed") },
        { TLS_UNKNOWN_ISSUER, N_("its issuer is not known here") },
        { TLS_WEAK, N_("its key or signature is too weak") },
        { TLS_BAD_USE, N_("it may not be used for this") },
        { TLS_PIN_CHANGED, N_("it is not the one that was accepted before") },
    };
    const char *whose = domain ? domain : _("the server");

    if (!distrust)
        return g_strdup_printf(_("The certificate of %s is trusted."), whose);

    GString *out = g_string_new(NULL);
    g_string_printf(out, _("The certificate of %s is not trusted: "), whose);
    bool first = true;
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (!(distrust & reasons[i].bit))
            continue;
        g_string_append_printf(
            out, "%s%s", first ? "" : _(", and "), _(reasons[i].reason));
        first = false;
    }
    g_string_append(out,
        distrust & TLS_PIN_CHANGED
            ? _(". Somebody may be listening: ask the server's administrator "
              "for the new fingerprint before you accept it.")
            : _(". Ask the server's administrator for the fingerprint before "
              "you accept it, or name the authority with --ca-file."));
    return g_string_free(out, FALSE);
}

/* ---- set-up ---- */

static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer, (void)size, (void)writing, (void)data;
    return 0; /* never ask on the terminal behind the screen's back */
}

static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : _("no reason given");
}

static bool use_ca_file(SSL_CTX *context, const char *file, GError **error)
{
    if (!file ||
        X509_STORE_load_file(SSL_CTX_get_cert_store(context), file) == 1)
        return true;
    g_set_error(error, TLS_ERROR, TLS_ERROR_CONFIG,
        _("The certificate authorities in %s cannot be read (%s); give a file "
        "in PEM form."),
        file, openssl_reason());
    return false;
}

static bool use_client_cert(
    SSL_CTX *context, const struct tls_config *config, GError **error)
{
    if (!config->client_cert)
        return true;
    const char *key =
        config->client_key ? config->client_key : config->client_cert;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, config->client_cert) != 1) {
        g_set_error(error, TLS_ERROR, TLS_ERROR_CONFIG,
            _("The client certificate %s cannot be read (%s); give a file in "
            "PEM form."),
            config->client_cert, openssl_reason());
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        g_set_error(error, TLS_ERROR, TLS_ERROR_CONFIG,
            _("The private key %s cannot be used (%s); it must belong to the "
            "client certificate and have no passphrase."),
            key, openssl_reason());
        return false;
    }
    return true;
}

static SSL_CTX *context_new(const struct tls_config *config, GError **error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) {
        g_set_error(error, TLS_ERROR, TLS_ERROR_CONFIG,
            _("OpenSSL cannot be set up (%s); check openssl.cnf."),
            openssl_reason());
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context,
        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* A client's chain is what its file says; OpenSSL would otherwise search
     * our store for it, outside any connection. */
    SSL_CTX_set_mode(
        context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
    X509_STORE_set_get_issuer(SSL_CTX_get_cert_store(context), find_issuer);

    if (!use_ca_file(context, config->ca_file, error) ||
        !use_client_cert(context, config, error)) {
        ERR_clear_error();
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static bool is_address(const char *text)
{
    unsigned char address[16];
    return text[0] == '[' || inet_pton(AF_INET, text, address) == 1 ||
           inet_pton(AF_INET6, text, address) == 1;
}

static void name_server(struct tls *tls, bool direct)
{
    static const unsigned char alpn[] = "\x0bxmpp-client";
    if (!tls->is_address)
        SSL_set_tlsext_host_name(tls->ssl, tls->ascii);
    if (direct)
        SSL_set_alpn_protos(tls->ssl, alpn, sizeof alpn - 1);
}

struct tls *tls_new(const struct tls_config *config, GError **error)
{
    g_autofree char *ascii = jid_domain_ascii(config->domain);
    if (!ascii) {
        g_set_error(error, TLS_ERROR, TLS_ERROR_CONFIG,
            _("“%s” is no domain name; check the address."), config->domain);
        return NULL;
    }
    SSL_CTX *context = context_new(config, error);
    if (!context)
        return NULL;

    struct tls *tls = g_new0(struct tls, 1);
    tls->context = context;
    tls->ssl = SSL_new(context);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out)
        g_error("out of memory");
    tls->domain = g_strdup(config->domain);
    tls->is_address = is_address(ascii);
    tls->ascii = g_steal_pointer(&ascii);
    tls->pins = g_strdupv((char **)config->pins);

    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_connect_state(tls->ssl);
    name_server(tls, config->direct);
    trust_system(tls, SSL_CTX_get_cert_store(context));
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    tls_peer_free(tls->peer);
    g_free(tls->domain);
    g_free(tls->ascii);
    g_strfreev(tls->pins);
    g_free(tls);
}

/* ---- bytes ---- */

static void set_handshake_error(const struct tls *tls, GError **error)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);

    if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
        (reason == SSL_R_UNSUPPORTED_PROTOCOL ||
            reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
            reason == SSL_R_NO_PROTOCOLS_AVAILABLE)) {
        g_set_error(error, TLS_ERROR, TLS_ERROR_VERSION,
            _("%s offers nothing newer than TLS 1.1, which is not safe; ask its "
            "administrator to enable TLS 1.2 or 1.3."),
            tls->domain);
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
               reason == SSL_R_WRONG_VERSION_NUMBER) {
        g_set_error(error, TLS_ERROR, TLS_ERROR_HANDSHAKE,
            _("%s does not speak TLS on this port; try --tls starttls or "
            "another port."),
            tls->domain);
    } else {
        g_set_error(error, TLS_ERROR, TLS_ERROR_HANDSHAKE,
            _("The encrypted connection to %s could not be set up (%s); try "
            "again, or tell its administrator."),
            tls->domain, openssl_reason());
    }
    ERR_clear_error();
}

enum tls_progress tls_handshake(struct tls *tls, GError **error)
{
    if (tls->peer)
        return TLS_DONE;

    ERR_clear_error();
    int rc = SSL_do_handshake(tls->ssl);
    if (rc != 1) {
        int why = SSL_get_error(tls->ssl, rc);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
            return TLS_WANT_MORE;
        set_handshake_error(tls, error);
        return TLS_FAILED;
    }

    g_autoptr(X509) cert = SSL_get1_peer_certificate(tls->ssl);
    if (!cert) {
        g_set_error(error, TLS_ERROR, TLS_ERROR_HANDSHAKE,
            _("%s showed no certificate; tell its administrator."), tls->domain);
        return TLS_FAILED;
    }
    tls->peer = peer_of(tls, cert);
    return TLS_DONE;
}

void tls_give(struct tls *tls, const char *bytes, size_t len)
{
    while (len > 0) {
        int n = BIO_write(tls->in, bytes, (int)MIN(len, G_MAXINT));
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

size_t tls_pending_output(struct tls *tls)
{
    return BIO_ctrl_pending(tls->out);
}

size_t tls_take(struct tls *tls, char *buffer, size_t size)
{
    int n = BIO_read(tls->out, buffer, (int)MIN(size, G_MAXINT));
    return n > 0 ? (size_t)n : 0;
}

gssize tls_read(struct tls *tls, char *buffer, size_t size, GError **error)
{
    ERR_clear_error();
    int n = SSL_read(tls->ssl, buffer, (int)MIN(size, G_MAXINT));
    if (n > 0)
        return n;

    int why = SSL_get_error(tls->ssl, n);
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return -1;
    g_set_error(error, TLS_ERROR, TLS_ERROR_BROKEN,
        _("The encrypted connection to %s broke (%s)."), tls->domain,
        openssl_reason());
    ERR_clear_error();
    return -1;
}

bool tls_write(struct tls *tls, const char *bytes, size_t len, GError **error)
{
    ERR_clear_error();
    while (len > 0) {
        int n = SSL_write(tls->ssl, bytes, (int)MIN(len, G_MAXINT));
        if (n <= 0) {
            g_set_error(error, TLS_ERROR, TLS_ERROR_BROKEN,
                _("The encrypted connection to %s broke (%s)."), tls->domain,
                openssl_reason());
            ERR_clear_error();
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

void tls_shutdown(struct tls *tls)
{
    if (!SSL_is_init_finished(tls->ssl))
        return;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* ---- what is known about the peer ---- */

const struct tls_peer *tls_peer(const struct tls *tls)
{
    return tls->peer;
}

const char *tls_version(const struct tls *tls)
{
    return SSL_get_version(tls->ssl);
}

const char *tls_cipher(const struct tls *tls)
{
    return SSL_get_cipher_name(tls->ssl);
}

/* RFC 9266 s. 2: below 1.3 only with the extended master secret. */
GBytes *tls_exporter(const struct tls *tls)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    unsigned char out[32];

    if (!tls->peer)
        return NULL;
    if (SSL_version(tls->ssl) < TLS1_3_VERSION &&
        SSL_get_extms_support(tls->ssl) != 1)
        return NULL;
    if (SSL_export_keying_material(tls->ssl, out, sizeof out, label,
            sizeof label - 1, (const unsigned char *)"", 0, 1) != 1) {
        ERR_clear_error();
        return NULL;
    }
    return g_bytes_new(out, sizeof out);
}

/* RFC 5929 s. 4.1: the signature's hash, but SHA-256 for MD5 and SHA-1;
 * undefined where the signature has no single hash (Ed25519). */
GBytes *tls_server_end_point(const struct tls *tls)
{
    if (!tls->peer)
        return NULL;
    g_autoptr(X509) cert = SSL_get1_peer_certificate(tls->ssl);
    int nid = NID_undef;
    if (!cert || X509_get_signature_info(cert, &nid, NULL, NULL, NULL) != 1)
        return NULL;
    if (nid == NID_md5 || nid == NID_sha1)
        nid = NID_sha256;

    const EVP_MD *md = nid == NID_undef ? NULL : EVP_get_digestbynid(nid);
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!md || X509_digest(cert, md, out, &len) != 1)
        return NULL;
    return g_bytes_new(out, len);
}
