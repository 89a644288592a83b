/*
 * Options: every key of txmpp.conf is one row. Values are kept in a GKeyFile
 * so that comments and unknown keys survive; a change is written at once
 * (contract.md s. 3). A row names its section: "ui", "net" … for global ones,
 * "account" for those that stand in every [account JID] section.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

/* OPTION_LIST: words separated by blanks. OPTION_SECONDS: 90, 5m, 2h, 1d. */
enum option_kind { OPTION_BOOL, OPTION_INT, OPTION_STRING, OPTION_ENUM, OPTION_SECONDS, OPTION_LIST };

struct option {
    const char *name;      /* "ui.theme"; account options: "account.resource" */
    enum option_kind kind;
    const char *fallback;  /* default as text; NULL: unset */
    const char *choices;   /* OPTION_ENUM: words separated by blanks */
    gint64 min, max;       /* OPTION_INT and OPTION_SECONDS, when max > min */
    const char *summary;   /* one line for help and manual */
    const char *detail;    /* more for the manual, NULL */
    const char *words;     /* what else people call it, for /help's search; NULL */
};

struct options;

/* Damaged files: returned problems name file and line; the file is kept as it
 * is and never rewritten in that session (F16). problems: new array of char*. */
struct options *options_new(const char *path, GPtrArray *problems);
void options_free(struct options *options);

/* rows: ends with a NULL name; static. */
void options_register(struct options *options, const struct option *rows);
/* After every row is registered: unknown keys become problems (the array given
 * to options_new; it is not used any more after this). */
void options_check(struct options *options);
const struct option *options_row(const struct options *options, const char *name);
typedef void (*option_fn)(const struct option *row, gpointer data);
void options_foreach(const struct options *options, option_fn fn, gpointer data); /* sorted */

/* account: bare JID for account options, NULL for global ones. Borrowed until
 * the next set. Never NULL for rows with a fallback. */
const char *options_get(const struct options *options, const char *account, const char *name);
bool options_bool(const struct options *options, const char *account, const char *name);
gint64 options_int(const struct options *options, const char *account, const char *name);
bool options_is_default(const struct options *options, const char *account, const char *name);

/* Checks kind, range and choice; value NULL resets. Saves unless transient.
 * A transient value (command line) hides the stored one and is never saved. */
bool options_set(struct options *options, const char *account, const char *name,
    const char *value, bool transient, GError **error);

/* [account JID] sections, in file order; new NULL-terminated array. */
char **options_accounts(const struct options *options);
bool options_add_account(struct options *options, const char *jid, GError **error);
bool options_remove_account(struct options *options, const char *jid, GError **error);

/* Free sections for other tables: [keys], [alias], [trust JID]. */
char **options_section_keys(const struct options *options, const char *section);
char *options_section_get(const struct options *options, const char *section, const char *key);
bool options_section_set(struct options *options, const char *section,
    const char *key, const char *value, GError **error); /* NULL removes */

/* Told after a value changed. */
typedef void (*option_changed_fn)(const struct option *row, const char *account,
    const char *value, gpointer data);
void options_on_change(struct options *options, option_changed_fn fn, gpointer data);
