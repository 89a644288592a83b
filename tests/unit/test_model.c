/* Events, accounts, chats, contacts, presence. */
#include <glib.h>
#include <string.h>
#include "base/stamp.h"
#include "model/account.h"
#include "model/message.h"

struct seen {
    struct observers *observers;
    guint n, removed_n;
};

static void count(const struct event *event, gpointer data)
{
    struct seen *seen = data;

    g_assert_cmpint(event->time_us, >, 0);
    seen->n++;
}

static void leave(const struct event *event, gpointer data)
{
    struct seen *seen = data;

    (void)event;
    seen->removed_n++;
    observers_remove(seen->observers, leave, seen);
    observers_remove(seen->observers, count, seen);
}

static void nest(const struct event *event, gpointer data)
{
    struct seen *seen = data;

    if (event->type == EVENT_CLEAR)
        observers_emit(seen->observers, &(struct event){ .type = EVENT_XML });
}

/* An observer may remove itself and others while events are on their way. */
static void test_observers(void)
{
    struct seen seen = { .observers = observers_new() };
    const struct event event = { .type = EVENT_CLEAR };

    observers_add(seen.observers, nest, &seen);
    observers_add(seen.observers, count, &seen);
    observers_emit(seen.observers, &event);
    g_assert_cmpuint(seen.n, ==, 2);
    observers_remove(seen.observers, nest, &seen);
    observers_remove(seen.observers, count, &seen);
    observers_add(seen.observers, leave, &seen);
    observers_add(seen.observers, count, &seen);
    observers_emit(seen.observers, &event);
    observers_emit(seen.observers, &event);
    g_assert_cmpuint(seen.n, ==, 2);
    g_assert_cmpuint(seen.removed_n, ==, 1);
    g_assert_false(observers_wanted(seen.observers, EVENT_XML));
    observers_want(seen.observers, EVENT_XML, true);
    g_assert_true(observers_wanted(seen.observers, EVENT_XML));
    observers_want(seen.observers, EVENT_XML, false);
    g_assert_false(observers_wanted(seen.observers, EVENT_XML));
    observers_free(seen.observers);
}

static void note(const struct event *event, gpointer data)
{
    g_string_append_printf(data, "%d ", event->type);
}

static void test_account(void)
{
    struct observers *observers = observers_new();
    GString *order = g_string_new(NULL);
    g_autofree char *expected = g_strdup_printf("%d %d %d ", EVENT_CHAT_ADDED,
        EVENT_CHAT_GONE, EVENT_ACCOUNT_GONE);
    struct account *account = account_new("a@b", observers, NULL, NULL);
    struct chat *chat;

    observers_add(observers, note, order);
    chat = account_open_chat(account, "c@d", CHAT_CONTACT);
    g_assert_true(account_open_chat(account, "c@d", CHAT_CONTACT) == chat);
    g_assert_true(account_find_chat(account, "c@d") == chat);
    g_assert_null(account_find_chat(account, NULL));
    g_assert_cmpstr(account_display_name(account, "c@d/e"), ==, "c@d/e");
    roster_ensure(account->roster, "c@d")->name = g_strdup("C");
    g_assert_cmpstr(account_display_name(account, "c@d/e"), ==, "C");
    g_assert_null(account_option(account, "account.server"));
    account_close_chat(account, chat);
    g_assert_null(account_find_chat(account, "c@d"));
    account_free(account);
    g_assert_cmpstr(order->str, ==, expected);
    g_string_free(order, TRUE);
    observers_free(observers);
}

static struct message *make(const char *id, bool outgoing)
{
    struct message *message = message_new();

    message->id = g_strdup(id);
    message->outgoing = outgoing;
    return message;
}

static void test_chat(void)
{
    struct chat *chat = chat_new(NULL, "c@d", CHAT_CONTACT);

    for (int i = 0; i < 4000; i++) {
        g_autofree char *id = g_strdup_printf("m%d", i);
        chat_append(chat, make(id, i % 2));
    }
    g_assert_cmpuint(chat_find_id(chat, "m1", true)->number, ==, 2);
    g_assert_null(chat_find_id(chat, "m1", false));
    g_assert_cmpuint(chat_find_id(chat, "m3998", false)->number, ==, 3999);
    g_assert_null(chat_find_id(chat, "m0", false)); /* too far back */
    g_assert_null(chat_find_id(chat, NULL, true));
    g_assert_cmpstr(chat_find_number(chat, 4000)->id, ==, "m3999");
    g_assert_null(chat_find_number(chat, 0));
    g_assert_null(chat_find_number(chat, 4001));
    chat_clear(chat);
    g_assert_null(chat_find_id(chat, "m1", true));
    chat_append(chat, make(NULL, true));
    g_assert_cmpuint(chat_find_number(chat, 4001)->number, ==, 4001);
    for (int i = 0; i < 5000; i++) /* the store takes none: bounded as well */
        chat_append(chat, make(NULL, false));
    g_assert_cmpuint(chat->messages->len, <=, 4001);
    g_assert_nonnull(chat_find_number(chat, 9001));
    chat_free(chat);
}

static void test_contact(void)
{
    static const char *const groups[] = { "b", "a", "b", "B", NULL };
    struct roster *roster = roster_new();
    struct contact *c = roster_ensure(roster, "romeo@example.net");

    contact_set_groups(c, groups);
    g_assert_cmpuint(g_strv_length(c->groups), ==, 3);
    g_assert_cmpstr(c->groups[1], ==, "a");
    contact_set_groups(c, NULL);
    g_assert_cmpuint(g_strv_length(c->groups), ==, 0);
    g_assert_cmpstr(contact_label(c), ==, "romeo@example.net");
    c->name = g_strdup("Romeo");
    roster_ensure(roster, "rosaline@example.net");
    g_assert_true(roster_match(roster, "Romeo") == c);
    g_assert_true(roster_match(roster, "rom") == c);
    g_assert_null(roster_match(roster, "ro"));
    g_assert_null(roster_match(roster, ""));
    g_assert_null(roster_find(roster, NULL));
    g_assert_cmpstr(subscription_name(subscription_parse("both")), ==, "both");
    g_assert_cmpstr(subscription_name(subscription_parse("x")), ==, "none");
    g_assert_cmpstr(subscription_name(subscription_parse(NULL)), ==, "none");
    roster_free(roster);
}

static void put(struct contact *c, const char *from, int priority,
    enum show show, gint64 time_us)
{
    struct presence *p = presence_new(from);

    p->priority = priority;
    p->show = show;
    p->time_us = time_us;
    contact_put_presence(c, p);
}

static void test_best(void)
{
    struct roster *roster = roster_new();
    struct contact *c = roster_ensure(roster, "a@b");

    put(c, "a@b/1", 0, SHOW_ONLINE, 1);
    put(c, "a@b/2", -1, SHOW_CHAT, 2);
    put(c, "a@b/3", 0, SHOW_AWAY, 3);
    g_assert_cmpstr(contact_best(c)->from, ==, "a@b/1");
    put(c, "a@b/4", 0, SHOW_ONLINE, 4);
    g_assert_cmpstr(contact_best(c)->from, ==, "a@b/4");
    put(c, "a@b/4", 0, SHOW_DND, 5);
    g_assert_cmpuint(c->resources->len, ==, 4);
    g_assert_cmpstr(contact_best(c)->from, ==, "a@b/1");
    contact_drop_presence(c, "a@b/1");
    contact_drop_presence(c, "a@b/nobody");
    g_assert_true(contact_show(c) == SHOW_AWAY);
    roster_all_offline(roster);
    g_assert_true(contact_show(c) == SHOW_OFFLINE);
    roster_free(roster);
}

static void test_show(void)
{
    static const struct {
        const char *name, *wire;
    } rows[] = { { "online", NULL }, { "chat", "chat" }, { "away", "away" },
        { "xa", "xa" }, { "dnd", "dnd" } };
    enum show show;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(show_parse(rows[i].name, &show));
        g_assert_cmpstr(show_name(show), ==, rows[i].name);
        g_assert_cmpstr(show_to_wire(show), ==, rows[i].wire);
        g_assert_true(show_from_wire(rows[i].wire) == show);
    }
    g_assert_true(show_parse("available", &show) && show == SHOW_ONLINE);
    g_assert_false(show_parse("lol", &show));
    g_assert_false(show_parse(NULL, &show));
    g_assert_true(show_from_wire("lol") == SHOW_ONLINE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/observers", test_observers);
    g_test_add_func("/model/account", test_account);
    g_test_add_func("/model/chat", test_chat);
    g_test_add_func("/model/contact", test_contact);
    g_test_add_func("/model/best", test_best);
    g_test_add_func("/model/show", test_show);
    return g_test_run();
}
