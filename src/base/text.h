/*
 * Text as people see it: extended grapheme clusters (UAX #29), their width in
 * terminal cells, and the one sanitizer that everything written by others
 * passes before it reaches a terminal, a title, a notification, a log line or
 * text output. All input may be hostile, including invalid UTF-8.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <glib.h>

enum text_flags {
    TEXT_ONE_LINE = 1 << 0,   /* CR, LF, tab, U+2028/9 become marks too */
    TEXT_KEEP_BIDI = 1 << 1,  /* only for tests */
};

/* Replaces what must not reach a sink: C0, DEL, C1, U+2028/9 become U+FFFD
 * (newline and tab are kept unless TEXT_ONE_LINE); bidi overrides and
 * isolates, zero-width and tag characters become visible marks; at most four
 * combining marks stay on a base; invalid UTF-8 becomes U+FFFD. Returns a new
 * valid UTF-8 string; len may be -1. Never fails. (security H51-H53) */
char *text_clean(const char *s, gssize len, enum text_flags flags);

/* True when text_clean would return the same bytes: the fast path. */
bool text_is_clean(const char *s, gssize len, enum text_flags flags);

/* XML 1.0 Char only: what may be put into a stanza (RFC 6120 s. 11, F36).
 * Returns a new string; removed (if not NULL) counts what was left out. */
char *text_xml_clean(const char *s, gssize len, size_t *removed);

struct grapheme {
    const char *start;
    size_t len_bytes;
    int width_cells; /* 0, 1 or 2 */
};

/* Next cluster of the UTF-8 text [s, end); false at the end. Bad bytes are
 * one-byte clusters of width 1. */
bool text_next_grapheme(const char *s, const char *end, struct grapheme *out);

/* Part of a cluster, but in a column of its own, as terminals have it: spacing
 * marks, which are vowel signs of Indic scripts. */
bool text_takes_column(gint32 cp);

int text_width(const char *s, gssize len);
/* Is anything in it written from right to left (UAX #9: R, AL, AN)? */
bool text_is_rtl(const char *s, gssize len);

/* Longest prefix of s that fits into cells, in bytes, cut between clusters. */
size_t text_fit(const char *s, gssize len, int cells);

/* s cut to cells with an ellipsis where it did not fit; new string. */
char *text_ellipsize(const char *s, int cells, bool ascii);

/* Case-folded, accent-insensitive fuzzy match used by filters and the
 * palette: the score is higher for better matches, negative for none. */
int text_fuzzy(const char *needle, const char *haystack);
/* The same of texts that text_fold() (a new string) has made of others: for
 * long lists, where nothing may be folded twice. */
int text_fuzzy_folded(const char *needle, const char *haystack);
char *text_fold(const char *s);
/* Where in [s, s + len) the first part is that text_fold() would make needle of,
 * with the marks on its last letter; NULL: nowhere. Not for an empty needle. */
const char *text_find_folded(const char *needle, const char *s, gsize len, gsize *found_len);
