/*
 * txmpp-picture: a file in on standard input, what a terminal can show out on
 * standard output (format.h). The libraries that decode are fed by strangers:
 * so they run here, in a process of their own that has nothing, may open
 * nothing (seccomp) and gets little memory and time. First comes everything
 * that needs more, then the door is shut, then the file is looked at.
 *
 *     txmpp-picture KIND COLORS COLS ROWS CELL-WIDTH CELL-HEIGHT [ascii] [exact] < FILE
 */
#include "config.h"
#include "base/intl.h"
#include "ui/picture/format.h"
#include <chafa.h>
#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <turbojpeg.h>
#include <unistd.h>
#include <webp/decode.h>
#ifdef HAVE_GIF
#include <gif_lib.h>
#endif
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum {
    MEMORY = 512 << 20,
    CPU_SECONDS = 5,
    PIXELS_MAX = 50 * 1000 * 1000,
    PIXELS_SENT = 1000 * 1000,
    ENLARGED = 4, /* a small picture is not made larger than so many times */
};

#define DAMAGED N_("The picture is damaged.")

struct image {
    guint8 *pixels; /* red, green, blue, alpha */
    int width, height;
};

struct wanted {
    enum picture_kind kind;
    ChafaCanvasMode mode;
    bool ascii, exact;
    int cols, rows, cell_width, cell_height;
};

static void put(const void *bytes, gsize len)
{
    const guint8 *at = bytes;
    while (len) {
        gssize n = write(STDOUT_FILENO, at, len);
        if (n <= 0)
            _exit(1);
        at += n;
        len -= (gsize)n;
    }
}

static void put_head(enum picture_kind kind, int cols, int rows, int width, int height, gsize len)
{
    const guint16 sizes[] = { GUINT16_TO_LE((guint16)cols), GUINT16_TO_LE((guint16)rows),
        GUINT16_TO_LE((guint16)width), GUINT16_TO_LE((guint16)height) };
    const guint32 length = GUINT32_TO_LE((guint32)len);
    const guint8 kinds[] = { (guint8)kind, 0 };
    put(PICTURE_MAGIC, 4);
    put(kinds, sizeof kinds);
    put(sizes, sizeof sizes);
    put(&length, sizeof length);
}

G_GNUC_NORETURN static void fail(const char *sentence)
{
    put_head(PICTURE_FAILURE, 0, 0, 0, 0, strlen(sentence));
    put(sentence, strlen(sentence));
    _exit(0);
}

/* ---- less and less ---- */

static void limit(int what, rlim_t most)
{
    const struct rlimit rlimit = { most, most };
    if (setrlimit(what, &rlimit) < 0)
        fail(N_("The limits for decoding pictures cannot be set here."));
}

static void bound(void)
{
#ifndef SANITIZED
    limit(RLIMIT_AS, MEMORY);
#endif
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 3);
}

static void shut(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#if defined(HAVE_SECCOMP) && !defined(SANITIZED)
    static const int allowed[] = { SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit),
        SCMP_SYS(exit_group), SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap),
        SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(getrandom),
        SCMP_SYS(clock_gettime), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(gettid),
        SCMP_SYS(getpid), SCMP_SYS(tgkill), SCMP_SYS(sysinfo) };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failed = !filter;
    for (gsize i = 0; i < G_N_ELEMENTS(allowed) && !failed; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) < 0;
    /* Memory, yes; memory that runs, no. */
    if (!failed)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                     SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0)) < 0;
    if (failed || seccomp_load(filter) < 0)
        fail(N_("This system gives no safe place for decoding pictures (seccomp)."));
    seccomp_release(filter);
#endif
}

/* ---- files ---- */

static guint8 *read_all(gsize *len)
{
    guint8 *bytes = malloc(PICTURE_FILE_MAX + 1);
    *len = 0;
    while (bytes && *len <= PICTURE_FILE_MAX) {
        gssize n = read(STDIN_FILENO, bytes + *len, PICTURE_FILE_MAX + 1 - *len);
        if (n < 0)
            break;
        if (!n)
            return bytes;
        *len += (gsize)n;
    }
    fail(N_("The file is too large for a picture."));
}

static void begin(struct image *image, guint64 width, guint64 height)
{
    if (!width || !height)
        fail(DAMAGED);
    if (width > 65535 || height > 65535 || width * height > PIXELS_MAX)
        fail(N_("The picture has too many pixels."));
    image->width = (int)width;
    image->height = (int)height;
    image->pixels = malloc(width * height * 4);
    if (!image->pixels)
        fail(N_("The picture needs too much memory."));
}

static bool read_png(const guint8 *bytes, gsize len, struct image *image)
{
    png_image png = { .version = PNG_IMAGE_VERSION };
    if (!png_image_begin_read_from_memory(&png, bytes, len))
        return false;
    png.format = PNG_FORMAT_RGBA;
    begin(image, png.width, png.height);
    return png_image_finish_read(&png, NULL, image->pixels, 0, NULL);
}

/* A photograph is not decoded larger than it is shown. */
static bool read_jpeg(const guint8 *bytes, gsize len, struct image *image, int most)
{
    tjhandle handle = tjInitDecompress();
    int width, height, subsampling, space, n = 0;
    if (!handle ||
        tjDecompressHeader3(handle, bytes, len, &width, &height, &subsampling, &space) < 0)
        return false;
    tjscalingfactor *factors = tjGetScalingFactors(&n), best = { 1, 1 };
    for (int i = 0; i < n; i++)
        if (factors[i].num * best.denom < best.num * factors[i].denom &&
            TJSCALED(width, factors[i]) >= most && TJSCALED(height, factors[i]) >= most)
            best = factors[i];
    begin(image, (guint64)TJSCALED(width, best), (guint64)TJSCALED(height, best));
    return tjDecompress2(handle, bytes, len, image->pixels, image->width, 0,
               image->height, TJPF_RGBA, TJFLAG_LIMITSCANS) == 0 ||
        tjGetErrorCode(handle) == TJERR_WARNING;
}

static bool read_webp(const guint8 *bytes, gsize len, struct image *image)
{
    int width, height;
    if (!WebPGetInfo(bytes, len, &width, &height))
        return false;
    begin(image, (guint64)width, (guint64)height);
    return WebPDecodeRGBAInto(bytes, len, image->pixels, (gsize)width * (gsize)height * 4,
               width * 4) != NULL;
}

#ifdef HAVE_GIF
struct rest {
    const guint8 *at;
    gsize len;
};

static int gif_bytes(GifFileType *gif, GifByteType *out, int n)
{
    struct rest *rest = gif->UserData;
    n = (int)MIN((gsize)MAX(n, 0), rest->len);
    memcpy(out, rest->at, (gsize)n);
    rest->at += n;
    rest->len -= (gsize)n;
    return n;
}

/* What stands before the first image; its colour that is clear. */
static bool gif_find_image(GifFileType *gif, int *clear)
{
    GifRecordType type;
    *clear = NO_TRANSPARENT_COLOR;
    while (DGifGetRecordType(gif, &type) == GIF_OK && type != TERMINATE_RECORD_TYPE) {
        GifByteType *block;
        GraphicsControlBlock control;
        int code;
        if (type == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(gif) == GIF_OK;
        if (type != EXTENSION_RECORD_TYPE || DGifGetExtension(gif, &code, &block) != GIF_OK)
            return false;
        if (block && code == GRAPHICS_EXT_FUNC_CODE &&
            DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
            *clear = control.TransparentColor;
        while (block)
            if (DGifGetExtensionNext(gif, &block) != GIF_OK)
                return false;
    }
    return false;
}

/* The first image only: nothing moves on this screen. Where it does not reach
 * the picture is clear; where it reaches beyond it is cut. */
static bool read_gif(const guint8 *bytes, gsize len, struct image *image)
{
    static const int passes[][2] = { { 0, 8 }, { 4, 8 }, { 2, 4 }, { 1, 2 }, { 0, 1 } };
    struct rest rest = { bytes, len };
    int clear;
    GifFileType *gif = DGifOpen(&rest, gif_bytes, NULL);
    if (!gif)
        return false;
    begin(image, (guint64)gif->SWidth, (guint64)gif->SHeight);
    memset(image->pixels, 0, (gsize)image->width * (gsize)image->height * 4);
    if (!gif_find_image(gif, &clear))
        return false;
    const GifImageDesc *desc = &gif->Image;
    const ColorMapObject *map = desc->ColorMap ? desc->ColorMap : gif->SColorMap;
    if (!map || (guint64)desc->Width * (guint64)desc->Height > PIXELS_MAX)
        return false;
    GifPixelType *row = malloc((gsize)MAX(desc->Width, 1));
    int from = desc->Interlace ? 0 : 4, to = desc->Interlace ? 4 : 5;
    for (int pass = from; row && pass < to; pass++)
        for (int y = passes[pass][0]; y < desc->Height; y += passes[pass][1]) {
            if (DGifGetLine(gif, row, desc->Width) != GIF_OK)
                return false;
            for (int x = 0; x < desc->Width && desc->Left + x < image->width &&
                desc->Top + y < image->height; x++) {
                if (row[x] == clear || row[x] >= map->ColorCount)
                    continue;
                const GifColorType *color = &map->Colors[row[x]];
                guint8 *pixel = &image->pixels[((gsize)(desc->Top + y) * (gsize)image->width +
                    (gsize)(desc->Left + x)) * 4];
                pixel[0] = color->Red;
                pixel[1] = color->Green;
                pixel[2] = color->Blue;
                pixel[3] = 255;
            }
        }
    return row;
}
#else
static bool read_gif(const guint8 *bytes, gsize len, struct image *image)
{
    (void)bytes;
    (void)len;
    (void)image;
    fail(N_("This txmpp shows no GIFs: it was built without giflib."));
}
#endif

static void decode(const guint8 *bytes, gsize len, struct image *image, int most)
{
    bool ok;
    if (len > 8 && !memcmp(bytes, "\211PNG\r\n\032\n", 8))
        ok = read_png(bytes, len, image);
    else if (len > 3 && !memcmp(bytes, "\377\330\377", 3))
        ok = read_jpeg(bytes, len, image, most);
    else if (len > 12 && !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WEBP", 4))
        ok = read_webp(bytes, len, image);
    else if (len > 6 && (!memcmp(bytes, "GIF87a", 6) || !memcmp(bytes, "GIF89a", 6)))
        ok = read_gif(bytes, len, image);
    else
        fail(N_("This is no picture that can be shown: PNG, JPEG, WebP and GIF are."));
    if (!ok)
        fail(DAMAGED);
}

/* ---- what comes out ---- */

static ChafaCanvas *draw(const struct wanted *wanted, const struct image *image, int cols, int rows)
{
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    ChafaSymbolMap *symbols = chafa_symbol_map_new();
    chafa_symbol_map_add_by_tags(symbols,
        wanted->ascii ? CHAFA_SYMBOL_TAG_ASCII
                      : CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_SOLID |
                CHAFA_SYMBOL_TAG_HALF | CHAFA_SYMBOL_TAG_QUAD);
    chafa_canvas_config_set_symbol_map(config, symbols);
    chafa_canvas_config_set_geometry(config, cols, rows);
    chafa_canvas_config_set_canvas_mode(config, wanted->mode);
    chafa_canvas_config_set_cell_geometry(config, wanted->cell_width, wanted->cell_height);
    chafa_canvas_config_set_pixel_mode(config, wanted->kind == PICTURE_SIXEL
            ? CHAFA_PIXEL_MODE_SIXELS : CHAFA_PIXEL_MODE_SYMBOLS);
    if (wanted->mode != CHAFA_CANVAS_MODE_TRUECOLOR && wanted->kind == PICTURE_CELLS)
        chafa_canvas_config_set_dither_mode(config, CHAFA_DITHER_MODE_ORDERED);
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGBA8_UNASSOCIATED, image->pixels,
        image->width, image->height, image->width * 4);
    return canvas;
}

static void put_cells(ChafaCanvas *canvas, int cols, int rows, const struct image *image)
{
    put_head(PICTURE_CELLS, cols, rows, MIN(image->width, 65535), MIN(image->height, 65535),
        (gsize)cols * (gsize)rows * PICTURE_CELL);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++) {
            int fg, bg;
            chafa_canvas_get_raw_colors_at(canvas, x, y, &fg, &bg);
            const gint32 cell[] = {
                GINT32_TO_LE((gint32)chafa_canvas_get_char_at(canvas, x, y)),
                GINT32_TO_LE(fg), GINT32_TO_LE(bg) };
            put(cell, sizeof cell);
        }
}

/* Each pixel shown is the mean of those that it stands for. */
static guint8 *scale(const struct image *image, int width, int height)
{
    guint8 *out = malloc((gsize)width * (gsize)height * 4);
    if (!out)
        fail(N_("The picture needs too much memory."));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int x0 = (int)((gint64)x * image->width / width);
            int y0 = (int)((gint64)y * image->height / height);
            int x1 = MAX((int)((gint64)(x + 1) * image->width / width), x0 + 1);
            int y1 = MAX((int)((gint64)(y + 1) * image->height / height), y0 + 1);
            guint64 sum[4] = { 0 }, n = (guint64)(x1 - x0) * (guint64)(y1 - y0);
            for (int sy = y0; sy < y1; sy++)
                for (int sx = x0; sx < x1; sx++)
                    for (int i = 0; i < 4; i++)
                        sum[i] += image->pixels[((gsize)sy * (gsize)image->width + (gsize)sx) * 4 + (gsize)i];
            for (int i = 0; i < 4; i++)
                out[((gsize)y * (gsize)width + (gsize)x) * 4 + (gsize)i] = (guint8)(sum[i] / n);
        }
    return out;
}

static void show(const struct wanted *wanted, const struct image *image)
{
    /* What it would take at its own size, then at most what there is. */
    gint64 own_cols = (gint64)image->width / wanted->cell_width + 1;
    gint64 own_rows = (gint64)image->height / wanted->cell_height + 1;
    int cols = wanted->cols, rows = wanted->rows;
    if (!wanted->exact) {
        cols = (int)MIN(cols, own_cols * ENLARGED);
        rows = (int)MIN(rows, own_rows * ENLARGED);
        chafa_calc_canvas_geometry(image->width, image->height, &cols, &rows,
            (float)wanted->cell_width / (float)wanted->cell_height, TRUE, FALSE);
        cols = CLAMP(cols, 1, wanted->cols);
        rows = CLAMP(rows, 1, wanted->rows);
    }
    int width = cols * wanted->cell_width, height = rows * wanted->cell_height;
    if (wanted->kind == PICTURE_PIXELS) {
        double ratio = MIN((double)width / image->width, (double)height / image->height);
        /* The terminal makes it larger again. */
        while (image->width * ratio * image->height * ratio > PIXELS_SENT)
            ratio *= 0.9;
        width = CLAMP((int)(image->width * ratio), 1, PICTURE_SIDE_MAX);
        height = CLAMP((int)(image->height * ratio), 1, PICTURE_SIDE_MAX);
        guint8 *pixels = scale(image, width, height);
        gsize len = (gsize)width * (gsize)height * 4;
        put_head(PICTURE_PIXELS, cols, rows, width, height, len);
        put(pixels, len);
        return;
    }
    ChafaCanvas *canvas = draw(wanted, image, cols, rows);
    if (wanted->kind == PICTURE_CELLS) {
        put_cells(canvas, cols, rows, image);
        return;
    }
    GString *text = chafa_canvas_print(canvas, NULL);
    put_head(PICTURE_SIXEL, cols, rows, MIN(width, 65535), MIN(height, 65535), text->len);
    put(text->str, text->len);
}

static int number(const char *text, int most)
{
    guint64 n;
    if (!g_ascii_string_to_unsigned(text, 10, 1, (guint64)most, &n, NULL))
        exit(2);
    return (int)n;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        ChafaCanvasMode mode;
    } modes[] = {
        { "true", CHAFA_CANVAS_MODE_TRUECOLOR }, { "256", CHAFA_CANVAS_MODE_INDEXED_256 },
        { "16", CHAFA_CANVAS_MODE_INDEXED_16 }, { "8", CHAFA_CANVAS_MODE_INDEXED_8 },
        { "none", CHAFA_CANVAS_MODE_FGBG },
    };
    if (argc < 7)
        return 2;
    struct wanted wanted = { .kind = (enum picture_kind)argv[1][0],
        .ascii = g_strv_contains((const char *const *)argv + 7, "ascii"),
        .exact = g_strv_contains((const char *const *)argv + 7, "exact"),
        .mode = CHAFA_CANVAS_MODE_TRUECOLOR,
        .cols = number(argv[3], PICTURE_CELLS_MAX), .rows = number(argv[4], PICTURE_CELLS_MAX),
        .cell_width = number(argv[5], 200), .cell_height = number(argv[6], 200) };
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++)
        if (!strcmp(argv[2], modes[i].name))
            wanted.mode = modes[i].mode;
    if (wanted.cols * wanted.cell_width > PICTURE_SIDE_MAX)
        wanted.cols = MAX(PICTURE_SIDE_MAX / wanted.cell_width, 1);
    if (wanted.rows * wanted.cell_height > PICTURE_SIDE_MAX)
        wanted.rows = MAX(PICTURE_SIDE_MAX / wanted.cell_height, 1);
    chafa_set_n_threads(1);
    bound();
    gsize len;
    guint8 *bytes = read_all(&len);
    shut();
    struct image image = { 0 };
    decode(bytes, len, &image,
        MAX(wanted.cols * wanted.cell_width, wanted.rows * wanted.cell_height));
    free(bytes);
    show(&wanted, &image);
    _exit(0);
}
