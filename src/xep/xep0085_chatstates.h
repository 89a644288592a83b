/*
 * Chat states (XEP-0085). The front end says what the person does; whether
 * the peer is told is decided here: only peers that use chat states themselves
 * or announce them, only where the option is on.
 */
#pragma once
#include "model/chat.h"

enum chat_state {
    CHATSTATE_ACTIVE,    /* looking at the chat; the input line is empty */
    CHATSTATE_COMPOSING, /* call it on every key: repeated calls cost nothing */
    CHATSTATE_PAUSED,    /* comes by itself 30 s after the last COMPOSING */
    CHATSTATE_INACTIVE,  /* another chat is being looked at */
    CHATSTATE_GONE,      /* comes by itself when the chat is closed */
};
void chatstate_set(struct chat *chat, enum chat_state state);
