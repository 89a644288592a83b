/*
 * One command = one row. The row makes the parser (with a caret under the
 * error), the synopsis, completion, /help, the manual and the JSON request
 * form. A handler never splits strings and never prints.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct job;
struct engine;
struct completion;

enum cmd_status { CMD_DONE, CMD_WAIT /* ends later in job_done */ };

enum needs {
    NEEDS_ACCOUNT = 1 << 0, /* job_account() is set */
    NEEDS_ONLINE = 1 << 1,  /* … and online (implies NEEDS_ACCOUNT) */
    NEEDS_CHAT = 1 << 2,    /* job_chat() is set (implies NEEDS_ACCOUNT) */
    NEEDS_ROOM = 1 << 3,
    NEEDS_SCREEN = 1 << 4,  /* refused in scripts with a sentence */
    NEEDS_CONSENT = 1 << 5, /* destroys something: asks, --yes/--no are accepted */
    NEEDS_ROSTER = 1 << 6,  /* shows what comes with the roster: a script that is
                               connecting waits for it (implies NEEDS_ACCOUNT);
                               otherwise what is known is shown */
    NEEDS_PANES = 1 << 8,   /* shows only in panes: refused in linear mode with a
                               sentence (implies NEEDS_SCREEN) */
    NEEDS_WIRE = 1 << 7,    /* sends, or queues for later on the screen: a script
                               waits to be online first (so does NEEDS_CHAT) */
};

/* A kind of argument is a row as well. */
struct arg_kind {
    const char *placeholder; /* "JID", shown in the synopsis */
    /* NULL: text is taken as it is. Otherwise the prepared value (new string)
     * or NULL and a sentence. */
    char *(*parse)(struct job *job, const char *text, GError **error);
    void (*complete)(struct completion *completion, const char *prefix);
    bool is_secret;          /* left out of history and log */
};

/* cmd/args.c; front ends and features may have their own. */
extern const struct arg_kind arg_text, arg_jid, arg_bare_jid, arg_contact,
    arg_account, arg_file, arg_int, arg_seconds, arg_word, arg_command,
    arg_option_name, arg_option_value, arg_group, arg_chat, arg_choice,
    arg_url, arg_date, arg_state /* presence words */;

enum arg_flags {
    ARG_OPTIONAL = 1 << 0,
    ARG_REST = 1 << 1,    /* the rest of the line as it stands; only the last */
    ARG_REPEAT = 1 << 2,  /* one or more (with ARG_OPTIONAL: any number) */
};

struct arg {
    const char *name;     /* "jid": also the key in JSON requests */
    const struct arg_kind *kind;
    unsigned flags;
    const char *option;   /* "-g", "--timeout" or a plain word ("from"): a named
                             argument; several spellings separated by blanks;
                             NULL: positional. kind NULL with option: a flag
                             without value */
    const char *choices;  /* arg_choice: words separated by blanks */
    const char *summary;  /* one line for the manual, may be NULL */
};
#define COMMAND_ARGS 10

struct command {
    const char *name;
    const char *aliases;          /* separated by blanks, or NULL. "NAME=WORDS"
                                     makes NAME an alias with first words,
                                     "away=away" "gadd=group,add" */
    unsigned needs;
    struct arg args[COMMAND_ARGS];
    const char *summary;          /* "Add a contact to the roster" */
    const char *words;            /* what else people call it, for /help's search:
                                     words separated by blanks; NULL */
    const char *detail;           /* paragraphs separated by blank lines; NULL */
    const char *const *examples;  /* pairs: line, what it does; NULL-terminated; NULL */
    bool finds;                   /* looks for something: without a row a person
                                     is told that there is nothing */
    const char *fields;           /* the rows it emits, their columns in order:
                                     "contact: jid name? groups[]; …"; NULL */
    enum cmd_status (*run)(struct job *job);
    const struct command *sub;    /* ends with a NULL name; NULL: none */
};
