/* The table of contract.md s. 2, event by event. */
#include "script/record.h"

#include <string.h>

#include "base/stamp.h"
#include "model/account.h"

static const char *const names[] = { "connected", "disconnected", "message",
    "delivery", "presence", "subscription", "roster", "typing", "archive",
    "error" };

const char *record_name(enum record_kind kind)
{
    return names[kind];
}

int record_kind_of(const char *name)
{
    for (int i = 0; i < RECORD_KINDS; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static void put(struct record *record, struct field field)
{
    record->fields[record->n++] = field;
}

/* What was put so far is a column, what follows is for JSON only. */
static void end_columns(struct record *record)
{
    record->n_text = record->n;
}

static void set_state(struct record *r, const struct event *event)
{
    const struct account *account = event->account;
    if (account->state == STATE_ONLINE) {
        r->kind = RECORD_CONNECTED;
        put(r, (struct field)FIELD_T("jid", account->full_jid));
        end_columns(r);
        put(r, (struct field)FIELD_B("resumed", event->state.resumed));
        return;
    }
    const GError *error = event->state.error;
    r->kind = RECORD_DISCONNECTED;
    put(r, (struct field)FIELD_T("reason", error ? error->message : "closed"));
    end_columns(r);
    if (event->state.retry_ms >= 0)
        put(r, (struct field)FIELD_I(
                   "retry_in", (event->state.retry_ms + 999) / 1000));
}

static void set_message(struct record *r, const struct event *event)
{
    const struct message *m = event->message.message;
    r->kind = RECORD_MESSAGE;
    r->time_us = m->time_us ? m->time_us : event->time_us;
    put(r, (struct field)FIELD_T("direction", m->outgoing ? "out" : "in"));
    put(r, (struct field)FIELD_T("type", message_type_name(m->type)));
    put(r, (struct field)FIELD_T("chat", event->chat ? event->chat->jid : NULL));
    put(r, (struct field)FIELD_T("from", m->from));
    put(r, (struct field)FIELD_T("body", m->body ? m->body : ""));
    end_columns(r);
    put(r, (struct field)FIELD_T("id", m->id));
    put(r, (struct field)FIELD_T("stanza_id", m->stanza_id));
    put(r, (struct field)FIELD_T("origin_id", m->origin_id));
    if (m->repeated)
        put(r, (struct field)FIELD_B("repeated", true));
    put(r, (struct field)FIELD_T("to", m->to));
    put(r, (struct field)FIELD_T("subject", m->subject));
    put(r, (struct field)FIELD_T("thread", m->thread));
    put(r, (struct field)FIELD_T("lang", m->lang));
    put(r, (struct field)FIELD_T("nick", m->nick));
    put(r, (struct field)FIELD_B("carbon", m->carbon));
    put(r, (struct field)FIELD_B("archive", m->archive));
    if (m->delayed)
        put(r, (struct field)FIELD_D("delay", m->time_us));
    put(r, (struct field)FIELD_T("encryption", "none"));
    put(r, (struct field)FIELD_T("oob", m->oob));
}

static void set_delivery(struct record *r, const struct event *event)
{
    const struct message *m = event->message.message;
    r->kind = RECORD_DELIVERY;
    put(r, (struct field)FIELD_T("id", m->id));
    put(r, (struct field)FIELD_T("state", delivery_name(m->delivery)));
    put(r, (struct field)FIELD_T("error", m->error));
    end_columns(r);
    put(r, (struct field)FIELD_T("chat", event->chat ? event->chat->jid : NULL));
}

static void set_presence(struct record *r, const struct event *event)
{
    const struct presence *p = event->presence.presence;
    r->kind = RECORD_PRESENCE;
    put(r, (struct field)FIELD_T("from", p->from));
    put(r, (struct field)FIELD_T("show", show_name(p->show)));
    put(r, (struct field)FIELD_T("status", p->status));
    end_columns(r);
    put(r, (struct field)FIELD_I("priority", p->priority));
    put(r, (struct field)FIELD_T("nick", p->nick));
}

static void set_subscription(struct record *r, const struct event *event)
{
    r->kind = RECORD_SUBSCRIPTION;
    put(r, (struct field)FIELD_T("from", event->subscription.from));
    put(r, (struct field)FIELD_T("type", event->subscription.type));
    put(r, (struct field)FIELD_T("status", event->subscription.status));
    end_columns(r);
}

static void set_typing(struct record *r, const struct event *event)
{
    r->kind = RECORD_TYPING;
    put(r, (struct field)FIELD_T("from", event->typing.from));
    put(r, (struct field)FIELD_T("state", event->typing.state));
    end_columns(r);
}

/* Only of catch-ups that take their time: most are over at once. */
static void set_archive(struct record *r, const struct event *event)
{
    if (event->archive.done && !event->archive.told)
        return;
    r->kind = RECORD_ARCHIVE;
    put(r, (struct field)FIELD_I("fetched", event->archive.fetched));
    put(r, (struct field)FIELD_B("done", event->archive.done));
    end_columns(r);
    if (event->archive.reached_us > 0)
        put(r, (struct field)FIELD_D("reached", event->archive.reached_us));
}

static void set_error(struct record *r, const struct event *event)
{
    r->kind = RECORD_ERROR;
    put(r, (struct field)FIELD_T("condition", event->error_info.condition));
    put(r, (struct field)FIELD_T("text", event->error_info.text));
    end_columns(r);
    put(r, (struct field)FIELD_T("by", event->error_info.by));
    put(r, (struct field)FIELD_T("stanza", event->error_info.stanza));
}

static void set_contact(
    struct record *r, const struct contact *contact, bool removed)
{
    r->kind = RECORD_ROSTER;
    put(r, (struct field)FIELD_T("jid", contact->jid));
    put(r, (struct field)FIELD_T("name", contact->name));
    put(r, (struct field)FIELD_T(
               "subscription", subscription_name(contact->subscription)));
    put(r, (struct field)FIELD_T("ask", contact->ask ? "subscribe" : NULL));
    put(r, (struct field)FIELD_L(
               "groups", (const char *const *)contact->groups));
    if (removed)
        put(r, (struct field)FIELD_B("removed", true));
    end_columns(r);
}

static void begin(struct record *record, const struct event *event)
{
    memset(record, 0, offsetof(struct record, fields));
    record->n = record->n_text = 0;
    record->own = NULL;
    record->kind = RECORD_NONE;
    record->account = event->account ? event->account->jid : NULL;
    record->time_us = event->time_us;
}

void record_of_contact(struct record *record, const struct event *event,
    const struct contact *contact, bool removed)
{
    begin(record, event);
    set_contact(record, contact, removed);
}

static bool is_settled(const struct account *account)
{
    return account->state == STATE_ONLINE || account->state == STATE_OFFLINE ||
        account->state == STATE_WAITING;
}

bool record_of_event(
    struct record *record, const struct event *event, bool was_online)
{
    begin(record, event);
    switch (event->type) {
    case EVENT_STATE:
        if (is_settled(event->account) &&
            (event->account->state == STATE_ONLINE || was_online ||
                event->state.error))
            set_state(record, event);
        break;
    case EVENT_MESSAGE:
        if (event->message.message->type != MESSAGE_NOTICE)
            set_message(record, event);
        break;
    case EVENT_MESSAGE_CHANGED:
        if (event->message.message->outgoing &&
            event->message.message->delivery >= DELIVERY_SENT)
            set_delivery(record, event);
        break;
    case EVENT_PRESENCE:
        set_presence(record, event);
        break;
    case EVENT_SUBSCRIPTION:
        set_subscription(record, event);
        break;
    case EVENT_ROSTER:
        set_contact(record, event->contact, event->roster.removed);
        break;
    case EVENT_TYPING:
        set_typing(record, event);
        break;
    case EVENT_ARCHIVE:
        set_archive(record, event);
        break;
    case EVENT_ERROR:
        set_error(record, event);
        break;
    default:
        break;
    }
    return record->kind != RECORD_NONE;
}

void record_clear(struct record *record)
{
    g_clear_pointer(&record->own, g_free);
}
