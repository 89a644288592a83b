/*
 * What a server may send once we are online, through the guard and into a
 * session with all features (H24).
 */
#include <stddef.h>
#include <stdint.h>
#include "model/account.h"
#include "net/guard.h"
#include "xmpp/testing.h"

#define HEADER                                                              \
    "<stream:stream xmlns='jabber:client' version='1.0' id='x' "            \
    "xmlns:stream='http://etherx.jabber.org/streams' from='example.com'>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_sent(struct account *account, xmpp_stanza_t *stanza,
    const char *xml, gpointer data)
{
    (void)account;
    (void)stanza;
    (void)xml;
    (void)data;
}

static void on_item(enum guard_item item, const char *ns, const char *name,
    const char *xml, size_t len, gpointer data)
{
    (void)ns;
    (void)name;
    (void)len;
    if (item == GUARD_STANZA)
        session_test_receive(data, xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct observers *observers = observers_new();
    struct account *account =
        account_new("juliet@example.com", observers, NULL, NULL);
    auto_struct(guard) guard = guard_new(on_item, account);

    session_attach_test(account, "juliet@example.com/b", on_sent, NULL);
    guard_set_state(guard, GUARD_ONLINE, &guard_limits_after_auth);
    if (guard_feed(guard, HEADER, sizeof HEADER - 1, NULL))
        guard_feed(guard, (const char *)data, size, NULL);
    session_detach(account);
    account_free(account);
    observers_free(observers);
    return 0;
}
