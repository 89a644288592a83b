/* The way to the terminal, here a pipe that is full. */
#include "config.h"
#include "ui/term/outlet.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { MUCH = 300000, AT_ONCE = 4096, SHORT_MS = 20, LONG_MS = 60000 };

struct fixture {
    struct outlet *outlet;
    int far;   /* where the terminal reads */
    int drained;
    GByteArray *read;
};

static void on_drained(gpointer data)
{
    ((struct fixture *)data)->drained++;
}

static void set_up(struct fixture *f, gconstpointer data)
{
    int ends[2];
    (void)data;
    signal(SIGPIPE, SIG_IGN);
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    fcntl(ends[1], F_SETPIPE_SZ, AT_ONCE);
    f->far = ends[0];
    f->outlet = outlet_new(ends[1], true, on_drained, f);
    f->read = g_byte_array_new();
}

static void tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    outlet_free(f->outlet);
    if (f->far >= 0)
        close(f->far);
    g_byte_array_free(f->read, TRUE);
}

/* Numbers, so that order shows. */
static void put_much(struct fixture *f)
{
    for (guint i = 0; f->outlet->bytes->len < MUCH; i++) {
        g_autofree char *number = g_strdup_printf("%u ", i);
        outlet_puts(f->outlet, number);
    }
}

/* True: something was read. */
static bool read_some(struct fixture *f)
{
    guint8 bytes[AT_ONCE];
    gssize n = read(f->far, bytes, sizeof bytes);
    if (n > 0)
        g_byte_array_append(f->read, bytes, (guint)n);
    return n > 0;
}

static gpointer read_all(gpointer data)
{
    while (read_some(data))
        ;
    return NULL;
}

static void assert_all(const struct fixture *f)
{
    guint at = 0;
    for (guint i = 0; at < MUCH; i++) {
        g_autofree char *number = g_strdup_printf("%u ", i);
        gsize len = strlen(number);
        g_assert_cmpuint(at + len, <=, f->read->len);
        g_assert_cmpmem(f->read->data + at, len, number, len);
        at += (guint)len;
    }
    g_assert_cmpuint(f->read->len, ==, at);
}

static void test_waits(struct fixture *f, gconstpointer data)
{
    (void)data;
    put_much(f);
    guint all = f->outlet->bytes->len;
    outlet_flush(f->outlet);
    g_assert_cmpuint(f->outlet->bytes->len, >, 0);
    g_assert_cmpuint(f->outlet->bytes->len, <, all);
    g_assert_false(g_main_context_iteration(NULL, FALSE)); /* no busy loop */
    while (f->read->len < all) {
        g_assert_cmpint(f->drained, ==, f->outlet->bytes->len ? 0 : 1);
        g_assert_true(read_some(f));
        while (g_main_context_iteration(NULL, FALSE))
            ;
    }
    assert_all(f);
    g_assert_cmpint(f->drained, ==, 1);
}

static void test_at_once(struct fixture *f, gconstpointer data)
{
    (void)data;
    outlet_put(f->outlet, "a\0b", 3);
    outlet_flush(f->outlet);
    g_assert_cmpuint(f->outlet->bytes->len, ==, 0);
    g_assert_true(read_some(f));
    g_assert_cmpmem(f->read->data, f->read->len, "a\0b", 3);
    g_assert_cmpint(f->drained, ==, 0); /* nothing had to wait */
}

/* A slow terminal gets everything before it is handed over. */
static void test_now(struct fixture *f, gconstpointer data)
{
    (void)data;
    put_much(f);
    outlet_flush(f->outlet);
    GThread *terminal = g_thread_new("terminal", read_all, f);
    outlet_flush_now(f->outlet, LONG_MS);
    g_assert_cmpuint(f->outlet->bytes->len, ==, 0);
    g_clear_pointer(&f->outlet, outlet_free); /* which ends the thread */
    g_thread_join(terminal);
    assert_all(f);
}

/* One that stands still gets what is left when it is ours again. */
static void test_now_stuck(struct fixture *f, gconstpointer data)
{
    (void)data;
    put_much(f);
    guint all = f->outlet->bytes->len;
    outlet_flush(f->outlet);
    outlet_flush_now(f->outlet, SHORT_MS);
    guint left = f->outlet->bytes->len;
    g_assert_cmpuint(left, >, 0);
    while (f->read->len < all - left)
        g_assert_true(read_some(f));
    g_assert_false(g_main_context_iteration(NULL, FALSE)); /* somebody else's */
    g_assert_cmpuint(f->outlet->bytes->len, ==, left);
    outlet_flush(f->outlet);
    g_assert_cmpuint(f->outlet->bytes->len, <, left);
    outlet_clear(f->outlet);
    g_assert_cmpuint(f->outlet->bytes->len, ==, 0);
}

static void test_gone(struct fixture *f, gconstpointer data)
{
    bool now = GPOINTER_TO_INT(data);
    put_much(f);
    outlet_flush(f->outlet);
    close(f->far);
    f->far = -1;
    if (now)
        outlet_flush_now(f->outlet, LONG_MS);
    else
        while (f->outlet->bytes->len)
            g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(f->outlet->bytes->len, ==, 0);
    outlet_puts(f->outlet, "more");
    outlet_flush(f->outlet);
    g_assert_cmpuint(f->outlet->bytes->len, ==, 0);
}

static void test_borrowed(void)
{
    int ends[2];
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    struct outlet *outlet = outlet_new(ends[1], false, on_drained, NULL);
    g_assert_true(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
    outlet_free(outlet);
    g_assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
    close(ends[0]);
    g_assert_cmpint(close(ends[1]), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, argument, test) \
    g_test_add(path, struct fixture, argument, set_up, test, tear_down)
    ADD("/outlet/at-once", NULL, test_at_once);
    ADD("/outlet/waits", NULL, test_waits);
    ADD("/outlet/now", NULL, test_now);
    ADD("/outlet/now-stuck", NULL, test_now_stuck);
    ADD("/outlet/gone", NULL, test_gone);
    ADD("/outlet/gone-now", GINT_TO_POINTER(true), test_gone);
#undef ADD
    g_test_add_func("/outlet/borrowed", test_borrowed);
    return g_test_run();
}
