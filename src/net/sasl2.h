/*
 * The elements of the newer login: SASL2 (XEP-0388), Bind 2 (XEP-0386), FAST
 * (XEP-0484). What a server offers is read, what we ask for is written. Pure;
 * when to send what is the stream's business.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>

#define NS_SASL2 "urn:xmpp:sasl:2"
#define NS_BIND2 "urn:xmpp:bind:0"
#define NS_FAST "urn:xmpp:fast:0"
#define NS_SM "urn:xmpp:sm:3" /* XEP-0198 */

#define SASL2_TOKEN_BYTES 4096 /* no token is longer */

/* Namespaces as the guard has given them. */
bool element_is(xmpp_stanza_t *element, const char *name, const char *ns);
xmpp_stanza_t *element_child(xmpp_stanza_t *parent, const char *name, const char *ns);
/* The defined condition of an error: its first child of ns but <text/>, NULL: none. */
xmpp_stanza_t *element_condition(xmpp_stanza_t *error, const char *ns);
char *element_text(xmpp_stanza_t *element); /* new, NULL: none */
/* Texts, or values of attribute, of the children (name, same namespace). */
GStrv element_names(xmpp_stanza_t *parent, const char *name, const char *attribute);

/* What <authentication/> offers; NULL-safe. */
GStrv sasl2_mechanisms(xmpp_stanza_t *authentication);
GStrv sasl2_token_mechanisms(xmpp_stanza_t *authentication); /* NULL: no FAST */
bool sasl2_offers_resumption(xmpp_stanza_t *authentication);
xmpp_stanza_t *sasl2_bind_offer(xmpp_stanza_t *authentication); /* borrowed, NULL: none */
bool sasl2_bind_offers(xmpp_stanza_t *bind_offer, const char *feature);

/* <bind/> with its tag, which may be NULL. */
xmpp_stanza_t *sasl2_bind_new(const char *tag);

struct sasl2_request {
    const char *mechanism, *initial;    /* base64 */
    const char *user_agent, *software;  /* may be NULL */
    xmpp_stanza_t *resume, *bind;       /* may be NULL */
    const char *wanted_token;           /* mechanism of a token asked for, NULL: none */
    bool token;                         /* this is a login by token … */
    gint64 count;                       /* … for the count-th time, 0: not told */
    bool invalidate;                    /* … and the last one */
};
/* <authenticate/>; has secrets in it: wipe it. */
char *sasl2_authenticate(const struct sasl2_request *request);

/* The defined condition of a <failure/> of either profile; text is new, may be NULL. */
const char *sasl2_failure(xmpp_stanza_t *failure, char **text);
/* Names of the tasks of <continue/>, made harmless. New string. */
char *sasl2_tasks(xmpp_stanza_t *stanza);
