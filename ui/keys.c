/* The key table: every row is a key and the command line it runs. [keys] in
 * txmpp.conf and /bind change it. */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "base/text.h"
#include "cmd/help.h"
#include <string.h>

const struct key_row key_rows[] = {
    { "M-1", "/win 1", "Window 1" }, { "M-2", "/win 2", "Window 2" },
    { "M-3", "/win 3", "Window 3" }, { "M-4", "/win 4", "Window 4" },
    { "M-5", "/win 5", "Window 5" }, { "M-6", "/win 6", "Window 6" },
    { "M-7", "/win 7", "Window 7" }, { "M-8", "/win 8", "Window 8" },
    { "M-9", "/win 9", "Window 9" }, { "M-0", "/win 0", "The console" },
    { "M-n", "/win next", "The next window" },
    { "M-p", "/win prev", "The window before" },
    { "C-PageDown", "/win next", "The next window" },
    { "C-PageUp", "/win prev", "The window before" },
    { "M-a", "/win unread", "The window that needs you most" },
    { "M-l", "/bare", "Plain lines, for the terminal's selection" },
    { "F5", "/find", "Look for text in this conversation" },
    { "M-x", "/palette", "Go to anything: chats, contacts, commands, options, help" },
    { "M-/", "/win back", "Where you were before" },
    { "M-w", "/close", "Close this window" },
    { "F1", "/keys", "The keys" },
    { "F2", "/layout pane roster focus", "Into the contact list and back" },
    { "F3", "/layout pane roster toggle", "Show or hide the contact list" },
    { "M-+", "/layout pane roster wider", "A wider contact list" },
    { "M--", "/layout pane roster narrower", "A narrower contact list" },
    { "F4", "/layout zoom", "The whole screen for this part, and back" },
    { "F6", "/layout focus next", "The next part of a split screen" },
    { "S-F6", "/layout swap next", "Change places with the next part" },
    { "F7", "/layout split v", "Split: two side by side" },
    { "F8", "/layout split h", "Split: one over the other" },
    { "S-F7", "/layout close", "Close this part" },
    { "S-F8", "/layout only", "One window again" },
    { "M-Left", "/layout focus left", "To the part at the left" },
    { "M-Right", "/layout focus right", "To the part at the right" },
    { "M-Up", "/layout focus up", "To the part above" },
    { "M-Down", "/layout focus down", "To the part below" },
    { "M-S-Left", "/layout resize left", "Move the border to the left" },
    { "M-S-Right", "/layout resize right", "Move the border to the right" },
    { "M-S-Up", "/layout resize up", "Move the border up" },
    { "M-S-Down", "/layout resize down", "Move the border down" },
    { "F9", "/xml", "The XML console" },
    { "M-s", "/sub show", "Subscription requests that wait" },
    { "C-l", "/redraw", "Draw the screen anew" },
    { "PageUp", "/goto page up", "A page back" },
    { "PageDown", "/goto page down", "A page forward" },
    { "S-Up", "/goto line up", "A line back" },
    { "S-Down", "/goto line down", "A line forward" },
    { "M-PageUp", "/goto day up", "To the beginning of the day, and of the one before" },
    { "M-PageDown", "/goto day down", "To the beginning of the next day" },
    { "M-Home", "/goto top", "The first message" },
    { "M-End", "/goto bottom", "The newest message" },
    { "M-u", "/goto unread", "The first unread message" },
    { "M-$", "/spell suggest", "What a misspelt word may have meant" },
    { "M-m", "/pick", "Choose a message, and what to do with it" },
    { "M-o", "/url open", "Open the newest link" },
    { "M-e", "/editor", "Write in your editor" },
    { NULL, NULL, NULL },
};

const struct key_row key_fixed_rows[] = {
    { "Enter", NULL, "Send the line, or run it when it begins with /" },
    { "M-Enter", NULL, "A new line in the message" },
    { "Tab", NULL, "Complete; again: the next proposal (S-Tab the one before)" },
    { "Escape", NULL, "Close the menu, the results, or the dialog" },
    { "C-c", NULL, "Empty the input line" },
    { "C-z", NULL, "Suspend txmpp; fg brings it back" },
    { NULL, NULL, NULL },
};

/* In the contact list. */
static const struct key_row roster_rows[] = {
    { "Enter", NULL, "Open the conversation; fold or unfold a group" },
    { N_("letters, /"), NULL, "Show only what matches" },
    { N_("Space"), NULL, "The menu of what can be done (also the right button)" },
    { N_("Left, Right"), NULL, "Fold and unfold; to the group" },
    { "Insert, C-n", NULL, "Add a contact" },
    { "C-r", NULL, "Rename, in place" },
    { "C-g", NULL, "Move to another group" },
    { "C-e", NULL, "Edit: name, groups, subscription" },
    { "C-t", NULL, "Order by presence, name, activity" },
    { "C-f", NULL, "Show all, who is online, who is available, what is unread" },
    { "C-s", NULL, "Ask to see the presence" },
    { "Delete", NULL, "Remove the contact" },
    { "C-b", NULL, "Block" },
    { "C-o", NULL, "All that is known" },
    { N_("Escape, Tab"), NULL, "Back to the input line" },
    { NULL, NULL, NULL },
};

/* With /pick. */
static const struct key_row pick_rows[] = {
    { "Up, Down", NULL, "The message before, the next one (also k, j)" },
    { "PageUp, PageDown", NULL, "Ten messages" },
    { "Home, End", NULL, "The oldest that is here, the newest" },
    { "Enter", NULL, "The menu of what can be done (also the right button)" },
    { "q, >", NULL, "Quote it in the input line" },
    { "c", NULL, "Put it into the clipboard" },
    { "o", NULL, "Open its link" },
    { "Escape", NULL, "Back to the input line" },
    { NULL, NULL, NULL },
};

static const struct key_row dialog_rows[] = {
    { N_("Tab, arrows"), NULL, "Move" },
    { "Enter", NULL, "Activate what is highlighted" },
    { N_("Space"), NULL, "Tick or choose" },
    { N_("underlined letter"), NULL, "Press that button (with M- inside a field)" },
    { "Escape", NULL, "Close; nothing is decided" },
    { NULL, NULL, NULL },
};

static void binding_clear(gpointer data)
{
    struct binding *binding = data;
    g_free(binding->line);
}

static void bind_line(struct tui *tui, const struct key *key, const char *line)
{
    for (guint i = 0; i < tui->bindings->len; i++) {
        struct binding *binding = &g_array_index(tui->bindings, struct binding, i);
        if (!key_equal(&binding->key, key))
            continue;
        g_free(binding->line);
        binding->line = g_strdup(line);
        return;
    }
    struct binding binding = { *key, g_strdup(line) };
    g_array_append_val(tui->bindings, binding);
}

void keys_load(struct tui *tui)
{
    if (tui->bindings)
        g_array_free(tui->bindings, TRUE);
    tui->bindings = g_array_new(FALSE, FALSE, sizeof(struct binding));
    g_array_set_clear_func(tui->bindings, binding_clear);
    struct key key;
    for (const struct key_row *row = key_rows; row->key; row++)
        if (key_parse(row->key, &key))
            bind_line(tui, &key, row->line);
    if (!tui->app->options)
        return;
    g_auto(GStrv) names = options_section_keys(tui->app->options, "keys");
    for (char **name = names; name && *name; name++) {
        g_autofree char *line = options_section_get(tui->app->options, "keys", *name);
        if (line && key_parse(*name, &key))
            bind_line(tui, &key, line);
    }
}

bool keys_run(struct tui *tui, const struct key *key)
{
    for (guint i = 0; i < tui->bindings->len; i++) {
        struct binding *binding = &g_array_index(tui->bindings, struct binding, i);
        if (!key_equal(&binding->key, key))
            continue;
        if (!*binding->line || !strcmp(binding->line, "-"))
            return false; /* unbound: readline's */
        g_autofree char *line = g_strdup(binding->line);
        tui_run_shown(tui, line);
        return true;
    }
    return false;
}

static void print_rows(GString *out, const char *title, const struct key_row *rows)
{
    g_string_append_printf(out, ".Ss %s\n.Bl -tag -width 16n -compact\n", title);
    for (; rows->key; rows++) {
        g_string_append_printf(out, ".It Ic %s\n%s", strcmp(rows->key, "M--") ? rows->key : "M\\-\\-",
            rows->summary);
        if (rows->line)
            g_string_append_printf(out, "\n.Pq Ic %s", rows->line);
        g_string_append_c(out, '\n');
    }
    g_string_append(out, ".El\n");
}

void ui_print_keys_mdoc(GString *out)
{
    print_rows(out, "Input line", key_fixed_rows);
    print_rows(out, "Commands on keys", key_rows);
    print_rows(out, "Contact list", roster_rows);
    print_rows(out, "Choosing a message", pick_rows);
    print_rows(out, "Dialogs", dialog_rows);
}

void ui_print_keys_words(GString *out)
{
    const struct key_row *const tables[] = { key_fixed_rows, key_rows, roster_rows, pick_rows,
        dialog_rows };
    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++)
        for (const struct key_row *row = tables[i]; row->key; row++)
            help_add_words(out, row->summary);
}

static void text_rows(GString *out, const char *title, const struct key_row *rows)
{
    g_string_append_printf(out, "%s\n", title);
    for (; rows->key; rows++)
        g_string_append_printf(out, "  %s%*s %s%s%s%s\n", _(rows->key),
            MAX(18 - text_width(_(rows->key), -1), 0), "", _(rows->summary),
            rows->line ? "  (" : "", rows->line ? rows->line : "", rows->line ? ")" : "");
    g_string_append_c(out, '\n');
}

/* For F1 and /help keys on the screen. */
char *keys_help_text(void)
{
    GString *out = g_string_new(NULL);
    text_rows(out, _("Input line"), key_fixed_rows);
    text_rows(out, _("Commands on keys (/bind changes them)"), key_rows);
    text_rows(out, _("Contact list"), roster_rows);
    text_rows(out, _("Choosing a message"), pick_rows);
    text_rows(out, _("Dialogs"), dialog_rows);
    g_string_append(out, _("All other keys are readline's: your inputrc holds, $if txmpp works.\n"));
    return g_string_free(out, FALSE);
}
