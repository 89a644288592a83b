/* Forms and registration queries from strangers: read, filled, sent back. */
#include <stdint.h>
#include <string.h>
#include <glib.h>
#include "xep/xep0030_disco.h"
#include "xep/xep0077_form.h"
#include "xep/xep0115_caps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct form *form)
{
    for (guint i = 0; i < form->fields->len; i++) {
        const struct form_field *field = form->fields->pdata[i];
        g_assert_nonnull(form_field_label(field));
        if (!field->var)
            continue;
        form_set_text(form, field->var, "1", NULL);
        form_set_text(form, field->var, "a@b, c\nd", NULL);
    }
    form_check(form, NULL, NULL);
    g_autoptr(xmpp_stanza_t) out = form_submit(form);
    auto_struct(form) again = form_read(out, NULL);
    g_assert_nonnull(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *xml = g_strndup((const char *)data, size);
    g_autoptr(xmpp_stanza_t) stanza = stanza_parse(xml);
    if (!stanza)
        return 0;
    auto_struct(form) form = form_read(stanza, NULL);
    if (form)
        use(form);
    bool plain;
    auto_struct(form) query = register_form_read(stanza, &plain);
    use(query);
    g_free(register_form_missing(query));
    xmpp_stanza_release(register_form_write(query, plain));
    auto_struct(disco_info) info = disco_info_read(stanza);
    g_autofree char *ver = caps_hash(info, "sha-1");
    g_assert_nonnull(ver);
    return 0;
}
