/*
 * The contact list: roster_rows.c knows what stands in it, this file draws
 * the rows that are seen, and turns keys, clicks and its menu into command
 * lines. The cursor stays with its contact when the order changes.
 */
#include "config.h"
#include "ui/ui.h"
#include "ui/pane/roster_rows.h"
#include "ui/picture/pictures.h"
#include "base/text.h"
#include "model/account.h"
#include "store/option.h"
#include "ui/dialog/menu.h"
#include <stdlib.h>
#include <string.h>

enum { WHEEL_ROWS = 3, TYPED_MAX = 200, NAME_MAX_BYTES = 1023 };

struct pane_roster {
    struct pane pane;
    struct rows *rows;
    int top, cursor;
    GString *typed;          /* the filter as typed */
    struct account *account; /* the row under the cursor: whose … */
    char *jid;               /* … contact; NULL: a heading */
    GString *renaming;       /* the new name of that contact; NULL */
};

static struct pane_roster *roster_of(struct pane *pane)
{
    return (struct pane_roster *)pane;
}

/* ---- the cursor ---- */

static void hold(struct pane_roster *view)
{
    struct row row;
    g_clear_pointer(&view->jid, g_free);
    if (!rows_at(view->rows, (guint)view->cursor, &row) || !row.entry)
        return;
    view->account = row.entry->account;
    view->jid = g_strdup(row.entry->jid);
}

/* The order may have changed under it. */
static void settle(struct pane_roster *view)
{
    struct rows *rows = view->rows;
    bool moved = rows->stale || rows->queued->len || rows->rematch;
    rows_settle(rows);
    bool known = view->jid && g_ptr_array_find(view->pane.tui->app->accounts, view->account, NULL);
    const struct entry *entry = moved && known ? rows_entry(rows, view->account, view->jid) : NULL;
    gint64 index = entry ? rows_index(rows, entry) : -1;
    if (index >= 0)
        view->cursor = (int)index;
    else if (moved && view->renaming) {
        g_string_free(view->renaming, TRUE);
        view->renaming = NULL;
    }
}

static void go_to(struct pane_roster *view, gint64 index)
{
    view->cursor = (int)CLAMP(index, 0, MAX((gint64)rows_count(view->rows) - 1, 0));
    hold(view);
    pane_dirty(&view->pane);
}

const struct rows *pane_roster_rows(struct pane *pane)
{
    struct pane_roster *view = roster_of(pane);
    settle(view);
    return view->rows;
}

static bool row_at_cursor(struct pane_roster *view, struct row *row)
{
    settle(view);
    return rows_at(view->rows, (guint)view->cursor, row);
}

/* ---- drawing ---- */

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

static void draw_renaming(const struct pane_roster *view, struct area area, int y)
{
    area = area_sub(area, 3, y, area.cols - 4, 1);
    const char *text = view->renaming->str;
    while (text_width(text, -1) >= area.cols && *text) /* the end is what one sees */
        text = g_utf8_next_char(text);
    area_clear(area, style_of(ROLE_FIELD_ACTIVE));
    int x = grid_text(area, 0, 0, -1, style_of(ROLE_FIELD_ACTIVE), text);
    grid_cursor(area, MIN(x, area.cols - 1), 0);
}

static void draw_entry(struct pane_roster *view, struct area area, int y,
    const struct entry *entry, bool cursor)
{
    const struct chat *chat = entry_chat(entry);
    bool open = chat && window_current(view->pane.tui)->chat == chat;
    enum role ground = cursor ? ROLE_SELECTED : open ? ROLE_ROSTER_OPEN : ROLE_TEXT;
    area_clear(area_sub(area, 0, y, area.cols, 1), style_of(ground));
    struct shape shape = shape_of(entry);
    grid_mark(area, 1, y, style_on(style_of(shape.role), ground), shape.mark);
    if (cursor && view->renaming) {
        draw_renaming(view, area, y);
        return;
    }
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
    grid_text_fit(area, 3, y, edge - width - 4, style, entry_label(entry));
}

/* The unread ones stand first. */
static guint unread_in(const struct pane_roster *view, const struct group *group)
{
    guint unread = 0;
    for (guint i = 0; i < group->entries->len; i++) {
        const struct entry *entry = group->entries->pdata[i];
        if (!entry->urgency && view->rows->unread_first)
            break;
        unread += entry->unread;
    }
    return unread;
}

static void draw_group(const struct pane_roster *view, struct area area, int y,
    const struct group *group, bool cursor)
{
    enum role ground = cursor ? ROLE_SELECTED : ROLE_TEXT;
    style_t style = cursor ? style_of(ROLE_SELECTED) : style_of(ROLE_ROSTER_GROUP);
    area_clear(area_sub(area, 0, y, area.cols, 1), style_of(ground));
    grid_mark(area, 1, y, style, group->folded ? MARK_FOLDED : MARK_OPEN);
    char count[32] = "";
    enum role role = ROLE_DIM;
    guint unread = group->folded ? unread_in(view, group) : 0;
    if (unread) {
        g_snprintf(count, sizeof count, "%u", MIN(unread, 999u));
        role = ROLE_UNREAD;
    } else if (!group->special)
        g_snprintf(count, sizeof count, "%u/%u", group->online, group->entries->len);
    int width = (int)strlen(count);
    grid_text(area, area.cols - 1 - width, y, width, style_on(style_of(role), ground), count);
    grid_text_fit(area, 3, y, area.cols - 5 - width, style,
        group->name ? group->name : _("Contacts"));
}

static void draw_account(struct area area, int y, const struct section *section, bool cursor)
{
    style_t style = style_of(cursor ? ROLE_SELECTED : ROLE_ROSTER_ACCOUNT);
    bool online = section->account->state == STATE_ONLINE;
    grid_mark(area, 0, y, style_of(online ? ROLE_ONLINE : ROLE_OFFLINE),
        section->folded ? MARK_FOLDED : online ? MARK_ONLINE : MARK_OFFLINE);
    grid_text_fit(area, 2, y, area.cols - 3, style, section->account->jid);
}

static const char *const show_words[] = { "all", "online", "available", "unread" };

/* The filter as it is typed, or which contacts are left out. */
static bool draw_head(struct pane_roster *view, struct area area)
{
    static const char *const shown[] = { NULL, N_("only who is online"),
        N_("only who is available"), N_("only what is unread") };
    area = area_sub(area, 0, 0, area.cols, 1);
    if (!view->typed->len) {
        const char *text = shown[view->rows->show];
        if (text)
            grid_text_fit(area, 1, 0, area.cols - 2, style_of(ROLE_DIM), _(text));
        return text;
    }
    area_clear(area, style_of(ROLE_FIELD));
    int x = 1 + grid_text(area, 1, 0, -1, style_of(ROLE_FIELD), "/");
    x += grid_text(area, x, 0, area.cols - x - 1, style_of(ROLE_FIELD_ACTIVE), view->typed->str);
    if (view->pane.focused)
        grid_cursor(area, x, 0);
    return true;
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

/* Of whom is in front, below the last row. */
static void draw_face(struct tui *tui, struct area area, int rows)
{
    const struct chat *chat = window_current(tui)->chat;
    if (chat && chat->kind == CHAT_CONTACT)
        pictures_draw_face(tui, chat->account, chat->jid,
            area_sub(area, 0, rows + 1, area.cols - 1, area.rows - rows - 1));
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_roster *view = roster_of(pane);
    settle(view);
    area_clear(area, style_of(ROLE_TEXT));
    if (draw_head(view, area))
        area = area_sub(area, 0, 1, area.cols, area.rows - 1);
    int count = (int)MIN(rows_count(view->rows), (guint)G_MAXINT / 2);
    view->cursor = CLAMP(view->cursor, 0, MAX(count - 1, 0));
    if (pane->focused)
        view->top = CLAMP(view->top, view->cursor - area.rows + 1, view->cursor);
    view->top = CLAMP(view->top, 0, MAX(count - area.rows, 0));
    if (!count && !view->rows->filter && view->rows->show == LIST_ALL &&
        pane->tui->app->accounts->len)
        draw_nobody(area);
    struct row row;
    bool more = rows_at(view->rows, (guint)view->top, &row);
    draw_face(pane->tui, area, count - view->top);
    for (int y = 0; more && y < area.rows; y++, more = rows_next(view->rows, &row)) {
        bool cursor = pane->focused && view->top + y == view->cursor;
        if (row.entry)
            draw_entry(view, area, y, row.entry, cursor);
        else if (row.group)
            draw_group(view, area, y, row.group, cursor);
        else
            draw_account(area, y, row.section, cursor);
    }
}

/* ---- what can be done with a row ---- */

static void leave(struct pane_roster *view)
{
    layout_focus(view->pane.tui, view->pane.tui->leaf);
}

static void open_row(struct pane_roster *view, const struct row *row)
{
    struct tui *tui = view->pane.tui;
    const struct entry *entry = row->entry;
    if (!entry) {
        rows_fold(view->rows, row, !(row->group ? row->group->folded : row->section->folded));
        pane_dirty(&view->pane);
        return;
    }
    struct chat *chat = entry_chat(entry);
    if (chat)
        window_show(tui, window_open(tui, chat));
    else {
        g_autofree char *account = tui_quote(entry->account->jid);
        g_autofree char *jid = tui_quote(entry->contact->jid);
        tui_runf(tui, "/msg -a %s %s", account, jid);
    }
    pane_roster_filter(&view->pane, NULL);
    leave(view);
}

enum act { ACT_NONE, ACT_OPEN, ACT_RENAME, ACT_MOVE, ACT_NOTE, ACT_EDIT, ACT_ADD, ACT_ASK,
    ACT_INFO, ACT_BLOCK, ACT_REMOVE, ACT_FOLD, ACT_ORDER, ACT_SHOW };

static const struct act_row {
    enum act act;
    char letter;
    const char *key, *key_too, *label;
    const char *command;     /* /COMMAND -a ACCOUNT JID; NULL: done here */
    bool contact;            /* for somebody in the roster */
} act_rows[] = {
    { ACT_OPEN, 'o', NULL, NULL, N_("Open"), NULL, false },
    { ACT_RENAME, 'r', "C-r", NULL, N_("Rename"), NULL, true },
    { ACT_MOVE, 'm', "C-g", NULL, N_("Move to group"), NULL, true },
    { ACT_NOTE, 'n', NULL, NULL, N_("Note"), NULL, true },
    { ACT_EDIT, 'e', "C-e", NULL, N_("Edit"), NULL, true },
    { ACT_ASK, 's', "C-s", NULL, N_("Ask to see their presence"), "/sub request", false },
    { ACT_INFO, 'i', "C-o", NULL, N_("Information"), "/info", false },
    { ACT_BLOCK, 'b', "C-b", NULL, N_("Block"), "/block", false },
    { ACT_REMOVE, 'd', "Delete", NULL, N_("Remove"), "/roster remove", true },
    { ACT_FOLD, 'f', NULL, NULL, N_("Fold or unfold"), NULL, false },
    { ACT_ADD, 'a', "C-n", "Insert", N_("Add a contact"), NULL, false },
    { ACT_ORDER, 't', "C-t", NULL, N_("Other order"), NULL, false },
    { ACT_SHOW, 'w', "C-f", NULL, N_("Show others"), NULL, false },
};

/* A contact as a menu or a dialog keeps it: it may go in the meantime. */
struct target {
    char *account, *jid;
};

static void target_free(gpointer data)
{
    struct target *target = data;
    g_free(target->account);
    g_free(target->jid);
    g_free(target);
}

static struct target *target_of(const struct entry *entry)
{
    struct target *target = g_new0(struct target, 1);
    target->account = g_strdup(entry->account->jid);
    target->jid = g_strdup(entry->jid);
    return target;
}

/* COMMAND -a ACCOUNT JID REST */
static void run_for(struct tui *tui, const struct target *target, const char *command,
    const char *rest)
{
    g_autofree char *account = tui_quote(target->account);
    g_autofree char *jid = tui_quote(target->jid);
    g_autofree char *line = g_strdup_printf("%s -a %s %s%s%s", command, account, jid,
        rest ? " " : "", rest ? rest : "");
    tui_run_shown(tui, line);
}

static void on_group_name(struct tui *tui, const char *text, gpointer data)
{
    g_autofree char *name = tui_quote(text);
    if (*text)
        run_for(tui, data, "/roster group move", name);
}

enum { GROUP_NONE = -1, GROUP_NEW = -2 };

static void on_group(struct tui *tui, int id, const char *label, gpointer data)
{
    struct target *target = data;
    g_autofree char *name = tui_quote(label);
    if (id != GROUP_NEW) {
        run_for(tui, target, "/roster group move", id == GROUP_NONE ? NULL : name);
        return;
    }
    struct target *copy = g_new0(struct target, 1);
    *copy = (struct target){ g_strdup(target->account), g_strdup(target->jid) };
    dialog_prompt(tui, _("New group"), _("Name"), "", on_group_name, copy, target_free);
}

static void menu_at_cursor(struct pane_roster *view, int *x, int *y)
{
    bool head = view->typed->len || view->rows->show != LIST_ALL;
    *x = view->pane.x + 4;
    *y = view->pane.y + view->cursor - view->top + 1 + head;
}

static void open_groups(struct pane_roster *view, const struct entry *entry)
{
    int x, y;
    menu_at_cursor(view, &x, &y);
    struct menu *menu = menu_open(view->pane.tui, _("Move to group"), x, y, on_group,
        target_of(entry), target_free);
    for (guint i = 0; i < view->rows->sections->len; i++) {
        const struct section *section = view->rows->sections->pdata[i];
        for (guint k = 0; section->account == entry->account && k < section->groups->len; k++) {
            const struct group *group = section->groups->pdata[k];
            if (group->name && !group->special)
                menu_add(menu, (int)k, 0, group->name);
        }
    }
    menu_add(menu, GROUP_NEW, '+', _("A new group"));
    menu_add(menu, GROUP_NONE, '-', _("No group"));
}

static void on_note(struct tui *tui, const char *text, gpointer data)
{
    run_for(tui, data, "/roster note", *text ? text : "-");
}

static void open_note(struct pane_roster *view, const struct entry *entry)
{
    struct tui *tui = view->pane.tui;
    g_autofree char *note = tui->app->options
        ? options_section_get(tui->app->options, "notes", entry->jid) : NULL;
    dialog_prompt(tui, _("Note"), entry_label(entry), note ? note : "", on_note,
        target_of(entry), target_free);
}

static void set_next(struct pane_roster *view, const char *option, const char *const *words,
    guint count)
{
    struct tui *tui = view->pane.tui;
    const char *now = tui_option(tui, option);
    guint at = 0;
    while (at < count && strcmp(words[at], now) != 0)
        at++;
    if (tui->app->options)
        options_set(tui->app->options, NULL, option, words[(at + 1) % count], false, NULL);
}

static void act(struct pane_roster *view, const struct act_row *what, const struct row *row)
{
    static const char *const orders[] = { "presence", "name", "activity" };
    struct tui *tui = view->pane.tui;
    const struct entry *entry = row->entry;
    bool in_roster = entry && entry->contact && entry->contact->in_roster;
    if (what->act == ACT_ORDER)
        set_next(view, "ui.roster.order", orders, G_N_ELEMENTS(orders));
    else if (what->act == ACT_SHOW)
        set_next(view, "ui.roster.show", show_words, G_N_ELEMENTS(show_words));
    else if (what->act == ACT_ADD || (entry && what->contact && !in_roster))
        dialog_contact(tui, entry && !in_roster ? entry->account : NULL,
            entry && !in_roster ? entry->jid : NULL);
    else if (what->act == ACT_FOLD || what->act == ACT_OPEN)
        open_row(view, row);
    else if (!entry)
        return;
    else if (what->command) {
        struct target *target = target_of(entry);
        run_for(tui, target, what->command, NULL);
        target_free(target);
    } else if (what->act == ACT_EDIT)
        dialog_contact(tui, entry->account, entry->jid);
    else if (what->act == ACT_MOVE)
        open_groups(view, entry);
    else if (what->act == ACT_NOTE)
        open_note(view, entry);
    else if (what->act == ACT_RENAME) {
        view->renaming = g_string_new(entry->contact->name ? entry->contact->name : "");
        hold(view);
    }
    pane_dirty(&view->pane);
}

static void on_menu(struct tui *tui, int id, const char *label, gpointer data)
{
    struct pane_roster *view = roster_of(tui->roster);
    const struct target *target = data;
    struct row row;
    (void)label;
    if (!row_at_cursor(view, &row))
        row = (struct row){ 0 };
    /* Still the one it was opened for? */
    const char *jid = row.entry ? row.entry->jid : "";
    if (strcmp(jid, target->jid) != 0 ||
        (row.entry && strcmp(row.entry->account->jid, target->account) != 0))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(act_rows); i++)
        if ((int)act_rows[i].act == id)
            act(view, &act_rows[i], &row);
}

void pane_roster_menu(struct pane *pane)
{
    struct pane_roster *view = roster_of(pane);
    struct row row;
    int x, y;
    bool there = row_at_cursor(view, &row);
    const struct entry *entry = there ? row.entry : NULL;
    bool in_roster = entry && entry->contact && entry->contact->in_roster;
    struct target *target = entry ? target_of(entry) : g_new0(struct target, 1);
    if (!target->jid)
        target->jid = g_strdup("");
    menu_at_cursor(view, &x, &y);
    struct menu *menu = menu_open(pane->tui,
        entry                ? entry_label(entry)
            : there && row.group ? (row.group->name ? row.group->name : _("Contacts"))
                                 : _("Contacts"),
        x, y, on_menu, target, target_free);
    for (gsize i = 0; i < G_N_ELEMENTS(act_rows); i++) {
        const struct act_row *what = &act_rows[i];
        bool general = what->act == ACT_ADD || what->act == ACT_ORDER || what->act == ACT_SHOW;
        bool fits = general || (what->act == ACT_FOLD ? there && !entry
                                                      : entry && (in_roster || !what->contact));
        if (fits)
            menu_add(menu, (int)what->act, what->letter, _(what->label));
    }
}

/* ---- keys ---- */

static bool action_key(struct pane_roster *view, const struct key *key)
{
    struct row row = { 0 };
    struct key wanted;
    bool there = row_at_cursor(view, &row);
    if (key->code == KEY_CHAR && !key->mods && !view->typed->len && !strcmp(key->text, " ")) {
        pane_roster_menu(&view->pane);
        return true;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(act_rows); i++) {
        const struct act_row *what = &act_rows[i];
        bool mine = (what->key && key_parse(what->key, &wanted) && key_equal(key, &wanted)) ||
            (what->key_too && key_parse(what->key_too, &wanted) && key_equal(key, &wanted));
        if (!mine)
            continue;
        if (there || what->act == ACT_ADD || what->act == ACT_SHOW)
            act(view, what, &row);
        return true;
    }
    return false;
}

/* In the row itself: text, Backspace, C-u; Enter renames, Escape does not. */
static bool rename_key(struct pane_roster *view, const struct key *key)
{
    GString *name = view->renaming;
    struct row row;
    pane_dirty(&view->pane);
    if (key->code == KEY_CHAR && !key->mods && name->len < NAME_MAX_BYTES)
        g_string_append(name, key->text);
    else if (key->code == KEY_BS && name->len)
        g_string_truncate(name,
            (gsize)(g_utf8_find_prev_char(name->str, name->str + name->len) - name->str));
    else if (key->code == KEY_CHAR && key->mods == MOD_CTRL && !strcmp(key->text, "u"))
        g_string_truncate(name, 0);
    else if (key->code == KEY_ENTER || key->code == KEY_ESC) {
        view->renaming = NULL;
        if (key->code == KEY_ENTER && row_at_cursor(view, &row) && row.entry) {
            struct target *target = target_of(row.entry);
            run_for(view->pane.tui, target, "/roster nick", name->len ? name->str : NULL);
            target_free(target);
        }
        g_string_free(name, TRUE);
    }
    return true;
}

static void set_filter(struct pane_roster *view)
{
    rows_filter(view->rows, view->typed->str);
    rows_settle(view->rows);
    view->top = 0;
    go_to(view, 0);
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
    if (key->code != KEY_CHAR || key->mods || view->typed->len > TYPED_MAX)
        return false;
    if (view->typed->len || strcmp(key->text, "/") != 0)
        g_string_append(view->typed, key->text);
    set_filter(view);
    return true;
}

static bool move_key(struct pane_roster *view, const struct key *key)
{
    int page = MAX(view->pane.rows - 1, 1);
    gint64 to = view->cursor;
    if (key->mods)
        return false;
    switch (key->code) {
    case KEY_UP_:
        to--;
        break;
    case KEY_DOWN_:
        to++;
        break;
    case KEY_PGUP:
        to -= page;
        break;
    case KEY_PGDN:
        to += page;
        break;
    case KEY_HOME_:
        to = 0;
        break;
    case KEY_END_:
        to = G_MAXINT;
        break;
    default:
        return false;
    }
    settle(view);
    go_to(view, to);
    return true;
}

/* Left folds, and from a contact goes to its group first; right unfolds. */
static bool fold_key(struct pane_roster *view, const struct key *key)
{
    struct row row;
    bool right = key->code == KEY_RIGHT_;
    if ((key->code != KEY_LEFT_ && !right) || key->mods)
        return false;
    if (!row_at_cursor(view, &row) || view->rows->filter)
        return true;
    if (row.entry && !right)
        go_to(view, rows_index_of_group(view->rows, row.group));
    else if (!row.entry && (row.group ? row.group->folded : row.section->folded) == right)
        open_row(view, &row);
    return true;
}

static bool mouse_key(struct pane_roster *view, const struct key *key)
{
    if (key->button == MOUSE_WHEEL_UP || key->button == MOUSE_WHEEL_DOWN) {
        int step = key->button == MOUSE_WHEEL_UP ? -WHEEL_ROWS : WHEEL_ROWS;
        view->top = MAX(view->top + step, 0);
        go_to(view, view->cursor + step);
        return true;
    }
    bool head = view->typed->len || view->rows->show != LIST_ALL;
    int y = key->y - head;
    struct row row;
    if ((key->button != MOUSE_LEFT && key->button != MOUSE_RIGHT) || y < 0)
        return true;
    settle(view);
    if (!rows_at(view->rows, (guint)(view->top + y), &row))
        return true;
    if (key->button == MOUSE_RIGHT) { /* with the cursor in sight */
        layout_focus(view->pane.tui, layout_leaf_of_side(view->pane.tui, &view->pane));
        go_to(view, view->top + y);
        pane_roster_menu(&view->pane);
        return true;
    }
    go_to(view, view->top + y);
    open_row(view, &row);
    return true;
}

static bool on_key(struct pane *pane, const struct key *key)
{
    struct pane_roster *view = roster_of(pane);
    struct row row;
    if (key->code == KEY_MOUSE_)
        return mouse_key(view, key);
    if (view->renaming)
        return rename_key(view, key);
    if (move_key(view, key) || action_key(view, key) || fold_key(view, key))
        return true;
    if (key->code == KEY_ENTER && !key->mods) {
        if (row_at_cursor(view, &row))
            open_row(view, &row);
        return true;
    }
    if (key->code == KEY_ESC || key->code == KEY_TAB) {
        if (view->typed->len && key->code == KEY_ESC)
            pane_roster_filter(pane, NULL);
        else
            leave(view);
        return true;
    }
    return filter_key(view, key);
}

/* Entering the list: at the conversation that is open. */
void pane_roster_seek(struct pane *pane)
{
    struct pane_roster *view = roster_of(pane);
    const struct chat *chat = window_current(pane->tui)->chat;
    struct row row;
    settle(view);
    const struct entry *entry = chat ? rows_entry(view->rows, chat->account, chat->jid) : NULL;
    gint64 index = entry ? rows_index(view->rows, entry) : -1;
    if (index < 0)
        index = !view->cursor && rows_at(view->rows, 1, &row) && row.entry ? 1 : view->cursor;
    go_to(view, index);
}

/* ---- what happens ---- */

static void on_event(struct pane *pane, const struct event *event)
{
    struct pane_roster *view = roster_of(pane);
    switch (event->type) {
    case EVENT_PRESENCE:
        if (!event->contact)
            return;
        rows_touch_contact(view->rows, event->contact);
        break;
    case EVENT_MESSAGE: /* what is unread comes with CHAT_CHANGED */
        if (view->rows->order != ORDER_ACTIVITY)
            return;
        rows_touch_chat(view->rows, event->chat);
        break;
    case EVENT_CHAT_CHANGED:
    case EVENT_CHAT_ADDED:
        rows_touch_chat(view->rows, event->chat);
        break;
    case EVENT_ROSTER:
        if (event->contact && event->roster.removed)
            rows_forget(view->rows, event->contact);
        if (event->contact && !event->roster.removed)
            rows_change_contact(view->rows, event->contact);
        else
            view->rows->stale = true;
        break;
    case EVENT_STATE:
        if (event->account->state <= STATE_WAITING) /* everybody goes offline with us */
            view->rows->stale = true;
        break;
    case EVENT_ROSTER_RESET:
    case EVENT_SUBSCRIPTION:
    case EVENT_ACCOUNT_ADDED:
    case EVENT_SYNCED:
        view->rows->stale = true;
        break;
    default:
        return;
    }
    pane_dirty(pane);
}

void pane_roster_reset(struct pane *pane)
{
    struct pane_roster *view = roster_of(pane);
    const char *order = tui_option(pane->tui, "ui.roster.order");
    const char *show = tui_option(pane->tui, "ui.roster.show");
    rows_reset(view->rows);
    view->rows->order = !strcmp(order, "name") ? ORDER_NAME
        : !strcmp(order, "activity")           ? ORDER_ACTIVITY
                                               : ORDER_PRESENCE;
    view->rows->show = LIST_ALL;
    for (guint i = 0; i < G_N_ELEMENTS(show_words); i++)
        if (!strcmp(show, show_words[i]))
            view->rows->show = (enum roster_show)i;
    view->rows->unread_first = tui_option_bool(pane->tui, "ui.roster.unread_first");
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
    rows_free(view->rows);
    g_string_free(view->typed, TRUE);
    if (view->renaming)
        g_string_free(view->renaming, TRUE);
    g_free(view->jid);
    g_free(view);
}

static const struct pane_ops ops = { .name = "roster", .destroy = destroy,
    .draw = draw, .key = on_key, .event = on_event };

struct pane *pane_roster_new(struct tui *tui)
{
    struct pane_roster *view = g_new0(struct pane_roster, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    view->typed = g_string_new(NULL);
    view->rows = rows_new(tui);
    return &view->pane;
}
