/*
 * One line that tells what would help now, behind the prompt while nothing is
 * typed. A hint goes for good when what it tells was done once, by key or by
 * command: ui.hints_learned remembers. ui.hints off silences all of them.
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include "store/option.h"
#include "ui/term/line.h"
#include <string.h>

enum { RECENT = 5, RECENT_BYTES = 2000 };

static bool has_unread_elsewhere(const struct tui *tui)
{
    for (guint i = 0; i < tui->windows->len; i++) {
        const struct window *window = tui->windows->pdata[i];
        if (window != window_current(tui) && window->chat && window->chat->unread)
            return true;
    }
    return false;
}

static bool is_scrolled(const struct tui *tui)
{
    const struct window *window = window_current(tui);
    return window->kind == WINDOW_CHAT && pane_chat_scrolled(window->pane);
}

static bool has_link(const struct tui *tui)
{
    const struct chat *chat = window_current(tui)->chat;
    guint n = chat ? chat->messages->len : 0;
    for (guint i = n; i-- > 0 && i + RECENT >= n;) {
        const struct message *message = chat->messages->pdata[i];
        if (message->body && g_strstr_len(message->body, RECENT_BYTES, "https://"))
            return true;
    }
    return false;
}

static bool has_contacts_only(const struct tui *tui)
{
    if (window_current(tui)->chat || !tui->roster_shown)
        return false;
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        const struct account *account = tui->app->accounts->pdata[i];
        if (roster_size(account->roster) > 1) /* one may be ourselves */
            return true;
    }
    return false;
}

static bool has_full_page(const struct tui *tui)
{
    const struct window *window = window_current(tui);
    return window->chat && window->pane->rows &&
        (int)window->chat->messages->len > window->pane->rows;
}

static bool has_talked(const struct tui *tui)
{
    const struct chat *chat = window_current(tui)->chat;
    guint said = 0, n = chat ? chat->messages->len : 0;
    for (guint i = n; i-- > 0 && i + 20 >= n;)
        said += ((const struct message *)chat->messages->pdata[i])->outgoing;
    return said >= 3;
}

static const struct hint {
    const char *id;
    const char *line; /* what it teaches, as in the key table; NULL: hints_learn() */
    const char *text; /* %s: the key */
    bool (*applies)(const struct tui *tui);
} hints[] = {
    { "newest", "/goto bottom", N_("%s: back to the newest"), is_scrolled },
    { "unread", "/win unread", N_("%s: the next unread chat"), has_unread_elsewhere },
    { "roster", "/layout pane roster focus",
        N_("%s: into the contact list; type a name there"), has_contacts_only },
    { "link", "/url open", N_("%s: open the link"), has_link },
    { "scroll", "/goto page up", N_("%s: scroll back"), has_full_page },
    { "newline", NULL, N_("Alt-Enter: a new line in the message"), has_talked },
};

/* Typed behind the slash, while there is only that. */
static const struct hint slash = { "complete", NULL,
    N_("Tab completes, /help finds by words"), NULL };

static bool is_learned(const struct tui *tui, const struct hint *hint)
{
    g_auto(GStrv) known = g_strsplit(tui_option(tui, "ui.hints_learned"), " ", -1);
    return g_strv_contains((const char *const *)known, hint->id);
}

static void learn(struct tui *tui, const struct hint *hint)
{
    struct options *options = tui->app->options;
    if (!options || is_learned(tui, hint))
        return;
    const char *known = tui_option(tui, "ui.hints_learned");
    g_autofree char *all = g_strconcat(known, *known ? " " : "", hint->id, NULL);
    if (!options_set(options, NULL, "ui.hints_learned", all, false, NULL))
        options_set(options, NULL, "ui.hints_learned", all, true, NULL);
    pane_dirty(tui->input);
}

void hints_learn(struct tui *tui, const char *id)
{
    if (!strcmp(id, slash.id))
        learn(tui, &slash);
    for (gsize i = 0; i < G_N_ELEMENTS(hints); i++)
        if (!strcmp(hints[i].id, id))
            learn(tui, &hints[i]);
}

/* A command was run; no matter how. */
void hints_ran(struct tui *tui, const char *line)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hints); i++)
        if (hints[i].line && g_str_has_prefix(line, hints[i].line))
            learn(tui, &hints[i]);
}

static char *key_of(const struct tui *tui, const char *line)
{
    for (guint i = 0; i < tui->bindings->len; i++) {
        const struct binding *binding = &g_array_index(tui->bindings, struct binding, i);
        if (!strcmp(binding->line, line))
            return key_label(&binding->key);
    }
    return NULL;
}

char *hints_text(const struct tui *tui)
{
    if (!tui_option_bool(tui, "ui.hints"))
        return NULL;
    const char *typed = tui->line ? line_text(tui->line) : "";
    if (!strcmp(typed, "/"))
        return is_learned(tui, &slash) ? NULL : g_strdup(_(slash.text));
    for (gsize i = 0; i < G_N_ELEMENTS(hints) && !*typed; i++) {
        const struct hint *hint = &hints[i];
        if (!hint->applies(tui) || is_learned(tui, hint))
            continue;
        g_autofree char *key = hint->line ? key_of(tui, hint->line) : g_strdup("");
        if (!key) /* bound to nothing */
            continue;
        GString *text = g_string_new(_(hint->text));
        g_string_replace(text, "%s", key, 1);
        return g_string_free(text, FALSE);
    }
    return NULL;
}

/* Of "Up older  Enter stay  Esc back" as many as fit, the last one always: it
 * says how to get away. */
char *hints_fit(const char *items, int cells)
{
    g_auto(GStrv) all = g_strsplit(items, "  ", -1);
    guint count = g_strv_length(all);
    const char *last = count ? all[count - 1] : "";
    int used = text_width(last, -1);
    if (used > cells)
        return g_strdup("");
    GString *out = g_string_new(NULL);
    for (guint i = 0; i + 1 < count; i++) {
        int more = text_width(all[i], -1) + 2;
        if (used + more > cells)
            continue;
        used += more;
        g_string_append_printf(out, "%s  ", all[i]);
    }
    g_string_append(out, last);
    return g_string_free(out, FALSE);
}
