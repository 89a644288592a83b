/* See color.h. Nearness is weighted as the eye weighs red, green and blue. */
#include "config.h"
#include "ui/theme/color.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[16] = { "black", "red", "green", "yellow",
    "blue", "magenta", "cyan", "white", "bright-black", "bright-red",
    "bright-green", "bright-yellow", "bright-blue", "bright-magenta",
    "bright-cyan", "bright-white" };

/* xterm's first sixteen. */
static const int basic_rgb[16] = { 0x000000, 0xcd0000, 0x00cd00, 0xcdcd00,
    0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00,
    0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff };

bool color_parse(const char *text, int *out)
{
    if (!strcmp(text, "default")) {
        *out = COLOR_DEFAULT;
        return true;
    }
    for (int i = 0; i < 16; i++)
        if (!strcmp(text, names[i])) {
            *out = i;
            return true;
        }
    if (text[0] == '#' && strlen(text) == 7 &&
        strspn(text + 1, "0123456789abcdefABCDEF") == 6) {
        *out = COLOR_RGB | (int)strtoul(text + 1, NULL, 16);
        return true;
    }
    guint64 number;
    if (!g_ascii_string_to_unsigned(text, 10, 0, 255, &number, NULL))
        return false;
    *out = (int)number;
    return true;
}

/* xterm's cube of 6×6×6 and its 24 grays. */
static int cube_rgb(int index)
{
    static const int levels[6] = { 0, 95, 135, 175, 215, 255 };
    if (index >= 232)
        return (8 + (index - 232) * 10) * 0x010101;
    index -= 16;
    return levels[index / 36] << 16 | levels[index / 6 % 6] << 8 |
        levels[index % 6];
}

int color_rgb(int color)
{
    if (color & COLOR_RGB)
        return color < 0 ? 0 : color & 0xffffff;
    return color < 16 ? basic_rgb[color] : cube_rgb(color);
}

static int distance(int a, int b)
{
    int dr = (a >> 16 & 255) - (b >> 16 & 255);
    int dg = (a >> 8 & 255) - (b >> 8 & 255);
    int db = (a & 255) - (b & 255);
    return 2 * dr * dr + 4 * dg * dg + 3 * db * db;
}

static double linear(int channel)
{
    double value = channel / 255.0;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double luminance(int rgb)
{
    return 0.2126 * linear(rgb >> 16 & 255) + 0.7152 * linear(rgb >> 8 & 255) +
        0.0722 * linear(rgb & 255);
}

static double contrast_of(double x, double y)
{
    return (MAX(x, y) + 0.05) / (MIN(x, y) + 0.05);
}

double color_contrast(int a, int b)
{
    return contrast_of(luminance(a), luminance(b));
}

int color_nearest(int color, int from, int to)
{
    return color_nearest_upon(color, COLOR_DEFAULT, 0, from, to);
}

int color_nearest_upon(int color, int ground, double contrast, int from, int to)
{
    int rgb = color_rgb(color), best = -1, least = G_MAXINT;
    double under = contrast > 1 ? luminance(color_rgb(ground)) : 0;
    for (int i = from; i < to; i++) {
        int one = color_rgb(i), d = distance(rgb, one);
        if (d < least &&
            (contrast <= 1 || contrast_of(luminance(one), under) >= contrast)) {
            best = i;
            least = d;
        }
    }
    return best < 0 ? color_nearest(color, from, to) : best;
}

/* HSLuv: LCHuv with the chroma scaled to what sRGB can show. */
static const double to_rgb[3][3] = {
    { 3.240969941904521, -1.537383177570093, -0.498610760293 },
    { -0.96924363628087, 1.87596750150772, 0.041555057407175 },
    { 0.055630079696993, -0.20397695888897, 1.056971514242878 },
};
static const double ref_u = 0.19783000664283, ref_v = 0.46831999493879;
static const double kappa = 903.2962962, epsilon = 0.0088564516;

static double max_chroma(double lightness, double hue)
{
    double sub1 = pow(lightness + 16, 3) / 1560896;
    double sub2 = sub1 > epsilon ? sub1 : lightness / kappa;
    double best = 1e9;
    for (int c = 0; c < 3; c++)
        for (int t = 0; t < 2; t++) {
            const double *m = to_rgb[c];
            double top1 = (284517 * m[0] - 94839 * m[2]) * sub2;
            double top2 = (838422 * m[2] + 769860 * m[1] + 731718 * m[0]) *
                              lightness * sub2 - 769860 * t * lightness;
            double bottom = (632260 * m[2] - 126452 * m[1]) * sub2 + 126452 * t;
            double length = (top2 / bottom) / (sin(hue) - top1 / bottom * cos(hue));
            if (length >= 0 && length < best)
                best = length;
        }
    return best;
}

int color_hsluv(double hue_degrees, double saturation, double lightness)
{
    double hue = hue_degrees / 180 * G_PI;
    double chroma = max_chroma(lightness, hue) / 100 * saturation;
    double u = cos(hue) * chroma / (13 * lightness) + ref_u;
    double v = sin(hue) * chroma / (13 * lightness) + ref_v;
    double y = lightness > 8 ? pow((lightness + 16) / 116, 3) : lightness / kappa;
    double x = 9 * y * u / (4 * v);
    double z = (9 * y - 15 * v * y - v * x) / (3 * v);
    int rgb = 0;
    for (int c = 0; c < 3; c++) {
        double light = to_rgb[c][0] * x + to_rgb[c][1] * y + to_rgb[c][2] * z;
        double value = light <= 0.0031308 ? 12.92 * light
                                          : 1.055 * pow(light, 1 / 2.4) - 0.055;
        rgb = rgb << 8 | (int)(CLAMP(value, 0.0, 1.0) * 255 + 0.5);
    }
    return rgb;
}

/* XEP-0392 s. 5.2: hues that some cannot tell apart become one. */
double color_correct(const char *correction, double degrees)
{
    if (!strcmp(correction, "red-green") && degrees >= 90 && degrees < 270)
        return degrees < 180 ? degrees + 180 : degrees - 180;
    if (!strcmp(correction, "blue") && degrees >= 180)
        return degrees - 180;
    return degrees;
}
