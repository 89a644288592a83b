/* Giving back what only the start needed. */
#ifndef TXMPP_BASE_TRIM_H
#define TXMPP_BASE_TRIM_H

/* Returns free heap to the kernel and forgets the pages of code and constants
 * that were touched so far; what is used again is mapped again, from memory, by
 * a page fault each. Some 100 µs; to be called once, when nothing is urgent. A
 * debugger's breakpoints are lost. */
void memory_trim(void);

#endif
