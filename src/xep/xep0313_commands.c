/* /mam: what the archive keeps (XEP-0441), and what we take of it. */
#include <string.h>
#include "base/stamp.h"
#include "cmd/job.h"
#include "model/jid.h"
#include "store/history.h"
#include "xep/ask.h"
#include "xep/xep.h"
#include "xep/xep0297_forward.h"
#include "xep/xep0313_mam.h"
#include "xmpp/iq.h"
#include "xmpp/rfc6120_session.h"

#define VERIFY_DAYS 7
#define PAGE_MAX 250
#define PAGES_MAX 4000

static enum cmd_status no_archive(struct job *job)
{
    return job_fail(job, "feature-not-implemented",
        "The server of %s keeps no archive (XEP-0313).",
        job_account(job)->jid);
}

/* ---- prefs ------------------------------------------------------------- */

static void show_list(struct job *job, xmpp_stanza_t *prefs, const char *name)
{
    xmpp_stanza_t *list = stanza_child(prefs, name, NS_MAM);
    xmpp_stanza_t *jid = stanza_child(list, "jid", NS_MAM);
    for (; jid; jid = stanza_next(jid, "jid", NS_MAM)) {
        g_autofree char *text = stanza_text(jid);
        JOB_ROW(job, "prefs", FIELD_T("jid", text), FIELD_T("keep", name));
    }
}

static void show_prefs(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    xmpp_stanza_t *prefs = stanza_child(result, "prefs", NS_MAM);
    (void)jid;
    (void)elapsed_us;
    if (prefs) {
        JOB_ROW(job, "prefs", FIELD_T("jid", "(default)"),
            FIELD_T("keep", stanza_attr(prefs, "default")));
        show_list(job, prefs, "always");
        show_list(job, prefs, "never");
    }
    if (!more)
        job_done(job);
}

static void copy_list(xmpp_stanza_t *to, xmpp_stanza_t *prefs, const char *name,
    const char *without, const char *with)
{
    xmpp_stanza_t *list = stanza_add(to, name, NS_MAM, NULL);
    xmpp_stanza_t *jid =
        stanza_child(stanza_child(prefs, name, NS_MAM), "jid", NS_MAM);
    for (; jid; jid = stanza_next(jid, "jid", NS_MAM)) {
        g_autofree char *text = stanza_text(jid);
        if (!without || !jid_equal_prepared(text, without))
            stanza_set_text(stanza_add(list, "jid", NS_MAM, NULL), text);
    }
    if (with)
        stanza_set_text(stanza_add(list, "jid", NS_MAM, NULL), with);
}

/* The lists are set as a whole, so what is there is read first. */
static void change_prefs(struct job *job, const char *jid,
    xmpp_stanza_t *result, bool more, gint64 elapsed_us)
{
    xmpp_stanza_t *prefs = stanza_child(result, "prefs", NS_MAM), *set;
    const char *keep = job_arg(job, "keep"), *who = job_arg(job, "jid");
    (void)jid;
    (void)more;
    (void)elapsed_us;
    if (!prefs) { /* what is not known must not be written over */
        job_fail(job, "undefined-condition",
            "The server did not say what its archive keeps, so nothing was "
            "changed; try again later.");
        return;
    }
    const char *now = stanza_attr(prefs, "default");
    xmpp_stanza_t *iq = iq_new("set", NULL, "prefs", NS_MAM, &set);
    stanza_set(set, "default", who ? (now ? now : "always") : keep);
    bool always = strcmp(keep, "always") == 0, never = strcmp(keep, "never") == 0;
    copy_list(set, prefs, "always", who, who && always ? who : NULL);
    copy_list(set, prefs, "never", who, who && never ? who : NULL);
    ask_send(job, iq, show_prefs);
}

static enum cmd_status run_prefs(struct job *job)
{
    const char *keep = job_arg(job, "keep");
    if (!mam_of(job_account(job))->supported)
        return no_archive(job);
    return ask_send(job, iq_new("get", NULL, "prefs", NS_MAM, NULL),
        keep ? change_prefs : show_prefs);
}

/* ---- sync -------------------------------------------------------------- */

static void on_cancel(struct job *job, gpointer data)
{
    struct account *account = data;
    if (account->session)
        mam_forget(account, job);
}

static void on_synced(struct account *account, bool whole, gpointer data)
{
    struct job *job = data;
    job_on_cancel(job, NULL, NULL);
    JOB_ROW(job, "sync", FIELD_I("fetched", mam_of(account)->fetched),
        FIELD_B("whole", whole));
    job_done(job);
}

static enum cmd_status run_sync(struct job *job)
{
    struct account *account = job_account(job);
    job_on_cancel(job, on_cancel, account);
    if (mam_sync(account, on_synced, job))
        return CMD_WAIT;
    job_on_cancel(job, NULL, NULL);
    return no_archive(job);
}

/* ---- verify, before: pages of our own ---------------------------------- */

struct walk {
    struct account *account;
    struct job *job; /* NULL: given up */
    struct chat *chat;
    gint64 until_us;
    guint checked, added, pages;
};

static void walk_cancel(struct job *job, gpointer data)
{
    (void)job;
    ((struct walk *)data)->job = NULL;
}

static struct walk *walk_new(struct job *job)
{
    struct walk *walk = g_new0(struct walk, 1);
    walk->account = job_account(job);
    walk->job = job;
    job_on_cancel(job, walk_cancel, walk);
    return walk;
}

static void walk_end(struct walk *walk, const char *sentence)
{
    struct job *job = walk->job;
    if (job) {
        job_on_cancel(job, NULL, NULL);
        JOB_ROW(job, "archive", FIELD_I("checked", walk->checked),
            FIELD_I("added", walk->added));
        if (sentence)
            job_fail(job, "remote-server-not-found", "%s", sentence);
        else
            job_done(job);
    }
    g_free(walk);
}

static void verify_page(struct walk *walk, const char *after);

static void on_verified(struct mam_page *page)
{
    struct walk *walk = page->data;
    walk->checked += page->results;
    walk->added += page->fresh;
    if (page->condition || !walk->job)
        walk_end(walk, page->sentence);
    else if (page->complete || page->results == 0 ||
             g_strcmp0(page->last, page->after) == 0 ||
             ++walk->pages >= PAGES_MAX)
        walk_end(walk, NULL);
    else
        verify_page(walk, page->last);
}

static void verify_page(struct walk *walk, const char *after)
{
    struct mam_page *page = mam_page_new(walk->account);
    page->start = stamp_format(MAX(walk->until_us, 0));
    page->after = g_strdup(after);
    page->max = PAGE_MAX;
    page->quiet = true;
    page->floor = after ? history_find(walk->account->history,
                              walk->account->jid, after)
                        : 0;
    page->done = on_verified;
    page->data = walk;
    page->free_data = g_free;
    mam_page_ask(page);
}

static bool can_ask(struct job *job)
{
    const struct account *account = job_account(job);
    return account->history && mam_of(account)->supported;
}

static enum cmd_status run_verify(struct job *job)
{
    const char *since = job_arg(job, "since");
    if (!can_ask(job))
        return no_archive(job);
    struct walk *walk = walk_new(job);
    if (!since || !stamp_parse(since, &walk->until_us))
        walk->until_us =
            stamp_now() - (gint64)VERIFY_DAYS * 24 * 3600 * G_USEC_PER_SEC;
    verify_page(walk, NULL);
    return CMD_WAIT;
}

static bool before_page(struct walk *walk);

static void on_before(struct chat *chat, guint fetched, bool more,
    const char *error, gpointer data)
{
    struct walk *walk = data;
    g_autoptr(GPtrArray) oldest = history_page(
        chat->account->history, chat->jid, 0, 0, false, 1);
    gint64 reached = oldest->len > 0
                         ? ((const struct message *)oldest->pdata[0])->row
                         : 0;
    walk->checked += fetched;
    walk->added += fetched;
    if (error || !walk->job)
        walk_end(walk, error);
    else if (!more || (reached > 0 && reached <= walk->until_us) ||
             ++walk->pages >= PAGES_MAX || !before_page(walk))
        walk_end(walk, NULL);
}

static bool before_page(struct walk *walk)
{
    return mam_fetch_before(walk->chat, on_before, walk);
}

static enum cmd_status run_before(struct job *job)
{
    struct chat *chat = job_chat(job);
    const char *jid = job_arg(job, "chat");
    if (jid)
        chat = account_open_chat(job_account(job), jid, CHAT_CONTACT);
    if (!can_ask(job))
        return no_archive(job);
    if (!chat)
        return job_fail(job, "item-not-found",
            "No chat is open here: say in JID, or open one with /msg JID");
    struct walk *walk = walk_new(job);
    walk->chat = chat;
    stamp_parse(job_arg(job, "date"), &walk->until_us);
    if (!before_page(walk))
        walk_end(walk, NULL);
    return CMD_WAIT;
}

static const struct command mam_subs[] = {
    { .name = "prefs",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "keep",
                      .kind = &arg_choice,
                      .flags = ARG_OPTIONAL,
                      .choices = "always never roster" },
            { .name = "jid", .kind = &arg_bare_jid, .flags = ARG_OPTIONAL } },
        .summary = "What the server keeps: for everybody, or for one address",
        .detail = "Without arguments it is shown. For one address roster "
                  "takes the exception away.",
        .fields = "prefs: jid keep",
        .run = run_prefs },
    { .name = "sync",
        .needs = NEEDS_ONLINE,
        .summary = "Get what is new in the archive",
        .fields = "sync: fetched whole",
        .run = run_sync },
    { .name = "verify",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "since",
            .kind = &arg_date,
            .flags = ARG_OPTIONAL,
            .summary = "a week ago without it" } },
        .summary = "Compare the archive with what is here, get what is missing",
        .fields = "archive: checked added",
        .run = run_verify },
    { .name = "before",
        .needs = NEEDS_ONLINE,
        .args = { { .name = "date", .kind = &arg_date },
            { .name = "chat", .kind = &arg_chat, .option = "in --in" } },
        .summary = "Get the messages of a chat back to a date",
        .fields = "archive: checked added",
        .run = run_before },
    { .name = NULL },
};

static const char *const examples[] = { "/mam verify yesterday",
    "Is all of yesterday here?", "/mam prefs never bot@example.net",
    "The server keeps nothing of what is said with the bot.",
    "/mam before 2026-01-01 in romeo@example.net",
    "Gets this year's messages.", NULL };

const struct command mam_commands[] = {
    { .name = "mam",
        .examples = examples,
        .sub = mam_subs,
        .words = "archive server history sync",
        .summary = "The server's archive of messages",
        .detail = "What comes while txmpp does not run is fetched at sign-in, "
                  "what is older when it is scrolled to." },
    { .name = NULL },
};

const struct feature xep0441 = {
    .spec = "XEP-0441",
    .name = "Message Archive Management Preferences",
    .version = "0.2.0",
    .since = "0.1.0",
};
