/*
 * The panel above the status line with what the last command answered: a
 * table, notes, an error. It takes no keys but those that scroll and close
 * it; the input line goes on. Everything is in the console as well.
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "cmd/job.h"
#include "model/account.h"
#include "model/jid.h"
#include "ui/linear/linear.h"
#include "ui/term/line.h"
#include "ui/draw/wrap.h"
#include "ui/picture/pictures.h"
#include "ui/widget/table.h"
#include <string.h>

enum { LINES_MAX = 4000, CONSOLE_ROWS = 200, LINE_ROWS = 500, WORDS_MAX = 32, WORD_COLS = 40, SPANS_MAX = 64 };

struct result_line {
    enum role role;
    bool table;  /* clipped, not wrapped */
    int hang;    /* cells that wrapped rows are indented by */
    char *text;
    char *go;    /* command line that Enter runs, NULL */
    bool more;   /* … and that brings further lines here */
    GArray *marks; /* struct span: what was looked for; NULL: nothing … */
    char *needle;  /* … the first word of it, folded */
};

struct span {
    guint32 start, end;
};

struct pane_results {
    struct pane pane;
    char *heading;
    GPtrArray *lines; /* struct result_line* */
    GPtrArray *sinks; /* struct results_sink* still running */
    GArray *rows;     /* struct row_ref: laid out for cols */
    int cols, top, height;
    guint chosen;     /* line that Enter goes to; G_MAXUINT: none */
    bool appending;   /* what is run now goes on with what is shown */
    char *face_account, *face; /* whom it is about: their picture beside it; NULL */
};

struct row_ref {
    guint line;
    int indent;
    struct wrap_row row;
};

struct results_sink {
    struct sink sink;
    struct tui *tui;  /* NULL: the screen is gone */
    char *heading;
    GPtrArray *tables; /* struct table*: one for every run of a kind of row */
    char *kind;        /* of the last row */
    bool noted;        /* it has said something else */
    gint64 hits, last_row; /* of a search */
    bool quiet;       /* run by a key: only failures are shown */
    bool shown;
};

static struct pane_results *results_of(struct tui *tui)
{
    return (struct pane_results *)tui->results;
}

static void line_free_result(gpointer data)
{
    struct result_line *line = data;
    g_free(line->text);
    g_free(line->go);
    g_clear_pointer(&line->marks, g_array_unref);
    g_free(line->needle);
    g_free(line);
}

static void changed(struct pane_results *view)
{
    g_array_set_size(view->rows, 0);
    view->cols = 0;
    tui_dirty_all(view->pane.tui);
}

static void begin(struct tui *tui, const char *heading)
{
    struct pane_results *view = results_of(tui);
    g_ptr_array_set_size(view->lines, 0);
    g_free(view->heading);
    view->heading = g_strdup(heading);
    g_clear_pointer(&view->face, g_free);
    view->top = 0;
    view->chosen = G_MAXUINT;
    changed(view);
}

static void add(struct tui *tui, enum role role, bool table, const char *text)
{
    struct pane_results *view = results_of(tui);
    if (view->lines->len >= LINES_MAX)
        return;
    if (tui->linear)
        linear_say(tui->linear, text);
    struct result_line *line = g_new0(struct result_line, 1);
    line->role = role;
    line->table = table;
    line->text = wrap_prepare(text, -1);
    g_ptr_array_add(view->lines, line);
    changed(view);
}

/* Has a place of its own in the layout, and keeps what it shows. */
static bool is_docked(const struct pane_results *view)
{
    return layout_leaf_of_side(view->pane.tui, &view->pane);
}

static int columns_of(const struct pane_results *view)
{
    return is_docked(view) && view->pane.cols ? view->pane.cols : view->pane.tui->grid->cols;
}

const char *pane_results_heading(struct tui *tui)
{
    const struct pane_results *view = results_of(tui);
    return view->heading ? view->heading : _("Results");
}

void pane_results_close(struct tui *tui)
{
    struct pane_results *view = results_of(tui);
    if (!view->lines->len || is_docked(view))
        return;
    begin(tui, NULL);
    tui_dirty_all(tui);
}

void pane_results_say(struct tui *tui, enum role role, const char *text)
{
    begin(tui, NULL);
    add(tui, role, false, text);
}

void pane_results_text(struct tui *tui, const char *heading, const char *text)
{
    begin(tui, heading);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (line[1] || **line)
            add(tui, ROLE_PANEL, false, *line);
}

/* The first row has its indent in its text; the others get one. */
static void wrap_line(GArray *rows, const struct result_line *line, int cols, int indent)
{
    gsize len = strlen(line->text);
    wrap_text(rows, line->text, len, cols, indent ? 2 : LINE_ROWS);
    if (!indent || rows->len < 2)
        return;
    const gsize from = g_array_index(rows, struct wrap_row, 1).start;
    g_array_set_size(rows, 1);
    wrap_text(rows, line->text + from, len - from, cols - indent, LINE_ROWS);
    for (guint i = 1; i < rows->len; i++) {
        g_array_index(rows, struct wrap_row, i).start += (guint32)from;
        g_array_index(rows, struct wrap_row, i).end += (guint32)from;
    }
}

static void lay_out(struct pane_results *view, int cols)
{
    if (view->cols == cols)
        return;
    view->cols = cols;
    g_array_set_size(view->rows, 0);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    for (guint i = 0; i < view->lines->len; i++) {
        const struct result_line *line = view->lines->pdata[i];
        int indent = line->hang * 2 <= cols ? line->hang : MIN(line->hang, 4);
        g_array_set_size(rows, 0);
        if (line->table) {
            struct wrap_row all = { 0, (guint32)strlen(line->text) };
            g_array_append_val(rows, all);
        } else
            wrap_line(rows, line, MAX(cols - 2, 2 + indent), indent);
        for (guint k = 0; k < rows->len; k++) {
            struct row_ref ref = { i, k ? indent : 0,
                g_array_index(rows, struct wrap_row, k) };
            g_array_append_val(view->rows, ref);
        }
    }
}

int pane_results_wanted(struct tui *tui, int most)
{
    struct pane_results *view = results_of(tui);
    if (!view->lines->len || most < 1)
        return 0;
    lay_out(view, tui->grid->cols);
    int rows = (int)view->rows->len + (most > 2 ? 1 : 0);
    return MIN(rows, most);
}

/* On the right, unless a line is that long. */
static void draw_face(const struct pane_results *view, struct area area)
{
    enum { COLS = 17 };
    struct tui *tui = view->pane.tui;
    struct account *account =
        view->face ? app_find_account(tui->app, view->face_account) : NULL;
    if (!account || area.cols < 3 * COLS)
        return;
    for (guint i = 0; i < view->lines->len; i++)
        if (text_width(((const struct result_line *)view->lines->pdata[i])->text, -1) >
            area.cols - COLS - 2)
            return;
    pictures_draw_face(tui, account, view->face,
        area_sub(area, area.cols - COLS - 1, 0, COLS, area.rows));
}

static void draw_heading(const struct pane_results *view, struct area area, int count)
{
    g_autofree char *hint = area.cols < 40 ? g_strdup("")
        : count > view->height
        ? g_strdup_printf(_(" %d-%d of %d  PageDown  Esc "), view->top + 1,
              view->top + view->height, count)
        : g_strdup(" Esc ");
    int width = text_width(hint, -1);
    grid_hline(area, 0, 0, area.cols, style_of(ROLE_RULE));
    if (view->heading) {
        g_autofree char *text = g_strdup_printf(" %s ", view->heading);
        grid_text_fit(area, 2, 0, area.cols - width - 6, style_of(ROLE_PANEL_TITLE), text);
    }
    grid_text(area, area.cols - width - 2, 0, width, style_of(ROLE_DIM), hint);
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_results *view = (struct pane_results *)pane;
    area_clear(area, style_of(ROLE_PANEL));
    lay_out(view, columns_of(view));
    bool docked = is_docked(view);
    if (docked && !view->lines->len)
        grid_text_fit(area, 1, 0, area.cols - 2, style_of(ROLE_DIM),
            _("What commands answer appears here."));
    int y = 0;
    int room = area.rows;
    bool headed = area.rows > 1 && !docked;
    int count = (int)view->rows->len;
    room -= headed;
    view->height = room;
    view->top = CLAMP(view->top, 0, MAX(count - room, 0));
    if (headed)
        draw_heading(view, area, count);
    y += headed;
    for (int i = 0; i < room && view->top + i < count; i++) {
        const struct row_ref *ref = &g_array_index(view->rows, struct row_ref, view->top + i);
        const struct result_line *line = view->lines->pdata[ref->line];
        grid_text_n(area, 1 + ref->indent, y + i, area.cols - 2 - ref->indent,
            style_of(line->role), line->text + ref->row.start, (gssize)(ref->row.end - ref->row.start));
        if (ref->line == view->chosen)
            grid_restyle(area, 0, y + i, area.cols, style_of(ROLE_SELECTED));
        for (guint k = 0; line->marks && k < line->marks->len; k++) {
            const struct span *span = &g_array_index(line->marks, struct span, k);
            int x = text_width(line->text, span->start);
            if (x < area.cols - 2)
                grid_restyle(area, 1 + x, y + i, MIN(area.cols - 2 - x,
                    text_width(line->text + span->start, span->end - span->start)),
                    style_of(ROLE_FOUND));
        }
    }
    draw_face(view, area_sub(area, 0, y, area.cols, room));
}

static bool leads(const struct pane_results *view, guint line)
{
    return line < view->lines->len && ((const struct result_line *)view->lines->pdata[line])->go;
}

/* Along the lines that lead somewhere. */
static void choose(struct pane_results *view, int step)
{
    guint line = view->chosen;
    do
        line += (guint)step;
    while (line < view->lines->len && !leads(view, line));
    if (!leads(view, line))
        return;
    view->chosen = line;
    if ((int)line < view->top)
        view->top = (int)line;
    if ((int)line >= view->top + view->height)
        view->top = (int)line - view->height + 1;
    pane_dirty(&view->pane);
}

/* To where a line leads; one that brings more gives its place to that. */
static void follow(struct pane_results *view, guint index)
{
    const struct result_line *line = view->lines->pdata[index];
    struct tui *tui = view->pane.tui;
    g_autofree char *go = g_strdup(line->go), *needle = g_strdup(line->needle);
    bool more = line->more;
    if (more) {
        g_ptr_array_set_size(view->lines, (int)index);
        view->appending = true;
    }
    tui_run(tui, go);
    view->appending = false;
    if (needle && window_current(tui)->kind == WINDOW_CHAT)
        pane_chat_find(window_current(tui)->pane, needle);
    if (!more)
        return;
    if (view->lines->len == index)
        add(view->pane.tui, ROLE_DIM, false, _("There are no older ones."));
    view->chosen = leads(view, index) ? index : G_MAXUINT;
    view->top = (int)index - 1;
    changed(view);
}

/* While nothing is being typed the arrows and Enter are for the list. */
static bool go_key(struct pane_results *view, const struct key *key)
{
    struct tui *tui = view->pane.tui;
    bool typing = tui->line && *line_text(tui->line) && !view->pane.focused;
    if (!leads(view, view->chosen) || key->mods || typing)
        return false;
    if (key->code == KEY_UP_ || key->code == KEY_DOWN_) {
        choose(view, key->code == KEY_UP_ ? -1 : 1);
        return true;
    }
    if (key->code != KEY_ENTER)
        return false;
    follow(view, view->chosen);
    return true;
}

/* A line that leads somewhere is followed. */
static bool click(struct pane_results *view, int y)
{
    int row = view->top + y - (view->pane.rows - view->height);
    guint line = row >= 0 && row < (int)view->rows->len
        ? g_array_index(view->rows, struct row_ref, row).line : G_MAXUINT;
    if (!leads(view, line))
        return false;
    view->chosen = line;
    follow(view, line);
    return true;
}

/* At the end of what there is so far. */
static bool next_page_key(struct pane_results *view, const struct key *key)
{
    guint last = view->lines->len - 1;
    if (!view->lines->len || key->code != KEY_PGDN || key->mods ||
        view->top + view->height < (int)view->rows->len ||
        !((const struct result_line *)view->lines->pdata[last])->more)
        return false;
    follow(view, last);
    return true;
}

static bool on_key(struct pane *pane, const struct key *key)
{
    struct pane_results *view = (struct pane_results *)pane;
    if (!view->lines->len && !pane->focused)
        return false;
    if (go_key(view, key) || next_page_key(view, key))
        return true;
    if (key->code == KEY_MOUSE_ && key->button == MOUSE_LEFT)
        return click(view, key->y);
    if ((key->code == KEY_ESC || (pane->focused && key->code == KEY_TAB)) && !key->mods) {
        if (pane->focused)
            layout_focus(pane->tui, pane->tui->leaf);
        else
            pane_results_close(pane->tui);
        return true;
    }
    if ((int)view->rows->len <= view->height)
        return false;
    int page = MAX(view->height - 1, 1);
    if (key->code == KEY_PGUP && !key->mods)
        view->top -= page;
    else if (key->code == KEY_PGDN && !key->mods)
        view->top += page;
    else if (pane->focused && key->code == KEY_UP_ && !key->mods)
        view->top--;
    else if (pane->focused && key->code == KEY_DOWN_ && !key->mods)
        view->top++;
    else if (key->code == KEY_MOUSE_ && key->button == MOUSE_WHEEL_UP)
        view->top -= 3;
    else if (key->code == KEY_MOUSE_ && key->button == MOUSE_WHEEL_DOWN)
        view->top += 3;
    else
        return false;
    view->top = MAX(view->top, 0);
    pane_dirty(pane);
    return true;
}

static void destroy(struct pane *pane)
{
    struct pane_results *view = (struct pane_results *)pane;
    g_ptr_array_free(view->lines, TRUE);
    g_ptr_array_free(view->sinks, TRUE);
    g_array_free(view->rows, TRUE);
    g_free(view->heading);
    g_free(view->face);
    g_free(view->face_account);
    g_free(view);
}

static const struct pane_ops ops = { .name = "results", .destroy = destroy,
    .draw = draw, .key = on_key };

struct pane *pane_results_new(struct tui *tui)
{
    struct pane_results *view = g_new0(struct pane_results, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    view->lines = g_ptr_array_new_with_free_func(line_free_result);
    view->sinks = g_ptr_array_new();
    view->rows = g_array_new(FALSE, FALSE, sizeof(struct row_ref));
    return &view->pane;
}

/* ---- the sink ---- */

static struct results_sink *sink_of(struct sink *sink)
{
    return (struct results_sink *)sink;
}

static void log_line_to_console(struct tui *tui, enum role role, const char *text)
{
    pane_console_add(window_console(tui)->pane, 0, role, text);
}

static void show_begin(struct results_sink *sink)
{
    if (sink->shown)
        return;
    sink->shown = true;
    if (!results_of(sink->tui)->appending)
        begin(sink->tui, sink->heading);
}

static const struct field *field_of(const struct field *fields, size_t n, const char *name)
{
    static const struct field none = { .text = "" };
    for (size_t i = 0; i < n; i++)
        if (!strcmp(fields[i].name, name))
            return &fields[i];
    return &none;
}

/* The roster's name, else the local part. */
static char *short_name(struct job *job, const char *jid)
{
    g_autofree char *bare = jid_bare(jid ? jid : "");
    const char *name = account_display_name(job_account(job), bare);
    const char *at = name == bare ? strchr(bare, '@') : NULL;
    return text_clean(name, at > name ? at - name : -1, TEXT_ONE_LINE);
}

/* ---- what /search found ---- */

/* The words that were asked for, folded. */
static GPtrArray *words_of(struct job *job)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    for (const char *const *word = job_list(job, "words"); *word; word++) {
        g_auto(GStrv) parts = g_strsplit_set(*word, " \t\n\"", 64);
        for (char **part = parts; *part && words->len < WORDS_MAX; part++) {
            (*part)[text_fit(*part, -1, WORD_COLS)] = '\0';
            if (**part)
                g_ptr_array_add(words, text_fold(*part));
        }
    }
    return words;
}

static GArray *spans_of(const GPtrArray *words, const char *text, gsize from)
{
    GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct span));
    gsize size = strlen(text), len = 0;
    for (guint i = 0; i < words->len; i++) {
        const char *word = words->pdata[i], *at = text + from;
        while (spans->len < SPANS_MAX && *word &&
            (at = text_find_folded(word, at, size - (gsize)(at - text), &len))) {
            struct span span = { (guint32)(at - text), (guint32)(at - text + len) };
            g_array_append_val(spans, span);
            at += len;
        }
    }
    return spans;
}

/* So much of a text that its first hit is seen in cells. New string. */
static char *around_hit(const GPtrArray *words, const char *text, int cells, bool ascii)
{
    g_autoptr(GArray) spans = spans_of(words, text, 0);
    gsize first = G_MAXSIZE, end = 0;
    for (guint i = 0; i < spans->len; i++) {
        const struct span *span = &g_array_index(spans, struct span, i);
        if (span->start < first) {
            first = span->start;
            end = span->end;
        }
    }
    if (first == G_MAXSIZE || text_width(text, (gssize)end) <= cells)
        return g_strdup(text);
    int left = cells - 1 - text_width(text + first, (gssize)(end - first));
    int skip = MAX(text_width(text, (gssize)first) - CLAMP(left, 0, cells / 3), 0);
    gsize at = text_fit(text, -1, skip);
    return g_strconcat(mark_text(MARK_ELLIPSIS, ascii), text + at, NULL);
}

/* "-a ACCOUNT" where there are several. */
static void append_account(GString *line, struct tui *tui, struct job *job)
{
    if (tui->app->accounts->len < 2)
        return;
    g_autofree char *jid = tui_quote(job_account(job)->jid);
    g_string_append_printf(line, " -a %s", jid);
}

/* When and who; so little of it that there is room for the text. */
static char *hit_head(const struct pane_results *view, gint64 time_us, const char *from,
    const char *to)
{
    enum { NARROW = 50, NARROW_WHO = 10 };
    struct tui *tui = view->pane.tui;
    int cols = columns_of(view);
    bool narrow = cols < NARROW;
    char when[64];
    tui_format_time(time_us, narrow ? "%Y-%m-%d" : "%Y-%m-%d %H:%M", when, sizeof when);
    g_autofree char *who =
        to ? g_strconcat(narrow ? "" : from, narrow ? "> " : " > ", to, NULL) : g_strdup(from);
    g_autofree char *fit = text_ellipsize(
        who, narrow ? NARROW_WHO : cols * 2 / 3 - text_width(when, -1) - 4, tui->ascii);
    return g_strdup_printf("%s  %s  ", when, fit);
}

/* When, who, what; Enter goes there. */
static void add_hit(struct tui *tui, struct job *job, const struct field *fields, size_t n)
{
    struct pane_results *view = results_of(tui);
    const char *chat = field_of(fields, n, "chat")->text;
    const char *from = field_of(fields, n, "from")->text;
    const char *body = field_of(fields, n, "body")->text;
    g_autofree char *text = text_clean(body ? body : "", body ? (gssize)strnlen(body, 65536) : 0,
        TEXT_ONE_LINE);
    bool own = !g_strcmp0(field_of(fields, n, "direction")->text, "out");
    g_autofree char *name = short_name(job, from);
    g_autofree char *other = own ? short_name(job, chat) : NULL;
    g_autofree char *head =
        hit_head(view, field_of(fields, n, "time")->number, name, other);
    g_autoptr(GPtrArray) words = words_of(job);
    int room = columns_of(view) - 2 - text_width(head, -1);
    g_autofree char *shown = around_hit(words, text, MAX(room, 12), tui->ascii);
    g_autofree char *line = g_strconcat(head, shown, NULL);
    line[MIN(strlen(line), text_fit(line, -1, 2 * GRID_MAX))] = '\0';
    guint at = view->lines->len;
    add(tui, ROLE_PANEL, true, line);
    if (view->lines->len == at)
        return; /* full */
    struct result_line *added = view->lines->pdata[at];
    added->marks = spans_of(words, added->text, MIN(strlen(head), strlen(added->text)));
    added->needle = words->len ? g_strdup(words->pdata[0]) : NULL;
    g_autofree char *quoted = tui_quote(chat);
    g_autoptr(GString) go = g_string_new("/goto");
    append_account(go, tui, job);
    g_string_append_printf(go, " %" G_GINT64_FORMAT " --in %s",
        field_of(fields, n, "row")->number, quoted);
    added->go = g_string_free(g_steal_pointer(&go), FALSE);
    if (view->chosen == G_MAXUINT)
        view->chosen = at;
}

static void append_option(GString *line, const char *option, const char *value)
{
    g_autofree char *quoted = value ? tui_quote(value) : NULL;
    if (value)
        g_string_append_printf(line, " %s %s", option, quoted);
}

/* The same question again, from where this page ended. */
static char *next_page(struct tui *tui, struct job *job, gint64 row)
{
    static const char *const options[] = { "from", "since", "until", "count" };
    GString *line = g_string_new("/search");
    append_account(line, tui, job);
    const char *chat = job_arg(job, "chat");
    append_option(line, "--in", chat ? chat : job_chat(job) ? job_chat(job)->jid : "all");
    for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autofree char *name = g_strconcat("--", options[i], NULL);
        append_option(line, name, job_arg(job, options[i]));
    }
    g_string_append_printf(line, " --before-row %" G_GINT64_FORMAT " --", row);
    for (const char *const *word = job_list(job, "words"); *word; word++)
        append_option(line, "", *word);
    return g_string_free(line, FALSE);
}

static void add_next_page(struct results_sink *sink, struct job *job)
{
    struct pane_results *view = results_of(sink->tui);
    if (sink->hits < job_int(job, "count", SEARCH_HITS))
        return;
    guint at = view->lines->len;
    add(sink->tui, ROLE_DIM, true, _("Older ones: PageDown or Enter"));
    if (view->lines->len == at)
        return;
    struct result_line *line = view->lines->pdata[at];
    line->more = true;
    line->go = next_page(sink->tui, job, sink->last_row);
}

/* A line of /help, or a topic that was found: Enter shows it. */
static void add_help(struct tui *tui, const struct field *fields, size_t n)
{
    struct pane_results *view = results_of(tui);
    const char *text = field_of(fields, n, "text")->text;
    const char *topic = field_of(fields, n, "topic")->text;
    guint at = view->lines->len;
    add(tui, ROLE_PANEL, *topic, text);
    if (view->lines->len == at)
        return; /* full */
    struct result_line *line = view->lines->pdata[at];
    line->hang = *topic ? 0 : wrap_hang(text);
    log_line_to_console(tui, ROLE_TEXT, text);
    if (!*topic)
        return;
    line->go = g_strconcat("/help ", topic, NULL);
    if (view->chosen == G_MAXUINT)
        view->chosen = at;
}

static void on_row(struct sink *base, struct job *job, const char *kind,
    const struct field *fields, size_t n)
{
    struct results_sink *sink = sink_of(base);
    if (!sink->tui)
        return;
    bool help = !strcmp(kind, "help");
    if (help || !strcmp(kind, "hit")) {
        show_begin(sink);
        sink->noted = true;
        if (help)
            add_help(sink->tui, fields, n);
        else {
            sink->hits++;
            sink->last_row = field_of(fields, n, "row")->number;
            add_hit(sink->tui, job, fields, n);
        }
        return;
    }
    if (!sink->tables->len || g_strcmp0(sink->kind, kind)) {
        g_ptr_array_add(sink->tables, table_new());
        g_free(sink->kind);
        sink->kind = g_strdup(kind);
    }
    table_add(sink->tables->pdata[sink->tables->len - 1], fields, n);
}

static void on_note(struct sink *base, struct job *job, const char *text)
{
    struct results_sink *sink = sink_of(base);
    (void)job;
    if (!sink->tui)
        return;
    sink->noted = true;
    log_line_to_console(sink->tui, ROLE_NOTICE, text);
    if (sink->quiet)
        return;
    show_begin(sink);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (line[1] || **line)
            add(sink->tui, ROLE_PANEL, false, *line);
}

static void on_fail(struct sink *base, struct job *job, const char *condition, const char *text)
{
    struct results_sink *sink = sink_of(base);
    (void)job;
    if (!sink->tui)
        return;
    const char *sentence = text && *text ? text : condition;
    if (!g_strcmp0(condition, "cancelled")) { /* who said no knows */
        log_line_to_console(sink->tui, ROLE_NOTICE, sentence);
        return;
    }
    log_line_to_console(sink->tui, ROLE_ERROR, sentence);
    show_begin(sink);
    /* The engine's sentence may carry a second line with a caret. */
    g_auto(GStrv) lines = g_strsplit(sentence, "\n", -1);
    for (char **line = lines; *line; line++)
        add(sink->tui, ROLE_ERROR, line != lines, *line);
}

static void show_table(struct results_sink *sink, const struct table *table)
{
    struct tui *tui = sink->tui;
    gboolean heading = FALSE;
    g_autoptr(GPtrArray) lines =
        table_format(table, MAX(columns_of(results_of(tui)) - 2, 18), tui->ascii, &heading);
    show_begin(sink);
    for (guint i = 0; i < lines->len; i++) {
        enum role role = heading && !i ? ROLE_COLUMN : ROLE_PANEL;
        add(tui, role, heading, lines->pdata[i]);
        if (i < CONSOLE_ROWS)
            log_line_to_console(tui, i || !heading ? ROLE_TEXT : ROLE_COLUMN, lines->pdata[i]);
    }
}

/* "/who Friends", "/blocklist", "/theme"; but "/theme light" is an order. */
static bool asks_for_all(const struct job *job)
{
    const struct command *command = job_command(job);
    if (command->finds)
        return true;
    for (int i = 0; i < COMMAND_ARGS && command->args[i].name; i++)
        if (!command->args[i].option && job_arg(job, command->args[i].name))
            return false;
    return command->fields;
}

static void set_face(struct pane_results *view, struct job *job)
{
    const char *jid = job_arg(job, "jid");
    if (!jid)
        jid = job_chat(job) ? job_chat(job)->jid : job_account(job)->jid;
    g_free(view->face);
    g_free(view->face_account);
    view->face = jid_bare(jid);
    view->face_account = g_strdup(job_account(job)->jid);
    changed(view);
}

static void on_done(struct sink *base, struct job *job, bool ok)
{
    struct results_sink *sink = sink_of(base);
    struct tui *tui = sink->tui;
    for (guint i = 0; tui && i < sink->tables->len; i++) {
        if (i)
            add(tui, ROLE_PANEL, false, "");
        show_table(sink, sink->tables->pdata[i]);
    }
    /* A question that finds nothing says so; an order that was carried out
     * does not. */
    if (tui && ok && !sink->tables->len && !sink->noted && !sink->quiet && asks_for_all(job)) {
        show_begin(sink);
        add(tui, ROLE_PANEL, false, _("There is nothing to show."));
    }
    if (tui && ok && tui->linear && !sink->noted && !sink->tables->len)
        linear_done(tui->linear);
    if (tui && sink->hits)
        add_next_page(sink, job);
    if (tui && ok && sink->shown && !strcmp(job_name(job), "info"))
        set_face(results_of(tui), job);
    if (tui)
        g_ptr_array_remove_fast(results_of(tui)->sinks, sink);
    g_ptr_array_free(sink->tables, TRUE);
    g_free(sink->kind);
    g_free(sink->heading);
    g_free(sink);
}

static const struct sink_ops sink_ops = { on_row, on_note, on_fail, on_done };

static void table_destroy(gpointer table)
{
    table_free(table);
}

struct sink *results_sink_new(struct tui *tui, const char *line, bool quiet)
{
    struct results_sink *sink = g_new0(struct results_sink, 1);
    sink->sink.ops = &sink_ops;
    sink->tui = tui;
    sink->heading = text_clean(line, (gssize)strnlen(line, 200), TEXT_ONE_LINE);
    sink->quiet = quiet;
    sink->tables = g_ptr_array_new_with_free_func(table_destroy);
    g_ptr_array_add(results_of(tui)->sinks, sink);
    return &sink->sink;
}

void pane_results_detach(struct tui *tui)
{
    GPtrArray *sinks = results_of(tui)->sinks;
    for (guint i = 0; i < sinks->len; i++)
        ((struct results_sink *)sinks->pdata[i])->tui = NULL;
    g_ptr_array_set_size(sinks, 0);
}
