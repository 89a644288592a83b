/* What the commands on the store have in common. */
#pragma once
#include "app/app.h"
#include "store/history.h"

#define IN_CHAT \
    { .name = "chat", .kind = &arg_chat, .option = "in --in", \
        .summary = "another conversation than the open one" }

/* The chat named with "in", else the one that is open; NULL: none. It need not
 * be open: the store may have it. */
const char *history_chosen(struct job *job);
enum cmd_status history_no_chat(struct job *job);
