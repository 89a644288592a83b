/*
 * /help WORDS: every command and option is asked how well each word fits its
 * name, the words people use for it, its summary and its detail, in English
 * and as translated. Who fits most of the words comes first, then who fits
 * them best; a word that fits nothing (how, do, I) does not count.
 */
#include <string.h>

#include "base/intl.h"
#include "base/text.h"
#include "cmd/engine_private.h"
#include "cmd/help.h"
#include "store/option.h"

enum { WORDS_MAX = 12, STEM_MIN = 4, WORD_BYTES = 64 };
enum { SCORE_NAME = 100, SCORE_WORDS = 80, SCORE_SUMMARY = 40, SCORE_DETAIL = 12 };

struct query {
    char **words; /* folded */
    guint n;
    GPtrArray *hits;
};

static bool is_wide(const char *word)
{
    struct grapheme g;
    return text_next_grapheme(word, word + strlen(word), &g) && g.width_cells > 1;
}

/* 0 to 100: the same, or beginning the same way (delete, deleting). */
static int likeness(const char *word, const char *other)
{
    size_t n = strlen(word), m = strlen(other), same = 0;
    if (is_wide(word) && is_wide(other))
        return strcmp(word, other) ? 0 : 100; /* see best_in() */
    while (same < n && same < m && word[same] == other[same])
        same++;
    if (same == n && same == m)
        return 100;
    glong stem = g_utf8_strlen(word, (gssize)same);
    glong shorter = MIN(g_utf8_strlen(word, -1), g_utf8_strlen(other, -1));
    if (stem >= 3 && stem == shorter && same == n)
        return 80;
    return stem >= STEM_MIN && stem * 4 >= shorter * 3 ? 60 : 0;
}

/* What stands between blanks, commas and the like. */
static int best_in(const char *text, const char *word, int full)
{
    if (!text || !*text)
        return 0;
    g_autofree char *folded = text_fold(text);
    g_auto(GStrv) each = g_strsplit_set(folded, " ,;:.?!()\"/|=\n", -1);
    int best = 0, covered = 0;
    for (char **one = each; *one; one++)
        if (**one && strlen(*one) <= WORD_BYTES)
            best = MAX(best, likeness(word, *one));
    /* Several words without blanks between them: how much of them is known? */
    for (char **one = each; *one && is_wide(word); one++)
        if (**one && strstr(word, *one))
            covered += (int)(100 * strlen(*one) / strlen(word));
    best = MAX(best, MIN(covered, 100));
    if (is_wide(word) && strstr(folded, word))
        best = 100;
    return full * best / 100;
}

static int in_both(const char *text, const char *word, int full)
{
    if (!text || !*text)
        return 0;
    return MAX(best_in(text, word, full), best_in(_(text), word, full));
}

static void judge(struct query *query, const char *topic, bool is_option,
    const char *names, const char *words, const char *summary, const char *detail)
{
    int score = 0;
    guint fitting = 0;
    for (guint i = 0; i < query->n; i++) {
        const char *word = query->words[i];
        int best = MAX(best_in(topic, word, SCORE_NAME), best_in(names, word, SCORE_NAME - 5));
        best = MAX(best, in_both(words, word, SCORE_WORDS));
        best = MAX(best, in_both(summary, word, SCORE_SUMMARY));
        best = MAX(best, in_both(detail, word, SCORE_DETAIL));
        fitting += best > 0;
        score += best;
    }
    if (!fitting)
        return;
    struct help_hit *hit = g_new(struct help_hit, 1);
    *hit = (struct help_hit){ g_strdup(topic), is_option, summary ? summary : "",
        (int)fitting * 1000 + score - (is_option ? 20 : 0) };
    g_ptr_array_add(query->hits, hit);
}

static void judge_command(struct query *query, const struct command *command, const char *topic)
{
    if (command->run || !command->sub)
        judge(query, topic, false, command->aliases, command->words, command->summary,
            command->detail);
    else /* only a heading: its words are its children's */
        judge(query, topic, false, command->aliases, command->words, command->summary, NULL);
    for (const struct command *sub = command->sub; sub && sub->name; sub++) {
        g_autofree char *full = g_strconcat(topic, " ", sub->name, NULL);
        judge_command(query, sub, full);
    }
}

static void on_command(const struct command *command, gpointer data)
{
    judge_command(data, command, command->name);
}

static void on_option(const struct option *row, gpointer data)
{
    judge(data, row->name, true, NULL, row->words, row->summary, row->detail);
}

static int by_score(gconstpointer a, gconstpointer b)
{
    const struct help_hit *x = *(struct help_hit *const *)a, *y = *(struct help_hit *const *)b;
    return x->score != y->score ? y->score - x->score : strcmp(x->topic, y->topic);
}

static void hit_free(gpointer data)
{
    struct help_hit *hit = data;
    g_free(hit->topic);
    g_free(hit);
}

GPtrArray *help_find(const struct engine *engine, const char *words, guint most)
{
    g_autofree char *valid = g_utf8_make_valid(words, (gssize)strnlen(words, 400));
    g_autofree char *folded = text_fold(valid);
    g_auto(GStrv) all = g_strsplit_set(folded, " ,;:.?!()\"/|\t\n", -1);
    char *kept[WORDS_MAX];
    struct query query = { kept, 0, g_ptr_array_new_with_free_func(hit_free) };
    for (char **word = all; *word && query.n < WORDS_MAX; word++)
        if (**word && strlen(*word) <= WORD_BYTES * 3)
            kept[query.n++] = *word;
    engine_foreach(engine, on_command, &query);
    if (engine->options)
        options_foreach(engine->options, on_option, &query);
    g_ptr_array_sort(query.hits, by_score);
    /* Whoever fits fewer words than the best answers another question. */
    guint n = 0;
    const int best = query.hits->len ? ((struct help_hit *)query.hits->pdata[0])->score / 1000 : 0;
    while (n < query.hits->len && n < most &&
        ((struct help_hit *)query.hits->pdata[n])->score / 1000 == best)
        n++;
    g_ptr_array_set_size(query.hits, (int)n);
    return query.hits;
}
