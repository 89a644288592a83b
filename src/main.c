/*
 * The command line (contract.md s. 1), and who goes first: the process is
 * hardened before anything secret is read, the front end comes after the
 * tables and before the accounts.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <expat.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <idn2.h>
#include <json-glib/json-glib.h>
#include <openssl/crypto.h>
#include <utf8proc.h>

#include "app/app.h"
#include "base/intl.h"
#include "base/log.h"
#include "base/text.h"
#include "base/trim.h"
#include "cmd/help.h"
#include "features_doap.h"
#include "model/jid.h"
#include "net/dial.h"
#include "script/script.h"
#include "store/history.h"
#include "ui/term/line.h"
#include "ui/term/terminfo.h"
#include "ui/tui.h"

#define EXIT_USAGE 2
#define EXIT_REFUSED 4
#define TRIM_S 3 /* after the start: signed in, drawn, quiet again */

struct arguments {
    char **commands, **files, **jids;
    char *send, *output, *timeout;
    char *password_file, *password_fd, *password_command;
    char *server, *tls, *ca_file, *resource, *status;
    char *profile, *config, *theme, *debug, *manual;
    gboolean script, json, offline, linear, version;
};

/* --- signals ----------------------------------------------------------------
 * The one place with state that a handler can reach: a pipe. Its reading end
 * is watched by the loop, and by standard output while it waits. */

static int signal_pipe[2] = { -1, -1 };

static void on_signal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    if (write(signal_pipe[1], &byte, 1) < 0)
        errno = saved;
    errno = saved;
}

struct process {
    struct app *app;
    struct script *script;
    bool interrupted;
};

static gboolean on_signal_pipe(int fd, GIOCondition condition, gpointer data)
{
    struct process *process = data;
    unsigned char number = 0;
    (void)condition;
    if (read(fd, &number, 1) != 1)
        return G_SOURCE_CONTINUE;
    if (number == SIGINT)
        process->app->exit_code = 128 + SIGINT;
    if (process->script)
        script_interrupt(process->script);
    app_quit(process->app, NULL);
    return G_SOURCE_CONTINUE;
}

static void catch_signals(struct process *process)
{
    static const int numbers[] = { SIGTERM, SIGHUP, SIGINT };
    struct sigaction action = { .sa_handler = on_signal,
        .sa_flags = SA_RESTART };
    if (!g_unix_open_pipe(signal_pipe, FD_CLOEXEC, NULL))
        return;
    g_unix_set_fd_nonblocking(signal_pipe[0], TRUE, NULL);
    g_unix_set_fd_nonblocking(signal_pipe[1], TRUE, NULL);
    sigemptyset(&action.sa_mask);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        /* The screen's Ctrl-C is a key; its front end says what it means. */
        if (numbers[i] == SIGINT && !process->script)
            continue;
        /* nohup(1) stays nohup. */
        struct sigaction before;
        sigaction(numbers[i], NULL, &before);
        if (before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    g_unix_fd_add(signal_pipe[0], G_IO_IN, on_signal_pipe, process);
}

/* Nothing of ours may end up in descriptor 0, 1 or 2. */
static void fill_standard_fds(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* --- the command line --------------------------------------------------------- */

static bool usage_error(GError **error, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
static bool usage_error(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(_(format), args);
    va_end(args);
    g_autofree char *clean = text_clean(text, -1, TEXT_ONE_LINE);
    g_set_error_literal(
        error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, clean);
    return false;
}

/* Arguments are bytes; inside everything is UTF-8. */
static bool make_utf8(char **text, GError **error)
{
    if (!*text || g_utf8_validate(*text, -1, NULL))
        return true;
    char *converted = g_locale_to_utf8(*text, -1, NULL, NULL, NULL);
    if (!converted)
        return usage_error(error, "An argument is not text in this locale");
    g_free(*text);
    *text = converted;
    return true;
}

static bool make_all_utf8(struct arguments *a, GError **error)
{
    char **const texts[] = { &a->send, &a->output, &a->timeout, &a->server,
        &a->tls, &a->resource, &a->status, &a->theme, &a->manual };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        if (!make_utf8(texts[i], error))
            return false;
    for (char **c = a->commands; c && *c; c++)
        if (!make_utf8(c, error))
            return false;
    for (char **j = a->jids; j && *j; j++)
        if (!make_utf8(j, error))
            return false;
    return true;
}

/* Which option a word is, and the value that is glued to it ("-ojson",
 * "--output=json"; NULL: none). NULL: no option. */
static const GOptionEntry *option_of(
    const GOptionEntry *entries, const char *word, const char **value)
{
    *value = NULL;
    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        gsize n = strlen(entry->long_name);
        if (g_str_has_prefix(word, "--")) {
            if (!n || strncmp(word + 2, entry->long_name, n) != 0 ||
                (word[2 + n] && word[2 + n] != '='))
                continue;
            *value = word[2 + n] ? word + 2 + n + 1 : NULL;
            return entry;
        }
        if (entry->short_name && word[0] == '-' &&
            word[1] == entry->short_name) {
            *value = word[2] ? word + 2 : NULL;
            return entry;
        }
    }
    return NULL;
}

/* GOption knows no "-ojson" and lets flags have values; getopt(3), and so a
 * user, thinks otherwise. */
static char **normal_arguments(
    char **argv, const GOptionEntry *entries, GError **error)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    bool ended = false;
    for (; *argv; argv++) {
        const char *value = NULL;
        ended = ended || strcmp(*argv, "--") == 0;
        const GOptionEntry *entry =
            ended ? NULL : option_of(entries, *argv, &value);
        bool flag = entry && entry->arg == G_OPTION_ARG_NONE;
        if (flag && value && g_str_has_prefix(*argv, "--")) {
            usage_error(error, "--%s takes no value", entry->long_name);
            return NULL;
        }
        if (entry && !flag && value && (*argv)[1] != '-') {
            const char option[] = { '-', entry->short_name, '\0' };
            g_strv_builder_add_many(words, option, value, NULL);
            continue;
        }
        g_strv_builder_add(words, *argv);
        if (entry && !flag && !value && argv[1])
            g_strv_builder_add(words, *++argv);
    }
    return g_strv_builder_end(words);
}

static bool parse_command_line(
    struct arguments *a, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        { "command", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &a->commands,
            N_("Run CMD, then leave; may be repeated"), "CMD" },
        { "file", 'f', 0, G_OPTION_ARG_FILENAME_ARRAY, &a->files,
            N_("Read commands from FILE (- is standard input)"), "FILE" },
        { "send", 's', 0, G_OPTION_ARG_FILENAME, &a->send,
            N_("Send standard input as one message to JID"), "JID" },
        { "script", 0, 0, G_OPTION_ARG_NONE, &a->script,
            N_("Command mode even on a terminal"), NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &a->output,
            N_("How command mode prints: text or json"), "FORMAT" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a->json,
            N_("Short for --output json"), NULL },
        { "timeout", 0, 0, G_OPTION_ARG_FILENAME, &a->timeout,
            N_("Deadline for connecting and each command (30; 0: none)"),
            "SECONDS" },
        { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &a->password_file,
            N_("Take the password from the first line of FILE"), "FILE" },
        { "password-fd", 0, 0, G_OPTION_ARG_FILENAME, &a->password_fd,
            N_("… of file descriptor N"), "N" },
        { "password-command", 0, 0, G_OPTION_ARG_FILENAME,
            &a->password_command, N_("… of what CMD prints"), "CMD" },
        { "server", 0, 0, G_OPTION_ARG_FILENAME, &a->server,
            N_("Connect there instead of asking DNS"), "HOST[:PORT]" },
        { "tls", 0, 0, G_OPTION_ARG_FILENAME, &a->tls,
            N_("required (default), direct, starttls, or off (loopback only)"),
            "MODE" },
        { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &a->ca_file,
            N_("Trust these certificate authorities too"), "FILE" },
        { "resource", 0, 0, G_OPTION_ARG_FILENAME, &a->resource,
            N_("Resource to ask for"), "NAME" },
        { "status", 0, 0, G_OPTION_ARG_FILENAME, &a->status,
            N_("First presence: available, chat, away, xa, dnd, offline"),
            "STATE" },
        { "profile", 0, 0, G_OPTION_ARG_FILENAME, &a->profile,
            N_("Keep everything in DIR instead of the XDG places"), "DIR" },
        { "config", 0, 0, G_OPTION_ARG_FILENAME, &a->config,
            N_("Another configuration file"), "FILE" },
        { "theme", 0, 0, G_OPTION_ARG_FILENAME, &a->theme, N_("Another theme"),
            "NAME" },
        { "offline", 0, 0, G_OPTION_ARG_NONE, &a->offline,
            N_("Do not connect: read and search the history"), NULL },
        { "linear", 0, 0, G_OPTION_ARG_NONE, &a->linear,
            N_("No panes: a line for everything that happens"), NULL },
        { "debug", 0, 0, G_OPTION_ARG_FILENAME, &a->debug,
            N_("Write a debug log, passwords left out"), "FILE" },
        { "print-manual", 0, 0, G_OPTION_ARG_FILENAME, &a->manual,
            N_("commands, options, keys, roles, features, doap, words"), "PART" },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &a->version,
            N_("Versions of txmpp and its libraries"), NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->jids,
            NULL, NULL },
        { .long_name = NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new("[JID]...");
    g_option_context_set_summary(context, N_("An XMPP client for terminals and "
        "scripts. Commands are read from standard input when it is no "
        "terminal; see txmpp(1)."));
    g_option_context_set_translation_domain(context, PACKAGE);
    g_option_context_add_main_entries(context, entries, NULL);
    g_auto(GStrv) words = normal_arguments(argv, entries, error);
    return words && g_option_context_parse_strv(context, &words, error) &&
        make_all_utf8(a, error);
}

static bool is_loopback(const char *host)
{
    g_autoptr(GInetAddress) address =
        host ? g_inet_address_new_from_string(host) : NULL;
    return address ? g_inet_address_get_is_loopback(address)
                   : g_strcmp0(host, "localhost") == 0;
}

static bool parse_server(struct arguments *a, struct app_config *config,
    GError **error)
{
    char *host = NULL;
    if (!a->server)
        return true;
    if (!dial_parse_server(a->server, &host, &config->port))
        return usage_error(
            error, "--server wants HOST or HOST:PORT, not “%s”", a->server);
    g_free(a->server);
    config->server = a->server = host;
    return true;
}

static bool parse_tls(
    const struct arguments *a, struct app_config *config, GError **error)
{
    if (!a->tls)
        return true;
    config->tls = tls_mode_parse(a->tls, &config->tls_given);
    if (!config->tls_given)
        return usage_error(error,
            "--tls is required, direct, starttls or off, not “%s”", a->tls);
    if (config->tls == TLS_MODE_OFF && !is_loopback(config->server))
        return usage_error(error, "--tls off sends everything in the clear: "
            "it is allowed with a loopback --server only");
    return true;
}

static bool parse_timeout(
    const struct arguments *a, struct app_config *config, GError **error)
{
    char *end = NULL;
    const char *text = a->timeout ? a->timeout : "30";
    double seconds = g_ascii_isdigit(*text) ? g_ascii_strtod(text, &end) : -1;
    if (seconds < 0 || seconds > 86400 * 365 || *end || strpbrk(text, "xX"))
        return usage_error(error,
            "--timeout wants a number of seconds, not “%s”", text);
    config->timeout_ms = (unsigned)MIN(ceil(seconds * 1000), G_MAXINT);
    return true;
}

static bool check_jids(struct arguments *a, GError **error)
{
    for (char **jid = a->jids; jid && *jid; jid++) {
        g_autoptr(GError) why = NULL;
        g_autofree char *prepared = jid_prepare(*jid, &why);
        if (!prepared)
            return usage_error(
                error, "“%s” is no address: %s", *jid, why->message);
    }
    return true;
}

static bool check_resource(const struct arguments *a, GError **error)
{
    g_autoptr(GError) why = NULL;
    if (!a->resource)
        return true;
    g_autofree char *jid = jid_new(NULL, "x", a->resource);
    g_autofree char *prepared = jid_prepare(jid, &why);
    return prepared ||
        usage_error(error, "--resource cannot be “%s”: %s", a->resource,
            why->message);
}

static bool is_command_mode(const struct arguments *a)
{
    return a->script || a->commands || a->files || a->send ||
        !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
}

static bool fill_config(
    struct arguments *a, struct app_config *config, GError **error)
{
    if (a->output && strcmp(a->output, "text") != 0 &&
        strcmp(a->output, "json") != 0)
        return usage_error(
            error, "--output is text or json, not “%s”", a->output);
    if (a->status && !show_parse(a->status, &config->show))
        return usage_error(error, "--status is available, chat, away, xa, dnd "
            "or offline, not “%s”", a->status);
    if (!parse_server(a, config, error) || !parse_tls(a, config, error) ||
        !parse_timeout(a, config, error) || !check_jids(a, error) ||
        !check_resource(a, error))
        return false;
    config->profile = a->profile;
    config->config_file = a->config;
    config->ca_file = a->ca_file;
    config->resource = a->resource;
    config->status = a->status;
    config->theme = a->theme;
    config->offline = a->offline;
    config->linear = a->linear;
    config->script = is_command_mode(a);
    return true;
}

/* --- the password ---------------------------------------------------------------- */

static struct secret *password_from_fd(
    const char *text, bool command_mode, GError **error)
{
    gint64 fd;
    if (!g_ascii_string_to_signed(text, 10, 0, 65535, &fd, NULL)) {
        usage_error(error, "--password-fd wants the number of a file "
            "descriptor, not “%s”", text);
        return NULL;
    }
    if (fd == STDIN_FILENO && command_mode) {
        usage_error(error, "standard input holds commands or a message here, "
            "not the password: use another descriptor");
        return NULL;
    }
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    return secret_read_fd((int)fd, error);
}

static struct secret *password_from_command(const char *line, GError **error)
{
    g_auto(GStrv) argv = NULL;
    GPid pid = 0;
    int out = -1;
    int status = 0;
    if (!g_shell_parse_argv(line, NULL, &argv, error) ||
        !g_spawn_async_with_pipes(NULL, argv, NULL,
            G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                G_SPAWN_CHILD_INHERITS_STDIN,
            NULL, NULL, &pid, NULL, &out, NULL, error))
        return NULL;
    struct secret *password = secret_read_fd(out, error);
    close(out);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    g_spawn_close_pid(pid);
    if (password && g_spawn_check_wait_status(status, NULL))
        return password;
    secret_unref(password);
    g_clear_error(error);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "There is no password: the command of --password-command failed");
    return NULL;
}

static bool read_password(
    const struct arguments *a, struct secret **password, GError **error)
{
    if (a->password_file)
        *password = secret_read_file(a->password_file, error);
    else if (a->password_fd)
        *password = password_from_fd(
            a->password_fd, is_command_mode(a), error);
    else if (a->password_command)
        *password = password_from_command(a->password_command, error);
    else
        return true;
    return *password != NULL;
}

/* --- printing and leaving ----------------------------------------------------------- */

static int complain(const GError *error, int status)
{
    script_complain(error->message);
    return status;
}

static int print_version(void)
{
    printf("txmpp %s\n", PACKAGE_VERSION);
    printf("GLib %u.%u.%u, libstrophe %s, %s, libidn2 %s, utf8proc %s, %s\n",
        glib_major_version, glib_minor_version, glib_micro_version,
        STROPHE_VERSION, OpenSSL_version(OPENSSL_VERSION),
        idn2_check_version(NULL), utf8proc_version(), XML_ExpatVersion());
    /* json-glib cannot be asked when it runs. */
    printf("SQLite %s, json-glib %s, %s, readline %s\n", history_library(),
        JSON_VERSION_S, terminfo_library(), line_library());
    return 0;
}

static int print_manual(const char *part, GError **error)
{
    setlocale(LC_MESSAGES, "C");
    struct app_config config = { .offline = true, .script = true,
        .config_file = "/dev/null/none" };
    struct app *app = app_new(&config, error);
    g_autoptr(GString) out = g_string_new(NULL);
    if (!app)
        return EXIT_USAGE;
    tui_register(app);
    script_register(app->engine);
    if (strcmp(part, "commands") == 0) {
        mdoc_commands(app->engine, out);
    } else if (strcmp(part, "options") == 0) {
        mdoc_options(app->options, out);
    } else if (strcmp(part, "keys") == 0) {
        ui_print_keys_mdoc(out);
    } else if (strcmp(part, "roles") == 0) {
        ui_print_roles_mdoc(out);
    } else if (strcmp(part, "palette") == 0) {
        ui_print_palette_mdoc(out);
    } else if (strcmp(part, "words") == 0) {
        help_print_words(app->engine, app->options, out);
        ui_print_keys_words(out);
        g_autofree char *words = help_words_header(out->str);
        g_string_assign(out, words);
    } else if (strcmp(part, "features") == 0) {
        g_autofree char *text = features_mdoc();
        g_string_append(out, text);
    } else if (strcmp(part, "doap") == 0) {
        g_autofree char *text = features_doap();
        g_string_append(out, text);
    } else {
        usage_error(error, "--print-manual knows commands, options, keys, roles, "
            "palette, features, doap and words, not “%s”", part);
    }
    app_free(app);
    return *error || fputs(out->str, stdout) < 0 ? EXIT_USAGE : 0;
}

static int run_script(struct app *app, const struct arguments *a)
{
    struct process process = { .app = app };
    g_autoptr(GError) error = NULL;
    bool json = a->json || g_strcmp0(a->output, "json") == 0;
    struct script_config config = {
        .format = json ? SCRIPT_JSON : SCRIPT_TEXT,
        .commands = (const char *const *)a->commands,
        .files = (const char *const *)a->files,
        .send = a->send,
        .timeout_ms = app->config.timeout_ms,
    };
    process.script = script_new(app, &config, &error);
    if (!process.script)
        return complain(error, EXIT_USAGE);
    catch_signals(&process);
    script_set_interrupt_fd(process.script, signal_pipe[0]);
    app_set_front(app, script_front(process.script));
    for (guint i = 0; i < app->problems->len; i++)
        script_complain(app->problems->pdata[i]);
    if (!app_open_accounts(app, (const char *const *)a->jids, &error)) {
        app_close(app);
        script_free(process.script);
        return complain(error, EXIT_USAGE);
    }
    script_start(process.script);
    g_main_loop_run(app->loop);
    app_close(app);
    script_free(process.script);
    return app->exit_code;
}

static int run_screen(struct app *app, const struct arguments *a)
{
    struct process process = { .app = app };
    g_autoptr(GError) error = NULL;
    struct front *front = tui_new(app, &error);
    if (!front)
        return complain(error, EXIT_USAGE);
    catch_signals(&process);
    app_set_front(app, front);
    for (guint i = 0; i < app->problems->len; i++)
        observers_notice(app->observers, NULL, "%s",
            (const char *)app->problems->pdata[i]);
    if (!app_open_accounts(app, (const char *const *)a->jids, &error))
        observers_notice(app->observers, NULL, "%s", error->message);
    g_clear_error(&error);
    g_main_loop_run(app->loop);
    app_close(app);
    tui_free(front);
    return app->exit_code;
}

static gboolean on_trim(gpointer data)
{
    (void)data;
    memory_trim();
    return G_SOURCE_REMOVE;
}

static int run(struct arguments *a, GError **error)
{
    struct app_config config = { 0 };
    if (a->manual)
        return print_manual(a->manual, error);
    if (!fill_config(a, &config, error))
        return EXIT_USAGE;
    if (!read_password(a, &config.password, error))
        return (*error)->domain == G_OPTION_ERROR ? EXIT_USAGE : EXIT_REFUSED;
    if (a->debug && !log_open(a->debug, error))
        return EXIT_USAGE;
    struct app *app = app_new(&config, error);
    int status = EXIT_USAGE;
    if (app) {
        tui_register(app);
        script_register(app->engine);
        g_timeout_add_seconds(TRIM_S, on_trim, NULL);
        status = config.script ? run_script(app, a) : run_screen(app, a);
        app_free(app);
    }
    secret_unref(config.password);
    log_close();
    return status;
}

static void arguments_clear(struct arguments *a)
{
    char *const texts[] = { a->send, a->output, a->timeout, a->password_file,
        a->password_fd, a->password_command, a->server, a->tls, a->ca_file,
        a->resource, a->status, a->profile, a->config, a->theme, a->debug,
        a->manual };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(a->commands);
    g_strfreev(a->files);
    g_strfreev(a->jids);
}

int main(int argc, char **argv)
{
    struct arguments a = { 0 };
    g_autoptr(GError) error = NULL;
    (void)argc;
    fill_standard_fds();
    secret_harden_process();
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit is a full disk (F13) */
    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    bind_textdomain_codeset(PACKAGE, "UTF-8");
    textdomain(PACKAGE);
    int status = EXIT_USAGE;
    if (!parse_command_line(&a, argv, &error))
        status = EXIT_USAGE;
    else if (a.version)
        status = print_version();
    else {
        if (is_command_mode(&a))
            setlocale(LC_MESSAGES, "C"); /* scripts read English */
        status = run(&a, &error);
    }
    if (error)
        complain(error, status);
    arguments_clear(&a);
    return status;
}
