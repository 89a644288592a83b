/* Any bytes as a line: it ends exactly once, what comes out is UTF-8, and so
 * it is with completion wherever the cursor stands. */
#include <stdint.h>

#include "engine_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture fixture;
    if (!fixture.engine) {
        fixture_open(&fixture, fuzz_rows);
        fixture.account->state = STATE_ONLINE;
        options_section_set(
            fixture.options, "alias", "hi", "/msg $1 $* $$ $2", NULL);
        options_section_set(fixture.options, "alias", "loop", "loop $*", NULL);
        roster_ensure(fixture.account->roster, "romeo@example.net")->name =
            g_strdup("My Romeo");
    }
    g_autofree char *line = g_strndup((const char *)data, size);
    size_t len = strlen(line);
    fuzz_line(&fixture, line);
    struct run_context context = fixture_context(&fixture);
    for (size_t cursor = len; len - cursor < 4; cursor--) {
        struct completion *c =
            engine_complete(fixture.engine, line, cursor, &context);
        g_assert(c->from <= c->to && c->to <= len);
        for (guint i = 0; i < c->items->len && i < 8; i++) {
            g_autofree char *word =
                completion_insertion(c, c->items->pdata[i], true);
            g_assert(*word);
        }
        completion_free(c);
        if (!cursor)
            break;
    }
    return 0;
}
