/* The login itself is the stream's business: net/stream.c, net/sasl2.c. */
#include "xep/xep.h"

const struct feature xep0388 = {
    .spec = "XEP-0388",
    .name = "Extensible SASL Profile",
    .version = "1.0.4",
    .since = "0.1.0",
    .status = "partial",
    .note = "no second factors and no other tasks",
};
