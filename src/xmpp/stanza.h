/*
 * Reading and building stanzas. Readers never return NULL where a caller would
 * have to check (stanza_text gives ""), so hostile stanzas with missing parts
 * cannot crash anything (H24). Names are matched with their exact namespace.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/auto.h"
#include <strophe.h>

static inline void stanza_release(xmpp_stanza_t *s)
{
    if (s)
        xmpp_stanza_release(s);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmpp_stanza_t, stanza_release)

#define NS_CLIENT "jabber:client"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_ROSTER "jabber:iq:roster"

const char *stanza_name(xmpp_stanza_t *s);                 /* "" for text nodes */
const char *stanza_ns(xmpp_stanza_t *s);                   /* inherited; "" */
const char *stanza_attr(xmpp_stanza_t *s, const char *name); /* NULL when absent */
/* Here and below name or ns NULL: any. */
bool stanza_is(xmpp_stanza_t *s, const char *name, const char *ns);
/* First child element; name NULL: any; NULL when none. Borrowed. */
xmpp_stanza_t *stanza_child(xmpp_stanza_t *s, const char *name, const char *ns);
xmpp_stanza_t *stanza_next(xmpp_stanza_t *child, const char *name, const char *ns);
xmpp_stanza_t *stanza_first_element(xmpp_stanza_t *s);
int stanza_count_elements(xmpp_stanza_t *s);
char *stanza_text(xmpp_stanza_t *s);       /* own text, new string, "" when none or s NULL */
char *stanza_child_text(xmpp_stanza_t *s, const char *name, const char *ns); /* NULL when no such child */
const char *stanza_lang(xmpp_stanza_t *s); /* xml:lang of this element; NULL */
/* Of several children of that name, one a language, the one for the person's
 * locale; else the one without a language, else the first. inherited: the
 * language of those that say none (RFC 6120 s. 8.1.5), NULL unknown. all (may
 * be NULL): set to a new table language → text when there are several, else
 * NULL. */
xmpp_stanza_t *stanza_localized(xmpp_stanza_t *s, const char *name, const char *ns,
    const char *inherited, GHashTable **all);
char *stanza_xml(xmpp_stanza_t *s);        /* rendered, new string */

/* Building; the result is owned by the caller. Text and values are filtered
 * to XML Char (F36). Attributes are name, value pairs, NULL-terminated; pairs
 * with a NULL value are left out. */
xmpp_stanza_t *stanza_new(const char *name, const char *ns, ...) G_GNUC_NULL_TERMINATED;
xmpp_stanza_t *stanza_add(xmpp_stanza_t *parent, const char *name, const char *ns, ...)
    G_GNUC_NULL_TERMINATED; /* borrowed from parent */
void stanza_set(xmpp_stanza_t *s, const char *name, const char *value); /* NULL removes */
void stanza_set_text(xmpp_stanza_t *s, const char *text);
void stanza_take_child(xmpp_stanza_t *parent, xmpp_stanza_t *child); /* takes the reference */

/* Trusted text (tests, our own files, what the user typed); NULL when it is no
 * element. */
xmpp_stanza_t *stanza_parse(const char *xml);

/* Key of a table: what an element is called. */
struct stanza_key {
    const char *element, *ns;
};
guint stanza_key_hash(gconstpointer key);
gboolean stanza_key_equal(gconstpointer a, gconstpointer b);

char *stanza_new_id(void); /* >= 128 random bits (RFC 6120 s. 8.1.3), new string */

/* RFC 6120 s. 8.3, XEP-0086 for old codes. */
struct stanza_error {
    char *type;       /* auth cancel continue modify wait */
    char *condition;  /* defined condition; undefined-condition where unknown */
    char *text;       /* NULL */
    char *by;         /* NULL */
    char *app;        /* application condition's name, NULL */
};
/* One of our own making (time-out, lost connection); type NULL: the usual one. */
struct stanza_error *stanza_error_new(const char *type, const char *condition, const char *text);
/* s: a stanza of type='error'. Never NULL. */
struct stanza_error *stanza_error_read(xmpp_stanza_t *s);
void stanza_error_free(struct stanza_error *error);
AUTO_STRUCT_FREE(stanza_error, stanza_error_free)
/* A sentence for people, in their language: what happened and what to do. */
char *stanza_error_sentence(const struct stanza_error *error);
const char *stanza_error_condition_sentence(const char *condition);
