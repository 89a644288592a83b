/* See url.h. Every byte is looked at once. */
#include "config.h"
#include "base/url.h"
#include "base/text.h"
#include <string.h>

enum { URL_MAX = 8192 };

static const char *const schemes[] = { "https://", "http://", "xmpp:", "mailto:" };

static gsize scheme_at(const char *p, const char *end)
{
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        gsize len = strlen(schemes[i]);
        if ((gsize)(end - p) > len && !g_ascii_strncasecmp(p, schemes[i], len))
            return len;
    }
    return 0;
}

static bool ends_url(char c)
{
    return (guchar)c <= ' ' || c == 0x7f || strchr("<>\"", c);
}

/* A closing bracket belongs to the link when its opening one does. */
static gsize without_tail(const char *url, gsize len)
{
    int depth = 0;
    for (gsize i = 0; i < len; i++)
        depth += (url[i] == '(') - (url[i] == ')');
    while (len) {
        char last = url[len - 1];
        if (last == ')' && depth < 0)
            depth++;
        else if (!strchr(".,;:!?'*_", last))
            break;
        len--;
    }
    return len;
}

bool url_next(const char **at, const char *end, const char **start, gsize *len)
{
    const char *begin = *at;
    for (const char *p = begin; p < end; p++) {
        gsize scheme = strchr("hHxXmM", *p) && *p ? scheme_at(p, end) : 0;
        if (!scheme || (p > begin && g_ascii_isalnum(p[-1])))
            continue;
        const char *stop = p + scheme;
        while (stop < end && !ends_url(*stop))
            stop++;
        *start = p;
        *len = without_tail(p, (gsize)(stop - p));
        *at = p = stop;
        if (*len > scheme)
            return true;
        begin = stop;
        p--;
    }
    *at = end;
    return false;
}

bool url_is_safe(const char *url)
{
    gsize len = strnlen(url, URL_MAX + 1);
    if (!scheme_at(url, url + len) || len > URL_MAX || !text_is_clean(url, -1, TEXT_ONE_LINE))
        return false;
    return !strpbrk(url, " <>\"");
}
