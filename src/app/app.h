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
    bool tls_given, offline, script;
    guint16 port;
    unsigned timeout_s;
    struct secret *password;
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
};

struct app *app_new(const struct app_config *config, GError **error);
void app_free(struct app *app);
/* After the front end is there: accounts of the configuration and jids. */
void app_set_front(struct app *app, struct front *front);
struct account *app_add_account(struct app *app, const char *bare_jid);
void app_remove_account(struct app *app, struct account *account);
struct account *app_find_account(const struct app *app, const char *bare_jid);
struct account *app_default_account(const struct app *app);
/* Orderly end: closes every stream (<= 5 s), then front->ops->quit. */
void app_quit(struct app *app, const char *status);

extern const struct command *const app_commands[]; /* tables, NULL-terminated */
