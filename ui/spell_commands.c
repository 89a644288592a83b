/* /spell: the languages of a conversation, and what may have been meant. */
#include "config.h"
#include "ui/spell.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "cmd/job.h"
#include "store/option.h"
#include "ui/dialog/menu.h"
#include "ui/term/line.h"
#include <string.h>

#define SECTION "spelling"
enum { ITEM_WORD, ITEM_LEARN };

/* A word of the input line and where it stands there. */
struct meant {
    struct tui *tui;
    gsize from;
    char *word;
};

static void meant_free(gpointer data)
{
    struct meant *meant = data;
    g_free(meant->word);
    g_free(meant);
}

/* "ru_RU" of "ru_RU.UTF-8"; a locale without a country has no dictionary. */
static char *language_of_locale(void)
{
    for (const char *const *name = g_get_language_names(); *name; name++)
        if (strchr(*name, '_'))
            return g_strndup(*name, strcspn(*name, ".@"));
    return g_strdup("en_US");
}

static char *chosen(const struct tui *tui, const struct chat *chat)
{
    char *own = chat && tui->app->options
        ? options_section_get(tui->app->options, SECTION, chat->jid) : NULL;
    return own ? own : g_strdup(tui_option(tui, "ui.spell"));
}

void spell_update(struct tui *tui)
{
    g_autofree char *languages = chosen(tui, window_current(tui)->chat);
    if (!strcmp(languages, "auto")) {
        g_free(languages);
        languages = language_of_locale();
    }
    spell_use(tui->spell, strcmp(languages, "off") ? languages : "");
}

static enum cmd_status not_built(struct job *job)
{
    return job_fail(job, "feature-not-implemented",
        "This txmpp was built without enchant-2, which knows the dictionaries.");
}

static bool are_languages(const char *text)
{
    for (; *text; text++)
        if (!g_ascii_isalnum(*text) && !strchr("_-,.@", *text))
            return false;
    return true;
}

enum cmd_status spell_run(struct job *job)
{
    struct tui *tui = tui_of(job_front(job));
    struct options *options = tui->app->options;
    const struct chat *chat = window_current(tui)->chat;
    const char *languages = job_arg(job, "languages"), *who = job_arg(job, "chat");
    g_autoptr(GError) error = NULL;
    if (!spell_is_built())
        return not_built(job);
    if (!languages) {
        g_autofree char *now = chosen(tui, chat);
        JOB_ROW(job, "spelling", FIELD_T("chat", chat ? chat->jid : NULL),
            FIELD_T("languages", now), FIELD_T("missing", spell_problem(tui->spell)));
        return job_done(job);
    }
    if (!are_languages(languages))
        return job_fail(job, "bad-request",
            "\"%s\" are no languages; write en_US or en_US,de_DE, off, auto or default.",
            languages);
    if (!who && chat)
        who = chat->jid;
    const char *value = strcmp(languages, "default") ? languages : NULL;
    bool done = who && strcmp(who, "all")
        ? options_section_set(options, SECTION, who, value, &error)
        : options_set(options, NULL, "ui.spell", value, false, &error);
    pane_dirty(tui->input);
    return done ? job_done(job) : job_fail_error(job, error);
}

/* ---- suggestions ---- */

static void on_chosen(struct tui *tui, int id, const char *label, gpointer data)
{
    const struct meant *meant = data;
    const char *text = tui->line ? line_text(tui->line) : "";
    gsize len = strlen(meant->word);
    if (id == ITEM_LEARN)
        spell_learn(tui->spell, meant->word);
    else if (meant->from + len <= strlen(text) && !memcmp(text + meant->from, meant->word, len)) {
        line_replace(tui->line, meant->from, meant->from + len, label);
        input_changed(tui);
    }
}

static void on_suggested(const char *word, const char *const *words, gpointer data)
{
    struct meant *meant = data;
    struct tui *tui = meant->tui;
    struct menu *menu = menu_open(tui, word, tui->input->x + 4,
        tui->input->y - (int)g_strv_length((char **)words) - 3, on_chosen, meant, meant_free);
    for (char letter = '1'; *words; words++, letter++)
        menu_add(menu, ITEM_WORD, letter, *words);
    menu_add(menu, ITEM_LEARN, '+', _("Add to my words"));
}

/* The word at the cursor unless it is right; else the last wrong one before
 * it, or the first one behind. */
static bool find_word(struct tui *tui, const char *text, gsize cursor, gsize *from, gsize *len)
{
    const char *at = text, *end = text + strlen(text), *word;
    bool found = false;
    gsize size;
    while (spell_next_word(&at, end, &word, &size)) {
        gsize start = (gsize)(word - text);
        bool here = start <= cursor && cursor <= start + size;
        enum spelling spelling = spell_check(tui->spell, word, size);
        if (spelling == SPELLING_RIGHT || (!here && spelling != SPELLING_WRONG))
            continue;
        if (start > cursor && found)
            return true;
        *from = start;
        *len = size;
        found = true;
    }
    return found;
}

static enum cmd_status run_suggest(struct job *job)
{
    struct tui *tui = tui_of(job_front(job));
    const char *text = tui->line ? line_text(tui->line) : "";
    gsize from, len;
    if (!spell_is_built())
        return not_built(job);
    spell_update(tui);
    if (!g_utf8_validate(text, -1, NULL) ||
        !find_word(tui, text, tui->line ? line_cursor(tui->line) : 0, &from, &len))
        return spell_problem(tui->spell)
            ? job_fail(job, "item-not-found",
                  "There is no dictionary for %s; install one, like hunspell-en-us.",
                  spell_problem(tui->spell))
            : job_fail(job, "item-not-found", "No misspelt word is in the input line; "
                  "/spell says what language it is checked for.");
    struct meant *meant = g_new0(struct meant, 1);
    *meant = (struct meant){ tui, from, g_strndup(text + from, len) };
    spell_suggest(tui->spell, meant->word, on_suggested, meant, meant_free);
    return job_done(job);
}

static enum cmd_status run_learn(struct job *job)
{
    struct tui *tui = tui_of(job_front(job));
    if (!spell_is_built())
        return not_built(job);
    spell_update(tui);
    spell_learn(tui->spell, job_arg(job, "word"));
    return job_done(job);
}

const struct command spell_commands[] = {
    { .name = "suggest", .needs = NEEDS_SCREEN, .run = run_suggest,
        .summary = "Show what a misspelt word of the input line may have meant",
        .detail = "It is about the word at the cursor, or the last underlined one before it." },
    { .name = "learn", .needs = NEEDS_SCREEN, .run = run_learn,
        .args = { { .name = "word", .kind = &arg_word } },
        .summary = "Take a word into your own list of words" },
    { .name = NULL },
};
