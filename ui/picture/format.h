/*
 * What the program that decodes pictures (child.c) writes, and the screen
 * reads (picture.c). It has read a hostile file and may be anybody by then:
 * whatever it says is checked, and the worst it can show is another picture.
 *
 *     "TXP1", then bytes of:
 *     kind, a letter of enum picture_kind
 *     0
 *     columns and rows the picture takes, width and height in pixels: u16
 *     length of the rest: u32
 * numbers with the low byte first. The rest is, by kind: for each cell, row by
 * row, a character, its colour and the one behind it, i32 each; or a sixel
 * control string; or pixels, red, green, blue, alpha; or a sentence.
 */
#pragma once

enum picture_kind {
    PICTURE_CELLS = 'c',
    PICTURE_SIXEL = 's',
    PICTURE_PIXELS = 'p',
    PICTURE_FAILURE = 'f',
};

#define PICTURE_MAGIC "TXP1"
enum {
    PICTURE_HEAD = 18,
    PICTURE_CELL = 12,            /* bytes of one */
    PICTURE_CELLS_MAX = 500,      /* columns, rows */
    PICTURE_SIDE_MAX = 4096,      /* pixels shown */
    PICTURE_FILE_MAX = 16 << 20,  /* bytes of a file */
    PICTURE_REPLY_MAX = 24 << 20, /* … of what is read from the child */
};
