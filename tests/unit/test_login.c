/*
 * Where a password comes from and who is asked about a certificate. The
 * stream's part is played here: it only takes answers.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include "base/paths.h"
#include "store/option.h"
#include "tree.h"
#include "xmpp/feature.h"
#include "xmpp/login.h"

#define JULIET "juliet@im.example.com"

static struct {
    guint passwords, decisions;
    char password[64];
    bool none, trusted;
    char pinned[64];
} the_stream;

void stream_password(struct stream *stream, struct secret *password)
{
    g_assert_nonnull(stream);
    the_stream.passwords++;
    the_stream.none = !password;
    g_strlcpy(the_stream.password, password ? secret_bytes(password) : "",
        sizeof the_stream.password);
}

void stream_certificate_decide(
    struct stream *stream, bool trust, const char *sha256_to_pin)
{
    g_assert_nonnull(stream);
    the_stream.decisions++;
    the_stream.trusted = trust;
    g_strlcpy(the_stream.pinned, sha256_to_pin ? sha256_to_pin : "",
        sizeof the_stream.pinned);
}

static guint plains;
static bool plain;

void stream_plain_decide(struct stream *stream, bool allow)
{
    g_assert_nonnull(stream);
    plains++;
    plain = allow;
}

static struct question asked;
static guint questions;
static bool can_ask;

static bool ask(struct front *front, const struct question *question)
{
    (void)front;
    questions++;
    asked = *question;
    return can_ask;
}

static const struct front_ops ops = { .ask = ask };
static struct front front = { &ops };

static const struct option rows[] = {
    { "account.password_command", OPTION_STRING, NULL, .summary = "x" },
    { "account.plain_allowed", OPTION_BOOL, "off", .summary = "x" },
    { .name = NULL },
};

struct fixture {
    struct options *options;
    struct observers *observers;
    struct account *account;
    struct login *login;
    char *dir;
};

static struct fixture fixture(const char *command, struct secret *given)
{
    g_autofree char *dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(dir, "txmpp.conf", NULL);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    struct fixture f = { .observers = observers_new() };

    memset(&the_stream, 0, sizeof the_stream);
    questions = 0;
    can_ask = true;
    f.options = options_new(file, problems);
    options_register(f.options, rows);
    options_add_account(f.options, JULIET, NULL);
    f.account = account_new(JULIET, f.observers, f.options, NULL);
    if (command)
        g_assert_true(options_set(f.options, JULIET,
            "account.password_command", command, false, NULL));
    f.login = login_new(f.account, &front, given);
    login_set_stream(f.login, (struct stream *)&the_stream);
    f.dir = g_steal_pointer(&dir);
    return f;
}

static void clear(struct fixture *f)
{
    login_close(f->login);
    login_unref(f->login);
    account_free(f->account);
    observers_free(f->observers);
    options_free(f->options);
    tree_remove(f->dir);
    g_free(f->dir);
}

static void answer_with(const char *text)
{
    auto_struct(secret) secret = text ? secret_new(text, -1) : NULL;

    asked.answer(text ? ANSWER_YES : ANSWER_NONE, NULL, secret, asked.data);
}

static void wait_for_password(void)
{
    while (the_stream.passwords == 0 && questions == 0)
        g_main_context_iteration(NULL, TRUE);
}

static void test_given(void)
{
    auto_struct(secret) given = secret_new("capulet", -1);
    struct fixture f = fixture("echo other", given);

    login_password(f.login, false);
    g_assert_cmpstr(the_stream.password, ==, "capulet");
    login_password(f.login, true); /* it was wrong */
    g_assert_cmpuint(questions, ==, 1);
    g_assert_true(asked.again);
    answer_with("montague");
    g_assert_cmpstr(the_stream.password, ==, "montague");
    login_set_stream(f.login, (struct stream *)&the_stream);
    login_password(f.login, false); /* the refused one does not go first */
    g_assert_cmpstr(the_stream.password, ==, "montague");
    g_assert_cmpuint(questions, ==, 1);
    clear(&f);
}

static void test_command(void)
{
    struct fixture f = fixture("printf 'capulet %s\\nsecond' '$HOME `id`'", NULL);

    login_password(f.login, false);
    wait_for_password();
    g_assert_cmpuint(questions, ==, 0);
    g_assert_cmpstr(the_stream.password, ==, "capulet $HOME `id`"); /* H56 */
    the_stream.passwords = 0;
    login_password(f.login, false); /* a reconnect: not run again */
    g_assert_cmpuint(the_stream.passwords, ==, 1);
    clear(&f);
}

static void test_command_fails(void)
{
    static const char *const bad[] = { "false", "true", "/nonexistent/x",
        "'unbalanced", "sh -c 'kill $$'" };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct fixture f = fixture(bad[i], NULL);
        can_ask = false;
        login_password(f.login, false);
        wait_for_password();
        g_assert_true(the_stream.none);
        g_assert_nonnull(strstr(login_tried(f.login), "password_command ("));
        g_assert_nonnull(strstr(login_tried(f.login), "terminal"));
        clear(&f);
    }
}

static void test_asked(void)
{
    struct fixture f = fixture(NULL, NULL);

    login_password(f.login, false);
    g_assert_cmpuint(questions, ==, 1);
    g_assert_cmpstr(asked.jid, ==, JULIET);
    answer_with(NULL);
    g_assert_true(the_stream.none);
    login_password(f.login, false);
    answer_with("capulet");
    g_assert_cmpstr(the_stream.password, ==, "capulet");
    the_stream.passwords = 0;
    login_password(f.login, false);
    g_assert_cmpuint(questions, ==, 2);
    g_assert_cmpuint(the_stream.passwords, ==, 1);
    clear(&f);
}

/* An answer that comes too late goes nowhere. */
static void test_late(void)
{
    const struct tls_peer peer = { .sha256 = (char *)"ab:cd",
        .distrust = TLS_SELF_SIGNED };
    struct fixture f = fixture(NULL, NULL);

    login_password(f.login, false);
    login_set_stream(f.login, NULL);
    answer_with("capulet");
    g_assert_cmpuint(the_stream.passwords, ==, 0);
    login_set_stream(f.login, (struct stream *)&the_stream);
    login_password(f.login, false);
    /* Another connection may get the address of the one that asked. */
    login_set_stream(f.login, NULL);
    login_set_stream(f.login, (struct stream *)&the_stream);
    answer_with("capulet");
    g_assert_cmpuint(the_stream.passwords, ==, 0);
    login_certificate(f.login, &peer);
    login_set_stream(f.login, (struct stream *)&the_stream);
    asked.answer(ANSWER_ALWAYS, NULL, NULL, asked.data);
    g_assert_cmpuint(the_stream.decisions, ==, 0);
    login_password(f.login, false);
    clear(&f);
    answer_with("capulet"); /* the account is gone */
    g_assert_cmpuint(the_stream.passwords, ==, 0);
}

static void test_certificate(void)
{
    static const struct {
        enum answer answer;
        bool trust, pin;
    } cases[] = {
        { ANSWER_NONE, false, false },
        { ANSWER_NO, false, false },
        { ANSWER_ONCE, true, false },
        { ANSWER_ALWAYS, true, true },
    };
    const struct tls_peer peer = { .sha256 = (char *)"ab:cd",
        .distrust = TLS_SELF_SIGNED };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fixture f = fixture(NULL, NULL);
        g_auto(GStrv) pins = NULL;
        login_certificate(f.login, &peer);
        g_assert_true(asked.kind == QUESTION_CERTIFICATE);
        g_assert_true(asked.destructive);
        asked.answer(cases[i].answer, NULL, NULL, asked.data);
        g_assert_cmpuint(the_stream.decisions, ==, 1);
        g_assert_true(the_stream.trusted == cases[i].trust);
        g_assert_cmpstr(the_stream.pinned, ==, cases[i].pin ? "ab:cd" : "");
        pins = login_pins(f.account);
        g_assert_true(
            g_strv_contains((const char *const *)pins, "ab:cd") ==
            cases[i].pin);
        can_ask = false; /* a script: never silently accepted */
        login_certificate(f.login, &peer);
        g_assert_false(the_stream.trusted);
        clear(&f);
    }
}

/* H11 */
static void test_mechanism(void)
{
    struct fixture f = fixture(NULL, NULL);
    g_autofree char *none = login_pinned_mechanism(f.account);
    g_autofree char *pinned = NULL;

    g_assert_null(none);
    login_pin_mechanism(f.account, "SCRAM-SHA-256-PLUS");
    pinned = login_pinned_mechanism(f.account);
    g_assert_cmpstr(pinned, ==, "SCRAM-SHA-256-PLUS");
    clear(&f);
}

/* H11: only after a yes, which is written down; nobody to ask is a no. */
static void test_plain(void)
{
    static const enum answer answers[] = { ANSWER_NONE, ANSWER_NO, ANSWER_YES };

    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        struct fixture f = fixture(NULL, NULL);
        const bool yes = answers[i] == ANSWER_YES;
        plains = 0;
        login_plain(f.login);
        g_assert_true(asked.kind == QUESTION_CONFIRM && asked.destructive);
        g_assert_cmpuint(plains, ==, 0);
        asked.answer(answers[i], NULL, NULL, asked.data);
        g_assert_cmpuint(plains, ==, 1);
        g_assert_true(plain == yes);
        g_assert_true(
            options_bool(f.options, JULIET, "account.plain_allowed") == yes);
        can_ask = false;
        login_plain(f.login);
        g_assert_cmpuint(plains, ==, 2);
        g_assert_false(plain);
        clear(&f);
    }
}

static bool lives(const char *pid_file)
{
    g_autofree char *text = NULL;

    while (!g_file_get_contents(pid_file, &text, NULL, NULL) || !*text)
        g_clear_pointer(&text, g_free);
    return kill((pid_t)g_ascii_strtoll(text, NULL, 10), 0) == 0;
}

/* Nobody waits for it any more: it is not left behind. */
static void test_command_ended(void)
{
    g_autofree char *dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    g_autofree char *pid_file = g_build_filename(dir, "pid", NULL);
    g_autofree char *command = g_strdup_printf(
        "sh -c 'echo $$ > %s; exec sleep 1000'", pid_file);
    struct fixture f = fixture(command, NULL);

    login_password(f.login, false);
    g_assert_true(lives(pid_file));
    login_cancel(f.login);
    while (lives(pid_file)) /* until it is reaped */
        g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(the_stream.passwords, ==, 0);
    g_assert_cmpuint(questions, ==, 0);
    clear(&f);
    g_remove(pid_file);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/login/given", test_given);
    g_test_add_func("/login/H56-command", test_command);
    g_test_add_func("/login/command-fails", test_command_fails);
    g_test_add_func("/login/command-ended", test_command_ended);
    g_test_add_func("/login/H11-plain", test_plain);
    g_test_add_func("/login/asked", test_asked);
    g_test_add_func("/login/late", test_late);
    g_test_add_func("/login/H03-certificate", test_certificate);
    g_test_add_func("/login/H11-mechanism", test_mechanism);
    return g_test_run();
}
