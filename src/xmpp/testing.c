/* The ways of a session without a connection, for tests. */
#include "xmpp/testing.h"
#include <string.h>
#include "xmpp/feature.h"
#include "xmpp/session_private.h"
#include "xmpp/stanza.h"

void session_attach_test(struct account *account, const char *full_jid,
    session_capture_fn fn, gpointer data)
{
    struct session *session = session_new(account);

    session->capture = fn;
    session->capture_data = data;
    session->script = true;
    session->online_us = g_get_monotonic_time();
    session_open_store(session);
    session->live = true;
    account->state = STATE_ONLINE;
    account->synced = account->caught_up = true;
    session_set_identity(account, full_jid);
    session_attach_features(account);
    session_read_store(account);
}

void session_test_front(struct account *account, struct front *front)
{
    account->session->front = front;
}

void session_test_features(struct account *account, const char *xml)
{
    struct session *session = account->session;

    g_clear_pointer(&session->features, xmpp_stanza_release);
    session->features = stanza_parse(xml);
}

void session_test_online(struct account *account)
{
    account->state = STATE_ONLINE;
    account->synced = account->caught_up = false;
    account->session->live = true;
    session_tell_state(account, NULL, -1, false);
    session_go_online(account->session);
    session_end_turn(account->session);
}

void session_test_settle(struct account *account)
{
    account->session->online_us -= FRESH_S * G_USEC_PER_SEC;
}

void session_test_lose(struct account *account)
{
    account->state = STATE_WAITING;
    session_leave_online(account->session, STATE_WAITING);
    session_tell_state(account, NULL, -1, false);
}

char *session_test_resume(struct account *account)
{
    g_autoptr(xmpp_stanza_t) resume = session_resume(account->session);

    return resume ? stanza_xml(resume) : NULL;
}

void session_test_resumed(struct account *account, const char *xml)
{
    struct session *session = account->session;
    g_autoptr(xmpp_stanza_t) answer = stanza_parse(xml);
    const bool all_here = session->live;

    if (strcmp(stanza_name(answer), "resumed") != 0) {
        session->manager->resume_failed(account, answer);
        return;
    }
    session_take_up(session, answer);
    if (!session->taken_up)
        return;
    session->live = true;
    session->taken_up = false;
    account->state = STATE_ONLINE;
    session_tell_state(account, NULL, -1, true);
    session_arrive(session, true, all_here);
    session_end_turn(session);
}

void session_test_bound(struct account *account)
{
    g_autofree char *jid = g_strconcat(account->jid, "/again", NULL);

    session_bound(account->session, jid);
    session_test_online(account);
}

void session_test_close(struct account *account)
{
    account->state = STATE_OFFLINE;
    session_leave_online(account->session, STATE_OFFLINE);
    account->session->manager->ended(account);
    session_tell_state(account, NULL, -1, false);
}

bool session_test_receive(struct account *account, const char *xml)
{
    g_autofree char *wrapped =
        g_strdup_printf("<stream xmlns='" NS_CLIENT "'>%s</stream>", xml);
    g_autoptr(xmpp_stanza_t) stream = stanza_parse(wrapped);
    struct session *session;

    if (!stream || !stanza_first_element(stream))
        return false;
    session = session_ref(account);
    for (xmpp_stanza_t *s = stanza_first_element(stream);
         s && session->account; s = stanza_next(s, NULL, NULL))
        session_dispatch(account, s);
    if (session->account)
        session_end_turn(session);
    while (session->account && session->under_way)
        g_main_context_iteration(NULL, TRUE);
    session_unref(session);
    return true;
}
