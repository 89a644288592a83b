/*
 * Addresses (RFC 7622). A JID is a plain string in prepared form: domain in
 * Unicode (IDNA2008), localpart by PRECIS UsernameCaseMapped, resource by
 * OpaqueString, each part 1 to 1023 bytes. Prepared JIDs are compared with
 * strcmp. What a server sends is canonical as it stands (contract.md s. 4).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <glib.h>

#define JID_ERROR jid_error_quark()
GQuark jid_error_quark(void);
enum jid_error { JID_ERROR_MALFORMED };

/* What a person typed: a JID or an xmpp: URI (RFC 5122; the query is cut off).
 * Returns a new prepared JID, or NULL and a sentence that names the part. */
char *jid_prepare(const char *text, GError **error);

/* From the network: is the shape right (parts, lengths, UTF-8, no control
 * characters, no forbidden ASCII in the localpart)? Nothing is mapped. */
bool jid_is_valid(const char *jid);

bool jid_is_bare(const char *jid);
char *jid_bare(const char *jid);            /* new string */
size_t jid_bare_len(const char *jid);       /* bytes before the first '/' */
const char *jid_resource(const char *jid);  /* inside jid; NULL when bare */
char *jid_local(const char *jid);           /* new string; NULL when none */
const char *jid_domain_start(const char *jid);
char *jid_domain(const char *jid);          /* new string */
char *jid_new(const char *local, const char *domain, const char *resource);

/* Same bare part. NULL equals nothing. */
bool jid_bare_equal(const char *a, const char *b);

/* Equal bytes, or equal after preparation of both (H26: a server may write
 * our own address in another spelling). */
bool jid_equal_prepared(const char *a, const char *b);

/* Domain in A-label form for DNS, SNI and certificates; NULL when the domain
 * is not a valid IDNA2008 name. IP literals come back unchanged. New string. */
char *jid_domain_ascii(const char *domain);

/* PRECIS OpaqueString (RFC 8265 s. 4.2) for resources and passwords. */
char *precis_opaque(const char *text, GError **error);
/* PRECIS UsernameCaseMapped (RFC 8265 s. 3.3). */
char *precis_username(const char *text, GError **error);

/* Why this JID could be mistaken for another (H54): mixed scripts, a skeleton
 * like one of others (NULL-terminated, may be NULL), an A-label that stayed.
 * Returns a new sentence, or NULL when nothing is odd. */
char *jid_lookalike(const char *jid, const char *const *others);

/* xmpp: URI parts: query type ("message", "join", "roster" …) and its key =
 * value pairs, percent-decoded. Returns false when text is no xmpp: URI.
 * Never acted upon without a key press (H47). */
bool jid_uri_parse(const char *text, char **jid, char **query, GHashTable **params);
