/*
 * The contact list. Every group is an array of entries kept in order; a
 * presence only queues its contact, and the next drawing puts the queued ones
 * where they belong (or sorts anew when there are many). Drawing touches
 * visible rows only, so 50,000 contacts cost what 50 cost.
 *
 * contact->ui points to the contact's struct entry.
 */
#include "config.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include <stdlib.h>
#include <string.h>

enum { WHEEL_ROWS = 3, SEEK_ROWS = 2000, RANK_OFFLINE = 9 };
enum order { ORDER_PRESENCE, ORDER_NAME, ORDER_ACTIVITY };

struct entry {
    struct contact *contact; /* NULL: a chat that is not in the roster */
    struct chat *chat;       /* … then this one, borrowed until CHAT_GONE */
    struct account *account;
    char *key;               /* folded label, to sort and filter by */
    int rank;                /* presence as it was sorted */
    gint64 active;           /* last message as it was sorted */
    bool queued;
    GPtrArray *groups;       /* struct group*, borrowed */
};

struct group {
    char *name;              /* NULL: contacts without group */
    GPtrArray *entries;      /* struct entry*, sorted */
    int online;
    bool folded, special;    /* special: rooms, people not in the roster */
};

struct section {
    struct account *account;
    GPtrArray *groups;       /* struct group*, sorted */
};

/* What a row is. */
struct row {
    struct section *section;
    struct group *group;     /* NULL: account heading */
    struct entry *entry;     /* NULL: group heading */
};

struct pane_roster {
    struct pane pane;
    GPtrArray *sections;
    GPtrArray *entries;      /* all of them, owned */
    GPtrArray *queued;       /* struct entry*, presence changed */
    GHashTable *folded;      /* names of folded groups */
    bool stale; /* to be built anew */
    enum order order;
    bool hide_offline;
    int top, cursor;
    char *filter;            /* folded; NULL: none */
    GString *typed;          /* the filter as typed */
    GPtrArray *matches;      /* struct entry* that match, or NULL */
};

static struct pane_roster *roster_of(struct pane *pane)
{
    return (struct pane_roster *)pane;
}

static void entry_free(gpointer data)
{
    struct entry *entry = data;
    g_ptr_array_free(entry->groups, TRUE);
    g_free(entry->key);
    g_free(entry);
}

static void group_free(gpointer data)
{
    struct group *group = data;
    g_ptr_array_free(group->entries, TRUE);
    g_free(group->name);
    g_free(group);
}

static void section_free(gpointer data)
{
    struct section *section = data;
    g_ptr_array_free(section->groups, TRUE);
    g_free(section);
}

static const char *label_of(const struct entry *entry)
{
    return entry->contact ? contact_label(entry->contact)
                          : account_display_name(entry->account, entry->chat->jid);
}

static char *fold(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((guchar)*p >= 0x80)
            return g_utf8_casefold(text, (gssize)strnlen(text, 1024));
    return g_ascii_strdown(text, -1);
}

static int rank_now(const struct entry *entry)
{
    if (!entry->contact)
        return 0;
    switch (contact_show(entry->contact)) {
    case SHOW_CHAT:
    case SHOW_ONLINE:
        return 0;
    case SHOW_DND:
        return 1;
    case SHOW_AWAY:
        return 2;
    case SHOW_XA:
        return 3;
    default:
        return RANK_OFFLINE;
    }
}

static gint64 activity_now(const struct entry *entry)
{
    const struct chat *chat = entry->chat ? entry->chat
        : entry->contact ? account_find_chat(entry->account, entry->contact->jid)
                         : NULL;
    return chat ? chat->active_us : 0;
}

static int compare(const struct entry *a, const struct entry *b, const struct pane_roster *view)
{
    if (view->order == ORDER_ACTIVITY && a->active != b->active)
        return a->active > b->active ? -1 : 1;
    if (view->order != ORDER_NAME || view->hide_offline)
        if (a->rank != b->rank)
            return a->rank - b->rank;
    int by_name = strcmp(a->key, b->key);
    if (by_name)
        return by_name;
    return a == b ? 0 : a < b ? -1 : 1;
}

static int compare_sort(gconstpointer a, gconstpointer b, gpointer view)
{
    return compare(*(struct entry *const *)a, *(struct entry *const *)b, view);
}

/* Where entry is or would be. */
static guint find_place(const struct pane_roster *view, const struct group *group,
    const struct entry *entry)
{
    guint low = 0, high = group->entries->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (compare(group->entries->pdata[middle], entry, view) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct section *section_of(struct pane_roster *view, struct account *account)
{
    for (guint i = 0; i < view->sections->len; i++) {
        struct section *section = view->sections->pdata[i];
        if (section->account == account)
            return section;
    }
    struct section *section = g_new0(struct section, 1);
    section->account = account;
    section->groups = g_ptr_array_new_with_free_func(group_free);
    g_ptr_array_add(view->sections, section);
    return section;
}

static int group_rank(const struct group *group)
{
    return group->special ? 2 : group->name ? 0 : 1;
}

static int compare_groups(const char *name, bool special, const struct group *other)
{
    int rank = special ? 2 : name ? 0 : 1;
    if (rank != group_rank(other))
        return rank - group_rank(other);
    return g_strcmp0(name, other->name);
}

static struct group *group_of(struct pane_roster *view, struct section *section,
    const char *name, bool special)
{
    guint low = 0, high = section->groups->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        struct group *there = section->groups->pdata[middle];
        int order = compare_groups(name, special, there);
        if (!order)
            return there;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct group *group = g_new0(struct group, 1);
    group->name = g_strdup(name);
    group->special = special;
    group->entries = g_ptr_array_new();
    group->folded = g_hash_table_contains(view->folded, name ? name : "");
    g_ptr_array_insert(section->groups, (int)low, group);
    return group;
}

static struct entry *entry_new(struct pane_roster *view, struct account *account,
    struct contact *contact, struct chat *chat)
{
    struct entry *entry = g_new0(struct entry, 1);
    entry->account = account;
    entry->contact = contact;
    entry->chat = chat;
    entry->groups = g_ptr_array_new();
    entry->key = fold(label_of(entry));
    entry->rank = rank_now(entry);
    if (view->order == ORDER_ACTIVITY)
        entry->active = activity_now(entry);
    g_ptr_array_add(view->entries, entry);
    return entry;
}

static void join_group(struct entry *entry, struct group *group)
{
    g_ptr_array_add(group->entries, entry);
    g_ptr_array_add(entry->groups, group);
    group->online += entry->rank < RANK_OFFLINE;
}

static void join_groups(struct pane_roster *view, struct section *section, struct entry *entry)
{
    char **groups = entry->contact->groups;
    if (!groups || !*groups)
        join_group(entry, group_of(view, section, NULL, false));
    for (char **name = groups; name && *name; name++)
        join_group(entry, group_of(view, section, *name, false));
}

static bool is_listed(const struct contact *contact)
{
    return contact->in_roster || contact->pending_in;
}

struct building {
    struct pane_roster *view;
    struct section *section;
};

static void add_contact(struct contact *contact, gpointer data)
{
    struct building *building = data;
    contact->ui = NULL;
    if (!is_listed(contact))
        return;
    struct entry *entry =
        entry_new(building->view, building->section->account, contact, NULL);
    contact->ui = entry;
    join_groups(building->view, building->section, entry);
}

static void add_strangers(struct pane_roster *view)
{
    GPtrArray *windows = view->pane.tui->windows;
    for (guint i = 0; i < windows->len; i++) {
        const struct window *window = windows->pdata[i];
        if (window->kind != WINDOW_CHAT)
            continue;
        struct chat *chat = window->chat;
        struct contact *contact = chat->kind == CHAT_CONTACT
            ? roster_find(chat->account->roster, chat->jid) : NULL;
        if (contact && contact->ui)
            continue;
        struct section *section = section_of(view, chat->account);
        struct group *group = group_of(view, section,
            chat->kind == CHAT_ROOM ? _("Rooms") : _("Not in the list"), true);
        join_group(entry_new(view, chat->account, NULL, chat), group);
    }
}

static void sort_group(struct pane_roster *view, struct group *group)
{
    g_ptr_array_sort_with_data(group->entries, compare_sort, view);
}

static void refilter(struct pane_roster *view)
{
    if (!view->filter)
        return;
    g_ptr_array_set_size(view->matches, 0);
    for (guint i = 0; i < view->entries->len; i++) {
        struct entry *entry = view->entries->pdata[i];
        const char *jid = entry->contact ? entry->contact->jid : entry->chat->jid;
        if (strstr(entry->key, view->filter) || strstr(jid, view->filter))
            g_ptr_array_add(view->matches, entry);
    }
    g_ptr_array_sort_with_data(view->matches, compare_sort, view);
}

static void build(struct pane_roster *view)
{
    struct tui *tui = view->pane.tui;
    g_ptr_array_set_size(view->queued, 0);
    g_ptr_array_set_size(view->sections, 0);
    g_ptr_array_set_size(view->entries, 0);
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        struct account *account = tui->app->accounts->pdata[i];
        struct building building = { view, section_of(view, account) };
        roster_foreach(account->roster, add_contact, &building);
    }
    add_strangers(view);
    for (guint i = 0; i < view->sections->len; i++) {
        struct section *section = view->sections->pdata[i];
        for (guint k = 0; k < section->groups->len; k++)
            sort_group(view, section->groups->pdata[k]);
    }
    view->stale = false;
    refilter(view);
}

static void move_entry(struct pane_roster *view, struct entry *entry, int rank, gint64 active)
{
    for (guint i = 0; i < entry->groups->len; i++) {
        struct group *group = entry->groups->pdata[i];
        guint old = find_place(view, group, entry);
        if (old < group->entries->len && group->entries->pdata[old] == entry)
            g_ptr_array_remove_index(group->entries, old);
    }
    entry->rank = rank;
    entry->active = active;
    for (guint i = 0; i < entry->groups->len; i++) {
        struct group *group = entry->groups->pdata[i];
        g_ptr_array_insert(group->entries, (int)find_place(view, group, entry), entry);
    }
}

static void settle(struct pane_roster *view)
{
    if (view->stale) {
        build(view);
        return;
    }
    if (!view->queued->len)
        return;
    bool many = view->queued->len > 64 && view->queued->len > view->entries->len / 16;
    for (guint i = 0; i < view->queued->len; i++) {
        struct entry *entry = view->queued->pdata[i];
        int rank = rank_now(entry);
        gint64 active = view->order == ORDER_ACTIVITY ? activity_now(entry) : 0;
        entry->queued = false;
        int step = (rank < RANK_OFFLINE) - (entry->rank < RANK_OFFLINE);
        for (guint k = 0; k < entry->groups->len; k++)
            ((struct group *)entry->groups->pdata[k])->online += step;
        if (many) {
            entry->rank = rank;
            entry->active = active;
        } else if (rank != entry->rank || active != entry->active)
            move_entry(view, entry, rank, active);
    }
    g_ptr_array_set_size(view->queued, 0);
    if (!many)
        return;
    for (guint i = 0; i < view->sections->len; i++) {
        struct section *section = view->sections->pdata[i];
        for (guint k = 0; k < section->groups->len; k++)
            sort_group(view, section->groups->pdata[k]);
    }
    refilter(view);
}

static void queue(struct pane_roster *view, struct entry *entry)
{
    if (entry->queued)
        return;
    entry->queued = true;
    g_ptr_array_add(view->queued, entry);
    pane_dirty(&view->pane);
}

static guint group_rows(const struct pane_roster *view, const struct group *group)
{
    if (group->folded)
        return 1;
    if (view->hide_offline && !group->special)
        return group->online ? 1 + (guint)group->online : 0;
    return 1 + group->entries->len;
}

static bool shows_accounts(const struct pane_roster *view)
{
    return view->sections->len > 1;
}

static guint count_rows(const struct pane_roster *view)
{
    if (view->filter)
        return view->matches->len;
    guint count = 0;
    for (guint i = 0; i < view->sections->len; i++) {
        const struct section *section = view->sections->pdata[i];
        count += shows_accounts(view);
        for (guint k = 0; k < section->groups->len; k++)
            count += group_rows(view, section->groups->pdata[k]);
    }
    return count;
}

static bool row_at(const struct pane_roster *view, guint index, struct row *row)
{
    *row = (struct row){ 0 };
    if (view->filter) {
        if (index >= view->matches->len)
            return false;
        row->entry = view->matches->pdata[index];
        return true;
    }
    for (guint i = 0; i < view->sections->len; i++) {
        struct section *section = view->sections->pdata[i];
        row->section = section;
        row->group = NULL;
        row->entry = NULL;
        if (shows_accounts(view) && index-- == 0)
            return true;
        for (guint k = 0; k < section->groups->len; k++) {
            struct group *group = section->groups->pdata[k];
            guint rows = group_rows(view, group);
            if (index >= rows) {
                index -= rows;
                continue;
            }
            row->group = group;
            if (index)
                row->entry = group->entries->pdata[index - 1];
            return true;
        }
    }
    return false;
}

static struct chat *chat_of_entry(const struct entry *entry)
{
    return entry->chat ? entry->chat
                       : account_find_chat(entry->account, entry->contact->jid);
}

struct shape {
    enum mark mark;
    enum role role;
};

static struct shape shape_of(const struct entry *entry)
{
    static const struct shape shapes[] = {
        [SHOW_OFFLINE] = { MARK_OFFLINE, ROLE_OFFLINE },
        [SHOW_DND] = { MARK_DND, ROLE_DND },
        [SHOW_XA] = { MARK_XA, ROLE_XA },
        [SHOW_AWAY] = { MARK_AWAY, ROLE_AWAY },
        [SHOW_ONLINE] = { MARK_ONLINE, ROLE_ONLINE },
        [SHOW_CHAT] = { MARK_CHAT, ROLE_CHAT },
    };
    const struct contact *contact = entry->contact;
    if (!contact)
        return entry->chat->kind == CHAT_ROOM ? (struct shape){ MARK_ROOM, ROLE_ONLINE }
                                              : (struct shape){ MARK_ASKED, ROLE_DIM };
    if (contact->pending_in)
        return (struct shape){ MARK_PENDING, ROLE_PENDING };
    enum show show = contact_show(contact);
    if (show == SHOW_OFFLINE && (contact->ask || contact->subscription == SUB_NONE ||
            contact->subscription == SUB_FROM))
        return (struct shape){ MARK_ASKED, contact->ask ? ROLE_PENDING : ROLE_OFFLINE };
    return shapes[show];
}

static void draw_entry(struct pane_roster *view, struct area area, int y,
    const struct entry *entry, bool cursor)
{
    struct chat *chat = chat_of_entry(entry);
    const struct window *current = window_current(view->pane.tui);
    bool open = chat && current->chat == chat;
    enum role ground = cursor ? ROLE_SELECTED : open ? ROLE_ROSTER_OPEN : ROLE_TEXT;
    area_clear(area_sub(area, 0, y, area.cols, 1), style_of(ground));
    struct shape shape = shape_of(entry);
    grid_mark(area, 1, y, style_on(style_of(shape.role), ground), shape.mark);

    int edge = area.cols - 1;
    char count[16] = "";
    if (chat && chat->mentions)
        g_snprintf(count, sizeof count, "@%u", MIN(chat->mentions, 999u));
    else if (chat && chat->unread)
        g_snprintf(count, sizeof count, "%u", MIN(chat->unread, 999u));
    else if (chat && chat->draft && *chat->draft && !open)
        g_strlcpy(count, area.cols >= 24 ? _("(draft)") : "~", sizeof count);
    int width = text_width(count, -1);
    enum role role = chat && chat->mentions ? ROLE_MENTION
        : chat && chat->unread              ? ROLE_UNREAD
                                            : ROLE_DIM;
    if (*count)
        grid_text(area, edge - width, y, width, style_on(style_of(role), ground), count);
    bool offline = entry->rank == RANK_OFFLINE && !(chat && chat->unread);
    style_t style = style_on(style_of(offline ? ROLE_ROSTER_OFFLINE : ROLE_ROSTER_NAME), ground);
    if (ground)
        style = style_with(style_of(ground), 0);
    if (chat && chat->unread)
        style = style_with(style, ATTR_BOLD);
    grid_text_fit(area, 3, y, edge - width - 4, style, label_of(entry));
}

static void draw_group(const struct pane_roster *view, struct area area, int y,
    const struct group *group, bool cursor)
{
    enum role ground = cursor ? ROLE_SELECTED : ROLE_TEXT;
    (void)view;
    style_t style = cursor ? style_of(ROLE_SELECTED) : style_of(ROLE_ROSTER_GROUP);
    area_clear(area_sub(area, 0, y, area.cols, 1), style_of(ground));
    grid_mark(area, 1, y, style, group->folded ? MARK_FOLDED : MARK_OPEN);
    int width = 0;
    if (!group->special) {
        char count[32];
        g_snprintf(count, sizeof count, "%d/%u", group->online, group->entries->len);
        width = (int)strlen(count);
        grid_text(area, area.cols - 1 - width, y, width,
            style_on(style_of(ROLE_DIM), ground), count);
    }
    grid_text_fit(area, 3, y, area.cols - 5 - width, style,
        group->name ? group->name : _("Contacts"));
}

static void draw_filter(struct pane_roster *view, struct area area)
{
    area_clear(area_sub(area, 0, 0, area.cols, 1), style_of(ROLE_FIELD));
    int x = 1 + grid_text(area, 1, 0, -1, style_of(ROLE_FIELD), "/");
    x += grid_text(area, x, 0, area.cols - x - 1, style_of(ROLE_FIELD_ACTIVE), view->typed->str);
    if (view->pane.focused)
        grid_cursor(area, x, 0);
}

static void draw_nobody(struct area area)
{
    static const char *const lines[] = { N_("Nobody here yet."), "",
        N_("Add somebody with"), "/roster add JID" };
    for (int i = 0; i < (int)G_N_ELEMENTS(lines); i++)
        if (*lines[i])
            grid_text_fit(area, 1, 1 + i, area.cols - 2,
                style_of(i == 3 ? ROLE_LINK : ROLE_DIM), _(lines[i]));
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_roster *view = roster_of(pane);
    settle(view);
    area_clear(area, style_of(ROLE_TEXT));
    if (view->filter) {
        draw_filter(view, area);
        area = area_sub(area, 0, 1, area.cols, area.rows - 1);
    }
    int count = (int)MIN(count_rows(view), (guint)G_MAXINT / 2);
    view->cursor = CLAMP(view->cursor, 0, MAX(count - 1, 0));
    if (pane->focused) {
        if (view->cursor < view->top)
            view->top = view->cursor;
        if (view->cursor >= view->top + area.rows)
            view->top = view->cursor - area.rows + 1;
    }
    view->top = CLAMP(view->top, 0, MAX(count - area.rows, 0));
    if (!count && !view->filter) {
        if (pane->tui->app->accounts->len)
            draw_nobody(area);
        return;
    }
    for (int y = 0; y < area.rows && view->top + y < count; y++) {
        struct row row;
        if (!row_at(view, (guint)(view->top + y), &row))
            break;
        bool cursor = pane->focused && view->top + y == view->cursor;
        if (row.entry)
            draw_entry(view, area, y, row.entry, cursor);
        else if (row.group)
            draw_group(view, area, y, row.group, cursor);
        else {
            style_t style = style_of(cursor ? ROLE_SELECTED : ROLE_ROSTER_ACCOUNT);
            bool online = row.section->account->state == STATE_ONLINE;
            grid_mark(area, 0, y, style_of(online ? ROLE_ONLINE : ROLE_OFFLINE),
                online ? MARK_ONLINE : MARK_OFFLINE);
            grid_text_fit(area, 2, y, area.cols - 3, style, row.section->account->jid);
        }
    }
}

static void open_row(struct pane_roster *view, const struct row *row)
{
    struct tui *tui = view->pane.tui;
    if (row->group && !row->entry) {
        row->group->folded = !row->group->folded;
        const char *name = row->group->name ? row->group->name : "";
        if (row->group->folded)
            g_hash_table_add(view->folded, g_strdup(name));
        else
            g_hash_table_remove(view->folded, name);
        pane_dirty(&view->pane);
        return;
    }
    if (!row->entry)
        return;
    const struct entry *entry = row->entry;
    struct chat *chat = chat_of_entry(entry);
    if (chat)
        window_show(tui, window_open(tui, chat));
    else {
        g_autofree char *account = tui_quote(entry->account->jid);
        g_autofree char *jid = tui_quote(entry->contact->jid);
        tui_runf(tui, "/msg -a %s %s", account, jid);
    }
    pane_roster_filter(&view->pane, NULL);
    layout_focus(tui, tui->leaf);
}

/* Actions are command lines; NULL line: a dialog. */
static const struct {
    const char *key, *line;
} actions[] = {
    { "Delete", "/roster remove -a %s %s" },
    { "C-s", "/sub request -a %s %s" },
    { "C-b", "/block -a %s %s" },
    { "C-o", "/info -a %s %s" },
};

static bool run_action(struct pane_roster *view, const struct key *key)
{
    struct tui *tui = view->pane.tui;
    struct row row;
    if (!row_at(view, (guint)view->cursor, &row) || !row.entry)
        return false;
    const char *jid = row.entry->contact ? row.entry->contact->jid : row.entry->chat->jid;
    struct key wanted;
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (!key_parse(actions[i].key, &wanted) || !key_equal(key, &wanted))
            continue;
        g_autofree char *account = tui_quote(row.entry->account->jid);
        g_autofree char *quoted = tui_quote(jid);
        g_autofree char *start = g_strndup(actions[i].line, strlen(actions[i].line) - 9);
        g_autofree char *line = g_strdup_printf("%s -a %s %s", start, account, quoted);
        tui_run_shown(tui, line);
        return true;
    }
    static const char *const edit_keys[] = { "C-r", "C-g", "C-e" };
    for (gsize i = 0; i < G_N_ELEMENTS(edit_keys); i++)
        if (key_parse(edit_keys[i], &wanted) && key_equal(key, &wanted)) {
            dialog_contact(tui, row.entry->account, jid);
            return true;
        }
    return false;
}

/* Entering the list: at the conversation that is open. */
void pane_roster_seek(struct pane *pane)
{
    struct pane_roster *view = roster_of(pane);
    const struct chat *chat = window_current(pane->tui)->chat;
    struct row row;
    settle(view);
    const struct contact *contact =
        chat ? roster_find(chat->account->roster, chat->jid) : NULL;
    for (guint i = 0; chat && row_at(view, i, &row) && i < SEEK_ROWS; i++)
        if (row.entry && (row.entry->chat == chat ||
                (contact && row.entry->contact == contact))) {
            view->cursor = (int)i;
            return;
        }
    if (!view->cursor && row_at(view, 1, &row) && row.entry)
        view->cursor = 1;
}

static void set_filter(struct pane_roster *view)
{
    g_clear_pointer(&view->filter, g_free);
    if (view->typed->len) {
        view->filter = fold(view->typed->str);
        settle(view);
        refilter(view);
    }
    view->cursor = view->top = 0;
    pane_dirty(&view->pane);
}

static bool filter_key(struct pane_roster *view, const struct key *key)
{
    if (key->code == KEY_BS && view->typed->len) {
        const char *last = g_utf8_find_prev_char(view->typed->str,
            view->typed->str + view->typed->len);
        g_string_truncate(view->typed, last ? (gsize)(last - view->typed->str) : 0);
        set_filter(view);
        return true;
    }
    if (key->code != KEY_CHAR || key->mods || view->typed->len > 200)
        return false;
    if (view->typed->len || strcmp(key->text, "/"))
        g_string_append(view->typed, key->text);
    set_filter(view);
    return true;
}

static void leave(struct pane_roster *view)
{
    layout_focus(view->pane.tui, view->pane.tui->leaf);
}

static bool move_key(struct pane_roster *view, const struct key *key)
{
    int page = MAX(view->pane.rows - 1, 1);
    switch (key->code) {
    case KEY_UP_:
        view->cursor--;
        break;
    case KEY_DOWN_:
        view->cursor++;
        break;
    case KEY_PGUP:
        view->cursor -= page;
        break;
    case KEY_PGDN:
        view->cursor += page;
        break;
    case KEY_HOME_:
        view->cursor = 0;
        break;
    case KEY_END_:
        view->cursor = G_MAXINT / 2;
        break;
    default:
        return false;
    }
    if (view->cursor < 0)
        view->cursor = 0;
    pane_dirty(&view->pane);
    return true;
}

static bool mouse_key(struct pane_roster *view, const struct key *key)
{
    if (key->button == MOUSE_WHEEL_UP || key->button == MOUSE_WHEEL_DOWN) {
        int step = key->button == MOUSE_WHEEL_UP ? -WHEEL_ROWS : WHEEL_ROWS;
        view->top = MAX(view->top + step, 0);
        view->cursor = MAX(view->cursor + step, 0);
        pane_dirty(&view->pane);
        return true;
    }
    if (key->button != MOUSE_LEFT)
        return true;
    int y = key->y - (view->filter != NULL);
    struct row row;
    if (y >= 0 && row_at(view, (guint)(view->top + y), &row)) {
        view->cursor = view->top + y;
        open_row(view, &row);
    }
    return true;
}

static bool on_key(struct pane *pane, const struct key *key)
{
    struct pane_roster *view = roster_of(pane);
    settle(view);
    if (key->code == KEY_MOUSE_)
        return mouse_key(view, key);
    if (move_key(view, key) || run_action(view, key))
        return true;
    struct key insert;
    if (key->code == KEY_INSERT ||
        (key_parse("C-n", &insert) && key_equal(key, &insert))) {
        dialog_contact(pane->tui, NULL, NULL);
        return true;
    }
    struct row row;
    bool there = row_at(view, (guint)view->cursor, &row);
    if (key->code == KEY_ENTER && !key->mods) {
        if (there)
            open_row(view, &row);
        return true;
    }
    if ((key->code == KEY_LEFT_ || key->code == KEY_RIGHT_) && !key->mods) {
        if (there && row.group && !row.entry &&
            row.group->folded == (key->code == KEY_RIGHT_))
            open_row(view, &row);
        return true;
    }
    if (key->code == KEY_ESC || key->code == KEY_TAB) {
        if (view->filter && key->code == KEY_ESC)
            pane_roster_filter(pane, NULL);
        else
            leave(view);
        return true;
    }
    return filter_key(view, key);
}

static void forget_contact(struct pane_roster *view, struct contact *contact)
{
    struct entry *entry = contact->ui;
    if (!entry)
        return;
    contact->ui = NULL;
    if (view->stale) /* all entries are about to be made anew */
        return;
    g_ptr_array_remove_fast(view->queued, entry);
    for (guint i = 0; i < entry->groups->len; i++) {
        struct group *group = entry->groups->pdata[i];
        guint at = find_place(view, group, entry);
        if (at < group->entries->len && group->entries->pdata[at] == entry)
            g_ptr_array_remove_index(group->entries, at);
        group->online -= entry->rank < RANK_OFFLINE;
    }
    view->stale = true; /* empty groups go; the owner list is made anew */
    entry->contact = NULL;
    entry->chat = NULL;
    g_ptr_array_remove_fast(view->entries, entry);
    if (view->matches)
        g_ptr_array_set_size(view->matches, 0);
}

static void on_event(struct pane *pane, const struct event *event)
{
    struct pane_roster *view = roster_of(pane);
    switch (event->type) {
    case EVENT_PRESENCE:
        if (event->contact && event->contact->ui && !view->stale)
            queue(view, event->contact->ui);
        else if (event->contact && is_listed(event->contact)) {
            view->stale = true;
            pane_dirty(pane);
        }
        break;
    case EVENT_ROSTER:
        if (event->contact && event->roster.removed)
            forget_contact(view, event->contact);
        view->stale = true;
        pane_dirty(pane);
        break;
    case EVENT_STATE: /* everybody goes offline with us */
    case EVENT_ROSTER_RESET:
    case EVENT_SUBSCRIPTION:
    case EVENT_ACCOUNT_ADDED:
    case EVENT_SYNCED:
        view->stale = true;
        pane_dirty(pane);
        break;
    case EVENT_CHAT_ADDED:
    case EVENT_CHAT_CHANGED:
        pane_dirty(pane);
        break;
    default:
        break;
    }
}

/* At once: what it points to is about to go. */
void pane_roster_reset(struct pane *pane)
{
    struct pane_roster *view = roster_of(pane);
    g_ptr_array_set_size(view->queued, 0);
    g_ptr_array_set_size(view->sections, 0);
    g_ptr_array_set_size(view->entries, 0);
    if (view->matches)
        g_ptr_array_set_size(view->matches, 0);
    const char *order = tui_option(pane->tui, "ui.roster.order");
    view->order = !strcmp(order, "name") ? ORDER_NAME
        : !strcmp(order, "activity")     ? ORDER_ACTIVITY
                                         : ORDER_PRESENCE;
    view->hide_offline = !tui_option_bool(pane->tui, "ui.roster.offline");
    view->stale = true;
    pane_dirty(pane);
}

void pane_roster_filter(struct pane *pane, const char *text)
{
    struct pane_roster *view = roster_of(pane);
    g_string_assign(view->typed, text ? text : "");
    set_filter(view);
}

static void destroy(struct pane *pane)
{
    struct pane_roster *view = roster_of(pane);
    g_ptr_array_free(view->queued, TRUE);
    g_ptr_array_free(view->sections, TRUE);
    g_ptr_array_free(view->entries, TRUE);
    g_ptr_array_free(view->matches, TRUE);
    g_hash_table_destroy(view->folded);
    g_string_free(view->typed, TRUE);
    g_free(view->filter);
    g_free(view);
}

static const struct pane_ops ops = { .name = "roster", .destroy = destroy,
    .draw = draw, .key = on_key, .event = on_event };

struct pane *pane_roster_new(struct tui *tui)
{
    struct pane_roster *view = g_new0(struct pane_roster, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    view->sections = g_ptr_array_new_with_free_func(section_free);
    view->entries = g_ptr_array_new_with_free_func(entry_free);
    view->queued = g_ptr_array_new();
    view->matches = g_ptr_array_new();
    view->folded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    view->typed = g_string_new(NULL);
    view->stale = true;
    return &view->pane;
}
