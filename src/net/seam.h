/* Where our stanzas end, in the bytes that libstrophe wrote for us. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct seam {
    unsigned depth; /* of elements that are open; the stream is one */
    bool in_tag, closing;
    char quote, last;
};

/* Goes on to the next place outside of any stanza, in bytes that follow those
 * it has seen: how many bytes up to there, 0: it is not in them. What we write
 * is well-formed and without comments and CDATA. */
size_t seam_next(struct seam *seam, const char *bytes, size_t len);
