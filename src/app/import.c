/*
 * /import: the logs of other clients into the store. Their files are read as
 * anybody's: bounded lines, no link followed, nothing in a database run. Every
 * message gets an id made of what it says, so that importing twice changes
 * nothing; and where its log gives it none, one of the same words that is here
 * from the same seconds is taken for it; so does the store with what the archive
 * brings later. A bounded part is read a turn.
 *
 * profanity: chatlog.db (SQLite), or chatlogs/OWN_at_HOST/PEER_at_HOST/
 * YYYY_MM_DD.log with lines "TIME - me|JID: TEXT" or "TIME - *me|JID TEXT",
 * further lines of a text as they are. mcabber: histo/JID with
 * "TC YYYYMMDDTHH:MM:SSZ NNN TEXT", T M for messages, C S for sent, NNN further
 * lines (hlog.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gio/gio.h>

#include "app/history_private.h"
#include "base/stamp.h"
#include "base/text.h"
#include "model/jid.h"
#include "store/foreign.h"

#define BYTES_A_TURN 65536
#define ROWS_A_TURN 500
#define SAME_US (10 * G_USEC_PER_SEC) /* clocks differ, seconds are cut off */
#define LINE_MAX_BYTES (1024 * 1024)
#define TEXT_MAX_BYTES (1024 * 1024)
#define FILES_MAX 100000
#define NEAR_MAX 100
#define DEPTH_MAX 6

struct import {
    struct account *account;
    struct job *job;
    char *chat;       /* given with "in"; NULL: as the file says */
    GPtrArray *files; /* char *: paths still to read, last first */
    guint n_files, added, known, skipped;
    guint idle;
    GHashTable *touched; /* chat JIDs */
    /* the file that is being read */
    int fd;           /* -1: none */
    GString *line;    /* as far as it was read */
    bool bad_line;    /* … too long, or of a binary */
    struct foreign *rows;
    bool is_histo;
    char *peer;
    gint64 day_us;    /* of a log by days; local midnight */
    /* the message whose lines are being read */
    struct message *message;
    GString *text;
    guint more;       /* lines that histo has promised */
};

/* ---- one message ------------------------------------------------------- */

static char *id_of(const struct message *m)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *head = g_strdup_printf("%" G_GINT64_FORMAT "\n%s\n%s\n",
        m->time_us, m->from, m->to);
    g_checksum_update(sum, (const guchar *)head, -1);
    g_checksum_update(sum, (const guchar *)m->body, -1);
    return g_strdup(g_checksum_get_string(sum));
}

/* Is it here from an archive, or by itself? */
static bool is_here(
    const struct import *import, const char *jid, const struct message *message)
{
    gint64 from = message->time_us - SAME_US;
    g_autoptr(GPtrArray) near = history_page(
        import->account->history, jid, from, from, false, NEAR_MAX);
    for (guint i = 0; i < near->len; i++) {
        const struct message *m = near->pdata[i];
        if (m->row > message->time_us + SAME_US)
            break;
        if (m->outgoing == message->outgoing &&
            g_strcmp0(m->stanza_by, HISTORY_IMPORTED) != 0 &&
            g_strcmp0(m->body, message->body) == 0)
            return true;
    }
    return false;
}

/* Takes message, whose from, to, time and body are set. */
static void keep(struct import *import, struct message *message)
{
    struct account *account = import->account;
    const char *peer = message->outgoing ? message->to : message->from;
    g_autofree char *bare = jid_bare(peer);
    struct chat *chat = account_find_chat(account, bare);
    struct chat *passing = chat ? NULL : chat_new(account, bare, CHAT_CONTACT);
    bool known = !message->stanza_id && is_here(import, bare, message);
    message->type = MESSAGE_CHAT;
    message->received_us = stamp_now();
    message->archive = message->delayed = true;
    if (!message->stanza_id) {
        message->stanza_id = id_of(message);
        message->stanza_by = g_strdup(HISTORY_IMPORTED);
    }
    if (known || history_add(account->history, chat ? chat : passing, message,
                     message->time_us) == HISTORY_DUPLICATE) {
        import->known++;
    } else {
        import->added++;
        g_hash_table_add(import->touched, g_strdup(bare));
        if (chat && chat->messages->len > 0 && chat_place(chat, message))
            message = NULL;
    }
    message_free(message);
    chat_free(passing);
}

static void finish_message(struct import *import)
{
    struct message *message = g_steal_pointer(&import->message);
    gsize len = import->text->len;
    while (len > 0 && import->text->str[len - 1] == '\n')
        len--;
    g_string_truncate(import->text, len);
    if (!message)
        return;
    message->body = text_xml_clean(import->text->str, (gssize)len, NULL);
    if (*message->body) {
        keep(import, message);
        return;
    }
    message_free(message);
    import->skipped++;
}

static void begin_message(struct import *import, gint64 time_us, bool outgoing,
    const char *text, gsize len)
{
    const char *own = import->account->jid;
    finish_message(import);
    struct message *m = message_new();
    m->time_us = time_us;
    m->outgoing = outgoing;
    m->from = g_strdup(outgoing ? own : import->peer);
    m->to = g_strdup(outgoing ? import->peer : own);
    import->message = m;
    g_string_truncate(import->text, 0);
    g_string_append_len(import->text, text, (gssize)len);
}

static void add_line(struct import *import, const char *line)
{
    if (!import->message || import->text->len > TEXT_MAX_BYTES)
        return;
    g_string_append_c(import->text, '\n');
    g_string_append(import->text, line);
}

/* ---- profanity's text -------------------------------------------------- */

static bool read_time(struct import *import, const char *text, gint64 *time_us)
{
    int hour, minute, second;
    if (import->day_us &&
        sscanf(text, "%2d:%2d:%2d", &hour, &minute, &second) == 3 &&
        strlen(text) == 8) {
        *time_us = import->day_us +
                   (gint64)(hour * 3600 + minute * 60 + second) *
                       G_USEC_PER_SEC;
        return true;
    }
    /* ISO 8601 as GLib writes it: a zone of +01 or +0100 */
    const char *zone = strchr(text, 'T') ? strpbrk(strchr(text, 'T'), "+-") : NULL;
    gsize len = zone ? strlen(zone) : 0;
    if (len != 3 && len != 5)
        return stamp_parse(text, time_us);
    g_autofree char *fixed = g_strdup_printf("%.*s:%s",
        (int)(zone - text) + 3, text, len == 5 ? zone + 3 : "00");
    return stamp_parse(fixed, time_us);
}

static bool profanity_line(struct import *import, const char *line)
{
    const char *dash = strstr(line, " - ");
    gint64 time_us;
    if (!dash || dash == line || dash - line > 40)
        return false;
    g_autofree char *stamp = g_strndup(line, (gsize)(dash - line));
    if (!read_time(import, stamp, &time_us))
        return false;
    const char *who = dash + 3;
    if (*who == '*') { /* /me */
        const char *end = strchr(++who, ' ');
        if (!end)
            return false;
        g_autofree char *text = g_strconcat("/me ", end + 1, NULL);
        begin_message(import, time_us, strncmp(who, "me ", 3) == 0, text,
            strlen(text));
        return true;
    }
    const char *colon = strstr(who, ": ");
    if (!colon)
        return false;
    begin_message(import, time_us, strncmp(who, "me: ", 4) == 0, colon + 2,
        strlen(colon + 2));
    return true;
}

/* ---- mcabber ----------------------------------------------------------- */

static bool histo_line(struct import *import, const char *line)
{
    g_autofree char *stamp = NULL;
    gint64 time_us;
    gsize len = strlen(line);
    if (len < 25 || line[2] != ' ' || line[21] != ' ' ||
        (line[25] && line[25] != ' ') ||
        !g_ascii_isdigit(line[22]) || !g_ascii_isdigit(line[23]) ||
        !g_ascii_isdigit(line[24]))
        return false;
    stamp = g_strndup(line + 3, 18);
    g_strchomp(stamp);
    if (g_str_has_suffix(stamp, "Z")) /* XEP-0091 with a Z */
        stamp[strlen(stamp) - 1] = '\0';
    if (!stamp_parse(stamp, &time_us))
        return false;
    finish_message(import);
    import->more = (guint)atoi(line + 22);
    if (line[0] != 'M' || (line[1] != 'S' && line[1] != 'R'))
        return true; /* a change of status, a remark of the program */
    begin_message(
        import, time_us, line[1] == 'S', line + 26, len > 26 ? len - 26 : 0);
    return true;
}

/* ---- profanity's database ---------------------------------------------- */

static void db_row(struct import *import)
{
    struct foreign *row = import->rows;
    const char *from = foreign_text(row, 0), *to = foreign_text(row, 1);
    const char *body = foreign_text(row, 2), *stanza = foreign_text(row, 4);
    const char *archive = foreign_text(row, 5);
    const char *own = import->account->jid;
    gint64 time_us;
    g_autofree char *f = jid_prepare(from, NULL), *t = jid_prepare(to, NULL);
    bool outgoing = f && jid_bare_equal(f, own);
    g_free(import->peer);
    import->peer = f && t ? jid_bare(outgoing ? t : f) : NULL;
    if (!import->peer || !*body || strlen(body) > TEXT_MAX_BYTES ||
        (!outgoing && !jid_bare_equal(t, own)) ||
        strcmp(foreign_text(row, 6), "chat") != 0 ||
        (import->chat && strcmp(import->chat, import->peer) != 0) ||
        !read_time(import, foreign_text(row, 3), &time_us)) {
        import->skipped++;
        return;
    }
    begin_message(import, time_us, outgoing, body, strlen(body));
    if (*stanza && strlen(stanza) <= 1024 && import->message)
        import->message->id = text_xml_clean(stanza, -1, NULL);
    if (*archive && strlen(archive) <= 1024 && import->message) {
        import->message->stanza_id = text_xml_clean(archive, -1, NULL);
        import->message->stanza_by = g_strdup(own);
    }
    finish_message(import);
}

static bool open_db(struct import *import, const char *path)
{
    static const char sql[] =
        "SELECT from_jid, to_jid, message, timestamp, stanza_id, archive_id, "
        "type FROM ChatLogs ORDER BY id";
    import->rows = foreign_open(path, sql);
    return import->rows != NULL;
}

/* ---- files ------------------------------------------------------------- */

static void close_file(struct import *import)
{
    finish_message(import);
    if (import->fd >= 0)
        close(import->fd);
    import->fd = -1;
    g_string_truncate(import->line, 0);
    import->bad_line = false;
    g_clear_pointer(&import->rows, foreign_close);
    g_clear_pointer(&import->peer, g_free);
    import->more = 0;
}

/* romeo_at_example.net → romeo@example.net; rooms have a folder of their own. */
static char *peer_of_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(folder);
    g_autofree char *above = g_path_get_dirname(folder);
    char *at = strstr(name, "_at_");
    if (g_str_has_suffix(above, "/rooms"))
        return NULL;
    if (!at)
        return jid_prepare(name, NULL);
    *at = '\0';
    g_autofree char *jid = g_strconcat(name, "@", at + 4, NULL);
    return jid_prepare(jid, NULL);
}

static gint64 day_of(const char *path)
{
    g_autofree char *name = g_path_get_basename(path);
    struct tm tm = { .tm_isdst = -1 };
    if (strlen(name) < 14 || sscanf(name, "%4d_%2d_%2d", &tm.tm_year,
                                 &tm.tm_mon, &tm.tm_mday) != 3)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    const struct tm said = tm;
    time_t day = mktime(&tm);
    if (tm.tm_mday != said.tm_mday || tm.tm_mon != said.tm_mon)
        return 0;
    return day > 0 ? (gint64)day * G_USEC_PER_SEC : 0;
}

static bool is_histo(const char *head)
{
    return strlen(head) > 13 && g_ascii_isupper(head[0]) && head[2] == ' ' &&
           g_ascii_isdigit(head[3]) && head[11] == 'T';
}

/* False: nothing that is known. */
static bool open_file(struct import *import, const char *path)
{
    char head[17] = "";
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        read(fd, head, 16) < 0 || lseek(fd, 0, SEEK_SET) != 0) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (memcmp(head, "SQLite format 3", 16) == 0) {
        close(fd);
        return open_db(import, path);
    }
    import->fd = fd;
    import->is_histo = is_histo(head);
    import->day_us = import->is_histo ? 0 : day_of(path);
    if (import->chat)
        import->peer = g_strdup(import->chat);
    else if (import->is_histo) {
        g_autofree char *name = g_path_get_basename(path);
        import->peer = jid_prepare(name, NULL);
    } else if (import->day_us) {
        import->peer = peer_of_folder(path);
    }
    return import->peer && jid_is_bare(import->peer);
}

static void list_files(struct import *import, const char *path, int depth)
{
    struct stat st;
    if (lstat(path, &st) != 0 || import->files->len >= FILES_MAX)
        return;
    if (S_ISREG(st.st_mode)) {
        g_ptr_array_add(import->files, g_strdup(path));
        return;
    }
    g_autoptr(GDir) dir = S_ISDIR(st.st_mode) && depth < DEPTH_MAX
                              ? g_dir_open(path, 0, NULL)
                              : NULL;
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        list_files(import, inner, depth + 1);
    }
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    return -strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- turns ------------------------------------------------------------- */

static void import_free(gpointer data)
{
    struct import *import = data;
    g_clear_handle_id(&import->idle, g_source_remove);
    message_free(g_steal_pointer(&import->message));
    close_file(import);
    g_ptr_array_unref(import->files);
    g_hash_table_unref(import->touched);
    g_string_free(import->text, TRUE);
    g_string_free(import->line, TRUE);
    g_free(import->chat);
    g_free(import);
}

/* What was imported is read, unless there is something unread. */
static void mark_read(struct import *import)
{
    struct account *account = import->account;
    GHashTableIter iter;
    gpointer jid;
    g_hash_table_iter_init(&iter, import->touched);
    while (g_hash_table_iter_next(&iter, &jid, NULL)) {
        struct chat *chat = account_find_chat(account, jid);
        g_autoptr(GPtrArray) last = history_page(account->history, jid,
            G_MAXINT64, G_MAXINT64, true, 1);
        if (last->len > 0 && !(chat && chat->unread > 0))
            history_set_read(account->history, jid,
                ((const struct message *)last->pdata[0])->row, NULL);
        if (chat)
            account_emit(account, (struct event){ .type = EVENT_CHAT_CHANGED,
                                      .chat = chat });
    }
}

static void one_line(struct import *import, const char *line)
{
    if (import->more > 0) {
        import->more--;
        add_line(import, line);
    } else if (import->is_histo ? !histo_line(import, line)
                                : !profanity_line(import, line)) {
        if (import->is_histo || !import->message)
            import->skipped++;
        else
            add_line(import, line);
    }
}

static void end_line(struct import *import)
{
    g_autofree char *line =
        g_utf8_make_valid(import->line->str, (gssize)import->line->len);
    if (import->bad_line)
        import->skipped++;
    else
        one_line(import, g_strchomp(line));
    g_string_truncate(import->line, 0);
    import->bad_line = false;
}

/* A line may be as long as the file: no more of it is kept than may count. */
static void add_piece(struct import *import, const char *piece, gsize len)
{
    if (import->line->len + len > LINE_MAX_BYTES || memchr(piece, '\0', len))
        import->bad_line = true;
    if (!import->bad_line)
        g_string_append_len(import->line, piece, (gssize)len);
}

static bool read_lines(struct import *import)
{
    char buffer[BYTES_A_TURN];
    ssize_t n = read(import->fd, buffer, sizeof buffer);
    const char *at = buffer, *end = buffer + MAX(n, 0);
    while (at < end) {
        const char *stop = memchr(at, '\n', (gsize)(end - at));
        add_piece(import, at, (gsize)((stop ? stop : end) - at));
        if (stop)
            end_line(import);
        at = stop ? stop + 1 : end;
    }
    if (n <= 0 && (import->line->len > 0 || import->bad_line))
        end_line(import);
    return n > 0 || (n < 0 && errno == EINTR);
}

static bool read_rows(struct import *import)
{
    for (guint i = 0; i < ROWS_A_TURN; i++) {
        if (!foreign_next(import->rows))
            return false;
        db_row(import);
    }
    return true;
}

static gboolean on_idle(gpointer data)
{
    struct import *import = data;
    if (import->fd >= 0 || import->rows) {
        if (!(import->rows ? read_rows(import) : read_lines(import)))
            close_file(import);
        session_store_changed(import->account);
        return G_SOURCE_CONTINUE;
    }
    if (import->files->len > 0) {
        g_autofree char *path =
            g_ptr_array_steal_index(import->files, import->files->len - 1);
        if (open_file(import, path))
            import->n_files++;
        else
            close_file(import);
        return G_SOURCE_CONTINUE;
    }
    import->idle = 0;
    mark_read(import);
    session_store_changed(import->account);
    struct job *job = import->job;
    if (import->n_files == 0) {
        job_fail(job, "item-not-found",
            "%s is no log that is known: chatlogs or chatlog.db of profanity, "
            "histo files of mcabber. With a single log say whose: in JID",
            job_arg(job, "path"));
        return G_SOURCE_REMOVE;
    }
    JOB_ROW(job, "import", FIELD_I("files", import->n_files),
        FIELD_I("added", import->added), FIELD_I("known", import->known),
        FIELD_I("skipped", import->skipped));
    job_done(job);
    return G_SOURCE_REMOVE;
}

static enum cmd_status run_import(struct job *job)
{
    struct account *account = job_account(job);
    const char *path = job_arg(job, "path");
    if (!account->history)
        return job_fail(job, "not-allowed",
            "Nothing is stored for %s, so nothing can be imported.",
            account->jid);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return job_fail(job, "item-not-found", "There is no %s; check the name of the file.", path);
    struct import *import = g_new0(struct import, 1);
    *import = (struct import){ .account = account, .job = job,
        .chat = g_strdup(job_arg(job, "chat")),
        .files = g_ptr_array_new_with_free_func(g_free),
        .touched =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .text = g_string_new(NULL), .line = g_string_new(NULL), .fd = -1 };
    job_set_data(job, import, import_free);
    list_files(import, path, 0);
    g_ptr_array_sort(import->files, compare_paths);
    import->idle = g_idle_add(on_idle, import);
    return CMD_WAIT;
}

static const char *const examples[] = {
    "/import ~/.local/share/profanity/chatlogs/juliet_at_example.com",
    "What profanity logged of this account",
    "/import ~/.mcabber/histo", "What mcabber logged", NULL,
};

const struct command app_import_commands[] = {
    { .name = "import", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "path", .kind = &arg_file,
                      .summary = "a log or a folder of logs" },
            IN_CHAT },
        .words = "load migrate profanity mcabber logs move file",
        .summary = "Take the logs of another client into the store",
        .detail = "profanity: chatlogs or chatlog.db; mcabber: histo. "
                  "Importing again adds nothing twice, nor what comes from the "
                  "server before or after. Logs of rooms are left out.",
        .examples = examples,
        .fields = "import: files added known skipped",
        .run = run_import },
    { .name = NULL },
};
