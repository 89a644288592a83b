/*
 * Changes of the network come from GLib's monitor (netlink: a socket, no
 * thread). Sleep is noticed by a timer that never fires but is cancelled when
 * the clock jumps, as it does when the machine wakes up; whether it slept, or
 * somebody set the clock (F17), is told by the clock that runs on in sleep.
 */
#include "net/wake.h"
#include <gio/gio.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct wake {
    void (*changed)(gpointer data);
    gpointer data;
    GNetworkMonitor *monitor;
    gulong handler;
    guint settle_timer;
    int fd;
    guint source;
    gint64 slept_us;
};

static gint64 slept_us(void)
{
    struct timespec boot, monotonic;

    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return (boot.tv_sec - monotonic.tv_sec) * G_USEC_PER_SEC +
        (boot.tv_nsec - monotonic.tv_nsec) / 1000;
}

static gboolean on_settled(gpointer data)
{
    struct wake *wake = data;

    wake->settle_timer = 0;
    wake->changed(wake->data);
    return G_SOURCE_REMOVE;
}

/* Addresses and routes come and go in bursts. */
static void settle(struct wake *wake)
{
    if (wake->settle_timer == 0)
        wake->settle_timer = g_timeout_add_seconds(1, on_settled, wake);
}

static void on_network_changed(
    GNetworkMonitor *monitor, gboolean available, gpointer data)
{
    (void)monitor;
    if (available)
        settle(data);
}

static void arm(const struct wake *wake)
{
    const struct itimerspec never = { .it_value.tv_sec = G_MAXINT32 };

    timerfd_settime(
        wake->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static gboolean on_clock_jump(int fd, GIOCondition condition, gpointer data)
{
    struct wake *wake = data;
    const gint64 slept = slept_us();
    guint64 ticks;

    (void)condition;
    if (read(fd, &ticks, sizeof ticks) < 0)
        arm(wake);
    if (slept - wake->slept_us > G_USEC_PER_SEC)
        settle(wake);
    wake->slept_us = slept;
    return G_SOURCE_CONTINUE;
}

struct wake *wake_new(void (*changed)(gpointer data), gpointer data)
{
    struct wake *wake = g_new0(struct wake, 1);

    wake->changed = changed;
    wake->data = data;
    /* The other monitors talk D-Bus, which costs threads. */
    g_setenv("GIO_USE_NETWORK_MONITOR", "netlink", FALSE);
    wake->monitor = g_object_ref(g_network_monitor_get_default());
    wake->handler = g_signal_connect(wake->monitor, "network-changed",
        G_CALLBACK(on_network_changed), wake);
    wake->slept_us = slept_us();
    wake->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (wake->fd < 0)
        return wake;
    arm(wake);
    wake->source = g_unix_fd_add(wake->fd, G_IO_IN, on_clock_jump, wake);
    return wake;
}

void wake_free(struct wake *wake)
{
    if (!wake)
        return;
    g_signal_handler_disconnect(wake->monitor, wake->handler);
    g_object_unref(wake->monitor);
    g_clear_handle_id(&wake->settle_timer, g_source_remove);
    g_clear_handle_id(&wake->source, g_source_remove);
    if (wake->fd >= 0)
        close(wake->fd);
    g_free(wake);
}
