/*
 * The list of features as other programs read it (txmpp.doap, XEP-0453) and as
 * people do (the manual). What is implemented without being a feature of a
 * session (the transport, the formats, the screen) stands in a table here.
 */
#include "features_doap.h"

#include <glib.h>
#include <string.h>
#include "cmd/help.h"
#include "config.h"
#include "xmpp/feature.h"

struct row {
    const char *spec, *name, *version, *since, *status, *note;
};

/* version NULL: not said. */
static const struct row elsewhere[] = {
    { "RFC 6120", "XMPP Core", NULL, NULL, NULL, NULL },
    { "RFC 6121", "XMPP Instant Messaging and Presence", NULL, NULL, NULL,
        NULL },
    { "RFC 7590", "Use of TLS in XMPP", NULL, NULL, NULL, NULL },
    { "RFC 7622", "XMPP Address Format", NULL, NULL, NULL, NULL },
    { "XEP-0082", "XMPP Date and Time Profiles", "1.1.1", "0.1.0", NULL, NULL },
    { "XEP-0086", "Error Condition Mappings", "1.0", "0.1.0", NULL,
        "Read, never sent." },
    { "XEP-0175", "Best Practices for Use of SASL ANONYMOUS", "1.2", "0.1.0",
        NULL, NULL },
    { "XEP-0178", "Best Practices for Use of SASL EXTERNAL", "1.2", "0.1.0",
        NULL, NULL },
    { "XEP-0201", "Best Practices for Message Threads", "1.0", "0.1.0",
        "partial", "Threads are kept in replies, not shown as threads." },
    { "XEP-0237", "Roster Versioning", "1.3", "0.1.0", NULL, NULL },
    { "XEP-0368", "SRV records for XMPP over TLS", "1.1.0", "0.1.0", NULL,
        NULL },
    { "XEP-0392", "Consistent Color Generation", "1.0.0", "0.1.0", NULL, NULL },
    { "XEP-0440", "SASL Channel-Binding Type Capability", NULL, "0.1.0", NULL,
        NULL },
    { "XEP-0474", "SASL SCRAM Downgrade Protection", NULL, "0.1.0", NULL,
        NULL },
    { "XEP-0478", "Stream Limits Advertisement", NULL, "0.1.0", NULL, NULL },
    { "XEP-0495", "Happy Eyeballs", NULL, "0.1.0", NULL, NULL },
};

static gint compare_rows(gconstpointer a, gconstpointer b)
{
    return strcmp(((const struct row *)a)->spec, ((const struct row *)b)->spec);
}

static bool has_row(const GArray *rows, const char *spec)
{
    for (guint i = 0; i < rows->len; i++)
        if (g_str_equal(g_array_index(rows, struct row, i).spec, spec))
            return true;
    return false;
}

/* Sorted, RFCs first; a document that several features share stands once. */
static GArray *collect(void)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct row));
    g_array_append_vals(rows, elsewhere, G_N_ELEMENTS(elsewhere));
    for (const struct feature *const *f = features; *f; f++) {
        const struct row row = { (*f)->spec, (*f)->name, (*f)->version,
            (*f)->since, (*f)->status, (*f)->note };
        if (row.spec && !has_row(rows, row.spec))
            g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare_rows);
    return rows;
}

static bool is_xep(const struct row *row)
{
    return g_str_has_prefix(row->spec, "XEP-");
}

static void add_element(GString *out, const char *name, const char *text)
{
    if (!text)
        return;
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    g_string_append_printf(
        out, "        <xmpp:%s>%s</xmpp:%s>\n", name, escaped, name);
}

static void add_xep(GString *out, const struct row *row)
{
    g_string_append_printf(out,
        "    <!-- %s: %s -->\n"
        "    <implements>\n"
        "      <xmpp:SupportedXep>\n"
        "        <xmpp:xep rdf:resource='https://xmpp.org/extensions/"
        "xep-%s.html'/>\n",
        row->spec, row->name, row->spec + strlen("XEP-"));
    add_element(out, "status", row->status ? row->status : "complete");
    add_element(out, "version", row->version);
    add_element(out, "since", row->since);
    if (row->note) {
        g_autofree char *note = g_markup_escape_text(row->note, -1);
        g_string_append_printf(
            out, "        <xmpp:note xml:lang='en'>%s</xmpp:note>\n", note);
    }
    g_string_append(out, "      </xmpp:SupportedXep>\n"
                         "    </implements>\n");
}

static void add_rfc(GString *out, const struct row *row)
{
    g_string_append_printf(out,
        "    <implements rdf:resource='https://www.rfc-editor.org/info/rfc%s'"
        "/>\n",
        row->spec + strlen("RFC "));
}

char *features_doap(void)
{
    g_autoptr(GArray) rows = collect();
    GString *out = g_string_new(
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<!-- Made from src/features.c by \"make man\". -->\n"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'\n"
        "         xmlns='http://usefulinc.com/ns/doap#'\n"
        "         xmlns:xmpp='https://linkmauve.fr/ns/xmpp-doap#'>\n"
        "  <Project>\n"
        "    <name>txmpp</name>\n"
        "    <shortdesc xml:lang='en'>XMPP in the terminal</shortdesc>\n"
        "    <description xml:lang='en'>An instant-messaging client for XMPP "
        "with a full-screen terminal interface and a command mode for "
        "scripts.</description>\n"
        "    <homepage rdf:resource='" PACKAGE_URL "'/>\n"
        "    <license rdf:resource='https://spdx.org/licenses/"
        "GPL-3.0-or-later'/>\n"
        "    <programming-language>C</programming-language>\n"
        "    <os>Linux</os>\n"
        "    <category rdf:resource='https://linkmauve.fr/ns/"
        "xmpp-doap#category-client'/>\n");
    for (guint i = 0; i < rows->len; i++) {
        const struct row *row = &g_array_index(rows, struct row, i);
        if (is_xep(row))
            add_xep(out, row);
        else
            add_rfc(out, row);
    }
    g_string_append(out, "  </Project>\n</rdf:RDF>\n");
    return g_string_free(out, FALSE);
}

char *features_mdoc(void)
{
    g_autoptr(GArray) rows = collect();
    GString *out = g_string_new(".Bl -tag -width XEP-0000\n");
    for (guint i = 0; i < rows->len; i++) {
        const struct row *row = &g_array_index(rows, struct row, i);
        g_string_append_printf(out, ".It %s\n", row->spec);
        mdoc_escape(out, row->name);
        if (row->version)
            g_string_append_printf(out, " (version %s)", row->version);
        g_string_append(out, row->note ? ".\n" : "\n");
        if (row->note)
            mdoc_text(out, row->note);
    }
    g_string_append(out, ".El\n");
    return g_string_free(out, FALSE);
}
