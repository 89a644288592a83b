/* What the model tells: it only marks panes dirty, and says what happens by itself. */
#include "config.h"
#include "ui/ui.h"
#include "ui/filter.h"
#include "ui/notify.h"
#include "model/account.h"
#include "store/option.h"
#include "ui/linear/linear.h"
#include "ui/term/screen.h"
#include <string.h>

static void on_message(struct tui *tui, const struct event *event)
{
    struct chat *chat = event->chat;
    const struct message *message = event->message.message;
    struct window *window = chat->ui;
    if (!window)
        window = window_open(tui, chat);
    pane_dirty(window->pane);
    if (message->outgoing)
        pane_dirty(tui->status); /* the outbox */
    if (tui->linear && !pane_chat_hides(window->pane, message))
        linear_message(tui->linear, window, message);
    if (window_is_visible(tui, window))
        return;
    if (pane_chat_hides(window->pane, message)) {
        pane_dirty(tui->status); /* it counts as unread all the same */
        pane_dirty(tui->roster);
        return;
    }
    if (!message->outgoing && !pane_chat_new_key(window->pane))
        pane_chat_set_new(window->pane, pane_chat_key(message));
    pane_dirty(tui->status);
    pane_dirty(tui->roster);
    notifier_message(tui->notifier, chat, message);
}

/* What happens by itself. */
static void console(struct tui *tui, enum role role, const char *text)
{
    pane_console_add(window_console(tui)->pane, 0, role, text);
    if (tui->linear)
        linear_say(tui->linear, text);
}

static void on_state(struct tui *tui, const struct event *event)
{
    const struct account *account = event->account;
    const GError *error = event->state.error;
    g_autoptr(GString) text = g_string_new(account->jid);
    if (account->state == STATE_ONLINE && !g_strcmp0(tui->pending_jid, account->jid)) {
        /* Not asked for: it must not answer a later question. */
        g_clear_pointer(&tui->pending_password, secret_unref);
        g_clear_pointer(&tui->pending_jid, g_free);
    }
    g_string_append(text, ": ");
    if (account->state == STATE_ONLINE)
        g_string_append_printf(text, _("signed in as %s, %s"),
            account->full_jid ? account->full_jid : account->jid,
            account->tls_version ? account->tls_version : _("not encrypted"));
    else
        g_string_append(text, _(status_word(account)));
    if (error)
        g_string_append_printf(text, " - %s", error->message);
    if (account->state == STATE_WAITING && event->state.retry_ms > 0) {
        unsigned seconds = (unsigned)((event->state.retry_ms + 999) / 1000);
        g_string_append_printf(text, ngettext(" (next attempt in %u second)",
            " (next attempt in %u seconds)", seconds), seconds);
    }
    enum role role = error ? ROLE_ERROR : ROLE_NOTICE;
    /* What goes on in between is for who can look away. */
    bool passing = account->state >= STATE_DIALING && account->state != STATE_ONLINE;
    if (tui->linear && passing && !error)
        pane_console_add(window_console(tui)->pane, 0, role, text->str);
    else
        console(tui, role, text->str);
    if (error && account->state == STATE_OFFLINE && !tui->linear) {
        g_autofree char *sentence = g_strdup_printf("%s: %s", account->jid, error->message);
        pane_results_say(tui, ROLE_ERROR, sentence);
    }
    tui_dirty_all(tui);
}

static void on_error(struct tui *tui, const struct event *event)
{
    g_autofree char *text = g_strdup_printf("%s%s%s (%s)",
        event->error_info.by ? event->error_info.by : "", event->error_info.by ? ": " : "",
        event->error_info.text ? event->error_info.text : "error",
        event->error_info.condition ? event->error_info.condition : "undefined-condition");
    struct window *window = window_console(tui);
    console(tui, ROLE_ERROR, text);
    if (!window_is_visible(tui, window))
        window->hot++;
    pane_dirty(tui->status);
}

static void on_notice(struct tui *tui, const struct event *event)
{
    const char *who = event->account && tui->app->accounts->len > 1 ? event->account->jid : NULL;
    g_autofree char *text = g_strdup_printf("%s%s%s", who ? who : "", who ? ": " : "",
        event->notice.text);
    console(tui, event->notice.urgent ? ROLE_ERROR : ROLE_NOTICE, text);
    if (event->notice.urgent && !tui->linear)
        pane_results_say(tui, ROLE_ERROR, text);
}

void tui_apply_options(struct tui *tui)
{
    tui->roster_shown = tui_option_bool(tui, "ui.roster");
    int width = tui_option_int(tui, "ui.roster.width");
    tui->roster_width = CLAMP(width, 12, 200);
    if (tui->screen)
        screen_mouse(tui->screen, tui_option_bool(tui, "ui.mouse"));
    tui_choose_marks(tui);
    filters_switch(tui->filters, tui_option_bool(tui, "ui.filters"));
    pane_roster_reset(tui->roster);
    tui_dirty_all(tui);
}

void tui_restore_layout(struct tui *tui)
{
    if (!layout_restore(tui, tui_option(tui, "ui.layout")))
        tui_note(tui, ROLE_ERROR, _("ui.layout is no layout; /set ui.layout takes what it "
                                    "wrote itself, /set --reset ui.layout the default."));
}

void tui_check_quiet(struct tui *tui)
{
    const char *span = tui_option(tui, "ui.notify_quiet");
    int from, to;
    if (*span && !notify_parse_quiet(span, &from, &to))
        tui_note(tui, ROLE_ERROR,
            _("ui.notify_quiet are no hours and silence nothing; write 22:00-07:00."));
}

static void on_option(struct tui *tui, const struct event *event)
{
    const struct option *row = event->option.option;
    if (!row || !g_str_has_prefix(row->name, "ui."))
        return;
    if (!strcmp(row->name, "ui.layout")) {
        g_autofree char *now = layout_text(tui);
        if (tui->started && strcmp(now, tui_option(tui, row->name)) != 0)
            tui_restore_layout(tui);
        return;
    }
    if (!strcmp(row->name, "ui.notify_quiet"))
        tui_check_quiet(tui);
    static const char *const looks[] = { "ui.theme", "ui.colors", "ui.nick_colors", NULL };
    if (g_strv_contains(looks, row->name))
        tui_apply_theme(tui);
    tui_apply_options(tui);
}

static void on_option_changed(const struct option *row, const char *account,
    const char *value, gpointer data)
{
    struct event event = { .type = EVENT_OPTION };
    (void)account;
    event.option.option = row;
    event.option.value = value;
    on_option(data, &event);
}

static void close_account_windows(struct tui *tui, const struct account *account)
{
    for (guint i = tui->windows->len; i-- > 0;) {
        struct window *window = tui->windows->pdata[i];
        if (window->chat && window->chat->account == account)
            window_close(tui, window);
    }
}

/* One that comes back with what was unread or half written (see
 * xmpp/reading.h), or whose messages came while we were away. */
static void on_chat(struct tui *tui, struct chat *chat)
{
    if (!chat->unread)
        notifier_read(tui->notifier, chat);
    if (!chat->ui && (chat->unread || chat->draft)) {
        window_open(tui, chat);
        tui_dirty_all(tui);
    } else if (chat->ui) {
        pane_chat_refill(((struct window *)chat->ui)->pane);
    }
}

static void on_event(const struct event *event, gpointer data)
{
    struct tui *tui = data;
    if (event->type == EVENT_CHAT_CHANGED)
        on_chat(tui, event->chat);
    switch (event->type) {
    case EVENT_MESSAGE:
        on_message(tui, event);
        tui->roster->ops->event(tui->roster, event);
        return;
    case EVENT_MESSAGE_CHANGED:
        pane_dirty(tui->status); /* the outbox */
        if (tui->linear && event->chat && event->chat->ui && event->message.message->error)
            linear_message(tui->linear, event->chat->ui, event->message.message);
        if (event->chat && event->chat->ui)
            pane_chat_forget(((struct window *)event->chat->ui)->pane, event->message.message);
        return;
    case EVENT_CLEAR:
        if (event->chat && event->chat->ui)
            pane_chat_cleared(((struct window *)event->chat->ui)->pane);
        return;
    case EVENT_XML:
        for (guint i = 0; i < tui->windows->len; i++) {
            struct window *window = tui->windows->pdata[i];
            if (window->kind == WINDOW_XML)
                window->pane->ops->event(window->pane, event);
        }
        return;
    case EVENT_CHAT_GONE:
        if (event->chat->ui)
            window_close(tui, event->chat->ui);
        return;
    case EVENT_ACCOUNT_GONE:
        close_account_windows(tui, event->account);
        dialog_dismiss(&tui->front, event->account, NULL);
        pane_roster_reset(tui->roster);
        tui_dirty_all(tui);
        return;
    case EVENT_ROSTER_RESET:
        pane_roster_reset(tui->roster);
        return;
    case EVENT_STATE:
        on_state(tui, event);
        break;
    case EVENT_TYPING:
    case EVENT_TRANSFER:
        pane_dirty(tui->status);
        return;
    case EVENT_ARCHIVE:
        tui->archived = event->archive.done ? 0 : event->archive.fetched;
        pane_dirty(tui->status);
        for (guint i = 0; event->archive.done && i < tui->windows->len; i++) {
            struct window *window = tui->windows->pdata[i];
            if (window->chat)
                pane_chat_refill(window->pane);
        }
        return;
    case EVENT_ERROR:
        on_error(tui, event);
        return;
    case EVENT_NOTICE:
        on_notice(tui, event);
        return;
    case EVENT_OPTION:
        return; /* options_on_change tells it too */
    case EVENT_PRESENCE:
        if (event->chat || (event->contact && window_current(tui)->chat &&
                !strcmp(window_current(tui)->chat->jid, event->contact->jid)))
            pane_dirty(tui->title);
        break;
    default:
        pane_dirty(tui->title);
        pane_dirty(tui->status);
        break;
    }
    tui->roster->ops->event(tui->roster, event);
}

void tui_observe(struct tui *tui, bool on)
{
    if (!on) {
        observers_remove(tui->app->observers, on_event, tui);
        return;
    }
    if (tui->app->options)
        options_on_change(tui->app->options, on_option_changed, tui);
    observers_add(tui->app->observers, on_event, tui);
}
