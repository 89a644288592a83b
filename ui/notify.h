/*
 * Notifications: which message is worth one, how often, and by what means:
 * the bell, the terminal (OSC 9 and 777), the desktop, a command of the
 * person's own. What others wrote is cleaned before it leaves (H51).
 */
#pragma once
#include <stdbool.h>
#include <glib.h>

struct tui;
struct chat;
struct message;

struct notifier;
struct notifier *notifier_new(struct tui *tui);
void notifier_free(struct notifier *notifier);
/* A message nobody is looking at. */
void notifier_message(
    struct notifier *notifier, const struct chat *chat, const struct message *message);
/* The chat was read, here or elsewhere. */
void notifier_read(struct notifier *notifier, const struct chat *chat);

/* Does text name one of the words? Whole words, whatever their case and
 * accents; in scripts without blanks anywhere. words ends with NULL. */
bool notify_names(const char *text, const char *const *words);
/* "22:00-07:00" as minutes of the day; false: it is no such span. */
bool notify_parse_quiet(const char *text, int *from, int *to);
bool notify_is_quiet(int from, int to, int minute);

struct notify_values {
    const char *name, *text, *jid, *account; /* clean, one line */
};
/* The arguments of ui.notify_command: a shell's quoting, but no shell. What is
 * put in for %n, %t, %j and %a stays inside its argument, and never begins an
 * option: a blank goes before a hyphen (H56). */
char **notify_argv(
    const char *command, const struct notify_values *values, GError **error);
