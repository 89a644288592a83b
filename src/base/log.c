/*
 * The redaction walks over the tags without building a tree, so it works on
 * half a stanza as well. It knows secret elements by their local names alone:
 * hiding too much is harmless, and a prefix or a new namespace must not open a
 * hole. Inside a secret element all text is replaced, at any depth, and the
 * values of secret attributes everywhere.
 */
#include "base/log.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "base/paths.h"
#include "base/stamp.h"
#include "base/text.h"

static const char hidden[] = "[redacted]";

/* The log is one a process, as standard error is. */
static int log_fd = -1;

/* Elements whose text is secret: SASL (RFC 6120 s. 6), SASL2 (XEP-0388),
 * XEP-0077 and XEP-0078 passwords, room passwords (XEP-0045), TURN and upload
 * credentials. */
static const char *const secret_elements[] = {
    "additional-data",
    "auth",
    "challenge",
    "digest",
    "initial-response",
    "new-password",
    "passphrase",
    "password",
    "response",
    "secret",
    "success",
    "task-data",
    "token",
};

/* XEP-0484 token, XEP-0215 username and password, XEP-0045 invitations. */
static const char *const secret_attributes[] = {
    "digest",
    "hash-token",
    "passphrase",
    "password",
    "secret",
    "token",
};

/* Form fields (XEP-0004) and HTTP headers (XEP-0363) by what they are called:
 * the beginnings of words would miss "muc#roomconfig_roomsecret". */
static const char *const secret_words[] = {
    "auth",
    "cookie",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "token",
};

struct span {
    const char *start;
    size_t len;
};

static bool span_is(struct span s, const char *word)
{
    return strlen(word) == s.len &&
           g_ascii_strncasecmp(s.start, word, s.len) == 0;
}

static bool span_in(struct span s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(s, words[i]))
            return true;
    return false;
}

static bool span_contains_secret_word(struct span s)
{
    for (size_t i = 0; i < G_N_ELEMENTS(secret_words); i++) {
        size_t n = strlen(secret_words[i]);
        for (size_t at = 0; at + n <= s.len; at++)
            if (g_ascii_strncasecmp(s.start + at, secret_words[i], n) == 0)
                return true;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

/* A name without its prefix; *pp moves behind it. */
static struct span take_name(const char **pp, const char *end)
{
    const char *p = *pp;
    struct span name = { p, 0 };
    for (; p < end && !is_space(*p) && !strchr("=/>'\"<", *p); p++)
        if (*p == ':')
            name.start = p + 1;
    name.len = p - name.start;
    *pp = p;
    return name;
}

struct tag {
    bool opens, closes; /* both: an empty element */
    bool secret;        /* its text is to be hidden */
};

struct redactor {
    GString *out;
    int depth;  /* open elements inside and with the secret one; 0: none */
    bool shown; /* the place of the hidden text is marked already */
};

/* One attribute, copied with its value hidden where need be. */
static const char *take_attribute(struct redactor *r, const char *p,
    const char *end, bool named, struct tag *tag)
{
    const char *start = p;
    struct span name = take_name(&p, end);
    p = skip_space(p, end);
    if (p == end || *p != '=') {
        p = p > start ? p : start + 1;
        g_string_append_len(r->out, start, p - start);
        return p;
    }
    p = skip_space(p + 1, end);
    char quote = p < end ? *p : 0;
    if (quote != '"' && quote != '\'') {
        g_string_append_len(r->out, start, p - start);
        return p;
    }
    struct span value = { ++p, 0 };
    const char *close = memchr(p, quote, end - p);
    value.len = (close ? close : end) - value.start;
    if (named &&
        ((span_is(name, "var") || span_is(name, "name"))
                ? span_contains_secret_word(value)
                : span_is(name, "type") && span_is(value, "text-private")))
        tag->secret = true;
    bool hide = value.len && span_in(name, secret_attributes,
                                 G_N_ELEMENTS(secret_attributes));
    g_string_append_len(r->out, start, value.start - start);
    if (hide)
        g_string_append(r->out, hidden);
    else
        g_string_append_len(r->out, value.start, value.len);
    if (!close)
        return end;
    g_string_append_c(r->out, quote);
    return close + 1;
}

/* p stands behind '<'. */
static const char *take_tag(
    struct redactor *r, const char *p, const char *end, struct tag *tag)
{
    *tag = (struct tag){ .opens = true };
    g_string_append_c(r->out, '<');
    if (p < end && *p == '/') {
        *tag = (struct tag){ .closes = true };
        g_string_append_c(r->out, *p++);
    }
    const char *start = p;
    struct span name = take_name(&p, end);
    g_string_append_len(r->out, start, p - start);
    tag->secret = span_in(name, secret_elements, G_N_ELEMENTS(secret_elements));
    bool named = span_is(name, "field") || span_is(name, "header");
    while (p < end && *p != '>' && *p != '<') {
        if (is_space(*p)) {
            g_string_append_c(r->out, *p++);
        } else if (*p == '/') {
            tag->closes = tag->opens && p + 1 < end && p[1] == '>';
            g_string_append_c(r->out, *p++);
        } else {
            p = take_attribute(r, p, end, named, tag);
        }
    }
    if (p < end && *p == '>')
        g_string_append_c(r->out, *p++);
    return p;
}

static void count_depth(struct redactor *r, const struct tag *tag)
{
    if (tag->opens && !tag->closes && (r->depth || tag->secret)) {
        if (!r->depth++)
            r->shown = false;
    } else if (!tag->opens && r->depth) {
        r->depth--;
    }
}

static void put_text(struct redactor *r, const char *start, const char *end)
{
    if (!r->depth) {
        g_string_append_len(r->out, start, end - start);
        return;
    }
    if (skip_space(start, end) == end || r->shown)
        return;
    g_string_append(r->out, hidden);
    r->shown = true;
}

static const char *find(const char *p, const char *end, const char *needle)
{
    const char *hit = g_strstr_len(p, end - p, needle);
    return hit ? hit + strlen(needle) : end;
}

static bool begins(const char *p, const char *end, const char *with)
{
    size_t n = strlen(with);
    return (size_t)(end - p) >= n && memcmp(p, with, n) == 0;
}

char *log_redact(const char *xml, gssize len)
{
    const char *p = xml;
    const char *end = xml + (len < 0 ? strlen(xml) : (size_t)len);
    struct redactor r = { .out = g_string_sized_new(end - xml + 32) };
    while (p < end) {
        const char *open = memchr(p, '<', end - p);
        put_text(&r, p, open ? open : end);
        if (!open)
            break;
        p = open + 1;
        const char *stop = NULL;
        if (begins(open, end, "<![CDATA["))
            stop = find(p, end, "]]>");
        else if (begins(open, end, "<!--"))
            stop = find(p, end, "-->");
        else if (begins(open, end, "<?"))
            stop = find(p, end, "?>");
        if (stop) {
            put_text(&r, open, stop);
            p = stop;
            continue;
        }
        struct tag tag;
        p = take_tag(&r, p, end, &tag);
        count_depth(&r, &tag);
    }
    return g_string_free(r.out, FALSE);
}

/* ---- The file ---- */

bool log_open(const char *path, GError **error)
{
    int fd = paths_open_append(path, error);
    if (fd < 0)
        return false;
    log_close();
    log_fd = fd;
    return true;
}

void log_close(void)
{
    if (log_fd >= 0)
        close(log_fd);
    log_fd = -1;
}

bool log_enabled(void)
{
    return log_fd >= 0;
}

/* Control characters stay readable, and cannot begin a line of their own. */
static char *one_line(const char *text, size_t len)
{
    if (text_is_clean(text, len, TEXT_ONE_LINE))
        return g_strndup(text, len);
    g_autoptr(GString) out = g_string_sized_new(len + 16);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = text[i];
        if (c == '\n')
            g_string_append(out, "\\n");
        else if (c == '\t')
            g_string_append(out, "\\t");
        else if (c < 0x20 || c == 0x7F)
            g_string_append_printf(out, "\\x%02X", c);
        else
            g_string_append_c(out, c);
    }
    return text_clean(out->str, out->len, TEXT_ONE_LINE);
}

static void write_entry(const char *head, const char *text, size_t len)
{
    g_autofree char *stamp = stamp_format_ms(stamp_now());
    g_autofree char *line = one_line(text, len);
    g_autofree char *entry = g_strdup_printf("%s %s%s\n", stamp, head, line);
    const char *p = entry;
    size_t left = strlen(entry);
    while (left) {
        ssize_t n = write(log_fd, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* a full disk: the program matters more than its log */
        p += n;
        left -= n;
    }
}

void log_line(const char *area, const char *format, ...)
{
    if (log_fd < 0)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *head = g_strconcat(area, ": ", NULL);
    write_entry(head, text, strlen(text));
}

void log_xml(const char *account, bool outgoing, const char *xml, gssize len)
{
    if (log_fd < 0)
        return;
    g_autofree char *text = log_redact(xml, len);
    g_autofree char *who =
        one_line(account ? account : "-", account ? strlen(account) : 1);
    g_autofree char *head = g_strconcat(who, outgoing ? " > " : " < ", NULL);
    write_entry(head, text, strlen(text));
}
