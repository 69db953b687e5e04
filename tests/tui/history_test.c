/* tests/tui/history_test.c - Curves follow a run back in time, and begin anew with another model. */
#include "tests/check.h"
#include "tui/views/history.h"

static struct history h;
static struct snapshot s;

static void add(long step, const char *mark)
{
    s.step = step;
    s.marks = 0;
    if (mark) {
        s.mark[0].step = step;
        snprintf(s.mark[0].text, sizeof s.mark[0].text, "%s", mark);
        s.marks = 1;
    }
    history_add(&h, &s);
}

START_TEST(a_rewind_takes_what_came_later_and_leaves_its_mark)
{
    memset(&h, 0, sizeof h), snapshot_clear(&s);
    for (int i = 1; i <= 10; i++) add(10 * i, i == 8 ? "k=3" : NULL);
    add(50, "rewind 50");
    ck_assert_int_eq(h.count, 5);
    ck_assert_int_eq((int)h.step[4], 50);
    ck_assert_int_eq(h.marks, 1);
    ck_assert_str_eq(h.mark[0].text, "rewind 50");
    add(60, NULL);
    ck_assert_int_eq(h.count, 6);
}
END_TEST

START_TEST(another_model_begins_anew)
{
    memset(&h, 0, sizeof h), snapshot_clear(&s);
    for (int i = 1; i <= 10; i++) add(10 * i, NULL);
    s.model++;
    add(120, NULL);
    ck_assert_int_eq(h.count, 1);
    add(0, NULL);
    ck_assert_int_eq(h.count, 1);
    ck_assert_int_eq((int)h.step[0], 0);
}
END_TEST

SUITE(history)
{
    TCase *t = tcase_create("history");
    tcase_add_test(t, a_rewind_takes_what_came_later_and_leaves_its_mark);
    tcase_add_test(t, another_model_begins_anew);
    suite_add_tcase(suite, t);
}
