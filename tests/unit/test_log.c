/* The debug log: nothing secret in it, one line an entry (H55, H62). */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include "base/log.h"

#define R "[redacted]"

static const struct {
    const char *in, *out;
} rows[] = {
    { "", "" },
    { "plain text", "plain text" },
    { "<message><body>hi</body></message>",
        "<message><body>hi</body></message>" },
    { "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
      "mechanism='PLAIN'>S3CRET</auth>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" R
        "</auth>" },
    { "<sasl:auth a='>'>S3CRET</sasl:auth><b>x</b>",
        "<sasl:auth a='>'>" R "</sasl:auth><b>x</b>" },
    { "<response>S3CRET</response>", "<response>" R "</response>" },
    { "<challenge>S3CRET</challenge>", "<challenge>" R "</challenge>" },
    { "<success>S3CRET</success>", "<success>" R "</success>" },
    { "<success/><b>x</b>", "<success/><b>x</b>" },
    { "<success />x", "<success />x" },
    { "<authenticate mechanism='PLAIN'><initial-response>S3CRET"
      "</initial-response><user-agent id='u'><software>t</software>"
      "</user-agent></authenticate>",
        "<authenticate mechanism='PLAIN'><initial-response>" R
        "</initial-response><user-agent id='u'><software>t</software>"
        "</user-agent></authenticate>" },
    { "<success><additional-data>S3CRET</additional-data><token "
      "xmlns='urn:xmpp:fast:0' expiry='e' token='S3CRET'/></success>",
        "<success><additional-data>" R
        "</additional-data><token xmlns='urn:xmpp:fast:0' expiry='e' "
        "token='" R "'/></success>" },
    { "<token token = \"S3CRET\" x='y'/>", "<token token = \"" R "\" x='y'/>" },
    { "<iq><query xmlns='jabber:iq:register'><username>u</username>"
      "<password>S3CRET</password></query></iq>",
        "<iq><query xmlns='jabber:iq:register'><username>u</username>"
        "<password>" R "</password></query></iq>" },
    { "<query xmlns='jabber:iq:auth'><digest>S3CRET</digest></query>",
        "<query xmlns='jabber:iq:auth'><digest>" R "</digest></query>" },
    { "<field var='muc#roomconfig_roomsecret'><value>S3CRET</value></field>"
      "<field var='x'><value>v</value></field>",
        "<field var='muc#roomconfig_roomsecret'><value>" R
        "</value></field><field var='x'><value>v</value></field>" },
    { "<field type='text-private' var='x'><required/><value>S3CRET</value>"
      "<value>S3CRET</value></field>y",
        "<field type='text-private' var='x'><required/><value>" R
        "</value><value></value></field>y" },
    { "<header name='Authorization'>S3CRET</header>",
        "<header name='Authorization'>" R "</header>" },
    { "<header name='Expires'>x</header>",
        "<header name='Expires'>x</header>" },
    { "<service username='u' password='S3CRET'/>",
        "<service username='u' password='" R "'/>" },
    { "<x><password><b><c>S3CRET</c>S3CRET</b></password>y</x>",
        "<x><password><b><c>" R "</c></b></password>y</x>" },
    { "<password>\n</password>", "<password></password>" },
    { "<password><![CDATA[S3CRET</password>]]></password>y",
        "<password>" R "</password>y" },
    { "<![CDATA[<password>]]>y", "<![CDATA[<password>]]>y" },
    { "<password><!-- S3CRET --></password>", "<password>" R "</password>" },
    { "<PASSWORD>S3CRET</PASSWORD>", "<PASSWORD>" R "</PASSWORD>" },
    /* cut off anywhere */
    { "<auth>S3CR", "<auth>" R },
    { "<auth><x>S3CRET</x", "<auth><x>" R "</x" },
    { "<token token='S3CR", "<token token='" R },
    { "<token token=", "<token token=" },
    { "<token token", "<token token" },
    { "<", "<" },
    { "</", "</" },
    { "<a b", "<a b" },
    { "<a 'x' y>z", "<a 'x' y>z" },
};

static void test_h62_redact(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *out = log_redact(rows[i].in, -1);
        g_assert_cmpstr(out, ==, rows[i].out);
        g_autofree char *again = log_redact(out, -1);
        g_assert_cmpstr(again, ==, out);
    }
}

/* However a stanza is cut, the secret does not show. */
static void test_h62_truncated(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (gssize n = strlen(rows[i].in); n >= 0; n--) {
            g_autofree char *out = log_redact(rows[i].in, n);
            g_assert_null(strstr(out, "S3C"));
        }
}

static char *log_path(void)
{
    g_autofree char *name =
        g_strdup_printf("test-log-%d-%u", (int)getpid(), g_random_int());
    return g_build_filename(g_get_tmp_dir(), name, NULL);
}

static void test_file(void)
{
    g_autofree char *path = log_path();
    g_assert_false(log_enabled());
    log_line("net", "lost %d", 1);
    g_assert_true(log_open(path, NULL));
    g_assert_true(log_enabled());
    log_line("net", "%s: %d", "dial", 7);
    log_xml("me@v.tld", true, "<auth>S3CRET</auth>", -1);
    log_xml(
        "me@v.tld", false, "<b>x\n12:00 forged \x1b[2J\u202e\xc2\x9b</b>", -1);
    log_xml(NULL, false, "<a/><b/>", 4);
    log_close();
    log_close();
    log_line("net", "lost");
    g_assert_false(log_enabled());

    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 5);
    g_assert_true(g_str_has_suffix(lines[0], "Z net: dial: 7"));
    g_assert_true(
        g_str_has_suffix(lines[1], "Z me@v.tld > <auth>" R "</auth>"));
    g_assert_true(g_str_has_suffix(
        lines[2], "Z me@v.tld < <b>x\\n12:00 forged \\x1B[2J\uFFFD\uFFFD</b>"));
    g_assert_true(g_str_has_suffix(lines[3], "Z - < <a/>"));
    g_assert_cmpstr(lines[4], ==, "");
    g_assert_null(strstr(text, "S3C"));
    g_unlink(path);
}

static void test_open_fails(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(log_open("/nowhere/at/all", &error));
    g_assert_nonnull(error);
    g_assert_false(log_enabled());
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/H62-redact", test_h62_redact);
    g_test_add_func("/log/H62-truncated", test_h62_truncated);
    g_test_add_func("/log/H55-file", test_file);
    g_test_add_func("/log/open-fails", test_open_fails);
    return g_test_run();
}
