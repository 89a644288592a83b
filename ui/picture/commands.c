/* /image: the pictures behind links, under their message or over the whole
 * screen. */
#include "config.h"
#include "cmd/job.h"
#include "model/account.h"
#include "model/jid.h"
#include "store/option.h"
#include "ui/picture/pictures.h"
#include "ui/picture/viewer.h"
#include "ui/ui.h"
#include "xep/xep0084_avatar.h"
#include <string.h>

/* The link that is meant; NULL: the job has failed. */
static char *picture_url(struct job *job, enum cmd_status *status)
{
    g_autofree char *url = url_chosen(job);
    if (!url)
        *status = url_none(job);
    else if (g_ascii_strncasecmp(url, "https:", 6))
        *status = job_fail(job, "not-acceptable",
            "Pictures are fetched over https only; /url open hands the link to a browser.");
    else if (tui_of(job_front(job))->linear)
        *status = job_fail(job, "not-acceptable",
            "Line by line there is no place for pictures; /url open hands the link to a "
            "program that shows them.");
    else if (!picture_can())
        *status = job_fail(job, "feature-not-implemented",
            "This txmpp was built without pictures; /url open hands the link to a browser.");
    else {
        if (job_flag(job, "private"))
            pictures_allow_private(tui_of(job_front(job))->pictures, url);
        return g_steal_pointer(&url);
    }
    return NULL;
}

static enum cmd_status show(struct job *job, bool on)
{
    enum cmd_status status = CMD_DONE;
    g_autofree char *url = picture_url(job, &status);
    if (!url)
        return status;
    pictures_show(tui_of(job_front(job))->pictures, job_account(job), url, on);
    return job_done(job);
}

static enum cmd_status run_show(struct job *job)
{
    return show(job, true);
}

static enum cmd_status run_hide(struct job *job)
{
    return show(job, false);
}

static enum cmd_status run_view(struct job *job)
{
    enum cmd_status status = CMD_DONE;
    g_autofree char *url = picture_url(job, &status);
    if (!url)
        return status;
    viewer_open(tui_of(job_front(job)), job_account(job), url, url, NULL);
    return job_done(job);
}

enum cmd_status image_run(struct job *job)
{
    return run_view(job);
}

enum cmd_status avatar_run(struct job *job)
{
    struct tui *tui = tui_of(job_front(job));
    const struct chat *chat = job_chat(job);
    const char *jid = job_arg(job, "jid");
    if (!jid)
        jid = chat ? chat->jid : job_account(job)->jid;
    g_autofree char *bare = jid_bare(jid);
    g_autofree char *file = avatar_file(job_account(job), bare);
    if (!file)
        return job_fail(job, "item-not-found",
            "%s has no picture, or it has not come yet; say it again in a moment.", bare);
    if (tui->linear) {
        job_note(job, "Line by line there is no place for pictures; this one is the file %s.", file);
        return job_done(job);
    }
    viewer_open(tui, job_account(job), account_display_name(job_account(job), bare), NULL, file);
    return job_done(job);
}

static enum cmd_status run_auto(struct job *job)
{
    struct options *options = tui_of(job_front(job))->app->options;
    const char *value = job_arg(job, "value");
    g_autoptr(GError) error = NULL;
    if (!value) {
        JOB_ROW(job, "setting", FIELD_T("name", "ui.pictures"),
            FIELD_T("value", options_get(options, NULL, "ui.pictures")));
        return job_done(job);
    }
    if (!options_set(options, NULL, "ui.pictures", strcmp(value, "on") ? "ask" : "contacts",
            false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

#define LINK_ARG \
    .needs = NEEDS_SCREEN | NEEDS_CHAT, .args = { { .name = "link", .kind = &arg_word, \
        .flags = ARG_OPTIONAL, .summary = "number as in /url, or a part of it; none: the newest" }, \
        PRIVATE_ARG }

const struct command image_commands[] = {
    { .name = "show", LINK_ARG, .run = run_show,
        .summary = "Show the picture behind a link under its message" },
    { .name = "hide", LINK_ARG, .run = run_hide, .summary = "Do not show it any more" },
    { .name = "view", LINK_ARG, .run = run_view,
        .summary = "Show the picture behind a link on the whole screen" },
    { .name = "auto", .needs = NEEDS_SCREEN, .run = run_auto,
        .args = { { .name = "value", .kind = &arg_choice, .flags = ARG_OPTIONAL,
            .choices = "on off" } },
        .summary = "Show pictures of contacts without being asked (ui.pictures)",
        .fields = "setting: name value" },
    { .name = NULL },
};

const struct command avatar_commands[] = {
    { .name = "show", .needs = NEEDS_SCREEN | NEEDS_ONLINE, .run = avatar_run,
        .args = { { .name = "jid", .kind = &arg_contact, .flags = ARG_OPTIONAL } },
        .summary = "Show the picture of a contact on the whole screen" },
    { .name = NULL },
};
