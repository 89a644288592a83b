#include "xep_fixture.h"
#include "xep/xep0004_form.h"
#include "xep/xep0030_disco.h"
#include "xep/xep0077_form.h"

static const char full_form[] =
    "<x xmlns='jabber:x:data' type='form'>"
    "<title>Bot</title><instructions>One</instructions>"
    "<instructions>Two</instructions>"
    "<field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>"
    "<field type='fixed'><value>Section 1</value></field>"
    "<field type='text-single' var='name' label='The name'><required/></field>"
    "<field type='text-multi' var='about'/>"
    "<field type='boolean' var='public' label='Public?'/>"
    "<field type='text-private' var='pw'/>"
    "<field type='list-multi' var='features'>"
    "<option label='Contests'><value>contests</value></option>"
    "<option label='News'><value>news</value></option>"
    "<option><value>polls</value></option><value>news</value></field>"
    "<field type='list-single' var='max'>"
    "<option label='Ten'><value>10</value></option>"
    "<option label='Twenty'><value>20</value></option><value>20</value></field>"
    "<field type='jid-multi' var='invite'><desc>Friends</desc></field>"
    "<field type='jid-single' var='owner'/>"
    "<field var='plain'/><field type='nonsense' var='odd'/>"
    "<field type='text-single'/>"
    "</x>";

static struct form *parse(const char *xml)
{
    g_autoptr(xmpp_stanza_t) x = stanza_parse(xml);
    g_assert_nonnull(x);
    return form_read(x, NULL);
}

static void test_read(void)
{
    auto_struct(form) form = parse(full_form);
    g_assert_cmpstr(form->title, ==, "Bot");
    g_assert_cmpstr(form->instructions, ==, "One\nTwo");
    g_assert_cmpuint(form->fields->len, ==, 12); /* the nameless one is out */
    g_assert_cmpstr(form_value(form, "FORM_TYPE"), ==, "jabber:bot");
    g_assert_true(form_find(form, "name")->required);
    g_assert_cmpint(form_find(form, "plain")->type, ==, FORM_TEXT_SINGLE);
    g_assert_cmpint(form_find(form, "odd")->type, ==, FORM_TEXT_SINGLE);
    const struct form_field *list = form_find(form, "features");
    g_assert_cmpuint(list->options->len, ==, 3);
    const struct form_option *option = list->options->pdata[2];
    g_assert_cmpstr(option->label, ==, "polls");
    g_assert_null(form_find(form, "nothing"));
    g_assert_cmpstr(form_find(form, "invite")->desc, ==, "Friends");
}

static void set(struct form *form, const char *var, const char *text)
{
    g_autoptr(GError) error = NULL;
    form_set_text(form, var, text, &error);
    g_assert_no_error(error);
}

static void refuse(
    struct form *form, const char *var, const char *text, int code)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(form_set_text(form, var, text, &error));
    g_assert_error(error, FORM_ERROR, code);
}

static void test_set(void)
{
    auto_struct(form) form = parse(full_form);
    set(form, "public", "yes");
    g_assert_cmpstr(form_value(form, "public"), ==, "1");
    g_assert_true(form_field_bool(form_find(form, "public")));
    set(form, "public", "off");
    g_assert_cmpstr(form_value(form, "public"), ==, "0");
    refuse(form, "public", "perhaps", FORM_ERROR_VALUE);
    set(form, "max", "Ten");
    g_assert_cmpstr(form_value(form, "max"), ==, "10");
    refuse(form, "max", "30", FORM_ERROR_VALUE);
    set(form, "features", "Contests, polls");
    g_assert_cmpuint(form_find(form, "features")->values->len, ==, 2);
    refuse(form, "features", "news, spam", FORM_ERROR_VALUE);
    g_assert_cmpuint(form_find(form, "features")->values->len, ==, 2);
    set(form, "about", "line, one\nline two");
    g_assert_cmpuint(form_find(form, "about")->values->len, ==, 2);
    set(form, "invite", "Romeo@Example.Net, nurse@example.net");
    g_assert_cmpstr(form_value(form, "invite"), ==, "romeo@example.net");
    refuse(form, "name", "a\nb", FORM_ERROR_VALUE);
    refuse(form, "FORM_TYPE", "other", FORM_ERROR_VALUE);
    refuse(form, "nothing", "x", FORM_ERROR_NO_FIELD);
    set(form, "max", "");
    g_assert_null(form_value(form, "max"));
}

static void test_submit(void)
{
    auto_struct(form) form = parse(full_form);
    const struct form_field *culprit = NULL;
    g_autoptr(GError) error = NULL;
    g_assert_false(form_check(form, &culprit, &error));
    g_assert_error(error, FORM_ERROR, FORM_ERROR_REQUIRED);
    g_assert_cmpstr(culprit->var, ==, "name");
    set(form, "name", "Bot & <co>");
    g_assert_true(form_check(form, NULL, NULL));
    g_autoptr(xmpp_stanza_t) x = form_submit(form);
    g_assert_cmpstr(stanza_attr(x, "type"), ==, "submit");
    auto_struct(form) again = form_read(x, NULL);
    g_assert_cmpstr(form_value(again, "FORM_TYPE"), ==, "jabber:bot");
    g_assert_cmpstr(form_value(again, "name"), ==, "Bot & <co>");
    g_assert_cmpstr(form_value(again, "features"), ==, "news");
    g_assert_null(form_find(again, "about")); /* empty and not required */
    g_autoptr(xmpp_stanza_t) cancel = form_cancel();
    g_assert_cmpstr(stanza_attr(cancel, "type"), ==, "cancel");
}

static guint count_values(xmpp_stanza_t *field)
{
    guint n = 0;
    for (xmpp_stanza_t *v = stanza_child(field, "value", NS_FORM); v;
         v = stanza_next(v, "value", NS_FORM))
        n++;
    return n;
}

/* XEP-0004 s. 3.2, 3.3: one value where one is due, addresses and choices once,
 * choices in the order of the form, no is what a boolean is by itself. */
static void test_field_types(void)
{
    auto_struct(form) form =
        parse("<x xmlns='jabber:x:data' type='form'>"
              "<field type='text-single' var='one'><value>a</value>"
              "<value>b</value></field>"
              "<field type='hidden' var='h'><value>a</value><value>b</value>"
              "</field>"
              "<field type='boolean' var='sure'><required/></field>"
              "<field type='jid-multi' var='who'/>"
              "<field type='list-multi' var='what'>"
              "<option><value>1</value></option>"
              "<option><value>2</value></option>"
              "<option><value>3</value></option></field></x>");
    set(form, "who", "a@b.example, A@B.Example, c@b.example");
    set(form, "what", "3, 1, 3");
    g_assert_cmpuint(form_find(form, "who")->values->len, ==, 2);
    const GPtrArray *what = form_find(form, "what")->values;
    g_assert_cmpuint(what->len, ==, 2);
    g_assert_cmpstr(what->pdata[0], ==, "1");
    g_assert_cmpstr(what->pdata[1], ==, "3");
    g_assert_true(form_check(form, NULL, NULL));
    g_autoptr(xmpp_stanza_t) x = form_submit(form);
    static const guint counts[] = { 1, 2, 1, 2, 2 };
    xmpp_stanza_t *field = stanza_first_element(x);
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_assert_cmpuint(count_values(field), ==, counts[i]);
        field = stanza_next(field, NULL, NULL);
    }
    auto_struct(form) again = form_read(x, NULL);
    g_assert_cmpstr(form_value(again, "sure"), ==, "0");
}

/* XEP-0004 s. 6: what is taken inside other protocols only is not announced. */
static void test_announced(void)
{
    FIXTURE(f);
    g_autoptr(GPtrArray) names = disco_own_features(f.account);
    g_assert_true(g_ptr_array_find_with_equal_func(
        names, "urn:xmpp:ping", g_str_equal, NULL));
    g_assert_false(g_ptr_array_find_with_equal_func(
        names, NS_FORM, g_str_equal, NULL));
}

static void test_results(void)
{
    auto_struct(form) form =
        parse("<x xmlns='jabber:x:data' type='result'><reported>"
              "<field var='name' label='Name'/><field var='url'/></reported>"
              "<item><field var='name'><value>Comune</value></field>"
              "<field var='url'><value>http://x</value></field></item>"
              "<item/></x>");
    g_assert_cmpuint(form->columns->len, ==, 2);
    g_assert_cmpuint(form->rows->len, ==, 2);
    g_assert_cmpuint(((GPtrArray *)form->rows->pdata[1])->len, ==, 0);
}

static void test_not_forms(void)
{
    static const char *const bad[] = {
        "<x xmlns='jabber:x:data'/>",
        "<x xmlns='jabber:x:data' type='bogus'/>",
        "<x xmlns='jabber:x:oob' type='form'/>",
        "<y xmlns='jabber:x:data' type='form'/>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(parse(bad[i]));
    g_autoptr(GError) error = NULL;
    g_assert_null(form_read(NULL, &error));
    g_assert_error(error, FORM_ERROR, FORM_ERROR_MALFORMED);
}

static void test_limits(void)
{
    g_autoptr(GString) xml =
        g_string_new("<x xmlns='jabber:x:data' type='form'>");
    for (int i = 0; i < 2000; i++)
        g_string_append_printf(xml, "<field var='f%d'/>", i);
    g_autofree char *huge = g_strnfill(200 * 1000, 'x');
    g_string_append_printf(xml, "<title>%s</title></x>", huge);
    auto_struct(form) form = parse(xml->str);
    g_assert_cmpuint(form->fields->len, <=, 512);
    g_assert_cmpuint(strlen(form->title), <=, 64 * 1024);
    refuse(form, "f0", huge, FORM_ERROR_VALUE);
}

/* H24: every element and attribute removed in turn, emptied, doubled. */
static void mutate(const char *xml, const char *start, const char *end)
{
    g_autofree char *removed =
        g_strdup_printf("%.*s%s", (int)(start - xml), xml, end);
    g_autofree char *doubled = g_strdup_printf(
        "%.*s%.*s%s", (int)(end - xml), xml, (int)(end - start), start, end);
    const char *const variants[] = { removed, doubled };
    for (guint i = 0; i < G_N_ELEMENTS(variants); i++) {
        g_autoptr(xmpp_stanza_t) x = stanza_parse(variants[i]);
        auto_struct(form) form = x ? form_read(x, NULL) : NULL;
        if (!form)
            continue;
        form_check(form, NULL, NULL);
        g_autoptr(xmpp_stanza_t) out = form_submit(form);
        g_assert_nonnull(out);
    }
}

static void test_mutations(void)
{
    for (const char *p = full_form; (p = strchr(p + 1, ' '));) {
        const char *quote = strchr(p, '\'');
        const char *end = quote ? strchr(quote + 1, '\'') : NULL;
        if (end)
            mutate(full_form, p, end + 1);
    }
    for (const char *p = full_form; (p = strchr(p + 1, '<'));)
        for (const char *end = p; (end = strchr(end + 1, '>'));)
            mutate(full_form, p, end + 1);
}

/* /form works on what was opened, and only then. */

static enum form_action seen_action;
static int seen_count;
static char *seen_name;

static void on_action(struct account *account, enum form_action action,
    const struct form *form, gpointer data)
{
    (void)account;
    (void)data;
    seen_action = action;
    seen_count++;
    g_free(seen_name);
    seen_name = g_strdup(form_value(form, "name"));
}

static void test_command(void)
{
    FIXTURE(f);
    command(&f, "/form show");
    g_assert_cmpint(f.done, ==, -1);
    assert_has(f.output->str, "item-not-found");
    seen_count = 0;
    g_assert_false(form_open(f.account, NULL, parse(full_form), on_action,
        g_strdup("freed"), g_free));
    command(&f, "/form show");
    g_assert_cmpint(f.done, ==, 1);
    assert_has(f.output->str, "field name=name type=text-single label=The name "
                              "required=true");
    assert_has(f.output->str, "options=contests,news,polls,");
    g_assert_null(strstr(f.output->str, "FORM_TYPE"));
    command(&f, "/form submit");
    g_assert_cmpint(f.done, ==, -1);
    assert_has(f.output->str, "must be filled in");
    command(&f, "/form next");
    g_assert_cmpint(f.done, ==, -1);
    command(&f, "/form set name Tybalt the cat");
    g_assert_cmpint(f.done, ==, 1);
    command(&f, "/form set pw secret");
    command(&f, "/form show");
    g_assert_null(strstr(f.output->str, "secret"));
    command(&f, "/form submit");
    g_assert_cmpint(f.done, ==, 1);
    g_assert_cmpint(seen_count, ==, 1);
    g_assert_cmpint(seen_action, ==, FORM_ACTION_SUBMIT);
    g_assert_cmpstr(seen_name, ==, "Tybalt the cat");
    g_assert_null(form_current(f.account));
    g_clear_pointer(&seen_name, g_free);
}

/* A dialog that is answered after its form was replaced. */
static struct question asked;
static bool on_ask(struct front *front, const struct question *question)
{
    (void)front;
    asked = *question;
    return true;
}
static const struct front_ops front_ops = { .ask = on_ask, .is_screen = true };

static void test_dialog(void)
{
    FIXTURE(f);
    struct front front = { &front_ops };
    seen_count = 0;
    g_assert_true(
        form_open(f.account, &front, parse(full_form), on_action, NULL, NULL));
    const struct question first = asked;
    g_assert_true(
        form_open(f.account, &front, parse(full_form), on_action, NULL, NULL));
    const struct question second = asked;
    form_set_text(first.form, "name", "late", NULL); /* still alive */
    first.answer(ANSWER_YES, NULL, NULL, first.data);
    g_assert_cmpint(seen_count, ==, 0);
    second.answer(ANSWER_NONE, NULL, NULL, second.data); /* Escape */
    g_assert_nonnull(form_current(f.account));
    command(&f, "/form cancel");
    g_assert_cmpint(seen_count, ==, 1);
    g_assert_cmpint(seen_action, ==, FORM_ACTION_CANCEL);
    g_clear_pointer(&seen_name, g_free);
}

/* XEP-0077's own kinds. */

static void test_register_plain(void)
{
    g_autoptr(xmpp_stanza_t) query = stanza_parse(
        "<query xmlns='jabber:iq:register'><instructions> Choose. "
        "</instructions><username/><password/><email/><key>k1</key></query>");
    bool plain;
    auto_struct(form) form = register_form_read(query, &plain);
    g_assert_true(plain);
    g_assert_cmpstr(form->instructions, ==, "Choose.");
    g_autofree char *missing = register_form_missing(form);
    g_assert_cmpstr(missing, ==, "username, password, email");
    g_assert_true(register_form_fill(form,
        (const char *const[]){ "username=bill", "email=a=b@c", NULL }, NULL));
    g_autoptr(GError) error = NULL;
    g_assert_false(register_form_fill(
        form, (const char *const[]){ "novalue", NULL }, &error));
    g_assert_error(error, FORM_ERROR, FORM_ERROR_VALUE);
    g_autoptr(xmpp_stanza_t) out = register_form_write(form, plain);
    g_autofree char *email = stanza_child_text(out, "email", NS_REGISTER);
    g_autofree char *key = stanza_child_text(out, "key", NS_REGISTER);
    g_assert_cmpstr(email, ==, "a=b@c");
    g_assert_cmpstr(key, ==, "k1");
    g_assert_null(stanza_child(out, "instructions", NS_REGISTER));
}

static void test_register_form(void)
{
    g_autoptr(xmpp_stanza_t) query = stanza_parse(
        "<query xmlns='jabber:iq:register'><instructions>Use the form"
        "</instructions><username/><x xmlns='jabber:x:data' type='form'>"
        "<field type='hidden' var='FORM_TYPE'>"
        "<value>jabber:iq:register</value></field>"
        "<field var='username'/><field type='text-private' var='password'/>"
        "<field var='ocr' label='Enter the text you see'>"
        "<media xmlns='urn:xmpp:media-element'>"
        "<uri type='image/png'>cid:sha1+8f35@bob.xmpp.org</uri></media>"
        "<required/></field></x></query>");
    bool plain;
    auto_struct(form) form = register_form_read(query, &plain);
    g_assert_false(plain);
    g_autofree char *missing = register_form_missing(form);
    g_assert_cmpstr(missing, ==, "username, password, ocr");
    g_assert_cmpstr(
        form_find(form, "ocr")->media, ==, "cid:sha1+8f35@bob.xmpp.org");
    g_autoptr(xmpp_stanza_t) out = register_form_write(form, plain);
    g_assert_nonnull(stanza_child(out, "x", NS_FORM));
    auto_struct(form) none = register_form_read(NULL, &plain);
    g_assert_cmpuint(none->fields->len, ==, 0);
}

static void test_register_elsewhere(void)
{
    g_autoptr(xmpp_stanza_t) query = stanza_parse(
        "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:oob'>"
        "<url>https://example.com/join</url></x></query>");
    bool plain;
    auto_struct(form) form = register_form_read(query, &plain);
    g_assert_cmpuint(form->fields->len, ==, 0);
    g_assert_cmpstr(form->url, ==, "https://example.com/join");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/form/read", test_read);
    g_test_add_func("/form/set", test_set);
    g_test_add_func("/form/submit", test_submit);
    g_test_add_func("/form/XEP-0004-s3-field-types", test_field_types);
    g_test_add_func("/form/XEP-0004-s6-announced", test_announced);
    g_test_add_func("/form/results", test_results);
    g_test_add_func("/form/not-forms", test_not_forms);
    g_test_add_func("/form/limits", test_limits);
    g_test_add_func("/form/H24-mutations", test_mutations);
    g_test_add_func("/form/command", test_command);
    g_test_add_func("/form/dialog", test_dialog);
    g_test_add_func("/register/plain", test_register_plain);
    g_test_add_func("/register/form", test_register_form);
    g_test_add_func("/register/elsewhere", test_register_elsewhere);
    return g_test_run();
}
