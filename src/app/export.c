/* /export: messages of the store or the roster into a new file, a page of
 * messages a turn, so that a million of them do not stop anything. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#include "app/history_private.h"
#include "base/intl.h"
#include "base/stamp.h"
#include "base/text.h"
#include "cmd/json.h"

#define PAGE 500

enum format { FORMAT_JSON, FORMAT_TXT, FORMAT_CSV };

static void append_json(GString *out, const char *name, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(
        out, "%s\"%s\":", out->str[out->len - 1] == '{' ? "" : ",", name);
    json_append_string(out, value);
}

/* RFC 4180; a leading = + - @ would be a formula to a spreadsheet. */
static void append_csv(GString *out, const char *value, bool first)
{
    g_string_append(out, first ? "\"" : ",\"");
    if (value && strchr("=+-@\t\r", *value) && *value)
        g_string_append_c(out, '\'');
    for (const char *p = value; p && *p; p++) {
        if (*p == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}

static void append_record(GString *out, enum format format,
    const char *const *names, const char *const *values, gsize n)
{
    if (format == FORMAT_JSON) {
        g_string_append_c(out, '{');
        for (gsize i = 0; i < n; i++)
            append_json(out, names[i], values[i]);
        g_string_append(out, "}\n");
        return;
    }
    for (gsize i = 0; i < n; i++) {
        if (format == FORMAT_CSV) {
            append_csv(out, values[i], i == 0);
            continue;
        }
        g_autofree char *clean =
            text_clean(values[i] ? values[i] : "", -1, TEXT_ONE_LINE);
        g_string_append_printf(out, "%s%s", i ? "\t" : "", clean);
    }
    g_string_append(out, format == FORMAT_CSV ? "\r\n" : "\n");
}

static void export_message(
    GString *out, enum format format, const struct message *m)
{
    static const char *const names[] = { "time", "direction", "from", "to",
        "body", "id", "stanza_id" };
    g_autofree char *time = stamp_format(m->time_us);
    if (format == FORMAT_TXT) {
        /* Every further line of a text is indented: none can pass for the
         * beginning of another message (H55). */
        g_autofree char *body = text_clean(m->body ? m->body : "", -1, 0);
        g_auto(GStrv) lines = g_strsplit(body, "\n", -1);
        g_autofree char *text = g_strjoinv("\n    ", lines);
        g_autofree char *from =
            text_clean(m->from ? m->from : "", -1, TEXT_ONE_LINE);
        g_string_append_printf(out, "%s %s: %s\n", time, from, text);
        return;
    }
    const char *values[] = { time, m->outgoing ? "out" : "in", m->from, m->to,
        m->body, m->id, m->stanza_id };
    append_record(out, format, names, values, G_N_ELEMENTS(names));
}

struct roster_export {
    GString *out;
    enum format format;
    gint64 count;
};

static void export_contact(struct contact *contact, gpointer data)
{
    static const char *const names[] = { "jid", "name", "subscription",
        "groups" };
    struct roster_export *export = data;
    if (!contact->in_roster)
        return;
    export->count++;
    g_autofree char *groups =
        contact->groups ? g_strjoinv(",", contact->groups) : g_strdup("");
    const char *values[] = { contact->jid, contact->name,
        subscription_name(contact->subscription), groups };
    append_record(export->out, export->format, names, values,
        G_N_ELEMENTS(names));
}

static enum format format_of(struct job *job)
{
    const char *word = job_arg(job, "format");
    const char *file = job_arg(job, "file");
    if (!word)
        word = g_str_has_suffix(file, ".csv") ? "csv"
            : g_str_has_suffix(file, ".txt") ? "txt" : "json";
    return strcmp(word, "csv") == 0 ? FORMAT_CSV
        : strcmp(word, "txt") == 0 ? FORMAT_TXT : FORMAT_JSON;
}

struct export {
    struct account *account;
    struct job *job;
    enum format format;
    char *path;
    int fd;
    GPtrArray *chats; /* char *: their JIDs */
    guint at;         /* of the one that is being written */
    gint64 row;       /* last one written of it */
    gint64 count;
    GString *out;
    guint idle;
};

/* A new file, private; nothing that exists is written over or followed. */
static bool open_new(struct export *export)
{
    export->fd = open(export->path,
        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return export->fd >= 0;
}

static bool flush(struct export *export)
{
    gsize done = 0;
    while (done < export->out->len) {
        ssize_t n = write(
            export->fd, export->out->str + done, export->out->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (gsize)n;
    }
    g_string_truncate(export->out, 0);
    return true;
}

static void export_free(gpointer data)
{
    struct export *export = data;
    g_clear_handle_id(&export->idle, g_source_remove);
    if (export->fd >= 0)
        close(export->fd);
    g_ptr_array_unref(export->chats);
    g_string_free(export->out, TRUE);
    g_free(export->path);
    g_free(export);
}

static enum cmd_status finish(struct export *export, bool ok)
{
    struct job *job = export->job;
    g_clear_handle_id(&export->idle, g_source_remove);
    if (ok && flush(export) && fsync(export->fd) == 0) {
        JOB_ROW(job, "export", FIELD_T("file", export->path),
            FIELD_I(export->chats->len ? "messages" : "contacts",
                export->count));
        return job_done(job);
    }
    int why = errno;
    if (export->fd >= 0)
        unlink(export->path); /* half of it helps nobody */
    return job_fail(job, "resource-constraint", "%s was not written: %s%s",
        export->path, g_strerror(why),
        why == EEXIST ? ". Choose another name" : "");
}

static void export_held(struct export *export, const struct chat *chat)
{
    for (guint i = 0; chat && i < chat->messages->len; i++) {
        export_message(
            export->out, export->format, chat->messages->pdata[i]);
        export->count++;
    }
}

static gboolean on_idle(gpointer data)
{
    struct export *export = data;
    if (export->at == export->chats->len) {
        export->idle = 0;
        finish(export, true);
        return G_SOURCE_REMOVE;
    }
    const char *jid = export->chats->pdata[export->at];
    g_autoptr(GPtrArray) page = history_page(export->account->history, jid,
        export->row, export->row, false, PAGE);
    for (guint i = 0; i < page->len; i++) {
        const struct message *m = page->pdata[i];
        export_message(export->out, export->format, m);
        export->row = m->row;
        export->count++;
    }
    if (page->len < PAGE) {
        export->at++;
        export->row = 0;
    }
    if (!flush(export)) {
        export->idle = 0;
        finish(export, false);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

/* Everything there is where nothing is stored. */
static void export_memory(struct export *export)
{
    for (guint i = 0; i < export->chats->len; i++)
        export_held(export, account_find_chat(export->account,
                                export->chats->pdata[i]));
}

static void list_chats(struct export *export)
{
    struct account *account = export->account;
    GHashTableIter iter;
    gpointer jid;
    if (account->history) {
        g_autoptr(GPtrArray) chats = history_chats(account->history, false);
        for (guint i = 0; i < chats->len; i++)
            g_ptr_array_add(export->chats, g_strdup(
                ((const struct history_chat *)chats->pdata[i])->jid));
        return;
    }
    g_hash_table_iter_init(&iter, account->chats);
    while (g_hash_table_iter_next(&iter, &jid, NULL))
        g_ptr_array_add(export->chats, g_strdup(jid));
}

static enum cmd_status run_export(struct job *job)
{
    const char *what = job_arg(job, "what");
    struct account *account = job_account(job);
    const char *jid =
        strchr(what, '@') || strchr(what, '.') ? what : history_chosen(job);
    if (strcmp(what, "chat") == 0 && !jid)
        return history_no_chat(job);
    struct export *export = g_new0(struct export, 1);
    *export = (struct export){ .account = account, .job = job,
        .format = format_of(job), .path = g_canonicalize_filename(job_arg(job, "file"), NULL),
        .chats = g_ptr_array_new_with_free_func(g_free),
        .out = g_string_new(NULL), .fd = -1 };
    job_set_data(job, export, export_free);
    if (!open_new(export))
        return finish(export, false);
    if (strcmp(what, "roster") == 0) {
        struct roster_export roster = { export->out, export->format, 0 };
        roster_foreach(account->roster, export_contact, &roster);
        export->count = roster.count;
        return finish(export, true);
    }
    if (strcmp(what, "all") == 0)
        list_chats(export);
    else
        g_ptr_array_add(export->chats, g_strdup(jid));
    if (!account->history) {
        export_memory(export);
        return finish(export, true);
    }
    export->idle = g_idle_add(on_idle, export);
    return CMD_WAIT;
}

/* One of the words, or the chat itself. */
static char *parse_what(struct job *job, const char *text, GError **error)
{
    if (strcmp(text, "chat") == 0 || strcmp(text, "all") == 0 ||
        strcmp(text, "roster") == 0)
        return g_strdup(text);
    if (strcmp(text, ".") == 0 || strchr(text, '@') || strchr(text, '.'))
        return arg_bare_jid.parse(job, text, error);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        _("Export what? chat, all, roster, or an address"));
    return NULL;
}

static void complete_what(struct completion *completion, const char *prefix)
{
    completion_add(completion, "chat");
    completion_add(completion, "all");
    completion_add(completion, "roster");
    arg_chat.complete(completion, prefix);
}

static const struct arg_kind arg_what = {
    "chat|all|roster|JID", parse_what, complete_what, false
};

const struct command app_export_commands[] = {
    { .name = "export", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "what", .kind = &arg_what,
                      .summary = "chat is the present one, as . is" },
            { .name = "file", .kind = &arg_file },
            { .name = "format", .kind = &arg_choice, .choices = "json txt csv",
                .flags = ARG_OPTIONAL },
            IN_CHAT },
        .words = "save backup archive download copy file dump",
        .summary = "Write a chat, all chats or the roster to a new file",
        .detail = "The file is readable by its owner only; one that exists is "
                  "left alone. Without a format the name's ending says it; "
                  "json is one object a line.",
        .fields = "export: file messages? contacts?",
        .run = run_export },
    { .name = NULL },
};
