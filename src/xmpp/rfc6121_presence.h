/* Our presence and that of others (RFC 6121 s. 3 and 4). */
#pragma once
#include <stdbool.h>
#include "cmd/job.h"
#include "model/account.h"
#include "xmpp/stanza.h"

/* Attaching sets account->own from the options account.status and
 * account.priority; --status comes after session_attach(). */

/* Sets what we announce and sends it when online. status is copied, NULL: none. */
void rfc6121_presence_set(struct account *account, enum show show, const char *status);
/* Initial presence, then session_ready(): called when the roster is here. */
void rfc6121_presence_initial(struct account *account);
/* Unavailable to the server and to everybody who got directed presence. */
void rfc6121_presence_leave(struct account *account, const char *status);
/* Sends account->own again (something in it, or a hook's part, changed). */
void rfc6121_presence_update(struct account *account);
/* Nobody touched the keyboard for the option presence.autoaway (seconds, 0:
 * never), or somebody did again: announces away or goes back. Said by the
 * front end. */
void rfc6121_presence_set_idle(struct account *account, bool idle);
/* The text of a <status/> (NULL: ""), clipped; new string. */
char *rfc6121_presence_status(xmpp_stanza_t *status);
/* A row "resource" for each of somebody's connected clients. */
void rfc6121_presence_resource_rows(struct job *job, const char *bare);
