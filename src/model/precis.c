/*
 * PRECIS (RFC 8264): every code point has a derived property, computed from
 * its Unicode properties by the algorithm of s. 8, and a string class admits
 * some of them. A profile (RFC 8265) is a few mappings around that check. The
 * Unicode version is that of utf8proc.
 */
#include <string.h>
#include <utf8proc.h>
#include "base/intl.h"
#include "model/jid.h"
#include "model/unicode_script.h"

enum property {
    PVALID,    /* in both classes */
    FREE_PVAL, /* in the FreeformClass only */
    CONTEXT_J, /* joiners, RFC 5892 A.1 and A.2 */
    CONTEXT_O, /* RFC 5892 A.3 to A.9 */
    DISALLOWED,
};

enum { ZWNJ = 0x200C, ZWJ = 0x200D, VIRAMA_CLASS = 9 };

/* RFC 8264 s. 9.6 */
static const struct {
    gint32 first, last;
    enum property property;
} exceptions[] = {
    { 0x00B7, 0x00B7, CONTEXT_O },
    { 0x00DF, 0x00DF, PVALID },
    { 0x0375, 0x0375, CONTEXT_O },
    { 0x03C2, 0x03C2, PVALID },
    { 0x05F3, 0x05F4, CONTEXT_O },
    { 0x0640, 0x0640, DISALLOWED },
    { 0x0660, 0x0669, CONTEXT_O },
    { 0x06F0, 0x06F9, CONTEXT_O },
    { 0x06FD, 0x06FE, PVALID },
    { 0x07FA, 0x07FA, DISALLOWED },
    { 0x0F0B, 0x0F0B, PVALID },
    { 0x3007, 0x3007, PVALID },
    { 0x302E, 0x302F, DISALLOWED },
    { 0x3031, 0x3035, DISALLOWED },
    { 0x303B, 0x303B, DISALLOWED },
    { 0x30FB, 0x30FB, CONTEXT_O },
};

/* By general category; what has a compatibility equivalent is treated first.
 * Zero is DISALLOWED here: FREE and VALID are marked. */
enum { NEITHER, VALID, FREE };
static const unsigned char categories[] = {
    [UTF8PROC_CATEGORY_LU] = VALID,
    [UTF8PROC_CATEGORY_LL] = VALID,
    [UTF8PROC_CATEGORY_LM] = VALID,
    [UTF8PROC_CATEGORY_LO] = VALID,
    [UTF8PROC_CATEGORY_MN] = VALID,
    [UTF8PROC_CATEGORY_MC] = VALID,
    [UTF8PROC_CATEGORY_ND] = VALID,
    [UTF8PROC_CATEGORY_LT] = FREE,
    [UTF8PROC_CATEGORY_NL] = FREE,
    [UTF8PROC_CATEGORY_NO] = FREE,
    [UTF8PROC_CATEGORY_ME] = FREE,
    [UTF8PROC_CATEGORY_ZS] = FREE,
    [UTF8PROC_CATEGORY_SM] = FREE,
    [UTF8PROC_CATEGORY_SC] = FREE,
    [UTF8PROC_CATEGORY_SK] = FREE,
    [UTF8PROC_CATEGORY_SO] = FREE,
    [UTF8PROC_CATEGORY_PC] = FREE,
    [UTF8PROC_CATEGORY_PD] = FREE,
    [UTF8PROC_CATEGORY_PS] = FREE,
    [UTF8PROC_CATEGORY_PE] = FREE,
    [UTF8PROC_CATEGORY_PI] = FREE,
    [UTF8PROC_CATEGORY_PF] = FREE,
    [UTF8PROC_CATEGORY_PO] = FREE,
    [UTF8PROC_CATEGORY_CO] = NEITHER,
};

static bool is_old_hangul_jamo(gint32 cp)
{
    return (cp >= 0x1100 && cp <= 0x11FF) || (cp >= 0xA960 && cp <= 0xA97C) ||
           (cp >= 0xD7B0 && cp <= 0xD7FB);
}

/* toNFKC(cp) != cp */
static bool has_compat(gint32 cp, const utf8proc_property_t *p)
{
    if (p->decomp_seqindex == G_MAXUINT16)
        return false;
    utf8proc_uint8_t in[5] = { 0 };
    in[utf8proc_encode_char(cp, in)] = '\0';
    utf8proc_uint8_t *out = utf8proc_NFKC(in);
    bool differs = !out || strcmp((char *)in, (char *)out) != 0;
    free(out);
    return differs;
}

static enum property derive(gint32 cp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(exceptions); i++)
        if (cp >= exceptions[i].first && cp <= exceptions[i].last)
            return exceptions[i].property;
    if (cp < 0x7F)
        return cp > 0x20 ? PVALID : cp == 0x20 ? FREE_PVAL : DISALLOWED;
    if (cp == ZWJ || cp == ZWNJ)
        return CONTEXT_J;
    const utf8proc_property_t *p = utf8proc_get_property(cp);
    if (is_old_hangul_jamo(cp) || p->ignorable)
        return DISALLOWED;
    unsigned char class = categories[p->category];
    /* Unassigned, controls, surrogates, private use, line separators, format
     * characters: none of them is in a class, with or without an equivalent. */
    if (class == NEITHER)
        return DISALLOWED;
    if (class == FREE || has_compat(cp, p))
        return FREE_PVAL;
    return PVALID;
}

/* ---- Contextual rules (RFC 5892 appendix A) ---- */

enum joining { JOIN_NONE, JOIN_RIGHT, JOIN_DUAL, JOIN_TRANSPARENT };

/* Letters of the Arabic and Syriac blocks that join to the right only; the
 * other letters there join on both sides. In other cursive scripts a non-joiner
 * is refused unless it follows a virama. */
static const gint32 right_joining[][2] = {
    { 0x0622, 0x0625 },
    { 0x0627, 0x0627 },
    { 0x0629, 0x0629 },
    { 0x062F, 0x0632 },
    { 0x0648, 0x0648 },
    { 0x0671, 0x0673 },
    { 0x0675, 0x0677 },
    { 0x0688, 0x0699 },
    { 0x06C0, 0x06C0 },
    { 0x06C3, 0x06CB },
    { 0x06CD, 0x06CD },
    { 0x06CF, 0x06CF },
    { 0x06D2, 0x06D3 },
    { 0x06D5, 0x06D5 },
    { 0x06EE, 0x06EF },
    { 0x0710, 0x0710 },
    { 0x0715, 0x0719 },
    { 0x071E, 0x071E },
    { 0x0728, 0x0728 },
    { 0x072A, 0x072A },
    { 0x072C, 0x072C },
    { 0x072F, 0x072F },
    { 0x074D, 0x074D },
    { 0x0759, 0x075B },
    { 0x076B, 0x076C },
    { 0x0771, 0x0771 },
    { 0x0773, 0x0774 },
    { 0x0778, 0x0779 },
};

static enum joining joining_of(gint32 cp)
{
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
        return JOIN_TRANSPARENT;
    case UTF8PROC_CATEGORY_LO:
        break;
    default:
        return JOIN_NONE;
    }
    /* hamza, high hamza and U+06D5's neighbour do not join */
    if (cp < 0x0620 || cp > 0x077F || cp == 0x0621 || cp == 0x0674)
        return JOIN_NONE;
    for (size_t i = 0; i < G_N_ELEMENTS(right_joining); i++)
        if (cp >= right_joining[i][0] && cp <= right_joining[i][1])
            return JOIN_RIGHT;
    return JOIN_DUAL;
}

static bool non_joiner_between_joining(const gint32 *s, long n, long i)
{
    long before = i - 1, after = i + 1;
    while (before >= 0 && joining_of(s[before]) == JOIN_TRANSPARENT)
        before--;
    while (after < n && joining_of(s[after]) == JOIN_TRANSPARENT)
        after++;
    return before >= 0 && after < n && joining_of(s[before]) == JOIN_DUAL &&
           joining_of(s[after]) != JOIN_NONE;
}

/* What the rules about the whole string need, gathered once. */
struct summary {
    bool japanese;                       /* Hiragana, Katakana or Han (A.7) */
    bool arabic_digits, extended_digits; /* A.8, A.9 */
};

static struct summary summarize(const gint32 *s, long n)
{
    struct summary sum = { 0 };
    for (long i = 0; i < n; i++) {
        enum unicode_script script = unicode_script_of(s[i]);
        sum.japanese |= script == SCRIPT_HIRAGANA ||
                        script == SCRIPT_KATAKANA || script == SCRIPT_HAN;
        sum.arabic_digits |= s[i] >= 0x0660 && s[i] <= 0x0669;
        sum.extended_digits |= s[i] >= 0x06F0 && s[i] <= 0x06F9;
    }
    return sum;
}

static bool context_holds(
    const gint32 *s, long n, long i, const struct summary *sum)
{
    gint32 before = i > 0 ? s[i - 1] : 0;
    gint32 after = i + 1 < n ? s[i + 1] : 0;
    bool virama = before && utf8proc_get_property(before)->combining_class ==
                                VIRAMA_CLASS;
    switch (s[i]) {
    case ZWNJ:
        return virama || non_joiner_between_joining(s, n, i);
    case ZWJ:
        return virama;
    case 0x00B7:
        return before == 'l' && after == 'l';
    case 0x0375:
        return unicode_script_of(after) == SCRIPT_GREEK;
    case 0x05F3:
    case 0x05F4:
        return unicode_script_of(before) == SCRIPT_HEBREW;
    case 0x30FB:
        return sum->japanese;
    default: /* the two kinds of Arabic digits do not mix */
        return !(sum->arabic_digits && sum->extended_digits);
    }
}

static bool check_class(
    const gint32 *s, long n, enum property widest, GError **error)
{
    struct summary sum = { 0 };
    bool summed = false;
    for (long i = 0; i < n; i++) {
        enum property property = derive(s[i]);
        if (property <= widest)
            continue;
        if (property == CONTEXT_J || property == CONTEXT_O) {
            if (!summed)
                sum = summarize(s, n);
            summed = true;
            if (context_holds(s, n, i, &sum))
                continue;
        }
        g_set_error(error, JID_ERROR, JID_ERROR_MALFORMED,
            _("the character U+%04X is not allowed there"), (unsigned)s[i]);
        return false;
    }
    return true;
}

/* ---- Bidi rule (RFC 5893 s. 2) ---- */

#define BIT(class) (1u << UTF8PROC_BIDI_CLASS_##class)

static bool check_bidi(const gint32 *s, long n, GError **error)
{
    enum {
        SHARED =
            BIT(EN) | BIT(ES) | BIT(CS) | BIT(ET) | BIT(ON) | BIT(BN) | BIT(NSM)
    };
    guint32 seen = 0, first = 0, last = 0;
    for (long i = 0; i < n; i++) {
        guint32 bit = 1u << utf8proc_get_property(s[i])->bidi_class;
        seen |= bit;
        if (i == 0)
            first = bit;
        if (bit != BIT(NSM))
            last = bit;
    }
    if (!(seen & (BIT(R) | BIT(AL) | BIT(AN))))
        return true;
    bool rtl = first & (BIT(R) | BIT(AL));
    bool ok = rtl ? !(seen & ~(SHARED | BIT(R) | BIT(AL) | BIT(AN))) &&
                        (last & (BIT(R) | BIT(AL) | BIT(EN) | BIT(AN))) &&
                        !((seen & BIT(EN)) && (seen & BIT(AN)))
                  : (first & BIT(L)) && !(seen & ~(SHARED | BIT(L))) &&
                        (last & (BIT(L) | BIT(EN)));
    if (!ok)
        g_set_error(error, JID_ERROR, JID_ERROR_MALFORMED,
            _("letters written from right to left are mixed with others in a "
            "way that cannot be read safely"));
    return ok;
}

/* ---- Profiles ---- */

static bool check_text(const char *text, GError **error)
{
    if (!*text)
        g_set_error(error, JID_ERROR, JID_ERROR_MALFORMED, _("it is empty"));
    else if (!g_utf8_validate(text, -1, NULL))
        g_set_error(error, JID_ERROR, JID_ERROR_MALFORMED,
            _("it is not valid UTF-8 text"));
    else
        return true;
    return false;
}

static char *to_nfc(const GString *text, GError **error)
{
    utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)text->str);
    if (!nfc) {
        g_set_error(error, JID_ERROR, JID_ERROR_MALFORMED,
            _("it cannot be brought into a normal form"));
        return NULL;
    }
    char *copy = g_strdup((char *)nfc);
    free(nfc);
    return copy;
}

static void append(GString *out, gint32 cp)
{
    utf8proc_uint8_t buf[4];
    utf8proc_ssize_t n = utf8proc_encode_char(cp, buf);
    g_string_append_len(out, (char *)buf, n);
}

/* Full-width and half-width forms to the usual ones. */
static gint32 map_width(gint32 cp)
{
    if (cp != 0x3000 && (cp < 0xFF00 || cp > 0xFFEF))
        return cp;
    gint32 mapped[4];
    int last = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        cp, mapped, 4, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last);
    return n == 1 ? mapped[0] : cp;
}

static char *username_once(const char *text, GError **error)
{
    glong n;
    g_autofree gunichar *in = g_utf8_to_ucs4_fast(text, -1, &n);
    for (glong i = 0; i < n; i++)
        in[i] = map_width(in[i]);
    if (!check_class((gint32 *)in, n, PVALID, error))
        return NULL;
    g_autoptr(GString) mapped = g_string_sized_new(strlen(text) + 8);
    for (glong i = 0; i < n; i++) {
        append(mapped, in[i] == 0x0130 ? 'i' : utf8proc_tolower(in[i]));
        if (in[i] == 0x0130) /* the one letter whose lower case is two */
            append(mapped, 0x0307);
    }
    g_autofree char *nfc = to_nfc(mapped, error);
    if (!nfc)
        return NULL;
    g_autofree gunichar *out = g_utf8_to_ucs4_fast(nfc, -1, &n);
    if (!check_class((gint32 *)out, n, PVALID, error) ||
        !check_bidi((gint32 *)out, n, error))
        return NULL;
    return g_steal_pointer(&nfc);
}

static char *opaque_once(const char *text, GError **error)
{
    glong n;
    g_autofree gunichar *in = g_utf8_to_ucs4_fast(text, -1, &n);
    if (!check_class((gint32 *)in, n, FREE_PVAL, error))
        return NULL;
    g_autoptr(GString) mapped = g_string_sized_new(strlen(text));
    for (glong i = 0; i < n; i++)
        append(mapped, utf8proc_category(in[i]) == UTF8PROC_CATEGORY_ZS
                           ? ' '
                           : (gint32)in[i]);
    return to_nfc(mapped, error);
}

/* RFC 8264 s. 7: the rules are applied until they change nothing. */
static char *until_stable(
    const char *text, char *(*once)(const char *, GError **), GError **error)
{
    g_autofree char *current = g_strdup(text);
    for (int i = 0; i < 4; i++) {
        g_autofree char *next = once(current, error);
        if (!next)
            return NULL;
        if (strcmp(current, next) == 0)
            return g_steal_pointer(&next);
        g_free(current);
        current = g_steal_pointer(&next);
    }
    g_set_error(error, JID_ERROR, JID_ERROR_MALFORMED, _("it has no stable form"));
    return NULL;
}

static bool is_ascii_between(const char *text, char first)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (*text < first || *text > '~')
            return false;
    return true;
}

char *precis_username(const char *text, GError **error)
{
    if (is_ascii_between(text, '!'))
        return g_ascii_strdown(text, -1);
    if (!check_text(text, error))
        return NULL;
    return until_stable(text, username_once, error);
}

char *precis_opaque(const char *text, GError **error)
{
    if (is_ascii_between(text, ' '))
        return g_strdup(text);
    if (!check_text(text, error))
        return NULL;
    return until_stable(text, opaque_once, error);
}
