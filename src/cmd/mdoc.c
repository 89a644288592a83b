/* The generated parts of the manual: mdoc(7) from the rows. */
#include <string.h>

#include "cmd/engine_private.h"
#include "cmd/help.h"
#include "store/option.h"

#define WIDTH 76

void mdoc_escape(GString *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            g_string_append(out, "\\e");
        else if (*p == '\n')
            g_string_append_c(out, ' ');
        else
            g_string_append_c(out, *p);
    }
}

/* A macro's argument: quoted, so that no word is taken for a macro. */
static void append_quoted(GString *out, const char *text)
{
    g_autofree char *safe = g_strdelimit(g_strdup(text), "\n", ' ');
    g_auto(GStrv) parts = g_strsplit(safe, "\"", -1);
    g_autofree char *doubled = g_strjoinv("\\(dq", parts);
    g_string_append(out, " \"");
    for (const char *p = doubled; *p; p++)
        if (*p == '\\' && strncmp(p, "\\(dq", 4) != 0)
            g_string_append(out, "\\e");
        else
            g_string_append_c(out, *p);
    g_string_append_c(out, '"');
}

static bool ends_sentence(const char *word)
{
    size_t n = strlen(word);
    while (n && strchr(")\"'", word[n - 1]))
        n--;
    return n && strchr(".!?", word[n - 1]);
}

static void append_paragraph(GString *out, const char *text)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
    glong column = 0;
    for (char **word = words; *word; word++) {
        glong width = g_utf8_strlen(*word, -1);
        if (!width)
            continue;
        if (column && column + 1 + width > WIDTH) {
            g_string_append_c(out, '\n');
            column = 0;
        }
        if (column)
            g_string_append_c(out, ' ');
        else if (strchr(".'", **word))
            g_string_append(out, "\\&");
        mdoc_escape(out, *word);
        column += width + 1;
        if (ends_sentence(*word)) {
            g_string_append_c(out, '\n');
            column = 0;
        }
    }
    if (column)
        g_string_append_c(out, '\n');
}

void mdoc_text(GString *out, const char *text)
{
    g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);
    bool first = true;
    for (char **p = paragraphs; *p; p++) {
        if (!**p)
            continue;
        if (!first)
            g_string_append(out, ".Pp\n");
        append_paragraph(out, *p);
        first = false;
    }
}

/* A summary has no full stop in the row. */
static void append_summary(GString *out, const char *summary)
{
    if (!summary || !*summary)
        return;
    g_autofree char *sentence = g_strconcat(
        summary, ends_sentence(summary) ? "" : ".", NULL);
    mdoc_text(out, sentence);
}

static void append_arg(GString *out, const struct arg *arg)
{
    g_autofree char *value = arg->kind ? arg_placeholder(arg) : NULL;
    bool optional = arg->option || (arg->flags & ARG_OPTIONAL);
    if (optional)
        g_string_append(out, " Oo");
    if (arg->option) {
        bool flag = arg->option[0] == '-';
        g_string_append_printf(out, " %s %.*s", flag ? "Fl" : "Cm",
            (int)strcspn(arg->option + flag, " "), arg->option + flag);
    }
    if (value)
        g_string_append_printf(out, " Ar %s", value);
    bool dots = arg->flags & (ARG_REPEAT | ARG_REST);
    if (dots && !arg->option)
        g_string_append(out, " Ns ...");
    if (optional)
        g_string_append(out, " Oc");
    if (dots && arg->option)
        g_string_append(out, " Ns ...");
}

static void append_synopsis(
    GString *out, const struct command *command, const char *name)
{
    g_string_append_printf(out, ".It Ic /%s", name);
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++) {
            const struct arg *arg = &command->args[i];
            int place = arg->option ? 1 : arg->flags & ARG_REST ? 2 : 0;
            if (place == pass)
                append_arg(out, arg);
        }
    if (command->needs & NEEDS_CONSENT)
        g_string_append(out, " Op Fl \\-yes | Fl \\-no");
    g_string_append_c(out, '\n');
}

static void append_arg_list(GString *out, const struct command *command)
{
    bool open = false;
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++) {
        const struct arg *arg = &command->args[i];
        if (!arg->summary)
            continue;
        if (!open)
            g_string_append(out, ".Bl -tag -width Ds -compact\n");
        open = true;
        g_autofree char *value = arg->kind ? arg_placeholder(arg) : NULL;
        bool flag = arg->option && arg->option[0] == '-';
        g_string_append(out, ".It");
        if (arg->option)
            g_string_append_printf(out, " %s %.*s", flag ? "Fl" : "Cm",
                (int)strcspn(arg->option + flag, " "), arg->option + flag);
        if (value)
            g_string_append_printf(out, " Ar %s", value);
        g_string_append_c(out, '\n');
        append_summary(out, arg->summary);
    }
    if (open)
        g_string_append(out, ".El\n");
}

static void append_examples(GString *out, const struct command *command)
{
    if (!command->examples || !command->examples[0])
        return;
    g_string_append(out, ".Pp\n");
    for (const char *const *e = command->examples; e[0]; e += 2) {
        g_string_append(out, ".Dl");
        append_quoted(out, e[0]);
        g_string_append_c(out, '\n');
        if (!e[1])
            break;
        append_summary(out, e[1]);
        if (e[2])
            g_string_append(out, ".Pp\n");
    }
}

static void append_needs(GString *out, const struct command *command)
{
    if (command->needs & NEEDS_PANES)
        g_string_append(out, "Only on the screen, and not with --linear.\n");
    else if (command->needs & NEEDS_SCREEN)
        g_string_append(out, "Only on the screen.\n");
}

/* "contact: jid name? groups[]; resource: jid": in the order of the columns. */
static void append_fields(GString *out, const struct command *command)
{
    if (!command->fields)
        return;
    g_auto(GStrv) rows = g_strsplit(command->fields, "; ", -1);
    g_string_append(out, ".Pp\n");
    for (char **row = rows; *row; row++) {
        const char *names = strchr(*row, ' ');
        g_auto(GStrv) words = g_strsplit(names ? names + 1 : "", " ", -1);
        g_autofree char *list = g_strjoinv(", ", words);
        g_autofree char *text = g_strdup_printf("Row %.*s %s.",
            (int)strcspn(*row, " "), *row, list);
        if (row != rows)
            g_string_append(out, ".br\n");
        mdoc_text(out, text);
    }
}

static void append_command(
    GString *out, const struct command *command, const char *name)
{
    if (command->run || !command->sub) {
        append_synopsis(out, command, name);
        append_summary(out, command->summary);
        append_needs(out, command);
        append_arg_list(out, command);
        if (command->detail) {
            g_string_append(out, ".Pp\n");
            mdoc_text(out, command->detail);
        }
        append_examples(out, command);
        append_fields(out, command);
    }
    for (const struct command *sub = command->sub; sub && sub->name; sub++) {
        g_autofree char *full = g_strconcat(name, " ", sub->name, NULL);
        append_command(out, sub, full);
    }
}

static void append_aliases(GString *out, const struct command *command)
{
    if (!command->aliases)
        return;
    g_auto(GStrv) names = g_strsplit(command->aliases, " ", -1);
    g_string_append(out, "Also:\n");
    for (char **name = names; *name; name++) {
        char *equals = strchr(*name, '=');
        if (equals)
            *equals = '\0';
        g_string_append_printf(
            out, ".Ic /%s%s\n", *name, name[1] ? " ," : " .");
    }
}

static void append_section(const struct command *command, gpointer data)
{
    GString *out = data;
    g_string_append_printf(out, ".Ss /%s\n", command->name);
    if (command->sub && !command->run) {
        append_summary(out, command->summary);
        if (command->detail) {
            g_string_append(out, ".Pp\n");
            mdoc_text(out, command->detail);
        }
    }
    append_aliases(out, command);
    g_string_append(out, ".Bl -tag -width Ds\n");
    append_command(out, command, command->name);
    g_string_append(out, ".El\n");
    if (command->sub && !command->run)
        append_examples(out, command);
}

void mdoc_commands(const struct engine *engine, GString *out)
{
    engine_foreach(engine, append_section, out);
}

struct option_writer {
    GString *out;
    char *section;
};

static void append_option(const struct option *row, gpointer data)
{
    struct option_writer *writer = data;
    const char *dot = strchr(row->name, '.');
    g_autofree char *section =
        g_strndup(row->name, dot ? (gsize)(dot - row->name) : 0);
    if (g_strcmp0(section, writer->section) != 0) {
        if (writer->section)
            g_string_append(writer->out, ".El\n");
        bool account = strcmp(section, "account") == 0;
        g_string_append_printf(writer->out,
            ".Ss Section %s\n%s.Bl -tag -width Ds\n",
            account ? "account JID" : section,
            account ? "One section for every account.\n" : "");
        g_free(writer->section);
        writer->section = g_steal_pointer(&section);
    }
    g_string_append_printf(writer->out, ".It Cm %s No =", dot ? dot + 1 : row->name);
    if (row->kind == OPTION_ENUM) {
        g_auto(GStrv) words = g_strsplit(row->choices, " ", -1);
        for (char **word = words; *word; word++)
            g_string_append_printf(
                writer->out, "%s Cm %s", word == words ? "" : " |", *word);
    } else if (row->kind == OPTION_BOOL) {
        g_string_append(writer->out, " Cm on | off");
    } else {
        g_string_append_printf(writer->out, " Ar %s",
            row->kind == OPTION_INT ? "number"
                : row->kind == OPTION_SECONDS ? "seconds"
                : row->kind == OPTION_LIST ? "words" : "text");
    }
    g_string_append_c(writer->out, '\n');
    append_summary(writer->out, row->summary);
    if (row->detail)
        mdoc_text(writer->out, row->detail);
    if (row->fallback && *row->fallback) {
        g_string_append(writer->out, "Default:\n.Cm");
        append_quoted(writer->out, row->fallback);
        g_string_append(writer->out, " .\n");
    }
}

void mdoc_options(const struct options *options, GString *out)
{
    struct option_writer writer = { out, NULL };
    options_foreach(options, append_option, &writer);
    if (writer.section)
        g_string_append(out, ".El\n");
    g_free(writer.section);
}
