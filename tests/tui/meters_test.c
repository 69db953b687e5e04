/* tests/tui/meters_test.c - The engine view on a machine whose GPU can be asked, and with a part of
 * its meters. */
#include "tests/check.h"
#include "tests/tui/golden.h"
#include "tests/tui/scene.h"
#include "tui/views/facts.h"

static struct snapshot now;
static struct history past;

static struct scene with_gpu(void)
{
    scene_orders(&now);
    strcpy(now.backend, "cuda"), strcpy(now.simd, "bf16"), now.threads = 1;
    now.gpu = (struct snap_gpu){.watts = 212.4,
                                .celsius = 61,
                                .megahertz = 1980,
                                .used = 4.13e9,
                                .total = 80e9,
                                .joules = .00341};
    scene_past(&past, 1240);
    return (struct scene){.now = &now, .past = &past};
}

START_TEST(the_engine_shows_what_the_gpu_says_of_itself)
{
    static const int sizes[][2] = {{120, 36}, {80, 24}, {40, 12}};
    struct scene s = with_gpu();
    struct frame f = {.view = view_find("engine", NULL)};
    struct canvas c;
    char name[64];
    ck_assert(canvas_open(&c, sizes[_i][0], sizes[_i][1], CHARSET_BRAILLE));
    frame_draw(&c, &s, &f);
    snprintf(name, sizeof name, "engine-gpu-%dx%d", c.width, c.height);
    golden_compare(name, &c, false);
    canvas_close(&c);
}
END_TEST

static void told(const struct scene *s, const char *sentence, bool there)
{
    struct text out = {0};
    view_find("engine", NULL)->tell(&out, s);
    ck_assert_msg((strstr(text_str(&out), sentence) != NULL) == there, "'%s' %s in:\n%s", sentence,
                  there ? "is not" : "is", text_str(&out));
    text_free(&out);
}

START_TEST(each_meter_is_told_and_one_that_is_unknown_is_told_as_that)
{
    struct scene s = with_gpu();
    told(&s, "draws 212 W.", true);
    told(&s, "takes 0.0034 J", true);
    told(&s, "4.1 GB of 80 GB.", true);
    told(&s, "1980 MHz.", true);
    told(&s, "61 °C warm.", true);
    told(&s, "GPU meters –", false);
    now.gpu.watts = now.gpu.joules = NAN;
    told(&s, "draws – W.", true);
    told(&s, "takes – J", true);
    told(&s, "61 °C warm.", true);
    now.gpu = SNAP_GPU_UNKNOWN;
    told(&s, "the GPU", false);
    told(&s, "GPU meters –", true);
    strcpy(now.backend, "cpu"); /* where there is no GPU nobody misses its meters */
    told(&s, "GPU meters", false);
}
END_TEST

SUITE(meters_views)
{
    TCase *tc = tcase_create("meters");
    tcase_add_loop_test(tc, the_engine_shows_what_the_gpu_says_of_itself, 0, 3);
    tcase_add_test(tc, each_meter_is_told_and_one_that_is_unknown_is_told_as_that);
    suite_add_tcase(suite, tc);
}
