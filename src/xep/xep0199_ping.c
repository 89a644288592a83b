/* Pings in both directions. That the connection is alive is watched by
 * net/stream; this is for people and for those who ask us. */
#include "model/jid.h"
#include "xep/ask.h"
#include "xep/xep.h"

#define NS_PING "urn:xmpp:ping"

static void on_ping(struct iq_request *request)
{
    iq_result(request, NULL);
}

static void show(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)result;
    if (more)
        return;
    JOB_ROW(job, "ping", FIELD_T("jid", jid),
        FIELD_I("ms", (elapsed_us + 500) / 1000));
    job_done(job);
}

static enum cmd_status run(struct job *job)
{
    const char *given = job_arg(job, "jid");
    g_autofree char *jid =
        given ? g_strdup(given) : jid_domain(job_account(job)->jid);
    return ask_send(job, iq_new("get", jid, "ping", NS_PING, NULL), show);
}

static const char *const examples[] = {
    "/ping",
    "How long our own server takes to answer.",
    "/ping romeo@example.net/orchard",
    "The same for Romeo's client.",
    NULL,
};
static const struct command commands[] = {
    { .name = "ping",
        .needs = NEEDS_ONLINE,
        .run = run,
        .args = { { .name = "jid",
            .kind = &arg_jid,
            .flags = ARG_OPTIONAL,
            .summary = "whom; our own server without it" } },
        .words = "latency lag alive roundtrip",
        .summary = "Measure how long somebody takes to answer",
        .detail = "Sends a ping (XEP-0199) and tells after how many "
                  "milliseconds the answer came. A bare address is answered "
                  "by its server, not by the person's client.",
        .examples = examples,
        .fields = "ping: jid ms" },
    { .name = NULL },
};
static const struct iq_hook iq_hooks[] = {
    { "get", "ping", NS_PING, on_ping },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_PING, NULL };

const struct feature xep0199 = {
    .spec = "XEP-0199",
    .name = "XMPP Ping",
    .version = "2.0.1",
    .since = "0.1.0",
    .namespaces = namespaces,
    .iq = iq_hooks,
    .commands = commands,
};
