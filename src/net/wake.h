/* Tells when the network changed or the machine woke up, without waking up
 * itself to look. */
#pragma once
#include <glib.h>

struct wake;
/* changed is called at most once a second, from the main loop. */
struct wake *wake_new(void (*changed)(gpointer data), gpointer data);
void wake_free(struct wake *wake);
