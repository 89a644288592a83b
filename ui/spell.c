/*
 * The thread owns the broker and its dictionaries; requests go to it by one
 * queue and come back as idle sources, which hold a reference, so that an
 * answer to somebody who has left is dropped. What was answered is cached; a
 * number that grows with every change of languages tells stale answers.
 */
#include "config.h"
#include "ui/spell.h"
#include <string.h>
#ifdef HAVE_ENCHANT
#include <enchant.h>
#endif

enum { CACHE_MAX = 4096, WORD_MAX = 64, WORDS_MAX = 8, DICTIONARIES_MAX = 8 };
enum kind { KIND_USE, KIND_CHECK, KIND_SUGGEST, KIND_LEARN, KIND_QUIT };

struct request {
    enum kind kind;
    guint number; /* of spell->number, or of spell->asked */
    char *text;
};

struct answer {
    struct spell *spell;
    enum kind kind;
    guint number;
    char *text;
    bool right;
    char **words;
};

struct spell {
    gatomicrefcount references;
    GAsyncQueue *requests;
    GThread *thread;    /* NULL until it is first needed */
    /* From here on the main loop's. */
    bool dead;
    char *languages, *problem;
    GHashTable *cache;  /* word → enum spelling */
    guint number, asked;
    void (*changed)(gpointer data);
    gpointer data;
    spell_fn suggested;  /* NULL: nothing is asked */
    gpointer suggested_data;
    GDestroyNotify free_suggested;
};

static void request_free(gpointer data)
{
    struct request *request = data;
    g_free(request->text);
    g_free(request);
}

static void spell_unref(struct spell *spell)
{
    if (!g_atomic_ref_count_dec(&spell->references))
        return;
    g_async_queue_unref(spell->requests);
    g_hash_table_destroy(spell->cache);
    g_free(spell->languages);
    g_free(spell->problem);
    g_free(spell);
}

static void answer_free(gpointer data)
{
    struct answer *answer = data;
    spell_unref(answer->spell);
    g_free(answer->text);
    g_strfreev(answer->words);
    g_free(answer);
}

static gboolean on_answer(gpointer data)
{
    struct answer *answer = data;
    struct spell *spell = answer->spell;
    if (spell->dead)
        return G_SOURCE_REMOVE;
    if (answer->kind == KIND_SUGGEST) {
        spell_fn suggested = answer->number == spell->asked
            ? g_steal_pointer(&spell->suggested) : NULL;
        if (suggested)
            suggested(answer->text, (const char *const *)answer->words, spell->suggested_data);
        return G_SOURCE_REMOVE;
    }
    if (answer->number != spell->number)
        return G_SOURCE_REMOVE;
    if (answer->kind == KIND_USE) {
        g_free(spell->problem);
        spell->problem = g_steal_pointer(&answer->text);
    } else
        g_hash_table_insert(spell->cache, g_steal_pointer(&answer->text),
            GUINT_TO_POINTER(answer->right ? SPELLING_RIGHT : SPELLING_WRONG));
    if (spell->changed)
        spell->changed(spell->data);
    return G_SOURCE_REMOVE;
}

/* ---- in the thread ---- */

#ifdef HAVE_ENCHANT
struct worker {
    struct spell *spell;
    EnchantBroker *broker;
    GHashTable *opened;  /* tag → EnchantDict */
    GPtrArray *used;     /* EnchantDict, borrowed */
};

static void post(struct worker *worker, const struct request *request, char *text, bool right,
    char **words)
{
    struct answer *answer = g_new0(struct answer, 1);
    g_atomic_ref_count_inc(&worker->spell->references);
    *answer = (struct answer){ worker->spell, request->kind, request->number, text, right, words };
    g_idle_add_full(G_PRIORITY_DEFAULT, on_answer, answer, answer_free);
}

static void use(struct worker *worker, const struct request *request)
{
    g_auto(GStrv) tags = g_strsplit_set(request->text, " ,", -1);
    g_autofree char *missing = NULL;
    g_ptr_array_set_size(worker->used, 0);
    for (char **tag = tags; *tag && worker->used->len < DICTIONARIES_MAX; tag++) {
        EnchantDict *dict = **tag ? g_hash_table_lookup(worker->opened, *tag) : NULL;
        if (**tag && !dict) {
            dict = enchant_broker_request_dict(worker->broker, *tag);
            if (dict)
                g_hash_table_insert(worker->opened, g_strdup(*tag), dict);
            else if (!missing)
                missing = g_strdup(*tag);
        }
        if (dict)
            g_ptr_array_add(worker->used, dict);
    }
    post(worker, request, g_steal_pointer(&missing), true, NULL);
}

/* Where there is no dictionary everything is right. */
static bool is_right(const struct worker *worker, const char *word)
{
    bool right = !worker->used->len;
    for (guint i = 0; i < worker->used->len && !right; i++)
        right = enchant_dict_check(worker->used->pdata[i], word, (ssize_t)strlen(word)) <= 0;
    return right;
}

static char **suggestions(const struct worker *worker, const char *word)
{
    g_autoptr(GStrvBuilder) out = g_strv_builder_new();
    guint count = 0;
    for (guint i = 0; i < worker->used->len; i++) {
        size_t n = 0;
        char **words = enchant_dict_suggest(
            worker->used->pdata[i], word, (ssize_t)strlen(word), &n);
        /* Every language has its share of the places. */
        size_t share = MAX(WORDS_MAX / worker->used->len, 1u);
        for (size_t k = 0; k < MIN(n, share) && count < WORDS_MAX; k++, count++)
            g_strv_builder_add(out, words[k]);
        if (words)
            enchant_dict_free_string_list(worker->used->pdata[i], words);
    }
    return g_strv_builder_end(out);
}

static gpointer work(gpointer data)
{
    struct worker worker = { .spell = data };
    worker.broker = enchant_broker_init();
    worker.opened = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    worker.used = g_ptr_array_new();
    for (bool on = true; on;) {
        struct request *request = g_async_queue_pop(worker.spell->requests);
        switch (request->kind) {
        case KIND_USE:
            use(&worker, request);
            break;
        case KIND_CHECK:
            post(&worker, request, g_strdup(request->text), is_right(&worker, request->text),
                NULL);
            break;
        case KIND_SUGGEST:
            post(&worker, request, g_strdup(request->text), false,
                suggestions(&worker, request->text));
            break;
        case KIND_LEARN:
            if (worker.used->len)
                enchant_dict_add(worker.used->pdata[0], request->text,
                    (ssize_t)strlen(request->text));
            break;
        case KIND_QUIT:
            on = false;
            break;
        }
        request_free(request);
    }
    GHashTableIter iter;
    gpointer dict;
    g_hash_table_iter_init(&iter, worker.opened);
    while (g_hash_table_iter_next(&iter, NULL, &dict))
        enchant_broker_free_dict(worker.broker, dict);
    g_hash_table_destroy(worker.opened);
    g_ptr_array_free(worker.used, TRUE);
    enchant_broker_free(worker.broker);
    return NULL;
}

bool spell_is_built(void)
{
    return true;
}
#else
static gpointer work(gpointer data)
{
    (void)data;
    (void)on_answer;
    (void)answer_free;
    return NULL;
}

bool spell_is_built(void)
{
    return false;
}
#endif

/* ---- in the main loop ---- */

struct spell *spell_new(void (*changed)(gpointer data), gpointer data)
{
    struct spell *spell = g_new0(struct spell, 1);
    g_atomic_ref_count_init(&spell->references);
    spell->requests = g_async_queue_new_full(request_free);
    spell->cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    spell->languages = g_strdup("");
    spell->changed = changed;
    spell->data = data;
    return spell;
}

static void ask(struct spell *spell, enum kind kind, guint number, const char *text)
{
    struct request *request = g_new0(struct request, 1);
    *request = (struct request){ kind, number, g_strdup(text) };
    if (!spell->thread)
        spell->thread = g_thread_new("spelling", work, spell);
    g_async_queue_push(spell->requests, request);
}

static void forget_suggested(struct spell *spell)
{
    if (g_steal_pointer(&spell->suggested) && spell->free_suggested)
        spell->free_suggested(spell->suggested_data);
}

void spell_free(struct spell *spell)
{
    if (!spell)
        return;
    spell->dead = true;
    forget_suggested(spell);
    if (spell->thread) {
        ask(spell, KIND_QUIT, 0, "");
        g_thread_join(spell->thread);
    }
    spell_unref(spell);
}

void spell_use(struct spell *spell, const char *languages)
{
    if (!spell_is_built() || !strcmp(spell->languages, languages))
        return;
    g_free(spell->languages);
    spell->languages = g_strdup(languages);
    spell->number++;
    g_hash_table_remove_all(spell->cache);
    g_clear_pointer(&spell->problem, g_free);
    if (*languages || spell->thread)
        ask(spell, KIND_USE, spell->number, languages);
}

const char *spell_problem(const struct spell *spell)
{
    return spell->problem;
}

enum spelling spell_check(struct spell *spell, const char *word, gsize len)
{
    if (!*spell->languages || len >= WORD_MAX)
        return SPELLING_RIGHT;
    char text[WORD_MAX];
    memcpy(text, word, len);
    text[len] = '\0';
    gpointer known;
    if (g_hash_table_lookup_extended(spell->cache, text, NULL, &known))
        return (enum spelling)GPOINTER_TO_UINT(known);
    if (g_hash_table_size(spell->cache) >= CACHE_MAX)
        g_hash_table_remove_all(spell->cache);
    g_hash_table_insert(spell->cache, g_strdup(text), GUINT_TO_POINTER(SPELLING_UNKNOWN));
    ask(spell, KIND_CHECK, spell->number, text);
    return SPELLING_UNKNOWN;
}

void spell_suggest(struct spell *spell, const char *word, spell_fn fn, gpointer data,
    GDestroyNotify free_data)
{
    forget_suggested(spell);
    spell->suggested = fn;
    spell->suggested_data = data;
    spell->free_suggested = free_data;
    if (*spell->languages && strlen(word) < WORD_MAX)
        ask(spell, KIND_SUGGEST, ++spell->asked, word);
}

void spell_learn(struct spell *spell, const char *word)
{
    if (!*spell->languages)
        return;
    ask(spell, KIND_LEARN, 0, word);
    g_hash_table_insert(spell->cache, g_strdup(word), GUINT_TO_POINTER(SPELLING_RIGHT));
    if (spell->changed)
        spell->changed(spell->data);
}

/* ---- words ---- */

static bool is_letter(gunichar c)
{
    return g_unichar_isalpha(c) || g_unichar_ismark(c);
}

/* Scripts written without blanks: what stands between two is no word. */
static bool has_no_words(gunichar c)
{
    switch (g_unichar_get_script(c)) {
    case G_UNICODE_SCRIPT_HAN:
    case G_UNICODE_SCRIPT_HIRAGANA:
    case G_UNICODE_SCRIPT_KATAKANA:
    case G_UNICODE_SCRIPT_THAI:
    case G_UNICODE_SCRIPT_LAO:
    case G_UNICODE_SCRIPT_KHMER:
    case G_UNICODE_SCRIPT_MYANMAR:
        return true;
    default:
        return false;
    }
}

/* Behind an apostrophe in a word, 0: it is none. */
static gsize apostrophe(const char *p, const char *end)
{
    gsize len = *p == '\'' ? 1 : end - p > 3 && !memcmp(p, "\xe2\x80\x99", 3) ? 3 : 0;
    return len && p + len < end && is_letter(g_utf8_get_char(p + len)) ? len : 0;
}

static bool is_worth_it(const char *word, const char *end)
{
    bool lower = false;
    glong letters = 0;
    for (const char *p = word; p < end; p = g_utf8_next_char(p), letters++) {
        gunichar c = g_utf8_get_char(p);
        if (has_no_words(c))
            return false;
        lower |= !g_unichar_isupper(c);
    }
    return lower && letters > 1;
}

/* What stands between blanks and is a link, an address, a number … */
static bool is_technical(const char *chunk, const char *end)
{
    while (chunk < end && !is_letter(g_utf8_get_char(chunk)) && !g_ascii_isdigit(*chunk) &&
        !strchr("/#$%", *chunk))
        chunk = g_utf8_next_char(chunk);
    while (end > chunk && strchr("*_~`.,;:!?)", end[-1]))
        end--;
    for (const char *p = chunk; p < end; p++)
        if (g_ascii_isdigit(*p) || strchr("/@:\\_#&=<>~|+$%{}", *p))
            return true;
    return false;
}

static gsize chunk_len(const char *at, const char *end)
{
    const char *p = at;
    while (p < end && *p != ' ' && *p != '\n' && *p != '\t')
        p++;
    return (gsize)(p - at);
}

bool spell_next_word(const char **at, const char *end, const char **word, gsize *len)
{
    const char *p = *at;
    while (p < end) {
        bool begins = p == *at || p[-1] == ' ' || p[-1] == '\n' || p[-1] == '\t';
        if (begins) {
            gsize chunk = chunk_len(p, end);
            if (is_technical(p, p + chunk)) {
                p += chunk + (p + chunk < end);
                continue;
            }
        }
        if (!is_letter(g_utf8_get_char(p))) {
            p = g_utf8_next_char(p);
            continue;
        }
        const char *start = p;
        gsize joint;
        do {
            while (p < end && is_letter(g_utf8_get_char(p)))
                p = g_utf8_next_char(p);
            joint = p < end ? apostrophe(p, end) : 0;
            p += joint;
        } while (joint);
        if (!is_worth_it(start, p))
            continue;
        *word = start;
        *len = (gsize)(p - start);
        *at = p;
        return true;
    }
    *at = end;
    return false;
}
