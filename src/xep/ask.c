#include "xep/ask.h"

#include "model/jid.h"

struct ask {
    struct account *account;
    struct job *job; /* NULL: it was given up */
    char *id, *jid;
    ask_reply_fn fn;
    gint64 start_us;
};

static void ask_free(gpointer data)
{
    struct ask *ask = data;
    g_free(ask->id);
    g_free(ask->jid);
    g_free(ask);
}

void ask_fail(
    struct job *job, const char *jid, const struct stanza_error *error)
{
    g_autofree char *sentence = stanza_error_sentence(error);
    job_fail(job, error->condition, "%s: %s", jid, sentence);
}

void ask_reply_done(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)jid;
    (void)result;
    (void)elapsed_us;
    if (!more)
        job_done(job);
}

static void on_reply(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)account;
    struct ask *ask = data;
    struct job *job = ask->job;
    if (!job)
        return;
    if (!result || !more)
        ask->job = NULL; /* the job ends now: nothing may cancel us any more */
    if (!result) {
        job_on_cancel(job, NULL, NULL);
        ask_fail(job, ask->jid, error);
        return;
    }
    if (!more)
        job_on_cancel(job, NULL, NULL);
    ask->fn(
        job, ask->jid, result, more, g_get_monotonic_time() - ask->start_us);
}

static void on_cancel(struct job *job, gpointer data)
{
    (void)job;
    struct ask *ask = data;
    ask->job = NULL;
    if (ask->id)
        iq_cancel(ask->account, ask->id);
}

enum cmd_status ask_send(struct job *job, xmpp_stanza_t *iq, ask_reply_fn fn)
{
    struct account *account = job_account(job);
    const char *to = stanza_attr(iq, "to");
    struct ask *ask = g_new0(struct ask, 1);
    ask->account = account;
    ask->job = job;
    ask->jid = g_strdup(to ? to : account->jid);
    ask->fn = fn;
    ask->start_us = g_get_monotonic_time();
    job_on_cancel(job, on_cancel, ask);
    const char *id = iq_send(account, iq, 0, on_reply, ask, ask_free);
    if (!id)
        return CMD_DONE; /* on_reply was called with the reason */
    ask->id = g_strdup(id);
    return CMD_WAIT;
}

char *ask_target(struct job *job, bool full)
{
    struct account *account = job_account(job);
    const char *jid = job_arg(job, "jid");
    const struct chat *chat = jid ? NULL : job_chat(job);
    if (chat)
        jid = chat->jid;
    if (!jid)
        return jid_domain(account->jid);
    if (!full || jid_resource(jid))
        return g_strdup(jid);
    const struct contact *contact = roster_find(account->roster, jid);
    if (!contact || !contact->in_roster || jid == jid_domain_start(jid))
        return g_strdup(jid);
    const struct presence *best = contact_best(contact);
    if (best)
        return g_strdup(best->from);
    job_fail(job, "recipient-unavailable",
        "%s is not online, so no client of theirs can answer.", jid);
    return NULL;
}

enum cmd_status ask_get(struct job *job, bool full, const char *element,
    const char *ns, ask_reply_fn fn)
{
    g_autofree char *jid = ask_target(job, full);
    return jid ? ask_send(job, iq_new("get", jid, element, ns, NULL), fn)
               : CMD_DONE;
}
