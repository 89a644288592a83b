/* The roster: result, portions, versions, pushes, changes. */
#include <time.h>
#include "session_fixture.h"
#include "xmpp/iq.h"

#define PUSH(from, items)                                                   \
    "<iq type='set' id='p1' " from                                          \
    "><query xmlns='jabber:iq:roster' ver='v7'>" items "</query></iq>"
#define NURSE "<item jid='nurse@im.example.com' name='Nurse' "              \
              "subscription='both'><group>Servants</group></item>"

static struct contact *find(struct fixture *f, const char *jid)
{
    return roster_find(f->account->roster, jid);
}

/* Goes online and returns the id of the roster request. */
static char *go_online(struct fixture *f)
{
    f->account->state = STATE_OFFLINE;
    session_test_online(f->account);
    for (guint i = 0; i < f->sent->len; i++) {
        g_autoptr(xmpp_stanza_t) s =
            stanza_parse(g_ptr_array_index(f->sent, i));
        if (stanza_child(s, "query", NS_ROSTER))
            return g_strdup(stanza_attr(s, "id"));
    }
    g_assert_not_reached();
}

static void test_order(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *id = go_online(f);

    assert_has((char *)g_ptr_array_index(f->sent, 0), "jabber:iq:roster");
    g_assert_cmpuint(count_sent(f, "<presence"), ==, 0);
    g_assert_false(f->account->synced);
    receive(f,
        "<iq type='result' id='%s'><query xmlns='jabber:iq:roster'>" NURSE
        "<item jid='romeo@example.net' subscription='lol' ask='subscribe'/>"
        "<item/><item jid='@bad'/><x xmlns='u'/>"
        "<item jid='gateway.example.org' subscription='to'/></query></iq>",
        id);
    g_assert_cmpuint(count_sent(f, "<presence"), ==, 1);
    g_assert_true(f->account->synced);
    g_assert_cmpuint(f->events[EVENT_SYNCED], ==, 1);
    g_assert_cmpuint(f->events[EVENT_ROSTER_RESET], ==, 1);
    g_assert_cmpuint(roster_size(f->account->roster), ==, 3);
    g_assert_cmpstr(find(f, "nurse@im.example.com")->groups[0], ==,
        "Servants");
    g_assert_true(find(f, "romeo@example.net")->subscription == SUB_NONE);
    g_assert_true(find(f, "romeo@example.net")->ask);
    fixture_free(f);
}

static void test_error(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *id = go_online(f);

    receive(f, "<iq type='error' id='%s'/>", id);
    g_assert_true(f->account->synced);
    g_assert_cmpuint(count_sent(f, "<presence"), ==, 1);
    fixture_free(f);
}

static void test_portions(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *id = NULL;

    receive(f, PUSH("", "<item jid='old@example.net'/>"));
    id = go_online(f);
    receive(f,
        "<iq type='result' portion='more' id='%s'><query "
        "xmlns='jabber:iq:roster'>" NURSE "</query></iq>",
        id);
    g_assert_false(f->account->synced);
    g_assert_nonnull(find(f, "old@example.net"));
    receive(f,
        "<iq type='result' portion='last' id='%s'><query "
        "xmlns='jabber:iq:roster'><item jid='a@b'/></query></iq>",
        id);
    g_assert_null(find(f, "old@example.net"));
    g_assert_nonnull(find(f, "nurse@im.example.com"));
    g_assert_nonnull(find(f, "a@b"));
    g_assert_true(f->account->synced);
    fixture_free(f);
}

/* H26, H22: whose push is applied. */
static void test_h26(void)
{
    static const char *const strangers[] = { "from='mal@evil.test/x'",
        "from='im.example.com'", "from='" JULIET "/other'",
        "from='juliet@im.example.com.evil.test'" };
    static const char *const ours[] = { "", "from='" JULIET "'",
        "from='JULIET@IM.EXAMPLE.COM'", "from='juliet@im.example.com.'" };

    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
        struct fixture *f = fixture_new();
        receive(f,
            "<iq type='set' id='p' %s><query xmlns='jabber:iq:roster'>" NURSE
            "</query></iq>",
            strangers[i]);
        g_assert_cmpuint(roster_size(f->account->roster), ==, 0);
        g_assert_cmpuint(f->events[EVENT_ROSTER], ==, 0);
        g_assert_cmpuint(f->sent->len, ==, 1);
        assert_has(last_sent(f), "service-unavailable");
        fixture_free(f);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(ours); i++) {
        struct fixture *f = fixture_new();
        receive(f,
            "<iq type='set' id='p' %s><query xmlns='jabber:iq:roster'>" NURSE
            "</query></iq>",
            ours[i]);
        g_assert_cmpuint(roster_size(f->account->roster), ==, 1);
        fixture_free(f);
    }
}

/* H27 */
static void test_h27(void)
{
    struct fixture *f = fixture_new();

    receive(f, PUSH("", NURSE));
    g_assert_cmpuint(f->events[EVENT_ROSTER], ==, 1);
    assert_has(last_sent(f), "type=\"result\"");
    assert_has(last_sent(f), "id=\"p1\"");
    receive(f, PUSH("", NURSE "<item jid='a@b'/>"));
    assert_has(last_sent(f), "bad-request");
    receive(f, PUSH("", ""));
    assert_has(last_sent(f), "bad-request");
    receive(f, PUSH("", "<item/>"));
    assert_has(last_sent(f), "bad-request");
    receive(f, PUSH("", "<item jid='a@'/>"));
    assert_has(last_sent(f), "bad-request");
    g_assert_cmpuint(roster_size(f->account->roster), ==, 1);
    receive(f,
        PUSH("", "<item jid='nurse@im.example.com' subscription='remove'/>"));
    g_assert_cmpuint(roster_size(f->account->roster), ==, 0);
    g_assert_cmpuint(f->events[EVENT_ROSTER], ==, 2);
    g_assert_cmpuint(f->sent->len, ==, 6);
    fixture_free(f);
}

/* XEP-0237 as RFC 6121 s. 2.6: an empty result means the cache is right. */
static void test_versions(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *id = NULL, *again = NULL, *xml = NULL;
    g_autofree char *file =
        g_build_filename(f->paths->data_dir, JULIET, "roster.cache", NULL);
    struct account *second;

    session_test_features(f->account,
        "<features><ver xmlns='urn:xmpp:features:rosterver'/></features>");
    id = go_online(f);
    assert_has((char *)g_ptr_array_index(f->sent, 0), "ver=\"\"");
    receive(f,
        "<iq type='result' id='%s'><query xmlns='jabber:iq:roster' "
        "ver='v1'>" NURSE "</query></iq>",
        id);
    receive(f,
        PUSH("", "<item jid='a@b' ask='subscribe' approved='true'/>"));
    session_test_lose(f->account);

    second = account_new(JULIET, f->observers, f->options, f->paths);
    session_attach_test(second, BALCONY, fixture_sent, f);
    g_assert_cmpuint(roster_size(second->roster), ==, 2);
    g_assert_true(roster_find(second->roster, "a@b")->ask);
    g_assert_true(roster_find(second->roster, "a@b")->approved);
    g_assert_cmpstr(
        roster_find(second->roster, "nurse@im.example.com")->name, ==,
        "Nurse");
    session_test_features(second,
        "<features><ver xmlns='urn:xmpp:features:rosterver'/></features>");
    g_ptr_array_set_size(f->sent, 0);
    session_test_online(second);
    assert_has((char *)g_ptr_array_index(f->sent, 0), "ver=\"v7\"");
    again = sent_attr(f, f->sent->len - 1, "id");
    xml = g_strdup_printf("<iq type='result' id='%s'/>", again);
    session_test_receive(second, xml);
    g_assert_true(second->synced);
    g_assert_cmpuint(roster_size(second->roster), ==, 2);
    session_detach(second);
    account_free(second);

    /* Damaged: as if there were none. */
    g_assert_true(g_file_set_contents(file, "\001\002garbage", -1, NULL));
    second = account_new(JULIET, f->observers, f->options, f->paths);
    session_attach_test(second, BALCONY, fixture_sent, f);
    g_assert_cmpuint(roster_size(second->roster), ==, 0);
    session_detach(second);
    account_free(second);
    fixture_free(f);
}

/* A command is done when result and push have both come, in any order. */
static void test_add(void)
{
    struct fixture *f = fixture_new();
    g_autofree char *id = NULL, *id2 = NULL, *id3 = NULL;

    run(f, "/roster add romeo@example.net Romeo -g Friends -g \"My love\"");
    assert_has(last_sent(f), "<item ");
    assert_has(last_sent(f), "<group>My love</group>");
    assert_has(last_sent(f), "name=\"Romeo\"");
    id = sent_attr(f, 0, "id");
    receive(f, "<iq type='result' id='%s'/>", id);
    g_assert_cmpstr(f->log->str, ==, "");
    receive(f,
        PUSH("", "<item jid='romeo@example.net' name='Romeo'>"
                 "<group>Friends</group><group>My love</group></item>"));
    g_assert_cmpstr(f->log->str, ==, "done ok\n");

    run(f, "/roster group add romeo@example.net Men");
    assert_has(last_sent(f), "<group>Men</group>");
    assert_has(last_sent(f), "<group>Friends</group>");
    id2 = sent_attr(f, 0, "id");
    receive(f, PUSH("", "<item jid='romeo@example.net'/>"));
    g_assert_cmpstr(f->log->str, ==, "");
    receive(f, "<iq type='result' id='%s'/>", id2);
    g_assert_cmpstr(f->log->str, ==, "done ok\n");

    run(f, "/roster nick romeo@example.net Montague of Verona");
    assert_has(last_sent(f), "name=\"Montague of Verona\"");
    id3 = sent_attr(f, 0, "id");
    receive(f, PUSH("", "<item jid='romeo@example.net'/>"));
    receive(f, "<iq type='result' portion='more' id='%s'/>", id3);
    g_assert_cmpstr(f->log->str, ==, "");
    receive(f,
        "<iq type='error' id='%s'><error type='modify'><not-acceptable "
        "xmlns='" NS_STANZAS "'/></error></iq>",
        id3);
    assert_has(f->log->str, "fail not-acceptable");
    assert_has(f->log->str, "done failed");
    fixture_free(f);
}

/* RFC 6121 s. 2.3.3: a group that is named twice is a bad request. */
static void test_group_twice(void)
{
    struct fixture *f = fixture_new();

    run(f, "/roster add romeo@example.net Romeo -g A -g B -g A");
    assert_has(last_sent(f), "<group>A</group><group>B</group></item>");
    fixture_free(f);
}

static void test_commands(void)
{
    struct fixture *f = fixture_new();
    guint sent;

    receive(f, PUSH("", NURSE));
    receive(f, PUSH("", "<item jid='romeo@example.net' ask='subscribe'/>"));
    run(f, "/roster");
    g_assert_cmpstr(f->log->str, ==,
        "row contact jid=nurse@im.example.com name=Nurse subscription=both "
        "groups=[Servants]\n"
        "row contact jid=romeo@example.net subscription=none ask=subscribe "
        "groups=[]\ndone ok\n");
    run(f, "/roster search SERVANT");
    assert_has(f->log->str, "nurse@");
    g_assert_null(strstr(f->log->str, "romeo@"));
    sent = f->sent->len;
    run(f, "/roster remove nobody@example.net --yes");
    assert_has(f->log->str, "fail item-not-found");
    run(f, "/roster group remove nurse@im.example.com Nope");
    assert_has(f->log->str, "fail item-not-found");
    run(f, "/roster add " JULIET);
    assert_has(f->log->str, "fail not-allowed");
    g_assert_cmpuint(f->sent->len, ==, sent);
    run(f, "/roster remove nurse@im.example.com --yes");
    assert_has(last_sent(f), "subscription=\"remove\"");
    run(f, "/roster note romeo@example.net lives in Verona");
    g_assert_cmpstr(f->log->str, ==, "done ok\n");
    run(f, "/roster note romeo@example.net");
    assert_has(f->log->str, "text=lives in Verona");
    session_test_lose(f->account);
    fixture_free(f);
}

static gint64 cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* 50,000 contacts take time in proportion. */
static void test_many(void)
{
    gint64 took[2];

    for (int round = 0; round < 2; round++) {
        struct fixture *f = fixture_new();
        g_autofree char *id = go_online(f);
        const int portions = round ? 80 : 8;
        gint64 spent = 0;
        for (int p = 0; p < portions; p++) {
            GString *xml = g_string_new(NULL);
            g_autoptr(xmpp_stanza_t) stanza = NULL;
            g_string_printf(xml,
                "<iq xmlns='jabber:client' type='result' id='%s' "
                "portion='%s'><query xmlns='jabber:iq:roster'>",
                id, p + 1 < portions ? "more" : "last");
            for (int i = 0; i < 256; i++)
                g_string_append_printf(xml,
                    "<item jid='c%d@example.net' name='C %d' "
                    "subscription='both'><group>G%d</group></item>",
                    p * 256 + i, i, i % 20);
            g_string_append(xml, "</query></iq>");
            stanza = stanza_parse(xml->str);
            spent -= cpu_us();
            iq_handle(f->account, stanza);
            spent += cpu_us();
            g_string_free(xml, TRUE);
        }
        g_assert_cmpuint(roster_size(f->account->roster), ==,
            (guint)portions * 256);
        took[round] = spent;
        fixture_free(f);
    }
    g_test_message("2,048: %" G_GINT64_FORMAT " us, 20,480: %" G_GINT64_FORMAT
                   " us",
        took[0], took[1]);
    g_assert_cmpint(took[1], <, took[0] * 40 + 20000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/roster/C50-before-presence", test_order);
    g_test_add_func("/roster/error", test_error);
    g_test_add_func("/roster/portions", test_portions);
    g_test_add_func("/roster/H26-push-from", test_h26);
    g_test_add_func("/roster/H27-push", test_h27);
    g_test_add_func("/roster/versions", test_versions);
    g_test_add_func("/roster/add", test_add);
    g_test_add_func("/roster/RFC6121-s2.3.3-group-twice", test_group_twice);
    g_test_add_func("/roster/commands", test_commands);
    g_test_add_func("/roster/many", test_many);
    return g_test_run();
}
