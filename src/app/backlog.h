/* What came while a script was busy, so that "/wait message" behind "/msg"
 * does not miss an answer that was quicker than the acknowledgement. Kept
 * only while a script runs. */
#pragma once
#include <glib.h>
#include "model/event.h"

struct app;

struct arrival {
    struct account *account; /* compared only */
    char *from;              /* full JID */
    char *body;
};

struct backlog {
    int users;
    GQueue arrivals;         /* struct arrival*, oldest first, bounded */
    char *last_sent;         /* id of the last message of ours, NULL */
    struct account *last_account;
    char *last_chat;
};

void backlog_use(struct app *app);
void backlog_unuse(struct app *app);
/* A command that acts begins: what came before is no answer to it. */
void backlog_forget(struct app *app);
void arrival_free(struct arrival *arrival);
