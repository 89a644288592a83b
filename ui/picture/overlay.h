/*
 * Pictures of pixels over those of cells. Where the cells of a picture stand
 * whole and uncovered, and have stood for a moment, the same picture is put
 * over them by what the terminal can (sixel, kitty). Whatever changes one of
 * those cells takes it away first. So panes know nothing of pixels, and what
 * moves is drawn by cells.
 */
#pragma once
#include "ui/picture/picture.h"

struct tui;
struct overlays;
struct overlays *overlays_new(struct tui *tui);
void overlays_free(struct overlays *overlays);

/* The picture of file was drawn there, all of it as far as the caller knows. */
void overlays_offer(struct overlays *overlays, const struct picture *picture,
    const char *file, struct area area, int x, int y);
/* Around screen_show(): takes away what is not there any more, puts the rest. */
void overlays_before(struct overlays *overlays);
void overlays_after(struct overlays *overlays);
