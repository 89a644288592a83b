/* SASL against the vectors of the RFCs and against servers that cheat. */
#include <string.h>
#include <gio/gio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "net/hash.h"
#include "net/sasl.h"

#define NONCE_1 "fyko+d2lbbFgONRv9qkxdawL"
#define FULL_1 NONCE_1 "3rfcNHYJY1ZVvWVs7j"
#define SALT_1 "QSXCR+Q6sek8bf92"
#define FIRST_1 "r=" FULL_1 ",s=" SALT_1 ",i=4096"
#define NONCE_2 "rOprNGfwEbeRWgbNEkqO"
#define FULL_2 NONCE_2 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FIRST_2 "r=" FULL_2 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

static const char *const scram_1[] = { "SCRAM-SHA-1", NULL };
static const char *const scram_256[] = { "SCRAM-SHA-256", NULL };
static const char *const scram_512[] = { "SCRAM-SHA-512", NULL };
static const char *const all_plus[] = { "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", NULL };

/* ---- A login, one step after another ---- */

struct login {
    struct sasl *sasl;
    char *initial;
    char *response; /* of the last challenge, or NULL */
    int code;       /* of the last error, or -1 */
    int calls;
};

static void on_answer(GBytes *response, const GError *error, gpointer data)
{
    struct login *login = data;
    login->calls++;
    g_clear_pointer(&login->response, g_free);
    login->code = -1;
    g_assert_true((response != NULL) != (error != NULL));
    if (error) {
        g_assert_true(error->domain == SASL_ERROR);
        login->code = error->code;
        return;
    }
    gsize len;
    const char *bytes = g_bytes_get_data(response, &len);
    login->response = g_strndup(bytes ? bytes : "", len);
}

static struct login login_new(const struct sasl_offer *offer,
    const char *username, const char *password, const char *nonce)
{
    struct login login = { .code = -1 };
    struct sasl_choice choice;
    g_autoptr(GError) error = NULL;
    auto_struct(secret) secret = secret_new(password, -1);
    g_assert_true(sasl_choose(offer, &choice, &error));
    login.sasl = sasl_new(&choice, offer, username, secret, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(sasl_mechanism(login.sasl), ==, choice.mechanism);
    if (nonce)
        sasl_set_nonce(login.sasl, nonce);
    g_autoptr(GBytes) initial = sasl_initial(login.sasl);
    gsize len;
    const char *bytes = g_bytes_get_data(initial, &len);
    login.initial = g_strndup(bytes ? bytes : "", len);
    return login;
}

static void login_clear(struct login *login)
{
    sasl_free(login->sasl);
    g_free(login->initial);
    g_free(login->response);
}

static void challenge(struct login *login, const char *text)
{
    sasl_challenge(login->sasl, text, strlen(text), on_answer, login);
}

static struct sasl_offer offer_for(const char *const *mechanisms)
{
    return (struct sasl_offer){
        .mechanisms = mechanisms, .tls = true, .have_password = true
    };
}

static void expect_login(const struct sasl_offer *offer, const char *username,
    const char *password, const char *nonce, const char *initial,
    const char *first, const char *response, const char *final)
{
    struct login login = login_new(offer, username, password, nonce);
    g_assert_cmpstr(login.initial, ==, initial);
    challenge(&login, first);
    while (!login.calls) /* a large count is computed by a worker */
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(login.code, ==, -1);
    g_assert_cmpstr(login.response, ==, response);
    g_autoptr(GError) error = NULL;
    g_assert_true(sasl_success(login.sasl, final, strlen(final), &error));
    g_assert_no_error(error);
    login_clear(&login);
}

/* ---- Vectors ---- */

/* What a proof costs; the linker puts this in front of ours. */
void __real_hash_salted(const struct hash *hash, const void *password, gsize password_len,
    const guint8 *salt, gsize salt_len, int count, guint8 *out);
void __wrap_hash_salted(const struct hash *hash, const void *password, gsize password_len,
    const guint8 *salt, gsize salt_len, int count, guint8 *out);
static gint rounds;

void __wrap_hash_salted(const struct hash *hash, const void *password, gsize password_len,
    const guint8 *salt, gsize salt_len, int count, guint8 *out)
{
    g_atomic_int_add(&rounds, count);
    __real_hash_salted(hash, password, password_len, salt, salt_len, count, out);
}

static void test_rfc5802(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    expect_login(&offer, "user", "pencil", NONCE_1, "n,,n=user,r=" NONCE_1,
        FIRST_1, "c=biws,r=" FULL_1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    g_assert_cmpint(g_atomic_int_get(&rounds), >=, 4096);
}

static void test_rfc7677(void)
{
    struct sasl_offer offer = offer_for(scram_256);
    expect_login(&offer, "user", "pencil", NONCE_2, "n,,n=user,r=" NONCE_2,
        FIRST_2,
        "c=biws,r=" FULL_2 ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

/* Computed with hashlib of Python. */
static void test_sha512(void)
{
    struct sasl_offer offer = offer_for(scram_512);
    expect_login(&offer, "user", "pencil", NONCE_1, "n,,n=user,r=" NONCE_1,
        FIRST_1,
        "c=biws,r=" FULL_1 ",p=VdS8LkrURiej1tG6iX+fqCXQfUnBb//d9llXYaH+ylUbDwBU"
        "z9geyR9fC4TewskRUM2tlYSalhAT4Aay1Q5dTA==",
        "v=14PAAuavk9hxBEkgB0brDxUhvWu+N16meYk+qxVNFqchR8QPohM09Y4Z6WaTCuX4C6nq"
        "MB9KIJTDm6RpSM990g==");
}

static void test_plus_exporter(void)
{
    g_autoptr(GBytes) exporter =
        g_bytes_new_static("0123456789abcdef0123456789abcdef", 32);
    struct sasl_offer offer = offer_for(all_plus);
    offer.exporter = exporter;
    expect_login(&offer, "user", "pencil", NONCE_2,
        "p=tls-exporter,,n=user,r=" NONCE_2, FIRST_2,
        "c=cD10bHMtZXhwb3J0ZXIsLDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVm,"
        "r=" FULL_2 ",p=qt6T62DbA/THTjWMUniEekRBOmbK1ZAe+VNG0CBsX9U=",
        "v=gGsnLD/m58XLkAwcxqD7cDgqYXgS9J0J5pH+8Cm0Ho8=");
}

static void test_worker(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    expect_login(&offer, "user", "pencil", NONCE_1, "n,,n=user,r=" NONCE_1,
        "r=" FULL_1 ",s=" SALT_1 ",i=30000",
        "c=biws,r=" FULL_1 ",p=seIWKaBUoJ9ZrmYsVi+hQvxc4YA=",
        "v=jdIRM+i/8hwFhKtnbhvsZNxAfM8=");
}

/* '=' and ',' of the name escaped; no-break space, decomposed é and the fi
 * ligature of the password as SASLprep maps them. */
static void test_prepared(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    expect_login(&offer, "a,b=", "I\u00a0Xe\u0301\ufb01", NONCE_1,
        "n,,n=a=2Cb=3D,r=" NONCE_1, FIRST_1,
        "c=biws,r=" FULL_1 ",p=/oblH5mXrbOzinDp/ex4P6gkwOA=",
        "v=QWd7f04HDkYM3c/0xxKHDXD15K4=");
}

static gboolean leave(gpointer data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

/* Freed while the worker runs: nobody is called, nothing is touched. */
static void test_worker_detached(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    struct login login = login_new(&offer, "user", "pencil", NONCE_1);
    challenge(&login, "r=" FULL_1 ",s=" SALT_1 ",i=200000");
    g_assert_cmpint(login.calls, ==, 0);
    login_clear(&login);
    /* The worker's own report comes after this many milliseconds at most. */
    bool done = false;
    g_timeout_add(400, leave, &done);
    while (!done)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(login.calls, ==, 0);
}

static void test_worker_impatient(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    struct login login = login_new(&offer, "user", "pencil", NONCE_1);
    challenge(&login, "r=" FULL_1 ",s=" SALT_1 ",i=200000");
    challenge(&login, FIRST_1);
    g_assert_cmpint(login.calls, ==, 1);
    g_assert_cmpint(login.code, ==, SASL_ERROR_PROTOCOL);
    g_assert_false(sasl_success(login.sasl, NULL, 0, NULL));
    login_clear(&login);
}

/* The final message as a challenge (RFC 6120 s. 6.4.3), answered by nothing. */
static void test_final_as_challenge(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    struct login login = login_new(&offer, "user", "pencil", NONCE_1);
    challenge(&login, FIRST_1);
    challenge(&login, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    g_assert_cmpint(login.code, ==, -1);
    g_assert_cmpstr(login.response, ==, "");
    g_assert_true(sasl_success(login.sasl, NULL, 0, NULL));
    login_clear(&login);
}

static void test_nonce(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    struct login a = login_new(&offer, "u", "p", NULL);
    struct login b = login_new(&offer, "u", "p", NULL);
    g_assert_cmpstr(a.initial, !=, b.initial);
    g_assert_cmpuint(strlen(a.initial), >=, strlen("n,,n=u,r=") + 22);
    login_clear(&a);
    login_clear(&b);
}

/* ---- Servers that cheat ---- */

static void test_h06(void)
{
    static const char *const bad[] = {
        "v=rmF9pqV8S7suAoZWja4dJRkFsKR=", /* bits behind the end */
        "v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ",
        "v=rmF9pqV8S7suAoZWja4dJRkFsA==",
        "v=",
        "e=invalid-proof",
        "x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct sasl_offer offer = offer_for(scram_1);
        struct login login = login_new(&offer, "user", "pencil", NONCE_1);
        g_autoptr(GError) error = NULL;
        challenge(&login, FIRST_1);
        g_assert_false(
            sasl_success(login.sasl, bad[i], strlen(bad[i]), &error));
        g_assert_error(error, SASL_ERROR, SASL_ERROR_PROOF);
        g_assert_nonnull(
            strstr(error->message, "server did not prove the password"));
        /* and the right one does not mend it */
        g_assert_false(sasl_success(
            login.sasl, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", 30, NULL));
        login_clear(&login);
    }
}

static void test_h07(void)
{
    struct sasl_offer offer = offer_for(scram_1);
    g_autoptr(GError) error = NULL;
    struct login login = login_new(&offer, "user", "pencil", NONCE_1);
    g_assert_false(sasl_success(login.sasl, NULL, 0, &error));
    g_assert_error(error, SASL_ERROR, SASL_ERROR_PROOF);
    challenge(&login, FIRST_1);
    g_assert_false(sasl_success(login.sasl, NULL, 0, NULL));
    login_clear(&login);
}

/* None of these may get a proof, or make us compute one. */
static void expect_refused(const char *text, gsize len, int code)
{
    struct sasl_offer offer = offer_for(scram_1);
    struct login login = login_new(&offer, "user", "pencil", NONCE_1);
    gint before = g_atomic_int_get(&rounds);
    sasl_challenge(login.sasl, text, len, on_answer, &login);
    g_assert_cmpint(login.calls, ==, 1);
    g_assert_cmpint(login.code, ==, code);
    g_assert_cmpint(g_atomic_int_get(&rounds), ==, before);
    login_clear(&login);
}

static void test_h08(void)
{
    static const char *const bad[] = {
        "r=" NONCE_1 ",s=" SALT_1 ",i=4096",
        "r=xyko+d2lbbFgONRv9qkxdawL3rfc,s=" SALT_1 ",i=4096",
        "r=3rfc" NONCE_1 ",s=" SALT_1 ",i=4096",
        "r=fyko,s=" SALT_1 ",i=4096",
        "r=" NONCE_1 "a b,s=" SALT_1 ",i=4096",
        "r=" NONCE_1 "\xc3\xa9,s=" SALT_1 ",i=4096",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        expect_refused(bad[i], strlen(bad[i]), SASL_ERROR_PROTOCOL);
}

static void test_h09(void)
{
    static const char *const counts[] = { "0", "1", "4095", "-1", "1000001",
        "4294967295", "18446744073709551617", "99999999999999999999", "",
        "04096", "+4096", " 4096", "4096 ", "0x1000", "4e3" };
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autofree char *text =
            g_strdup_printf("r=" FULL_1 ",s=" SALT_1 ",i=%s", counts[i]);
        expect_refused(text, strlen(text), SASL_ERROR_PROTOCOL);
    }
}

static void test_h10(void)
{
    static const char *const bad[] = {
        "",
        ",",
        "=",
        "r",
        "r=" FULL_1,
        "r=" FULL_1 ",i=4096",
        "r=" FULL_1 ",s=,i=4096",
        "r=" FULL_1 ",s=QSXCR+Q6,i=4096", /* six bytes */
        "r=" FULL_1 ",s=QSXCR+Q6sek8bf9,i=4096",
        "r=" FULL_1 ",s=QSXCR+Q6sek8bf9*,i=4096",
        "r=" FULL_1 ",s= QSXCR+Q6sek8bf92,i=4096",
        "r=" FULL_1 ",s=QSXCR+Q6sek8bf92\n,i=4096",
        "m=x," FIRST_1,
        FIRST_1 ",m=x",
        "r=" FULL_1 ",r=" FULL_1 ",s=" SALT_1 ",i=4096",
        FIRST_1 ",i=4096",
        FIRST_1 ",",
        FIRST_1 ",1=2",
        FIRST_1 ",ext",
        "s=" SALT_1 ",r=" FULL_1 ",i=4096",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        expect_refused(bad[i], strlen(bad[i]), SASL_ERROR_PROTOCOL);
    expect_refused(FIRST_1 "\0,x=1", sizeof FIRST_1 + 4, SASL_ERROR_PROTOCOL);
    expect_refused(FIRST_1 ",x=\xff", sizeof FIRST_1 + 3, SASL_ERROR_PROTOCOL);
    g_autofree char *huge = g_strnfill(1 << 20, 'A');
    expect_refused(huge, 1 << 20, SASL_ERROR_PROTOCOL);
    g_autofree char *salt = g_strnfill(172, 'A'); /* 129 bytes */
    g_autofree char *text = g_strdup_printf("r=" FULL_1 ",s=%s,i=4096", salt);
    expect_refused(text, strlen(text), SASL_ERROR_PROTOCOL);
}

static void test_long_salt(void)
{
    /* Long, but within the bounds: answered, not refused. */
    g_autofree guchar *bytes = g_malloc0(128);
    g_autofree char *salt = g_base64_encode(bytes, 128);
    g_autofree char *text =
        g_strdup_printf("r=" FULL_1 ",s=%s,i=4096,x=new", salt);
    struct sasl_offer offer = offer_for(scram_1);
    struct login login = login_new(&offer, "user", "pencil", NONCE_1);
    challenge(&login, text);
    g_assert_nonnull(login.response);
    login_clear(&login);
}

/* ---- XEP-0474 ---- */

static char *hash_of(const char *offered)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len;
    EVP_Digest(offered, strlen(offered), hash, &len, EVP_sha1(), NULL);
    return g_base64_encode(hash, len);
}

static void try_signed_list(
    const struct sasl_offer *offer, const char *hash, int code)
{
    struct login login = login_new(offer, "user", "pencil", NONCE_1);
    g_autofree char *text = g_strdup_printf(FIRST_1 ",h=%s", hash);
    challenge(&login, text);
    g_assert_cmpint(login.code, ==, code);
    g_assert_cmpint(login.response != NULL, ==, code == -1);
    login_clear(&login);
}

static void test_h11_signed_list(void)
{
    /* The example of XEP-0474 s. 5.3, offered in another order. */
    static const char *const mechanisms[] = { "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1",
        NULL };
    static const char *const bindings[] = { "tls-server-end-point",
        "tls-exporter", NULL };
    g_autoptr(GBytes) data = g_bytes_new_static("THIS IS FAKE CB DATA", 20);
    struct sasl_offer offer = offer_for(mechanisms);
    offer.bindings = bindings;
    offer.exporter = data;
    try_signed_list(&offer, "G6k/rBLDqgOhRRaCuuatSDFkJ08=", -1);
    try_signed_list(
        &offer, "G6k/rBLDqgOhRRaCuuatSDFkJ0c=", SASL_ERROR_DOWNGRADE);
    try_signed_list(&offer, "G6k/", SASL_ERROR_DOWNGRADE);
    g_autofree char *unbound = hash_of("SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS");
    try_signed_list(&offer, unbound, SASL_ERROR_DOWNGRADE);
    offer.bindings = NULL;
    try_signed_list(&offer, unbound, -1);
    /* Somebody has taken -PLUS and SHA-256 away. */
    g_autofree char *full =
        hash_of("SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1eSCRAM-SHA-256");
    offer.mechanisms = scram_1;
    try_signed_list(&offer, full, SASL_ERROR_DOWNGRADE);
}

/* ---- The header ---- */

static char *header(const struct sasl_offer *offer)
{
    struct login login = login_new(offer, "u", "p", NULL);
    char *n = strstr(login.initial, "n=u");
    char *copy = g_strndup(login.initial, n - login.initial);
    login_clear(&login);
    return copy;
}

static void expect_header(const struct sasl_offer *offer, const char *expected)
{
    g_autofree char *got = header(offer);
    g_assert_cmpstr(got, ==, expected);
}

static void test_gs2(void)
{
    static const char *const only_end_point[] = { "tls-server-end-point",
        NULL };
    static const char *const only_unique[] = { "tls-unique", NULL };
    g_autoptr(GBytes) exporter = g_bytes_new_static("exporter", 8);
    g_autoptr(GBytes) end_point = g_bytes_new_static("end point", 9);
    struct sasl_offer offer = offer_for(all_plus);
    expect_header(&offer, "n,,"); /* nothing to bind with */
    offer.exporter = exporter;
    offer.end_point = end_point;
    expect_header(&offer, "p=tls-exporter,,");
    offer.bindings = only_end_point;
    expect_header(&offer, "p=tls-server-end-point,,");
    offer.bindings = only_unique;
    expect_header(&offer, "n,,"); /* XEP-0474 s. 6: not "y" */
    offer.bindings = NULL;
    offer.exporter = NULL;
    expect_header(&offer, "p=tls-server-end-point,,");
    offer.no_plus = true;
    expect_header(&offer, "n,,"); /* refused once: "y" would be refused too */
    offer.no_plus = false;
    offer.mechanisms = scram_1;
    expect_header(&offer, "y,,");
    offer.no_plus = true;
    expect_header(&offer, "n,,");
    offer.no_plus = false;
    offer.tls = false;
    expect_header(&offer, "n,,");
}

/* ---- The choice ---- */

static void expect_choice(const struct sasl_offer *offer, const char *expected)
{
    struct sasl_choice choice = { 0 };
    g_autoptr(GError) error = NULL;
    g_assert_true(sasl_choose(offer, &choice, &error));
    g_assert_cmpstr(choice.mechanism, ==, expected);
    g_assert_cmpint(choice.binding != SASL_BIND_NONE, ==,
        g_str_has_suffix(expected, "-PLUS"));
}

static void expect_no_choice(
    const struct sasl_offer *offer, int code, const char *word)
{
    struct sasl_choice choice;
    g_autoptr(GError) error = NULL;
    g_assert_false(sasl_choose(offer, &choice, &error));
    g_assert_error(error, SASL_ERROR, code);
    g_assert_nonnull(strstr(error->message, word));
    g_assert_true(g_str_has_suffix(error->message, "."));
}

static void test_choice(void)
{
    static const char *const many[] = { "DIGEST-MD5", "ANONYMOUS", "PLAIN",
        "EXTERNAL", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256",
        "SCRAM-SHA-1", "X-OAUTH2", NULL };
    g_autoptr(GBytes) data = g_bytes_new_static("x", 1);
    struct sasl_offer offer = offer_for(many);
    expect_choice(&offer, "SCRAM-SHA-512");
    offer.exporter = data;
    expect_choice(&offer, "SCRAM-SHA-1-PLUS");
    offer.tls = false; /* on loopback: no binding, and no certificate */
    offer.have_client_cert = true;
    expect_choice(&offer, "SCRAM-SHA-512");
    offer.tls = true;
    expect_choice(&offer, "EXTERNAL");
    offer.anonymous = true;
    expect_choice(&offer, "ANONYMOUS");
    offer.mechanisms = scram_1;
    expect_no_choice(&offer, SASL_ERROR_NO_MECHANISM, "SCRAM-SHA-1");
    offer.anonymous = offer.have_client_cert = offer.have_password = false;
    expect_no_choice(&offer, SASL_ERROR_NO_MECHANISM, "password");
    offer.mechanisms = NULL;
    expect_no_choice(&offer, SASL_ERROR_NO_MECHANISM, "nothing");
}

static void test_h01_plain(void)
{
    static const char *const plain[] = { "PLAIN", "LOGIN\x1b[2J", NULL };
    struct sasl_offer offer = offer_for(plain);
    expect_no_choice(&offer, SASL_ERROR_NO_MECHANISM, "PLAIN, LOGIN\uFFFD");
    offer.plain_allowed = true;
    expect_choice(&offer, "PLAIN");
    offer.tls = false;
    expect_no_choice(&offer, SASL_ERROR_NO_MECHANISM, "PLAIN");
}

static void test_h11_pinned(void)
{
    static const char *const plain[] = { "PLAIN", NULL };
    static const char *const some[] = { "PLAIN", "SCRAM-SHA-1", NULL };
    static const char *const external[] = { "EXTERNAL", "PLAIN", NULL };
    g_autoptr(GBytes) data = g_bytes_new_static("x", 1);
    struct sasl_offer offer = offer_for(plain);
    offer.plain_allowed = true;
    offer.exporter = data;
    offer.pinned = "SCRAM-SHA-1";
    expect_no_choice(&offer, SASL_ERROR_DOWNGRADE, "downgrade");
    offer.pinned = "EXTERNAL";
    expect_no_choice(&offer, SASL_ERROR_DOWNGRADE, "EXTERNAL");
    offer.pinned = "PLAIN";
    expect_choice(&offer, "PLAIN");
    offer.mechanisms = some;
    offer.pinned = "SCRAM-SHA-256";
    expect_no_choice(&offer, SASL_ERROR_DOWNGRADE, "SCRAM-SHA-256");
    offer.pinned = "SCRAM-SHA-1";
    expect_choice(&offer, "SCRAM-SHA-1");
    offer.pinned = "X-UNKNOWN";
    expect_choice(&offer, "SCRAM-SHA-1");
    offer.pinned = "EXTERNAL"; /* its key is gone: SCRAM will do */
    expect_choice(&offer, "SCRAM-SHA-1");
    /* -PLUS withdrawn, or its refusal forged */
    offer.pinned = "SCRAM-SHA-1-PLUS";
    expect_no_choice(&offer, SASL_ERROR_DOWNGRADE, "SCRAM-SHA-1-PLUS");
    offer.mechanisms = all_plus;
    expect_choice(&offer, "SCRAM-SHA-256-PLUS");
    offer.no_plus = true;
    expect_no_choice(&offer, SASL_ERROR_DOWNGRADE, "SCRAM-SHA-1-PLUS");
    offer.tls = false;
    expect_choice(&offer, "SCRAM-SHA-256");
    offer.tls = true;
    offer.mechanisms = external;
    offer.have_client_cert = true;
    expect_choice(&offer, "EXTERNAL");
}

static void test_strength(void)
{
    static const char *const order[] = { "GSSAPI", "ANONYMOUS", "PLAIN",
        "EXTERNAL", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
        "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS" };
    for (size_t i = 1; i < G_N_ELEMENTS(order); i++)
        g_assert_cmpint(
            sasl_strength(order[i - 1]), <, sasl_strength(order[i]));
    g_assert_cmpint(sasl_strength("GSSAPI"), ==, 0);
    g_assert_cmpint(sasl_strength("scram-sha-1"), ==, 0);
}

/* ---- The simple ones ---- */

static void test_simple(void)
{
    static const char *const plain[] = { "PLAIN", NULL };
    struct sasl_choice choice;
    struct sasl_offer offer = offer_for(plain);
    offer.plain_allowed = true;
    auto_struct(secret) secret = secret_new("p\xc3\xa4ss", -1);
    g_assert_true(sasl_choose(&offer, &choice, NULL));
    struct sasl *sasl = sasl_new(&choice, &offer, "juliet", secret, NULL);
    g_autoptr(GBytes) initial = sasl_initial(sasl);
    gsize len;
    const char *bytes = g_bytes_get_data(initial, &len);
    g_assert_cmpmem(bytes, len, "\0juliet\0p\xc3\xa4ss", 13);
    struct login login = { .code = -1 };
    sasl_challenge(sasl, "", 0, on_answer, &login);
    g_assert_cmpint(login.code, ==, SASL_ERROR_PROTOCOL);
    g_assert_true(sasl_success(sasl, NULL, 0, NULL));
    sasl_free(sasl);

    choice.mechanism = "EXTERNAL";
    sasl = sasl_new(&choice, &offer, "juliet", NULL, NULL);
    g_autoptr(GBytes) empty = sasl_initial(sasl);
    g_assert_nonnull(empty);
    g_assert_cmpuint(g_bytes_get_size(empty), ==, 0);
    sasl_free(sasl);
}

static void test_password(void)
{
    static const struct {
        const char *bytes;
        gssize len;
    } bad[] = { { "", 0 }, { "a\nb", 3 }, { "a\0b", 3 }, { "\x7f", 1 },
        { "\xff", 1 }, { "a\u202eb", -1 }, { "\u0378", -1 } };
    struct sasl_offer offer = offer_for(scram_1);
    struct sasl_choice choice = { .mechanism = "SCRAM-SHA-1" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        auto_struct(secret) secret = secret_new(bad[i].bytes, bad[i].len);
        g_assert_null(sasl_new(&choice, &offer, "u", secret, &error));
        g_assert_error(error, SASL_ERROR, SASL_ERROR_PASSWORD);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(sasl_new(&choice, &offer, "u", NULL, &error));
    g_assert_error(error, SASL_ERROR, SASL_ERROR_PASSWORD);
}

/* ---- Tokens (draft-schmaus-kitten-sasl-ht-08, XEP-0484) ---- */

#define TOKEN "WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm"

static const char *const all_tokens[] = { "HT-SHA-256-NONE", "HT-SHA-256-ENDP",
    "HT-SHA-256-EXPR", "HT-SHA-512-EXPR", "HT-SHA3-512-EXPR", "HT-SHA-256-UNIQ",
    "SCRAM-SHA-256", NULL };

static char *hex_of(const char *bytes, gsize len)
{
    GString *out = g_string_new(NULL);
    for (gsize i = 0; i < len; i++)
        g_string_append_printf(out, "%02x", (guint8)bytes[i]);
    return g_string_free(out, FALSE);
}

static GBytes *bytes_of(const char *hex)
{
    GByteArray *out = g_byte_array_new();
    for (; hex[0]; hex += 2) {
        guint8 byte = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 |
                               g_ascii_xdigit_value(hex[1]));
        g_byte_array_append(out, &byte, 1);
    }
    return g_byte_array_free_to_bytes(out);
}

static void test_token(void)
{
    static const struct {
        const char *mechanism, *ours, *theirs;
    } cases[] = {
        { "HT-SHA-256-NONE",
            "9097787461a184e0fa84ec00c1381190b6c4d16a8ec4453c7b2ac5e7fcf935ed",
            "4e513409631474863b986c9f3e8c1e27ca29d1d7ab9ed4097e7afd6007bf9c6"
            "2" },
        { "HT-SHA-256-EXPR",
            "0c5745576afeea711960549186a31a65c9f328205ee38b66825b3d4c872b395c",
            "1260579b34d55aeba4e43062a412db609a0a7153abd218b0f148445c4e83529"
            "f" },
        { "HT-SHA-512-EXPR",
            "9f653097fb6a675f07f429e3b1398be77188c1489b702a5109f9446e5783e5d3"
            "cbe1bf87a1fa7689d9c95a1d694b4b59bc371d1104cf21809efd240d3cacb609",
            "a940d89f2e29a204b9e7d9523b1bfecf68c45fabb82faca538cb90288c59e0c7"
            "8b5e0eaae5400d7f16994372244e14017ecde8ffea70f9c2923267f9ab56c5d"
            "9" },
    };
    guint8 data[32];
    for (int i = 0; i < 32; i++)
        data[i] = (guint8)i;
    g_autoptr(GBytes) exporter = g_bytes_new(data, sizeof data);
    auto_struct(secret) token = secret_new(TOKEN, -1);
    struct sasl_offer offer = {
        .mechanisms = all_tokens, .tls = true, .exporter = exporter
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sasl_choice choice;
        g_assert_true(sasl_token_choice(&offer, cases[i].mechanism, &choice));
        struct sasl *sasl = sasl_new(&choice, &offer, "user", token, NULL);
        g_autoptr(GBytes) initial = sasl_initial(sasl);
        gsize len;
        const char *bytes = g_bytes_get_data(initial, &len);
        g_assert_cmpstr(bytes, ==, "user"); /* and NUL */
        g_autofree char *hash = hex_of(bytes + 5, len - 5);
        g_assert_cmpstr(hash, ==, cases[i].ours);

        g_autoptr(GBytes) proof = bytes_of(cases[i].theirs);
        gsize size = g_bytes_get_size(proof);
        const char *good = g_bytes_get_data(proof, NULL);
        g_autofree char *bad = g_memdup2(good, size);
        bad[size - 1] ^= 1;
        g_autoptr(GError) error = NULL;
        g_assert_true(sasl_success(sasl, good, size, NULL));
        g_assert_false(sasl_success(sasl, bad, size, &error));
        g_assert_error(error, SASL_ERROR, SASL_ERROR_PROOF);
        g_assert_false(sasl_success(sasl, good, size - 1, NULL));
        g_assert_false(sasl_success(sasl, "", 0, NULL));
        g_assert_false(sasl_success(sasl, NULL, 0, NULL));
        g_assert_false(sasl_success(sasl, bytes + 5, len - 5, NULL));

        struct login login = { .sasl = sasl, .code = -1 };
        challenge(&login, "x");
        g_assert_cmpint(login.code, ==, SASL_ERROR_PROTOCOL);
        login_clear(&login);
    }
}

static void test_token_choice(void)
{
    g_autoptr(GBytes) data = g_bytes_new("x", 1);
    struct sasl_choice choice;
    const struct {
        GBytes *exporter, *end_point;
        const char *pinned, *avoid, *choice;
        bool in_clear;
    } cases[] = {
        { data, data, NULL, NULL, "HT-SHA-512-EXPR", false },
        { data, data, NULL, "HT-SHA-512-EXPR", "HT-SHA-256-EXPR", false },
        { NULL, data, NULL, NULL, "HT-SHA-256-ENDP", false },
        { NULL, NULL, NULL, NULL, "HT-SHA-256-NONE", false },
        { NULL, NULL, "SCRAM-SHA-256", NULL, "HT-SHA-256-NONE", false },
        { NULL, NULL, "SCRAM-SHA-256-PLUS", NULL, NULL, false }, /* H11 */
        { data, data, NULL, NULL, NULL, true },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sasl_offer offer = { .mechanisms = all_tokens,
            .tls = !cases[i].in_clear,
            .have_password = true,
            .exporter = cases[i].exporter,
            .end_point = cases[i].end_point,
            .pinned = cases[i].pinned };
        bool some = sasl_choose_token(&offer, cases[i].avoid, &choice);
        g_assert_cmpstr(some ? choice.mechanism : NULL, ==, cases[i].choice);
    }
    struct sasl_offer offer = {
        .mechanisms = all_tokens, .tls = true, .have_password = true
    };
    g_assert_false(sasl_token_choice(&offer, "HT-SHA-256-EXPR", &choice));
    g_assert_false(sasl_token_choice(&offer, "HT-SHA-512-NONE", &choice));
    g_assert_false(sasl_token_choice(&offer, "SCRAM-SHA-256", &choice));
    g_assert_false(sasl_token_choice(&offer, NULL, &choice));
    /* A password is never used with them. */
    g_assert_true(sasl_choose(&offer, &choice, NULL));
    g_assert_cmpstr(choice.mechanism, ==, "SCRAM-SHA-256");
    g_assert_cmpint(sasl_strength("HT-SHA-256-EXPR"), ==, 0);
}

/* Ours says what OpenSSL's slower ones say, on both sides of the block size. */
static void test_hash(void)
{
    static const char *const names[] = { "SHA1", "SHA256", "SHA512" };
    static const gsize lengths[] = { 0, 1, 63, 64, 65, 127, 128, 129, 1000 };
    static const int counts[] = { 1, 2, 4096 };
    guint8 key[1000], salt[128], ours[HASH_SIZE_MAX], theirs[EVP_MAX_MD_SIZE];
    for (gsize i = 0; i < sizeof key; i++)
        key[i] = (guint8)g_test_rand_int();
    for (gsize i = 0; i < sizeof salt; i++)
        salt[i] = (guint8)g_test_rand_int();
    for (gsize i = 0; i < G_N_ELEMENTS(names) * G_N_ELEMENTS(lengths); i++) {
        const char *name = names[i % G_N_ELEMENTS(names)];
        gsize len = lengths[i / G_N_ELEMENTS(names)], size;
        const struct hash *hash = hash_find(name);
        const EVP_MD *md = EVP_get_digestbyname(name);
        unsigned their_size = 0;
        size = hash_size(hash);
        hash_digest(hash, key, len, ours);
        g_assert_true(EVP_Digest(key, len, theirs, &their_size, md, NULL));
        g_assert_cmpmem(ours, size, theirs, their_size);
        hash_hmac(hash, key, len, salt, sizeof salt, ours);
        g_assert_nonnull(HMAC(md, key, (int)len, salt, sizeof salt, theirs, &their_size));
        g_assert_cmpmem(ours, size, theirs, their_size);
        for (gsize c = 0; c < G_N_ELEMENTS(counts); c++) {
            gsize salt_len = 8 + (gsize)g_test_rand_int_range(0, 121);
            hash_salted(hash, key, len, salt, salt_len, counts[c], ours);
            g_assert_true(PKCS5_PBKDF2_HMAC((const char *)key, (int)len, salt,
                (int)salt_len, counts[c], md, (int)size, theirs));
            g_assert_cmpmem(ours, size, theirs, size);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sasl/rfc5802-sha1", test_rfc5802);
    g_test_add_func("/sasl/rfc7677-sha256", test_rfc7677);
    g_test_add_func("/sasl/sha512", test_sha512);
    g_test_add_func("/sasl/hash", test_hash);
    g_test_add_func("/sasl/plus-exporter", test_plus_exporter);
    g_test_add_func("/sasl/worker", test_worker);
    g_test_add_func("/sasl/worker-detached", test_worker_detached);
    g_test_add_func("/sasl/worker-impatient", test_worker_impatient);
    g_test_add_func("/sasl/prepared", test_prepared);
    g_test_add_func("/sasl/final-as-challenge", test_final_as_challenge);
    g_test_add_func("/sasl/nonce", test_nonce);
    g_test_add_func("/sasl/H06-wrong-signature", test_h06);
    g_test_add_func("/sasl/H07-no-signature", test_h07);
    g_test_add_func("/sasl/H08-nonce", test_h08);
    g_test_add_func("/sasl/H09-iterations", test_h09);
    g_test_add_func("/sasl/H10-malformed", test_h10);
    g_test_add_func("/sasl/H10-long-salt", test_long_salt);
    g_test_add_func("/sasl/H11-signed-list", test_h11_signed_list);
    g_test_add_func("/sasl/H11-pinned", test_h11_pinned);
    g_test_add_func("/sasl/H01-plain", test_h01_plain);
    g_test_add_func("/sasl/gs2-header", test_gs2);
    g_test_add_func("/sasl/choice", test_choice);
    g_test_add_func("/sasl/strength", test_strength);
    g_test_add_func("/sasl/simple", test_simple);
    g_test_add_func("/sasl/password", test_password);
    g_test_add_func("/sasl/token", test_token);
    g_test_add_func("/sasl/H11-token-choice", test_token_choice);
    return g_test_run();
}
