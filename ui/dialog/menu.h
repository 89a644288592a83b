/* A context menu; at most one is open. The labels are translated, letters are
 * ASCII or 0. chosen() is called once or, when it is closed, never. */
#pragma once
#include "ui/ui.h"

typedef void (*menu_fn)(struct tui *tui, int id, const char *label, gpointer data);

struct menu *menu_open(struct tui *tui, const char *title, int x, int y, menu_fn chosen,
    gpointer data, GDestroyNotify free_data);
/* Told which item is highlighted whenever that changes. */
void menu_on_move(struct menu *menu, menu_fn moved, const char *label); /* … from this one on */
void menu_add(struct menu *menu, int id, char letter, const char *label);
