/* Spelling with a dictionary of our own: words, answers, languages, and that
 * nobody waits. */
#include "chat_fixture.h"
#include "ui/spell.h"

static const char *const words_of[][2] = {
    { "well-known *Bold* `code`", "well known Bold code" },
    { "see https://a.tld/wrnog, /etc/pass and me@b.tld", "see and" },
    { "HTTP 42nd x1 a I o.K.", "" },
    { "don't 'quote' ro\xc3\xb4t don\xe2\x80\x99t", "don't quote ro\xc3\xb4t don\xe2\x80\x99t" },
    { "snake_case #tag $HOME a=b", "" },
    { "\xe6\xbc\xa2\xe5\xad\x97 \xe3\x81\x8b\xe3\x81\xaa word", "word" },
    { "", "" },
};

static void test_words(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(words_of); i++) {
        const char *at = words_of[i][0], *end = at + strlen(at), *word;
        g_autoptr(GString) out = g_string_new(NULL);
        gsize len;
        while (spell_next_word(&at, end, &word, &len)) {
            if (out->len)
                g_string_append_c(out, ' ');
            g_string_append_len(out, word, (gssize)len);
        }
        g_assert_true(at == end);
        g_assert_cmpstr(out->str, ==, words_of[i][1]);
    }
}

static void count(gpointer data)
{
    ++*(guint *)data;
}

static enum spelling ask(struct spell *spell, const char *word)
{
    enum spelling spelling;
    while ((spelling = spell_check(spell, word, strlen(word))) == SPELLING_UNKNOWN)
        g_main_context_iteration(NULL, TRUE);
    return spelling;
}

static void on_suggested(const char *word, const char *const *words, gpointer data)
{
    g_assert_cmpstr(word, ==, "orchrd");
    *(char **)data = g_strjoinv(" ", (char **)words);
}

static void test_answers(void)
{
    guint answers = 0;
    struct spell *spell = spell_new(count, &answers);
    g_assert_cmpint(spell_check(spell, "orchrd", 6), ==, SPELLING_RIGHT); /* no language */
    spell_use(spell, "qaa");
    g_assert_cmpint(spell_check(spell, "orchard", 7), ==, SPELLING_UNKNOWN); /* never waits */
    g_assert_cmpint(ask(spell, "orchard"), ==, SPELLING_RIGHT);
    g_assert_cmpint(ask(spell, "orchrd"), ==, SPELLING_WRONG);
    g_assert_cmpuint(answers, >, 0);
    g_autofree char *suggested = NULL;
    spell_suggest(spell, "walls", on_suggested, &suggested, NULL); /* forgotten */
    spell_suggest(spell, "orchrd", on_suggested, &suggested, NULL);
    while (!suggested)
        g_main_context_iteration(NULL, TRUE);
    g_assert_nonnull(strstr(suggested, "orchard"));
    spell_use(spell, "qaa,qab"); /* a word of either is right */
    g_assert_cmpint(ask(spell, "orchard"), ==, SPELLING_RIGHT);
    g_assert_cmpint(ask(spell, "verger"), ==, SPELLING_RIGHT);
    g_assert_cmpint(ask(spell, "orchrd"), ==, SPELLING_WRONG);
    g_assert_null(spell_problem(spell));
    spell_use(spell, "qaz");
    g_assert_cmpint(ask(spell, "orchrd"), ==, SPELLING_RIGHT);
    g_assert_cmpstr(spell_problem(spell), ==, "qaz");
    spell_use(spell, "qaa");
    spell_learn(spell, "tybalt");
    g_assert_cmpint(ask(spell, "tybalt"), ==, SPELLING_RIGHT);
    spell_suggest(spell, "orchrd", on_suggested, &suggested, NULL);
    spell_check(spell, "leaving", 7);
    spell_free(spell); /* with answers on their way */
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static bool is_underlined(struct scene *scene, const char *word)
{
    const struct grid *grid = scene->tui->grid;
    tui_dirty_all(scene->tui);
    tui_draw(scene->tui);
    for (int x = 0; x + (int)strlen(word) <= grid->cols; x++) {
        const struct cell *cell = grid_cell(grid, x, grid->rows - 1);
        gsize n = 0;
        while (word[n] && cell[n].text[0] == word[n])
            n++;
        if (!word[n])
            return STYLE_ROLE(cell->style) == ROLE_MISSPELT;
    }
    g_error("\"%s\" is not in the input line", word);
}

static void until(struct scene *scene, const char *word, bool underlined)
{
    while (is_underlined(scene, word) != underlined)
        g_main_context_iteration(NULL, TRUE);
}

static void nothing(const char *text, gpointer data)
{
    (void)text;
    (void)data;
}

static void no_completion(gpointer data)
{
    (void)data;
}

static void test_input(void)
{
    struct scene *scene = scene_new(0);
    struct line_events events = { nothing, no_completion, NULL };
    scene->tui->line = line_new(NULL, &events);
    grid_resize(scene->tui->grid, 80, 20);
    line_set(scene->tui->line, "orchrd walls are hgih", 21);
    g_assert_false(is_underlined(scene, "orchrd")); /* off until it is wished */
    tui_run(scene->tui, "/spell qaa");
    until(scene, "orchrd", true);
    g_assert_false(is_underlined(scene, "walls"));
    g_assert_false(is_underlined(scene, "hgih")); /* still being typed */
    tui_run(scene->tui, "/spell suggest"); /* of the word at the cursor */
    while (!scene->tui->menu)
        g_main_context_iteration(NULL, TRUE);
    struct key key;
    key_parse("1", &key);
    tui_key(scene->tui, &key);
    g_assert_cmpstr(line_text(scene->tui->line), ==, "orchrd walls are high");
    line_set(scene->tui->line, "/filter orchrd walls", 20);
    g_assert_false(is_underlined(scene, "orchrd")); /* a command is no prose */
    line_set(scene->tui->line, "orchrd verger", 0);
    until(scene, "verger", true);
    tui_run(scene->tui, "/spell qab"); /* this conversation's alone */
    until(scene, "verger", false);
    until(scene, "orchrd", true);
    g_assert_false(is_underlined(scene, "verger"));
    g_autofree char *kept = options_section_get(scene->app.options, "spelling", PEER);
    g_assert_cmpstr(kept, ==, "qab");
    tui_run(scene->tui, "/spell default");
    until(scene, "orchrd", false);
    scene_free(scene);
}

static void write_dictionary(const char *folder, const char *name, const char *dic)
{
    g_autofree char *aff_name = g_strdup_printf("%s/%s.aff", folder, name);
    g_autofree char *dic_name = g_strdup_printf("%s/%s.dic", folder, name);
    g_assert_true(g_file_set_contents(aff_name, "SET UTF-8\nTRY esianrtolcdugmphbyfvkwz\n", -1, NULL));
    g_assert_true(g_file_set_contents(dic_name, dic, -1, NULL));
}

int main(int argc, char **argv)
{
    g_autofree char *home = g_dir_make_tmp("txmpp-spell-XXXXXX", NULL);
    g_autofree char *folder = g_build_filename(home, "hunspell", NULL);
    g_mkdir(folder, 0700);
    write_dictionary(folder, "qaa", "6\norchard\nwalls\nare\nhigh\nand\nhard\n");
    write_dictionary(folder, "qab", "2\nverger\nmurs\n");
    g_setenv("ENCHANT_CONFIG_DIR", home, TRUE);
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/spell/words", test_words);
    if (spell_is_built()) {
        g_test_add_func("/spell/answers", test_answers);
        g_test_add_func("/spell/input", test_input);
    }
    int status = g_test_run();
    tree_remove(home);
    return status;
}
