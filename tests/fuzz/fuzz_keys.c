/* Whatever a terminal sends, in pieces of any size. */
#include "config.h"
#include "ui/term/key.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(const struct key *key, gpointer data)
{
    char bytes[16];
    struct key again;
    (void)data;
    if (key->code == KEY_CHAR && !g_utf8_validate(key->text, -1, NULL))
        abort();
    if (key_bytes(key, bytes) > 16)
        abort();
    if (key->code >= KEY_PASTE)
        return;
    g_autofree char *name = key_label(key);
    if (*name && key_parse(name, &again) && again.code != key->code)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keys *keys = keys_new(hear, NULL);
    keys_teach(keys, "\033[kh", KEY_HOME_);
    size_t step = size ? 1 + data[0] % 7 : 1;
    for (size_t i = 0; i < size; i += step) {
        keys_feed(keys, (const char *)data + i, MIN(step, size - i));
        if (data[i] == 0xfe)
            keys_timeout(keys);
    }
    keys_timeout(keys);
    keys_free(keys);
    g_autofree char *text = g_strndup((const char *)data, size);
    struct key key;
    key_parse(text, &key);
    return 0;
}
