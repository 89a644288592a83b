/* libstrophe on top of the socket pair: nothing waits, nothing is lost,
 * nothing comes in another order, whatever is sent and how much of it. */
#include "config.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>
#include <glib.h>
#include "net/link.h"

#define HEADER                                                                 \
    "<stream:stream xmlns='jabber:client' "                                    \
    "xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>"

struct peer {
    struct link *link;
    GString *output;
    GPtrArray *ids;
    char *last_text;
    guint opened, headers, closed, faults;
    guint replies; /* sent from inside the stanza handler */
    bool reopen, free_link;
    bool keep; /* the first stanza outlives its handler (P19) */
    xmpp_stanza_t *kept;
};

static void on_opened(gpointer data)
{
    struct peer *p = data;
    p->opened++;
    link_open_stream(p->link, "v.tld", NULL, NULL);
}

static void on_header(gpointer data)
{
    ((struct peer *)data)->headers++;
}

static void on_stanza(xmpp_stanza_t *stanza, gpointer data)
{
    struct peer *p = data;
    g_assert_true(link_is_running());
    const char *id = xmpp_stanza_get_id(stanza);
    g_ptr_array_add(p->ids, g_strdup(id ? id : "-"));
    char *text = NULL;
    size_t len;
    g_assert_cmpint(xmpp_stanza_to_text(stanza, &text, &len), ==, 0);
    g_free(p->last_text);
    p->last_text = g_strdup(text);
    xmpp_free(link_context(), text);
    for (guint i = 0; i < p->replies; i++) {
        g_autofree char *xml = g_strdup_printf("<r n='%u'/>", i);
        link_send_raw(p->link, xml, strlen(xml));
    }
    if (p->keep && !p->kept)
        p->kept = xmpp_stanza_clone(stanza);
    if (p->reopen)
        link_open_stream(p->link, "v.tld", "me@v.tld", "en");
    if (p->free_link)
        link_free(p->link);
}

static void on_output(const char *bytes, size_t len, gpointer data)
{
    g_string_append_len(((struct peer *)data)->output, bytes, len);
}

static void on_closed(gpointer data)
{
    struct peer *p = data;
    g_assert_false(link_is_open(p->link));
    p->closed++;
}

static void on_fault(const char *sentence, gpointer data)
{
    g_test_message("%s", sentence);
    ((struct peer *)data)->faults++;
}

static const struct link_callbacks callbacks = {
    .opened = on_opened,
    .header = on_header,
    .stanza = on_stanza,
    .output = on_output,
    .closed = on_closed,
    .fault = on_fault,
};

static struct peer *peer_new(void)
{
    struct peer *p = g_new0(struct peer, 1);
    p->output = g_string_new(NULL);
    p->ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    p->link = link_new(&callbacks, p, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(p->opened, ==, 0); /* not before the first pump */
    link_pump(p->link);
    g_assert_cmpuint(p->opened, ==, 1);
    g_assert_nonnull(strstr(p->output->str, "to=\"v.tld\""));
    g_string_truncate(p->output, 0);
    return p;
}

static void peer_free(struct peer *p)
{
    if (!p->free_link)
        link_free(p->link);
    g_string_free(p->output, TRUE);
    g_ptr_array_free(p->ids, TRUE);
    g_free(p->last_text);
    g_free(p);
}
AUTO_STRUCT_FREE(peer, peer_free)

static void feed(struct peer *p, const char *xml)
{
    link_feed(p->link, xml, strlen(xml));
}

static struct peer *peer_open(void)
{
    struct peer *p = peer_new();
    feed(p, HEADER);
    g_assert_cmpuint(p->headers, ==, 1);
    return p;
}

static void test_self(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(link_self_test(&error));
    g_assert_no_error(error);
    g_assert_true(link_self_test(&error)); /* leaves nothing behind */
}

static void test_escaped_header(void) /* P8 */
{
    auto_struct(peer) p = peer_open();
    g_assert_null(strstr(p->output->str, "from="));
    link_open_stream(p->link, "a'\"<&>b", "me'@v.tld", "d'e");
    link_pump(p->link);
    g_assert_nonnull(strstr(p->output->str, "&lt;&amp;&gt;b"));
    g_assert_nonnull(strstr(p->output->str, "from=\"me&apos;@v.tld\""));
    g_assert_nonnull(strstr(p->output->str, "xml:lang=\"d&apos;e\""));
}

/* Whatever is fed has been dispatched when link_feed returns: the reparse
 * deferral of expat must not hold anything back. */
static void test_lock_step(void)
{
    static const guint lengths[] = { 0, 1, 100, 4000, 4050, 4060, 4070, 4080,
        4090, 4095, 4096, 4097, 4100, 4200, 8191, 8192, 9000, 12288, 20000,
        40000, 100000 };
    auto_struct(peer) p = peer_open();
    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++)
        for (guint shape = 0; shape < 6; shape++) {
            g_autofree char *fill = g_strnfill(lengths[i], 'v');
            static const char *const shapes[] = {
                "<message id='m' a='%s'/>",
                "<message id='m' a='&amp;%s&lt;'><body>x</body></message>",
                "<message id='m'><body>%s</body></message>",
                "<message id='m'><body>text<a v='%s'/>text</body></message>",
                "<message id='m'><body>%s&amp;<a/>&lt;&lt;</body></message>",
                "<message id='m'><body>\xc3\xa4%s\xc3\xa4</body><x/></message>",
            };
            GString *xml = g_string_new(shapes[shape]);
            g_string_replace(xml, "%s", fill, 1);
            guint before = p->ids->len;
            feed(p, xml->str);
            g_assert_cmpuint(p->ids->len, ==, before + 1);
            g_assert_nonnull(strstr(p->last_text, fill));
            g_string_free(xml, TRUE);
        }
    for (guint i = 0; i < 300; i++) {
        g_autofree char *fill =
            g_strnfill(g_test_rand_int_range(0, 20000), 'v');
        g_autofree char *xml = g_strdup_printf(
            "<message id='m' a='%s'><body>%s &gt;<b c='%s'/></body></message>"
            "<presence id='p'/>",
            i % 3 ? "" : fill, i % 2 ? "" : fill, fill);
        guint before = p->ids->len;
        feed(p, xml);
        g_assert_cmpuint(p->ids->len, ==, before + 2);
        g_assert_cmpstr(p->ids->pdata[before + 1], ==, "p");
    }
    g_assert_cmpuint(p->faults, ==, 0);
}

static void test_many_in_one(void)
{
    auto_struct(peer) p = peer_open();
    GString *xml = g_string_new(NULL);
    for (guint i = 0; i < 5000; i++)
        g_string_append_printf(xml,
            "<message id='%u'><body>A message, one of many.</body></message>",
            i);
    feed(p, xml->str);
    g_string_free(xml, TRUE);
    g_assert_cmpuint(p->ids->len, ==, 5000);
    for (guint i = 0; i < 5000; i++)
        g_assert_cmpuint(g_ascii_strtoull(p->ids->pdata[i], NULL, 10), ==, i);
}

static void test_order(void) /* P7 */
{
    auto_struct(peer) p = peer_open();
    GString *expected = g_string_new(NULL);
    for (guint i = 0; i < 20; i++) {
        g_autofree char *name = g_strdup_printf("s%u", i);
        if (i % 2) {
            xmpp_stanza_t *stanza = xmpp_stanza_new(link_context());
            xmpp_stanza_set_name(stanza, name);
            link_send(p->link, stanza);
            xmpp_stanza_release(stanza);
        } else {
            g_autofree char *xml = g_strdup_printf("<%s/>", name);
            link_send_raw(p->link, xml, strlen(xml));
        }
        g_string_append_printf(expected, "<%s/>", name);
    }
    g_assert_cmpuint(p->output->len, ==, 0);
    g_assert_cmpuint(link_unsent_bytes(p->link), ==, expected->len);
    link_pump(p->link);
    g_assert_cmpstr(p->output->str, ==, expected->str);
    g_assert_cmpuint(link_unsent_bytes(p->link), ==, 0);
    g_string_free(expected, TRUE);
}

static void test_many_sends(void) /* P4, P5 */
{
    auto_struct(peer) p = peer_open();
    p->replies = 2000;
    feed(p, "<message id='1'/>");
    guint n = 0;
    for (const char *s = p->output->str; (s = strstr(s, "<r n='")); s++)
        g_assert_cmpuint(
            g_ascii_strtoull(s + strlen("<r n='"), NULL, 10), ==, n++);
    g_assert_cmpuint(n, ==, 2000);
    g_assert_cmpuint(link_unsent_bytes(p->link), ==, 0);
    /* The same from outside, with stanzas that fill the socket. */
    g_string_truncate(p->output, 0);
    g_autofree char *large = g_strnfill(20000, 'x');
    for (guint i = 0; i < 200; i++)
        link_send_raw(p->link, large, 20000);
    link_pump(p->link);
    g_assert_cmpuint(p->output->len, ==, 200 * 20000);
}

static void test_hold(void)
{
    auto_struct(peer) p = peer_open();
    link_hold(p->link, true);
    for (guint i = 0; i < 100; i++)
        link_send_raw(p->link, "<r/>", 4);
    link_pump(p->link);
    feed(p, "<message id='1'/>");
    g_assert_cmpuint(p->ids->len, ==, 1); /* input goes on */
    g_assert_cmpuint(p->output->len, ==, 0);
    g_assert_cmpuint(link_unsent_bytes(p->link), ==, 400);
    link_hold(p->link, false);
    link_pump(p->link);
    g_assert_cmpuint(p->output->len, ==, 400);
    g_assert_cmpuint(link_unsent_bytes(p->link), ==, 0);
}

static void test_reopen(void) /* P9: every header tells */
{
    auto_struct(peer) p = peer_open();
    p->reopen = true;
    feed(p, "<success id='1' xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    g_assert_nonnull(strstr(p->output->str, "<stream:stream"));
    p->reopen = false;
    feed(p, HEADER);
    g_assert_cmpuint(p->headers, ==, 2);
    feed(p, "<message id='2'/>");
    g_assert_cmpuint(p->ids->len, ==, 2);
}

static void test_stream_end(void) /* P11 */
{
    auto_struct(peer) p = peer_open();
    p->replies = 3;
    feed(p, "<message id='1'/></stream:stream>");
    g_assert_cmpuint(p->closed, ==, 1);
    g_assert_cmpuint(p->ids->len, ==, 1);
    g_assert_false(link_is_open(p->link));
    /* Nothing more, and no harm. */
    feed(p, "<message id='2'/>");
    link_send_raw(p->link, "<r/>", 4);
    link_open_stream(p->link, "v.tld", NULL, NULL);
    link_pump(p->link);
    g_assert_cmpuint(p->closed, ==, 1);
    g_assert_cmpuint(p->ids->len, ==, 1);
    g_assert_cmpuint(p->faults, ==, 0);

    /* What was sent before comes out before. */
    auto_struct(peer) q = peer_open();
    link_send_raw(q->link, "<presence/>", 11);
    link_send_raw(q->link, "</stream:stream>", 16);
    link_pump(q->link);
    feed(q, "</stream:stream>");
    g_assert_cmpstr(q->output->str, ==, "<presence/></stream:stream>");
    g_assert_cmpuint(q->closed, ==, 1);
}

static void test_fault(void) /* P12 */
{
    auto_struct(peer) p = peer_open();
    feed(p, "<message></oops>");
    link_pump(p->link);
    feed(p, "<message/>");
    g_assert_cmpuint(p->faults, ==, 1);
    g_assert_cmpuint(p->ids->len, ==, 0);
}

static void test_two(void)
{
    auto_struct(peer) p = peer_open();
    auto_struct(peer) q = peer_open();
    link_send_raw(q->link, "<q/>", 4);
    feed(p, "<message id='p'/>");
    g_assert_cmpuint(q->ids->len, ==, 0);
    feed(q, "<message id='q'/>");
    g_assert_cmpstr(q->output->str, ==, "<q/>");
    g_assert_cmpstr(q->ids->pdata[0], ==, "q");
    g_assert_cmpstr(p->ids->pdata[0], ==, "p");
}

static void test_kept(void)
{
    struct peer *p = peer_open();
    p->keep = true;
    feed(p, "<message id='1'><body>kept</body></message>");
    feed(p, "<message id='2'><body>over</body></message>");
    xmpp_stanza_t *kept = p->kept;
    peer_free(p);
    xmpp_stanza_t *body = xmpp_stanza_get_child_by_name(kept, "body");
    char *text = xmpp_stanza_get_text(body);
    g_assert_cmpstr(xmpp_stanza_get_id(kept), ==, "1");
    g_assert_cmpstr(text, ==, "kept");
    xmpp_free(link_context(), text);
    xmpp_stanza_release(kept);
}

/* Headers and the end of the stream are not in libstrophe's queue count. */
static void test_end_comes_out(void)
{
    auto_struct(peer) p = peer_open();
    link_send_raw(p->link, "</stream:stream>", 16);
    link_pump(p->link);
    g_assert_cmpstr(p->output->str, ==, "</stream:stream>");
    g_assert_cmpuint(link_unsent_bytes(p->link), ==, 0);
}

static void test_free_inside(void) /* P15 */
{
    auto_struct(peer) p = peer_open();
    p->free_link = true;
    feed(p, "<message id='1'/><message id='2'/>");
    g_assert_cmpuint(p->ids->len, ==, 1);
    auto_struct(peer) q = peer_open(); /* the context is still good */
    feed(q, "<message id='1'/>");
    g_assert_cmpuint(q->ids->len, ==, 1);
}

static guint count_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;
    while (dir && g_dir_read_name(dir))
        n++;
    return n;
}

static void test_descriptors(void) /* F34 */
{
    guint before = count_descriptors();
    for (guint i = 0; i < 50; i++) {
        auto_struct(peer) p = peer_open();
        feed(p, i % 2 ? "<message id='1'/>" : "</stream:stream>");
    }
    g_assert_cmpuint(count_descriptors(), ==, before);

    struct rlimit limit;
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    if (limit.rlim_max < FD_SETSIZE + 64) {
        g_test_skip("the limit of descriptors is too low");
        return;
    }
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = FD_SETSIZE + 64;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    int all[FD_SETSIZE], n = 0;
    do
        all[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (all[n++] < FD_SETSIZE - 1);
    g_autoptr(GError) error = NULL;
    g_assert_null(link_new(&callbacks, NULL, &error));
    g_assert_error(error, LINK_ERROR, LINK_ERROR_DESCRIPTORS);
    while (n > 0)
        close(all[--n]);
    limit.rlim_cur = soft;
    setrlimit(RLIMIT_NOFILE, &limit);
    auto_struct(peer) p = peer_open();
    g_assert_cmpuint(p->headers, ==, 1);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/link/self-test", test_self);
    g_test_add_func("/link/P8-escaped-header", test_escaped_header);
    g_test_add_func("/link/lock-step", test_lock_step);
    g_test_add_func("/link/many-in-one", test_many_in_one);
    g_test_add_func("/link/P7-order", test_order);
    g_test_add_func("/link/P4-many-sends", test_many_sends);
    g_test_add_func("/link/hold", test_hold);
    g_test_add_func("/link/P9-reopen", test_reopen);
    g_test_add_func("/link/P11-stream-end", test_stream_end);
    g_test_add_func("/link/P12-fault", test_fault);
    g_test_add_func("/link/P2-two", test_two);
    g_test_add_func("/link/P19-kept", test_kept);
    g_test_add_func("/link/P5-end-comes-out", test_end_comes_out);
    g_test_add_func("/link/P15-free-inside", test_free_inside);
    g_test_add_func("/link/descriptors", test_descriptors);
    return g_test_run();
}
