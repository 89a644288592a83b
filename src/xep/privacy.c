#include "xep/privacy.h"

#include "model/jid.h"
#include "store/option.h"

bool privacy_allows(const struct account *account, const char *option)
{
    if (!account->options || !options_row(account->options, option))
        return true;
    return options_bool(account->options, NULL, option);
}

bool privacy_refuse(struct iq_request *request, const char *option)
{
    if (iq_from_friend(request) && privacy_allows(request->account, option))
        return false;
    /* The same answer in both cases: it does not tell which (XEP-0092 s. 4). */
    iq_error(request, "cancel", "service-unavailable", NULL);
    return true;
}

bool privacy_sees_us(const struct account *account, const char *jid)
{
    if (jid_bare_equal(jid, account->jid))
        return true;
    g_autofree char *bare = jid_bare(jid);
    const struct contact *contact = roster_find(account->roster, bare);
    return contact && (contact->subscription == SUB_FROM ||
                          contact->subscription == SUB_BOTH);
}
