/*
 * What an archive may answer (XEP-0313), through the guard into a session that
 * has asked: results, their forwarded messages, ends of pages, markers, items
 * of the node with what was read. @Q in the input stands for the id of the
 * question that is open, @I for that of its iq.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/paths.h"
#include "model/account.h"
#include "net/guard.h"
#include "store/history.h"
#include "xep/xep0313_mam.h"
#include "xmpp/feature.h"
#include "xmpp/testing.h"

#define NS_MAM "urn:xmpp:mam:2"
#define HEADER                                                              \
    "<stream:stream xmlns='jabber:client' version='1.0' id='x' "            \
    "xmlns:stream='http://etherx.jabber.org/streams' from='example.com'>"
#define ASKED_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct account *account;
    char *queryid, *iq;
    unsigned asked;
};

static void on_sent(struct account *account, xmpp_stanza_t *stanza,
    const char *xml, gpointer data)
{
    struct run *run = data;
    xmpp_stanza_t *query = stanza_child(stanza, "query", NS_MAM);
    (void)account;
    (void)xml;
    if (!query)
        return;
    run->asked++;
    g_free(run->queryid);
    g_free(run->iq);
    run->queryid = g_strdup(stanza_attr(query, "queryid"));
    run->iq = g_strdup(stanza_attr(stanza, "id"));
}

static void on_item(enum guard_item item, const char *ns, const char *name,
    const char *xml, size_t len, gpointer data)
{
    struct run *run = data;
    (void)ns;
    (void)name;
    (void)len;
    if (item != GUARD_STANZA || !run->account->session ||
        run->asked > ASKED_MAX)
        return;
    g_autoptr(GString) text = g_string_new(xml);
    g_string_replace(text, "@Q", run->queryid ? run->queryid : "q", 0);
    g_string_replace(text, "@I", run->iq ? run->iq : "i", 0);
    session_test_receive(run->account, text->str);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct observers *observers = observers_new();
    struct run run = { .account = account_new(
                           "juliet@example.com", observers, NULL, NULL) };
    auto_struct(guard) guard = guard_new(on_item, &run);

    session_attach_test(
        run.account, "juliet@example.com/b", on_sent, &run);
    auto_struct(paths) nowhere = paths_new("/dev/null/x", NULL);
    g_autofree char *problem = NULL; /* it keeps things in memory */
    struct history *history =
        history_open(nowhere, "juliet@example.com", &problem);
    run.account->history = history;
    struct chat *chat = account_open_chat(
        run.account, "romeo@example.net", CHAT_CONTACT);
    mam_of(run.account)->supported = true;
    if (size > 0 && data[0] & 1) /* a catch-up, or a page for a chat */
        mam_sync(run.account, NULL, NULL);
    else
        mam_fetch_before(chat, NULL, NULL);
    guard_set_state(guard, GUARD_ONLINE, &guard_limits_after_auth);
    if (size > 0 && guard_feed(guard, HEADER, sizeof HEADER - 1, NULL))
        guard_feed(guard, (const char *)data + 1, size - 1, NULL);
    session_detach(run.account);
    if (run.account->history) {
        history_close(history);
        run.account->history = NULL;
    }
    account_free(run.account);
    observers_free(observers);
    g_free(run.queryid);
    g_free(run.iq);
    return 0;
}
