/* Records as text and as JSON: one line each, nothing a terminal obeys. */
#include <string.h>

#include <json-glib/json-glib.h>

#include "cmd/json.h"
#include "engine_fixture.h"
#include "script/record.h"

static const char *const nasty = "x\n12:00 bob: yes\t\\\r\033]0;t\a\xc2\x9b" "31m"
    "\xe2\x80\xa8\xe2\x80\xae\xef\xbb\xbf\xf3\xa0\x81\x81\"\xff\xed\xa0\x80";

static void message_event(struct event *event, struct message *message,
    struct account *account, struct chat *chat)
{
    message->from = g_strdup("romeo@example.net/orchard");
    message->body = g_strdup(nasty);
    message->time_us = 1600000000000000;
    message->type = MESSAGE_CHAT;
    *event = (struct event){ .type = EVENT_MESSAGE, .account = account,
        .chat = chat, .time_us = 1, .message = { message } };
}

static void check_bytes(const char *text)
{
    size_t n = strlen(text);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpint(text[n - 1], ==, '\n');
    g_assert_true(memchr(text, '\n', n) == text + n - 1);
    for (const char *p = text; p < text + n - 1; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_assert_true(c == '\t' || (c >= 0x20 && c < 0x7f) || c > 0x9f);
        g_assert_true(c != 0x2028 && c != 0x202e && c != 0xfeff && c != 0xe0041);
    }
}

static void test_message(void)
{
    struct fixture f;
    static const struct command none[] = { { .name = NULL } };
    fixture_open(&f, none);
    struct chat *chat =
        account_open_chat(f.account, "romeo@example.net", CHAT_CONTACT);
    auto_struct(message) message = message_new();
    struct event event;
    struct record record;
    message_event(&event, message, f.account, chat);
    g_assert_true(record_of_event(&record, &event, false));

    g_autoptr(GString) text = g_string_new(NULL);
    record_text.event(text, &record);
    check_bytes(text->str);
    g_assert_true(g_str_has_prefix(text->str, "message\t2020-09-13T12:26:40Z\t"
        "juliet@im.example.com\tin\tchat\tromeo@example.net\t"
        "romeo@example.net/orchard\tx\\n12:00 bob: yes\\t\\\\"));

    g_autoptr(GString) json = g_string_new(NULL);
    record_json.event(json, &record);
    check_bytes(json->str);
    g_assert_null(strchr(json->str, '\t'));
    g_autoptr(JsonParser) parser = json_parser_new();
    g_assert_true(json_parser_load_from_data(parser, json->str, -1, NULL));
    JsonObject *object = json_node_get_object(json_parser_get_root(parser));
    g_assert_cmpstr(json_object_get_string_member(object, "event"), ==,
        "message");
    g_assert_cmpstr(json_object_get_string_member(object, "account"), ==,
        "juliet@im.example.com");
    g_assert_cmpstr(json_object_get_string_member(object, "direction"), ==,
        "in");
    g_assert_true(g_str_has_prefix(
        json_object_get_string_member(object, "body"),
        "x\n12:00 bob: yes\t\\\r\033]0;t\a\xc2\x9b" "31m\xe2\x80\xa8"));
    g_assert_false(json_object_has_member(object, "subject"));
    record_clear(&record);
    fixture_close(&f);
}

static enum cmd_status rows_of(struct job *job)
{
    static const char *const groups[] = { "a,b", "c\td", NULL };
    JOB_ROW(job, "thing", FIELD_T("name", "a\tb"), FIELD_T("none", NULL),
        FIELD_I("n", -5), FIELD_B("yes", true), FIELD_L("groups", groups),
        FIELD_D("time", 0));
    return job_fail(job, "item-not-found", "It is not there\n  /rows\n  ^");
}

struct printer {
    struct sink sink;
    const struct record_writer *writer;
    GString *out;
    char *condition, *text;
};

static void print_row(struct sink *sink, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    struct printer *p = (struct printer *)sink;
    p->writer->row(p->out, job, kind, fields, n);
}

static void print_note(struct sink *sink, struct job *job, const char *text)
{
    struct printer *p = (struct printer *)sink;
    p->writer->note(p->out, job, text);
}

static void print_fail(struct sink *sink, struct job *job,
    const char *condition, const char *text)
{
    struct printer *p = (struct printer *)sink;
    (void)job;
    p->condition = g_strdup(condition);
    p->text = g_strdup(text);
}

static void print_done(struct sink *sink, struct job *job, bool ok)
{
    struct printer *p = (struct printer *)sink;
    p->writer->result(p->out, job, ok, p->condition, p->text);
}

static const struct sink_ops print_ops = { print_row, print_note, print_fail,
    print_done };

static char *print(const struct record_writer *writer)
{
    static const struct command rows[] = { { .name = "rows", .run = rows_of },
        { .name = NULL } };
    struct fixture f;
    fixture_open(&f, rows);
    struct printer p = { { &print_ops }, writer, g_string_new(NULL), NULL,
        NULL };
    struct run_context context = { .sink = &p.sink, .line = 3 };
    engine_run_json(
        f.engine, "{\"command\":\"rows\",\"tag\":\"a\\\"b\"}", &context);
    g_free(p.condition);
    g_free(p.text);
    fixture_close(&f);
    return g_string_free(p.out, FALSE);
}

static void test_rows(void)
{
    g_autofree char *text = print(&record_text);
    g_assert_cmpstr(text, ==, "thing\ta\\tb\t\t-5\tyes\ta,b,c\\td\t"
        "1970-01-01T00:00:00Z\n");
    g_autofree char *json = print(&record_json);
    g_auto(GStrv) lines = g_strsplit(json, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_nonnull(strstr(lines[0], "\"line\":3,\"command\":\"rows\","
        "\"kind\":\"thing\",\"name\":\"a\\tb\",\"n\":-5,\"yes\":true,"
        "\"groups\":[\"a,b\",\"c\\td\"],\"time\":\"1970-01-01T00:00:00.000Z\"}"));
    g_assert_null(strstr(lines[0], "none"));
    /* one time, one account */
    g_assert_true(strstr(lines[0], "\"time\"") == g_strrstr(lines[0], "\"time\""));
    g_assert_nonnull(strstr(lines[1], "\"tag\":\"a\\\"b\",\"ok\":false,"
        "\"error\":{\"condition\":\"item-not-found\",\"text\":"
        "\"It is not there\"}}"));
}

static void test_speed(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    gint64 begin = g_get_monotonic_time();
    for (int i = 0; i < 100000; i++) {
        g_string_truncate(out, 0);
        json_append_string(out, "Neither, fair saint, if either thee dislike.");
    }
    g_test_message("%g us each",
        (double)(g_get_monotonic_time() - begin) / 100000);
    g_assert_cmpuint(out->len, ==, 46);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/script/H51-H55-message", test_message);
    g_test_add_func("/script/rows", test_rows);
    g_test_add_func("/script/speed", test_speed);
    return g_test_run();
}
