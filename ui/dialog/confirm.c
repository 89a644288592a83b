/* Yes or no; one line of text; and the same two for the front end itself. */
#include "config.h"
#include "ui/dialog/dialog.h"
#include <string.h>

enum { BUTTON_YES = 1, BUTTON_NO };

struct own {
    void (*yes_no)(struct tui *tui, bool yes, gpointer data);
    void (*text)(struct tui *tui, const char *text, gpointer data);
    gpointer data;
    GDestroyNotify free_data;
};

static void own_free(gpointer data)
{
    struct own *own = data;
    if (own->free_data)
        own->free_data(own->data);
    g_free(own);
}

static bool confirm_pressed(struct dialog *dialog, int id)
{
    struct own *own = dialog->data;
    dialog_answer(dialog, id == BUTTON_YES ? ANSWER_YES : ANSWER_NO, NULL, NULL);
    if (own && own->yes_no)
        own->yes_no(dialog->tui, id == BUTTON_YES, own->data);
    return true;
}

static const struct dialog_ops confirm_ops = { confirm_pressed, NULL };

static void add_buttons(struct dialog *dialog, bool destructive)
{
    dialog_button(dialog, BUTTON_YES, 'y', _("Yes"), destructive);
    dialog_button(dialog, BUTTON_NO, 'n', _("No"), false);
    dialog_focus_button(dialog, destructive ? 1 : 0);
}

struct dialog *dialog_confirm_new(struct tui *tui, struct ask *ask)
{
    const struct question *q = &ask->question;
    struct dialog *dialog = dialog_new(tui, q->title ? q->title : _("Please confirm"), &confirm_ops);
    if (q->text)
        dialog_text(dialog, ROLE_DIALOG, q->text);
    add_buttons(dialog, q->destructive);
    return dialog;
}

void dialog_confirm(struct tui *tui, const char *title, const char *text, bool destructive,
    void (*fn)(struct tui *tui, bool yes, gpointer data), gpointer data, GDestroyNotify free_fn)
{
    struct dialog *dialog = dialog_new(tui, title, &confirm_ops);
    struct own *own = g_new0(struct own, 1);
    *own = (struct own){ .yes_no = fn, .data = data, .free_data = free_fn };
    dialog->data = own;
    dialog->free_data = own_free;
    dialog_text(dialog, ROLE_DIALOG, text);
    add_buttons(dialog, destructive);
    dialog_open(dialog);
}

static bool text_pressed(struct dialog *dialog, int id)
{
    struct own *own = dialog->data;
    const char *text = input_value(dialog->inputs->pdata[0]);
    if (id == BUTTON_NO) {
        dialog_answer(dialog, ANSWER_NONE, NULL, NULL);
        return true;
    }
    dialog_answer(dialog, ANSWER_YES, text, NULL);
    if (own && own->text)
        own->text(dialog->tui, text, own->data);
    return true;
}

static const struct dialog_ops text_ops = { text_pressed, NULL };

static void add_text(struct dialog *dialog, const char *label, const char *value)
{
    struct input *input = dialog_input(dialog, INPUT_LINE, "text", label);
    input_set(input, value);
    dialog_button(dialog, BUTTON_YES, 'o', _("OK"), false);
    dialog_button(dialog, BUTTON_NO, 'c', _("Cancel"), false);
}

struct dialog *dialog_text_new(struct tui *tui, struct ask *ask)
{
    const struct question *q = &ask->question;
    struct dialog *dialog = dialog_new(tui, q->title ? q->title : _("Please answer"), &text_ops);
    if (q->text)
        dialog_text(dialog, ROLE_DIALOG, q->text);
    add_text(dialog, "", q->fallback);
    return dialog;
}

void dialog_prompt(struct tui *tui, const char *title, const char *label, const char *value,
    void (*fn)(struct tui *tui, const char *text, gpointer data), gpointer data, GDestroyNotify free_fn)
{
    struct dialog *dialog = dialog_new(tui, title, &text_ops);
    struct own *own = g_new0(struct own, 1);
    *own = (struct own){ .text = fn, .data = data, .free_data = free_fn };
    dialog->data = own;
    dialog->free_data = own_free;
    add_text(dialog, label, value);
    dialog_open(dialog);
}
