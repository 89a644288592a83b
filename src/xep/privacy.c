#include "xep/privacy.h"

#include <string.h>

#include "model/jid.h"
#include "store/option.h"

bool privacy_allows(const struct account *account, const char *option)
{
    if (!account->options || !options_row(account->options, option))
        return true;
    return options_bool(account->options, NULL, option);
}

const char *const privacy_of_chats[] = { "privacy.chat_states",
    "privacy.displayed", "privacy.receipts", "privacy.request_receipts", NULL };

static char *section_of(const char *jid)
{
    g_autofree char *bare = jid_bare(jid);
    return g_strconcat("privacy ", bare, NULL);
}

static const char *key_of(const char *option)
{
    return option + strlen("privacy.");
}

char *privacy_of_chat(
    const struct options *options, const char *jid, const char *option)
{
    g_autofree char *section = section_of(jid);
    char *value = options_section_get(options, section, key_of(option));
    if (value && strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        g_clear_pointer(&value, g_free); /* by hand, and not understood */
    return value;
}

bool privacy_set_of_chat(struct options *options, const char *jid,
    const char *option, const char *value, GError **error)
{
    g_autofree char *section = section_of(jid);
    return options_section_set(
        options, section, key_of(option), value, error);
}

bool privacy_allows_to(
    const struct account *account, const char *jid, const char *option)
{
    if (!account->options || !jid)
        return privacy_allows(account, option);
    g_autofree char *own = privacy_of_chat(account->options, jid, option);
    return own ? strcmp(own, "on") == 0 : privacy_allows(account, option);
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
