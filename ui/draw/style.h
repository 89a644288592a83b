/*
 * How a cell looks, without a colour in it: a role ("nick", "status"), the
 * role whose background it stands on, attributes, and for nicknames a hue
 * (XEP-0392). All in one integer, so that cells compare and tests can name
 * them; ui/theme turns it into colours.
 */
#pragma once
#include <glib.h>

typedef guint32 style_t;

/* Rows of the table in theme.c, in the same order. */
enum role {
    ROLE_TEXT, ROLE_DIM, ROLE_RULE,
    ROLE_TITLE, ROLE_TITLE_NAME, ROLE_TITLE_DIM, ROLE_SECURE, ROLE_INSECURE,
    ROLE_STATUS, ROLE_STATUS_HOT, ROLE_STATUS_MENTION, ROLE_STATUS_DIM,
    ROLE_STATUS_GOOD, ROLE_STATUS_BAD,
    ROLE_ROSTER_ACCOUNT, ROLE_ROSTER_GROUP, ROLE_ROSTER_NAME,
    ROLE_ROSTER_OFFLINE, ROLE_ROSTER_OPEN, ROLE_SELECTED,
    ROLE_ONLINE, ROLE_CHAT, ROLE_AWAY, ROLE_XA, ROLE_DND, ROLE_OFFLINE,
    ROLE_PENDING, ROLE_UNREAD, ROLE_MENTION,
    ROLE_TIME, ROLE_DAY, ROLE_NEW, ROLE_NICK, ROLE_NICK_SELF, ROLE_MESSAGE,
    ROLE_ACTION, ROLE_NOTICE, ROLE_ERROR, ROLE_LINK, ROLE_FOUND,
    ROLE_QUEUED, ROLE_SENT, ROLE_DELIVERED, ROLE_DISPLAYED, ROLE_FAILED,
    ROLE_PROMPT, ROLE_PROMPT_COMMAND, ROLE_INPUT, ROLE_GHOST,
    ROLE_MENU, ROLE_MENU_SELECTED,
    ROLE_PANE_TITLE, ROLE_PANE_TITLE_FOCUS,
    ROLE_PANEL, ROLE_PANEL_TITLE, ROLE_COLUMN,
    ROLE_DIALOG, ROLE_DIALOG_TITLE, ROLE_DIALOG_BORDER, ROLE_DIALOG_LABEL,
    ROLE_DIALOG_WARNING, ROLE_FIELD, ROLE_FIELD_ACTIVE,
    ROLE_BUTTON, ROLE_BUTTON_ACTIVE, ROLE_BUTTON_DANGER,
    ROLE_XML_IN, ROLE_XML_OUT,
    ROLE_CODE, ROLE_QUOTE, ROLE_MARKUP, ROLE_LINK_NUMBER, ROLE_PICKED,
    ROLE_MISSPELT,
    ROLES
};

enum attr {
    ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_ITALIC = 4, ATTR_UNDERLINE = 8,
    ATTR_REVERSE = 16, ATTR_STRIKE = 32,
};

#define STYLE_ATTRS(style) (((style) >> 8) & 0xff)
#define STYLE_ROLE(style) ((enum role)((style) & 0xff))
#define STYLE_HUE(style) (((style) >> 16) & 0xff)
#define STYLE_GROUND(style) ((enum role)((style) >> 24))

#define HUES 240

/* No role: the cell is of a picture and has its own colours (struct cell). */
#define STYLE_PICTURE ((style_t)0xff)

static inline style_t style_of(enum role role)
{
    return (style_t)role;
}
static inline style_t style_with(style_t style, unsigned attrs)
{
    return style | (style_t)attrs << 8;
}
/* The background of another role under it. */
static inline style_t style_on(style_t style, enum role ground)
{
    return (style & 0x00ffffffu) | (style_t)ground << 24;
}

/* The hue of a name in degrees after XEP-0392 s. 5.1: a bare JID, else a nick. */
double style_angle_of(const char *name);
/* The same hue, one of HUES, as a style of role. */
style_t style_nick(enum role role, const char *name);
