/*
 * Questions of a login and their answers. An answer may come when the
 * connection that asked is long gone, or the account: whoever waits for one
 * holds the login, and the stream that asked must still be the present one.
 */
#include "xmpp/login.h"
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include "base/intl.h"
#include "model/jid.h"
#include "store/option.h"

#define PASSWORD_BYTES 4096

struct login {
    int refs;
    struct account *account; /* NULL: closed */
    struct front *front;
    struct stream *stream;   /* the present connection */
    guint generation;        /* of it: a new one may get the old address */
    struct secret *given;    /* --password-* */
    struct secret *password; /* asked for or computed, for the next time */
    GString *tried;
    GSubprocess *command;    /* password_command, while it runs */
    GCancellable *cancel;
};

struct login *login_new(
    struct account *account, struct front *front, struct secret *given)
{
    struct login *login = g_new0(struct login, 1);

    login->refs = 1;
    login->account = account;
    login->front = front;
    login->given = given ? secret_ref(given) : NULL;
    login->tried = g_string_new(NULL);
    return login;
}

void login_unref(struct login *login)
{
    if (!login || --login->refs > 0)
        return;
    secret_unref(login->given);
    secret_unref(login->password);
    g_string_free(login->tried, TRUE);
    g_free(login);
}

void login_cancel(struct login *login)
{
    if (login->command)
        g_subprocess_send_signal(login->command, SIGTERM);
    if (login->cancel)
        g_cancellable_cancel(login->cancel);
    g_clear_object(&login->command);
    g_clear_object(&login->cancel);
}

void login_close(struct login *login)
{
    login_cancel(login);
    login->account = NULL;
    login->stream = NULL;
    login->front = NULL;
}

void login_set_stream(struct login *login, struct stream *stream)
{
    login_cancel(login);
    login->stream = stream;
    login->generation++;
}

const char *login_tried(const struct login *login)
{
    return login->tried->str;
}

/* What an answer needs when it comes, perhaps after the account is gone. */
struct asked {
    struct login *login;
    guint generation; /* of the connection that asked */
    char *sha256;
};

static struct asked *asked_new(struct login *login, const char *sha256)
{
    struct asked *asked = g_new0(struct asked, 1);

    login->refs++;
    asked->login = login;
    asked->generation = login->generation;
    asked->sha256 = g_strdup(sha256);
    return asked;
}

static void asked_free(struct asked *asked)
{
    login_unref(asked->login);
    g_free(asked->sha256);
    g_free(asked);
}

static bool still_wanted(const struct asked *asked)
{
    return asked->login->account && asked->login->stream &&
        asked->login->generation == asked->generation;
}

static char *trust_section(const struct account *account)
{
    return g_strconcat("trust ", account->config_jid, NULL);
}

static void remember(
    struct account *account, const char *key, const char *value)
{
    g_autofree char *section = trust_section(account);
    g_autofree char *old = NULL;
    g_autoptr(GError) error = NULL;

    if (!account->options)
        return;
    old = options_section_get(account->options, section, key);
    if (g_strcmp0(old, value) == 0)
        return;
    if (!options_section_set(account->options, section, key, value, &error))
        observers_notice(account->observers, account, "%s", error->message);
}

static void pin(struct account *account, const char *sha256)
{
    g_autofree char *section = trust_section(account);
    g_autofree char *old = NULL, *all = NULL;

    if (!account->options)
        return;
    old = options_section_get(account->options, section, "fingerprint");
    if (old && strstr(old, sha256))
        return;
    all = old && *old ? g_strconcat(old, " ", sha256, NULL) : g_strdup(sha256);
    remember(account, "fingerprint", all);
}

char **login_pins(const struct account *account)
{
    g_autofree char *section = trust_section(account);
    g_autofree char *all = account->options
        ? options_section_get(account->options, section, "fingerprint")
        : NULL;

    return g_strsplit_set(all ? all : "", " ,;", -1);
}

char *login_pinned_mechanism(const struct account *account)
{
    g_autofree char *section = trust_section(account);

    return account->options
        ? options_section_get(account->options, section, "mechanism")
        : NULL;
}

void login_pin_mechanism(struct account *account, const char *mechanism)
{
    remember(account, "mechanism", mechanism);
}

static void on_certificate_answer(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    struct asked *asked = data;
    const bool always = answer == ANSWER_ALWAYS;

    (void)text;
    (void)password;
    if (still_wanted(asked)) {
        if (always)
            pin(asked->login->account, asked->sha256);
        stream_certificate_decide(asked->login->stream,
            always || answer == ANSWER_ONCE || answer == ANSWER_YES,
            always ? asked->sha256 : NULL);
    }
    asked_free(asked);
}

static bool ask(struct login *login, const struct question *question)
{
    return login->front &&
        login->front->ops->ask(login->front, question);
}

void login_certificate(struct login *login, const struct tls_peer *peer)
{
    struct account *account = login->account;
    struct asked *asked = asked_new(login, peer->sha256);
    g_autofree char *domain = jid_domain(account->jid);
    g_autofree char *why = tls_distrust_sentence(peer->distrust, domain);

    if (ask(login,
            &(struct question){ .kind = QUESTION_CERTIFICATE,
                .account = account,
                .title = "Certificate",
                .text = why,
                .jid = account->jid,
                .destructive = true,
                .peer = peer,
                .answer = on_certificate_answer,
                .data = asked }))
        return;
    asked_free(asked);
    stream_certificate_decide(login->stream, false, NULL);
}

/* ---- PLAIN -------------------------------------------------------------- */

static void allow_plain(struct account *account)
{
    g_autoptr(GError) error = NULL;

    if (account->options &&
        !options_set(account->options, account->config_jid,
            "account.plain_allowed", "on", false, &error))
        observers_notice(account->observers, account, "%s", error->message);
}

static void on_plain_answer(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    struct asked *asked = data;

    (void)text;
    (void)password;
    if (still_wanted(asked)) {
        if (answer == ANSWER_YES)
            allow_plain(asked->login->account);
        stream_plain_decide(asked->login->stream, answer == ANSWER_YES);
    }
    asked_free(asked);
}

void login_plain(struct login *login)
{
    struct account *account = login->account;
    struct asked *asked = asked_new(login, NULL);
    g_autofree char *domain = jid_domain(account->jid);
    g_autofree char *text = g_strdup_printf(
        _("%s offers no way to log in that keeps the password to yourself: it "
        "wants the password itself (PLAIN). The connection is encrypted, but "
        "the server, and whoever runs it, will see it. Send it?"), domain);

    if (ask(login,
            &(struct question){ .kind = QUESTION_CONFIRM,
                .account = account,
                .title = _("Send the password?"),
                .text = text,
                .jid = account->jid,
                .destructive = true,
                .answer = on_plain_answer,
                .data = asked }))
        return;
    asked_free(asked);
    stream_plain_decide(login->stream, false);
}

/* ---- the password (contract.md s. 1 has the order) --------------------- */

static void keep_password(struct login *login, struct secret *password)
{
    if (login->password)
        secret_unref(login->password);
    login->password = password ? secret_ref(password) : NULL;
}

static void tried(struct login *login, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
static void tried(struct login *login, const char *format, ...)
{
    va_list args;

    if (login->tried->len > 0)
        g_string_append(login->tried, ", ");
    va_start(args, format);
    g_string_append_vprintf(login->tried, format, args);
    va_end(args);
}

static void on_password_answer(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    struct asked *asked = data;

    (void)text;
    (void)answer;
    if (still_wanted(asked)) {
        keep_password(asked->login, password);
        if (password) /* or the one that was refused would go first again */
            g_clear_pointer(&asked->login->given, secret_unref);
        else
            tried(asked->login, _("the prompt (dismissed; /connect asks again)"));
        stream_password(asked->login->stream, password);
    }
    asked_free(asked);
}

static void ask_password(struct login *login, bool again)
{
    struct account *account = login->account;
    struct asked *asked = asked_new(login, NULL);
    g_autofree char *text =
        g_strdup_printf(_("Password of %s"), account->jid);

    if (ask(login,
            &(struct question){ .kind = QUESTION_PASSWORD,
                .account = account,
                .title = "Password",
                .text = text,
                .jid = account->jid,
                .again = again,
                .answer = on_password_answer,
                .data = asked }))
        return;
    asked_free(asked);
    tried(login, _("the terminal (there is none to ask on)"));
    stream_password(login->stream, NULL);
}

static struct secret *first_line(GBytes *output)
{
    gsize len;
    const char *bytes = g_bytes_get_data(output, &len);
    const char *end = bytes ? memchr(bytes, '\n', len) : NULL;

    if (!bytes)
        return NULL;
    if (end)
        len = (gsize)(end - bytes);
    if (len > 0 && bytes[len - 1] == '\r')
        len--;
    return len > 0 && len <= PASSWORD_BYTES ? secret_new(bytes, (gssize)len) : NULL;
}

static void on_command_done(
    GObject *source, GAsyncResult *result, gpointer data)
{
    struct asked *asked = data;
    struct login *login = asked->login;
    GSubprocess *process = G_SUBPROCESS(source);
    g_autoptr(GBytes) output = NULL;
    g_autoptr(GError) error = NULL;
    auto_struct(secret) password = NULL;

    g_subprocess_communicate_finish(process, result, &output, NULL, &error);
    if (login->command != process) { /* given up */
        asked_free(asked);
        return;
    }
    g_clear_object(&login->command);
    g_clear_object(&login->cancel);
    if (output) {
        if (g_subprocess_get_successful(process))
            password = first_line(output);
        secret_wipe((void *)g_bytes_get_data(output, NULL),
            g_bytes_get_size(output));
    }
    if (still_wanted(asked)) {
        keep_password(login, password);
        if (password) {
            stream_password(login->stream, password);
        } else {
            tried(login, _("password_command (%s)"),
                error ? error->message
                    : !g_subprocess_get_if_exited(process)
                    ? _("it was killed")
                    : g_subprocess_get_exit_status(process) != 0
                    ? _("it failed")
                    : _("it printed nothing"));
            ask_password(login, false);
        }
    }
    asked_free(asked);
}

static bool run_password_command(struct login *login)
{
    const char *line =
        account_option(login->account, "account.password_command");
    g_auto(GStrv) argv = NULL;
    g_autoptr(GSubprocess) process = NULL;
    g_autoptr(GError) error = NULL;

    if (!line || !*line)
        return false;
    if (g_shell_parse_argv(line, NULL, &argv, &error))
        process = g_subprocess_newv((const char *const *)argv,
            G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
    if (!process) {
        tried(login, _("password_command (%s)"), error->message);
        return false;
    }
    login_cancel(login);
    login->cancel = g_cancellable_new();
    login->command = g_object_ref(process);
    g_subprocess_communicate_async(process, NULL, login->cancel,
        on_command_done, asked_new(login, NULL));
    return true;
}

void login_password(struct login *login, bool again)
{
    struct secret *ready = login->given ? login->given : login->password;

    g_string_truncate(login->tried, 0);
    if (again) {
        tried(login, _("the password given (it was refused)"));
        keep_password(login, NULL);
        ask_password(login, true);
    } else if (ready) {
        stream_password(login->stream, ready);
    } else if (!run_password_command(login)) {
        if (login->tried->len == 0)
            tried(login, _("password_command (not set)"));
        tried(login, _("the keyring (not built in)"));
        ask_password(login, false);
    }
}

void login_set_password(struct login *login, struct secret *password)
{
    g_clear_pointer(&login->given, secret_unref);
    keep_password(login, password);
}

bool login_password_given(const struct login *login)
{
    return login->given != NULL;
}
