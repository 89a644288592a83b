/*
 * The features of txmpp, one line each. Their order is the order in which
 * hooks run within a phase, and in which online() is called: the roster is
 * asked for before anything else.
 */
#include "xmpp/feature.h"

extern const struct feature rfc6120_session, rfc6121_roster,
    rfc6121_presence, rfc6121_message;

const struct feature *const features[] = {
    &rfc6120_session,
    &rfc6121_roster,
    &rfc6121_presence,
    &rfc6121_message,
    NULL,
};
