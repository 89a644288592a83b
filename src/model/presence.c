/* Presence of one resource (RFC 6121 s. 4). */
#include "model/presence.h"
#include <string.h>

static const struct {
    const char *name, *wire;
    enum show show;
} shows[] = {
    { "offline", NULL, SHOW_OFFLINE },
    { "dnd", "dnd", SHOW_DND },
    { "xa", "xa", SHOW_XA },
    { "away", "away", SHOW_AWAY },
    { "online", NULL, SHOW_ONLINE },
    { "chat", "chat", SHOW_CHAT },
    { "available", NULL, SHOW_ONLINE },
};

const char *show_name(enum show show)
{
    return shows[show].name;
}

const char *show_to_wire(enum show show)
{
    return shows[show].wire;
}

bool show_parse(const char *text, enum show *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(shows); i++)
        if (g_strcmp0(text, shows[i].name) == 0) {
            *out = shows[i].show;
            return true;
        }
    return false;
}

enum show show_from_wire(const char *text)
{
    for (size_t i = 0; text && i < G_N_ELEMENTS(shows); i++)
        if (shows[i].wire && strcmp(text, shows[i].wire) == 0)
            return shows[i].show;
    return SHOW_ONLINE;
}

struct presence *presence_new(const char *from)
{
    struct presence *presence = g_new0(struct presence, 1);

    presence->from = g_strdup(from);
    presence->show = SHOW_ONLINE;
    return presence;
}

void presence_clear(struct presence *presence)
{
    g_free(presence->from);
    g_free(presence->status);
    g_free(presence->nick);
    g_free(presence->caps_node);
    memset(presence, 0, sizeof *presence);
}

void presence_free(struct presence *presence)
{
    if (!presence)
        return;
    presence_clear(presence);
    g_free(presence);
}
