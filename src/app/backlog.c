/* An observer with a bounded queue. */
#include "app/backlog.h"

#include "app/app.h"

#define ARRIVALS_MAX 1000

void arrival_free(struct arrival *arrival)
{
    g_free(arrival->from);
    g_free(arrival->body);
    g_free(arrival);
}

void backlog_forget(struct app *app)
{
    struct arrival *arrival;
    while (app->backlog &&
        (arrival = g_queue_pop_head(&app->backlog->arrivals)))
        arrival_free(arrival);
}

static void note_sent(struct backlog *backlog, const struct event *event)
{
    const struct message *m = event->message.message;
    g_free(backlog->last_sent);
    g_free(backlog->last_chat);
    backlog->last_sent = g_strdup(m->id);
    backlog->last_chat = g_strdup(event->chat->jid);
    backlog->last_account = event->account;
}

static void on_event(const struct event *event, gpointer data)
{
    struct app *app = data;
    struct backlog *backlog = app->backlog;
    if (event->type == EVENT_ACCOUNT_GONE) {
        backlog_forget(app);
        if (backlog->last_account == event->account)
            backlog->last_account = NULL;
    }
    if (event->type != EVENT_MESSAGE || !event->chat)
        return;
    const struct message *m = event->message.message;
    if (m->outgoing) {
        if (!m->carbon && m->id)
            note_sent(backlog, event);
        return;
    }
    if (!m->body)
        return;
    struct arrival *arrival = g_new0(struct arrival, 1);
    arrival->account = event->account;
    arrival->from = g_strdup(m->from);
    arrival->body = g_strdup(m->body);
    g_queue_push_tail(&backlog->arrivals, arrival);
    if (g_queue_get_length(&backlog->arrivals) > ARRIVALS_MAX)
        arrival_free(g_queue_pop_head(&backlog->arrivals));
}

void backlog_use(struct app *app)
{
    if (!app->backlog) {
        app->backlog = g_new0(struct backlog, 1);
        g_queue_init(&app->backlog->arrivals);
        observers_add(app->observers, on_event, app);
    }
    app->backlog->users++;
}

void backlog_unuse(struct app *app)
{
    if (!app->backlog || --app->backlog->users > 0)
        return;
    observers_remove(app->observers, on_event, app);
    backlog_forget(app);
    g_free(app->backlog->last_sent);
    g_free(app->backlog->last_chat);
    g_clear_pointer(&app->backlog, g_free);
}
