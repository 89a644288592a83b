/* /theme and /color: how it looks. The list of themes shows each of them on
 * the whole screen while one moves through it. */
#include "config.h"
#include "ui/ui.h"
#include "ui/tui.h"
#include "cmd/job.h"
#include "store/option.h"
#include "ui/dialog/menu.h"
#include <string.h>

static struct tui *tui_of_job(struct job *job)
{
    return tui_of(job_front(job));
}

/* ---- the list with previews ---- */

/* What is to be shown again when nothing is taken. */
struct choice {
    struct tui *tui;
    char *before; /* NULL: something was taken */
};

static void show(struct tui *tui, const char *name)
{
    g_autofree const char **dirs = tui_theme_dirs(tui);
    g_autoptr(GError) error = NULL;
    struct theme *theme = theme_load(name, dirs, &error);
    if (theme)
        tui_set_theme(tui, theme);
    else
        tui_note(tui, ROLE_ERROR, error->message);
}

static bool keep(struct tui *tui, const char *name, GError **error)
{
    g_autofree const char **dirs = tui_theme_dirs(tui);
    struct theme *theme = theme_load(tui_theme_meant(tui, name), dirs, error);
    if (!theme)
        return false;
    tui->app->config.theme = NULL;
    tui_set_theme(tui, theme);
    return options_set(tui->app->options, NULL, "ui.theme", name, false, error);
}

static void on_moved(struct tui *tui, int id, const char *label, gpointer data)
{
    (void)id;
    (void)data;
    show(tui, label);
}

static void on_chosen(struct tui *tui, int id, const char *label, gpointer data)
{
    struct choice *choice = data;
    g_autoptr(GError) error = NULL;
    (void)id;
    if (keep(tui, label, &error))
        g_clear_pointer(&choice->before, g_free);
    else
        tui_note(tui, ROLE_ERROR, error->message);
}

static void choice_free(gpointer data)
{
    struct choice *choice = data;
    if (choice->before && !choice->tui->leaving)
        show(choice->tui, choice->before);
    g_free(choice->before);
    g_free(choice);
}

static enum cmd_status run_list(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    g_autofree const char **dirs = tui_theme_dirs(tui);
    g_auto(GStrv) names = theme_list(dirs);
    for (char **one = names; *one; one++) {
        g_autoptr(GError) error = NULL;
        struct theme *theme = theme_load(*one, dirs, &error);
        JOB_ROW(job, "theme", FIELD_T("name", *one),
            FIELD_B("current", !strcmp(*one, theme_name(tui->theme))),
            FIELD_T("summary", theme ? theme_summary(theme) : error->message));
        theme_free(theme);
    }
    return job_done(job);
}

static void note_linear(struct job *job)
{
    if (tui_of_job(job)->linear)
        job_note(job, "Kept for the screen; linear mode has no colours.");
}

enum cmd_status theme_run(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *name = job_arg(job, "name");
    g_autoptr(GError) error = NULL;
    if (name && !keep(tui, name, &error))
        return job_fail_error(job, error);
    if (name) {
        note_linear(job);
        return job_done(job);
    }
    if (tui->linear)
        return run_list(job);
    g_autofree const char **dirs = tui_theme_dirs(tui);
    g_auto(GStrv) names = theme_list(dirs);
    struct choice *choice = g_new0(struct choice, 1);
    *choice = (struct choice){ tui, g_strdup(theme_name(tui->theme)) };
    /* In a corner: what it is about is the rest of the screen. */
    struct menu *menu = menu_open(
        tui, _("Theme"), tui->grid->cols, 1, on_chosen, choice, choice_free);
    for (char **one = names; *one; one++)
        menu_add(menu, 0, 0, *one);
    menu_on_move(menu, on_moved, choice->before);
    return job_done(job);
}

const struct command theme_commands[] = {
    { .name = "list", .needs = NEEDS_SCREEN, .run = run_list,
        .summary = "List the themes", .fields = "theme: name current summary" },
    { .name = NULL },
};

static void complete_theme(struct completion *completion, const char *prefix)
{
    (void)prefix;
    if (!completion->front || !completion->front->ops->is_screen)
        return;
    g_autofree const char **dirs = tui_theme_dirs(tui_of(completion->front));
    g_auto(GStrv) names = theme_list(dirs);
    for (char **one = names; *one; one++)
        completion_add(completion, *one);
}

const struct arg_kind arg_theme = { .placeholder = "THEME", .complete = complete_theme };

/* ---- /color ---- */

enum cmd_status color_run(struct job *job)
{
    struct tui *tui = tui_of_job(job);
    const char *nick = job_arg(job, "nick"), *hue = job_arg(job, "hue");
    g_autoptr(GError) error = NULL;
    guint64 degrees = 0;
    if (!hue)
        return job_fail(job, "bad-request", "Say the hue as an angle from 0 to 359, or off.");
    bool off = !strcmp(hue, "off");
    if (!off && !g_ascii_string_to_unsigned(hue, 10, 0, 359, &degrees, NULL))
        return job_fail(job, "bad-request",
            "\"%s\" is no hue: an angle from 0 (red) over 120 (green) and 240 (blue) to 359, or off.", hue);
    if (!options_section_set(tui->app->options, "hues", nick, off ? NULL : hue, &error))
        return job_fail_error(job, error);
    tui_load_hues(tui);
    tui_dirty_all(tui);
    note_linear(job);
    return job_done(job);
}
