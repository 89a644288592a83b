/*
 * From a line to the values of a job. The row decides everything: which words
 * are options, which is the rest of the line, which kind prepares a value.
 * All of it is linear in the length of the line.
 */
#include <string.h>

#include "base/intl.h"
#include "base/text.h"
#include "cmd/engine_private.h"
#include "cmd/help.h"
#include "cmd/words.h"
#include "model/account.h"
#include "model/jid.h"

G_DEFINE_QUARK(txmpp-command-error-quark, command_error)

#define EXCERPT_BEFORE 40
#define EXCERPT_AFTER 24

static bool G_GNUC_PRINTF(3, 4) trouble_at(
    struct trouble *trouble, size_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    trouble->text = g_strdup_vprintf(format, args);
    va_end(args);
    trouble->at = at;
    return false;
}

static char *short_word(const char *word)
{
    g_autofree char *clean = text_clean(word, -1, TEXT_ONE_LINE);
    return text_ellipsize(clean, 40, false);
}

bool arg_has_spelling(const struct arg *arg, const char *word)
{
    size_t n = strlen(word);
    const char *p = arg->option;
    while (p && *p) {
        size_t len = strcspn(p, " ");
        if (len == n && strncmp(p, word, n) == 0)
            return true;
        p += len + strspn(p + len, " ");
    }
    return false;
}

const struct arg *command_option(
    const struct command *command, const char *word)
{
    if (!*word)
        return NULL;
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++)
        if (command->args[i].option &&
            arg_has_spelling(&command->args[i], word))
            return &command->args[i];
    return NULL;
}

/* --- which command ------------------------------------------------------ */

/* One name out of "a b=words c"; its words come back in *words. */
static bool alias_matches(const char *aliases, const char *word, char **words)
{
    if (!aliases || !*word)
        return false;
    g_auto(GStrv) each = g_strsplit(aliases, " ", -1);
    for (char **one = each; *one; one++) {
        char *equals = strchr(*one, '=');
        if (equals)
            *equals = '\0';
        if (strcmp(*one, word) != 0)
            continue;
        if (equals && words)
            *words = g_strdelimit(g_strdup(equals + 1), ",", ' ');
        return true;
    }
    return false;
}

const struct command *command_find_sub(
    const struct command *command, const char *word, char **words)
{
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        if (strcmp(sub->name, word) == 0)
            return sub;
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        if (alias_matches(sub->aliases, word, words))
            return sub;
    return NULL;
}

static char *sub_names(const struct command *command)
{
    GString *names = g_string_new(NULL);
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", sub->name);
    return g_string_free(names, FALSE);
}

static void replace_word(char **line, const struct word *word,
    const char *name, const char *words)
{
    char *longer = g_strdup_printf("%.*s%s %s%s", (int)word->from, *line, name,
        words, *line + word->to);
    g_free(*line);
    *line = longer;
}

static bool unknown_sub(struct job *job, const char *line,
    const struct word *word, struct trouble *trouble)
{
    g_autofree char *names = sub_names(job->command);
    if (!word)
        return trouble_at(trouble, strlen(line),
            _("/%s wants one of: %s"), job->name, names);
    g_autofree char *shown = short_word(word->text);
    return trouble_at(trouble, word->from,
        _("/%s has no “%s”; it is one of: %s"), job->name, shown, names);
}

bool command_option_below(
    const struct command *command, const char *name, bool *value)
{
    const struct arg *arg = command_option(command, name);
    if (arg) {
        *value = arg->kind != NULL;
        return true;
    }
    if ((command->needs & NEEDS_CONSENT) &&
        (strcmp(name, "--yes") == 0 || strcmp(name, "--no") == 0))
        return true;
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        if (command_option_below(sub, name, value))
            return true;
    return false;
}

/* "-a JID", "--timeout 5" may stand before the name of a subcommand. */
static bool skip_option(
    struct job *job, const char *line, size_t *pos, const struct word *word)
{
    bool value = strcmp(word->text, "-a") == 0;
    size_t after = word->to;
    struct word next;
    if (word->quoted || *word->text != '-')
        return false;
    const char *equals = strchr(word->text, '=');
    g_autofree char *name = equals
        ? g_strndup(word->text, (gsize)(equals - word->text))
        : g_strdup(word->text);
    if (!value && !command_option_below(job->command, name, &value))
        return false;
    if (value && !equals) {
        if (!words_next(line, &after, &next))
            return false;
        word_clear(&next);
    }
    *pos = after;
    return true;
}

/* Puts the word from…to of the line at pos, before the options that stood
 * there; returns where it ends. */
static size_t move_forward(char **line, size_t pos, size_t from, size_t to)
{
    char *moved = g_strdup_printf("%.*s %.*s%.*s%s", (int)pos, *line,
        (int)(to - from), *line + from, (int)(from - pos), *line + pos,
        *line + to);
    g_free(*line);
    *line = moved;
    return pos + 1 + (to - from);
}

static bool parse_subs(
    struct job *job, char **line, size_t *pos, struct trouble *trouble)
{
    size_t at = *pos;
    while (job->command->sub) {
        struct word word;
        size_t next = at;
        if (!words_next(*line, &next, &word))
            return job->command->run || unknown_sub(job, *line, NULL, trouble);
        if (skip_option(job, *line, &at, &word)) {
            word_clear(&word);
            continue;
        }
        g_autofree char *words = NULL;
        const struct command *sub = word.quoted
            ? NULL
            : command_find_sub(job->command, word.text, &words);
        if (!sub) {
            bool ok = job->command->run ||
                unknown_sub(job, *line, &word, trouble);
            word_clear(&word);
            return ok;
        }
        if (words) {
            replace_word(line, &word, sub->name, words);
            next = word.from + strlen(sub->name);
        }
        g_autofree char *name = job->name;
        job->name = g_strconcat(name, " ", sub->name, NULL);
        job->command = sub;
        if (at > *pos)
            next = move_forward(line, *pos, word.from, next);
        *pos = at = next;
        word_clear(&word);
    }
    return true;
}

bool parse_command(
    struct job *job, char **line, size_t *pos, struct trouble *trouble)
{
    struct word word;
    *pos = 0;
    if (!words_next(*line, pos, &word) || word.text[0] != '/' ||
        !word.text[1]) {
        word_clear(&word);
        return trouble_at(trouble, 0, _("A command is a slash and its name: "
            "/help lists them"));
    }
    const char *typed = word.text + 1;
    const struct alias *alias =
        g_hash_table_lookup(job->engine->aliases, typed);
    job->command = g_hash_table_lookup(job->engine->commands, typed);
    if (!job->command && !alias) {
        g_autofree char *near = engine_nearest(job->engine, typed);
        g_autofree char *shown = short_word(typed);
        job->name = g_strdup(shown);
        size_t from = word.from;
        word_clear(&word);
        return trouble_at(trouble, from, near
                ? _("There is no command /%s. Did you mean %s?")
                : _("There is no command /%s. /help lists them%s"),
            shown, near ? near : "");
    }
    if (!job->command) {
        job->command = alias->command;
        if (alias->words) {
            g_autofree char *name = g_strconcat("/", alias->command->name, NULL);
            replace_word(line, &word, name, alias->words);
            *pos = word.from + strlen(name);
        }
    }
    word_clear(&word);
    job->name = g_strdup(job->command->name);
    return parse_subs(job, line, pos, trouble);
}

/* --- its arguments ------------------------------------------------------ */

bool command_has_secret(const struct command *command)
{
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++)
        if (command->args[i].kind && command->args[i].kind->is_secret)
            return true;
    return false;
}

static struct job_value *value_of(struct job *job, const struct arg *arg)
{
    return &job->values[arg - job->command->args];
}

static void value_add(struct job_value *value, const struct arg *arg, char *text)
{
    if (arg->flags & ARG_REPEAT) {
        if (!value->list) {
            value->list = g_ptr_array_new_with_free_func(g_free);
            g_ptr_array_add(value->list, NULL);
        }
        value->list->pdata[value->list->len - 1] = g_strdup(text);
        g_ptr_array_add(value->list, NULL);
        if (value->text) {
            g_free(text);
            return;
        }
    }
    g_free(value->text);
    value->text = text;
}

static bool is_listed(const char *choices, const char *text)
{
    g_auto(GStrv) words = g_strsplit(choices ? choices : "", " ", -1);
    return *text && g_strv_contains((const char *const *)words, text);
}

bool parse_set(
    struct job *job, const struct arg *arg, const char *text, GError **error)
{
    char *value = NULL;
    if (arg->kind == &arg_choice && !is_listed(arg->choices, text)) {
        g_auto(GStrv) words = g_strsplit(arg->choices, " ", -1);
        g_autofree char *list = g_strjoinv(", ", words);
        g_autofree char *shown = short_word(text);
        g_set_error(error, COMMAND_ERROR, 0, _("%s is one of: %s; not “%s”"),
            arg->name, list, shown);
        return false;
    }
    if (arg->kind && arg->kind->parse) {
        value = arg->kind->parse(job, text, error);
        if (!value)
            return false;
    }
    value_add(value_of(job, arg), arg, value ? value : g_strdup(text));
    return true;
}

const char *parse_condition(const GError *error)
{
    return error && error->domain == JID_ERROR ? "jid-malformed" : "bad-request";
}

static bool set_word(struct job *job, const struct arg *arg, const char *text,
    size_t at, struct trouble *trouble)
{
    g_autoptr(GError) error = NULL;
    if (parse_set(job, arg, text, &error))
        return true;
    trouble->condition = parse_condition(error);
    return trouble_at(
        trouble, at, "%s", error ? error->message : _("This does not fit"));
}

struct reader {
    struct job *job;
    const char *line;
    size_t pos;
    bool dry, ended; /* ended: -- was there */
    int next;        /* positional argument to fill */
    struct trouble *trouble;
};

static const struct arg *next_positional(struct reader *r)
{
    const struct arg *args = r->job->command->args;
    while (r->next < COMMAND_ARGS && args[r->next].name && args[r->next].option)
        r->next++;
    return r->next < COMMAND_ARGS && args[r->next].name ? &args[r->next] : NULL;
}

static bool has_later_positional(const struct reader *r)
{
    const struct arg *args = r->job->command->args;
    for (int i = r->next + 1; i < COMMAND_ARGS && args[i].name; i++)
        if (!args[i].option)
            return true;
    return false;
}

static bool looks_like_option(const struct word *word)
{
    const char *s = word->text;
    return !word->quoted && s[0] == '-' && s[1] && !g_ascii_isdigit(s[1]);
}

static bool read_account(struct reader *r, const char *text, size_t at)
{
    if (!r->dry)
        return true;
    const struct engine_host *host = &r->job->engine->host;
    struct account *account =
        host->find_account ? host->find_account(host->data, text) : NULL;
    r->job->account = account;
    if (!account) {
        g_autofree char *shown = short_word(text);
        return trouble_at(r->trouble, at, _("There is no account %s here. "
            "/account list shows those there are"), shown);
    }
    if (r->job->chat && r->job->chat->account != account)
        r->job->chat = NULL;
    return true;
}

/* The value of an option: behind "=", else the next word. */
static bool read_value(struct reader *r, const struct word *option,
    const char *inline_value, const struct arg *arg)
{
    struct word value = { .text = NULL };
    const char *text = inline_value;
    size_t at = option->from;
    if (!text) {
        if (!words_next(r->line, &r->pos, &value))
            return trouble_at(r->trouble, strlen(r->line),
                _("%s wants a value behind it"), option->text);
        text = value.text;
        at = value.from;
    }
    bool ok = true;
    if (value.open)
        ok = trouble_at(r->trouble, at, _("The quote is not closed: write it again at the end of the text"));
    else if (!arg)
        ok = read_account(r, text, at);
    else if (!r->dry)
        ok = set_word(r->job, arg, text, at, r->trouble);
    word_clear(&value);
    return ok;
}

enum taken { NOT_TAKEN, TAKEN, FAILED };

static enum taken read_option(struct reader *r, struct word *word)
{
    const struct command *command = r->job->command;
    if (r->ended || word->quoted)
        return NOT_TAKEN;
    if (strcmp(word->text, "--") == 0) {
        r->ended = true;
        return TAKEN;
    }
    char *equals = g_str_has_prefix(word->text, "--")
        ? strchr(word->text, '=') : NULL;
    if (equals)
        *equals = '\0';
    const struct arg *arg = command_option(command, word->text);
    if (!arg && strcmp(word->text, "-a") == 0)
        return read_value(r, word, NULL, NULL) ? TAKEN : FAILED;
    if (!arg && (command->needs & NEEDS_CONSENT) && !equals) {
        bool yes = strcmp(word->text, "--yes") == 0;
        if (yes || strcmp(word->text, "--no") == 0) {
            r->job->consent = yes ? CONSENT_YES : CONSENT_NO;
            return TAKEN;
        }
    }
    if (!arg) {
        if (equals)
            *equals = '=';
        return NOT_TAKEN;
    }
    if (arg->kind)
        return read_value(r, word, equals ? equals + 1 : NULL, arg)
            ? TAKEN : FAILED;
    if (equals) {
        trouble_at(r->trouble, word->from, _("%s takes no value"), word->text);
        return FAILED;
    }
    if (!r->dry) {
        g_free(value_of(r->job, arg)->text);
        value_of(r->job, arg)->text = g_strdup("on");
    }
    return TAKEN;
}

static bool read_positional(struct reader *r, struct word *word)
{
    const struct arg *arg = next_positional(r);
    /* "/xml" shows, "/xml filter" does more: it is that word that is wrong. */
    if (!arg && r->job->command->sub)
        return unknown_sub(r->job, r->line, word, r->trouble);
    if (!arg) {
        g_autofree char *usage = help_synopsis(r->job->command, r->job->name);
        return trouble_at(r->trouble, word->from,
            _("There is a word too many. Usage: %s"), usage);
    }
    if (r->dry) {
        if (!(arg->flags & ARG_REPEAT))
            r->next++;
        return true;
    }
    /* "/reply [N] TEXT": what is no N belongs to the next argument. */
    if ((arg->flags & ARG_OPTIONAL) && has_later_positional(r) &&
        arg->kind->parse && !parse_set(r->job, arg, word->text, NULL)) {
        r->pos = word->from;
        r->next++;
        return true;
    }
    if (!((arg->flags & ARG_OPTIONAL) && has_later_positional(r) &&
            arg->kind->parse) &&
        !set_word(r->job, arg, word->text, word->from, r->trouble))
        return false;
    if (!(arg->flags & ARG_REPEAT))
        r->next++;
    return true;
}

static bool read_rest(struct reader *r, const struct arg *arg)
{
    const char *rest = r->line + words_skip_blanks(r->line, r->pos);
    r->pos = strlen(r->line);
    return r->dry ||
        set_word(r->job, arg, rest, (size_t)(rest - r->line), r->trouble);
}

static bool read_word(struct reader *r, struct word *word)
{
    const struct arg *arg = next_positional(r);
    bool rest = arg && (arg->flags & ARG_REST);
    enum taken taken = read_option(r, word);
    if (taken != NOT_TAKEN)
        return taken == TAKEN;
    if (rest) {
        r->pos = word->from;
        return read_rest(r, arg);
    }
    if (word->open)
        return trouble_at(r->trouble, word->from, word->open == '\\'
                ? _("A backslash ends the line: write \\\\ for one")
                : _("The quote is not closed: write it again at the end of the text"));
    if (!r->ended && looks_like_option(word)) {
        g_autofree char *shown = short_word(word->text);
        g_autofree char *usage = help_synopsis(r->job->command, r->job->name);
        return trouble_at(r->trouble, word->from, _("There is no option %s "
            "here (-- ends options). Usage: %s"), shown, usage);
    }
    return read_positional(r, word);
}

bool parse_words(struct job *job, const char *line, size_t pos, bool dry,
    struct trouble *trouble)
{
    struct reader reader = { .job = job, .line = line, .pos = pos, .dry = dry,
        .trouble = trouble };
    struct word word;
    /* The rest of a line is taken as it stands and may be long: it is not cut
     * into words only to be thrown away. */
    while (words_next(line, &reader.pos, &word)) {
        bool ok = read_word(&reader, &word);
        word_clear(&word);
        if (!ok)
            return false;
    }
    return true;
}

bool parse_required(struct job *job, struct trouble *trouble)
{
    for (int i = 0; i < COMMAND_ARGS && job->command->args[i].name; i++) {
        const struct arg *arg = &job->command->args[i];
        if (arg->option || (arg->flags & ARG_OPTIONAL) || job->values[i].text)
            continue;
        g_autofree char *usage = help_synopsis(job->command, job->name);
        g_autofree char *what =
            arg->choices ? arg_placeholder(arg) : g_strdup(arg->name);
        return trouble_at(trouble, G_MAXSIZE, _("%s is missing. Usage: %s"),
            what, usage);
    }
    return true;
}

char *parse_excerpt(const char *line, size_t at)
{
    size_t len = strlen(line);
    at = MIN(at, len);
    size_t from = at > EXCERPT_BEFORE ? at - EXCERPT_BEFORE : 0;
    size_t to = MIN(len, at + EXCERPT_AFTER);
    while (from > 0 && ((unsigned char)line[from] & 0xC0) == 0x80)
        from--;
    while (to < len && ((unsigned char)line[to] & 0xC0) == 0x80)
        to++;
    g_autofree char *before =
        text_clean(line + from, (gssize)(at - from), TEXT_ONE_LINE);
    g_autofree char *after =
        text_clean(line + at, (gssize)(to - at), TEXT_ONE_LINE);
    return g_strdup_printf("  %s%s\n  %*s^", before, after,
        text_width(before, -1), "");
}
