/*
 * The engine: two tables of names, the set of running jobs, and the way from a
 * line to a handler: expand aliases, find the row, settle the account, read
 * the arguments, check what the row needs, run it.
 */
#include "cmd/registry.h"

#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "base/intl.h"
#include "base/text.h"
#include "cmd/engine_private.h"
#include "cmd/words.h"
#include "model/account.h"
#include "store/option.h"

#define ALIAS_DEPTH 8
#define JSON_DEPTH 8
#define NEAREST_MAX 3
#define INT64_DIGITS 18 /* always fit; json-glib wraps longer ones */

static void alias_free(gpointer data)
{
    struct alias *alias = data;
    g_free(alias->words);
    g_free(alias);
}

struct engine *engine_new(
    struct app *app, const struct engine_host *host, struct options *options)
{
    struct engine *engine = g_new0(struct engine, 1);
    engine->app = app;
    if (host)
        engine->host = *host;
    engine->options = options;
    engine->commands = g_hash_table_new(g_str_hash, g_str_equal);
    engine->aliases =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, alias_free);
    engine->jobs = g_hash_table_new(NULL, NULL);
    g_queue_init(&engine->dead);
    return engine;
}

/* Keys (or values) at this moment: the table may change while they are used. */
static GPtrArray *table_snapshot(GHashTable *table, bool values)
{
    GPtrArray *all = g_ptr_array_sized_new(g_hash_table_size(table));
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_ptr_array_add(all, values ? value : key);
    return all;
}

static void cancel_jobs(
    struct engine *engine, const struct account *account, const char *text)
{
    g_autoptr(GPtrArray) jobs = table_snapshot(engine->jobs, false);
    for (guint i = 0; i < jobs->len; i++)
        if (job_is_alive(engine, jobs->pdata[i]) &&
            (!account || job_account(jobs->pdata[i]) == account))
            engine_cancel(
                engine, jobs->pdata[i], "recipient-unavailable", text);
}

void engine_cancel_all(struct engine *engine)
{
    cancel_jobs(engine, NULL, _("The program is closing"));
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    engine_cancel_all(engine);
    struct job *shell;
    while ((shell = g_queue_pop_head(&engine->dead)))
        job_shell_free(shell);
    g_hash_table_unref(engine->commands);
    g_hash_table_unref(engine->aliases);
    g_hash_table_unref(engine->jobs);
    g_free(engine);
}

struct app *engine_app(const struct engine *engine)
{
    return engine->app;
}

void engine_account_gone(struct engine *engine, struct account *account)
{
    cancel_jobs(engine, account, _("The account was closed before this was done"));
}

/* --- names -------------------------------------------------------------- */

static bool name_is_taken(const struct engine *engine, const char *name)
{
    return g_hash_table_contains(engine->commands, name) ||
        g_hash_table_contains(engine->aliases, name);
}

static void register_aliases(struct engine *engine, const struct command *row)
{
    if (!row->aliases)
        return;
    g_auto(GStrv) each = g_strsplit(row->aliases, " ", -1);
    for (char **one = each; *one; one++) {
        if (!**one)
            continue;
        char *equals = strchr(*one, '=');
        if (equals)
            *equals = '\0';
        if (name_is_taken(engine, *one)) {
            g_critical("alias %s of /%s is taken", *one, row->name);
            continue;
        }
        struct alias *alias = g_new0(struct alias, 1);
        alias->command = row;
        if (equals)
            alias->words =
                g_strconcat(" ", g_strdelimit(equals + 1, ",", ' '), NULL);
        g_hash_table_insert(engine->aliases, g_strdup(*one), alias);
    }
}

void engine_register(struct engine *engine, const struct command *rows)
{
    for (const struct command *row = rows; row && row->name; row++) {
        if (name_is_taken(engine, row->name)) {
            g_critical("two commands are called /%s", row->name);
            continue;
        }
        g_hash_table_insert(
            engine->commands, (gpointer)row->name, (gpointer)row);
        register_aliases(engine, row);
    }
}

const struct command *engine_find(const struct engine *engine, const char *name)
{
    const struct command *command =
        g_hash_table_lookup(engine->commands, name);
    const struct alias *alias = g_hash_table_lookup(engine->aliases, name);
    return command ? command : alias ? alias->command : NULL;
}

static gint compare_commands(gconstpointer a, gconstpointer b)
{
    const struct command *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

void engine_foreach(const struct engine *engine, command_fn fn, gpointer data)
{
    g_autoptr(GPtrArray) rows = table_snapshot(engine->commands, true);
    g_ptr_array_sort(rows, compare_commands);
    for (guint i = 0; i < rows->len; i++)
        fn(rows->pdata[i], data);
}

/* Edits needed to make b of a, exchanged neighbours counting once; both are at
 * most 32 bytes long. */
static guint distance(const char *a, const char *b)
{
    guint rows[3][34];
    guint n = (guint)strlen(b);
    for (guint j = 0; j <= n; j++)
        rows[0][j] = j;
    guint i = 1;
    for (; a[i - 1]; i++) {
        guint *now = rows[i % 3];
        const guint *last = rows[(i - 1) % 3];
        const guint *before = rows[(i + 1) % 3];
        now[0] = i;
        for (guint j = 1; j <= n; j++) {
            now[j] = MIN(last[j - 1] + (a[i - 1] != b[j - 1]),
                MIN(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = MIN(now[j], before[j - 2] + 1);
        }
    }
    return rows[(i - 1) % 3][n];
}

struct near {
    const char *name;
    guint score;
};

static gint compare_near(gconstpointer a, gconstpointer b)
{
    const struct near *left = a, *right = b;
    if (left->score != right->score)
        return left->score < right->score ? -1 : 1;
    return strcmp(left->name, right->name);
}

char *nearest_words(char **candidates, const char *word, const char *lead)
{
    size_t len = strlen(word);
    if (!len || len > 32)
        return NULL;
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct near));
    guint limit = len < 4 ? 1 : 2;
    for (char **name = candidates; *name; name++) {
        if (strlen(*name) > 32)
            continue;
        struct near one = { *name,
            g_str_has_prefix(*name, word) ? 1 : distance(word, *name) };
        if (one.score <= limit)
            g_array_append_val(found, one);
    }
    if (!found->len)
        return NULL;
    g_array_sort(found, compare_near);
    GString *text = g_string_new(NULL);
    guint n = MIN(found->len, NEAREST_MAX);
    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s%s%s",
            i == 0 ? "" : i + 1 == n ? _(" or ") : ", ", lead,
            g_array_index(found, struct near, i).name);
    return g_string_free(text, FALSE);
}

char *engine_nearest(const struct engine *engine, const char *word)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, engine->commands);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(names, key);
    g_hash_table_iter_init(&iter, engine->aliases);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(names, key);
    g_ptr_array_add(names, NULL);
    return nearest_words((char **)names->pdata, word, "/");
}

/* --- aliases made with /alias ------------------------------------------ */

static void append_word(GString *out, const GPtrArray *words, guint n)
{
    if (n >= 1 && n <= words->len)
        g_string_append(out, words->pdata[n - 1]);
}

char *engine_fill(const char *template, const GPtrArray *words,
    const char *rest, bool *used)
{
    GString *out = g_string_new(NULL);
    *used = false;
    for (const char *p = template; *p; p++) {
        if (*p != '$') {
            g_string_append_c(out, *p);
        } else if (p[1] == '$') {
            g_string_append_c(out, *++p);
        } else if (p[1] == '*') {
            g_string_append(out, rest);
            *used = true;
            p++;
        } else if (g_ascii_isdigit(p[1])) {
            char *end;
            guint64 n = g_ascii_strtoull(p + 1, &end, 10);
            append_word(out, words, (guint)MIN(n, 1000));
            *used = true;
            p = end - 1;
        } else {
            g_string_append_c(out, *p);
        }
    }
    return g_string_free(out, FALSE);
}

/* Without any of them the arguments follow. */
static char *fill_alias(
    const char *template, const GPtrArray *words, const char *rest)
{
    bool used;
    g_autofree char *line = engine_fill(template, words, rest, &used);
    bool follow = !used && *rest;
    return g_strconcat(*line == '/' ? "" : "/", line, follow ? " " : "",
        follow ? rest : "", NULL);
}

char *engine_expand_alias(const struct engine *engine, const char *line)
{
    struct word word;
    size_t pos = 0;
    if (!engine->options || line[0] != '/' || line[1] == '/' ||
        !words_next(line, &pos, &word))
        return NULL;
    g_autofree char *name = word.text;
    if (word.quoted || !name[1] || strlen(name) > 64 ||
        name_is_taken(engine, name + 1))
        return NULL;
    g_autofree char *template =
        options_section_get(engine->options, "alias", name + 1);
    if (!template || !*template)
        return NULL;
    const char *rest = line + words_skip_blanks(line, pos);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    /* Words keep the quotes they were typed with. */
    while (words->len < 1000 && words_next(line, &pos, &word)) {
        g_ptr_array_add(words, g_strndup(line + word.from, word.to - word.from));
        word_clear(&word);
    }
    return fill_alias(template, words, rest);
}

/* --- running ------------------------------------------------------------ */

static struct job *still_running(struct engine *engine, struct job *job, guint64 serial)
{
    return job_is_alive(engine, job) && job->serial == serial ? job : NULL;
}

static void fail_line(struct job *job, const char *line, struct trouble *trouble)
{
    g_autofree char *text = trouble->text;
    bool secret = job->command && command_has_secret(job->command);
    const char *condition =
        trouble->condition ? trouble->condition : "bad-request";
    if (!line || trouble->at == G_MAXSIZE || secret) {
        job_fail(job, condition, "%s", text);
        return;
    }
    g_autofree char *excerpt = parse_excerpt(line, trouble->at);
    job_fail(job, condition, "%s\n%s", text, excerpt);
}

static void settle_account(struct job *job)
{
    const struct engine_host *host = &job->engine->host;
    if (job->account)
        return;
    if (job->front && job->front->ops->current_account)
        job->account = job->front->ops->current_account(job->front);
    if (!job->account && job->chat)
        job->account = job->chat->account;
    if (!job->account && host->default_account)
        job->account = host->default_account(host->data);
}

static bool is_online(const struct job *job)
{
    const struct engine_host *host = &job->engine->host;
    return job->account && host->is_online &&
        host->is_online(host->data, job->account);
}

/* In a script: nothing is queued that nobody will ever send. */
static bool wants_wire(const struct job *job)
{
    const unsigned wire = NEEDS_ONLINE | NEEDS_WIRE | NEEDS_CHAT | NEEDS_ROOM;
    return (job->command->needs & NEEDS_ONLINE) ||
        (job->wait_online && (job->command->needs & wire));
}

static bool has_rest(const struct job *job)
{
    const struct arg *args = job->command->args;
    for (int i = 0; i < COMMAND_ARGS && args[i].name; i++)
        if ((args[i].flags & ARG_REST) && job->values[i].text)
            return true;
    return false;
}

/* False: the job was ended. */
static bool check_needs(struct job *job)
{
    unsigned needs = job->command->needs;
    bool screen = job->front && job->front->ops->is_screen;
    if ((needs & (NEEDS_SCREEN | NEEDS_PANES)) && !screen) {
        job_fail(job, "feature-not-implemented",
            "/%s works on the screen only, not in command mode; "
            "/help lists the commands, and /set knows the options of the screen, too",
            job->name);
        return false;
    }
    bool linear = screen && job->front->ops->has_panes &&
        !job->front->ops->has_panes(job->front);
    if ((needs & NEEDS_PANES) && linear) {
        job_fail(job, "feature-not-implemented", "Line by line there is no place for /%s; "
            "/win, /history and /search read out what there is.", job->name);
        return false;
    }
    if (job_lacks_account(job)) {
        job_fail(job, "item-not-found", "There is no account: name one on the "
            "command line, with -a ACCOUNT, or add one with /account add JID");
        return false;
    }
    if ((needs & (NEEDS_CHAT | NEEDS_ROOM)) && !job->chat) {
        job_fail(job, "item-not-found",
            "No chat is open here: /msg JID opens one");
        return false;
    }
    if ((needs & NEEDS_ROOM) && job->chat->kind != CHAT_ROOM) {
        job_fail(job, "bad-request",
            "/%s works in a room only: /join ROOM opens one", job->name);
        return false;
    }
    bool silent = (needs & NEEDS_WIRE) && !has_rest(job);
    if (wants_wire(job) && !silent && !is_online(job)) {
        job_fail(job, "recipient-unavailable",
            "%s is not connected: /connect does that", job->account->jid);
        return false;
    }
    return true;
}

static enum cmd_status run_handler(struct job *job)
{
    if (!job->command->run)
        return job_fail(job, "bad-request", "/%s wants a subcommand: /help %s",
            job->name, job->name);
    return job->command->run(job);
}

static void check_and_run(struct job *job)
{
    if (check_needs(job))
        job_step(job, run_handler);
}

/* A script's command waits until it can be done. The line is read again then:
 * names in it may be those of contacts that are not known yet. */
static bool must_park(struct job *job)
{
    return job->wait_online &&
        (wants_wire(job) || (job->command->needs & NEEDS_ROSTER)) &&
        job->account && job->account->state != STATE_OFFLINE &&
        !is_online(job);
}

static void read_and_run(struct job *job, char **line, size_t pos)
{
    struct trouble trouble = { NULL, 0, NULL };
    if (!parse_words(job, *line, pos, true, &trouble)) {
        fail_line(job, *line, &trouble);
        return;
    }
    settle_account(job);
    if (must_park(job)) {
        job->parked_line = g_strdup(*line);
        return;
    }
    if (!parse_words(job, *line, pos, false, &trouble) ||
        !parse_required(job, &trouble)) {
        if (trouble.at == G_MAXSIZE)
            trouble.at = strlen(*line);
        fail_line(job, *line, &trouble);
        return;
    }
    check_and_run(job);
}

static void run_command_line(struct job *job, const char *text)
{
    struct trouble trouble = { NULL, 0, NULL };
    g_autofree char *line = g_strdup(text);
    size_t pos;
    if (!parse_command(job, &line, &pos, &trouble)) {
        fail_line(job, line, &trouble);
        return;
    }
    read_and_run(job, &line, pos);
}

/* Text for the current chat: the say command, its text not looked into. */
static void run_say(struct job *job, const char *text)
{
    struct trouble trouble = { NULL, 0, NULL };
    g_autoptr(GError) error = NULL;
    job->command = g_hash_table_lookup(job->engine->commands, "say");
    g_free(job->name);
    job->name = g_strdup("say");
    if (!job->command) {
        job_fail(job, "feature-not-implemented",
            "Nothing takes plain text here: a command begins with a slash");
        return;
    }
    settle_account(job);
    if (must_park(job)) {
        job->parked_line = g_strdup(text);
        job->parked_say = true;
        return;
    }
    const struct arg *arg = NULL;
    for (int i = 0; i < COMMAND_ARGS && job->command->args[i].name; i++)
        if (job->command->args[i].flags & ARG_REST)
            arg = &job->command->args[i];
    if ((arg && !parse_set(job, arg, text, &error)) ||
        !parse_required(job, &trouble)) {
        job_fail(job, "bad-request", "%s",
            error ? error->message : trouble.text);
        g_free(trouble.text);
        return;
    }
    check_and_run(job);
}

static char *expand_fully(struct engine *engine, const char *line, bool *endless)
{
    char *text = g_strdup(line);
    *endless = false;
    for (int depth = 0;; depth++) {
        char *longer = engine_expand_alias(engine, text);
        if (!longer)
            return text;
        g_free(text);
        text = longer;
        if (depth == ALIAS_DEPTH) {
            *endless = true;
            return text;
        }
    }
}

/* The account is settled first, so that a failure names it, too. */
static struct job *begin(
    struct engine *engine, const struct run_context *context)
{
    struct job *job = job_new(engine, context);
    settle_account(job);
    return job;
}

struct job *engine_run(struct engine *engine, const char *line,
    const struct run_context *context)
{
    struct job *job = begin(engine, context);
    guint64 serial = job->serial;
    if (!g_utf8_validate(line, -1, NULL)) {
        job_fail(job, "bad-request", "The line is not UTF-8 text");
        return NULL;
    }
    if (line[0] == '/' && line[1] == '/') {
        run_say(job, line + 1);
        return still_running(engine, job, serial);
    }
    if (line[0] != '/') {
        run_say(job, line);
        return still_running(engine, job, serial);
    }
    bool endless;
    g_autofree char *expanded = expand_fully(engine, line, &endless);
    if (endless)
        job_fail(job, "bad-request",
            "This alias leads to itself: /alias list shows it");
    else
        run_command_line(job, expanded);
    return still_running(engine, job, serial);
}

/* --- JSON requests ------------------------------------------------------ */

/* json-glib recurses and cuts strings at \u0000: both are ruled out first. */
static const char *json_shape_problem(const char *json)
{
    int depth = 0, digits = 0;
    bool in_string = false;
    for (const char *p = json; *p; p++) {
        digits = in_string || !g_ascii_isdigit(*p) ? 0 : digits + 1;
        if (digits > INT64_DIGITS)
            return _("A number of the request is too long: write it as a string");
        if (in_string) {
            if (*p == '\\' && p[1]) {
                if (g_str_has_prefix(p, "\\u0000"))
                    return _("The request holds a NUL character (\\u0000)");
                p++;
            } else if (*p == '"') {
                in_string = false;
            }
        } else if (*p == '"') {
            in_string = true;
        } else if (*p == '{' || *p == '[') {
            if (++depth > JSON_DEPTH)
                return _("The request is nested too deeply");
        } else if (*p == '}' || *p == ']') {
            depth--;
        } else if (*p == '/' || *p == '\'' || *p == '#') {
            return _("The request is not JSON");
        }
    }
    return NULL;
}

static char *node_text(JsonNode *node)
{
    if (!node || !JSON_NODE_HOLDS_VALUE(node))
        return NULL;
    GType type = json_node_get_value_type(node);
    if (type == G_TYPE_STRING) {
        const char *text = json_node_get_string(node);
        return text && g_utf8_validate(text, -1, NULL) ? g_strdup(text) : NULL;
    }
    if (type == G_TYPE_INT64)
        return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
    if (type == G_TYPE_BOOLEAN)
        return g_strdup(json_node_get_boolean(node) ? "on" : "off");
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    if (type == G_TYPE_DOUBLE && isfinite(json_node_get_double(node)))
        return g_strdup(g_ascii_dtostr(
            number, sizeof number, json_node_get_double(node)));
    return NULL;
}

static const struct arg *arg_by_name(const struct command *command, const char *name)
{
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++)
        if (strcmp(command->args[i].name, name) == 0)
            return &command->args[i];
    return NULL;
}

static char *arg_names(const struct command *command)
{
    GString *names = g_string_new(NULL);
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++)
        g_string_append_printf(
            names, "%s%s", names->len ? ", " : "", command->args[i].name);
    if (!names->len)
        g_string_append(names, "none");
    return g_string_free(names, FALSE);
}

static bool set_json_value(
    struct job *job, const struct arg *arg, JsonNode *node, GError **error)
{
    g_autofree char *text = node_text(node);
    if (!text) {
        g_set_error(error, COMMAND_ERROR, 0,
            _("%s must be a string, a number or true or false%s"), arg->name,
            arg->flags & ARG_REPEAT ? _(", or an array of these") : "");
        return false;
    }
    if (arg->kind)
        return parse_set(job, arg, text, error);
    struct job_value *value = &job->values[arg - job->command->args];
    g_clear_pointer(&value->text, g_free);
    if (strcmp(text, "off") != 0)
        value->text = g_strdup("on");
    return true;
}

static bool set_json_arg(
    struct job *job, const char *name, JsonNode *node, GError **error)
{
    const struct arg *arg = arg_by_name(job->command, name);
    if (JSON_NODE_HOLDS_NULL(node))
        return true;
    if (!arg && (job->command->needs & NEEDS_CONSENT) &&
        (strcmp(name, "yes") == 0 || strcmp(name, "no") == 0)) {
        g_autofree char *said = node_text(node);
        if (g_strcmp0(said, "on") == 0)
            job->consent = *name == 'y' ? CONSENT_YES : CONSENT_NO;
        return true;
    }
    if (!arg && strcmp(name, "account") == 0)
        return true; /* settled before */
    if (!arg) {
        g_autofree char *names = arg_names(job->command);
        g_set_error(error, COMMAND_ERROR, 0,
            _("/%s has no argument of that name; it has: %s"), job->name, names);
        return false;
    }
    if (!JSON_NODE_HOLDS_ARRAY(node))
        return set_json_value(job, arg, node, error);
    JsonArray *array = json_node_get_array(node);
    guint n = json_array_get_length(array);
    if (!(arg->flags & ARG_REPEAT)) {
        g_set_error(error, COMMAND_ERROR, 0, _("%s takes one value, not an array"),
            arg->name);
        return false;
    }
    for (guint i = 0; i < n; i++)
        if (!set_json_value(job, arg, json_array_get_element(array, i), error))
            return false;
    return true;
}

static bool set_json_args(struct job *job, JsonObject *args, GError **error)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    json_object_iter_init_ordered(&iter, args);
    while (json_object_iter_next_ordered(&iter, &name, &node))
        if (!set_json_arg(job, name, node, error))
            return false;
    return true;
}

static bool settle_json_account(
    struct job *job, JsonObject *root, JsonObject *args)
{
    JsonNode *node = json_object_get_member(root, "account");
    if (!node && args && !arg_by_name(job->command, "account"))
        node = json_object_get_member(args, "account");
    if (!node)
        return true;
    g_autofree char *jid = node_text(node);
    const struct engine_host *host = &job->engine->host;
    job->account = jid && host->find_account
        ? host->find_account(host->data, jid)
        : NULL;
    if (job->account && job->chat && job->chat->account != job->account)
        job->chat = NULL;
    return job->account != NULL;
}

static bool read_tag(struct job *job, JsonObject *root)
{
    JsonNode *node = json_object_get_member(root, "tag");
    if (!node || JSON_NODE_HOLDS_NULL(node))
        return true;
    g_autofree char *text = node_text(node);
    if (!text)
        return false;
    g_free(job->tag);
    job->tag = json_to_string(node, FALSE);
    return true;
}

/* The command's words behind its name ("away" is "status away"). */
static bool read_json_command(struct job *job, const char *name,
    char **line, size_t *pos, struct trouble *trouble)
{
    *line = g_strconcat(*name == '/' ? "" : "/", name, NULL);
    return parse_command(job, line, pos, trouble);
}

static void run_request(struct job *job, JsonObject *root, const char *json)
{
    struct trouble trouble = { NULL, 0, NULL };
    g_autoptr(GError) error = NULL;
    if (!read_tag(job, root)) {
        job_fail(job, "bad-request", "tag must be a string or a number");
        return;
    }
    JsonNode *node = json_object_get_member(root, "command");
    JsonNode *args_node = json_object_get_member(root, "args");
    if (!node || json_node_get_value_type(node) != G_TYPE_STRING) {
        job_fail(job, "bad-request", "A request is "
            "{\"command\":\"NAME\",\"args\":{…},\"tag\":…}; command is missing");
        return;
    }
    if (args_node && !JSON_NODE_HOLDS_OBJECT(args_node)) {
        job_fail(job, "bad-request", "args must be an object");
        return;
    }
    JsonObject *args = args_node ? json_node_get_object(args_node) : NULL;
    g_autofree char *name = node_text(node);
    g_autofree char *line = NULL;
    size_t pos = 0;
    if (!read_json_command(job, name ? name : "", &line, &pos, &trouble)) {
        fail_line(job, NULL, &trouble);
        return;
    }
    if (!settle_json_account(job, root, args)) {
        job_fail(job, "item-not-found", "There is no such account here. "
            "/account list shows those there are");
        return;
    }
    settle_account(job);
    if (must_park(job)) {
        job->parked_line = g_strdup(json);
        job->parked_json = true;
        return;
    }
    if (!parse_words(job, line, pos, true, &trouble) ||
        !parse_words(job, line, pos, false, &trouble)) {
        fail_line(job, NULL, &trouble);
        return;
    }
    if (args && !set_json_args(job, args, &error)) {
        job_fail(job, parse_condition(error), "%s", error->message);
        return;
    }
    if (!parse_required(job, &trouble)) {
        fail_line(job, NULL, &trouble);
        return;
    }
    check_and_run(job);
}

static void run_json_text(struct job *job, const char *json)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    const char *problem = g_utf8_validate(json, -1, NULL)
        ? json_shape_problem(json)
        : _("The request is not UTF-8 text");
    if (problem) {
        job_fail(job, "bad-request", "%s", problem);
        return;
    }
    g_autoptr(GError) error = NULL;
    if (!json_parser_load_from_data(parser, json, -1, &error)) {
        job_fail(job, "bad-request",
            "The request is not JSON: it must be one object on one line");
        return;
    }
    JsonNode *root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        job_fail(job, "bad-request", "A request is one JSON object");
        return;
    }
    run_request(job, json_node_get_object(root), json);
}

struct job *engine_run_json(struct engine *engine, const char *json,
    const struct run_context *context)
{
    struct job *job = begin(engine, context);
    guint64 serial = job->serial;
    run_json_text(job, json);
    return still_running(engine, job, serial);
}

void engine_refuse(struct engine *engine, const char *name,
    const char *condition, const char *text, const struct run_context *context)
{
    struct job *job = begin(engine, context);
    job->name = g_strdup(name);
    job_fail(job, condition, "%s", text);
}

/* --- jobs that wait to be online ---------------------------------------- */

bool engine_is_waiting_online(
    const struct engine *engine, const struct job *job)
{
    return job_is_alive(engine, job) && job->parked_line;
}

static void resume(struct job *job)
{
    g_autofree char *line = g_steal_pointer(&job->parked_line);
    g_clear_pointer(&job->name, g_free);
    job->command = NULL;
    if (job->parked_json)
        run_json_text(job, line);
    else if (job->parked_say)
        run_say(job, line);
    else
        run_command_line(job, line);
}

void engine_resume_waiting(struct engine *engine)
{
    g_autoptr(GPtrArray) jobs = table_snapshot(engine->jobs, false);
    for (guint i = 0; i < jobs->len; i++) {
        struct job *job = jobs->pdata[i];
        if (engine_is_waiting_online(engine, job) && is_online(job))
            resume(job);
    }
}
