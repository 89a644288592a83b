#include "xep/xep0077_form.h"
#include "base/intl.h"

#include <string.h>

#define NS_OOB "jabber:x:oob"

/* The schema of XEP-0077 s. 14.1. */
static const struct {
    const char *name, *label;
    enum form_field_type type;
} plain_fields[] = {
    { "username", N_("User name"), FORM_TEXT_SINGLE },
    { "password", N_("Password"), FORM_TEXT_PRIVATE },
    { "nick", N_("Nickname"), FORM_TEXT_SINGLE },
    { "name", N_("Full name"), FORM_TEXT_SINGLE },
    { "first", N_("Given name"), FORM_TEXT_SINGLE },
    { "last", N_("Family name"), FORM_TEXT_SINGLE },
    { "email", N_("E-mail address"), FORM_TEXT_SINGLE },
    { "address", N_("Street"), FORM_TEXT_SINGLE },
    { "city", N_("City"), FORM_TEXT_SINGLE },
    { "state", N_("State or region"), FORM_TEXT_SINGLE },
    { "zip", N_("Postal code"), FORM_TEXT_SINGLE },
    { "phone", N_("Telephone number"), FORM_TEXT_SINGLE },
    { "url", N_("Web page"), FORM_TEXT_SINGLE },
    { "date", N_("Date"), FORM_TEXT_SINGLE },
    { "misc", N_("Other"), FORM_TEXT_SINGLE },
    { "text", N_("Text"), FORM_TEXT_SINGLE },
    { "key", NULL, FORM_HIDDEN }, /* s. 13: handed back as it came */
};

/* Every plain field that is there must be filled in (s. 3.1). */
static void read_plain(struct form *form, xmpp_stanza_t *query)
{
    for (guint i = 0; i < G_N_ELEMENTS(plain_fields); i++) {
        g_autofree char *value =
            stanza_child_text(query, plain_fields[i].name, NS_REGISTER);
        if (!value)
            continue;
        struct form_field *field = form_add(form, plain_fields[i].type,
            plain_fields[i].name,
            plain_fields[i].label ? _(plain_fields[i].label) : NULL, true);
        if (*value && field->type != FORM_TEXT_PRIVATE && strlen(value) < 4096)
            g_ptr_array_add(field->values, g_steal_pointer(&value));
    }
}

struct form *register_form_read(xmpp_stanza_t *query, bool *plain)
{
    xmpp_stanza_t *x = stanza_child(query, "x", NS_FORM);
    struct form *form = x ? form_read(x, NULL) : NULL;
    *plain = !form || !form->fields->len;
    if (!form)
        form = form_new(FORM_FORM);
    if (*plain)
        read_plain(form, query);
    if (!form->instructions) {
        form->instructions =
            stanza_child_text(query, "instructions", NS_REGISTER);
        if (form->instructions)
            g_strstrip(form->instructions);
    }
    xmpp_stanza_t *oob = stanza_child(query, "x", NS_OOB);
    form->url = stanza_child_text(oob, "url", NS_OOB);
    /* Without these two there is no account, whatever the form says. */
    static const char *const needed[] = { "username", "password" };
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++) {
        struct form_field *field = form_find(form, needed[i]);
        if (field)
            field->required = true;
    }
    return form;
}

xmpp_stanza_t *register_form_write(const struct form *form, bool plain)
{
    xmpp_stanza_t *query = stanza_new("query", NS_REGISTER, NULL);
    if (!plain) {
        stanza_take_child(query, form_submit(form));
        return query;
    }
    for (guint i = 0; i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        const char *value = form_value(form, field->var);
        stanza_set_text(stanza_add(query, field->var, NS_REGISTER, NULL),
            value ? value : "");
    }
    return query;
}

bool register_form_fill(
    struct form *form, const char *const *fields, GError **error)
{
    for (; fields && *fields; fields++) {
        const char *equals = strchr(*fields, '=');
        if (!equals) {
            g_set_error(error, FORM_ERROR, FORM_ERROR_VALUE,
                _("\"%s\" is no FIELD=VALUE."), *fields);
            return false;
        }
        g_autofree char *name = g_strndup(*fields, (gsize)(equals - *fields));
        if (!form_set_text(form, name, equals + 1, error))
            return false;
    }
    return true;
}

char *register_form_missing(const struct form *form)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        const char *value = field->var ? form_value(form, field->var) : NULL;
        if (!field->required || !form_field_is_shown(field) ||
            (value && *value))
            continue;
        if (names->len)
            g_string_append(names, ", ");
        g_string_append(names, field->var);
    }
    return names->len ? g_strdup(names->str) : NULL;
}
