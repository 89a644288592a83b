#include "xep/xep0352_csi.h"

#include "xep/xep.h"
#include "xmpp/rfc6120_session.h"

#define NS_CSI "urn:xmpp:csi:0"

/* Zeroed: active, which is also how every stream begins (XEP-0352 s. 4). */
struct csi_state {
    bool wanted_inactive, told_inactive;
    bool asked; /* with the binding (XEP-0386) */
};

static void tell(struct account *account)
{
    struct csi_state *state = feature_state(account, &xep0352);
    if (state->wanted_inactive == state->told_inactive ||
        !session_is_online(account) ||
        !session_has_stream_feature(account, "csi", NS_CSI))
        return;
    const char *name = state->wanted_inactive ? "inactive" : "active";
    if (session_send(account, stanza_new(name, NS_CSI, NULL)))
        state->told_inactive = state->wanted_inactive;
}

void client_state_set(struct account *account, bool active)
{
    struct csi_state *state = feature_state(account, &xep0352);
    if (!state)
        return;
    state->wanted_inactive = !active;
    tell(account);
}

static void bind_inline(
    struct account *account, xmpp_stanza_t *offer, xmpp_stanza_t *bind)
{
    struct csi_state *state = feature_state(account, &xep0352);
    state->asked =
        state->wanted_inactive && stream_offers_inline(offer, NS_CSI);
    if (state->asked)
        stanza_add(bind, "inactive", NS_CSI, NULL);
}

static void bound_inline(struct account *account, xmpp_stanza_t *bound)
{
    (void)bound;
    struct csi_state *state = feature_state(account, &xep0352);
    state->told_inactive = state->asked;
}

static void ready(struct account *account)
{
    tell(account);
}

/* Some servers begin as with any new stream, some keep what was said on the old
 * one and would go on holding back: whoever was inactive says how it is. */
static void resumed(struct account *account)
{
    struct csi_state *state = feature_state(account, &xep0352);
    if (state->told_inactive)
        state->told_inactive = !state->wanted_inactive;
    tell(account);
}

static void offline(struct account *account)
{
    struct csi_state *state = feature_state(account, &xep0352);
    state->told_inactive = false;
}

const struct feature xep0352 = {
    .spec = "XEP-0352",
    .name = "Client State Indication",
    .version = "1.0.0",
    .since = "0.1.0",
    .state_size = sizeof(struct csi_state),
    .bind_inline = bind_inline,
    .bound_inline = bound_inline,
    .ready = ready,
    .resumed = resumed,
    .offline = offline,
};
