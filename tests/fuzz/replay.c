/* Feeds every file of a corpus to a fuzz target, for builds without libFuzzer:
 * fuzz_X [DIR or FILE]...; without arguments tests/fuzz/corpus/X. Prints TAP,
 * one line a file, so that a crash names its input. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count, failed;

static void replay_file(const char *path)
{
    g_autofree char *bytes = NULL;
    gsize len = 0;
    if (!g_file_get_contents(path, &bytes, &len, NULL)) {
        printf("not ok %d - cannot read %s\n", ++count, path);
        failed++;
        return;
    }
    printf("# %s\n", path);
    fflush(stdout);
    /* An exact copy, so that ASan sees a read past the end. */
    g_autofree uint8_t *copy = g_memdup2(bytes, len ? len : 1);
    LLVMFuzzerTestOneInput(copy, len);
    printf("ok %d - %s\n", ++count, path);
}

static void replay_path(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    if (!dir) {
        replay_file(path);
        return;
    }
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        replay_path(file);
    }
}

int main(int argc, char **argv)
{
    int given = 0;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-') {
            replay_path(argv[i]);
            given++;
        }
    if (!given) {
        const char *srcdir = g_getenv("G_TEST_SRCDIR");
        g_autofree char *base = g_path_get_basename(argv[0]);
        const char *name = g_str_has_prefix(base, "fuzz_") ? base + 5 : base;
        g_autofree char *dir = g_build_filename(
            srcdir ? srcdir : ".", "tests", "fuzz", "corpus", name, NULL);
        replay_path(dir);
    }
    printf("1..%d\n", count);
    return count && !failed ? 0 : 1;
}
