/*
 * The guard stands between TLS and libstrophe. It parses what the server
 * sends with expat, lets pass only what RFC 6120 s. 11 allows, within limits,
 * and writes it again in a canonical form without surprises: no prefixes
 * (children carry their xmlns), no attribute of a foreign namespace, only
 * xml:lang (as xml:lang), no comments, entities resolved, '>' always escaped
 * in text and attributes. A stanza is passed on when its end tag was seen,
 * never half of one. Pure: no I/O, no time.
 *
 * Huge results (roster, disco#items, block list) are handed over in portions of
 * GUARD_PORTION children: each portion is a complete stanza that carries the
 * attribute portion='more', the last one portion='last'; an attribute of that
 * name from outside is dropped. (libstrophe appends children in O(n).)
 *
 * Once online, a stanza beyond the limits does not end the stream: whoever
 * could send one could lock us out for good, since servers deliver it again
 * after every login. Its stub is handed over instead, so that XEP-0198 still
 * counts it: the top-level tag with from, to, id, type and nothing inside; an
 * <iq type='result'> becomes an error <resource-constraint/>.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <glib.h>
#include "base/auto.h"

#define GUARD_PORTION 256

enum guard_state { /* what may come next, set by the owner */
    GUARD_HEADER,       /* the stream header, then features */
    GUARD_NEGOTIATING,  /* features, starttls, sasl, sasl2, sm, bind iq */
    GUARD_ONLINE,       /* stanzas, sm, csi; within the larger limits */
};

enum guard_item {
    GUARD_STREAM_OPEN,  /* canonical <stream:stream …> without the end tag */
    GUARD_STANZA,       /* one complete top-level element */
    GUARD_STREAM_CLOSE, /* </stream:stream> */
};

struct guard_limits {
    size_t stanza_bytes;    /* raw bytes of one top-level element */
    size_t nodes;           /* elements in it */
    size_t children;        /* of one element */
    size_t text_bytes;      /* of one text run */
    size_t portioned_bytes; /* a portioned result may be this large … */
    size_t portioned_nodes; /* … and have so many elements */
    unsigned attributes;
    unsigned depth;
    size_t token_bytes;     /* one tag: expat holds it in memory */
};
extern const struct guard_limits guard_limits_before_auth;
extern const struct guard_limits guard_limits_after_auth;

#define GUARD_ERROR guard_error_quark()
GQuark guard_error_quark(void);
enum guard_error { /* in brackets: the stream error condition to send */
    GUARD_ERROR_NOT_WELL_FORMED,  /* not-well-formed */
    GUARD_ERROR_RESTRICTED_XML,   /* restricted-xml */
    GUARD_ERROR_LIMIT,            /* policy-violation */
    GUARD_ERROR_BAD_NAMESPACE,    /* invalid-namespace */
    GUARD_ERROR_UNEXPECTED,       /* unsupported-stanza-type */
    GUARD_ERROR_SMUGGLED,         /* bytes behind <proceed/> or <success/> */
    GUARD_ERROR_BAD_HEADER,       /* bad-format */
    GUARD_ERROR_VERSION,          /* unsupported-version */
};
const char *guard_error_condition(const GError *error);

/* Called for every complete item, in order. xml is canonical, NUL-terminated,
 * borrowed for the call; ns and name describe the top-level element. */
typedef void (*guard_item_fn)(enum guard_item item, const char *ns,
    const char *name, const char *xml, size_t len, gpointer data);

struct guard;
struct guard *guard_new(guard_item_fn fn, gpointer data);
void guard_free(struct guard *guard);
AUTO_STRUCT_FREE(guard, guard_free)

void guard_set_state(struct guard *guard, enum guard_state state,
    const struct guard_limits *limits);

/* A new stream is expected (after TLS, after SASL): all state is discarded
 * (RFC 6120 s. 4.3.3), the state and the limits stay. May be called from
 * inside the callback; input behind that element is then GUARD_ERROR_SMUGGLED. */
void guard_restart(struct guard *guard);

/* After this the next complete element named (ns, name) must be the last
 * thing in the input: any byte behind it is GUARD_ERROR_SMUGGLED (L4, H02).
 * With bytes behind it in the same piece of input it is not even delivered. */
void guard_expect_last(struct guard *guard, const char *ns, const char *name);

/* Feeds hostile bytes. On false the guard is dead until guard_restart. */
bool guard_feed(struct guard *guard, const char *bytes, size_t len, GError **error);

/* What the server's header said; NULL members where it said nothing. Valid
 * from GUARD_STREAM_OPEN on until guard_restart. */
struct guard_header {
    char *from, *id, *version, *lang;
};
const struct guard_header *guard_header(const struct guard *guard);

/* True between stanzas: nothing half-received (F39). */
bool guard_is_idle(const struct guard *guard);
