/*
 * What the files of the front end share: struct tui, the root of its state.
 * Windows are what can be looked at (console, chats, the XML console);
 * leaves of the layout each show one.
 */
#pragma once
#include <stdbool.h>
#include <glib.h>
#include "app/app.h"
#include "base/intl.h"
#include "cmd/sink.h"
#include "ui/draw/grid.h"
#include "ui/pane/pane.h"
#include "ui/term/key.h"
#include "ui/theme/theme.h"


struct line;
struct linear;
struct screen;
struct dialog;
struct leaf;
struct menu;
struct palette;
struct find;
struct bare;
struct rows;
struct notifier;
struct filters;
struct overlays;
struct pictures;
struct viewer;
struct spell;

enum window_kind { WINDOW_CONSOLE, WINDOW_CHAT, WINDOW_XML };

/* pane_chat.c, pane_console.c: the state of one view. */
struct window {
    enum window_kind kind;
    int number;
    struct chat *chat;     /* WINDOW_CHAT; borrowed, chat->ui is this window */
    struct pane *pane;     /* draws it; owned */
    gint64 seen_us;        /* last time it was in front */
    guint hot;             /* unread lines of console windows */
};

enum layout_kind { LAYOUT_LEAF, LAYOUT_ROWS /* one over the other */, LAYOUT_COLS };
struct layout {
    enum layout_kind kind;
    struct layout *parent, *a, *b;
    int share;             /* of a, in 1/1000; beside the roster its width counts */
    struct window *window; /* LAYOUT_LEAF: shows this … */
    struct pane *side;     /* … or roster, results, list; NULL */
    int x, y, cols, rows;  /* with its heading; cols 0: there is no room */
};
enum direction { DIRECTION_NONE, DIRECTION_NEXT, DIRECTION_PREV, DIRECTION_LEFT,
    DIRECTION_RIGHT, DIRECTION_UP, DIRECTION_DOWN };

/* One pending question, copied. */
struct ask;

struct binding {
    struct key key;
    char *line;            /* a command line, or "-" for nothing */
};

struct tui {
    struct front front;    /* first: struct front * is struct tui * */
    struct app *app;
    struct screen *screen; /* NULL off-screen (tests) */
    struct linear *linear; /* … or said line by line; NULL */
    struct keys *keys;
    struct line *line;     /* NULL off-screen */
    struct theme *theme;
    enum depth depth;
    struct grid *grid;
    bool ascii, small, leaving, detached /* the terminal is handed over */;
    bool terminal_focused, light_ground;

    GPtrArray *windows;    /* struct window*, sorted by number */
    struct layout *layout;
    struct layout *leaf;   /* the input line belongs to its window; never NULL */
    struct layout *dragged; /* the mouse holds the border between its halves */
    struct window *previous;
    struct window *home;   /* where going through the unread ones began; NULL */
    struct pane *title, *status, *input;
    struct pane *roster, *results, *list; /* what can stand beside windows */
    struct pane *aside;    /* the one of them that has the keys; NULL: the input line */
    int roster_width;
    bool roster_shown, relayout, repaint, zoomed, headings;
    bool started;          /* what is remembered has been read */

    struct menu *menu;     /* NULL: none is open */
    struct palette *palette; /* the same */
    struct bare *bare;     /* plain lines are on the terminal; NULL */
    struct find *find;     /* text is looked for in the chat in front; NULL */
    char *found_text;      /* the last one */
    GPtrArray *dialogs;    /* struct dialog*, the last one is on top */
    GQueue asks;           /* struct ask*, waiting for their dialog */

    GArray *bindings;      /* struct binding */
    struct completion *completion;
    guint completion_at;   /* chosen item; G_MAXUINT: none */
    char *completion_head; /* line before it */

    gint64 drawn_us, key_drawn_us, touched_us /* the last key */;
    guint idle_source;
    bool idle;             /* nobody touched the keyboard for presence.autoaway */
    guint draw_source, clock_source, esc_source, tty_source, resize_source,
        draft_source, title_source;
    bool draw_dirty, line_changed;
    bool in_keys;          /* who reads keys draws afterwards */

    char *pending_jid;     /* first start: the password that was typed */
    struct secret *pending_password;
    char *title_shown;
    gint64 title_us;
    struct notifier *notifier;
    struct filters *filters;
    struct pictures *pictures;
    struct overlays *overlays;
    struct viewer *viewer;  /* NULL: none is open */
    struct spell *spell;
    guint archived;        /* messages of a catch-up so far; 0: none goes on */
    GHashTable *hues;      /* /color: name → hue as integer; NULL: none */
    bool editing;          /* $EDITOR runs */
    bool quit_hint;
    gint64 frozen_us;      /* tests: what the clock shows; 0: the time */
};

static inline struct tui *tui_of(struct front *front)
{
    return (struct tui *)front;
}

/* tui_keys.c */
void tui_key(struct tui *tui, const struct key *key);
void tui_touch(struct tui *tui);       /* somebody is there */

/* tui_events.c */
void tui_observe(struct tui *tui, bool on);
void tui_apply_options(struct tui *tui);
void tui_restore_layout(struct tui *tui); /* that of the options … */
void tui_check_quiet(struct tui *tui);    /* … both with a word when it is nonsense */

/* tui.c */
void tui_dirty(struct tui *tui);       /* draw soon */
void tui_dirty_all(struct tui *tui);   /* lay out and draw everything soon */
void tui_draw(struct tui *tui);        /* now */
void tui_choose_marks(struct tui *tui); /* the terminal's and the options' */
void tui_run(struct tui *tui, const char *line); /* a command line, quietly */
void tui_run_shown(struct tui *tui, const char *line); /* … its results in the panel */
G_GNUC_PRINTF(2, 3) void tui_runf(struct tui *tui, const char *format, ...);
char *tui_quote(const char *word);     /* as an argument of a command line */
void tui_apply_theme(struct tui *tui); /* that of the command line or the options */
void tui_set_theme(struct tui *tui, struct theme *theme); /* takes it */
void tui_load_hues(struct tui *tui);
/* The colour of somebody (XEP-0392): by the bare JID, NULL where it is not
 * known; /color goes by either. */
style_t tui_nick_style(const struct tui *tui, const char *jid, const char *nick);
const char *tui_theme_meant(const struct tui *tui, const char *name); /* by "auto" */
const char **tui_theme_dirs(struct tui *tui); /* borrowed strings, free the array */
void tui_note(struct tui *tui, enum role role, const char *text); /* console + panel */
struct tui *tui_new_offscreen(struct app *app, int cols, int rows, bool ascii);
void tui_suspend(struct tui *tui);
/* Local time in a format of strftime(3), as UTF-8 in out; cells it takes. */
int tui_format_time(gint64 time_us, const char *format, char *out, gsize size);
const char *tui_option(const struct tui *tui, const char *name);
bool tui_option_bool(const struct tui *tui, const char *name);
int tui_option_int(const struct tui *tui, const char *name);
bool tui_edit(struct front *front, const char *text,
    void (*done)(const char *text, const GError *error, gpointer data), gpointer data);

/* window.c */
struct window *window_open(struct tui *tui, struct chat *chat);
struct window *window_console(struct tui *tui);
struct window *window_xml(struct tui *tui);     /* made when first wanted */
void window_close(struct tui *tui, struct window *window);
void window_show(struct tui *tui, struct window *window);
struct window *window_current(const struct tui *tui); /* never NULL */
struct window *window_number(const struct tui *tui, int number);
bool window_is_visible(const struct tui *tui, const struct window *window);
void window_mark_read(struct tui *tui, struct window *window);
bool window_move(struct tui *tui, struct window *window, int number);
const char *window_name(const struct window *window); /* not cleaned */
const char *window_title(const struct window *window); /* translated, not cleaned */
guint window_urgency(const struct window *window); /* 0 quiet … 3 mention or private */

/* pane/layout.c */
struct layout *layout_new(struct window *window);
void layout_free(struct layout *layout);
bool layout_split(struct tui *tui, enum layout_kind kind);
bool layout_close_leaf(struct tui *tui); /* false: it is the only window */
void layout_only_leaf(struct tui *tui);
void layout_zoom(struct tui *tui);
bool layout_swap(struct tui *tui, enum direction direction);
bool layout_resize(struct tui *tui, enum direction direction, int cells);
struct layout *layout_border_at(const struct tui *tui, int x, int y); /* a split, NULL */
void layout_move_border(struct tui *tui, struct layout *split, int x, int y);
char *layout_text(const struct tui *tui);      /* for /layout save */
bool layout_restore(struct tui *tui, const char *text); /* false: not one of ours */
void layout_remember(struct tui *tui);
void layout_focus(struct tui *tui, struct layout *leaf);
void layout_focus_next(struct tui *tui, int step);
bool layout_focus_towards(struct tui *tui, enum direction direction);
struct pane *layout_side(const struct tui *tui, const char *name); /* roster, results, list */
struct layout *layout_leaf_of_side(const struct tui *tui, const struct pane *pane);
void layout_show_side(
    struct tui *tui, struct pane *pane, enum direction direction, bool beside);
void layout_hide_side(struct tui *tui, struct pane *pane);
void layout_place(struct tui *tui);    /* gives every pane its rectangle */
void layout_draw_frame(struct tui *tui, struct area area);
void layout_draw_headings(struct tui *tui, struct area area);
GPtrArray *layout_leaves(const struct tui *tui); /* struct layout*, borrowed */
struct pane *layout_pane(const struct layout *leaf);
struct layout *layout_leaf_of(const struct tui *tui, const struct window *window);
bool layout_shows(const struct tui *tui, const struct window *window); /* there is room for it */
struct layout *layout_leaf_at(const struct tui *tui, int x, int y);

/* pane/pane_chat.c */
struct pane *pane_chat_new(struct tui *tui, struct window *window);
/* As lines of text, for who has no panes: "21:03 Romeo: …". */
char *pane_chat_line(const struct window *window, const struct message *message);
void pane_chat_forget(struct pane *pane, const struct message *message); /* layout is stale */
void pane_chat_relayout(struct pane *pane); /* all layouts are */
void pane_chat_cleared(struct pane *pane);
void pane_chat_scroll(struct pane *pane, int rows);   /* up is positive */
void pane_chat_page(struct pane *pane, int pages);
void pane_chat_top(struct pane *pane);
void pane_chat_bottom(struct pane *pane);
bool pane_chat_goto(struct pane *pane, guint64 number);
/* A message's key is its row in the store, else its number. Also any place in
 * time, in µs; false: there is nothing. */
guint64 pane_chat_key(const struct message *message);
bool pane_chat_goto_key(struct pane *pane, guint64 key);
void pane_chat_mark(struct pane *pane, guint64 key); /* what was searched for … */
void pane_chat_find(struct pane *pane, const char *needle); /* … and where it stands; folded,
                                                               NULL: nothing */
char *pane_chat_nick(struct pane *pane, const struct message *message); /* clean, new string */
guint64 pane_chat_place(struct pane *pane); /* key of what is lowest; G_MAXUINT64: the newest */
void pane_chat_set_new(struct pane *pane, guint64 key); /* new-messages line above */
bool pane_chat_scrolled(struct pane *pane);
void pane_chat_refill(struct pane *pane); /* nothing is held, but stored perhaps */
bool pane_chat_fetching(struct pane *pane); /* older messages from the archive */
guint64 pane_chat_new_key(struct pane *pane);
bool pane_chat_hides(struct pane *pane, const struct message *message); /* /filter */
/* The message picker: so many messages up; 0 begins with the lowest one seen. */
void pane_chat_pick(struct pane *pane, int step);
void pane_chat_pick_edge(struct pane *pane, bool top); /* the oldest, the newest */
bool pane_chat_pick_at(struct pane *pane, int y); /* a row of the pane; false: no message */
const struct message *pane_chat_picked(struct pane *pane, int *y); /* NULL: nothing is */
void pane_chat_pick_end(struct pane *pane);
/* To the beginning of a day, 1: the one before, -1: the next. */
void pane_chat_day(struct pane *pane, int step);
/* The messages looked at, and which of them is the lowest; NULL: none. Borrowed
 * until the next event or key. */
GPtrArray *pane_chat_shown(struct pane *pane, guint *bottom);

/* pane/pane_console.c: lines of text, bounded */
struct pane *pane_console_new(struct tui *tui);
void pane_console_add(struct pane *pane, gint64 time_us, enum role role, const char *text);
void pane_console_clear(struct pane *pane);
void pane_console_scroll(struct pane *pane, int rows);
void pane_console_page(struct pane *pane, int pages);
void pane_console_top(struct pane *pane);
void pane_console_bottom(struct pane *pane);

/* pane/pane_xml.c */
struct pane *pane_xml_new(struct tui *tui);
void pane_xml_filter(struct pane *pane, const char *word); /* NULL: everything */
void pane_xml_freeze(struct pane *pane, bool frozen);
bool pane_xml_save(struct pane *pane, const char *file, GError **error);
void pane_xml_scroll(struct pane *pane, int rows);
void pane_xml_page(struct pane *pane, int pages);

/* pane/pane_roster.c */
void pane_roster_reset(struct pane *pane);
void pane_roster_seek(struct pane *pane);
void pane_roster_filter(struct pane *pane, const char *text);
/* All contacts, settled; borrowed for the moment. */
const struct rows *pane_roster_rows(struct pane *pane);
void pane_roster_menu(struct pane *pane); /* of the row under the cursor */

/* pane/pane_results.c: the panel with the answers of commands */
struct sink *results_sink_new(struct tui *tui, const char *line, bool quiet);
void pane_results_close(struct tui *tui);
void pane_results_say(struct tui *tui, enum role role, const char *text);
int pane_results_wanted(struct tui *tui, int most); /* rows; 0: closed */
void pane_results_text(struct tui *tui, const char *heading, const char *text);
const char *pane_results_heading(struct tui *tui);
void pane_results_detach(struct tui *tui); /* sinks that are still out */

/* pane/pane_title.c: whose window it is and how they are, clean */
char *pane_title_text(const struct window *window, bool ascii);

/* pane/pane_status.c: of the connection, for gettext */
const char *status_word(const struct account *account);

/* pane/pane_input.c */
int pane_input_rows(struct tui *tui, int most);
void input_complete(struct tui *tui);
void input_menu_close(struct tui *tui);
bool input_menu_step(struct tui *tui, int step);
void input_draw_menu(struct tui *tui, struct area area);
void input_changed(struct tui *tui);
void input_settle(struct tui *tui); /* what can wait until the key is seen */
void input_paste(struct tui *tui, const struct key *key);
void input_save_draft(struct tui *tui);
void input_load_draft(struct tui *tui);

/* dialog/: see dialog/dialog.h */
void dialog_next_ask(struct tui *tui);
bool dialog_ask(struct front *front, const struct question *question);
void dialog_dismiss(struct front *front, const struct account *account, const char *jid);
void dialog_draw_all(struct tui *tui, struct area area);
bool dialog_key(struct tui *tui, const struct key *key);
void dialog_close_all(struct tui *tui);
void dialog_first_start(struct tui *tui);
void dialog_contact(struct tui *tui, struct account *account, const char *jid);
void dialog_help(struct tui *tui, const char *title, const char *text);
/* fn(yes) exactly once, or never when dismissed with NULL data wanted */
void dialog_confirm(struct tui *tui, const char *title, const char *text, bool destructive,
    void (*fn)(struct tui *tui, bool yes, gpointer data), gpointer data, GDestroyNotify free_fn);
void dialog_prompt(struct tui *tui, const char *title, const char *label, const char *value,
    void (*fn)(struct tui *tui, const char *text, gpointer data), gpointer data, GDestroyNotify free_fn);

/* bare.c */
bool bare_open(struct tui *tui); /* false: no chat, no screen */
void bare_close(struct tui *tui);
void bare_again(struct tui *tui); /* the terminal has another size */
bool bare_key(struct tui *tui, const struct key *key);
char *bare_text(struct tui *tui, struct window *window, guint back, int cols, int rows);

/* pane/chat_find.c */
bool chat_find_open(struct tui *tui, const char *text); /* NULL: nothing typed yet; false: no chat */
void chat_find_close(struct tui *tui);
bool chat_find_key(struct tui *tui, const struct key *key);
void chat_find_draw(struct tui *tui, struct area area);

/* dialog/palette.c */
void palette_open(struct tui *tui, const char *text); /* NULL: nothing typed yet */
void palette_close(struct tui *tui);
bool palette_key(struct tui *tui, const struct key *key);
void palette_draw(struct tui *tui, struct area area);

/* dialog/menu.c */
void menu_close(struct tui *tui);
bool menu_key(struct tui *tui, const struct key *key);
void menu_draw(struct tui *tui, struct area area);

/* keys.c */
struct key_row {
    const char *key, *line, *summary;
};
extern const struct key_row key_rows[];        /* the key table; NULL key ends */
extern const struct key_row key_fixed_rows[];  /* keys that are not changeable */
void keys_load(struct tui *tui);
bool keys_run(struct tui *tui, const struct key *key);
char *keys_help_text(void);

/* hints.c */
char *hints_text(const struct tui *tui); /* translated; new string, NULL: none */
char *hints_fit(const char *items, int cells); /* new string; "": not even the last */
void hints_ran(struct tui *tui, const char *line);
void hints_learn(struct tui *tui, const char *id);

/* notify_commands.c */
extern const struct command notify_commands[];
enum cmd_status notify_run(struct job *job);

/* theme_commands.c */
extern const struct command theme_commands[];
extern const struct arg_kind arg_theme;
enum cmd_status theme_run(struct job *job);
enum cmd_status color_run(struct job *job);

/* pane/chat_pick.c: its keys, and the menu of what can be done */
bool chat_pick_key(struct tui *tui, const struct key *key);
/* row: of the window's pane; the menu comes up at x, y of the screen. */
void chat_pick_menu_at(struct tui *tui, struct window *window, int row, int x, int y);

/* chat_commands.c */
enum cmd_status pick_run(struct job *job);
enum cmd_status quote_run(struct job *job);
enum cmd_status copy_run(struct job *job);

/* filter_commands.c */
extern const struct command filter_commands[];
enum cmd_status filter_run(struct job *job);

/* spell_commands.c */
extern const struct command spell_commands[];
enum cmd_status spell_run(struct job *job);
void spell_update(struct tui *tui); /* to the languages of the chat in front */

/* url_commands.c */
extern const struct command url_commands[];
/* The link a command's argument "link" means: by number, by a part of it; none:
 * the newest. New string; NULL: there is none. */
char *url_chosen(struct job *job);
/* … and how it fails then. */
enum cmd_status url_none(struct job *job);

/* picture/commands.c */
#define PRIVATE_ARG { .name = "private", .option = "--private", \
    .summary = "from addresses of this machine and its network, too" }
extern const struct command image_commands[], avatar_commands[];
enum cmd_status image_run(struct job *job);
enum cmd_status avatar_run(struct job *job);
enum cmd_status url_run(struct job *job);

/* tui_commands.c */
extern const struct command ui_commands[];
extern const struct option ui_options[];
