/*
 * Completion reads the line as the parser does, up to the cursor, and then
 * asks the kind of the argument that would stand there.
 */
#include <string.h>

#include "cmd/engine_private.h"
#include "cmd/words.h"
#include "model/account.h"

#define ITEMS_MAX 5000

void completion_add(struct completion *completion, const char *text)
{
    const char *prefix = completion->prefix;
    if (!text || completion->items->len >= ITEMS_MAX ||
        g_ascii_strncasecmp(text, prefix, strlen(prefix)) != 0)
        return;
    g_ptr_array_add(completion->items, g_strdup(text));
}

void completion_free(struct completion *completion)
{
    if (!completion)
        return;
    g_ptr_array_unref(completion->items);
    g_strfreev(completion->words_owned);
    g_free(completion->prefix);
    g_free(completion);
}

static gint compare_items(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_items(GPtrArray *items)
{
    g_ptr_array_sort(items, compare_items);
    guint kept = 0;
    for (guint i = 0; i < items->len; i++) {
        char *item = items->pdata[i];
        items->pdata[i] = NULL;
        if (kept && strcmp(items->pdata[kept - 1], item) == 0)
            g_free(item);
        else
            items->pdata[kept++] = item;
    }
    g_ptr_array_set_size(items, (gint)kept);
}

/* Where the cursor stands in the grammar of a command. */
struct place {
    const struct command *command;
    const struct arg *value_of; /* an option waits for its value */
    bool account_value;         /* … -a does */
    bool value_below;           /* … one of a subcommand that is to come */
    bool ended;                 /* -- was there */
    bool words_seen;            /* a positional argument: no subcommand now */
    int next;
};

static const struct arg *positional(struct place *place)
{
    const struct arg *args = place->command->args;
    while (place->next < COMMAND_ARGS && args[place->next].name &&
        args[place->next].option)
        place->next++;
    return place->next < COMMAND_ARGS && args[place->next].name
        ? &args[place->next]
        : NULL;
}

static void pass_words(struct place *place, const char *line);

static void pass_word(struct place *place, const struct word *word)
{
    if (place->value_of || place->account_value || place->value_below) {
        place->value_of = NULL;
        place->value_below = false;
        place->account_value = false;
        return;
    }
    if (!word->quoted && !place->words_seen) {
        g_autofree char *first = NULL; /* an alias's first words */
        const struct command *sub =
            command_find_sub(place->command, word->text, &first);
        if (sub) {
            place->command = sub;
            if (first)
                pass_words(place, first);
            return;
        }
    }
    if (!word->quoted && !place->ended) {
        const struct arg *option =
            command_option(place->command, word->text);
        if (strcmp(word->text, "--") == 0) {
            place->ended = true;
            return;
        }
        if (option) {
            place->value_of = option->kind ? option : NULL;
            return;
        }
        if (strcmp(word->text, "-a") == 0) {
            place->account_value = true;
            return;
        }
        if (strcmp(word->text, "--yes") == 0 ||
            strcmp(word->text, "--no") == 0)
            return;
        bool value = false; /* "/wait --timeout 5 " */
        if (!place->words_seen &&
            command_option_below(place->command, word->text, &value)) {
            place->value_below = value;
            return;
        }
    }
    place->words_seen = true;
    const struct arg *arg = positional(place);
    if (arg && !(arg->flags & (ARG_REPEAT | ARG_REST)))
        place->next++;
}

static void pass_words(struct place *place, const char *line)
{
    struct word word;
    size_t pos = 0;
    while (words_next(line, &pos, &word)) {
        pass_word(place, &word);
        word_clear(&word);
    }
}

static void add_spellings(struct completion *completion, const char *option)
{
    g_auto(GStrv) words = g_strsplit(option, " ", -1);
    for (char **word = words; *word; word++)
        if (**word)
            completion_add(completion, *word);
}

static void offer_options(struct completion *completion,
    const struct command *command, bool keywords)
{
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++)
        if (command->args[i].option &&
            (command->args[i].option[0] != '-') == keywords)
            add_spellings(completion, command->args[i].option);
    if (keywords)
        return;
    completion_add(completion, "-a");
    if (command->needs & NEEDS_CONSENT) {
        completion_add(completion, "--yes");
        completion_add(completion, "--no");
    }
}

static void offer_kind(struct completion *completion, const struct arg *arg)
{
    completion->arg = arg;
    if (arg && arg->kind && arg->kind->complete)
        arg->kind->complete(completion, completion->prefix);
}

static void offer(struct completion *completion, struct place *place,
    bool quoted)
{
    const char *prefix = completion->prefix;
    if (place->account_value) {
        arg_account.complete(completion, prefix);
        return;
    }
    if (place->value_of) {
        offer_kind(completion, place->value_of);
        return;
    }
    if (place->value_below)
        return;
    if (!quoted && !place->words_seen)
        for (const struct command *sub = place->command->sub; sub && sub->name;
             sub++)
            completion_add(completion, sub->name);
    if (!quoted && *prefix == '-' && !place->ended) {
        offer_options(completion, place->command, false);
        return;
    }
    if (!quoted && !place->ended)
        offer_options(completion, place->command, true);
    offer_kind(completion, positional(place));
}

/* The word that the cursor stands in, as far as it is typed. */
static void set_prefix(struct completion *completion, const struct word *word,
    size_t cursor)
{
    completion->prefix = g_strdup(word ? word->text : "");
    completion->from = word ? word->from : cursor;
    completion->to = cursor;
}

static void complete_name(struct completion *completion, const char *head)
{
    set_prefix(completion, NULL, strlen(head));
    g_free(completion->prefix);
    completion->prefix = g_strdup(head + 1);
    completion->from = 1;
    arg_command.complete(completion, completion->prefix);
}

static void use_account(struct completion *completion, const char *jid)
{
    const struct engine_host *host = &completion->engine->host;
    struct account *account =
        host->find_account ? host->find_account(host->data, jid) : NULL;
    if (account)
        completion->account = account;
}

static void complete_arguments(struct completion *completion, const char *head,
    const struct command *command, const char *first, size_t pos)
{
    struct place place = { .command = command };
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    size_t cursor = strlen(head);
    struct word word;
    bool has_prefix = false;
    bool quoted = false;
    if (first)
        pass_words(&place, first);
    while (words_next(head, &pos, &word)) {
        /* The word that touches the cursor is the one being typed. */
        if (word.to == cursor && (!word.quoted || word.open ||
                                     head[cursor - 1] != '"')) {
            set_prefix(completion, &word, cursor);
            quoted = word.quoted;
            has_prefix = true;
            word_clear(&word);
            break;
        }
        if (place.account_value)
            use_account(completion, word.text);
        pass_word(&place, &word);
        g_ptr_array_add(words, word.text);
    }
    if (!has_prefix)
        set_prefix(completion, NULL, cursor);
    g_ptr_array_add(words, NULL);
    completion->words_owned =
        (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
    completion->words = (const char *const *)completion->words_owned;
    offer(completion, &place, quoted);
}

static struct account *account_of(
    struct engine *engine, const struct run_context *context)
{
    if (context->account)
        return context->account;
    if (context->front && context->front->ops->current_account) {
        struct account *current =
            context->front->ops->current_account(context->front);
        if (current)
            return current;
    }
    return engine->host.default_account
        ? engine->host.default_account(engine->host.data)
        : NULL;
}

struct completion *engine_complete(struct engine *engine, const char *line,
    size_t cursor, const struct run_context *context)
{
    struct completion *completion = g_new0(struct completion, 1);
    completion->engine = engine;
    completion->front = context->front;
    completion->items = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *head = g_strndup(line, cursor);
    size_t len = strlen(head);
    completion->from = completion->to = len;
    completion->prefix = g_strdup("");
    if (head[0] != '/' || head[1] == '/' || !g_utf8_validate(head, -1, NULL))
        return completion;
    completion->account = account_of(engine, context);
    g_clear_pointer(&completion->prefix, g_free);
    size_t name_len = strcspn(head, " \t");
    if (name_len == len) {
        complete_name(completion, head);
        sort_items(completion->items);
        return completion;
    }
    g_autofree char *name = g_strndup(head + 1, name_len - 1);
    const struct command *command = engine_find(engine, name);
    const struct alias *alias = g_hash_table_lookup(engine->aliases, name);
    if (command)
        complete_arguments(completion, head, command,
            alias ? alias->words : NULL, name_len);
    else
        completion->prefix = g_strdup("");
    sort_items(completion->items);
    return completion;
}

char *completion_insertion(
    const struct completion *completion, const char *item, bool last)
{
    bool is_option = *item == '-' && *completion->prefix == '-';
    g_autofree char *word = is_option ? g_strdup(item) : words_quote(item);
    size_t len = strlen(item);
    /* A directory goes on. */
    bool more = len && item[len - 1] == '/' && completion->arg &&
        completion->arg->kind == &arg_file;
    if (more && *word == '"')
        word[strlen(word) - 1] = '\0';
    return g_strconcat(word, last && !more ? " " : "", NULL);
}
