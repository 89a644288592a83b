/* The guard against everything a server, or a stranger through it, may send.
 * A transcript is one line an item, so that two ways of feeding the same
 * bytes can be compared. */
#include "config.h"
#include <string.h>
#include <glib.h>
#include "net/guard.h"

#define HEADER                                                                 \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "               \
    "xmlns:stream='http://etherx.jabber.org/streams' id='i1' from='v.tld' "    \
    "version='1.0' xml:lang='en'>"
#define OPENED                                                                 \
    "O <stream:stream xmlns='jabber:client' "                                  \
    "xmlns:stream='http://etherx.jabber.org/streams' from='v.tld' id='i1' "    \
    "version='1.0' xml:lang='en'>\n"
#define ROSTER "jabber:iq:roster"
#define ITEMS "http://jabber.org/protocol/disco#items"

struct session {
    struct guard *guard;
    GString *transcript;
    GError *error;
    guint items;
    gsize largest;
    bool restart_on_success;
};

static void on_item(enum guard_item item, const char *ns, const char *name,
    const char *xml, size_t len, gpointer data)
{
    struct session *s = data;
    g_assert_nonnull(ns);
    g_assert_nonnull(name);
    g_assert_cmpuint(strlen(xml), ==, len);
    g_string_append_printf(s->transcript, "%c %s\n", "OSC"[item], xml);
    s->items++;
    s->largest = MAX(s->largest, len);
    if (s->restart_on_success && strcmp(name, "success") == 0)
        guard_restart(s->guard);
}

static struct session *session_new(enum guard_state state)
{
    struct session *s = g_new0(struct session, 1);
    s->transcript = g_string_new(NULL);
    s->guard = guard_new(on_item, s);
    guard_set_state(s->guard, state,
        state == GUARD_ONLINE ? &guard_limits_after_auth
                              : &guard_limits_before_auth);
    return s;
}

static void session_free(struct session *s)
{
    guard_free(s->guard);
    g_string_free(s->transcript, TRUE);
    g_clear_error(&s->error);
    g_free(s);
}
AUTO_STRUCT_FREE(session, session_free)

static bool feed_len(struct session *s, const char *bytes, size_t len)
{
    g_clear_error(&s->error);
    return guard_feed(s->guard, bytes, len, &s->error);
}

static bool feed(struct session *s, const char *text)
{
    return feed_len(s, text, strlen(text));
}

static struct session *session_online(void)
{
    struct session *s = session_new(GUARD_ONLINE);
    g_assert_true(feed(s, HEADER));
    g_assert_cmpstr(s->transcript->str, ==, OPENED);
    g_string_truncate(s->transcript, 0);
    s->items = 0;
    s->largest = 0;
    return s;
}

/* What comes out of an online guard for a stanza that it lets pass. */
static void assert_canonical(const char *in, const char *out)
{
    auto_struct(session) s = session_online();
    bool ok = feed(s, in);
    g_assert_no_error(s->error);
    g_assert_true(ok);
    g_autofree char *line =
        *out ? g_strdup_printf("S %s\n", out) : g_strdup("");
    g_assert_cmpstr(s->transcript->str, ==, line);
    g_assert_true(guard_is_idle(s->guard));
}

static void assert_refused_len(enum guard_state state, const char *header,
    const char *bytes, size_t len, enum guard_error code)
{
    auto_struct(session) s = session_new(state);
    if (header)
        g_assert_true(feed(s, header));
    guint before = s->items;
    bool ok = feed_len(s, bytes, len);
    g_assert_false(ok);
    g_assert_error(s->error, GUARD_ERROR, (int)code);
    g_assert_cmpuint(s->items, ==, before);
    g_assert_false(feed(s, "<message/>")); /* dead */
    g_assert_cmpuint(s->items, ==, before);
}

static void assert_refused(enum guard_state state, const char *header,
    const char *bytes, enum guard_error code)
{
    assert_refused_len(state, header, bytes, strlen(bytes), code);
}

static char *repeat(const char *text, guint n)
{
    GString *s = g_string_sized_new(strlen(text) * n + 1);
    while (n--)
        g_string_append(s, text);
    return g_string_free(s, FALSE);
}

static void test_canonical(void)
{
    assert_canonical("<message from=\"a@b\"><body>hi</body></message>",
        "<message from='a@b'><body>hi</body></message>");
    assert_canonical("<message><body></body><x xmlns='u'/></message>",
        "<message><body/><x xmlns='u'/></message>");
    assert_canonical("<message><body>a&lt;b&amp;c>d\"e'f&#65;&#13;</body>"
                     "</message>",
        "<message><body>a&lt;b&amp;c&gt;d\"e'fA&#13;</body></message>");
    assert_canonical("<message><body><![CDATA[<a>&b]]></body></message>",
        "<message><body>&lt;a&gt;&amp;b</body></message>");
    assert_canonical("<message id='a&gt;b>&apos;\"&#10;&#9;&lt;&amp;'/>",
        "<message id='a&gt;b&gt;&apos;\"&#10;&#9;&lt;&amp;'/>");
    assert_canonical("<message><a xmlns='u'><b xmlns='v'><c xmlns='u'/></b>"
                     "<d/></a><e/></message>",
        "<message><a xmlns='u'><b xmlns='v'><c xmlns='u'/></b><d/></a><e/>"
        "</message>");
    assert_canonical("<message xmlns:x='u'><x:a><x:b/><b/></x:a></message>",
        "<message><a xmlns='u'><b/><b xmlns='jabber:client'/></a></message>");
    assert_canonical(
        "<message><a xmlns=''/></message>", "<message><a xmlns=''/></message>");
    assert_canonical("<message><a xmlns='u&amp;&apos;>'/></message>",
        "<message><a xmlns='u&amp;&apos;&gt;'/></message>");
    /* Such a child would end libstrophe's parser. */
    assert_canonical(
        "<message><xml:a/></message>", "<message><a xmlns=''/></message>");
    assert_canonical("<stream:error><host-gone xmlns='urn:x'/></stream:error>",
        "<stream:error><host-gone xmlns='urn:x'/></stream:error>");
    assert_canonical("<error xmlns='http://etherx.jabber.org/streams'><a/>"
                     "<b xmlns='jabber:client'/></error>",
        "<stream:error><a xmlns='http://etherx.jabber.org/streams'/><b/>"
        "</stream:error>");
    assert_canonical(
        "<r xmlns='urn:xmpp:sm:3'/>", "<r xmlns='urn:xmpp:sm:3'/>");
}

static void test_lang(void) /* P1 */
{
    assert_canonical(
        "<message xml:lang='de' lang='en'/>", "<message xml:lang='de'/>");
    assert_canonical("<message lang='en'/>", "<message lang='en'/>");
    assert_canonical("<message xml:from='boss' xml:id='i' from='mal'/>",
        "<message from='mal'/>");
    assert_canonical("<message xml:space='preserve'/>", "<message/>");
}

static void test_foreign_attributes(void) /* L1, H21, H22 */
{
    assert_canonical("<message xmlns:e='u' from='mal@e.tld/x' "
                     "e:from='bob@b.tld/p' e:type='chat' type='chat'>"
                     "<body>hi</body></message>",
        "<message from='mal@e.tld/x' type='chat'><body>hi</body></message>");
    assert_canonical("<message xmlns:e='u' e:from='bob@b.tld/p' "
                     "from='mal@e.tld/x'><body e:x='y'>hi</body></message>",
        "<message from='mal@e.tld/x'><body>hi</body></message>");
    assert_canonical("<iq type='set' id='p' from='mal@e.tld/x' xmlns:e='u' "
                     "e:from='me@v.tld'><query xmlns='jabber:iq:roster'/></iq>",
        "<iq type='set' id='p' from='mal@e.tld/x'>"
        "<query xmlns='jabber:iq:roster'/></iq>");
    assert_canonical(
        "<message xmlns:c='jabber:client' c:from='a'/>", "<message/>");
}

static void test_top_level(void) /* P3, H23 */
{
    assert_canonical("<message xmlns='urn:evil'>"
                     "<body xmlns='jabber:client'>x</body></message>",
        "");
    assert_canonical("<message xmlns=''/>", "");
    assert_canonical("<body/>", "");
    assert_canonical("<x:message xmlns:x='jabber:client'><x:body>x</x:body>"
                     "</x:message>",
        "<message><body>x</body></message>");
    assert_canonical("<stream:stream><message/></stream:stream>", "");
    assert_canonical("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "");
    /* What follows something dropped is not. */
    assert_canonical("<x xmlns='urn:evil'><message/></x><message id='1'/>",
        "<message id='1'/>");
    static const char *const early[] = {
        "<message/>",
        "<presence/>",
        "<message xmlns='urn:evil'/>",
        "<features xmlns='urn:evil'/>",
        "<stream:stream>",
        "<stream:bogus/>",
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(early); i++) {
        assert_refused(GUARD_HEADER, HEADER, early[i], GUARD_ERROR_UNEXPECTED);
        assert_refused(
            GUARD_NEGOTIATING, HEADER, early[i], GUARD_ERROR_UNEXPECTED);
    }
    assert_refused(GUARD_HEADER, HEADER, "<iq/>", GUARD_ERROR_UNEXPECTED);
    assert_refused(GUARD_HEADER, HEADER,
        "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        GUARD_ERROR_UNEXPECTED);
    assert_refused(
        GUARD_ONLINE, HEADER, "hello<message/>", GUARD_ERROR_UNEXPECTED);
    auto_struct(session) s = session_new(GUARD_NEGOTIATING);
    g_assert_true(feed(s, HEADER "<stream:features/>\n "
                                 "<success xmlns='urn:xmpp:sasl:2'/>"
                                 "<iq type='result'/>"));
    g_assert_cmpuint(s->items, ==, 4);
}

static void test_header(void) /* H13, C08 */
{
#define TO(attributes) "<stream:stream " attributes ">"
#define CLIENT "xmlns='jabber:client' "
#define STREAMS "xmlns:stream='http://etherx.jabber.org/streams' "
    static const struct {
        const char *header;
        int code; /* -1: accepted */
    } rows[] = {
        { HEADER, -1 },
        { TO(CLIENT STREAMS "id='1' version='1.10'"), -1 },
        { TO(CLIENT STREAMS "id='1' version='1.9'"), -1 },
        { TO(CLIENT STREAMS "id='1' version='10.0'"), -1 },
        { TO(CLIENT STREAMS "id='1' version='01.0'"), -1 },
        { TO(CLIENT STREAMS "id='' version='1.0'"), -1 },
        { "<s:stream " CLIENT "xmlns:s='http://etherx.jabber.org/streams' "
          "id='1' version='1.0'>",
            -1 },
        { "<stream xmlns='http://etherx.jabber.org/streams' id='1' "
          "version='1.0'>",
            -1 },
        { TO(CLIENT STREAMS "id='1' version='0.9'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1' version='0.10'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1' version='1'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1' version='1.'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1' version='.1'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1' version='1.0x'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1' version='-1.0'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1' version=''"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "id='1'"), GUARD_ERROR_VERSION },
        { TO(CLIENT STREAMS "version='1.0'"), GUARD_ERROR_BAD_HEADER },
        { TO("xmlns='jabber:server' " STREAMS "id='1' version='1.0'"),
            GUARD_ERROR_BAD_NAMESPACE },
        { TO(STREAMS "id='1' version='1.0'"), GUARD_ERROR_BAD_NAMESPACE },
        { TO(CLIENT "xmlns:stream='urn:x' id='1' version='1.0'"),
            GUARD_ERROR_BAD_NAMESPACE },
        { TO(CLIENT "id='1' version='1.0'"), GUARD_ERROR_NOT_WELL_FORMED },
        { "<stream:bogus " CLIENT STREAMS "id='1' version='1.0'>",
            GUARD_ERROR_BAD_HEADER },
        { "<html>", GUARD_ERROR_BAD_NAMESPACE },
        { "HTTP/1.1 400 Bad Request\r\n\r\n", GUARD_ERROR_NOT_WELL_FORMED },
        { "SSH-2.0-OpenSSH\r\n", GUARD_ERROR_NOT_WELL_FORMED },
        { " <?xml version='1.0'?>" TO(CLIENT STREAMS "id='1' version='1.0'"),
            GUARD_ERROR_NOT_WELL_FORMED },
        { "<?xml version='1.1'?>" TO(CLIENT STREAMS "id='1' version='1.0'"),
            GUARD_ERROR_RESTRICTED_XML },
        { "<?xml version='1.0' encoding='ISO-8859-1'?>" TO(
              CLIENT STREAMS "id='1' version='1.0'"),
            GUARD_ERROR_RESTRICTED_XML },
        { "<?xml version='1.0' encoding='utf-8'?>" TO(
              CLIENT STREAMS "id='1' version='1.0'"),
            -1 },
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].code >= 0) {
            assert_refused(GUARD_HEADER, NULL, rows[i].header, rows[i].code);
            continue;
        }
        auto_struct(session) s = session_new(GUARD_HEADER);
        g_assert_true(feed(s, rows[i].header));
        g_assert_cmpuint(s->items, ==, 1);
    }
    /* C46: UTF-8 and nothing else. */
    for (int i = 0; i < 4; i++) {
        static const char *const encodings[] = { "UTF-16LE", "UTF-16BE",
            "UTF-16", "UTF-32" };
        gsize len;
        g_autofree char *wide =
            g_convert(HEADER, -1, encodings[i], "UTF-8", NULL, &len, NULL);
        assert_refused_len(
            GUARD_HEADER, NULL, wide, len, GUARD_ERROR_NOT_WELL_FORMED);
    }
    assert_refused(
        GUARD_HEADER, NULL, "\xef\xbb\xbf" HEADER, GUARD_ERROR_NOT_WELL_FORMED);
    auto_struct(session) s = session_new(GUARD_HEADER);
    g_assert_null(guard_header(s->guard)->id);
    g_assert_true(feed(s, HEADER));
    g_assert_cmpstr(guard_header(s->guard)->from, ==, "v.tld");
    g_assert_cmpstr(guard_header(s->guard)->id, ==, "i1");
    g_assert_cmpstr(guard_header(s->guard)->version, ==, "1.0");
    g_assert_cmpstr(guard_header(s->guard)->lang, ==, "en");
    guard_restart(s->guard);
    g_assert_null(guard_header(s->guard)->from);
}

static void test_restricted(void) /* L7, H15, H16 */
{
    static const char *const doctypes[] = {
        "<!DOCTYPE x [<!ENTITY from 'E'>]>",
        "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>",
        ("<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'>"
         "<!ENTITY lol1 '&lol;&lol;&lol;&lol;&lol;&lol;&lol;'>]><lolz/>"),
        "<!-- c -->",
        "<?pi?>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(doctypes); i++)
        assert_refused(
            GUARD_HEADER, NULL, doctypes[i], GUARD_ERROR_RESTRICTED_XML);
    static const char *const inside[] = {
        "<!-- c -->",
        "<message><!-- c --></message>",
        "<?pi?>",
        "<message><body>a<?pi x?></body></message>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(inside); i++)
        assert_refused(
            GUARD_ONLINE, HEADER, inside[i], GUARD_ERROR_RESTRICTED_XML);
    assert_refused(
        GUARD_ONLINE, HEADER, "<!DOCTYPE x>", GUARD_ERROR_NOT_WELL_FORMED);
}

static void test_characters(void) /* H17 */
{
#define BODY(text) "<message><body>" text "</body></message>"
    static const char *const bad[] = {
        BODY("\x1b"),
        BODY("&#27;"),
        BODY("&#0;"),
        BODY("\xef\xbf\xbe"),
        BODY("&#xFFFE;"),
        BODY("\xc0\xaf"),
        BODY("\xed\xa0\x80"),
        BODY("\xf0\x9f"),
        BODY("\xff"),
        BODY("&foo;"),
        "<message id='1' id='2'/>",
        "<message xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>",
        "<message><body></message>",
        "<message from=a/>",
        "<message from='<'/>",
        "<x:message/>",
        "</message>",
        BODY("]]>"),
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        auto_struct(session) s = session_online();
        g_assert_false(feed(s, bad[i]));
        g_assert_cmpuint(s->items, ==, 0);
        g_assert_error(s->error, GUARD_ERROR, GUARD_ERROR_NOT_WELL_FORMED);
        g_assert_cmpstr(
            guard_error_condition(s->error), !=, "undefined-condition");
    }
    static const char nul[] = "<message><body>\0</body></message>";
    assert_refused_len(GUARD_ONLINE, HEADER, nul, sizeof(nul) - 1,
        GUARD_ERROR_NOT_WELL_FORMED);
    /* C1 controls are XML: the sanitizer of the sinks is for them. */
    assert_canonical(BODY("\xc2\x9b"), BODY("\xc2\x9b"));
}

/* Beyond a limit the stub comes, and then the next message. */
static void assert_stub(const char *in, const char *stub)
{
    auto_struct(session) s = session_online();
    g_assert_true(feed(s, in));
    g_assert_true(feed(s, "<message id='next'/>"));
    g_autofree char *expected =
        g_strdup_printf("S %s\nS <message id='next'/>\n", stub);
    g_assert_cmpstr(s->transcript->str, ==, expected);

    g_autofree char *early = g_strdup_printf("<iq>%s</iq>", in);
    auto_struct(session) e = session_new(GUARD_NEGOTIATING);
    g_assert_true(feed(e, HEADER));
    g_assert_false(feed(e, early));
    g_assert_error(e->error, GUARD_ERROR, GUARD_ERROR_LIMIT);
    g_assert_cmpuint(e->items, ==, 1);
}

static void assert_stub_around(const char *open, const char *middle, guint n,
    const char *close, const char *stub)
{
    g_autofree char *many = repeat(middle, n);
    g_autofree char *in = g_strconcat(open, many, close, NULL);
    assert_stub(in, stub);
}

static void test_depth(void) /* L8, H18 */
{
    g_autofree char *closing = repeat("</a>", 100000);
    g_autofree char *close = g_strconcat(closing, "</message>", NULL);
    assert_stub_around(
        "<message from='mal'>", "<a>", 100000, close, "<message from='mal'/>");

    g_autofree char *open = repeat("<a>", 63), *end = repeat("</a>", 62);
    g_autofree char *fits = g_strdup_printf("<message>%s", open);
    fits[strlen(fits) - 1] = '/';
    g_autofree char *in = g_strdup_printf("%s>%s</message>", fits, end);
    assert_canonical(in, in);
    g_autofree char *too_deep =
        g_strdup_printf("<message>%s<a/></a>%s</message>", open, end);
    assert_stub(too_deep, "<message/>");

    auto_struct(session) s = session_online();
    g_autofree char *bottomless = repeat("<a>", 200000);
    g_assert_true(feed(s, "<message>"));
    g_assert_false(feed(s, bottomless));
    g_assert_error(s->error, GUARD_ERROR, GUARD_ERROR_LIMIT);
}

static void test_floods(void) /* L9, H19 */
{
    assert_stub_around("<message id='1'><body>", "\n", 1000000,
        "</body></message>", "<message id='1'/>");
    assert_stub_around(
        "<message><body>", ">", 1000000, "</body></message>", "<message/>");
    assert_stub_around("<message>", "<a/>", 100000, "</message>", "<message/>");
    assert_stub_around("<message><x><y>z</y>", "<a><b/></a>", 40000,
        "</x></message>", "<message/>");
    assert_stub_around("<message><", "n", 100000, "/></message>", "<message/>");
    assert_stub_around(
        "<message><a xmlns='", "n", 256, "'/></message>", "<message/>");
    assert_stub_around(
        "<presence><a b='", "n", 70000, "'/></presence>", "<presence/>");
    GString *many = g_string_new("<message to='me'><a ");
    for (int i = 0; i < 10000; i++)
        g_string_append_printf(many, "a%d='' ", i);
    g_string_append(many, "/></message>");
    assert_stub(many->str, "<message to='me'/>");
    g_string_free(many, TRUE);
    /* 40,000 lines are unusual, but no attack. */
    g_autofree char *lines = repeat("\n", 30000);
    g_autofree char *in = g_strdup_printf(BODY("%s"), lines);
    assert_canonical(in, in);
    /* Prefixes make long namespaces cheap for the sender. */
    g_autofree char *uri1 = repeat("u", 250), *uri2 = repeat("v", 250);
    g_autofree char *open =
        g_strdup_printf("<message xmlns:a='%s' xmlns:b='%s'><x>", uri1, uri2);
    assert_stub_around(open, "<a:a><b:b/><b:b/><b:b/></a:a>", 9000,
        "</x></message>", "<message/>");
}

static void test_size(void) /* H20 */
{
    g_autofree char *mega = repeat("0123456789abcdef", 65536);
    for (int round = 0; round < 2; round++) {
        auto_struct(session) s = session_online();
        g_assert_true(feed(s, "<message from='a'><body>"));
        int n = 0;
        while (n < 40 && feed(s, mega))
            n++;
        g_assert_cmpint(n, >=, 15);
        g_assert_cmpint(n, <=, 16);
        g_assert_error(s->error, GUARD_ERROR, GUARD_ERROR_LIMIT);
        g_assert_cmpuint(s->items, ==, 0);
    }
    /* Five megabytes are only too large a stanza. */
    assert_stub_around("<message from='a'><body>", mega, 5, "</body></message>",
        "<message from='a'/>");
    auto_struct(session) s = session_online();
    g_autofree char *tag = g_strconcat("<message from='", mega, NULL);
    g_assert_false(feed(s, tag));
    g_assert_error(s->error, GUARD_ERROR, GUARD_ERROR_LIMIT);
    auto_struct(session) keep = session_online();
    for (int i = 0; i < 20; i++) /* between stanzas nothing adds up */
        g_assert_true(feed(keep, "<message/>\n"));
    g_autofree char *spaces = repeat(" ", 1 << 20);
    for (int i = 0; i < 20; i++)
        g_assert_true(feed(keep, spaces));
    g_assert_true(guard_is_idle(keep->guard));
}

static void test_stubs(void)
{
    g_autofree char *many = repeat("<a/>", 20000);
    g_autofree char *result = g_strdup_printf(
        "<iq type='result' id='q&gt;' from='x' a='b'><q>%s</q></iq>", many);
    assert_stub(result,
        "<iq from='x' id='q&gt;' type='error'><error type='wait'>"
        "<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "</error></iq>");
    g_autofree char *set =
        g_strdup_printf("<iq type='set' id='q'><q>%s</q></iq>", many);
    assert_stub(set, "<iq id='q' type='set'/>");
    /* Not even the address may be without bounds. */
    g_autofree char *jid = repeat("j", 4000);
    g_autofree char *message =
        g_strdup_printf("<message from='%s' id='1'>%s</message>", jid, many);
    assert_stub(message, "<message id='1'/>");
    /* XEP-0198 nonzas and stream errors have no stub. */
    g_autofree char *error =
        g_strdup_printf("<stream:error>%s</stream:error>", many);
    assert_refused(GUARD_ONLINE, HEADER, error, GUARD_ERROR_LIMIT);
}

/* --- H25: however it is cut --- */

static const char *const scripts[] = {
    HEADER "<message from='a'><body>x &amp; y\r\nz\xc3\xa4</body></message> \n"
           "<presence xml:lang='de'><x xmlns='u' a='1>2'/></presence>"
           "<unknown xmlns='u'><a>b</a></unknown>"
           "<iq type='result' id='1'> <query xmlns='jabber:iq:roster'>"
           "<item jid='a'/></query>\n</iq></stream:stream>junk",
    HEADER "<message><body><![CDATA[a]b]]></body></message><message><!-- x -->",
    HEADER "<message/><message><body>&#27;</body></message><message/>",
    HEADER "<message>text<x xmlns:p='u'><p:y p:z=''/></x>text</message>x",
    "<?xml version='1.0'?>\n<!DOCTYPE x>",
};

static void run_cut(struct session *s, const char *text, guint step)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len; at += step)
        if (!feed_len(s, text + at, MIN(step, len - at)))
            return;
}

static void test_cuts(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(scripts); i++) {
        auto_struct(session) whole = session_new(GUARD_ONLINE);
        feed(whole, scripts[i]);
        for (guint step = 1; step < 40; step++) {
            auto_struct(session) cut = session_new(GUARD_ONLINE);
            run_cut(cut, scripts[i], step);
            g_assert_cmpstr(cut->transcript->str, ==, whole->transcript->str);
            g_assert_true(!cut->error == !whole->error);
            if (cut->error)
                g_assert_cmpint(cut->error->code, ==, whole->error->code);
        }
    }
    auto_struct(session) s = session_new(GUARD_ONLINE);
    g_assert_true(feed(s, scripts[0]));
    g_assert_cmpstr(s->transcript->str, ==,
        OPENED
        "S <message from='a'><body>x &amp; y\nz\xc3\xa4</body></message>\n"
        "S <presence xml:lang='de'><x xmlns='u' a='1&gt;2'/></presence>\n"
        "S <iq type='result' id='1'><query xmlns='jabber:iq:roster'>"
        "<item jid='a'/></query></iq>\n"
        "C </stream:stream>\n");
}

/* A stanza must come out with its last byte, not with the next stanza (the
 * reparse deferral of newer expats), also when its tags are long. */
static void test_no_delay(void)
{
    g_autofree char *value = repeat("v", 40000);
    g_autofree char *in = g_strdup_printf("<message a='%s'/>", value);
    auto_struct(session) s = session_online();
    size_t len = strlen(in);
    for (size_t at = 0; at < len; at += 1000) {
        g_assert_cmpuint(s->items, ==, 0);
        g_assert_true(feed_len(s, in + at, MIN(1000, len - at)));
    }
    g_assert_cmpuint(s->items, ==, 1);
    for (size_t at = 0; at < len - 1; at++)
        if (!feed_len(s, in + at, 1))
            break;
    /* A tag that trickles in is either waited for or given up, never scanned
     * without bound. */
    g_assert_true(s->items == 1);
}

static void test_idle(void) /* F39 */
{
    auto_struct(session) s = session_new(GUARD_ONLINE);
    g_assert_true(guard_is_idle(s->guard));
    static const struct {
        const char *bytes;
        bool idle;
    } steps[] = {
        { HEADER, true },
        { "<", false },
        { "message", false },
        { "><body>", false },
        { "x", false },
        { "</body>", false },
        { "</message", false },
        { ">", true },
        { " \n", true },
        { "<a xmlns='urn:evil'>", false },
        { "</a>", true },
        { "<message/>", true },
        { "\n", true },
        { "<message/><pre", false },
        { "sence/>", true },
    };
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_assert_true(feed(s, steps[i].bytes));
        g_test_message("%u %s", i, steps[i].bytes);
        g_assert_true(guard_is_idle(s->guard) == steps[i].idle);
    }
    g_assert_true(feed(s, "<message><body>half"));
    g_assert_cmpuint(s->items, ==, 5);
}

/* --- restarts --- */

#define PROCEED "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define SUCCESS                                                                \
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dg==</success>"

static void test_smuggled(void) /* L4, H02 */
{
    static const char *const behind[] = {
        "<message from='bob@b.tld'><body>x</body></message>",
        "<stream:features/>",
        " ",
        "\n",
        "\x16\x03\x01",
        HEADER,
        "<",
    };
    for (guint i = 0; i < G_N_ELEMENTS(behind); i++)
        for (int split = 0; split < 2; split++) {
            auto_struct(session) s = session_new(GUARD_NEGOTIATING);
            guard_expect_last(
                s->guard, "urn:ietf:params:xml:ns:xmpp-tls", "proceed");
            g_assert_true(feed(s, HEADER "<stream:features/>"));
            g_autofree char *both = g_strconcat(PROCEED, behind[i], NULL);
            if (split) {
                g_assert_true(feed(s, PROCEED));
                g_assert_cmpuint(s->items, ==, 3);
            }
            g_assert_false(feed(s, split ? behind[i] : both));
            g_assert_error(s->error, GUARD_ERROR, GUARD_ERROR_SMUGGLED);
            g_assert_cmpuint(s->items, ==, split ? 3 : 2);
        }
    /* Without anything behind, a new stream can be read. */
    auto_struct(session) s = session_new(GUARD_NEGOTIATING);
    guard_expect_last(s->guard, "urn:ietf:params:xml:ns:xmpp-tls", "proceed");
    g_assert_true(feed(s, HEADER "<stream:features/>" PROCEED));
    guard_restart(s->guard);
    g_assert_true(feed(s, HEADER "<stream:features/>"));
    g_assert_cmpuint(s->items, ==, 5);
    /* A failure instead is an ordinary element. */
    guard_expect_last(s->guard, "urn:ietf:params:xml:ns:xmpp-tls", "proceed");
    g_assert_true(feed(s, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                          "</stream:stream>"));
    g_assert_cmpuint(s->items, ==, 7);
}

static void test_restart(void) /* C10 */
{
    auto_struct(session) s = session_new(GUARD_NEGOTIATING);
    s->restart_on_success = true;
    g_assert_true(feed(s, HEADER "<stream:features/>" SUCCESS));
    g_assert_true(guard_is_idle(s->guard));
    g_assert_true(feed(s, HEADER "<stream:features/>"));
    g_assert_cmpuint(s->items, ==, 5);
    /* Prefixes of the old stream are forgotten. */
    g_assert_true(feed(s, SUCCESS));
    g_assert_false(feed(s, "<stream:features/>"));
    /* Data behind <success/> belongs to nobody. */
    auto_struct(session) t = session_new(GUARD_NEGOTIATING);
    t->restart_on_success = true;
    g_assert_false(feed(t, HEADER SUCCESS "<stream:features/>"));
    g_assert_error(t->error, GUARD_ERROR, GUARD_ERROR_SMUGGLED);
    g_assert_cmpuint(t->items, ==, 2);
    /* In the middle of a stanza, and after an error. */
    auto_struct(session) u = session_online();
    g_assert_true(feed(u, "<message><body>"));
    guard_restart(u->guard);
    g_assert_true(feed(u, HEADER "<message/>"));
    g_assert_false(feed(u, "</oops>"));
    guard_restart(u->guard);
    g_assert_true(feed(u, HEADER "<message/></stream:stream>"));
    g_assert_true(feed(u, "anything"));
    g_assert_cmpuint(u->items, ==, 5);
}

/* --- portions --- */

static char *make_roster(guint n, const char *ns, const char *between)
{
    GString *s = g_string_new(NULL);
    g_string_append_printf(s,
        "<iq type='result' id='r' portion='x' to='me@v.tld/tx'>"
        "<query xmlns='%s' ver='7'>%s",
        ns, between);
    for (guint i = 0; i < n; i++)
        g_string_append_printf(s,
            "<item jid='c%u@b.tld' name='N&gt;%u' subscription='both'>"
            "<group>Friends</group></item>%s",
            i, i, between);
    g_string_append_printf(s, "</query>%s</iq>", between);
    return g_string_free(s, FALSE);
}

static void check_portions(guint n, const char *ns, const char *between)
{
    g_autofree char *in = make_roster(n, ns, between);
    auto_struct(session) s = session_online();
    size_t len = strlen(in);
    for (size_t at = 0; at < len; at += 16384) {
        g_assert_cmpuint(s->items, ==, 0); /* whole or not at all */
        g_assert_true(feed_len(s, in + at, MIN(16384, len - at)));
    }
    guint expected = n <= GUARD_PORTION ? 1 : (n - 1) / GUARD_PORTION + 1;
    g_assert_cmpuint(s->items, ==, expected);
    g_auto(GStrv) lines = g_strsplit(s->transcript->str, "\nS ", -1);
    guint next = 0;
    for (guint i = 0; lines[i] && *lines[i]; i++) {
        g_autofree char *portion =
            expected == 1 ? g_strdup("")
                          : g_strdup_printf(" portion='%s'",
                                i + 1 == expected ? "last" : "more");
        g_autofree char *start =
            g_strdup_printf("%s<iq%s type='result' id='r' to='me@v.tld/tx'>"
                            "<query xmlns='%s' ver='7'>%s<item ",
                i ? "" : "S ", portion, ns, i == 0 ? between : "");
        if (i == 0 || !*between)
            g_assert_true(g_str_has_prefix(lines[i], start));
        g_assert_nonnull(strstr(lines[i], "</item>"));
        g_assert_nonnull(strstr(lines[i], "</query></iq>"));
        guint count = 0;
        for (const char *p = lines[i]; (p = strstr(p, "jid='c")); p++) {
            g_assert_cmpuint(
                g_ascii_strtoull(p + strlen("jid='c"), NULL, 10), ==, next);
            next++;
            count++;
        }
        g_assert_cmpuint(count, <=, GUARD_PORTION);
        g_assert_cmpuint(count, >, 0);
    }
    g_assert_cmpuint(next, ==, n);
}

static void test_portions(void)
{
    static const guint sizes[] = { 1, 2, 255, 256, 257, 511, 512, 513, 2000 };
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        check_portions(sizes[i], ROSTER, "");
        check_portions(sizes[i], ROSTER, "\n ");
        check_portions(sizes[i], ITEMS, "");
    }
    check_portions(50000, ROSTER, "");
    /* A list with another name for its element (XEP-0191). */
    g_autofree char *items = repeat("<item jid='a'/>", 300);
    g_autofree char *in =
        g_strdup_printf("<iq type='result'><blocklist "
                        "xmlns='urn:xmpp:blocking'>%s</blocklist></iq>",
            items);
    auto_struct(session) s = session_online();
    g_assert_true(feed(s, in));
    g_assert_cmpuint(s->items, ==, 2);
    g_assert_nonnull(strstr(s->transcript->str, "portion='more'"));
    g_assert_true(g_str_has_suffix(s->transcript->str, "</blocklist></iq>\n"));
}

static void test_not_portioned(void)
{
    /* Other results, other types, other places of the query. */
    g_autofree char *items = repeat("<item/>", 300);
    const char *const forms[] = {
        "<iq type='result'><query xmlns='jabber:iq:other'>%s</query></iq>",
        "<iq type='set'><query xmlns='" ROSTER "'>%s</query></iq>",
        "<iq><query xmlns='" ROSTER "'>%s</query></iq>",
        "<message type='result'><query xmlns='" ROSTER "'>%s</query></message>",
        "<iq type='result'><x><query xmlns='" ROSTER "'>%s</query></x></iq>",
        "<iq type='result'><a/><query xmlns='" ROSTER "'>%s</query></iq>",
        "<iq type='result'><query xmlns='" ROSTER "'>%s</query><a/></iq>",
        "<iq type='result'><query xmlns='" ROSTER "'><x>%s</x></query></iq>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
        GString *in = g_string_new(forms[i]);
        g_string_replace(in, "%s", items, 1);
        assert_canonical(in->str, in->str);
        g_string_free(in, TRUE);
    }
    assert_canonical("<iq type='result'><query xmlns='" ROSTER "'/></iq>",
        "<iq type='result'><query xmlns='" ROSTER "'/></iq>");
    /* A second child after too many items: back to the normal limits. */
    g_autofree char *many = repeat("<item/>", 70000);
    g_autofree char *in =
        g_strdup_printf("<iq type='result' id='1'><query xmlns='" ROSTER
                        "'>%s</query><a/></iq>",
            many);
    assert_stub(in,
        "<iq id='1' type='error'><error type='wait'><resource-constraint "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    /* What is repeated in every portion is small. */
    g_autofree char *ver = repeat("v", 5000);
    g_autofree char *large = g_strdup_printf(
        "<iq type='result'><query xmlns='" ROSTER "' ver='%s'>%s</query></iq>",
        ver, items);
    assert_canonical(large, large);
    /* Before login there are no portions. */
    g_autofree char *small = make_roster(300, ROSTER, "");
    auto_struct(session) s = session_new(GUARD_NEGOTIATING);
    g_assert_true(feed(s, HEADER));
    g_assert_true(feed(s, small));
    g_assert_cmpuint(s->items, ==, 2);
}

static void test_conditions(void) /* C19 */
{
    g_autoptr(GError) e =
        g_error_new(GUARD_ERROR, GUARD_ERROR_RESTRICTED_XML, "x");
    g_assert_cmpstr(guard_error_condition(e), ==, "restricted-xml");
    e->code = GUARD_ERROR_LIMIT;
    g_assert_cmpstr(guard_error_condition(e), ==, "policy-violation");
    e->code = 99;
    g_assert_cmpstr(guard_error_condition(e), ==, "undefined-condition");
    e->code = -1;
    g_assert_cmpstr(guard_error_condition(e), ==, "undefined-condition");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guard/canonical", test_canonical);
    g_test_add_func("/guard/P1-lang", test_lang);
    g_test_add_func(
        "/guard/H21-H22-foreign-attributes", test_foreign_attributes);
    g_test_add_func("/guard/P3-H23-top-level", test_top_level);
    g_test_add_func("/guard/H13-header", test_header);
    g_test_add_func("/guard/H15-H16-restricted", test_restricted);
    g_test_add_func("/guard/H17-characters", test_characters);
    g_test_add_func("/guard/H18-depth", test_depth);
    g_test_add_func("/guard/H19-floods", test_floods);
    g_test_add_func("/guard/H20-size", test_size);
    g_test_add_func("/guard/stubs", test_stubs);
    g_test_add_func("/guard/H25-cuts", test_cuts);
    g_test_add_func("/guard/no-delay", test_no_delay);
    g_test_add_func("/guard/F39-idle", test_idle);
    g_test_add_func("/guard/H02-smuggled", test_smuggled);
    g_test_add_func("/guard/C10-restart", test_restart);
    g_test_add_func("/guard/P20-portions", test_portions);
    g_test_add_func("/guard/not-portioned", test_not_portioned);
    g_test_add_func("/guard/C19-conditions", test_conditions);
    return g_test_run();
}
