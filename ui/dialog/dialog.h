/*
 * A dialog is a box on the modal stack: paragraphs, inputs, buttons. It has
 * no loop of its own; it ends by pressed() or dismissed(). Tab and the arrows
 * move, Enter activates what is highlighted, Escape closes and decides
 * nothing, each button has an underlined letter (ui.md).
 */
#pragma once
#include "ui/ui.h"
#include "ui/widget/form.h"

struct dialog;

struct button {
    int id;
    char letter;       /* ASCII, lower case; always works */
    char *label;       /* without its mark; owned */
    int at;            /* byte of the letter to underline; -1: not in the label */
    gunichar access;   /* that letter, lower case; 0: none */
    bool danger;
};
enum { BUTTONS_MAX = 5 };

struct dialog_ops {
    /* False keeps the dialog open (dialog_complain told why). */
    bool (*pressed)(struct dialog *dialog, int id);
    void (*dismissed)(struct dialog *dialog);
};

struct ask {
    struct question question; /* strings owned, peer owned, form borrowed */
    struct tls_peer *peer;
};

struct dialog {
    struct tui *tui;
    const struct dialog_ops *ops;
    char *title;
    GPtrArray *paragraphs;    /* struct paragraph* */
    GPtrArray *inputs;        /* struct input* */
    struct button buttons[BUTTONS_MAX];
    int n_buttons;
    int focus;                /* inputs first, then buttons */
    int top;                  /* first row shown */
    bool text_only;           /* help: arrows scroll */
    char *complaint;
    gint64 opened_us;
    bool guarded;             /* came by itself while somebody typed */
    struct ask *ask;          /* the question it answers; owned until answered */
    gpointer data;
    GDestroyNotify free_data;
    /* as drawn, for the mouse */
    int x, y, cols, rows, button_x[BUTTONS_MAX], button_y[BUTTONS_MAX], button_w[BUTTONS_MAX];
};

struct dialog *dialog_new(struct tui *tui, const char *title, const struct dialog_ops *ops);
void dialog_text(struct dialog *dialog, enum role role, const char *text);
void dialog_textf(struct dialog *dialog, enum role role, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
enum { DIALOG_HANG_BY_LINE = -1 }; /* each where its own text begins */
/* In the last paragraph, what does not fit in a line goes on below that column. */
void dialog_hang(struct dialog *dialog, int cols);
struct input *dialog_input(struct dialog *dialog, enum input_kind kind, const char *name,
    const char *label);
struct input *dialog_find(const struct dialog *dialog, const char *name);
/* A translated label says by & which of its letters is underlined and pressed;
 * one without takes letter, shown behind it when it has none. New string. */
char *label_take(const char *label, char letter, int *at, gunichar *access);
/* The first button is highlighted unless dialog->focus is changed. */
void dialog_button(struct dialog *dialog, int id, char letter, const char *label, bool danger);
void dialog_focus_button(struct dialog *dialog, int index);
void dialog_open(struct dialog *dialog);
/* Removes it without telling anybody. */
void dialog_close(struct dialog *dialog);
/* A button, or Escape: it may be gone afterwards. */
void dialog_press(struct dialog *dialog, int index);
void dialog_dismiss_one(struct dialog *dialog);
/* Its paragraphs as lines, clean. */
char *dialog_plain_text(const struct dialog *dialog);
void dialog_complain(struct dialog *dialog, const char *sentence);

/* Ends the dialog's question, exactly once. */
void dialog_answer(struct dialog *dialog, enum answer answer, const char *text,
    struct secret *password);

/* One file each. */
struct dialog *dialog_confirm_new(struct tui *tui, struct ask *ask);
struct dialog *dialog_text_new(struct tui *tui, struct ask *ask);
struct dialog *dialog_password_new(struct tui *tui, struct ask *ask);
struct dialog *dialog_certificate_new(struct tui *tui, struct ask *ask);
struct dialog *dialog_subscription_new(struct tui *tui, struct ask *ask);
struct dialog *dialog_form_new(struct tui *tui, struct ask *ask);
