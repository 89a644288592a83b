/* Stream management (XEP-0198); what others see of it is xmpp/manager.h. */
#pragma once
#include <stdbool.h>
#include <glib.h>

/* A count as XML Schema has it (unsignedInt), nothing else around it. */
bool sm_parse_h(const char *text, guint32 *h);
