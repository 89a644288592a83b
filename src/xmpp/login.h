/*
 * What a login needs from the person: the password, in the order of
 * contract.md s. 1, and a word about a certificate that is not trusted. Pins
 * and the pinned mechanism (H11) are kept in the section "trust JID".
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "cmd/front.h"
#include "model/account.h"
#include "net/stream.h"

struct login;
/* given: --password-*, or NULL. front NULL: nobody can be asked. */
struct login *login_new(struct account *account, struct front *front, struct secret *given);
/* Answers that come from now on are ignored; then it may be freed. */
void login_close(struct login *login);
void login_unref(struct login *login);
/* Whoever asked does not wait any more: a password_command is ended. */
void login_cancel(struct login *login);
/* The connection that asks; NULL: none, answers under way are dropped. */
void login_set_stream(struct login *login, struct stream *stream);

/* As the stream's callbacks; they answer the stream now or later. A yes to
 * PLAIN is written down as account.plain_allowed. */
void login_certificate(struct login *login, const struct tls_peer *peer);
void login_password(struct login *login, bool again);
void login_plain(struct login *login);
/* Used from now on, whatever was given before (it was changed). */
void login_set_password(struct login *login, struct secret *password);
/* Where a password was looked for, for the sentence at the end; "": nowhere. */
const char *login_tried(const struct login *login);

/* One came with the command line. */
bool login_password_given(const struct login *login);

/* SHA-256 fingerprints, new NULL-terminated array. */
char **login_pins(const struct account *account);
char *login_pinned_mechanism(const struct account *account); /* new string, NULL */
void login_pin_mechanism(struct account *account, const char *mechanism);
