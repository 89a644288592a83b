/* /url: the links of a conversation. 1 is the newest, or scrolled back the
 * lowest one that is seen; a program of the person's opens them, by argument
 * vector and after a question (H56); what they lead to is saved by
 * app/transfer.c. */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "app/transfer.h"
#include "base/url.h"
#include "cmd/job.h"
#include "model/account.h"
#include "model/jid.h"
#include "ui/pane/chat_text.h"
#include "ui/term/screen.h"
#include <gio/gio.h>
#include <string.h>

enum { LINKS_MAX = 200 };

struct link {
    char *url;
    const struct message *message; /* borrowed */
};

static void link_free(gpointer data)
{
    struct link *link = data;
    g_free(link->url);
    g_free(link);
}

/* From the lowest message that is seen upwards; of one message in their order:
 * the chat pane shows the same numbers. */
static GPtrArray *links_of(const struct chat *chat)
{
    GPtrArray *links = g_ptr_array_new_with_free_func(link_free);
    const struct window *window = chat->ui;
    guint bottom;
    GPtrArray *messages = window ? pane_chat_shown(window->pane, &bottom) : NULL;
    for (guint i = messages ? bottom + 1 : 0; i-- > 0 && links->len < LINKS_MAX;) {
        const struct message *message = messages->pdata[i];
        if (pane_chat_hides(window->pane, message))
            continue;
        g_autoptr(GPtrArray) urls = message_links(message);
        for (guint k = 0; k < urls->len; k++) {
            struct link *link = g_new0(struct link, 1);
            *link = (struct link){ g_strdup(urls->pdata[k]), message };
            g_ptr_array_add(links, link);
        }
    }
    return links;
}

char *url_chosen(struct job *job)
{
    const char *which = job_arg(job, "link");
    g_autoptr(GPtrArray) links = links_of(job_chat(job));
    guint64 number = 1;
    g_autofree char *part = NULL;
    if (which && !g_ascii_string_to_unsigned(which, 10, 1, LINKS_MAX, &number, NULL))
        part = g_utf8_casefold(which, -1);
    for (guint i = 0; part && i < links->len; i++) {
        const struct link *link = links->pdata[i];
        g_autofree char *folded = g_utf8_casefold(link->url, -1);
        if (strstr(folded, part))
            return g_strdup(link->url);
    }
    if (part || number > links->len)
        return NULL;
    return g_strdup(((const struct link *)links->pdata[number - 1])->url);
}

enum cmd_status url_none(struct job *job)
{
    return job_fail(job, "item-not-found",
        "There is no such link among the messages here; /url lists them.");
}

static enum cmd_status run_list(struct job *job)
{
    g_autoptr(GPtrArray) links = links_of(job_chat(job));
    for (guint i = 0; i < links->len; i++) {
        const struct link *link = links->pdata[i];
        JOB_ROW(job, "link", FIELD_I("number", i + 1), FIELD_T("url", link->url),
            FIELD_T("from", link->message->from), FIELD_T("id", link->message->id));
    }
    return job_done(job);
}

/* An address of XMPP opens its conversation here; what else it asks for is
 * not done (H47). */
static enum cmd_status open_here(struct job *job, const char *url)
{
    struct tui *tui = tui_of(job_front(job));
    g_autofree char *jid = jid_prepare(url, NULL);
    g_autofree char *bare = jid ? jid_bare(jid) : NULL;
    if (!bare)
        return job_fail(job, "jid-malformed", "The link holds no address to write to.");
    window_show(tui, window_open(tui, account_open_chat(job_account(job), bare, CHAT_CONTACT)));
    return job_done(job);
}

static enum cmd_status go_open(struct job *job)
{
    const char *url = job_data(job), *opener = tui_option(tui_of(job_front(job)), "ui.url_opener");
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = NULL;
    if (!g_shell_parse_argv(opener, NULL, &words, &error))
        return job_fail(job, "bad-request", "ui.url_opener cannot be run as it is quoted: %s",
            error->message);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    bool placed = false;
    for (char **word = words; *word; word++) {
        g_auto(GStrv) parts = g_strsplit(*word, "%u", -1);
        placed |= parts[0] && parts[1];
        g_ptr_array_add(argv, g_strjoinv(url, parts));
    }
    if (!placed)
        g_ptr_array_add(argv, g_strdup(url));
    g_ptr_array_add(argv, NULL);
    g_autoptr(GSubprocess) child = g_subprocess_newv((const char *const *)argv->pdata,
        G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
    if (!child)
        return job_fail(job, "item-not-found", "The program of ui.url_opener does not start: %s",
            error->message);
    return job_done(job);
}

static enum cmd_status run_open(struct job *job)
{
    g_autofree char *url = url_chosen(job);
    if (!url)
        return url_none(job);
    if (!url_is_safe(url))
        return job_fail(job, "not-acceptable",
            "The link has characters that hide what it is; it is not opened.");
    if (!g_ascii_strncasecmp(url, "xmpp:", 5))
        return open_here(job, url);
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL; /* GLib has it in ASCII */
    bool other = host && strstr(host, "xn--") && !strstr(url, host);
    g_autofree char *question = other ? g_strdup_printf(_("Open %s at %s?"), url, host)
                                       : g_strdup_printf(_("Open %s?"), url);
    job_set_data(job, g_steal_pointer(&url), g_free); /* numbers move on meanwhile */
    return job_confirm(job, question, go_open);
}

static enum cmd_status run_copy(struct job *job)
{
    struct tui *tui = tui_of(job_front(job));
    g_autofree char *url = url_chosen(job);
    if (!url)
        return url_none(job);
    if (!tui->screen || !screen_copy(tui->screen, url))
        return job_fail(job, "feature-not-implemented",
            "This terminal has no way to the clipboard (OSC 52); select the link with the mouse.");
    return job_done(job);
}

/* The link of a number or a part; or the link itself. */
static enum cmd_status run_save(struct job *job)
{
    const char *link = job_arg(job, "link");
    bool is_link = link && g_str_has_prefix(link, "https://");
    g_autofree char *url = is_link ? g_strdup(link) : url_chosen(job);
    if (!url)
        return url_none(job);
    if (!url_is_safe(url))
        return job_fail(job, "not-acceptable",
            "The link has characters that hide what it is; it is not fetched.");
    return transfer_save(job, url, job_arg(job, "file"), job_flag(job, "private"));
}

#define LINK_ARG \
    .args = { { .name = "link", .kind = &arg_word, .flags = ARG_OPTIONAL, \
        .summary = "its number in the conversation, or a part of it; none: the newest" } }

static const char *const open_examples[] = { "/url open", "The newest link, after a question.",
    "/url open --yes 2", "The one before it, without.",
    "/url open wiki", "The newest with wiki in it.", NULL };

static const char *const save_examples[] = { "/url save", "What the newest link leads to.",
    "/url save 3 ~/Pictures/", "The third one, into that folder.", NULL };

const struct command url_commands[] = {
    { .name = "list", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = run_list, .finds = true,
        .summary = "List the links of this conversation, the newest first",
        .fields = "link: number url from id?" },
    { .name = "open", .needs = NEEDS_SCREEN | NEEDS_CHAT | NEEDS_CONSENT, .run = run_open,
        LINK_ARG, .words = "browser web visit",
        .summary = "Open a link with the program of ui.url_opener",
        .detail = "Only http, https and mailto links, as one argument and without a shell. A "
                  "host in other letters is shown as its registered name too. An xmpp link "
                  "opens the conversation here and does nothing else.",
        .examples = open_examples },
    { .name = "save", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = run_save,
        .args = { { .name = "link", .kind = &arg_word, .flags = ARG_OPTIONAL,
                      .summary = "its number, a part of it, or a link; none: the newest" },
            { .name = "file", .kind = &arg_file, .flags = ARG_OPTIONAL,
                .summary = "where to; a directory keeps the name" },
            { .name = "private", .option = "--private",
                .summary = "also from this machine or a private network" } },
        .summary = "Save what a link leads to",
        .detail = "Only over https, with a valid certificate, up to files.max_mb, into "
                  "files.directory. Nothing is overwritten. The status line shows how far it "
                  "is; /transfer cancel gives it up. It needs libcurl.",
        .examples = save_examples },
    { .name = "copy", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = run_copy, LINK_ARG,
        .words = "clipboard",
        .summary = "Put a link into the clipboard, by the terminal (OSC 52)",
        .detail = "It works over ssh. In tmux it wants \"set -g set-clipboard on\" or "
                  "\"set -g allow-passthrough on\"." },
    { .name = NULL },
};

enum cmd_status url_run(struct job *job)
{
    return run_list(job);
}
