/*
 * One RFC or XEP = one file = one value of struct feature, listed once in
 * src/features.c. From the list come disco#info, the caps hash, the table in
 * the manual and txmpp.doap. Hooks run in the order of the list.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>
#include "cmd/command.h"
#include "model/account.h"
#include "store/option.h"
#include "xmpp/iq.h"
#include "xmpp/manager.h"
#include "xmpp/stanza.h"

enum phase {
    PHASE_UNWRAP,   /* carbons, archive: the only place that believes a wrapper */
    PHASE_DECRYPT,
    PHASE_ANNOTATE, /* ids, delay, receipts, replies … fill incoming->message */
    PHASE_CLAIM,    /* stanzas without text: chat states, invitations */
    PHASE_DELIVER,  /* rfc6121_message and rfc6121_presence */
    PHASES
};

enum verdict {
    GO_ON,
    CLAIMED, /* handled: later phases are skipped */
    DROPPED, /* not shown, not stored, not answered; logged once, rate limited */
};

struct incoming {
    struct account *account;
    xmpp_stanza_t *stanza;    /* what is looked at: the inner one after UNWRAP */
    bool is_presence;         /* else a message */
    const char *from, *to, *id, *type; /* of stanza; from and to never NULL */
    const char *lang;         /* of what says none itself; NULL unknown */
    char *from_bare;
    char *prepared;           /* what from points to when the server did not */
    bool outgoing;            /* a copy of what another client of ours sent */
    bool carbon, archive;
    bool from_server;         /* the outermost from is our server or own bare JID */
    struct message *message;  /* messages: being filled; DELIVER takes it */
    struct presence *presence; /* available and unavailable: likewise; else NULL */
};

/*
 * A hook with an element runs for every such child (64 children of a stanza
 * at most), one without runs once. In one phase: features in the order of the
 * list, hooks of a feature in the order of its table. A stanza of type error
 * carries a copy of what we sent: for it only hooks without element and those
 * for "error" run.
 */
struct incoming_hook {
    enum phase phase;
    const char *stanza;       /* "message" or "presence" */
    const char *element;      /* child that triggers it; NULL: always (child NULL) */
    const char *ns;
    enum verdict (*run)(struct incoming *incoming, xmpp_stanza_t *child);
};

struct outgoing {
    struct account *account;
    struct chat *chat;        /* NULL for presence */
    xmpp_stanza_t *stanza;    /* complete but for what hooks add */
    struct message *message;  /* NULL for presence and bodiless messages */
};
struct outgoing_hook {
    const char *stanza;       /* "message" or "presence" */
    void (*run)(struct outgoing *outgoing);
};

struct iq_hook {
    const char *type;         /* "get", "set"; NULL: both */
    const char *element, *ns;
    void (*run)(struct iq_request *request);
};

struct feature {
    const char *spec, *name, *version; /* "XEP-0184", "Message Delivery Receipts", "1.4.0" */
    const char *since;        /* txmpp version, for DOAP */
    const char *status;       /* DOAP: NULL is "complete", else "partial" */
    const char *note;         /* DOAP and manual: what is left out; NULL */
    const char *const *namespaces; /* announced in disco#info; NULL-terminated; NULL: none */
    const struct incoming_hook *incoming; /* end with a NULL run */
    const struct outgoing_hook *outgoing;
    const struct iq_hook *iq;
    const struct command *commands;       /* end with a NULL name */
    const struct option *options;
    size_t state_size;        /* zeroed state for every account */
    void (*attach)(struct account *account); /* account exists */
    void (*detach)(struct account *account); /* account goes: free what the state holds */
    void (*online)(struct account *account); /* bound, nothing sent yet */
    void (*ready)(struct account *account);  /* roster is here, initial presence is out */
    void (*offline)(struct account *account);/* connection gone */
    /* Taken up again (XEP-0198): all is as it was but what a stream begins with. */
    void (*resumed)(struct account *account);
    const struct stream_manager *manager; /* xmpp/manager.h; of one feature */
    /* The person has seen chat up to message (xmpp/reading.h). */
    void (*read)(struct chat *chat, const struct message *message);
    /* Bind 2 (XEP-0386): adds to <bind/> what is to be on from the first stanza,
     * of what offer has in it (see stream_offers_inline); it may be for nothing.
     * bound: it was not; comes before online(). */
    void (*bind_inline)(struct account *account, xmpp_stanza_t *offer, xmpp_stanza_t *bind);
    void (*bound_inline)(struct account *account, xmpp_stanza_t *bound);
    /* Nonzas such as <a xmlns='urn:xmpp:sm:3'/>: true when taken. */
    bool (*nonza)(struct account *account, xmpp_stanza_t *nonza);
    /* Option (privacy.…) that must be on for namespaces to be announced; NULL:
     * they always are. */
    const char *announced_if;
};

extern const struct feature *const features[]; /* src/features.c; NULL-terminated */

/* State of a feature for an account: state_size bytes, zeroed at attach. */
void *feature_state(const struct account *account, const struct feature *feature);
