/* A conversation on the screen: what of it is styled, numbered, picked,
 * filtered, and where one goes in it. */
#include "chat_fixture.h"

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

int main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chat/styling", test_styling);
    g_test_add_func("/chat/unstyled", test_unstyled);
    g_test_add_func("/chat/links", test_links);
    g_test_add_func("/chat/nick-colors", test_nick_colors);
    g_test_add_func("/chat/H53-many-links", test_many_links);
    return g_test_run();
}
