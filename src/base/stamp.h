/* XEP-0082 date-time profiles. Times are microseconds since 1970, UTC. */
#pragma once
#include <stdbool.h>
#include <glib.h>

/* Strict: CCYY-MM-DDThh:mm:ss[.fff…](Z|+hh:mm|-hh:mm), years 1970 to 9998,
 * and the legacy CCYYMMDDThh:mm:ss of XEP-0091. Hostile input; no side
 * effects on failure. */
bool stamp_parse(const char *text, gint64 *out_us);

char *stamp_format(gint64 time_us);       /* 2026-11-20T21:02:00Z, new string */
char *stamp_format_ms(gint64 time_us);    /* with milliseconds */
gint64 stamp_now(void);                   /* wall clock */

/* What a person or script may type: an XEP-0082 time, CCYY-MM-DD, hh:mm
 * (today), "today", "yesterday", or 30m 2h 3d (ago); local time zone. */
bool stamp_parse_human(const char *text, gint64 now_us, gint64 *out_us);
