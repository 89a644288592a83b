/*
 * The block list belongs to the server; what is kept here is a copy, renewed
 * at every login and by the server's pushes (only its own count). Blocking
 * waits for the server's word: nothing is pretended.
 */
#include "xep/xep0191_blocking.h"

#include <string.h>
#include "base/intl.h"
#include "cmd/job.h"
#include "cmd/registry.h"
#include "model/jid.h"
#include "xep/ask.h"
#include "xep/xep.h"
#include "xep/xep0030_disco.h"
#include "xmpp/rfc6120_session.h"

#define MAX_BLOCKED (64 * 1024)

struct blocking_state {
    GHashTable *jids;  /* set of char * */
    GHashTable *fresh; /* while a list is coming in portions */
};

static struct blocking_state *state_of(const struct account *account)
{
    return feature_state(account, &xep0191);
}

static GHashTable *set_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

bool blocking_is_blocked(const struct account *account, const char *jid)
{
    const struct blocking_state *state = state_of(account);
    if (!state || !g_hash_table_size(state->jids))
        return false;
    if (g_hash_table_contains(state->jids, jid))
        return true;
    g_autofree char *bare = jid_bare(jid);
    if (g_hash_table_contains(state->jids, bare) ||
        g_hash_table_contains(state->jids, jid_domain_start(bare)))
        return true;
    const char *resource = jid_resource(jid);
    if (!resource)
        return false;
    /* XEP-0191 s. 3.1: domain/resource is the fourth form. */
    g_autofree char *of_domain =
        g_strconcat(jid_domain_start(bare), "/", resource, NULL);
    return g_hash_table_contains(state->jids, of_domain);
}

/* False: it names nobody. */
static bool add_items(GHashTable *jids, xmpp_stanza_t *list)
{
    xmpp_stanza_t *item = stanza_child(list, "item", NS_BLOCKING);
    bool any = false;
    for (; item; item = stanza_next(item, "item", NS_BLOCKING)) {
        const char *jid = stanza_attr(item, "jid");
        if (!jid || !jid_is_valid(jid))
            continue;
        any = true;
        if (g_hash_table_size(jids) < MAX_BLOCKED)
            g_hash_table_add(jids, g_strdup(jid));
    }
    return any;
}

static void on_list(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)error;
    (void)data;
    struct blocking_state *state = state_of(account);
    if (!result)
        return;
    if (!state->fresh)
        state->fresh = set_new();
    add_items(state->fresh, stanza_child(result, "blocklist", NS_BLOCKING));
    if (more)
        return;
    g_hash_table_unref(state->jids);
    state->jids = g_steal_pointer(&state->fresh);
}

static void on_server(struct account *account, const struct disco_info *info,
    const struct stanza_error *error, gpointer data)
{
    (void)error;
    (void)data;
    if (disco_info_has(info, NS_BLOCKING))
        iq_send(account, iq_new("get", NULL, "blocklist", NS_BLOCKING, NULL), 0,
            on_list, NULL, NULL);
}

static void ready(struct account *account)
{
    g_autofree char *domain = jid_domain(account->jid);
    g_clear_pointer(&state_of(account)->fresh, g_hash_table_unref);
    disco_query_info(account, domain, NULL, on_server, NULL, NULL);
}

/* Pushes (XEP-0191 s. 3.3): from our own account's server or not at all. */

static bool is_push(struct iq_request *request)
{
    const char *from = stanza_attr(request->iq, "from");
    if (!from || jid_equal_prepared(from, request->account->jid))
        return true;
    iq_error(request, "cancel", "service-unavailable", NULL);
    return false;
}

static void on_block(struct iq_request *request)
{
    if (!is_push(request))
        return;
    if (!add_items(state_of(request->account)->jids, request->child)) {
        iq_error(request, "modify", "bad-request", NULL);
        return;
    }
    iq_result(request, NULL);
}

static void on_unblock(struct iq_request *request)
{
    if (!is_push(request))
        return;
    struct blocking_state *state = state_of(request->account);
    xmpp_stanza_t *item = stanza_child(request->child, "item", NS_BLOCKING);
    if (!item) /* all of them */
        g_hash_table_remove_all(state->jids);
    for (; item; item = stanza_next(item, "item", NS_BLOCKING))
        if (stanza_attr(item, "jid"))
            g_hash_table_remove(state->jids, stanza_attr(item, "jid"));
    iq_result(request, NULL);
}

/* /block, /unblock, /blocklist */

static enum cmd_status fail_unsupported(struct job *job)
{
    return job_fail(job, "feature-not-implemented",
        "Your server cannot block anybody. /silence and /roster remove work "
        "without it.");
}

static bool is_unsupported(struct job *job)
{
    return disco_server_has(job_account(job), NS_BLOCKING) == DISCO_NO;
}

/* The addresses given, else the peer of the chat; NULL-terminated, borrowed. */
static GPtrArray *targets(struct job *job)
{
    GPtrArray *jids = g_ptr_array_new();
    const char *const *given = job_list(job, "jid");
    for (; *given; given++)
        g_ptr_array_add(jids, (gpointer)*given);
    const struct chat *chat = job_chat(job);
    if (!jids->len && chat)
        g_ptr_array_add(jids, chat->jid);
    return jids;
}

static enum cmd_status send_list(struct job *job, const char *name)
{
    g_autoptr(GPtrArray) jids = targets(job);
    if (is_unsupported(job))
        return fail_unsupported(job);
    if (!jids->len)
        return job_fail(job, "bad-request",
            "Say whom: /%s JID, or open the chat with them.", name);
    xmpp_stanza_t *list;
    xmpp_stanza_t *iq = iq_new("set", NULL, name, NS_BLOCKING, &list);
    for (guint i = 0; i < jids->len; i++)
        stanza_add(list, "item", NS_BLOCKING, "jid", jids->pdata[i], NULL);
    return ask_send(job, iq, ask_reply_done);
}

static enum cmd_status block(struct job *job)
{
    return send_list(job, "block");
}

/* Nobody is blocked by a word that was forgotten. */
static enum cmd_status run_block(struct job *job)
{
    const struct chat *chat = job_chat(job);
    if (*job_list(job, "jid") || !chat || is_unsupported(job))
        return block(job);
    g_autofree char *question = g_strdup_printf(
        _("Block %s? Nothing of theirs will reach you any more."), chat->jid);
    return job_confirm(job, question, block);
}

static enum cmd_status unblock_all(struct job *job)
{
    return ask_send(
        job, iq_new("set", NULL, "unblock", NS_BLOCKING, NULL), ask_reply_done);
}

static enum cmd_status unblock(struct job *job)
{
    return send_list(job, "unblock");
}

static enum cmd_status run_unblock(struct job *job)
{
    if (!job_flag(job, "all"))
        return unblock(job);
    if (is_unsupported(job))
        return fail_unsupported(job);
    return job_confirm(
        job, _("Unblock everybody on the block list?"), unblock_all);
}

static void show_list(struct job *job, const char *jid, xmpp_stanza_t *result,
    bool more, gint64 elapsed_us)
{
    (void)jid;
    (void)elapsed_us;
    on_list(job_account(job), result, NULL, more, NULL);
    xmpp_stanza_t *list = stanza_child(result, "blocklist", NS_BLOCKING);
    xmpp_stanza_t *item = stanza_child(list, "item", NS_BLOCKING);
    for (; item; item = stanza_next(item, "item", NS_BLOCKING))
        if (stanza_attr(item, "jid"))
            JOB_ROW(job, "blocked", FIELD_T("jid", stanza_attr(item, "jid")));
    if (!more)
        job_done(job);
}

static enum cmd_status run_blocklist(struct job *job)
{
    if (is_unsupported(job))
        return fail_unsupported(job);
    return ask_send(
        job, iq_new("get", NULL, "blocklist", NS_BLOCKING, NULL), show_list);
}

static void complete_blocked(struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (!completion->account || !state_of(completion->account))
        return;
    GHashTableIter iter;
    gpointer jid;
    g_hash_table_iter_init(&iter, state_of(completion->account)->jids);
    while (g_hash_table_iter_next(&iter, &jid, NULL))
        completion_add(completion, jid);
}

static char *parse_jid(struct job *job, const char *text, GError **error)
{
    (void)job;
    return jid_prepare(text, error);
}
static const struct arg_kind arg_blocked = {
    .placeholder = "JID", .parse = parse_jid, .complete = complete_blocked
};

static const char *const block_examples[] = {
    "/block mercutio@example.net",
    "Nothing from him arrives any more.",
    "/block spam.example",
    "Nobody from that server.",
    NULL,
};
static const char *const unblock_examples[] = {
    "/unblock mercutio@example.net",
    "Hear from him again.",
    "/unblock --all --yes",
    "Empty the list without a question.",
    NULL,
};
static const char *const list_examples[] = {
    "/blocklist",
    "Who is blocked, one address a line.",
    NULL,
};
static const struct command list_commands[] = {
    { .name = "add",
        .needs = NEEDS_ONLINE,
        .run = block,
        .args = { { .name = "jid", .kind = &arg_jid, .flags = ARG_REPEAT } },
        .summary = "As /block" },
    { .name = "remove",
        .needs = NEEDS_ONLINE,
        .run = unblock,
        .args = { { .name = "jid",
            .kind = &arg_blocked,
            .flags = ARG_REPEAT } },
        .summary = "As /unblock" },
    { .name = NULL },
};

static const struct command commands[] = {
    { .name = "block",
        .needs = NEEDS_ONLINE | NEEDS_CONSENT,
        .run = run_block,
        .args = { { .name = "jid",
            .kind = &arg_jid,
            .flags = ARG_OPTIONAL | ARG_REPEAT,
            .summary = "a person, a server, or one resource; without it the "
                       "peer of this chat, which asks first" } },
        .words = "ban ignore mute stop stranger spam harass unwanted",
        .summary = "Hear nothing more from somebody",
        .detail = "The server keeps everything of theirs away from all your "
                  "clients, and shows you to them as offline (XEP-0191).",
        .examples = block_examples },
    { .name = "unblock",
        .needs = NEEDS_ONLINE | NEEDS_CONSENT,
        .run = run_unblock,
        .args = { { .name = "jid",
                      .kind = &arg_blocked,
                      .flags = ARG_OPTIONAL | ARG_REPEAT,
                      .summary = "the peer of this chat without it" },
            { .name = "all",
                .option = "--all",
                .summary = "everybody; asks first" } },
        .words = "allow again unban unignore",
        .summary = "Take somebody off the block list",
        .examples = unblock_examples },
    { .name = "blocklist",
        .aliases = "blocked",
        .needs = NEEDS_ONLINE,
        .run = run_blocklist,
        .sub = list_commands,
        .words = "blocked banned ignored",
        .summary = "List who is blocked",
        .examples = list_examples,
        .fields = "blocked: jid" },
    { .name = NULL },
};

static void attach(struct account *account)
{
    state_of(account)->jids = set_new();
}

static void detach(struct account *account)
{
    struct blocking_state *state = state_of(account);
    g_hash_table_unref(state->jids);
    g_clear_pointer(&state->fresh, g_hash_table_unref);
}

static const struct iq_hook iq_hooks[] = {
    { "set", "block", NS_BLOCKING, on_block },
    { "set", "unblock", NS_BLOCKING, on_unblock },
    { .run = NULL },
};

const struct feature xep0191 = {
    .spec = "XEP-0191",
    .name = "Blocking Command",
    .version = "1.3",
    .since = "0.1.0",
    .iq = iq_hooks,
    .commands = commands,
    .state_size = sizeof(struct blocking_state),
    .attach = attach,
    .detach = detach,
    .ready = ready,
};
