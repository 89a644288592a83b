/*
 * bench_screen: what the screen costs, without a terminal: a key in the filter
 * of 50,000 contacts, a full repaint, resizing with splits, the memory of
 * eight panes. CPU time; one line of JSON, as tests/bench/bench.py reads it.
 */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "model/account.h"
#include "store/option.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONTACTS = 50000, ROUNDS = 200, RESIZES = 1000, REPAINTS = 200 };

static const char *const first[] = { "Romeo", "Juliet", "Mercutio", "Benvolio", "Tybalt",
    "Rosaline", "Friar", "Nurse", "Paris", "Balthasar", "Abram", "Sampson", "Gregory" };
static const char *const last[] = { "Montague", "Capulet", "Laurence", "Escalus", "Verona",
    "Müller", "Zażółć", "O'Neill", "van der Berg", "García" };
static const char *const typed[] = { "romeo m", "jul cap", "e", "verona99", "gar", "zazolc",
    "contact04242", "xyzzy", "a", "tbt" };

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill(struct account *account)
{
    for (int i = 0; i < CONTACTS; i++) {
        g_autofree char *jid = g_strdup_printf("contact%05d@example.net", (i * 7919) % CONTACTS);
        struct contact *contact = roster_ensure(account->roster, jid);
        contact->in_roster = true;
        contact->subscription = SUB_BOTH;
        contact->name = g_strdup_printf("%s %s %d", first[i % G_N_ELEMENTS(first)],
            last[i % G_N_ELEMENTS(last)], i);
        g_autofree char *group = g_strdup_printf("Group %d", i % 40);
        const char *groups[] = { group, NULL };
        contact_set_groups(contact, groups);
        if (i % 3)
            continue;
        g_autofree char *full = g_strconcat(jid, "/x", NULL);
        struct presence *presence = presence_new(full);
        presence->show = (enum show)(1 + i % 5);
        contact_put_presence(contact, presence);
    }
}

static void press(struct tui *tui, enum key_code code, const char *text)
{
    struct key key = { .code = code };
    g_strlcpy(key.text, text, sizeof key.text);
    tui_key(tui, &key);
    tui_draw(tui);
}

static double percentile(GArray *times, int percent)
{
    g_array_sort(times, compare);
    return g_array_index(times, double, (times->len - 1) * (guint)percent / 100);
}

static void type_and_erase(struct tui *tui, const char *text, GArray *times)
{
    double from, spent;
    for (const char *at = text; *at; at++) {
        char letter[2] = { *at, '\0' };
        from = cpu_ms();
        press(tui, KEY_CHAR, letter);
        spent = cpu_ms() - from;
        g_array_append_val(times, spent);
    }
    for (gsize i = 0; i < strlen(text); i++) {
        from = cpu_ms();
        press(tui, KEY_BS, "");
        spent = cpu_ms() - from;
        g_array_append_val(times, spent);
    }
}

static double repaint_ms(struct tui *tui)
{
    double from = cpu_ms();
    for (int i = 0; i < REPAINTS; i++) {
        tui_dirty_all(tui);
        tui_draw(tui);
    }
    return (cpu_ms() - from) / REPAINTS;
}

static double panes_kb(struct tui *tui, struct account *account)
{
    struct chat *chat = account_open_chat(account, "contact00001@example.net", CHAT_CONTACT);
    size_t before = mallinfo2().uordblks;
    window_show(tui, window_open(tui, chat));
    layout_restore(tui, "(v 250 roster (h 500 (v 500 *contact00001@example.net "
                        "(h 500 contact00002@example.net contact00003@example.net)) "
                        "(v 500 (h 500 console xml) (v 500 results list))))");
    tui_draw(tui);
    return (double)(mallinfo2().uordblks - before) / 1024;
}

static double resize_ms(struct tui *tui)
{
    double from = cpu_ms();
    for (int i = 0; i < RESIZES; i++) {
        grid_resize(tui->grid, 20 + i * 7 % 180, 5 + i * 3 % 45);
        tui_dirty_all(tui);
        tui_draw(tui);
    }
    return cpu_ms() - from;
}

/* With the key that opens it. */
static void palette_times(struct tui *tui, GArray *times)
{
    for (int i = 0; i < ROUNDS; i++) {
        double from = cpu_ms(), spent;
        palette_open(tui, NULL);
        tui_draw(tui);
        spent = cpu_ms() - from;
        g_array_append_val(times, spent);
        type_and_erase(tui, typed[i % (int)G_N_ELEMENTS(typed)], times);
        palette_close(tui);
    }
}

int main(void)
{
    struct app app = { .observers = observers_new(), .accounts = g_ptr_array_new() };
    static const struct option general[] = { { .name = "general.default_account",
        .kind = OPTION_STRING }, { .name = NULL } };
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(double));
    app.options = options_new("/dev/null/txmpp.conf", problems);
    options_register(app.options, ui_options);
    options_register(app.options, general);
    const struct engine_host host = { .data = NULL };
    app.engine = engine_new(&app, &host, app.options);
    engine_register(app.engine, ui_commands);
    engine_register(app.engine, app_history_commands);
    engine_register(app.engine, app_general_commands);
    engine_register(app.engine, app_setting_commands);
    struct account *account =
        account_new("juliet@example.com", app.observers, app.options, NULL);
    g_ptr_array_add(app.accounts, account);
    fill(account);
    struct tui *tui = tui_new_offscreen(&app, 200, 50, false);
    double from = cpu_ms();
    tui_draw(tui);
    double build = cpu_ms() - from;
    layout_focus(tui, layout_leaf_of_side(tui, tui->roster));
    tui_draw(tui);
    for (int i = 0; i < ROUNDS; i++)
        type_and_erase(tui, typed[i % (int)G_N_ELEMENTS(typed)], times);
    layout_focus(tui, tui->leaf);
    g_autoptr(GArray) palette = g_array_new(FALSE, FALSE, sizeof(double));
    palette_times(tui, palette);
    double palette50 = percentile(palette, 50), palette99 = percentile(palette, 99);
    double repaint = repaint_ms(tui), panes = panes_kb(tui, account);
    double repaint_panes = repaint_ms(tui), resize = resize_ms(tui);
    double p50 = percentile(times, 50), p99 = percentile(times, 99);
    printf("{\"scenario\": \"screen\", \"client\": \"txmpp\", \"ok\": true, \"r\": {"
           "\"build_ms\": %.2f, \"filter_p50_ms\": %.3f, \"filter_p99_ms\": %.3f, "
           "\"filter_keys\": %u, \"palette_p50_ms\": %.3f, \"palette_p99_ms\": %.3f, \"repaint_ms\": %.3f, \"repaint_panes_ms\": %.3f, "
           "\"panes_kb\": %.1f, \"resize_1000_ms\": %.1f}}\n",
        build, p50, p99, times->len, palette50, palette99, repaint, repaint_panes, panes, resize);
    engine_free(app.engine);
    app.engine = NULL;
    tui_free(&tui->front);
    account_free(account);
    g_ptr_array_free(app.accounts, TRUE);
    observers_free(app.observers);
    options_free(app.options);
    return 0;
}
