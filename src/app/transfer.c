/*
 * A transfer belongs to the job that waits for it. The file is written under
 * the name it will have with ".part" behind it, and gets its name when all of
 * it is there: an empty file of that name is made first, which only succeeds
 * where nothing is (O_EXCL), and is replaced by the whole one.
 */
#include "config.h"
#include "app/transfer.h"
#include "base/intl.h"
#include "base/text.h"
#include "model/account.h"
#include "net/http.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 200, TRIES = 1000, TOLD_US = 250000 };

struct transfer {
    struct app *app;
    struct job *job;
    struct http *http;
    guint number;
    char *url, *path, *part; /* path: as wished; part: as written */
    bool numbered;           /* the wish may be changed by a number */
    int fd;
    int write_errno;
    gint64 told_us;
};

/* ---- names ---- */

char *transfer_name(const char *url)
{
    const char *end = url + strcspn(url, "?#");
    g_autofree char *whole = g_strndup(url, (gsize)(end - url));
    const char *scheme = strstr(whole, "://");
    const char *path = strchr(scheme ? scheme + 3 : whole, '/');
    const char *slash = path ? strrchr(path, '/') : NULL;
    g_autoptr(GString) bytes = g_string_new(NULL);
    for (const char *p = slash ? slash + 1 : ""; *p; p++) {
        int high = *p == '%' ? g_ascii_xdigit_value(p[1]) : -1;
        int low = high >= 0 ? g_ascii_xdigit_value(p[2]) : -1;
        char c = low >= 0 ? (char)(high * 16 + low) : *p;
        g_string_append_c(bytes, c ? c : '_');
        p += low >= 0 ? 2 : 0;
    }
    g_autofree char *clean = text_clean(bytes->str, (gssize)bytes->len, TEXT_ONE_LINE);
    char *name = g_utf8_normalize(clean, -1, G_NORMALIZE_NFC);
    g_strdelimit(name, "/\\:*?\"<>|", '_');
    g_strstrip(name);
    gsize hidden = strspn(name, ".-~ ");
    memmove(name, name + hidden, strlen(name + hidden) + 1);
    gsize len = strlen(name);
    if (len > NAME_BYTES) { /* the end says what it is */
        const char *dot = strrchr(name, '.');
        gsize tail = dot && strlen(dot) <= 16 ? strlen(dot) : 0;
        gsize head = NAME_BYTES - tail;
        while (head && ((guchar)name[head] & 0xc0) == 0x80)
            head--;
        memmove(name + head, name + len - tail, tail + 1);
    }
    if (!*name) {
        g_free(name);
        return g_strdup("download");
    }
    return name;
}

/* "a (2).png": the n-th choice. */
static char *nth_name(const char *path, guint n)
{
    if (n < 2)
        return g_strdup(path);
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    if (!dot || dot == path || (slash && dot == slash + 1))
        return g_strdup_printf("%s (%u)", path, n);
    return g_strdup_printf("%.*s (%u)%s", (int)(dot - path), path, n, dot);
}

static char *download_dir(const struct app *app)
{
    const char *own = options_get(app->options, NULL, "files.directory");
    if (own && *own)
        return *own == '~' && own[1] == '/' ? g_build_filename(g_get_home_dir(), own + 2, NULL)
                                             : g_strdup(own);
    const char *desktop = g_get_user_special_dir(G_USER_DIRECTORY_DOWNLOAD);
    return desktop ? g_strdup(desktop) : g_build_filename(g_get_home_dir(), "Downloads", NULL);
}

static char *wished_path(const struct app *app, const char *url, const char *file)
{
    g_autofree char *name = transfer_name(url);
    if (file && !g_file_test(file, G_FILE_TEST_IS_DIR) && !g_str_has_suffix(file, "/"))
        return g_strdup(file);
    g_autofree char *dir = file ? g_strdup(file) : download_dir(app);
    return g_build_filename(dir, name, NULL);
}

/* ---- files ---- */

static int make_file(const char *path)
{
    return g_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool fail_file(const char *path, int number, GError **error)
{
    g_autofree char *shown = g_filename_display_name(path);
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(number),
        _("%s cannot be written: %s.%s"), shown, g_strerror(number),
        number == EEXIST ? _(" Choose another name.") : "");
    return false;
}

static bool open_part(struct transfer *transfer, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(transfer->path);
    if (transfer->numbered)
        g_mkdir_with_parents(dir, 0700);
    if (!transfer->numbered && g_file_test(transfer->path, G_FILE_TEST_EXISTS))
        return fail_file(transfer->path, EEXIST, error);
    for (guint n = 1; n < TRIES; n++) {
        g_autofree char *path = nth_name(transfer->path, n);
        transfer->part = g_strconcat(path, ".part", NULL);
        transfer->fd = make_file(transfer->part);
        if (transfer->fd >= 0)
            return true;
        int number = errno;
        if (number != EEXIST) {
            fail_file(transfer->part, number, error);
            g_clear_pointer(&transfer->part, g_free);
            return false;
        }
        g_clear_pointer(&transfer->part, g_free);
    }
    return fail_file(transfer->path, EEXIST, error);
}

/* Its name, now that it is whole; new string. */
static char *name_file(struct transfer *transfer, GError **error)
{
    int number = close(transfer->fd) < 0 ? errno : 0;
    transfer->fd = -1;
    for (guint n = 1; !number && n < (transfer->numbered ? TRIES : 2); n++) {
        g_autofree char *path = nth_name(transfer->path, n);
        int fd = make_file(path);
        if (fd < 0 && errno == EEXIST)
            continue;
        if (fd < 0 || close(fd) < 0 || g_rename(transfer->part, path) < 0) {
            number = errno;
            break;
        }
        g_clear_pointer(&transfer->part, g_free);
        return g_steal_pointer(&path);
    }
    fail_file(transfer->path, number ? number : EEXIST, error);
    return NULL;
}

/* ---- life ---- */

static void transfer_free(struct transfer *transfer)
{
    struct app *app = transfer->app;
    g_ptr_array_remove(app->transfers, transfer);
    http_cancel(transfer->http);
    if (transfer->fd >= 0)
        close(transfer->fd);
    if (transfer->part)
        g_unlink(transfer->part);
    g_free(transfer->url);
    g_free(transfer->path);
    g_free(transfer->part);
    g_free(transfer);
    observers_emit(app->observers, &(struct event){ .type = EVENT_TRANSFER });
}

static void on_cancelled(struct job *job, gpointer data)
{
    (void)job;
    transfer_free(data);
}

static bool on_bytes(struct http *http, const char *bytes, gsize len, gpointer data)
{
    struct transfer *transfer = data;
    gint64 now = g_get_monotonic_time();
    (void)http;
    while (len) {
        gssize n = write(transfer->fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            transfer->write_errno = errno;
            return false;
        }
        bytes += n;
        len -= (gsize)n;
    }
    if (now - transfer->told_us >= TOLD_US) {
        transfer->told_us = now;
        observers_emit(transfer->app->observers, &(struct event){ .type = EVENT_TRANSFER });
    }
    return true;
}

static void on_done(struct http *http, const GError *error, gpointer data)
{
    struct transfer *transfer = data;
    struct job *job = transfer->job;
    g_autoptr(GError) own = NULL;
    g_autofree char *size = g_format_size((guint64)http_received(http));
    transfer->http = NULL; /* frees itself */
    g_autofree char *path = error ? NULL : name_file(transfer, &own);
    if (transfer->write_errno) {
        fail_file(transfer->part, transfer->write_errno, &own);
        error = NULL;
    }
    bool is_private = g_error_matches(error, HTTP_ERROR, HTTP_ERROR_PRIVATE);
    g_autofree char *sentence = g_strconcat(error ? error->message : own ? own->message : "",
        is_private ? _(" Say --private if you want it from there.") : "", NULL);
    job_on_cancel(job, NULL, NULL);
    transfer_free(transfer);
    if (!path) {
        job_fail(job, "undefined-condition", "%s", sentence);
        return;
    }
    g_autofree char *shown = g_filename_display_name(path);
    g_autofree char *clean = text_clean(shown, -1, TEXT_ONE_LINE);
    job_note(job, "Saved to %s, %s.", clean, size);
    job_done(job);
}

enum cmd_status transfer_save(struct job *job, const char *url, const char *file, bool is_private)
{
    static const struct http_events events = { on_bytes, on_done };
    struct app *app = job_app(job);
    struct account *account = job_account(job);
    g_autoptr(GError) error = NULL;
    struct transfer *transfer = g_new0(struct transfer, 1);
    *transfer = (struct transfer){ .app = app, .job = job, .fd = -1, .url = g_strdup(url),
        .path = wished_path(app, url, file), .number = ++app->last_transfer };
    transfer->numbered = !file || strcmp(transfer->path, file) != 0;
    g_ptr_array_add(app->transfers, transfer);
    if (!open_part(transfer, &error)) {
        transfer_free(transfer);
        return job_fail_error(job, error);
    }
    const char *ca_file = app->config.ca_file;
    if (!ca_file && account)
        ca_file = account_option(account, "account.ca_file");
    transfer->http = http_get(&(struct http_get){ .url = url, .ca_file = ca_file,
        .proxy = account ? account_option(account, "account.proxy") : NULL,
        .max_bytes = options_int(app->options, NULL, "files.max_mb") * 1000000,
        .allow_private = is_private }, &events, transfer);
    job_on_cancel(job, on_cancelled, transfer);
    observers_emit(app->observers, &(struct event){ .type = EVENT_TRANSFER });
    return CMD_WAIT;
}

guint transfer_progress(const struct app *app, int *percent)
{
    gint64 received = 0, length = 0;
    for (guint i = 0; app->transfers && i < app->transfers->len; i++) {
        const struct transfer *transfer = app->transfers->pdata[i];
        gint64 one = transfer->http ? http_length(transfer->http) : -1;
        received += transfer->http ? http_received(transfer->http) : 0;
        length = one < 0 || length < 0 ? -1 : length + one;
    }
    *percent = length > 0 ? (int)(100 * (double)received / (double)length) : -1;
    return app->transfers ? app->transfers->len : 0;
}

/* ---- /transfer ---- */

static enum cmd_status run_transfer(struct job *job)
{
    const struct app *app = job_app(job);
    for (guint i = 0; i < app->transfers->len; i++) {
        const struct transfer *transfer = app->transfers->pdata[i];
        g_autofree char *file = g_filename_display_name(transfer->path);
        JOB_ROW(job, "transfer", FIELD_I("number", transfer->number), FIELD_T("file", file),
            FIELD_I("received", transfer->http ? http_received(transfer->http) : 0),
            FIELD_I("size", transfer->http ? http_length(transfer->http) : -1),
            FIELD_T("url", transfer->url));
    }
    return job_done(job);
}

static enum cmd_status run_cancel(struct job *job)
{
    const struct app *app = job_app(job);
    gint64 number = job_int(job, "number", -1);
    for (guint i = app->transfers->len; i-- > 0;) {
        const struct transfer *transfer = app->transfers->pdata[i];
        if (number >= 0 && transfer->number != number)
            continue;
        engine_cancel(job_engine(job), transfer->job, "cancelled", _("The transfer was cancelled."));
        return job_done(job);
    }
    return job_fail(job, "item-not-found", "There is no such transfer; /transfer lists them.");
}

static const struct command transfer_commands[] = {
    { .name = "list", .run = run_transfer, .finds = true,
        .summary = "List the files on their way",
        .fields = "transfer: number file received size url" },
    { .name = "cancel", .run = run_cancel,
        .args = { { .name = "number", .kind = &arg_int, .flags = ARG_OPTIONAL,
            .summary = "none: the last one that began" } },
        .summary = "Give a file up; what is there of it is removed" },
    { .name = NULL },
};

const struct command app_transfer_commands[] = {
    { .name = "transfer", .run = run_transfer, .sub = transfer_commands, .finds = true,
        .summary = "Files on their way: list them, give one up",
        .fields = "transfer: number file received size url" },
    { .name = NULL },
};
