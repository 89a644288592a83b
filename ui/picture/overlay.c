#include "config.h"
#include "ui/picture/overlay.h"
#include "ui/picture/pictures.h"
#include "ui/term/screen.h"
#include "ui/ui.h"
#include <string.h>

enum {
    OVERLAYS_MAX = 24,
    COLS_MIN = 6,  /* what paint.c writes again rather than jump is shorter */
    REST_MS = 120, /* what moves is not worth its bytes */
    NUMBERS = 1000,
};

struct overlay {
    struct overlays *overlays;
    char *file;
    int x, y;
    struct grid *cells; /* as they must be */
    gint64 since_us;
    struct picture_job *job;
    struct picture *pixels;
    int number;         /* of kitty; 0: the terminal does not show it */
    bool failed;
};

struct overlays {
    struct tui *tui;
    GPtrArray *all;
    int numbers;
    guint frames;       /* screen_clears() when the terminal had them */
    int cell_width, cell_height;
    guint timer;
};

static void overlay_free(gpointer data)
{
    struct overlay *overlay = data;
    if (overlay->job)
        picture_cancel(overlay->job);
    picture_free(overlay->pixels);
    grid_free(overlay->cells);
    g_free(overlay->file);
    g_free(overlay);
}

struct overlays *overlays_new(struct tui *tui)
{
    struct overlays *overlays = g_new0(struct overlays, 1);
    overlays->tui = tui;
    overlays->all = g_ptr_array_new_with_free_func(overlay_free);
    return overlays;
}

void overlays_free(struct overlays *overlays)
{
    if (!overlays)
        return;
    g_clear_handle_id(&overlays->timer, g_source_remove);
    g_ptr_array_unref(overlays->all);
    g_free(overlays);
}

static struct overlay *find(const struct overlays *overlays, const char *file, int x, int y)
{
    for (guint i = 0; i < overlays->all->len; i++) {
        struct overlay *overlay = overlays->all->pdata[i];
        if (overlay->x == x && overlay->y == y && !strcmp(overlay->file, file))
            return overlay;
    }
    return NULL;
}

void overlays_offer(struct overlays *overlays, const struct picture *picture,
    const char *file, struct area area, int x, int y)
{
    x += area.x;
    y += area.y;
    if (!pictures_by_pixels(overlays->tui) || overlays->all->len >= OVERLAYS_MAX ||
        picture->kind != PICTURE_CELLS || picture->cols < COLS_MIN || x < 0 || y < 0 ||
        x + picture->cols > area.grid->cols || y + picture->rows > area.grid->rows)
        return;
    screen_ask_graphics(overlays->tui->screen);
    if (find(overlays, file, x, y))
        return;
    struct overlay *overlay = g_new0(struct overlay, 1);
    *overlay = (struct overlay){ .overlays = overlays, .file = g_strdup(file), .x = x, .y = y,
        .cells = grid_new(picture->cols, picture->rows, area.grid->ascii),
        .since_us = g_get_monotonic_time() };
    picture_draw(picture, grid_area(overlay->cells), 0, 0);
    g_ptr_array_add(overlays->all, overlay);
}

/* Rows that are written whole (paint.c: right-to-left text) stay of cells. */
static bool stands(const struct overlay *overlay)
{
    const struct grid *grid = overlay->overlays->tui->grid, *cells = overlay->cells;
    if (overlay->x + cells->cols > grid->cols || overlay->y + cells->rows > grid->rows)
        return false;
    for (int row = 0; row < cells->rows; row++) {
        const struct cell *line = grid_cell(grid, 0, overlay->y + row);
        if (memcmp(line + overlay->x, grid_cell(cells, 0, row),
                sizeof(struct cell) * (gsize)cells->cols))
            return false;
        for (int x = 0; x < grid->cols; x++)
            if (line[x].field)
                return false;
    }
    return true;
}

static void take_away(struct overlay *overlay)
{
    if (overlay->number)
        screen_take_picture(overlay->overlays->tui->screen, overlay->number, overlay->x,
            overlay->y, overlay->cells->cols, overlay->cells->rows);
    overlay->number = 0;
}

/* An empty terminal has none, and another size of its cells wants others. */
static void look_around(struct overlays *overlays)
{
    struct tui *tui = overlays->tui;
    int width = 0, height = 0;
    screen_cell(tui->screen, &width, &height);
    bool other = width != overlays->cell_width || height != overlays->cell_height;
    overlays->cell_width = width;
    overlays->cell_height = height;
    for (guint i = overlays->all->len; i-- > 0;) {
        struct overlay *overlay = overlays->all->pdata[i];
        if (!other && pictures_by_pixels(tui) && stands(overlay))
            continue;
        take_away(overlay);
        g_ptr_array_remove_index_fast(overlays->all, i);
    }
}

void overlays_before(struct overlays *overlays)
{
    if (overlays->all->len)
        look_around(overlays);
}

static void on_pixels(struct picture *picture, const GError *error, gpointer data)
{
    struct overlay *overlay = data;
    overlay->job = NULL;
    overlay->pixels = picture;
    overlay->failed = error;
    tui_dirty(overlay->overlays->tui);
}

static gboolean on_rest(gpointer data)
{
    struct overlays *overlays = data;
    overlays->timer = 0;
    tui_dirty(overlays->tui);
    return G_SOURCE_REMOVE;
}

static void put(struct overlay *overlay)
{
    struct overlays *overlays = overlay->overlays;
    struct screen *screen = overlays->tui->screen;
    const struct picture *pixels = overlay->pixels;
    overlays->numbers = overlays->numbers % NUMBERS + 1;
    overlay->number = overlays->numbers;
    screen_put_picture(screen, &(struct screen_picture){
        .pixels = pixels->kind == PICTURE_PIXELS, .bytes = pixels->bytes,
        .number = overlay->number, .x = overlay->x, .y = overlay->y, .cols = pixels->cols,
        .rows = pixels->rows, .width = pixels->width, .height = pixels->height,
        .blank_cols = overlay->cells->cols, .blank_rows = overlay->cells->rows });
}

static void want(struct overlay *overlay, enum graphics graphics)
{
    struct picture_wanted wanted = pictures_wanted(overlay->overlays->tui,
        graphics == GRAPHICS_KITTY ? PICTURE_PIXELS : PICTURE_SIXEL, overlay->cells->cols,
        overlay->cells->rows);
    wanted.depth = DEPTH_TRUE;
    wanted.exact = true;
    overlay->job = picture_decode(overlay->file, &wanted, on_pixels, overlay);
}

void overlays_after(struct overlays *overlays)
{
    struct screen *screen = overlays->tui->screen;
    enum graphics graphics = screen_graphics(screen);
    gint64 now = g_get_monotonic_time();
    guint frames = screen_clears(screen);
    bool rests = true;
    for (guint i = 0; i < overlays->all->len; i++) {
        struct overlay *overlay = overlays->all->pdata[i];
        if (frames != overlays->frames)
            overlay->number = 0;
        if (overlay->number || overlay->failed || graphics == GRAPHICS_NONE)
            continue;
        if (now - overlay->since_us < REST_MS * 1000)
            rests = false;
        else if (overlay->pixels)
            put(overlay);
        else if (!overlay->job)
            want(overlay, graphics);
    }
    overlays->frames = frames;
    if (!rests && !overlays->timer)
        overlays->timer = g_timeout_add(REST_MS, on_rest, overlays);
}
