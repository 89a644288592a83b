/* Numbers that nobody can guess: nonces and identifiers. */
#ifndef TXMPP_BASE_RANDOM_H
#define TXMPP_BASE_RANDOM_H

#include <glib.h>

/* Fills `out` with `len` bytes from the kernel's generator. It cannot fail: a
 * system without one is refused with a message, and the program ends. */
void random_bytes(void *out, gsize len);
/* So many of them as digits; the caller frees it. */
char *random_hex(gsize bytes);

#endif
