/*
 * Data forms (XEP-0004). A form is read from hostile XML into plain structs,
 * filled in by a dialog, by /form or by arguments, and turned into a submit
 * form again. Every size is bounded; labels and values are raw text, to be
 * cleaned by whoever shows them. Values of text-private fields are wiped when
 * they are replaced or freed.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>
#include "base/auto.h"
#include "cmd/front.h"
#include "model/account.h"

#define NS_FORM "jabber:x:data"

#define FORM_ERROR form_error_quark()
GQuark form_error_quark(void);
enum form_error {
    FORM_ERROR_MALFORMED, /* not a form, or beyond the limits */
    FORM_ERROR_NO_FIELD,  /* no field of that name */
    FORM_ERROR_VALUE,     /* not a value of that field */
    FORM_ERROR_REQUIRED,  /* a required field is empty */
};

enum form_type { FORM_FORM, FORM_SUBMIT, FORM_CANCEL, FORM_RESULT };
enum form_field_type {
    FORM_TEXT_SINGLE, /* also what an unknown type is taken for */
    FORM_BOOLEAN,
    FORM_FIXED,  /* text to be shown; values only */
    FORM_HIDDEN, /* not shown, sent back as it came */
    FORM_JID_MULTI,
    FORM_JID_SINGLE,
    FORM_LIST_MULTI,
    FORM_LIST_SINGLE,
    FORM_TEXT_MULTI, /* one value a line */
    FORM_TEXT_PRIVATE,
    FORM_FIELD_TYPES
};

struct form_option {
    char *label; /* never NULL: the value where there is none */
    char *value;
};

struct form_field {
    char *var;   /* name; NULL only for FORM_FIXED */
    char *label; /* NULL: show var */
    char *desc;  /* NULL */
    char *media; /* first address of XEP-0221 media (a captcha picture), NULL */
    enum form_field_type type;
    bool required;
    bool open;         /* XEP-0122: other values than the options are allowed */
    GPtrArray *values; /* char *, never NULL */
    GPtrArray *options; /* struct form_option *, never NULL */
};

enum form_actions {
    FORM_CAN_NEXT = 1 << 0, /* several steps: there is a next page … */
    FORM_CAN_PREV = 1 << 1,
};

struct form {
    enum form_type type;
    char *title, *instructions; /* NULL; several lines in instructions */
    char *url;                  /* page to go to instead (jabber:x:oob), NULL */
    GPtrArray *fields;          /* struct form_field *, never NULL */
    GPtrArray *columns;         /* <reported/>: struct form_field *, NULL */
    GPtrArray *rows;  /* <item/>: GPtrArray * of struct form_field *, NULL */
    unsigned actions; /* enum form_actions, set by the owner */
};

struct form *form_new(enum form_type type);
void form_free(struct form *form);
AUTO_STRUCT_FREE(form, form_free)

/* x: any stanza; NULL and a sentence when it is no form. */
struct form *form_read(xmpp_stanza_t *x, GError **error);

/* Borrowed; NULL when there is none. */
struct form_field *form_find(const struct form *form, const char *var);
struct form_field *form_add(struct form *form, enum form_field_type type,
    const char *var, const char *label, bool required);
const char *form_value(
    const struct form *form, const char *var); /* first; NULL */
bool form_field_bool(
    const struct form_field *field); /* FORM_BOOLEAN: is it on? */
const char *form_field_label(const struct form_field *field); /* never NULL */
bool form_field_is_shown(
    const struct form_field *field); /* neither hidden nor fixed */

/* Replaces the values. Checked: booleans (yes no on off true false 1 0), JIDs
 * (prepared), options of lists (a label is taken for its value), one line in
 * single fields. values is NULL-terminated; none: emptied. */
bool form_set(struct form *form, const char *var, const char *const *values,
    GError **error);
/* One text as a person types it: lines of multi fields stand on lines, values
 * of list-multi and jid-multi may be separated by commas too. */
bool form_set_text(
    struct form *form, const char *var, const char *text, GError **error);
/* Is every required field filled in? culprit (may be NULL) is borrowed. */
bool form_check(
    const struct form *form, const struct form_field **culprit, GError **error);

/* <x type='submit'/> or 'cancel'; new stanza. Empty fields that are not
 * required are left out, hidden ones are sent back. */
xmpp_stanza_t *form_submit(const struct form *form);
xmpp_stanza_t *form_cancel(void);
/* A form of ours that nobody has asked for: <x/> below parent (borrowed), then
 * its fields. value NULL: no such field. */
xmpp_stanza_t *form_begin(xmpp_stanza_t *parent, const char *form_type);
void form_put(xmpp_stanza_t *x, const char *var, const char *value);

const char *form_field_type_name(enum form_field_type type);

/* The open form of an account: asked with front's dialog where there is one,
 * and worked on with /form. A dismissed dialog leaves it open. form is taken;
 * data is freed with free_fn after the end (submit, cancel, replaced by another
 * form, account gone). */
enum form_action {
    FORM_ACTION_SUBMIT,
    FORM_ACTION_NEXT, /* the owner keeps form and calls form_open() for the page
                       */
    FORM_ACTION_PREV,
    FORM_ACTION_CANCEL,
};
typedef void (*form_action_fn)(struct account *account, enum form_action action,
    const struct form *form, gpointer data);
/* Returns whether a dialog was opened; false: only /form can answer (a command
 * must not wait for it then). */
bool form_open(struct account *account, struct front *front, struct form *form,
    form_action_fn fn, gpointer data, GDestroyNotify free_fn);
const struct form *form_current(const struct account *account); /* NULL: none */
