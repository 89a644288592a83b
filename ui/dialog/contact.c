/* Add or edit a contact: name, groups, subscription. It only writes command
 * lines. */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "model/account.h"
#include "model/jid.h"
#include <string.h>

enum { BUTTON_SAVE = 1, BUTTON_CANCEL };

struct editing {
    char *account; /* JID; NULL: the default one */
    char **groups; /* as they were */
    char *name;
    bool added;    /* an existing contact */
};

static void editing_free(gpointer data)
{
    struct editing *editing = data;
    g_free(editing->account);
    g_strfreev(editing->groups);
    g_free(editing->name);
    g_free(editing);
}

static void run_for(struct dialog *dialog, const char *command, const char *rest)
{
    struct editing *editing = dialog->data;
    g_autofree char *account = editing->account ? tui_quote(editing->account) : NULL;
    g_autofree char *line = account ? g_strdup_printf("%s -a %s %s", command, account, rest)
                                    : g_strdup_printf("%s %s", command, rest);
    tui_run(dialog->tui, line);
}

static char **split_groups(const char *text)
{
    char **groups = g_strsplit(text, ",", -1);
    guint n = 0;
    for (char **group = groups; *group; group++) {
        g_strstrip(*group);
        if (**group)
            groups[n++] = *group;
        else
            g_free(*group);
    }
    groups[n] = NULL;
    return groups;
}

static void change_groups(struct dialog *dialog, const char *jid, char **wanted)
{
    struct editing *editing = dialog->data;
    for (char **group = wanted; *group; group++)
        if (!g_strv_contains((const char *const *)editing->groups, *group)) {
            g_autofree char *quoted = tui_quote(*group);
            g_autofree char *rest = g_strdup_printf("%s %s", jid, quoted);
            run_for(dialog, "/roster group add", rest);
        }
    for (char **group = editing->groups; *group; group++)
        if (!g_strv_contains((const char *const *)wanted, *group)) {
            g_autofree char *quoted = tui_quote(*group);
            g_autofree char *rest = g_strdup_printf("%s %s", jid, quoted);
            run_for(dialog, "/roster group remove", rest);
        }
}

static void add_contact(struct dialog *dialog, const char *jid, char **groups)
{
    g_autoptr(GString) rest = g_string_new(jid);
    const char *name = input_value(dialog_find(dialog, "name"));
    for (char **group = groups; *group; group++) {
        g_autofree char *quoted = tui_quote(*group);
        g_string_append_printf(rest, " -g %s", quoted);
    }
    if (*name) {
        g_autofree char *quoted = tui_quote(name);
        g_string_append_printf(rest, " %s", quoted);
    }
    run_for(dialog, "/roster add", rest->str);
    struct input *ask = dialog_find(dialog, "ask");
    if (ask && ask->on)
        run_for(dialog, "/sub request", jid);
}

static bool pressed(struct dialog *dialog, int id)
{
    struct editing *editing = dialog->data;
    if (id == BUTTON_CANCEL)
        return true;
    g_autoptr(GError) error = NULL;
    g_autofree char *jid = jid_prepare(input_value(dialog_find(dialog, "jid")), &error);
    if (!jid) {
        dialog_complain(dialog, error->message);
        return false;
    }
    g_autofree char *bare = jid_bare(jid);
    g_autofree char *quoted = tui_quote(bare);
    g_auto(GStrv) groups = split_groups(input_value(dialog_find(dialog, "groups")));
    if (!editing->added) {
        add_contact(dialog, quoted, groups);
        return true;
    }
    const char *name = input_value(dialog_find(dialog, "name"));
    if (g_strcmp0(name, editing->name ? editing->name : "")) {
        g_autofree char *rest = g_strdup_printf("%s %s", quoted, name);
        run_for(dialog, "/roster nick", rest);
    }
    change_groups(dialog, quoted, groups);
    struct input *ask = dialog_find(dialog, "ask");
    if (ask && ask->on)
        run_for(dialog, "/sub request", quoted);
    return true;
}

static const struct dialog_ops ops = { pressed, NULL };

static const char *subscription_sentence(const struct contact *contact)
{
    if (contact->pending_in)
        return _("asks to see your presence");
    switch (contact->subscription) {
    case SUB_BOTH:
        return _("you see each other's presence");
    case SUB_TO:
        return _("you see their presence, they do not see yours");
    case SUB_FROM:
        return contact->ask ? _("sees your presence; your request waits")
                            : _("sees your presence, you do not see theirs");
    default:
        return contact->ask ? _("your request waits for an answer") : _("no presence either way");
    }
}

void dialog_contact(struct tui *tui, struct account *account, const char *jid)
{
    const struct contact *contact = account && jid ? roster_find(account->roster, jid) : NULL;
    if (contact && !contact->in_roster)
        contact = NULL;
    struct editing *editing = g_new0(struct editing, 1);
    struct dialog *dialog = dialog_new(tui, contact ? _("Edit contact") : _("Add a contact"), &ops);
    if (!account)
        account = window_current(tui)->chat ? window_current(tui)->chat->account
                                            : app_default_account(tui->app);
    editing->account = account ? g_strdup(account->jid) : NULL;
    editing->added = contact != NULL;
    editing->name = g_strdup(contact ? contact->name : NULL);
    editing->groups = contact ? g_strdupv(contact->groups) : g_new0(char *, 1);
    dialog->data = editing;
    dialog->free_data = editing_free;
    struct input *address = dialog_input(dialog, INPUT_LINE, "jid", _("Address"));
    address->hint = g_strdup("romeo@example.net");
    address->required = true;
    if (jid)
        input_set(address, jid);
    struct input *name = dialog_input(dialog, INPUT_LINE, "name", _("Name"));
    if (contact && contact->name)
        input_set(name, contact->name);
    struct input *groups = dialog_input(dialog, INPUT_LINE, "groups", _("Groups"));
    groups->hint = g_strdup(_("Friends, Work"));
    if (contact) {
        g_autofree char *joined = g_strjoinv(", ", contact->groups);
        input_set(groups, joined);
        dialog_textf(dialog, ROLE_DIALOG_LABEL, "%s: %s", contact->jid, subscription_sentence(contact));
    }
    if (!contact || contact->subscription == SUB_NONE || contact->subscription == SUB_FROM) {
        struct input *ask = dialog_input(dialog, INPUT_CHECK, "ask", _("Ask to see their presence"));
        ask->on = !contact;
    }
    if (jid)
        dialog->focus = 1;
    dialog_button(dialog, BUTTON_SAVE, 's', _("Save"), false);
    dialog_button(dialog, BUTTON_CANCEL, 'c', _("Cancel"), false);
    dialog_open(dialog);
}
