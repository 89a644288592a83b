/* /devices (XEP-0494), what is switched on with the binding (XEP-0386), and
 * the file that tokens are kept in (XEP-0484). */
#include <sys/stat.h>
#include <unistd.h>
#include "xep_fixture.h"
#include "base/stamp.h"
#include "xep/xep.h"
#include "xep/xep0352_csi.h"
#include "xmpp/credentials.h"

#define NS_CAM "urn:xmpp:cam:0"
/* XEP-0494 s. 3.1 */
#define CLIENTS                                                                \
    "<clients xmlns='" NS_CAM "'>"                                             \
    "<client connected='true' id='zeiP41HLglIu' type='session'>"               \
    "<first-seen>2023-04-06T14:26:08Z</first-seen>"                            \
    "<last-seen>2023-04-06T14:37:25Z</last-seen>"                              \
    "<auth><password/><fast/></auth><permission status='unrestricted'/>"       \
    "<user-agent><software>Gajim</software><uri>https://gajim.org/</uri>"      \
    "<device>Juliet&apos;s laptop</device></user-agent></client>"              \
    "<client/><client id=''/><client id='x' connected='maybe'><auth/>"         \
    "<last-seen>yesterday</last-seen></client><other id='y'/></clients>"

static void test_devices(void)
{
    FIXTURE(f);
    command(&f, "/devices");
    g_assert_cmpint(f.done, ==, 0);
    xmpp_stanza_t *iq = sent_iq(&f, "list", NS_CAM);
    g_assert_nonnull(iq);
    answer(&f, iq, "result", CLIENTS);
    g_assert_cmpint(f.done, ==, 1);
    g_assert_nonnull(strstr(f.output->str,
        "client id=zeiP41HLglIu software=Gajim device=Juliet's laptop "
        "connected=true"));
    g_assert_nonnull(strstr(f.output->str, "auth=password,fast, "));
    g_assert_nonnull(strstr(f.output->str, "client id=x "));
    g_assert_null(strstr(f.output->str, "id=y"));
}

/* A server that does not tell is no failure. */
static void test_devices_untold(void)
{
    FIXTURE(f);
    command(&f, "/devices list");
    answer(&f, sent_iq(&f, "list", NS_CAM), "error", UNAVAILABLE);
    g_assert_cmpint(f.done, ==, 1);
    g_assert_cmpstr(f.output->str, ==, "");
}

static void test_revoke(void)
{
    static const struct {
        const char *type, *payload, *output;
        int done;
    } cases[] = {
        { "result", "", "", 1 },
        { "error",
            "<error type='cancel'><service-unavailable "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            "<password-reset-required xmlns='" NS_CAM "'/></error>",
            "knows the password", -1 },
        { "error", UNAVAILABLE, "cannot lock out", -1 },
        { "error",
            "<error type='cancel'><item-not-found "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            "item-not-found", -1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        FIXTURE(f);
        command(&f, "/devices revoke HjEEr45_LQr");
        xmpp_stanza_t *iq = sent_iq(&f, "revoke", NS_CAM);
        g_assert_nonnull(iq);
        g_assert_cmpstr(stanza_attr(stanza_child(iq, "revoke", NS_CAM), "id"),
            ==, "HjEEr45_LQr");
        answer(&f, iq, cases[i].type, cases[i].payload);
        g_assert_cmpint(f.done, ==, cases[i].done);
        g_assert_nonnull(strstr(f.output->str, cases[i].output));
    }
}

static void test_revoke_nothing(void)
{
    FIXTURE(f);
    command(&f, "/devices revoke");
    g_assert_cmpint(f.done, ==, -1);
    g_assert_cmpuint(f.sent->len, ==, 0);
}

/* ---- with the binding ---- */

static void bind_all(struct fixture *f, const char *inner, GString *out)
{
    g_autofree char *xml = g_strdup_printf(
        "<bind xmlns='urn:xmpp:bind:0'><inline>%s</inline></bind>", inner);
    g_autoptr(xmpp_stanza_t) offer = stanza_parse(xml);
    g_autoptr(xmpp_stanza_t) bind = stanza_new("bind", "urn:xmpp:bind:0", NULL);
    for (const struct feature *const *i = features; *i; i++)
        if ((*i)->bind_inline)
            (*i)->bind_inline(f->account, offer, bind);
    for (const struct feature *const *i = features; *i; i++)
        if ((*i)->bound_inline)
            (*i)->bound_inline(f->account, NULL);
    g_autofree char *text = stanza_xml(bind);
    g_string_assign(out, text);
}

static void test_bind(void)
{
    FIXTURE(f);
    g_autoptr(GString) out = g_string_new(NULL);
    client_state_set(f.account, false);
    bind_all(&f,
        "<feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:csi:0'/>",
        out);
    g_assert_nonnull(strstr(out->str, "<enable xmlns=\"urn:xmpp:carbons:2\""));
    g_assert_nonnull(strstr(out->str, "<inactive xmlns=\"urn:xmpp:csi:0\""));
    xep0280.online(f.account);
    xep0352.ready(f.account);
    g_assert_cmpuint(f.sent->len, ==, 0); /* it is done already */

    client_state_set(f.account, true);
    bind_all(&f, "<feature var='urn:xmpp:csi:0'/>", out);
    g_assert_null(strstr(out->str, "enable"));
    g_assert_null(strstr(out->str, "active"));
    xep0280.online(f.account);
    g_assert_cmpuint(f.sent->len, >, 0); /* the usual way */
}

/* ---- what is kept ---- */

struct kept {
    char *dir, *file;
    struct paths *paths;
};

static void kept_open(struct kept *k)
{
    k->dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    g_chmod(k->dir, 0700);
    k->paths = paths_new(k->dir, NULL);
    k->file = g_build_filename(k->dir, ME, "login", NULL);
}

static void kept_close(struct kept *k)
{
    tree_remove(k->dir);
    g_free(k->dir);
    g_free(k->file);
    paths_free(k->paths);
}

#define KEPT(k)                                                                \
    struct kept k __attribute__((cleanup(kept_close)));                        \
    kept_open(&k)

static void set_token(
    struct credentials *c, const char *text, const char *expiry)
{
    auto_struct(secret) token = secret_new(text, -1);
    credentials_set_token(c, "HT-SHA-256-EXPR", token, expiry);
}

static void test_kept(void)
{
    KEPT(k);
    struct stream_token token;
    struct stat st;
    struct credentials *c = credentials_new(k.paths, ME, true);
    g_autofree char *agent = g_strdup(credentials_user_agent(c));
    g_assert_true(g_uuid_string_is_valid(agent));
    g_assert_false(credentials_token(c, &token));
    g_assert_cmpint(access(k.file, F_OK), !=, 0);
    credentials_set_offer(c, "<authentication xmlns='urn:xmpp:sasl:2'>\n"
                             "<mechanism>X</mechanism></authentication>");
    set_token(c, "secret-token:fast-1", "2999-01-01T00:00:00Z");
    credentials_free(c);

    g_assert_cmpint(stat(k.file, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    c = credentials_new(k.paths, ME, true);
    g_assert_true(credentials_token(c, &token));
    g_assert_cmpstr(secret_bytes(token.secret), ==, "secret-token:fast-1");
    g_assert_cmpstr(token.mechanism, ==, "HT-SHA-256-EXPR");
    g_assert_false(token.invalidate);
    g_assert_cmpstr(credentials_user_agent(c), ==, agent);
    g_assert_nonnull(strstr(credentials_offer(c), "<mechanism>X</mechanism>"));
    credentials_give_up(c);
    credentials_free(c);

    c = credentials_new(k.paths, ME, true);
    g_assert_false(credentials_has_token(c));
    g_assert_true(credentials_token(c, &token));
    g_assert_true(token.invalidate);
    credentials_forget_token(c);
    g_assert_false(credentials_token(c, &token));
    credentials_free(c);

    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(k.file, &text, NULL, NULL));
    g_assert_null(strstr(text, "secret-token"));
    g_assert_nonnull(strstr(text, agent));
}

static void test_expiry(void)
{
    static const struct {
        const char *expiry;
        bool good;
    } cases[] = { { "2020-03-12T14:36:15Z", false },
        { "2999-01-01T00:00:00Z", true }, { "soon", true }, { NULL, true } };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        KEPT(k);
        struct stream_token token;
        struct credentials *c = credentials_new(k.paths, ME, true);
        set_token(c, "T", cases[i].expiry);
        g_assert_true(credentials_token(c, &token) == cases[i].good);
        g_assert_true(credentials_has_token(c) == cases[i].good);
        credentials_free(c);
    }
}

/* Anything may stand in the file; nothing may be followed; nothing need be
 * writable. */
static void test_bad_file(void)
{
    static const char *const texts[] = { "", "\n\n\n\n\n\n\n", "T", "T\n\nsoon",
        "T\nHT-SHA-256-EXPR\nx\ny\nno uuid\n<", "\xff\xfe\x01\n\x80\n" };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        KEPT(k);
        struct stream_token token;
        g_autofree char *dir = g_path_get_dirname(k.file);
        g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
        g_assert_true(g_file_set_contents(k.file, texts[i], -1, NULL));
        struct credentials *c = credentials_new(k.paths, ME, true);
        credentials_token(c, &token);
        g_assert_true(g_uuid_string_is_valid(credentials_user_agent(c)));
        credentials_free(c);
    }
    KEPT(k);
    g_autofree char *dir = g_path_get_dirname(k.file);
    g_autofree char *elsewhere = g_build_filename(k.dir, "elsewhere", NULL);
    struct stream_token token;
    g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
    g_assert_true(g_file_set_contents(elsewhere, "T\nM\n", -1, NULL));
    g_assert_cmpint(symlink(elsewhere, k.file), ==, 0);
    struct credentials *c = credentials_new(k.paths, ME, true);
    g_assert_false(credentials_token(c, &token));
    credentials_free(c);
}

static void test_in_memory(void)
{
    KEPT(k);
    struct stream_token token;
    struct credentials *c = credentials_new(k.paths, ME, false);
    set_token(c, "T", NULL);
    g_assert_true(credentials_token(c, &token));
    set_token(c, "T\nT", NULL); /* would be two lines */
    g_assert_false(credentials_token(c, &token));
    credentials_free(c);
    g_assert_cmpint(access(k.file, F_OK), !=, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/devices", test_devices);
    g_test_add_func("/access/devices-untold", test_devices_untold);
    g_test_add_func("/access/revoke", test_revoke);
    g_test_add_func("/access/revoke-nothing", test_revoke_nothing);
    g_test_add_func("/access/bind", test_bind);
    g_test_add_func("/credentials/kept", test_kept);
    g_test_add_func("/credentials/expiry", test_expiry);
    g_test_add_func("/credentials/H62-bad-file", test_bad_file);
    g_test_add_func("/credentials/in-memory", test_in_memory);
    return g_test_run();
}
