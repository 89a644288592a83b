/* What others say of our messages: that they got so far. Believed only from the
 * one they went to (H45). */
#pragma once
#include <stdbool.h>
#include "model/account.h"
#include "model/message.h"

/* from: full or bare JID. up_to: all before it as well (XEP-0333). */
void delivery_reached(struct account *account, const char *from,
    const char *id, enum delivery delivery, bool up_to);
