/*
 * Making an account: a stream that stops before logging in, one question to
 * the server for its form, one to the person, one answer to the server. A
 * refusal goes back to the person with a fresh form. The object is counted:
 * the flow holds it, and so does every question that is still open.
 */
#include "xep/xep0077_register.h"

#include <string.h>
#include "base/intl.h"
#include "model/jid.h"
#include "net/stream.h"
#include "xep/xep0077_form.h"

G_DEFINE_QUARK(txmpp - register - error, register_error)

enum waiting {
    WAITING_CONNECTION,
    WAITING_FORM,
    WAITING_PERSON,
    WAITING_RESULT
};

struct registration {
    int refs;
    struct front *front;
    registration_fn fn; /* NULL: cancelled, or told */
    gpointer data;

    char *domain, *local, *server, *ca_file, *proxy;
    char **pins, **fields;
    guint16 port;
    enum tls_mode tls;
    unsigned timeout_ms;
    struct secret *password;

    struct stream *stream;
    enum connection_state state;
    enum waiting waiting;
    char *id; /* of our request */
    struct form *form;
    bool plain;
    struct form *refused; /* what was sent the last time: values to keep */
    char *refusal;

    char *jid; /* result */
    GError *error;
    bool ended;
    bool connect_again; /* as soon as the old connection is gone */
    guint idle;
};

static void fill_and_go_on(struct registration *reg);

static void registration_unref(struct registration *reg)
{
    if (--reg->refs)
        return;
    g_free(reg->domain);
    g_free(reg->local);
    g_free(reg->server);
    g_free(reg->ca_file);
    g_free(reg->proxy);
    g_strfreev(reg->pins);
    for (char **field = reg->fields; field && *field; field++)
        secret_wipe(*field, strlen(*field));
    g_strfreev(reg->fields);
    secret_unref(reg->password);
    g_free(reg->id);
    form_free(reg->form);
    form_free(reg->refused);
    g_free(reg->refusal);
    g_free(reg->jid);
    g_clear_error(&reg->error);
    g_free(reg);
}

/* The end. Told from an idle source, where no callback of the stream is on
 * the stack. */

static gboolean on_told(gpointer data)
{
    struct registration *reg = data;
    reg->idle = 0;
    g_clear_pointer(&reg->stream, stream_free);
    registration_fn fn = g_steal_pointer(&reg->fn);
    if (fn)
        fn(reg->jid, reg->error ? NULL : reg->password, reg->error, reg->data);
    registration_unref(reg);
    return G_SOURCE_REMOVE;
}

static void tell_later(struct registration *reg)
{
    if (!reg->idle)
        reg->idle = g_idle_add(on_told, reg);
}

/* Takes error; NULL: it worked. */
static void end(struct registration *reg, GError *error)
{
    if (reg->ended) {
        g_clear_error(&error);
        return;
    }
    reg->ended = true;
    reg->error = error;
    if (reg->stream && reg->state != STATE_OFFLINE)
        stream_close(reg->stream); /* on_state goes on */
    else
        tell_later(reg);
}

static void G_GNUC_PRINTF(3, 4) fail(
    struct registration *reg, enum register_error code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    GError *error = g_error_new_valist(REGISTER_ERROR, code, format, args);
    va_end(args);
    end(reg, error);
}

/* Requests. */

static bool send_request(
    struct registration *reg, const char *type, xmpp_stanza_t *query)
{
    g_free(reg->id);
    reg->id = stanza_new_id();
    g_autoptr(xmpp_stanza_t) iq = stanza_new(
        "iq", NULL, "type", type, "id", reg->id, "to", reg->domain, NULL);
    stanza_take_child(iq, query);
    return stream_send(reg->stream, iq);
}

static void ask_for_form(struct registration *reg)
{
    reg->waiting = WAITING_FORM;
    send_request(reg, "get", stanza_new("query", NS_REGISTER, NULL));
}

static void submit(struct registration *reg)
{
    /* When the server got tired of waiting for the person: once more. */
    reg->waiting = WAITING_CONNECTION;
    if (reg->state == STATE_OFFLINE)
        stream_connect(reg->stream);
    else if (send_request(
                 reg, "set", register_form_write(reg->form, reg->plain)))
        reg->waiting = WAITING_RESULT;
    else
        reg->connect_again = true;
}

/* The person. */

static void take_values(struct registration *reg)
{
    const char *password = form_value(reg->form, "password");
    const char *username = form_value(reg->form, "username");
    if (password && *password) {
        secret_unref(reg->password);
        reg->password = secret_new(password, -1);
    }
    if (username && *username) {
        g_free(reg->local);
        reg->local = g_strdup(username);
    }
}

static bool ask_person(struct registration *reg, bool again, const char *text);

static void on_form_answer(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    (void)text;
    (void)password;
    struct registration *reg = data;
    g_autoptr(GError) error = NULL;
    if (reg->ended || reg->waiting != WAITING_PERSON) {
        registration_unref(reg);
        return;
    }
    if (answer != ANSWER_YES)
        fail(reg, REGISTER_ERROR_CANCELLED,
            _("No account was made: the form was closed."));
    else if (!form_check(reg->form, NULL, &error))
        ask_person(reg, true, error->message);
    else {
        take_values(reg);
        submit(reg);
    }
    registration_unref(reg);
}

static bool ask_person(struct registration *reg, bool again, const char *text)
{
    g_autofree char *title = g_strdup_printf(_("New account on %s"), reg->domain);
    g_autofree char *all =
        text && reg->form->instructions
            ? g_strconcat(text, "\n", reg->form->instructions, NULL)
            : NULL;
    reg->waiting = WAITING_PERSON;
    reg->refs++;
    const struct question question = {
        .kind = QUESTION_FORM,
        .title = title,
        .text = all    ? all
                : text ? text
                       : reg->form->instructions,
        .jid = reg->domain,
        .again = again,
        .form = reg->form,
        .answer = on_form_answer,
        .data = reg,
    };
    if (reg->front && reg->front->ops->ask(reg->front, &question))
        return true;
    reg->refs--;
    return false;
}

/* The server's form. */

static void set_if_there(struct form *form, const char *var, const char *value)
{
    struct form_field *field = form_find(form, var);
    if (field && value && *value)
        form_set_text(form, var, value, NULL);
}

static void keep_values(struct form *form, const struct form *old)
{
    for (guint i = 0; old && i < old->fields->len; i++) {
        const struct form_field *field = old->fields->pdata[i];
        const struct form_field *now =
            field->var ? form_find(form, field->var) : NULL;
        /* A new captcha wants a new answer. */
        if (!now || !form_field_is_shown(now) || now->media ||
            !field->values->len)
            continue;
        g_autoptr(GPtrArray) values = g_ptr_array_new();
        for (guint k = 0; k < field->values->len; k++)
            g_ptr_array_add(values, field->values->pdata[k]);
        g_ptr_array_add(values, NULL);
        form_set(form, field->var, (const char *const *)values->pdata, NULL);
    }
}

static void fill_and_go_on(struct registration *reg)
{
    g_autoptr(GError) error = NULL;
    set_if_there(reg->form, "username", reg->local);
    if (reg->password)
        set_if_there(reg->form, "password", secret_bytes(reg->password));
    if (!register_form_fill(
            reg->form, (const char *const *)reg->fields, &error)) {
        fail(reg, REGISTER_ERROR_INCOMPLETE, "%s", error->message);
        return;
    }
    keep_values(reg->form, reg->refused);
    g_autofree char *missing = register_form_missing(reg->form);
    bool was_refused = reg->refusal != NULL;
    if (!missing && !was_refused) {
        take_values(reg);
        submit(reg);
        return;
    }
    if (ask_person(reg, was_refused, reg->refusal))
        return;
    if (was_refused)
        fail(reg, REGISTER_ERROR_REFUSED, "%s", reg->refusal);
    else
        fail(reg, REGISTER_ERROR_INCOMPLETE,
            _("%s also wants to know: %s. Give them as FIELD=VALUE, the "
            "password with --password-file."),
            reg->domain, missing);
}

static void on_form(struct registration *reg, xmpp_stanza_t *query)
{
    form_free(reg->form);
    reg->form = register_form_read(query, &reg->plain);
    bool has_fields = false;
    for (guint i = 0; i < reg->form->fields->len; i++)
        has_fields |= form_field_is_shown(reg->form->fields->pdata[i]);
    if (has_fields)
        fill_and_go_on(reg);
    else if (reg->form->url)
        fail(reg, REGISTER_ERROR_ELSEWHERE,
            _("%s makes accounts on this page: %s"), reg->domain, reg->form->url);
    else
        fail(reg, REGISTER_ERROR_ELSEWHERE, _("%s makes no account here. %s"),
            reg->domain,
            reg->form->instructions ? reg->form->instructions : "");
}

static void on_form_refused(
    struct registration *reg, const struct stanza_error *error)
{
    g_autofree char *sentence = stanza_error_sentence(error);
    fail(reg, REGISTER_ERROR_NOT_OFFERED,
        _("%s lets nobody register from here; choose another server, or ask "
        "its administrator for an account. %s"),
        reg->domain, error->text ? sentence : "");
}

/* A fresh form, for the next try of the person. */
static void on_refused(
    struct registration *reg, const struct stanza_error *error)
{
    bool taken = g_str_equal(error->condition, "conflict");
    g_free(reg->refusal);
    reg->refusal = taken
                       ? g_strdup_printf(_("%s@%s is taken; choose another name."),
                             reg->local ? reg->local : _("This name"), reg->domain)
                       : stanza_error_sentence(error);
    if (!reg->front || !reg->front->ops->is_screen) {
        fail(reg, taken ? REGISTER_ERROR_CONFLICT : REGISTER_ERROR_REFUSED,
            "%s", reg->refusal);
        return;
    }
    form_free(reg->refused);
    reg->refused = g_steal_pointer(&reg->form);
    ask_for_form(reg);
}

static void on_result(struct registration *reg)
{
    const char *username = form_value(reg->form, "username");
    g_autofree char *jid =
        jid_new(username ? username : reg->local, reg->domain, NULL);
    reg->jid = jid_prepare(jid, NULL);
    if (!reg->jid)
        reg->jid = g_steal_pointer(&jid);
    end(reg, NULL);
}

/* The stream. */

static bool is_reply(const struct registration *reg, xmpp_stanza_t *iq)
{
    const char *from = stanza_attr(iq, "from");
    return reg->id && g_strcmp0(stanza_attr(iq, "id"), reg->id) == 0 &&
           (!from || jid_equal_prepared(from, reg->domain));
}

static void on_stanza(xmpp_stanza_t *iq, gpointer data)
{
    struct registration *reg = data;
    const char *type = stanza_attr(iq, "type");
    bool is_error = g_strcmp0(type, "error") == 0;
    if (reg->ended || !is_reply(reg, iq) ||
        (!is_error && g_strcmp0(type, "result") != 0))
        return;
    g_clear_pointer(&reg->id, g_free);
    auto_struct(stanza_error) error = is_error ? stanza_error_read(iq) : NULL;
    bool wants_form = reg->waiting == WAITING_FORM;
    if (wants_form && error)
        on_form_refused(reg, error);
    else if (wants_form)
        on_form(reg, stanza_child(iq, "query", NS_REGISTER));
    else if (error)
        on_refused(reg, error);
    else
        on_result(reg);
}

static void on_ready(xmpp_stanza_t *stream_features, gpointer data)
{
    (void)stream_features; /* the feature is optional (XEP-0077 s. 8) */
    struct registration *reg = data;
    reg->state = STATE_AUTHENTICATING;
    if (reg->ended)
        return;
    if (reg->form)
        submit(reg);
    else
        ask_for_form(reg);
}

static void on_state(enum connection_state state, const GError *error,
    gint64 retry_ms, gpointer data)
{
    (void)retry_ms;
    struct registration *reg = data;
    reg->state = state;
    if (state != STATE_OFFLINE)
        return;
    bool again = reg->connect_again;
    reg->connect_again = false;
    if (reg->ended)
        tell_later(reg);
    else if (reg->waiting == WAITING_PERSON)
        return; /* submit() connects anew */
    else if (again)
        stream_connect(reg->stream);
    else if (error)
        end(reg, g_error_copy(error));
    else
        end(reg, g_error_new(STREAM_ERROR, STREAM_ERROR_LOST,
                     _("%s hung up; try again later."), reg->domain));
}

static void on_certificate_answer(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    (void)text;
    (void)password;
    struct registration *reg = data;
    if (reg->stream && !reg->ended)
        stream_certificate_decide(reg->stream,
            answer == ANSWER_ONCE || answer == ANSWER_ALWAYS ||
                answer == ANSWER_YES,
            NULL);
    registration_unref(reg);
}

static void on_certificate(const struct tls_peer *peer, gpointer data)
{
    struct registration *reg = data;
    g_autofree char *why = tls_distrust_sentence(peer->distrust, reg->domain);
    const struct question question = {
        .kind = QUESTION_CERTIFICATE,
        .title = "Certificate",
        .text = why,
        .jid = reg->domain,
        .destructive = true,
        .peer = peer,
        .answer = on_certificate_answer,
        .data = reg,
    };
    reg->refs++;
    if (reg->front && reg->front->ops->ask(reg->front, &question))
        return;
    reg->refs--;
    stream_certificate_decide(reg->stream, false, NULL);
}

static gboolean on_start(gpointer data)
{
    static const struct stream_callbacks callbacks = {
        .state = on_state,
        .stanza = on_stanza,
        .registration = on_ready,
        .certificate = on_certificate,
    };
    struct registration *reg = data;
    reg->idle = 0;
    const struct stream_config config = {
        .jid = reg->domain,
        .server = reg->server,
        .port = reg->port,
        .tls = reg->tls,
        .ca_file = reg->ca_file,
        .pins = (const char *const *)reg->pins,
        .proxy = reg->proxy,
        .timeout_ms = reg->timeout_ms,
        .registration = true,
    };
    reg->stream = stream_new(&config, &callbacks, reg);
    stream_connect(reg->stream);
    return G_SOURCE_REMOVE;
}

struct registration *registration_start(
    const struct registration_config *config, struct front *front,
    registration_fn fn, gpointer data)
{
    struct registration *reg = g_new0(struct registration, 1);
    reg->refs = 1;
    reg->front = front;
    reg->fn = fn;
    reg->data = data;
    reg->domain = jid_domain(config->jid);
    reg->local = jid_local(config->jid);
    reg->server = g_strdup(config->server);
    reg->port = config->port;
    reg->tls = config->tls;
    reg->ca_file = g_strdup(config->ca_file);
    reg->proxy = g_strdup(config->proxy);
    reg->pins = g_strdupv((char **)config->pins);
    reg->fields = g_strdupv((char **)config->fields);
    reg->password = config->password ? secret_ref(config->password) : NULL;
    reg->timeout_ms = config->timeout_ms;
    reg->state = STATE_OFFLINE;
    reg->idle = g_idle_add(on_start, reg);
    return reg;
}

void registration_cancel(struct registration *reg)
{
    reg->fn = NULL;
    reg->ended = true;
    g_clear_handle_id(&reg->idle, g_source_remove);
    /* Perhaps called from inside a callback of the stream. */
    tell_later(reg);
}
