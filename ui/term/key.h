/*
 * Bytes from a terminal to keys. Knows the sequences of xterm, rxvt, the
 * Linux console and what terminfo adds; bracketed paste (the pasted bytes
 * come out as one key with the text), SGR mouse, focus reports. Bytes may be
 * anything (H63): unknown sequences are swallowed, memory is bounded.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

enum key_code {
    KEY_CHAR, /* .text */
    KEY_ENTER, KEY_TAB, KEY_BACKTAB, KEY_ESC, KEY_BS,
    KEY_UP_, KEY_DOWN_, KEY_LEFT_, KEY_RIGHT_, KEY_HOME_, KEY_END_,
    KEY_PGUP, KEY_PGDN, KEY_INSERT, KEY_DELETE,
    KEY_F1, KEY_F2, KEY_F3, KEY_F4, KEY_F5, KEY_F6, KEY_F7, KEY_F8, KEY_F9,
    KEY_F10, KEY_F11, KEY_F12,
    KEY_PASTE,            /* .paste: raw bytes, for this call only */
    KEY_MOUSE_,           /* .x .y .button */
    KEY_FOCUS_IN, KEY_FOCUS_OUT,
    KEY_REPORT,           /* cursor position report: .x .y */
    KEY_GRAPHICS,         /* what pictures the terminal shows: .x, enum graphics */
    KEY_GROUND,           /* the terminal's ground: .x 1 light, 0 dark */
    KEY_CODES
};
enum { MOD_CTRL = 1, MOD_ALT = 2, MOD_SHIFT = 4 };
enum mouse { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT, MOUSE_RELEASE, MOUSE_DRAG,
    MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN, MOUSE_OTHER };

/* How pictures made of pixels are shown, the better ones behind. */
enum graphics { GRAPHICS_NONE, GRAPHICS_SIXEL, GRAPHICS_KITTY };

struct key {
    enum key_code code;
    unsigned mods;
    char text[8];          /* KEY_CHAR: UTF-8; with MOD_CTRL a lower-case letter */
    int x, y;              /* cells, from 0 */
    enum mouse button;
    const char *paste;
    gsize paste_len;
    bool paste_cut;        /* more than KEY_PASTE_MAX came; the rest was dropped */
};
enum { KEY_PASTE_MAX = 4 << 20 };

typedef void (*key_fn)(const struct key *key, gpointer data);
struct keys;
struct keys *keys_new(key_fn fn, gpointer data);
void keys_free(struct keys *keys);
/* Another sequence for a key, from terminfo. */
void keys_teach(struct keys *keys, const char *sequence, enum key_code code);
void keys_feed(struct keys *keys, const char *bytes, gsize len);
/* True when an escape may be the begin of more: call keys_timeout when
 * nothing followed for KEY_ESC_MS. */
bool keys_pending(const struct keys *keys);
void keys_timeout(struct keys *keys);
enum { KEY_ESC_MS = 30 };

/* "M-n", "C-PageUp", "F2", "S-Up": new string; and back. */
char *key_label(const struct key *key);
bool key_parse(const char *name, struct key *out);
bool key_equal(const struct key *a, const struct key *b);
/* What readline expects for this key, in out[16]; returns the length. */
int key_bytes(const struct key *key, char *out);
