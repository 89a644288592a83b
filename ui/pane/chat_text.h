/*
 * A message as rows of a chat pane: its text made safe and wrapped, what of it
 * is styled (XEP-0393), and its links, each followed by room for its number.
 */
#pragma once
#include "model/message.h"
#include "ui/draw/grid.h"

enum chat_text_flags {
    CHAT_TEXT_STYLED = 1,   /* ui.styling */
    CHAT_TEXT_NUMBERED = 2, /* ui.link_numbers */
};

struct chat_text {
    char *text, *error;
    GArray *rows, *error_rows; /* struct wrap_row; the second may be NULL */
    GArray *runs;              /* struct styling_run; NULL: nothing is styled */
    GArray *links;             /* struct chat_link; NULL: there are none */
    guint link_count;          /* of different ones: see message_links() */
    guint first_number;        /* as chat_text_number() wrote it */
    int picture_rows;          /* of the pane: a picture between text and error */
    bool subject, action;      /* begins with a subject; is a /me */
};

/* nick: for /me. cols: of a row; flags: of chat_text_flags. */
struct chat_text *chat_text_new(
    const struct message *message, const char *nick, int cols, unsigned flags);
void chat_text_free(gpointer text);
AUTO_STRUCT_FREE(chat_text, chat_text_free)

/* first: what /url calls the first link of the message; 0: they have no
 * numbers at present. */
void chat_text_number(struct chat_text *text, guint first);
void chat_text_draw(
    const struct chat_text *text, struct area area, int x, int y, guint row, style_t style);

void chat_text_draw_error(const struct chat_text *text, struct area area, int x, int y, guint row);

/* The links of a message, each once, in their order: new array of char*. */
GPtrArray *message_links(const struct message *message);
