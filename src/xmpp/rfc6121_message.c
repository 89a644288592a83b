#include "xmpp/feature.h"
#include "xmpp/rfc6121_presence.h"
extern const struct feature rfc6121_message;
const struct feature rfc6121_message = { .spec = "RFC 6121", .name = "message" };
