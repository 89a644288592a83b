/* Nothing goes over the wire: the colours are the screen's (ui/draw/color.h). */
#include "xep/xep.h"

const struct feature xep0392 = {
    .spec = "XEP-0392",
    .name = "Consistent Color Generation",
    .version = "1.0.0",
    .since = "0.1.0",
    .note = "Names on the screen, with the corrections for colour vision; ui.nick_colors.",
};
