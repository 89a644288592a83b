/*
 * Observers are an array walked by index, so that one added or removed while
 * an event is on its way neither skips nor repeats another. A removed slot is
 * blanked and swept when the outermost emission returns.
 */
#include "model/event.h"
#include "base/intl.h"
#include "base/stamp.h"
#include <string.h>

struct observer {
    observer_fn fn; /* NULL: removed, to be swept */
    gpointer data;
};

struct observers {
    GArray *list;
    unsigned depth; /* of emissions under way */
    bool dirty;
    int wanted[EVENT_TYPES];
};

struct observers *observers_new(void)
{
    struct observers *observers = g_new0(struct observers, 1);

    observers->list = g_array_new(FALSE, FALSE, sizeof(struct observer));
    return observers;
}

void observers_free(struct observers *observers)
{
    if (!observers)
        return;
    g_array_unref(observers->list);
    g_free(observers);
}

void observers_add(struct observers *observers, observer_fn fn, gpointer data)
{
    struct observer observer = { fn, data };

    g_array_append_val(observers->list, observer);
}

static void sweep(struct observers *observers)
{
    if (observers->depth > 0 || !observers->dirty)
        return;
    for (guint i = observers->list->len; i-- > 0;)
        if (!g_array_index(observers->list, struct observer, i).fn)
            g_array_remove_index(observers->list, i);
    observers->dirty = false;
}

void observers_remove(
    struct observers *observers, observer_fn fn, gpointer data)
{
    for (guint i = 0; i < observers->list->len; i++) {
        struct observer *o =
            &g_array_index(observers->list, struct observer, i);
        if (o->fn != fn || o->data != data)
            continue;
        o->fn = NULL;
        observers->dirty = true;
        break;
    }
    sweep(observers);
}

void observers_emit(struct observers *observers, const struct event *event)
{
    struct event copy = *event;
    guint n;

    if (!observers)
        return;
    if (copy.time_us == 0)
        copy.time_us = stamp_now();
    observers->depth++;
    n = observers->list->len; /* one added meanwhile waits for the next */
    for (guint i = 0; i < n; i++) {
        struct observer o =
            g_array_index(observers->list, struct observer, i);
        if (o.fn)
            o.fn(&copy, o.data);
    }
    observers->depth--;
    sweep(observers);
}

void observers_want(
    struct observers *observers, enum event_type type, bool want)
{
    observers->wanted[type] += want ? 1 : -1;
}

bool observers_wanted(
    const struct observers *observers, enum event_type type)
{
    return observers && observers->wanted[type] > 0;
}

void observers_notice(struct observers *observers, struct account *account,
    const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(_(format), args);
    va_end(args);
    observers_emit(observers, &(struct event){ .type = EVENT_NOTICE,
                                  .account = account,
                                  .notice = { .text = text } });
}
