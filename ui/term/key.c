/*
 * A small machine over a buffer: the longest prefix that is a key is taken
 * off, an incomplete one waits for more bytes or for keys_timeout. CSI
 * sequences are parsed by their grammar (ECMA-48 s. 5.4), not by a list.
 */
#include "config.h"
#include "ui/term/key.h"
#include <stdlib.h>
#include <string.h>

struct taught {
    char *sequence;
    enum key_code code;
};

struct keys {
    key_fn fn;
    gpointer data;
    GString *buffer;
    GArray *taught; /* struct taught */
    GString *paste; /* NULL: not in a paste */
    bool paste_cut;
};

static const struct {
    const char *name;
    enum key_code code;
} names[] = {
    { "Enter", KEY_ENTER }, { "Tab", KEY_TAB }, { "BackTab", KEY_BACKTAB },
    { "Escape", KEY_ESC }, { "Backspace", KEY_BS }, { "Up", KEY_UP_ },
    { "Down", KEY_DOWN_ }, { "Left", KEY_LEFT_ }, { "Right", KEY_RIGHT_ },
    { "Home", KEY_HOME_ }, { "End", KEY_END_ }, { "PageUp", KEY_PGUP },
    { "PageDown", KEY_PGDN }, { "Insert", KEY_INSERT },
    { "Delete", KEY_DELETE }, { "F1", KEY_F1 }, { "F2", KEY_F2 },
    { "F3", KEY_F3 }, { "F4", KEY_F4 }, { "F5", KEY_F5 }, { "F6", KEY_F6 },
    { "F7", KEY_F7 }, { "F8", KEY_F8 }, { "F9", KEY_F9 }, { "F10", KEY_F10 },
    { "F11", KEY_F11 }, { "F12", KEY_F12 },
};

/* CSI final letters and SS3. */
static const struct {
    char final;
    enum key_code code;
} letters[] = {
    { 'A', KEY_UP_ }, { 'B', KEY_DOWN_ }, { 'C', KEY_RIGHT_ },
    { 'D', KEY_LEFT_ }, { 'H', KEY_HOME_ }, { 'F', KEY_END_ },
    { 'P', KEY_F1 }, { 'Q', KEY_F2 }, { 'R', KEY_F3 }, { 'S', KEY_F4 },
    { 'Z', KEY_BACKTAB }, { 'M', KEY_ENTER /* SS3 only */ },
};

/* CSI number ~ */
static const struct {
    int number;
    enum key_code code;
} numbers[] = {
    { 1, KEY_HOME_ }, { 2, KEY_INSERT }, { 3, KEY_DELETE }, { 4, KEY_END_ },
    { 5, KEY_PGUP }, { 6, KEY_PGDN }, { 7, KEY_HOME_ }, { 8, KEY_END_ },
    { 11, KEY_F1 }, { 12, KEY_F2 }, { 13, KEY_F3 }, { 14, KEY_F4 },
    { 15, KEY_F5 }, { 17, KEY_F6 }, { 18, KEY_F7 }, { 19, KEY_F8 },
    { 20, KEY_F9 }, { 21, KEY_F10 }, { 23, KEY_F11 }, { 24, KEY_F12 },
};

enum { MORE = -1, PASTE_CLEAR_AT = 64 };
static const char paste_end[] = "\033[201~";

struct keys *keys_new(key_fn fn, gpointer data)
{
    struct keys *keys = g_new0(struct keys, 1);
    keys->fn = fn;
    keys->data = data;
    keys->buffer = g_string_new(NULL);
    keys->taught = g_array_new(FALSE, FALSE, sizeof(struct taught));
    return keys;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    for (guint i = 0; i < keys->taught->len; i++)
        g_free(g_array_index(keys->taught, struct taught, i).sequence);
    g_array_free(keys->taught, TRUE);
    g_string_free(keys->buffer, TRUE);
    if (keys->paste)
        g_string_free(keys->paste, TRUE);
    g_free(keys);
}

void keys_teach(struct keys *keys, const char *sequence, enum key_code code)
{
    if (!sequence || sequence[0] != '\033' || !sequence[1])
        return;
    struct taught taught = { g_strdup(sequence), code };
    g_array_append_val(keys->taught, taught);
}

static void emit(struct keys *keys, enum key_code code, unsigned mods)
{
    struct key key = { .code = code, .mods = mods };
    keys->fn(&key, keys->data);
}

static void emit_char(struct keys *keys, const char *text, gsize len, unsigned mods)
{
    struct key key = { .code = KEY_CHAR, .mods = mods };
    memcpy(key.text, text, MIN(len, sizeof key.text - 1));
    keys->fn(&key, keys->data);
}

static void emit_control(struct keys *keys, guchar byte, unsigned mods)
{
    switch (byte) {
    case '\r':
    case '\n':
        emit(keys, KEY_ENTER, mods);
        return;
    case '\t':
        emit(keys, KEY_TAB, mods);
        return;
    case 0x7f:
        emit(keys, KEY_BS, mods);
        return;
    default:
        break;
    }
    char letter = (char)(byte == 0 ? ' ' : byte < 27 ? 'a' + byte - 1 : '@' + byte);
    emit_char(keys, &letter, 1, mods | MOD_CTRL);
}

static unsigned csi_mods(int parameter)
{
    unsigned bits = parameter > 1 ? (unsigned)(parameter - 1) : 0;
    return (bits & 1 ? MOD_SHIFT : 0) | (bits & 2 ? MOD_ALT : 0) |
        (bits & 4 ? MOD_CTRL : 0) | (bits & 8 ? MOD_ALT : 0);
}

static void sgr_mouse(struct keys *keys, const int *p, char final)
{
    struct key key = { .code = KEY_MOUSE_, .x = p[1] - 1, .y = p[2] - 1 };
    int button = p[0];
    key.mods = (button & 4 ? MOD_SHIFT : 0) | (button & 8 ? MOD_ALT : 0) |
        (button & 16 ? MOD_CTRL : 0);
    if (button & 64)
        key.button = (button & 3) == 0 ? MOUSE_WHEEL_UP
            : (button & 3) == 1        ? MOUSE_WHEEL_DOWN
                                       : MOUSE_OTHER;
    else if (final == 'm')
        key.button = MOUSE_RELEASE;
    else if (button & 32)
        key.button = MOUSE_DRAG;
    else
        key.button = (button & 3) == 3 ? MOUSE_OTHER : (enum mouse)(button & 3);
    if (key.x >= 0 && key.y >= 0)
        keys->fn(&key, keys->data);
}

static void graphics(struct keys *keys, enum graphics what)
{
    struct key key = { .code = KEY_GRAPHICS, .x = (int)what };
    keys->fn(&key, keys->data);
}

/* 62;4;22: a VT220 with sixel and colours. */
static void device(struct keys *keys, const char *body, gsize len)
{
    g_autofree char *text = g_strndup(body, len);
    g_auto(GStrv) words = g_strsplit(text, ";", -1);
    bool sixel = words[0] && g_strv_contains((const char *const *)words + 1, "4");
    graphics(keys, sixel ? GRAPHICS_SIXEL : GRAPHICS_NONE);
}

/* An answer in kitty's protocol, ESC _ G … ESC \; else it was Alt-_. */
static int take_answer(struct keys *keys, const char *s, gsize len, bool whole)
{
    enum { ANSWER_MAX = 256 };
    if (len == 2 && !whole)
        return MORE;
    if (len == 2 || s[2] != 'G') {
        emit_char(keys, "_", 1, MOD_ALT);
        return 2;
    }
    for (gsize i = 3; i + 1 < MIN(len, (gsize)ANSWER_MAX); i++)
        if (s[i] == '\033') {
            bool ok = i > 6 && !memcmp(s + i - 3, ";OK", 3);
            graphics(keys, ok ? GRAPHICS_KITTY : GRAPHICS_NONE);
            return s[i + 1] == '\\' ? (int)i + 2 : (int)i;
        }
    return len < ANSWER_MAX && !whole ? MORE : (int)MIN(len, (gsize)ANSWER_MAX);
}

/* ESC ] 11;rgb:RRRR/GGGG/BBBB BEL or ESC \, what the ground is (XParseColor);
 * else it was Alt-]. */
static int take_ground(struct keys *keys, const char *s, gsize len, bool whole)
{
    static const char begin[] = "\033]11;rgb:";
    enum { BEGIN = sizeof begin - 1, ANSWER_MAX = 64 };
    static const double weights[] = { 0.2126, 0.7152, 0.0722 };
    if (memcmp(s, begin, MIN(len, (gsize)BEGIN)) || (whole && len < BEGIN)) {
        emit_char(keys, "]", 1, MOD_ALT);
        return 2;
    }
    if (len < BEGIN)
        return MORE;
    double light = 0, value = 0, most = 0;
    gsize i = BEGIN;
    int n = 0;
    for (; i < MIN(len, (gsize)ANSWER_MAX) && (g_ascii_isxdigit(s[i]) || s[i] == '/'); i++)
        if (s[i] != '/') {
            value = value * 16 + g_ascii_xdigit_value(s[i]);
            most = most * 16 + 15;
        } else if (most > 0 && n < 2) {
            light += weights[n++] * value / most;
            value = most = 0;
        }
    bool ended = i < len && (s[i] == '\a' || s[i] == '\033');
    if (!whole && len < ANSWER_MAX && (i == len || (i + 1 == len && s[i] == '\033')))
        return MORE;
    if (ended && n == 2 && most > 0) {
        struct key key = { .code = KEY_GROUND, .x = light + weights[n] * value / most > 0.5 };
        keys->fn(&key, keys->data);
    }
    if (i < len && s[i] == '\a')
        return (int)i + 1;
    return i + 1 < len && s[i] == '\033' && s[i + 1] == '\\' ? (int)i + 2 : (int)i;
}

static void csi_key(struct keys *keys, const char *body, gsize len, char final, unsigned alt)
{
    int p[4] = { 0 };
    int n = 0;
    bool sgr = len && body[0] == '<', private = len && body[0] == '?';
    for (gsize i = sgr || private; i < len; i++) {
        if (body[i] >= '0' && body[i] <= '9') {
            if (p[n] < 100000)
                p[n] = p[n] * 10 + (body[i] - '0');
        } else if ((body[i] == ';' || body[i] == ':') && n < 3)
            n++;
        else if (body[i] != ';' && body[i] != ':')
            return; /* intermediates: nothing we know */
    }
    if (sgr && (final == 'M' || final == 'm')) {
        sgr_mouse(keys, p, final);
        return;
    }
    if (private && final == 'c') { /* device attributes */
        device(keys, body + 1, len - 1);
        return;
    }
    if (private || sgr)
        return;
    if (final == 'I' || final == 'O') {
        if (!len)
            emit(keys, final == 'I' ? KEY_FOCUS_IN : KEY_FOCUS_OUT, 0);
        return;
    }
    if (final == 'R' && n == 1 && p[0] > 1) {
        struct key key = { .code = KEY_REPORT, .y = p[0] - 1, .x = p[1] - 1 };
        keys->fn(&key, keys->data);
        return;
    }
    if (final == '~' || final == '^' || final == '$' || final == '@') {
        if (p[0] == 200) {
            keys->paste = g_string_new(NULL);
            keys->paste_cut = false;
            return;
        }
        unsigned mods = alt | csi_mods(p[1]) | (final == '^' ? MOD_CTRL : 0) |
            (final == '$' ? MOD_SHIFT : 0) |
            (final == '@' ? MOD_SHIFT | MOD_CTRL : 0);
        if (p[0] == 27 && p[2] == 13) { /* xterm modifyOtherKeys: Enter */
            emit(keys, KEY_ENTER, mods);
            return;
        }
        for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
            if (numbers[i].number == p[0])
                emit(keys, numbers[i].code, mods);
        return;
    }
    if (final == 'u') { /* fixterms, kitty */
        unsigned mods = alt | csi_mods(p[1]);
        if (p[0] == 13)
            emit(keys, KEY_ENTER, mods);
        else if (p[0] == 27)
            emit(keys, KEY_ESC, mods);
        else if (p[0] == 9)
            emit(keys, mods & MOD_SHIFT ? KEY_BACKTAB : KEY_TAB, mods & ~(unsigned)MOD_SHIFT);
        else if (p[0] == 127)
            emit(keys, KEY_BS, mods);
        else if (p[0] >= 32 && g_unichar_validate((gunichar)p[0])) {
            char text[8] = { 0 };
            int bytes = g_unichar_to_utf8((gunichar)p[0], text);
            emit_char(keys, text, (gsize)bytes, mods & (MOD_CTRL | MOD_ALT));
        }
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(letters); i++)
        if (letters[i].final == final && final != 'M') {
            emit(keys, letters[i].code, alt | (n ? csi_mods(p[1]) : 0));
            return;
        }
    static const char rxvt[] = "abcd";
    const char *at = final ? strchr(rxvt, final) : NULL;
    if (at)
        emit(keys, (enum key_code)(KEY_UP_ + "\0\1\3\2"[at - rxvt]), alt | MOD_SHIFT);
}

/* Length of the key at s, MORE when it is not whole yet. */
static int take_escape(struct keys *keys, const char *s, gsize len, unsigned alt, bool whole)
{
    if (len == 1) {
        if (!whole)
            return MORE;
        emit(keys, KEY_ESC, alt);
        return 1;
    }
    for (guint i = 0; i < keys->taught->len; i++) {
        const struct taught *t = &g_array_index(keys->taught, struct taught, i);
        gsize n = strlen(t->sequence);
        if (len >= n && !memcmp(s, t->sequence, n)) {
            emit(keys, t->code, alt);
            return (int)n;
        }
    }
    if (s[1] == '[') {
        if (len == 2) {
            if (!whole)
                return MORE;
            emit_char(keys, "[", 1, MOD_ALT);
            return 2;
        }
        if (s[2] == '[') { /* Linux console: CSI [ A … E are F1 … F5 */
            if (len == 3)
                return whole ? 3 : MORE;
            if (s[3] >= 'A' && s[3] <= 'E')
                emit(keys, (enum key_code)(KEY_F1 + (s[3] - 'A')), alt);
            return 4;
        }
        gsize i = 2;
        while (i < len && s[i] >= 0x20 && s[i] <= 0x3f && i < 64) {
            if (s[i] == '$' && i > 2 && g_ascii_isdigit(s[2])) {
                csi_key(keys, s + 2, i - 2, '$', alt); /* rxvt: shifted */
                return (int)i + 1;
            }
            i++;
        }
        if (i == len)
            return whole ? (int)len : MORE;
        if (s[i] < 0x40 || s[i] > 0x7e)
            return (int)i;
        csi_key(keys, s + 2, i - 2, s[i], alt);
        return (int)i + 1;
    }
    if (s[1] == '_')
        return take_answer(keys, s, len, whole);
    if (s[1] == ']')
        return take_ground(keys, s, len, whole);
    if (s[1] == 'O' && (len > 2 || !whole)) {
        if (len == 2)
            return MORE;
        for (gsize i = 0; i < G_N_ELEMENTS(letters); i++)
            if (letters[i].final == s[2]) {
                emit(keys, letters[i].code, alt);
                return 3;
            }
        static const char rxvt[] = "abcd";
        const char *at = strchr(rxvt, s[2]);
        if (s[2] && at) {
            emit(keys, (enum key_code)(KEY_UP_ + "\0\1\3\2"[at - rxvt]), alt | MOD_CTRL);
            return 3;
        }
        emit_char(keys, "O", 1, MOD_ALT);
        return 2;
    }
    if (s[1] == '\033') {
        if (alt) { /* ESC ESC ESC…: each one on its own */
            emit(keys, KEY_ESC, 0);
            return 1;
        }
        int n = take_escape(keys, s + 1, len - 1, MOD_ALT, whole);
        return n == MORE ? MORE : n + 1;
    }
    return 0;
}

static int take_char(struct keys *keys, const char *s, gsize len, unsigned alt, bool whole)
{
    guchar byte = (guchar)*s;
    if (byte < 0x20 || byte == 0x7f) {
        emit_control(keys, byte, alt);
        return 1;
    }
    gunichar c = g_utf8_get_char_validated(s, (gssize)MIN(len, (gsize)6));
    if (c == (gunichar)-2 && !whole)
        return MORE;
    if (c == (gunichar)-1 || c == (gunichar)-2 || c == 0)
        return 1; /* not UTF-8: nothing anybody typed */
    int n = g_utf8_skip[byte];
    if (c >= 0x80 && c < 0xa0)
        return n;
    emit_char(keys, s, (gsize)n, alt);
    return n;
}

static int take_key(struct keys *keys, const char *s, gsize len, bool whole)
{
    if (*s != '\033')
        return take_char(keys, s, len, 0, whole);
    int n = take_escape(keys, s, len, 0, whole);
    if (n)
        return n;
    n = take_char(keys, s + 1, len - 1, MOD_ALT, whole);
    return n == MORE ? MORE : n + 1;
}

/* Inside a paste nothing is a key until its end (H63). */
static bool take_paste(struct keys *keys)
{
    GString *buffer = keys->buffer;
    const char *end = g_strstr_len(buffer->str, (gssize)buffer->len, paste_end);
    gsize n = end ? (gsize)(end - buffer->str) : buffer->len;
    if (!end) { /* a part of the end mark may be there already */
        gsize keep = MIN(n, sizeof paste_end - 2);
        while (keep && memcmp(buffer->str + n - keep, paste_end, keep))
            keep--;
        n -= keep;
    }
    gsize room = KEY_PASTE_MAX - keys->paste->len;
    if (n > room)
        keys->paste_cut = true;
    g_string_append_len(keys->paste, buffer->str, (gssize)MIN(n, room));
    g_string_erase(buffer, 0, (gssize)(end ? n + sizeof paste_end - 1 : n));
    if (!end)
        return false;
    g_autoptr(GString) paste = g_steal_pointer(&keys->paste);
    struct key key = { .code = KEY_PASTE, .paste = paste->str,
        .paste_len = paste->len, .paste_cut = keys->paste_cut };
    keys->fn(&key, keys->data);
    return true;
}

static void run(struct keys *keys, bool whole)
{
    gsize at = 0;
    while (true) {
        if (keys->paste) {
            g_string_erase(keys->buffer, 0, (gssize)at);
            at = 0;
            if (!take_paste(keys))
                return;
            continue;
        }
        if (at >= keys->buffer->len)
            break;
        int n = take_key(keys, keys->buffer->str + at, keys->buffer->len - at, whole);
        if (n == MORE)
            break;
        at += (gsize)n;
    }
    g_string_erase(keys->buffer, 0, (gssize)at);
}

void keys_feed(struct keys *keys, const char *bytes, gsize len)
{
    g_string_append_len(keys->buffer, bytes, (gssize)len);
    run(keys, false);
}

bool keys_pending(const struct keys *keys)
{
    return !keys->paste && keys->buffer->len > 0;
}

void keys_timeout(struct keys *keys)
{
    if (keys_pending(keys))
        run(keys, true);
}

static void add_mods(GString *out, unsigned mods)
{
    if (mods & MOD_CTRL)
        g_string_append(out, "C-");
    if (mods & MOD_ALT)
        g_string_append(out, "M-");
    if (mods & MOD_SHIFT)
        g_string_append(out, "S-");
}

char *key_label(const struct key *key)
{
    GString *out = g_string_new(NULL);
    add_mods(out, key->mods);
    if (key->code == KEY_CHAR)
        g_string_append(out, !strcmp(key->text, " ") ? "Space" : key->text);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].code == key->code && key->code != KEY_CHAR)
            g_string_append(out, names[i].name);
    return g_string_free(out, FALSE);
}

bool key_parse(const char *name, struct key *out)
{
    *out = (struct key){ .code = KEY_CHAR };
    while (name[0] && name[1] == '-' && name[2]) {
        unsigned mod = *name == 'C' ? MOD_CTRL : *name == 'M' ? MOD_ALT
            : *name == 'S'          ? MOD_SHIFT
                                    : 0;
        if (!mod)
            return false;
        out->mods |= mod;
        name += 2;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (!g_ascii_strcasecmp(names[i].name, name)) {
            out->code = names[i].code;
            return true;
        }
    if (!g_ascii_strcasecmp(name, "Space"))
        name = " ";
    if (!g_utf8_validate(name, -1, NULL) || g_utf8_strlen(name, -1) != 1 ||
        g_unichar_iscntrl(g_utf8_get_char(name)))
        return false;
    g_strlcpy(out->text, name, sizeof out->text);
    if (out->mods & MOD_CTRL)
        out->text[0] = g_ascii_tolower(out->text[0]);
    return true;
}

bool key_equal(const struct key *a, const struct key *b)
{
    return a->code == b->code && a->mods == b->mods &&
        (a->code != KEY_CHAR || !strcmp(a->text, b->text));
}

int key_bytes(const struct key *key, char *out)
{
    static const struct {
        enum key_code code;
        const char *bytes;
    } plain[] = {
        { KEY_ENTER, "\r" }, { KEY_TAB, "\t" }, { KEY_ESC, "\033" },
        { KEY_BS, "\177" }, { KEY_BACKTAB, "\033[Z" },
    };
    int n = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(plain); i++)
        if (plain[i].code == key->code) {
            if (key->mods & MOD_ALT)
                out[n++] = '\033';
            int len = (int)strlen(plain[i].bytes);
            memcpy(out + n, plain[i].bytes, (gsize)len);
            return n + len;
        }
    if (key->code == KEY_CHAR) {
        if (key->mods & MOD_ALT)
            out[n++] = '\033';
        if (key->mods & MOD_CTRL) {
            out[n++] = (char)(key->text[0] == ' ' ? 0 : key->text[0] & 0x1f);
            return n;
        }
        int len = (int)strlen(key->text);
        memcpy(out + n, key->text, (gsize)len);
        return n + len;
    }
    int mods = (key->mods & MOD_SHIFT ? 1 : 0) + (key->mods & MOD_ALT ? 2 : 0) +
        (key->mods & MOD_CTRL ? 4 : 0);
    if (key->code >= KEY_UP_ && key->code <= KEY_END_) {
        char final = "ABDCHF"[key->code - KEY_UP_];
        return mods ? g_snprintf(out, 16, "\033[1;%d%c", mods + 1, final)
                    : g_snprintf(out, 16, "\033[%c", final);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].code == key->code && numbers[i].number > 1 &&
            numbers[i].number != 4)
            return mods ? g_snprintf(out, 16, "\033[%d;%d~", numbers[i].number, mods + 1)
                        : g_snprintf(out, 16, "\033[%d~", numbers[i].number);
    return 0;
}
