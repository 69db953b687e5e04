/* tests/core/data_ledger.c - The ledger read back: its grammar parsed, and every byte's class found
 * again by asking which lines could have gone on otherwise. */
#include "core/data/dataset.h"
#include "tests/check.h"

enum { FORM, SPELL, COPY, SUM, CARRY, FREE, CLASSES, VAL = 65536 };

static struct dataset *d;
static struct batch b;
static char text[VAL + 1];
static int8_t class[VAL + 1]; /* of the byte itself */

static void set_up(void)
{
    struct err e = {0};
    d = dataset_open("ledger", 8, &e);
    ck_assert_msg(d != NULL, "%s", e.text);
    ck_assert(batch_open(&b, &d->shape, 16, 64, &e));
}

static void tear_down(void)
{
    batch_close(&b);
    dataset_close(d);
}

/* The validation text and its classes, put together from its batches. */
static void read_val(void)
{
    memset(text, 0, sizeof text), memset(class, -1, sizeof class);
    for (int i = 0; i < VAL / b.T; i++) {
        d->fill(d, 1, DATA_VAL, i, &b);
        for (int t = 0; t < b.T; t++) {
            int at = i * b.T + t;
            ck_assert_int_eq(b.id[t], at);
            ck_assert_int_eq(b.need[t], -1);
            if (at > 0) ck_assert_int_eq(text[at], b.ids[t]); /* the label of the one before */
            text[at] = (char)b.ids[t];
            if (b.label[t] < 0) continue;
            text[at + 1] = (char)b.label[t], class[at + 1] = (int8_t)b.kind[t];
        }
    }
}

/* ---- a second reading of the grammar ---- */
static const char *const things =
    " box sofa lamp crate piano chair table mirror fridge dresser wardrobe bookcase suitcase "
    "mattress ";
static const char *const towns =
    " Elm Oak Ash Bay Hill Lake Mill Park Rose York Cedar Dover Essex Grove Maple North Quay "
    "Upton Vale Wells ";

/* Which bytes follow the first n letters of `word` in a list: how many different ones. */
static int branches(const char *list, const char *word, int n)
{
    bool seen[128] = {false};
    int count = 0;
    for (const char *at = list; (at = strchr(at, ' ')) && at[1]; at++)
        if (strncmp(at + 1, word, (size_t)n) == 0 && !seen[(int)at[1 + n]])
            seen[(int)at[1 + n]] = true, count++;
    return count;
}

static bool listed(const char *list, const char *word)
{
    char padded[32];
    snprintf(padded, sizeof padded, " %s ", word);
    return strstr(list, padded) != NULL;
}

static char *say(char *to, const char *what, int class_of)
{
    while (*what) *to++ = (char)('0' + class_of), what++;
    return to;
}

static char *say_word(char *to, const char *list, const char *word)
{
    for (int i = 0; word[i]; i++) *to++ = branches(list, word, i) > 1 ? '0' + FREE : '0' + SPELL;
    return to;
}

/* The classes of one line as digits; aborts where it is no line. */
static void read_line(const char *line, char *to)
{
    char code[8], thing[16], from[16], goal[16], again[8], last[16], z[8], x[8];
    int y, sum, used = 0;
    int fields = sscanf(line,
                        "#%3[A-Z0-9] %15[a-z] %15[A-Za-z]>%15[A-Za-z] %7[0-9]+%d=%dkg "
                        "%3[A-Z0-9] %15[A-Za-z] ok\n%n",
                        code, thing, from, goal, x, &y, &sum, again, last, &used);
    ck_assert_msg(fields == 9 && line[used] == 0, "no line of the ledger: '%s'", line);
    ck_assert(strlen(code) == 3 && strchr("BCDFGHJKLMNPRSTVWXZ", code[0]) &&
              strchr("BCDFGHJKLMNPRSTVWXZ", code[1]) && code[2] >= '0' && code[2] <= '9');
    ck_assert(listed(things, thing) && listed(towns, from) && listed(towns, goal));
    ck_assert_str_eq(code, again);
    ck_assert_str_eq(goal, last);
    int a = atoi(x);
    ck_assert(a >= 1 && a <= 89 && a % 10 != 0 && x[0] != '0' && y >= 1 && y <= 9);
    ck_assert_int_eq(a + y, sum);
    snprintf(z, sizeof z, "%d", sum);
    to = say(to, "#", FORM), to = say(to, code, FREE), to = say(to, " ", FORM);
    to = say_word(to, things, thing), to = say(to, " ", FORM);
    to = say_word(to, towns, from), to = say(to, ">", FORM);
    to = say_word(to, towns, goal), to = say(to, " ", FORM);
    to = say(to, x, FREE), to = say(to, "+", a < 9 ? FREE : FORM);
    to = say(to, "y", FREE), to = say(to, "=", FORM);
    to = say(to, z, sum / 10 > a / 10 ? CARRY : SUM), to = say(to, "kg ", FORM);
    to = say(to, code, COPY), to = say(to, " ", FORM), to = say(to, goal, COPY);
    *say(to, " ok\n", FORM) = 0;
}

START_TEST(every_line_is_of_the_grammar_and_every_class_is_found_again)
{
    read_val();
    int lines = 0;
    for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
        char line[96], want[96], got[96];
        int n = (int)(end + 1 - at);
        ck_assert_int_lt(n, 80);
        snprintf(line, sizeof line, "%.*s", n, at);
        read_line(line, want);
        for (int i = 0; i < n; i++) got[i] = (char)('0' + class[at - text + i]);
        got[n] = 0;
        if (at == text) got[0] = '0' + FORM; /* nothing predicts the first byte */
        ck_assert_msg(strcmp(got, want) == 0, "%s%s are its classes, not\n%s", line, want, got);
    }
    ck_assert_int_gt(lines, 1400);
}
END_TEST

/* Four standard errors at some 1500 lines. */
START_TEST(numbers_and_words_come_as_often_as_they_should)
{
    double lines = 0, tens = 0, carry = 0, box = 0, north = 0, same = 0;
    read_val();
    for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
        char thing[16], from[16], goal[16];
        int x, y;
        ck_assert_int_eq(sscanf(at, "#%*3s %15s %15[A-Za-z]>%15s %d+%d", thing, from, goal, &x, &y),
                         5);
        lines++, tens += x > 9, carry += x % 10 + y >= 10;
        box += strcmp(thing, "box") == 0, north += strcmp(from, "North") == 0;
        same += strcmp(from, goal) == 0;
    }
    NEAR(tens / lines, .5, .053, 0, "two digits");
    NEAR(carry / lines, 45 / 81.0, .053, 0, "carries");
    NEAR(box / lines, 1 / 14.0, .027, 0, "box");
    NEAR(north / lines, 1 / 20.0, .023, 0, "North");
    NEAR(same / lines, 1 / 20.0, .023, 0, "both places equal");
}
END_TEST

/* Made by a second program (Python, from the definition alone). */
START_TEST(bytes_are_those_of_an_independent_program)
{
    static const char val[] = "#HH1 crate Oak>Ash 2+5=7kg HH1 Ash ok\n"
                              "#FK9 chair Vale>Elm 1+3=4kg FK9 Elm ok\n"
                              "#SR2 piano Bay>Oak 4+3=7kg SR2 Oak ok\n";
    static const struct {
        int64_t number;
        const char *bytes;
    } train[] = {
        {0, "+3=8kg RF8 Cedar ok\n#MR6 lamp Elm>Rose 88+1=89kg MR6 Rose ok\n#LF9"},
        {5, " box Wells>Mill 37+7=44kg VG4 Mill ok\n#KV8 fridge Vale>Vale 5+5=1"},
        {4294967301, "PZ8 Ash ok\n#ZV2 fridge Elm>Quay 33+5=38kg ZV2 Quay ok\n#GH2 fridge"}};
    read_val();
    ck_assert_mem_eq(text, val, sizeof val - 1);
    for (size_t i = 0; i < sizeof train / sizeof *train; i++) {
        int first = (int)(train[i].number % b.sequences) * b.context;
        d->fill(d, 1, DATA_TRAIN, train[i].number / b.sequences, &b);
        for (int t = 0; t < b.context; t++) {
            ck_assert_int_eq(b.ids[first + t], train[i].bytes[t]);
            ck_assert_int_eq(b.label[first + t], train[i].bytes[t + 1]);
            if (t > 0) ck_assert_int_eq(b.id[first + t], b.id[first + t - 1] + 1);
        }
    }
}
END_TEST

/* A training sequence begins in mid-line; its whole lines are read like all others. */
START_TEST(training_lines_have_their_classes_too)
{
    int lines = 0;
    for (int index = 0; index < 40; index++) {
        d->fill(d, 3, DATA_TRAIN, index, &b);
        for (int s = 0; s < b.sequences; s++) {
            char bytes[66] = {0}, want[96];
            for (int t = 0; t < b.context; t++) bytes[t + 1] = (char)b.label[s * b.context + t];
            char *from = strchr(bytes + 1, '#'), *end = from ? strchr(from, '\n') : NULL;
            if (!end) continue;
            end[1] = 0;
            read_line(from, want);
            for (int i = 0; want[i]; i++)
                ck_assert_int_eq(b.kind[s * b.context + (int)(from - bytes) - 1 + i],
                                 want[i] - '0');
            lines++;
        }
    }
    ck_assert_int_gt(lines, 200);
}
END_TEST

START_TEST(batches_can_be_made_again_and_the_end_has_no_label)
{
    struct batch again;
    struct err e = {0};
    char to[16];
    size_t bytes = (size_t)b.T * sizeof *b.ids;
    ck_assert(batch_open(&again, &d->shape, 16, 64, &e));
    d->fill(d, 1, DATA_TRAIN, 7, &b);
    d->fill(d, 1, DATA_TRAIN, 8, &again);
    ck_assert_mem_ne(b.ids, again.ids, bytes);
    d->fill(d, 1, DATA_TRAIN, 7, &again);
    ck_assert_mem_eq(b.ids, again.ids, bytes);
    ck_assert_mem_eq(b.kind, again.kind, bytes);
    d->fill(d, 2, DATA_TRAIN, 7, &again);
    ck_assert_mem_ne(b.ids, again.ids, bytes);
    d->fill(d, 1, DATA_VAL, VAL / b.T - 1, &b);
    ck_assert_int_eq(b.label[b.T - 1], -1);
    ck_assert_int_eq(b.kind[b.T - 1], -1);
    d->fill(d, 1, DATA_VAL, VAL / b.T, &b);
    for (int t = 0; t < b.T; t++)
        ck_assert(b.label[t] == -1 && b.kind[t] == -1 && b.id[t] == -1 && b.need[t] == -1);
    NEAR(d->val_tokens, VAL - 1, 0, 0, "tokens to validate on");
    d->fill(d, 1, DATA_VAL, 0, &b);
    d->show(d, &b, 0, to, sizeof to);
    ck_assert_str_eq(to, "#");
    ck_assert_str_eq(d->type->kinds[CARRY], "carry");
    ck_assert_ptr_null(d->type->kinds[CLASSES]);
    ck_assert_ptr_null(dataset_open("ledger:x", 8, &e));
    batch_close(&again);
}
END_TEST

SUITE(data_ledger)
{
    TCase *c = tcase_create("ledger");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, every_line_is_of_the_grammar_and_every_class_is_found_again);
    tcase_add_test(c, numbers_and_words_come_as_often_as_they_should);
    tcase_add_test(c, bytes_are_those_of_an_independent_program);
    tcase_add_test(c, training_lines_have_their_classes_too);
    tcase_add_test(c, batches_can_be_made_again_and_the_end_has_no_label);
    suite_add_tcase(suite, c);
}
