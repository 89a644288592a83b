/* XEP-0082 times, strict (H46), and what people type. */
#include <string.h>
#include <time.h>
#include "base/stamp.h"

#define S ((gint64)G_USEC_PER_SEC)

static void test_good(void)
{
    static const struct {
        const char *text;
        gint64 us;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-07-21T02:56:15Z", -1 }, /* the example of XEP-0082: before us */
        { "1970-01-01T00:00:00-05:00", 5 * 3600 * S },
        { "2000-02-29T12:00:00Z", 951825600 * S },
        { "2002-09-10T23:08:25Z", 1031699305 * S },
        { "2002-09-10T23:08:25.123456789Z", 1031699305 * S + 123456 },
        { "2002-09-10T23:08:25.5Z", 1031699305 * S + 500000 },
        { "2002-09-11T01:08:25+02:00", 1031699305 * S },
        { "2002-09-10T23:08:25-00:00", 1031699305 * S },
        { "20020910T23:08:25", 1031699305 * S },
        { "9998-12-31T23:59:59Z", G_GINT64_CONSTANT(253370764799) * S },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        gint64 us = -1;
        g_test_message("%s", rows[i].text);
        g_assert_cmpint(stamp_parse(rows[i].text, &us), ==, rows[i].us != -1);
        g_assert_cmpint(us, ==, rows[i].us);
    }
}

static void test_h46(void)
{
    static const char *const bad[] = { "", "Z", "2026", "2026-13-45T99",
        "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01", "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00z",
        "2026-01-01t00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+14:01",
        "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00Zx",
        " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ", "20260101T00:00:00Z",
        "2026-0101T00:00:00Z", "-2026-01-01T00:00:00Z", "+2026-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z", "2026-1-1T0:0:0Z", "２０２６-01-01T00:00:00Z",
        "99999999999999999999-01-01T00:00:00Z" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        gint64 us = 42;
        g_test_message("%s", bad[i]);
        g_assert_false(stamp_parse(bad[i], &us));
        g_assert_cmpint(us, ==, 42);
    }
    gint64 us = 42;
    g_assert_false(stamp_parse(NULL, &us));
}

static void test_format(void)
{
    g_autofree char *zero = stamp_format(0);
    g_assert_cmpstr(zero, ==, "1970-01-01T00:00:00Z");
    g_autofree char *ms = stamp_format_ms(1031699305 * S + 7999);
    g_assert_cmpstr(ms, ==, "2002-09-10T23:08:25.007Z");
    g_autofree char *low = stamp_format(G_MININT64);
    g_assert_cmpstr(low, ==, "1970-01-01T00:00:00Z");
    g_autofree char *high = stamp_format(G_MAXINT64);
    g_assert_cmpstr(high, ==, "9998-12-31T23:59:59Z");
}

/* Every day of the range against gmtime, and back. */
static void test_every_day(void)
{
    for (gint64 day = 0; day < 2932532; day += 13) {
        time_t t = day * 86400 + day % 86400;
        struct tm tm;
        char expected[64];
        gmtime_r(&t, &tm);
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
        g_autofree char *text = stamp_format(t * S);
        gint64 back = -1;
        g_assert_cmpstr(text, ==, expected);
        g_assert_true(stamp_parse(text, &back));
        g_assert_cmpint(back, ==, t * S);
    }
}

static void test_human(void)
{
    /* main() has set the zone: two hours east, one of them for the summer */
    static const gint64 now = 1790000000 * S; /* 2026-09-21 16:13:20 +02:00 */
    static const struct {
        const char *text, *utc; /* NULL: refused */
    } rows[] = {
        { "today", "2026-09-20T22:00:00Z" },
        { "yesterday", "2026-09-19T22:00:00Z" },
        { "08:30", "2026-09-21T06:30:00Z" },
        { "8:30", "2026-09-21T06:30:00Z" },
        { "2026-01-02", "2026-01-01T23:00:00Z" },
        { "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z" },
        { "30m", "2026-09-21T13:43:20Z" },
        { "2h", "2026-09-21T12:13:20Z" },
        { "3d", "2026-09-18T14:13:20Z" },
        { "1w", "2026-09-14T14:13:20Z" },
        { "", NULL },
        { "h", NULL },
        { "3", NULL },
        { "3y", NULL },
        { "-3d", NULL },
        { "3dd", NULL },
        { "99999999999999999999d", NULL },
        { "1000000d", NULL },
        { "24:00", NULL },
        { "12:60", NULL },
        { "2026-02-30", NULL },
        { "2026-13-01", NULL },
        { "0000-01-01", NULL },
        { "tomorrow", NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        gint64 us = 42;
        g_test_message("%s", rows[i].text);
        bool ok = stamp_parse_human(rows[i].text, now, &us);
        g_assert_cmpint(ok, ==, rows[i].utc != NULL);
        g_autofree char *got = ok ? stamp_format(us) : NULL;
        g_assert_cmpstr(got, ==, rows[i].utc);
        g_assert_true(ok || us == 42);
    }
}

int main(int argc, char **argv)
{
    g_setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", TRUE);
    tzset();
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stamp/good", test_good);
    g_test_add_func("/stamp/H46-bad", test_h46);
    g_test_add_func("/stamp/format", test_format);
    g_test_add_func("/stamp/every-day", test_every_day);
    g_test_add_func("/stamp/human", test_human);
    return g_test_run();
}
