/* Who has access to the account: the connected clients by their presence,
 * then, where the server tells, all that may log in (XEP-0494). What the
 * server says of a client is its claim and is only shown. */
#include <string.h>
#include "base/stamp.h"
#include "xep/ask.h"
#include "xep/xep.h"
#include "xmpp/rfc6120_session.h"
#include "xmpp/rfc6121_presence.h"

#define NS_CAM "urn:xmpp:cam:0"
#define CLIENTS_MAX 200

static bool is_true(const char *text)
{
    return g_strcmp0(text, "true") == 0 || g_strcmp0(text, "1") == 0;
}

static gint64 time_in(xmpp_stanza_t *client, const char *name)
{
    g_autofree char *text = stanza_child_text(client, name, NS_CAM);
    gint64 time_us;
    return text && stamp_parse(text, &time_us) ? time_us : 0;
}

/* "password", "fast": the names of the elements of <auth/>. */
static GStrv ways_in(xmpp_stanza_t *client)
{
    GPtrArray *names = g_ptr_array_new();
    xmpp_stanza_t *auth = stanza_child(client, "auth", NS_CAM);
    xmpp_stanza_t *way = stanza_first_element(auth);
    for (; way && names->len < 8; way = stanza_next(way, NULL, NULL))
        g_ptr_array_add(names, g_strdup(stanza_name(way)));
    g_ptr_array_add(names, NULL);
    return (GStrv)g_ptr_array_free(names, FALSE);
}

static void client_row(struct job *job, xmpp_stanza_t *client)
{
    xmpp_stanza_t *agent = stanza_child(client, "user-agent", NS_CAM);
    xmpp_stanza_t *permission = stanza_child(client, "permission", NS_CAM);
    g_autofree char *software = stanza_child_text(agent, "software", NS_CAM);
    g_autofree char *device = stanza_child_text(agent, "device", NS_CAM);
    g_auto(GStrv) ways = ways_in(client);

    JOB_ROW(job, "client", FIELD_T("id", stanza_attr(client, "id")),
        FIELD_T("software", software), FIELD_T("device", device),
        FIELD_B("connected", is_true(stanza_attr(client, "connected"))),
        FIELD_D("first_seen", time_in(client, "first-seen")),
        FIELD_D("last_seen", time_in(client, "last-seen")),
        FIELD_L("auth", (const char *const *)ways),
        FIELD_T("permission", stanza_attr(permission, "status")));
}

static void on_clients(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)account;
    (void)error; /* the server does not tell: what was listed is all */
    struct job **held = data;
    struct job *job = *held;
    xmpp_stanza_t *clients = stanza_child(result, "clients", NS_CAM);
    xmpp_stanza_t *client = stanza_child(clients, "client", NS_CAM);
    if (!job || more)
        return;
    for (int n = 0; client && n < CLIENTS_MAX;
         n++, client = stanza_next(client, "client", NS_CAM))
        if (stanza_attr(client, "id"))
            client_row(job, client);
    *held = NULL;
    job_on_cancel(job, NULL, NULL);
    job_done(job);
}

static void on_cancel(struct job *job, gpointer data)
{
    (void)job;
    struct job **held = data;
    *held = NULL; /* the reply frees it */
}

static enum cmd_status run_list(struct job *job)
{
    struct account *account = job_account(job);
    rfc6121_presence_resource_rows(job, account->jid);
    if (!session_is_online(account))
        return job_done(job);
    struct job **held = g_new(struct job *, 1);
    *held = job;
    job_on_cancel(job, on_cancel, held);
    const char *id = iq_send(account, iq_new("get", NULL, "list", NS_CAM, NULL),
        0, on_clients, held, g_free);
    return id ? CMD_WAIT : CMD_DONE;
}

static void on_revoked(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    (void)account;
    struct job **held = data;
    struct job *job = *held;
    if (!job || more)
        return;
    *held = NULL;
    job_on_cancel(job, NULL, NULL);
    if (result)
        job_done(job);
    else if (g_strcmp0(error->app, "password-reset-required") == 0)
        job_fail(job, error->condition,
            "This client knows the password: it is locked out only by a new "
            "one, see /password.");
    else if (strcmp(error->condition, "service-unavailable") == 0 ||
             strcmp(error->condition, "feature-not-implemented") == 0)
        job_fail(job, "feature-not-implemented",
            "Your server cannot lock out single clients; a new password locks "
            "out all of them, see /password.");
    else
        ask_fail(job, job_arg(job, "id"), error);
}

static enum cmd_status run_revoke(struct job *job)
{
    struct account *account = job_account(job);
    const char *id = job_arg(job, "id");
    if (!id) {
        if (!session_has_token(account))
            return job_fail(job, "item-not-found",
                "This client keeps no token for %s.", account->jid);
        session_give_up_token(account);
        return job_done(job);
    }
    if (!session_is_online(account))
        return job_fail(job, "recipient-unavailable",
            "Only the server can lock out another client: connect first.");
    struct job **held = g_new(struct job *, 1);
    *held = job;
    job_on_cancel(job, on_cancel, held);
    xmpp_stanza_t *revoke;
    xmpp_stanza_t *iq = iq_new("set", NULL, "revoke", NS_CAM, &revoke);
    stanza_set(revoke, "id", id);
    const char *request = iq_send(account, iq, 0, on_revoked, held, g_free);
    return request ? CMD_WAIT : CMD_DONE;
}

#define FIELDS                                                                 \
    "client: id software? device? connected first_seen? last_seen? auth[] "    \
    "permission?; resource: jid show priority status? client? since this"

static const char *const revoke_examples[] = {
    "/devices revoke",
    "Give up the token of this client: the next login needs the password.",
    "/devices revoke zeiP41HLglIu",
    "Lock out another one; the list has the ids.",
    NULL,
};
static const char *const examples[] = {
    "/devices",
    "Where this account is in use, and who may use it.",
    NULL,
};
static const struct command subs[] = {
    { .name = "list",
        .needs = NEEDS_ROSTER,
        .summary = "List the clients of this account",
        .fields = FIELDS,
        .run = run_list },
    { .name = "revoke",
        .needs = NEEDS_ACCOUNT,
        .args = { { .name = "id",
            .kind = &arg_word,
            .flags = ARG_OPTIONAL,
            .summary = "of a row of the list; this client when left out" } },
        .summary = "Take away a client's access",
        .detail = "Without an id, the token of this client is given up: when "
                  "connected, txmpp connects again, so that the server knows "
                  "(XEP-0484). Other clients are locked out by the server, "
                  "where it can do that (XEP-0494).",
        .examples = revoke_examples,
        .run = run_revoke },
    { .name = NULL },
};
static const struct command commands[] = {
    { .name = "devices",
        .needs = NEEDS_ROSTER,
        .words = "clients sessions phone logout access token lost stolen",
        .summary = "The clients of this account",
        .detail = "First those that are connected, by their presence; then, "
                  "where the server tells (XEP-0494), all that have access.",
        .examples = examples,
        .fields = FIELDS,
        .run = run_list,
        .sub = subs },
    { .name = NULL },
};

const struct feature xep0494 = {
    .spec = "XEP-0494",
    .name = "Client Access Management",
    .version = "0.1.0",
    .since = "0.1.0",
    .commands = commands,
};
