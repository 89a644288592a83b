/*
 * Times of XEP-0082, computed with the proleptic Gregorian calendar alone: no
 * locale, no time zone data, no timegm(). What people type goes through
 * GDateTime, because it means their own time zone.
 */
#include "base/stamp.h"
#include <string.h>

enum { YEAR_MIN = 1970, YEAR_MAX = 9998 };

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
        31 };
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01. Counting from March puts the leap day at the end of
 * the year: (153 * m + 2) / 5 are the days before month m of such a year. */
static gint64 days_from_date(int year, int month, int day)
{
    gint64 y = month > 2 ? year : year - 1;
    int m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
           719468;
}

static void date_from_days(gint64 days, int *year, int *month, int *day)
{
    gint64 z = days + 719468;
    gint64 era = z / 146097; /* 400 years */
    gint64 doe = z % 146097;
    gint64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int m = (5 * doy + 2) / 153;
    *day = doy - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

/* Exactly n digits at *p, which moves on. */
static bool take_number(const char **p, int n, int *out)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!g_ascii_isdigit((*p)[i]))
            return false;
        value = value * 10 + (*p)[i] - '0';
    }
    *p += n;
    *out = value;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* Any number of digits after the point; what is below a microsecond is cut. */
static bool take_fraction(const char **p, int *us)
{
    *us = 0;
    if (!take_char(p, '.'))
        return true;
    int unit = 100000;
    if (!g_ascii_isdigit(**p))
        return false;
    for (; g_ascii_isdigit(**p); (*p)++) {
        *us += (**p - '0') * unit;
        unit /= 10;
    }
    return true;
}

static bool take_zone(const char **p, int *offset_s)
{
    int hours, minutes;
    *offset_s = 0;
    if (take_char(p, 'Z'))
        return true;
    char sign = **p;
    if (sign != '+' && sign != '-')
        return false;
    (*p)++;
    if (!take_number(p, 2, &hours) || !take_char(p, ':') ||
        !take_number(p, 2, &minutes))
        return false;
    /* XML Schema part 2, s. 3.2.7.3: at most 14:00 */
    if (minutes > 59 || hours * 60 + minutes > 14 * 60)
        return false;
    *offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

bool stamp_parse(const char *text, gint64 *out_us)
{
    if (!text)
        return false;
    const char *p = text;
    int year, month, day, hour, minute, second, us = 0, offset_s = 0;
    if (!take_number(&p, 4, &year))
        return false;
    bool legacy = *p != '-';
    if (!legacy)
        p++;
    if (!take_number(&p, 2, &month) || (!legacy && !take_char(&p, '-')) ||
        !take_number(&p, 2, &day) || !take_char(&p, 'T') ||
        !take_number(&p, 2, &hour) || !take_char(&p, ':') ||
        !take_number(&p, 2, &minute) || !take_char(&p, ':') ||
        !take_number(&p, 2, &second))
        return false;
    if (!legacy && (!take_fraction(&p, &us) || !take_zone(&p, &offset_s)))
        return false;
    if (*p || year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 ||
        day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    gint64 seconds = days_from_date(year, month, day) * 86400 + hour * 3600 +
                     minute * 60 + second - offset_s;
    if (seconds < 0)
        return false;
    *out_us = seconds * G_USEC_PER_SEC + us;
    return true;
}

static char *format(gint64 time_us, bool with_ms)
{
    /* What is outside the years that stamp_parse takes is ours and wrong. */
    gint64 last = days_from_date(YEAR_MAX + 1, 1, 1) * 86400 * G_USEC_PER_SEC;
    time_us = CLAMP(time_us, 0, last - 1);
    gint64 seconds = time_us / G_USEC_PER_SEC;
    int in_day = seconds % 86400;
    int year, month, day;
    date_from_days(seconds / 86400, &year, &month, &day);
    char buf[64];
    int n = g_snprintf(buf, sizeof buf, "%04d-%02d-%02dT%02d:%02d:%02d", year,
        month, day, in_day / 3600, in_day / 60 % 60, in_day % 60);
    if (with_ms)
        n += g_snprintf(buf + n, sizeof buf - n, ".%03d",
            (int)(time_us % G_USEC_PER_SEC / 1000));
    buf[n] = 'Z';
    return g_strndup(buf, n + 1);
}

char *stamp_format(gint64 time_us)
{
    return format(time_us, false);
}

char *stamp_format_ms(gint64 time_us)
{
    return format(time_us, true);
}

gint64 stamp_now(void)
{
    return g_get_real_time();
}

/* ---- What people type ---- */

static bool parse_ago(const char *text, gint64 now_us, gint64 *out_us)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
        { 'w', 7 * 86400 } };
    char *end;
    if (!g_ascii_isdigit(*text))
        return false;
    guint64 n = g_ascii_strtoull(text, &end, 10);
    if (!*end || end[1] || n > 1000000)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        gint64 ago = (gint64)n * units[i].seconds * G_USEC_PER_SEC;
        if (*end != units[i].unit || ago > now_us)
            continue;
        *out_us = now_us - ago;
        return true;
    }
    return false;
}

static bool set_local(GDateTime *local, gint64 *out_us)
{
    g_autoptr(GDateTime) time = local;
    if (!time || g_date_time_to_unix(time) < 0)
        return false;
    *out_us = g_date_time_to_unix(time) * G_USEC_PER_SEC;
    return true;
}

static bool parse_date(const char *text, gint64 *out_us)
{
    int year, month, day;
    if (!take_number(&text, 4, &year) || !take_char(&text, '-') ||
        !take_number(&text, 2, &month) || !take_char(&text, '-') ||
        !take_number(&text, 2, &day) || *text || year < YEAR_MIN ||
        year > YEAR_MAX)
        return false;
    /* g_date_time_new checks month and day and complains about none */
    return set_local(g_date_time_new_local(year, month, day, 0, 0, 0), out_us);
}

/* Midnight or a clock time of the day of now, or some days before it. */
static bool on_day(
    gint64 now_us, int days_ago, int hour, int minute, gint64 *out_us)
{
    g_autoptr(GDateTime) now =
        g_date_time_new_from_unix_local(now_us / G_USEC_PER_SEC);
    if (!now)
        return false;
    g_autoptr(GDateTime) day = g_date_time_add_days(now, -days_ago);
    if (!day)
        return false;
    return set_local(g_date_time_new_local(g_date_time_get_year(day),
                         g_date_time_get_month(day),
                         g_date_time_get_day_of_month(day), hour, minute, 0),
        out_us);
}

static bool parse_clock(const char *text, gint64 now_us, gint64 *out_us)
{
    int hour, minute;
    if (!take_number(&text, text[0] && text[1] == ':' ? 1 : 2, &hour) ||
        !take_char(&text, ':') || !take_number(&text, 2, &minute) || *text ||
        hour > 23 || minute > 59)
        return false;
    return on_day(now_us, 0, hour, minute, out_us);
}

bool stamp_parse_human(const char *text, gint64 now_us, gint64 *out_us)
{
    if (!text)
        return false;
    if (strcmp(text, "today") == 0)
        return on_day(now_us, 0, 0, 0, out_us);
    if (strcmp(text, "yesterday") == 0)
        return on_day(now_us, 1, 0, 0, out_us);
    return stamp_parse(text, out_us) || parse_date(text, out_us) ||
           parse_clock(text, now_us, out_us) || parse_ago(text, now_us, out_us);
}
