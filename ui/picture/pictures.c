/*
 * Two tables: links, with the file that was fetched for each, and what files
 * sight like in a given room. Both are bounded; what falls out is made again
 * when it is seen again.
 */
#include "config.h"
#include "ui/picture/pictures.h"
#include "model/account.h"
#include "net/http.h"
#include "ui/pane/chat_text.h"
#include "ui/picture/overlay.h"
#include "ui/ui.h"
#include "ui/term/screen.h"
#include "xep/xep0084_avatar.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINKS_MAX = 256,
    SIGHTS_MAX = 256,
    FETCHING_MAX = 3,
    DECODING_MAX = 2,
    ROWS = 14,             /* of a picture under a message */
    FOLDER_MAX = 64 << 20, /* bytes of the cache */
};

enum state { STATE_IDLE, STATE_QUEUED, STATE_FETCHING, STATE_HERE, STATE_FAILED };

struct waiter {
    pictures_file_fn fn;
    gpointer data;
};

struct link {
    struct pictures *pictures;
    char *url, *file, *error, *ca_file, *proxy;
    enum state state;
    bool shown, hidden; /* the person said so … */
    bool private;       /* … and that it may come from this network */
    struct http *http;
    char *part; /* what is written to */
    int fd;
    GArray *waiters; /* struct waiter */
};

struct sight {
    struct pictures *pictures;
    struct picture *picture;
    char *error;
    struct picture_job *job;
    struct picture_wanted wanted;
    char *file;
    bool queued;
};

struct pictures {
    struct tui *tui;
    GHashTable *links; /* url → struct link */
    GHashTable *sights; /* "COLSxROWS FILE" → struct sight */
    guint fetching, decoding;
    guint changed_source;
    bool trimmed;
};

static void link_free(gpointer data)
{
    struct link *link = data;
    if (link->http)
        http_cancel(link->http);
    if (link->fd >= 0)
        close(link->fd);
    if (link->part)
        g_unlink(link->part);
    g_free(link->part);
    g_free(link->url);
    g_free(link->file);
    g_free(link->error);
    g_free(link->ca_file);
    g_free(link->proxy);
    g_array_unref(link->waiters);
    g_free(link);
}

static void sight_free(gpointer data)
{
    struct sight *sight = data;
    if (sight->job)
        picture_cancel(sight->job);
    picture_free(sight->picture);
    g_free(sight->error);
    g_free(sight->file);
    g_free(sight);
}

struct pictures *pictures_new(struct tui *tui)
{
    struct pictures *pictures = g_new0(struct pictures, 1);
    pictures->tui = tui;
    pictures->links = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, link_free);
    pictures->sights = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, sight_free);
    return pictures;
}

void pictures_free(struct pictures *pictures)
{
    if (!pictures)
        return;
    g_clear_handle_id(&pictures->changed_source, g_source_remove);
    g_hash_table_unref(pictures->links);
    g_hash_table_unref(pictures->sights);
    g_free(pictures);
}

static gboolean on_changed(gpointer data)
{
    struct pictures *pictures = data;
    struct tui *tui = pictures->tui;
    pictures->changed_source = 0;
    for (guint i = 0; i < tui->windows->len; i++) {
        const struct window *window = tui->windows->pdata[i];
        if (window->kind == WINDOW_CHAT)
            pane_chat_relayout(window->pane);
    }
    tui_dirty_all(tui);
    return G_SOURCE_REMOVE;
}

/* Rows come or go; not while they are being drawn. */
static void changed(struct pictures *pictures)
{
    if (!pictures->changed_source)
        pictures->changed_source =
            g_idle_add_full(G_PRIORITY_HIGH, on_changed, pictures, NULL);
}

/* ---- how a file looks ---- */

/* They are many: not over somebody's telephone without being asked for. */
bool pictures_by_pixels(const struct tui *tui)
{
    const char *option = tui_option(tui, "ui.picture_pixels");
    return tui->screen && strcmp(option, "off") != 0 && tui->depth != DEPTH_MONO &&
        (!strcmp(option, "on") || !g_getenv("SSH_CONNECTION"));
}

struct picture_wanted pictures_wanted(
    const struct tui *tui, enum picture_kind kind, int cols, int rows)
{
    struct picture_wanted wanted = { .kind = kind, .depth = tui->depth, .ascii = tui->ascii,
        .cols = CLAMP(cols, 1, PICTURE_CELLS_MAX), .rows = CLAMP(rows, 1, PICTURE_CELLS_MAX),
        .cell_width = 8, .cell_height = 16 };
    if (tui->screen)
        screen_cell(tui->screen, &wanted.cell_width, &wanted.cell_height);
    return wanted;
}

static void on_decoded(struct picture *picture, const GError *error, gpointer data);

static void decode_more(struct pictures *pictures)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, pictures->sights);
    while (pictures->decoding < DECODING_MAX && g_hash_table_iter_next(&iter, NULL, &value)) {
        struct sight *sight = value;
        if (!sight->queued)
            continue;
        sight->queued = false;
        pictures->decoding++;
        sight->job = picture_decode(sight->file, &sight->wanted, on_decoded, sight);
    }
}

static void on_decoded(struct picture *picture, const GError *error, gpointer data)
{
    struct sight *sight = data;
    sight->job = NULL;
    sight->picture = picture;
    if (error)
        sight->error = g_strdup(error->message);
    sight->pictures->decoding--;
    decode_more(sight->pictures);
    changed(sight->pictures);
}

static gboolean is_done(gpointer key, gpointer value, gpointer data)
{
    const struct sight *sight = value;
    (void)key;
    (void)data;
    return !sight->job && !sight->queued;
}

static struct sight *sight_of(struct pictures *pictures, const char *file, int cols, int rows)
{
    struct picture_wanted wanted = pictures_wanted(pictures->tui, PICTURE_CELLS, cols, rows);
    g_autofree char *key = g_strdup_printf("%dx%d %d %d %s", cols, rows, (int)wanted.depth,
        wanted.ascii, file);
    struct sight *sight = g_hash_table_lookup(pictures->sights, key);
    if (sight)
        return sight;
    if (g_hash_table_size(pictures->sights) >= SIGHTS_MAX)
        g_hash_table_foreach_remove(pictures->sights, is_done, NULL);
    sight = g_new0(struct sight, 1);
    *sight = (struct sight){ .pictures = pictures, .wanted = wanted, .queued = true,
        .file = g_strdup(file) };
    g_hash_table_insert(pictures->sights, g_steal_pointer(&key), sight);
    decode_more(pictures);
    return sight;
}

const struct picture *pictures_of_file(
    struct pictures *pictures, const char *file, int cols, int rows)
{
    return sight_of(pictures, file, cols, rows)->picture;
}

const char *pictures_file_error(
    struct pictures *pictures, const char *file, int cols, int rows)
{
    return sight_of(pictures, file, cols, rows)->error;
}

enum { FACE_ROWS = 8, FACE_ROWS_MIN = 3 };

bool pictures_draw_face(
    struct tui *tui, struct account *account, const char *jid, struct area area)
{
    const char *option = tui_option(tui, "ui.avatars");
    int rows = MIN(area.rows, FACE_ROWS), cols = MIN(area.cols, rows * 2);
    if (rows < FACE_ROWS_MIN || cols < FACE_ROWS_MIN * 2 || !strcmp(option, "off") ||
        (!strcmp(option, "auto") && (g_getenv("SSH_CONNECTION") || tui->depth < DEPTH_256)))
        return false;
    g_autofree char *file = avatar_file(account, jid);
    const struct picture *picture =
        file ? pictures_of_file(tui->pictures, file, cols, rows) : NULL;
    if (!picture)
        return false;
    int x = area.cols - picture->cols, y = area.rows - picture->rows;
    picture_draw(picture, area, x, y);
    overlays_offer(tui->overlays, picture, file, area, x, y);
    return true;
}

/* ---- the files ---- */

static char *folder_of(const struct pictures *pictures)
{
    return g_build_filename(pictures->tui->app->paths->cache_dir, "pictures", NULL);
}

struct kept {
    char *path;
    gint64 size, time;
};

static void kept_clear(gpointer data)
{
    g_free(((struct kept *)data)->path);
}

static int by_age(gconstpointer a, gconstpointer b)
{
    const struct kept *x = a, *y = b;
    return x->time < y->time ? 1 : -(x->time > y->time);
}

/* The oldest go when there is too much; once a session is enough. */
static void trim(struct pictures *pictures, const char *folder)
{
    if (pictures->trimmed)
        return;
    pictures->trimmed = true;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(struct kept));
    g_array_set_clear_func(files, kept_clear);
    const char *name;
    gint64 sum = 0;
    while (dir && (name = g_dir_read_name(dir))) {
        struct kept file = { g_build_filename(folder, name, NULL), 0, 0 };
        GStatBuf st;
        if (g_lstat(file.path, &st) == 0) {
            file.size = st.st_size;
            file.time = g_str_has_suffix(name, ".part") ? 0 : st.st_mtime;
        }
        g_array_append_val(files, file);
    }
    g_array_sort(files, by_age);
    for (guint i = 0; i < files->len; i++) {
        const struct kept *file = &g_array_index(files, struct kept, i);
        sum += file->size;
        if (sum > FOLDER_MAX || !file->time)
            g_unlink(file->path);
    }
}

static void start(struct link *link);

static void fetch_more(struct pictures *pictures)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, pictures->links);
    while (pictures->fetching < FETCHING_MAX && g_hash_table_iter_next(&iter, NULL, &value)) {
        struct link *link = value;
        if (link->state == STATE_QUEUED)
            start(link);
    }
}

static void end(struct link *link, const GError *error)
{
    struct pictures *pictures = link->pictures;
    link->state = error ? STATE_FAILED : STATE_HERE;
    g_free(link->error);
    link->error = error ? g_strconcat(error->message,
        g_error_matches(error, HTTP_ERROR, HTTP_ERROR_PRIVATE)
            ? _(" Say --private if you want it from there.") : NULL, NULL) : NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    g_clear_pointer(&link->part, g_free);
    g_autoptr(GArray) waiters = link->waiters;
    link->waiters = g_array_new(FALSE, FALSE, sizeof(struct waiter));
    g_autofree char *file = error ? NULL : g_strdup(link->file);
    for (guint i = 0; i < waiters->len; i++) {
        const struct waiter *waiter = &g_array_index(waiters, struct waiter, i);
        waiter->fn(file, error, waiter->data);
    }
    changed(pictures);
}

static bool on_bytes(struct http *http, const char *bytes, gsize len, gpointer data)
{
    const struct link *link = data;
    (void)http;
    while (len) {
        gssize n = write(link->fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (gsize)n;
    }
    return true;
}

static void on_done(struct http *http, const GError *error, gpointer data)
{
    struct link *link = data;
    struct pictures *pictures = link->pictures;
    g_autoptr(GError) own = NULL;
    (void)http;
    link->http = NULL;
    pictures->fetching--;
    if (error)
        g_unlink(link->part);
    else if (g_rename(link->part, link->file) < 0)
        g_set_error(&own, PICTURE_ERROR, 0, _("The picture cannot be kept in %s: %s"), link->file,
            g_strerror(errno));
    end(link, error ? error : own);
    fetch_more(pictures);
}

static int make_part(struct link *link, GError **error)
{
    g_autofree char *folder = folder_of(link->pictures);
    if (!paths_make_private_dir(folder, error))
        return -1;
    trim(link->pictures, folder);
    link->part = g_strconcat(link->file, ".part", NULL);
    g_unlink(link->part); /* one that was left over */
    int fd = open(link->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        g_set_error(error, PICTURE_ERROR, 0, _("%s cannot be written: %s"), link->part,
            g_strerror(errno));
    return fd;
}

static void start(struct link *link)
{
    static const struct http_events events = { on_bytes, on_done };
    struct pictures *pictures = link->pictures;
    g_autoptr(GError) error = NULL;
    link->fd = make_part(link, &error);
    if (link->fd < 0) {
        end(link, error);
        return;
    }
    const struct http_get get = { .url = link->url, .ca_file = link->ca_file,
        .proxy = link->proxy, .max_bytes = PICTURE_FILE_MAX,
        .allow_private = link->private };
    link->state = STATE_FETCHING;
    pictures->fetching++;
    link->http = http_get(&get, &events, link);
}

static gboolean is_useless(gpointer key, gpointer value, gpointer data)
{
    const struct link *link = value;
    (void)key;
    (void)data;
    return !link->shown && !link->hidden && link->state != STATE_FETCHING &&
        link->state != STATE_QUEUED;
}

static struct link *link_of(struct pictures *pictures, const char *url)
{
    struct link *link = g_hash_table_lookup(pictures->links, url);
    if (link)
        return link;
    if (g_hash_table_size(pictures->links) >= LINKS_MAX)
        g_hash_table_foreach_remove(pictures->links, is_useless, NULL);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, url, -1);
    g_autofree char *folder = folder_of(pictures);
    link = g_new0(struct link, 1);
    *link = (struct link){ .pictures = pictures, .url = g_strdup(url), .fd = -1,
        .file = g_build_filename(folder, sum, NULL),
        .waiters = g_array_new(FALSE, FALSE, sizeof(struct waiter)) };
    if (access(link->file, R_OK) == 0)
        link->state = STATE_HERE;
    g_hash_table_insert(pictures->links, link->url, link);
    return link;
}

static void want(struct link *link, const struct account *account)
{
    const struct app *app = link->pictures->tui->app;
    if (link->state != STATE_IDLE && link->state != STATE_FAILED)
        return;
    g_free(link->proxy);
    g_free(link->ca_file);
    link->proxy = g_strdup(account_option(account, "account.proxy"));
    link->ca_file = g_strdup(
        app->config.ca_file ? app->config.ca_file : account_option(account, "account.ca_file"));
    link->state = STATE_QUEUED;
    fetch_more(link->pictures);
}

void pictures_allow_private(struct pictures *pictures, const char *url)
{
    link_of(pictures, url)->private = true;
}

void pictures_fetch(struct pictures *pictures, struct account *account, const char *url,
    pictures_file_fn fn, gpointer data)
{
    struct link *link = link_of(pictures, url);
    want(link, account);
    if (link->state == STATE_HERE) {
        fn(link->file, NULL, data);
        return;
    }
    const struct waiter waiter = { fn, data };
    g_array_append_val(link->waiters, waiter);
}

void pictures_forget(struct pictures *pictures, gpointer data)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, pictures->links);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        GArray *waiters = ((struct link *)value)->waiters;
        for (guint i = waiters->len; i-- > 0;)
            if (g_array_index(waiters, struct waiter, i).data == data)
                g_array_remove_index(waiters, i);
    }
}

/* ---- under messages ---- */

void pictures_show(struct pictures *pictures, struct account *account, const char *url, bool show)
{
    struct link *link = link_of(pictures, url);
    link->shown = show;
    link->hidden = !show;
    if (show)
        want(link, account);
    changed(pictures);
}

bool pictures_is_shown(const struct pictures *pictures, const char *url)
{
    const struct link *link = g_hash_table_lookup(pictures->links, url);
    return link && link->shown;
}

static bool looks_like_one(const char *url)
{
    static const char *const ends[] = { ".png", ".jpg", ".jpeg", ".webp", ".gif" };
    gsize len = strcspn(url, "?#");
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        gsize n = strlen(ends[i]);
        if (len > n && !g_ascii_strncasecmp(url + len - n, ends[i], n))
            return true;
    }
    return false;
}

/* Who gets to know our address without a question: contacts who see our
 * presence already, where the line is not somebody's telephone. */
static bool comes_by_itself(const struct chat *chat, const struct message *message)
{
    if (g_getenv("SSH_CONNECTION") || message->outgoing || chat->kind != CHAT_CONTACT)
        return false;
    const struct contact *contact = roster_find(chat->account->roster, chat->jid);
    return contact && (contact->subscription == SUB_FROM || contact->subscription == SUB_BOTH);
}

static struct link *shown_link(struct pictures *pictures, const struct chat *chat,
    const struct message *message, const char *url, bool by_itself)
{
    struct link *link = g_hash_table_lookup(pictures->links, url);
    if (link && link->shown)
        return link;
    if (!by_itself || (link && link->hidden) || !looks_like_one(url) ||
        !comes_by_itself(chat, message))
        return NULL;
    link = link_of(pictures, url);
    link->shown = true;
    if (link->state == STATE_IDLE)
        want(link, chat->account);
    return link;
}

/* The first of its links whose picture is to be seen. */
static struct link *link_of_message(struct pictures *pictures, const struct chat *chat,
    const struct message *message, bool by_itself)
{
    struct link *link = NULL;
    if ((!by_itself && g_hash_table_size(pictures->links) == 0) ||
        (!message->oob && (!message->body || !strstr(message->body, "https://"))))
        return NULL;
    g_autoptr(GPtrArray) urls = message_links(message);
    for (guint i = 0; i < urls->len && !link; i++)
        link = shown_link(pictures, chat, message, urls->pdata[i], by_itself);
    return link;
}

int pictures_rows(struct pictures *pictures, const struct chat *chat,
    const struct message *message, int cols)
{
    if (!pictures || message->type == MESSAGE_ERROR)
        return 0;
    bool by_itself = !strcmp(tui_option(pictures->tui, "ui.pictures"), "contacts");
    struct link *link = link_of_message(pictures, chat, message, by_itself);
    if (!link)
        return 0;
    const struct sight *sight =
        link->state == STATE_HERE ? sight_of(pictures, link->file, cols, ROWS) : NULL;
    return sight && sight->picture ? sight->picture->rows : 1;
}

void pictures_draw_row(struct pictures *pictures, const struct chat *chat,
    const struct message *message, int row, struct area area, int x, int y, int cols)
{
    const struct link *link = link_of_message(pictures, chat, message, false);
    if (!link)
        return;
    const struct sight *sight =
        link->state == STATE_HERE ? sight_of(pictures, link->file, cols, ROWS) : NULL;
    if (sight && sight->picture) {
        struct area room = area_sub(area, x, 0, cols, area.rows);
        picture_draw_row(sight->picture, row, room, 0, y);
        if (row == 0)
            overlays_offer(pictures->tui->overlays, sight->picture, link->file, room, 0, y);
        return;
    }
    const char *error = sight ? sight->error : link->error;
    if (row == 0)
        grid_text_fit(area, x, y, cols, style_of(error ? ROLE_ERROR : ROLE_DIM),
            error ? error : _("the picture is on its way…"));
}
