#include "xmpp/feature.h"
#include "xmpp/rfc6121_presence.h"
extern const struct feature rfc6121_roster;
const struct feature rfc6121_roster = { .spec = "RFC 6121", .name = "roster" };
