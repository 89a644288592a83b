/*
 * Addresses that could be taken for others (H54). Two tests in the spirit of
 * UTS #39: does one word mix scripts that have twins of each other's letters,
 * and does the address have the same skeleton (twins replaced by one of them)
 * as one that is known?
 */
#include <string.h>
#include <utf8proc.h>
#include "base/intl.h"
#include "base/text.h"
#include "model/jid.h"
#include "model/unicode_script.h"

static const char *const script_names[SCRIPT_COUNT] = {
    [SCRIPT_LATIN] = N_("Latin"),
    [SCRIPT_GREEK] = N_("Greek"),
    [SCRIPT_CYRILLIC] = N_("Cyrillic"),
    [SCRIPT_ARMENIAN] = N_("Armenian"),
    [SCRIPT_HEBREW] = N_("Hebrew"),
    [SCRIPT_ARABIC] = N_("Arabic"),
    [SCRIPT_DEVANAGARI] = N_("Devanagari"),
    [SCRIPT_THAI] = N_("Thai"),
    [SCRIPT_GEORGIAN] = N_("Georgian"),
    [SCRIPT_HANGUL] = N_("Hangul"),
    [SCRIPT_CHEROKEE] = N_("Cherokee"),
    [SCRIPT_HIRAGANA] = N_("Hiragana"),
    [SCRIPT_KATAKANA] = N_("Katakana"),
    [SCRIPT_BOPOMOFO] = N_("Bopomofo"),
    [SCRIPT_HAN] = N_("Han"),
};

/* Usual together with each other and with Latin (UTS #39 s. 5.2). */
enum {
    EAST_ASIAN = 1 << SCRIPT_HANGUL | 1 << SCRIPT_HIRAGANA |
                 1 << SCRIPT_KATAKANA | 1 << SCRIPT_BOPOMOFO | 1 << SCRIPT_HAN,
};

/* Lower-case letters and digits that look like a Latin letter, in order. */
static const struct {
    gint32 cp;
    char twin;
} twins[] = {
    { '0', 'o' },
    { '1', 'l' },
    { '|', 'l' },
    { 0x00D7, 'x' },
    { 0x0131, 'i' },
    { 0x017F, 'f' },
    { 0x0251, 'a' },
    { 0x0261, 'g' },
    { 0x0269, 'i' },
    { 0x026A, 'i' },
    { 0x028B, 'u' },
    { 0x028F, 'y' },
    { 0x03B1, 'a' },
    { 0x03B3, 'y' },
    { 0x03B7, 'n' },
    { 0x03B9, 'i' },
    { 0x03BA, 'k' },
    { 0x03BD, 'v' },
    { 0x03BF, 'o' },
    { 0x03C1, 'p' },
    { 0x03C3, 'o' },
    { 0x03C4, 't' },
    { 0x03C5, 'u' },
    { 0x03C7, 'x' },
    { 0x03C9, 'w' },
    { 0x03F2, 'c' },
    { 0x03F3, 'j' },
    { 0x0430, 'a' },
    { 0x0431, '6' },
    { 0x0433, 'r' },
    { 0x0435, 'e' },
    { 0x043A, 'k' },
    { 0x043E, 'o' },
    { 0x043F, 'n' },
    { 0x0440, 'p' },
    { 0x0441, 'c' },
    { 0x0443, 'y' },
    { 0x0445, 'x' },
    { 0x044A, 'b' },
    { 0x044C, 'b' },
    { 0x0455, 's' },
    { 0x0456, 'i' },
    { 0x0458, 'j' },
    { 0x0461, 'w' },
    { 0x0475, 'v' },
    { 0x04AF, 'y' },
    { 0x04BB, 'h' },
    { 0x04CF, 'l' },
    { 0x0501, 'd' },
    { 0x051B, 'q' },
    { 0x051D, 'w' },
    { 0x0563, 'q' },
    { 0x0566, 'q' },
    { 0x0570, 'h' },
    { 0x0575, 'j' },
    { 0x0578, 'n' },
    { 0x057C, 'n' },
    { 0x057D, 'u' },
    { 0x0581, 'g' },
    { 0x0582, 'i' },
    { 0x0584, 'p' },
    { 0x0585, 'o' },
    { 0x05C0, 'l' },
    { 0x05D5, 'l' },
    { 0x05D8, 'v' },
    { 0x05E1, 'o' },
    { 0x0660, '.' },
    { 0x0661, 'l' },
    { 0x0665, 'o' },
    { 0x06F1, 'l' },
    { 0x06F5, 'o' },
    { 0x0966, 'o' },
    { 0x101D, 'o' },
    { 0x10E7, 'y' },
    { 0x10FF, 'o' },
    { 0x13A5, 'i' },
    { 0x1D0F, 'o' },
    { 0x1D1C, 'u' },
    { 0x1D20, 'v' },
    { 0x1D21, 'w' },
    { 0x1D22, 'z' },
    { 0x2010, '-' },
    { 0x2011, '-' },
    { 0x2013, '-' },
    { 0x3007, 'o' },
    { 0xAB75, 'i' },
};

static char twin_of(gint32 cp)
{
    size_t low = 0, high = G_N_ELEMENTS(twins);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cp == twins[middle].cp)
            return twins[middle].twin;
        if (cp > twins[middle].cp)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* "rn" reads as "m" and "vv" as "w" in most type. */
static void merge_pair(GString *out)
{
    static const struct {
        char pair[3];
        char twin;
    } pairs[] = { { "rn", 'm' }, { "vv", 'w' } };
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        if (out->len < 2 ||
            memcmp(out->str + out->len - 2, pairs[i].pair, 2) != 0)
            continue;
        g_string_truncate(out, out->len - 1);
        out->str[out->len - 1] = pairs[i].twin;
    }
}

static char *skeleton(const char *text)
{
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_map((const utf8proc_uint8_t *)text, 0, &mapped,
        UTF8PROC_NULLTERM | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
            UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    if (!mapped)
        return g_strdup(text); /* not UTF-8: like nothing but itself */
    GString *out = g_string_sized_new(strlen(text));
    for (const char *p = (char *)mapped; *p; p = g_utf8_next_char(p)) {
        gunichar cp = g_utf8_get_char(p);
        char twin = twin_of(cp);
        g_string_append_unichar(out, twin ? (gunichar)twin : cp);
        merge_pair(out);
    }
    free(mapped);
    return g_string_free(out, FALSE);
}

/* The scripts of one word, as bits. */
static guint32 scripts_of(const char *s, size_t len)
{
    guint32 seen = 0;
    for (const char *p = s; p < s + len; p = g_utf8_next_char(p))
        seen |= 1u << unicode_script_of(g_utf8_get_char(p));
    return seen & ~(1u << SCRIPT_COMMON);
}

static bool is_mixed(guint32 scripts)
{
    if (!(scripts & (scripts - 1)))
        return false;
    return scripts & ~(EAST_ASIAN | 1u << SCRIPT_LATIN);
}

static char *describe_mix(const char *word, size_t len, guint32 scripts)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (int i = 0; i < SCRIPT_COUNT; i++)
        if (scripts & 1u << i)
            g_string_append_printf(
                names, "%s%s", names->len ? _(" and ") : "", _(script_names[i]));
    g_autofree char *raw = g_strndup(word, len);
    g_autofree char *clean = text_clean(raw, -1, TEXT_ONE_LINE);
    return g_strdup_printf(
        _("“%s” mixes %s letters, which can look alike."), clean, names->str);
}

/* Local part and each label of the domain for themselves. */
static char *find_mix(const char *bare)
{
    for (const char *p = bare; *p;) {
        size_t len = strcspn(p, "@.");
        guint32 scripts = scripts_of(p, len);
        if (is_mixed(scripts))
            return describe_mix(p, len, scripts);
        p += len + (p[len] != '\0');
    }
    return NULL;
}

static bool has_a_label(const char *domain)
{
    return g_ascii_strncasecmp(domain, "xn--", 4) == 0 ||
           strstr(domain, ".xn--") || strstr(domain, ".XN--");
}

static char *find_twin(const char *bare, const char *const *others)
{
    g_autofree char *own = skeleton(bare);
    for (; others && *others; others++) {
        g_autofree char *other = jid_bare(*others);
        size_t len = strlen(other);
        if (strcmp(bare, other) == 0)
            continue;
        if (strchr(other, '@') && strncmp(bare, other, len) == 0 &&
            bare[len] == '.')
            return g_strdup_printf(_("%s only begins like %s."), bare, other);
        g_autofree char *theirs = skeleton(other);
        if (strcmp(own, theirs) == 0)
            return g_strdup_printf(
                _("%s looks like %s, but is another address."), bare, other);
    }
    return NULL;
}

char *jid_lookalike(const char *jid, const char *const *others)
{
    if (!g_utf8_validate(jid, -1, NULL))
        return g_strdup(_("The address is not valid text."));
    g_autofree char *bare = jid_bare(jid);
    char *odd = find_mix(bare);
    if (!odd && has_a_label(jid_domain_start(bare)))
        odd = g_strdup_printf(
            _("The server name of %s stayed in its encoded form."), bare);
    if (!odd)
        odd = find_twin(bare, others);
    const char *resource = jid_resource(jid);
    if (!odd && resource && strchr(resource, '@'))
        odd = g_strdup_printf(
            _("The resource of %s is written like an address."), bare);
    return odd;
}
