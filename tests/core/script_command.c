/* tests/core/script_command.c - The command language: splitting, finding, completing, explaining,
 * and whatever may be typed. */
#include "core/console/console.h"
#include "core/script/command.h"
#include "core/script/expect.h"
#include "core/base/rng.h"
#include "tests/check.h"

static const struct split_case {
    const char *line;
    int argc;
    const char *word[4];
    bool open_quote;
} splits[] = {
    {"", 0, {0}, false},
    {"   \t ", 0, {0}, false},
    {"# all of it", 0, {0}, false},
    {"train 200", 2, {"train", "200"}, false},
    {"  train\t200  # two hundred", 2, {"train", "200"}, false},
    {"data text:a#b", 2, {"data", "text:a#b"}, false},
    {"save \"my file.st\"", 2, {"save", "my file.st"}, false},
    {"save \"a \\\"b\\\" \\\\\"", 2, {"save", "a \"b\" \\"}, false},
    {"save my\" \"file", 2, {"save", "my file"}, false},
    {"show \"\"", 2, {"show", ""}, false},
    {"save \"open # end", 2, {"save", "open # end"}, true},
    {"router topp p=0.4\r\n", 3, {"router", "topp", "p=0.4"}, false},
};

START_TEST(a_line_splits_into_words)
{
    const struct split_case *c = &splits[_i];
    struct command_line got;
    ck_assert(command_parse(&got, c->line, NULL));
    ck_assert_msg(got.argc == c->argc, "'%s': %d words, want %d", c->line, got.argc, c->argc);
    ck_assert_msg(got.open_quote == c->open_quote, "'%s': open quote", c->line);
    for (int i = 0; i < c->argc; i++) ck_assert_str_eq(got.argv[i], c->word[i]);
    ck_assert_ptr_null(got.argv[got.argc]);
}
END_TEST

START_TEST(too_long_or_too_many_words_is_refused)
{
    struct command_line got;
    struct err e = {0};
    char line[3000];
    memset(line, 'a', 1024), line[1024] = 0;
    ck_assert(!command_parse(&got, line, &e));
    ck_assert_int_eq(e.code, ERR_USAGE);
    line[1023] = 0;
    ck_assert(command_parse(&got, line, &e));
    ck_assert_uint_eq(strlen(got.argv[0]), 1023);
    line[0] = 0;
    for (int i = 0; i < 31; i++) strcat(line, "w ");
    ck_assert(command_parse(&got, line, &e));
    ck_assert_int_eq(got.argc, 31);
    strcat(line, "w");
    ck_assert(!command_parse(&got, line, &e));
}
END_TEST

START_TEST(a_command_is_found_by_name_or_unambiguous_beginning)
{
    struct err e = {0};
    ck_assert_str_eq(command_find("train", &e)->name, "train");
    ck_assert_str_eq(command_find("rout", &e)->name, "router");
    ck_assert_str_eq(command_find("set", &e)->name, "set");
    ck_assert_ptr_null(command_find("s", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "step"));
    ck_assert_ptr_nonnull(strstr(e.text, "show"));
    ck_assert_ptr_null(command_find("tarin", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "did you mean train?"));
    ck_assert_ptr_null(command_find("", &e));
    ck_assert_ptr_null(command_find("xyzzyxyzzy", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "help"));
}
END_TEST

START_TEST(every_command_of_the_table_is_whole)
{
    for (int i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        ck_assert_msg(c->help && *c->help, "%s has no help", c->name);
        ck_assert_msg(strncmp(c->usage, c->name, strlen(c->name)) == 0,
                      "usage of %s begins otherwise", c->name);
        ck_assert_msg((c->kind == COMMAND_FACE) == (c->run == NULL), "%s: run", c->name);
        for (int j = 0; j < i; j++) ck_assert_str_ne(c->name, command_at(j)->name);
        struct text out = {0};
        ck_assert(command_help(c->name, &out, NULL));
        text_free(&out);
    }
}
END_TEST

static void join(void *to, const char *word)
{
    text_add(to, "%s|", word);
}

static const struct completion_case {
    const char *line;
    int cursor;
    const char *has, *lacks;
} completions[] = {
    {"", 0, "train|", NULL},
    {"rou", 3, "router|", "train|"},
    {"rou", 1, "reset|", "train|"},
    {"router to", 9, "topk|topp|", "router|"},
    {"router topp p", 13, "p=|", "renormalise="},
    {"router topp ", 12, "temperature=|", "topk|"},
    {"knob ", 5, "k|", "train|"},
    {"set exp", 7, "experts|expert-width|", "layers|"},
    {"show experts", 12, "experts_per_token|", "loss|"},
    {"list s", 6, "strategies|", "knobs|"},
    {"nonsense ", 9, "", "train|"},
    {"# rou", 5, "", "router|"},
    {"data ", 5, "orders|", NULL},
};

START_TEST(completions_fit_the_word_at_the_cursor)
{
    const struct completion_case *c = &completions[_i];
    struct text got = {0};
    command_complete(c->line, c->cursor, join, &got);
    ck_assert_msg(strstr(text_str(&got), c->has) != NULL, "'%s': got %s, want %s", c->line,
                  text_str(&got), c->has);
    ck_assert_msg(!c->lacks || !strstr(text_str(&got), c->lacks), "'%s': got %s, not %s", c->line,
                  text_str(&got), c->lacks);
    text_free(&got);
}
END_TEST

START_TEST(help_knows_commands_strategies_knobs_settings_and_fields)
{
    static const char *const topics[] = {"train", "topp", "k", "lr", "experts_per_token", "orders"};
    struct err e = {0};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        struct text out = {0};
        ck_assert_msg(command_help(topics[i], &out, &e), "%s: %s", topics[i], e.text);
        ck_assert_ptr_nonnull(strstr(text_str(&out), topics[i]));
        text_free(&out);
    }
    struct text out = {0};
    ck_assert(!command_help("experts_per_tokne", &out, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "experts_per_token"));
    ck_assert(command_help(NULL, &out, &e));
    for (int i = 0; command_at(i); i++)
        ck_assert_ptr_nonnull(strstr(text_str(&out), command_at(i)->usage));
    text_free(&out);
}
END_TEST

static const struct expect_case {
    const char *words;
    double value;
    bool readable, holds;
} expects[] = {
    {"loss<0.5", 0.4, true, true},   {"loss < 0.5", 0.5, true, false},
    {"loss<=0.5", 0.5, true, true},  {"loss >= 2", 1.5, true, false},
    {"loss=2", 2, true, true},       {"loss!=2", 2, true, false},
    {"loss>1e-3", 0.01, true, true}, {"loss>1", NAN, true, false},
    {"loss<1", NAN, true, false},    {"loss!=1", NAN, true, false},
    {"loss", 0, false, false},       {"<3", 0, false, false},
    {"loss<", 0, false, false},      {"loss<0.1x", 0, false, false},
    {"loss<nan", 0, false, false},   {"loss<1 2", 0, false, false},
};

START_TEST(a_condition_is_read_and_asked)
{
    const struct expect_case *c = &expects[_i];
    struct expect got;
    bool ok = expect_read(&got, c->words, NULL);
    ck_assert_msg(ok == c->readable, "'%s' readable", c->words);
    if (!ok) return;
    ck_assert_str_eq(got.name, "loss");
    ck_assert_msg(expect_compare(got.op, c->value, got.value) == c->holds, "'%s' of %g", c->words,
                  c->value);
}
END_TEST

static const struct {
    const char *words;
    double left, right;
    bool readable, holds;
} between[] = {
    {"a.loss < b.loss", 1, 2, true, true},
    {"a.loss<b.loss", 2, 1, true, false},
    {"a.loss < b.loss - 0.5", 1.6, 2, true, false},
    {"a.loss < b.loss - 0.5", 1.4, 2, true, true},
    {"a.loss<b.loss+1", 2.9, 2, true, true},
    {"a.loss <= 0.9 * b.loss", 1.9, 2, true, false},
    {"a.loss <= 0.9*b.loss", 1.8, 2, true, true},
    {"a.loss > 0.5 * b.loss + 1", 2.5, 2, true, true},
    {"a.loss > -1", 0, NAN, true, true},
    {"a.loss > 1", 0, NAN, true, false},
    {"a.loss < b.loss", NAN, 2, true, false},
    {"a.loss < b.loss", 1, NAN, true, false},
    {"a.loss b.loss", 0, 0, false, false},
    {"a.loss <", 0, 0, false, false},
    {"a.loss < 2 *", 0, 0, false, false},
    {"a.loss < b.loss * 2", 0, 0, false, false},
    {"a.loss < 2 b.loss", 0, 0, false, false},
    {"a.loss < nan * b.loss", 0, 0, false, false},
    {"a.loss < b.loss - x", 0, 0, false, false},
    {"a.loss < b.loss - 1 2", 0, 0, false, false},
};

START_TEST(a_condition_between_runs_is_read_and_asked)
{
    struct expect got;
    const char *words = between[_i].words;
    bool ok = expect_read(&got, words, NULL);
    ck_assert_msg(ok == between[_i].readable, "'%s' readable", words);
    if (!ok) return;
    ck_assert_str_eq(got.name, "a.loss");
    ck_assert_str_eq(got.than, isnan(between[_i].right) && !strstr(words, "b.") ? "" : "b.loss");
    ck_assert_msg(expect_of(&got, between[_i].left, between[_i].right) == between[_i].holds,
                  "'%s' of %g and %g", words, between[_i].left, between[_i].right);
}
END_TEST

/* Words of the language and letters that belong to none, in any order. `save` alone is left out: it
 * would write files. */
static void any_line(struct rng *r, char *to, int size)
{
    static const char *const words[] = {"train",
                                        "go",
                                        "pause",
                                        "step",
                                        "reset",
                                        "seed",
                                        "set",
                                        "lr",
                                        "eval",
                                        "router",
                                        "knob",
                                        "data",
                                        "preset",
                                        "load",
                                        "source",
                                        "sample",
                                        "show",
                                        "list",
                                        "help",
                                        "view",
                                        "hint",
                                        "quit",
                                        "topk",
                                        "topp",
                                        "paper",
                                        "k=2",
                                        "p=0.5",
                                        "p=",
                                        "=",
                                        "k",
                                        "p",
                                        "aux",
                                        "experts",
                                        "experts=4",
                                        "heads=7",
                                        "loss",
                                        "all",
                                        "knobs",
                                        "orders",
                                        "text:",
                                        "text:/none",
                                        "1",
                                        "0",
                                        "-1",
                                        "7",
                                        "1e9",
                                        "nan",
                                        "99999999999999999999",
                                        "\"",
                                        "\"two words\"",
                                        "#",
                                        "\\",
                                        "strategies",
                                        "rou",
                                        "s",
                                        "\xff\xfe",
                                        "–",
                                        "%s%n",
                                        ""};
    int n = (int)rng_below(r, 7), at = 0;
    to[0] = 0;
    for (int i = 0; i < n; i++) {
        const char *word = words[rng_below(r, sizeof words / sizeof *words)];
        at += snprintf(to + at, (size_t)(size - at), "%s%s", word, rng_below(r, 8) ? " " : "");
    }
    for (uint32_t i = rng_below(r, 8) ? 0 : 1 + rng_below(r, 5); i > 0 && at > 0; i--)
        to[rng_below(r, (uint32_t)at)] = (char)(1 + rng_below(r, 255));
}

START_TEST(ten_thousand_random_lines_are_answered)
{
    struct config config;
    struct err e = {0};
    struct text out = {0};
    struct rng r = rng_at(11, RNG_SAMPLE, 0);
    int done = 0, refused = 0;
    ck_assert(config_start(&config, "orders", "topk", &e));
    config.threads = 1;
    ck_assert(config_set(&config, "batch", "4", &e));
    struct console *c = console_open(&config, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    for (int i = 0; i < 10000; i++) {
        char line[512];
        any_line(&r, line, sizeof line);
        text_clear(&out);
        e = (struct err){0};
        if (console_do(c, line, &out, &e)) {
            done++;
        } else {
            refused++;
            ck_assert_msg(e.code != ERR_NONE && *e.text, "'%s' is refused without a sentence",
                          line);
        }
        if (i % 100 == 0) ck_assert(console_step(c, true, true, &e));
        command_complete(line, (int)rng_below(&r, 64), join, &out);
    }
    ck_assert_msg(done > 1000 && refused > 1000, "%d done, %d refused", done, refused);
    console_close(c);
    text_free(&out);
}
END_TEST

SUITE(script_command)
{
    TCase *t = tcase_create("language");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_line_splits_into_words, 0, (int)(sizeof splits / sizeof *splits));
    tcase_add_test(t, too_long_or_too_many_words_is_refused);
    tcase_add_test(t, a_command_is_found_by_name_or_unambiguous_beginning);
    tcase_add_test(t, every_command_of_the_table_is_whole);
    tcase_add_loop_test(t, completions_fit_the_word_at_the_cursor, 0,
                        (int)(sizeof completions / sizeof *completions));
    tcase_add_test(t, help_knows_commands_strategies_knobs_settings_and_fields);
    tcase_add_loop_test(t, a_condition_is_read_and_asked, 0,
                        (int)(sizeof expects / sizeof *expects));
    tcase_add_loop_test(t, a_condition_between_runs_is_read_and_asked, 0,
                        (int)(sizeof between / sizeof *between));
    tcase_add_test(t, ten_thousand_random_lines_are_answered);
    suite_add_tcase(suite, t);
}
