/* The name we call ourselves, sent where it helps most: with a request to
 * somebody who does not know us (XEP-0172 s. 4.2). */
#include "xep/xep.h"

#define NS_NICK "http://jabber.org/protocol/nick"

static void add_nick(struct outgoing *outgoing)
{
    if (g_strcmp0(stanza_attr(outgoing->stanza, "type"), "subscribe") != 0 ||
        !outgoing->account->options)
        return;
    const char *nick = account_option(outgoing->account, "account.nick");
    if (nick && *nick)
        stanza_set_text(
            stanza_add(outgoing->stanza, "nick", NS_NICK, NULL), nick);
}

static const struct option options[] = {
    { .name = "account.nick",
        .kind = OPTION_STRING,
        .summary = "the name that goes with our subscription requests" },
    { .name = NULL },
};
static const struct outgoing_hook outgoing_hooks[] = {
    { "presence", add_nick },
    { .run = NULL },
};

const struct feature xep0172 = {
    .spec = "XEP-0172",
    .name = "User Nickname",
    .version = "1.1",
    .since = "0.1.0",
    .status = "partial",
    .note = "Sent with subscription requests; not published.",
    .outgoing = outgoing_hooks,
    .options = options,
};
