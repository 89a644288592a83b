/* Command mode: contract.md ss. 1 and 2. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "cmd/front.h"

struct app;
struct engine;

enum script_format { SCRIPT_TEXT, SCRIPT_JSON };

/* What is to be run, in this order; without any, standard input. */
struct script_config {
    enum script_format format;
    const char *const *commands; /* --command, NULL-terminated, or NULL */
    const char *const *files;    /* --file; "-" is standard input */
    const char *send;            /* --send: the address, or NULL */
    unsigned timeout_ms;
};

struct script *script_new(struct app *app, const struct script_config *config, GError **error);
struct front *script_front(struct script *script);
/* Accounts are being connected: begin to run. */
void script_start(struct script *script);
void script_set_interrupt_fd(struct script *script, int fd);
/* SIGTERM, SIGINT: gives up what runs, without a word. */
void script_interrupt(struct script *script);
/* Behind app_close(). */
void script_free(struct script *script);
/* /format /onerror /events; also without a script, for help and the manual. */
void script_register(struct engine *engine);
/* txmpp: sentence, on standard error; cleaned and in the locale's encoding. */
void script_complain(const char *text);
