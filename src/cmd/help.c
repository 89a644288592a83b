/* /help: the same rows that make the manual, as plain text. */
#include <string.h>

#include "cmd/engine_private.h"
#include "cmd/help.h"
#include "store/option.h"

#define CHOICES_SHOWN 44

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

/* Text wrapped at 76 columns behind indent blanks. */
static void append_wrapped(GString *out, const char *text, int indent)
{
    g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);
    for (char **p = paragraphs; *p; p++) {
        if (p != paragraphs)
            g_string_append_c(out, '\n');
        g_auto(GStrv) words = g_strsplit_set(*p, " \n", -1);
        glong column = 0;
        for (char **word = words; *word; word++) {
            glong width = g_utf8_strlen(*word, -1);
            if (!width)
                continue;
            if (column && column + 1 + width > 76) {
                g_string_append_c(out, '\n');
                column = 0;
            }
            g_string_append_printf(out, "%*s%s", column ? 1 : indent, "", *word);
            column += width + (column ? 1 : indent);
        }
        g_string_append_c(out, '\n');
    }
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
        if (g_utf8_strlen(head, -1) <= 18)
            g_string_append_printf(out, "  %-18s  %s\n", head, arg->summary);
        else
            g_string_append_printf(
                out, "  %s\n%*s%s\n", head, 22, "", arg->summary);
    }
}

static void append_examples(GString *out, const struct command *command)
{
    if (!command->examples)
        return;
    g_string_append(out, "\nExamples:\n");
    for (const char *const *e = command->examples; e[0]; e += 2) {
        g_string_append_printf(out, "  %s\n", e[0]);
        if (!e[1])
            break;
        append_wrapped(out, e[1], 6);
    }
}

static void append_aliases(GString *out, const struct command *command)
{
    if (!command->aliases)
        return;
    g_auto(GStrv) names = g_strsplit(command->aliases, " ", -1);
    GString *list = g_string_new(NULL);
    for (char **name = names; *name; name++) {
        char *equals = strchr(*name, '=');
        if (equals)
            *equals = '\0';
        g_string_append_printf(list, "%s/%s", list->len ? ", " : "", *name);
    }
    g_string_append_printf(out, "\nAlso: %s\n", list->str);
    g_string_free(list, TRUE);
}

static void append_command(
    GString *out, const struct command *command, const char *name)
{
    if (command->run || !command->sub) {
        g_autofree char *synopsis = help_synopsis(command, name);
        g_string_append_printf(out, "%s\n", synopsis);
        append_wrapped(out, command->summary ? command->summary : "", 4);
        append_args(out, command);
        if (command->detail) {
            g_string_append_c(out, '\n');
            append_wrapped(out, command->detail, 4);
        }
    } else {
        g_string_append_printf(out, "/%s\n", name);
        append_wrapped(out, command->summary ? command->summary : "", 4);
        if (command->detail) {
            g_string_append_c(out, '\n');
            append_wrapped(out, command->detail, 4);
        }
    }
    append_examples(out, command);
    for (const struct command *sub = command->sub; sub && sub->name; sub++) {
        g_autofree char *full = g_strconcat(name, " ", sub->name, NULL);
        g_string_append_c(out, '\n');
        append_command(out, sub, full);
    }
}

const char *option_kind_words(const struct option *row)
{
    switch (row->kind) {
    case OPTION_BOOL:
        return "on or off";
    case OPTION_INT:
        return "number";
    case OPTION_SECONDS:
        return "seconds (or 5m, 2h, 1d)";
    case OPTION_ENUM:
        return row->choices;
    case OPTION_LIST:
        return "words";
    case OPTION_STRING:
        break;
    }
    return "text";
}

static char *option_help(const struct option *row)
{
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "%s = %s\n", row->name, option_kind_words(row));
    append_wrapped(out, row->summary ? row->summary : "", 4);
    if (row->detail) {
        g_string_append_c(out, '\n');
        append_wrapped(out, row->detail, 4);
    }
    g_string_append_printf(out, "    Default: %s\n",
        row->fallback && *row->fallback ? row->fallback : "unset");
    return g_string_free(out, FALSE);
}

static void append_overview_line(const struct command *command, gpointer data)
{
    g_string_append_printf(data, "  /%-14s %s\n", command->name,
        command->summary ? command->summary : "");
}

static char *overview(const struct engine *engine)
{
    GString *out = g_string_new("/help COMMAND tells more, /help ?WORDS "
        "searches. A line without a slash\nis sent to the chat. The "
        "commands:\n");
    engine_foreach(engine, append_overview_line, out);
    return g_string_free(out, FALSE);
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

char *help_text(const struct engine *engine, const char *topic, GError **error)
{
    if (!topic || !*topic)
        return overview(engine);
    g_autofree char *name = NULL;
    const struct command *command = find_topic(engine, topic, &name);
    if (command) {
        GString *out = g_string_new(NULL);
        append_command(out, command, name);
        append_aliases(out, command);
        return g_string_free(out, FALSE);
    }
    const struct option *row =
        engine->options ? options_row(engine->options, topic) : NULL;
    if (row)
        return option_help(row);
    g_autofree char *near =
        engine_nearest(engine, *topic == '/' ? topic + 1 : topic);
    g_set_error(error, COMMAND_ERROR, 0,
        "There is no help on that topic%s%s. /help lists the commands, "
        "/help ?WORDS searches", near ? "; did you mean " : "",
        near ? near : "");
    return NULL;
}

struct search {
    char **words;
    GPtrArray *found;
};

static bool speaks_of(const struct command *command, const char *word)
{
    const char *const texts[] = { command->name, command->aliases,
        command->summary, command->detail };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *folded =
            texts[i] ? g_utf8_casefold(texts[i], -1) : NULL;
        if (folded && strstr(folded, word))
            return true;
    }
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        if (speaks_of(sub, word))
            return true;
    return false;
}

static void search_command(const struct command *command, gpointer data)
{
    struct search *search = data;
    for (char **word = search->words; *word; word++)
        if (**word && !speaks_of(command, *word))
            return;
    g_ptr_array_add(search->found, (gpointer)command);
}

GPtrArray *help_search(const struct engine *engine, const char *words)
{
    g_autofree char *folded = g_utf8_casefold(words, -1);
    g_auto(GStrv) each = g_strsplit(folded, " ", 16);
    struct search search = { each, g_ptr_array_new() };
    engine_foreach(engine, search_command, &search);
    return search.found;
}
