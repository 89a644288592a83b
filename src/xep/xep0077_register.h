/*
 * Making an account on a server (XEP-0077): a connection of its own, secured
 * like any other, that asks for the server's form before anybody is signed in.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/secret.h"
#include "cmd/front.h"
#include "model/account.h"

#define REGISTER_ERROR register_error_quark()
GQuark register_error_quark(void);
enum register_error {
    REGISTER_ERROR_NOT_OFFERED, /* the server lets nobody register here */
    REGISTER_ERROR_CONFLICT,    /* the name is taken */
    REGISTER_ERROR_REFUSED,     /* another answer of the server's */
    REGISTER_ERROR_INCOMPLETE,  /* fields are missing and nobody can be asked */
    REGISTER_ERROR_CANCELLED,   /* the person closed the form */
    REGISTER_ERROR_ELSEWHERE,   /* the server sends people to a web page */
};

struct registration_config { /* all copied */
    const char *jid;         /* wanted address, or the server's domain alone */
    const char *server;      /* --server, NULL */
    guint16 port;
    enum tls_mode tls;
    const char *ca_file, *proxy;
    const char *const *pins;
    struct secret *password;   /* NULL: the form asks */
    const char *const *fields; /* "name=value", NULL-terminated; NULL: none */
    unsigned timeout_ms;       /* per phase, 0: defaults */
};

/* Exactly once, unless cancelled. error NULL: the account jid (prepared) now
 * exists with this password (borrowed). */
typedef void (*registration_fn)(const char *jid, struct secret *password,
    const GError *error, gpointer data);

struct registration;
/* front is asked for the form (QUESTION_FORM) and for an untrusted
 * certificate; NULL, or one that cannot ask: the fields must be enough. The
 * call returns before anything happens. Freed by itself after fn. */
struct registration *registration_start(
    const struct registration_config *config, struct front *front,
    registration_fn fn, gpointer data);
void registration_cancel(
    struct registration *registration); /* fn is not called */
