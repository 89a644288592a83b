/* Somebody asks to see our presence (RFC 6121 s. 3.1). Escape leaves it
 * pending. */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "model/account.h"

static bool pressed(struct dialog *dialog, int id)
{
    const struct question *q = &dialog->ask->question;
    struct tui *tui = dialog->tui;
    g_autofree char *account = q->account ? tui_quote(q->account->jid) : NULL;
    g_autofree char *jid = q->jid ? tui_quote(q->jid) : NULL;
    dialog_answer(dialog, (enum answer)id, NULL, NULL);
    /* The answer only refuses; blocking is a command like any other. */
    if (id == ANSWER_BLOCK && account && jid)
        tui_runf(tui, "/block -a %s %s", account, jid);
    return true;
}

static const struct dialog_ops ops = { pressed, NULL };

struct dialog *dialog_subscription_new(struct tui *tui, struct ask *ask)
{
    const struct question *q = &ask->question;
    struct dialog *dialog = dialog_new(tui, _("Subscription request"), &ops);
    dialog_textf(dialog, ROLE_DIALOG_TITLE, "%s", q->jid ? q->jid : "?");
    dialog_text(dialog, ROLE_DIALOG, _("asks to see when you are online."));
    if (q->text && *q->text)
        dialog_textf(dialog, ROLE_DIALOG, "\"%s\"", q->text);
    g_autofree char *odd = q->account && q->jid
        ? roster_lookalike(q->account->roster, q->jid) : NULL;
    if (odd)
        dialog_text(dialog, ROLE_DIALOG_WARNING, odd);
    if (q->account && tui->app->accounts->len > 1)
        dialog_textf(dialog, ROLE_DIALOG_LABEL, _("For your account %s"), q->account->jid);
    dialog_button(dialog, ANSWER_ACCEPT_ADD, 'a', _("Accept and add back"), false);
    dialog_button(dialog, ANSWER_ACCEPT, 'o', _("Accept only"), false);
    dialog_button(dialog, ANSWER_REFUSE, 'r', _("Refuse"), true);
    dialog_button(dialog, ANSWER_BLOCK, 'b', _("Block"), true);
    return dialog;
}
