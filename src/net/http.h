/*
 * Fetching one file over https (H57), with libcurl on GLib's loop: nothing
 * blocks, names are looked up by GLib. Only https with a valid certificate, no
 * cookies, no names and passwords, no redirect to another host. Addresses of
 * this machine and of the network it stands in are refused unless asked for;
 * what was looked at is what is connected to. libcurl is loaded when first
 * needed, and its absence is an error like any other.
 */
#pragma once
#include <stdbool.h>
#include <gio/gio.h>

#define HTTP_ERROR http_error_quark()
GQuark http_error_quark(void);
enum http_error {
    HTTP_ERROR_NO_LIBRARY,
    HTTP_ERROR_URL,         /* not https, or with what a link must not have */
    HTTP_ERROR_PRIVATE,     /* an address that was not asked for */
    HTTP_ERROR_NETWORK,     /* name, connection, TLS other than the below */
    HTTP_ERROR_CERTIFICATE,
    HTTP_ERROR_STATUS,      /* the server says something else than 200 */
    HTTP_ERROR_REDIRECT,    /* to another host, or too many; the text says where */
    HTTP_ERROR_TOO_LARGE,
    HTTP_ERROR_TIMEOUT,
    HTTP_ERROR_SINK,        /* bytes() said no */
};

struct http_get {           /* strings are copied */
    const char *url;
    const char *ca_file;    /* trusted too, or NULL */
    const char *proxy;      /* socks5://…, which then resolves names; or NULL */
    gint64 max_bytes;       /* 0: no limit */
    unsigned stall_s;       /* less than 64 bytes a second for so long; 0: 30 */
    bool allow_private;     /* loopback, private and link-local addresses too */
};

struct http;
struct http_events {
    /* A piece of the file. False ends with HTTP_ERROR_SINK. Must not call
     * http_cancel(). */
    bool (*bytes)(struct http *http, const char *bytes, gsize len, gpointer data);
    /* Once, never from inside http_get(); error NULL: it is all there. http is
     * freed behind it. */
    void (*done)(struct http *http, const GError *error, gpointer data);
};

/* Never NULL. */
struct http *http_get(
    const struct http_get *what, const struct http_events *events, gpointer data);
void http_cancel(struct http *http); /* frees it; done() is not called */

gint64 http_received(const struct http *http); /* bytes of the file so far */
gint64 http_length(const struct http *http);   /* as the server says; -1: it does not */
const char *http_type(const struct http *http); /* Content-Type; NULL: none. Hostile */

/* Reached by everybody alike (RFC 6890), IPv4 inside IPv6 looked through? */
bool http_address_is_public(GInetAddress *address);
