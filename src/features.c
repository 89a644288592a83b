/*
 * The features of txmpp, one line each. Their order is the order in which
 * hooks run within a phase, and in which online() is called: the roster is
 * asked for before anything else.
 */
#include "xep/xep.h"
#include "xmpp/feature.h"

extern const struct feature rfc6120_session, rfc6121_roster,
    rfc6121_subscription, rfc6121_presence, rfc6121_message;

const struct feature *const features[] = {
    &rfc6120_session,
    &rfc6121_roster,
    &rfc6121_subscription,
    &rfc6121_presence,
    &rfc6121_message,
    &xep0004,
    &xep0012,
    &xep0030,
    &xep0059,
    &xep0066,
    &xep0077,
    &xep0084,
    &xep0085,
    &xep0092,
    &xep0115,
    &xep0153,
    &xep0172,
    &xep0184,
    &xep0191,
    &xep0198,
    &xep0199,
    &xep0202,
    &xep0203,
    &xep0245,
    &xep0280,
    &xep0297,
    &xep0313,
    &xep0333,
    &xep0334,
    &xep0352,
    &xep0359,
    &xep0377,
    &xep0386,
    &xep0388,
    &xep0392,
    &xep0393,
    &xep0441,
    &xep0484,
    &xep0490,
    &xep0492,
    &xep0494,
    NULL,
};
