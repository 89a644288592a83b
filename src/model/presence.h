/* Presence of one resource (RFC 6121 s. 4) and what to make of several. */
#pragma once
#include <stdbool.h>
#include <glib.h>

enum show { SHOW_OFFLINE, SHOW_DND, SHOW_XA, SHOW_AWAY, SHOW_ONLINE, SHOW_CHAT };

const char *show_name(enum show show);  /* "online", "chat" …: contract.md s. 2 */
bool show_parse(const char *text, enum show *out); /* also "available" */
/* RFC 6121 s. 4.7.2.1: the wire word, NULL for online; unknown words are
 * taken for online by show_from_wire. */
const char *show_to_wire(enum show show);
enum show show_from_wire(const char *text);

struct presence {
    char *from;          /* full JID (bare for a gateway) */
    enum show show;
    int priority;        /* -128 … 127 */
    char *status;        /* in the best language; NULL */
    char *nick;          /* XEP-0172 in presence, NULL */
    char *caps_node;     /* XEP-0115: which program, NULL */
    gint64 time_us;      /* when it arrived or, delayed, when it was sent */
};
struct presence *presence_new(const char *from);
void presence_free(struct presence *presence);
void presence_clear(struct presence *presence); /* frees what it holds */
