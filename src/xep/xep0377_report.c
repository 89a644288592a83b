/* A report to the operators of our server goes with a block (XEP-0377): who
 * reports somebody hears nothing more from them. */
#include <string.h>
#include "xep/ask.h"
#include "xep/xep.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0191_blocking.h"

#define NS_REPORTING "urn:xmpp:reporting:1"
#define MAX_TEXT_BYTES 4096

static enum cmd_status run(struct job *job)
{
    struct account *account = job_account(job);
    const char *text = job_arg(job, "text");
    if (disco_server_has(account, NS_REPORTING) == DISCO_NO)
        return job_fail(job, "feature-not-implemented",
            "Your server takes no reports. /block %s keeps them away.",
            job_arg(job, "jid"));
    if (text && strlen(text) > MAX_TEXT_BYTES)
        return job_fail(job, "not-acceptable",
            "The explanation is too long; say it in fewer words.");
    g_autofree char *reason =
        g_strconcat("urn:xmpp:reporting:", job_arg(job, "reason"), NULL);
    xmpp_stanza_t *block;
    xmpp_stanza_t *iq = iq_new("set", NULL, "block", NS_BLOCKING, &block);
    xmpp_stanza_t *item = stanza_add(
        block, "item", NS_BLOCKING, "jid", job_arg(job, "jid"), NULL);
    xmpp_stanza_t *report =
        stanza_add(item, "report", NS_REPORTING, "reason", reason, NULL);
    if (text)
        stanza_set_text(stanza_add(report, "text", NS_REPORTING, NULL), text);
    return ask_send(job, iq, ask_reply_done);
}

static const char *const examples[] = {
    "/report spammer@spam.example spam",
    "Block and report as spam.",
    "/report tybalt@example.net abuse He threatens my family.",
    "The same with an explanation for the operators.",
    NULL,
};
static const struct command commands[] = {
    { .name = "report",
        .needs = NEEDS_ONLINE,
        .run = run,
        .args = { { .name = "jid", .kind = &arg_jid },
            { .name = "reason", .kind = &arg_choice, .choices = "spam abuse" },
            { .name = "text",
                .kind = &arg_text,
                .flags = ARG_OPTIONAL | ARG_REST,
                .summary = "an explanation for the operators" } },
        .words = "spam abuse complain harassment",
        .summary = "Block somebody and report them to the server",
        .detail = "The operators of your server get the address, the reason "
                  "and your words (XEP-0377); nothing of your conversation "
                  "is sent. Where the server takes no reports, the command "
                  "fails and nobody is blocked.",
        .examples = examples },
    { .name = NULL },
};

const struct feature xep0377 = {
    .spec = "XEP-0377",
    .name = "Blocking Command Reports",
    .version = "0.4.1",
    .since = "0.1.0",
    .commands = commands,
};
