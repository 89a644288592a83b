/*
 * Reading and building stanzas on libstrophe's tree. The parser gives every
 * element its namespace as the attribute xmlns (its renderer leaves out what
 * the parent says already); elements built here do the same, so a namespace
 * is always found on the element itself.
 */
#include "xmpp/stanza.h"
#include <stdarg.h>
#include <string.h>
#include "base/intl.h"
#include "base/random.h"
#include "base/text.h"

#define LANGUAGES 16 /* of one text that are looked at */

/* A context is an allocator and a logger, no connection: one serves all. */
static xmpp_ctx_t *context(void)
{
    static gsize ctx;

    if (g_once_init_enter(&ctx))
        g_once_init_leave(&ctx, (gsize)xmpp_ctx_new(NULL, NULL));
    return (xmpp_ctx_t *)ctx;
}

const char *stanza_name(xmpp_stanza_t *s)
{
    const char *name = s && xmpp_stanza_is_tag(s) ? xmpp_stanza_get_name(s)
                                                  : NULL;
    return name ? name : "";
}

const char *stanza_ns(xmpp_stanza_t *s)
{
    const char *ns = s && xmpp_stanza_is_tag(s) ? xmpp_stanza_get_ns(s) : NULL;

    return ns ? ns : "";
}

const char *stanza_attr(xmpp_stanza_t *s, const char *name)
{
    return s ? xmpp_stanza_get_attribute(s, name) : NULL;
}

bool stanza_is(xmpp_stanza_t *s, const char *name, const char *ns)
{
    return (!name || strcmp(stanza_name(s), name) == 0) &&
        (!ns || strcmp(stanza_ns(s), ns) == 0);
}

static xmpp_stanza_t *find(
    xmpp_stanza_t *s, const char *name, const char *ns)
{
    while (s && !(xmpp_stanza_is_tag(s) && stanza_is(s, name, ns)))
        s = xmpp_stanza_get_next(s);
    return s;
}

xmpp_stanza_t *stanza_child(xmpp_stanza_t *s, const char *name, const char *ns)
{
    return s ? find(xmpp_stanza_get_children(s), name, ns) : NULL;
}

xmpp_stanza_t *stanza_next(
    xmpp_stanza_t *child, const char *name, const char *ns)
{
    return child ? find(xmpp_stanza_get_next(child), name, ns) : NULL;
}

xmpp_stanza_t *stanza_first_element(xmpp_stanza_t *s)
{
    return stanza_child(s, NULL, NULL);
}

int stanza_count_elements(xmpp_stanza_t *s)
{
    int n = 0;

    for (xmpp_stanza_t *c = stanza_first_element(s); c;
         c = stanza_next(c, NULL, NULL))
        n++;
    return n;
}

char *stanza_text(xmpp_stanza_t *s)
{
    xmpp_stanza_t *child = s ? xmpp_stanza_get_children(s) : NULL;
    GString *text;

    if (!child)
        return g_strdup("");
    if (!xmpp_stanza_get_next(child)) /* the usual case: one run of text */
        return g_strdup(xmpp_stanza_is_text(child)
                ? xmpp_stanza_get_text_ptr(child)
                : "");
    text = g_string_new(NULL);
    for (; child; child = xmpp_stanza_get_next(child))
        if (xmpp_stanza_is_text(child))
            g_string_append(text, xmpp_stanza_get_text_ptr(child));
    return g_string_free(text, FALSE);
}

char *stanza_child_text(xmpp_stanza_t *s, const char *name, const char *ns)
{
    xmpp_stanza_t *child = stanza_child(s, name, ns);

    return child ? stanza_text(child) : NULL;
}

const char *stanza_lang(xmpp_stanza_t *s)
{
    /* The guard passes xml:lang alone of all prefixed attributes; libstrophe
     * then forgets the prefix. Ours keep it. */
    const char *lang = stanza_attr(s, "xml:lang");

    return lang ? lang : stanza_attr(s, "lang");
}

/* How well a language tag suits the person: lower is better. */
static int lang_rank(const char *lang)
{
    const char *const *wanted = g_get_language_names();

    for (int i = 0; lang && wanted[i]; i++) {
        const size_t n = strcspn(wanted[i], "_.@");
        if (g_ascii_strncasecmp(lang, wanted[i], n) == 0 &&
            (lang[n] == '\0' || lang[n] == '-'))
            return i;
    }
    return G_MAXINT;
}

static int rank_of(xmpp_stanza_t *s, const char *inherited)
{
    const char *lang = stanza_lang(s);

    return lang ? lang_rank(lang) : MIN(lang_rank(inherited), G_MAXINT - 1);
}

xmpp_stanza_t *stanza_localized(xmpp_stanza_t *s, const char *name,
    const char *ns, const char *inherited, GHashTable **all)
{
    xmpp_stanza_t *best = stanza_child(s, name, ns);
    int best_rank;
    unsigned n = 0;

    if (all)
        *all = NULL;
    if (!best || !stanza_next(best, name, ns))
        return best;
    best_rank = rank_of(best, inherited);
    if (all)
        *all =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (xmpp_stanza_t *c = best; c && n < LANGUAGES;
         c = stanza_next(c, name, ns), n++) {
        const char *lang = stanza_lang(c);
        const int rank = rank_of(c, inherited);
        if (rank < best_rank) {
            best = c;
            best_rank = rank;
        }
        if (all)
            g_hash_table_insert(
                *all, g_strdup(lang ? lang : ""), stanza_text(c));
    }
    return best;
}

char *stanza_xml(xmpp_stanza_t *s)
{
    char *rendered = NULL, *copy;
    size_t len;

    if (!s || xmpp_stanza_to_text(s, &rendered, &len) != XMPP_EOK || !rendered)
        return g_strdup("");
    copy = g_strndup(rendered, len);
    xmpp_free(xmpp_stanza_get_context(s), rendered);
    return copy;
}

/* Only bytes above 0x1f and a valid encoding can go out unchanged, and most
 * text is like that. */
static bool is_plain(const char *text)
{
    for (const guchar *p = (const guchar *)text; *p; p++)
        if (*p < 0x20 || *p >= 0x7f)
            return false;
    return true;
}

static void set_attributes(xmpp_stanza_t *s, va_list args)
{
    for (const char *name; (name = va_arg(args, const char *));)
        stanza_set(s, name, va_arg(args, const char *));
}

static xmpp_stanza_t *element(const char *name, const char *ns)
{
    xmpp_stanza_t *s = xmpp_stanza_new(context());

    xmpp_stanza_set_name(s, name);
    if (ns)
        xmpp_stanza_set_ns(s, ns);
    return s;
}

xmpp_stanza_t *stanza_new(const char *name, const char *ns, ...)
{
    xmpp_stanza_t *s = element(name, ns ? ns : NS_CLIENT);
    va_list args;

    va_start(args, ns);
    set_attributes(s, args);
    va_end(args);
    return s;
}

xmpp_stanza_t *stanza_add(
    xmpp_stanza_t *parent, const char *name, const char *ns, ...)
{
    xmpp_stanza_t *s = element(name, ns ? ns : xmpp_stanza_get_ns(parent));
    va_list args;

    va_start(args, ns);
    set_attributes(s, args);
    va_end(args);
    stanza_take_child(parent, s);
    return s;
}

void stanza_set(xmpp_stanza_t *s, const char *name, const char *value)
{
    g_autofree char *clean = NULL;

    if (!value) {
        xmpp_stanza_del_attribute(s, name);
        return;
    }
    if (!is_plain(value))
        value = clean = text_xml_clean(value, -1, NULL);
    xmpp_stanza_set_attribute(s, name, value);
}

void stanza_set_text(xmpp_stanza_t *s, const char *text)
{
    xmpp_stanza_t *node;
    g_autofree char *clean = NULL;

    if (!text || !*text)
        return;
    if (!is_plain(text))
        text = clean = text_xml_clean(text, -1, NULL);
    node = xmpp_stanza_new(context());
    xmpp_stanza_set_text(node, text);
    stanza_take_child(s, node);
}

void stanza_take_child(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
    xmpp_stanza_add_child_ex(parent, child, 0);
}

xmpp_stanza_t *stanza_parse(const char *xml)
{
    return xmpp_stanza_new_from_string(context(), xml);
}

guint stanza_key_hash(gconstpointer p)
{
    const struct stanza_key *key = p;

    return g_str_hash(key->element) * 33 ^ g_str_hash(key->ns);
}

gboolean stanza_key_equal(gconstpointer a, gconstpointer b)
{
    const struct stanza_key *x = a, *y = b;

    return strcmp(x->element, y->element) == 0 && strcmp(x->ns, y->ns) == 0;
}

char *stanza_new_id(void)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char random[22]; /* 6 bits each: 132 */
    char *id = g_malloc(sizeof random + 1);

    random_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        id[i] = digits[random[i] & 63];
    if (*id == '-') /* commands take it for an option; 131 bits are left */
        *id = 'A';
    id[sizeof random] = '\0';
    return id;
}

/* ---- errors ------------------------------------------------------------ */

struct condition {
    const char *name, *type;
    int code; /* XEP-0086; the first with a code is what the code means */
    const char *sentence;
};

static const struct condition conditions[] = {
    { "bad-request", "modify", 400,
        N_("The request was malformed; the other side could not read it.") },
    { "conflict", "cancel", 409,
        N_("That name is already in use; choose another one.") },
    { "feature-not-implemented", "cancel", 501,
        N_("The other side does not have this feature.") },
    { "forbidden", "auth", 403, N_("You are not allowed to do that; ask who runs the place.") },
    { "gone", "cancel", 0,
        N_("This address is no longer in use; ask for the new one.") },
    { "internal-server-error", "wait", 500,
        N_("The server has a fault; try again later.") },
    { "item-not-found", "cancel", 404,
        N_("There is nothing by that name; check the address.") },
    { "jid-malformed", "modify", 0,
        N_("The server does not accept this address; check its spelling.") },
    { "not-acceptable", "modify", 406,
        N_("The other side does not accept this; change it and try again.") },
    { "not-allowed", "cancel", 405, N_("Nobody is allowed to do that there.") },
    { "not-authorized", "auth", 401,
        N_("You must authenticate first; check the password.") },
    { "payment-required", "auth", 402,
        N_("The service wants to be paid first.") },
    { "policy-violation", "modify", 0,
        N_("This breaks a rule of the server; ask its administrator.") },
    { "recipient-unavailable", "wait", 0,
        N_("The recipient is not there now; try again later.") },
    { "redirect", "modify", 302,
        N_("The recipient is now reached at another address; ask for it.") },
    { "registration-required", "auth", 407,
        N_("You must register there first; see /register.") },
    { "remote-server-not-found", "cancel", 0,
        N_("The other server cannot be found; check the domain.") },
    { "remote-server-timeout", "wait", 504,
        N_("There was no answer in time; try again later.") },
    { "resource-constraint", "wait", 0,
        N_("The server is out of room for this; try again later.") },
    { "service-unavailable", "cancel", 503,
        N_("The recipient or the service cannot be reached; try again later.") },
    { "subscription-required", "auth", 0,
        N_("You must subscribe first; see /sub request.") },
    { "undefined-condition", "cancel", 0,
        N_("The request failed for a reason that was not given; try again later.") },
    { "unexpected-request", "wait", 0,
        N_("The other side did not expect this now; try again later.") },
    /* codes of XEP-0086 that share a condition */
    { "remote-server-timeout", "wait", 408, NULL },
    { "service-unavailable", "cancel", 502, NULL },
    { "service-unavailable", "cancel", 510, NULL },
};

static const struct condition *find_condition(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(conditions); i++)
        if (strcmp(conditions[i].name, name) == 0)
            return &conditions[i];
    return NULL;
}

static const struct condition *find_code(const char *code)
{
    gint64 number = code ? g_ascii_strtoll(code, NULL, 10) : 0;

    for (size_t i = 0; number > 0 && i < G_N_ELEMENTS(conditions); i++)
        if (conditions[i].code == number)
            return &conditions[i];
    return NULL;
}

static bool is_error_type(const char *type)
{
    static const char *const types[] = { "auth", "cancel", "continue",
        "modify", "wait", NULL };

    return type && g_strv_contains(types, type);
}

struct stanza_error *stanza_error_new(
    const char *type, const char *condition, const char *text)
{
    const struct condition *known = find_condition(condition);
    struct stanza_error *e = g_new0(struct stanza_error, 1);

    if (!known)
        known = find_condition("undefined-condition");
    e->condition = g_strdup(known->name);
    e->type = g_strdup(is_error_type(type) ? type : known->type);
    e->text = text && *text ? g_strdup(text) : NULL;
    return e;
}

struct stanza_error *stanza_error_read(xmpp_stanza_t *s)
{
    xmpp_stanza_t *error = stanza_child(s, "error", NULL);
    const struct condition *known = NULL;
    g_autofree char *text = NULL, *app = NULL, *address = NULL;
    struct stanza_error *e;

    for (xmpp_stanza_t *c = stanza_first_element(error); c;
         c = stanza_next(c, NULL, NULL)) {
        if (strcmp(stanza_ns(c), NS_STANZAS) != 0) {
            if (!app)
                app = g_strdup(stanza_name(c));
        } else if (strcmp(stanza_name(c), "text") == 0) {
            if (!text)
                text = stanza_text(c);
        } else if (!known) {
            known = find_condition(stanza_name(c));
            address = stanza_text(c);
        }
    }
    if (!text && address && *address) /* RFC 6120 s. 8.3.3.5 and 14: the new one */
        text = g_steal_pointer(&address);
    if (!known)
        known = find_code(stanza_attr(error, "code"));
    if (!text) /* before RFC 3920 the text stood in <error> itself */
        text = stanza_text(error);
    e = stanza_error_new(stanza_attr(error, "type"),
        known ? known->name : "undefined-condition", g_strstrip(text));
    e->by = g_strdup(stanza_attr(error, "by"));
    e->app = g_steal_pointer(&app);
    return e;
}

void stanza_error_free(struct stanza_error *error)
{
    if (!error)
        return;
    g_free(error->type);
    g_free(error->condition);
    g_free(error->text);
    g_free(error->by);
    g_free(error->app);
    g_free(error);
}

const char *stanza_error_condition_sentence(const char *condition)
{
    const struct condition *known = find_condition(condition);

    if (!known)
        known = find_condition("undefined-condition");
    return _(known->sentence);
}

/* XEP-0191 s. 3.2: our own server keeps back what we send to somebody whom we
 * have blocked. */
static bool is_blocked(const struct stanza_error *error)
{
    return strcmp(error->condition, "not-acceptable") == 0 &&
        g_strcmp0(error->app, "blocked") == 0;
}

char *stanza_error_sentence(const struct stanza_error *error)
{
    const char *sentence = is_blocked(error)
        ? _("You have blocked this address; see /unblock.")
        : stanza_error_condition_sentence(error->condition);

    if (error->text)
        return g_strdup_printf("%s (%s)", sentence, error->text);
    return g_strdup(sentence);
}
