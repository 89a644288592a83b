/*
 * An account with a session that has no network: what is sent is kept as XML,
 * events are counted, commands run through the real engine into a sink that
 * writes down what it gets. Included by one test program each.
 */
#pragma once
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include "base/paths.h"
#include "cmd/registry.h"
#include "model/account.h"
#include "store/option.h"
#include "tree.h"
#include "xmpp/feature.h"
#include "xmpp/testing.h"

#define JULIET "juliet@im.example.com"
#define BALCONY JULIET "/balcony"

struct fixture {
    char *dir;
    struct paths *paths;
    struct options *options;
    struct observers *observers;
    struct engine *engine;
    struct account *account;
    struct front front;
    struct front_ops ops;
    struct sink sink;
    GPtrArray *sent;      /* XML */
    GString *log;         /* of the sink: "row …", "fail …", "done ok" */
    guint events[EVENT_TYPES];
    char *last;           /* words about the last event */
    struct question question; /* the last one asked */
    guint questions;
    bool can_ask, visible;
};

static struct fixture *the; /* sinks and fronts carry no data of their own */

static void fixture_sent(struct account *account, xmpp_stanza_t *stanza,
    const char *xml, gpointer data)
{
    struct fixture *f = data;

    (void)account;
    (void)stanza;
    g_ptr_array_add(f->sent, g_strdup(xml));
}

static void fixture_event(const struct event *event, gpointer data)
{
    struct fixture *f = data;

    f->events[event->type]++;
    if (event->type == EVENT_SUBSCRIPTION) {
        g_free(f->last);
        f->last = g_strdup_printf("%s %s %s", event->subscription.type,
            event->subscription.from,
            event->subscription.status ? event->subscription.status : "-");
    } else if (event->type == EVENT_PRESENCE) {
        g_free(f->last);
        f->last = g_strdup_printf("%s %s",
            show_name(event->presence.presence->show),
            event->presence.presence->from);
    }
}

static void fixture_row(struct sink *sink, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    (void)sink;
    (void)job;
    g_string_append_printf(the->log, "row %s", kind);
    for (size_t i = 0; i < n; i++) {
        if (fields[i].kind == FIELD_TEXT && fields[i].text)
            g_string_append_printf(
                the->log, " %s=%s", fields[i].name, fields[i].text);
        else if (fields[i].kind == FIELD_INT)
            g_string_append_printf(the->log, " %s=%" G_GINT64_FORMAT,
                fields[i].name, fields[i].number);
        else if (fields[i].kind == FIELD_BOOL)
            g_string_append_printf(the->log, " %s=%s", fields[i].name,
                fields[i].flag ? "yes" : "no");
        else if (fields[i].kind == FIELD_LIST && fields[i].list) {
            g_autofree char *list =
                g_strjoinv(",", (char **)fields[i].list);
            g_string_append_printf(
                the->log, " %s=[%s]", fields[i].name, list);
        }
    }
    g_string_append_c(the->log, '\n');
}

static void fixture_note(
    struct sink *sink, struct job *job, const char *text)
{
    (void)sink;
    (void)job;
    g_string_append_printf(the->log, "note %s\n", text);
}

static void fixture_fail(struct sink *sink, struct job *job,
    const char *condition, const char *text)
{
    (void)sink;
    (void)job;
    g_string_append_printf(the->log, "fail %s %s\n", condition, text);
}

static void fixture_done(struct sink *sink, struct job *job, bool ok)
{
    (void)sink;
    (void)job;
    g_string_append(the->log, ok ? "done ok\n" : "done failed\n");
}

static const struct sink_ops fixture_sink_ops = { fixture_row, fixture_note,
    fixture_fail, fixture_done };

static bool fixture_ask(struct front *front, const struct question *question)
{
    (void)front;
    the->questions++;
    the->question = *question;
    return the->can_ask;
}

static bool fixture_visible(struct front *front, const struct chat *chat)
{
    (void)front;
    (void)chat;
    return the->visible;
}

static struct account *fixture_find(gpointer data, const char *jid)
{
    (void)jid;
    return ((struct fixture *)data)->account;
}

static struct account *fixture_default(gpointer data)
{
    return ((struct fixture *)data)->account;
}

static bool fixture_online(gpointer data, const struct account *account)
{
    (void)data;
    return session_is_online(account);
}

static inline struct fixture *fixture_new(void)
{
    struct fixture *f = g_new0(struct fixture, 1);
    struct engine_host host = { fixture_find, fixture_default,
        fixture_online, f };
    g_autofree char *file = NULL;
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    the = f;
    f->dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    f->paths = paths_new(f->dir, NULL);
    file = g_build_filename(f->dir, "txmpp.conf", NULL);
    f->options = options_new(file, problems);
    f->observers = observers_new();
    f->engine = engine_new(NULL, &host, f->options);
    for (guint i = 0; features[i]; i++) {
        if (features[i]->options)
            options_register(f->options, features[i]->options);
        if (features[i]->commands)
            engine_register(f->engine, features[i]->commands);
    }
    f->sent = g_ptr_array_new_with_free_func(g_free);
    f->log = g_string_new(NULL);
    f->ops.ask = fixture_ask;
    f->ops.is_visible = fixture_visible;
    f->front.ops = &f->ops;
    f->sink.ops = &fixture_sink_ops;
    f->account = account_new(JULIET, f->observers, f->options, f->paths);
    observers_add(f->observers, fixture_event, f);
    session_attach_test(f->account, BALCONY, fixture_sent, f);
    session_test_front(f->account, &f->front);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    session_detach(f->account);
    engine_free(f->engine);
    account_free(f->account);
    observers_free(f->observers);
    options_free(f->options);
    paths_free(f->paths);
    g_ptr_array_unref(f->sent);
    g_string_free(f->log, TRUE);
    g_free(f->last);
    tree_remove(f->dir);
    g_free(f->dir);
    g_free(f);
    the = NULL;
}

static inline void receive(struct fixture *f, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
static inline void receive(struct fixture *f, const char *format, ...)
{
    g_autofree char *xml = NULL;
    va_list args;

    va_start(args, format);
    xml = g_strdup_vprintf(format, args);
    va_end(args);
    g_assert_true(session_test_receive(f->account, xml));
}

static inline void run(struct fixture *f, const char *line)
{
    g_string_truncate(f->log, 0);
    engine_run(f->engine, line,
        &(struct run_context){ .front = &f->front,
            .sink = &f->sink,
            .account = f->account });
}

static inline const char *last_sent(const struct fixture *f)
{
    return f->sent->len ? g_ptr_array_index(f->sent, f->sent->len - 1) : "";
}

/* The value of name='…' in the stanza sent last-but-back. */
static inline char *sent_attr(
    const struct fixture *f, guint back, const char *name)
{
    g_autoptr(xmpp_stanza_t) stanza =
        stanza_parse(g_ptr_array_index(f->sent, f->sent->len - 1 - back));

    return g_strdup(stanza_attr(stanza, name));
}

static inline guint count_sent(const struct fixture *f, const char *part)
{
    guint n = 0;

    for (guint i = 0; i < f->sent->len; i++)
        n += strstr(g_ptr_array_index(f->sent, i), part) != NULL;
    return n;
}

#define assert_has(text, part)                                              \
    do {                                                                    \
        if (!strstr((text), (part)))                                        \
            g_error("%s:%d: “%s” is not in “%s”", __FILE__, __LINE__,       \
                (part), (text));                                            \
    } while (0)
