/* What became of our messages: states only ever rise (queued, sent, delivered,
 * displayed), here and in the store. */
#pragma once
#include <stdbool.h>
#include "model/account.h"
#include "model/message.h"

/* from (a full or bare JID) says that our message with this id got so far.
 * Believed only from the one it went to (H45); up_to: all before it as well
 * (XEP-0333). */
void delivery_reached(struct account *account, const char *from,
    const char *id, enum delivery delivery, bool up_to);
