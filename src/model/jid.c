/*
 * An address is one string; its parts are found by looking for the first '/'
 * and then the first '@' before it (RFC 7622 s. 3.1). ASCII, nearly all there
 * is, is prepared in one pass into the result; everything else goes part by
 * part through PRECIS and IDNA.
 */
#include "model/jid.h"
#include <arpa/inet.h>
#include <string.h>
#include <idn2.h>
#include <utf8proc.h>
#include "base/intl.h"
#include "base/text.h"

G_DEFINE_QUARK(jid - error - quark, jid_error)

enum { PART_MAX = 1023, DOMAIN_ASCII_MAX = 253, LABEL_MAX = 63 };

struct parts {
    const char *local, *domain, *resource;
    size_t local_len, domain_len, resource_len;
};

static struct parts split(const char *jid)
{
    struct parts parts = { 0 };
    size_t bare_len = jid_bare_len(jid);
    const char *at = memchr(jid, '@', bare_len);
    parts.domain = at ? at + 1 : jid;
    parts.domain_len = jid + bare_len - parts.domain;
    if (at) {
        parts.local = jid;
        parts.local_len = at - jid;
    }
    if (jid[bare_len]) {
        parts.resource = jid + bare_len + 1;
        parts.resource_len = strlen(parts.resource);
    }
    return parts;
}

/* ---- Character classes of the fast path and of jid_is_valid ---- */

/* Sets of ASCII, one bit a character: on the path of every stanza. Localpart
 * (s. 3.3.1), label of a plain domain, and what servers may write as a host. */
static const guint64 local_chars[2] = {
    /* 0x21 to 0x3F without "&'/:<> */
    G_GUINT64_CONSTANT(0xFFFFFFFE00000000) &
        ~(1ull << '"' | 1ull << '&' | 1ull << '\'' | 1ull << '/' | 1ull << ':' |
            1ull << '<' | 1ull << '>'),
    /* 0x41 to 0x7E: without @ and DEL */
    G_GUINT64_CONSTANT(0x7FFFFFFFFFFFFFFE),
};
static const guint64 label_chars[2] = {
    G_GUINT64_CONSTANT(0x03FF200000000000), /* digits, hyphen */
    G_GUINT64_CONSTANT(0x07FFFFFE07FFFFFE), /* letters */
};
static const guint64 host_chars[2] = {
    G_GUINT64_CONSTANT(0x07FF600000000000), /* and . : */
    G_GUINT64_CONSTANT(0x07FFFFFEAFFFFFFE), /* and [ ] _ */
};

static bool is_in(const guint64 chars[2], unsigned char c)
{
    return c < 0x80 && (chars[c >> 6] >> (c & 63) & 1);
}

static bool all_of(const char *s, size_t len, const guint64 chars[2])
{
    for (size_t i = 0; i < len; i++)
        if (!is_in(chars, s[i]))
            return false;
    return true;
}

/* A domain name in letters, digits and hyphens that needs no IDNA. */
static bool is_plain_domain(const char *s, size_t len)
{
    if (len == 0 || len > DOMAIN_ASCII_MAX)
        return false;
    for (const char *end = s + len; s <= end;) {
        const char *dot = memchr(s, '.', end - s);
        size_t n = (dot ? dot : end) - s;
        if (n == 0 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-' ||
            !all_of(s, n, label_chars) ||
            (n >= 4 && g_ascii_strncasecmp(s, "xn--", 4) == 0))
            return false;
        s += n + 1;
    }
    return true;
}

static bool is_plain_resource(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7F)
            return false;
    return true;
}

static bool is_part_len(size_t len)
{
    return len >= 1 && len <= PART_MAX;
}

static char *prepare_plain(const struct parts *p, const char *jid)
{
    if ((p->local && (!is_part_len(p->local_len) ||
                         !all_of(p->local, p->local_len, local_chars))) ||
        !is_plain_domain(p->domain, p->domain_len) ||
        (p->resource && (!is_part_len(p->resource_len) ||
                            !is_plain_resource(p->resource, p->resource_len) ||
                            p->resource[0] == ' ')))
        return NULL;
    char *copy = g_strdup(jid);
    for (size_t i = 0, n = jid_bare_len(jid); i < n; i++)
        copy[i] = g_ascii_tolower(copy[i]);
    return copy;
}

/* ---- The domain (s. 3.2) ---- */

static void malformed(GError **error, const char *part, const char *why)
{
    g_set_error(error, JID_ERROR, JID_ERROR_MALFORMED,
        _("%s is not valid: %s. An address looks like juliet@example.com."),
        _(part), why);
}

static const char in_domain[] = N_("The server name");
static const char in_local[] = N_("The name before the @");
static const char in_resource[] = N_("The resource after the /");

static bool is_ascii(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s >= 0x80)
            return false;
    return true;
}

/* Lower case, usual width, the dots of East Asia as dots, NFC (RFC 5895). */
static char *map_domain(const char *domain)
{
    g_autoptr(GString) out = g_string_sized_new(strlen(domain));
    for (const char *p = domain; *p; p = g_utf8_next_char(p)) {
        gint32 cp = g_utf8_get_char(p);
        gint32 mapped[4];
        int last = 0;
        if (cp >= 0xFF00 && cp <= 0xFFEF &&
            utf8proc_decompose_char(cp, mapped, 4,
                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last) == 1)
            cp = mapped[0];
        cp = cp == 0x3002 ? '.' : utf8proc_tolower(cp);
        g_string_append_unichar(out, cp);
    }
    utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)out->str);
    char *copy = nfc ? g_strdup((char *)nfc) : NULL;
    free(nfc);
    return copy;
}

/* IDNA2008 as it stands: nothing is mapped, nothing deviates. */
static char *label_to_ascii(const char *label)
{
    char *found = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)label, (uint8_t **)&found,
        IDN2_NFC_INPUT | IDN2_NO_TR46);
    char *copy = rc == IDN2_OK && found ? g_strdup(found) : NULL;
    idn2_free(found);
    if (copy && strlen(copy) > LABEL_MAX)
        g_clear_pointer(&copy, g_free);
    return copy;
}

/* An A-label is taken only when it is the one spelling of its U-label. */
static char *label_to_unicode(const char *label)
{
    char *found = NULL;
    int rc = idn2_to_unicode_8z8z(label, &found, 0);
    g_autofree char *unicode = rc == IDN2_OK ? g_strdup(found) : NULL;
    idn2_free(found);
    if (!unicode || is_ascii(unicode))
        return NULL;
    g_autofree char *back = label_to_ascii(unicode);
    if (!back || strcmp(back, label) != 0)
        return NULL;
    return g_steal_pointer(&unicode);
}

static bool convert_label(const char *label, GString *unicode, GString *ascii)
{
    g_autofree char *u = NULL;
    g_autofree char *a = NULL;
    if (!is_ascii(label)) {
        u = g_strdup(label);
        a = label_to_ascii(label);
    } else if (g_str_has_prefix(label, "xn--")) {
        u = label_to_unicode(label);
        a = g_strdup(label);
    } else if (is_plain_domain(label, strlen(label))) {
        u = g_strdup(label);
        a = g_strdup(label);
    }
    if (!u || !a)
        return false;
    g_string_append(g_string_append(unicode, unicode->len ? "." : ""), u);
    g_string_append(g_string_append(ascii, ascii->len ? "." : ""), a);
    return true;
}

static char *ip_literal(const char *domain)
{
    size_t len = strlen(domain);
    char buf[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (len < 4 || domain[0] != '[' || domain[len - 1] != ']')
        return NULL;
    g_autofree char *inner = g_strndup(domain + 1, len - 2);
    if (inet_pton(AF_INET6, inner, &addr) != 1 ||
        !inet_ntop(AF_INET6, &addr, buf, sizeof buf))
        return NULL;
    return g_strdup_printf("[%s]", buf);
}

/* Both forms, each may be asked for with NULL. */
static bool convert_domain(
    const char *domain, char **unicode, char **ascii, GError **error)
{
    size_t len = strlen(domain);
    if (len > PART_MAX) {
        malformed(error, in_domain, _("it is longer than 1023 bytes"));
        return false;
    }
    g_autofree char *ip = ip_literal(domain);
    g_autofree char *mapped = NULL;
    if (!ip) {
        mapped = g_utf8_validate(domain, -1, NULL) ? map_domain(domain) : NULL;
        if (!mapped || !*mapped) {
            malformed(error, in_domain,
                mapped ? _("it is missing") : _("it is not UTF-8 text"));
            return false;
        }
        len = strlen(mapped);
        if (mapped[len - 1] == '.')
            mapped[len - 1] = '\0';
    }
    g_autoptr(GString) u = g_string_new(ip);
    g_autoptr(GString) a = g_string_new(ip);
    g_auto(GStrv) labels = ip ? NULL : g_strsplit(mapped, ".", -1);
    if (!ip && !labels[0]) {
        malformed(error, in_domain, _("it is missing"));
        return false;
    }
    for (char **label = labels; label && *label; label++)
        if (!convert_label(*label, u, a)) {
            g_autofree char *shown = text_clean(*label, -1, TEXT_ONE_LINE);
            g_autofree char *cut = text_ellipsize(shown, 40, false);
            g_autofree char *why =
                **label ? g_strdup_printf(_("“%s” cannot be a part of it"), cut)
                        : g_strdup(_("it has an empty part"));
            malformed(error, in_domain, why);
            return false;
        }
    if (a->len > DOMAIN_ASCII_MAX || u->len > PART_MAX) {
        malformed(error, in_domain, _("it is longer than 253 characters"));
        return false;
    }
    if (unicode)
        *unicode = g_strdup(u->str);
    if (ascii)
        *ascii = g_strdup(a->str);
    return true;
}

char *jid_domain_ascii(const char *domain)
{
    size_t len = strlen(domain);
    if (is_plain_domain(domain, len))
        return g_ascii_strdown(domain, len);
    char *ascii = NULL;
    return convert_domain(domain, NULL, &ascii, NULL) ? ascii : NULL;
}

/* ---- Preparation ---- */

static char *prepare_part(const char *text, const char *part,
    char *(*profile)(const char *, GError **), GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (strlen(text) > PART_MAX) {
        malformed(error, part, _("it is longer than 1023 bytes"));
        return NULL;
    }
    g_autofree char *prepared = profile(text, &cause);
    if (!prepared) {
        malformed(error, part, cause->message);
        return NULL;
    }
    if (strlen(prepared) > PART_MAX) {
        malformed(error, part, _("it is longer than 1023 bytes"));
        return NULL;
    }
    return g_steal_pointer(&prepared);
}

static char *prepare_local(const char *local, GError **error)
{
    g_autofree char *prepared =
        prepare_part(local, in_local, precis_username, error);
    if (!prepared)
        return NULL;
    const char *bad = strpbrk(prepared, "\"&'/:<>@");
    if (bad) {
        g_autofree char *why =
            g_strdup_printf(_("the character %c is not allowed there"), *bad);
        malformed(error, in_local, why);
        return NULL;
    }
    return g_steal_pointer(&prepared);
}

/* s. 3.5, example 18: no space in front */
static char *prepare_resource(const char *resource, GError **error)
{
    char *prepared = prepare_part(resource, in_resource, precis_opaque, error);
    if (!prepared || prepared[0] != ' ')
        return prepared;
    malformed(error, in_resource, _("it begins with a space"));
    g_free(prepared);
    return NULL;
}

static char *prepare_parts(
    const char *local, const char *domain, const char *resource, GError **error)
{
    g_autofree char *l = local ? prepare_local(local, error) : NULL;
    if (local && !l)
        return NULL;
    g_autofree char *d = NULL;
    if (!convert_domain(domain, &d, NULL, error))
        return NULL;
    g_autofree char *r = resource ? prepare_resource(resource, error) : NULL;
    if (resource && !r)
        return NULL;
    return jid_new(l, d, r);
}

/* No URIs here: what the network sends is taken literally. */
static char *prepare_jid(const char *jid, GError **error)
{
    struct parts p = split(jid);
    char *plain = prepare_plain(&p, jid);
    if (plain)
        return plain;
    g_autofree char *local = p.local ? g_strndup(p.local, p.local_len) : NULL;
    g_autofree char *domain = g_strndup(p.domain, p.domain_len);
    return prepare_parts(local, domain, p.resource, error);
}

/* ---- xmpp: URIs (RFC 5122) ---- */

static bool is_uri(const char *text)
{
    return g_ascii_strncasecmp(text, "xmpp:", 5) == 0;
}

static char *unescape(const char *s, size_t len)
{
    char *text = g_uri_unescape_segment(s, s + len, NULL);
    if (text && !g_utf8_validate(text, -1, NULL))
        g_clear_pointer(&text, g_free);
    return text;
}

/* Behind the scheme and an authority (the account to use: not ours to choose
 * by a link); NULL when there is no address. */
static const char *uri_path(const char *text)
{
    text += strlen("xmpp:");
    if (!g_str_has_prefix(text, "//"))
        return text;
    const char *slash = text + 2 + strcspn(text + 2, "/?#");
    return *slash == '/' ? slash + 1 : NULL;
}

/* The parts are taken apart before they are decoded: an escaped '/' or '@' is
 * not a delimiter. */
static char *prepare_uri(const char *text, GError **error)
{
    const char *path = uri_path(text);
    if (!path) {
        malformed(error, _("The xmpp: link"), _("it holds no address"));
        return NULL;
    }
    g_autofree char *jid = g_strndup(path, strcspn(path, "?#"));
    struct parts p = split(jid);
    g_autofree char *local = p.local ? unescape(p.local, p.local_len) : NULL;
    g_autofree char *domain = unescape(p.domain, p.domain_len);
    g_autofree char *resource =
        p.resource ? unescape(p.resource, p.resource_len) : NULL;
    if (!domain || (p.local && !local) || (p.resource && !resource)) {
        malformed(error, _("The xmpp: link"), _("an escape in it is wrong: a percent sign and two digits"));
        return NULL;
    }
    return prepare_parts(local, domain, resource, error);
}

static void parse_params(const char *query, GHashTable *params)
{
    g_auto(GStrv) pairs = g_strsplit(query, ";", 64);
    for (char **pair = pairs; *pair; pair++) {
        size_t key_len = strcspn(*pair, "=");
        const char *value = (*pair)[key_len] ? *pair + key_len + 1 : "";
        g_autofree char *k = unescape(*pair, key_len);
        g_autofree char *v = unescape(value, strlen(value));
        if (k && *k && v && !g_hash_table_contains(params, k))
            g_hash_table_insert(
                params, g_steal_pointer(&k), g_steal_pointer(&v));
    }
}

bool jid_uri_parse(
    const char *text, char **jid, char **query, GHashTable **params)
{
    if (!text || !is_uri(text))
        return false;
    g_autofree char *prepared = prepare_uri(text, NULL);
    if (!prepared)
        return false;
    const char *mark = text + strcspn(text, "?#");
    g_autofree char *raw =
        *mark == '?' ? g_strndup(mark + 1, strcspn(mark + 1, "#")) : NULL;
    size_t type_len = raw ? strcspn(raw, ";") : 0;
    g_autofree char *type = raw ? unescape(raw, type_len) : NULL;
    if (raw && !type)
        return false;
    g_autoptr(GHashTable) table =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (raw && raw[type_len])
        parse_params(raw + type_len + 1, table);
    if (jid)
        *jid = g_steal_pointer(&prepared);
    if (query)
        *query = type && *type ? g_steal_pointer(&type) : NULL;
    if (params)
        *params = g_steal_pointer(&table);
    return true;
}

char *jid_prepare(const char *text, GError **error)
{
    while (g_ascii_isspace(*text))
        text++;
    g_autofree char *trimmed = NULL;
    size_t len = strlen(text);
    /* Space at the end of a resource is a part of it. */
    if (len && g_ascii_isspace(text[len - 1]) && jid_is_bare(text)) {
        trimmed = g_strchomp(g_strdup(text));
        text = trimmed;
    }
    return is_uri(text) ? prepare_uri(text, error) : prepare_jid(text, error);
}

/* ---- Looking at what is there ---- */

static bool no_controls(const char *s)
{
    for (; *s; s = g_utf8_next_char(s)) {
        gunichar c = g_utf8_get_char(s);
        if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            return false;
    }
    return true;
}

/* Non-ASCII stays as it is: the server has prepared it, by whichever rules. */
static bool all_of_or_high(
    const char *s, size_t len, const guint64 chars[2], bool *high)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] >= 0x80)
            *high = true;
        else if (!is_in(chars, s[i]))
            return false;
    }
    return true;
}

/* No label is empty, and none begins or ends with a hyphen. */
static bool has_good_labels(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool first = i == 0 || host[i - 1] == '.';
        bool last = i + 1 == len || host[i + 1] == '.';
        if ((host[i] == '.' && first) ||
            (host[i] == '-' && (first || last)))
            return false;
    }
    return true;
}

bool jid_is_valid(const char *jid)
{
    if (!jid)
        return false;
    struct parts p = split(jid);
    bool high = false;
    if (!is_part_len(p.domain_len) ||
        !all_of_or_high(p.domain, p.domain_len, host_chars, &high) ||
        !has_good_labels(p.domain, p.domain_len))
        return false;
    if (p.local &&
        (!is_part_len(p.local_len) ||
            !all_of_or_high(p.local, p.local_len, local_chars, &high)))
        return false;
    if (p.resource) {
        if (!is_part_len(p.resource_len))
            return false;
        high |= !is_plain_resource(p.resource, p.resource_len);
    }
    return !high || (g_utf8_validate(jid, -1, NULL) && no_controls(jid));
}

bool jid_is_bare(const char *jid)
{
    return !strchr(jid, '/');
}

size_t jid_bare_len(const char *jid)
{
    return strcspn(jid, "/");
}

char *jid_bare(const char *jid)
{
    return g_strndup(jid, jid_bare_len(jid));
}

const char *jid_resource(const char *jid)
{
    const char *slash = strchr(jid, '/');
    return slash ? slash + 1 : NULL;
}

char *jid_local(const char *jid)
{
    const char *at = memchr(jid, '@', jid_bare_len(jid));
    return at ? g_strndup(jid, at - jid) : NULL;
}

const char *jid_domain_start(const char *jid)
{
    const char *at = memchr(jid, '@', jid_bare_len(jid));
    return at ? at + 1 : jid;
}

char *jid_domain(const char *jid)
{
    const char *domain = jid_domain_start(jid);
    return g_strndup(domain, jid_bare_len(domain));
}

char *jid_new(const char *local, const char *domain, const char *resource)
{
    return g_strconcat(local ? local : "", local ? "@" : "", domain,
        resource ? "/" : "", resource ? resource : "", NULL);
}

bool jid_bare_equal(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    size_t len = jid_bare_len(a);
    return len == jid_bare_len(b) && memcmp(a, b, len) == 0;
}

bool jid_equal_prepared(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    if (strcmp(a, b) == 0)
        return true;
    g_autofree char *x = prepare_jid(a, NULL);
    g_autofree char *y = x ? prepare_jid(b, NULL) : NULL;
    return y && strcmp(x, y) == 0;
}
