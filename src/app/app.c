/*
 * The root: what one process of txmpp holds, in the order in which it comes
 * and (backwards) goes. Accounts named on the command line are those opened;
 * with none, the enabled ones of the configuration.
 */
#include "config.h" /* F_OFD_SETLK */

#include "app/app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#include "base/intl.h"
#include "base/log.h"
#include "model/jid.h"
#include "xmpp/feature.h"

#define QUIT_SECONDS 5

/* --- the profile's lock (F33) ------------------------------------------- */

static bool is_held(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &lock) < 0 &&
        (errno == EAGAIN || errno == EACCES);
}

static void write_pid(int fd)
{
    g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());
    if (ftruncate(fd, 0) == 0 &&
        pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
        log_line("profile", "the process id could not be written");
}

static int holder_of(int fd)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? atoi(text) : 0;
}

/* The lock goes with its process, so that what a killed one left is no
 * obstacle; the pid in the file is for the sentence only. */
static bool lock_profile(struct app *app, GError **error)
{
    const char *dir = app->paths->data_dir;
    g_autoptr(GError) problem = NULL;
    if (!paths_make_private_dir(dir, &problem)) {
        if (g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_PERM)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        g_ptr_array_add(app->problems, g_strdup_printf(
            _("%s Nothing will be kept: this session is in memory only"),
            problem->message));
        return true;
    }
    g_autofree char *path = g_build_filename(dir, "lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        g_ptr_array_add(app->problems, g_strdup_printf(
            _("%s cannot be opened (%s): another txmpp may use this profile"),
            path, g_strerror(errno)));
        return true;
    }
    if (is_held(fd)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY, _("Process %d uses the "
            "profile %s already. Leave it there, choose another --profile, or "
            "look at the history with --offline"), holder_of(fd), dir);
        close(fd);
        return false;
    }
    write_pid(fd);
    app->lock_fd = fd;
    return true;
}

/* --- what the engine asks ------------------------------------------------ */

static bool has_localpart(const struct account *account, const char *text)
{
    size_t n = strlen(text);
    return strncmp(account->jid, text, n) == 0 && account->jid[n] == '@';
}

struct account *app_find_account(const struct app *app, const char *bare_jid)
{
    g_autofree char *prepared = jid_prepare(bare_jid, NULL);
    const char *jid = prepared ? prepared : bare_jid;
    for (guint i = 0; i < app->accounts->len; i++) {
        struct account *account = app->accounts->pdata[i];
        if (strcmp(account->jid, jid) == 0 ||
            g_strcmp0(account->config_jid, jid) == 0)
            return account;
    }
    return NULL;
}

/* "-a juliet" will do where only one is called so. */
static struct account *find_account(gpointer data, const char *text)
{
    const struct app *app = data;
    struct account *found = app_find_account(app, text);
    if (found)
        return found;
    for (guint i = 0; i < app->accounts->len; i++) {
        struct account *account = app->accounts->pdata[i];
        if (!has_localpart(account, text))
            continue;
        if (found)
            return NULL;
        found = account;
    }
    return found;
}

struct account *app_default_account(const struct app *app)
{
    const char *jid =
        options_get(app->options, NULL, "general.default_account");
    struct account *account = jid ? app_find_account(app, jid) : NULL;
    if (account)
        return account;
    return app->accounts->len ? app->accounts->pdata[0] : NULL;
}

static struct account *default_account(gpointer data)
{
    return app_default_account(data);
}

/* A command may count on the roster and on its own presence. */
static bool is_online(gpointer data, const struct account *account)
{
    (void)data;
    return session_is_online(account) && account->synced;
}

/* --- events -------------------------------------------------------------- */

static bool all_offline(const struct app *app)
{
    for (guint i = 0; i < app->accounts->len; i++) {
        const struct account *account = app->accounts->pdata[i];
        if (account->state != STATE_OFFLINE)
            return false;
    }
    return true;
}

bool app_is_alive(const struct app *app)
{
    return !all_offline(app);
}

static gboolean leave(gpointer data)
{
    struct app *app = data;
    app->quit_idle = 0;
    g_clear_handle_id(&app->quit_timer, g_source_remove);
    if (app->front && app->front->ops->quit)
        app->front->ops->quit(app->front);
    g_main_loop_quit(app->loop);
    return G_SOURCE_REMOVE;
}

static gboolean leave_anyway(gpointer data)
{
    struct app *app = data;
    app->quit_timer = 0;
    log_line("app", "not every stream was closed in time");
    return leave(app);
}

static void leave_when_closed(struct app *app)
{
    if (app->quitting && !app->quit_idle && all_offline(app))
        app->quit_idle = g_idle_add(leave, app);
}

static void on_event(const struct event *event, gpointer data)
{
    struct app *app = data;
    if (event->type == EVENT_SYNCED)
        engine_resume_waiting(app->engine);
    else if (event->type == EVENT_STATE)
        leave_when_closed(app);
    else if (event->type == EVENT_ACCOUNT_GONE)
        engine_account_gone(app->engine, event->account);
}

static void on_option(const struct option *row, const char *account,
    const char *value, gpointer data)
{
    struct app *app = data;
    observers_emit(app->observers, &(struct event){
        .type = EVENT_OPTION,
        .account = account ? app_find_account(app, account) : NULL,
        .option = { row, value },
    });
}

/* --- life ---------------------------------------------------------------- */

static void register_rows(struct app *app)
{
    options_register(app->options, app_options);
    engine_register(app->engine, app_account_commands);
    engine_register(app->engine, app_setting_commands);
    engine_register(app->engine, app_general_commands);
    engine_register(app->engine, app_history_commands);
    engine_register(app->engine, app_export_commands);
    engine_register(app->engine, app_import_commands);
    engine_register(app->engine, app_transfer_commands);
    engine_register(app->engine, app_wait_commands);
    for (int i = 0; features[i]; i++) {
        options_register(app->options, features[i]->options);
        engine_register(app->engine, features[i]->commands);
    }
}

struct app *app_new(const struct app_config *config, GError **error)
{
    struct app *app = g_new0(struct app, 1);
    app->config = *config;
    app->lock_fd = -1;
    app->problems = g_ptr_array_new_with_free_func(g_free);
    app->accounts = g_ptr_array_new();
    app->transfers = g_ptr_array_new();
    app->paths = paths_new(config->profile, config->config_file);
    app->loop = g_main_loop_new(NULL, FALSE);
    app->observers = observers_new();
    if (!config->offline && !lock_profile(app, error)) {
        app_free(app);
        return NULL;
    }
    app->options = options_new(app->paths->config_file, app->problems);
    struct engine_host host = { find_account, default_account, is_online, app };
    app->engine = engine_new(app, &host, app->options);
    register_rows(app);
    observers_add(app->observers, on_event, app);
    options_on_change(app->options, on_option, app);
    return app;
}

void app_set_front(struct app *app, struct front *front)
{
    app->front = front;
    options_check(app->options);
}

struct account *app_add_account(struct app *app, const char *bare_jid)
{
    struct account *account = app_find_account(app, bare_jid);
    if (account)
        return account;
    const struct app_config *config = &app->config;
    struct session_config session = {
        .server = config->server,
        .port = config->port,
        .tls = config->tls,
        .tls_given = config->tls_given,
        .ca_file = config->ca_file,
        .resource = config->resource,
        .password = config->password,
        .timeout_ms = config->timeout_ms,
        .script = config->script,
    };
    account =
        account_new(bare_jid, app->observers, app->options, app->paths);
    g_ptr_array_add(app->accounts, account);
    session_attach(account, &session, app->front);
    if (config->status) /* overrules the option, which attaching reads */
        account->own.show = config->show;
    observers_emit(app->observers,
        &(struct event){ .type = EVENT_ACCOUNT_ADDED, .account = account });
    return account;
}

void app_remove_account(struct app *app, struct account *account)
{
    if (!g_ptr_array_remove(app->accounts, account))
        return;
    engine_account_gone(app->engine, account);
    if (app->front && app->front->ops->dismiss)
        app->front->ops->dismiss(app->front, account, NULL);
    session_detach(account);
    account_free(account);
}

bool app_open_accounts(
    struct app *app, const char *const *jids, GError **error)
{
    g_auto(GStrv) configured = NULL;
    bool named = jids && jids[0];
    if (!named)
        jids = (const char *const *)(configured =
                options_accounts(app->options));
    for (; *jids; jids++) {
        g_autofree char *jid = jid_prepare(*jids, error);
        if (!jid)
            return false;
        g_autofree char *bare = jid_bare(jid);
        const char *resource = jid_resource(jid);
        if (resource && !options_set(app->options, bare, "account.resource",
                            resource, true, error))
            return false;
        if (named || options_bool(app->options, bare, "account.enabled"))
            app_add_account(app, bare);
    }
    for (guint i = 0; !app->config.offline && i < app->accounts->len; i++)
        session_connect(app->accounts->pdata[i]);
    return true;
}

void app_quit(struct app *app, const char *status)
{
    if (app->quitting) {
        leave(app); /* asked twice: at once */
        return;
    }
    app->quitting = true;
    for (guint i = 0; i < app->accounts->len; i++)
        session_disconnect(app->accounts->pdata[i], status);
    app->quit_timer = g_timeout_add_seconds(QUIT_SECONDS, leave_anyway, app);
    leave_when_closed(app);
}

void app_close(struct app *app)
{
    app->quitting = true;
    g_clear_handle_id(&app->quit_timer, g_source_remove);
    g_clear_handle_id(&app->quit_idle, g_source_remove);
    if (app->engine)
        engine_cancel_all(app->engine);
    while (app->accounts->len)
        app_remove_account(
            app, app->accounts->pdata[app->accounts->len - 1]);
    app->front = NULL;
}

void app_free(struct app *app)
{
    if (!app)
        return;
    app_close(app);
    engine_free(app->engine);
    if (app->options)
        options_free(app->options);
    observers_free(app->observers);
    g_ptr_array_unref(app->accounts);
    g_ptr_array_unref(app->transfers);
    g_ptr_array_unref(app->problems);
    g_main_loop_unref(app->loop);
    paths_free(app->paths);
    if (app->lock_fd >= 0)
        close(app->lock_fd);
    g_free(app);
}

const struct option app_options[] = {
    { "account.enabled", OPTION_BOOL, "on", .summary =
        "open this account when none is named on the command line" },
    { "general.default_account", OPTION_STRING, NULL, .summary =
        "account that commands are for when nothing else says which" },
    { "files.directory", OPTION_STRING, "", .summary =
        "where saved files go; not set: the desktop's download folder" },
    { "files.max_mb", OPTION_INT, "100", .min = 0, .max = 1000000, .summary =
        "megabytes a fetched file may have; 0: any number" },
    { "script.exec", OPTION_BOOL, "off", .summary =
        "allow /exec in command mode and in scripts" },
    { .name = NULL },
};
