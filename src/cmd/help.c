/* /help: the same rows that make the manual, as plain text. */
#include <string.h>

#include "cmd/engine_private.h"
#include "cmd/help.h"
#include "base/intl.h"
#include "base/text.h"
#include "store/option.h"

#define CHOICES_SHOWN 44

struct writer {
    GString *out;
    bool whole; /* a line is a paragraph: who shows it wraps it */
};

char *arg_placeholder(const struct arg *arg)
{
    if (arg->choices && strlen(arg->choices) <= CHOICES_SHOWN)
        return g_strdelimit(g_strdup(arg->choices), " ", '|');
    if (arg->kind && arg->kind->placeholder)
        return g_strdup(arg->kind->placeholder);
    return g_strdelimit(g_ascii_strup(arg->name, -1), "_", '-');
}

static void append_arg(GString *out, const struct arg *arg)
{
    g_autofree char *value = arg->kind ? arg_placeholder(arg) : NULL;
    const char *dots = arg->flags & (ARG_REPEAT | ARG_REST) ? "..." : "";
    if (arg->option)
        g_string_append_printf(out, " [%.*s%s%s]%s",
            (int)strcspn(arg->option, " "), arg->option, value ? " " : "",
            value ? value : "", arg->flags & ARG_REPEAT ? "..." : "");
    else if (arg->flags & ARG_OPTIONAL)
        g_string_append_printf(out, " [%s%s]", value, dots);
    else
        g_string_append_printf(out, " %s%s", value, dots);
}

/* Options must come before the rest of the line. */
char *help_synopsis(const struct command *command, const char *prefix)
{
    GString *out = g_string_new("/");
    g_string_append(out, prefix ? prefix : command->name);
    const struct arg *args = command->args;
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < COMMAND_ARGS && args[i].name; i++) {
            int place = args[i].option ? 1 : args[i].flags & ARG_REST ? 2 : 0;
            if (place == pass)
                append_arg(out, &args[i]);
        }
    if (command->needs & NEEDS_CONSENT)
        g_string_append(out, " [--yes|--no]");
    return g_string_free(out, FALSE);
}

/* Translated; "" is what gettext keeps its header under. */
static const char *shown(const char *text)
{
    return text && *text ? _(text) : "";
}

/* What must not begin a line, and what must not end one, in scripts that
 * break between any two characters. */
static bool is_glued(const struct grapheme *g, const char *set)
{
    return g_utf8_strchr(set, -1, g_utf8_get_char(g->start));
}

/* Bytes of text that stay together, without the blanks behind them. */
static size_t word_len(const char *text)
{
    const char *end = text + strcspn(text, " \n"), *at = text;
    struct grapheme g;
    bool wide = false, opens = false;
    while (at < end && text_next_grapheme(at, end, &g)) {
        bool breaks = (wide || g.width_cells > 1) && at > text && !opens &&
            !is_glued(&g, "、。，．：；！？…）〕］｝」』】〉》”’");
        if (breaks)
            break;
        wide = g.width_cells > 1;
        opens = is_glued(&g, "（〔［｛「『【〈《“‘");
        at = g.start + g.len_bytes;
    }
    return (size_t)(at - text);
}

enum { WRAP_COLS = 76 };

/* Text behind indent blanks, wrapped; on the screen the pane does that. */
static void append_wrapped(struct writer *to, const char *text, int indent)
{
    g_auto(GStrv) paragraphs = g_strsplit(shown(text), "\n\n", -1);
    for (char **p = paragraphs; *p; p++) {
        if (p != paragraphs)
            g_string_append_c(to->out, '\n');
        int column = 0;
        for (const char *at = *p; *at;) {
            bool blank = *at == ' ' || *at == '\n';
            at += strspn(at, " \n");
            size_t len = word_len(at);
            int width = text_width(at, (gssize)len);
            if (!len)
                break;
            if (!to->whole && column && column + blank + width > WRAP_COLS) {
                g_string_append_c(to->out, '\n');
                column = 0;
            }
            int gap = column ? blank : indent;
            g_string_append_printf(to->out, "%*s%.*s", gap, "", (int)len, at);
            column += gap + width;
            at += len;
        }
        g_string_append_c(to->out, '\n');
    }
}

/* "  head    text", aligned by cells. */
static void append_pair(GString *out, const char *head, int cols, const char *text)
{
    int width = text_width(head, -1);
    if (width <= cols)
        g_string_append_printf(out, "  %s%*s  %s\n", head, cols - width, "", text);
    else
        g_string_append_printf(out, "  %s\n%*s%s\n", head, cols + 4, "", text);
}

static void append_args(GString *out, const struct command *command)
{
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++) {
        const struct arg *arg = &command->args[i];
        if (!arg->summary)
            continue;
        g_autofree char *value = arg->kind ? arg_placeholder(arg) : NULL;
        g_autofree char *head = g_strconcat(arg->option ? arg->option : "",
            arg->option && value ? " " : "", value ? value : "", NULL);
        append_pair(out, head, 18, shown(arg->summary));
    }
}

static void append_examples(struct writer *to, const struct command *command)
{
    if (!command->examples)
        return;
    g_string_append_printf(to->out, "\n%s\n", _("Examples:"));
    for (const char *const *e = command->examples; e[0]; e += 2) {
        g_string_append_printf(to->out, "  %s\n", e[0]);
        if (!e[1])
            break;
        append_wrapped(to, e[1], 6);
    }
}

static void append_aliases(GString *out, const struct command *command)
{
    if (!command->aliases)
        return;
    g_auto(GStrv) names = g_strsplit(command->aliases, " ", -1);
    g_autoptr(GString) list = g_string_new(NULL);
    for (char **name = names; *name; name++) {
        char *equals = strchr(*name, '=');
        if (equals)
            *equals = '\0';
        g_string_append_printf(list, "%s/%s", list->len ? ", " : "", *name);
    }
    g_string_append_c(out, '\n');
    g_string_append_printf(out, _("Also: %s"), list->str);
    g_string_append_c(out, '\n');
}

static void append_command(
    struct writer *to, const struct command *command, const char *name)
{
    bool runs = command->run || !command->sub;
    g_autofree char *head = runs ? help_synopsis(command, name)
                                 : g_strconcat("/", name, NULL);
    g_string_append_printf(to->out, "%s\n", head);
    append_wrapped(to, command->summary, 4);
    if (runs)
        append_args(to->out, command);
    if (command->detail) {
        g_string_append_c(to->out, '\n');
        append_wrapped(to, command->detail, 4);
    }
    append_examples(to, command);
    for (const struct command *sub = command->sub; sub && sub->name; sub++) {
        g_autofree char *full = g_strconcat(name, " ", sub->name, NULL);
        g_string_append_c(to->out, '\n');
        append_command(to, sub, full);
    }
}

const char *option_kind_words(const struct option *row)
{
    switch (row->kind) {
    case OPTION_BOOL:
        return _("on or off");
    case OPTION_INT:
        return _("number");
    case OPTION_SECONDS:
        return _("seconds (or 5m, 2h, 1d)");
    case OPTION_ENUM:
        return row->choices;
    case OPTION_LIST:
        return _("words");
    case OPTION_STRING:
        break;
    }
    return _("text");
}

static void append_option(struct writer *to, const struct option *row)
{
    g_string_append_printf(to->out, "%s = %s\n", row->name, option_kind_words(row));
    append_wrapped(to, row->summary, 4);
    if (row->detail) {
        g_string_append_c(to->out, '\n');
        append_wrapped(to, row->detail, 4);
    }
    g_string_append(to->out, "    ");
    g_string_append_printf(to->out, _("Default: %s"),
        row->fallback && *row->fallback ? row->fallback : _("unset"));
    g_string_append_c(to->out, '\n');
}

static void append_overview_line(const struct command *command, gpointer data)
{
    g_autofree char *head = g_strconcat("/", command->name, NULL);
    append_pair(data, head, 15, shown(command->summary));
}

static void append_overview(struct writer *to, const struct engine *engine)
{
    append_wrapped(to,
        N_("/help COMMAND tells more, /help WORDS searches: /help delete "
           "contact. A line without a slash is sent to the chat. The "
           "commands:"), 0);
    engine_foreach(engine, append_overview_line, to->out);
}

/* "roster add", "/roster add", an alias of it. */
static const struct command *find_topic(
    const struct engine *engine, const char *topic, char **name)
{
    g_auto(GStrv) words = g_strsplit(topic, " ", -1);
    const struct command *command = NULL;
    GString *full = g_string_new(NULL);
    for (char **word = words; *word; word++) {
        const char *w = **word == '/' ? *word + 1 : *word;
        if (!*w)
            continue;
        const struct command *next = command
            ? command_find_sub(command, w, NULL)
            : engine_find(engine, w);
        if (!next) {
            g_string_free(full, TRUE);
            return NULL;
        }
        g_string_append_printf(
            full, "%s%s", full->len ? " " : "", next->name);
        command = next;
    }
    *name = g_string_free(full, FALSE);
    return command;
}

char *help_text(const struct engine *engine, const char *topic, bool whole,
    GError **error)
{
    g_autofree char *name = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    struct writer to = { out, whole };
    const struct command *command =
        topic && *topic ? find_topic(engine, topic, &name) : NULL;
    const struct option *row = topic && engine->options
        ? options_row(engine->options, topic) : NULL;
    if (!topic || !*topic)
        append_overview(&to, engine);
    else if (command) {
        append_command(&to, command, name);
        append_aliases(out, command);
    } else if (row)
        append_option(&to, row);
    else {
        g_autofree char *near =
            engine_nearest(engine, *topic == '/' ? topic + 1 : topic);
        g_set_error(error, COMMAND_ERROR, 0,
            near ? _("There is no help on that topic; did you mean %s? /help "
                     "lists the commands")
                 : _("There is no help on that topic. /help lists the commands, "
                     "and fewer or other words find more%s"),
            near ? near : "");
        return NULL;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* ---- the rows' texts, for xgettext ---- */

void help_add_words(GString *out, const char *text)
{
    if (!text || !*text)
        return;
    g_string_append(out, "N_(\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append(out, *p == '\n' ? "\\n" : (const char[]){ *p, '\0' });
    }
    g_string_append(out, "\")\n");
}

static void add_command(const struct command *command, gpointer data)
{
    GString *out = data;
    help_add_words(out, command->summary);
    help_add_words(out, command->words);
    help_add_words(out, command->detail);
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++)
        help_add_words(out, command->args[i].summary);
    for (const char *const *e = command->examples; e && e[0] && e[1]; e += 2)
        help_add_words(out, e[1]);
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        add_command(sub, out);
}

static void add_option(const struct option *row, gpointer data)
{
    help_add_words(data, row->summary);
    help_add_words(data, row->words);
    help_add_words(data, row->detail);
}

void help_print_words(
    const struct engine *engine, const struct options *options, GString *out)
{
    engine_foreach(engine, add_command, out);
    options_foreach(options, add_option, out);
}

char *help_words_header(const char *lines)
{
    g_auto(GStrv) each = g_strsplit(lines, "\n", -1);
    guint n = g_strv_length(each);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) out = g_string_new(
        "/* What the tables show to people; \"make man\" writes it. */\n");
    for (guint i = 0; i < n; i++)
        if (*each[i] && g_hash_table_add(seen, each[i]))
            g_string_append_printf(out, "%s\n", each[i]);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
