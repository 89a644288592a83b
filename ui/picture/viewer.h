/*
 * One picture over the whole screen: by cells at first, then by pixels where
 * the terminal has said that it can (sixel, kitty's protocol). Escape closes.
 */
#pragma once
#include "ui/draw/grid.h"
#include "ui/term/key.h"

struct tui;
struct account;

/* url is fetched first; or a file, then url is NULL. */
void viewer_open(struct tui *tui, struct account *account, const char *title,
    const char *url, const char *file);
void viewer_close(struct tui *tui);
bool viewer_key(struct tui *tui, const struct key *key);
void viewer_draw(struct tui *tui, struct area area);
/* The cells are written: what is not made of cells may follow. */
void viewer_after(struct tui *tui);
/* The terminal has said what it can, or its size has changed. */
void viewer_again(struct tui *tui);
