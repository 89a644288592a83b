/*
 * A session without a network, for unit tests:
 *
 *     struct account *account = account_new("juliet@im.example.com",
 *         observers_new(), options, NULL);            // options may be NULL
 *     session_attach_test(account, "juliet@im.example.com/b", on_sent, data);
 *     session_test_receive(account, "<iq type='get' …>…</iq>");
 *     … on_sent saw the answer …
 *     session_detach(account);
 *     account_free(account);
 *
 * Every feature is attached, account->state is ONLINE and synced is true, but
 * no online() or ready() hook was run: nothing was sent. session_test_online()
 * runs the whole way in (roster, presence) instead. Commands wait for the
 * server, as in a script.
 */
#pragma once
#include "xmpp/rfc6120_session.h"

/* xml: the stanza as rendered, without xmlns='jabber:client'. */
typedef void (*session_capture_fn)(struct account *account,
    xmpp_stanza_t *stanza, const char *xml, gpointer data);

void session_attach_test(struct account *account, const char *full_jid,
    session_capture_fn fn, gpointer data);
void session_test_front(struct account *account, struct front *front);
/* <stream:features> without the prefix: "<features><sub xmlns='…'/></features>" */
void session_test_features(struct account *account, const char *xml);
void session_test_online(struct account *account);
/* A minute has passed since it came online. */
void session_test_settle(struct account *account);
/* The connection breaks. */
void session_test_lose(struct account *account);
/* … and is back: the <resume/> that would be sent, rendered; NULL: none. */
char *session_test_resume(struct account *account);
/* The server's <resumed/> or <failed/>; after the latter a new binding. */
void session_test_resumed(struct account *account, const char *xml);
void session_test_bound(struct account *account);
/* As session_disconnect() and its end. */
void session_test_close(struct account *account);
/* As if it came from the server, and what it made us write is on disk when this
 * returns; elements without xmlns are in jabber:client,
 * as the guard would have written them. False: not well-formed. */
bool session_test_receive(struct account *account, const char *xml);
