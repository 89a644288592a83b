#include "xmpp/feature.h"
#include "xmpp/rfc6121_presence.h"
extern const struct feature rfc6121_presence;
const struct feature rfc6121_presence = { .spec = "RFC 6121", .name = "presence" };
void rfc6121_presence_leave(struct account *account, const char *status)
{
    (void)account;
    (void)status;
}
