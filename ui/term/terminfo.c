/* Read once: the strings are kept without their padding, which no terminal
 * of today waits for. */
#include "config.h"
#include "ui/term/terminfo.h"
#include "base/text.h"
#include "ui/draw/style.h"
#include "ui/term/screen.h"
#include "base/intl.h"
#include <curses.h>
#include <term.h>
#include <string.h>
#include <unistd.h>

struct terminfo {
    char *caps[CAPS];
    int colors, without_color;
    bool bce, msgr, am, xenl;
    GPtrArray *keys; /* char*, by rows of key_caps; NULL: none */
};

static const struct {
    const char *name;
    bool has_parameters;
} cap_names[CAPS] = {
    [CAP_CUP] = { "cup", true }, [CAP_CLEAR] = { "clear", false },
    [CAP_EL] = { "el", false }, [CAP_HPA] = { "hpa", true },
    [CAP_SGR0] = { "sgr0", false }, [CAP_BOLD] = { "bold", false },
    [CAP_DIM] = { "dim", false }, [CAP_ITALIC] = { "sitm", false },
    [CAP_UNDERLINE] = { "smul", false }, [CAP_REVERSE] = { "rev", false },
    [CAP_STRIKE] = { "smxx", false }, [CAP_FG] = { "setaf", true },
    [CAP_BG] = { "setab", true }, [CAP_OP] = { "op", false },
    [CAP_HIDE] = { "civis", false }, [CAP_SHOW] = { "cnorm", false },
    [CAP_ENTER] = { "smcup", false }, [CAP_LEAVE] = { "rmcup", false },
    [CAP_FLASH] = { "flash", false }, [CAP_ASK] = { "u7", false },
};

static const struct {
    const char *capability;
    enum key_code code;
} key_caps[] = {
    { "kcuu1", KEY_UP_ }, { "kcud1", KEY_DOWN_ }, { "kcub1", KEY_LEFT_ },
    { "kcuf1", KEY_RIGHT_ }, { "khome", KEY_HOME_ }, { "kend", KEY_END_ },
    { "kpp", KEY_PGUP }, { "knp", KEY_PGDN }, { "kich1", KEY_INSERT },
    { "kdch1", KEY_DELETE }, { "kcbt", KEY_BACKTAB }, { "kf1", KEY_F1 },
    { "kf2", KEY_F2 }, { "kf3", KEY_F3 }, { "kf4", KEY_F4 },
    { "kf5", KEY_F5 }, { "kf6", KEY_F6 }, { "kf7", KEY_F7 },
    { "kf8", KEY_F8 }, { "kf9", KEY_F9 }, { "kf10", KEY_F10 },
    { "kf11", KEY_F11 }, { "kf12", KEY_F12 },
};

const char *terminfo_library(void)
{
    return curses_version();
}

static char *capability(const char *name)
{
    const char *s = tigetstr(name);
    if (!s || s == (const char *)-1 || !*s)
        return NULL;
    GString *out = g_string_new(NULL);
    while (*s) {
        const char *end = g_str_has_prefix(s, "$<") ? strchr(s, '>') : NULL;
        if (end)
            s = end + 1;
        else
            g_string_append_c(out, *s++);
    }
    return g_string_free(out, FALSE);
}

static void read_all(struct terminfo *info)
{
    for (int i = 0; i < CAPS; i++)
        info->caps[i] = capability(cap_names[i].name);
    /* Any other question would be answered otherwise than with CSI y;x R. */
    if (g_strcmp0(info->caps[CAP_ASK], "\033[6n") != 0)
        g_clear_pointer(&info->caps[CAP_ASK], g_free);
    /* To show the cursor some descriptions make it blink, too. */
    const char *blink = "\033[?12h";
    if (info->caps[CAP_SHOW] && g_str_has_prefix(info->caps[CAP_SHOW], blink) &&
        info->caps[CAP_SHOW][strlen(blink)])
        memmove(info->caps[CAP_SHOW], info->caps[CAP_SHOW] + strlen(blink),
            strlen(info->caps[CAP_SHOW] + strlen(blink)) + 1);
    info->colors = MAX(tigetnum("colors"), 0);
    info->without_color = MAX(tigetnum("ncv"), 0);
    info->bce = tigetflag("bce") > 0;
    info->msgr = tigetflag("msgr") > 0;
    info->am = tigetflag("am") > 0;
    info->xenl = tigetflag("xenl") > 0;
    if (tigetnum("xmc") > 0) { /* attributes that take a cell are none */
        for (int i = CAP_BOLD; i <= CAP_STRIKE; i++)
            g_clear_pointer(&info->caps[i], g_free);
    }
    if (!info->caps[CAP_FG] || !info->caps[CAP_BG])
        info->colors = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(key_caps); i++)
        g_ptr_array_add(info->keys, capability(key_caps[i].capability));
}

struct terminfo *terminfo_new(const char *term, GError **error)
{
    g_autofree char *shown = text_clean(term ? term : "", -1, TEXT_ONE_LINE);
    int code = 0;
    if (!term || !*term) {
        g_set_error_literal(error, SCREEN_ERROR, 0,
            _("TERM is not set, so the terminal's abilities are unknown. Set "
            "it (for instance TERM=xterm-256color), or use --linear."));
        return NULL;
    }
    if (setupterm(term, STDOUT_FILENO, &code) == ERR) {
        g_set_error(error, SCREEN_ERROR, 0,
            _("The terminal type \"%s\" (TERM) is not in the terminfo database. "
            "Set TERM to one that is, or use --linear."), shown);
        return NULL;
    }
    struct terminfo *info = g_new0(struct terminfo, 1);
    info->keys = g_ptr_array_new_with_free_func(g_free);
    read_all(info);
    if (terminfo_has(info, CAP_CUP) && terminfo_has(info, CAP_CLEAR))
        return info;
    g_set_error(error, SCREEN_ERROR, 0,
        _("The terminal type \"%s\" (TERM) cannot move its cursor, so there is "
        "no screen. Use --linear, or set TERM to what the terminal really is."),
        shown);
    terminfo_free(info);
    return NULL;
}

void terminfo_free(struct terminfo *info)
{
    if (!info)
        return;
    for (int i = 0; i < CAPS; i++)
        g_free(info->caps[i]);
    g_ptr_array_free(info->keys, TRUE);
    g_free(info);
    if (cur_term)
        del_curterm(cur_term);
}

bool terminfo_has(const struct terminfo *info, enum cap cap)
{
    return info->caps[cap] != NULL;
}

const char *terminfo_text(const struct terminfo *info, enum cap cap)
{
    return info->caps[cap] && !cap_names[cap].has_parameters ? info->caps[cap] : "";
}

void terminfo_put(const struct terminfo *info, GByteArray *out, enum cap cap, int a, int b)
{
    const char *s = info->caps[cap];
    if (s && cap_names[cap].has_parameters)
        s = cap == CAP_CUP ? tiparm(s, a, b) : tiparm(s, a);
    if (s)
        g_byte_array_append(out, (const guint8 *)s, (guint)strlen(s));
}

int terminfo_colors(const struct terminfo *info)
{
    return info->colors;
}

bool terminfo_erases_colored(const struct terminfo *info)
{
    return info->bce;
}

bool terminfo_moves_colored(const struct terminfo *info)
{
    return info->msgr;
}

bool terminfo_wraps_at_once(const struct terminfo *info)
{
    return info->am && !info->xenl;
}

unsigned terminfo_attrs_without_color(const struct terminfo *info)
{
    static const struct { /* terminfo(5): ncv */
        int bit;
        unsigned attr;
    } rows[] = { { 1 << 1, ATTR_UNDERLINE }, { 1 << 2, ATTR_REVERSE },
        { 1 << 4, ATTR_DIM }, { 1 << 5, ATTR_BOLD }, { 1 << 15, ATTR_ITALIC } };
    unsigned attrs = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (info->without_color & rows[i].bit)
            attrs |= rows[i].attr;
    return attrs;
}

void terminfo_teach(const struct terminfo *info, struct keys *keys)
{
    for (gsize i = 0; i < G_N_ELEMENTS(key_caps); i++)
        if (info->keys->pdata[i])
            keys_teach(keys, info->keys->pdata[i], key_caps[i].code);
}
