/* /history /export /clear: what is in memory of the conversations. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#include "app/app.h"
#include "base/stamp.h"
#include "base/text.h"
#include "cmd/json.h"

#define HISTORY_DEFAULT 20

/* The chat named with "in", else the one that is open. */
static struct chat *chosen_chat(struct job *job)
{
    const char *jid = job_arg(job, "chat");
    if (!jid)
        return job_chat(job);
    return job_account(job) ? account_find_chat(job_account(job), jid) : NULL;
}

static enum cmd_status no_chat(struct job *job)
{
    return job_fail(job, "item-not-found", job_arg(job, "chat")
            ? "There is no conversation with that address yet"
            : "No chat is open here: say in JID, or open one with /msg JID");
}

/* --- /history ---------------------------------------------------------------- */

static void message_row(struct job *job, const struct message *m)
{
    JOB_ROW(job, "history", FIELD_I("number", (gint64)m->number),
        FIELD_D("time", m->time_us),
        FIELD_T("direction", m->outgoing ? "out" : "in"),
        FIELD_T("from", m->from), FIELD_T("body", m->body),
        FIELD_T("type", message_type_name(m->type)),
        FIELD_T("subject", m->subject), FIELD_T("id", m->id),
        FIELD_T("delivery", m->outgoing ? delivery_name(m->delivery) : NULL));
}

static gint64 date_of(struct job *job, const char *name, gint64 fallback)
{
    gint64 when;
    const char *text = job_arg(job, name);
    return text && stamp_parse(text, &when) ? when : fallback;
}

static enum cmd_status run_history(struct job *job)
{
    struct chat *chat = chosen_chat(job);
    if (!chat)
        return no_chat(job);
    gint64 count = job_int(job, "count", HISTORY_DEFAULT);
    gint64 after = date_of(job, "after", G_MININT64);
    gint64 before = date_of(job, "before", G_MAXINT64);
    if (count < 0)
        return job_fail(job, "bad-request", "How many? A number from 0 on");
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for (guint i = chat->messages->len; i-- > 0 && found->len < count;) {
        struct message *m = chat->messages->pdata[i];
        if (m->time_us >= after && m->time_us < before)
            g_ptr_array_add(found, m);
    }
    for (guint i = found->len; i-- > 0;)
        message_row(job, found->pdata[i]);
    return job_done(job);
}

/* --- /export ------------------------------------------------------------------- */

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
        "body", "id" };
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
        m->body, m->id };
    append_record(out, format, names, values, G_N_ELEMENTS(names));
}

static void export_chat(GString *out, enum format format, const struct chat *chat)
{
    for (guint i = 0; i < chat->messages->len; i++)
        export_message(out, format, chat->messages->pdata[i]);
}

struct roster_export {
    GString *out;
    enum format format;
};

static void export_contact(struct contact *contact, gpointer data)
{
    static const char *const names[] = { "jid", "name", "subscription",
        "groups" };
    const struct roster_export *export = data;
    if (!contact->in_roster)
        return;
    g_autofree char *groups =
        contact->groups ? g_strjoinv(",", contact->groups) : g_strdup("");
    const char *values[] = { contact->jid, contact->name,
        subscription_name(contact->subscription), groups };
    append_record(export->out, export->format, names, values,
        G_N_ELEMENTS(names));
}

/* A new file, private; nothing that exists is written over or followed. */
static bool write_new_file(const char *path, const GString *data, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        0600);
    gsize done = 0;
    while (fd >= 0 && done < data->len) {
        ssize_t n = write(fd, data->str + done, data->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (gsize)n;
    }
    bool ok = fd >= 0 && done == data->len && fsync(fd) == 0;
    if (!ok)
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
            "%s was not written: %s%s", path, g_strerror(errno),
            errno == EEXIST ? ". Choose another name" : "");
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !ok)
        unlink(path); /* half an export would pass for a whole one */
    return ok;
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

static enum cmd_status run_export(struct job *job)
{
    const char *what = job_arg(job, "what");
    enum format format = format_of(job);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    struct account *account = job_account(job);
    if (strcmp(what, "roster") == 0) {
        struct roster_export export = { out, format };
        roster_foreach(account->roster, export_contact, &export);
    } else if (strcmp(what, "all") == 0) {
        GHashTableIter iter;
        gpointer chat;
        g_hash_table_iter_init(&iter, account->chats);
        while (g_hash_table_iter_next(&iter, NULL, &chat))
            export_chat(out, format, chat);
    } else {
        if (!chosen_chat(job))
            return no_chat(job);
        export_chat(out, format, chosen_chat(job));
    }
    if (!write_new_file(job_arg(job, "file"), out, &error))
        return job_fail_error(job, error);
    return job_done(job);
}

/* --- /clear ---------------------------------------------------------------------- */

static enum cmd_status clear(struct job *job)
{
    struct chat *chat = chosen_chat(job);
    if (!chat)
        return no_chat(job);
    if (job_flag(job, "history"))
        chat_clear(chat);
    account_emit(chat->account,
        (struct event){ .type = EVENT_CLEAR, .chat = chat });
    return job_done(job);
}

static enum cmd_status run_clear(struct job *job)
{
    if (!job_flag(job, "history"))
        return clear(job);
    return job_confirm(job, "Forget the messages of this chat?", clear);
}

#define IN_CHAT \
    { .name = "chat", .kind = &arg_chat, .option = "in --in", \
        .summary = "another conversation than the open one" }

static const char *const history_examples[] = {
    "/history 50 in romeo@example.net after yesterday",
    "The last 50 messages since yesterday", NULL,
};

const struct command app_history_commands[] = {
    { .name = "history", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "count", .kind = &arg_int,
                      .flags = ARG_OPTIONAL },
            IN_CHAT,
            { .name = "after", .kind = &arg_date, .option = "after --after",
                .summary = "only what came then or later" },
            { .name = "before", .kind = &arg_date, .option = "before --before",
                .summary = "only what came earlier" } },
        .summary = "Print the last messages of a conversation",
        .examples = history_examples,
        .fields = "number time direction from body type subject? id? "
                  "delivery?",
        .run = run_history },
    { .name = "export", .needs = NEEDS_ACCOUNT,
        .args = { { .name = "what", .kind = &arg_choice,
                      .choices = "chat all roster" },
            { .name = "file", .kind = &arg_file },
            { .name = "format", .kind = &arg_choice, .choices = "json txt csv",
                .flags = ARG_OPTIONAL },
            IN_CHAT },
        .summary = "Write a chat, all chats or the roster to a new file",
        .detail = "The file is readable by its owner only; one that exists is "
                  "left alone. Without a format the name's ending says it; "
                  "json is one object a line.",
        .run = run_export },
    { .name = "clear", .needs = NEEDS_ACCOUNT | NEEDS_CONSENT,
        .args = { IN_CHAT,
            { .name = "history", .option = "--history",
                .summary = "forget the messages too; asks first" } },
        .summary = "Clear the view of a chat",
        .detail = "Scrolling back shows the messages again, unless they were "
                  "forgotten.", .run = run_clear },
    { .name = NULL },
};
