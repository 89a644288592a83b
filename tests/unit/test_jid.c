/* Addresses: RFC 7622, PRECIS, IDNA2008, xmpp: URIs, lookalikes. */
#include <string.h>
#include "model/jid.h"

static void expect_prepared(const char *in, const char *out)
{
    g_autoptr(GError) error = NULL;
    g_test_message("%s", in);
    g_autofree char *jid = jid_prepare(in, &error);
    g_assert_cmpstr(jid, ==, out);
    if (!out) {
        g_assert_error(error, JID_ERROR, JID_ERROR_MALFORMED);
        g_assert_true(g_str_has_suffix(error->message, "."));
        return;
    }
    g_assert_no_error(error);
    g_assert_true(jid_is_valid(jid));
    g_autofree char *again = jid_prepare(jid, NULL);
    g_assert_cmpstr(again, ==, out);
}

/* RFC 7622 s. 3.5, tables 1 and 2 */
static void test_rfc7622(void)
{
    static const char *const good[] = { "juliet@example.com",
        "juliet@example.com/foo", "juliet@example.com/foo bar",
        "juliet@example.com/foo@bar", "foo\\20bar@example.com",
        "fussball@example.com", "fußball@example.com", "π@example.com",
        "σ@example.com/foo", "ς@example.com/foo", "king@example.com/♚",
        "example.com", "example.com/foobar", "a.example.com/b@example.net" };
    static const char *const bad[] = { "\"juliet\"@example.com",
        "foo bar@example.com", "juliet@example.com/ foo", "@example.com/",
        "henryⅣ@example.com", "♚@example.com", "juliet@", "/foobar" };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        expect_prepared(good[i], good[i]);
    expect_prepared("Σ@example.com/foo", "σ@example.com/foo");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        expect_prepared(bad[i], NULL);
    g_assert_cmpstr(jid_resource("juliet@example.com/foo@bar"), ==, "foo@bar");
    g_autofree char *domain = jid_domain("a.example.com/b@example.net");
    g_assert_cmpstr(domain, ==, "a.example.com");
}

static void test_h50(void)
{
    static const char *const bad[] = { "", " ", "@v", "a@", "a@b@c/d@e", "/",
        "a@/", "a@b/", "@", "@/", "a b@v", "a@b c", "a@v/x\ny", "a@v/\x7f",
        "a@v/\xc2\x85", "a\u202e@v", "a@v..tld", "a@.tld", "a@.", "a@v.tld..",
        "a@-v", "a@v-", "a@a_b.c", "a@v:5222", "a@[::1", "a@[v]", "a@[]",
        "a&b@v", "a'b@v", "a:b@v", "a<b@v", "a>b@v", "a\x01@v", "\xff@v",
        "a@\xff", "a@v/\xff", "\u212b@v", "a\uff20b@c\uff20d", "a\uff0fb@c" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        expect_prepared(bad[i], NULL);
    expect_prepared("A@V", "a@v");
    expect_prepared("a@V.tld.", "a@v.tld");
    expect_prepared("  a@v\n", "a@v");
    expect_prepared(" a@v/r ", "a@v/r ");
    expect_prepared("a@v/r/s", "a@v/r/s");
    expect_prepared("a@v/r\u00a0s\u3000t", "a@v/r s t");
    expect_prepared("a@v/\u212b", "a@v/Å");
    expect_prepared("e\u0301@v", "é@v");
    expect_prepared("İ@v", "i\u0307@v");
    expect_prepared("ＡＢ１@ｅ．com", "ab1@e.com");
    expect_prepared("ﾃｽﾄ@v", "テスト@v");
}

static void test_lengths(void)
{
    g_autofree char *fits = g_strnfill(1023, 'a');
    g_autofree char *over = g_strnfill(1024, 'a');
    g_autofree char *a = g_strconcat(fits, "@v/", fits, NULL);
    g_autofree char *b = g_strconcat(over, "@v", NULL);
    g_autofree char *c = g_strconcat("a@v/", over, NULL);
    g_autofree char *d = g_strconcat("a@", over, NULL);
    expect_prepared(a, a);
    expect_prepared(b, NULL);
    expect_prepared(c, NULL);
    expect_prepared(d, NULL);
    g_assert_true(jid_is_valid(a));
    g_assert_false(jid_is_valid(b));
    g_assert_false(jid_is_valid(c));
    g_assert_false(jid_is_valid(d));
    /* bytes count, not characters: 512 of two bytes */
    g_autoptr(GString) wide = g_string_new("a@v/");
    for (int i = 0; i < 512; i++)
        g_string_append(wide, "é");
    expect_prepared(wide->str, NULL);
    /* labels */
    g_autofree char *label = g_strnfill(63, 'l');
    g_autofree char *e = g_strconcat("a@", label, ".x", NULL);
    g_autofree char *f = g_strconcat("a@", label, "l.x", NULL);
    g_autofree char *g =
        g_strdup_printf("%s.%s.%s.%s", label, label, label, label);
    expect_prepared(e, e);
    expect_prepared(f, NULL);
    expect_prepared(g, NULL); /* 255 */
}

static void expect_domain(const char *in, const char *out, const char *ascii)
{
    expect_prepared(in, out);
    g_autofree char *got = jid_domain_ascii(out);
    g_assert_cmpstr(got, ==, ascii);
}

static void test_idna(void)
{
    expect_domain("München.DE", "münchen.de", "xn--mnchen-3ya.de");
    expect_domain("mu\u0308nchen.de", "münchen.de", "xn--mnchen-3ya.de");
    expect_domain("xn--mnchen-3ya.de", "münchen.de", "xn--mnchen-3ya.de");
    expect_domain("XN--MNCHEN-3YA.de", "münchen.de", "xn--mnchen-3ya.de");
    expect_domain("straße.de", "straße.de", "xn--strae-oqa.de");
    expect_domain("例え。テスト", "例え.テスト", "xn--r8jz45g.xn--zckzah");
    expect_domain("xn--mnchen-3ya.münchen", "münchen.münchen",
        "xn--mnchen-3ya.xn--mnchen-3ya");
    expect_domain("127.0.0.1", "127.0.0.1", "127.0.0.1");
    expect_domain("[2001:DB8:0::1]", "[2001:db8::1]", "[2001:db8::1]");
    static const char *const bad[] = { "☃.net", "ü..x", "ü_b", "a_b.ü", "ü b",
        "xn--", "xn--zzzz", "xn--a", "xn--abc-.de", "ab.xn--ls8h", "\u0301a.de",
        "א0a.de", "ü.-a", "ⅷ.de", "a\u200db.de", "ex\u00adample.ü" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        expect_prepared(bad[i], NULL);
    g_assert_null(jid_domain_ascii("☃.net"));
    g_assert_null(jid_domain_ascii(""));
    g_assert_null(jid_domain_ascii("a b"));
    g_assert_null(jid_domain_ascii("\xff"));
    g_autofree char *dot = jid_domain_ascii("V.tld.");
    g_assert_cmpstr(dot, ==, "v.tld");
}

/* RFC 5892 appendix A and RFC 5893 */
static void test_context(void)
{
    static const char *const good[] = { "l·l", "αʹβ͵γ", "א׳ב", "א״", "カ・タ",
        "漢・字", "ا٠١", "ا۰۱", "می‌خواهم", "क्‍ष",
        "क्‌ष", "ب‌ب", "אב1", "اب1", "a1", "ab\u0300", "ß", "ς",
        "〇" };
    static const char *const bad[] = { "a·b", "l·", "͵a", "׳", "a׳", "a・b",
        "ا٠۱", "a‌b", "क‍ष", "\u200d", "ا‌ب", "אa", "aא", "1א",
        "א-", "ا1٢", "\u0640a", "〱", "ᄀ", "ⅷ", "①", "ﬁ", "a\u00adb",
        "a\ufe0f", "\ue000", "\u0378" };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        /* ʹ (U+02B9) is what NFC makes of U+0374 */
        g_autofree char *name = precis_username(good[i], &error);
        g_test_message("%s: %s", good[i], error ? error->message : "ok");
        g_assert_cmpstr(name, ==, good[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("%s", bad[i]);
        g_assert_null(precis_username(bad[i], NULL));
    }
}

static void test_opaque(void)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "correct horse battery staple", "correct horse battery staple" },
        { "Correct Horse", "Correct Horse" },
        { "πßå", "πßå" },
        { "Jack of ♦s", "Jack of ♦s" },
        { "foo\u1680bar", "foo bar" },
        { "", NULL },
        { "my cat is a \tby", NULL },
        { "\U0001F600", "\U0001F600" },
        { "ﬁ①Ⅷ", "ﬁ①Ⅷ" },
        { "a\u200bb", NULL },
        { "a\ufffeb", NULL },
        { "\xff", NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *out = precis_opaque(rows[i].in, &error);
        g_assert_cmpstr(out, ==, rows[i].out);
        g_assert_true((out == NULL) == (error != NULL));
    }
}

static void test_valid(void)
{
    static const char *const good[] = { "v", "a@v", "a@v/r", "a@v/r/@s",
        "strasse@v", "ﬁ@☃", "a_b@a_b.c", "a@v.", "v/\u202e", "a@[::1]",
        "a@v/ r", "A@V" };
    static const char *const bad[] = { "", "@v", "a@", "a@v/", "/r", "a@b@c",
        "a b@v", "a@b c", "a\tb@v", "a@v/\n", "a@v/\x7f", "a@v/\xc2\x85",
        "\xff@v", "a@v/\xc0\xaf", "\"@v", "&@v", "'@v", ":@v", "<@v", ">@v",
        "a@v\x01", "a@v!", "a@v/é\x01" };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_test_message("%s", good[i]);
        g_assert_true(jid_is_valid(good[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("%s", bad[i]);
        g_assert_false(jid_is_valid(bad[i]));
    }
    g_assert_false(jid_is_valid(NULL));
}

static void test_parts(void)
{
    static const struct {
        const char *jid, *bare, *local, *domain, *resource;
    } rows[] = {
        { "a@b/c", "a@b", "a", "b", "c" },
        { "a@b", "a@b", "a", "b", NULL },
        { "b/c@d/e", "b", NULL, "b", "c@d/e" },
        { "b", "b", NULL, "b", NULL },
        { "a@b/", "a@b", "a", "b", "" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *jid = rows[i].jid;
        g_autofree char *bare = jid_bare(jid);
        g_autofree char *local = jid_local(jid);
        g_autofree char *domain = jid_domain(jid);
        g_autofree char *whole = jid_new(local, domain, jid_resource(jid));
        g_assert_cmpstr(bare, ==, rows[i].bare);
        g_assert_cmpstr(local, ==, rows[i].local);
        g_assert_cmpstr(domain, ==, rows[i].domain);
        g_assert_cmpstr(jid_resource(jid), ==, rows[i].resource);
        g_assert_cmpstr(whole, ==, jid);
        g_assert_cmpint(jid_is_bare(jid), ==, rows[i].resource == NULL);
        g_assert_true(jid_bare_equal(jid, bare));
    }
    g_assert_false(jid_bare_equal("a@b", "a@bc"));
    g_assert_false(jid_bare_equal("a@b", NULL));
    g_assert_false(jid_bare_equal(NULL, NULL));
}

static void test_h26(void)
{
    static const char *const same[] = { "me@v.tld", "ME@V.TLD", "me@v.tld.",
        "ｍｅ@v。tld" };
    static const char *const other[] = { "mal@v.tld", "v.tld", "me@v.tld/other",
        "me@v.tld.evil", "mе@v.tld", " me@v.tld", "xmpp:me@v.tld", "me@v.tld/",
        "", "me%40v.tld" };
    for (size_t i = 0; i < G_N_ELEMENTS(same); i++)
        g_assert_true(jid_equal_prepared(same[i], "me@v.tld"));
    for (size_t i = 0; i < G_N_ELEMENTS(other); i++)
        g_assert_false(jid_equal_prepared(other[i], "me@v.tld"));
    g_assert_false(jid_equal_prepared("a@v/R", "a@v/r"));
    g_assert_false(jid_equal_prepared(NULL, "a@v"));
    g_assert_false(jid_equal_prepared(NULL, NULL));
    g_assert_true(jid_equal_prepared("ﬁ@v", "ﬁ@v"));
}

static void test_h47_uri(void)
{
    char *jid, *query;
    GHashTable *params;
    expect_prepared("xmpp:juliet@example.com", "juliet@example.com");
    expect_prepared("XMPP:Juliet@Example.com/Balcony?message",
        "juliet@example.com/Balcony");
    expect_prepared("xmpp:a@b#fragment?x", "a@b");
    expect_prepared("xmpp://guest@example.com/support@example.com?message",
        "support@example.com");
    /* RFC 5122 s. 2.7.2 */
    expect_prepared("xmpp:nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D"
                    "~node@example.com",
        "nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com");
    expect_prepared("xmpp:node@example.com/repulsive%20!%23%22$%25&'()*+,-.%2F:"
                    ";%3C=%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~resource",
        "node@example.com/repulsive !#\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
        "resource");
    expect_prepared("xmpp:ji%C5%99i@%C4%8Dechy.example/v%20Praze",
        "jiři@čechy.example/v Praze");
    static const char *const bad[] = { "xmpp:", "xmpp:?message", "xmpp://a@b",
        "xmpp:a%2Fb@c", "xmpp:a%40b@c", "xmpp:a%00@c", "xmpp:a@c/%0a",
        "xmpp:%FF@c", "xmpp:a%@c", "xmpp:a%4@c", "xmpp:a%zz@c",
        "xmpp:xmpp:a@b" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        expect_prepared(bad[i], NULL);
        g_assert_false(jid_uri_parse(bad[i], &jid, &query, &params));
    }
    g_assert_false(jid_uri_parse("a@b", &jid, &query, &params));
    g_assert_false(jid_uri_parse(NULL, &jid, &query, &params));

    g_assert_true(jid_uri_parse(
        "xmpp:Bob@b.tld?message;subject=A%20B;body=x%3By;body=z;k;=v;u=%FF#f",
        &jid, &query, &params));
    g_assert_cmpstr(jid, ==, "bob@b.tld");
    g_assert_cmpstr(query, ==, "message");
    g_assert_cmpuint(g_hash_table_size(params), ==, 3);
    g_assert_cmpstr(g_hash_table_lookup(params, "subject"), ==, "A B");
    g_assert_cmpstr(g_hash_table_lookup(params, "body"), ==, "x;y");
    g_assert_cmpstr(g_hash_table_lookup(params, "k"), ==, "");
    g_free(jid);
    g_free(query);
    g_hash_table_unref(params);

    g_assert_true(jid_uri_parse("xmpp:a@b?", &jid, &query, &params));
    g_assert_null(query);
    g_assert_cmpuint(g_hash_table_size(params), ==, 0);
    g_free(jid);
    g_hash_table_unref(params);
    g_assert_true(jid_uri_parse("xmpp:a@b", NULL, NULL, NULL));
}

static void expect_odd(
    const char *jid, const char *const *others, const char *word)
{
    g_autofree char *why = jid_lookalike(jid, others);
    g_test_message("%s: %s", jid, why ? why : "(fine)");
    g_assert_true((why != NULL) == (word != NULL));
    if (word)
        g_assert_nonnull(strstr(why, word));
}

static void test_h54(void)
{
    static const char *const known[] = { "bob@b.tld", "bank@x.tld",
        "paypal@x.tld", "admin@modern.tld/desk", "жора@почта.рф", NULL };
    static const char *const fine[] = { "bob@b.tld", "bob@b.tld/phone",
        "rob@b.tld", "жора@почта.рф", "東京タワー@例え.テスト",
        "kanji漢字@b.tld", "juliet@münchen.de", "νίκος@b.tld", "user1@b.tld" };
    for (size_t i = 0; i < G_N_ELEMENTS(fine); i++)
        expect_odd(fine[i], known, NULL);
    expect_odd("b\u043eb@b.tld", known, "Latin and Cyrillic");
    expect_odd("bob@b\u03bfb.tld", known, "Latin and Greek");
    expect_odd("b0b@b.tld", known, "bob@b.tld");
    expect_odd("bob@b.tId", NULL, NULL);
    expect_odd("\u0440\u0430\u0443\u0440\u0430\u04cf@x.tld", known, "paypal");
    expect_odd("admin@modem.tld", known, "admin@modern.tld");
    expect_odd("bob@b.tld.evil", known, "only begins like bob@b.tld");
    expect_odd("a@xn--mnchen-3ya.de", known, "encoded");
    expect_odd("a@b.xn--mnchen-3ya", NULL, "encoded");
    expect_odd("r@muc.tld/bob@b.tld", known, "written like an address");
    expect_odd("\xff", known, "not valid");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/jid/rfc7622", test_rfc7622);
    g_test_add_func("/jid/H50-malformed", test_h50);
    g_test_add_func("/jid/C60-lengths", test_lengths);
    g_test_add_func("/jid/C61-idna", test_idna);
    g_test_add_func("/jid/context", test_context);
    g_test_add_func("/jid/opaque", test_opaque);
    g_test_add_func("/jid/valid", test_valid);
    g_test_add_func("/jid/parts", test_parts);
    g_test_add_func("/jid/H26-equal", test_h26);
    g_test_add_func("/jid/H47-uri", test_h47_uri);
    g_test_add_func("/jid/H54-lookalike", test_h54);
    return g_test_run();
}
