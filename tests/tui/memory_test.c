/* tests/tui/memory_test.c - What the screen and the prompt do when there is no memory: each of
 * their allocations fails in turn, and nothing crashes; what fits is shown. */
#include "tests/check.h"
#include "tests/tui/scene.h"
#include "tui/app/inside.h"
#include "tui/app/prefs.h"
#include "tui/prompt/words.h"

#include <unistd.h>

/* The linker puts these in place of the program's own calls (--wrap); libraries keep theirs. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *at, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *at, size_t n);
char *__wrap_strdup(const char *s);

static long left = -1; /* allocations until one fails; -1: none does */
static bool failed;

static bool fails(void)
{
    if (left < 0 || left-- > 0) return false;
    return failed = true;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *at, size_t n)
{
    return fails() ? NULL : __real_realloc(at, n);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

/* ---- what is done ---- */

static struct snapshot now;
static struct history past;

static void open_the_palette(void)
{
    struct palette p = {0};
    palette_open(&p, &now);
    palette_search(&p, "t");
    palette_search(&p, "o");
    palette_move(&p, 3);
    palette_chosen(&p);
    palette_close(&p);
}

static void read_settings(void)
{
    char path[64];
    struct prefs prefs;
    struct text wrong = {0};
    snprintf(path, sizeof path, "/tmp/vanpool-memory-%d.ini", (int)getpid());
    prefs_read(&prefs, path, &wrong);
    text_free(&wrong);
}

static void drop_word(void *to, const char *word)
{
    (void)word;
    ++*(int *)to;
}

static void complete_words(void)
{
    int words = 0;
    words_complete("load /", 6, drop_word, &words);
    words_complete("view ", 5, drop_word, &words);
}

static void draw_and_tell(void)
{
    struct scene s = {.now = &now, .past = &past};
    struct canvas c;
    struct text t = {0};
    if (!canvas_open(&c, 80, 24, CHARSET_BLOCK)) return;
    for (int i = 0; view_at(i); i++) {
        struct frame f = {.view = view_at(i)};
        frame_draw(&c, &s, &f);
        view_at(i)->tell(&t, &s);
        text_clear(&t);
    }
    canvas_write(&c, &t, true);
    text_free(&t);
    canvas_close(&c);
}

static void say_lines(void)
{
    static const char *const lines[] = {"view nothing", "theme ligth", "rooter topp", "help p"};
    struct app *a = __real_calloc(1, sizeof *a);
    a->frame.view = view_at(0);
    for (int i = 0; i < 4; i++) wish_say(a, lines[i], true);
    action_run(a, "explain");
    popup_close(&a->popup);
    text_free(&a->popup.page);
    free(a);
}

static const struct work {
    const char *name;
    void (*does)(void);
    int least; /* it allocates at least so often: the test would else say nothing */
} works[] = {
    {"the palette", open_the_palette, 3},
    {"settings", read_settings, 1},
    {"completion", complete_words, 3},
    {"drawing and telling", draw_and_tell, 2},
    {"lines", say_lines, 2},
};

START_TEST(no_memory_at_any_place_crashes_nothing)
{
    const struct work *w = &works[_i];
    char path[64];
    int i = 0;
    scene_orders(&now);
    scene_past(&past, 400);
    snprintf(path, sizeof path, "/tmp/vanpool-memory-%d.ini", (int)getpid());
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("[screen]\ntheme = nothing\n[keys]\nquitt = x\nx\n", f);
    fclose(f);
    do {
        failed = false;
        left = i++;
        w->does();
        left = -1;
    } while (failed && i < 3000);
    unlink(path);
    ck_assert_msg(!failed, "%s: still fails after %d", w->name, i);
    ck_assert_msg(i > w->least, "%s allocates only %d times", w->name, i - 1);
}
END_TEST

SUITE(memory)
{
    TCase *tc = tcase_create("memory");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, no_memory_at_any_place_crashes_nothing, 0,
                        sizeof works / sizeof *works);
    suite_add_tcase(suite, tc);
}
