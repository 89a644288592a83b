/*
 * Three messages: ours with a nonce, the server's with salt and count, ours
 * with the proof; then the server must prove itself (RFC 5802 s. 3). The only
 * slow step is the salted password. With a small count it is computed at once,
 * otherwise in a worker, which owns what it needs and reports to a struct that
 * may have been freed meanwhile.
 */
#include "net/scram.h"
#include "base/intl.h"
#include <string.h>
#include <gio/gio.h>
#include <openssl/crypto.h>
#include "base/random.h"
#include "net/hash.h"

enum {
    MESSAGE_MAX = 8192,
    NONCE_MAX = 1024,
    NONCE_BYTES = 18, /* 144 bits, 24 characters of base64 */
    SALT_MIN = 8,
    SALT_MAX = 128, /* H10; the longest in use have 36 */
    ITERATIONS_MIN = 4096,
    ITERATIONS_MAX = 1000000,  /* H09 */
    ITERATIONS_INLINE = 20000, /* about 10 ms */
};

enum step {
    STEP_START,
    STEP_FIRST,
    STEP_WORKER,
    STEP_PROOF,
    STEP_VERIFIED,
    STEP_FAILED
};

/* What the worker needs and what it makes; owned by its task. */
struct work {
    struct scram *scram; /* main thread only; NULL: nobody waits any more */
    struct secret *password;
    const struct hash *hash;
    unsigned char salt[SALT_MAX];
    gsize salt_len;
    int iterations;
    unsigned char salted[HASH_SIZE_MAX];
};

struct scram {
    enum step step;
    const struct hash *hash;
    char *gs2_header, *username, *nonce, *offered;
    GBytes *binding;
    struct secret *password;
    char *server_first, *server_nonce;
    struct work *work; /* while the worker runs */
    sasl_answer_fn fn;
    gpointer fn_data;
    unsigned char server_signature[HASH_SIZE_MAX];
};

struct scram *scram_new(const struct scram_setup *setup)
{
    struct scram *scram = g_new0(struct scram, 1);
    unsigned char random[NONCE_BYTES];
    random_bytes(random, sizeof random);
    scram->hash = hash_find(setup->hash);
    scram->gs2_header = g_strdup(setup->gs2_header);
    scram->username = g_strdup(setup->username);
    scram->offered = g_strdup(setup->offered);
    scram->binding = setup->binding ? g_bytes_ref(setup->binding) : NULL;
    scram->password = secret_ref(setup->password);
    scram->nonce = g_base64_encode(random, sizeof random);
    return scram;
}

void scram_free(struct scram *scram)
{
    if (!scram)
        return;
    if (scram->work)
        scram->work->scram = NULL;
    secret_unref(scram->password);
    g_clear_pointer(&scram->binding, g_bytes_unref);
    g_free(scram->gs2_header);
    g_free(scram->username);
    g_free(scram->nonce);
    g_free(scram->offered);
    g_free(scram->server_first);
    g_free(scram->server_nonce);
    secret_wipe(scram, sizeof *scram);
    g_free(scram);
}

void scram_set_nonce(struct scram *scram, const char *nonce)
{
    g_free(scram->nonce);
    scram->nonce = g_strdup(nonce);
}

/* client-first-message-bare; '=' and ',' of the name are escaped. */
static char *first_bare(const struct scram *scram)
{
    g_autoptr(GString) out = g_string_new("n=");
    for (const char *p = scram->username; *p; p++) {
        if (*p == '=')
            g_string_append(out, "=3D");
        else if (*p == ',')
            g_string_append(out, "=2C");
        else
            g_string_append_c(out, *p);
    }
    g_string_append_printf(out, ",r=%s", scram->nonce);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

GBytes *scram_first(struct scram *scram)
{
    g_autofree char *bare = first_bare(scram);
    char *message = g_strconcat(scram->gs2_header, bare, NULL);
    scram->step = STEP_FIRST;
    return g_bytes_new_take(message, strlen(message));
}

/* ---- What the server says ---- */

static bool protocol_error(GError **error, const char *what)
{
    g_set_error(error, SASL_ERROR, SASL_ERROR_PROTOCOL,
        _("The server's part of the login is not valid (%s), so no proof of the "
        "password was sent; tell its administrator."),
        what);
    return false;
}

/* Strict base64: one spelling, nothing around it. NULL when it is none. */
static guchar *decode_base64(const char *text, gsize *len)
{
    gsize n = strlen(text);
    if (n == 0 || n % 4)
        return NULL;
    guchar *bytes = g_base64_decode(text, len);
    g_autofree char *again = g_base64_encode(bytes, *len);
    if (strcmp(again, text) == 0)
        return bytes;
    g_free(bytes);
    return NULL;
}

/* attr-val of RFC 5802 s. 7, each letter once: value by letter. The message is
 * cut up in place. */
struct attributes {
    const char *values[128];
    const char *order; /* letters as they came */
    char letters[64];
};

static bool parse_attributes(char *message, struct attributes *out)
{
    size_t n = 0;
    *out = (struct attributes){ .order = out->letters };
    for (char *p = message; p; n++) {
        char *comma = strchr(p, ',');
        if (comma)
            *comma = '\0';
        unsigned char letter = *p;
        if (!g_ascii_isalpha(letter) || p[1] != '=' || !p[2] ||
            out->values[letter] || n + 1 >= sizeof out->letters)
            return false;
        out->values[letter] = p + 2;
        out->letters[n] = letter;
        p = comma ? comma + 1 : NULL;
    }
    return true;
}

/* Copies the message as a string; NULL when it cannot be one. */
static char *message_of(const char *bytes, gsize len)
{
    if (!bytes || len == 0 || len > MESSAGE_MAX ||
        !g_utf8_validate_len(bytes, len, NULL))
        return NULL;
    return g_strndup(bytes, len);
}

static bool is_printable(const char *s)
{
    for (; *s; s++)
        if (*s < 0x21 || *s > 0x7E)
            return false;
    return true;
}

static bool check_nonce(
    const struct scram *scram, const char *nonce, GError **error)
{
    size_t own = strlen(scram->nonce);
    if (strlen(nonce) > NONCE_MAX || !is_printable(nonce))
        return protocol_error(error, _("its nonce is malformed"));
    if (strncmp(nonce, scram->nonce, own) != 0 || !nonce[own])
        return protocol_error(
            error, _("its nonce does not continue the one that was sent"));
    return true;
}

static bool parse_iterations(const char *text, int *out, GError **error)
{
    size_t n = strlen(text);
    if (text[0] == '0' || n > 10 || strspn(text, "0123456789") != n)
        return protocol_error(error, _("its iteration count is not a number"));
    gint64 count = g_ascii_strtoll(text, NULL, 10);
    if (count < ITERATIONS_MIN)
        return protocol_error(
            error, _("its iteration count is too small to protect the password"));
    if (count > ITERATIONS_MAX)
        return protocol_error(
            error, _("its iteration count would keep this machine busy"));
    *out = count;
    return true;
}

/* XEP-0474: the server signs the lists it has offered; if others arrived, they
 * were changed on the way. */
static bool check_offered(
    const struct scram *scram, const char *signed_hash, GError **error)
{
    unsigned char hash[HASH_SIZE_MAX];
    if (!signed_hash)
        return true;
    hash_digest(scram->hash, scram->offered, strlen(scram->offered), hash);
    g_autofree char *ours = g_base64_encode(hash, hash_size(scram->hash));
    if (strcmp(ours, signed_hash) == 0)
        return true;
    g_set_error(error, SASL_ERROR, SASL_ERROR_DOWNGRADE,
        _("The ways to log in that the server offers were changed on the way "
        "here (downgrade). Somebody may be between you and the server, so the "
        "login was stopped; try from another network."));
    return false;
}

static struct work *work_free(struct work *work)
{
    secret_unref(work->password);
    secret_wipe(work, sizeof *work);
    g_free(work);
    return NULL;
}

/* Everything is checked before the password is touched. */
static struct work *read_first(
    struct scram *scram, const char *bytes, gsize len, GError **error)
{
    struct attributes a;
    g_autofree char *message = message_of(bytes, len);
    scram->server_first = g_strdup(message);
    if (!message || !parse_attributes(message, &a)) {
        protocol_error(error, _("its challenge is malformed"));
        return NULL;
    }
    if (a.values['m']) {
        protocol_error(error, _("it asks for an extension that is not known"));
        return NULL;
    }
    if (strncmp(a.order, "rsi", 3) != 0) {
        protocol_error(error, _("its challenge is incomplete"));
        return NULL;
    }
    gsize salt_len = 0;
    int iterations = 0;
    g_autofree guchar *salt = decode_base64(a.values['s'], &salt_len);
    if (!check_nonce(scram, a.values['r'], error) ||
        !parse_iterations(a.values['i'], &iterations, error))
        return NULL;
    if (!salt || salt_len < SALT_MIN || salt_len > SALT_MAX) {
        protocol_error(error, _("its salt is malformed"));
        return NULL;
    }
    if (!check_offered(scram, a.values['h'], error))
        return NULL;
    scram->server_nonce = g_strdup(a.values['r']);
    struct work *work = g_new0(struct work, 1);
    work->scram = scram;
    work->password = secret_ref(scram->password);
    work->hash = scram->hash;
    work->iterations = iterations;
    work->salt_len = salt_len;
    memcpy(work->salt, salt, salt_len);
    return work;
}

/* ---- The proof ---- */

static void hmac(const struct scram *scram, const unsigned char *key,
    const char *text, unsigned char *out)
{
    hash_hmac(scram->hash, key, hash_size(scram->hash), text, strlen(text), out);
}

/* Any thread. */
static void run_work(struct work *work)
{
    hash_salted(work->hash, secret_bytes(work->password),
        secret_len(work->password), work->salt, work->salt_len,
        work->iterations, work->salted);
}

static char *final_without_proof(const struct scram *scram)
{
    g_autoptr(GByteArray) input = g_byte_array_new();
    g_byte_array_append(
        input, (const guint8 *)scram->gs2_header, strlen(scram->gs2_header));
    if (scram->binding) {
        gsize len;
        const guint8 *data = g_bytes_get_data(scram->binding, &len);
        g_byte_array_append(input, data, len);
    }
    g_autofree char *encoded = g_base64_encode(input->data, input->len);
    return g_strdup_printf("c=%s,r=%s", encoded, scram->server_nonce);
}

static GBytes *client_final(struct scram *scram, const unsigned char *salted)
{
    unsigned char key[HASH_SIZE_MAX], stored[HASH_SIZE_MAX];
    unsigned char proof[HASH_SIZE_MAX], server_key[HASH_SIZE_MAX];
    gsize len = hash_size(scram->hash);
    g_autofree char *bare = first_bare(scram);
    g_autofree char *final = final_without_proof(scram);
    g_autofree char *auth =
        g_strconcat(bare, ",", scram->server_first, ",", final, NULL);

    hmac(scram, salted, "Client Key", key);
    hash_digest(scram->hash, key, len, stored);
    hmac(scram, stored, auth, proof);
    for (gsize i = 0; i < len; i++)
        proof[i] ^= key[i];
    hmac(scram, salted, "Server Key", server_key);
    hmac(scram, server_key, auth, scram->server_signature);

    g_autofree char *encoded = g_base64_encode(proof, len);
    char *message = g_strdup_printf("%s,p=%s", final, encoded);
    secret_wipe(key, sizeof key);
    secret_wipe(stored, sizeof stored);
    secret_wipe(proof, sizeof proof);
    secret_wipe(server_key, sizeof server_key);
    return g_bytes_new_take(message, strlen(message));
}

/* The callback may free the scram: nothing comes after it. */
static void answer(struct scram *scram, GBytes *response, const GError *error)
{
    scram->fn(response, error, scram->fn_data);
}

static void fail(struct scram *scram, GError *error)
{
    g_autoptr(GError) owned = error;
    scram->step = STEP_FAILED;
    answer(scram, NULL, owned);
}

/* Takes the work. */
static void send_proof(struct scram *scram, struct work *work)
{
    g_autoptr(GBytes) response = client_final(scram, work->salted);
    work_free(work);
    scram->step = STEP_PROOF;
    answer(scram, response, NULL);
}

static void worker_thread(
    GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    (void)source;
    (void)cancellable;
    run_work(data);
    g_task_return_boolean(task, true);
}

static void worker_done(GObject *source, GAsyncResult *result, gpointer data)
{
    (void)source;
    (void)result;
    struct work *work = data;
    struct scram *scram = work->scram;
    if (!scram) {
        work_free(work);
        return;
    }
    scram->work = NULL;
    send_proof(scram, work);
}

static void start_worker(struct scram *scram, struct work *work)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, worker_done, work);
    scram->work = work;
    scram->step = STEP_WORKER;
    g_task_set_task_data(task, work, NULL);
    g_task_run_in_thread(task, worker_thread);
}

/* ---- The server's proof ---- */

static bool unproven(GError **error, const char *why)
{
    g_set_error(error, SASL_ERROR, SASL_ERROR_PROOF,
        _("The server did not prove the password (%s), so it may not be yours "
        "and the login was stopped; check the network and the server's "
        "certificate."),
        why);
    return false;
}

static bool verify(
    struct scram *scram, const char *bytes, gsize len, GError **error)
{
    struct attributes a;
    gsize n = 0;
    g_autofree char *message = message_of(bytes, len);
    scram->step = STEP_FAILED;
    if (!message || !parse_attributes(message, &a) || *a.order != 'v')
        return unproven(error, message && g_str_has_prefix(message, "e=")
                                   ? _("it reports an error instead")
                                   : _("its last message holds no signature"));
    g_autofree guchar *signature = decode_base64(a.values['v'], &n);
    if (!signature || n != hash_size(scram->hash) ||
        CRYPTO_memcmp(signature, scram->server_signature, n) != 0)
        return unproven(error, _("its signature is wrong"));
    scram->step = STEP_VERIFIED;
    return true;
}

void scram_challenge(struct scram *scram, const char *bytes, gsize len,
    sasl_answer_fn fn, gpointer data)
{
    GError *error = NULL;
    if (scram->step == STEP_WORKER) {
        /* The answer that is being computed is no longer wanted. */
        scram->work->scram = NULL;
        scram->work = NULL;
    }
    scram->fn = fn;
    scram->fn_data = data;
    if (scram->step == STEP_PROOF) { /* RFC 6120 s. 6.4.3: then an empty one */
        if (!verify(scram, bytes, len, &error)) {
            fail(scram, error);
            return;
        }
        g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
        answer(scram, empty, NULL);
        return;
    }
    struct work *work = NULL;
    if (scram->step == STEP_FIRST)
        work = read_first(scram, bytes, len, &error);
    else
        protocol_error(&error, _("a challenge came out of turn"));
    if (!work) {
        fail(scram, error);
        return;
    }
    if (work->iterations > ITERATIONS_INLINE) {
        start_worker(scram, work);
        return;
    }
    run_work(work);
    send_proof(scram, work);
}

bool scram_success(
    struct scram *scram, const char *bytes, gsize len, GError **error)
{
    if (scram->step == STEP_VERIFIED && len == 0)
        return true;
    if (scram->step != STEP_PROOF)
        return unproven(error, _("it ended the login before it was due"));
    return verify(scram, bytes, len, error);
}
