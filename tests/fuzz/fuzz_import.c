/* Any bytes as a log of another client, text or database: the command ends,
 * and what it has put into the store is text of one conversation. */
#include <stdint.h>

#include "../unit/engine_fixture.h"
#include "app/app.h"
#include "base/paths.h"
#include "store/history.h"

#define BOB "romeo@example.net"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool check(const char *chat, const struct message *m, gpointer data)
{
    (void)chat;
    (void)data;
    g_assert(m->body && *m->body && g_utf8_validate(m->body, -1, NULL));
    g_assert(m->time_us > 0 && m->from && m->to);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "2026_02_01.log", BOB, "log.db" };
    struct fixture f;
    if (size < 1)
        return 0;
    fixture_open(&f, app_import_commands);
    auto_struct(paths) nowhere = paths_new("/dev/null/x", NULL);
    g_autofree char *problem = NULL; /* it keeps things in memory */
    f.account->history = history_open(nowhere, f.account->jid, &problem);
    g_autofree char *file =
        g_build_filename(f.dir, names[data[0] % G_N_ELEMENTS(names)], NULL);
    g_autofree char *line =
        g_strdup_printf("/import %s%s", file, data[0] & 64 ? "" : " in " BOB);
    g_file_set_contents(file, (const char *)data + 1, (gssize)size - 1, NULL);
    fixture_run(&f, line);
    while (!f.capture.done)
        g_main_context_iteration(NULL, TRUE);
    history_foreach(f.account->history, NULL, check, NULL);
    history_close(f.account->history);
    f.account->history = NULL;
    fixture_close(&f);
    return 0;
}
