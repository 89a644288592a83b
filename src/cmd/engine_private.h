/* What the files of cmd/ share and nobody else sees. */
#pragma once
#include "cmd/registry.h"

#define COMMAND_ERROR command_error_quark()
GQuark command_error_quark(void);

struct alias {
    const struct command *command;
    char *words; /* come first in the arguments; NULL: none */
};

struct engine {
    struct app *app;
    struct engine_host host;
    struct options *options;
    GHashTable *commands;  /* name → const struct command* */
    GHashTable *aliases;   /* name → struct alias* */
    GHashTable *jobs;      /* the living, a set */
    GQueue dead;           /* shells of ended jobs, so that an address is not
                              given out again at once (job_is_alive) */
    guint64 next_serial;
};

struct job_value {
    char *text;      /* the only or first value */
    GPtrArray *list; /* ARG_REPEAT: char*, NULL-terminated */
};

enum consent { CONSENT_UNSAID, CONSENT_YES, CONSENT_NO };

struct job {
    struct engine *engine;
    guint64 serial;
    const struct command *command; /* NULL: the line named none */
    char *name;                    /* "roster add", as it is in the table */
    struct front *front;
    struct sink *sink;             /* NULL: ended */
    struct account *account;
    struct chat *chat;
    char *tag, *source;
    int line, depth;
    bool wait_online;
    enum consent consent;
    struct job_value values[COMMAND_ARGS];
    char *parked_line;             /* waits to be online, then runs this */
    bool parked_json, parked_say;
    void (*cancel)(struct job *job, gpointer data);
    gpointer cancel_data;
    gpointer data;
    GDestroyNotify data_free;
    gpointer question;             /* struct confirmation* that is open */
};

struct job *job_new(struct engine *engine, const struct run_context *context);
void job_shell_free(struct job *job);
/* Runs fn and ends the job when it says CMD_DONE and did not end it. */
void job_step(struct job *job, enum cmd_status (*fn)(struct job *job));

/* --- parse.c ------------------------------------------------------------ */
struct trouble {  /* where a command line is wrong */
    char *text;
    size_t at;    /* byte of the line; G_MAXSIZE: no place */
    const char *condition; /* NULL: bad-request */
};
/* RFC 6120 s. 8.3.3 of a value that does not fit. */
const char *parse_condition(const GError *error);
/* "/name sub" at the start of line (which may be replaced by its expansion):
 * sets command and name of the job, *pos behind it. */
bool parse_command(struct job *job, char **line, size_t *pos, struct trouble *trouble);
/* The arguments behind pos; dry: only -a is looked at. */
bool parse_words(struct job *job, const char *line, size_t pos, bool dry, struct trouble *trouble);
bool parse_required(struct job *job, struct trouble *trouble);
bool parse_set(struct job *job, const struct arg *arg, const char *text, GError **error);
const struct command *command_find_sub(const struct command *command, const char *word, char **words);
const struct arg *command_option(const struct command *command, const char *word);
/* Is name an option of command or of what is below it? *value: its value is the
 * next word. */
bool command_option_below(const struct command *command, const char *name, bool *value);
bool arg_has_spelling(const struct arg *arg, const char *word);
/* "line" around at and a caret under it, two lines; new string. */
char *parse_excerpt(const char *line, size_t at);
bool command_has_secret(const struct command *command);

/* --- registry.c --------------------------------------------------------- */
/* The three nearest command names, "/a, /b or /c"; NULL: none is near. */
char *engine_nearest(const struct engine *engine, const char *word);
char *nearest_words(char **candidates, const char *word, const char *lead);
