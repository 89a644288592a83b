/* See screen.h. The one file-scope variable is what a crash handler needs to
 * put the terminal back. */
#include "config.h"
#define NCURSES_WIDECHAR 1
#include "ui/term/screen.h"
#include "base/text.h"
#include <curses.h>
#include <term.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

G_DEFINE_QUARK(txmpp - screen, screen_error)

enum { FLUSH_MS = 1000, BACKLOG_MAX = 8 << 20, FRAME_BYTES = 64 << 10 };

struct screen {
    SCREEN *curses;
    FILE *memory, *nothing;
    int memory_fd, fd;
    bool own_fd;
    int old_flags;
    struct termios saved, raw;
    GByteArray *out;
    guint out_watch;
    void (*drained)(gpointer data);
    gpointer data;
    int cols, rows;
    bool utf8, osc, away, mouse, cursor_shown;
    struct grid *shown; /* what curses was told; NULL: nothing */
    GHashTable *looks;  /* style → struct paint* */
    const struct theme *theme;
    enum depth depth;
};

const char *screen_library(void)
{
    return curses_version();
}

struct paint {
    attr_t attrs;
    int pair;
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

static int open_terminal(bool *own)
{
    /* An open file description of our own: O_NONBLOCK on the shared one
     * would be the shell's problem after us. */
    char name[256];
    int fd = -1;
    if (!ttyname_r(STDIN_FILENO, name, sizeof name))
        fd = open(name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    *own = fd >= 0;
    return fd >= 0 ? fd : STDIN_FILENO;
}

static bool is_terminfo_string(const char *s)
{
    return s && s != (const char *)-1 && *s;
}

G_GNUC_PRINTF(2, 3)
static void set_error(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, SCREEN_ERROR, 0, text);
}

static bool start_curses(struct screen *screen, GError **error)
{
    const char *term = g_getenv("TERM");
    g_autofree char *shown = text_clean(term ? term : "", -1, TEXT_ONE_LINE);
    if (!term || !*term) {
        set_error(error, "TERM is not set, so the terminal's abilities are "
            "unknown. Set it (for instance TERM=xterm-256color), or use "
            "--script.");
        return false;
    }
    int code = 0;
    if (setupterm(term, screen->memory_fd, &code) == ERR) {
        set_error(error, "The terminal type \"%s\" (TERM) is not in the "
            "terminfo database. Set TERM to one that is, or use --script.",
            shown);
        return false;
    }
    bool usable = is_terminfo_string(tigetstr("cup")) &&
        is_terminfo_string(tigetstr("clear"));
    del_curterm(cur_term); /* newterm makes its own */
    if (!usable) {
        set_error(error, "The terminal type \"%s\" (TERM) cannot move its "
            "cursor, so there is no screen. Use --script, or set TERM to "
            "what the terminal really is.", shown);
        return false;
    }
    screen->curses = newterm(term, screen->memory, screen->nothing);
    if (!screen->curses) {
        set_error(error, "The terminal \"%s\" cannot be set up. Set TERM to "
            "what the terminal really is, or use --script.", shown);
        return false;
    }
    set_term(screen->curses);
    nonl();
    leaveok(stdscr, FALSE);
    scrollok(stdscr, FALSE);
    typeahead(-1); /* keys never hold a frame back */
    idlok(stdscr, TRUE);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    static const char *const osc_terms[] = { "xterm", "rxvt", "tmux", "screen",
        "foot", "alacritty", "kitty", "st", "konsole", "gnome", "vte",
        "putty", "wezterm", "ghostty", "contour", "mlterm" };
    for (gsize i = 0; i < G_N_ELEMENTS(osc_terms); i++)
        if (g_str_has_prefix(term, osc_terms[i]))
            screen->osc = true;
    return true;
}

static void arm_rescue(struct screen *screen)
{
    static const char *const names[] = { "sgr0", "cnorm", "rmcup" };
    rescue.fd = screen->fd;
    rescue.saved = screen->saved;
    rescue.len = (size_t)g_strlcpy(rescue.bytes, modes_off, sizeof rescue.bytes);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *s = tigetstr(names[i]);
        if (is_terminfo_string(s) && rescue.len + strlen(s) < sizeof rescue.bytes)
            rescue.len = g_strlcat(rescue.bytes, s, sizeof rescue.bytes);
    }
    rescue.armed = 1;
}

struct screen *screen_new(void (*drained)(gpointer data), gpointer data, GError **error)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        set_error(error, "Standard input and output must be a terminal for "
            "the screen; use --script otherwise.");
        return NULL;
    }
    struct screen *screen = g_new0(struct screen, 1);
    screen->drained = drained;
    screen->data = data;
    screen->out = g_byte_array_new();
    screen->looks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    screen->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    screen->cursor_shown = true;
    screen->fd = open_terminal(&screen->own_fd);
    screen->old_flags = fcntl(screen->fd, F_GETFL);
    fcntl(screen->fd, F_SETFL, screen->old_flags | O_NONBLOCK);
    screen->memory_fd = memfd_create("txmpp-screen", MFD_CLOEXEC);
    screen->memory = screen->memory_fd < 0 ? NULL : fdopen(screen->memory_fd, "w");
    screen->nothing = fopen("/dev/null", "re");
    if (!screen->memory || !screen->nothing ||
        tcgetattr(screen->fd, &screen->saved) < 0) {
        set_error(error, "The terminal cannot be used: %s.", g_strerror(errno));
        screen_free(screen);
        return NULL;
    }
    if (!start_curses(screen, error)) {
        screen_free(screen);
        return NULL;
    }
    screen->raw = screen->saved;
    cfmakeraw(&screen->raw);
    screen->raw.c_cc[VMIN] = 1;
    screen->raw.c_cc[VTIME] = 0;
    arm_rescue(screen);
    watch_fatal(true);
    screen_resized(screen);
    screen->away = true;
    screen_enter(screen);
    return screen;
}

static void append(struct screen *screen, const char *bytes, gsize len)
{
    g_byte_array_append(screen->out, (const guint8 *)bytes, (guint)len);
}

static void append_string(struct screen *screen, const char *text)
{
    append(screen, text, strlen(text));
}

/* What curses wrote since the last time joins our own output. The file stays
 * as long as a usual frame: to cut it costs more than to write it. */
static void collect(struct screen *screen)
{
    fflush(screen->memory);
    off_t len = lseek(screen->memory_fd, 0, SEEK_CUR);
    if (len <= 0)
        return;
    guint old = screen->out->len;
    g_byte_array_set_size(screen->out, old + (guint)len);
    gssize got = pread(screen->memory_fd, screen->out->data + old, (size_t)len, 0);
    g_byte_array_set_size(screen->out, old + (guint)MAX(got, 0));
    lseek(screen->memory_fd, 0, SEEK_SET);
    if (len > FRAME_BYTES && ftruncate(screen->memory_fd, 0) < 0)
        return; /* its memory is only needed longer */
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data);

static void flush(struct screen *screen)
{
    while (screen->out->len) {
        gssize n = write(screen->fd, screen->out->data, screen->out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            g_byte_array_set_size(screen->out, 0); /* gone: SIGHUP follows */
            return;
        }
        if (n <= 0)
            break;
        g_byte_array_remove_range(screen->out, 0, (guint)n);
    }
    if (screen->out->len && !screen->out_watch)
        screen->out_watch = g_unix_fd_add_full(G_PRIORITY_HIGH, screen->fd,
            G_IO_OUT | G_IO_ERR | G_IO_HUP, on_writable, screen, NULL);
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data)
{
    struct screen *screen = data;
    (void)fd;
    if (condition & (G_IO_ERR | G_IO_HUP))
        g_byte_array_set_size(screen->out, 0);
    flush(screen);
    if (screen->out->len)
        return G_SOURCE_CONTINUE;
    screen->out_watch = 0;
    screen->drained(screen->data);
    return G_SOURCE_REMOVE;
}

/* Before the terminal is handed over: waits, but not for ever. */
static void flush_now(struct screen *screen)
{
    gint64 until = g_get_monotonic_time() + FLUSH_MS * 1000;
    while (screen->out->len && g_get_monotonic_time() < until) {
        struct pollfd p = { .fd = screen->fd, .events = POLLOUT };
        if (poll(&p, 1, FLUSH_MS / 10) > 0 && (p.revents & (POLLERR | POLLHUP)))
            break;
        gssize n = write(screen->fd, screen->out->data, screen->out->len);
        if (n > 0)
            g_byte_array_remove_range(screen->out, 0, (guint)n);
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            break;
    }
    g_byte_array_set_size(screen->out, 0);
    g_clear_handle_id(&screen->out_watch, g_source_remove);
}

void screen_enter(struct screen *screen)
{
    if (!screen->away)
        return;
    screen->away = false;
    fcntl(screen->fd, F_SETFL, fcntl(screen->fd, F_GETFL) | O_NONBLOCK);
    tcsetattr(screen->fd, TCSADRAIN, &screen->raw);
    rescue.armed = 1;
    screen_resized(screen);
    clearok(curscr, TRUE);
    doupdate();
    collect(screen);
    append_string(screen, modes_on);
    if (screen->osc)
        append_string(screen, "\033[22;2t");
    screen_mouse(screen, screen->mouse);
    screen_forget(screen);
    flush(screen);
}

void screen_leave(struct screen *screen)
{
    if (screen->away)
        return;
    screen->away = true;
    append_string(screen, modes_off);
    if (screen->osc)
        append_string(screen, "\033[23;2t");
    endwin();
    collect(screen);
    flush_now(screen);
    tcsetattr(screen->fd, TCSANOW, &screen->saved);
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
    if (screen->curses) {
        if (rescue.len) {
            screen_leave(screen);
            watch_fatal(false);
        }
        delscreen(screen->curses);
    }
    g_clear_handle_id(&screen->out_watch, g_source_remove);
    if (screen->own_fd)
        close(screen->fd);
    else
        fcntl(screen->fd, F_SETFL, screen->old_flags);
    if (screen->memory)
        fclose(screen->memory);
    if (screen->nothing)
        fclose(screen->nothing);
    g_byte_array_free(screen->out, TRUE);
    g_hash_table_destroy(screen->looks);
    grid_free(screen->shown);
    g_free(screen);
}

int screen_fd(const struct screen *screen)
{
    return screen->fd;
}

void screen_size(const struct screen *screen, int *cols, int *rows)
{
    *cols = screen->cols;
    *rows = screen->rows;
}

int screen_colors(const struct screen *screen)
{
    (void)screen;
    return has_colors() ? COLORS : 0;
}

bool screen_is_utf8(const struct screen *screen)
{
    return screen->utf8;
}

void screen_teach(const struct screen *screen, struct keys *keys)
{
    static const struct {
        const char *capability;
        enum key_code code;
    } rows[] = {
        { "kcuu1", KEY_UP_ }, { "kcud1", KEY_DOWN_ }, { "kcub1", KEY_LEFT_ },
        { "kcuf1", KEY_RIGHT_ }, { "khome", KEY_HOME_ }, { "kend", KEY_END_ },
        { "kpp", KEY_PGUP }, { "knp", KEY_PGDN }, { "kich1", KEY_INSERT },
        { "kdch1", KEY_DELETE }, { "kcbt", KEY_BACKTAB }, { "kf1", KEY_F1 },
        { "kf2", KEY_F2 }, { "kf3", KEY_F3 }, { "kf4", KEY_F4 },
        { "kf5", KEY_F5 }, { "kf6", KEY_F6 }, { "kf7", KEY_F7 },
        { "kf8", KEY_F8 }, { "kf9", KEY_F9 }, { "kf10", KEY_F10 },
        { "kf11", KEY_F11 }, { "kf12", KEY_F12 },
    };
    (void)screen;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *s = tigetstr(rows[i].capability);
        if (is_terminfo_string(s))
            keys_teach(keys, s, rows[i].code);
    }
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
    if (ioctl(screen->fd, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row) {
        size.ws_col = (unsigned short)env_number("COLUMNS", 80);
        size.ws_row = (unsigned short)env_number("LINES", 24);
    }
    int cols = MIN(size.ws_col, GRID_MAX), rows = MIN(size.ws_row, GRID_MAX);
    if (cols == screen->cols && rows == screen->rows)
        return;
    screen->cols = cols;
    screen->rows = rows;
    resize_term(rows, cols);
    screen_forget(screen);
}

void screen_forget(struct screen *screen)
{
    grid_free(screen->shown);
    screen->shown = NULL;
}

void screen_recolor(struct screen *screen)
{
    g_hash_table_remove_all(screen->looks);
    screen_forget(screen);
}

static int color_of(int color, enum depth depth)
{
    if (color == LOOK_DEFAULT)
        return -1;
    if (!(color & LOOK_RGB))
        return color;
    /* A direct-colour terminal takes 0xrrggbb; its first eight values are
     * the palette. */
    int rgb = color & 0xffffff;
    return depth == DEPTH_TRUE ? MAX(rgb, 8) : 7;
}

static const struct paint *paint_of(struct screen *screen, style_t style)
{
    struct paint *paint = g_hash_table_lookup(screen->looks, GUINT_TO_POINTER(style));
    if (paint)
        return paint;
    static const struct {
        unsigned ours;
        attr_t curses;
    } attrs[] = {
        { ATTR_BOLD, A_BOLD }, { ATTR_DIM, A_DIM }, { ATTR_ITALIC, A_ITALIC },
        { ATTR_UNDERLINE, A_UNDERLINE }, { ATTR_REVERSE, A_REVERSE },
    };
    struct look look = theme_look(screen->theme, style, screen->depth);
    paint = g_new0(struct paint, 1);
    for (gsize i = 0; i < G_N_ELEMENTS(attrs); i++)
        if (look.attrs & attrs[i].ours)
            paint->attrs |= attrs[i].curses;
    if (has_colors() && (look.fg != LOOK_DEFAULT || look.bg != LOOK_DEFAULT))
        paint->pair = MAX(alloc_pair(color_of(look.fg, screen->depth),
                              color_of(look.bg, screen->depth)), 0);
    g_hash_table_insert(screen->looks, GUINT_TO_POINTER(style), paint);
    return paint;
}

static bool representable(const struct screen *screen, wchar_t c)
{
    if (screen->utf8 || c < 0x80)
        return true;
    char bytes[MB_LEN_MAX];
    mbstate_t state = { 0 };
    size_t n = wcrtomb(bytes, c, &state);
    return n != (size_t)-1 && n > 0;
}

/*
 * A cell as curses takes it. Curses must think a cluster as wide as the
 * terminal does, and terminals agree on code points, not on sequences: so
 * joined sequences (ZWJ, skin tones, VS16) show their first part, whose width
 * everybody knows, and flags are two cells of one letter each.
 */
static void put_cell(struct screen *screen, int x, int y, const struct cell *cell)
{
    const struct paint *paint = paint_of(screen, cell->style);
    wchar_t chars[CCHARW_MAX] = { 0 };
    int n = 0;
    for (gsize i = 0; i < cell->len && n < CCHARW_MAX;) {
        gunichar c = g_utf8_get_char_validated(cell->text + i, (gssize)(cell->len - i));
        if (c == (gunichar)-1 || c == (gunichar)-2)
            break;
        chars[n++] = (wchar_t)c;
        i += (gsize)g_utf8_skip[(guchar)cell->text[i]];
    }
    cchar_t out = { .attr = paint->attrs, .ext_color = paint->pair };
    out.chars[0] = L' ';
    bool flag = n == 2 && cell->width == 2 && chars[0] >= 0x1f1e6 &&
        chars[0] <= 0x1f1ff && chars[1] >= 0x1f1e6 && chars[1] <= 0x1f1ff;
    int first = n ? wcwidth(chars[0]) : -1;
    bool pad = cell->width == 2 && first != 2;
    if (n && representable(screen, chars[0]) && first > 0 && first <= cell->width) {
        out.chars[0] = chars[0];
        int kept = 1;
        for (int i = 1; i < n; i++)
            if (wcwidth(chars[i]) == 0 && chars[i] != 0x200d &&
                chars[i] != 0xfe0f && chars[i] < 0xe0000 &&
                representable(screen, chars[i]))
                out.chars[kept++] = chars[i];
            else
                break;
    } else if (n && chars[0] != L' ')
        out.chars[0] = screen->utf8 ? 0xfffd : L'?';
    mvadd_wch(y, x, &out);
    if (!pad || x + 1 >= screen->cols)
        return;
    memset(out.chars, 0, sizeof out.chars);
    out.chars[0] = flag && representable(screen, chars[1]) ? chars[1] : L' ';
    mvadd_wch(y, x + 1, &out);
}

/* Curses sets the margins to the size terminfo knows (24 rows) before it hears
 * the real one, and inserts and deletes lines within them ever after. Moves the
 * cursor: for a screen that is about to be cleared. */
static void reset_margins(struct screen *screen)
{
    const char *csr = tigetstr("csr");
    const char *whole = is_terminfo_string(csr) ? tiparm(csr, 0, screen->rows - 1) : NULL;
    if (whole && screen->rows > 1)
        append_string(screen, whole);
}

void screen_show(struct screen *screen, struct grid *grid,
    const struct theme *theme, enum depth depth)
{
    if (screen->away)
        return;
    if (theme != screen->theme || depth != screen->depth) {
        screen->theme = theme;
        screen->depth = depth;
        screen_recolor(screen);
    }
    bool all = !screen->shown || screen->shown->cols != grid->cols ||
        screen->shown->rows != grid->rows;
    if (all) {
        screen_forget(screen);
        screen->shown = grid_new(grid->cols, grid->rows, grid->ascii);
        erase();
        clearok(stdscr, TRUE);
        reset_margins(screen);
    }
    for (int y = 0; y < MIN(grid->rows, screen->rows); y++) {
        const struct cell *now = grid_cell(grid, 0, y);
        struct cell *then = grid_cell(screen->shown, 0, y);
        bool touched = grid->touched[y];
        grid->touched[y] = false;
        if (!all && (!touched || !memcmp(now, then, sizeof *now * (gsize)grid->cols)))
            continue;
        for (int x = 0; x < MIN(grid->cols, screen->cols); x++)
            if (now[x].width && (all || memcmp(&now[x], &then[x], sizeof *now)))
                put_cell(screen, x, y, &now[x]);
        memcpy(then, now, sizeof *now * (gsize)grid->cols);
    }
    bool cursor = grid->cursor_x >= 0;
    if (cursor)
        move(grid->cursor_y, grid->cursor_x);
    if (cursor != screen->cursor_shown) {
        curs_set(cursor);
        screen->cursor_shown = cursor;
    }
    refresh();
    collect(screen);
    flush(screen);
}

bool screen_busy(const struct screen *screen)
{
    return screen->out->len > 0;
}

void screen_mouse(struct screen *screen, bool on)
{
    if (!screen->away && (on || screen->mouse))
        append_string(screen, on ? "\033[?1002h\033[?1006h" : "\033[?1006l\033[?1002l");
    screen->mouse = on;
    if (!screen->away)
        flush(screen);
}

void screen_bell(struct screen *screen)
{
    if (screen->away || screen->out->len > BACKLOG_MAX)
        return;
    append(screen, "\a", 1);
    flush(screen);
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

void screen_title(struct screen *screen, const char *text)
{
    if (!screen->osc || screen->away || screen->out->len > BACKLOG_MAX)
        return;
    g_autofree char *shown = osc_text(screen, text);
    append_string(screen, "\033]2;");
    append_string(screen, shown);
    append_string(screen, "\033\\");
    flush(screen);
}

void screen_notify(struct screen *screen, const char *title, const char *text)
{
    if (!screen->osc || screen->away || screen->out->len > BACKLOG_MAX)
        return;
    g_autofree char *head = osc_text(screen, title);
    g_autofree char *body = osc_text(screen, text);
    g_strdelimit(head, ";", ',');
    append_string(screen, "\033]777;notify;");
    append_string(screen, head);
    append_string(screen, ";");
    append_string(screen, body);
    append_string(screen, "\033\\\033]9;");
    append_string(screen, head);
    append_string(screen, ": ");
    append_string(screen, body);
    append_string(screen, "\033\\");
    flush(screen);
}
