/* The front end off-screen over a real store: a chat with Romeo whose messages
 * are a minute apart. */
#pragma once
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "store/history.h"
#include "ui/term/line.h"
#include "golden.h"
#include "tree.h"
#include <glib/gstdio.h>
#include <string.h>

#define JID "juliet@example.com"
#define PEER "romeo@example.net"
#define FROM G_GINT64_CONSTANT(1700000000000000)

struct scene {
    char *dir;
    struct paths *paths;
    struct app app;
    struct account *account;
    struct tui *tui;
    struct chat *chat;
};

static struct account *only_account(gpointer data, const char *jid)
{
    (void)jid;
    return ((struct scene *)data)->account;
}

static struct account *default_account(gpointer data)
{
    return ((struct scene *)data)->account;
}

static bool is_online(gpointer data, const struct account *account)
{
    (void)data;
    (void)account;
    return false;
}

static struct message *text_message(const char *text, guint i, bool outgoing)
{
    struct message *message = message_new();
    message->body = g_strdup_printf("%s %u", text, i);
    message->type = MESSAGE_CHAT;
    message->outgoing = outgoing;
    message->from = g_strdup(outgoing ? JID "/a" : PEER "/b");
    message->to = g_strdup(outgoing ? PEER : JID);
    message->id = g_strdup_printf("m%u", i);
    message->origin_id = g_strdup(message->id);
    message->time_us = message->received_us = FROM + (gint64)i * 60 * G_USEC_PER_SEC;
    message->delivery = outgoing ? DELIVERY_DELIVERED : DELIVERY_NONE;
    return message;
}

static void store(struct scene *scene, guint count)
{
    struct chat *chat = chat_new(scene->account, PEER, CHAT_CONTACT);
    for (guint i = 0; i < count; i++) {
        struct message *message = text_message("line", i, i % 3 == 0);
        g_assert_cmpint(history_add(scene->account->history, chat, message,
            message->time_us), ==, HISTORY_NEW);
        message_free(message);
    }
    g_assert_true(history_commit(scene->account->history, NULL));
    chat_free(chat);
}

static struct scene *scene_new(guint count)
{
    struct scene *scene = g_new0(struct scene, 1);
    static const struct option general[] = { { .name = "general.default_account",
        .kind = OPTION_STRING }, { .name = NULL } };
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    scene->dir = g_dir_make_tmp("txmpp-test-XXXXXX", NULL);
    g_chmod(scene->dir, 0700);
    scene->paths = paths_new(scene->dir, NULL);
    scene->app.observers = observers_new();
    scene->app.accounts = g_ptr_array_new();
    scene->app.options = options_new(scene->paths->config_file, problems);
    options_register(scene->app.options, ui_options);
    options_register(scene->app.options, general);
    scene->account = account_new(JID, scene->app.observers, scene->app.options, scene->paths);
    scene->account->history = history_open(scene->paths, JID, NULL);
    g_ptr_array_add(scene->app.accounts, scene->account);
    const struct engine_host host = { only_account, default_account, is_online, scene };
    scene->app.engine = engine_new(&scene->app, &host, scene->app.options);
    engine_register(scene->app.engine, app_history_commands);
    engine_register(scene->app.engine, ui_commands);
    scene->tui = tui_new_offscreen(&scene->app, 60, 20, false);
    scene->tui->frozen_us = FROM;
    store(scene, count);
    scene->chat = account_open_chat(scene->account, PEER, CHAT_CONTACT);
    window_show(scene->tui, window_open(scene->tui, scene->chat));
    tui_draw(scene->tui);
    return scene;
}

static void scene_free(struct scene *scene)
{
    line_free(scene->tui->line);
    scene->tui->line = NULL;
    engine_free(scene->app.engine);
    scene->app.engine = NULL;
    tui_free(&scene->tui->front);
    history_close(scene->account->history);
    account_free(scene->account);
    g_ptr_array_free(scene->app.accounts, TRUE);
    observers_free(scene->app.observers);
    options_free(scene->app.options);
    paths_free(scene->paths);
    tree_remove(scene->dir);
    g_free(scene->dir);
    g_free(scene);
}

G_GNUC_UNUSED static bool shows(struct scene *scene, const char *text)
{
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
    g_autofree char *dump = grid_dump(scene->tui->grid);
    g_auto(GStrv) lines = g_strsplit(dump, "\n", -1);
    for (char **line = lines; *line; line++) {
        const char *at = strstr(*line, text);
        if (at && !g_ascii_isdigit(at[strlen(text)]))
            return true;
    }
    return false;
}

G_GNUC_UNUSED static struct pane *pane_of(struct scene *scene)
{
    return window_current(scene->tui)->pane;
}
