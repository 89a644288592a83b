/* Any bytes as a JSON request: it ends exactly once and never recurses. */
#include <stdint.h>

#include "engine_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture fixture;
    if (!fixture.engine) {
        fixture_open(&fixture, fuzz_rows);
        fixture.account->state = STATE_ONLINE;
    }
    g_autofree char *line = g_strndup((const char *)data, size);
    struct run_context context = fixture_context(&fixture);
    g_string_truncate(fixture.capture.text, 0);
    fixture.capture.done = fixture.capture.ok = 0;
    g_assert_null(engine_run_json(fixture.engine, line, &context));
    g_assert_cmpint(fixture.capture.done, ==, 1);
    g_assert(g_utf8_validate(fixture.capture.text->str, -1, NULL));
    return 0;
}
