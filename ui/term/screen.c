/* See screen.h. The one file-scope variable is what a crash handler needs to
 * put the terminal back. */
#include "config.h"
#include "ui/term/screen.h"
#include "base/text.h"
#include "ui/term/outlet.h"
#include "ui/term/paint.h"
#include "ui/term/probe.h"
#include "ui/term/terminfo.h"
#include "base/intl.h"
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

G_DEFINE_QUARK(txmpp - screen, screen_error)

#define GROUND_ASK "\033]11;?\033\\" /* the answer comes as KEY_GROUND */
enum { COPY_BYTES = 74994 /* what xterm takes */ };
enum { FLUSH_MS = 1000, BACKLOG_MAX = 8 << 20, ANSWERS_MS = 100, FLASH_MS = 100 };

struct screen {
    struct terminfo *info;
    struct paint *paint;
    struct probe probe;
    struct opinion opinion;
    struct outlet *out;
    struct termios saved, raw;
    int cols, rows, width, height; /* in cells, in pixels; 0: not known */
    bool utf8, osc, away, mouse;
    enum graphics graphics;
    bool graphics_asked, ground_asked;
    guint flash_timer;
    char *flash_end;      /* what ends it; while the timer runs */
};

static struct {
    volatile sig_atomic_t armed;
    int fd;
    struct termios saved;
    char bytes[192];
    size_t len;
} rescue;

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
static struct sigaction before_fatal[G_N_ELEMENTS(fatal_signals)];

static const char modes_on[] = "\033[?2004h\033[?1004h";
static const char modes_off[] = "\033[?1002l\033[?1006l\033[?2004l\033[?1004l";

static void rescue_terminal(void)
{
    if (!rescue.armed)
        return;
    rescue.armed = 0;
    if (write(rescue.fd, rescue.bytes, rescue.len) < 0) {
        /* Nothing more can be done here. */
    }
    tcsetattr(rescue.fd, TCSANOW, &rescue.saved);
}

/* Puts the terminal back, then lets the signal do what it would have done. */
static void on_fatal(int signo)
{
    int saved_errno = errno;
    rescue_terminal();
    for (gsize i = 0; i < G_N_ELEMENTS(fatal_signals); i++)
        if (fatal_signals[i] == signo)
            sigaction(signo, &before_fatal[i], NULL);
    errno = saved_errno;
}

static void watch_fatal(bool on)
{
    struct sigaction action = { .sa_handler = on_fatal };
    for (gsize i = 0; i < G_N_ELEMENTS(fatal_signals); i++) {
        if (on)
            sigaction(fatal_signals[i], &action, &before_fatal[i]);
        else
            sigaction(fatal_signals[i], &before_fatal[i], NULL);
    }
}

static bool knows_osc(const char *term)
{
    static const char *const terms[] = { "xterm", "rxvt", "tmux", "screen",
        "foot", "alacritty", "kitty", "st", "konsole", "gnome", "vte",
        "putty", "wezterm", "ghostty", "contour", "mlterm" };
    for (gsize i = 0; i < G_N_ELEMENTS(terms); i++)
        if (g_str_has_prefix(term, terms[i]))
            return true;
    return false;
}

static void arm_rescue(struct screen *screen)
{
    static const enum cap caps[] = { CAP_SGR0, CAP_SHOW, CAP_LEAVE };
    rescue.fd = screen->out->fd;
    rescue.saved = screen->saved;
    rescue.len = (size_t)g_strlcpy(rescue.bytes, modes_off, sizeof rescue.bytes);
    for (gsize i = 0; i < G_N_ELEMENTS(caps); i++) {
        const char *s = terminfo_text(screen->info, caps[i]);
        if (rescue.len + strlen(s) < sizeof rescue.bytes)
            rescue.len = g_strlcat(rescue.bytes, s, sizeof rescue.bytes);
    }
    rescue.armed = 1;
}

void screen_guard_modes(int fd, const struct termios *modes)
{
    rescue.fd = fd;
    rescue.len = 0;
    if (modes)
        rescue.saved = *modes;
    watch_fatal(modes);
    rescue.armed = modes != NULL;
}

struct screen *screen_new(void (*drained)(gpointer data), gpointer data, GError **error)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        g_set_error_literal(error, SCREEN_ERROR, 0, _("Standard input and output "
            "must be a terminal for the screen; use --script otherwise."));
        return NULL;
    }
    struct terminfo *info = terminfo_new(g_getenv("TERM"), error);
    if (!info)
        return NULL;
    struct screen *screen = g_new0(struct screen, 1);
    screen->info = info;
    screen->out = outlet_new_tty(drained, data);
    screen->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    screen->osc = knows_osc(g_getenv("TERM"));
    screen->paint = paint_new(info, screen->utf8);
    if (tcgetattr(screen->out->fd, &screen->saved) < 0) {
        g_set_error(error, SCREEN_ERROR, 0, _("The terminal cannot be used: %s."),
            g_strerror(errno));
        screen_free(screen);
        return NULL;
    }
    screen->raw = screen->saved;
    cfmakeraw(&screen->raw);
    screen->raw.c_cc[VMIN] = 1;
    screen->raw.c_cc[VTIME] = 0;
    arm_rescue(screen);
    watch_fatal(true);
    screen->away = true;
    screen_enter(screen);
    return screen;
}

void screen_enter(struct screen *screen)
{
    if (!screen->away)
        return;
    screen->away = false;
    outlet_resume(screen->out);
    tcsetattr(screen->out->fd, TCSADRAIN, &screen->raw);
    rescue.armed = 1;
    screen_resized(screen);
    screen_forget(screen);
    terminfo_put(screen->info, screen->out->bytes, CAP_ENTER, 0, 0);
    outlet_puts(screen->out, modes_on);
    if (screen->osc)
        outlet_puts(screen->out, "\033[22;2t");
    screen_mouse(screen, screen->mouse);
}

/* The shell must not take the terminal's answers for keys. */
static void wait_for_answers(struct screen *screen)
{
    char bytes[256];
    struct pollfd p = { .fd = screen->out->fd, .events = POLLIN };
    struct opinion unused;
    while (probe_waits(&screen->probe) && poll(&p, 1, ANSWERS_MS) > 0) {
        gssize n = read(screen->out->fd, bytes, sizeof bytes);
        if (n <= 0)
            return;
        for (gssize i = 0; i < n; i++)
            if (bytes[i] == 'R')
                probe_answer(&screen->probe, 0, 1, &unused);
    }
}

/* Terminfo has it as "reverse, wait, back". Nobody waits here: the way back
 * leaves by itself, a moment later. */
static void end_flash(struct screen *screen)
{
    g_clear_handle_id(&screen->flash_timer, g_source_remove);
    outlet_puts(screen->out, screen->flash_end ? screen->flash_end : "");
    g_clear_pointer(&screen->flash_end, g_free);
}

static gboolean on_flash_over(gpointer data)
{
    struct screen *screen = data;
    end_flash(screen);
    outlet_flush(screen->out);
    return G_SOURCE_REMOVE;
}

void screen_leave(struct screen *screen)
{
    if (screen->away)
        return;
    screen->away = true;
    end_flash(screen);
    outlet_puts(screen->out, modes_off);
    if (screen->osc)
        outlet_puts(screen->out, "\033[23;2t");
    terminfo_put(screen->info, screen->out->bytes, CAP_SGR0, 0, 0);
    terminfo_put(screen->info, screen->out->bytes, CAP_CUP, screen->rows - 1, 0);
    terminfo_put(screen->info, screen->out->bytes, CAP_EL, 0, 0);
    terminfo_put(screen->info, screen->out->bytes, CAP_SHOW, 0, 0);
    terminfo_put(screen->info, screen->out->bytes, CAP_LEAVE, 0, 0);
    outlet_flush_now(screen->out, FLUSH_MS);
    outlet_clear(screen->out); /* all of it is shown again */
    wait_for_answers(screen);
    tcsetattr(screen->out->fd, TCSANOW, &screen->saved);
    rescue.armed = 0;
    screen_forget(screen);
}

void screen_continued(struct screen *screen)
{
    screen->away = true;
    screen_enter(screen);
}

void screen_free(struct screen *screen)
{
    if (!screen)
        return;
    if (rescue.len) {
        screen_leave(screen);
        watch_fatal(false);
    }
    g_clear_handle_id(&screen->flash_timer, g_source_remove);
    g_free(screen->flash_end);
    outlet_free(screen->out);
    paint_free(screen->paint);
    terminfo_free(screen->info);
    g_free(screen);
}

int screen_fd(const struct screen *screen)
{
    return screen->out->fd;
}

void screen_size(const struct screen *screen, int *cols, int *rows)
{
    *cols = screen->cols;
    *rows = screen->rows;
}

void screen_cell(const struct screen *screen, int *width, int *height)
{
    int cell_width = screen->width / MAX(screen->cols, 1);
    int cell_height = screen->height / MAX(screen->rows, 1);
    if (cell_width < 2 || cell_height < 2 || cell_width > 200 || cell_height > 200)
        return;
    *width = cell_width;
    *height = cell_height;
}

int screen_colors(const struct screen *screen)
{
    return terminfo_colors(screen->info);
}

bool screen_is_utf8(const struct screen *screen)
{
    return screen->utf8;
}

void screen_teach(const struct screen *screen, struct keys *keys)
{
    terminfo_teach(screen->info, keys);
}

static int env_number(const char *name, int fallback)
{
    const char *text = g_getenv(name);
    guint64 number;
    if (!text || !g_ascii_string_to_unsigned(text, 10, 1, GRID_MAX, &number, NULL))
        return fallback;
    return (int)number;
}

void screen_resized(struct screen *screen)
{
    struct winsize size = { 0 };
    if (ioctl(screen->out->fd, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row) {
        size.ws_col = (unsigned short)env_number("COLUMNS", 80);
        size.ws_row = (unsigned short)env_number("LINES", 24);
    }
    screen->width = size.ws_xpixel;
    screen->height = size.ws_ypixel;
    int cols = MIN(size.ws_col, GRID_MAX), rows = MIN(size.ws_row, GRID_MAX);
    if (cols == screen->cols && rows == screen->rows)
        return;
    screen->cols = cols;
    screen->rows = rows;
    screen_forget(screen);
}

void screen_forget(struct screen *screen)
{
    paint_forget(screen->paint);
}

void screen_show(struct screen *screen, struct grid *grid,
    const struct theme *theme, enum depth depth)
{
    if (screen->away)
        return;
    /* Elsewhere the questions would be control characters of eight bits. */
    if (screen->osc && !screen->ground_asked && terminfo_has(screen->info, CAP_ASK))
        outlet_puts(screen->out, GROUND_ASK);
    screen->ground_asked = true;
    if (screen->utf8)
        probe_ask(&screen->probe, screen->info, screen->cols, screen->rows, screen->out->bytes);
    paint_frame(screen->paint, grid, theme, depth, screen->out->bytes);
    outlet_flush(screen->out);
}

static char *osc_text(const struct screen *screen, const char *text)
{
    g_autofree char *clean = text_clean(text, (gssize)strnlen(text, 512), TEXT_ONE_LINE);
    if (screen->utf8)
        return g_steal_pointer(&clean);
    char *converted = g_convert_with_fallback(clean, -1, nl_langinfo(CODESET),
        "UTF-8", "?", NULL, NULL, NULL);
    return converted ? converted : g_strdup("?");
}

void screen_plain(struct screen *screen, const char *text, const char *last)
{
    if (screen->away)
        return;
    terminfo_put(screen->info, screen->out->bytes, CAP_SGR0, 0, 0);
    terminfo_put(screen->info, screen->out->bytes, CAP_CLEAR, 0, 0);
    g_autofree char *local = screen->utf8 ? g_strdup(text)
        : g_convert_with_fallback(text, -1, nl_langinfo(CODESET), "UTF-8", "?", NULL, NULL, NULL);
    g_auto(GStrv) lines = g_strsplit(local ? local : "", "\n", -1);
    g_autofree char *joined = g_strjoinv("\r\n", lines); /* raw mode */
    outlet_puts(screen->out, joined);
    terminfo_put(screen->info, screen->out->bytes, CAP_CUP, screen->rows - 1, 0);
    terminfo_put(screen->info, screen->out->bytes, CAP_DIM, 0, 0);
    g_autofree char *hint = osc_text(screen, last);
    hint[text_fit(hint, -1, screen->cols - 1)] = '\0';
    outlet_puts(screen->out, hint);
    terminfo_put(screen->info, screen->out->bytes, CAP_SGR0, 0, 0);
    outlet_flush(screen->out);
}

bool screen_report(struct screen *screen, int x, int y)
{
    if (!probe_answer(&screen->probe, x, y, &screen->opinion))
        return false;
    paint_opinion(screen->paint, &screen->opinion);
    return true;
}

bool screen_shows_marks(const struct screen *screen)
{
    return screen->utf8 && !screen->opinion.ambiguous_wide && !screen->opinion.no_utf8;
}

bool screen_busy(const struct screen *screen)
{
    return screen->out->bytes->len > 0;
}

void screen_mouse(struct screen *screen, bool on)
{
    if (!screen->away && (on || screen->mouse))
        outlet_puts(screen->out, on ? "\033[?1002h\033[?1006h" : "\033[?1006l\033[?1002l");
    screen->mouse = on;
    if (!screen->away)
        outlet_flush(screen->out);
}

void screen_bell(struct screen *screen)
{
    if (screen->away || screen->out->bytes->len > BACKLOG_MAX)
        return;
    outlet_put(screen->out, "\a", 1);
    outlet_flush(screen->out);
}

void screen_flash(struct screen *screen)
{
    if (screen->away || screen->flash_timer || screen->out->bytes->len > BACKLOG_MAX)
        return;
    const char *begin = terminfo_text(screen->info, CAP_FLASH);
    const char *end = strstr(begin, "\033[?5l");
    if (!end) {
        outlet_puts(screen->out, begin);
        outlet_flush(screen->out);
        return;
    }
    outlet_put(screen->out, begin, (gsize)(end - begin));
    screen->flash_end = g_strdup(end);
    screen->flash_timer = g_timeout_add(FLASH_MS, on_flash_over, screen);
    outlet_flush(screen->out);
}

void screen_title(struct screen *screen, const char *text)
{
    if (!screen->osc || screen->away || screen->out->bytes->len > BACKLOG_MAX)
        return;
    g_autofree char *shown = osc_text(screen, text);
    outlet_puts(screen->out, "\033]2;");
    outlet_puts(screen->out, shown);
    outlet_puts(screen->out, "\033\\");
    outlet_flush(screen->out);
}

/* A control string for the terminal around tmux or GNU screen, which would not
 * know it: tmux wants its escapes doubled and ends with the string; screen
 * takes so much at a time. One that ends with BEL fits into both. */
static void append_through(struct screen *screen, const char *osc)
{
    enum { PORTION = 700 };
    bool tmux = g_getenv("TMUX"), inside = tmux || g_getenv("STY");
    gsize len = strlen(osc);
    if (!inside) {
        outlet_put(screen->out, osc, len);
        return;
    }
    for (gsize at = 0; at < len; at += PORTION) {
        outlet_puts(screen->out, tmux ? "\033Ptmux;" : "\033P");
        for (gsize i = at; i < MIN(at + PORTION, len); i++) {
            if (tmux && osc[i] == '\033')
                outlet_put(screen->out, "\033", 1);
            outlet_put(screen->out, osc + i, 1);
        }
        outlet_puts(screen->out, "\033\\");
    }
}

void screen_notify(struct screen *screen, const char *title, const char *text,
    bool osc9, bool osc777)
{
    if (!screen->osc || screen->away || screen->out->bytes->len > BACKLOG_MAX)
        return;
    g_autofree char *head = osc_text(screen, title);
    g_autofree char *body = osc_text(screen, text);
    g_strdelimit(head, ";", ',');
    if (osc777) {
        g_autofree char *osc = g_strdup_printf("\033]777;notify;%s;%s\a", head, body);
        append_through(screen, osc);
    }
    if (osc9) {
        g_autofree char *osc = g_strdup_printf("\033]9;%s: %s\a", head, body);
        append_through(screen, osc);
    }
    outlet_flush(screen->out);
}

bool screen_copy(struct screen *screen, const char *text)
{
    g_autofree char *clean = text_clean(text, (gssize)strnlen(text, COPY_BYTES + 1), 0);
    gsize len = strlen(clean);
    if (!screen->osc || screen->away || len > COPY_BYTES || screen->out->bytes->len > BACKLOG_MAX)
        return false;
    g_autofree char *base64 = g_base64_encode((const guchar *)clean, len);
    g_autofree char *osc = g_strdup_printf("\033]52;c;%s\a", base64);
    if (g_getenv("TMUX")) /* it may take it itself, or let it through */
        outlet_puts(screen->out, osc);
    append_through(screen, osc);
    outlet_flush(screen->out);
    return true;
}

/* ---- pictures of pixels ---- */

enum { PICTURE_ID = 1953721965 }; /* and those behind it, by number */
#define KITTY_ASK "\033_Gi=1953721965,s=1,v=1,a=q,t=d,f=24;AAAA\033\\"
#define DEVICE_ASK "\033[c" /* everybody answers: 4 in it is sixel (VT330) */

void screen_ask_graphics(struct screen *screen)
{
    if (screen->graphics_asked || screen->away || !screen->osc ||
        !terminfo_has(screen->info, CAP_ASK))
        return;
    screen->graphics_asked = true;
    /* To tmux and GNU screen it would be a title. */
    if (!g_getenv("TMUX") && !g_getenv("STY"))
        outlet_puts(screen->out, KITTY_ASK);
    outlet_puts(screen->out, DEVICE_ASK);
    outlet_flush(screen->out);
}

bool screen_graphics_report(struct screen *screen, enum graphics graphics)
{
    if (!screen->graphics_asked || graphics <= screen->graphics)
        return false;
    screen->graphics = graphics;
    return true;
}

enum graphics screen_graphics(const struct screen *screen)
{
    return screen->graphics;
}

/* Base64 in portions, as the protocol has it. */
static void put_pixels(struct screen *screen, const struct screen_picture *picture)
{
    enum { PORTION = 3072 };
    gsize len;
    const guchar *at = g_bytes_get_data(picture->bytes, &len);
    for (gsize i = 0; i < len; i += PORTION) {
        g_autofree char *text = g_base64_encode(at + i, MIN(len - i, (gsize)PORTION));
        g_autofree char *head = i ? g_strdup("") : g_strdup_printf(
            "a=T,f=32,i=%d,p=1,q=2,z=1,C=1,s=%d,v=%d,c=%d,r=%d,", PICTURE_ID + picture->number,
            picture->width, picture->height, picture->cols, picture->rows);
        g_autofree char *apc = g_strdup_printf("\033_G%sm=%d;%s\033\\", head,
            i + PORTION < len, text);
        outlet_puts(screen->out, apc);
    }
}

void screen_put_picture(struct screen *screen, const struct screen_picture *picture)
{
    if (screen->away || screen->out->bytes->len > BACKLOG_MAX ||
        g_bytes_get_size(picture->bytes) > BACKLOG_MAX)
        return;
    outlet_puts(screen->out, "\0337");
    paint_blank(screen->paint, picture->x, picture->y, picture->blank_cols,
        picture->blank_rows, screen->out->bytes);
    terminfo_put(screen->info, screen->out->bytes, CAP_CUP, picture->y, picture->x);
    if (picture->pixels)
        put_pixels(screen, picture);
    else {
        gsize len;
        const char *sixel = g_bytes_get_data(picture->bytes, &len);
        outlet_put(screen->out, sixel, len);
    }
    outlet_puts(screen->out, "\0338");
    outlet_flush(screen->out);
}

void screen_take_picture(
    struct screen *screen, int number, int x, int y, int cols, int rows)
{
    g_autofree char *apc =
        g_strdup_printf("\033_Ga=d,d=I,i=%d,q=2\033\\", PICTURE_ID + number);
    if (!screen->away && screen->graphics == GRAPHICS_KITTY)
        outlet_puts(screen->out, apc);
    outlet_flush(screen->out);
    paint_forget_cells(screen->paint, x, y, cols, rows);
}

guint screen_clears(const struct screen *screen)
{
    return paint_clears(screen->paint);
}
