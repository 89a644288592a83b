/* XEP-0393: its own examples, and what is not in them. The expectation has a
 * letter for every byte: s strong, e emphasis, x strike, p preformatted,
 * q quoted, several of them: the last of this list; upper case: a mark. */
#include "config.h"
#include "ui/draw/styling.h"
#include <string.h>

static char *picture(const char *text)
{
    static const struct {
        guint32 flag;
        char letter;
    } letters[] = { { STYLING_QUOTE, 'q' }, { STYLING_STRONG, 's' }, { STYLING_EMPHASIS, 'e' },
        { STYLING_STRIKE, 'x' }, { STYLING_PRE, 'p' } };
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(struct styling_run));
    styling_parse(runs, text, strlen(text));
    char *out = g_strnfill(strlen(text), '.');
    guint32 last = 0;
    for (guint i = 0; i < runs->len; i++) {
        const struct styling_run *run = &g_array_index(runs, struct styling_run, i);
        g_assert_cmpuint(run->start, >=, last);
        g_assert_cmpuint(run->start, <, run->end);
        g_assert_cmpuint(run->end, <=, strlen(text));
        g_assert_cmpuint(run->flags, !=, 0);
        last = run->end;
        char letter = '?';
        for (gsize k = 0; k < G_N_ELEMENTS(letters); k++)
            if (run->flags & letters[k].flag)
                letter = letters[k].letter;
        if (run->flags & STYLING_MARK)
            letter = g_ascii_toupper(letter);
        memset(out + run->start, letter, run->end - run->start);
    }
    return out;
}

static const char *const cases[][2] = {
    /* Spans: what the specification says is styled … */
    { "*strong*", "SssssssS" },
    { "plain *strong* plain", "......SssssssS......" },
    { "*strong* plain *strong*", "SssssssS.......SssssssS" },
    { "*strong*plain*", "SssssssS......" },
    { "* plain *strong*", "........SssssssS" },
    /* … and what is not. */
    { "not strong*", "..........." },
    { "*not strong", "..........." },
    { "*not \n strong*", ".............." },
    { "*not *strong", "............" },
    { "**", ".." },
    { "***", "..." },
    { "****", "...." },
    { "**strong**", ".........." },
    { "snake_case_name", "..............." },
    { "2*3*4", "....." },
    { "* a *", "....." },
    /* The kinds. */
    { "both *alike in dignity*", ".....SssssssssssssssssS" },
    { "_most_ people", "EeeeeE......." },
    { "Everyone ~dis~likes cake.", ".........XxxxX..........." },
    { "write in `monospace`!", ".........PpppppppppP." },
    { "is `*monospace*`", "...PpppppppppppP" },
    { "*`mono and bold`*", "SPpppppppppppppPS" },
    { "_*both*_", "EEeeeeEE" },
    { "*_a* b_", "SssS..." },
    { "*a _b_ c*", "SssEeEssS" },
    { "`*a` b*", "PppP..." },
    { "\xc2\xa0*a*\xe3\x80\x80*b*", "..SsS...SsS" }, /* White_Space is not only ASCII */
    { "*a\xc2\xa0*", "....." },
    /* Blocks. */
    { "(no *formatting)\n(as spans* end)", "................................" },
    { "```ignored\n(println)\n```\n\nno *code*", "PPPPPPPPPP.ppppppppp.PPP.....SssssS" },
    { "```\n*a*\n> b\n``` \n``", "PPP.ppp.ppp.pppp.pp" },
    { "> ```\n> (print)\n\nthis line *too*", "QqPPP.Qqppppppp............SsssS" },
    { "> that *is*\n\nSaid", "QqqqqqqSssS......" },
    { ">> That.\n> Said\n\nWho?", "QQqqqqqq.Qqqqqq......" },
    { "> > ```\n> > a\n> b", "QqQqPPP.QqQqp.Qqq" },
    { "a > b", "....." },
    { "", "" },
};

static void test_examples(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i][0]);
        g_autofree char *got = picture(cases[i][0]);
        g_assert_cmpstr(got, ==, cases[i][1]);
    }
}

/* H53: as long as a message may be, and nothing but openings. Were the work
 * to grow with its square, this would not end. */
static void test_long(void)
{
    static const char *const units[] = { "*a ", "_*~a ", "`", "*_", ">", "> ", "```\n", "*a* " };
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        while (text->len < 1024 * 1024)
            g_string_append(text, units[i]);
        g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(struct styling_run));
        styling_parse(runs, text->str, text->len);
        g_assert_cmpuint(runs->len, <=, text->len);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/styling/examples", test_examples);
    g_test_add_func("/styling/H53-long", test_long);
    return g_test_run();
}
