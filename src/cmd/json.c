/* Runs of harmless bytes are copied as they are. */
#include "cmd/json.h"

static gboolean must_escape(gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c ||
        c == 0x180e || (c >= 0x200b && c <= 0x200f && c != 0x200d) ||
        (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
        c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe ||
        (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xe0000 && c <= 0xe0fff);
}

static void append_escape(GString *out, gunichar c)
{
    if (c > 0xffff) {
        c -= 0x10000;
        g_string_append_printf(
            out, "\\u%04x\\u%04x", 0xd800 | c >> 10, 0xdc00 | (c & 0x3ff));
        return;
    }
    g_string_append_printf(out, "\\u%04x", c);
}

static void append_ascii(GString *out, char c)
{
    switch (c) {
    case '"':
        g_string_append(out, "\\\"");
        break;
    case '\\':
        g_string_append(out, "\\\\");
        break;
    case '\n':
        g_string_append(out, "\\n");
        break;
    case '\t':
        g_string_append(out, "\\t");
        break;
    case '\r':
        g_string_append(out, "\\r");
        break;
    default:
        append_escape(out, (guchar)c);
    }
}

static gboolean is_plain(guchar c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void json_append_string(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const char *p = text; *p;) {
        const char *run = p;
        while (is_plain((guchar)*p))
            p++;
        g_string_append_len(out, run, p - run);
        if (!*p)
            break;
        if ((guchar)*p < 0x80) {
            append_ascii(out, *p++);
            continue;
        }
        gunichar c = g_utf8_get_char_validated(p, -1);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append(out, "\xef\xbf\xbd");
            p++;
            continue;
        }
        const char *next = g_utf8_next_char(p);
        if (must_escape(c))
            append_escape(out, c);
        else
            g_string_append_len(out, p, next - p);
        p = next;
    }
    g_string_append_c(out, '"');
}
