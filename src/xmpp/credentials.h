/*
 * What lets this installation log in again without a password: the token of
 * the server (FAST, XEP-0484), the random id that stands for this client
 * (XEP-0388), what the server offered last. Kept like a password in the file
 * BAREJID/login of the data directory, mode 0600; never in the configuration,
 * a log or an export.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/paths.h"
#include "base/secret.h"
#include "net/stream.h"

struct credentials;
/* Reads what is there. paths NULL, or stored false: in memory only. */
struct credentials *credentials_new(
    const struct paths *paths, const char *bare_jid, bool stored);
void credentials_free(struct credentials *credentials);

const char *credentials_user_agent(struct credentials *credentials); /* made when new */
const char *credentials_offer(const struct credentials *credentials); /* may be NULL */
void credentials_set_offer(struct credentials *credentials, const char *xml);

/* False: there is none that is still good. */
bool credentials_token(struct credentials *credentials, struct stream_token *token);
bool credentials_has_token(const struct credentials *credentials);
/* expiry as the server wrote it: hostile, may be NULL. */
void credentials_set_token(struct credentials *credentials,
    const char *mechanism, struct secret *token, const char *expiry);
void credentials_forget_token(struct credentials *credentials);
/* The next login is the last one with it. */
void credentials_give_up(struct credentials *credentials);
