/* Scrolling through the store: up to the first message and back, jumping to
 * what was found; and how long a chat with many messages takes (make bench
 * says it better, here it only must not depend on their number). */
#include "chat_fixture.h"

static void test_up_and_down(void)
{
    struct scene *scene = scene_new(3000);
    guint pages = 0;
    g_assert_true(shows(scene, "line 2999"));
    g_assert_cmpuint(scene->chat->messages->len, <=, 200); /* no more is held */
    while (!shows(scene, "line 0")) {
        pane_chat_page(pane_of(scene), 1);
        g_assert_cmpuint(pages++, <, 1000);
        g_assert_true(shows(scene, "line 2999")); /* the tail stays */
    }
    g_assert_cmpuint(scene->chat->messages->len, <=, 200);
    for (guint i = 0; i < pages + 2 && pane_chat_scrolled(pane_of(scene)); i++)
        pane_chat_page(pane_of(scene), -1);
    g_assert_false(pane_chat_scrolled(pane_of(scene)));
    g_assert_true(shows(scene, "line 2998"));
    scene_free(scene);
}

/* Every line is met once on the way, in order. */
static void test_no_gap(void)
{
    struct scene *scene = scene_new(700);
    for (guint i = 0; i < 690; i++)
        pane_chat_scroll(pane_of(scene), 1);
    for (guint i = 0; i < 600; i++) {
        pane_chat_scroll(pane_of(scene), -1);
        if (!pane_chat_scrolled(pane_of(scene)))
            break;
        tui_dirty_all(scene->tui);
        tui_draw(scene->tui);
        g_autofree char *dump = grid_dump(scene->tui->grid);
        g_auto(GStrv) lines = g_strsplit(dump, "\n", -1);
        guint64 before = G_MAXUINT64;
        for (char **line = lines; *line && !strstr(*line, "below"); line++) {
            const char *at = strstr(*line, "line ");
            guint64 n = at ? g_ascii_strtoull(at + 5, NULL, 10) : 0;
            if (!at)
                continue;
            if (before != G_MAXUINT64)
                g_assert_cmpuint(n, ==, before + 1);
            before = n;
        }
    }
    scene_free(scene);
}

static void test_goto(void)
{
    struct scene *scene = scene_new(5000);
    tui_run(scene->tui, "/goto top");
    g_assert_true(shows(scene, "line 0"));
    tui_run(scene->tui, "/goto m2499");
    g_assert_true(shows(scene, "line 2499"));
    tui_run(scene->tui, "/goto m1000"); /* of the other one */
    g_assert_true(shows(scene, "line 1000"));
    tui_run(scene->tui, "/goto 50%");
    g_assert_true(shows(scene, "line 2500"));
    tui_run(scene->tui, "/goto 2023-11-15T12:00:00Z");
    g_assert_true(shows(scene, "line 827") || shows(scene, "line 830"));
    g_autofree char *row = g_strdup_printf("/goto %" G_GINT64_FORMAT,
        FROM + (gint64)60 * 1234 * G_USEC_PER_SEC);
    tui_run(scene->tui, row);
    g_assert_true(shows(scene, "line 1234"));
    tui_run(scene->tui, "/goto bottom");
    g_assert_false(pane_chat_scrolled(pane_of(scene)));
    tui_run(scene->tui, "/goto no-such-id");
    g_assert_false(pane_chat_scrolled(pane_of(scene)));
    scene_free(scene);
}

/* The store changes below our feet. */
static void test_meanwhile(void)
{
    struct scene *scene = scene_new(2000);
    tui_run(scene->tui, "/goto m999");
    struct message *message = text_message("new", 3000, false);
    history_add(scene->account->history, scene->chat, message, 0);
    chat_append(scene->chat, message);
    account_emit(scene->account, (struct event){ .type = EVENT_MESSAGE,
        .chat = scene->chat, .message = { message } });
    g_assert_true(shows(scene, "line 999"));
    g_assert_true(shows(scene, "new 3000"));
    tui_run(scene->tui, "/clear --history --yes");
    g_assert_false(shows(scene, "line 999"));
    pane_chat_page(pane_of(scene), 1);
    pane_chat_page(pane_of(scene), -1);
    g_assert_true(shows(scene, "No messages"));
    scene_free(scene);
}

static void key(struct scene *scene, int code)
{
    struct key pressed = { .code = (enum key_code)code };
    tui_key(scene->tui, &pressed);
}

/* A search is done in slices; the next page, too. */
static void search(struct scene *scene, const char *line)
{
    if (line)
        tui_run_shown(scene->tui, line);
    else
        key(scene, KEY_PGDN);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void test_search(void)
{
    struct scene *scene = scene_new(2000);
    struct message *message = text_message("the balcony, \033[31mno", 4000, true);
    history_add(scene->account->history, scene->chat, message, message->time_us);
    message_free(message);
    history_commit(scene->account->history, NULL);
    search(scene, "/search line in all --count 6");
    golden_expect(scene->tui, "search-60x20");
    key(scene, KEY_DOWN_);
    key(scene, KEY_DOWN_);
    key(scene, KEY_ENTER);
    g_assert_true(shows(scene, "line 1997"));
    search(scene, "/search 17 in all");
    key(scene, KEY_ENTER);
    g_assert_true(shows(scene, "line 17"));
    golden_expect(scene->tui, "search-jump-60x20");
    search(scene, "/search balcony");
    g_assert_true(shows(scene, "the balcony, "));
    scene_free(scene);
}

/* Time is searched backwards in spans; the first is a minute, as long as from
 * one line to the next. */
static void test_search_spans(void)
{
    struct scene *scene = scene_new(2000);
    search(scene, "/search line in all --until 2023-11-15T12:00:00Z --count 7");
    g_assert_true(shows(scene, "/search"));
    g_autofree char *dump = grid_dump(scene->tui->grid);
    const char *at = strstr(dump, "/search");
    g_assert_nonnull(at);
    at = strstr(strchr(at, '\n'), "line ");
    g_assert_nonnull(at);
    guint64 newest = g_ascii_strtoull(at + 5, NULL, 10);
    for (guint i = 0; i < 7; i++) {
        g_assert_nonnull(at);
        g_assert_cmpuint(g_ascii_strtoull(at + 5, NULL, 10), ==, newest - i);
        at = strstr(at + 5, "line ");
    }
    scene_free(scene);
}

/* The next pages come below the first one; what stands far to the right is
 * shown with what is around it. */
static void test_search_pages(void)
{
    struct scene *scene = scene_new(20);
    g_autofree char *far = g_strnfill(300, 'x');
    g_autofree char *body = g_strconcat(far, " and then the B\303\241lcony", NULL);
    struct message *message = text_message(body, 4000, false);
    history_add(scene->account->history, scene->chat, message, message->time_us);
    message_free(message);
    history_commit(scene->account->history, NULL);
    search(scene, "/search balcony");
    golden_expect(scene->tui, "search-far-60x20");
    search(scene, "/search \"line\" in all --count 6");
    g_assert_true(shows(scene, "Older ones"));
    search(scene, NULL);
    g_assert_true(shows(scene, "line 13"));
    golden_expect(scene->tui, "search-next-page-60x20");
    for (int i = 0; i < 20 && !shows(scene, "line 0"); i++)
        key(scene, KEY_PGDN);
    g_assert_true(shows(scene, "line 0"));
    g_assert_false(shows(scene, "Older ones"));
    key(scene, KEY_UP_);
    key(scene, KEY_ENTER);
    g_assert_true(pane_chat_scrolled(pane_of(scene)) || shows(scene, "line 1"));
    scene_free(scene);
}

static struct window *window_of(struct scene *scene, const char *jid, guint unread, guint mentions)
{
    struct chat *chat = account_open_chat(scene->account, jid, CHAT_CONTACT);
    chat->unread = unread;
    chat->mentions = mentions;
    return window_open(scene->tui, chat);
}

/* The most urgent first, and then back; names by a part that is theirs alone. */
static void test_windows(void)
{
    struct scene *scene = scene_new(1);
    struct tui *tui = scene->tui;
    struct window *home = window_current(tui);
    struct window *quiet = window_of(scene, "rosaline@example.net", 0, 0);
    struct window *unread = window_of(scene, "mercutio@example.net", 2, 0);
    struct window *mention = window_of(scene, "nurse@example.net", 1, 1);
    golden_expect(scene->tui, "hotlist-60x20");
    tui_run(tui, "/win unread");
    g_assert_true(window_current(tui) == mention);
    tui_run(tui, "/win unread");
    g_assert_true(window_current(tui) == unread);
    tui_run(tui, "/win unread");
    g_assert_true(window_current(tui) == home);
    tui_run(tui, "/win ros");
    g_assert_true(window_current(tui) == quiet);
    tui_run(tui, "/win back");
    g_assert_true(window_current(tui) == home);
    tui_run(tui, "/win RO"); /* romeo or rosaline */
    g_assert_true(window_current(tui) == home);
    g_assert_true(shows(scene, "write more of it"));
    tui_run(tui, "/win mcut");
    g_assert_true(window_current(tui) == unread);
    tui_run(tui, "/win 2");
    g_assert_true(window_current(tui) == quiet);
    unread->chat->unread = 1;
    pane_dirty(tui->status);
    tui_draw(tui);
    struct key click = { .code = KEY_MOUSE_, .button = MOUSE_LEFT, .x = 9, .y = tui->status->y };
    tui_key(tui, &click);
    g_assert_true(window_current(tui) == unread);
    scene_free(scene);
}

static void type(struct scene *scene, const char *text)
{
    for (; *text; text++) {
        struct key pressed = { .code = KEY_CHAR, .text = { *text } };
        tui_key(scene->tui, &pressed);
    }
}

static void add_contact(struct scene *scene, const char *jid, const char *name)
{
    struct contact *contact = roster_ensure(scene->account->roster, jid);
    contact->in_roster = true;
    contact->name = g_strdup(name);
    account_emit(scene->account, (struct event){ .type = EVENT_ROSTER_RESET,
        .account = scene->account });
}

/* Windows, contacts, commands, options and help by a few letters. */
static void test_palette(void)
{
    struct scene *scene = scene_new(1);
    struct tui *tui = scene->tui;
    add_contact(scene, "t@example.net", "Tybalt");
    add_contact(scene, "xyz@example.net", "Fri\303\241r \033]0;x Laurence");
    window_of(scene, "nurse@example.net", 2, 1);
    struct key open = { .code = KEY_CHAR, .mods = MOD_ALT, .text = "x" };
    tui_key(tui, &open);
    g_assert_nonnull(tui->palette);
    golden_expect(scene->tui, "palette-open-60x20");
    type(scene, "se");
    golden_expect(scene->tui, "palette-60x20");
    key(scene, KEY_ESC);
    g_assert_null(tui->palette);
    tui_run(tui, "/palette friar");
    g_assert_true(shows(scene, "Fri\303\241r"));
    key(scene, KEY_ENTER);
    g_assert_cmpstr(window_current(tui)->chat->jid, ==, "xyz@example.net");
    tui_key(tui, &open);
    type(scene, "/notify wo");
    g_assert_true(shows(scene, "/notify words"));
    g_assert_false(shows(scene, "Tybalt  "));
    for (int i = 0; i < 10; i++)
        key(scene, KEY_BS);
    type(scene, "qqqq");
    g_assert_true(shows(scene, "Nothing is like that"));
    key(scene, KEY_ENTER);
    g_assert_nonnull(tui->palette);
    struct key click = { .code = KEY_MOUSE_, .button = MOUSE_LEFT, .x = 0, .y = 19 };
    tui_key(tui, &click);
    g_assert_null(tui->palette);
    tui_key(tui, &open);
    key(scene, KEY_DOWN_);
    key(scene, KEY_UP_);
    key(scene, KEY_ENTER); /* the most urgent one */
    g_assert_cmpstr(window_current(tui)->chat->jid, ==, "nurse@example.net");
    grid_resize(tui->grid, 20, 5);
    tui_key(tui, &open);
    golden_expect(scene->tui, "palette-20x5");
    scene_free(scene);
}

static void settle(struct scene *scene)
{
    while (g_main_context_iteration(NULL, FALSE))
        tui_draw(scene->tui);
}

/* What one looks for is seen on a small terminal, too. */
static void test_small(void)
{
    struct scene *scene = scene_new(60);
    struct tui *tui = scene->tui;
    grid_resize(tui->grid, 40, 12);
    add_contact(scene, PEER, "Romeo");
    struct message *message = text_message("Deny thy father and refuse thy name; or, if thou "
        "wilt not, be but sworn my love, and I'll no longer be a Capulet", 4000, true);
    history_add(scene->account->history, scene->chat, message, message->time_us);
    message_free(message);
    message = text_message("Shall I hear more, or shall I speak at this?", 4001, false);
    history_add(scene->account->history, scene->chat, message, message->time_us);
    message_free(message);
    history_commit(scene->account->history, NULL);
    struct key open = { .code = KEY_CHAR, .mods = MOD_ALT, .text = "x" };
    tui_key(tui, &open);
    type(scene, "rom"); /* the chat in front, too */
    golden_expect(tui, "palette-40x12");
    key(scene, KEY_ENTER);
    g_assert_cmpstr(window_current(tui)->chat->jid, ==, PEER);
    key(scene, KEY_F5);
    golden_expect(tui, "find-40x12");
    type(scene, "nobody");
    settle(scene);
    golden_expect(tui, "find-past-40x12");
    key(scene, KEY_ESC);
    search(scene, "/search capulet");
    golden_expect(tui, "search-40x12");
    search(scene, "/search speak");
    g_assert_true(shows(scene, "I speak at"));
    scene_free(scene);
}

static void test_hints_fit(void)
{
    static const struct {
        int cells;
        const char *text;
    } rows[] = { { 42, "Up older  Down newer  Enter stay  Esc back" },
        { 41, "Up older  Down newer  Esc back" }, { 29, "Up older  Esc back" },
        { 18, "Up older  Esc back" }, { 17, "Esc back" }, { 8, "Esc back" }, { 7, "" },
        { -3, "" } };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *fit =
            hints_fit("Up older  Down newer  Enter stay  Esc back", rows[i].cells);
        g_assert_cmpstr(fit, ==, rows[i].text);
    }
    g_autofree char *none = hints_fit("", 10);
    g_assert_cmpstr(none, ==, "");
}

/* Text of the conversation, while it is typed: here, in the store, and back. */
static void test_find(void)
{
    struct scene *scene = scene_new(3000);
    struct tui *tui = scene->tui;
    key(scene, KEY_F5);
    type(scene, "LINE 29");
    settle(scene);
    golden_expect(scene->tui, "find-60x20");
    type(scene, "31"); /* not held any more */
    settle(scene);
    g_assert_true(shows(scene, "line 2931"));
    key(scene, KEY_BS);
    key(scene, KEY_BS);
    settle(scene);
    g_assert_true(shows(scene, "line 2999"));
    for (int i = 0; i < 7; i++)
        key(scene, KEY_BS);
    type(scene, "ne 17");
    settle(scene);
    g_assert_true(shows(scene, "line 1799"));
    key(scene, KEY_UP_);
    settle(scene);
    g_assert_true(shows(scene, "line 1798"));
    key(scene, KEY_DOWN_);
    settle(scene);
    key(scene, KEY_DOWN_);
    settle(scene);
    g_assert_true(shows(scene, "nothing newer"));
    golden_expect(scene->tui, "find-past-60x20");
    key(scene, KEY_ESC);
    g_assert_false(pane_chat_scrolled(pane_of(scene)));
    g_assert_null(tui->find);
    tui_run(tui, "/find line 12");
    settle(scene);
    key(scene, KEY_ENTER);
    g_assert_null(tui->find);
    g_assert_true(pane_chat_scrolled(pane_of(scene)));
    g_assert_true(shows(scene, "line 1299"));
    key(scene, KEY_F5);
    key(scene, KEY_UP_);
    settle(scene);
    g_assert_true(shows(scene, "line 1299"));
    key(scene, KEY_ESC);
    tui_run(tui, "/find nowhere at all");
    settle(scene);
    g_assert_true(shows(scene, "not found here"));
    tui_run(tui, "/find line 0"); /* goes on behind the other window's back */
    tui_run(tui, "/win 0");
    settle(scene);
    g_assert_null(tui->find);
    scene_free(scene);
}

/* What was imported from long ago, and where the archive was left off. */
static void test_gap(void)
{
    struct scene *scene = scene_new(1000);
    g_autofree char *place = g_strdup_printf("%" G_GINT64_FORMAT,
        FROM + (gint64)60 * 500 * G_USEC_PER_SEC);
    history_set_value(scene->account->history, "archive.from", place);
    tui_run(scene->tui, "/goto m510");
    g_assert_false(shows(scene, "missing here"));
    tui_run(scene->tui, "/goto m498");
    g_assert_true(shows(scene, "messages may be missing here"));
    g_assert_true(shows(scene, "line 500"));
    history_set_value(scene->account->history, "archive.from", "0");
    g_assert_false(shows(scene, "missing here"));
    scene_free(scene);
}

/* What was not seen when the program ended begins with a line. */
static void test_new_line(void)
{
    struct scene *scene = scene_new(300);
    struct chat *chat = scene->chat;
    account_close_chat(scene->account, chat);
    chat = account_open_chat(scene->account, PEER, CHAT_CONTACT);
    chat->unread = 3;
    chat->read_row = FROM + (gint64)294 * 60 * G_USEC_PER_SEC;
    window_show(scene->tui, window_open(scene->tui, chat));
    g_assert_true(shows(scene, " new"));
    scene_free(scene);
}

int main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scrollback/up-and-down", test_up_and_down);
    g_test_add_func("/scrollback/no-gap", test_no_gap);
    g_test_add_func("/scrollback/goto", test_goto);
    g_test_add_func("/scrollback/meanwhile", test_meanwhile);
    g_test_add_func("/scrollback/search", test_search);
    g_test_add_func("/scrollback/search-pages", test_search_pages);
    g_test_add_func("/scrollback/search-spans", test_search_spans);
    g_test_add_func("/scrollback/windows", test_windows);
    g_test_add_func("/scrollback/palette", test_palette);
    g_test_add_func("/scrollback/small", test_small);
    g_test_add_func("/scrollback/hints-fit", test_hints_fit);
    g_test_add_func("/scrollback/find", test_find);
    g_test_add_func("/scrollback/gap", test_gap);
    g_test_add_func("/scrollback/new-line", test_new_line);
    return g_test_run();
}
