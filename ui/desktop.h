/*
 * Notifications of the desktop (org.freedesktop.Notifications, Desktop
 * Notifications Specification 1.2) over the session bus. Nothing waits: the
 * bus is asked for when the first one is due, and where there is none, or
 * nobody who shows them, they are left out. A chat has one at a time.
 */
#pragma once
#include <glib.h>

struct tui;
struct chat;

struct desktop;
struct desktop *desktop_new(struct tui *tui);
void desktop_free(struct desktop *desktop);
/* title, text: clean (text_clean). */
void desktop_show(struct desktop *desktop, const struct chat *chat, const char *title,
    const char *text);
/* The chat was read: what stands there of it goes. */
void desktop_withdraw(struct desktop *desktop, const struct chat *chat);
