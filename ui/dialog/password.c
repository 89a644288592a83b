/* A password, typed into locked memory. */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "model/account.h"
#include <string.h>

enum { BUTTON_OK = 1, BUTTON_CANCEL };

static bool pressed(struct dialog *dialog, int id)
{
    const char *typed = input_value(dialog->inputs->pdata[0]);
    if (id == BUTTON_CANCEL) {
        dialog_answer(dialog, ANSWER_NONE, NULL, NULL);
        return true;
    }
    if (!*typed) {
        dialog_complain(dialog, _("Type the password first."));
        return false;
    }
    struct secret *secret = secret_new(typed, -1);
    dialog_answer(dialog, ANSWER_YES, NULL, secret);
    secret_unref(secret);
    return true;
}

static const struct dialog_ops ops = { pressed, NULL };

struct dialog *dialog_password_new(struct tui *tui, struct ask *ask)
{
    const struct question *q = &ask->question;
    struct dialog *dialog = dialog_new(tui, q->title ? q->title : _("Password"), &ops);
    if (q->again)
        dialog_text(dialog, ROLE_DIALOG_WARNING, _("That password did not work; type it again."));
    if (q->text)
        dialog_text(dialog, ROLE_DIALOG, q->text);
    else if (q->account)
        dialog_textf(dialog, ROLE_DIALOG, _("Password of %s"), q->account->jid);
    dialog_input(dialog, INPUT_SECRET, "password", _("Password"));
    dialog_button(dialog, BUTTON_OK, 's', _("Sign in"), false);
    dialog_button(dialog, BUTTON_CANCEL, 'c', _("Cancel"), false);
    return dialog;
}
