/*
 * Copies of what our other clients send and receive. A copy is a claim about
 * who said what, so it is believed only from our own account's server, only
 * about our own account, and only one layer deep (XEP-0280 s. 11; H30, H31).
 */
#include <string.h>
#include "model/jid.h"
#include "xep/xep.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0297_forward.h"
#include "xmpp/inbox.h"
#include "xmpp/iq.h"
#include "xmpp/rfc6120_session.h"

static enum verdict on_carbon(struct incoming *incoming, xmpp_stanza_t *carbon)
{
    const char *own = incoming->account->jid;
    bool sent = g_str_equal(stanza_name(carbon), "sent");
    if (incoming->carbon || incoming->archive ||
        !jid_equal_prepared(incoming->from, own) ||
        stanza_next(carbon, NULL, NS_CARBONS) ||
        stanza_child(incoming->stanza, NULL, NS_CARBONS) != carbon)
        return DROPPED;
    xmpp_stanza_t *inner = forward_unwrap(carbon, NULL);
    const char *from = stanza_attr(inner, "from");
    const char *to = stanza_attr(inner, "to");
    if (!inner || !from || !to ||
        !jid_bare_equal(sent ? from : to, own))
        return DROPPED;
    inbox_receive_inner(incoming, inner, sent, true, false);
    return CLAIMED;
}

static void on_enabled(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)more;
    (void)data;
    if (result || !session_is_online(account))
        return;
    g_autofree char *sentence = stanza_error_sentence(error);
    observers_notice(account->observers, account,
        "The server does not send copies of what your other clients write: %s",
        sentence);
}

static void on_server(struct account *account, const struct disco_info *info,
    const struct stanza_error *error, gpointer data)
{
    (void)error;
    (void)data;
    if (disco_info_has(info, NS_CARBONS))
        iq_send(account, iq_new("set", NULL, "enable", NS_CARBONS, NULL), 0,
            on_enabled, NULL, NULL);
}

struct carbons_state {
    bool asked, on; /* with the binding (XEP-0386) */
};

static void bind_inline(
    struct account *account, xmpp_stanza_t *offer, xmpp_stanza_t *bind)
{
    struct carbons_state *state = feature_state(account, &xep0280);
    state->asked = stream_offers_inline(offer, NS_CARBONS);
    if (state->asked)
        stanza_add(bind, "enable", NS_CARBONS, NULL);
}

static void bound_inline(struct account *account, xmpp_stanza_t *bound)
{
    (void)bound;
    struct carbons_state *state = feature_state(account, &xep0280);
    state->on = state->asked;
}

static void online(struct account *account)
{
    struct carbons_state *state = feature_state(account, &xep0280);
    bool on = state->on;
    state->on = state->asked = false;
    if (on)
        return;
    g_autofree char *domain = jid_domain(account->jid);
    disco_query_info(account, domain, NULL, on_server, NULL, NULL);
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_UNWRAP, "message", "received", NS_CARBONS, on_carbon },
    { PHASE_UNWRAP, "message", "sent", NS_CARBONS, on_carbon },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_CARBONS, NULL };

const struct feature xep0280 = {
    .spec = "XEP-0280",
    .name = "Message Carbons",
    .version = "1.0.1",
    .since = "0.1.0",
    .namespaces = namespaces,
    .incoming = incoming_hooks,
    .state_size = sizeof(struct carbons_state),
    .bind_inline = bind_inline,
    .bound_inline = bound_inline,
    .online = online,
};
