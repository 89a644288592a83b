/* Any text as a time: what is taken comes back, what is not changes nothing. */
#include <stdint.h>
#include "base/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    gint64 us = -7, back = -7, human = -7;
    if (stamp_parse(text, &us)) {
        g_autofree char *ms = stamp_format_ms(us);
        g_assert(stamp_parse(ms, &back));
        g_assert_cmpint(back, ==, us / 1000 * 1000);
    } else {
        g_assert_cmpint(us, ==, -7);
    }
    if (!stamp_parse_human(text, 1790000000 * (gint64)G_USEC_PER_SEC, &human))
        g_assert_cmpint(human, ==, -7);
    else
        g_assert_cmpint(human, >=, 0);
    return 0;
}
