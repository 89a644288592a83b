/* See desktop.h. Answers may come after the screen has gone: every call holds
 * the struct, whose tui is NULL then. */
#include "config.h"
#include "ui/desktop.h"
#include "ui/ui.h"
#include "model/account.h"
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "org.freedesktop.Notifications"
#define OBJECT "/org/freedesktop/Notifications"
enum { CALL_MS = 5000, RETRY_US = 60000000, SHOWN_MAX = 64, WAITING_MAX = 8 };

enum state { STATE_NONE, STATE_ASKED, STATE_READY, STATE_FAILED };

struct shown {
    char *account, *chat;
    guint32 id; /* 0: not known yet */
};

struct waiting {
    struct shown *shown; /* owned */
    char *title, *text;
};

struct desktop {
    struct tui *tui;
    enum state state;
    gint64 failed_us;
    GDBusConnection *bus;
    guint signals;
    bool markup, actions, reply;
    GPtrArray *shown;   /* struct shown*, the newest last */
    GPtrArray *waiting; /* struct waiting*, until the service has answered */
};

static void shown_free(gpointer data)
{
    struct shown *shown = data;
    if (!shown)
        return;
    g_free(shown->account);
    g_free(shown->chat);
    g_free(shown);
}

static void waiting_free(gpointer data)
{
    struct waiting *waiting = data;
    shown_free(waiting->shown);
    g_free(waiting->title);
    g_free(waiting->text);
    g_free(waiting);
}

static void clear(gpointer data)
{
    struct desktop *desktop = data;
    g_ptr_array_unref(desktop->shown);
    g_ptr_array_unref(desktop->waiting);
    g_clear_object(&desktop->bus);
}

static void release(gpointer desktop)
{
    g_rc_box_release_full(desktop, clear);
}

struct desktop *desktop_new(struct tui *tui)
{
    struct desktop *desktop = g_rc_box_new0(struct desktop);
    desktop->tui = tui;
    desktop->shown = g_ptr_array_new_with_free_func(shown_free);
    desktop->waiting = g_ptr_array_new_with_free_func(waiting_free);
    return desktop;
}

static void hang_up(struct desktop *desktop)
{
    if (desktop->signals)
        g_dbus_connection_signal_unsubscribe(desktop->bus, desktop->signals);
    desktop->signals = 0;
    g_clear_object(&desktop->bus);
}

void desktop_free(struct desktop *desktop)
{
    desktop->tui = NULL;
    hang_up(desktop);
    release(desktop);
}

static void fail(struct desktop *desktop)
{
    desktop->state = STATE_FAILED;
    desktop->failed_us = g_get_monotonic_time();
    g_ptr_array_set_size(desktop->waiting, 0);
    g_ptr_array_set_size(desktop->shown, 0);
    hang_up(desktop);
}

static void call(struct desktop *desktop, const char *method, GVariant *arguments,
    const char *reply, GAsyncReadyCallback fn, gpointer data)
{
    g_dbus_connection_call(desktop->bus, SERVICE, OBJECT, SERVICE, method, arguments,
        reply ? G_VARIANT_TYPE(reply) : NULL, G_DBUS_CALL_FLAGS_NONE, CALL_MS, NULL, fn, data);
}

/* ---- one notification ---- */

static struct shown *find(const struct desktop *desktop, const char *account, const char *chat)
{
    for (guint i = 0; i < desktop->shown->len; i++) {
        struct shown *shown = desktop->shown->pdata[i];
        if (!strcmp(shown->chat, chat) && !strcmp(shown->account, account))
            return shown;
    }
    return NULL;
}

static struct shown *find_id(const struct desktop *desktop, guint32 id)
{
    for (guint i = 0; i < desktop->shown->len; i++) {
        struct shown *shown = desktop->shown->pdata[i];
        if (shown->id == id)
            return shown;
    }
    return NULL;
}

static struct chat *chat_of(const struct desktop *desktop, const struct shown *shown)
{
    struct account *account = app_find_account(desktop->tui->app, shown->account);
    return account ? account_find_chat(account, shown->chat) : NULL;
}

struct asked {
    struct desktop *desktop;
    struct shown *shown;
};

static void take_down(struct desktop *desktop, guint32 id)
{
    if (id && desktop->bus)
        call(desktop, "CloseNotification", g_variant_new("(u)", id), NULL, NULL, NULL);
}

static void on_shown(GObject *source, GAsyncResult *result, gpointer data)
{
    struct asked *asked = data;
    struct desktop *desktop = asked->desktop;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (!reply && desktop->tui && desktop->state == STATE_READY)
        fail(desktop);
    if (reply && desktop->tui && desktop->state == STATE_READY) {
        struct shown *shown = find(desktop, asked->shown->account, asked->shown->chat);
        guint32 id;
        g_variant_get(reply, "(u)", &id);
        if (shown)
            shown->id = id;
        else
            take_down(desktop, id); /* it was read meanwhile */
    }
    shown_free(asked->shown);
    g_free(asked);
    release(desktop);
}

/* Only what must be: services that have said more than they do show the rest
 * as it is. */
static char *escape(const char *text)
{
    GString *out = g_string_new(text);
    g_string_replace(out, "&", "&amp;", 0);
    g_string_replace(out, "<", "&lt;", 0);
    g_string_replace(out, ">", "&gt;", 0);
    return g_string_free(out, FALSE);
}

static void send(struct desktop *desktop, struct waiting *waiting)
{
    struct shown *before =
        find(desktop, waiting->shown->account, waiting->shown->chat);
    guint32 replaced = before ? before->id : 0;
    if (before)
        g_ptr_array_remove(desktop->shown, before);
    else if (desktop->shown->len >= SHOWN_MAX)
        g_ptr_array_remove_index(desktop->shown, 0);
    struct shown *shown = g_new0(struct shown, 1);
    *shown = (struct shown){ g_strdup(waiting->shown->account),
        g_strdup(waiting->shown->chat), replaced };
    g_ptr_array_add(desktop->shown, shown);
    GVariantBuilder actions, hints;
    g_variant_builder_init(&actions, G_VARIANT_TYPE("as"));
    if (desktop->actions) {
        const char *const rows[] = { "default", _("Open"), "read", _("Mark as read") };
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
            g_variant_builder_add(&actions, "s", rows[i]);
    }
    if (desktop->reply) {
        g_variant_builder_add(&actions, "s", "inline-reply");
        g_variant_builder_add(&actions, "s", _("Reply"));
    }
    g_variant_builder_init(&hints, G_VARIANT_TYPE("a{sv}"));
    g_variant_builder_add(&hints, "{sv}", "category", g_variant_new_string("im.received"));
    g_variant_builder_add(&hints, "{sv}", "urgency", g_variant_new_byte(1));
    g_autofree char *body =
        desktop->markup ? escape(waiting->text) : g_strdup(waiting->text);
    struct asked *asked = g_new0(struct asked, 1);
    *asked = (struct asked){ g_rc_box_acquire(desktop), g_steal_pointer(&waiting->shown) };
    call(desktop, "Notify",
        g_variant_new("(susssasa{sv}i)", PACKAGE, replaced, "", waiting->title, body,
            &actions, &hints, -1),
        "(u)", on_shown, asked);
}

/* ---- what the service says ---- */

static struct chat *chat_of_id(const struct desktop *desktop, guint32 id)
{
    struct shown *shown = id ? find_id(desktop, id) : NULL;
    return shown ? chat_of(desktop, shown) : NULL;
}

/* Not in the specification; desktops that know it say so ("inline-reply"). */
static void reply(struct desktop *desktop, struct chat *chat, const char *text)
{
    struct window *window = chat && *text ? window_open(desktop->tui, chat) : NULL;
    if (!window)
        return;
    g_autofree char *account = tui_quote(chat->account->jid);
    g_autofree char *jid = tui_quote(chat->jid);
    tui_runf(desktop->tui, "/msg -a %s %s %s", account, jid, text);
    window_mark_read(desktop->tui, window);
}

static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
    const char *interface, const char *name, GVariant *arguments, gpointer data)
{
    struct desktop *desktop = data;
    guint32 id = 0;
    const char *action = NULL;
    (void)bus;
    (void)sender;
    (void)path;
    (void)interface;
    if (!desktop->tui)
        return;
    if (!strcmp(name, "NotificationClosed") &&
        g_variant_is_of_type(arguments, G_VARIANT_TYPE("(uu)"))) {
        g_variant_get(arguments, "(uu)", &id, NULL);
        struct shown *shown = find_id(desktop, id);
        if (shown && id)
            g_ptr_array_remove(desktop->shown, shown);
        return;
    }
    if (!g_variant_is_of_type(arguments, G_VARIANT_TYPE("(us)")))
        return;
    g_variant_get(arguments, "(u&s)", &id, &action);
    struct chat *chat = chat_of_id(desktop, id);
    if (!strcmp(name, "NotificationReplied"))
        reply(desktop, chat, action);
    if (!chat || strcmp(name, "ActionInvoked") != 0)
        return;
    struct window *window = window_open(desktop->tui, chat);
    if (!strcmp(action, "default"))
        window_show(desktop->tui, window);
    else if (!strcmp(action, "read"))
        window_mark_read(desktop->tui, window);
}

static void on_capabilities(GObject *source, GAsyncResult *result, gpointer data)
{
    struct desktop *desktop = data;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
    if (desktop->tui && !reply)
        fail(desktop);
    if (desktop->tui && reply) {
        g_autofree const char **words = NULL;
        g_variant_get(reply, "(^a&s)", &words);
        /* Links are markup, and one that has them may say only that. */
        desktop->markup = g_strv_contains(words, "body-markup") ||
            g_strv_contains(words, "body-hyperlinks");
        desktop->actions = g_strv_contains(words, "actions");
        desktop->reply = g_strv_contains(words, "inline-reply");
        desktop->state = STATE_READY;
        for (guint i = 0; i < desktop->waiting->len; i++)
            send(desktop, desktop->waiting->pdata[i]);
        g_ptr_array_set_size(desktop->waiting, 0);
    }
    release(desktop);
}

static void on_bus(GObject *source, GAsyncResult *result, gpointer data)
{
    struct desktop *desktop = data;
    g_autoptr(GDBusConnection) bus = g_bus_get_finish(result, NULL);
    (void)source;
    if (bus) /* GLib would end the program with the bus */
        g_dbus_connection_set_exit_on_close(bus, FALSE);
    if (desktop->tui && !bus)
        fail(desktop);
    if (desktop->tui && bus) {
        desktop->bus = g_steal_pointer(&bus);
        desktop->signals = g_dbus_connection_signal_subscribe(desktop->bus, SERVICE, SERVICE,
            NULL, OBJECT, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal,
            g_rc_box_acquire(desktop), release);
        call(desktop, "GetCapabilities", NULL, "(as)", on_capabilities,
            g_rc_box_acquire(desktop));
    }
    release(desktop);
}

/* Without an address GLib would start a bus of its own where X runs. */
static bool has_bus(void)
{
    g_autofree char *file = g_build_filename(g_get_user_runtime_dir(), "bus", NULL);
    const char *address = g_getenv("DBUS_SESSION_BUS_ADDRESS");
    return (address && *address) || access(file, F_OK) == 0;
}

void desktop_show(struct desktop *desktop, const struct chat *chat, const char *title,
    const char *text)
{
    gint64 now = g_get_monotonic_time();
    if (desktop->state == STATE_READY && g_dbus_connection_is_closed(desktop->bus))
        fail(desktop);
    if (desktop->state == STATE_FAILED && now - desktop->failed_us >= RETRY_US)
        desktop->state = STATE_NONE;
    if (desktop->state == STATE_FAILED || desktop->waiting->len >= WAITING_MAX ||
        (desktop->state == STATE_NONE && !has_bus()))
        return;
    struct waiting *waiting = g_new0(struct waiting, 1);
    waiting->shown = g_new0(struct shown, 1);
    *waiting->shown =
        (struct shown){ g_strdup(chat->account->jid), g_strdup(chat->jid), 0 };
    waiting->title = g_strdup(title);
    waiting->text = g_strdup(text);
    if (desktop->state == STATE_READY) {
        send(desktop, waiting);
        waiting_free(waiting);
        return;
    }
    g_ptr_array_add(desktop->waiting, waiting);
    if (desktop->state == STATE_NONE) {
        desktop->state = STATE_ASKED;
        g_bus_get(G_BUS_TYPE_SESSION, NULL, on_bus, g_rc_box_acquire(desktop));
    }
}

void desktop_withdraw(struct desktop *desktop, const struct chat *chat)
{
    for (guint i = desktop->waiting->len; i-- > 0;) {
        const struct waiting *waiting = desktop->waiting->pdata[i];
        if (!strcmp(waiting->shown->chat, chat->jid) &&
            !strcmp(waiting->shown->account, chat->account->jid))
            g_ptr_array_remove_index(desktop->waiting, i);
    }
    struct shown *shown = find(desktop, chat->account->jid, chat->jid);
    if (!shown)
        return;
    take_down(desktop, shown->id);
    g_ptr_array_remove(desktop->shown, shown);
}
