/*
 * Registration as commands: /register makes an account on a server or
 * registers with a service, /changepassword and /unregister work on the
 * account that is online.
 */
#include <string.h>
#include <gio/gio.h>
#include "base/intl.h"
#include "cmd/job.h"
#include "model/jid.h"
#include "xep/ask.h"
#include "xep/xep.h"
#include "xep/xep0077_form.h"
#include "xep/xep0077_register.h"
#include "xmpp/rfc6120_session.h"

/* /register user@server */

struct making {
    struct job *job; /* NULL: given up */
    struct registration *registration;
};

static void on_made(const char *jid, struct secret *password,
    const GError *error, gpointer data)
{
    (void)password;
    struct making *making = data;
    struct job *job = making->job;
    making->registration = NULL;
    if (!job)
        return;
    job_on_cancel(job, NULL, NULL);
    if (error) {
        job_fail_error(job, error);
        return;
    }
    JOB_ROW(job, "registered", FIELD_T("jid", jid));
    job_note(job, "The account %s exists now; /connect %s signs in.", jid, jid);
    job_done(job);
}

static void on_cancel(struct job *job, gpointer data)
{
    (void)job;
    struct making *making = data;
    making->job = NULL;
    if (making->registration)
        registration_cancel(g_steal_pointer(&making->registration));
}

static bool read_password(struct job *job, struct secret **out, GError **error)
{
    const char *file = job_arg(job, "password_file");
    *out = file ? secret_read_file(file, error) : NULL;
    return !file || *out;
}

static bool split_server(const char *text, char **host, guint16 *port)
{
    g_autoptr(GSocketConnectable) address =
        g_network_address_parse(text, 0, NULL);
    if (!address)
        return false;
    *host =
        g_strdup(g_network_address_get_hostname(G_NETWORK_ADDRESS(address)));
    *port = g_network_address_get_port(G_NETWORK_ADDRESS(address));
    return true;
}

static enum cmd_status make_account(struct job *job)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *host = NULL;
    guint16 port = 0;
    const char *server = job_arg(job, "server");
    if (server && !split_server(server, &host, &port))
        return job_fail(
            job, "bad-request", "\"%s\" is no HOST[:PORT].", server);
    auto_struct(secret) password = NULL;
    if (!read_password(job, &password, &error))
        return job_fail_error(job, error);
    const struct registration_config config = {
        .jid = job_arg(job, "jid"),
        .server = host,
        .port = port,
        .tls = tls_mode_parse(job_arg(job, "tls"), NULL),
        .ca_file = job_arg(job, "ca_file"),
        .password = password,
        .fields = job_list(job, "fields"),
    };
    struct making *making = g_new0(struct making, 1);
    making->job = job;
    job_set_data(job, making, g_free);
    job_on_cancel(job, on_cancel, making);
    making->registration =
        registration_start(&config, job_front(job), on_made, making);
    return CMD_WAIT;
}

/* /register SERVICE: over the session we have. */

struct service {
    char *jid;
    bool plain;
};

static void service_free(gpointer data)
{
    struct service *service = data;
    g_free(service->jid);
    g_free(service);
}

static void on_service_done(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    if (more)
        return;
    const char *jid = data;
    g_autofree char *sentence = error ? stanza_error_sentence(error) : NULL;
    if (result)
        observers_notice(
            account->observers, account, "%s has registered you.", jid);
    else
        observers_notice(account->observers, account,
            "%s did not register you: %s", jid, sentence);
}

static xmpp_stanza_t *new_register(const char *to, xmpp_stanza_t *query)
{
    xmpp_stanza_t *iq = stanza_new("iq", NULL, "type", "set", "to", to, NULL);
    stanza_take_child(iq, query);
    return iq;
}

static void on_service_form(struct account *account, enum form_action action,
    const struct form *form, gpointer data)
{
    const struct service *service = data;
    if (action != FORM_ACTION_SUBMIT)
        return;
    iq_send(account,
        new_register(service->jid, register_form_write(form, service->plain)),
        0, on_service_done, g_strdup(service->jid), g_free);
}

static void show_service_form(struct job *job, const char *jid,
    xmpp_stanza_t *result, bool more, gint64 elapsed_us)
{
    (void)elapsed_us;
    if (more)
        return;
    bool plain;
    g_autoptr(GError) error = NULL;
    auto_struct(form) form =
        register_form_read(stanza_child(result, "query", NS_REGISTER), &plain);
    if (!form->fields->len) {
        job_fail(job, "not-acceptable", "%s registers people elsewhere: %s",
            jid, form->url ? form->url : "ask its administrator.");
        return;
    }
    if (!register_form_fill(form, job_list(job, "fields"), &error)) {
        job_fail_error(job, error);
        return;
    }
    g_autofree char *missing = register_form_missing(form);
    if (!missing && *job_list(job, "fields")) {
        ask_send(job, new_register(jid, register_form_write(form, plain)),
            ask_reply_done);
        return;
    }
    struct service *service = g_new0(struct service, 1);
    service->jid = g_strdup(jid);
    service->plain = plain;
    if (!form_open(job_account(job), job_front(job), g_steal_pointer(&form),
            on_service_form, service, service_free))
        job_note(job,
            "%s asks for: %s. /form set FIELD VALUE fills it in, "
            "/form submit sends it.",
            jid, missing ? missing : "nothing more");
    job_done(job);
}

static enum cmd_status run_register(struct job *job)
{
    const char *jid = job_arg(job, "jid");
    struct account *account = job_account(job);
    bool is_service = !strchr(jid, '@') && account &&
                      session_is_online(account) &&
                      !g_str_equal(jid, jid_domain_start(account->jid));
    if (!is_service)
        return make_account(job);
    return ask_send(
        job, iq_new("get", jid, "query", NS_REGISTER, NULL), show_service_form);
}

/* /unregister */

static void on_removed(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)jid;
    (void)result;
    (void)elapsed_us;
    if (more)
        return;
    struct account *account = job_account(job);
    JOB_ROW(job, "unregistered", FIELD_T("jid", account->jid));
    job_note(job,
        "The server has deleted %s; /account remove %s forgets it "
        "here too.",
        account->jid, account->jid);
    job_done(job);
    session_disconnect(account, NULL);
}

static enum cmd_status remove_account(struct job *job)
{
    xmpp_stanza_t *query;
    xmpp_stanza_t *iq = iq_new("set", NULL, "query", NS_REGISTER, &query);
    stanza_add(query, "remove", NS_REGISTER, NULL);
    return ask_send(job, iq, on_removed);
}

static enum cmd_status run_unregister(struct job *job)
{
    g_autofree char *question = g_strdup_printf(
        _("Delete the account %s on its server, for good? Its contacts and its "
        "archive there are lost."),
        job_account(job)->jid);
    return job_confirm(job, question, remove_account);
}

/* /changepassword */

struct change {
    struct secret *password;
    bool again;
};

static void change_free(gpointer data)
{
    struct change *change = data;
    secret_unref(change->password);
    g_free(change);
}

static void on_changed(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)jid;
    (void)result;
    (void)elapsed_us;
    if (more)
        return;
    struct account *account = job_account(job);
    const struct change *change = job_data(job);
    session_set_password(account, change->password);
    job_note(job, "The password of %s is changed.", account->jid);
    job_done(job);
}

static enum cmd_status send_password(struct job *job)
{
    struct account *account = job_account(job);
    const struct change *change = job_data(job);
    g_autofree char *domain = jid_domain(account->jid);
    g_autofree char *local = jid_local(account->jid);
    xmpp_stanza_t *query;
    xmpp_stanza_t *iq = iq_new("set", domain, "query", NS_REGISTER, &query);
    stanza_set_text(stanza_add(query, "username", NS_REGISTER, NULL), local);
    stanza_set_text(stanza_add(query, "password", NS_REGISTER, NULL),
        secret_bytes(change->password));
    return ask_send(job, iq, on_changed);
}

/* A question lives on when its job was given up: it holds this, not the job. */
struct asked {
    struct job *job; /* NULL: given up */
};

static void on_given_up(struct job *job, gpointer data)
{
    (void)job;
    ((struct asked *)data)->job = NULL;
}

static bool ask_password(struct job *job);

static void on_password(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    (void)answer;
    (void)text;
    struct job *job = ((struct asked *)data)->job;
    g_free(data);
    if (!job)
        return;
    job_on_cancel(job, NULL, NULL);
    struct change *change = job_data(job);
    bool given = password && secret_len(password);
    bool is_second = change->password != NULL;
    bool same =
        given && is_second &&
        g_str_equal(secret_bytes(password), secret_bytes(change->password));
    if (same) {
        send_password(job);
        return;
    }
    g_clear_pointer(&change->password, secret_unref);
    change->again = is_second;
    if (given && !is_second)
        change->password = secret_ref(password);
    if (!given || !ask_password(job))
        job_fail(job, "not-acceptable", "The password stays as it was; /changepassword asks again.");
}

/* Twice, since nobody sees what is typed. */
static bool ask_password(struct job *job)
{
    const struct change *change = job_data(job);
    struct front *front = job_front(job);
    struct asked *asked = g_new0(struct asked, 1);
    asked->job = job;
    job_on_cancel(job, on_given_up, asked);
    const struct question question = {
        .kind = QUESTION_PASSWORD,
        .account = job_account(job),
        .title = change->password ? _("The new password, again") : _("New password"),
        .text = change->again ? _("The two were not the same.") : NULL,
        .jid = job_account(job)->jid,
        .answer = on_password,
        .data = asked,
    };
    if (front && front->ops->ask(front, &question))
        return true;
    job_on_cancel(job, NULL, NULL);
    g_free(asked);
    return false;
}

static enum cmd_status run_changepassword(struct job *job)
{
    g_autoptr(GError) error = NULL;
    struct change *change = g_new0(struct change, 1);
    job_set_data(job, change, change_free);
    if (!read_password(job, &change->password, &error))
        return job_fail_error(job, error);
    if (change->password)
        return send_password(job);
    if (ask_password(job))
        return CMD_WAIT;
    return job_fail(job, "not-acceptable",
        "Nobody can be asked for the new password here; give it with "
        "--password-file FILE.");
}

#define PASSWORD_ARG                                                           \
    {                                                                          \
        .name = "password_file", .kind = &arg_file,                            \
        .option = "--password-file",                                           \
        .summary = "the password is the first line of this file"               \
    }

static const char *const register_examples[] = {
    "/register juliet@example.com",
    "Make an account; a form asks the rest.",
    "/register juliet@example.com --password-file ~/.pw email=j@example.com",
    "The same in a script.",
    "/register irc.example.com",
    "Register with a service, once online.",
    NULL,
};
static const char *const unregister_examples[] = {
    "/unregister",
    "Delete your account on the server; asks first.",
    "/unregister --yes",
    "The same in a script.",
    NULL,
};
static const char *const change_examples[] = {
    "/changepassword",
    "Ask for a new password, twice.",
    "/changepassword --password-file ~/.pw",
    "The same in a script.",
    NULL,
};
static const struct command commands[] = {
    { .name = "register",
        .run = run_register,
        .args = { { .name = "jid",
                      .kind = &arg_bare_jid,
                      .summary = "the address you want, or a service" },
            { .name = "fields",
                .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REPEAT,
                .summary = "answers to the form as FIELD=VALUE" },
            PASSWORD_ARG,
            { .name = "server",
                .kind = &arg_text,
                .option = "--server",
                .summary = "connect to this HOST[:PORT]" },
            { .name = "tls",
                .kind = &arg_choice,
                .option = "--tls",
                .choices = "required direct starttls off",
                .summary = "how the connection is encrypted" },
            { .name = "ca_file",
                .kind = &arg_file,
                .option = "--ca-file",
                .summary = "trust these certificate authorities too" } },
        .words = "sign-up new account create make join server",
        .summary = "Make an account on a server, or register with a service",
        .detail =
            "Opens a connection to the server of the address, encrypted like "
            "any other, asks what it wants to know (XEP-0077) and shows that "
            "as a form. In a script the password comes from --password-file "
            "and further fields as FIELD=VALUE; the command fails and names "
            "what is missing. The new account is not signed in: /connect "
            "does that."
            "\n\n"
            "Given the bare domain of a service while online, it registers "
            "the present account with that service; its form can be worked "
            "on with /form.",
        .examples = register_examples,
        .fields = "registered: jid" },
    { .name = "unregister",
        .needs = NEEDS_ONLINE | NEEDS_CONSENT,
        .run = run_unregister,
        .words = "delete account server cancel remove close",
        .summary = "Delete your account on its server",
        .detail = "The server forgets the account, its contacts and its "
                  "archive (XEP-0077). What is kept on this computer stays "
                  "until /account remove.",
        .examples = unregister_examples,
        .fields = "unregistered: jid" },
    { .name = "changepassword",
        .aliases = "password",
        .needs = NEEDS_ONLINE,
        .run = run_changepassword,
        .args = { PASSWORD_ARG },
        .words = "password new change secret credentials",
        .summary = "Change the password of your account",
        .detail = "Asks twice on the screen. In a script the new password is "
                  "the first line of the file given with --password-file. "
                  "Where your password is kept (keyring, password_command), "
                  "change it there yourself.",
        .examples = change_examples },
    { .name = NULL },
};

const struct feature xep0077 = {
    .spec = "XEP-0077",
    .name = "In-Band Registration",
    .version = "2.4",
    .since = "0.1.0",
    .commands = commands,
};
