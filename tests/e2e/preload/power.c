/* The power goes at the $POWER_AT-th write to a database: what was not synced
 * is not there (with $POWER_TORN=1, half of it is), and neither are we. */
#include "../../unit/kit_vfs.c"
#include <signal.h>
#include <stdlib.h>
static void on_frozen(void)
{
    vfs_power_cut(atoi(getenv("POWER_TORN")));
    kill(getpid(), SIGKILL);
}
__attribute__((constructor)) static void begin(void)
{
    unsetenv("LD_PRELOAD");
    vfs_install();
    vfs_watch_power(true);
    vfs_on_frozen(on_frozen);
    vfs_freeze_at((unsigned)atoi(getenv("POWER_AT")));
}
