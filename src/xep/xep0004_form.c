/*
 * A form is a list of fields with values; reading never fails on a strange
 * field, it only leaves out what cannot be kept within the limits. One form an
 * account may be open: the dialog and /form work on the same one.
 */
#include "xep/xep0004_form.h"

#include <string.h>
#include "base/intl.h"
#include "base/secret.h"
#include "base/text.h"
#include "cmd/job.h"
#include "cmd/registry.h"
#include "model/jid.h"
#include "xep/xep.h"
#include "xmpp/stanza.h"

#define NS_VALIDATE "http://jabber.org/protocol/xdata-validate"
#define NS_MEDIA "urn:xmpp:media-element"
#define NS_OOB "jabber:x:oob"

/* A form is for a person to read: what is larger than this is an attack. */
enum {
    MAX_FIELDS = 512,
    MAX_ENTRIES = 4096, /* values and options of a field */
    MAX_ROWS = 4096,
    MAX_TEXT_BYTES = 64 * 1024,
};

G_DEFINE_QUARK(txmpp - form - error, form_error)

static const char *const type_names[FORM_FIELD_TYPES] = {
    [FORM_TEXT_SINGLE] = "text-single",
    [FORM_BOOLEAN] = "boolean",
    [FORM_FIXED] = "fixed",
    [FORM_HIDDEN] = "hidden",
    [FORM_JID_MULTI] = "jid-multi",
    [FORM_JID_SINGLE] = "jid-single",
    [FORM_LIST_MULTI] = "list-multi",
    [FORM_LIST_SINGLE] = "list-single",
    [FORM_TEXT_MULTI] = "text-multi",
    [FORM_TEXT_PRIVATE] = "text-private",
};
static const char *const form_type_names[] = { "form", "submit", "cancel",
    "result" };

const char *form_field_type_name(enum form_field_type type)
{
    return type_names[type];
}

static enum form_field_type field_type_parse(const char *name)
{
    for (unsigned i = 0; name && i < G_N_ELEMENTS(type_names); i++)
        if (g_str_equal(name, type_names[i]))
            return i;
    return FORM_TEXT_SINGLE; /* XEP-0004 s. 3.3: the default */
}

static void value_free(gpointer value)
{
    char *text = value;
    if (text)
        secret_wipe(text, strlen(text));
    g_free(text);
}

static void option_free(gpointer data)
{
    struct form_option *option = data;
    g_free(option->label);
    g_free(option->value);
    g_free(option);
}

static struct form_field *field_new(enum form_field_type type)
{
    struct form_field *field = g_new0(struct form_field, 1);
    field->type = type;
    field->values = g_ptr_array_new_with_free_func(value_free);
    field->options = g_ptr_array_new_with_free_func(option_free);
    return field;
}

static void field_free(gpointer data)
{
    struct form_field *field = data;
    g_free(field->var);
    g_free(field->label);
    g_free(field->desc);
    g_free(field->media);
    g_ptr_array_unref(field->values);
    g_ptr_array_unref(field->options);
    g_free(field);
}

static GPtrArray *field_array_new(void)
{
    return g_ptr_array_new_with_free_func(field_free);
}

struct form *form_new(enum form_type type)
{
    struct form *form = g_new0(struct form, 1);
    form->type = type;
    form->fields = field_array_new();
    return form;
}

void form_free(struct form *form)
{
    if (!form)
        return;
    g_free(form->title);
    g_free(form->instructions);
    g_free(form->url);
    g_ptr_array_unref(form->fields);
    g_clear_pointer(&form->columns, g_ptr_array_unref);
    g_clear_pointer(&form->rows, g_ptr_array_unref);
    g_free(form);
}

/* Takes text; what is beyond the limit is cut off between characters. */
static char *bounded(char *text)
{
    if (text && strlen(text) > MAX_TEXT_BYTES) {
        const char *end = g_utf8_find_prev_char(text, text + MAX_TEXT_BYTES);
        text[end ? end - text : 0] = '\0';
    }
    return text;
}

static char *bounded_attr(xmpp_stanza_t *s, const char *name)
{
    return bounded(g_strdup(stanza_attr(s, name)));
}

static char *bounded_child(xmpp_stanza_t *s, const char *name)
{
    return bounded(stanza_child_text(s, name, NS_FORM));
}

static void read_values(GPtrArray *values, xmpp_stanza_t *element)
{
    xmpp_stanza_t *value = stanza_child(element, "value", NS_FORM);
    for (; value && values->len < MAX_ENTRIES;
         value = stanza_next(value, "value", NS_FORM))
        g_ptr_array_add(values, bounded(stanza_text(value)));
}

static void read_options(GPtrArray *options, xmpp_stanza_t *element)
{
    xmpp_stanza_t *child = stanza_child(element, "option", NS_FORM);
    for (; child && options->len < MAX_ENTRIES;
         child = stanza_next(child, "option", NS_FORM)) {
        char *value = bounded_child(child, "value");
        if (!value)
            continue;
        struct form_option *option = g_new0(struct form_option, 1);
        option->value = value;
        option->label = bounded_attr(child, "label");
        if (!option->label)
            option->label = g_strdup(value);
        g_ptr_array_add(options, option);
    }
}

/* NULL for a field nobody could name (XEP-0004 s. 3.2: only fixed ones). */
static struct form_field *read_field(xmpp_stanza_t *element)
{
    const char *var = stanza_attr(element, "var");
    enum form_field_type type = field_type_parse(stanza_attr(element, "type"));
    if (!var && type != FORM_FIXED)
        return NULL;
    /* XEP-0068: FORM_TYPE is never for people, whatever it says it is. */
    if (var && g_str_equal(var, "FORM_TYPE"))
        type = FORM_HIDDEN;
    struct form_field *field = field_new(type);
    field->var = bounded_attr(element, "var");
    field->label = bounded_attr(element, "label");
    field->desc = bounded_child(element, "desc");
    field->required = stanza_child(element, "required", NS_FORM) != NULL;
    read_values(field->values, element);
    read_options(field->options, element);
    xmpp_stanza_t *validate = stanza_child(element, "validate", NS_VALIDATE);
    field->open = validate && stanza_child(validate, "open", NS_VALIDATE);
    xmpp_stanza_t *media = stanza_child(element, "media", NS_MEDIA);
    if (media)
        field->media = bounded(stanza_child_text(media, "uri", NS_MEDIA));
    return field;
}

static GPtrArray *read_fields(xmpp_stanza_t *parent)
{
    GPtrArray *fields = field_array_new();
    xmpp_stanza_t *child = stanza_child(parent, "field", NS_FORM);
    for (; child && fields->len < MAX_FIELDS;
         child = stanza_next(child, "field", NS_FORM)) {
        struct form_field *field = read_field(child);
        if (field)
            g_ptr_array_add(fields, field);
    }
    return fields;
}

/* Several <instructions/> are several paragraphs (XEP-0004 s. 3.1). */
static char *read_instructions(xmpp_stanza_t *x)
{
    GString *all = g_string_new(NULL);
    xmpp_stanza_t *child = stanza_child(x, "instructions", NS_FORM);
    for (; child && all->len < MAX_TEXT_BYTES;
         child = stanza_next(child, "instructions", NS_FORM)) {
        g_autofree char *text = stanza_text(child);
        if (all->len)
            g_string_append_c(all, '\n');
        g_string_append(all, g_strstrip(text));
    }
    return bounded(g_string_free(all, all->len == 0));
}

static bool form_type_parse(const char *name, enum form_type *out)
{
    for (unsigned i = 0; name && i < G_N_ELEMENTS(form_type_names); i++)
        if (g_str_equal(name, form_type_names[i])) {
            *out = i;
            return true;
        }
    return false;
}

struct form *form_read(xmpp_stanza_t *x, GError **error)
{
    enum form_type type;
    if (!stanza_is(x, "x", NS_FORM) ||
        !form_type_parse(stanza_attr(x, "type"), &type)) {
        g_set_error(error, FORM_ERROR, FORM_ERROR_MALFORMED,
            _("What came is not a form; the other side's program has a fault."));
        return NULL;
    }
    struct form *form = form_new(type);
    form->title = bounded_child(x, "title");
    form->instructions = read_instructions(x);
    g_ptr_array_unref(form->fields);
    form->fields = read_fields(x);
    xmpp_stanza_t *reported = stanza_child(x, "reported", NS_FORM);
    if (!reported)
        return form;
    form->columns = read_fields(reported);
    form->rows =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    xmpp_stanza_t *item = stanza_child(x, "item", NS_FORM);
    for (; item && form->rows->len < MAX_ROWS;
         item = stanza_next(item, "item", NS_FORM))
        g_ptr_array_add(form->rows, read_fields(item));
    return form;
}

struct form_field *form_find(const struct form *form, const char *var)
{
    for (guint i = 0; i < form->fields->len; i++) {
        struct form_field *field = form->fields->pdata[i];
        if (g_strcmp0(field->var, var) == 0 && field->var)
            return field;
    }
    return NULL;
}

struct form_field *form_add(struct form *form, enum form_field_type type,
    const char *var, const char *label, bool required)
{
    struct form_field *field = field_new(type);
    field->var = g_strdup(var);
    field->label = g_strdup(label);
    field->required = required;
    g_ptr_array_add(form->fields, field);
    return field;
}

const char *form_value(const struct form *form, const char *var)
{
    const struct form_field *field = form_find(form, var);
    return field && field->values->len ? field->values->pdata[0] : NULL;
}

bool form_field_bool(const struct form_field *field)
{
    const char *value = field->values->len ? field->values->pdata[0] : "";
    return g_str_equal(value, "1") || g_str_equal(value, "true");
}

const char *form_field_label(const struct form_field *field)
{
    if (field->label && *field->label)
        return field->label;
    return field->var ? field->var : "";
}

bool form_field_is_shown(const struct form_field *field)
{
    return field->type != FORM_HIDDEN && field->type != FORM_FIXED;
}

static bool is_multi(const struct form_field *field)
{
    return field->type == FORM_JID_MULTI || field->type == FORM_LIST_MULTI ||
           field->type == FORM_TEXT_MULTI;
}

/* Checkers: the prepared value (new string), or NULL and a sentence. */

static char *check_boolean(
    const struct form_field *field, const char *text, GError **error)
{
    static const char *const yes[] = { "1", "true", "yes", "on", "y", NULL };
    static const char *const no[] = { "0", "false", "no", "off", "n", NULL };
    g_autofree char *word = g_ascii_strdown(text, -1);
    if (g_strv_contains(yes, word))
        return g_strdup("1");
    if (g_strv_contains(no, word))
        return g_strdup("0");
    g_set_error(error, FORM_ERROR, FORM_ERROR_VALUE, _("\"%s\" takes yes or no."),
        form_field_label(field));
    return NULL;
}

static char *check_jid(
    const struct form_field *field, const char *text, GError **error)
{
    char *jid = jid_prepare(text, error);
    if (!jid)
        g_prefix_error(error, "\"%s\": ", form_field_label(field));
    return jid;
}

static char *check_option(
    const struct form_field *field, const char *text, GError **error)
{
    const struct form_option *by_label = NULL;
    for (guint i = 0; i < field->options->len; i++) {
        const struct form_option *option = field->options->pdata[i];
        if (g_str_equal(option->value, text))
            return g_strdup(text);
        if (!by_label && g_str_equal(option->label, text))
            by_label = option;
    }
    if (by_label)
        return g_strdup(by_label->value);
    if (field->open || !field->options->len)
        return g_strdup(text);
    g_set_error(error, FORM_ERROR, FORM_ERROR_VALUE,
        _("\"%s\" does not offer \"%s\"; /form show lists what it offers."),
        form_field_label(field), text);
    return NULL;
}

static char *check_line(
    const struct form_field *field, const char *text, GError **error)
{
    if (!strpbrk(text, "\r\n"))
        return g_strdup(text);
    g_set_error(error, FORM_ERROR, FORM_ERROR_VALUE,
        _("\"%s\" takes a single line."), form_field_label(field));
    return NULL;
}

static char *check_nothing(
    const struct form_field *field, const char *text, GError **error)
{
    (void)text;
    g_set_error(error, FORM_ERROR, FORM_ERROR_VALUE,
        _("\"%s\" is not for you to change."), form_field_label(field));
    return NULL;
}

typedef char *(*check_fn)(const struct form_field *, const char *, GError **);
static const check_fn checks[FORM_FIELD_TYPES] = {
    [FORM_TEXT_SINGLE] = check_line,
    [FORM_BOOLEAN] = check_boolean,
    [FORM_FIXED] = check_nothing,
    [FORM_HIDDEN] = check_nothing,
    [FORM_JID_MULTI] = check_jid,
    [FORM_JID_SINGLE] = check_jid,
    [FORM_LIST_MULTI] = check_option,
    [FORM_LIST_SINGLE] = check_option,
    [FORM_TEXT_MULTI] = check_line,
    [FORM_TEXT_PRIVATE] = check_line,
};

static gint place_of_option(const struct form_field *field, const char *value)
{
    for (guint i = 0; i < field->options->len; i++) {
        const struct form_option *option = field->options->pdata[i];
        if (g_str_equal(option->value, value))
            return (gint)i;
    }
    return G_MAXINT;
}

static gint by_option(gconstpointer a, gconstpointer b, gpointer field)
{
    gint x = place_of_option(field, *(const char *const *)a);
    gint y = place_of_option(field, *(const char *const *)b);
    return (x > y) - (x < y);
}

/* XEP-0004 s. 3.3: addresses and choices count once, and choices stay in the
 * order of the form. */
static void arrange(struct form_field *field, GPtrArray *values)
{
    if (field->type != FORM_JID_MULTI && field->type != FORM_LIST_MULTI)
        return;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < values->len;)
        if (g_hash_table_add(seen, values->pdata[i]))
            i++;
        else
            g_ptr_array_remove_index(values, i);
    if (field->type == FORM_LIST_MULTI)
        g_ptr_array_sort_with_data(values, by_option, field);
}

static bool set_field(
    struct form_field *field, const char *const *values, GError **error)
{
    g_autoptr(GPtrArray) checked = g_ptr_array_new_with_free_func(value_free);
    guint count = g_strv_length((char **)values);
    if (count > (is_multi(field) ? MAX_ENTRIES : 1)) {
        g_set_error(error, FORM_ERROR, FORM_ERROR_VALUE, _("\"%s\" takes %s."),
            form_field_label(field),
            is_multi(field) ? _("fewer values") : _("one value"));
        return false;
    }
    for (guint i = 0; i < count; i++) {
        if (strlen(values[i]) > MAX_TEXT_BYTES) {
            g_set_error(error, FORM_ERROR, FORM_ERROR_VALUE,
                _("The value for \"%s\" is too long."), form_field_label(field));
            return false;
        }
        char *value = checks[field->type](field, values[i], error);
        if (!value)
            return false;
        g_ptr_array_add(checked, value);
    }
    arrange(field, checked);
    g_ptr_array_unref(field->values);
    field->values = g_steal_pointer(&checked);
    return true;
}

static struct form_field *find_or_fail(
    struct form *form, const char *var, GError **error)
{
    struct form_field *field = form_find(form, var);
    if (!field)
        g_set_error(error, FORM_ERROR, FORM_ERROR_NO_FIELD,
            _("The form has no field \"%s\"; /form show lists its fields."), var);
    return field;
}

bool form_set(struct form *form, const char *var, const char *const *values,
    GError **error)
{
    struct form_field *field = find_or_fail(form, var, error);
    return field && set_field(field, values, error);
}

bool form_set_text(
    struct form *form, const char *var, const char *text, GError **error)
{
    struct form_field *field = find_or_fail(form, var, error);
    if (!field)
        return false;
    if (!*text)
        return set_field(field, (const char *const[]){ NULL }, error);
    if (!is_multi(field))
        return set_field(field, (const char *const[]){ text, NULL }, error);
    const char *separators = field->type == FORM_TEXT_MULTI ? "\n" : "\n,";
    g_auto(GStrv) parts = g_strsplit_set(text, separators, MAX_ENTRIES + 1);
    if (field->type == FORM_TEXT_MULTI)
        return set_field(field, (const char *const *)parts, error);
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    for (char **p = parts; *p; p++)
        if (*g_strstrip(*p))
            g_ptr_array_add(values, *p);
    g_ptr_array_add(values, NULL);
    return set_field(field, (const char *const *)values->pdata, error);
}

/* A choice between yes and no is no where nothing was said (XEP-0004 s. 3.3). */
static bool is_empty(const struct form_field *field)
{
    if (field->type == FORM_BOOLEAN)
        return false;
    for (guint i = 0; i < field->values->len; i++)
        if (*(const char *)field->values->pdata[i])
            return false;
    return true;
}

bool form_check(
    const struct form *form, const struct form_field **culprit, GError **error)
{
    for (guint i = 0; i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        if (!field->required || !form_field_is_shown(field) || !is_empty(field))
            continue;
        if (culprit)
            *culprit = field;
        g_set_error(error, FORM_ERROR, FORM_ERROR_REQUIRED,
            _("\"%s\" must be filled in."), form_field_label(field));
        return false;
    }
    return true;
}

/* XEP-0004 s. 3.2. What is no form to be filled in need not say its types. */
static bool holds_many(const struct form *form, const struct form_field *field)
{
    return form->type != FORM_FORM || is_multi(field) ||
           field->type == FORM_HIDDEN;
}

xmpp_stanza_t *form_submit(const struct form *form)
{
    xmpp_stanza_t *x = stanza_new("x", NS_FORM, "type", "submit", NULL);
    for (guint i = 0; i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        if (!field->var || field->type == FORM_FIXED ||
            (!field->values->len && !field->required))
            continue;
        xmpp_stanza_t *out = stanza_add(x, "field", NS_FORM, "var", field->var,
            "type", type_names[field->type], NULL);
        guint most = holds_many(form, field) ? field->values->len : 1;
        for (guint k = 0; k < MIN(most, field->values->len); k++)
            stanza_set_text(stanza_add(out, "value", NS_FORM, NULL),
                field->values->pdata[k]);
        if (field->type == FORM_BOOLEAN && !field->values->len)
            stanza_set_text(stanza_add(out, "value", NS_FORM, NULL), "0");
    }
    return x;
}

xmpp_stanza_t *form_cancel(void)
{
    return stanza_new("x", NS_FORM, "type", "cancel", NULL);
}

void form_put(xmpp_stanza_t *x, const char *var, const char *value)
{
    if (value)
        stanza_set_text(
            stanza_add(stanza_add(x, "field", NS_FORM, "var", var, NULL),
                "value", NS_FORM, NULL),
            value);
}

xmpp_stanza_t *form_begin(xmpp_stanza_t *parent, const char *form_type)
{
    xmpp_stanza_t *x =
        stanza_add(parent, "x", NS_FORM, "type", "submit", NULL);
    form_put(x, "FORM_TYPE", form_type);
    return x;
}

/* The open form. It outlives its end while a dialog still points to it. */

struct open_form {
    int refs;
    struct account *account; /* NULL: it has ended */
    struct form *form;
    form_action_fn fn;
    gpointer data;
    GDestroyNotify free_fn;
};
struct form_state {
    struct open_form *open; /* NULL: none */
};

static struct form_state *state_of(const struct account *account)
{
    return feature_state(account, &xep0004);
}

static void open_form_unref(struct open_form *open)
{
    if (--open->refs)
        return;
    form_free(open->form);
    g_free(open);
}

static void close_form(struct account *account)
{
    struct form_state *state = state_of(account);
    struct open_form *open = g_steal_pointer(&state->open);
    if (!open)
        return;
    open->account = NULL;
    if (open->free_fn)
        open->free_fn(open->data);
    open_form_unref(open);
}

/* Takes the form out before the owner hears of it: the owner may open the
 * next one from inside. */
static void act(struct open_form *open, enum form_action action)
{
    struct account *account = open->account;
    struct form_state *state = state_of(account);
    g_steal_pointer(&state->open);
    open->account = NULL;
    open->fn(account, action, open->form, open->data);
    if (open->free_fn)
        open->free_fn(open->data);
    open_form_unref(open);
}

static void on_answer(enum answer answer, const char *text,
    struct secret *password, gpointer data)
{
    (void)text;
    (void)password;
    struct open_form *open = data;
    if (open->account && answer == ANSWER_YES)
        act(open, FORM_ACTION_SUBMIT);
    else if (open->account && answer == ANSWER_NO)
        act(open, FORM_ACTION_CANCEL);
    open_form_unref(open);
}

bool form_open(struct account *account, struct front *front, struct form *form,
    form_action_fn fn, gpointer data, GDestroyNotify free_fn)
{
    close_form(account);
    struct open_form *open = g_new0(struct open_form, 1);
    *open = (struct open_form){ .refs = 2,
        .account = account,
        .form = form,
        .fn = fn,
        .data = data,
        .free_fn = free_fn };
    state_of(account)->open = open;
    const struct question question = {
        .kind = QUESTION_FORM,
        .account = account,
        .title = form->title,
        .text = form->instructions,
        .form = form,
        .answer = on_answer,
        .data = open,
    };
    bool asked = front && front->ops->ask && front->ops->ask(front, &question);
    if (!asked)
        open_form_unref(open);
    return asked;
}

const struct form *form_current(const struct account *account)
{
    const struct form_state *state = state_of(account);
    return state && state->open ? state->open->form : NULL;
}

static void detach(struct account *account)
{
    close_form(account);
}

/* /form */

static enum cmd_status fail_no_form(struct job *job)
{
    return job_fail(job, "item-not-found",
        "No form is open. A form opens when a service asks for one, as "
        "/changepassword or /register may.");
}

static const char **field_options(const struct form_field *field)
{
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < field->options->len; i++) {
        const struct form_option *option = field->options->pdata[i];
        g_ptr_array_add(names, option->value);
    }
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(names, FALSE);
}

static void show_field(struct job *job, const struct form_field *field)
{
    static const char *const hidden[] = { "********", NULL };
    g_autofree const char **options = field_options(field);
    bool secret = field->type == FORM_TEXT_PRIVATE && !is_empty(field);
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    for (guint i = 0; i < field->values->len; i++)
        g_ptr_array_add(values, field->values->pdata[i]);
    g_ptr_array_add(values, NULL);
    JOB_ROW(job, "field", FIELD_T("name", field->var ? field->var : ""),
        FIELD_T("type", type_names[field->type]),
        FIELD_T("label", form_field_label(field)),
        FIELD_B("required", field->required),
        FIELD_L("values", secret ? hidden : (const char *const *)values->pdata),
        FIELD_L("options", (const char *const *)options),
        FIELD_T("description", field->desc), FIELD_T("media", field->media));
}

static enum cmd_status run_show(struct job *job)
{
    const struct form *form = form_current(job_account(job));
    if (!form)
        return fail_no_form(job);
    if (form->title)
        job_note(job, "%s", form->title);
    if (form->instructions)
        job_note(job, "%s", form->instructions);
    for (guint i = 0; i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        if (field->type != FORM_HIDDEN)
            show_field(job, field);
    }
    return job_done(job);
}

static enum cmd_status run_set(struct job *job)
{
    struct open_form *open = state_of(job_account(job))->open;
    if (!open)
        return fail_no_form(job);
    g_autoptr(GError) error = NULL;
    const char *value = job_arg(job, "value");
    if (!form_set_text(
            open->form, job_arg(job, "field"), value ? value : "", &error))
        return job_fail(job, "not-acceptable", "%s", error->message);
    return job_done(job);
}

static enum cmd_status run_step(
    struct job *job, enum form_action action, unsigned needed)
{
    struct open_form *open = state_of(job_account(job))->open;
    if (!open)
        return fail_no_form(job);
    if (needed && !(open->form->actions & needed))
        return job_fail(job, "feature-not-implemented",
            "This form has no %s page; /form submit sends it.",
            action == FORM_ACTION_NEXT ? "next" : "previous");
    act(open, action);
    return job_done(job);
}

static enum cmd_status run_next(struct job *job)
{
    return run_step(job, FORM_ACTION_NEXT, FORM_CAN_NEXT);
}

static enum cmd_status run_prev(struct job *job)
{
    return run_step(job, FORM_ACTION_PREV, FORM_CAN_PREV);
}

static enum cmd_status run_submit(struct job *job)
{
    struct open_form *open = state_of(job_account(job))->open;
    g_autoptr(GError) error = NULL;
    if (open && !form_check(open->form, NULL, &error))
        return job_fail(job, "not-acceptable", "%s", error->message);
    return run_step(job, FORM_ACTION_SUBMIT, 0);
}

static enum cmd_status run_cancel(struct job *job)
{
    return run_step(job, FORM_ACTION_CANCEL, 0);
}

static void complete_field(struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (!completion->account || !completion->account->session)
        return;
    const struct form *form = form_current(completion->account);
    for (guint i = 0; form && i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        if (form_field_is_shown(field))
            completion_add(completion, field->var);
    }
}
static const struct arg_kind arg_field = { .placeholder = "FIELD",
    .complete = complete_field };

static const char *const form_examples[] = {
    "/form show",
    "List the fields of the open form.",
    "/form set email juliet@example.com",
    "Fill in a field.",
    "/form submit",
    "Send it.",
    NULL,
};
#define FORM_FIELDS                                                            \
    "field: name type label required values[] options[] description? media?"

static const struct command form_subs[] = {
    { .name = "show",
        .needs = NEEDS_ACCOUNT,
        .run = run_show,
        .summary = "List the fields of the open form",
        .fields = FORM_FIELDS },
    { .name = "set",
        .needs = NEEDS_ACCOUNT,
        .run = run_set,
        .args = { { .name = "field", .kind = &arg_field },
            { .name = "value",
                .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST,
                .summary = "left out, the field is emptied" } },
        .summary = "Fill in a field of the open form",
        .detail = "Fields that take several values separate them with commas. "
                  "A list takes its values or their labels; yes and no "
                  "answer a boolean field." },
    { .name = "next",
        .needs = NEEDS_ACCOUNT,
        .run = run_next,
        .summary = "Send this page and go to the next one" },
    { .name = "prev",
        .needs = NEEDS_ACCOUNT,
        .run = run_prev,
        .summary = "Go back to the previous page" },
    { .name = "submit",
        .needs = NEEDS_ACCOUNT,
        .run = run_submit,
        .summary = "Send the filled-in form" },
    { .name = "cancel",
        .needs = NEEDS_ACCOUNT,
        .run = run_cancel,
        .summary = "Give the open form up" },
    { .name = NULL },
};
static const struct command commands[] = {
    { .name = "form",
        .needs = NEEDS_ACCOUNT,
        .run = run_show,
        .summary = "Work on the form that a service asks to be filled in",
        .detail =
            "A service may ask questions by a form: to register, to change a "
            "password. On the screen a dialog opens; this command does the "
            "same work in a script, or after the dialog was closed with "
            "Escape. Each account has at most one open form; a form is never "
            "opened because a stranger sent one.",
        .examples = form_examples,
        .fields = FORM_FIELDS,
        .sub = form_subs },
    { .name = NULL },
};

/* Without namespaces: forms are taken inside other protocols only, and then
 * they must not be announced (XEP-0004 s. 6). */
const struct feature xep0004 = {
    .spec = "XEP-0004",
    .name = "Data Forms",
    .version = "2.13.1",
    .since = "0.1.0",
    .commands = commands,
    .state_size = sizeof(struct form_state),
    .detach = detach,
};
