#include "xep_fixture.h"
#include "xep/xep.h"
#include "xep/xep0004_form.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0115_caps.h"
#include "xmpp/outbox.h"

/* XEP-0115 s. 5.2 */
static const char exodus[] =
    "<query xmlns='http://jabber.org/protocol/disco#info' "
    "node='http://code.google.com/p/exodus#QgayPKawpkPSDYmwT/WM94uAlu0='>"
    "<identity category='client' name='Exodus 0.9.1' type='pc'/>"
    "<feature var='http://jabber.org/protocol/caps'/>"
    "<feature var='http://jabber.org/protocol/disco#info'/>"
    "<feature var='http://jabber.org/protocol/disco#items'/>"
    "<feature var='http://jabber.org/protocol/muc'/></query>";
#define EXODUS_VER "QgayPKawpkPSDYmwT/WM94uAlu0="
/* s. 5.3 */
static const char psi[] =
    "<query xmlns='http://jabber.org/protocol/disco#info'>"
    "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
    "<identity xml:lang='el' category='client' name='\316\250 0.11' type='pc'/>"
    "<feature var='http://jabber.org/protocol/caps'/>"
    "<feature var='http://jabber.org/protocol/disco#info'/>"
    "<feature var='http://jabber.org/protocol/disco#items'/>"
    "<feature var='http://jabber.org/protocol/muc'/>"
    "<x xmlns='jabber:x:data' type='result'>"
    "<field var='FORM_TYPE' type='hidden'>"
    "<value>urn:xmpp:dataforms:softwareinfo</value></field>"
    "<field var='ip_version' type='text-multi'><value>ipv4</value>"
    "<value>ipv6</value></field>"
    "<field var='os'><value>Mac</value></field>"
    "<field var='os_version'><value>10.5.1</value></field>"
    "<field var='software'><value>Psi</value></field>"
    "<field var='software_version'><value>0.11</value></field></x></query>";
#define PSI_VER "q07IKJEyjvHSyhy//CH0CxmKi8w="

static struct disco_info *parse(const char *xml)
{
    g_autoptr(xmpp_stanza_t) query = stanza_parse(xml);
    g_assert_nonnull(query);
    return disco_info_read(query);
}

static void test_simple_hash(void)
{
    auto_struct(disco_info) info = parse(exodus);
    g_autofree char *ver = caps_hash(info, "sha-1");
    g_assert_cmpstr(ver, ==, EXODUS_VER);
    g_assert_false(info->ill_formed);
    g_assert_null(caps_hash(info, "md5"));
    g_assert_null(caps_hash(info, NULL));
}

static void test_complex_hash(void)
{
    auto_struct(disco_info) info = parse(psi);
    g_autofree char *ver = caps_hash(info, "sha-1");
    g_assert_cmpstr(ver, ==, PSI_VER);
    g_assert_false(info->ill_formed);
}

#define Q(inside)                                                              \
    "<query xmlns='http://jabber.org/protocol/disco#info'>" inside "</query>"
#define FORM(type_attr, value)                                                 \
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' " type_attr \
    ">" value "</field></x>"

static void test_ill_formed(void)
{
    static const char *const bad[] = {
        Q("<feature var='a'/><feature var='a'/>"),
        Q("<identity category='c' type='t'/><identity category='c' type='t'/>"),
        Q(FORM("type='hidden'", "<value>a</value>")
                FORM("type='hidden'", "<value>a</value>")),
        Q(FORM("type='hidden'", "<value>a</value><value>b</value>")),
        Q("<feature var='a&lt;b'/>"),
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        auto_struct(disco_info) info = parse(bad[i]);
        g_assert_true(info->ill_formed);
    }
    static const char *const ignored[] = {
        /* s. 5.4 no. 3.6 */
        Q(FORM("", "<value>a</value>") FORM("", "<value>a</value>")),
        Q("<x xmlns='jabber:x:data' type='result'><field var='a'/></x>"),
    };
    for (guint i = 0; i < G_N_ELEMENTS(ignored); i++) {
        auto_struct(disco_info) info = parse(ignored[i]);
        g_assert_false(info->ill_formed);
        g_assert_cmpuint(info->forms->len, ==, 0);
    }
    auto_struct(disco_info) nothing = disco_info_read(NULL);
    g_assert_cmpuint(g_hash_table_size(nothing->features), ==, 0);
}

static xmpp_stanza_t *ask(struct fixture *f, const char *from, const char *xml)
{
    forget_sent(f);
    receive(f, "<iq type='get' id='q' from='%s' to='" ME_FULL "'>%s</iq>", from,
        xml);
    xmpp_stanza_t *iq = only_sent(f);
    g_assert_cmpstr(stanza_attr(iq, "id"), ==, "q");
    g_assert_cmpstr(stanza_attr(iq, "to"), ==, from);
    return iq;
}

/* C63: what we announce is what our hash says. */
static void test_own(void)
{
    FIXTURE(f);
    xmpp_stanza_t *iq = ask(&f, MAL_FULL, Q(""));
    g_assert_cmpstr(stanza_attr(iq, "type"), ==, "result");
    auto_struct(disco_info) info =
        disco_info_read(stanza_child(iq, "query", NS_DISCO_INFO));
    g_assert_false(info->ill_formed);
    g_assert_cmpuint(info->identities->len, ==, 1);
    static const char *const wanted[] = { NS_DISCO_INFO, NS_CAPS,
        "urn:xmpp:ping", "urn:xmpp:receipts", "jabber:iq:version",
        "http://jabber.org/protocol/chatstates" };
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
        g_assert_true(disco_info_has(info, wanted[i]));
    g_autofree char *ver = caps_hash(info, "sha-1");
    g_assert_cmpstr(caps_own_ver(f.account), ==, ver);

    g_autofree char *node = g_strdup_printf(
        "<query xmlns='" NS_DISCO_INFO "' node='https://txmpp.invalid/#%s'/>",
        ver);
    iq = ask(&f, BOB_FULL, node);
    g_assert_cmpstr(stanza_attr(iq, "type"), ==, "result");
    g_assert_nonnull(
        stanza_attr(stanza_child(iq, "query", NS_DISCO_INFO), "node"));
    assert_error(
        ask(&f, BOB_FULL, "<query xmlns='" NS_DISCO_INFO "' node='other'/>"),
        "item-not-found");
    assert_error(
        ask(&f, BOB_FULL,
            "<query xmlns='" NS_DISCO_INFO "' node='https://txmpp.invalid/'/>"),
        "item-not-found");
}

static void test_own_option(void)
{
    FIXTURE(f);
    g_autofree char *before = g_strdup(caps_own_ver(f.account));
    g_assert_true(
        options_set(f.options, NULL, "privacy.receipts", "false", true, NULL));
    g_assert_cmpstr(caps_own_ver(f.account), !=, before);
    g_autoptr(GPtrArray) names = disco_own_features(f.account);
    g_assert_false(g_ptr_array_find_with_equal_func(
        names, "urn:xmpp:receipts", g_str_equal, NULL));
    g_assert_true(
        options_set(f.options, NULL, "privacy.receipts", "true", true, NULL));
    g_assert_cmpstr(caps_own_ver(f.account), ==, before);
}

#define QUERIES_OF_FRIENDS                                                     \
    { "<query xmlns='jabber:iq:version'/>", "privacy.version" },               \
        { "<time xmlns='urn:xmpp:time'/>", "privacy.time" },                   \
    {                                                                          \
        "<query xmlns='jabber:iq:last'/>", "privacy.last_activity"             \
    }

/* C63: version, time and last activity are for friends, and can be off. */
static void test_friends_only(void)
{
    FIXTURE(f);
    static const struct {
        const char *xml, *option;
    } queries[] = { QUERIES_OF_FRIENDS };
    add_contact(&f, BOB, SUB_BOTH);
    add_contact(&f, "nurse@example.net", SUB_TO); /* she may not see us */
    for (guint i = 0; i < G_N_ELEMENTS(queries); i++) {
        const char *xml = queries[i].xml;
        g_assert_cmpstr(
            stanza_attr(ask(&f, BOB_FULL, xml), "type"), ==, "result");
        g_assert_cmpstr(
            stanza_attr(ask(&f, ME "/other", xml), "type"), ==, "result");
        assert_error(ask(&f, MAL_FULL, xml), "service-unavailable");
        assert_error(
            ask(&f, "nurse@example.net/x", xml), "service-unavailable");
        options_set(f.options, NULL, queries[i].option, "false", true, NULL);
        assert_error(ask(&f, BOB_FULL, xml), "service-unavailable");
    }
}

static void test_version_content(void)
{
    FIXTURE(f);
    xmpp_stanza_t *iq =
        ask(&f, ME "/other", "<query xmlns='jabber:iq:version'/>");
    xmpp_stanza_t *query = stanza_child(iq, "query", "jabber:iq:version");
    g_autofree char *name =
        stanza_child_text(query, "name", "jabber:iq:version");
    g_assert_cmpstr(name, ==, "txmpp");
    g_assert_null(stanza_child(query, "os", NULL)); /* off by default */
}

static void test_ping(void)
{
    FIXTURE(f);
    xmpp_stanza_t *iq = ask(&f, MAL_FULL, "<ping xmlns='urn:xmpp:ping'/>");
    g_assert_cmpstr(stanza_attr(iq, "type"), ==, "result");
    forget_sent(&f);
    command(&f, "/ping romeo@example.net/orchard");
    answer(&f, only_sent(&f), "result", "");
    g_assert_cmpint(f.done, ==, 1);
    assert_has(f.output->str, "ping jid=romeo@example.net/orchard ms=");
    forget_sent(&f);
    command(&f, "/ping");
    g_assert_cmpstr(stanza_attr(only_sent(&f), "to"), ==, "im.example.com");
    answer(&f, only_sent(&f), "error", UNAVAILABLE);
    g_assert_cmpint(f.done, ==, -1);
    assert_has(f.output->str, "! service-unavailable");
}

/* A command that is given up does not listen to a late answer. */
static void test_given_up(void)
{
    FIXTURE(f);
    command(&f, "/software example.net");
    xmpp_stanza_t *iq = xmpp_stanza_clone(only_sent(&f));
    engine_account_gone(f.engine, f.account);
    g_assert_cmpint(f.done, ==, -1);
    g_string_truncate(f.output, 0);
    answer(&f, iq, "result", "<query xmlns='jabber:iq:version'/>");
    g_assert_cmpstr(f.output->str, ==, "");
    xmpp_stanza_release(iq);
}

/* H24: answers with parts missing. */
static void test_poor_answers(void)
{
    FIXTURE(f);
    static const struct {
        const char *line, *payload;
        int done;
    } cases[] = {
        { "/software example.net", "", 1 },
        { "/software example.net", "<query xmlns='jabber:iq:version'/>", 1 },
        { "/time example.net", "", -1 },
        { "/time example.net",
            "<time xmlns='urn:xmpp:time'><tzo>+99:99</tzo>"
            "<utc>2026-11-20T21:02:00Z</utc></time>",
            -1 },
        { "/time example.net",
            "<time xmlns='urn:xmpp:time'><tzo>/etc/passwd</tzo>"
            "<utc>2026-11-20T21:02:00Z</utc></time>",
            -1 },
        { "/time example.net",
            "<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo>"
            "<utc>2026-11-20T21:02:00Z</utc></time>",
            1 },
        { "/lastactivity example.net", "", -1 },
        { "/lastactivity example.net",
            "<query xmlns='jabber:iq:last' seconds='-1'/>", -1 },
        { "/lastactivity example.net",
            "<query xmlns='jabber:iq:last' seconds='99999999999999999999'/>",
            -1 },
        { "/lastactivity example.net",
            "<query xmlns='jabber:iq:last' seconds='903'>gone</query>", 1 },
        { "/disco info example.net", "", 1 },
        { "/disco items example.net",
            "<query xmlns='http://jabber.org/protocol/disco#items'><item/>"
            "</query>",
            1 },
        { "/disco summary example.net", "", 1 },
        { "/blocklist", "", 1 },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        forget_sent(&f);
        command(&f, cases[i].line);
        answer(&f, only_sent(&f), "result", cases[i].payload);
        if (f.done != cases[i].done)
            g_error("%s %s: %d %s", cases[i].line, cases[i].payload, f.done,
                f.output->str);
    }
}

static void test_time_output(void)
{
    FIXTURE(f);
    command(&f, "/time romeo@example.net/orchard");
    answer(&f, only_sent(&f), "result",
        "<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo>"
        "<utc>2026-11-20T21:02:00Z</utc></time>");
    assert_has(f.output->str, "local=2026-11-20 15:02:00 tzo=-06:00");
}

static void test_disco_command(void)
{
    FIXTURE(f);
    command(&f, "/disco info example.net");
    g_assert_cmpstr(stanza_attr(only_sent(&f), "to"), ==, "example.net");
    answer(&f, only_sent(&f), "result", psi);
    g_assert_cmpint(f.done, ==, 1);
    assert_has(f.output->str, "identity category=client type=pc name=Psi 0.11");
    assert_has(f.output->str, "feature feature=http://jabber.org/protocol/muc");
    assert_has(f.output->str,
        "form=urn:xmpp:dataforms:softwareinfo name=ip_version "
        "values=ipv4,ipv6,");
}

static void appear(struct fixture *f, const char *from, const char *ver)
{
    receive(f,
        "<presence from='%s'><c xmlns='" NS_CAPS "' hash='sha-1' "
        "node='http://code.google.com/p/exodus' ver='%s'/></presence>",
        from, ver);
}
#define MUC "http://jabber.org/protocol/muc"

/* Presence alone asks nothing, unless a chat is open; and never very much. */
static void test_open_chat(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    account_open_chat(f.account, BOB, CHAT_CONTACT);
    for (int i = 0; i < 1000; i++) {
        g_autofree char *ver = g_strdup_printf("%d", i);
        g_autofree char *from = g_strdup_printf(BOB "/%d", i);
        appear(&f, from, ver);
        appear(&f, from, ver);
    }
    g_assert_cmpuint(f.sent->len, >, 0);
    g_assert_cmpuint(f.sent->len, <=, 64);
}

static void test_peer(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    appear(&f, BOB_FULL, EXODUS_VER);
    g_assert_cmpuint(f.sent->len, ==, 0); /* presence alone asks nothing */
    g_assert_cmpint(
        disco_peer_has(f.account, BOB_FULL, MUC), ==, DISCO_UNKNOWN);
    g_assert_cmpint(
        disco_peer_has(f.account, BOB_FULL, MUC), ==, DISCO_UNKNOWN);
    xmpp_stanza_t *iq = only_sent(&f); /* asked once */
    g_assert_cmpstr(
        stanza_attr(stanza_child(iq, "query", NS_DISCO_INFO), "node"), ==,
        "http://code.google.com/p/exodus#" EXODUS_VER);
    answer(&f, iq, "result", exodus);
    g_assert_cmpint(disco_peer_has(f.account, BOB_FULL, MUC), ==, DISCO_YES);
    g_assert_cmpint(disco_peer_has(f.account, BOB_FULL, "x"), ==, DISCO_NO);
    /* Another one with this hash is known already. */
    appear(&f, "nurse@example.net/x", EXODUS_VER);
    g_assert_cmpint(
        disco_peer_has(f.account, "nurse@example.net/x", MUC), ==, DISCO_YES);
    g_assert_cmpuint(f.sent->len, ==, 1);
}

/* H44: a false hash counts for the one who gave it, and for nobody else. */
static void test_false_hash(void)
{
    FIXTURE(f);
    add_contact(&f, MAL, SUB_BOTH);
    appear(&f, MAL_FULL, EXODUS_VER);
    disco_peer_has(f.account, MAL_FULL, MUC);
    answer(&f, only_sent(&f), "result", Q("<feature var='urn:poison'/>"));
    g_assert_cmpint(
        disco_peer_has(f.account, MAL_FULL, "urn:poison"), ==, DISCO_YES);
    add_contact(&f, BOB, SUB_BOTH);
    appear(&f, BOB_FULL, EXODUS_VER);
    g_assert_cmpint(
        disco_peer_has(f.account, BOB_FULL, "urn:poison"), ==, DISCO_UNKNOWN);
    g_assert_cmpuint(f.sent->len, ==, 2); /* asked himself */
    answer(&f, f.sent->pdata[1], "result", exodus);
    g_assert_cmpint(disco_peer_has(f.account, BOB_FULL, MUC), ==, DISCO_YES);
    /* Ill-formed answers never count for others, whatever their hash. */
    auto_struct(disco_info) bad =
        parse(Q("<feature var='a'/><feature var='a'/>"));
    g_autofree char *ver = caps_hash(bad, "sha-1");
    appear(&f, MAL_FULL, ver);
    g_assert_false(caps_learn(f.account, MAL_FULL, bad));
}

/* s. 5.4: the hash is the key. Who announces a true one under a node of his
 * own making spoils it for nobody: everyone is asked about what he said. */
static void test_foreign_node(void)
{
    FIXTURE(f);
    add_contact(&f, MAL, SUB_BOTH);
    add_contact(&f, BOB, SUB_BOTH);
    receive(&f,
        "<presence from='" MAL_FULL "'><c xmlns='" NS_CAPS "' hash='sha-1' "
        "node='urn:evil' ver='" EXODUS_VER "'/></presence>");
    appear(&f, BOB_FULL, EXODUS_VER);
    for (int i = 0; i < 4; i++) {
        disco_peer_has(f.account, MAL_FULL, MUC);
        answer(&f, f.sent->pdata[0], "error", UNAVAILABLE);
    }
    forget_sent(&f);
    disco_peer_has(f.account, BOB_FULL, MUC);
    xmpp_stanza_t *iq = only_sent(&f);
    g_assert_cmpstr(
        stanza_attr(stanza_child(iq, "query", NS_DISCO_INFO), "node"), ==,
        "http://code.google.com/p/exodus#" EXODUS_VER);
    answer(&f, iq, "result", exodus);
    g_assert_cmpint(disco_peer_has(f.account, BOB_FULL, MUC), ==, DISCO_YES);
}

/* s. 8.4: a server may leave out what it has passed on before. */
static void test_not_repeated(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    appear(&f, BOB_FULL, EXODUS_VER);
    disco_peer_has(f.account, BOB_FULL, MUC);
    answer(&f, only_sent(&f), "result", exodus);
    receive(&f, "<presence from='" BOB_FULL "'><show>away</show></presence>");
    g_assert_nonnull(caps_find(f.account, BOB_FULL));
    receive(&f, "<presence from='" BOB_FULL "'><c xmlns='" NS_CAPS "'/>"
                "</presence>");
    g_assert_null(caps_find(f.account, BOB_FULL));
}

static void test_hostile_caps(void)
{
    FIXTURE(f);
    static const char *const caps[] = {
        "<c xmlns='" NS_CAPS "'/>",
        "<c xmlns='" NS_CAPS "' hash='' node='' ver=''/>",
        "<c xmlns='" NS_CAPS "' hash='md2' node='a' ver='b'/>",
        "<c xmlns='" NS_CAPS "' node='a' ver='b' ext='c d'/>",
        "<c xmlns='" NS_CAPS "' hash='sha-1' ver='b'/>",
        "<c xmlns='" NS_CAPS "' hash='sha-1' node='../../etc' ver='../x'/>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(caps); i++)
        receive(&f, "<presence from='" MAL_FULL "'>%s</presence>", caps[i]);
    for (int i = 0; i < 10000; i++) {
        g_autofree char *ver = g_strdup_printf("%d", i);
        g_autofree char *from = g_strdup_printf(MAL "/%d", i);
        appear(&f, from, ver);
    }
    g_assert_cmpuint(f.sent->len, ==, 0);
    receive(&f, "<presence type='unavailable' from='" MAL "/1'/>");
    g_assert_null(caps_find(f.account, MAL "/1"));
}

/* The disk keeps what was proved, and is believed only with proof. */
static void test_disk(void)
{
    FIXTURE(f);
    add_contact(&f, BOB, SUB_BOTH);
    appear(&f, BOB_FULL, PSI_VER);
    disco_peer_has(f.account, BOB_FULL, MUC);
    answer(&f, only_sent(&f), "result", psi);
    xep0115.offline(f.account); /* writes */
    g_autofree char *dir = g_build_filename(f.paths->cache_dir, "caps", NULL);
    g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
    g_assert_nonnull(files);
    g_autofree char *path = g_build_filename(dir, g_dir_read_name(files), NULL);
    GStatBuf st;
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);

    session_detach(f.account);
    session_attach_test(f.account, ME_FULL, fixture_on_sent, &f);
    appear(&f, BOB_FULL, PSI_VER);
    forget_sent(&f);
    g_assert_cmpint(disco_peer_has(f.account, BOB_FULL, MUC), ==, DISCO_YES);
    g_assert_cmpuint(f.sent->len, ==, 0);

    g_assert_true(g_file_set_contents(path, exodus, -1, NULL));
    session_detach(f.account);
    session_attach_test(f.account, ME_FULL, fixture_on_sent, &f);
    appear(&f, BOB_FULL, PSI_VER);
    g_assert_cmpint(
        disco_peer_has(f.account, BOB_FULL, MUC), ==, DISCO_UNKNOWN);
}

static void test_server(void)
{
    FIXTURE(f);
    g_assert_cmpint(
        disco_server_has(f.account, "urn:xmpp:blocking"), ==, DISCO_UNKNOWN);
    server_has(&f, "urn:xmpp:blocking");
    g_assert_cmpint(
        disco_server_has(f.account, "urn:xmpp:blocking"), ==, DISCO_YES);
    g_assert_cmpint(
        disco_server_has(f.account, "urn:xmpp:nothing"), ==, DISCO_NO);
}

/* Our hash goes with presence, not with requests. */
/* Online, with the roster. */
static void sign_in(struct fixture *f)
{
    session_test_online(f->account);
    for (guint i = 0; i < f->sent->len; i++) {
        xmpp_stanza_t *iq = f->sent->pdata[i];
        if (stanza_child(iq, "query", NS_ROSTER)) {
            g_autofree char *id = g_strdup(stanza_attr(iq, "id"));
            receive(f,
                "<iq type='result' id='%s'><query "
                "xmlns='jabber:iq:roster'/></iq>",
                id);
        }
    }
}

static void set_receipts(struct fixture *f, const char *value)
{
    forget_sent(f);
    options_set(f->options, NULL, "privacy.receipts", value, true, NULL);
    observers_emit(f->observers, &(struct event){ .type = EVENT_OPTION,
        .option = { options_row(f->options, "privacy.receipts"), value } });
}

/* XEP-0115 s. 4: a feature that comes or goes is announced at once, to those
 * who see us, and once. */
static void test_changed_option(void)
{
    FIXTURE(f);
    set_receipts(&f, "false");
    g_assert_cmpuint(f.sent->len, ==, 0); /* nothing was announced yet */
    set_receipts(&f, "true");
    sign_in(&f);
    set_receipts(&f, "true");
    g_assert_cmpuint(f.sent->len, ==, 0);
    set_receipts(&f, "false");
    xmpp_stanza_t *c = stanza_child(only_sent(&f), "c", NS_CAPS);
    g_assert_true(stanza_is(only_sent(&f), "presence", NS_CLIENT));
    g_assert_null(stanza_attr(only_sent(&f), "to"));
    g_assert_cmpstr(stanza_attr(c, "ver"), ==, caps_own_ver(f.account));
    f.account->state = STATE_WAITING; /* a connection that comes back */
    set_receipts(&f, "true");
    g_assert_cmpuint(f.sent->len, ==, 0);
    f.account->state = STATE_ONLINE;
    xep0115.resumed(f.account);
    g_assert_cmpuint(f.sent->len, ==, 1);
    f.account->own.show = SHOW_OFFLINE;
    set_receipts(&f, "false");
    g_assert_cmpuint(f.sent->len, ==, 0);
}

static void test_presence_has_caps(void)
{
    FIXTURE(f);
    bool seen = false;
    sign_in(&f);
    for (guint i = 0; i < f.sent->len; i++) {
        xmpp_stanza_t *c = stanza_child(f.sent->pdata[i], "c", NS_CAPS);
        if (!stanza_is(f.sent->pdata[i], "presence", NULL))
            continue;
        g_assert_cmpstr(stanza_attr(c, "ver"), ==, caps_own_ver(f.account));
        seen = true;
    }
    g_assert_true(seen);
}

/* XEP-0184 s. 5.2, XEP-0333: what a client is known not to understand is not
 * asked of it; whoever is not known to, or is no one client, is asked. */
static void test_requests(void)
{
    static const struct {
        const char *payload;
        bool locked, receipt, marker;
    } cases[] = {
        { NULL, true, true, true },
        { NULL, false, true, true },
        { "<error type='cancel'><service-unavailable "
          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            true, true, true },
        { "<query xmlns='" NS_DISCO_INFO "'><identity category='client' "
          "type='pc'/><feature var='urn:xmpp:receipts'/></query>",
            true, true, false },
        { "<query xmlns='" NS_DISCO_INFO "'><identity category='client' "
          "type='pc'/></query>",
            true, false, false },
        { "<query xmlns='" NS_DISCO_INFO "'><identity category='client' "
          "type='pc'/></query>",
            false, true, true },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        FIXTURE(f);
        struct chat *chat = account_open_chat(f.account, BOB, CHAT_CONTACT);
        if (cases[i].payload) {
            disco_peer_has(f.account, BOB_FULL, "urn:x");
            xmpp_stanza_t *iq = xmpp_stanza_clone(only_sent(&f));
            answer(&f, iq, strstr(cases[i].payload, "<error") ? "error"
                                                              : "result",
                cases[i].payload);
            xmpp_stanza_release(iq);
        }
        forget_sent(&f);
        chat->locked = cases[i].locked ? g_strdup(BOB_FULL) : NULL;
        g_assert_nonnull(outbox_send_text(chat, "hello", NULL));
        g_test_message("case %u", i);
        g_assert_cmpint(
            stanza_child(f.sent->pdata[0], "request", "urn:xmpp:receipts") !=
                NULL,
            ==, cases[i].receipt);
        g_assert_cmpint(stanza_child(f.sent->pdata[0], "markable",
                            "urn:xmpp:chat-markers:0") != NULL,
            ==, cases[i].marker);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/caps/hash-simple", test_simple_hash);
    g_test_add_func("/caps/hash-complex", test_complex_hash);
    g_test_add_func("/caps/ill-formed", test_ill_formed);
    g_test_add_func("/caps/peer", test_peer);
    g_test_add_func("/caps/H49-open-chat", test_open_chat);
    g_test_add_func("/caps/H44-false-hash", test_false_hash);
    g_test_add_func("/caps/H44-foreign-node", test_foreign_node);
    g_test_add_func("/caps/not-repeated", test_not_repeated);
    g_test_add_func("/caps/H24-hostile", test_hostile_caps);
    g_test_add_func("/caps/disk", test_disk);
    g_test_add_func("/caps/own-presence", test_presence_has_caps);
    g_test_add_func("/caps/XEP-0115-s4-changed-option", test_changed_option);
    g_test_add_func("/disco/C63-own", test_own);
    g_test_add_func("/disco/own-option", test_own_option);
    g_test_add_func("/disco/server", test_server);
    g_test_add_func("/disco/XEP-0184-s5.2-requests", test_requests);
    g_test_add_func("/disco/command", test_disco_command);
    g_test_add_func("/query/C63-friends-only", test_friends_only);
    g_test_add_func("/query/version", test_version_content);
    g_test_add_func("/query/ping", test_ping);
    g_test_add_func("/query/time", test_time_output);
    g_test_add_func("/query/given-up", test_given_up);
    g_test_add_func("/query/H24-poor-answers", test_poor_answers);
    return g_test_run();
}
