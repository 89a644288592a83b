/* Local time of others, and ours for friends (it tells where one is: C63). */
#include <string.h>
#include "base/stamp.h"
#include "xep/ask.h"
#include "xep/privacy.h"
#include "xep/xep.h"

#define NS_TIME "urn:xmpp:time"

/* XEP-0082 s. 3.3: "Z" or the offset with its sign. */
static char *local_tzo(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    return g_date_time_get_utc_offset(now) ? g_date_time_format(now, "%:z")
                                           : g_strdup("Z");
}

static void on_get(struct iq_request *request)
{
    if (privacy_refuse(request, "privacy.time"))
        return;
    g_autofree char *tzo = local_tzo();
    g_autofree char *utc = stamp_format(stamp_now());
    xmpp_stanza_t *payload = stanza_new("time", NS_TIME, NULL);
    stanza_set_text(stanza_add(payload, "tzo", NS_TIME, NULL), tzo);
    stanza_set_text(stanza_add(payload, "utc", NS_TIME, NULL), utc);
    iq_result(request, payload);
}

/* Strict, since g_time_zone_new_identifier would open files by name. */
static bool tzo_parse(const char *text, gint32 *out_s)
{
    if (g_str_equal(text, "Z")) {
        *out_s = 0;
        return true;
    }
    if (strlen(text) != 6 || !strchr("+-", text[0]) || text[3] != ':' ||
        strspn(text + 1, "0123456789") != 2 ||
        strspn(text + 4, "0123456789") != 2)
        return false;
    int hours =
        g_ascii_digit_value(text[1]) * 10 + g_ascii_digit_value(text[2]);
    int minutes =
        g_ascii_digit_value(text[4]) * 10 + g_ascii_digit_value(text[5]);
    if (hours > 14 || minutes > 59)
        return false;
    *out_s = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return true;
}

static void show(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)elapsed_us;
    if (more)
        return;
    xmpp_stanza_t *payload = stanza_child(result, "time", NS_TIME);
    g_autofree char *tzo = stanza_child_text(payload, "tzo", NS_TIME);
    g_autofree char *utc = stanza_child_text(payload, "utc", NS_TIME);
    gint64 time_us;
    gint32 offset_s;
    if (!tzo || !utc || !stamp_parse(utc, &time_us) ||
        !tzo_parse(tzo, &offset_s)) {
        job_fail(job, "bad-request",
            "%s answered with something that is not a time.", jid);
        return;
    }
    g_autoptr(GTimeZone) zone = g_time_zone_new_offset(offset_s);
    g_autoptr(GDateTime) utc_time =
        g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
    g_autoptr(GDateTime) local = g_date_time_to_timezone(utc_time, zone);
    if (!local) { /* behind the last day that can be named */
        job_fail(job, "bad-request",
            "%s answered with something that is not a time.", jid);
        return;
    }
    g_autofree char *shown = g_date_time_format(local, "%Y-%m-%d %H:%M:%S");
    JOB_ROW(job, "time", FIELD_T("jid", jid), FIELD_T("local", shown),
        FIELD_T("tzo", tzo), FIELD_D("utc", time_us));
    job_done(job);
}

static enum cmd_status run(struct job *job)
{
    return ask_get(job, true, "time", NS_TIME, show);
}

static const char *const examples[] = {
    "/time romeo@example.net",
    "What time it is where Romeo is.",
    NULL,
};
static const struct command commands[] = {
    { .name = "time",
        .needs = NEEDS_ONLINE,
        .run = run,
        .args = { ASK_TARGET_ARG },
        .words = "clock zone local",
        .summary = "Ask what time it is where somebody is",
        .detail = "Asks a client or a server for its clock and time zone "
                  "(XEP-0202). For a contact's bare address the best "
                  "resource is asked.",
        .examples = examples,
        .fields = "time: jid local tzo utc" },
    { .name = NULL },
};
static const struct option options[] = {
    { .name = "privacy.time",
        .kind = OPTION_BOOL,
        .fallback = "on",
        .summary = "tell friends our local time and time zone" },
    { .name = NULL },
};
static const struct iq_hook iq_hooks[] = {
    { "get", "time", NS_TIME, on_get },
    { .run = NULL },
};
static const char *const namespaces[] = { NS_TIME, NULL };

const struct feature xep0202 = {
    .spec = "XEP-0202",
    .name = "Entity Time",
    .version = "2.0",
    .since = "0.1.0",
    .namespaces = namespaces,
    .announced_if = "privacy.time",
    .iq = iq_hooks,
    .commands = commands,
    .options = options,
};
