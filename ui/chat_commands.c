/* Commands about one message of the conversation in front. */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "base/text.h"
#include "cmd/job.h"
#include "model/account.h"
#include "model/jid.h"
#include "store/history.h"
#include "ui/term/line.h"
#include "ui/term/screen.h"
#include <string.h>

enum {
    ROWS_FROM = 1000000000, /* greater numbers are rows of the store */
    QUOTE_LINES = 200,
};

static struct message *load(const struct chat *chat, gint64 row)
{
    auto_struct(message) found = history_load(chat->account->history, row);
    const char *peer = !found ? NULL : found->outgoing ? found->to : found->from;
    return peer && jid_bare_equal(peer, chat->jid) ? g_steal_pointer(&found) : NULL;
}

/* By number, by its row in the store, by id; none: the last one received.
 * What is not held any more is in owned. */
static const struct message *message_of(struct job *job, struct message **owned)
{
    struct chat *chat = job_chat(job);
    const char *which = job_arg(job, "message");
    for (guint i = which ? 0 : chat->messages->len; i-- > 0;) {
        const struct message *message = chat->messages->pdata[i];
        if (!message->outgoing && message->body)
            return message;
    }
    if (!which)
        return NULL;
    guint64 number = 0;
    const struct message *message = NULL;
    if (g_ascii_string_to_unsigned(which, 10, 1, G_MAXINT64, &number, NULL))
        message = number > ROWS_FROM ? chat_find_row(chat, (gint64)number)
                                     : chat_find_number(chat, number);
    if (!message && number > ROWS_FROM && chat->account->history)
        message = *owned = load(chat, (gint64)number);
    if (!message)
        message = chat_find_id(chat, which, false);
    return message ? message : chat_find_id(chat, which, true);
}

static enum cmd_status no_message(struct job *job)
{
    return job_fail(job, "item-not-found",
        "There is no such message with text here; /pick chooses one by keys.");
}

enum cmd_status quote_run(struct job *job)
{
    struct tui *tui = tui_of(job_front(job));
    auto_struct(message) owned = NULL;
    const struct message *message = message_of(job, &owned);
    if (!message || !message->body)
        return no_message(job);
    g_auto(GStrv) lines = g_strsplit(message->body, "\n", QUOTE_LINES);
    g_autoptr(GString) out = g_string_new(NULL);
    for (char **line = lines; *line; line++) /* XEP-0393: nested without a blank */
        g_string_append_printf(out, ">%s%s\n", **line == '>' ? "" : " ", *line);
    g_autofree char *clean = text_clean(out->str, -1, 0);
    if (tui->line)
        line_insert(tui->line, clean);
    input_changed(tui);
    return job_done(job);
}

enum cmd_status copy_run(struct job *job)
{
    struct tui *tui = tui_of(job_front(job));
    auto_struct(message) owned = NULL;
    const struct message *message = message_of(job, &owned);
    if (!message || !message->body)
        return no_message(job);
    g_autofree char *clean = text_clean(message->body, -1, 0);
    if (!tui->screen || !screen_copy(tui->screen, clean))
        return job_fail(job, "feature-not-implemented",
            "This terminal has no way to the clipboard (OSC 52); select the text with the mouse.");
    return job_done(job);
}

enum cmd_status pick_run(struct job *job)
{
    struct window *window = job_chat(job)->ui;
    if (tui_of(job_front(job))->linear)
        return job_fail(job, "feature-not-implemented",
            "Line by line there is nothing to point at; /quote, /copy and /url take a number or "
            "an id.");
    if (!window || window != window_current(tui_of(job_front(job))))
        return job_fail(job, "item-not-found", "The conversation is not on the screen.");
    pane_chat_pick(window->pane, 0);
    if (!pane_chat_picked(window->pane, NULL))
        return job_fail(job, "item-not-found", "There is no message here to choose.");
    return job_done(job);
}
