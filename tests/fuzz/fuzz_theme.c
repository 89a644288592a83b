/* A theme file may say anything. */
#include "config.h"
#include "ui/theme/theme.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    struct theme *theme = theme_parse((const char *)data, size, "fuzz", &error);
    if (!theme != (error != NULL))
        abort();
    for (int i = 0; theme && i < ROLES; i++) {
        struct look look = theme_look(theme, style_of((enum role)i), DEPTH_8);
        if (look.fg > 7 || look.bg > 7)
            abort();
        theme_look(theme, style_on(style_of((enum role)i), ROLE_STATUS), DEPTH_TRUE);
    }
    theme_free(theme);
    return 0;
}
