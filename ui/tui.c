/* Stands in for the screen until it is built. */
#include "ui/tui.h"

#include <gio/gio.h>

void tui_register(struct app *app)
{
    (void)app;
}

struct front *tui_new(struct app *app, GError **error)
{
    (void)app;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "There is no screen in this build: use --script");
    return NULL;
}

void tui_free(struct front *front)
{
    (void)front;
}

void ui_print_keys_mdoc(GString *out)
{
    (void)out;
}
