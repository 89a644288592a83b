/*
 * What stands in the contact list, and in which order; pane_roster.c draws
 * it. Entries come from the rosters of all accounts, and from open chats with
 * rooms and with people who are in none.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct account;
struct chat;
struct contact;
struct tui;

enum roster_order { ORDER_PRESENCE, ORDER_NAME, ORDER_ACTIVITY };
enum roster_show { LIST_ALL, LIST_ONLINE, LIST_AVAILABLE, LIST_UNREAD };
enum { RANK_AVAILABLE = 0, RANK_OFFLINE = 9 };

struct entry {
    const char *key;         /* folded label, to sort and filter by … */
    const char *jid;         /* … and right behind it the address */
    gint64 active;           /* as it was sorted: last message … */
    int rank;                /* … presence … */
    guint urgency;           /* … 2 mention, 1 unread */
    guint unread;
    bool queued, moving, hidden /* by what is to be shown */;
    struct account *account;
    struct contact *contact; /* NULL: a chat that is not in the roster */
    struct chat *chat;       /* … then this one, borrowed until CHAT_GONE */
    struct group **groups;   /* borrowed */
    guint n_groups;
};

struct group {
    struct section *section;
    char *name;              /* NULL: contacts without group */
    GPtrArray *entries;      /* struct entry*, sorted, hidden ones last */
    GPtrArray *incoming;     /* while many move; else NULL */
    guint online, visible;
    bool folded, special;    /* special: rooms, people not in the roster */
};

struct section {
    struct account *account;
    GPtrArray *groups;       /* struct group*, sorted */
    bool folded;
};

/* One row of the list, and where to go on from. */
struct row {
    struct section *section;
    struct group *group;     /* NULL: account heading */
    struct entry *entry;     /* NULL: group heading */
    guint s, g, e;
};

struct rows {
    struct tui *tui;
    enum roster_order order;
    enum roster_show show;
    bool unread_first;
    GPtrArray *sections;
    GArray *entries;         /* struct entry: all of them by name, so that the
                                order of addresses is the order of names */
    GPtrArray *memberships;  /* what entry->groups points into */
    GPtrArray *queued;       /* struct entry* to be put where they belong */
    GHashTable *strangers;   /* chat → its entry */
    GHashTable *folded;      /* "ACCOUNT", "ACCOUNT/GROUP" */
    GStringChunk *texts;     /* what entry->key points to */
    bool stale;              /* to be built anew */
    char *filter;            /* folded; NULL: none */
    GPtrArray *found;        /* struct entry* that match, by name */
    GPtrArray *matches;      /* the same, the best first */
    bool rematch, narrower /* than the last filter */;
};

struct rows *rows_new(struct tui *tui);
void rows_free(struct rows *rows);
/* At once: what it points to is about to go. */
void rows_reset(struct rows *rows);
void rows_settle(struct rows *rows); /* before anything is read from it */
void rows_touch_contact(struct rows *rows, struct contact *contact);
void rows_change_contact(struct rows *rows, struct contact *contact);
void rows_touch_chat(struct rows *rows, struct chat *chat);
void rows_forget(struct rows *rows, struct contact *contact);
void rows_filter(struct rows *rows, const char *text); /* "": none */
void rows_fold(struct rows *rows, const struct row *row, bool folded);

guint rows_count(const struct rows *rows);
bool rows_at(const struct rows *rows, guint index, struct row *row);
bool rows_next(const struct rows *rows, struct row *row);
struct entry *rows_entry(const struct rows *rows, struct account *account, const char *jid);
gint64 rows_index(const struct rows *rows, const struct entry *entry); /* -1: not seen */
gint64 rows_index_of_group(const struct rows *rows, const struct group *group);
const char *entry_label(const struct entry *entry);
struct chat *entry_chat(const struct entry *entry); /* NULL: none yet */
