/* Any bytes as an address: prepared ones are valid, stable and have a domain
 * for DNS; looking at parts never fails. */
#include <stdint.h>
#include <string.h>
#include "model/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autofree char *jid = jid_prepare(text, &error);
    g_assert((jid != NULL) != (error != NULL));
    if (jid) {
        g_assert(jid_is_valid(jid));
        g_autofree char *again = jid_prepare(jid, NULL);
        g_assert_cmpstr(again, ==, jid);
        g_assert(jid_equal_prepared(jid, jid));
        g_autofree char *domain = jid_domain(jid);
        g_autofree char *ascii = jid_domain_ascii(domain);
        g_assert(ascii && g_str_is_ascii(ascii));
        g_autofree char *local = jid_local(jid);
        g_autofree char *whole = jid_new(local, domain, jid_resource(jid));
        g_assert_cmpstr(whole, ==, jid);
    }
    g_autofree char *bare = jid_bare(text);
    g_free(jid_domain_ascii(text));
    const char *const others[] = { "bob@b.tld", bare, NULL };
    g_free(jid_lookalike(text, others));
    char *uri_jid, *query;
    GHashTable *params;
    if (jid_uri_parse(text, &uri_jid, &query, &params)) {
        g_assert(jid_is_valid(uri_jid));
        g_free(uri_jid);
        g_free(query);
        g_hash_table_unref(params);
    }
    jid_is_valid(text);
    return 0;
}
