/*
 * The roster of one account (RFC 6121 s. 2): contacts by bare JID, each with
 * the presence of its resources and the state of its subscription.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "model/presence.h"

enum subscription { SUB_NONE, SUB_TO, SUB_FROM, SUB_BOTH };

struct contact {
    char *jid;             /* bare, as the server spells it; a gateway is a bare domain */
    char *name;            /* handle, NULL */
    char **groups;         /* NULL-terminated, sorted, without doubles; never NULL */
    enum subscription subscription;
    bool ask;              /* our request is pending out */
    bool approved;         /* RFC 6121 s. 3.4 pre-approval */
    bool in_roster;        /* false: known only by presence or a request */
    char *pending_in;      /* status of a pending inbound request; NULL: none */
    GPtrArray *resources;  /* struct presence*, best first; NULL or empty: offline */
    char *last_status;     /* of the last unavailable presence, NULL */
    guint generation;      /* of the roster result it was last seen in */
    gpointer ui;           /* for the front end's use, not owned */
};

struct roster;
struct roster *roster_new(void);
void roster_free(struct roster *roster);

struct contact *roster_find(const struct roster *roster, const char *bare_jid);
/* Finds or makes one that is not in the roster. Owned by the roster. */
struct contact *roster_ensure(struct roster *roster, const char *bare_jid);
void roster_remove(struct roster *roster, struct contact *contact);
guint roster_size(const struct roster *roster);
/* In no order; do not add or remove meanwhile. */
typedef void (*roster_fn)(struct contact *contact, gpointer data);
void roster_foreach(const struct roster *roster, roster_fn fn, gpointer data);
/* By name for people: exact JID, exact name, unique prefix of either. */
struct contact *roster_match(const struct roster *roster, const char *text);

/* jid_lookalike() among those in the roster; a new sentence, or NULL. */
char *roster_lookalike(const struct roster *roster, const char *jid);

void contact_set_groups(struct contact *contact, const char *const *groups);
const char *contact_label(const struct contact *contact); /* name, or the localpart's JID */
const struct presence *contact_best(const struct contact *contact); /* NULL: offline */
enum show contact_show(const struct contact *contact);
struct presence *contact_resource(const struct contact *contact, const char *full_jid);
/* Takes ownership; replaces the same resource, keeps the order. */
void contact_put_presence(struct contact *contact, struct presence *presence);
void contact_drop_presence(struct contact *contact, const char *full_jid);
void roster_all_offline(struct roster *roster);

const char *subscription_name(enum subscription s); /* none to from both */
enum subscription subscription_parse(const char *text); /* unknown: none (C51) */
