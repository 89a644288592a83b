/* Making an account, against a small server in this process. */
#include <gio/gio.h>
#include <string.h>
#include <glib/gstdio.h>
#include "net/link.h"
#include "xep/xep0004_form.h"
#include "xep/xep0077_register.h"

#define QUERY(inside) "<query xmlns='jabber:iq:register'>" inside "</query>"
#define ERROR(condition)                                                       \
    "<error type='cancel'><" condition                                         \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
#define PLAIN_FORM                                                             \
    QUERY("<instructions>Choose.</instructions><username/><password/>")

struct server {
    GSocketService *service;
    guint16 port;
    GSocketConnection *connection;
    GString *seen; /* all that came */
    gsize done;    /* of it, already answered */
    const char *form, *form_type;
    const char *results[4]; /* payloads of replies to iq set: NULL is success */
    guint sets, connections;
    bool hang_up_after_form, slow_person;
    char buffer[4096];
    /* what the person does */
    struct front front;
    const char *answers[4]; /* "name=value"; NULL: dismiss */
    guint asked;
    char *last_text;
    /* the end */
    GMainLoop *loop;
    char *jid, *password;
    GError *error;
    guint ended;
};

static void reply(struct server *s, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
static void reply(struct server *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *xml = g_strdup_vprintf(format, args);
    va_end(args);
    GOutputStream *out =
        g_io_stream_get_output_stream(G_IO_STREAM(s->connection));
    g_output_stream_write_all(out, xml, strlen(xml), NULL, NULL, NULL);
}

static char *attr(const char *xml, const char *name)
{
    g_autofree char *start = g_strdup_printf("%s=\"", name);
    const char *p = strstr(xml, start);
    g_assert_nonnull(p);
    p += strlen(start);
    return g_strndup(p, strcspn(p, "\""));
}

static void serve(struct server *s)
{
    const char *fresh = s->seen->str + s->done;
    if (strstr(fresh, "<stream:stream") && strchr(fresh, '>')) {
        s->done = s->seen->len;
        reply(s, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                 "xmlns:stream='http://etherx.jabber.org/streams' id='s1' "
                 "from='im.example.com' version='1.0'><stream:features>"
                 "<register xmlns='http://jabber.org/features/iq-register'/>"
                 "</stream:features>");
        return;
    }
    if (!strstr(fresh, "</iq>"))
        return;
    s->done = s->seen->len;
    g_autofree char *id = attr(fresh, "id");
    if (strstr(fresh, "type=\"get\"")) {
        reply(s, "<iq type='%s' id='%s' from='im.example.com'>%s</iq>",
            s->form_type ? s->form_type : "result", id, s->form);
        if (s->hang_up_after_form) {
            s->hang_up_after_form = false;
            reply(s, "</stream:stream>");
        }
        return;
    }
    const char *result = s->results[s->sets++];
    /* A reply of somebody else does not count. */
    reply(s,
        "<iq type='result' id='%s' from='mal@evil.example'/>"
        "<iq type='result' id='other'/>",
        id);
    reply(s, "<iq type='%s' id='%s'>%s</iq>", result ? "error" : "result", id,
        result ? result : "");
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data)
{
    struct server *s = data;
    gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);
    if (n <= 0)
        return;
    g_string_append_len(s->seen, s->buffer, n);
    serve(s);
    g_input_stream_read_async(G_INPUT_STREAM(source), s->buffer,
        sizeof s->buffer, G_PRIORITY_DEFAULT, NULL, on_read, s);
}

static gboolean on_incoming(GSocketService *service,
    GSocketConnection *connection, GObject *source, gpointer data)
{
    struct server *s = data;
    (void)service;
    (void)source;
    s->connections++;
    g_clear_object(&s->connection);
    s->connection = g_object_ref(connection);
    s->done = s->seen->len;
    g_input_stream_read_async(
        g_io_stream_get_input_stream(G_IO_STREAM(connection)), s->buffer,
        sizeof s->buffer, G_PRIORITY_DEFAULT, NULL, on_read, s);
    return TRUE;
}

/* The person answers later, as persons do. */
static struct question open_question;
static struct server *open_server;

static gboolean answer_later(gpointer data)
{
    struct server *s = data;
    const char *what = s->answers[s->asked++];
    if (!what) {
        open_question.answer(ANSWER_NO, NULL, NULL, open_question.data);
        return G_SOURCE_REMOVE;
    }
    g_auto(GStrv) pairs = g_strsplit(what, " ", -1);
    for (char **pair = pairs; *pair; pair++) {
        char *value = strchr(*pair, '=');
        *value++ = '\0';
        g_assert_true(form_set_text(open_question.form, *pair, value, NULL));
    }
    open_question.answer(ANSWER_YES, NULL, NULL, open_question.data);
    return G_SOURCE_REMOVE;
}

static bool on_ask(struct front *front, const struct question *question)
{
    (void)front;
    g_assert_cmpint(question->kind, ==, QUESTION_FORM);
    open_question = *question;
    g_free(open_server->last_text);
    open_server->last_text = g_strdup(question->text);
    g_timeout_add(
        open_server->slow_person ? 500 : 1, answer_later, open_server);
    return true;
}
static const struct front_ops screen_ops = { .ask = on_ask, .is_screen = true };

static void on_end(const char *jid, struct secret *password,
    const GError *error, gpointer data)
{
    struct server *s = data;
    s->ended++;
    s->jid = g_strdup(jid);
    s->password = password ? g_strdup(secret_bytes(password)) : NULL;
    s->error = error ? g_error_copy(error) : NULL;
    g_main_loop_quit(s->loop);
}

static gboolean on_deadline(gpointer data)
{
    (void)data;
    g_error("no end within 20 s");
    return G_SOURCE_REMOVE;
}

static void server_start(struct server *s)
{
    open_server = s;
    s->seen = g_string_new(NULL);
    s->loop = g_main_loop_new(NULL, FALSE);
    s->front.ops = &screen_ops;
    s->service = g_socket_service_new();
    g_autoptr(GInetAddress) loopback =
        g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) bound = NULL;
    g_assert_true(g_socket_listener_add_address(G_SOCKET_LISTENER(s->service),
        any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound, NULL));
    s->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    g_signal_connect(s->service, "incoming", G_CALLBACK(on_incoming), s);
}

static void server_stop(struct server *s)
{
    g_socket_service_stop(s->service);
    g_socket_listener_close(G_SOCKET_LISTENER(s->service));
    g_object_unref(s->service);
    if (s->connection)
        g_io_stream_close(G_IO_STREAM(s->connection), NULL, NULL);
    g_clear_object(&s->connection);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_string_free(s->seen, TRUE);
    g_main_loop_unref(s->loop);
    g_free(s->jid);
    g_free(s->password);
    g_free(s->last_text);
    g_clear_error(&s->error);
}

static void make(struct server *s, const char *jid, const char *password,
    const char *const *fields, bool screen)
{
    server_start(s);
    struct secret *secret = password ? secret_new(password, -1) : NULL;
    const struct registration_config config = {
        .jid = jid,
        .server = "127.0.0.1",
        .port = s->port,
        .tls = TLS_MODE_OFF,
        .password = secret,
        .fields = fields,
    };
    registration_start(&config, screen ? &s->front : NULL, on_end, s);
    secret_unref(secret);
    guint deadline = g_timeout_add_seconds(20, on_deadline, NULL);
    g_main_loop_run(s->loop);
    g_source_remove(deadline);
    g_assert_cmpuint(s->ended, ==, 1);
}

#define JULIET "juliet@im.example.com"

static void test_script(void)
{
    struct server s = { .form = PLAIN_FORM };
    make(&s, JULIET, "pass&word", NULL, false);
    g_assert_no_error(s.error);
    g_assert_cmpstr(s.jid, ==, JULIET);
    g_assert_cmpstr(s.password, ==, "pass&word");
    g_assert_nonnull(strstr(s.seen->str, "<username>juliet</username>"));
    g_assert_nonnull(strstr(s.seen->str, "<password>pass&amp;word</password>"));
    g_assert_nonnull(strstr(s.seen->str, "</stream:stream>"));
    server_stop(&s);
}

static void test_script_missing(void)
{
    struct server s = { .form = QUERY("<username/><password/><email/>") };
    make(&s, JULIET, "pw", NULL, false);
    g_assert_error(s.error, REGISTER_ERROR, REGISTER_ERROR_INCOMPLETE);
    g_assert_nonnull(strstr(s.error->message, "email"));
    g_assert_null(s.jid);
    g_assert_cmpuint(s.sets, ==, 0);
    server_stop(&s);
}

static void test_script_fields(void)
{
    struct server s = { .form = QUERY("<username/><password/><email/>") };
    make(&s, JULIET, "pw", (const char *const[]){ "email=j@example.com", NULL },
        false);
    g_assert_no_error(s.error);
    g_assert_nonnull(strstr(s.seen->str, "<email>j@example.com</email>"));
    server_stop(&s);
}

static void test_conflict(void)
{
    struct server s = { .form = PLAIN_FORM, .results = { ERROR("conflict") } };
    make(&s, JULIET, "pw", NULL, false);
    g_assert_error(s.error, REGISTER_ERROR, REGISTER_ERROR_CONFLICT);
    g_assert_null(s.password);
    server_stop(&s);
}

static void test_not_offered(void)
{
    struct server s = { .form = ERROR("service-unavailable"),
        .form_type = "error" };
    make(&s, JULIET, "pw", NULL, false);
    g_assert_error(s.error, REGISTER_ERROR, REGISTER_ERROR_NOT_OFFERED);
    server_stop(&s);
}

static void test_elsewhere(void)
{
    struct server s = { .form =
                            QUERY("<x xmlns='jabber:x:oob'>"
                                  "<url>https://example.com/join</url></x>") };
    make(&s, JULIET, "pw", NULL, true);
    g_assert_error(s.error, REGISTER_ERROR, REGISTER_ERROR_ELSEWHERE);
    g_assert_nonnull(strstr(s.error->message, "https://example.com/join"));
    server_stop(&s);
}

/* The person fills in, is told that the name is taken, chooses another. */
static void test_screen(void)
{
    struct server s = { .form = PLAIN_FORM,
        .results = { ERROR("conflict"), NULL },
        .answers = { "username=juliet password=one", "username=jules" } };
    make(&s, "im.example.com", NULL, NULL, true);
    g_assert_no_error(s.error);
    g_assert_cmpuint(s.asked, ==, 2);
    g_assert_nonnull(strstr(s.last_text, "juliet@im.example.com is taken"));
    g_assert_cmpstr(s.jid, ==, "jules@im.example.com");
    g_assert_cmpstr(s.password, ==, "one"); /* kept from the first form */
    server_stop(&s);
}

static void test_screen_cancel(void)
{
    struct server s = { .form = PLAIN_FORM };
    make(&s, JULIET, NULL, NULL, true);
    g_assert_error(s.error, REGISTER_ERROR, REGISTER_ERROR_CANCELLED);
    g_assert_cmpuint(s.sets, ==, 0);
    server_stop(&s);
}

static void test_screen_incomplete(void)
{
    struct server s = { .form = PLAIN_FORM,
        .answers = { "username=juliet", "password=pw" } };
    make(&s, JULIET, NULL, NULL, true);
    g_assert_no_error(s.error);
    g_assert_cmpuint(s.asked, ==, 2);
    server_stop(&s);
}

/* The server does not wait for a slow person: the answer connects anew. */
static void test_slow_person(void)
{
    struct server s = { .form = PLAIN_FORM,
        .hang_up_after_form = true,
        .slow_person = true,
        .answers = { "username=juliet password=pw" } };
    make(&s, JULIET, NULL, NULL, true);
    g_assert_no_error(s.error);
    g_assert_cmpuint(s.connections, ==, 2);
    g_assert_cmpstr(s.jid, ==, JULIET);
    server_stop(&s);
}

static void test_nobody_there(void)
{
    struct server s = { .form = PLAIN_FORM };
    server_start(&s);
    guint16 port = s.port;
    server_stop(&s);
    struct server t = { .form = PLAIN_FORM };
    server_start(&t);
    const struct registration_config config = {
        .jid = JULIET, .server = "127.0.0.1", .port = port, .tls = TLS_MODE_OFF
    };
    registration_start(&config, NULL, on_end, &t);
    g_main_loop_run(t.loop);
    g_assert_nonnull(t.error);
    g_assert_cmpuint(t.ended, ==, 1);
    server_stop(&t);
}

static gboolean on_tick(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_REMOVE;
}

/* Given up at every stage: nothing is told, nothing leaks. */
static void test_cancel(void)
{
    for (guint turns = 0; turns < 60; turns += 5) {
        struct server s = { .form = PLAIN_FORM };
        server_start(&s);
        const struct registration_config config = { .jid = JULIET,
            .server = "127.0.0.1",
            .port = s.port,
            .tls = TLS_MODE_OFF };
        struct registration *registration =
            registration_start(&config, NULL, on_end, &s);
        for (guint i = 0; i < turns && !s.ended; i++) {
            g_timeout_add(0, on_tick, s.loop);
            g_main_loop_run(s.loop);
        }
        guint ended = s.ended;
        if (!ended)
            registration_cancel(registration);
        while (g_main_context_iteration(NULL, FALSE))
            ;
        g_assert_cmpuint(s.ended, ==, ended);
        server_stop(&s);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(link_self_test(NULL));
    g_test_add_func("/register/script", test_script);
    g_test_add_func("/register/script-missing", test_script_missing);
    g_test_add_func("/register/script-fields", test_script_fields);
    g_test_add_func("/register/conflict", test_conflict);
    g_test_add_func("/register/not-offered", test_not_offered);
    g_test_add_func("/register/elsewhere", test_elsewhere);
    g_test_add_func("/register/screen", test_screen);
    g_test_add_func("/register/screen-cancel", test_screen_cancel);
    g_test_add_func("/register/screen-incomplete", test_screen_incomplete);
    g_test_add_func("/register/slow-person", test_slow_person);
    g_test_add_func("/register/nobody-there", test_nobody_there);
    g_test_add_func("/register/cancel", test_cancel);
    return g_test_run();
}
