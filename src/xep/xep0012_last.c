/* How long somebody has been idle or away. Our own idle time is a monotonic
 * stamp that the front end and our own messages renew. */
#include "xep/xep0012_last.h"

#include <string.h>
#include "base/stamp.h"
#include "xep/ask.h"
#include "xep/privacy.h"
#include "xep/xep.h"

#define NS_LAST "jabber:iq:last"
#define MAX_SECONDS (100LL * 366 * 24 * 3600)

struct last_state {
    gint64 active_us; /* monotonic */
};

static struct last_state *state_of(const struct account *account)
{
    return feature_state(account, &xep0012);
}

void last_activity_touch(struct account *account)
{
    struct last_state *state = state_of(account);
    if (state)
        state->active_us = g_get_monotonic_time();
}

static void attach(struct account *account)
{
    last_activity_touch(account);
}

/* Receipts and the like go out by themselves. */
static void on_sent(struct outgoing *outgoing)
{
    if (outgoing->message)
        last_activity_touch(outgoing->account);
}

static void on_get(struct iq_request *request)
{
    if (privacy_refuse(request, "privacy.last_activity"))
        return;
    gint64 idle_us =
        g_get_monotonic_time() - state_of(request->account)->active_us;
    g_autofree char *seconds =
        g_strdup_printf("%" G_GINT64_FORMAT, idle_us / G_USEC_PER_SEC);
    iq_result(request, stanza_new("query", NS_LAST, "seconds", seconds, NULL));
}

static void show(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)elapsed_us;
    if (more)
        return;
    xmpp_stanza_t *query = stanza_child(result, "query", NS_LAST);
    const char *text = stanza_attr(query, "seconds");
    g_autofree char *status = stanza_text(query);
    guint64 seconds;
    if (!text ||
        !g_ascii_string_to_unsigned(text, 10, 0, MAX_SECONDS, &seconds, NULL)) {
        job_fail(job, "bad-request",
            "%s answered with something that is no number of seconds.", jid);
        return;
    }
    JOB_ROW(job, "last", FIELD_T("jid", jid),
        FIELD_I("seconds", (gint64)seconds),
        FIELD_D("since", stamp_now() - (gint64)seconds * G_USEC_PER_SEC),
        FIELD_T("status", *status ? status : NULL));
    job_done(job);
}

static enum cmd_status run(struct job *job)
{
    return ask_get(job, false, "query", NS_LAST, show);
}

static const char *const examples[] = {
    "/lastactivity romeo@example.net",
    "Since when Romeo is away or offline.",
    "/lastactivity example.net",
    "How long the server has been up.",
    NULL,
};
static const struct command commands[] = {
    { .name = "lastactivity",
        .needs = NEEDS_ONLINE,
        .run = run,
        .args = { ASK_TARGET_ARG },
        .words = "last seen idle when online",
        .summary = "Ask since when somebody is idle or offline",
        .detail = "For the bare address of a contact who is offline, their "
                  "server says when they left and with which status; a full "
                  "address is asked how long its person has been idle; a "
                  "server tells how long it has been running (XEP-0012).",
        .examples = examples,
        .fields = "last: jid seconds since status?" },
    { .name = NULL },
};
static const struct option options[] = {
    { .name = "privacy.last_activity",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "tell friends how long the keyboard has been idle" },
    { .name = NULL },
};
static const struct outgoing_hook outgoing_hooks[] = {
    { "message", on_sent },
    { .run = NULL },
};
static const struct iq_hook iq_hooks[] = {
    { "get", "query", NS_LAST, on_get },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_LAST, NULL };

const struct feature xep0012 = {
    .spec = "XEP-0012",
    .name = "Last Activity",
    .version = "2.0",
    .since = "0.1.0",
    .namespaces = namespaces,
    .announced_if = "privacy.last_activity",
    .outgoing = outgoing_hooks,
    .iq = iq_hooks,
    .commands = commands,
    .options = options,
    .state_size = sizeof(struct last_state),
    .attach = attach,
};
