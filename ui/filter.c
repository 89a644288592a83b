/*
 * A filter is kept as words: in=JID from=WHO text=EXPRESSION, quoted as a
 * shell would. The expression's work is bounded by limits that PCRE2 takes at
 * its beginning and by the length of the text it sees; one that runs into the
 * limit is switched off until it is added again or the program starts anew.
 */
#include "config.h"
#include "ui/filter.h"
#include "base/intl.h"
#include "model/account.h"
#include "model/jid.h"
#include "store/option.h"
#include <string.h>

#define SECTION "filters"
/* Steps from one place of the text, and bytes of it. */
#define LIMITS "(*LIMIT_MATCH=2000)(*LIMIT_DEPTH=500)"
enum { TEXT_BYTES = 4096, FILTERS_MAX = 200 };

struct filters {
    GPtrArray *list;
    guint version;
    bool off;
    char *complaint;
};

static void filter_free(gpointer data)
{
    struct filter *filter = data;
    g_free(filter->name);
    g_free(filter->chat);
    g_free(filter->from);
    g_free(filter->text);
    g_clear_pointer(&filter->regex, g_regex_unref);
    g_free(filter);
}

struct filters *filters_new(void)
{
    struct filters *filters = g_new0(struct filters, 1);
    filters->list = g_ptr_array_new_with_free_func(filter_free);
    return filters;
}

void filters_free(struct filters *filters)
{
    if (!filters)
        return;
    g_ptr_array_free(filters->list, TRUE);
    g_free(filters->complaint);
    g_free(filters);
}

static struct filter *filter_new(const char *name, const char *chat, const char *from,
    const char *text, GError **error)
{
    g_autoptr(GRegex) regex = NULL;
    if (text) {
        g_autofree char *limited = g_strconcat(LIMITS, text, NULL);
        regex = g_regex_new(limited, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, error);
        if (!regex)
            return NULL;
    }
    struct filter *filter = g_new0(struct filter, 1);
    *filter = (struct filter){ g_strdup(name), g_strdup(chat), g_strdup(from), g_strdup(text),
        g_steal_pointer(&regex), false };
    return filter;
}

static const char *value_of(char **words, const char *key)
{
    for (; words && *words; words++)
        if (g_str_has_prefix(*words, key))
            return *words + strlen(key);
    return NULL;
}

static struct filter *filter_parse(const char *name, const char *line)
{
    g_auto(GStrv) words = NULL;
    if (!g_shell_parse_argv(line, NULL, &words, NULL))
        return NULL;
    const char *chat = value_of(words, "in="), *from = value_of(words, "from=");
    const char *text = value_of(words, "text=");
    return chat || from || text ? filter_new(name, chat, from, text, NULL) : NULL;
}

static void add_word(GString *line, const char *key, const char *value)
{
    if (!value)
        return;
    g_autofree char *quoted = g_shell_quote(value);
    g_string_append_printf(line, "%s%s%s", line->len ? " " : "", key, quoted);
}

void filters_load(struct filters *filters, const struct options *options)
{
    filters->version++;
    g_ptr_array_set_size(filters->list, 0);
    g_auto(GStrv) names = options ? options_section_keys(options, SECTION) : NULL;
    for (char **name = names; name && *name && filters->list->len < FILTERS_MAX; name++) {
        g_autofree char *line = options_section_get(options, SECTION, *name);
        struct filter *filter = line ? filter_parse(*name, line) : NULL;
        if (filter)
            g_ptr_array_add(filters->list, filter);
    }
}

const GPtrArray *filters_list(const struct filters *filters)
{
    return filters->list;
}

static char *free_name(const struct options *options)
{
    for (guint i = 1;; i++) {
        char *name = g_strdup_printf("%u", i);
        g_autofree char *taken = options_section_get(options, SECTION, name);
        if (!taken)
            return name;
        g_free(name);
    }
}

char *filters_add(struct filters *filters, struct options *options, const char *chat,
    const char *from, const char *text, GError **error)
{
    g_autofree char *name = free_name(options);
    struct filter *filter = filter_new(name, chat, from, text, error);
    if (!filter)
        return NULL;
    g_autoptr(GString) line = g_string_new(NULL);
    add_word(line, "in=", chat);
    add_word(line, "from=", from);
    add_word(line, "text=", text);
    if (!options_section_set(options, SECTION, name, line->str, error)) {
        filter_free(filter);
        return NULL;
    }
    g_ptr_array_add(filters->list, filter);
    filters->version++;
    return g_steal_pointer(&name);
}

bool filters_remove(
    struct filters *filters, struct options *options, const char *name, GError **error)
{
    for (guint i = 0; i < filters->list->len; i++) {
        const struct filter *filter = filters->list->pdata[i];
        if (strcmp(filter->name, name) != 0)
            continue;
        if (!options_section_set(options, SECTION, name, NULL, error))
            return false;
        g_ptr_array_remove_index(filters->list, i);
        filters->version++;
        return true;
    }
    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
        _("There is no filter %s; /filter lists them."), name);
    return false;
}

guint filters_version(const struct filters *filters)
{
    return filters->version;
}

void filters_switch(struct filters *filters, bool on)
{
    if (filters->off == !on)
        return;
    filters->off = !on;
    filters->version++;
}

char *filters_complaint(struct filters *filters)
{
    return g_steal_pointer(&filters->complaint);
}

static bool equal_caseless(const char *a, const char *b)
{
    g_autofree char *left = g_utf8_casefold(a, -1), *right = g_utf8_casefold(b, -1);
    return !strcmp(left, right);
}

static bool is_from(
    const struct filter *filter, const struct chat *chat, const struct message *message)
{
    const char *jid = message->from ? message->from : chat->jid;
    if (strchr(filter->from, '@') && jid_bare_equal(jid, filter->from))
        return true;
    const char *resource = strchr(jid, '/');
    if (chat->kind != CHAT_CONTACT && resource && equal_caseless(resource + 1, filter->from))
        return true;
    if (message->nick)
        return equal_caseless(message->nick, filter->from);
    return chat->kind == CHAT_CONTACT &&
        equal_caseless(account_display_name(chat->account, chat->jid), filter->from);
}

/* The subject counts as text, too. */
static bool has_text(struct filters *filters, struct filter *filter, const char *text)
{
    gsize len = text ? strlen(text) : 0;
    if (len > TEXT_BYTES)
        len = (gsize)(g_utf8_find_prev_char(text, text + TEXT_BYTES) - text);
    g_autoptr(GError) error = NULL;
    if (!text || !g_utf8_validate(text, (gssize)len, NULL))
        return false;
    if (g_regex_match_full(filter->regex, text, (gssize)len, 0, 0, NULL, &error))
        return true;
    if (!error)
        return false;
    filter->tired = true;
    filters->version++;
    g_free(filters->complaint);
    filters->complaint = g_strdup_printf(
        _("Filter %s takes too long and hides nothing any more; /filter remove %s, and write a "
          "simpler expression."), filter->name, filter->name);
    return false;
}

bool filters_hide(
    struct filters *filters, const struct chat *chat, const struct message *message)
{
    if (filters->off || message->outgoing || message->type == MESSAGE_NOTICE)
        return false;
    for (guint i = 0; i < filters->list->len; i++) {
        struct filter *filter = filters->list->pdata[i];
        if (filter->tired || (filter->chat && !jid_bare_equal(filter->chat, chat->jid)) ||
            (filter->from && !is_from(filter, chat, message)))
            continue;
        if (!filter->regex || has_text(filters, filter, message->body) ||
            (!filter->tired && has_text(filters, filter, message->subject)))
            return true;
    }
    return false;
}
