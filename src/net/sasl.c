/*
 * Mechanisms are rows of one table, in order of strength. The choice walks
 * over it from the strong end; what has been used before is a floor below
 * which it does not go, because the list of offers is not signed (H11).
 */
#include "net/sasl.h"
#include <string.h>
#include <openssl/crypto.h>
#include <utf8proc.h>
#include "base/intl.h"
#include "base/text.h"
#include "model/jid.h"
#include "net/hash.h"
#include "net/scram.h"

G_DEFINE_QUARK(sasl - error - quark, sasl_error)

enum kind { KIND_ANONYMOUS, KIND_PLAIN, KIND_EXTERNAL, KIND_SCRAM, KIND_TOKEN };

/* A binding makes more of a difference than a longer hash. EXTERNAL gives no
 * secret away; it stands below SCRAM so that having used it once does not shut
 * out SCRAM when the key is gone. */
static const struct mechanism {
    const char *name;
    enum kind kind;
    bool plus;
    const char *hash;
} mechanisms[] = {
    { "ANONYMOUS", KIND_ANONYMOUS, false, NULL },
    { "PLAIN", KIND_PLAIN, false, NULL },
    { "EXTERNAL", KIND_EXTERNAL, false, NULL },
    { "SCRAM-SHA-1", KIND_SCRAM, false, "SHA1" },
    { "SCRAM-SHA-256", KIND_SCRAM, false, "SHA256" },
    { "SCRAM-SHA-512", KIND_SCRAM, false, "SHA512" },
    { "SCRAM-SHA-1-PLUS", KIND_SCRAM, true, "SHA1" },
    { "SCRAM-SHA-256-PLUS", KIND_SCRAM, true, "SHA256" },
    { "SCRAM-SHA-512-PLUS", KIND_SCRAM, true, "SHA512" },
};

/* draft-schmaus-kitten-sasl-ht-08, in order of preference. Never chosen for a
 * password, and of no strength: what has worked is the password's mechanism. */
static const struct token_mechanism {
    struct mechanism mechanism;
    enum sasl_binding binding;
} token_mechanisms[] = {
    { { "HT-SHA-512-EXPR", KIND_TOKEN, true, "SHA512" }, SASL_BIND_EXPORTER },
    { { "HT-SHA-256-EXPR", KIND_TOKEN, true, "SHA256" }, SASL_BIND_EXPORTER },
    { { "HT-SHA-512-ENDP", KIND_TOKEN, true, "SHA512" }, SASL_BIND_END_POINT },
    { { "HT-SHA-256-ENDP", KIND_TOKEN, true, "SHA256" }, SASL_BIND_END_POINT },
    { { "HT-SHA-512-NONE", KIND_TOKEN, false, "SHA512" }, SASL_BIND_NONE },
    { { "HT-SHA-256-NONE", KIND_TOKEN, false, "SHA256" }, SASL_BIND_NONE },
};

static const struct mechanism *find_mechanism(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(mechanisms); i++)
        if (strcmp(mechanisms[i].name, name) == 0)
            return &mechanisms[i];
    return NULL;
}

static const struct token_mechanism *find_token_mechanism(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(token_mechanisms); i++)
        if (strcmp(token_mechanisms[i].mechanism.name, name) == 0)
            return &token_mechanisms[i];
    return NULL;
}

static int strength(const struct mechanism *m)
{
    return m ? (int)(m - mechanisms) + 1 : 0;
}

int sasl_strength(const char *mechanism)
{
    return strength(find_mechanism(mechanism));
}

/* ---- The choice ---- */

static bool in_list(const char *const *list, const char *word)
{
    for (; list && *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static enum sasl_binding best_binding(const struct sasl_offer *offer)
{
    if (!offer->tls || offer->no_plus)
        return SASL_BIND_NONE;
    const char *const *list = offer->bindings; /* none: the server is silent */
    if (offer->exporter && (!list || in_list(list, "tls-exporter")))
        return SASL_BIND_EXPORTER;
    if (offer->end_point && (!list || in_list(list, "tls-server-end-point")))
        return SASL_BIND_END_POINT;
    return SASL_BIND_NONE;
}

bool sasl_offers_scram(const char *const *offered)
{
    for (const char *const *p = offered; p && *p; p++)
        if (g_str_has_prefix(*p, "SCRAM-"))
            return true;
    return false;
}

static bool is_usable(const struct sasl_offer *offer, const struct mechanism *m,
    enum sasl_binding binding)
{
    if (!in_list(offer->mechanisms, m->name))
        return false;
    if (offer->anonymous)
        return m->kind == KIND_ANONYMOUS;
    switch (m->kind) {
    case KIND_SCRAM:
        return offer->have_password && (!m->plus || binding != SASL_BIND_NONE);
    case KIND_EXTERNAL:
        return offer->have_client_cert && offer->tls;
    case KIND_PLAIN:
        return offer->have_password && offer->plain_allowed && offer->tls &&
               !offer->scram_seen && !sasl_offers_scram(offer->mechanisms);
    default:
        return false;
    }
}

static const struct mechanism *strongest(
    const struct sasl_offer *offer, enum sasl_binding binding)
{
    const struct mechanism *external = find_mechanism("EXTERNAL");
    if (is_usable(offer, external, binding))
        return external;
    for (size_t i = G_N_ELEMENTS(mechanisms); i-- > 0;)
        if (is_usable(offer, &mechanisms[i], binding))
            return &mechanisms[i];
    return NULL;
}

/* A binding cannot be demanded where there is no TLS (on loopback). */
static int floor_of(const struct sasl_offer *offer)
{
    const struct mechanism *pinned = find_mechanism(offer->pinned);
    if (!pinned)
        return 0;
    if (pinned->kind == KIND_EXTERNAL)
        return sasl_strength("SCRAM-SHA-1");
    if (pinned->plus && !offer->tls) {
        g_autofree char *name =
            g_strndup(pinned->name, strlen(pinned->name) - strlen("-PLUS"));
        return sasl_strength(name);
    }
    return strength(pinned);
}

/* For a sentence: harmless, and no longer than one. */
static char *list_offers(const struct sasl_offer *offer)
{
    if (!offer->mechanisms || !*offer->mechanisms)
        return g_strdup("nothing");
    g_autoptr(GString) out = g_string_new(NULL);
    for (int i = 0; offer->mechanisms[i] && i < 20; i++) {
        g_autofree char *clean =
            text_clean(offer->mechanisms[i], -1, TEXT_ONE_LINE);
        g_autofree char *cut = text_ellipsize(clean, 30, false);
        g_string_append_printf(out, "%s%s", i ? ", " : "", cut);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static void set_no_mechanism(const struct sasl_offer *offer, GError **error)
{
    g_autofree char *offers = list_offers(offer);
    bool plain = in_list(offer->mechanisms, "PLAIN") && offer->have_password;
    const char *advice = _("ask its administrator for SCRAM-SHA-256");
    if (offer->anonymous)
        advice = _("it takes no guests: log in with an account");
    else if (!offer->have_password)
        advice = _("a password is needed for these");
    else if (plain && !offer->tls)
        advice = _("PLAIN would show the password to everybody on the way, so "
                 "it is never used without TLS");
    else if (plain && !sasl_offers_scram(offer->mechanisms))
        advice = _("PLAIN hands the password to the server: if you want that, "
                 "say /account set JID plain_allowed on, or plain_allowed = on "
                 "in txmpp.conf");
    g_set_error(error, SASL_ERROR, SASL_ERROR_NO_MECHANISM,
        _("No way to log in: the server offers %s; %s."), offers, advice);
}

static void set_scram_gone(const struct sasl_offer *offer, GError **error)
{
    g_autofree char *offers = list_offers(offer);
    g_set_error(error, SASL_ERROR, SASL_ERROR_DOWNGRADE,
        _("The server has offered SCRAM before, and what it offers now is weaker "
        "(%s). Somebody may be trying a downgrade, so the password was not "
        "sent; try again later, or ask the server's administrator."),
        offers);
}

static void set_downgrade(const struct sasl_offer *offer, GError **error)
{
    g_autofree char *offers = list_offers(offer);
    g_set_error(error, SASL_ERROR, SASL_ERROR_DOWNGRADE,
        _("This account has logged in by %s before, and what the server offers "
        "now is weaker (%s). Somebody may be trying a downgrade, so the login "
        "was stopped; if the server's administrator confirms the change, "
        "remove “mechanism” from the account in txmpp.conf."),
        offer->pinned, offers);
}

bool sasl_choose(
    const struct sasl_offer *offer, struct sasl_choice *out, GError **error)
{
    enum sasl_binding binding = best_binding(offer);
    const struct mechanism *m = strongest(offer, binding);
    int floor = offer->anonymous ? 0 : floor_of(offer);
    bool low = strength(m) < floor && !(m && m->kind == KIND_EXTERNAL);
    if (low && (m || floor >= sasl_strength("SCRAM-SHA-1"))) {
        set_downgrade(offer, error);
        return false;
    }
    if (!m) {
        if (offer->scram_seen && !sasl_offers_scram(offer->mechanisms))
            set_scram_gone(offer, error);
        else
            set_no_mechanism(offer, error);
        return false;
    }
    *out = (struct sasl_choice){ .mechanism = m->name,
        .binding = m->plus ? binding : SASL_BIND_NONE };
    return true;
}

static bool is_usable_token(
    const struct sasl_offer *offer, const struct token_mechanism *m)
{
    const struct mechanism *pinned = find_mechanism(offer->pinned);
    if (!offer->tls || offer->anonymous ||
        !in_list(offer->mechanisms, m->mechanism.name))
        return false;
    switch (m->binding) {
    case SASL_BIND_EXPORTER:
        return offer->exporter != NULL;
    case SASL_BIND_END_POINT:
        return offer->end_point != NULL;
    default:
        return !(pinned && pinned->plus);
    }
}

static struct sasl_choice token_choice(const struct token_mechanism *m)
{
    return (struct sasl_choice){ m->mechanism.name, m->binding };
}

bool sasl_choose_token(
    const struct sasl_offer *offer, const char *avoid, struct sasl_choice *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(token_mechanisms); i++) {
        const struct token_mechanism *m = &token_mechanisms[i];
        if (is_usable_token(offer, m) &&
            g_strcmp0(m->mechanism.name, avoid) != 0) {
            *out = token_choice(m);
            return true;
        }
    }
    return false;
}

bool sasl_token_choice(const struct sasl_offer *offer, const char *mechanism,
    struct sasl_choice *out)
{
    const struct token_mechanism *m = find_token_mechanism(mechanism);
    if (!m || !is_usable_token(offer, m))
        return false;
    *out = token_choice(m);
    return true;
}

/* ---- One login ---- */

struct sasl {
    const struct mechanism *mechanism;
    char *username;
    struct secret *password; /* prepared; NULL where none is needed */
    struct scram *scram;
    GBytes *binding; /* of a token */
};

static bool offers_plus(const struct sasl_offer *offer)
{
    for (const char *const *p = offer->mechanisms; p && *p; p++)
        if (g_str_has_prefix(*p, "SCRAM-") && g_str_has_suffix(*p, "-PLUS"))
            return true;
    return false;
}

/* gs2-header of RFC 5802 s. 7. "y" says: I could bind, you seem not to; it is
 * a lie when the server did offer -PLUS, and makes the server refuse. */
static const char *gs2_header(
    const struct sasl_choice *choice, const struct sasl_offer *offer)
{
    switch (choice->binding) {
    case SASL_BIND_EXPORTER:
        return "p=tls-exporter,,";
    case SASL_BIND_END_POINT:
        return "p=tls-server-end-point,,";
    default:
        break;
    }
    bool could =
        offer->tls && !offer->no_plus && (offer->exporter || offer->end_point);
    return could && !offers_plus(offer) ? "y,," : "n,,";
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_sorted(GString *out, const char *const *list)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    for (; list && *list; list++)
        g_ptr_array_add(sorted, (gpointer)*list);
    g_ptr_array_sort(sorted, compare_names);
    for (guint i = 0; i < sorted->len; i++) {
        g_string_append(out, i ? "\x1E" : "");
        g_string_append(out, sorted->pdata[i]);
    }
}

/* XEP-0474 s. 5.1 */
static char *offered_string(const struct sasl_offer *offer)
{
    GString *out = g_string_new(NULL);
    append_sorted(out, offer->mechanisms);
    if (offer->bindings) {
        g_string_append_c(out, '\x1F');
        append_sorted(out, offer->bindings);
    }
    return g_string_free(out, FALSE);
}

static bool is_printable_ascii(const char *s)
{
    for (; *s; s++)
        if (*s < 0x20 || *s > 0x7E)
            return false;
    return true;
}

static void wipe_string(char *s)
{
    if (!s)
        return;
    secret_wipe(s, strlen(s));
    g_free(s);
}

/* Servers hold what SASLprep (RFC 4013) makes of a password: NFKC. The checks
 * are those of OpaqueString, which has replaced it (RFC 8265 s. 4). */
static struct secret *prepare_password(struct secret *password, GError **error)
{
    const char *text = secret_bytes(password);
    size_t len = secret_len(password);
    if (len && strlen(text) == len && is_printable_ascii(text))
        return secret_ref(password);
    char *opaque =
        len && strlen(text) == len ? precis_opaque(text, NULL) : NULL;
    char *nfkc =
        opaque ? (char *)utf8proc_NFKC((const utf8proc_uint8_t *)opaque) : NULL;
    struct secret *prepared = nfkc ? secret_new(nfkc, -1) : NULL;
    if (nfkc)
        secret_wipe(nfkc, strlen(nfkc));
    free(nfkc); /* utf8proc's allocator is malloc */
    wipe_string(opaque);
    if (!prepared)
        g_set_error(error, SASL_ERROR, SASL_ERROR_PASSWORD,
            len ? _("The password holds a character that no server accepts, "
                  "such as a control character: check how it was typed or "
                  "stored.")
                : _("The password is empty: type it again."));
    return prepared;
}

static GBytes *binding_data(
    const struct sasl_choice *choice, const struct sasl_offer *offer)
{
    switch (choice->binding) {
    case SASL_BIND_EXPORTER:
        return offer->exporter;
    case SASL_BIND_END_POINT:
        return offer->end_point;
    default:
        return NULL;
    }
}

static struct scram *new_scram(const struct sasl *sasl,
    const struct sasl_choice *choice, const struct sasl_offer *offer)
{
    g_autofree char *offered = offered_string(offer);
    struct scram_setup setup = {
        .hash = sasl->mechanism->hash,
        .gs2_header = gs2_header(choice, offer),
        .binding = binding_data(choice, offer),
        .offered = offered,
        .username = sasl->username,
        .password = sasl->password,
    };
    return scram_new(&setup);
}

/* The token is the key as it came. */
static struct sasl *new_token(const struct mechanism *m,
    const struct sasl_choice *choice, const struct sasl_offer *offer,
    const char *username, struct secret *token)
{
    struct sasl *sasl = g_new0(struct sasl, 1);
    GBytes *binding = binding_data(choice, offer);
    sasl->mechanism = m;
    sasl->username = g_strdup(username ? username : "");
    sasl->password = secret_ref(token);
    sasl->binding = binding ? g_bytes_ref(binding) : NULL;
    return sasl;
}

struct sasl *sasl_new(const struct sasl_choice *choice,
    const struct sasl_offer *offer, const char *username,
    struct secret *password, GError **error)
{
    const struct token_mechanism *token =
        find_token_mechanism(choice->mechanism);
    if (token && password)
        return new_token(&token->mechanism, choice, offer, username, password);

    const struct mechanism *m = find_mechanism(choice->mechanism);
    g_return_val_if_fail(m != NULL, NULL);
    struct sasl *sasl = g_new0(struct sasl, 1);
    sasl->mechanism = m;
    sasl->username = g_strdup(username ? username : "");
    if (m->kind != KIND_PLAIN && m->kind != KIND_SCRAM)
        return sasl;
    if (!password)
        g_set_error(error, SASL_ERROR, SASL_ERROR_PASSWORD,
            _("There is no password for this account: type it or set "
            "password_command."));
    else
        sasl->password = prepare_password(password, error);
    if (!sasl->password) {
        sasl_free(sasl);
        return NULL;
    }
    if (m->kind == KIND_SCRAM)
        sasl->scram = new_scram(sasl, choice, offer);
    return sasl;
}

void sasl_free(struct sasl *sasl)
{
    if (!sasl)
        return;
    scram_free(sasl->scram);
    g_clear_pointer(&sasl->binding, g_bytes_unref);
    secret_unref(sasl->password);
    g_free(sasl->username);
    g_free(sasl);
}

static void free_wiped(gpointer data)
{
    GByteArray *array = data;
    secret_wipe(array->data, array->len);
    g_byte_array_unref(array);
}

/* RFC 4616: no authorization identity, NUL, name, NUL, password. */
static GBytes *plain_message(const struct sasl *sasl)
{
    size_t name_len = strlen(sasl->username);
    size_t len = secret_len(sasl->password);
    GByteArray *out = g_byte_array_sized_new(name_len + len + 2);
    g_byte_array_append(out, (const guint8 *)"", 1);
    g_byte_array_append(out, (const guint8 *)sasl->username, name_len);
    g_byte_array_append(out, (const guint8 *)"", 1);
    g_byte_array_append(out, (const guint8 *)secret_bytes(sasl->password), len);
    return g_bytes_new_with_free_func(out->data, out->len, free_wiped, out);
}

/* HMAC(token, who || binding); returns its length. */
static gsize token_hash(
    const struct sasl *sasl, const char *who, unsigned char *out)
{
    const struct hash *hash = hash_find(sasl->mechanism->hash);
    g_autoptr(GByteArray) text = g_byte_array_new();
    g_byte_array_append(text, (const guint8 *)who, (guint)strlen(who));
    if (sasl->binding)
        g_byte_array_append(text, g_bytes_get_data(sasl->binding, NULL),
            (guint)g_bytes_get_size(sasl->binding));
    hash_hmac(hash, secret_bytes(sasl->password), secret_len(sasl->password),
        text->data, text->len, out);
    return hash_size(hash);
}

static GBytes *token_message(const struct sasl *sasl)
{
    unsigned char hash[HASH_SIZE_MAX];
    gsize len = token_hash(sasl, "Initiator", hash);
    GByteArray *out = g_byte_array_new();
    g_byte_array_append(
        out, (const guint8 *)sasl->username, (guint)strlen(sasl->username) + 1);
    g_byte_array_append(out, hash, len);
    secret_wipe(hash, sizeof hash);
    return g_bytes_new_with_free_func(out->data, out->len, free_wiped, out);
}

static bool token_success(
    const struct sasl *sasl, const char *bytes, gsize len, GError **error)
{
    unsigned char hash[HASH_SIZE_MAX];
    gsize hash_len = token_hash(sasl, "Responder", hash);
    bool good =
        bytes && len == hash_len && CRYPTO_memcmp(bytes, hash, len) == 0;
    secret_wipe(hash, sizeof hash);
    if (!good)
        g_set_error_literal(error, SASL_ERROR, SASL_ERROR_PROOF,
            _("The server let us in without proving that it knows our token, so "
            "the login was stopped: somebody may be posing as your server."));
    return good;
}

GBytes *sasl_initial(struct sasl *sasl)
{
    switch (sasl->mechanism->kind) {
    case KIND_SCRAM:
        return scram_first(sasl->scram);
    case KIND_PLAIN:
        return plain_message(sasl);
    case KIND_TOKEN:
        return token_message(sasl);
    default: /* EXTERNAL without another identity; ANONYMOUS without a trace */
        return g_bytes_new_static("", 0);
    }
}

void sasl_challenge(struct sasl *sasl, const char *bytes, gsize len,
    sasl_answer_fn fn, gpointer data)
{
    if (sasl->scram) {
        scram_challenge(sasl->scram, bytes, len, fn, data);
        return;
    }
    g_autoptr(GError) error = g_error_new(SASL_ERROR, SASL_ERROR_PROTOCOL,
        _("The server asks for more than %s has to say, so the login was "
        "stopped; tell its administrator."),
        sasl->mechanism->name);
    fn(NULL, error, data);
}

bool sasl_success(
    struct sasl *sasl, const char *bytes, gsize len, GError **error)
{
    if (sasl->mechanism->kind == KIND_TOKEN)
        return token_success(sasl, bytes, len, error);
    return !sasl->scram || scram_success(sasl->scram, bytes, len, error);
}

const char *sasl_mechanism(const struct sasl *sasl)
{
    return sasl->mechanism->name;
}

void sasl_set_nonce(struct sasl *sasl, const char *nonce)
{
    if (sasl->scram)
        scram_set_nonce(sasl->scram, nonce);
}
