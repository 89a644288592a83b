/* What a server may say about stream management, at any moment: one element a
 * line. Lines that begin with "!" are what happens here: a message typed, the
 * connection lost, bound anew, <resume/> asked for. No message ever goes away
 * without a state that says what became of it. */
#include <stdint.h>
#include <string.h>
#include <glib.h>
#include "model/message.h"
#include "xmpp/feature.h"
#include "xmpp/outbox.h"
#include "xmpp/testing.h"

#define ROMEO "romeo@example.net"
#define LINES 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_sent(struct account *account, xmpp_stanza_t *stanza,
    const char *xml, gpointer data)
{
    (void)account;
    (void)stanza;
    (void)data;
    g_assert_nonnull(xml);
}

static void say(struct account *account)
{
    struct chat *chat = account_open_chat(account, ROMEO, CHAT_CONTACT);

    g_assert_nonnull(outbox_send_text(chat, "Art thou?", NULL));
}

static void resume(struct account *account, const char *xml)
{
    g_autofree char *request = session_test_resume(account);
    g_autoptr(xmpp_stanza_t) answer = stanza_parse(xml);

    if (request && answer && !session_is_online(account))
        session_test_resumed(account, xml);
}

static void step(struct account *account, const char *line)
{
    if (g_str_equal(line, "!say"))
        say(account);
    else if (g_str_equal(line, "!lose"))
        session_test_lose(account);
    else if (g_str_equal(line, "!bound"))
        session_test_bound(account);
    else if (g_str_has_prefix(line, "!resume "))
        resume(account, line + strlen("!resume "));
    else if (session_is_online(account))
        session_test_receive(account, line);
}

/* Every message of ours is on its way, or it was told what became of it. */
static void check(struct account *account)
{
    const struct chat *chat = account_find_chat(account, ROMEO);
    guint waiting = 0;

    for (guint i = 0; chat && i < chat->messages->len; i++) {
        const struct message *m = g_ptr_array_index(chat->messages, i);
        waiting += m->outgoing && m->delivery == DELIVERY_QUEUED;
    }
    g_assert_cmpuint(waiting, <=, outbox_unsent(account));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", LINES);
    struct observers *observers = observers_new();
    struct account *account =
        account_new("juliet@im.example.com", observers, NULL, NULL);

    session_attach_test(
        account, "juliet@im.example.com/balcony", on_sent, NULL);
    session_test_features(
        account, "<features><sm xmlns='urn:xmpp:sm:3'/></features>");
    session_test_online(account);
    for (guint i = 0; lines[i]; i++)
        step(account, lines[i]);
    check(account);
    session_detach(account);
    account_free(account);
    observers_free(observers);
    return 0;
}
