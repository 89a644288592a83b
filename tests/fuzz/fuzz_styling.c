/* XEP-0393: any text gives runs in order, inside the text, none empty, and
 * styling what is in one block says nothing about another one. */
#include "config.h"
#include "ui/draw/styling.h"
#include "base/text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = text_clean((const char *)data, (gssize)size, 0);
    gsize len = strlen(text);
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(struct styling_run));
    styling_parse(runs, text, len);
    guint32 last = 0;
    for (guint i = 0; i < runs->len; i++) {
        const struct styling_run *run = &g_array_index(runs, struct styling_run, i);
        if (run->start < last || run->start >= run->end || run->end > len || !run->flags)
            abort();
        if (!g_utf8_validate(text + run->start, run->end - run->start, NULL))
            abort(); /* between characters */
        last = run->end;
        bool block = run->flags & (STYLING_PRE | STYLING_QUOTE);
        if (!block && memchr(text + run->start, '\n', run->end - run->start))
            abort();
    }
    return 0;
}
