/* Which program is this? Answered to friends only (C63); the operating system
 * is named only when the person wants that. */
#include <sys/utsname.h>
#include "config.h"
#include "xep/ask.h"
#include "xep/privacy.h"
#include "xep/xep.h"

#define NS_VERSION "jabber:iq:version"

static void add_text(xmpp_stanza_t *query, const char *name, const char *text)
{
    stanza_set_text(stanza_add(query, name, NS_VERSION, NULL), text);
}

static void on_get(struct iq_request *request)
{
    if (privacy_refuse(request, "privacy.version"))
        return;
    xmpp_stanza_t *query = stanza_new("query", NS_VERSION, NULL);
    add_text(query, "name", "txmpp");
    add_text(query, "version", PACKAGE_VERSION);
    struct utsname system;
    if (privacy_allows(request->account, "privacy.os") && uname(&system) == 0)
        add_text(query, "os", system.sysname);
    iq_result(request, query);
}

static void show(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)elapsed_us;
    if (more)
        return;
    xmpp_stanza_t *query = stanza_child(result, "query", NS_VERSION);
    g_autofree char *name = stanza_child_text(query, "name", NS_VERSION);
    g_autofree char *version = stanza_child_text(query, "version", NS_VERSION);
    g_autofree char *os = stanza_child_text(query, "os", NS_VERSION);
    JOB_ROW(job, "software", FIELD_T("jid", jid),
        FIELD_T("name", name ? name : ""),
        FIELD_T("version", version ? version : ""), FIELD_T("os", os));
    job_done(job);
}

static enum cmd_status run(struct job *job)
{
    return ask_get(job, true, "query", NS_VERSION, show);
}

static const char *const examples[] = {
    "/software romeo@example.net",
    "Which client Romeo uses.",
    "/version example.net",
    "Which server runs there.",
    NULL,
};
static const struct command commands[] = {
    { .name = "software",
        .aliases = "version",
        .needs = NEEDS_ONLINE,
        .run = run,
        .args = { ASK_TARGET_ARG },
        .words = "version client program",
        .summary = "Ask which program somebody uses",
        .detail = "Asks a client or a server for its name and version "
                  "(XEP-0092). For a contact's bare address the best "
                  "resource is asked. Many clients answer friends only; "
                  "ours does, see the option privacy.version.",
        .examples = examples,
        .fields = "software: jid name version os?" },
    { .name = NULL },
};
static const struct option options[] = {
    { .name = "privacy.version",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "tell friends which version of txmpp this is",
        .detail = "Friends are contacts who may see our presence, our own "
                  "server and our other clients. Others get no answer "
                  "(XEP-0092)." },
    { .name = "privacy.os",
        .kind = OPTION_BOOL,
        .fallback = "off",
        .summary = "tell friends the operating system with the version" },
    { .name = NULL },
};
static const struct iq_hook iq_hooks[] = {
    { "get", "query", NS_VERSION, on_get },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_VERSION, NULL };

const struct feature xep0092 = {
    .spec = "XEP-0092",
    .name = "Software Version",
    .version = "1.1",
    .since = "0.1.0",
    .namespaces = namespaces,
    .announced_if = "privacy.version",
    .iq = iq_hooks,
    .commands = commands,
    .options = options,
};
