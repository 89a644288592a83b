/*
 * Stream management (XEP-0198) as the rest of xmpp/ sees it: somebody who
 * counts the stanzas of both directions, proves what the server has, and can
 * take up a session again. One feature of the list brings it (feature.h); every
 * function is called with the account attached.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include <strophe.h>
#include "model/account.h"

struct stream_manager {
    /* ---- the life of a session ---- */
    /* Bound anew and online, nothing sent yet: switches itself on. */
    void (*online)(struct account *account);
    /* The connection is lost: may its session be taken up again? Then nothing
     * is said to be lost for away_s seconds. */
    bool (*may_resume)(const struct account *account, unsigned *away_s);
    /* Whose stanzas were kept for that is gone; the rows are the outbox's. */
    void (*lost)(struct account *account);
    /* A new address was bound: what was to be taken up is over. */
    void (*replaced)(struct account *account);
    /* We are about to close in order: what we have is said. */
    void (*leaving)(struct account *account);
    /* We closed in order. */
    void (*ended)(struct account *account);
    /* net/stream.h. resumed: sends what the server lacks; false: the stream
     * was failed. */
    xmpp_stanza_t *(*resume)(struct account *account);
    bool (*resumed)(struct account *account, xmpp_stanza_t *resumed);
    void (*resume_failed)(struct account *account, xmpp_stanza_t *failed);
    /* The address of the session that is taken up; borrowed. */
    const char *(*address)(const struct account *account);
    /* Where the server wants to be met for that; borrowed, NULL. */
    const char *(*location)(const struct account *account);

    /* ---- counting ---- */
    /* A message, presence or iq is on its way; NULL: a ping of the stream. */
    void (*sent)(struct account *account, xmpp_stanza_t *stanza);
    /* There is no connection: will it be sent when the session is taken up?
     * Takes a reference then. */
    bool (*hold)(struct account *account, xmpp_stanza_t *stanza);
    /* One of those that came in was worked through. */
    void (*handled)(struct account *account);
    /* The transaction is about to be committed: puts its numbers into it. */
    void (*write)(struct account *account);
    /* The turn is over; on_disk: what was written is, or all when nothing had
     * to be. */
    void (*turn)(struct account *account, bool on_disk);
    /* Are its numbers to be committed even when nothing else is? */
    bool (*wants_turn)(const struct account *account);

    /* ---- proof ---- */
    /* Does the server confirm what is sent? next: the number that the next
     * stanza gets. */
    bool (*counts)(const struct account *account, guint32 *next);
    /* Asks what the server has: once for all that is on its way. */
    void (*request)(struct account *account);
    /* The same as a sign of life; false: cannot. */
    bool (*ask_alive)(struct account *account);
};
