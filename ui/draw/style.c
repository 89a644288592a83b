/* XEP-0392: a name's colour is an angle taken from its SHA-1. */
#include "config.h"
#include "ui/draw/style.h"
#include <string.h>

double style_angle_of(const char *name)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(sum, (const guchar *)name, strlen(name));
    guint8 digest[20];
    gsize len = sizeof digest;
    g_checksum_get_digest(sum, digest, &len);
    return (digest[0] | digest[1] << 8) / 65536.0 * 360;
}

style_t style_nick(enum role role, const char *name)
{
    return style_of(role) | (style_t)(1 + (int)(style_angle_of(name) * HUES / 360)) << 16;
}
