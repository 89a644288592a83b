/* The terminal front end, as main sees it. */
#pragma once
#include <glib.h>

struct app;
struct front;

/* The screen's commands and options, also when there is no screen: for help,
 * the manual, and so that a script hears "on the screen only". */
void tui_register(struct app *app);
/* Takes the terminal. Draws and reads from app->loop, which main runs. */
struct front *tui_new(struct app *app, GError **error);
/* Behind app_close(); gives the terminal back. */
void tui_free(struct front *front);
/* The key bindings for txmpp-keys(7). */
void ui_print_keys_mdoc(GString *out);
