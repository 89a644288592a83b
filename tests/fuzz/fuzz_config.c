/* Any bytes as txmpp.conf: what is loaded fits its rows, every problem names
 * a line, and what was damaged cannot be written over (F16). */
#include "config.h" /* memfd_create */

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gio/gio.h>

#include "store/option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct option rows[] = {
    { "ui.theme", OPTION_ENUM, "dark", .choices = "dark light", .summary = "" },
    { "ui.bell", OPTION_BOOL, "on", .summary = "" },
    { "ui.width", OPTION_INT, "20", .min = 1, .max = 100, .summary = "" },
    { "ui.name", OPTION_STRING, NULL, .summary = "" },
    { "net.idle", OPTION_SECONDS, "300", .min = 1, .max = 900, .summary = "" },
    { "account.resource", OPTION_STRING, NULL, .summary = "" },
    { .name = NULL },
};

static void look(const struct options *options, const char *jid)
{
    gint64 width = options_int(options, jid, "ui.width");
    gint64 idle = options_int(options, jid, "net.idle");
    const char *theme = options_get(options, jid, "ui.theme");
    const char *name = options_get(options, jid, "ui.name");
    const char *resource = options_get(options, jid, "account.resource");
    g_assert(width >= 1 && width <= 100 && idle >= 1 && idle <= 900);
    g_assert(!strcmp(theme, "dark") || !strcmp(theme, "light"));
    g_assert(!name || g_utf8_validate(name, -1, NULL));
    g_assert(!resource || g_utf8_validate(resource, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("txmpp.conf", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    struct options *options = options_new(path, problems);
    options_register(options, rows);
    options_check(options);
    look(options, NULL);
    g_auto(GStrv) jids = options_accounts(options);
    for (char **jid = jids; *jid; jid++)
        look(options, *jid);
    g_auto(GStrv) keys = options_section_keys(options, "keys");
    for (char **key = keys; *key; key++) {
        g_autofree char *value = options_section_get(options, "keys", *key);
        g_assert(!value || g_utf8_validate(value, -1, NULL));
    }
    for (guint i = 0; i < problems->len; i++)
        g_assert(g_str_has_prefix(problems->pdata[i], path));
    options_set(options, NULL, "ui.bell", "off", true, NULL);
    options_free(options);
    g_assert(lseek(fd, 0, SEEK_END) == (off_t)size);
    close(fd);
    return 0;
}
