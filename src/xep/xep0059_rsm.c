/* Only the question: where a page begins and ends its results say themselves,
 * and counts are not believed (F26). */
#include "xep/xep0059_rsm.h"

#include "xep/xep.h"

#define NS_RSM "http://jabber.org/protocol/rsm"

static void add_text(xmpp_stanza_t *set, const char *name, const char *text)
{
    if (text)
        stanza_set_text(stanza_add(set, name, NS_RSM, NULL), text);
}

void rsm_add(xmpp_stanza_t *query, guint max, const char *after,
    const char *before)
{
    g_autofree char *most = g_strdup_printf("%u", max);
    xmpp_stanza_t *set = stanza_add(query, "set", NS_RSM, NULL);
    add_text(set, "max", most);
    add_text(set, "after", after);
    add_text(set, "before", before);
}

const struct feature xep0059 = {
    .spec = "XEP-0059",
    .name = "Result Set Management",
    .version = "1.0",
    .since = "0.1.0",
    .note = "For the message archive.",
};
