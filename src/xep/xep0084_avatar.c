/*
 * One after the other, for one contact at a time whom a person looks at: what
 * picture there is (metadata), the cache, the picture itself; where nothing is
 * published, the vCard. What comes is believed only when its SHA-1 is what was
 * announced, and kept under that name. A hash in presence (XEP-0153) that is
 * another than the one known makes us ask again.
 */
#include <string.h>
#include <unistd.h>
#include "base/paths.h"
#include "model/jid.h"
#include "xep/pep.h"
#include "xep/xep.h"
#include "xep/xep0084_avatar.h"
#include "xmpp/rfc6120_session.h"

#define NS_METADATA "urn:xmpp:avatar:metadata"
#define NS_DATA "urn:xmpp:avatar:data"
#define NS_UPDATE "vcard-temp:x:update"
#define NS_VCARD "vcard-temp"
enum { PEOPLE_MAX = 500, BYTES_MAX = 512 * 1024, HASH_LEN = 40 };

enum state { STATE_ASKED, STATE_HERE, STATE_NONE };

struct person {
    enum state state;
    char hash[HASH_LEN + 1];      /* of what is here, or asked for */
    char announced[HASH_LEN + 1]; /* by presence, "" nothing */
};

struct avatars {
    GHashTable *people; /* bare JID → struct person */
};

extern const struct feature xep0084;

static struct avatars *avatars_of(const struct account *account)
{
    return feature_state(account, &xep0084);
}

static bool is_hash(const char *text)
{
    if (!text || strlen(text) != HASH_LEN)
        return false;
    return strspn(text, "0123456789abcdef") == HASH_LEN;
}

static char *path_of(const struct account *account, const char *hash)
{
    return g_build_filename(account->paths->cache_dir, "pictures", hash, NULL);
}

static void settle(struct account *account, const char *jid, enum state state)
{
    struct person *person =
        g_hash_table_lookup(avatars_of(account)->people, jid);
    struct chat *chat = account_find_chat(account, jid);
    if (!person)
        return;
    person->state = state;
    if (chat && state == STATE_HERE)
        account_emit(account,
            (struct event){ .type = EVENT_CHAT_CHANGED, .chat = chat });
}

/* ---- the picture itself ------------------------------------------------ */

/* base64: with blanks, as XML has it. */
static bool keep(
    struct account *account, const char *jid, const char *hash, char *base64)
{
    gsize len = strlen(base64);
    if (len < 4 || len / 4 > BYTES_MAX / 3 + 1024)
        return false;
    g_base64_decode_inplace(base64, &len);
    g_autofree char *sum = g_compute_checksum_for_data(
        G_CHECKSUM_SHA1, (const guchar *)base64, len);
    if (!len || len > BYTES_MAX || (hash && strcmp(hash, sum) != 0))
        return false;
    g_autofree char *path = path_of(account, sum);
    g_autofree char *folder = g_path_get_dirname(path);
    struct person *person =
        g_hash_table_lookup(avatars_of(account)->people, jid);
    if (!person || !paths_make_private_dir(folder, NULL) ||
        !paths_write_file(path, base64, (gssize)len, NULL))
        return false;
    g_strlcpy(person->hash, sum, sizeof person->hash);
    settle(account, jid, STATE_HERE);
    return true;
}

static void on_vcard(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    const char *jid = data;
    const struct person *person =
        g_hash_table_lookup(avatars_of(account)->people, jid);
    xmpp_stanza_t *photo = stanza_child(
        stanza_child(result, "vCard", NS_VCARD), "PHOTO", NS_VCARD);
    g_autofree char *base64 = stanza_child_text(photo, "BINVAL", NS_VCARD);
    (void)error;
    if (!person || person->state != STATE_ASKED || (more && !base64))
        return;
    const char *hash = *person->announced ? person->announced : NULL;
    if (!base64 || !keep(account, jid, hash, base64))
        settle(account, jid, STATE_NONE);
}

static void ask_vcard(struct account *account, const char *jid)
{
    const char *to = strcmp(jid, account->jid) ? jid : NULL;
    iq_send(account, iq_new("get", to, "vCard", NS_VCARD, NULL), 0, on_vcard,
        g_strdup(jid), g_free);
}

static void on_data(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    const char *jid = data;
    const struct person *person =
        g_hash_table_lookup(avatars_of(account)->people, jid);
    xmpp_stanza_t *item = stanza_child(
        pep_items(result, NS_DATA), "item", NS_PUBSUB);
    g_autofree char *base64 = stanza_child_text(item, "data", NS_DATA);
    (void)error;
    if (!person || person->state != STATE_ASKED || (more && !base64))
        return;
    g_autofree char *hash = g_strdup(person->hash);
    if (!base64 || !keep(account, jid, hash, base64))
        settle(account, jid, STATE_NONE);
}

/* ---- which picture it is ----------------------------------------------- */

static bool is_shown(xmpp_stanza_t *info)
{
    static const char *const types[] = { "image/png", "image/jpeg",
        "image/webp", NULL };
    const char *type = stanza_attr(info, "type");
    const char *bytes = stanza_attr(info, "bytes");
    guint64 n;
    return is_hash(stanza_attr(info, "id")) && !stanza_attr(info, "url") &&
        type && g_strv_contains(types, type) && bytes &&
        g_ascii_string_to_unsigned(bytes, 10, 1, BYTES_MAX, &n, NULL);
}

static void on_metadata(struct account *account, xmpp_stanza_t *result,
    const struct stanza_error *error, bool more, gpointer data)
{
    const char *jid = data;
    struct person *person =
        g_hash_table_lookup(avatars_of(account)->people, jid);
    xmpp_stanza_t *item = stanza_child(
        pep_items(result, NS_METADATA), "item", NS_PUBSUB);
    xmpp_stanza_t *metadata = stanza_child(item, "metadata", NS_METADATA);
    xmpp_stanza_t *info = stanza_child(metadata, "info", NS_METADATA);
    guint n = 0;
    (void)error;
    if (!person || person->state != STATE_ASKED || (more && !metadata))
        return;
    while (info && !is_shown(info) && n++ < 64)
        info = stanza_next(info, "info", NS_METADATA);
    if (!info || n > 64) {
        ask_vcard(account, jid);
        return;
    }
    const char *hash = stanza_attr(info, "id");
    g_strlcpy(person->hash, hash, sizeof person->hash);
    g_autofree char *path = path_of(account, hash);
    if (access(path, R_OK) == 0)
        settle(account, jid, STATE_HERE);
    else
        pep_fetch(account, strcmp(jid, account->jid) ? jid : NULL, NS_DATA,
            hash, on_data, g_strdup(jid), g_free);
}

static bool is_known(const struct account *account, const char *jid)
{
    const struct contact *contact = roster_find(account->roster, jid);
    return strcmp(jid, account->jid) == 0 ||
        (contact && contact->in_roster &&
            (contact->subscription == SUB_TO ||
                contact->subscription == SUB_BOTH));
}

static struct person *ask(struct account *account, const char *jid)
{
    struct avatars *avatars = avatars_of(account);
    if (g_hash_table_size(avatars->people) >= PEOPLE_MAX)
        g_hash_table_remove_all(avatars->people);
    struct person *person = g_new0(struct person, 1);
    g_hash_table_insert(avatars->people, g_strdup(jid), person);
    pep_fetch(account, strcmp(jid, account->jid) ? jid : NULL, NS_METADATA,
        NULL, on_metadata, g_strdup(jid), g_free);
    return person;
}

char *avatar_file(struct account *account, const char *jid)
{
    const struct avatars *avatars = avatars_of(account);
    const struct person *person =
        avatars ? g_hash_table_lookup(avatars->people, jid) : NULL;
    if (!person && avatars && account->paths && account->synced &&
        session_is_online(account) && is_known(account, jid))
        person = ask(account, jid);
    if (!person || person->state != STATE_HERE)
        return NULL;
    g_autofree char *path = path_of(account, person->hash);
    return access(path, R_OK) == 0 ? g_steal_pointer(&path) : NULL;
}

/* ---- what presence says ------------------------------------------------ */

static enum verdict on_update(struct incoming *incoming, xmpp_stanza_t *x)
{
    struct account *account = incoming->account;
    struct person *person = g_hash_table_lookup(
        avatars_of(account)->people, incoming->from_bare);
    g_autofree char *hash = stanza_child_text(x, "photo", NS_UPDATE);
    if (!person || !hash || !is_hash(hash) ||
        strcmp(person->announced, hash) == 0)
        return GO_ON;
    g_strlcpy(person->announced, hash, sizeof person->announced);
    if (person->state != STATE_ASKED && strcmp(person->hash, hash) != 0) {
        person->state = STATE_ASKED;
        pep_fetch(account, incoming->from_bare, NS_METADATA, NULL, on_metadata,
            g_strdup(incoming->from_bare), g_free);
    }
    return GO_ON;
}

static void attach(struct account *account)
{
    avatars_of(account)->people =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static gboolean is_unsettled(gpointer key, gpointer value, gpointer data)
{
    (void)key;
    (void)data;
    return ((const struct person *)value)->state != STATE_HERE;
}

static void offline(struct account *account)
{
    g_hash_table_foreach_remove(
        avatars_of(account)->people, is_unsettled, NULL);
}

static void detach(struct account *account)
{
    g_clear_pointer(&avatars_of(account)->people, g_hash_table_unref);
}

static const struct incoming_hook incoming_hooks[] = {
    { PHASE_ANNOTATE, "presence", "x", NS_UPDATE, on_update },
    { .run = NULL },
};

const struct feature xep0084 = {
    .spec = "XEP-0084",
    .name = "User Avatar",
    .version = "1.1.4",
    .since = "0.1.0",
    .status = "partial",
    .note = "Those of others are shown; none is published.",
    .incoming = incoming_hooks,
    .state_size = sizeof(struct avatars),
    .attach = attach,
    .detach = detach,
    .offline = offline,
};
const struct feature xep0153 = {
    .spec = "XEP-0153",
    .name = "vCard-Based Avatars",
    .version = "1.1",
    .since = "0.1.0",
    .status = "partial",
    .note = "Where nothing is published by XEP-0084; none is published.",
};
