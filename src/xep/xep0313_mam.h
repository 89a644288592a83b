/*
 * The message archive (XEP-0313) of our own account. xep0313_mam.c asks and
 * believes nothing but answers to open questions; xep0313_sync.c keeps the
 * store without gaps: after sign-in it goes on from the last id up to which
 * nothing is missing, what cannot be had then is remembered as a hole and
 * filled in the background, and what is older comes when somebody looks.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "model/account.h"
#include "xmpp/stanza.h"

/* ---- for front ends and commands ---- */

/* fetched: new messages in the store; more: the archive goes on before them.
 * error: a sentence, NULL when it worked. chat lives. */
typedef void (*mam_done_fn)(struct chat *chat, guint fetched, bool more,
    const char *error, gpointer data);
/* Older messages of a chat than the store has, a page of them. False: there
 * are none, or nobody to ask now; fn is not called then. One at a time for a
 * chat: while one is under way a second is not asked, and false comes back.
 * fn is not called when the account goes away. */
bool mam_fetch_before(struct chat *chat, mam_done_fn fn, gpointer data);
void mam_forget(struct account *account, gpointer data); /* … any more */
bool mam_has_more(const struct chat *chat); /* perhaps */
/* The place from which on the chat has all that the archive has; 0: it has
 * all. What the store has before it (imported) may lack something between. */
gint64 mam_reach(const struct chat *chat);
/* What is older is not to come any more: it was thrown away on purpose. */
void mam_close(struct account *account, const char *jid);

/* Our messages that the archive has, by their origin ids, are completed in the
 * store with their archive id (stanza_id) by the catch-up. When it is over,
 * fn is told whether what still has none is known not to be there (F06). At
 * once when that is known already. */
typedef void (*mam_settled_fn)(
    struct account *account, bool whole, gpointer data);
void mam_when_settled(
    struct account *account, mam_settled_fn fn, gpointer data);

/* ---- one page (xep0313_mam.c) ---- */

struct mam_page {
    /* The question; strings are owned by the page. */
    struct account *account;
    char *with;           /* JID; NULL: everybody */
    char *start, *end;    /* XEP-0082; NULL */
    char *after, *before; /* ids; before "" is the end of the archive */
    guint max;
    bool quiet;           /* history: neither unread nor announced */
    gint64 floor;         /* forwards: rows behind this one; 0: any */
    gint64 ceiling;       /* backwards: rows before this one; 0: any */
    GHashTable *touched;  /* gets the JIDs of the chats; borrowed, NULL */
    void (*done)(struct mam_page *page); /* answered; page is freed then */
    gpointer data;
    GDestroyNotify free_data; /* when done was not called; NULL */
    /* The answer. */
    guint results;        /* that were genuine */
    guint fresh;          /* of them new in the store */
    char *first, *last;   /* ids */
    gint64 first_us, last_us; /* times; 0: not said */
    bool complete, saw_stop;
    bool unstable;        /* the server may say something else later */
    char *stop;           /* an id that ends the search, NULL */
    char *condition;      /* of the error, NULL: it worked */
    char *sentence;
    /* Its own. */
    char *queryid;
    bool answered;
    GPtrArray *held;      /* backwards: struct message* until all are here */
    gint64 place;         /* of the last one put */
};

struct mam_page *mam_page_new(struct account *account);
/* Takes page. Not online: done is called with an error at once. */
void mam_page_ask(struct mam_page *page);
void mam_page_cancel_all(struct account *account); /* done is not called */

/* ---- the state of an account, shared by the two files ---- */

struct mam_context { /* of the result whose message is in the inbox */
    struct mam_page *page;
    const char *id;
    gint64 time_us;
};

#define MAM_SEEN 8
struct mam {
    struct mam_context *context;
    GHashTable *pages;     /* queryid → struct mam_page */
    bool supported;
    bool no_rooms;         /* it can leave out what was said in rooms */
    bool running;          /* the catch-up; no holes are filled meanwhile */
    bool proving;          /* the outbox waits for its end */
    bool whole;            /* nothing is missing up to now */
    bool unstable;         /* a page of this catch-up was: last stays behind */
    guint fetched;
    gint64 told_us;
    bool told;             /* of this catch-up: it is a long one */
    char *last;            /* id up to which nothing is missing, NULL … */
    gint64 floor;          /* … and a place that all up to it are before */
    bool unsaved;          /* last is newer than the store's */
    guint save_timer, fill_timer;
    char *seen[MAM_SEEN];  /* last ids of the last pages: is it a loop? */
    guint seen_at;
    GHashTable *touched;   /* chats of the first sign-in */
    gint64 filling;        /* row of the hole, 0: none */
    GArray *waiting;       /* struct mam_waiting: for the catch-up */
    GHashTable *fetching;  /* chat JID → struct mam_fetch */
};
struct mam *mam_of(const struct account *account); /* NULL: not attached */

/* A catch-up now; fn as mam_when_settled(). False: not possible. */
bool mam_sync(struct account *account, mam_settled_fn fn, gpointer data);

/* xep0313_sync.c: the hooks of the feature. */
void mam_attach(struct account *account);
void mam_detach(struct account *account);
void mam_ready(struct account *account);
void mam_offline(struct account *account);
