/* Pages of text. */
#include "config.h"
#include "ui/dialog/dialog.h"

static bool pressed(struct dialog *dialog, int id)
{
    (void)dialog;
    (void)id;
    return true;
}

static const struct dialog_ops ops = { pressed, NULL };

void dialog_help(struct tui *tui, const char *title, const char *text)
{
    struct dialog *dialog = dialog_new(tui, title, &ops);
    dialog->text_only = true;
    dialog_text(dialog, ROLE_DIALOG, text);
    dialog_hang(dialog, DIALOG_HANG_BY_LINE);
    dialog_button(dialog, 1, 'c', _("Close"), false);
    dialog_open(dialog);
}
