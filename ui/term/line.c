/* See line.h. Readline's callbacks carry no data, so the one instance is kept
 * in `self`. Bytes are queued and readline is run while there are any; were
 * it to ask for more, it gets an abort, never an end of file (which would
 * send the line). */
#include "config.h"
#include "ui/term/line.h"
#include "base/paths.h"
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <readline/readline.h>
#include <readline/history.h>

enum { HISTORY_MAX = 1000, HISTORY_LINE_MAX = 16384, ABORT = 7 /* C-g */ };

struct line {
    struct line_events events;
    char *history_file;
    FILE *nothing;
    GQueue bytes;
    GPtrArray *accepted; /* char*: after readline has returned */
    bool complete_wanted, empty_read;
    locale_t utf8;       /* 0: the locale is UTF-8 already */
};

static struct line *self;

const char *line_library(void)
{
    return rl_library_version;
}

/* Readline measures characters by the thread's locale; the text is UTF-8
 * whatever the terminal is (F31). */
static locale_t enter(const struct line *line)
{
    return line->utf8 ? uselocale(line->utf8) : (locale_t)0;
}

static void leave(locale_t before)
{
    if (before)
        uselocale(before);
}

static int on_getc(FILE *stream)
{
    (void)stream;
    if (!g_queue_is_empty(&self->bytes))
        return GPOINTER_TO_INT(g_queue_pop_head(&self->bytes));
    self->empty_read = true;
    return ABORT;
}

static int on_available(void)
{
    return !g_queue_is_empty(&self->bytes);
}

static void on_redisplay(void)
{
}

static void on_prep(int meta)
{
    (void)meta;
}

static void on_deprep(void)
{
}

static void on_line(char *text)
{
    if (!text)
        return;
    g_ptr_array_add(self->accepted, g_strdup(text));
    free(text);
}

static char **on_complete(const char *text, int start, int end)
{
    (void)text;
    (void)start;
    (void)end;
    rl_attempted_completion_over = 1;
    self->complete_wanted = true;
    return NULL;
}

static char *no_entry(const char *text, int state)
{
    (void)text;
    (void)state;
    return NULL;
}

static int no_word_break(void)
{
    return 0;
}

/*
 * Readline 8.2's non-incremental searches and operate-and-get-next leave
 * undo lists that are freed twice: whoever types them gets the incremental
 * search instead, or nothing.
 */
static const char *const broken[] = { "operate-and-get-next",
    "non-incremental-forward-search-history",
    "non-incremental-reverse-search-history",
    "non-incremental-forward-search-history-again",
    "non-incremental-reverse-search-history-again", "vi-search",
    "vi-search-again" };

/* rl_unbind_function_in_map() for all of them in one walk. */
static void unbind_broken(Keymap map, rl_command_func_t *const *functions)
{
    for (int key = 0; key < KEYMAP_SIZE; key++)
        if (map[key].type == ISKMAP)
            unbind_broken((Keymap)(void *)map[key].function, functions);
        else if (map[key].type == ISFUNC && map[key].function)
            for (gsize i = 0; i < G_N_ELEMENTS(broken); i++)
                if (map[key].function == functions[i])
                    map[key].function = NULL;
}

static void avoid_crashes(void)
{
    rl_command_func_t *functions[G_N_ELEMENTS(broken)];
    for (gsize i = 0; i < G_N_ELEMENTS(broken); i++)
        functions[i] = rl_named_function(broken[i]);
    unbind_broken(emacs_standard_keymap, functions);
    unbind_broken(vi_insertion_keymap, functions);
    unbind_broken(vi_movement_keymap, functions);
    rl_bind_key_in_map('/', rl_reverse_search_history, vi_movement_keymap);
    rl_bind_key_in_map('?', rl_forward_search_history, vi_movement_keymap);
}

static bool is_private_file(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

static void load_history(struct line *line)
{
    using_history();
    stifle_history(HISTORY_MAX);
    history_comment_char = '#';
    history_write_timestamps = 1;
    history_multiline_entries = 1;
    if (line->history_file && is_private_file(line->history_file))
        read_history(line->history_file);
}

struct line *line_new(const char *history_file, const struct line_events *events)
{
    g_return_val_if_fail(!self, NULL);
    struct line *line = g_new0(struct line, 1);
    line->events = *events;
    line->history_file = g_strdup(history_file);
    line->accepted = g_ptr_array_new_with_free_func(g_free);
    line->nothing = fopen("/dev/null", "r+e");
    g_queue_init(&line->bytes);
    if (MB_CUR_MAX == 1 || strcmp(nl_langinfo(CODESET), "UTF-8"))
        line->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    self = line;

    rl_readline_name = "txmpp";
    rl_instream = rl_outstream = line->nothing;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_getc_function = on_getc;
    rl_input_available_hook = on_available;
    rl_redisplay_function = on_redisplay; /* also: readline asks no terminfo */
    rl_prep_term_function = on_prep;
    rl_deprep_term_function = on_deprep;
    rl_attempted_completion_function = on_complete;
    rl_completion_entry_function = no_entry;
    rl_completion_word_break_hook = NULL;
    rl_event_hook = NULL;
    rl_pre_input_hook = no_word_break;
    locale_t before = enter(line);
    rl_initialize();
    rl_variable_bind("bell-style", "none");
    rl_variable_bind("convert-meta", "off");
    rl_variable_bind("input-meta", "on");
    rl_variable_bind("output-meta", "on");
    rl_variable_bind("enable-bracketed-paste", "off");
    avoid_crashes();
    rl_callback_handler_install("", on_line);
    leave(before);
    load_history(line);
    return line;
}

void line_free(struct line *line)
{
    if (!line)
        return;
    rl_callback_handler_remove();
    rl_instream = rl_outstream = NULL;
    clear_history();
    g_queue_clear(&line->bytes);
    g_ptr_array_free(line->accepted, TRUE);
    if (line->nothing)
        fclose(line->nothing);
    if (line->utf8)
        freelocale(line->utf8);
    g_free(line->history_file);
    g_free(line);
    self = NULL;
}

/* Readline 8.2 crashes when a key with more to follow (C-x, an arrow) comes
 * in an incremental search: the search is ended for it, with the terminator
 * that is not executed. True when that was all the key was for. */
static bool end_search(struct line *line, const struct key *key, const char *bytes, int n)
{
    bool prefix = n > 0 && rl_get_keymap()[(guchar)bytes[0]].type == ISKMAP;
    if (!prefix || !RL_ISSTATE(RL_STATE_ISEARCH))
        return false;
    g_queue_push_tail(&line->bytes, GINT_TO_POINTER('\n'));
    return key->code == KEY_ESC;
}

/* Alone, Escape would make the next key an Alt key of readline's: "/" after it
 * would be lost. In vi mode and in readline's own questions it has a meaning. */
static bool is_idle_escape(const struct key *key)
{
    return key->code == KEY_ESC && !key->mods && rl_editing_mode == 1 &&
        !RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_MULTIKEY |
            RL_STATE_METANEXT | RL_STATE_NUMERICARG | RL_STATE_CHARSEARCH);
}

/* Readline 8.2 keeps the undo steps of lines of the history at their entries,
 * where a search or a replacement makes it free them twice: there are none. */
static void forget_old_undo(void)
{
    if (rl_last_func == rl_insert) /* a plain character touches none */
        return;
    HIST_ENTRY **entries = history_list();
    for (gsize i = 0; entries && entries[i]; i++)
        entries[i]->data = NULL;
}

void line_key(struct line *line, const struct key *key)
{
    if (is_idle_escape(key))
        return;
    char bytes[16];
    int n = key_bytes(key, bytes);
    if (end_search(line, key, bytes, n))
        n = 0;
    for (int i = 0; i < n; i++)
        g_queue_push_tail(&line->bytes, GINT_TO_POINTER((guchar)bytes[i]));
    locale_t before = enter(line);
    while (!g_queue_is_empty(&line->bytes)) {
        rl_callback_read_char();
        forget_old_undo();
    }
    leave(before);
    while (line->accepted->len) {
        g_autofree char *text = g_ptr_array_steal_index(line->accepted, 0);
        line->events.accept(text, line->events.data);
    }
    if (line->complete_wanted) {
        line->complete_wanted = false;
        line->events.complete(line->events.data);
    }
}

const char *line_text(const struct line *line)
{
    (void)line;
    return rl_line_buffer ? rl_line_buffer : "";
}

gsize line_cursor(const struct line *line)
{
    (void)line;
    return (gsize)rl_point;
}

void line_set(struct line *line, const char *text, gsize cursor)
{
    locale_t before = enter(line);
    rl_callback_sigcleanup(); /* a search or half a key is over */
    rl_replace_line(text ? text : "", 1);
    rl_point = (int)MIN(cursor, (gsize)rl_end);
    rl_mark = 0;
    leave(before);
}

void line_insert(struct line *line, const char *text)
{
    locale_t before = enter(line);
    rl_insert_text(text);
    leave(before);
}

void line_replace(struct line *line, gsize from, gsize to, const char *text)
{
    locale_t before = enter(line);
    rl_begin_undo_group();
    rl_delete_text((int)from, (int)to);
    rl_point = (int)from;
    rl_insert_text(text);
    rl_end_undo_group();
    leave(before);
}

void line_remember(struct line *line, const char *text)
{
    if (!*text || strlen(text) > HISTORY_LINE_MAX)
        return;
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (last && !strcmp(last->line, text)) {
        using_history();
        return;
    }
    add_history(text);
    using_history();
    if (!line->history_file)
        return;
    int fd = paths_open_append(line->history_file, NULL);
    if (fd < 0)
        return;
    close(fd);
    if (is_private_file(line->history_file))
        append_history(1, line->history_file);
}

const char *line_message(const struct line *line)
{
    (void)line;
    if (rl_display_prompt && rl_display_prompt != rl_prompt && *rl_display_prompt)
        return rl_display_prompt;
    return NULL;
}

bool line_is_vi_command(const struct line *line)
{
    (void)line;
    return rl_editing_mode == 0 && rl_get_keymap() == vi_movement_keymap;
}
