/* The file has one line for each of enum line. It is written as a whole, and
 * the memory it passes through is wiped. A file that cannot be written is no
 * trouble: then the next login takes the password. */
#include "xmpp/credentials.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/stamp.h"

enum line { TOKEN, MECHANISM, EXPIRY, GIVEN_UP, USER_AGENT, OFFER, LINES };

#define FILE_BYTES (32 * 1024)

struct credentials {
    char *path; /* NULL: in memory only */
    struct secret *token;
    char *mechanism, *user_agent, *offer;
    gint64 expiry_us; /* 0: it says none */
    bool given_up;
};

static void take_line(struct credentials *c, enum line line, const char *text)
{
    switch (line) {
    case TOKEN:
        c->token = *text ? secret_new(text, -1) : NULL;
        break;
    case MECHANISM:
        c->mechanism = g_strdup(text);
        break;
    case EXPIRY:
        if (!stamp_parse(text, &c->expiry_us))
            c->expiry_us = 0;
        break;
    case GIVEN_UP:
        c->given_up = strcmp(text, "given up") == 0;
        break;
    case USER_AGENT:
        c->user_agent = g_uuid_string_is_valid(text) ? g_strdup(text) : NULL;
        break;
    case OFFER:
        c->offer = *text ? g_strdup(text) : NULL;
        break;
    default:
        break;
    }
}

static void read_file(struct credentials *c)
{
    g_autofree char *text = g_malloc0(FILE_BYTES);
    int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, text, FILE_BYTES - 1);
    char *line = text;

    if (fd >= 0)
        close(fd);
    for (int i = 0; n > 0 && line && i < LINES; i++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = 0;
        take_line(c, (enum line)i, line);
        line = end ? end + 1 : NULL;
    }
    secret_wipe(text, FILE_BYTES);
}

/* One line: line feeds are no part of a token and may be spaces in XML. */
static void add_line(GString *out, const char *text)
{
    gsize at = out->len;
    g_string_append(out, text ? text : "");
    for (char *p = out->str + at; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    g_string_append_c(out, '\n');
}

static void write_file(struct credentials *c)
{
    g_autofree char *dir = c->path ? g_path_get_dirname(c->path) : NULL;
    g_autofree char *expiry = c->expiry_us ? stamp_format(c->expiry_us) : NULL;
    g_autoptr(GError) error = NULL;
    GString *out;

    if (!c->path)
        return;
    out = g_string_sized_new(FILE_BYTES); /* never moved: it is wiped */
    add_line(out, c->token ? secret_bytes(c->token) : NULL);
    add_line(out, c->mechanism);
    add_line(out, expiry);
    add_line(out, c->given_up ? "given up" : NULL);
    add_line(out, c->user_agent);
    add_line(out, c->offer);
    if (!paths_make_private_dir(dir, &error) ||
        !paths_write_file(c->path, out->str, (gssize)out->len, &error))
        log_line("login", "%s", error->message);
    secret_wipe(out->str, out->len);
    g_string_free(out, TRUE);
}

struct credentials *credentials_new(
    const struct paths *paths, const char *bare_jid, bool stored)
{
    struct credentials *c = g_new0(struct credentials, 1);

    if (paths && stored && !strchr(bare_jid, '/') && *bare_jid != '.') {
        c->path =
            g_build_filename(paths->data_dir, bare_jid, "login", NULL);
        read_file(c);
    }
    return c;
}

void credentials_free(struct credentials *c)
{
    if (!c)
        return;
    secret_unref(c->token);
    g_free(c->path);
    g_free(c->mechanism);
    g_free(c->user_agent);
    g_free(c->offer);
    g_free(c);
}

/* It is written with the first token: without one it need not be the same
 * tomorrow. */
const char *credentials_user_agent(struct credentials *c)
{
    if (!c->user_agent)
        c->user_agent = g_uuid_string_random();
    return c->user_agent;
}

const char *credentials_offer(const struct credentials *c)
{
    return c->offer;
}

void credentials_set_offer(struct credentials *c, const char *xml)
{
    g_free(c->offer);
    c->offer = xml && strlen(xml) < FILE_BYTES / 2 ? g_strdup(xml) : NULL;
    if (c->token)
        write_file(c);
}

bool credentials_has_token(const struct credentials *c)
{
    return c->token && !c->given_up;
}

bool credentials_token(struct credentials *c, struct stream_token *token)
{
    if (!c->token || !c->mechanism)
        return false;
    if (c->expiry_us && c->expiry_us <= stamp_now()) {
        credentials_forget_token(c);
        return false;
    }
    /* The count is for early data of TLS (XEP-0484 s. 3.4), which is never
     * used here. */
    *token = (struct stream_token){ .secret = c->token,
        .mechanism = c->mechanism,
        .invalidate = c->given_up };
    return true;
}

void credentials_set_token(struct credentials *c, const char *mechanism,
    struct secret *token, const char *expiry)
{
    char *copy = g_strdup(mechanism);

    secret_unref(c->token);
    c->token = secret_ref(token);
    g_free(c->mechanism);
    c->mechanism = copy;
    if (!expiry || !stamp_parse(expiry, &c->expiry_us))
        c->expiry_us = 0;
    c->given_up = false;
    if (strpbrk(secret_bytes(token), "\r\n"))
        g_clear_pointer(&c->token, secret_unref);
    write_file(c);
}

void credentials_forget_token(struct credentials *c)
{
    if (!c->token)
        return;
    g_clear_pointer(&c->token, secret_unref);
    g_clear_pointer(&c->mechanism, g_free);
    c->expiry_us = 0;
    c->given_up = false;
    write_file(c);
}

void credentials_give_up(struct credentials *c)
{
    if (!credentials_has_token(c))
        return;
    c->given_up = true;
    write_file(c);
}
