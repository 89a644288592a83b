/* Reading walks over what the guard let pass; writing is one string, because
 * the parts that are secret are wiped with it. */
#include "net/sasl2.h"
#include <string.h>
#include "base/secret.h"
#include "base/text.h"
#include "net/link.h"

#define OFFERS_MAX 64
#define NAME_BYTES 64

bool element_is(xmpp_stanza_t *s, const char *name, const char *ns)
{
    return g_strcmp0(xmpp_stanza_get_name(s), name) == 0 &&
           g_strcmp0(xmpp_stanza_get_ns(s), ns) == 0;
}

xmpp_stanza_t *element_child(xmpp_stanza_t *s, const char *name, const char *ns)
{
    s = s ? xmpp_stanza_get_children(s) : NULL;
    for (; s; s = xmpp_stanza_get_next(s)) {
        if (element_is(s, name, ns))
            return s;
    }
    return NULL;
}

xmpp_stanza_t *element_condition(xmpp_stanza_t *s, const char *ns)
{
    for (s = xmpp_stanza_get_children(s); s; s = xmpp_stanza_get_next(s)) {
        const char *name = xmpp_stanza_get_name(s);
        if (name && g_strcmp0(xmpp_stanza_get_ns(s), ns) == 0 &&
            strcmp(name, "text") != 0)
            return s;
    }
    return NULL;
}

char *element_text(xmpp_stanza_t *s)
{
    char *text = s ? xmpp_stanza_get_text(s) : NULL;
    char *copy = g_strdup(text);
    if (text)
        xmpp_free(xmpp_stanza_get_context(s), text);
    return copy;
}

GStrv element_names(
    xmpp_stanza_t *parent, const char *name, const char *attribute)
{
    const char *ns = parent ? xmpp_stanza_get_ns(parent) : NULL;
    xmpp_stanza_t *s = parent ? xmpp_stanza_get_children(parent) : NULL;
    GPtrArray *names = g_ptr_array_new();

    for (; s && names->len < OFFERS_MAX; s = xmpp_stanza_get_next(s)) {
        if (!element_is(s, name, ns))
            continue;
        char *value = attribute
                          ? g_strdup(xmpp_stanza_get_attribute(s, attribute))
                          : element_text(s);
        if (value && *value && strlen(value) <= NAME_BYTES)
            g_ptr_array_add(names, g_strstrip(value));
        else
            g_free(value);
    }
    g_ptr_array_add(names, NULL);
    return (GStrv)g_ptr_array_free(names, FALSE);
}

/* ---- what is offered ---- */

static xmpp_stanza_t *inline_of(xmpp_stanza_t *authentication)
{
    return element_child(authentication, "inline", NS_SASL2);
}

GStrv sasl2_mechanisms(xmpp_stanza_t *authentication)
{
    return element_names(authentication, "mechanism", NULL);
}

GStrv sasl2_token_mechanisms(xmpp_stanza_t *authentication)
{
    xmpp_stanza_t *fast =
        element_child(inline_of(authentication), "fast", NS_FAST);
    return fast ? element_names(fast, "mechanism", NULL) : NULL;
}

bool sasl2_offers_resumption(xmpp_stanza_t *authentication)
{
    return element_child(inline_of(authentication), "sm", NS_SM) != NULL;
}

xmpp_stanza_t *sasl2_bind_offer(xmpp_stanza_t *authentication)
{
    return element_child(inline_of(authentication), "bind", NS_BIND2);
}

bool sasl2_bind_offers(xmpp_stanza_t *bind_offer, const char *feature)
{
    xmpp_stanza_t *list = element_child(bind_offer, "inline", NS_BIND2);
    g_auto(GStrv) names = element_names(list, "feature", "var");
    return g_strv_contains((const char *const *)names, feature);
}

/* ---- what is asked for ---- */

xmpp_stanza_t *sasl2_bind_new(const char *tag)
{
    xmpp_ctx_t *context = link_context();
    xmpp_stanza_t *bind = xmpp_stanza_new(context);
    xmpp_stanza_set_name(bind, "bind");
    xmpp_stanza_set_ns(bind, NS_BIND2);
    if (!tag)
        return bind;
    xmpp_stanza_t *child = xmpp_stanza_new(context);
    xmpp_stanza_t *text = xmpp_stanza_new(context);
    xmpp_stanza_set_name(child, "tag");
    xmpp_stanza_set_text(text, tag);
    xmpp_stanza_add_child_ex(child, text, 0);
    xmpp_stanza_add_child_ex(bind, child, 0);
    return bind;
}

static void append_stanza(GString *out, xmpp_stanza_t *stanza)
{
    char *text = NULL;
    size_t len = 0;
    if (!stanza || xmpp_stanza_to_text(stanza, &text, &len) != XMPP_EOK)
        return;
    g_string_append_len(out, text, (gssize)len);
    xmpp_free(xmpp_stanza_get_context(stanza), text);
}

static void append_user_agent(GString *out, const struct sasl2_request *request)
{
    g_autofree char *id =
        request->user_agent
            ? g_markup_printf_escaped(" id='%s'", request->user_agent)
            : g_strdup("");
    g_autofree char *software =
        request->software ? g_markup_printf_escaped(
                                "<software>%s</software>", request->software)
                          : g_strdup("");
    if (*id || *software)
        g_string_append_printf(
            out, "<user-agent%s>%s</user-agent>", id, software);
}

static void append_fast(GString *out, const struct sasl2_request *request)
{
    if (request->wanted_token)
        g_string_append_printf(out,
            "<request-token xmlns='" NS_FAST "' mechanism='%s'/>",
            request->wanted_token);
    if (!request->token)
        return;
    g_string_append(out, "<fast xmlns='" NS_FAST "'");
    if (request->count > 0)
        g_string_append_printf(
            out, " count='%" G_GINT64_FORMAT "'", request->count);
    g_string_append(out, request->invalidate ? " invalidate='true'/>" : "/>");
}

/* Names of mechanisms are ours, initial is base64: nothing to be escaped. */
char *sasl2_authenticate(const struct sasl2_request *request)
{
    GString *out = g_string_sized_new(4096 + strlen(request->initial));
    g_string_append_printf(out,
        "<authenticate xmlns='" NS_SASL2 "' mechanism='%s'>"
        "<initial-response>%s</initial-response>",
        request->mechanism, request->initial);
    append_user_agent(out, request);
    append_stanza(out, request->resume);
    append_stanza(out, request->bind);
    append_fast(out, request);
    g_string_append(out, "</authenticate>");
    return g_string_free(out, FALSE);
}

/* ---- answers ---- */

const char *sasl2_failure(xmpp_stanza_t *failure, char **text)
{
    xmpp_stanza_t *condition = element_condition(failure, XMPP_NS_SASL);
    const char *ns = xmpp_stanza_get_ns(failure);

    *text = element_text(element_child(failure, "text", ns));
    return condition ? xmpp_stanza_get_name(condition) : "not-authorized";
}

char *sasl2_tasks(xmpp_stanza_t *stanza)
{
    xmpp_stanza_t *tasks = element_child(stanza, "tasks", NS_SASL2);
    g_auto(GStrv) names = element_names(tasks, "task", NULL);
    g_autofree char *all = g_strjoinv(", ", names);
    g_autofree char *clean = text_clean(all, -1, TEXT_ONE_LINE);
    return *clean ? text_ellipsize(clean, 60, false) : g_strdup("?");
}
