/* Result sets in pages (XEP-0059), as the archive has them. */
#pragma once
#include "xmpp/stanza.h"

/* Asks for at most max results after or before an id ("" with before: the last
 * ones); NULL: not said. */
void rsm_add(xmpp_stanza_t *query, guint max, const char *after,
    const char *before);
