/* A server that says anything. Messages are separated by NUL; the first is the
 * challenge, the others further challenges, the last comes with success. No
 * login may succeed: nothing here knows the password. "@" stands for our
 * nonce, so that proofs are reached. */
#include <stdint.h>
#include <string.h>
#include "net/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_answer(GBytes *response, const GError *error, gpointer data)
{
    (void)data;
    g_assert((response != NULL) != (error != NULL));
}

static char *expand(const char *s, size_t len)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < len; i++)
        g_string_append(out,
            s[i] == '@' ? "fyko+d2lbbFgONRv9qkxdawL" : (char[]){ s[i], 0 });
    return g_string_free(out, FALSE);
}

/* The same for one who has a token. */
static void log_in_by_token(const uint8_t *data, size_t size)
{
    static const char *const mechanisms[] = { "HT-SHA-256-EXPR", NULL };
    g_autoptr(GBytes) binding = g_bytes_new_static("binding", 7);
    struct sasl_offer offer = {
        .mechanisms = mechanisms, .tls = true, .exporter = binding
    };
    struct sasl_choice choice;
    auto_struct(secret) token = secret_new("secret-token:fast-1", -1);
    g_assert(sasl_token_choice(&offer, mechanisms[0], &choice));
    struct sasl *sasl = sasl_new(&choice, &offer, "user", token, NULL);
    g_bytes_unref(sasl_initial(sasl));
    g_autoptr(GError) error = NULL;
    sasl_challenge(sasl, (const char *)data, size, on_answer, NULL);
    g_assert(!sasl_success(sasl, (const char *)data, size, &error));
    g_assert(error);
    sasl_free(sasl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_in_by_token(data, size);
    static const char *const mechanisms[] = { "SCRAM-SHA-1", NULL };
    struct sasl_offer offer = {
        .mechanisms = mechanisms, .tls = true, .have_password = true
    };
    struct sasl_choice choice;
    auto_struct(secret) password = secret_new("pencil", -1);
    g_assert(sasl_choose(&offer, &choice, NULL));
    struct sasl *sasl = sasl_new(&choice, &offer, "user", password, NULL);
    sasl_set_nonce(sasl, "fyko+d2lbbFgONRv9qkxdawL");
    g_bytes_unref(sasl_initial(sasl));
    const char *p = (const char *)data;
    const char *end = p + size;
    for (int i = 0; i < 4; i++) {
        const char *nul = p < end ? memchr(p, 0, end - p) : NULL;
        if (!nul)
            break;
        g_autofree char *text = expand(p, nul - p);
        sasl_challenge(sasl, text, strlen(text), on_answer, NULL);
        p = nul + 1;
    }
    g_autofree char *final = expand(p, end - p);
    g_autoptr(GError) error = NULL;
    g_assert(!sasl_success(sasl, final, strlen(final), &error));
    g_assert(error);
    sasl_free(sasl);
    return 0;
}
