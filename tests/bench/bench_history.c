/*
 * bench_history [-n ROWS] [-r] [-t] [DIR]: fills a history with ROWS messages
 * of 200 chats (half of them in one), in turns of 500, and measures adding,
 * opening, paging and searching; CPU and wall. DIR is kept and used again, so
 * that a filled one can be measured cold. -r: random ids instead of growing
 * ones. -t: without the words of the texts (what the index costs). --only is
 * for tests/bench/bench.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/paths.h"
#include "store/history.h"

#define BIG "big@example.net"

static gint rows = 100000, turn = 500;
static gboolean random_ids, no_words;
static char *account, *only;
static const GOptionEntry entries[] = {
    { "rows", 'n', 0, G_OPTION_ARG_INT, &rows, "messages", "N" },
    { "turn", 'b', 0, G_OPTION_ARG_INT, &turn, "messages in a turn", "N" },
    { "random", 'r', 0, G_OPTION_ARG_NONE, &random_ids, "random ids", NULL },
    { "no-words", 't', 0, G_OPTION_ARG_NONE, &no_words, "no text", NULL },
    { "account", 'a', 0, G_OPTION_ARG_STRING, &account, "whose", "JID" },
    { "only", 'o', 0, G_OPTION_ARG_STRING, &only,
        "only fill it, with messages of this one, a minute apart until an hour "
        "ago; the one in the middle says xyzzyneedle", "JID" },
    { NULL }
};
static const char *const texts[] = {
    "the quick brown fox jumps over the lazy dog near the river bank",
    "did you see the build break after the last merge request today",
    "lunch at noon then, same place as last time if that is fine",
    "i pushed a fix for the parser bug, please have a look at it", "ok",
};

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct watch {
    double wall, cpu;
};

static struct watch start(void)
{
    return (struct watch){ seconds(CLOCK_MONOTONIC),
        seconds(CLOCK_PROCESS_CPUTIME_ID) };
}

/* limit: what the issue allows, in us or ms; 0: nothing is said. */
static double report(
    struct watch from, const char *what, double each, double limit)
{
    double wall = seconds(CLOCK_MONOTONIC) - from.wall;
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - from.cpu;
    double scale = each > 1 ? 1e6 : 1e3, value = cpu / each * scale;
    const char *unit = each > 1 ? "us" : "ms";

    printf("%-44s %9.2f %s CPU %9.2f %s wall%s", what, value, unit,
        wall / each * scale, unit, each > 1 ? " each" : "     ");
    if (limit > 0)
        printf("  <= %g %s", limit, value <= limit ? "ok" : "MISSED");
    printf("\n");
    return value;
}

static char *new_id(const char *kind, gint i)
{
    return random_ids ? g_uuid_string_random()
                      : g_strdup_printf("%s%09d", kind, i);
}

static guint reports;

static void on_disk(const GError *error, gpointer data)
{
    (void)data;
    g_assert_no_error(error);
    reports++;
}

/* As when the loop has nothing else to do; the longest slice. */
static double tidy(struct history *history)
{
    double longest = 0;

    for (bool more = history_is_untidy(history); more;) {
        double began = seconds(CLOCK_THREAD_CPUTIME_ID);
        more = history_tidy(history);
        longest =
            MAX(longest, seconds(CLOCK_THREAD_CPUTIME_ID) - began);
    }
    return longest;
}

/* Without a history: what making the messages costs. The longest turn is what
 * a person may have to wait for. */
static double fill(
    struct history *history, gint from, gint to, const char *what)
{
    struct watch all = start();
    gint64 ended = g_get_real_time() - G_TIME_SPAN_HOUR;
    double longest = 0, began = seconds(CLOCK_THREAD_CPUTIME_ID);
    double longest_slice = 0;
    guint written = 0;

    reports = 0;

    for (gint i = from; i < to; i++) {
        g_autofree char *jid = only || i % 2
            ? g_strdup(only ? only : BIG)
            : g_strdup_printf("contact%d@example.net", i / 2 % 199);
        const struct chat chat = { .jid = jid, .kind = CHAT_CONTACT };
        auto_struct(message) m = message_new();
        m->type = MESSAGE_CHAT;
        m->from = g_strconcat(jid, "/orchard", NULL);
        m->to = g_strconcat(account, "/balcony", NULL);
        m->id = new_id("id", i);
        m->stanza_id = new_id("s", i);
        m->stanza_by = g_strdup(account);
        m->received_us = m->time_us =
            G_GINT64_CONSTANT(1700000000000000) + (gint64)i * 1000000;
        if (only)
            m->received_us = m->time_us =
                ended - (gint64)(to - i) * G_TIME_SPAN_MINUTE;
        if (!no_words)
            m->body = only && i == to / 2
                ? g_strdup_printf("m%07d xyzzyneedle", i)
                : i % 1000 == 7
                ? g_strdup_printf("m%07d needle %s", i, texts[i % 5])
                : g_strdup_printf("m%07d %s", i, texts[i % 5]);
        if (!history)
            continue;
        g_assert(history_add(history, &chat, m, 0) == HISTORY_NEW);
        if (i % turn == turn - 1) {
            double now;
            g_assert(history_write(history, NULL) == HISTORY_UNDER_WAY);
            now = seconds(CLOCK_THREAD_CPUTIME_ID);
            longest = MAX(longest, now - began);
            written++;
            while (reports < written)
                g_main_context_iteration(NULL, TRUE);
            now = tidy(history);
            longest_slice = MAX(longest_slice, now);
            began = seconds(CLOCK_THREAD_CPUTIME_ID);
        }
    }
    if (history)
        history_commit(history, NULL);
    if (to <= from)
        return 0;
    if (history)
        printf("%-44s %9.2f ms CPU\n%-44s %9.2f ms CPU\n",
            "the longest turn", longest * 1e3, "the longest slice of tidying",
            longest_slice * 1e3);
    return report(all, what, to - from, 0);
}

static void page(struct history *history)
{
    gint64 ord = G_MAXINT64, row = 0;
    struct watch all;
    guint pages = 0;

    for (guint i = 0; i < 400; i++) {
        g_autoptr(GPtrArray) messages = NULL;
        if (i == 1)
            all = start();
        messages = history_page(history, BIG, ord, row, true, 50);
        if (!messages->len)
            break;
        ord = ((struct message *)messages->pdata[0])->ord;
        row = ((struct message *)messages->pdata[0])->row;
        pages = i;
    }
    if (pages)
        report(all, "page up, 50 messages", pages, 2000);
}

static void search(struct history *history, const char *words,
    const char *chat, const char *from)
{
    const struct history_query query = { .words = words,
        .chat = chat,
        .from = from,
        .before_row = G_MAXINT64,
        .n = 50 };
    g_autoptr(GError) error = NULL;
    struct watch all = start();
    g_autoptr(GPtrArray) hits = history_search_text(history, &query, &error);
    g_autofree char *what = g_strdup_printf("search %s%s%s: %u", words,
        chat ? " in " : "", chat ? chat : from ? from : "", hits->len);

    report(all, what, 1, rows > 1000000 ? 100 : 50);
}

static long resident_kb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file) {
        if (fscanf(file, "%*s %ld", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new("[DIR]");
    g_autofree char *problem = NULL, *dir = NULL, *what = NULL;
    struct paths *paths;
    struct history *history;
    struct watch all;
    double making, storing;
    g_autoptr(GPtrArray) newest = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL))
        return 2;
    dir = argc > 1 ? g_strdup(argv[1])
                   : g_dir_make_tmp("bench-history-XXXXXX", NULL);
    if (!account)
        account = g_strdup("me@example.org");
    paths = paths_new(dir, NULL);
    history = history_open(paths, account, &problem);
    if (problem)
        printf("%s\n", problem);
    history_tell_on_disk(history, on_disk, NULL);
    what = g_strdup_printf("make and add, turns of %d", turn);
    if (only) {
        fill(history, 0, rows, what);
        history_close(history);
        paths_free(paths);
        return 0;
    }
    making = fill(NULL, 0, MIN(rows, 100000), "make");
    storing =
        fill(history, (gint)history_count(history, NULL), rows, what) - making;
    if (storing > 0)
        printf("%-44s %9.2f us CPU  <= 15 %s\n", "store one", storing,
            storing <= 15 ? "ok" : "MISSED");
    all = start();
    history_close(history);
    report(all, "close", 1, 0);
    printf("memory before opening again %ld kB\n", resident_kb());
    all = start();
    history = history_open(paths, account, NULL);
    report(all, "open", 1, 0);
    newest = history_page(history, BIG, G_MAXINT64, 0, true, 50);
    report(all, "open and newest page", 1, 13);
    page(history);
    search(history, "needle", NULL, NULL);
    search(history, "the", NULL, NULL);
    search(history, "quick fox", NULL, NULL);
    search(history, "\"lazy dog\"", NULL, NULL);
    search(history, "quick parser", NULL, NULL);
    search(history, "the", "contact7@example.net", NULL);
    search(history, "needle", "contact7@example.net", NULL);
    search(history, "ok", NULL, "contact9@example.net");
    search(history, "m0000001", NULL, NULL);
    all = start();
    history_count(history, NULL);
    report(all, "count", 1, 0);
    printf("memory %ld kB\n", resident_kb());
    history_close(history);
    paths_free(paths);
    printf("%s\n", dir);
    return 0;
}
