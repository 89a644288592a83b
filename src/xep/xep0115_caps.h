/* Entity capabilities (XEP-0115): what a hash in presence stands for. */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "model/account.h"
#include "xep/xep0030_disco.h"

#define NS_CAPS "http://jabber.org/protocol/caps"

/* XEP-0115 s. 5.1; hash: "sha-1", "sha-256", "sha-512". New string, NULL for
 * another algorithm. */
char *caps_hash(const struct disco_info *info, const char *hash);

/* Our own, and the node it is announced under. */
const char *caps_own_ver(struct account *account);
bool caps_is_own_node(struct account *account, const char *node);

/* What a resource's hash stands for, from memory or disk; NULL unknown. */
const struct disco_info *caps_find(
    struct account *account, const char *full_jid);
/* The node#ver to ask it about (new string); NULL: it announced nothing. */
char *caps_question(struct account *account, const char *full_jid);
/* Its answer: kept for everybody with that hash when the hash is right. */
bool caps_learn(struct account *account, const char *full_jid,
    const struct disco_info *info);
