/* What stands inside <query xmlns='jabber:iq:register'/>: the plain fields of
 * old, or a data form; both become a struct form (XEP-0077 s. 3). */
#pragma once
#include <stdbool.h>
#include "xep/xep0004_form.h"
#include "xmpp/stanza.h"

#define NS_REGISTER "jabber:iq:register"

/* query: NULL or hostile. Never NULL; without fields when nothing is asked
 * for (form->url or ->instructions may say where else to go). *plain: the
 * plain fields were meant. */
struct form *register_form_read(xmpp_stanza_t *query, bool *plain);
/* New <query/>. */
xmpp_stanza_t *register_form_write(const struct form *form, bool plain);
/* "name=value", NULL-terminated (NULL: none). */
bool register_form_fill(
    struct form *form, const char *const *fields, GError **error);
/* Names of the required fields that are empty, for people; NULL: none. */
char *register_form_missing(const struct form *form);
