/* No account yet: sign in, or make one on a server (XEP-0077). */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "model/jid.h"
#include "xep/xep0077_register.h"
#include <string.h>

enum { BUTTON_SIGN_IN = 1, BUTTON_REGISTER, BUTTON_LATER };

static void remember_password(struct tui *tui, const char *jid, const char *typed)
{
    secret_unref(tui->pending_password);
    g_free(tui->pending_jid);
    tui->pending_password = NULL;
    tui->pending_jid = NULL;
    if (!*typed)
        return;
    tui->pending_password = secret_new(typed, -1);
    tui->pending_jid = g_strdup(jid);
}

static void sign_in(struct tui *tui, const char *jid)
{
    g_autofree char *quoted = tui_quote(jid);
    g_autofree char *add = g_strdup_printf("/account add %s", quoted);
    g_autofree char *connect = g_strdup_printf("/connect %s", quoted);
    tui_run(tui, add);
    tui_run(tui, connect);
}

static void on_registered(const char *jid, struct secret *password, const GError *error,
    gpointer data)
{
    struct tui *tui = data;
    if (error) {
        tui_note(tui, ROLE_ERROR, error->message);
        dialog_first_start(tui);
        return;
    }
    g_autofree char *text = g_strdup_printf(_("The account %s is made."), jid);
    tui_note(tui, ROLE_NOTICE, text);
    remember_password(tui, jid, password ? secret_bytes(password) : "");
    sign_in(tui, jid);
}

static void start_registration(struct tui *tui, const char *jid, const char *typed)
{
    const struct app_config *given = &tui->app->config;
    struct secret *password = *typed ? secret_new(typed, -1) : NULL;
    struct registration_config config = { .jid = jid, .server = given->server,
        .port = given->port, .tls = given->tls, .ca_file = given->ca_file,
        .password = password };
    g_autofree char *text = g_strdup_printf(_("Asking the server for the account %s…"), jid);
    tui_note(tui, ROLE_NOTICE, text);
    registration_start(&config, &tui->front, on_registered, tui);
    secret_unref(password);
}

static bool pressed(struct dialog *dialog, int id)
{
    struct tui *tui = dialog->tui;
    if (id == BUTTON_LATER)
        return true;
    g_autoptr(GError) error = NULL;
    const char *typed = input_value(dialog_find(dialog, "jid"));
    g_autofree char *jid = jid_prepare(typed, &error);
    if (!jid) {
        dialog->focus = 0;
        dialog_complain(dialog, *typed ? error->message
                                       : _("Type your address first, like juliet@example.com."));
        return false;
    }
    /* A server's name alone would be an anonymous account. */
    if (id == BUTTON_SIGN_IN && !strchr(jid, '@')) {
        dialog->focus = 0;
        dialog_complain(dialog,
            _("An address has your name and the server, like juliet@example.com."));
        return false;
    }
    g_autofree char *bare = jid_bare(jid);
    if (id == BUTTON_REGISTER) {
        start_registration(tui, bare, input_value(dialog_find(dialog, "password")));
        return true;
    }
    remember_password(tui, bare, input_value(dialog_find(dialog, "password")));
    sign_in(tui, bare);
    return true;
}

static const struct dialog_ops ops = { pressed, NULL };

void dialog_first_start(struct tui *tui)
{
    struct dialog *dialog = dialog_new(tui, _("Welcome to txmpp"), &ops);
    dialog_text(dialog, ROLE_DIALOG,
        _("Sign in with your XMPP address, or make a new account: type the address you would "
          "like, then choose Register."));
    struct input *jid = dialog_input(dialog, INPUT_LINE, "jid", _("Address"));
    jid->hint = g_strdup("juliet@example.com");
    jid->required = true;
    dialog_input(dialog, INPUT_SECRET, "password", _("Password"));
    dialog_button(dialog, BUTTON_SIGN_IN, 's', _("Sign in"), false);
    dialog_button(dialog, BUTTON_REGISTER, 'r', _("Register"), false);
    dialog_button(dialog, BUTTON_LATER, 'l', _("Later"), false);
    dialog_open(dialog);
}
