/*
 * A counter of open elements, enough for what a serializer writes. A stream
 * header begins with "<?xml" and begins anew (RFC 6120 s. 4.3.3).
 */
#include "net/seam.h"

static void end_tag(struct seam *seam)
{
    if (seam->closing)
        seam->depth -= seam->depth > 0;
    else if (seam->last != '/' && seam->last != '?')
        seam->depth++;
    seam->in_tag = seam->closing = false;
}

static void in_tag(struct seam *seam, char c)
{
    if (seam->quote) {
        if (c == seam->quote)
            seam->quote = 0;
    } else if (c == '"' || c == '\'') {
        seam->quote = c;
    } else if (c == '>') {
        end_tag(seam);
    } else if (seam->last == '<') {
        seam->closing = c == '/';
        if (c == '?')
            seam->depth = 0;
    }
    seam->last = c;
}

size_t seam_next(struct seam *seam, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (seam->in_tag)
            in_tag(seam, bytes[i]);
        else if ((seam->in_tag = bytes[i] == '<'))
            seam->last = '<';
        if (!seam->in_tag && seam->depth <= 1)
            return i + 1;
    }
    return 0;
}
