/*
 * poll(2) before each write, and no more than PIPE_BUF at once: such a write
 * never blocks on a pipe. The descriptor's flags are left alone, for it is
 * shared with whoever started us.
 */
#include "script/output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <glib-unix.h>

#define HIGH_WATER (256 * 1024)

struct output {
    int fd, interrupt_fd;
    GString *buffer;
    gsize start; /* bytes already written */
    guint idle, watch;
    bool gone;   /* nobody reads: everything is dropped */
    int error;   /* why: errno */
    bool told;
    void (*broken)(gpointer data);
    gpointer data;
};

static gsize pending(const struct output *output)
{
    return output->buffer->len - output->start;
}

static void drop_all(struct output *output)
{
    g_string_truncate(output->buffer, 0);
    output->start = 0;
}

static gboolean tell(gpointer data)
{
    struct output *output = data;
    output->idle = 0;
    if (!output->told && output->broken) {
        output->told = true;
        output->broken(output->data);
    }
    return G_SOURCE_REMOVE;
}

static void set_gone(struct output *output, int error)
{
    output->gone = true;
    output->error = error;
    drop_all(output);
    g_clear_handle_id(&output->idle, g_source_remove);
    output->idle = g_idle_add(tell, output);
}

static bool is_writable(struct output *output, int timeout_ms)
{
    struct pollfd fds[] = { { .fd = output->fd, .events = POLLOUT },
        { .fd = output->interrupt_fd, .events = POLLIN } };
    int n;
    do /* a signal that means the end is seen on interrupt_fd */
        n = poll(fds, timeout_ms ? 2 : 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n > 0 && (fds[0].revents & (POLLERR | POLLNVAL))) {
        set_gone(output, EPIPE);
        return false;
    }
    return n > 0 && fds[0].revents;
}

/* Writes what goes without waiting; false: the reader is behind. */
static bool write_some(struct output *output, int timeout_ms)
{
    while (pending(output) && is_writable(output, timeout_ms)) {
        gsize n = MIN(pending(output), (gsize)PIPE_BUF);
        ssize_t done = write(output->fd, output->buffer->str + output->start, n);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done < 0) {
            set_gone(output, errno);
            return true;
        }
        output->start += (gsize)done;
    }
    if (!pending(output))
        drop_all(output);
    return pending(output) == 0;
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data)
{
    struct output *output = data;
    (void)fd;
    if (condition & (G_IO_ERR | G_IO_NVAL)) {
        output->watch = 0;
        set_gone(output, EPIPE);
        return G_SOURCE_REMOVE;
    }
    if (!write_some(output, 0))
        return G_SOURCE_CONTINUE;
    output->watch = 0;
    /* Only the reader's going away is of interest now. */
    if (!output->gone)
        output->watch = g_unix_fd_add(output->fd, G_IO_ERR, on_writable, output);
    return G_SOURCE_REMOVE;
}

static void watch_for(struct output *output, GIOCondition condition)
{
    g_clear_handle_id(&output->watch, g_source_remove);
    output->watch = g_unix_fd_add(output->fd, condition, on_writable, output);
}

static gboolean flush(gpointer data)
{
    struct output *output = data;
    output->idle = 0;
    if (!output->gone && !write_some(output, 0))
        watch_for(output, G_IO_OUT | G_IO_ERR);
    return G_SOURCE_REMOVE;
}

struct output *output_new(
    int fd, void (*broken)(gpointer data), gpointer data)
{
    struct output *output = g_new0(struct output, 1);
    output->fd = fd;
    output->interrupt_fd = -1;
    output->buffer = g_string_new(NULL);
    output->broken = broken;
    output->data = data;
    watch_for(output, G_IO_ERR);
    return output;
}

void output_set_interrupt_fd(struct output *output, int fd)
{
    output->interrupt_fd = fd;
}

int output_free(struct output *output, int timeout_ms)
{
    g_clear_handle_id(&output->watch, g_source_remove);
    output->interrupt_fd = -1;
    gint64 end = g_get_monotonic_time() + timeout_ms * (gint64)1000;
    while (!output->gone && !write_some(output, 100) &&
        g_get_monotonic_time() < end)
        continue;
    g_clear_handle_id(&output->idle, g_source_remove);
    g_string_free(output->buffer, TRUE);
    int error = output->error;
    g_free(output);
    return error;
}

GString *output_buffer(struct output *output)
{
    return output->buffer;
}

void output_commit(struct output *output)
{
    if (output->gone) {
        drop_all(output);
        return;
    }
    /* Held up here, nothing is read from the network either, and the server
     * is held back by TCP. A signal ends the wait, and the output. */
    if (pending(output) > HIGH_WATER && !write_some(output, -1) &&
        !output->gone)
        set_gone(output, EPIPE);
    if (!output->idle && !output->gone)
        output->idle = g_idle_add_full(G_PRIORITY_DEFAULT, flush, output, NULL);
}
