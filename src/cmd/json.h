/* Writing JSON without a tree. */
#pragma once
#include <glib.h>

/* text in quotes. Whatever a terminal might obey is escaped: C0, DEL, C1,
 * line separators, bidi and invisible format characters (H51, H52, H55).
 * Invalid UTF-8 becomes U+FFFD. */
void json_append_string(GString *out, const char *text);
