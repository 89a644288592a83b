/* To which writing system a letter belongs (UAX #24), as far as the rules for
 * addresses ask. Anything else is COMMON: digits, signs, marks, rare scripts. */
#pragma once
#include <glib.h>

enum unicode_script {
    SCRIPT_COMMON,
    SCRIPT_LATIN,
    SCRIPT_GREEK,
    SCRIPT_CYRILLIC,
    SCRIPT_ARMENIAN,
    SCRIPT_HEBREW,
    SCRIPT_ARABIC,
    SCRIPT_DEVANAGARI,
    SCRIPT_THAI,
    SCRIPT_GEORGIAN,
    SCRIPT_HANGUL,
    SCRIPT_CHEROKEE,
    SCRIPT_HIRAGANA,
    SCRIPT_KATAKANA,
    SCRIPT_BOPOMOFO,
    SCRIPT_HAN,
    SCRIPT_COUNT
};

enum unicode_script unicode_script_of(gint32 cp);
