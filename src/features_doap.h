/* What is made from the list of features (src/features.c): new strings. */
#pragma once

/* The file txmpp.doap: https://xmpp.org/extensions/xep-0453.html */
char *features_doap(void);
/* The table of specifications for the manual, mdoc(7). */
char *features_mdoc(void);
