/* tests/core/data_ledger.c - The ledger read back: its grammar parsed, and every byte's class found
 * again by asking which lines could have gone on otherwise. */
#include "core/data/dataset.h"
#include "tests/check.h"

enum { FORM, SPELL, COPY, SUM, CARRY, FREE, CLASSES, TOKENS = 65536, CONTEXT = 256 };

static struct dataset *d;
static struct batch b;

static void set_up(void)
{
    struct err e = {0};
    d = dataset_open("ledger", 8, &e);
    ck_assert_msg(d != NULL, "%s", e.text);
    ck_assert(batch_open(&b, &d->shape, 16, CONTEXT, &e));
}

static void tear_down(void)
{
    batch_close(&b);
    dataset_close(d);
}

/* Sequence s of the batch as text, its first byte included; where a label and the byte behind it
 * differ, no text. */
static void read_sequence(int s, char to[CONTEXT + 2])
{
    for (int i = 0; i < CONTEXT; i++) {
        int t = s * CONTEXT + i;
        ck_assert_int_eq(b.need[t], -1);
        if (i > 0) ck_assert_int_eq(b.ids[t], b.label[t - 1]);
        if (i > 0) ck_assert_int_eq(b.id[t], b.id[t - 1] + 1);
        to[i] = (char)b.ids[t], to[i + 1] = (char)b.label[t];
    }
    to[CONTEXT + 1] = 0;
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

/* Both splits; a sequence begins with a line, the last of its lines may be cut. */
START_TEST(every_line_is_of_the_grammar_and_every_class_is_found_again)
{
    char text[CONTEXT + 2], line[96], want[96];
    int lines = 0;
    for (int index = 0; index < 16; index++) {
        d->fill(d, 3, _i, index, &b);
        for (int s = 0; s < b.sequences; s++) {
            read_sequence(s, text);
            for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
                int n = (int)(end + 1 - at), first = s * CONTEXT + (int)(at - text) - 1;
                ck_assert_int_lt(n, 80);
                snprintf(line, sizeof line, "%.*s", n, at);
                read_line(line, want);
                for (int i = at == text; i < n; i++) /* nothing predicts a sequence's first byte */
                    ck_assert_msg(b.kind[first + i] == want[i] - '0',
                                  "%s%s are its classes, byte %d is of %d", line, want, i,
                                  b.kind[first + i]);
            }
        }
    }
    ck_assert_int_gt(lines, 1200);
}
END_TEST

/* Four standard errors at some 1300 lines. */
START_TEST(numbers_and_words_come_as_often_as_they_should)
{
    double lines = 0, tens = 0, carry = 0, box = 0, north = 0, same = 0;
    char text[CONTEXT + 2], thing[16], from[16], goal[16];
    int x, y;
    for (int index = 0; index < 16; index++) {
        d->fill(d, 1, DATA_VAL, index, &b);
        for (int s = 0; s < b.sequences; s++) {
            read_sequence(s, text);
            for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
                ck_assert_int_eq(
                    sscanf(at, "#%*3s %15s %15[A-Za-z]>%15s %d+%d", thing, from, goal, &x, &y), 5);
                lines++, tens += x > 9, carry += x % 10 + y >= 10;
                box += strcmp(thing, "box") == 0, north += strcmp(from, "North") == 0;
                same += strcmp(from, goal) == 0;
            }
        }
    }
    NEAR(tens / lines, .5, .056, 0, "two digits");
    NEAR(carry / lines, 45 / 81.0, .056, 0, "carries");
    NEAR(box / lines, 1 / 14.0, .029, 0, "box");
    NEAR(north / lines, 1 / 20.0, .025, 0, "North");
    NEAR(same / lines, 1 / 20.0, .025, 0, "both places equal");
}
END_TEST

/* Made by a second program (Python, from the definition alone). */
START_TEST(bytes_are_those_of_an_independent_program)
{
    static const struct {
        enum data_split split;
        int64_t number;
        const char *bytes;
    } known[] = {
        {DATA_VAL, 0,
         "#HH1 crate Oak>Ash 2+5=7kg HH1 Ash ok\n#FK9 chair Vale>Elm 1+3=4kg FK9 Elm ok\n"},
        {DATA_VAL, 255,
         "#HF0 box Hill>Lake 71+8=79kg HF0 Lake ok\n#HW6 mirror Park>Mill 23+8=31kg HW6 Mill ok\n"},
        {DATA_TRAIN, 0,
         "#RF8 box Vale>Cedar 5+3=8kg RF8 Cedar ok\n#MM6 dresser Bay>Elm 84+9=93kg MM6 Elm ok\n"},
        {DATA_TRAIN, 5,
         "#VG4 box Wells>Mill 37+7=44kg VG4 Mill ok\n#DK8 suitcase Essex>Vale 9+1=10kg DK8 Vale "
         "ok\n"},
        {DATA_TRAIN, 4294967301,
         "#PZ8 chair Grove>Ash 79+4=83kg PZ8 Ash ok\n#TZ8 lamp Dover>Elm 8+5=13kg TZ8 Elm ok\n"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[CONTEXT + 2];
        d->fill(d, 1, known[i].split, known[i].number / b.sequences, &b);
        read_sequence((int)(known[i].number % b.sequences), text);
        ck_assert_mem_eq(text, known[i].bytes, strlen(known[i].bytes));
    }
}
END_TEST

START_TEST(batches_can_be_made_again_and_end_where_the_text_does)
{
    struct batch again;
    struct err e = {0};
    char to[16];
    size_t bytes = (size_t)b.T * sizeof *b.ids;
    ck_assert(batch_open(&again, &d->shape, 16, CONTEXT, &e));
    d->fill(d, 1, DATA_TRAIN, 7, &b);
    d->fill(d, 1, DATA_TRAIN, 8, &again);
    ck_assert_mem_ne(b.ids, again.ids, bytes);
    d->fill(d, 1, DATA_TRAIN, 7, &again);
    ck_assert_mem_eq(b.ids, again.ids, bytes);
    ck_assert_mem_eq(b.kind, again.kind, bytes);
    d->fill(d, 2, DATA_TRAIN, 7, &again);
    ck_assert_mem_ne(b.ids, again.ids, bytes);
    d->fill(d, 1, DATA_VAL, 3, &b), d->fill(d, 2, DATA_VAL, 3, &again);
    ck_assert_mem_eq(b.ids, again.ids, bytes); /* the validation text is fixed */
    d->fill(d, 1, DATA_VAL, TOKENS / b.T - 1, &b);
    ck_assert_int_ge(b.label[b.T - 1], 0);
    d->fill(d, 1, DATA_VAL, TOKENS / b.T, &b);
    for (int t = 0; t < b.T; t++)
        ck_assert(b.label[t] == -1 && b.kind[t] == -1 && b.id[t] == -1 && b.need[t] == -1);
    NEAR(d->val_tokens, TOKENS, 0, 0, "tokens to validate on");
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
    tcase_add_loop_test(c, every_line_is_of_the_grammar_and_every_class_is_found_again, 0, 2);
    tcase_add_test(c, numbers_and_words_come_as_often_as_they_should);
    tcase_add_test(c, bytes_are_those_of_an_independent_program);
    tcase_add_test(c, batches_can_be_made_again_and_end_where_the_text_does);
    suite_add_tcase(suite, c);
}
