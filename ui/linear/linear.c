/*
 * See linear.h. Output is a queue of bytes; the input line is redrawn by what
 * it differs from what stands there. A question is asked step by step: inputs
 * in their order, then the buttons by their letters. An empty line decides
 * nothing.
 */
#include "config.h"
#include "ui/linear/linear.h"
#include "base/secret.h"
#include "base/text.h"
#include "model/account.h"
#include "ui/dialog/dialog.h"
#include "ui/term/line.h"
#include "ui/term/outlet.h"
#include "ui/term/screen.h"
#include "ui/ui.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

enum {
    OUT_MAX = 1 << 20,   /* what a terminal that stands still may owe */
    ANSWER_MAX = 4096,
    CATCH_UP = 50,       /* messages said of a window that is opened */
    CONTEXT = 3,         /* … when all were said already */
    ITEMS_MAX = 40,      /* completions */
    SAY_BYTES = 64 * 1024,
    LEAVE_MS = 1000,     /* for a slow terminal to take what was said */
};

struct linear {
    struct tui *tui;
    struct outlet *out;
    bool away, running, bell;
    bool said, done; /* in this turn: anything; a command was carried out */
    struct termios saved, raw;
    const char *charset; /* NULL: UTF-8 */
    guint left_out;      /* lines */

    char *shown;         /* the input line as it stands there; NULL: nothing */
    gsize shown_cursor;  /* bytes */

    const struct window *window; /* the one that was said last */
    char *title;                 /* … and what of it */
    GHashTable *unsaid;  /* struct chat (never followed) → messages not said */
    GHashTable *news;    /* numbers of windows to be spoken of at this turn */

    struct dialog *dialog; /* being asked; NULL */
    gint64 opened_us;      /* … which of those that were at this address */
    guint step;            /* input, then the buttons */
    char *answer;          /* ANSWER_MAX bytes, wiped */
    gsize len;
    bool more;             /* lines of an answer have come */
    bool announced;        /* a question waits for the line to be empty */
};

bool linear_wanted(const struct app *app)
{
    const char *wanted = app->options && options_row(app->options, "ui.linear")
        ? options_get(app->options, NULL, "ui.linear") : "auto";
    return app->config.linear || !strcmp(wanted, "on") ||
        (!strcmp(wanted, "auto") && !g_strcmp0(g_getenv("TERM"), "dumb"));
}

/* ---- the terminal ---- */

/* What was left out is said now. */
static void on_drained(gpointer data)
{
    struct linear *linear = data;
    if (linear->left_out)
        tui_dirty(linear->tui);
}

struct linear *linear_new(struct tui *tui, GError **error)
{
    struct linear *linear = g_new0(struct linear, 1);
    linear->tui = tui;
    linear->out = outlet_new_tty(on_drained, linear);
    if (tcgetattr(linear->out->fd, &linear->saved) < 0) {
        g_set_error(error, SCREEN_ERROR, 0, "The terminal cannot be used: %s.",
            g_strerror(errno));
        outlet_free(linear->out);
        g_free(linear);
        return NULL;
    }
    linear->raw = linear->saved;
    cfmakeraw(&linear->raw);
    linear->raw.c_oflag = linear->saved.c_oflag; /* a line's end is the terminal's */
    linear->raw.c_cc[VMIN] = 1;
    linear->raw.c_cc[VTIME] = 0;
    if (g_get_charset(&linear->charset))
        linear->charset = NULL;
    linear->unsaid = g_hash_table_new(NULL, NULL);
    linear->news = g_hash_table_new(NULL, NULL);
    linear->answer = g_malloc0(ANSWER_MAX);
    linear->away = true;
    linear_enter(linear);
    return linear;
}

void linear_enter(struct linear *linear)
{
    if (!linear->away)
        return;
    linear->away = false;
    outlet_resume(linear->out);
    screen_guard_modes(linear->out->fd, &linear->saved);
    tcsetattr(linear->out->fd, TCSADRAIN, &linear->raw);
    outlet_flush(linear->out);
}

static void put(struct linear *linear, const char *utf8, gsize len)
{
    gsize size = len;
    g_autofree char *local = linear->charset
        ? g_convert_with_fallback(utf8, (gssize)len, linear->charset, "UTF-8", "?", NULL,
              &size, NULL)
        : NULL;
    outlet_put(linear->out, local ? local : utf8, size);
}

static void put_string(struct linear *linear, const char *utf8)
{
    put(linear, utf8, strlen(utf8));
}

static void put_times(struct linear *linear, const char *what, int times)
{
    for (int i = 0; i < times; i++)
        put_string(linear, what);
}

void linear_leave(struct linear *linear)
{
    if (linear->away)
        return;
    linear->away = true;
    if (linear->shown)
        put_string(linear, "\n");
    g_clear_pointer(&linear->shown, g_free);
    outlet_flush_now(linear->out, LEAVE_MS);
    tcsetattr(linear->out->fd, TCSANOW, &linear->saved);
    screen_guard_modes(linear->out->fd, NULL);
}

void linear_free(struct linear *linear)
{
    if (!linear)
        return;
    linear_leave(linear);
    outlet_free(linear->out);
    secret_wipe(linear->answer, ANSWER_MAX);
    g_free(linear->answer);
    g_hash_table_destroy(linear->unsaid);
    g_hash_table_destroy(linear->news);
    g_free(linear->shown);
    g_free(linear->title);
    g_free(linear);
}

int linear_fd(const struct linear *linear)
{
    return linear->out->fd;
}

bool linear_is_utf8(const struct linear *linear)
{
    return !linear->charset;
}

int linear_cols(const struct linear *linear)
{
    struct winsize size;
    if (ioctl(linear->out->fd, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
        return 80;
    return MIN(size.ws_col, GRID_MAX);
}

/* ---- the input line ---- */

static bool is_asking(const struct linear *linear)
{
    return linear->dialog;
}

static const struct input *input_of(const struct linear *linear)
{
    const GPtrArray *inputs = linear->dialog->inputs;
    return linear->step < inputs->len ? inputs->pdata[linear->step] : NULL;
}

/* Where the line goes; while readline searches, what it says of that. */
static char *prompt_of(const struct tui *tui)
{
    const struct window *window = window_current(tui);
    const struct account *account = app_default_account(tui->app);
    const char *name = window->chat ? window_name(window) : account ? account->jid : "txmpp";
    const char *message = line_message(tui->line);
    g_autofree char *clean = text_clean(message ? message : name, -1, TEXT_ONE_LINE);
    return message ? g_steal_pointer(&clean) : g_strconcat(clean, "> ", NULL);
}

/* What is to stand in the last line; the cursor in bytes. */
static char *wanted_line(const struct linear *linear, gsize *cursor)
{
    const struct tui *tui = linear->tui;
    if (is_asking(linear)) {
        const struct input *input = input_of(linear);
        bool hidden = input && input->kind == INPUT_SECRET;
        char *text = g_strconcat("? ", hidden ? "" : linear->answer, NULL);
        *cursor = strlen(text);
        return text;
    }
    const char *text = line_text(tui->line);
    gsize at = MIN(line_cursor(tui->line), strlen(text));
    g_autofree char *prompt = prompt_of(tui);
    g_autofree char *before = text_clean(text, (gssize)at, TEXT_ONE_LINE);
    g_autofree char *after = text_clean(text + at, -1, TEXT_ONE_LINE);
    char *line = g_strconcat(prompt, before, after, NULL);
    *cursor = strlen(line) - strlen(after);
    return line;
}

/* Where two lines begin to differ, at a cluster. */
static gsize common_bytes(const char *a, const char *b)
{
    struct grapheme cluster;
    const char *at = a, *end = a + strlen(a);
    while (text_next_grapheme(at, end, &cluster) &&
        !strncmp(at, b + (at - a), cluster.len_bytes))
        at += cluster.len_bytes;
    return (gsize)(at - a);
}

/* The line stays above; what follows begins below it. */
static void leave_line(struct linear *linear)
{
    if (linear->shown)
        put_string(linear, "\n");
    g_clear_pointer(&linear->shown, g_free);
}

static void show_anew(struct linear *linear, const char *line, gsize cursor)
{
    leave_line(linear);
    put_string(linear, line);
    if (text_width(line, -1) < linear_cols(linear))
        put_times(linear, "\b", text_width(line + cursor, -1));
}

/* Takes line. */
static void show(struct linear *linear, char *line, gsize cursor)
{
    const char *old = linear->shown;
    if (old && !strcmp(old, line) && cursor == linear->shown_cursor) {
        g_free(line);
        return;
    }
    int cols = linear_cols(linear);
    bool appended = old && linear->shown_cursor == strlen(old) && cursor == strlen(line) &&
        g_str_has_prefix(line, old);
    if (appended)
        put_string(linear, line + strlen(old));
    else if (!old || text_width(line, -1) >= cols || text_width(old, -1) >= cols)
        show_anew(linear, line, cursor); /* a backspace stays in its row */
    else {
        gsize same = common_bytes(old, line);
        int at = text_width(old, (gssize)linear->shown_cursor);
        int from = text_width(line, (gssize)MIN(same, cursor));
        int rest = text_width(old, -1) - text_width(line, -1);
        bool changed = strcmp(old, line) != 0;
        if (at < from)
            put(linear, old + linear->shown_cursor, MIN(same, cursor) - linear->shown_cursor);
        put_times(linear, "\b", at - from);
        if (changed) {
            put_string(linear, line + MIN(same, cursor));
            put_times(linear, " ", rest);
            put_times(linear, "\b", MAX(rest, 0) + text_width(line + cursor, -1));
        } else
            put(linear, line + same, cursor > same ? cursor - same : 0);
    }
    g_free(linear->shown);
    linear->shown = line;
    linear->shown_cursor = cursor;
}

static void show_line(struct linear *linear)
{
    gsize cursor;
    char *line = wanted_line(linear, &cursor);
    show(linear, line, cursor);
}

/* Before something is said: a line without anything typed goes away, another
 * one stays where it is and is shown again below. */
static void make_room(struct linear *linear)
{
    if (!linear->shown)
        return;
    bool typed = is_asking(linear) ? linear->len > 0 : *line_text(linear->tui->line) != '\0';
    int width = text_width(linear->shown, -1);
    if (typed || width >= linear_cols(linear)) {
        leave_line(linear);
        return;
    }
    put_times(linear, "\b \b", width);
    g_clear_pointer(&linear->shown, g_free);
}

void linear_entered(struct linear *linear, const char *text)
{
    g_autofree char *prompt = prompt_of(linear->tui);
    g_autofree char *clean = text_clean(text, -1, TEXT_ONE_LINE);
    char *line = g_strconcat(prompt, clean, NULL);
    show(linear, line, strlen(line));
    leave_line(linear);
}

/* ---- saying ---- */

void linear_say(struct linear *linear, const char *text)
{
    if (linear->away)
        return;
    linear->said = true;
    if (linear->out->bytes->len > OUT_MAX) {
        linear->left_out++;
        return;
    }
    make_room(linear);
    g_autofree char *clean = text_clean(text, (gssize)strnlen(text, SAY_BYTES), 0);
    g_strchomp(clean);
    put_string(linear, clean);
    put_string(linear, "\n");
    tui_dirty(linear->tui);
}

G_GNUC_PRINTF(2, 3) static void sayf(struct linear *linear, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    linear_say(linear, text);
}

void linear_done(struct linear *linear)
{
    linear->done = true;
    tui_dirty(linear->tui);
}

void linear_repeat(struct linear *linear)
{
    linear->window = NULL;
}

void linear_bell(struct linear *linear)
{
    linear->bell = true;
    tui_dirty(linear->tui);
}

void linear_running(struct linear *linear, bool on)
{
    linear->running = on;
}

void linear_message(
    struct linear *linear, const struct window *window, const struct message *message)
{
    if (window == window_current(linear->tui)) {
        if (message->outgoing && linear->running)
            return;
        g_autofree char *line = pane_chat_line(window, message);
        linear_say(linear, line);
        return;
    }
    gpointer chat = window->chat;
    guint unsaid = GPOINTER_TO_UINT(g_hash_table_lookup(linear->unsaid, chat));
    g_hash_table_insert(linear->unsaid, chat, GUINT_TO_POINTER(unsaid + 1));
    if (!message->outgoing)
        g_hash_table_add(linear->news, GINT_TO_POINTER(window->number));
    tui_dirty(linear->tui);
}

/* Other windows: who, how many, and how to get there. */
static void say_news(struct linear *linear)
{
    g_autoptr(GList) numbers = g_hash_table_get_keys(linear->news);
    for (GList *at = numbers; at; at = at->next) {
        const struct window *window =
            window_number(linear->tui, GPOINTER_TO_INT(at->data));
        guint unread = window && window->chat ? window->chat->unread : 0;
        if (!unread)
            continue;
        g_autofree char *name = text_clean(window_name(window), -1, TEXT_ONE_LINE);
        sayf(linear,
            ngettext("%s: %u unread message, /win %d", "%s: %u unread messages, /win %d",
                unread), name, unread, window->number);
    }
    g_hash_table_remove_all(linear->news);
}

static void say_last(struct linear *linear, const struct window *window)
{
    const GPtrArray *messages = window->chat->messages;
    guint unsaid = GPOINTER_TO_UINT(g_hash_table_lookup(linear->unsaid, window->chat));
    guint count = MIN(MAX(unsaid, CONTEXT), MIN(messages->len, CATCH_UP));
    for (guint i = messages->len - count; i < messages->len; i++) {
        g_autofree char *line = pane_chat_line(window, messages->pdata[i]);
        linear_say(linear, line);
    }
    g_hash_table_remove(linear->unsaid, window->chat);
}

/* Whose window it is, and how they are, whenever that is another than the one
 * said last. */
static void say_window(struct linear *linear)
{
    const struct window *window = window_current(linear->tui);
    bool other = window != linear->window;
    g_autofree char *title = pane_title_text(window, linear->charset != NULL);
    if (!other && !g_strcmp0(title, linear->title))
        return;
    bool first = !linear->window && !window->chat;
    linear->window = window;
    g_free(linear->title);
    linear->title = g_steal_pointer(&title);
    if (!first)
        linear_say(linear, linear->title);
    if (other && window->chat)
        say_last(linear, window);
}

static void say_completions(struct linear *linear)
{
    struct tui *tui = linear->tui;
    if (!tui->completion)
        return;
    const GPtrArray *items = tui->completion->items;
    g_autoptr(GString) line = g_string_new(NULL);
    for (guint i = 0; i < MIN(items->len, ITEMS_MAX); i++)
        g_string_append_printf(line, "%s%s", i ? "  " : "", (char *)items->pdata[i]);
    if (items->len > ITEMS_MAX)
        g_string_append_printf(line, "  (+%u)", items->len - ITEMS_MAX);
    linear_say(linear, line->str);
    input_menu_close(tui);
}

/* ---- questions ---- */

static void forget_answer(struct linear *linear)
{
    secret_wipe(linear->answer, ANSWER_MAX);
    linear->len = 0;
}

/* The step's question. */
static void ask_step(struct linear *linear)
{
    const struct dialog *dialog = linear->dialog;
    const struct input *input = input_of(linear);
    forget_answer(linear);
    if (!input) {
        g_autoptr(GString) line = g_string_new(NULL);
        for (int i = 0; i < dialog->n_buttons; i++)
            g_string_append_printf(line, "%s%c: %s", i ? ", " : "", dialog->buttons[i].letter,
                dialog->buttons[i].label);
        linear_say(linear, line->str);
        return;
    }
    const char *label = input->label && *input->label ? input->label : input->name;
    if (input->kind == INPUT_ONE || input->kind == INPUT_MANY) {
        linear_say(linear, label);
        for (guint i = 0; i < input->labels->len; i++)
            sayf(linear, "%u: %s%s", i + 1, (char *)input->labels->pdata[i],
                input->ticked[i] ? " *" : "");
        linear_say(linear, input->kind == INPUT_ONE ? _("Which number?")
                                                    : _("Which numbers? 0 is none of them."));
        return;
    }
    const char *value = input->kind == INPUT_CHECK ? input->on ? _("Yes") : _("No")
        : input->kind == INPUT_SECRET              ? ""
                                                   : input_value(input);
    sayf(linear, "%s%s%s%s%s%s%s", label, input->required ? " *" : "",
        input->hint ? ", " : "", input->hint ? input->hint : "", *value ? " [" : "", value,
        *value ? "]" : "");
    if (input->kind == INPUT_LINES)
        linear_say(linear, _("Several lines; an empty one ends them."));
}

/* What is asked of somebody who writes something else just now waits. */
static void look_for_question(struct linear *linear)
{
    struct tui *tui = linear->tui;
    struct dialog *top = tui->dialogs->len ? tui->dialogs->pdata[tui->dialogs->len - 1] : NULL;
    if (linear->dialog &&
        (top != linear->dialog || top->opened_us != linear->opened_us)) {
        make_room(linear);
        linear->dialog = NULL;
        forget_answer(linear);
    }
    if (!top || top == linear->dialog)
        return;
    if (*line_text(tui->line)) {
        if (!linear->announced)
            sayf(linear, _("%s: asked when your line is sent or empty."), top->title);
        linear->announced = true;
        return;
    }
    linear->announced = false;
    g_autofree char *text = dialog_plain_text(top);
    linear_say(linear, top->title);
    linear_say(linear, text);
    if (top->text_only) {
        dialog_dismiss_one(top);
        return;
    }
    linear->dialog = top;
    linear->opened_us = top->opened_us;
    linear->step = 0;
    ask_step(linear);
}

static bool is_open(const struct linear *linear)
{
    return linear->dialog && g_ptr_array_find(linear->tui->dialogs, linear->dialog, NULL);
}

/* A complaint sends back to what it is about. */
static void press(struct linear *linear, int index)
{
    struct dialog *dialog = linear->dialog;
    dialog_press(dialog, index);
    if (!is_open(linear) || dialog->opened_us != linear->opened_us) {
        linear->dialog = NULL;
        return;
    }
    if (dialog->complaint)
        linear_say(linear, dialog->complaint);
    linear->step = MIN((guint)MAX(dialog->focus, 0), dialog->inputs->len);
    ask_step(linear);
}

static void press_letter(struct linear *linear)
{
    const struct dialog *dialog = linear->dialog;
    for (int i = 0; i < dialog->n_buttons; i++)
        if (linear->len == 1 &&
            g_ascii_tolower(linear->answer[0]) == dialog->buttons[i].letter) {
            press(linear, i);
            return;
        }
    ask_step(linear);
}

static bool tick(struct input *input, const char *answer)
{
    g_auto(GStrv) words = g_strsplit_set(answer, " ,", -1);
    g_autofree bool *ticked = g_new0(bool, input->values->len + 1);
    guint count = 0;
    for (char **word = words; *word; word++) {
        guint64 number;
        if (!**word)
            continue;
        if (!g_ascii_string_to_unsigned(*word, 10, 0, input->values->len, &number, NULL))
            return false;
        ticked[number] = true;
        count++;
    }
    if (input->kind == INPUT_ONE && (count != 1 || ticked[0]))
        return false;
    for (guint i = 0; i < input->values->len; i++)
        input->ticked[i] = ticked[i + 1];
    return true;
}

/* False: it is asked again. */
static bool take_answer(struct linear *linear, struct input *input)
{
    const char *answer = linear->answer;
    if (!linear->len)
        return true; /* as it is */
    switch (input->kind) {
    case INPUT_SECRET:
        g_strlcpy(input->secret, answer, INPUT_SECRET_MAX);
        return true;
    case INPUT_CHECK:
        if (!strchr("yn", g_ascii_tolower(*answer)))
            return false;
        input->on = g_ascii_tolower(*answer) == 'y';
        return true;
    case INPUT_ONE:
    case INPUT_MANY:
        return tick(input, answer);
    default:
        input_set(input, strcmp(answer, "-") ? answer : "");
        return true;
    }
}

/* One of several lines; the first replaces what was there. */
static bool add_line(struct linear *linear, struct input *input, bool first)
{
    if (!linear->len)
        return false;
    g_autofree char *all = first
        ? g_strdup(linear->answer)
        : g_strconcat(input_value(input), "\n", linear->answer, NULL);
    input_set(input, all);
    return true;
}

static void answered(struct linear *linear)
{
    struct dialog *dialog = linear->dialog;
    struct input *input = (struct input *)input_of(linear);
    show_line(linear);
    leave_line(linear);
    if (!input) {
        press_letter(linear);
        return;
    }
    if (input->kind == INPUT_LINES) {
        linear->more = add_line(linear, input, !linear->more);
        forget_answer(linear);
        if (linear->more)
            return;
    } else if (!take_answer(linear, input)) {
        ask_step(linear);
        return;
    }
    linear->step++;
    /* A password or a name needs no "and now?". */
    if (linear->step == 1 && dialog->inputs->len == 1 && dialog->n_buttons <= 2)
        press(linear, 0);
    else
        ask_step(linear);
}

static void add_char(struct linear *linear, const char *text)
{
    gsize len = strlen(text);
    if (linear->len + len >= ANSWER_MAX)
        return;
    memcpy(linear->answer + linear->len, text, len + 1);
    linear->len += len;
}

static void drop_char(struct linear *linear)
{
    while (linear->len && ((guchar)linear->answer[linear->len - 1] & 0xc0) == 0x80)
        linear->len--;
    if (linear->len)
        linear->len--;
    linear->answer[linear->len] = '\0';
}

bool linear_key(struct linear *linear, const struct key *key)
{
    if (!is_asking(linear))
        return false;
    bool control = key->code == KEY_CHAR && key->mods == MOD_CTRL;
    if (!is_open(linear))
        linear->dialog = NULL;
    else if (key->code == KEY_ENTER)
        answered(linear);
    else if (key->code == KEY_BS)
        drop_char(linear);
    else if (key->code == KEY_CHAR && !key->mods)
        add_char(linear, key->text);
    else if (control && !strcmp(key->text, "u"))
        forget_answer(linear);
    else if (key->code == KEY_ESC || (control && strchr("cdg", key->text[0]))) {
        leave_line(linear);
        struct dialog *dialog = g_steal_pointer(&linear->dialog);
        forget_answer(linear);
        linear_say(linear, _("Left open: nothing was decided."));
        dialog_dismiss_one(dialog);
    }
    tui_dirty(linear->tui);
    return true;
}

/* ---- the end of a turn ---- */

/* What is only to be looked at; its keys are not taken here. */
static void close_overlays(struct linear *linear)
{
    struct tui *tui = linear->tui;
    bool any = tui->menu || tui->palette || tui->find;
    menu_close(tui);
    palette_close(tui);
    chat_find_close(tui);
    tui->aside = NULL;
    if (any)
        linear_say(linear, _("That is for the screen only; /help lists the commands."));
}

void linear_turn(struct linear *linear)
{
    struct tui *tui = linear->tui;
    if (linear->away || linear->out->bytes->len > OUT_MAX)
        return;
    guint left_out = linear->left_out;
    linear->left_out = 0;
    if (left_out)
        sayf(linear, ngettext("%u line was left out.", "%u lines were left out.", left_out),
            left_out);
    close_overlays(linear);
    say_completions(linear);
    say_window(linear);
    say_news(linear);
    look_for_question(linear);
    if (tui->quit_hint)
        linear_say(linear, _("Type /quit to leave."));
    tui->quit_hint = false;
    if (linear->done && !linear->said)
        linear_say(linear, _("Done."));
    linear->done = linear->said = false;
    if (linear->bell)
        put_string(linear, "\a");
    linear->bell = false;
    show_line(linear);
    outlet_flush(linear->out);
}
