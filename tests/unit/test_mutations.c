/*
 * H24: every stanza we understand, with every element and attribute removed,
 * emptied, spoilt and doubled in turn, sent to a session with all features.
 * Nothing falls over, no query is answered twice, and the session goes on.
 */
#include "session_fixture.h"
#include "xmpp/iq.h"

#define ROMEO "romeo@example.net"
#define MINE "from='" JULIET "' "
#define HIS "from='" ROMEO "/o' to='" BALCONY "' id='i1' "
#define DELAY "<delay xmlns='urn:xmpp:delay' from='im.example.com' "         \
              "stamp='2026-11-20T21:02:00Z'>x</delay>"
#define FORM                                                                \
    "<x xmlns='jabber:x:data' type='form'><title>T</title><instructions>I"  \
    "</instructions><field var='a' type='list-single' label='L'><desc>d"    \
    "</desc><required/><value>1</value><option label='o'><value>1</value>"  \
    "</option></field><field type='hidden' var='FORM_TYPE'><value>u"        \
    "</value></field></x>"
#define FORWARDED(from, to)                                                 \
    "<forwarded xmlns='urn:xmpp:forward:0'>" DELAY                          \
    "<message xmlns='jabber:client' type='chat' from='" from "' to='" to    \
    "' id='c1'><body>x</body></message></forwarded>"

static const char *const corpus[] = {
    "<message type='chat' " HIS "><body>x</body><body xml:lang='de'>y</body>"
    "<subject>s</subject><thread parent='p'>t</thread>" DELAY
    "<active xmlns='http://jabber.org/protocol/chatstates'/>"
    "<request xmlns='urn:xmpp:receipts'/>"
    "<origin-id xmlns='urn:xmpp:sid:0' id='o'/>"
    "<stanza-id xmlns='urn:xmpp:sid:0' id='s' by='" JULIET "'/>"
    "<x xmlns='jabber:x:oob'><url>https://x</url><desc>d</desc></x>" FORM
    "</message>",
    "<message type='chat' " HIS "><received xmlns='urn:xmpp:receipts' "
    "id='m1'/></message>",
    "<message type='chat' " HIS
    "><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
    "<message type='error' " HIS "><body>x</body><error type='cancel' "
    "code='404' by='b'><item-not-found xmlns='" NS_STANZAS "'/><text xmlns='"
    NS_STANZAS "'>t</text><app xmlns='u'/></error></message>",
    "<message " MINE "><received xmlns='urn:xmpp:carbons:2'>"
    FORWARDED(ROMEO "/o", BALCONY) "</received></message>",
    "<message " MINE "><sent xmlns='urn:xmpp:carbons:2'>"
    FORWARDED(JULIET "/x", ROMEO) "</sent></message>",
    "<presence " HIS "><show>away</show><status>x</status><status "
    "xml:lang='de'>y</status><priority>5</priority><c "
    "xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' "
    "ver='v'/><nick xmlns='http://jabber.org/protocol/nick'>N</nick><idle "
    "xmlns='urn:xmpp:idle:1' since='2026-11-20T21:02:00Z'/>" DELAY
    "</presence>",
    "<presence type='unavailable' " HIS "><status>x</status></presence>",
    "<presence type='subscribe' " HIS "><status>x</status></presence>",
    "<presence type='subscribed' " HIS "/>",
    "<presence type='unsubscribed' " HIS "/>",
    "<presence type='unsubscribe' " HIS "/>",
    "<presence type='error' " HIS "><error type='cancel'><gone xmlns='"
    NS_STANZAS "'/></error></presence>",
    "<iq type='set' id='i1' " MINE "><query xmlns='jabber:iq:roster' ver='1'>"
    "<item jid='" ROMEO "' name='R' subscription='both' ask='subscribe' "
    "approved='true'><group>G</group><group>H</group></item></query></iq>",
    "<iq type='set' id='i1' " MINE "><query xmlns='jabber:iq:roster' ver='1'>"
    "<item jid='" ROMEO "' subscription='remove'/></query></iq>",
    "<iq type='set' id='i1' " MINE "><block xmlns='urn:xmpp:blocking'><item "
    "jid='x@y'/><item jid='z@y'/></block></iq>",
    "<iq type='set' id='i1' " MINE "><unblock xmlns='urn:xmpp:blocking'>"
    "<item jid='x@y'/></unblock></iq>",
    "<iq type='get' " HIS "><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' " HIS "><query node='n' "
    "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<iq type='get' " HIS "><query node='n' "
    "xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    "<iq type='get' " HIS "><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' " HIS "><query xmlns='jabber:iq:last'/></iq>",
    "<iq type='get' " HIS "><time xmlns='urn:xmpp:time'/></iq>",
    "<iq type='set' " HIS "><query xmlns='jabber:iq:oob'><url>https://x"
    "</url><desc>d</desc></query></iq>",
    "<iq type='set' " HIS "><unknown xmlns='u'>x</unknown></iq>",
};

/* What our requests at the beginning are answered with, by payload. */
static const struct {
    const char *ns, *reply;
} replies[] = {
    { "jabber:iq:roster",
        "<query xmlns='jabber:iq:roster' ver='1'><item jid='" ROMEO
        "' name='R' subscription='both'><group>G</group></item><item "
        "jid='a@b' ask='subscribe'/></query>" },
    { "http://jabber.org/protocol/disco#info",
        "<query xmlns='http://jabber.org/protocol/disco#info' node='n'>"
        "<identity category='server' type='im' name='N' xml:lang='en'/>"
        "<feature var='urn:xmpp:carbons:2'/><feature "
        "var='urn:xmpp:blocking'/>" FORM "</query>" },
    { "urn:xmpp:blocking",
        "<blocklist xmlns='urn:xmpp:blocking'><item jid='x@y'/><item "
        "jid='z@y'/></blocklist>" },
    { "urn:xmpp:ping", "<x xmlns='u' a='b'/>" },
    { "urn:xmpp:carbons:2", "<x xmlns='u' a='b'/>" },
};

/* ---- mutations --------------------------------------------------------- */

struct mutation {
    int at;    /* which one is made; -1: none */
    int count; /* of those there are */
};

static bool here(struct mutation *m)
{
    return m->count++ == m->at;
}

static void render(xmpp_stanza_t *s, GString *out, struct mutation *m);

static void render_attributes(
    xmpp_stanza_t *s, GString *out, struct mutation *m)
{
    const char *pairs[64];
    const int n = xmpp_stanza_get_attributes(s, pairs, 64);

    for (int i = 0; i + 1 < n; i += 2) {
        g_autofree char *value = g_markup_escape_text(pairs[i + 1], -1);
        if (here(m))
            continue;
        if (here(m))
            *value = '\0';
        if (here(m)) {
            g_free(value);
            value = g_strdup("-1 &lt;&#x202e;/@/é%n%s");
        }
        if (here(m)) {
            g_free(value);
            value = g_strnfill(5000, 'a');
        }
        g_string_append_printf(out, " %s='%s'",
            strcmp(pairs[i], "lang") == 0 ? "xml:lang" : pairs[i], value);
    }
}

static void render_children(
    xmpp_stanza_t *s, GString *out, struct mutation *m)
{
    for (xmpp_stanza_t *c = xmpp_stanza_get_children(s); c;
         c = xmpp_stanza_get_next(c)) {
        if (xmpp_stanza_is_text(c)) {
            g_autofree char *text =
                g_markup_escape_text(xmpp_stanza_get_text_ptr(c), -1);
            g_string_append(out, text);
        } else {
            render(c, out, m);
        }
    }
}

static void render_once(xmpp_stanza_t *s, GString *out, struct mutation *m)
{
    const bool empty = here(m);
    const bool other = here(m); /* the same name elsewhere (H23) */

    g_string_append_printf(out, "<%s", stanza_name(s));
    if (other)
        g_string_append(out, " xmlns='urn:evil'");
    else
        render_attributes(s, out, m);
    g_string_append_c(out, '>');
    if (!empty)
        render_children(s, out, m);
    g_string_append_printf(out, "</%s>", stanza_name(s));
}

static void render(xmpp_stanza_t *s, GString *out, struct mutation *m)
{
    static struct mutation none;

    if (here(m))
        return;
    if (here(m)) {
        none = (struct mutation){ .at = -1 };
        render_once(s, out, &none);
    }
    render_once(s, out, m);
}

/* Calls fn with every mutation of xml; returns how many there are. */
static int mutate(const char *xml, void (*fn)(const char *xml, gpointer data),
    gpointer data)
{
    g_autofree char *wrapped =
        g_strdup_printf("<stream xmlns='jabber:client'>%s</stream>", xml);
    g_autoptr(xmpp_stanza_t) stream = stanza_parse(wrapped);
    g_autoptr(GString) out = g_string_new(NULL);
    int n = 0; /* known after the first round, which changes nothing */

    g_assert_nonnull(stream);
    for (int at = -1; at < n; at++) {
        struct mutation m = { .at = at };
        g_string_truncate(out, 0);
        render(stanza_first_element(stream), out, &m);
        n = at < 0 ? m.count : n;
        if (out->len > 0)
            fn(out->str, data);
    }
    return n;
}

/* ---- the tests --------------------------------------------------------- */

static bool is_reply(const char *xml)
{
    return g_str_has_prefix(xml, "<iq") &&
        (strstr(xml, "type=\"result\"") || strstr(xml, "type=\"error\""));
}

static void receive_one(const char *xml, gpointer data)
{
    struct fixture *f = data;
    guint answers = 0;
    const bool asks = g_str_has_prefix(xml, "<iq");

    g_ptr_array_set_size(f->sent, 0);
    session_test_receive(f->account, xml);
    for (guint i = 0; i < f->sent->len; i++)
        answers += is_reply(g_ptr_array_index(f->sent, i));
    if (answers > (asks ? 2 : 0)) /* two: the stanza itself was doubled */
        g_error("%u answers to %s", answers, xml);
}

static void assert_alive(struct fixture *f)
{
    g_ptr_array_set_size(f->sent, 0);
    receive(f, "<iq type='get' id='alive' from='" ROMEO "/o'><ping "
               "xmlns='urn:xmpp:ping'/></iq>");
    g_assert_cmpuint(f->sent->len, ==, 1);
    assert_has(last_sent(f), "alive");
}

static void test_stanzas(void)
{
    struct fixture *f = fixture_new();
    int n = 0;

    run(f, "/msg " ROMEO " hello");
    for (size_t i = 0; i < G_N_ELEMENTS(corpus); i++) {
        n += mutate(corpus[i], receive_one, f);
        assert_alive(f);
    }
    g_test_message("%d stanzas", n);
    g_assert_cmpint(n, >, 1000);
    fixture_free(f);
}

struct answering {
    struct fixture *f;
    const char *ns;
};

/* Goes online and answers every request of that kind with xml. */
static void answer_with(const char *xml, gpointer data)
{
    const struct answering *a = data;
    struct fixture *f = a->f;

    session_test_lose(f->account);
    g_ptr_array_set_size(f->sent, 0);
    session_test_online(f->account);
    for (guint i = 0; i < f->sent->len && i < 50; i++) {
        g_autoptr(xmpp_stanza_t) s =
            stanza_parse(g_ptr_array_index(f->sent, i));
        const char *to = stanza_attr(s, "to");
        g_autofree char *from =
            to ? g_strdup_printf("from='%s'", to) : g_strdup("");
        g_autofree char *reply = NULL;
        if (!stanza_child(s, NULL, a->ns) ||
            strcmp(stanza_name(s), "iq") != 0)
            continue;
        reply = g_strdup_printf("<iq type='result' id='%s' %s>%s</iq>",
            stanza_attr(s, "id"), from, xml);
        session_test_receive(f->account, reply);
    }
}

static void test_replies(void)
{
    struct fixture *f = fixture_new();
    int n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
        struct answering a = { f, replies[i].ns };
        n += mutate(replies[i].reply, answer_with, &a);
        answer_with("", &a);
        assert_alive(f);
    }
    g_test_message("%d replies", n);
    g_assert_cmpint(n, >, 100);
    fixture_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mutations/H24-stanzas", test_stanzas);
    g_test_add_func("/mutations/H24-replies", test_replies);
    return g_test_run();
}
