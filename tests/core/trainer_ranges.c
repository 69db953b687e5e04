/* The parts of a step as a profiler sees them: each begins and ends in the step, one at a time. Runs
 * with `make check-emu` only: the emulated module writes its ranges to $VANPOOL_EMU_NVTX. */
#include "core/model/part.h"
#include "tests/core/model_rig.h"

#include <unistd.h>

START_TEST(a_profiler_sees_the_parts_of_a_step_one_after_the_other)
{
    char path[300], line[64];
    int seen[PART_COUNT] = {0}, open = 0, lines = 0;
    struct config c = rig_config(_i ? "text" : "orders", "topp", "cuda", "batch=2", NULL);
    unsetenv("VANPOOL_EMU_FAIL");
    setenv("VANPOOL_CUDA_GRAPH", "off", 1);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 1);
    snprintf(path, sizeof path, "%s/ranges", rig_folder());
    unlink(path);
    setenv("VANPOOL_EMU_NVTX", path, 1);
    rig_steps(t, 1);
    unsetenv("VANPOOL_EMU_NVTX");
    FILE *in = fopen(path, "r");
    ck_assert_msg(in, "no range was begun");
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        open += line[0] == '+' ? 1 : -1, lines++;
        ck_assert_msg(open == 0 || open == 1, "line %d: %d ranges are open", lines, open);
        bool known = line[0] == '-';
        for (int i = 0; i < PART_COUNT; i++)
            if (line[0] == '+' && part_names[i] && strcmp(line + 1, part_names[i]) == 0)
                seen[i]++, known = true;
        ck_assert_msg(known, "a range is called '%s'", line + 1);
    }
    fclose(in);
    ck_assert_int_eq(open, 0);
    for (int i = 0; i < PART_COUNT; i++) {
        bool there = i != PART_REST && (i != PART_ATTENTION || _i);
        ck_assert_msg((seen[i] > 0) == there, "part %d: %d ranges", i, seen[i]);
    }
    ck_assert_int_eq(seen[PART_OPTIMISER], 1);
    ck_assert_int_eq(seen[PART_LOSS], 1);
    trainer_close(t);
}
END_TEST

SUITE(trainer_ranges)
{
    if (!getenv("VANPOOL_CUDA")) return;
    TCase *tc = tcase_create("ranges");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_profiler_sees_the_parts_of_a_step_one_after_the_other, 0, 2);
    suite_add_tcase(suite, tc);
}
