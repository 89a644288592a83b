/*
 * Golden screens: the real front end draws off-screen, and the text is
 * compared with tests/golden/NAME.txt. UPDATE_GOLDEN=1 writes them anew.
 */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "base/text.h"
#include "ui/dialog/dialog.h"
#include "ui/term/line.h"
#include "golden.h"
#include "net/tls.h"
#include "xep/xep0004_form.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* 2026-11-20 21:04:00 UTC */
#define NOW_US (G_GINT64_CONSTANT(1795208640) * G_USEC_PER_SEC)
#ifdef __SANITIZE_ADDRESS__
#define RUNNING_SLOWLY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RUNNING_SLOWLY 1
#endif
#endif
#ifndef RUNNING_SLOWLY
#define RUNNING_SLOWLY 0
#endif
#define MINUTE ((gint64)60 * G_USEC_PER_SEC)

struct scene {
    struct app app;
    struct account *account;
    struct tui *tui;
    struct chat *chat;
};

static struct scene *scene_new(int cols, int rows, bool ascii)
{
    struct scene *scene = g_new0(struct scene, 1);
    scene->app.observers = observers_new();
    scene->app.accounts = g_ptr_array_new();
    static const struct option general[] = { { .name = "general.default_account",
        .kind = OPTION_STRING }, { .name = NULL } };
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    scene->app.options = options_new("/dev/null/txmpp.conf", problems);
    options_register(scene->app.options, ui_options);
    options_register(scene->app.options, general);
    scene->account = account_new("juliet@example.com", scene->app.observers,
        scene->app.options, NULL);
    g_ptr_array_add(scene->app.accounts, scene->account);
    scene->account->state = STATE_ONLINE;
    scene->account->tls_version = g_strdup("TLSv1.3");
    scene->account->own.show = SHOW_ONLINE;
    scene->tui = tui_new_offscreen(&scene->app, cols, rows, ascii);
    scene->tui->frozen_us = NOW_US;
    return scene;
}

static void scene_free(struct scene *scene)
{
    line_free(scene->tui->line);
    scene->tui->line = NULL;
    tui_free(&scene->tui->front);
    account_free(scene->account);
    g_ptr_array_free(scene->app.accounts, TRUE);
    observers_free(scene->app.observers);
    options_free(scene->app.options);
    g_free(scene);
}

static struct contact *add_contact(struct scene *scene, const char *jid, const char *name,
    const char *group, enum show show, const char *status)
{
    struct contact *contact = roster_ensure(scene->account->roster, jid);
    contact->in_roster = true;
    contact->subscription = SUB_BOTH;
    g_free(contact->name);
    contact->name = g_strdup(name);
    const char *groups[] = { group, NULL };
    contact_set_groups(contact, groups);
    if (show != SHOW_OFFLINE) {
        g_autofree char *full = g_strconcat(jid, "/orchard", NULL);
        struct presence *presence = presence_new(full);
        presence->show = show;
        presence->status = g_strdup(status);
        contact_put_presence(contact, presence);
    }
    account_emit(scene->account, (struct event){ .type = EVENT_ROSTER,
        .account = scene->account, .contact = contact });
    return contact;
}

static struct message *say(struct scene *scene, struct chat *chat, bool outgoing, int minute,
    const char *body)
{
    struct message *message = message_new();
    message->body = g_strdup(body);
    message->type = MESSAGE_CHAT;
    message->outgoing = outgoing;
    message->from = g_strdup(outgoing ? scene->account->jid : chat->jid);
    message->time_us = NOW_US + minute * MINUTE;
    message->delivery = outgoing ? DELIVERY_DELIVERED : DELIVERY_NONE;
    chat_append(chat, message);
    struct event event = { .type = EVENT_MESSAGE, .account = scene->account, .chat = chat };
    event.message.message = message;
    account_emit(scene->account, event);
    return message;
}

static void fill(struct scene *scene)
{
    add_contact(scene, "romeo@example.net", "Romeo Montague", "Friends", SHOW_ONLINE,
        "on the orchard wall");
    add_contact(scene, "mercutio@example.net", "Mercutio", "Friends", SHOW_AWAY, NULL);
    add_contact(scene, "benvolio@example.net", "Benvolio", "Friends", SHOW_OFFLINE, NULL);
    add_contact(scene, "tybalt@example.com", "Tybalt", "Friends", SHOW_DND, "peace? I hate the word");
    struct contact *nurse =
        add_contact(scene, "nurse@example.com", "Nurse", "Servants", SHOW_OFFLINE, NULL);
    nurse->subscription = SUB_NONE;
    nurse->ask = true;
    scene->chat = account_open_chat(scene->account, "romeo@example.net", CHAT_CONTACT);
    window_show(scene->tui, window_open(scene->tui, scene->chat));
    say(scene, scene->chat, false, -1440, "But soft, what light through yonder window breaks?");
    say(scene, scene->chat, false, -6, "Art thou not Romeo, and a Montague?");
    say(scene, scene->chat, true, -5, "Neither, fair saint, if either thee dislike.");
    struct message *sent = say(scene, scene->chat, true, -4,
        "How cam'st thou hither, tell me, and wherefore? The orchard walls are high and hard "
        "to climb, and the place death, considering who thou art.");
    sent->delivery = DELIVERY_SENT;
    say(scene, scene->chat, false, -3, "/me looks up to the balcony");
    struct message *failed = say(scene, scene->chat, true, -2, "Romeo?");
    failed->delivery = DELIVERY_FAILED;
    failed->error = g_strdup("The message could not be delivered: romeo@example.net is not "
                             "available right now.");
    struct chat *other = account_open_chat(scene->account, "mercutio@example.net", CHAT_CONTACT);
    say(scene, other, false, -1, "Ask for me tomorrow");
    other->unread = 2;
    g_free(scene->chat->typing);
    scene->chat->typing = g_strdup("composing");
}

static const struct {
    int cols, rows;
    bool ascii;
    const char *name;
} sizes[] = {
    { 100, 30, false, "chat-100x30" }, { 100, 30, true, "chat-100x30-ascii" },
    { 60, 20, false, "chat-60x20" }, { 40, 12, false, "chat-40x12" },
    { 20, 5, false, "chat-20x5" }, { 20, 5, true, "chat-20x5-ascii" },
    { 12, 3, false, "chat-12x3" },
};

static void test_chat(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    struct scene *scene = scene_new(sizes[i].cols, sizes[i].rows, sizes[i].ascii);
    fill(scene);
    golden_expect(scene->tui, sizes[i].name);
    scene_free(scene);
}

static void test_scrolled(void)
{
    struct scene *scene = scene_new(80, 24, false);
    fill(scene);
    for (int i = 0; i < 60; i++) {
        g_autofree char *text = g_strdup_printf("line %d", i);
        say(scene, scene->chat, i & 1, -1, text);
    }
    tui_draw(scene->tui);
    struct pane *pane = window_current(scene->tui)->pane;
    pane_chat_page(pane, 1);
    pane_chat_scroll(pane, 3);
    golden_expect(scene->tui, "chat-scrolled");
    pane_chat_top(pane);
    golden_expect(scene->tui, "chat-top");
    for (int i = 0; i < 20; i++)
        pane_chat_page(pane, -1);
    g_assert_false(pane_chat_scrolled(pane));
    /* Going up past the begin and down again ends where it began. */
    tui_draw(scene->tui);
    g_autofree char *before = grid_dump(scene->tui->grid);
    for (int i = 0; i < 200; i++) {
        pane_chat_scroll(pane, 1);
        tui_draw(scene->tui);
    }
    for (int i = 0; i < 200; i++) {
        pane_chat_scroll(pane, -1);
        tui_draw(scene->tui);
    }
    g_autofree char *after = grid_dump(scene->tui->grid);
    g_assert_cmpstr(before, ==, after);
    scene_free(scene);
}

/* H51-H53: what others wrote cannot leave its cells. */
static const char *const hostile[] = {
    ("\xc2\x9b" "31m CSI \xc2\x9d" "0;x\xc2\x9c \xc2\x90 \xc2\x85 \x7f \xe2\x80\xa8 \033[2J"),
    ("\xe2\x80\xae" "gpj.exe \xe2\x81\xa6 \xe2\x80\x8f \xd8\x9c \xef\xbb\xbf \xf3\xa0\x81\x81 \xe2\x80\x8b"),
    "wide: 漢字仮名交じり文は折り返される 😀👍🏽 🇩🇪 👩‍👩‍👧‍👦 ❤️ ｶﾅ",
    "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81 z\xcc\xa7 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
    "tabs\there\tand\n\nempty lines\r\nand \xff\xfe bad bytes",
    "\xef\xb7\xbd and averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword",
};

static void test_hostile(void)
{
    struct scene *scene = scene_new(80, 28, false);
    add_contact(scene, "mal@example.net", "M\xe2\x80\xae" "al\xc2\x9b" "1m\n😀漢", "G\033]0;x\a", SHOW_XA,
        "st\xc2\x9b" "atus\xe2\x80\xae");
    scene->chat = account_open_chat(scene->account, "mal@example.net", CHAT_CONTACT);
    window_show(scene->tui, window_open(scene->tui, scene->chat));
    for (gsize i = 0; i < G_N_ELEMENTS(hostile); i++) {
        struct message *message = say(scene, scene->chat, false, (int)i, hostile[i]);
        message->subject = i ? NULL : g_strdup("sub\xc2\x9bject\xe2\x80\xae");
    }
    golden_expect(scene->tui, "hostile");
    const struct grid *grid = scene->tui->grid;
    for (int i = 0; i < grid->cols * grid->rows; i++) {
        const struct cell *cell = &grid->cells[i];
        if (!cell->width)
            continue;
        g_assert_true(text_is_clean(cell->text, cell->len, TEXT_ONE_LINE) || cell->len > 8);
        g_assert_true((guchar)cell->text[0] >= 0x20 && cell->text[0] != 0x7f);
    }
    scene_free(scene);
}

/* The work of drawing is clusters looked at; the linker puts this in front of
 * base's. */
bool __real_text_next_grapheme(const char *s, const char *end, struct grapheme *out);
bool __wrap_text_next_grapheme(const char *s, const char *end, struct grapheme *out);
static guint clusters;

bool __wrap_text_next_grapheme(const char *s, const char *end, struct grapheme *out)
{
    clusters++;
    return __real_text_next_grapheme(s, end, out);
}

static void test_huge(void)
{
    struct scene *scene = scene_new(80, 24, false);
    scene->chat = account_open_chat(scene->account, "mal@example.net", CHAT_CONTACT);
    window_show(scene->tui, window_open(scene->tui, scene->chat));
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 1000; i++)
        g_string_append(text, "a\xcc\x81");
    for (int i = 0; i < 5000; i++)
        g_string_append(text, "漢");
    for (int i = 0; i < 200; i++)
        g_string_append(text, "👩‍👩‍👧‍👦");
    for (int i = 0; i < 10000; i++)
        g_string_append_c(text, 'w');
    for (int i = 0; i < 1000; i++)
        g_string_append_c(text, '\t');
    say(scene, scene->chat, false, 0, text->str);
    clusters = 0;
    tui_draw(scene->tui);
    guint first = clusters;
    clusters = 0;
    pane_dirty(window_current(scene->tui)->pane);
    tui_draw(scene->tui);
    g_test_message("H53: first %u clusters, again %u", first, clusters);
    g_assert_cmpuint(first, >, 16000);
    g_assert_cmpuint(first, <, 2 * 20000); /* laid out once */
    g_assert_cmpuint(clusters, <, 2 * 80 * 24); /* then what is seen */
    scene_free(scene);
}

static void feed(const struct key *key, gpointer data)
{
    tui_key(data, key);
}

static void type(struct scene *scene, const char *bytes)
{
    struct keys *keys = keys_new(feed, scene->tui);
    keys_feed(keys, bytes, strlen(bytes));
    keys_timeout(keys);
    keys_free(keys);
}

static void test_roster_keys(void)
{
    struct scene *scene = scene_new(80, 24, false);
    fill(scene);
    scene->tui->aside = scene->tui->roster;
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
    type(scene, "\033[B\033[B");
    golden_expect(scene->tui, "roster-cursor");
    type(scene, "tyb");
    golden_expect(scene->tui, "roster-filter");
    type(scene, "\033");
    type(scene, "\033[H\r"); /* folds the first group */
    golden_expect(scene->tui, "roster-folded");
    scene_free(scene);
}

static void roster_focus(struct scene *scene)
{
    layout_focus(scene->tui, layout_leaf_of_side(scene->tui, scene->tui->roster));
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
}

static void test_roster_menu(void)
{
    struct scene *scene = scene_new(80, 24, false);
    fill(scene);
    roster_focus(scene);
    type(scene, " ");
    golden_expect(scene->tui, "roster-menu");
    type(scene, "r\025Romeo the M\303\266ntague");
    golden_expect(scene->tui, "roster-rename");
    type(scene, "\033");
    type(scene, "\007"); /* C-g */
    golden_expect(scene->tui, "roster-groups");
    type(scene, "\033\033[H \033"); /* the group's menu, and away */
    g_assert_null(scene->tui->menu);
    g_assert_true(scene->tui->aside == scene->tui->roster);
    /* The right button opens it where it is, a click elsewhere closes it. */
    type(scene, "\033[<2;6;5M\033[<2;6;5m");
    g_assert_nonnull(scene->tui->menu);
    tui_draw(scene->tui);
    type(scene, "\033[<0;79;20M");
    g_assert_null(scene->tui->menu);
    scene_free(scene);
}

static void presence_of(struct scene *scene, const char *jid, enum show show)
{
    struct contact *contact = roster_find(scene->account->roster, jid);
    g_autofree char *full = g_strconcat(jid, "/x", NULL);
    struct presence *presence = presence_new(full);
    presence->show = show;
    contact_put_presence(contact, presence);
    struct event event = { .type = EVENT_PRESENCE, .account = scene->account, .contact = contact };
    event.presence.presence = presence;
    account_emit(scene->account, event);
}

/* Whoever moves, the cursor stays with whom it is on: Delete must not hit
 * somebody else. */
static void test_roster_cursor_stays(void)
{
    struct scene *scene = scene_new(80, 24, false);
    fill(scene);
    roster_focus(scene);
    type(scene, "\033[H\033[B\033[B\033[B\033[B"); /* Benvolio */
    presence_of(scene, "benvolio@example.net", SHOW_CHAT);
    type(scene, " ");
    tui_draw(scene->tui);
    g_autofree char *dump = grid_dump(scene->tui->grid);
    g_assert_nonnull(strstr(dump, "╭─ Benvolio"));
    scene_free(scene);
}

static void set_option(struct scene *scene, const char *name, const char *value)
{
    options_set(scene->app.options, NULL, name, value, true, NULL);
    tui_draw(scene->tui);
}

static void test_roster_states(void)
{
    struct scene *scene = scene_new(80, 24, false);
    fill(scene);
    set_option(scene, "ui.roster.show", "online");
    golden_expect(scene->tui, "roster-online");
    presence_of(scene, "benvolio@example.net", SHOW_AWAY);
    tui_draw(scene->tui);
    g_autofree char *dump = grid_dump(scene->tui->grid);
    g_assert_nonnull(strstr(dump, "Benvolio"));
    set_option(scene, "ui.roster.show", "unread");
    golden_expect(scene->tui, "roster-unread");
    /* Typing finds everybody all the same; fuzzy, whatever the accents. */
    add_contact(scene, "z@example.net", "\305\273\303\263\305\202\304\207 M\303\274ller", "Friends",
        SHOW_OFFLINE, NULL);
    roster_focus(scene);
    type(scene, "zmul");
    tui_draw(scene->tui);
    g_autofree char *found = grid_dump(scene->tui->grid);
    g_assert_nonnull(strstr(found, "ller"));
    g_assert_null(strstr(found, "Mercutio   "));
    scene_free(scene);
}

/* Any number of moves at once leave the order that building anew gives. */
static void test_roster_merge(void)
{
    static const char *const orders[] = { "presence", "name", "activity" };
    struct scene *scene = scene_new(100, 200, false);
    for (int i = 0; i < 150; i++) {
        g_autofree char *jid = g_strdup_printf("c%d@example.net", i);
        g_autofree char *name = g_strdup_printf("Contact %d", i * 37 % 150);
        g_autofree char *group = g_strdup_printf("Group %d", i % 3);
        add_contact(scene, jid, name, group, SHOW_OFFLINE, NULL);
    }
    for (gsize order = 0; order < G_N_ELEMENTS(orders); order++) {
        set_option(scene, "ui.roster.order", orders[order]);
        for (int round = 0; round < 20; round++) {
            int many = round & 1 ? 5 : 100;
            for (int i = 0; i < many; i++) {
                g_autofree char *jid =
                    g_strdup_printf("c%d@example.net", g_test_rand_int_range(0, 150));
                presence_of(scene, jid, (enum show)g_test_rand_int_range(1, 6));
                if (i % 10)
                    continue;
                struct chat *chat = account_open_chat(scene->account, jid, CHAT_CONTACT);
                chat->unread = (guint)g_test_rand_int_range(0, 3);
                chat->active_us = g_test_rand_int_range(1, 100000);
                account_emit(scene->account,
                    (struct event){ .type = EVENT_CHAT_CHANGED, .chat = chat });
            }
            tui_draw(scene->tui);
            g_autofree char *merged = grid_dump(scene->tui->grid);
            pane_roster_reset(scene->tui->roster);
            tui_dirty_all(scene->tui);
            tui_draw(scene->tui);
            g_autofree char *built = grid_dump(scene->tui->grid);
            g_assert_cmpstr(merged, ==, built);
        }
    }
    scene_free(scene);
}

static void count_rows(gpointer data, const char *needle, int wanted)
{
    struct scene *scene = data;
    tui_draw(scene->tui);
    g_autofree char *dump = grid_dump(scene->tui->grid);
    int found = 0;
    for (const char *at = dump; (at = strstr(at, needle)); at++)
        found++;
    g_assert_cmpint(found, ==, wanted);
}

static void test_roster_moves(void)
{
    struct scene *scene = scene_new(80, 24, false);
    fill(scene);
    tui_draw(scene->tui);
    struct contact *benvolio = roster_find(scene->account->roster, "benvolio@example.net");
    struct presence *presence = presence_new("benvolio@example.net/x");
    presence->show = SHOW_CHAT;
    contact_put_presence(benvolio, presence);
    struct event event = { .type = EVENT_PRESENCE, .account = scene->account, .contact = benvolio };
    event.presence.presence = presence;
    account_emit(scene->account, event);
    golden_expect(scene->tui, "roster-moved");
    event = (struct event){ .type = EVENT_ROSTER, .account = scene->account, .contact = benvolio };
    event.roster.removed = true;
    benvolio->in_roster = false;
    account_emit(scene->account, event);
    roster_remove(scene->account->roster, benvolio);
    count_rows(scene, "Benvolio", 0);
    scene_free(scene);
}

static void test_many_contacts(void)
{
    enum { COUNT = 50000 };
    struct scene *scene = scene_new(100, 30, false);
    GPtrArray *all = g_ptr_array_new();
    for (int i = 0; i < COUNT; i++) {
        g_autofree char *jid = g_strdup_printf("contact%05d@example.net", i);
        struct contact *contact = roster_ensure(scene->account->roster, jid);
        contact->in_roster = true;
        contact->subscription = SUB_BOTH;
        contact->name = g_strdup_printf("Contact %05d", (i * 7919) % COUNT);
        g_ptr_array_add(all, contact);
    }
    gint64 start = g_get_monotonic_time();
    account_emit(scene->account, (struct event){ .type = EVENT_ROSTER_RESET, .account = scene->account });
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
    gint64 built = g_get_monotonic_time() - start;
    start = g_get_monotonic_time();
    for (int i = 0; i < COUNT; i++) {
        struct contact *contact = all->pdata[i];
        g_autofree char *full = g_strconcat(contact->jid, "/r", NULL);
        struct presence *presence = presence_new(full);
        presence->show = (enum show)(1 + i % 5);
        contact_put_presence(contact, presence);
        struct event event = { .type = EVENT_PRESENCE, .account = scene->account, .contact = contact };
        event.presence.presence = presence;
        account_emit(scene->account, event);
        if (i % 1000 == 0)
            tui_draw(scene->tui);
    }
    tui_draw(scene->tui);
    gint64 drained = g_get_monotonic_time() - start;
    g_test_message("50,000 contacts: built in %" G_GINT64_FORMAT " us, presences in %"
        G_GINT64_FORMAT " us", built, drained);
    golden_expect(scene->tui, "roster-50000");
    g_ptr_array_free(all, TRUE);
    scene_free(scene);
}

/* The observer's share of a message: nothing is laid out for what is not seen. */
static void test_flood(void)
{
    enum { CHATS = 200, COUNT = 10000 };
    struct scene *scene = scene_new(100, 30, false);
    struct chat *chats[CHATS];
    for (int i = 0; i < CHATS; i++) {
        g_autofree char *jid = g_strdup_printf("c%d@example.net", i);
        chats[i] = account_open_chat(scene->account, jid, CHAT_CONTACT);
    }
    clusters = 0;
    for (int i = 0; i < COUNT; i++) {
        struct chat *chat = chats[i % CHATS];
        struct message *message = message_new();
        message->body = g_strdup("the quick brown fox");
        message->from = g_strdup(chat->jid);
        chat_append(chat, message);
        struct event event = { .type = EVENT_MESSAGE, .account = scene->account, .chat = chat };
        event.message.message = message;
        account_emit(scene->account, event);
    }
    g_assert_cmpuint(clusters, ==, 0);
    tui_draw(scene->tui);
    g_assert_cmpuint(clusters, <, 2 * 100 * 30);
    scene_free(scene);
}

struct heard {
    int count;
    enum answer answer;
    char *password;
};

static void hear(enum answer answer, const char *text, struct secret *password, gpointer data)
{
    struct heard *heard = data;
    (void)text;
    heard->count++;
    heard->answer = answer;
    if (password)
        heard->password = g_strdup(secret_bytes(password));
}

static void ask(struct scene *scene, struct question question, struct heard *heard)
{
    *heard = (struct heard){ 0 };
    question.account = scene->account;
    question.answer = hear;
    question.data = heard;
    g_assert_true(scene->tui->front.ops->ask(&scene->tui->front, &question));
}

static GString *blocked;

static enum cmd_status run_block(struct job *job)
{
    g_string_append_printf(blocked, "%s %s;", job_account(job)->jid,
        job_arg(job, "jid"));
    return job_done(job);
}

static const struct arg_kind block_kind = { .placeholder = "JID" };
static const struct command block_commands[] = {
    { .name = "block", .needs = NEEDS_ACCOUNT, .run = run_block,
        .args = { { .name = "jid", .kind = &block_kind, .summary = "x" } },
        .summary = "x" },
    { .name = NULL },
};

static struct account *only_account(gpointer data, const char *jid)
{
    struct scene *scene = data;
    return strcmp(scene->account->jid, jid) ? NULL : scene->account;
}

/* "Block" blocks: the answer alone would only refuse. */
static void test_block(void)
{
    struct scene *scene = scene_new(80, 24, false);
    const struct engine_host host = { .find_account = only_account, .data = scene };
    struct heard heard;
    struct question question = { .kind = QUESTION_SUBSCRIPTION,
        .account = scene->account, .jid = "m\"al@evil.test" };
    scene->app.engine = engine_new(&scene->app, &host, scene->app.options);
    engine_register(scene->app.engine, block_commands);
    blocked = g_string_new(NULL);
    fill(scene);
    ask(scene, question, &heard);
    type(scene, "r");
    g_assert_cmpstr(blocked->str, ==, "");
    ask(scene, question, &heard);
    type(scene, "b");
    g_assert_cmpint(heard.answer, ==, ANSWER_BLOCK);
    g_assert_cmpstr(blocked->str, ==, "juliet@example.com m\"al@evil.test;");
    g_string_free(blocked, TRUE);
    engine_free(scene->app.engine);
    scene->app.engine = NULL;
    scene_free(scene);
}

static void test_subscription(void)
{
    static const struct {
        const char *keys;
        enum answer answer;
    } cases[] = {
        { "a", ANSWER_ACCEPT_ADD }, { "o", ANSWER_ACCEPT }, { "r", ANSWER_REFUSE },
        { "b", ANSWER_BLOCK }, { "\033", ANSWER_NONE }, { "\r", ANSWER_ACCEPT_ADD },
        { "\t\r", ANSWER_ACCEPT }, { "\033[C\033[C\r", ANSWER_REFUSE },
        { "\033[Z\r", ANSWER_BLOCK },
    };
    struct scene *scene = scene_new(80, 24, false);
    struct heard heard, second;
    struct question question = { .kind = QUESTION_SUBSCRIPTION, .jid = "paris@example.com",
        .text = "Younger than she are happy mothers made" };
    fill(scene);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ask(scene, question, &heard);
        type(scene, cases[i].keys);
        g_assert_cmpint(heard.count, ==, 1);
        g_assert_cmpint(heard.answer, ==, cases[i].answer);
    }
    ask(scene, question, &heard);
    question.jid = "rosaline@example.com";
    ask(scene, question, &second);
    golden_expect(scene->tui, "dialog-subscription");
    type(scene, "r");
    g_assert_cmpint(heard.count, ==, 1);
    g_assert_cmpint(second.count, ==, 0);
    g_assert_cmpuint(scene->tui->dialogs->len, ==, 1);
    scene->tui->front.ops->dismiss(&scene->tui->front, scene->account, NULL);
    g_assert_cmpint(second.count, ==, 1);
    g_assert_cmpint(second.answer, ==, ANSWER_NONE);
    g_assert_cmpuint(scene->tui->dialogs->len, ==, 0);
    scene_free(scene);
}

static void test_confirm(void)
{
    struct scene *scene = scene_new(60, 20, true);
    struct heard heard;
    struct question question = { .kind = QUESTION_CONFIRM, .destructive = true,
        .title = "Remove", .text = "Remove romeo@example.net and both subscriptions?" };
    fill(scene);
    ask(scene, question, &heard);
    golden_expect(scene->tui, "dialog-confirm-ascii");
    type(scene, "\r"); /* no is highlighted */
    g_assert_cmpint(heard.answer, ==, ANSWER_NO);
    ask(scene, question, &heard);
    type(scene, "y");
    g_assert_cmpint(heard.answer, ==, ANSWER_YES);
    question.destructive = false;
    ask(scene, question, &heard);
    type(scene, "\r");
    g_assert_cmpint(heard.answer, ==, ANSWER_YES);
    scene_free(scene);
}

static void test_password(void)
{
    struct scene *scene = scene_new(80, 24, false);
    struct heard heard;
    struct question question = { .kind = QUESTION_PASSWORD, .again = true };
    fill(scene);
    ask(scene, question, &heard);
    type(scene, "s\xc3\xa9" "cretx\177");
    golden_expect(scene->tui, "dialog-password");
    type(scene, "\r");
    g_assert_cmpint(heard.count, ==, 1);
    g_assert_cmpstr(heard.password, ==, "s\xc3\xa9" "cret");
    g_free(heard.password);
    scene_free(scene);
}

static void test_certificate(void)
{
    struct scene *scene = scene_new(80, 24, false);
    struct heard heard;
    struct tls_peer peer = { .subject = (char *)"CN=example.com\033[2J", .issuer = (char *)"CN=example.com",
        .names = (char *)"example.com, conference.example.com, pubsub.example.com, www.example.com",
        .sha256 = (char *)"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        .not_before_us = NOW_US - 30 * 24 * 60 * MINUTE, .not_after_us = NOW_US,
        .distrust = TLS_SELF_SIGNED | TLS_EXPIRED };
    struct question question = { .kind = QUESTION_CERTIFICATE, .peer = &peer };
    fill(scene);
    ask(scene, question, &heard);
    golden_expect(scene->tui, "dialog-certificate");
    type(scene, "\r");
    g_assert_cmpint(heard.answer, ==, ANSWER_NO);
    ask(scene, question, &heard);
    type(scene, "a");
    g_assert_cmpint(heard.answer, ==, ANSWER_ALWAYS);
    ask(scene, question, &heard);
    type(scene, "o");
    g_assert_cmpint(heard.answer, ==, ANSWER_ONCE);
    scene_free(scene);
}

static void add_option(struct form_field *field, const char *label, const char *value)
{
    struct form_option *option = g_new0(struct form_option, 1);
    option->label = g_strdup(label);
    option->value = g_strdup(value);
    g_ptr_array_add(field->options, option);
}

static void test_form(void)
{
    struct scene *scene = scene_new(80, 30, false);
    struct heard heard;
    struct form *form = form_new(FORM_FORM);
    form->title = g_strdup("Register");
    form->instructions = g_strdup("Fill in what Verona wants to know.");
    form_add(form, FORM_TEXT_SINGLE, "username", "User name", true);
    form_add(form, FORM_TEXT_PRIVATE, "password", "Password", true);
    form_add(form, FORM_BOOLEAN, "terms", "I accept the terms", false);
    struct form_field *house = form_add(form, FORM_LIST_SINGLE, "house", "House", false);
    add_option(house, "Montague", "m");
    add_option(house, "Capulet", "c");
    struct form_field *likes = form_add(form, FORM_LIST_MULTI, "likes", "Likes", false);
    add_option(likes, "Balconies", "b");
    add_option(likes, "Poison", "p");
    form_add(form, FORM_TEXT_MULTI, "about", "About you", false);
    struct question question = { .kind = QUESTION_FORM, .form = form };
    fill(scene);
    ask(scene, question, &heard);
    type(scene, "juliet\tsecret\t \t\033[B \t  \033[B \tone\rtwo");
    golden_expect(scene->tui, "dialog-form");
    type(scene, "\t\r");
    g_assert_cmpint(heard.count, ==, 1);
    g_assert_cmpint(heard.answer, ==, ANSWER_YES);
    g_assert_cmpstr(form_value(form, "username"), ==, "juliet");
    g_assert_cmpstr(form_value(form, "password"), ==, "secret");
    g_assert_cmpstr(form_value(form, "terms"), ==, "1");
    g_assert_cmpstr(form_value(form, "house"), ==, "c");
    g_assert_cmpstr(form_value(form, "likes"), ==, "p");
    g_assert_cmpuint(form_find(form, "about")->values->len, ==, 2);
    /* A required field that is empty keeps the dialog. */
    struct form *empty = form_new(FORM_FORM);
    form_add(empty, FORM_TEXT_SINGLE, "username", "User name", true);
    question.form = empty;
    ask(scene, question, &heard);
    type(scene, "\r");
    g_assert_cmpint(heard.count, ==, 0);
    type(scene, "\033");
    g_assert_cmpint(heard.answer, ==, ANSWER_NONE);
    form_free(empty);
    form_free(form);
    scene_free(scene);
}

static void test_first_start(void)
{
    struct scene *scene = scene_new(80, 24, false);
    dialog_first_start(scene->tui);
    golden_expect(scene->tui, "dialog-first-start");
    type(scene, "\t\t\r"); /* no address: it stays and says why */
    g_assert_cmpuint(scene->tui->dialogs->len, ==, 1);
    golden_expect(scene->tui, "dialog-first-start-complaint");
    type(scene, "\033");
    g_assert_cmpuint(scene->tui->dialogs->len, ==, 0);
    dialog_contact(scene->tui, scene->account, NULL);
    golden_expect(scene->tui, "dialog-contact");
    type(scene, "\033");
    scene_free(scene);
}

#define DEEP "(v 5 (v 5 (v 5 (v 5 (v 5 (v 5 "
#define SHALLOW " b) b) b) b) b) b)"

static void test_layouts(void)
{
    struct scene *scene = scene_new(100, 30, false);
    fill(scene);
    tui_draw(scene->tui);
    g_assert_true(layout_split(scene->tui, LAYOUT_COLS));
    tui_draw(scene->tui);
    g_assert_true(layout_split(scene->tui, LAYOUT_ROWS));
    layout_focus_next(scene->tui, 1);
    window_show(scene->tui, window_console(scene->tui));
    golden_expect(scene->tui, "layout-split");
    g_autofree char *text = layout_text(scene->tui);
    layout_only_leaf(scene->tui);
    tui_draw(scene->tui);
    g_assert_true(layout_restore(scene->tui, text));
    g_autofree char *again = layout_text(scene->tui);
    g_assert_cmpstr(again, ==, text);
    g_assert_true(layout_close_leaf(scene->tui));
    g_assert_true(layout_close_leaf(scene->tui));
    g_assert_false(layout_close_leaf(scene->tui));
    tui_draw(scene->tui);
    static const char *const bad[] = { "", "(", "(v", "(v 500", "(v 500 a", "(v 500 a b",
        "(v 500 a b) ", "(x 500 a b)", "(v 0 a b)", "(v 1000 a b)", "a b",
        DEEP DEEP DEEP "a" SHALLOW SHALLOW SHALLOW };
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(layout_restore(scene->tui, bad[i]));
    /* A tree without a window, or with a pane twice, is none. */
    g_assert_false(layout_restore(scene->tui, "(v 500 roster results)"));
    g_assert_false(layout_restore(scene->tui, "(v 500 roster (v 500 . roster))"));
    /* A window that is closed leaves every part that showed it. */
    g_assert_true(layout_restore(scene->tui, "(v 500 romeo@example.net romeo@example.net)"));
    window_close(scene->tui, window_current(scene->tui));
    tui_draw(scene->tui);
    g_autofree char *rest = layout_text(scene->tui);
    g_assert_null(strstr(rest, "romeo"));
    scene_free(scene);
}

static void show_layout(struct scene *scene, int cols, int rows, const char *text)
{
    grid_resize(scene->tui->grid, cols, rows);
    g_assert_true(layout_restore(scene->tui, text));
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
}

/* Everything may stand anywhere; narrow screens show what has the focus. */
static void test_layout_places(void)
{
    static const char everything[] = "(h 600 (v 500 (v 500 romeo@example.net xml) "
        "(h 500 *mercutio@example.net list)) (v 500 results (v 500 console roster)))";
    static const int narrow[][2] = { { 60, 20 }, { 40, 12 }, { 20, 5 } };
    struct scene *scene = scene_new(140, 40, false);
    struct tui *tui = scene->tui;
    fill(scene);
    show_layout(scene, 140, 40, everything);
    pane_results_text(tui, "/roster search e", "Benvolio\nMercutio");
    golden_expect(scene->tui, "layout-everything");
    g_autofree char *text = layout_text(tui);
    g_assert_cmpstr(text, ==, everything);
    for (gsize i = 0; i < G_N_ELEMENTS(narrow); i++) {
        g_autofree char *name = g_strdup_printf("layout-everything-%dx%d", narrow[i][0],
            narrow[i][1]);
        show_layout(scene, narrow[i][0], narrow[i][1], everything);
        golden_expect(scene->tui, name);
        g_assert_true(window_is_visible(tui, window_current(tui)));
        g_assert_cmpint(window_is_visible(tui, window_console(tui)), ==, !i);
    }
    /* The contact list comes in the place of the conversation, and goes. */
    layout_focus(tui, layout_leaf_of_side(tui, tui->roster));
    golden_expect(scene->tui, "layout-narrow-roster");
    g_assert_false(window_is_visible(tui, window_current(tui)));
    layout_focus(tui, tui->leaf);
    tui_draw(tui);
    g_assert_true(window_is_visible(tui, window_current(tui)));
    /* Zoom, and back. */
    grid_resize(tui->grid, 140, 40);
    layout_zoom(tui);
    tui_draw(tui);
    g_assert_cmpint(tui->leaf->cols, ==, 140);
    layout_zoom(tui);
    tui_draw(tui);
    g_assert_cmpint(tui->leaf->cols, <, 80);
    scene_free(scene);
}

static void test_layout_moves(void)
{
    struct scene *scene = scene_new(100, 30, false);
    struct tui *tui = scene->tui;
    fill(scene);
    show_layout(scene, 100, 30, "(v 250 roster (v 500 *romeo@example.net (h 500 console xml)))");
    struct layout *romeo = tui->leaf;
    g_assert_true(layout_focus_towards(tui, DIRECTION_RIGHT));
    g_assert_cmpint(window_current(tui)->kind, ==, WINDOW_CONSOLE);
    g_assert_true(layout_focus_towards(tui, DIRECTION_DOWN));
    g_assert_cmpint(window_current(tui)->kind, ==, WINDOW_XML);
    g_assert_false(layout_focus_towards(tui, DIRECTION_RIGHT));
    g_assert_true(layout_focus_towards(tui, DIRECTION_LEFT));
    g_assert_true(tui->leaf == romeo);
    g_assert_true(layout_focus_towards(tui, DIRECTION_LEFT));
    g_assert_true(tui->aside == tui->roster);
    /* The width of the contact list is its own, not a share. */
    g_assert_true(layout_resize(tui, DIRECTION_RIGHT, 5));
    tui_draw(tui);
    g_assert_cmpint(tui->roster->cols, ==, 30);
    layout_focus(tui, romeo);
    int cols = romeo->cols;
    g_assert_true(layout_resize(tui, DIRECTION_LEFT, 4));
    tui_draw(tui);
    g_assert_cmpint(romeo->cols, ==, cols - 4);
    g_assert_false(layout_resize(tui, DIRECTION_UP, 1));
    for (int i = 0; i < 100; i++)
        layout_resize(tui, DIRECTION_LEFT, 4);
    tui_draw(tui);
    g_assert_cmpint(romeo->cols, ==, 20);
    /* The mouse: the border between the two, the heading of the lower one. */
    char drag[64];
    g_snprintf(drag, sizeof drag, "\033[<0;%d;10M\033[<32;61;10M\033[<0;61;10m",
        romeo->x + romeo->cols + 1);
    type(scene, drag);
    tui_draw(tui);
    g_assert_cmpint(romeo->x + romeo->cols, ==, 60);
    struct layout *xml = layout_leaf_of(tui, window_xml(tui));
    g_snprintf(drag, sizeof drag, "\033[<0;80;%dM\033[<32;80;8M\033[<0;80;8m", xml->y + 1);
    type(scene, drag);
    tui_draw(tui);
    g_assert_cmpint(xml->y, ==, 7);
    g_assert_true(tui->leaf == xml);
    type(scene, "\033[<32;80;20M"); /* not held any more */
    tui_draw(tui);
    g_assert_cmpint(xml->y, ==, 7);
    /* Change places with the contact list, and with a window. */
    layout_focus(tui, layout_leaf_of_side(tui, tui->roster));
    g_assert_true(layout_swap(tui, DIRECTION_NEXT));
    g_autofree char *swapped = layout_text(tui);
    g_assert_true(g_str_has_prefix(swapped, "(v 250 romeo@example.net (v "));
    layout_show_side(tui, tui->results, DIRECTION_NONE, false);
    layout_show_side(tui, tui->roster, DIRECTION_RIGHT, false);
    tui_draw(tui);
    g_assert_cmpint(tui->roster->x + tui->roster->cols, ==, 100);
    layout_hide_side(tui, tui->results);
    layout_hide_side(tui, tui->roster);
    tui_draw(tui);
    g_assert_cmpint(tui->roster->cols, ==, 0);
    layout_only_leaf(tui);
    g_autofree char *rest = layout_text(tui);
    g_assert_cmpstr(rest, ==, "(v 750 . roster)");
    /* As deep as it goes, and it can still be read. */
    grid_resize(tui->grid, 1000, 1000);
    tui_dirty_all(tui);
    tui_draw(tui);
    int splits = 0;
    while (layout_split(tui, splits & 1 ? LAYOUT_COLS : LAYOUT_ROWS) && splits < 50)
        splits++;
    layout_show_side(tui, tui->results, DIRECTION_DOWN, false);
    layout_show_side(tui, tui->list, DIRECTION_LEFT, false);
    g_autofree char *deep = layout_text(tui);
    g_assert_true(layout_restore(tui, deep));
    tui_draw(tui);
    while (layout_close_leaf(tui))
        ;
    tui_draw(tui);
    scene_free(scene);
}

/* Every dialog on every size: nothing is written past an edge (ASan). */
static void test_sizes(void)
{
    static const int dims[][2] = { { 1, 1 }, { 2, 1 }, { 1, 200 }, { 19, 5 }, { 20, 4 },
        { 20, 5 }, { 21, 6 }, { 30, 8 }, { 59, 20 }, { 60, 10 }, { 61, 11 }, { 500, 200 } };
    struct scene *scene = scene_new(100, 30, false);
    struct heard heard;
    fill(scene);
    scene->tui->line = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(dims); i++) {
        grid_resize(scene->tui->grid, dims[i][0], dims[i][1]);
        tui_dirty_all(scene->tui);
        tui_draw(scene->tui);
        struct question question = { .kind = QUESTION_SUBSCRIPTION, .jid = "paris@example.com" };
        ask(scene, question, &heard);
        tui_draw(scene->tui);
        scene->tui->front.ops->dismiss(&scene->tui->front, NULL, NULL);
        dialog_contact(scene->tui, scene->account, "romeo@example.net");
        tui_draw(scene->tui);
        dialog_close_all(scene->tui);
        g_autofree char *help = keys_help_text();
        dialog_help(scene->tui, "Keys", help);
        tui_draw(scene->tui);
        dialog_close_all(scene->tui);
        scene->tui->aside = scene->tui->roster;
        tui_dirty_all(scene->tui);
        tui_draw(scene->tui);
        scene->tui->aside = NULL;
        pane_results_text(scene->tui, "/help", help);
        tui_draw(scene->tui);
        pane_results_close(scene->tui);
        layout_split(scene->tui, i & 1 ? LAYOUT_COLS : LAYOUT_ROWS);
        tui_draw(scene->tui);
        layout_only_leaf(scene->tui);
    }
    scene_free(scene);
}

static void accepted(const char *text, gpointer data)
{
    g_string_append_printf(data, "[%s]", text);
}

static void complete_nothing(gpointer data)
{
    (void)data;
}

/* The real input line: editing, several lines, H63. */
static void test_input(void)
{
    struct scene *scene = scene_new(80, 24, false);
    g_autoptr(GString) sent = g_string_new(NULL);
    struct line_events events = { accepted, complete_nothing, sent };
    g_setenv("INPUTRC", "/dev/null", TRUE);
    fill(scene);
    scene->tui->line = line_new(NULL, &events);
    type(scene, "hello w\xc3\xb6rld\001X\005!");
    g_assert_cmpstr(line_text(scene->tui->line), ==, "Xhello w\xc3\xb6rld!");
    type(scene, "\033\rsecond line\033[D\033[D");
    g_assert_cmpstr(line_text(scene->tui->line), ==, "Xhello w\xc3\xb6rld!\nsecond line");
    golden_expect(scene->tui, "input-lines");
    type(scene, "\r");
    g_assert_cmpstr(sent->str, ==, "[Xhello w\xc3\xb6rld!\nsecond line]");
    g_string_truncate(sent, 0);
    /* One pasted line goes in as it is; its end does not send it. */
    type(scene, "\033[200~one\033[201~");
    g_assert_cmpstr(line_text(scene->tui->line), ==, "one");
    type(scene, "\003");
    g_assert_cmpstr(line_text(scene->tui->line), ==, "");
    type(scene, "\033[200~a\r/quit\rb\033[201~");
    g_assert_cmpstr(line_text(scene->tui->line), ==, "");
    golden_expect(scene->tui, "dialog-paste");
    type(scene, "n");
    g_assert_cmpstr(line_text(scene->tui->line), ==, "");
    type(scene, "\033[200~a\r/quit\rb\033[201~y");
    g_assert_cmpstr(line_text(scene->tui->line), ==, "a\n/quit\nb");
    g_assert_cmpstr(sent->str, ==, "");
    type(scene, "\003");
    /* Drafts stay with their chat. */
    type(scene, "a draft");
    struct chat *other = account_find_chat(scene->account, "mercutio@example.net");
    window_show(scene->tui, window_open(scene->tui, other));
    g_assert_cmpstr(line_text(scene->tui->line), ==, "");
    golden_expect(scene->tui, "input-draft");
    window_show(scene->tui, window_open(scene->tui, scene->chat));
    g_assert_cmpstr(line_text(scene->tui->line), ==, "a draft");
    /* Readline crashes on these when it is left alone (line.c). */
    static const char *const crashing[] = { "\022\030g", "\022\033[A",
        "\020\033N\007#\020\017\017", "\020\033P\0332/\020\017\r" };
    line_remember(scene->tui->line, "in the history");
    for (gsize i = 0; i < G_N_ELEMENTS(crashing); i++)
        type(scene, crashing[i]);
    type(scene, "\003");
    /* H63: any bytes. */
    g_autoptr(GRand) rand = g_rand_new_with_seed(63);
    struct keys *keys = keys_new(feed, scene->tui);
    int rounds = RUNNING_SLOWLY ? 2000 : 20000;
    for (int i = 0; i < rounds; i++) {
        char bytes[16];
        for (gsize k = 0; k < sizeof bytes; k++)
            bytes[k] = (char)g_rand_int_range(rand, 0, 256);
        for (gsize k = 0; k < sizeof bytes; k++)
            if (bytes[k] == 26) /* C-z would stop the test */
                bytes[k] = 'z';
        keys_feed(keys, bytes, sizeof bytes);
        if (i % 16 == 0)
            tui_draw(scene->tui);
    }
    keys_free(keys);
    dialog_close_all(scene->tui);
    scene_free(scene);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    g_setenv("TZ", "UTC", TRUE);
    g_setenv("LC_ALL", "C.UTF-8", TRUE);
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *path = g_strconcat("/panes/", sizes[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_chat);
    }
    g_test_add_func("/panes/scrolled", test_scrolled);
    g_test_add_func("/panes/H51-H53-hostile", test_hostile);
    g_test_add_func("/panes/H53-huge", test_huge);
    g_test_add_func("/panes/roster-keys", test_roster_keys);
    g_test_add_func("/panes/roster-moves", test_roster_moves);
    g_test_add_func("/panes/roster-menu", test_roster_menu);
    g_test_add_func("/panes/roster-cursor-stays", test_roster_cursor_stays);
    g_test_add_func("/panes/roster-states", test_roster_states);
    g_test_add_func("/panes/roster-merge", test_roster_merge);
    g_test_add_func("/panes/roster-50000", test_many_contacts);
    g_test_add_func("/panes/H49-flood", test_flood);
    g_test_add_func("/dialog/subscription", test_subscription);
    g_test_add_func("/dialog/block", test_block);
    g_test_add_func("/dialog/confirm", test_confirm);
    g_test_add_func("/dialog/password", test_password);
    g_test_add_func("/dialog/certificate", test_certificate);
    g_test_add_func("/dialog/form", test_form);
    g_test_add_func("/dialog/first-start", test_first_start);
    g_test_add_func("/panes/layouts", test_layouts);
    g_test_add_func("/panes/layout-places", test_layout_places);
    g_test_add_func("/panes/layout-moves", test_layout_moves);
    g_test_add_func("/panes/F29-sizes", test_sizes);
    g_test_add_func("/input/H63", test_input);
    return g_test_run();
}
