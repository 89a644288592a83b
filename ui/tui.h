/* The terminal front end, as main.c sees it. */
#pragma once
#include <glib.h>
#include "cmd/front.h"
#include "store/option.h"

struct app;
/* The screen's commands and options, also when there is no screen: for help,
 * the manual, and so that a script hears "on the screen only". */
void tui_register(struct app *app);
/* Takes the terminal over. NULL and a sentence where there is none (F31). */
struct front *tui_new(struct app *app, GError **error);
void tui_free(struct front *front); /* gives it back */

extern const struct option ui_options[];
extern const struct command ui_commands[];
void ui_print_keys_mdoc(GString *out);
void ui_print_palette_mdoc(GString *out); /* what a theme can colour … */
void ui_print_roles_mdoc(GString *out);   /* … and with what */
void ui_print_keys_words(GString *out); /* for help_words_header() */
