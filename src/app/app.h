/* struct app: the root of all mutable state. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/paths.h"
#include "cmd/front.h"
#include "cmd/registry.h"
#include "model/account.h"
#include "store/option.h"
#include "xmpp/rfc6120_session.h"

struct app_config { /* the command line, see main.c; strings are borrowed */
    const char *profile, *config_file, *server, *ca_file, *resource, *status, *theme;
    enum tls_mode tls;
    bool tls_given, offline, script, linear;
    guint16 port;
    unsigned timeout_ms;
    struct secret *password;
    enum show show;             /* --status; when status is not NULL */
};

struct app {
    struct paths *paths;
    struct options *options;
    struct observers *observers;
    struct engine *engine;
    struct front *front;        /* borrowed: main owns it */
    GPtrArray *accounts;        /* struct account*, owned */
    GPtrArray *problems;        /* sentences found while starting */
    struct app_config config;
    GMainLoop *loop;
    int exit_code;
    bool quitting;
    int lock_fd;                /* the profile's; -1: none */
    GPtrArray *transfers;       /* struct transfer*, of their jobs */
    guint last_transfer;        /* number */
    guint quit_timer, quit_idle;
    struct backlog *backlog;    /* app/backlog.h; NULL: no script runs */
};

/* Takes the profile's lock (F33), reads the configuration, registers every
 * command and option but the front end's. Strings of config are borrowed. */
struct app *app_new(const struct app_config *config, GError **error);
/* Ends every job and closes every account; the front end is told and may be
 * freed behind it. */
void app_close(struct app *app);
void app_free(struct app *app);
/* The front end is there and has registered its rows. */
void app_set_front(struct app *app, struct front *front);
/* Opens the accounts named, or the enabled ones of the configuration when
 * none is named, and connects them unless --offline. */
bool app_open_accounts(struct app *app, const char *const *jids, GError **error);
struct account *app_add_account(struct app *app, const char *bare_jid);
/* Detaches it and forgets it; the configuration is left alone. */
void app_remove_account(struct app *app, struct account *account);
struct account *app_find_account(const struct app *app, const char *bare_jid);
struct account *app_default_account(const struct app *app);
/* Orderly end: closes every stream (<= 5 s), then front->ops->quit. */
void app_quit(struct app *app, const char *status);
/* An account is connected, connecting or will try again. */
bool app_is_alive(const struct app *app);

enum { SEARCH_HITS = 50 }; /* a page of /search */

/* Tables of commands, each ends with a NULL name. */
extern const struct command app_account_commands[], app_setting_commands[],
    app_general_commands[], app_history_commands[], app_export_commands[],
    app_import_commands[], app_transfer_commands[], app_wait_commands[];
extern const struct option app_options[];
