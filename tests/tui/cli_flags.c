/* tests/tui/cli_flags.c - Flags: read in any order, refused with a suggestion, turned into a run.
 */
#include "tests/check.h"
#include "tui/cli/cli.h"

enum { WORDS = 16 };
static const unsigned TRAIN = FLAGS_RUN | FLAGS_MACHINE | FLAGS_TRAIN | FLAGS_REPORT | FLAGS_JSON;

/* Splits at blanks; the memory stays for the test. */
static int split(const char *line, char **to)
{
    static char memory[512];
    int n = 0;
    snprintf(memory, sizeof memory, "%s", line);
    for (char *w = strtok(memory, " "); w && n < WORDS; w = strtok(NULL, " ")) to[n++] = w;
    to[n < WORDS ? n : WORDS - 1] = NULL;
    return n;
}

static bool read_line(struct flags *f, const char *line, struct err *e)
{
    char *word[WORDS + 1] = {0};
    int n = split(line, word);
    return flags_read(f, "train", TRAIN, 1, n, word, e);
}

static const struct bad_case {
    const char *line, *because;
} bad[] = {
    {"--stps 5", "did you mean --steps?"},
    {"--steps", "--steps needs a value: --steps N"},
    {"--every 0", "--every is a whole number from 1"},
    {"--every 1.5", "--every is a whole number"},
    {"--minutes soon", "--minutes is a number"},
    {"--minutes 0", "--minutes is a number"},
    {"--json=yes", "--json takes no value"},
    {"--budget steps:5", "train takes no --budget"},
    {"-x", "two dashes"},
    {"one two", "does not know what to do with 'two'"},
    {"--threads -1", "--threads is a whole number"},
};

START_TEST(what_is_no_flag_is_refused_with_advice)
{
    struct flags f;
    struct err e = {0};
    ck_assert_msg(!read_line(&f, bad[_i].line, &e), "%s", bad[_i].line);
    ck_assert_msg(strstr(e.text, bad[_i].because) != NULL, "'%s': '%s' does not say '%s'",
                  bad[_i].line, e.text, bad[_i].because);
    ck_assert_int_eq(e.code, ERR_USAGE);
}
END_TEST

START_TEST(order_and_form_do_not_matter)
{
    static const char *const lines[] = {
        "--data orders --strategy topp --knob p=0.5 --steps 7 --experts=4 --threads 2 "
        "--expert-width 8",
        "--expert-width=8 --knob=p=0.5 --steps=7 --experts 4 --threads=2 --strategy=topp "
        "--data=orders",
    };
    for (int i = 0; i < 2; i++) {
        struct flags f;
        struct config c;
        struct err e = {0};
        ck_assert_msg(read_line(&f, lines[i], &e) && flags_config(&f, &c, &e), "%s", e.text);
        ck_assert_str_eq(c.router->name, "topp");
        NEAR(c.knob[router_knob(c.router, "p")], 0.5, 0, 0, "p");
        NEAR(c.value[CONFIG_STEPS], 7, 0, 0, "steps");
        NEAR(c.value[CONFIG_EXPERTS], 4, 0, 0, "experts");
        NEAR(c.value[CONFIG_EXPERT_WIDTH], 8, 0, 0, "expert-width");
        ck_assert_int_eq(c.threads, 2);
    }
}
END_TEST

static const struct wrong_case {
    const char *line, *because;
    int code;
} wrong[] = {
    {"--strategy tokp", "did you mean topk", ERR_USAGE},
    {"--knob k=9", "from 1 to 8", ERR_USAGE},
    {"--knob k", "NAME=VALUE", ERR_USAGE},
    {"--strategy topp --knob p=1.5", "from 0 to 1", ERR_USAGE},
    {"--strategy topp --knob p=-0.1", "from 0 to 1", ERR_USAGE},
    {"--data orderz", "did you mean orders", ERR_USAGE},
    {"--data orders --data text:a", "do not go together", ERR_USAGE},
    {"--data text:a --width 66 --heads 4", "not divisible", ERR_USAGE},
    {"--preset tinny", "tiny", ERR_USAGE},
    {"--base papr", "paper", ERR_USAGE},
    {"--backend gpu", "cpu", ERR_USAGE},
    {"--simd avx", "avx2", ERR_USAGE},
    {"--lr x", "lr is a number", ERR_USAGE},
};

START_TEST(a_run_that_cannot_be_is_refused_before_it_begins)
{
    struct flags f;
    struct config c;
    struct err e = {0};
    ck_assert(read_line(&f, wrong[_i].line, &e));
    ck_assert_msg(!flags_config(&f, &c, &e), "%s", wrong[_i].line);
    ck_assert_msg(strstr(e.text, wrong[_i].because) != NULL, "'%s': '%s' does not say '%s'",
                  wrong[_i].line, e.text, wrong[_i].because);
    ck_assert_int_eq(e.code, wrong[_i].code);
}
END_TEST

START_TEST(the_paper_column_gives_way_to_named_knobs)
{
    struct flags f;
    struct config c;
    struct err e = {0};
    ck_assert(read_line(&f, "--strategy topp --base paper --knob aux=0.5", &e));
    ck_assert_msg(flags_config(&f, &c, &e), "%s", e.text);
    NEAR(c.knob[router_knob(c.router, "p")], 0.4, 1e-12, 0, "p");
    NEAR(c.knob[router_knob(c.router, "aux")], 0.5, 1e-12, 0, "aux");
}
END_TEST

START_TEST(files_of_text_are_joined)
{
    struct flags f;
    struct config c;
    struct err e = {0};
    ck_assert(read_line(&f, "--data text:a.txt --data text:b.txt", &e));
    ck_assert_msg(flags_config(&f, &c, &e), "%s", e.text);
    ck_assert_str_eq(c.data, "text:a.txt\nb.txt");
}
END_TEST

START_TEST(seeds_are_numbers_with_commas)
{
    uint64_t seed[4];
    struct err e = {0};
    ck_assert_int_eq(flags_seeds("1,2,30", seed, 4, &e), 3);
    ck_assert_uint_eq(seed[2], 30);
    static const char *const no[] = {"", ",", "1,", "1,,2", "x", "1 2", "1,2,3,4,5", "-1"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(flags_seeds(no[i], seed, 4, &e) == 0, "'%s'", no[i]);
}
END_TEST

START_TEST(help_of_a_subcommand_names_each_of_its_flags)
{
    for (int i = 0; subcommand_at(i); i++) {
        struct text out = {0};
        subcommand_help(subcommand_at(i), &out);
        ck_assert_ptr_nonnull(strstr(text_str(&out), "--help"));
        for (int k = 0; flag_at(k); k++) {
            char name[64];
            snprintf(name, sizeof name, "  --%s ", flag_at(k)->name);
            bool takes = strcmp(flag_at(k)->name, "help") == 0;
            for (int j = 0; flag_at(j); j++)
                takes |= strcmp(flag_at(j)->name, flag_at(k)->name) == 0 &&
                         (flag_at(j)->sets & subcommand_at(i)->sets) != 0;
            bool shown = strstr(text_str(&out), name) != NULL;
            ck_assert_msg(takes == shown, "%s:%s", subcommand_at(i)->name, name);
        }
        text_free(&out);
    }
}
END_TEST

START_TEST(no_subcommand_has_two_flags_of_one_name)
{
    for (int s = 0; subcommand_at(s); s++)
        for (int i = 0; flag_at(i); i++)
            for (int k = 0; k < i; k++)
                if (flag_at(i)->sets & subcommand_at(s)->sets &&
                    flag_at(k)->sets & subcommand_at(s)->sets)
                    ck_assert_msg(strcmp(flag_at(i)->name, flag_at(k)->name) != 0, "%s --%s",
                                  subcommand_at(s)->name, flag_at(i)->name);
}
END_TEST

SUITE(cli_flags)
{
    TCase *t = tcase_create("flags");
    tcase_add_loop_test(t, what_is_no_flag_is_refused_with_advice, 0,
                        (int)(sizeof bad / sizeof *bad));
    tcase_add_test(t, order_and_form_do_not_matter);
    tcase_add_loop_test(t, a_run_that_cannot_be_is_refused_before_it_begins, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(t, the_paper_column_gives_way_to_named_knobs);
    tcase_add_test(t, files_of_text_are_joined);
    tcase_add_test(t, seeds_are_numbers_with_commas);
    tcase_add_test(t, help_of_a_subcommand_names_each_of_its_flags);
    tcase_add_test(t, no_subcommand_has_two_flags_of_one_name);
    suite_add_tcase(suite, t);
}
