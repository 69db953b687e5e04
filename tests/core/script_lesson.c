/* tests/core/script_lesson.c - Lessons: read, refused with file and line, taken page by page. */
#include "core/base/rng.h"
#include "core/script/lesson.h"
#include "core/script/runner.h"
#include "tests/check.h"

#include <limits.h>

#define FRONT "---\ntitle: A title\nminutes: 5\n---\n"

static const char whole[] =
    FRONT "## One\n\nEight {vans|experts}, *now* {experts_per_token} each.\n\n- a\n- b\n\n"
          "```start\nrouter topk k=1\n\n# a comment\ntrain 10\n```\n"
          "```watch\nvans\n```\n"
          "```predict\nHow many?\nanswer 100 * val_accuracy\n```\n"
          "```predict\nMore or fewer?\n- more: loss > 1\n- fewer: loss <= 1\n```\n"
          "```do\nrouter topk k=2\n```\n"
          "```expect\nexperts_per_token = 2 # two for each\nloss < 5 for 20 steps\n```\n"
          "```hint\nFirst.\n```\n```hint\nSecond.\n```\n"
          "## Two\n\n```quiz\nWhich?\n- wrong\n+ right\n> Because.\n```\n"
          "```text\n  p = softmax(x)\n```\n";

static bool reads(struct lesson *l, const char *text, struct err *e)
{
    return lesson_read(l, "lessons/07-some.md", text, strlen(text), e);
}

START_TEST(a_lesson_is_pages_of_parts)
{
    struct lesson l;
    struct err e = {0};
    ck_assert_msg(reads(&l, whole, &e), "%s", e.text);
    ck_assert_str_eq(l.title, "A title");
    ck_assert_str_eq(l.name, "07-some");
    ck_assert_int_eq(l.number, 7);
    ck_assert_int_eq(l.pages, 2);
    ck_assert_str_eq(l.page[0].title, "One");
    const struct lesson_part *start = lesson_part(&l.page[0], LESSON_START, NULL);
    char line[64];
    int at = 0;
    ck_assert(lesson_line(start, &at, line, sizeof line));
    ck_assert_str_eq(line, "router topk k=1");
    ck_assert(lesson_line(start, &at, line, sizeof line));
    ck_assert_str_eq(line, "train 10");
    ck_assert(!lesson_line(start, &at, line, sizeof line));
    ck_assert_msg(lesson_lint(&l, &e), "%s", e.text);
    ck_assert_str_eq(lesson_part(&l.page[1], LESSON_FORMULA, NULL)->text, "  p = softmax(x)\n");
    lesson_close(&l);
}
END_TEST

static const struct bad_case {
    const char *text, *line, *says; /* line: ":N:" in the sentence */
    bool lint;                      /* read well, refused by the lint */
} bads[] = {
    {"", ":1:", "begins with", false},
    {"# no front\n", ":1:", "begins with", false},
    {"---\ntitle: x\n", ":3:", "no end", false},
    {"---\nminutes: 5\n---\nx\n", ":3:", "no title", false},
    {"---\ntitle: x\nminutes: many\n---\nx\n", ":3:", "minutes", false},
    {"---\ntitle: x\nminutes: 1e9\n---\nx\n", ":3:", "minutes", false},
    {"---\ntitle: x\ncolour: red\n---\nx\n", ":3:", "colour", false},
    {"---\ntitle x\n---\nx\n", ":2:", "name: value", false},
    {FRONT, ":5:", "says nothing", false},
    {FRONT "a\n\n```strat\nx\n```\n", ":7:", "did you mean start?", false},
    {FRONT "a\n\n```do\ntrian 5\n```\n", ":7:", "did you mean train?", true},
    {FRONT "a\n\n```do\nsave \"open\n```\n", ":7:", "quote", true},
    {FRONT "a\n\n```expect\nloss\n```\n", ":7:", "condition", true},
    {FRONT "a\n\n```expect\nloss < 1 for ever\n```\n", ":7:", "for N steps", true},
    {FRONT "a\n\n```expect\n```\n", ":7:", "empty", true},
    {FRONT "a\n\n```quiz\nWhich?\n- a\n- b\n```\n", ":7:", "right", true},
    {FRONT "a\n\n```quiz\nWhich?\n+ a\n+ b\n```\n", ":7:", "right", true},
    {FRONT "a\n\n```quiz\n- a\n+ b\n```\n", ":7:", "no question", true},
    {FRONT "a\n\n```predict\nHow?\n```\n", ":7:", "prediction", true},
    {FRONT "a\n\n```predict\nHow?\nanswer 3 + loss\n```\n", ":7:", "answer", true},
    {FRONT "a\n\n```predict\nHow?\n- more\n- fewer: loss < 1\n```\n", ":7:", "choice", true},
    {FRONT "a\n", "", "nothing is expected", true},
};

START_TEST(a_broken_lesson_is_refused_with_file_line_and_reason)
{
    const struct bad_case *c = &bads[_i];
    struct lesson l;
    struct err e = {0};
    bool read = reads(&l, c->text, &e);
    ck_assert_msg(read == c->lint, "reading gives %d: %s", read, e.text);
    if (read) ck_assert(!lesson_lint(&l, &e));
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_msg(strstr(e.text, "07-some") != NULL, "no file in: %s", e.text);
    ck_assert_msg(strstr(e.text, c->line) != NULL, "no %s in: %s", c->line, e.text);
    ck_assert_msg(strstr(e.text, c->says) != NULL, "no '%s' in: %s", c->says, e.text);
    lesson_close(&l);
}
END_TEST

START_TEST(zero_bytes_and_huge_files_are_refused)
{
    struct lesson l;
    struct err e = {0};
    ck_assert(!lesson_read(&l, "x.md", FRONT "a\0b", sizeof FRONT + 3, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "zero byte"));
    char *huge = malloc(LESSON_MOST + 2);
    memset(huge, 'a', LESSON_MOST + 1), huge[LESSON_MOST + 1] = 0;
    ck_assert(!lesson_read(&l, "x.md", huge, LESSON_MOST + 1, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "at most"));
    free(huge);
}
END_TEST

/* Bytes changed, cut and doubled at random: refused or read, never worse. */
START_TEST(no_bytes_break_the_reader)
{
    struct rng r = rng_at(11, RNG_SAMPLE, 7);
    volatile int sink = 0;
    for (int i = 0; i < 3000; i++) {
        char text[2 * sizeof whole];
        size_t n = sizeof whole - 1;
        memcpy(text, whole, n);
        for (int k = (int)rng_below(&r, 12); k >= 0; k--) {
            size_t at = rng_below(&r, (uint32_t)n), some = 1 + rng_below(&r, 40);
            switch (rng_below(&r, 4)) {
            case 0:
                text[at] = (char)rng_below(&r, 256);
                break;
            case 1:
                text[at] = "-`#{}|+>\n:*"[rng_below(&r, 11)];
                break;
            case 2:
                if (at + some < n) memmove(text + at, text + at + some, n - at - some), n -= some;
                break;
            default:
                if (at + some < n && n + some < sizeof text)
                    memmove(text + at + some, text + at, n - at), n += some;
            }
        }
        char *exact = malloc(n ? n : 1); /* so that a byte too far is found */
        memcpy(exact, text, n);
        struct lesson l;
        struct err e = {0};
        if (lesson_read(&l, "07-some.md", exact, n, &e)) {
            static struct snapshot s;
            static struct runner run;
            struct text out = {0};
            snapshot_clear(&s);
            sink += lesson_lint(&l, &e);
            runner_open(&run, &l, 0);
            do {
                char line[64];
                while (runner_says(&run, line, sizeof line)) sink += line[0];
                runner_feed(&run, &s);
                runner_answer(&run, "a", &s, &out, &e);
                runner_hint(&run, &out);
                runner_tell(&run, &s, &out);
            } while (runner_turn(&run, 1));
            text_free(&out);
        } else {
            ck_assert(*e.text);
        }
        lesson_close(&l);
        free(exact);
        ck_assert_int_ge(sink, INT_MIN); /* used, so that nothing is optimised away */
    }
}
END_TEST

/* ---- taking it ---- */

static struct snapshot now;
static struct runner run;

static void at_step(long step, double experts, double loss)
{
    now.step = step, now.experts_per_token = experts, now.loss = loss;
    runner_feed(&run, &now);
}

START_TEST(checks_tick_as_what_is_measured_comes_true)
{
    struct lesson l;
    char line[64];
    snapshot_clear(&now);
    ck_assert(reads(&l, whole, NULL));
    runner_open(&run, &l, 0);
    ck_assert_str_eq(run.watch, "vans");
    ck_assert_int_eq(run.checks, 2);
    ck_assert_str_eq(run.check[0].means, "two for each");
    ck_assert_str_eq(run.check[0].words, "experts_per_token = 2");
    at_step(1, 2, 1);
    ck_assert(!run.check[0].ticked); /* what the page begins with is not through */
    ck_assert(runner_says(&run, line, sizeof line));
    ck_assert_str_eq(line, "reset all"); /* what was turned and kept before is no part of it */
    ck_assert(runner_says(&run, line, sizeof line));
    ck_assert_str_eq(line, "router topk k=1");
    ck_assert(runner_says(&run, line, sizeof line));
    ck_assert(!runner_says(&run, line, sizeof line));
    at_step(10, 1, 4);
    ck_assert(!run.check[0].ticked && run.check[1].now && !run.check[1].ticked);
    at_step(20, 2, 6);
    ck_assert(run.check[0].ticked && !run.check[1].now);
    at_step(30, 1, 4);
    at_step(49, 1, 4);
    ck_assert(!runner_done(&run));
    run.playing = true;
    at_step(60, 1, 4);
    ck_assert(!runner_done(&run));
    run.playing = false;
    at_step(61, 1, 4);
    ck_assert(runner_done(&run)); /* and the first stays ticked */
    ck_assert(runner_turn(&run, 1) && runner_last(&run) && !runner_turn(&run, 1));
    ck_assert(runner_turn(&run, -1) && !runner_done(&run));
    lesson_close(&l);
}
END_TEST

START_TEST(who_comes_in_later_finds_what_the_pages_before_would_have_done)
{
    static const char three[] = FRONT "## One\n\n```start\nreset\n```\n```do\nkeep one\n```\n"
                                      "## Two\n\n```do\nkeep two\n```\n"
                                      "## Three\n\n```start\npause\n```\n```do\nkeep three\n```\n"
                                      "```watch\nvans\n```\n";
    static const char *const all[] = {"reset all", "reset", "keep one", "keep two", "pause"};
    struct lesson l;
    char line[64];
    ck_assert(reads(&l, three, NULL));
    for (int from = 0; from < 5; from += from ? 1 : 2) {
        runner_open(&run, &l, 2);
        if (from < 4) runner_catch_up(&run, from > 2, from > 1);
        for (int i = from; i < 5; i++) {
            ck_assert(runner_says(&run, line, sizeof line));
            ck_assert_str_eq(line, all[i]);
        }
        ck_assert(!runner_says(&run, line, sizeof line));
    }
    lesson_close(&l);
}
END_TEST

START_TEST(guesses_are_judged_by_what_was_measured)
{
    struct lesson l;
    struct text out = {0};
    struct err e = {0};
    snapshot_clear(&now);
    ck_assert(reads(&l, whole, NULL));
    runner_open(&run, &l, 0);
    ck_assert(!runner_answer(&run, "many", &now, &out, &e));
    ck_assert(runner_answer(&run, "70", &now, &out, &e));
    ck_assert(runner_answer(&run, "b", &now, &out, &e));
    ck_assert(!runner_answer(&run, "b", &now, &out, &e));
    runner_tell(&run, &now, &out); /* nothing is judged by what stands there before the run */
    ck_assert_ptr_nonnull(strstr(text_str(&out), "You said 70: do what the page asks"));
    char line[64];
    while (runner_says(&run, line, sizeof line)) {}
    now.val_accuracy = .574;
    at_step(10, 2, 2);
    ck_assert(isnan(run.ask[0].truth));
    at_step(30, 2, 2);
    now.val_accuracy = .1; /* what is played with later changes no verdict */
    at_step(40, 2, .5);
    text_clear(&out);
    runner_tell(&run, &now, &out);
    ck_assert_msg(strstr(text_str(&out), "You said 70, it is 57.4: off by 12.6") != NULL, "%s",
                  text_str(&out));
    ck_assert_ptr_nonnull(strstr(text_str(&out), "You said: fewer. It is: more."));
    runner_turn(&run, 1);
    text_clear(&out);
    ck_assert(runner_answer(&run, "a", &now, &out, &e));
    ck_assert_ptr_nonnull(strstr(text_str(&out), "try again"));
    text_clear(&out);
    ck_assert(runner_answer(&run, "right", &now, &out, &e));
    ck_assert_ptr_nonnull(strstr(text_str(&out), "Right: right. Because."));
    text_free(&out);
    lesson_close(&l);
}
END_TEST

START_TEST(words_carry_live_numbers_and_two_ways_to_speak)
{
    struct text out = {0};
    struct runner r = {0};
    snapshot_clear(&now);
    now.experts_per_token = 1.5;
    runner_words(&r, &now, "{vans|experts} {experts_per_token} {loss} {no_such} {} {a b} {", &out);
    ck_assert_str_eq(text_str(&out), "vans 1.50 – – {} {a b} {");
    text_clear(&out);
    r.plain_words = true;
    runner_words(&r, NULL, "{vans|experts} {experts_per_token}", &out);
    ck_assert_str_eq(text_str(&out), "experts –");
    text_free(&out);
}
END_TEST

START_TEST(hints_come_one_after_the_other)
{
    struct lesson l;
    struct text out = {0};
    ck_assert(reads(&l, whole, NULL));
    runner_open(&run, &l, 0);
    ck_assert(runner_hint(&run, &out) && strstr(text_str(&out), "First"));
    ck_assert(runner_hint(&run, &out) && strstr(text_str(&out), "Second"));
    ck_assert(runner_hint(&run, &out) && strstr(text_str(&out), "\n  router topk k=2"));
    runner_turn(&run, 1);
    ck_assert(!runner_hint(&run, &out));
    text_free(&out);
    lesson_close(&l);
}
END_TEST

/* ---- conditions on kept runs ---- */

static const struct kept_case {
    const char *words;
    bool readable, holds;
} kepts[] = {
    {"one.val_accuracy < two.val_accuracy", true, true},
    {"two.val_accuracy > one.val_accuracy + 0.05", true, true},
    {"two.val_accuracy > one.val_accuracy + 0.2", true, false},
    {"two.val_accuracy - 1 > one.val_accuracy", false, false},
    {"one.step = 40", true, true},
    {"loss < one.val_accuracy", true, false},
    {"three.val_accuracy < 1", true, false},
    {"one.val_accuracy < 1 for 3 steps", true, true},
    {"one.val_accuracy < 1 for 0 steps", false, false},
};

START_TEST(conditions_compare_kept_runs)
{
    const struct kept_case *c = &kepts[_i];
    struct expect x;
    snapshot_clear(&now);
    now.loss = 1;
    const struct field *f = field_find("val_accuracy", NULL);
    ck_assert_int_le(snapshot_field_count, SNAP_FIELDS); /* a kept run has room for all */
    strcpy(now.kept[0].name, "one"), strcpy(now.kept[1].name, "two");
    now.kept[0].field[f - snapshot_fields] = .6, now.kept[1].field[f - snapshot_fields] = .7;
    now.kept[0].step = 40;
    bool readable = expect_read(&x, c->words, NULL);
    ck_assert_msg(readable == c->readable, "'%s' readable: %d", c->words, readable);
    if (readable) ck_assert_msg(expect_holds(&x, &now) == c->holds, "'%s'", c->words);
}
END_TEST

SUITE(script_lesson)
{
    TCase *c = tcase_create("lesson");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_lesson_is_pages_of_parts);
    tcase_add_loop_test(c, a_broken_lesson_is_refused_with_file_line_and_reason, 0,
                        sizeof bads / sizeof *bads);
    tcase_add_test(c, zero_bytes_and_huge_files_are_refused);
    tcase_add_test(c, no_bytes_break_the_reader);
    tcase_add_test(c, checks_tick_as_what_is_measured_comes_true);
    tcase_add_test(c, who_comes_in_later_finds_what_the_pages_before_would_have_done);
    tcase_add_test(c, guesses_are_judged_by_what_was_measured);
    tcase_add_test(c, words_carry_live_numbers_and_two_ways_to_speak);
    tcase_add_test(c, hints_come_one_after_the_other);
    tcase_add_loop_test(c, conditions_compare_kept_runs, 0, sizeof kepts / sizeof *kepts);
    suite_add_tcase(suite, c);
}
