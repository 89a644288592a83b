/* /set /toggle /alias: what stands in txmpp.conf. */
#include <string.h>

#include "app/app.h"
#include "xep/privacy.h"

struct search {
    struct job *job;
    const char *word; /* NULL: all */
    const char *jid;
    bool changed_only;
    const struct option *by_key; /* the only row with this last part */
    bool ambiguous;
};

static const char *jid_for(const struct option *row, const char *jid)
{
    return g_str_has_prefix(row->name, "account.") ? jid : NULL;
}

static void option_row(
    struct job *job, const struct option *row, const char *jid)
{
    const char *account = jid_for(row, jid);
    JOB_ROW(job, "option", FIELD_T("name", row->name),
        FIELD_T("value", options_get(job_options(job), account, row->name)),
        FIELD_T("default", row->fallback), FIELD_T("summary", row->summary));
}

static void list_option(const struct option *row, gpointer data)
{
    const struct search *search = data;
    const char *account = jid_for(row, search->jid);
    if (search->changed_only &&
        options_is_default(job_options(search->job), account, row->name))
        return;
    if (search->word && !strstr(row->name, search->word) &&
        !(row->summary && strstr(row->summary, search->word)) &&
        !(row->detail && strstr(row->detail, search->word)))
        return;
    option_row(search->job, row, search->jid);
}

static void match_key(const struct option *row, gpointer data)
{
    struct search *search = data;
    const char *dot = strchr(row->name, '.');
    if (!dot || strcmp(dot + 1, search->word) != 0)
        return;
    search->ambiguous = search->by_key != NULL;
    search->by_key = row;
}

/* "ui.theme", or "theme" where only one option is called so. */
static const struct option *find_row(struct job *job, const char *name)
{
    const struct option *row = options_row(job_options(job), name);
    if (row || strchr(name, '.'))
        return row;
    struct search search = { .word = name };
    options_foreach(job_options(job), match_key, &search);
    return search.ambiguous ? NULL : search.by_key;
}

static enum cmd_status no_such_option(struct job *job, const char *name)
{
    return job_fail(job, "item-not-found",
        "There is no option %s. /set ?%s searches for one", name, name);
}

static void list_under(const struct option *row, gpointer data)
{
    struct search *search = data;
    size_t n = strlen(search->word);
    if (strncmp(row->name, search->word, n) != 0 ||
        (search->word[n - 1] != '.' && row->name[n] != '.'))
        return;
    search->by_key = row;
    option_row(search->job, row, search->jid);
}

static const char *jid_of(const struct job *job)
{
    return job_account(job) ? job_account(job)->config_jid : NULL;
}

/* A value may be quoted although the rest of the line is its own. */
static char *unquoted(const char *value)
{
    size_t n = strlen(value);
    if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value)
        return g_strndup(value + 1, n - 2);
    return g_strdup(value);
}

static enum cmd_status run_set(struct job *job)
{
    const char *name = job_arg(job, "option");
    const char *value = job_arg(job, "value");
    g_autoptr(GError) error = NULL;
    struct search search = { .job = job, .jid = jid_of(job),
        .changed_only = job_flag(job, "diff") };
    if (!name || *name == '?') {
        search.word = name ? name + 1 : NULL;
        options_foreach(job_options(job), list_option, &search);
        return job_done(job);
    }
    const struct option *row = find_row(job, name);
    if (!row && *name && !value && !job_flag(job, "reset")) {
        search.word = name; /* "ui": all below it */
        options_foreach(job_options(job), list_under, &search);
        if (search.by_key)
            return job_done(job);
    }
    if (!row)
        return no_such_option(job, name);
    const char *jid = jid_for(row, jid_of(job));
    if (!value && !job_flag(job, "reset")) {
        option_row(job, row, jid);
        return job_done(job);
    }
    g_autofree char *text =
        value && !job_flag(job, "reset") ? unquoted(value) : NULL;
    if (!options_set(job_options(job), jid, row->name, text, false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

/* --- /privacy --------------------------------------------------------------- */

static void add_privacy(const struct option *row, gpointer data)
{
    if (g_str_has_prefix(row->name, "privacy."))
        completion_add(data, row->name + strlen("privacy."));
}

static void complete_privacy(struct completion *completion, const char *prefix)
{
    (void)prefix;
    completion_add(completion, "idle");
    completion_add(completion, "states");
    options_foreach(
        engine_app(completion->engine)->options, add_privacy, completion);
}

static const struct arg_kind arg_privacy = {
    "WHAT", NULL, complete_privacy, false
};

/* "os" is privacy.os; two have shorter words. */
static const struct option *privacy_row(struct job *job, const char *what)
{
    const char *key = strcmp(what, "idle") == 0 ? "last_activity"
        : strcmp(what, "states") == 0 ? "chat_states" : what;
    g_autofree char *name = g_strconcat("privacy.", key, NULL);
    return options_row(job_options(job), name);
}

static enum cmd_status of_chat(
    struct job *job, const char *jid, const struct option *row)
{
    const char *value = job_arg(job, "value");
    bool reset = g_strcmp0(value, "default") == 0;
    g_autoptr(GError) error = NULL;
    if (row && !g_strv_contains(privacy_of_chats, row->name))
        return job_fail(job, "not-acceptable", "%s cannot differ from chat to "
            "chat; receipts, request_receipts, displayed and states can",
            row->name);
    if (value && !privacy_set_of_chat(job_options(job), jid, row->name,
                     reset ? NULL : value, &error))
        return job_fail_error(job, error);
    for (const char *const *name = privacy_of_chats; !value && *name; name++) {
        const struct option *each = options_row(job_options(job), *name);
        if (!each || (row && each != row))
            continue;
        g_autofree char *own = privacy_of_chat(job_options(job), jid, *name);
        JOB_ROW(job, "option", FIELD_T("name", *name),
            FIELD_T("value",
                own ? own : options_get(job_options(job), NULL, *name)),
            FIELD_T("default", options_get(job_options(job), NULL, *name)),
            FIELD_T("summary", each->summary));
    }
    return job_done(job);
}

static enum cmd_status run_privacy(struct job *job)
{
    const char *what = job_arg(job, "what"), *value = job_arg(job, "value");
    const char *jid = job_arg(job, "chat");
    const struct option *row = what ? privacy_row(job, what) : NULL;
    bool reset = g_strcmp0(value, "default") == 0;
    struct search search = { .job = job, .word = "privacy" };
    g_autoptr(GError) error = NULL;
    if (what && !row)
        return job_fail(job, "item-not-found", "There is no option privacy.%s. "
            "/privacy lists those there are", what);
    if (jid)
        return of_chat(job, jid, row);
    if (!row)
        options_foreach(job_options(job), list_under, &search);
    else if (!value)
        option_row(job, row, NULL);
    else if (!options_set(
                 job_options(job), NULL, row->name, reset ? NULL : value,
                 false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

/* --- /toggle ----------------------------------------------------------------- */

static const char *next_choice(char **words, const char *present)
{
    for (char **word = words; *word; word++)
        if (g_strcmp0(*word, present) == 0)
            return word[1] ? word[1] : words[0];
    return words[0];
}

static enum cmd_status run_toggle(struct job *job)
{
    const char *name = job_arg(job, "option");
    const struct option *row = find_row(job, name);
    g_autoptr(GError) error = NULL;
    if (!row)
        return no_such_option(job, name);
    if (row->kind != OPTION_BOOL && row->kind != OPTION_ENUM)
        return job_fail(job, "bad-request", "%s has no two or three states to "
            "go through: set it with /set", row->name);
    const char *jid = jid_for(row, jid_of(job));
    g_auto(GStrv) words = g_strsplit(
        row->kind == OPTION_BOOL ? "off on" : row->choices, " ", -1);
    const char *next = next_choice(
        words, options_get(job_options(job), jid, row->name));
    if (!options_set(job_options(job), jid, row->name, next, false, &error))
        return job_fail_error(job, error);
    option_row(job, row, jid);
    return job_done(job);
}

static enum cmd_status run_alias_add(struct job *job)
{
    const char *name = job_arg(job, "name");
    g_autoptr(GError) error = NULL;
    if (*name == '/')
        name++;
    if (!*name || strlen(name) > 64 || strpbrk(name, " \t\"'\\/"))
        return job_fail(job, "bad-request",
            "The name of an alias is one word without quotes or slashes");
    if (engine_find(job_engine(job), name))
        return job_fail(job, "conflict",
            "/%s is a command already; choose another name", name);
    if (!options_section_set(job_options(job), "alias", name,
            job_arg(job, "command"), &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_alias_remove(struct job *job)
{
    const char *name = job_arg(job, "name");
    g_autoptr(GError) error = NULL;
    if (*name == '/')
        name++;
    g_autofree char *present = *name
        ? options_section_get(job_options(job), "alias", name) : NULL;
    if (!present)
        return job_fail(job, "item-not-found",
            "There is no alias of that name. /alias list shows them");
    if (!options_section_set(job_options(job), "alias", name, NULL, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_alias_list(struct job *job)
{
    g_auto(GStrv) names = options_section_keys(job_options(job), "alias");
    for (char **name = names; *name; name++) {
        g_autofree char *command =
            options_section_get(job_options(job), "alias", *name);
        JOB_ROW(job, "alias", FIELD_T("name", *name),
            FIELD_T("text", command));
    }
    return job_done(job);
}

static void complete_alias(struct completion *completion, const char *prefix)
{
    (void)prefix;
    struct app *app = engine_app(completion->engine);
    g_auto(GStrv) names =
        app ? options_section_keys(app->options, "alias") : NULL;
    for (char **name = names; name && *name; name++)
        completion_add(completion, *name);
}

static const struct arg_kind arg_alias = { "NAME", NULL, complete_alias,
    false };

static const struct command alias_subs[] = {
    { .name = "add",
        .args = { { .name = "name", .kind = &arg_word },
            { .name = "command", .kind = &arg_text, .flags = ARG_REST } },
        .summary = "Make a command of one's own",
        .detail = "$1 to $n stand for its words, $* for all of them; without "
                  "any the words follow.",
        .run = run_alias_add },
    { .name = "remove", .args = { { .name = "name", .kind = &arg_alias } },
        .summary = "Remove an alias", .run = run_alias_remove },
    { .name = "list", .summary = "List the aliases",
        .fields = "alias: name text", .run = run_alias_list },
    { .name = NULL },
};

static const char *const alias_examples[] = {
    "/alias add wherefore /msg romeo@example.net Wherefore art thou $*?",
    "/wherefore Romeo sends that question",
    NULL,
};

static const char *const set_examples[] = {
    "/set ui.theme light", "Takes effect and is saved at once",
    "/set ?receipt", "Shows the options that have to do with receipts",
    "/set --reset ui.theme", "Gives the default back",
    NULL,
};

static const char *const privacy_examples[] = {
    "/privacy", "Shows all that could be revealed",
    "/privacy idle off", "Nobody learns how long the keyboard has been idle",
    "/privacy receipts off in romeo@example.net",
    "He does not learn what arrived, others do",
    NULL,
};

#define OPTION_FIELDS "option: name value? default? summary"

const struct command app_setting_commands[] = {
    { .name = "set", .aliases = "changes=--diff",
        .args = { { .name = "option", .kind = &arg_option_name,
                      .flags = ARG_OPTIONAL },
            { .name = "diff", .option = "--diff",
                .summary = "only options that differ from their default" },
            { .name = "reset", .option = "--reset",
                .summary = "give it its default again" },
            { .name = "value", .kind = &arg_option_value,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .words = "option setting preference configure change config settings",
        .summary = "Show or change options",
        .detail = "Options that begin with \"account.\" are those of the "
                  "account the command is for. ?WORD searches.",
        .examples = set_examples, .fields = OPTION_FIELDS,
        .run = run_set },
    { .name = "privacy",
        .args = { { .name = "what", .kind = &arg_privacy,
                      .flags = ARG_OPTIONAL,
                      .summary = "os, idle, receipts, states …" },
            { .name = "value", .kind = &arg_choice,
                .choices = "on off default", .flags = ARG_OPTIONAL },
            { .name = "chat", .kind = &arg_contact, .option = "in --in",
                .summary = "only for this person: receipts, "
                           "request_receipts, displayed, states" } },
        .words = "hide reveal receipts typing read seen",
        .summary = "What is revealed to others",
        .detail = "The options privacy.* by short names. With in JID what "
                  "that person learns, which goes before the option; default "
                  "takes it away again. /logging says what is stored.",
        .examples = privacy_examples, .fields = OPTION_FIELDS,
        .run = run_privacy },
    { .name = "toggle",
        .args = { { .name = "option", .kind = &arg_option_name } },
        .words = "switch option on off",
        .summary = "Switch an option on or off, or to its next value",
        .fields = OPTION_FIELDS, .run = run_toggle },
    { .name = "alias", .sub = alias_subs,
        .words = "shortcut macro abbreviation own command",
        .summary = "Commands of one's own", .examples = alias_examples },
    { .name = NULL },
};
