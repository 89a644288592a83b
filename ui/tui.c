/*
 * The front end's heart: one drawing per turn of the loop. A key draws at once;
 * what the network does is drawn at most 60 times a second. Idle, nothing runs
 * but the clock's minute. tui_events.c hears the model, tui_keys.c the keys.
 */
#include "config.h"
#include "ui/ui.h"
#include "ui/filter.h"
#include "ui/notify.h"
#include "ui/picture/overlay.h"
#include "ui/picture/pictures.h"
#include "ui/picture/viewer.h"
#include "ui/spell.h"
#include "ui/tui.h"
#include "base/text.h"
#include "model/account.h"
#include "store/option.h"
#include "ui/linear/linear.h"
#include "ui/term/line.h"
#include "ui/term/screen.h"
#include "ui/term/signals.h"
#include "xmpp/reading.h"
#include <errno.h>
#include <glib-unix.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_US = 16000,        /* between two drawings for the network */
    KEY_FRAME_US = 1000,     /* … for keys */
    RESIZE_MS = 34,          /* at most 30 a second (F29) */
    QUIT_MS = 2000,          /* after SIGHUP or SIGTERM (F30) */
    TITLE_US = 500000,
    READ_BYTES = 2048, READS = 512,
    MIN_COLS = 20, MIN_ROWS = 5,
    LINEAR_ROWS = 24,        /* of what nobody sees */
};

/* ---- options ---- */

const char *tui_option(const struct tui *tui, const char *name)
{
    if (tui->app->options && options_row(tui->app->options, name)) {
        const char *value = options_get(tui->app->options, NULL, name);
        if (value)
            return value;
    }
    for (const struct option *row = ui_options; row->name; row++)
        if (!strcmp(row->name, name))
            return row->fallback ? row->fallback : "";
    return "";
}

bool tui_option_bool(const struct tui *tui, const char *name)
{
    const char *value = tui_option(tui, name);
    return !strcmp(value, "true") || !strcmp(value, "on") || !strcmp(value, "yes") ||
        !strcmp(value, "1");
}

int tui_option_int(const struct tui *tui, const char *name)
{
    return (int)g_ascii_strtoll(tui_option(tui, name), NULL, 10);
}

int tui_format_time(gint64 time_us, const char *format, char *out, gsize size)
{
    time_t seconds = (time_t)(time_us / G_USEC_PER_SEC);
    struct tm tm;
    char local[128];
    *out = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (!localtime_r(&seconds, &tm) || !strftime(local, sizeof local, format, &tm))
        return 0;
#pragma GCC diagnostic pop
    /* The names of days and months are in the locale's charset. */
    g_autofree char *utf8 = g_utf8_validate(local, -1, NULL)
        ? g_strdup(local) : g_locale_to_utf8(local, -1, NULL, NULL, NULL);
    if (!utf8)
        return 0;
    gsize used = 0;
    for (const char *p = utf8; *p && used + 1 < size; p++)
        if (*p != ' ' || (used && out[used - 1] != ' ')) /* %e pads */
            out[used++] = *p;
    out[used] = '\0';
    return text_width(out, -1);
}

void tui_choose_marks(struct tui *tui)
{
    const char *ascii = tui_option(tui, "ui.ascii");
    if (tui->screen)
        tui->ascii = tui->grid->ascii = !strcmp(ascii, "on") ||
            (strcmp(ascii, "off") && !screen_shows_marks(tui->screen));
}

/* ---- drawing ---- */

void pane_free(struct pane *pane)
{
    if (pane)
        pane->ops->destroy(pane);
}

void pane_dirty(struct pane *pane)
{
    if (pane->dirty && !pane->tui->linear) /* which draws none */
        return;
    pane->dirty = true;
    if (pane->cols)
        tui_dirty(pane->tui);
}

static void draw_pane(struct tui *tui, struct pane *pane)
{
    if (!pane->dirty || !pane->cols || !pane->rows)
        return;
    pane->dirty = false;
    pane->ops->draw(pane, area_sub(grid_area(tui->grid), pane->x, pane->y, pane->cols, pane->rows));
}

/* A window may be in several leaves. */
static void draw_leaves(struct tui *tui)
{
    g_autoptr(GPtrArray) leaves = layout_leaves(tui);
    for (guint i = 0; i < leaves->len; i++) {
        const struct layout *leaf = leaves->pdata[i];
        struct pane *pane = layout_pane(leaf);
        int heading = tui->headings && leaf->rows > 1;
        if (pane->dirty && leaf->cols && leaf->rows)
            pane->ops->draw(pane, area_sub(grid_area(tui->grid), leaf->x, leaf->y + heading,
                leaf->cols, leaf->rows - heading));
    }
    for (guint i = 0; i < leaves->len; i++)
        layout_pane(leaves->pdata[i])->dirty = false;
}

static void draw_small(struct tui *tui)
{
    struct area area = grid_area(tui->grid);
    area_clear(area, style_of(ROLE_TEXT));
    g_autofree char *text = area.cols < 17
        ? g_strdup_printf("< %dx%d", MIN_COLS, MIN_ROWS)
        : g_strdup_printf(_("txmpp needs %dx%d"), MIN_COLS, MIN_ROWS);
    grid_text_fit(area, 0, 0, area.cols, style_of(ROLE_TEXT), text);
}

static void update_title(struct tui *tui);

static gboolean on_title(gpointer data)
{
    struct tui *tui = data;
    tui->title_source = 0;
    update_title(tui);
    return G_SOURCE_REMOVE;
}

static void update_title(struct tui *tui)
{
    if (!tui->screen || tui->detached || !tui_option_bool(tui, "ui.title"))
        return;
    guint unread = 0;
    for (guint i = 0; i < tui->windows->len; i++) {
        const struct window *window = tui->windows->pdata[i];
        unread += window->chat ? window->chat->unread : 0;
    }
    const struct window *window = window_current(tui);
    const char *name = window->kind == WINDOW_CHAT ? window_name(window) : "";
    g_autofree char *title = unread
        ? g_strdup_printf("(%u) txmpp%s%.64s", unread, *name ? ": " : "", name)
        : g_strdup_printf("txmpp%s%.64s", *name ? ": " : "", name);
    if (!g_strcmp0(title, tui->title_shown) || tui->title_source)
        return;
    gint64 now = g_get_monotonic_time();
    if (tui->title_shown && now - tui->title_us < TITLE_US) {
        gint64 left_ms = (tui->title_us + TITLE_US - now) / 1000;
        tui->title_source = g_timeout_add((guint)left_ms + 1, on_title, tui);
        return;
    }
    tui->title_us = now;
    screen_title(tui->screen, title);
    g_free(tui->title_shown);
    tui->title_shown = g_steal_pointer(&title);
}

void tui_draw(struct tui *tui)
{
    if (tui->detached || tui->leaving)
        return;
    if (tui->bare && tui->dialogs->len)
        bare_close(tui); /* somebody asks something */
    if (tui->bare)
        return;
    if (tui->screen && screen_busy(tui->screen)) {
        tui->draw_dirty = true; /* on_drained comes back */
        return;
    }
    g_clear_handle_id(&tui->draw_source, g_source_remove);
    tui->draw_dirty = false;
    tui->drawn_us = g_get_monotonic_time();
    if (tui->linear) {
        if (tui->relayout)
            layout_place(tui);
        linear_turn(tui->linear);
        g_clear_handle_id(&tui->draw_source, g_source_remove); /* by what it said */
        return;
    }
    struct area area = grid_area(tui->grid);
    tui->grid->cursor_x = tui->grid->cursor_y = -1;
    tui->small = area.cols < MIN_COLS || area.rows < MIN_ROWS;
    if (tui->small)
        draw_small(tui);
    else {
        if (tui->relayout) {
            layout_place(tui);
            area_clear(area, style_of(ROLE_TEXT));
            layout_draw_frame(tui, area);
        }
        tui->input->dirty = tui->list->dirty = true; /* small, and change with everything */
        layout_draw_headings(tui, area);
        draw_leaves(tui);
        draw_pane(tui, tui->title);
        draw_pane(tui, tui->results);
        draw_pane(tui, tui->status);
        draw_pane(tui, tui->input);
        chat_find_draw(tui, area);
        input_draw_menu(tui, area);
        menu_draw(tui, area);
        palette_draw(tui, area);
        viewer_draw(tui, area);
        dialog_draw_all(tui, area);
    }
    g_autofree char *complaint = filters_complaint(tui->filters);
    if (complaint)
        tui_note(tui, ROLE_ERROR, complaint);
    if (!tui->screen)
        return;
    overlays_before(tui->overlays);
    screen_show(tui->screen, tui->grid, tui->theme, tui->depth);
    overlays_after(tui->overlays);
    viewer_after(tui);
    update_title(tui);
}

static gboolean on_draw(gpointer data)
{
    struct tui *tui = data;
    tui->draw_source = 0;
    tui_draw(tui);
    return G_SOURCE_REMOVE;
}

void tui_dirty(struct tui *tui)
{
    tui->draw_dirty = true;
    if (tui->draw_source || tui->in_keys || tui->leaving || (!tui->screen && !tui->linear))
        return;
    gint64 since = g_get_monotonic_time() - tui->drawn_us;
    guint wait_ms = since >= FRAME_US ? 0 : (guint)((FRAME_US - since) / 1000 + 1);
    /* Above the network's priority: a flood must not starve the screen. */
    tui->draw_source = g_timeout_add_full(G_PRIORITY_HIGH, wait_ms, on_draw, tui, NULL);
}

void tui_dirty_all(struct tui *tui)
{
    tui->relayout = true;
    tui_dirty(tui);
}

static void on_drained(gpointer data)
{
    struct tui *tui = data;
    if (tui->draw_dirty)
        tui_dirty(tui);
}

static gboolean on_minute(gpointer data)
{
    struct tui *tui = data;
    gint64 into = g_get_real_time() / 1000 % 60000;
    if (tui->clock_source)
        pane_dirty(tui->status);
    tui->clock_source = g_timeout_add((guint)(60000 - into + 5), on_minute, tui);
    return G_SOURCE_REMOVE;
}

/* ---- running commands ---- */

static bool has_secret(const struct command *command)
{
    for (const struct arg *arg = command->args;
         arg < command->args + COMMAND_ARGS && arg->name; arg++)
        if (arg->kind && arg->kind->is_secret)
            return true;
    for (const struct command *sub = command->sub; sub && sub->name; sub++)
        if (has_secret(sub))
            return true;
    return false;
}

static bool line_has_secret(const struct tui *tui, const char *line)
{
    if (line[0] != '/' || !tui->app->engine)
        return false;
    g_autofree char *name = g_strndup(line + 1, strcspn(line + 1, " \t\n"));
    const struct command *command = engine_find(tui->app->engine, name);
    return command && has_secret(command);
}

static void run(struct tui *tui, const char *line, bool quiet)
{
    if (!tui->app->engine)
        return;
    struct window *window = window_current(tui);
    g_autofree char *heading = line_has_secret(tui, line)
        ? g_strndup(line, strcspn(line, " \t\n")) : g_strdup(line);
    struct run_context context = {
        .front = &tui->front,
        .sink = results_sink_new(tui, heading, quiet && !tui->linear),
        .chat = window->chat,
        .account = window->chat ? window->chat->account : NULL,
    };
    engine_run(tui->app->engine, line, &context);
    hints_ran(tui, line);
    tui_dirty(tui);
}

void tui_run(struct tui *tui, const char *line)
{
    run(tui, line, true);
}

void tui_run_shown(struct tui *tui, const char *line)
{
    run(tui, line, false);
}

void tui_runf(struct tui *tui, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args);
    va_end(args);
    run(tui, line, true);
}

char *tui_quote(const char *word)
{
    GString *out = g_string_new("\"");
    for (const char *p = word; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

void tui_note(struct tui *tui, enum role role, const char *text)
{
    pane_console_add(window_console(tui)->pane, 0, role, text);
    pane_results_say(tui, role, text);
}

static void on_accept(const char *text, gpointer data)
{
    struct tui *tui = data;
    if (tui->linear)
        linear_entered(tui->linear, text);
    input_menu_close(tui);
    pane_results_close(tui);
    g_autofree char *line = g_strdup(text);
    g_strchomp(line);
    if (!*line)
        return;
    if (!line_has_secret(tui, line))
        line_remember(tui->line, line);
    struct window *window = window_current(tui);
    if (window->chat)
        chat_set_draft(window->chat, NULL);
    if (window->chat && line[0] != '/') {
        pane_chat_bottom(window->pane);
        pane_chat_set_new(window->pane, 0);
    }
    if (tui->linear)
        linear_running(tui->linear, line[0] != '/');
    run(tui, line, false);
    if (tui->linear)
        linear_running(tui->linear, false);
    tui_dirty_all(tui);
}

static void on_complete(gpointer data)
{
    input_complete(data);
}

/* ---- what the terminal says ---- */

static void on_key(const struct key *key, gpointer data)
{
    tui_key(data, key);
}

static gboolean on_escape(gpointer data)
{
    struct tui *tui = data;
    tui->esc_source = 0;
    keys_timeout(tui->keys);
    tui_draw(tui);
    input_settle(tui);
    return G_SOURCE_REMOVE;
}

static void quit(struct tui *tui);

static guint stdin_source_of(struct tui *tui, bool on);

static void feed(struct tui *tui, const char *bytes, gsize n)
{
    if (tui->linear ? linear_is_utf8(tui->linear) : screen_is_utf8(tui->screen)) {
        keys_feed(tui->keys, bytes, n);
        return;
    }
    gsize len = 0;
    g_autofree char *utf8 = g_convert_with_fallback(bytes, (gssize)n, "UTF-8",
        strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") ? nl_langinfo(CODESET)
                                                       : "ISO-8859-1",
        "?", NULL, &len, NULL);
    if (utf8)
        keys_feed(tui->keys, utf8, len);
}

static gboolean on_input(int fd, GIOCondition condition, gpointer data)
{
    struct tui *tui = data;
    char bytes[READ_BYTES];
    gssize n = -1;
    tui->in_keys = true;
    for (int i = 0; i < READS && !tui->leaving && !tui->detached; i++) {
        n = read(fd, bytes, sizeof bytes);
        if (n > 0)
            feed(tui, bytes, (gsize)n);
        if (n < (gssize)sizeof bytes)
            break;
    }
    tui->in_keys = false;
    if (tui->leaving || tui->detached)
        return G_SOURCE_CONTINUE;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
        (condition & (G_IO_HUP | G_IO_ERR | G_IO_NVAL))) {
        stdin_source_of(tui, false); /* the terminal is gone (F30) */
        tui->detached = true;
        quit(tui);
        return G_SOURCE_REMOVE;
    }
    g_clear_handle_id(&tui->esc_source, g_source_remove);
    if (keys_pending(tui->keys))
        tui->esc_source = g_timeout_add_full(G_PRIORITY_HIGH, KEY_ESC_MS, on_escape, tui, NULL);
    gint64 now = g_get_monotonic_time();
    if (now - tui->key_drawn_us >= KEY_FRAME_US) {
        tui->key_drawn_us = now;
        tui_draw(tui);
    } else {
        g_clear_handle_id(&tui->draw_source, g_source_remove);
        tui->draw_source = g_timeout_add_full(G_PRIORITY_HIGH, 1, on_draw, tui, NULL);
    }
    input_settle(tui);
    return G_SOURCE_CONTINUE;
}

/* ---- leaving ---- */

static gboolean on_quit_deadline(gpointer data)
{
    struct tui *tui = data;
    g_main_loop_quit(tui->app->loop);
    return G_SOURCE_REMOVE;
}

static void quit(struct tui *tui)
{
    if (!tui->app->loop)
        return;
    layout_remember(tui);
    g_timeout_add(QUIT_MS, on_quit_deadline, tui);
    if (tui->app->quitting) {
        g_main_loop_quit(tui->app->loop); /* the second signal (F30) */
        return;
    }
    app_quit(tui->app, NULL);
}

/* ---- $EDITOR and suspending ---- */

static void detach(struct tui *tui)
{
    stdin_source_of(tui, false);
    if (tui->linear)
        linear_leave(tui->linear);
    else
        screen_leave(tui->screen);
    tui->detached = true;
}

static void reattach(struct tui *tui)
{
    tui->detached = false;
    if (tui->linear)
        linear_enter(tui->linear);
    else
        screen_enter(tui->screen);
    bare_close(tui);
    stdin_source_of(tui, true);
    viewer_again(tui);
    tui_dirty_all(tui);
}

void tui_suspend(struct tui *tui)
{
    if ((!tui->screen && !tui->linear) || tui->detached)
        return;
    detach(tui);
    signals_stop_self();
    reattach(tui);
}

static gboolean on_resize(gpointer data);

static void on_signal(int signo, gpointer data)
{
    struct tui *tui = data;
    switch (signo) {
    case SIGWINCH:
        if (!tui->clock_source || tui->editing)
            break;
        if (!tui->resize_source) {
            gint64 since = g_get_monotonic_time() - tui->drawn_us;
            tui->resize_source = g_timeout_add_full(G_PRIORITY_HIGH,
                since > RESIZE_MS * 1000 ? 0 : RESIZE_MS, on_resize, tui, NULL);
        }
        break;
    case SIGTSTP:
        tui_suspend(tui);
        break;
    case SIGCONT:
        if (!tui->detached && tui->linear) {
            linear_leave(tui->linear); /* the modes are set again */
            linear_enter(tui->linear);
            tui_draw(tui);
        } else if (!tui->detached) {
            screen_continued(tui->screen);
            g_clear_handle_id(&tui->resize_source, g_source_remove);
            on_resize(tui);
        }
        break;
    default:
        quit(tui);
        break;
    }
}

static gboolean on_resize(gpointer data)
{
    struct tui *tui = data;
    int cols, rows;
    tui->resize_source = 0;
    if (tui->leaving)
        return G_SOURCE_REMOVE;
    if (tui->linear) {
        grid_resize(tui->grid, linear_cols(tui->linear), LINEAR_ROWS);
        tui_dirty_all(tui);
        return G_SOURCE_REMOVE;
    }
    screen_resized(tui->screen);
    screen_size(tui->screen, &cols, &rows);
    grid_resize(tui->grid, cols, rows);
    screen_forget(tui->screen);
    bare_again(tui);
    tui->relayout = true;
    tui_draw(tui);
    return G_SOURCE_REMOVE;
}

struct editing {
    struct tui *tui;
    char *folder, *file;
    void (*done)(const char *text, const GError *error, gpointer data);
    gpointer data;
};

static void editing_free(struct editing *editing)
{
    g_autoptr(GDir) dir = editing->folder ? g_dir_open(editing->folder, 0, NULL) : NULL;
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(editing->folder, name, NULL);
        unlink(path);
    }
    if (editing->folder)
        rmdir(editing->folder);
    g_free(editing->folder);
    g_free(editing->file);
    g_free(editing);
}

/* In a folder of its own, which nobody else can enter, so that what an editor
 * leaves beside a file (backups, what it swaps out) goes with it. */
static struct editing *editing_new(const char *text, GError **error)
{
    struct editing *editing = g_new0(struct editing, 1);
    editing->folder = g_dir_make_tmp("txmpp-XXXXXX", error);
    if (editing->folder)
        editing->file = g_build_filename(editing->folder, "message.txt", NULL);
    if (editing->file && g_file_set_contents_full(editing->file, text ? text : "", -1,
            G_FILE_SET_CONTENTS_NONE, 0600, error))
        return editing;
    editing_free(editing);
    return NULL;
}

static void on_editor_exit(GPid pid, gint status, gpointer data)
{
    struct editing *editing = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_spawn_close_pid(pid);
    if (g_spawn_check_wait_status(status, &error))
        g_file_get_contents(editing->file, &text, NULL, &error);
    editing->tui->editing = false;
    reattach(editing->tui);
    g_clear_handle_id(&editing->tui->resize_source, g_source_remove);
    on_resize(editing->tui);
    if (text && !g_utf8_validate(text, -1, NULL)) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        g_free(text);
        text = g_steal_pointer(&valid);
    }
    editing->done(text, error, editing->data);
    editing_free(editing);
}

/* The editor's standard streams are the terminal; nothing of ours is open. */
bool tui_edit(struct front *front, const char *text,
    void (*done)(const char *text, const GError *error, gpointer data), gpointer data)
{
    struct tui *tui = tui_of(front);
    if ((!tui->screen && !tui->linear) || tui->detached)
        return false;
    const char *editor = g_getenv("VISUAL");
    if (!editor || !*editor)
        editor = g_getenv("EDITOR");
    g_auto(GStrv) argv = NULL;
    gint argc = 0;
    g_autoptr(GError) error = NULL;
    if (!g_shell_parse_argv(editor && *editor ? editor : "editor", &argc, &argv, &error)) {
        done(NULL, error, data);
        return true;
    }
    struct editing *editing = editing_new(text, &error);
    if (!editing) {
        done(NULL, error, data);
        return true;
    }
    editing->tui = tui;
    editing->done = done;
    editing->data = data;
    g_auto(GStrv) full = g_new0(char *, (gsize)argc + 2);
    for (int i = 0; i < argc; i++)
        full[i] = g_strdup(argv[i]);
    full[argc] = g_strdup(editing->file);
    detach(tui);
    GPid pid;
    if (!g_spawn_async(NULL, full, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, &pid, &error)) {
        reattach(tui);
        done(NULL, error, data);
        editing_free(editing);
        return true;
    }
    tui->editing = true;
    g_child_watch_add(pid, on_editor_exit, editing);
    return true;
}

/* ---- what the engine asks of us ---- */

static struct chat *op_current_chat(struct front *front)
{
    return window_current(tui_of(front))->chat;
}

static void op_show_chat(struct front *front, struct chat *chat)
{
    struct tui *tui = tui_of(front);
    window_show(tui, window_open(tui, chat));
}

static struct account *op_current_account(struct front *front)
{
    struct chat *chat = op_current_chat(front);
    return chat ? chat->account : NULL;
}

static bool op_is_visible(struct front *front, const struct chat *chat)
{
    return window_is_visible(tui_of(front), chat->ui);
}

static bool op_has_panes(const struct front *front)
{
    return !tui_of((struct front *)front)->linear;
}

static void op_quit(struct front *front)
{
    struct tui *tui = tui_of(front);
    layout_remember(tui);
    input_save_draft(tui);
    if (tui->app->loop)
        g_main_loop_quit(tui->app->loop);
}

static const struct front_ops front_ops = {
    .ask = dialog_ask,
    .dismiss = dialog_dismiss,
    .current_chat = op_current_chat,
    .show_chat = op_show_chat,
    .current_account = op_current_account,
    .is_visible = op_is_visible,
    .quit = op_quit,
    .edit = tui_edit,
    .is_screen = true,
    .has_panes = op_has_panes,
};

/* ---- life ---- */

const char **tui_theme_dirs(struct tui *tui)
{
    static const char installed[] = THEMEDIR;
    const char **dirs = g_new0(const char *, 4);
    int n = 0;
    if (tui->app->paths) {
        g_autofree char *own = g_build_filename(tui->app->paths->config_dir, "themes", NULL);
        dirs[n++] = g_intern_string(own);
    }
    dirs[n++] = installed;
    return dirs;
}

void tui_set_theme(struct tui *tui, struct theme *theme)
{
    static const char *const corrections[] = { "red-green", "blue" };
    for (gsize i = 0; i < G_N_ELEMENTS(corrections); i++)
        if (!strcmp(tui_option(tui, "ui.nick_colors"), corrections[i]))
            theme_correct(theme, corrections[i]);
    if (tui->screen)
        screen_forget(tui->screen);
    theme_free(tui->theme);
    tui->theme = theme;
    tui->depth = theme_depth(tui_option(tui, "ui.colors"), g_getenv("TERM"),
        tui->screen ? screen_colors(tui->screen) : 256);
    if (tui->screen && !screen_colors(tui->screen))
        tui->depth = DEPTH_MONO;
    if (tui->title)
        tui_dirty_all(tui);
}

const char *tui_theme_meant(const struct tui *tui, const char *name)
{
    return strcmp(name, "auto") ? name : tui->light_ground ? "light" : "dark";
}

void tui_apply_theme(struct tui *tui)
{
    const char *wanted = tui->app->config.theme ? tui->app->config.theme
                                                : tui_option(tui, "ui.theme");
    g_autofree const char **dirs = tui_theme_dirs(tui);
    g_autoptr(GError) error = NULL;
    struct theme *theme = theme_load(tui_theme_meant(tui, wanted), dirs, &error);
    if (!theme) {
        if (tui->title && strcmp(wanted, "auto") != 0)
            tui_note(tui, ROLE_ERROR, error->message);
        if (tui->theme)
            return;
        theme = theme_parse("", 0, "dark", NULL);
    }
    tui_set_theme(tui, theme);
}

void tui_load_hues(struct tui *tui)
{
    g_clear_pointer(&tui->hues, g_hash_table_destroy);
    g_auto(GStrv) names = tui->app->options
        ? options_section_keys(tui->app->options, "hues") : NULL;
    for (char **name = names; name && *name; name++) {
        g_autofree char *text = options_section_get(tui->app->options, "hues", *name);
        guint64 degrees;
        if (!text || !g_ascii_string_to_unsigned(text, 10, 0, 359, &degrees, NULL))
            continue;
        if (!tui->hues)
            tui->hues = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(tui->hues, g_strdup(*name),
            GUINT_TO_POINTER(1 + (guint)degrees * HUES / 360));
    }
}

style_t tui_nick_style(const struct tui *tui, const char *jid, const char *nick)
{
    guint hue = tui->hues ? GPOINTER_TO_UINT(g_hash_table_lookup(tui->hues, nick)) : 0;
    if (!hue && tui->hues && jid)
        hue = GPOINTER_TO_UINT(g_hash_table_lookup(tui->hues, jid));
    if (!strcmp(tui_option(tui, "ui.nick_colors"), "off"))
        return style_of(ROLE_NICK);
    return hue ? style_of(ROLE_NICK) | hue << 16 : style_nick(ROLE_NICK, jid ? jid : nick);
}

static guint stdin_source_of(struct tui *tui, bool on)
{
    if (!on)
        g_clear_handle_id(&tui->tty_source, g_source_remove);
    else if (!tui->tty_source) {
        int fd = tui->linear ? linear_fd(tui->linear) : screen_fd(tui->screen);
        g_autoptr(GSource) source =
            g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
        g_source_set_priority(source, G_PRIORITY_HIGH);
        g_source_set_callback(source, G_SOURCE_FUNC(on_input), tui, NULL);
        /* Otherwise GLib takes the descriptor out of the poll set and in
         * again around every key, and wakes itself up for both. */
        g_source_set_can_recurse(source, TRUE);
        tui->tty_source = g_source_attach(source, NULL);
    }
    return tui->tty_source;
}

static void on_spelling(gpointer data)
{
    pane_dirty(((struct tui *)data)->input);
}

static void set_up(struct tui *tui, int cols, int rows)
{
    tui->front.ops = &front_ops;
    tui->terminal_focused = true;
    tui->grid = grid_new(cols, rows, tui->ascii);
    tui->windows = g_ptr_array_new();
    tui->dialogs = g_ptr_array_new();
    tui->notifier = notifier_new(tui);
    tui->spell = spell_new(on_spelling, tui);
    tui->filters = filters_new();
    filters_load(tui->filters, tui->app->options);
    tui->pictures = pictures_new(tui);
    tui->overlays = overlays_new(tui);
    g_queue_init(&tui->asks);
    tui->layout = tui->leaf = layout_new(window_console(tui));
    tui->roster = pane_roster_new(tui);
    tui->list = pane_list_new(tui);
    tui->status = pane_status_new(tui);
    tui->input = pane_input_new(tui);
    tui->results = pane_results_new(tui);
    keys_load(tui);
    tui_load_hues(tui);
    tui_apply_theme(tui);
    tui->title = pane_title_new(tui);
    tui_apply_options(tui);
    layout_restore(tui, "(v 250 roster .)");
    tui_observe(tui, true);
}

static void tear_down(struct tui *tui)
{
    tui_observe(tui, false);
    viewer_close(tui);
    menu_close(tui);
    palette_close(tui);
    chat_find_close(tui);
    bare_close(tui);
    g_free(tui->found_text);
    dialog_close_all(tui);
    pane_results_detach(tui);
    if (tui->completion)
        completion_free(tui->completion);
    g_free(tui->completion_head);
    for (guint i = 0; i < tui->windows->len; i++) {
        struct window *window = tui->windows->pdata[i];
        if (window->chat)
            window->chat->ui = NULL;
        pane_free(window->pane);
        g_free(window);
    }
    g_ptr_array_free(tui->windows, TRUE);
    g_ptr_array_free(tui->dialogs, TRUE);
    layout_free(tui->layout);
    pane_free(tui->roster);
    pane_free(tui->list);
    pane_free(tui->status);
    pane_free(tui->input);
    pane_free(tui->results);
    pane_free(tui->title);
    g_array_free(tui->bindings, TRUE);
    notifier_free(tui->notifier);
    filters_free(tui->filters);
    overlays_free(tui->overlays);
    pictures_free(tui->pictures);
    spell_free(tui->spell);
    g_clear_pointer(&tui->hues, g_hash_table_destroy);
    theme_free(tui->theme);
    grid_free(tui->grid);
    g_free(tui->pending_jid);
    secret_unref(tui->pending_password);
    g_clear_handle_id(&tui->title_source, g_source_remove);
    g_free(tui->title_shown);
    g_free(tui);
}

struct tui *tui_new_offscreen(struct app *app, int cols, int rows, bool ascii)
{
    struct tui *tui = g_new0(struct tui, 1);
    tui->app = app;
    tui->ascii = ascii;
    set_up(tui, cols, rows);
    tui->grid->ascii = ascii;
    return tui;
}

/* When the loop runs, so that main had time to add accounts. */
static gboolean on_started(gpointer data)
{
    struct tui *tui = data;
    for (guint i = 0; !tui->linear && tui->app->problems && i < tui->app->problems->len; i++)
        pane_results_say(tui, ROLE_ERROR, tui->app->problems->pdata[i]);
    if (!tui->app->accounts->len && !tui->app->config.offline && !tui->app->quitting)
        dialog_first_start(tui);
    pane_roster_reset(tui->roster);
    if (!tui->linear)
        tui_restore_layout(tui);
    tui_check_quiet(tui);
    tui->started = true;
    tui_touch(tui);
    tui_dirty_all(tui);
    return G_SOURCE_REMOVE;
}

void tui_register(struct app *app)
{
    if (app->options && !options_row(app->options, ui_options[0].name))
        options_register(app->options, ui_options);
    if (app->engine && !engine_find(app->engine, ui_commands[0].name))
        engine_register(app->engine, ui_commands);
}

struct front *tui_new(struct app *app, GError **error)
{
    setlocale(LC_CTYPE, "");
    setlocale(LC_TIME, "");
    setlocale(LC_MESSAGES, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    bind_textdomain_codeset(PACKAGE, "UTF-8");
    textdomain(PACKAGE);
    struct tui *tui = g_new0(struct tui, 1);
    tui->app = app;
    tui_register(app);
    if (linear_wanted(app))
        tui->linear = linear_new(tui, error);
    else
        tui->screen = screen_new(on_drained, tui, error);
    if (!tui->screen && !tui->linear) {
        g_free(tui);
        return NULL;
    }
    int cols, rows = LINEAR_ROWS;
    if (tui->linear)
        cols = linear_cols(tui->linear);
    else
        screen_size(tui->screen, &cols, &rows);
    g_autofree char *history = app->paths
        ? g_build_filename(app->paths->data_dir, "input_history", NULL) : NULL;
    struct line_events events = { on_accept, on_complete, tui };
    tui->line = line_new(history, &events);
    tui->keys = keys_new(on_key, tui);
    if (tui->screen)
        screen_teach(tui->screen, tui->keys);
    set_up(tui, cols, rows);
    signals_watch(on_signal, tui);
    stdin_source_of(tui, true);
    on_minute(tui);
    tui_draw(tui);
    g_timeout_add(0, on_started, tui);
    return &tui->front;
}

void tui_free(struct front *front)
{
    if (!front)
        return;
    struct tui *tui = tui_of(front);
    tui->leaving = true;
    signals_unwatch();
    stdin_source_of(tui, false);
    g_clear_handle_id(&tui->draw_source, g_source_remove);
    g_clear_handle_id(&tui->clock_source, g_source_remove);
    g_clear_handle_id(&tui->esc_source, g_source_remove);
    g_clear_handle_id(&tui->idle_source, g_source_remove);
    g_clear_handle_id(&tui->resize_source, g_source_remove);
    g_clear_handle_id(&tui->draft_source, g_source_remove);
    line_free(tui->line);
    tui->line = NULL;
    keys_free(tui->keys);
    screen_free(tui->screen);
    tui->screen = NULL;
    linear_free(tui->linear);
    tui->linear = NULL;
    tear_down(tui);
}
