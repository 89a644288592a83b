/*
 * Service discovery (XEP-0030): asking others, with a cache, and answering
 * from features[]. What others announce is bounded when it is read.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/auto.h"
#include "model/account.h"
#include "xmpp/stanza.h"

#define NS_DISCO_INFO "http://jabber.org/protocol/disco#info"
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"

struct disco_identity {
    char *category, *type, *lang, *name; /* "" where absent */
};
struct disco_info {
    int refs;
    GPtrArray *identities; /* struct disco_identity * */
    GHashTable *features;  /* set of char * */
    GPtrArray *forms;      /* struct form * (XEP-0128) */
    bool ill_formed;       /* XEP-0115 s. 5.4 no. 3: doubles in it */
};
/* query: a disco#info query element. Never NULL. */
struct disco_info *disco_info_read(xmpp_stanza_t *query);
struct disco_info *disco_info_ref(struct disco_info *info);
void disco_info_unref(struct disco_info *info);
AUTO_STRUCT_FREE(disco_info, disco_info_unref)
bool disco_info_has(const struct disco_info *info, const char *feature);

/* info is borrowed; NULL and an error when there was no answer. */
typedef void (*disco_info_fn)(struct account *account,
    const struct disco_info *info, const struct stanza_error *error,
    gpointer data);
/* From the cache (fn is called at once) or from the network; equal questions
 * that are under way are asked once. node may be NULL. fn is always called,
 * but for an account that goes away; data is freed with free_fn (may be NULL)
 * in any case. */
void disco_query_info(struct account *account, const char *jid,
    const char *node, disco_info_fn fn, gpointer data, GDestroyNotify free_fn);
/* Cached answer, NULL when unknown. Borrowed until the loop's next turn. */
const struct disco_info *disco_cached(
    const struct account *account, const char *jid);

enum disco_answer { DISCO_UNKNOWN, DISCO_NO, DISCO_YES };
/* What our own server (its domain, or our account there) announced. */
enum disco_answer disco_server_has(
    const struct account *account, const char *feature);
/* Does a peer's resource (full JID) understand this? Uses its capabilities
 * (XEP-0115); where they are unknown they are asked for, for next time. */
enum disco_answer disco_peer_has(
    struct account *account, const char *full_jid, const char *feature);
/* Is it a full JID whose answer is known, and this is not in it? Asks nobody. */
bool disco_peer_lacks(
    struct account *account, const char *jid, const char *feature);

/* Our own answer, sorted; new stanza <query/>. node NULL or the one asked. */
xmpp_stanza_t *disco_own_info(const struct account *account, const char *node);
/* What announces itself now (privacy options): new sorted array of borrowed
 * strings. */
GPtrArray *disco_own_features(const struct account *account);
