/* No process can be begun. */
#include <errno.h>
#include <spawn.h>
#include <unistd.h>
pid_t fork(void)
{
    errno = EAGAIN;
    return -1;
}
pid_t vfork(void)
{
    errno = EAGAIN;
    return -1;
}
int posix_spawn(pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const env[])
{
    (void)pid, (void)path, (void)actions, (void)attr, (void)argv, (void)env;
    return EAGAIN;
}
int posix_spawnp(pid_t *pid, const char *file,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const env[])
{
    return posix_spawn(pid, file, actions, attr, argv, env);
}
