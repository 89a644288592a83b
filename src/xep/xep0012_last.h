/* Last activity (XEP-0012): the front end tells when the person did something;
 * costs nothing. Sent messages count by themselves. */
#pragma once
#include "model/account.h"

void last_activity_touch(struct account *account);
