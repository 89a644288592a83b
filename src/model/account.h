/* One account: an address, its settings, its connection state, roster and
 * chats. Everything in xmpp/ and xep/ takes an account. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "model/chat.h"
#include "model/event.h"
#include "model/presence.h"
#include "model/roster.h"

enum connection_state {
    STATE_OFFLINE, STATE_WAITING /* back-off */, STATE_DIALING, STATE_SECURING,
    STATE_AUTHENTICATING, STATE_BINDING, STATE_ONLINE, STATE_CLOSING
};
const char *connection_state_name(enum connection_state state);

enum tls_mode { TLS_MODE_REQUIRED, TLS_MODE_DIRECT, TLS_MODE_STARTTLS, TLS_MODE_OFF };
/* required, direct, starttls, off; the strictest for anything else. known may
 * be NULL. */
enum tls_mode tls_mode_parse(const char *word, bool *known);

struct session; /* xmpp/rfc6120_session.h */
struct options; /* store/option.h */
struct paths;   /* base/paths.h */
struct history; /* store/history.h */

struct account {
    char *jid;               /* bare, prepared; after bind the server's spelling */
    char *config_jid;        /* as configured: names [account …] and its folder */
    char *full_jid;          /* bound address, NULL when not online */
    enum connection_state state;
    bool synced;             /* roster is here, presence is out */
    bool caught_up;          /* … and what came while we were away (XEP-0313) */
    char *tls_version;       /* "TLSv1.3", NULL in clear */
    struct roster *roster;
    struct presence own;     /* what we announce: show, status, priority */
    GHashTable *chats;       /* jid → struct chat, owned */
    struct observers *observers; /* borrowed */
    struct options *options;     /* borrowed */
    const struct paths *paths;   /* borrowed */
    struct history *history; /* what is kept; NULL: nothing (tests) */
    struct session *session; /* set while the account is attached to the engine */
};
/* observers, options and paths are borrowed and outlive the account. */
struct account *account_new(const char *bare_jid, struct observers *observers,
    struct options *options, const struct paths *paths);
void account_free(struct account *account); /* emits EVENT_ACCOUNT_GONE */

struct chat *account_find_chat(const struct account *account, const char *jid);
/* Finds or makes; emits EVENT_CHAT_ADDED when new. */
struct chat *account_open_chat(struct account *account, const char *jid, enum chat_kind kind);
void account_close_chat(struct account *account, struct chat *chat); /* EVENT_CHAT_GONE */
/* A setting of this account: [account JID] in the configuration, else the
 * option's default. Borrowed until the option changes. Defined in
 * store/account_option.c. */
const char *account_option(const struct account *account, const char *name);
bool account_option_bool(const struct account *account, const char *name);
gint64 account_option_int(const struct account *account, const char *name);

void account_emit(struct account *account, struct event event);
/* The name to show for an address: roster name, else localpart, else JID.
 * Borrowed from the model, or from jid itself. Not sanitized. */
const char *account_display_name(const struct account *account, const char *jid);
