/* Links in text: where they end, and which may be opened. */
#include "config.h"
#include "app/transfer.h"
#include "base/url.h"
#include <string.h>

static char *found(const char *text)
{
    GString *out = g_string_new(NULL);
    const char *at = text, *end = text + strlen(text), *start;
    gsize len;
    while (url_next(&at, end, &start, &len))
        g_string_append_printf(out, "%s%.*s", out->len ? "|" : "", (int)len, start);
    return g_string_free(out, FALSE);
}

static void test_find(void)
{
    static const struct {
        const char *text, *links;
    } rows[] = {
        { "", "" }, { "no link", "" }, { "http://", "" }, { "https://)", "" },
        { "see https://a.tld/x.", "https://a.tld/x" },
        { "(https://a.tld/x_(y))!", "https://a.tld/x_(y)" },
        { "<https://a.tld/>,\"http://b.tld\"", "https://a.tld/|http://b.tld" },
        { "HTTPS://A.tld/?q=1&r=$(id)", "HTTPS://A.tld/?q=1&r=$(id)" },
        { "xhttps://a.tld", "" }, { "https://a.tld\nhttp://b.tld", "https://a.tld|http://b.tld" },
        { "mailto:a@b.tld xmpp:a@b.tld?join", "mailto:a@b.tld|xmpp:a@b.tld?join" },
        { "file:///etc/passwd javascript:alert(1)", "" }, { "*https://a.tld/*", "https://a.tld/" },
        { "https:// https://a.tld", "https://a.tld" }, { "https://https://a", "https://https://a" },
        { "http://ü.tld/ä", "http://ü.tld/ä" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *links = found(rows[i].text);
        g_assert_cmpstr(links, ==, rows[i].links);
    }
    g_autofree char *many = g_strnfill(1 << 20, ')');
    memcpy(many, "http://", 7);
    g_autofree char *none = found(many);
    g_assert_cmpstr(none, ==, "");
}

static void test_safe(void)
{
    static const char *const good[] = { "https://x/$(id)", "http://x/`id`;rm", "mailto:a@b.tld",
        "xmpp:a@b.tld", "https://bücher.tld/" };
    static const char *const bad[] = { "", "-oProxy", "file:///etc/passwd", "javascript:1",
        "https://x/\ny", "https://x y", "https://x/\342\200\256exe", "https://x/\x1b[m",
        "https://x/\xff", "ftp://x/", " https://x/", "https://" };
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(url_is_safe(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(url_is_safe(bad[i]));
    g_autofree char *tail = g_strnfill(1 << 20, 'a');
    g_autofree char *huge = g_strconcat("https://", tail, NULL);
    g_assert_false(url_is_safe(huge));
}

/* What a file is called that came from a link. */
static void test_names(void)
{
    static const struct {
        const char *url, *name;
    } rows[] = { { "https://x/a/photo.png?x=1#y", "photo.png" },
        { "https://x/../../.ssh/authorized_keys", "authorized_keys" },
        { "https://x/..%2F..%2F.ssh%2Fauthorized_keys", "_.._.ssh_authorized_keys" },
        { "https://x/.bashrc", "bashrc" }, { "https://x/%2e%2E", "download" },
        { "https://x/a%00b", "a_b" }, { "https://x/", "download" }, { "https://x", "download" },
        { "https://x/-rf", "rf" }, { "https://x/a%2Fb%5Cc", "a_b_c" }, { "https://x/a%", "a%" },
        { "https://x/e%CC%81.txt", "\303\251.txt" }, { "https://x/a%0Ab", "a\357\277\275b" },
        { "https://x/\377", "\357\277\275" } };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = transfer_name(rows[i].url);
        g_assert_cmpstr(name, ==, rows[i].name);
    }
    g_autofree char *bidi = transfer_name("https://x/\342\200\256gnp.exe");
    g_assert_null(strstr(bidi, "\342\200\256"));
    g_autofree char *many = g_strnfill(3000, 'a');
    g_autofree char *url = g_strconcat("https://x/", many, "\303\251.tar.gz", NULL);
    g_autofree char *cut = transfer_name(url);
    g_assert_cmpuint(strlen(cut), <=, 200);
    g_assert_true(g_str_has_suffix(cut, "a.gz"));
    g_assert_true(g_utf8_validate(cut, -1, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/url/find", test_find);
    g_test_add_func("/url/H56-safe", test_safe);
    g_test_add_func("/url/H57-names", test_names);
    return g_test_run();
}
