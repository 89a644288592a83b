/* The input line as it is seen: prompt, the text readline edits (wrapped, at
 * most ui.input_rows rows), and the menu of completions above it. */
#include "config.h"
#include "ui/ui.h"
#include "ui/spell.h"
#include "base/text.h"
#include "model/account.h"
#include "ui/draw/wrap.h"
#include "ui/term/line.h"
#include "ui/term/screen.h"
#include "xep/xep0085_chatstates.h"
#include "xmpp/reading.h"
#include <string.h>

#define DRAFT_MS 1000 /* what is typed is on disk so late at most */

enum {
    MENU_ROWS = 8, PASTE_LINES = 1, TEXT_MAX = 64 * 1024,
    PREVIEW_LINES = 8, PREVIEW_COLS = 60, PREVIEW_BYTES = 1024,
};

struct shown {
    char *text;       /* clean */
    gsize cursor;
    GArray *rows;
    int cols, cursor_row, cursor_col;
};

static const char *text_of(const struct tui *tui)
{
    return tui->line ? line_text(tui->line) : "";
}

static char *prompt_of(const struct tui *tui)
{
    const struct window *window = window_current(tui);
    const struct account *account =
        window->chat ? window->chat->account : app_default_account(tui->app);
    if (tui->line && line_message(tui->line))
        return text_clean(line_message(tui->line), -1, TEXT_ONE_LINE);
    const char *jid = account ? account->jid : "txmpp";
    const char *at = strchr(jid, '@');
    g_autofree char *name = text_clean(jid, at ? at - jid : -1, TEXT_ONE_LINE);
    g_autofree char *fit = text_ellipsize(name, MAX(tui->grid->cols / 4, 3), tui->ascii);
    const char *vi = tui->line && line_is_vi_command(tui->line) ? ":" : ">";
    return g_strdup_printf(" %s%s ", fit, vi);
}

/* Rows of the text at this width; the cursor never stands past the edge. */
static void show(const struct tui *tui, int cols, struct shown *out)
{
    const char *text = text_of(tui);
    gsize len = MIN(strlen(text), (gsize)TEXT_MAX);
    gsize cursor = tui->line ? MIN(line_cursor(tui->line), len) : 0;
    g_autofree char *before = text_clean(text, (gssize)cursor, 0);
    g_autofree char *after = text_clean(text + cursor, (gssize)(len - cursor), 0);
    g_autofree char *all = g_strconcat(before, after, NULL);
    out->text = g_strdelimit(g_steal_pointer(&all), "\t", ' ');
    out->cursor = strlen(before);
    out->cols = cols;
    out->rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    wrap_text(out->rows, out->text, strlen(out->text), MAX(cols - 1, 2), 4096);
    out->cursor_row = 0;
    for (guint i = 0; i < out->rows->len; i++)
        if (g_array_index(out->rows, struct wrap_row, i).start <= out->cursor)
            out->cursor_row = (int)i;
    const struct wrap_row *row = &g_array_index(out->rows, struct wrap_row, out->cursor_row);
    out->cursor_col = text_width(out->text + row->start, (gssize)(out->cursor - row->start));
}

static void shown_clear(struct shown *shown)
{
    g_free(shown->text);
    g_array_free(shown->rows, TRUE);
}

static int prompt_width(const struct tui *tui, char **prompt)
{
    *prompt = prompt_of(tui);
    int width = text_width(*prompt, -1);
    if (tui->grid->cols < 40 || width > tui->grid->cols / 2) {
        g_free(*prompt);
        *prompt = g_strdup("> ");
        width = 2;
    }
    return width;
}

int pane_input_rows(struct tui *tui, int most)
{
    const char *text = text_of(tui);
    if (most <= 1 || (strlen(text) < (gsize)tui->grid->cols / 4 && !strchr(text, '\n')))
        return 1;
    g_autofree char *prompt = NULL;
    struct shown shown;
    show(tui, tui->grid->cols - prompt_width(tui, &prompt), &shown);
    int rows = CLAMP((int)shown.rows->len, 1, most);
    shown_clear(&shown);
    return rows;
}

static void draw_ghost(struct tui *tui, struct area area, int x)
{
    const struct window *window = window_current(tui);
    g_autofree char *hint = hints_text(tui);
    g_autofree char *text = *text_of(tui) ? g_strdup("")
        : window->chat ? g_strdup_printf(_("Message to %s"), window_name(window))
        : hint         ? g_strdup("")
                       : g_strdup(_("/help lists the commands, F1 the keys; Tab completes"));
    int used = *text ? grid_text_fit(area, x + 1, 0, area.cols - x - 2, style_of(ROLE_GHOST), text)
                     : 0;
    /* A cut hint would say the half of it. */
    int at = x + 1 + used + (used ? 3 : 0);
    if (hint && at + text_width(hint, -1) < area.cols)
        grid_text_fit(area, at, 0, area.cols - at - 1, style_of(ROLE_GHOST), hint);
}

static bool is_prose(const char *text)
{
    return *text && (text[0] != '/' || text[1] == '/' || g_str_has_prefix(text, "/me "));
}

/* Underlines what is misspelt of the rows from top on; not the word that is
 * being typed. */
static void draw_spelling(struct tui *tui, struct area area, int x, const struct shown *shown,
    guint top)
{
    spell_update(tui);
    guint last = MIN(top + (guint)area.rows, shown->rows->len) - 1;
    gsize begin = g_array_index(shown->rows, struct wrap_row, top).start;
    const char *end = shown->text + g_array_index(shown->rows, struct wrap_row, last).end;
    while (begin && !strchr(" \n", shown->text[begin - 1]))
        begin--; /* the whole of a word that is broken */
    const char *at = shown->text + begin, *word;
    gsize len;
    while (spell_next_word(&at, end, &word, &len)) {
        gsize from = (gsize)(word - shown->text), to = from + len;
        if (to == shown->cursor || spell_check(tui->spell, word, len) != SPELLING_WRONG)
            continue;
        for (guint i = top; i <= last; i++) {
            const struct wrap_row *row = &g_array_index(shown->rows, struct wrap_row, i);
            gsize a = MAX(from, row->start), b = MIN(to, row->end);
            if (a < b)
                grid_overlay(area, x + text_width(shown->text + row->start, (gssize)(a - row->start)),
                    (int)(i - top), text_width(shown->text + a, (gssize)(b - a)),
                    style_of(ROLE_MISSPELT));
        }
    }
}

static void draw(struct pane *pane, struct area area)
{
    struct tui *tui = pane->tui;
    g_autofree char *prompt = NULL;
    int x = prompt_width(tui, &prompt);
    bool focused = !tui->aside && !tui->dialogs->len;
    area_clear(area, style_of(ROLE_INPUT));
    const char *text = text_of(tui);
    bool command = text[0] == '/' && text[1] != '/';
    grid_text(area, 0, 0, x, style_of(command ? ROLE_PROMPT_COMMAND : ROLE_PROMPT), prompt);
    if (!*text && focused)
        draw_ghost(tui, area, x);
    else if (!strcmp(text, "/") && focused && !tui->completion)
        draw_ghost(tui, area, x + 2);
    struct shown shown;
    show(tui, area.cols - x, &shown);
    int top = CLAMP(shown.cursor_row - area.rows + 1, 0, MAX((int)shown.rows->len - area.rows, 0));
    for (int y = 0; y < area.rows && top + y < (int)shown.rows->len; y++) {
        const struct wrap_row *row = &g_array_index(shown.rows, struct wrap_row, top + y);
        grid_text_n(area, x, y, area.cols - x, style_of(ROLE_INPUT),
            shown.text + row->start, (gssize)(row->end - row->start));
    }
    if (is_prose(text))
        draw_spelling(tui, area, x, &shown, (guint)top);
    if (focused)
        grid_cursor(area, MIN(x + shown.cursor_col, area.cols - 1),
            CLAMP(shown.cursor_row - top, 0, area.rows - 1));
    shown_clear(&shown);
}

/* ---- completion menu ---- */

void input_menu_close(struct tui *tui)
{
    if (!tui->completion)
        return;
    completion_free(tui->completion);
    tui->completion = NULL;
    g_clear_pointer(&tui->completion_head, g_free);
    tui_dirty_all(tui);
}

static gsize common_prefix(const GPtrArray *items)
{
    const char *first = items->pdata[0];
    gsize len = strlen(first);
    for (guint i = 1; i < items->len; i++) {
        const char *item = items->pdata[i];
        gsize same = 0;
        while (same < len && item[same] == first[same])
            same++;
        len = same;
    }
    while (len && ((guchar)first[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static void put_item(struct tui *tui, const char *item, bool last)
{
    struct completion *completion = tui->completion;
    g_autofree char *text = completion_insertion(completion, item, last);
    const char *line = line_text(tui->line);
    gsize end = MAX(line_cursor(tui->line), completion->from);
    (void)line;
    line_replace(tui->line, completion->from, end, text);
}

void input_complete(struct tui *tui)
{
    if (tui->completion || !tui->line || !tui->app->engine)
        return;
    struct run_context context = { .front = &tui->front,
        .chat = window_current(tui)->chat };
    context.account = context.chat ? context.chat->account : NULL;
    if (*line_text(tui->line) == '/')
        hints_learn(tui, "complete");
    tui->completion = engine_complete(tui->app->engine, line_text(tui->line),
        line_cursor(tui->line), &context);
    if (!tui->completion)
        return;
    GPtrArray *items = tui->completion->items;
    if (!items || !items->len) {
        input_menu_close(tui);
        return;
    }
    tui->completion_at = G_MAXUINT;
    tui->completion_head = g_strdup(line_text(tui->line));
    if (items->len == 1) {
        put_item(tui, items->pdata[0], true);
        input_menu_close(tui);
        return;
    }
    gsize len = common_prefix(items);
    gsize typed = tui->completion->to - tui->completion->from;
    if (len > typed) {
        g_autofree char *prefix = g_strndup(items->pdata[0], len);
        put_item(tui, prefix, false);
    }
    tui_dirty_all(tui);
}

bool input_menu_step(struct tui *tui, int step)
{
    if (!tui->completion)
        return false;
    guint count = tui->completion->items->len;
    if (tui->completion_at == G_MAXUINT)
        tui->completion_at = step > 0 ? 0 : count - 1;
    else
        tui->completion_at = (guint)((gint64)tui->completion_at + step + count) % count;
    put_item(tui, tui->completion->items->pdata[tui->completion_at], false);
    tui_dirty_all(tui);
    return true;
}

void input_draw_menu(struct tui *tui, struct area area)
{
    if (!tui->completion || area.cols < 8 || area.rows < 4)
        return;
    GPtrArray *items = tui->completion->items;
    int widest = 4;
    for (guint i = 0; i < MIN(items->len, 500u); i++)
        widest = MAX(widest, text_width(items->pdata[i], -1));
    int width = MIN(widest + 2, area.cols - 2);
    int rows = MIN(MIN((int)items->len, MENU_ROWS), area.rows - 2);
    int x = tui->input->x + 1, y = tui->input->y - rows - (tui->input->y > 1 && area.rows > 6);
    g_autofree char *prompt = NULL;
    x = prompt_width(tui, &prompt) + text_width(tui->completion_head,
        (gssize)MIN(tui->completion->from, strlen(tui->completion_head))) - 1;
    x = CLAMP(x, 0, area.cols - width);
    struct area menu = area_sub(area, x, MAX(y, 0), width, rows);
    guint at = tui->completion_at == G_MAXUINT ? 0 : tui->completion_at;
    guint top = at >= (guint)rows ? at - (guint)rows + 1 : 0;
    area_clear(menu, style_of(ROLE_MENU));
    for (int i = 0; i < rows && top + (guint)i < items->len; i++) {
        bool chosen = top + (guint)i == tui->completion_at;
        style_t style = style_of(chosen ? ROLE_MENU_SELECTED : ROLE_MENU);
        area_clear(area_sub(menu, 0, i, width, 1), style);
        grid_text_fit(menu, 1, i, width - 2, style, items->pdata[top + (guint)i]);
    }
    if (items->len > (guint)rows)
        grid_mark(menu, width - 1, rows - 1, style_of(ROLE_MENU), MARK_ELLIPSIS);
}

/* ---- drafts, chat states, paste ---- */

void input_save_draft(struct tui *tui)
{
    struct window *window = window_current(tui);
    if (!tui->line || !window->chat)
        return;
    chat_set_draft(window->chat, line_text(tui->line));
}

static gboolean on_draft_timer(gpointer data)
{
    struct tui *tui = data;
    tui->draft_source = 0;
    input_save_draft(tui);
    return G_SOURCE_REMOVE;
}

void input_load_draft(struct tui *tui)
{
    struct window *window = window_current(tui);
    if (!tui->line)
        return;
    const char *draft = window->chat && window->chat->draft ? window->chat->draft : "";
    line_set(tui->line, draft, strlen(draft));
    pane_dirty(tui->input);
}

/* After every key that may have changed the line: what it needs to be seen. */
void input_changed(struct tui *tui)
{
    tui->line_changed = true;
    int rows = pane_input_rows(tui, tui_option_int(tui, "ui.input_rows"));
    if (rows != tui->input->rows)
        tui->relayout = true;
    pane_dirty(tui->input);
}

/* The peer and the draft may hear of it when it has been seen. */
void input_settle(struct tui *tui)
{
    if (!tui->line_changed)
        return;
    tui->line_changed = false;
    struct window *window = window_current(tui);
    const char *text = text_of(tui);
    if (window->chat && window->chat->account->session &&
        window->chat->kind == CHAT_CONTACT) {
        bool writing = *text && (text[0] != '/' || g_str_has_prefix(text, "/me "));
        chatstate_set(window->chat, writing ? CHATSTATE_COMPOSING : CHATSTATE_ACTIVE);
    }
    if (window->chat && !tui->draft_source)
        tui->draft_source = g_timeout_add(DRAFT_MS, on_draft_timer, tui);
}

static void insert_paste(struct tui *tui, bool yes, gpointer data)
{
    if (!yes || !tui->line)
        return;
    line_insert(tui->line, data);
    input_changed(tui);
}

/* The first lines and the last one, each cut to a row. */
static char *preview(const char *text, guint lines, bool ascii)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < lines; i++) {
        gsize len = strcspn(text, "\n");
        bool left_out = lines > PREVIEW_LINES && i >= PREVIEW_LINES - 2 && i + 1 < lines;
        if (left_out && i == PREVIEW_LINES - 2)
            g_string_append_printf(out, "%s (%u)\n", mark_text(MARK_ELLIPSIS, ascii),
                lines - PREVIEW_LINES + 1);
        if (!left_out) {
            g_autofree char *line = g_strndup(text, MIN(len, (gsize)PREVIEW_BYTES));
            g_autofree char *clean = text_clean(line, -1, TEXT_ONE_LINE);
            g_autofree char *fit = text_ellipsize(clean, PREVIEW_COLS, ascii);
            g_string_append_printf(out, "%s %s\n", mark_text(MARK_VLINE, ascii), fit);
        }
        text += len + (text[len] == '\n');
    }
    return g_string_free(out, FALSE);
}

/* H63: pasted text is text, whatever is in it; several lines ask first. */
void input_paste(struct tui *tui, const struct key *key)
{
    if (!tui->line)
        return;
    g_autofree char *text = text_clean(key->paste, (gssize)key->paste_len, 0);
    gsize len = strlen(text);
    /* text_clean shows CR as a mark; a terminal sends CR for a line's end. */
    g_autoptr(GString) unix_text = g_string_sized_new(len);
    for (gsize i = 0; i < key->paste_len; i++) {
        char c = key->paste[i];
        if (c == '\r') {
            if (i + 1 >= key->paste_len || key->paste[i + 1] != '\n')
                g_string_append_c(unix_text, '\n');
        } else
            g_string_append_c(unix_text, c);
    }
    g_free(text);
    text = text_clean(unix_text->str, (gssize)unix_text->len, 0);
    g_strdelimit(text, "\t", ' ');
    len = strlen(text);
    while (len && text[len - 1] == '\n')
        text[--len] = '\0';
    guint lines = 1;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    if (lines <= PASTE_LINES || !tui_option_bool(tui, "ui.paste_guard")) {
        line_insert(tui->line, text);
        input_changed(tui);
        return;
    }
    g_autofree char *shown = preview(text, lines, tui->ascii);
    g_autofree char *question = g_strdup_printf(
        ngettext("The clipboard holds %u line (%zu characters).",
            "The clipboard holds %u lines (%zu characters).", lines),
        lines, (size_t)g_utf8_strlen(text, -1));
    g_autofree char *whole = g_strdup_printf("%s\n\n%s\n%s%s", question, shown,
        _("They become one message, sent when you press Enter. Put them into the input line?"),
        key->paste_cut ? _("\nThe rest was too long and is left out.") : "");
    dialog_confirm(tui, _("Paste"), whole, false, insert_paste, g_steal_pointer(&text), g_free);
}

static void destroy(struct pane *pane)
{
    g_free(pane);
}

static const struct pane_ops ops = { .name = "input", .destroy = destroy, .draw = draw };

struct pane *pane_input_new(struct tui *tui)
{
    struct pane *pane = g_new0(struct pane, 1);
    *pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    return pane;
}
