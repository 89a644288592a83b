/* Links in what people write. */
#pragma once
#include <stdbool.h>
#include <glib.h>

/* The next http, https, xmpp or mailto link in [*at, end), without the
 * punctuation of the sentence around it; false: none. *at moves behind it. */
bool url_next(const char **at, const char *end, const char **start, gsize *len);
/* May it be handed to a program (H56)? One of those schemes, and nothing that
 * hides what it is: no blank, control, or invisible character. */
bool url_is_safe(const char *url);
