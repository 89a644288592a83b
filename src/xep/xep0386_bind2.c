/* Binding inside the login is the stream's business (net/stream.c); what is
 * switched on with it, that of each feature (bind_inline of feature.h). */
#include "xep/xep.h"

const struct feature xep0386 = {
    .spec = "XEP-0386",
    .name = "Bind 2",
    .version = "1.0.1",
    .since = "0.1.0",
};
