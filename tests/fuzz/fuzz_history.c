/*
 * Any bytes as a history file: opened, read in every way, written to, closed,
 * and never a crash; the history is usable afterwards. A first byte of 'S' and
 * what follows are a search instead; behind 'M' are changes to a file of ours,
 * a place of three bytes and a new byte each: they reach what random bytes do
 * not, damage within tables and lists of words.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include "base/paths.h"
#include "store/history.h"

#define OWN "me@example.org"
#define PEER "romeo@example.net"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct place {
    char *dir, *own, *file;
    struct paths *paths;
};

static void remove_all(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        g_remove(inner);
    }
    if (dir)
        g_dir_close(dir);
}

/* In memory where there is such a disk: fsync would be most of the time. */
static struct place make_place(void)
{
    struct place place = { NULL, NULL, NULL, NULL };

    place.dir = g_strdup("/dev/shm/fuzz-history-XXXXXX");
    if (!g_mkdtemp_full(place.dir, 0700)) {
        g_free(place.dir);
        place.dir = g_dir_make_tmp("fuzz-history-XXXXXX", NULL);
    }
    place.paths = paths_new(place.dir, NULL);
    place.own = g_build_filename(place.dir, OWN, NULL);
    place.file = g_build_filename(place.own, "history.db", NULL);
    g_assert_cmpint(g_mkdir(place.own, 0700), ==, 0);
    return place;
}

static void end_place(struct place *place)
{
    remove_all(place->own);
    g_rmdir(place->own);
    g_rmdir(place->dir);
    paths_free(place->paths);
    g_free(place->dir);
    g_free(place->own);
    g_free(place->file);
}

static bool look(const char *chat, const struct message *m, gpointer data)
{
    guint *n = data;

    g_assert_nonnull(chat);
    g_assert_true(!m->body || g_utf8_validate(m->body, -1, NULL));
    return ++*n < 1000;
}

static void done(GPtrArray *array)
{
    if (array)
        g_ptr_array_unref(array);
}

static void search(struct history *h, const char *words)
{
    const struct history_query query = { .words = words, .n = 20 };

    done(history_search_text(h, &query, NULL));
}

static void use(struct history *h, const char *words)
{
    gint64 ord, row;
    guint n = 0;

    done(history_page(h, PEER, G_MAXINT64, 0, true, 50));
    done(history_chats(h, false));
    done(history_chats(h, true));
    done(history_outbox(h));
    done(history_holes(h, OWN));
    g_free(history_archive_last(h, OWN));
    g_free(history_get_value(h, "sm.id"));
    search(h, words);
    search(h, "text");
    search(h, NULL);
    history_seek(h, PEER, 1, &ord, &row);
    history_count(h, NULL);
    history_foreach(h, NULL, look, &n);
    for (guint i = 0; i < 3; i++) {
        const struct chat chat = { .jid = (char *)PEER };
        auto_struct(message) m = message_new();
        auto_struct(message) back = NULL;
        m->type = MESSAGE_CHAT;
        m->from = g_strdup(PEER "/x");
        m->body = g_strdup("a text of ours");
        m->id = g_strdup_printf("id%u", i);
        m->stanza_id = g_strdup_printf("s%u", i);
        m->received_us = m->time_us = G_GINT64_CONSTANT(1700000000000000) + i;
        history_add(h, &chat, m, 0);
        back = history_load(h, m->row);
    }
    history_set_value(h, "sm.id", "x");
}

/* A sound file with some of everything, made once. */
static const GString *get_template(void)
{
    static GString *template;
    struct place place;
    struct history *h;
    char *bytes;
    gsize len;

    if (template)
        return template;
    place = make_place();
    h = history_open(place.paths, OWN, NULL);
    for (guint i = 0; i < 40; i++) {
        const struct chat chat = { .jid = (char *)PEER,
            .draft = (char *)"draft",
            .unread = 3 };
        auto_struct(message) m = message_new();
        m->type = MESSAGE_CHAT;
        m->outgoing = i % 5 == 0;
        m->delivery = m->outgoing ? DELIVERY_QUEUED : DELIVERY_NONE;
        m->from = g_strdup(m->outgoing ? OWN : PEER "/x");
        m->body = g_strdup_printf("our text number %u", i);
        m->id = g_strdup_printf("old%u", i);
        m->received_us = m->time_us = G_GINT64_CONSTANT(1600000000000000) + i;
        history_add(h, &chat, m, 0);
        if (i == 20)
            search(h, "text"); /* half of them in the index */
        history_save_chat(h, &chat);
    }
    history_set_value(h, "sm.id", "y");
    history_commit(h, NULL);
    history_close(h);
    g_assert_true(g_file_get_contents(place.file, &bytes, &len, NULL));
    template = g_string_new_len(bytes, (gssize)len);
    g_free(bytes);
    end_place(&place);
    return template;
}

static char *change(const uint8_t *data, size_t size, gsize *len)
{
    const GString *from = get_template();
    char *bytes = g_memdup2(from->str, from->len);

    *len = from->len;
    for (; size >= 4; data += 4, size -= 4)
        bytes[(data[0] << 16 | data[1] << 8 | data[2]) % *len] =
            (char)data[3];
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *changed = NULL;
    bool is_query = size && data[0] == 'S';
    struct place place;
    struct history *h;
    g_autofree char *words = is_query
        ? g_strndup((const char *)data + 1, size - 1)
        : g_strdup("our text");

    if (size && data[0] == 'M') {
        gsize len;
        changed = change(data + 1, size - 1, &len);
        data = (const uint8_t *)changed;
        size = len;
    }
    place = make_place();
    if (!is_query)
        g_assert_true(g_file_set_contents_full(place.file, (const char *)data,
            (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    h = history_open(place.paths, OWN, NULL);
    use(h, words);
    for (guint i = 0; i < 10 && !history_commit(h, NULL); i++)
        g_usleep(100);
    use(h, words);
    history_clear(h, PEER);
    for (guint i = 0; i < 5; i++)
        history_commit(h, NULL);
    history_close(h);
    end_place(&place);
    return 0;
}
