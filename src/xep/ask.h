/* A command that asks somebody one question and waits: the reply comes back
 * to the job, an error reply ends it with a sentence. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "cmd/job.h"
#include "xmpp/iq.h"

/* result is borrowed. Ends the job unless more follows. */
typedef void (*ask_reply_fn)(struct job *job, const char *jid,
    xmpp_stanza_t *result, bool more, gint64 elapsed_us);
/* Takes iq. What the handler must return. */
enum cmd_status ask_send(struct job *job, xmpp_stanza_t *iq, ask_reply_fn fn);
/* For everything that ends a job by an iq's outcome. */
void ask_fail(
    struct job *job, const char *jid, const struct stanza_error *error);
/* A reply that only says that it was done. */
void ask_reply_done(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us);

/* Whom argument "jid" means (new string): itself, else the peer of the job's
 * chat, else our server. full: the best resource of a contact; NULL and the
 * job has failed when none is online. */
#define ASK_TARGET_ARG                                                         \
    {                                                                          \
        .name = "jid", .kind = &arg_jid, .flags = ARG_OPTIONAL,                \
        .summary = "whom; the peer of this chat, else our server"              \
    }
char *ask_target(struct job *job, bool full);
/* Asks that one for element and waits: what most commands do. */
enum cmd_status ask_get(struct job *job, bool full, const char *element,
    const char *ns, ask_reply_fn fn);
