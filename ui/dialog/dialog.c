/* The box, its keys, and the queue of questions. A dialog is laid out as a
 * list of rows; when they are too many for the screen it scrolls so that what
 * has the focus is seen, and the buttons stay. */
#include "config.h"
#include "ui/dialog/dialog.h"
#include "base/text.h"
#include "net/tls.h"
#include "ui/draw/wrap.h"
#include <stdarg.h>
#include <string.h>

enum { BOX_COLS = 68, GUARD_US = 700000, PARAGRAPH_BYTES = 64 * 1024, PARAGRAPH_ROWS = 4000 };

struct paragraph {
    enum role role;
    char *text; /* prepared */
    int hang;   /* columns by which the further rows of a line stand back */
};

struct box_row {
    enum { ROW_BLANK, ROW_TEXT, ROW_LABEL, ROW_INPUT } kind;
    guint index;        /* paragraph or input */
    struct wrap_row row; /* ROW_TEXT */
    int x;
    int at;             /* row of the input */
};

static void paragraph_free(gpointer data)
{
    struct paragraph *paragraph = data;
    g_free(paragraph->text);
    g_free(paragraph);
}

static void input_free_any(gpointer data)
{
    input_free(data);
}

struct dialog *dialog_new(struct tui *tui, const char *title, const struct dialog_ops *ops)
{
    struct dialog *dialog = g_new0(struct dialog, 1);
    dialog->tui = tui;
    dialog->ops = ops;
    dialog->title = text_clean(title ? title : "", -1, TEXT_ONE_LINE);
    dialog->paragraphs = g_ptr_array_new_with_free_func(paragraph_free);
    dialog->inputs = g_ptr_array_new_with_free_func(input_free_any);
    return dialog;
}

static void dialog_free(struct dialog *dialog)
{
    g_ptr_array_free(dialog->paragraphs, TRUE);
    g_ptr_array_free(dialog->inputs, TRUE);
    if (dialog->free_data)
        dialog->free_data(dialog->data);
    g_free(dialog->title);
    g_free(dialog->complaint);
    for (int i = 0; i < dialog->n_buttons; i++)
        g_free(dialog->buttons[i].label);
    g_free(dialog);
}

void dialog_text(struct dialog *dialog, enum role role, const char *text)
{
    struct paragraph *paragraph = g_new0(struct paragraph, 1);
    paragraph->role = role;
    paragraph->text = wrap_prepare(text, (gssize)strnlen(text, PARAGRAPH_BYTES));
    gsize len = strlen(paragraph->text);
    while (len && paragraph->text[len - 1] == '\n')
        paragraph->text[--len] = '\0';
    g_ptr_array_add(dialog->paragraphs, paragraph);
}

void dialog_textf(struct dialog *dialog, enum role role, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    dialog_text(dialog, role, text);
}

void dialog_hang(struct dialog *dialog, int cols)
{
    struct paragraph *paragraph = dialog->paragraphs->pdata[dialog->paragraphs->len - 1];
    paragraph->hang = cols;
}

struct input *dialog_input(struct dialog *dialog, enum input_kind kind, const char *name,
    const char *label)
{
    struct input *input = input_new(kind, name, label);
    g_ptr_array_add(dialog->inputs, input);
    return input;
}

struct input *dialog_find(const struct dialog *dialog, const char *name)
{
    for (guint i = 0; i < dialog->inputs->len; i++) {
        struct input *input = dialog->inputs->pdata[i];
        if (!strcmp(input->name, name))
            return input;
    }
    return NULL;
}

char *label_take(const char *label, char letter, int *at, gunichar *access)
{
    const char *mark = strchr(label, '&');
    GString *out = g_string_new(label);
    *at = mark && mark[1] ? (int)(mark - label) : -1;
    if (*at >= 0)
        g_string_erase(out, *at, 1);
    else
        for (gsize i = 0; i < out->len && *at < 0; i++)
            if (g_ascii_tolower(out->str[i]) == letter)
                *at = (int)i;
    *access = *at < 0 ? 0 : g_unichar_tolower(g_utf8_get_char(out->str + *at));
    return g_string_free(out, FALSE);
}

void dialog_button(struct dialog *dialog, int id, char letter, const char *label, bool danger)
{
    if (dialog->n_buttons >= BUTTONS_MAX)
        return;
    struct button *button = &dialog->buttons[dialog->n_buttons++];
    *button = (struct button){ .id = id, .letter = letter, .danger = danger };
    button->label = label_take(label, letter, &button->at, &button->access);
}

void dialog_focus_button(struct dialog *dialog, int index)
{
    dialog->focus = (int)dialog->inputs->len + index;
}

void dialog_open(struct dialog *dialog)
{
    struct tui *tui = dialog->tui;
    dialog->opened_us = g_get_monotonic_time();
    g_ptr_array_add(tui->dialogs, dialog);
    tui_dirty_all(tui);
}

void dialog_close(struct dialog *dialog)
{
    struct tui *tui = dialog->tui;
    g_ptr_array_remove(tui->dialogs, dialog);
    dialog_free(dialog);
    tui_dirty_all(tui);
}

void dialog_complain(struct dialog *dialog, const char *sentence)
{
    g_free(dialog->complaint);
    dialog->complaint = wrap_prepare(sentence, -1);
    tui_dirty_all(dialog->tui);
}

char *dialog_plain_text(const struct dialog *dialog)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < dialog->paragraphs->len; i++) {
        const struct paragraph *paragraph = dialog->paragraphs->pdata[i];
        g_string_append_printf(out, "%s%s", i ? "\n" : "", paragraph->text);
    }
    return g_string_free(out, FALSE);
}

/* ---- questions ---- */

static struct ask *ask_copy(const struct question *question)
{
    struct ask *ask = g_new0(struct ask, 1);
    ask->question = *question;
    ask->question.title = g_strdup(question->title);
    ask->question.text = g_strdup(question->text);
    ask->question.jid = g_strdup(question->jid);
    ask->question.fallback = g_strdup(question->fallback);
    if (question->peer)
        ask->peer = tls_peer_copy(question->peer);
    ask->question.peer = ask->peer;
    return ask;
}

static void ask_free(struct ask *ask)
{
    g_free((char *)ask->question.title);
    g_free((char *)ask->question.text);
    g_free((char *)ask->question.jid);
    g_free((char *)ask->question.fallback);
    if (ask->peer)
        tls_peer_free(ask->peer);
    g_free(ask);
}

static void ask_answer(struct ask *ask, enum answer answer, const char *text,
    struct secret *password)
{
    if (ask->question.answer)
        ask->question.answer(answer, text, password, ask->question.data);
    ask_free(ask);
}

void dialog_answer(struct dialog *dialog, enum answer answer, const char *text,
    struct secret *password)
{
    struct ask *ask = g_steal_pointer(&dialog->ask);
    if (ask)
        ask_answer(ask, answer, text, password);
}

typedef struct dialog *(*maker_fn)(struct tui *tui, struct ask *ask);
static const maker_fn makers[] = {
    [QUESTION_CONFIRM] = dialog_confirm_new,
    [QUESTION_PASSWORD] = dialog_password_new,
    [QUESTION_CERTIFICATE] = dialog_certificate_new,
    [QUESTION_FORM] = dialog_form_new,
    [QUESTION_SUBSCRIPTION] = dialog_subscription_new,
    [QUESTION_TEXT] = dialog_text_new,
};

/* One subscription request at a time; other questions come at once. */
static bool shows_subscription(const struct tui *tui)
{
    for (guint i = 0; i < tui->dialogs->len; i++) {
        const struct dialog *dialog = tui->dialogs->pdata[i];
        if (dialog->ask && dialog->ask->question.kind == QUESTION_SUBSCRIPTION)
            return true;
    }
    return false;
}

void dialog_next_ask(struct tui *tui)
{
    for (GList *at = tui->asks.head; at;) {
        GList *next = at->next;
        struct ask *ask = at->data;
        if (ask->question.kind != QUESTION_SUBSCRIPTION || !shows_subscription(tui)) {
            g_queue_delete_link(&tui->asks, at);
            struct dialog *dialog = makers[ask->question.kind](tui, ask);
            dialog->ask = ask;
            dialog->guarded = ask->question.kind == QUESTION_SUBSCRIPTION &&
                g_get_monotonic_time() - tui->key_drawn_us < 1000000;
            dialog_open(dialog);
        }
        at = next;
    }
}

bool dialog_ask(struct front *front, const struct question *question)
{
    struct tui *tui = tui_of(front);
    if (question->kind >= G_N_ELEMENTS(makers))
        return false;
    if (question->kind == QUESTION_PASSWORD && tui->pending_jid && !question->again &&
        question->account && !strcmp(question->account->jid, tui->pending_jid)) {
        /* The one typed at first start. */
        struct secret *secret = g_steal_pointer(&tui->pending_password);
        g_clear_pointer(&tui->pending_jid, g_free);
        question->answer(ANSWER_YES, NULL, secret, question->data);
        secret_unref(secret);
        return true;
    }
    g_queue_push_tail(&tui->asks, ask_copy(question));
    dialog_next_ask(tui);
    return true;
}

static bool is_about(const struct ask *ask, const struct account *account, const char *jid)
{
    return ask && (!account || ask->question.account == account) &&
        (!jid || !g_strcmp0(ask->question.jid, jid));
}

void dialog_dismiss(struct front *front, const struct account *account, const char *jid)
{
    struct tui *tui = tui_of(front);
    for (GList *at = tui->asks.head; at;) {
        GList *next = at->next;
        struct ask *ask = at->data;
        if (is_about(ask, account, jid)) {
            g_queue_delete_link(&tui->asks, at);
            ask_answer(ask, ANSWER_NONE, NULL, NULL);
        }
        at = next;
    }
    for (guint i = tui->dialogs->len; i-- > 0;) {
        struct dialog *dialog = tui->dialogs->pdata[i];
        if (!is_about(dialog->ask, account, jid))
            continue;
        dialog_answer(dialog, ANSWER_NONE, NULL, NULL);
        dialog_close(dialog);
    }
    dialog_next_ask(tui);
}

void dialog_dismiss_one(struct dialog *dialog)
{
    struct tui *tui = dialog->tui;
    if (dialog->ops->dismissed)
        dialog->ops->dismissed(dialog);
    dialog_answer(dialog, ANSWER_NONE, NULL, NULL);
    dialog_close(dialog);
    dialog_next_ask(tui);
}

void dialog_close_all(struct tui *tui)
{
    struct ask *ask;
    while ((ask = g_queue_pop_head(&tui->asks)))
        ask_answer(ask, ANSWER_NONE, NULL, NULL);
    while (tui->dialogs->len) {
        struct dialog *dialog = tui->dialogs->pdata[tui->dialogs->len - 1];
        if (dialog->ops->dismissed)
            dialog->ops->dismissed(dialog);
        dialog_answer(dialog, ANSWER_NONE, NULL, NULL);
        dialog_close(dialog);
    }
}

/* ---- keys ---- */

static int focus_count(const struct dialog *dialog)
{
    return (int)dialog->inputs->len + dialog->n_buttons;
}

static struct input *focused_input(const struct dialog *dialog)
{
    return dialog->focus < (int)dialog->inputs->len ? dialog->inputs->pdata[dialog->focus] : NULL;
}

void dialog_press(struct dialog *dialog, int index)
{
    struct tui *tui = dialog->tui;
    g_clear_pointer(&dialog->complaint, g_free);
    if (dialog->ops->pressed(dialog, dialog->buttons[index].id)) {
        dialog_close(dialog);
        dialog_next_ask(tui);
    }
    tui_dirty_all(tui);
}

static void move(struct dialog *dialog, int step)
{
    int count = focus_count(dialog);
    if (count)
        dialog->focus = (dialog->focus + step + count) % count;
}

static bool letter_key(struct dialog *dialog, const struct key *key)
{
    if (key->code != KEY_CHAR || (key->mods & ~(unsigned)MOD_ALT))
        return false;
    gunichar letter = g_unichar_tolower(g_utf8_get_char(key->text));
    for (int i = 0; i < dialog->n_buttons; i++) {
        const struct button *button = &dialog->buttons[i];
        if (letter && (letter == (gunichar)button->letter || letter == button->access)) {
            dialog_press(dialog, i);
            return true;
        }
    }
    return false;
}

static void scroll_key(struct dialog *dialog, const struct key *key)
{
    int page = MAX(dialog->rows - 5, 1);
    switch (key->code) {
    case KEY_UP_:
        dialog->top--;
        break;
    case KEY_DOWN_:
        dialog->top++;
        break;
    case KEY_PGUP:
        dialog->top -= page;
        break;
    case KEY_PGDN:
        dialog->top += page;
        break;
    case KEY_HOME_:
        dialog->top = 0;
        break;
    case KEY_END_:
        dialog->top = G_MAXINT / 2;
        break;
    default:
        break;
    }
    dialog->top = MAX(dialog->top, 0);
}

static void mouse(struct dialog *dialog, const struct key *key)
{
    if (key->button == MOUSE_WHEEL_UP || key->button == MOUSE_WHEEL_DOWN) {
        dialog->top = MAX(dialog->top + (key->button == MOUSE_WHEEL_UP ? -2 : 2), 0);
        return;
    }
    if (key->button != MOUSE_LEFT)
        return;
    for (int i = 0; i < dialog->n_buttons; i++)
        if (key->y == dialog->button_y[i] && key->x >= dialog->button_x[i] &&
            key->x < dialog->button_x[i] + dialog->button_w[i]) {
            dialog_press(dialog, i);
            return;
        }
}

static void plain_key(struct dialog *dialog, const struct key *key)
{
    struct input *input = focused_input(dialog);
    switch (key->code) {
    case KEY_ESC:
        dialog_dismiss_one(dialog);
        return;
    case KEY_MOUSE_:
        mouse(dialog, key);
        return;
    case KEY_TAB:
        move(dialog, 1);
        return;
    case KEY_BACKTAB:
        move(dialog, -1);
        return;
    default:
        break;
    }
    if (key->code == KEY_CHAR && key->mods == MOD_ALT && letter_key(dialog, key))
        return;
    if (input && input_key_press(input, key))
        return;
    switch (key->code) {
    case KEY_ENTER:
        if (!input)
            dialog_press(dialog, dialog->focus - (int)dialog->inputs->len);
        else if (dialog->focus + 1 < (int)dialog->inputs->len)
            move(dialog, 1);
        else
            dialog_press(dialog, 0);
        return;
    case KEY_UP_:
    case KEY_LEFT_:
        if (dialog->text_only)
            scroll_key(dialog, key);
        else
            move(dialog, -1);
        return;
    case KEY_DOWN_:
    case KEY_RIGHT_:
        if (dialog->text_only)
            scroll_key(dialog, key);
        else
            move(dialog, 1);
        return;
    case KEY_CHAR:
        if (!input || !input_takes_text(input))
            letter_key(dialog, key);
        return;
    default:
        scroll_key(dialog, key);
        return;
    }
}

bool dialog_key(struct tui *tui, const struct key *key)
{
    if (!tui->dialogs->len)
        return false;
    struct dialog *dialog = tui->dialogs->pdata[tui->dialogs->len - 1];
    /* What was being typed when it came is not an answer to it. */
    gint64 now = g_get_monotonic_time();
    if (dialog->guarded && key->code != KEY_ESC && now - dialog->opened_us < GUARD_US) {
        dialog->opened_us = now; /* it waits for a pause */
        return false;
    }
    dialog->guarded = false;
    tui_dirty_all(tui);
    plain_key(dialog, key);
    return true;
}

/* ---- drawing ---- */

/* Those of [from, to), x columns from the edge. */
static void add_wrapped(GArray *out, guint index, const char *text, gsize from, gsize to, int cols,
    int x, guint max_rows)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    wrap_text(rows, text + from, to - from, cols - x, max_rows);
    for (guint i = 0; i < rows->len; i++) {
        const struct wrap_row *wrapped = &g_array_index(rows, struct wrap_row, i);
        struct box_row row = { .kind = ROW_TEXT, .index = index, .x = x,
            .row = { (guint32)from + wrapped->start, (guint32)from + wrapped->end } };
        g_array_append_val(out, row);
    }
}

static void add_text_rows(GArray *out, guint index, const struct paragraph *paragraph, int cols)
{
    const char *text = paragraph->text;
    gsize len = strlen(text);
    bool by_line = paragraph->hang == DIALOG_HANG_BY_LINE;
    if (!paragraph->hang || paragraph->hang * 2 > cols) {
        add_wrapped(out, index, text, 0, len, cols, 0, PARAGRAPH_ROWS);
        return;
    }
    for (gsize from = 0, to; from <= len; from = to + 1) {
        to = from + strcspn(text + from, "\n");
        add_wrapped(out, index, text, from, to, cols, 0, 1);
        gsize rest = g_array_index(out, struct box_row, out->len - 1).row.end;
        rest += rest < to && text[rest] == ' ';
        if (rest >= to)
            continue;
        g_autofree char *line = by_line ? g_strndup(text + from, to - from) : NULL;
        int hang = line ? wrap_hang(line) : paragraph->hang;
        add_wrapped(out, index, text, rest, to, cols, hang * 2 > cols ? 4 : hang, PARAGRAPH_ROWS);
    }
}

static void add_blank(GArray *out)
{
    struct box_row row = { .kind = ROW_BLANK };
    g_array_append_val(out, row);
}

static int label_cols(const struct dialog *dialog, int cols)
{
    int widest = 0;
    for (guint i = 0; i < dialog->inputs->len; i++) {
        const struct input *input = dialog->inputs->pdata[i];
        if (input->kind != INPUT_CHECK)
            widest = MAX(widest, text_width(input->label ? input->label : "", -1) + input->required);
    }
    return widest <= cols * 2 / 5 ? widest : 0; /* 0: labels stand above */
}

static GArray *lay_out(const struct dialog *dialog, int cols, int *focus_row)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct box_row));
    int labels = label_cols(dialog, cols);
    *focus_row = -1;
    for (guint i = 0; i < dialog->paragraphs->len; i++) {
        const struct paragraph *paragraph = dialog->paragraphs->pdata[i];
        add_text_rows(rows, i, paragraph, cols);
        if (!dialog->text_only && (i + 1 < dialog->paragraphs->len || dialog->inputs->len))
            add_blank(rows);
    }
    for (guint i = 0; i < dialog->inputs->len; i++) {
        const struct input *input = dialog->inputs->pdata[i];
        if (!labels && input->kind != INPUT_CHECK) {
            struct box_row row = { .kind = ROW_LABEL, .index = i };
            g_array_append_val(rows, row);
        }
        if ((int)i == dialog->focus)
            *focus_row = (int)rows->len + input_focus_row(input);
        for (int k = 0; k < input_rows(input, cols); k++) {
            struct box_row row = { .kind = ROW_INPUT, .index = i, .at = k };
            g_array_append_val(rows, row);
        }
    }
    return rows;
}

static void draw_label(struct area area, int x, int y, int cols, const struct input *input)
{
    int used = grid_text_fit(area, x, y, cols - input->required, style_of(ROLE_DIALOG_LABEL),
        input->label ? input->label : input->name);
    if (input->required)
        grid_text(area, x + used, y, 1, style_of(ROLE_DIALOG_WARNING), "*");
}

static void draw_body(struct dialog *dialog, struct area area, const GArray *rows)
{
    int labels = label_cols(dialog, area.cols);
    for (int y = 0; y < area.rows && dialog->top + y < (int)rows->len; y++) {
        const struct box_row *row = &g_array_index(rows, struct box_row, dialog->top + y);
        if (row->kind == ROW_TEXT) {
            const struct paragraph *paragraph = dialog->paragraphs->pdata[row->index];
            grid_text_n(area, row->x, y, area.cols - row->x, style_of(paragraph->role),
                paragraph->text + row->row.start, (gssize)(row->row.end - row->row.start));
        } else if (row->kind == ROW_LABEL)
            draw_label(area, 0, y, area.cols, dialog->inputs->pdata[row->index]);
        else if (row->kind == ROW_INPUT && (row->at == 0 || y == 0)) {
            const struct input *input = dialog->inputs->pdata[row->index];
            bool check = input->kind == INPUT_CHECK;
            int x = labels ? labels + 2 : 0;
            if (labels && !check && row->at == 0)
                draw_label(area, 0, y, labels, input);
            int left = input_rows(input, area.cols) - row->at;
            input_draw(input, area_sub(area, x, y, area.cols - x, MIN(left, area.rows - y)),
                dialog->focus == (int)row->index);
        }
    }
}

static int button_width(const struct button *button)
{
    return text_width(button->label, -1) + (button->at < 0 ? 7 : 4);
}

/* The label with its letter underlined; a letter the (translated) label does
 * not have stands behind it. */
static void draw_button(struct dialog *dialog, struct area area, int x, int y, int index)
{
    const struct button *button = &dialog->buttons[index];
    bool active = dialog->focus == (int)dialog->inputs->len + index;
    enum role role = active ? button->danger ? ROLE_BUTTON_DANGER : ROLE_BUTTON_ACTIVE : ROLE_BUTTON;
    int width = button_width(button);
    style_t style = style_of(role);
    area_clear(area_sub(area, x, y, width, 1), style);
    grid_text(area, x + 2, y, width - 2, style, button->label);
    if (active) { /* a shape besides the colour */
        grid_text(area, x, y, 1, style, "[");
        grid_text(area, x + width - 1, y, 1, style, "]");
    }
    int end = x + 2 + text_width(button->label, -1);
    if (button->at >= 0)
        grid_restyle(area, x + 2 + text_width(button->label, button->at), y,
            g_unichar_iswide(button->access) ? 2 : 1, style_with(style, ATTR_UNDERLINE));
    else {
        const char behind[] = { '(', g_ascii_toupper(button->letter), ')', '\0' };
        grid_text(area, end, y, 3, style, behind);
        grid_restyle(area, end + 1, y, 1, style_with(style, ATTR_UNDERLINE));
    }
    dialog->button_x[index] = area.x + x;
    dialog->button_y[index] = area.y + y;
    dialog->button_w[index] = width;
}

static int button_rows(const struct dialog *dialog, int cols)
{
    int rows = dialog->n_buttons ? 1 : 0, x = 0;
    for (int i = 0; i < dialog->n_buttons; i++) {
        int width = button_width(&dialog->buttons[i]);
        if (x && x + width > cols) {
            rows++;
            x = 0;
        }
        x += width + 2;
    }
    return rows;
}

/* The row of a button, and the column at which it begins. */
static int button_row(const struct dialog *dialog, int cols, int left, int index, int *at)
{
    int x = left, y = 0;
    for (int i = 0; i <= index; i++) {
        int width = button_width(&dialog->buttons[i]);
        if (x && x + width > cols) {
            y++;
            x = 0;
        }
        if (at)
            *at = x;
        x += width + 2;
    }
    return y;
}

static void draw_buttons(struct dialog *dialog, struct area area)
{
    int total = -2;
    for (int i = 0; i < dialog->n_buttons; i++)
        total += button_width(&dialog->buttons[i]) + 2;
    int left = total <= area.cols ? area.cols - total : 0;
    /* Where not all rows fit, those up to the highlighted one scroll away. */
    int focus = dialog->focus - (int)dialog->inputs->len;
    int first = MAX(button_row(dialog, area.cols, left, MAX(focus, 0), NULL) - area.rows + 1, 0);
    for (int i = 0; i < dialog->n_buttons; i++) {
        int x, y = button_row(dialog, area.cols, left, i, &x) - first;
        dialog->button_w[i] = 0;
        if (y >= 0 && y < area.rows)
            draw_button(dialog, area, x, y, i);
    }
}

static void draw_title(struct dialog *dialog, struct area box)
{
    g_autofree char *queue = NULL;
    guint waiting = dialog->tui->asks.length;
    if (waiting && dialog->ask)
        queue = g_strdup_printf(ngettext(" (%u more)", " (%u more)", waiting), waiting);
    g_autofree char *title = g_strdup_printf(" %s%s ", dialog->title, queue ? queue : "");
    grid_text_fit(box, 2, 0, box.cols - 4, style_of(ROLE_DIALOG_TITLE), title);
}

static void draw_dialog(struct dialog *dialog, struct area area)
{
    int most = MIN(dialog->text_only ? 84 : BOX_COLS, area.cols - 4);
    int cols = area.cols < 50 ? area.cols : MAX(most, 30);
    int inner = MAX(cols - 4, 4);
    int focus_row;
    g_autoptr(GArray) rows = lay_out(dialog, inner, &focus_row);
    g_autoptr(GArray) complaint = g_array_new(FALSE, FALSE, sizeof(struct wrap_row));
    if (dialog->complaint)
        wrap_text(complaint, dialog->complaint, strlen(dialog->complaint), inner, 3);
    int buttons = MIN(button_rows(dialog, inner), MAX(area.rows - 3, 1));
    bool roomy = area.rows >= 12;
    int frame = 2 + buttons + (int)complaint->len + (roomy && buttons ? 1 : 0);
    int pad = roomy ? 1 : 0;
    int body = CLAMP((int)rows->len, 1, MAX(area.rows - frame - pad - (roomy ? 2 : 0), 1));
    int height = MIN(body + frame + pad, area.rows);
    struct area box = area_sub(area, (area.cols - cols) / 2, MAX((area.rows - height) * 2 / 5, 0),
        cols, height);
    dialog->x = box.x;
    dialog->y = box.y;
    dialog->cols = box.cols;
    dialog->rows = box.rows;
    if (focus_row >= 0) {
        if (focus_row < dialog->top)
            dialog->top = focus_row;
        if (focus_row >= dialog->top + body)
            dialog->top = focus_row - body + 1;
    }
    dialog->top = CLAMP(dialog->top, 0, MAX((int)rows->len - body, 0));
    area.grid->cursor_x = area.grid->cursor_y = -1;
    area_clear(box, style_of(ROLE_DIALOG));
    grid_box(box, style_of(ROLE_DIALOG_BORDER));
    draw_title(dialog, box);
    draw_body(dialog, area_sub(box, 2, 1 + pad, inner, body), rows);
    if (dialog->top + body < (int)rows->len)
        grid_mark(box, box.cols - 3, box.rows - 1, style_of(ROLE_DIALOG_TITLE), MARK_DOWN);
    int y = 1 + pad + body;
    for (guint i = 0; i < complaint->len; i++, y++) {
        const struct wrap_row *row = &g_array_index(complaint, struct wrap_row, i);
        grid_text_n(box, 2, y, inner, style_of(ROLE_DIALOG_WARNING),
            dialog->complaint + row->start, (gssize)(row->end - row->start));
    }
    if (buttons)
        draw_buttons(dialog, area_sub(box, 2, box.rows - 1 - buttons, inner, buttons));
}

void dialog_draw_all(struct tui *tui, struct area area)
{
    for (guint i = 0; i < tui->dialogs->len; i++)
        draw_dialog(tui->dialogs->pdata[i], area);
}
