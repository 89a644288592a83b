/* See notify.h. Nothing here waits and nothing runs by the clock: what comes
 * too soon after another is counted, and said with the next one. */
#include "config.h"
#include "ui/notify.h"
#include "ui/ui.h"
#include "ui/desktop.h"
#include "base/text.h"
#include "model/account.h"
#include "store/option.h"
#include "ui/linear/linear.h"
#include "ui/term/screen.h"
#include <gio/gio.h>
#include <string.h>
#include <time.h>

enum {
    BELL_US = 1000000, SENDER_US = 5000000, SENDERS_MAX = 1024, /* H49 */
    BURST = 10,          /* of all senders, in SENDER_US */
    RUNNING_MAX = 4,     /* commands at a time */
    TEXT_BYTES = 512,    /* shown of a message */
    NAMES_BYTES = 65536, /* … searched for one's name */
};

struct sender {
    gint64 last_us;
    guint more; /* since then, not notified */
};

struct notifier {
    struct tui *tui;
    GHashTable *senders; /* "ACCOUNT CHAT" → struct sender */
    gint64 bell_us, burst_us, complained_us;
    guint burst, running;
    struct desktop *desktop;
};

struct notifier *notifier_new(struct tui *tui)
{
    struct notifier *notifier = g_rc_box_new0(struct notifier);
    notifier->tui = tui;
    notifier->desktop = desktop_new(tui);
    notifier->senders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return notifier;
}

void notifier_free(struct notifier *notifier)
{
    g_clear_pointer(&notifier->desktop, desktop_free);
    notifier->tui = NULL; /* commands that still run hold the rest */
    g_clear_pointer(&notifier->senders, g_hash_table_destroy);
    g_rc_box_release(notifier);
}

/* ---- is it for me? ---- */

static char *folded(const char *text)
{
    gsize len = strnlen(text, NAMES_BYTES);
    while (len && ((guchar)text[len] & 0xc0) == 0x80)
        len--;
    g_autofree char *part = g_strndup(text, len);
    return text_fold(part);
}

/* Between a and b a word ends. NUL: the text does. */
static bool is_edge(gunichar a, gunichar b)
{
    return !g_unichar_isalnum(a) || !g_unichar_isalnum(b) || g_unichar_iswide(a) ||
        g_unichar_iswide(b);
}

static bool names(const char *text, const char *word)
{
    g_autofree char *wanted = text_fold(word);
    gsize len = strlen(wanted);
    if (!len)
        return false;
    for (const char *at = text; (at = strstr(at, wanted)); at = g_utf8_next_char(at)) {
        const char *before = at > text ? g_utf8_find_prev_char(text, at) : NULL;
        const char *last = g_utf8_find_prev_char(at, at + len);
        if (is_edge(before ? g_utf8_get_char(before) : 0, g_utf8_get_char(at)) &&
            is_edge(g_utf8_get_char(last), g_utf8_get_char(at + len)))
            return true;
    }
    return false;
}

bool notify_names(const char *text, const char *const *words)
{
    if (!text || !g_utf8_validate(text, -1, NULL))
        return false;
    g_autofree char *here = folded(text);
    for (; *words; words++)
        if (names(here, *words))
            return true;
    return false;
}

static bool names_me(const struct tui *tui, const struct chat *chat, const char *text)
{
    const char *jid = chat->account->jid;
    g_autofree char *local = g_strndup(jid, strcspn(jid, "@"));
    const char *const own[] = { local, account_display_name(chat->account, jid), NULL };
    if (notify_names(text, own))
        return true;
    g_auto(GStrv) words = g_strsplit(tui_option(tui, "ui.notify_words"), " ", -1);
    return notify_names(text, (const char *const *)words);
}

static bool is_wanted(
    const struct tui *tui, const struct chat *chat, const struct message *message)
{
    g_autofree char *own = tui->app->options
        ? options_section_get(tui->app->options, "notify", chat->jid) : NULL;
    const char *rule = own ? own : tui_option(tui, "ui.notify");
    if (!strcmp(rule, "never"))
        return false;
    if (strcmp(rule, "mention") != 0)
        return true;
    /* As the rule of everything it is about rooms: who writes to me means me. */
    return (!own && chat->kind != CHAT_ROOM) || names_me(tui, chat, message->body);
}

/* ---- quiet hours ---- */

static bool parse_minute(const char **text, int *minute)
{
    char *end;
    if (!g_ascii_isdigit(**text))
        return false;
    guint64 hours = g_ascii_strtoull(*text, &end, 10);
    if (*end != ':' || !g_ascii_isdigit(end[1]) || !g_ascii_isdigit(end[2]))
        return false;
    int minutes = (end[1] - '0') * 10 + end[2] - '0';
    if (hours > 24 || minutes > 59 || (hours == 24 && minutes))
        return false;
    *minute = (int)hours * 60 + minutes;
    *text = end + 3;
    return true;
}

bool notify_parse_quiet(const char *text, int *from, int *to)
{
    if (!parse_minute(&text, from) || *text++ != '-' || !parse_minute(&text, to))
        return false;
    return !*text;
}

bool notify_is_quiet(int from, int to, int minute)
{
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

static bool is_quiet(const struct tui *tui)
{
    int from, to;
    const char *span = tui_option(tui, "ui.notify_quiet");
    if (!*span || !notify_parse_quiet(span, &from, &to))
        return false;
    time_t now = (time_t)(g_get_real_time() / G_USEC_PER_SEC);
    struct tm tm;
    return localtime_r(&now, &tm) && notify_is_quiet(from, to, tm.tm_hour * 60 + tm.tm_min);
}

/* ---- how often (H49) ---- */

/* How many of this sender were left out before; -1: this one is as well. */
static int take_turn(struct notifier *notifier, const struct chat *chat, gint64 now)
{
    g_autofree char *key = g_strdup_printf("%s %s", chat->account->jid, chat->jid);
    struct sender *sender = g_hash_table_lookup(notifier->senders, key);
    if (now - notifier->burst_us >= SENDER_US) {
        notifier->burst_us = now;
        notifier->burst = 0;
    }
    if ((sender && now - sender->last_us < SENDER_US) || notifier->burst >= BURST) {
        if (sender)
            sender->more++;
        return -1;
    }
    if (!sender) {
        if (g_hash_table_size(notifier->senders) >= SENDERS_MAX)
            g_hash_table_remove_all(notifier->senders);
        sender = g_new0(struct sender, 1);
        g_hash_table_insert(notifier->senders, g_steal_pointer(&key), sender);
    }
    int more = (int)MIN(sender->more, (guint)G_MAXINT);
    *sender = (struct sender){ .last_us = now };
    notifier->burst++;
    return more;
}

/* ---- the person's own command ---- */

static const char *value_of(const struct notify_values *values, char letter)
{
    switch (letter) {
    case 'n': return values->name;
    case 't': return values->text;
    case 'j': return values->jid;
    case 'a': return values->account;
    default: return NULL;
    }
}

static char *fill_in(const char *pattern, const struct notify_values *values)
{
    GString *out = g_string_new(NULL);
    for (const char *p = pattern; *p; p++) {
        const char *value = *p == '%' ? value_of(values, p[1]) : NULL;
        if (value) {
            if (!out->len && *value == '-')
                g_string_append_c(out, ' ');
            g_string_append(out, value);
            p++;
        } else {
            g_string_append_c(out, *p);
            if (*p == '%' && p[1] == '%')
                p++;
        }
    }
    return g_string_free(out, FALSE);
}

char **notify_argv(
    const char *command, const struct notify_values *values, GError **error)
{
    char **argv = NULL;
    if (!g_shell_parse_argv(command, NULL, &argv, error)) {
        g_prefix_error(error, _("ui.notify_command cannot be run as it is quoted: "));
        return NULL;
    }
    for (char **arg = argv + 1; argv[0] && *arg; arg++) {
        char *filled = fill_in(*arg, values);
        g_free(*arg);
        *arg = filled;
    }
    return argv;
}

static void complain(struct notifier *notifier, const char *message)
{
    gint64 now = g_get_monotonic_time();
    if (!notifier->tui ||
        (notifier->complained_us && now - notifier->complained_us < SENDER_US))
        return;
    notifier->complained_us = now;
    g_autofree char *text = g_strdup_printf("%s %s",
        _("The command of ui.notify_command did not work:"), message);
    tui_note(notifier->tui, ROLE_ERROR, text);
}

static void on_command_ended(GObject *source, GAsyncResult *result, gpointer data)
{
    struct notifier *notifier = data;
    g_autoptr(GError) error = NULL;
    if (!g_subprocess_wait_check_finish(G_SUBPROCESS(source), result, &error))
        complain(notifier, error->message);
    notifier->running--;
    g_rc_box_release(notifier);
}

static void run_command(struct notifier *notifier, const struct notify_values *values)
{
    const char *command = tui_option(notifier->tui, "ui.notify_command");
    g_autoptr(GError) error = NULL;
    if (!*command || notifier->running >= RUNNING_MAX)
        return;
    g_auto(GStrv) argv = notify_argv(command, values, &error);
    g_autoptr(GSubprocess) child = !argv ? NULL
        : g_subprocess_newv((const char *const *)argv,
            G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
    if (!child) {
        complain(notifier, error->message);
        return;
    }
    notifier->running++;
    g_subprocess_wait_check_async(child, NULL, on_command_ended, g_rc_box_acquire(notifier));
}

/* ---- */

static char *shown_text(const struct tui *tui, const struct message *message, int more)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (!tui_option_bool(tui, "ui.notify_text"))
        g_string_append(text, _("A new message"));
    else {
        const char *body = message->body ? message->body
            : message->subject           ? message->subject
                                         : "";
        if (message->nick && *message->nick)
            g_string_append_printf(text, "%.64s: ", message->nick);
        g_string_append_len(text, body, (gssize)strnlen(body, TEXT_BYTES));
    }
    if (more)
        g_string_append_printf(text, " (+%d)", more);
    g_autofree char *valid = g_utf8_make_valid(text->str, (gssize)text->len);
    return text_clean(valid, -1, TEXT_ONE_LINE);
}

void notifier_message(
    struct notifier *notifier, const struct chat *chat, const struct message *message)
{
    struct tui *tui = notifier->tui;
    gint64 now = g_get_monotonic_time();
    if ((!tui->screen && !tui->linear) || message->outgoing || message->archive || is_quiet(tui) ||
        !is_wanted(tui, chat, message))
        return;
    int more = take_turn(notifier, chat, now);
    if (more < 0)
        return;
    if (now - notifier->bell_us >= BELL_US) {
        notifier->bell_us = now;
        bool bell = tui_option_bool(tui, "ui.bell");
        if (bell && tui->linear)
            linear_bell(tui->linear);
        else if (bell)
            screen_bell(tui->screen);
        if (tui->screen && tui_option_bool(tui, "ui.flash"))
            screen_flash(tui->screen);
    }
    g_autofree char *name =
        text_clean(account_display_name(chat->account, chat->jid), -1, TEXT_ONE_LINE);
    g_autofree char *text = shown_text(tui, message, more);
    const char *osc = tui_option(tui, "ui.notify_osc");
    if (tui->screen && strcmp(osc, "off") != 0)
        screen_notify(tui->screen, name, text, strcmp(osc, "777") != 0, strcmp(osc, "9") != 0);
    if (tui_option_bool(tui, "ui.notify_desktop"))
        desktop_show(notifier->desktop, chat, name, text);
    run_command(notifier, &(struct notify_values){ name, text, chat->jid, chat->account->jid });
}

void notifier_read(struct notifier *notifier, const struct chat *chat)
{
    desktop_withdraw(notifier->desktop, chat);
}
