/*
 * A conversation. Nothing is laid out before it is seen: a position is (index
 * of a message, row in it), and drawing walks from there. The layout of what
 * was seen is kept by message until the width or the message changes.
 *
 * What is looked at is the newest part, which the model holds, or after
 * scrolling back a run of messages out of the store (past), which grows at the
 * end that is neared and is cut at the other. Where the store ends the archive
 * is asked; nothing waits for it.
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include "store/history.h"
#include "ui/filter.h"
#include "ui/draw/wrap.h"
#include "ui/pane/chat_text.h"
#include "ui/picture/pictures.h"
#include "xep/xep0313_mam.h"
#include <string.h>
#include <time.h>

enum {
    NICK_LONG = 10,    /* longer names are shown by their first word */
    HIDDEN_MAX = 8192, /* answers of the filters kept */
    GROW_MAX = 3,      /* pages at once: what is looked at stays among PAST_MAX */
    LAID_MAX = 2 * GRID_MAX, /* layouts kept: more than are seen at once */
    TAIL_ROWS = 3,     /* newest lines that stay when scrolled back */
    TAIL_FROM = 12,    /* … on panes of at least so many rows */
    ROW_LAST = G_MAXINT,
    OPEN_PAGE = 100,   /* messages of an opened chat */
    PAST_PAGE = 200,   /* … loaded at a time when scrolling */
    PAST_MAX = 1000,   /* … kept of the past */
};

/* Columns of the pane at one width. */
struct columns {
    int cols, time_x, time, nick_x, nick, text_x, text, mark;
};

struct position {
    guint index;
    int row;
};

struct pane_chat {
    struct pane pane;
    struct window *window;
    GHashTable *laid; /* key of a message → struct chat_text */
    int laid_cols;
    unsigned laid_flags; /* enum chat_text_flags */
    bool follow;
    guint64 anchor;   /* key of the message at the bottom when !follow */
    int anchor_row;
    guint64 new_key;
    guint64 mark;     /* key of what was searched for, 0: none */
    char *needle;     /* marked wherever it stands, folded; NULL: nothing */
    guint64 picked;   /* key of the message under the cursor, 0: nothing is picked … */
    int picked_y;     /* … and the row it begins in */
    int y;            /* of the pane on the grid, when last drawn */
    GArray *seen;     /* guint64: for every row the key of its message, or 0 */
    GPtrArray *past;  /* struct message*, owned; NULL: what the model holds */
    gint64 reach;     /* from here on the archive has been read (xep0313_mam.h) */
    bool gap_seen;    /* … and what is before it is on the screen */
    bool deaf;        /* the archive refused the last time */
    bool fetching;    /* it was asked … */
    int wanted;       /* … by scrolling up so many rows */
    guint64 cleared;  /* up to this message the view was cleared; scrolling
                         back shows them again */
    GHashTable *hidden; /* key of a message → does a filter hide it: 1 no, 2 yes */
    guint hidden_version;
    int rows_seen;    /* of the part that scrolls, when last drawn */
    struct columns columns;
    char day_buffer[64];
};

static struct pane_chat *chat_of(struct pane *pane)
{
    return (struct pane_chat *)pane;
}

static GPtrArray *messages_of(const struct pane_chat *view)
{
    return view->past ? view->past : view->window->chat->messages;
}

/* Rows of the store are times in µs: no number is ever that big. */
static guint64 key_of(const struct message *message)
{
    return message->row > 0 ? (guint64)message->row : message->number;
}

static const struct message *message_at(const struct pane_chat *view, guint index)
{
    return g_ptr_array_index(messages_of(view), index);
}

static const char *nick_of(const struct pane_chat *view, const struct message *message)
{
    const struct chat *chat = view->window->chat;
    if (message->nick && *message->nick)
        return message->nick;
    if (!message->outgoing)
        return account_display_name(chat->account, chat->jid);
    return account_display_name(chat->account, chat->account->jid);
}

/* The local part of an address; the first word of a long name. */
static char *short_nick(const char *name)
{
    const char *at = strchr(name, '@');
    char *clean = text_clean(name,
        (gssize)(at && at != name ? (gsize)(at - name) : strnlen(name, 256)), TEXT_ONE_LINE);
    char *blank = strchr(clean, ' ');
    if (blank && blank - clean >= 3 && text_width(clean, -1) > NICK_LONG)
        *blank = '\0';
    return clean;
}

static int nick_width(const struct pane_chat *view)
{
    const struct chat *chat = view->window->chat;
    if (chat->kind != CHAT_CONTACT)
        return 12;
    g_autofree char *peer = short_nick(account_display_name(chat->account, chat->jid));
    g_autofree char *own = short_nick(account_display_name(chat->account, chat->account->jid));
    return CLAMP(MAX(text_width(peer, -1), text_width(own, -1)), 4, 16);
}

static void measure(struct pane_chat *view, int cols)
{
    struct columns c = { .cols = cols };
    char sample[64];
    if (cols >= 36)
        c.time = MIN(20, tui_format_time(0, tui_option(view->pane.tui, "ui.time"),
            sample, sizeof sample));
    bool wide = cols >= 60;
    c.time_x = wide ? 1 : 0;
    c.nick_x = c.time ? c.time_x + c.time + (wide ? 2 : 1) : wide;
    c.nick = MIN(nick_width(view), wide ? MAX(cols / 5, 8) : cols >= 30 ? 8 : 6);
    c.text_x = c.nick_x + c.nick + (wide ? 2 : 1);
    c.mark = view->pane.tui->ascii && cols < 30 ? 1 : 2;
    c.text = MAX(cols - c.text_x - c.mark - 1 - (wide ? 1 : 0), 2);
    view->columns = c;
    unsigned flags = (tui_option_bool(view->pane.tui, "ui.styling") ? CHAT_TEXT_STYLED : 0) |
        (tui_option_bool(view->pane.tui, "ui.link_numbers") ? CHAT_TEXT_NUMBERED : 0);
    if (view->laid_cols != c.text || view->laid_flags != flags) {
        g_hash_table_remove_all(view->laid);
        view->laid_cols = c.text;
        view->laid_flags = flags;
    }
}

static struct chat_text *lay_out(struct pane_chat *view, const struct message *message)
{
    gpointer key = GSIZE_TO_POINTER((gsize)key_of(message));
    struct chat_text *text = g_hash_table_lookup(view->laid, key);
    if (text)
        return text;
    if (g_hash_table_size(view->laid) >= LAID_MAX)
        g_hash_table_remove_all(view->laid);
    g_autofree char *nick = short_nick(nick_of(view, message));
    text = chat_text_new(message, nick, view->columns.text, view->laid_flags);
    text->picture_rows = pictures_rows(view->pane.tui->pictures, view->window->chat, message,
        view->columns.text);
    g_hash_table_insert(view->laid, key, text);
    return text;
}

char *pane_chat_line(const struct window *window, const struct message *message)
{
    const struct pane_chat *view = chat_of(window->pane);
    char time[64];
    tui_format_time(message->time_us, tui_option(view->pane.tui, "ui.time"), time, sizeof time);
    g_autofree char *nick = short_nick(nick_of(view, message));
    auto_struct(chat_text) text = chat_text_new(message, nick, GRID_MAX, 0);
    GString *out = g_string_new(time);
    if (text->action)
        g_string_append(out, " * ");
    else if (message->type == MESSAGE_NOTICE)
        g_string_append_printf(out, " %s ", mark_text(MARK_DOT, view->pane.tui->ascii));
    else
        g_string_append_printf(out, " %s: ", nick);
    g_auto(GStrv) lines = g_strsplit(text->text, "\n", -1);
    g_autofree char *all = g_strjoinv("\n  ", lines); /* nobody writes another's line */
    g_string_append(out, all);
    if (text->error)
        g_string_append_printf(out, "\n  %s", text->error);
    return g_string_free(out, FALSE);
}

static void local_day(gint64 time_us, struct tm *tm)
{
    time_t seconds = (time_t)(time_us / G_USEC_PER_SEC);
    if (!localtime_r(&seconds, tm))
        *tm = (struct tm){ 0 };
}

/* A hidden message has no rows, and is no neighbour of others. */
static bool is_hidden(struct pane_chat *view, const struct message *message)
{
    struct filters *filters = view->pane.tui->filters;
    if (!filters_list(filters)->len)
        return false;
    if (view->hidden_version != filters_version(filters) ||
        g_hash_table_size(view->hidden) > HIDDEN_MAX) {
        g_hash_table_remove_all(view->hidden);
        view->hidden_version = filters_version(filters);
    }
    gpointer key = GSIZE_TO_POINTER((gsize)key_of(message));
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(view->hidden, key));
    if (!known) {
        known = 1 + filters_hide(filters, view->window->chat, message);
        g_hash_table_insert(view->hidden, key, GUINT_TO_POINTER(known));
    }
    return known == 2;
}

/* The next one that is shown, G_MAXUINT: none. */
static guint shown_before(struct pane_chat *view, guint index)
{
    while (index-- > 0)
        if (!is_hidden(view, message_at(view, index)))
            return index;
    return G_MAXUINT;
}

static guint shown_after(struct pane_chat *view, guint index)
{
    while (++index < messages_of(view)->len)
        if (!is_hidden(view, message_at(view, index)))
            return index;
    return G_MAXUINT;
}

static bool begins_day(struct pane_chat *view, guint index)
{
    guint previous = shown_before(view, index);
    if (previous == G_MAXUINT)
        return true;
    struct tm now, before;
    local_day(message_at(view, index)->time_us, &now);
    local_day(message_at(view, previous)->time_us, &before);
    return now.tm_yday != before.tm_yday || now.tm_year != before.tm_year;
}

static bool begins_new(const struct pane_chat *view, guint index)
{
    return view->new_key && key_of(message_at(view, index)) == view->new_key;
}

/* Between what was imported and where the archive was left off. */
static bool ends_gap(struct pane_chat *view, guint index)
{
    guint previous = view->reach > 0 ? shown_before(view, index) : G_MAXUINT;
    return previous != G_MAXUINT && message_at(view, index)->row >= view->reach &&
        message_at(view, previous)->row > 0 && message_at(view, previous)->row < view->reach;
}

static int lead_rows(struct pane_chat *view, guint index)
{
    return ends_gap(view, index) + begins_day(view, index) + begins_new(view, index);
}

static int rows_of(struct pane_chat *view, guint index)
{
    if (is_hidden(view, message_at(view, index)))
        return 0;
    struct chat_text *laid = lay_out(view, message_at(view, index));
    return lead_rows(view, index) + (int)laid->rows->len + laid->picture_rows +
        (laid->error_rows ? (int)laid->error_rows->len : 0);
}

static void draw_rule(struct pane_chat *view, struct area area, int y, style_t style, const char *text)
{
    int width = text_width(text, -1);
    int left = MAX((area.cols - width - 2) / 2, 0);
    (void)view;
    grid_hline(area, 1, y, area.cols - 2, style);
    if (width + 2 > area.cols)
        return;
    grid_text(area, left, y, 1, style, " ");
    grid_text(area, left + 1, y, width, style, text);
    grid_text(area, left + 1 + width, y, 1, style, " ");
}

static void draw_day(struct pane_chat *view, struct area area, int y, guint index)
{
    char text[128];
    const char *format = area.cols >= 40 ? _("%A, %e %B %Y") : "%Y-%m-%d";
    if (tui_format_time(message_at(view, index)->time_us, format, text, sizeof text))
        draw_rule(view, area, y, style_of(ROLE_DAY), text);
}

static void draw_new(struct pane_chat *view, struct area area, int y, guint index)
{
    guint count = 0;
    for (guint i = index; i < messages_of(view)->len && count < 10000; i++)
        count += !message_at(view, i)->outgoing && !is_hidden(view, message_at(view, i));
    g_autofree char *text = g_strdup_printf(ngettext("%u new", "%u new", count), count);
    draw_rule(view, area, y, style_of(ROLE_NEW), text);
}

static void draw_mark(struct pane_chat *view, struct area area, int y, const struct message *message)
{
    static const struct {
        enum role role;
        enum mark mark;
    } marks[] = {
        [DELIVERY_QUEUED] = { ROLE_QUEUED, MARK_QUEUED },
        [DELIVERY_SENT] = { ROLE_SENT, MARK_SENT },
        [DELIVERY_DELIVERED] = { ROLE_DELIVERED, MARK_DELIVERED },
        [DELIVERY_DISPLAYED] = { ROLE_DISPLAYED, MARK_DISPLAYED },
        [DELIVERY_FAILED] = { ROLE_FAILED, MARK_FAILED },
    };
    (void)view;
    if (!message->outgoing || message->delivery == DELIVERY_NONE ||
        message->delivery >= G_N_ELEMENTS(marks))
        return;
    enum mark mark = marks[message->delivery].mark;
    int width = mark_width(mark, area.grid->ascii);
    int edge = area.cols - (area.cols >= 60 ? 1 : 0);
    grid_mark(area, edge - width, y, style_of(marks[message->delivery].role), mark);
}

static void draw_head(struct pane_chat *view, struct area area, int y,
    const struct message *message, const struct chat_text *laid)
{
    const struct columns *c = &view->columns;
    if (c->time) {
        char text[64];
        tui_format_time(message->time_us, tui_option(view->pane.tui, "ui.time"),
            text, sizeof text);
        grid_text(area, c->time_x, y, c->time, style_of(ROLE_TIME), text);
    }
    if (message->type == MESSAGE_NOTICE) {
        grid_mark(area, c->nick_x, y, style_of(ROLE_NOTICE), MARK_DOT);
        return;
    }
    if (laid->action) {
        grid_text(area, c->nick_x + c->nick - 1, y, 1, style_of(ROLE_ACTION), "*");
        return;
    }
    g_autofree char *nick = short_nick(nick_of(view, message));
    const struct chat *chat = view->window->chat;
    style_t style = message->outgoing ? style_of(ROLE_NICK_SELF)
        : tui_nick_style(view->pane.tui, chat->kind == CHAT_CONTACT ? chat->jid : NULL, nick);
    grid_text_fit(area, c->nick_x, y, c->nick, style_with(style, ATTR_BOLD), nick);
}

static style_t body_style(const struct message *message, const struct chat_text *laid, guint row)
{
    if (laid->subject && !row)
        return style_with(style_of(ROLE_MESSAGE), ATTR_BOLD);
    if (laid->action)
        return style_of(ROLE_ACTION);
    if (message->redacted && !message->body)
        return style_of(ROLE_NOTICE);
    switch (message->type) {
    case MESSAGE_NOTICE:
    case MESSAGE_HEADLINE:
        return style_of(ROLE_NOTICE);
    case MESSAGE_ERROR:
        return style_of(ROLE_ERROR);
    default:
        return style_of(ROLE_MESSAGE);
    }
}

static void draw_picked(
    struct pane_chat *view, struct area area, int y, const struct message *message, bool first)
{
    const struct columns *c = &view->columns;
    int row = area.y + y - view->y;
    if (row < (int)view->seen->len)
        g_array_index(view->seen, guint64, row) = key_of(message);
    if (!view->picked || key_of(message) != view->picked)
        return;
    grid_ground(area, c->text_x - 1, y, area.cols - c->text_x + 1, ROLE_PICKED);
    if (first) {
        grid_mark(area, c->text_x - 1, y, style_of(ROLE_PICKED), MARK_FOCUS);
        view->picked_y = row;
    }
}

/* Where the needle stands in a row, also a part of it. */
static void draw_found(struct pane_chat *view, struct area area, int y,
    const struct chat_text *laid, guint index)
{
    const struct wrap_row *row = &g_array_index(laid->rows, struct wrap_row, index);
    gsize len, before = view->needle ? 4 * strlen(view->needle) : 0;
    const char *begin = laid->text + row->start, *end = laid->text + row->end;
    const char *at = laid->text + (row->start > before ? row->start - before : 0);
    while (view->needle && (at = text_find_folded(view->needle, at, strlen(at), &len)) && at < end) {
        const char *from = MAX(at, begin), *to = MIN(at + len, end);
        if (to > from)
            grid_restyle(area, view->columns.text_x + text_width(begin, from - begin), y,
                text_width(from, to - from), style_of(ROLE_FOUND));
        at += len;
    }
}

static void draw_row(struct pane_chat *view, struct area area, int y, struct position at)
{
    const struct message *message = message_at(view, at.index);
    int row = at.row;
    if (ends_gap(view, at.index) && row-- == 0) {
        draw_rule(view, area, y, style_of(ROLE_RULE), _("messages may be missing here"));
        view->gap_seen = true;
        return;
    }
    if (begins_day(view, at.index) && row-- == 0) {
        draw_day(view, area, y, at.index);
        return;
    }
    if (begins_new(view, at.index) && row-- == 0) {
        draw_new(view, area, y, at.index);
        return;
    }
    const struct chat_text *laid = lay_out(view, message);
    const struct columns *c = &view->columns;
    if (row < 0)
        return;
    if (row < (int)laid->rows->len) {
        if (!row)
            draw_head(view, area, y, message, laid);
        chat_text_draw(laid, area_sub(area, 0, 0, c->text_x + c->text, area.rows), c->text_x, y,
            (guint)row, body_style(message, laid, (guint)row));
        draw_found(view, area, y, laid, (guint)row);
        draw_picked(view, area, y, message, !row);
        if (view->mark && key_of(message) == view->mark)
            grid_restyle(area, c->time_x, y, c->time, style_of(ROLE_SELECTED));
        if (row == (int)laid->rows->len - 1)
            draw_mark(view, area, y, message);
        return;
    }
    row -= (int)laid->rows->len;
    if (row < laid->picture_rows) {
        pictures_draw_row(view->pane.tui->pictures, view->window->chat, message, row, area,
            c->text_x, y, c->text);
        return;
    }
    row -= laid->picture_rows;
    if (!laid->error_rows || row >= (int)laid->error_rows->len)
        return;
    if (!row)
        grid_mark(area, c->text_x, y, style_of(ROLE_ERROR), MARK_REPLY);
    chat_text_draw_error(laid, area, c->text_x + 2, y, (guint)row);
}

/* Of the last message that is shown; without rows when none is. */
static struct position last_position(struct pane_chat *view)
{
    guint last = shown_before(view, messages_of(view)->len);
    if (last == G_MAXUINT)
        return (struct position){ messages_of(view)->len - 1, -1 };
    return (struct position){ last, rows_of(view, last) - 1 };
}

/* Moves up by at most rows; returns how many it could. */
static int step_up(struct pane_chat *view, struct position *at, int rows)
{
    int left = rows;
    while (left > 0) {
        int take = CLAMP(at->row, 0, left);
        guint previous;
        at->row -= take;
        left -= take;
        if (!left || (previous = shown_before(view, at->index)) == G_MAXUINT)
            break;
        at->index = previous;
        at->row = rows_of(view, at->index) - 1;
        left--;
    }
    return rows - left;
}

static int step_down(struct pane_chat *view, struct position *at, int rows)
{
    int left = rows;
    while (left > 0) {
        int below = rows_of(view, at->index) - 1 - at->row;
        int take = CLAMP(below, 0, left);
        guint next;
        at->row += take;
        left -= take;
        if (!left || (next = shown_after(view, at->index)) == G_MAXUINT)
            break;
        at->index = next;
        at->row = 0;
        left--;
    }
    return rows - left;
}

/* Links are counted from the lowest one that is seen upwards, as /url does;
 * numbered false: what is drawn is not what /url speaks of. */
static void number_links(struct pane_chat *view, guint bottom, guint top, bool numbered)
{
    guint next = 1;
    for (guint i = bottom + 1; i-- > top;) {
        if (is_hidden(view, message_at(view, i)))
            continue;
        struct chat_text *text = lay_out(view, message_at(view, i));
        chat_text_number(text, numbered ? next : 0);
        next += text->link_count;
    }
}

static guint count_hidden(struct pane_chat *view, guint from, guint to)
{
    guint count = 0;
    for (guint i = from; i <= to; i++)
        count += is_hidden(view, message_at(view, i));
    return count;
}

/* Where drawing begins so that bottom is in the last of so many rows. */
static struct position top_for(
    struct pane_chat *view, struct position bottom, int rows, guint first, int *drawn)
{
    struct position at = bottom, above = bottom;
    *drawn = bottom.row >= 0;
    while (*drawn && *drawn < rows && step_up(view, &above, 1) && above.index >= first) {
        at = above;
        ++*drawn;
    }
    return at;
}

/* The rows up to bottom; above them how many messages among them (following,
 * also behind them) are hidden. */
static void draw_up_to(struct pane_chat *view, struct area area, struct position bottom,
    guint first, bool numbered)
{
    int rows, y = 0;
    struct position at = top_for(view, bottom, area.rows, first, &rows);
    guint last = view->follow ? messages_of(view)->len - 1 : bottom.index;
    guint hidden = count_hidden(view, bottom.row < 0 ? first : MAX(first, at.index), last);
    if (hidden && numbered && area.rows > 2) {
        g_autofree char *text = g_strdup_printf(ngettext(
            "%u message hidden (/filter)", "%u messages hidden (/filter)", hidden),
            hidden);
        draw_rule(view, area, 0, style_of(ROLE_DIM), text);
        view->rows_seen--;
        y = 1;
        at = top_for(view, bottom, area.rows - 1, first, &rows);
    }
    number_links(view, bottom.index, at.index, numbered);
    for (; rows > 0; y++, rows--) {
        draw_row(view, area, y, at);
        if (rows > 1)
            step_down(view, &at, 1);
    }
}

/* ---- the past ---- */

static struct history *history_of(const struct pane_chat *view)
{
    return view->window->chat->account->history;
}

static GPtrArray *load(const struct pane_chat *view, gint64 row, bool before)
{
    return history_page(history_of(view), view->window->chat->jid, row, row, before, PAST_PAGE);
}

/* Moves what is in more to the end of past, or its beginning. */
static void past_join(struct pane_chat *view, GPtrArray *more, bool in_front)
{
    GPtrArray *a = in_front ? more : view->past, *b = in_front ? view->past : more;
    g_ptr_array_extend_and_steal(a, g_ptr_array_ref(b));
    if (in_front) {
        g_ptr_array_set_free_func(view->past, NULL);
        g_ptr_array_unref(view->past);
        view->past = g_ptr_array_ref(more);
    }
}

static void past_close(struct pane_chat *view)
{
    g_clear_pointer(&view->past, g_ptr_array_unref);
}

/* A run of messages around a place; false: the store has none there. */
static bool past_open(struct pane_chat *view, gint64 row)
{
    if (!history_of(view))
        return false;
    GPtrArray *past = load(view, row < G_MAXINT64 ? row + 1 : row, true);
    GPtrArray *after = load(view, row, false);
    g_ptr_array_extend_and_steal(past, after);
    if (!past->len) {
        g_ptr_array_unref(past);
        return false;
    }
    past_close(view);
    view->past = past;
    return true;
}

static gint64 first_row(const GPtrArray *messages)
{
    for (guint i = 0; i < messages->len; i++) {
        const struct message *message = messages->pdata[i];
        if (message->row > 0)
            return message->row;
    }
    return 0;
}

static void fetch(struct pane_chat *view, int rows);

static bool past_grow_up(struct pane_chat *view)
{
    g_autoptr(GPtrArray) older = load(view, first_row(view->past), true);
    if (older->len < PAST_PAGE)
        fetch(view, 0); /* before somebody has to wait for it */
    if (!older->len)
        return false;
    past_join(view, older, true);
    if (view->past->len > PAST_MAX)
        g_ptr_array_set_size(view->past, PAST_MAX);
    return true;
}

/* Where what is looked at (key) is in the newest part, that is used again. */
static bool past_grow_down(struct pane_chat *view, guint64 key)
{
    const struct message *last = view->past->pdata[view->past->len - 1];
    gint64 held = first_row(view->window->chat->messages);
    if (held && (gint64)key >= held) {
        past_close(view);
        return true;
    }
    g_autoptr(GPtrArray) newer = load(view, last->row, false);
    if (!newer->len)
        return false;
    past_join(view, newer, false);
    if (view->past->len > PAST_MAX)
        g_ptr_array_remove_range(view->past, 0, view->past->len - PAST_MAX);
    return true;
}

static void on_fetched(struct chat *chat, guint fetched, bool more, const char *error,
    gpointer data)
{
    struct pane_chat *view = data;
    int wanted = view->wanted;
    (void)chat;
    view->fetching = false;
    view->wanted = 0;
    view->deaf = error != NULL;
    pane_chat_refill(&view->pane);
    if (fetched && view->past && !view->follow)
        past_open(view, (gint64)view->anchor); /* they may belong in the middle */
    if (fetched && wanted)
        pane_chat_scroll(&view->pane, wanted);
    else if (more && !error && wanted && mam_fetch_before(chat, on_fetched, view)) {
        view->fetching = true;
        view->wanted = wanted;
    }
    pane_dirty(&view->pane);
    pane_dirty(view->pane.tui->status);
}

static void fetch(struct pane_chat *view, int rows)
{
    struct chat *chat = view->window->chat;
    if (view->fetching)
        view->wanted = MAX(view->wanted, rows);
    if (view->fetching || !chat->account->session || !chat->account->caught_up ||
        !mam_fetch_before(chat, on_fetched, view))
        return;
    view->fetching = true;
    view->wanted = rows;
    pane_dirty(view->pane.tui->status);
}

/* More at the top than what is held? Positions are void then. */
static bool grow_up(struct pane_chat *view, int rows)
{
    gint64 row = first_row(messages_of(view));
    if (!history_of(view))
        return false;
    if (view->past ? past_grow_up(view) : row && past_open(view, row)) {
        if (first_row(messages_of(view)) < row)
            return true;
        past_close(view); /* what the model holds begins at the beginning */
    }
    fetch(view, rows);
    return false;
}

static guint index_of(const struct pane_chat *view, guint64 key)
{
    for (guint i = messages_of(view)->len; i-- > 0;)
        if (key_of(message_at(view, i)) == key)
            return i;
    return G_MAXUINT;
}

static struct position position_of(struct pane_chat *view, guint64 key, int row)
{
    guint index = index_of(view, key);
    if (index != G_MAXUINT && is_hidden(view, message_at(view, index))) {
        guint other = shown_before(view, index);
        index = other != G_MAXUINT ? other : shown_after(view, index);
        row = ROW_LAST;
    }
    if (index == G_MAXUINT)
        return last_position(view);
    return (struct position){ index, CLAMP(row, 0, rows_of(view, index) - 1) };
}

/* The model may have let go of what is looked at. */
static struct position anchor_position(struct pane_chat *view)
{
    if (index_of(view, view->anchor) == G_MAXUINT)
        past_open(view, (gint64)view->anchor);
    return position_of(view, view->anchor, view->anchor_row);
}

static void draw_empty(struct pane_chat *view, struct area area)
{
    const struct chat *chat = view->window->chat;
    if (area.rows < 3 || area.cols < 16)
        return;
    g_autofree char *name =
        text_clean(account_display_name(chat->account, chat->jid), -1, TEXT_ONE_LINE);
    g_autofree char *line = g_strdup_printf(_("No messages with %s yet."), name);
    const char *hint = _("Type below and press Enter.");
    int y = MAX(area.rows / 3, 0);
    int width = MIN(text_width(line, -1), area.cols - 2);
    grid_text_fit(area, (area.cols - width) / 2, y, area.cols - 2, style_of(ROLE_DIM), line);
    width = MIN(text_width(hint, -1), area.cols - 2);
    grid_text_fit(area, (area.cols - width) / 2, y + 1, area.cols - 2, style_of(ROLE_GHOST), hint);
}

bool pane_chat_hides(struct pane *pane, const struct message *message)
{
    return is_hidden(chat_of(pane), message);
}

static guint first_uncleared(const struct pane_chat *view)
{
    for (guint i = messages_of(view)->len; view->cleared && i-- > 0;)
        if (key_of(message_at(view, i)) == view->cleared)
            return i + 1;
    return 0;
}

static void draw_messages(struct pane_chat *view, struct area area)
{
    if (!messages_of(view)->len) {
        draw_empty(view, area);
        return;
    }
    if (view->follow) {
        guint first = first_uncleared(view);
        if (first < messages_of(view)->len)
            draw_up_to(view, area, last_position(view), first, true);
        return;
    }
    bool tail = area.rows >= TAIL_FROM;
    if (!tail) {
        draw_up_to(view, area, anchor_position(view), 0, true);
        return;
    }
    int upper = area.rows - TAIL_ROWS - 1;
    view->rows_seen = upper;
    draw_up_to(view, area_sub(area, 0, 0, area.cols, upper), anchor_position(view), 0, true);
    struct position anchor = anchor_position(view);
    GPtrArray *past = g_steal_pointer(&view->past);
    guint below = (past ? past : messages_of(view))->len - 1 - anchor.index;
    g_autofree char *text = g_strdup_printf("%s %u%s %s",
        mark_text(MARK_DOWN, area.grid->ascii), below, past ? "+" : "", _("below"));
    draw_rule(view, area, upper, style_of(ROLE_RULE), text);
    if (messages_of(view)->len)
        draw_up_to(view, area_sub(area, 0, upper + 1, area.cols, TAIL_ROWS), last_position(view),
            0, false);
    view->past = past;
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_chat *view = chat_of(pane);
    area_clear(area, style_of(ROLE_TEXT));
    measure(view, area.cols);
    view->rows_seen = area.rows;
    view->reach = history_of(view) ? mam_reach(view->window->chat) : 0;
    view->gap_seen = false;
    view->picked_y = 0;
    view->y = area.y;
    g_array_set_size(view->seen, 0);
    g_array_set_size(view->seen, (guint)MAX(area.rows, 0));
    draw_messages(view, area);
    if (view->gap_seen && !view->deaf)
        fetch(view, 0);
}

static void set_anchor(struct pane_chat *view, struct position at)
{
    if (view->follow)
        pane_dirty(view->pane.tui->status); /* its hint */
    view->follow = false;
    view->anchor = key_of(message_at(view, at.index));
    view->anchor_row = at.row;
    pane_dirty(&view->pane);
}

static void scroll_down(struct pane_chat *view, int rows)
{
    if (view->follow)
        return;
    struct position at = anchor_position(view), from = at;
    int grown = 0;
    while (step_down(view, &at, rows) < rows && grown++ < GROW_MAX) {
        guint64 key = key_of(message_at(view, from.index));
        if (!view->past || !past_grow_down(view, key)) {
            pane_chat_bottom(&view->pane);
            return;
        }
        at = from = position_of(view, key, from.row);
    }
    set_anchor(view, at);
}

void pane_chat_scroll(struct pane *pane, int rows)
{
    struct pane_chat *view = chat_of(pane);
    int asked = rows;
    if (!messages_of(view)->len || !rows) {
        if (rows > 0)
            fetch(view, rows);
        return;
    }
    if (!view->columns.cols)
        measure(view, MAX(pane->cols, 20));
    if (rows < 0) {
        scroll_down(view, -rows);
        return;
    }
    struct position at = view->follow ? last_position(view) : anchor_position(view);
    struct position top = at;
    int height = MAX(view->rows_seen, 1);
    if (view->follow && pane->rows >= TAIL_FROM) { /* the tail is about to open */
        height = MAX(height - TAIL_ROWS - 1, 1);
        rows += TAIL_ROWS;
    }
    /* No further than until the first row is at the top. */
    int above, grown = 0;
    while ((above = step_up(view, &top, height - 1 + rows)) < height - 1 + rows &&
        grown++ < GROW_MAX) {
        guint64 key = key_of(message_at(view, at.index));
        if (!grow_up(view, asked))
            break;
        top = at = position_of(view, key, at.row);
    }
    int most = above - (height - 1);
    if (most <= 0)
        return;
    step_up(view, &at, MIN(rows, most));
    set_anchor(view, at);
}

void pane_chat_page(struct pane *pane, int pages)
{
    struct pane_chat *view = chat_of(pane);
    pane_chat_scroll(pane, pages * MAX(view->rows_seen - 1, 1));
}

/* Rows of the part that scrolls; following, the tail is about to open. */
static int scrolling_rows(const struct pane_chat *view)
{
    int rows = MAX(view->rows_seen, 1);
    return view->follow && view->pane.rows >= TAIL_FROM ? MAX(rows - TAIL_ROWS - 1, 1) : rows;
}

void pane_chat_top(struct pane *pane)
{
    struct pane_chat *view = chat_of(pane);
    if (!messages_of(view)->len)
        return;
    if (history_of(view) && past_open(view, 0))
        fetch(view, 0);
    struct position at = { 0, 0 };
    step_down(view, &at, scrolling_rows(view) - 1);
    if (view->past || at.index + 1 < messages_of(view)->len)
        set_anchor(view, at);
}

void pane_chat_bottom(struct pane *pane)
{
    struct pane_chat *view = chat_of(pane);
    if (!view->follow)
        pane_dirty(pane->tui->status);
    past_close(view);
    view->follow = true;
    view->mark = 0;
    g_clear_pointer(&view->needle, g_free);
    pane_dirty(pane);
}

/* Shows a message in the middle. */
static void show(struct pane_chat *view, guint index)
{
    struct position at = { index, 0 };
    int room = scrolling_rows(view) / 2;
    if (step_down(view, &at, room) < room && !view->past)
        pane_chat_bottom(&view->pane);
    else
        set_anchor(view, at);
}

/* Where a key is, else the next one: a date. Opens the past when it is there;
 * G_MAXUINT: nowhere. */
static guint locate(struct pane_chat *view, guint64 key)
{
    if (index_of(view, key) == G_MAXUINT) {
        past_close(view);
        if (index_of(view, key) == G_MAXUINT && !past_open(view, (gint64)key))
            return G_MAXUINT;
    }
    if (!view->columns.cols)
        measure(view, MAX(view->pane.cols, 20));
    guint index = index_of(view, key);
    if (index != G_MAXUINT)
        return index;
    index = 0;
    while (index + 1 < messages_of(view)->len && key_of(message_at(view, index)) < key)
        index++;
    return index;
}

/* Shows it from its first row on. */
static void show_from_top(struct pane_chat *view, guint index)
{
    struct position at = { index, 0 };
    int room = scrolling_rows(view) - 1;
    if (step_down(view, &at, room) < room && !view->past)
        pane_chat_bottom(&view->pane);
    else
        set_anchor(view, at);
}

/* ---- by day ---- */

/* Where the local day begins that is so many days later. */
static gint64 midnight(gint64 time_us, int days)
{
    struct tm tm;
    local_day(time_us, &tm);
    tm.tm_mday += days;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (gint64)mktime(&tm) * G_USEC_PER_SEC;
}

/* The first message at or after a time, 0: none. */
static guint64 key_since(struct pane_chat *view, gint64 time_us)
{
    gint64 ord, row;
    if (history_of(view))
        return history_seek(history_of(view), view->window->chat->jid, time_us, &ord, &row)
            ? (guint64)row : 0;
    for (guint i = 0; i < messages_of(view)->len; i++)
        if (message_at(view, i)->time_us >= time_us)
            return key_of(message_at(view, i));
    return 0;
}

/* What is in the highest row that scrolls. */
static struct position top_position(struct pane_chat *view)
{
    int rows;
    return top_for(view, view->follow ? last_position(view) : anchor_position(view),
        MAX(view->rows_seen, 1), 0, &rows);
}

void pane_chat_day(struct pane *pane, int step)
{
    struct pane_chat *view = chat_of(pane);
    if (!messages_of(view)->len)
        return;
    if (!view->columns.cols)
        measure(view, MAX(pane->cols, 20));
    struct position top = top_position(view);
    gint64 time_us = message_at(view, top.index)->time_us;
    if (step > 0 && !top.row && begins_day(view, top.index)) {
        guint64 key = key_of(message_at(view, top.index));
        if (shown_before(view, top.index) == G_MAXUINT && grow_up(view, 1))
            top.index = index_of(view, key);
        guint previous =
            top.index == G_MAXUINT ? G_MAXUINT : shown_before(view, top.index);
        if (previous == G_MAXUINT)
            return;
        time_us = message_at(view, previous)->time_us;
    }
    guint64 key = key_since(view, midnight(time_us, step > 0 ? 0 : 1));
    guint index = key ? locate(view, key) : G_MAXUINT;
    if (index == G_MAXUINT)
        pane_chat_bottom(pane);
    else
        show_from_top(view, index);
}

/* ---- the message picker ---- */

/* Scrolls as little as it takes to see all of it. */
static void make_visible(struct pane_chat *view, guint index)
{
    struct position top = top_position(view);
    struct position bottom = view->follow ? last_position(view) : anchor_position(view);
    struct position end = { index, rows_of(view, index) - 1 };
    if (index < top.index || (index == top.index && top.row > 0))
        show_from_top(view, index);
    else if (index > bottom.index || (index == bottom.index && bottom.row < end.row)) {
        if (!view->past && shown_after(view, index) == G_MAXUINT)
            pane_chat_bottom(&view->pane);
        else
            set_anchor(view, end);
    }
}

static guint pick_next(struct pane_chat *view, guint index, bool up)
{
    guint64 key = key_of(message_at(view, index));
    guint next = up ? shown_before(view, index) : shown_after(view, index);
    if (next != G_MAXUINT)
        return next;
    if (up ? !grow_up(view, 1) : !view->past || !past_grow_down(view, key))
        return index;
    index = index_of(view, key);
    next = index == G_MAXUINT ? index
        : up                  ? shown_before(view, index)
                              : shown_after(view, index);
    return next != G_MAXUINT ? next : index;
}

void pane_chat_pick(struct pane *pane, int step)
{
    struct pane_chat *view = chat_of(pane);
    if (!messages_of(view)->len)
        return;
    if (!view->columns.cols)
        measure(view, MAX(pane->cols, 20));
    struct position bottom = view->follow ? last_position(view) : anchor_position(view);
    guint index = view->picked ? index_of(view, view->picked) : G_MAXUINT;
    if (index == G_MAXUINT) {
        index = bottom.index;
        step = 0;
    }
    for (int i = 0; i < ABS(step) && index != G_MAXUINT; i++)
        index = pick_next(view, index, step > 0);
    if (index == G_MAXUINT || is_hidden(view, message_at(view, index))) {
        pane_chat_pick_end(pane);
        return;
    }
    view->picked = key_of(message_at(view, index));
    make_visible(view, index);
    pane_dirty(pane);
    pane_dirty(pane->tui->status); /* its hint */
}

void pane_chat_pick_edge(struct pane *pane, bool top)
{
    struct pane_chat *view = chat_of(pane);
    if (top)
        pane_chat_top(pane);
    else
        pane_chat_bottom(pane);
    guint index = top && messages_of(view)->len && is_hidden(view, message_at(view, 0))
        ? shown_after(view, 0) : 0;
    if (!top)
        index = shown_before(view, messages_of(view)->len);
    if (index < messages_of(view)->len)
        view->picked = key_of(message_at(view, index));
    pane_dirty(pane);
}

bool pane_chat_pick_at(struct pane *pane, int y)
{
    struct pane_chat *view = chat_of(pane);
    if (y < 0 || y >= (int)view->seen->len || !g_array_index(view->seen, guint64, y))
        return false;
    view->picked = g_array_index(view->seen, guint64, y);
    view->picked_y = y;
    pane_dirty(pane);
    pane_dirty(pane->tui->status);
    return true;
}

const struct message *pane_chat_picked(struct pane *pane, int *y)
{
    struct pane_chat *view = chat_of(pane);
    guint index = view->picked ? index_of(view, view->picked) : G_MAXUINT;
    if (y)
        *y = view->picked_y;
    return index == G_MAXUINT ? NULL : message_at(view, index);
}

void pane_chat_pick_end(struct pane *pane)
{
    chat_of(pane)->picked = 0;
    pane_dirty(pane);
    pane_dirty(pane->tui->status);
}

bool pane_chat_goto(struct pane *pane, guint64 number)
{
    struct pane_chat *view = chat_of(pane);
    const struct message *message = chat_find_number(view->window->chat, number);
    if (!message)
        return false;
    return pane_chat_goto_key(pane, key_of(message));
}

bool pane_chat_goto_key(struct pane *pane, guint64 key)
{
    struct pane_chat *view = chat_of(pane);
    guint index = locate(view, key);
    if (index == G_MAXUINT)
        return false;
    show(view, index);
    return true;
}

void pane_chat_mark(struct pane *pane, guint64 key)
{
    chat_of(pane)->mark = key;
    pane_dirty(pane);
}

void pane_chat_find(struct pane *pane, const char *needle)
{
    struct pane_chat *view = chat_of(pane);
    g_autofree char *copy = needle && *needle ? g_strdup(needle) : NULL;
    g_free(view->needle);
    view->needle = g_steal_pointer(&copy);
    pane_dirty(pane);
}

char *pane_chat_nick(struct pane *pane, const struct message *message)
{
    return short_nick(nick_of(chat_of(pane), message));
}

guint64 pane_chat_place(struct pane *pane)
{
    const struct pane_chat *view = chat_of(pane);
    return view->follow ? G_MAXUINT64 : view->anchor;
}

GPtrArray *pane_chat_shown(struct pane *pane, guint *bottom)
{
    struct pane_chat *view = chat_of(pane);
    GPtrArray *messages = messages_of(view);
    if (!messages->len)
        return NULL;
    *bottom = messages->len - 1;
    if (!view->follow) {
        *bottom = anchor_position(view).index;
        messages = messages_of(view);
    }
    return messages;
}

guint64 pane_chat_key(const struct message *message)
{
    return key_of(message);
}

void pane_chat_set_new(struct pane *pane, guint64 key)
{
    struct pane_chat *view = chat_of(pane);
    view->new_key = key;
    pane_dirty(pane);
}

guint64 pane_chat_new_key(struct pane *pane)
{
    return chat_of(pane)->new_key;
}

bool pane_chat_scrolled(struct pane *pane)
{
    return !chat_of(pane)->follow;
}

bool pane_chat_fetching(struct pane *pane)
{
    return chat_of(pane)->fetching;
}

void pane_chat_relayout(struct pane *pane)
{
    g_hash_table_remove_all(chat_of(pane)->laid);
    pane_dirty(pane);
}

void pane_chat_forget(struct pane *pane, const struct message *message)
{
    struct pane_chat *view = chat_of(pane);
    g_hash_table_remove(view->laid, GSIZE_TO_POINTER((gsize)key_of(message)));
    g_hash_table_remove(view->hidden, GSIZE_TO_POINTER((gsize)key_of(message)));
    for (guint i = 0; view->past && message->row > 0 && i < view->past->len; i++) {
        struct message *copy = view->past->pdata[i];
        if (copy->row != message->row || copy == message)
            continue;
        copy->delivery = message->delivery;
        g_free(copy->error);
        copy->error = g_strdup(message->error);
    }
    pane_dirty(pane);
}

void pane_chat_cleared(struct pane *pane)
{
    struct pane_chat *view = chat_of(pane);
    g_hash_table_remove_all(view->laid);
    pane_chat_bottom(pane);
    guint count = messages_of(view)->len;
    view->cleared = count ? key_of(message_at(view, count - 1)) : 0;
    view->new_key = 0;
    pane_dirty(pane);
}

static void destroy(struct pane *pane)
{
    struct pane_chat *view = chat_of(pane);
    if (view->fetching && view->window->chat)
        mam_forget(view->window->chat->account, view);
    g_free(view->needle);
    past_close(view);
    g_hash_table_destroy(view->laid);
    g_hash_table_destroy(view->hidden);
    g_array_free(view->seen, TRUE);
    g_free(view);
}

static const struct pane_ops ops = { .name = "chat", .destroy = destroy, .draw = draw };

/* The newest part, and where the unread ones begin. */
static void fill(struct pane_chat *view)
{
    struct chat *chat = view->window->chat;
    if (!history_of(view))
        return;
    if (chat->messages->len < OPEN_PAGE) {
        gint64 row = first_row(chat->messages);
        g_autoptr(GPtrArray) older = history_page(history_of(view), chat->jid,
            row ? row : G_MAXINT64, row ? row : G_MAXINT64, true, OPEN_PAGE);
        chat_prepend(chat, older);
    }
    for (guint i = 0; chat->unread && chat->read_row && i < chat->messages->len; i++) {
        const struct message *message = message_at(view, i);
        if (!message->outgoing && message->row > chat->read_row) {
            view->new_key = key_of(message);
            return;
        }
    }
}

void pane_chat_refill(struct pane *pane)
{
    struct pane_chat *view = chat_of(pane);
    if (view->window->chat->messages->len)
        return;
    fill(view);
    pane_dirty(pane);
}

struct pane *pane_chat_new(struct tui *tui, struct window *window)
{
    struct pane_chat *view = g_new0(struct pane_chat, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    view->window = window;
    view->follow = true;
    view->hidden = g_hash_table_new(NULL, NULL);
    view->seen = g_array_new(FALSE, TRUE, sizeof(guint64));
    view->laid = g_hash_table_new_full(NULL, NULL, NULL, chat_text_free);
    fill(view);
    return &view->pane;
}
