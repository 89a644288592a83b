/* A conversation on the screen: what of it is styled, numbered, picked,
 * filtered, and where one goes in it. */
#include "chat_fixture.h"
#include "ui/filter.h"

/* As if it had just come. */
static struct message *hear(struct scene *scene, const char *body)
{
    guint n = scene->chat->messages->len + 10000;
    struct message *message = text_message("", n, false);
    g_free(message->body);
    message->body = g_strdup(body);
    history_add(scene->account->history, scene->chat, message, 0);
    chat_append(scene->chat, message);
    struct event event = { .type = EVENT_MESSAGE, .account = scene->account,
        .chat = scene->chat };
    event.message.message = message;
    observers_emit(scene->app.observers, &event);
    return message;
}

/* The style of the first cell of the text on the screen. */
static style_t style_at(struct scene *scene, const char *text)
{
    const struct grid *grid = scene->tui->grid;
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
    for (int y = 0; y < grid->rows; y++)
        for (int x = 0; x < grid->cols; x++) {
            gsize n = 0;
            while (text[n] && x + (int)n < grid->cols &&
                grid_cell(grid, x + (int)n, y)->text[0] == text[n])
                n++;
            if (!text[n])
                return grid_cell(grid, x, y)->style;
        }
    g_autofree char *dump = grid_dump(grid);
    g_error("\"%s\" is not on the screen:\n%s", text, dump);
}

static void set_option(struct scene *scene, const char *name, const char *value)
{
    g_autoptr(GError) error = NULL;
    options_set(scene->app.options, NULL, name, value, true, &error);
    g_assert_no_error(error);
}

static void press(struct scene *scene, const char *name)
{
    struct key key;
    g_assert_true(key_parse(name, &key));
    tui_key(scene->tui, &key);
    tui_draw(scene->tui);
}

static void test_styling(void)
{
    struct scene *scene = scene_new(1);
    hear(scene, "a *bold* _slanted_ ~gone~ `code` https://a.tld/*x*");
    hear(scene, "> quoted *loud*");
    style_t style = style_at(scene, "bold*");
    g_assert_cmpuint(STYLE_ATTRS(style), ==, ATTR_BOLD);
    g_assert_cmpint(STYLE_ROLE(style), ==, ROLE_MESSAGE);
    g_assert_cmpint(STYLE_ROLE(style_at(scene, "*bold*")), ==, ROLE_MARKUP);
    g_assert_cmpuint(STYLE_ATTRS(style_at(scene, "slanted_")), ==, ATTR_ITALIC);
    g_assert_cmpuint(STYLE_ATTRS(style_at(scene, "gone~")), ==, ATTR_STRIKE);
    g_assert_cmpint(STYLE_ROLE(style_at(scene, "code`")), ==, ROLE_CODE);
    g_assert_cmpint(STYLE_ROLE(style_at(scene, "https")), ==, ROLE_LINK);
    g_assert_cmpint(STYLE_ROLE(style_at(scene, "quoted")), ==, ROLE_QUOTE);
    g_assert_cmpuint(STYLE_ATTRS(style_at(scene, "loud*")), ==, ATTR_BOLD);
    set_option(scene, "ui.styling", "off");
    g_assert_cmpuint(STYLE_ATTRS(style_at(scene, "bold*")), ==, 0);
    g_assert_cmpint(STYLE_ROLE(style_at(scene, "quoted")), ==, ROLE_MESSAGE);
    scene_free(scene);
}

/* XEP-0245 s. 2: the four characters, there and nowhere else. */
static void test_me(void)
{
    static const char *const others[] = { "/meshrugs in disgust",
        "/me's disgusted", " /me shrugs at it", "\"/me shrugs with it\"",
        "* Atlas shrugs",
        "Why did he say \"/me shrugs\"?", "/ME shrugs" };
    struct scene *scene = scene_new(1);

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *begin = g_strndup(others[i], 10);
        hear(scene, others[i]);
        g_assert_cmpint(STYLE_ROLE(style_at(scene, begin)), !=, ROLE_ACTION);
    }
    hear(scene, "/me sighs");
    g_assert_cmpint(
        STYLE_ROLE(style_at(scene, " sighs")), ==, ROLE_ACTION);
    scene_free(scene);
}

/* XEP-0393 s. 5: the sender may forbid it, and that is still so tomorrow. */
static void test_unstyled(void)
{
    struct scene *scene = scene_new(0);
    struct message *message = text_message("*no*", 1, false);
    message->unstyled = true;
    history_add(scene->account->history, scene->chat, message, 0);
    auto_struct(message) loaded = history_load(scene->account->history, message->row);
    g_assert_true(loaded->unstyled);
    chat_append(scene->chat, message);
    g_assert_cmpuint(STYLE_ATTRS(style_at(scene, "no*")), ==, 0);
    scene_free(scene);
}

static void test_links(void)
{
    struct scene *scene = scene_new(1);
    grid_resize(scene->tui->grid, 110, 24);
    hear(scene, "old https://a.tld/1, and https://b.tld/2.");
    hear(scene, "the same https://c.tld/3 twice: https://c.tld/3");
    g_assert_true(shows(scene, "https://a.tld/1, [2]"));
    g_assert_true(shows(scene, "https://b.tld/2. [3]"));
    g_assert_true(shows(scene, "https://c.tld/3 [1]  twice: https://c.tld/3 [1]"));
    g_assert_cmpint(STYLE_ROLE(style_at(scene, "[3]")), ==, ROLE_LINK_NUMBER);
    for (int i = 0; i < 40; i++)
        hear(scene, i % 4 ? "and so on" : "https://d.tld/");
    while (!shows(scene, "https://a.tld/1"))
        pane_chat_scroll(pane_of(scene), 1);
    /* Those below the part that is scrolled do not count, nor do the three
     * rows of the tail have numbers. */
    guint bottom;
    GPtrArray *messages = pane_chat_shown(pane_of(scene), &bottom);
    g_assert_cmpuint(bottom, <, messages->len - 10);
    g_autofree char *dump = grid_dump(scene->tui->grid);
    g_assert_nonnull(strstr(dump, "https://d.tld/ [1]"));
    set_option(scene, "ui.link_numbers", "off");
    g_assert_true(shows(scene, "https://a.tld/1, and https://b.tld/2."));
    scene_free(scene);
}

/* XEP-0392: by address, like everywhere; not at all when that is wished. */
static void test_nick_colors(void)
{
    struct scene *scene = scene_new(2);
    grid_resize(scene->tui->grid, 58, 12); /* without the contact list */
    style_t style = style_at(scene, "romeo ");
    g_assert_cmpuint(STYLE_HUE(style), ==, STYLE_HUE(style_nick(ROLE_NICK, PEER)));
    int before = theme_look(scene->tui->theme, style, DEPTH_TRUE).fg;
    set_option(scene, "ui.nick_colors", "red-green"); /* 90 to 270 degrees are elsewhere */
    g_assert_cmpfloat(style_angle_of(PEER), >, 90);
    g_assert_cmpfloat(style_angle_of(PEER), <, 270);
    g_assert_cmpint(theme_look(scene->tui->theme, style, DEPTH_TRUE).fg, !=, before);
    set_option(scene, "ui.nick_colors", "off");
    g_assert_cmpuint(STYLE_HUE(style_at(scene, "romeo ")), ==, 0);
    scene_free(scene);
}

/* Golden screens: all of it at once, also where there is little room. */
static void test_screens(void)
{
    static const struct {
        int cols, rows;
        const char *name;
    } sizes[] = { { 90, 22, "chat-styled" }, { 40, 12, "chat-styled-40x12" },
        { 20, 9, "chat-styled-20x9" } };
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct scene *scene = scene_new(0);
        grid_resize(scene->tui->grid, sizes[i].cols, sizes[i].rows);
        hear(scene, "With *love's light* wings did I _o'erperch_ `these walls`");
        hear(scene, "> stony limits\n>> cannot hold *love* out\nWhat say you?");
        hear(scene, "[bot] build 1 failed");
        hear(scene, "```c\nfor (;;)\n    love();\n```\nsee https://a.tld/, (https://b.tld/).");
        tui_run(scene->tui, "/filter add ^\\[bot\\]");
        press(scene, "Escape");
        tui_run(scene->tui, "/pick");
        golden_expect(scene->tui, sizes[i].name);
        press(scene, "Enter");
        g_autofree char *menu = g_strconcat(sizes[i].name, "-menu", NULL);
        golden_expect(scene->tui, menu);
        scene_free(scene);
    }
}

/* H53: a message of nothing but links; the numbers stop, the rest goes on. */
static void test_many_links(void)
{
    struct scene *scene = scene_new(1);
    g_autoptr(GString) body = g_string_new("begin");
    for (int i = 0; i < 500; i++)
        g_string_append_printf(body, " http://x/%d", i);
    hear(scene, body->str);
    g_assert_true(shows(scene, "http://x/499"));
    scene_free(scene);
}

static const char *picked(struct scene *scene)
{
    const struct message *message = pane_chat_picked(pane_of(scene), NULL);
    return message ? message->body : NULL;
}

static void test_days(void)
{
    struct scene *scene = scene_new(4000); /* three days, from 22:13 on */
    struct pane *pane = pane_of(scene);
    grid_resize(scene->tui->grid, 58, 20);
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
    static const char *const firsts[] = { "line 2987", "line 1547", "line 107", "line 0" };
    for (gsize i = 0; i < G_N_ELEMENTS(firsts); i++) {
        press(scene, "M-PageUp");
        g_autofree char *dump = grid_dump(scene->tui->grid);
        g_auto(GStrv) lines = g_strsplit(dump, "\n", 4);
        g_test_message("%s", dump);
        g_assert_nonnull(strstr(lines[1], "November 2023")); /* its line at the top */
        g_assert_true(g_str_has_suffix(lines[2], firsts[i]) || strstr(lines[2], firsts[i]));
    }
    press(scene, "M-PageUp"); /* there is none before */
    g_assert_true(shows(scene, "line 0"));
    for (gsize i = G_N_ELEMENTS(firsts) - 1; i-- > 0;) {
        press(scene, "M-PageDown");
        g_assert_true(shows(scene, firsts[i]));
    }
    press(scene, "M-PageDown");
    g_assert_false(pane_chat_scrolled(pane));
    scene_free(scene);
}

static void test_pick(void)
{
    struct scene *scene = scene_new(1500);
    struct pane *pane = pane_of(scene);
    grid_resize(scene->tui->grid, 58, 20);
    tui_run(scene->tui, "/pick");
    g_assert_cmpstr(picked(scene), ==, "line 1499");
    g_assert_cmpint(STYLE_GROUND(style_at(scene, "line 1499")), ==, ROLE_PICKED);
    press(scene, "Down"); /* the last one */
    g_assert_cmpstr(picked(scene), ==, "line 1499");
    press(scene, "Up");
    press(scene, "k");
    g_assert_cmpstr(picked(scene), ==, "line 1497");
    g_assert_false(pane_chat_scrolled(pane));
    for (int i = 0; i < 140; i++) { /* into the store, always to be seen */
        press(scene, "PageUp");
        g_assert_true(shows(scene, picked(scene)));
    }
    g_assert_cmpstr(picked(scene), ==, "line 97");
    press(scene, "Home");
    g_assert_cmpstr(picked(scene), ==, "line 0");
    press(scene, "Up");
    g_assert_true(shows(scene, "line 0"));
    press(scene, "PageDown");
    g_assert_cmpstr(picked(scene), ==, "line 10");
    for (int i = 0; i < 150; i++) {
        press(scene, "PageDown");
        g_assert_true(shows(scene, picked(scene)));
    }
    g_assert_cmpstr(picked(scene), ==, "line 1499");
    g_assert_false(pane_chat_scrolled(pane));
    press(scene, "x"); /* no text is meant */
    g_assert_nonnull(picked(scene));
    press(scene, "Escape");
    g_assert_null(picked(scene));
    /* The mouse: its right button on a message. */
    tui_draw(scene->tui);
    struct key key = { .code = KEY_MOUSE_, .button = MOUSE_RIGHT, .x = 20, .y = 10 };
    tui_key(scene->tui, &key);
    g_assert_nonnull(picked(scene));
    g_assert_nonnull(scene->tui->menu);
    press(scene, "Escape");
    press(scene, "M-n"); /* any other key ends it, and does what it does */
    g_assert_true(pane_of(scene) != pane);
    g_assert_null(pane_chat_picked(pane, NULL));
    scene_free(scene);
}

static void test_pick_menu(void)
{
    struct scene *scene = scene_new(1);
    grid_resize(scene->tui->grid, 80, 20);
    hear(scene, "see https://a.tld/1 and https://b.tld/2");
    tui_run(scene->tui, "/pick");
    press(scene, "Enter");
    g_assert_true(shows(scene, "Quote"));
    g_assert_true(shows(scene, "Open https://b.tld/2"));
    press(scene, "2");
    g_assert_null(scene->tui->menu);
    g_assert_null(picked(scene));
    g_assert_cmpuint(scene->tui->dialogs->len, ==, 1); /* asks before it opens */
    g_assert_true(shows(scene, "Open https://b.tld/2?"));
    scene_free(scene);
}

/* A conversation whose messages are hidden one by one, all, and not. */
static void test_filters(void)
{
    struct scene *scene = scene_new(0);
    grid_resize(scene->tui->grid, 58, 20);
    hear(scene, "good morning");
    hear(scene, "[bot] build 1 failed");
    hear(scene, "how is it?");
    hear(scene, "[bot] build 2 failed https://b.tld/");
    tui_run(scene->tui, "/filter add ^\\[BOT\\]");
    g_assert_false(shows(scene, "[bot]"));
    g_assert_true(shows(scene, "2 messages hidden"));
    g_assert_true(shows(scene, "how is it?"));
    hear(scene, "and https://c.tld/");
    g_assert_true(shows(scene, "https://c.tld/ [1]"));
    tui_run(scene->tui, "/pick");
    press(scene, "Up");
    g_assert_cmpstr(picked(scene), ==, "how is it?");
    press(scene, "Up");
    g_assert_cmpstr(picked(scene), ==, "good morning");
    press(scene, "Escape");
    tui_run(scene->tui, "/filter toggle");
    g_assert_true(shows(scene, "[bot] build 2"));
    g_assert_false(shows(scene, "hidden"));
    tui_run(scene->tui, "/filter toggle");
    tui_run(scene->tui, "/filter add from " PEER);
    g_assert_true(shows(scene, "5 messages hidden"));
    g_assert_false(shows(scene, "good morning"));
    for (int i = 0; i < 5; i++) { /* nothing to scroll in, nothing to pick */
        press(scene, i & 1 ? "PageUp" : "M-PageUp");
        press(scene, "PageDown");
    }
    tui_run(scene->tui, "/pick");
    g_assert_null(picked(scene));
    /* They are there after a restart, and hide nothing elsewhere. */
    struct filters *again = filters_new();
    filters_load(again, scene->app.options);
    g_assert_cmpuint(filters_list(again)->len, ==, 2);
    g_assert_cmpstr(((struct filter *)filters_list(again)->pdata[0])->text, ==, "^\\[BOT\\]");
    g_assert_cmpstr(((struct filter *)filters_list(again)->pdata[1])->from, ==, PEER);
    filters_free(again);
    tui_run(scene->tui, "/filter remove all");
    g_assert_true(shows(scene, "[bot] build 1"));
    g_assert_cmpuint(scene->chat->messages->len, ==, 5);
    scene_free(scene);
}

/* A store of which hardly anything is shown: scrolling ends, and finds it. */
static void test_filtered_store(void)
{
    struct scene *scene = scene_new(6000);
    grid_resize(scene->tui->grid, 58, 20);
    tui_run(scene->tui, "/filter add in " PEER " [1-9]$"); /* one in ten, and own ones */
    for (int i = 0; i < 20; i++)
        press(scene, "PageUp");
    g_assert_true(pane_chat_scrolled(pane_of(scene)));
    tui_run(scene->tui, "/filter add [0-9]$");
    set_option(scene, "ui.filters", "off");
    for (int i = 0; i < 1000 && pane_chat_scrolled(pane_of(scene)); i++)
        press(scene, "PageDown");
    g_assert_true(shows(scene, "line 5999"));
    scene_free(scene);
}

/* An expression that would take for ever is switched off. */
static void test_catastrophe(void)
{
    struct scene *scene = scene_new(0);
    grid_resize(scene->tui->grid, 58, 20);
    g_autofree char *as = g_strnfill(3000, 'a');
    hear(scene, as);
    tui_run(scene->tui, "/filter add (a+)+[bc]$");
    tui_run(scene->tui, "/filter add (*LIMIT_MATCH=99999999)(a|a|aa)+[bc]$");
    tui_draw(scene->tui);
    g_assert_true(shows(scene, "aaaa"));
    const GPtrArray *list = filters_list(scene->tui->filters);
    for (guint i = 0; i < list->len; i++)
        g_assert_true(((struct filter *)list->pdata[i])->tired);
    tui_run(scene->tui, "/filter add (");
    g_assert_cmpuint(list->len, ==, 2);
    scene_free(scene);
}

int main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chat/styling", test_styling);
    g_test_add_func("/chat/unstyled", test_unstyled);
    g_test_add_func("/chat/XEP-0245-me", test_me);
    g_test_add_func("/chat/links", test_links);
    g_test_add_func("/chat/nick-colors", test_nick_colors);
    g_test_add_func("/chat/days", test_days);
    g_test_add_func("/chat/pick", test_pick);
    g_test_add_func("/chat/pick-menu", test_pick_menu);
    g_test_add_func("/chat/filters", test_filters);
    g_test_add_func("/chat/filtered-store", test_filtered_store);
    g_test_add_func("/chat/catastrophe", test_catastrophe);
    g_test_add_func("/chat/screens", test_screens);
    g_test_add_func("/chat/H53-many-links", test_many_links);
    return g_test_run();
}
