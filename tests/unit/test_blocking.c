#include "xep_fixture.h"
#include "xep/xep0191_blocking.h"

#define LIST(name, items)                                                      \
    "<" name " xmlns='urn:xmpp:blocking'>" items "</" name ">"

static void push(struct fixture *f, const char *from, const char *xml)
{
    forget_sent(f);
    receive(f, "<iq type='set' id='p'%s>%s</iq>", from, xml);
}

static void test_push(void)
{
    FIXTURE(f);
    push(&f, "", LIST("block", "<item jid='mal@evil.example'/>"));
    g_assert_cmpstr(stanza_attr(only_sent(&f), "type"), ==, "result");
    g_assert_true(blocking_is_blocked(f.account, MAL));
    g_assert_true(blocking_is_blocked(f.account, MAL_FULL));
    g_assert_false(blocking_is_blocked(f.account, "evil.example"));
    push(&f, " from='" ME "'", LIST("block", "<item jid='spam.example'/>"));
    g_assert_true(blocking_is_blocked(f.account, "any@spam.example/x"));
    push(&f, " from='" ME "'", LIST("unblock", "<item jid='spam.example'/>"));
    g_assert_false(blocking_is_blocked(f.account, "any@spam.example"));
    g_assert_true(blocking_is_blocked(f.account, MAL));
    push(&f, "", LIST("unblock", ""));
    g_assert_false(blocking_is_blocked(f.account, MAL));
}

/* C63: the list is pushed by our own server only. */
static void test_forged_push(void)
{
    FIXTURE(f);
    push(&f, "", LIST("block", "<item jid='mal@evil.example'/>"));
    static const char *const froms[] = { " from='" MAL_FULL "'",
        " from='" ME "/other'", " from='evil.example'",
        " from='im.example.com'" };
    for (guint i = 0; i < G_N_ELEMENTS(froms); i++) {
        push(&f, froms[i], LIST("block", "<item jid='" BOB "'/>"));
        assert_error(only_sent(&f), "service-unavailable");
        push(&f, froms[i], LIST("unblock", ""));
        assert_error(only_sent(&f), "service-unavailable");
    }
    g_assert_false(blocking_is_blocked(f.account, BOB));
    g_assert_true(blocking_is_blocked(f.account, MAL));
}

static void test_bad_items(void)
{
    FIXTURE(f);
    push(&f, "",
        LIST("block", "<item/><item jid=''/><item jid='@'/>"
                      "<evil jid='romeo@example.net'/>"
                      "<item xmlns='urn:evil' jid='a@b'/>"));
    assert_error(only_sent(&f), "bad-request");
    g_assert_false(blocking_is_blocked(f.account, BOB));
    g_assert_false(blocking_is_blocked(f.account, "a@b"));
}

static void test_commands(void)
{
    FIXTURE(f);
    server_has(&f, NS_BLOCKING);
    forget_sent(&f);
    command(&f, "/block Mal@Evil.example spam.example");
    xmpp_stanza_t *iq = only_sent(&f);
    g_assert_null(stanza_attr(iq, "to"));
    xmpp_stanza_t *block = stanza_child(iq, "block", NS_BLOCKING);
    g_assert_cmpint(stanza_count_elements(block), ==, 2);
    g_assert_cmpstr(stanza_attr(stanza_first_element(block), "jid"), ==, MAL);
    g_assert_cmpint(f.done, ==, 0);
    answer(&f, iq, "result", "");
    g_assert_cmpint(f.done, ==, 1);
    forget_sent(&f);
    command(&f, "/blocklist");
    answer(&f, only_sent(&f), "result",
        LIST("blocklist", "<item jid='" MAL "'/><item/>"));
    g_assert_cmpstr(f.output->str, ==, "blocked jid=" MAL "\n");
    g_assert_true(blocking_is_blocked(f.account, MAL));
    forget_sent(&f);
    command(&f, "/unblock --all");
    g_assert_cmpint(f.done, ==, -1); /* nobody can be asked */
    g_assert_cmpuint(f.sent->len, ==, 0);
    command(&f, "/unblock --all --yes");
    answer(&f, only_sent(&f), "result", "");
    g_assert_cmpint(f.done, ==, 1);
    command(&f, "/block");
    g_assert_cmpint(f.done, ==, -1);
    command(&f, "/block not a jid@");
    g_assert_cmpint(f.done, ==, -1);
}

static void test_report(void)
{
    FIXTURE(f);
    server_has(&f, "urn:xmpp:reporting:1");
    forget_sent(&f);
    command(&f, "/report mal@evil.example spam Never came trouble <here>.");
    xmpp_stanza_t *item = stanza_child(
        stanza_child(only_sent(&f), "block", NS_BLOCKING), "item", NS_BLOCKING);
    xmpp_stanza_t *report =
        stanza_child(item, "report", "urn:xmpp:reporting:1");
    g_assert_cmpstr(stanza_attr(item, "jid"), ==, MAL);
    g_assert_cmpstr(
        stanza_attr(report, "reason"), ==, "urn:xmpp:reporting:spam");
    g_autofree char *text =
        stanza_child_text(report, "text", "urn:xmpp:reporting:1");
    g_assert_cmpstr(text, ==, "Never came trouble <here>.");
    answer(&f, only_sent(&f), "result", "");
    g_assert_cmpint(f.done, ==, 1);
    command(&f, "/report mal@evil.example boredom");
    g_assert_cmpint(f.done, ==, -1);
}

static void test_unsupported(void)
{
    FIXTURE(f);
    server_has(&f, "urn:xmpp:nothing");
    forget_sent(&f);
    static const char *const lines[] = { "/block mal@evil.example",
        "/unblock mal@evil.example", "/unblock --all --yes", "/blocklist",
        "/report mal@evil.example spam" };
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        command(&f, lines[i]);
        g_assert_cmpint(f.done, ==, -1);
        assert_has(f.output->str, "feature-not-implemented");
    }
    g_assert_cmpuint(f.sent->len, ==, 0);
}

static void test_change_password(void)
{
    FIXTURE(f);
    command(&f, "/changepassword");
    g_assert_cmpint(f.done, ==, -1);
    assert_has(f.output->str, "--password-file");
    g_autofree char *file = g_build_filename(f.dir, "pw", NULL);
    g_assert_true(g_file_set_contents(file, "new&pass\nrest", -1, NULL));
    g_autofree char *line =
        g_strdup_printf("/changepassword --password-file %s", file);
    command(&f, line);
    xmpp_stanza_t *iq = only_sent(&f);
    g_assert_cmpstr(stanza_attr(iq, "to"), ==, "im.example.com");
    xmpp_stanza_t *query = stanza_child(iq, "query", "jabber:iq:register");
    g_autofree char *user =
        stanza_child_text(query, "username", "jabber:iq:register");
    g_autofree char *password =
        stanza_child_text(query, "password", "jabber:iq:register");
    g_assert_cmpstr(user, ==, "juliet");
    g_assert_cmpstr(password, ==, "new&pass");
    answer(&f, iq, "result", "");
    g_assert_cmpint(f.done, ==, 1);
    g_assert_null(strstr(f.output->str, "new&pass"));
}

static void test_unregister(void)
{
    FIXTURE(f);
    command(&f, "/unregister");
    g_assert_cmpint(f.done, ==, -1);
    g_assert_cmpuint(f.sent->len, ==, 0);
    command(&f, "/unregister --no");
    g_assert_cmpuint(f.sent->len, ==, 0);
    command(&f, "/unregister --yes");
    xmpp_stanza_t *query =
        stanza_child(only_sent(&f), "query", "jabber:iq:register");
    g_assert_nonnull(stanza_child(query, "remove", "jabber:iq:register"));
    answer(&f, only_sent(&f), "error",
        "<error type='cancel'><not-allowed "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
    g_assert_cmpint(f.done, ==, -1);
    assert_has(f.output->str, "not-allowed");
}

/* A service's form, worked on with /form. */
static void test_register_service(void)
{
    FIXTURE(f);
    command(&f, "/register irc.example.com");
    answer(&f, only_sent(&f), "result",
        "<query xmlns='jabber:iq:register'><username/><password/></query>");
    g_assert_cmpint(f.done, ==, 1);
    assert_has(f.output->str, "username, password");
    forget_sent(&f);
    command(&f, "/form set username jules");
    command(&f, "/form set password secret");
    command(&f, "/form submit");
    g_assert_cmpint(f.done, ==, 1);
    xmpp_stanza_t *iq = only_sent(&f);
    g_assert_cmpstr(stanza_attr(iq, "to"), ==, "irc.example.com");
    g_assert_cmpstr(stanza_attr(iq, "type"), ==, "set");
    answer(&f, iq, "result", "");
    g_assert_cmpuint(f.counts[EVENT_NOTICE], >=, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/blocking/push", test_push);
    g_test_add_func("/blocking/C63-forged-push", test_forged_push);
    g_test_add_func("/blocking/H24-bad-items", test_bad_items);
    g_test_add_func("/blocking/commands", test_commands);
    g_test_add_func("/blocking/report", test_report);
    g_test_add_func("/blocking/unsupported", test_unsupported);
    g_test_add_func("/register/change-password", test_change_password);
    g_test_add_func("/register/unregister", test_unregister);
    g_test_add_func("/register/service", test_register_service);
    return g_test_run();
}
