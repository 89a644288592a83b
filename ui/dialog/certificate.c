/* A certificate that is not trusted: who, how long, why not. Refusing is
 * highlighted. */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "base/text.h"
#include "model/account.h"
#include "net/tls.h"
#include "xmpp/login.h"
#include <string.h>

enum { BUTTON_REFUSE = 1, BUTTON_ONCE, BUTTON_ALWAYS };
enum { LABEL_COLS = 9 };

static bool pressed(struct dialog *dialog, int id)
{
    dialog_answer(dialog, id == BUTTON_ONCE ? ANSWER_ONCE
            : id == BUTTON_ALWAYS           ? ANSWER_ALWAYS
                                            : ANSWER_NO, NULL, NULL);
    return true;
}

static const struct dialog_ops ops = { pressed, NULL };

static char *day(gint64 time_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(time_us / G_USEC_PER_SEC);
    return time ? g_date_time_format(time, "%F %H:%M") : g_strdup("?");
}

/* In two halves, so that it can be read out. */
static char *fingerprint(const char *sha256)
{
    g_autofree char *clean = text_clean(sha256 ? sha256 : "?", -1, TEXT_ONE_LINE);
    gsize len = strlen(clean);
    if (len != 95)
        return g_steal_pointer(&clean);
    return g_strdup_printf("%.48s\n%s", clean, clean + 48);
}

/* What was accepted before, to be compared with. */
static void add_pins(struct dialog *dialog, const struct account *account, const char *now)
{
    g_auto(GStrv) pins = account ? login_pins(account) : NULL;
    for (char **pin = pins; pin && *pin; pin++) {
        g_autofree char *print = fingerprint(*pin);
        if (**pin && g_strcmp0(*pin, now))
            dialog_textf(dialog, ROLE_DIALOG_LABEL, _("Accepted before\n%s"), print);
    }
}

struct dialog *dialog_certificate_new(struct tui *tui, struct ask *ask)
{
    const struct question *q = &ask->question;
    const struct tls_peer *peer = q->peer;
    struct dialog *dialog =
        dialog_new(tui, q->title ? q->title : _("This certificate is not trusted"), &ops);
    const char *at = q->account ? strchr(q->account->jid, '@') : NULL;
    const char *domain = at ? at + 1 : q->account ? q->account->jid : q->jid ? q->jid : "?";
    g_autofree char *why = peer ? tls_distrust_sentence(peer->distrust, domain) : NULL;
    if (why)
        dialog_text(dialog, ROLE_DIALOG_WARNING, why);
    if (q->text && g_strcmp0(q->text, why))
        dialog_text(dialog, ROLE_DIALOG, q->text);
    if (peer && (peer->distrust & TLS_PIN_CHANGED))
        dialog_text(dialog, ROLE_DIALOG_WARNING,
            _("It is not the certificate you accepted before. Unless the server's operator "
              "announced a change, somebody may be listening in."));
    if (peer) {
        g_autofree char *from = day(peer->not_before_us), *to = day(peer->not_after_us);
        g_autofree char *print = fingerprint(peer->sha256);
        g_autofree char *subject = text_clean(peer->subject ? peer->subject : "-", -1, TEXT_ONE_LINE);
        g_autofree char *issuer = text_clean(peer->issuer ? peer->issuer : "-", -1, TEXT_ONE_LINE);
        g_autofree char *names = text_clean(peer->names ? peer->names : "-", -1, TEXT_ONE_LINE);
        dialog_textf(dialog, ROLE_DIALOG, _("For      %s\nNames    %s\nIssuer   %s\nValid    %s to %s"),
            subject, names, issuer, from, to);
        dialog_hang(dialog, LABEL_COLS);
        dialog_textf(dialog, ROLE_DIALOG, "SHA-256\n%s", print);
        add_pins(dialog, q->account, peer->sha256);
    }
    dialog_text(dialog, ROLE_DIALOG_LABEL,
        _("Compare the fingerprint with what the operator publishes before you accept it."));
    dialog_button(dialog, BUTTON_REFUSE, 'r', _("Refuse"), false);
    dialog_button(dialog, BUTTON_ONCE, 'o', _("Once"), false);
    dialog_button(dialog, BUTTON_ALWAYS, 'a', _("Always trust it here"), true);
    return dialog;
}
