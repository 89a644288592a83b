/* Stanzas in and out, already redacted: bounded in number and bytes, filtered
 * when drawn, so that a filter can be changed afterwards. */
#include "config.h"
#include "ui/ui.h"
#include "base/paths.h"
#include "base/text.h"
#include "ui/draw/wrap.h"
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 2000, BYTES_MAX = 4 << 20, STANZA_BYTES = 64 * 1024, MARK_COLS = 2,
    ROWS_MAX = 1200 };

struct stanza {
    gint64 time_us;
    bool outgoing;
    char *account, *xml;
};

struct pane_xml {
    struct pane pane;
    GQueue stanzas;
    gsize bytes;
    char *filter;
    bool frozen;
    int back, rows_seen;
};

static struct pane_xml *xml_of(struct pane *pane)
{
    return (struct pane_xml *)pane;
}

static void stanza_free(gpointer data)
{
    struct stanza *stanza = data;
    g_free(stanza->account);
    g_free(stanza->xml);
    g_free(stanza);
}

static void on_event(struct pane *pane, const struct event *event)
{
    struct pane_xml *view = xml_of(pane);
    if (event->type != EVENT_XML || view->frozen)
        return;
    struct stanza *stanza = g_new0(struct stanza, 1);
    stanza->time_us = g_get_real_time();
    stanza->outgoing = event->xml.outgoing;
    stanza->account = g_strdup(event->account ? event->account->jid : "");
    stanza->xml = wrap_prepare(event->xml.xml, (gssize)MIN(event->xml.len, (gsize)STANZA_BYTES));
    view->bytes += strlen(stanza->xml);
    g_queue_push_tail(&view->stanzas, stanza);
    while (view->stanzas.length > LINES_MAX || view->bytes > BYTES_MAX) {
        struct stanza *old = g_queue_pop_head(&view->stanzas);
        view->bytes -= strlen(old->xml);
        stanza_free(old);
    }
    pane_dirty(pane);
}

static bool matches(const struct pane_xml *view, const struct stanza *stanza)
{
    return !view->filter || strstr(stanza->xml, view->filter);
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_xml *view = xml_of(pane);
    area_clear(area, style_of(ROLE_TEXT));
    g_autofree char *head = g_strdup_printf("%s%s%s%s", view->frozen ? _("frozen  ") : "",
        view->filter ? _("only with: ") : "", view->filter ? view->filter : "",
        view->stanzas.length ? "" : _("Stanzas appear here as they cross the connection."));
    if (*head) {
        grid_text_fit(area, 1, 0, area.cols - 2, style_of(ROLE_DIM), head);
        area = area_sub(area, 0, 1, area.cols, area.rows - 1);
    }
    view->rows_seen = area.rows;
    int width = MAX(area.cols - MARK_COLS - 1, 2);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    int wanted = area.rows + view->back, have = 0;
    GList *first = NULL;
    for (GList *at = view->stanzas.tail; at && have < wanted; at = at->prev) {
        struct stanza *stanza = at->data;
        if (!matches(view, stanza))
            continue;
        g_array_set_size(rows, 0);
        wrap_text(rows, stanza->xml, strlen(stanza->xml), width, ROWS_MAX);
        have += (int)rows->len;
        first = at;
    }
    view->back = CLAMP(view->back, 0, MAX(have - area.rows, 0));
    int y = MIN(area.rows + view->back - have, 0);
    for (GList *at = first; at && y < area.rows; at = at->next) {
        struct stanza *stanza = at->data;
        if (!matches(view, stanza))
            continue;
        style_t style = style_of(stanza->outgoing ? ROLE_XML_OUT : ROLE_XML_IN);
        g_array_set_size(rows, 0);
        wrap_text(rows, stanza->xml, strlen(stanza->xml), width, ROWS_MAX);
        for (guint i = 0; i < rows->len && y < area.rows; i++, y++) {
            const struct wrap_row *row = &g_array_index(rows, struct wrap_row, i);
            if (y < 0)
                continue;
            if (!i)
                grid_text(area, 0, y, 1, style, stanza->outgoing ? ">" : "<");
            grid_text_n(area, MARK_COLS, y, width, style, stanza->xml + row->start,
                (gssize)(row->end - row->start));
        }
    }
}

void pane_xml_filter(struct pane *pane, const char *word)
{
    struct pane_xml *view = xml_of(pane);
    g_free(view->filter);
    view->filter = word && *word ? g_strdup(word) : NULL;
    view->back = 0;
    pane_dirty(pane);
}

void pane_xml_freeze(struct pane *pane, bool frozen)
{
    xml_of(pane)->frozen = frozen;
    pane_dirty(pane);
}

bool pane_xml_save(struct pane *pane, const char *file, GError **error)
{
    struct pane_xml *view = xml_of(pane);
    g_autoptr(GString) out = g_string_new(NULL);
    for (GList *at = view->stanzas.head; at; at = at->next) {
        const struct stanza *stanza = at->data;
        if (!matches(view, stanza))
            continue;
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(stanza->time_us / G_USEC_PER_SEC);
        g_autofree char *stamp = time ? g_date_time_format(time, "%FT%T%:z") : g_strdup("");
        g_string_append_printf(out, "<!-- %s %s %s -->\n%s\n", stamp, stanza->account,
            stanza->outgoing ? "out" : "in", stanza->xml);
    }
    return paths_write_file(file, out->str, (gssize)out->len, error);
}

void pane_xml_scroll(struct pane *pane, int rows)
{
    struct pane_xml *view = xml_of(pane);
    view->back = MAX(view->back + rows, 0);
    pane_dirty(pane);
}

void pane_xml_page(struct pane *pane, int pages)
{
    pane_xml_scroll(pane, pages * MAX(xml_of(pane)->rows_seen - 1, 1));
}

static void destroy(struct pane *pane)
{
    struct pane_xml *view = xml_of(pane);
    g_queue_clear_full(&view->stanzas, stanza_free);
    g_free(view->filter);
    g_free(view);
}

static const struct pane_ops ops = { .name = "xml", .destroy = destroy, .draw = draw,
    .event = on_event };

struct pane *pane_xml_new(struct tui *tui)
{
    struct pane_xml *view = g_new0(struct pane_xml, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    g_queue_init(&view->stanzas);
    return &view->pane;
}
