/* Requests and replies (RFC 6120 s. 8.2.3). A reply is taken only from the
 * peer that was asked (H28, H29); every get or set is answered exactly once. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>
#include "model/account.h"
#include "xmpp/stanza.h"

/* result: the iq (borrowed), NULL on error. error: set for an error reply, a
 * time-out (remote-server-timeout) or a lost connection (recipient-unavailable,
 * by = NULL). more: a further portion of the same result follows (guard.h). */
typedef void (*iq_reply_fn)(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data);

/* Takes iq (type get or set; id is set here). to is read from it. timeout_s 0:
 * 60. data is freed with free_fn after the last call. Returns the id
 * (borrowed), NULL when not online: then fn was called with an error. */
const char *iq_send(struct account *account, xmpp_stanza_t *iq, unsigned timeout_s,
    iq_reply_fn fn, gpointer data, GDestroyNotify free_fn);
void iq_cancel(struct account *account, const char *id); /* fn is not called */

/* <iq type= to=><name xmlns=ns/></iq>; *child (borrowed) to go on with. */
xmpp_stanza_t *iq_new(const char *type, const char *to, const char *name,
    const char *ns, xmpp_stanza_t **child);

/* Serving: struct iq_request lives until answered. A handler that answers
 * later keeps the pointer; when the connection or the account is gone
 * meanwhile the answer goes nowhere (account is NULL then). */
struct iq_request {
    struct account *account;
    xmpp_stanza_t *iq, *child;
    const char *from;   /* full JID; our bare JID when the server left it out */
    const char *id;
    bool is_set;
};
void iq_result(struct iq_request *request, xmpp_stanza_t *payload); /* takes payload, may be NULL */
void iq_error(struct iq_request *request, const char *type, const char *condition, const char *text);
/* Is the asker allowed to know: own account, own server, or a contact that
 * sees our presence? (C63) */
bool iq_from_friend(const struct iq_request *request);

/* The asker's bare JID equals ours, or from was left out: our own account. */
bool iq_from_self(const struct iq_request *request);

/* Engine side, used by rfc6120_session. */
struct iq_table;
struct iq_table *iq_table_new(struct account *account);
void iq_table_close(struct iq_table *table); /* no callback is called any more */
void iq_table_free(struct iq_table *table);
void iq_handle(struct account *account, xmpp_stanza_t *iq);
void iq_connection_lost(struct account *account);
guint iq_pending(const struct account *account);
