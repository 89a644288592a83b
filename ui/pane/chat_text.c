/*
 * A link's number changes with every link that comes after it, the rows of a
 * message may not: behind the word with the link stand as many cells as the
 * longest number takes, and the number is written into them.
 */
#include "config.h"
#include "ui/pane/chat_text.h"
#include "base/text.h"
#include "base/url.h"
#include "ui/draw/styling.h"
#include "ui/draw/wrap.h"
#include "ui/ui.h"
#include <string.h>

#define SLOT " [00]"

enum {
    ROWS_MAX = 20000, /* of one message */
    ERROR_ROWS = 8,
    LINKS_MAX = 200,  /* … of which have a number */
    NUMBER_MAX = 99,
    SLOT_CELLS = sizeof SLOT - 2, /* without the blank before it */
};

struct chat_link {
    guint32 start, end, slot; /* bytes of the text; slot 0: none */
    guint index;              /* among the different ones of the message */
};

static void collect(GPtrArray *links, GHashTable *known, const char *text)
{
    const char *at = text, *start;
    gsize len;
    while (text && links->len < LINKS_MAX && url_next(&at, text + strlen(text), &start, &len)) {
        g_autofree char *url = g_strndup(start, len);
        if (g_hash_table_contains(known, url))
            continue;
        g_hash_table_insert(known, url, GUINT_TO_POINTER(links->len));
        g_ptr_array_add(links, g_steal_pointer(&url));
    }
}

/* known: from a link to its place. */
static GPtrArray *links_of(const struct message *message, GHashTable *known)
{
    GPtrArray *links = g_ptr_array_new_with_free_func(g_free);
    collect(links, known, message->body);
    collect(links, known, message->oob);
    return links;
}

GPtrArray *message_links(const struct message *message)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    return links_of(message, known);
}

/* The links of what stands from begin on, and their slots. One that was not
 * the same before it was made safe has none. */
static void append(struct chat_text *out, GString *text, const char *clean,
    GHashTable *known, unsigned flags)
{
    const char *from = clean, *at = clean, *end = clean + strlen(clean), *start;
    gsize len;
    while (url_next(&at, end, &start, &len)) {
        g_autofree char *url = g_strndup(start, len);
        gpointer index;
        struct chat_link link = { .start = (guint32)(text->len + (gsize)(start - from)) };
        link.end = link.start + (guint32)len;
        if ((flags & CHAT_TEXT_NUMBERED) &&
            g_hash_table_lookup_extended(known, url, NULL, &index)) {
            at = start + len + strcspn(start + len, " \n"); /* behind the word */
            g_string_append_len(text, from, at - from);
            from = at;
            link.slot = (guint32)text->len + 1;
            link.index = GPOINTER_TO_UINT(index);
            g_string_append(text, SLOT);
        }
        if (!out->links)
            out->links = g_array_new(FALSE, FALSE, sizeof(struct chat_link));
        g_array_append_val(out->links, link);
    }
    g_string_append(text, from);
}

static void append_body(struct chat_text *out, GString *text, const struct message *message,
    const char *nick, GHashTable *known, unsigned flags)
{
    const char *body = message->body ? message->body : "";
    if (g_str_has_prefix(body, "/me ")) { /* XEP-0245 */
        out->action = true;
        g_string_append(text, nick);
        body += strlen("/me");
    }
    g_autofree char *clean = wrap_prepare(body, -1);
    gsize len = strlen(clean);
    while (len && clean[len - 1] == '\n')
        clean[--len] = '\0';
    append(out, text, clean, known, flags);
    if (!message->oob || strstr(body, message->oob))
        return;
    g_autofree char *oob = wrap_prepare(message->oob, -1);
    if (text->len)
        g_string_append_c(text, '\n');
    append(out, text, oob, known, flags);
}

static GArray *wrap(const char *text, int cols, guint most)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    wrap_text(rows, text, strlen(text), cols, most);
    return rows;
}

static GArray *styles_of(const char *text, gsize from)
{
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(struct styling_run));
    styling_parse(runs, text + from, strlen(text) - from);
    for (guint i = 0; i < runs->len; i++) {
        struct styling_run *run = &g_array_index(runs, struct styling_run, i);
        run->start += (guint32)from;
        run->end += (guint32)from;
    }
    return runs->len ? g_steal_pointer(&runs) : NULL;
}

struct chat_text *chat_text_new(
    const struct message *message, const char *nick, int cols, unsigned flags)
{
    struct chat_text *out = g_new0(struct chat_text, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) links = links_of(message, known);
    out->link_count = links->len;
    out->first_number = G_MAXUINT; /* nobody's */
    if (message->subject && *message->subject) {
        out->subject = true;
        g_autofree char *subject = wrap_prepare(message->subject, -1);
        g_string_append_printf(text, "%s\n", subject);
    }
    gsize styled_from = text->len;
    if (message->redacted && !message->body)
        g_string_append(text, _("(text not kept)"));
    else
        append_body(out, text, message, nick, known, flags);
    out->text = g_string_free(g_steal_pointer(&text), FALSE);
    out->rows = wrap(out->text, cols, ROWS_MAX);
    if ((flags & CHAT_TEXT_STYLED) && !message->unstyled)
        out->runs = styles_of(out->text, styled_from);
    if (message->error) {
        out->error = text_clean(message->error, -1, TEXT_ONE_LINE);
        out->error_rows = wrap(out->error, cols - 2, ERROR_ROWS);
    }
    return out;
}

void chat_text_free(gpointer data)
{
    struct chat_text *text = data;
    g_free(text->text);
    g_free(text->error);
    g_array_free(text->rows, TRUE);
    g_clear_pointer(&text->error_rows, g_array_unref);
    g_clear_pointer(&text->runs, g_array_unref);
    g_clear_pointer(&text->links, g_array_unref);
    g_free(text);
}

void chat_text_number(struct chat_text *text, guint first)
{
    bool written = text->first_number == first;
    text->first_number = first;
    for (guint i = 0; !written && text->links && i < text->links->len; i++) {
        const struct chat_link *link = &g_array_index(text->links, struct chat_link, i);
        char label[16] = "";
        if (first && first + link->index <= NUMBER_MAX)
            g_snprintf(label, sizeof label, "[%u]", first + link->index);
        gsize len = strlen(label);
        memset(label + len, ' ', SLOT_CELLS - len);
        if (link->slot)
            memcpy(text->text + link->slot, label, SLOT_CELLS);
    }
}

/* What a run of bytes looks like over the row that is drawn already. */
static void overlay(const struct chat_text *text, const struct wrap_row *row, struct area area,
    int x, int y, guint32 start, guint32 end, style_t style)
{
    start = MAX(start, row->start);
    end = MIN(end, row->end);
    if (start >= end)
        return;
    int from = text_width(text->text + row->start, (gssize)(start - row->start));
    grid_overlay(area, x + from, y, text_width(text->text + start, (gssize)(end - start)), style);
}

static style_t style_of_run(guint32 flags)
{
    static const struct {
        guint32 flag;
        enum attr attr;
    } attrs[] = { { STYLING_STRONG, ATTR_BOLD }, { STYLING_EMPHASIS, ATTR_ITALIC },
        { STYLING_STRIKE, ATTR_STRIKE } };
    style_t style = style_of(flags & STYLING_MARK ? ROLE_MARKUP
        : flags & STYLING_PRE                     ? ROLE_CODE
        : flags & STYLING_QUOTE                   ? ROLE_QUOTE
                                                  : ROLE_TEXT);
    for (gsize i = 0; i < G_N_ELEMENTS(attrs); i++)
        if (flags & attrs[i].flag)
            style = style_with(style, attrs[i].attr);
    return style;
}

static void draw_styles(const struct chat_text *text, const struct wrap_row *row,
    struct area area, int x, int y)
{
    guint first = 0, after = text->runs ? text->runs->len : 0;
    while (first < after) {
        guint middle = first + (after - first) / 2;
        if (g_array_index(text->runs, struct styling_run, middle).end <= row->start)
            first = middle + 1;
        else
            after = middle;
    }
    for (; text->runs && first < text->runs->len; first++) {
        const struct styling_run *run = &g_array_index(text->runs, struct styling_run, first);
        if (run->start >= row->end)
            return;
        overlay(text, row, area, x, y, run->start, run->end, style_of_run(run->flags));
    }
}

void chat_text_draw(
    const struct chat_text *text, struct area area, int x, int y, guint index, style_t style)
{
    const struct wrap_row *row = &g_array_index(text->rows, struct wrap_row, index);
    grid_text_n(area, x, y, area.cols - x, style, text->text + row->start,
        (gssize)(row->end - row->start));
    draw_styles(text, row, area, x, y);
    for (guint i = 0; text->links && i < text->links->len; i++) {
        const struct chat_link *link = &g_array_index(text->links, struct chat_link, i);
        if (link->start >= row->end)
            break;
        overlay(text, row, area, x, y, link->start, link->end, style_of(ROLE_LINK));
        if (link->slot)
            overlay(text, row, area, x, y, link->slot, link->slot + SLOT_CELLS,
                style_of(ROLE_LINK_NUMBER));
    }
}

void chat_text_draw_error(const struct chat_text *text, struct area area, int x, int y, guint index)
{
    const struct wrap_row *row = &g_array_index(text->error_rows, struct wrap_row, index);
    grid_text_n(area, x, y, area.cols - x, style_of(ROLE_ERROR), text->error + row->start,
        (gssize)(row->end - row->start));
}
