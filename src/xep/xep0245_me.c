/* "/me" is a matter of showing a message and has no protocol: the command
 * stands with the messages, the display in the front ends. */
#include "xep/xep.h"

const struct feature xep0245 = {
    .spec = "XEP-0245",
    .name = "The /me Command",
    .version = "1.0",
    .since = "0.1.0",
};
