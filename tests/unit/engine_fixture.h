/* An engine with rows of its own and a sink that remembers. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "cmd/help.h"
#include "cmd/registry.h"
#include "model/account.h"
#include "store/option.h"
#include "tree.h"

struct capture {
    struct sink sink; /* first */
    GString *text;    /* what was emitted, one line each */
    int done, ok;
};

static void capture_row(struct sink *sink, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    struct capture *capture = (struct capture *)sink;
    (void)job;
    g_string_append_printf(capture->text, "row %s", kind);
    for (size_t i = 0; i < n; i++)
        if (fields[i].kind == FIELD_TEXT)
            g_string_append_printf(
                capture->text, "|%s=%s", fields[i].name,
                fields[i].text ? fields[i].text : "(null)");
    g_string_append_c(capture->text, '\n');
}

static void capture_note(struct sink *sink, struct job *job, const char *text)
{
    (void)job;
    g_string_append_printf(
        ((struct capture *)sink)->text, "note %s\n", text);
}

static void capture_fail(struct sink *sink, struct job *job,
    const char *condition, const char *text)
{
    (void)job;
    g_string_append_printf(
        ((struct capture *)sink)->text, "fail %s: %s\n", condition, text);
}

static void capture_done(struct sink *sink, struct job *job, bool ok)
{
    struct capture *capture = (struct capture *)sink;
    (void)job;
    capture->done++;
    capture->ok += ok;
}

static const struct sink_ops capture_ops = { capture_row, capture_note,
    capture_fail, capture_done };

struct fixture {
    struct engine *engine;
    struct options *options;
    struct observers *observers;
    struct account *account;
    struct capture capture;
    bool online;
    char *dir;
};

static struct account *fixture_find(gpointer data, const char *jid)
{
    struct fixture *fixture = data;
    return strcmp(jid, fixture->account->jid) == 0 ? fixture->account : NULL;
}

static struct account *fixture_default(gpointer data)
{
    return ((struct fixture *)data)->account;
}

static bool fixture_online(gpointer data, const struct account *account)
{
    (void)account;
    return ((struct fixture *)data)->online;
}

static inline void fixture_open(
    struct fixture *fixture, const struct command *rows)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(fixture->dir, "txmpp.conf", NULL);
    fixture->options = options_new(path, NULL);
    fixture->observers = observers_new();
    fixture->account = account_new("juliet@im.example.com",
        fixture->observers, fixture->options, NULL);
    struct engine_host host = { fixture_find, fixture_default, fixture_online,
        fixture };
    fixture->engine = engine_new(NULL, &host, fixture->options);
    engine_register(fixture->engine, rows);
    fixture->capture.sink.ops = &capture_ops;
    fixture->capture.text = g_string_new(NULL);
}

static inline void fixture_close(struct fixture *fixture)
{
    engine_free(fixture->engine);
    account_free(fixture->account);
    observers_free(fixture->observers);
    options_free(fixture->options);
    g_string_free(fixture->capture.text, TRUE);
    tree_remove(fixture->dir);
    g_free(fixture->dir);
}

static inline struct run_context fixture_context(struct fixture *fixture)
{
    return (struct run_context){ .sink = &fixture->capture.sink };
}

/* Runs a line; what came out, until the next call. */
static inline const char *fixture_run(struct fixture *fixture, const char *line)
{
    struct run_context context = fixture_context(fixture);
    g_string_truncate(fixture->capture.text, 0);
    fixture->capture.done = fixture->capture.ok = 0;
    if (*line == '{')
        engine_run_json(fixture->engine, line, &context);
    else
        engine_run(fixture->engine, line, &context);
    return fixture->capture.text->str;
}
