/* The kinds of arguments: how a value is prepared, what may stand there. */
#include <glib/gstdio.h>
#include <string.h>

#include "base/intl.h"
#include "base/stamp.h"
#include "base/text.h"
#include "cmd/engine_private.h"
#include "model/account.h"
#include "model/jid.h"
#include "store/option.h"

#define DIR_ENTRIES_MAX 5000

/* “text” and what is wrong with it. */
static char *fail(GError **error, const char *text, const char *why)
{
    g_autofree char *clean = text_clean(text, -1, TEXT_ONE_LINE);
    g_autofree char *shown = text_ellipsize(clean, 40, false);
    g_set_error(error, COMMAND_ERROR, 0, "“%s” %s", shown, why);
    return NULL;
}

/* --- addresses ---------------------------------------------------------- */

static bool names_current_chat(struct job *job, const char *text)
{
    return strcmp(text, ".") == 0 && job->chat;
}

static char *parse_jid(struct job *job, const char *text, GError **error)
{
    if (names_current_chat(job, text))
        return g_strdup(job->chat->jid);
    if (strcmp(text, ".") == 0)
        return fail(error, text, _("is the current chat, and none is open"));
    return jid_prepare(text, error);
}

static char *parse_bare_jid(struct job *job, const char *text, GError **error)
{
    g_autofree char *jid = parse_jid(job, text, error);
    return jid ? jid_bare(jid) : NULL;
}

/* A script means what it says: whole names only. */
static const struct contact *find_contact(struct job *job, const char *text)
{
    if (!job->account || !job->account->roster)
        return NULL;
    const struct contact *contact = roster_match(job->account->roster, text);
    bool screen = job->front && job->front->ops->is_screen;
    if (contact && !screen && strcmp(contact->jid, text) != 0 &&
        g_strcmp0(contact->name, text) != 0)
        return NULL;
    return contact;
}

static char *parse_contact(struct job *job, const char *text, GError **error)
{
    if (strchr(text, '@') || strchr(text, ':') || strcmp(text, ".") == 0)
        return parse_jid(job, text, error);
    const struct contact *contact = find_contact(job, text);
    if (contact)
        return g_strdup(contact->jid);
    /* A lone word is a mistyped name rather than a server. */
    bool word = g_str_is_ascii(text) && !strchr(text, '.');
    if (word && job->account &&
        !g_str_equal(jid_domain_start(job->account->jid), text) &&
        job->front && job->front->ops->is_screen)
        return fail(error, text, _("is no contact's name and no address; an "
            "address looks like juliet@example.com"));
    return parse_jid(job, text, error);
}

static void add_contact(struct contact *contact, gpointer data)
{
    struct completion *completion = data;
    completion_add(completion, contact->jid);
    if (contact->name)
        completion_add(completion, contact->name);
}

static void complete_chat(struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (!completion->account)
        return;
    GHashTableIter iter;
    gpointer jid;
    g_hash_table_iter_init(&iter, completion->account->chats);
    while (g_hash_table_iter_next(&iter, &jid, NULL))
        completion_add(completion, jid);
}

static void complete_contact(struct completion *completion, const char *prefix)
{
    complete_chat(completion, prefix);
    if (completion->account && completion->account->roster)
        roster_foreach(completion->account->roster, add_contact, completion);
}

static void add_contact_jid(struct contact *contact, gpointer data)
{
    completion_add(data, contact->jid);
}

static void add_contact_resources(struct contact *contact, gpointer data)
{
    completion_add(data, contact->jid);
    if (!contact->resources)
        return;
    for (guint i = 0; i < contact->resources->len; i++)
        completion_add(
            data, ((struct presence *)contact->resources->pdata[i])->from);
}

static void complete_bare_jid(struct completion *completion, const char *prefix)
{
    complete_chat(completion, prefix);
    if (completion->account && completion->account->roster)
        roster_foreach(
            completion->account->roster, add_contact_jid, completion);
}

/* Resources only when a contact is already named. */
static void complete_jid(struct completion *completion, const char *prefix)
{
    complete_chat(completion, prefix);
    if (completion->account && completion->account->roster)
        roster_foreach(completion->account->roster,
            strchr(prefix, '/') ? add_contact_resources : add_contact_jid,
            completion);
}

static void add_groups(struct contact *contact, gpointer data)
{
    for (char **group = contact->groups; group && *group; group++)
        completion_add(data, *group);
}

static void complete_group(struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (completion->account && completion->account->roster)
        roster_foreach(completion->account->roster, add_groups, completion);
}

static void complete_account(struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (!completion->engine->options)
        return;
    g_auto(GStrv) jids = options_accounts(completion->engine->options);
    for (char **jid = jids; *jid; jid++)
        completion_add(completion, *jid);
    if (completion->account)
        completion_add(completion, completion->account->jid);
}

/* --- files and links ---------------------------------------------------- */

static char *expand_home(const char *text)
{
    if (text[0] != '~' || (text[1] != '/' && text[1]))
        return g_strdup(text);
    return g_strconcat(g_get_home_dir(), text + 1, NULL);
}

static char *parse_file(struct job *job, const char *text, GError **error)
{
    (void)job;
    if (!*text)
        return fail(error, text, _("is no name of a file"));
    return expand_home(text);
}

static void add_entry(struct completion *completion, const char *typed_dir,
    const char *dir, const char *name)
{
    if (!g_utf8_validate(name, -1, NULL) ||
        !text_is_clean(name, -1, TEXT_ONE_LINE))
        return;
    g_autofree char *path = g_build_filename(dir, name, NULL);
    bool is_dir = g_file_test(path, G_FILE_TEST_IS_DIR);
    g_autofree char *item =
        g_strconcat(typed_dir, name, is_dir ? "/" : "", NULL);
    completion_add(completion, item);
}

static void complete_file(struct completion *completion, const char *prefix)
{
    const char *slash = strrchr(prefix, '/');
    g_autofree char *typed_dir =
        g_strndup(prefix, slash ? (gsize)(slash - prefix) + 1 : 0);
    const char *base = slash ? slash + 1 : prefix;
    g_autofree char *dir = expand_home(*typed_dir ? typed_dir : ".");
    g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
    const char *name;
    for (int n = 0; entries && n < DIR_ENTRIES_MAX &&
         (name = g_dir_read_name(entries)); n++)
        if (g_str_has_prefix(name, base) && (*name != '.' || *base == '.'))
            add_entry(completion, typed_dir, dir, name);
}

/* H56: nothing that a program could take for an option or a shell for code,
 * and only schemes that are harmless to open. */
static char *parse_url(struct job *job, const char *text, GError **error)
{
    static const char *const schemes[] = { "http", "https", "xmpp", "mailto",
        "aesgcm", NULL };
    (void)job;
    g_autofree char *scheme = g_uri_parse_scheme(text);
    g_autofree char *lower = scheme ? g_ascii_strdown(scheme, -1) : NULL;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f)
            return fail(error, text, _("is no link: it holds blanks"));
    if (!lower || !g_strv_contains(schemes, lower))
        return fail(error, text, _("is no link that can be opened (http, https, "
            "xmpp, mailto)"));
    return g_strdup(text);
}

/* --- numbers and times -------------------------------------------------- */

static char *parse_int(struct job *job, const char *text, GError **error)
{
    gint64 n;
    (void)job;
    if (!g_ascii_string_to_signed(
            text, 10, G_MININT64, G_MAXINT64, &n, NULL))
        return fail(error, text, _("is not a whole number: write digits, as in 12"));
    return g_strdup_printf("%" G_GINT64_FORMAT, n);
}

/* 30, 0.5, 30s, 5m, 2h, 1d. */
static char *parse_seconds(struct job *job, const char *text, GError **error)
{
    static const char letters[] = "smhd";
    static const double factors[] = { 1, 60, 3600, 86400 };
    char *end = NULL;
    (void)job;
    double n = g_ascii_isdigit(*text) ? g_ascii_strtod(text, &end) : -1;
    if (n >= 0 && *end && !end[1] && strchr(letters, *end)) {
        n *= factors[strchr(letters, *end) - letters];
        end++;
    }
    if (!(n >= 0) || n > 1e9 || *end || strpbrk(text, "xXpP"))
        return fail(error, text, _("is no time: say 30, 0.5, 5m, 2h or 1d"));
    if (n == (double)(gint64)n)
        return g_strdup_printf("%" G_GINT64_FORMAT, (gint64)n);
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    return g_strdup(g_ascii_formatd(number, sizeof number, "%.12g", n));
}

static char *parse_date(struct job *job, const char *text, GError **error)
{
    gint64 when;
    (void)job;
    if (!stamp_parse_human(text, stamp_now(), &when))
        return fail(error, text, _("is no date: say 2026-11-20, 14:30, today, "
            "yesterday, 30m, 2h, 3d or 2026-11-20T21:02:00Z"));
    return stamp_format_ms(when);
}

static void complete_date(struct completion *completion, const char *prefix)
{
    (void)prefix;
    completion_add(completion, "today");
    completion_add(completion, "yesterday");
}

static void complete_seconds(struct completion *completion, const char *prefix)
{
    (void)completion;
    (void)prefix;
}

/* --- words of our own --------------------------------------------------- */

static const char *const states[] = { "available", "chat", "away", "xa", "dnd",
    "offline", NULL };

static char *parse_state(struct job *job, const char *text, GError **error)
{
    (void)job;
    if (strcmp(text, "online") == 0)
        return g_strdup("available");
    if (g_strv_contains(states, text))
        return g_strdup(text);
    return fail(error, text, _("is no state: available, chat, away, xa, dnd or "
        "offline"));
}

static void complete_state(struct completion *completion, const char *prefix)
{
    (void)prefix;
    for (int i = 0; states[i]; i++)
        completion_add(completion, states[i]);
}

static void complete_choice(struct completion *completion, const char *prefix)
{
    (void)prefix;
    const char *choices = completion->arg ? completion->arg->choices : NULL;
    g_auto(GStrv) words = g_strsplit(choices ? choices : "", " ", -1);
    for (char **word = words; *word; word++)
        completion_add(completion, *word);
}

static void add_command_name(const struct command *command, gpointer data)
{
    completion_add(data, command->name);
}

static void complete_command(struct completion *completion, const char *prefix)
{
    const struct engine *engine = completion->engine;
    engine_foreach(engine, add_command_name, completion);
    /* Second names only for who begins to type one. */
    if (!*prefix)
        return;
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, engine->aliases);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        completion_add(completion, name);
    if (!engine->options)
        return;
    g_auto(GStrv) own = options_section_keys(engine->options, "alias");
    for (char **alias = own; *alias; alias++)
        completion_add(completion, *alias);
}

static void add_option_name(const struct option *row, gpointer data)
{
    completion_add(data, row->name);
}

static void complete_option_name(
    struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (completion->engine->options)
        options_foreach(
            completion->engine->options, add_option_name, completion);
}

/* The values of the option that is the word before. */
static void complete_option_value(
    struct completion *completion, const char *prefix)
{
    (void)prefix;
    struct options *options = completion->engine->options;
    const char *name = NULL;
    for (const char *const *word = completion->words; word && *word; word++)
        if (options && options_row(options, *word))
            name = *word;
    if (!name)
        return;
    const struct option *row = options_row(options, name);
    const char *jid = completion->account ? completion->account->jid : NULL;
    const char *choices =
        row->kind == OPTION_BOOL ? "on off" : row->choices;
    g_auto(GStrv) words = g_strsplit(choices ? choices : "", " ", -1);
    for (char **word = words; *word; word++)
        completion_add(completion, *word);
    const char *present = options_get(options, jid, name);
    if (present && *present)
        completion_add(completion, present);
}

const struct arg_kind arg_text = { 0 };
const struct arg_kind arg_word = { 0 };
const struct arg_kind arg_jid = { "JID", parse_jid, complete_jid, false };
const struct arg_kind arg_bare_jid = { "JID", parse_bare_jid, complete_bare_jid,
    false };
const struct arg_kind arg_contact = { "JID", parse_contact, complete_contact,
    false };
const struct arg_kind arg_account = { "ACCOUNT", parse_bare_jid,
    complete_account, false };
const struct arg_kind arg_file = { "FILE", parse_file, complete_file, false };
const struct arg_kind arg_int = { NULL, parse_int, NULL, false };
const struct arg_kind arg_seconds = { "SECONDS", parse_seconds,
    complete_seconds, false };
const struct arg_kind arg_command = { "COMMAND", NULL, complete_command,
    false };
const struct arg_kind arg_option_name = { "OPTION", NULL, complete_option_name,
    false };
const struct arg_kind arg_option_value = { "VALUE", NULL,
    complete_option_value, false };
const struct arg_kind arg_group = { "GROUP", NULL, complete_group, false };
const struct arg_kind arg_chat = { "CHAT", parse_contact, complete_chat,
    false };
const struct arg_kind arg_choice = { NULL, NULL, complete_choice, false };
const struct arg_kind arg_url = { "URL", parse_url, NULL, false };
const struct arg_kind arg_date = { "DATE", parse_date, complete_date, false };
const struct arg_kind arg_state = { "STATE", parse_state, complete_state,
    false };
