/* The guard: whatever comes in, what comes out can be read by any parser, has
 * no surprises in it, and does not depend on how the input was cut. The first
 * byte of the input chooses state and cuts; the rest is the server's. */
#include "config.h"
#include <stdint.h>
#include <string.h>
#include <expat.h>
#include <glib.h>
#include "net/guard.h"

#define HEADER                                                                 \
    "<stream:stream xmlns='jabber:client' "                                    \
    "xmlns:stream='http://etherx.jabber.org/streams' id='i' version='1.0'>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct guard *guard;
    GString *transcript;
    bool failed, restarted;
};

static void on_start(void *data, const char *name, const char **attributes)
{
    (void)data, (void)name;
    for (; attributes[0]; attributes += 2) {
        const char *colon = strchr(attributes[0], '\x1f');
        g_assert_true(!colon || g_str_has_suffix(attributes[0], "\x1flang"));
    }
}

/* A stanza alone, below a header of its own. */
static void check_readable(enum guard_item item, const char *xml, size_t len)
{
    XML_Parser parser = XML_ParserCreateNS("UTF-8", '\x1f');
    XML_SetStartElementHandler(parser, on_start);
    enum XML_Status status = XML_STATUS_OK;
    if (item != GUARD_STREAM_OPEN)
        status = XML_Parse(parser, HEADER, strlen(HEADER), XML_FALSE);
    g_assert_true(status == XML_STATUS_OK);
    g_assert_true(len <= G_MAXINT);
    status = XML_Parse(parser, xml, (int)len, XML_FALSE);
    g_assert_true(status == XML_STATUS_OK);
    if (item != GUARD_STREAM_CLOSE)
        status = XML_Parse(parser, "</stream:stream>", 16, XML_TRUE);
    g_assert_true(status == XML_STATUS_OK);
    XML_ParserFree(parser);
}

static void on_item(enum guard_item item, const char *ns, const char *name,
    const char *xml, size_t len, gpointer data)
{
    struct run *run = data;
    g_assert_true(ns && name && xml[len] == 0);
    g_assert_true(strlen(xml) == len);
    g_assert_true(xml[0] == '<' && xml[len - 1] == '>');
    check_readable(item, xml, len);
    g_string_append_printf(run->transcript, "%d %s\n", item, xml);
    /* C10: a login that succeeds begins anew. */
    if (strcmp(name, "success") == 0) {
        run->restarted = true;
        guard_restart(run->guard);
    }
}

static void run_init(struct run *run, uint8_t choice)
{
    static const struct guard_limits small = {
        .stanza_bytes = 300,
        .nodes = 20,
        .children = 8,
        .text_bytes = 50,
        .portioned_bytes = 100000,
        .portioned_nodes = 3000,
        .attributes = 4,
        .depth = 5,
        .token_bytes = 4096,
    };
    run->transcript = g_string_new(NULL);
    run->failed = run->restarted = false;
    run->guard = guard_new(on_item, run);
    guard_set_state(
        run->guard, choice % 3, choice & 4 ? &small : &guard_limits_after_auth);
    if (choice & 8)
        guard_expect_last(
            run->guard, "urn:ietf:params:xml:ns:xmpp-tls", "proceed");
    if (choice & 16)
        run->failed = !guard_feed(run->guard, HEADER, strlen(HEADER), NULL);
}

static void run_clear(struct run *run)
{
    guard_free(run->guard);
    g_string_free(run->transcript, TRUE);
}

static void feed(struct run *run, const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    if (run->failed)
        return;
    run->failed = !guard_feed(run->guard, (const char *)data, size, &error);
    g_assert_true(run->failed == (error != NULL));
    if (error)
        g_assert_true(
            strcmp(guard_error_condition(error), "undefined-condition") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 60000)
        return 0;
    uint8_t choice = *data++;
    size--;
    struct run whole, cut;
    run_init(&whole, choice);
    run_init(&cut, choice);
    feed(&whole, data, size);
    guint32 seed = choice * 2654435761u + (guint32)size;
    for (size_t at = 0; at < size;) {
        seed = seed * 1664525u + 1013904223u;
        size_t piece = choice & 32 ? 1 : 1 + (seed >> 24);
        piece = MIN(piece, size - at);
        feed(&cut, data + at, piece);
        at += piece;
    }
    /* Where a stream ends, what follows in the same piece is refused, and what
     * follows in the next belongs to another stream (guard.h). */
    bool ended = (choice & 8) || whole.restarted || cut.restarted;
    g_assert_true(g_str_has_prefix(cut.transcript->str, whole.transcript->str));
    g_assert_true(ended || (cut.transcript->len == whole.transcript->len &&
                               whole.failed == cut.failed));
    run_clear(&whole);
    run_clear(&cut);
    return 0;
}
