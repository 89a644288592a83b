/* Accounts and their connections: /connect /disconnect /reconnect /account
 * /tls. */
#include <string.h>

#include "app/app.h"
#include "app/await.h"
#include "base/intl.h"
#include "base/stamp.h"
#include "model/jid.h"
#include "net/dial.h"
#include "net/tls.h"

/* The account named, else the one the command is for. */
static struct account *chosen(struct job *job)
{
    const char *jid = job_arg(job, "account");
    return jid ? app_find_account(job_app(job), jid) : job_account(job);
}

/* --- /connect, /disconnect, /reconnect ----------------------------------- */

static bool on_connecting(
    struct job *job, const struct event *event, gpointer data)
{
    if (event->account != data)
        return false;
    if (event->type == EVENT_SYNCED) {
        job_done(job);
        return true;
    }
    if (event->type != EVENT_STATE ||
        (event->account->state != STATE_OFFLINE &&
            event->account->state != STATE_WAITING))
        return false;
    if (event->state.error)
        job_fail_error(job, event->state.error);
    else
        job_fail(job, "recipient-unavailable", "The connection was closed");
    return true;
}

/* In the configuration, or here for this session only. */
static bool is_known(struct job *job, const char *jid)
{
    g_auto(GStrv) jids = options_accounts(job_options(job));
    return app_find_account(job_app(job), jid) ||
           g_strv_contains((const char *const *)jids, jid);
}

static enum cmd_status fail_unknown(struct job *job, const char *jid)
{
    return job_fail(job, "item-not-found", "There is no account %s here. "
        "/account list shows those there are, /account add %s makes one",
        jid, jid);
}

/* HOST or HOST:PORT; a port of its own overrules that. */
static bool set_server(struct job *job, const char *jid, GError **error)
{
    const char *text = job_arg(job, "server");
    g_autofree char *host = NULL;
    guint16 port = 0;
    if (!text)
        return true;
    if (!dial_parse_server(text, &host, &port)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
            _("server wants HOST or HOST:PORT, not “%s”"), text);
        return false;
    }
    g_autofree char *number = g_strdup_printf("%d", port);
    return options_set(
               job_options(job), jid, "account.server", host, true, error) &&
        (!port || options_set(job_options(job), jid, "account.port", number,
                      true, error));
}

/* Two words of other clients; nothing is sent in the clear because of them. */
static const char *tls_word(struct job *job)
{
    const char *word = job_arg(job, "tls");
    return g_strcmp0(word, "force") == 0 || g_strcmp0(word, "allow") == 0
        ? "required" : word;
}

static bool set_for_now(struct job *job, const char *jid, const char *value,
    const char *option, GError **error)
{
    return !value ||
        options_set(job_options(job), jid, option, value, true, error);
}

static enum cmd_status wait_online(struct job *job, struct account *account)
{
    if (session_is_online(account) && account->synced)
        return job_done(job);
    return await_events(job, 0, on_connecting, account, NULL);
}

static enum cmd_status run_connect(struct job *job)
{
    struct app *app = job_app(job);
    struct account *account = chosen(job);
    g_autoptr(GError) error = NULL;
    const char *named = job_arg(job, "account");
    /* Only an anonymous account has no name, and it is set up beforehand. */
    if (!account && named && !strchr(named, '@') && !is_known(job, named))
        return job_fail(job, "jid-malformed", "%s is a server. The address of "
            "an account has a name before it, as in juliet@%s", named, named);
    if (!account && named)
        account = app_add_account(app, named);
    if (!account)
        return job_fail(job, "item-not-found",
            "Which account? Say /connect JID, or add one with /account add");
    const char *jid = account->config_jid;
    if (!set_server(job, jid, &error) ||
        !set_for_now(job, jid, job_arg(job, "port"), "account.port", &error) ||
        !set_for_now(job, jid, tls_word(job), "account.tls", &error) ||
        !set_for_now(job, jid, job_arg(job, "resource"), "account.resource",
            &error))
        return job_fail_error(job, error);
    session_connect(account);
    return wait_online(job, account);
}

static bool on_disconnecting(
    struct job *job, const struct event *event, gpointer data)
{
    if (event->account != data || event->type != EVENT_STATE ||
        event->account->state != STATE_OFFLINE)
        return false;
    job_done(job);
    return true;
}

static enum cmd_status run_disconnect(struct job *job)
{
    struct account *account = chosen(job);
    if (!account)
        return job_fail(job, "item-not-found", "There is no such account "
            "here. /account list shows those there are");
    if (account->state == STATE_OFFLINE)
        return job_done(job);
    await_events(job, 0, on_disconnecting, account, NULL);
    /* May end the job before it returns. */
    session_disconnect(account, job_arg(job, "message"));
    return CMD_WAIT;
}

static enum cmd_status run_reconnect(struct job *job)
{
    struct account *account = job_account(job);
    const char *when = job_arg(job, "when");
    g_autoptr(GError) error = NULL;
    if (!when || strcmp(when, "now") == 0) {
        session_kick(account);
        return wait_online(job, account);
    }
    bool seconds = g_ascii_isdigit(*when);
    if (seconds && !options_set(job_options(job), account->config_jid,
                       "account.reconnect_interval", when, false, &error))
        return job_fail_error(job, error);
    if (!options_set(job_options(job), account->config_jid,
            "account.reconnect", seconds ? "on" : when, false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

/* --- /account ------------------------------------------------------------- */

static void account_row(struct job *job, const char *jid)
{
    struct options *options = job_options(job);
    const struct account *account = app_find_account(job_app(job), jid);
    const char *fallback =
        options_get(options, NULL, "general.default_account");
    JOB_ROW(job, "account", FIELD_T("jid", jid),
        FIELD_B("enabled", options_bool(options, jid, "account.enabled")),
        FIELD_B("default", g_strcmp0(fallback, jid) == 0),
        FIELD_T("state", account ? connection_state_name(account->state)
                                 : connection_state_name(STATE_OFFLINE)),
        FIELD_T("full_jid", account ? account->full_jid : NULL),
        FIELD_T("tls", account ? account->tls_version : NULL));
}

static enum cmd_status run_account_list(struct job *job)
{
    struct app *app = job_app(job);
    g_auto(GStrv) jids = options_accounts(app->options);
    for (char **jid = jids; *jid; jid++)
        account_row(job, *jid);
    for (guint i = 0; i < app->accounts->len; i++) {
        const struct account *account = app->accounts->pdata[i];
        if (!g_strv_contains(
                (const char *const *)jids, account->config_jid))
            account_row(job, account->config_jid);
    }
    return job_done(job);
}

struct lister {
    struct job *job;
    const char *jid;
};

static void list_account_option(const struct option *row, gpointer data)
{
    const struct lister *lister = data;
    if (!g_str_has_prefix(row->name, "account."))
        return;
    JOB_ROW(lister->job, "option", FIELD_T("name", row->name),
        FIELD_T("value",
            options_get(job_options(lister->job), lister->jid, row->name)),
        FIELD_T("default", row->fallback));
}

static const char *named_jid(struct job *job)
{
    if (job_arg(job, "account"))
        return job_arg(job, "account");
    return job_account(job) ? job_account(job)->config_jid : NULL;
}

static enum cmd_status run_account_show(struct job *job)
{
    const char *jid = named_jid(job);
    if (!jid)
        return job_fail(job, "item-not-found",
            "Which account? /account list shows those there are");
    if (!is_known(job, jid))
        return fail_unknown(job, jid);
    account_row(job, jid);
    struct lister lister = { job, jid };
    options_foreach(job_options(job), list_account_option, &lister);
    return job_done(job);
}

static enum cmd_status run_account_add(struct job *job)
{
    g_autoptr(GError) error = NULL;
    const char *jid = job_arg(job, "account");
    if (!options_add_account(job_options(job), jid, &error))
        return job_fail_error(job, error);
    app_add_account(job_app(job), jid);
    job_note(job, "%s is there now. /connect %s signs in", jid, jid);
    return job_done(job);
}

static enum cmd_status remove_account(struct job *job)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *jid = g_strdup(job_arg(job, "account"));
    struct app *app = job_app(job);
    struct account *account = app_find_account(app, jid);
    if (!options_remove_account(app->options, jid, &error))
        return job_fail_error(job, error);
    /* The account takes the jobs that are for it along. */
    job_done(job);
    if (account)
        app_remove_account(app, account);
    return CMD_DONE;
}

static enum cmd_status run_account_remove(struct job *job)
{
    if (!is_known(job, job_arg(job, "account")))
        return fail_unknown(job, job_arg(job, "account"));
    g_autofree char *question =
        g_strdup_printf(_("Remove the account %s and its settings from this "
            "computer? (The account on the server stays.)"),
            job_arg(job, "account"));
    return job_confirm(job, question, remove_account);
}

static enum cmd_status set_option(struct job *job, const char *jid,
    const char *option, const char *value)
{
    g_autoptr(GError) error = NULL;
    if (!is_known(job, jid))
        return fail_unknown(job, jid);
    g_autofree char *name = strchr(option, '.')
        ? g_strdup(option)
        : g_strconcat("account.", option, NULL);
    if (!options_set(job_options(job), jid, name, value, false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_account_enable(struct job *job)
{
    return set_option(job, job_arg(job, "account"), "enabled", "on");
}

static enum cmd_status run_account_disable(struct job *job)
{
    return set_option(job, job_arg(job, "account"), "enabled", "off");
}

static enum cmd_status run_account_set(struct job *job)
{
    return set_option(job, job_arg(job, "account"), job_arg(job, "option"),
        job_arg(job, "value"));
}

static enum cmd_status run_account_clear(struct job *job)
{
    return set_option(
        job, job_arg(job, "account"), job_arg(job, "option"), NULL);
}

static enum cmd_status run_account_default(struct job *job)
{
    g_autoptr(GError) error = NULL;
    if (!is_known(job, job_arg(job, "account")))
        return fail_unknown(job, job_arg(job, "account"));
    if (!options_set(job_options(job), NULL, "general.default_account",
            job_arg(job, "account"), false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

/* --- /tls ------------------------------------------------------------------ */

static char *trust_section(const struct account *account)
{
    return g_strconcat("trust ", account->config_jid, NULL);
}

static char *pins_of(struct job *job)
{
    g_autofree char *section = trust_section(job_account(job));
    char *pins =
        options_section_get(job_options(job), section, "fingerprint");
    return pins ? pins : g_strdup("");
}

static enum cmd_status store_pins(struct job *job, const char *pins)
{
    g_autofree char *section = trust_section(job_account(job));
    g_autoptr(GError) error = NULL;
    if (!options_section_set(job_options(job), section, "fingerprint",
            *pins ? pins : NULL, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_tls_cert(struct job *job)
{
    const struct tls_peer *peer = session_peer(job_account(job));
    if (!peer)
        return job_fail(job, "item-not-found",
            "There is no certificate: %s is not connected by TLS",
            job_account(job)->jid);
    JOB_ROW(job, "certificate", FIELD_T("subject", peer->subject),
        FIELD_T("issuer", peer->issuer), FIELD_T("names", peer->names),
        FIELD_T("sha256", peer->sha256),
        FIELD_D("not_before", peer->not_before_us),
        FIELD_D("not_after", peer->not_after_us),
        FIELD_B("trusted", peer->distrust == 0),
        FIELD_T("tls", job_account(job)->tls_version));
    return job_done(job);
}

static enum cmd_status run_tls_trusted(struct job *job)
{
    g_autofree char *pins = pins_of(job);
    g_auto(GStrv) each = g_strsplit_set(pins, " ,;", -1);
    for (char **pin = each; *pin; pin++)
        if (**pin)
            JOB_ROW(job, "trusted", FIELD_T("sha256", *pin));
    return job_done(job);
}

/* "AB:CD…" or "abcd…": 32 bytes, as the connection compares them. */
static char *parse_fingerprint(
    struct job *job, const char *text, GError **error)
{
    GString *out = g_string_new(NULL);
    guint digits = 0;
    (void)job;
    for (const char *p = text; *p; p++) {
        if (*p == ':')
            continue;
        if (!g_ascii_isxdigit(*p) || digits == 64) {
            digits = 0;
            break;
        }
        if (digits && digits % 2 == 0)
            g_string_append_c(out, ':');
        g_string_append_c(out, g_ascii_tolower(*p));
        digits++;
    }
    if (digits == 64)
        return g_string_free(out, FALSE);
    g_string_free(out, TRUE);
    g_set_error(error, JID_ERROR, 0, _("A fingerprint is SHA-256: 64 hexadecimal "
        "digits, colons between them or not"));
    return NULL;
}

static void complete_fingerprint(
    struct completion *completion, const char *prefix)
{
    (void)prefix;
    const struct tls_peer *peer =
        completion->account ? session_peer(completion->account) : NULL;
    if (peer)
        completion_add(completion, peer->sha256);
}

static enum cmd_status run_tls_always(struct job *job)
{
    const char *pin = job_arg(job, "fingerprint");
    g_autofree char *pins = pins_of(job);
    if (strstr(pins, pin))
        return job_done(job);
    g_autofree char *all = g_strconcat(pins, *pins ? " " : "", pin, NULL);
    return store_pins(job, all);
}

static enum cmd_status run_tls_revoke(struct job *job)
{
    const char *pin = job_arg(job, "fingerprint");
    g_autofree char *pins = pins_of(job);
    g_auto(GStrv) each = g_strsplit_set(pins, " ,;", -1);
    GString *kept = g_string_new(NULL);
    bool found = false;
    for (char **one = each; *one; one++)
        if (strcmp(*one, pin) == 0)
            found = true;
        else if (**one)
            g_string_append_printf(kept, "%s%s", kept->len ? " " : "", *one);
    g_autofree char *rest = g_string_free(kept, FALSE);
    if (!found)
        return job_fail(job, "item-not-found", "That certificate is not "
            "pinned. /tls trusted shows those that are");
    return store_pins(job, rest);
}

static const struct arg_kind arg_fingerprint = {
    "SHA256", parse_fingerprint, complete_fingerprint, false
};

static char *parse_when(struct job *job, const char *text, GError **error)
{
    static const char *const words[] = { "now", "on", "off", NULL };
    if (g_strv_contains(words, text))
        return g_strdup(text);
    char *seconds = arg_seconds.parse(job, text, NULL);
    if (!seconds)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
            _("Say now, on, off, or a number of seconds"));
    return seconds;
}

static void complete_when(struct completion *completion, const char *prefix)
{
    (void)prefix;
    completion_add(completion, "now");
    completion_add(completion, "on");
    completion_add(completion, "off");
}

static const struct arg_kind arg_when = {
    "now|on|off|SECONDS", parse_when, complete_when, false
};

#define ACCOUNT_FIELDS \
    "account: jid enabled default state full_jid? tls?"
#define ACCOUNT_ARG { .name = "account", .kind = &arg_account }
#define ACCOUNT_OPTIONAL \
    { .name = "account", .kind = &arg_account, .flags = ARG_OPTIONAL }
#define FINGERPRINT_ARG { .name = "fingerprint", .kind = &arg_fingerprint }

static const struct command account_subs[] = {
    { .name = "list", .run = run_account_list,
        .summary = "List the accounts and how they are connected",
        .fields = ACCOUNT_FIELDS },
    { .name = "show", .args = { ACCOUNT_OPTIONAL }, .run = run_account_show,
        .fields = ACCOUNT_FIELDS "; option: name value? default?",
        .summary = "Show an account and all its settings" },
    { .name = "add", .args = { ACCOUNT_ARG }, .run = run_account_add,
        .words = "new login sign-in user",
        .summary = "Add an account that exists on a server",
        .detail = "Registering a new one is done by /register." },
    { .name = "remove", .args = { ACCOUNT_ARG }, .run = run_account_remove,
        .needs = NEEDS_CONSENT,
        .summary = "Remove an account from the configuration" },
    { .name = "enable", .args = { ACCOUNT_ARG }, .run = run_account_enable,
        .summary = "Open the account at every start" },
    { .name = "disable", .args = { ACCOUNT_ARG }, .run = run_account_disable,
        .summary = "Do not open the account at start" },
    { .name = "set",
        .args = { ACCOUNT_ARG,
            { .name = "option", .kind = &arg_option_name },
            { .name = "value", .kind = &arg_option_value, .flags = ARG_REST } },
        .run = run_account_set,
        .summary = "Set an option of an account and save it" },
    { .name = "clear",
        .args = { ACCOUNT_ARG, { .name = "option", .kind = &arg_option_name } },
        .run = run_account_clear,
        .summary = "Give an option of an account its default again" },
    { .name = "default", .args = { ACCOUNT_ARG }, .run = run_account_default,
        .summary = "Make an account the one that commands are for" },
    { .name = NULL },
};

static const struct command tls_subs[] = {
    { .name = "cert", .needs = NEEDS_ACCOUNT, .run = run_tls_cert,
        .summary = "Show the server's certificate",
        .fields = "certificate: subject issuer names sha256 not_before "
                  "not_after trusted tls" },
    { .name = "always", .aliases = "trust", .needs = NEEDS_ACCOUNT,
        .args = { FINGERPRINT_ARG }, .run = run_tls_always,
        .summary = "Trust the certificate with this fingerprint, for this "
                   "account only" },
    { .name = "trusted", .needs = NEEDS_ACCOUNT, .run = run_tls_trusted,
        .summary = "List the certificates that are pinned",
        .fields = "trusted: sha256" },
    { .name = "revoke", .aliases = "deny", .needs = NEEDS_ACCOUNT,
        .args = { FINGERPRINT_ARG }, .run = run_tls_revoke,
        .summary = "Trust a pinned certificate no longer" },
    { .name = NULL },
};

static const char *const connect_examples[] = {
    "/connect juliet@example.com server xmpp.example.com port 5223",
    "Connects to that host; its certificate must be for example.com",
    NULL,
};

const struct command app_account_commands[] = {
    { .name = "connect",
        .args = { ACCOUNT_OPTIONAL,
            { .name = "server", .kind = &arg_word, .option = "server --server",
                .summary = "HOST[:PORT] to connect to instead of asking DNS" },
            { .name = "port", .kind = &arg_int, .option = "port --port",
                .summary = "its port" },
            { .name = "tls", .kind = &arg_choice, .option = "tls --tls",
                .choices = "required direct starttls off force allow",
                .summary = "as account.tls; force and allow mean required" },
            { .name = "resource", .kind = &arg_word,
                .option = "resource --resource",
                .summary = "resource to ask for" } },
        .words = "online sign-in login go server start",
        .summary = "Connect an account",
        .detail = "What is said here holds until txmpp ends; /account set "
                  "keeps it. Done when the roster is here and our presence "
                  "is out.",
        .examples = connect_examples, .run = run_connect },
    { .name = "disconnect",
        .args = { ACCOUNT_OPTIONAL,
            { .name = "message", .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST } },
        .words = "offline sign-out logout log-off leave",
        .summary = "Close the connection of an account",
        .run = run_disconnect },
    { .name = "reconnect", .aliases = "tcp-reconnect", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "when", .kind = &arg_when,
            .flags = ARG_OPTIONAL } },
        .words = "retry again connection network",
        .summary = "Connect again now, or say whether that is done by itself",
        .detail = "SECONDS is the pause before the first attempt after a loss "
                  "(account.reconnect_interval).",
        .run = run_reconnect },
    { .name = "account", .sub = account_subs,
        .words = "user login sign-in accounts identity jabber",
        .summary = "The accounts of this profile" },
    { .name = "tls", .sub = tls_subs,
        .words = "certificate encryption encrypted secure ssl trust fingerprint pin",
        .summary = "Certificates: what the server shows, what is trusted",
        .detail = "A certificate that cannot be verified is refused in "
                  "command mode. Pin it beforehand with /tls always and "
                  "--offline." },
    { .name = NULL },
};
