/* tests/tui/export_test.c - A view in a file: the same cells, the same facts; nothing is written
 * over by accident. */
#include "core/console/console.h"
#include "tests/check.h"
#include "tests/tui/scene.h"
#include "tui/export/export.h"
#include "tui/export/shape.h"
#include "tui/prompt/face.h"
#include "tui/prompt/state.h"
#include "tui/screen/glyph.h"
#include "tui/views/say.h"

#include <jansson.h>
#include <unistd.h>

/* For the leak sanitizer: fontconfig keeps what it has read of the machine's fonts. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}

static struct snapshot now;
static struct history past;
static char folder[64], file[128];

static void enter(void)
{
    strcpy(folder, "/tmp/vanpool-export-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL);
    scene_orders(&now);
    scene_past(&past, 1240);
}

static void leave(void)
{
    if (*file) unlink(file);
    rmdir(folder);
}

static struct scene scene(void)
{
    return (struct scene){.now = &now, .past = &past, .cursor = 2};
}

static const char *named(const char *name)
{
    snprintf(file, sizeof file, "%s/%s", folder, name);
    return file;
}

/* `export` with these words behind it; the sentence of a failure in *e. */
static bool run(struct err *e, const char *name, char *a, char *b)
{
    char path[136];
    snprintf(path, sizeof path, "%s", named(name));
    char *argv[] = {"export", path, a, b, NULL};
    size_t n = strlen(file);
    if (file[n - 1] == '!') file[n - 1] = 0;
    struct scene s = scene();
    struct text said = {0};
    bool ok = export_command(a ? b ? 4 : 3 : 2, argv, &s, view_at(0), 0, 0, &said, e);
    ck_assert(ok == (said.size > 0));
    text_free(&said);
    return ok;
}

static char *content(size_t *size)
{
    static char bytes[1 << 22];
    FILE *f = fopen(file, "rb");
    ck_assert_msg(f != NULL, "%s is not there", file);
    *size = fread(bytes, 1, sizeof bytes - 1, f);
    bytes[*size] = 0;
    fclose(f);
    return bytes;
}

START_TEST(text_is_the_framed_view_without_the_lines_for_keys)
{
    struct err e = {0};
    struct canvas c;
    struct scene s = scene();
    struct frame f = {.view = view_find("load", NULL), .paper = true};
    struct text want = {0};
    size_t size;
    ck_assert_msg(run(&e, "a.txt", "load", "80x24"), "%s", e.text);
    ck_assert(canvas_open(&c, 80, 24, CHARSET_BRAILLE));
    frame_draw(&c, &s, &f);
    canvas_write(&c, &want, false);
    ck_assert_str_eq(content(&size), text_str(&want));
    ck_assert_ptr_null(strstr(text_str(&want), "quit"));
    canvas_close(&c);
    text_free(&want);
}
END_TEST

/* A picture drawn beside is the same file; what is quick is there at once, and a failure is said. */
START_TEST(what_is_slow_is_drawn_beside_and_is_the_same)
{
    static char first[1 << 22];
    struct err e = {0};
    struct text said = {0};
    struct scene s = scene();
    struct export_beside *beside = NULL;
    size_t n = 0, size = 0;
    if (!export_pictures()) SKIP("pictures: built without cairo");
    ck_assert_msg(run(&e, "a.png!", "80x24", NULL), "%s", e.text);
    const char *bytes = content(&n);
    memcpy(first, bytes, n);
    unlink(file);
    char *again[] = {"export", (char *)named("b.png"), "80x24", NULL};
    ck_assert_msg(export_begin(3, again, &s, view_at(0), 0, 0, &beside, &said, &e), "%s", e.text);
    ck_assert(beside && said.size == 0);
    ck_assert(!export_begin(3, again, &s, view_at(0), 0, 0, &beside, &said, &e));
    ck_assert_msg(strstr(e.text, "still being drawn"), "%s", e.text);
    while (export_under_way(beside)) continue;
    ck_assert_msg(export_end(&beside, &said, &e), "%s", e.text);
    ck_assert(!beside && strstr(text_str(&said), "wrote"));
    bytes = content(&size);
    ck_assert(size == n && memcmp(first, bytes, n) == 0);
    unlink(file);
    char *quick[] = {"export", (char *)named("b.txt"), NULL};
    text_clear(&said);
    ck_assert(export_begin(2, quick, &s, view_at(0), 0, 0, &beside, &said, &e));
    ck_assert(!beside && said.size > 0);
    char *nowhere[] = {"export", "/dev/null/b.png", NULL};
    ck_assert(export_begin(2, nowhere, &s, view_at(0), 0, 0, &beside, &said, &e));
    ck_assert(!export_end(&beside, &said, &e));
    ck_assert_msg(strstr(e.text, "b.png"), "%s", e.text);
    text_free(&said);
}
END_TEST

/* Without its codes, .ans is the text, but for the blanks at the ends of lines. */
START_TEST(colour_codes_change_no_letter)
{
    struct err e = {0};
    size_t size;
    struct text plain = {0};
    ck_assert_msg(run(&e, "a.ans", "80x24", NULL), "%s", e.text);
    char *at = content(&size);
    ck_assert_ptr_nonnull(strstr(at, "\033[0;38;5;"));
    for (; *at; at++) {
        if (*at == '\033')
            at += strcspn(at, "m");
        else if (*at == '\n') {
            while (plain.size && plain.at[plain.size - 1] == ' ') plain.at[--plain.size] = 0;
            text_add(&plain, "\n");
        } else
            text_put(&plain, at, 1);
    }
    unlink(file);
    ck_assert(run(&e, "a.txt", "80x24", NULL));
    ck_assert_str_eq(content(&size), text_str(&plain));
    text_free(&plain);
}
END_TEST

START_TEST(pictures_have_the_size_of_their_cells)
{
    struct err e = {0};
    size_t size;
    bool ok = run(&e, "a.png", "load", "80x24");
    if (!ok && strstr(e.text, "built without cairo")) SKIP("pictures: built without cairo");
    ck_assert_msg(ok, "%s", e.text);
    const unsigned char *png = (const unsigned char *)content(&size);
    ck_assert(size > 1000 && memcmp(png, "\211PNG", 4) == 0);
    ck_assert_int_eq(png[18] << 8 | png[19], 2 * (80 * 10 + 20));
    ck_assert_int_eq(png[22] << 8 | png[23], 2 * (24 * 20 + 20));
    unlink(file);
    ck_assert_msg(run(&e, "a.svg", "load", "80x24"), "%s", e.text);
    const char *svg = content(&size);
    ck_assert_ptr_nonnull(strstr(svg, "viewBox=\"0 0 820 500\""));
    ck_assert_ptr_nonnull(strstr(svg, "</svg>"));
}
END_TEST

START_TEST(json_has_the_sentences_of_tell_and_the_numbers_in_them)
{
    for (int v = 0; view_at(v); v++)
        for (int text = 0; text < 3; text++) {
            if (text == 2)
                scene_nothing_known(&now);
            else if (text)
                scene_text(&now);
            else
                scene_orders(&now);
            struct scene s = scene();
            struct text told = {0}, line = {0}, joined = {0};
            json_error_t why;
            view_at(v)->tell(&told, &s);
            ck_assert(export_json(&line, view_at(v), &s));
            json_t *o = json_loads(text_str(&line), JSON_REJECT_DUPLICATES, &why), *one;
            ck_assert_msg(o != NULL, "%s: %s: %s", view_at(v)->name, why.text, text_str(&line));
            size_t i;
            json_array_foreach(json_object_get(o, "sentences"), i, one)
                text_add(&joined, "%s\n", json_string_value(one));
            const char *a = text_str(&told), *b = text_str(&joined);
            for (; *a; a++) /* blank lines are no sentences */
                if (*a != '\n' || (a[1] != '\n' && a != text_str(&told)))
                    ck_assert_msg(*a == *b++, "%s says '%.40s'", view_at(v)->name, a);
            NEAR(json_number_value(json_object_get(json_object_get(o, "measured"), "step")),
                 (double)now.step, 0, 0, "step");
            json_decref(o);
            text_free(&told), text_free(&line), text_free(&joined);
        }
}
END_TEST

START_TEST(a_number_said_is_the_number_kept)
{
    struct text facts = {0}, said = {.facts = &facts};
    now.accuracy = 0.12345, now.tokens_per_s = NAN;
    say(&said, &now, "%s {accuracy%%} {accuracy} {tokens_per_s,} {step,} {nothing} {", "so");
    ck_assert_str_eq(text_str(&said), "so 12 % 0.123 – 1,240 {nothing} {");
    ck_assert_str_eq(text_str(&facts), "\"accuracy\":{\"value\":0.12345,\"unit\":\"share\"},"
                                       "\"tokens_per_s\":{\"value\":null,\"unit\":\"tok/s\"},"
                                       "\"step\":{\"value\":1240,\"unit\":\"\"}");
    text_clear(&said);
    say_number(&said, 1.25, 1, "of fair", "load %d %d", 1, 3);
    ck_assert_str_eq(text_str(&said), "1.2");
    ck_assert_ptr_nonnull(strstr(text_str(&facts), ",\"load 1 3\":{\"value\":1.25,"));
    text_free(&said), text_free(&facts);
}
END_TEST

START_TEST(what_is_there_is_written_over_only_when_asked)
{
    struct err e = {0};
    size_t size;
    ck_assert(run(&e, "a.txt", "load", NULL));
    char *was = strdup(content(&size));
    ck_assert(!run(&e, "a.txt", "vans", NULL));
    ck_assert_int_eq(e.code, ERR_FILE);
    ck_assert_ptr_nonnull(strstr(e.text, "a.txt!"));
    ck_assert_str_eq(content(&size), was);
    ck_assert(run(&e, "a.txt!", "vans", NULL));
    ck_assert_str_ne(content(&size), was);
    free(was);
}
END_TEST

START_TEST(a_theme_changes_colours_and_no_letter)
{
    struct err e = {0};
    size_t size;
    ck_assert_msg(run(&e, "a.ans", "load", "light"), "%s", e.text);
    char *light = strdup(content(&size));
    unlink(file);
    ck_assert_msg(run(&e, "a.ans", "load", "mono"), "%s", e.text);
    ck_assert_ptr_nonnull(strstr(light, ";38;5;"));
    ck_assert_ptr_null(strstr(content(&size), ";38;5;"));
    unlink(file);
    ck_assert_msg(run(&e, "a.ans", "load", NULL), "%s", e.text);
    ck_assert_str_ne(content(&size), light);
    free(light);
}
END_TEST

START_TEST(a_wrong_word_gets_one_sentence)
{
    static const struct {
        char *name, *word, *say;
    } cases[] = {
        {"a.pgn", NULL, "did you mean .png?"},  {"a", NULL, ".txt, .ans, .json, .svg, .png"},
        {"a.txt", "lod", "did you mean load?"}, {"a.txt", "0x24", "COLUMNSxLINES"},
        {"a.txt", "80x", "COLUMNSxLINES"},      {"a.txt", "80x9999", "up to 500x500"},
        {"no/a.txt", NULL, "cannot"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        ck_assert(!run(&e, cases[i].name, cases[i].word, NULL));
        ck_assert_msg(strstr(e.text, cases[i].say) != NULL, "%s %s: %s", cases[i].name,
                      cases[i].word ? cases[i].word : "", e.text);
    }
}
END_TEST

START_TEST(the_default_name_says_what_is_shown)
{
    char name[128];
    export_name(name, sizeof name, view_at(0), &now);
    ck_assert_str_eq(name, "vanpool-orders-topp-vans-1240.png");
    scene_text(&now);
    export_name(name, sizeof name, view_at(1), &now);
    ck_assert_str_eq(name, "vanpool-text-kjv-txt-topk-tokens-1240.png");
}
END_TEST

/* Area of what a character covers, 1: the whole cell. Arms overlap in the middle a little. */
static double area(uint32_t c)
{
    struct shape s[SHAPES_MOST];
    double sum = 0;
    int n = shape_of(c, s);
    for (int i = 0; i < n; i++) {
        bool inside = s[i].x > -1e-9 && s[i].y > -1e-9 && s[i].x + s[i].w < 1 + 1e-9 &&
                      s[i].y + s[i].h < 1 + 1e-9;
        ck_assert_msg(inside, "U+%04X leaves its cell", (unsigned)c);
        sum += s[i].w * s[i].h;
    }
    return n < 0 ? -1 : sum;
}

START_TEST(lines_and_blocks_are_drawn_as_they_are)
{
    struct shape s[SHAPES_MOST];
    for (uint32_t c = 0x2500; c < 0x2900; c++) {
        if (c == 0x25a0) c = 0x2800;
        area(c);
    }
    for (int n = 1; n <= 8; n++) {
        NEAR(area(0x2580 + (uint32_t)n), n / 8.0, 1e-9, 0, "%d eighths of the height", n);
        NEAR(area(0x2590 - (uint32_t)n), n / 8.0, 1e-9, 0, "%d eighths of the width", n);
    }
    NEAR(area(0x259b), 0.75, 1e-9, 0, "three quarters");
    ck_assert_int_eq(shape_of(0x28ff, s), 8);
    ck_assert_int_eq(shape_of(0x2800, s), 0);
    ck_assert_int_eq(shape_of('A', s), -1);
    ck_assert_int_eq(shape_of(0x251c, s), 3); /* a line down and one to the right */
    NEAR(s[0].x + s[0].w, 1, 1e-9, 0, "reaches the right edge");
    NEAR(s[1].y, 0, 1e-9, 0, "reaches the upper edge");
    NEAR(s[2].y + s[2].h, 1, 1e-9, 0, "reaches the lower edge");
}
END_TEST

START_TEST(faces_without_a_screen_answer_for_views)
{
    static const struct {
        const char *line;
        enum face_result want;
        const char *say;
    } cases[] = {
        {"show load", FACE_DONE, "fair share"},
        {"show load json", FACE_DONE, "{\"type\":\"view\",\"view\":\"load\""},
        {"view", FACE_DONE, "fair share"},
        {"show load twice", FACE_FAILED, "takes 'json'"},
        {"view lod", FACE_FAILED, "did you mean load?"},
        {"show loss", FACE_NOT_MINE, ""},
        {"train 5", FACE_NOT_MINE, ""},
        {"help load", FACE_DONE, ""},
        {"export", FACE_FAILED, "export FILE.png"},
    };
    struct face f = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text out = {0};
        struct err e = {0};
        int got = (int)face_line(&f, cases[i].line, &now, &past, &out, &e);
        ck_assert_msg(got == (int)cases[i].want, "%s: %d", cases[i].line, got);
        const char *said = got == FACE_FAILED ? e.text : text_str(&out);
        ck_assert_msg(strstr(said, cases[i].say) != NULL, "%s: %s", cases[i].line, said);
        text_free(&out);
    }
}
END_TEST

START_TEST(a_state_has_the_faces_words)
{
    const struct view *view = view_find("load", NULL);
    struct scene s = scene();
    char room[256];
    s.layer = 1;
    ck_assert_str_eq(state_line("state", &view, &s, room, sizeof room),
                     "state view=load cursor=2 layer=2");
    const char *line = "state \"data=orders view=tokens step=7 cursor=40 layer=3 axis=log\"";
    ck_assert_ptr_eq(state_line(line, &view, &s, room, sizeof room), line);
    ck_assert_str_eq(view->name, "tokens");
    ck_assert(s.cursor == 40 && s.layer == 2 && s.log_axis);
    line = "train 5";
    ck_assert_ptr_eq(state_line(line, &view, &s, room, sizeof room), line);
    line = "state view=nothing cursor=-9999 layer=x";
    state_line(line, &view, &s, room, sizeof room);
    ck_assert_str_eq(view->name, "tokens");
    ck_assert(s.cursor >= 0 && s.cursor < SNAP_TOKENS && s.layer == 2);
}
END_TEST

/* Everything that `line` leads to: steps, and the lines of a script. */
static void train(struct console *c, const char *line)
{
    char next[1024];
    struct err e = {0};
    struct text out = {0};
    ck_assert_msg(console_do(c, line, &out, &e), "%s: %s", line, e.text);
    do
        while (console_busy(c)) ck_assert_msg(console_step(c, false, false, &e), "%s", e.text);
    while (console_next(c, next, sizeof next) && console_do(c, next, &out, &e));
    text_free(&out);
}

/* The cells of a view, without what is measured in seconds. */
static void cells_of(struct console *c, const char *view, struct canvas *to)
{
    struct scene s = {.now = console_snapshot(c), .past = &past, .cursor = 5};
    ck_assert(canvas_open(to, 100, 30, CHARSET_BRAILLE));
    view_find(view, NULL)->draw(to, &s);
}

START_TEST(a_state_gives_the_same_cells)
{
    static const char *const views[] = {"vans", "tokens", "rule", "load"};
    struct config config;
    struct err e = {0};
    ck_assert_msg(config_start(&config, "orders", "topk", &e), "%s", e.text);
    struct console *a = console_open(&config, &e), *b = console_open(&config, &e);
    train(a, "train 25"), train(a, "router topp p=0.6"), train(a, "train 25");
    train(b, "state \"data=orders strategy=topk @25:router,topp,p=0.6 step=50\"");
    past.count = 0;
    for (int i = 0; i < 4; i++) {
        struct canvas x, y;
        struct text left = {0}, right = {0};
        cells_of(a, views[i], &x), cells_of(b, views[i], &y);
        canvas_write(&x, &left, true), canvas_write(&y, &right, true);
        ck_assert_str_eq(text_str(&left), text_str(&right));
        train(b, "train 1"); /* another step gives other cells: the comparison can fail */
        canvas_close(&y), text_clear(&right);
        cells_of(b, views[i], &y), canvas_write(&y, &right, true);
        ck_assert_str_ne(text_str(&left), text_str(&right));
        train(b, "state \"data=orders strategy=topk @25:router,topp,p=0.6 step=50\"");
        canvas_close(&x), canvas_close(&y), text_free(&left), text_free(&right);
    }
    console_close(a), console_close(b);
}
END_TEST

SUITE(export)
{
    TCase *tc = tcase_create("export");
    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_test(tc, text_is_the_framed_view_without_the_lines_for_keys);
    tcase_add_test(tc, what_is_slow_is_drawn_beside_and_is_the_same);
    tcase_add_test(tc, colour_codes_change_no_letter);
    tcase_add_test(tc, pictures_have_the_size_of_their_cells);
    tcase_add_test(tc, json_has_the_sentences_of_tell_and_the_numbers_in_them);
    tcase_add_test(tc, a_number_said_is_the_number_kept);
    tcase_add_test(tc, what_is_there_is_written_over_only_when_asked);
    tcase_add_test(tc, a_theme_changes_colours_and_no_letter);
    tcase_add_test(tc, a_wrong_word_gets_one_sentence);
    tcase_add_test(tc, the_default_name_says_what_is_shown);
    tcase_add_test(tc, lines_and_blocks_are_drawn_as_they_are);
    tcase_add_test(tc, a_state_gives_the_same_cells);
    tcase_add_test(tc, a_state_has_the_faces_words);
    tcase_add_test(tc, faces_without_a_screen_answer_for_views);
    suite_add_tcase(suite, tc);
}
