/* Client state indication (XEP-0352): the server may hold back what does not
 * matter while nobody looks. Remembered while offline; nothing is sent to a
 * server that does not offer it. */
#pragma once
#include <stdbool.h>
#include "model/account.h"

void client_state_set(struct account *account, bool active);
