/* In the second row: a report from the first looks like F3 with a modifier. */
#include "config.h"
#include "ui/term/probe.h"
#include <string.h>

enum { ROW = 1, COLS_MIN = 12, DEADLINE_US = 3 * 1000 * 1000 };

enum question { AMBIGUOUS, WIDE, COMBINING, JOINED, STYLED, TONED, FLAG, QUESTIONS };

static const char *const texts[QUESTIONS] = {
    [AMBIGUOUS] = "\342\227\217",         /* ● */
    [WIDE] = "\347\225\214",              /* 界 */
    [COMBINING] = "e\314\201",
    [JOINED] = "\360\237\221\251\342\200\215\360\237\221\247", /* woman, ZWJ, girl */
    [STYLED] = "\342\235\244\357\270\217",
    [TONED] = "\360\237\221\215\360\237\217\275",
    [FLAG] = "\360\237\207\251\360\237\207\252",
};

G_STATIC_ASSERT(QUESTIONS <= G_N_ELEMENTS(((struct probe *)0)->columns));

void probe_ask(struct probe *probe, const struct terminfo *info, int cols, int rows,
    GByteArray *out)
{
    if (probe->asked || !terminfo_has(info, CAP_ASK) || cols < COLS_MIN || rows <= ROW)
        return;
    for (; probe->asked < QUESTIONS; probe->asked++) {
        const char *text = texts[probe->asked];
        terminfo_put(info, out, CAP_CUP, ROW, 0);
        g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
        terminfo_put(info, out, CAP_ASK, 0, 0);
    }
    probe->asked_us = g_get_monotonic_time();
}

bool probe_waits(const struct probe *probe)
{
    return probe->answered < probe->asked &&
        g_get_monotonic_time() - probe->asked_us < DEADLINE_US;
}

bool probe_answer(struct probe *probe, int x, int y, struct opinion *out)
{
    if (!probe_waits(probe) || y != ROW)
        return false;
    probe->columns[probe->answered++] = x;
    if (probe->answered < probe->asked)
        return false;
    const int *at = probe->columns;
    *out = (struct opinion){
        .known = true,
        .ambiguous_wide = at[AMBIGUOUS] == 2,
        .no_wide = at[WIDE] == 1,
        .no_utf8 = at[WIDE] > 2 && at[AMBIGUOUS] > 2,
        .no_combining = at[COMBINING] != 1,
        .joined = at[JOINED] == 2,
        .styled = at[STYLED] == 2,
        .toned = at[TONED] == 2,
        .flags = at[FLAG] == 2,
    };
    return true;
}
