/* The status line: time, windows that want attention by urgency, who is
 * typing, and at the right the state of the connection. */
#include "config.h"
#include "ui/ui.h"
#include "app/transfer.h"
#include "base/text.h"
#include "model/account.h"
#include "xmpp/outbox.h"
#include "xmpp/rfc6120_session.h"
#include <string.h>

enum { LINK_COLS = 70 };

struct spot { /* of a window in the hotlist, for the mouse */
    int x, cols, number;
};

struct pane_status {
    struct pane pane;
    GArray *spots;
};

static int compare_hot(gconstpointer a, gconstpointer b)
{
    const struct window *x = *(struct window *const *)a, *y = *(struct window *const *)b;
    guint ux = window_urgency(x), uy = window_urgency(y);
    if (ux != uy)
        return ux > uy ? -1 : 1;
    return x->number - y->number;
}

static int draw_hotlist(struct pane_status *view, struct area area, int x, int edge)
{
    struct tui *tui = view->pane.tui;
    g_autoptr(GPtrArray) hot = g_ptr_array_new();
    for (guint i = 0; i < tui->windows->len; i++)
        if (window_urgency(tui->windows->pdata[i]))
            g_ptr_array_add(hot, tui->windows->pdata[i]);
    g_ptr_array_sort(hot, compare_hot);
    for (guint i = 0; i < hot->len && x < edge - 4; i++) {
        const struct window *window = hot->pdata[i];
        guint urgency = window_urgency(window);
        enum role role = urgency >= 3 ? ROLE_STATUS_MENTION
            : urgency == 2            ? ROLE_STATUS_HOT
                                      : ROLE_STATUS;
        const char *name = window_name(window);
        const char *at = strchr(name, '@');
        g_autofree char *part = g_strndup(name, at && at > name ? (gsize)(at - name) : strlen(name));
        g_autofree char *fit = text_ellipsize(part, 16, tui->ascii);
        g_autoptr(GString) text = g_string_new(NULL);
        g_string_append_printf(text, "%d:%s", window->number, fit);
        if (window->chat && window->chat->mentions)
            g_string_append_printf(text, "(@%u)", window->chat->mentions);
        else if (window->chat && window->chat->unread)
            g_string_append_printf(text, "(%u)", window->chat->unread);
        if (x + text_width(text->str, -1) > edge - 3) {
            x += grid_mark(area, x, 0, style_of(ROLE_STATUS_HOT), MARK_ELLIPSIS) + 1;
            break;
        }
        struct spot spot = { x, grid_text(area, x, 0, edge - x, style_of(role), text->str),
            window->number };
        g_array_append_val(view->spots, spot);
        x += spot.cols + 2;
    }
    return x;
}

const char *status_word(const struct account *account)
{
    static const char *const words[] = {
        [STATE_OFFLINE] = N_("offline"),
        [STATE_WAITING] = N_("waiting to reconnect"),
        [STATE_DIALING] = N_("connecting…"),
        [STATE_SECURING] = N_("securing…"),
        [STATE_AUTHENTICATING] = N_("signing in…"),
        [STATE_BINDING] = N_("binding…"),
        [STATE_ONLINE] = N_("online"),
        [STATE_CLOSING] = N_("closing…"),
    };
    if (account->state == STATE_ONLINE && account->own.show != SHOW_ONLINE)
        return account->own.show == SHOW_AWAY ? N_("away")
            : account->own.show == SHOW_XA    ? N_("away for long")
            : account->own.show == SHOW_DND   ? N_("do not disturb")
            : account->own.show == SHOW_CHAT  ? N_("free for chat")
                                              : N_("invisible");
    return words[account->state];
}

/* Worst first when there are several accounts. */
static const struct account *worst_account(const struct tui *tui)
{
    const struct account *worst = NULL;
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        const struct account *account = tui->app->accounts->pdata[i];
        if (!worst || account->state < worst->state)
            worst = account;
    }
    return worst;
}

/* What the servers do not have yet. */
static guint unsent_messages(const struct tui *tui)
{
    guint unsent = 0;
    for (guint i = 0; i < tui->app->accounts->len; i++) {
        const struct account *account = tui->app->accounts->pdata[i];
        if (account->session)
            unsent += outbox_unsent(account);
    }
    return unsent;
}

/* One word left of edge; the new edge. */
static int put_left(struct area area, int edge, style_t style, const char *text)
{
    int width = text_width(text, -1);
    if (edge - width - 2 < area.cols / 3)
        return edge;
    grid_text(area, edge - width - 2, 0, width, style, text);
    return edge - width - 2;
}

static int draw_tls(struct area area, int edge, const struct account *account)
{
    const char *version = account->tls_version;
    bool known = version && g_str_has_prefix(version, "TLSv");
    g_autofree char *text = version
        ? g_strdup_printf("tls %s", known ? version + strlen("TLSv") : version)
        : g_strdup_printf("%s %s", mark_text(MARK_NO_LOCK, area.grid->ascii), _("not encrypted"));
    return put_left(area, edge,
        style_on(style_of(version ? ROLE_SECURE : ROLE_INSECURE), ROLE_STATUS), text);
}

/* How the way to the server is, and how much waits to go it. Only what is
 * amiss shows on narrow screens. */
static int draw_link(struct tui *tui, struct area area, int edge, const struct account *account)
{
    if (!account)
        return edge;
    bool online = account->state == STATE_ONLINE;
    guint unsent = unsent_messages(tui);
    if (online && account->session && area.cols >= LINK_COLS && session_counts(account, NULL))
        edge = put_left(area, edge, style_of(ROLE_STATUS_DIM), "sm");
    if (online && (area.cols >= LINK_COLS || !account->tls_version))
        edge = draw_tls(area, edge, account);
    if (!unsent && area.cols < LINK_COLS)
        return edge;
    g_autofree char *queue = g_strdup_printf("%s%u", mark_text(MARK_UP, tui->ascii), unsent);
    return put_left(area, edge,
        style_of(unsent ? ROLE_STATUS_MENTION : ROLE_STATUS_DIM), queue);
}

static int draw_transfers(struct tui *tui, struct area area, int edge)
{
    int percent;
    guint count = transfer_progress(tui->app, &percent);
    if (!count)
        return edge;
    g_autofree char *number = count > 1 ? g_strdup_printf("%u ", count) : g_strdup("");
    g_autofree char *much = percent < 0 ? g_strdup(mark_text(MARK_ELLIPSIS, tui->ascii))
                                        : g_strdup_printf("%d%%", percent);
    g_autofree char *text =
        g_strconcat(mark_text(MARK_DOWN, tui->ascii), number, much, NULL);
    return put_left(area, edge, style_of(ROLE_STATUS_HOT), text);
}

/* The column it begins in. */
static int draw_state(struct tui *tui, struct area area)
{
    const struct account *account = worst_account(tui);
    const char *word = !account ? (tui->app->config.offline ? _("offline") : _("no account"))
                                : _(status_word(account));
    g_autofree char *text = NULL;
    if (account && tui->app->accounts->len > 1 && account->state != STATE_ONLINE) {
        const char *at = strchr(account->jid, '@');
        g_autofree char *who = g_strndup(account->jid,
            at ? (gsize)(at - account->jid) : strlen(account->jid));
        text = g_strdup_printf("%s: %s", who, word);
    } else if (tui->archived)
        text = g_strdup_printf(_("catching up: %u"), tui->archived);
    else
        text = g_strdup(word);
    g_autofree char *fit = text_ellipsize(text, MAX(area.cols / 2, 4), tui->ascii);
    int width = text_width(fit, -1);
    enum role role = !account || account->state <= STATE_WAITING ? ROLE_STATUS_BAD
        : account->state == STATE_ONLINE                        ? ROLE_STATUS_GOOD
                                                                : ROLE_STATUS_MENTION;
    grid_text(area, area.cols - 1 - width, 0, width, style_of(role), fit);
    return area.cols - 1 - width;
}

static int draw_typing(struct tui *tui, struct area area, int x, int edge)
{
    const struct window *window = window_current(tui);
    if (!window->chat || !window->chat->typing || strcmp(window->chat->typing, "composing"))
        return x;
    g_autofree char *who = text_ellipsize(window_name(window), 20, tui->ascii);
    g_autofree char *text = g_strdup_printf(_("%s is typing%s"), who,
        mark_text(MARK_ELLIPSIS, tui->ascii));
    if (edge - x < 8)
        return x;
    x += grid_mark(area, x, 0, style_of(ROLE_STATUS_DIM), MARK_DOT) + 1;
    return x + grid_text_fit(area, x, 0, edge - x,
        style_with(style_of(ROLE_STATUS_DIM), ATTR_ITALIC), text) + 2;
}

static void draw_hint(struct area area, int x, int edge, const char *text)
{
    if (edge - x > 10)
        grid_text_fit(area, x, 0, edge - x, style_of(ROLE_STATUS_DIM), text);
}

static void draw_keys(struct area area, int x, int edge, const char *items)
{
    g_autofree char *fit = hints_fit(items, edge - x);
    grid_text_fit(area, x, 0, edge - x, style_of(ROLE_STATUS_DIM), fit);
}

static void draw(struct pane *pane, struct area area)
{
    struct pane_status *view = (struct pane_status *)pane;
    struct tui *tui = pane->tui;
    area_clear(area, style_of(ROLE_STATUS));
    g_array_set_size(view->spots, 0);
    int edge = draw_transfers(tui, area, draw_state(tui, area));
    bool hint = tui->quit_hint || tui->aside == tui->roster;
    if (!hint)
        edge = draw_link(tui, area, edge, worst_account(tui));
    edge -= 2;
    int x = 1;
    if (area.cols >= 40) {
        char text[64];
        tui_format_time(tui->frozen_us ? tui->frozen_us : g_get_real_time(),
            tui_option(tui, "ui.time"), text, sizeof text);
        x += grid_text(area, x, 0, 12, style_of(ROLE_STATUS), text) + 2;
    }
    if (tui->quit_hint) {
        draw_hint(area, x, edge, _("Type /quit to leave."));
        return;
    }
    if (tui->aside == tui->roster) {
        draw_keys(area, x, edge,
            _("Enter open  Space menu  letters filter  C-r rename  C-f show  C-t order  Insert add  Delete remove  Esc back"));
        return;
    }
    if (window_current(tui)->chat && pane_chat_picked(window_current(tui)->pane, NULL)) {
        draw_keys(area, x, edge, _("Up Down choose  Enter menu  q quote  c copy  o open link  Esc back"));
        return;
    }
    x = draw_hotlist(view, area, x, edge);
    x = draw_typing(tui, area, x, edge);
    const struct window *window = window_current(tui);
    if (window->chat && pane_chat_fetching(window->pane))
        draw_hint(area, x, edge, _("Getting older messages…"));
    else if (window->chat && pane_chat_scrolled(window->pane))
        draw_hint(area, x, edge, _("M-End: newest"));
}

/* A click shows the window that is named there. */
static bool on_key(struct pane *pane, const struct key *key)
{
    struct pane_status *view = (struct pane_status *)pane;
    if (key->code != KEY_MOUSE_ || key->button != MOUSE_LEFT)
        return false;
    for (guint i = 0; i < view->spots->len; i++) {
        const struct spot *spot = &g_array_index(view->spots, struct spot, i);
        if (key->x < spot->x || key->x >= spot->x + spot->cols)
            continue;
        tui_runf(pane->tui, "/win %d", spot->number);
        return true;
    }
    return false;
}

static void destroy(struct pane *pane)
{
    g_array_free(((struct pane_status *)pane)->spots, TRUE);
    g_free(pane);
}

static const struct pane_ops ops = { .name = "status", .destroy = destroy, .draw = draw,
    .key = on_key };

struct pane *pane_status_new(struct tui *tui)
{
    struct pane_status *view = g_new0(struct pane_status, 1);
    view->pane = (struct pane){ .ops = &ops, .tui = tui, .dirty = true };
    view->spots = g_array_new(FALSE, FALSE, sizeof(struct spot));
    return &view->pane;
}
