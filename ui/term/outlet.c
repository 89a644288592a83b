/* See outlet.h. */
#include "config.h"
#include "ui/term/outlet.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

struct outlet *outlet_new(int fd, bool own, void (*drained)(gpointer data), gpointer data)
{
    struct outlet *outlet = g_new0(struct outlet, 1);
    outlet->fd = fd;
    outlet->own = own;
    outlet->flags = fcntl(fd, F_GETFL);
    outlet->bytes = g_byte_array_new();
    outlet->drained = drained;
    outlet->data = data;
    outlet_resume(outlet);
    return outlet;
}

struct outlet *outlet_new_tty(void (*drained)(gpointer data), gpointer data)
{
    /* An open file description of our own: O_NONBLOCK on the shared one
     * would be the shell's problem after us. */
    char name[256];
    int fd = -1;
    if (!ttyname_r(STDIN_FILENO, name, sizeof name))
        fd = open(name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return outlet_new(fd >= 0 ? fd : STDIN_FILENO, fd >= 0, drained, data);
}

void outlet_free(struct outlet *outlet)
{
    if (!outlet)
        return;
    g_clear_handle_id(&outlet->watch, g_source_remove);
    if (outlet->own)
        close(outlet->fd);
    else
        fcntl(outlet->fd, F_SETFL, outlet->flags);
    g_byte_array_free(outlet->bytes, TRUE);
    g_free(outlet);
}

void outlet_put(struct outlet *outlet, const char *bytes, gsize len)
{
    g_byte_array_append(outlet->bytes, (const guint8 *)bytes, (guint)len);
}

void outlet_puts(struct outlet *outlet, const char *text)
{
    outlet_put(outlet, text, strlen(text));
}

void outlet_clear(struct outlet *outlet)
{
    g_byte_array_set_size(outlet->bytes, 0);
}

static void write_some(struct outlet *outlet)
{
    while (outlet->bytes->len) {
        gssize n = write(outlet->fd, outlet->bytes->data, outlet->bytes->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            outlet_clear(outlet);
        if (n <= 0)
            return;
        g_byte_array_remove_range(outlet->bytes, 0, (guint)n);
    }
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data)
{
    struct outlet *outlet = data;
    (void)fd;
    if (condition & (G_IO_ERR | G_IO_HUP))
        outlet_clear(outlet);
    write_some(outlet);
    if (outlet->bytes->len)
        return G_SOURCE_CONTINUE;
    outlet->watch = 0;
    outlet->drained(outlet->data);
    return G_SOURCE_REMOVE;
}

void outlet_flush(struct outlet *outlet)
{
    write_some(outlet);
    if (outlet->bytes->len && !outlet->watch)
        outlet->watch = g_unix_fd_add_full(G_PRIORITY_HIGH, outlet->fd,
            G_IO_OUT | G_IO_ERR | G_IO_HUP, on_writable, outlet, NULL);
}

void outlet_flush_now(struct outlet *outlet, int most_ms)
{
    gint64 until = g_get_monotonic_time() + (gint64)most_ms * 1000;
    gint64 left_us = 0;
    g_clear_handle_id(&outlet->watch, g_source_remove);
    write_some(outlet);
    while (outlet->bytes->len && (left_us = until - g_get_monotonic_time()) > 0) {
        struct pollfd p = { .fd = outlet->fd, .events = POLLOUT };
        if (poll(&p, 1, (int)(left_us / 1000) + 1) > 0 && (p.revents & (POLLERR | POLLHUP)))
            outlet_clear(outlet);
        write_some(outlet);
    }
}

void outlet_resume(struct outlet *outlet)
{
    fcntl(outlet->fd, F_SETFL, fcntl(outlet->fd, F_GETFL) | O_NONBLOCK);
}
