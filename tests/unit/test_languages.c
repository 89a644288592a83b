/*
 * Every dialog in every language of po/LINGUAS, at several sizes: nothing is
 * cut in the middle of a wide character, all buttons are there, each with a
 * letter of its own. And a pseudo language, in which every letter of a text
 * that went through gettext is another one: what is still in ASCII letters
 * was left out.
 */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "base/text.h"
#include "ui/dialog/dialog.h"
#include "ui/dialog/menu.h"
#include "ui/pane/pane.h"
#include "ui/picture/viewer.h"
#include "ui/term/line.h"
#include "golden.h"
#include "ui/widget/table.h"
#include "net/tls.h"
#include "xep/xep0004_form.h"
#include <locale.h>
#include <string.h>

#define NOW_US (G_GINT64_CONSTANT(1795208640) * G_USEC_PER_SEC)
#define SHA256 "00:11:22:33:44:55:66:77:88:99:00:11:22:33:44:55:66:77:88:99:00:11:22:33:44:55:66:77:88:99:00:11"

/* ---- gettext, as the test wants it ---- */

static GHashTable *catalogue; /* msgid → msgstr; NULL: English */
static bool pseudo;
static GHashTable *strange;   /* what pseudo made, kept */

/* "é" for "e": the same width, no ASCII. Directives stay. */
static const char *made_strange(const char *text)
{
    static const char *const letters[] = { "á", "ƀ", "ć", "đ", "é", "ƒ", "ǵ", "ħ", "í", "ĵ",
        "ķ", "ĺ", "ɱ", "ń", "ó", "ƥ", "ɋ", "ŕ", "ś", "ŧ", "ú", "ṽ", "ŵ", "ẋ", "ý", "ź" };
    if (!strange)
        strange = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const char *known = g_hash_table_lookup(strange, text);
    if (known)
        return known;
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p; p++) {
        if (*p == '%') {
            size_t n = 1 + strspn(p + 1, "-+ #0123456789.*lhz$");
            g_string_append_len(out, p, (gssize)n + 1);
            p += n;
        } else if (g_ascii_isalpha(*p))
            g_string_append(out, letters[g_ascii_tolower(*p) - 'a']);
        else
            g_string_append_c(out, *p);
    }
    char *made = g_string_free(out, FALSE);
    g_hash_table_insert(strange, g_strdup(text), made);
    return made;
}

static char *translated(const char *text)
{
    if (pseudo && text && *text)
        return (char *)(gpointer)made_strange(text);
    const char *found = catalogue && text ? g_hash_table_lookup(catalogue, text) : NULL;
    return (char *)(gpointer)(found ? found : text);
}

char *__wrap_gettext(const char *text);
char *__wrap_dcgettext(const char *domain, const char *text, int category);
char *__wrap_ngettext(const char *one, const char *many, unsigned long n);
char *__wrap_dcngettext(const char *domain, const char *one, const char *many, unsigned long n,
    int category);

char *__wrap_gettext(const char *text)
{
    return translated(text);
}

char *__wrap_dcgettext(const char *domain, const char *text, int category)
{
    (void)domain, (void)category;
    return translated(text);
}

char *__wrap_ngettext(const char *one, const char *many, unsigned long n)
{
    char *text = translated(one);
    return text == one && n != 1 ? translated(many) : text;
}

char *__wrap_dcngettext(const char *domain, const char *one, const char *many, unsigned long n,
    int category)
{
    (void)domain, (void)category;
    return __wrap_ngettext(one, many, n);
}

/* The part of a PO file that we write: no comments between, any joining. */
static GHashTable *read_po(const char *lang)
{
    g_autofree char *name = g_strconcat(lang, ".po", NULL);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "po", name, NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    GHashTable *out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) id = g_string_new(NULL);
    g_autoptr(GString) str = g_string_new(NULL);
    GString *to = NULL;
    for (char **line = lines; *line; line++) {
        const char *quote = strchr(*line, '"');
        bool begins = g_str_has_prefix(*line, "msgid \"");
        if ((begins || !line[1]) && id->len && str->len)
            g_hash_table_insert(out, g_strdup(id->str), g_strdup(str->str));
        if (begins) {
            g_string_truncate(id, 0);
            g_string_truncate(str, 0);
            to = id;
        } else if (g_str_has_prefix(*line, "msgstr \"") || g_str_has_prefix(*line, "msgstr[0]"))
            to = str;
        else if (g_str_has_prefix(*line, "msgid_plural") || g_str_has_prefix(*line, "msgstr["))
            to = NULL;
        if (!quote || !to || **line == '#')
            continue;
        g_autofree char *inner = g_strndup(quote + 1, strlen(quote) - 2);
        g_autofree char *plain = g_strcompress(inner);
        g_string_append(to, plain);
    }
    g_assert_cmpuint(g_hash_table_size(out), >, 1000);
    return out;
}

/* ---- a screen ---- */

struct scene {
    struct app app;
    struct account *account;
    struct tui *tui;
};

static struct scene *scene_new(int cols, int rows)
{
    static const struct option general[] = { { .name = "general.default_account",
        .kind = OPTION_STRING }, { .name = NULL } };
    struct scene *scene = g_new0(struct scene, 1);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    scene->app.observers = observers_new();
    scene->app.accounts = g_ptr_array_new();
    scene->app.options = options_new("/dev/null/txmpp.conf", problems);
    options_register(scene->app.options, ui_options);
    options_register(scene->app.options, general);
    scene->account = account_new("1@2.3", scene->app.observers, scene->app.options, NULL);
    g_ptr_array_add(scene->app.accounts, scene->account);
    scene->account->state = STATE_ONLINE;
    scene->tui = tui_new_offscreen(&scene->app, cols, rows, false);
    scene->tui->frozen_us = NOW_US;
    return scene;
}

static void scene_free(struct scene *scene)
{
    dialog_close_all(scene->tui);
    line_free(scene->tui->line);
    scene->tui->line = NULL;
    tui_free(&scene->tui->front);
    account_free(scene->account);
    g_ptr_array_free(scene->app.accounts, TRUE);
    observers_free(scene->app.observers);
    options_free(scene->app.options);
    g_free(scene);
}

/* Names, addresses and texts are of digits: no letter is theirs. */
static void fill(struct scene *scene)
{
    static const struct { const char *jid, *group; enum show show; bool ask; } people[] = {
        { "4@5.6", "77", SHOW_ONLINE, false }, { "8@5.6", "77", SHOW_AWAY, false },
        { "9@5.6", "78", SHOW_OFFLINE, true }, { "10@5.6", "78", SHOW_DND, false } };
    for (gsize i = 0; i < G_N_ELEMENTS(people); i++) {
        struct contact *contact = roster_ensure(scene->account->roster, people[i].jid);
        const char *groups[] = { people[i].group, NULL };
        contact->in_roster = true;
        contact->ask = people[i].ask;
        contact_set_groups(contact, groups);
        if (people[i].show != SHOW_OFFLINE) {
            struct presence *presence = presence_new(people[i].jid);
            presence->show = people[i].show;
            contact_put_presence(contact, presence);
        }
        account_emit(scene->account, (struct event){ .type = EVENT_ROSTER,
            .account = scene->account, .contact = contact });
    }
    struct chat *chat = account_open_chat(scene->account, "4@5.6", CHAT_CONTACT);
    window_show(scene->tui, window_open(scene->tui, chat));
    g_free(chat->typing);
    chat->typing = g_strdup("composing");
    account_open_chat(scene->account, "8@5.6", CHAT_CONTACT)->unread = 2;
}

static void never(enum answer answer, const char *text, struct secret *password, gpointer data)
{
    (void)answer, (void)text, (void)password, (void)data;
}

static void ask(struct scene *scene, struct question question)
{
    question.account = scene->account;
    question.answer = never;
    dialog_ask(&scene->tui->front, &question);
}

static void open_certificate(struct scene *scene)
{
    struct tls_peer peer = { .subject = (char *)"1", .issuer = (char *)"2",
        .names = (char *)"3", .sha256 = (char *)SHA256, .not_before_us = NOW_US,
        .not_after_us = NOW_US, .distrust = TLS_SELF_SIGNED | TLS_EXPIRED | TLS_PIN_CHANGED };
    ask(scene, (struct question){ .kind = QUESTION_CERTIFICATE, .peer = &peer });
}

static void open_confirm(struct scene *scene)
{
    ask(scene, (struct question){ .kind = QUESTION_CONFIRM, .text = "1?", .destructive = true });
}

static void open_password(struct scene *scene)
{
    ask(scene, (struct question){ .kind = QUESTION_PASSWORD, .again = true });
}

static void open_subscription(struct scene *scene)
{
    ask(scene, (struct question){ .kind = QUESTION_SUBSCRIPTION, .jid = "44@5.6" });
    ask(scene, (struct question){ .kind = QUESTION_SUBSCRIPTION, .jid = "45@5.6" });
}

static void open_text(struct scene *scene)
{
    ask(scene, (struct question){ .kind = QUESTION_TEXT, .text = "1?", .fallback = "2" });
}

static struct form *the_form;
static void open_form(struct scene *scene)
{
    the_form = form_new(FORM_FORM);
    form_add(the_form, FORM_TEXT_SINGLE, "1", "1", true);
    form_add(the_form, FORM_BOOLEAN, "2", "2", false);
    form_add(the_form, FORM_TEXT_MULTI, "3", "3", false);
    the_form->url = g_strdup("5");
    ask(scene, (struct question){ .kind = QUESTION_FORM, .form = the_form });
}

static void open_first_start(struct scene *scene)
{
    dialog_first_start(scene->tui);
    struct dialog *dialog = scene->tui->dialogs->pdata[0];
    dialog->ops->pressed(dialog, dialog->buttons[0].id); /* complains */
}

static void open_contact(struct scene *scene)
{
    dialog_contact(scene->tui, scene->account, NULL);
}

static void open_edit(struct scene *scene)
{
    dialog_contact(scene->tui, scene->account, "9@5.6");
}

static void open_keys(struct scene *scene)
{
    g_autofree char *text = keys_help_text();
    dialog_help(scene->tui, _("Keys"), text);
}

static void open_menu(struct scene *scene)
{
    pane_roster_menu(scene->tui->roster);
}

static void press(struct scene *scene, const char *name)
{
    struct key key;
    g_assert_true(key_parse(name, &key));
    tui_key(scene->tui, &key);
    tui_draw(scene->tui);
}

static void open_palette(struct scene *scene)
{
    palette_open(scene->tui, NULL);
}

static void open_empty_palette(struct scene *scene)
{
    palette_open(scene->tui, "0000");
}

static void say(struct scene *scene, const char *body, bool outgoing)
{
    struct chat *chat = window_current(scene->tui)->chat;
    struct message *message = message_new();
    message->body = g_strdup(body);
    message->type = MESSAGE_CHAT;
    message->outgoing = outgoing;
    message->from = g_strdup(outgoing ? "1@2.3/4" : "4@5.6/7");
    message->to = g_strdup(outgoing ? "4@5.6" : "1@2.3");
    message->time_us = message->received_us = NOW_US;
    message->delivery = outgoing ? DELIVERY_FAILED : DELIVERY_NONE;
    chat_append(chat, message);
    account_emit(scene->account, (struct event){ .type = EVENT_MESSAGE,
        .account = scene->account, .chat = chat, .message = { .message = message } });
}

static void open_messages(struct scene *scene)
{
    say(scene, "1 2 3", true);
    say(scene, "1 https://5.6/7", false);
    tui_draw(scene->tui);
}

static void open_pick(struct scene *scene)
{
    open_messages(scene);
    pane_chat_pick(window_current(scene->tui)->pane, 0);
    press(scene, "Enter");
    g_assert_nonnull(scene->tui->menu);
}

static void open_find(struct scene *scene)
{
    open_messages(scene);
    g_assert_true(chat_find_open(scene->tui, "9"));
}

static void open_picture(struct scene *scene)
{
    viewer_open(scene->tui, scene->account, "1", NULL, "/dev/null/1");
}

static void open_parts(struct scene *scene)
{
    open_messages(scene);
    layout_split(scene->tui, LAYOUT_COLS);
    layout_show_side(scene->tui, scene->tui->results, DIRECTION_DOWN, false);
    layout_show_side(scene->tui, scene->tui->list, DIRECTION_RIGHT, false);
}

static void open_console(struct scene *scene)
{
    window_show(scene->tui, window_console(scene->tui));
}

static void open_xml(struct scene *scene)
{
    window_show(scene->tui, window_xml(scene->tui));
}

static void open_nothing(struct scene *scene)
{
    (void)scene;
}

static const struct place {
    const char *name;
    void (*open)(struct scene *scene);
} places[] = {
    { "screen", open_nothing }, { "certificate", open_certificate },
    { "confirm", open_confirm }, { "password", open_password },
    { "subscription", open_subscription }, { "text", open_text }, { "form", open_form },
    { "first-start", open_first_start }, { "contact", open_contact },
    { "edit", open_edit }, { "keys", open_keys }, { "menu", open_menu },
    { "messages", open_messages }, { "pick", open_pick }, { "find", open_find },
    { "palette", open_palette }, { "palette-empty", open_empty_palette },
    { "picture", open_picture }, { "parts", open_parts }, { "console", open_console },
    { "xml", open_xml },
};
static const struct { int cols, rows; } sizes[] = { { 100, 30 }, { 80, 24 }, { 60, 20 }, { 40, 12 },
    { 20, 8 } };

static void check_cells(const struct grid *grid)
{
    for (int y = 0; y < grid->rows; y++)
        for (int x = 0; x < grid->cols; x++) {
            int width = grid_cell(grid, x, y)->width;
            if (width == 2) {
                g_assert_cmpint(x + 1, <, grid->cols);
                g_assert_cmpint(grid_cell(grid, x + 1, y)->width, ==, 0);
            } else if (width == 0) {
                g_assert_cmpint(x, >, 0);
                g_assert_cmpint(grid_cell(grid, x - 1, y)->width, ==, 2);
            }
        }
}

static void check_buttons(const struct dialog *dialog, int rows)
{
    g_autoptr(GHashTable) letters = g_hash_table_new(NULL, NULL);
    for (int i = 0; i < dialog->n_buttons; i++) {
        const struct button *button = &dialog->buttons[i];
        g_assert_true(g_hash_table_add(letters, GINT_TO_POINTER(button->letter)));
        if (button->access && button->access != (gunichar)button->letter)
            g_assert_true(g_hash_table_add(letters, GINT_TO_POINTER((int)button->access)));
        g_assert_null(strchr(button->label, '&'));
        if (rows < 12) /* they scroll */
            continue;
        g_assert_cmpint(dialog->button_w[i], >, 0);
        g_assert_cmpint(dialog->button_x[i], >, dialog->x);
        g_assert_cmpint(dialog->button_x[i] + dialog->button_w[i], <, dialog->x + dialog->cols);
        g_assert_cmpint(dialog->button_w[i], >=, text_width(button->label, -1)); /* not cut */
        for (int j = 0; j < i; j++)
            g_assert_true(dialog->button_y[i] != dialog->button_y[j] ||
                dialog->button_x[i] >= dialog->button_x[j] + dialog->button_w[j] ||
                dialog->button_x[j] >= dialog->button_x[i] + dialog->button_w[i]);
    }
}

static void test_layouts(gconstpointer data)
{
    const char *lang = data;
    catalogue = strcmp(lang, "en") ? read_po(lang) : NULL;
    for (gsize s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (gsize p = 0; p < G_N_ELEMENTS(places); p++) {
            struct scene *scene = scene_new(sizes[s].cols, sizes[s].rows);
            fill(scene);
            places[p].open(scene);
            tui_draw(scene->tui);
            g_test_message("%s at %dx%d", places[p].name, sizes[s].cols, sizes[s].rows);
            check_cells(scene->tui->grid);
            for (guint i = 0; i < scene->tui->dialogs->len; i++)
                check_buttons(scene->tui->dialogs->pdata[i], sizes[s].rows);
            if (sizes[s].cols == 60 && strcmp(lang, "en") && p) {
                g_autofree char *name = g_strdup_printf("lang/%s-%s", places[p].name, lang);
                golden_expect(scene->tui, name);
            }
            scene_free(scene);
            g_clear_pointer(&the_form, form_free);
        }
    g_clear_pointer(&catalogue, g_hash_table_destroy);
}

/* What stands in ASCII letters on purpose: names of the program, of commands
 * and of keys, and what the terminal's charset cannot say otherwise. */
static bool is_said_so(const char *word)
{
    static const char *const names[] = { "txmpp", "tls", "Esc", "Escape", "Enter", "Tab",
        "Insert", "Delete", "PageUp", "PageDown", "Up", "Down", "Left", "Right", "Home", "End",
        "SHA", "Friday", "November" /* the locale has them */, "https", "juliet", "romeo", "example", "com", "net", "inputrc", "readline", NULL };
    return g_strv_contains(names, word);
}

static void check_words(const struct grid *grid, const char *place)
{
    g_autofree char *dump = grid_dump(grid);
    g_auto(GStrv) words = g_strsplit_set(dump, " \n()[]:,;\"“”·<>", -1);
    for (char **word = words; *word; word++) {
        if (**word == '/' || strpbrk(*word, "0123456789"))
            continue; /* a command; an address, a key with its number */
        g_auto(GStrv) parts = g_strsplit_set(*word, "-./+@|=*…", -1);
        for (char **part = parts; *part; part++) {
            bool letters = strlen(*part) >= 2;
            for (const char *p = *part; *p && letters; p++)
                letters = g_ascii_isalpha(*p);
            if (letters && !is_said_so(*part))
                g_error("%s: \"%s\" is not translated", place, *part);
        }
    }
}

static void test_pseudo(void)
{
    pseudo = true;
    for (gsize p = 0; p < G_N_ELEMENTS(places); p++) {
        if (!strcmp(places[p].name, "keys"))
            continue; /* a list of commands and keys */
        struct scene *scene = scene_new(100, 40);
        fill(scene);
        places[p].open(scene);
        tui_draw(scene->tui);
        check_words(scene->tui->grid, places[p].name);
        scene_free(scene);
        g_clear_pointer(&the_form, form_free);
    }
    pseudo = false;
}

/* The columns of a table begin below their headings, whatever is how wide. */
static void test_columns(gconstpointer data)
{
    static const int cols[] = { 78, 58, 38 };
    catalogue = read_po(data);
    struct table *table = table_new();
    const char *words[] = { "set the terminal's title", "languages", "开关" };
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        const struct field fields[] = { FIELD_T("name", i ? "窗口名" : "a"),
            FIELD_T("value", "|"), FIELD_T("summary", words[i]) };
        table_add(table, fields, G_N_ELEMENTS(fields));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(cols); i++) {
        gboolean heading = FALSE;
        g_autoptr(GPtrArray) lines = table_format(table, cols[i], FALSE, &heading);
        g_assert_true(heading);
        const char *value = g_hash_table_lookup(catalogue, "Value");
        const char *first = strstr(lines->pdata[0], value ? value : "Value");
        g_assert_nonnull(first);
        int at = text_width(lines->pdata[0], first - (char *)lines->pdata[0]);
        for (guint line = 0; line < lines->len; line++) {
            const char *text = lines->pdata[line];
            g_assert_cmpint(text_width(text, -1), <=, cols[i]);
            if (line)
                g_assert_cmpint(text_width(text, strchr(text, '|') - text), ==, at);
        }
    }
    table_free(table);
    g_clear_pointer(&catalogue, g_hash_table_destroy);
}

/* What an option means is in the person's language; names and values are not. */
static void test_tables(void)
{
    gboolean heading;
    catalogue = read_po("ru");
    struct table *table = table_new();
    const struct field fields[] = { FIELD_T("name", "ui.title"), FIELD_T("value", "on"),
        FIELD_T("summary", "set the terminal's title") };
    table_add(table, fields, G_N_ELEMENTS(fields));
    table_add(table, fields, G_N_ELEMENTS(fields));
    g_autoptr(GPtrArray) lines = table_format(table, 80, FALSE, &heading);
    g_assert_true(heading);
    g_assert_nonnull(strstr(lines->pdata[1], "ui.title"));
    g_assert_nonnull(strstr(lines->pdata[1], g_hash_table_lookup(catalogue, fields[2].text)));
    table_free(table);
    g_clear_pointer(&catalogue, g_hash_table_destroy);
}

/* A letter of the language presses a button, and so does the ASCII one. */
static void test_access(void)
{
    int at;
    gunichar access;
    g_autofree char *plain = label_take("Save", 's', &at, &access);
    g_assert_cmpstr(plain, ==, "Save");
    g_assert_cmpint(at, ==, 0);
    g_autofree char *marked = label_take("От&мена", 'c', &at, &access);
    g_assert_cmpstr(marked, ==, "Отмена");
    g_assert_cmpuint(access, ==, 0x43c);
    g_autofree char *none = label_take("确定", 'o', &at, &access);
    g_assert_cmpstr(none, ==, "确定");
    g_assert_cmpint(at, ==, -1);
    g_autofree char *last = label_take("x&", 'o', &at, &access);
    g_assert_cmpstr(last, ==, "x&");
}

/* A hint goes when what it tells was done, and stays away. */
static void test_hints(void)
{
    struct scene *scene = scene_new(100, 30);
    fill(scene);
    window_open(scene->tui, account_open_chat(scene->account, "8@5.6", CHAT_CONTACT));
    g_autofree char *first = hints_text(scene->tui);
    g_assert_cmpstr(first, ==, "M-a: the next unread chat");
    g_assert_true(options_set(scene->app.options, NULL, "ui.hints", "off", true, NULL));
    g_assert_null(hints_text(scene->tui));
    g_assert_true(options_set(scene->app.options, NULL, "ui.hints", "on", true, NULL));
    hints_ran(scene->tui, "/win unread");
    g_assert_cmpstr(tui_option(scene->tui, "ui.hints_learned"), ==, "unread");
    hints_ran(scene->tui, "/win unread");
    g_assert_cmpstr(tui_option(scene->tui, "ui.hints_learned"), ==, "unread");
    g_assert_null(hints_text(scene->tui));
    scene_free(scene);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/languages/access-letters", test_access);
    g_test_add_data_func("/languages/layout/en", "en", test_layouts);
    g_test_add_data_func("/languages/layout/ru", "ru", test_layouts);
    g_test_add_data_func("/languages/layout/zh_CN", "zh_CN", test_layouts);
    g_test_add_func("/languages/pseudo", test_pseudo);
    g_test_add_func("/languages/tables", test_tables);
    g_test_add_data_func("/languages/columns/ru", "ru", test_columns);
    g_test_add_data_func("/languages/columns/zh_CN", "zh_CN", test_columns);
    g_test_add_func("/languages/hints", test_hints);
    int status = g_test_run();
    if (strange)
        g_hash_table_destroy(strange);
    return status;
}
