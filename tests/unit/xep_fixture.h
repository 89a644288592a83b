/* A session on the test seam (xmpp/testing.h) with what tests of extensions
 * ask about: what was sent, what was emitted, what a command answered. */
#pragma once
#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>
#include "base/paths.h"
#include "cmd/registry.h"
#include "model/account.h"
#include "model/jid.h"
#include "store/option.h"
#include "tree.h"
#include "xmpp/feature.h"
#include "xmpp/testing.h"

#define ME "juliet@im.example.com"
#define ME_FULL ME "/balcony"
#define BOB "romeo@example.net"
#define BOB_FULL BOB "/orchard"
#define MAL "mal@evil.example"
#define MAL_FULL MAL "/x"

struct fixture {
    struct sink sink; /* first: the sink's functions find us by it */
    char *dir;
    struct paths *paths;
    struct options *options;
    struct observers *observers;
    struct account *account;
    GPtrArray *sent; /* xmpp_stanza_t * */
    guint counts[EVENT_TYPES];
    char *typing;            /* last EVENT_TYPING */
    struct message *message; /* last EVENT_MESSAGE, borrowed */
    struct engine *engine;
    GString *output; /* of commands: "kind name=value …\n", "! condition\n" */
    int done;        /* commands ended: 1 ok, -1 failed, 0 none yet */
};

static inline void fixture_on_sent(struct account *account,
    xmpp_stanza_t *stanza, const char *xml, gpointer data)
{
    struct fixture *f = data;
    (void)account;
    (void)xml;
    g_ptr_array_add(f->sent, xmpp_stanza_clone(stanza));
}

static inline void fixture_on_event(const struct event *event, gpointer data)
{
    struct fixture *f = data;
    f->counts[event->type]++;
    if (event->type == EVENT_TYPING) {
        g_free(f->typing);
        f->typing = g_strdup(event->typing.state);
    }
    if (event->type == EVENT_MESSAGE)
        f->message = event->message.message;
    if (event->type == EVENT_CHAT_GONE)
        f->message = NULL;
}

static inline void fixture_append(GString *out, const struct field *field)
{
    g_string_append_printf(out, " %s=", field->name);
    switch (field->kind) {
    case FIELD_TEXT:
        g_string_append(out, field->text ? field->text : "(null)");
        break;
    case FIELD_BOOL:
        g_string_append(out, field->flag ? "true" : "false");
        break;
    case FIELD_INT:
    case FIELD_TIME:
        g_string_append_printf(out, "%" G_GINT64_FORMAT, field->number);
        break;
    case FIELD_LIST:
        for (const char *const *p = field->list; *p; p++)
            g_string_append_printf(out, "%s,", *p);
        break;
    }
}

static inline void fixture_row(struct sink *sink, struct job *job,
    const char *kind, const struct field *fields, size_t n)
{
    struct fixture *f = (struct fixture *)sink;
    (void)job;
    g_string_append(f->output, kind);
    for (size_t i = 0; i < n; i++)
        fixture_append(f->output, &fields[i]);
    g_string_append_c(f->output, '\n');
}

static inline void fixture_note(
    struct sink *sink, struct job *job, const char *text)
{
    (void)job;
    g_string_append_printf(((struct fixture *)sink)->output, "# %s\n", text);
}

static inline void fixture_fail(
    struct sink *sink, struct job *job, const char *condition, const char *text)
{
    (void)job;
    g_string_append_printf(
        ((struct fixture *)sink)->output, "! %s: %s\n", condition, text);
}

static inline void fixture_done(struct sink *sink, struct job *job, bool ok)
{
    (void)job;
    ((struct fixture *)sink)->done = ok ? 1 : -1;
}

static const struct sink_ops fixture_sink_ops = {
    .row = fixture_row,
    .note = fixture_note,
    .fail = fixture_fail,
    .done = fixture_done,
};

static inline struct account *fixture_default(gpointer data)
{
    return ((struct fixture *)data)->account;
}

static inline struct account *fixture_find(gpointer data, const char *jid)
{
    struct fixture *f = data;
    return jid_bare_equal(f->account->jid, jid) ? f->account : NULL;
}

static inline bool fixture_is_online(
    gpointer data, const struct account *account)
{
    (void)data;
    return session_is_online(account);
}

static inline void fixture_release(gpointer stanza)
{
    xmpp_stanza_release(stanza);
}

static inline void fixture_open(struct fixture *f)
{
    *f = (struct fixture){ .sink.ops = &fixture_sink_ops };
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    f->dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    g_chmod(f->dir, 0700);
    f->paths = paths_new(f->dir, NULL);
    f->options = options_new(f->paths->config_file, problems);
    for (const struct feature *const *i = features; *i; i++)
        if ((*i)->options)
            options_register(f->options, (*i)->options);
    f->observers = observers_new();
    observers_add(f->observers, fixture_on_event, f);
    f->sent = g_ptr_array_new_with_free_func(fixture_release);
    f->output = g_string_new(NULL);
    f->account = account_new(ME, f->observers, f->options, f->paths);
    session_attach_test(f->account, ME_FULL, fixture_on_sent, f);
    const struct engine_host host = { fixture_find, fixture_default,
        fixture_is_online, f };
    f->engine = engine_new(NULL, &host, f->options);
    for (const struct feature *const *i = features; *i; i++)
        if ((*i)->commands)
            engine_register(f->engine, (*i)->commands);
}

static inline void fixture_close(struct fixture *f)
{
    if (f->account) {
        engine_account_gone(f->engine, f->account);
        session_detach(f->account);
        account_free(f->account);
    }
    engine_free(f->engine);
    observers_free(f->observers);
    options_free(f->options);
    paths_free(f->paths);
    g_ptr_array_unref(f->sent);
    g_string_free(f->output, TRUE);
    g_free(f->typing);
    tree_remove(f->dir);
    g_free(f->dir);
}

#define FIXTURE(f)                                                             \
    struct fixture f __attribute__((cleanup(fixture_close)));                  \
    fixture_open(&f)

static inline void receive(struct fixture *f, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
static inline void receive(struct fixture *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *xml = g_strdup_vprintf(format, args);
    va_end(args);
    g_assert_true(session_test_receive(f->account, xml));
}

static inline void forget_sent(struct fixture *f)
{
    g_ptr_array_set_size(f->sent, 0);
}

/* The only stanza sent since forget_sent(). */
static inline xmpp_stanza_t *only_sent(struct fixture *f)
{
    g_assert_cmpuint(f->sent->len, ==, 1);
    return f->sent->pdata[0];
}

/* The last iq sent with this payload. */
static inline xmpp_stanza_t *sent_iq(
    struct fixture *f, const char *name, const char *ns)
{
    for (guint i = f->sent->len; i-- > 0;)
        if (stanza_is(f->sent->pdata[i], "iq", NULL) &&
            stanza_child(f->sent->pdata[i], name, ns))
            return f->sent->pdata[i];
    return NULL;
}

/* An answer to iq, from the one it went to. */
static inline void answer(
    struct fixture *f, xmpp_stanza_t *iq, const char *type, const char *payload)
{
    g_assert_nonnull(iq);
    const char *to = stanza_attr(iq, "to");
    receive(f, "<iq type='%s' id='%s' from='%s' to='" ME_FULL "'>%s</iq>", type,
        stanza_attr(iq, "id"), to ? to : ME, payload);
}

#define UNAVAILABLE                                                            \
    "<error type='cancel'><service-unavailable "                               \
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

/* What our server announces: sent by online() hooks, answered here. */
static inline void server_has(struct fixture *f, const char *feature);

static inline void add_contact(
    struct fixture *f, const char *jid, enum subscription subscription)
{
    struct contact *contact = roster_ensure(f->account->roster, jid);
    contact->in_roster = true;
    contact->subscription = subscription;
}

static inline void command(struct fixture *f, const char *line)
{
    const struct run_context context = { .sink = &f->sink,
        .account = f->account };
    f->done = 0;
    g_string_truncate(f->output, 0);
    engine_run(f->engine, line, &context);
}

static inline void assert_error(xmpp_stanza_t *iq, const char *condition)
{
    g_assert_cmpstr(stanza_attr(iq, "type"), ==, "error");
    g_assert_nonnull(
        stanza_child(stanza_child(iq, "error", NULL), condition, NS_STANZAS));
}

#define assert_has(haystack, needle)                                           \
    do {                                                                       \
        if (!strstr(haystack, needle))                                         \
            g_error("\"%s\" is not in:\n%s", needle, haystack);                \
    } while (0)

#define DISCO_NS "http://jabber.org/protocol/disco#info"
/* Tells the session what its server can do, by the way it asks itself. */
static inline void server_has(struct fixture *f, const char *feature)
{
    extern const struct feature xep0030;
    forget_sent(f);
    xep0030.online(f->account);
    g_autofree char *payload = g_strdup_printf(
        "<query xmlns='" DISCO_NS "'><feature var='%s'/></query>", feature);
    while (f->sent->len) {
        xmpp_stanza_t *iq = xmpp_stanza_clone(f->sent->pdata[0]);
        g_ptr_array_remove_index(f->sent, 0);
        answer(f, iq, "result", payload);
        xmpp_stanza_release(iq);
    }
}
