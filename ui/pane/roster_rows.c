/*
 * Every group is an array of entries kept in order. A change only queues its
 * entry; before the next drawing the queued ones are put where they belong,
 * many of them in one pass, so 50,000 contacts cost what 50 cost. All entries are kept by name as well: a filter walks along
 * their texts, which lie in that order in memory, and drops the matches into
 * buckets, best first, so that it never sorts.
 */
#include "config.h"
#include "ui/pane/roster_rows.h"
#include "ui/ui.h"
#include "base/text.h"
#include "model/account.h"
#include "store/option.h"
#include <string.h>

#define FOLDED "folded" /* section of the configuration */

enum { LABEL_BYTES = 1024, FEW = 16, MATCHES = 12, URGENCIES = 3, RANKS = RANK_OFFLINE + 1 };

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

const char *entry_label(const struct entry *entry)
{
    return entry->contact ? contact_label(entry->contact)
                          : account_display_name(entry->account, entry->chat->jid);
}

struct chat *entry_chat(const struct entry *entry)
{
    return entry->chat ? entry->chat : account_find_chat(entry->account, entry->contact->jid);
}

static int rank_of(const struct entry *entry)
{
    static const int ranks[] = { [SHOW_CHAT] = RANK_AVAILABLE, [SHOW_ONLINE] = RANK_AVAILABLE,
        [SHOW_DND] = 1, [SHOW_AWAY] = 2, [SHOW_XA] = 3, [SHOW_OFFLINE] = RANK_OFFLINE };
    return entry->contact ? ranks[contact_show(entry->contact)] : RANK_AVAILABLE;
}

/* ---- order ---- */

/* What the order depends on, as it is now. */
static void look_at(const struct rows *rows, struct entry *entry, const struct chat *chat)
{
    entry->unread = chat ? chat->unread : 0;
    entry->urgency = chat && chat->mentions ? 2 : entry->unread ? 1 : 0;
    entry->active = chat && rows->order == ORDER_ACTIVITY ? chat->active_us : 0;
    entry->rank = rank_of(entry);
    bool asks = entry->contact && entry->contact->pending_in;
    entry->hidden = !entry->urgency && !asks &&
        (rows->show == LIST_UNREAD ||
            (rows->show == LIST_AVAILABLE && entry->rank != RANK_AVAILABLE) ||
            (rows->show == LIST_ONLINE && entry->rank == RANK_OFFLINE));
}

static int compare(const struct rows *rows, const struct entry *a, const struct entry *b)
{
    if (a->hidden != b->hidden)
        return a->hidden - b->hidden;
    if (rows->unread_first && a->urgency != b->urgency)
        return a->urgency > b->urgency ? -1 : 1;
    if (a->active != b->active)
        return a->active > b->active ? -1 : 1;
    if (rows->order != ORDER_NAME && a->rank != b->rank)
        return a->rank - b->rank;
    return a == b ? 0 : a < b ? -1 : 1; /* by name */
}

static int compare_sort(gconstpointer a, gconstpointer b, gpointer rows)
{
    return compare(rows, *(struct entry *const *)a, *(struct entry *const *)b);
}

/* Where entry is or would be. */
static guint find_place(
    const struct rows *rows, const GPtrArray *entries, const struct entry *entry)
{
    guint low = 0, high = entries->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (compare(rows, entries->pdata[middle], entry) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void count_in(struct entry *entry, bool in)
{
    for (guint i = 0; i < entry->n_groups; i++) {
        struct group *group = entry->groups[i];
        guint one = in ? 1 : G_MAXUINT; /* that is -1 */
        group->online += entry->rank < RANK_OFFLINE ? one : 0;
        group->visible += entry->hidden ? 0 : one;
    }
}

static void leave_groups(struct rows *rows, struct entry *entry)
{
    for (guint i = 0; i < entry->n_groups; i++) {
        struct group *group = entry->groups[i];
        guint at = find_place(rows, group->entries, entry);
        if (at < group->entries->len && group->entries->pdata[at] == entry)
            g_ptr_array_remove_index(group->entries, at);
    }
    count_in(entry, false);
}

/* ---- building ---- */

static char *fold_name(const struct account *account, const char *group)
{
    return group ? g_strdup_printf("%s/%s", account->jid, group) : g_strdup(account->jid);
}

static bool is_folded(const struct rows *rows, const struct account *account, const char *group)
{
    g_autofree char *name = fold_name(account, group);
    return g_hash_table_contains(rows->folded, name);
}

static struct section *section_of(struct rows *rows, struct account *account)
{
    for (guint i = 0; i < rows->sections->len; i++) {
        struct section *section = rows->sections->pdata[i];
        if (section->account == account)
            return section;
    }
    struct section *section = g_new0(struct section, 1);
    section->account = account;
    section->groups = g_ptr_array_new_with_free_func(group_free);
    section->folded = is_folded(rows, account, NULL);
    g_ptr_array_add(rows->sections, section);
    return section;
}

static int group_rank(const char *name, bool special)
{
    return special ? 2 : name ? 0 : 1;
}

static struct group *group_of(
    struct rows *rows, struct section *section, const char *name, bool special)
{
    guint low = 0, high = section->groups->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        struct group *there = section->groups->pdata[middle];
        int order = group_rank(name, special) - group_rank(there->name, there->special);
        if (!order)
            order = g_strcmp0(name, there->name);
        if (!order)
            return there;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct group *group = g_new0(struct group, 1);
    group->section = section;
    group->name = g_strdup(name);
    group->special = special;
    group->entries = g_ptr_array_new();
    group->folded = is_folded(rows, section->account, name ? name : "");
    g_ptr_array_insert(section->groups, (int)low, group);
    return group;
}

/* Somebody to be listed, before the order of names is known. */
struct listed {
    guint64 prefix; /* first bytes of key: most comparisons end with them */
    char *key;
    const char *jid;
    struct account *account;
    struct contact *contact;
    struct chat *chat;
};

struct building {
    struct account *account;
    GArray *listed;
};

static void list(struct building *building, struct contact *contact, struct chat *chat)
{
    struct account *account = building->account;
    const char *label = contact ? contact_label(contact) : account_display_name(account, chat->jid);
    gsize len = strnlen(label, LABEL_BYTES + 1);
    g_autofree char *cut = len > LABEL_BYTES ? g_strndup(label, LABEL_BYTES) : NULL;
    struct listed one = { .key = text_fold(cut ? cut : label), .account = account,
        .contact = contact, .chat = chat, .jid = contact ? contact->jid : chat->jid };
    for (gsize i = 0; i < sizeof one.prefix && one.key[i]; i++)
        one.prefix |= (guint64)(guchar)one.key[i] << (8 * (sizeof one.prefix - 1 - i));
    g_array_append_val(building->listed, one);
}

static void list_contact(struct contact *contact, gpointer building)
{
    contact->ui = NULL;
    if (contact->in_roster || contact->pending_in)
        list(building, contact, NULL);
}

static void list_strangers(struct rows *rows, struct building *building)
{
    GPtrArray *windows = rows->tui->windows;
    for (guint i = 0; i < windows->len; i++) {
        struct chat *chat = ((const struct window *)windows->pdata[i])->chat;
        const struct contact *contact = chat && chat->kind == CHAT_CONTACT
            ? roster_find(chat->account->roster, chat->jid) : NULL;
        if (!chat || (contact && (contact->in_roster || contact->pending_in)))
            continue;
        building->account = chat->account;
        list(building, NULL, chat);
    }
}

static int compare_listed(gconstpointer a, gconstpointer b)
{
    const struct listed *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    int by_name = strcmp(x->key, y->key);
    return by_name ? by_name : strcmp(x->jid, y->jid);
}

static void keep(struct rows *rows, struct listed *listed, GString *text)
{
    struct entry entry = { .account = listed->account, .contact = listed->contact,
        .chat = listed->chat };
    g_string_assign(text, listed->key);
    g_string_append_c(text, '\0');
    g_string_append(text, listed->jid);
    entry.key = g_string_chunk_insert_len(rows->texts, text->str, (gssize)text->len);
    entry.jid = entry.key + strlen(listed->key) + 1;
    g_free(listed->key);
    g_array_append_val(rows->entries, entry);
}

static void member_of(struct rows *rows, struct entry *entry, struct group *group)
{
    g_ptr_array_add(rows->memberships, group);
    entry->n_groups++;
}

static void find_groups(struct rows *rows, struct entry *entry)
{
    struct section *section = section_of(rows, entry->account);
    char **groups = entry->contact ? entry->contact->groups : NULL;
    if (!entry->contact)
        member_of(rows, entry, group_of(rows, section,
            entry->chat->kind == CHAT_ROOM ? _("Rooms") : _("Not in the list"), true));
    else if (!groups || !*groups)
        member_of(rows, entry, group_of(rows, section, NULL, false));
    for (char **name = groups; name && *name; name++)
        member_of(rows, entry, group_of(rows, section, *name, false));
}

static struct entry *entry_at(const struct rows *rows, guint index)
{
    return &g_array_index(rows->entries, struct entry, index);
}

/* Few have a conversation: those are looked up, not everybody's. */
static void look_at_chats(struct rows *rows)
{
    for (guint i = 0; i < rows->tui->app->accounts->len; i++) {
        struct account *account = rows->tui->app->accounts->pdata[i];
        GHashTableIter iter;
        gpointer chat;
        g_hash_table_iter_init(&iter, account->chats);
        while (g_hash_table_iter_next(&iter, NULL, &chat)) {
            struct entry *entry = rows_entry(rows, account, ((struct chat *)chat)->jid);
            if (entry)
                look_at(rows, entry, chat);
        }
    }
}

static void clear(struct rows *rows)
{
    g_ptr_array_set_size(rows->found, 0);
    g_ptr_array_set_size(rows->matches, 0);
    g_ptr_array_set_size(rows->queued, 0);
    g_ptr_array_set_size(rows->sections, 0);
    g_array_set_size(rows->entries, 0);
    g_ptr_array_set_size(rows->memberships, 0);
    g_hash_table_remove_all(rows->strangers);
    g_string_chunk_clear(rows->texts);
}

static void list_all(struct rows *rows)
{
    struct building building = { NULL, g_array_new(FALSE, FALSE, sizeof(struct listed)) };
    GPtrArray *accounts = rows->tui->app->accounts;
    for (guint i = 0; i < accounts->len; i++) {
        building.account = accounts->pdata[i];
        section_of(rows, building.account);
        roster_foreach(building.account->roster, list_contact, &building);
    }
    list_strangers(rows, &building);
    g_array_sort(building.listed, compare_listed);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < building.listed->len; i++)
        keep(rows, &g_array_index(building.listed, struct listed, i), text);
    g_array_free(building.listed, TRUE);
}

/* Members join their groups in the order of the list. */
static void join_groups(struct rows *rows)
{
    g_autoptr(GPtrArray) order = g_ptr_array_sized_new(rows->entries->len);
    for (guint i = 0; i < rows->entries->len; i++)
        g_ptr_array_add(order, entry_at(rows, i));
    g_ptr_array_sort_with_data(order, compare_sort, rows);
    for (guint i = 0; i < order->len; i++) {
        struct entry *entry = order->pdata[i];
        for (guint k = 0; k < entry->n_groups; k++)
            g_ptr_array_add(entry->groups[k]->entries, entry);
        count_in(entry, true);
    }
}

static void build(struct rows *rows)
{
    clear(rows);
    list_all(rows);
    for (guint i = 0; i < rows->entries->len; i++) {
        struct entry *entry = entry_at(rows, i);
        if (entry->contact)
            entry->contact->ui = entry;
        else
            g_hash_table_insert(rows->strangers, entry->chat, entry);
        find_groups(rows, entry);
        look_at(rows, entry, NULL);
    }
    struct group **groups = (struct group **)rows->memberships->pdata;
    for (guint i = 0; i < rows->entries->len; i++) {
        entry_at(rows, i)->groups = groups;
        groups += entry_at(rows, i)->n_groups;
    }
    look_at_chats(rows);
    join_groups(rows);
    rows->stale = false;
    rows->rematch = true;
    rows->narrower = false;
}

void rows_reset(struct rows *rows)
{
    clear(rows);
    rows->stale = true;
}

/* ---- filter ---- */

/* 0 is best; MATCHES: none. An address counts where the text stands in it as
 * it is: a few letters in order are in every address. */
static guint match(const char *needle, const struct entry *entry)
{
    int score = text_fuzzy_folded(needle, entry->key);
    if (score < 400) {
        const char *hit = strstr(entry->jid, needle);
        score = MAX(score, hit == entry->jid ? 650 : hit ? 350 : -1);
    }
    return score < 0 ? MATCHES : (guint)(MATCHES - 1 - MIN(score / 100, MATCHES - 1));
}

static guint bucket_of(const struct rows *rows, const struct entry *entry, guint how)
{
    guint rank = rows->order == ORDER_NAME ? 0 : (guint)entry->rank;
    if (rows->order == ORDER_ACTIVITY)
        rank = entry->active ? 0 : 1;
    guint calm = rows->unread_first ? URGENCIES - 1 - entry->urgency : 0;
    return (how * URGENCIES + calm) * RANKS + rank;
}

static void rematch(struct rows *rows)
{
    enum { BUCKETS = MATCHES * URGENCIES * RANKS };
    guint start[BUCKETS + 1] = { 0 };
    guint from = rows->narrower ? rows->found->len : rows->entries->len, count = 0;
    bool narrower = rows->narrower && rows->filter;
    rows->rematch = rows->narrower = false;
    g_ptr_array_set_size(rows->matches, 0);
    if (!rows->filter)
        return;
    g_autofree guint16 *buckets = g_new(guint16, from + 1);
    g_ptr_array_set_size(rows->found, (int)from);
    for (guint i = 0; i < from; i++) {
        struct entry *entry = narrower ? rows->found->pdata[i] : entry_at(rows, i);
        guint how = match(rows->filter, entry);
        if (how >= MATCHES)
            continue;
        buckets[count] = (guint16)bucket_of(rows, entry, how);
        start[buckets[count] + 1]++;
        rows->found->pdata[count++] = entry;
    }
    g_ptr_array_set_size(rows->found, (int)count);
    g_ptr_array_set_size(rows->matches, (int)count);
    for (gsize i = 1; i <= BUCKETS; i++)
        start[i] += start[i - 1];
    gpointer *matches = rows->matches->pdata;
    guint at[BUCKETS];
    memcpy(at, start, sizeof at);
    for (guint i = 0; i < count; i++)
        matches[at[buckets[i]]++] = rows->found->pdata[i];
    /* The few one has talked with, latest first. */
    for (guint b = 0; rows->order == ORDER_ACTIVITY && b < BUCKETS; b += RANKS)
        if (start[b + 1] - start[b] > 1)
            g_qsort_with_data(&matches[start[b]], (int)(start[b + 1] - start[b]),
                sizeof *matches, compare_sort, rows);
}

void rows_filter(struct rows *rows, const char *text)
{
    g_autofree char *before = g_steal_pointer(&rows->filter);
    rows->filter = *text ? text_fold(text) : NULL;
    rows->narrower = rows->filter && before && !rows->rematch &&
        g_str_has_prefix(rows->filter, before);
    rows->rematch = true;
}

/* ---- changes ---- */

static void touch(struct rows *rows, struct entry *entry)
{
    if (rows->stale || entry->queued)
        return;
    entry->queued = true;
    g_ptr_array_add(rows->queued, entry);
}

static bool keeps_place(const struct rows *rows, const struct contact *contact)
{
    const struct entry *entry = rows->stale ? NULL : contact->ui;
    char **groups = contact->groups;
    guint n = groups ? g_strv_length(groups) : 0;
    if (!entry || !(contact->in_roster || contact->pending_in) || entry->n_groups != MAX(n, 1))
        return false;
    for (guint i = 0; i < entry->n_groups; i++)
        if (g_strcmp0(entry->groups[i]->name, n ? groups[i] : NULL) != 0)
            return false;
    g_autofree char *key = text_fold(contact_label(contact));
    return !strcmp(key, entry->key) && !strcmp(contact->jid, entry->jid);
}

/* Another name or other groups: everything is built anew. A subscription that
 * changes is no reason. */
void rows_change_contact(struct rows *rows, struct contact *contact)
{
    if (keeps_place(rows, contact))
        touch(rows, contact->ui);
    else
        rows->stale = true;
}

void rows_touch_contact(struct rows *rows, struct contact *contact)
{
    if (contact->ui)
        touch(rows, contact->ui);
    else if (contact->in_roster || contact->pending_in)
        rows->stale = true;
}

void rows_touch_chat(struct rows *rows, struct chat *chat)
{
    struct entry *entry = g_hash_table_lookup(rows->strangers, chat);
    const struct contact *contact = entry || chat->kind != CHAT_CONTACT
        ? NULL : roster_find(chat->account->roster, chat->jid);
    if (contact)
        entry = contact->ui;
    if (entry)
        touch(rows, entry);
}

void rows_forget(struct rows *rows, struct contact *contact)
{
    struct entry *entry = contact->ui;
    contact->ui = NULL;
    if (!entry || rows->stale) /* all entries are about to be made anew */
        return;
    rows_reset(rows);
}

/* Looks at an entry again; false: it stays where it is. */
static bool has_moved(struct rows *rows, struct entry *entry, struct entry *now)
{
    *now = *entry;
    look_at(rows, now, entry_chat(entry));
    now->queued = false;
    if (now->hidden != entry->hidden || now->urgency != entry->urgency ||
        now->rank != entry->rank || now->active != entry->active)
        return true;
    *entry = *now;
    return false;
}

static void move_one(struct rows *rows, struct entry *entry, const struct entry *now)
{
    leave_groups(rows, entry);
    *entry = *now;
    count_in(entry, true);
    for (guint i = 0; i < entry->n_groups; i++) {
        struct group *group = entry->groups[i];
        g_ptr_array_insert(group->entries, (int)find_place(rows, group->entries, entry), entry);
    }
}

/* Those that move are taken out in one pass and merged in again from behind. */
static void merge(struct rows *rows, struct group *group)
{
    GPtrArray *all = group->entries, *in = group->incoming;
    guint kept = 0;
    for (guint i = 0; i < all->len; i++) {
        const struct entry *entry = all->pdata[i];
        if (!entry->moving)
            all->pdata[kept++] = all->pdata[i];
    }
    g_ptr_array_set_size(all, (int)kept);
    g_autofree guint *places = g_new(guint, in->len);
    for (guint i = 0; i < in->len; i++)
        places[i] = find_place(rows, all, in->pdata[i]);
    g_ptr_array_set_size(all, (int)(kept + in->len));
    for (guint i = in->len, end = kept; i-- > 0; end = places[i]) {
        memmove(&all->pdata[places[i] + i + 1], &all->pdata[places[i]],
            (end - places[i]) * sizeof *all->pdata);
        all->pdata[places[i] + i] = in->pdata[i];
    }
    g_clear_pointer(&group->incoming, g_ptr_array_unref);
}

static void move_many(struct rows *rows, GPtrArray *moving)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    g_ptr_array_sort_with_data(moving, compare_sort, rows);
    for (guint i = 0; i < moving->len; i++) {
        struct entry *entry = moving->pdata[i];
        for (guint k = 0; k < entry->n_groups; k++) {
            struct group *group = entry->groups[k];
            if (!group->incoming) {
                group->incoming = g_ptr_array_new();
                g_ptr_array_add(groups, group);
            }
            g_ptr_array_add(group->incoming, entry);
        }
    }
    for (guint i = 0; i < groups->len; i++)
        merge(rows, groups->pdata[i]);
    for (guint i = 0; i < moving->len; i++)
        ((struct entry *)moving->pdata[i])->moving = false;
}

void rows_settle(struct rows *rows)
{
    if (rows->stale)
        build(rows);
    g_autoptr(GPtrArray) moving = g_ptr_array_new();
    bool few = rows->queued->len <= FEW;
    struct entry now;
    for (guint i = 0; i < rows->queued->len; i++) {
        struct entry *entry = rows->queued->pdata[i];
        if (!has_moved(rows, entry, &now))
            continue;
        rows->rematch = rows->filter != NULL;
        if (few) {
            move_one(rows, entry, &now);
            continue;
        }
        count_in(entry, false);
        *entry = now;
        count_in(entry, true);
        entry->moving = true;
        g_ptr_array_add(moving, entry);
    }
    g_ptr_array_set_size(rows->queued, 0);
    if (moving->len)
        move_many(rows, moving);
    if (rows->rematch)
        rematch(rows);
}

void rows_fold(struct rows *rows, const struct row *row, bool folded)
{
    if (row->group)
        row->group->folded = folded;
    else
        row->section->folded = folded;
    const char *group = !row->group ? NULL : row->group->name ? row->group->name : "";
    g_autofree char *name = fold_name(row->section->account, group);
    if (folded)
        g_hash_table_add(rows->folded, g_strdup(name));
    else
        g_hash_table_remove(rows->folded, name);
    struct options *options = rows->tui->app->options;
    if (options)
        options_section_set(options, FOLDED, name, folded ? "on" : NULL, NULL);
}

/* ---- rows ---- */

static bool shows_accounts(const struct rows *rows)
{
    return rows->sections->len > 1;
}

static guint group_rows(const struct rows *rows, const struct group *group)
{
    if (!group->visible && rows->show != LIST_ALL)
        return 0;
    return group->folded ? 1 : 1 + group->visible;
}

static guint section_rows(const struct rows *rows, const struct section *section)
{
    guint count = shows_accounts(rows);
    if (count && section->folded)
        return count;
    for (guint k = 0; k < section->groups->len; k++)
        count += group_rows(rows, section->groups->pdata[k]);
    return count;
}

guint rows_count(const struct rows *rows)
{
    if (rows->filter)
        return rows->matches->len;
    guint count = 0;
    for (guint i = 0; i < rows->sections->len; i++)
        count += section_rows(rows, rows->sections->pdata[i]);
    return count;
}

static bool match_at(const struct rows *rows, struct row *row)
{
    if (row->e >= rows->matches->len)
        return false;
    row->entry = rows->matches->pdata[row->e];
    return true;
}

bool rows_at(const struct rows *rows, guint index, struct row *row)
{
    *row = (struct row){ .e = index };
    if (rows->filter)
        return match_at(rows, row);
    for (; row->s < rows->sections->len; row->s++) {
        row->section = rows->sections->pdata[row->s];
        guint count = section_rows(rows, row->section);
        if (index >= count) {
            index -= count;
            continue;
        }
        if (shows_accounts(rows) && index-- == 0)
            return true;
        for (row->g = 0;; row->g++) {
            struct group *group = row->section->groups->pdata[row->g];
            count = group_rows(rows, group);
            if (index < count) {
                row->group = group;
                row->e = index;
                row->entry = index ? group->entries->pdata[index - 1] : NULL;
                return true;
            }
            index -= count;
        }
    }
    return false;
}

/* The one below; for drawing, which must not count from the top every time. */
bool rows_next(const struct rows *rows, struct row *row)
{
    row->e++;
    if (rows->filter)
        return match_at(rows, row);
    if (row->group && row->e < group_rows(rows, row->group)) {
        row->entry = row->group->entries->pdata[row->e - 1];
        return true;
    }
    guint g = row->group ? row->g + 1 : 0;
    bool folded = !row->group && row->section->folded;
    row->entry = NULL;
    for (; !folded && g < row->section->groups->len; g++) {
        struct group *group = row->section->groups->pdata[g];
        if (!group_rows(rows, group))
            continue;
        row->group = group;
        row->g = g;
        row->e = 0;
        return true;
    }
    while (++row->s < rows->sections->len) {
        row->section = rows->sections->pdata[row->s];
        row->group = NULL;
        if (shows_accounts(rows))
            return true;
    }
    return false;
}

struct entry *rows_entry(const struct rows *rows, struct account *account, const char *jid)
{
    const struct contact *contact = roster_find(account->roster, jid);
    if (contact && contact->ui)
        return contact->ui;
    const struct chat *chat = account_find_chat(account, jid);
    return chat ? g_hash_table_lookup(rows->strangers, chat) : NULL;
}

gint64 rows_index_of_group(const struct rows *rows, const struct group *group)
{
    gint64 index = 0;
    for (guint i = 0; i < rows->sections->len; i++) {
        const struct section *section = rows->sections->pdata[i];
        if (section != group->section) {
            index += section_rows(rows, section);
            continue;
        }
        if (shows_accounts(rows) && section->folded)
            return -1;
        index += shows_accounts(rows);
        for (guint k = 0; section->groups->pdata[k] != group; k++)
            index += group_rows(rows, section->groups->pdata[k]);
        return group_rows(rows, group) ? index : -1;
    }
    return -1;
}

gint64 rows_index(const struct rows *rows, const struct entry *entry)
{
    if (rows->filter) {
        guint at;
        return g_ptr_array_find(rows->matches, entry, &at) ? (gint64)at : -1;
    }
    for (guint i = 0; !entry->hidden && i < entry->n_groups; i++) {
        const struct group *group = entry->groups[i];
        gint64 index = group->folded ? -1 : rows_index_of_group(rows, group);
        if (index >= 0)
            return index + 1 + find_place(rows, group->entries, entry);
    }
    return -1;
}

struct rows *rows_new(struct tui *tui)
{
    struct rows *rows = g_new0(struct rows, 1);
    rows->tui = tui;
    rows->sections = g_ptr_array_new_with_free_func(section_free);
    rows->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    rows->memberships = g_ptr_array_new();
    rows->found = g_ptr_array_new();
    rows->queued = g_ptr_array_new();
    rows->matches = g_ptr_array_new();
    rows->strangers = g_hash_table_new(NULL, NULL);
    rows->folded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    rows->texts = g_string_chunk_new(64 * 1024);
    rows->stale = true;
    g_auto(GStrv) names = tui->app->options
        ? options_section_keys(tui->app->options, FOLDED) : NULL;
    for (char **name = names; name && *name; name++)
        g_hash_table_add(rows->folded, g_strdup(*name));
    return rows;
}

void rows_free(struct rows *rows)
{
    g_ptr_array_free(rows->matches, TRUE);
    g_ptr_array_free(rows->queued, TRUE);
    g_ptr_array_free(rows->sections, TRUE);
    g_array_free(rows->entries, TRUE);
    g_ptr_array_free(rows->memberships, TRUE);
    g_ptr_array_free(rows->found, TRUE);
    g_hash_table_destroy(rows->strangers);
    g_hash_table_destroy(rows->folded);
    g_string_chunk_free(rows->texts);
    g_free(rows->filter);
    g_free(rows);
}
