/*
 * The link puts libstrophe on top of our own transport: a socket pair is
 * slipped under the descriptor that libstrophe believes to be its TCP
 * connection, and fed in lock-step with what the guard let through. This is
 * the only file that knows that trick (facts in HACKING.md).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <glib.h>
#include <strophe.h>
#include "base/auto.h"

#define LINK_ERROR link_error_quark()
GQuark link_error_quark(void);
enum link_error {
    LINK_ERROR_DESCRIPTORS, /* too many open: libstrophe uses select() */
    LINK_ERROR_TRICK,       /* the system does not do what we rely on */
};

struct link;

struct link_callbacks {
    void (*opened)(gpointer data);  /* libstrophe is ready: open the stream now */
    void (*header)(gpointer data);  /* a stream header of the server arrived */
    void (*stanza)(xmpp_stanza_t *stanza, gpointer data); /* borrowed */
    void (*output)(const char *bytes, size_t len, gpointer data); /* to the server */
    void (*closed)(gpointer data);  /* libstrophe let go of its connection */
    void (*fault)(const char *sentence, gpointer data); /* a bug, never the peer */
};

/* Feeds a header and a hostile stanza through a real connection and fails when
 * the trick does not hold. The first link_new does it by itself. */
bool link_self_test(GError **error);

struct link *link_new(const struct link_callbacks *callbacks, gpointer data, GError **error);
/* From inside a callback only the callbacks end; the rest follows later. */
void link_free(struct link *link);
AUTO_STRUCT_FREE(link, link_free)

/* Gives whole canonical items to libstrophe (<= 4096 bytes a step, ending at a
 * tag) and runs it. Callbacks come from inside. */
void link_feed(struct link *link, const char *xml, size_t len);

/* Attribute values are escaped here (P8); from and lang may be NULL. Resets
 * libstrophe's parser. */
void link_open_stream(struct link *link, const char *to, const char *from, const char *lang);
void link_send(struct link *link, xmpp_stanza_t *stanza);
void link_send_raw(struct link *link, const char *xml, size_t len);

/* Runs libstrophe until nothing more comes out. Called once after link_new
 * (opened comes from here) and once per loop turn after sends; link_feed does
 * it by itself. */
void link_pump(struct link *link);

/* While held no output comes: it waits in libstrophe (back-pressure). */
void link_hold(struct link *link, bool hold);
size_t link_unsent_bytes(const struct link *link); /* waiting in libstrophe */
bool link_is_open(const struct link *link); /* until closed is due */
/* True while a callback of any link is running: nothing is fed then. */
bool link_is_running(void);

xmpp_ctx_t *link_context(void); /* one per process, for building stanzas */
