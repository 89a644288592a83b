/*
 * The pictures that people link to, under the messages with the links, and
 * the faces of contacts. A file is fetched when the person asks for it, or by
 * itself from contacts where ui.pictures says so: whoever has the file learns
 * our address. Files are kept in the cache for a while.
 */
#pragma once
#include <stdbool.h>
#include "ui/picture/picture.h"

struct account;
struct tui;
struct chat;
struct message;

struct pictures;
struct pictures *pictures_new(struct tui *tui);
void pictures_free(struct pictures *pictures);

/* The picture at url is to be seen (or not any more) wherever the link is. */
void pictures_show(struct pictures *pictures, struct account *account, const char *url, bool show);
bool pictures_is_shown(const struct pictures *pictures, const char *url);

/* It may come from addresses of this machine and its network, too. */
void pictures_allow_private(struct pictures *pictures, const char *url);

/* Rows under a message in cols columns; 0: none. Fetches what may be fetched
 * by itself. */
int pictures_rows(struct pictures *pictures, const struct chat *chat,
    const struct message *message, int cols);
/* One of them. */
void pictures_draw_row(struct pictures *pictures, const struct chat *chat,
    const struct message *message, int row, struct area area, int x, int y, int cols);

/* The file behind url, once, later; NULL and an error. */
typedef void (*pictures_file_fn)(const char *file, const GError *error, gpointer data);
void pictures_fetch(struct pictures *pictures, struct account *account, const char *url,
    pictures_file_fn fn, gpointer data);
void pictures_forget(struct pictures *pictures, gpointer data); /* fn is not called */

/* The picture of a file, at most so many cells; NULL: not yet, then tui is drawn
 * again, or never. Borrowed until the next turn. */
const struct picture *pictures_of_file(
    struct pictures *pictures, const char *file, int cols, int rows);
const char *pictures_file_error(
    struct pictures *pictures, const char *file, int cols, int rows);

/* The face of a contact of ours, in the lower right corner of area, where there
 * is room and ui.avatars wants it. False: nothing is drawn, or not yet. */
bool pictures_draw_face(
    struct tui *tui, struct account *account, const char *jid, struct area area);

/* Whether pixels are sent to terminals that say that they can show them. */
bool pictures_by_pixels(const struct tui *tui);
/* How pictures are drawn on this terminal in so much room. */
struct picture_wanted pictures_wanted(
    const struct tui *tui, enum picture_kind kind, int cols, int rows);
