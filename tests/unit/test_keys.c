/* Bytes to keys, keys to names and back. */
#include "config.h"
#include "ui/term/key.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include <string.h>

static void hear(const struct key *key, gpointer data)
{
    GString *out = data;
    if (key->code == KEY_PASTE) {
        g_string_append_printf(out, "<%.*s> ", (int)MIN(key->paste_len, (gsize)64), key->paste);
        return;
    }
    if (key->code == KEY_MOUSE_) {
        g_string_append_printf(out, "mouse%d@%d,%d ", key->button, key->x, key->y);
        return;
    }
    if (key->code == KEY_FOCUS_IN || key->code == KEY_FOCUS_OUT) {
        g_string_append(out, key->code == KEY_FOCUS_IN ? "in " : "out ");
        return;
    }
    if (key->code == KEY_GROUND) {
        g_string_append_printf(out, "ground%d ", key->x);
        return;
    }
    if (key->code == KEY_GRAPHICS) {
        g_string_append_printf(out, "graphics%d ", key->x);
        return;
    }
    g_autofree char *name = key_label(key);
    g_string_append_printf(out, "%s ", name);
}

static const struct {
    const char *bytes, *wanted;
} cases[] = {
    { "a", "a " }, { "\xc3\xa9", "é " }, { "\001", "C-a " }, { "\r", "Enter " },
    { "\t", "Tab " }, { "\177", "Backspace " }, { "\033", "Escape " },
    { "\033\r", "M-Enter " }, { "\033n", "M-n " }, { "\033\xc3\xa9", "M-é " },
    { "\033[A", "Up " }, { "\033OA", "Up " }, { "\033[1;5C", "C-Right " },
    { "\033[1;3D", "M-Left " }, { "\033[5~", "PageUp " }, { "\033[6;5~", "C-PageDown " },
    { "\033OP", "F1 " }, { "\033[15~", "F5 " }, { "\033[24;2~", "S-F12 " },
    { "\033[[A", "F1 " }, { "\033[Z", "BackTab " }, { "\033[a", "S-Up " },
    { "\033Oa", "C-Up " }, { "\033\033[A", "M-Up " }, { "\033\033", "M-Escape " },
    { "\033[H", "Home " }, { "\033[4~", "End " }, { "\033[3$", "S-Delete " },
    { "\033[13;3u", "M-Enter " }, { "\033[27;5;13~", "C-Enter " },
    { "\033[I\033[O", "in out " }, { "\033[<0;10;5M", "mouse0@9,4 " },
    { "\033[<0;10;5m", "mouse3@9,4 " }, { "\033[<64;1;1M", "mouse5@0,0 " },
    { "\033[<32;2;2M", "mouse4@1,1 " }, { "\033[200~a\rb\033[A\033[201~c", "<a\rb\033[A> c " },
    { "\033[200~x\033[201~\033[200~y\033[201~", "<x> <y> " },
    { "\033[999999999999999999~x", "x " }, { "\033[?1;2c", "graphics0 " },
    { "\033[?62;4;22c", "graphics1 " }, { "\033[?64;14;40c", "graphics0 " },
    { "\033_Gi=1953721965;OK\033\\x", "graphics2 x " }, { "\033_x", "M-_ x " },
    { "\033]11;rgb:ffff/fe00/f0f0\033\\x", "ground1 x " }, { "\033]", "M-] " },
    { "\033]11;rgb:1/2/3\ax", "ground0 x " }, { "\033]11;rgb:f/f\ax", "x " },
    { "\033]11;rgb:\033[A", "Up " }, { "\033]1x", "M-] 1 x " }, { "\033]11;rgb:0/0/0", "" },
    { "\033_Gi=1;ENOENT:no\033\\", "graphics0 " }, { "\033_", "M-_ " },
    { "\033_Gi=1;OK\033[A", "graphics2 Up " }, { "\033_Gi=1", "" }, { "\377\376a", "a " },
    { "\033OM", "Enter " }, { "\033[", "M-[ " }, { "\033O", "M-O " }, { "\0", "" },
};

static void test_decode(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (int split = 0; split < 2; split++) {
            g_autoptr(GString) out = g_string_new(NULL);
            struct keys *keys = keys_new(hear, out);
            gsize len = strlen(cases[i].bytes);
            if (!split)
                keys_feed(keys, cases[i].bytes, len);
            else /* byte by byte, as a slow line brings them */
                for (gsize k = 0; k < len; k++)
                    keys_feed(keys, cases[i].bytes + k, 1);
            keys_timeout(keys);
            g_assert_cmpstr(out->str, ==, cases[i].wanted);
            g_assert_false(keys_pending(keys));
            keys_free(keys);
        }
    }
}

static void test_names(void)
{
    static const char *const names[] = { "a", "C-a", "M-n", "F12", "C-PageUp", "M-S-Left",
        "Space", "C-Space", "M--", "M-+", "é", "M-Enter" };
    struct key key;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_true(key_parse(names[i], &key));
        g_autofree char *name = key_label(&key);
        g_assert_cmpstr(name, ==, names[i]);
    }
    static const char *const bad[] = { "", "foo", "X-a", "C-", "\033", "ab", "M-F99" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(key_parse(bad[i], &key));
}

/* Every row of the key table is a key, and no two are the same. */
static void test_table(void)
{
    for (const struct key_row *row = key_rows; row->key; row++) {
        struct key key, other;
        g_assert_true(key_parse(row->key, &key));
        g_assert_cmpint(row->line[0], ==, '/');
        for (const struct key_row *more = row + 1; more->key; more++) {
            g_assert_true(key_parse(more->key, &other));
            g_assert_false(key_equal(&key, &other));
        }
    }
    g_autoptr(GString) out = g_string_new(NULL);
    ui_print_keys_mdoc(out);
    g_assert_nonnull(strstr(out->str, ".It Ic M-n"));
}

/* What readline gets for a key is that key again. */
static void test_bytes(void)
{
    static const char *const names[] = { "a", "C-a", "M-n", "Up", "C-Left", "Delete", "Enter",
        "Tab", "Backspace", "M-Backspace", "PageUp", "Home", "é", "M-é" };
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        struct key key;
        char bytes[16];
        g_assert_true(key_parse(names[i], &key));
        int n = key_bytes(&key, bytes);
        g_autoptr(GString) out = g_string_new(NULL);
        struct keys *keys = keys_new(hear, out);
        keys_feed(keys, bytes, (gsize)n);
        keys_timeout(keys);
        g_autofree char *wanted = g_strconcat(names[i], " ", NULL);
        g_assert_cmpstr(out->str, ==, wanted);
        keys_free(keys);
    }
}

static void count_paste(const struct key *key, gpointer data)
{
    gsize *len = data;
    g_assert_cmpint(key->code, ==, KEY_PASTE);
    *len = key->paste_len;
    g_assert_true(key->paste_cut);
}

/* H63: more than a terminal should ever paste. */
static void test_big_paste(void)
{
    gsize len = 0;
    struct keys *keys = keys_new(count_paste, &len);
    keys_feed(keys, "\033[200~", 6);
    g_autofree char *block = g_strnfill(65536, 'x');
    for (int i = 0; i < 100; i++)
        keys_feed(keys, block, 65536);
    keys_feed(keys, "\033[2", 3);
    keys_feed(keys, "01~", 3);
    g_assert_cmpuint(len, ==, KEY_PASTE_MAX);
    keys_free(keys);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keys/decode", test_decode);
    g_test_add_func("/keys/names", test_names);
    g_test_add_func("/keys/table", test_table);
    g_test_add_func("/keys/bytes", test_bytes);
    g_test_add_func("/keys/H63-paste", test_big_paste);
    return g_test_run();
}
