/*
 * The pictures that people have of themselves: published at their account
 * (XEP-0084), else in their vCard (XEP-0153, XEP-0054). Nobody is asked before
 * somebody looks, and strangers never are.
 */
#pragma once
#include "model/account.h"

/* A file in the cache with the picture of jid (bare), whose contents are what
 * was announced (SHA-1); new string. NULL: there is none, or not yet: then
 * EVENT_CHAT_CHANGED tells. What the file holds is hostile. */
char *avatar_file(struct account *account, const char *jid);
