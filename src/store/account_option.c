/* The settings of one account. They are read by the folder that knows options,
 * which stands to the right of the model. */
#include "model/account.h"
#include "store/option.h"

const char *account_option(const struct account *account, const char *name)
{
    return account->options
        ? options_get(account->options, account->config_jid, name)
        : NULL;
}

bool account_option_bool(const struct account *account, const char *name)
{
    return account->options &&
        options_bool(account->options, account->config_jid, name);
}

gint64 account_option_int(const struct account *account, const char *name)
{
    return account->options
        ? options_int(account->options, account->config_jid, name)
        : 0;
}
