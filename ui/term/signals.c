/* GLib's own g_unix_signal_add knows neither SIGTSTP nor SIGCONT. */
#include "config.h"
#include "ui/term/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

static const int watched[] = { SIGWINCH, SIGTSTP, SIGCONT, SIGHUP, SIGTERM, SIGINT };

static struct {
    int fds[2];
    guint source;
    signal_fn fn;
    gpointer data;
    struct sigaction before[G_N_ELEMENTS(watched)];
} state;

static void on_signal(int signo)
{
    int saved_errno = errno;
    char byte = (char)signo;
    if (write(state.fds[1], &byte, 1) < 0) {
        /* The pipe is full: the loop is awake already. */
    }
    errno = saved_errno;
}

static gboolean on_pipe(int fd, GIOCondition condition, gpointer data)
{
    (void)condition;
    (void)data;
    char bytes[256];
    gssize n = read(fd, bytes, sizeof bytes);
    bool seen[65] = { false };
    for (gssize i = 0; i < n; i++)
        if (bytes[i] > 0 && bytes[i] < 65)
            seen[(int)bytes[i]] = true;
    for (int signo = 1; signo < 65; signo++)
        if (seen[signo] && state.source)
            state.fn(signo, state.data);
    return G_SOURCE_CONTINUE;
}

void signals_watch(signal_fn fn, gpointer data)
{
    if (state.source || !g_unix_open_pipe(state.fds, FD_CLOEXEC, NULL))
        return;
    g_unix_set_fd_nonblocking(state.fds[0], TRUE, NULL);
    g_unix_set_fd_nonblocking(state.fds[1], TRUE, NULL);
    state.fn = fn;
    state.data = data;
    state.source = g_unix_fd_add_full(G_PRIORITY_HIGH, state.fds[0], G_IO_IN,
        on_pipe, NULL, NULL);
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    for (gsize i = 0; i < G_N_ELEMENTS(watched); i++)
        sigaction(watched[i], &action, &state.before[i]);
}

void signals_unwatch(void)
{
    if (!state.source)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(watched); i++)
        sigaction(watched[i], &state.before[i], NULL);
    g_clear_handle_id(&state.source, g_source_remove);
    close(state.fds[0]);
    close(state.fds[1]);
}

void signals_stop_self(void)
{
    /* Whoever started us and stands in the same group, a script say, stops as
     * well, or the shell would not come back. We stop for certain: SIGTSTP may
     * be thrown away. */
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    sigaction(SIGTSTP, &ignore, &before);
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &before, NULL);
    raise(SIGSTOP);
}

bool signals_can_stop(void)
{
    return getsid(getppid()) == getsid(0);
}
