/*
 * A theme is a palette, some thirty colours with a meaning ("accent", "bar"),
 * and what each role takes of it: so a theme file names its palette, a role
 * that is new looks right in all of them, and a file may still give any role
 * a look of its own. A look is written three times, "colours | 8 and 16
 * colours | none"; what is left out is computed, here and nowhere else.
 */
#include "config.h"
#include "ui/theme/theme.h"
#include "base/intl.h"
#include <stdlib.h>
#include <string.h>

/* Of the default theme; what has no colour there is another one's above it. */
const struct palette_row palette_rows[PALETTE_COLORS] = {
    { "ground", "default", "ground of everything" },
    { "text", "default", "text" },
    { "muted", "#9aa4b6 | white", "less important text" },
    { "faint", "#8a93a5 | white", "least important text" },
    { "rule", "#4a5265 | blue", "lines" },
    { "accent", "#7aa2f7 | bright-cyan", "headings, prompt, what has the focus" },
    { "accent-text", "#1a1b26 | black", "text upon accent" },
    { "info", "#7dcfff | cyan", "what is new, links" },
    { "good", "#9ece6a | green", "all is well" },
    { "warn", "#e0af68 | yellow", "attention" },
    { "hot", "#ff9e64 | bright-magenta", "what means you" },
    { "bad", "#f7768e | bright-red", "errors, danger" },
    { "bad-text", "#1a1b26 | black", "text upon bad" },
    { "special", "#bb9af7 | bright-magenta", "actions, other kinds of text" },
    { "bar", "#262c38 | blue", "ground of title and status line" },
    { "bar-text", "#d5dbe6 | bright-white", "text upon bar" },
    { "bar-muted", "muted | white", "less important text upon bar" },
    { "bar-info", "info | bright-cyan", "news upon bar" },
    { "bar-good", "good | bright-green", "all is well, upon bar" },
    { "bar-warn", "warn | bright-yellow", "attention, upon bar" },
    { "bar-hot", "hot | bright-yellow", "what means you, upon bar" },
    { "bar-bad", "bad | bright-white", "not connected, upon bar" },
    { "raised", "#2d3444 | white", "ground of what is open" },
    { "raised-text", "#e3e6ee | black", "text upon raised" },
    { "select", "#005f87 | cyan", "ground of what is chosen" },
    { "select-text", "#ffffff | black", "text upon select" },
    { "box", "#1e2430 | white", "ground of dialogs and menus" },
    { "box-text", "bar-text | black", "text upon box" },
    { "box-muted", "muted | black", "less important text upon box" },
    { "box-border", "#5b7cc4 | blue", "border of dialogs and menus" },
    { "box-hot", "hot | red", "warnings upon box" },
    { "field", "#343c4d | blue", "ground of fields and buttons" },
    { "field-text", "box-text | bright-white", "text upon field" },
};

/* Without "on" a role stands on the ground. */
const struct role_row role_rows[ROLES] = {
    [ROLE_TEXT] = { "text", "text", "everything without a role of its own" },
    [ROLE_DIM] = { "dim", "muted | muted dim", "secondary text" },
    [ROLE_RULE] = { "rule", "rule", "lines between panes" },
    [ROLE_TITLE] = { "title", "bar-text on bar", "title bar" },
    [ROLE_TITLE_NAME] = { "title-name", "bar-text on bar bold",
        "name of the conversation in the title bar" },
    [ROLE_TITLE_DIM] = { "title-dim", "bar-muted on bar",
        "status text in the title bar" },
    [ROLE_SECURE] = { "secure", "bar-good on bar", "encrypted connection or chat" },
    [ROLE_INSECURE] = { "insecure", "bar-warn on bar bold", "not encrypted" },
    [ROLE_STATUS] = { "status", "bar-text on bar", "status line" },
    [ROLE_STATUS_HOT] = { "status-hot", "bar-info on bar bold",
        "windows with new messages" },
    [ROLE_STATUS_MENTION] = { "status-mention",
        "bar-hot on bar bold || reverse bold underline",
        "windows where somebody spoke of you" },
    [ROLE_STATUS_DIM] = { "status-dim", "bar-muted on bar",
        "quiet parts of the status line" },
    [ROLE_STATUS_GOOD] = { "status-good", "bar-good on bar", "connected" },
    [ROLE_STATUS_BAD] = { "status-bad",
        "bar-bad on bar bold | bright-white on red bold | reverse bold underline",
        "not connected" },
    [ROLE_ROSTER_ACCOUNT] = { "roster-account", "accent bold", "account heading" },
    [ROLE_ROSTER_GROUP] = { "roster-group", "muted bold", "group heading" },
    [ROLE_ROSTER_NAME] = { "roster-name", "text", "contact" },
    [ROLE_ROSTER_OFFLINE] = { "roster-offline", "faint | faint dim | dim",
        "contact that is offline" },
    [ROLE_ROSTER_OPEN] = { "roster-open", "raised-text on raised bold || bold underline",
        "contact of the conversation on the screen" },
    [ROLE_SELECTED] = { "selected", "select-text on select bold",
        "row under the cursor" },
    [ROLE_ONLINE] = { "online", "good", "presence: available" },
    [ROLE_CHAT] = { "chat", "good bold", "presence: free for chat" },
    [ROLE_AWAY] = { "away", "warn", "presence: away" },
    [ROLE_XA] = { "xa", "warn | warn dim", "presence: away for long" },
    [ROLE_DND] = { "dnd", "bad", "presence: do not disturb" },
    [ROLE_OFFLINE] = { "offline", "faint | faint dim | dim", "presence: offline" },
    [ROLE_PENDING] = { "pending", "hot bold",
        "subscription that waits for an answer" },
    [ROLE_UNREAD] = { "unread", "info bold", "number of unread messages" },
    [ROLE_MENTION] = { "mention", "hot bold",
        "number of messages that speak of you" },
    [ROLE_TIME] = { "time", "faint | faint dim | dim", "time of a message" },
    [ROLE_DAY] = { "day", "faint | faint dim | dim", "line between days" },
    [ROLE_NEW] = { "new", "warn", "line above new messages" },
    [ROLE_NICK] = { "nick", "text", "names of others; coloured by name" },
    [ROLE_NICK_SELF] = { "nick-self", "muted | muted bold", "your own name" },
    [ROLE_MESSAGE] = { "message", "text", "text of a message" },
    [ROLE_ACTION] = { "action", "special italic", "/me" },
    [ROLE_NOTICE] = { "notice", "muted | info", "what txmpp itself says" },
    [ROLE_ERROR] = { "error", "bad", "errors" },
    [ROLE_LINK] = { "link", "info underline", "links" },
    [ROLE_FOUND] = { "found", "accent-text on accent || reverse underline",
        "what was searched for, where it stands" },
    [ROLE_QUEUED] = { "queued", "faint | faint dim | dim", "message not sent yet" },
    [ROLE_SENT] = { "sent", "faint | faint dim | dim", "the server has it" },
    [ROLE_DELIVERED] = { "delivered", "muted", "it has arrived" },
    [ROLE_DISPLAYED] = { "displayed", "good", "it was read" },
    [ROLE_FAILED] = { "failed", "bad bold", "not delivered" },
    [ROLE_PROMPT] = { "prompt", "accent bold", "prompt" },
    [ROLE_PROMPT_COMMAND] = { "prompt-command", "warn bold",
        "prompt in front of a command" },
    [ROLE_INPUT] = { "input", "text", "what you type" },
    [ROLE_GHOST] = { "ghost", "faint | faint dim | dim",
        "hints in empty fields and after the cursor" },
    [ROLE_MENU] = { "menu", "box-text on box", "completion menu" },
    [ROLE_MENU_SELECTED] = { "menu-selected", "select-text on select bold || bold",
        "chosen item of the menu" },
    [ROLE_PANE_TITLE] = { "pane-title", "muted",
        "heading of a part of a split screen" },
    [ROLE_PANE_TITLE_FOCUS] = { "pane-title-focus", "accent bold",
        "heading of the part that has the keys" },
    [ROLE_PANEL] = { "panel", "text", "results of commands" },
    [ROLE_PANEL_TITLE] = { "panel-title", "accent bold", "heading of results" },
    [ROLE_COLUMN] = { "column", "muted underline", "heading of a table" },
    [ROLE_DIALOG] = { "dialog", "box-text on box || default", "dialogs" },
    [ROLE_DIALOG_TITLE] = { "dialog-title", "box-text on box bold || bold",
        "title of a dialog" },
    [ROLE_DIALOG_BORDER] = { "dialog-border", "box-border on box || default",
        "border of a dialog" },
    [ROLE_DIALOG_LABEL] = { "dialog-label", "box-muted on box || default",
        "labels in a dialog" },
    [ROLE_DIALOG_WARNING] = { "dialog-warning", "box-hot on box bold || bold",
        "warnings in a dialog" },
    [ROLE_FIELD] = { "field", "field-text on field || underline",
        "field of a dialog" },
    [ROLE_FIELD_ACTIVE] = { "field-active", "select-text on select",
        "field being filled in" },
    [ROLE_BUTTON] = { "button", "field-text on field", "button" },
    [ROLE_BUTTON_ACTIVE] = { "button-active",
        "accent-text on accent bold || reverse bold", "highlighted button" },
    [ROLE_BUTTON_DANGER] = { "button-danger",
        "bad-text on bad bold | bright-white on red bold | reverse bold underline",
        "highlighted button that destroys something" },
    [ROLE_XML_IN] = { "xml-in", "info", "stanzas from the server" },
    [ROLE_XML_OUT] = { "xml-out", "warn", "stanzas to the server" },
    [ROLE_CODE] = { "code", "good", "preformatted text" },
    [ROLE_QUOTE] = { "quote", "muted", "quoted text" },
    [ROLE_MARKUP] = { "markup", "faint | faint dim | dim",
        "the marks of styled text: * _ ~ ` >" },
    [ROLE_LINK_NUMBER] = { "link-number", "muted", "number of a link, for /url" },
    [ROLE_PICKED] = { "picked", "raised-text on raised", "message under the cursor of /pick" },
    [ROLE_MISSPELT] = { "misspelt", "bad underline", "word that is not in the dictionary" },
};

static const struct {
    const char *name;
    unsigned attr;
} attr_names[] = {
    { "bold", ATTR_BOLD }, { "dim", ATTR_DIM }, { "italic", ATTR_ITALIC },
    { "underline", ATTR_UNDERLINE }, { "reverse", ATTR_REVERSE },
    { "strike", ATTR_STRIKE },
};

enum { FULL, LOW, NONE, TIERS };

struct theme {
    char *name, *summary;
    bool light, colorless;
    int palette[LOW + 1][PALETTE_COLORS];
    struct look looks[TIERS][ROLES];
    double saturation, lightness;
    const char *correction;
    int hues[HUES + 1]; /* 0xrrggbb, filled at load */
};

static const char *const corrections[] = { "all", "red-green", "blue" };

/* Of the palette's first known ones, or a colour. */
static bool parse_color(
    const struct theme *theme, int tier, int known, const char *word, int *out)
{
    for (int i = 0; i < known; i++)
        if (!strcmp(word, palette_rows[i].name)) {
            *out = theme->palette[tier][i];
            return true;
        }
    return color_parse(word, out);
}

static bool parse_look(struct theme *theme, int tier, const char *spec,
    struct look *look, char **bad)
{
    enum { GROUND, TEXT }; /* the palette's first two */
    int source = MIN(tier, LOW);
    *look = (struct look){ theme->palette[source][TEXT],
        theme->palette[source][GROUND], 0 };
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
        else if (!parse_color(theme, source, PALETTE_COLORS, *word, &color) ||
            (seen_fg && !ground)) {
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

/* "a | b | c": the tier's own part, or NULL where it is left out. */
static const char *part_of(char *const *parts, int tier)
{
    for (int i = 0; i < tier; i++)
        if (!parts[i])
            return NULL;
    const char *part = parts[tier];
    return part && (part[strspn(part, " \t")] || tier == NONE) ? part : NULL;
}

static bool set_role(struct theme *theme, enum role role, const char *spec, char **bad)
{
    g_auto(GStrv) parts = g_strsplit(spec, "|", TIERS);
    for (int tier = FULL; tier < TIERS; tier++) {
        const char *part = part_of(parts, tier);
        struct look *look = &theme->looks[tier][role];
        if (!parse_look(theme, tier, part ? part : *parts ? *parts : "", look, bad))
            return false;
        /* Without colours a bar is a bar by being reversed. */
        if (tier == NONE && !part && theme->looks[FULL][role].bg != *theme->palette[FULL])
            look->attrs |= ATTR_REVERSE;
        if (tier == NONE)
            look->fg = look->bg = COLOR_DEFAULT;
    }
    return true;
}

static bool set_color(struct theme *theme, int at, const char *spec, char **bad)
{
    g_auto(GStrv) parts = g_strsplit(spec, "|", 2);
    for (int tier = FULL; tier <= LOW; tier++) {
        const char *part = part_of(parts, tier);
        g_autofree char *word = g_strstrip(g_strdup(part ? part : *parts ? *parts : ""));
        if (!parse_color(theme, tier, at, word, &theme->palette[tier][at])) {
            *bad = g_steal_pointer(&word);
            return false;
        }
    }
    return true;
}

static void fill_hues(struct theme *theme)
{
    for (int i = 1; i <= HUES; i++)
        theme->hues[i] =
            color_hsluv(color_correct(theme->correction, (i - 0.5) * 360 / HUES),
                theme->saturation, theme->lightness);
}

static double get_number(GKeyFile *file, const char *key, double fallback)
{
    g_autofree char *text = g_key_file_get_string(file, "theme", key, NULL);
    guint64 number;
    if (!text || !g_ascii_string_to_unsigned(text, 10, 0, 100, &number, NULL))
        return fallback;
    return (double)number;
}

static bool is_word(GKeyFile *file, const char *key, const char *word)
{
    g_autofree char *text = g_key_file_get_string(file, "theme", key, NULL);
    return text && !strcmp(g_strstrip(text), word);
}

static void read_head(struct theme *theme, GKeyFile *file)
{
    theme->saturation = get_number(file, "nick_saturation", 75);
    theme->lightness = CLAMP(get_number(file, "nick_lightness", 72), 5, 95);
    theme->light = is_word(file, "background", "light");
    theme->colorless = is_word(file, "colors", "none");
    theme->summary = g_key_file_get_locale_string(file, "theme", "summary", NULL, NULL);
    theme->correction = corrections[0];
    for (gsize i = 0; i < G_N_ELEMENTS(corrections); i++)
        if (is_word(file, "nick_hues", corrections[i]))
            theme->correction = corrections[i];
}

static int find_color(const char *name)
{
    int at = 0;
    while (at < PALETTE_COLORS && strcmp(palette_rows[at].name, name) != 0)
        at++;
    return at;
}

static int find_role(const char *name)
{
    int at = 0;
    while (at < ROLES && strcmp(role_rows[at].name, name) != 0)
        at++;
    return at;
}

/* In the order of the table, so that an entry can name those above it; then
 * what the file adds to that. On failure *key is at fault. */
static bool read_palette(struct theme *theme, GKeyFile *file, char **key, char **bad)
{
    for (int i = 0; i < PALETTE_COLORS; i++) {
        g_autofree char *own =
            g_key_file_get_string(file, "palette", palette_rows[i].name, NULL);
        *key = (char *)palette_rows[i].name;
        if (!set_color(theme, i, own ? own : palette_rows[i].spec, bad))
            return false;
    }
    return true;
}

static bool read_roles(struct theme *theme, GKeyFile *file, char **key, char **bad)
{
    for (int i = 0; i < ROLES; i++) {
        g_autofree char *own =
            g_key_file_get_string(file, "roles", role_rows[i].name, NULL);
        *key = (char *)role_rows[i].name;
        if (!set_role(theme, (enum role)i, own ? own : role_rows[i].spec, bad))
            return false;
    }
    return true;
}

/* A name that nobody knows is a slip of the pen. */
static bool knows_keys(GKeyFile *file, const char *group, int (*find)(const char *),
    int count, const char *label, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);
    for (char **key = keys; key && *key; key++)
        if (find(*key) == count) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                _("%s: there is no \"%s\" under [%s]; txmpp-themes(5) has the list."),
                label, *key, group);
            return false;
        }
    return true;
}

struct theme *theme_parse(const char *ini, gsize len, const char *label, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) why = NULL;
    if (len > 256 * 1024 || memchr(ini, 0, len) ||
        !g_utf8_validate_len(ini, len, NULL)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE,
            _("%s is not a theme: it must be a short UTF-8 text file."), label);
        return NULL;
    }
    if (len && !g_key_file_load_from_data(file, ini, len, 0, &why)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE,
            _("%s cannot be read as a theme: %s."), label, why->message);
        return NULL;
    }
    if (!knows_keys(file, "palette", find_color, PALETTE_COLORS, label, error) ||
        !knows_keys(file, "roles", find_role, ROLES, label, error))
        return NULL;
    struct theme *theme = g_new0(struct theme, 1);
    theme->name = g_strdup("dark");
    read_head(theme, file);
    char *key = NULL;
    g_autofree char *bad = NULL;
    if (!read_palette(theme, file, &key, &bad) || !read_roles(theme, file, &key, &bad)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
            _("%s: \"%s\" in the line of %s is neither a colour nor an attribute."),
            label, bad, key);
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
            _("A theme is chosen by its name, not by a path: \"%s\"."), name);
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
        _("There is no theme \"%s\"; /theme without a name lists them."), name);
    return NULL;
}

void theme_free(struct theme *theme)
{
    if (!theme)
        return;
    g_free(theme->name);
    g_free(theme->summary);
    g_free(theme);
}

const char *theme_name(const struct theme *theme)
{
    return theme->name;
}

const char *theme_summary(const struct theme *theme)
{
    return theme->summary ? theme->summary : "";
}

void theme_correct(struct theme *theme, const char *correction)
{
    theme->correction = correction;
    fill_hues(theme);
}

bool theme_is_light(const struct theme *theme)
{
    return theme->light;
}

static int map_color(int color, enum depth depth)
{
    if (color == COLOR_DEFAULT || depth == DEPTH_TRUE)
        return color;
    if (depth == DEPTH_256)
        return color & COLOR_RGB ? color_nearest(color, 16, 256) : color;
    return color < 16 ? color : color_nearest(color, 0, 16);
}

/* 0xrrggbb; the terminal's own ground, when it is a hard one to read upon. */
static int ground_rgb(const struct theme *theme, int bg)
{
    return bg != COLOR_DEFAULT ? color_rgb(bg) : theme->light ? 0xf5f5f5 : 0x1e1e1e;
}

/* What could be read still can. */
static void map_look(const struct theme *theme, struct look *look, enum depth depth)
{
    bool upon = depth == DEPTH_256 && look->fg != COLOR_DEFAULT && look->fg & COLOR_RGB;
    double contrast =
        upon ? color_contrast(color_rgb(look->fg), ground_rgb(theme, look->bg)) : 0;
    look->bg = map_color(look->bg, depth);
    if (upon)
        look->fg = color_nearest_upon(look->fg, COLOR_RGB | ground_rgb(theme, look->bg),
            MIN(contrast, COLOR_READABLE), 16, 256);
    look->fg = map_color(look->fg, depth);
}

/* Of the basic colours those with a hue that can be read, by angle. */
static int basic_hue(const struct theme *theme, unsigned hue)
{
    static const int dark[6] = { 9, 11, 10, 14, 12, 13 };
    static const int light[6] = { 1, 1, 4, 4, 4, 5 };
    int at = (int)(hue - 1) * 6 / HUES;
    return (theme->light ? light : dark)[at];
}

/* Bright ones of eight colours are bold. */
static void to_eight(struct look *look)
{
    if (look->fg >= 8) {
        look->fg &= 7;
        look->attrs |= ATTR_BOLD;
    }
    if (look->bg >= 8)
        look->bg &= 7;
}

static bool is_readable(struct look look)
{
    return look.fg != COLOR_DEFAULT && look.bg != COLOR_DEFAULT &&
        color_contrast(color_rgb(look.fg), color_rgb(look.bg)) >= COLOR_READABLE;
}

struct look theme_look(const struct theme *theme, style_t style, enum depth depth)
{
    enum role role = STYLE_ROLE(style), ground = STYLE_GROUND(style);
    if (role >= ROLES)
        role = ROLE_TEXT;
    if (ground >= ROLES)
        ground = ROLE_TEXT;
    bool none = theme->colorless || depth == DEPTH_MONO;
    int tier = none ? NONE : depth <= DEPTH_16 ? LOW : FULL;
    const struct look *looks = theme->looks[tier];
    struct look look = looks[role];
    look.attrs |= STYLE_ATTRS(style);
    if (ground) {
        look.bg = looks[ground].bg;
        look.attrs = (look.attrs & ~(unsigned)ATTR_REVERSE) |
            (looks[ground].attrs & ATTR_REVERSE);
    }
    if (none)
        return look;
    unsigned hue = STYLE_HUE(style);
    if (hue && hue <= HUES)
        look.fg = tier == FULL ? COLOR_RGB | theme->hues[hue] : basic_hue(theme, hue);
    /* What cannot be read upon a ground has the colour of the text there. */
    if (look.bg != *theme->palette[tier] && (ground || hue) &&
        (tier == LOW || !is_readable(look)))
        look.fg = looks[ground ? ground : role].fg;
    map_look(theme, &look, depth);
    if (depth == DEPTH_8)
        to_eight(&look);
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
