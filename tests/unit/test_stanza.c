/* Reading and building stanzas; errors of both ages. */
#include <glib.h>
#include <string.h>
#include "xmpp/stanza.h"

static void test_read(void)
{
    g_autoptr(xmpp_stanza_t) s = stanza_parse(
        "<message xmlns='jabber:client' xml:lang='de' id='1'><x xmlns='a'/>"
        "<body>a<![CDATA[b]]>&amp;</body><body xmlns='urn:evil'>no</body>"
        "</message>");
    g_autofree char *body = stanza_child_text(s, "body", NS_CLIENT);
    g_autofree char *nothing = stanza_text(NULL);

    g_assert_true(stanza_is(s, "message", NS_CLIENT));
    g_assert_cmpstr(body, ==, "ab&");
    g_assert_cmpstr(nothing, ==, "");
    g_assert_cmpstr(stanza_lang(s), ==, "de");
    g_assert_cmpint(stanza_count_elements(s), ==, 3);
    g_assert_null(stanza_child(s, "body", "a"));
    g_assert_null(stanza_child_text(s, "subject", NS_CLIENT));
    g_assert_nonnull(stanza_next(
        stanza_child(s, "body", NULL), "body", "urn:evil"));
}

/* H24: nothing there is no reason to fall over. */
static void test_nothing(void)
{
    g_assert_cmpstr(stanza_name(NULL), ==, "");
    g_assert_cmpstr(stanza_ns(NULL), ==, "");
    g_assert_null(stanza_attr(NULL, "a"));
    g_assert_null(stanza_child(NULL, "a", NULL));
    g_assert_null(stanza_next(NULL, NULL, NULL));
    g_assert_null(stanza_first_element(NULL));
    g_assert_cmpint(stanza_count_elements(NULL), ==, 0);
    g_assert_null(stanza_lang(NULL));
    g_assert_false(stanza_is(NULL, "a", NULL));
    g_assert_null(stanza_parse("<a>"));
}

static void test_build(void)
{
    g_autoptr(xmpp_stanza_t) s = stanza_new(
        "iq", NULL, "type", "set", "to", (char *)NULL, "id", "7", NULL);
    xmpp_stanza_t *query = stanza_add(s, "query", NS_ROSTER, NULL);
    xmpp_stanza_t *item = stanza_add(query, "item", NULL, "jid", "<&'>", NULL);
    g_autofree char *xml = NULL;

    stanza_set_text(stanza_add(item, "group", NULL, NULL), "a<b");
    g_assert_cmpstr(stanza_ns(item), ==, NS_ROSTER);
    xml = stanza_xml(s);
    g_assert_nonnull(strstr(xml, "<query xmlns=\"jabber:iq:roster\"><item "));
    g_assert_null(strstr(xml, "jabber:client"));
    g_assert_null(strstr(xml, "to="));
    g_assert_nonnull(strstr(xml, "<group>a&lt;b</group>"));
}

/* F36: what XML cannot hold never leaves. */
static void test_f36(void)
{
    g_autoptr(xmpp_stanza_t) s = stanza_new("message", NULL, "id", "a\001b",
        NULL);
    g_autofree char *xml = NULL;

    stanza_set_text(
        stanza_add(s, "body", NULL, NULL), "x\x02y\xef\xbf\xbez\xff\n");
    xml = stanza_xml(s);
    g_assert_true(g_utf8_validate(xml, -1, NULL));
    g_assert_null(strpbrk(xml, "\001\002"));
    g_assert_null(strstr(xml, "\xef\xbf\xbe"));
    g_assert_nonnull(strchr(xml, '\n'));
}

static void test_id(void)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (int i = 0; i < 10000; i++) {
        char *id = stanza_new_id();
        g_assert_cmpuint(strlen(id), ==, 22);
        g_assert_true(g_hash_table_add(seen, id));
    }
}

static void test_errors(void)
{
    static const struct {
        const char *xml, *type, *condition, *text, *app;
    } cases[] = {
        { "<error type='auth'><forbidden xmlns='" NS_STANZAS "'/>"
          "<text xmlns='" NS_STANZAS "'>go away</text><x xmlns='u'/></error>",
            "auth", "forbidden", "go away", "x" },
        /* XEP-0086 */
        { "<error code='404'>Not Found</error>", "cancel", "item-not-found",
            "Not Found", NULL },
        { "<error code='408'/>", "wait", "remote-server-timeout", NULL, NULL },
        { "<error code='510'/>", "cancel", "service-unavailable", NULL, NULL },
        { "<error code='abc'/>", "cancel", "undefined-condition", NULL, NULL },
        { "<error code='99999999999999999999'/>", "cancel",
            "undefined-condition", NULL, NULL },
        { "<error type='wait'><lol xmlns='" NS_STANZAS "'/></error>", "wait",
            "undefined-condition", NULL, NULL },
        { "<error type='x'><conflict xmlns='urn:evil'/></error>", "cancel",
            "undefined-condition", NULL, "conflict" },
        { "<error type='cancel' code='503'><gone xmlns='" NS_STANZAS
          "'>xmpp:a@b</gone></error>",
            "cancel", "gone", "xmpp:a@b", NULL },
        { "<error type='modify'><redirect xmlns='" NS_STANZAS
          "'>xmpp:c@d</redirect><text xmlns='" NS_STANZAS
          "'>moved</text></error>",
            "modify", "redirect", "moved", NULL },
        { "", "cancel", "undefined-condition", NULL, NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = g_strdup_printf(
            "<iq xmlns='jabber:client' type='error'>%s</iq>", cases[i].xml);
        g_autoptr(xmpp_stanza_t) s = stanza_parse(xml);
        auto_struct(stanza_error) e = stanza_error_read(s);
        g_autofree char *sentence = stanza_error_sentence(e);
        g_assert_cmpstr(e->type, ==, cases[i].type);
        g_assert_cmpstr(e->condition, ==, cases[i].condition);
        g_assert_cmpstr(e->text, ==, cases[i].text);
        g_assert_cmpstr(e->app, ==, cases[i].app);
        g_assert_cmpuint(strlen(sentence), >, 10);
    }
}

static void test_languages(void)
{
    g_autoptr(GHashTable) all = NULL;
    g_autoptr(xmpp_stanza_t) s = stanza_parse(
        "<message xmlns='jabber:client'><body xml:lang='cs'>Proč</body>"
        "<body>Wherefore</body><body xml:lang='en-GB'>Why</body></message>");
    xmpp_stanza_t *best = stanza_localized(s, "body", NS_CLIENT, NULL, &all);
    g_autofree char *text = stanza_text(best);

    /* g_get_language_names() in the C locale knows none of them */
    g_assert_true(strcmp(text, "Wherefore") == 0 || strcmp(text, "Why") == 0);
    g_assert_cmpuint(g_hash_table_size(all), ==, 3);
    g_assert_cmpstr(g_hash_table_lookup(all, "cs"), ==, "Proč");
}

/* XEP-0191 s. 3.2: what our own block list keeps back has its own sentence. */
static void test_blocked(void)
{
    g_autoptr(xmpp_stanza_t) s = stanza_parse(
        "<message xmlns='jabber:client' type='error'><error type='cancel'>"
        "<not-acceptable xmlns='" NS_STANZAS "'/>"
        "<blocked xmlns='urn:xmpp:blocking:errors'/></error></message>");
    auto_struct(stanza_error) e = stanza_error_read(s);
    g_autofree char *sentence = stanza_error_sentence(e);

    g_assert_cmpstr(
        sentence, ==, "You have blocked this address; see /unblock.");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stanza/read", test_read);
    g_test_add_func("/stanza/H24-nothing", test_nothing);
    g_test_add_func("/stanza/build", test_build);
    g_test_add_func("/stanza/F36-filter", test_f36);
    g_test_add_func("/stanza/C36-id", test_id);
    g_test_add_func("/stanza/C41-errors", test_errors);
    g_test_add_func("/stanza/C57-languages", test_languages);
    g_test_add_func("/stanza/XEP-0191-s3-blocked", test_blocked);
    return g_test_run();
}
