/* What the engine and the features ask of a front end (screen or script). */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "base/secret.h"

struct account;
struct chat;
struct form; /* xep/xep0004_form.h */
struct tls_peer;

enum question_kind {
    QUESTION_CONFIRM,      /* yes or no; the safe answer is no */
    QUESTION_PASSWORD,
    QUESTION_CERTIFICATE,  /* .peer */
    QUESTION_FORM,         /* .form is filled in place */
    QUESTION_SUBSCRIPTION, /* .jid asks to see our presence */
    QUESTION_TEXT,         /* one line of text */
};

enum answer {
    ANSWER_NONE,     /* dismissed: nothing was decided */
    ANSWER_YES, ANSWER_NO,
    ANSWER_ONCE,     /* certificate: this time only */
    ANSWER_ALWAYS,   /* certificate: pin */
    ANSWER_ACCEPT_ADD, ANSWER_ACCEPT, ANSWER_REFUSE, ANSWER_BLOCK, /* subscription */
};

struct question {
    enum question_kind kind;
    struct account *account;      /* NULL: none */
    const char *title, *text;     /* text may have several lines; untrusted parts included raw */
    const char *jid;
    bool destructive;
    bool again;                   /* the last answer did not work */
    const struct tls_peer *peer;
    struct form *form;            /* borrowed */
    const char *fallback;         /* QUESTION_TEXT: present value */
    /* Exactly once, also when the front end goes away (ANSWER_NONE). text and
     * password are borrowed. */
    void (*answer)(enum answer answer, const char *text, struct secret *password, gpointer data);
    gpointer data;
};

struct front;
struct front_ops {
    /* Copies what it keeps of the question. Returns false when it cannot ask
     * (script): then answer() is not called. */
    bool (*ask)(struct front *front, const struct question *question);
    /* The account or chat is going: its questions are dismissed. */
    void (*dismiss)(struct front *front, const struct account *account, const char *jid);
    struct chat *(*current_chat)(struct front *front);   /* NULL: none */
    void (*show_chat)(struct front *front, struct chat *chat);
    struct account *(*current_account)(struct front *front);
    bool (*is_visible)(struct front *front, const struct chat *chat); /* being looked at */
    void (*quit)(struct front *front); /* everything is closed: leave the loop */
    /* $EDITOR: hands the terminal over. done gets the text, NULL on failure. */
    bool (*edit)(struct front *front, const char *text,
        void (*done)(const char *text, const GError *error, gpointer data), gpointer data);
    bool is_screen;
    bool (*has_panes)(const struct front *front); /* not linear; NULL: always */
};
struct front { const struct front_ops *ops; };
