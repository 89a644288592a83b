#include "config.h"
#include "ui/picture/picture.h"
#include "base/intl.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "txmpp-picture"
enum { TIMEOUT_S = 15, PORTION = 1 << 16 };

G_DEFINE_QUARK(txmpp-picture-error, picture_error)

void picture_free(struct picture *picture)
{
    if (!picture)
        return;
    g_free(picture->cells);
    if (picture->bytes)
        g_bytes_unref(picture->bytes);
    g_free(picture);
}

/* ---- what the child says ---- */

static guint number(const guint8 *at, gsize bytes)
{
    guint n = 0;
    while (bytes--)
        n = n << 8 | at[bytes];
    return n;
}

static bool is_color(gint32 color)
{
    return color >= COLOR_DEFAULT && color <= 0xffffff;
}

/* Nothing but what takes one column everywhere. */
static bool is_glyph(gunichar c)
{
    return (c >= 0x20 && c < 0x7f) || (c >= 0x2580 && c <= 0x259f);
}

static bool read_cells(struct picture *picture, const guint8 *at, gsize len)
{
    gsize n = (gsize)picture->cols * (gsize)picture->rows;
    if (!n || len != n * PICTURE_CELL)
        return false;
    picture->cells = g_new(struct picture_cell, n);
    for (gsize i = 0; i < n; i++, at += PICTURE_CELL) {
        struct picture_cell *cell = &picture->cells[i];
        *cell = (struct picture_cell){ number(at, 4), (gint32)number(at + 4, 4),
            (gint32)number(at + 8, 4) };
        if (!is_glyph(cell->glyph) || !is_color(cell->fg) || !is_color(cell->bg))
            return false;
    }
    return true;
}

/* ESC P …q … ESC \ with nothing in between that could end it. */
static bool is_sixel(const guint8 *at, gsize len)
{
    if (len < 5 || memcmp(at, "\033P", 2) || memcmp(at + len - 2, "\033\\", 2))
        return false;
    gsize i = 2;
    while (i < len - 2 && (g_ascii_isdigit(at[i]) || at[i] == ';'))
        i++;
    if (at[i] != 'q')
        return false;
    for (; i < len - 2; i++)
        if (at[i] < 0x20 || at[i] >= 0x7f)
            return false;
    return true;
}

static bool read_rest(struct picture *picture, const guint8 *at, gsize len)
{
    switch (picture->kind) {
    case PICTURE_CELLS:
        return read_cells(picture, at, len);
    case PICTURE_SIXEL:
        picture->bytes = is_sixel(at, len) ? g_bytes_new(at, len) : NULL;
        return picture->bytes;
    case PICTURE_PIXELS:
        if (len && len == (gsize)picture->width * (gsize)picture->height * 4)
            picture->bytes = g_bytes_new(at, len);
        return picture->bytes;
    default:
        return false;
    }
}

struct picture *picture_parse(const guint8 *bytes, gsize len, GError **error)
{
    auto_struct(picture) picture = g_new0(struct picture, 1);
    bool whole = len >= PICTURE_HEAD && !memcmp(bytes, PICTURE_MAGIC, 4) &&
        number(bytes + 14, 4) == len - PICTURE_HEAD;
    if (whole) {
        picture->kind = (enum picture_kind)bytes[4];
        picture->cols = (int)number(bytes + 6, 2);
        picture->rows = (int)number(bytes + 8, 2);
        picture->width = (int)number(bytes + 10, 2);
        picture->height = (int)number(bytes + 12, 2);
    }
    if (whole && picture->kind == PICTURE_FAILURE) {
        g_autofree char *text = g_utf8_make_valid((const char *)bytes + PICTURE_HEAD,
            (gssize)MIN(len - PICTURE_HEAD, (gsize)200));
        g_set_error_literal(error, PICTURE_ERROR, 0, *text ? _(text) : text);
        return NULL;
    }
    if (whole && picture->cols <= PICTURE_CELLS_MAX && picture->rows <= PICTURE_CELLS_MAX &&
        read_rest(picture, bytes + PICTURE_HEAD, len - PICTURE_HEAD))
        return g_steal_pointer(&picture);
    g_set_error_literal(error, PICTURE_ERROR, 0,
        len ? _("The program that decodes pictures has said something else.")
            : _("The picture could not be decoded; it is damaged, or too large."));
    return NULL;
}

/* ---- the child ---- */

struct picture_job {
    picture_fn fn; /* NULL: given up */
    gpointer data;
    struct picture_wanted wanted;
    GSubprocess *child;
    GByteArray *said;
    GError *error;
    guint timer, idle;
};

static char *program(void)
{
    g_autofree char *own = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = own ? g_path_get_dirname(own) : NULL;
    char *path = folder ? g_build_filename(folder, PROGRAM, NULL) : NULL;
    if (path && access(path, X_OK) == 0)
        return path; /* not installed yet */
    g_free(path);
    return g_build_filename(PKGLIBEXECDIR, PROGRAM, NULL);
}

bool picture_can(void)
{
    g_autofree char *path = program();
    return access(path, X_OK) == 0;
}

/* What is clear in a picture can only be the ground: where it is the glyph
 * that is clear, the rest of the cell is drawn instead. A cell of one colour
 * is a blank, as glyphs of many fonts leave seams between them. */
static void clear_ground(struct picture_cell *cell)
{
    static const gunichar pairs[][2] = { { 0x2580, 0x2584 }, { 0x258c, 0x2590 },
        { 0x2596, 0x259c }, { 0x2597, 0x259b }, { 0x2598, 0x259f },
        { 0x259d, 0x2599 }, { 0x259a, 0x259e } };
    bool full = cell->glyph == 0x2588;
    if (full || cell->glyph == ' ' || cell->fg == cell->bg) {
        *cell = (struct picture_cell){ ' ', COLOR_DEFAULT, full ? cell->fg : cell->bg };
        return;
    }
    if (cell->fg != COLOR_DEFAULT)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++)
        for (int k = 0; k < 2; k++)
            if (cell->glyph == pairs[i][k]) {
                *cell = (struct picture_cell){ pairs[i][!k], cell->bg, COLOR_DEFAULT };
                return;
            }
    *cell = (struct picture_cell){ ' ', COLOR_DEFAULT, cell->bg };
}

/* Colours as they stand in a look. */
static bool fits(struct picture *picture, const struct picture_wanted *wanted)
{
    static const gint32 colors[] = { 0, 8, 16, 256, 1 << 24 };
    gsize n = picture->cells ? (gsize)picture->cols * (gsize)picture->rows : 0;
    if (picture->kind != wanted->kind || picture->cols > wanted->cols ||
        picture->rows > wanted->rows)
        return false;
    for (gsize i = 0; i < n; i++) {
        gint32 *const both[] = { &picture->cells[i].fg, &picture->cells[i].bg };
        for (gsize k = 0; k < G_N_ELEMENTS(both); k++)
            if (*both[k] >= colors[wanted->depth])
                *both[k] = COLOR_DEFAULT;
            else if (wanted->depth == DEPTH_TRUE && *both[k] >= 0)
                *both[k] |= COLOR_RGB;
        if (!wanted->ascii && wanted->depth != DEPTH_MONO)
            clear_ground(&picture->cells[i]);
    }
    return true;
}

static void job_end(struct picture_job *job)
{
    g_clear_handle_id(&job->timer, g_source_remove);
    g_clear_handle_id(&job->idle, g_source_remove);
    if (job->child)
        g_subprocess_force_exit(job->child);
    g_clear_object(&job->child);
    if (job->fn) {
        struct picture *picture = job->error
            ? NULL
            : picture_parse(job->said->data, job->said->len, &job->error);
        if (picture && !fits(picture, &job->wanted)) {
            g_clear_pointer(&picture, picture_free);
            g_set_error_literal(&job->error, PICTURE_ERROR, 0, _("The picture came out otherwise than it was asked for."));
        }
        job->fn(picture, job->error, job->data);
    }
    g_byte_array_unref(job->said);
    g_clear_error(&job->error);
    g_free(job);
}

static void read_on(struct picture_job *job);

static void on_read(GObject *source, GAsyncResult *result, gpointer data)
{
    struct picture_job *job = data;
    g_autoptr(GBytes) bytes =
        g_input_stream_read_bytes_finish(G_INPUT_STREAM(source), result, NULL);
    gsize len = 0;
    const guint8 *at = bytes ? g_bytes_get_data(bytes, &len) : NULL;
    if (len && job->fn && job->said->len + len <= PICTURE_REPLY_MAX) {
        g_byte_array_append(job->said, at, (guint)len);
        read_on(job);
    } else
        job_end(job);
}

static void read_on(struct picture_job *job)
{
    g_input_stream_read_bytes_async(g_subprocess_get_stdout_pipe(job->child), PORTION,
        G_PRIORITY_DEFAULT, NULL, on_read, job);
}

static gboolean on_timeout(gpointer data)
{
    struct picture_job *job = data;
    job->timer = 0;
    g_set_error_literal(&job->error, PICTURE_ERROR, 0, _("The picture takes too long to decode."));
    g_subprocess_force_exit(job->child); /* its end comes by on_read */
    return G_SOURCE_REMOVE;
}

static gboolean on_failed(gpointer data)
{
    struct picture_job *job = data;
    job->idle = 0;
    job_end(job);
    return G_SOURCE_REMOVE;
}

static GSubprocess *start(const char *file, const struct picture_wanted *wanted, GError **error)
{
    static const char *const depths[] = { "none", "8", "16", "256", "true" };
    static const char *const nothing[] = { NULL };
    const char kind[] = { (char)wanted->kind, '\0' };
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        g_set_error(error, PICTURE_ERROR, 0, _("The file of the picture cannot be read: %s"),
            g_strerror(errno));
        return NULL;
    }
    g_autofree char *path = program();
    const int numbers[] = { wanted->cols, wanted->rows, wanted->cell_width, wanted->cell_height };
    char sizes[G_N_ELEMENTS(numbers)][12];
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_snprintf(sizes[i], sizeof sizes[i], "%d", numbers[i]);
    const char *const argv[] = { path, kind, depths[wanted->depth], sizes[0], sizes[1],
        sizes[2], sizes[3], wanted->ascii ? "ascii" : "-",
        wanted->exact ? "exact" : NULL, NULL };
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
    g_subprocess_launcher_take_stdin_fd(launcher, fd);
    g_subprocess_launcher_set_environ(launcher, (char **)nothing);
    GSubprocess *child = g_subprocess_launcher_spawnv(launcher, argv, NULL);
    if (!child)
        g_set_error(error, PICTURE_ERROR, 0,
            _("This txmpp shows no pictures: %s is not there. Install it, or build with "
              "chafa."), path);
    return child;
}

struct picture_job *picture_decode(
    const char *file, const struct picture_wanted *wanted, picture_fn fn, gpointer data)
{
    struct picture_job *job = g_new0(struct picture_job, 1);
    *job = (struct picture_job){ .fn = fn, .data = data, .wanted = *wanted,
        .said = g_byte_array_new() };
    job->child = start(file, wanted, &job->error);
    if (!job->child) {
        job->idle = g_idle_add(on_failed, job);
        return job;
    }
    job->timer = g_timeout_add_seconds(TIMEOUT_S, on_timeout, job);
    read_on(job);
    return job;
}

void picture_cancel(struct picture_job *job)
{
    job->fn = NULL;
    if (job->child)
        g_subprocess_force_exit(job->child);
    else
        job_end(job);
}

/* ---- on the screen ---- */

void picture_draw_row(const struct picture *picture, int row, struct area area, int x, int y)
{
    if (picture->kind != PICTURE_CELLS || row < 0 || row >= picture->rows)
        return;
    const struct picture_cell *cells = &picture->cells[(gsize)row * (gsize)picture->cols];
    for (int i = 0; i < picture->cols; i++)
        grid_picture(area, x + i, y, cells[i].glyph, cells[i].fg, cells[i].bg);
}

void picture_draw(const struct picture *picture, struct area area, int x, int y)
{
    for (int row = 0; row < picture->rows; row++)
        picture_draw_row(picture, row, area, x, y + row);
}
