/*
 * Pixels are no cells: nobody would know which of them a scrolling pane has
 * moved. So they are shown here only, where nothing moves: the cells below are
 * blank, and go to the terminal before; when it is over everything is written
 * anew.
 */
#include "config.h"
#include "ui/picture/viewer.h"
#include "base/text.h"
#include "ui/picture/pictures.h"
#include "ui/term/screen.h"
#include "ui/ui.h"
#include <string.h>

struct viewer {
    struct tui *tui;
    char *title, *file, *error;
    struct picture_job *job;  /* of pixels */
    struct picture *pixels;
    int cols, rows;           /* room it was decoded for */
    bool put, sent, failed;   /* pixels: nothing covers them; were; cannot be */
};

static void forget_pixels(struct viewer *viewer)
{
    if (viewer->job)
        picture_cancel(viewer->job);
    viewer->job = NULL;
    if (viewer->sent && viewer->tui->screen) {
        screen_take_picture(viewer->tui->screen, 0, 0, 0, 0, 0);
        screen_forget(viewer->tui->screen);
    }
    viewer->put = viewer->sent = viewer->failed = false;
    g_clear_pointer(&viewer->pixels, picture_free);
}

void viewer_close(struct tui *tui)
{
    struct viewer *viewer = tui->viewer;
    if (!viewer)
        return;
    tui->viewer = NULL;
    forget_pixels(viewer);
    pictures_forget(tui->pictures, viewer);
    g_free(viewer->title);
    g_free(viewer->file);
    g_free(viewer->error);
    g_free(viewer);
    tui_dirty_all(tui);
}

static void on_file(const char *file, const GError *error, gpointer data)
{
    struct viewer *viewer = data;
    viewer->file = g_strdup(file);
    viewer->error = error ? g_strdup(error->message) : NULL;
    tui_dirty_all(viewer->tui);
}

void viewer_open(struct tui *tui, struct account *account, const char *title,
    const char *url, const char *file)
{
    viewer_close(tui);
    struct viewer *viewer = g_new0(struct viewer, 1);
    viewer->tui = tui;
    viewer->title = text_clean(title, -1, TEXT_ONE_LINE);
    viewer->file = g_strdup(file);
    tui->viewer = viewer;
    if (url)
        pictures_fetch(tui->pictures, account, url, on_file, viewer);
    if (pictures_by_pixels(tui))
        screen_ask_graphics(tui->screen);
    tui_dirty_all(tui);
}

bool viewer_key(struct tui *tui, const struct key *key)
{
    if (!tui->viewer)
        return false;
    bool letter = key->code == KEY_CHAR && !key->mods &&
        (key->text[0] == 'q' || key->text[0] == ' ');
    bool click = key->code == KEY_MOUSE_ && key->button == MOUSE_LEFT;
    if (letter || click || key->code == KEY_ESC || key->code == KEY_ENTER)
        viewer_close(tui);
    return true;
}

void viewer_again(struct tui *tui)
{
    if (!tui->viewer)
        return;
    forget_pixels(tui->viewer);
    tui_dirty_all(tui);
}

static void on_pixels(struct picture *picture, const GError *error, gpointer data)
{
    struct viewer *viewer = data;
    viewer->job = NULL;
    viewer->pixels = picture;
    viewer->failed = error;
    tui_dirty_all(viewer->tui);
}

static void want_pixels(struct viewer *viewer, int cols, int rows)
{
    struct tui *tui = viewer->tui;
    enum graphics graphics = pictures_by_pixels(tui) ? screen_graphics(tui->screen) : GRAPHICS_NONE;
    if (viewer->cols != cols || viewer->rows != rows)
        forget_pixels(viewer);
    viewer->cols = cols;
    viewer->rows = rows;
    if (graphics == GRAPHICS_NONE || viewer->job || viewer->pixels || viewer->failed)
        return;
    struct picture_wanted wanted = pictures_wanted(tui,
        graphics == GRAPHICS_KITTY ? PICTURE_PIXELS : PICTURE_SIXEL, cols, rows);
    wanted.depth = DEPTH_TRUE;
    viewer->job = picture_decode(viewer->file, &wanted, on_pixels, viewer);
}

static struct area room(struct area area)
{
    return area_sub(area, 0, 1, area.cols, area.rows - 2);
}

static void draw_picture(struct viewer *viewer, struct area area)
{
    const char *error = viewer->error;
    const struct picture *picture = NULL;
    if (viewer->file) {
        want_pixels(viewer, area.cols, area.rows);
        if (viewer->pixels)
            return; /* viewer_after */
        picture = pictures_of_file(viewer->tui->pictures, viewer->file, area.cols, area.rows);
        error = pictures_file_error(viewer->tui->pictures, viewer->file, area.cols, area.rows);
    }
    if (picture) {
        picture_draw(picture, area, (area.cols - picture->cols) / 2,
            (area.rows - picture->rows) / 2);
        return;
    }
    const char *text = error ? error : _("the picture is on its way…");
    grid_text_fit(area, MAX((area.cols - text_width(text, -1)) / 2, 0), area.rows / 2, -1,
        style_of(error ? ROLE_ERROR : ROLE_DIM), text);
}

void viewer_draw(struct tui *tui, struct area area)
{
    struct viewer *viewer = tui->viewer;
    if (!viewer)
        return;
    area_clear(area, style_of(ROLE_TEXT));
    area_clear(area_sub(area, 0, 0, area.cols, 1), style_of(ROLE_TITLE));
    grid_text_fit(area, 1, 0, area.cols - 2, style_of(ROLE_TITLE_NAME), viewer->title);
    area_clear(area_sub(area, 0, area.rows - 1, area.cols, 1), style_of(ROLE_STATUS));
    grid_text_fit(area, 1, area.rows - 1, area.cols - 2, style_of(ROLE_STATUS_DIM),
        _("Esc closes the picture"));
    if (area.rows > 2)
        draw_picture(viewer, room(area));
    tui->grid->cursor_x = tui->grid->cursor_y = -1;
}

void viewer_after(struct tui *tui)
{
    struct viewer *viewer = tui->viewer;
    if (!viewer || !viewer->pixels)
        return;
    if (tui->dialogs->len && viewer->put) { /* what covers it takes it away */
        screen_take_picture(tui->screen, 0, 0, 0, 0, 0);
        viewer->put = false;
    }
    if (tui->dialogs->len || viewer->put)
        return;
    struct area area = room(grid_area(tui->grid));
    const struct picture *pixels = viewer->pixels;
    screen_put_picture(tui->screen, &(struct screen_picture){
        .pixels = pixels->kind == PICTURE_PIXELS, .bytes = pixels->bytes,
        .x = area.x + (area.cols - pixels->cols) / 2,
        .y = area.y + (area.rows - pixels->rows) / 2, .cols = pixels->cols,
        .rows = pixels->rows, .width = pixels->width, .height = pixels->height });
    viewer->put = viewer->sent = true;
}
