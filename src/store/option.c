/*
 * Every option is a row; its values live in a table by name (and account), so
 * that reading one costs a hash look-up. The GKeyFile beside it is only there
 * to keep the file's comments, order and unknown keys when it is written.
 *
 * A file is read line by line first: what is no line of a key file is counted,
 * reported with its number and left out, and the file is then never rewritten.
 */
#include "store/option.h"

#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gio/gio.h>

#include "base/intl.h"
#include "base/paths.h"
#include "model/jid.h"

#define FILE_MAX_BYTES (1024 * 1024)
#define PROBLEMS_MAX 20

struct value {
    char *stored, *transient;
};

struct entry {
    const struct option *row;
    char *fallback; /* the row's, in its one spelling */
    struct value global;
    GHashTable *accounts; /* bare JID → struct value*; NULL: global */
};

struct listener {
    option_changed_fn fn;
    gpointer data;
};

struct options {
    char *path;
    GKeyFile *file;
    GHashTable *entries;  /* name → struct entry* */
    GHashTable *lines;    /* "section\nkey" and "section" → line number */
    GHashTable *sections; /* bare JID → section name as written */
    GPtrArray *problems;  /* borrowed while starting, else NULL */
    GArray *listeners;
    guint damaged_line;   /* 0: the file is whole */
    bool unreadable;      /* exists and could not be read: never written */
};

static void value_free(gpointer data)
{
    struct value *value = data;
    g_free(value->stored);
    g_free(value->transient);
    g_free(value);
}

static void entry_free(gpointer data)
{
    struct entry *entry = data;
    g_free(entry->fallback);
    g_free(entry->global.stored);
    g_free(entry->global.transient);
    if (entry->accounts)
        g_hash_table_unref(entry->accounts);
    g_free(entry);
}

static void G_GNUC_PRINTF(2, 3)
    add_problem(struct options *options, const char *format, ...)
{
    if (!options->problems || options->problems->len >= PROBLEMS_MAX)
        return;
    va_list args;
    va_start(args, format);
    g_ptr_array_add(options->problems, g_strdup_vprintf(format, args));
    va_end(args);
}

/* Names that a key file cannot hold as they are: percent-encoded. */
static char *name_escape(const char *name)
{
    GString *out = g_string_new(NULL);
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (*p < 0x20 || *p == 0x7f || strchr("[]%=#;", *p) ||
            (*p == ' ' && (p == (const unsigned char *)name || !p[1])))
            g_string_append_printf(out, "%%%02X", *p);
        else
            g_string_append_c(out, (char)*p);
    return g_string_free(out, FALSE);
}

static char *name_unescape(const char *name)
{
    char *plain = g_uri_unescape_string(name, NULL);
    return plain ? plain : g_strdup(name);
}

static const char *account_of_section(const char *section)
{
    return g_str_has_prefix(section, "account ") ? section + 8 : NULL;
}

static bool is_account_row(const struct option *row)
{
    return g_str_has_prefix(row->name, "account.");
}

static const char *row_key(const struct option *row)
{
    const char *dot = strchr(row->name, '.');
    return dot ? dot + 1 : row->name;
}

static char *row_section(const struct option *row)
{
    const char *dot = strchr(row->name, '.');
    return dot ? g_strndup(row->name, (gsize)(dot - row->name))
               : g_strdup("general");
}

static guint line_of(
    const struct options *options, const char *section, const char *key)
{
    g_autofree char *id =
        key ? g_strconcat(section, "\n", key, NULL) : g_strdup(section);
    return GPOINTER_TO_UINT(g_hash_table_lookup(options->lines, id));
}

/* --- reading ----------------------------------------------------------- */

static char *read_bounded(const char *path, gsize *len, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved),
            "%s", g_strerror(saved));
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
        close(fd);
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s",
            S_ISREG(st.st_mode) ? _("it is larger than 1 MiB")
                                : _("it is not a regular file"));
        return NULL;
    }
    g_autofree char *data = g_malloc((gsize)st.st_size + 1);
    gsize have = 0;
    while (have < (gsize)st.st_size) {
        ssize_t n = read(fd, data + have, (gsize)st.st_size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (gsize)n;
    }
    close(fd);
    data[have] = '\0';
    *len = have;
    return g_steal_pointer(&data);
}

enum line_kind { LINE_NOTHING, LINE_GROUP, LINE_KEY, LINE_BAD };

/* Fills name (group or key). */
static enum line_kind classify(const char *line, gsize len, char **name)
{
    if (memchr(line, '\0', len) || !g_utf8_validate(line, (gssize)len, NULL))
        return LINE_BAD;
    g_autofree char *text = g_strstrip(g_strndup(line, len));
    if (!*text || *text == '#')
        return LINE_NOTHING;
    gsize n = strlen(text);
    if (*text == '[') {
        if (n < 3 || text[n - 1] != ']')
            return LINE_BAD;
        text[n - 1] = '\0';
        for (const char *p = text + 1; *p; p++)
            if (*p == '[' || *p == ']' || g_ascii_iscntrl(*p))
                return LINE_BAD;
        *name = g_strdup(text + 1);
        return LINE_GROUP;
    }
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return LINE_BAD;
    *equals = '\0';
    g_strchomp(text);
    if (!*text || strpbrk(text, "[]"))
        return LINE_BAD;
    *name = g_strdup(text);
    return LINE_KEY;
}

static void note_bad_line(
    struct options *options, guint number, const char *why)
{
    if (!options->damaged_line)
        options->damaged_line = number;
    add_problem(options, _("%s:%u: %s. The line was left out, and the file will "
        "not be written until it is mended"), options->path, number, why);
}

/* The lines GKeyFile will take; the others are reported and dropped. */
static GString *sift_lines(struct options *options, const char *data, gsize len)
{
    GString *good = g_string_sized_new(len + 1);
    g_autofree char *group = NULL;
    const char *end = data + len;
    guint number = 0;
    for (const char *line = data; line < end;) {
        const char *stop = memchr(line, '\n', (gsize)(end - line));
        gsize n = (gsize)((stop ? stop : end) - line);
        g_autofree char *name = NULL;
        number++;
        enum line_kind kind = classify(line, n, &name);
        if (kind == LINE_GROUP) {
            g_free(group);
            group = g_strdup(name);
            if (!g_hash_table_contains(options->lines, group))
                g_hash_table_insert(options->lines, g_strdup(group),
                    GUINT_TO_POINTER(number));
        }
        if (kind == LINE_KEY && group)
            g_hash_table_insert(options->lines,
                g_strconcat(group, "\n", name, NULL), GUINT_TO_POINTER(number));
        if (kind == LINE_KEY && !group)
            note_bad_line(options, number, _("a key stands before any [section]"));
        else if (kind == LINE_BAD)
            note_bad_line(options, number,
                _("this is neither a comment, a [section] nor KEY = VALUE"));
        else {
            g_string_append_len(good, line, (gssize)n);
            g_string_append_c(good, '\n');
        }
        line = stop ? stop + 1 : end;
    }
    return good;
}

static void load_sections(struct options *options)
{
    g_auto(GStrv) groups = g_key_file_get_groups(options->file, NULL);
    for (char **group = groups; *group; group++) {
        const char *escaped = account_of_section(*group);
        if (!escaped)
            continue;
        g_autofree char *text = name_unescape(escaped);
        g_autoptr(GError) error = NULL;
        g_autofree char *jid = jid_prepare(text, &error);
        if (!jid || !jid_is_bare(jid)) {
            add_problem(options, _("%s:%u: [%s] is not the section of an "
                "account: %s"), options->path, line_of(options, *group, NULL),
                *group, error ? error->message
                              : _("the address must have no resource"));
            continue;
        }
        if (!g_hash_table_contains(options->sections, jid))
            g_hash_table_insert(options->sections, g_steal_pointer(&jid),
                g_strdup(*group));
    }
}

static void load_file(struct options *options)
{
    gsize len = 0;
    g_autoptr(GError) error = NULL;
    g_autofree char *data = read_bounded(options->path, &len, &error);
    if (!data) {
        if (g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return;
        options->unreadable = true;
        add_problem(options, _("%s:1: the configuration cannot be read: %s. "
            "Going on with defaults; the file will not be written"),
            options->path, error->message);
        return;
    }
    g_autoptr(GString) good = sift_lines(options, data, len);
    if (good->len && !g_key_file_load_from_data(options->file, good->str,
            good->len, G_KEY_FILE_KEEP_COMMENTS | G_KEY_FILE_KEEP_TRANSLATIONS,
            &error)) {
        options->damaged_line = MAX(options->damaged_line, 1);
        add_problem(options, _("%s: %s. Going on with defaults; the file will "
            "not be written"), options->path, error->message);
        g_key_file_unref(options->file);
        options->file = g_key_file_new();
    }
    load_sections(options);
}

struct options *options_new(const char *path, GPtrArray *problems)
{
    struct options *options = g_new0(struct options, 1);
    options->path = g_strdup(path);
    options->file = g_key_file_new();
    options->entries =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    options->lines =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    options->sections =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    options->listeners = g_array_new(FALSE, FALSE, sizeof(struct listener));
    options->problems = problems;
    load_file(options);
    return options;
}

void options_free(struct options *options)
{
    g_key_file_unref(options->file);
    g_hash_table_unref(options->entries);
    g_hash_table_unref(options->lines);
    g_hash_table_unref(options->sections);
    g_array_unref(options->listeners);
    g_free(options->path);
    g_free(options);
}

/* --- values ------------------------------------------------------------ */

static bool parse_bool(const char *text, bool *out)
{
    static const char *const yes[] = { "on", "true", "yes", "1", NULL };
    static const char *const no[] = { "off", "false", "no", "0", NULL };
    for (int i = 0; yes[i]; i++) {
        if (!g_ascii_strcasecmp(text, yes[i]))
            return *out = true, true;
        if (!g_ascii_strcasecmp(text, no[i]))
            return *out = false, true;
    }
    return false;
}

static bool parse_int(const char *text, gint64 *out)
{
    char *end = NULL;
    errno = 0;
    *out = g_ascii_strtoll(text, &end, 10);
    return end != text && !*end && errno == 0;
}

/* "90", "90s", "5m", "2h", "1d". */
static bool parse_seconds(const char *text, gint64 *out)
{
    static const struct {
        char letter;
        gint64 factor;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    char *end = NULL;
    errno = 0;
    gint64 n = g_ascii_strtoll(text, &end, 10);
    gint64 factor = *end ? 0 : 1;
    for (gsize i = 0; *end && i < G_N_ELEMENTS(units); i++)
        if (*end == units[i].letter && !end[1])
            factor = units[i].factor;
    if (end == text || errno || !factor || n > G_MAXINT64 / 86400 ||
        n < -(G_MAXINT64 / 86400))
        return false;
    *out = n * factor;
    return true;
}

static bool in_range(const struct option *row, gint64 n)
{
    return row->max <= row->min || (n >= row->min && n <= row->max);
}

static bool is_choice(const struct option *row, const char *text)
{
    g_auto(GStrv) words = g_strsplit(row->choices ? row->choices : "", " ", -1);
    return g_strv_contains((const char *const *)words, text);
}

/* NULL when value fits the row, else a sentence. */
static char *value_problem(const struct option *row, const char *value)
{
    bool flag;
    gint64 n;
    switch (row->kind) {
    case OPTION_BOOL:
        return parse_bool(value, &flag) ? NULL
            : g_strdup_printf(_("%s is on or off, not “%s”"), row->name, value);
    case OPTION_ENUM:
        return is_choice(row, value) ? NULL
            : g_strdup_printf(_("%s is one of: %s; not “%s”"), row->name,
                  row->choices, value);
    case OPTION_INT:
    case OPTION_SECONDS:
        if (!(row->kind == OPTION_INT ? parse_int : parse_seconds)(value, &n))
            return g_strdup_printf(_("%s is a number%s, not “%s”"), row->name,
                row->kind == OPTION_INT ? "" : _(" of seconds (or 5m, 2h, 1d)"),
                value);
        return in_range(row, n) ? NULL
            : g_strdup_printf(_("%s must be between %" PRId64 " and %" PRId64),
                  row->name, row->min, row->max);
    case OPTION_STRING:
    case OPTION_LIST:
        break;
    }
    return g_utf8_validate(value, -1, NULL) ? NULL
        : g_strdup_printf(_("%s must be UTF-8 text"), row->name);
}

/* One spelling in memory: on/off, plain seconds. */
static char *value_normal(const struct option *row, const char *value)
{
    bool flag;
    gint64 n;
    if (row->kind == OPTION_BOOL && parse_bool(value, &flag))
        return g_strdup(flag ? "on" : "off");
    if (row->kind == OPTION_SECONDS && parse_seconds(value, &n))
        return g_strdup_printf("%" G_GINT64_FORMAT, n);
    return g_strdup(value);
}

static struct value *entry_value(struct entry *entry, const char *account)
{
    if (!entry->accounts)
        return &entry->global;
    struct value *value = g_hash_table_lookup(entry->accounts, account);
    if (!value) {
        value = g_new0(struct value, 1);
        g_hash_table_insert(entry->accounts, g_strdup(account), value);
    }
    return value;
}

static void load_value(struct options *options, struct entry *entry,
    const char *account, const char *section)
{
    const char *key = row_key(entry->row);
    if (!g_key_file_has_key(options->file, section, key, NULL))
        return;
    g_autoptr(GError) error = NULL;
    g_autofree char *text =
        g_key_file_get_string(options->file, section, key, &error);
    g_autofree char *why =
        text ? value_problem(entry->row, text) : g_strdup(error->message);
    if (why) {
        add_problem(options, _("%s:%u: %s. The default is used"), options->path,
            line_of(options, section, key), why);
        return;
    }
    struct value *value = entry_value(entry, account);
    g_free(value->stored);
    value->stored = value_normal(entry->row, text);
}

static void register_row(struct options *options, const struct option *row)
{
    if (g_hash_table_contains(options->entries, row->name)) {
        g_critical("option %s has two rows", row->name);
        return;
    }
    struct entry *entry = g_new0(struct entry, 1);
    entry->row = row;
    entry->fallback = row->fallback ? value_normal(row, row->fallback) : NULL;
    g_hash_table_insert(options->entries, (gpointer)row->name, entry);
    if (!is_account_row(row)) {
        g_autofree char *section = row_section(row);
        load_value(options, entry, NULL, section);
        return;
    }
    entry->accounts =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, value_free);
    GHashTableIter iter;
    gpointer jid, section;
    g_hash_table_iter_init(&iter, options->sections);
    while (g_hash_table_iter_next(&iter, &jid, &section))
        load_value(options, entry, jid, section);
}

void options_register(struct options *options, const struct option *rows)
{
    for (const struct option *row = rows; row && row->name; row++)
        register_row(options, row);
}

static bool is_free_section(const char *section)
{
    static const char *const names[] = { "alias", "filters", "folded", "hues", "keys",
        "layouts", "notes", "notify", "spelling", NULL };
    return g_strv_contains(names, section) || strchr(section, ' ');
}

void options_check(struct options *options)
{
    g_auto(GStrv) groups = g_key_file_get_groups(options->file, NULL);
    for (char **group = groups; *group; group++) {
        bool account = account_of_section(*group) != NULL;
        if (!account && is_free_section(*group))
            continue;
        g_auto(GStrv) keys =
            g_key_file_get_keys(options->file, *group, NULL, NULL);
        for (char **key = keys; keys && *key; key++) {
            g_autofree char *name = g_strconcat(
                account ? "account" : *group, ".", *key, NULL);
            if (!g_hash_table_contains(options->entries, name))
                add_problem(options, _("%s:%u: there is no option %s. It is "
                    "kept as it is; /set ?%s finds similar ones"),
                    options->path, line_of(options, *group, *key), name, *key);
        }
    }
    options->problems = NULL;
}

const struct option *options_row(
    const struct options *options, const char *name)
{
    const struct entry *entry = g_hash_table_lookup(options->entries, name);
    return entry ? entry->row : NULL;
}

static gint compare_rows(gconstpointer a, gconstpointer b)
{
    const struct option *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

void options_foreach(
    const struct options *options, option_fn fn, gpointer data)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, options->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(rows, (gpointer)((struct entry *)value)->row);
    g_ptr_array_sort(rows, compare_rows);
    for (guint i = 0; i < rows->len; i++)
        fn(rows->pdata[i], data);
}

static const struct value *find_value(
    const struct entry *entry, const char *account)
{
    if (!entry->accounts)
        return &entry->global;
    return account ? g_hash_table_lookup(entry->accounts, account) : NULL;
}

const char *options_get(
    const struct options *options, const char *account, const char *name)
{
    const struct entry *entry = g_hash_table_lookup(options->entries, name);
    if (!entry)
        return NULL;
    const struct value *value = find_value(entry, account);
    if (value && value->transient)
        return value->transient;
    return value && value->stored ? value->stored : entry->fallback;
}

bool options_bool(
    const struct options *options, const char *account, const char *name)
{
    const char *text = options_get(options, account, name);
    bool flag = false;
    return text && parse_bool(text, &flag) && flag;
}

gint64 options_int(
    const struct options *options, const char *account, const char *name)
{
    const char *text = options_get(options, account, name);
    gint64 n = 0;
    return text && parse_seconds(text, &n) ? n : 0;
}

bool options_is_default(
    const struct options *options, const char *account, const char *name)
{
    const struct entry *entry = g_hash_table_lookup(options->entries, name);
    return !entry || g_strcmp0(options_get(options, account, name),
                         entry->fallback) == 0;
}

/* --- writing ----------------------------------------------------------- */

static bool is_writable(const struct options *options, GError **error)
{
    if (!options->damaged_line && !options->unreadable)
        return true;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        _("%s is damaged at line %u and was left alone: mend it and start again"),
        options->path, MAX(options->damaged_line, 1));
    return false;
}

static bool save(struct options *options, GError **error)
{
    gsize len = 0;
    g_autofree char *data = g_key_file_to_data(options->file, &len, NULL);
    /* A configuration kept elsewhere by a symbolic link stays there. */
    char *real = realpath(options->path, NULL);
    const char *path = real ? real : options->path;
    g_autofree char *dir = g_path_get_dirname(path);
    bool ok = (real || paths_make_private_dir(dir, error)) &&
        paths_write_file(path, data, (gssize)len, error);
    free(real);
    return ok;
}

/* The section of an account; made when there is none. */
static const char *ensure_section(struct options *options, const char *jid)
{
    char *section = g_hash_table_lookup(options->sections, jid);
    if (section)
        return section;
    g_autofree char *escaped = name_escape(jid);
    section = g_strconcat("account ", escaped, NULL);
    g_hash_table_insert(options->sections, g_strdup(jid), section);
    return section;
}

static void file_put(struct options *options, const char *section,
    const char *key, const char *value)
{
    if (value)
        g_key_file_set_string(options->file, section, key, value);
    else
        g_key_file_remove_key(options->file, section, key, NULL);
}

static void tell(struct options *options, const struct option *row,
    const char *account, const char *value)
{
    for (guint i = 0; i < options->listeners->len; i++) {
        struct listener *l =
            &g_array_index(options->listeners, struct listener, i);
        l->fn(row, account, value, l->data);
    }
}

/* As it was before where the disk does not take it. */
static bool put_and_save(struct options *options, const char *section, const char *key,
    const char *value, GError **error)
{
    g_autofree char *before =
        g_key_file_get_string(options->file, section, key, NULL);
    file_put(options, section, key, value);
    if (save(options, error))
        return true;
    file_put(options, section, key, before);
    return false;
}

static bool store_value(struct options *options, const struct option *row,
    const char *account, const char *value, GError **error)
{
    if (!is_writable(options, error))
        return false;
    g_autofree char *own = is_account_row(row) ? NULL : row_section(row);
    const char *section = own ? own : ensure_section(options, account);
    return put_and_save(options, section, row_key(row), value, error);
}

bool options_set(struct options *options, const char *account,
    const char *name, const char *value, bool transient, GError **error)
{
    struct entry *entry = g_hash_table_lookup(options->entries, name);
    if (!entry) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
            _("There is no option %s. /set ?WORD searches for one"), name);
        return false;
    }
    if (entry->accounts && !account) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
            _("%s belongs to an account: say which with -a ACCOUNT"), name);
        return false;
    }
    g_autofree char *why = value ? value_problem(entry->row, value) : NULL;
    if (why) {
        g_set_error_literal(
            error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, why);
        return false;
    }
    g_autofree char *normal = value ? value_normal(entry->row, value) : NULL;
    if (!transient &&
        !store_value(options, entry->row, account, normal, error))
        return false;
    struct value *slot = entry_value(entry, account);
    g_free(slot->transient);
    slot->transient = transient ? g_strdup(normal) : NULL;
    if (!transient) {
        g_free(slot->stored);
        slot->stored = g_strdup(normal);
    }
    tell(options, entry->row, entry->accounts ? account : NULL,
        options_get(options, account, name));
    return true;
}

char **options_accounts(const struct options *options)
{
    GPtrArray *jids = g_ptr_array_new();
    g_auto(GStrv) groups = g_key_file_get_groups(options->file, NULL);
    for (char **group = groups; *group; group++) {
        const char *escaped = account_of_section(*group);
        if (!escaped)
            continue;
        g_autofree char *text = name_unescape(escaped);
        g_autofree char *jid = jid_prepare(text, NULL);
        /* Only the first of two spellings of one address. */
        if (jid && g_strcmp0(g_hash_table_lookup(options->sections, jid),
                       *group) == 0)
            g_ptr_array_add(jids, g_steal_pointer(&jid));
    }
    g_ptr_array_add(jids, NULL);
    return (char **)g_ptr_array_free(jids, FALSE);
}

bool options_add_account(
    struct options *options, const char *jid, GError **error)
{
    if (!is_writable(options, error))
        return false;
    const char *section = ensure_section(options, jid);
    if (g_key_file_has_group(options->file, section))
        return true;
    /* GKeyFile has no call for an empty section. */
    g_key_file_set_string(options->file, section, "enabled", "on");
    if (save(options, error)) {
        struct entry *entry =
            g_hash_table_lookup(options->entries, "account.enabled");
        if (entry && entry->accounts) {
            struct value *slot = entry_value(entry, jid);
            g_free(slot->stored);
            slot->stored = g_strdup("on");
        }
        return true;
    }
    g_key_file_remove_group(options->file, section, NULL);
    g_hash_table_remove(options->sections, jid);
    return false;
}

bool options_remove_account(
    struct options *options, const char *jid, GError **error)
{
    const char *section = g_hash_table_lookup(options->sections, jid);
    if (!section || !g_key_file_has_group(options->file, section)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
            _("%s has no [account %s] section. /account list shows those there "
            "are"), options->path, jid);
        return false;
    }
    if (!is_writable(options, error))
        return false;
    g_key_file_remove_group(options->file, section, NULL);
    g_hash_table_remove(options->sections, jid);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, options->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((struct entry *)value)->accounts)
            g_hash_table_remove(((struct entry *)value)->accounts, jid);
    return save(options, error);
}

/* "trust juliet@[::1]" is written "trust juliet@%5B::1%5D". */
static char *free_section(const char *section)
{
    return name_escape(section);
}

char **options_section_keys(const struct options *options, const char *section)
{
    g_autofree char *name = free_section(section);
    g_auto(GStrv) keys = g_key_file_get_keys(options->file, name, NULL, NULL);
    GPtrArray *out = g_ptr_array_new();
    for (char **key = keys; keys && *key; key++)
        g_ptr_array_add(out, name_unescape(*key));
    g_ptr_array_add(out, NULL);
    return (char **)g_ptr_array_free(out, FALSE);
}

/* The key as it stands in the file: written by hand it may be unescaped. */
static char *free_key(
    const struct options *options, const char *section, const char *key)
{
    if (*key && !strpbrk(key, "[]=") &&
        g_key_file_has_key(options->file, section, key, NULL))
        return g_strdup(key);
    return name_escape(key);
}

char *options_section_get(
    const struct options *options, const char *section, const char *key)
{
    g_autofree char *name = free_section(section);
    g_autofree char *escaped = free_key(options, name, key);
    return *escaped
        ? g_key_file_get_string(options->file, name, escaped, NULL)
        : NULL;
}

bool options_section_set(struct options *options, const char *section,
    const char *key, const char *value, GError **error)
{
    if (!*key || (value && !g_utf8_validate(value, -1, NULL))) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
            _("[%s] takes a name and UTF-8 text"), section);
        return false;
    }
    if (!is_writable(options, error))
        return false;
    g_autofree char *name = free_section(section);
    g_autofree char *escaped = free_key(options, name, key);
    return put_and_save(options, name, escaped, value, error);
}

void options_on_change(
    struct options *options, option_changed_fn fn, gpointer data)
{
    struct listener listener = { fn, data };
    g_array_append_val(options->listeners, listener);
}
