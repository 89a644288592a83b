/* One message of a conversation. Text is what was on the wire: sinks clean it. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/auto.h"

enum message_type { MESSAGE_NORMAL, MESSAGE_CHAT, MESSAGE_GROUPCHAT, MESSAGE_HEADLINE, MESSAGE_ERROR, MESSAGE_NOTICE };
enum delivery { DELIVERY_NONE, DELIVERY_QUEUED, DELIVERY_SENT, DELIVERY_DELIVERED, DELIVERY_DISPLAYED, DELIVERY_FAILED };

struct message {
    guint64 number;      /* of this chat, while it is held, in no order; for people */
    gint64 row, ord;     /* its place in the store (store/history.h); 0: not stored */
    char *id;            /* stanza id, NULL */
    char *stanza_id, *origin_id; /* XEP-0359, NULL */
    char *stanza_by;     /* who gave stanza_id: trusted only then, NULL */
    char *from, *to;     /* full JIDs */
    char *nick;          /* shown name where it is not the contact's, NULL */
    char *body, *subject, *thread, *lang, *oob; /* NULL when absent */
    char *error;         /* sentence when delivery failed, NULL */
    GHashTable *bodies;  /* by language when there are several, NULL */
    gint64 time_us;      /* shown time: when it was sent */
    gint64 received_us;  /* when it came here */
    enum message_type type;
    enum delivery delivery;
    bool outgoing, carbon, archive, delayed, receipt_wanted;
    bool repeated;       /* its sender used the id before (F28) */
    bool redacted;       /* its text was not kept */
    bool markable;       /* its sender wants to know that we saw it (XEP-0333) */
    bool unstyled;       /* its sender wants its text as it stands (XEP-0393) */
};
struct message *message_new(void);
void message_free(struct message *message);
AUTO_STRUCT_FREE(message, message_free)
const char *message_type_name(enum message_type type);
const char *delivery_name(enum delivery delivery);
