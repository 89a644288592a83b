/*
 * One pass over expat's events writes the canonical form of the present
 * top-level element into one buffer; it is handed over when the end tag came.
 * Every check is a counter compared where its event happens, so the work is
 * linear in the input and the result does not depend on how the input was cut
 * (H25). Levels: 0 the stream, 1 a stanza, 2 its child, 3 an item of a query.
 */
#include "config.h"
#include <string.h>
#include <expat.h>
#include "net/guard.h"
#include "base/intl.h"

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_CLIENT "jabber:client"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_SM "urn:xmpp:sm:3"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_SASL2 "urn:xmpp:sasl:2"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"

#define NS_XML "http://www.w3.org/XML/1998/namespace"

#define SEPARATOR '\x1f' /* cannot occur in XML 1.0 */
#define LEVELS 66        /* more than any limit's depth */
#define NAME_MAX_BYTES 1024
#define NS_MAX_BYTES 255
#define ADDRESS_MAX_BYTES 3071 /* RFC 7622 s. 3.1: a full JID */
#define TAG_SOFT_BYTES (64 * 1024)
#define PREFIX_MAX_BYTES 4096  /* repeated in every portion */
#define KEPT_BYTES (64 * 1024) /* buffer kept between stanzas */
/* Open tags cost expat memory; what a server lets others send stays below. */
#define SKIPPED_DEPTH 131072
/* libstrophe joins the pieces expat makes of a text with strncat: what counts
 * is the sum of the lengths walked over (about 0.1 s). */
#define TEXT_WALK_BYTES ((guint64)1 << 30)
/* An unfinished tag is scanned again with every read (CVE-2023-52425). */
#define RESCAN_BYTES (64 * 1024 * 1024)

const struct guard_limits guard_limits_before_auth = {
    .stanza_bytes = 64 * 1024,
    .nodes = 1000,
    .children = 1000,
    .text_bytes = 64 * 1024,
    .portioned_bytes = 64 * 1024,
    .portioned_nodes = 1000,
    .attributes = 64,
    .depth = 64,
    .token_bytes = 16 * 1024,
};
const struct guard_limits guard_limits_after_auth = {
    .stanza_bytes = 4 * 1024 * 1024,
    .nodes = 60000,
    .children = 10000,
    .text_bytes = 1024 * 1024,
    .portioned_bytes = 16 * 1024 * 1024,
    .portioned_nodes = 400000,
    .attributes = 64,
    .depth = 64,
    .token_bytes = 512 * 1024,
};

#define IN_HEADER (1 << GUARD_HEADER)
#define IN_NEGOTIATING (1 << GUARD_NEGOTIATING)
#define IN_ONLINE (1 << GUARD_ONLINE)
#define BEFORE_ONLINE (IN_HEADER | IN_NEGOTIATING)

/* What the server may say at the top level, and when (P3). */
struct top {
    const char *ns, *name;
    unsigned states;
};
static const struct top tops[] = {
    { NS_CLIENT, "message", IN_ONLINE },
    { NS_CLIENT, "presence", IN_ONLINE },
    { NS_CLIENT, "iq", IN_NEGOTIATING | IN_ONLINE },
    { NS_SM, "r", IN_NEGOTIATING | IN_ONLINE },
    { NS_SM, "a", IN_NEGOTIATING | IN_ONLINE },
    { NS_SM, "enabled", IN_NEGOTIATING | IN_ONLINE },
    { NS_SM, "resumed", IN_NEGOTIATING | IN_ONLINE },
    { NS_SM, "failed", IN_NEGOTIATING | IN_ONLINE },
    { NS_STREAMS, "features", BEFORE_ONLINE | IN_ONLINE }, /* XEP-0388 s. 2.6 */
    { NS_STREAMS, "error", BEFORE_ONLINE | IN_ONLINE },
    { NS_TLS, "proceed", IN_NEGOTIATING },
    { NS_TLS, "failure", IN_NEGOTIATING },
    { NS_SASL, "challenge", IN_NEGOTIATING },
    { NS_SASL, "success", IN_NEGOTIATING },
    { NS_SASL, "failure", IN_NEGOTIATING },
    { NS_SASL2, "challenge", IN_NEGOTIATING },
    { NS_SASL2, "success", IN_NEGOTIATING },
    { NS_SASL2, "failure", IN_NEGOTIATING },
    { NS_SASL2, "continue", IN_NEGOTIATING },
};

/* What may be so long that it is handed over in portions. */
static const struct {
    const char *ns, *name, *end;
} lists[] = {
    { "jabber:iq:roster", "query", "</query></iq>" },
    { "http://jabber.org/protocol/disco#items", "query", "</query></iq>" },
    { "urn:xmpp:blocking", "blocklist", "</blocklist></iq>" },
};

struct name { /* expat's "ns SEPARATOR name", taken apart */
    const char *ns, *local;
    size_t ns_len, local_len;
};

enum skip {
    SKIP_NOTHING,
    SKIP_DROP, /* not for us: nothing is handed over */
    SKIP_STUB, /* beyond the limits: only the stub is */
};

struct guard {
    guard_item_fn fn;
    gpointer data;
    XML_Parser parser;
    enum guard_state state;
    struct guard_limits limits;
    struct guard_header header;
    GError *error;

    guint64 fed; /* bytes given to the parser, this call's included */
    guint64 token_start;
    guint64 rescanned;
    bool in_callback, restart, dead, closed, sealed;
    bool partial; /* an unfinished tag is in the parser */

    char *last_ns, *last_name; /* guard_expect_last */
    char *default_ns;          /* while the header is parsed */

    /* The present top-level element. */
    const struct top *top;
    enum skip skip;
    GString *out;
    GString *stub;
    bool is_result; /* an <iq type='result'/> */
    bool tag_open;  /* '>' of the last start tag is still to be written */
    unsigned level;
    guint64 start;
    size_t nodes;
    size_t run_bytes;
    guint64 walked;
    size_t children[LEVELS];
    GString *namespaces; /* default namespaces in scope, one after another */
    struct {
        size_t at, len;
    } scope[LEVELS];

    /* A query that may be handed over in portions. */
    bool portionable;
    const char *list_end;
    size_t prefix_len; /* of <iq …><query …>, 0 while not yet written */
    GArray *cuts;      /* offsets behind every GUARD_PORTION-th item */
};

G_DEFINE_QUARK(txmpp - guard - error - quark, guard_error)

const char *guard_error_condition(const GError *error)
{
    static const char *const conditions[] = {
        [GUARD_ERROR_NOT_WELL_FORMED] = "not-well-formed",
        [GUARD_ERROR_RESTRICTED_XML] = "restricted-xml",
        [GUARD_ERROR_LIMIT] = "policy-violation",
        [GUARD_ERROR_BAD_NAMESPACE] = "invalid-namespace",
        [GUARD_ERROR_UNEXPECTED] = "unsupported-stanza-type",
        [GUARD_ERROR_SMUGGLED] = "policy-violation",
        [GUARD_ERROR_BAD_HEADER] = "bad-format",
        [GUARD_ERROR_VERSION] = "unsupported-version",
    };
    if (!error || error->domain != GUARD_ERROR || error->code < 0 ||
        (guint)error->code >= G_N_ELEMENTS(conditions))
        return "undefined-condition";
    return conditions[error->code];
}

static void fail(struct guard *g, enum guard_error code, const char *sentence)
{
    if (g->error)
        return;
    g->error = g_error_new_literal(GUARD_ERROR, code, sentence);
    XML_StopParser(g->parser, XML_FALSE);
}

/* After XML_StopParser expat may still report one more event. */
static bool stopped(const struct guard *g)
{
    return g->error || g->restart || g->closed || g->sealed;
}

static bool equals(const char *s, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(s, text, len) == 0;
}

static struct name split_name(const char *full)
{
    const char *separator = strchr(full, SEPARATOR);
    if (!separator)
        return (struct name){ "", full, 0, strlen(full) };
    const char *local = separator + 1;
    /* <xml:a/> is well-formed, but this namespace cannot be the default. */
    if (equals(full, separator - full, NS_XML))
        return (struct name){ "", local, 0, strlen(local) };
    return (struct name){ full, local, separator - full, strlen(local) };
}

/* --- writing --- */

enum { ESCAPE_TEXT = 1, ESCAPE_VALUE = 2, ESCAPE_PIECE = 4 };
static const guint8 escape_class[256] = {
    ['&'] = ESCAPE_TEXT | ESCAPE_VALUE,
    ['<'] = ESCAPE_TEXT | ESCAPE_VALUE,
    ['>'] = ESCAPE_TEXT | ESCAPE_VALUE,
    ['\r'] = ESCAPE_TEXT | ESCAPE_VALUE,
    ['\''] = ESCAPE_VALUE,
    ['\n'] = ESCAPE_VALUE | ESCAPE_PIECE, /* in text a piece of its own */
    ['\t'] = ESCAPE_VALUE,
};

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\'':
        return "&apos;";
    case '\r':
        return "&#13;";
    case '\n':
        return "&#10;";
    default:
        return "&#9;";
    }
}

static void write_escaped(GString *out, const char *s, size_t len, guint8 class)
{
    const char *end = s + len, *run = s;
    for (; s < end; s++)
        if (G_UNLIKELY(escape_class[(guint8)*s] & class)) {
            g_string_append_len(out, run, s - run);
            g_string_append(out, entity_of(*s));
            run = s + 1;
        }
    g_string_append_len(out, run, end - run);
}

static void write_text(struct guard *g, const char *s, size_t len)
{
    const char *run = s;
    for (size_t i = 0; i < len; i++) {
        guint8 class = escape_class[(guint8)s[i]];
        if (G_LIKELY(!(class & (ESCAPE_TEXT | ESCAPE_PIECE))))
            continue;
        g->walked += 2 * (g->run_bytes + i);
        if (!(class & ESCAPE_TEXT))
            continue;
        g_string_append_len(g->out, run, s + i - run);
        g_string_append(g->out, entity_of(s[i]));
        run = s + i + 1;
    }
    g_string_append_len(g->out, run, s + len - run);
    g->run_bytes += len;
}

static void write_attribute(GString *out, const char *name, const char *value)
{
    g_string_append_c(out, ' ');
    g_string_append(out, name);
    g_string_append_len(out, "='", 2);
    write_escaped(out, value, strlen(value), ESCAPE_VALUE);
    g_string_append_c(out, '\'');
}

/* level is that of the element whose start tag is still open. */
static void write_pending_bracket(struct guard *g, unsigned level)
{
    if (!g->tag_open)
        return;
    g_string_append_c(g->out, '>');
    g->tag_open = false;
    if (level != 2 || !g->portionable)
        return;
    g->prefix_len = g->out->len;
    g->portionable = g->prefix_len <= PREFIX_MAX_BYTES;
}

static void write_attributes(
    struct guard *g, const char **attributes, bool is_top)
{
    static const char lang_name[] = NS_XML "\x1flang";
    const char *lang = NULL;
    for (const char **a = attributes; a[0]; a += 2)
        if (strcmp(a[0], lang_name) == 0)
            lang = a[1];
    for (const char **a = attributes; a[0]; a += 2) {
        /* L1: libstrophe would take e:from for from. */
        if (strchr(a[0], SEPARATOR))
            continue;
        /* libstrophe shows xml:lang as lang (P1). */
        if (lang && strcmp(a[0], "lang") == 0)
            continue;
        if (is_top && strcmp(a[0], "portion") == 0)
            continue;
        write_attribute(g->out, a[0], a[1]);
    }
    if (lang)
        write_attribute(g->out, "xml:lang", lang);
}

/* XML allows nothing in a name that would have to be escaped. */
static void write_start(struct guard *g, unsigned level,
    const struct name *name, const char **attributes)
{
    GString *out = g->out;
    size_t at = g->scope[level - 1].at, len = g->scope[level - 1].len;
    bool prefixed = level == 1 && equals(name->ns, name->ns_len, NS_STREAMS);
    g->scope[level] = g->scope[level - 1];
    g_string_append_c(out, '<');
    if (prefixed)
        g_string_append_len(out, "stream:", 7);
    g_string_append_len(out, name->local, name->local_len);
    if (!prefixed && (len != name->ns_len ||
                         memcmp(g->namespaces->str + at, name->ns, len) != 0)) {
        g_string_truncate(g->namespaces, at + len);
        g_string_append_len(g->namespaces, name->ns, name->ns_len);
        g->scope[level].at = at + len;
        g->scope[level].len = name->ns_len;
        g_string_append_len(out, " xmlns='", 8);
        write_escaped(out, name->ns, name->ns_len, ESCAPE_VALUE);
        g_string_append_c(out, '\'');
    }
    write_attributes(g, attributes, level == 1);
    g->tag_open = true;
}

static void write_end(struct guard *g, unsigned level, const struct name *name)
{
    GString *out = g->out;
    if (g->tag_open) {
        g->tag_open = false;
        g_string_append_len(out, "/>", 2);
        return;
    }
    g_string_append_len(out, "</", 2);
    if (level == 1 && equals(name->ns, name->ns_len, NS_STREAMS))
        g_string_append_len(out, "stream:", 7);
    g_string_append_len(out, name->local, name->local_len);
    g_string_append_c(out, '>');
}

/* --- limits --- */

static bool is_stanza(const struct guard *g)
{
    return g->top && strcmp(g->top->ns, NS_CLIENT) == 0;
}

static void over_limit(struct guard *g, const char *sentence)
{
    if (g->skip != SKIP_NOTHING)
        return;
    if (g->state == GUARD_ONLINE && is_stanza(g))
        g->skip = SKIP_STUB;
    else
        fail(g, GUARD_ERROR_LIMIT, sentence);
}

static guint64 here(const struct guard *g)
{
    return (guint64)XML_GetCurrentByteIndex(g->parser);
}

static void check_size(struct guard *g, guint64 now)
{
    guint64 size = now - g->start;
    size_t allowed =
        g->portionable ? g->limits.portioned_bytes : g->limits.stanza_bytes;
    if (size > MAX(g->limits.portioned_bytes, g->limits.stanza_bytes))
        fail(g, GUARD_ERROR_LIMIT,
            _("The server sent an element of many megabytes."));
    else if (size > allowed || g->out->len > 2 * allowed + 4096)
        over_limit(g, _("The server sent an element that is too large."));
}

/* Also seen in check_unfinished, when it came in several reads. */
static void check_tag(struct guard *g)
{
    if ((size_t)XML_GetCurrentByteCount(g->parser) > g->limits.token_bytes)
        fail(g, GUARD_ERROR_LIMIT, _("The server sent an endless tag."));
}

static void check_start(struct guard *g, unsigned level,
    const struct name *name, const char **attributes)
{
    size_t nodes = g->portionable ? g->limits.portioned_nodes : g->limits.nodes;
    size_t n = 0;
    while (attributes[2 * n])
        n++;
    if (++g->nodes > nodes)
        over_limit(g, _("The server sent an element with too many parts."));
    if (level > 1 && ++g->children[level - 1] > g->limits.children &&
        !(g->portionable && level == 3))
        over_limit(g, _("The server sent an element with too many children."));
    if (n > g->limits.attributes)
        over_limit(g, _("The server sent an element with too many attributes."));
    if (name->local_len > NAME_MAX_BYTES || name->ns_len > NS_MAX_BYTES)
        over_limit(g, _("The server sent an element with too long a name."));
    if (XML_GetCurrentByteCount(g->parser) > TAG_SOFT_BYTES)
        over_limit(g, _("The server sent a tag that is too large."));
    for (size_t i = 0; i < n; i++)
        if (G_UNLIKELY(strlen(attributes[2 * i]) > NAME_MAX_BYTES))
            over_limit(g, _("The server sent an attribute with too long a name."));
}

/* --- handing over --- */

static void emit(struct guard *g, enum guard_item item, const char *ns,
    const char *name, const GString *xml)
{
    g->in_callback = true;
    g->fn(item, ns, name, xml->str, xml->len, g->data);
    g->in_callback = false;
    if (g->restart)
        XML_StopParser(g->parser, XML_FALSE);
}

static void emit_portions(struct guard *g)
{
    g_autoptr(GString) portion = g_string_sized_new(g->out->len / g->cuts->len);
    size_t from = g->prefix_len;
    size_t to_end = g->out->len - strlen(g->list_end);
    for (guint i = 0; i <= g->cuts->len; i++) {
        bool last = i == g->cuts->len;
        size_t to = last ? to_end : g_array_index(g->cuts, size_t, i);
        g_string_assign(portion, "<iq");
        write_attribute(portion, "portion", last ? "last" : "more");
        g_string_append_len(portion, g->out->str + 3, g->prefix_len - 3);
        g_string_append_len(portion, g->out->str + from, to - from);
        g_string_append(portion, g->list_end);
        emit(g, GUARD_STANZA, g->top->ns, g->top->name, portion);
        if (stopped(g))
            return;
        from = to;
    }
}

static void emit_stub(struct guard *g)
{
    if (g->is_result)
        g_string_append(g->stub, "><error type='wait'><resource-constraint"
                                 " xmlns='" NS_STANZAS "'/></error></iq>");
    else
        g_string_append(g->stub, "/>");
    emit(g, GUARD_STANZA, g->top->ns, g->top->name, g->stub);
}

static void make_stub(struct guard *g, const char **attributes)
{
    static const char *const kept[] = { "from", "to", "id", "type" };
    g_string_assign(g->stub, "<");
    g_string_append(g->stub, g->top->name);
    for (guint i = 0; i < G_N_ELEMENTS(kept); i++)
        for (const char **a = attributes; a[0]; a += 2) {
            if (strcmp(a[0], kept[i]) != 0 || strlen(a[1]) > ADDRESS_MAX_BYTES)
                continue;
            bool becomes_error = g->is_result && strcmp(kept[i], "type") == 0;
            write_attribute(g->stub, kept[i], becomes_error ? "error" : a[1]);
        }
}

static bool is_expected_last(const struct guard *g, const struct top *top)
{
    return g->last_name && strcmp(top->ns, g->last_ns) == 0 &&
           strcmp(top->name, g->last_name) == 0;
}

static void end_top(struct guard *g)
{
    guint64 end = here(g) + XML_GetCurrentByteCount(g->parser);
    check_size(g, end);
    if (g->error)
        return;
    if (g->skip == SKIP_NOTHING && is_expected_last(g, g->top)) {
        g->sealed = true;
        if (end < g->fed) {
            fail(g, GUARD_ERROR_SMUGGLED,
                _("Somebody put bytes behind the server's answer in clear; the"
                " connection is not safe."));
            return;
        }
    }
    if (g->skip == SKIP_STUB)
        emit_stub(g);
    else if (g->skip == SKIP_NOTHING && g->portionable && g->cuts->len)
        emit_portions(g);
    else if (g->skip == SKIP_NOTHING)
        emit(g, GUARD_STANZA, g->top->ns, g->top->name, g->out);
    g->top = NULL;
    g->skip = SKIP_NOTHING;
    if (g->out->allocated_len > KEPT_BYTES) {
        g_string_free(g->out, TRUE);
        g->out = g_string_sized_new(4096);
    }
}

/* --- the header --- */

/* RFC 6120 s. 4.7.5: numbers, not text; without a version it is 0.9. */
static bool version_is_enough(const char *version)
{
    const char *dot = version ? strchr(version, '.') : NULL;
    size_t digits = version ? strspn(version, "0123456789") : 0;
    if (!dot || digits == 0 || version + digits != dot)
        return false;
    size_t minor = strspn(dot + 1, "0123456789");
    if (minor == 0 || dot[1 + minor])
        return false;
    return strspn(version, "0") < digits; /* major >= 1 */
}

static void clear_header(struct guard *g)
{
    g_clear_pointer(&g->header.from, g_free);
    g_clear_pointer(&g->header.id, g_free);
    g_clear_pointer(&g->header.version, g_free);
    g_clear_pointer(&g->header.lang, g_free);
    g_clear_pointer(&g->default_ns, g_free);
}

static void read_header(struct guard *g, const char **attributes)
{
    const struct {
        const char *name;
        char **to;
    } wanted[] = {
        { "from", &g->header.from },
        { "id", &g->header.id },
        { "version", &g->header.version },
        { NS_XML "\x1flang", &g->header.lang },
    };
    for (const char **a = attributes; a[0]; a += 2)
        for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
            if (strcmp(a[0], wanted[i].name) == 0)
                *wanted[i].to = g_strdup(a[1]);
}

static void write_header(struct guard *g)
{
    g_string_assign(g->out, "<stream:stream xmlns='" NS_CLIENT "'"
                            " xmlns:stream='" NS_STREAMS "'");
    if (g->header.from)
        write_attribute(g->out, "from", g->header.from);
    write_attribute(g->out, "id", g->header.id);
    write_attribute(g->out, "version", g->header.version);
    if (g->header.lang)
        write_attribute(g->out, "xml:lang", g->header.lang);
    g_string_append_c(g->out, '>');
}

static void start_stream(
    struct guard *g, const struct name *name, const char **attributes)
{
    const char *ns = g->default_ns;
    if (!equals(name->ns, name->ns_len, NS_STREAMS)) {
        fail(g, GUARD_ERROR_BAD_NAMESPACE,
            _("What answers is not an XMPP server: its stream has a foreign"
            " namespace."));
        return;
    }
    if (!equals(name->local, name->local_len, "stream")) {
        fail(g, GUARD_ERROR_BAD_HEADER,
            _("The server did not begin with a stream header."));
        return;
    }
    /* RFC 6120 s. 4.8.2; the stream's own namespace may be the default. */
    if (!ns || (strcmp(ns, NS_CLIENT) != 0 && strcmp(ns, NS_STREAMS) != 0)) {
        fail(g, GUARD_ERROR_BAD_NAMESPACE,
            _("The server does not speak to clients on this port."));
        return;
    }
    read_header(g, attributes);
    if (!version_is_enough(g->header.version)) {
        fail(g, GUARD_ERROR_VERSION,
            _("The server speaks a version of XMPP older than 1.0."));
        return;
    }
    if (!g->header.id) {
        fail(
            g, GUARD_ERROR_BAD_HEADER, _("The server's stream header has no id."));
        return;
    }
    XML_SetStartNamespaceDeclHandler(g->parser, NULL);
    write_header(g);
    g_string_assign(g->namespaces, NS_CLIENT);
    g->scope[0].at = 0;
    g->scope[0].len = strlen(NS_CLIENT);
    g->level = 1;
    emit(g, GUARD_STREAM_OPEN, NS_STREAMS, "stream", g->out);
}

/* --- expat's events --- */

static const struct top *find_top(const struct name *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(tops); i++)
        if (equals(name->local, name->local_len, tops[i].name) &&
            equals(name->ns, name->ns_len, tops[i].ns))
            return &tops[i];
    return NULL;
}

static void start_top(
    struct guard *g, const struct name *name, const char **attributes)
{
    g->top = find_top(name);
    g->start = here(g);
    g->nodes = 0;
    g->walked = 0;
    g->portionable = false;
    g->prefix_len = 0;
    g->is_result = false;
    g->tag_open = false;
    g_string_truncate(g->out, 0);
    g_array_set_size(g->cuts, 0);
    if (!g->top || !(g->top->states & (1 << g->state))) {
        if (g->state == GUARD_ONLINE)
            g->skip = SKIP_DROP; /* RFC 6120 s. 8.4: ignored (H23) */
        else
            fail(g, GUARD_ERROR_UNEXPECTED,
                _("The server sent something that has no place in a login."));
        return;
    }
    if (g->state != GUARD_ONLINE || !is_stanza(g))
        return;
    if (strcmp(g->top->name, "iq") == 0)
        for (const char **a = attributes; a[0]; a += 2)
            if (strcmp(a[0], "type") == 0 && strcmp(a[1], "result") == 0)
                g->is_result = true;
    make_stub(g, attributes);
}

static void start_child_of_iq(struct guard *g, const struct name *name)
{
    /* A second child: what was written so far is no prefix any more. */
    g->portionable = false;
    if (!g->is_result || g->children[1] > 0)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
        if (equals(name->local, name->local_len, lists[i].name) &&
            equals(name->ns, name->ns_len, lists[i].ns)) {
            g->portionable = true;
            g->list_end = lists[i].end;
        }
}

static void on_start(void *data, const char *full, const char **attributes)
{
    struct guard *g = data;
    if (stopped(g))
        return;
    check_tag(g);
    struct name name = split_name(full);
    if (g->level == 0) {
        start_stream(g, &name, attributes);
        return;
    }
    unsigned level = g->level++;
    if (level == 1)
        start_top(g, &name, attributes);
    if (level == 2 && g->skip == SKIP_NOTHING)
        start_child_of_iq(g, &name);
    if (g->error)
        return;
    g->run_bytes = 0;
    if (g->skip == SKIP_NOTHING && level <= g->limits.depth)
        check_start(g, level, &name, attributes);
    else if (level > SKIPPED_DEPTH)
        fail(g, GUARD_ERROR_LIMIT, _("The server sent a bottomless element."));
    else
        over_limit(g, _("The server sent an element that is nested too deep."));
    if (g->skip != SKIP_NOTHING || g->error)
        return;
    write_pending_bracket(g, level - 1);
    write_start(g, level, &name, attributes);
    g->children[level] = 0;
    check_size(g, here(g));
}

static void on_end(void *data, const char *full)
{
    struct guard *g = data;
    if (stopped(g))
        return;
    unsigned level = --g->level;
    if (level == 0) {
        g->closed = true;
        g_string_assign(g->out, "</stream:stream>");
        emit(g, GUARD_STREAM_CLOSE, NS_STREAMS, "stream", g->out);
        XML_StopParser(g->parser, XML_FALSE);
        return;
    }
    check_tag(g);
    g->run_bytes = 0;
    if (g->skip == SKIP_NOTHING) {
        struct name name = split_name(full);
        bool full_portion =
            g->portionable && level > 1 && g->children[2] % GUARD_PORTION == 0;
        write_end(g, level, &name);
        if (level == 3 && full_portion)
            g_array_append_val(g->cuts, g->out->len);
        else if (level == 2 && full_portion && g->cuts->len)
            g_array_set_size(g->cuts, g->cuts->len - 1);
    }
    if (level == 1 && !g->error)
        end_top(g);
}

static bool is_space(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] != ' ' && s[i] != '\n' && s[i] != '\r' && s[i] != '\t')
            return false;
    return true;
}

static void on_text(void *data, const char *s, int len)
{
    struct guard *g = data;
    if (stopped(g))
        return;
    if (g->level == 1) { /* keepalives between stanzas */
        if (!is_space(s, len))
            fail(g, GUARD_ERROR_UNEXPECTED,
                _("The server sent text outside of any element."));
        return;
    }
    /* Beside a query nothing has room (RFC 6120 s. 8.2.3); portions rely on
     * it. */
    if (g->skip != SKIP_NOTHING || (g->level == 2 && g->is_result))
        return;
    write_pending_bracket(g, g->level - 1);
    write_text(g, s, len);
    if (g->run_bytes > g->limits.text_bytes || g->walked > TEXT_WALK_BYTES)
        over_limit(g, _("The server sent a text that is too long."));
    if (g->out->len > 2 * g->limits.stanza_bytes)
        check_size(g, here(g));
}

static void on_doctype(void *data, const char *name, const char *system_id,
    const char *public_id, int has_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    fail(data, GUARD_ERROR_RESTRICTED_XML,
        _("The server sent a document type declaration."));
}

static void on_comment(void *data, const char *text)
{
    (void)text;
    if (!stopped(data))
        fail(data, GUARD_ERROR_RESTRICTED_XML, _("The server sent a comment."));
}

static void on_instruction(void *data, const char *target, const char *text)
{
    (void)target, (void)text;
    if (!stopped(data))
        fail(data, GUARD_ERROR_RESTRICTED_XML,
            _("The server sent a processing instruction."));
}

static void on_declaration(
    void *data, const char *version, const char *encoding, int standalone)
{
    (void)standalone;
    if (encoding && g_ascii_strcasecmp(encoding, "UTF-8") != 0)
        fail(data, GUARD_ERROR_RESTRICTED_XML,
            _("The server's stream is not in UTF-8."));
    if (version && strcmp(version, "1.0") != 0)
        fail(data, GUARD_ERROR_RESTRICTED_XML,
            _("The server's stream is not XML 1.0."));
}

static void on_namespace(void *data, const char *prefix, const char *uri)
{
    struct guard *g = data;
    if (prefix)
        return;
    g_free(g->default_ns);
    g->default_ns = g_strdup(uri);
}

/* --- outside --- */

static void make_parser(struct guard *g)
{
    if (g->parser)
        XML_ParserFree(g->parser);
    g->parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
    if (!g->parser)
        g_error("out of memory");
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
    /* It would hold back a finished stanza until the next one comes. */
    XML_SetReparseDeferralEnabled(g->parser, XML_FALSE);
#endif
    XML_SetUserData(g->parser, g);
    XML_SetElementHandler(g->parser, on_start, on_end);
    XML_SetCharacterDataHandler(g->parser, on_text);
    XML_SetStartDoctypeDeclHandler(g->parser, on_doctype);
    XML_SetCommentHandler(g->parser, on_comment);
    XML_SetProcessingInstructionHandler(g->parser, on_instruction);
    XML_SetXmlDeclHandler(g->parser, on_declaration);
    XML_SetStartNamespaceDeclHandler(g->parser, on_namespace);
}

struct guard *guard_new(guard_item_fn fn, gpointer data)
{
    struct guard *g = g_new0(struct guard, 1);
    g->fn = fn;
    g->data = data;
    g->limits = guard_limits_before_auth;
    g->out = g_string_sized_new(4096);
    g->stub = g_string_new(NULL);
    g->namespaces = g_string_new(NULL);
    g->cuts = g_array_new(FALSE, FALSE, sizeof(size_t));
    make_parser(g);
    return g;
}

void guard_free(struct guard *g)
{
    if (!g)
        return;
    XML_ParserFree(g->parser);
    clear_header(g);
    g_clear_error(&g->error);
    g_free(g->last_ns);
    g_free(g->last_name);
    g_string_free(g->out, TRUE);
    g_string_free(g->stub, TRUE);
    g_string_free(g->namespaces, TRUE);
    g_array_free(g->cuts, TRUE);
    g_free(g);
}

void guard_set_state(
    struct guard *g, enum guard_state state, const struct guard_limits *limits)
{
    g->state = state;
    g->limits = *limits;
    g->limits.depth = MIN(g->limits.depth, LEVELS - 2);
}

void guard_restart(struct guard *g)
{
    if (g->in_callback) { /* expat is at work: guard_feed does the rest */
        g->restart = true;
        return;
    }
    make_parser(g);
    clear_header(g);
    g_clear_error(&g->error);
    g_clear_pointer(&g->last_ns, g_free);
    g_clear_pointer(&g->last_name, g_free);
    g->fed = g->token_start = g->rescanned = 0;
    g->restart = g->dead = g->closed = g->sealed = g->partial = false;
    g->level = 0;
    g->top = NULL;
    g->skip = SKIP_NOTHING;
    g_string_truncate(g->out, 0);
}

void guard_expect_last(struct guard *g, const char *ns, const char *name)
{
    g_free(g->last_ns);
    g_free(g->last_name);
    g->last_ns = g_strdup(ns);
    g->last_name = g_strdup(name);
}

static void parse_error(struct guard *g)
{
    enum XML_Error code = XML_GetErrorCode(g->parser);
    if (code == XML_ERROR_UNKNOWN_ENCODING ||
        code == XML_ERROR_INCORRECT_ENCODING) {
        g->error = g_error_new_literal(GUARD_ERROR, GUARD_ERROR_RESTRICTED_XML,
            _("The server's stream is not in UTF-8."));
        return;
    }
    g->error = g_error_new(GUARD_ERROR, GUARD_ERROR_NOT_WELL_FORMED,
        _("The server sent broken XML (%s)."), XML_ErrorString(code));
}

/* What expat could not yet make an event of, it keeps and scans again. */
static void check_unfinished(struct guard *g)
{
    guint64 at = MIN(here(g), g->fed);
    guint64 waiting = g->fed - at;
    g->partial = waiting > 0;
    if (at != g->token_start)
        g->rescanned = 0;
    g->token_start = at;
    g->rescanned += waiting;
    if (waiting > g->limits.token_bytes || g->rescanned > RESCAN_BYTES)
        fail(g, GUARD_ERROR_LIMIT, _("The server sent an endless tag."));
    else if (g->level > 1)
        check_size(g, g->fed);
}

static bool give_up(struct guard *g, GError **error)
{
    g->dead = true;
    g_propagate_error(error, g_steal_pointer(&g->error));
    return false;
}

/* expat would take UTF-16 for what it looks like, whatever encoding it was
 * told (RFC 6120 s. 11.6). */
static bool is_utf8_start(const struct guard *g, const char *bytes, size_t len)
{
    if (g->fed == 0 && bytes[0] != '<' && !is_space(bytes, 1))
        return false;
    return g->fed > 1 || len <= 1 - g->fed || bytes[1 - g->fed] != 0;
}

bool guard_feed(struct guard *g, const char *bytes, size_t len, GError **error)
{
    static const size_t most = 1 << 24; /* expat counts in int */
    for (; len > most; bytes += most, len -= most)
        if (!guard_feed(g, bytes, most, error))
            return false;
    if (len == 0)
        return true;
    if (g->dead) {
        g_set_error(error, GUARD_ERROR, GUARD_ERROR_UNEXPECTED,
            _("The connection has failed already."));
        return false;
    }
    if (g->closed) /* RFC 6120 s. 4.4: nothing counts any more */
        return true;
    if (g->sealed) {
        g->error = g_error_new(GUARD_ERROR, GUARD_ERROR_SMUGGLED,
            _("Somebody put bytes behind the server's answer in clear; the"
            " connection is not safe."));
        return give_up(g, error);
    }
    if (g->level == 0 && !is_utf8_start(g, bytes, len)) {
        g->error = g_error_new_literal(GUARD_ERROR, GUARD_ERROR_NOT_WELL_FORMED,
            _("What answers is not an XMPP server: it sends no XML in UTF-8."));
        return give_up(g, error);
    }
    g->fed += len;
    enum XML_Status status = XML_Parse(g->parser, bytes, len, XML_FALSE);
    if (status == XML_STATUS_OK)
        check_unfinished(g);
    else if (!stopped(g))
        parse_error(g);
    if (g->error)
        return give_up(g, error);
    if (g->restart) {
        guint64 end = here(g) + XML_GetCurrentByteCount(g->parser);
        if (!g->closed && end < g->fed) {
            g->error = g_error_new(GUARD_ERROR, GUARD_ERROR_SMUGGLED,
                _("The server sent more where a new stream had to begin."));
            g->restart = false;
            return give_up(g, error);
        }
        guard_restart(g);
    }
    return true;
}

const struct guard_header *guard_header(const struct guard *g)
{
    return &g->header;
}

bool guard_is_idle(const struct guard *g)
{
    return !g->dead && !g->partial && g->level <= 1;
}
