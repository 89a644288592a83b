/*
 * What a turn wrote to the store is one transaction, committed when the turn is
 * over. The disk takes its time, and nobody waits for it: turns go on, and what
 * they write is the next transaction, begun when this one has arrived. Only
 * what depends on it waits: our confirmation, and bytes that session_hold()
 * holds back.
 */
#include <string.h>
#include "base/intl.h"
#include "store/history.h"
#include "xmpp/outbox.h"
#include "xmpp/reading.h"
#include "xmpp/session_private.h"

#define RETRY_COMMIT_S 1
#define COMMIT_EVERY_US (20 * 1000)

static void schedule_commit(struct session *session);

static void say(struct account *account, const char *text)
{
    account_emit(account,
        (struct event){ .type = EVENT_NOTICE, .notice = { text, true } });
}

static void say_unsaved(struct account *account, const GError *error)
{
    g_autofree char *text = g_strdup_printf(
        _("Messages cannot be saved now: %s They are kept in memory meanwhile, "
        "and the server is not told that we have them. Make room, or look at "
        "the disk."),
        error ? error->message : _("the disk fails."));

    say(account, text);
}

/* Not into an unfinished turn: that is committed with its own counts. */
static gboolean on_tidy(gpointer data)
{
    struct session *session = data;
    struct account *account = session->account;

    if (account && !session->dirty && history_tidy(account->history))
        return G_SOURCE_CONTINUE;
    session->tidy = 0;
    if (account && history_health(account->history) == HISTORY_FAILING)
        session_store_changed(account); /* tries again */
    return G_SOURCE_REMOVE;
}

static void schedule_tidy(struct session *session)
{
    if (!session->tidy && history_is_untidy(session->account->history))
        session->tidy =
            g_idle_add_full(G_PRIORITY_LOW, on_tidy, session, NULL);
}

static void saved(struct session *session)
{
    session->committed_us = g_get_monotonic_time();
    if (session->unsaved)
        say(session->account, _("Messages are saved again."));
    session->unsaved = false;
    schedule_tidy(session);
}

static void not_saved(struct session *session, const GError *error)
{
    if (!session->unsaved)
        say_unsaved(session->account, error);
    session->dirty = session->unsaved = true;
    schedule_commit(session);
}

/* What waited for a transaction goes, even when the disk refused it: without a
 * disk we are an ordinary client. */
static void release(struct session *session)
{
    session->under_way = session->holds_under_way = false;
    if (!session->holds && session->stream)
        stream_hold(session->stream, false);
}

/* Waits for the disk. */
bool session_write(struct session *session)
{
    struct account *account = session->account;
    g_autoptr(GError) error = NULL;
    bool done;

    if (!account->history)
        session->dirty = false;
    if (!session->dirty && !session->under_way)
        return true;
    if (session->manager)
        session->manager->write(account);
    done = history_commit(account->history, &error);
    session->dirty = session->holds = false;
    release(session);
    if (done)
        saved(session);
    else
        not_saved(session, error);
    return done;
}

/* Does not. */
static void begin_commit(struct session *session)
{
    struct account *account = session->account;
    g_autoptr(GError) error = NULL;
    enum history_written written;

    if (session->manager)
        session->manager->write(account);
    written = history_write(account->history, &error);
    session->under_way = written == HISTORY_UNDER_WAY;
    session->holds_under_way = session->holds;
    session->dirty = session->holds = false;
    session->committed_us = g_get_monotonic_time();
    if (session->under_way)
        return;
    release(session);
    if (written == HISTORY_ON_DISK)
        saved(session);
    else
        not_saved(session, error);
}

/* While messages pour in and nobody waits for a confirmation, a transaction
 * covers several turns. */
static guint commit_wait_ms(const struct session *session)
{
    gint64 due_us = session->committed_us + COMMIT_EVERY_US;
    gint64 left_us = due_us - g_get_monotonic_time();

    return left_us > 0 ? (guint)(left_us / 1000 + 1) : 0;
}

void session_tell_manager(struct session *session)
{
    if (session->manager && session->account)
        session->manager->turn(session->account, !session->dirty);
}

/* What came is on disk and counts as received, or neither. */
static void settle(struct session *session)
{
    reading_make_room(session->account);
    if (session->under_way)
        return; /* on_disk() goes on */
    if (!session->account->history)
        session->dirty = false;
    if (session->dirty)
        begin_commit(session);
    if (!session->under_way)
        session_tell_manager(session);
}

void session_end_turn(struct session *session)
{
    const struct stream_manager *manager = session->manager;
    bool asked = manager && manager->wants_turn(session->account);

    session->dirty |= asked && !session->under_way;
    if (session->dirty && !asked && !session->holds &&
        commit_wait_ms(session) > 0)
        schedule_commit(session);
    else
        settle(session);
}

static void on_disk(const GError *error, gpointer data)
{
    struct session *session = data;

    if (session_enter(session)) {
        const bool more = session->dirty;
        release(session);
        if (error)
            not_saved(session, error);
        else
            saved(session);
        session->dirty = error != NULL;
        session_tell_manager(session);
        session->dirty |= more;
        if (session->account && !error)
            session_end_turn(session);
    }
    session_leave(session);
}

static gboolean on_commit(gpointer data)
{
    struct session *session = data;

    session->commit = 0;
    if (session_enter(session))
        session_end_turn(session);
    session_leave(session);
    return G_SOURCE_REMOVE;
}

static void schedule_commit(struct session *session)
{
    if (session->commit)
        return;
    session->commit = session->unsaved
        ? g_timeout_add_seconds(RETRY_COMMIT_S, on_commit, session)
        : g_timeout_add(commit_wait_ms(session), on_commit, session);
}

void session_store_changed(struct account *account)
{
    struct session *session = account->session;

    if (!session || session->dirty)
        return;
    session->dirty = true;
    schedule_commit(session);
}

bool session_commit(struct account *account)
{
    return !account->session || session_write(account->session);
}

void session_hold(struct account *account)
{
    struct session *session = account->session;

    if (!session->stream || !account->history || session->unsaved) {
        session_write(session);
        return;
    }
    session->dirty = session->holds = true;
    stream_hold(session->stream, true);
    if (!session->under_way)
        begin_commit(session);
}

void session_on_turn(gpointer data)
{
    struct session *session = data;

    if (session_enter(session))
        session_end_turn(session);
    session_leave(session);
}

/* Drafts, read marks and numbers of unread messages outlive the program. */
static void on_event(const struct event *event, gpointer data)
{
    struct session *session = data;
    struct account *account = session->account;
    struct chat *chat = event->chat;

    if (!account || event->account != account || !chat || !account->history)
        return;
    if (event->type == EVENT_CHAT_ADDED) {
        reading_open(chat);
    } else if (event->type == EVENT_CHAT_GONE) {
        if (!chat->put_away) { /* closed: it stays away */
            g_clear_pointer(&chat->draft, g_free);
            chat->unread = chat->mentions = 0;
        }
        history_save_chat(account->history, chat);
        session_store_changed(account);
    }
}

void session_open_store(struct session *session)
{
    struct account *account = session->account;
    g_autofree char *problem = NULL;

    observers_add(account->observers, on_event, session);
    if (!account->paths)
        return;
    account->history =
        history_open(account->paths, account->config_jid, &problem);
    if (problem)
        say(account, problem);
    history_tell_on_disk(account->history, on_disk, session);
}

/* Once every feature is there. */
void session_read_store(struct account *account)
{
    if (!account->history)
        return;
    reading_load(account);
    outbox_restore(account);
}

void session_close_store(struct session *session)
{
    struct account *account = session->account;

    session_write(session);
    g_clear_handle_id(&session->commit, g_source_remove);
    g_clear_handle_id(&session->tidy, g_source_remove);
    observers_remove(account->observers, on_event, session);
    g_clear_pointer(&account->history, history_close);
}
