/* A data form (XEP-0004) with every field type. Values go into the form when
 * it is submitted; the form checks them and its sentence is shown. */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "xep/xep0004_form.h"
#include <string.h>

enum { BUTTON_SUBMIT = 1, BUTTON_CANCEL };

static const enum input_kind kinds[FORM_FIELD_TYPES] = {
    [FORM_TEXT_SINGLE] = INPUT_LINE,
    [FORM_BOOLEAN] = INPUT_CHECK,
    [FORM_JID_MULTI] = INPUT_LINES,
    [FORM_JID_SINGLE] = INPUT_LINE,
    [FORM_LIST_MULTI] = INPUT_MANY,
    [FORM_LIST_SINGLE] = INPUT_ONE,
    [FORM_TEXT_MULTI] = INPUT_LINES,
    [FORM_TEXT_PRIVATE] = INPUT_SECRET,
};

static bool has_value(const struct form_field *field, const char *value)
{
    for (guint i = 0; i < field->values->len; i++)
        if (!strcmp(field->values->pdata[i], value))
            return true;
    return false;
}

static char *join_values(const struct form_field *field)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < field->values->len; i++)
        g_string_append_printf(out, "%s%s", i ? "\n" : "", (char *)field->values->pdata[i]);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static void add_field(struct dialog *dialog, const struct form_field *field)
{
    if (field->type == FORM_FIXED) {
        g_autofree char *text = join_values(field);
        dialog_text(dialog, ROLE_DIALOG_LABEL, text);
        return;
    }
    if (!form_field_is_shown(field) || !field->var)
        return;
    /* An open list takes other values too: then it is text. */
    bool open = field->open && (field->type == FORM_LIST_SINGLE);
    enum input_kind kind = open ? INPUT_LINE : kinds[field->type];
    struct input *input = dialog_input(dialog, kind, field->var, form_field_label(field));
    input->required = field->required;
    if (field->desc)
        input->hint = g_strdup(field->desc);
    if (kind == INPUT_CHECK)
        input->on = form_field_bool(field);
    else if (kind == INPUT_ONE || kind == INPUT_MANY)
        for (guint i = 0; i < field->options->len; i++) {
            const struct form_option *option = field->options->pdata[i];
            input_add_choice(input, option->label, option->value, has_value(field, option->value));
        }
    else if (kind != INPUT_SECRET) {
        g_autofree char *text = join_values(field);
        input_set(input, text);
    }
    if (field->media)
        dialog_textf(dialog, ROLE_DIALOG_LABEL, "%s: %s", form_field_label(field), field->media);
}

static bool store(struct form *form, const struct input *input, GError **error)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    if (input->kind == INPUT_LINES)
        return form_set_text(form, input->name, input->text->str, error);
    if (input->kind == INPUT_MANY || input->kind == INPUT_ONE) {
        for (guint i = 0; i < input->values->len; i++)
            if (input->ticked[i])
                g_ptr_array_add(values, input->values->pdata[i]);
    } else if (*input_value(input))
        g_ptr_array_add(values, (gpointer)input_value(input));
    g_ptr_array_add(values, NULL);
    return form_set(form, input->name, (const char *const *)values->pdata, error);
}

static bool pressed(struct dialog *dialog, int id)
{
    struct form *form = dialog->ask ? dialog->ask->question.form : NULL;
    if (id == BUTTON_CANCEL || !form) {
        dialog_answer(dialog, ANSWER_NO, NULL, NULL);
        return true;
    }
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < dialog->inputs->len; i++)
        if (!store(form, dialog->inputs->pdata[i], &error)) {
            dialog->focus = (int)i;
            dialog_complain(dialog, error->message);
            return false;
        }
    const struct form_field *culprit = NULL;
    if (!form_check(form, &culprit, &error)) {
        for (guint i = 0; culprit && i < dialog->inputs->len; i++)
            if (!g_strcmp0(((struct input *)dialog->inputs->pdata[i])->name, culprit->var))
                dialog->focus = (int)i;
        dialog_complain(dialog, error->message);
        return false;
    }
    dialog_answer(dialog, ANSWER_YES, NULL, NULL);
    return true;
}

static const struct dialog_ops ops = { pressed, NULL };

struct dialog *dialog_form_new(struct tui *tui, struct ask *ask)
{
    const struct question *q = &ask->question;
    const struct form *form = q->form;
    const char *title = q->title ? q->title : form && form->title ? form->title : _("Form");
    struct dialog *dialog = dialog_new(tui, title, &ops);
    if (q->text)
        dialog_text(dialog, ROLE_DIALOG, q->text);
    if (form && form->instructions)
        dialog_text(dialog, ROLE_DIALOG, form->instructions);
    if (form && form->url)
        dialog_textf(dialog, ROLE_DIALOG, _("Or go to %s"), form->url);
    for (guint i = 0; form && i < form->fields->len; i++)
        add_field(dialog, form->fields->pdata[i]);
    dialog_button(dialog, BUTTON_SUBMIT, 's', _("Submit"), false);
    dialog_button(dialog, BUTTON_CANCEL, 'c', _("Cancel"), false);
    return dialog;
}
