/*
 * A theme is one struct paint per role, twice: as written, and for terminals
 * with 8 or 16 colours. Nick colours are computed from hue, saturation and
 * lightness in HSLuv (XEP-0392 s. 5.4).
 */
#include "config.h"
#include "ui/theme/theme.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct role_row role_rows[ROLES] = {
    [ROLE_TEXT] = { "text", "default", "everything without a role of its own" },
    [ROLE_DIM] = { "dim", "#7f8796 | white dim", "secondary text" },
    [ROLE_RULE] = { "rule", "#3f4757 | blue", "lines between panes" },
    [ROLE_TITLE] = { "title", "#c5cddb on #262c38 | white on blue",
        "title bar" },
    [ROLE_TITLE_NAME] = { "title-name",
        "#ffffff on #262c38 bold | white on blue bold",
        "name of the conversation in the title bar" },
    [ROLE_TITLE_DIM] = { "title-dim", "#8e98aa on #262c38 | cyan on blue",
        "status text in the title bar" },
    [ROLE_SECURE] = { "secure", "#9ece6a on #262c38 | green on blue bold",
        "encrypted connection or chat" },
    [ROLE_INSECURE] = { "insecure", "#e0af68 on #262c38 | yellow on blue bold",
        "not encrypted" },
    [ROLE_STATUS] = { "status", "#a9b1c2 on #262c38 | white on blue",
        "status line" },
    [ROLE_STATUS_HOT] = { "status-hot",
        "#7dcfff on #262c38 bold | cyan on blue bold",
        "windows with new messages" },
    [ROLE_STATUS_MENTION] = { "status-mention",
        "#ff9e64 on #262c38 bold | yellow on blue bold",
        "windows where somebody spoke of you" },
    [ROLE_STATUS_DIM] = { "status-dim", "#717b8f on #262c38 | cyan on blue",
        "quiet parts of the status line" },
    [ROLE_STATUS_GOOD] = { "status-good",
        "#9ece6a on #262c38 | green on blue bold", "connected" },
    [ROLE_STATUS_BAD] = { "status-bad",
        "#f7768e on #262c38 bold | red on blue bold", "not connected" },
    [ROLE_ROSTER_ACCOUNT] = { "roster-account", "#7aa2f7 bold | cyan bold",
        "account heading" },
    [ROLE_ROSTER_GROUP] = { "roster-group", "#8e98aa bold | white bold",
        "group heading" },
    [ROLE_ROSTER_NAME] = { "roster-name", "default", "contact" },
    [ROLE_ROSTER_OFFLINE] = { "roster-offline", "#6b7386 | white dim",
        "contact that is offline" },
    [ROLE_ROSTER_OPEN] = { "roster-open",
        "default on #2d3444 bold | black on white",
        "contact of the conversation on the screen" },
    [ROLE_SELECTED] = { "selected", "#ffffff on 24 bold | black on cyan",
        "row under the cursor" },
    [ROLE_ONLINE] = { "online", "#9ece6a | green", "presence: available" },
    [ROLE_CHAT] = { "chat", "#b9f27c bold | green bold",
        "presence: free for chat" },
    [ROLE_AWAY] = { "away", "#e0af68 | yellow", "presence: away" },
    [ROLE_XA] = { "xa", "#c0884f | yellow", "presence: away for long" },
    [ROLE_DND] = { "dnd", "#f7768e | red", "presence: do not disturb" },
    [ROLE_OFFLINE] = { "offline", "#5a6274 | white dim", "presence: offline" },
    [ROLE_PENDING] = { "pending", "#ff9e64 bold | magenta bold",
        "subscription that waits for an answer" },
    [ROLE_UNREAD] = { "unread", "#7dcfff bold | cyan bold",
        "number of unread messages" },
    [ROLE_MENTION] = { "mention", "#ff9e64 bold | magenta bold",
        "number of messages that speak of you" },
    [ROLE_TIME] = { "time", "#667085 | blue", "time of a message" },
    [ROLE_DAY] = { "day", "#667085 | blue", "line between days" },
    [ROLE_NEW] = { "new", "#e0af68 | yellow", "line above new messages" },
    [ROLE_NICK] = { "nick", "default", "names of others; coloured by name" },
    [ROLE_NICK_SELF] = { "nick-self", "#8e98aa | white bold", "your own name" },
    [ROLE_MESSAGE] = { "message", "default", "text of a message" },
    [ROLE_ACTION] = { "action", "#bb9af7 italic | magenta", "/me" },
    [ROLE_NOTICE] = { "notice", "#8e98aa | cyan",
        "what txmpp itself says" },
    [ROLE_ERROR] = { "error", "#f7768e | red", "errors" },
    [ROLE_LINK] = { "link", "#7dcfff underline | cyan underline", "links" },
    [ROLE_QUEUED] = { "queued", "#667085 | white dim", "message not sent yet" },
    [ROLE_SENT] = { "sent", "#667085 | white dim", "the server has it" },
    [ROLE_DELIVERED] = { "delivered", "#8e98aa | white", "it has arrived" },
    [ROLE_DISPLAYED] = { "displayed", "#9ece6a | green", "it was read" },
    [ROLE_FAILED] = { "failed", "#f7768e bold | red bold", "not delivered" },
    [ROLE_PROMPT] = { "prompt", "#7aa2f7 bold | cyan bold", "prompt" },
    [ROLE_PROMPT_COMMAND] = { "prompt-command", "#e0af68 bold | yellow bold",
        "prompt in front of a command" },
    [ROLE_INPUT] = { "input", "default", "what you type" },
    [ROLE_GHOST] = { "ghost", "#5a6274 | white dim",
        "hints in empty fields and after the cursor" },
    [ROLE_MENU] = { "menu", "#c5cddb on #262c38 | black on white",
        "completion menu" },
    [ROLE_MENU_SELECTED] = { "menu-selected",
        "#ffffff on 24 bold | white on blue bold",
        "chosen item of the menu" },
    [ROLE_PANE_TITLE] = { "pane-title", "#8e98aa | cyan",
        "heading of a part of a split screen" },
    [ROLE_PANE_TITLE_FOCUS] = { "pane-title-focus",
        "#7aa2f7 bold | cyan bold",
        "heading of the part that has the keys" },
    [ROLE_PANEL] = { "panel", "default", "results of commands" },
    [ROLE_PANEL_TITLE] = { "panel-title", "#7aa2f7 bold | cyan bold",
        "heading of results" },
    [ROLE_COLUMN] = { "column", "#8e98aa underline | white underline",
        "heading of a table" },
    [ROLE_DIALOG] = { "dialog", "#d5dbe6 on #1e2430 | black on white",
        "dialogs" },
    [ROLE_DIALOG_TITLE] = { "dialog-title",
        "#ffffff on #1e2430 bold | black on white bold",
        "title of a dialog" },
    [ROLE_DIALOG_BORDER] = { "dialog-border",
        "#5b7cc4 on #1e2430 | blue on white", "border of a dialog" },
    [ROLE_DIALOG_LABEL] = { "dialog-label",
        "#9aa5b8 on #1e2430 | black on white", "labels in a dialog" },
    [ROLE_DIALOG_WARNING] = { "dialog-warning",
        "#ff9e64 on #1e2430 bold | red on white bold",
        "warnings in a dialog" },
    [ROLE_FIELD] = { "field", "#d5dbe6 on #2d3444 | white on blue",
        "field of a dialog" },
    [ROLE_FIELD_ACTIVE] = { "field-active",
        "#ffffff on 24 | black on cyan", "field being filled in" },
    [ROLE_BUTTON] = { "button", "#d5dbe6 on #343c4d | white on blue",
        "button" },
    [ROLE_BUTTON_ACTIVE] = { "button-active",
        "#1a1b26 on #7aa2f7 bold | black on cyan bold",
        "highlighted button" },
    [ROLE_BUTTON_DANGER] = { "button-danger",
        "#1a1b26 on #f7768e bold | white on red bold",
        "highlighted button that destroys something" },
    [ROLE_XML_IN] = { "xml-in", "#7dcfff | cyan", "stanzas from the server" },
    [ROLE_XML_OUT] = { "xml-out", "#e0af68 | yellow", "stanzas to the server" },
};

static const char *const color_names[16] = { "black", "red", "green", "yellow",
    "blue", "magenta", "cyan", "white", "bright-black", "bright-red",
    "bright-green", "bright-yellow", "bright-blue", "bright-magenta",
    "bright-cyan", "bright-white" };

/* xterm's first sixteen, for finding the nearest. */
static const guint32 basic_rgb[16] = { 0x000000, 0xcd0000, 0x00cd00, 0xcdcd00,
    0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00,
    0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff };

static const struct {
    const char *name;
    unsigned attr;
} attr_names[] = {
    { "bold", ATTR_BOLD }, { "dim", ATTR_DIM }, { "italic", ATTR_ITALIC },
    { "underline", ATTR_UNDERLINE }, { "reverse", ATTR_REVERSE },
    { "strike", ATTR_STRIKE },
};

struct theme {
    char *name;
    struct look looks[ROLES], low[ROLES];
    double saturation, lightness;
    guint32 hues[HUES + 1]; /* rgb, filled at load */
};

bool theme_parse_color(const char *text, int *out)
{
    if (!strcmp(text, "default")) {
        *out = LOOK_DEFAULT;
        return true;
    }
    for (int i = 0; i < 16; i++)
        if (!strcmp(text, color_names[i])) {
            *out = i;
            return true;
        }
    if (text[0] == '#' && strlen(text) == 7 &&
        strspn(text + 1, "0123456789abcdefABCDEF") == 6) {
        *out = LOOK_RGB | (int)strtoul(text + 1, NULL, 16);
        return true;
    }
    guint64 number;
    if (!g_ascii_string_to_unsigned(text, 10, 0, 255, &number, NULL))
        return false;
    *out = (int)number;
    return true;
}

static bool parse_look(const char *spec, struct look *look, char **bad)
{
    *look = (struct look){ LOOK_DEFAULT, LOOK_DEFAULT, 0 };
    g_auto(GStrv) words = g_strsplit_set(spec, " \t", -1);
    bool ground = false, seen_fg = false;
    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        if (!strcmp(*word, "on")) {
            ground = true;
            continue;
        }
        unsigned attr = 0;
        for (gsize i = 0; i < G_N_ELEMENTS(attr_names); i++)
            if (!strcmp(*word, attr_names[i].name))
                attr = attr_names[i].attr;
        int color;
        if (attr)
            look->attrs |= attr;
        else if (!theme_parse_color(*word, &color) || (seen_fg && !ground)) {
            *bad = g_strdup(*word);
            return false;
        } else if (ground)
            look->bg = color;
        else {
            look->fg = color;
            seen_fg = true;
        }
    }
    return true;
}

static bool set_role(struct theme *theme, enum role role, const char *spec, char **bad)
{
    const char *bar = strchr(spec, '|');
    g_autofree char *full = bar ? g_strndup(spec, (gsize)(bar - spec)) : g_strdup(spec);
    if (!parse_look(full, &theme->looks[role], bad))
        return false;
    return parse_look(bar ? bar + 1 : full, &theme->low[role], bad);
}

/* HSLuv (hsluv.org): LCHuv with the chroma scaled to what sRGB can show. */
static const double to_rgb[3][3] = {
    { 3.240969941904521, -1.537383177570093, -0.498610760293 },
    { -0.96924363628087, 1.87596750150772, 0.041555057407175 },
    { 0.055630079696993, -0.20397695888897, 1.056971514242878 },
};
static const double ref_u = 0.19783000664283, ref_v = 0.46831999493879;
static const double kappa = 903.2962962, epsilon = 0.0088564516;

static double max_chroma(double lightness, double hue)
{
    double sub1 = pow(lightness + 16, 3) / 1560896;
    double sub2 = sub1 > epsilon ? sub1 : lightness / kappa;
    double best = 1e9;
    for (int c = 0; c < 3; c++)
        for (int t = 0; t < 2; t++) {
            const double *m = to_rgb[c];
            double top1 = (284517 * m[0] - 94839 * m[2]) * sub2;
            double top2 = (838422 * m[2] + 769860 * m[1] + 731718 * m[0]) *
                              lightness * sub2 - 769860 * t * lightness;
            double bottom = (632260 * m[2] - 126452 * m[1]) * sub2 + 126452 * t;
            double length = (top2 / bottom) / (sin(hue) - top1 / bottom * cos(hue));
            if (length >= 0 && length < best)
                best = length;
        }
    return best;
}

static guint32 hsluv(double hue_degrees, double saturation, double lightness)
{
    double hue = hue_degrees / 180 * G_PI;
    double chroma = max_chroma(lightness, hue) / 100 * saturation;
    double u = cos(hue) * chroma / (13 * lightness) + ref_u;
    double v = sin(hue) * chroma / (13 * lightness) + ref_v;
    double y = lightness > 8 ? pow((lightness + 16) / 116, 3) : lightness / kappa;
    double x = 9 * y * u / (4 * v);
    double z = (9 * y - 15 * v * y - v * x) / (3 * v);
    guint32 rgb = 0;
    for (int c = 0; c < 3; c++) {
        double linear = to_rgb[c][0] * x + to_rgb[c][1] * y + to_rgb[c][2] * z;
        double value = linear <= 0.0031308 ? 12.92 * linear
                                           : 1.055 * pow(linear, 1 / 2.4) - 0.055;
        rgb = rgb << 8 | (guint32)(CLAMP(value, 0.0, 1.0) * 255 + 0.5);
    }
    return rgb;
}

static void fill_hues(struct theme *theme)
{
    for (int i = 1; i <= HUES; i++)
        theme->hues[i] = hsluv((i - 0.5) * 360 / HUES, theme->saturation,
            theme->lightness);
}

static struct theme *theme_default(void)
{
    struct theme *theme = g_new0(struct theme, 1);
    theme->name = g_strdup("dark");
    theme->saturation = 75;
    theme->lightness = 70;
    for (int i = 0; i < ROLES; i++) {
        g_autofree char *bad = NULL;
        if (!set_role(theme, (enum role)i, role_rows[i].spec, &bad))
            g_error("theme table: %s: %s", role_rows[i].name, bad);
    }
    return theme;
}

static double get_number(GKeyFile *file, const char *key, double fallback)
{
    g_autofree char *text = g_key_file_get_string(file, "theme", key, NULL);
    guint64 number;
    if (!text || !g_ascii_string_to_unsigned(text, 10, 0, 100, &number, NULL))
        return fallback;
    return (double)number;
}

struct theme *theme_parse(const char *ini, gsize len, const char *label, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) why = NULL;
    if (len > 256 * 1024 || memchr(ini, 0, len) ||
        !g_utf8_validate_len(ini, len, NULL)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE,
            "%s is not a theme: it must be a short UTF-8 text file.", label);
        return NULL;
    }
    if (len && !g_key_file_load_from_data(file, ini, len, 0, &why)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE,
            "%s cannot be read as a theme: %s.", label, why->message);
        return NULL;
    }
    struct theme *theme = theme_default();
    theme->saturation = get_number(file, "nick_saturation", theme->saturation);
    theme->lightness = CLAMP(get_number(file, "nick_lightness", theme->lightness), 5, 95);
    g_auto(GStrv) keys = g_key_file_get_keys(file, "roles", NULL, NULL);
    for (char **key = keys; key && *key; key++) {
        int role = 0;
        while (role < ROLES && strcmp(role_rows[role].name, *key))
            role++;
        g_autofree char *spec = g_key_file_get_string(file, "roles", *key, NULL);
        g_autofree char *bad = NULL;
        if (role == ROLES)
            bad = g_strdup(*key);
        else if (spec && set_role(theme, (enum role)role, spec, &bad))
            continue;
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
            role == ROLES
                ? "%s: there is no role \"%s\"; txmpp.conf(5) lists them."
                : "%s: \"%s\" in the line of %s is neither a colour nor an attribute.",
            label, bad ? bad : "", *key);
        theme_free(theme);
        return NULL;
    }
    fill_hues(theme);
    return theme;
}

struct theme *theme_load(const char *name, const char *const *dirs, GError **error)
{
    bool builtin = !name || !*name || !strcmp(name, "dark");
    if (!builtin && (strchr(name, '/') || name[0] == '.')) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
            "A theme is chosen by its name, not by a path: \"%s\".", name);
        return NULL;
    }
    g_autofree char *base = g_strdup_printf("%s.theme", builtin ? "dark" : name);
    for (gsize i = 0; dirs && dirs[i]; i++) {
        g_autofree char *path = g_build_filename(dirs[i], base, NULL);
        g_autofree char *ini = NULL;
        gsize len;
        g_autoptr(GError) why = NULL;
        if (g_file_get_contents(path, &ini, &len, &why)) {
            struct theme *theme = theme_parse(ini, len, path, error);
            if (theme) {
                g_free(theme->name);
                theme->name = g_strdup(builtin ? "dark" : name);
            }
            return theme;
        }
        if (!g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
    }
    if (builtin)
        return theme_parse("", 0, "dark", error);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
        "There is no theme \"%s\"; /theme without a name lists them.", name);
    return NULL;
}

void theme_free(struct theme *theme)
{
    if (!theme)
        return;
    g_free(theme->name);
    g_free(theme);
}

const char *theme_name(const struct theme *theme)
{
    return theme->name;
}

static int distance(guint32 a, guint32 b)
{
    int dr = (int)(a >> 16 & 255) - (int)(b >> 16 & 255);
    int dg = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
    int db = (int)(a & 255) - (int)(b & 255);
    return 2 * dr * dr + 4 * dg * dg + 3 * db * db;
}

static guint32 cube_rgb(int index)
{
    static const guint8 levels[6] = { 0, 95, 135, 175, 215, 255 };
    if (index >= 232) {
        guint32 gray = (guint32)(8 + (index - 232) * 10);
        return gray << 16 | gray << 8 | gray;
    }
    index -= 16;
    return (guint32)levels[index / 36] << 16 |
        (guint32)levels[index / 6 % 6] << 8 | levels[index % 6];
}

int theme_rgb(int color)
{
    if (color & LOOK_RGB)
        return color & 0xffffff;
    return color < 0 ? 0 : (int)(color < 16 ? basic_rgb[color] : cube_rgb(color));
}

static int nearest(guint32 rgb, int from, int to)
{
    int best = from, best_distance = G_MAXINT;
    for (int i = from; i < to; i++) {
        int d = distance(rgb, i < 16 ? basic_rgb[i] : cube_rgb(i));
        if (d < best_distance) {
            best_distance = d;
            best = i;
        }
    }
    return best;
}

static int map_color(int color, enum depth depth)
{
    if (color == LOOK_DEFAULT || depth == DEPTH_TRUE || depth == DEPTH_MONO)
        return depth == DEPTH_MONO ? LOOK_DEFAULT : color;
    if (color & LOOK_RGB) {
        guint32 rgb = (guint32)color & 0xffffff;
        return depth == DEPTH_256 ? nearest(rgb, 16, 256)
                                  : nearest(rgb, 0, depth == DEPTH_16 ? 16 : 8);
    }
    if (depth == DEPTH_256)
        return color;
    guint32 rgb = color < 16 ? basic_rgb[color] : cube_rgb(color);
    if (depth == DEPTH_16)
        return color < 16 ? color : nearest(rgb, 0, 16);
    return color < 16 ? color % 8 : nearest(rgb, 0, 8);
}

/* Of eight colours the six with a hue, by angle. */
static int basic_hue(unsigned hue)
{
    static const int wheel[6] = { 1, 3, 2, 6, 4, 5 };
    return wheel[(hue - 1) * 6 / HUES];
}

struct look theme_look(const struct theme *theme, style_t style, enum depth depth)
{
    enum role role = STYLE_ROLE(style), ground = STYLE_GROUND(style);
    if (role >= ROLES)
        role = ROLE_TEXT;
    if (ground >= ROLES)
        ground = ROLE_TEXT;
    const struct look *looks = depth <= DEPTH_16 ? theme->low : theme->looks;
    struct look look = looks[role];
    look.attrs |= STYLE_ATTRS(style);
    if (ground) {
        look.bg = looks[ground].bg;
        /* What the low-colour ground turns around, text on it follows. */
        if (depth <= DEPTH_16 && looks[ground].fg != LOOK_DEFAULT)
            look.fg = looks[ground].fg;
    }
    unsigned hue = STYLE_HUE(style);
    bool on_text = look.bg == LOOK_DEFAULT;
    if (hue && hue <= HUES && (depth > DEPTH_16 || on_text))
        look.fg = depth <= DEPTH_16 ? basic_hue(hue) : (int)(LOOK_RGB | theme->hues[hue]);
    /* Without colours a bar is a bar by being reversed. */
    if (depth == DEPTH_MONO && look.bg != looks[ROLE_TEXT].bg)
        look.attrs |= ATTR_REVERSE;
    look.fg = map_color(look.fg, depth);
    look.bg = map_color(look.bg, depth);
    return look;
}

/* GNU Screen hands the variable on without knowing such colours; tmux, which
 * may call itself screen too, does know them. */
static bool says_true_color(const char *term)
{
    const char *says = g_getenv("COLORTERM");
    return says && (!strcmp(says, "truecolor") || !strcmp(says, "24bit")) &&
        !(term && g_str_has_prefix(term, "screen") && !g_getenv("TMUX"));
}

enum depth theme_depth(const char *wanted, const char *term, int terminfo_colors)
{
    static const char *const names[] = { "none", "8", "16", "256", "true" };
    for (gsize i = 0; wanted && i < G_N_ELEMENTS(names); i++)
        if (!strcmp(wanted, names[i]))
            return (enum depth)i;
    const char *no_color = g_getenv("NO_COLOR"); /* no-color.org */
    if ((no_color && *no_color) || terminfo_colors < 8)
        return DEPTH_MONO;
    if (terminfo_colors > 256 || says_true_color(term))
        return DEPTH_TRUE;
    return terminfo_colors == 256 ? DEPTH_256
        : terminfo_colors >= 16   ? DEPTH_16
                                  : DEPTH_8;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **theme_list(const char *const *dirs)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *list = g_ptr_array_new();
    g_ptr_array_add(list, g_strdup("dark"));
    g_hash_table_add(names, list->pdata[0]);
    for (gsize i = 0; dirs && dirs[i]; i++) {
        g_autoptr(GDir) dir = g_dir_open(dirs[i], 0, NULL);
        const char *file;
        while (dir && (file = g_dir_read_name(dir))) {
            if (!g_str_has_suffix(file, ".theme") || file[0] == '.')
                continue;
            g_autofree char *name = g_strndup(file, strlen(file) - 6);
            if (g_hash_table_contains(names, name))
                continue;
            g_ptr_array_add(list, g_steal_pointer(&name));
            g_hash_table_add(names, list->pdata[list->len - 1]);
        }
    }
    qsort(list->pdata, list->len, sizeof(gpointer), compare_names);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}
