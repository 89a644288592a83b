/*
 * Our own nodes at our account (XEP-0163) that nobody else may see (XEP-0223):
 * one item a JID. Items are published only where the server promises to keep
 * them private (H40, XEP-0223 s. 6).
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "xmpp/feature.h"

#define NS_PUBSUB "http://jabber.org/protocol/pubsub"
#define NS_PUBSUB_EVENT NS_PUBSUB "#event"

/* One of a feature's state; zeroed but for name, also when offline. */
struct pep_node {
    const char *name;
    bool told; /* the person knows that nothing is kept there */
    bool made; /* its options do not go with the items */
};

/* Does the server promise? what: marked by N_(), is said once. */
bool pep_is_private(struct account *account, struct pep_node *node, const char *what);

/* Called once; not when the connection went away meanwhile. */
typedef void (*pep_done_fn)(struct account *account, bool ok, gpointer data);
/* Takes payload. node outlives the account's connection. */
void pep_publish(struct account *account, struct pep_node *node, const char *id,
    xmpp_stanza_t *payload, pep_done_fn fn, gpointer data, GDestroyNotify free_fn);
void pep_retract(struct account *account, const char *node, const char *id,
    pep_done_fn fn, gpointer data, GDestroyNotify free_fn);

/* Asks for items of a node; owner NULL: ourselves; id NULL: all. */
void pep_fetch(struct account *account, const char *owner, const char *node,
    const char *id, iq_reply_fn fn, gpointer data, GDestroyNotify free_fn);
/* The <items/> of that node in such an answer; NULL. */
xmpp_stanza_t *pep_items(xmpp_stanza_t *result, const char *node);
