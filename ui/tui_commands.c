/* The commands and options that belong to the screen. They are in the tables
 * of script mode too, which refuses them with a sentence (NEEDS_SCREEN). */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "base/stamp.h"
#include "base/text.h"
#include "cmd/job.h"
#include "model/account.h"
#include "model/jid.h"
#include "store/history.h"
#include "store/option.h"
#include "ui/linear/linear.h"
#include "ui/term/line.h"
#include "ui/term/screen.h"
#include "xep/xep0313_mam.h"
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

const struct option ui_options[] = {
    { .name = "ui.theme", .kind = OPTION_STRING, .fallback = "auto",
        .summary = "how the screen looks; /theme shows what there is",
        .detail = "With auto it is light where the terminal says that its ground is, else dark." },
    { .name = "ui.colors", .kind = OPTION_ENUM, .fallback = "auto",
        .choices = "auto none 8 16 256 true",
        .summary = "how many colours the terminal has",
        .detail = "With auto the terminfo database is asked, and NO_COLOR and COLORTERM (truecolor, 24bit) are honoured." },
    { .name = "ui.ascii", .kind = OPTION_ENUM, .fallback = "auto", .choices = "auto on off",
        .summary = "draw marks and lines with ASCII characters only" },
    { .name = "ui.linear", .kind = OPTION_ENUM, .fallback = "auto", .choices = "auto on off",
        .summary = "no panes, a line for everything that happens, from the next start on",
        .detail = "For screen readers and for terminals that cannot move their cursor; auto "
                  "is on where TERM is dumb. --linear does it once." },
    { .name = "ui.mouse", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "take the mouse; off leaves it to the terminal's own selection" },
    { .name = "ui.layout", .kind = OPTION_STRING, .fallback = "(v 250 roster .)",
        .summary = "the parts of the screen, as /layout leaves them",
        .detail = "A part is roster, results, list, console, xml, the address of a "
                  "conversation, or . for whatever is in front; a * before it has the focus. "
                  "A split is (v SHARE A B) side by side or (h SHARE A B) one over the other, "
                  "SHARE being the first one's of 1000." },
    { .name = "ui.roster", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "show the contact list where the terminal is wide enough" },
    { .name = "ui.roster.width", .kind = OPTION_INT, .fallback = "25", .min = 12, .max = 200,
        .summary = "columns of the contact list" },
    { .name = "ui.roster.order", .kind = OPTION_ENUM, .fallback = "presence",
        .choices = "presence name activity", .summary = "order of the contact list" },
    { .name = "ui.roster.show", .kind = OPTION_ENUM, .fallback = "all",
        .choices = "all online available unread",
        .summary = "which contacts are listed; who wrote something unread always is" },
    { .name = "ui.roster.unread_first", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "list first who wrote something unread" },
    { .name = "ui.time", .kind = OPTION_STRING, .fallback = "%H:%M",
        .summary = "time of messages and in the status line, as strftime(3) has it" },
    { .name = "ui.input_rows", .kind = OPTION_INT, .fallback = "5", .min = 1, .max = 20,
        .summary = "rows the input line may grow to" },
    { .name = "ui.paste_guard", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "ask before several pasted lines go into the input line" },
    { .name = "ui.hints", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "say behind the prompt what would help now",
        .words = "hint tips help beginner",
        .detail = "A hint goes for good when what it tells was done once." },
    { .name = "ui.hints_learned", .kind = OPTION_LIST, .fallback = "",
        .summary = "hints that are not shown any more; /set --reset brings them back" },
    { .name = "ui.title", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "set the terminal's title" },
    { .name = "ui.bell", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "ring the bell for messages you do not see" },
    { .name = "ui.flash", .kind = OPTION_BOOL, .fallback = "off",
        .summary = "flash the screen for messages you do not see" },
    { .name = "ui.url_opener", .kind = OPTION_STRING, .fallback = "xdg-open",
        .summary = "program that /url open hands a link to, with a window of its own",
        .detail = "The link takes the place of %u, or stands at the end. No shell is started." },
    { .name = "ui.filters", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "hide what a /filter hides" },
    { .name = "ui.link_numbers", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "show the number that /url knows a link by" },
    { .name = "ui.nick_colors", .kind = OPTION_ENUM, .fallback = "on",
        .choices = "on off red-green blue",
        .summary = "show everybody's name in a colour of its own (XEP-0392)",
        .detail = "The colour comes from the address, so that it is the same in every client. "
                  "With red-green and blue only hues are used that people who cannot tell "
                  "those apart can; /color gives one name another." },
    { .name = "ui.spell", .kind = OPTION_STRING, .fallback = "off",
        .summary = "languages to check the spelling for, like en_US or en_US,de_DE, or off",
        .detail = "auto is the language of your locale; /spell sets it per chat." },
    { .name = "ui.styling", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "show *strong*, _emphasized_, ~struck~ and `code` text as such (XEP-0393)",
        .detail = "The marks stay where they are. Lines that begin with > are quoted, those "
                  "between two lines with ``` are shown as they stand." },
    { .name = "ui.notify", .kind = OPTION_ENUM, .fallback = "always",
        .choices = "always mention never",
        .summary = "which messages are notified; /notify sets it per chat" },
    { .name = "ui.notify_osc", .kind = OPTION_ENUM, .fallback = "off",
        .choices = "off on 9 777",
        .summary = "let the terminal show notifications: by OSC 9, OSC 777, or on for both",
        .detail = "Inside tmux they go to the terminal around it, which tmux allows with "
                  "\"set -g allow-passthrough on\"." },
    { .name = "ui.notify_desktop", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "let the desktop show notifications, where there is one (D-Bus)" },
    { .name = "ui.notify_command", .kind = OPTION_STRING, .fallback = "",
        .summary = "program to run for each notification; see /notify command" },
    { .name = "ui.notify_words", .kind = OPTION_LIST, .fallback = "",
        .summary = "words that count like your name" },
    { .name = "ui.notify_quiet", .kind = OPTION_STRING, .fallback = "",
        .summary = "hours without notifications, like 22:00-07:00" },
    { .name = "ui.notify_text", .kind = OPTION_BOOL, .fallback = "on",
        .summary = "show in notifications what was written" },
    { .name = "ui.pictures", .kind = OPTION_ENUM, .fallback = "ask", .choices = "ask contacts",
        .summary = "fetch pictures only when asked (/image), or those of contacts by themselves",
        .detail = "Whoever has the file learns your address, and when you read. With contacts, "
                  "links to .png, .jpg, .webp and .gif files from people who see your presence are "
                  "fetched when they come into view; never over ssh." },
    { .name = "ui.picture_pixels", .kind = OPTION_ENUM, .fallback = "auto",
        .choices = "auto on off",
        .summary = "show pictures by pixels where the terminal says that it can",
        .detail = "By sixel or the protocol of kitty, as soon as a picture stands whole and still; "
                  "until then by cells. With auto not over ssh." },
    { .name = "ui.avatars", .kind = OPTION_ENUM, .fallback = "auto", .choices = "auto on off",
        .summary = "show the faces of contacts where there is room",
        .detail = "With auto where the terminal has 256 colours, and not over ssh." },
    { .name = NULL },
};

static struct tui *tui_of_job(struct job *job)
{
    return tui_of(job_front(job));
}

/* ---- /win ---- */

static struct window *hottest(struct tui *tui)
{
    struct window *best = NULL;
    for (guint i = 0; i < tui->windows->len; i++) {
        struct window *window = tui->windows->pdata[i];
        if (window_urgency(window) && (!best || window_urgency(window) > window_urgency(best)))
            best = window;
    }
    return best;
}

static struct window *neighbour(struct tui *tui, int step)
{
    guint at = 0, count = tui->windows->len;
    g_ptr_array_find(tui->windows, window_current(tui), &at);
    return tui->windows->pdata[(at + count + (guint)step) % count];
}

/* 3: that is its name or address, 2: it begins so; or less. Folded. */
static int window_likeness(const struct window *window, const char *word)
{
    g_autofree char *name = text_fold(window_name(window));
    g_autofree char *jid = text_fold(window->chat ? window->chat->jid : "");
    if (!strcmp(name, word) || !strcmp(jid, word))
        return 3;
    return g_str_has_prefix(name, word) || g_str_has_prefix(jid, word) ? 2
        : text_fuzzy_folded(word, name) >= 0                           ? 1
                                                                       : 0;
}

/* By number, name, or so much of one that no other is like it; NULL and a
 * sentence. */
static struct window *find_window(struct tui *tui, const char *word, char **why)
{
    guint64 number;
    struct window *best = NULL, *second = NULL;
    int likeness = 1;
    *why = NULL;
    bool by_number = g_ascii_string_to_unsigned(word, 10, 0, 9999, &number, NULL);
    if (by_number)
        best = window_number(tui, (int)number);
    g_autofree char *folded = text_fold(word);
    for (guint i = 0; !by_number && *folded && i < tui->windows->len; i++) {
        struct window *window = tui->windows->pdata[i];
        int alike = window_likeness(window, folded);
        if (alike < likeness)
            continue;
        second = alike == likeness ? best : NULL;
        best = window; /* a third alike is one too many as well */
        likeness = alike;
    }
    if (best && second)
        *why = g_strdup_printf(
            _("\"%s\" may be %d:%s or %d:%s; write more of it, or the number."),
            word, second->number, window_name(second), best->number, window_name(best));
    else if (!best)
        *why = g_strdup_printf(_("There is no window \"%s\"; /win lists them."), word);
    return *why ? NULL : best;
}

static enum cmd_status list_windows(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    for (guint i = 0; i < tui->windows->len; i++) {
        const struct window *window = tui->windows->pdata[i];
        JOB_ROW(job, "window", FIELD_I("number", window->number),
            FIELD_T("name", window_name(window)),
            FIELD_T("jid", window->chat ? window->chat->jid : NULL),
            FIELD_I("unread", window->chat ? window->chat->unread : window->hot),
            FIELD_I("messages", window->chat ? window->chat->messages->len : 0));
    }
    return job_done(job);
}

static enum cmd_status run_win(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *word = job_arg(job, "window");
    struct window *window = NULL, *home = tui->home;
    g_autofree char *why = NULL;
    if (!word || !strcmp(word, "list"))
        return list_windows(job);
    if (!strcmp(word, "move")) {
        if (!window_move(tui, window_current(tui), (int)job_int(job, "number", 0)))
            return job_fail(job, "bad-request",
                "This window cannot be moved there; say /win move NUMBER, from 1.");
        return job_done(job);
    }
    if (!strcmp(word, "next") || !strcmp(word, "prev"))
        window = neighbour(tui, *word == 'n' ? 1 : -1);
    else if (!strcmp(word, "unread")) {
        if (!home)
            home = window_current(tui);
        window = hottest(tui);
        if (!window) {
            window_show(tui, home);
            return job_done(job);
        }
        window_show(tui, window);
        tui->home = home;
        return job_done(job);
    } else if (!strcmp(word, "back"))
        window = tui->previous ? tui->previous : window_current(tui);
    else
        window = find_window(tui, word, &why);
    if (!window)
        return job_fail(job, "item-not-found", "%s", why);
    window_show(tui, window);
    return job_done(job);
}

static void complete_window(struct completion *completion, const char *prefix)
{
    static const char *const words[] = { "next", "prev", "unread", "back", "move", "list" };
    (void)prefix;
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        completion_add(completion, words[i]);
    if (!completion->front || !completion->front->ops->is_screen)
        return;
    struct tui *tui = tui_of(completion->front);
    for (guint i = 0; i < tui->windows->len; i++)
        completion_add(completion, window_name(tui->windows->pdata[i]));
}

static const struct arg_kind arg_window = { .placeholder = "WINDOW", .complete = complete_window };

/* ---- /close ---- */

static enum cmd_status run_close(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *what = job_arg(job, "what");
    if (!what || !strcmp(what, ".")) {
        if (window_current(tui)->kind == WINDOW_CONSOLE)
            return job_fail(job, "not-allowed", "The console stays; /quit leaves txmpp.");
        window_close(tui, window_current(tui));
        return job_done(job);
    }
    bool all = !strcmp(what, "all"), read = !strcmp(what, "read");
    if (!all && !read) {
        g_autofree char *why = NULL;
        struct window *window = find_window(tui, what, &why);
        if (!window)
            return job_fail(job, "item-not-found", "%s", why);
        if (window->kind == WINDOW_CONSOLE)
            return job_fail(job, "not-allowed", "The console stays; /quit leaves txmpp.");
        window_close(tui, window);
        return job_done(job);
    }
    for (guint i = tui->windows->len; i-- > 0;) {
        struct window *window = tui->windows->pdata[i];
        if (window->kind == WINDOW_CHAT && (all || !window_urgency(window)))
            window_close(tui, window);
    }
    return job_done(job);
}

/* ---- /layout ---- */

static enum direction direction_of(const char *word)
{
    static const char *const words[] = { [DIRECTION_NEXT] = "next", [DIRECTION_PREV] = "prev",
        [DIRECTION_LEFT] = "left", [DIRECTION_RIGHT] = "right", [DIRECTION_UP] = "up",
        [DIRECTION_DOWN] = "down" };
    for (gsize i = 1; word && i < G_N_ELEMENTS(words); i++)
        if (!strcmp(words[i], word))
            return (enum direction)i;
    return word && !strcmp(word, "top") ? DIRECTION_UP
        : word && !strcmp(word, "bottom") ? DIRECTION_DOWN
                                          : DIRECTION_NONE;
}

static enum cmd_status run_layout(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    g_autoptr(GPtrArray) leaves = layout_leaves(tui);
    for (guint i = 0; i < leaves->len; i++) {
        const struct layout *leaf = leaves->pdata[i];
        const struct pane *pane = layout_pane(leaf);
        JOB_ROW(job, "part", FIELD_I("number", i + 1),
            FIELD_T("shows", leaf->side ? leaf->side->ops->name : window_name(leaf->window)),
            FIELD_I("columns", leaf->cols ? pane->cols : 0),
            FIELD_I("rows", leaf->cols ? pane->rows : 0),
            FIELD_B("focused", tui->aside ? leaf->side == tui->aside : leaf == tui->leaf));
    }
    return job_done(job);
}

static enum cmd_status run_layout_split(struct job *job)
{
    bool side = !strcmp(job_arg(job, "direction"), "v");
    if (!layout_split(tui_of_job(job), side ? LAYOUT_COLS : LAYOUT_ROWS))
        return job_fail(job, "not-acceptable",
            "There is no room for another part; make the terminal larger.");
    return job_done(job);
}

static enum cmd_status run_layout_close(struct job *job)
{
    if (!layout_close_leaf(tui_of_job(job)))
        return job_fail(job, "not-acceptable", "The screen is not split; /layout split v does that.");
    return job_done(job);
}

static enum cmd_status run_layout_only(struct job *job)
{
    layout_only_leaf(tui_of_job(job));
    return job_done(job);
}

static enum cmd_status run_layout_zoom(struct job *job)
{
    layout_zoom(tui_of_job(job));
    return job_done(job);
}

static enum cmd_status run_layout_focus(struct job *job)
{
    const char *where = job_arg(job, "where");
    enum direction direction = where ? direction_of(where) : DIRECTION_NEXT;
    if (direction == DIRECTION_NEXT || direction == DIRECTION_PREV)
        layout_focus_next(tui_of_job(job), direction == DIRECTION_NEXT ? 1 : -1);
    else
        layout_focus_towards(tui_of_job(job), direction);
    return job_done(job);
}

static enum cmd_status run_layout_swap(struct job *job)
{
    const char *where = job_arg(job, "where");
    if (!layout_swap(tui_of_job(job), where ? direction_of(where) : DIRECTION_NEXT))
        return job_fail(job, "item-not-found", "There is nothing to change places with; /layout split v splits the screen.");
    return job_done(job);
}

static enum cmd_status run_layout_resize(struct job *job)
{
    int cells = (int)job_int(job, "cells", 2);
    if (!layout_resize(tui_of_job(job), direction_of(job_arg(job, "direction")),
            CLAMP(cells, -GRID_MAX, GRID_MAX)))
        return job_fail(job, "item-not-found", "There is no border that moves that way; only a part beside another has one.");
    return job_done(job);
}

static enum cmd_status set_width(struct job *job, int width)
{
    g_autofree char *text = g_strdup_printf("%d", CLAMP(width, 12, 200));
    g_autoptr(GError) error = NULL;
    if (!options_set(tui_of_job(job)->app->options, NULL, "ui.roster.width", text, false, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static void focus_pane(struct tui *tui, struct pane *pane)
{
    struct layout *leaf = layout_leaf_of_side(tui, pane);
    if (tui->aside == pane)
        layout_focus(tui, tui->leaf);
    else if (leaf)
        layout_focus(tui, leaf);
}

static enum cmd_status run_layout_pane(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *name = job_arg(job, "pane"), *action = job_arg(job, "action");
    struct pane *pane = layout_side(tui, name);
    bool is_roster = pane == tui->roster;
    bool there = layout_leaf_of_side(tui, pane) && (!is_roster || tui->roster_shown);
    if (!strcmp(action, "toggle"))
        action = there ? "hide" : "show";
    if (!strcmp(action, "hide"))
        layout_hide_side(tui, pane);
    else if (!strcmp(action, "here"))
        layout_show_side(tui, pane, DIRECTION_LEFT, true);
    else if (!strcmp(action, "focus")) {
        if (!there && !is_roster)
            layout_show_side(tui, pane, DIRECTION_NONE, false);
        focus_pane(tui, pane);
    } else if (!strcmp(action, "wider") || !strcmp(action, "narrower") ||
        !strcmp(action, "width")) {
        if (!is_roster)
            return job_fail(job, "bad-request",
                "Only the contact list keeps a width; say /layout resize for %s.", name);
        if (strcmp(action, "width") != 0)
            return set_width(job, tui->roster_width + (*action == 'w' ? 2 : -2));
        if (!job_arg(job, "columns"))
            return job_fail(job, "bad-request", "Say how wide: /layout pane roster width 30.");
        return set_width(job, (int)job_int(job, "columns", 25));
    } else
        layout_show_side(tui, pane, direction_of(action), false);
    return job_done(job);
}

static enum cmd_status run_layout_save(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    g_autofree char *text = layout_text(tui);
    g_autoptr(GError) error = NULL;
    if (!options_section_set(tui->app->options, "layouts", job_arg(job, "name"), text, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static enum cmd_status run_layout_load(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *name = job_arg(job, "name");
    if (!name) {
        g_auto(GStrv) names = options_section_keys(tui->app->options, "layouts");
        for (char **one = names; one && *one; one++) {
            g_autofree char *value = options_section_get(tui->app->options, "layouts", *one);
            JOB_ROW(job, "layout", FIELD_T("name", *one), FIELD_T("layout", value));
        }
        return job_done(job);
    }
    g_autofree char *text = options_section_get(tui->app->options, "layouts", name);
    if (!text)
        return job_fail(job, "item-not-found",
            "There is no layout \"%s\"; /layout save NAME makes one.", name);
    if (!layout_restore(tui, text))
        return job_fail(job, "bad-request",
            "The layout \"%s\" in the configuration is damaged; save it again.", name);
    layout_remember(tui);
    return job_done(job);
}

static enum cmd_status run_layout_delete(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    g_autoptr(GError) error = NULL;
    if (!options_section_set(tui->app->options, "layouts", job_arg(job, "name"), NULL, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

static void complete_layout(struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (!completion->front || !completion->front->ops->is_screen)
        return;
    g_auto(GStrv) names =
        options_section_keys(tui_of(completion->front)->app->options, "layouts");
    for (char **name = names; name && *name; name++)
        completion_add(completion, *name);
}

static const struct arg_kind arg_layout = { .placeholder = "NAME", .complete = complete_layout };

static const struct command layout_commands[] = {
    { .name = "split", .needs = NEEDS_PANES, .run = run_layout_split,
        .args = { { .name = "direction", .kind = &arg_choice, .choices = "h v" } },
        .summary = "Split this part of the screen: h one over the other, v side by side" },
    { .name = "close", .needs = NEEDS_PANES, .run = run_layout_close,
        .summary = "Close this part of a split screen; its window stays open" },
    { .name = "only", .needs = NEEDS_PANES, .run = run_layout_only,
        .summary = "One window again, with the contact list" },
    { .name = "zoom", .needs = NEEDS_PANES, .run = run_layout_zoom,
        .summary = "Give this part the whole screen, and back" },
    { .name = "focus", .needs = NEEDS_PANES, .run = run_layout_focus,
        .args = { { .name = "where", .kind = &arg_choice, .flags = ARG_OPTIONAL,
            .choices = "next prev left right up down" } },
        .summary = "Go to another part of a split screen" },
    { .name = "swap", .needs = NEEDS_PANES, .run = run_layout_swap,
        .args = { { .name = "where", .kind = &arg_choice, .flags = ARG_OPTIONAL,
            .choices = "next prev left right up down" } },
        .summary = "Let this part and another change places" },
    { .name = "resize", .needs = NEEDS_PANES, .run = run_layout_resize,
        .args = { { .name = "direction", .kind = &arg_choice, .choices = "left right up down" },
            { .name = "cells", .kind = &arg_int, .flags = ARG_OPTIONAL,
                .summary = "columns or rows; 2 when not said" } },
        .summary = "Move the border of this part" },
    { .name = "pane", .needs = NEEDS_PANES, .run = run_layout_pane,
        .args = { { .name = "pane", .kind = &arg_choice, .choices = "list roster results",
                      .summary = "windows, contacts, or what commands answer" },
            { .name = "action", .kind = &arg_choice,
                .choices = "show hide toggle left right top bottom here focus width wider narrower" },
            { .name = "columns", .kind = &arg_int, .flags = ARG_OPTIONAL,
                .summary = "with width" } },
        .summary = "Show, hide, place, resize or enter a pane",
        .detail = "left, right, top and bottom are edges of the screen, here is beside "
                  "the part that has the focus. Results without a place of their own come "
                  "up above the status line and go again." },
    { .name = "save", .needs = NEEDS_PANES, .run = run_layout_save,
        .args = { { .name = "name", .kind = &arg_layout } },
        .summary = "Keep the present layout under a name" },
    { .name = "load", .needs = NEEDS_PANES, .run = run_layout_load,
        .args = { { .name = "name", .kind = &arg_layout, .flags = ARG_OPTIONAL } },
        .summary = "Lay the screen out as it was saved, or list what was saved",
        .fields = "layout: name layout" },
    { .name = "delete", .needs = NEEDS_PANES, .run = run_layout_delete,
        .args = { { .name = "name", .kind = &arg_layout } },
        .summary = "Forget a saved layout" },
    { .name = NULL },
};

/* ---- /bind, /redraw ---- */

static enum cmd_status run_bind(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *name = job_arg(job, "key"), *line = job_arg(job, "line");
    g_autoptr(GError) error = NULL;
    if (!name || !strcmp(name, "list")) {
        for (guint i = 0; i < tui->bindings->len; i++) {
            const struct binding *binding = &g_array_index(tui->bindings, struct binding, i);
            g_autofree char *key = key_label(&binding->key);
            JOB_ROW(job, "key", FIELD_T("key", key), FIELD_T("line", binding->line));
        }
        return job_done(job);
    }
    struct key key;
    if (!key_parse(name, &key))
        return job_fail(job, "bad-request",
            "\"%s\" is no key; they are called F5, M-x, C-Left, S-Up, M-Enter.", name);
    g_autofree char *canonical = key_label(&key);
    if (line && *line != '/' && strcmp(line, "-") && strcmp(line, "default"))
        return job_fail(job, "bad-request",
            "A key runs a command line that begins with /; - gives it to readline, default takes the binding back.");
    if (!options_section_set(tui->app->options, "keys", canonical,
            line && strcmp(line, "default") ? line : NULL, &error))
        return job_fail_error(job, error);
    keys_load(tui);
    return job_done(job);
}

static enum cmd_status run_keys(struct job *job)
{
    g_autofree char *text = keys_help_text();
    dialog_help(tui_of_job(job), _("Keys"), text);
    return job_done(job);
}

static enum cmd_status run_bare(struct job *job)
{
    if (!bare_open(tui_of_job(job)))
        return job_fail(job, "item-not-found", "There are no messages here.");
    return job_done(job);
}

static enum cmd_status run_find(struct job *job)
{
    if (!chat_find_open(tui_of_job(job), job_arg(job, "text")))
        return job_fail(job, "item-not-found", "There are no messages here.");
    return job_done(job);
}

static enum cmd_status run_palette(struct job *job)
{
    palette_open(tui_of_job(job), job_arg(job, "text"));
    return job_done(job);
}

static enum cmd_status run_redraw(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    if (tui->screen)
        screen_forget(tui->screen);
    if (tui->linear)
        linear_repeat(tui->linear);
    tui_dirty_all(tui);
    return job_done(job);
}

/* ---- /xml ---- */

static enum cmd_status run_xml(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    window_show(tui, window_xml(tui));
    if (tui->linear)
        job_note(job, "Stanzas are taken in from now on; /xml save FILE writes them.");
    return job_done(job);
}

static enum cmd_status run_xml_filter(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    pane_xml_filter(window_xml(tui)->pane, job_arg(job, "text"));
    window_show(tui, window_xml(tui));
    return job_done(job);
}

static enum cmd_status run_xml_freeze(struct job *job)
{
    pane_xml_freeze(window_xml(tui_of_job(job))->pane, true);
    return job_done(job);
}

static enum cmd_status run_xml_thaw(struct job *job)
{
    pane_xml_freeze(window_xml(tui_of_job(job))->pane, false);
    return job_done(job);
}

static enum cmd_status run_xml_save(struct job *job)
{
    g_autoptr(GError) error = NULL;
    if (!pane_xml_save(window_xml(tui_of_job(job))->pane, job_arg(job, "file"), &error))
        return job_fail_error(job, error);
    job_note(job, "Saved to %s.", job_arg(job, "file"));
    return job_done(job);
}

static enum cmd_status run_xml_close(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    window_close(tui, window_xml(tui));
    return job_done(job);
}

static const struct command xml_commands[] = {
    { .name = "filter", .needs = NEEDS_SCREEN, .run = run_xml_filter,
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_OPTIONAL | ARG_REST } },
        .summary = "Show only stanzas with this text (address, namespace, id); none: all" },
    { .name = "freeze", .needs = NEEDS_SCREEN, .run = run_xml_freeze,
        .summary = "Take no more stanzas in" },
    { .name = "thaw", .needs = NEEDS_SCREEN, .run = run_xml_thaw, .summary = "Go on" },
    { .name = "save", .needs = NEEDS_SCREEN, .run = run_xml_save,
        .args = { { .name = "file", .kind = &arg_file } },
        .summary = "Write what is shown to a file" },
    { .name = "close", .needs = NEEDS_SCREEN, .run = run_xml_close,
        .summary = "Close the XML console" },
    { .name = NULL },
};

/* ---- /goto, /read ---- */

static void scroll(struct tui *tui, bool page, int direction)
{
    struct window *window = window_current(tui);
    if (window->kind == WINDOW_CHAT)
        page ? pane_chat_page(window->pane, direction) : pane_chat_scroll(window->pane, direction);
    else if (window->kind == WINDOW_CONSOLE)
        page ? pane_console_page(window->pane, direction)
             : pane_console_scroll(window->pane, direction);
    else
        page ? pane_xml_page(window->pane, direction) : pane_xml_scroll(window->pane, direction);
}

static void go_end(struct tui *tui, bool top)
{
    struct window *window = window_current(tui);
    if (window->kind == WINDOW_CHAT)
        top ? pane_chat_top(window->pane) : pane_chat_bottom(window->pane);
    else if (window->kind == WINDOW_CONSOLE)
        top ? pane_console_top(window->pane) : pane_console_bottom(window->pane);
    else
        pane_xml_scroll(window->pane, top ? 1000000 : -1000000000);
}

/* Of the message that 0 to 100 hundredths of the time lie before. */
static guint64 key_at_percent(const struct chat *chat, guint64 percent)
{
    struct history *history = chat->account->history;
    if (history) {
        g_autoptr(GPtrArray) first = history_page(history, chat->jid, 0, 0, false, 1);
        g_autoptr(GPtrArray) last =
            history_page(history, chat->jid, G_MAXINT64, G_MAXINT64, true, 1);
        if (first->len && last->len) {
            gint64 from = ((const struct message *)first->pdata[0])->row;
            gint64 to = ((const struct message *)last->pdata[0])->row;
            return (guint64)(from + (to - from) / 100 * (gint64)percent);
        }
    }
    if (!chat->messages->len)
        return 0;
    guint index = (guint)((chat->messages->len - 1) * percent / 100);
    return pane_chat_key(chat->messages->pdata[index]);
}

/* 0: everything is older. */
static guint64 key_since(const struct chat *chat, gint64 time_us)
{
    gint64 ord, row;
    if (chat->account->history)
        return history_seek(chat->account->history, chat->jid, time_us, &ord, &row)
            ? (guint64)row : 0;
    for (guint i = 0; i < chat->messages->len; i++) {
        const struct message *message = chat->messages->pdata[i];
        if (message->time_us >= time_us)
            return pane_chat_key(message);
    }
    return 0;
}

static guint64 key_of_id(const struct chat *chat, const char *id)
{
    struct history *history = chat->account->history;
    const struct message *message = chat_find_id(chat, id, false);
    if (!message)
        message = chat_find_id(chat, id, true);
    if (message)
        return pane_chat_key(message);
    gint64 row = !history ? 0 : history_find(history, chat->account->jid, id);
    if (history && !row)
        row = history_find_own(history, id);
    auto_struct(message) found = row ? history_load(history, row) : NULL;
    const char *peer = !found ? NULL : found->outgoing ? found->to : found->from;
    if (peer && jid_bare_equal(peer, chat->jid))
        return (guint64)row;
    return history ? (guint64)history_find_id(history, chat->jid, id) : 0;
}

/* A date before what is here: the archive is asked, page by page. */
struct walk {
    struct job *job;
    gint64 time_us;
};

static enum cmd_status goto_time(struct walk *walk, struct chat *chat);

static void on_older(
    struct chat *chat, guint fetched, bool more, const char *error, gpointer data)
{
    struct walk *walk = data;
    (void)fetched;
    if (!more || error)
        walk->time_us = MAX(walk->time_us, mam_reach(chat)); /* as far as it goes */
    goto_time(walk, chat);
}

static void on_walk_cancelled(struct job *job, gpointer walk)
{
    mam_forget(job_account(job), walk);
}

static enum cmd_status goto_time(struct walk *walk, struct chat *chat)
{
    struct job *job = walk->job;
    job_on_cancel(job, on_walk_cancelled, walk);
    if (chat->account->session && mam_reach(chat) > walk->time_us &&
        mam_fetch_before(chat, on_older, walk))
        return CMD_WAIT;
    job_on_cancel(job, NULL, NULL);
    struct window *window = chat->ui;
    guint64 key = key_since(chat, walk->time_us);
    if (window && key)
        pane_chat_goto_key(window->pane, key);
    else if (window)
        pane_chat_bottom(window->pane);
    if (window)
        pane_chat_mark(window->pane, 0);
    return job_done(job);
}

enum { ROWS_FROM = 1000000000 }; /* greater numbers are rows of the store */

static enum cmd_status goto_place(struct job *job, struct window *window, const char *where)
{
    struct chat *chat = window->chat;
    guint64 key = 0;
    gint64 time_us;
    if (!chat)
        return job_fail(job, "item-not-found", "There are no messages here; /msg JID opens a chat.");
    char *end = NULL;
    guint64 value = g_ascii_strtoull(where, &end, 10);
    bool exact = false;
    if (end != where && !strcmp(end, "%") && value <= 100)
        key = key_at_percent(chat, value);
    else if (end != where && !*end) {
        const struct message *message = chat_find_number(chat, value);
        key = message ? pane_chat_key(message) : value > ROWS_FROM ? value : 0;
        exact = true;
    } else if (stamp_parse_human(where, g_get_real_time(), &time_us)) {
        struct walk *walk = g_new(struct walk, 1);
        *walk = (struct walk){ job, time_us };
        job_set_data(job, walk, g_free);
        return goto_time(walk, chat);
    } else {
        key = key_of_id(chat, where);
        exact = true;
    }
    if (!key || !pane_chat_goto_key(window->pane, key))
        return job_fail(job, "item-not-found",
            "\"%s\" is neither a place, a date nor the id of a message here.", where);
    pane_chat_mark(window->pane, exact ? key : 0);
    return job_done(job);
}

static guint64 unread_key(const struct window *window)
{
    guint64 key = window->chat ? pane_chat_new_key(window->pane) : 0;
    if (!key && window->chat && window->chat->unread && window->chat->read_row)
        key = (guint64)window->chat->read_row + 1;
    return key;
}

static enum cmd_status run_goto(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *where = job_arg(job, "where"), *direction = job_arg(job, "direction");
    const char *jid = job_arg(job, "chat");
    int step = direction && !strcmp(direction, "up") ? 1 : -1;
    if (jid && job_account(job))
        window_show(tui,
            window_open(tui, account_open_chat(job_account(job), jid, CHAT_CONTACT)));
    struct window *window = window_current(tui);
    if (!strcmp(where, "top") || !strcmp(where, "bottom"))
        go_end(tui, *where == 't');
    else if (!strcmp(where, "day") && window->chat)
        pane_chat_day(window->pane, step);
    else if (!strcmp(where, "page") || !strcmp(where, "line"))
        scroll(tui, *where == 'p', step);
    else if (!strcmp(where, "unread")) {
        guint64 key = unread_key(window);
        if (key)
            pane_chat_goto_key(window->pane, key);
    } else
        return goto_place(job, window, where);
    return job_done(job);
}

static void complete_place(struct completion *completion, const char *prefix)
{
    static const char *const words[] = { "top", "bottom", "unread", "page", "line", "day",
        "today", "yesterday" };
    (void)prefix;
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        completion_add(completion, words[i]);
}

static const struct arg_kind arg_place = { .placeholder = "PLACE", .complete = complete_place };

/* ---- text into the input line ---- */

static void on_edited(const char *text, const GError *error, gpointer data)
{
    struct tui *tui = data;
    if (!text) {
        g_autofree char *why = g_strdup_printf("%s %s", _("The editor did not work:"),
            error ? error->message : "");
        tui_note(tui, ROLE_ERROR, why);
        return;
    }
    if (!tui->line)
        return;
    g_autofree char *trimmed = g_strdup(text);
    g_strchomp(trimmed);
    line_set(tui->line, trimmed, strlen(trimmed));
    input_changed(tui);
    input_settle(tui); /* no key follows that would keep the draft */
}

static enum cmd_status run_editor(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    g_autofree char *text = g_strdup(tui->line ? line_text(tui->line) : "");
    if (g_str_has_prefix(text, "/editor"))
        *text = '\0';
    if (!tui_edit(&tui->front, text, on_edited, tui))
        return job_fail(job, "not-allowed", "The terminal is in use already; end the editor in it first.");
    return job_done(job);
}

static void on_clipboard(GObject *source, GAsyncResult *result, gpointer data)
{
    struct tui *tui = data;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (!g_subprocess_communicate_utf8_finish(G_SUBPROCESS(source), result, &text, NULL, &error) ||
        !text) {
        tui_note(tui, ROLE_ERROR, error ? error->message : _("The clipboard is empty; copy a text first."));
        return;
    }
    struct key key = { .code = KEY_PASTE, .paste = text,
        .paste_len = MIN(strlen(text), (gsize)KEY_PASTE_MAX) };
    input_paste(tui, &key);
    tui_dirty(tui);
}

static enum cmd_status run_paste(struct job *job)
{
    static const char *const tools[][5] = { { "wl-paste", "-n" },
        { "xclip", "-o", "-selection", "clipboard" }, { "xsel", "-b", "-o" } };
    struct tui *tui = tui_of_job(job);
    for (gsize i = 0; i < G_N_ELEMENTS(tools); i++) {
        g_autofree char *path = g_find_program_in_path(tools[i][0]);
        if (!path)
            continue;
        g_autoptr(GSubprocess) tool = g_subprocess_newv(tools[i],
            G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
        if (!tool)
            continue;
        g_subprocess_communicate_utf8_async(tool, NULL, NULL, on_clipboard, tui);
        return job_done(job);
    }
    return job_fail(job, "item-not-found",
        "Install wl-clipboard, xclip or xsel, or paste with your terminal.");
}

/* A chat, or a word for several. */
static char *parse_all(struct job *job, const char *text, GError **error)
{
    return strcmp(text, "all") ? arg_chat.parse(job, text, error) : g_strdup(text);
}

static void complete_all(struct completion *completion, const char *prefix)
{
    completion_add(completion, "all");
    arg_chat.complete(completion, prefix);
}

static char *parse_closed(struct job *job, const char *text, GError **error)
{
    return strcmp(text, "read") ? parse_all(job, text, error) : g_strdup(text);
}

static void complete_closed(struct completion *completion, const char *prefix)
{
    completion_add(completion, "read");
    complete_all(completion, prefix);
}

static const struct arg_kind arg_all = { "CHAT", parse_all, complete_all, false };
static const struct arg_kind arg_closed = { "CHAT", parse_closed, complete_closed, false };

static const char *const win_examples[] = { "/win 2", "Show window 2.", "/win romeo",
    "Show the window whose name is like that.", "/win unread",
    "Show what needs you most.", NULL };
static const char *const layout_examples[] = { "/layout split v", "Two chats side by side.",
    "/layout pane roster width 30", "A wider contact list.",
    "/pane roster right", "The contact list at the right edge.",
    "/pane results bottom", "Answers and search results keep a place of their own.",
    "/layout save work", "Remember all of it as work.", NULL };
static const char *const notify_examples[] = { "/notify never", "Nothing more of this chat.",
    "/notify mention all", "Of rooms only what means you.",
    "/notify words add deploy outage", "These count like your name.",
    "/notify quiet 22:00-07:00", "Silence at night.", NULL };
static const char *const image_examples[] = { "/image", "The newest link, on the whole screen.",
    "/image show 2", "The one before it, under its message.",
    "/image auto on", "Those of contacts by themselves.", NULL };
static const char *const spell_examples[] = { "/spell en_US,de_DE",
    "English or German in this conversation.", "/spell auto all",
    "Your own language everywhere else.", NULL };
static const char *const bind_examples[] = { "/bind F5 /status away",
    "F5 sets you away.", "/bind M-w -", "M-w is readline's again.", NULL };

#define MESSAGE_ARG \
    .args = { { .name = "message", .kind = &arg_word, .flags = ARG_OPTIONAL, \
        .summary = "number or id; none: the last one received" } }

const struct command ui_commands[] = {
    { .name = "win", .aliases = "w wins wup next=next prev=prev", .needs = NEEDS_SCREEN, .run = run_win,
        .args = { { .name = "window", .kind = &arg_window, .flags = ARG_OPTIONAL,
                      .summary = "number, name, next, prev, unread, back, move or list" },
            { .name = "number", .kind = &arg_int, .flags = ARG_OPTIONAL,
                .summary = "new number, for move" } },
        .words = "window switch tab next previous chat go buffer",
        .summary = "Show another window, or list them",
        .detail = "A part of a name is enough where no other window is like it. With unread "
                  "the one that needs you most comes first: where you were mentioned, then who "
                  "wrote to you, then the others; when nothing is left you are back where you "
                  "began.",
        .examples = win_examples,
        .fields = "window: number name jid? unread messages" },
    { .name = "close", .needs = NEEDS_SCREEN, .run = run_close,
        .args = { { .name = "what", .kind = &arg_closed, .flags = ARG_OPTIONAL,
            .summary = "a chat, all, or read (all without news)" } },
        .words = "leave end chat window tab",
        .summary = "Close a window" },
    { .name = "layout", .aliases = "split=split pane=pane", .needs = NEEDS_PANES,
        .run = run_layout, .sub = layout_commands,
        .words = "split window pane side tile screen divide",
        .summary = "Split the screen, show and size panes",
        .detail = "Without a subcommand the parts of the screen are listed. The layout is "
                  "remembered (ui.layout). Where a terminal is too narrow for two parts side "
                  "by side, the one with the focus is shown; the contact list needs 60 columns.",
        .examples = layout_examples, .fields = "part: number shows columns rows focused" },
    { .name = "notify", .aliases = "beep=sound flash=flash", .needs = NEEDS_SCREEN, .run = notify_run,
        .sub = notify_commands,
        .args = { { .name = "rule", .kind = &arg_choice, .flags = ARG_OPTIONAL,
                      .choices = "always mention never default" },
            { .name = "chat", .kind = &arg_all, .flags = ARG_OPTIONAL,
                .summary = "all: the rule of every chat without one of its own" } },
        .words = "notification bell sound alert mute silent mention beep",
        .summary = "Which messages of a chat are notified",
        .detail = "Without a chat the one in front is meant; without a rule they are listed. "
                  "With mention a message has to have your name or one of your words; as the "
                  "rule of all chats it is about rooms only. What you are looking at never "
                  "notifies, where the terminal tells whether it has the focus. One sender "
                  "notifies once in five seconds; the next one says how many were left out.\n\n"
                  "The rule of a chat with one person goes to your other txmpp, too: it is "
                  "kept at the account, where the server keeps such things private "
                  "(XEP-0492).",
        .examples = notify_examples, .fields = "notify: chat rule" },
    { .name = "theme", .needs = NEEDS_SCREEN, .run = theme_run, .sub = theme_commands,
        .args = { { .name = "name", .kind = &arg_theme, .flags = ARG_OPTIONAL } },
        .words = "colours color scheme dark light look appearance style",
        .summary = "Choose a theme",
        .detail = "Without a name they are listed, and the screen is shown in the one under "
                  "the cursor: Enter keeps it, Escape goes back to the old one." },
    { .name = "color", .needs = NEEDS_SCREEN, .run = color_run,
        .args = { { .name = "nick", .kind = &arg_text },
            { .name = "hue", .kind = &arg_word, .flags = ARG_OPTIONAL,
                .summary = "0 to 359, or off" } },
        .words = "colour nickname hue paint",
        .summary = "Give a name another colour" },
    { .name = "bind", .aliases = "key", .needs = NEEDS_SCREEN, .run = run_bind,
        .args = { { .name = "key", .kind = &arg_word, .flags = ARG_OPTIONAL },
            { .name = "line", .kind = &arg_text, .flags = ARG_OPTIONAL | ARG_REST,
                .summary = "command line, - or default" } },
        .words = "key shortcut hotkey keyboard assign",
        .summary = "Bind a command line to a key, or list the keys",
        .examples = bind_examples, .fields = "key: key line" },
    { .name = "keys", .needs = NEEDS_SCREEN, .run = run_keys,
        .words = "shortcuts hotkeys keyboard bindings F1 help", .summary = "Show the keys" },
    { .name = "bare", .needs = NEEDS_PANES, .run = run_bare,
        .words = "copy select selection clipboard plain mouse",
        .summary = "Show the conversation as plain lines, for the terminal's selection",
        .detail = "Without panes, borders and marks, and long lines in one piece. The mouse is "
                  "the terminal's meanwhile. PageUp and PageDown move, Escape goes back." },
    { .name = "find", .needs = NEEDS_PANES, .run = run_find,
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_OPTIONAL | ARG_REST } },
        .words = "search look seek grep text incremental",
        .summary = "Look for text in this conversation while you type it",
        .detail = "Any part of a text is found, without regard to case and accents, and marked "
                  "wherever it is seen. Up and Down go to older and newer ones, also to those "
                  "that are only in the store; Enter stays there, Escape goes back. With nothing "
                  "typed Up takes the last text again. /search looks for words in all "
                  "conversations." },
    { .name = "palette", .needs = NEEDS_PANES, .run = run_palette,
        .args = { { .name = "text", .kind = &arg_text, .flags = ARG_OPTIONAL | ARG_REST } },
        .words = "find jump search fuzzy go anything menu",
        .summary = "Go to anything: chats, contacts, commands, options, help",
        .detail = "Type some letters of what you want, in their order; the arrows choose, Enter "
                  "takes. A chat is shown, a command or an option is put into the input line, "
                  "help is shown. A / in front leaves the contacts out." },
    { .name = "redraw", .needs = NEEDS_SCREEN, .run = run_redraw,
        .words = "refresh repaint garbage screen broken",
        .summary = "Draw the screen anew" },
    { .name = "xml", .aliases = "xmlconsole xml_tab", .needs = NEEDS_SCREEN, .run = run_xml,
        .sub = xml_commands, .words = "stanza raw protocol debug console inspect",
        .summary = "Show the stanzas that cross the connection" },
    { .name = "goto", .aliases = "scrollback", .needs = NEEDS_PANES, .run = run_goto,
        .args = { { .name = "where", .kind = &arg_place,
                      .summary = "top, bottom, unread, a date, an id, a number, 50%" },
            { .name = "direction", .kind = &arg_choice, .flags = ARG_OPTIONAL,
                .choices = "up down", .summary = "with page, line and day" },
            { .name = "chat", .kind = &arg_chat, .option = "in --in",
                .summary = "open this conversation first" } },
        .words = "scroll jump date top bottom back up down page",
        .summary = "Scroll to a place in this window",
        .detail = "For a date before what is stored here the server's archive is asked." },
    { .name = "spell", .needs = NEEDS_SCREEN, .run = spell_run, .sub = spell_commands,
        .args = { { .name = "languages", .kind = &arg_word, .flags = ARG_OPTIONAL,
                      .summary = "like en_US or en_US,de_DE; off, auto or default" },
            { .name = "chat", .kind = &arg_all, .flags = ARG_OPTIONAL,
                .summary = "all: of every chat without languages of its own" } },
        .summary = "Check the spelling of what you type",
        .detail = "Without a chat the one in front is meant. Misspelt words are underlined "
                  "when the cursor has left them; M-$ shows what may have been meant. The "
                  "dictionaries are those of enchant-2: packages like hunspell-en-us.",
        .examples = spell_examples, .fields = "spelling: chat? languages missing?" },
    { .name = "filter", .needs = NEEDS_SCREEN, .run = filter_run, .sub = filter_commands,
        .finds = true, .summary = "Hide messages by conversation, sender and text",
        .detail = "They are hidden from the screen and do not notify; they stay stored, are "
                  "found by /search and count as unread. How many are hidden stands above "
                  "the messages.",
        .fields = "filter: name in? from? text? works" },
    { .name = "editor", .needs = NEEDS_SCREEN, .run = run_editor,
        .words = "compose long multi-line write vim emacs nano",
        .summary = "Write the message in $VISUAL or $EDITOR" },
    { .name = "paste", .needs = NEEDS_SCREEN, .run = run_paste,
        .words = "clipboard insert",
        .summary = "Put the clipboard into the input line" },
    { .name = "url", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = url_run, .sub = url_commands,
        .words = "link open web browser address download",
        .summary = "The links of this conversation, the newest first", .finds = true,
        .fields = "link: number url from id?" },
    { .name = "avatar", .needs = NEEDS_SCREEN | NEEDS_ONLINE, .run = avatar_run,
        .sub = avatar_commands,
        .args = { { .name = "jid", .kind = &arg_contact, .flags = ARG_OPTIONAL } },
        .summary = "Show the picture of a contact on the whole screen",
        .detail = "Of contacts whose presence you see (XEP-0084, XEP-0153); they are asked "
                  "for when you look. Where there is room it also stands below the contact "
                  "list and beside what /info shows; see ui.avatars." },
    { .name = "image", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = image_run,
        .sub = image_commands,
        .args = { { .name = "link", .kind = &arg_word, .flags = ARG_OPTIONAL,
            .summary = "number as in /url, or a part of it; none: the newest" }, PRIVATE_ARG },
        .summary = "Show the picture behind a link",
        .detail = "Pictures (PNG, JPEG, WebP, the first one of a GIF; up to 16 MiB) are fetched "
                  "over https, which tells the server your address, and kept in the cache. They are decoded by a "
                  "program of their own, txmpp-picture, that can open nothing and gets little "
                  "memory and time.\n\n"
                  "They are drawn with block characters in the terminal's colours, and with pixels "
                  "where the terminal has said that it knows sixel or the protocol of kitty; see "
                  "ui.picture_pixels.",
        .examples = image_examples },
    { .name = "pick", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = pick_run,
        .words = "select message reply copy quote keyboard",
        .summary = "Choose a message by keys, and what to do with it" },
    { .name = "quote", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = quote_run, MESSAGE_ARG,
        .words = "reply cite answer",
        .summary = "Quote a message in the input line" },
    { .name = "copy", .needs = NEEDS_SCREEN | NEEDS_CHAT, .run = copy_run, MESSAGE_ARG,
        .summary = "Put a message into the clipboard, by the terminal (OSC 52)",
        .detail = "It works over ssh. In tmux it wants \"set -g set-clipboard on\" or "
                  "\"set -g allow-passthrough on\"." },
    { .name = NULL },
};

static void print_look(GString *out, const char *name, const char *spec, const char *summary)
{
    g_autofree char *look = g_strstrip(g_strdup(spec));
    g_string_append_printf(out, ".It Cm %s\n%s\n.br\n.Li \"%s\"\n", name, summary, look);
}

void ui_print_palette_mdoc(GString *out)
{
    g_string_append(out, ".Bl -tag -width accent-text\n");
    for (int i = 0; i < PALETTE_COLORS; i++)
        print_look(out, palette_rows[i].name, palette_rows[i].spec, palette_rows[i].summary);
    g_string_append(out, ".El\n");
}

void ui_print_roles_mdoc(GString *out)
{
    g_string_append(out, ".Bl -tag -width roster-account\n");
    for (int i = 0; i < ROLES; i++)
        print_look(out, role_rows[i].name, role_rows[i].spec, role_rows[i].summary);
    g_string_append(out, ".El\n");
}
